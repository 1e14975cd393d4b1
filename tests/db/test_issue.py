"""Taking numbers and slots for tickets: in this order, and slots only when nobody has to wait for a number any more."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import db
from db.engine import Database, Write
from tests.concurrency.waiting import beside
from tests.make import making


class Enough(Exception):
    """Nothing is to be kept."""


@asynccontextmanager
async def undone(database: Database) -> AsyncIterator[Write]:
    """A transaction of which nothing is kept: its numbers are given to tickets that are not written."""
    with suppress(Enough):
        async with database.writing() as write:
            yield write
            raise Enough


async def is_free(database: Database, slot_id: int) -> bool:
    """Whether another transaction may take the slot; SQLite has but one at a time."""
    if database.dialect == "sqlite":
        return True
    async with beside(database) as other:
        return bool(await db.time_slot.lock(other, [slot_id], or_skip=True))


async def test_slots_are_taken_when_every_number_is(database: Database) -> None:
    """One of two is a ticket's already, of this request: the other is ours, the slot with the next free one."""
    async with making(database) as make:
        admission_id = await make.admission()
        slot_id = await make.slot(admission_id)
        item = await make.item()
        await make.ticket(await make.line(request := await make.request(await make.client()), item), "n-1")
    async with undone(database) as write:
        first, second = ((request.id, ticket_id) for ticket_id in await write.next_ids(db.ticket.issued_ticket, 2))
        two = {"n-0": first, "n-1": second}
        assert await db.issue.take(write, two, [slot_id]) == ({"n-0"}, None)
        assert await is_free(database, slot_id)
        assert await db.issue.take(write, {"n-2": second}, None) == ({"n-2"}, None)
        assert await is_free(database, slot_id)
        free, taken = await db.issue.take(write, {"n-3": second}, [slot_id])
        assert set(free) == {"n-3"}
        assert taken is not None
        assert list(taken.slots) == [slot_id]
        assert database.dialect == "sqlite" or not await is_free(database, slot_id)


async def test_without_slots_the_clock_is_read_with_the_last_number(database: Database) -> None:
    """As it is without numbers: then all of them were dictated."""
    async with making(database) as make:
        request = await make.request(await make.client())
    async with undone(database) as write:
        for numbers in ({"n-1": (request.id, 1)}, {}):
            free, taken = await db.issue.take(write, numbers, [])
            assert set(free) == set(numbers)
            assert taken is not None
            assert taken.slots == {}
