"""The probes, answered before hosts, load or the database matter."""

import asyncio

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from config import problems
from config.middleware import Middleware
from health import probes
from health.checks import monitor
from observability import logging, request_id


class ProbeMiddleware(Middleware):
    """Answers /live, /ready and /health; everything else goes on."""

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the probe, or pass the request on."""
        probe = probes.probe_of(scope["path"])
        if probe is None:
            await self.app(scope, receive, send)
            return
        identifier = request_id.accept(Headers(scope=scope).get(request_id.HEADER))
        if scope["method"] in {"GET", "HEAD"}:
            status, body = await self._answer(probe)
            response = JSONResponse(body, status, probes.HEADERS)
        else:
            logging.bind_request(identifier)
            response = problems.response(405, {"Allow": "GET, HEAD"})
        response.headers[request_id.HEADER] = identifier
        await response(scope, receive, send)

    async def _answer(self, probe: str) -> probes.Answer:
        if probe == probes.LIVE:
            return probes.live()
        report = monitor.latest()
        if report is None:
            report = await asyncio.to_thread(monitor.report)
        return probes.answer(probe, report)
