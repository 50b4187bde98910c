"""OAuth client libraries as npm has them, against a broker of its own process. tests/node/oauth.mjs takes
oauth4webapi or openid-client through the whole OAuth side, tests/node/access_tokens.mjs judges tokens as a
resource server does, with oauth4webapi and jose; both tell their steps, which stand here in tables."""

import time
from contextlib import ExitStack

import jwt
import pytest

from chat_proxy.backends.internal_token import internal_token
from chat_proxy.config import Backend
from tests.broker.oauth.library_steps import (
    ACTIVE,
    BEFORE_PROOF,
    BOUND_STEPS,
    NO_KEY,
    OTHER_KEY,
    RESOURCE_SERVER,
    STEPS,
    URN,
)
from tests.broker.service import CALLBACK, GATEWAY, SECRET, SITE, TOML
from tests.node_packages import node, steps_of
from tests.processes import broker_process

pytestmark = pytest.mark.node


PROXY = "http://127.0.0.1:8001"


LIBRARIES = ("oauth4webapi", "openid_client")


KEYS = (None, "ES256", "Ed25519")


ALGORITHMS = ("ES256", "EdDSA", "RS256")


def toml_of(algorithm):
    return f'{TOML}secret = "another secret of the tests, as long"\n[broker]\nalgorithm = "{algorithm}"\n'


@pytest.fixture(scope="module")
def brokers():
    """The address of a broker for each algorithm that it may sign with, started when it is asked for."""
    node()
    started = {}
    with ExitStack() as stack:

        def broker(algorithm):
            if algorithm not in started:
                running = broker_process(toml_of(algorithm), secret=SECRET)
                started[algorithm] = stack.enter_context(running)
            return started[algorithm]

        yield broker


@pytest.fixture(
    scope="module",
    params=[(library, alg) for library in LIBRARIES for alg in KEYS],
    ids=lambda param: " ".join(filter(None, param)),
)
def run(request, brokers):
    """The library's DPoP algorithm or None, the broker's address, and the steps by name."""
    library, alg = request.param
    broker = brokers("ES256")
    task = {
        "library": library,
        "broker": broker,
        "clientId": "docs",
        "redirectUri": CALLBACK,
        "gateway": GATEWAY,
        "email": f"{library}-{alg}@example.com".lower(),
        "alg": alg,
        "signed": "ES256",
    }
    return alg, broker, steps_of("oauth.mjs", task)


def test_every_step_gives_what_the_standards_say(run):
    alg, _, steps = run
    expected = STEPS if alg is None else STEPS | BOUND_STEPS
    assert {name: _seen(step) for name, step in steps.items()} == expected


def test_the_nonce_is_asked_for_once_and_then_always_at_hand(run):
    """A client without a key needs none. One with a key is refused at its first request alone, as each
    answer has the nonce of the next; and a key that is new to the library begins anew."""
    alg, _, steps = run
    for name, step in steps.items():
        asked = [one for one in step["wire"] if one["path"] == "/oauth2/token"]
        assert all(one["hasNonce"] == (one["proved"] and name not in BEFORE_PROOF) for one in asked), name
        sent = [(one["status"], one["proved"]) for one in asked]
        proved = alg is not None and name not in NO_KEY
        status = 400 if step["error"] else 200
        refused_first = proved and name in {"code", *OTHER_KEY}
        expected = [(400, True)] * refused_first + [(status, proved)]
        assert sent in ([], expected), name
    if alg is not None:
        assert len(steps["code"]["wire"]) == 2


def test_tokens_are_bound_to_the_key_that_was_proved(run):
    alg, _, steps = run
    granted = [step["data"]["access_token"] for step in steps.values() if _is_grant(step["data"])]
    assert len(granted) >= 6
    for token in granted:
        bound_to = _claims(token).get("cnf", {}).get("jkt")
        assert bound_to == steps["key"]["data"]
    assert (steps["key"]["data"] is None) == (alg is None)


