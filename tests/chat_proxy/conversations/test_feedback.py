"""Whether an answer was helpful: kept with it, counted once, and rated by its own reader alone."""

import asyncio
import json

import pytest

from chat_proxy.conversations.feedback import PER_MINUTE, Feedback, Rating
from chat_proxy.gate import Caller
from edge.http.problems import Problem
from edge.redis.client import command
from tests.chat_proxy.configuration import SITE
from tests.chat_proxy.conversations.ratings import asked, counted, entries, messages, rate, rated
from tests.chat_proxy.fake_backend import answer_plainly
from tests.chat_proxy.tokens import OTHER_SUB, SUB, token
from tokens import liveness, readers


async def test_a_rating_is_kept_with_its_answer(service):
    bearer = await service.sign_in()
    await asked(service, bearer, "First?")
    message_id = await asked(service, bearer)
    before = await messages(service, bearer)
    for rating in ("helpful", "helpful", "not_helpful", "helpful"):
        await rated(service, bearer, message_id, rating)
        now = await messages(service, bearer)
        assert now[3] == {**before[3], "feedback": rating}
        assert now[:3] == before[:3]
    for _ in range(2):
        await rated(service, bearer, message_id, None)
        assert await messages(service, bearer) == before


async def test_a_rating_leaves_history_and_title_as_they_were(service):
    bearer = await service.sign_in()
    await rated(service, bearer, await asked(service, bearer, "First?"))
    await asked(service, bearer)
    turns = [{"role": "user", "content": "First?"}, {"role": "assistant", "content": "Hello reader."}]
    assert service.backend.received[-1].json["history"] == turns


async def test_an_answer_that_is_not_the_readers_own_is_not_found(service):
    bearer = await service.sign_in()
    message_id = await asked(service, bearer)
    others = [await service.sign_in(sub=OTHER_SUB), await service.sign_in("s2", client="other")]
    refused = [
        await rate(service, bearer, "A" * 16),
        await rate(service, bearer, message_id[:-1]),
        await rate(service, bearer, "user"),
        await rate(service, bearer, message_id, session_id="c2"),
        *[await rate(service, other, message_id) for other in others],
    ]
    for answer in refused:
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    for other in others:
        await asked(service, other)
        assert (await rate(service, other, message_id)).status_code == 404
    assert "feedback" not in (await messages(service, bearer))[1]
    assert await entries(service) == await entries(service, "other") == []
    assert counted(service) == {}


async def test_texts_that_look_like_what_is_looked_for_are_texts(service):
    looks_like = '"message_id":"AAAAAAAAAAAAAAAA","mode":"selection_only","feedback":"helpful"}'

    async def answer(peer):
        await peer.document({"response": looks_like, "citations": []})

    service.backend.behaviour = answer
    bearer = await service.sign_in()
    message_id = await asked(service, bearer, looks_like, selected_text=looks_like)
    assert (await rate(service, bearer, "A" * 16)).status_code == 404
    before = await messages(service, bearer)
    await rated(service, bearer, message_id, "not_helpful")
    await rated(service, bearer, message_id, None)
    assert await messages(service, bearer) == before
    await rated(service, bearer, message_id)
    assert [one.mode for one in await entries(service)] == ["normal"]


@pytest.mark.parametrize(
    "body",
    [
        [],
        None,
        "x",
        {},
        {"message_id": "a"},
        {"rating": "helpful"},
        {"message_id": "a", "rating": "good"},
        {"message_id": "a", "rating": True},
        {"message_id": "a", "rating": ["helpful"]},
        {"message_id": "", "rating": "helpful"},
        {"message_id": "a" * 65, "rating": "helpful"},
        {"message_id": "a\n", "rating": "helpful"},
        {"message_id": 'a"b', "rating": "helpful"},
        {"message_id": None, "rating": None},
        {"message_id": 5, "rating": None},
        {"message_id": "a", "rating": "helpful", "text": "x"},
    ],
)
async def test_a_body_that_is_no_rating_is_refused(service, body):
    bearer = await service.sign_in()
    headers = service.headers(bearer) | {"Origin": SITE, "Content-Type": "application/json"}
    content = json.dumps(body)
    answer = await service.client.post("/sessions/c1/feedback", content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_feedback")
    assert answer.headers["access-control-allow-origin"] == SITE


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b'{"message_id":"a","message_id":"a","rating":null}', "application/json", 400),
        (json.dumps({"message_id": "a" * 5000, "rating": None}).encode(), "application/json", 413),
        (b'{"message_id":"a","rating":null}', "text/plain", 415),
    ],
)
async def test_its_body_is_read_as_others_are(service, content, kind, status):
    headers = service.headers(await service.sign_in()) | {"Content-Type": kind}
    answer = await service.client.post("/sessions/c1/feedback", content=content, headers=headers)
    assert answer.status_code == status


