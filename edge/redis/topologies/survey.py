"""Asks several servers the same question; some of them may be dead, silent or out of date."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final, TypeVar

from edge.redis.commands import StoreUnavailable

PATIENCE: Final = 0.05
"""Seconds that the other servers have once the first has answered."""
ANEW_AFTER: Final = 5.0
"""Seconds after which an older answer is believed, if no server gave a newer one meanwhile: the server that
gave the newer one is gone for good, or all servers were set up anew."""

Answer = TypeVar("Answer")


async def survey(questions: Iterable[Coroutine[Any, Any, Answer]]) -> list[Answer]:
    """The answers that came. Raises StoreUnavailable if none did; each question has its own deadline."""
    loop = asyncio.get_running_loop()
    pending = {asyncio.create_task(one) for one in questions}
    answers: list[Answer] = []
    until: float | None = None
    try:
        while pending:
            rest = None if until is None else max(0.0, until - loop.time())
            done, pending = await asyncio.wait(pending, timeout=rest, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                break
            for task in done:
                error = task.exception()
                if error is None:
                    answers.append(task.result())
                elif not isinstance(error, StoreUnavailable):
                    raise error
            if answers and until is None:
                until = loop.time() + PATIENCE
    finally:
        for task in pending:
            task.cancel()
    if not answers:
        raise StoreUnavailable("no server knows where the store is")
    return answers


class Newest:
    """Ranks the answers of servers. An older answer does not replace a newer one: its server is out of date.

    `clock` is monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._rank: Any = None
        self._older_since: float | None = None

    def counts(self, rank: Any) -> bool:
        """Return True if the best answer of a survey, which has this rank, is to be believed."""
        if self._rank is not None and rank < self._rank and not self._is_forgotten():
            return False
        self._rank = rank
        self._older_since = None
        return True

    def _is_forgotten(self) -> bool:
        now = self._clock()
        if self._older_since is None:
            self._older_since = now
        return now - self._older_since >= ANEW_AFTER
