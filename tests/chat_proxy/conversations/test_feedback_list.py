"""The operator's list of ratings: no names, texts where the site says so, and its bounds."""

import contextlib

from chat_proxy import redis_keys
from chat_proxy.conversations.feedback import LIFE_MS, MAX_ENTRIES, MAX_TEXT, Feedback
from edge.redis.client import StoreUnavailable, command
from tests.chat_proxy.conversations.ratings import asked, counted, entries, rate, rated
from tests.chat_proxy.tokens import SUB
from tokens import readers
from tokens.readers import FORGOTTEN_MS


async def test_the_operator_sees_no_reader_and_no_text(service):
    bearer = await service.sign_in()
    message_id = await asked(service, bearer, mode="selection_only", selected_text="A passage.")
    await rated(service, bearer, message_id, "not_helpful")
    [entry] = await entries(service)
    assert (entry.site, entry.rating, entry.tier) == ("docs", "not_helpful", "reader")
    assert (entry.mode, entry.message_id) == ("selection_only", message_id)
    assert (entry.question, entry.answer) == (None, None)
    assert entry.at > 1_700_000_000_000
    key = readers.feedback_entry("docs", message_id)
    record, left = await service.store.run(command("HGETALL", key), command("PTTL", key))
    assert record.keys() == {b"version", b"at", b"rating", b"tier", b"mode"}
    assert LIFE_MS - 60_000 < left <= LIFE_MS
    assert SUB.encode() not in b"".join(record.values())
    remembered = readers.rated(readers.reader(SUB, "docs"))
    for name in (readers.feedback("docs"), remembered):
        [left] = await service.store.run(command("PTTL", name))
        assert LIFE_MS - 60_000 < left <= LIFE_MS
    await rated(service, bearer, message_id, None)
    assert await entries(service) == []
    assert (await service.store.run(command("EXISTS", remembered))) == [0]
    record, left = await service.store.run(command("HGETALL", key), command("PTTL", key))
    assert (record.keys(), 0 < left <= FORGOTTEN_MS) == ({b"version"}, True)


async def test_where_the_site_says_so_the_texts_are_there_cut(keeping):
    async def answer(peer):
        await peer.document({"response": "\U0001f600" * 3000, "citations": []})

    bearer = await keeping.sign_in()
    await rated(keeping, bearer, await asked(keeping, bearer))
    keeping.backend.behaviour = answer
    await rated(keeping, bearer, await asked(keeping, bearer, "b" * 4000, selected_text="A passage."))
    last, first = await entries(keeping)
    assert (first.question, first.answer) == ("What is this?", "Hello reader.")
    assert last.question == "b" * (MAX_TEXT - 1) + "…"
    assert last.answer == "\U0001f600" * (MAX_TEXT - 1) + "…"


async def test_another_sites_entries_are_its_own(keeping):
    bearer = await keeping.sign_in("s2", client="other")
    await rated(keeping, bearer, await asked(keeping, bearer))
    [entry] = await entries(keeping, "other")
    assert (entry.site, entry.question) == ("other", None)
    assert await entries(keeping) == []


async def test_the_texts_go_with_the_conversation(keeping):
    bearer = await keeping.sign_in()
    first, second = await asked(keeping, bearer), await asked(keeping, bearer)
    await rated(keeping, bearer, first, "not_helpful")
    await rated(keeping, bearer, second)
    assert [one.answer for one in await entries(keeping)] == ["Hello reader."] * 2
    headers = keeping.headers(bearer)
    assert (await keeping.client.delete("/sessions/c1", headers=headers)).status_code == 204
    # The ratings stay: they say nothing about a person without the texts.
    left = await entries(keeping)
    assert [(one.rating, one.question, one.answer) for one in left] == [
        ("helpful", None, None),
        ("not_helpful", None, None),
    ]
    assert (await rate(keeping, bearer, first)).status_code == 404
    assert (await keeping.client.delete("/sessions/c1", headers=headers)).status_code == 404


async def test_a_rating_that_is_noted_after_the_deletion_brings_no_text(keeping):
    bearer = await keeping.sign_in()
    message_id = await asked(keeping, bearer)
    await rated(keeping, bearer, message_id)
    feedback = Feedback(keeping.store)
    # As erase and note may meet: an older note is no change, and a newer one has no texts any more.
    await feedback.erase("docs", [message_id, "not-noted-yet"])
    key = readers.feedback_entry("docs", message_id)
    [version] = await keeping.store.run(command("HGET", key, "version"))
    for name, one in ((message_id, int(version)), (message_id, int(version) + 1), ("not-noted-yet", 1)):
        names = [readers.feedback("docs"), readers.feedback_entry("docs", name)]
        args = (
            name,
            one,
            FORGOTTEN_MS,
            MAX_ENTRIES,
            LIFE_MS,
            "not_helpful",
            "reader",
            "normal",
            "q",
            "a",
        )
        [noted] = await keeping.store.run(redis_keys.NOTE.call(names, *args))
        assert noted == (one != int(version))
    for entry in await entries(keeping):
        assert (entry.rating, entry.question, entry.answer) == ("not_helpful", None, None)
    assert len(await entries(keeping)) == 2


async def test_the_oldest_of_too_many_entries_go(keeping):
    for start in range(0, MAX_ENTRIES + 50, 50):
        calls = []
        for number in range(start, start + 50):
            names = [readers.feedback("docs"), readers.feedback_entry("docs", f"m{number:04}")]
            args = (f"m{number:04}", 1, FORGOTTEN_MS, MAX_ENTRIES, LIFE_MS)
            calls.append(redis_keys.NOTE.call(names, *args, "helpful", "reader", "normal", "q", "a"))
        await keeping.store.run(*calls)
    found = await entries(keeping)
    assert len(found) == MAX_ENTRIES
    assert {one.message_id for one in found} == {f"m{number:04}" for number in range(50, MAX_ENTRIES + 50)}
    [gone] = await keeping.store.run(command("EXISTS", readers.feedback_entry("docs", "m0049")))
    assert gone == 0


async def test_a_list_that_cannot_be_written_is_said_and_a_repeat_mends_it(keeping):
    bearer = await keeping.sign_in()
    message_id = await asked(keeping, bearer)
    key = readers.feedback("docs")
    await keeping.store.run(command("SET", key, "of another kind"))
    with contextlib.suppress(StoreUnavailable):
        assert (await rate(keeping, bearer, message_id)).status_code >= 500
    await keeping.store.run(command("DEL", key))
    await rated(keeping, bearer, message_id)
    assert len(await entries(keeping)) == 1
    assert counted(keeping) == {("docs", "helpful"): 1}
