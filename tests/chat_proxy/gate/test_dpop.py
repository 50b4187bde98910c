"""Row 17, and the checks of RFC 9449 4.3: what a proof has to be, and what is answered to any other."""

import asyncio
import secrets
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from tests.chat_proxy.holder import Holder, thumbprint, unsigned
from tests.chat_proxy.proofs import (
    INVALID,
    NEEDED,
    NONCE,
    P256_ORDER,
    REFUSED,
    at_seconds,
    forged,
    signed,
    with_claims,
    with_header,
    with_signature,
)
from tests.chat_proxy.tokens import AUDIENCE, METADATA, SUB, token
from tests.oauth import Key, encode
from tests.tokens.edwards import LOW_ORDER, L
from tokens.dpop import MAX_PROOF


async def test_no_bad_proof_gets_through(service):
    holder = await Holder.signed_in(service)
    assert (await holder.send()).status_code == 200
    for name, (make, reason) in REFUSED.items():
        made = make(holder)
        code = NONCE if reason == NEEDED else INVALID
        try:
            answer = await holder.refused(code, *(made if isinstance(made, list) else [made]))
            assert reason in answer.json()["detail"]
        except AssertionError as error:
            raise AssertionError(name) from error
    assert len(service.backend.received) == 1
    assert (await holder.send()).status_code == 200


@pytest.mark.parametrize("off_by", [-70, 70, -3600, 86_400])
async def test_a_client_with_a_wrong_clock_is_told_so_and_the_time(service, off_by):
    holder = await Holder.signed_in(service)
    answer = await holder.refused(INVALID, at_seconds(off_by)(holder))
    assert answer.json()["reason"] == "iat"
    assert "Date" in answer.headers["access-control-expose-headers"].split(", ")
    for other in (with_claims(iat="1"), with_claims(htm="GET")):
        assert "reason" not in (await holder.refused(INVALID, other(holder))).json()


@pytest.mark.parametrize(
    "make",
    [
        with_claims(),
        with_header(),
        with_claims(htu=f"{AUDIENCE}/chat?a=b"),
        with_claims(htu=f"{AUDIENCE}/chat#a"),
        with_claims(htu="HTTP://127.0.0.1:8001/chat"),
        with_claims(htu=f"{AUDIENCE}/c%68at"),
        with_claims(jti="j" * 256),
        with_claims(unknown={"deep": [1]}),
        lambda holder: holder.proof(iat=holder.now()),
        at_seconds(-60),
        at_seconds(60),
        with_signature(lambda one: one[:32] + (P256_ORDER - int.from_bytes(one[32:])).to_bytes(32)),
    ],
)
async def test_a_proof_is_good_in_every_form_that_the_rfc_allows(service, make):
    holder = await Holder.signed_in(service)
    answer = await holder.send(proofs=[make(holder)])
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519"])
async def test_ed25519_by_either_of_its_names(service, alg):
    holder = await Holder.signed_in(service, key=Key("EdDSA"))
    header = {"typ": "dpop+jwt", "alg": alg, "jwk": holder.key.jwk}
    good = signed(holder.key.private, header, holder.payload())
    assert (await holder.send(proofs=[good])).status_code == 200
    # Security row 15: s and s + L are the same to a verifier that does not look.
    text = unsigned(header, holder.payload())
    private = holder.key.private
    assert isinstance(private, ed25519.Ed25519PrivateKey)
    signature = private.sign(text.encode())
    larger = int.from_bytes(signature[32:], "little") + L
    await holder.refused(INVALID, f"{text}.{encode(signature[:32] + larger.to_bytes(32, 'little'))}")


