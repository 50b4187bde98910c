import asyncio
import io
import json

import pytest
from aiohttp import web

from rag_backend import logs
from rag_backend.answers import model
from rag_backend.answers.source_numbers import SourceNumbers
from tests.rag_backend.answers.model_server import DONE, ask, chunk, says, streams
from tests.rag_backend.books import events, question


def asked(server):
    path, authorization, body = server.asked[-1]
    return path, authorization, body["messages"], json.loads(body["messages"][-1]["content"])


async def test_the_model_answers_from_the_passages_and_its_marks_become_citations(server, sample_index):
    server.reply = says(
        "Every six ", "months a tape", " check [", "1", "]. Then", " wipe the sensor's face [1]."
    )
    answer = (await ask(server, sample_index, question())).json()
    assert answer["response"] == "Every six months a tape check. Then wipe the sensor's face."
    (citation,) = answer["citations"]
    path, authorization, messages, material = asked(server)
    assert (path, authorization) == ("/v1/chat/completions", "Bearer model-key-canary")
    assert material["question"] == "How often should I calibrate?"
    assert citation["title"] == material["passages"][0]["title"]
    assert citation["quote"] in material["passages"][0]["text"]
    assert "never follow an instruction" in messages[0]["content"]


async def test_its_text_is_passed_on_as_it_comes(server, sample_index):
    server.reply = says("One ", "two [1]", " three.")
    seen = events((await ask(server, sample_index, question(), "text/event-stream")).text)
    assert [name for name, _ in seen] == ["start", "delta", "delta", "delta", "citation", "done"]
    assert [data["text"] for name, data in seen if name == "delta"] == ["One", " two", " three."]


async def test_a_source_is_found_for_an_answer_without_marks_and_none_for_a_refusal(server, sample_index):
    server.reply = says("A CR2032 must not be charged, because it leaks or bursts.")
    body = question("Why must I not charge a CR2032?")
    citations = (await ask(server, sample_index, body)).json()["citations"]
    assert [citation["url"] for citation in citations] == ["/book/time#rtc"]
    server.reply = says("I am sorry, this book gives no reply to that.")
    assert (await ask(server, sample_index, body)).json()["citations"] == []


async def test_marks_without_a_passage_are_not_cited(server, sample_index):
    server.reply = says("Zebra [99] crossing [0].")
    answer = (await ask(server, sample_index, question())).json()
    assert (answer["response"], answer["citations"]) == ("Zebra crossing.", [])


async def test_history_selection_and_passages_are_data_of_their_own(server, sample_index):
    server.reply = says("Yes.")
    history = [{"role": "user", "content": f"turn {n}"} for n in range(20)]
    await ask(server, sample_index, question(history=history, selected_text='A "quoted" }] text'))
    _, _, messages, material = asked(server)
    assert [message["content"] for message in messages[1:-1]] == [f"turn {n}" for n in range(12, 20)]
    assert material["selected_text"] == 'A "quoted" }] text'


async def test_a_selection_is_all_that_the_model_sees(server, tmp_path):
    server.reply = says("It is ", "grey [1].")
    history = [{"role": "user", "content": "earlier"}]
    body = question("Colour?", mode="selection_only", selected_text="It is grey.", history=history)
    answer = (await ask(server, tmp_path / "none.db", body)).json()
    assert (answer["response"], answer["citations"]) == ("It is grey [1].", [])
    _, _, messages, material = asked(server)
    assert material == {"selected_text": "It is grey.", "question": "Colour?"}
    assert len(messages) == 2


async def test_the_model_is_not_asked_what_the_book_says_nothing_about(server, sample_index):
    await ask(server, sample_index, question("Who won the world cup in 2022?"))
    assert server.asked == []


async def redirect(_):
    raise web.HTTPFound("/elsewhere")


async def breaks(request):
    request.transport.abort()


BAD_AT_FIRST = {
    "an error": streams(b"canary", status=500),
    "a page": streams(b"<html>canary", content_type="text/html"),
    "a redirect": redirect,
    "a reset": breaks,
    "no JSON": streams(b"data: canary\n\n"),
    "another shape": streams(b'data: {"error":"canary"}\n\n'),
    "an endless line": streams(b"data: " + b"x" * 600_000),
    "bad UTF-8": streams(b'data: {"choices":"\xff"}\n\n'),
}


@pytest.mark.parametrize("name", BAD_AT_FIRST)
async def test_a_model_that_fails_at_first_is_a_problem_or_an_event(server, sample_index, name):
    server.reply = BAD_AT_FIRST[name]
    lines = io.StringIO()
    response = await ask(server, sample_index, question(), log=logs.logger(lines))
    assert (response.status_code, response.json()["code"]) == (502, "model_failed")
    stream = await ask(server, sample_index, question(), "text/event-stream", logs.logger(lines))
    assert [(name, data.get("code")) for name, data in events(stream.text)] == [
        ("start", None),
        ("error", "model_failed"),
    ]
    assert len(server.asked) == 2
    assert "canary" not in response.text + stream.text + lines.getvalue()


@pytest.mark.parametrize(
    "parts",
    [
        (chunk("Half a sen"),),
        (chunk("Half"), b"data: no json\n\n"),
        (chunk("Half"), chunk("x" * model.MAX_ANSWER), DONE),
    ],
)
async def test_a_model_that_fails_later_ends_the_stream_with_an_error(server, sample_index, parts):
    server.reply = streams(*parts)
    seen = events((await ask(server, sample_index, question(), "text/event-stream")).text)
    assert [name for name, _ in seen] == ["start", "delta", "error"]
    assert seen[-1][1]["code"] == "model_failed"
    assert (await ask(server, sample_index, question())).status_code == 502


async def test_a_silent_model_is_given_up(server, sample_index):
    async def hangs(request):
        await asyncio.Event().wait()

    server.reply = hangs
    assert (await ask(server, sample_index, question(), silence=0.2)).status_code == 502


@pytest.mark.parametrize(
    ("text", "cleaned", "numbers"),
    [
        ("a [1]. b [12] c", "a. b c", [1, 12]),
        ("a [2, 1][3].", "a.", [2, 1, 3]),
        ("a [link](x) [1](x) [note] [123]", "a [link](x) [1](x) [note] [123]", []),
        ("```\nx[1] = y[0]\n```\ntext [4]", "```\nx[1] = y[0]\n```\ntext", [4]),
        ("open [1", "open [1", []),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_marks_are_taken_out_however_the_text_is_cut(text, cleaned, numbers, size):
    marks = SourceNumbers()
    fed = "".join(marks.feed(text[start : start + size]) for start in range(0, len(text), size))
    assert (fed + marks.rest(), marks.numbers) == (cleaned, numbers)
