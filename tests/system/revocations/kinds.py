"""Every kind of token that there is, fresh, and how to see whether it still lives."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx
import orjson

from chat_proxy.backends.internal_token import internal_token
from chat_proxy.config import Backend
from tests.oauth import SESSION_TOKEN, Key, OAuthSite, oauth_site
from tests.system.readers import CALLBACKS, GATEWAY, PASSWORD, Places, claims_of
from tests.system.stack import PAGE, QUESTION, Stack
from tests.trust import TRUST

EMAIL = "ada@example.com"
BACKEND_QUESTION = orjson.dumps(
    {"message": QUESTION["message"], "mode": "normal", "selected_text": None, "history": []}
)
SIGNED = {"Accept": "application/token-introspection+jwt"}


async def for_ever() -> bool:
    return True


@dataclass
class Held:
    """`lives` asks the place that the token is for."""

    value: str
    lives: Callable[[], Awaitable[bool]] = for_ever


@dataclass
class Holder:
    """A reader's page on `docs`, one that uses DPoP, and the other holders of credentials."""

    stack: Stack
    places: Places
    site: OAuthSite
    bound: OAuthSite
    page: httpx.AsyncClient

    async def access_token(self) -> Held:
        token = (await self.site.signed_in(EMAIL, PASSWORD))["access_token"]
        return Held(token, lambda: self.places.access(token))

    async def bound_access_token(self) -> Held:
        token = (await self.bound.signed_in(EMAIL, PASSWORD))["access_token"]
        return Held(token, lambda: self.is_active(token))

    async def refresh_token(self) -> Held:
        token = (await self.site.signed_in(EMAIL, PASSWORD))["refresh_token"]
        return Held(token, lambda: self.places.refresh(self.site, token))

    async def code(self) -> Held:
        code = await self.site.code(EMAIL, PASSWORD)
        return Held(code, lambda: self.places.code(self.site, code))

    async def raw_session_token(self) -> Held:
        return (await self._session())[0]

    async def signed_session_token(self) -> Held:
        return (await self._session())[1]

    async def session_handle(self) -> Held:
        return (await self._session())[2]

    async def _session(self) -> tuple[Held, Held, Held]:
        """The three names of a new session, in the words of the API's answers."""
        body = {"email": EMAIL, "password": PASSWORD}
        answer = await self.page.post(f"{self.stack.broker}/api/auth/sign-in/email", json=body)
        assert answer.status_code == 200, answer.text
        self.page.cookies.clear()
        raw, signed = answer.json()["token"], answer.headers["set-auth-token"]

        async def lives() -> bool:
            exchanged = await self.site.exchange(raw, SESSION_TOKEN)
            return exchanged.status_code == 200

        sid = claims_of((await self.site.exchange(raw, SESSION_TOKEN)).json()["access_token"])["sid"]
        return Held(raw, lives), Held(signed, lives), Held(sid, lives)

    async def dpop_proof(self) -> Held:
        """A good one for a question with the bound access token that is made along with it."""
        self.bound_token = (await self.bound.signed_in(EMAIL, PASSWORD))["access_token"]
        return Held(await self.proof_of(self.bound_token))

    async def introspection_jwt(self) -> Held:
        token = (await self.access_token()).value
        answer = await self.places.http.post(
            f"{self.stack.broker}/oauth2/introspect", data={"token": token}, auth=GATEWAY, headers=SIGNED
        )
        assert claims_of(answer.text)["token_introspection"]["active"]
        return Held(answer.text, lambda: self.places.access(token))

    async def internal_jwt(self) -> Held:
        secret = self.stack.environ["CHATGATE_BACKENDS_BOOK_SECRET"].encode()
        backend = Backend("book", "", "", secret, "chatgate-backend", 0, 0, 0)
        return Held(internal_token(backend, BACKEND_QUESTION, await self._now()))

    async def resource_server_secret(self) -> Held:
        return Held(GATEWAY[1])

    async def garbage(self) -> Held:
        return Held("garbage")

    async def is_active(self, token: str) -> bool:
        answer = await self.places.http.post(
            f"{self.stack.broker}/oauth2/introspect", data={"token": token}, auth=GATEWAY
        )
        return answer.json()["active"]

    async def proof_of(self, token: str) -> str:
        """For a question with this token, by the key of `bound`, with the proxy's nonce."""
        uri = f"{self.stack.proxy}/chat"
        headers = {"Authorization": "DPoP x"}
        refused = await self.places.http.post(uri, json=QUESTION, headers=headers)
        assert self.bound.key is not None
        return self.bound.key.proof("POST", uri, nonce=refused.headers["dpop-nonce"], access_token=token)

    async def _now(self) -> int:
        return claims_of((await self.access_token()).value)["iat"]


KINDS = [
    Holder.access_token,
    Holder.bound_access_token,
    Holder.refresh_token,
    Holder.code,
    Holder.raw_session_token,
    Holder.signed_session_token,
    Holder.session_handle,
    Holder.dpop_proof,
    Holder.introspection_jwt,
    Holder.internal_jwt,
    Holder.resource_server_secret,
    Holder.garbage,
]


async def holder(clients: AsyncExitStack, stack: Stack, places: Places) -> Holder:
    site = await clients.enter_async_context(oauth_site(stack.broker, "docs", CALLBACKS["docs"]))
    bound = await clients.enter_async_context(oauth_site(stack.broker, "docs", CALLBACKS["docs"], Key()))
    page = await clients.enter_async_context(
        httpx.AsyncClient(headers={"Origin": PAGE}, timeout=15, verify=TRUST)
    )
    return Holder(stack, places, site, bound, page)


def sign_up(stack: Stack) -> None:
    body = {"name": "Ada", "email": EMAIL, "password": PASSWORD}
    answer = httpx.post(
        f"{stack.broker}/api/auth/sign-up/email",
        json=body,
        headers={"Origin": PAGE},
        timeout=15,
        verify=TRUST,
    )
    assert answer.status_code == 200, answer.text