async def test_it_needs_a_living_session_and_the_scope_of_asking(service):
    bearer = await service.sign_in()
    message_id = await asked(service, bearer)
    assert (await rate(service, token(scope="history"), message_id)).status_code == 403
    assert (await rate(service, token(scope="chat"), message_id)).status_code == 204
    no_token = await service.client.post("/sessions/c1/feedback", json={})
    assert (no_token.status_code, no_token.json()["code"]) == (401, "unauthenticated")
    await service.sign_out()
    answer = await rate(service, bearer, message_id, None)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
    assert len(await entries(service)) == 1


async def test_ratings_have_a_rate_of_their_own_and_cost_no_question(service):
    bearer = await service.sign_in()
    message_id = await asked(service, bearer)
    answers = [await rate(service, bearer, message_id) for _ in range(PER_MINUTE - 1)]
    answers.append(await rate(service, bearer, "unknown"))
    assert [answer.status_code for answer in answers] == [204] * (PER_MINUTE - 1) + [404]
    refused = await rate(service, bearer, message_id, "not_helpful")
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert refused.json()["violated-policies"] == ["feedback"]
    assert refused.headers["ratelimit-policy"] == f'"feedback";q={PER_MINUTE};w=60'
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert (await messages(service, bearer))[1]["feedback"] == "helpful"
    [count] = await service.store.run(command("HGET", f"cg:{{{SUB}}}:at:docs:rate:reader", "count"))
    assert int(count) == 1
    # Another site of the same reader, and another reader, have a rate of their own.
    for other in (await service.sign_in("s2", client="other"), await service.sign_in(sub=OTHER_SUB)):
        await rated(service, other, await asked(service, other))
    # A clock that is set back keeps no reader waiting for longer than a minute.
    key = readers.ratings(readers.reader(SUB, "docs"))
    await service.store.run(command("PEXPIRE", key, 3_600_000))
    again = await rate(service, bearer, message_id)
    assert (again.status_code, int(again.headers["retry-after"])) == (429, 60)


async def test_an_answer_counts_once(service):
    bearer = await service.sign_in()
    message_id = await asked(service, bearer)
    for rating in ("helpful", "helpful", "not_helpful", "not_helpful", None, None, "helpful"):
        await rated(service, bearer, message_id, rating)
    assert counted(service) == {("docs", "helpful"): 2, ("docs", "not_helpful"): 1}
    withdrawn = counted(service, "chatgate_feedback_withdrawn_total")
    assert withdrawn == {("docs", "helpful"): 1, ("docs", "not_helpful"): 1}


async def test_ratings_at_once_leave_one_and_the_list_agrees(service):
    bearer = await service.sign_in()
    message_id = await asked(service, bearer)
    ratings = ["helpful", "not_helpful", None] * 3
    answers = await asyncio.gather(*(rate(service, bearer, message_id, rating) for rating in ratings))
    assert {answer.status_code for answer in answers} == {204}
    left = (await messages(service, bearer))[1].get("feedback")
    assert [one.rating for one in await entries(service)] == ([left] if left else [])
    withdrawn = counted(service, "chatgate_feedback_withdrawn_total")
    standing = {labels: number - withdrawn.get(labels, 0) for labels, number in counted(service).items()}
    assert {rating for (_, rating), number in standing.items() if number} == ({left} if left else set())
    assert sum(standing.values()) == (1 if left else 0)


@pytest.mark.parametrize("ended", ["session", "token"])
async def test_a_rating_whose_session_ends_on_its_way_changes_nothing(keeping, ended):
    bearer = await keeping.sign_in()
    message_id = await asked(keeping, bearer)
    # As it is once its session was found alive.
    site, limits = keeping.config.sites["docs"], keeping.config.tiers["reader"]
    caller = Caller(SUB, "s1", "j1", "k1", "reader", site, limits, None)
    given = Rating(message_id, "helpful")
    if ended == "session":
        await keeping.sign_out()
    else:
        await keeping.store.run(command("SET", liveness.revoked_token(SUB, "j1"), "1"))
    with pytest.raises(Problem) as refused:
        await Feedback(keeping.store).rate(caller, "c1", given)
    assert (refused.value.status, refused.value.code) == (401, "invalid_token")
    left = [readers.ratings(caller.reader), readers.rated(caller.reader)]
    [count, messages] = await keeping.store.run(
        command("EXISTS", *left), command("LRANGE", readers.conversation(caller.reader, "c1"), 0, -1)
    )
    assert count == 0
    assert b"feedback" not in messages[-1]


async def test_a_rating_says_nothing_of_an_answer_that_was_dropped(service):
    async def answer(peer):
        await peer.document({"response": "a" * 150_000, "citations": []})

    service.backend.behaviour = answer
    bearer = await service.sign_in()
    first = await asked(service, bearer)
    await rated(service, bearer, first)
    await asked(service, bearer)
    assert (await rate(service, bearer, first)).status_code == 404
    service.backend.behaviour = answer_plainly
    await rated(service, bearer, await asked(service, bearer))
