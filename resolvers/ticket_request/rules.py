"""May a request be changed? What each change is refused for, whatever else it would say. Pure.

Source: domain.md, "The life of a request". The mutations ask these rules under lock, ``actions`` asks them to tell
beforehand what a mutation would decide: there is no second copy. A request is as it is stored or as it is at ``now``:
a hold that has run out is over either way.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from db.admission import AdmissionRow
from db.ticket_item import ContentLineRow
from db.ticket_request import EntryRow, PaymentOption, TicketRequestRow, TicketRequestStatus
from db.time_slot import TimeSlotRow

from ..capacity import SlotUse, Wish, exceeds, not_in_force, sale_refusal
from ..refusals import Refusal, RefusalCode
from ..slot_use import Calendars, calendar_of


def has_run_out(request: TicketRequestRow, now: datetime) -> bool:
    """Whether a request's hold is over at the database's clock, stamped or not."""
    if request.status == TicketRequestStatus.EXPIRED:
        return True
    return (
        request.status == TicketRequestStatus.REGISTERED
        and request.expires_at is not None
        and request.expires_at <= now
    )


def hold_expired(request: TicketRequestRow) -> Refusal:
    """The refusal of what needs a hold that is over."""
    return Refusal(
        RefusalCode.HOLD_EXPIRED,
        "The time to pay ran out and the places were let go. Extend the request to get them back, if there is room.",
        ("token",),
        request_id=request.id,
        passes_until=request.expires_at,
    )


def extend_refusal(request: TicketRequestRow) -> Refusal | None:
    """ALREADY_CONFIRMED, ALREADY_CANCELED: a request that no longer holds anything. An expired one may be revived."""
    if request.status == TicketRequestStatus.CANCELED:
        message = "The request was canceled. A new sale needs a new request."
        return Refusal(RefusalCode.ALREADY_CANCELED, message, ("token",))
    return cancel_refusal(request)


def update_refusal(request: TicketRequestRow, now: datetime) -> Refusal | None:
    """ALREADY_CONFIRMED, ALREADY_CANCELED, HOLD_EXPIRED."""
    return extend_refusal(request) or (hold_expired(request) if has_run_out(request, now) else None)


def cancel_refusal(request: TicketRequestRow) -> Refusal | None:
    """ALREADY_CONFIRMED: what is sold is revoked, ticket by ticket."""
    if request.status != TicketRequestStatus.CONFIRMED:
        return None
    message = "The request is confirmed. What is sold is given back by revoking its tickets."
    return Refusal(RefusalCode.ALREADY_CONFIRMED, message, ("token",))


def confirm_refusal(request: TicketRequestRow, now: datetime) -> Refusal | None:
    """ALREADY_CANCELED, HOLD_EXPIRED. What is confirmed already may be confirmed again."""
    if request.status == TicketRequestStatus.CANCELED:
        return _already_canceled()
    return hold_expired(request) if has_run_out(request, now) else None


def pay_refusal(request: TicketRequestRow, now: datetime) -> Refusal | None:
    """HOLD_EXPIRED, NOT_CONFIRMED, ALREADY_CANCELED, ALREADY_PAID: for a payment that was not told before."""
    if has_run_out(request, now):
        return hold_expired(request)
    if request.status == TicketRequestStatus.REGISTERED:
        message = "The request is not confirmed: confirm it with its payment."
        return Refusal(RefusalCode.NOT_CONFIRMED, message, ("token",))
    if request.status == TicketRequestStatus.CANCELED:
        return _already_canceled()
    if request.payment_option != PaymentOption.UNPAID:
        message = "The request is paid already, with another payment reference or none."
        return Refusal(RefusalCode.ALREADY_PAID, message, ("paymentReference",))
    return None


def unconfirmed_refusal(request: TicketRequestRow, now: datetime) -> Refusal | None:
    """Why a request has no tickets in force: NOT_CONFIRMED, HOLD_EXPIRED or ALREADY_CANCELED; None if it has."""
    if request.status == TicketRequestStatus.CONFIRMED:
        return None
    if request.status == TicketRequestStatus.CANCELED:
        return replace(_already_canceled(), request_id=request.id)
    if has_run_out(request, now):
        return hold_expired(request)
    message = "The request is not confirmed: it has no tickets yet. Update or cancel it."
    return Refusal(RefusalCode.NOT_CONFIRMED, message, ("token",), request_id=request.id)


def _already_canceled() -> Refusal:
    return Refusal(RefusalCode.ALREADY_CANCELED, "The request was canceled.", ("token",))


def taken_by_others(
    request: TicketRequestRow, order_owner_id: int | None, needed_numbers: Sequence[str]
) -> Iterator[Refusal]:
    """DUPLICATE_ORDER, DUPLICATE_TICKET_NUMBER: what of an expired request somebody else needs by now.

    ``order_owner_id``: the request that has its order number, if that one is in the way.
    """
    if order_owner_id is not None:
        message = f"The order {request.external_order_no} has another request by now."
        yield Refusal(RefusalCode.DUPLICATE_ORDER, message, ("token",), request_id=order_owner_id)
    for number in needed_numbers:
        message = f"The ticket number {number} is taken by now."
        yield Refusal(RefusalCode.DUPLICATE_TICKET_NUMBER, message, ("token",))


@dataclass(frozen=True, slots=True)
class Wanted:
    """The places that a request wants: its entries in force that are not left out and have a slot, and their rules."""

    entries: Sequence[EntryRow]
    contents: Mapping[int, ContentLineRow]
    admissions: Mapping[int, AdmissionRow]
    slots: Mapping[int, TimeSlotRow]
    calendars: Calendars

    def out_of_force(self) -> Iterator[Refusal]:
        """SLOT_CANCELED, SLOT_CLOSED, CALENDAR_CLOSED: slots that became so since they were taken."""
        for entry in self.entries:
            assert entry.slot_id is not None
            slot, admission = self.slots[entry.slot_id], self.admissions[entry.admission_id]
            calendar = calendar_of(self.contents[entry.content_line_id], self.calendars)
            if refusal := not_in_force(slot, admission, calendar):
                yield replace(refusal, path=("token",))

    def no_longer_sold(self, uses: Mapping[int, SlotUse], now: datetime, *, may_exceed: bool) -> Iterator[Refusal]:
        """Why an expired request cannot have its places back: whatever keeps a slot from being sold."""
        for wish in self._wishes(may_exceed=may_exceed):
            if refusal := sale_refusal(wish, uses[wish.slot.id], now):
                yield replace(refusal, path=("token",))

    def over_capacity(self, uses: Mapping[int, SlotUse], *, may_exceed: bool) -> Iterator[tuple[int, int]]:
        """(admission, slot) of what has its places back at the cashier's word alone."""
        for wish in self._wishes(may_exceed=may_exceed):
            if wish.may_exceed and exceeds(wish, uses[wish.slot.id]):
                yield wish.admission.id, wish.slot.id

    def _wishes(self, *, may_exceed: bool) -> Iterator[Wish]:
        places: dict[int, int] = {}
        for entry in self.entries:
            assert entry.slot_id is not None
            wanted = entry.quantity * self.contents[entry.content_line_id].quantity
            places[entry.slot_id] = places.get(entry.slot_id, 0) + wanted
        for entry in self.entries:
            assert entry.slot_id is not None
            content, slot = self.contents[entry.content_line_id], self.slots[entry.slot_id]
            is_free = may_exceed and content.pos_may_exceed_capacity
            calendar = calendar_of(content, self.calendars)
            yield Wish(
                slot, self.admissions[entry.admission_id], content, places[slot.id], calendar, may_exceed=is_free
            )


def wants_places(entries: Sequence[EntryRow]) -> list[EntryRow]:
    """Those of the entries that want places in a slot."""
    return [entry for entry in entries if entry.slot_id and entry.quantity]
