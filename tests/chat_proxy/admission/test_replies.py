"""The scripts answer in the slots that admission/replies.py and limits.Standing name."""

import time

import pytest

from chat_proxy import redis_keys
from chat_proxy.admission.limits import Standing
from chat_proxy.admission.places import LEASE_MS
from chat_proxy.admission.replies import LEASE_EXPIRED, Admitted, Checked, Session
from edge.redis.client import Store, command
from tests.valkey import PATIENT_S

SESSION, REVOKED, ROOT, PROOF = JUDGED = ("session", "revoked", "revoked root", "proof")
STATE, LEASES, HELD = PLACE = ("state", "leases", "held")
INDEX, CONVERSATION = KEPT = ("conversations", "conversation")
CLIENT = ("docs", "reader")
LIVING = Session(b"1700000000000", b"password", b"sealed")
NOT_JUDGED = Session(b"0", b"", b"")
DAY = 86_400_000
# Lease (ms), tokens and cost of the question; interval, burst, concurrent, daily, tokens a day, cost a day.
QUESTION = (LEASE_MS, 30, 200)
NUMBERS = (1000, 5, 2, 10, 100, 500)
OTHER = ("other state", "other leases", "other held")


@pytest.fixture
async def store(valkey):
    store = Store(valkey.url, time.monotonic, deadline=PATIENT_S)
    fields: dict[str, str | bytes | int] = {
        "client": "docs",
        "tier": "reader",
        "expires_at": 1 << 52,
        "created_at": LIVING.created_at,
    }
    fields |= {"proved_by": LIVING.proved_by, "upstream": LIVING.upstream}
    await store.run(
        command("HSET", SESSION, *(part for pair in fields.items() for part in pair)),
        command("RPUSH", CONVERSATION, "one", "two", "three"),
    )
    yield store
    await store.close()


async def admitted(store, *, lease="one", judged="1", kept=0, history=2, others=()):
    names = [*PLACE, *(name for place, _ in others for name in place)]
    numbers = [*NUMBERS, *(number for _, numbers in others for number in numbers)]
    args = (judged, *CLIENT, kept, "c", history, lease, *QUESTION, *numbers)
    [reply] = await store.run(redis_keys.ADMIT.call([*JUDGED, *KEPT, *names], *args))
    return Admitted.of(reply)


def shows_what_is_left(standing):
    assert standing._replace(burst_whole=0, daily_whole=0) == Standing("", 0, 4, 0, 9, 0, 70, 300)
    assert 0 < standing.burst_whole <= 1000
    assert 0 < standing.daily_whole <= DAY


async def test_an_admitted_question_has_its_session_its_place_and_its_history(store):
    found = await admitted(store)
    assert found.session == LIVING
    assert found.messages == [b"two", b"three"]
    assert found.are_taken
    shows_what_is_left(*map(Standing.of, found.reserved))


async def test_a_reader_without_a_session_is_admitted_without_one(store):
    found = await admitted(store, judged="0", history=0)
    assert (found.session, found.messages) == (NOT_JUDGED, [])
    assert found.are_taken
    shows_what_is_left(*map(Standing.of, found.reserved))


async def test_a_question_without_room_has_its_session_and_no_history(store):
    for lease in ("one", "two"):
        assert (await admitted(store, lease=lease)).are_taken
    found = await admitted(store, lease="three")
    assert (found.session, found.are_taken, found.messages) == (LIVING, 0, [])
    [standing] = map(Standing.of, found.reserved)
    assert (standing.violated, standing.wait, standing.daily_left) == ("concurrent", 1000, 8)


async def test_a_question_takes_all_its_places_or_none(store):
    wide = (OTHER, (1000, 5, 10, 10, 0, 0))
    narrow = (OTHER, (1000, 5, 10, 1, 0, 0))
    assert (await admitted(store, others=[wide])).are_taken
    found = await admitted(store, lease="two", others=[narrow])
    assert not found.are_taken
    own, other = map(Standing.of, found.reserved)
    assert (own.violated, own.daily_left) == ("", 9)
    assert (other.violated, other.daily_left) == ("daily", 0)
    leases = await store.run(*(command("ZRANGE", name, 0, -1) for name in (LEASES, OTHER[1])))
    assert leases == [[b"one"]] * 2


async def test_a_replayed_proof_reserves_nothing(store):
    assert (await admitted(store, kept=1000)).reserved
    assert await admitted(store, kept=1000) == Admitted(LIVING)


async def test_a_dead_session_has_nothing(store):
    await store.run(command("DEL", SESSION))
    assert await admitted(store) == Admitted()
    [reply] = await store.run(redis_keys.CHECK.call(JUDGED, *CLIENT, 0))
    assert Checked.of(reply) == Checked()


async def test_a_place_that_others_share_answers_as_the_readers_own(store):
    [reply] = await store.run(redis_keys.RESERVE.call(PLACE, "one", *QUESTION, *NUMBERS))
    shows_what_is_left(Standing.of(reply))


async def test_a_check_says_whether_the_proof_was_seen(store):
    for is_replayed in (0, 1):
        [reply] = await store.run(redis_keys.CHECK.call(JUDGED, *CLIENT, 1000))
        assert Checked.of(reply) == Checked(LIVING, is_replayed)


async def test_a_renewal_answers_with_the_sessions_birth_or_the_leases_end(store):
    await admitted(store)
    names = [SESSION, REVOKED, ROOT, LEASES, HELD]

    async def renewed(judged, lease):
        [reply] = await store.run(redis_keys.RENEW.call(names, judged, *CLIENT, lease, LEASE_MS))
        return reply

    assert await renewed("1", "one") == int(LIVING.created_at)
    assert await renewed("0", "one") == 0
    assert await renewed("1", "another") == LEASE_EXPIRED
    await store.run(command("DEL", SESSION))
    assert await renewed("1", "one") is None
