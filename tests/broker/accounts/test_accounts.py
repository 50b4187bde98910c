import re
import string
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.accounts.accounts import (
    InvalidEmail,
    InvalidProfile,
    check_image,
    check_name,
    new_id,
    normalise_email,
)


def test_an_id_is_32_letters_and_digits_drawn_evenly():
    counts = Counter("".join(new_id() for _ in range(2000)))
    assert set(counts) == set(string.ascii_letters + string.digits)
    assert max(counts.values()) < 1.3 * min(counts.values())
    assert re.fullmatch("[A-Za-z0-9]{32}", new_id())


def test_bytes_that_would_favour_a_letter_are_thrown_away():
    draws = iter([bytes([255, 254, 248, 247]) * 8, bytes(range(32))])
    assert new_id(lambda size: next(draws)) == "9" * 8 + (string.ascii_letters + string.digits)[:24]


@pytest.mark.parametrize(
    ("raw", "normal"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        ("a.b+c'd_e-f@x-1.example.co.uk", "a.b+c'd_e-f@x-1.example.co.uk"),
        ("x@y.zz", "x@y.zz"),
        ("a" * 242 + "@example.com", "a" * 242 + "@example.com"),
    ],
)
def test_an_address_is_lower_cased(raw, normal):
    assert normalise_email(raw) == normal


@pytest.mark.parametrize("raw", [
    "", "ada", "@", "ada@", "@example.com", "ada@localhost", "a@b@example.com", " ada@example.com",
    "ada@example.com ", "ada@example.com\n", "ada\0@example.com", "ada@exam ple.com", ".ada@example.com",
    "ada.@example.com", "a..b@example.com", "ada@example..com", "ada@-x.com", "ada'@example.com",
    "a" * 243 + "@example.com", "ada@\u212a.com", "ädа@example.com", "ada@bücher.example", "a@" * 5_000_000,
    '"ada"@example.com', "ada@[127.0.0.1]", "ada@example.c", "ada@example.c0m", "\ud800@example.com",
])  # fmt: skip
def test_a_text_that_is_no_address_is_refused(raw):
    with pytest.raises(InvalidEmail):
        normalise_email(raw)


@given(st.one_of(st.text(), st.emails(), st.text(alphabet="aB.@'-+_1 \0\n\u212a", max_size=40)))
def test_an_address_is_refused_or_has_one_form(raw):
    try:
        normal = normalise_email(raw)
    except InvalidEmail:
        return
    assert normal == raw.lower() == normalise_email(normal)
    assert normal.isascii()
    assert normal.isprintable()
    assert normal.count("@") == 1


@pytest.mark.parametrize(("check", "limit"), [(check_name, 256), (check_image, 2048)])
def test_profile_texts_have_a_limit_and_can_be_stored(check, limit):
    assert check("🌊" * limit) == "🌊" * limit
    for raw in ("x" * (limit + 1), "nul\0", "half\udc00"):
        with pytest.raises(InvalidProfile):
            check(raw)
