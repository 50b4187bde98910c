"""One database for the broker and a real Better Auth server: each reads what the other one wrote, and nothing
of the server's plugins is touched."""

import asyncio
import re
import time
from typing import Any

import asyncpg
import jwt
import pytest

from broker.storage.sql import open_accounts
from broker.storage.sql_tables import OURS
from tests.broker.service import PASSWORD, code, session_of, sign_in, sign_up
from tests.broker.storage.contents import layout, rows
from tests.broker.upstreams.theirs import better_auth_servers, visiting
from tokens import claims

pytestmark = pytest.mark.node
pytest_plugins = ["tests.broker.storage.sql_stores"]

SERVERS = {
    "postgres": {},
    "postgres, uuid": {"ids": "uuid"},
    "postgres, 1.6, serial": {"version": "1.6", "ids": "serial"},
    "sqlite": {},
}
SCRYPT = re.compile(r"[0-9a-f]{32}:[0-9a-f]{128}")
BETTER, BEST = "a better bättery ①", "the best bättery Ⅳ"
"""Each has a character that NFKC makes another one, on both sides."""
CORE = {"id", "name", "email", "emailVerified", "image", "createdAt", "updatedAt"}


@pytest.fixture(scope="module")
def servers(postgres_socket, tmp_path_factory):
    """The addresses of the servers, and of the database of each."""
    names = {name: f"shared_{number}" for number, name in enumerate(SERVERS) if name != "sqlite"}
    file = tmp_path_factory.mktemp("shared") / "auth.db"
    storages: dict[str, dict[str, Any]] = {
        name: {"postgres": {"host": postgres_socket, "database": one}} for name, one in names.items()
    }
    urls = {name: f"postgresql://postgres@/{one}?host={postgres_socket}" for name, one in names.items()}

    async def make():
        admin = await asyncpg.connect(user="postgres", database="postgres", host=postgres_socket)
        for name in names.values():
            await admin.execute(f"CREATE DATABASE {name}")
        await admin.close()
        # Here the broker was there first, and the server's migration finds its tables.
        ours = open_accounts(urls["sqlite"])
        await ours.create_schema()
        await ours.close()

    storages["sqlite"], urls["sqlite"] = {"sqlite": str(file)}, f"sqlite:///{file}"
    asyncio.run(make())
    told = {
        name: {**more, "scrypt": True, "storage": storages[name], "cookiePrefix": f"shared-{number}"}
        for number, (name, more) in enumerate(SERVERS.items())
    }
    with better_auth_servers(told) as addresses:
        yield addresses, urls


@pytest.fixture(params=SERVERS)
def name(request):
    return request.param


@pytest.fixture
def database_url(name, servers):
    return servers[1][name]


@pytest.fixture
async def visitor(name, servers):
    """Makes browsers of readers at the server."""
    async with visiting(servers[0][name]) as visitor:
        yield visitor


@pytest.fixture
async def browser(start, database_url):
    """Makes browsers of readers at a broker over the server's database."""
    return await start(database_url=database_url, own_database=False)


@pytest.fixture
async def accounts(database_url):
    store = open_accounts(database_url)
    yield store
    await store.close()


async def test_an_account_made_there_signs_in_here_and_its_new_password_is_good_there(
    visitor, browser, accounts, database_url
):
    ada = await visitor()
    user = (await ada.sign_up())["user"]
    stored = (await accounts.by_email(ada.email)).password_hash
    async with browser() as page:
        answer = await sign_in(page, ada.email)
        assert answer.status_code == 200, answer.text
        assert (await accounts.by_email(ada.email)).password_hash == stored
        token = (await page.get("/auth/token")).json()["token"]
        sub = claims.parse(jwt.decode(token, options={"verify_signature": False})).sub
        assert sub.lstrip("-") == user["id"]
        change = {"currentPassword": PASSWORD, "newPassword": BETTER, "revokeOtherSessions": True}
        assert (await page.post("/api/auth/change-password", json=change)).status_code == 200
        assert (await session_of(page))["user"]["id"] == sub
    assert SCRYPT.fullmatch((await accounts.by_email(ada.email)).password_hash)
    await ada.post("/sign-in/email", {"email": ada.email, "password": PASSWORD}, status=401)
    await ada.post("/sign-in/email", {"email": ada.email, "password": BETTER})
    change = {"currentPassword": BETTER, "newPassword": BEST}
    await ada.post("/change-password", change)
    async with browser() as page:
        assert (await sign_in(page, ada.email, BETTER)).status_code == 401
        assert (await sign_in(page, ada.email, BEST)).status_code == 200


async def test_an_account_made_here_signs_in_there(visitor, browser, accounts):
    bob = await visitor()
    async with browser() as page:
        made = (await sign_up(page, "bob@example.com")).json()["user"]
        assert (await page.post("/api/auth/update-user", json={"name": "Bob"})).status_code == 200
        # Whether readers may delete their accounts is the server's to say.
        assert (await page.post("/api/auth/delete-user", json={"password": PASSWORD})).status_code == 404
        again = {"name": "Bob", "email": "bob@example.com", "password": PASSWORD}
        assert (await page.post("/api/auth/sign-up/email", json=again)).status_code == 422
    assert SCRYPT.fullmatch((await accounts.by_email("bob@example.com")).password_hash)
    found = await bob.sign_in("bob@example.com")
    assert (found["user"]["id"], found["user"]["name"]) == (made["id"].lstrip("-"), "Bob")
    assert found["user"]["createdAt"] == made["createdAt"]
    assert (await bob.http.get("/list-accounts")).json()[0]["accountId"] == found["user"]["id"]


