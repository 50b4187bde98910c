"""`python -m chatgate.stack.index_vectors INDEX` makes the vectors that the index lacks, beside a stack that
answers by words meanwhile. Exit code 0: the index has them, or the log says why it does not."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog
from structlog.typing import FilteringBoundLogger

from edge.telemetry import logs
from rag_backend.book.docusaurus.site import BookError
from rag_backend.book.pages import Progress
from rag_backend.config import ConfigError, embedding_from_environment
from rag_backend.search import index
from rag_backend.search.index import IndexUnavailable

NICENESS: Final = 10
"""Questions are answered first; the rest of the processor is enough."""
TOLD_EVERY: Final = 300.0
"""Seconds. The log is the stack's, and a large book takes an hour."""


def main() -> None:
    os.nice(NICENESS)
    logs.configure("index")
    log: FilteringBoundLogger = structlog.get_logger()
    begun = time.monotonic()
    try:
        if (model := embedding_from_environment()) is not None:
            index.complete(Path(sys.argv[1]), model, told(log, time.monotonic))
            log.info("index_has_vectors", seconds=round(time.monotonic() - begun, 1))
    except (BookError, ConfigError, IndexUnavailable) as error:
        log.warning("index_without_vectors", detail=str(error), answers="by words")


def told(log: FilteringBoundLogger, clock: Callable[[], float]) -> Progress:
    """Logs the number of passages, then the time that the rest will take, once some are done and at
    intervals."""
    begun = clock()
    last: float | None = None

    def tell(done: int, total: int) -> None:
        nonlocal begun, last
        now = clock()
        if not done:
            begun = now
            log.info("making_vectors", passages=total)
        elif done < total and (last is None or now - last >= TOLD_EVERY):
            last = now
            left = (now - begun) / done * (total - done)
            log.info("making_vectors", passages=total, made=done, seconds_left=round(left))

    return tell


if __name__ == "__main__":
    main()
