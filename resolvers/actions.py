"""Available actions: what may be done next with a request or a ticket, and of the rest, why not.

Told by the very rules that the mutations ask, on the same facts, read without their locks: what is told is what the
mutation decides if nothing happens in between. It is about what is there, and not about what a caller enters: update is
told for lines that can be sold, reschedule for a target that can be sold, pay for a payment that was not told before,
and a web store is taken to send the right authorization code.

Any number of requests or tickets takes the same number of statements.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import db
from db.admission import AdmissionRow
from db.code_attempt import Named
from db.engine import Read
from db.ticket import AccessEntryRow, IssuedTicketRow
from db.ticket_request import EntryRow, TicketRequestRow, TicketRequestStatus
from db.time_slot import TimeSlotRow

from . import standing, visibility
from .admittance.depart import depart_refusal
from .admittance.facts import Known, Place, filled, gather_chosen, known, slots_to_count, used_places
from .admittance.scan import of_token
from .context import Context
from .gate import Facts, verdict
from .refusals import Refusal
from .ticket.code import WITHIN, is_customer, too_many
from .ticket.common import Sold
from .ticket.reschedule import kept_back
from .ticket.revoke import kept
from .ticket.rules import revoked_refusal
from .ticket_request.common import may_change
from .ticket_request.rules import (
    cancel_refusal,
    confirm_refusal,
    extend_refusal,
    pay_refusal,
    unconfirmed_refusal,
    update_refusal,
)


class Action(StrEnum):
    """Mutations that change a request or a ticket, by their names."""

    UPDATE = "ticketRequestUpdate"
    EXTEND = "ticketRequestExtend"
    CONFIRM = "ticketRequestConfirm"
    PAY = "ticketRequestPay"
    CANCEL = "ticketRequestCancel"
    CHANGE_HOLDER = "ticketRequestHolderChange"
    RESCHEDULE_ALL = "ticketRequestReschedule"
    REVOKE_ALL = "ticketRequestRevoke"
    ADMIT = "ticketAdmit"
    DEPART = "ticketDepart"
    RESCHEDULE = "ticketReschedule"
    REVOKE = "ticketRevoke"
    BLOCK = "ticketBlock"
    UNBLOCK = "ticketUnblock"
    MARK_PRINTED = "ticketMarkPrinted"


@dataclass(frozen=True, slots=True)
class AvailableAction:
    """One thing that might be done, of the whole or of one admission, and the first reason why not.

    ``is_done``: it was done already, and doing it again answers the same and changes nothing.
    """

    action: Action
    admission_id: int | None = None
    refusal: Refusal | None = None
    is_done: bool = False

    @property
    def is_allowed(self) -> bool:
        return self.refusal is None


Permitted = frozenset[str]
"""The names of the mutations that the caller's role may ask for."""


async def of_requests(
    context: Context, read: Read, request_ids: Sequence[int], permitted: Permitted
) -> Mapping[int, list[AvailableAction]]:
    """What may be done with each request, by row id, of what is permitted; in the order of its life."""
    now = context.now
    requests = await db.ticket_request.by_ids(read, request_ids, now, where=visibility.requests(context))
    rows = await db.ticket.of_requests(read, list(requests)) if requests else {}
    facts = await _Facts.of(context, read, requests, [ticket for some in rows.values() for ticket in some], permitted)
    entries = await db.ticket_request.entries_of_requests(read, list(requests), now) if requests else {}
    ended = [one for one in requests.values() if one.status == TicketRequestStatus.EXPIRED]
    owners = await standing.order_owners(read, ended, now)
    held = await standing.held(read, list(requests.values()), entries, owners, now)
    names = [request.token_key for request in requests.values()]
    too_often = await _wrong_codes(context, read, Named.TOKEN, names)
    found = {}
    for id_, request in requests.items():
        actions = [
            *(_of_life(request, held.get(id_, ()), now) if may_change(context, request) else ()),
            *_of_all_tickets(facts, request, entries.get(id_, ()), too_often.get(request.token_key), now),
            *_at_gate(facts, request, facts.of_request.get(id_, [])),
        ]
        found[id_] = [one for one in actions if one.action in permitted]
    return found


