"""Operations that are under way at once read together what they want of the same batch function; and only these."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from db.client import Role
from db.engine import Database, Read, statements
from resolvers.actor import Actor
from resolvers.coalescing import KEYS_AT_MOST, Coalescer
from resolvers.context import Context, Rules
from resolvers.loaders import Wanted

DESK = Actor(1, "desk", Role.SUPPORT)


class Batches:
    """A batch function that keeps what it was asked, once it is let go; for a key ``broken`` it fails."""

    def __init__(self) -> None:
        self.asked: list[list[Any]] = []
        self.moments: list[Any] = []
        self.begun = asyncio.Event()
        self.is_free = asyncio.Event()
        self.is_free.set()
        self.canceled = 0

    async def __call__(self, context: Context, read: Read, keys: Sequence[Any], *said: str) -> Mapping[Any, str]:
        self.asked.append(sorted(keys))
        self.moments.append(context.now)
        self.begun.set()
        try:
            await self.is_free.wait()
        except asyncio.CancelledError:
            self.canceled += 1
            raise
        await read.fetch("SELECT 1")
        if "broken" in keys:
            raise ValueError("broken")
        return {key: f"{key} {' '.join(said)}".strip() for key in keys if key != "nothing"}


@pytest.fixture
async def coalescer(database: Database) -> AsyncIterator[Coalescer]:
    """With two operations under way: whoever asks is not alone."""
    found = Coalescer(database)
    with found, found:
        yield found
    assert database.connections_in_use == 0


def an_operation(database: Database, coalescer: Coalescer, actor: Actor = DESK) -> Context:
    return Context(database, actor, Rules(), coalescer=coalescer)


async def fetch(context: Context, batches: Batches, *keys: Any, said: Sequence[str] = ()) -> dict[Any, Any]:
    found = await context.loaders.fetch(batches, keys, *said)
    return {key: found[key] for key in keys}


async def test_what_several_ask_for_at_once_is_read_once(database: Database, coalescer: Coalescer) -> None:
    """Each is told of its own keys, counts the statement as its own, and all have the same moment."""
    batches = Batches()
    contexts = [an_operation(database, coalescer) for _ in range(5)]
    counted: list[list[str]] = [[] for _ in contexts]

    async def ask(place: int) -> dict[Any, Any]:
        statements.set(counted[place])
        return await fetch(contexts[place], batches, f"key {place}", "common", "nothing")

    found = await asyncio.gather(*map(ask, range(5)))
    assert found == [{f"key {i}": f"key {i}", "common": "common", "nothing": None} for i in range(5)]
    assert batches.asked == [["common", *(f"key {i}" for i in range(5)), "nothing"]]
    assert counted == [["SELECT 1"]] * 5
    assert {context.now for context in contexts} == set(batches.moments)


async def test_what_comes_next_is_read_together_again(database: Database, coalescer: Coalescer) -> None:
    """They go on at the same moment: what one of them reads by itself meanwhile does not part them."""
    batches, others = Batches(), Batches()
    contexts = [an_operation(database, coalescer) for _ in range(3)]

    async def ask(place: int) -> None:
        await fetch(contexts[place], batches, place)
        if place == 0:
            await fetch(contexts[place], others, place)
        await fetch(contexts[place], batches, place + 10)

    await asyncio.gather(*map(ask, range(3)))
    assert batches.asked[0] == [0, 1, 2]
    assert sorted(key for keys in batches.asked[1:] for key in keys) == [10, 11, 12]
    assert others.asked == [[0]]
    assert len(set(batches.moments)) == 1


async def test_nobody_is_told_what_another_may_see(database: Database, coalescer: Coalescer) -> None:
    """Other clients, other roles and other arguments are another read; a gate's depends on what it has found."""
    batches = Batches()
    asked = [
        (DESK, ()),
        (Actor(1, "desk", Role.SUPPORT, key_id="of another day"), ()),
        (Actor(1, "desk", Role.ADMIN), ()),
        (Actor(2, "other desk", Role.SUPPORT), ()),
        (DESK, ("loudly",)),
        (Actor(3, "gate", Role.GATE), ()),
        (Actor(3, "gate", Role.GATE), ()),
    ]
    found = await asyncio.gather(
        *(
            fetch(an_operation(database, coalescer, actor), batches, place, said=said)
            for place, (actor, said) in enumerate(asked)
        )
    )
    assert found[4] == {4: "4 loudly"}
    assert sorted(batches.asked) == [[0, 1], [2], [3], [4], [5], [6]]


async def test_who_has_a_moment_of_its_own_reads_alone(database: Database, coalescer: Coalescer) -> None:
    """Who has looked at the clock, and who has written something: nobody's moment may precede that."""
    batches = Batches()
    early, writer, others = (an_operation(database, coalescer) for _ in range(3))
    assert early.now == early.now
    async with writer.writing():
        pass
    await asyncio.gather(*(fetch(context, batches, i) for i, context in enumerate((early, writer, others))))
    assert sorted(batches.asked) == [[0], [1], [2]]
    assert len(set(batches.moments)) == 3


async def test_who_is_alone_reads_at_once(database: Database) -> None:
    coalescer, batches = Coalescer(database), Batches()
    with coalescer:
        first, second = (an_operation(database, coalescer) for _ in range(2))
        await asyncio.gather(fetch(first, batches, 1), fetch(second, batches, 2))
    assert sorted(batches.asked) == [[1], [2]]


