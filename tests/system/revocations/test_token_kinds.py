"""Each kind of token at each place of the three services: it is good where it is for, and nowhere else."""

from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import quote

import pytest

from tests.oauth import ACCESS_TOKEN, SESSION_TOKEN
from tests.system.readers import GATEWAY, PASSWORD
from tests.system.revocations.kinds import BACKEND_QUESTION, EMAIL, KINDS, holder, sign_up
from tests.system.stack import JSON, QUESTION

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def account(two_sites):
    sign_up(two_sites)


@pytest.fixture
async def held_by(account, two_sites, places):
    async with AsyncExitStack() as clients:
        yield await holder(clients, two_sites, places)


def outcome(answer):
    """The status, and the code of an error as whichever service names it."""
    if answer.is_success:
        return answer.status_code, ""
    body = answer.json()
    return answer.status_code, body.get("error") or body["code"]


def bearer(held):
    return {"Authorization": f"Bearer {held.value}"}


async def chat_as_bearer(at, held):
    return outcome(await at.places.http.post(f"{at.stack.proxy}/chat", json=QUESTION, headers=bearer(held)))


async def chat_with_a_proof(at, held):
    headers = {"Authorization": f"DPoP {held.value}", "DPoP": await at.proof_of(held.value)}
    return outcome(await at.places.http.post(f"{at.stack.proxy}/chat", json=QUESTION, headers=headers))


async def chat_as_the_proof(at, held):
    token = getattr(at, "bound_token", None) or (await at.bound_access_token()).value
    headers = {"Authorization": f"DPoP {token}", "DPoP": held.value}
    return outcome(await at.places.http.post(f"{at.stack.proxy}/chat", json=QUESTION, headers=headers))


async def conversations(at, held):
    return outcome(await at.places.http.get(f"{at.stack.proxy}/sessions", headers=bearer(held)))


async def token_as_bearer(at, held):
    return outcome(await at.page.get(f"{at.stack.broker}/auth/token", headers=bearer(held)))


async def token_as_cookie(at, held):
    return outcome(await at.page.get(f"{at.stack.broker}/auth/token", headers=cookie(held)))


def cookie(held):
    # As a browser has a signed one; nothing else has a character that it would change.
    return {"Cookie": f"better-auth.session_token={quote(held.value, safe='')}"}


async def session_as_bearer(at, held):
    return shown(await at.page.get(f"{at.stack.broker}/api/auth/get-session", headers=bearer(held)))


async def session_as_cookie(at, held):
    return shown(await at.page.get(f"{at.stack.broker}/api/auth/get-session", headers=cookie(held)))


def shown(answer):
    assert answer.status_code == 200
    return 200, "nobody" if answer.json() is None else answer.json()["user"]["email"]


async def revoke_as_bearer(at, held):
    answer = await at.places.http.post(f"{at.stack.broker}/auth/revoke", headers=bearer(held))
    return *outcome(answer), await held.lives()


async def revoke_by_name(at, held):
    """As the session that a signed-in reader names to Better Auth's API."""
    signed_in = (await at.signed_session_token()).value
    answer = await at.places.http.post(
        f"{at.stack.broker}/api/auth/revoke-session",
        json={"token": held.value},
        headers={"Authorization": f"Bearer {signed_in}"},
    )
    return *outcome(answer), await held.lives()


async def revoke_by_oauth(at, held):
    answer = await at.site.revoke(held.value)
    assert answer.content == b""
    return answer.status_code, "", await held.lives()


async def redeem(at, held):
    return outcome(await at.site.redeem(held.value))


async def refresh(at, held):
    return outcome(await at.site.refresh(held.value))


async def list_sessions(at, held):
    return outcome(await at.site.sessions(held.value))


async def end_a_session(at, held):
    return outcome(await at.site.end_session(held.value, "a" * 22))


async def subject_access_token(at, held):
    return outcome(await at.site.exchange(held.value, ACCESS_TOKEN))


async def subject_session_token(at, held):
    return outcome(await at.site.exchange(held.value, SESSION_TOKEN))


async def proof_for_a_token(at, held):
    code = await at.site.code(EMAIL, PASSWORD)
    parameters = {"grant_type": "authorization_code", "code": code, "code_verifier": at.site.verifier}
    answer = await at.site.send(proof=held.value, redirect_uri=at.site.redirect_uri, **parameters)
    return outcome(answer)


