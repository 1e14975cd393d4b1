"""Admissions: the places and events that tickets let people into."""

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Date,
    ForeignKey,
    Integer,
    Select,
    Table,
    Text,
    select,
)

from .base import BigId, id_column, metadata
from .calendar import calendar
from .engine import Read, Write
from .keys import key
from .paging import ALL, Columns, Listing, Page, Window


class AdmissionKind(StrEnum):
    LOCATION = "LOCATION"
    EVENT = "EVENT"


class CapacityControl(StrEnum):
    NONE = "NONE"
    SALES = "SALES"
    ADMITTED = "ADMITTED"
    ADMITTED_AND_DEPARTED = "ADMITTED_AND_DEPARTED"


class CapacityLimitsBy(StrEnum):
    ADMISSION = "ADMISSION"
    SCHEDULE = "SCHEDULE"
    SLOT = "SLOT"


class ScheduleSelection(StrEnum):
    TODAY = "TODAY"
    NEXT_AVAILABLE = "NEXT_AVAILABLE"
    SCHEDULE_ENTRY = "SCHEDULE_ENTRY"
    NONE = "NONE"


admission = Table(
    "admission",
    metadata,
    id_column(),
    Column("code", Text, nullable=False),
    Column("code_key", Text, nullable=False, unique=True),
    Column("description", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("capacity_limits_by", Text, nullable=False),
    Column("capacity_control", Text, nullable=False),
    Column("max_capacity", Integer, nullable=False),
    Column("prebook_required", Boolean, nullable=False),
    Column("default_schedule", Text, nullable=False),
    Column("calendar_id", BigId, ForeignKey(calendar.c.id)),
    Column("generated_on", Date, comment="the local day on which its slots were last calculated"),
    CheckConstraint("max_capacity >= 0", name="max_capacity"),
)


class AdmissionRow(NamedTuple):
    id: int
    code: str
    code_key: str
    description: str
    kind: str
    time_zone: str
    capacity_limits_by: str
    capacity_control: str
    max_capacity: int
    prebook_required: bool
    default_schedule: str
    calendar_id: int | None
    generated_on: date | None = None


admissions = Listing(admission, AdmissionRow, select(admission))


async def by_ids(read: Read, ids: Sequence[int], *, columns: Columns = ALL) -> dict[int, AdmissionRow]:
    """Admissions by row id."""
    return await admissions.by_key(read, "id", ids, columns=columns)


async def by_keys(read: Read, keys: Sequence[str]) -> dict[str, AdmissionRow]:
    """Admissions by the key of their code."""
    return await admissions.by_key(read, "code_key", keys)


async def page(read: Read, window: Window) -> Page[AdmissionRow]:
    """A page of all admissions."""
    return await admissions.page(read, window)


async def all_of_them(read: Read) -> list[AdmissionRow]:
    """Every admission, in the order of their making."""
    return await read.rows(AdmissionRow, admissions.view.order_by(admission.c.id))


async def add(
    write: Write,
    *,
    code: str,
    description: str,
    kind: AdmissionKind,
    time_zone: str,
    capacity_limits_by: CapacityLimitsBy,
    capacity_control: CapacityControl,
    max_capacity: int,
    prebook_required: bool,
    default_schedule: ScheduleSelection,
    calendar_id: int | None = None,
) -> AdmissionRow | None:
    """A new admission, or None if the code is taken."""
    statement = (
        write.insert(admission)
        .values(
            code=code,
            code_key=key(code),
            description=description,
            kind=kind.value,
            time_zone=time_zone,
            capacity_limits_by=capacity_limits_by.value,
            capacity_control=capacity_control.value,
            max_capacity=max_capacity,
            prebook_required=prebook_required,
            default_schedule=default_schedule.value,
            calendar_id=calendar_id,
        )
        .on_conflict_do_nothing(index_elements=["code_key"])
        .returning(admission)
    )
    return await write.first(AdmissionRow, statement)


async def next_id(write: Write) -> int:
    """The next number of the series of admissions; it may have gaps."""
    return (await write.next_ids(admission, 1))[0]


async def change(write: Write, admission_id: int, values: Mapping[str, Any]) -> None:
    """Change columns of a locked admission."""
    await write.run(admission.update().where(admission.c.id == admission_id).values(dict(values)))


async def generated_on(read: Read) -> list[tuple[int, str, date | None]]:
    """Of every admission: its row id, its time zone, and the local day on which its slots were last calculated."""
    found = select(admission.c.id, admission.c.time_zone, admission.c.generated_on).order_by(admission.c.id)
    return [(row[0], row[1], row[2]) for row in await read.all(found)]


async def codes(read: Read) -> list[str]:
    """The code of every admission."""
    return [row[0] for row in await read.all(select(admission.c.code).order_by(admission.c.id))]


async def lock(write: Write, admission_id: int) -> AdmissionRow | None:
    """Take an admission, and answer it: whoever changes its slots as a whole does so one after the other."""
    return await write.first(AdmissionRow, _for_update(admission.c.id == admission_id))


async def lock_by_key(write: Write, code_key: str) -> AdmissionRow | None:
    """Take the admission of that code, and answer it."""
    return await write.first(AdmissionRow, _for_update(admission.c.code_key == code_key))


def _for_update(which: ColumnElement[bool]) -> Select[Any]:
    return admissions.view.where(which).with_for_update(key_share=True)
