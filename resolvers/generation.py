"""Generation: what schedules produce, compared with the slots that are there, and kept.

Source: domain.md, "Time slot". The row of the admission is the lock: its slots are generated, and edited by hand, one
after the other. Slots that change are taken by id, as everybody takes them, before it is counted who has booked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import db
from db.admission import AdmissionRow
from db.calendar import CalendarLineRow
from db.engine import Database, Read, Write
from db.keys import key
from db.schedule import ScheduleLineRow, ScheduleRow
from db.time_slot import GeneratedSlot, KeptSlot, SlotState

from . import slots
from .context import Context
from .refusals import Outcome, RefusalCode, Unchanged, refused
from .slot_changes import SYSTEM, Author, SlotChange, keep, moved, told

SHOWN = 100
"""How many slots of an outcome are shown; all are counted."""

_MOMENTS = frozenset({"starts_at", "ends_at", "arrival_from", "arrival_until", "sales_from", "sales_until"})


class GenerationMode(StrEnum):
    CALCULATE = "CALCULATE"
    RECREATE = "RECREATE"


class SlotAction(StrEnum):
    MADE = "MADE"
    CHANGED = "CHANGED"
    REVIVED = "REVIVED"
    CANCELED = "CANCELED"


class Standing(NamedTuple):
    """How a slot stands, before or after: its times, its state, and the capacity that it was given by hand."""

    time_zone: str
    starts_at: datetime
    ends_at: datetime
    arrival_from: datetime
    arrival_until: datetime
    sales_from: datetime | None
    sales_until: datetime | None
    state: str
    closed_reason: str | None
    capacity_control: str | None = None
    max_capacity: int | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """What became of one slot. ``slot_id`` is None for one that a dry run would make."""

    action: SlotAction
    slot_id: int | None
    line_id: int
    date: date
    before: Standing | None
    after: Standing
    request_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationOutcome(Outcome):
    """What became of an admission's slots: how many, the first of them by day and start, and how many were told."""

    made_count: int = 0
    changed_count: int = 0
    revived_count: int = 0
    canceled_count: int = 0
    told_count: int = 0
    effects: tuple[Effect, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many slots were made, changed, revived and canceled, and how many requests were told."""
        return {
            "made": self.made_count,
            "changed": self.changed_count,
            "revived": self.revived_count,
            "canceled": self.canceled_count,
            "told": self.told_count,
        }


@dataclass(frozen=True, slots=True)
class Timetable:
    """Everything that an admission's slots follow from."""

    admission: AdmissionRow
    lines: Sequence[tuple[ScheduleLineRow, ScheduleRow]]
    calendar: Sequence[CalendarLineRow]
    zone: ZoneInfo
    today: date

    @classmethod
    async def of(cls, read: Read, admission: AdmissionRow, now: datetime) -> "Timetable":
        zone = ZoneInfo(admission.time_zone)
        lines = await db.schedule.of_admission(read, admission.id)
        calendars = await db.calendar.lines_of(read, [admission.calendar_id]) if admission.calendar_id else {}
        calendar = calendars.get(admission.calendar_id or 0, ())
        return cls(admission, lines, calendar, zone, now.astimezone(zone).date())

    def produced(self) -> list[GeneratedSlot]:
        """What the schedules produce, from today to their horizons."""
        return slots.of_admission(self.lines, self.zone, self.today, calendar=self.calendar)

    def beyond_horizon(self, slot: KeptSlot) -> GeneratedSlot | None:
        """What the slot's line will produce on its day, which lies further ahead than it produces now; else None."""
        for line, schedule in self.lines:
            if line.id != slot.line_id or line.is_blocked or slot.date <= self.today + schedule.days_ahead * slots.DAY:
                continue
            if list(slots.days(schedule, slot.date, slot.date)):
                produced = slots.slot(line, schedule, slot.date, self.zone)
                return slots.closed(produced, self.calendar) if produced else None
        return None


# ------------------------------------------------------------------------------------------------------- decided


def compared(
    kept: Sequence[KeptSlot], produced: Sequence[GeneratedSlot], mode: GenerationMode
) -> tuple[list[GeneratedSlot], list[SlotChange]]:
    """What is to be made, and what of the slots that are there changes; of these, what is not produced is canceled."""
    there = {(slot.line_id, slot.date): slot for slot in kept}
    made, changes = [], []
    for new in produced:
        slot = there.pop((new.line_id, new.date), None)
        if slot is None:
            made.append(new)
        else:
            changes.append(SlotChange(slot, renewed(slot, new, mode)))
    changes += [SlotChange(slot, canceled(slot)) for slot in there.values()]
    return made, [change for change in changes if change.columns]


def renewed(slot: KeptSlot, produced: GeneratedSlot, mode: GenerationMode) -> KeptSlot:
    """The slot as it is now produced. Edits by hand stay under CALCULATE, and RECREATE takes them back.

    Where the times were edited, the windows that were not go with them.
    """
    edits: Mapping[str, Any] = {}
    if mode is GenerationMode.CALCULATE:
        edits = {name: _moment(value) if name in _MOMENTS else value for name, value in slot.by_hand.items()}
    else:
        slot = slot._replace(capacity_control=None, max_capacity=None, by_hand={})
    produced = moved(produced, edits.get("starts_at", produced.starts_at), edits.get("ends_at", produced.ends_at))
    names = GeneratedSlot._fields[3:]
    return slot._replace(**{name: getattr(produced, name) for name in names})._replace(**edits)


def _moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value).astimezone(UTC)


