import asyncio
import re
import socket
import sqlite3
import stat
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from broker.accounts.accounts import AccountsUnavailable
from broker.accounts.hashing_queue import Asker
from broker.accounts.password_hashes import Cost
from broker.accounts.passwords import Passwords
from broker.storage.sql import DEADLINE_S, open_accounts
from tests.broker.storage.accounts_contract import LATER, NOW, AccountsContract, account
from tests.broker.storage.contents import BETTER_AUTH_DDL, BETTER_AUTH_ROWS, VECTORS, WHEN, layout, run_sql
from tests.ports import free_ports

pytest_plugins = ["tests.broker.storage.sql_stores"]

DOCUMENTATION = Path(__file__).parents[3] / "docs" / "better-auth.md"


class TestSqlAccounts(AccountsContract):
    pass


async def _found(store, key):
    found = await store.by_id(key)
    assert found is not None
    return found


async def test_processes_that_start_at_once_make_the_tables_together(accounts_url):
    stores = [open_accounts(accounts_url) for _ in range(4)]
    await asyncio.gather(*(store.create_schema() for store in stores * 3))
    ada = account()
    assert await stores[0].create(ada, "h")
    assert (await _found(stores[3], ada.id)).account == ada
    for store in stores:
        await store.close()


async def test_several_that_open_a_new_sqlite_file_at_once_all_succeed(tmp_path):
    for number in range(20):
        stores = [open_accounts(f"sqlite:///{tmp_path}/{number}.db") for _ in range(4)]
        await asyncio.gather(*(store.create_schema() for store in stores * 3))
        for store in stores:
            await store.close()


async def test_one_wins_when_two_processes_sign_up_one_address(accounts_url):
    stores = [open_accounts(accounts_url) for _ in range(2)]
    await stores[0].create_schema()
    won = await asyncio.gather(*(stores[number % 2].create(account(), "h") for number in range(32)))
    assert len(won) - won.count(None) == 1
    for store in stores:
        await store.close()


async def test_a_database_of_better_auth_gains_one_table_and_nothing_else(accounts_url):
    await run_sql(accounts_url, BETTER_AUTH_DDL + BETTER_AUTH_ROWS)
    before = await layout(accounts_url)
    store = open_accounts(accounts_url)
    await store.create_schema()
    await store.create_schema()
    await store.close()
    after = await layout(accounts_url)
    assert {one.split()[0] for one in after.pop("chatgate_account")} >= {"userId", "tier", "banned"}
    assert after == before


@pytest.mark.parametrize(("own", "made"), [(False, False), (True, True)])
async def test_beside_other_tables_accounts_are_made_in_a_database_of_ours_alone(accounts_url, own, made):
    await run_sql(accounts_url, 'create table "users" ("id" text);')
    store = open_accounts(accounts_url, own=own)
    if made:
        await store.create_schema()
    else:
        with pytest.raises(AccountsUnavailable, match=r"none of the name user or account.*own_database"):
            await store.create_schema()
    assert ("user" in await layout(accounts_url)) is made
    await store.close()


async def test_columns_of_other_names_are_named(accounts_url):
    ddl = BETTER_AUTH_DDL.replace('"emailVerified"', '"email_verified"')
    await run_sql(accounts_url, ddl)
    store = open_accounts(accounts_url)
    await store.create_schema()
    with pytest.raises(AccountsUnavailable, match=r"the table user .* lacks emailVerified"):
        await store.ready()
    await store.close()


async def test_the_users_of_better_auth_sign_in_here(accounts_url):
    await run_sql(accounts_url, BETTER_AUTH_DDL + BETTER_AUTH_ROWS)
    store, passwords = open_accounts(accounts_url), Passwords(Cost(64, 1, 1))
    await store.create_schema()
    ada, bob = await store.by_email("ada@example.com"), await store.by_id("u2")
    assert ada is not None
    assert ada.password_hash is not None
    assert bob is not None
    assert ada.account.id == "-" * 30 + "u1"
    assert (ada.account.name, ada.account.email_verified) == ("Ada", True)
    assert (ada.account.created_at, ada.account.banned, ada.account.is_anonymous) == (NOW, False, False)
    assert (await passwords.verify(VECTORS[0]["password"], ada.password_hash, Asker())).ok
    assert bob.password_hash is None
    assert await store.replace_password("u1", old_hash=ada.password_hash, new_hash="new", now=LATER)
    assert (await _found(store, "u1")).password_hash == "new"
    assert await store.set_banned("u1", True)
    assert await store.delete("u1")
    passwords.close()
    await store.close()


async def test_a_ban_by_a_plugin_that_the_server_got_later_counts(accounts_url):
    await run_sql(accounts_url, BETTER_AUTH_DDL + BETTER_AUTH_ROWS)
    store = open_accounts(accounts_url)
    await store.create_schema()
    assert not (await _found(store, "u1")).account.banned
    await run_sql(
        accounts_url, 'alter table "user" add "banned" {boolean}; update "user" set "banned" = {true};'
    )
    await store.look()
    assert (await _found(store, "u1")).account.banned
    await store.close()


async def test_an_id_that_no_token_can_have_is_refused(accounts_url):
    row = "('auth|7', 'Cy', 'cy@example.com', {true}, null, {when}, {when})"
    await run_sql(accounts_url, f'{BETTER_AUTH_DDL}insert into "user" values {row};')
    store = open_accounts(accounts_url)
    await store.create_schema()
    await expect_unavailable(lambda: store.by_email("cy@example.com"))
    await store.close()


