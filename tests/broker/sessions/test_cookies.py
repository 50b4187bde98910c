"""Cookies byte for byte as Better Auth writes them: the vectors are of a server of its own."""

import json
from pathlib import Path

import pytest

from broker.sessions import cookies
from tests.broker.service import PASSWORD, SECRET, session_of, sign_up

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "better_auth_cookies.json").read_text())
[ONE, REMEMBER, _] = VECTORS
KEY = ONE["secret"].encode()
TOKEN = ONE["value"]
SIGNED = ONE["signed"]
QUOTED = ONE["pair"].partition("=")[2]
SIGNATURE = SIGNED.partition(".")[2]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda one: one["signed"][:8])
def test_a_cookie_is_signed_and_quoted_as_better_auth_does(vector):
    secret = vector["secret"].encode()
    assert cookies.sign(vector["value"], secret) == vector["signed"]
    jar = cookies.Jar(secret, secure=False)
    assert vector["pair"] in {line.partition(";")[0] for line in jar.session(vector["value"], None)}
    [sent] = cookies.values(vector["pair"], jar.name(vector["cookie"]))
    assert cookies.verify(sent, secret) == cookies.verify(vector["signed"], secret) == vector["value"]


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(SIGNED, id="plain"),
        pytest.param(QUOTED, id="percent-encoded"),
        pytest.param(QUOTED.replace("%2F", "%2f").replace("%3D", "%3d"), id="in lower case"),
        pytest.param(QUOTED.replace("%3D", "="), id="in part"),
        pytest.param(QUOTED.replace("abc", "%61%62%63"), id="more than is needed"),
        pytest.param("".join(f"%{letter:02X}" for letter in SIGNED.encode()), id="all of it"),
    ],
)
def test_one_value_may_be_written_in_several_ways(sent):
    assert cookies.verify_token(sent, KEY) == TOKEN


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param("", id="nothing"),
        pytest.param(TOKEN, id="stripped of its signature"),
        pytest.param(f"{TOKEN}.", id="with an empty signature"),
        pytest.param(f".{SIGNATURE}", id="with an empty value"),
        pytest.param(f"{TOKEN}.{'A' * 43}=", id="forged"),
        pytest.param(f"{TOKEN.upper()}.{SIGNATURE}", id="another value under the signature"),
        pytest.param(SIGNED.removesuffix("="), id="without padding"),
        pytest.param(f"{SIGNED}=", id="with more padding"),
        pytest.param(SIGNED.replace("/", "_").replace("+", "-"), id="in the other base64"),
        # The last letter before the padding has two bits that no byte holds.
        pytest.param(SIGNED.replace("0=", "1="), id="with unused bits"),
        pytest.param(f"{TOKEN}.x.{SIGNATURE}", id="with a third part"),
        pytest.param(f"{SIGNED}.{SIGNATURE}", id="with two signatures"),
        pytest.param(f" {SIGNED}", id="after a space"),
        pytest.param(f'"{SIGNED}"', id="in quotes"),
        pytest.param(f"{SIGNED}\n", id="before a line break"),
        pytest.param(f"{TOKEN}%00.{SIGNATURE}", id="with a NUL"),
        pytest.param(QUOTED.replace("%", "%25"), id="percent-encoded twice"),
        pytest.param(QUOTED.replace("%2F", "%2"), id="with half an escape"),
        pytest.param(QUOTED.replace("%2F", "%GG"), id="with no hex in an escape"),
        pytest.param(f"%FF{QUOTED}", id="with what is no UTF-8"),
        pytest.param(f"%EF%BB%BF{QUOTED}", id="with a byte order mark"),
        pytest.param(SIGNED.replace("a", "а"), id="with a letter of another alphabet"),
        pytest.param(REMEMBER["signed"], id="signed for another cookie"),
        pytest.param(f"{SIGNED}{'x' * 600}", id="too long"),
    ],
)
def test_nothing_else_is_a_session_token(sent):
    assert cookies.verify_token(sent, KEY) is None


@pytest.mark.parametrize("secret", [b"", b"another secret", KEY + b" ", KEY.upper()])
def test_another_secret_verifies_nothing(secret):
    assert cookies.verify_token(SIGNED, secret) is None


@pytest.mark.parametrize("before", [0, 1, 3])
def test_any_of_several_secrets_verifies(before):
    others = [f"secret {number} of this broker".encode() for number in range(4)]
    assert cookies.verify_token(SIGNED, *others[:before], KEY, *others[before:]) == TOKEN
    assert cookies.verify_token(SIGNED, *others) is None


