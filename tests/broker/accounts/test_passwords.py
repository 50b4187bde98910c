import hashlib
import json
import statistics
import time
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.accounts.hashing_queue import Asker
from broker.accounts.password_hashes import SCRYPT, Cost
from broker.accounts.passwords import (
    PasswordRefused,
    Passwords,
    check_new_password,
    common_passwords,
    is_too_long,
)

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "better_auth_passwords.json").read_text())
CHEAP = Cost(memory_kib=64, passes=1, lanes=1)
GOOD = "nine lighthouses"
SCRYPT_HASH = VECTORS[0]["stored"]
SALT_AND_KEY = "$c29tZXNhbHRzb21lc2FsdA$" + "A" * 43

# None of these may be computed: the first would take 2 TiB.
TOO_DEAR = [
    f"$argon2id$v=19$m=2147483648,t=3,p=4{SALT_AND_KEY}",
    f"$argon2id$v=19$m=262145,t=1,p=1{SALT_AND_KEY}",
    f"$argon2id$v=19$m=64,t=11,p=1{SALT_AND_KEY}",
    f"$argon2id$v=19$m=128,t=1,p=9{SALT_AND_KEY}",
]
GARBAGE = [
    "",
    "x",
    "0:0",
    "$argon2id$",
    "a" * 100_000,
    SCRYPT_HASH.upper(),
    SCRYPT_HASH + "\n",
    "\ud800" * 161,
    f"$argon2id$v=19$m=8,t=1,p=2{SALT_AND_KEY}",
    f"$argon2id$v=19$m=64,t=0,p=1{SALT_AND_KEY}",
    f"$argon2id$v=19$m=٦٤,t=1,p=1{SALT_AND_KEY}",
    "$argon2id$v=19$m=64,t=1,p=1$aaaaaaaaaaaaa$" + "A" * 43,
    "$2b$12$abcdefghijklmnopqrstuuRQ0QKkQ1Z8kL0f8c7i4Y0l1l1l1l1l1",
    *TOO_DEAR,
]
UNUSABLE = ["", "\0", "nul\0nul\0nul", "\ud800", "x" * 129, "x" * 1_000_000, "🌊" * 65]


@pytest.fixture
def made():
    """Counts the hashes that were computed, by scheme."""
    return Counter()


