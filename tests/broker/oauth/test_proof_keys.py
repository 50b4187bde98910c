"""The keys and signatures of DPoP proofs: which are refused, and that each has one spelling."""

import base64
import json

import pytest

from tests.broker.oauth.proving import TOKEN, accepted, claims_for, forged, refused, sent, with_nonce
from tests.oauth import Key, encode

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
    return await with_nonce(oauth, page)


async def test_ed25519_by_its_newer_name_is_the_same_key(site):
    site.key = Key("EdDSA")
    header = {"typ": "dpop+jwt", "alg": "Ed25519", "jwk": site.key.jwk}
    parts = ".".join(encode(json.dumps(part).encode()) for part in (header, claims_for(site)))
    assert await accepted(site, f"{parts}.{encode(site.key.private.sign(parts.encode()))}")


@pytest.mark.parametrize("alg", ["none", "HS256", "RS256", "ES384", "es256", "", None, 7])
async def test_an_algorithm_that_is_not_ours_is_refused(site, alg):
    header = {"typ": "dpop+jwt", "alg": alg, "jwk": site.key.jwk}
    refused(await sent(site, forged(site.key, claims_for(site), header)))


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
    refused(await sent(site, forged(site.key, claims_for(site), header)))


async def test_another_spelling_of_a_key_is_refused(site):
    # 32 bytes leave two unused bits in the last of 43 characters: four spellings of one number.
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    x = site.key.jwk["x"]
    respelt = x[:-1] + last[last.index(x[-1]) + 1]
    assert base64.urlsafe_b64decode(respelt + "=") == base64.urlsafe_b64decode(x + "=")
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": {**site.key.jwk, "x": respelt}}
    refused(await sent(site, forged(site.key, claims_for(site), header)))


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
    refused(await sent(site, forged(site.key, claims_for(site), header, identity + bytes(32))))


async def test_an_ed25519_signature_has_one_spelling(site):
    order = 2**252 + 27742317777372353535851937790883648493
    site.key = Key("EdDSA")
    proof = site.key.proof("POST", TOKEN, nonce=site.nonce)
    signed, _, signature = proof.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    second = raw[:32] + (int.from_bytes(raw[32:], "little") + order).to_bytes(32, "little")
    refused(await sent(site, f"{signed}.{encode(second)}"))
    assert await accepted(site, proof)
