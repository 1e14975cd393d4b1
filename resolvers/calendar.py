"""Calendars as staff keep them, and what they say of a day.

Source: domain.md, "Calendar". An admission calendar closes slots as they are generated; a ticket calendar is
asked live.
"""

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date as LocalDate
from typing import TYPE_CHECKING, Any

import db
from db.calendar import CalendarLineKind, CalendarLineRow, CalendarRow
from db.engine import Write
from db.keys import key
from db.schedule import Weekday

from .numbers import within
from .refusals import Outcome, RefusalCode, Refusals
from .texts import NAME_LENGTH, required
from .upserts import changed, refuse_nulls

if TYPE_CHECKING:
    from .context import Context

LINES_PER_CALENDAR = 1_000
LEAP_YEAR = 2024

_HAS = {"description": "description", "lines": "lines"}
_MOST_PARTICULAR_FIRST = (CalendarLineKind.DATE, CalendarLineKind.YEARLY, CalendarLineKind.WEEKDAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDay:
    """When: exactly one of a date, a weekday, or the (month, day) of every year."""

    date: LocalDate | None = None
    weekday: Weekday | None = None
    yearly: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class CalendarLine:
    """A line as the caller gave it."""

    on: CalendarDay
    text: str


def closed_because(lines: Sequence[CalendarLineRow], day: LocalDate) -> str | None:
    """Why the calendar of these lines closes that local day, or None if it does not.

    Of several lines the most particular one speaks: a date before a yearly one, and that before a weekday. A yearly
    29 February comes in leap years only.
    """
    for kind in _MOST_PARTICULAR_FIRST:
        for line in lines:
            if line.kind == kind and _is_on(line, day):
                return line.text
    return None


def _is_on(line: CalendarLineRow, day: LocalDate) -> bool:
    match line.kind:
        case CalendarLineKind.DATE:
            return line.date == day
        case CalendarLineKind.YEARLY:
            return (line.month, line.day) == (day.month, day.day)
        case _:
            return line.weekday == day.weekday()


async def upsert(context: "Context", code: str, given: Mapping[str, Any]) -> Outcome:
    """Write what was given of a calendar's description and lines (a sequence of CalendarLine); these replace the old.

    A new calendar is called by its code and closes nothing. Refused: INVALID_INPUT.
    """
    found = Refusals()
    code = required(found, code, "code")
    refuse_nulls(found, given, _HAS)
    values: dict[str, Any] = {}
    if given.get("description") is not None:
        values["description"] = required(found, given["description"], "description", at_most=NAME_LENGTH)
    lines = None if given.get("lines") is None else _columns(given["lines"], found)
    async with context.writing() as write:
        existing = await db.calendar.lock(write, key(code))
        found.check(row_id=existing.id if existing else None)
        row = existing or await _add(write, code)
        if columns := changed(row, values):
            await db.calendar.change(write, row.id, columns)
        if lines is not None and lines != await _lines(write, row.id):
            await db.calendar.replace_lines(write, row.id, lines)
    return Outcome(row_id=row.id)


async def _add(write: Write, code: str) -> CalendarRow:
    """A new calendar; or the one that somebody else has just added."""
    row = await db.calendar.add(write, code=code, description=code) or await db.calendar.lock(write, key(code))
    assert row is not None
    return row


async def _lines(write: Write, calendar_id: int) -> list[dict[str, Any]]:
    kept = (await db.calendar.lines_of(write, [calendar_id])).get(calendar_id, [])
    names = set(CalendarLineRow._fields) - {"id", "calendar_id"}
    return [{name: value for name, value in line._asdict().items() if name in names} for line in kept]


def _columns(lines: Sequence[CalendarLine], found: Refusals) -> list[dict[str, Any]]:
    """The lines as columns; a day that no year has, or that is listed twice, is noted as INVALID_INPUT."""
    within(found, len(lines), "lines", at_least=0, at_most=LINES_PER_CALENDAR)
    rows = [_line(line, found, "lines", i) for i, line in enumerate(lines[:LINES_PER_CALENDAR])]
    seen: set[tuple[Any, ...]] = set()
    for i, row in enumerate(rows):
        day = tuple(value for name, value in row.items() if name != "text")
        if day in seen:
            found.add(RefusalCode.INVALID_INPUT, "The day is listed twice.", "lines", i, "on")
        seen.add(day)
    return rows


def _line(line: CalendarLine, found: Refusals, *path: str | int) -> dict[str, Any]:
    on, text = line.on, required(found, line.text, *path, "text", at_most=NAME_LENGTH)
    row: dict[str, Any] = {"kind": CalendarLineKind.DATE.value, "date": on.date}
    row |= {"weekday": None, "month": None, "day": None, "text": text}
    if on.weekday is not None:
        row |= {"kind": CalendarLineKind.WEEKDAY.value, "weekday": list(Weekday).index(on.weekday)}
    elif on.yearly is not None:
        month, day = on.yearly
        row |= {"kind": CalendarLineKind.YEARLY.value, "month": month, "day": day}
        within(found, month, *path, "on", "yearly", "month", at_least=1, at_most=12)
        last = monthrange(LEAP_YEAR, month)[1] if 1 <= month <= 12 else 31
        within(found, day, *path, "on", "yearly", "day", at_least=1, at_most=last)
    return row
