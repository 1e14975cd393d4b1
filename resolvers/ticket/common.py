"""What changes of tickets begin with: finding the ticket, the admission of it that is meant, and taking what is needed.

In one order: the request, its tickets by id, slots by id; then the database's clock is read, and then it is counted.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import db
from db.admission import AdmissionRow
from db.engine import Read, Write
from db.keys import key
from db.ticket import AccessEntryRow, IssuedTicketRow
from db.ticket_item import ContentLineRow
from db.ticket_request import TicketRequestRow, TicketRequestStatus
from db.time_slot import TimeSlotRow
from db.timeline import RequestEventKind
from db.visit import VisitRow

from ..capacity import not_in_force
from ..refusals import Outcome, Refusal, RefusalCode, Refusals, Refused
from ..slot_use import Calendars, calendar_of, ticket_calendars
from ..texts import required
from ..ticket_request.common import stamp_expired
from ..ticket_request.rules import unconfirmed_refusal
from .rules import open_places

NOT_FOUND = "There is no such ticket."


async def find(read: Read, number: str, found: Refusals) -> IssuedTicketRow | None:
    """The ticket of that external number, as it was when nothing was locked yet; or NOT_FOUND is noted."""
    if not number:
        return None
    ticket = (await db.ticket.by_number_keys(read, [key(number)])).get(key(number))
    if ticket is None:
        found.add(RefusalCode.NOT_FOUND, NOT_FOUND, "externalTicketNo")
    return ticket


async def find_admission(read: Read, code: str, found: Refusals) -> AdmissionRow | None:
    """The admission of that code, or UNKNOWN_ADMISSION is noted."""
    if not code:
        return None
    admission = (await db.admission.by_keys(read, [key(code)])).get(key(code))
    if admission is None:
        found.add(RefusalCode.UNKNOWN_ADMISSION, f"There is no admission {code}.", "admissionCode")
    return admission


def entry_for(
    admission: AdmissionRow, entries: Iterable[AccessEntryRow], ticket: IssuedTicketRow, found: Refusals
) -> AccessEntryRow | None:
    """The ticket's access entry for that admission, or NOT_ON_TICKET is noted."""
    for entry in entries:
        if entry.admission_id == admission.id:
            return entry
    facts = {"admission_id": admission.id, "ticket_id": ticket.id}
    message = f"The ticket does not admit to {admission.description}."
    found.add(RefusalCode.NOT_ON_TICKET, message, "admissionCode", **facts)
    return None


def check_number(found: Refusals, given: str) -> str:
    """The external ticket number, trimmed; one that no ticket can have is noted as INVALID_INPUT."""
    return required(found, given, "externalTicketNo")


@dataclass(frozen=True, slots=True)
class Sold:
    """Tickets of one request, taken with every slot they are for, and all that decides about them at ``now``."""

    request: TicketRequestRow
    tickets: Sequence[IssuedTicketRow]
    entries: Mapping[int, Sequence[AccessEntryRow]]
    """By ticket, in the order of the item's contents."""

    contents: Mapping[int, ContentLineRow]
    admissions: Mapping[int, AdmissionRow]
    slots: Mapping[int, TimeSlotRow]
    visits: Mapping[int, Sequence[VisitRow]]
    """By access entry."""

    calendars: Calendars
    changed: frozenset[int]
    """The slots of the request that were moved, closed or canceled after they were booked."""

    now: datetime

    def open_places(self, entry: AccessEntryRow, ticket: IssuedTicketRow, slot_id: int | None) -> int:
        """The places of the access entry in a slot that nobody has used."""
        return open_places(entry, ticket, self.visits.get(entry.id, ()), slot_id)

    def is_let_down(self, entry: AccessEntryRow) -> bool:
        """Whether the slot of that admission was moved, closed or canceled after it was booked, or is closed now.

        Then staff may reschedule or refund whatever the policy. Source: domain.md, "Time slot".
        """
        if entry.slot_id is None:
            return False
        slot, content = self.slots[entry.slot_id], self.contents[entry.content_line_id]
        calendar = calendar_of(content, self.calendars)
        return slot.id in self.changed or not_in_force(slot, self.admissions[entry.admission_id], calendar) is not None

    def kept_from_customer(self, ticket: IssuedTicketRow, entries: Iterable[AccessEntryRow]) -> Iterator[Refusal]:
        """What staff has blocked, a customer neither moves nor gives back; who has a question asks the staff."""
        if ticket.blocked_at is not None:
            message = "The ticket is blocked: please ask the staff."
            yield Refusal(RefusalCode.TICKET_BLOCKED, message, ticket_id=ticket.id)
        for entry in entries:
            if entry.blocked_at is not None:
                message = "The ticket is blocked for one of its admissions: please ask the staff."
                yield Refusal(RefusalCode.ACCESS_BLOCKED, message, ticket_id=ticket.id, admission_id=entry.admission_id)


async def take(
    write: Write, request: TicketRequestRow, ticket_ids: Sequence[int], *, target_id: int | None = None
) -> Sold:
    """Take tickets of a locked request, then their slots and the one they are to be moved to; then read the clock.

    What is counted in the slots is for later statements.
    """
    tickets = await db.ticket.lock(write, ticket_ids)
    entries = await db.ticket.access_entries_of(write, list(tickets))
    every = [entry for of_ticket in entries.values() for entry in of_ticket]
    booked = {entry.slot_id for entry in every if entry.slot_id is not None}
    slots = await db.time_slot.lock(write, list(booked if target_id is None else booked | {target_id}))
    now = await write.clock()
    contents = await db.ticket_item.content_lines_by_ids(write, sorted({entry.content_line_id for entry in every}))
    admissions = await db.admission.by_ids(write, sorted({entry.admission_id for entry in every}))
    visits = await db.visit.of_access_entries(write, [entry.id for entry in every if entry.admitted_count])
    changes = await db.timeline.of_requests(write, [request.id], [RequestEventKind.SLOT_CHANGED])
    return Sold(
        request=request,
        tickets=[tickets[ticket_id] for ticket_id in sorted(tickets)],
        entries=entries,
        contents=contents,
        admissions=admissions,
        slots=slots,
        visits=visits,
        calendars=await ticket_calendars(write, contents.values()),
        changed=frozenset(change.slot_id for change in changes if change.slot_id is not None),
        now=now,
    )


async def take_request(write: Write, token: str, found: Refusals) -> TicketRequestRow:
    """The request of that token, taken. Raises Refused with what was found, at least NOT_FOUND."""
    request = await db.ticket_request.lock(write, key(token)) if token else None
    if request is None:
        if token:
            found.add(RefusalCode.NOT_FOUND, "There is no such request.", "token")
        raise Refused(Outcome(refusals=tuple(found.found)))
    return request


async def unconfirmed(write: Write, request: TicketRequestRow, *, is_dry_run: bool) -> Refusal | None:
    """Why a taken request has no tickets in force: NOT_CONFIRMED, HOLD_EXPIRED or ALREADY_CANCELED; None if it has.

    Whoever meets an expiry writes it down, but for a dry run, which leaves everything as it is.
    """
    if request.status == TicketRequestStatus.CONFIRMED:
        return None
    now = await write.clock()
    refusal = unconfirmed_refusal(request, now)
    if refusal is not None and refusal.code is RefusalCode.HOLD_EXPIRED and not is_dry_run:
        await stamp_expired(write, request, now)
    return refusal
