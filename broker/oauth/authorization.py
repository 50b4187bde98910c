"""Authorization requests (RFC 6749 4.1.1, RFC 7636, RFC 9700): answered only at a registered address."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode, urlsplit

from broker.errors import OAuthError
from broker.login.languages import UI_LOCALES
from broker.oauth import scopes
from broker.oauth.clients import Client, Clients
from broker.oauth.codes import CHALLENGE
from broker.oauth.grants import require_resource
from broker.sessions.session import ALL_SCOPES
from tokens.dpop import THUMBPRINT

MAX_STATE: Final = 1024
_STATE: Final = re.compile(r"[\x20-\x7e]+")
_KEPT: Final = (
    "response_type",
    "client_id",
    "redirect_uri",
    "state",
    "scope",
    "resource",
    "code_challenge",
    "code_challenge_method",
    "dpop_jkt",
    "ui_locales",
)
"""The parameters that go from the authorization endpoint to the login page, which reads the request anew."""


@dataclass(frozen=True, slots=True)
class ReturnAddress:
    """The address of an answer: a registered page of a registered site, with the `state` it expects."""

    client: Client
    redirect_uri: str
    state: str | None

    @property
    def origin(self) -> str:
        parts = urlsplit(self.redirect_uri)
        return f"{parts.scheme}://{parts.netloc}"

    def answer(self, issuer: str, **parameters: str) -> str:
        """The address with the answer in its query, always with `iss` (RFC 9207 2)."""
        state = {} if self.state is None else {"state": self.state}
        query = urlencode({**parameters, **state, "iss": issuer})
        return f"{self.redirect_uri}{'&' if '?' in self.redirect_uri else '?'}{query}"


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A request that a reader may be asked to sign in for. `jkt` is the key that its code is bound to, or
    empty."""

    to: ReturnAddress
    scope: str
    challenge: str
    jkt: str


class Unanswerable(OAuthError):
    """The reader stays here: the answer's address is not known to be the site's."""

    def __init__(self, description: str) -> None:
        super().__init__("invalid_request", description)


class RefusedRequest(Exception):
    """An error that is reported to the site (RFC 6749 4.1.2.1)."""

    def __init__(self, to: ReturnAddress, error: OAuthError) -> None:
        super().__init__(error.code)
        self.to = to
        self.error = error


def query_of(parameters: Mapping[str, str]) -> str:
    kept = {name: parameters[name] for name in _KEPT if name in parameters}
    if not UI_LOCALES.fullmatch(kept.get("ui_locales", "")):
        kept.pop("ui_locales", None)
    return urlencode(kept)


def return_address(parameters: Mapping[str, str], clients: Clients) -> ReturnAddress:
    """Raises Unanswerable."""
    client = clients.by_id.get(parameters.get("client_id", ""))
    if client is None:
        raise Unanswerable("client_id: no site has this name.")
    redirect_uri = parameters.get("redirect_uri")
    # Compared as strings (RFC 9700 2.1): every other comparison has let answers reach an attacker.
    if redirect_uri is None or redirect_uri not in client.redirect_uris:
        raise Unanswerable("redirect_uri: it is not registered for this site.")
    state = parameters.get("state")
    if state is not None and (len(state) > MAX_STATE or not _STATE.fullmatch(state)):
        raise Unanswerable(f"state: at most {MAX_STATE} visible ASCII characters are taken.")
    return ReturnAddress(client, redirect_uri, state)


def parse(parameters: Mapping[str, str], clients: Clients, audience: str) -> AuthorizationRequest:
    """Raises Unanswerable and RefusedRequest."""
    to = return_address(parameters, clients)
    try:
        return _judged(to, parameters, audience)
    except OAuthError as error:
        raise RefusedRequest(to, error) from None


def _judged(to: ReturnAddress, parameters: Mapping[str, str], audience: str) -> AuthorizationRequest:
    response_type = parameters.get("response_type")
    if response_type is None:
        raise OAuthError("invalid_request", "response_type: it is missing")
    if response_type != "code":
        raise OAuthError("unsupported_response_type", "response_type: only code is known")
    if parameters.get("response_mode", "query") != "query":
        raise OAuthError("invalid_request", "response_mode: only query is known")
    if parameters.keys() & {"request", "request_uri"}:
        raise OAuthError("request_not_supported", "request: request objects are not known")
    require_resource(parameters, audience)
    challenge = parameters.get("code_challenge", "")
    if not CHALLENGE.fullmatch(challenge):
        raise OAuthError("invalid_request", "code_challenge: 43 characters of base64url are needed")
    # By default the challenge would be the verifier itself (RFC 7636 4.3).
    if parameters.get("code_challenge_method") != "S256":
        raise OAuthError("invalid_request", "code_challenge_method: only S256 is known")
    jkt = parameters.get("dpop_jkt", "")
    if jkt and not THUMBPRINT.fullmatch(jkt):
        raise OAuthError("invalid_request", "dpop_jkt: it is not a SHA-256 thumbprint")
    scope = scopes.requested(parameters.get("scope"), ALL_SCOPES)
    return AuthorizationRequest(to, scope, challenge, jkt)