@pytest.mark.parametrize("name", ["sqlite"], indirect=True)
async def test_in_a_database_that_is_declared_ours_a_sign_in_makes_the_hash_ours(
    visitor, start, accounts, database_url
):
    ada = await visitor()
    await ada.sign_up()
    make = await start(database_url=database_url, own_database=True)
    async with make() as page:
        assert (await sign_in(page, ada.email)).status_code == 200
        assert (await accounts.by_email(ada.email)).password_hash.startswith("$argon2id$")
        assert (await sign_in(page, ada.email)).status_code == 200


@pytest.mark.parametrize("name", ["postgres", "sqlite"], indirect=True)
async def test_nothing_of_the_plugins_is_touched(visitor, browser, accounts, database_url):
    ada, eve, guest = await visitor(), await visitor(), await visitor()
    await ada.sign_up()
    made = await ada.post("/organization/create", {"name": "Readers", "slug": ada.email.partition("@")[0]})
    await ada.post("/organization/set-active", {"organizationId": made["id"]})
    user = (await eve.sign_up())["user"]
    await eve.post("/two-factor/enable", {"password": PASSWORD})
    await guest.post("/sign-in/anonymous")
    # The table of ours is made by the first broker; the others are as the server's migration left them.
    layout_before, before = await layout(database_url), await rows(database_url)
    async with browser() as page:
        answer = await sign_in(page, ada.email)
        sub = answer.json()["user"]["id"]
        await page.post("/api/auth/update-user", json={"name": "Ada here"})
        change = {"currentPassword": PASSWORD, "newPassword": BETTER}
        assert (await page.post("/api/auth/change-password", json=change)).status_code == 200
        new = (await sign_up(page, "new@example.com")).json()["user"]["id"]
        assert (await page.post("/api/auth/sign-in/anonymous")).status_code == 200
        assert code(await sign_in(page, eve.email)) == (403, "TWO_FACTOR_REQUIRED")
    for one in (sub, new, user["id"]):
        assert await accounts.set_banned(one, True)
        assert await accounts.set_tier(one, "gold")
    layout_after, after = await layout(database_url), await rows(database_url)
    assert {**layout_before, OURS: layout_after[OURS]} == layout_after
    for table, kept in before.items():
        written = {"user": {"name", "updatedAt"}, "account": {"password", "updatedAt"}}.get(table, set())
        there = {key: without(written, after[table][key]) for key in kept}
        assert there == {key: without(written, one) for key, one in kept.items()}, table
    added = {table: after[table].keys() - kept.keys() for table, kept in before.items()}
    assert {table: len(keys) for table, keys in added.items() if keys} == {"user": 1, "account": 1}
    # Some columns of plugins have a default, which is false.
    given = {name for name, value in after["user"][new].items() if value}
    assert given == CORE - {"image", "emailVerified"}


@pytest.mark.parametrize("name", ["postgres", "sqlite"], indirect=True)
async def test_a_ban_there_refuses_here_while_it_lasts(visitor, browser, start, accounts, database_url):
    admin, ada = await visitor(), await visitor()
    await admin.sign_up("admin")
    user = (await ada.sign_up())["user"]
    await admin.post("/admin/ban-user", {"userId": user["id"], "banExpiresIn": 3600})
    later = await start(now=lambda: time.time() + 7200, database_url=database_url, own_database=False)
    async with browser() as page, later() as tomorrow:
        assert code(await sign_in(page, ada.email, "not the password"))[0] == 401
        assert code(await sign_in(page, ada.email)) == (403, "BANNED_USER")
        assert (await sign_in(tomorrow, ada.email)).status_code == 200
        await accounts.set_banned(user["id"], False)
        assert code(await sign_in(page, ada.email)) == (403, "BANNED_USER")
        await accounts.set_banned(user["id"], True)
        assert code(await sign_in(tomorrow, ada.email)) == (403, "BANNED_USER")
        await accounts.set_banned(user["id"], False)
        await admin.post("/admin/unban-user", {"userId": user["id"]})
        assert (await sign_in(page, ada.email)).status_code == 200


async def test_ids_of_the_databases_kind_are_looked_up_and_others_name_no_user(accounts, name):
    await accounts.create_schema()
    found = await accounts.look()
    kind = {"postgres, uuid": "uuid", "postgres, 1.6, serial": "integer"}.get(name, "text")
    assert (found.tables.ids, found.tables.account_ids, found.required) == (kind, kind, ())
    for key in ("", "0" * 32, "-" * 32, "x", "7" * 40, "7" * 19, "-7", "' OR 1=1 --", "é", "\0"):
        assert await accounts.by_id(key) is None
        assert not await accounts.set_banned(key, True)


def without(columns, row):
    return {name: value for name, value in row.items() if name not in columns}
