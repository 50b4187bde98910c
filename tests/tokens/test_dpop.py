"""The checks of a proof that HTTP does not reach, and the arithmetic behind one of them."""

import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.chat_proxy.holder import thumbprint
from tests.oauth import Key, encode
from tests.tokens.edwards import FORGED, IDENTITY, LOW_ORDER, L, P, add, decoded, encoded, times
from tokens.dpop import InvalidProof, NonceNeeded, Proofs
from tokens.nonces import EVERY, Nonces

NOW = 1_796_000_000.0
URI = "https://chat.example.org/chat"
NONCES = Nonces([b"a secret of thirty-two bytes, or more"])
VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "dpop.json").read_text())


@pytest.fixture
def proofs():
    return Proofs(NONCES)


def proof(key, *, method="POST", uri=URI, **changes):
    made = {"nonce": NONCES.current(NOW), "iat": int(NOW), **changes}
    return key.proof(method, made.pop("htu", uri), **made)


def verified(proofs, sent, *, method="POST", uri=URI, now=NOW, access_token=None):
    return proofs.verify(sent, method=method, uri=uri, now=now, access_token=access_token)


# They have no nonce, which is looked for after everything else.
@pytest.mark.parametrize("vector", VECTORS["proofs"])
def test_the_rfcs_own_proofs_lack_a_nonce_alone(proofs, vector):
    sent = dict(vector)
    with pytest.raises(NonceNeeded):
        verified(proofs, sent.pop("proof"), **sent)
    for change in ({"method": "PUT"}, {"uri": URI}, {"now": vector["now"] + 70}, {"access_token": "other"}):
        with pytest.raises(InvalidProof):
            verified(proofs, vector["proof"], **{**sent, **change})


def test_thumbprints_are_those_of_the_rfcs(proofs):
    given_key = VECTORS["ed25519"]
    key = Key("EdDSA")
    key.private = ed25519.Ed25519PrivateKey.from_private_bytes(jwt.utils.base64url_decode(given_key["d"]))
    key.jwk = {"kty": "OKP", "crv": "Ed25519", "x": given_key["x"]}
    assert verified(proofs, proof(key)).jkt == given_key["jkt"]
    # Ours of a P-256 key are compared to the tests' own, and those to the RFC's.
    [header, *_] = VECTORS["proofs"][0]["proof"].split(".")
    assert thumbprint(json.loads(jwt.utils.base64url_decode(header))["jwk"]) == VECTORS["jkt"]
    p256 = Key()
    assert verified(proofs, proof(p256)).jkt == thumbprint(p256.jwk)


@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
def test_a_thumbprint_is_of_the_required_members_alone(proofs, alg):
    key = Key(alg)
    plain = verified(proofs, proof(key)).jkt
    dressed = proof(key, header={"jwk": {"use": "sig", "kid": "k1", "alg": alg, **key.jwk}})
    assert verified(proofs, dressed).jkt == plain == key.jkt


@pytest.mark.parametrize("change", ["method", "uri", "jti", "key"])
def test_a_proof_is_known_by_its_key_method_address_and_jti(proofs, change):
    key = Key()
    first = verified(proofs, proof(key, jti="a")).id
    # The rest of it makes no other proof of it.
    assert verified(proofs, proof(key, jti="a", iat=int(NOW) + 1, more="x")).id == first
    if change == "method":
        other = verified(proofs, proof(key, jti="a", method="GET"), method="GET")
    elif change == "uri":
        other = verified(proofs, proof(key, jti="a", uri=f"{URI}/a"), uri=f"{URI}/a")
    else:
        other = verified(
            proofs, proof(Key() if change == "key" else key, jti="b" if change == "jti" else "a")
        )
    assert other.id != first
    assert len(first) == len(other.id) == 24


@pytest.mark.parametrize("offset", [-65, -60, 0, 0.5, 60, 65])
def test_iat_may_be_a_minute_and_the_leeway_away(proofs, offset):
    assert verified(proofs, proof(Key(), iat=NOW + offset))


@pytest.mark.parametrize("iat", [NOW - 65.5, NOW + 65.5, 0, -1, 2**53 - 1, 1e300, None, "1", [], {}, True])
def test_iat_is_a_number_near_now(proofs, iat):
    with pytest.raises(InvalidProof):
        verified(proofs, proof(Key(), iat=iat))


