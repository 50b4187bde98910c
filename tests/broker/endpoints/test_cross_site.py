"""Rows 21 and 22: what another site can make a browser do, and what it can read."""

import json

import pytest

from tests.broker.service import ISSUER, PASSWORD, SITE, code, session_of, sign_up

CREDENTIALS = {"email": "ada@example.com", "password": PASSWORD}
LOOK_ALIKES = [
    "null",
    "https://owner.github.io.evil.example",
    "https://evilowner.github.io",
    "https://owner.github.io:444",
    "http://owner.github.io",
    "https://OWNER.github.io",
    "https://owner.github.io/",
    "*",
]


@pytest.fixture
async def reader(make):
    async with make() as reader:
        await sign_up(reader, CREDENTIALS["email"])
        del reader.headers["origin"]
        yield reader


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Referer": "https://evil.example/page"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Referer": "not a url"},
        {"Referer": "http://[x"},
        {"Referer": "garbage", "Sec-Fetch-Site": "same-origin"},
        *({"Origin": origin} for origin in LOOK_ALIKES),
    ],
)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/auth/sign-out", {}),
        ("/api/auth/revoke-sessions", {}),
        ("/api/auth/delete-user", {}),
        ("/api/auth/update-user", {"name": "x"}),
        ("/api/auth/sign-in/email", CREDENTIALS),
        ("/auth/token", None),
        ("/auth/revoke", None),
    ],
)
async def test_a_cookie_alone_changes_nothing(reader, headers, path, body):
    answer = await reader.post(path, json=body, headers=headers)
    assert answer.status_code == 403
    if not path.startswith("/api/auth/"):
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "origin_not_allowed"
    assert "set-cookie" not in answer.headers
    assert "token" not in answer.json()
    assert "access-control-allow-origin" not in answer.headers
    assert await session_of(reader) is not None


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain", json.dumps(CREDENTIALS)),
        ("application/x-www-form-urlencoded", "token=x"),
        ("multipart/form-data; boundary=x", "--x--"),
    ],
)
async def test_a_body_that_a_form_can_send_is_no_json(reader, content_type, body):
    headers = {"Content-Type": content_type, "Origin": SITE}
    answer = await reader.post("/api/auth/revoke-session", content=body, headers=headers)
    assert code(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert answer.headers["access-control-allow-origin"] == SITE


async def test_the_brokers_own_pages_may_use_its_cookies(reader):
    for headers in ({"Origin": ISSUER}, {"Referer": ISSUER + "/login"}):
        assert (await reader.post("/auth/token", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 200),
        ({"Origin": SITE}, 200),
        ({"Origin": SITE, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}, 200),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": SITE, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Referer": "https://evil.example/"}, 403),
    ],
)
async def test_another_site_signs_no_reader_in(reader, headers, expected):
    reader.cookies.clear()
    answer = await reader.post("/api/auth/sign-in/email?client_id=docs", json=CREDENTIALS, headers=headers)
    assert answer.status_code == expected
    assert ("set-cookie" in answer.headers) == (expected == 200)


@pytest.mark.parametrize("origin", LOOK_ALIKES)
async def test_a_look_alike_reads_nothing(reader, origin):
    for method in ("GET", "OPTIONS"):
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        answer = await reader.request(method, "/api/auth/get-session", headers=headers)
        assert "access-control-allow-origin" not in answer.headers
        assert "access-control-allow-credentials" not in answer.headers
        assert answer.headers["vary"] == "Origin"


async def test_a_registered_site_reads_errors_too(reader):
    reader.cookies.clear()
    for path in ("/auth/token", "/nope", "/api/auth/list-sessions", "/api/auth/nope"):
        answer = await reader.get(path, headers={"Origin": SITE})
        assert answer.status_code in (401, 404)
        assert answer.headers["access-control-allow-origin"] == SITE
        assert "Retry-After" in answer.headers["access-control-expose-headers"]
