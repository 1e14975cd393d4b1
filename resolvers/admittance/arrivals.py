"""What an arrival and a departure change: who is inside, and the places that are used up. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from db.ledger import People, Reservations
from db.ticket import AccessEntryRow, IssuedTicketRow
from db.time_slot import TimeSlotRow
from db.visit import VisitRow

from ..capacity import counts

FIRST = 0
"""The id of a visit that is a first one to its slot, and has no row yet."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The access entry as it becomes, and those of its visits that change: the one that is made or left last."""

    entry: AccessEntryRow
    visits: tuple[VisitRow, ...]


def arrive(
    entry: AccessEntryRow, visits: Sequence[VisitRow], on_ticket: int, slot_id: int | None, people: int, at: datetime
) -> Moved:
    """So many people are let in. ``visits`` are the access entry's in every slot; ``on_ticket`` how many it is for.

    No more are inside than are on the ticket: who comes again went out unseen, the earliest first.
    """
    first = VisitRow(FIRST, entry.id, slot_id, 0, 0, 0, at, at)
    there = next((visit for visit in visits if visit.slot_id == slot_id), first)
    unseen = max(sum(visit.inside for visit in visits) + people - on_ticket, 0)
    changed = []
    for visit in visits:
        gone = min(visit.inside, unseen)
        if gone and visit is not there:
            changed.append(visit._replace(inside=visit.inside - gone))
            unseen -= gone
    arrived = there._replace(
        arrivals=there.arrivals + 1,
        admitted=there.admitted + people,
        inside=there.inside + people - unseen,
        first_at=min(there.first_at, at),
        last_at=max(there.last_at, at),
    )
    entry = entry._replace(
        first_admitted_at=min(entry.first_admitted_at or at, at),
        admitted_count=entry.admitted_count + people,
        inside_count=min(entry.inside_count + people, on_ticket),
    )
    return Moved(entry, (*changed, arrived))


def depart(entry: AccessEntryRow, visits: Sequence[VisitRow], people: int) -> Moved:
    """So many of those inside go out, the earliest first. There must be as many."""
    changed, left = [], people
    for visit in visits:
        gone = min(visit.inside, left)
        if gone:
            changed.append(visit._replace(inside=visit.inside - gone))
            left -= gone
    return Moved(entry._replace(inside_count=entry.inside_count - people), tuple(changed))


def places_added(
    entry: AccessEntryRow, visits: Sequence[VisitRow], ticket: IssuedTicketRow, slot: TimeSlotRow, moved: Moved
) -> int:
    """How many more places of the slot are used up by an arrival in it; it may be fewer than none.

    What it takes, its own open reservation gives back; and who counts already takes nothing anew.
    """
    reservations, people = counts(slot.capacity_control, slot.admission_kind)
    before = next((visit for visit in visits if visit.slot_id == slot.id), None)
    after = moved.visits[-1]

    def more(now: int, then: int) -> int:
        return places(entry, ticket.quantity, now) - places(entry, ticket.quantity, then)

    admitted = more(after.admitted, before.admitted if before else 0)
    inside = more(after.inside, before.inside if before else 0)
    added = {People.EVER: admitted, People.INSIDE: inside, People.NONE: 0}[people]
    is_awaited = reservations is Reservations.OPEN and entry.slot_id == slot.id and ticket.revoked_at is None
    return added - (admitted if is_awaited else 0)


def places(entry: AccessEntryRow, on_ticket: int, people: int) -> int:
    """The places that so many of a ticket's people take, each once however often they came."""
    return entry.quantity * min(people, on_ticket) // on_ticket
