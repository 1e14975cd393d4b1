"""The gate: one ordered list of checks that every scan meets. Pure: the facts are given (by ``admittance.facts``).

Source: domain.md, "At the gate". The first check that fails is the verdict of a scan; an explanation runs them all.
A check whose facts are missing (no ticket, no slot) is left out. Windows include both ends, to the whole second.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from db.admission import AdmissionRow
from db.base import FOREVER
from db.calendar import CalendarLineRow
from db.ticket import AccessEntryRow, IssuedTicketRow
from db.ticket_item import ContentLineRow, DependencyKind, DependencyRow, EntryValidation
from db.ticket_request import PaymentOption, TicketRequestRow, TicketRequestStatus
from db.time_slot import SlotState, TimeSlotRow
from db.visit import VisitRow

from .calendar import closed_because
from .capacity import to_the_second
from .refusals import Refusal, RefusalCode
from .sentences import MOMENT, NOTHING, Told, told_refusal


class GateCheck(StrEnum):
    """The checks, in their order."""

    KNOWN = "KNOWN"
    NOT_REVOKED = "NOT_REVOKED"
    NOT_BLOCKED = "NOT_BLOCKED"
    CONFIRMED = "CONFIRMED"
    PAID = "PAID"
    VALID = "VALID"
    ON_TICKET = "ON_TICKET"
    RESERVED = "RESERVED"
    RIGHT_SLOT = "RIGHT_SLOT"
    OPEN = "OPEN"
    IN_ARRIVAL_WINDOW = "IN_ARRIVAL_WINDOW"
    ENTRIES_LEFT = "ENTRIES_LEFT"
    DEPENDENCIES_MET = "DEPENDENCIES_MET"
    ROOM_LEFT = "ROOM_LEFT"


@dataclass(frozen=True, slots=True)
class Dependency:
    """What the other admission means for this one, and when this ticket first let somebody in there."""

    row: DependencyRow
    other: AdmissionRow
    visited_at: datetime | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What a gate knows of one scan: of a ticket at an admission, at a moment. None is what there is none of.

    ``request`` alone is a token whose request has no tickets. ``entry`` is the ticket's at ``admission``.
    ``slot`` is the one that would be entered: the reserved one; without a reservation the one that the gate names, else
    the one whose arrival window holds at ``at``. ``next_slot`` is the next to open where there is none now, and
    ``has_schedule`` tells whether the admission has slots at all. ``visits`` are this entry's, in every slot.
    ``taken`` is how many places of the slot are used up, and ``added`` how many more an arrival would use; None where
    people do not count. ``people`` is how many are to be let in, if somebody said so.
    """

    at: datetime
    admission: AdmissionRow | None = None
    request: TicketRequestRow | None = None
    ticket: IssuedTicketRow | None = None
    entry: AccessEntryRow | None = None
    content: ContentLineRow | None = None
    dependencies: Sequence[Dependency] = ()
    visits: Sequence[VisitRow] = ()
    named_slot: TimeSlotRow | None = None
    slot: TimeSlotRow | None = None
    next_slot: TimeSlotRow | None = None
    has_schedule: bool = False
    calendar: Sequence[CalendarLineRow] = ()
    taken: int | None = None
    added: int = 0
    people: int | None = None

    @property
    def second(self) -> datetime:
        """The moment that windows are compared with."""
        return to_the_second(self.at)

    @property
    def zone(self) -> ZoneInfo:
        """The admission's."""
        return ZoneInfo(self.admission.time_zone if self.admission else "UTC")

    @property
    def people_wanted(self) -> int:
        """How many are to be let in: if nobody said, all of a group not yet in; or, if all were in, the whole group."""
        if self.people is not None or self.ticket is None:
            return self.people or 1
        if self.entry is None:
            return self.ticket.quantity
        return self.ticket.quantity - self.entry.admitted_count % self.ticket.quantity

    @property
    def is_rescan(self) -> bool:
        """Whether this is the scan before, read twice: it is let through, and counted once.

        Everybody has to be in: until then, the next scan of a group is the next of its people; and who went out and
        comes back is counted again.
        """
        if self.content is None or self.entry is None or self.ticket is None or not self.visits:
            return False
        is_everybody_in = self.entry.inside_count == self.ticket.quantity
        if self.content.rescan_within_seconds is None or not is_everybody_in:
            return False
        since = abs(self.at - max(visit.last_at for visit in self.visits))
        return since <= timedelta(seconds=self.content.rescan_within_seconds)


@dataclass(frozen=True, slots=True)
class Checked:
    """A check that was made, and why it failed, if it did."""

    check: GateCheck
    refusal: Refusal | None = None

    @property
    def is_passed(self) -> bool:
        return self.refusal is None


def verdict(facts: Facts) -> Refusal | None:
    """The first check that fails, as a scan meets it; None lets the guest in."""
    for _, applies, refuse in _CHECKS:
        if applies(facts) and (refusal := refuse(facts)):
            return refusal
    return None


