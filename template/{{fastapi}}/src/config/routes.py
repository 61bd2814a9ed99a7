"""Routes: what is everybody's, accounts, and `router` of `apps/<domain>/endpoints.py`."""

from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.routing import APIRoute
from fastapi.utils import generate_unique_id
from starlette.convertors import UUIDConvertor, register_url_convertor

from accounts import endpoints as accounts
from config import docs_page, documents, domains, validation
from config.errors import NotFoundError

SWAGGER = Path(str(files("fastapi_offline") / "static"))
router = APIRouter(tags=["service"])
docs = APIRouter(prefix="/api", include_in_schema=False)


class _IdConvertor(UUIDConvertor):
    """An id as it is written: the framework's own would let its hyphens be left out."""

    regex = validation.UUID.strip("^$")


register_url_convertor("uuid", _IdConvertor())


@router.get("/")
async def get_service() -> dict[str, Any]:
    """Say what this service is and where its probes are."""
    return documents.service()


@router.get("/api/config")
async def get_config(response: Response) -> dict[str, Any]:
    """Tell the settings that a client may know."""
    response.headers.update(documents.CACHED)
    return documents.client_settings()


@docs.get("/schema")
async def get_schema(request: Request) -> JSONResponse:
    """Return the OpenAPI document."""
    return JSONResponse(request.app.openapi())


@docs.get("/docs")
async def get_docs() -> HTMLResponse:
    """Show the document as a page."""
    return HTMLResponse(docs_page.page(SWAGGER))


@docs.get("/docs/{asset}")
async def get_asset(asset: str) -> Response:
    """Return a file of the page."""
    if (found := docs_page.assets(SWAGGER).get(asset)) is None:
        raise NotFoundError
    content, kind = found
    return Response(content, media_type=kind, headers=docs_page.FOR_EVER)


def operation_id(route: APIRoute) -> str:
    """Return what generated clients call the operation; names differ within a tag."""
    return f"{route.tags[0]}_{route.name}" if route.tags else generate_unique_id(route)


def register(app: FastAPI, *, with_docs: bool) -> None:
    """Add all routes to the application."""
    app.include_router(router)
    if with_docs:
        app.include_router(docs)
    for endpoints in (accounts, *domains.modules("endpoints")):
        app.include_router(endpoints.router)
