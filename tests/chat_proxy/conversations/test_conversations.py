"""A reader's conversations: private, bounded, and deleted when the reader says so."""

import asyncio
import time

import pytest

from chat_proxy import redis_keys
from edge.redis.client import command
from tests.chat_proxy.conversations.routes import READER, delete, listed, read
from tests.chat_proxy.tokens import OTHER_SUB, SUB
from tokens import liveness, readers


async def test_question_and_answer_are_kept_and_go_along_with_the_next(service):
    bearer = await service.sign_in()
    first = (await service.ask(bearer, "First?", session_id="c1")).json()
    async with service.stream(bearer, "Second?", session_id="c1") as stream:
        await stream.all()
    turns = [{"role": "user", "content": "First?"}, {"role": "assistant", "content": "Hello reader."}]
    assert service.backend.received[1].json["history"] == turns
    messages = (await read(service, bearer, "c1")).json()["messages"]
    assert [one["role"] for one in messages] == ["user", "assistant"] * 2
    assert messages[1]["message_id"] == first["message_id"]
    assert messages[1]["citations"] == first["citations"]
    assert "c1" not in service.backend.received[1].body.decode()
    [entry] = (await service.client.get("/sessions", headers=service.headers(bearer))).json()["sessions"]
    assert (entry["session_id"], entry["title"]) == ("c1", "First?")
    assert entry["updated_at"] > 1_700_000_000_000


async def test_the_selection_and_the_time_are_kept_too(service):
    bearer = await service.sign_in()
    before = time.time() * 1000
    await service.ask(
        bearer, "This?", session_id="c1", mode="selection_only", selected_text=" A\u00a0passage."
    )
    await service.ask(bearer, "And this?", session_id="c1", selected_text="Another.")
    await service.ask(bearer, "All?", session_id="c1")
    one, answer, two, _, three, _ = (await read(service, bearer, "c1")).json()["messages"]
    times = [message.pop("at") for message in (one, two, three)]
    assert before - 1 <= times[0] <= times[1] <= times[2] <= time.time() * 1000 + 1
    assert one == {
        "role": "user",
        "content": "This?",
        "mode": "selection_only",
        "selected_text": "A passage.",
    }
    assert (two["mode"], two["selected_text"]) == ("normal", "Another.")
    assert three == {"role": "user", "content": "All?", "mode": "normal"}
    assert answer.keys() == {"role", "content", "message_id", "citations"}


async def test_a_passage_is_kept_where_there_is_room_for_it(service):
    async def answer(peer):
        await peer.document({"response": "a" * 250_000, "citations": []})

    service.backend.behaviour = answer
    bearer = await service.sign_in()
    for length, is_kept in ((11_000, True), (12_000, False)):
        await service.ask(bearer, session_id="c1", selected_text="b" * length)
        asked, answered = (await read(service, bearer, "c1")).json()["messages"]
        assert ("selected_text" in asked) == is_kept
        assert len(answered["content"]) == 250_000


@pytest.mark.parametrize(
    ("message", "title"),
    [
        ("a" * 4000, "a" * 80),
        ("\U0001f600" * 4000, "\U0001f600" * 80),
        ("\x01" * 4000, "\x01" * 80),
        ('\\"\n' * 1000, ('\\"\n' * 27)[:80]),
        ("\u00e9", "\u00e9"),
        ('He said "so", and {"content":"x"}', 'He said "so", and {"content":"x"}'),
    ],
)
async def test_a_title_is_the_beginning_of_the_first_question(service, message, title):
    bearer = await service.sign_in()
    await service.ask(bearer, message, session_id="c1", selected_text="b" * 12_000)
    [entry] = (await service.client.get("/sessions", headers=service.headers(bearer))).json()["sessions"]
    assert entry["title"] == title


async def test_a_selection_is_asked_about_without_history(service):
    bearer = await service.sign_in()
    await service.ask(bearer, "First?", session_id="c1")
    await service.ask(bearer, "This?", session_id="c1", mode="selection_only", selected_text="A passage.")
    asked = service.backend.received[1].json
    assert (asked["history"], asked["selected_text"]) == ([], "A passage.")


async def test_a_history_is_short(service):
    bearer = await service.sign_in()
    for number in range(8):
        await service.ask(bearer, f"{number}?", session_id="c1")
    assert len(service.backend.received[-1].json["history"]) == 10
    for message in ("\U0001f600" * 4000, "\U0001f600" * 4000, "last?"):
        await service.ask(bearer, message, session_id="c1")
    # 16,000 bytes of the question and the answer after it are all that fits.
    history = service.backend.received[-1].json["history"]
    assert [one["role"] for one in history] == ["user", "assistant"]


