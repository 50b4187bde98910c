import base64
import json
from types import SimpleNamespace

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from tests.tokens.signing import AUDIENCE, HEADER, ISSUER, JWKS, NOW, OTHER, PAYLOAD, SIGNING, b64, jwk, sign
from tokens.errors import InvalidToken
from tokens.jwks import local
from tokens.verify import MAX_TOKEN, Verifier


class Published:
    """A set of keys at hand, of which the publisher can take one back."""

    def __init__(self):
        self.keys = dict(local.parse(JWKS))

    def known(self, kid):
        return self.keys.get(kid)

    async def find(self, kid):
        return None


@pytest.fixture
def broker():
    keys = Published()
    return SimpleNamespace(keys=keys, verifier=Verifier(keys, issuer=ISSUER, audience=AUDIENCE))


def without(name):
    return {key: value for key, value in PAYLOAD.items() if key != name}


async def test_a_good_token_gives_its_claims(broker):
    verified = await broker.verifier.verify(sign(), NOW)
    assert verified.claims.to_payload() == PAYLOAD
    assert verified.kid == "k1"


@pytest.mark.parametrize("typ", ["AT+JWT", "application/at+jwt"])
async def test_the_type_is_a_media_type(broker, typ):
    assert (await broker.verifier.verify(sign(header={**HEADER, "typ": typ}), NOW)).claims.sub == PAYLOAD[
        "sub"
    ]


async def test_each_key_verifies_its_own_algorithm(broker):
    token = sign(header={**HEADER, "alg": "EdDSA", "kid": "k2"}, key=OTHER)
    assert (await broker.verifier.verify(token, NOW)).claims.tier == "reader"


@pytest.mark.parametrize(
    "header",
    [
        {**HEADER, "alg": "none"},
        {**HEADER, "alg": "nOnE"},
        {**HEADER, "alg": "es256"},
        {**HEADER, "alg": "HS256"},
        {**HEADER, "alg": 5},
        {**HEADER, "alg": ["ES256"]},
        {**HEADER, "kid": "k2"},
        *(
            {**HEADER, "kid": kid}
            for kid in ("../k1", "k1' or 1=1", "k1\r\nx", "k1\0", "*", "k" * 3000, 7, None, "")
        ),
        *({**HEADER, "typ": typ} for typ in ("JWT", "dpop+jwt", "chatgate-internal+jwt", None)),
        {"alg": "ES256", "typ": "at+jwt"},
        {"alg": "ES256", "kid": "k1"},
        *(
            {**HEADER, name: value}
            for name, value in {
                "jwk": {},
                "jku": "https://evil.example",
                "x5u": "https://evil.example",
                "x5c": [],
                "crit": [],
                "b64": False,
                "zip": "DEF",
                "enc": "A256GCM",
                "p2c": 2**31,
            }.items()
        ),
        [],
        b'{"alg":"ES256","alg":"ES256","kid":"k1","typ":"at+jwt"}',
        json.dumps(HEADER).encode("utf-16"),
        b"\xef\xbb\xbf" + json.dumps(HEADER).encode(),
    ],
)
async def test_a_header_that_is_not_ours_is_refused(broker, header):
    with pytest.raises(InvalidToken):
        await broker.verifier.verify(sign(header=header), NOW)


@pytest.mark.parametrize("name", PAYLOAD)
@pytest.mark.parametrize("value", ["absent", None, True, 1e300, [], {}, "", "\ud800", "٣", "a" * 200])
async def test_every_claim_is_required_with_its_type(broker, name, value):
    payload = without(name) if value == "absent" else {**PAYLOAD, name: value}
    with pytest.raises(InvalidToken):
        await broker.verifier.verify(sign(payload), NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"iss": ISSUER + "/"},
        {"aud": [AUDIENCE]},
        {"aud": ISSUER},
        {"exp": NOW + 301},
        {"exp": NOW},
        {"exp": str(NOW + 300)},
        {"iat": NOW + 6, "exp": NOW + 200},
        {"iat": NOW - 400, "exp": NOW - 100},
        {"nbf": NOW - 10},
        {"sub": "{x}" + "a" * 32},
        {"sid": "a:b"},
        {"cnf": {"jkt": 1}},
        {"cnf": {}},
    ],
)
async def test_a_claim_with_a_value_that_we_never_issue_is_refused(broker, change):
    with pytest.raises(InvalidToken):
        await broker.verifier.verify(sign({**PAYLOAD, **change}), NOW)


