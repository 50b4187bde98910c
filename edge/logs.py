"""Log lines as one JSON object each, on standard error. No line holds a token, a cookie, a code or a text.

Events are named in snake_case; JSON escapes whatever a client put into a value.
"""

import logging
import sys
import traceback
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import orjson
import structlog

MAX_VALUE: Final = 256
"""Characters kept of any one value: a user agent may be as long as its sender likes."""


@dataclass(frozen=True, slots=True)
class Written:
    """How many lines were written: `lines` by level, and `audited` by event those of the audit."""

    lines: Counter[str] = field(default_factory=Counter)
    audited: Counter[str] = field(default_factory=Counter)


def configure(service: str) -> Written:
    """Set up structlog and the standard library's loggers for this process."""
    written = Written()
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        _completed(service, written),
    ]
    structlog.configure(
        processors=[*shared, _rendered],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_where_only, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _as_text],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    return written


def where(error: BaseException) -> str:
    """The type of an error and the place of its raising. Its text may hold input, so it is left out."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name}" if frames else ""
    return f"{type(error).__name__}{place}"


def _completed(service: str, written: Written) -> structlog.typing.Processor:
    """All in one, as each processor more is one more call for the line that every question has."""

    def complete(_logger: Any, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        for name, value in event.items():
            if isinstance(value, str) and len(value) > MAX_VALUE:
                event[name] = value[:MAX_VALUE] + "…"
        level = "error" if method == "exception" else method
        event["level"] = level
        event["timestamp"] = f"{datetime.now(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
        event["service"] = service
        written.lines[level] += 1
        if event.get("audit"):
            written.audited[event["event"]] += 1
        return event

    return complete


def _where_only(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    info = event.pop("exc_info", None)
    if isinstance(info, tuple) and info[1] is not None:
        event["error"] = where(info[1])
    return event


def _rendered(_logger: Any, _method: str, event: structlog.typing.EventDict) -> bytes:
    return orjson.dumps(event, default=repr)


def _as_text(_logger: Any, _method: str, event: structlog.typing.EventDict) -> str:
    return orjson.dumps(event, default=repr).decode()
