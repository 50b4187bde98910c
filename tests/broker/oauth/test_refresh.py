"""Refresh tokens over HTTP: the rule of docs/decisions/0007 as a table, and its races a thousand times."""

import asyncio
from dataclasses import replace

import pytest
import redis

from broker.oauth.refresh import GRACE_MS, Handle, RefreshTokens
from tests.broker.oauth.families import DAY_MS, is_active, record, refused
from tests.broker.service import EMAIL, OTHER_CALLBACK, OTHER_SITE, PASSWORD
from tests.oauth import Key
from tokens import liveness

ROUNDS = 1000


async def test_each_use_gives_the_next_and_an_access_token(bound):
    tokens = await bound.signed_in(EMAIL, PASSWORD)
    seen = {tokens["refresh_token"]}
    for _ in range(5):
        answer = await bound.refresh(tokens["refresh_token"])
        assert answer.status_code == 200
        tokens = answer.json()
        assert tokens["token_type"] == "DPoP"
        assert await is_active(bound, tokens["access_token"])
        seen.add(tokens["refresh_token"])
    assert len(seen) == 6


async def test_none_is_stored_in_clear(bound, valkey):
    token = (await bound.signed_in(EMAIL, PASSWORD))["refresh_token"]
    mac = token.rpartition("~")[2]
    with redis.Redis(unix_socket_path=valkey.socket) as client:
        for key in client.keys("*"):
            assert mac.encode() not in key
            assert mac.encode() not in (client.dump(key) or b"")


# The uses after a family's first token, 1: "+" is a use of the latest token, a number one of that token.
# Then the result of using `shown`: the number of the token in the answer, or the end of the session.
ENDED = "ended"


@pytest.mark.parametrize(
    ("is_bound", "uses", "aged_ms", "shown", "outcome"),
    [
        (True, "", 0, 1, 2),
        (True, "+", 0, 1, 2),
        (True, "+", GRACE_MS - 5_000, 1, 2),
        (True, "+", GRACE_MS + 1, 1, ENDED),
        (True, "+", -GRACE_MS - 60_000, 1, ENDED),
        (True, "++", 0, 2, 3),
        (True, "++", 0, 1, ENDED),
        (True, "+++", 0, 2, ENDED),
        (False, "", 0, 1, 2),
        (False, "+", 0, 1, ENDED),
        (False, "+", 0, 2, 3),
        (False, "++", 0, 1, ENDED),
        (False, "++", 0, 2, ENDED),
    ],
)
async def test_a_used_token_is_good_for_a_repeat_within_the_grace(
    bound, unbound, valkey, is_bound, uses, aged_ms, shown, outcome
):
    site = bound if is_bound else unbound
    all_of = [await site.signed_in(EMAIL, PASSWORD)]
    for _ in uses:
        all_of.append((await site.refresh(all_of[-1]["refresh_token"])).json())
    latest = all_of[-1]
    rotated_at = int(record(valkey, latest["refresh_token"])["rotated_at"])
    record(valkey, latest["refresh_token"], rotated_at=rotated_at - aged_ms)
    answer = await site.refresh(all_of[shown - 1]["refresh_token"])
    if outcome is not ENDED:
        assert answer.status_code == 200, answer.text
        assert answer.json()["refresh_token"].split("~")[3] == str(outcome)
        if outcome <= len(all_of):
            assert answer.json()["refresh_token"] == all_of[outcome - 1]["refresh_token"]
        assert await is_active(site, latest["access_token"])
    else:
        refused(answer, "used before")
        assert not await is_active(site, latest["access_token"])
        refused(await site.refresh(latest["refresh_token"]), "unknown")


async def test_a_repeat_does_not_make_the_grace_longer(bound, valkey):
    first = await bound.signed_in(EMAIL, PASSWORD)
    second = (await bound.refresh(first["refresh_token"])).json()
    before = record(valkey, second["refresh_token"])["rotated_at"]
    assert (await bound.refresh(first["refresh_token"])).status_code == 200
    assert record(valkey, second["refresh_token"])["rotated_at"] == before


async def test_another_key_gets_nothing_and_ends_nothing(bound, oauth):
    first = await bound.signed_in(EMAIL, PASSWORD)
    thief, keyless = await oauth(Key()), await oauth()
    for site in (thief, keyless):
        refused(await site.refresh(first["refresh_token"]), "another DPoP key")
    second = (await bound.refresh(first["refresh_token"])).json()
    for site in (thief, keyless):
        refused(await site.refresh(first["refresh_token"]), "another DPoP key")
    assert (await bound.refresh(second["refresh_token"])).status_code == 200


