"""The same question to several servers, of which some may be dead, silent or behind the times."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, Final, TypeVar

from edge.commands import StoreUnavailable

PATIENCE: Final = 0.05
"""Seconds that the others have once the first has answered."""

Answer = TypeVar("Answer")


async def survey(questions: Iterable[Coroutine[Any, Any, Answer]]) -> list[Answer]:
    """The answers that came. Raises StoreUnavailable if none did; each question sees to its own deadline."""
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
