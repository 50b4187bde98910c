"""Rows 11, 19, 35, 36, 39, 47, 48: no request gives a 500, and none is echoed."""

import json
import logging

import jwt
import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.sessions.cookies import Jar, sign
from edge.http.client_address import networks
from tests.broker.service import PASSWORD, SECRET, SITE, code, session_of, sign_in, sign_up

JSON = {"Content-Type": "application/json"}
CANARY = "cAnArY"


@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", "Bearer"), ("Authorization", "Bearer")],
        [("Authorization", "Bearer ")],
        [("Authorization", "Bearer  two")],
        [("Authorization", "Bearer\ttab")],
        [("Authorization", "Bearer one two")],
        [("Authorization", b"Bearer caf\xc3\xa9")],
        [("Authorization", b"Bearer nul\0")],
        [("Authorization", b"Bearer folded\r\n line")],
        [("Authorization", b"\xff")],
        [("Authorization", "")],
    ],
)
async def test_a_misshapen_authorization_is_400(page, headers):
    for path in ("/auth/token", "/api/auth/token", "/api/auth/get-session"):
        answer = await page.get(path, headers=headers)
        assert code(answer) in {(400, "invalid_request"), (400, "INVALID_REQUEST")}


@pytest.mark.parametrize("value", ["Basic YTpi", "Digest x=1", "DPoP x"])
async def test_another_scheme_is_no_credential(page, value):
    answer = await page.get("/auth/token", headers={"Authorization": value})
    assert code(answer) == (401, "unauthenticated")


@pytest.mark.parametrize("path", ["/auth/token?token={}", "/auth/token?access_token={}"])
async def test_a_token_in_the_query_is_none(page, path):
    token = (await sign_up(page)).json()["token"]
    page.cookies.clear()
    assert (await page.get(path.format(token))).status_code == 401


async def test_a_cookie_that_is_not_signed_by_us_is_no_session(page):
    token = (await sign_up(page)).json()["token"]
    signed = sign(token, SECRET.encode())
    page.cookies.clear()
    forged = [
        token,
        f"{token}.",
        sign(token, b"another secret of at least 32 bytes"),
        signed[:-1],
        signed[:-2] + "==",
        signed.replace(".", "%2E", 1) + "%",
        signed.replace(token[0], "%zz", 1),
        "%00" + signed,
        signed + "%00",
        "%ff" * 30,
        "%25" * 30,
        "x" * 5000,
        token.swapcase() + signed[32:],
        sign("active-sessions-x", SECRET.encode()),
        "",
    ]
    for value in forged:
        answer = await page.get("/auth/token", headers={"Cookie": f"better-auth.session_token={value}"})
        assert answer.status_code == 401, value


async def test_a_secure_cookie_has_another_name(page):
    await sign_up(page)
    value = page.cookies["better-auth.session_token"]
    name = Jar(b"", secure=False).name("session_token")
    page.cookies.clear()
    other = {"Cookie": f"__Secure-{name}={value}"}
    assert (await page.get("/api/auth/get-session", headers=other)).json() is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", (400, "VALIDATION_ERROR")),
        (b"{", (400, "BAD_REQUEST")),
        (b'"text"', (400, "VALIDATION_ERROR")),
        (b"[]", (400, "VALIDATION_ERROR")),
        (b"null", (400, "VALIDATION_ERROR")),
        (b"NaN", (400, "BAD_REQUEST")),
        (b'{"email":1e400}', (400, "BAD_REQUEST")),
        (b'{"email":"a","email":"b"}', (400, "BAD_REQUEST")),
        (b'{"email":"\xff"}', (400, "BAD_REQUEST")),
        (b'{"email":"\\ud800","password":"xxxxxxxx"}', (400, "BAD_REQUEST")),
        (b'{"email":"a\\u0000@b.cc","password":"xxxxxxxx"}', (400, "INVALID_EMAIL")),
        (b'{"email":{"$ne":1},"password":["x"]}', (400, "VALIDATION_ERROR")),
        (b'{"email":"a@b.cc","password":true}', (400, "VALIDATION_ERROR")),
        (b'{"email":"a@b.cc","password":"xxxxxxxx","rememberMe":"yes"}', (400, "VALIDATION_ERROR")),
        (b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", (400, "BAD_REQUEST")),
        (b'{"a":' + b"1" * 5000 + b"}", (400, "BAD_REQUEST")),
        ('{"email":"a@b.cc"}'.encode("utf-16"), (400, "BAD_REQUEST")),
        (b'\xef\xbb\xbf{"email":"a@b.cc"}', (400, "BAD_REQUEST")),
        (b" " * 70_000, (413, "BODY_TOO_LARGE")),
    ],
)
async def test_a_body_that_is_not_what_is_asked_for_is_refused_and_not_repeated(page, body, expected):
    answer = await page.post("/api/auth/sign-in/email", content=body, headers=JSON)
    assert code(answer) == expected
    assert "$ne" not in answer.text
    assert answer.headers["access-control-allow-origin"] == SITE


