"""JWTs of a Better Auth server whose keys cannot be read or have changed, and JWTs that are not good."""

import json
import re
import time
from email.utils import formatdate
from typing import Any

import pytest

from broker.oauth.grants import better_auth
from edge.upstreams.failures import LOG_EVERY
from tests.broker.upstreams.between import ANSWERS, answer_of
from tests.broker.upstreams.stack import exchange, standing
from tests.chat_proxy.tokens import Publisher
from tests.tokens.signing import OTHER, SIGNING, jwk, sign
from tokens.jwks.remote import COOL_DOWN, STALE

USER = "u" * 32
READ_WRONGLY = ("slow", "html", "broken", "elsewhere", "no JSON", "too much", "torn", "no answer")


@pytest.fixture
async def publisher():
    publisher = Publisher()
    await publisher.start()
    yield publisher
    await publisher.stop()


@pytest.fixture
def there(publisher):
    """The address of a server whose JWTs the tests sign."""
    return publisher.url.removesuffix("/jwks")


@pytest.fixture
async def stack(redis, tmp_path, there):
    table = f'upstream = "jwt"\nurl = "{there}"\nunverified_users = false\n'
    async with standing(redis, tmp_path, table) as stack:
        yield stack


@pytest.fixture
def signed(there):
    """Makes a good JWT, with changed members."""

    def signed(header=None, key=SIGNING, **claims):
        now = int(time.time())
        good = {"iss": there, "aud": there, "sub": USER, "iat": now, "exp": now + 900, "emailVerified": True}
        return sign(good | claims, {"alg": "ES256", "kid": "k1"} | (header or {}), key)

    return signed


async def answer_to(stack, token):
    return await exchange(stack.make(), token, better_auth.JWT)


async def unsure(stack, token, logged, said):
    logged.readouterr()
    stack.clock.ahead += LOG_EVERY
    answers = [await answer_to(stack, token) for _ in range(2)]
    for answer in answers:
        assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable"), answer.text
        assert answer.headers["retry-after"]
    text = "".join(logged.readouterr())
    assert text.count("better_auth_unavailable") == 1
    assert "sites.docs.better_auth" in text
    assert said in text
    assert token not in text


@pytest.mark.node
@pytest.mark.parametrize("visitor", ["jwt"], indirect=True)
async def test_a_server_whose_keys_cannot_be_read(behind, visitor, theirs, redis, tmp_path, capsys):
    ada = await visitor()
    await ada.sign_up()
    token = (await ada.http.get("/token")).json()["token"]
    between = await behind("jwt")
    origin = theirs[0]["jwt"].removesuffix("/api/auth")
    table = f'upstream = "jwt"\nurl = "{between.url}"\nissuer = "{origin}"\naudience = "{origin}"\n'
    async with standing(redis, tmp_path, table + "timeout_seconds = 0.5\n") as stack:
        for behaviour in READ_WRONGLY:
            between.behaviour = behaviour
            await unsure(stack, token, capsys, "jwks_path")
        between.behaviour = None
        stack.clock.ahead += COOL_DOWN
        assert (await answer_to(stack, token)).status_code == 200
        await between.stop()
        # The keys are good for a while without their server.
        stack.clock.ahead += STALE - 1
        assert (await answer_to(stack, token)).status_code == 200
        stack.clock.ahead += 1
        await unsure(stack, token, capsys, "jwks_path")


@pytest.mark.node
@pytest.mark.parametrize("visitor", ["jwt"], indirect=True)
async def test_a_jwt_that_has_expired_by_our_clock_alone(visitor, stack_of, capsys):
    """The server tells its time with its keys."""
    ada = await visitor()
    await ada.sign_up()
    token = (await ada.http.get("/token")).json()["token"]
    stack = stack_of
    stack.now.ahead = 3600
    site = stack.make()
    # A proof would be untimely.
    site.key = None
    answer = await exchange(site, token, better_auth.JWT)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    text = "".join(capsys.readouterr())
    # HTTP tells whole seconds.
    assert re.search(r"its clock is (3599|360\d) s behind", text)
    assert "sites.docs.better_auth: the clocks" in text
    stack.now.ahead = 0
    assert (await answer_to(stack, token)).status_code == 200


