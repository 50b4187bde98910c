"""Authlib, as PyPI has it, against a broker of its own process: each of its three OAuth clients through a
site's whole way, and its resource server's validator, with joserfc, over the tokens."""

import inspect
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.common.errors import AuthlibBaseError
from authlib.common.security import generate_token
from authlib.integrations.httpx_client import AsyncOAuth2Client, OAuth2Client
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2 import rfc6749, rfc8414, rfc9207
from authlib.oauth2.rfc6750.errors import InvalidTokenError
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidClaimError, UnsupportedAlgorithmError
from joserfc.jwk import KeySet

from tests.broker.service import CALLBACK, GATEWAY, PASSWORD, SECRET, SITE, TOML
from tests.oauth import ACCESS_TOKEN, EXCHANGE, Key
from tests.processes import broker_process

PROXY = "http://127.0.0.1:8001"
SIGNED = "application/token-introspection+jwt"
READER = {"name": "Ada", "email": "ada@example.com", "password": PASSWORD}


@dataclass(frozen=True)
class Broker:
    """`algorithm` signs there; `session` is a session token of the Better Auth API."""

    algorithm: str
    metadata: rfc8414.AuthorizationServerMetadata
    session: str


@pytest.fixture(scope="module", params=["ES256", "EdDSA", "RS256"])
def broker(request):
    algorithm = request.param
    toml = f'{TOML}secret = "another secret of the tests, as long"\n[broker]\nalgorithm = "{algorithm}"\n'
    with broker_process(toml, secret=SECRET) as url:
        account = httpx.post(f"{url}/api/auth/sign-up/email", json=READER, headers={"Origin": SITE}).json()
        found = httpx.get(f"{url}/.well-known/oauth-authorization-server").json()
        yield Broker(algorithm, rfc8414.AuthorizationServerMetadata(found), account["token"])


@asynccontextmanager
async def client(kind, *args, **more):
    """A client of that class, whose connections are closed after the block."""
    made = kind(*args, **more)
    try:
        yield made
    finally:
        await done(made.aclose() if kind is AsyncOAuth2Client else made.close())


@pytest.fixture(params=[OAuth2Session, OAuth2Client, AsyncOAuth2Client])
async def site(request, broker):
    """The site, by one of the clients. None has a secret, so each sends `client_id` alone."""
    about = {"redirect_uri": CALLBACK, "scope": "chat history", "code_challenge_method": "S256"}
    endpoint = broker.metadata["token_endpoint"]
    async with client(request.param, "docs", token_endpoint=endpoint, **about) as site:
        yield site


async def done(result):
    return await result if inspect.isawaitable(result) else result


def answer_of(authorization_url, screen="/login"):
    """The address to which a reader's browser is sent after the form of the login page."""
    with httpx.Client(base_url=authorization_url) as window:
        shown = window.get(authorization_url, follow_redirects=True)
        assert shown.status_code == 200, shown.text
        form = shown.url.copy_with(path=screen)
        origin = f"{form.scheme}://{form.host}:{form.port}"
        answer = window.post(form, data=READER, headers={"Origin": origin, "Sec-Fetch-Site": "same-origin"})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]


async def signed_in(site, metadata, **changes):
    verifier = generate_token(48)
    url, state = site.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier)
    answer = answer_of(url)
    sent = {"authorization_response": answer, "state": state, "code_verifier": verifier} | changes
    return await done(site.fetch_token(metadata["token_endpoint"], **sent))


async def refusal(call, *args, **more):
    """The typed error of a call that has to be refused."""
    with pytest.raises(AuthlibBaseError) as caught:
        await done(call(*args, **more))
    return caught.value.error, (caught.value.description or "").partition(":")[0]


async def introspected(site, metadata, token, method="client_secret_basic", **more):
    """The answer to the resource server, by the same client."""
    endpoint = metadata["introspection_endpoint"]
    async with client(type(site), *GATEWAY, token_endpoint_auth_method=method) as gateway:
        answer = await done(gateway.introspect_token(endpoint, token, **more))
    assert answer.status_code == 200
    return answer


