"""The proxy keeps its promises with Sentinel and with a Cluster too."""

from functools import partial

import pytest

from chat_proxy import redis_keys
from edge.redis.client import Script, command
from tests.chat_proxy.admission import (
    test_admission,
    test_guest_limits,
    test_limits,
    test_places,
    test_proof_replays,
)
from tests.chat_proxy.conversations import (
    test_conversations,
    test_during_answers,
    test_feedback,
    test_feedback_list,
    test_sites_apart,
)
from tests.chat_proxy.fake_backend import answer_plainly
from tests.chat_proxy.streams import test_revocations
from tests.chat_proxy.streams.talks import begun, talk
from tests.chat_proxy.waiting import until
from tests.topologies.clusters import clustered
from tests.topologies.sentinels import watched
from tokens import liveness


@pytest.fixture(scope="module", params=[watched, partial(clustered, (0, 1, 2))], ids=["sentinel", "cluster"])
def started(request):
    with request.param() as together:
        yield together


@pytest.fixture
def valkey(together):
    return together


test_a_dead_session = test_admission.test_a_revoked_session_never_asks_again
test_a_revoked_token = test_admission.test_a_token_revoked_on_its_own_leaves_the_session_its_others
test_a_cut = test_admission.test_a_session_is_dead_at_and_before_a_cut
test_without_cuts = test_admission.test_no_session_is_judged_without_the_cuts
test_a_budget = test_limits.test_a_budget_of_4_admits_4_of_20_at_once
test_two_at_once = test_places.test_two_of_20_at_once_run_and_the_others_cost_nothing
test_a_full_site = test_places.test_a_full_site_refuses_and_costs_the_reader_nothing
test_a_refused_question = test_places.test_a_refused_question_leaves_the_conversation_whose_first_answer_runs
test_guests = test_guest_limits.test_guests_share_limits_by_address
test_a_conversation = test_conversations.test_question_and_answer_are_kept_and_go_along_with_the_next
test_conversations_are_of_one = test_conversations.test_another_reader_finds_nothing
test_sites = test_sites_apart.test_another_site_of_the_same_reader_finds_nothing
test_a_deletion = test_during_answers.test_a_conversation_that_is_deleted_while_it_is_answered_stays_deleted
test_a_rating = test_feedback.test_a_rating_is_kept_with_its_answer
test_a_rating_is_of_one = test_feedback.test_an_answer_that_is_not_the_readers_own_is_not_found
test_erased_texts = test_feedback_list.test_the_texts_go_with_the_conversation
test_a_running_answer = test_revocations.test_a_running_answer_is_cut_with_its_session
test_others_run_on = test_revocations.test_only_the_session_that_ended_is_cut
test_a_lease = test_revocations.test_a_lease_that_expired_is_not_renewed
test_a_replay = test_proof_replays.test_a_proof_that_was_seen_is_refused_and_costs_nothing


async def test_every_script_has_keys_of_one_slot(service, called):
    service.backend.behaviour = talk
    bearer = await service.sign_in()
    async with begun(service, bearer, session_id="c1") as stream:
        # Any message that names no session asks for a renewal.
        await service.store.run(command("PUBLISH", liveness.REVOKED_CHANNEL, "*"))
        await until(lambda: _true(redis_keys.RENEW.sha in called and redis_keys.EXTEND.sha in called), 2)
        await service.sign_out()
        assert (await stream.all())[-1][0] == "error"
    await until(service.holds_nothing, 2)
    bearer = await service.sign_in("s2")
    headers = service.headers(bearer)
    service.backend.behaviour = answer_plainly
    message_id = (await service.ask(bearer, session_id="c1")).json()["message_id"]
    given = {"message_id": message_id, "rating": "helpful"}
    rated = await service.client.post("/sessions/c1/feedback", json=given, headers=headers)
    assert rated.status_code == 204
    assert (await service.client.get("/sessions", headers=headers)).status_code == 200
    assert (await service.client.delete("/sessions/c1", headers=headers)).status_code == 204
    # A key that has left the ring: what was granted beside it is given back.
    await service.cut(kids="k9")
    assert (await service.ask(bearer)).status_code == 401
    scripts = {one.sha for one in vars(redis_keys).values() if isinstance(one, Script)}
    # Outside a Cluster one script takes all places of a question, and one ends it.
    apart, together = {redis_keys.RESERVE.sha, redis_keys.SETTLE.sha}, {redis_keys.RELEASE.sha}
    assert scripts - called == (together if service.store.is_cluster else apart)


async def _true(value):
    return value
