"""A model that thinks long before it speaks, and a proxy that does not wait for it."""

import asyncio

import aiohttp
import pytest
from aiohttp import web

from rag_backend.config import Config
from tests.chat_proxy import configuration as proxys_configuration
from tests.chat_proxy import service as proxys
from tests.chat_proxy.waiting import until
from tests.rag_backend.answers.model_server import DONE, ask, chunk, data, refuses
from tests.rag_backend.books import NOW, SECRET, events, proved, question
from tests.rag_backend.served import served

FORMS = ["application/json", "text/event-stream"]
REASONING = data({"choices": [{"delta": {"content": None, "reasoning_content": "hm"}}]})


async def begun(request):
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    return response


def thinks(seconds, *said, every=0.05, aloud=True):
    """Answers after some time; aloud: with bytes all the while."""

    async def reply(request):
        response = await begun(request) if aloud else None
        for _ in range(round(seconds / every)):
            await asyncio.sleep(every)
            if response is not None:
                await response.write(REASONING)
        response = response or await begun(request)
        for part in said or (chunk("Hello."), DONE):
            await response.write(part)
        return response

    return reply


def configured(server, index):
    return Config(SECRET, index=index, model=server.model)


async def never_ends(request):
    response = await begun(request)
    await response.write(chunk("One."))
    await asyncio.Event().wait()


async def never_begins(request):
    await asyncio.Event().wait()


@pytest.mark.parametrize("accept", FORMS)
@pytest.mark.parametrize("reply", [never_begins, never_ends, thinks(60)])
async def test_when_the_proxy_leaves_the_model_is_left_too(server, sample_index, reply, accept):
    server.reply = reply
    body = question()
    running = served(configured(server, sample_index), now=lambda: NOW)
    async with running as url, aiohttp.ClientSession() as proxy:
        headers = proved(body, Accept=accept)
        asking = asyncio.create_task(proxy.post(f"{url}/chat", data=body, headers=headers))
        await until(server.is_asked, 5)
        assert not server.left.is_set()
        asking.cancel()
        # An answer that has begun is hung up here, one that has not by the cancellation.
        await proxy.close()
        await asyncio.wait_for(server.left.wait(), 1)


async def test_a_late_answer_is_left_too(server, sample_index):
    server.reply = never_begins
    body = question()
    running = served(configured(server, sample_index), now=lambda: NOW, life_every=0.05)
    async with running as url, aiohttp.ClientSession() as proxy:
        async with proxy.post(f"{url}/chat", data=body, headers=proved(body)) as answer:
            assert await answer.content.readexactly(3) == b"   "
            assert not server.left.is_set()
            answer.close()
        await asyncio.wait_for(server.left.wait(), 1)


async def test_the_head_and_a_comment_go_out_before_the_model_speaks(server, sample_index):
    server.reply = never_begins
    body = question()
    running = served(configured(server, sample_index), now=lambda: NOW)
    async with running as url, aiohttp.ClientSession() as proxy, asyncio.timeout(5):
        headers = proved(body, Accept="text/event-stream")
        async with proxy.post(f"{url}/chat", data=body, headers=headers) as answer:
            assert answer.status == 200
            assert await answer.content.readuntil(b"\n\n: at work\n\n")


@pytest.mark.parametrize("accept", FORMS)
@pytest.mark.parametrize("aloud", [True, False])
async def test_signs_of_life_are_given_until_the_model_speaks(server, sample_index, accept, aloud):
    server.reply = thinks(0.6, aloud=aloud)
    response = await ask(server, sample_index, question(), accept, life_every=0.1)
    sign = ": at work\n\n" if accept == FORMS[1] else " "
    assert response.text.count(sign) >= 4
    if accept == FORMS[0]:
        assert response.json()["response"] == "Hello."
    else:
        assert [name for name, _ in events(response.text)] == ["start", "delta", "done"]


async def test_a_life_is_judged_by_bytes_and_not_by_text(server, sample_index):
    server.reply = thinks(1.5)
    assert (await ask(server, sample_index, question(), silence=0.5)).json()["response"] == "Hello."
    server.reply = thinks(1.5, aloud=False)
    assert (await ask(server, sample_index, question(), silence=0.5)).status_code == 502


async def test_a_failure_after_the_head_is_told_in_its_place(server, sample_index):
    server.reply = thinks(0.3, chunk("Half"))
    response = await ask(server, sample_index, question(), life_every=0.05)
    assert (response.status_code, list(response.json())) == (200, ["error"])
    assert response.json()["error"]["code"] == "model_failed"


@pytest.mark.parametrize("stream", [False, True])
async def test_through_the_proxy(server, sample_index, valkey, tmp_path, stream):
    config = Config(proxys_configuration.SECRET.encode(), index=sample_index, model=server.model)
    async with (
        served(config, life_every=0.1) as url,
        proxys.running(
            valkey,
            tmp_path,
            backend_url=url,
            backend='audience = "chatgate-backend"\nfirst_byte_seconds = 0.5',
        ) as service,
    ):
        bearer = await service.sign_in()

        async def answer():
            body = {"message": "How often should I calibrate?"}
            headers = service.headers(bearer, stream=stream)
            return await service.client.post("/chat", json=body, headers=headers)

        server.reply = thinks(1.5, aloud=False)
        assert "Hello." in (await answer()).text
        server.reply = refuses(429, b'{"error":{"code":"rate_limit_exceeded"}}', Retry_After="20")
        busy = await answer()
        assert (busy.status_code, busy.json()["code"]) == (503, "backend_busy")
        assert busy.headers["retry-after"] == "20"
