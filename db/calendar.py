"""Calendars: the days on which something is closed, and the words that say why."""

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import CheckConstraint, Column, Date, ForeignKey, Index, Integer, Table, Text, select

from .base import BigId, id_column, metadata
from .engine import Read, Write
from .keys import key
from .paging import Listing, Page, Window, is_one_of


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


class CalendarRow(NamedTuple):
    id: int
    code: str
    code_key: str
    description: str


class CalendarLineRow(NamedTuple):
    """A day, and why it is closed: of a DATE ``date``, of a WEEKDAY ``weekday`` (0 is Monday), else month and day."""

    id: int
    calendar_id: int
    kind: str
    date: date | None
    weekday: int | None
    month: int | None
    day: int | None
    text: str


calendars = Listing(calendar, CalendarRow, select(calendar))
calendar_lines = Listing(calendar_line, CalendarLineRow, select(calendar_line))


async def by_ids(read: Read, ids: Sequence[int]) -> dict[int, CalendarRow]:
    """Calendars by row id."""
    return await calendars.by_key(read, "id", ids)


async def by_keys(read: Read, keys: Sequence[str]) -> dict[str, CalendarRow]:
    """Calendars by the key of their code."""
    return await calendars.by_key(read, "code_key", keys)


async def page(read: Read, window: Window) -> Page[CalendarRow]:
    """A page of all calendars."""
    return await calendars.page(read, window)


async def ids_by_codes(read: Read, keys: Sequence[str]) -> dict[str, int]:
    """Row ids of calendars by the key of their code."""
    found = select(calendar.c.code_key, calendar.c.id).where(is_one_of(read, calendar.c.code_key, keys))
    return {row[0]: row[1] for row in await read.all(found)}


async def lines_of(read: Read, calendar_ids: Sequence[int]) -> dict[int, list[CalendarLineRow]]:
    """The lines of each calendar, in the order in which they were given."""
    return await calendar_lines.lists(read, "calendar_id", calendar_ids)


async def lock(write: Write, code_key: str) -> CalendarRow | None:
    """Take the calendar of that code, and answer it."""
    return await write.first(
        CalendarRow, calendars.view.where(calendar.c.code_key == code_key).with_for_update(key_share=True)
    )


async def add(write: Write, *, code: str, description: str) -> CalendarRow | None:
    """A new calendar, or None if the code is taken."""
    statement = write.insert(calendar).values(code=code, code_key=key(code), description=description)
    return await write.first(
        CalendarRow, statement.on_conflict_do_nothing(index_elements=["code_key"]).returning(calendar)
    )


async def change(write: Write, calendar_id: int, values: Mapping[str, Any]) -> None:
    """Change columns of a locked calendar."""
    await write.run(calendar.update().where(calendar.c.id == calendar_id).values(dict(values)))


async def replace_lines(write: Write, calendar_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Give a locked calendar these lines instead of those that it has. Nothing points at a line."""
    await write.run(calendar_line.delete().where(calendar_line.c.calendar_id == calendar_id))
    await write.add(calendar_line, [{**row, "calendar_id": calendar_id} for row in rows])
