"""How often one address or one account may try to sign in."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from broker.errors import too_many
from edge.client_address import bucket
from edge.settings import SignIn

MINUTE_MS: Final = 60_000
QUARTER_MS: Final = 900_000
HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """At most `limit` in a window of `window_ms` that begins with the first."""

    name: str
    limit: int
    window_ms: int


class Rates(Protocol):
    async def look(self, allowances: Sequence[Allowance]) -> int | None:
        """None when each has room for one more, else the milliseconds until all have."""

    async def spend(self, allowances: Sequence[Allowance]) -> int | None:
        """As `look`, and one is taken from each that has room."""


@dataclass(frozen=True, slots=True)
class SignInRates:
    """The limits of DESIGN's table. Wrong passwords are counted, right ones are not: a reader who knows
    theirs is never kept out by the address they share, short of a flood."""

    rates: Rates
    limits: SignIn

    async def admit(self, address: str | None, email: str) -> None:
        """Before a password is looked at. Raises Problem 429."""
        network = bucket(address)
        _require(
            await self.rates.spend(
                [Allowance(f"attempts:{network}", self.limits.attempts_per_address, MINUTE_MS)]
            )
        )
        _require(await self.rates.look(self._failures(network, email)))

    async def failed(self, address: str | None, email: str) -> None:
        """After a wrong password, or one for an address that nobody has."""
        await self.rates.spend(self._failures(bucket(address), email))

    async def sign_up(self, address: str | None) -> None:
        """Before an account or a guest is made. Raises Problem 429."""
        allowance = Allowance(f"sign-ups:{bucket(address)}", self.limits.sign_ups_per_address, HOUR_MS)
        _require(await self.rates.spend([allowance]))

    def _failures(self, network: str, email: str) -> list[Allowance]:
        # By account and address together, so that nobody is locked out of their account by somebody else;
        # hashed, so that Redis holds no address book.
        account = hashlib.sha256(email.encode()).hexdigest()[:32]
        return [
            Allowance(f"failures:{network}", self.limits.failures_per_address, QUARTER_MS),
            Allowance(f"failures:{network}:{account}", self.limits.failures_per_account, QUARTER_MS),
        ]


def _require(wait_ms: int | None) -> None:
    if wait_ms is not None:
        raise too_many(math.ceil(wait_ms / 1000), "Too many attempts. Try again later.")
