"""Rows 1 to 16 of the table of bad inputs: texts that are no token of ours are refused alike, and leave no
trace."""

import json
import time

import pytest

from edge.redis.client import command
from tests.chat_proxy.gate.bad_tokens import REFUSED, good, raw_signature
from tests.chat_proxy.tokens import ALGS, METADATA, token
from tests.chat_proxy.waiting import until
from tests.tokens.signing import HEADER, JWKS, b64, sign
from tokens import liveness


async def test_no_bad_token_gets_through(service):
    bearer = await service.sign_in()
    assert (await service.ask(bearer)).status_code == 200
    asked = len(service.backend.received)
    for name, make in REFUSED.items():
        bad = make()
        start = time.process_time()
        answer = await service.ask(bad)
        taken = time.process_time() - start
        assert answer.status_code == 401, name
        assert answer.json()["code"] == "invalid_token", name
        assert answer.headers["www-authenticate"] == f'Bearer error="invalid_token", {METADATA}', name
        assert answer.headers["content-type"] == "application/problem+json"
        assert bad not in answer.text
        assert taken < 0.1, name
    assert len(service.backend.received) == asked
    assert (await service.ask(bearer)).status_code == 200


# Security row 14: a high s is the same signature in another form, and valid: nothing is keyed by a signature.
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


# Security rows 3 and 5: nothing is fetched for a header's sake, and unknown kids share one fetch.
async def test_unknown_kids_cost_one_fetch(service):
    bearer = await service.sign_in()
    assert (await service.ask(bearer)).status_code == 200
    before = service.publisher.fetches
    for number in range(300):
        bad = sign(good(), {**HEADER, "kid": f"unknown{number}"})
        assert (await service.ask(bad)).status_code == 401
    assert service.publisher.fetches - before <= 1
    assert (await service.ask(bearer)).status_code == 200


# Security row 6.
async def test_good_keys_outlive_their_publisher(service):
    bearer = await service.sign_in()
    assert (await service.ask(bearer)).status_code == 200
    service.publisher.is_away = True
    fresh = token(jti="another")
    assert (await service.ask(fresh)).status_code == 200
    assert (await service.ask(token(kid="k9"))).status_code == 401


async def test_no_token_can_be_judged_without_any_key(service):
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

    # The beginning of a subscription causes a fetch too.
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
