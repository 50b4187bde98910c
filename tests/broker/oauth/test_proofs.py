"""DPoP proofs at the token endpoint: every way in which one can be bad, and what is answered."""

import asyncio
import base64
import json
import time

import jwt
import pytest

from edge.redis.client import command
from tests.broker.service import EMAIL, ISSUER, PASSWORD, sign_up
from tests.oauth import Key, encode
from tokens.nonces import EVERY

TOKEN = f"{ISSUER}/oauth2/token"
LOW_ORDER = [
    "00" * 32,
    "01" + "00" * 31,
    "ec" + "ff" * 30 + "7f",
    "ed" + "ff" * 30 + "7f",
    "ee" + "ff" * 30 + "7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
]


@pytest.fixture
async def site(oauth, page):
    await sign_up(page, EMAIL)
    site = await oauth(Key())
    site.nonce = (await site.send(grant_type="refresh_token")).headers["dpop-nonce"]
    return site


def refused(answer, error="invalid_dpop_proof"):
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"] == error
    assert answer.json()["error_description"].startswith(("DPoP: ", "iat: "))
    assert len(answer.headers.get_list("dpop-nonce")) == 1
    return True


def forged(key, claims, header, signature=None):
    """A proof that PyJWT would not make."""
    parts = [encode(json.dumps(part).encode()) for part in (header, claims)]
    signed = ".".join(parts).encode()
    if signature is None:
        signature = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256).sign(signed, key.private)
    return f"{signed.decode()}.{encode(signature)}"


def claims_for(site, **changes):
    found = {
        "jti": encode(bytes(str(time.time_ns()), "ascii")),
        "htm": "POST",
        "htu": TOKEN,
        "iat": int(time.time()),
    }
    return {
        name: value for name, value in (found | {"nonce": site.nonce} | changes).items() if value is not None
    }


def _is_good(site, proof):
    return site.send(grant_type="refresh_token", refresh_token="x", proof=proof)


async def accepted(site, proof):
    answer = await _is_good(site, proof)
    # The proof was taken: what is refused is the token.
    return answer.json()["error"] == "invalid_grant"


@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
async def test_a_key_of_either_kind_is_taken(site, alg):
    site.key = Key(alg)
    tokens = await site.signed_in(EMAIL, PASSWORD)
    assert tokens["token_type"] == "DPoP"
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert claims["cnf"] == {"jkt": site.key.jkt}
    assert (await site.refresh(tokens["refresh_token"])).status_code == 200


async def test_ed25519_by_its_newer_name_is_the_same_key(site):
    site.key = Key("EdDSA")
    header = {"typ": "dpop+jwt", "alg": "Ed25519", "jwk": site.key.jwk}
    parts = ".".join(encode(json.dumps(part).encode()) for part in (header, claims_for(site)))
    assert await accepted(site, f"{parts}.{encode(site.key.private.sign(parts.encode()))}")


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
    refused(await _is_good(site, proof))


@pytest.mark.parametrize("off_by", [-58, 58])
async def test_a_clock_that_is_a_minute_off_is_near_enough(site, off_by):
    assert await accepted(
        site, site.key.proof("POST", TOKEN, nonce=site.nonce, iat=int(time.time()) + off_by)
    )


@pytest.mark.parametrize("off_by", [-70, 70, -3600, 3600, 1e300])
async def test_an_old_proof_and_one_from_the_future_are_refused(site, off_by):
    for nonce in (site.nonce, None, "x" * 22):
        answer = await _is_good(site, site.key.proof("POST", TOKEN, nonce=nonce, iat=time.time() + off_by))
        refused(answer)
        told = answer.json()["error_description"]
        assert told == "iat: it is more than 60 s from the time here"


@pytest.mark.parametrize("claims", [{"iat": None}, {"iat": "now"}, {"htm": "GET"}, {"htm": "GET", "iat": 0}])
async def test_whatever_else_is_wrong_is_not_called_a_wrong_clock(site, claims):
    answer = await _is_good(site, site.key.proof("POST", TOKEN, **{"nonce": site.nonce, **claims}))
    refused(answer)
    assert answer.json()["error_description"].startswith("DPoP: ")


@pytest.mark.parametrize("nonce", [None, "", "x", "A" * 22])
async def test_a_proof_needs_a_nonce_of_ours(site, nonce):
    proof = site.key.proof("POST", TOKEN, nonce=nonce)
    refused(await _is_good(site, proof), "use_dpop_nonce")


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
    refused(await _is_good(site, proof()), "use_dpop_nonce")


@pytest.mark.parametrize("count", [1, 20])
async def test_a_proof_is_good_once(site, count):
    proof = site.key.proof("POST", TOKEN, nonce=site.nonce)
    answers = await asyncio.gather(*(_is_good(site, proof) for _ in range(count + 1)))
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
async def test_what_is_no_signed_jwt_is_refused(site, spoilt):
    refused(await _is_good(site, spoilt(site.key.proof("POST", TOKEN, nonce=site.nonce))))


@pytest.mark.parametrize("alg", ["none", "HS256", "RS256", "ES384", "es256", "", None, 7])
async def test_an_algorithm_that_is_not_ours_is_refused(site, alg):
    header = {"typ": "dpop+jwt", "alg": alg, "jwk": site.key.jwk}
    refused(await _is_good(site, forged(site.key, claims_for(site), header)))


@pytest.mark.parametrize(
    "change",
    [
        {"d": "x" * 43},
        {"k": "x"},
        {"kty": "RSA"},
        {"kty": "oct"},
        {"crv": "P-384"},
        {"crv": "Ed25519"},
        {"x": encode(bytes(32))},
        {"x": "short"},
        {"x": 5},
        {"y": None},
        {"alg": "ES384"},
    ],
)
async def test_a_key_that_is_not_one_is_refused(site, change):
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": {**site.key.jwk, **change}}
    refused(await _is_good(site, forged(site.key, claims_for(site), header)))


async def test_another_spelling_of_a_key_is_refused(site):
    # 32 bytes leave two unused bits in the last of 43 characters: four spellings of one number.
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    x = site.key.jwk["x"]
    respelt = x[:-1] + last[last.index(x[-1]) + 1]
    assert base64.urlsafe_b64decode(respelt + "=") == base64.urlsafe_b64decode(x + "=")
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": {**site.key.jwk, "x": respelt}}
    refused(await _is_good(site, forged(site.key, claims_for(site), header)))


@pytest.mark.parametrize("encoded", LOW_ORDER)
@pytest.mark.parametrize("sign", [0, 0x80])
async def test_a_key_that_anybody_can_sign_for_is_refused(site, encoded, sign):
    raw = bytearray.fromhex(encoded)
    raw[31] |= sign
    header = {
        "typ": "dpop+jwt",
        "alg": "EdDSA",
        "jwk": {"kty": "OKP", "crv": "Ed25519", "x": encode(bytes(raw))},
    }
    identity = b"\x01" + bytes(31)
    refused(await _is_good(site, forged(site.key, claims_for(site), header, identity + bytes(32))))


async def test_an_ed25519_signature_has_one_spelling(site):
    order = 2**252 + 27742317777372353535851937790883648493
    site.key = Key("EdDSA")
    proof = site.key.proof("POST", TOKEN, nonce=site.nonce)
    signed, _, signature = proof.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    second = raw[:32] + (int.from_bytes(raw[32:], "little") + order).to_bytes(32, "little")
    refused(await _is_good(site, f"{signed}.{encode(second)}"))
    assert await accepted(site, proof)


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
    """Anybody can make them without end, and each is kept for minutes."""
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
