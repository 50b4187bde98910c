"""Answers as real providers and gateways write them, over HTTP from one that does."""

import io
import json

import pytest

from rag_backend import logs
from rag_backend.answers import visible_text
from tests.rag_backend.answers.model_server import DONE, ask, chunk, data, ends, refuses, says, streams
from tests.rag_backend.books import events, question

HELLO = (chunk("Hello "), chunk("reader."))
STOP = ends("stop")


def delta(members, finish=None):
    return data({"choices": [{"index": 0, "delta": members, "finish_reason": finish}]})


async def both(server, index, body=None):
    """The text of an answer, which both forms give alike; None for a failure."""
    body = body or question()
    whole = await ask(server, index, body)
    seen = events((await ask(server, index, body, "text/event-stream")).text)
    if whole.status_code != 200:
        assert seen[-1][0] == "error"
        return None
    assert seen[-1][0] == "done"
    text = whole.json()["response"]
    assert "".join(members["text"] for name, members in seen if name == "delta").strip() == text
    return text


async def test_nothing_is_sent_unless_it_is_configured(server, sample_index):
    server.reply = says("Yes.")
    await ask(server, sample_index, question())
    assert sorted(server.asked[-1][2]) == ["messages", "model", "stream", "stream_options"]
    server.model = server.model_with(temperature=0.2, reasoning_effort="low")
    await ask(server, sample_index, question())
    sent = server.asked[-1][2]
    assert (sent["temperature"], sent["reasoning_effort"], sent["stream"]) == (0.2, "low", True)


HARMLESS = {
    "a heartbeat": (b"data:\n\n", *HELLO, STOP),
    "a comment": (b": ping\n\n", *HELLO, STOP),
    "another field": (b"event: x\nid: 1\nretry: 5\n\n", *HELLO, STOP),
    "lines that end with CRLF": (b"data:\r\n\r\n", *(one.replace(b"\n", b"\r\n") for one in HELLO), STOP),
    "usage alone": (*HELLO, STOP, data({"usage": {"total_tokens": 5}})),
    "usage with a choice": (*HELLO, STOP, data({"choices": [{"index": 0}], "usage": {}})),
    "no choices": (*HELLO, STOP, data({"choices": []})),
    "null choices": (*HELLO, data({"choices": None}), STOP),
    "a null choice": (*HELLO, data({"choices": [None]}), STOP),
    "choices of another shape": (*HELLO, data({"choices": {"a": 1}}), STOP),
    "a filter's results first": (data({"prompt_filter_results": []}), *HELLO, STOP),
    "a null delta": (*HELLO, data({"choices": [{"delta": None, "finish_reason": "stop"}]})),
    "no delta": (*HELLO, data({"choices": [{"finish_reason": "stop"}]})),
    "null content": (delta({"role": "assistant", "content": None}), *HELLO, STOP),
    "content of another shape": (delta({"content": 5}), *HELLO, STOP),
    "a null error": (data({"error": None, "choices": []}), *HELLO, STOP),
    "reasoning": (delta({"content": None, "reasoning_content": "hm"}), *HELLO, STOP),
    "tool calls": (delta({"content": None, "tool_calls": []}), *HELLO, STOP),
    "no last line": (*HELLO, STOP),
    "no reason": (*HELLO, DONE),
}


@pytest.mark.parametrize("name", HARMLESS)
async def test_bytes_beside_an_answer_are_harmless(server, sample_index, name):
    server.reply = streams(*HARMLESS[name])
    assert await both(server, sample_index) == "Hello reader."


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ([delta({"content": [{"type": "text", "text": "Hello "}, "reader."]})], "Hello reader."),
        ([delta({"content": [{"type": "thinking", "thinking": [{"text": "hm"}]}]}), *HELLO], "Hello reader."),
        ([delta({"content": [{"type": "text", "text": None}, None, 5]}), *HELLO], "Hello reader."),
        ([delta({"content": None, "refusal": "I cannot help."})], "I cannot help."),
        ([chunk("<think>\nA plan.\n</think>\n\nHello "), chunk("reader.")], "Hello reader."),
        ([chunk("<th"), chunk("ink>a</thi"), chunk("nk>\n"), chunk("\nHello reader.")], "Hello reader."),
        (
            [chunk("Hello reader.\n\n<thinking>b</thinking>\n\nAnd more.")],
            "Hello reader.\n\nAnd more.",
        ),
        ([chunk("Write `<think>`:\n\n```\n<think>\n```")], "Write `<think>`:\n\n```\n<think>\n```"),
    ],
)
async def test_each_form_of_content_is_read_as_what_it_says(server, sample_index, parts, text):
    server.reply = streams(*parts, STOP)
    assert await both(server, sample_index) == text


