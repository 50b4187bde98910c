"""The Better Auth servers of all sites, and the rule that a session of ours lives no longer than theirs."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from broker.oauth.clients import Clients
from broker.sessions import revocation
from broker.sessions.session import Session, Sessions
from broker.upstreams.seals import Seals
from edge.config.better_auth import BetterAuth
from edge.upstreams.session import Reference
from edge.upstreams.site import Around, SiteUpstream

if TYPE_CHECKING:
    from broker.upstreams.jwts import Jwts


@dataclass(frozen=True, slots=True)
class Upstreams:
    """`by_site` has the servers whose sessions can be asked about, `jwts` those whose JWTs are exchanged."""

    by_site: Mapping[str, SiteUpstream]
    jwts: Mapping[str, "Jwts"]
    seals: Seals

    @classmethod
    def of(cls, clients: Clients, seals: Seals, around: Around) -> "Upstreams":
        named = {name: one.better_auth for name, one in clients.by_id.items() if one.better_auth is not None}
        sites = {
            name: SiteUpstream(name, settings, around)
            for name, settings in named.items()
            if settings.upstream != "jwt"
        }
        jwts = {
            name: _jwts(name, settings, around)
            for name, settings in named.items()
            if settings.upstream == "jwt"
        }
        return cls(sites, jwts, seals)

    async def vouches(self, sessions: Sessions, session: Session) -> bool:
        """Return True if the session is one of ours alone, or lives at its site's Better Auth server. One
        that has ended there is ended here.

        Raises UpstreamUnavailable without a sure answer from there, and StoreUnavailable.
        """
        if not session.upstream:
            return True
        site = self.by_site.get(session.client)
        opened = self.seals.open(session.id, session.upstream)
        if site is not None and opened is not None and await site.lives(Reference.of(opened[1])):
            return True
        await revocation.revoke_session(sessions, session.sub, session.id, by="better_auth")
        return False

    async def ended(self, sessions: Sessions, client_id: str, user_id: str, session_id: str | None) -> None:
        """End what the site's server told to have ended: one session of a user or, without `session_id`, all
        of them. A session that a JWT made names none there, so any end of its user's is its own.

        Raises StoreUnavailable.
        """
        sub = subject(client_id, user_id)
        # First, so that an exchange that is under way, whose session is not in the list yet, sees it.
        await sessions.sign_out_there(sub)
        for one in await sessions.by_user(sub, client=client_id):
            if session_id is None or self._named(one) in (None, session_id):
                await revocation.revoke_session(sessions, sub, one.id, by="better_auth")

    def _named(self, session: Session) -> str | None:
        """The id of the session there; None where ours names none that we can read."""
        opened = self.seals.open(session.id, session.upstream) if session.upstream else None
        return None if opened is None else Reference.of(opened[1]).session_id

    async def close(self) -> None:
        for site in self.by_site.values():
            await site.close()
        for jwts in self.jwts.values():
            await jwts.close()


def subject(client_id: str, user_id: str) -> str:
    """The `sub` of a foreign user at a site, 43 characters of base64url: we keep no id of theirs, and two
    sites over one Better Auth server do not share a reader."""
    named = f"better-auth {client_id} {user_id}".encode()
    return base64.urlsafe_b64encode(hashlib.sha256(named).digest()).rstrip(b"=").decode()


def _jwts(name: str, settings: BetterAuth, around: Around) -> "Jwts":
    # The broker needs aiohttp, which takes 8 MiB, for this way alone.
    from broker.upstreams.jwts import Jwts  # noqa: PLC0415

    return Jwts(name, settings, around.clock)
