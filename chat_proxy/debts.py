"""What trouble of the store left taken, to be given back once it answers again."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from edge.store import Command, Store, StoreUnavailable

OWED_FOR: Final = 60.0
"""Seconds for which a silent server may still wake and run what was sent to it."""
MAX_OWED: Final = 1000
"""Debts that are remembered; beyond it the oldest expires by itself."""


@dataclass(frozen=True, slots=True)
class _Owed:
    """Commands that are still to be run, of use until `expires_at` (monotonic seconds)."""

    expires_at: float
    commands: Sequence[Command]


class Debts:
    """`clock` is monotonic seconds."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._owed: deque[_Owed] = deque(maxlen=MAX_OWED)

    def add(self, since: float, commands: Sequence[Command]) -> None:
        self._owed.append(_Owed(since + OWED_FOR, commands))

    async def settle(self) -> bool:
        """False while the store is still in trouble."""
        while self._owed:
            owed = self._owed[0]
            if self._clock() < owed.expires_at:
                try:
                    await self._store.run(*owed.commands)
                except StoreUnavailable:
                    return False
            if self._owed and self._owed[0] is owed:
                self._owed.popleft()
        return True
