"""Schedules: when an admission is open, and the lines that join a schedule to an admission."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Time,
    UniqueConstraint,
    case,
    func,
    select,
)

from .admission import CapacityControl, CapacityLimitsBy, admission
from .base import BigId, id_column, metadata
from .engine import Read, Write
from .keys import key
from .paging import Listing, Page, Window, is_one_of


class Recurrence(StrEnum):
    ONCE = "ONCE"
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"


class ScheduleProduces(StrEnum):
    OPEN = "OPEN"
    CLOSED = "CLOSED"


class Weekday(StrEnum):
    """In the order of the bits of ``weekdays``, and of ``date.weekday()``."""

    MONDAY = "MONDAY"
    TUESDAY = "TUESDAY"
    WEDNESDAY = "WEDNESDAY"
    THURSDAY = "THURSDAY"
    FRIDAY = "FRIDAY"
    SATURDAY = "SATURDAY"
    SUNDAY = "SUNDAY"


EVERY_WEEKDAY = 0b1111111


def weekday_bits(days: Iterable[Weekday]) -> int:
    """The weekdays as ``weekdays`` keeps them."""
    order = list(Weekday)
    return sum(1 << order.index(day) for day in set(days))


def weekdays_of(bits: int) -> list[Weekday]:
    """The weekdays that ``weekdays`` keeps, in their order."""
    return [day for n, day in enumerate(Weekday) if bits >> n & 1]


schedule = Table(
    "schedule",
    metadata,
    id_column(),
    Column("code", Text, nullable=False),
    Column("code_key", Text, nullable=False, unique=True),
    Column("description", Text, nullable=False),
    Column("recurrence", Text, nullable=False),
    Column("every", Integer, nullable=False),
    Column("weekdays", Integer, nullable=False, comment="bit 0 is Monday"),
    Column("start_date", Date, nullable=False),
    Column("until_date", Date),
    Column("occurrences", Integer),
    Column("start_time", Time, nullable=False),
    Column("stop_time", Time, nullable=False),
    Column("arrival_from_seconds", Integer, comment="from the start; null: 0"),
    Column("arrival_until_seconds", Integer, comment="from the start; null: the end"),
    Column("sales_from_seconds", Integer, comment="from the start; null: no bound"),
    Column("sales_until_seconds", Integer, comment="from the start; null: no bound"),
    Column("days_ahead", Integer, nullable=False),
    Column("capacity_control", Text, nullable=False),
    Column("max_capacity", Integer, nullable=False),
    Column("produces", Text, nullable=False),
    CheckConstraint("every >= 1", name="every"),
    CheckConstraint("weekdays BETWEEN 1 AND 127", name="weekdays"),
    CheckConstraint("days_ahead >= 0", name="days_ahead"),
    CheckConstraint("max_capacity >= 0", name="max_capacity"),
)

schedule_line = Table(
    "schedule_line",
    metadata,
    id_column(),
    Column("admission_id", BigId, ForeignKey(admission.c.id), nullable=False),
    Column("schedule_id", BigId, ForeignKey(schedule.c.id), nullable=False),
    Column("process_order", Integer, nullable=False),
    Column("capacity_control", Text, nullable=False),
    Column("max_capacity", Integer, nullable=False),
    Column("is_blocked", Boolean, nullable=False),
    UniqueConstraint("admission_id", "schedule_id"),
    CheckConstraint("max_capacity >= 0", name="max_capacity"),
    Index(None, "schedule_id"),
)


class ScheduleRow(NamedTuple):
    id: int
    code: str
    code_key: str
    description: str
    recurrence: str
    every: int
    weekdays: int
    start_date: date
    until_date: date | None
    occurrences: int | None
    start_time: time
    stop_time: time
    arrival_from_seconds: int | None
    arrival_until_seconds: int | None
    sales_from_seconds: int | None
    sales_until_seconds: int | None
    days_ahead: int
    capacity_control: str
    max_capacity: int
    produces: str


class NewSchedule(NamedTuple):
    """A schedule to be added; the fields mean what the columns say."""

    code: str
    description: str
    recurrence: Recurrence
    start_date: date
    until_date: date | None
    start_time: time
    stop_time: time
    days_ahead: int
    capacity_control: CapacityControl
    max_capacity: int
    weekdays: int = EVERY_WEEKDAY
    every: int = 1
    occurrences: int | None = None
    arrival_from_seconds: int | None = None
    arrival_until_seconds: int | None = None
    sales_from_seconds: int | None = None
    sales_until_seconds: int | None = None
    produces: ScheduleProduces = ScheduleProduces.OPEN


class ScheduleLineRow(NamedTuple):
    id: int
    admission_id: int
    schedule_id: int
    process_order: int
    capacity_control: str
    max_capacity: int
    is_blocked: bool


schedules = Listing(schedule, ScheduleRow, select(schedule))
schedule_lines = Listing(schedule_line, ScheduleLineRow, select(schedule_line))


async def sales_controlled(read: Read, admission_ids: Sequence[int]) -> set[int]:
    """Those of the admissions where sales are counted: never sold without a slot, in which the places are counted."""
    control = case(
        (admission.c.capacity_limits_by == CapacityLimitsBy.ADMISSION.value, admission.c.capacity_control),
        (admission.c.capacity_limits_by == CapacityLimitsBy.SCHEDULE.value, schedule.c.capacity_control),
        else_=schedule_line.c.capacity_control,
    )
    found = (
        select(admission.c.id)
        .distinct()
        .join_from(admission, schedule_line, schedule_line.c.admission_id == admission.c.id, isouter=True)
        .join(schedule, schedule_line.c.schedule_id == schedule.c.id, isouter=True)
        .where(is_one_of(read, admission.c.id, admission_ids), control == CapacityControl.SALES.value)
    )
    return {row[0] for row in await read.all(found)}


async def by_ids(read: Read, ids: Sequence[int]) -> dict[int, ScheduleRow]:
    """Schedules by row id."""
    return await schedules.by_key(read, "id", ids)


async def page(read: Read, window: Window) -> Page[ScheduleRow]:
    """A page of all schedules."""
    return await schedules.page(read, window)


async def lines_by_ids(read: Read, ids: Sequence[int]) -> dict[int, ScheduleLineRow]:
    """Schedule lines by row id."""
    return await schedule_lines.by_key(read, "id", ids)


async def lines_of_admissions(read: Read, admission_ids: Sequence[int]) -> dict[int, list[ScheduleLineRow]]:
    """The schedule lines of each admission, in the order in which they were made."""
    return await schedule_lines.lists(read, "admission_id", admission_ids)


async def lines_of_schedules(read: Read, schedule_ids: Sequence[int]) -> dict[int, list[ScheduleLineRow]]:
    """The lines that join each schedule to admissions, in the order in which they were made."""
    return await schedule_lines.lists(read, "schedule_id", schedule_ids)


async def by_codes(read: Read, keys: Sequence[str]) -> dict[str, ScheduleRow]:
    """Schedules by the key of their code."""
    return await schedules.by_key(read, "code_key", keys)


async def of_admission(read: Read, admission_id: int) -> list[tuple[ScheduleLineRow, ScheduleRow]]:
    """The schedule lines of an admission, each with its schedule."""
    found = select(*schedule_line.c, *schedule.c).join_from(schedule_line, schedule).order_by(schedule_line.c.id)
    width = len(ScheduleLineRow._fields)
    rows = await read.all(found.where(schedule_line.c.admission_id == admission_id))
    return [(ScheduleLineRow._make(row[:width]), ScheduleRow._make(row[width:])) for row in rows]


async def add(write: Write, new: NewSchedule) -> ScheduleRow | None:
    """A new schedule, or None if the code is taken."""
    values = new._asdict() | {"code_key": key(new.code)}
    statement = write.insert(schedule).values(values).on_conflict_do_nothing(index_elements=["code_key"])
    return await write.first(ScheduleRow, statement.returning(schedule))


async def lock(write: Write, code_key: str) -> ScheduleRow | None:
    """Take the schedule of that code, and answer it."""
    found = schedules.view.where(schedule.c.code_key == code_key).with_for_update(key_share=True)
    return await write.first(ScheduleRow, found)


async def change(write: Write, schedule_id: int, values: Mapping[str, Any]) -> None:
    """Change columns of a locked schedule."""
    await write.run(schedule.update().where(schedule.c.id == schedule_id).values(dict(values)))


async def line_of(read: Read, admission_id: int, schedule_id: int) -> ScheduleLineRow | None:
    """The line that joins the schedule to the admission."""
    joined = (schedule_line.c.admission_id == admission_id) & (schedule_line.c.schedule_id == schedule_id)
    return await read.first(ScheduleLineRow, schedule_lines.view.where(joined))


async def add_line(
    write: Write, admission_id: int, row: ScheduleRow, values: Mapping[str, Any] = {}
) -> ScheduleLineRow | None:
    """Join a schedule to a locked admission, with the schedule's capacity; a line that is there is left as it is.

    Unless ``values`` say otherwise it stands behind the lines that are there: slots that they make stay theirs.
    """
    least = func.min(schedule_line.c.process_order)
    behind = select(func.coalesce(least - 1, 0)).where(schedule_line.c.admission_id == admission_id)
    line = {
        "admission_id": admission_id,
        "schedule_id": row.id,
        "process_order": behind.scalar_subquery(),
        "capacity_control": row.capacity_control,
        "max_capacity": row.max_capacity,
        "is_blocked": False,
    }
    statement = write.insert(schedule_line).values(line | dict(values))
    statement = statement.on_conflict_do_nothing(index_elements=["admission_id", "schedule_id"])
    return await write.first(ScheduleLineRow, statement.returning(schedule_line))


async def change_line(write: Write, line_id: int, values: Mapping[str, Any]) -> None:
    """Change columns of a line whose admission is locked."""
    await write.run(schedule_line.update().where(schedule_line.c.id == line_id).values(dict(values)))
