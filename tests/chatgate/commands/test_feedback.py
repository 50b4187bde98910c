"""`chatgate feedback` on real Valkey."""

import json

import pytest

from chat_proxy import redis_keys
from chat_proxy.conversations.feedback import LIFE_MS, MAX_ENTRIES
from tests.chatgate.command_line import chatgate, refused, said
from tests.chatgate.processes import until
from tokens import readers
from tokens.readers import FORGOTTEN_MS

TWO_SITES = """
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


@pytest.fixture(autouse=True)
def two_sites(home):
    (home / "chatgate.toml").write_text(TWO_SITES)


def note(server, site, message_id, rating, *, question="", answer="", mode="normal"):
    """As the proxy notes one, a moment after the one before."""
    names = [readers.feedback(site), readers.feedback_entry(site, message_id)]
    args = (message_id, 1, FORGOTTEN_MS, MAX_ENTRIES, LIFE_MS, rating, "reader", mode, question, answer)
    begun = server.time()
    until(lambda: server.time() > (begun[0], begun[1] + 2000))
    server.eval(redis_keys.NOTE.source, len(names), *names, *args)


def test_ratings_are_listed_the_latest_first(server):
    note(server, "docs", "first", "helpful")
    note(server, "other", "second", "not_helpful", mode="selection_only")
    result = chatgate("feedback")
    assert result.exit_code == 0
    header, *rows = (line.split("\t") for line in result.stdout.splitlines())
    assert header == ["time (UTC)", "site", "rating", "tier", "mode", "message"]
    assert [row[1:] for row in rows] == [
        ["other", "not_helpful", "reader", "selection_only", "second"],
        ["docs", "helpful", "reader", "normal", "first"],
    ]
    assert result.stderr == "2 ratings: 1 helpful (50 %), 1 not helpful.\n"


def test_one_site_or_one_kind_is_listed(server):
    note(server, "docs", "first", "helpful")
    note(server, "docs", "second", "not_helpful")
    note(server, "other", "third", "helpful")
    of = {"docs": ["second", "first"], "other": ["third"]}
    for site, messages in of.items():
        assert [row.split("\t")[5] for row in said("feedback", "--site", site).splitlines()[1:]] == messages
    result = chatgate("feedback", "--rating", "helpful")
    assert [row.split("\t")[5] for row in result.stdout.splitlines()[1:]] == ["third", "first"]
    assert result.stderr == "2 ratings: 2 helpful, 0 not helpful.\n"


def test_texts_are_short_and_harmless_in_the_table_and_whole_in_json(server):
    note(server, "docs", "first", "helpful", question="What\n is\x1b[31m this?", answer="a" * 1000)
    header, row = (line.split("\t") for line in said("feedback").splitlines())
    assert header[6:] == ["question", "answer"]
    assert row[6:] == ["What is\\x1b[31m this?", "a" * 159 + "…"]
    [entry] = json.loads(said("feedback", "--json"))
    assert (entry["question"], entry["answer"]) == ("What\n is\x1b[31m this?", "a" * 1000)
    assert entry["at"] > 1_700_000_000_000
    assert entry.keys() == {"at", "site", "rating", "tier", "mode", "message_id", "question", "answer"}


def test_without_ratings_it_says_so():
    result = chatgate("feedback")
    assert (result.exit_code, result.stderr) == (0, "No ratings.\n")
    assert json.loads(said("feedback", "--json")) == []


def test_a_site_that_is_not_there_is_named():
    assert "There is no site dcos. The configuration has: docs, other." in refused(
        "feedback", "--site", "dcos"
    )
