"""Row 32: a backend that sends more than any memory can hold takes none of the proxy's."""

import asyncio
import gzip

import psutil

from tests.chat_proxy.fake_backend import answer_plainly
from tests.chat_proxy.processes import started

MEBIBYTE = 1 << 20
BEHIND_GZIP = 300 * MEBIBYTE


async def flood_events(peer):
    await peer.head()
    while not peer.writer.is_closing():
        await peer.event("delta", text="a" * 60_000)


async def flood_one_line(peer):
    await peer.head()
    while not peer.writer.is_closing():
        await peer.chunk(b"data: " + b"a" * 60_000)


async def flood_document(peer):
    await peer.head("application/json")
    while not peer.writer.is_closing():
        await peer.chunk(b" " * 60_000)


async def promise_ten_gigabytes(peer):
    await peer.send(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10000000000\r\n\r\n"
    )
    while not peer.writer.is_closing():
        await peer.send(b" " * 60_000)


def bomb():
    body = gzip.compress(bytes(BEHIND_GZIP), 1)

    async def explode(peer):
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        await peer.send(f"{head}Content-Encoding: gzip\r\n\r\n".encode() + body)

    return explode


async def test_a_flood_stays_outside_the_proxy(valkey, tmp_path):
    async with started(valkey, tmp_path) as process:
        service = process.service
        bearer = await service.sign_in()
        measured = psutil.Process(process.process.pid)
        assert (await service.ask(bearer)).status_code == 200
        before = measured.memory_info().rss
        highest = before

        async def watch():
            nonlocal highest
            while True:
                highest = max(highest, measured.memory_info().rss)
                await asyncio.sleep(0.005)

        watching = asyncio.create_task(watch())
        for behaviour in (flood_events, flood_one_line, flood_document, promise_ten_gigabytes, bomb()):
            service.backend.behaviour = behaviour
            for stream in (False, True):
                headers = service.headers(bearer, stream=stream)
                answer = await service.client.post("/chat", json={"message": "x"}, headers=headers)
                if answer.status_code == 200:
                    # It had begun when it became too much.
                    assert answer.text.rstrip().rpartition("event: ")[2].startswith("error\n")
                    assert len(answer.content) < 2 * MEBIBYTE
                else:
                    assert (answer.status_code, answer.json()["code"]) in (
                        (502, "answer_too_large"),
                        (502, "bad_backend"),
                    )
        service.backend.behaviour = answer_plainly
        assert (await service.ask(bearer)).status_code == 200
        watching.cancel()
    assert highest - before < 16 * MEBIBYTE