# Security row 15: a key that any stranger can sign for binds a token to no reader.
async def test_a_key_of_low_order_is_none(service):
    await service.sign_in()
    assert len(LOW_ORDER) == 14
    for raw in LOW_ORDER:
        jwk = {"kty": "OKP", "crv": "Ed25519", "x": encode(raw)}
        holder = Holder(service, cnf={"jkt": thumbprint(jwk)})
        header = {"typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk}
        proof = forged(header, holder, raw)
        answer = await holder.refused(INVALID, proof)
        assert "a key that anybody can sign for" in answer.json()["detail"]
    assert service.backend.received == []


# Refused by its size, or before that by whatever bounds headers.
@pytest.mark.parametrize("size", [MAX_PROOF, 1_000_000])
async def test_a_huge_jti_is_not_looked_at(service, size):
    holder = await Holder.signed_in(service)
    proof = holder.proof(jti="j" * size)
    start = time.process_time()
    answer = await holder.send(proofs=[proof])
    assert answer.status_code in (401, 431)
    assert time.process_time() - start < 0.1
    assert service.backend.received == []


async def test_the_scheme_has_to_be_the_tokens(service):
    holder = await Holder.signed_in(service)
    headers = service.headers(holder.token) | {"DPoP": holder.proof()}
    answer = await service.client.post("/chat", json={"message": "x"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
    assert answer.headers["www-authenticate"] == f'Bearer error="invalid_token", {METADATA}'
    assert "dpop-nonce" not in answer.headers
    holder.token = token()
    await holder.refused("invalid_token", holder.proof())
    assert service.backend.received == []
    # Beside a token that is bound to no key, a proof means nothing.
    headers = service.headers(holder.token) | {"DPoP": "garbage"}
    assert (await service.client.post("/chat", json={"message": "x"}, headers=headers)).status_code == 200


async def test_a_bad_token_is_told_before_a_bad_proof(service):
    holder = Holder(service, aud="https://evil.example")
    await holder.refused("invalid_token", "garbage")
    holder = Holder(service, client_id="nobody")
    await holder.refused("invalid_token", "garbage")


async def test_the_address_is_ours_and_not_the_senders(service):
    holder = await Holder.signed_in(service)
    evil = [("Host", "evil.example"), ("X-Forwarded-Host", "evil.example")]
    assert (await holder.send(headers=evil)).status_code == 200
    await holder.refused(INVALID, holder.proof(htu="http://evil.example/chat"), headers=evil)


async def test_every_route_takes_its_own_proof(service):
    holder = await Holder.signed_in(service)
    assert (await holder.send(json={"message": "x", "session_id": "c-1"})).status_code == 200
    for method, path, status in (
        ("GET", "/sessions", 200),
        ("GET", "/sessions/c-1", 200),
        ("GET", "/sessions/c-2", 404),
        ("DELETE", "/sessions/c-1", 204),
        ("DELETE", "/sessions/c-1", 404),
    ):
        await holder.refused(INVALID, holder.proof("POST", "/chat"), method=method, path=path)
        proof = holder.proof(method, path)
        answer = await holder.send(method, path, proofs=[proof])
        assert answer.status_code == status
        assert answer.headers.get_list("dpop-nonce") == [holder.nonce]
        await holder.refused(INVALID, proof, method=method, path=path)
    # In another spelling of the same path.
    answer = await holder.send("GET", "/sessions/%63-2", proofs=[holder.proof("GET", "/sessions/c-2")])
    assert answer.status_code == 404


async def test_an_insufficient_scope_is_said_in_the_requests_scheme(service):
    holder = await Holder.signed_in(service, scope="history")
    answer = await holder.send()
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
    assert answer.headers["www-authenticate"].startswith('DPoP error="insufficient_scope", scope="chat", ')
    assert answer.headers.get_list("dpop-nonce") == [holder.nonce]


async def test_every_answer_to_the_scheme_has_one_nonce(service):
    holder = await Holder.signed_in(service)
    answers = [
        await holder.send(),
        await holder.send(headers=[("Accept", "text/event-stream")]),
        await holder.send(json={"message": ""}),
        await holder.send(headers=[("Authorization", "DPoP twice")]),
        await holder.send("GET", "/healthz"),
        await holder.send("GET", "/readyz"),
        await holder.send("GET", "/nothing"),
        await holder.send("PUT", "/chat"),
        await holder.send("GET", "/.well-known/oauth-protected-resource"),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 422, 400, 200, 200, 404, 405, 200]
    headers = [("Authorization", f"dpop {holder.token}"), ("Origin", "https://evil.example")]
    answers.append(await service.client.post("/chat", headers=headers))
    assert (answers[-1].status_code, answers[-1].json()["code"]) == (403, "origin_not_allowed")
    answers.append(await service.client.post("/chat", headers={"Authorization": "DPoP"}))
    assert answers[-1].status_code == 400
    for answer in answers:
        assert answer.headers.get_list("dpop-nonce") == [holder.nonce]
    bearer = await service.sign_in("s2")
    for answer in (await service.ask(bearer), await service.ask("garbage"), await service.client.get("/")):
        assert "dpop-nonce" not in answer.headers


async def test_a_dead_session_is_told_before_a_replay(service):
    holder = await Holder.signed_in(service)
    proof = holder.proof()
    assert (await holder.send(proofs=[proof])).status_code == 200
    await service.sign_out()
    await holder.refused("invalid_token", proof)


async def test_proofs_of_two_readers_do_not_meet(service):
    """The same key, and the same jti."""
    key, jti = Key(), secrets.token_hex(8)
    other = SUB[:-1] + "q"
    holders = [await Holder.signed_in(service, key=key, sub=sub) for sub in (SUB, other)]
    answers = await asyncio.gather(
        *(holder.send(proofs=[holder.proof(jti=jti)]) for holder in holders for _ in range(3))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 200, 401, 401, 401, 401]