async def of_tickets(
    context: Context, read: Read, ticket_ids: Sequence[int], permitted: Permitted
) -> Mapping[int, list[AvailableAction]]:
    """What may be done with each ticket, by row id, of what is permitted."""
    rows = await db.ticket.by_ids(read, ticket_ids, where=visibility.tickets(context))
    requests = await db.ticket_request.by_ids(read, sorted({one.request_id for one in rows.values()}), context.now)
    facts = await _Facts.of(context, read, requests, list(rows.values()), permitted)
    too_often = await _wrong_codes(context, read, Named.TICKET, [one.number_key for one in rows.values()])
    found = {}
    for some in facts.of_request.values():
        for one in some:
            actions = [
                *_at_gate(facts, one.request, [one]),
                *_of_ticket(facts, one, too_often.get(one.ticket.number_key)),
            ]
            found[one.ticket.id] = [action for action in actions if action.action in permitted]
    return found


async def _wrong_codes(context: Context, read: Read, named: Named, names: Sequence[str]) -> dict[str, Refusal]:
    """Of a customer: for what too many wrong authorization codes were sent, not even the right one helps."""
    if not is_customer(context) or not names:
        return {}
    wrong = await db.code_attempt.of_names(read, named, names, context.now - WITHIN)
    refusals = {name: too_many(attempts) for name, attempts in wrong.items()}
    return {name: refusal for name, refusal in refusals.items() if refusal is not None}


@dataclass(frozen=True, slots=True)
class _Facts:
    """Tickets with all that decides about them. ``at_gate`` is by (ticket, admission), but for the room in slots."""

    by_customer: bool
    now: datetime
    of_request: dict[int, list[Known]] = field(default_factory=dict)
    sold: Mapping[int, Sold] = field(default_factory=dict)
    at_gate: Mapping[tuple[int, int], Facts] = field(default_factory=dict)
    slots: Mapping[int, TimeSlotRow] = field(default_factory=dict)
    used: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    async def of(
        cls,
        context: Context,
        read: Read,
        requests: Mapping[int, TicketRequestRow],
        tickets: Sequence[IssuedTicketRow],
        permitted: Permitted,
    ) -> "_Facts":
        now, by_customer = context.now, is_customer(context)
        everybody = await known(read, tickets, now, requests)
        of_request: dict[int, list[Known]] = {}
        for one in everybody:
            of_request.setdefault(one.ticket.request_id, []).append(one)
        changes = await standing.slot_changes(read, list(of_request)) if of_request else []
        sold = await standing.sold(read, requests, everybody, changes, now)
        if Action.ADMIT not in permitted:
            return cls(by_customer, now, of_request, sold)
        chosen = [(one, access) for one in everybody for access in one.access]
        gathered = await gather_chosen(read, chosen, Place(), now) if chosen else []
        slots = slots_to_count(gathered)
        at_gate = {
            (one.ticket.id, access.admission.id): facts for (one, access), facts in zip(chosen, gathered, strict=True)
        }
        return cls(by_customer, now, of_request, sold, at_gate, slots, await used_places(read, slots, now))

    def scanned(self, tickets: Iterable[Known], admission: AdmissionRow | None) -> list[Facts]:
        """The facts of these tickets scanned together, at that admission or each at its default one."""
        facts = []
        for one in tickets:
            access = one.at(admission)
            at_gate = self.at_gate.get((one.ticket.id, access.admission.id)) if access is not None else None
            facts.append(at_gate or Facts(self.now, admission, one.request, one.ticket))
        return filled(facts, self.slots, self.used)


# ---------------------------------------------------------------------------------------------------- requests


def _of_life(request: TicketRequestRow, held: Sequence[Refusal], now: datetime) -> Iterator[AvailableAction]:
    """``held`` is why the hold could not be begun anew, nor what is held be sold."""
    first = next(iter(held), None)
    is_confirmed = request.status == TicketRequestStatus.CONFIRMED
    is_canceled = request.status == TicketRequestStatus.CANCELED
    yield AvailableAction(Action.UPDATE, refusal=update_refusal(request, now))
    yield AvailableAction(Action.EXTEND, refusal=extend_refusal(request) or first)
    yield AvailableAction(Action.CONFIRM, refusal=confirm_refusal(request, now) or first, is_done=is_confirmed)
    yield AvailableAction(Action.PAY, refusal=pay_refusal(request, now))
    yield AvailableAction(Action.CANCEL, refusal=cancel_refusal(request), is_done=is_canceled)
    yield AvailableAction(Action.CHANGE_HOLDER)


