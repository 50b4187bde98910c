"""Rows 3, 4, 6, 9 and 15 at the proxy: the side effects of bad tokens."""

import base64
import json
import time

import pytest

from tests.chat_proxy.gate.bad_tokens import good
from tests.chat_proxy.processes import started
from tests.chat_proxy.service import running
from tests.chat_proxy.tokens import Publisher, token
from tests.tokens.edwards import L
from tests.tokens.signing import HEADER, OTHER, b64, jwk, sign
from tokens.jwks.remote import STALE

CANARY = "cAnArY"


@pytest.fixture
async def stranger():
    """A server that counts the clients that ask it for keys."""
    stranger = Publisher()
    await stranger.start()
    yield stranger
    await stranger.stop()


# Security row 3. An address in a header is asked for nothing, whatever key the token names and has.
@pytest.mark.parametrize("kid", ["k1", "unknown"])
@pytest.mark.parametrize("name", ["jku", "x5u", "x5c", "jwk"])
async def test_a_key_that_a_token_brings_is_not_looked_at(service, stranger, name, kid):
    await service.sign_in()
    value = {"x5c": [base64.b64encode(b"x").decode()], "jwk": jwk(OTHER, kid, "EdDSA")}.get(
        name, stranger.url
    )
    by_ours = sign(good(), {**HEADER, "kid": kid, name: value})
    by_its_own = sign(good(), {**HEADER, "alg": "EdDSA", "kid": kid, name: value}, OTHER)
    for bad in (by_ours, by_its_own):
        answer = await service.ask(bad)
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
    assert stranger.fetches == 0
    await service.client.get(stranger.url)
    assert stranger.fetches == 1


# Security row 15.
async def test_an_ed25519_signature_with_a_larger_s_is_none(service):
    await service.sign_in()
    text, _, signature = sign(good(), {**HEADER, "alg": "EdDSA", "kid": "k2"}, OTHER).rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    larger = raw[:32] + (int.from_bytes(raw[32:], "little") + L).to_bytes(32, "little")
    assert (await service.ask(f"{text}.{signature}")).status_code == 200
    answer = await service.ask(f"{text}.{b64(larger)}")
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


# Security row 9, as large as the row has them: their length is enough.
@pytest.mark.parametrize("member", [b"[" * 100_000, b"1" * 5_000])
async def test_a_signed_payload_of_any_depth_is_refused_at_once(service, member):
    await service.sign_in()
    bad = sign(json.dumps(good()).encode()[:-1] + b',"x":' + member + b"}")
    began = time.process_time()
    answer = await service.client.post("/chat", headers=service.headers(bad), json={"message": "x"})
    assert time.process_time() - began < 0.1
    assert answer.status_code in (401, 431)
    assert service.backend.received == []


# Security row 4.
async def test_no_word_of_a_header_is_in_a_log_line(valkey, tmp_path):
    hostile = [f"{CANARY}\r\nevent=admin", f'{CANARY}","event":"admin', f"{CANARY}\0", f"../{CANARY}", CANARY]
    async with started(valkey, tmp_path) as process:
        service = process.service
        bearer = await service.sign_in()
        for kid in hostile:
            assert (await service.ask(token(kid=kid))).status_code == 401
            assert (await service.ask(sign(good(), {**HEADER, "typ": kid}))).status_code == 401
        headers = service.headers(bearer) | {"User-Agent": f"x\x1b[31m{CANARY}", "X-Request-Id": CANARY}
        assert (await service.client.post("/chat", headers=headers, json={"message": "x"})).status_code == 400
        headers["User-Agent"] = CANARY
        assert (await service.client.post("/chat", headers=headers, json={"message": "x"})).status_code == 200
        process.terminate()
        await process.process.wait()
        lines = process.log.read_text().splitlines()
    assert not [line for line in lines if CANARY in line or "admin" in line]
    # The log is there, a JSON object a line.
    assert "question" in [json.loads(line)["event"] for line in lines]


# Security row 6: an hour without the broker's key set, and the bound after which it judges no token.
async def test_good_keys_outlive_their_publisher_by_two_hours(valkey, tmp_path):
    at = [1_000.0]
    async with running(valkey, tmp_path, clock=lambda: at[0]) as service:
        bearer = await service.sign_in()
        assert (await service.ask(bearer)).status_code == 200
        service.publisher.is_away = True
        at[0] += 3600
        for name in ("one", "two"):
            assert (await service.ask(token(jti=name))).status_code == 200
        answer = await service.ask(token(kid="k9"))
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
        assert (await service.client.get("/readyz")).status_code == 200
        at[0] += STALE - 3600 + 1
        answer = await service.ask(bearer)
        assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_unavailable")
        assert answer.headers["retry-after"]
        assert (await service.client.get("/readyz")).status_code == 503
        service.publisher.is_away = False
        at[0] += 11
        assert (await service.ask(bearer)).status_code == 200
