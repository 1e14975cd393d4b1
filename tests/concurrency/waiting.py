"""Making others wait: a transaction of the test's own that holds what they need, so that a race has one outcome."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy import text

import db
from db.engine import Database, Write
from db.ticket_request import NewIds
from db.time_slot import Taken, TakenSlot

PATIENCE_SECONDS = 10


@asynccontextmanager
async def beside(database: Database) -> AsyncIterator[Write]:
    """A transaction on connections of its own: on SQLite it keeps every other writer out."""
    other = Database(database.url)
    try:
        async with other.writing() as write:
            yield write
    finally:
        await other.dispose()


@asynccontextmanager
async def holding_slots(database: Database, *slots: int) -> AsyncIterator[None]:
    """Hold the lock of these slots while the block runs, or of every one."""
    async with beside(database) as write:
        ids = slots or [row[0] for row in await write.all(text("SELECT id FROM time_slot"))]
        await db.time_slot.lock(write, ids)
        yield


async def not_taken(write: Write, slot_ids: Sequence[int], lines: int, entries: int) -> tuple[Taken, NewIds]:
    """Instead of ``take_slots``, for a control: the slots as they are, and anybody may have them."""
    rows = await db.time_slot.by_ids(write, slot_ids)
    ids = [
        await write.next_ids(table, number)
        for table, number in ((db.ticket_request.request_line, lines), (db.ticket_request.request_entry, entries))
    ]
    slots = {row.id: TakenSlot(row.id, row.starts_at, row.state) for row in rows.values()}
    return Taken(slots, await write.clock()), NewIds(*ids)


@asynccontextmanager
async def holding_table(database: Database, table: str) -> AsyncIterator[None]:
    """PostgreSQL: let nobody insert into or change a table while the block runs."""
    async with beside(database) as write:
        await write.run(text(f"LOCK TABLE {table} IN SHARE MODE"))
        yield


async def until_waiting(database: Database, number: int = 1) -> None:
    """Return when so many writers wait for a lock. SQLite cannot tell: there a moment must do."""
    if database.dialect == "sqlite":
        await asyncio.sleep(0.2)
        return
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(PATIENCE_SECONDS), database.reading() as read:
        while int(await read.value(waiting)) < number:
            await read.value(text("SELECT pg_sleep(0.01)"))


async def until_past(database: Database, moment: str) -> None:
    """Return when the database's clock, which is this machine's, is past a moment of an answer."""
    await asyncio.sleep((datetime.fromisoformat(moment) - database.now()).total_seconds() + 0.05)
