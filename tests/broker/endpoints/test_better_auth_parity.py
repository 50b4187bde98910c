"""The same requests to real Better Auth servers and to our broker. Ours must answer as 1.7 in status, codes,
messages, order of members and attributes of cookies, but where DIFFERENCES says why not, and 1.6 as 1.7, but
where OF_1_6 says what is followed.

Not compared are headers that only we send (CORS, Cache-Control, X-Request-Id), rate limits, which theirs have
in production alone, and what decisions 4 and 14 say of tokens and lists; the tests at the end look at those.
"""

import json
from contextlib import ExitStack

import httpx
import jwt
import pytest

from broker.sessions import cookies
from tests.broker.endpoints.better_auth_parity import account, origins, sessions, sign_ins
from tests.broker.endpoints.better_auth_parity.servers import Server, outcome
from tests.broker.service import SECRET, SITE
from tests.node_packages import FOLDER, node
from tests.ports import free_ports
from tests.processes import broker_process, serving

pytestmark = pytest.mark.node

TOML = f"""
env = "development"
[broker]
algorithm = "ES256"
[sign_in]
sign_ups_per_address = 10000
attempts_per_address = 10000
attempts_per_account = 1000
failures_per_address = 10000
failures_per_account = 1000
[sites.docs]
origins = ["{SITE}"]
backend = "book"
session_bearer = true
guests = true
[backends.book]
url = "http://127.0.0.1:8002"
secret = "another secret of the tests, as long"
"""
FAMILIES = (sign_ins, account, sessions, origins)
CASES = {name: case for family in FAMILIES for name, case in family.CASES.items()}
DIFFERENCES, OF_1_6 = (
    {
        case: one
        for family in FAMILIES
        for cases in getattr(family, table).values()
        for case, one in cases.items()
    }
    for table in ("DIFFERENCES", "OF_1_6")
)


@pytest.fixture(scope="module")
def servers():
    """Theirs of 1.7 and of 1.6, and ours."""
    with ExitStack() as stack:
        ports = free_ports(2)
        theirs = [f"http://127.0.0.1:{port}" for port in ports]
        command = [node(), "server.mjs", *(str(port) for port in ports), SECRET, SITE]
        stack.enter_context(serving(command, f"{theirs[0]}/api/auth/ok", folder=FOLDER))
        ours = stack.enter_context(broker_process(TOML, secret=SECRET))
        http = stack.enter_context(httpx.Client(trust_env=False))
        yield tuple(Server(url, http) for url in (*theirs, ours))


@pytest.mark.parametrize("name", CASES)
def test_all_answer_alike(servers, name):
    theirs, older, ours = (server.answer(CASES[name]) for server in servers)
    _compare(theirs, ours, DIFFERENCES.get(name))
    _compare(older, theirs, OF_1_6.get(name))


def _compare(one, other, known):
    if known is None:
        assert other == one
    else:
        differing = {key for key in one if one[key] != other[key]}
        assert (differing, outcome(one), outcome(other)) == known


def test_every_known_difference_is_of_a_case():
    assert DIFFERENCES.keys() | OF_1_6.keys() <= CASES.keys()
    # No name is of two families.
    assert len(CASES) == sum(len(family.CASES) for family in FAMILIES)


def test_a_list_names_sessions_by_handles_where_theirs_gives_the_credentials(servers):
    for server, is_raw in zip(servers, (True, True, False), strict=True):
        _, cookie = server.sign_up()
        raw = cookies.verify_token(cookie.partition("=")[2], SECRET.encode())
        [only] = server.http.get(
            f"{server.url}/api/auth/list-sessions", headers={"Cookie": cookie, "Origin": SITE}
        ).json()
        assert (only["token"] == raw) is is_raw


def test_a_token_says_less_of_its_reader_and_lives_shorter(servers):
    claims = []
    for server in servers:
        email, cookie = server.sign_up()
        token = server.http.get(
            f"{server.url}/api/auth/token", headers={"Cookie": cookie, "Origin": SITE}
        ).json()["token"]
        claims.append(jwt.decode(token, options={"verify_signature": False}))
        assert (email in json.dumps(claims[-1])) is (server is not servers[-1])
    theirs, older, ours = claims
    assert [one["exp"] - one["iat"] for one in claims] == [900, 900, 300]
    assert theirs.keys() == older.keys()
    assert {"sid", "jti", "client_id", "scope"} <= ours.keys() - theirs.keys()


@pytest.mark.parametrize("path", ["/sign-in/email", "/get-session", "/token", "/nothing-here"])
def test_no_answer_of_ours_is_kept_by_a_cache(servers, path):
    ours = servers[-1]
    answer = ours.http.get(f"{ours.url}/api/auth{path}", headers={"Origin": SITE})
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["vary"] == "Origin"
    assert answer.headers["x-request-id"]
