"""The load generator's own sums: a benchmark that miscounts is worse than none."""

import pytest

from bench.load import percentile


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1), (0.01, 1), (0.5, 50), (0.501, 51), (0.99, 99), (1.0, 100)]
)
def test_a_percentile_is_the_value_of_the_nearest_rank(share, expected):
    assert percentile(list(range(100, 0, -1)), share) == expected


def test_a_percentile_of_one_value_is_that_value():
    assert percentile([7.0], 0.99) == 7.0
