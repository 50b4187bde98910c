"""How far each revocation reaches, and no farther: from the API and from the command line, judged at the real
proxy and at the real broker."""

import asyncio
import itertools
import json
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from tests.chatgate.command_line import said
from tests.system.readers import (
    ALL,
    CODES,
    COOKIE,
    DOCS,
    OTHER,
    PASSWORD,
    SECOND,
    Holdings,
    claims_of,
    reader,
)
from tests.system.stack import Stack

pytestmark = pytest.mark.system

_NUMBERS = itertools.count()


@dataclass
class World:
    """Two readers of both sites, the first of whom, or whose site, something is done to."""

    stack: Stack
    ada: Holdings
    bob: Holdings

    async def post(self, path, body=None):
        """By Ada's first browser."""
        answer = await self.ada.browsers[0].post(f"{self.stack.broker}{path}", json=body or {})
        assert answer.is_success, answer.text

    async def post_bearer(self, token):
        answer = await self.ada.places.http.post(
            f"{self.stack.broker}/auth/revoke", headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.status_code == 204, answer.text

    async def revoke(self, token):
        assert (await self.ada.sites["docs"].revoke(token)).status_code == 200

    async def command(self, *words):
        # In a thread, as each command runs a loop of its own.
        return await asyncio.to_thread(said, *words)

    def audited(self, event, name):
        """The line of the broker's log about one of Ada's tokens."""
        claims = claims_of(self.ada.access[name])
        lines = [
            line for text in self.stack.log_of("broker").splitlines() if (line := _parsed(text)) is not None
        ]
        [found] = [one for one in lines if one.get("event") == event and one.get("jti") == claims["jti"]]
        return found


def _parsed(text):
    try:
        return json.loads(text)
    except ValueError:
        return None


@pytest.fixture
async def world(two_sites, places):
    async with AsyncExitStack() as clients:
        names = [f"{name}{next(_NUMBERS)}@example.com" for name in ("ada", "bob")]
        ada, bob = [await reader(clients, places, name) for name in names]
        yield World(two_sites, ada, bob)


async def nothing(world):
    pass


async def token_as_bearer(world):
    await world.post_bearer(world.ada.access["cookie"])


async def token_by_oauth(world):
    await world.revoke(world.ada.access["docs"])


async def narrowed_token_by_oauth(world):
    await world.revoke(world.ada.access["docs narrowed"])


async def token_by_command(world):
    line = world.audited("token_issued", "docs")
    await world.command("sessions", "revoke", "--token", line["sub"], line["jti"])


async def narrowed_token_by_command(world):
    jti = claims_of(world.ada.access["docs narrowed"])["jti"]
    await world.command("sessions", "revoke", "--token", world.ada.email, jti)


async def session_by_sign_out(world):
    await world.post("/api/auth/sign-out")


async def session_by_its_cookie(world):
    await world.post("/auth/revoke")


async def session_by_its_refresh_token(world):
    await world.revoke(world.ada.refresh["docs"])


async def session_by_its_handle(world):
    await world.post("/api/auth/revoke-session", {"token": claims_of(world.ada.access["docs"])["sid"]})


async def session_by_command(world):
    line = world.audited("token_issued", "docs")
    await world.command("sessions", "revoke", "--session", world.ada.email, line["sid"])


async def session_by_a_refresh_token_shown_twice(world):
    site, token = world.ada.sites["docs"], world.ada.refresh["docs"]
    assert (await site.refresh(token)).status_code == 200
    assert (await site.refresh(token)).status_code == 400


async def others_by_api(world):
    await world.post("/api/auth/revoke-other-sessions")


async def others_by_command(world):
    sid = claims_of(world.ada.access["docs"])["sid"]
    await world.command("sessions", "revoke", "--others", world.ada.email, sid)


async def password_and_others(world):
    await _change_password(world, revokeOtherSessions=True)


async def password_alone(world):
    await _change_password(world)


async def _change_password(world, **more):
    change = {"currentPassword": PASSWORD, "newPassword": "another horse, another battery", **more}
    await world.post("/api/auth/change-password", change)


async def user_by_api(world):
    await world.post("/api/auth/revoke-sessions")


async def user_by_command(world):
    assert await world.command("sessions", "revoke", "--user", world.ada.email) == "4 sessions ended.\n"


async def user_by_a_ban(world):
    await world.command("users", "ban", world.ada.email)


async def user_whose_ban_is_taken_back(world):
    await user_by_a_ban(world)
    await world.command("users", "unban", world.ada.email)


async def user_by_another_tier(world):
    await world.command("users", "tier", world.ada.email, "guest")


async def user_by_deleting_the_account(world):
    await world.command("users", "delete", world.ada.email, "--yes")


async def user_who_deletes_the_account(world):
    await world.post("/api/auth/delete-user")


async def site_docs(world):
    await world.command("sessions", "revoke", "--client", "docs")


async def site_other(world):
    await world.command("sessions", "revoke", "--client", "other")


async def everything(world):
    await world.command("sessions", "revoke", "--all")


ON_DOCS = COOKIE | SECOND | DOCS | {"docs code"}
ON_OTHER = OTHER | {"other code"}
NOTHING: set[str] = set()

REACH = [
    (nothing, NOTHING, NOTHING),
    (token_as_bearer, {"cookie access", "cookie narrowed access"}, NOTHING),
    (token_by_oauth, {"docs access", "docs narrowed access"}, NOTHING),
    (token_by_command, {"docs access", "docs narrowed access"}, NOTHING),
    (narrowed_token_by_oauth, {"docs narrowed access"}, NOTHING),
    (narrowed_token_by_command, {"docs narrowed access"}, NOTHING),
    (session_by_sign_out, COOKIE, NOTHING),
    (session_by_its_cookie, COOKIE, NOTHING),
    (session_by_its_refresh_token, DOCS, NOTHING),
    (session_by_its_handle, DOCS, NOTHING),
    (session_by_command, DOCS, NOTHING),
    (session_by_a_refresh_token_shown_twice, DOCS, NOTHING),
    # A code that is under way is a session of another device. A site's page ends the site's own sessions
    # (docs/decisions/0014-one-account-at-several-sites.md).
    (others_by_api, ON_DOCS - COOKIE, NOTHING),
    (others_by_command, ALL - DOCS, NOTHING),
    # The browser has a new session, so what was got by the old one is dead as well.
    (password_and_others, ALL - {"cookie"}, NOTHING),
    (password_alone, CODES, NOTHING),
    (user_by_api, ON_DOCS, NOTHING),
    (user_by_command, ALL, NOTHING),
    (user_by_a_ban, ALL, NOTHING),
    (user_whose_ban_is_taken_back, ALL, NOTHING),
    (user_by_another_tier, ALL, NOTHING),
    (user_by_deleting_the_account, ALL, NOTHING),
    (user_who_deletes_the_account, ALL, NOTHING),
    (site_docs, ON_DOCS, ON_DOCS),
    (site_other, ON_OTHER, ON_OTHER),
    (everything, ALL, ALL),
]


@pytest.mark.parametrize(("end", "of_hers", "of_his"), REACH, ids=[row[0].__name__ for row in REACH])
async def test_the_cut_sessions_are_dead_and_all_others_live(configured, world, end, of_hers, of_his):
    await end(world)
    assert ALL - await world.ada.living() == of_hers
    assert ALL - await world.bob.living() == of_his
