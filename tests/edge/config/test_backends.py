"""The tables of backends: their kinds, their keys, and budgets that an answer fits into."""

import pytest

from chat_proxy.config import resolve
from edge.config.read import read
from edge.config.schema import ConfigurationError
from tests.edge.config.configurations import GOOD, SECRETS

MODEL = 'kind = "openai"\nmodel = "m"\nmax_tokens = 1000\nprice_out = 2.0\n'


def load(tmp_path, text):
    path = tmp_path / "chatgate.toml"
    path.write_text(text)
    return read(path, SECRETS)


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ('kind = "openai"', "backends.book.model: is missing."),
        ('kind = "other"', "backends.book.kind"),
        ('key = "x"', "backends.book.key: is not for kind native."),
        ('model = "m"', "backends.book.model: is not for kind native."),
        ('retrieve_url = "http://127.0.0.1/x"', "backends.book.retrieve_url: is not for kind native."),
        (MODEL + "selection_only = true", "backends.book.selection_only: is not for kind openai."),
        (MODEL + 'retrieve_url = "ftp://x"', "backends.book.retrieve_url"),
        (MODEL + "parameters = '[]'", "backends.book.parameters: must be a JSON object"),
        (MODEL + "parameters = '{'", "backends.book.parameters: must be a JSON object"),
        (MODEL + "parameters = '{\"n\": 2}'", "backends.book.parameters: must not have n,"),
        (MODEL + "price_in = -1", "backends.book.price_in"),
        (
            MODEL + "[tiers.reader]\ndaily_tokens = 999",
            "tiers.reader.daily_tokens: one answer of backends.book",
        ),
        (MODEL + "[tiers.guest]\ndaily_cost = 0.001", "tiers.guest.daily_cost: one answer of backends.book"),
        (MODEL + "added_tokens = 5\n[tiers.reader]\ndaily_tokens = 1004", "tiers.reader.daily_tokens"),
    ],
)
def test_a_fault_is_named_with_its_key(tmp_path, more, fault):
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, GOOD + more)
    assert fault in str(caught.value)


def test_a_site_names_backends_that_are_there(tmp_path):
    text = GOOD.replace('backend = "book"', 'backend = "book"\nbackends = ["bok"]')
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text)
    assert "sites.my-docs.backends: there is no [backends.bok]." in str(caught.value)


def test_a_sites_words_about_its_backends_are_its_own(tmp_path):
    site = 'backend = "book"\nsystem_prompt = "Mine."\nmodel = "mine"\ndaily_cost = 1.5\ndaily_tokens = 5000'
    other = GOOD.replace("my-docs", "other").partition("[backends")[0]
    text = GOOD.replace('backend = "book"', site) + MODEL + "parameters = '{\"top_p\": 1}'\n" + other
    config = resolve(load(tmp_path, text))
    mine, theirs = config.sites["my-docs"].backend, config.sites["other"].backend
    assert (mine.model, mine.system_prompt, mine.url) == (
        "mine",
        "Mine.",
        "http://127.0.0.1:8002/chat/completions",
    )
    assert (theirs.model, theirs.parameters) == ("m", {"top_p": 1})
    limits = config.sites["my-docs"].limits
    assert (limits.daily_tokens, limits.daily_cost) == (5000, 1_500_000)
    assert "sk-" not in repr(mine)