def canceled(slot: KeptSlot) -> KeptSlot:
    """The slot out of force. What was edited by hand waits for it to come back."""
    return slot._replace(state=SlotState.CANCELED.value, closed_reason=None)


def spared(
    changes: Sequence[SlotChange], booked: Mapping[int, Sequence[int]], timetable: Timetable, mode: GenerationMode
) -> list[SlotChange]:
    """The changes, but that a booked slot beyond the horizon is not canceled if its line will produce it in time.

    Selling fewer days ahead is no reason to send guests away who have booked; unbooked slots do go.
    """
    found = []
    for change in changes:
        if change.after.state == SlotState.CANCELED and change.before.id in booked:
            produced = timetable.beyond_horizon(change.before)
            if produced is not None:
                change = SlotChange(change.before, renewed(change.before, produced, mode))
        found.append(change)
    return [change for change in found if change.columns]


# ---------------------------------------------------------------------------------------------------------- done


async def generate(
    context: Context, admission_code: str, mode: GenerationMode, *, dry_run: bool = False
) -> GenerationOutcome:
    """Make an admission's slots what its schedules produce, from today on. A second CALCULATE changes nothing.

    ``dry_run`` answers what would happen, and changes nothing. Refused: UNKNOWN_ADMISSION.
    """
    async with context.writing() as write:
        admission = await db.admission.lock_by_key(write, key(admission_code))
        if admission is None:
            message = "There is no admission of that code."
            raise refused(RefusalCode.UNKNOWN_ADMISSION, message, "admissionCode")
        outcome = await _generate(write, admission, mode, Author.of(context))
        if dry_run:
            raise Unchanged(_hypothetical(outcome))
    return outcome


def _hypothetical(outcome: GenerationOutcome) -> GenerationOutcome:
    effects = [replace(e, slot_id=None) if e.action is SlotAction.MADE else e for e in outcome.effects]
    return replace(outcome, effects=tuple(effects))


async def add_missing(write: Write, admission: AdmissionRow) -> None:
    """Add the slots that the schedules produce and that are missing; what is there stays as it is.

    A start at which a slot is in force is not given to a second one. Safe to run twice, also at once.
    """
    await db.admission.lock(write, admission.id)
    timetable = await Timetable.of(write, admission, await write.clock())
    kept = await db.time_slot.from_day_on(write, admission.id, timetable.today)
    made, _ = compared(kept, timetable.produced(), GenerationMode.CALCULATE)
    taken = {(slot.date, slot.starts_at) for slot in kept if slot.state != SlotState.CANCELED}
    await db.time_slot.add(write, [new for new in made if (new.date, new.starts_at) not in taken])


