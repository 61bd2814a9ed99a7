"""Which format is answered: JSON, whatever the client would rather have."""

from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request


class JSONNegotiation(DefaultContentNegotiation):
    """Ignores `Accept`."""

    def select_renderer(self, request: Request, renderers: Any, *_: Any, **__: Any) -> Any:
        """Return the only one there is."""
        return renderers[0], renderers[0].media_type
