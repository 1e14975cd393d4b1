"""Taking what a plan wants: its dictated ticket numbers, its places; and writing it down."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

import db
from db.engine import Write
from db.reservation import ReservationKind
from db.timeline import Event, RequestEventKind
from db.together import NewRows

from ..capacity import exceeds, sale_refusal
from ..context import Context
from ..refusals import RefusalCode, Refusals
from ..slot_use import ticket_calendars, uses_of
from .common import claim_ticket_numbers, event
from .lines import Plan, wishes

Exceeded = set[tuple[int, int]]
"""(admission, slot) of what was let over capacity."""


async def claim_numbers(
    write: Write, plan: Plan, request_id: int, now: datetime, found: Refusals, *, given_up: Iterable[str] = ()
) -> None:
    """Take the dictated ticket numbers, or note DUPLICATE_TICKET_NUMBER for each that is another's.

    Those that will be given up are locked with them, in one order: once the slots are held it would be too late.
    """
    numbers = [*plan.dictated_nos, *given_up]
    if not numbers:
        return
    needed, free = await claim_ticket_numbers(write, numbers, request_id, now)
    for line in plan.lines:
        for i, number in enumerate(line.dictated_nos or ()):
            if number in needed:
                place = ("lines", line.line_no - 1, "externalTicketNos", i)
                found.add(RefusalCode.DUPLICATE_TICKET_NUMBER, f"The ticket number {number} is taken.", *place)
    await db.ticket.take_over_numbers(write, free, request_id)


async def take_places(
    write: Write, plan: Plan, found: Refusals, *, may_exceed: bool, but_of: int | None = None
) -> tuple[datetime, Exceeded]:
    """Lock the slots, read the clock, count, and note what does not fit; the places of ``but_of`` are not in the way.

    Answers the deciding moment, and what was let over capacity at the cashier's word.
    """
    slots = await db.time_slot.lock(write, list(plan.places))
    now = await write.clock()
    uses = await uses_of(write, slots.values(), now, but_of=but_of)
    calendars = await ticket_calendars(write, (entry.content for _, entry in plan.entries if entry.slot))
    exceeded = set()
    for entry, wish in wishes(plan, slots, calendars, now, may_exceed=may_exceed):
        refusal = sale_refusal(wish, uses[wish.slot.id], now)
        if refusal is not None:
            found.found.append(replace(refusal, path=tuple(map(str, entry.path))))
        elif wish.may_exceed and exceeds(wish, uses[wish.slot.id]):
            exceeded.add((entry.admission.id, wish.slot.id))
    return now, exceeded


def capacity_exceeded(context: Context, request_id: int, exceeded: Exceeded, now: datetime) -> list[Event]:
    """The events that tell of places sold over capacity."""
    return [
        event(context, RequestEventKind.CAPACITY_EXCEEDED, now, request_id, admission_id=admission_id, slot_id=slot_id)
        for admission_id, slot_id in sorted(exceeded)
    ]


async def write_lines(write: Write, plan: Plan, request_id: int) -> list[int]:
    """The lines and their entries; answers the entries' ids, in the plan's order."""
    line_ids = await db.ticket_request.add_lines(
        write,
        [
            {
                "request_id": request_id,
                "line_no": line.line_no,
                "item_id": line.item.id,
                "quantity": line.quantity,
                "unit_price_minor": line.unit_price_minor,
                "ticket_kind": line.type.kind,
                "dictated_nos": line.dictated_nos,
            }
            for line in plan.lines
        ],
    )
    id_of = dict(zip((line.line_no for line in plan.lines), line_ids, strict=True))
    return await db.ticket_request.add_entries(
        write,
        [
            {
                "request_id": request_id,
                "line_id": id_of[line.line_no],
                "content_line_id": entry.content.id,
                "admission_id": entry.admission.id,
                "inclusion": entry.inclusion.value,
                "is_primary": entry.is_primary,
                "quantity": entry.quantity,
                "slot_id": entry.slot.id if entry.slot else None,
            }
            for line, entry in plan.entries
        ],
    )


def holding(plan: Plan, entry_ids: list[int], request_id: int, now: datetime, expires_at: datetime) -> NewRows:
    """The places that the entries of a written plan hold."""
    return db.reservation.holding(
        [
            {
                "entry_id": entry_id,
                "request_id": request_id,
                "slot_id": entry.slot.id,
                "places": entry.places,
                "kind": ReservationKind.HELD.value,
                "since": now,
                "until": expires_at,
            }
            for (_, entry), entry_id in zip(plan.entries, entry_ids, strict=True)
            if entry.slot and entry.quantity
        ]
    )
