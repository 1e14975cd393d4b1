"""Operations that ask the same at once are one run; each is answered as if it had been alone."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import strawberry
from graphql import ExecutionResult

from db.client import Role
from db.engine import Database, Read, statements
from resolvers.actor import Actor
from resolvers.context import Context, Rules
from resolvers.loaders import Sought
from resolvers.refusals import BadUserInput
from schema.execution import joint
from schema.execution.documents import Documents
from schema.execution.joint import FEW, OPERATIONS_AT_ONCE, ROWS_AT_ONCE, Joint
from schema.execution.limits import Limits
from schema.execution.run import execute
from schema.relations import LookUp, as_found, look_up, relation

DESK = Actor(1, "desk", Role.SUPPORT)
QUERY = "query ($key: String!) { thing(key: $key) { name friends { name } } }"
NAMES = "query ($key: String!) { thing(key: $key) { name } }"
SIZED = "query ($key: String!, $size: Int!) { thing(key: $key) { sized(by: $size) } }"
RESOLVED = "query ($key: String!) { thing(key: $key) { key } resolved(key: $key) { name } }"
TWO = "query ($key: String!, $other: String!) { thing(key: $key) { name } other: thing(key: $other) { name } }"
OF_ANOTHER_TYPE = "99"
LISTED = "query ($key: String!, $of: [Int!]) { thing(key: $key) { listed(of: $of) } }"


@dataclass
class Batches:
    """What things, names and friends are read by. Names keep what was asked; they wait until they are let go, which may
    be said of what nothing else is read with; thing 7 fails, and the name of 13; there is no thing 0."""

    asked: list[list[int]] = field(default_factory=list)
    looked_up: list[list[tuple[int, str | None]]] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    is_free: asyncio.Event = field(default_factory=asyncio.Event)
    friends_each: int = 2
    is_down: bool = False

    async def things(
        self, _context: Any, _read: Read, keys: Sequence[tuple[int, str | None]], _sizes: tuple[int, ...]
    ) -> Mapping[tuple[int, str | None], Any]:
        self.looked_up.append(sorted(keys, key=str))
        if self.is_down:
            raise ConnectionResetError
        if any(key == 7 for key, _ in keys):
            raise ValueError("broken")
        return {(key, beside): self.owner(key=key) for key, beside in keys if key}

    async def names(self, _context: Any, read: Read, keys: Sequence[int]) -> Mapping[int, str]:
        self.asked.append(sorted(keys))
        self.begun.set()
        await self.is_free.wait()
        await read.fetch("SELECT 1")
        if 13 in keys:
            raise ValueError("broken")
        return {key: f"name {key}" for key in keys}

    async def friends(self, _context: Any, read: Read, keys: Sequence[int]) -> Mapping[int, list[Any]]:
        await read.fetch("SELECT 1")
        return {key: [self.kind(key=100 * key + i) for i in range(self.friends_each)] for key in keys}

    owner: Any = None
    kind: Any = None


class World:
    """A schema over the batches, and those who ask it."""

    def __init__(self, database: Database) -> None:
        batches = self.batches = Batches()
        batches.is_free.set()

        @strawberry.type
        class Thing:
            key: int
            name: str | None = relation(batches.names, "key", description="Read by its key.")

            @strawberry.field
            async def sized(self, by: int) -> int:
                return self.key * by

            @strawberry.field
            async def listed(self, of: list[int] | None = None) -> list[int]:
                return [self.key, *(of or ())]

        @strawberry.type
        class Friend(Thing):
            pass

        @strawberry.type
        class Owner(Thing):
            friends: list[Friend] = relation(batches.friends, "key", description="Some others.", empty=())

        batches.owner, batches.kind = Owner, Friend

        @strawberry.input
        class Beside:
            key: str | None = None
            sizes: list[int] | None = None

        def sought(_context: Any, key: str, beside: Beside | None = None) -> Sought | None:
            if not key.isdecimal():
                raise BadUserInput("That is no key.")
            if key == OF_ANOTHER_TYPE:
                return None
            return Sought(batches.things, (int(key), beside and beside.key), (tuple((beside and beside.sizes) or ()),))

        @strawberry.type
        class Query:
            thing: Owner | None = look_up(LookUp((batches.things,), sought, as_found), description="By its key.")

            @strawberry.field
            async def resolved(self, key: str) -> Owner | None:
                return Owner(key=int(key))

        self.database = database
        self.schema = strawberry.Schema(query=Query)._schema
        self.documents = Documents(self.schema, Limits())
        self.joint = Joint(self.context)

    def context(self, actor: Actor) -> Context:
        return Context(self.database, actor, Rules())

    async def ask(self, query: str, actor: Actor = DESK, **variables: Any) -> ExecutionResult:
        document = self.documents.get(query)
        assert document.node is not None, document.errors
        (operation,) = document.operations.values()
        context = self.context(actor)
        variables["key"] = str(variables["key"])
        try:
            with self.joint:
                found, unplanned = await execute(
                    self.schema, document.node, operation, context, variables, joint=self.joint
                )
        finally:
            await context.close()
        assert unplanned is None
        return found

    async def names(self, *keys: int, actor: Actor = DESK) -> list[Any]:
        """Asked at once."""
        found = await asyncio.gather(*(self.ask(QUERY, actor, key=key) for key in keys))
        assert [one.errors for one in found] == [None] * len(keys)
        return [one.data and one.data["thing"] and one.data["thing"]["name"] for one in found]


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    """In which there is always somebody else under way."""
    found = World(database)
    with found.joint:
        yield found
    assert database.connections_in_use == 0


async def test_those_who_ask_the_same_of_other_things_are_one_run(world: World) -> None:
    """Each is told of its own, and counts the statements as its own."""
    await world.ask(QUERY, key=1)  # from then on it is known how many rows it reads
    world.batches.asked.clear()
    counted: list[list[str]] = [[] for _ in range(6)]

    async def ask(key: int) -> Any:
        statements.set(counted[key])
        return (await world.ask(QUERY, key=key)).data

    found = await asyncio.gather(*map(ask, range(6)))
    assert found[0] == {"thing": None}
    assert found[1:] == [
        {"thing": {"name": f"name {key}", "friends": [{"name": f"name {100 * key + i}"} for i in range(2)]}}
        for key in range(1, 6)
    ]
    assert world.batches.asked == [[1, 2, 3, 4, 5], [100 * key + i for key in range(1, 6) for i in range(2)]]
    assert counted == [["SELECT 1"] * 3] * 6


async def test_who_asks_the_very_same_is_told_the_same(world: World) -> None:
    """It is looked up and built once, in whichever words it is said; others beside them are none the worse for it."""
    await world.ask(QUERY, key=1)
    world.batches.looked_up.clear()
    keys = ("3", "03", "4", "003", "4")
    found = await asyncio.gather(*(world.ask(QUERY, key=key) for key in keys))
    assert [one.data["thing"]["name"] for one in found if one.data] == [f"name {int(key)}" for key in keys]
    assert world.batches.looked_up == [[(3, None), (4, None)]]
    assert found[0].data is found[1].data is found[3].data


async def test_fields_that_look_up_the_same_share_it(world: World) -> None:
    """In one operation, too: what one field finds is the other's."""
    found = await asyncio.gather(*(world.ask(TWO, key=key, other=str(3 - key)) for key in (1, 2, 3)))
    names = [[data and data["name"] for data in (one.data or {}).values()] for one in found]
    assert names == [["name 1", "name 2"], ["name 2", "name 1"], ["name 3", None]]
    assert world.batches.looked_up == [[(0, None), (1, None), (2, None), (3, None)]]
    assert world.batches.asked == [[1, 2, 3]]


