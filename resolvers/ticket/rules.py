"""May it be given back, may it be moved, and what is paid back? Pure: everything they need is given.

Source: domain.md, "Changing one's mind". The rules are those of the content line under which the ticket was sold.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from db.ticket import AccessEntryRow, IssuedTicketRow
from db.ticket_item import ContentLineRow, ReschedulePolicy, RevokePolicy
from db.ticket_request import PaymentOption
from db.time_slot import TimeSlotRow
from db.visit import VisitRow

from ..capacity import to_the_second
from ..refusals import Refusal, RefusalCode

WHOLE = 10_000
"""A hundred percent, in basis points."""

NOTHING_PAID = (PaymentOption.UNPAID, PaymentOption.POSTPAID)


def used_people(entry: AccessEntryRow, ticket: IssuedTicketRow) -> int:
    """How many of the ticket's people were ever let in there, each once however often they came back."""
    return min(entry.admitted_count, ticket.quantity)


def unused_people(entry: AccessEntryRow, ticket: IssuedTicketRow) -> int:
    """How many of the ticket's people were never let in there."""
    return ticket.quantity - used_people(entry, ticket)


def open_places(entry: AccessEntryRow, ticket: IssuedTicketRow, visits: Iterable[VisitRow], slot_id: int | None) -> int:
    """The places of the access entry in a slot that nobody has used: those that come and go with a change of mind.

    A place that was used stays sold for ever: its people were there, and may be inside still. So a ticket takes
    its whole places in the slot it is for, less what it has used there already; and when it leaves, moved or
    given back, it leaves behind what it has used.
    """
    admitted = sum(visit.admitted for visit in visits if visit.slot_id == slot_id)
    return entry.quantity - entry.quantity * min(admitted, ticket.quantity) // ticket.quantity


def revoke_refusal(entry: AccessEntryRow, ticket: IssuedTicketRow, content: ContentLineRow) -> Refusal | None:
    """Why this admission keeps the ticket from being given back, or None: UNUSED, NEVER or ALWAYS.

    UNUSED is refused once used; but of a group some may have come, and the others get their part back.
    """

    def no(message: str, *, actual: int | None = None) -> Refusal:
        return Refusal(
            RefusalCode.REVOKE_NOT_ALLOWED,
            message,
            admission_id=entry.admission_id,
            ticket_id=ticket.id,
            limit=None if actual is None else 0,
            actual=actual,
        )

    match content.revoke_policy:
        case RevokePolicy.ALWAYS:
            return None
        case RevokePolicy.NEVER:
            return no("The ticket may not be given back.")
        case _ if unused_people(entry, ticket):
            return None
        case _:
            message = "The ticket may be given back only as long as it is not used."
            return no(message, actual=used_people(entry, ticket))


def revoked_refusal(ticket: IssuedTicketRow) -> Refusal | None:
    """TICKET_REVOKED: what was given back is not moved any more."""
    if ticket.revoked_at is None:
        return None
    message = "The ticket was revoked: it is for nothing any more."
    return Refusal(RefusalCode.TICKET_REVOKED, message, ("externalTicketNo",), ticket_id=ticket.id)


def reschedule_refusal(
    entry: AccessEntryRow,
    ticket: IssuedTicketRow,
    content: ContentLineRow,
    slot: TimeSlotRow | None,
    now: datetime,
) -> Refusal | None:
    """Why this admission of the ticket may not be moved, or None: NOT_ALLOWED, UNTIL_USED or CUT_OFF_HOURS.

    CUT_OFF_HOURS: unused, and now is at least that many hours before the end of arrival (negative: that many after),
    that whole second included. A visit without a slot has no end of arrival, and so no cut-off.
    """

    def no(message: str, *, actual: int | None = None, until: datetime | None = None) -> Refusal:
        return Refusal(
            RefusalCode.RESCHEDULE_NOT_ALLOWED,
            message,
            admission_id=entry.admission_id,
            slot_id=entry.slot_id,
            ticket_id=ticket.id,
            limit=None if actual is None else 0,
            actual=actual,
            passes_until=until,
        )

    if content.reschedule_policy == ReschedulePolicy.NOT_ALLOWED:
        return no("The ticket may not be moved to another time slot.")
    if used := used_people(entry, ticket):
        return no("The ticket may be moved only as long as it is not used.", actual=used)
    if content.reschedule_policy == ReschedulePolicy.CUT_OFF_HOURS and slot is not None:
        last = slot.arrival_until - timedelta(seconds=content.reschedule_cut_off_seconds or 0)
        if to_the_second(now) > last:
            return no("It is too late to move the ticket to another time slot.", until=last)
    return None


@dataclass(frozen=True, slots=True)
class RefundShare:
    """One admission of a ticket: its percentage, in basis points, and how many of the people have not used it."""

    basis_points: int
    unused: int


def refund_minor(payment: str, price_minor: int, people: int, shares: Sequence[RefundShare]) -> int:
    """What is paid back for a ticket of that price and so many people, in minor units.

    If the percentages sum to exactly 100 they are shares of the price; else each line has an equal part of the price,
    of which it pays back its percentage. Of each, the part of those who have not used it. Rounded half up as a
    whole: what the lines' own rounding would leave over is the last one's. Nothing was paid yet: nothing is
    paid back.
    """
    if payment in NOTHING_PAID or not shares:
        return 0
    parts = 1 if sum(share.basis_points for share in shares) == WHOLE else len(shares)
    exact = sum(Fraction(price_minor * s.basis_points * s.unused, WHOLE * people * parts) for s in shares)
    return int(exact + Fraction(1, 2))
