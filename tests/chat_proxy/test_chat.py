"""The whole path: a token in, admitted, forwarded, answered."""

import base64
import hashlib

import jwt

from tests.chat_proxy.configuration import SECRET, SITE


async def test_a_question_is_forwarded_and_its_answer_comes_back(service):
    bearer = await service.sign_in()
    answer = await service.ask(bearer, session_id="c1")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["response"] == "Hello reader."
    assert body["session_id"] == "c1"
    assert body["message_id"]
    assert body["citations"] == [{"title": "Intro", "url": f"{SITE}/intro", "quote": "Hi"}]
    assert answer.headers["cache-control"] == "no-store"


async def test_a_stream_has_our_events_in_order(service):
    bearer = await service.sign_in()
    async with service.stream(bearer, session_id="c1") as stream:
        assert stream.answer.headers["content-type"].startswith("text/event-stream")
        assert stream.answer.headers["cache-control"] == "no-store"
        assert stream.answer.headers["x-accel-buffering"] == "no"
        events = await stream.all()
    assert [name for name, _ in events] == ["start", "delta", "delta", "citation", "done"]
    assert events[0][1]["session_id"] == "c1"
    assert events[1:3] == [("delta", {"text": "Hello "}), ("delta", {"text": "reader."})]
    assert events[-1] == ("done", {})


async def test_the_backend_is_shown_that_we_ask_and_not_who_does(service):
    bearer = await service.sign_in()
    await service.ask(bearer, "Why?", session_id="c1")
    [received] = service.backend.received
    assert received.line == "POST /chat HTTP/1.1"
    proof = received.headers["authorization"].removeprefix("Bearer ")
    assert jwt.get_unverified_header(proof) == {"alg": "HS256", "typ": "chatgate-internal+jwt"}
    claims = jwt.decode(proof, SECRET, algorithms=["HS256"], audience="chatgate-backend")
    assert claims["iss"] == "chatgate-proxy"
    assert claims["exp"] - claims["iat"] == 60
    digest = base64.urlsafe_b64encode(hashlib.sha256(received.body).digest()).rstrip(b"=").decode()
    assert claims["body_sha256"] == digest
    assert received.json == {"message": "Why?", "mode": "normal", "selected_text": None, "history": []}
    assert set(received.headers) == {
        "host",
        "accept",
        "accept-encoding",
        "authorization",
        "content-type",
        "content-length",
    }
    assert received.headers["accept-encoding"] == "identity"
