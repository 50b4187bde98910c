"""The cookies and headers that go with a session in an answer."""

from starlette.datastructures import Headers
from starlette.responses import Response

from broker import cookies
from broker.credentials import Current, session_cookie
from broker.sessions import LIFE_MS, Session
from broker.state import Broker


def with_session(response: Response, broker: Broker, found: Session, token: str) -> Response:
    """Adds the session's cookies and, where the site allows it, `set-auth-token`."""
    max_age = LIFE_MS // 1000 if found.remember else None
    for line in broker.jar.session(token, max_age):
        response.headers.append("Set-Cookie", line)
    if shown_token(broker, found, token) == token:
        response.headers["set-auth-token"] = cookies.sign(token, broker.config.secrets[0])
    return response


def with_slid_session(response: Response, broker: Broker, current: Current) -> Response:
    """The cookie again, when this request made the session's life longer."""
    if not current.session.slid:
        return response
    return with_session(response, broker, current.session, current.token)


def without_session(response: Response, broker: Broker) -> Response:
    for line in broker.jar.cleared():
        response.headers.append("Set-Cookie", line)
    return response


def without_dead_session(response: Response, broker: Broker, headers: Headers) -> Response:
    """For a request that found no session: takes away the cookie that named one.

    Only a cookie that this broker signed: on localhost all ports share one jar, and another server's sessions
    have the same cookie name. A bearer that stands for nothing takes no cookie along.
    """
    return response if session_cookie(broker, headers) is None else without_session(response, broker)


def shown_token(broker: Broker, found: Session, token: str) -> str:
    """What a `token` member holds: the credential, or the handle that list-sessions shows as well."""
    client = broker.config.clients.by_id.get(found.client)
    return token if client is not None and client.session_bearer else found.id
