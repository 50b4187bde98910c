"""A key set that another service publishes: fetched once for many callers, kept through an outage."""

import asyncio
from collections.abc import Awaitable, Callable

from tokens.errors import KeysUnavailable
from tokens.jwks import local
from tokens.jwks.local import Key, KeySet

COOL_DOWN = 10.0
"""Seconds between two fetches, for any number of requests: ten thousand unknown `kid`s cost one."""
FIRST_COOL_DOWN = 0.5
"""Seconds between two fetches until a set was read: services that start together wait for the broker, and at
that time few clients hold a token that it issued."""
FRESH = 300.0
"""Seconds after which a set is fetched again in the background."""
STALE = 7200.0
"""Seconds for which good keys are used while their publisher is down. Tokens live 300 s; the rest is time to
repair it."""

Fetch = Callable[[], Awaitable[bytes]]
"""Returns the JWKS document, or raises OSError or TimeoutError; it has its own deadline."""


class RemoteKeys:
    """Keys by `kid` from one publisher, whose document `parse` reads, raising BadKeySet. `clock` is monotonic
    seconds."""

    def __init__(
        self, fetch: Fetch, clock: Callable[[], float], parse: Callable[[bytes], KeySet] = local.parse
    ) -> None:
        self._parse = parse
        self._fetch = fetch
        self._clock = clock
        self._keys: KeySet = {}
        self._read_at: float | None = None
        self._tried_at: float | None = None
        self._has_changed = False
        self._fetching: asyncio.Task[None] | None = None

    def known(self, kid: str) -> Key | None:
        """The key if it is in memory and its set not older than STALE; never waits."""
        if self._age() > STALE:
            return None
        if self._age() > FRESH:
            self._start()
        return self._keys.get(kid)

    async def find(self, kid: str) -> Key | None:
        """The key, after at most one fetch in a cool-down, which all callers share.

        Raises KeysUnavailable when no set was ever read, or the last one is older than STALE.
        """
        await self._fetched()
        if self._has_changed and kid not in self._keys:
            # The set changed during that fetch, whose answer may be older.
            await self._fetched()
        if self._age() > STALE:
            raise KeysUnavailable("the publisher's keys cannot be read")
        return self._keys.get(kid)

    @property
    def read_at(self) -> float | None:
        """The time when the present set was asked for (monotonic seconds); None while there is none."""
        return self._read_at

    def changed(self) -> None:
        """Note that the publisher may have another set: the next unknown `kid` causes one fetch at once."""
        self._has_changed = True

    async def close(self) -> None:
        """End a fetch that is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    def _age(self) -> float:
        return float("inf") if self._read_at is None else self._clock() - self._read_at

    async def _fetched(self) -> None:
        fetching = self._start()
        if fetching is not None:
            # Shielded: all callers share the one fetch, so a caller that is cancelled must not end it.
            await asyncio.shield(fetching)

    def _start(self) -> asyncio.Task[None] | None:
        if self._fetching is not None and not self._fetching.done():
            return self._fetching
        now = self._clock()
        cool_down = FIRST_COOL_DOWN if self._read_at is None else COOL_DOWN
        is_cooling = self._tried_at is not None and now - self._tried_at < cool_down
        if is_cooling and not self._has_changed:
            return None
        self._tried_at, self._has_changed = now, False
        self._fetching = asyncio.create_task(self._read())
        return self._fetching

    async def _read(self) -> None:
        # A publisher that is down or sends a bad set leaves the last good set in place, up to STALE.
        asked_at = self._clock()
        try:
            self._keys = self._parse(await self._fetch())
        except (OSError, TimeoutError, local.BadKeySet):
            return
        self._read_at = asked_at
