"""Schedules as staff set them up, and the lines that join them to admissions.

Source: domain.md, "Schedule". What is changed here shows in the slots when they are next generated; capacity is live.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

import db
from db.admission import CapacityControl
from db.engine import Write
from db.keys import key
from db.schedule import EVERY_WEEKDAY, NewSchedule, Recurrence, ScheduleRow, weekday_bits

from . import slots
from .admission import LARGEST_CAPACITY
from .context import Context
from .numbers import within
from .refusals import Outcome, RefusalCode, Refusals
from .texts import NAME_LENGTH, required
from .upserts import changed, refuse_gaps, refuse_nulls

LONGEST_DAYS_AHEAD = 1_000
LARGEST_EVERY = 1_000
MOST_OCCURRENCES = 100_000
LONGEST_ARRIVAL_MINUTES = 7 * 24 * 60
LONGEST_SALES_MINUTES = 3 * 366 * 24 * 60
LARGEST_PROCESS_ORDER = 1_000_000
DAYS_AHEAD = 30
"""Of a new schedule that does not say."""

_NEW_NEEDS = {"start_date": "startDate", "start_time": "startTime", "stop_time": "stopTime"}
_HAS = _NEW_NEEDS | {
    "description": "description",
    "recurrence": "recurrence",
    "every": "every",
    "weekdays": "weekdays",
    "days_ahead": "daysAhead",
    "capacity_control": "capacityControl",
    "max_capacity": "maxCapacity",
    "produces": "produces",
}
_AS_GIVEN = tuple(_HAS.keys() - {"description", "weekdays"})
_LINE_HAS = {
    "process_order": "processOrder",
    "capacity_control": "capacityControl",
    "max_capacity": "maxCapacity",
    "is_blocked": "isBlocked",
}


class _Bound(NamedTuple):
    """One end of a window: its name in ``given``, what callers call it, which way its minutes count, and the most."""

    name: str
    called: str
    sign: int
    largest: int


_WINDOWS = {
    "arrival_from_seconds": _Bound(
        "arrival_from_minutes_before", "arrivalFromMinutesBefore", -1, LONGEST_ARRIVAL_MINUTES
    ),
    "arrival_until_seconds": _Bound(
        "arrival_until_minutes_after", "arrivalUntilMinutesAfter", 1, LONGEST_ARRIVAL_MINUTES
    ),
    "sales_from_seconds": _Bound("sales_from_minutes_before", "salesFromMinutesBefore", -1, LONGEST_SALES_MINUTES),
    "sales_until_seconds": _Bound("sales_until_minutes_before", "salesUntilMinutesBefore", -1, LONGEST_SALES_MINUTES),
}


# ---------------------------------------------------------------------------------------------------- schedules


async def upsert(context: Context, code: str, given: Mapping[str, Any]) -> Outcome:
    """Write what was given of a schedule; what was not given stays, None clears the ends and the windows.

    A new one needs start date, start and stop time, and, unless its control is NONE, a maximum. By default it is WEEKLY
    on every weekday, every week, for ever, makes OPEN slots 30 days ahead and counts SALES. ONCE has no pattern and no
    end: what a schedule had of them is dropped. Refused: INVALID_INPUT, also for a schedule that would never produce.
    """
    found = Refusals()
    code = required(found, code, "code")
    refuse_nulls(found, given, _HAS)
    values = _columns(given, found)
    async with context.writing() as write:
        return await _write(write, code, given, values, found)


async def _write(
    write: Write, code: str, given: Mapping[str, Any], values: Mapping[str, Any], found: Refusals
) -> Outcome:
    existing = await db.schedule.lock(write, key(code))
    row_id = existing.id if existing else None
    if existing is None:
        refuse_gaps(found, given, "schedule", _NEW_NEEDS.items())
        if given.get("capacity_control") != CapacityControl.NONE:
            refuse_gaps(found, given, "schedule", [("max_capacity", "maxCapacity")])
        found.check()
    row = _merged(code, existing, values)
    _check(row, given, found)
    found.check(row_id=row_id)
    row = _plain(row)
    if existing is None:
        fields = {name: value for name, value in row._asdict().items() if name not in ("id", "code_key")}
        added = await db.schedule.add(write, NewSchedule(**fields))
        if added is None:  # somebody else has just added it: what was not given is theirs
            return await _write(write, code, given, values, found)
        return Outcome(row_id=added.id)
    if columns := changed(existing, row._asdict()):
        await db.schedule.change(write, existing.id, columns)
    return Outcome(row_id=existing.id)


def _columns(given: Mapping[str, Any], found: Refusals) -> dict[str, Any]:
    values = {name: given[name] for name in _AS_GIVEN if given.get(name) is not None}
    values |= {name: given[name] for name in ("until_date", "occurrences") if name in given}
    within(found, given.get("every"), "every", at_least=1, at_most=LARGEST_EVERY)
    within(found, given.get("occurrences"), "occurrences", at_least=1, at_most=MOST_OCCURRENCES)
    within(found, given.get("days_ahead"), "daysAhead", at_least=0, at_most=LONGEST_DAYS_AHEAD)
    within(found, given.get("max_capacity"), "maxCapacity", at_least=0, at_most=LARGEST_CAPACITY)
    if given.get("description") is not None:
        values["description"] = required(found, given["description"], "description", at_most=NAME_LENGTH)
    if given.get("weekdays") is not None:
        values["weekdays"] = weekday_bits(given["weekdays"])
        if not given["weekdays"]:
            found.add(RefusalCode.INVALID_INPUT, "A schedule has at least one weekday.", "weekdays")
    for column, bound in _WINDOWS.items():
        if bound.name in given:
            minutes = given[bound.name]
            within(found, minutes, bound.called, at_least=-bound.largest, at_most=bound.largest)
            values[column] = None if minutes is None else bound.sign * minutes * 60
    return values


def _merged(code: str, existing: ScheduleRow | None, values: Mapping[str, Any]) -> ScheduleRow:
    """The schedule as it would be."""
    if existing is not None:
        return existing._replace(**values)
    unbounded: dict[str, Any] = dict.fromkeys(ScheduleRow._fields)
    defaults: dict[str, Any] = {
        "id": 0,
        "code": code,
        "code_key": key(code),
        "description": code,
        "recurrence": Recurrence.WEEKLY,
        "every": 1,
        "weekdays": EVERY_WEEKDAY,
        "days_ahead": DAYS_AHEAD,
        "capacity_control": CapacityControl.SALES,
        "max_capacity": 0,
        "produces": db.schedule.ScheduleProduces.OPEN,
    }
    return ScheduleRow(**unbounded | defaults | dict(values))


def _check(row: ScheduleRow, given: Mapping[str, Any], found: Refusals) -> None:
    """Note as INVALID_INPUT what contradicts itself, given now or before."""
    if row.recurrence == Recurrence.ONCE:
        _check_once(given, found)
        row = _plain(row)
    if row.until_date is not None and row.occurrences is not None:
        message = "A schedule ends with untilDate or after occurrences, not both: clear one of them with null."
        found.add(RefusalCode.INVALID_INPUT, message, "untilDate" if given.get("until_date") else "occurrences")
    if row.until_date is not None and row.until_date < row.start_date:
        found.add(RefusalCode.INVALID_INPUT, "untilDate is not before startDate.", "untilDate")
    elif not found.found and not _ever_produces(row):
        message = "Of the days that every counts, from startDate to its end, none is one of the weekdays."
        found.add(RefusalCode.INVALID_INPUT, message, "weekdays")
    _check_windows(row, found)


def _check_once(given: Mapping[str, Any], found: Refusals) -> None:
    for name, called in (("until_date", "untilDate"), ("occurrences", "occurrences"), ("weekdays", "weekdays")):
        if given.get(name) is not None:
            message = f"A schedule that takes place ONCE, on its startDate, has no {called}."
            found.add(RefusalCode.INVALID_INPUT, message, called)
    if given.get("every", 1) not in (1, None):
        found.add(RefusalCode.INVALID_INPUT, "A schedule that takes place ONCE is not repeated.", "every")


def _plain(row: ScheduleRow) -> ScheduleRow:
    """Without what does not go with its recurrence."""
    if row.recurrence != Recurrence.ONCE:
        return row
    return row._replace(every=1, weekdays=EVERY_WEEKDAY, until_date=None, occurrences=None)


def _ever_produces(row: ScheduleRow) -> bool:
    return next(slots.days(row, row.start_date, date.max), None) is not None


def _check_windows(row: ScheduleRow, found: Refusals) -> None:
    """A window ends after it begins. Without a bound, arrival is the slot's own; sales have none."""
    opens, closes = row.arrival_from_seconds, row.arrival_until_seconds
    if (opens or 0) > (_length(row) if closes is None else closes):
        called = "arrivalFromMinutesBefore" if closes is None else "arrivalUntilMinutesAfter"
        found.add(RefusalCode.INVALID_INPUT, "The arrival window ends before it begins.", called)
    opens, closes = row.sales_from_seconds, row.sales_until_seconds
    if opens is not None and closes is not None and opens > closes:
        message = "The sales window ends before it begins."
        found.add(RefusalCode.INVALID_INPUT, message, "salesUntilMinutesBefore")


