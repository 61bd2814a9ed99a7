"""The shapes that lists have, and where a list is, for the links of `config.pagination`."""

from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Request

from config.schemas import Output

T = TypeVar("T")


async def _place(request: Request) -> dict[str, Any]:
    return {"path": request.url.path, "parameters": request.query_params.items()}


Place = Annotated[dict[str, Any], Depends(_place)]


class Slice(Output, Generic[T]):
    """A part of a list, and the addresses of its neighbours."""

    next: str | None
    previous: str | None
    results: list[T]


class Page(Output, Generic[T]):
    """A numbered page of a list; `count` is of all its rows, or 10,000 for as many or more."""

    count: int
    next: str | None
    previous: str | None
    results: list[T]
