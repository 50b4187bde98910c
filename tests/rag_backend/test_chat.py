"""Questions to the reference backend: answers from the book, from a selection, and refusals of bad bodies."""

import asyncio
import io
import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag_backend import logs
from rag_backend.answers.sentences import ENGLISH
from rag_backend.chat import MAX_BODY
from tests.rag_backend.books import backend, events, is_problem, proved, question


async def ask(client, body=None, **headers):
    body = question() if body is None else body
    return await client.post("/chat", content=body, headers=proved(body, **headers))


async def test_an_answer_quotes_the_book_and_says_so(client, sample_index):
    answer = (await ask(client)).json()
    assert answer["response"].endswith(ENGLISH.from_book)
    citation = answer["citations"][0]
    assert citation["url"] == "/book/calibration#how-often-to-calibrate"
    assert citation["title"] == "Mounting and calibration › How often to calibrate"
    assert all(cell in answer["response"] for cell in citation["quote"].split("\t"))


async def test_the_events_say_what_the_json_says(client):
    whole = (await ask(client)).json()
    response = await ask(client, Accept="text/event-stream")
    assert response.headers["content-type"].startswith("text/event-stream")
    seen = events(response.text)
    assert [name for name, _ in seen] == ["start", *["delta"] * 3, *["citation"] * 2, "done"]
    assert (seen[0][1], seen[-1][1]) == ({}, {"usage": whole["usage"]})
    assert "".join(data["text"] for name, data in seen if name == "delta") == whole["response"]
    assert [data for name, data in seen if name == "citation"] == whole["citations"]


async def test_a_question_that_the_book_does_not_answer_is_told_so_and_nothing_is_cited(client):
    answer = (await ask(client, question("Who won the world cup in 2022?"))).json()
    assert (answer["response"], answer["citations"]) == (ENGLISH.nothing, [])


@pytest.mark.parametrize(
    ("message", "selection", "begins"),
    [
        (
            "How long does it last?",
            "It is grey. The battery will last for eight days.",
            "The battery will last",
        ),
        ("What does this mean?", "The first sentence. The second.", ENGLISH.beginning),
        ("Who is the king?", "It is grey.", ENGLISH.beginning),
        ("Who is the king?", "It is grey. " * 20, ENGLISH.not_in_selection),
        ("Summarise this", "The first sentence. The second.", ENGLISH.beginning),
        ("لخص هذا النص", "البطارية تدوم سنة. ثم تستبدل بأخرى جديدة.", "يبدأ النص المحدد هكذا:"),
    ],
)
async def test_a_selection_is_answered_from_itself_without_any_index(tmp_path, message, selection, begins):
    async with backend(tmp_path / "none.db") as client:
        body = question(message, mode="selection_only", selected_text=selection)
        answer = (await ask(client, body)).json()
        assert answer["response"].startswith(begins)
        assert answer["citations"] == []
        assert [name for name, _ in events((await ask(client, body, Accept="text/event-stream")).text)] == [
            "start",
            "delta",
            "done",
        ]


@pytest.mark.parametrize(
    "selection",
    [
        "Zz. " * 3_000,
        "".join(f"Zz{one:x}. Zz. " for one in range(1_100)),
        "\ufdfa" * 12_000,
        "\ufdfa zz\n" * 2_400,
    ],
    ids=["short sentences", "many words", "one word", "many lines"],
)
async def test_a_selection_that_is_slow_to_quote_holds_no_other_reader_up(tmp_path, selection):
    async with backend(tmp_path / "none.db") as client:
        body = question("Zz?", mode="selection_only", selected_text=selection)
        asking = asyncio.create_task(ask(client, body))
        longest = 0.0
        while not asking.done():
            # Processor time, as other processes may hold the processor meanwhile.
            began = time.process_time()
            await asyncio.sleep(0.001)
            longest = max(longest, time.process_time() - began)
        assert (await asking).status_code == 200
        assert longest < 0.1


async def test_the_book_is_searched_by_what_is_selected_too(client):
    body = question("What does this mean?", selected_text="A CR2032 must not be charged: it leaks or bursts.")
    assert (await ask(client, body)).json()["citations"][0]["url"] == "/book/time#rtc"


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_without_an_index_both_forms_are_refused_with_what_to_do(tmp_path, accept):
    async with backend(tmp_path / "none.db") as client:
        response = await ask(client, Accept=accept)
        assert is_problem(response, 503, "index_unavailable")
        assert "chatgate index" in response.json()["detail"]
        assert (await client.get("/healthz")).status_code == 200
        assert is_problem(await client.get("/readyz"), 503, "index_unavailable")


