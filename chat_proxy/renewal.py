"""Renews the leases of all running answers in one batch, with every check made again.

The guarantee behind the pub/sub message: no answer outlives its session by more than EVERY, or the last sure
word about it by more than TRUSTED.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from chat_proxy.admission import Admission, Renewed
from chat_proxy.answers import Answers, Running
from chat_proxy.failures import SESSION_ENDED, UNSURE, Failure
from edge import logs
from edge.store import StoreUnavailable

EVERY: Final = 3.0
AGAIN: Final = 0.5
"""Seconds until the next attempt after one that failed."""
TRUSTED: Final = 8.0
"""Seconds for which the last renewal counts: the stream ends before its lease of 10 s does."""
BATCH: Final = 100
"""Leases to a flight, which then takes the server some 5 ms."""

_log = structlog.get_logger()
_ENDS: Final[dict[Renewed, Failure]] = {Renewed.DEAD: SESSION_ENDED, Renewed.EXPIRED: UNSURE}


class Renewal:
    """`clock` is monotonic seconds."""

    def __init__(self, admission: Admission, answers: Answers, clock: Callable[[], float]) -> None:
        self._admission = admission
        self._answers = answers
        self._clock = clock
        self._asked = asyncio.Event()

    def soon(self) -> None:
        """Renew now instead of at the next turn: something may have been missed."""
        self._asked.set()

    async def run(self) -> None:
        wait = EVERY
        while True:
            try:
                async with asyncio.timeout(wait):
                    await self._asked.wait()
            except TimeoutError:
                pass
            self._asked.clear()
            sure = await self._renew()
            wait = EVERY if await self._settle() and sure else AGAIN

    async def _settle(self) -> bool:
        try:
            return await self._admission.settle()
        except Exception as error:
            _log.error("settling_failed", error=logs.where(error))
            return False

    async def _renew(self) -> bool:
        """Whether Redis gave a sure answer for all of them."""
        running = [one for one in self._answers.all() if one.grant is not None and one.failure is None]
        sure = True
        for start in range(0, len(running), BATCH):
            sure = await self._renew_batch(running[start : start + BATCH]) and sure
        now = self._clock()
        for one in running:
            # An answer that was given back meanwhile has no failure to hear of.
            if now - one.renewed_at >= TRUSTED:
                one.end(UNSURE)
        return sure

    async def _renew_batch(self, running: list[Running]) -> bool:
        asked_at = self._clock()
        try:
            verdicts = await self._admission.renew([one.grant for one in running if one.grant is not None])
        except StoreUnavailable:
            return False
        except Exception as error:
            # A defect here must not end the renewing of everybody; without renewals all answers end soon.
            _log.error("renewal_failed", error=logs.where(error))
            return False
        for one, verdict in zip(running, verdicts, strict=True):
            if verdict is Renewed.RENEWED:
                one.renewed_at = asked_at
            else:
                one.end(_ENDS[verdict])
        return True
