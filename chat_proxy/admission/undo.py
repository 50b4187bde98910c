"""Places that an outage of Redis left taken, given back once Redis answers again."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from edge.redis.client import Command, Store, StoreUnavailable

OWED_FOR: Final = 60.0
"""Seconds for which a stalled server may still wake and run the commands that it was sent."""
MAX_OWED: Final = 1000
"""Undo entries that are remembered; beyond it the oldest is dropped, and its lease expires by itself."""
TOGETHER: Final = 50
"""Entries in one flight: the renewals of running answers wait until all are settled."""


@dataclass(frozen=True, slots=True)
class _Owed:
    """Commands still to be run; after `expires_at` (monotonic seconds) they are pointless."""

    expires_at: float
    commands: Sequence[Command]


class Undo:
    """`clock` is monotonic seconds."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._owed: deque[_Owed] = deque(maxlen=MAX_OWED)

    def add(self, since: float, commands: Sequence[Command]) -> None:
        self._owed.append(_Owed(since + OWED_FOR, commands))

    async def settle(self) -> bool:
        """Run the commands that are owed; False while Redis still gives no answer."""
        while self._owed:
            owed = list(islice(self._owed, TOGETHER))
            due = [one for entry in owed if self._clock() < entry.expires_at for one in entry.commands]
            if due:
                try:
                    await self._store.run(*due)
                except StoreUnavailable:
                    return False
            # `add` may have dropped the oldest of them meanwhile.
            while self._owed and any(self._owed[0] is entry for entry in owed):
                self._owed.popleft()
        return True
