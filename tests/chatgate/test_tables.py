import pytest

from chatgate import tables

SID, SUB = "s" * 22, "u" * 32
SESSION = (
    SID,
    "docs",
    "reader",
    "password",
    "2026-11-24 22:44:51",
    "2026-12-01 22:44:51",
    "192.0.2.7",
    "A" * 90,
)
ACCOUNT = (
    "a.reader.with.a.long.address@example.org",
    "A Reader",
    "reader",
    "banned",
    "2026-11-24 22:44",
    SUB,
)


@pytest.mark.parametrize(
    ("header", "row", "whole"),
    [
        (("session", "site", "tier", "proved", "created", "expires", "address", "agent"), SESSION, SID),
        (("email", "name", "tier", "state", "created (UTC)", "id"), ACCOUNT, SUB),
    ],
)
def test_an_id_stays_in_one_piece(capsys, monkeypatch, header, row, whole):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("FORCE_COLOR", "1")
    tables.show(header, [row])
    assert whole in capsys.readouterr().out
