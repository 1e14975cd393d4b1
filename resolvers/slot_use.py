"""The facts that ``capacity`` decides by: what slots are used for, and the calendars that are in the way.

Each is one statement for any number of slots. Under lock they are counted after it, in statements of their own.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import db
from db.calendar import CalendarLineRow
from db.engine import Read, Write
from db.ticket_item import ContentLineRow
from db.time_slot import TimeSlotRow

from .capacity import SlotUse, counts_people

Calendars = Mapping[int, Sequence[CalendarLineRow]]
"""The lines of calendars, by the calendar's id."""


async def uses_of(
    read: Read, slots: Iterable[TimeSlotRow], now: datetime, *, but_of: int | None = None, is_shown: bool = False
) -> dict[int, SlotUse]:
    """What each slot is used for by all but that request.

    People are counted only where that matters to the room that is left, or where they are to be shown.
    """
    slots = list(slots)
    ids = [slot.id for slot in slots]
    held = await db.reservation.held_places(read, ids, now, but_of=but_of) if ids else {}
    return await _with_people(read, slots, held, is_shown=is_shown)


async def counted(
    write: Write, slot_ids: Sequence[int], now: datetime, *, but_of: int | None = None
) -> tuple[dict[int, TimeSlotRow], dict[int, SlotUse]]:
    """Slots that are taken as they now are, and what each is used for by all but that request."""
    found = await db.reservation.slots_with_held(write, slot_ids, now, but_of=but_of) if slot_ids else []
    slots = [slot for slot, _ in found]
    held = {slot.id: places for slot, places in found}
    return {slot.id: slot for slot in slots}, await _with_people(write, slots, held)


async def _with_people(
    read: Read, slots: Sequence[TimeSlotRow], held: Mapping[int, int], *, is_shown: bool = False
) -> dict[int, SlotUse]:
    of_people = [slot.id for slot in slots if counts_people(slot)]
    awaited = await db.ledger.awaited(read, of_people) if of_people else {}
    visited = [slot.id for slot in slots] if is_shown else of_people
    visitors = await db.ledger.visitors(read, visited) if visited else {}
    return {
        slot.id: SlotUse(
            held.get(slot.id, 0), slot.sold_places, awaited.get(slot.id, 0), *visitors.get(slot.id, (0, 0))
        )
        for slot in slots
    }


async def ticket_calendars(read: Read, contents: Iterable[ContentLineRow]) -> Calendars:
    """The ticket calendars of these content lines."""
    ids = {content.calendar_id for content in contents if content.calendar_id is not None}
    return await db.calendar.lines_of(read, sorted(ids)) if ids else {}


def calendar_of(content: ContentLineRow, calendars: Calendars) -> Sequence[CalendarLineRow]:
    """The lines of the content line's ticket calendar."""
    return calendars.get(content.calendar_id, ()) if content.calendar_id is not None else ()
