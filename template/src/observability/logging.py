"""One formatter for every line: the application's, the server's, warnings and crashes."""

import logging
import os
import sys
import threading
from dataclasses import asdict
from types import TracebackType
from typing import Any

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor

from config import identity
from config.environment import Environment
from observability.figures import SLOW_REQUEST_MS, Figures
from observability.levels import LEVELS

log = structlog.stdlib.get_logger("request")


def configure(settings: Environment) -> None:
    """Send every log record of this process to stdout, as JSON or for a console."""

    def identify(_logger: object, _method: str, event: EventDict) -> EventDict:
        who = {"service": identity.NAME, "version": identity.VERSION, "pid": os.getpid()}
        where = {"environment": settings.environment, "role": settings.service_role}
        return {**event, **who, **where}

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        _withhold,
    ]
    end: list[Processor] = [
        structlog.dev.ConsoleRenderer(
            colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    ]
    if settings.log_format == "json":
        end = [
            identify,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(default=str),
        ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *(step for step in shared if not isinstance(step, structlog.stdlib.ExtraAdder)),
            ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    steps = [ProcessorFormatter.remove_processors_meta, *end]
    handler.setFormatter(ProcessorFormatter(foreign_pre_chain=shared, processors=steps))
    level, levels = settings.log_level or "INFO", logging.getLevelNamesMapping()
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name, floor in LEVELS.items():
        logging.getLogger(name).setLevel(max(level, floor, key=levels.__getitem__))
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda crash: _uncaught(*crash[:3])


def _withhold(_logger: object, _method: str, event: EventDict) -> EventDict:
    # A framework may attach the request, whose text has the query and what is secret in it.
    event.pop("request", None)
    if str(event.get("event", "")).startswith("Invalid request from"):
        event["event"] = "Invalid request"  # gunicorn quotes it, whatever is in it
    event.pop("color_message", None)  # a server's line a second time, with escapes
    return event


def _uncaught(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt | SystemExit):
        return
    logging.getLogger("crash").critical(
        "uncaught exception", exc_info=(kind, error, trace) if error else None
    )


def bind_request(request_id: str) -> None:
    """Forget the request before this one and put the new id into every line."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)


def request_finished(figures: Figures, **event: Any) -> None:
    """Write the one line of a request; a warning above `SLOW_REQUEST_MS` and for 5xx."""
    event["status"] = int(event["status"])
    notable = event["duration_ms"] > SLOW_REQUEST_MS or event["status"] >= 500
    say = log.warning if notable else log.info
    say("request_finished", **event, **asdict(figures) | {"db_ms": round(figures.db_ms, 1)})
