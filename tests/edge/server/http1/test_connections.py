from hypothesis import given
from hypothesis import strategies as st

from edge.server.http1.connections import Waiting


def test_beyond_the_share_of_an_address_its_longest_make_room():
    waiting: Waiting[str] = Waiting(limit=100, share=10)
    assert waiting.put("first", "a", 4) == []
    assert waiting.put("second", "a", 4) == []
    assert waiting.put("of another", "b", 10) == []
    assert waiting.put("third", "a", 6) == ["first"]
    assert (waiting.held, len(waiting)) == (20, 3)


def test_beyond_the_limit_of_all_the_longest_make_room_whose_ever_they_are():
    waiting: Waiting[str] = Waiting(limit=10, share=5)
    assert waiting.put("a1", "a", 4) == []
    assert waiting.put("b1", "b", 4) == []
    assert waiting.put("c1", "c", 5) == ["a1"]
    assert waiting.put("by a proxy", None, 5) == ["b1"]


def test_one_that_grows_keeps_its_turn():
    waiting: Waiting[str] = Waiting(limit=100, share=10)
    waiting.put("first", "a", 4)
    waiting.put("second", "a", 4)
    assert waiting.put("first", "a", 8) == ["first"]
    assert waiting.put("second", "a", 11) == ["second"]
    assert (waiting.held, len(waiting)) == (0, 0)


def test_one_that_takes_nothing_makes_no_room_but_by_its_turn():
    waiting: Waiting[str] = Waiting(limit=100, share=10)
    waiting.put("silent", "a", 0)
    waiting.put("first", "a", 6)
    assert waiting.put("second", "a", 6) == ["first"]
    assert waiting.longest() == "silent"
    assert waiting.longest() == "second"
    assert waiting.longest() is None


def test_a_connection_is_counted_for_the_address_that_it_has_last():
    waiting: Waiting[str] = Waiting(limit=100, share=10)
    waiting.put("proxied", None, 4)
    waiting.put("proxied", "a", 8)
    waiting.put("proxied", "b", 8)
    assert waiting.put("of a", "a", 8) == []
    assert waiting.put("of b", "b", 8) == ["proxied"]


CONNECTIONS = st.integers(0, 9)
STEPS = st.lists(
    st.tuples(CONNECTIONS, st.sampled_from([None, "a", "b"]), st.one_of(st.none(), st.integers(0, 8)))
)


@given(STEPS)
def test_no_more_is_held_than_may_be_and_nothing_is_left(steps):
    waiting: Waiting[str] = Waiting(limit=20, share=12)
    known: dict[str, tuple[str, int]] = {}
    for connection, address, taken in steps:
        if taken is None:
            waiting.remove(connection)
            known.pop(connection, None)
        else:
            known[connection] = address, taken
            for gone in waiting.put(connection, address, taken):
                del known[gone]
        assert waiting.held == sum(taken for _, taken in known.values()) <= 20
        for one in ("a", "b"):
            assert sum(taken for address, taken in known.values() if address == one) <= 12
        assert len(waiting) == len(known)
    while waiting.longest() is not None:
        pass
    assert waiting.held == 0
    # Nothing is kept about a client that has gone.
    assert waiting.put("new", "a", 12) == []