async def test_a_body_may_be_too_large_without_saying_so(page):
    async def chunks():
        for _ in range(20):
            yield b" " * 8192

    answer = await page.post("/api/auth/sign-in/email", content=chunks(), headers=JSON)
    assert code(answer) == (413, "BODY_TOO_LARGE")
    assert answer.headers["connection"] == "close"


async def test_an_encoded_body_is_415(page):
    headers = {**JSON, "Content-Encoding": "gzip"}
    answer = await page.post("/api/auth/sign-in/email", content=b"x", headers=headers)
    assert answer.status_code == 415


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("TRACE", "/auth/token", 405),
        ("CONNECT", "/auth/token", 405),
        ("PUT", "/auth/token", 405),
        ("GET", "/docs", 404),
        ("GET", "/redoc", 404),
        ("GET", "/openapi.json", 404),
        ("GET", "/metrics", 404),
        ("GET", "/auth/token/", 404),
        ("GET", "//auth/token", 404),
        ("GET", "/auth/../auth/token%00", 404),
        ("TRACE", "/api/auth/get-session", 404),
        ("HEAD", "/api/auth/get-session", 404),
        ("GET", "/api/auth/get-session/", 404),
        ("GET", "/api/auth/sign-out", 404),
    ],
)
async def test_there_is_nothing_beside_what_is_documented(page, method, path, status):
    answer = await page.request(method, path)
    assert answer.status_code == status
    if path.startswith("/api/auth"):
        assert answer.content == b""
        assert "content-type" not in answer.headers


# Security row 39.
async def test_names_and_agents_are_data_in_every_place(page, capsys):
    hostile = 'x"\r\nSet-Cookie: a=b\x1b[31m</script>'
    done = await sign_up(page, name=hostile)
    assert done.json()["user"]["name"] == hostile
    headers = {"User-Agent": "x" * 5000, "X-Request-Id": CANARY, "Host": "evil.example"}
    await sign_in(page, done.json()["user"]["email"])
    shown = await page.post("/api/auth/sign-in/anonymous", headers=headers)
    assert CANARY not in str(shown.headers)
    assert len((await session_of(page))["session"]["userAgent"]) == 256
    token = (await page.get("/auth/token", headers={"Host": "evil.example"})).json()["token"]
    assert "evil" not in json.dumps(_claims(token))


async def test_a_forwarded_address_counts_from_trusted_hops_only(start):
    # Two lines are one list (RFC 9110 5.3): the first is the reader's invention, the last the hop's word.
    headers = [("X-Forwarded-For", "192.0.2.66"), ("X-Forwarded-For", "198.51.100.9")]
    for trusted, expected in (((), "203.0.113.7"), (("203.0.113.0/24",), "198.51.100.9")):
        make = await start(trusted_proxies=networks(trusted))
        async with make() as page:
            await page.post("/api/auth/sign-in/anonymous", headers=headers)
            assert (await session_of(page))["session"]["ipAddress"] == expected


# Security row 48: whatever a reader keeps secret, in no line of the log.
async def test_no_secret_is_logged(make, capsys, valkey):
    logging.getLogger().addHandler(handler := logging.StreamHandler())
    structlog.configure(logger_factory=structlog.PrintLoggerFactory())
    secrets = {PASSWORD, SECRET, f"{CANARY}-password", f"{CANARY}@example.com"}
    try:
        async with make() as page:
            done = await sign_up(page, f"{CANARY}@example.com", name=CANARY)
            secrets |= {done.json()["token"], done.headers["set-auth-token"]}
            secrets.add(page.cookies["better-auth.session_token"])
            await sign_in(page, f"{CANARY}@example.com", f"{CANARY}-password")
            secrets.add((await page.get("/auth/token")).json()["token"])
            await page.get("/auth/token", headers={"Authorization": f"Bearer {CANARY}"})
            await page.get(f"/nope/{CANARY}?token={CANARY}")
            valkey.kill()
            await page.get("/auth/token")
    finally:
        logging.getLogger().removeHandler(handler)
        structlog.reset_defaults()
    printed = "".join(capsys.readouterr())
    assert "signed_up" in printed
    assert "sign_in_failed" in printed
    assert [secret for secret in secrets if secret in printed] == []
    assert CANARY not in printed


PATHS = ["/api/auth/sign-up/email", "/api/auth/sign-in/email", "/api/auth/revoke-session", "/auth/revoke"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(PATHS),
    body=st.binary(max_size=300) | st.dictionaries(st.text(), st.text() | st.integers() | st.none()),
    content_type=st.sampled_from(["application/json", "application/x-www-form-urlencoded", "text/plain", ""]),
    authorization=st.none()
    | st.binary(max_size=80).filter(lambda raw: b"\n" not in raw and b"\r" not in raw),
    cookie=st.none() | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=120),
)
async def test_any_request_is_answered_with_less_than_500(
    page, path, body, content_type, authorization, cookie
):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = [("Content-Type", content_type)]
    if authorization is not None:
        headers.append(("Authorization", authorization))
    if cookie is not None:
        headers.append(("Cookie", f"better-auth.session_token={cookie}"))
    page.cookies.clear()
    answer = await page.post(path, content=content, headers=headers)
    assert answer.status_code < 500


def _claims(token):
    return jwt.decode(token, options={"verify_signature": False})
