"""A queue for a scarce resource, fair to each address, and to each account at that address."""

import asyncio
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final

MAX_WAITING: Final = 512
"""Waiting turns in all. Beyond it, an address displaces the latest turn of the one with the most."""
MAX_OF_ADDRESS: Final = 128
"""Waiting turns of one address: a school behind one address signs in at nine o'clock."""
MAX_OF_ASKER: Final = 8
"""Waiting turns of one asker: as many as a person has devices."""


class NoTurn(Exception):
    """The asker has as many turns waiting as it may have, or its turn did not come in time."""


@dataclass(frozen=True, slots=True)
class Asker:
    """A network and an account: both, so that a client elsewhere cannot take the turns of an account."""

    address: str = ""
    account: str = ""


@dataclass(slots=True)
class _Address:
    count: int = 0
    accounts: OrderedDict[str, deque[asyncio.Future[None]]] = field(default_factory=OrderedDict)


class Turns:
    """`places` run at once; `limit`, `of_address` and `of_asker` may wait. Addresses take turns, and so do
    the accounts of each: a wait grows with the number of askers, not with how much one of them asks."""

    def __init__(
        self,
        places: int,
        *,
        limit: int = MAX_WAITING,
        of_address: int = MAX_OF_ADDRESS,
        of_asker: int = MAX_OF_ASKER,
    ) -> None:
        self._places = places
        self._limit = limit
        self._of_address = of_address
        self._of_asker = of_asker
        self._addresses: OrderedDict[str, _Address] = OrderedDict()
        self.waiting = 0
        self.running = 0

    async def take(self, asker: Asker, within: float) -> None:
        """Wait for a place, at most `within` seconds; the caller must `give_back` it. Raises NoTurn."""
        if self.running < self._places:
            self.running += 1
            return
        turn = self._enter(asker)
        try:
            async with asyncio.timeout(within):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                # The turn came at the moment when the wait ended.
                self.give_back()
            else:
                self._leave(asker, turn)
            if isinstance(error, TimeoutError):
                raise NoTurn from None
            raise

    def give_back(self) -> None:
        """Give the place to the next in turn."""
        while (turn := self._next()) is not None:
            if not turn.done():
                turn.set_result(None)
                return
        self.running -= 1

    def refuse_all(self) -> None:
        while (turn := self._next()) is not None:
            if not turn.done():
                turn.set_exception(NoTurn())

    def _enter(self, asker: Asker) -> asyncio.Future[None]:
        address = self._addresses.get(asker.address) or _Address()
        queue = address.accounts.get(asker.account) or deque()
        if len(queue) >= self._of_asker or address.count >= self._of_address:
            raise NoTurn
        if self.waiting >= self._limit:
            self._make_room(address.count)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._addresses.setdefault(asker.address, address)
        address.accounts.setdefault(asker.account, queue).append(turn)
        address.count += 1
        self.waiting += 1
        return turn

    def _make_room(self, held: int) -> None:
        """Refuse the latest turn of the address with the most. Raises NoTurn if none has more than `held`."""
        name, most = max(self._addresses.items(), key=lambda one: one[1].count)
        if most.count <= held + 1:
            raise NoTurn
        account, queue = max(most.accounts.items(), key=lambda one: len(one[1]))
        latest = queue[-1]
        self._leave(Asker(name, account), latest)
        if not latest.done():
            latest.set_exception(NoTurn())

    def _next(self) -> asyncio.Future[None] | None:
        if not self._addresses:
            return None
        name, address = next(iter(self._addresses.items()))
        account, queue = next(iter(address.accounts.items()))
        turn = queue[0]
        self._addresses.move_to_end(name)
        address.accounts.move_to_end(account)
        self._leave(Asker(name, account), turn)
        return turn

    def _leave(self, asker: Asker, turn: asyncio.Future[None]) -> None:
        address = self._addresses.get(asker.address)
        queue = address.accounts.get(asker.account) if address is not None else None
        if address is None or queue is None or turn not in queue:
            return
        queue.remove(turn)
        address.count -= 1
        self.waiting -= 1
        if not queue:
            del address.accounts[asker.account]
        if not address.accounts:
            del self._addresses[asker.address]