async def test_another_reader_finds_nothing(service):
    mine, theirs = await service.sign_in(), await service.sign_in(sub=OTHER_SUB)
    await service.ask(mine, session_id="c1")
    assert (await read(service, theirs, "c1")).status_code == 404
    assert (await delete(service, theirs, "c1")).status_code == 404
    assert await listed(service, theirs) == []
    await service.ask(theirs, "Mine?", session_id="c1")
    assert service.backend.received[-1].json["history"] == []
    assert len((await read(service, mine, "c1")).json()["messages"]) == 2


@pytest.mark.parametrize("session_id", ["..", "a:b", "%7Bx%7D", "a" * 65, "a%0Ab", "a%00"])
async def test_an_id_of_another_form_is_refused(service, session_id):
    bearer = await service.sign_in()
    answer = await read(service, bearer, session_id)
    assert answer.status_code in (404, 422)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_these_routes_need_a_living_session_too(service):
    bearer = await service.sign_in()
    await service.ask(bearer, session_id="c1")
    await service.sign_out()
    for answer in (
        await read(service, bearer, "c1"),
        await delete(service, bearer, "c1"),
        await service.client.get("/sessions", headers=service.headers(bearer)),
    ):
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
    assert (await service.client.get("/sessions")).status_code == 401
    again = await service.sign_in()
    assert await listed(service, again) == ["c1"]
    await service.cut(all=9_999_999_999_999)
    assert (await delete(service, again, "c1")).status_code == 401


async def test_a_reader_reads_a_few_at_once_and_others_are_not_held_up(service):
    mine, theirs = await service.sign_in(), await service.sign_in(sub=OTHER_SUB)
    await service.ask(mine, session_id="c1")
    answers = await asyncio.gather(
        *(read(service, mine, "c1") for _ in range(20)), read(service, theirs, "c1")
    )
    statuses = [answer.status_code for answer in answers]
    assert set(statuses[:-1]) == {200, 429}
    assert statuses[-1] == 404
    assert (await read(service, mine, "c1")).status_code == 200


async def test_looking_costs_no_question(service):
    bearer = await service.sign_in()
    await service.ask(bearer, session_id="c1")
    for _ in range(5):
        await listed(service, bearer)
    [count] = await service.store.run(command("HGET", f"cg:{{{SUB}}}:at:docs:rate:reader", "count"))
    assert int(count) == 1


async def test_the_oldest_of_too_many_goes(service):
    bearer = await service.sign_in()
    for number in range(52):
        await service.ask(bearer, session_id=f"c{number}")
    assert await listed(service, bearer) == [f"c{number}" for number in range(51, 1, -1)]
    assert (await read(service, bearer, "c1")).status_code == 404
    # A question makes a conversation young again.
    await service.ask(bearer, session_id="c2")
    await service.ask(bearer, session_id="new")
    assert (await listed(service, bearer))[:2] == ["new", "c2"]
    assert (await read(service, bearer, "c3")).status_code == 404


async def test_a_guest_has_one(service):
    guest = await service.sign_in(tier="guest", proved_by="anonymous")
    await service.ask(guest, session_id="c1")
    await service.ask(guest, session_id="c2")
    assert await listed(service, guest) == ["c2"]
    assert (await read(service, guest, "c1")).status_code == 404


async def test_a_long_conversation_loses_its_oldest_messages(service):
    text = "a" * 100_000

    async def answer(peer):
        await peer.document({"response": text, "citations": []})

    service.backend.behaviour = answer
    bearer = await service.sign_in()
    for number in range(4):
        await service.ask(bearer, f"{number}?", session_id="c1")
    messages = (await read(service, bearer, "c1")).json()["messages"]
    assert [one["content"][:2] for one in messages] == ["2?", "aa", "3?", "aa"]


async def test_it_is_gone_after_a_day(service):
    bearer = await service.sign_in()
    await service.ask(bearer, session_id="c1")
    left = await service.store.run(
        command("PTTL", readers.conversation(READER, "c1")), command("PTTL", readers.conversations(READER))
    )
    assert all(86_390_000 < one <= 86_400_000 for one in left)
    await service.store.run(command("DEL", readers.conversation(READER, "c1")))
    assert await listed(service, bearer) == []


async def test_a_failed_answer_is_not_kept(service):
    async def fail(peer):
        await peer.head()
        await peer.event("delta", text="Well, ")
        await peer.event("error", code="x", message="x")

    service.backend.behaviour = fail
    bearer = await service.sign_in()
    async with service.stream(bearer, session_id="c1") as stream:
        await stream.all()
    assert await listed(service, bearer) == []
    assert (await read(service, bearer, "c1")).status_code == 404


def test_all_of_a_reader_shares_a_slot():
    tag = f"{{{SUB}}}"
    names = [
        readers.conversations(READER),
        readers.conversation(READER, "c"),
        readers.gone(READER, "c"),
        redis_keys.state(readers.reader(SUB, "docs"), "reader"),
    ]
    names += [redis_keys.leases(READER), liveness.session(SUB, "s")]
    assert all(name.startswith(f"cg:{tag}:") for name in names)
