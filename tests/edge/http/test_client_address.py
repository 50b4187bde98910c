import ipaddress
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.http.client_address import bucket, client_address

TRUSTED = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.7", None, "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "192.0.2.66, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "192.0.2.66, 198.51.100.1, 10.9.9.9", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "evil\r\nx", None),
        ("10.0.0.1", "1.2.3.4:80", None),
        ("10.0.0.1", "", "10.0.0.1"),
        ("fd00::1", "2001:db8::1", "2001:db8::1"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        (None, "198.51.100.1", None),
        ("", None, None),
        ("fe80::1%eth0", None, "fe80::1"),
    ],
)
def test_a_forwarded_address_counts_from_trusted_hops_only(peer, forwarded, expected):
    assert client_address(peer, forwarded, TRUSTED) == expected


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", None, None),
        ("192.0.2.1", "198.51.100.1", None),
        ("10.0.0.1", "192.0.2.1", None),
        ("10.0.0.1", "198.51.100.1, ::ffff:192.0.2.1", None),
        ("10.0.0.1", "192.0.2.1, 198.51.100.1", "198.51.100.1"),
        ("192.0.3.1", None, "192.0.3.1"),
    ],
)
def test_no_client_is_told_apart_behind_a_shared_address(peer, forwarded, expected):
    assert client_address(peer, forwarded, TRUSTED, [ipaddress.ip_network("192.0.2.0/28")]) == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        (None, "unknown"),
    ],
)
def test_limits_are_shared_by_what_one_subscriber_holds(address, expected):
    assert bucket(address) == expected


@given(st.text(max_size=100), st.text(max_size=400))
def test_no_header_text_gets_through(peer, forwarded):
    address = client_address(peer, forwarded, TRUSTED)
    assert address is None or ipaddress.ip_address(address)


def test_no_header_text_is_kept():
    tracemalloc.start()
    try:
        for number in range(500):
            assert client_address("10.0.0.5", f"2001:db8::1%{number}{'a' * 10_000}", TRUSTED) is None
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # All of them take five million bytes.
    assert kept < 500_000