@pytest.mark.parametrize(
    ("htu", "uri"),
    [
        (URI, URI),
        ("HTTPS://Chat.Example.ORG/chat", URI),
        ("https://chat.example.org:443/chat", URI),
        ("https://chat.example.org:/chat", URI),
        (f"{URI}?a=b#c", URI),
        ("https://chat.example.org/%63ha%74", URI),
        ("http://chat.example.org:80/chat", "http://chat.example.org/chat"),
        ("http://[::1]:8001/chat", "http://[::1]:8001/chat"),
        ("https://chat.example.org", "https://chat.example.org/"),
        ("https://chat.example.org/a%2fb", "https://chat.example.org/a%2Fb"),
        ("https://chat.example.org/~a", "https://chat.example.org/~a"),
        ("https://chat.example.org/%7Ea", "https://chat.example.org/~a"),
    ],
)
def test_an_address_in_its_other_spellings(proofs, htu, uri):
    assert verified(proofs, proof(Key(), htu=htu), uri=uri)


@pytest.mark.parametrize(
    "htu",
    [
        "https://chat.example.org/Chat",
        "https://chat.example.org/chat/",
        "https://chat.example.org//chat",
        "https://chat.example.org/x/../chat",
        "https://chat.example.org/ch%2561t",
        "https://chat.example.org/c%E1t",
        "https://chat.example.org:8443/chat",
        "https://chat.example.org:80/chat",
        "https://chat.example.org:x/chat",
        "https://chat.example.org:99999/chat",
        "https://chat.example.org./chat",
        "https://chat.example.org.evil.example/chat",
        "https://evil.example/chat#https://chat.example.org/chat",
        "https://evil.example\\@chat.example.org/chat",
        "https://user@chat.example.org/chat",
        "https://@chat.example.org/chat",
        "http://chat.example.org/chat",
        "ftp://chat.example.org/chat",
        "https:/chat.example.org/chat",
        "//chat.example.org/chat",
        "/chat",
        " https://chat.example.org/chat",
        "https://chat.example.org/chat\n",
        "https://chat.ex\tample.org/chat",
        "https://chat\u3002example.org/chat",
        "https://[::1/chat",
        "https://",
        URI + "?" + "a" * 2048,
    ],
)
def test_another_address(proofs, htu):
    with pytest.raises(InvalidProof):
        verified(proofs, proof(Key(), htu=htu))


P256_X = encode((5).to_bytes(32))


@pytest.mark.parametrize(
    ("alg", "jwk"),
    [
        ("ES256", {"kty": "EC", "crv": "P-256", "x": encode(bytes(32)), "y": encode(bytes(32))}),
        ("ES256", {"kty": "EC", "crv": "P-256", "x": encode(b"\xff" * 32), "y": P256_X}),
        ("ES256", {"kty": "EC", "crv": "P-256", "x": P256_X, "y": P256_X}),
        ("ES256", {"kty": "EC", "crv": "P-256", "x": encode(bytes(31)), "y": P256_X}),
        ("ES256", {"kty": "EC", "crv": "P-256", "x": encode(bytes(33)), "y": P256_X}),
        ("ES256", {"kty": "EC", "crv": "P-256", "x": P256_X[:-1] + "B", "y": P256_X}),
        ("ES256", {"kty": "EC", "crv": "P-256", "x": P256_X}),
        ("ES256", {"kty": "EC", "crv": "P-256", "x": 5, "y": P256_X}),
        ("ES256", {"kty": "EC", "crv": "P-384", "x": P256_X, "y": P256_X}),
        ("ES256", {"kty": "OKP", "crv": "P-256", "x": P256_X, "y": P256_X}),
        ("EdDSA", {"kty": "OKP", "crv": "X25519", "x": P256_X}),
        ("EdDSA", {"kty": "OKP", "crv": "Ed448", "x": P256_X}),
        ("EdDSA", {"kty": "OKP", "crv": "Ed25519", "x": encode(encoded(2, 0))}),
        ("EdDSA", {"kty": "OKP", "crv": "Ed25519"}),
        ("EdDSA", {"kty": "OKP", "crv": "Ed25519", "x": None}),
        ("EdDSA", []),
        ("EdDSA", "x"),
    ],
)
def test_bytes_that_are_no_key_are_refused(proofs, alg, jwk):
    with pytest.raises(InvalidProof):
        verified(proofs, proof(Key(alg), header={"jwk": jwk}))


