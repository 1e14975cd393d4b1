"""Revoke: a ticket is given back, or every ticket of a request; the places are free again, and something is paid back.

Source: domain.md, "Changing one's mind". It cannot be undone. Nothing is deleted: ticket, number and time slot stay as
they were and stay findable, and the timeline tells when the ticket was given back, why, and for how much.

A part-used group is revoked whole: nobody else gets in, those inside may depart, and the places that were used stay
sold, under every control; only the others are free. The last revoked ticket cancels the request.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import db
from db.code_attempt import Named
from db.engine import Write
from db.ticket import IssuedTicketRow
from db.ticket_request import TicketRequestRow, TicketRequestStatus
from db.timeline import RequestEventKind, RequestEventRow

from ..context import Context
from ..refusals import Outcome, Refusal, Refusals, Refused, Unchanged
from ..texts import REASON_LENGTH, required, text
from ..ticket_request.common import event
from .code import is_customer, prove
from .common import Sold, check_number, find, take, take_request, unconfirmed
from .rules import RefundShare, refund_minor, revoke_refusal, unused_people


@dataclass(frozen=True, slots=True)
class Revocation:
    """What shall be given back: a ticket by its number, or a request by its token."""

    name: str
    authorization_code: str | None = None
    reason: str | None = None
    is_dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeOutcome(Outcome):
    """Beside the ticket or request, what is paid back, or would be."""

    refund_minor: int | None = None
    currency: str | None = None


async def revoke(context: Context, asked: Revocation) -> Outcome:
    """Give back one ticket. Revoking again answers the same and pays nothing twice.

    It is recorded as REVOKED with ticket_id, the people on it as quantity, and the facts {"reason", "refund_minor",
    "currency", "unused"}; unused are the people who were never let in, at the admission that was used most. Refused:
    INVALID_INPUT, NOT_FOUND, REVOKE_NOT_ALLOWED (one per admission that refuses); of a web store also
    WRONG_AUTHORIZATION_CODE, TICKET_BLOCKED and ACCESS_BLOCKED.
    """
    found = Refusals()
    number = check_number(found, asked.name)
    reason = text(found, asked.reason, "reason", at_most=REASON_LENGTH)
    await prove(context, Named.TICKET, number, asked.authorization_code, found)
    async with context.writing() as write:
        ticket = await find(write, number, found)
        if ticket is None:
            raise Refused(Outcome(refusals=tuple(found.found)))
        request = await db.ticket_request.lock_by_id(write, ticket.request_id)
        assert request is not None
        found.check(row_id=ticket.id)
        sold = await take(write, request, [ticket.id])
        (ticket,) = sold.tickets
        if ticket.revoked_at is not None:
            told = await db.timeline.of_tickets(write, [ticket.id], [RequestEventKind.REVOKED])
            return _paid_back(ticket.id, request, told)
        return await _revoke(context, write, sold, ticket.id, ("externalTicketNo",), reason, asked.is_dry_run)


async def revoke_request(context: Context, asked: Revocation) -> Outcome:
    """Give back every ticket of a request that is in force, all or none; the request is canceled by it.

    Revoking again answers the same. Recorded as ``revoke`` does, ticket by ticket, and as CANCELED. Refused as there,
    each refusal with its ticket; and NOT_CONFIRMED, HOLD_EXPIRED, ALREADY_CANCELED (there never were any tickets).
    """
    found = Refusals()
    token = required(found, asked.name, "token")
    reason = text(found, asked.reason, "reason", at_most=REASON_LENGTH)
    await prove(context, Named.TOKEN, token, asked.authorization_code, found)
    async with context.writing() as write:
        request = await take_request(write, token, found)
        ticket_ids = await db.ticket.ids_of_request(write, request.id)
        if not ticket_ids and (refusal := await unconfirmed(write, request, is_dry_run=asked.is_dry_run)):
            return Outcome(row_id=request.id, refusals=(*found.found, refusal))
        found.check(row_id=request.id)
        if request.status == TicketRequestStatus.CANCELED:
            told = await db.timeline.of_tickets(write, ticket_ids, [RequestEventKind.REVOKED])
            return _paid_back(request.id, request, [one for one in told if one.at == request.status_changed_at])
        sold = await take(write, request, ticket_ids)
        return await _revoke(context, write, sold, request.id, ("token",), reason, asked.is_dry_run)


async def _revoke(
    context: Context,
    write: Write,
    sold: Sold,
    row_id: int,
    path: tuple[str],
    reason: str | None,
    is_dry_run: bool,
) -> RevokeOutcome:
    """Revoke those of the tickets that are in force, or raise Refused with everything that is in the way."""
    request, now = sold.request, sold.now
    tickets = [ticket for ticket in sold.tickets if ticket.revoked_at is None]
    if refusals := [one for ticket in tickets for one in kept(sold, ticket, by_customer=is_customer(context))]:
        raise Refused(Outcome(row_id=row_id, refusals=tuple(replace(one, path=path) for one in refusals)))
    refunds = {ticket.id: _refund(sold, ticket) for ticket in tickets}
    outcome = RevokeOutcome(row_id=row_id, refund_minor=sum(refunds.values()), currency=request.currency)
    if is_dry_run:
        raise Unchanged(outcome)
    await db.ticket.change(write, [ticket.id for ticket in tickets], {"revoked_at": now})
    await _free(write, sold, tickets)
    happened = [
        event(
            context,
            RequestEventKind.REVOKED,
            now,
            request.id,
            ticket_id=ticket.id,
            quantity=ticket.quantity,
            facts={
                "reason": reason,
                "refund_minor": refunds[ticket.id],
                "currency": ticket.currency,
                "unused": min(unused_people(entry, ticket) for entry in sold.entries[ticket.id]),
            },
        )
        for ticket in tickets
    ]
    if await db.ticket.is_all_revoked(write, request.id):
        canceled = {"status": TicketRequestStatus.CANCELED.value, "status_changed_at": now}
        await db.ticket_request.change(write, request.id, canceled)
        facts: dict[str, Any] = {"reason": reason} if reason else {}
        happened.append(event(context, RequestEventKind.CANCELED, now, request.id, facts=facts))
    await db.timeline.record(write, happened, now)
    return outcome


def kept(sold: Sold, ticket: IssuedTicketRow, *, by_customer: bool) -> list[Refusal]:
    """Why a ticket in force may not be given back: per content line; one that refuses refuses all.

    Where a slot was changed, staff may do it all the same.
    """
    entries = sold.entries[ticket.id]
    if by_customer:
        blocked = list(sold.kept_from_customer(ticket, entries))
    elif any(sold.is_let_down(entry) for entry in entries):
        return []
    else:
        blocked = []
    refusals = [revoke_refusal(entry, ticket, sold.contents[entry.content_line_id]) for entry in entries]
    return [*blocked, *(refusal for refusal in refusals if refusal is not None)]


def _refund(sold: Sold, ticket: IssuedTicketRow) -> int:
    shares = [
        RefundShare(sold.contents[entry.content_line_id].refund_basis_points, unused_people(entry, ticket))
        for entry in sold.entries[ticket.id]
    ]
    return refund_minor(sold.request.payment_option, ticket.price_minor, ticket.quantity, shares)


async def _free(write: Write, sold: Sold, tickets: Sequence[IssuedTicketRow]) -> None:
    """Give back the places that nobody has used, of the reservations and of the slots alike."""
    places: Counter[tuple[int, int]] = Counter()
    for ticket in tickets:
        for entry in sold.entries[ticket.id]:
            if entry.slot_id is not None:
                places[entry.entry_id, entry.slot_id] += sold.open_places(entry, ticket, entry.slot_id)
    await db.reservation.give_back(write, places, sold.now)
    of_slots: Counter[int] = Counter()
    for (_, slot_id), number in places.items():
        of_slots[slot_id] -= number
    await db.time_slot.add_sold(write, of_slots)
    left = {entry.entry_id for ticket in tickets for entry in sold.entries[ticket.id]}
    await db.ticket.let_entries_follow(write, sorted(left))


def _paid_back(row_id: int, request: TicketRequestRow, told: Sequence[RequestEventRow]) -> RevokeOutcome:
    """What was answered when it was done."""
    refund = sum(one.facts.get("refund_minor", 0) for one in told)
    return RevokeOutcome(row_id=row_id, refund_minor=refund, currency=request.currency)
