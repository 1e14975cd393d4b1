"""A moment that has passed: today's rows, less what happened since.

Rebuilt from the timeline: each event that changed a ticket says what was before. What was sold points at the rules that
it was sold with, so these are the same then and now; admissions, calendars and maxima are as set up now.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Self

import db
from db.engine import Read
from db.ticket import AccessEntryRow, IssuedTicketRow
from db.ticket_request import PaymentOption, TicketRequestRow, TicketRequestStatus
from db.time_slot import SlotChangeRow, TimeSlotRow
from db.timeline import RequestEventKind, RequestEventRow
from db.visit import VisitRow

from .arrivals import arrive, depart

_OF_BLOCKS = (RequestEventKind.BLOCKED, RequestEventKind.UNBLOCKED)
_OF_PEOPLE = (RequestEventKind.ADMITTED, RequestEventKind.DEPARTED)
_OF_REQUESTS = (
    RequestEventKind.CREATED,
    RequestEventKind.EXTENDED,
    RequestEventKind.CONFIRMED,
    RequestEventKind.EXPIRED,
    RequestEventKind.CANCELED,
    RequestEventKind.PAID,
)
_TIMES = ("starts_at", "ends_at", "arrival_from", "arrival_until", "sales_from", "sales_until")
_UNDONE = (*_TIMES, "state", "closed_reason")


class Past:
    """What was true of tickets and their slots at ``at``.

    By itself it is what an offline scan is judged by: blocks, slots and validity as they were, and all else (whether it
    was given back, who was let in) as everything recorded so far has it. ``Whole`` counts only what had happened.
    """

    def __init__(self, at: datetime, tickets: Sequence[IssuedTicketRow]) -> None:
        self.at = at
        self._on_ticket = {ticket.id: ticket.quantity for ticket in tickets}
        self._sold = {ticket.request_id for ticket in tickets}
        self._of_tickets: dict[int, list[RequestEventRow]] = {}
        self._of_entries: dict[int, list[RequestEventRow]] = {}
        self._of_requests: dict[int, list[RequestEventRow]] = {}

    @classmethod
    async def of(cls, read: Read, at: datetime, tickets: Sequence[IssuedTicketRow]) -> Self:
        """The past of these tickets, and of every slot that was changed since."""
        past = cls(at, tickets)
        await past._read(read, tickets)
        return past

    _kinds: tuple[RequestEventKind, ...] = (*_OF_BLOCKS, RequestEventKind.RESCHEDULED)

    async def _read(self, read: Read, tickets: Sequence[IssuedTicketRow]) -> None:
        for event in await db.timeline.of_tickets(read, [ticket.id for ticket in tickets], self._kinds):
            assert event.ticket_id is not None
            self._of_tickets.setdefault(event.ticket_id, []).append(event)
            if event.access_entry_id is not None:
                self._of_entries.setdefault(event.access_entry_id, []).append(event)

    def ticket(self, row: IssuedTicketRow) -> IssuedTicketRow:
        """The ticket with the block and the validity it had."""
        events = [event for event in self._of_tickets.get(row.id, ()) if event.access_entry_id is None]
        row = row._replace(**self._block(events, row))
        moved = self._first_after(self._of_tickets.get(row.id, ()), RequestEventKind.RESCHEDULED)
        until = moved.facts.get("before", {}).get("valid_until") if moved else None
        return row._replace(valid_until=datetime.fromisoformat(until)) if until else row

    def entry(self, row: AccessEntryRow) -> AccessEntryRow:
        """The access entry with the block and the slot it had."""
        events = self._of_entries.get(row.id, ())
        row = row._replace(**self._block(events, row))
        moved = self._first_after(events, RequestEventKind.RESCHEDULED)
        return row._replace(slot_id=moved.facts["before"]["slot_id"]) if moved else row

    async def slots(self, read: Read, rows: Sequence[TimeSlotRow]) -> dict[int, TimeSlotRow]:
        """The slots with the times and the state that they had, by id."""
        changes = await db.time_slot.changes_after(read, [row.id for row in rows], self.at)
        return {row.id: _undone(row, changes.get(row.id, ())) for row in rows}

    def request(self, row: TicketRequestRow) -> TicketRequestRow:
        """The request as it is now."""
        return row

    def visits(self, entry: AccessEntryRow, rows: Sequence[VisitRow]) -> Sequence[VisitRow]:
        """Everything recorded so far."""
        return rows

    def _block(self, events: Iterable[RequestEventRow], row: Any) -> dict[str, Any]:
        """The last word that was spoken by then; of a block that no event tells of, its own moment decides."""
        spoken = [event for event in events if event.kind in _OF_BLOCKS]
        last = max((e for e in spoken if e.at <= self.at), key=_when, default=None)
        if last is not None and last.kind == RequestEventKind.BLOCKED:
            return {"blocked_at": last.at, "blocked_reason": last.facts.get("reason")}
        if last is None and not spoken and row.blocked_at is not None and row.blocked_at <= self.at:
            return {}
        return {"blocked_at": None, "blocked_reason": None}

    def _first_after(self, events: Iterable[RequestEventRow], kind: RequestEventKind) -> RequestEventRow | None:
        return min((e for e in events if e.kind == kind and e.at > self.at), key=_when, default=None)


class Whole(Past):
    """What was true, counting only what had happened by ``at``; a ticket that was not issued yet is unknown."""

    _kinds = (*Past._kinds, *_OF_PEOPLE)

    async def _read(self, read: Read, tickets: Sequence[IssuedTicketRow]) -> None:
        await super()._read(read, tickets)
        await self.learn_of_requests(read, [ticket.request_id for ticket in tickets])

    async def learn_of_requests(self, read: Read, request_ids: Iterable[int]) -> None:
        """Learn what became of these requests."""
        for event in await db.timeline.of_requests(read, sorted(set(request_ids)), _OF_REQUESTS):
            assert event.request_id is not None
            self._of_requests.setdefault(event.request_id, []).append(event)

    def ticket(self, row: IssuedTicketRow) -> IssuedTicketRow:
        """The ticket as it was, not yet given back if that came later."""
        is_later = row.revoked_at is not None and row.revoked_at > self.at
        return super().ticket(row._replace(revoked_at=None) if is_later else row)

    def entry(self, row: AccessEntryRow) -> AccessEntryRow:
        """The access entry as it was, with those who had been let in."""
        return self._replayed(super().entry(row))[0]

    def visits(self, entry: AccessEntryRow, rows: Sequence[VisitRow]) -> Sequence[VisitRow]:
        """The visits that had been made."""
        return self._replayed(entry)[1]

    def _replayed(self, entry: AccessEntryRow) -> tuple[AccessEntryRow, list[VisitRow]]:
        events = [event for event in self._of_entries.get(entry.id, ()) if event.kind in _OF_PEOPLE]
        return replay(entry, self._on_ticket[entry.ticket_id], (event for event in events if event.at <= self.at))

    def request(self, row: TicketRequestRow) -> TicketRequestRow:
        """The request with the status and the payment it had."""
        status: str | None = None
        payment, is_paid_later = row.payment_option, False
        for event in sorted(self._of_requests.get(row.id, ()), key=_when):
            if event.kind == RequestEventKind.PAID:
                is_paid_later = is_paid_later or event.at > self.at
            elif event.at <= self.at:
                status = _STATUS[RequestEventKind(event.kind)]
        if status is None:
            if row.status_changed_at <= self.at:
                return row
            # No event tells (it came from elsewhere): what had tickets was confirmed.
            is_sold = row.id in self._sold
            status = TicketRequestStatus.CONFIRMED.value if is_sold else TicketRequestStatus.REGISTERED.value
        if status == TicketRequestStatus.REGISTERED and row.expires_at is not None and row.expires_at <= self.at:
            status = TicketRequestStatus.EXPIRED.value
        if is_paid_later or status in (TicketRequestStatus.REGISTERED, TicketRequestStatus.EXPIRED):
            payment = PaymentOption.UNPAID.value
        return row._replace(status=status, payment_option=payment)


def replay(
    entry: AccessEntryRow, on_ticket: int, events: Iterable[RequestEventRow]
) -> tuple[AccessEntryRow, list[VisitRow]]:
    """The access entry and its visits after these arrivals and departures, and none besides."""
    entry = entry._replace(first_admitted_at=None, admitted_count=0, inside_count=0)
    visits: dict[int | None, VisitRow] = {}
    for event in sorted(events, key=_when):
        people = event.quantity or 0
        rows = sorted(visits.values(), key=lambda visit: visit.first_at)
        if event.kind == RequestEventKind.ADMITTED and people:
            moved = arrive(entry, rows, on_ticket, event.slot_id, people, event.at)
        else:
            moved = depart(entry, rows, min(people, entry.inside_count))
        entry = moved.entry
        visits |= {visit.slot_id: visit for visit in moved.visits}
    return entry, sorted(visits.values(), key=lambda visit: visit.first_at)


def _undone(row: TimeSlotRow, changes: Iterable[SlotChangeRow]) -> TimeSlotRow:
    """The slot before these changes, the latest first."""
    for change in changes:
        before = {name: value for name, value in change.before.items() if name in _UNDONE}
        moments = {name: before[name] and datetime.fromisoformat(before[name]) for name in _TIMES if name in before}
        row = row._replace(**before | moments)
    return row


def _when(event: RequestEventRow) -> tuple[datetime, int, int]:
    """In the order of happening; at the same moment, of recording."""
    return event.at, event.tx, event.id


_STATUS: Mapping[RequestEventKind, str] = {
    RequestEventKind.CREATED: TicketRequestStatus.REGISTERED.value,
    RequestEventKind.EXTENDED: TicketRequestStatus.REGISTERED.value,
    RequestEventKind.CONFIRMED: TicketRequestStatus.CONFIRMED.value,
    RequestEventKind.EXPIRED: TicketRequestStatus.EXPIRED.value,
    RequestEventKind.CANCELED: TicketRequestStatus.CANCELED.value,
}
