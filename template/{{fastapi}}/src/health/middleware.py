"""The probes and the metrics, answered before hosts, load or the database matter."""

import asyncio

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from config import problems
from config.errors import NotAuthenticatedError
from config.middleware import Middleware
from health import probes
from health.checks import monitor
from observability import logging, metrics, request_id
from observability.middleware import frame


class ProbeMiddleware(Middleware):
    """Answers /live, /ready, /health and /metrics; everything else goes on."""

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the probe, or pass the request on."""
        probe = probes.probe_of(scope["path"])
        if probe is None and scope["path"] != metrics.PATH:
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        identifier = request_id.accept(headers.get(request_id.HEADER))
        if scope["method"] not in {"GET", "HEAD"}:
            logging.bind_request(identifier)
            response: Response = problems.response(405, {"Allow": "GET, HEAD"})
        elif probe is None:
            logging.bind_request(identifier)
            response = await _metrics(headers.get("authorization"))
        else:
            status, body = await self._answer(probe)
            response = JSONResponse(body, status, probes.HEADERS)
        frame(scope, response.headers, identifier)
        await response(scope, receive, send)

    async def _answer(self, probe: str) -> probes.Answer:
        if probe == probes.LIVE:
            return probes.live()
        report = monitor.latest()
        if report is None:
            report = await asyncio.to_thread(monitor.report)
        return probes.answer(probe, report)


async def _metrics(authorization: str | None) -> Response:
    if not metrics.may_scrape(authorization):
        return problems.refusal(NotAuthenticatedError())
    text, kind = await asyncio.to_thread(metrics.scrape)
    return Response(text, media_type=kind, headers=probes.HEADERS)
