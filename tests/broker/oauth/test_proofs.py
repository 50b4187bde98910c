"""DPoP proofs at the token endpoint: every way in which one can be bad, and what is answered."""

import asyncio
import time

import jwt
import pytest

from edge.redis.client import command
from tests.broker.oauth.proving import TOKEN, accepted, refused, sent, with_nonce
from tests.broker.service import EMAIL, ISSUER, PASSWORD
from tests.oauth import Key, encode
from tokens.nonces import EVERY


@pytest.fixture
async def site(oauth, page):
    return await with_nonce(oauth, page)


@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
async def test_a_key_of_either_kind_is_taken(site, alg):
    site.key = Key(alg)
    tokens = await site.signed_in(EMAIL, PASSWORD)
    assert tokens["token_type"] == "DPoP"
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert claims["cnf"] == {"jkt": site.key.jkt}
    assert (await site.refresh(tokens["refresh_token"])).status_code == 200


@pytest.mark.parametrize(
    ("claims", "header"),
    [
        ({"htm": "GET"}, {}),
        ({"htm": "post"}, {}),
        ({"htm": None}, {}),
        ({"htu": f"{ISSUER}/oauth2/revoke"}, {}),
        ({"htu": "https://evil.example/oauth2/token"}, {}),
        ({"htu": f"{TOKEN}/"}, {}),
        ({"htu": None}, {}),
        ({"htu": 1}, {}),
        ({"iat": None}, {}),
        ({"iat": "now"}, {}),
        ({"iat": True}, {}),
        ({"iat": 0}, {}),
        ({"jti": None}, {}),
        ({"jti": ""}, {}),
        ({"jti": 1}, {}),
        ({"jti": "x" * 257}, {}),
        ({"jti": "x" * 1_000_000}, {}),
        ({"nonce": 1}, {}),
        ({}, {"typ": "JWT"}),
        ({}, {"typ": "at+jwt"}),
        ({}, {"jwk": None}),
        ({}, {"jwk": "x"}),
        ({}, {"crit": ["x"]}),
    ],
)
async def test_a_proof_that_is_for_something_else_is_refused(site, claims, header):
    proof = site.key.proof("POST", TOKEN, header=header, **{"nonce": site.nonce, **claims})
    refused(await sent(site, proof))


@pytest.mark.parametrize("off_by", [-58, 58])
async def test_a_clock_that_is_a_minute_off_is_near_enough(site, off_by):
    assert await accepted(
        site, site.key.proof("POST", TOKEN, nonce=site.nonce, iat=int(time.time()) + off_by)
    )


@pytest.mark.parametrize("off_by", [-70, 70, -3600, 3600, 1e300])
async def test_an_old_proof_and_one_from_the_future_are_refused(site, off_by):
    for nonce in (site.nonce, None, "x" * 22):
        answer = await sent(site, site.key.proof("POST", TOKEN, nonce=nonce, iat=time.time() + off_by))
        refused(answer)
        told = answer.json()["error_description"]
        assert told == "iat: it is more than 60 s from the time here"


@pytest.mark.parametrize("claims", [{"iat": None}, {"iat": "now"}, {"htm": "GET"}, {"htm": "GET", "iat": 0}])
async def test_other_faults_are_not_called_a_wrong_clock(site, claims):
    answer = await sent(site, site.key.proof("POST", TOKEN, **{"nonce": site.nonce, **claims}))
    refused(answer)
    assert answer.json()["error_description"].startswith("DPoP: ")


@pytest.mark.parametrize("nonce", [None, "", "x", "A" * 22])
async def test_a_proof_needs_a_nonce_of_ours(site, nonce):
    proof = site.key.proof("POST", TOKEN, nonce=nonce)
    refused(await sent(site, proof), "use_dpop_nonce")


async def test_a_nonce_ends(start, oauth):
    now = [time.time()]
    site = await oauth(Key(), make=await start(now=lambda: now[0]))
    site.nonce = (await site.send(grant_type="refresh_token")).headers["dpop-nonce"]

    def proof():
        return site.key.proof("POST", TOKEN, nonce=first, iat=int(now[0]))

    first = site.nonce
    assert await accepted(site, proof())
    now[0] += EVERY
    assert await accepted(site, proof())
    assert site.nonce != first
    now[0] += EVERY
    refused(await sent(site, proof()), "use_dpop_nonce")


