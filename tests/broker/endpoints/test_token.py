import asyncio
import json

import jwt
import pytest
import redis

from tests.broker.service import (
    ISSUER,
    OTHER_SITE,
    SECRET,
    SITE,
    code,
    session_of,
    sign_up,
)
from tests.tokens.signing import HEADER, PAYLOAD, SIGNING, sign
from tokens import liveness
from tokens.jwks import local
from tokens.verify import Verifier

AUDIENCE = "http://127.0.0.1:8001"


def verifier(document):
    keys = local.parse(document)

    class Published:
        def known(self, kid):
            return keys.get(kid)

        async def find(self, kid):
            return keys.get(kid)

    return Verifier(Published(), issuer=ISSUER, audience=AUDIENCE)


async def claims_of(page, token, at):
    document = (await page.get("/.well-known/jwks.json")).content
    return (await verifier(document).verify(token, at)).claims


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_session_is_exchanged_for_a_short_token_of_its_site(page, method):
    done = await sign_up(page)
    answer = await page.request(method, "/auth/token")
    body = answer.json()
    assert list(body) == ["token", "expires_in", "token_type"]
    assert body["token_type"] == "Bearer"
    assert answer.headers["cache-control"] == "no-store"
    iat = jwt.decode(body["token"], options={"verify_signature": False})["iat"]
    claims = await claims_of(page, body["token"], iat)
    own = (await session_of(page))["session"]
    assert (claims.sub, claims.sid) == (done.json()["user"]["id"], own["id"])
    assert (claims.client_id, claims.tier, claims.scope) == ("docs", "reader", "chat history")
    assert claims.exp - claims.iat == body["expires_in"] == 300
    assert "ada" not in json.dumps(claims.to_payload()).lower()


async def test_the_tier_is_the_sites_or_the_guests(make):
    async with make(origin=OTHER_SITE) as page, make() as guest:
        await sign_up(page)
        await guest.post("/api/auth/sign-in/anonymous")
        tiers = []
        for one in (page, guest):
            token = (await one.get("/auth/token")).json()["token"]
            tiers.append(jwt.decode(token, options={"verify_signature": False})["tier"])
    assert tiers == ["gold", "guest"]


@pytest.mark.parametrize(
    ("origin", "query", "status"),
    [
        (SITE, "", 200),
        (SITE, "?client_id=docs", 200),
        (SITE, "?client_id=other", 403),
        (SITE, "?client_id=nobody", 403),
        (OTHER_SITE, "", 403),
        ("https://evil.example", "", 403),
        ("null", "", 200),
        (None, "", 200),
        (ISSUER, "", 200),
    ],
)
async def test_only_the_sites_own_pages_get_its_token(page, origin, query, status):
    await sign_up(page)
    del page.headers["origin"]
    headers = {} if origin is None else {"Origin": origin}
    for path in ("/auth/token", "/api/auth/token"):
        answer = await page.get(path + query, headers=headers)
        assert answer.status_code == status
        assert ("token" in answer.json()) == (status == 200)


async def test_both_key_sets_are_one_and_may_be_cached(page):
    answers = [await page.get(path) for path in ("/.well-known/jwks.json", "/api/auth/jwks")]
    assert answers[0].content == answers[1].content
    assert answers[0].headers["cache-control"] == "public, max-age=10"
    assert set(answers[0].json()["keys"][0]) == {"kty", "crv", "x", "y", "kid", "alg", "use"}


async def test_a_signed_out_session_mints_no_more(page):
    await sign_up(page)
    cookie = page.cookies["better-auth.session_token"]
    assert (await page.post("/auth/revoke")).status_code == 204
    answer = await page.get("/auth/token", headers={"Cookie": f"better-auth.session_token={cookie}"})
    assert code(answer) == (401, "unauthenticated")


async def test_a_token_of_ones_own_is_revoked_for_as_long_as_it_lives(page, valkey):
    await sign_up(page)
    token = (await page.get("/auth/token")).json()["token"]
    page.cookies.clear()
    answer = await page.post("/auth/revoke", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 204
    claims = jwt.decode(token, options={"verify_signature": False})
    with redis.Redis(unix_socket_path=valkey.socket) as client:
        left = client.ttl(liveness.revoked_token(claims["sub"], claims["jti"]))
    # And two minutes more, for clocks that are a minute off.
    assert 420 <= left <= 432


# Security row 8, and rows 1, 2, 9, 10, 12, 13, 14, 16 where the broker reads a token.
@pytest.mark.parametrize(
    "token",
    [
        sign(),
        sign({**PAYLOAD, "iss": ISSUER, "aud": AUDIENCE}),
        *(
            sign({**PAYLOAD, "iss": ISSUER, "aud": AUDIENCE}, {**HEADER, name: value})
            for name, value in (
                ("typ", "JWT"),
                ("typ", "dpop+jwt"),
                ("typ", "chatgate-internal+jwt"),
                ("alg", "none"),
                ("jku", "http://127.0.0.1:9/"),
                ("crit", []),
                ("zip", "DEF"),
            )
        ),
        "a.b.c",
        "a.b.c.d.e",
        sign() + "=",
        "x" * 5000,
        jwt.encode(PAYLOAD, SECRET, "HS256"),
        jwt.encode(PAYLOAD, SIGNING, "ES256"),
    ],
)
async def test_a_token_that_is_not_ours_revokes_nothing(page, token):
    answer = await page.post("/auth/revoke", headers={"Authorization": f"Bearer {token}"})
    assert code(answer) == (401, "invalid_token")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_two_tokens_of_one_second_differ(page):
    await sign_up(page)
    answers = await asyncio.gather(*(page.get("/auth/token") for _ in range(20)))
    assert len({answer.json()["token"] for answer in answers}) == 20


async def test_a_token_ends_with_its_session(page, valkey):
    await sign_up(page)
    own = (await session_of(page))["session"]
    key = liveness.session(own["userId"], own["id"])
    with redis.Redis(unix_socket_path=valkey.socket) as client:
        seconds, _ = client.time()
        client.hset(key, "expires_at", (seconds + 100) * 1000)
    assert 98 <= (await page.get("/auth/token")).json()["expires_in"] <= 100