def _length(row: ScheduleRow) -> int:
    """How many seconds the clock on the wall passes from start to stop."""
    start, stop = (datetime.combine(row.start_date, wall) for wall in (row.start_time, row.stop_time))
    return (stop - start) // slots.SECOND + (0 if stop > start else 86_400)


# -------------------------------------------------------------------------------------------------------- lines


async def upsert_line(context: Context, admission_code: str, schedule_code: str, given: Mapping[str, Any]) -> Outcome:
    """Join a schedule to an admission, or change how it is joined; what was not given stays.

    A new line has the process order 0 and the schedule's capacity. Refused: INVALID_INPUT, UNKNOWN_ADMISSION, NOT_FOUND
    (schedule).
    """
    found = Refusals()
    admission_key = key(required(found, admission_code, "admissionCode"))
    schedule_key = key(required(found, schedule_code, "scheduleCode"))
    refuse_nulls(found, given, _LINE_HAS)
    largest = LARGEST_PROCESS_ORDER
    within(found, given.get("process_order"), "processOrder", at_least=-largest, at_most=largest)
    within(found, given.get("max_capacity"), "maxCapacity", at_least=0, at_most=LARGEST_CAPACITY)
    async with context.writing() as write:
        admission = await db.admission.lock_by_key(write, admission_key)
        schedule = (await db.schedule.by_codes(write, [schedule_key])).get(schedule_key)
        if admission is None and admission_key:
            message = "There is no admission of that code."
            found.add(RefusalCode.UNKNOWN_ADMISSION, message, "admissionCode")
        if schedule is None and schedule_key:
            found.add(RefusalCode.NOT_FOUND, "There is no schedule of that code.", "scheduleCode")
        existing = await db.schedule.line_of(write, admission.id, schedule.id) if admission and schedule else None
        found.check(row_id=existing.id if existing else None)
        assert admission is not None
        assert schedule is not None
        row = existing or await db.schedule.add_line(write, admission.id, schedule, {"process_order": 0})
        assert row is not None  # the admission is locked: nobody else adds lines to it
        if columns := changed(row, given):
            await db.schedule.change_line(write, row.id, columns)
    return Outcome(row_id=row.id)
