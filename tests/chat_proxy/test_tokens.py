"""Rows 1 to 16 of the table of bad inputs: what is no token of ours is refused, alike and without a trace."""

import base64
import json
import time

import pytest

from edge.store import command
from tests.chat_proxy.service import ALGS, AUDIENCE, ISSUER, METADATA, token, until
from tests.tokens.test_verify import HEADER, JWKS, OTHER, PAYLOAD, SIGNING, b64, jwk, jwt, serialization, sign
from tokens import liveness


def now():
    return int(time.time())


def good(**changes):
    times = {"iat": now(), "exp": now() + 300}
    return {**PAYLOAD, "iss": ISSUER, "aud": AUDIENCE, "sid": "s1", **times, **changes}


def raw():
    return json.dumps(good()).encode()


def shared_secret(form):
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


def with_header(**changes):
    return sign(good(), {**HEADER, **changes})


def with_claims(**changes):
    return sign(good(**changes))


def with_signature(make):
    head, body, signature = sign(good()).split(".")
    return f"{head}.{body}.{make(signature)}"


def without(name):
    return sign({key: value for key, value in good().items() if key != name})


def raw_signature(signature):
    return base64.urlsafe_b64decode(signature + "==")


REFUSED = {
    "1-none": lambda: with_header(alg="none"),
    "1-nOnE": lambda: with_header(alg="nOnE"),
    "1-empty-signature": lambda: with_signature(lambda _: ""),
    **{f"2-{form}": (lambda form=form: shared_secret(form)) for form in ("PEM", "DER", "JWK", "JWKS")},
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
        f"8-typ-{typ}": (lambda typ=typ: with_header(typ=typ))
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


async def test_no_bad_token_gets_through(service):
    bearer = await service.sign_in()
    assert (await service.ask(bearer)).status_code == 200
    asked = len(service.backend.received)
    for name, make in REFUSED.items():
        bad = make()
        start = time.perf_counter()
        answer = await service.ask(bad)
        taken = time.perf_counter() - start
        assert answer.status_code == 401, name
        assert answer.json()["code"] == "invalid_token", name
        assert answer.headers["www-authenticate"] == f'Bearer error="invalid_token", {METADATA}', name
        assert answer.headers["content-type"] == "application/problem+json"
        assert bad not in answer.text
        assert taken < 0.1, name
    assert len(service.backend.received) == asked
    assert (await service.ask(bearer)).status_code == 200


# Row 14: a high s is the same signature in another form, and valid: nothing is keyed by a signature.
async def test_a_high_s_is_as_good(service):
    await service.sign_in()
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

    def flip(signature):
        raw = raw_signature(signature)
        return b64(raw[:32] + (order - int.from_bytes(raw[32:])).to_bytes(32))

    head, body, signature = token().split(".")
    assert (await service.ask(f"{head}.{body}.{flip(signature)}")).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ([], 401, "unauthenticated"),
        ([("Authorization", "Basic dTpw")], 401, "unauthenticated"),
        ([("Authorization", "Bearer a"), ("Authorization", "Bearer b")], 400, "invalid_request"),
        ([("Authorization", "Bearer")], 400, "invalid_request"),
        ([("Authorization", "Bearer a b")], 400, "invalid_request"),
        ([("Authorization", "Bearer\ta")], 400, "invalid_request"),
        ([("Authorization", "DPoP")], 400, "invalid_request"),
        ([("Authorization", "DPoP a b")], 400, "invalid_request"),
        ([("Authorization", "DPoP\ta")], 400, "invalid_request"),
        ([("Authorization", "DPoP a"), ("Authorization", "Bearer a")], 400, "invalid_request"),
        ([(b"Authorization", b"DPoP \xff")], 400, "invalid_request"),
        ([("Authorization", "DPoPs a")], 401, "unauthenticated"),
        ([("Authorization", "dPOP garbage")], 401, "invalid_token"),
        ([(b"Authorization", b"Bearer \xff")], 400, "invalid_request"),
        ([("Authorization", "bEaReR garbage")], 401, "invalid_token"),
    ],
)
async def test_row_11_one_well_formed_header(service, headers, status, code):
    answer = await service.client.post("/chat", headers=headers, json={"message": "x"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    scheme = "DPoP" if code != "unauthenticated" and "dpop" in str(headers[:1]).lower() else "Bearer"
    assert answer.headers["www-authenticate"].startswith(f"{scheme} ")
    assert METADATA in answer.headers["www-authenticate"]


async def test_a_token_in_the_query_is_none(service):
    bearer = await service.sign_in()
    answer = await service.client.post(f"/chat?access_token={bearer}", json={"message": "x"})
    assert answer.headers["www-authenticate"] == f"Bearer {METADATA}, DPoP {ALGS}, {METADATA}"
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("scope", "method", "path", "needed"),
    [
        ("profile", "POST", "/chat", "chat"),
        ("history", "POST", "/chat", "chat"),
        ("chats history", "POST", "/chat", "chat"),
        ("chat", "GET", "/sessions", "history"),
        ("chat", "GET", "/sessions/c1", "history"),
        ("chat", "DELETE", "/sessions/c1", "history"),
        ("chat history", "POST", "/chat", None),
        ("history chat", "GET", "/sessions", None),
    ],
)
async def test_a_token_is_good_for_what_its_scope_says(service, scope, method, path, needed):
    await service.sign_in()
    headers = service.headers(token(scope=scope))
    body = {"message": "x"} if method == "POST" else None
    answer = await service.client.request(method, path, headers=headers, json=body)
    if needed is None:
        assert answer.status_code == 200
        return
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
    assert answer.json()["scope"] == needed
    challenge = f'Bearer error="insufficient_scope", scope="{needed}", {METADATA}'
    assert answer.headers["www-authenticate"] == challenge
    assert service.backend.received == []


# Rows 3 and 5: nothing is fetched for a header's sake, and unknown kids share one fetch of the key set.
async def test_unknown_kids_cost_one_fetch(service):
    bearer = await service.sign_in()
    assert (await service.ask(bearer)).status_code == 200
    before = service.publisher.fetches
    for number in range(300):
        bad = sign(good(), {**HEADER, "kid": f"unknown{number}"})
        assert (await service.ask(bad)).status_code == 401
    assert service.publisher.fetches - before <= 1
    assert (await service.ask(bearer)).status_code == 200


# Row 6.
async def test_good_keys_outlive_their_publisher(service):
    bearer = await service.sign_in()
    assert (await service.ask(bearer)).status_code == 200
    service.publisher.is_away = True
    fresh = token(jti="another")
    assert (await service.ask(fresh)).status_code == 200
    assert (await service.ask(token(kid="k9"))).status_code == 401


async def test_without_any_key_nobody_can_be_judged(service):
    service.publisher.is_away = True
    answer = await service.ask(await service.sign_in())
    assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_unavailable")
    assert answer.headers["retry-after"]
    assert (await service.client.get("/readyz")).status_code == 503


async def test_a_key_taken_out_of_the_ring_verifies_nothing(service):
    bearer = await service.sign_in()
    assert (await service.ask(bearer)).status_code == 200
    await service.cut(kids="k2")
    assert (await service.ask(bearer)).status_code == 401


async def test_a_ring_that_changes_is_read_anew_in_spite_of_the_cool_down(service):
    bearer = await service.sign_in()

    async def is_listening():
        [[_, count]] = await service.store.run(command("PUBSUB", "NUMSUB", liveness.REVOKED_CHANNEL))
        return count == 1

    # To have begun to listen is worth a fetch too.
    await until(is_listening, 2)
    keys = json.loads(JWKS)["keys"]
    service.publisher.document = json.dumps({"keys": keys[1:]}).encode()
    assert (await service.ask(bearer)).status_code == 401
    service.publisher.document = JWKS
    fetches = service.publisher.fetches
    assert (await service.ask(bearer)).status_code == 401
    assert service.publisher.fetches == fetches
    # As a retirement does that puts a young key in the place of another.
    await service.store.run(command("PUBLISH", liveness.REVOKED_CHANNEL, "*"))

    async def is_answered():
        return (await service.ask(bearer)).status_code == 200

    await until(is_answered, 1)
    assert service.publisher.fetches == fetches + 1
