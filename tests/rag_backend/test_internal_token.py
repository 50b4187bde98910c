"""The token by which the proxy proves itself: every way in which one can be bad."""

import json

import pytest

from tests.rag_backend.books import CLAIMS, HEADER, NOW, digest, is_problem, question, sign

BODY = question()
GOOD = {**CLAIMS, "body_sha256": digest(BODY)}


def without(members, name):
    return {key: value for key, value in members.items() if key != name}


BAD_TOKENS = [
    *(sign(GOOD, {**HEADER, "alg": alg}) for alg in ("none", "HS512", "hs256", "ES256", ["HS256"], None)),
    *(sign(GOOD, {**HEADER, "typ": typ}) for typ in ("JWT", "at+jwt", "CHATGATE-INTERNAL+JWT", None)),
    *(sign(GOOD, {**HEADER, name: "x"}) for name in ("kid", "jku", "crit", "b64", "zip")),
    sign(GOOD, b'{"alg":"HS256","alg":"HS256","typ":"chatgate-internal+jwt"}'),
    sign(GOOD, []),
    sign(GOOD, secret=b"another secret of thirty-two byte"),
    sign(GOOD).rpartition(".")[0] + ".",
    sign(GOOD) + "=",
    sign(GOOD)[:-2],
    *(sign(without(GOOD, name)) for name in GOOD),
    *(sign({**GOOD, "iss": iss}) for iss in ("chatgate-broker", "", None, ["chatgate-proxy"])),
    *(sign({**GOOD, "aud": aud}) for aud in ("other", ["chatgate-backend"], None)),
    *(sign({**GOOD, "exp": exp}) for exp in (NOW + 61, NOW, NOW - 1, str(NOW + 60), NOW + 0.5, True, None)),
    *(sign({**GOOD, "iat": NOW + shift, "exp": NOW + shift + 60}) for shift in (-65, 6, -3600, 3600)),
    *(sign({**GOOD, "body_sha256": value}) for value in (digest(b"other"), digest(BODY) + "=", "", "é", 5)),
    sign(json.dumps(GOOD)[:-1].encode() + b',"iss":"chatgate-proxy"}'),
    sign([]),
    sign(b"\xff"),
    sign({**GOOD, "more": "x" * 4000}),
    "a.b",
    "",
]


@pytest.mark.parametrize("token", BAD_TOKENS)
async def test_a_token_that_is_not_the_proxys_is_refused(client, token):
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    response = await client.post("/chat", content=BODY, headers=headers)
    assert is_problem(response, 401, "invalid_token")
    assert response.headers["www-authenticate"] == "Bearer"


async def test_the_token_is_judged_before_the_body(client):
    for headers in ({}, {"Authorization": "Basic x"}, {"Authorization": f"Bearer {sign(GOOD)}"}):
        response = await client.post("/chat", content=b"{not json", headers=headers)
        assert is_problem(response, 401, "invalid_token")
    twice = [("Authorization", f"Bearer {sign(GOOD)}")] * 2
    assert is_problem(await client.post("/chat", content=BODY, headers=twice), 401, "invalid_token")


@pytest.mark.parametrize("shift", [-64, 5])
async def test_five_seconds_of_another_clock_are_forgiven(client, shift):
    token = sign({**GOOD, "iat": NOW + shift, "exp": NOW + shift + 60})
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    assert (await client.post("/chat", content=BODY, headers=headers)).status_code == 200