async def test_a_site_goes_the_whole_way(site, broker):
    metadata = broker.metadata
    first = dict(await signed_in(site, metadata))
    assert first.keys() == {
        "access_token",
        "token_type",
        "expires_in",
        "expires_at",
        "refresh_token",
        "scope",
    }
    assert (first["token_type"], first["expires_in"], first["scope"]) == ("Bearer", 300, "chat history")

    second = dict(await done(site.refresh_token(metadata["token_endpoint"])))
    assert second["refresh_token"] != first["refresh_token"]
    for method in ("client_secret_basic", "client_secret_post"):
        found = (await introspected(site, metadata, second["access_token"], method)).json()
        assert (found["active"], found["client_id"], found["token_type"]) == (True, "docs", "Bearer")

    narrowed = await done(
        site.fetch_token(
            metadata["token_endpoint"],
            grant_type=EXCHANGE,
            subject_token=second["access_token"],
            subject_token_type=ACCESS_TOKEN,
            scope="chat",
        )
    )
    assert (narrowed["scope"], narrowed["issued_token_type"]) == ("chat", ACCESS_TOKEN)

    for token, hint in ((second["access_token"], "access_token"), (second["refresh_token"], "refresh_token")):
        answer = await done(site.revoke_token(metadata["revocation_endpoint"], token, token_type_hint=hint))
        assert (answer.status_code, answer.content) == (200, b"")
        found = (await introspected(site, metadata, token)).json()
        assert found == {"active": False}
    gone = await refusal(site.refresh_token, metadata["token_endpoint"], second["refresh_token"])
    assert gone == ("invalid_grant", "refresh_token")


async def test_a_token_that_has_expired_is_refreshed_on_the_way(site, broker):
    metadata = broker.metadata
    token = dict(await signed_in(site, metadata))
    site.token = token | {"expires_at": int(time.time()) - 1}
    # This page is public, so its bearer does not matter.
    assert (await done(site.get(metadata["jwks_uri"]))).status_code == 200
    assert site.token["refresh_token"] != token["refresh_token"]
    assert (await introspected(site, metadata, site.token["access_token"])).json()["active"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"state": "of another"},
            ("mismatching_state", "CSRF Warning! State not equal in request and response."),
        ),
        ({"code_verifier": "x" * 43}, ("invalid_grant", "code_verifier")),
        ({"redirect_uri": f"{SITE}/"}, ("invalid_grant", "redirect_uri")),
        ({"resource": SITE}, ("invalid_target", "resource")),
    ],
)
async def test_a_refusal_is_a_typed_error(site, broker, changes, expected):
    metadata = broker.metadata
    assert await refusal(signed_in, site, metadata, **changes) == expected


async def test_a_refresh_beyond_the_scope_is_a_typed_error(site, broker):
    metadata = broker.metadata
    await signed_in(site, metadata)
    assert await refusal(site.refresh_token, scope="chat admin") == ("invalid_scope", "scope")


async def test_an_unknown_site_is_a_typed_error(site, broker):
    endpoint = broker.metadata["token_endpoint"]
    for stranger in (("nobody",), ("docs", "a site has none")):
        async with client(type(site), *stranger, token_endpoint=endpoint) as unknown:
            assert await refusal(unknown.refresh_token, refresh_token="x") == ("invalid_client", "client_id")


def test_the_answer_of_the_login_page_has_the_issuer(broker):
    metadata = broker.metadata
    with OAuth2Client("docs", redirect_uri=CALLBACK, code_challenge_method="S256") as site:
        url, state = site.create_authorization_url(
            metadata["authorization_endpoint"], code_verifier=generate_token(48)
        )
    answer = {name: values[0] for name, values in parse_qs(urlsplit(answer_of(url)).query).items()}
    assert (answer["state"], answer["iss"]) == (state, metadata["issuer"])


