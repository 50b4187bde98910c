import pytest

from edge.http.problems import Problem
from edge.http.refused_bodies import WINDOW, RefusedBodies, TooManyRefused


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def refuse(bodies, sender):
    with pytest.raises(Problem), bodies.reading(sender):
        raise Problem(400, "invalid_json", "no")


def accept(bodies, sender):
    with bodies.reading(sender):
        pass


def test_beyond_the_limit_only_the_sender_waits():
    clock = Clock()
    bodies = RefusedBodies(3, clock)
    for _ in range(3):
        accept(bodies, "a")
        refuse(bodies, "a")
    clock.now += 20
    with pytest.raises(TooManyRefused) as raised, bodies.reading("a"):
        raise AssertionError("it was read")
    assert raised.value.retry_after == WINDOW - 20
    accept(bodies, "b")
    clock.now += WINDOW - 20
    accept(bodies, "a")
    for _ in range(3):
        refuse(bodies, "a")
    with pytest.raises(TooManyRefused), bodies.reading("a"):
        pass


def test_the_number_of_remembered_senders_is_bounded():
    bodies = RefusedBodies(1, Clock(), senders=2)
    for sender in ("a", "b", "c"):
        refuse(bodies, sender)
    accept(bodies, "a")
    for sender in ("b", "c"):
        with pytest.raises(TooManyRefused), bodies.reading(sender):
            pass
