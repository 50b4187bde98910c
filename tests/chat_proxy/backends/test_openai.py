"""A backend that speaks OpenAI's chat completions: the requests that it gets, and all that its streams
contain."""

import contextlib
import json
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from chat_proxy.backends import prompts
from chat_proxy.conversations import notes
from tests.chat_proxy.backends.completions import DONE, chunk, data, refuses, says, streams, whole, with_hook
from tests.chat_proxy.fake_backend import Backend
from tests.chat_proxy.service import running

OPENAI = """
kind = "openai"
model = "site-model"
key = "sk-1234"
system_prompt = "Be the site's voice."
max_tokens = 77
answer_bytes = 2000
parameters = '{"temperature": 0.2, "stream_options": null}'
"""
HELLO = "Hello reader."
PASSAGE = {"title": "Intro", "url": "/intro", "text": "Tokens live five minutes.", "quote": "five minutes"}
CUT, FILTERED = notes.note("x", "length"), notes.note("x", "content_filter")


@contextlib.asynccontextmanager
async def asking(valkey, folder, more=""):
    async with running(valkey, folder, backend=OPENAI + more) as service:
        service.bearer = await service.sign_in()
        yield service


async def answered(service, **members):
    """The events' text, the last event, and the same question's JSON answer."""
    async with service.stream(service.bearer, **members) as stream:
        if stream.answer.status_code != 200:
            await stream.answer.aread()
            return "", ("refused", stream.answer.json()), await service.ask(service.bearer, **members)
        events = []
        # A torn answer's connection is cut after its last event.
        with contextlib.suppress(httpx.RemoteProtocolError):
            while (event := await stream.event()) is not None:
                events.append(event)
    text = "".join(one["text"] for name, one in events if name == "delta")
    return text, events[-1], await service.ask(service.bearer, **members)


@pytest.fixture
async def hook():
    server = Backend()
    await server.start()
    yield server
    await server.stop()


GOOD = {
    "as OpenAI sends it": says("Hello ", "reader.", usage=(9, 3)),
    "no role, no usage": chunk({"content": HELLO}) + chunk({}, "stop") + DONE,
    "finish with the text": chunk({"content": HELLO}, "stop") + DONE,
    "no [DONE]": says(HELLO, ends=b""),
    "[DONE] and no reason": chunk({"content": HELLO}) + DONE,
    "usage with one empty choice": says(HELLO, ends=chunk({}) + DONE),
    "comments": b": ping\n\n" + says("Hello ", "reader.") + b": bye\n\n",
    "empty data": b"data:\n\ndata: \n\n" + says(HELLO),
    "odd chunks": data({"choices": None}) + data({"id": "x"}) + data({"choices": [{}]})
    + data({"choices": [{"delta": None}]}) + says(HELLO),
    "reasoning": chunk({"reasoning_content": "Hm."}) + chunk({"reasoning": "Hm."}) + says(HELLO),
    "a thought": says("<thi", "nk>Hm.</think>\n", HELLO),
    "parts": chunk({"content": [{"type": "text", "text": HELLO}, {"type": "image_url"}]}) + chunk({}, "stop"),
    "a refusal": chunk({"refusal": HELLO, "content": None}) + chunk({}, "stop") + DONE,
    "CRLF": says(HELLO).replace(b"\n", b"\r\n"),
    "an unknown reason": says(HELLO, finish="eos"),
    "after [DONE]": says(HELLO) + chunk({"content": "more"}),
}  # fmt: skip
CUT_SHORT = {
    "length": (says("Half of", finish="length"), "Half of" + CUT, "length"),
    "its other name": (says("Half of", finish="model_length"), "Half of" + CUT, "length"),
    "in code": (says("```\nx", finish="length"), "```\nx\n```" + CUT, "length"),
    "filtered": (says("Half of", finish="content_filter"), "Half of" + FILTERED, "content_filter"),
    "withheld": (says(finish="content_filter"), notes.WITHHELD, "content_filter"),
}
BAD = {
    "torn": (chunk({"content": "Half"}), "its stream ended without a finish_reason"),
    "an error": (chunk({"content": "Half"}) + data({"error": {"message": "canary", "code": 500}}),
                 "it told of an error: 500"),
    "an error's sentence": (data({"error": {"code": "a canary"}}), "it told of an error: without a code"),
    "an error of text": (data({"error": "canary"}), "it told of an error: without a code"),
    "an error event": (b"event: error\n" + data({"m": "canary"}), "it told of an error: without a code"),
    "broken": (chunk({"content": "Half"}, "error"), "its answer broke off"),
    "no JSON": (b"data: canary\n\n", "its data is no JSON"),
    "an array": (b"data: []\n\n", "its data is no JSON object"),
    "silence": (says(" \n"), "its answer has no text"),
    "only thoughts": (says("<think>canary", finish="length"), "it reached its length without a word"),
    "a detail": (data({"detail": "canary"}), "its stream ended without a finish_reason"),
    "too long": (says("x" * 2001), None),
}  # fmt: skip


