"""Reads that cost next to nothing when the client has the current version."""

import hashlib
from typing import Annotated, Any

from fastapi import Depends, Header, Response

# What a route that uses this answers besides, for its `responses`.
UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "The client has this version."}}
IfNoneMatch = Annotated[str, Header(include_in_schema=False)]


class Conditional:
    """A request that may name the version that its client has, in `If-None-Match`."""

    def __init__(self, response: Response, if_none_match: IfNoneMatch = "") -> None:
        """Keep the versions; `response` gets the headers of the current one."""
        self._response = response
        self._known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}

    def unchanged(self, *version: object) -> Response | None:
        """Return the answer to a client that has this version, else None."""
        digest = hashlib.sha256("|".join(map(str, version)).encode()).hexdigest()[:32]
        headers = {"ETag": f'W/"{digest}"', "Cache-Control": "private, no-cache"}
        self._response.headers.update(headers)
        if self._known.isdisjoint({"*", f'"{digest}"'}):
            return None
        return Response(status_code=304, headers=headers)


ConditionalRead = Annotated[Conditional, Depends()]
