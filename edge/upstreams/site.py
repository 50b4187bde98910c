"""A site's Better Auth server as a service asks it: opened by its settings, its failures logged."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import structlog

from edge.config.better_auth import BetterAuth
from edge.redis.client import Command, Store
from edge.upstreams.redis import SharedRedis
from edge.upstreams.remembered import Remembered
from edge.upstreams.session import ForeignSession, Reference, Upstream, UpstreamUnavailable

LOG_EVERY: Final = 10.0
"""Seconds between two lines about the same failing server."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Around:
    """The parts of a service that the ways use. `store` is its own Redis, at `redis_url`; `deadline` is
    seconds; `now` seconds since the epoch, `clock` monotonic seconds."""

    store: Store
    redis_url: str
    deadline: float
    now: Callable[[], float]
    clock: Callable[[], float]


def _redis(settings: BetterAuth, around: Around) -> SharedRedis:
    url = around.redis_url if settings.redis_url is None else settings.redis_url.get_secret_value()
    if url == around.redis_url:
        return SharedRedis(around.store, settings.key_prefix, owns=False)
    store = Store(url, around.clock, deadline=around.deadline)
    return SharedRedis(store, settings.key_prefix, owns=True)


def _http(settings: BetterAuth, around: Around) -> Remembered:
    # As below: the proxy needs aiohttp for this way alone.
    from edge.upstreams.http import OverHttp  # noqa: PLC0415

    assert settings.url is not None  # noqa: S101  edge.config.checks refuses to read without it
    secrets = [one.get_secret_value().encode() for one in settings.secrets]
    asked = OverHttp(settings.url, settings.timeout_seconds, secrets, settings.cookie_name)
    return Remembered(asked, settings.remember_seconds, around.clock)


def _database(settings: BetterAuth, around: Around) -> Remembered:
    # SQLAlchemy takes memory and time at the start, which no proxy needs for another way.
    from edge.upstreams.database import SharedDatabase  # noqa: PLC0415

    return Remembered(SharedDatabase(settings), settings.remember_seconds, around.clock)


WAYS: Final[Mapping[str, Callable[[BetterAuth, Around], Upstream]]] = {
    "redis": _redis,
    "database": _database,
    "http": _http,
}
"""The ways in which a session can be asked about again. A JWT names none (broker/upstreams/jwts.py)."""
MENDS: Final[Mapping[str, str]] = {
    "redis": "check sites.{site}.better_auth: redis_url and key_prefix must be those of the Better Auth "
    "server's secondaryStorage, and that Redis must answer",
    "database": "check sites.{site}.better_auth: database_url, tables and names must be those of the "
    "Better Auth server's database, and the role must be allowed to read its sessions and users",
    "http": "check sites.{site}.better_auth.url: get-session below it must answer JSON within "
    "timeout_seconds, for a bearer or, with the server's own secret in secrets, for the cookie; a cookie "
    "that is not called as Better Auth calls it is named in cookie_name",
}


class SiteUpstream:
    """Every method raises UpstreamUnavailable, after a line in the log that names what to mend."""

    def __init__(self, site: str, settings: BetterAuth, around: Around) -> None:
        self.way = settings.upstream
        self._site = site
        self._settings = settings
        self._upstream = WAYS[settings.upstream](settings, around)
        self._now = around.now
        self._clock = around.clock
        self._logged_at = float("-inf")

    async def find(self, token: str, *, anew: bool = False) -> ForeignSession | None:
        """The living session of a raw token, if the site takes its user. With `anew` no search that has begun
        before is joined: its answer may be from before a sign-out."""
        upstream = self._upstream
        if anew and isinstance(upstream, Remembered):
            upstream = upstream.upstream
        with self._telling():
            return self._taken(await upstream.find(token, self._now()))

    async def lives(self, reference: Reference) -> bool:
        """Return True if the session has not ended, and the site still takes its user."""
        if reference.way != self.way:
            # The site asks in another way by now, for which the reference was not made.
            return False
        with self._telling():
            return self._taken(await self._upstream.look(reference, self._now())) is not None

    def inline(self, reference: Reference) -> Sequence[Command]:
        """Commands that tell the same to `lives_by` when they travel with others of the service's own Redis;
        none when only `lives` can tell."""
        upstream = self._upstream
        if isinstance(upstream, SharedRedis) and not upstream.owns and reference.way == self.way:
            return upstream.ask(reference)
        return ()

    def lives_by(self, replies: Sequence[Any], reference: Reference) -> bool:
        """As `lives`, by the replies to `inline`."""
        assert isinstance(self._upstream, SharedRedis)  # noqa: S101  `inline` gives no commands otherwise
        with self._telling():
            return self._taken(self._upstream.read(replies, reference, self._now())) is not None

    async def close(self) -> None:
        await self._upstream.close()

    def _taken(self, found: ForeignSession | None) -> ForeignSession | None:
        if found is None or (found.is_banned and not self._settings.banned_users):
            return None
        is_unverified = not found.email_verified and not found.is_anonymous
        return None if is_unverified and not self._settings.unverified_users else found

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except UpstreamUnavailable as error:
            if self._clock() - self._logged_at >= LOG_EVERY:
                self._logged_at = self._clock()
                mend = MENDS[self.way].format(site=self._site)
                _log.warning("better_auth_unavailable", site=self._site, reason=str(error), mend=mend)
            raise
