"""The contents of an item, its bill of material: one line per admission, with the rules under which it lets in.

Lines are insert-only: what was sold points at the lines it was sold under, so a change retires them and adds new ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import db
from db.engine import Read, Write
from db.keys import key
from db.ticket_item import (
    ActivationMethod,
    AdmissionInclusion,
    DependencyKind,
    EntryValidation,
    ReschedulePolicy,
    RevokePolicy,
)

from .numbers import hundredths, within
from .refusals import RefusalCode, Refusals
from .texts import required, text

ADMISSIONS_PER_ITEM = 50
DEPENDENCIES_PER_LINE = 50
PLACES_PER_TICKET = 1_000
ENTRIES_PER_TICKET = 1_000_000
LONGEST_DURATION_DAYS = 36_500
LONGEST_CUT_OFF_HOURS = 87_600
LONGEST_RESCAN_SECONDS = 86_400
LONGEST_DEPENDENCY_MINUTES = 525_600

Columns = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """What must hold of another admission before this one lets in."""

    kind: DependencyKind
    other_admission_code: str
    minutes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRules:
    """Under which rules a ticket lets in, with the defaults of what was left out."""

    inclusion: AdmissionInclusion = AdmissionInclusion.REQUIRED
    quantity: int = 1
    activation: ActivationMethod = ActivationMethod.SCAN
    entry_validation: EntryValidation = EntryValidation.SINGLE
    max_entries: int | None = None
    duration_days: int | None = None
    reschedule_policy: ReschedulePolicy = ReschedulePolicy.NOT_ALLOWED
    reschedule_cut_off_hours: Decimal | None = None
    revoke_policy: RevokePolicy = RevokePolicy.UNUSED
    refund_percent: Decimal = Decimal(100)
    rescan_within_seconds: int | None = None
    capacity_percent: Decimal = Decimal(100)
    pos_may_exceed_capacity: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentLine(LineRules):
    """One line of the contents as the caller gave it."""

    admission_code: str
    is_default: bool = False
    dependencies: tuple[Dependency, ...] = ()
    ticket_calendar_code: str | None = None


@dataclass(frozen=True, slots=True)
class PlannedLine:
    """A content line as it will be kept."""

    values: Columns
    dependencies: tuple[Columns, ...] = ()


async def make_out(read: Read, lines: Sequence[ContentLine], found: Refusals) -> list[PlannedLine]:
    """The lines made out: exactly one default (a single line is the default), at least one REQUIRED."""
    if not 1 <= len(lines) <= ADMISSIONS_PER_ITEM:
        within(found, len(lines), "contents", at_least=1, at_most=ADMISSIONS_PER_ITEM)
        return []
    defaults = sum(line.is_default for line in lines)
    if len(lines) > 1 and defaults != 1:
        message = f"Exactly one line is the default; here are {defaults}."
        found.add(RefusalCode.INVALID_INPUT, message, "contents", limit=1, actual=defaults)
    if all(line.inclusion != AdmissionInclusion.REQUIRED for line in lines):
        found.add(RefusalCode.INVALID_INPUT, "At least one line is REQUIRED.", "contents")
    names = await _Names.of(read, lines)
    planned = [_line(names, line, len(lines) == 1, found, "contents", i) for i, line in enumerate(lines)]
    seen: set[int] = set()
    for i, line in enumerate(planned):
        admission_id = line.values["admission_id"]
        if admission_id in seen:
            message = "The admission is listed twice."
            found.add(RefusalCode.AMBIGUOUS_LINE, message, "contents", i, "admissionCode", admission_id=admission_id)
        elif admission_id:
            seen.add(admission_id)
    return planned


@dataclass(frozen=True, slots=True)
class _Names:
    """The admissions and calendars that the lines name, by the keys of their codes."""

    admissions: Mapping[str, db.admission.AdmissionRow]
    calendars: Mapping[str, int]

    @classmethod
    async def of(cls, read: Read, lines: Sequence[ContentLine]) -> "_Names":
        dependencies = [dependency for line in lines for dependency in line.dependencies[:DEPENDENCIES_PER_LINE]]
        codes = {key(line.admission_code) for line in lines} | {key(d.other_admission_code) for d in dependencies}
        calendars = {key(line.ticket_calendar_code) for line in lines if line.ticket_calendar_code}
        return cls(
            await db.admission.by_keys(read, sorted(codes)),
            await db.calendar.ids_by_codes(read, sorted(calendars)) if calendars else {},
        )

    def admission_id(self, found: Refusals, code: str, *path: str | int) -> int:
        """The admission's row id, or 0; an unknown one is noted as UNKNOWN_ADMISSION."""
        code = required(found, code, *path)
        admission = self.admissions.get(key(code))
        if admission is None and code:
            found.add(RefusalCode.UNKNOWN_ADMISSION, "There is no admission of that code.", *path)
        return admission.id if admission else 0

    def calendar_id(self, found: Refusals, code: str | None, *path: str | int) -> int | None:
        """The calendar's row id, or None; an unknown one is noted as NOT_FOUND."""
        code = text(found, code, *path)
        calendar_id = self.calendars.get(key(code)) if code else None
        if code and calendar_id is None:
            found.add(RefusalCode.NOT_FOUND, "There is no calendar of that code.", *path)
        return calendar_id