async def introspect(at, held):
    answer = await at.places.http.post(
        f"{at.stack.broker}/oauth2/introspect", data={"token": held.value}, auth=GATEWAY
    )
    assert answer.json() == {"active": False} or answer.json()["active"] is True
    return answer.status_code, answer.json()["active"]


async def introspect_as_the_secret(at, held):
    answer = await at.places.http.post(
        f"{at.stack.broker}/oauth2/introspect", data={"token": "x"}, auth=(GATEWAY[0], held.value)
    )
    return outcome(answer)


async def introspect_as_bearer(at, held):
    answer = await at.places.http.post(
        f"{at.stack.broker}/oauth2/introspect", data={"token": "x"}, headers=bearer(held)
    )
    return outcome(answer)


async def backend(at, held):
    headers = {**JSON, **bearer(held)}
    return outcome(
        await at.places.http.post(f"{at.stack.backend}/chat", content=BACKEND_QUESTION, headers=headers)
    )


GOOD = 200, ""
INVALID_TOKEN = 401, "invalid_token"
INVALID_GRANT = 400, "invalid_grant"
INVALID_PROOF = 400, "invalid_dpop_proof"
LIVES, ENDED = True, False
SESSION_TOKENS = ("raw_session_token", "signed_session_token")

# The answer to every kind of token at a place, and to the kinds that the place is for.
TABLE: dict[Any, tuple[Any, dict[str, Any]]] = {
    chat_as_bearer: (INVALID_TOKEN, {"access_token": GOOD}),
    chat_with_a_proof: (INVALID_TOKEN, {"bound_access_token": GOOD}),
    chat_as_the_proof: ((401, "invalid_dpop_proof"), {"dpop_proof": GOOD}),
    conversations: (INVALID_TOKEN, {"access_token": GOOD}),
    token_as_bearer: ((401, "unauthenticated"), dict.fromkeys(SESSION_TOKENS, GOOD)),
    token_as_cookie: ((401, "unauthenticated"), {"signed_session_token": GOOD}),
    session_as_bearer: ((200, "nobody"), dict.fromkeys(SESSION_TOKENS, (200, EMAIL))),
    session_as_cookie: ((200, "nobody"), {"signed_session_token": (200, EMAIL)}),
    revoke_as_bearer: (
        (*INVALID_TOKEN, LIVES),
        dict.fromkeys(("access_token", *SESSION_TOKENS), (204, "", ENDED)),
    ),
    revoke_by_name: (
        (*GOOD, LIVES),
        dict.fromkeys(("raw_session_token", "session_handle"), (*GOOD, ENDED)),
    ),
    revoke_by_oauth: (
        (*GOOD, LIVES),
        dict.fromkeys(("access_token", "bound_access_token", "refresh_token"), (*GOOD, ENDED)),
    ),
    redeem: (INVALID_GRANT, {"code": GOOD}),
    refresh: (INVALID_GRANT, {"refresh_token": GOOD}),
    list_sessions: (INVALID_GRANT, {"refresh_token": GOOD}),
    end_a_session: (INVALID_GRANT, {"refresh_token": GOOD}),
    # A bound one would need its key's proof.
    subject_access_token: ((400, "invalid_request"), {"access_token": GOOD}),
    subject_session_token: ((400, "invalid_request"), dict.fromkeys(SESSION_TOKENS, GOOD)),
    # The proof of the table is for the proxy.
    proof_for_a_token: (INVALID_PROOF, {}),
    introspect: ((200, False), dict.fromkeys(("access_token", "bound_access_token"), (200, True))),
    introspect_as_the_secret: ((401, "invalid_client"), {"resource_server_secret": GOOD}),
    introspect_as_bearer: ((401, "invalid_client"), {}),
    backend: (INVALID_TOKEN, {"internal_jwt": GOOD}),
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("place", TABLE, ids=lambda place: place.__name__)
async def test_a_token_is_good_where_it_is_for_and_nowhere_else(held_by, place, kind):
    refused, accepted = TABLE[place]
    held = await kind(held_by)
    found = await place(held_by, held)
    assert found == accepted.get(kind.__name__, refused)
    if kind.__name__ not in accepted and LIVES not in found:
        # To be shown at a wrong place has cost it nothing.
        assert await held.lives()
