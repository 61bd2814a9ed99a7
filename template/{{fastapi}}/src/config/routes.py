"""Routes: the service document, and `router` of `apps/<domain>/endpoints.py` of every domain."""

from fastapi import APIRouter

from config import domains, identity

router = APIRouter()


@router.get("/")
async def service() -> dict[str, object]:
    """Say what this service is and where its probes are."""
    return identity.document()


for endpoints in domains.modules("endpoints"):
    router.include_router(endpoints.router)
