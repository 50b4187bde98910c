"""The rules by which both services judge a session, on the values that they have read from Redis."""

from typing import Final

from tokens.errors import CutsMissing

ANONYMOUS: Final = "anonymous"
"""`proved_by` of a session that began without a sign-in."""


def outlived(created_at: int, of_all: bytes | str | None, of_client: bytes | str | None) -> bool:
    """Return True if a session created then (Redis ms) is younger than the cut of all sessions and that of
    its client; a session of the same millisecond is dead. A cut that was never made is None.

    Raises CutsMissing without a cut of all sessions, as the broker sets it before the first session.
    """
    if of_all is None:
        raise CutsMissing
    return created_at > max(int(of_all), int(of_client or 0))


def is_taken(*, is_guest: bool, tier: str, guests: bool, guest_tier: str) -> bool:
    """Return True if a site still takes a session of this tier: it may have stopped taking guests, or changed
    their tier, and its guests must sign in again then."""
    return not is_guest or (guests and tier == guest_tier)
