"""Log lines as one JSON object each, on standard error. No line holds a token, a cookie, a code or a text.

Events are named in snake_case; what a client put into a value is escaped wherever it is not printable.
"""

import json
import logging
import os
import traceback
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import orjson
import structlog

from edge.metrics import Family, Metrics

_STDERR: Final = 2
MAX_VALUE: Final = 256
"""Characters kept of any one value: a user agent may be as long as its sender likes."""


@dataclass(slots=True)
class Written:
    """How many lines there were: `lines` by level, `audited` by event those of the audit, and `lost` that
    could not be written."""

    lines: Counter[str] = field(default_factory=Counter)
    audited: Counter[str] = field(default_factory=Counter)
    lost: int = 0

    def add_to(self, metrics: Metrics) -> None:
        metrics.add(
            Family("chatgate_log_lines_total", "counter", "Lines of the log.", ("level",)), lambda: self.lines
        )
        metrics.add(
            Family("chatgate_log_lines_lost_total", "counter", "Those that could not be written."),
            lambda: self.lost,
        )
        metrics.add(
            Family(
                "chatgate_events_total",
                "counter",
                "Lines of the audit: what was done or refused.",
                ("event",),
            ),
            lambda: self.audited,
        )


class _Lines:
    """What structlog hands a line to. Its own raises where the disk is full or whoever read has gone, so that
    what was done is answered as if it had failed; and in Python's stream such a line stays, and with it the
    error. Written by one call, the lines of several workers do not run into each other."""

    def __init__(self, written: Written) -> None:
        self._written = written

    def info(self, line: bytes) -> None:
        left = line + b"\n"
        try:
            while left:
                left = left[os.write(_STDERR, left) :]
        except OSError:
            self._written.lost += 1

    warning = error = critical = info


class _Handler(logging.Handler):
    """For those of the standard library's loggers."""

    def __init__(self, lines: _Lines) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.info(self.format(record).encode())


def configure(service: str) -> Written:
    """Set up structlog and the standard library's loggers for this process."""
    written = Written()
    lines = _Lines(written)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        _completed(service, written),
    ]
    structlog.configure(
        processors=[*shared, _rendered],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=True,
    )
    handler = _Handler(lines)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_first_line_only, _where_only, *shared],
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


def _first_line_only(
    _logger: Any, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    # What follows in asyncio's own are the objects that it is about, an error's text among them. uvicorn has
    # a traceback for a text where an application does not start.
    event["event"], _, more = str(event["event"]).partition("\n")
    if event["event"].startswith("Traceback "):
        event["error"] = more.rstrip().rpartition("\n")[2].partition(":")[0]
    return event


def _where_only(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    info = event.pop("exc_info", None)
    if isinstance(info, tuple) and info[1] is not None:
        event["error"] = where(info[1])
    return event


def _rendered(_logger: Any, _method: str, event: structlog.typing.EventDict) -> bytes:
    try:
        line = orjson.dumps(event, default=repr)
    except orjson.JSONEncodeError:
        # Half a character, say, or a number of more than 64 bits.
        return json.dumps(event, default=repr).encode()
    if line.isascii():
        return line
    # U+009B begins a command to a terminal as ESC [ does, and U+202E turns round what follows it.
    letters = line.decode()
    return "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in letters).encode()


def _as_text(logger: Any, method: str, event: structlog.typing.EventDict) -> str:
    return _rendered(logger, method, event).decode()
