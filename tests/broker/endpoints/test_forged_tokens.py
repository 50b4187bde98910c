"""Rows 1 to 4, 7 to 10, 12 to 16 at the broker: tokens that its own key signed, and wrong in one thing each.

At the proxy the same table is tests/chat_proxy/gate/test_tokens.py. Here the key is taken out of the ring, so
that nothing but the rule in question can refuse a token.
"""

import asyncio
import base64
import json
import time
from collections.abc import Callable
from operator import methodcaller
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from broker.signing.keyring import KeyCipher
from tests.broker.service import CALLBACK, GATEWAY, ISSUER, code
from tests.broker.signing.key_rings import OLD, Server
from tests.oauth import ACCESS_TOKEN, OAuthSite
from tests.tokens.edwards import L
from tests.tokens.signing import OTHER, b64, jwk, sign

INACTIVE = {"active": False}


class Forger:
    """Signs as the broker does, for a session that lives. `claims` and `header` are of a good token."""

    def __init__(self, valkey, token):
        current = Server(valkey).ring().find("signing")
        assert current is not None
        self.key = KeyCipher((OLD,)).open(current.kid, current.sealed)
        self.claims = jwt.decode(token, options={"verify_signature": False})
        self.header = jwt.get_unverified_header(token)

    def good(self, **changes):
        return {**self.claims, "jti": "A" * 16, **changes}

    def signed(self, payload=None, **header):
        return sign(self.good() if payload is None else payload, {**self.header, **header}, self.key.private)

    def with_claims(self, **changes):
        return self.signed(self.good(**changes))

    def without(self, name):
        return self.signed({key: value for key, value in self.good().items() if key != name})

    def raw(self):
        return json.dumps(self.good()).encode()

    def with_signature(self, make):
        text, _, signature = self.signed().rpartition(".")
        return f"{text}.{make(base64.urlsafe_b64decode(signature + '=='))}"

    def shared_secret(self, form):
        public, spki = self.key.private.public_key(), serialization.PublicFormat.SubjectPublicKeyInfo
        secret = {
            "PEM": public.public_bytes(serialization.Encoding.PEM, spki),
            "DER": public.public_bytes(serialization.Encoding.DER, spki),
            "JWK": json.dumps(dict(self.key.public)).encode(),
            "JWKS": json.dumps({"keys": [dict(self.key.public)]}, separators=(",", ":")).encode(),
        }[form]
        text = f"{b64(json.dumps({**self.header, 'alg': 'HS256'}).encode())}.{b64(self.raw())}"
        algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
        return f"{text}.{b64(algorithm.sign(text.encode(), secret))}"


def now():
    return int(time.time())


REFUSED: dict[str, Callable[[Any], str]] = {
    "1-none": lambda forger: forger.signed(alg="none"),
    "1-nOnE": lambda forger: forger.signed(alg="nOnE"),
    "1-empty-signature": lambda forger: forger.with_signature(lambda _: ""),
    **{f"2-{form}": methodcaller("shared_secret", form) for form in ("PEM", "DER", "JWK", "JWKS")},
    "3-jwk": lambda forger: sign(
        forger.good(), {**forger.header, "jwk": jwk(OTHER, "x", "EdDSA"), "alg": "EdDSA"}, OTHER
    ),
    **{
        f"4-{kid!r:.12}": methodcaller("signed", kid=kid)
        for kid in ("../../k", "k' or 1=1 --", "k\r\nx: y", "k\0", "*", "{k}", "k" * 10_000, 7, None, "")
    },
    "7-expired": lambda forger: forger.with_claims(iat=now() - 400, exp=now() - 100),
    "7-no-exp": lambda forger: forger.without("exp"),
    "7-exp-text": lambda forger: forger.with_claims(exp=str(now() + 300)),
    "7-exp-1e300": lambda forger: forger.with_claims(exp=1e300),
    "7-nbf": lambda forger: forger.with_claims(nbf=now() + 100),
    "7-iat-ahead": lambda forger: forger.with_claims(iat=now() + 60, exp=now() + 200),
    "7-long-life": lambda forger: forger.with_claims(exp=now() + 3600),
    "8-aud": lambda forger: forger.with_claims(aud="https://evil.example"),
    "8-aud-list": lambda forger: forger.with_claims(aud=[forger.claims["aud"]]),
    "8-no-aud": lambda forger: forger.without("aud"),
    "8-iss": lambda forger: forger.with_claims(iss="https://evil.example"),
    **{
        f"8-{typ}": methodcaller("signed", typ=typ)
        for typ in ("JWT", "dpop+jwt", "chatgate-internal+jwt", "token-introspection+jwt", None)
    },
    "9-duplicate": lambda forger: forger.signed(forger.raw()[:-1] + b',"sub":"x"}'),
    "9-utf16": lambda forger: forger.signed(json.dumps(forger.good()).encode("utf-16")),
    "9-bom": lambda forger: forger.signed(b"\xef\xbb\xbf" + forger.raw()),
    "9-nan": lambda forger: forger.signed(forger.raw()[:-1] + b',"x":NaN}'),
    "9-depth": lambda forger: forger.signed(forger.raw()[:-1] + b',"x":' + b"[" * 900 + b"]" * 900 + b"}"),
    "9-depth-5000": lambda forger: forger.signed(forger.raw()[:-1] + b',"x":' + b"[" * 5_000 + b"}"),
    "9-digits": lambda forger: forger.signed(forger.raw()[:-1] + b',"x":' + b"1" * 2000 + b"}"),
    "10-9KB": lambda forger: forger.signed(forger.raw() + b" " * 6500),
    "12-crit": lambda forger: forger.signed(crit=["x"]),
    "12-crit-empty": lambda forger: forger.signed(crit=[]),
    "12-b64": lambda forger: forger.signed(b64=False),
    "12-b64-text": lambda forger: forger.signed(b64="false"),
    "13-jwe": lambda forger: f"{b64(b'{}')}.a.b.c.d",
    "13-zip": lambda forger: forger.signed(zip="DEF", enc="A256GCM"),
    "13-p2c": lambda forger: forger.signed(alg="PBES2-HS256+A128KW", p2c=2**31),
    "14-zero": lambda forger: forger.with_signature(lambda _: b64(bytes(64))),
    "14-65-bytes": lambda forger: forger.with_signature(lambda raw: b64(raw + b"0")),
    "14-der": lambda forger: forger.with_signature(
        lambda raw: b64(b"\x30\x44\x02\x20" + raw[:32] + b"\x02\x20" + raw[32:])
    ),
    "16-padding": lambda forger: forger.signed() + "=",
    "16-unused-bits": lambda forger: forger.with_signature(lambda raw: _next_spelling(b64(raw))),
    "16-plus": lambda forger: forger.with_signature(lambda raw: "+" + b64(raw)[1:]),
    "16-newline": lambda forger: forger.signed() + "%0A",
}


