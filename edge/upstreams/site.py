"""A site's Better Auth server as a service asks it: opened by its settings, its failures logged."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from edge.config.better_auth import BetterAuth
from edge.redis.client import Command, Store
from edge.upstreams.failures import Failures
from edge.upstreams.redis import SharedRedis
from edge.upstreams.remembered import Remembered
from edge.upstreams.session import ForeignSession, Reference, Upstream, UpstreamUnavailable


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


class SiteUpstream:
    """Every method raises UpstreamUnavailable, after a line in the log that names what to mend."""

    def __init__(self, site: str, settings: BetterAuth, around: Around) -> None:
        self.way = settings.upstream
        self._settings = settings
        self._upstream = WAYS[settings.upstream](settings, around)
        self._now = around.now
        self._failures = Failures(site, settings.upstream, around.clock)

    async def find(self, token: str, *, anew: bool = False) -> ForeignSession | None:
        """The living session of a raw token, if the site takes its user. With `anew` no search that has begun
        before is joined: its answer may be from before a sign-out."""
        upstream = self._upstream
        if anew and isinstance(upstream, Remembered):
            upstream = upstream.upstream
        with self._failures.told():
            return self._taken(await upstream.find(token, self._now()))

    async def lives(self, reference: Reference) -> bool:
        """Return True if the session has not ended, and the site still takes its user."""
        if reference.way != self.way:
            # The site asks in another way by now, for which the reference was not made.
            return False
        with self._failures.told():
            return self._taken(await self._upstream.look(reference, self._now())) is not None

    def inline(self, reference: Reference) -> Sequence[Command]:
        """Commands that tell the same to `lives_by` when they travel with others of the service's own Redis;
        none when only `lives` can tell."""
        upstream = self._upstream
        if isinstance(upstream, SharedRedis) and not upstream.owns and reference.way == self.way:
            return upstream.ask(reference)
        return ()

    async def lives_by(self, replies: Sequence[Any], reference: Reference) -> bool:
        """As `lives`, by the replies to `inline`."""
        assert isinstance(self._upstream, SharedRedis)  # noqa: S101  `inline` gives no commands otherwise
        # A `with` block costs two microseconds, and this stands before each question.
        try:
            return self._taken(await self._upstream.read(replies, reference, self._now())) is not None
        except UpstreamUnavailable as error:
            self._failures.tell(error)
            raise

    def signature_unknown(self) -> None:
        """Tell the operator that a session token came whose signature is of no listed secret."""
        self._failures.signature_unknown()

    async def close(self) -> None:
        await self._upstream.close()

    def _taken(self, found: ForeignSession | None) -> ForeignSession | None:
        if found is None or (found.is_banned and not self._settings.banned_users):
            return None
        is_unverified = not found.email_verified and not found.is_anonymous
        return None if is_unverified and not self._settings.unverified_users else found
