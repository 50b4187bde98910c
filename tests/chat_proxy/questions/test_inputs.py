"""Rows 22, 35 to 37, 39 and 47: malformed bodies, texts and requests."""

import asyncio
import json

import pytest

from tests.chat_proxy.configuration import SITE

CANARY = "canary-of-the-reader"


async def post(service, bearer, content, **headers):
    sent = {**service.headers(bearer), "Content-Type": "application/json", "Origin": SITE, **headers}
    return await service.client.post("/chat", content=content, headers=sent)


def question(**members):
    return json.dumps({"message": "x", **members}).encode()


# Security row 36.
@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"canary-of-the-reader", 400),
        (b'{"message":"\xff canary-of-the-reader"}', 400),
        (question(message=CANARY).decode().encode("utf-16"), 400),
        (b"\xef\xbb\xbf" + question(), 400),
        (b'{"message":"a\0canary-of-the-reader"}', 400),
        (b'{"message":"\\ud800canary-of-the-reader"}', 400),
        (b'{"message":NaN}', 400),
        (b'{"message":1e400}', 400),
        (b'{"message":"x","message":"canary-of-the-reader"}', 400),
        (b'{"message":' + b"[" * 100_000 + b"}", 400),
        (b'{"message":' + b"9" * 5000 + b"}", 400),
        (b"[]", 422),
        (b'"canary-of-the-reader"', 422),
        (b"null", 422),
        (b"{}", 422),
        (b'{"message":5}', 422),
        (b'{"message":null}', 422),
        (b'{"message":""}', 422),
        (b'{"message":" \\u00a0\\t"}', 422),
        (question(message="a" * 4001), 422),
        (question(extra=CANARY), 422),
        (question(session_id=""), 422),
        (question(session_id="a" * 65), 422),
        (question(session_id="{x}"), 422),
        (question(session_id="a:b"), 422),
        (question(session_id="a\n"), 422),
        (question(session_id=5), 422),
        (question(session_id=None), 422),
        (question(mode="all"), 422),
        (question(mode=["normal"]), 422),
        (question(mode="selection_only"), 422),
        (question(mode="selection_only", selected_text="\u200b \ufeff"), 422),
        (question(selected_text=""), 422),
        (question(selected_text=None), 422),
        (question(selected_text="a" * 12_001), 422),
        (question(message="\x1c\x1d\x1e\x1f"), 422),
        (question(message="\x85"), 422),
        (question(selected_text="\x1c"), 422),
        (question(mode="selection_only", selected_text="\x85\x1f"), 422),
    ],
)
async def test_a_body_that_is_no_question(service, content, status):
    bearer = await service.sign_in()
    answer = await post(service, bearer, content)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == SITE
    assert CANARY not in answer.text
    assert service.backend.received == []


# Security row 37: code points after normalisation, both bounds inclusive.
@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("a" * 12_000, "a" * 12_000),
        ("\U0001f600" * 12_000, "\U0001f600" * 12_000),
        ("\U0001f468\u200d" * 6_000, "\U0001f468\u200d" * 6_000),
        ("e\u0301" * 12_000, "\u00e9" * 12_000),
        ("\u1112\u1161\u11ab" * 12_000, "\ud55c" * 12_000),
        (("a" + "\u0301" * 31) * 387, ("\u00e1" + "\u0301" * 30) * 387),
        ("a\r\n" * 6_000 + "b", "a\n" * 6_000 + "b"),
        (" \u00a0a\u00a0b\ufeff\u200b ", "a b"),
    ],
)
async def test_a_selection_is_normalised_and_then_measured(service, text, sent):
    bearer = await service.sign_in()
    answer = await service.ask(bearer, mode="selection_only", selected_text=text)
    if len(sent) > 12_000:
        assert answer.status_code == 422
    else:
        assert answer.status_code == 200, answer.text
        assert service.backend.received[-1].json["selected_text"] == sent


@pytest.mark.parametrize("message", ["a" * 4000, "\U0001f600" * 4000, "  " + "a" * 4000 + "\n"])
async def test_a_message_of_4000_is_let_through(service, message):
    bearer = await service.sign_in()
    assert (await service.ask(bearer, message)).status_code == 200
    assert service.backend.received[-1].json["message"] == message.strip()