async def test_who_has_nothing_to_look_up_is_told_so(world: World) -> None:
    """Null, without a word to the batch function; of two root fields, in the one and not in the other."""
    found = await asyncio.gather(*(world.ask(NAMES, key=key) for key in (OF_ANOTHER_TYPE, 1, OF_ANOTHER_TYPE)))
    assert [one.data and one.data["thing"] for one in found] == [None, {"name": "name 1"}, None]
    others = await asyncio.gather(*(world.ask(TWO, key=key, other=OF_ANOTHER_TYPE) for key in (1, 2)))
    assert [one.data for one in others] == [{"thing": {"name": f"name {key}"}, "other": None} for key in (1, 2)]
    assert world.batches.looked_up == [[(1, None)], [(1, None), (2, None)]]


async def test_who_asks_an_ordinary_resolver_runs_alone(world: World) -> None:
    """It may take long, and nobody knows what it depends on."""
    found = await asyncio.gather(*(world.ask(RESOLVED, key=key) for key in (1, 2)))
    assert [one.data for one in found] == [
        {"thing": {"key": key}, "resolved": {"name": f"name {key}"}} for key in (1, 2)
    ]
    assert sorted(world.batches.asked) == [[1], [2]]


async def test_others_are_other_runs(world: World) -> None:
    """Other clients, other roles, and gates, each of which sees what it has found."""
    await world.ask(QUERY, key=1)
    world.batches.asked.clear()
    actors = [
        DESK,
        DESK,
        Actor(2, "other", Role.SUPPORT),
        Actor(1, "desk", Role.ADMIN),
        *[Actor(3, "g", Role.GATE)] * 2,
    ]
    await asyncio.gather(*(world.names(key, actor=actor) for key, actor in enumerate(actors, 1)))
    assert [keys for keys in sorted(world.batches.asked) if keys[0] < 100] == [[1, 2], [3], [4], [5], [6]]