async def test_the_rights_in_the_documentation_are_enough(postgres_url):
    [sql] = re.findall(
        r"```sql\s+(CREATE TABLE chatgate_account.*?)```", DOCUMENTATION.read_text(), re.DOTALL
    )
    await run_sql(postgres_url, BETTER_AUTH_DDL + BETTER_AUTH_ROWS)
    admin = await asyncpg.connect(postgres_url)
    await admin.execute(f"REVOKE CREATE ON SCHEMA public FROM PUBLIC; CREATE ROLE chatgate LOGIN; {sql}")
    store = open_accounts(postgres_url.replace("postgres@", "chatgate@"))
    await store.create_schema()
    assert await store.create(account("cy@example.com"), "h")
    assert await store.replace_password("u1", old_hash=VECTORS[0]["stored"], new_hash="new", now=LATER)
    assert await store.update_profile("u1", name="Ada L.", image=None, now=LATER)
    assert await store.set_banned("u1", True)
    assert await store.set_tier("u1", "gold")
    found = (await _found(store, "u1")).account
    assert (found.name, found.banned, found.tier) == ("Ada L.", True, "gold")
    await store.close()
    await admin.execute("DROP OWNED BY chatgate; DROP ROLE chatgate")
    await admin.close()


async def test_sqlite_dates_that_drizzle_wrote_as_milliseconds_are_read(sqlite_url):
    await run_sql(sqlite_url, BETTER_AUTH_DDL + BETTER_AUTH_ROWS, when="1795446071016")
    store = open_accounts(sqlite_url)
    await store.create_schema()
    assert (await _found(store, "u1")).account.created_at == NOW
    await store.close()


async def test_sqlite_dates_are_written_as_better_auth_reads_them(sqlite_url):
    store = open_accounts(sqlite_url)
    await store.create_schema()
    await store.create(account(), "h")
    await store.close()
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as connection, connection:
        assert connection.execute('select "createdAt" from "user"').fetchone() == (WHEN.strip("'"),)


async def test_a_new_sqlite_file_is_for_its_owner_alone(sqlite_url):
    store = open_accounts(sqlite_url)
    await store.create_schema()
    folder = Path(sqlite_url.removeprefix("sqlite:///")).parent
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    await store.close()


async def seconds(work: Callable[[], Awaitable[object]]) -> float:
    loop = asyncio.get_running_loop()
    start = loop.time()
    await work()
    return loop.time() - start


async def until_available(work):
    async with asyncio.timeout(5):
        while True:
            with suppress(AccountsUnavailable):
                return await work()
            await asyncio.sleep(0.01)


async def expect_unavailable(work) -> None:
    with pytest.raises(AccountsUnavailable) as raised:
        await work()
    assert not re.search(
        r"select|insert|sqlite|postgres|asyncpg|secret|example|127\.", str(raised.value), re.I
    )


async def test_a_postgres_that_refuses_or_stays_silent_is_unavailable_in_time():
    with socket.create_server(("127.0.0.1", 0), backlog=50) as silent:
        for port in (*free_ports(1), silent.getsockname()[1]):
            store = open_accounts(f"postgres://user:secret@127.0.0.1:{port}/db")
            took = await seconds(partial(expect_unavailable, store.ready))
            assert took < DEADLINE_S + 0.3
            await store.close()


async def test_a_postgres_that_falls_silent_is_unavailable_in_time_and_usable_after(relay, postgres_url):
    port = await relay.start()
    database = postgres_url.partition("@/")[2].partition("?")[0]
    store = open_accounts(f"postgresql://postgres@127.0.0.1:{port}/{database}?sslmode=disable")
    await store.create_schema()
    ada = account()
    await store.create(ada, "h")
    relay.freeze()
    calls = [lambda: store.by_id(ada.id), lambda: store.create(account("bob@example.com"), "h"), store.ready]
    took = await asyncio.gather(*(seconds(partial(expect_unavailable, call)) for call in calls * 5))
    assert max(took) < DEADLINE_S + 0.3
    relay.thaw()
    assert (await until_available(lambda: store.by_id(ada.id))).account == ada
    await store.close()


async def test_a_locked_sqlite_file_is_unavailable_in_time_and_can_still_be_read(sqlite_url):
    store = open_accounts(sqlite_url)
    await store.create_schema()
    ada = account()
    await store.create(ada, "h")
    rival = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    rival.execute("begin immediate")
    writes = [lambda: store.create(account("bob@example.com"), "h"), lambda: store.delete(ada.id)]
    took = await asyncio.gather(*(seconds(partial(expect_unavailable, write)) for write in writes))
    assert max(took) < DEADLINE_S + 0.3
    assert (await _found(store, ada.id)).account == ada
    rival.rollback()
    rival.close()
    assert await store.delete(ada.id)
    await store.close()


async def test_a_file_that_is_no_database_is_unavailable(tmp_path):
    (tmp_path / "notes.txt").write_text("these are not the tables you are looking for" * 100)
    store = open_accounts(f"sqlite:///{tmp_path}/notes.txt")
    await expect_unavailable(store.ready)
    await expect_unavailable(store.create_schema)
    await store.close()


async def test_without_tables_it_is_not_ready(accounts_url):
    store = open_accounts(accounts_url)
    await expect_unavailable(store.ready)
    await store.close()


async def test_a_row_that_cannot_be_read_is_unavailable_and_no_crash(sqlite_url):
    await run_sql(sqlite_url, BETTER_AUTH_DDL + BETTER_AUTH_ROWS, when="'last Tuesday'")
    store = open_accounts(sqlite_url)
    await store.create_schema()
    await expect_unavailable(lambda: store.by_id("u1"))
    await store.close()
