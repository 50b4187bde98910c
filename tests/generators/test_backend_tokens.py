"""A generated backend answers readers with the broker's tokens, and the chat proxy with its own."""

import secrets
import time

import httpx
import jwt
import pytest

from tests.generators.backends import (
    OTHER_PAGE,
    PAGE,
    SECRET,
    Client,
    SignedIn,
    by_tokens,
    code,
    internal_token,
    only,
)
from tests.oauth import Key, oauth_site
from tests.trust import TRUST

PASSWORD = "a-tall-ship-and-a-star"
INVALID = (401, "invalid_token")
BAD_PROOF = (401, "invalid_dpop_proof")


def asked_by_the_proxy(url, **claims):
    """The answer to a question with the chat proxy's token, of which `claims` are changed."""
    body = b'{"message": "How?"}'
    token = internal_token(body, **claims)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    return httpx.post(f"{url}/chat", content=body, headers=headers, verify=TRUST)


behind_the_proxy = only(
    lambda options: options.auth == "proxy" and not options.llm and options.db == "memory"
)


@by_tokens
def test_a_conversation_is_no_other_readers(client, broker, url, session_id):
    assert client.ask(session_id=session_id).status_code == 200
    other = Client(url, SignedIn(broker))
    assert other.send("GET", "/sessions").json() == {"sessions": []}
    assert code(other.send("GET", f"/sessions/{session_id}")) == (404, "not_found")
    assert code(other.send("DELETE", f"/sessions/{session_id}")) == (404, "not_found")
    assert other.ask("Mine?", session_id=session_id).status_code == 200
    assert len(client.send("GET", f"/sessions/{session_id}").json()["messages"]) == 2
    assert other.send("DELETE", f"/sessions/{session_id}").status_code == 204
    assert client.send("GET", f"/sessions/{session_id}").status_code == 200
    other.close()


@by_tokens
def test_a_sign_out_stops_the_next_question(broker, url):
    reader = SignedIn(broker)
    client = Client(url, reader)
    assert client.ask().status_code == 200
    assert reader.reader.sign_out().status_code == 200
    for answer in (client.ask(), client.send("GET", "/sessions")):
        assert code(answer) == INVALID
        assert 'Bearer error="invalid_token"' in answer.headers["www-authenticate"]
        assert answer.headers["access-control-allow-origin"] == PAGE
    client.close()


async def signed_in(broker, key, **more):
    """A site with the tokens of a new reader, bound to `key`."""
    email = f"reader{secrets.token_hex(8)}@example.com"
    async with httpx.AsyncClient(headers={"Origin": PAGE}, verify=TRUST) as page:
        body = {"name": "Ada", "email": email, "password": PASSWORD}
        assert (await page.post(f"{broker}/api/auth/sign-up/email", json=body)).status_code == 200
    async with oauth_site(broker, "docs", f"{PAGE}/book/signed-in", key) as site:
        answer = await site.redeem(await site.code(email, PASSWORD, **more))
        assert answer.status_code == 200, answer.text
        return answer.json()["access_token"]


class Bound:
    """The holder of a token that is bound to a key; `changes` of the proofs, None to leave a claim out."""

    def __init__(self, url, key, token):
        self.url, self.key, self.token = url, key, token
        self.scheme, self.changes, self.proof = "DPoP", {}, None

    def __call__(self, method, path, content):
        proof = self.proof or self.key.proof(method, self.url + path, access_token=self.token, **self.changes)
        return {"Origin": PAGE, "Authorization": f"{self.scheme} {self.token}", "DPoP": proof}


@by_tokens
async def test_a_bound_token_needs_a_new_proof_of_its_key(broker, url):
    for alg in ("ES256", "EdDSA"):
        key = Key(alg)
        bound = Bound(url, key, await signed_in(broker, key))
        client = Client(url, bound)
        assert client.ask(session_id="bound").status_code == 200
        assert client.send("GET", "/sessions/bound").status_code == 200
        bound.proof = key.proof("GET", f"{url}/sessions", access_token=bound.token)
        assert client.send("GET", "/sessions").status_code == 200
        assert code(client.send("GET", "/sessions")) == BAD_PROOF
        client.close()


