"""Guests: a session without an account, for sites that allow it."""

from broker import audit
from broker.accounts import new_id
from broker.clients import Client
from broker.errors import APIError
from broker.sessions import ANONYMOUS, Caller, Opened, open_session
from broker.state import Broker


async def sign_in(broker: Broker, client: Client, caller: Caller) -> Opened:
    """Raises APIError 403 when the site takes no guests, Problem 429 when an address makes too many."""
    if not client.guests:
        raise APIError(403, "ANONYMOUS_SIGN_IN_DISABLED", "This site takes no guests: sign in or sign up")
    await broker.rates.sign_up(caller.address)
    sub = new_id()
    opened = await open_session(
        broker.sessions,
        sub,
        await broker.sessions.generation(sub),
        client,
        caller,
        tier=client.guest_tier,
        proved_by=ANONYMOUS,
        remember=True,
    )
    if opened is None:
        raise APIError(401, "FAILED_TO_CREATE_SESSION", "Failed to create session")
    audit.record(
        audit.SIGNED_IN,
        client=client.id,
        sub=sub,
        sid=opened.session.id,
        proved_by=ANONYMOUS,
        address=caller.address,
    )
    return opened
