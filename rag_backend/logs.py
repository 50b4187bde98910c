"""One JSON line per event on stderr. No event holds a question, answer, passage or secret."""

import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import FilteringBoundLogger


def logger(stream: TextIO | None = None) -> FilteringBoundLogger:
    """A logger that writes to `stream`, stderr unless given."""
    log: FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(stream or sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        service="rag_backend",
    )
    return log


class ServerLines(logging.Handler):
    """Passes uvicorn's warnings and errors on, by their fixed text: its arguments may hold input."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        self._log.warning("server", text=str(record.msg).splitlines()[0][:200], exception=kind)
