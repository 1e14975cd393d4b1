"""Data loaders: a field that fails takes no other down with it."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import strawberry
from graphql import execute, parse

from db.client import Role
from db.engine import Database
from resolvers.actor import Actor
from resolvers.context import Context, Rules
from schema.relations import relation


class Batches:
    """A batch function that waits until it is let go, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_free = asyncio.Event()

    async def __call__(self, _context: Any, _read: Any, keys: Sequence[int]) -> Mapping[int, str]:
        self.asked += 1
        await self.is_free.wait()
        return {key: f"name {key}" for key in keys}


def schema_over(batches: Batches) -> strawberry.Schema:
    """Two branches wait for the same key; beside one of them a non-null field fails at once."""

    @strawberry.type
    class Branch:
        key: int
        name: str | None = relation(batches, "key", description="Waits for the batch.")

        @strawberry.field
        async def broken(self) -> str:
            batches.is_free.set()
            raise ValueError("broken")

    @strawberry.type
    class Query:
        @strawberry.field
        def failing(self) -> Branch | None:
            return Branch(key=7)

        @strawberry.field
        def waiting(self) -> Branch | None:
            return Branch(key=7)

    return strawberry.Schema(query=Query)


async def test_a_failed_sibling_does_not_cancel_what_another_branch_waits_for(database: Database) -> None:
    """graphql-core cancels the siblings of a failed non-null field: the future both branches share must survive."""
    batches = Batches()
    schema = schema_over(batches)
    context = Context(database, Actor(1, "somebody", Role.ADMIN), Rules())
    document = parse("{ failing { name broken } waiting { name } again: waiting { name } }")
    result: Any = execute(schema._schema, document, context_value=context)
    answer = await asyncio.wait_for(result, 10)
    assert answer.data == {"failing": None, "waiting": {"name": "name 7"}, "again": {"name": "name 7"}}
    assert [str(error.original_error) for error in answer.errors] == ["broken"]
    assert batches.asked == 1


async def test_what_was_loaded_is_not_asked_for_again(database: Database) -> None:
    context = Context(database, Actor(1, "somebody", Role.ADMIN), Rules())
    batches = Batches()
    batches.is_free.set()
    names = await asyncio.gather(*(context.loaders.load(batches, key) for key in (1, 2, 1)))
    assert names == ["name 1", "name 2", "name 1"]
    assert await context.loaders.load(batches, 2) == "name 2"
    assert batches.asked == 1


async def test_other_arguments_are_another_batch(database: Database) -> None:
    """And what is missing from a batch's answer is None."""
    asked = []

    async def batch(_context: Any, _read: Any, keys: Sequence[int], size: int) -> Mapping[int, int]:
        asked.append((sorted(keys), size))
        return {key: key * size for key in keys if key != 3}

    context = Context(database, Actor(1, "somebody", Role.ADMIN), Rules())
    load = context.loaders.load
    found = await asyncio.gather(load(batch, 1, 10), load(batch, 2, 10), load(batch, 1, 20), load(batch, 3, 20))
    assert list(found) == [10, 20, 20, None]
    assert sorted(asked) == [([1, 2], 10), ([1, 3], 20)]


async def test_a_write_is_read_anew(database: Database) -> None:
    """What was loaded before a transaction is not what is true after it."""
    context = Context(database, Actor(1, "somebody", Role.ADMIN), Rules())
    batches = Batches()
    batches.is_free.set()
    await context.loaders.load(batches, 1)
    now = context.now
    async with context.writing():
        pass
    await context.loaders.load(batches, 1)
    assert batches.asked == 2
    assert context.now > now


async def test_who_alone_is_waited_for_waits_for_nobody(database: Database) -> None:
    """Its tasks do: what they ask for together is one batch."""
    context = Context(database, Actor(1, "somebody", Role.ADMIN), Rules())
    batches = Batches()
    batches.is_free.set()
    context.sole_task = asyncio.current_task()
    assert await context.loaders.load(batches, 1) == "name 1"
    assert batches.asked == 1
    names = await asyncio.gather(*(context.loaders.load(batches, key) for key in (1, 2, 3)))
    assert names == ["name 1", "name 2", "name 3"]
    assert batches.asked == 2


async def test_who_alone_is_waited_for_is_told_of_a_failure(database: Database) -> None:
    async def broken(_context: Any, _read: Any, _keys: Sequence[int]) -> Mapping[int, str]:
        raise ValueError("broken")

    context = Context(database, Actor(1, "somebody", Role.ADMIN), Rules())
    context.sole_task = asyncio.current_task()
    for _ in range(2):
        with pytest.raises(ValueError, match="broken"):
            await context.loaders.load(broken, 1)
