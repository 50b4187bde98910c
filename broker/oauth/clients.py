"""The clients of the broker: sites, known by their Origin and name, and resource servers, by their secret."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from edge.config.better_auth import BetterAuth
from edge.config.schema import ResourceServer as ResourceServerSettings
from edge.config.schema import Site
from edge.http.problems import Problem


@dataclass(frozen=True, slots=True)
class Client:
    """One site. `id` is the name of its table and the `client_id` of its tokens."""

    id: str
    origins: frozenset[str]
    redirect_uris: frozenset[str]
    tier: str
    guests: bool
    guest_tier: str
    session_bearer: bool
    better_auth: BetterAuth | None = None


@dataclass(frozen=True, slots=True)
class Clients:
    by_id: Mapping[str, Client]
    origins: frozenset[str]

    @classmethod
    def of(cls, sites: Mapping[str, Site]) -> "Clients":
        clients = {
            name: Client(
                id=name,
                origins=frozenset(site.origins),
                redirect_uris=frozenset(site.redirect_uris),
                tier=site.tier,
                guests=site.guests,
                guest_tier=site.guest_tier,
                session_bearer=site.session_bearer,
                better_auth=site.better_auth,
            )
            for name, site in sites.items()
        }
        return cls(clients, frozenset().union(*(one.origins for one in clients.values())))

    def admits(self, client_id: str, origin: str | None) -> bool:
        """Return True if it is a site, and `origin`, if there is one, is that of one of its pages."""
        client = self.by_id.get(client_id)
        return client is not None and (origin is None or origin in client.origins)

    def choose(self, client_id: str | None, origin: str | None) -> Client:
        """The site that a sign-in is for. Raises Problem 403 for an unknown name or a foreign origin.

        Sites of one owner on GitHub Pages share an origin, so several sites may fit an origin; the name then
        decides, and 400 asks for it.
        """
        if client_id is not None:
            client = self.by_id.get(client_id)
            if client is None or (origin is not None and origin not in client.origins):
                raise foreign_client()
            return client
        found = [one for one in self.by_id.values() if origin is None or origin in one.origins]
        if len(found) == 1:
            return found[0]
        if not found:
            raise foreign_client()
        raise Problem(400, "client_id_required", "Several sites fit: name one with ?client_id=.")


@dataclass(frozen=True, slots=True)
class ResourceServer:
    """A server that may ask about the access tokens of `sites`. `id` is its `client_id`."""

    id: str
    secret: bytes
    sites: frozenset[str]


@dataclass(frozen=True, slots=True)
class ResourceServers:
    by_id: Mapping[str, ResourceServer]

    @classmethod
    def of(
        cls, servers: Mapping[str, ResourceServerSettings], sites: Mapping[str, Site]
    ) -> "ResourceServers":
        found = {}
        for name, server in servers.items():
            assert server.secret is not None  # noqa: S101  edge.config.read refuses to read without it
            secret = server.secret.get_secret_value().encode()
            found[name] = ResourceServer(name, secret, frozenset(server.sites or sites))
        return cls(found)

    def authenticated(self, client_id: str, client_secret: str) -> ResourceServer | None:
        """None for a wrong pair; an unknown name takes the same comparison."""
        server = self.by_id.get(client_id)
        expected = b"" if server is None else server.secret
        is_right = hmac.compare_digest(expected, client_secret.encode())
        return server if is_right else None


def foreign_client() -> Problem:
    return Problem(403, "client_not_allowed", "The session was not made for this site.")
