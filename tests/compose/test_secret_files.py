"""The making of the containers' secrets, tested without a container."""

import pytest

from containers import secret_files
from containers.secret_files import MARK, NAMES, Refused, choose, files

GOOD = {name: f"{name}-0123456789abcdef0123456789abcdef" for name in NAMES}


def made():
    return "0123456789abcdef" * 4


def test_without_a_domain_what_is_missing_is_made_once_and_marked():
    counted = iter(range(10))
    first = choose({}, {}, "", lambda: f"{made()}{next(counted)}")
    assert set(first) == set(NAMES)
    assert len(set(first.values())) == len(NAMES)
    assert all(value.startswith(MARK) for value in first.values())
    assert choose({}, first, "", made) == first


def test_given_secrets_come_first():
    assert choose(GOOD, dict.fromkeys(NAMES, "kept"), "", made) == GOOD
    assert choose(GOOD, {}, "docs.example.org", made) == GOOD


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("", "is missing"),
        (MARK + made(), "was made for development"),
        ("short", "fewer than 32 bytes"),
        ("ab" * 20, "too few different"),
        ("with a space 0123456789abcdef0123456789abcdef", "other than letters"),
    ],
)
def test_for_a_domain_each_secret_has_to_be_given_and_good(name, value, told):
    kept = {name: MARK + made() for name in NAMES}
    with pytest.raises(Refused, match=f"^{name}: .*{told}"):
        choose(GOOD | {name: value}, kept, "docs.example.org", made)


def test_two_equal_secrets_are_refused():
    with pytest.raises(Refused, match="two of them are equal"):
        choose({**GOOD, "book_secret": GOOD["broker_secret"]}, {}, "docs.example.org", made)


@pytest.mark.parametrize(
    "domain", ["https://a.org", "a.org:443", "A.org", "a.org, b.org", "-a.org", "a..org"]
)
def test_a_domain_is_a_hosts_name(domain):
    with pytest.raises(Refused, match="CHATGATE_DOMAIN"):
        choose(GOOD, {}, domain, made)


def test_each_folder_holds_what_its_service_needs_and_redis_no_password():
    written = files(GOOD)
    assert {path for path, text in written.items() if GOOD["broker_secret"] in text} == {
        "broker/broker_secret"
    }
    assert {path for path, text in written.items() if GOOD["book_secret"] in text} == {
        "proxy/book_secret",
        "backend/book_secret",
    }
    assert {path for path, text in written.items() if GOOD["redis_password"] in text} == {
        "broker/redis_url",
        "proxy/redis_url",
    }


def test_the_mark_itself_is_long_enough_to_be_told_and_its_secrets_pass_the_services_checks():
    assert secret_files.MIN_BYTES == 32
    assert len(MARK + made()) > 64
