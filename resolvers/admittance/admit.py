"""Admit: people are let in, or told why not, and either is kept."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import db
from db.engine import Write
from db.timeline import Event, RequestEventKind
from db.visit import VisitRow

from ..context import Context
from ..gate import Facts, checks, verdict
from ..refusals import Refusal
from .arrivals import FIRST, arrive
from .facts import filled, gather, known, slots_to_count, used_places
from .past import Past
from .scan import Found, Scan, ScanOutcome, Verdict, answered, place_of, refused_event


async def admit(context: Context, scan: Scan) -> ScanOutcome:
    """Let in who was scanned: all of them, or nobody. A no is an answer, committed with its record.

    Whoever scans the same tickets waits until this is decided; where people use up the room, so does whoever enters or
    buys the same slot. Raises Refused for what is no scan at all: INVALID_INPUT, CONFLICT (a nonce used for another).
    ``at`` fixes the clock, the slot, blocks and validity; entries, group and room count everything recorded so far.
    """
    return await answered(context, "admit", scan, _decide)


async def _decide(context: Context, write: Write, scan: Scan, found: Found) -> ScanOutcome:
    place, mistake = await place_of(write, scan.admission_code, scan.slot_id)
    now = found.at or await write.clock()
    at = scan.at or now
    tickets = await known(write, found.tickets, now)
    past = await Past.of(write, at, found.tickets) if scan.at and found.tickets else None
    facts = await gather(write, tickets, place, at, people=scan.people, past=past)
    if not facts:
        facts = [Facts(at, place.admission, found.request, people=scan.people)]
    if slots := slots_to_count(facts):
        slots = await db.time_slot.lock(write, list(slots))
        facts = filled(facts, slots, await used_places(write, slots, await write.clock()))
    judged = [(one, mistake or verdict(one)) for one in facts]
    refusals = tuple(refusal for _, refusal in judged if refusal)
    if refusals and not scan.already_admitted:
        events = [
            refused_event(context, scan, refusal, at, access_entry_id=one.entry.id if one.entry else None)
            for one, refusal in judged
            if refusal
        ]
        await db.timeline.record(write, events, now)
        return ScanOutcome(refusals=refusals)
    recorded = {id(one): refusal for one, refusal in judged if refusal}
    if mistake is None:  # they walked in: then all that was against it is told, and not the first only
        refusals = tuple(check.refusal for one in facts for check in checks(one) if check.refusal)
    return ScanOutcome(
        verdict=Verdict.RECORDED if refusals else Verdict.ADMITTED,
        people=await let_in(context, write, facts, now, scan=scan, recorded=recorded),
        ticket_ids=tuple(one.ticket.id for one in facts if one.ticket),
        refusals=refusals,
    )


async def let_in(
    context: Context,
    write: Write,
    facts: Sequence[Facts],
    now: datetime,
    *,
    scan: Scan | None = None,
    recorded: Mapping[int, Refusal] = {},
    told: Mapping[str, Any] = {},
) -> int:
    """Count these people in and record it; answers how many they are.

    ``recorded`` are those (by the identity of their facts) who walked in although they were refused: of a ticket that
    nobody knows, or that does not let in there, only the event tells. ``told`` goes into every event.
    """
    entries, events = [], []
    visits: list[VisitRow] = []
    for one in facts:
        refusal = recorded.get(id(one))
        people = 0 if one.is_rescan and refusal is None else one.people_wanted
        slot_id = one.slot.id if one.slot else None
        if one.entry is not None and one.ticket is not None and people:
            moved = arrive(one.entry, one.visits, one.ticket.quantity, slot_id, people, one.at)
            entries.append(moved.entry)
            visits += moved.visits
        said: dict[str, Any] = {"again": True} if not people else {}
        if refusal is not None:
            said["although"] = refusal.code.value
        events.append(
            Event(
                kind=RequestEventKind.ADMITTED,
                at=one.at,
                actor=context.actor.client,
                client_id=context.actor.client_id,
                request_id=one.request.id if one.request else None,
                ticket_id=one.ticket.id if one.ticket else None,
                access_entry_id=one.entry.id if one.entry else None,
                admission_id=one.admission.id if one.admission else None,
                slot_id=slot_id,
                quantity=people,
                scanned=scan.scanned if scan else None,
                gate=scan.gate if scan else None,
                facts={**said, **told},
            )
        )
    await db.together.make(
        write,
        db.ticket.counting_people(write, entries),
        db.visit.adding([visit for visit in visits if visit.id == FIRST]),
        db.visit.changing(write, [visit for visit in visits if visit.id != FIRST]),
        db.timeline.recording(write, events, now),
    )
    return sum(one.people_wanted for one in facts)