@pytest.mark.node
@pytest.mark.parametrize("visitor", ["jwt"], indirect=True)
async def test_the_time_of_a_cache_is_not_the_servers(behind, visitor, theirs, redis, tmp_path, monkeypatch):
    ada = await visitor()
    await ada.sign_up()
    token = (await ada.http.get("/token")).json()["token"]
    keys = (await ada.http.get("/jwks")).content
    monkeypatch.setitem(ANSWERS, "kept", answer_of(keys, more=f"Date: {formatdate()}\r\nAge: 9\r\n"))
    between = await behind("jwt")
    between.behaviour = "kept"
    origin = theirs[0]["jwt"].removesuffix("/api/auth")
    table = f'upstream = "jwt"\nurl = "{between.url}"\nissuer = "{origin}"\naudience = "{origin}"\n'
    async with standing(redis, tmp_path, table) as stack:
        assert (await answer_to(stack, token)).status_code == 200
        stack.now.ahead = 3600
        site = stack.make()
        site.key = None
        assert (await exchange(site, token, better_auth.JWT)).status_code == 400


@pytest.fixture
async def stack_of(redis, tmp_path, table):
    async with standing(redis, tmp_path, table) as stack:
        yield stack


async def test_a_jwt_from_the_future_tells_that_a_clock_is_apart(stack, signed, capsys):
    now = int(time.time())
    await unsure(stack, signed(iat=now + 60), capsys, "sites.docs.better_auth: the clocks")
    assert (await answer_to(stack, signed(iat=now + 3))).status_code == 200


REFUSED: dict[str, Any] = {
    "another issuer": {"iss": "https://elsewhere.example"},
    "another audience": {"aud": "https://elsewhere.example"},
    "expired": {"exp": 1_700_000_000},
    "not yet good": {"nbf": 4_000_000_000},
    "no user": {"sub": "a b"},
    "a text for a time": {"iat": "now"},
    "banned": {"banned": True},
    "unverified": {"emailVerified": False},
    "of the cookie cache": {"header": {"typ": "better-auth.session-cache+jwt"}},
    "another algorithm": {"header": {"alg": "EdDSA"}},
    "no algorithm": {"header": {"alg": "none"}},
    "another key": {"header": {"kid": "k2"}},
    "another header": {"header": {"crit": ["exp"]}},
}


async def test_a_jwt_that_is_not_good_is_refused(stack, signed):
    assert (await answer_to(stack, signed())).status_code == 200
    for name, changes in REFUSED.items():
        assert (await answer_to(stack, signed(**changes))).status_code == 400, name
    # Its `alg` is that of a key of the set, which did not sign it.
    assert (await answer_to(stack, signed({"kid": "k2", "alg": "EdDSA"}))).status_code == 400


async def test_no_stranger_makes_the_jwts_of_a_new_key_fail(stack, publisher, signed, capsys):
    assert (await answer_to(stack, signed())).status_code == 200
    long_ago = int(time.time()) - 60
    stack.clock.ahead += COOL_DOWN
    # A set that was asked for since the JWT came has its key, if it is one of the server's.
    assert (await answer_to(stack, signed({"kid": "random"}))).status_code == 400
    fetches = publisher.fetches
    publisher.document = json.dumps({"keys": [jwk(OTHER, "new", "EdDSA")]}).encode()
    new = signed({"kid": "new", "alg": "EdDSA"}, OTHER)
    answer = await answer_to(stack, new)
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
    for number in range(20):
        stranger = signed({"kid": f"random{number}"}, iat=long_ago)
        assert (await answer_to(stack, stranger)).status_code == 400
    assert publisher.fetches == fetches
    stack.clock.ahead += COOL_DOWN
    assert (await answer_to(stack, new)).status_code == 200
    assert publisher.fetches == fetches + 1

    publisher.document = json.dumps({"keys": [jwk(SIGNING, "newer", "ES256")]}).encode()
    newer = signed({"kid": "newer"})
    publisher.is_away = True
    await unsure(stack, newer, capsys, "jwks_path")
    publisher.is_away = False
    stack.clock.ahead += COOL_DOWN
    assert (await answer_to(stack, newer)).status_code == 200
