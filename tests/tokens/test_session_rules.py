import pytest

from tokens.errors import CutsMissing
from tokens.session_rules import is_taken, outlived


@pytest.mark.parametrize(
    ("created_at", "of_all", "of_client", "is_living"),
    [
        (5, "4", None, True),
        (5, "5", None, False),
        (5, "6", None, False),
        (5, "4", "4", True),
        (5, "4", "5", False),
        (5, "4", "6", False),
        (5, "5", "4", False),
        # As numbers, not as text.
        (10, "9", "9", True),
        (9, "10", None, False),
        (9, "1", "10", False),
        # The broker reads text and the proxy bytes.
        (10, b"9", b"9", True),
        (9, b"9", None, False),
        (9, b"1", b"9", False),
    ],
)
def test_a_session_lives_if_it_is_younger_than_every_cut(created_at, of_all, of_client, is_living):
    assert outlived(created_at, of_all, of_client) is is_living


@pytest.mark.parametrize("of_client", [None, "4", b"4"])
def test_a_session_cannot_be_judged_when_the_cut_of_all_is_missing(of_client):
    with pytest.raises(CutsMissing):
        outlived(5, None, of_client)


@pytest.mark.parametrize(
    ("is_guest", "guests", "tier", "is_good"),
    [
        (False, True, "gold", True),
        (False, False, "gold", True),
        (True, True, "guest", True),
        (True, True, "gold", False),
        (True, False, "guest", False),
    ],
)
def test_a_site_takes_guests_of_its_guest_tier_alone(is_guest, guests, tier, is_good):
    assert is_taken(is_guest=is_guest, tier=tier, guests=guests, guest_tier="guest") is is_good