async def _generate(write: Write, admission: AdmissionRow, mode: GenerationMode, author: Author) -> GenerationOutcome:
    """Under the admission's lock."""
    timetable = await Timetable.of(write, admission, await write.clock())
    kept = await db.time_slot.from_day_on(write, admission.id, timetable.today)
    made, changes = compared(kept, timetable.produced(), mode)
    ids = [change.before.id for change in changes]
    if ids:
        await db.time_slot.lock(write, ids)
    now = await write.clock()
    booked = await db.reservation.requests_of_slots(write, ids, now) if ids else {}
    changes = spared(changes, booked, timetable, mode)
    made_ids = await db.time_slot.add(write, made)
    await keep(write, changes, booked, zone=timetable.zone, author=author, now=now)
    if admission.generated_on != timetable.today:
        await db.admission.change(write, admission.id, {"generated_on": timetable.today})
    effects = [_making(new, slot_id, admission.time_zone) for new, slot_id in zip(made, made_ids, strict=True)]
    effects += [_changing(change, booked, admission.time_zone) for change in changes]
    return _outcome(admission.id, effects, len(told(changes, booked)))


def _outcome(admission_id: int, effects: Sequence[Effect], told_count: int) -> GenerationOutcome:
    actions = [effect.action for effect in effects]
    return GenerationOutcome(
        row_id=admission_id,
        made_count=actions.count(SlotAction.MADE),
        changed_count=actions.count(SlotAction.CHANGED),
        revived_count=actions.count(SlotAction.REVIVED),
        canceled_count=actions.count(SlotAction.CANCELED),
        told_count=told_count,
        effects=tuple(
            sorted(effects, key=lambda effect: (effect.date, effect.after.starts_at, effect.line_id))[:SHOWN]
        ),
    )


def _making(new: GeneratedSlot, slot_id: int, time_zone: str) -> Effect:
    return Effect(SlotAction.MADE, slot_id, new.line_id, new.date, None, _standing(new, time_zone), 0)


def _changing(change: SlotChange, booked: Mapping[int, Sequence[int]], time_zone: str) -> Effect:
    before, after = change.before, change.after
    action = SlotAction.CHANGED
    if after.state == SlotState.CANCELED:
        action = SlotAction.CANCELED
    elif before.state == SlotState.CANCELED:
        action = SlotAction.REVIVED
    standings = _standing(before, time_zone), _standing(after, time_zone)
    return Effect(action, before.id, before.line_id, before.date, *standings, len(booked.get(before.id, ())))


def _standing(slot: KeptSlot | GeneratedSlot, time_zone: str) -> Standing:
    """The row's columns of these names; a slot that is being made has no capacity by hand."""
    return Standing(time_zone, **{name: getattr(slot, name) for name in Standing._fields[1:] if hasattr(slot, name)})


# ----------------------------------------------------------------------------------------------- day after day


async def due(database: Database) -> list[int]:
    """The admissions whose local day is not the one on which their slots were last calculated."""
    async with database.reading() as read:
        rows = await db.admission.generated_on(read)
    now = database.now()
    return [admission_id for admission_id, zone, day in rows if day != now.astimezone(ZoneInfo(zone)).date()]


async def keep_horizon(database: Database, admission_id: int) -> GenerationOutcome | None:
    """Calculate an admission's slots for the day that has begun; None if somebody else has done it meanwhile.

    Several servers may do so at once: each waits for the admission, and then sees that it is done.
    """
    async with database.writing() as write:
        admission = await db.admission.lock(write, admission_id)
        assert admission is not None  # nothing is ever deleted
        today = (await write.clock()).astimezone(ZoneInfo(admission.time_zone)).date()
        if admission.generated_on == today:
            return None
        return await _generate(write, admission, GenerationMode.CALCULATE, SYSTEM)


async def calculate(database: Database, admission_code: str) -> GenerationOutcome | None:
    """Calculate an admission's slots at an operator's word; None if there is no admission of that code."""
    async with database.writing() as write:
        admission = await db.admission.lock_by_key(write, key(admission_code))
        return None if admission is None else await _generate(write, admission, GenerationMode.CALCULATE, SYSTEM)
