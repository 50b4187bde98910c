"""`chatgate users` on real SQLite and Valkey."""

import asyncio
import re

import pytest

from broker.accounts.hashing_queue import Asker
from broker.accounts.password_hashes import Cost
from broker.accounts.passwords import Passwords
from chatgate.environment import here
from tests.broker.storage.contents import BETTER_AUTH_DDL, run_sql
from tests.chatgate.command_line import chatgate, refused, said
from tests.chatgate.readers import GOOD, add, credential, found_by, living, sign_in
from tests.conversations import keep_conversation

FROM_STDIN = ("--password-stdin",)


def test_an_added_account_can_sign_in(home):
    out = said("users", "add", "Ann@Example.com", "--name", "Ann", "--tier", "guest", *FROM_STDIN, stdin=GOOD)
    found = credential("ann@example.com")
    assert f"Added ann@example.com ({found.account.id})." in out
    assert (found.account.name, found.account.tier, found.account.banned) == ("Ann", "guest", False)
    assert "ship" not in out

    async def verify():
        passwords = Passwords(Cost())
        verdict = await passwords.verify(GOOD.strip(), found.password_hash, Asker())
        passwords.close()
        return verdict.ok

    assert asyncio.run(verify())


@pytest.mark.parametrize(
    ("words", "stdin", "message"),
    [
        (("no-address", "--password-stdin"), GOOD, "Invalid email"),
        (("a@example.com", "--password-stdin"), "short\n", "Password too short. Choose another"),
        (("a@example.com", "--password-stdin"), "password123\n", "among the most used ones"),
        (("a@example.com", "--password-stdin"), "", "Password too short"),
        (
            ("a@example.com", "--tier", "gold"),
            GOOD,
            "There is no tier gold. The configuration has: guest, reader.",
        ),
        (("a@example.com", "--name", "n" * 257), GOOD, "name is longer than 256"),
    ],
)
def test_the_brokers_rules_hold_for_new_accounts(home, words, stdin, message):
    assert message in refused("users", "add", *words, stdin=stdin)
    assert said("users", "list").count("\n") == 1


def test_without_a_terminal_the_password_is_asked_of_standard_input(home):
    assert "with --password-stdin" in refused("users", "add", "ann@example.com", stdin=GOOD)
    assert said("users", "list").count("\n") == 1


@pytest.mark.parametrize(
    "words", [("users", "list"), ("users", "ban", "a@example.com"), ("sessions", "list", "a@example.com")]
)
def test_a_data_folder_that_cannot_be_used_is_named(home, monkeypatch, words):
    (home / "file").touch()
    monkeypatch.setenv("CHATGATE_DATA_DIR", "file/data")
    assert f"data_dir: {home}/file/data cannot be used (Not a directory). Make it" in refused(*words)


@pytest.mark.parametrize("words", [("users", "list"), ("sessions", "list", "a@example.com")])
def test_a_database_that_cannot_be_read_is_named_with_its_key(home, words):
    here()
    (home / ".chatgate" / "accounts.db").write_text("no database, but long enough to be taken for one" * 9)
    message = refused(*words)
    assert "broker.database_url: the accounts database" in message
    assert f"Check that {home}/.chatgate/accounts.db is an SQLite file" in message
    assert "CHATGATE_BROKER_DATABASE_URL or in " in message


def test_a_database_elsewhere_that_cannot_be_made_is_named(home, monkeypatch):
    (home / "file").touch()
    monkeypatch.setenv("CHATGATE_BROKER_DATABASE_URL", f"sqlite:///{home}/file/accounts.db")
    assert f"broker.database_url: {home}/file/accounts.db cannot be made" in refused("users", "list")


def test_an_address_has_one_account(home):
    add()
    assert "has an account already" in refused(
        "users", "add", "ANN@example.com", "--password-stdin", stdin=GOOD
    )