def _next_spelling(text):
    # 64 bytes leave four unused bits in the last of 86 characters.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    respelt = text[:-1] + alphabet[alphabet.index(text[-1]) + 1]
    assert base64.urlsafe_b64decode(respelt + "==") == base64.urlsafe_b64decode(text + "==")
    return respelt


async def forger_for(site, valkey):
    return Forger(valkey, (await site.redeem(await site.guest_code())).json()["access_token"])


async def introspected(site, token):
    answer = await site.window.post("/oauth2/introspect", data={"token": token}, auth=GATEWAY)
    assert answer.status_code == 200
    return answer.json()


async def is_refused_everywhere(site, token):
    headers = {"Authorization": f"Bearer {token}"}
    answer = await site.page.post("/auth/revoke", headers=headers)
    # Longer than any header that arrives over a socket, and no token68: either way no token.
    assert code(answer) in ((401, "invalid_token"), (400, "invalid_request"))
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert token not in answer.text
    assert await introspected(site, token) == INACTIVE
    answer = await site.exchange(token, ACCESS_TOKEN)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    answer = await site.revoke(token)
    assert (answer.status_code, answer.content) == (200, b"")


async def test_no_bad_token_is_anything_at_the_broker(site, valkey):
    forger = await forger_for(site, valkey)
    # A forged token without a fault is accepted, so each refusal below has its own fault as the reason.
    assert (await introspected(site, forger.signed()))["active"] is True
    for name, make in REFUSED.items():
        token = make(forger)
        began = time.process_time()
        try:
            await is_refused_everywhere(site, token)
        except AssertionError as error:
            raise AssertionError(name) from error
        assert time.process_time() - began < 0.4, name
    # No refusal ended anything else.
    assert (await introspected(site, forger.signed()))["active"] is True


# Security row 15.
async def test_an_ed25519_signature_with_a_larger_s_is_none(start, valkey):
    make = await start(algorithm="EdDSA")
    async with make() as page, make(None) as window:
        await is_refused_with_a_larger_s(OAuthSite(page, window, ISSUER, "docs", CALLBACK), valkey)


async def is_refused_with_a_larger_s(site, valkey):
    forger = await forger_for(site, valkey)
    assert forger.header["alg"] == "EdDSA"
    assert (await introspected(site, forger.signed()))["active"] is True

    def larger(raw):
        s = int.from_bytes(raw[32:], "little") + L
        return b64(raw[:32] + s.to_bytes(32, "little"))

    await is_refused_everywhere(site, forger.with_signature(larger))


# Security row 3.
@pytest.mark.parametrize("name", ["jku", "x5u"])
async def test_no_address_in_a_header_is_asked(site, valkey, name):
    forger = await forger_for(site, valkey)
    asked = []

    async def take(_reader, writer):
        asked.append(name)
        writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", 0) as stranger:
        port = stranger.sockets[0].getsockname()[1]
        for kid in (forger.key.kid, "unknown"):
            token = forger.signed(kid=kid, **{name: f"http://127.0.0.1:{port}/keys"})
            await is_refused_everywhere(site, token)
        # A connection would be noticed, as our own is.
        assert asked == []
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(2):
            while not asked:  # noqa: ASYNC110 - seen by looking
                await asyncio.sleep(0.01)
        writer.close()
