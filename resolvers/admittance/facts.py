"""The facts that the gate judges by: read for all the tickets of a scan at once, now or as they were."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import db
from db.admission import AdmissionRow
from db.engine import Read
from db.ticket import Access, IssuedTicketRow
from db.ticket_item import AdmissionInclusion
from db.ticket_request import TicketRequestRow
from db.time_slot import SlotState, TimeSlotRow

from ..capacity import counts_people, taken, to_the_second
from ..gate import Dependency, Facts
from ..slot_use import calendar_of, uses_of
from .arrivals import arrive, places_added
from .past import Past


@dataclass(frozen=True, slots=True)
class Place:
    """Where a gate lets in, as far as it says: else each ticket's default admission, and whatever slot is right."""

    admission: AdmissionRow | None = None
    slot: TimeSlotRow | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A ticket with the request behind it, and all that it lets into."""

    ticket: IssuedTicketRow
    request: TicketRequestRow
    access: Sequence[Access]

    def at(self, admission: AdmissionRow | None) -> Access | None:
        """What it lets into at that admission; at none, its default one, or where that was left out the first."""
        if admission is not None:
            return next((access for access in self.access if access.admission.id == admission.id), None)
        required = (access for access in self.access if access.content.inclusion == AdmissionInclusion.REQUIRED)
        default = (access for access in self.access if access.content.is_default)
        return next(default, None) or next(required, None) or next(iter(self.access), None)


async def known(
    read: Read,
    tickets: Sequence[IssuedTicketRow],
    now: datetime,
    requests: Mapping[int, TicketRequestRow] | None = None,
) -> list[Known]:
    """The tickets with what stands behind them: their requests are read, unless they are given."""
    if not tickets:
        return []
    ids = [ticket.id for ticket in tickets]
    if requests is None:
        sold = await db.ticket.sold_access_of(read, ids, now)
        return [Known(ticket, *sold[ticket.id]) for ticket in tickets]
    access = await db.ticket.access_of(read, ids)
    return [Known(ticket, requests[ticket.request_id], access.get(ticket.id, [])) for ticket in tickets]


async def gather(
    read: Read,
    tickets: Sequence[Known],
    place: Place,
    at: datetime,
    *,
    people: int | None = None,
    past: Past | None = None,
) -> list[Facts]:
    """The facts of each ticket at the gate, but for the room in its slot: see ``filled``."""
    chosen = [(one, one.at(place.admission)) for one in tickets]
    return await gather_chosen(read, chosen, place, at, people=people, past=past)


async def gather_chosen(
    read: Read,
    chosen: Sequence[tuple[Known, Access | None]],
    place: Place,
    at: datetime,
    *,
    people: int | None = None,
    past: Past | None = None,
) -> list[Facts]:
    """``gather``, of each ticket at the admission that is chosen for it: a ticket may be asked about at several."""
    here = [access for _, access in chosen if access]
    depending = sorted({access.content.id for access in here if access.has_dependencies})
    dependencies = await db.ticket_item.dependencies_of(read, depending) if depending else {}
    others = await _admissions(read, (row.admission_id for rows in dependencies.values() for row in rows), here)
    entered = [access.entry.id for access in here if access.entry.admitted_count]
    visits = await db.visit.of_access_entries(read, entered) if entered else {}
    slots = await _Slots.of(read, here, place, at, past)
    calendars = await db.calendar.lines_of(read, sorted(_calendar_ids(here))) if _calendar_ids(here) else {}
    found = []
    for one, access in chosen:
        facts = Facts(
            at, place.admission, past.request(one.request) if past else one.request, one.ticket, people=people
        )
        if past:
            facts = replace(facts, ticket=past.ticket(one.ticket))
        if access is None:
            found.append(replace(facts, named_slot=place.slot))
            continue
        entry = past.entry(access.entry) if past else access.entry
        visited = {other.admission.id: past.entry(other.entry) if past else other.entry for other in one.access}
        slot = slots.entered(entry.slot_id, access.admission)
        rules = calendar_of(access.content, calendars)
        if slot is None and not slots.has_schedule(access.admission) and access.admission.calendar_id is not None:
            rules = [*rules, *calendars.get(access.admission.calendar_id, ())]
        found.append(
            replace(
                facts,
                admission=access.admission,
                entry=entry,
                content=access.content,
                dependencies=[
                    Dependency(
                        row,
                        others[row.admission_id],
                        visited[row.admission_id].first_admitted_at if row.admission_id in visited else None,
                    )
                    for row in dependencies.get(access.content.id, ())
                ],
                visits=past.visits(entry, visits.get(entry.id, [])) if past else visits.get(entry.id, []),
                named_slot=slots.named,
                slot=slot,
                next_slot=slots.next.get(access.admission.id),
                has_schedule=slots.has_schedule(access.admission),
                calendar=rules,
            )
        )
    return found


def slots_to_count(facts: Iterable[Facts]) -> dict[int, TimeSlotRow]:
    """The slots of these facts in which people use up the room: to be locked before they are counted."""
    slots = (one.slot for one in facts if one.slot is not None)
    return {slot.id: slot for slot in slots if slot.capacity is not None and counts_people(slot)}


async def used_places(read: Read, slots: Mapping[int, TimeSlotRow], now: datetime) -> dict[int, int]:
    """How many places of each slot are used up at ``now``."""
    uses = await uses_of(read, slots.values(), now) if slots else {}
    return {slot_id: taken(slot, uses[slot_id]) for slot_id, slot in slots.items()}


def filled(facts: Sequence[Facts], slots: Mapping[int, TimeSlotRow], used: Mapping[int, int]) -> list[Facts]:
    """The same facts with the room in these slots: so many places of each are used up.

    Tickets of one scan are let in together: each finds taken what those before it take.
    """
    used = dict(used)
    found = []
    for one in facts:
        if one.slot is None or one.slot.id not in slots:
            found.append(one)
            continue
        slot = slots[one.slot.id]
        added = 0 if one.is_rescan else _added(replace(one, slot=slot))
        found.append(replace(one, slot=slot, taken=used[slot.id], added=added))
        used[slot.id] += added
    return found


def _added(facts: Facts) -> int:
    assert facts.entry is not None
    assert facts.ticket is not None
    assert facts.slot is not None
    people = facts.people_wanted
    moved = arrive(facts.entry, facts.visits, facts.ticket.quantity, facts.slot.id, people, facts.at)
    return places_added(facts.entry, facts.visits, facts.ticket, facts.slot, moved)


def _calendar_ids(here: Iterable[Access]) -> set[int]:
    ids = {id_ for access in here for id_ in (access.content.calendar_id, access.admission.calendar_id)}
    return {id_ for id_ in ids if id_ is not None}


async def _admissions(read: Read, ids: Iterable[int], here: Iterable[Access]) -> dict[int, AdmissionRow]:
    """The admissions of these ids, of which some are at hand."""
    found = {access.admission.id: access.admission for access in here}
    missing = sorted(set(ids) - found.keys())
    return found | (await db.admission.by_ids(read, missing) if missing else {})


class _Slots:
    """The slots that tickets are let into: the reserved ones, the one that the gate names, those that let in then."""

    def __init__(self, named: TimeSlotRow | None) -> None:
        self.named = named
        self.next: dict[int, TimeSlotRow] = {}
        self._by_id: dict[int, TimeSlotRow] = {}
        self._letting_in: dict[int, TimeSlotRow] = {}
        self._scheduled: set[int] = set()

    @classmethod
    async def of(cls, read: Read, here: Sequence[Access], place: Place, at: datetime, past: Past | None) -> "_Slots":
        reserved = {past.entry(access.entry).slot_id if past else access.entry.slot_id for access in here}
        ids = sorted(id_ for id_ in reserved if id_ is not None)
        rows = await db.time_slot.by_ids(read, ids) if ids else {}
        if past:
            rows = await past.slots(read, [*rows.values(), *([place.slot] if place.slot else [])])
        found = cls(rows.get(place.slot.id, place.slot) if place.slot else None)
        found._by_id = rows
        if place.slot is None:
            free = {access.admission.id for access in here if not access.admission.prebook_required}
            await found._look_for(read, sorted(free), to_the_second(at), past)
        return found

    async def _look_for(self, read: Read, admission_ids: Sequence[int], second: datetime, past: Past | None) -> None:
        """Which slot lets in at that second, for who has no reservation: of several, the last to start."""
        if not admission_ids:
            return
        is_past = past is not None
        found = await db.time_slot.letting_in(read, admission_ids, second, or_changed_since=is_past)
        if past:
            then = await past.slots(read, [row for rows in found.values() for row in rows])
            found = {admission_id: [then[row.id] for row in rows] for admission_id, rows in found.items()}
        for admission_id, rows in found.items():
            lets_in = [row for row in rows if row.arrival_from <= second <= row.arrival_until]
            for state in (SlotState.OPEN, SlotState.CLOSED):
                candidates = [row for row in lets_in if row.state == state]
                if candidates and admission_id not in self._letting_in:
                    self._letting_in[admission_id] = max(candidates, key=_start)
        none = [admission_id for admission_id in admission_ids if admission_id not in self._letting_in]
        if not none:
            return
        self._scheduled = set(await db.schedule.lines_of_admissions(read, none))
        self.next = await db.time_slot.next_to_let_in(read, none, second, but_changed_since=is_past)
        for admission_id in none if past else ():
            rows = found.get(admission_id, [])
            to_come = [row for row in rows if row.arrival_from > second and row.state == SlotState.OPEN]
            if admission_id in self.next:
                to_come.append(self.next[admission_id])
            if to_come:
                self.next[admission_id] = min(to_come, key=_start)

    def has_schedule(self, admission: AdmissionRow) -> bool:
        """Whether the admission has slots, of which none lets in now; one that never has any is always open."""
        return admission.id in self._scheduled

    def entered(self, reserved_id: int | None, admission: AdmissionRow) -> TimeSlotRow | None:
        """The slot that is entered; none without the reservation that is needed."""
        if reserved_id is not None:
            return self._by_id.get(reserved_id)
        if admission.prebook_required:
            return None
        return self.named or self._letting_in.get(admission.id)


def _start(slot: TimeSlotRow) -> tuple[datetime, int]:
    return slot.starts_at, slot.id
