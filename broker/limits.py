"""Rate limits: sign-ins and tokens of an address or account, and a reader's looks at their sessions."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from broker.errors import too_many
from edge.config.schema import SignIn
from edge.http.client_address import UNKNOWN, bucket

MINUTE_MS: Final = 60_000
QUARTER_MS: Final = 900_000
HOUR_MS: Final = 3_600_000
SESSION_LISTS: Final = 120
"""For one reader in a minute: ending fifty sessions, with a look at the list after each, takes a hundred."""

UNKNOWN_FACTOR: Final = 10
"""The limits of all clients whose address is unknown together, in limits of one address: enough that a class
is not shut out, and few enough for the memory that guests, accounts and proofs take."""

PROFILES: Final = 30
"""Changes of one reader's name and picture in a minute: each is a write to the database."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """At most `limit` in a window of `window_ms` that begins with the first event."""

    name: str
    limit: int
    window_ms: int


class Rates(Protocol):
    async def look(self, allowances: Sequence[Allowance]) -> int | None:
        """None when each has room for one more, else the milliseconds until all have."""

    async def spend(self, allowances: Sequence[Allowance]) -> int | None:
        """As `look`, and takes one from each that has room."""


@dataclass(frozen=True, slots=True)
class SignInRates:
    """The limits of docs/decisions/0003. Wrong passwords count for minutes, right ones only as attempts:
    other clients of a shared address cannot keep out a reader who knows their password, except by a flood.
    Where the address is unknown, wrong passwords are counted by account alone."""

    rates: Rates
    limits: SignIn

    async def admit(self, address: str | None, email: str) -> None:
        """Called before a password is verified. Raises Problem 429."""
        network = bucket(address)
        # The account's limit comes first: a client that signs in without end must not use up its address's.
        _require(
            await self.rates.spend(
                [
                    Allowance(
                        f"attempts:{network}:{_hashed(email)}", self.limits.attempts_per_account, MINUTE_MS
                    )
                ]
            )
        )
        _require(
            await self.rates.spend(
                [_by_network("attempts", network, self.limits.attempts_per_address, MINUTE_MS)]
            )
        )
        _require(await self.rates.look(self._failures(network, email)))

    async def failed(self, address: str | None, email: str) -> None:
        """Called after a wrong password, also for an unknown mail address."""
        await self.rates.spend(self._failures(bucket(address), email))

    async def exchange(self, address: str | None) -> None:
        """Called before a site's Better Auth server is asked about a session. Raises Problem 429."""
        limit = self.limits.attempts_per_address
        _require(await self.rates.spend([_by_network("exchanges", bucket(address), limit, MINUTE_MS)]))

    async def sign_up(self, address: str | None) -> None:
        """Called before an account or a guest is made. Raises Problem 429."""
        allowance = _by_network("sign-ups", bucket(address), self.limits.sign_ups_per_address, HOUR_MS)
        _require(await self.rates.spend([allowance]))

    async def session_list(self, sub: str) -> None:
        """Called before a page lists the sessions of a reader, or ends one of them. Raises Problem 429."""
        _require(await self.rates.spend([Allowance(f"session-lists:{sub}", SESSION_LISTS, MINUTE_MS)]))

    async def profile(self, sub: str) -> None:
        """Called before a reader's name or picture is changed. Raises Problem 429."""
        _require(await self.rates.spend([Allowance(f"profiles:{sub}", PROFILES, MINUTE_MS)]))

    async def proof(self, address: str | None) -> None:
        """Called before a DPoP proof is stored, when its user is not known yet. Raises Problem 429."""
        allowance = _by_network("proofs", bucket(address), self.limits.attempts_per_address, MINUTE_MS)
        _require(await self.rates.spend([allowance]))

    def _failures(self, network: str, email: str) -> list[Allowance]:
        # By account and address together, so that an attacker elsewhere cannot lock a reader out.
        account = Allowance(
            f"failures:{network}:{_hashed(email)}", self.limits.failures_per_account, QUARTER_MS
        )
        if network == UNKNOWN:
            # Otherwise an attacker's fifty would keep out every other client behind that gateway.
            return [account]
        return [Allowance(f"failures:{network}", self.limits.failures_per_address, QUARTER_MS), account]


def _by_network(name: str, network: str, limit: int, window_ms: int) -> Allowance:
    return Allowance(f"{name}:{network}", limit * (UNKNOWN_FACTOR if network == UNKNOWN else 1), window_ms)


def _hashed(email: str) -> str:
    """The hash of an address, so that Redis does not hold the mail addresses of readers."""
    return hashlib.sha256(email.encode()).hexdigest()[:32]


def _require(wait_ms: int | None) -> None:
    if wait_ms is not None:
        raise too_many(math.ceil(wait_ms / 1000), "Too many attempts. Try again later.")
