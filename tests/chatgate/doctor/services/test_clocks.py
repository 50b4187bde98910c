"""Tells which clock is wrong: the rule over the dates of answers."""

import pytest

from chatgate.doctor.services import clocks
from tests.chatgate.doctor.answers import BROKER, NOW, PROXY, answer


@pytest.mark.parametrize(
    ("site", "broker", "proxy", "codes"),
    [
        (0, 0, 0, []),
        (20, -20, 29, []),
        (0, 3600, 0, ["clock_off"]),
        (0, 3600, -3600, ["clock_off", "clock_off"]),
        (0, 3600, 3600, ["clock_off", "clock_off"]),
        (3600, 3600, 3600, ["clock_here_off"]),
        (3600, 3590, 3610, ["clock_here_off"]),
        # The clock of the site's own host does not matter.
        (3600, 0, 0, []),
        (None, 3600, 0, ["clock_off"]),
        (0, None, None, []),
    ],
)
def test_the_clock_that_is_off_is_named(site, broker, proxy, codes):
    def at(seconds):
        return answer(date=None if seconds is None else NOW + seconds)

    told = [(BROKER, at(broker)), (PROXY, at(proxy))]
    assert [one.code for one in clocks.look(at(site), told)] == codes


def test_a_copy_of_a_cache_is_as_old_as_it_says():
    assert clocks.offset(answer(date=NOW - 500, age=500)) == 0
    assert clocks.offset(answer(date=NOW, age="soon")) is None