def test_list_shows_everybody_in_the_order_of_addresses(home):
    for name in ("cy", "ann", "bob"):
        add(f"{name}@example.com")
    lines = said("users", "list").splitlines()
    assert [line.split("\t")[0] for line in lines] == [
        "email",
        "ann@example.com",
        "bob@example.com",
        "cy@example.com",
    ]


def test_a_ban_is_recorded_and_ends_the_sessions(home):
    sub = add()
    sign_in(sub), sign_in(sub)
    assert "2 sessions ended" in said("users", "ban", "ann@example.com")
    assert credential("ann@example.com").account.banned
    assert living(sub) == set()
    said("users", "unban", "ann@example.com")
    assert not credential("ann@example.com").account.banned


def test_a_new_tier_ends_the_sessions_that_carry_the_old_one(home):
    sub = add()
    sign_in(sub)
    assert "1 session ended" in said("users", "tier", "ann@example.com", "guest")
    assert credential("ann@example.com").account.tier == "guest"
    assert living(sub) == set()
    said("users", "tier", "ann@example.com", "--clear")
    assert credential("ann@example.com").account.tier is None


@pytest.mark.parametrize("words", [(), ("guest", "--clear")])
def test_a_tier_is_named_or_cleared(home, words):
    add()
    assert "Name a tier, or give --clear" in refused("users", "tier", "ann@example.com", *words)


def test_delete_asks_and_ends_the_sessions(home, server):
    sub = add()
    sign_in(sub)
    assert "No account has the address" in refused("users", "delete", "x@example.com", stdin="")
    assert "Nothing was deleted." in refused("users", "delete", "ann@example.com", stdin="n\n")
    assert len(living(sub)) == 1
    conversations = keep_conversation(server, sub, "docs")
    said("users", "delete", "ann@example.com", "--yes")
    assert found_by("ann@example.com") is None
    assert living(sub) == set()
    assert server.exists(*conversations) == 0


@pytest.mark.parametrize("command", [("ban",), ("unban",), ("delete", "--yes"), ("tier", "--clear")])
def test_an_unknown_account_is_not_changed(home, command):
    assert "No account has the address x@example.com" in refused("users", *command, "x@example.com")


def test_a_ban_without_redis_changes_nothing(home, valkey):
    add()
    valkey.kill()
    assert "Redis does not answer" in refused("users", "ban", "ann@example.com")
    assert not credential("ann@example.com").account.banned


def test_accounts_that_a_better_auth_server_has_too_are_added_as_it_reads_them_and_deleted_there(
    home, monkeypatch
):
    url = f"sqlite:///{here().data_dir}/accounts.db"
    ddl = BETTER_AUTH_DDL.replace('"image" text', '"image" text, "banned" {boolean}')
    asyncio.run(run_sql(url, ddl))
    monkeypatch.setenv("CHATGATE_BROKER_DATABASE_URL", url)
    sub = add()
    password_hash = credential("ann@example.com").password_hash
    assert password_hash is not None
    assert re.fullmatch("[0-9a-f]{32}:[0-9a-f]{128}", password_hash)
    assert "delete one there" in refused("users", "delete", "ann@example.com", "--yes")
    said("users", "ban", "ann@example.com")
    asyncio.run(run_sql(url, 'update "user" set "banned" = {true};'))
    assert "Lift that ban there" in refused("users", "unban", "ann@example.com")
    assert credential("ann@example.com").account.banned
    # With the server gone its bans are the operator's to lift.
    monkeypatch.setenv("CHATGATE_BROKER_OWN_DATABASE", "true")
    said("users", "unban", "ann@example.com")
    assert not credential("ann@example.com").account.banned
    said("users", "delete", "ann@example.com", "--yes")
    assert living(sub) == set()


def test_sessions_of_a_stack_that_is_down_can_be_ended(at_home):
    """The embedded server is started for it and keeps what the command wrote."""
    here()
    sub = add()
    assert chatgate("users", "ban", "ann@example.com").exit_code == 0
    assert said("sessions", "list", sub).count("\n") == 1
