"""Who is asking: the session that a request's bearer or cookie stands for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers

from broker import cookies
from broker.errors import APIError
from broker.sessions import Session
from broker.state import Broker
from edge.bearer import bearer_token

MAX_COOKIE_HEADER: Final = 16_384


@dataclass(frozen=True, slots=True)
class Current:
    """A living session and the raw token that named it."""

    session: Session
    token: str


async def current(broker: Broker, headers: Headers, *, slide: bool = True) -> Current | None:
    """The caller's session. A bearer comes first; one that stands for nothing leaves the cookie its turn.

    Raises Problem 400 for two Authorization headers, APIError 400 for two session cookies.
    """
    bearer = _bearer(broker, headers)
    if bearer is not None:
        session = await broker.sessions.by_token(bearer, slide=slide)
        # A site that keeps its tokens in cookies has none that a script could have sent.
        if session is not None and _takes_bearer(broker, session):
            return Current(session, bearer)
    cookie = session_cookie(broker, headers)
    if cookie is None:
        return None
    session = await broker.sessions.by_token(cookie, slide=slide)
    return None if session is None else Current(session, cookie)


def _takes_bearer(broker: Broker, session: Session) -> bool:
    client = broker.config.clients.by_id.get(session.client)
    return client is not None and client.session_bearer


def _bearer(broker: Broker, headers: Headers) -> str | None:
    sent = bearer_token(headers)
    return None if sent is None else raw_session_token(sent, broker.config.secrets)


def raw_session_token(sent: str, secrets: Sequence[bytes]) -> str | None:
    """The raw token of one that is raw or signed; None for what is neither."""
    if cookies.TOKEN.fullmatch(sent):
        return sent
    return cookies.verify_token(sent, *secrets)


def session_cookie(broker: Broker, headers: Headers) -> str | None:
    """The token in a session cookie that this broker signed. Raises APIError 400 for two such cookies."""
    name = broker.jar.name(cookies.SESSION)
    sent = [
        value
        for header in headers.getlist("cookie")
        if len(header) <= MAX_COOKIE_HEADER
        for value in cookies.values(header, name)
    ]
    if len(sent) > 1:
        # Which of two is meant is for nobody to guess: a sibling domain can plant one (RFC 6265 8.6).
        raise APIError(400, "DUPLICATE_SESSION_COOKIE", "Two session cookies were sent")
    return cookies.verify_token(sent[0], *broker.config.secrets) if sent else None