def checks(facts: Facts) -> list[Checked]:
    """Every check whose facts are known, in order."""
    return [Checked(check, refuse(facts)) for check, applies, refuse in _CHECKS if applies(facts)]


def _no(facts: Facts, code: RefusalCode, told: Told = NOTHING, *, slot: TimeSlotRow | None = None) -> Refusal:
    slot = slot or facts.slot
    return told_refusal(
        code,
        told,
        admission_id=facts.admission.id if facts.admission else None,
        slot_id=slot.id if slot else None,
        ticket_id=facts.ticket.id if facts.ticket else None,
        request_id=facts.request.id if facts.request else None,
    )


# --------------------------------------------------------------------------------------------------- the checks


def _known(facts: Facts) -> Refusal | None:
    return _no(facts, RefusalCode.TICKET_UNKNOWN) if facts.ticket is None and facts.request is None else None


def _not_revoked(facts: Facts) -> Refusal | None:
    assert facts.ticket is not None
    return _no(facts, RefusalCode.TICKET_REVOKED) if facts.ticket.revoked_at is not None else None


def _not_blocked(facts: Facts) -> Refusal | None:
    assert facts.ticket is not None
    if facts.ticket.blocked_at is not None:
        return _no(facts, RefusalCode.TICKET_BLOCKED, Told(said=facts.ticket.blocked_reason))
    if facts.entry is not None and facts.entry.blocked_at is not None:
        return _no(facts, RefusalCode.ACCESS_BLOCKED, Told(said=facts.entry.blocked_reason))
    return None


def _confirmed(facts: Facts) -> Refusal | None:
    assert facts.request is not None
    match facts.request.status:
        case TicketRequestStatus.REGISTERED:
            return _no(facts, RefusalCode.NOT_CONFIRMED)
        case TicketRequestStatus.EXPIRED:
            return _no(facts, RefusalCode.HOLD_EXPIRED)
        case TicketRequestStatus.CANCELED:
            return _no(facts, RefusalCode.ALREADY_CANCELED)
    return None


def _paid(facts: Facts) -> Refusal | None:
    assert facts.request is not None
    return _no(facts, RefusalCode.UNPAID) if facts.request.payment_option == PaymentOption.UNPAID else None


def _valid(facts: Facts) -> Refusal | None:
    assert facts.ticket is not None
    begin, end = facts.ticket.valid_from, facts.ticket.valid_until
    until = None if end == FOREVER else end.astimezone(facts.zone)
    told = Told(passes_from=begin.astimezone(facts.zone), passes_until=until)
    if facts.second < begin:
        return _no(facts, RefusalCode.NOT_VALID_YET, told)
    if facts.second > end:
        return _no(facts, RefusalCode.NO_LONGER_VALID, told)
    return None


def _on_ticket(facts: Facts) -> Refusal | None:
    return _no(facts, RefusalCode.NOT_ON_TICKET) if facts.entry is None else None


def _reserved(facts: Facts) -> Refusal | None:
    assert facts.entry is not None
    assert facts.admission is not None
    is_missing = facts.entry.slot_id is None and facts.admission.prebook_required
    return _no(facts, RefusalCode.NO_RESERVATION) if is_missing else None


def _right_slot(facts: Facts) -> Refusal | None:
    """Its refusal's slot is the right one."""
    assert facts.entry is not None
    assert facts.named_slot is not None
    if facts.entry.slot_id is None or facts.entry.slot_id == facts.named_slot.id:
        return None
    told = _arrival(facts, facts.slot)
    start = facts.slot and f"{facts.slot.starts_at.astimezone(facts.zone):{MOMENT}}"
    return _no(facts, RefusalCode.WRONG_SLOT, replace(told, said=start))


def _open(facts: Facts) -> Refusal | None:
    """The slot takes place, and no calendar is in the way; where there is no slot now, none is open."""
    slot = facts.slot
    if slot is None and facts.has_schedule:
        return _no(facts, RefusalCode.ADMISSION_CLOSED, _arrival(facts, facts.next_slot), slot=facts.next_slot)
    if slot is not None and slot.state == SlotState.CANCELED:
        return _no(facts, RefusalCode.SLOT_CANCELED)
    if slot is not None and slot.state == SlotState.CLOSED:
        return _no(facts, RefusalCode.ADMISSION_CLOSED, Told(said=slot.closed_reason))
    day = slot.date if slot is not None else facts.at.astimezone(facts.zone).date()
    if (text := closed_because(facts.calendar, day)) is not None:
        return _no(facts, RefusalCode.CALENDAR_CLOSED, Told(said=text))
    return None


def _in_arrival_window(facts: Facts) -> Refusal | None:
    assert facts.slot is not None
    if facts.second < facts.slot.arrival_from:
        return _no(facts, RefusalCode.TOO_EARLY, _arrival(facts, facts.slot))
    if facts.second > facts.slot.arrival_until:
        return _no(facts, RefusalCode.TOO_LATE, _arrival(facts, facts.slot))
    return None


