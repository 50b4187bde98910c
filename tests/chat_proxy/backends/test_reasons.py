"""A backend that fails is one `bad_backend` to a reader; the operator's log says the reason."""

import pytest
from structlog.testing import capture_logs

from chat_proxy.backends import sse
from tests.chat_proxy.backends.behaviours import abort, plain

CITED = {"title": "t", "url": "/x", "quote": "q"}


def says(*events, ends=True):
    async def behave(peer):
        await peer.head()
        for name, members in events:
            await peer.event(name, **members)
        if ends:
            await peer.event("done")
        await peer.end()

    return behave


def document(members):
    async def behave(peer):
        await peer.document(members)

    return behave


async def reasons(service, behaviour, *, stream):
    service.backend.behaviour = behaviour
    bearer = await service.sign_in()
    with capture_logs() as lines:
        headers = service.headers(bearer, stream=stream)
        answer = await service.client.post("/chat", json={"message": "x"}, headers=headers)
    assert "canary" not in str(lines) + answer.text
    assert {line["backend"] for line in lines if line["event"] == "backend_failed"} == {"main"}
    return answer, [line["reason"] for line in lines if line["event"] == "backend_failed"]


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (says(("delta", {"text": "x" * sse.MAX_LINE})), "a line of its stream has more than 65536 bytes"),
        (says(("citation", {**CITED, "title": None})), "title is no text"),
        (says(("citation", {**CITED, "url": 5})), "url is no text"),
        (says(("delta", {"text": "x", "more": [{}] * 2000})), "its data has more than 2000 values"),
        (says(("delta", {"text": ["canary"]})), "text is no text"),
        (says(("error", {"code": "model_failed", "message": "canary"})), "it told of an error: model_failed"),
        (says(("error", {"code": "a canary"})), "it told of an error: without a code"),
        (says(("start", {}), ("citation", CITED)), "its answer has no text"),
        (says(("delta", {"text": " \n"})), "its answer has no text"),
        (says(ends=False), "its stream ended without done"),
        (plain("401 Unauthorized"), "status 401 without an answer that can be read"),
    ],
)
async def test_the_reason_for_a_stream_that_fails_is_in_the_log(service, behaviour, reason):
    answer, said = await reasons(service, behaviour, stream=True)
    # A citation that went before is an answer that has begun.
    assert '"code":"bad_backend"' in answer.text
    assert said == [reason]


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (document(b"canary"), "its data is no JSON"),
        (document(b"[]"), "its data is no JSON object"),
        (document({"citations": []}), "response is no text"),
        (document({"response": " ", "citations": []}), "its answer has no text"),
        (document({"response": "x", "citations": {"a": 1}}), "citations is no list"),
        (document({"response": "x", "citations": ["canary"]}), "a citation is no JSON object"),
        (document({"error": {"code": "model_failed"}}), "it told of an error: model_failed"),
    ],
)
async def test_the_reason_for_a_document_that_fails_is_in_the_log(service, behaviour, reason):
    answer, said = await reasons(service, behaviour, stream=False)
    assert (answer.status_code, said) == (502, [reason])


async def test_a_broken_connection_is_told_by_its_kind(service):
    service.backend.behaviour = abort
    bearer = await service.sign_in()
    with capture_logs() as lines:
        assert (await service.ask(bearer)).status_code == 502
    [reason] = [line["reason"] for line in lines if line["event"] == "backend_failed"]
    assert reason.startswith("the connection broke: Client")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("status", "wait", "told"),
    [
        ("429 Too Many Requests", "20", (503, "20")),
        ("503 Service Unavailable", "7", (503, "7")),
        ("429 Too Many Requests", "0", (503, "1")),
        ("429 Too Many Requests", "9" * 30, (503, "3600")),
        ("429 Too Many Requests", "Sun, 29 Nov 2026 08:00:00 GMT", (503, "10")),
        ("429 Too Many Requests", None, (502, None)),
        ("500 Oops", "20", (502, None)),
    ],
)
async def test_a_busy_backend_says_when_to_come_again(service, status, wait, told, stream):
    extra = f"Retry-After: {wait}\r\n" if wait else ""
    answer, _ = await reasons(service, plain(status, extra=extra), stream=stream)
    assert (answer.status_code, answer.headers.get("retry-after")) == told
    assert answer.json()["code"] == ("backend_busy" if told[0] == 503 else "bad_backend")


@pytest.mark.parametrize(
    ("wait", "told"),
    [(20, (503, "20")), (0, (503, "1")), (10**9, (503, "3600")), (None, (502, None)), (True, (502, None))],
)
async def test_an_answer_may_say_it_in_its_error_too(service, wait, told):
    error = {"code": "model_busy", "message": "canary", "retry_after": wait}
    for stream, behaviour in ((True, says(("error", error))), (False, document({"error": error}))):
        answer, [reason] = await reasons(service, behaviour, stream=stream)
        assert (answer.status_code, answer.headers.get("retry-after")) == told
        assert reason == "it told of an error: model_busy"


async def test_a_busy_backend_within_an_answer_is_its_last_event(service):
    service.backend.behaviour = says(
        ("delta", {"text": "Half"}), ("error", {"code": "model_busy", "retry_after": 20})
    )
    async with service.stream(await service.sign_in()) as stream:
        events = await stream.all()
    assert [name for name, _ in events] == ["start", "delta", "error"]
    assert events[-1][1]["code"] == "backend_busy"
