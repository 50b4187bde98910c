"""Memory is given back in a quiet moment after a rush, and then only."""

import gc
import weakref
from contextlib import ExitStack

import pytest

from chat_proxy.streams.relief import AGAIN_AFTER, GROWN, RUSH, Relief
from chat_proxy.streams.running import RunningAnswers

CALLER = type("Caller", (), {"sub": "reader"})()


class Held:
    """An object that only the garbage collector frees."""

    def __init__(self):
        self.itself = self


def after_a_rush():
    """The answers, the resident bytes in a list, and the relief that has just given a rush's memory back."""
    answers, resident = RunningAnswers(), [0]
    relief = Relief(answers, resident=lambda: resident[0])
    with ExitStack() as rush:
        for _ in range(RUSH):
            rush.enter_context(answers.entered(CALLER))
        relief.look()
    resident[0] = GROWN
    relief.look()
    return answers, resident, relief


@pytest.fixture
def uncollected():
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize(
    ("running", "grown", "is_relieved"),
    [(RUSH // 8, GROWN, True), (RUSH // 8 + 1, GROWN, False), (0, GROWN - 1, False), (0, GROWN, True)],
)
async def test_a_rush_that_is_over_gives_its_memory_back(uncollected, running, grown, is_relieved):
    answers, resident = RunningAnswers(), [0]
    relief = Relief(answers, resident=lambda: resident[0])
    with ExitStack() as going_on:
        for _ in range(running):
            going_on.enter_context(answers.entered(CALLER))
        with ExitStack() as rush:
            for _ in range(RUSH - running):
                rush.enter_context(answers.entered(CALLER))
            relief.look()
        resident[0] = grown
        held = weakref.ref(Held())
        relief.look()
        assert (held() is None) == is_relieved


async def test_what_a_relief_leaves_is_in_use(uncollected):
    resident = [GROWN]
    relief = Relief(RunningAnswers(), resident=lambda: resident[0])
    relief.look()
    held = weakref.ref(Held())
    resident[0] += GROWN - 1
    relief.look()
    assert held() is not None
    resident[0] += 1
    relief.look()
    assert held() is None


async def test_what_a_rush_leaves_idle_for_a_while_is_given_back_too(uncollected):
    answers, _, relief = after_a_rush()
    held = weakref.ref(Held())
    # An answer that runs meanwhile puts it off no further.
    with answers.entered(CALLER):
        for _ in range(AGAIN_AFTER - 1):
            relief.look()
        assert held() is not None
        relief.look()
        assert held() is None


async def test_another_rush_puts_it_off(uncollected):
    answers, resident, relief = after_a_rush()
    resident[0] = 0
    held = weakref.ref(Held())
    with ExitStack() as another:
        for _ in range(RUSH):
            another.enter_context(answers.entered(CALLER))
        for _ in range(AGAIN_AFTER + 1):
            relief.look()
        assert held() is not None
    relief.look()
    assert held() is None
