"""How requests and tickets stand: all that decides about them, read for any number of them at once.

These are the facts that mutations decide by, read without their locks: what is told from them (``diagnosis``,
``actions``) is true of the moment that it is read at.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import db
from db.admission import AdmissionRow
from db.engine import Read
from db.keys import key
from db.ticket import IssuedTicketRow
from db.ticket_item import ContentLineRow
from db.ticket_request import EntryRow, TicketRequestRow, TicketRequestStatus
from db.time_slot import TimeSlotRow
from db.timeline import RequestEventKind, RequestEventRow

from .admittance.facts import Known
from .refusals import Refusal
from .slot_use import Calendars, ticket_calendars, uses_of
from .ticket.common import Sold
from .ticket_request.rules import Wanted, has_run_out, taken_by_others, wants_places

NEEDING = (TicketRequestStatus.REGISTERED, TicketRequestStatus.CONFIRMED)
"""The statuses in which a request needs its order number and its ticket numbers."""


async def sold(
    read: Read,
    requests: Mapping[int, TicketRequestRow],
    tickets: Sequence[Known],
    changes: Iterable[RequestEventRow],
    now: datetime,
) -> dict[int, Sold]:
    """Of each request that has some: these tickets with their slots, visits and rules, as a change of them takes them.

    ``changes`` are the SLOT_CHANGED events of the requests.
    """
    every = [access for one in tickets for access in one.access]
    booked = sorted({access.entry.slot_id for access in every if access.entry.slot_id is not None})
    slots = await db.time_slot.by_ids(read, booked) if booked else {}
    entered = [access.entry.id for access in every if access.entry.admitted_count]
    visits = await db.visit.of_access_entries(read, entered) if entered else {}
    calendars = await ticket_calendars(read, (access.content for access in every))
    changed: dict[int, set[int]] = {}
    for change in changes:
        if change.request_id is not None and change.slot_id is not None:
            changed.setdefault(change.request_id, set()).add(change.slot_id)
    of_request: dict[int, list[Known]] = {}
    for one in tickets:
        of_request.setdefault(one.ticket.request_id, []).append(one)
    return {
        request_id: Sold(
            request=requests[request_id],
            tickets=[one.ticket for one in those],
            entries={one.ticket.id: [access.entry for access in one.access] for one in those},
            contents={access.content.id: access.content for one in those for access in one.access},
            admissions={access.admission.id: access.admission for one in those for access in one.access},
            slots=slots,
            visits=visits,
            calendars=calendars,
            changed=frozenset(changed.get(request_id, ())),
            now=now,
        )
        for request_id, those in of_request.items()
    }


async def slot_changes(read: Read, request_ids: Sequence[int]) -> list[RequestEventRow]:
    """What became of booked slots after they were booked."""
    return await db.timeline.of_requests(read, request_ids, [RequestEventKind.SLOT_CHANGED])


async def order_owners(read: Read, requests: Iterable[TicketRequestRow], now: datetime) -> dict[int, TicketRequestRow]:
    """Of each request whose order number another one has that needs it: that one."""
    keys = {one.id: (one.client_id, one.order_key) for one in requests if one.order_key is not None}
    owned = await db.ticket_request.order_owners(read, sorted(set(keys.values()))) if keys else {}
    others = sorted({owned[k] for request_id, k in keys.items() if owned.get(k, request_id) != request_id})
    owners = await db.ticket_request.by_ids(read, others, now) if others else {}
    found = {request_id: owners.get(owned.get(k, request_id)) for request_id, k in keys.items()}
    return {id_: owner for id_, owner in found.items() if owner is not None and owner.status in NEEDING}


async def held(
    read: Read,
    requests: Sequence[TicketRequestRow],
    entries: Mapping[int, Sequence[EntryRow]],
    owners: Mapping[int, TicketRequestRow],
    now: datetime,
) -> dict[int, list[Refusal]]:
    """Why requests that are not confirmed could not have their hold begun anew, or their places back, just now.

    The same of all that ``extend`` would say, in its order, by its rules; nobody says to go over capacity.
    ``entries`` are those in force, ``owners`` as ``order_owners`` has them.
    """
    pending = [one for one in requests if one.status in (TicketRequestStatus.REGISTERED, TicketRequestStatus.EXPIRED)]
    included = {one.id: wants_places(entries.get(one.id, ())) for one in pending}
    every = [entry for some in included.values() for entry in some]
    contents: Mapping[int, ContentLineRow] = {}
    admissions: Mapping[int, AdmissionRow] = {}
    slots: Mapping[int, TimeSlotRow] = {}
    calendars: Calendars = {}
    if every:
        contents = await db.ticket_item.content_lines_by_ids(read, sorted({entry.content_line_id for entry in every}))
        admissions = await db.admission.by_ids(read, sorted({entry.admission_id for entry in every}))
        slots = await db.time_slot.by_ids(read, sorted({entry.slot_id for entry in every if entry.slot_id}))
        calendars = await ticket_calendars(read, contents.values())
    revived = [one for one in pending if has_run_out(one, now)]
    wanting = {entry.slot_id for one in revived for entry in included[one.id]}
    uses = await uses_of(read, (slots[id_] for id_ in sorted(id_ for id_ in wanting if id_)), now) if wanting else {}
    needed = await _needed_numbers(read, revived, now)
    found: dict[int, list[Refusal]] = {}
    for one in pending:
        wanted = Wanted(included[one.id], contents, admissions, slots, calendars)
        if has_run_out(one, now):
            owner = owners.get(one.id)
            found[one.id] = [
                *taken_by_others(one, owner and owner.id, needed.get(one.id, ())),
                *wanted.no_longer_sold(uses, now, may_exceed=False),
            ]
        else:
            found[one.id] = list(wanted.out_of_force())
    return found


async def _needed_numbers(read: Read, requests: Sequence[TicketRequestRow], now: datetime) -> dict[int, list[str]]:
    """The dictated ticket numbers of each request that somebody else needs by now."""
    dictated = await db.ticket_request.dictated_of(read, [one.id for one in requests]) if requests else {}
    numbers = {request_id: of_request.in_force for request_id, of_request in dictated.items() if of_request.in_force}
    if not numbers:
        return {}
    owned = await db.ticket.number_owners(read, sorted({key(number) for some in numbers.values() for number in some}))
    others = {owner for owner, ticket_id in owned.values() if ticket_id is None} - numbers.keys()
    owners = await db.ticket_request.by_ids(read, sorted(others), now) if others else {}

    def is_needed(number: str, request_id: int) -> bool:
        owner, ticket_id = owned.get(key(number), (request_id, None))
        if owner == request_id:
            return False
        return ticket_id is not None or (owner in owners and owners[owner].status in NEEDING)

    return {id_: [number for number in some if is_needed(number, id_)] for id_, some in numbers.items()}


def in_force(tickets: Iterable[IssuedTicketRow]) -> list[IssuedTicketRow]:
    """Those of the tickets that were not given back."""
    return [ticket for ticket in tickets if ticket.revoked_at is None]