@pytest.mark.parametrize(
    "payload",
    [
        json.dumps(PAYLOAD)[:-1].encode() + b',"sub":"x"}',
        json.dumps(PAYLOAD).encode("utf-16"),
        json.dumps(PAYLOAD)[:-1].encode() + b',"x":NaN}',
        json.dumps(PAYLOAD)[:-1].encode() + b',"x":' + b"[" * 900 + b"]" * 900 + b"}",
        json.dumps(PAYLOAD)[:-1].encode() + b',"x":' + b"1" * 2000 + b"}",
    ],
)
async def test_a_payload_that_two_readers_read_differently_is_refused(broker, payload):
    with pytest.raises(InvalidToken):
        await broker.verifier.verify(sign(payload), NOW)


async def test_a_good_token_that_is_too_long_is_refused_for_its_length_alone(broker):
    room = (MAX_TOKEN - len(sign())) * 3 // 4
    padded = [json.dumps(PAYLOAD).encode() + b" " * (room + extra) for extra in (-2, 8)]
    fits, exceeds = (sign(payload) for payload in padded)
    assert len(fits) <= MAX_TOKEN < len(exceeds)
    assert (await broker.verifier.verify(fits, NOW)).claims.sub == PAYLOAD["sub"]
    with pytest.raises(InvalidToken):
        await broker.verifier.verify(exceeds, NOW)


def other_spellings():
    token = sign()
    head, body, signature = token.split(".")
    # 64 bytes take 86 characters, the last of which carries four unused bits.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    unused_bit = alphabet[alphabet.index(signature[-1]) | 1]
    raw = base64.urlsafe_b64decode(signature + "==")
    r, s = raw[:32], raw[32:]
    der = b"\x30\x44\x02\x20" + r + b"\x02\x20" + s
    return [
        token + "=",
        token + "\n",
        " " + token,
        token + ".x",
        f"{head}.{body}",
        f"{head}.{body}.",
        f"{head}.{body}.{signature[:-1]}{unused_bit}",
        f"{head}.{body}.{b64(bytes(64))}",
        f"{head}.{body}.{b64(der)}",
        f"{head}.{body}.{b64(raw + b'0')}",
        f"{head}+.{body}.{signature}",
        "{" + token + "}",
        token.replace("e", "е", 1),
        "a" * (MAX_TOKEN + 1),
        "\ud800",
        "",
    ]


@pytest.mark.parametrize("token", other_spellings())
async def test_there_is_one_spelling_of_a_token(broker, token):
    with pytest.raises(InvalidToken):
        await broker.verifier.verify(token, NOW)


@pytest.mark.parametrize("encoding", ["pem", "der", "jwk", "jwks"])
async def test_the_public_key_is_no_shared_secret(broker, encoding):
    public = SIGNING.public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    secret = {
        "pem": public.public_bytes(serialization.Encoding.PEM, form),
        "der": public.public_bytes(serialization.Encoding.DER, form),
        "jwk": json.dumps(jwk(SIGNING, "k1", "ES256")).encode(),
        "jwks": JWKS,
    }[encoding]
    text = f"{b64(json.dumps({**HEADER, 'alg': 'HS256'}).encode())}.{b64(json.dumps(PAYLOAD).encode())}"
    hmac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    with pytest.raises(InvalidToken):
        await broker.verifier.verify(f"{text}.{b64(hmac.sign(text.encode(), secret))}", NOW)


async def test_a_remembered_token_still_expires(broker):
    token = sign()
    await broker.verifier.verify(token, NOW)
    await broker.verifier.verify(token, NOW + 304)
    with pytest.raises(InvalidToken):
        await broker.verifier.verify(token, NOW + 305)


async def test_a_remembered_token_dies_with_its_key(broker):
    token = sign()
    await broker.verifier.verify(token, NOW)
    del broker.keys.keys["k1"]
    with pytest.raises(InvalidToken):
        await broker.verifier.verify(token, NOW)


PRIVATE = {**jwk(SIGNING, "k3", "ES256"), "d": "AAAA"}


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b'{"keys":[]}',
        b'{"keys":[1]}',
        json.dumps({"keys": [PRIVATE]}).encode(),
        json.dumps({"keys": [jwk(SIGNING, "k1", "ES256")] * 2}).encode(),
        json.dumps({"keys": [{**jwk(SIGNING, "k1", "ES256"), "alg": "EdDSA"}]}).encode(),
        json.dumps({"keys": [{**jwk(SIGNING, "k1", "ES256"), "x": "AAAA"}]}).encode(),
        json.dumps({"keys": [jwk(SIGNING, "../k", "ES256")]}).encode(),
        b'{"keys":[]}' + b" " * 70_000,
    ],
)
def test_a_key_set_that_is_not_a_set_of_public_keys_is_refused(document):
    with pytest.raises(local.BadKeySet):
        local.parse(document)
