"""The cookies and headers of an answer that carry a session."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response

from broker.sessions import cookies
from broker.sessions.current import Current, session_cookies
from broker.sessions.session import LIFE_MS, Session
from broker.state import Broker


def with_session(response: Response, broker: Broker, found: Session, token: str) -> Response:
    """Add the session's cookies and, where the site allows it, `set-auth-token`."""
    max_age = LIFE_MS // 1000 if found.remember else None
    for line in broker.jar.session(token, max_age):
        response.headers.append("Set-Cookie", line)
    if shown_token(broker, found, token) == token:
        response.headers["set-auth-token"] = cookies.sign(token, broker.config.secrets[0])
    return response


def with_slid_session(response: Response, broker: Broker, current: Current) -> Response:
    """Send the cookie again when this request extended the session's life."""
    if not current.session.slid:
        return response
    return with_session(response, broker, current.session, current.token)


def without_session(response: Response, broker: Broker) -> Response:
    for line in broker.jar.cleared():
        response.headers.append("Set-Cookie", line)
    return response


def without_dead_session(response: Response, broker: Broker, headers: Headers) -> Response:
    """Remove the cookie of a request that found no session.

    Only a cookie that this broker signed: on localhost all ports share one jar, and another server's sessions
    have the same cookie name. A bearer of no session leaves the cookies alone.
    """
    return without_session(response, broker) if session_cookies(broker, headers) else response


def without_planted(response: Response, broker: Broker, headers: Headers) -> Response:
    """If several of our session cookies were sent, remove those that were set for a domain above ours."""
    if len(session_cookies(broker, headers)) > 1:
        for line in broker.jar.cleared_of_parents(urlsplit(broker.config.issuer).hostname or ""):
            response.headers.append("Set-Cookie", line)
    return response


def shown_token(broker: Broker, found: Session, token: str) -> str:
    """The value of a `token` member: the credential, or the handle that list-sessions shows as well."""
    client = broker.config.clients.by_id.get(found.client)
    return token if client is not None and client.session_bearer else found.id
