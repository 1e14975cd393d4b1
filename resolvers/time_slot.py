"""Time slots edited by hand: one at a time, and kept when slots are calculated anew.

Source: domain.md, "Time slot".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import db
from db.admission import AdmissionRow, CapacityLimitsBy
from db.engine import Read, Write
from db.time_slot import KeptSlot, SlotState

from .admission import LARGEST_CAPACITY
from .context import Context
from .numbers import within
from .refusals import Outcome, RefusalCode, Refusals, refused
from .slot_changes import Author, SlotChange, keep, moved, plain, told
from .texts import NAME_LENGTH, text
from .upserts import refuse_nulls

LONGEST_SLOT = timedelta(days=7)
LONGEST_ARRIVAL = timedelta(days=7)
LONGEST_SALES = timedelta(days=3 * 366)

_HAS = {
    "starts_at": "startsAt",
    "ends_at": "endsAt",
    "arrival_from": "arrivalFrom",
    "arrival_until": "arrivalUntil",
    "state": "state",
}
_PAIRS = (
    ("starts_at", "ends_at"),
    ("arrival_from", "arrival_until"),
    ("sales_from", "sales_until"),
    ("state", "closed_reason"),
)
"""Edited together: one end of a window that stayed while the other is calculated anew would contradict it one day."""

_WINDOWS = (
    ("arrival_from", "arrivalFrom", "arrival_until", "arrivalUntil", LONGEST_ARRIVAL),
    ("sales_from", "salesFrom", "sales_until", "salesUntil", LONGEST_SALES),
)
_CAPACITY = {"capacity_control": "capacityControl", "max_capacity": "capacity"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotOutcome(Outcome):
    """The slot, and how many requests were told that it changed."""

    told_count: int = 0


async def update(context: Context, slot_id: int | None, given: Mapping[str, Any]) -> SlotOutcome:
    """Write what was given of a slot; what was not given stays, but that a new start takes the other times along.

    None clears the bounds of sale, the reason, and a capacity of the slot's own. Whoever booked the slot is told if it
    is moved, closed or opened. Refused: UNKNOWN_SLOT, INVALID_INPUT, SLOT_CANCELED, SLOT_PAST (of a past day and over),
    CONFLICT (another slot of the admission starts at that moment).
    """
    found = Refusals()
    refuse_nulls(found, given, _HAS)
    given = {name: value for name, value in given.items() if value is not None or name not in _HAS}
    if "closed_reason" in given:
        given |= {"closed_reason": text(found, given["closed_reason"], "closedReason", at_most=NAME_LENGTH)}
    within(found, given.get("max_capacity"), "capacity", at_least=0, at_most=LARGEST_CAPACITY)
    async with context.writing() as write:
        slot, admission = await _lock(write, slot_id)
        now = await write.clock()
        zone = ZoneInfo(admission.time_zone)
        _refuse_out_of_reach(slot, now, zone, found)
        change = SlotChange(slot, _edited(slot, given))
        _check(change.after, given, admission, zone, found)
        await _check_start(write, change, found)
        found.check(row_id=slot.id)
        if not change.columns:
            return SlotOutcome(row_id=slot.id)
        booked = await db.reservation.requests_of_slots(write, [slot.id], now)
        await keep(write, [change], booked, zone=zone, author=Author.of(context), now=now)
    return SlotOutcome(row_id=slot.id, told_count=len(told([change], booked)))


async def _lock(write: Write, slot_id: int | None) -> tuple[KeptSlot, AdmissionRow]:
    """The slot and its admission, both taken. Raises Refused (UNKNOWN_SLOT)."""
    slot = (await db.time_slot.kept_by_ids(write, [slot_id])).get(slot_id) if slot_id else None
    if slot is None:
        raise refused(RefusalCode.UNKNOWN_SLOT, "There is no such time slot.", "slotId")
    admission = await db.admission.lock(write, slot.admission_id)
    assert admission is not None
    await db.time_slot.lock(write, [slot.id])
    return (await db.time_slot.kept_by_ids(write, [slot.id]))[slot.id], admission


def _refuse_out_of_reach(slot: KeptSlot, now: datetime, zone: ZoneInfo, found: Refusals) -> None:
    """A canceled slot comes back when it is produced again; past days are history, but for a night that is not over."""
    if slot.state == SlotState.CANCELED:
        found.add(RefusalCode.SLOT_CANCELED, "The slot was canceled: its schedule no longer makes it.", "slotId")
    if slot.date < now.astimezone(zone).date() and slot.ends_at < now:
        found.add(RefusalCode.SLOT_PAST, "The slot is over.", "slotId")


# -------------------------------------------------------------------------------------------------------- edited


def _edited(slot: KeptSlot, given: Mapping[str, Any]) -> KeptSlot:
    """The slot with what was given, and which of it is by hand from now on."""
    starts_at = given.get("starts_at", slot.starts_at)
    ends_at = given.get("ends_at", slot.ends_at + (starts_at - slot.starts_at))
    after = moved(slot, starts_at, ends_at)
    after = after._replace(**{name: value for name, value in given.items() if name in KeptSlot._fields})
    if after.state == SlotState.OPEN and "closed_reason" not in given:
        after = after._replace(closed_reason=None)
    edited = slot.by_hand.keys() | given.keys()
    for pair in _PAIRS:
        if not edited.isdisjoint(pair):
            edited |= set(pair)
    edited -= {name for name in _CAPACITY if getattr(after, name) is None}
    return after._replace(by_hand={name: plain(getattr(after, name)) for name in sorted(edited)})


def _check(slot: KeptSlot, given: Mapping[str, Any], admission: AdmissionRow, zone: ZoneInfo, found: Refusals) -> None:
    """Note as INVALID_INPUT what contradicts itself or cannot come into force."""

    def no(message: str, path: str) -> None:
        found.add(RefusalCode.INVALID_INPUT, message, path)

    if not {"starts_at", "ends_at"}.isdisjoint(given):
        if "starts_at" in given and slot.starts_at.astimezone(zone).date() != slot.date:
            no(f"A slot keeps its day, {slot.date}: guests are moved to another day by rescheduling.", "startsAt")
        if not timedelta() < slot.ends_at - slot.starts_at <= LONGEST_SLOT:
            no("A slot ends after it starts, within a week.", "endsAt" if "ends_at" in given else "startsAt")
    for first, first_called, last, last_called, longest in _WINDOWS:
        for name, called in ((first, first_called), (last, last_called)):
            if name in given and _is_far(getattr(slot, name), slot.starts_at, longest):
                no(f"{called} is at most {longest.days} days from the start.", called)
        opens, closes = getattr(slot, first), getattr(slot, last)
        if opens is not None and closes is not None and opens > closes:
            no(f"{last_called} is not before {first_called}.", last_called if last in given else first_called)
    if given.get("state") == SlotState.CANCELED:
        no("A slot is canceled by its schedule, not by hand: it may be closed.", "state")
    if slot.state == SlotState.OPEN and slot.closed_reason is not None:
        no("An open slot has no closedReason.", "closedReason")
    if admission.capacity_limits_by != CapacityLimitsBy.SLOT:
        for name, called in _CAPACITY.items():
            if given.get(name) is not None:
                no(f"Capacity comes from the {admission.capacity_limits_by}: capacityLimitsBy SLOT first.", called)


def _is_far(moment: datetime | None, start: datetime, longest: timedelta) -> bool:
    return moment is not None and abs(moment - start) > longest


async def _check_start(read: Read, change: SlotChange, found: Refusals) -> None:
    """Overlaps are allowed; only an identical start collides."""
    slot = change.after
    if slot.starts_at == change.before.starts_at or found.found:
        return
    others = await db.time_slot.from_day_on(read, slot.admission_id, slot.date)
    for other in others:
        is_in_force = other.id != slot.id and other.state != SlotState.CANCELED
        if is_in_force and (other.date, other.starts_at) == (slot.date, slot.starts_at):
            message = "Another slot of the admission starts at that moment."
            found.add(RefusalCode.CONFLICT, message, "startsAt", slot_id=other.id)
