"""Rows 32 and 45: streams in the dialect of our own, well formed, broken and hostile."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.chat_proxy.backends.behaviours import abort


async def endless_line(peer):
    await peer.head()
    await peer.event("delta", text="Well, ")
    while not peer.writer.is_closing():
        await peer.chunk(b"data: " + b"a" * 10_000)


async def error_event(peer):
    await peer.head()
    await peer.event("delta", text="Well, ")
    await peer.event("error", code="x", message="secret-of-the-backend")
    await peer.end()


async def bad_event(peer):
    await peer.head()
    await peer.event("delta", text="Well, ")
    await peer.event("delta", text=["not", "text"])
    await peer.event("done")
    await peer.end()


async def bad_json(peer):
    await peer.head()
    await peer.event("delta", text="Well, ")
    await peer.chunk(b"event: delta\ndata: {oops\n\n")
    await peer.end()


@pytest.mark.parametrize("behaviour", [endless_line, error_event, bad_event, bad_json])
async def test_a_fault_in_a_stream_is_its_last_event(service, behaviour):
    service.backend.behaviour = behaviour
    bearer = await service.sign_in()
    async with service.stream(bearer) as stream:
        events = await stream.all()
    assert [name for name, _ in events] == ["start", "delta", "error"]
    assert events[-1][1]["code"] == "bad_backend"
    assert "secret" not in str(events)
    assert (await service.ask(bearer)).status_code == 502


async def stop_without_done(peer):
    await peer.head()
    await peer.event("delta", text="Well, ")
    await peer.end()


async def cut_in_chunk(peer):
    await peer.head()
    await peer.event("delta", text="Well, ")
    await peer.send(b"ff\r\nevent: done\nda")
    peer.writer.close()


async def _collect(service, bearer, found):
    async with service.stream(bearer) as stream:
        while (event := await stream.event()) is not None:
            found.append(event)


@pytest.mark.parametrize("behaviour", [abort, stop_without_done, cut_in_chunk])
async def test_a_torn_answer_stays_torn(service, behaviour):
    service.backend.behaviour = behaviour
    bearer = await service.sign_in()
    found: list[Any] = []
    with pytest.raises(httpx.RemoteProtocolError):
        await _collect(service, bearer, found)
    assert [name for name, _ in found] == ["start", "delta", "error"]
    answer = await service.ask(bearer)
    assert (answer.status_code, answer.json()["code"]) == (502, "bad_backend")


async def cut_utf8(peer):
    await peer.head()
    await peer.chunk(b'event: delta\ndata: {"text": "caf\xc3"}\n\n')
    await peer.event("done")
    await peer.end()


async def test_a_cut_character_is_replaced(service):
    service.backend.behaviour = cut_utf8
    bearer = await service.sign_in()
    async with service.stream(bearer) as stream:
        events = await stream.all()
    assert events[1] == ("delta", {"text": "caf\ufffd"})


# Security row 45: each way of writing the same stream reads the same.
STREAM = (
    'event: delta\ndata: {"text": "a\u2028b"}\n\n: hello\n\n'
    'id: x\0y\nevent: delta\ndata: {"text":\ndata:  "c"}\n\nevent: done\ndata: {}\n\n'
)


FORMS = {
    "plain": STREAM.encode(),
    "cr": STREAM.replace("\n", "\r").encode(),
    "crlf": STREAM.replace("\n", "\r\n").encode(),
    "bom": b"\xef\xbb\xbf" + STREAM.encode(),
}


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize("form", FORMS)
async def test_row_45_a_stream_reads_the_same_in_every_form(service, form, size):
    async def behave(peer):
        await peer.head()
        data = FORMS[form]
        for start in range(0, len(data), size):
            await peer.chunk(data[start : start + size])
        await peer.end()

    service.backend.behaviour = behave
    bearer = await service.sign_in()
    async with service.stream(bearer) as stream:
        events = await stream.all()
    texts = [("delta", {"text": "a\u2028b"}), ("delta", {"text": "c"}), ("done", {})]
    assert events[1:] == texts


async def test_row_45_a_megabyte_in_one_line_is_refused_and_each_event_comes_at_once(service):
    next_one = asyncio.Event()

    async def behave(peer):
        await peer.head()
        for number in range(5):
            await peer.event("delta", text=str(number))
            await next_one.wait()
            next_one.clear()
        await peer.chunk(b"data: " + b"a" * 1_000_000 + b"\n\n")
        await peer.gone()

    service.backend.behaviour = behave
    bearer = await service.sign_in()
    async with service.stream(bearer) as stream:
        await stream.event()
        for number in range(5):
            # The next is not sent before this one was read, so none is held back.
            assert await stream.event() == ("delta", {"text": str(number)})
            next_one.set()
        assert (await stream.event())[0] == "error"


async def test_only_safe_links_reach_a_reader(service):
    async def behave(peer):
        await peer.head()
        for url in (
            "javascript:alert(1)",
            "JAVASCRIPT:x",
            "java\nscript:x",
            "data:text/html,x",
            " javascript:x",
        ):
            await peer.event("citation", title="t", url=url, quote="q", extra="dropped")
        await peer.event("citation", title="t" * 9999, url="/docs/intro", quote="q", extra="dropped")
        await peer.event("unknown", secret="x")
        await peer.event("delta", text="Well.", secret="x")
        await peer.event("done", secret="x")
        await peer.end()

    service.backend.behaviour = behave
    bearer = await service.sign_in()
    async with service.stream(bearer) as stream:
        events = await stream.all()
    assert events[1:] == [
        ("citation", {"title": "t" * 512, "url": "/docs/intro", "quote": "q"}),
        ("delta", {"text": "Well."}),
        ("done", {}),
    ]
