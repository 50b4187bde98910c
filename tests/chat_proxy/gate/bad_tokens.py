"""Access tokens that the gate refuses, each with the reason."""

import base64
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization

from tests.chat_proxy.tokens import AUDIENCE, ISSUER, token
from tests.tokens.signing import HEADER, JWKS, OTHER, PAYLOAD, SIGNING, b64, jwk, sign


def now() -> int:
    return int(time.time())


def good(**changes: Any) -> dict[str, Any]:
    times = {"iat": now(), "exp": now() + 300}
    return {**PAYLOAD, "iss": ISSUER, "aud": AUDIENCE, "sid": "s1", **times, **changes}


def raw() -> bytes:
    return json.dumps(good()).encode()


def shared_secret(form: str) -> str:
    public = SIGNING.public_key()
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    secret = {
        "PEM": public.public_bytes(serialization.Encoding.PEM, kind),
        "DER": public.public_bytes(serialization.Encoding.DER, kind),
        "JWK": json.dumps(jwk(SIGNING, "k1", "ES256")).encode(),
        "JWKS": JWKS,
    }[form]
    text = f"{b64(json.dumps({**HEADER, 'alg': 'HS256'}).encode())}.{b64(raw())}"
    hmac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    return f"{text}.{b64(hmac.sign(text.encode(), secret))}"


def with_header(**changes: Any) -> str:
    return sign(good(), {**HEADER, **changes})


def with_claims(**changes: Any) -> str:
    return sign(good(**changes))


def with_signature(make: Callable[[str], str]) -> str:
    head, body, signature = sign(good()).split(".")
    return f"{head}.{body}.{make(signature)}"


def without(name: str) -> str:
    return sign({key: value for key, value in good().items() if key != name})


def raw_signature(signature: str) -> bytes:
    return base64.urlsafe_b64decode(signature + "==")


REFUSED: dict[str, Callable[[], str]] = {
    "1-none": lambda: with_header(alg="none"),
    "1-nOnE": lambda: with_header(alg="nOnE"),
    "1-empty-signature": lambda: with_signature(lambda _: ""),
    **{f"2-{form}": partial(shared_secret, form) for form in ("PEM", "DER", "JWK", "JWKS")},
    "3-jwk": lambda: sign(good(), {**HEADER, "jwk": jwk(OTHER, "k1", "EdDSA")}, OTHER),
    "4-traversal": lambda: with_header(kid="../../etc/passwd"),
    "4-sql": lambda: with_header(kid="k1' or 1=1 --"),
    "4-crlf": lambda: with_header(kid="k1\r\nSet-Cookie: a=b"),
    "4-nul": lambda: with_header(kid="k1\0"),
    "4-glob": lambda: with_header(kid="*"),
    "4-number": lambda: with_header(kid=7),
    "4-missing": lambda: sign(good(), {"alg": "ES256", "typ": "at+jwt"}),
    "4-long": lambda: with_header(kid="k" * 2000),
    "7-expired": lambda: with_claims(iat=now() - 400, exp=now() - 100),
    "7-no-exp": lambda: without("exp"),
    "7-exp-text": lambda: with_claims(exp=str(now() + 300)),
    "7-exp-1e300": lambda: with_claims(exp=1e300),
    "7-nbf": lambda: with_claims(nbf=now() + 100),
    "7-iat-ahead": lambda: with_claims(iat=now() + 60, exp=now() + 200),
    "7-long-life": lambda: with_claims(exp=now() + 3600),
    "8-aud": lambda: with_claims(aud=ISSUER),
    "8-aud-list": lambda: with_claims(aud=[AUDIENCE]),
    "8-iss": lambda: with_claims(iss="https://evil.example"),
    **{
        f"8-typ-{typ}": partial(with_header, typ=typ)
        for typ in ("JWT", "dpop+jwt", "chatgate-internal+jwt", "logout+jwt")
    },
    "9-duplicate": lambda: sign(raw()[:-1] + b',"sub":"x"}'),
    "9-utf16": lambda: sign(json.dumps(good()).encode("utf-16")),
    "9-bom": lambda: sign(b"\xef\xbb\xbf" + raw()),
    "9-nan": lambda: sign(raw()[:-1] + b',"x":NaN}'),
    "9-depth": lambda: sign(raw()[:-1] + b',"x":' + b"[" * 1200 + b"]" * 1200 + b"}"),
    "9-digits": lambda: sign(raw()[:-1] + b',"x":' + b"1" * 2000 + b"}"),
    "10-9KB": lambda: token(scope="a" * 9000),
    "12-crit": lambda: with_header(crit=["x"]),
    "12-crit-empty": lambda: with_header(crit=[]),
    "12-b64": lambda: with_header(b64=False),
    "12-b64-text": lambda: with_header(b64="false"),
    "13-jwe": lambda: f"{b64(b'{}')}.a.b.c.d",
    "13-zip": lambda: with_header(zip="DEF", enc="A256GCM"),
    "13-p2c": lambda: with_header(p2c=2**31),
    "14-zero": lambda: with_signature(lambda _: b64(bytes(64))),
    "14-65-bytes": lambda: with_signature(lambda one: b64(raw_signature(one) + b"0")),
    "14-der": lambda: with_signature(
        lambda one: b64(b"\x30\x44\x02\x20" + raw_signature(one)[:32] + b"\x02\x20" + raw_signature(one)[32:])
    ),
    "16-padding": lambda: sign(good()) + "=",
    "16-plus": lambda: with_signature(lambda one: "+" + one[1:]),
    "16-slash": lambda: with_signature(lambda one: "/" + one[1:]),
    "16-unused-bits": lambda: with_signature(lambda one: one[:-1] + chr(ord(one[-1]) + 1)),
    "18-bound": lambda: with_claims(cnf={"jkt": "x" * 43}),
    "unknown-client": lambda: with_claims(client_id="nobody"),
    "unknown-tier": lambda: with_claims(tier="golden"),
    "garbage": lambda: "garbage",
}
