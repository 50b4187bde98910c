"""The chat behind `useChat` of npm `ai`, unchanged, and what else may be sent to its path."""

import asyncio
import json

import pytest

from chat_proxy.conversations import notes
from tests.chat_proxy.backends.completions import says, streams
from tests.chat_proxy.fake_backend import answer_plainly
from tests.chat_proxy.service import running
from tests.node_packages import steps_of

CITED = {"title": "Intro", "url": "https://docs.example.org/intro"}


async def behave(peer):
    if peer.received.json["message"] != "fail":
        await answer_plainly(peer)
        return
    await peer.head()
    await peer.event("delta", text="Half")
    await peer.event("error", code="canary")
    await peer.gone()


def message(text="What is this?", role="user", **more):
    return {"id": "m1", "role": role, "parts": [{"type": "text", "text": text}], **more}


def texts(told):
    return [
        (one["role"], "".join(part["text"] for part in one["parts"] if part["type"] == "text"))
        for one in told["messages"]
    ]


@pytest.mark.node
async def test_use_chat_asks_again_and_anew(service):
    service.backend.behaviour = behave
    task = {"proxy": service.url, "token": await service.sign_in()}
    steps = await asyncio.to_thread(steps_of, "ui_messages.mjs", task)
    told = {name: one["data"] for name, one in steps.items()}
    assert [one["error"] for one in steps.values() if one["error"]] == []
    first, second, again = told["first"], told["second"], told["again"]
    assert texts(first) == [("user", "What is this?"), ("assistant", "Hello reader.")]
    answer = first["messages"][1]
    [source] = [part for part in answer["parts"] if part["type"] == "source-url"]
    assert {"title": source["title"], "url": source["url"]} == CITED
    assert source["providerMetadata"] == {"chatgate": {"quote": "Hi"}}
    assert answer["metadata"] == {"session_id": first["id"], "message_id": answer["id"]}
    assert texts(second)[2:] == [("user", "And that?"), ("assistant", "Hello reader.")]
    assert texts(again) == texts(second)
    assert {one["status"] for one in (first, second, again, told["selection"])} == {"ready"}
    histories = [[turn["content"] for turn in one.json["history"]] for one in service.backend.received]
    before = ["What is this?", "Hello reader."]
    assert histories[:4] == [[], before, before, []]
    alone = service.backend.received[3].json
    assert (alone["mode"], alone["selected_text"]) == ("selection_only", "Alone.")
    # The chat is a conversation of ours, which the reader's other pages list.
    kept = await service.client.get(f"/sessions/{first['id']}", headers=service.headers(task["token"]))
    assert len(kept.json()["messages"]) == 6
    assert (told["torn"]["status"], texts(told["torn"])[1]) == ("error", ("assistant", "Half"))
    assert told["torn"]["error"] == "The answering service failed. Try again."
    assert told["refused"]["status"] == "error"
    assert json.loads(told["refused"]["error"])["code"] == "invalid_token"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ([], "unknown_member"),
        ({"messages": [message()], "system": "canary"}, "unknown_member"),
        ({"messages": []}, "invalid_message"),
        ({"messages": [message(role="assistant")]}, "invalid_message"),
        ({"messages": [{"role": "user"}]}, "invalid_message"),
        ({"messages": [message(parts=[{"type": "file", "url": "canary"}])]}, "invalid_message"),
        ({"messages": [message(" ")]}, "invalid_message"),
        ({"messages": [message()], "id": "../x"}, "invalid_session_id"),
        ({"messages": [message()], "trigger": "x"}, "invalid_body"),
        ({"messages": [message()], "trigger": []}, "invalid_body"),
        ({"messages": [message()], "mode": "selection_only"}, "invalid_selected_text"),
        ({"messages": [message()], "model": "other"}, "model_not_found"),
    ],
)
async def test_a_body_that_is_no_question_is_refused(service, body, code):
    headers = service.headers(await service.sign_in())
    answer = await service.client.post("/api/chat", json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (404 if code == "model_not_found" else 422, code)
    assert "canary" not in answer.text
    assert service.backend.received == []


async def test_an_answer_that_was_cut_short_says_so(valkey, tmp_path):
    async with running(valkey, tmp_path, backend='kind = "openai"\nmodel = "m"\n') as service:
        service.backend.behaviour = streams(says("Half of", finish="content_filter"))
        headers = service.headers(await service.sign_in())
        answer = await service.client.post("/api/chat", json={"messages": [message()]}, headers=headers)
    assert answer.headers["x-vercel-ai-ui-message-stream"] == "v1"
    assert answer.headers["content-type"].startswith("text/event-stream")
    *events, last = answer.text.strip().split("\n\n")
    assert last == "data: [DONE]"
    parts = [json.loads(one.removeprefix("data: ")) for one in events]
    kinds = ["start", "start-step", "text-start", *["text-delta"] * 2, "text-end", "finish-step", "finish"]
    assert [one["type"] for one in parts] == kinds
    said = "".join(one["delta"] for one in parts if one["type"] == "text-delta")
    assert said == "Half of" + notes.note("x", "content_filter")
    assert parts[-1]["finishReason"] == "content-filter"
