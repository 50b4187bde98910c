"""Finds the session that a request's bearer or cookie names."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from starlette.datastructures import Headers

from broker.errors import APIError
from broker.sessions import cookies
from broker.sessions.session import Session
from broker.state import Broker
from edge.http.authorization import bearer_token

MAX_COOKIE_HEADER: Final = 16_384
MAX_SIGNATURES: Final = 64
"""Session cookies of one request that are verified, by up to five secrets each: a millisecond."""
MAX_SESSIONS: Final = 8
"""Sessions that are looked up for one request."""


class Current(NamedTuple):
    """A living session and the raw token that named it."""

    session: Session
    token: str


async def current(broker: Broker, headers: Headers, *, slide: bool = True) -> Current | None:
    """The caller's session. A bearer comes first; if it names no session, the cookie is read.

    Raises Problem 400 for two Authorization headers, APIError 400 for cookies of two living sessions.
    """
    bearer = _bearer(broker, headers)
    if bearer is not None:
        session = await broker.sessions.by_token(bearer, slide=slide)
        # A site that keeps its tokens in cookies gives scripts none that they could send.
        if session is not None and _takes_bearer(broker, session):
            return Current(session, bearer)
    sent = session_cookies(broker, headers)
    # Only a lone cookie slides its session: among several, the broker learns which one is alive only after it
    # has looked them all up.
    living = await _living(broker, sent, slide=slide and len(sent) == 1)
    if len(living) > 1:
        # The broker must not guess which of the two is meant: a sibling domain can plant one (RFC 6265 8.6).
        # Signing in and signing out end both, and so resolve it.
        raise APIError(400, "DUPLICATE_SESSION_COOKIE", "Cookies of two living sessions were sent")
    return living[0] if living else None


async def every(broker: Broker, headers: Headers) -> list[Current]:
    """The bearer's session, or else those of all session cookies; as `current` finds them, but never slid."""
    bearer = _bearer(broker, headers)
    if bearer is not None:
        session = await broker.sessions.by_token(bearer, slide=False)
        if session is not None and _takes_bearer(broker, session):
            return [Current(session, bearer)]
    return await _living(broker, session_cookies(broker, headers), slide=False)


async def _living(broker: Broker, tokens: Sequence[str], *, slide: bool) -> list[Current]:
    found = [(token, await broker.sessions.by_token(token, slide=slide)) for token in tokens[:MAX_SESSIONS]]
    return [Current(session, token) for token, session in found if session is not None]


def _takes_bearer(broker: Broker, session: Session) -> bool:
    client = broker.config.clients.by_id.get(session.client)
    return client is not None and client.session_bearer


def _bearer(broker: Broker, headers: Headers) -> str | None:
    sent = bearer_token(headers)
    return None if sent is None else raw_session_token(sent, broker.config.secrets)


def raw_session_token(sent: str, secrets: Sequence[bytes]) -> str | None:
    """The raw token of a raw or signed one; None for any other text."""
    if cookies.TOKEN.fullmatch(sent):
        return sent
    return cookies.verify_token(sent, *secrets)


def session_cookies(broker: Broker, headers: Headers) -> list[str]:
    """The tokens in session cookies that this broker signed, each once. Other cookies are ignored: a sibling
    domain or another server on the host has cookies of the same name."""
    name = broker.jar.name(cookies.SESSION)
    sent: list[str] = []
    for header in headers.getlist("cookie"):
        if len(header) <= MAX_COOKIE_HEADER:
            sent += cookies.values(header, name)
    tokens: dict[str, None] = {}
    for value in [one for one in dict.fromkeys(sent) if len(one) >= cookies.MIN_SIGNED][:MAX_SIGNATURES]:
        token = cookies.verify_token(value, *broker.config.secrets)
        if token is not None:
            tokens[token] = None
    return list(tokens)
