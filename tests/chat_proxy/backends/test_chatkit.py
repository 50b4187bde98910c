"""A real chatkit-python server behind the proxy: threads, selections, annotations, and its odd answers."""

import contextlib
import json

import httpx
from structlog.testing import capture_logs

from tests.chat_proxy.backends import chatkit_server as scripts
from tests.chat_proxy.backends.chatkit_server import Server
from tests.chat_proxy.service import running
from tests.chat_proxy.serving import served

CITED = {"title": "Intro", "url": "https://docs.example.org/intro", "quote": "Hi"}


@contextlib.asynccontextmanager
async def asking(valkey, folder, more=""):
    server = Server()
    async with served(server.app) as url:
        backend = f'kind = "chatkit"\nanswer_bytes = 20000\n{more}'
        async with running(valkey, folder, backend_url=f"{url}/chatkit", backend=backend) as service:
            service.bearer = await service.sign_in()
            yield service, server


async def events_of(service, **members):
    events = []
    async with service.stream(service.bearer, **members) as stream:
        with contextlib.suppress(httpx.RemoteProtocolError):
            while (event := await stream.event()) is not None:
                events.append(event)
    return events


async def test_an_answer_is_ours_streamed_and_whole(valkey, tmp_path):
    async with asking(valkey, tmp_path) as (service, server):
        events = await events_of(service)
        assert [name for name, _ in events] == ["start", "delta", "delta", "citation", "done"]
        assert "".join(one["text"] for name, one in events if name == "delta") == "Hello reader."
        assert [one for name, one in events if name == "citation"] == [CITED]
        for behaviour, text in ((scripts.streamed, "Hello reader."), (scripts.at_once, "Hello.\n\nBye.")):
            server.behaviour = behaviour
            answer = (await service.ask(service.bearer)).json()
            assert (answer["response"], answer["citations"]) == (text, [CITED])
        assert {one["authorization"][:9] for one in server.headers} == {"Bearer ey"}


async def test_a_conversation_is_a_thread_and_a_selection_its_quoted_text(valkey, tmp_path):
    async with asking(valkey, tmp_path) as (service, server):
        for session_id in ("one", "one", "two"):
            asked = {"session_id": session_id, "selected_text": "A part.\r\nAnd more."}
            assert (await service.ask(service.bearer, **asked)).status_code == 200
        bodies = [json.loads(one) for one in server.received]
        assert [one["type"] for one in bodies] == [
            "threads.create",
            "threads.add_user_message",
            "threads.create",
        ]
        first, second, other = (thread for thread, _ in server.heard)
        assert first == second != other
        for _, message in server.heard:
            assert message.quoted_text == "A part.\nAnd more."
            assert (message.content[0].text, message.attachments) == ("What is this?", [])
        headers = service.headers(service.bearer)
        kept = (await service.client.get("/sessions/one", headers=headers)).json()["messages"]
        assert first not in json.dumps(kept)
        assert set(kept[1]) == {"role", "content", "message_id", "citations"}
        rating = {"message_id": kept[3]["message_id"], "rating": "helpful"}
        rated = await service.client.post("/sessions/one/feedback", json=rating, headers=headers)
        assert rated.status_code == 204
        # A deleted conversation's thread is not gone on with.
        await service.client.delete("/sessions/one", headers=headers)
        await service.ask(service.bearer, session_id="one")
        assert server.heard[-1][0] not in (first, other)


async def test_a_thread_that_its_server_has_lost_is_begun_anew(valkey, tmp_path):
    async with asking(valkey, tmp_path) as (service, server):
        for stream in (False, True):
            await service.ask(service.bearer, session_id="one")
            server.store.threads.clear()
            with capture_logs() as lines:
                if stream:
                    assert (await events_of(service, session_id="one"))[-1] == ("done", {})
                else:
                    assert (await service.ask(service.bearer, session_id="one")).status_code == 200
            said = [line["reason"] for line in lines if line["event"] == "backend_failed"]
            assert said[-1] == "it does not know the conversation's thread any more; a new one was begun"
        # The new thread is the conversation's from then on.
        await service.ask(service.bearer, session_id="one")
        assert server.heard[-1][0] == server.heard[-2][0]


async def test_its_odd_answers_are_failures_of_ours(valkey, tmp_path):
    async with asking(valkey, tmp_path) as (service, server):
        for behaviour, code in (
            (scripts.silent, "its stream ended without an answer"),
            (scripts.failing, "it told of an error: stream.error"),
        ):
            server.behaviour = behaviour
            with capture_logs() as lines:
                answer = await service.ask(service.bearer, session_id="one")
            assert (answer.status_code, answer.json()["code"]) == (502, "bad_backend")
            said = [line["reason"] for line in lines if line["event"] == "backend_failed"]
            assert said == [code]
            assert "canary" not in answer.text
        listed = await service.client.get("/sessions", headers=service.headers(service.bearer))
        assert listed.json() == {"sessions": []}


async def test_a_selection_alone_needs_a_server_that_heeds_it(valkey, tmp_path):
    alone = {"mode": "selection_only", "selected_text": "Alone."}
    async with asking(valkey, tmp_path) as (service, server):
        answer = await service.ask(service.bearer, **alone)
        assert (answer.status_code, answer.json()["code"], server.received) == (422, "invalid_mode", [])
    async with asking(valkey, tmp_path, "selection_only = true\nkey = 'a-key'") as (service, server):
        for asked in ({}, alone, {}):
            await service.ask(service.bearer, session_id="one", **asked)
        bodies = [json.loads(one) for one in server.received]
        assert [one["metadata"] for one in bodies] == [
            {"mode": "normal"},
            {"mode": "selection_only"},
            {"mode": "normal"},
        ]
        first, between, last = (thread for thread, _ in server.heard)
        assert first == last != between
        assert {one["authorization"] for one in server.headers} == {"Bearer a-key"}


async def test_clients_that_send_the_conversation_name_ours(valkey, tmp_path):
    async with asking(valkey, tmp_path) as (service, server):
        headers = service.headers(service.bearer)
        turns = [{"role": "user", "content": "One?"}, {"role": "assistant", "content": "One."}]
        asked = {"model": "main", "messages": [*turns, {"role": "user", "content": "Two?"}]}
        answer = await service.client.post("/v1/chat/completions", json=asked, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_message")
        named = {**asked, "chatgate": {"session_id": "one"}}
        for _ in range(2):
            answer = await service.client.post("/v1/chat/completions", json=named, headers=headers)
            assert answer.json()["choices"][0]["message"]["content"] == "Hello reader."
        message = {"role": "user", "parts": [{"type": "text", "text": "Two?"}]}
        again = {"id": "one", "messages": [message], "trigger": "regenerate-message"}
        answer = await service.client.post("/api/chat", json=again, headers=headers)
        assert '"finishReason":"stop"' in answer.text
        assert len({thread for thread, _ in server.heard}) == 1


async def test_the_longest_question_comes_back_in_one_event(valkey, tmp_path):
    async with asking(valkey, tmp_path) as (service, server):
        # Four bytes each: the server repeats both texts in one event.
        body = {"message": "\U0001f600" * 4000, "selected_text": "\U0001f600" * 12_000}
        answer = await service.client.post("/chat", json=body, headers=service.headers(service.bearer))
        assert answer.json()["response"] == "Hello reader."
        assert len(server.heard[0][1].quoted_text) == 12_000