# Security row 35.
@pytest.mark.parametrize("form", ["length", "chunked", "expect"])
async def test_a_body_over_the_limit(service, form):
    bearer = await service.sign_in()
    body = question(message="a" * 270_000)

    async def pieces():
        for start in range(0, len(body), 10_000):
            yield body[start : start + 10_000]

    headers = {"Expect": "100-continue"} if form == "expect" else {}
    answer = await post(service, bearer, pieces() if form == "chunked" else body, **headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert answer.headers["access-control-allow-origin"] == SITE
    assert answer.headers["connection"] == "close"


async def test_the_largest_selection_fits_in_the_largest_body(service):
    bearer = await service.sign_in()
    body = json.dumps({"message": "x", "selected_text": "\U0001f600" * 12_000}).encode()
    assert len(body) < 262_144
    assert (await post(service, bearer, body)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/jsonp"},
        {"Content-Type": ""},
        {"Content-Encoding": "gzip"},
        {"Content-Encoding": "br"},
    ],
)
async def test_another_type_of_body(service, headers):
    bearer = await service.sign_in()
    assert (await post(service, bearer, question(), **headers)).status_code == 415


@pytest.mark.parametrize(
    "kind", ["application/json;charset=UTF-8", "Application/JSON", 'application/json ; charset="utf-8"']
)
async def test_json_by_its_other_names(service, kind):
    bearer = await service.sign_in()
    assert (await post(service, bearer, question(), **{"Content-Type": kind})).status_code == 200


# Security row 47.
@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PUT", "PATCH", "GET"])
async def test_other_methods(service, method):
    for path in ("/chat", "/docs"):
        answer = await service.client.request(method, path)
        assert answer.status_code == (405 if path == "/chat" else 404), (method, path)
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path", ["/docs", "/redoc", "/openapi.json", "/metrics", "/chat/", "/nothing", "/sessions/"]
)
async def test_nothing_else_is_there(service, path):
    answer = await service.client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


# Security row 22.
async def test_a_preflight_needs_no_token(service):
    headers = {"Origin": SITE, "Access-Control-Request-Method": "POST"}
    answer = await service.client.options("/chat", headers=headers)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == SITE
    headers["Origin"] = "https://evil.example"
    answer = await service.client.options("/chat", headers=headers)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


async def test_a_page_may_read_what_it_needs(service):
    bearer = await service.sign_in()
    answer = await post(service, bearer, question())
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    needed = {"Date", "WWW-Authenticate", "DPoP-Nonce", "Retry-After", "RateLimit", "RateLimit-Policy"}
    assert needed <= set(exposed)


# Security row 39: what names the caller or the service is ours.
async def test_no_name_is_taken_from_a_request(service):
    bearer = await service.sign_in()
    answer = await post(service, bearer, question(), **{"X-Request-Id": CANARY, "Host": "evil.example"})
    assert answer.status_code == 200
    assert CANARY not in str(answer.headers)
    document = await service.client.get(
        "/.well-known/oauth-protected-resource", headers={"Host": "evil.example"}
    )
    assert document.json()["resource"] == "http://127.0.0.1:8001"
    assert document.json()["authorization_servers"] == ["http://127.0.0.1:8000"]


# Security row 38: nothing of a body is read as a request.
@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
    ],
)
async def test_an_ambiguous_body_closes_the_connection(service, head):
    reader, writer = await asyncio.open_connection("127.0.0.1", int(service.url.rsplit(":", 1)[1]))
    smuggled = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    writer.write(b"POST /chat HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n0\r\n\r\n" + smuggled)
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400") or answer.count(b"HTTP/1.1") <= 1
    assert b'"ok"' not in answer


async def test_a_request_that_ends_in_its_body_is_forgotten(service):
    bearer = await service.sign_in()
    _, writer = await asyncio.open_connection("127.0.0.1", int(service.url.rsplit(":", 1)[1]))
    head = f"POST /chat HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {bearer}\r\n"
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{{".encode())
    await writer.drain()
    writer.close()
    assert (await service.ask(bearer)).status_code == 200
    assert len(service.backend.received) == 1