@pytest.mark.parametrize(
    "parts",
    [
        [STOP],
        [DONE],
        [chunk(""), chunk(" \n"), STOP],
        [chunk("[1]"), STOP],
        [chunk("<think>\nand so on"), STOP],
        [delta({"content": [{"type": "thinking"}]}), STOP],
        [delta({"reasoning_content": "hm"}), ends("length")],
        [*HELLO, data({"error": {"message": "x"}}), STOP],
        [*HELLO, data(["no", "object"]), STOP],
        [*HELLO, data({"choices": [{"delta": {}, "finish_reason": "error"}]})],
        [b"data: " + b"[" * 50_000 + b"\n\n"],
    ],
)
async def test_an_answer_without_a_word_and_one_with_an_error_are_failures(server, sample_index, parts):
    server.reply = streams(*parts)
    assert await both(server, sample_index) is None


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ([*HELLO, ends("length")], f"Hello reader.\n\n{visible_text.CUT}"),
        ([*HELLO, ends("content_filter")], f"Hello reader.\n\n{visible_text.FILTERED}"),
        ([ends("content_filter")], visible_text.WITHHELD),
        ([chunk("```\nx = 1"), ends("length")], f"```\nx = 1\n```\n\n{visible_text.CUT}"),
        ([*HELLO, ends("length"), data({"usage": {}}), DONE], f"Hello reader.\n\n{visible_text.CUT}"),
        ([*HELLO, ends("tool_calls")], "Hello reader."),
    ],
)
async def test_the_reader_is_told_that_an_answer_was_cut(server, sample_index, parts, text):
    server.reply = streams(*parts)
    assert await both(server, sample_index) == text
    selection = question("Colour?", mode="selection_only", selected_text="It is grey.")
    assert await both(server, sample_index, selection) == text


async def test_only_what_the_model_said_is_sent_back_to_it(server, sample_index):
    server.reply = says("Yes.")
    earlier = [
        ("one", f"First.\n\n{visible_text.CUT}"),
        ("two", "<think>a plan</think>\n\nSecond."),
        ("three", visible_text.WITHHELD),
        ("four", "<think>only thoughts"),
        ("five", ""),
        ("six", "Last."),
    ]
    roles = ("user", "assistant")
    history = [
        {"role": role, "content": text} for pair in earlier for role, text in zip(roles, pair, strict=True)
    ]
    await ask(server, sample_index, question(history=history[:8]))
    turns = [(turn["role"], turn["content"]) for turn in server.asked[-1][2]["messages"][1:-1]]
    assert turns == [("user", "one"), ("assistant", "First."), ("user", "two"), ("assistant", "Second.")]
    await ask(server, sample_index, question(history=history[6:]))
    turns = [(turn["role"], turn["content"]) for turn in server.asked[-1][2]["messages"][1:-1]]
    assert turns == [("user", "six"), ("assistant", "Last.")]


BAD_PARAMETER = {"error": {"message": "canary", "type": "invalid_request_error", "param": "temperature"}}


@pytest.mark.parametrize(
    ("reply", "named"),
    [
        (refuses(400, json.dumps(BAD_PARAMETER).encode()), {"status": 400, "param": "temperature"}),
        (refuses(404, b'{"error":{"code":"model_not_found","type":null}}'), {"code": "model_not_found"}),
        (refuses(401, b'{"object":"error","code":40101,"message":"canary"}'), {"code": "40101"}),
        (refuses(403, b'[{"error":{"code":403,"status":"canary canary"}}]'), {"status": 403, "code": "403"}),
        (refuses(200, b'{"error":{"code":"quota"}}'), {"status": 200, "code": "quota"}),
        (refuses(500, b'{"error":{"code":"a canary in a sentence"}}'), {"status": 500}),
        (refuses(500, b'{"error":{"code":"' + b"canary" * 20 + b'"}}'), {"status": 500}),
        (refuses(500, b"canary" * 200_000, "text/html"), {"status": 500}),
        (streams(data({"error": {"code": "server_error", "message": "canary"}})), {"code": "server_error"}),
        (streams(*HELLO, data({"error": {"type": "overloaded_error"}})), {"type": "overloaded_error"}),
    ],
)
async def test_the_operator_is_told_the_providers_code_and_no_text(server, sample_index, reply, named):
    server.reply = reply
    lines = io.StringIO()
    assert (await ask(server, sample_index, question(), log=logs.logger(lines))).status_code == 502
    [line] = (json.loads(line) for line in lines.getvalue().splitlines() if "model_failed" in line)
    assert line.items() >= named.items()
    assert "canary" not in lines.getvalue()


DATE = "Sun, 29 Nov 2026 08:00:00 GMT"


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"Retry_After": "20"}, 20),
        (503, {"Retry_After": "20"}, 20),
        (529, {"Retry_After": "20"}, 20),
        (429, {"Retry_After": "Sun, 29 Nov 2026 08:00:30 GMT", "Date": DATE}, 30),
        (429, {"Retry_After": "Sun, 29 Nov 2026 07:00:00 GMT", "Date": DATE}, 1),
        (429, {"Retry_After": "0"}, 1),
        (429, {"Retry_After": "9" * 400}, 3600),
        (429, {"Retry_After": "-5"}, 10),
        (429, {"Retry_After": "soon"}, 10),
        (429, {"Retry_After": "²"}, 10),
        (429, {}, 10),
    ],
)
async def test_a_model_that_has_no_time_says_how_long(server, sample_index, status, headers, seconds):
    server.reply = refuses(status, b'{"error":{"code":"rate_limit_exceeded"}}', **headers)
    lines = io.StringIO()
    response = await ask(server, sample_index, question(), log=logs.logger(lines))
    assert (response.status_code, response.json()["code"]) == (503, "model_busy")
    assert response.headers["retry-after"] == str(seconds)
    assert '"code": "rate_limit_exceeded"' in lines.getvalue()
    stream = await ask(server, sample_index, question(), "text/event-stream")
    name, members = events(stream.text)[-1]
    assert (name, members["code"], members["retry_after"]) == ("error", "model_busy", seconds)
