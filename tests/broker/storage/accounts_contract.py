"""The contract of every store of accounts. A subclass gives it the fixture `accounts`, an empty store."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from broker.accounts.accounts import UNSET, Account, InvalidProfile, new_id

NOW = datetime(2026, 11, 23, 15, 1, 11, 16_000, tzinfo=UTC)
LATER = NOW + timedelta(seconds=5)
SCRYPT_HASH = "0" * 32 + ":" + "f" * 128


def account(email: str = "ada@example.com", **fields: Any) -> Account:
    return replace(
        Account(
            id=new_id(),
            name="Ada Lovelace",
            email=email,
            email_verified=False,
            image=None,
            created_at=NOW,
            updated_at=NOW,
        ),
        **fields,
    )


class AccountsContract:
    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"email_verified": True, "image": "https://example.com/a.png", "tier": "gold", "banned": True},
            {"name": "Ада 🌊 'quoted\" $1 %s"},
        ],
    )
    async def test_an_account_comes_back_as_it_was_stored(
        self, accounts: Any, fields: Mapping[str, Any]
    ) -> None:
        ada = account(**fields)
        assert await accounts.create(ada, "some hash")
        for found in (await accounts.by_email(ada.email), await accounts.by_id(ada.id)):
            assert found.account == ada
            assert found.password_hash == "some hash"

    async def test_an_account_may_have_no_password(self, accounts: Any) -> None:
        ada = account()
        await accounts.create(ada, None)
        assert (await accounts.by_id(ada.id)).password_hash is None
        assert not await accounts.replace_password(ada.id, old_hash="", new_hash="h", now=LATER)

    async def test_an_unknown_key_gives_none(self, accounts: Any) -> None:
        for key in ("ada@example.com", "", "\0", "\ud800", "x" * 100_000, "' OR 1=1 --"):
            assert await accounts.by_email(key) is None
            assert await accounts.by_id(key) is None

    async def test_one_of_many_sign_ups_for_one_address_wins(self, accounts: Any) -> None:
        rivals = [account(name=f"rival {number}") for number in range(32)]
        won = await asyncio.gather(*(accounts.create(rival, "h") for rival in rivals))
        [winner] = [one for one in won if one is not None]
        assert winner in rivals
        assert (await accounts.by_email(winner.email)).account == winner
        assert len(await accounts.page("", 100)) == 1

    async def test_a_refused_sign_up_leaves_nothing(self, accounts: Any) -> None:
        await accounts.create(account(), "h")
        loser = account()
        assert not await accounts.create(loser, "other")
        assert await accounts.by_id(loser.id) is None

    async def test_a_profile_changes_only_where_it_is_told_to(self, accounts: Any) -> None:
        ada = account(image="https://example.com/a.png")
        await accounts.create(ada, "h")
        renamed = await accounts.update_profile(ada.id, name="Ada", image=UNSET, now=LATER)
        assert renamed == replace(ada, name="Ada", updated_at=LATER)
        bare = await accounts.update_profile(ada.id, name=None, image=None, now=LATER)
        assert bare == replace(renamed, image=None)
        assert (await accounts.by_id(ada.id)).account == bare
        assert await accounts.update_profile(new_id(), name="Nobody", image=UNSET, now=LATER) is None

    @pytest.mark.parametrize("text", ["nul \0", "half \ud83d"])
    async def test_text_that_no_database_takes_is_refused_by_name(self, accounts: Any, text: str) -> None:
        ada = account()
        with pytest.raises(InvalidProfile):
            await accounts.create(replace(ada, name=text), "h")
        await accounts.create(ada, "h")
        for change in ({"name": text, "image": UNSET}, {"name": None, "image": text}):
            with pytest.raises(InvalidProfile):
                await accounts.update_profile(ada.id, **change, now=LATER)

    async def test_a_password_changes_only_from_the_one_that_was_checked(self, accounts: Any) -> None:
        ada, bob = account(), account("bob@example.com")
        await accounts.create(ada, "old")
        await accounts.create(bob, "old")
        assert await accounts.replace_password(ada.id, old_hash="old", new_hash="new", now=LATER)
        assert not await accounts.replace_password(ada.id, old_hash="old", new_hash="stale", now=LATER)
        assert (await accounts.by_id(ada.id)).password_hash == "new"
        assert (await accounts.by_id(bob.id)).password_hash == "old"

    async def test_one_of_many_password_changes_at_once_wins(self, accounts: Any) -> None:
        ada = account()
        await accounts.create(ada, "old")
        changes = [
            accounts.replace_password(ada.id, old_hash="old", new_hash=f"new {number}", now=LATER)
            for number in range(16)
        ]
        won = await asyncio.gather(*changes)
        assert won.count(True) == 1
        assert (await accounts.by_id(ada.id)).password_hash == f"new {won.index(True)}"

    async def test_a_deleted_account_is_gone_with_its_password(self, accounts: Any) -> None:
        ada = account()
        await accounts.create(ada, SCRYPT_HASH)
        assert await accounts.delete(ada.id)
        assert not await accounts.delete(ada.id)
        assert await accounts.by_email(ada.email) is None
        assert not await accounts.has_scrypt()
        assert await accounts.create(account(), "h")

    async def test_a_ban_and_a_tier_are_set_and_taken_back(self, accounts: Any) -> None:
        ada = account()
        await accounts.create(ada, "h")
        assert await accounts.set_banned(ada.id, True)
        assert await accounts.set_tier(ada.id, "gold")
        found = (await accounts.by_id(ada.id)).account
        assert found == replace(ada, banned=True, tier="gold")
        assert await accounts.set_banned(ada.id, False)
        assert await accounts.set_tier(ada.id, None)
        assert (await accounts.by_id(ada.id)).account == ada
        assert not await accounts.set_banned(new_id(), True)
        assert not await accounts.set_tier(new_id(), "gold")

    async def test_pages_run_through_every_account_once(self, accounts: Any) -> None:
        emails = [f"reader{number:02}@example.com" for number in range(7)]
        for email in reversed(emails):
            await accounts.create(account(email), "h")
        seen: list[str] = []
        while page := await accounts.page(seen[-1] if seen else "", 3):
            assert len(page) <= 3
            seen += [one.email for one in page]
        assert seen == emails

    async def test_it_knows_whether_hashes_of_better_auth_are_left(self, accounts: Any) -> None:
        ada = account()
        await accounts.create(account("bob@example.com"), "$argon2id$v=19$m=19456,t=2,p=1$" + "x" * 66)
        assert not await accounts.has_scrypt()
        await accounts.create(ada, SCRYPT_HASH)
        assert await accounts.has_scrypt()
        await accounts.replace_password(ada.id, old_hash=SCRYPT_HASH, new_hash="h", now=LATER)
        assert not await accounts.has_scrypt()

    async def test_a_time_is_kept_in_utc_and_to_the_millisecond(self, accounts: Any) -> None:
        ada = account(created_at=datetime.fromisoformat("2026-11-23T17:01:11.016999+02:00"))
        await accounts.create(ada, "h")
        found = (await accounts.by_id(ada.id)).account
        assert found.created_at == NOW
        assert found.created_at.utcoffset() == timedelta(0)

    async def test_a_cell_that_is_too_long_for_a_hash_is_cut_but_stays_too_long(self, accounts: Any) -> None:
        ada = account()
        await accounts.create(ada, "x" * 100_000)
        assert (await accounts.by_id(ada.id)).password_hash == "x" * 513

    async def test_a_working_store_is_ready(self, accounts: Any) -> None:
        await accounts.ready()