@pytest.mark.parametrize("name", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
def test_a_private_part_is_refused_by_its_name(proofs, name):
    key = Key()
    with pytest.raises(InvalidProof, match="private"):
        verified(proofs, proof(key, header={"jwk": {**key.jwk, name: ""}}))


def test_a_jwk_for_another_algorithm(proofs):
    key = Key("EdDSA")
    with pytest.raises(InvalidProof, match="another alg"):
        verified(proofs, proof(key, header={"jwk": {**key.jwk, "alg": "Ed25519"}}))


def test_the_low_orders_are_those_14_by_arithmetic():
    assert len(set(LOW_ORDER)) == 14
    found = {decoded(raw) for raw in LOW_ORDER}
    assert None not in found
    points = {point for point in found if point is not None}
    assert len(points) == 8
    for point in points:
        assert times(8, point) == IDENTITY
        # As many as there can be: with any of them all sums are among them.
        assert {add(point, other) for other in points} == points
    base = decoded(encoded(4 * pow(5, -1, P) % P, 0))
    assert base is not None
    assert times(L, base) == IDENTITY
    assert times(8, base) != IDENTITY


@pytest.mark.parametrize("raw", LOW_ORDER, ids=bytes.hex)
def test_openssl_takes_what_anybody_signed_for_such_a_key(raw, proofs):
    """So the refusal is ours to make; it is of the key, whatever the signature."""
    public = ed25519.Ed25519PublicKey.from_public_bytes(raw)
    assert any(_holds(public, b"%d" % number) for number in range(500))
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": encode(raw)}
    with pytest.raises(InvalidProof, match="anybody"):
        verified(proofs, proof(Key("EdDSA"), header={"jwk": jwk}))


def _holds(public, message):
    try:
        public.verify(FORGED, message)
    except InvalidSignature:
        return False
    return True


@pytest.mark.parametrize("y", [P + 2, P + 18, 2**255 - 1])
def test_a_y_beyond_p_is_a_second_spelling(proofs, y):
    key = Key("EdDSA")
    with pytest.raises(InvalidProof):
        verified(proofs, proof(key, header={"jwk": {**key.jwk, "x": encode(encoded(y, 0))}}))


def test_forgetting_keys_changes_nothing():
    proofs = Proofs(NONCES, keys=2)
    keys = [Key() for _ in range(3)]
    for _ in range(3):
        for key in keys:
            assert verified(proofs, proof(key)).jkt == key.jkt
    # A signature is looked at each time, whether the key was known or not.
    good, other = proof(keys[0]), proof(keys[0])
    swapped = f"{good.rpartition('.')[0]}.{other.rpartition('.')[2]}"
    with pytest.raises(InvalidProof):
        verified(proofs, swapped)


def test_a_nonce_is_good_in_its_turn_and_the_next_and_of_a_clock_one_turn_ahead():
    start = NOW // EVERY * EVERY
    nonce = NONCES.current(start)
    assert nonce == NONCES.current(start + EVERY - 1) != NONCES.current(start + EVERY)
    good = {-EVERY - 1: False, -EVERY: True, -1: True, 0: True, 2 * EVERY - 1: True, 2 * EVERY: False}
    assert {offset: NONCES.is_good(nonce, start + offset) for offset in good} == good


@pytest.mark.parametrize("nonce", ["", "a", "A" * 22, "ä", "a" * 4000])
def test_texts_that_are_no_nonce_are_refused(nonce):
    assert not NONCES.is_good(nonce, NOW)


def test_nonces_of_an_older_secret_are_taken_and_no_longer_made():
    old, new = Nonces([b"o" * 32]), Nonces([b"n" * 32, b"o" * 32])
    assert new.is_good(old.current(NOW), NOW)
    assert not old.is_good(new.current(NOW), NOW)
    assert not Nonces([b"x" * 32]).is_good(old.current(NOW), NOW)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60) | st.from_regex(r"[A-Za-z0-9_-]{1,20}(\.[A-Za-z0-9_-]{0,20}){2}", fullmatch=True))
def test_any_text_is_a_proof_or_refused(sent):
    with pytest.raises(InvalidProof):
        verified(Proofs(NONCES), sent)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["typ", "alg", "jwk", "jwk.x", "jwk.y", "jwk.kty", "jwk.alg"]), JSON)
def test_no_header_is_anything_but_refused(name, value):
    key = Key()
    header: dict[str, Any] = {"typ": "dpop+jwt", "alg": "ES256", "jwk": dict(key.jwk)}
    outer, _, inner = name.partition(".")
    (header[outer] if inner else header)[inner or outer] = value
    text = f"{encode(json.dumps(header).encode())}.{encode(b'{}')}.{encode(bytes(64))}"
    with pytest.raises(InvalidProof):
        verified(Proofs(NONCES), text)
