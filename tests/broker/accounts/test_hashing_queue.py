import asyncio

import pytest

from broker.accounts.hashing_queue import Asker, NoTurn, Turns


async def entered(turns, asker, order, name):
    await turns.take(asker, 10)
    order.append(name)


async def asked(turns, askers, order):
    """One task for each asker, in that order."""
    tasks = []
    for name, asker in askers:
        tasks.append(asyncio.create_task(entered(turns, asker, order, name)))
        await asyncio.sleep(0)
    return tasks


async def test_addresses_take_turns_and_in_each_of_them_its_accounts():
    turns = Turns(1)
    order: list[str] = []
    await turns.take(Asker(), 1)
    crowd = [(f"a{number}", Asker("a", "one")) for number in range(3)]
    askers = [*crowd, ("a other", Asker("a", "other")), ("b", Asker("b", "one"))]
    tasks = await asked(turns, askers, order)
    for _ in range(6):
        turns.give_back()
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert order == ["a0", "b", "a other", "a1", "a2"]
    assert (turns.waiting, turns.running) == (0, 0)


async def test_an_asker_and_an_address_have_a_share():
    turns = Turns(1, of_asker=2, of_address=3)
    order: list[str] = []
    await turns.take(Asker(), 1)
    tasks = await asked(turns, [("x", Asker("a", "one"))] * 2, order)
    with pytest.raises(NoTurn):
        await turns.take(Asker("a", "one"), 1)
    tasks += await asked(turns, [("y", Asker("a", "two"))], order)
    with pytest.raises(NoTurn):
        await turns.take(Asker("a", "three"), 1)
    # No account is locked from far away.
    tasks += await asked(turns, [("z", Asker("b", "one"))], order)
    assert turns.waiting == 4
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (turns.waiting, turns.running) == (0, 1)


async def test_where_all_is_full_who_has_most_makes_room():
    turns = Turns(1, limit=3)
    order: list[str] = []
    await turns.take(Asker(), 1)
    greedy = await asked(turns, [(name, Asker("a", name)) for name in ("1", "2", "3")], order)
    other = await asked(turns, [("b", Asker("b", "b"))], order)
    await asyncio.sleep(0)
    assert [task.done() for task in greedy].count(True) == 1
    assert turns.waiting == 3
    third = await asked(turns, [("c", Asker("c", "c"))], order)
    await asyncio.sleep(0)
    assert [task.done() for task in greedy].count(True) == 2
    # Where each has one, no place is taken.
    with pytest.raises(NoTurn):
        await turns.take(Asker("d", "d"), 1)
    turns.refuse_all()
    refused = await asyncio.gather(*greedy, *other, *third, return_exceptions=True)
    assert {type(one) for one in refused} == {NoTurn}
    assert (turns.waiting, turns.running) == (0, 1)


async def test_a_turn_that_comes_with_the_end_of_its_waiting_is_passed_on():
    turns = Turns(1)
    await turns.take(Asker(), 1)
    waiting = asyncio.create_task(turns.take(Asker("a", "a"), 10))
    await asyncio.sleep(0)
    turns.give_back()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (turns.waiting, turns.running) == (0, 0)
    await turns.take(Asker(), 1)


async def test_a_caller_that_waits_too_long_has_no_turn():
    turns = Turns(1)
    await turns.take(Asker(), 1)
    with pytest.raises(NoTurn):
        await turns.take(Asker("a", "a"), 0.01)
    assert (turns.waiting, turns.running) == (0, 1)
