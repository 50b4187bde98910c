"""Renews the leases of all running answers in batches, and repeats the checks of their admission.

It backs the pub/sub message with a guarantee: no answer outlives its session by more than EVERY, or Redis'
last sure answer about it by more than TRUSTED.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Final

import structlog

from chat_proxy.admission.admission import Admission, Renewed
from chat_proxy.failures import SESSION_ENDED, UNSURE, Failure
from chat_proxy.streams.running import RunningAnswer, RunningAnswers
from edge.redis.client import StoreUnavailable
from edge.telemetry import logs

EVERY: Final = 3.0
AGAIN: Final = 0.5
"""Seconds until the next attempt after a failed one, between two searches for leases that end, and for which
a renewal waits for the sites' Better Auth servers."""
TRUSTED: Final = 8.0
"""Seconds for which the last renewal counts: the stream ends before its lease of 10 s does."""
BATCH: Final = 100
"""Leases in one flight, which takes the server some 5 ms."""

_log = structlog.get_logger()
_ENDS: Final[dict[Renewed, Failure]] = {Renewed.DEAD: SESSION_ENDED, Renewed.EXPIRED: UNSURE}


class Leases:
    """`clock` is monotonic seconds; the leases are renewed once in `every` seconds."""

    def __init__(
        self,
        admission: Admission,
        answers: RunningAnswers,
        clock: Callable[[], float],
        every: float = EVERY,
    ) -> None:
        self._every = every
        self._admission = admission
        self._answers = answers
        self._clock = clock
        self._asked = asyncio.Event()
        self._asking: dict[str, asyncio.Task[bool]] = {}

    def soon(self) -> None:
        """Renew now instead of at the next turn: a revocation may have been missed."""
        self._asked.set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as together:
            together.create_task(self._keep_renewing(together))
            together.create_task(self._keep_ending())

    async def _keep_ending(self) -> None:
        """End answers without a recent renewal. A task of its own, because a renewal may wait for Redis
        longer than the lease lasts."""
        while True:
            await asyncio.sleep(AGAIN)
            now = self._clock()
            for one in self._held():
                # For an answer that was released meanwhile `end` changes nothing: it waits no more.
                if now - one.renewed_at >= TRUSTED:
                    one.end(UNSURE)

    async def _keep_renewing(self, together: asyncio.TaskGroup) -> None:
        wait = self._every
        while True:
            try:
                async with asyncio.timeout(wait):
                    await self._asked.wait()
            except TimeoutError:
                pass
            self._asked.clear()
            sure = await self._renew(together)
            wait = self._every if await self._settle() and sure else AGAIN

    async def _settle(self) -> bool:
        try:
            return await self._admission.settle()
        except Exception as error:
            _log.error("settling_failed", error=logs.where(error))
            return False

    async def _renew(self, together: asyncio.TaskGroup) -> bool:
        """Renew all leases; return True if Redis gave a sure answer for all of them that were waited for."""
        by_asked: dict[str | None, list[RunningAnswer]] = defaultdict(list)
        for one in self._held():
            by_asked[_asked_there(one)].append(one)
        others = by_asked.pop(None, [])
        for site, running in by_asked.items():
            # A task of its own, because a site's Better Auth server may be silent for longer than the leases
            # of the other answers last. While it is, its own answers wait, and end if it stays silent.
            if site is not None and site not in self._asking:
                self._asking[site] = task = together.create_task(self._renew_batches(running))
                task.add_done_callback(lambda _, site=site: self._asking.pop(site))  # type: ignore[misc]
        sure = await self._renew_batches(others)
        if self._asking:
            done, _ = await asyncio.wait(self._asking.values(), timeout=AGAIN)
            sure = all([sure, *(task.result() for task in done)])
        return sure

    async def _renew_batches(self, running: list[RunningAnswer]) -> bool:
        sure = True
        for start in range(0, len(running), BATCH):
            sure = await self._renew_batch(running[start : start + BATCH]) and sure
        return sure

    def _held(self) -> list[RunningAnswer]:
        """The answers that have a lease and have not failed."""
        return [one for one in self._answers.all() if one.grant is not None and one.failure is None]

    async def _renew_batch(self, running: list[RunningAnswer]) -> bool:
        asked_at = self._clock()
        try:
            verdicts = await self._admission.renew([one.grant for one in running if one.grant is not None])
        except StoreUnavailable:
            return False
        except Exception as error:
            # A defect here must not end the renewing task: without renewals all answers end within TRUSTED.
            _log.error("renewal_failed", error=logs.where(error))
            return False
        for one, verdict in zip(running, verdicts, strict=True):
            if verdict is Renewed.RENEWED:
                one.renewed_at = asked_at
            elif verdict in _ENDS:
                one.end(_ENDS[verdict])
        return True


def _asked_there(one: RunningAnswer) -> str | None:
    """The site whose Better Auth server vouches for the session of an answer, if one does."""
    is_vouched_for = one.grant is not None and one.grant.reference is not None
    return one.caller.site.client_id if is_vouched_for else None
