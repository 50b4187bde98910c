"""Proofs that are not what they should be: each made from a Holder, and each with one thing wrong."""

import contextlib
import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any

import jwt
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from tests.chat_proxy.holder import Holder, part, unsigned
from tests.chat_proxy.tokens import AUDIENCE, token
from tests.oauth import Key, encode
from tests.tokens.edwards import FORGED

INVALID = "invalid_dpop_proof"
NONCE = "use_dpop_nonce"
NEEDED = "needs the nonce that is in DPoP-Nonce"
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


Make = Callable[[Holder], str]


def with_signature(change: Callable[[bytes], bytes]) -> Make:
    def make(holder: Holder) -> str:
        head, body, signature = holder.proof().split(".")
        return f"{head}.{body}.{encode(change(jwt.utils.base64url_decode(signature)))}"

    return make


def with_header(**members: Any) -> Make:
    """A member that is None is left out; everything is signed again, by the same key."""

    def make(holder: Holder) -> str:
        header = {name: one for name, one in (part(holder.proof(), 0) | members).items() if one is not None}
        return signed(holder.key.private, header, holder.payload())

    return make


def without(name: str) -> Make:
    def make(holder: Holder) -> str:
        payload = {key: value for key, value in holder.payload().items() if key != name}
        return signed(holder.key.private, part(holder.proof(), 0), payload)

    return make


def with_claims(**claims: Any) -> Make:
    return lambda holder: holder.proof(**claims)


def at_seconds(offset: int) -> Make:
    return lambda holder: holder.proof(iat=int(holder.now()) + offset)


def signed(private: Any, header: Mapping[str, Any], payload: Any) -> str:
    text = unsigned(header, payload)
    algorithm = ECAlgorithm(ECAlgorithm.SHA256) if isinstance(private, ec.EllipticCurvePrivateKey) else None
    return f"{text}.{encode((algorithm or OKPAlgorithm()).sign(text.encode(), private))}"


def in_json_form(holder: Holder) -> str:
    head, body, signature = holder.proof().split(".")
    return json.dumps({"protected": head, "payload": body, "signature": signature})


def by_hmac(holder: Holder) -> str:
    """Keyed by what everybody knows, the public key."""
    jwk = {"kty": "oct", "k": encode(json.dumps(holder.key.jwk).encode())}
    text = unsigned({"typ": "dpop+jwt", "alg": "HS256", "jwk": jwk}, holder.payload())
    hmac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    return f"{text}.{encode(hmac.sign(text.encode(), json.dumps(holder.key.jwk).encode()))}"


def by_nobody(holder: Holder) -> str:
    header = {"typ": "dpop+jwt", "alg": "none", "jwk": holder.key.jwk}
    return f"{unsigned(header, holder.payload())}.{encode(b'0')}"


def without_signature(holder: Holder) -> str:
    return holder.proof().rpartition(".")[0] + "."


def by_rsa(holder: Holder) -> str:
    private = rsa.generate_private_key(65537, 2048)
    jwk = json.loads(RSAAlgorithm.to_jwk(private.public_key()))
    text = unsigned({"typ": "dpop+jwt", "alg": "RS256", "jwk": jwk}, holder.payload())
    signature = RSAAlgorithm(RSAAlgorithm.SHA256).sign(text.encode(), private)
    return f"{text}.{encode(signature)}"


def with_private_jwk(holder: Holder) -> str:
    private: Any = holder.key.private
    jwk = json.loads(ECAlgorithm.to_jwk(private))
    return signed(holder.key.private, part(holder.proof(), 0) | {"jwk": jwk}, holder.payload())


def in_der(signature: bytes) -> bytes:
    return encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))


def by_another_key(holder: Holder) -> str:
    return signed(Key().private, part(holder.proof(), 0), holder.payload())


def of_another_key(holder: Holder) -> str:
    return Key().proof("POST", f"{AUDIENCE}/chat", nonce=holder.nonce, access_token=holder.token)


