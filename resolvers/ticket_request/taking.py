"""Taking what a plan wants: its dictated ticket numbers, its places; and writing it down."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

import db
from db.engine import Write
from db.reservation import ReservationKind
from db.ticket_request import Lines, NewIds
from db.time_slot import TimeSlotRow
from db.timeline import Event, RequestEventKind

from ..capacity import SlotUse, exceeds, sale_refusal
from ..context import Context
from ..refusals import RefusalCode, Refusals
from ..slot_use import Calendars, counted, ticket_calendars
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


class TakenPlaces(NamedTuple):
    """The deciding moment, what was let over capacity at the cashier's word, and ids for what is to be written."""

    at: datetime
    exceeded: Exceeded
    ids: NewIds


class Wanting(NamedTuple):
    """What one request wants; ``found`` has the problems that it has so far, and is told of those of its places.

    ``may_exceed``: the cashier's word to go over capacity counts.
    """

    plan: Plan
    found: Refusals
    may_exceed: bool


async def take_places(
    write: Write, plan: Plan, found: Refusals, *, may_exceed: bool, but_of: int | None = None
) -> TakenPlaces:
    """Lock the slots, read the clock, count, and note what does not fit. Places of ``but_of`` are not in the way."""
    (taken,) = await take_places_of_each(write, [Wanting(plan, found, may_exceed)], but_of=but_of)
    return taken


async def take_places_of_each(
    write: Write, wanting: Sequence[Wanting], *, but_of: int | None = None, are_all: bool = True
) -> list[TakenPlaces]:
    """The same for several requests, of which the first is served first: what it takes is taken for all behind it.

    ``are_all``: they are all that were made out together. Who is overtaken takes nothing.
    """
    plans = [one.plan for one in wanting]
    lines, entries = ([len(getattr(plan, name)) for plan in plans] for name in ("lines", "entries"))
    slot_ids = [slot_id for plan in plans for slot_id in plan.places]
    taken, ids = await db.ticket_request.take_slots(write, slot_ids, sum(lines), sum(entries))
    slots, uses = await counted(write, list(taken.slots), taken.at, but_of=but_of)
    contents = (entry.content for plan in plans for _, entry in plan.entries if entry.slot_id)
    calendars = await ticket_calendars(write, contents)
    line_ids, entry_ids = iter(ids.lines), iter(ids.entries)
    answer = []
    for one, *sizes in zip(wanting, lines, entries, strict=True):
        exceeded = _judge(one, slots, uses, calendars, taken.at)
        one.plan.is_overtaken |= one.plan.is_given and not are_all
        if one.found.found or one.plan.is_overtaken:
            are_all = False
        else:
            for slot_id, places in one.plan.places.items():
                uses[slot_id] = uses[slot_id].and_held(places)
        own = (list(islice(series, size)) for series, size in zip((line_ids, entry_ids), sizes, strict=True))
        answer.append(TakenPlaces(taken.at, exceeded, NewIds(*own)))
    return answer


def _judge(
    one: Wanting, slots: dict[int, TimeSlotRow], uses: Mapping[int, SlotUse], calendars: Calendars, now: datetime
) -> Exceeded:
    """Note why places cannot be had; answers what is let over capacity."""
    exceeded = set()
    for entry, wish in wishes(one.plan, slots, calendars, now, may_exceed=one.may_exceed):
        refusal = sale_refusal(wish, uses[wish.slot.id], now)
        if refusal is not None:
            one.found.found.append(replace(refusal, path=tuple(map(str, entry.path))))
            one.plan.is_overtaken |= entry.is_given and refusal.code is RefusalCode.SOLD_OUT
        elif wish.may_exceed and exceeds(wish, uses[wish.slot.id]):
            exceeded.add((entry.admission.id, wish.slot.id))
    return exceeded


def capacity_exceeded(context: Context, request_id: int, exceeded: Exceeded, now: datetime) -> list[Event]:
    """The events that tell of places sold over capacity."""
    return [
        event(context, RequestEventKind.CAPACITY_EXCEEDED, now, request_id, admission_id=admission_id, slot_id=slot_id)
        for admission_id, slot_id in sorted(exceeded)
    ]


def lines_of(plan: Plan, request_id: int, ids: NewIds) -> Lines:
    """The plan's lines and their entries as they are kept, under these ids."""
    line_ids = {line.line_no: line_id for line, line_id in zip(plan.lines, ids.lines, strict=True)}
    return Lines(
        [
            {
                "id": line_ids[line.line_no],
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
        [
            {
                "id": entry_id,
                "request_id": request_id,
                "line_id": line_ids[line.line_no],
                "content_line_id": entry.content.id,
                "admission_id": entry.admission.id,
                "inclusion": entry.inclusion.value,
                "is_primary": entry.is_primary,
                "quantity": entry.quantity,
                "slot_id": entry.slot_id,
            }
            for (line, entry), entry_id in zip(plan.entries, ids.entries, strict=True)
        ],
    )


def held_by(plan: Plan, request_id: int, ids: NewIds, now: datetime, expires_at: datetime) -> list[Mapping[str, Any]]:
    """The places that the plan's entries hold, as they are kept."""
    return [
        {
            "entry_id": entry_id,
            "request_id": request_id,
            "slot_id": entry.slot_id,
            "places": entry.places,
            "kind": ReservationKind.HELD.value,
            "since": now,
            "until": expires_at,
        }
        for (_, entry), entry_id in zip(plan.entries, ids.entries, strict=True)
        if entry.slot_id and entry.quantity
    ]