async def test_a_session_outlives_a_change_of_the_secret_and_new_ones_are_signed_with_the_new_one(
    page, start
):
    new = b"the secret that took the place of the first"
    await sign_up(page)
    [(name, cookie)] = page.cookies.items()
    make = await start(secrets=(new, SECRET.encode()))
    async with make() as other:
        other.cookies.set(name, cookie)
        assert await session_of(other) is not None
        other.cookies.clear()
        answer = await sign_up(other)
        [(_, signed)] = other.cookies.items()
        assert cookies.verify_token(signed, new) == answer.json()["token"]
        assert cookies.verify_token(signed, SECRET.encode()) is None


def test_a_value_that_is_signed_but_no_token_never_becomes_part_of_a_key():
    for value in ("active-sessions-x", "x" * 31, "x" * 33, "cg:{x}", "x" * 31 + "*"):
        assert cookies.verify(cookies.sign(value, KEY), KEY) == value
        assert cookies.verify_token(cookies.sign(value, KEY), KEY) is None


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("a=1", ["1"]),
        ("b=2; a=1", ["1"]),
        ("b=2;a=1", ["1"]),
        ("a=1; a=2", ["1", "2"]),
        ("a=1=2", ["1=2"]),
        ("a=", [""]),
        ("a", []),
        ("A=1", []),
        ("aa=1; xa=2; a.b=3", []),
        ('b="; a=1"', ['1"']),
        ("", []),
    ],
)
def test_a_cookie_is_found_by_its_exact_name(header, found):
    assert cookies.values(header, "a") == found


@pytest.mark.parametrize(
    ("secure", "prefix", "attributes"),
    [
        (False, "", "Path=/; HttpOnly; SameSite=Lax"),
        (True, "__Secure-", "Path=/; HttpOnly; Secure; SameSite=Lax"),
    ],
)
def test_the_attributes_are_those_of_better_auth_in_its_order(secure, prefix, attributes):
    jar = cookies.Jar(KEY, secure=secure)
    assert cookies.Jar(KEY, secure=secure, prefix="a").name("b") == f"{prefix}a.b"
    assert jar.session(TOKEN, 604800) == [f"{prefix}{ONE['pair']}; Max-Age=604800; {attributes}"]
    assert jar.session(TOKEN, None) == [
        f"{prefix}{ONE['pair']}; {attributes}",
        f"{prefix}{REMEMBER['pair']}; {attributes}",
    ]
    assert jar.cleared() == [
        f"{prefix}better-auth.{name}=; Max-Age=0; {attributes}"
        for name in ("session_token", "session_data", "dont_remember")
    ]


async def test_two_brokers_of_one_host_leave_each_others_readers_signed_in(start):
    """RFC 6265 8.5: a cookie is sent to every port of its host."""
    here, there = [(await start(cookie_prefix=prefix))() for prefix in ("better-auth", "chatgate-8100")]
    there.cookies.jar = here.cookies.jar
    for page in (here, there):
        await sign_up(page)
    assert sorted(here.cookies) == ["better-auth.session_token", "chatgate-8100.session_token"]
    first, second = await session_of(here), await session_of(there)
    assert first["user"]["id"] != second["user"]["id"]
    assert (await there.post("/api/auth/sign-out", json={})).status_code == 200
    assert sorted(here.cookies) == ["better-auth.session_token"]
    assert await session_of(there) is None
    assert (await session_of(here))["user"]["id"] == first["user"]["id"]
    assert (await here.get("/auth/token")).status_code == 200


async def test_a_cookie_is_cleared_when_we_signed_it_and_left_alone_when_another_server_did(page):
    ours, theirs = SECRET.encode(), b"the secret of another Better Auth server on this host"
    await sign_up(page)
    page.cookies.clear()
    for secret, is_cleared in ((ours, True), (theirs, False)):
        name, _, value = cookies.Jar(secret, secure=False).session(TOKEN, None)[0].partition("=")
        sent = {"Cookie": f"{name}={value.partition(';')[0]}"}
        for path in ("/api/auth/get-session", "/api/auth/list-sessions"):
            answer = await page.get(path, headers=sent)
            assert ("set-cookie" in answer.headers) is is_cleared
            page.cookies.clear()


OTHERS = {
    "signed by another": QUOTED,
    "unsigned": "x" * 77,
    "short": "x",
    "empty": "",
    "the same again": None,
    "signed and dead": cookies.sign("d" * 32, SECRET.encode()),
}


