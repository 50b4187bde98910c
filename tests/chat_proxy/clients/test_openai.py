"""OpenAI's own SDKs, unchanged, with a reader's access token as their key."""

import asyncio
import json

import openai
import pytest

from chat_proxy.clients.openai import render
from edge.http.problems import Problem
from tests.chat_proxy.backends.completions import says, streams
from tests.chat_proxy.configuration import SITE
from tests.chat_proxy.service import running
from tests.node_packages import steps_of

BACKENDS = """
[backends.model]
kind = "openai"
model = "site-model"
url = "{url}"
secret = "fedcba9876543210fedcba9876543210-model"
"""
ONE_A_DAY = "questions_per_minute = 6000\nburst = 1000\nconcurrent = 2\ndaily_questions = 1\n"
CITED = {
    "type": "url_citation",
    "url_citation": {
        "url": "https://docs.example.org/intro",
        "title": "Intro",
        "start_index": 0,
        "end_index": 0,
    },
}


def asked(content="What is this?", **more):
    return {"model": "main", "messages": [{"role": "user", "content": content}], **more}


def sdk(service, token):
    return openai.AsyncOpenAI(api_key=token, base_url=f"{service.url}/v1", max_retries=0)


async def test_the_python_sdk_asks_whole_and_streamed(service):
    token = await service.sign_in()
    async with sdk(service, token) as client:
        assert [one.id async for one in client.models.list()] == ["main"]
        assert (await client.models.retrieve("main")).owned_by == "chatgate"
        whole = await client.chat.completions.create(**asked())
        [choice] = whole.choices
        assert (choice.message.content, choice.finish_reason) == ("Hello reader.", "stop")
        assert [one.model_dump() for one in choice.message.annotations] == [CITED]
        assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens > 0
        stream = await client.chat.completions.create(
            **asked(), stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
        assert "".join(one.choices[0].delta.content or "" for one in chunks if one.choices) == "Hello reader."
        assert chunks[0].choices[0].delta.role == "assistant"
        assert [one.choices[0].finish_reason for one in chunks if one.choices][-1] == "stop"
        assert [one.usage is not None for one in chunks] == [False] * (len(chunks) - 1) + [True]
        assert {one.model for one in chunks} == {"main"}
        assert len({one.id for one in chunks}) == 1


async def test_the_client_sends_the_conversation_and_nothing_is_kept_of_it(service):
    token = await service.sign_in()
    turns = [{"role": "user", "content": "One?"}, {"role": "assistant", "content": "One."}]
    last = {"role": "user", "content": [{"type": "text", "text": "Two?"}]}
    async with sdk(service, token) as client:
        sent = [{"role": "user", "content": "x" * 20_000}, *turns, last]
        await client.chat.completions.create(model="main", messages=sent, temperature=0.1, user="u")
        assert service.backend.received[-1].json["history"] == turns
        headers = service.headers(token)
        assert (await service.client.get("/sessions", headers=headers)).json() == {"sessions": []}
        # Named, the conversation is ours: it is kept, and what the client sends of it does not count.
        own = {"chatgate": {"session_id": "one", "mode": "normal", "selected_text": "Part."}}
        for _ in range(2):
            await client.chat.completions.create(model="main", messages=[*turns, last], extra_body=own)
        received = service.backend.received[-1].json
        assert received["selected_text"] == "Part."
        assert received["history"] == [
            {"role": "user", "content": "Two?"},
            {"role": "assistant", "content": "Hello reader."},
        ]
        kept = (await service.client.get("/sessions/one", headers=headers)).json()["messages"]
        assert [one["content"] for one in kept] == ["Two?", "Hello reader."] * 2
        alone = {"chatgate": {"mode": "selection_only", "selected_text": "Part."}}
        await client.chat.completions.create(model="main", messages=[*turns, last], extra_body=alone)
        assert service.backend.received[-1].json["history"] == []


BAD = openai.BadRequestError
REFUSED = [
    (asked(model="other"), openai.NotFoundError, "model_not_found"),
    (asked(model="x" * 99), openai.NotFoundError, "model_not_found"),
    (asked(messages=[]), BAD, "invalid_message"),
    (asked(messages=[{"role": "assistant", "content": "x"}]), BAD, "invalid_message"),
    (asked(messages=[{"role": "tool", "content": "x"}]), BAD, "invalid_message"),
    (asked(messages=[{"role": "system", "content": "canary"}, *asked()["messages"]]),
     BAD, "system_message_not_allowed"),
    (asked([{"type": "image_url", "image_url": {"url": "canary"}}]), BAD, "invalid_message"),
    (asked(" "), BAD, "invalid_message"),
    (asked("canary" * 1000), BAD, "invalid_message"),
    (asked(n=2), BAD, "unsupported_parameter"),
    (asked(tools=[{"type": "function"}]), BAD, "unsupported_parameter"),
    (asked(response_format={"type": "json_object"}), BAD, "unsupported_parameter"),
    (asked(extra_body={"canary": 1}), BAD, "unsupported_parameter"),
    (asked(extra_body={"chatgate": {"sub": "x"}}), BAD, "unknown_member"),
    (asked(extra_body={"chatgate": {"mode": "selection_only"}}), BAD, "invalid_selected_text"),
    (asked(extra_body={"stream": "yes"}), BAD, "invalid_stream"),
]  # fmt: skip


async def test_errors_have_their_shape_and_echo_nothing(service):
    token = await service.sign_in()
    async with sdk(service, token) as client:
        for request, kind, code in REFUSED:
            with pytest.raises(kind) as refused:
                await client.chat.completions.create(**request)
            assert refused.value.code == code, request
            assert "canary" not in refused.value.response.text
        assert service.backend.received == []
        with pytest.raises(openai.AuthenticationError) as refused:
            await client.with_options(api_key="x").models.list()
        assert refused.value.code == "invalid_token"
        assert "resource_metadata" in refused.value.response.headers["www-authenticate"]
        await service.sign_out()
        for ask in (client.chat.completions.create(**asked()), client.models.retrieve("main")):
            with pytest.raises(openai.AuthenticationError):
                await ask


async def test_a_stream_that_fails_raises_and_one_that_is_cut_tells_why(valkey, tmp_path):
    async def fail(peer):
        await peer.head()
        await peer.event("delta", text="Half")
        await peer.event("error", code="canary")
        await peer.gone()

    async with running(valkey, tmp_path, tiers={"guest": "", "reader": ONE_A_DAY}) as service:
        service.backend.behaviour = fail
        token = await service.sign_in()
        async with sdk(service, token) as client:
            stream = await client.chat.completions.create(**asked(), stream=True)
            with pytest.raises(openai.APIError) as failed:
                [chunk async for chunk in stream]
            assert failed.value.code == "bad_backend"
            # The day's one question is spent, whatever the dialect.
            with pytest.raises(openai.RateLimitError) as refused:
                await client.chat.completions.create(**asked())
            assert refused.value.code == "rate_limited"
            wait = int(refused.value.response.headers["retry-after"])
            assert wait > 0
            assert ("x-should-retry" in refused.value.response.headers) == (wait > 60)
            assert '"daily";r=0' in refused.value.response.headers["ratelimit"]
            answer = await service.ask(token)
            assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")


@pytest.mark.parametrize(("wait", "told"), [(60, None), (61, "false")])
def test_a_client_that_takes_a_long_wait_for_none_is_told_not_to_ask_again(wait, told):
    problem = Problem(429, "rate_limited", "Wait.", {"Retry-After": str(wait)})
    assert render(problem).headers.get("x-should-retry") == told


async def test_a_site_names_the_backends_that_may_be_asked(valkey, tmp_path):
    site = 'backends = ["model"]\nmodel = "unused"\nsystem_prompt = "Of this site."\n'
    async with running(valkey, tmp_path, site=site, more=BACKENDS) as service:
        token = await service.sign_in()
        service.backend.behaviour = streams(says("Half of", finish="length", usage=(9, 3)))
        async with sdk(service, token) as client:
            assert [one.id async for one in client.models.list()] == ["main", "model"]
            whole = await client.chat.completions.create(**asked(model="model"))
            assert (whole.model, whole.choices[0].finish_reason) == ("model", "length")
            assert whole.choices[0].message.content == "Half of"
            assert (whole.usage.prompt_tokens, whole.usage.completion_tokens) == (9, 3)
        sent = service.backend.received[0].json
        assert sent["model"] == "site-model"
        assert sent["messages"][0]["content"] == "Of this site."
        other = await service.sign_in("s2", client="other")
        async with sdk(service, other) as client:
            assert [one.id async for one in client.models.list()] == ["main"]
            with pytest.raises(openai.NotFoundError):
                await client.chat.completions.create(**asked(model="model"))


async def test_a_page_of_the_site_may_use_it_too(service):
    named = "authorization,content-type,user-agent,x-stainless-lang,x-stainless-retry-count"
    for path in ("/v1/chat/completions", "/api/chat"):
        headers = {
            "Origin": SITE,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": named,
        }
        answer = await service.client.options(path, headers=headers)
        allowed = answer.headers["access-control-allow-headers"].lower().split(", ")
        assert set(named.split(",")) <= set(allowed)
        foreign = {"Origin": "https://evil.example", "Content-Type": "application/json"}
        answer = await service.client.post(path, content="{}", headers=foreign)
        assert answer.status_code == 403
    shaped = (await service.client.post("/v1/chat/completions", content="{}", headers=foreign)).json()
    assert shaped["error"]["code"] == "origin_not_allowed"


@pytest.mark.node
async def test_the_node_sdk_asks_whole_and_streamed(service):
    task = {"proxy": service.url, "token": await service.sign_in()}
    steps = await asyncio.to_thread(steps_of, "openai.mjs", task)
    told = {name: one["data"] for name, one in steps.items()}
    assert [one["error"] for one in steps.values() if one["error"]] == []
    assert (told["models"], told["model"]) == (["main"], "main")
    [choice] = told["whole"]["choices"]
    assert choice["message"]["content"] == "Hello reader."
    assert choice["message"]["annotations"] == [CITED]
    assert told["stream"]["text"] == told["stream"]["content"] == "Hello reader."
    assert told["stream"]["finish"] == "stop"
    assert told["stream"]["usage"] == told["whole"]["usage"]
    kinds = [(told[name]["kind"], told[name]["code"]) for name in ("no such model", "no token", "tools")]
    assert kinds == [
        ("NotFoundError", "model_not_found"),
        ("AuthenticationError", "invalid_token"),
        ("BadRequestError", "unsupported_parameter"),
    ]
    assert json.dumps(told).count("authentication_error") == 1