async def test_all_that_its_streams_contain_comes_out_as_an_answer(valkey, tmp_path):
    async with asking(valkey, tmp_path) as service:
        for name, raw in GOOD.items():
            for behaviour in (streams(raw), streams(*(raw[at : at + 7] for at in range(0, len(raw), 7)))):
                service.backend.behaviour = behaviour
                text, last, answer = await answered(service)
                assert (text, last) == (HELLO, ("done", {})), name
                assert answer.json()["response"] == HELLO, name
                assert "finish_reason" not in answer.json()
        for name, (raw, shown, reason) in CUT_SHORT.items():
            service.backend.behaviour = streams(raw)
            text, last, answer = await answered(service)
            assert (text, last) == (shown, ("done", {"finish_reason": reason})), name
            assert (answer.json()["response"], answer.json()["finish_reason"]) == (shown, reason)


async def test_the_note_is_shown_again_and_sent_to_no_model(valkey, tmp_path):
    async with asking(valkey, tmp_path) as service:
        for raw in (says("Half of", finish="length"), says(finish="content_filter")):
            service.backend.behaviour = streams(raw)
            assert (await service.ask(service.bearer, session_id="one")).status_code == 200
        kept = await service.client.get("/sessions/one", headers=service.headers(service.bearer))
        contents = [one["content"] for one in kept.json()["messages"] if one["role"] == "assistant"]
        assert contents == ["Half of" + CUT, notes.WITHHELD]
        service.backend.behaviour = streams(says(HELLO))
        await service.ask(service.bearer, "And?", session_id="one")
        sent = service.backend.received[-1].json["messages"]
        assert [one["content"] for one in sent[1:]] == ["What is this?", "Half of", "And?"]


async def test_bytes_that_are_no_answer_are_a_failure_whose_reason_the_operator_reads(valkey, tmp_path):
    async with asking(valkey, tmp_path) as service:
        for name, (raw, reason) in BAD.items():
            service.backend.behaviour = streams(raw)
            with capture_logs() as lines:
                _, (_, last), answer = await answered(service)
            code = "bad_backend" if reason else "answer_too_large"
            assert (last["code"], answer.status_code, answer.json()["code"]) == (code, 502, code), name
            said = [line["reason"] for line in lines if line["event"] == "backend_failed"]
            assert said == ([reason, reason] if reason else []), name
            assert "canary" not in str(lines) + answer.text
        busy = data({"error": {"code": 429, "message": "canary"}})
        service.backend.behaviour = streams(busy)
        answer = await service.ask(service.bearer)
        assert (answer.status_code, answer.json()["code"]) == (503, "backend_busy")


async def test_a_server_that_does_not_stream_is_understood(valkey, tmp_path):
    async with asking(valkey, tmp_path) as service:
        link = {"type": "url_citation", "url_citation": {"url": "https://a.example/", "title": "A"}}
        service.backend.behaviour = whole({"content": HELLO, "annotations": [link, {}, None]})
        text, last, answer = await answered(service)
        assert (text, last) == (HELLO, ("done", {}))
        assert answer.json()["citations"] == [{"title": "A", "url": "https://a.example/", "quote": ""}]
        service.backend.behaviour = whole({"content": "Half of"}, "length")
        assert (await service.ask(service.bearer)).json()["finish_reason"] == "length"
        refused: list[tuple[Any, Any]] = [
            (None, {}),
            ({"content": ""}, {}),
            ({"content": "x"}, {"error": {"code": "x"}}),
        ]
        for message, more in refused:
            service.backend.behaviour = whole(message, **more)
            assert (await service.ask(service.bearer)).status_code == 502


REFUSED = [
    ("400 Bad Request", "", {"error": {"code": "bad_x", "message": "canary"}}, (502, None), ": code bad_x"),
    ("401 Unauthorized", "", {"error": {"message": "canary"}}, (502, None), ""),
    ("404 Not Found", "", [{"error": {"code": 404, "type": "a canary"}}], (502, None), ": code 404"),
    ("429 Too Many", "Retry-After: 20\r\n", {}, (503, "20"), ""),
    ("503 Loading", "", {"error": {"type": "loading"}}, (503, "10"), ": type loading"),
    ("529 Overloaded", "", {}, (503, "10"), ""),
]