async def test_it_is_of_its_client(bound, oauth):
    first = await bound.signed_in(EMAIL, PASSWORD)
    other = await oauth(bound.key, client_id="other", redirect_uri=OTHER_CALLBACK, origin=OTHER_SITE)
    refused(await other.refresh(first["refresh_token"]))
    assert (await bound.refresh(first["refresh_token"])).status_code == 200


async def test_one_that_this_broker_never_made_is_refused(bound):
    token = (await bound.signed_in(EMAIL, PASSWORD))["refresh_token"]
    prefix, sub, sid, counter, mac = token.split("~")
    other = RefreshTokens((b"another secret, of 32 bytes or more",))
    for forged in (
        "~".join((prefix, sub, sid, "2", mac)),
        "~".join((prefix, sub, sid, "01", mac)),
        "~".join((prefix, sub, sid[::-1], counter, mac)),
        "~".join((prefix, sub, sid, counter, mac[::-1])),
        "~".join((prefix, sub, sid, counter)),
        token + "~",
        token.replace("cgr", "CGR"),
        other.write(Handle(sub, sid, 1)),
    ):
        refused(await bound.refresh(forged), "unknown")
    assert (await bound.refresh(token)).status_code == 200


async def test_a_token_refused_for_its_scope_or_for_trouble_is_not_spent(unbound, start, oauth, config):
    narrow = (await unbound.redeem(await unbound.code(EMAIL, PASSWORD, scope="chat"))).json()["refresh_token"]
    for scope in ("chat admin", "history", "chat history"):
        answer = await unbound.refresh(narrow, scope=scope)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
    assert (await unbound.refresh(narrow, scope="chat")).status_code == 200
    token = (await unbound.redeem(await unbound.guest_code())).json()["refresh_token"]
    code = await unbound.guest_code()
    # The broker lacks only the secret that sealed the keys: it reads tokens and cannot sign.
    no_keys = await start(secrets=(b"a secret that sealed no key, 32 bytes",))
    blind = await oauth(make=no_keys)
    blind.verifier = unbound.verifier
    forged = RefreshTokens((b"a secret that sealed no key, 32 bytes",)).read(token)
    assert forged is None
    assert (await blind.redeem(code)).status_code == 503
    assert (await unbound.redeem(code)).status_code == 200
    assert (await unbound.refresh(token)).status_code == 200


async def test_guests_end_where_a_site_takes_none_any_more(unbound, start, oauth, config):
    tokens = (await unbound.redeem(await unbound.guest_code())).json()
    docs = replace(config.clients.by_id["docs"], guests=False)
    clients = replace(config.clients, by_id={**config.clients.by_id, "docs": docs})
    later = await oauth(make=await start(clients=clients))
    assert not await is_active(later, tokens["access_token"])
    assert (await later.exchange(tokens["access_token"])).json()["error"] == "invalid_request"
    refused(await later.refresh(tokens["refresh_token"]), "unknown")


async def test_a_number_from_the_future_is_refused_and_ends_nothing(bound, config):
    token = (await bound.signed_in(EMAIL, PASSWORD))["refresh_token"]
    _, sub, sid, _, _ = token.split("~")
    ahead = RefreshTokens(config.secrets).write(Handle(sub, sid, 7))
    refused(await bound.refresh(ahead), "unknown")
    assert (await bound.refresh(token)).status_code == 200


async def test_idle_and_absolute_life_end_it(bound, valkey):
    token = (await bound.signed_in(EMAIL, PASSWORD))["refresh_token"]
    assert 7 * DAY_MS - 10_000 < record(valkey, token)["ttl"] <= 7 * DAY_MS
    created = int(record(valkey, token)["created_at"])
    with redis.Redis(unix_socket_path=valkey.socket) as client:
        # As of a Redis that has been there for longer than the session.
        client.hset(liveness.CUT, "all", 0)
    # 28 days old: two of the next seven days are left to it.
    record(valkey, token, created_at=created - 28 * DAY_MS)
    token = (await bound.refresh(token)).json()["refresh_token"]
    assert 2 * DAY_MS - 10_000 < record(valkey, token)["ttl"] <= 2 * DAY_MS
    record(valkey, token, created_at=created - 30 * DAY_MS)
    refused(await bound.refresh(token), "unknown")


async def test_signing_out_everywhere_ends_it(bound, page):
    await page.post("/api/auth/sign-in/email", json={"email": EMAIL, "password": PASSWORD})
    tokens = await bound.signed_in(EMAIL, PASSWORD)
    assert (await page.post("/api/auth/revoke-sessions", json={})).status_code == 200
    refused(await bound.refresh(tokens["refresh_token"]), "unknown")
    assert not await is_active(bound, tokens["access_token"])


