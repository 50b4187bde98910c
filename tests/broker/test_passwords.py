import asyncio
import json
import unicodedata
from pathlib import Path

import pytest

from broker.passwords import Cost, HashingBusy, PasswordRefused, Passwords, check_new_password

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "better_auth_passwords.json").read_text())
CHEAP = Cost(memory_kib=64, passes=1, lanes=1)


@pytest.fixture
def passwords():
    pool = Passwords(CHEAP)
    yield pool
    pool.close()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["password"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
async def test_hashes_that_better_auth_stored_are_read_and_due_for_rehash(passwords, vector, form):
    verdict = await passwords.verify(unicodedata.normalize(form, vector["password"]), vector["stored"])
    assert (verdict.ok, verdict.needs_rehash) == (True, True)
    assert not (await passwords.verify(vector["password"] + "x", vector["stored"])).ok


async def test_a_hash_of_ours_is_read_back(passwords):
    stored = await passwords.hash(check_new_password("nine lighthouses"))
    assert (await passwords.verify("nine lighthouses", stored)).ok
    assert not (await passwords.verify("ten lighthouses", stored)).ok


@pytest.mark.parametrize(
    "stored",
    [
        None,
        "",
        "x",
        "$argon2id$",
        "$argon2id$v=19$m=2147483648,t=3,p=4$c29tZXNhbHQ$" + "A" * 43,
        "a" * 100_000,
        "0:0",
    ],
)
@pytest.mark.parametrize("raw", ["nine lighthouses", "", "\0", "\ud800", "x" * 5000])
async def test_garbage_is_a_wrong_password_and_no_error(passwords, stored, raw):
    assert not (await passwords.verify(raw, stored)).ok


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("1234567", "PASSWORD_TOO_SHORT"),
        ("x" * 129, "PASSWORD_TOO_LONG"),
        ("🌊" * 65, "PASSWORD_TOO_LONG"),
        ("password1", "PASSWORD_COMMON"),
        ("ＰＡＳＳＷＯＲＤ１", "PASSWORD_COMMON"),
    ],
)
def test_a_bad_new_password_is_refused_with_its_reason(raw, code):
    with pytest.raises(PasswordRefused) as refused:
        check_new_password(raw)
    assert refused.value.code == code


@pytest.mark.parametrize("raw", ["nine lighthouses\0", "nine lighthouses\ud800"])
def test_what_cannot_be_hashed_is_refused(raw):
    with pytest.raises(PasswordRefused):
        check_new_password(raw)


async def test_beyond_its_queue_the_pool_is_busy_and_says_for_how_long():
    pool = Passwords(CHEAP, workers=1, queue_limit=8)
    try:
        results = await asyncio.gather(
            *(pool.hash("nine lighthouses") for _ in range(200)), return_exceptions=True
        )
    finally:
        pool.close()
    busy = [result for result in results if isinstance(result, HashingBusy)]
    assert 1 <= len(results) - len(busy) <= 200 - 100
    assert all(one.retry_after >= 1 for one in busy)
