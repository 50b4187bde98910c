"""A bounded search for the slowest input of each parser; `make bench` searches longer."""

import pytest

from bench.scenarios.parsers import BOUND_MS, TARGETS
from bench.scenarios.slowest import Target, search

TRIES = 25


@pytest.mark.parametrize("target", [one for one in TARGETS if one.is_bounded], ids=lambda one: one.name)
def test_no_input_of_the_largest_size_holds_the_loop_up(target):
    found = search(target, TRIES, seed=7)
    # Twice the bound, as the cores of a test are shared.
    assert found.seconds * 1000 < 2 * BOUND_MS, found


def test_time_that_grows_out_of_proportion_is_found():
    def quadratic(raw):
        for _ in range(raw.count(b"xy")):
            raw.count(b"z")

    found = search(Target("quadratic", 2_000, quadratic, (b"a", b"x", b"y")), 200, seed=1)
    assert b"xy" in found.unit * 2