@pytest.mark.parametrize("count", [1, 20])
async def test_a_proof_is_good_once(site, count):
    proof = site.key.proof("POST", TOKEN, nonce=site.nonce)
    answers = await asyncio.gather(*(sent(site, proof) for _ in range(count + 1)))
    errors = sorted(answer.json()["error"] for answer in answers)
    assert errors == ["invalid_dpop_proof"] * count + ["invalid_grant"]


async def test_two_headers_are_no_proof(site):
    proofs = [site.key.proof("POST", TOKEN, nonce=site.nonce) for _ in range(2)]
    answer = await site.page.post(
        "/oauth2/token",
        data={"client_id": "docs", "grant_type": "refresh_token", "refresh_token": "x"},
        headers=[("DPoP", proof) for proof in proofs],
    )
    refused(answer)


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda proof: "",
        lambda proof: "x",
        lambda proof: proof + ".x",
        lambda proof: proof + "=",
        lambda proof: " " + proof,
        lambda proof: proof.rpartition(".")[0] + ".",
        lambda proof: proof.rpartition(".")[0] + "." + encode(bytes(64)),
        lambda proof: proof.rpartition(".")[0] + "." + encode(bytes(63)),
        lambda proof: proof.partition(".")[0] + "x." + proof.partition(".")[2],
    ],
)
async def test_a_text_that_is_no_signed_jwt_is_refused(site, spoilt):
    refused(await sent(site, spoilt(site.key.proof("POST", TOKEN, nonce=site.nonce))))


@pytest.mark.parametrize(
    "htu",
    [
        f"{TOKEN}?grant_type=x",
        f"{TOKEN}#x",
        TOKEN.upper().replace("/OAUTH2/TOKEN", "/oauth2/token"),
        TOKEN.replace("/token", "/%74oken"),
    ],
)
async def test_an_address_is_compared_as_an_address(site, htu):
    assert await accepted(site, site.key.proof("POST", TOKEN, nonce=site.nonce, htu=htu))


async def test_the_host_of_a_request_has_no_say_in_its_address(site):
    proof = site.key.proof("POST", "http://evil.example/oauth2/token", nonce=site.nonce)
    answer = await site.page.post(
        "/oauth2/token",
        data={"client_id": "docs", "grant_type": "refresh_token", "refresh_token": "x"},
        headers={"DPoP": proof, "Host": "evil.example"},
    )
    refused(answer)


async def test_an_answer_to_a_proof_brings_the_next_nonce(site):
    answer = await site.redeem(await site.code(EMAIL, PASSWORD))
    assert answer.status_code == 200
    assert len(answer.headers.get_list("dpop-nonce")) == 1
    site.key = None
    assert "dpop-nonce" not in (await site.redeem(await site.code(EMAIL, PASSWORD))).headers


async def test_proofs_of_one_address_are_remembered_up_to_a_limit(start, config, oauth, store):
    """A stranger can make them without end, and each is kept for minutes."""
    limits = config.sign_in.model_copy(update={"attempts_per_address": 5})
    make = await start(sign_in=limits)
    site = await oauth(Key(), make=make)
    answers = [await site.send(grant_type="refresh_token", refresh_token="none") for _ in range(8)]
    assert [answer.status_code for answer in answers] == [400] * 5 + [429] * 3
    assert answers[-1].json()["error"] == "temporarily_unavailable"
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60
    # The first was asked for a nonce, so nothing of it is kept.
    [marks] = await store.run(command("KEYS", "cg:d:*"))
    assert len(marks) == 4
    async with make(address="203.0.113.8") as elsewhere:
        site.page = elsewhere
        assert (await site.send(grant_type="refresh_token", refresh_token="none")).status_code == 400
        # Where no proof is sent nothing is kept either.
        site.key = None
        assert (await site.send(grant_type="refresh_token", refresh_token="none")).status_code == 400
