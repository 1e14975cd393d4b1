"""Extend and cancel: the hold begun anew, or given up."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import db
from db.engine import Write
from db.sales_order import SalesChannel
from db.ticket_item import ContentLineRow
from db.ticket_request import EntryRow, TicketRequestRow, TicketRequestStatus
from db.time_slot import SlotState, TakenSlot, TimeSlotRow
from db.timeline import RequestEventKind

from ..context import Context
from ..refusals import Outcome, Refusals
from ..slot_use import ticket_calendars, uses_of
from ..texts import REASON_LENGTH, text
from .common import (
    claim_ticket_numbers,
    event,
    find_and_lock,
    is_in_the_way,
    may_go_over,
    stamp_expired,
)
from .rules import Wanted, cancel_refusal, extend_refusal, has_run_out, taken_by_others, wants_places
from .taking import Exceeded, capacity_exceeded

Slots = dict[int, TimeSlotRow]


async def extend(context: Context, token: str, *, may_exceed_capacity: bool = False) -> Outcome:
    """Begin the hold anew, just before payment. An expired request takes its places and numbers again, or is refused.

    Refused: NOT_FOUND, ALREADY_CONFIRMED, ALREADY_CANCELED, SLOT_CANCELED, SLOT_CLOSED, CALENDAR_CLOSED; and reviving
    also DUPLICATE_ORDER, DUPLICATE_TICKET_NUMBER, and whatever keeps a slot from being sold (SOLD_OUT, SLOT_PAST, ...).
    """
    async with context.writing() as write:
        request = await find_and_lock(context, write, token)
        if refusal := extend_refusal(request):
            return Outcome(row_id=request.id, refusals=(refusal,))
        found = Refusals()
        taken = await _Taken.of(write, request)
        entries = await db.ticket_request.entries_of(write, request.id, db.ticket_request.BEFORE_TIME)
        slots = await db.time_slot.lock(write, [e.slot_id for e in entries if e.slot_id and e.quantity])
        now = await write.clock()
        contents = await db.ticket_item.content_lines_by_ids(write, list({entry.content_line_id for entry in entries}))
        is_revived = has_run_out(request, now)
        exceeded: Exceeded = set()
        if is_revived:
            taken.refuse(found)
            may_exceed = may_exceed_capacity and may_go_over(context, request.channel)
            wanted = await _wanted(write, entries, contents, slots)
            exceeded = await _revive(write, wanted, now, may_exceed, found)
        else:
            await refuse_out_of_force(write, entries, contents, slots, found)
        found.check(row_id=request.id)
        expires_at = now + timedelta(seconds=context.rules.hold_of(SalesChannel(request.channel)))
        values: dict[str, Any] = {"expires_at": expires_at}
        if is_revived:
            await taken.take_over(write)
            await stamp_expired(write, request, now)
            values |= {"status": TicketRequestStatus.REGISTERED.value, "status_changed_at": now}
        await db.ticket_request.change(write, request.id, values)
        await db.reservation.hold(write, request.id, now if is_revived else None, expires_at)
        facts = {"until": expires_at.isoformat(), "revived": is_revived}
        happened = capacity_exceeded(context, request.id, exceeded, now)
        happened.append(event(context, RequestEventKind.EXTENDED, now, request.id, facts=facts))
        await db.timeline.record(write, happened, now)
    return Outcome(row_id=request.id)


async def cancel(context: Context, token: str, reason: str | None) -> Outcome:
    """Give up a request that is not confirmed; its places are free at once. Canceling again answers the same.

    Refused: NOT_FOUND, INVALID_INPUT, ALREADY_CONFIRMED (a confirmed request is revoked, ticket by ticket).
    """
    found = Refusals()
    said = text(found, reason, "reason", at_most=REASON_LENGTH)
    async with context.writing() as write:
        request = await find_and_lock(context, write, token)
        found.check(row_id=request.id)
        if request.status == TicketRequestStatus.CANCELED:
            return Outcome(row_id=request.id)
        if refusal := cancel_refusal(request):
            return Outcome(row_id=request.id, refusals=(refusal,))
        now = await write.clock()
        if has_run_out(request, now):
            await stamp_expired(write, request, now)
        values = {"status": TicketRequestStatus.CANCELED.value, "status_changed_at": now, "expires_at": None}
        await db.ticket_request.change(write, request.id, values)
        await db.reservation.let_go(write, request.id, now)
        facts = {"reason": said} if said else {}
        happened = [event(context, RequestEventKind.CANCELED, now, request.id, facts=facts)]
        await db.timeline.record(write, happened, now)
    return Outcome(row_id=request.id)


class _Taken:
    """The order number and the dictated ticket numbers of a request, locked; and what of them is another's by now."""

    def __init__(self, request: TicketRequestRow) -> None:
        self._request = request
        self._order_owner: int | None = None
        self._is_order_needed = False
        self._needed: list[str] = []
        self._free: list[str] = []

    @classmethod
    async def of(cls, write: Write, request: TicketRequestRow) -> "_Taken":
        taken = cls(request)
        if request.order_key is not None:
            owner = await db.ticket_request.claim_order(write, request.client_id, request.order_key, request.id)
            if owner != request.id:
                taken._order_owner = owner
                taken._is_order_needed = await is_in_the_way(write, owner, await write.clock())
        lines = await db.ticket_request.lines_of(write, request.id)
        numbers = [number for line in lines for number in line.dictated_nos or ()]
        if numbers:
            taken._needed, taken._free = await claim_ticket_numbers(write, numbers, request.id, await write.clock())
        return taken

    def refuse(self, found: Refusals) -> None:
        """Note what somebody else needs by now."""
        in_the_way = self._order_owner if self._is_order_needed else None
        found.found += taken_by_others(self._request, in_the_way, self._needed)

    async def take_over(self, write: Write) -> None:
        """Make the request the owner again."""
        if self._order_owner is not None and self._request.order_key is not None:
            await db.ticket_request.take_over_order(
                write, self._request.client_id, self._request.order_key, self._request.id
            )
        if self._free:
            await db.ticket.take_over_numbers(write, self._free, self._request.id)