async def test_what_is_given_below_the_root_tells_runs_apart(world: World) -> None:
    """A list, too, which is nothing to look up by: who gives one runs alone."""
    keys, sizes = (1, 2, 3, 4), (10, 10, 20, 20)
    found = await asyncio.gather(*(world.ask(SIZED, key=k, size=s) for k, s in zip(keys, sizes, strict=True)))
    assert [one.data for one in found] == [{"thing": {"sized": n}} for n in (10, 20, 60, 80)]
    found = await asyncio.gather(*(world.ask(LISTED, key=key, of=[key, 9]) for key in keys))
    assert [one.data for one in found] == [{"thing": {"listed": [key, key, 9]}} for key in keys]
    found = [
        await world.ask(LISTED, key=5),
        *await asyncio.gather(world.ask(LISTED, key=5), world.ask(LISTED, key=6, of=None)),
    ]
    assert [one.data for one in found] == [{"thing": {"listed": [key]}} for key in (5, 5, 6)]


async def test_only_what_is_looked_up_may_differ(world: World) -> None:
    """Nobody waits for what is read in another way: that may take longer."""
    query = "query ($key: String!, $by: Beside) { thing(key: $key, beside: $by) { name } }"
    besides: list[Any] = [None, {"key": "a"}, {"key": "b"}, {}, {"key": "a", "sizes": [1]}, {"sizes": [1]}]
    found = await asyncio.gather(*(world.ask(query, key=key, by=by) for key, by in enumerate(besides, 21)))
    assert [one.errors for one in found] == [None] * len(besides)
    assert sorted(world.batches.asked) == [[21, 22, 23, 24], [25, 26]]


async def test_a_failure_is_told_to_who_asked_for_it(world: World) -> None:
    """In what it looks up, in what it is given, and in what is read together."""
    found = await asyncio.gather(*(world.ask(QUERY, key=key) for key in (1, 7, 13, 4, "none", "-1", "")))
    told = [[(error.message, error.path) for error in one.errors or ()] for one in found]
    assert told[0] == told[3] == []
    assert told[1:3] == [[("broken", ["thing"])], [("broken", ["thing", "name"])]]
    assert told[4:] == [[("That is no key.", ["thing"])]] * 3
    assert [one.data and one.data["thing"] and one.data["thing"]["name"] for one in found] == [
        "name 1",
        None,
        None,
        "name 4",
        None,
        None,
        None,
    ]


async def test_who_cannot_ask_the_database_does_not_ask_again(world: World) -> None:
    """All are told so: that it is down is nobody's fault, and asking it once for each does not raise it."""
    world.batches.is_down = True
    found = await asyncio.gather(*(world.ask(NAMES, key=key) for key in (1, 2, 3)))
    assert [one.data for one in found] == [{"thing": None}] * 3
    told = [error for one in found for error in one.errors or ()]
    assert [type(error.original_error) for error in told] == [ConnectionResetError] * 3
    assert len(world.batches.looked_up) == 1