def _of_all_tickets(
    facts: _Facts, request: TicketRequestRow, entries: Sequence[EntryRow], too_often: Refusal | None, now: datetime
) -> Iterator[AvailableAction]:
    """Moving and giving back every ticket of a request that is in force."""
    sold = facts.sold.get(request.id)
    tickets = standing.in_force(sold.tickets) if sold is not None else []
    unconfirmed = unconfirmed_refusal(request, now)
    for admission_id in dict.fromkeys(entry.admission_id for entry in entries if entry.quantity):
        pairs = _at(sold, tickets, admission_id)
        refusal = (
            too_often or unconfirmed or _first(kept_back(sold, pairs, by_customer=facts.by_customer) if sold else ())
        )
        if refusal is not None or pairs:
            yield AvailableAction(Action.RESCHEDULE_ALL, admission_id, refusal)
    if sold is None:
        yield AvailableAction(Action.REVOKE_ALL, refusal=too_often or unconfirmed)
        return
    refusals = (one for ticket in tickets for one in kept(sold, ticket, by_customer=facts.by_customer))
    is_done = request.status == TicketRequestStatus.CANCELED and too_often is None
    yield AvailableAction(Action.REVOKE_ALL, refusal=too_often or _first(refusals), is_done=is_done)


def _at(
    sold: Sold | None, tickets: Iterable[IssuedTicketRow], admission_id: int
) -> list[tuple[IssuedTicketRow, AccessEntryRow]]:
    """The tickets that admit there, with their access entries."""
    if sold is None:
        return []
    entries = ((ticket, entry) for ticket in tickets for entry in sold.entries[ticket.id])
    return [(ticket, entry) for ticket, entry in entries if entry.admission_id == admission_id]


# ------------------------------------------------------------------------------------------------- at the gate


def _at_gate(facts: _Facts, request: TicketRequestRow, tickets: Sequence[Known]) -> Iterator[AvailableAction]:
    """Letting in and out what a scan stands for: of a token each at its default admission, and at each named one."""
    found = of_token([one.ticket for one in tickets], request)
    scanned = [one for one in tickets if one.ticket in found.tickets]
    places = {access.admission.id: access.admission for one in scanned for access in one.access}
    is_several = len(tickets) != 1 or len(places) > 1
    for admission in [None, *places.values()] if is_several else places.values():
        admission_id = admission.id if admission else None
        judged = facts.scanned(scanned, admission) or [Facts(facts.now, admission, request)]
        yield AvailableAction(Action.ADMIT, admission_id, _first(verdict(one) for one in judged))
        yield AvailableAction(Action.DEPART, admission_id, depart_refusal(scanned, request, admission, None, facts.now))


def _first(refusals: Iterable[Refusal | None]) -> Refusal | None:
    return next((refusal for refusal in refusals if refusal is not None), None)


# ----------------------------------------------------------------------------------------------------- tickets


def _of_ticket(facts: _Facts, one: Known, too_often: Refusal | None) -> Iterator[AvailableAction]:
    ticket, sold = one.ticket, facts.sold[one.ticket.request_id]
    entries = sold.entries[ticket.id]
    is_revoked = ticket.revoked_at is not None
    for entry in entries:
        moved = kept_back(sold, [(ticket, entry)], by_customer=facts.by_customer)
        refusal = too_often or revoked_refusal(ticket) or _first(moved)
        yield AvailableAction(Action.RESCHEDULE, entry.admission_id, refusal)
    refused = () if is_revoked else kept(sold, ticket, by_customer=facts.by_customer)
    is_done = is_revoked and too_often is None
    yield AvailableAction(Action.REVOKE, refusal=too_often or _first(refused), is_done=is_done)
    flagged: list[tuple[int | None, datetime | None]] = [(None, ticket.blocked_at)]
    flagged += [(entry.admission_id, entry.blocked_at) for entry in entries]
    for admission_id, blocked_at in flagged:
        yield AvailableAction(Action.BLOCK, admission_id, is_done=blocked_at is not None)
        yield AvailableAction(Action.UNBLOCK, admission_id, is_done=blocked_at is None)
    yield AvailableAction(Action.MARK_PRINTED)