# By the numbers of RFC 9449 4.3, with the reason that is given. A list is several DPoP headers.
REFUSED = {
    "1-two-headers": (lambda holder: [holder.proof(), holder.proof()], "one DPoP header is needed"),
    "1-the-same-twice": (lambda holder: [holder.proof()] * 2, "one DPoP header is needed"),
    "1-none": (lambda _: [], "one DPoP header is needed"),
    "2-empty": (lambda _: "", "it is not a JWT, or too long"),
    "2-garbage": (lambda _: "garbage", "it is not a JWT, or too long"),
    "2-two-in-one": (lambda holder: f"{holder.proof()}, {holder.proof()}", "it is not a JWT, or too long"),
    "2-json-form": (in_json_form, "it is not a JWT, or too long"),
    "2-padding": (lambda holder: holder.proof() + "=", "it is not a JWT, or too long"),
    "2-not-json": (
        lambda holder: signed(holder.key.private, part(holder.proof(), 0), b"{"),
        "the text is not JSON",
    ),
    "2-twice-a-claim": (
        lambda holder: signed(
            holder.key.private,
            part(holder.proof(), 0),
            json.dumps(holder.payload()).encode()[:-1] + b',"htm":"POST"}',
        ),
        "an object has the same key twice",
    ),
    "3-no-jti": (without("jti"), "jti is missing or not a string"),
    "3-no-htm": (without("htm"), "htm is missing or not a string"),
    "3-no-htu": (without("htu"), "htu is missing or not a string"),
    "3-no-iat": (without("iat"), "iat is missing or not a number"),
    "3-empty-jti": (with_claims(jti=""), "jti is missing or not a string"),
    "3-jti-of-257": (with_claims(jti="j" * 257), "jti is too long"),
    "3-jti-is-a-number": (with_claims(jti=7), "jti is missing or not a string"),
    "3-jti-of-4-KB": (with_claims(jti="j" * 4096), "it is not a JWT, or too long"),
    "3-iat-text": (with_claims(iat="1"), "iat is missing or not a number"),
    "3-iat-true": (with_claims(iat=True), "iat is missing or not a number"),
    "4-typ-jwt": (with_header(typ="JWT"), "typ is not dpop+jwt"),
    "4-typ-at": (with_header(typ="at+jwt"), "typ is not dpop+jwt"),
    "4-no-typ": (with_header(typ=None), "typ is not dpop+jwt"),
    "5-none": (by_nobody, "alg is not one of ES256, EdDSA, Ed25519"),
    "5-hs256": (by_hmac, "alg is not one of ES256, EdDSA, Ed25519"),
    "5-rs256": (by_rsa, "alg is not one of ES256, EdDSA, Ed25519"),
    "5-es384": (with_header(alg="ES384"), "alg is not one of ES256, EdDSA, Ed25519"),
    "5-other-curve": (with_header(alg="EdDSA"), "jwk is not an Ed25519 key, as EdDSA needs"),
    "5-no-alg": (with_header(alg=None), "alg is not one of ES256, EdDSA, Ed25519"),
    "5-crit": (with_header(crit=["b64"]), "it has an extension that is not known here"),
    "6-unsigned": (without_signature, "it is not a JWT, or too long"),
    "6-zero": (with_signature(lambda _: bytes(64)), "the signature is not its key's"),
    "6-der": (with_signature(in_der), "the signature is not 64 bytes"),
    "6-65-bytes": (with_signature(lambda one: one + b"0"), "the signature is not 64 bytes"),
    "6-other-key": (by_another_key, "the signature is not its key's"),
    "6-changed": (lambda holder: changed(holder.proof()), "the signature is not its key's"),
    "6-no-jwk": (with_header(jwk=None), "jwk is missing"),
    "6-kid": (with_header(jwk=None, kid="k1"), "jwk is missing"),
    "7-private": (with_private_jwk, "jwk has a private or symmetric part"),
    "8-method": (with_claims(htm="GET"), "htm is not the request's method"),
    "8-case": (with_claims(htm="post"), "htm is not the request's method"),
    "9-path": (with_claims(htu=f"{AUDIENCE}/sessions"), "htu is not the request's address"),
    "9-path-case": (with_claims(htu=f"{AUDIENCE}/Chat"), "htu is not the request's address"),
    "9-slash": (with_claims(htu=f"{AUDIENCE}/chat/"), "htu is not the request's address"),
    "9-host": (with_claims(htu="http://evil.example/chat"), "htu is not the request's address"),
    "9-port": (with_claims(htu="http://127.0.0.1/chat"), "htu is not the request's address"),
    "9-scheme": (with_claims(htu="https://127.0.0.1:8001/chat"), "htu is not the request's address"),
    "9-user": (
        with_claims(htu="http://evil.example@127.0.0.1:8001/chat"),
        "htu is not the request's address",
    ),
    "9-relative": (with_claims(htu="/chat"), "htu is not the request's address"),
    "10-no-nonce": (with_claims(nonce=None), NEEDED),
    "10-wrong-nonce": (with_claims(nonce="A" * 22), NEEDED),
    "10-nonce-is-a-number": (with_claims(nonce=7), "nonce is not a string"),
    "11-old": (at_seconds(-70), "iat is more than 60 s from the time here"),
    "11-ahead": (at_seconds(70), "iat is more than 60 s from the time here"),
    "11-milliseconds": (
        lambda holder: holder.proof(iat=int(holder.now() * 1000)),
        "iat is more than 60 s from the time here",
    ),
    "12-no-ath": (with_claims(access_token=None), "ath is missing or not a string"),
    "12-ath-of-another-token": (
        lambda holder: holder.proof(access_token=token(jti="other")),
        "ath is not the access token's hash",
    ),
    "12-key-of-another-reader": (of_another_key, "its key is not the one that the token is bound to"),
}


def changed(proof: str) -> str:
    head, _, signature = proof.split(".")
    return f"{head}.{encode(json.dumps(part(proof, 1) | {'jti': 'other'}).encode())}.{signature}"


def forged(header: Mapping[str, Any], holder: Holder, raw: bytes) -> str:
    """A proof made without any private key, which OpenSSL accepts."""
    public = ed25519.Ed25519PublicKey.from_public_bytes(raw)
    while True:
        text = unsigned(header, holder.payload(jti=secrets.token_hex(8)))
        with contextlib.suppress(InvalidSignature):
            public.verify(FORGED, text.encode())
            return f"{text}.{encode(FORGED)}"
