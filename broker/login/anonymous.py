"""Guests: a session without an account, for sites that allow it."""

from broker import audit
from broker.accounts.accounts import new_id
from broker.errors import APIError
from broker.oauth.clients import Client
from broker.sessions.session import Caller, Identity, Opened, open_session
from broker.state import Broker
from tokens.session_rules import ANONYMOUS


async def prove(broker: Broker, client: Client, caller: Caller) -> Identity:
    """A new guest. Raises APIError 403 if the site takes none, Problem 429 for too many of an address."""
    if not client.guests:
        raise APIError(403, "ANONYMOUS_SIGN_IN_DISABLED", "This site takes no guests: sign in or sign up")
    await broker.rates.sign_up(caller.address)
    sub = new_id()
    return Identity(sub, client.guest_tier, ANONYMOUS, await broker.sessions.generation(sub, client.id))


async def sign_in(broker: Broker, client: Client, caller: Caller) -> Opened:
    """As `prove`, and opens a session."""
    identity = await prove(broker, client, caller)
    opened = await open_session(broker.sessions, identity, client, caller, remember=True)
    if opened is None:
        raise APIError(401, "FAILED_TO_CREATE_SESSION", "Failed to create session")
    audit.signed_in(opened.session)
    return opened