async def test_who_stops_waiting_takes_nothing_from_the_others(world: World) -> None:
    world.batches.is_free.clear()
    tasks = [asyncio.create_task(world.ask(NAMES, key=key)) for key in (1, 2, 3)]
    await world.batches.begun.wait()
    tasks[0].cancel()
    await asyncio.sleep(0)
    world.batches.is_free.set()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert [one.data["thing"]["name"] for one in found[1:]] == ["name 2", "name 3"]  # type: ignore[union-attr, index]


async def test_what_nobody_waits_for_is_ended(world: World) -> None:
    """Its connection has been given back; and whoever comes at that moment begins anew."""
    world.batches.is_free.clear()
    tasks = [asyncio.create_task(world.ask(NAMES, key=key)) for key in (1, 2, 3)]
    await world.batches.begun.wait()
    assert world.database.connections_in_use == 1
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert world.database.connections_in_use == 0
    gone = asyncio.create_task(world.ask(NAMES, key=1))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    world.batches.is_free.set()
    assert await asyncio.wait_for(world.names(4, 5), 10) == ["name 4", "name 5"]
    await asyncio.wait([gone])


async def test_who_is_alone_runs_at_once(database: Database) -> None:
    world = World(database)
    world.batches.is_free.clear()
    first = asyncio.create_task(world.ask(NAMES, key=1))
    await world.batches.begun.wait()
    second, third = (asyncio.create_task(world.ask(NAMES, key=key)) for key in (2, 3))
    await asyncio.sleep(0)
    world.batches.is_free.set()
    await asyncio.gather(first, second, third)
    assert [keys for keys in world.batches.asked if keys[0] < 100] == [[1], [2, 3]]


async def test_who_comes_first_after_several_were_answered_is_not_taken_to_be_alone(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But is, when that was a while ago."""
    monkeypatch.setattr(joint, "COMPANY_SECONDS", 60)
    world = World(database)
    await world.names(1, 2)
    for seconds, runs in ((0, [[3, 4]]), (0, [[3], [4]])):
        monkeypatch.setattr(joint, "COMPANY_SECONDS", seconds)  # after those who are asked for now
        world.batches.asked.clear()
        await world.names(3, 4)
        assert [keys for keys in world.batches.asked if keys[0] < 100] == runs


async def test_who_comes_while_more_are_under_way_runs_with_them_when_they_ask_again(world: World) -> None:
    world.batches.is_free.clear()

    async def twice(key: int) -> ExecutionResult:
        await world.ask(NAMES, key=key)
        return await world.ask(NAMES, key=20 + key)

    many = [asyncio.create_task(twice(key)) for key in (1, 2, 3)]
    await world.batches.begun.wait()
    one = asyncio.create_task(world.ask(NAMES, key=4))
    for _ in range(10):
        await asyncio.sleep(0)
    assert world.batches.asked == [[1, 2, 3]]
    world.batches.is_free.set()
    found = await asyncio.gather(one, *many)
    assert [one.data and one.data["thing"] for one in found] == [{"name": f"name {key}"} for key in (4, 21, 22, 23)]
    assert world.batches.asked == [[1, 2, 3], [4, 21, 22, 23]]


async def test_who_comes_behind_a_slow_run_does_not_wait_for_its_end(world: World) -> None:
    world.batches.is_free.clear()
    many = [asyncio.create_task(world.ask(NAMES, key=key)) for key in (1, 2, 3)]
    await world.batches.begun.wait()
    world.batches.begun.clear()
    one = asyncio.create_task(world.ask(NAMES, key=4))
    await asyncio.wait_for(world.batches.begun.wait(), 10)
    assert world.batches.asked == [[1, 2, 3], [4]]
    world.batches.is_free.set()
    await asyncio.gather(one, *many)


async def test_nobody_waits_until_the_rows_of_all_are_read(world: World) -> None:
    """While it is not known how many an operation reads, few run together; then as many as read so many."""

    async def sizes() -> list[int]:
        world.batches.asked.clear()
        await world.names(*range(1000, 1040))
        return sorted(len(keys) for keys in world.batches.asked if keys[0] < 100_000)

    assert await sizes() == [FEW] * (40 // FEW)
    assert await sizes() == [40 - OPERATIONS_AT_ONCE, OPERATIONS_AT_ONCE]
    world.batches.friends_each = 99
    await world.ask(QUERY, key=1)
    await world.names(*range(1, 3))
    assert max(await sizes()) == ROWS_AT_ONCE // (2 * 99 + 1)