async def test_an_older_secret_is_still_read_and_the_newest_writes(bound, start, oauth, config):
    token = (await bound.signed_in(EMAIL, PASSWORD))["refresh_token"]
    newest = b"the newest secret, of 32 bytes or more"
    later = await oauth(bound.key, make=await start(secrets=(newest, *config.secrets)))
    answer = await later.refresh(token)
    assert answer.status_code == 200
    written = answer.json()["refresh_token"]
    assert RefreshTokens((newest,)).read(written) is not None
    refused(await bound.refresh(written), "unknown")


class Rounds:
    """This many rounds in which Redis answered in time; on a busy machine others are dropped, at most one in
    twenty."""

    def __init__(self):
        self.left, self.spare = ROUNDS, ROUNDS // 20

    def counts(self, *answers):
        """Return True if the round counts: none of its answers is a 503."""
        if any(answer.status_code == 503 for answer in answers):
            self.spare -= 1
            assert self.spare >= 0, "Redis answered too late too often"
            return False
        self.left -= 1
        return True


async def test_a_lost_reply_and_two_tabs_at_once_sign_no_reader_out(bound):
    """A thousand times: several uses of the latest at once give one and the same next one."""
    latest = (await bound.redeem(await bound.guest_code())).json()
    rounds = Rounds()
    while rounds.left:
        shown = latest["refresh_token"]
        answers = await asyncio.gather(*(bound.refresh(shown) for _ in range(2 + rounds.left % 3)))
        if not rounds.counts(*answers):
            latest = (await bound.redeem(await bound.guest_code())).json()
            continue
        assert [answer.status_code for answer in answers] == [200] * len(answers)
        following = {answer.json()["refresh_token"] for answer in answers}
        assert len(following) == 1
        assert following != {shown}
        latest = answers[0].json()
    assert await is_active(bound, latest["access_token"])


async def test_one_of_several_uses_at_once_without_a_key_succeeds_and_the_session_ends(unbound):
    """A thousand times: the second one is a thief or the thief's victim, and neither keeps anything."""
    rounds = Rounds()
    while rounds.left:
        first = await unbound.redeem(await unbound.guest_code())
        if first.status_code == 503:
            rounds.counts(first)
            continue
        shown = first.json()["refresh_token"]
        answers = await asyncio.gather(*(unbound.refresh(shown) for _ in range(2 + rounds.left % 2)))
        good = [answer.json() for answer in answers if answer.status_code == 200]
        after = await unbound.refresh(good[0]["refresh_token"] if good else shown)
        if not rounds.counts(*answers, after):
            continue
        assert len(good) == 1
        refused(after, "unknown")
        if rounds.left % 50 == 0:
            assert not await is_active(unbound, good[0]["access_token"])
            assert not await is_active(unbound, first.json()["access_token"])


async def test_a_thief_and_a_reader_at_once_never_both_go_on(bound):
    """A thousand times, in either order: a token that was left behind is shown beside the latest."""
    rounds = Rounds()
    while rounds.left:
        made = [await bound.redeem(await bound.guest_code())]
        while len(made) < 3 and made[-1].status_code == 200:
            made.append(await bound.refresh(made[-1].json()["refresh_token"]))
        if not rounds.counts(*made):
            continue
        old, latest = made[0].json()["refresh_token"], made[2].json()["refresh_token"]
        order = [old, latest] if rounds.left % 2 else [latest, old]
        answers = dict(zip(order, await asyncio.gather(*map(bound.refresh, order)), strict=True))
        if any(answer.status_code == 503 for answer in answers.values()):
            rounds.left += 1
            rounds.counts(*answers.values())
            continue
        refused(answers[old])
        if answers[latest].status_code == 200:
            refused(await bound.refresh(answers[latest].json()["refresh_token"]), "unknown")


async def test_a_refresh_and_a_revocation_at_once_leave_nothing_alive(bound, valkey):
    """A thousand times: whichever came first, no session is revived and no refresh token is good."""
    rounds = Rounds()
    while rounds.left:
        first = await bound.redeem(await bound.guest_code())
        if first.status_code == 503:
            rounds.counts(first)
            continue
        token = first.json()["refresh_token"]
        refreshed, revoked = await asyncio.gather(bound.refresh(token), bound.revoke(token))
        if not rounds.counts(refreshed, revoked):
            continue
        assert revoked.status_code == 200
        assert record(valkey, token)["ttl"] == -2
        if refreshed.status_code == 200:
            refused(await bound.refresh(refreshed.json()["refresh_token"]), "unknown")
