"""The checks that the token endpoint makes before every grant. Each grant has a module here;
`broker/endpoints/oauth.py` has their table."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.datastructures import Headers

from broker import audit
from broker.errors import OAuthError
from broker.oauth.clients import Client
from broker.oauth.mint import Issued
from broker.oauth.refresh import FIRST, Handle
from broker.sessions.session import Caller, Identity, create_session, described
from broker.state import Broker


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """`parameters` are those of the form; `jkt` is the proved key, or empty; `origin` is that of the site's
    page, None for the broker's own pages and for clients that are no browser."""

    broker: Broker
    client: Client
    parameters: Mapping[str, str]
    jkt: str
    origin: str | None
    caller: Caller

    def required(self, name: str) -> str:
        return required(self.parameters, name)


Grant = Callable[[TokenRequest], Awaitable[dict[str, Any]]]


def required(parameters: Mapping[str, str], name: str) -> str:
    """The parameter's value. Raises OAuthError `invalid_request` if it is missing."""
    value = parameters.get(name)
    if value is None:
        raise OAuthError("invalid_request", f"{name}: it is missing")
    return value


def public_client(
    broker: Broker, parameters: Mapping[str, str], headers: Headers, origin: str | None
) -> Client:
    """The site that asks, by `client_id` alone (RFC 6749 2.3.1 for public clients). Raises OAuthError.

    `origin` is the page's, None for the broker's own pages and for clients that are no browser.
    """
    if "authorization" in headers or "client_secret" in parameters or "client_assertion" in parameters:
        basic = {"WWW-Authenticate": 'Basic realm="oauth2"'} if "authorization" in headers else None
        raise OAuthError(
            "invalid_client", "client_id: sites are public clients, without a secret", 401, basic
        )
    client = broker.config.clients.by_id.get(required(parameters, "client_id"))
    if client is None:
        raise OAuthError("invalid_client", "client_id: no site has this name", 401)
    if origin is not None and origin not in client.origins:
        raise OAuthError("unauthorized_client", "client_id: the request is from a page of another site", 403)
    return client


def require_resource(parameters: Mapping[str, str], audience: str) -> None:
    """Tokens are for one chat proxy, named or not (RFC 8707 2, RFC 8693 2.1). Raises OAuthError."""
    for name in ("resource", "audience"):
        if parameters.get(name, audience).rstrip("/") != audience:
            raise OAuthError("invalid_target", f"{name}: tokens are issued for {audience} alone")


@dataclass(frozen=True, slots=True)
class Proved:
    """The result of a grant: the reader, the `caller` where the reader proved it, and the time `at` which
    that happened (Redis ms; None for just now). `upstream` is the sealed name of the session at the site's
    Better Auth server, or empty."""

    identity: Identity
    caller: Caller
    scope: str
    at: int | None = None
    upstream: str = ""


async def open_family(
    request: TokenRequest, sid: str, proved: Proved, *, grant: str
) -> dict[str, Any] | None:
    """Make a session that refresh tokens extend, bound to the proved key, and its first tokens; None where it
    may no longer be made, as the reader was signed out everywhere meanwhile."""
    broker = request.broker
    record = {
        **described(proved.identity, request.client.id, proved.caller, remember=True),
        "scope": proved.scope,
        "jkt": request.jkt,
        "counter": str(FIRST),
        # The first rotation sets it, and nothing reads it before.
        "rotated_at": str(proved.at or 0),
    }
    if proved.upstream:
        record["upstream"] = proved.upstream
    session = await create_session(broker.sessions, proved.identity, sid, record, proved_at=proved.at)
    if session is None:
        return None
    audit.signed_in(session, grant=grant)
    issued = broker.mint.access_token(session, jkt=request.jkt or None)
    return answer(issued, **{REFRESH_TOKEN: broker.refresh_tokens.write(Handle(session.sub, sid, FIRST))})


def answer(issued: Issued | None, **more: str) -> dict[str, Any]:
    """RFC 6749 5.1. Raises OAuthError when the session has no time left to issue for."""
    if issued is None:
        raise OAuthError("invalid_grant", "the session has ended")
    return {
        "access_token": issued.token,
        "token_type": issued.token_type,
        "expires_in": issued.expires_in,
        **more,
        "scope": issued.scope,
    }


ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  a type's name
REFRESH_TOKEN: Final = "refresh_token"  # noqa: S105  a parameter's name
