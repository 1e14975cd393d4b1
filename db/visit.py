"""Visits: who was let in with an access entry, into which slot, and who is inside still.

People, not places. A person who comes back is counted at every arrival, and is inside once.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    UniqueConstraint,
    select,
    text,
)

from .base import BigId, Instant, id_column, metadata
from .engine import Read, Write
from .paging import Listing, is_one_of
from .ticket import AccessEntryRow, access_entries, access_entry
from .time_slot import time_slot
from .together import ChangeOfEach, NewRows, Step, change_each

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


def adding(rows: Sequence[VisitRow]) -> Step:
    """First visits to a slot with locked tickets; their ids are not looked at."""
    return NewRows(visit, [{n: v for n, v in row._asdict().items() if n != "id"} for row in rows])


def changing(write: Write, rows: Sequence[VisitRow]) -> Step:
    """Visits of locked tickets as they have become."""
    names = ("arrivals", "admitted", "inside", "first_at", "last_at")
    return change_each(write, _CHANGE, [{"of_id": r.id, **{f"new_{n}": getattr(r, n) for n in names}} for r in rows])


_CHANGE = ChangeOfEach(
    {
        "of_id": BigInteger(),
        "new_arrivals": Integer(),
        "new_admitted": Integer(),
        "new_inside": Integer(),
        "new_first_at": Instant(),
        "new_last_at": Instant(),
    },
    lambda given: (
        visit.update()
        .where(visit.c.id == given.of_id)
        .values(
            arrivals=given.new_arrivals,
            admitted=given.new_admitted,
            inside=given.new_inside,
            first_at=given.new_first_at,
            last_at=given.new_last_at,
        )
    ),
)
