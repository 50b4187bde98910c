"""The broker keeps its promises with Sentinel and with a Cluster too, where each write is acknowledged."""

import time
from functools import partial

import pytest

from broker.limits import Allowance
from broker.oauth.codes import Code, new_handle
from broker.oauth.refresh import Handle
from broker.sessions.session import Caller, Identity
from broker.signing.keyring import KeyCipher
from broker.signing.operations import KeyChanges
from broker.storage import codes, cuts, key_ring, rates, readers, redis, refresh
from edge.redis.client import Script, Store, command
from tests.broker.endpoints import test_oauth_sessions
from tests.broker.endpoints import test_sessions as test_session_endpoints
from tests.broker.login import test_limits
from tests.broker.oauth import test_codes, test_refresh
from tests.broker.oauth.grants import test_guest
from tests.broker.sessions import test_session
from tests.broker.sessions.records import SUB, record
from tests.broker.signing import test_keyring
from tests.broker.signing.key_rings import OLD, Server, keys
from tests.topologies.clusters import clustered
from tests.topologies.sentinels import watched
from tokens import liveness
from tokens.readers import rated, reader

sessions = test_session.sessions
site = test_codes.site


@pytest.fixture(scope="module", params=[watched, partial(clustered, (0, 1, 2))], ids=["sentinel", "cluster"])
def started(request):
    with request.param() as together:
        yield together


@pytest.fixture
def valkey(together):
    return together


@pytest.fixture
def environment(environment, together):
    return {**environment, "CHATGATE_REDIS_WAIT_REPLICAS": str(together.replicas)}


@pytest.fixture
async def store(together):
    store = Store(together.url, time.monotonic, replicas=together.replicas)
    yield store
    await store.close()


test_a_session_ends_at_once = test_session.test_a_session_is_found_by_its_token_and_ends_at_once
test_a_revoke_all_wins = test_session.test_a_sign_in_that_began_before_a_revoke_all_creates_nothing
test_sites_and_generations = test_session.test_the_end_of_all_sessions_of_a_site_ends_no_sign_in_at_another
test_sites = test_session.test_a_site_sees_and_ends_its_own_sessions_only
test_32_sign_ins = test_session.test_32_sign_ins_at_once_are_all_listed_and_all_ended
test_the_cap = test_session.test_beyond_the_cap_the_oldest_goes_and_never_the_newest
test_a_late_refresh = test_session.test_a_late_refresh_revives_nothing
test_a_slide = test_session.test_only_a_remembered_session_is_slid
test_a_code = test_codes.test_a_code_gives_an_access_token_and_a_refresh_token
test_a_second_use = test_codes.test_a_second_use_ends_what_the_first_gave
test_uses_of_a_code_at_once = test_codes.test_uses_at_once_leave_nothing_that_lives
test_a_code_and_a_revoke_all = test_codes.test_a_code_opens_nothing_once_the_reader_was_signed_out_everywhere
test_a_refresh = test_refresh.test_each_use_gives_the_next_and_an_access_token
test_two_tabs = test_refresh.test_a_lost_reply_and_two_tabs_at_once_sign_no_reader_out
test_a_family_ends = test_refresh.test_signing_out_everywhere_ends_it
test_a_guest = test_guest.test_a_guest_is_kept_up_and_signed_out_as_every_reader_is
test_an_ended_session = test_oauth_sessions.test_a_session_that_is_ended_is_dead_with_its_tokens
test_sixteen_starts = test_keyring.test_one_of_sixteen_first_starts_makes_the_keys
test_handles = test_session_endpoints.test_a_handle_from_the_list_ends_that_session
test_all_end = test_session_endpoints.test_all_or_all_others_end
test_wrong_passwords = (
    test_limits.test_wrong_passwords_are_counted_by_account_and_address_and_right_ones_are_not
)


class Everywhere(Server):
    """The ring as Redis has it, whichever master that is."""

    def __init__(self, client):
        self.client = client


@pytest.fixture
def server(together):
    return Everywhere(together.client())


async def test_every_script_has_keys_of_one_slot(store, called):
    await store.run(command("HSET", liveness.CUT, "all", 0, "kids", "k1"))

    kept = redis.RedisSessions(store)
    identity = Identity(SUB, "reader", "password", await kept.generation(SUB, "docs"))
    assert await kept.create(SUB, "a" * 22, identity.generation, record("a"), cap=50)
    assert await kept.by_token("a", slide=True)
    assert len(await kept.by_user(SUB)) == 1
    handle = new_handle(SUB)
    code = Code("docs", "https://x.example", "c", "chat", "", identity, Caller(None, ""), 0)
    await codes.RedisCodes(store).add(handle, code)
    assert await codes.RedisCodes(store).spend(handle, "b" * 22)
    await refresh.RedisFamilies(store).look(Handle(SUB, "a" * 22, 1), "docs", "")
    await refresh.RedisFamilies(store).rotate(Handle(SUB, "a" * 22, 1), "docs", "", None)
    assert await kept.revoke(SUB, "a" * 22)
    await kept.revoke_all(SUB)
    await kept.sign_out_there(SUB)
    await kept.raise_generation(SUB, "docs", await kept.generation(SUB, "docs"))
    await store.run(command("ZADD", rated(reader(SUB, "docs")), 1, "m1", 2, "m2"))
    await readers.RedisReaders(store, ["docs"], ["reader"]).forget(SUB)
    await cuts.RedisCuts(store).end_all()
    await rates.RedisRates(store).spend([Allowance(f"a{number}", 1, 1000) for number in range(5)])

    await keys(store).refresh()
    changes = KeyChanges(key_ring.RedisKeyStore(store), KeyCipher((OLD,)))
    await changes.rotate()
    await changes.retire(lambda _: True)
    await key_ring.RedisKeyStore(store).reseal("k", "old", "new")

    modules = (codes, cuts, key_ring, rates, readers, redis, refresh)
    scripts = {one.sha for module in modules for one in vars(module).values() if isinstance(one, Script)}
    assert scripts - called == set() != scripts