def both(name, one, other):
    return [{"Cookie": f"{name}={first}; {name}={second}"} for first, second in ((one, other), (other, one))]


@pytest.mark.parametrize("second", OTHERS.values(), ids=OTHERS)
async def test_a_second_session_cookie_that_stands_for_nothing_is_ignored(page, second):
    await sign_up(page, "ada@example.com")
    [(name, good)] = page.cookies.items()
    for order in (0, 1):
        sent = both(name, good, good if second is None else second)[order]
        page.cookies.clear()
        answer = await page.get("/api/auth/get-session", headers=sent)
        assert answer.json()["user"]["email"] == "ada@example.com"
        assert (await page.get("/auth/token", headers=sent)).status_code == 200
        body = {"email": "ada@example.com", "password": PASSWORD}
        answer = await page.post("/api/auth/sign-in/email", json=body, headers=sent)
        assert answer.status_code == 200
        good = page.cookies[name]
    [sent, _] = both(name, good, good if second is None else second)
    page.cookies.clear()
    answer = await page.post("/api/auth/sign-out", headers=sent)
    assert answer.status_code == 200
    assert (await page.get("/api/auth/get-session", headers=sent)).json() is None


async def planted(page):
    """The cookies of two living sessions: of a reader, and of an attacker who planted theirs."""
    found = []
    for email in ("ada@example.com", "mallory@example.com"):
        page.cookies.clear()
        await sign_up(page, email)
        [(name, value)] = page.cookies.items()
        found.append(value)
    page.cookies.clear()
    return name, *found


async def test_neither_of_two_living_sessions_is_guessed(page):
    for sent in both(*await planted(page)):
        for path in ("/api/auth/get-session", "/api/auth/list-sessions"):
            answer = await page.get(path, headers=sent)
            assert (answer.status_code, answer.json()["code"]) == (400, "DUPLICATE_SESSION_COOKIE")
        answer = await page.get("/auth/token", headers=sent)
        assert (answer.status_code, answer.json()["code"]) == (400, "duplicate_session_cookie")


@pytest.mark.parametrize("way", ["sign-in/email", "sign-up/email", "sign-in/anonymous", "sign-out"])
async def test_signing_in_and_out_lead_out_of_two_living_sessions(page, way):
    name, good, other = await planted(page)
    body = {
        "sign-in/email": {"email": "ada@example.com", "password": PASSWORD},
        "sign-up/email": {"name": "Bea", "email": "bea@example.com", "password": PASSWORD},
    }.get(way, {})
    answer = await page.post(f"/api/auth/{way}", json=body, headers=both(name, good, other)[0])
    assert answer.status_code == 200, answer.text
    for value in (good, other):
        alone = {"Cookie": f"{name}={value}"}
        fresh = page.cookies.get(name)
        page.cookies.clear()
        assert (await page.get("/api/auth/get-session", headers=alone)).json() is None
        if fresh is not None:
            page.cookies.set(name, fresh)
    if way != "sign-out":
        [sent, _] = both(name, page.cookies[name], other)
        page.cookies.clear()
        assert (await page.get("/api/auth/get-session", headers=sent)).json() is not None


async def test_cookies_that_a_parent_domain_may_have_planted_are_taken_away(page, start):
    make = await start(issuer="https://auth.docs.example.org")
    async with make() as other:
        await sign_up(other)
        [(name, good)] = other.cookies.items()
        other.cookies.clear()
        dead = cookies.sign("d" * 32, SECRET.encode())
        answer = await other.post("/api/auth/sign-out", headers=both(name, good, dead)[0])
        lines = answer.headers.get_list("set-cookie")
        assert [line.rpartition("Domain=")[2] for line in lines if "Domain=" in line] == [
            "auth.docs.example.org",
            "docs.example.org",
            "example.org",
        ]
        assert all(line.startswith(f"{name}=; Max-Age=0; Path=/;") for line in lines if "Domain=" in line)
        answer = await other.post("/api/auth/sign-out", headers={"Cookie": f"{name}={dead}"})
        assert not any("Domain=" in line for line in answer.headers.get_list("set-cookie"))


async def test_many_planted_cookies_are_looked_at_up_to_a_limit(page):
    await sign_up(page)
    [(name, good)] = page.cookies.items()
    page.cookies.clear()
    forged = "; ".join(f"{name}={'x' * 28}{number:04d}.{'A' * 43}=" for number in range(60))
    answer = await page.get("/api/auth/get-session", headers={"Cookie": f"{forged}; {name}={good}"})
    assert answer.json() is not None
