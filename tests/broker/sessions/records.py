"""A session as its store is given it."""

from tokens import liveness

SUB = "3fBBUxbqlMcvOuLvTBppoIkCzqNfYopz"


def record(sid: str, remember: str = "1", client: str = "docs") -> dict[str, str]:
    """A session whose raw token is its id, so that the tests need to carry one name only."""
    return {
        "token_hash": liveness.token_hash(sid),
        "remember": remember,
        "client": client,
        "tier": "reader",
        "proved_by": "password",
        "ip_address": "",
        "user_agent": "",
    }