def _line(names: _Names, line: ContentLine, is_only: bool, found: Refusals, *path: str | int) -> PlannedLine:
    admission_id = names.admission_id(found, line.admission_code, *path, "admissionCode")
    values = {
        "admission_id": admission_id,
        "is_default": line.is_default or is_only,
        "calendar_id": names.calendar_id(found, line.ticket_calendar_code, *path, "ticketCalendarCode"),
        **rules_of(line, found, *path),
    }
    within(found, len(line.dependencies), *path, "dependencies", at_least=0, at_most=DEPENDENCIES_PER_LINE)
    dependencies = [
        _dependency(names, dependency, admission_id, found, *path, "dependencies", i)
        for i, dependency in enumerate(line.dependencies[:DEPENDENCIES_PER_LINE])
    ]
    known = [(d["kind"], d["admission_id"]) for d in dependencies if d["admission_id"]]
    if len(set(known)) < len(known):
        message = "Two dependencies of a line on the same admission differ in kind."
        found.add(RefusalCode.INVALID_INPUT, message, *path, "dependencies")
    return PlannedLine(values, tuple(dependencies))


def _dependency(names: _Names, dependency: Dependency, admission_id: int, found: Refusals, *path: str | int) -> Columns:
    other_id = names.admission_id(found, dependency.other_admission_code, *path, "otherAdmissionCode")
    if other_id and other_id == admission_id:
        message = "An admission does not depend on itself."
        found.add(RefusalCode.INVALID_INPUT, message, *path, "otherAdmissionCode", admission_id=other_id)
    if (dependency.minutes is not None) != (dependency.kind == DependencyKind.WITHIN_MINUTES):
        found.add(RefusalCode.INVALID_INPUT, "minutes go with WITHIN_MINUTES, and only with it.", *path, "minutes")
    within(found, dependency.minutes, *path, "minutes", at_least=1, at_most=LONGEST_DEPENDENCY_MINUTES)
    return {"kind": dependency.kind, "admission_id": other_id, "minutes": dependency.minutes}


def rules_of(line: LineRules, found: Refusals, *path: str | int) -> dict[str, Any]:
    """The rules as columns; what is out of bounds, or contradicts another, is noted as INVALID_INPUT."""
    within(found, line.quantity, *path, "quantity", at_least=1, at_most=PLACES_PER_TICKET)
    within(found, line.max_entries, *path, "maxEntries", at_least=1, at_most=ENTRIES_PER_TICKET)
    within(found, line.duration_days, *path, "durationDays", at_least=1, at_most=LONGEST_DURATION_DAYS)
    within(found, line.rescan_within_seconds, *path, "rescanWithinSeconds", at_least=0, at_most=LONGEST_RESCAN_SECONDS)
    if line.max_entries is not None and line.entry_validation != EntryValidation.MULTIPLE:
        found.add(RefusalCode.INVALID_INPUT, "maxEntries goes with MULTIPLE only.", *path, "maxEntries")
    hours = line.reschedule_cut_off_hours
    if (hours is not None) != (line.reschedule_policy == ReschedulePolicy.CUT_OFF_HOURS):
        message = "rescheduleCutOffHours go with CUT_OFF_HOURS, and only with it."
        found.add(RefusalCode.INVALID_INPUT, message, *path, "rescheduleCutOffHours")
    return {
        "inclusion": line.inclusion,
        "quantity": line.quantity,
        "activation": line.activation,
        "entry_validation": line.entry_validation,
        "max_entries": line.max_entries,
        "duration_days": line.duration_days,
        "reschedule_policy": line.reschedule_policy,
        "reschedule_cut_off_seconds": None if hours is None else _seconds(found, hours, *path, "rescheduleCutOffHours"),
        "revoke_policy": line.revoke_policy,
        "refund_basis_points": hundredths(found, line.refund_percent, *path, "refundPercent", at_least=0, at_most=100),
        "rescan_within_seconds": line.rescan_within_seconds,
        "capacity_basis_points": hundredths(
            found, line.capacity_percent, *path, "capacityPercent", at_least=0, at_most=100
        ),
        "pos_may_exceed_capacity": line.pos_may_exceed_capacity,
    }


def _seconds(found: Refusals, hours: Decimal, *path: str | int) -> int:
    """The hours in seconds: a hundredth of an hour is 36 of them. Negative ones reach past the end of arrival."""
    return 36 * hundredths(found, hours, *path, at_least=-LONGEST_CUT_OFF_HOURS, at_most=LONGEST_CUT_OFF_HOURS)


async def replace(write: Write, item_id: int, contents: Sequence[PlannedLine]) -> None:
    """Retire the lines in force and add these, unless they are the same, in the same order."""
    present = (await db.ticket_item.contents_of(write, [item_id])).get(item_id, [])
    dependencies = await db.ticket_item.dependencies_of(write, [line.id for line in present]) if present else {}
    before = [
        PlannedLine(
            {name: getattr(line, name) for name in contents[0].values},
            tuple(
                {"kind": row.kind, "admission_id": row.admission_id, "minutes": row.minutes}
                for row in dependencies.get(line.id, ())
            ),
        )
        for line in present
    ]
    if [_comparable(line) for line in before] == [_comparable(line) for line in contents]:
        return
    if present:
        await db.ticket_item.retire_contents(write, item_id, await write.clock())
    await db.ticket_item.add_contents(write, item_id, [(line.values, line.dependencies) for line in contents])


def _comparable(line: PlannedLine) -> tuple[Columns, set[tuple[Any, ...]]]:
    """Dependencies have no order."""
    return line.values, {tuple(dependency.values()) for dependency in line.dependencies}
