"""Visits: who was let in with an access entry, into which slot, and who is inside still.

People, not places. A person who comes back is counted at every arrival, and is inside once.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    UniqueConstraint,
    bindparam,
    select,
    text,
)

from .base import BigId, Instant, id_column, metadata
from .engine import Read, Write
from .paging import Listing, is_one_of
from .ticket import AccessEntryRow, access_entries, access_entry
from .time_slot import time_slot

visit = Table(
    "visit",
    metadata,
    id_column(),
    Column("access_entry_id", BigId, ForeignKey(access_entry.c.id), nullable=False),
    Column("slot_id", BigId, ForeignKey(time_slot.c.id), comment="null: not in any slot"),
    Column("arrivals", Integer, nullable=False, comment="scans that let people in"),
    Column("admitted", Integer, nullable=False, comment="people, each counted at every arrival"),
    Column("inside", Integer, nullable=False, comment="people inside now"),
    Column("first_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    UniqueConstraint("access_entry_id", "slot_id"),
    CheckConstraint("inside BETWEEN 0 AND admitted", name="inside"),
    Index(None, "slot_id"),
    Index(
        "uq_visit_without_slot",
        "access_entry_id",
        unique=True,
        postgresql_where=text("slot_id IS NULL"),
        sqlite_where=text("slot_id IS NULL"),
    ),
)


class VisitRow(NamedTuple):
    id: int
    access_entry_id: int
    slot_id: int | None
    arrivals: int
    admitted: int
    inside: int
    first_at: datetime
    last_at: datetime


visits = Listing(visit, VisitRow, select(visit))


async def of_access_entries(read: Read, access_entry_ids: Sequence[int]) -> dict[int, list[VisitRow]]:
    """The visits made with each access entry, the earliest first."""
    return await visits.lists(read, "access_entry_id", access_entry_ids, order_by=("first_at", "id"))


async def access_entries_of_slots(read: Read, slot_ids: Sequence[int]) -> dict[int, AccessEntryRow]:
    """The access entries with which anybody was ever let into one of these slots, by row id."""
    visited = select(visit.c.access_entry_id).where(is_one_of(read, visit.c.slot_id, slot_ids))
    found = access_entries.view.where(access_entry.c.id.in_(visited))
    return {row.id: row for row in await read.rows(AccessEntryRow, found)}


async def add(write: Write, rows: Sequence[VisitRow]) -> None:
    """First visits to a slot with locked tickets; their ids are not looked at."""
    await write.run_each(visit.insert(), [{n: v for n, v in row._asdict().items() if n != "id"} for row in rows])


async def change(write: Write, rows: Sequence[VisitRow]) -> None:
    """Write down visits of locked tickets as they have become."""
    names = ("arrivals", "admitted", "inside", "first_at", "last_at")
    statement = visit.update().where(visit.c.id == bindparam("visit_id"))
    statement = statement.values({name: bindparam(f"new_{name}", type_=visit.c[name].type) for name in names})
    await write.run_each(
        statement, [{"visit_id": row.id, **{f"new_{name}": getattr(row, name) for name in names}} for row in rows]
    )
