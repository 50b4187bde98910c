"""The token endpoint's pipeline: what every grant needs is judged before any grant, then one file a grant."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.datastructures import Headers

from broker.clients import Client
from broker.errors import OAuthError
from broker.issuing import Issued
from broker.state import Broker


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """`parameters` are those of the form; `jkt` is the proved key, or empty."""

    broker: Broker
    client: Client
    parameters: Mapping[str, str]
    jkt: str

    def required(self, name: str) -> str:
        return required(self.parameters, name)


Grant = Callable[[TokenRequest], Awaitable[dict[str, Any]]]


def required(parameters: Mapping[str, str], name: str) -> str:
    """Raises OAuthError `invalid_request`."""
    value = parameters.get(name)
    if value is None:
        raise OAuthError("invalid_request", f"{name}: it is missing")
    return value


def public_client(
    broker: Broker, parameters: Mapping[str, str], headers: Headers, origin: str | None
) -> Client:
    """The site that asks, by `client_id` alone (RFC 6749 2.3.1 for public clients). Raises OAuthError.

    `origin` is the page's, None for the broker's own and for what is no browser.
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
    """Tokens are for one chat proxy, whoever names it (RFC 8707 2, RFC 8693 2.1). Raises OAuthError."""
    for name in ("resource", "audience"):
        if parameters.get(name, audience).rstrip("/") != audience:
            raise OAuthError("invalid_target", f"{name}: tokens are issued for {audience} alone")


def answer(issued: Issued | None, **more: str) -> dict[str, Any]:
    """RFC 6749 5.1. Raises OAuthError when nothing was left of the session to issue for."""
    if issued is None:
        raise OAuthError("invalid_grant", "the session has ended")
    return {
        "access_token": issued.token,
        "token_type": issued.token_type,
        "expires_in": issued.expires_in,
        **more,
        "scope": issued.scope,
    }


REFRESH_TOKEN: Final = "refresh_token"  # noqa: S105  a parameter's name
