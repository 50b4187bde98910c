"""Log lines as one JSON object each: the audit on standard output, or in a file of its own, all others on
standard error. No line holds a token, a cookie, a code or a message text.

Events are named in snake_case; characters of a client's value that are not printable are escaped.
"""

import json
import logging
import os
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import orjson
import structlog

from edge.telemetry.audit_file import AuditFile
from edge.telemetry.metrics import Family, Metrics

_STDOUT: Final = 1
_STDERR: Final = 2
request_id: Final = ContextVar[str | None]("request_id", default=None)
"""The id in every line of a context. structlog looks for its own variables among all of the context's."""
MAX_VALUE: Final = 256
"""Characters kept of any one value: a client can send a user agent of any length."""


@dataclass(slots=True)
class Written:
    """Counts of lines: `lines` by level, `audited` those of the audit by event, and `lost` those that could
    not be written."""

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
    """The logger that structlog writes to. Its default one raises where the disk is full or the pipe's reader
    has gone, so that a completed request would be answered as failed; and Python's stream keeps such a line,
    and with it the error. Each line is written by one call, so that the lines of several workers do not
    mix."""

    def __init__(self, written: Written, audit: AuditFile | None) -> None:
        self._written = written
        self._audit = (lambda line: _write(_STDOUT, line)) if audit is None else audit.write

    def info(self, line: bytes, *, is_audit: bool = False) -> None:
        text = line + b"\n"
        if is_audit:
            # A line that cannot be written to the audit goes to the log rather than being lost.
            with suppress(OSError):
                self._audit(text)
                return
        try:
            _write(_STDERR, text)
        except OSError:
            self._written.lost += 1

    warning = error = critical = info


def _write(fd: int, line: bytes) -> None:
    left = line
    while left:
        left = left[os.write(fd, left) :]


class _Handler(logging.Handler):
    """Writes the lines of the standard library's loggers."""

    def __init__(self, lines: _Lines) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.info(self.format(record).encode())


_write_audited: Callable[[dict[str, Any]], None] | None = None


def audit(event: str, **fields: str | int | bool | None) -> None:
    """Write one line of the audit, past the layers of structlog: there is one for every question and token,
    and they would cost more than the line itself."""
    if _write_audited is None:
        structlog.get_logger().info(event, audit=True, **fields)
    else:
        _write_audited({"audit": True, **fields, "event": event})


def configure(service: str, audit_file: Path | None = None) -> Written:
    """Set up structlog and the standard library's loggers for this process. Raises CannotAudit."""
    written = Written()
    lines = _Lines(written, None if audit_file is None else AuditFile(audit_file))
    completed = _completed(service, written)
    shared: list[structlog.typing.Processor] = [completed]

    def write_audited(event: dict[str, Any]) -> None:
        completed(None, "info", event)
        lines.info(_rendered(None, "info", event), is_audit=True)

    # As structlog's own configuration: one for the process.
    global _write_audited
    _write_audited = write_audited
    structlog.configure(
        processors=[*shared, _as_line],
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
    """The type of an error and the place where it was raised. Its text may hold input, so it is left out."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name}" if frames else ""
    return f"{type(error).__name__}{place}"


def _completed(service: str, written: Written) -> structlog.typing.Processor:
    """One processor does it all, as each further one is one more call for the line of every question."""

    def complete(_logger: Any, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        for name, value in event.items():
            if isinstance(value, str) and len(value) > MAX_VALUE:
                event[name] = value[:MAX_VALUE] + "…"
        asked_by = request_id.get()
        if asked_by is not None:
            event["request_id"] = asked_by
        level = "error" if method == "exception" else method
        event["level"] = level
        seconds, microseconds = divmod(time.time_ns() // 1000, 1_000_000)
        event["timestamp"] = f"{_second(seconds)}.{microseconds:06}Z"
        event["service"] = service
        written.lines[level] += 1
        if event.get("audit"):
            written.audited[event["event"]] += 1
        return event

    return complete


@lru_cache(maxsize=2)
def _second(since_epoch: int) -> str:
    return datetime.fromtimestamp(since_epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _first_line_only(
    _logger: Any, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    # The further lines of asyncio's messages describe the objects involved, an error's text among them.
    # uvicorn logs a traceback as the message when an application does not start.
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
        # A lone surrogate, for example, or a number of more than 64 bits.
        return json.dumps(event, default=repr).encode()
    if line.isascii():
        return line
    # U+009B begins a terminal command as ESC [ does, and U+202E reverses the text that follows it.
    letters = line.decode()
    return "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in letters).encode()


def _as_line(logger: Any, method: str, event: structlog.typing.EventDict) -> dict[str, Any]:
    """The event as arguments for `_Lines`."""
    return {"line": _rendered(logger, method, event), "is_audit": bool(event.get("audit"))}


def _as_text(logger: Any, method: str, event: structlog.typing.EventDict) -> str:
    return _rendered(logger, method, event).decode()
