"""Admissions as staff set them up."""

from collections.abc import Mapping
from functools import cache
from typing import Any
from zoneinfo import available_timezones

import db
from db.admission import AdmissionKind, AdmissionRow, CapacityControl, CapacityLimitsBy, ScheduleSelection
from db.engine import Read, Write
from db.keys import key

from .context import Context, Rules
from .numbers import within
from .refusals import Outcome, RefusalCode, Refusals
from .texts import NAME_LENGTH, required, text
from .upserts import changed, refuse_gaps, refuse_nulls

LARGEST_CAPACITY = 1_000_000

_NEW_NEEDS = {"kind": "kind"}
_HAS = {
    "description": "description",
    "kind": "kind",
    "time_zone": "timeZone",
    "capacity_limits_by": "capacityLimitsBy",
    "capacity_control": "capacityControl",
    "max_capacity": "maxCapacity",
    "prebook_required": "prebookRequired",
    "default_schedule": "defaultSchedule",
}
_AS_GIVEN = ("kind", "capacity_limits_by", "capacity_control", "max_capacity", "prebook_required", "default_schedule")


async def upsert(context: Context, code: str, given: Mapping[str, Any]) -> Outcome:
    """Write what was given of an admission; what was not given stays, None clears its calendar and nothing else.

    A new one needs a kind. By default it is called by its code, is in the setting's time zone, takes control and
    maximum of a slot from the schedule, and asks for a reservation if it is an EVENT; then the caller must choose the
    slot (SCHEDULE_ENTRY), else it is today's. Time zone and calendar show in the slots when they are next generated;
    capacity is live. Refused: INVALID_INPUT, NOT_FOUND (calendar).
    """
    found = Refusals()
    code = required(found, code, "code")
    refuse_nulls(found, given, _HAS)
    values = _columns(given, found)
    async with context.writing() as write:
        existing = await db.admission.lock_by_key(write, key(code))
        if "calendar_code" in given:
            values["calendar_id"] = await _calendar_id(write, given["calendar_code"], found)
        if existing is None:
            refuse_gaps(found, given, "admission", _NEW_NEEDS.items())
        _check_capacity(existing, values, found)
        found.check(row_id=existing.id if existing else None)
        row = existing or await _add(write, code, context.rules, values)
        if columns := changed(row, values):
            await db.admission.change(write, row.id, columns)
    return Outcome(row_id=row.id)


def _columns(given: Mapping[str, Any], found: Refusals) -> dict[str, Any]:
    values = {name: given[name] for name in _AS_GIVEN if given.get(name) is not None}
    within(found, given.get("max_capacity"), "maxCapacity", at_least=0, at_most=LARGEST_CAPACITY)
    if given.get("description") is not None:
        values["description"] = required(found, given["description"], "description", at_most=NAME_LENGTH)
    if given.get("time_zone") is not None:
        values["time_zone"] = time_zone(found, given["time_zone"])
    return values


def _check_capacity(existing: AdmissionRow | None, values: Mapping[str, Any], found: Refusals) -> None:
    """Where the admission's own maximum comes into force, somebody must have said it: 0 by silence sells nothing."""
    control = values.get("capacity_control", existing.capacity_control if existing else CapacityControl.SALES)
    is_in_force = values.get("capacity_limits_by") == CapacityLimitsBy.ADMISSION and control != CapacityControl.NONE
    if is_in_force and "max_capacity" not in values and not (existing and existing.max_capacity):
        message = "With capacityLimitsBy ADMISSION the admission needs a maxCapacity."
        found.add(RefusalCode.INVALID_INPUT, message, "maxCapacity")


async def _calendar_id(read: Read, given: str | None, found: Refusals) -> int | None:
    code = text(found, given, "calendarCode")
    calendar_id = (await db.calendar.ids_by_codes(read, [key(code)])).get(key(code)) if code else None
    if code and calendar_id is None:
        found.add(RefusalCode.NOT_FOUND, "There is no calendar of that code.", "calendarCode")
    return calendar_id


async def _add(write: Write, code: str, rules: Rules, values: Mapping[str, Any]) -> AdmissionRow:
    """A new admission; or the one that somebody else has just added."""
    prebook_required = values.get("prebook_required", values["kind"] == AdmissionKind.EVENT)
    defaults: dict[str, Any] = {
        "description": code,
        "time_zone": rules.time_zone.key,
        "capacity_limits_by": CapacityLimitsBy.SCHEDULE,
        "capacity_control": CapacityControl.SALES,
        "max_capacity": 0,
        "prebook_required": prebook_required,
        "default_schedule": ScheduleSelection.SCHEDULE_ENTRY if prebook_required else ScheduleSelection.TODAY,
    }
    row = await db.admission.add(write, code=code, **defaults | dict(values))
    row = row or await db.admission.lock_by_key(write, key(code))
    assert row is not None
    return row


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def time_zone(found: Refusals, given: str) -> str:
    """The IANA name, trimmed; an unknown one is noted as INVALID_INPUT."""
    if given.strip() not in _zones():
        found.add(RefusalCode.INVALID_INPUT, "timeZone is an IANA time zone, as Europe/Copenhagen.", "timeZone")
    return given.strip()
