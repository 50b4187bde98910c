"""Tells the operator which site's Better Auth server gives no sure answer, and how to mend it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import structlog

from edge.upstreams.session import ClocksApart, UpstreamUnavailable

LOG_EVERY: Final = 10.0
"""Seconds between two lines of one kind about the same server."""
MENDS: Final[Mapping[str, str]] = {
    "redis": "check sites.{site}.better_auth: redis_url and key_prefix must be those of the Better Auth "
    "server's secondaryStorage, and that Redis must answer and let its user read these keys",
    "database": "check sites.{site}.better_auth: database_url, tables and names must be those of the "
    "Better Auth server's database, and the role must be allowed to read its sessions and users",
    "http": "check sites.{site}.better_auth.url: get-session below it must answer JSON within "
    "timeout_seconds, for a bearer or, with the server's own secret in secrets, for the cookie; a cookie "
    "that is not called as Better Auth calls it is named in cookie_name",
    "jwt": "check sites.{site}.better_auth.url: jwks_path below it must answer the keys of its JWTs within "
    "timeout_seconds",
}
_CLOCKS: Final = (
    "check sites.{site}.better_auth: the clocks of this machine, of the Better Auth server and of its "
    "storage must tell the same time, as NTP makes them"
)
_SIGNATURE: Final = (
    "unless a stranger sent it, list the Better Auth server's BETTER_AUTH_SECRET in "
    "sites.{site}.better_auth.secrets"
)

_log = structlog.get_logger()


class Failures:
    """`clock` is monotonic seconds."""

    def __init__(self, site: str, way: str, clock: Callable[[], float]) -> None:
        self._site = site
        self._way = way
        self._clock = clock
        self._logged_at: dict[str, float] = {}

    @contextmanager
    def told(self) -> Iterator[None]:
        """A block in which UpstreamUnavailable is told, and raised again."""
        try:
            yield
        except UpstreamUnavailable as error:
            self.tell(error)
            raise

    def tell(self, error: UpstreamUnavailable) -> None:
        mend = _CLOCKS if isinstance(error, ClocksApart) else MENDS[self._way]
        self._tell("better_auth_unavailable", str(error), mend)

    def signature_unknown(self) -> None:
        """Tell that a token came whose signature is of no listed secret. It is refused, not unavailable, as
        any client can send one."""
        self._tell("better_auth_signature_unknown", "its signature is of no listed secret", _SIGNATURE)

    def _tell(self, event: str, reason: str, mend: str) -> None:
        now = self._clock()
        if now - self._logged_at.get(event, float("-inf")) >= LOG_EVERY:
            self._logged_at[event] = now
            _log.warning(event, site=self._site, reason=reason, mend=mend.format(site=self._site))