async def _wanted(write: Write, entries: list[EntryRow], contents: dict[int, ContentLineRow], slots: Slots) -> Wanted:
    """What the entries want of the locked slots, with all that decides about it."""
    included = wants_places(entries)
    calendars = await ticket_calendars(write, (contents[entry.content_line_id] for entry in included))
    admissions = await db.admission.by_ids(write, list({entry.admission_id for entry in included}))
    return Wanted(included, contents, admissions, slots, calendars)


async def _revive(write: Write, wanted: Wanted, now: datetime, may_exceed: bool, found: Refusals) -> Exceeded:
    """Note every slot that can no longer be sold; answers (admission, slot) of what was let over capacity."""
    uses = await uses_of(write, wanted.slots.values(), now)
    found.found += wanted.no_longer_sold(uses, now, may_exceed=may_exceed)
    return set(wanted.over_capacity(uses, may_exceed=may_exceed))


async def refuse_out_of_force(
    write: Write,
    entries: list[EntryRow],
    contents: dict[int, ContentLineRow],
    slots: Mapping[int, TakenSlot | TimeSlotRow],
    found: Refusals,
) -> None:
    """Note every slot of the request that was canceled or closed since it was taken, also by a ticket calendar.

    Where no calendar is asked and every slot is open, as nearly always, nothing more is read.
    """
    included = wants_places(entries)
    is_open = all(slots[entry.slot_id].state == SlotState.OPEN for entry in included if entry.slot_id)
    if is_open and all(contents[entry.content_line_id].calendar_id is None for entry in included):
        return
    whole = await db.time_slot.by_ids(write, list(slots))
    found.found += (await _wanted(write, entries, contents, whole)).out_of_force()