async def test_a_refusal_names_its_code_to_the_operator_alone(valkey, tmp_path):
    async with asking(valkey, tmp_path) as service:
        for status, extra, body, told, reason in REFUSED:
            service.backend.behaviour = refuses(status, json.dumps(body).encode(), extra)
            with capture_logs() as lines:
                answer = await service.ask(service.bearer)
            assert (answer.status_code, answer.headers.get("retry-after")) == told
            [said] = [line["reason"] for line in lines if line["event"] == "backend_failed"]
            assert said == f"status {status[:3]} without an answer that can be read{reason}"
            assert "canary" not in str(lines) + answer.text


async def test_the_request_is_the_operators_and_the_reader_has_one_message_of_it(valkey, tmp_path):
    async with asking(valkey, tmp_path) as service:
        service.backend.behaviour = streams(says(HELLO))
        await service.ask(service.bearer, "First?", session_id="one")
        await service.ask(service.bearer, "Second?", session_id="one", selected_text='A "passage".')
        await service.ask(
            service.bearer, "Third?", session_id="one", mode="selection_only", selected_text="Alone."
        )
        first, second, third = service.backend.received
        assert first.line == "POST /chat/completions HTTP/1.1"
        assert first.headers["authorization"] == "Bearer sk-1234"
        asked = first.json
        sent = asked.pop("messages")
        assert asked == {"model": "site-model", "stream": True, "max_tokens": 77, "temperature": 0.2}
        assert sent == [
            {"role": "system", "content": "Be the site's voice."},
            {"role": "user", "content": "First?"},
        ]
        system, *history, last = second.json["messages"]
        assert system["content"].startswith("Be the site's voice.\n\n" + prompts.MATERIAL)
        assert [one["content"] for one in history] == ["First?", HELLO]
        assert json.loads(last["content"]) == {"selected_text": 'A "passage".', "question": "Second?"}
        system, last = third.json["messages"]
        assert system["content"] == prompts.FROM_SELECTION
        assert json.loads(last["content"]) == {"selected_text": "Alone.", "question": "Third?"}


async def test_passages_are_found_first_and_cited_where_the_model_names_them(valkey, tmp_path, hook):
    found = [PASSAGE, {**PASSAGE, "title": "Other", "url": "javascript:x"}, {**PASSAGE, "text": "x" * 30_000}]
    async with asking(valkey, tmp_path, f'retrieve_url = "{hook.url}/retrieve"') as service:
        hook.behaviour = with_hook({"passages": found}, None)
        service.backend.behaviour = streams(says("Five minutes [1", "][2]. See [9].", usage=(1, 1)))
        text, _, answer = await answered(service, selected_text="Tokens")
        assert text == "Five minutes. See."
        cited = [{"title": "Intro", "url": "/intro", "quote": "five minutes"}]
        assert (answer.json()["response"], answer.json()["citations"]) == (text, cited)
        assert hook.received[0].json == {"message": "What is this?", "selected_text": "Tokens"}
        assert hook.received[0].headers["authorization"].startswith("Bearer ey")
        material = json.loads(service.backend.received[0].json["messages"][-1]["content"])
        assert [(one["number"], len(one["text"])) for one in material["passages"]] == [
            (1, 25),
            (2, 25),
            (3, 4000),
        ]
        # Nothing is retrieved for an answer from the selection alone.
        await service.ask(service.bearer, mode="selection_only", selected_text="Alone.")
        assert len(hook.received) == 2
        hook.behaviour = with_hook({"passages": []}, None)
        await service.ask(service.bearer)
        system, last = service.backend.received[-1].json["messages"]
        assert prompts.PASSAGES in system["content"]
        assert json.loads(last["content"])["passages"] == []
        await failures_of_the_hook_are_told(service, hook)


async def failures_of_the_hook_are_told(service, hook):
    """The backend is not asked then."""
    asked = len(service.backend.received)
    for behaviour, reason in (
        (with_hook({"found": []}, None), "retrieve_url: passages is no list"),
        (with_hook({"passages": [1]}, None), "retrieve_url: a passage is no JSON object"),
        (with_hook({"passages": [{"title": "canary"}]}, None), "retrieve_url: url is no text"),
        (with_hook({"x": "x" * 262_144}, None), "retrieve_url: its answer has more than 262144 bytes"),
        (refuses("500 Oops"), "retrieve_url: status 500 without passages that can be read"),
    ):
        hook.behaviour = behaviour
        with capture_logs() as lines:
            assert (await service.ask(service.bearer)).status_code == 502
        assert [line["reason"] for line in lines if line["event"] == "backend_failed"] == [reason]
    hook.behaviour = refuses("503 Busy", extra="Retry-After: 7\r\n")
    busy = await service.ask(service.bearer)
    assert (busy.status_code, busy.headers["retry-after"]) == (503, "7")
    assert len(service.backend.received) == asked
