"""Depart: people go out, and free their places where those inside count."""

from collections.abc import Sequence
from datetime import datetime

import db
from db.admission import AdmissionRow
from db.engine import Write
from db.ticket_request import TicketRequestRow
from db.timeline import Event, RequestEventKind
from db.visit import VisitRow

from ..context import Context
from ..refusals import Refusal, RefusalCode
from ..sentences import NOTHING, Told, told_refusal
from .arrivals import depart as departed
from .facts import Known, known
from .scan import CLOCKS_DIFFER, Found, Scan, ScanOutcome, Verdict, answered, place_of, refused_event


async def depart(context: Context, scan: Scan) -> ScanOutcome:
    """Let out those of the scanned tickets who are inside: if nobody said how many, all. A no is kept, as at the gate.

    A ticket that was given back may still let out who is inside. Nobody goes out before they came: ``at`` is compared
    with the first arrival, and a gate's clock may be a little behind. The answer is TICKET_UNKNOWN, NOT_ON_TICKET,
    NOT_INSIDE (limit: how many are, actual: how many were to go), UNKNOWN_ADMISSION. Raises Refused as ``admit`` does.
    """
    return await answered(context, "depart", scan, _decide)


async def _decide(context: Context, write: Write, scan: Scan, found: Found) -> ScanOutcome:
    place, mistake = await place_of(write, scan.admission_code, None)
    now = found.at or await write.clock()
    at = scan.at or now
    tickets = await known(write, found.tickets, now)
    inside = who_is_inside(tickets, place.admission, at)
    refusal = mistake or depart_refusal(tickets, found.request, place.admission, scan.people, at)
    if refusal is not None:
        await db.timeline.record(write, [refused_event(context, scan, refusal, at)], now)
        return ScanOutcome(refusals=(refusal,))
    leaving = [access for one in inside if (access := one.at(place.admission))]
    visits = await db.visit.of_access_entries(write, [access.entry.id for access in leaving])
    entries, events = [], []
    changed: list[VisitRow] = []
    for one, access in zip(inside, leaving, strict=True):
        people = scan.people or access.entry.inside_count
        moved = departed(access.entry, visits[access.entry.id], people)
        entries.append(moved.entry)
        changed += moved.visits
        events.append(
            Event(
                kind=RequestEventKind.DEPARTED,
                at=max(at, access.entry.first_admitted_at or at),
                actor=context.actor.client,
                client_id=context.actor.client_id,
                request_id=one.request.id,
                ticket_id=one.ticket.id,
                access_entry_id=access.entry.id,
                admission_id=access.admission.id,
                slot_id=moved.visits[-1].slot_id,
                quantity=people,
                scanned=scan.scanned,
                gate=scan.gate,
            )
        )
    await db.together.make(
        write,
        db.ticket.counting_people(write, entries),
        db.visit.changing(write, changed),
        db.timeline.recording(write, events, now),
    )
    return ScanOutcome(
        verdict=Verdict.ADMITTED,
        people=sum(event.quantity or 0 for event in events),
        ticket_ids=tuple(one.ticket.id for one in inside),
    )


def who_is_inside(tickets: Sequence[Known], admission: AdmissionRow | None, at: datetime) -> list[Known]:
    """Those of the tickets with which somebody was inside by then: at that admission, or at each one's default."""
    here = [(one, access.entry) for one in tickets if (access := one.at(admission))]
    return [
        one
        for one, entry in here
        if entry.inside_count and (entry.first_admitted_at is None or entry.first_admitted_at <= at + CLOCKS_DIFFER)
    ]


def depart_refusal(
    tickets: Sequence[Known],
    request: TicketRequestRow | None,
    admission: AdmissionRow | None,
    people: int | None,
    at: datetime,
) -> Refusal | None:
    """Why nobody goes out at that moment: of these tickets; or of that request, if it has none."""
    first = tickets[0] if tickets else None
    request = first.request if first else request
    inside = who_is_inside(tickets, admission, at)

    def no(code: RefusalCode, told: Told = NOTHING) -> Refusal:
        return told_refusal(
            code,
            told,
            admission_id=admission.id if admission else None,
            ticket_id=first.ticket.id if first else None,
            request_id=request.id if request else None,
        )

    if request is None:
        return no(RefusalCode.TICKET_UNKNOWN)
    if tickets and all(one.at(admission) is None for one in tickets):
        return no(RefusalCode.NOT_ON_TICKET)
    access = inside[0].at(admission) if inside else None
    are_inside = access.entry.inside_count if access else 0
    if not inside or (people or 0) > are_inside:
        return no(RefusalCode.NOT_INSIDE, Told(limit=are_inside, actual=people or 1))
    return None
