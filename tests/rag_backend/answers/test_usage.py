"""The tokens that an answer took, as the backend tells them and the proxy settles budgets by them."""

import json
import math
from typing import Any

import orjson
import pytest

from chat_proxy.usage import sums
from edge.redis.client import command
from rag_backend.config import Config
from tests.chat_proxy import configuration as proxys_configuration
from tests.chat_proxy import service as proxys
from tests.chat_proxy.configuration import GENEROUS
from tests.chat_proxy.tokens import SUB
from tests.chat_proxy.waiting import until
from tests.rag_backend.answers.model_server import DONE, ask, chunk, data, ends, says, streams
from tests.rag_backend.books import backend, events, proved, question
from tests.rag_backend.served import served
from tokens import readers

MESSAGE = "How often should I calibrate?"
STATE = readers.rate(readers.reader(SUB, "docs"), "reader")


def tells(tokens_in, tokens_out, **choices):
    return data({"usage": {"prompt_tokens": tokens_in, "completion_tokens": tokens_out}, **choices})


async def told(server, index, body):
    """The usage that an answer tells, the same in both forms."""
    whole = (await ask(server, index, body)).json()["usage"]
    seen = events((await ask(server, index, body, "text/event-stream")).text)
    assert seen[-1] == ("done", {"usage": whole})
    return whole["input_tokens"], whole["output_tokens"]


@pytest.mark.parametrize(
    "parts",
    [
        (chunk("Yes."), ends("stop"), tells(900, 7, choices=[]), DONE),
        (chunk("Yes."), data({"choices": [{"delta": {}, "finish_reason": "stop"}]}), tells(900, 7)),
        (tells(900, 1), chunk("Yes."), tells(900, 7), ends("stop"), DONE),
        (chunk("Yes."), tells(900, 7), data({"choices": [], "usage": None}), DONE),
    ],
    ids=["at the end", "after the reason", "so far with each chunk", "and none after it"],
)
@pytest.mark.parametrize("mode", ["normal", "selection_only"])
async def test_the_providers_error_is_told(server, sample_index, parts, mode):
    server.reply = streams(*parts)
    assert await told(server, sample_index, question(mode=mode, selected_text="It is grey.")) == (900, 7)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"prompt_tokens": 900},
        {"prompt_tokens": 900, "completion_tokens": True},
        {"prompt_tokens": 900, "completion_tokens": -1},
        {"prompt_tokens": 900, "completion_tokens": 10**12},
        {"prompt_tokens": "900", "completion_tokens": 7.5},
        [900, 7],
    ],
    ids=["nothing", "one count", "a truth", "less than none", "too many", "other types", "a list"],
)
async def test_tokens_that_no_provider_tells_are_counted_with_the_thoughts(server, sample_index, said):
    thought = data({"choices": [{"delta": {"reasoning_content": "y" * 300}}]})
    server.reply = streams(thought, chunk("<think>ab</think>é"), data({"usage": said}), DONE)
    tokens_in, tokens_out = await told(server, sample_index, question())
    assert tokens_out == math.ceil((300 + len("<think>ab</think>é".encode())) / 3)
    sent = orjson.dumps(server.asked[-1][2])
    assert tokens_in == math.ceil(len(sent) / 3)


async def test_a_member_that_is_sent_otherwise_can_be_left_out(server, sample_index):
    server.reply = says("Yes.")
    server.model = server.model_with(stream_options=None)
    await ask(server, sample_index, question())
    assert sorted(server.asked[-1][2]) == ["messages", "model", "stream"]


async def test_a_quotation_takes_the_tokens_of_its_bytes(sample_index):
    async with backend(sample_index) as client:
        answer = (await client.post("/chat", content=question(), headers=proved(question()))).json()
        response = await client.post(
            "/chat", content=question(), headers=proved(question(), Accept="text/event-stream")
        )
    used = events(response.text)[-1][1]["usage"]
    texts = "".join(members["text"] for name, members in events(response.text) if name == "delta")
    assert answer["usage"] == used
    assert used["input_tokens"] == math.ceil(len(question()) / 3)
    assert used["output_tokens"] == math.ceil(len(texts.encode()) / 3)


@pytest.mark.parametrize("stream", [False, True])
async def test_budgets_are_settled_by_what_the_backend_tells(server, sample_index, valkey, tmp_path, stream):
    async with (
        served(Config(proxys_configuration.SECRET.encode(), index=sample_index, model=server.model)) as url,
        proxys.running(
            valkey,
            tmp_path,
            backend_url=url,
            backend="price_in = 0.5\nprice_out = 2.0\n",
            tiers={"reader": GENEROUS + "daily_tokens = 7500\n", "guest": GENEROUS},
        ) as service,
    ):
        bearer = await service.sign_in()

        async def answer():
            headers = service.headers(bearer, stream=stream)
            return await service.client.post("/chat", json={"message": MESSAGE}, headers=headers)

        server.reply = streams(chunk("Every six months [1]."), ends("stop"), tells(6000, 400), DONE)
        first = await answer()
        assert first.status_code == 200
        assert "6000" not in first.text
        await until(lambda: _is_spent(service, 6400, 3800), 3)
        [day] = await sums.days(service.store, "docs")
        assert (day.questions, day.tokens_in, day.tokens_out) == (1, 6000, 400)
        refused = await answer()
        assert (refused.status_code, refused.json()["violated-policies"]) == (429, ["daily-tokens"])


async def _is_spent(service, tokens, cost):
    [found] = await service.store.run(command("HMGET", STATE, "tokens", "cost"))
    return [int(one or 0) for one in found] == [tokens, cost]


async def test_a_quotation_is_counted_alike_on_both_sides(sample_index, valkey, tmp_path):
    async with (
        served(Config(proxys_configuration.SECRET.encode(), index=sample_index)) as url,
        proxys.running(valkey, tmp_path, backend_url=url) as service,
    ):
        headers = service.headers(await service.sign_in())
        answer = await service.client.post("/chat", json={"message": MESSAGE}, headers=headers)
        body: dict[str, Any] = {"message": MESSAGE, "mode": "normal", "selected_text": None, "history": []}
        tokens = math.ceil(len(json.dumps(body, separators=(",", ":"))) / 3)
        tokens += math.ceil(len(answer.json()["response"].encode()) / 3)
        [day] = await sums.days(service.store, "docs")
        assert abs(day.tokens_in + day.tokens_out - tokens) <= 1