def test_introspection_says_what_the_token_says(run):
    alg, _, steps = run
    token_type = "Bearer" if alg is None else "DPoP"
    whole, narrow = (_claims(steps[name]["data"]["access_token"]) for name in ("refresh", "exchange"))
    plain = steps["introspection by Basic"]["data"]
    assert plain == {"active": True, "token_type": token_type, **whole}
    assert steps["introspection, signed"]["data"] == plain
    assert steps["introspection by form"]["data"] == {"active": True, "token_type": token_type, **narrow}
    assert [one["scheme"] for one in steps["introspection by form"]["wire"]][-1] is None
    assert {one["accept"] for one in steps["introspection, signed"]["wire"]} >= {
        "application/token-introspection+jwt"
    }


def test_the_metadata_names_what_the_library_then_used(run):
    _, broker, steps = run
    found = steps["discovery"]["data"]
    assert found["issuer"] == broker
    assert found["protected_resources"] == [PROXY]
    standard = [name for name in found if not name.startswith("chatgate_")]
    named = {
        found[name].removeprefix(broker) for name in standard if name.endswith(("_endpoint", "jwks_uri"))
    }
    used = {one["path"] for step in steps.values() for one in step["wire"]}
    assert used == named - {"/oauth2/authorize"} | {"/.well-known/oauth-authorization-server"}


@pytest.fixture(scope="module", params=ALGORITHMS)
def judged(request, brokers):
    """The algorithm that the broker signs with, its address, and the steps by name."""
    broker = brokers(request.param)
    backend = Backend(
        kind="native",
        name="book",
        url="http://127.0.0.1:8002",
        secret=b"a backend's secret of the tests, long",
        audience=PROXY,
        first_byte_seconds=30,
        answer_seconds=120,
        answer_bytes=262_144,
    )
    task = {
        "broker": broker,
        "clientId": "docs",
        "redirectUri": CALLBACK,
        "origin": SITE,
        "gateway": GATEWAY,
        "audience": PROXY,
        "internal": internal_token(backend, b"{}", time.time()),
    }
    return request.param, broker, steps_of("access_tokens.mjs", task)


def test_access_tokens_are_taken_and_nothing_else_that_is_made_here(judged):
    _, _, steps = judged
    assert {name: _seen(step) for name, step in steps.items()} == RESOURCE_SERVER


def test_the_claims_are_those_of_the_profile(judged):
    algorithm, broker, steps = judged
    claims = steps["access token"]["data"]
    assert (claims["iss"], claims["aud"], claims["client_id"]) == (broker, PROXY, "docs")
    assert claims["exp"] - claims["iat"] == 300
    assert steps["jose"]["data"] == {"claims": claims, "alg": algorithm}
    readers = {step["data"]["sub"] for step in steps.values() if _is_claims(step["data"])}
    assert readers == {claims["sub"]}


def _seen(step):
    """The step in the words of the tables; what does not fit is given as it is, for a failure to show it."""
    data, error = step["data"], step["error"]
    if error is not None:
        # Each library has its own sentence for it.
        if error[0] == "OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED":
            return error[0]
        # A proof names no `kid`: the set has no key for it, or two that it might be of.
        unkeyed = {"ERR_JWKS_NO_MATCHING_KEY", "ERR_JWKS_MULTIPLE_MATCHING_KEYS"}
        return "no key of ours" if error[0] in unkeyed else error
    if _is_grant(data):
        return data["scope"] + (", with a refresh token" if "refresh_token" in data else "")
    if _is_claims(data):
        return f"claims: {data['scope']}{', bound' if 'cnf' in data else ''}"
    if isinstance(data, dict):
        if data.get("active") is True:
            return ACTIVE
        if "claims" in data:
            return f"claims: {data['claims']['scope']}"
        if "token_endpoint" in data:
            return "metadata"
    return "key" if step["step"] == "key" else data


def _is_grant(data):
    """An answer of the token endpoint that says of itself what it is."""
    if not isinstance(data, dict) or "access_token" not in data:
        return False
    token_type = "dpop" if "cnf" in _claims(data["access_token"]) else "bearer"
    exchanged = {} if "refresh_token" in data else {"issued_token_type": f"{URN}:token-type:access_token"}
    is_timely = 0 < data["expires_in"] <= 300
    return is_timely and data.items() >= {"token_type": token_type, **exchanged}.items()


def _is_claims(data):
    members = ["iss", "sub", "aud", "client_id", "iat", "exp", "jti", "sid", "scope", "tier"]
    return isinstance(data, dict) and [name for name in data if name != "cnf"] == members


def _claims(token):
    return jwt.decode(token, options={"verify_signature": False})
