"""The garbage collector visits all objects in moments with few connections, or when memory has grown."""

import asyncio
import gc
import weakref

import pytest

from edge.server.full_collections import FEW, GROWN, PASSES, FullCollections


class Held:
    """An object that only the garbage collector frees."""

    def __init__(self):
        self.itself = self


def old_garbage(freed=None):
    """A reference to an object that only a full collection frees, when one is worth its time."""
    held = Held()
    for _ in range(PASSES):
        gc.collect(1)
    return weakref.ref(held, freed)


@pytest.fixture
def started():
    made = []

    def start(connections, resident=lambda: 0, every=3_600.0):
        gc.collect()
        made.append(FullCollections(lambda: connections, resident=resident, every=every))
        made[-1].start()
        return made[-1]

    # Objects that come to stay are not counted here, so none of what a test makes begins a collection.
    gc.disable()
    yield start
    gc.enable()
    for one in made:
        one.stop()


@pytest.mark.parametrize(("connections", "is_freed"), [(FEW, True), (FEW + 1, False)])
async def test_all_objects_are_visited_while_few_connections_are_open(started, connections, is_freed):
    collections = started(connections)
    held = old_garbage()
    collections.look()
    assert (held() is None) == is_freed


async def test_nothing_is_visited_before_something_has_come_to_stay(started):
    collections = started(0)
    held = weakref.ref(Held())
    collections.look()
    assert held() is not None


async def test_memory_that_has_grown_is_worth_a_pause(started):
    resident = [GROWN]
    collections = started(FEW + 1, lambda: resident[0])
    held = old_garbage()
    resident[0] += GROWN - 1
    collections.look()
    assert held() is not None
    resident[0] += 1
    collections.look()
    assert held() is None
    # The memory that a collection leaves is in use.
    held = old_garbage()
    collections.look()
    assert held() is not None


async def test_it_looks_by_itself(started):
    started(0, every=0.01)
    freed = asyncio.Event()
    held = old_garbage(lambda _: freed.set())
    async with asyncio.timeout(20):
        await freed.wait()
    assert held() is None


async def test_python_begins_none_itself_until_it_is_stopped(started):
    before = gc.get_threshold()
    collections = started(0)
    assert gc.get_threshold()[:2] == before[:2]
    held = old_garbage()
    gc.enable()
    # Collections of the younger objects go on, and free what they find.
    young = weakref.ref(Held())
    kept: list[list[None]] = [[] for _ in range(40 * before[0] * before[1])]
    assert young() is None
    assert held() is not None
    del kept
    collections.stop()
    assert gc.get_threshold() == before
