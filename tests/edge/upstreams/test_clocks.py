"""A session's end by our clock and by that of the site's server or storage."""

import pytest

from edge.upstreams.session import CLOCKS_APART, ClocksApart, lives

ENDS = 1_000.0


@pytest.mark.parametrize(
    ("now", "theirs", "is_living"),
    [
        (ENDS - 1, None, True),
        (ENDS, None, False),
        # Both clocks answer the same, however far they are apart.
        (ENDS - 100, ENDS - 1, True),
        (ENDS + 100, ENDS, False),
        # Ours counts where they are not apart.
        (ENDS + 1, ENDS + 1 - CLOCKS_APART, False),
        (ENDS - 1, ENDS - 1 + CLOCKS_APART, True),
    ],
)
def test_our_clock_counts(now, theirs, is_living):
    assert lives(ENDS, now, theirs) is is_living


@pytest.mark.parametrize(
    ("now", "theirs", "said"),
    [(ENDS + 1, ENDS - CLOCKS_APART, "6 s behind"), (ENDS - 1, ENDS + CLOCKS_APART, "6 s ahead")],
)
def test_two_clocks_that_are_apart_and_answer_differently_are_no_answer(now, theirs, said):
    with pytest.raises(ClocksApart, match=said):
        lives(ENDS, now, theirs)