@only(lambda options: options.module == "better_auth_memory_quoted")
async def test_a_bad_proof_is_refused(broker, url):
    key = Key()
    bound = Bound(url, key, await signed_in(broker, key))
    client = Client(url, bound)
    now = time.time()
    for changes in (
        {"htm": "GET"},
        {"htu": f"{url}/sessions"},
        {"htu": "https://elsewhere.example/chat"},
        {"ath": "a" * 43},
        {"ath": None},
        {"jti": None},
        {"iat": None},
        {"iat": now - 70},
        {"iat": now + 70},
        {"iat": "now"},
        {"header": {"typ": "JWT"}},
        {"header": {"jwk": Key().jwk}},
        {"header": {"jwk": {**key.jwk, "d": "a" * 43}}},
        {"header": {"jwk": None}},
        {"header": {"jwk": "k"}},
    ):
        bound.changes = changes
        answer = client.ask()
        assert code(answer) == BAD_PROOF, changes
        assert 'DPoP error="invalid_dpop_proof"' in answer.headers["www-authenticate"]
        # The widget tells a wrong clock by this word.
        assert ("iat" in answer.json()["detail"]) == (isinstance(changes.get("iat"), float)), changes
    bound.changes = {}
    for proof in ("x", key.proof("POST", f"{url}/chat", access_token=bound.token) + ", again"):
        bound.proof = proof
        assert code(client.ask()) == BAD_PROOF
    thief = Key()
    bound.proof = thief.proof("POST", f"{url}/chat", access_token=bound.token)
    assert code(client.ask()) == BAD_PROOF
    bound.proof, bound.scheme = None, "Bearer"
    assert code(client.ask()) == INVALID
    bound.scheme, bound.token = "DPoP", SignedIn(broker).token
    assert code(client.ask()) == INVALID
    client.close()


@only(lambda options: options.module == "better_auth_memory_quoted")
async def test_a_token_is_for_what_its_scope_says(broker, url):
    token = await signed_in(broker, None, scope="chat")
    client = Client(url, lambda *_: {"Authorization": f"Bearer {token}"})
    assert client.ask().status_code == 200
    assert code(client.send("GET", "/sessions")) == (403, "insufficient_scope")
    client.close()


@behind_the_proxy
@pytest.mark.parametrize(
    "claims",
    [
        {"key": SECRET + "x"},
        {"aud": "another-backend"},
        {"aud": ["chatgate-backend"]},
        {"iss": "another"},
        {"exp": 1},
        {"exp": None},
        {"iat": None},
        {"body_sha256": "a" * 43},
        {"body_sha256": None},
        {"body_sha256": 1},
        {"header": {"typ": "JWT"}},
        {"header": {"kid": "k"}},
        {"header": {"alg": "HS512"}},
        {"header": {"alg": "none"}},
    ],
    ids=lambda claims: "-".join(f"{name}={str(value)[:12]}" for name, value in claims.items()),
)
def test_another_token_than_the_chat_proxys_is_refused(url, claims):
    assert code(asked_by_the_proxy(url, **claims)) == INVALID


@behind_the_proxy
def test_a_token_that_the_chat_proxy_made_long_ago_is_refused(url):
    assert code(asked_by_the_proxy(url, iat=int(time.time()) - 600)) == INVALID
    assert asked_by_the_proxy(url, iat=int(time.time())).status_code == 200


@behind_the_proxy
def test_the_chat_proxys_token_is_for_one_body(client, url):
    body = b'{"message": "How?"}'
    headers = {"Content-Type": "application/json", **client.by("POST", "/chat", body)}
    assert httpx.post(f"{url}/chat", content=body, headers=headers, verify=TRUST).status_code == 200
    assert code(httpx.post(f"{url}/chat", content=body + b" ", headers=headers, verify=TRUST)) == INVALID
    assert code(httpx.get(f"{url}/sessions", headers=headers, verify=TRUST)) == INVALID
    assert code(httpx.get(f"{url}/sessions", verify=TRUST)) == INVALID


@behind_the_proxy
def test_the_history_is_the_one_that_the_chat_proxy_sends(client):
    before = client.send("GET", "/sessions").json()
    turns = [{"role": "user", "content": "First"}, {"role": "assistant", "content": "Yes."}]
    asked = {"message": "How?", "mode": "normal", "selected_text": None, "history": turns}
    assert client.send("POST", "/chat", asked).status_code == 200
    assert code(client.send("POST", "/chat", {**asked, "history": turns * 51})) == (422, "invalid_history")
    wrong = [{"role": "system", "content": "First"}]
    assert code(client.send("POST", "/chat", {**asked, "history": wrong})) == (422, "invalid_history")
    assert client.send("GET", "/sessions").json() == before


@only(lambda options: options.module == "better_auth_redis_quoted")
def test_the_same_reader_at_another_site_has_other_conversations(broker, client, url, by, session_id):
    assert client.ask(session_id=session_id).status_code == 200
    with httpx.Client(headers={"Origin": OTHER_PAGE}, verify=TRUST) as page:
        body = {"email": by.email, "password": PASSWORD}
        assert page.post(f"{broker}/api/auth/sign-in/email", json=body).status_code == 200
        token = page.get(f"{broker}/auth/token").json()["token"]
    assert jwt.decode(token, options={"verify_signature": False})["client_id"] == "other"
    other = Client(url, lambda *_: {"Authorization": f"Bearer {token}"})
    assert code(other.send("GET", f"/sessions/{session_id}")) == (404, "not_found")
    other.close()
