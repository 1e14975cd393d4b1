"""How full slots were at a moment that has passed, counted from the timeline. It explains, and never decides."""

from collections.abc import Mapping

import db
from db.engine import Read
from db.time_slot import TimeSlotRow
from db.timeline import RequestEventKind

from ..capacity import SlotUse, taken
from .arrivals import places
from .past import Past, replay


async def taken_then(read: Read, slots: Mapping[int, TimeSlotRow], past: Past) -> dict[int, int]:
    """The places of each slot that were used up then: by those who had been let in, and by what was reserved.

    Reserved is what a reservation in force then was for, less those of its tickets who had come. A ticket that was
    moved elsewhere since counts in the slot that it had.
    """
    if not slots:
        return {}
    entries = await db.visit.access_entries_of_slots(read, list(slots))
    tickets = await db.ticket.by_ids(read, sorted({entry.ticket_id for entry in entries.values()}))
    events = await db.timeline.of_access_entries(
        read, list(entries), (RequestEventKind.ADMITTED, RequestEventKind.DEPARTED)
    )
    reserved = await db.reservation.in_force(read, list(slots), past.at)
    admitted, inside, come = (dict.fromkeys(slots, 0) for _ in range(3))
    for entry in entries.values():
        on_ticket = tickets[entry.ticket_id].quantity
        happened = [event for event in events.get(entry.id, ()) if event.at <= past.at]
        for visit in replay(entry, on_ticket, happened)[1]:
            if visit.slot_id is None or visit.slot_id not in slots:
                continue
            let_in = places(entry, on_ticket, visit.admitted)
            admitted[visit.slot_id] += let_in
            inside[visit.slot_id] += places(entry, on_ticket, visit.inside)
            come[visit.slot_id] += let_in if entry.slot_id == visit.slot_id else 0
    return {
        slot_id: taken(
            slot,
            SlotUse(
                awaited=max(reserved.get(slot_id, 0) - come[slot_id], 0),
                admitted=admitted[slot_id],
                inside=inside[slot_id],
            ),
        )
        for slot_id, slot in slots.items()
    }
