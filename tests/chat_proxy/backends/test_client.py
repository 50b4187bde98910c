"""Rows 30 to 33: a backend that fails, lies or floods, and a reader who leaves or does not read."""

import asyncio
import gzip
import json
import time

import pytest

from edge.redis.client import command
from tests.chat_proxy.backends.behaviours import hang, hang_after_head, hang_in_stream, plain, raw, trickle
from tests.chat_proxy.fake_backend import answer_plainly, reached
from tests.chat_proxy.service import running
from tests.chat_proxy.tokens import SUB
from tests.chat_proxy.waiting import until
from tests.ports import free_ports

SHORT = "first_byte_seconds = 0.3\nanswer_seconds = 1\nanswer_bytes = 20000"


HTML = "<html><h1>It broke</h1>secret-of-the-backend</html>"


GOOD = json.dumps({"response": "x", "citations": []}).encode()


BAD = {
    "500-html": plain("500 Oops", content_type="text/html", body=HTML.encode()),
    "401": plain("401 Unauthorized", extra='WWW-Authenticate: Basic realm="x"\r\n', body=GOOD),
    "403": plain("403 Forbidden", body=GOOD),
    "302": plain("302 Found", extra="Location: http://127.0.0.1:1/\r\n", body=GOOD),
    "307": plain("307 Temporary Redirect", extra="Location: /chat\r\n", body=GOOD),
    "204": plain("204 No Content"),
    "201": plain("201 Created", body=GOOD),
    "html": plain("200 OK", content_type="text/html", body=HTML.encode()),
    "text": plain("200 OK", content_type="text/plain", body=GOOD),
    "gzip": plain("200 OK", extra="Content-Encoding: gzip\r\n", body=gzip.compress(GOOD)),
    "gzip-bomb": plain("200 OK", extra="Content-Encoding: gzip\r\n", body=gzip.compress(bytes(5_000_000))),
    "not-json": plain("200 OK", body=b"secret-of-the-backend"),
    "json-array": plain("200 OK", body=b"[]"),
    "json-no-response": plain("200 OK", body=b'{"answer":"x"}'),
    "json-response-number": plain("200 OK", body=b'{"response":5}'),
    "json-citations": plain("200 OK", body=b'{"response":"x","citations":{"a":1}}'),
    "json-surrogate": plain("200 OK", body=b'{"response":"\\ud800"}'),
    "json-deep": plain("200 OK", body=b'{"response":' + b"[" * 5000 + b"}"),
    "garbage": raw(b"\x00\x01garbage\r\n\r\n"),
    "garbage-status": raw(b"HTTP/1.1 abc OK\r\n\r\n"),
    "huge-status": raw(b"HTTP/1.1 99999 OK\r\n\r\n"),
    "huge-header": raw(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n"),
    "header-nul": raw(b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n"),
    "hangs-up": raw(b""),
    "hangs-up-in-head": raw(b"HTTP/1.1 200 OK\r\nContent-"),
    "short-body": raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"),
    "bad-chunk": raw(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    ),
    "negative-length": raw(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"),
}


async def test_bytes_that_are_no_answer_are_a_bad_backend(service):
    bearer = await service.sign_in()
    for name, behaviour in BAD.items():
        service.backend.behaviour = behaviour
        for stream in (False, True):
            headers = service.headers(bearer, stream=stream)
            answer = await service.client.post("/chat", json={"message": "x"}, headers=headers)
            assert answer.status_code == 502, (name, answer.text)
            assert answer.json()["code"] == "bad_backend", name
            assert "secret-of-the-backend" not in answer.text
            assert "www-authenticate" not in answer.headers
            assert "location" not in answer.headers
    service.backend.behaviour = answer_plainly
    assert (await service.ask(bearer)).status_code == 200


async def test_a_cookie_is_neither_passed_on_nor_kept(service):
    extra = "Set-Cookie: a=b; Path=/\r\nX-Internal: secret\r\nServer: backend\r\n"
    service.backend.behaviour = plain("200 OK", extra=extra, body=GOOD)
    bearer = await service.sign_in()
    for _ in range(2):
        answer = await service.ask(bearer)
        assert answer.status_code == 200
        assert not {"set-cookie", "x-internal", "server"} & set(answer.headers)
    assert "cookie" not in service.backend.received[1].headers


async def test_a_backend_that_is_not_there(valkey, tmp_path):
    [nobodys] = free_ports(1)
    url = f"http://127.0.0.1:{nobodys}"
    async with running(valkey, tmp_path, backend_url=url) as service:
        answer = await service.ask(await service.sign_in())
        assert (answer.status_code, answer.json()["code"]) == (502, "bad_backend")


@pytest.mark.parametrize("behaviour", [hang, hang_after_head])
async def test_an_answer_that_does_not_begin(valkey, tmp_path, behaviour):
    async with running(valkey, tmp_path, backend=SHORT) as service:
        service.backend.behaviour = behaviour
        bearer = await service.sign_in()
        for stream in (False, True):
            headers = service.headers(bearer, stream=stream)
            start = time.monotonic()
            answer = await service.client.post("/chat", json={"message": "x"}, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (504, "backend_timeout")
            assert 0.25 < time.monotonic() - start < 1
        await until(service.backend.is_idle, 1)


@pytest.mark.parametrize("behaviour", [hang_in_stream, trickle])
async def test_an_answer_that_does_not_end(valkey, tmp_path, behaviour):
    async with running(valkey, tmp_path, backend=SHORT) as service:
        service.backend.behaviour = behaviour
        bearer = await service.sign_in()
        start = time.monotonic()
        async with service.stream(bearer) as stream:
            events = await stream.all()
        assert 0.8 < time.monotonic() - start < 2
        assert events[0][0] == "start"
        assert (events[-1][0], events[-1][1]["code"]) == ("error", "answer_timeout")
        answer = await service.ask(bearer)
        assert (answer.status_code, answer.json()["code"]) == (504, "answer_timeout")


async def flood(peer):
    await peer.head()
    while not peer.writer.is_closing():
        await peer.event("delta", text="a" * 1000)


async def flood_document(peer):
    await peer.head("application/json")
    while not peer.writer.is_closing():
        await peer.chunk(b" " * 10_000)


# Security row 44 too: what outgrows its room is cut with an event.
async def test_an_answer_that_is_too_large(valkey, tmp_path):
    async with running(valkey, tmp_path, backend=SHORT) as service:
        bearer = await service.sign_in()
        service.backend.behaviour = flood
        async with service.stream(bearer) as stream:
            events = await stream.all()
        assert (events[-1][0], events[-1][1]["code"]) == ("error", "answer_too_large")
        assert sum(len(members["text"]) for name, members in events if name == "delta") <= 20_000
        for behaviour in (flood, flood_document):
            service.backend.behaviour = behaviour
            answer = await service.ask(bearer)
            assert (answer.status_code, answer.json()["code"]) == (502, "answer_too_large")


# Security row 33.
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("behaviour", [hang, hang_in_stream, trickle])
async def test_a_reader_who_leaves_takes_the_backend_along(service, behaviour, stream):
    began = asyncio.Event()

    async def behave(peer):
        began.set()
        await behaviour(peer)

    service.backend.behaviour = behave
    bearer = await service.sign_in()
    headers = service.headers(bearer, stream=stream)
    asking = asyncio.create_task(service.client.post("/chat", json={"message": "x"}, headers=headers))
    await reached(began, asking)
    await asyncio.sleep(0.05)
    asking.cancel()
    await until(service.backend.is_idle, 1)
    await until(service.holds_nothing, 1)
    [count] = await service.store.run(command("HGET", f"cg:{{{SUB}}}:at:docs:rate:reader", "count"))
    assert int(count) == 1


async def test_a_slow_reader_slows_the_backend(valkey, tmp_path):
    limits = "answer_bytes = 16777216"
    async with running(valkey, tmp_path, backend=limits) as service:
        sent = 0

        async def behave(peer):
            nonlocal sent
            await peer.head()
            peer.writer.transport.set_write_buffer_limits(high=10_000)
            while sent < 15_000_000:
                await peer.event("delta", text="a" * 10_000)
                sent += 10_000
            await peer.event("done")
            await peer.end()

        service.backend.behaviour = behave
        bearer = await service.sign_in()
        async with service.stream(bearer) as stream:
            assert (await stream.event())[0] == "start"
            before = -1
            async with asyncio.timeout(10):
                while sent != before:
                    before = sent
                    await asyncio.sleep(0.3)
            # Socket buffers of both hops hold some megabytes; the proxy holds no more than its own two.
            assert sent < 14_000_000
            assert (await stream.all())[-1] == ("done", {})
