"""Registered sites: which one a request speaks for, judged by its Origin and by the name it gives."""

from collections.abc import Mapping
from dataclasses import dataclass

from edge.problems import Problem
from edge.settings import Site


@dataclass(frozen=True, slots=True)
class Client:
    """One site. `id` is the name of its table and the `client_id` of its tokens."""

    id: str
    origins: frozenset[str]
    tier: str
    guests: bool
    guest_tier: str
    session_bearer: bool


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
                tier=site.tier,
                guests=site.guests,
                guest_tier=site.guest_tier,
                session_bearer=site.session_bearer,
            )
            for name, site in sites.items()
        }
        return cls(clients, frozenset().union(*(one.origins for one in clients.values())))

    def choose(self, client_id: str | None, origin: str | None) -> Client:
        """The site a sign-in is for. Raises Problem 403 for an unknown name or a foreign origin.

        Sites of one owner on GitHub Pages share an origin, so an origin may leave several; the name then
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


def foreign_client() -> Problem:
    return Problem(403, "client_not_allowed", "The session was not made for this site.")