def _entries_left(facts: Facts) -> Refusal | None:
    """SINGLE: one arrival for each person. SAME_DAY: any number on the local day of the first. MULTIPLE: as often as
    ``maxEntries``, where there is one. No scan lets in more than there are people on the ticket.
    """
    assert facts.ticket is not None
    assert facts.entry is not None
    assert facts.content is not None
    if facts.is_rescan:
        return None
    people, wanted, so_far = facts.ticket.quantity, facts.people_wanted, facts.entry.admitted_count
    limit: int | None = None
    match facts.content.entry_validation:
        case EntryValidation.SINGLE:
            limit = people
        case EntryValidation.MULTIPLE if facts.content.max_entries is not None:
            limit = people * facts.content.max_entries
        case EntryValidation.SAME_DAY if facts.entry.first_admitted_at is not None:
            first_day = facts.entry.first_admitted_at.astimezone(facts.zone).date()
            if facts.at.astimezone(facts.zone).date() != first_day:
                midnight = datetime.combine(first_day + timedelta(days=1), time.min, facts.zone)
                return _no(facts, RefusalCode.ENTRIES_USED_UP, Told(passes_until=midnight - timedelta(seconds=1)))
    if wanted > people:
        return _no(facts, RefusalCode.ENTRIES_USED_UP, Told(limit=people, actual=wanted, said="at once"))
    if limit is not None and so_far + wanted > limit:
        return _no(facts, RefusalCode.ENTRIES_USED_UP, Told(limit=limit, actual=so_far + wanted))
    return None


def _dependencies_met(facts: Facts) -> Refusal | None:
    """VISITED_BEFORE and WITHIN_MINUTES need a first arrival at the other admission; EXCLUDES forbids one."""
    for dependency in facts.dependencies:
        called, visited_at = dependency.other.description, dependency.visited_at
        match dependency.row.kind:
            case DependencyKind.EXCLUDES:
                if visited_at is not None:
                    return _no(facts, RefusalCode.DEPENDENCY_UNMET, Told(said=f"{called} was visited: not both."))
            case _ if visited_at is None:
                return _no(facts, RefusalCode.DEPENDENCY_UNMET, Told(said=f"{called} must be visited first."))
            case DependencyKind.WITHIN_MINUTES:
                until = visited_at + timedelta(minutes=dependency.row.minutes or 0)
                if facts.second > until:
                    told = Told(passes_until=until.astimezone(facts.zone), said=called)
                    return _no(facts, RefusalCode.DEPENDENCY_UNMET, told)
    return None


def _room_left(facts: Facts) -> Refusal | None:
    """Where people count, those who come now must fit in; who takes no place anew always does."""
    if facts.slot is None or facts.slot.capacity is None or facts.taken is None:
        return None
    if facts.added > 0 and facts.taken + facts.added > facts.slot.capacity:
        told = Told(limit=facts.slot.capacity, actual=facts.taken + facts.added)
        return _no(facts, RefusalCode.CAPACITY_REACHED, told)
    return None


def _arrival(facts: Facts, slot: TimeSlotRow | None) -> Told:
    """When guests of the slot are let in."""
    if slot is None:
        return Told()
    return Told(
        passes_from=slot.arrival_from.astimezone(facts.zone), passes_until=slot.arrival_until.astimezone(facts.zone)
    )


def _lacks_reservation(facts: Facts) -> bool:
    """Without the reservation that it needs, a ticket has no slot to be asked about."""
    return facts.entry is not None and _reserved(facts) is not None


def _has_ticket(facts: Facts) -> bool:
    return facts.ticket is not None


def _has_request(facts: Facts) -> bool:
    return facts.request is not None


def _has_entry(facts: Facts) -> bool:
    return facts.entry is not None


_CHECKS: Sequence[tuple[GateCheck, Callable[[Facts], bool], Callable[[Facts], Refusal | None]]] = (
    (GateCheck.KNOWN, lambda facts: True, _known),
    (GateCheck.NOT_REVOKED, _has_ticket, _not_revoked),
    (GateCheck.NOT_BLOCKED, _has_ticket, _not_blocked),
    (GateCheck.CONFIRMED, _has_request, _confirmed),
    (GateCheck.PAID, _has_request, _paid),
    (GateCheck.VALID, _has_ticket, _valid),
    (GateCheck.ON_TICKET, lambda facts: facts.ticket is not None and facts.admission is not None, _on_ticket),
    (GateCheck.RESERVED, _has_entry, _reserved),
    (GateCheck.RIGHT_SLOT, lambda facts: facts.entry is not None and facts.named_slot is not None, _right_slot),
    (GateCheck.OPEN, lambda facts: facts.entry is not None and not _lacks_reservation(facts), _open),
    (GateCheck.IN_ARRIVAL_WINDOW, lambda facts: facts.entry is not None and facts.slot is not None, _in_arrival_window),
    (GateCheck.ENTRIES_LEFT, _has_entry, _entries_left),
    (GateCheck.DEPENDENCIES_MET, _has_entry, _dependencies_met),
    (GateCheck.ROOM_LEFT, lambda facts: facts.entry is not None and facts.slot is not None, _room_left),
)
