"""Deleting an account ends what it had: sessions, conversations, the texts of ratings."""

import pytest
import redis

from chat_proxy import redis_keys
from chat_proxy.conversations.feedback import LIFE_MS, MAX_ENTRIES
from tests.broker.endpoints.devices import two_devices
from tests.broker.service import (
    code,
    session_of,
    sign_in,
    sign_up,
)
from tests.conversations import keep_conversation
from tokens import readers
from tokens.readers import FORGOTTEN_MS


async def test_a_deleted_user_is_signed_out_everywhere(make, page):
    other, _ = await two_devices(make, page)
    assert (await page.post("/api/auth/delete-user", json={})).status_code == 200
    assert await session_of(other) is None
    assert code(await sign_in(page, "ada@example.com"))[0] == 401
    await sign_up(page, "ada@example.com")


async def test_a_deleted_users_conversations_and_texts_are_gone(page, valkey):
    sub = (await sign_up(page)).json()["user"]["id"]
    with redis.Redis(unix_socket_path=valkey.socket, decode_responses=True) as client:
        names = [name for site in ("docs", "other") for name in keep_conversation(client, sub, site)]
        others = keep_conversation(client, "o" * 32, "docs")
        assert client.exists(*names) == len(names)
        assert (await page.post("/api/auth/delete-user", json={})).status_code == 200
        assert client.exists(*names) == 0
        assert client.exists(*others) == len(others)
        # The operators keep the ratings, which name no reader.
        for site in ("docs", "other"):
            entry = client.hgetall(readers.feedback_entry(site, f"m-{site}"))
            assert (entry["rating"], entry.keys() & {"question", "answer"}) == ("helpful", set())


@pytest.mark.parametrize("noted_before", [True, False])
async def test_a_rating_that_is_noted_after_its_account_is_gone_brings_no_text(page, valkey, noted_before):
    """The chat proxy keeps a rating in one exchange, and writes it to the operator's list in the next."""
    sub = (await sign_up(page)).json()["user"]["id"]
    with redis.Redis(unix_socket_path=valkey.socket, decode_responses=True) as client:
        keep_conversation(client, sub, "docs")
        names = [readers.feedback("docs"), readers.feedback_entry("docs", "m-docs")]
        if not noted_before:
            client.delete(*names)
        assert (await page.post("/api/auth/delete-user", json={})).status_code == 200
        assert 0 < client.pttl(names[1]) <= FORGOTTEN_MS
        args = (
            "m-docs",
            2,
            FORGOTTEN_MS,
            MAX_ENTRIES,
            LIFE_MS,
            "not_helpful",
            "reader",
            "normal",
            "q",
            "a",
        )
        assert client.eval(redis_keys.NOTE.source, len(names), *names, *args) == 1
        entry = client.hgetall(names[1])
        assert (entry["rating"], entry.keys() & {"question", "answer"}) == ("not_helpful", set())