@pytest.fixture
def passwords(made):
    pool = Passwords(CHEAP, on_hash=lambda scheme: made.update([scheme]))
    yield pool
    pool.close()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["password"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
async def test_hashes_that_better_auth_stored_are_read_and_due_for_rehash(passwords, vector, form):
    verdict = await passwords.verify(
        unicodedata.normalize(form, vector["password"]), vector["stored"], Asker()
    )
    assert (verdict.ok, verdict.needs_rehash) == (True, True)
    assert not (await passwords.verify(vector["password"] + "x", vector["stored"], Asker())).ok


async def test_a_hash_of_ours_is_read_back(passwords):
    stored = await passwords.hash(check_new_password(GOOD), Asker())
    verdict = await passwords.verify(GOOD, stored, Asker())
    assert (verdict.ok, verdict.needs_rehash) == (True, False)
    assert not (await passwords.verify("ten lighthouses", stored, Asker())).ok
    assert stored != await passwords.hash(GOOD, Asker())


async def test_the_cost_is_19_mebibytes_two_passes_and_one_lane_unless_told_otherwise():
    pool = Passwords(Cost())
    assert (await pool.hash(GOOD, Asker())).startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    pool.close()


@pytest.mark.parametrize(
    ("stored_cost", "due"),
    [
        (Cost(128, 2, 1), False),
        (Cost(256, 2, 1), False),
        (Cost(128, 3, 1), False),
        (Cost(128, 2, 2), False),
        (Cost(64, 2, 1), True),
        (Cost(128, 1, 1), True),
        (Cost(64, 3, 1), True),
    ],
)
async def test_a_cheaper_hash_is_due_for_rehash_and_a_dearer_one_is_not(stored_cost, due):
    theirs, ours = Passwords(stored_cost), Passwords(Cost(128, 2, 1))
    verdict = await ours.verify(GOOD, await theirs.hash(GOOD, Asker()), Asker())
    assert (verdict.ok, verdict.needs_rehash) == (True, due)
    theirs.close()
    ours.close()


@pytest.mark.parametrize(
    "stored", [None, *GARBAGE], ids=lambda stored: str(stored)[:24].encode("ascii", "replace")
)
@pytest.mark.parametrize("raw", [GOOD, *UNUSABLE], ids=lambda raw: raw[:4].encode("ascii", "replace"))
async def test_garbage_is_a_wrong_password_at_the_price_of_one_hash(passwords, made, stored, raw):
    verdict = await passwords.verify(raw, stored, Asker())
    assert (verdict.ok, verdict.needs_rehash) == (False, False)
    assert made == {"argon2": 1}


@pytest.mark.parametrize("raw", UNUSABLE)
@pytest.mark.parametrize("scheme", ["argon2", "scrypt"])
async def test_an_unusable_password_is_wrong_for_a_real_hash_too(passwords, raw, scheme):
    stored = SCRYPT_HASH if scheme == "scrypt" else await passwords.hash(GOOD, Asker())
    assert not (await passwords.verify(raw, stored, Asker())).ok


@pytest.mark.parametrize("whose", ["ours", "imported", "nobody", "garbage", "too dear"])
@pytest.mark.parametrize("raw", ["wrong password", "nul\0nul\0", "x" * 200])
async def test_while_imported_hashes_are_left_every_failure_costs_the_same(passwords, made, whose, raw):
    stored = {
        "ours": await passwords.hash(GOOD, Asker()),
        "imported": SCRYPT_HASH,
        "nobody": None,
        "garbage": "0:0",
        "too dear": TOO_DEAR[0],
    }[whose]
    made.clear()
    passwords.equalise_scrypt = True
    assert not (await passwords.verify(raw, stored, Asker())).ok
    assert made == {"argon2": 1, "better_auth_scrypt": 1}


async def test_passwords_for_a_better_auth_server_are_its_scrypt_and_failures_cost_the_same(made):
    pool = Passwords(CHEAP, scheme=SCRYPT, on_hash=lambda scheme: made.update([scheme]))
    stored = await pool.hash(GOOD, Asker())
    salt, key = stored.split(":")
    expected = hashlib.scrypt(
        GOOD.encode(), salt=salt.encode(), n=16384, r=16, p=1, dklen=64, maxmem=67_108_864
    )
    assert (len(salt), key) == (32, expected.hex())
    made.clear()
    assert (await pool.verify(GOOD, stored, Asker())).ok
    assert made == {"better_auth_scrypt": 1}
    # Also before the first look at what the database holds.
    for candidate in (stored, None):
        made.clear()
        assert not (await pool.verify("wrong password", candidate, Asker())).ok
        assert made == {"argon2": 1, "better_auth_scrypt": 1}
    pool.close()


async def test_a_success_costs_one_hash(passwords, made):
    passwords.equalise_scrypt = True
    assert (await passwords.verify(VECTORS[0]["password"], SCRYPT_HASH, Asker())).ok
    assert made == {"better_auth_scrypt": 1}


async def test_a_stopwatch_does_not_tell_known_from_unknown_addresses():
    pool = Passwords(Cost(memory_kib=4096, passes=2, lanes=1), workers=1)
    stored = await pool.hash(GOOD, Asker())
    took: dict[str | None, list[float]] = {stored: [], None: []}
    for _ in range(20):
        for candidate, times in took.items():
            start = time.perf_counter()
            await pool.verify("ten lighthouses", candidate, Asker())
            times.append(time.perf_counter() - start)
    pool.close()
    known, unknown = (statistics.median(times) for times in took.values())
    assert 0.5 < known / unknown < 2


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("1234567", "PASSWORD_TOO_SHORT"),
        ("", "PASSWORD_TOO_SHORT"),
        ("🌊🌊🌊", "PASSWORD_TOO_SHORT"),
        ("x" * 129, "PASSWORD_TOO_LONG"),
        ("🌊" * 65, "PASSWORD_TOO_LONG"),
        ("x" * 10_000_000, "PASSWORD_TOO_LONG"),
        ("password1", "PASSWORD_COMMON"),
        ("PassWord1", "PASSWORD_COMMON"),
        ("ＰＡＳＳＷＯＲＤ１", "PASSWORD_COMMON"),
        ("nine lighthouses\0", "INVALID_PASSWORD_CHARACTERS"),
        ("nine lighthouses\ud800", "INVALID_PASSWORD_CHARACTERS"),
        ("\udc00\ud83d", "INVALID_PASSWORD_CHARACTERS"),
    ],
)
def test_a_bad_new_password_is_refused_with_its_reason(raw, code):
    with pytest.raises(PasswordRefused) as refused:
        check_new_password(raw)
    assert refused.value.code == code
    assert not raw or raw not in str(refused.value)


@pytest.mark.parametrize("raw", ["qx7 kfe!", "🌊🌊🌊🌊", "🌊" * 64, "x" * 128, "        ", "Ü" * 8])
def test_from_8_to_128_utf_16_units_are_taken(raw):
    assert check_new_password(raw) == unicodedata.normalize("NFKC", raw)


@given(st.text(max_size=140))
def test_a_new_password_is_refused_or_comes_back_in_one_form(raw):
    try:
        normalised = check_new_password(raw)
    except PasswordRefused:
        return
    assert unicodedata.is_normalized("NFKC", normalised)
    assert 8 <= len(raw.encode("utf-16-le")) // 2 <= 128
    assert not is_too_long(raw)
    assert normalised.casefold() not in common_passwords()


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=8, max_size=60))
def test_one_password_has_one_form_however_it_was_composed(raw):
    forms = set()
    for form in ("NFC", "NFD"):
        try:
            forms.add(check_new_password(unicodedata.normalize(form, raw)))
        except PasswordRefused:
            return
    assert len(forms) == 1


def test_the_common_passwords_are_in_the_form_that_they_are_compared_in():
    words = common_passwords()
    assert len(words) == 10_000
    assert all(len(word) >= 8 and word == unicodedata.normalize("NFKC", word).casefold() for word in words)
