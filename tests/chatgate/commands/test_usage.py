"""`chatgate usage` on real Valkey: what the proxy counted, by day or by reader."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from chat_proxy import redis_keys
from chat_proxy.admission.places import Place, Spend
from chat_proxy.config import Limits
from tests.chatgate.command_line import chatgate, refused

SITES = """
env = "development"
[broker]
secret = "0123456789abcdef0123456789abcdef-broker"
[sites.docs]
origins = ["http://127.0.0.1:3000"]
backend = "book"
[sites.other]
origins = ["http://127.0.0.1:3001"]
backend = "book"
[backends.book]
url = "http://127.0.0.1:8002"
secret = "0123456789abcdef0123456789abcdef-book"
"""
ADA, BOB = "A" * 32, "B" * 32


@pytest.fixture(autouse=True)
def sites(home):
    (home / "chatgate.toml").write_text(SITES)


def settle(server, site, sub, *counts, tier="reader", is_again=False):
    """As the proxy counts an answer."""
    place = Place.of(redis_keys.site(site), Limits("0", 1, 9, 9), site=site)
    server.hset(place.state, "day", "0")
    caller: Any = SimpleNamespace(sub=sub, tier=tier)  # no more of one is counted
    call = place.settle(f"{sub}{counts}", Spend("book", *counts), caller, is_again=is_again)
    assert call.script is not None
    server.eval(call.script.source, *call.words[2:])


def rows(*arguments):
    result = chatgate("usage", *arguments)
    assert result.exit_code == 0, result.output
    return [line.split("\t") for line in result.stdout.splitlines()]


def test_users_and_their_usage_are_listed(server):
    assert len(rows()) == 1
    assert rows("--readers") == [["site", "user", "tokens today"]]
    for counts in ((100, 20, 1500), (200, 30, 2500)):
        settle(server, "docs", ADA, *counts)
    settle(server, "docs", BOB, 1000, 1, 7, tier="guest")
    settle(server, "other", BOB, 5, 5, 0)
    # A repeated call counts nothing.
    settle(server, "other", BOB, 5, 5, 0, is_again=True)
    header, *found = rows()
    assert header == ["day (UTC)", "site", "backend", "tier", "questions", "tokens in", "tokens out", "cost"]
    assert [row[1:] for row in found] == [
        ["docs", "book", "guest", "1", "1000", "1", "0.000007"],
        ["docs", "book", "reader", "2", "300", "50", "0.004000"],
        ["other", "book", "reader", "1", "5", "5", "0.000000"],
    ]
    assert rows("--readers")[1:] == [["docs", BOB, "1001"], ["docs", ADA, "350"], ["other", BOB, "10"]]
    assert [row[1] for row in rows("--site", "other")[1:]] == ["other"]
    result = chatgate("usage", "--site", "docs", "--json")
    assert [one["tokens_in"] for one in json.loads(result.stdout)] == [1000, 300]


def test_days_that_are_over_are_dropped_with_the_first_question_of_the_next(server):
    name = redis_keys.usage("docs")
    server.hset(name, mapping={"day": 1, "1|book|reader": "3 4 5 6"})
    server.zadd(redis_keys.spenders("docs"), {ADA: 5})
    settle(server, "docs", BOB, 1, 1, 0)
    assert [field for field in server.hkeys(name) if field.startswith("1|")] == []
    assert rows("--readers")[1:] == [["docs", BOB, "2"]]


def test_a_site_that_is_not_there():
    assert "There is no site x." in refused("usage", "--site", "x")
