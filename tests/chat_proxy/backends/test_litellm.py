"""A real LiteLLM between the proxy and a model: its streams, its errors and its counts."""

import asyncio

import pytest
from structlog.testing import capture_logs

from chat_proxy.conversations import notes
from tests.chat_proxy.backends.completions import DONE, chunk, data, refuses, says, streams
from tests.chat_proxy.fake_backend import Backend
from tests.chat_proxy.service import running
from tests.litellm import KEY, litellm

# The first one installs LiteLLM.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture
async def model():
    server = Backend()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def gateway(model):
    entering = litellm(model.url)
    url = await asyncio.to_thread(entering.__enter__)
    yield url
    await asyncio.to_thread(entering.__exit__, None, None, None)


def backend(model, key=KEY):
    return f'kind = "openai"\nmodel = "{model}"\nkey = "{key}"\nmax_tokens = 50\n'


async def test_litellm_answers_through_the_proxy(valkey, tmp_path, model, gateway):
    async with running(valkey, tmp_path, backend_url=gateway, backend=backend("mocked")) as service:
        answer = await service.ask(await service.sign_in())
        assert answer.json()["response"] == "Hello from LiteLLM."
    async with running(valkey, tmp_path, backend_url=gateway, backend=backend("relayed")) as service:
        bearer = await service.sign_in()
        model.behaviour = streams(says("Hello.", usage=(9, 3)))
        assert (await service.ask(bearer)).json()["response"] == "Hello."
        # The model's own counts come through.
        counted = service.metrics.snapshot()["chatgate_tokens_total"][1]
        assert counted == {("docs", "main", "in"): [9], ("docs", "main", "out"): [3]}
        await streams_come_through(service, bearer, model)
        sent = model.received[-1].json
        assert [one["role"] for one in sent["messages"]] == ["system", "user"]
        assert (sent["max_tokens"], sent["stream"]) == (50, True)
        await refusals_come_through(service, bearer, model)
    async with running(valkey, tmp_path, backend_url=gateway, backend=backend("mocked", "wrong")) as service:
        with capture_logs() as lines:
            answer = await service.ask(await service.sign_in())
        assert (answer.status_code, answer.json()["code"]) == (502, "bad_backend")
        [said] = [line["reason"] for line in lines if line["event"] == "backend_failed"]
        assert said.startswith("status 40")


async def streams_come_through(service, bearer, model):
    thought = chunk({"reasoning_content": "Hm.", "role": "assistant"})
    for raw, told in (
        (says("Hello ", "reader.", usage=(9, 3)), ("Hello reader.", "stop")),
        (thought + says("Hello."), ("Hello.", "stop")),
        (says("Half of", finish="length"), ("Half of" + notes.note("x", "length"), "length")),
        (says("A", finish="content_filter"), ("A" + notes.note("x", "content_filter"), "content_filter")),
    ):
        model.behaviour = streams(raw)
        async with service.stream(bearer) as stream:
            events = await stream.all()
        text = "".join(one["text"] for name, one in events if name == "delta")
        name, last = events[-1]
        assert (name, text, last.get("finish_reason", "stop")) == ("done", *told)


async def refusals_come_through(service, bearer, model):
    for behaviour, refused in (
        (refuses("429 Too Many", b'{"error": {"message": "canary"}}'), (503, "backend_busy")),
        (refuses("500 Oops", b'{"error": {"message": "canary"}}'), (502, "bad_backend")),
        (streams(data({"error": {"message": "canary", "code": 500}}) + DONE), (502, "bad_backend")),
    ):
        model.behaviour = behaviour
        answer = await service.ask(bearer)
        assert (answer.status_code, answer.json()["code"]) == refused
        assert "canary" not in answer.text
