"""Calendars: the days on which something is closed, and the words that say why."""

from collections.abc import Sequence
from enum import StrEnum

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