async def test_who_stops_waiting_takes_nothing_from_the_others(database: Database, coalescer: Coalescer) -> None:
    """Nor does an operation that is closed: it, too, is waited for by nobody then."""
    batches = Batches()
    batches.is_free.clear()
    contexts = [an_operation(database, coalescer) for _ in range(3)]
    tasks = [asyncio.create_task(fetch(context, batches, i)) for i, context in enumerate(contexts)]
    await batches.begun.wait()
    tasks[0].cancel()  # it is the one by which the batch function is asked
    await contexts[1].close()
    batches.is_free.set()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in found] == [asyncio.CancelledError, asyncio.CancelledError, dict]
    assert found[2] == {2: "2"}
    assert batches.asked == [[0, 1, 2]]
    with pytest.raises(asyncio.CancelledError):
        await fetch(contexts[1], batches, 7)


async def test_what_nobody_waits_for_is_ended(database: Database, coalescer: Coalescer) -> None:
    """When the last of them is gone, its connection has been given back."""
    batches = Batches()
    batches.is_free.clear()
    contexts = [an_operation(database, coalescer) for _ in range(3)]
    tasks = [asyncio.create_task(fetch(context, batches, i)) for i, context in enumerate(contexts)]
    await batches.begun.wait()
    assert database.connections_in_use == 1
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert batches.canceled == 1
    assert database.connections_in_use == 0
    batches.is_free.set()
    assert await fetch(an_operation(database, coalescer), batches, 5) == {5: "5"}


async def test_nobody_joins_those_who_have_gone(database: Database, coalescer: Coalescer) -> None:
    """They had not begun to read."""
    batches = Batches()
    gone = asyncio.create_task(fetch(an_operation(database, coalescer), batches, 1))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    found = await asyncio.wait_for(fetch(an_operation(database, coalescer), batches, 2), 10)
    assert found == {2: "2"}
    await asyncio.wait([gone])


async def test_a_failure_is_told_to_who_asked_for_it(database: Database, coalescer: Coalescer) -> None:
    """The others ask again, each for itself, and get their answers."""
    batches = Batches()
    keys = ["a", "broken", "c"]
    found = await asyncio.gather(*(fetch(an_operation(database, coalescer), batches, key) for key in keys))
    assert found[0] == {"a": "a"}
    assert found[2] == {"c": "c"}
    assert isinstance(found[1]["broken"], ValueError)
    assert sorted(batches.asked) == sorted([["a", "broken", "c"], ["a"], ["broken"], ["c"]])


async def test_a_database_that_is_gone_is_asked_once(database: Database, coalescer: Coalescer) -> None:
    """To ask once more for each of those who wait would not bring it back."""
    asked = []

    async def unreachable(_context: Any, _read: Read, keys: Sequence[int]) -> Mapping[int, str]:
        asked.append(keys)
        raise OSError("gone")

    found = await asyncio.gather(
        *(an_operation(database, coalescer).loaders.fetch(unreachable, [key]) for key in range(4))
    )
    assert [type(one[key]) for key, one in enumerate(found)] == [OSError] * 4
    assert len(asked) == 1


async def test_nobody_waits_until_the_keys_of_all_are_read(database: Database, coalescer: Coalescer) -> None:
    """Those who ask for many keys read in groups that are not too large, or alone."""
    batches = Batches()
    half, many = KEYS_AT_MOST // 2, KEYS_AT_MOST + 1
    wanted = [range(half), range(half, 2 * half), range(1000, 1000 + half), range(2000, 2000 + many)]
    await asyncio.gather(*(fetch(an_operation(database, coalescer), batches, *keys) for keys in wanted))
    assert sorted(len(keys) for keys in batches.asked) == [half, 2 * half, many]


async def test_whoever_comes_later_is_told_of_what_was_committed_before(database: Database) -> None:
    """A read begins after the last of those who share it has asked: here, they wait for each other's turn."""
    coalescer, seen = Coalescer(database), []
    committed = 0

    async def batch(_context: Any, _read: Read, keys: Sequence[int]) -> Mapping[int, int]:
        return dict.fromkeys(keys, committed)

    async def ask(key: int) -> None:
        nonlocal committed
        for _ in range(key):
            await asyncio.sleep(0)
        committed = before = key
        (found,) = (await an_operation(database, coalescer).loaders.fetch(batch, [key])).values()
        seen.append((before, found))

    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(coalescer)
        await asyncio.gather(*map(ask, range(1, 40)))
    assert len(seen) == 39
    assert all(before <= found for before, found in seen)


async def test_the_columns_that_are_asked_for_tell_reads_apart(database: Database, coalescer: Coalescer) -> None:
    asked = []

    async def batch(_context: Any, _read: Read, keys: Sequence[int], columns: Any = None) -> Mapping[int, str]:
        asked.append((sorted(keys), columns))
        return dict.fromkeys(keys, "found")

    wanted = [Wanted(batch, [key], (), columns) for key, columns in enumerate((None, frozenset("a"), frozenset("a")))]
    await asyncio.gather(*(an_operation(database, coalescer).loaders.fetch_all([one]) for one in wanted))
    assert asked == [([0], None), ([1, 2], frozenset("a"))]