async def test_a_backend_with_an_index_is_ready(client):
    assert (await client.get("/readyz")).json() == {"status": "ready"}


BODY = question()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xef\xbb\xbf{}", 400),
        (BODY.decode().encode("utf-16"), 400),
        (b'{"message":"\xff"}', 400),
        (b'{"message":"a","message":"a","mode":"normal"}', 400),
        (b'{"message":NaN}', 400),
        (b'{"message":1e999}', 400),
        (b'{"message":' + b"9" * 5000 + b"}", 400),
        (b'{"message":"\\ud800","mode":"normal"}', 400),
        (b"[" * 100_000 + b"]" * 100_000, 400),
        (b"[]", 422),
        (b'"text"', 422),
        (b"{}", 422),
        (question(message=""), 422),
        (question(message="  \n "), 422),
        (question(message="x" * 4001), 422),
        (question(message=5), 422),
        (question(mode="both"), 422),
        (question(mode=["normal"]), 422),
        (question(mode=None), 422),
        (question(mode="selection_only"), 422),
        (question(mode="selection_only", selected_text=" "), 422),
        (question(selected_text="x" * 12_001), 422),
        (question(selected_text=5), 422),
        (question(history="x"), 422),
        (question(history=[{}]), 422),
        (question(history=[{"role": "system", "content": "x"}]), 422),
        (question(history=[{"role": "user", "content": 5}]), 422),
        (question(history=[{"role": "user", "content": "x"}] * 101), 422),
    ],
)
async def test_a_body_that_is_no_question_is_refused_without_echo(client, body, status):
    response = await ask(client, body)
    assert is_problem(response, status, "invalid_json" if status == 400 else "invalid_question")
    assert "xxx" not in response.text


@pytest.mark.parametrize(
    "members",
    [
        {"message": "🎈" * 4000},
        {"message": "nul \0 and \ufeff and \u202e"},
        {"message": '" OR * NEAR('},
        {"selected_text": "🎈" * 12_000},
        {"history": [{"role": "user", "content": "é" * 1500}] * 100},
        {"later_member": 1},
    ],
)
async def test_a_question_within_the_limits_is_answered(client, members):
    assert (await ask(client, question(**members))).status_code == 200


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["message", "mode", "history", "role", "selected_text"]), inner)
        ),
    )
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_json_is_a_fault(client, value):
    assert (await ask(client, json.dumps(value).encode())).status_code in (200, 400, 422)


async def test_a_body_is_counted_while_it_is_read(client):
    fits, exceeds = (question(history=[{"role": "user", "content": ""}]), b"x" * (MAX_BODY + 1))
    padded = fits + b" " * (MAX_BODY - len(fits))
    assert (await ask(client, padded)).status_code == 200

    async def chunks():
        for start in range(0, len(exceeds), 65_536):
            yield exceeds[start : start + 65_536]

    for content in (exceeds, chunks()):
        response = await client.post("/chat", content=content, headers=proved(exceeds))
        assert is_problem(response, 413, "body_too_large")
        assert response.headers["connection"] == "close"


async def test_other_media_types_and_encodings_are_refused(client):
    for media_type in ("text/plain", "application/x-www-form-urlencoded", ""):
        headers = {**proved(BODY), "Content-Type": media_type}
        assert is_problem(
            await client.post("/chat", content=BODY, headers=headers), 415, "unsupported_media_type"
        )
    response = await ask(client, **{"Content-Encoding": "gzip"})
    assert is_problem(response, 415, "unsupported_content_encoding")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/chat", 405), ("GET", "/docs", 404), ("GET", "/openapi.json", 404)],
)
async def test_nothing_else_is_served(client, method, path, status):
    response = await client.request(method, path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"


async def test_the_log_tells_what_happened_and_nothing_that_was_said(sample_index):
    lines = io.StringIO()
    async with backend(sample_index, logs.logger(lines)) as client:
        await ask(client, question("How does the canary calibrate?"))
        await ask(client, question("canary", mode="selection_only", selected_text="canary text"))
        await client.post(
            "/chat", content=b"canary", headers={"Authorization": "Bearer canary.canary.canary"}
        )
        await ask(client, b'{"message": "canary"')
    said = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [entry["event"] for entry in said] == [
        "started",
        "answered",
        "answered",
        "token_refused",
        "stopped",
    ]
    assert "canary" not in lines.getvalue()