def test_the_metadata_is_good(broker, monkeypatch):
    metadata = broker.metadata
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    metadata.validate(metadata_classes=[rfc9207.AuthorizationServerMetadata])
    assert metadata["authorization_response_iss_parameter_supported"] is True


class Validator(JWTBearerTokenValidator):  # type: ignore[misc]  # Authlib has no types
    """As its documentation has it."""

    def __init__(self, metadata, resource_server=PROXY):
        super().__init__(metadata["issuer"], resource_server)
        self.jwks = KeySet.import_key_set(httpx.get(metadata["jwks_uri"]).json())

    def get_jwks(self):
        return self.jwks

    def accept(self, token, *scopes):
        found = self.authenticate_token(token)
        self.validate_token(found, list(scopes), None)
        return found


@pytest.fixture
async def tokens(broker):
    """A reader's tokens, and every value that could be taken for an access token."""
    metadata = broker.metadata
    headers = {"Accept": SIGNED, "Content-Type": "application/x-www-form-urlencoded"}
    about = {"redirect_uri": CALLBACK, "code_challenge_method": "S256"}
    async with client(OAuth2Client, "docs", **about) as site:
        url, _ = site.create_authorization_url(metadata["authorization_endpoint"], code_verifier="x" * 43)
        code = parse_qs(urlsplit(answer_of(url)).query)["code"][0]
        found = dict(await signed_in(site, metadata))
        signed = await introspected(site, metadata, found["access_token"], headers=headers)
    found |= {"code": code, "introspection": signed.text, "session": broker.session}
    return found | {"proof": Key().proof("POST", f"{PROXY}/chat", access_token=found["access_token"])}


def test_its_resource_server_takes_access_tokens_alone(broker, tokens):
    algorithm, metadata = broker.algorithm, broker.metadata
    validator = Validator(metadata)
    if algorithm == "EdDSA":
        # joserfc takes EdDSA by that name only where it is told to, and the validator has no way to tell it.
        with pytest.raises(UnsupportedAlgorithmError):
            jwt.decode(tokens["access_token"], validator.jwks)
        return
    claims = validator.accept(tokens["access_token"], "chat")
    assert claims["client_id"] == "docs"
    with pytest.raises(rfc6749.OAuth2Error, match="insufficient_scope"):
        validator.accept(tokens["access_token"], "admin")
    with pytest.raises(InvalidTokenError):
        Validator(metadata, SITE).accept(tokens["access_token"])
    for other in ("refresh_token", "code", "introspection", "session", "proof"):
        with pytest.raises(InvalidTokenError):
            validator.accept(tokens[other])


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated via RFC 9864")
def test_joserfc_verifies_what_it_is_told_an_access_token_is(broker, tokens):
    algorithm, metadata = broker.algorithm, broker.metadata
    keys = KeySet.import_key_set(httpx.get(metadata["jwks_uri"]).json())
    token = jwt.decode(tokens["access_token"], keys, algorithms=[algorithm])
    assert (token.header["typ"], token.header["alg"]) == ("at+jwt", algorithm)
    expected = {"iss": metadata["issuer"], "aud": PROXY, "client_id": "docs"}
    essential: dict[str, Any] = {
        name: {"essential": True, "value": value} for name, value in expected.items()
    }
    jwt.JWTClaimsRegistry(**essential, sub={"essential": True}, exp={"essential": True}).validate(
        token.claims
    )
    for name in expected:
        wrong: dict[str, Any] = {name: {"essential": True, "value": SITE}}
        with pytest.raises(InvalidClaimError, match=name):
            jwt.JWTClaimsRegistry(**wrong).validate(token.claims)
    signed = jwt.decode(tokens["introspection"], keys, algorithms=[algorithm])
    assert (signed.header["typ"], signed.claims["aud"]) == ("token-introspection+jwt", GATEWAY[0])
    head, payload, signature = tokens["access_token"].split(".")
    with pytest.raises(BadSignatureError):
        jwt.decode(f"{head}.{payload[:-2]}AA.{signature}", keys, algorithms=[algorithm])
