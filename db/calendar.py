"""Calendars: the days on which something is closed, and the words that say why."""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import CheckConstraint, Column, Date, ForeignKey, Index, Integer, Table, Text, select

from .base import BigId, id_column, metadata
from .engine import Read
from .paging import is_one_of


class CalendarLineKind(StrEnum):
    DATE = "DATE"
    WEEKDAY = "WEEKDAY"
    YEARLY = "YEARLY"


calendar = Table(
    "calendar",
    metadata,
    id_column(),
    Column("code", Text, nullable=False),
    Column("code_key", Text, nullable=False, unique=True),
    Column("description", Text, nullable=False),
)

calendar_line = Table(
    "calendar_line",
    metadata,
    id_column(),
    Column("calendar_id", BigId, ForeignKey(calendar.c.id), nullable=False),
    Column("kind", Text, nullable=False),
    Column("date", Date),
    Column("weekday", Integer),
    Column("month", Integer),
    Column("day", Integer),
    Column("text", Text, nullable=False),
    CheckConstraint(
        "(kind = 'DATE' AND date IS NOT NULL) OR (kind = 'WEEKDAY' AND weekday BETWEEN 0 AND 6)"
        " OR (kind = 'YEARLY' AND month BETWEEN 1 AND 12 AND day BETWEEN 1 AND 31)",
        name="kind",
    ),
    Index(None, "calendar_id"),
)


async def ids_by_codes(read: Read, keys: Sequence[str]) -> dict[str, int]:
    """Row ids of calendars by the key of their code."""
    found = select(calendar.c.code_key, calendar.c.id).where(is_one_of(read, calendar.c.code_key, keys))
    return {row[0]: row[1] for row in await read.all(found)}


class CalendarLineRow(NamedTuple):
    """A day on which something is closed: DATE has ``date``, WEEKDAY ``weekday`` (0: Monday), YEARLY month and day."""

    id: int
    calendar_id: int
    kind: str
    date: date | None
    weekday: int | None
    month: int | None
    day: int | None
    text: str


async def lines_of(read: Read, calendar_ids: Sequence[int]) -> dict[int, list[CalendarLineRow]]:
    """The lines of each calendar, in the order in which they were made; a calendar without any is missing."""
    found = select(calendar_line).where(is_one_of(read, calendar_line.c.calendar_id, calendar_ids))
    lines: dict[int, list[CalendarLineRow]] = {}
    for row in await read.rows(CalendarLineRow, found.order_by(calendar_line.c.id)):
        lines.setdefault(row.calendar_id, []).append(row)
    return lines
