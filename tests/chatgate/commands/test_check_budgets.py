"""`chatgate check` on budgets: those in force at each site, and warnings of those that cannot be meant so."""

import pytest

from tests.chatgate.command_line import chatgate, said

PRICED = "max_tokens = 100\nprice_in = 0.5\nprice_out = 2.0\n"
# 1,538 bytes of frame, message and selection are 513 tokens, and the answer may have 100 more.
SHORTEST = 613


def configured(folder, *, site="", backend="", tiers=""):
    (folder / "chatgate.toml").write_text(f"""
env = "development"
[sites.docs]
origins = ["http://127.0.0.1:3000"]
backend = "book"
{site}
[backends.book]
url = "http://127.0.0.1:8002"
{backend}
{tiers}
""")


def warnings(folder, **tables):
    configured(folder, **tables)
    result = chatgate("check")
    assert result.exit_code == 0, result.output
    return result.stderr.splitlines()


def test_each_site_is_shown_with_its_backends_and_the_budgets_in_force(at_home):
    configured(
        at_home,
        site='backends = ["model"]\nguests = true\ndaily_cost = 1.5',
        tiers=(
            '[backends.model]\nkind = "openai"\nmodel = "m"\nurl = "http://127.0.0.1:4000/v1"\n' + PRICED
            + "[tiers.guest]\ndaily_tokens = 20000\n[tiers.team]\ndaily_cost = 0.25\n"
            + "[tiers.other]\nburst = 2\n"
        ),
    )  # fmt: skip
    lines = said("check").splitlines()
    assert "docs\tbook\tnative\t1,537\t0" in lines
    assert f"docs\tmodel\topenai\t{SHORTEST}\t0.000457" in lines
    begin = lines.index("site\tbudget of\ttokens a day\tcost a day")
    assert lines[begin + 1 :] == [
        "docs\tall readers\tno limit\t1.5",
        "docs\tone of tier reader\tno limit\tno limit",
        "docs\tone of tier guest\t20,000\tno limit",
        "docs\tone of tier team\tno limit\t0.25",
    ]


@pytest.mark.parametrize(
    ("tables", "warned"),
    [
        (
            {"backend": PRICED, "tiers": f"[tiers.reader]\ndaily_tokens = {SHORTEST - 1}"},
            "tiers.reader.daily_tokens: no question to backends.book fits into it: the shortest reserves 613",
        ),
        (
            {"backend": PRICED, "site": "daily_cost = 0.000456"},
            "sites.docs.daily_cost: no question to backends.book fits into it: the shortest reserves 0.00045",
        ),
        (
            {"site": "daily_cost = 10.0"},
            "sites.docs.daily_cost: counts nothing, as backends.book has no price. Set price_in",
        ),
        (
            {"tiers": "[tiers.team]\ndaily_cost = 10.0"},
            "tiers.team.daily_cost: counts nothing, as backends.book has no price.",
        ),
        (
            {"backend": PRICED},
            "backends.book: has a price, and tiers.reader has no budget at sites.docs. Set daily_cost or",
        ),
        (
            {"backend": PRICED, "site": "guests = true", "tiers": "[tiers.reader]\ndaily_tokens = 9000"},
            "backends.book: has a price, and tiers.guest has no budget at sites.docs.",
        ),
    ],
    ids=["few tokens", "little money", "no price", "no price for a tier", "no budget", "guests without one"],
)
def test_a_budget_that_cannot_be_meant_so_is_warned_of(at_home, tables, warned):
    [line] = warnings(at_home, **tables)
    assert line.startswith(f"warning: {warned}")


@pytest.mark.parametrize(
    "tables",
    [
        {},
        {"site": "daily_tokens = 100000"},
        {"backend": PRICED, "site": "daily_cost = 0.000457"},
        {"backend": PRICED, "site": f"daily_tokens = {SHORTEST}\nguests = true"},
        {"backend": PRICED, "tiers": "[tiers.reader]\ndaily_cost = 1.0"},
        {"backend": PRICED, "tiers": "[tiers.reader]\ndaily_tokens = 9000\n[tiers.guest]\nburst = 1"},
    ],
    ids=["none", "tokens without a price", "money", "tokens with a price", "a tier's", "no guests"],
)
def test_other_budgets_are_not_warned_of(at_home, tables):
    assert warnings(at_home, **tables) == []
