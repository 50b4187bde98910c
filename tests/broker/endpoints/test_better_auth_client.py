"""Better Auth's own client, as npm has it, through every call that the broker answers."""

import json

import jwt
import pytest

from broker.sessions import cookies
from tests.broker.endpoints.better_auth_steps import HANDLE, RAW, SITES, STEPS, seen, steps_of
from tests.broker.service import OTHER_SITE, SECRET, SITE
from tests.node_packages import node
from tests.processes import broker_process

pytestmark = pytest.mark.node

PREFIXES = ("better-auth", "chatgate-8100")


@pytest.fixture(scope="module", params=PREFIXES)
def broker(request):
    """With either prefix of its cookies' names: the client looks at no name."""
    node()
    toml = SITES.replace("[sites.docs]", f'[broker]\ncookie_prefix = "{request.param}"\n[sites.docs]')
    with broker_process(toml, secret=SECRET) as url:
        yield url


@pytest.fixture(
    scope="module",
    params=[
        (SITE, "cookie", "better-auth"),
        (OTHER_SITE, "cookie", "better-auth"),
        (SITE, "bearer", "better-auth"),
        (SITE, "cookie", "better-auth-1.6"),
    ],
    ids=["cookies", "cookies alone", "bearer", "cookies, 1.6"],
)
def run(request, broker):
    """The site, how the client shows who it is, and the steps by name."""
    origin, credentials, library = request.param
    return origin, credentials, steps_of(broker, origin, credentials, library)


@pytest.fixture
def prefix(request):
    return request.node.callspec.params["broker"]


def test_every_step_gives_what_better_auth_would(run):
    origin, _, steps = run
    assert list(steps) == list(STEPS)
    token = RAW if origin == SITE else HANDLE
    found = {name: seen(step, token) for name, step in steps.items()}
    assert found == STEPS


def test_the_day_long_session_has_a_cookie_without_an_age(run, prefix):
    _, _, steps = run
    [*_, sign_in] = steps["sign in for a day"]["wire"]
    assert [line.partition("=")[0] for line in sign_in["setCookies"]] == [
        f"{prefix}.session_token",
        f"{prefix}.dont_remember",
    ]
    assert not any("Max-Age" in line for line in sign_in["setCookies"])


def test_the_token_is_signed_by_a_published_key_and_names_the_site(run, broker):
    origin, _, steps = run
    keys = jwt.PyJWKSet.from_dict(steps["jwks"]["data"])
    for name in ("token", "token of a guest"):
        token = steps[name]["data"]["token"]
        header = jwt.get_unverified_header(token)
        claims = jwt.decode(
            token, keys[header["kid"]], ["ES256"], issuer=broker, audience="http://127.0.0.1:8001"
        )
        assert header["typ"] == "at+jwt"
        assert claims["client_id"] == ("docs" if origin == SITE else "other")


def test_a_raw_session_token_is_in_no_answer_but_where_the_site_allows_it(run):
    """A site without `session_bearer` gets it in Set-Cookie alone; one with it, in the answers to its own
    reader, but in no list."""
    origin, _, steps = run
    wire = [one for step in steps.values() for one in step["wire"]]
    raw = {token for one in wire for line in one["setCookies"] if (token := _raw_token(line))}
    assert len(raw) >= 7
    shown = [
        one["path"]
        for one in wire
        if any(token in one["body"] or token in json.dumps(one["headers"]) for token in raw)
    ]
    if origin == OTHER_SITE:
        assert shown == []
    assert "/api/auth/list-sessions" not in shown
    announced = [one["path"] for one in wire if "set-auth-token" in dict(one["headers"])]
    assert bool(announced) == (origin == SITE)


def test_every_answer_can_be_read_by_the_page(run):
    origin, _, steps = run
    for one in (one for step in steps.values() for one in step["wire"]):
        headers = dict(one["headers"])
        assert headers["access-control-allow-origin"] == origin
        assert headers["access-control-allow-credentials"] == "true"
        assert "set-auth-token" in headers["access-control-expose-headers"]


def _raw_token(line):
    name, _, value = line.partition(";")[0].partition("=")
    return cookies.verify_token(value, SECRET.encode()) if name.endswith(".session_token") else None
