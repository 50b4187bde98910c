"""A generated backend refuses what is no good access token, whatever the issuer of a test signs."""

import threading
import time

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.generators import issuer as issuers
from tests.generators.backends import GATEWAY, code, environment, served
from tests.ports import free_ports
from tests.trust import TRUST

INVALID = (401, "invalid_token")


@pytest.fixture(scope="module")
def issuer():
    with issuers.running() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def audience(issuer, folder):
    """The address of a backend that takes this issuer's tokens."""
    [port] = free_ports(1)
    environ = environment(
        CHATGATE_BROKER_URL=issuer.url,
        CHATGATE_PROXY_URL=f"http://127.0.0.1:{port}",
        INTROSPECTION_ID=GATEWAY[0],
        INTROSPECTION_SECRET=GATEWAY[1],
    )
    with served(folder, "better_auth_memory_quoted", port, environ) as url:
        yield url


def asked_with(audience, authorization):
    body = {"message": "How?"}
    headers = {} if authorization is None else {"Authorization": authorization}
    return httpx.post(f"{audience}/chat", json=body, headers=headers, timeout=20, verify=TRUST)


@pytest.fixture
def alive(issuer):
    issuer.is_active, issuer.trouble = True, None
    yield issuer
    issuer.is_active, issuer.trouble = True, None


def test_a_good_token_is_taken(alive, audience):
    assert asked_with(audience, f"Bearer {alive.token(audience)}").status_code == 200
    assert asked_with(audience, f"bearer {alive.token(audience)}").status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://other.example"},
        {"aud": None},
        {"aud": ["https://other.example"]},
        {"iss": "https://other.example"},
        {"iss": None},
        {"exp": 1},
        {"exp": None},
        {"iat": 99_999_999_999},
        {"sub": None},
        {"client_id": None},
        {"jti": None},
        {"scope": None},
        {"cnf": {"jkt": "k"}},
        {"header": {"typ": "JWT"}},
        {"header": {"typ": None}},
        {"header": {"typ": "chatgate-internal+jwt"}},
        {"header": {"kid": "k2"}},
        {"header": {"kid": None}},
        {"key": ec.generate_private_key(ec.SECP256R1())},
        {"key": "a secret that both would know, if it was one", "header": {"alg": "HS256"}},
        {"header": {"alg": "none"}},
    ],
    ids=lambda claims: "-".join(f"{name}={str(value)[:12]}" for name, value in claims.items()),
)
def test_a_bad_token_is_refused(alive, audience, claims):
    assert code(asked_with(audience, f"Bearer {alive.token(audience, **claims)}")) == INVALID


def test_a_text_that_is_no_token_is_refused(alive, audience):
    good = alive.token(audience)
    assert code(asked_with(audience, None)) == (401, "unauthenticated")
    assert code(asked_with(audience, f"Basic {good}")) == (401, "unauthenticated")
    for text in ("Bearer", "Bearer x", f"Bearer {good}x", f"Bearer {good}, Bearer {good}", "Bearer é"):
        assert asked_with(audience, text.encode()).status_code == 401, text
    alive.is_active = False
    assert code(asked_with(audience, f"Bearer {good}")) == INVALID


@pytest.mark.parametrize("trouble", [500, 401, b"{}", b"[]", b"<html>", b'{"active": "yes"}'], ids=str)
def test_a_broker_without_a_sure_answer_is_503(alive, audience, trouble):
    good = alive.token(audience)
    assert asked_with(audience, f"Bearer {good}").status_code == 200
    alive.trouble = trouble
    answer = asked_with(audience, f"Bearer {good}")
    if trouble == b'{"active": "yes"}':
        assert code(answer) == INVALID
    else:
        assert code(answer) == (503, "temporarily_unavailable")
        assert answer.headers["retry-after"] == "2"


def test_a_silent_broker_is_503_within_seconds(alive, audience):
    speaks = alive.trouble = threading.Event()
    begun = time.monotonic()
    assert code(asked_with(audience, f"Bearer {alive.token(audience)}")) == (503, "temporarily_unavailable")
    assert time.monotonic() - begun < 6
    speaks.set()


def test_many_unknown_keys_are_asked_for_once(alive, audience):
    assert asked_with(audience, f"Bearer {alive.token(audience)}").status_code == 200
    before = alive.asked["/.well-known/jwks.json"]
    for number in range(30):
        token = alive.token(audience, header={"kid": f"unknown{number}"})
        assert code(asked_with(audience, f"Bearer {token}")) == INVALID
    assert alive.asked["/.well-known/jwks.json"] - before <= 1
