"""Extend and cancel: the hold begun anew, or given up."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import db
from db.engine import Write
from db.sales_order import SalesChannel
from db.ticket_item import ContentLineRow
from db.ticket_request import EntryRow, TicketRequestRow, TicketRequestStatus
from db.time_slot import TimeSlotRow
from db.timeline import RequestEventKind

from ..capacity import Wish, exceeds, not_in_force, sale_refusal
from ..context import Context
from ..refusals import Outcome, RefusalCode, Refusals, refused
from ..slot_use import calendar_of, ticket_calendars, uses_of
from ..texts import REASON_LENGTH, text
from .common import (
    claim_ticket_numbers,
    event,
    find_and_lock,
    has_run_out,
    is_in_the_way,
    may_go_over,
    stamp_expired,
)
from .taking import Exceeded, capacity_exceeded


async def extend(context: Context, token: str, *, may_exceed_capacity: bool = False) -> Outcome:
    """Begin the hold anew, just before payment. An expired request takes its places and numbers again, or is refused.

    Refused: NOT_FOUND, ALREADY_CONFIRMED, ALREADY_CANCELED, SLOT_CANCELED, SLOT_CLOSED, CALENDAR_CLOSED; and reviving
    also DUPLICATE_ORDER, DUPLICATE_TICKET_NUMBER, and whatever keeps a slot from being sold (SOLD_OUT, SLOT_PAST, ...).
    """
    async with context.writing() as write:
        request = await find_and_lock(context, write, token)
        refuse_ended(request)
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
            exceeded = await _revive(write, entries, contents, slots, now, may_exceed, found)
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
        if request.status == TicketRequestStatus.CONFIRMED:
            raise _already_confirmed(request)
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


def refuse_ended(request: TicketRequestRow) -> None:
    """Raise Refused (ALREADY_CONFIRMED, ALREADY_CANCELED) for a request that no longer holds anything."""
    if request.status == TicketRequestStatus.CONFIRMED:
        raise _already_confirmed(request)
    if request.status == TicketRequestStatus.CANCELED:
        message = "The request was canceled. A new sale needs a new request."
        raise refused(RefusalCode.ALREADY_CANCELED, message, "token", row_id=request.id)


def _already_confirmed(request: TicketRequestRow) -> Exception:
    message = "The request is confirmed. What is sold is given back by revoking its tickets."
    return refused(RefusalCode.ALREADY_CONFIRMED, message, "token", row_id=request.id)


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
        if self._is_order_needed:
            message = f"The order {self._request.external_order_no} has another request by now."
            found.add(RefusalCode.DUPLICATE_ORDER, message, "token", request_id=self._order_owner)
        for number in self._needed:
            found.add(RefusalCode.DUPLICATE_TICKET_NUMBER, f"The ticket number {number} is taken by now.", "token")

    async def take_over(self, write: Write) -> None:
        """Make the request the owner again."""
        if self._order_owner is not None and self._request.order_key is not None:
            await db.ticket_request.take_over_order(
                write, self._request.client_id, self._request.order_key, self._request.id
            )
        if self._free:
            await db.ticket.take_over_numbers(write, self._free, self._request.id)


async def _revive(
    write: Write,
    entries: list[EntryRow],
    contents: dict[int, ContentLineRow],
    slots: dict[int, TimeSlotRow],
    now: datetime,
    may_exceed: bool,
    found: Refusals,
) -> Exceeded:
    """Note every slot that can no longer be sold; answers (admission, slot) of what was let over capacity."""
    included = [entry for entry in entries if entry.slot_id and entry.quantity]
    calendars = await ticket_calendars(write, (contents[entry.content_line_id] for entry in included))
    admissions = await db.admission.by_ids(write, [entry.admission_id for entry in included])
    uses = await uses_of(write, slots.values(), now)
    places: dict[int, int] = {}
    for entry in included:
        assert entry.slot_id is not None
        wanted = entry.quantity * contents[entry.content_line_id].quantity
        places[entry.slot_id] = places.get(entry.slot_id, 0) + wanted
    exceeded = set()
    for entry in included:
        assert entry.slot_id is not None
        content, slot = contents[entry.content_line_id], slots[entry.slot_id]
        is_free = may_exceed and content.pos_may_exceed_capacity
        calendar = calendar_of(content, calendars)
        wish = Wish(slot, admissions[entry.admission_id], content, places[slot.id], calendar, may_exceed=is_free)
        refusal = sale_refusal(wish, uses[slot.id], now)
        if refusal is not None:
            found.found.append(replace(refusal, path=("token",)))
        elif is_free and exceeds(wish, uses[slot.id]):
            exceeded.add((entry.admission_id, slot.id))
    return exceeded


async def refuse_out_of_force(
    write: Write,
    entries: list[EntryRow],
    contents: dict[int, ContentLineRow],
    slots: dict[int, TimeSlotRow],
    found: Refusals,
) -> None:
    """Note every slot of the request that was canceled or closed since it was taken, also by a ticket calendar."""
    reserved = [(entry, slots[entry.slot_id]) for entry in entries if entry.slot_id and entry.quantity]
    calendars = await ticket_calendars(write, (contents[entry.content_line_id] for entry, _ in reserved))
    if not calendars and all(slot.state == db.time_slot.SlotState.OPEN for _, slot in reserved):
        return
    admissions = await db.admission.by_ids(write, list({entry.admission_id for entry, _ in reserved}))
    for entry, slot in reserved:
        calendar = calendar_of(contents[entry.content_line_id], calendars)
        if refusal := not_in_force(slot, admissions[entry.admission_id], calendar):
            found.found.append(replace(refusal, path=("token",)))
