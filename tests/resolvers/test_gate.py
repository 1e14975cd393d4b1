"""The gate's checks as a table: each at both sides of its boundary, and of any two that fail, which one speaks."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from db.admission import AdmissionRow
from db.base import FOREVER
from db.calendar import CalendarLineRow
from db.ticket import AccessEntryRow, IssuedTicketRow
from db.ticket_item import ContentLineRow, DependencyRow
from db.ticket_request import TicketRequestRow
from db.time_slot import TimeSlotRow
from db.visit import VisitRow
from resolvers.gate import Dependency, Facts, GateCheck, checks, verdict
from resolvers.refusals import RefusalCode
from tests.make import NOON

MINUTE, HOUR, DAY, SECOND = (timedelta(**{unit: 1}) for unit in ("minutes", "hours", "days", "seconds"))
BERLIN = ZoneInfo("Europe/Berlin")


def row(of: Any, **columns: Any) -> Any:
    """A row of which only these columns matter."""
    return of(**dict.fromkeys(of._fields) | columns)


CASTLE = row(
    AdmissionRow,
    id=1,
    description="Castle",
    time_zone="Europe/Berlin",
    prebook_required=True,
    kind="EVENT",
)
TOWER = row(AdmissionRow, id=2, description="Tower", time_zone="Europe/Berlin")
SLOT = row(
    TimeSlotRow,
    id=7,
    date=NOON.date(),
    starts_at=NOON,
    arrival_from=NOON - 10 * MINUTE,
    arrival_until=NOON + 10 * MINUTE,
    state="OPEN",
    time_zone="Europe/Berlin",
    capacity_control="ADMITTED",
    capacity=10,
    admission_kind="EVENT",
)
TICKET = row(IssuedTicketRow, id=3, quantity=1, kind="INDIVIDUAL", valid_from=NOON - DAY, valid_until=NOON + DAY)
GROUP = TICKET._replace(kind="GROUP", quantity=20)
ENTRY = row(AccessEntryRow, id=4, ticket_id=3, slot_id=7, quantity=1, admitted_count=0, inside_count=0)
CONTENT = row(ContentLineRow, id=5, entry_validation="SINGLE", quantity=1)
REQUEST = row(TicketRequestRow, id=6, status="CONFIRMED", payment_option="PREPAID")
GOOD = Facts(NOON, CASTLE, REQUEST, TICKET, ENTRY, CONTENT, named_slot=SLOT, slot=SLOT, taken=9, added=1)
VISIT = VisitRow(8, 4, 7, 1, 1, 1, NOON - HOUR, NOON - HOUR)


def used(admitted: int, inside: int = 0, at: Any = NOON - HOUR, **changes: Any) -> Facts:
    """The facts once so many were let in."""
    entry = ENTRY._replace(admitted_count=admitted, inside_count=inside, first_admitted_at=at)
    visit = VISIT._replace(admitted=admitted, inside=inside, first_at=at, last_at=at)
    return replace(GOOD, entry=entry, visits=[visit], **changes)


def sale(**columns: Any) -> Facts:
    return replace(GOOD, request=REQUEST._replace(**columns))


def rules(**columns: Any) -> Any:
    return CONTENT._replace(**columns)


def slot(**columns: Any) -> dict[str, Any]:
    """The slot that is entered, and that the gate names."""
    return {"slot": SLOT._replace(**columns), "named_slot": SLOT._replace(**columns)}


def other(kind: str, visited_at: Any = None, minutes: int | None = None) -> list[Dependency]:
    return [Dependency(DependencyRow(5, kind, 2, minutes), TOWER, visited_at)]


def closes(day: date) -> list[CalendarLineRow]:
    return [CalendarLineRow(1, 1, "DATE", day, None, None, None, "A holiday")]


UNRESERVED: dict[str, Any] = {
    "admission": CASTLE._replace(prebook_required=False),
    "entry": ENTRY._replace(slot_id=None),
    "named_slot": None,
}

LET_IN: dict[str, Facts] = {
    "with a reservation, at its time": GOOD,
    "where the gate names no slot": replace(GOOD, named_slot=None),
    "on the first second of its validity": replace(GOOD, ticket=TICKET._replace(valid_from=NOON)),
    "on the last second of its validity": replace(
        GOOD, ticket=TICKET._replace(valid_until=NOON), at=NOON + timedelta(microseconds=999_999)
    ),
    "without an end": replace(GOOD, ticket=TICKET._replace(valid_until=FOREVER)),
    "invoiced after the visit": replace(GOOD, request=REQUEST._replace(payment_option="POSTPAID")),
    "as soon as guests are let in": replace(GOOD, at=NOON - 10 * MINUTE),
    "within the last second": replace(GOOD, at=NOON + 10 * MINUTE + timedelta(microseconds=500_000)),
    "without a reservation where none is needed": replace(GOOD, **UNRESERVED),
    "where there are no slots at all": replace(GOOD, **UNRESERVED, slot=None, has_schedule=False),
    "on another day than the calendar closes": replace(GOOD, calendar=closes(NOON.date() + DAY)),
    "the rest of a group": used(12, ticket=GROUP, people=8),
    "those of a group not yet in, if nobody says how many": used(12, ticket=GROUP),
    "again on the same day, as often as they like": used(5, content=rules(entry_validation="SAME_DAY")),
    "a group again on the same day": used(20, ticket=GROUP, content=rules(entry_validation="SAME_DAY")),
    "for the last of several entries": used(2, content=rules(entry_validation="MULTIPLE", max_entries=3)),
    "without a limit of entries": used(99, content=rules(entry_validation="MULTIPLE")),
    "a group's last entries": used(35, ticket=GROUP, content=rules(entry_validation="MULTIPLE", max_entries=2)),
    "read twice": used(1, 1, NOON - 5 * SECOND, content=rules(rescan_within_seconds=5), taken=10, added=0),
    "after the other place": replace(GOOD, dependencies=other("VISITED_BEFORE", NOON - HOUR)),
    "within its minutes": replace(GOOD, dependencies=other("WITHIN_MINUTES", NOON - 30 * MINUTE, 30)),
    "where the excluded place was not visited": replace(GOOD, dependencies=other("EXCLUDES")),
    "into the last place": replace(GOOD, taken=9, added=1),
    "who takes no place anew, however full it is": replace(GOOD, taken=12, added=0),
    "where nothing limits": replace(GOOD, **slot(capacity=None), taken=None, added=5),
}

REFUSED: dict[str, tuple[Facts, GateCheck, str]] = {
    "unknown": (Facts(NOON, CASTLE), GateCheck.KNOWN, "TICKET_UNKNOWN"),
    "given back": (replace(GOOD, ticket=TICKET._replace(revoked_at=NOON)), GateCheck.NOT_REVOKED, "TICKET_REVOKED"),
    "blocked": (replace(GOOD, ticket=TICKET._replace(blocked_at=NOON)), GateCheck.NOT_BLOCKED, "TICKET_BLOCKED"),
    "blocked here": (replace(GOOD, entry=ENTRY._replace(blocked_at=NOON)), GateCheck.NOT_BLOCKED, "ACCESS_BLOCKED"),
    "not confirmed": (
        replace(GOOD, request=REQUEST._replace(status="REGISTERED")),
        GateCheck.CONFIRMED,
        "NOT_CONFIRMED",
    ),
    "expired": (replace(GOOD, request=REQUEST._replace(status="EXPIRED")), GateCheck.CONFIRMED, "HOLD_EXPIRED"),
    "canceled": (replace(GOOD, request=REQUEST._replace(status="CANCELED")), GateCheck.CONFIRMED, "ALREADY_CANCELED"),
    "unpaid": (replace(GOOD, request=REQUEST._replace(payment_option="UNPAID")), GateCheck.PAID, "UNPAID"),
    "not yet valid": (
        replace(GOOD, ticket=TICKET._replace(valid_from=NOON + SECOND)),
        GateCheck.VALID,
        "NOT_VALID_YET",
    ),
    "no longer valid": (
        replace(GOOD, ticket=TICKET._replace(valid_until=NOON - SECOND)),
        GateCheck.VALID,
        "NO_LONGER_VALID",
    ),
    "elsewhere": (replace(GOOD, entry=None, content=None, slot=None), GateCheck.ON_TICKET, "NOT_ON_TICKET"),
    "without the reservation it needs": (
        replace(GOOD, entry=ENTRY._replace(slot_id=None), slot=None),
        GateCheck.RESERVED,
        "NO_RESERVATION",
    ),
    "for another slot": (replace(GOOD, named_slot=SLOT._replace(id=9)), GateCheck.RIGHT_SLOT, "WRONG_SLOT"),
    "into a canceled slot": (replace(GOOD, **slot(state="CANCELED")), GateCheck.OPEN, "SLOT_CANCELED"),
    "into a closed slot": (replace(GOOD, **slot(state="CLOSED")), GateCheck.OPEN, "ADMISSION_CLOSED"),
    "while it is closed": (
        replace(GOOD, **UNRESERVED, slot=None, next_slot=SLOT, has_schedule=True),
        GateCheck.OPEN,
        "ADMISSION_CLOSED",
    ),
    "on a holiday": (replace(GOOD, calendar=closes(NOON.date())), GateCheck.OPEN, "CALENDAR_CLOSED"),
    "on a holiday where there are no slots": (
        replace(GOOD, **UNRESERVED, slot=None, calendar=closes(NOON.date())),
        GateCheck.OPEN,
        "CALENDAR_CLOSED",
    ),
    "too early": (
        replace(GOOD, at=NOON - 10 * MINUTE - timedelta(microseconds=1)),
        GateCheck.IN_ARRIVAL_WINDOW,
        "TOO_EARLY",
    ),
    "too late": (replace(GOOD, at=NOON + 10 * MINUTE + SECOND), GateCheck.IN_ARRIVAL_WINDOW, "TOO_LATE"),
    "used": (used(1), GateCheck.ENTRIES_LEFT, "ENTRIES_USED_UP"),
    "used, and departed": (used(1, 0), GateCheck.ENTRIES_LEFT, "ENTRIES_USED_UP"),
    "several with a ticket for one": (replace(GOOD, people=2), GateCheck.ENTRIES_LEFT, "ENTRIES_USED_UP"),
    "more than are left of a group": (used(12, ticket=GROUP, people=9), GateCheck.ENTRIES_LEFT, "ENTRIES_USED_UP"),
    "a whole group again": (used(20, ticket=GROUP), GateCheck.ENTRIES_LEFT, "ENTRIES_USED_UP"),
    "more than a group on the same day": (
        used(20, ticket=GROUP, people=21, content=rules(entry_validation="SAME_DAY")),
        GateCheck.ENTRIES_LEFT,
        "ENTRIES_USED_UP",
    ),
    "on the next day by the clock on the wall": (
        # 22:10 in London is 00:10 of the next day in Berlin; the first arrival was at 23:50 there
        replace(
            used(1, at=NOON + timedelta(hours=9, minutes=50), content=rules(entry_validation="SAME_DAY")),
            at=NOON + timedelta(hours=10, minutes=10),
            **slot(arrival_until=NOON + DAY),
        ),
        GateCheck.ENTRIES_LEFT,
        "ENTRIES_USED_UP",
    ),
    "once more than the entries": (
        used(3, content=rules(entry_validation="MULTIPLE", max_entries=3)),
        GateCheck.ENTRIES_LEFT,
        "ENTRIES_USED_UP",
    ),
    "a group once more than its entries": (
        used(36, ticket=GROUP, people=5, content=rules(entry_validation="MULTIPLE", max_entries=2)),
        GateCheck.ENTRIES_LEFT,
        "ENTRIES_USED_UP",
    ),
    "read twice too late": (
        used(1, 1, NOON - 6 * SECOND, content=rules(rescan_within_seconds=5)),
        GateCheck.ENTRIES_LEFT,
        "ENTRIES_USED_UP",
    ),
    "read twice after going out": (
        used(1, 0, NOON - 5 * SECOND, content=rules(rescan_within_seconds=5)),
        GateCheck.ENTRIES_LEFT,
        "ENTRIES_USED_UP",
    ),
    "before the other place": (
        replace(GOOD, dependencies=other("VISITED_BEFORE")),
        GateCheck.DEPENDENCIES_MET,
        "DEPENDENCY_UNMET",
    ),
    "within minutes of nothing": (
        replace(GOOD, dependencies=other("WITHIN_MINUTES", None, 30)),
        GateCheck.DEPENDENCIES_MET,
        "DEPENDENCY_UNMET",
    ),
    "after its minutes": (
        replace(GOOD, dependencies=other("WITHIN_MINUTES", NOON - 30 * MINUTE - SECOND, 30)),
        GateCheck.DEPENDENCIES_MET,
        "DEPENDENCY_UNMET",
    ),
    "after the excluded place": (
        replace(GOOD, dependencies=other("EXCLUDES", NOON - HOUR)),
        GateCheck.DEPENDENCIES_MET,
        "DEPENDENCY_UNMET",
    ),
    "into a full slot": (replace(GOOD, taken=10), GateCheck.ROOM_LEFT, "CAPACITY_REACHED"),
    "a group that does not fit": (replace(GOOD, taken=5, added=6), GateCheck.ROOM_LEFT, "CAPACITY_REACHED"),
}


@pytest.mark.parametrize("facts", LET_IN.values(), ids=list(LET_IN))
def test_let_in(facts: Facts) -> None:
    assert verdict(facts) is None
    assert all(check.is_passed for check in checks(facts))


@pytest.mark.parametrize(("facts", "check", "code"), REFUSED.values(), ids=list(REFUSED))
def test_refused(facts: Facts, check: GateCheck, code: str) -> None:
    """The verdict is the one check that fails; its refusal says it in a sentence."""
    refusal = verdict(facts)
    assert refusal is not None
    assert refusal.code == RefusalCode(code)
    assert refusal.message[0].isupper()
    assert [one.check for one in checks(facts) if not one.is_passed] == [check]


def test_every_check_is_refused_somewhere() -> None:
    assert {check for _, check, _ in REFUSED.values()} == set(GateCheck)


WRONG: dict[GateCheck, Callable[[Facts], Facts]] = {
    GateCheck.NOT_REVOKED: lambda facts: replace(facts, ticket=_ticket(facts)._replace(revoked_at=NOON)),
    GateCheck.NOT_BLOCKED: lambda facts: replace(facts, ticket=_ticket(facts)._replace(blocked_at=NOON)),
    GateCheck.CONFIRMED: lambda facts: replace(facts, request=_request(facts)._replace(status="CANCELED")),
    GateCheck.PAID: lambda facts: replace(facts, request=_request(facts)._replace(payment_option="UNPAID")),
    GateCheck.VALID: lambda facts: replace(facts, ticket=_ticket(facts)._replace(valid_until=NOON - HOUR)),
    GateCheck.RIGHT_SLOT: lambda facts: replace(facts, named_slot=SLOT._replace(id=9)),
    GateCheck.OPEN: lambda facts: replace(facts, slot=_slot(facts)._replace(state="CLOSED")),
    GateCheck.IN_ARRIVAL_WINDOW: lambda facts: replace(facts, slot=_slot(facts)._replace(arrival_from=NOON + HOUR)),
    GateCheck.ENTRIES_LEFT: lambda facts: replace(facts, entry=used(1).entry, visits=[VISIT]),
    GateCheck.DEPENDENCIES_MET: lambda facts: replace(facts, dependencies=other("EXCLUDES", NOON)),
    GateCheck.ROOM_LEFT: lambda facts: replace(facts, taken=10),
}
"""Each makes one check fail and leaves the others as they are. Without an entry or a reservation there is no more to
check of them: those two come with the pairs below."""


def _ticket(facts: Facts) -> IssuedTicketRow:
    assert facts.ticket
    return facts.ticket


def _request(facts: Facts) -> TicketRequestRow:
    assert facts.request
    return facts.request


def _slot(facts: Facts) -> TimeSlotRow:
    assert facts.slot
    return facts.slot


@pytest.mark.parametrize(("first", "second"), list(combinations(GateCheck, 2)))
def test_of_two_that_fail_the_earlier_is_the_verdict(first: GateCheck, second: GateCheck) -> None:
    """In the order of domain.md, which is that of the enum; an explanation lists both."""
    facts = GOOD
    if GateCheck.KNOWN in (first, second):
        facts = replace(facts, ticket=None, request=None, entry=None, content=None, slot=None)
        assert [one.check for one in checks(facts)] == [GateCheck.KNOWN], "of an unknown ticket nothing else is known"
        return
    for check in (first, second):
        if change := WRONG.get(check):
            facts = change(facts)
    if GateCheck.RESERVED in (first, second):
        facts = replace(facts, entry=_entry(facts)._replace(slot_id=None), slot=None)
    if GateCheck.ON_TICKET in (first, second):
        facts = replace(facts, entry=None, content=None, slot=None)
    failed = [one.check for one in checks(facts) if not one.is_passed]
    missing = {
        GateCheck.ON_TICKET: set(GateCheck) - set(list(GateCheck)[: list(GateCheck).index(GateCheck.ON_TICKET)]),
        GateCheck.RESERVED: {GateCheck.RIGHT_SLOT, GateCheck.OPEN, GateCheck.IN_ARRIVAL_WINDOW, GateCheck.ROOM_LEFT},
    }
    expected = [first] if second in missing.get(first, ()) else [first, second]
    assert failed == expected
    refusal = verdict(facts)
    assert refusal == next(one.refusal for one in checks(facts) if one.check == first)


def _entry(facts: Facts) -> AccessEntryRow:
    assert facts.entry
    return facts.entry


FULL = {"limit": 10, "actual": 11}
ENDED = {"passes_until": NOON - SECOND}


def test_a_refusal_carries_its_facts() -> None:
    """What was met, when the same thing would pass, which slot is the right one; on the wall it is two hours later."""
    for facts, message, told in (
        (
            REFUSED["too early"][0],
            "Guests of that time slot are let in from 2030-05-17 13:50.",
            {"passes_from": NOON - 10 * MINUTE, "passes_until": NOON + 10 * MINUTE, "slot_id": 7},
        ),
        (REFUSED["for another slot"][0], "The ticket is for another time slot, at 2030-05-17 14:00.", {"slot_id": 7}),
        (
            REFUSED["a group that does not fit"][0],
            "It is full: 11 would be in, of at most 10.",
            {"limit": 10, "actual": 11},
        ),
        (REFUSED["while it is closed"][0], "It is closed now, and opens at 2030-05-17 13:50.", {"slot_id": 7}),
        (
            REFUSED["no longer valid"][0],
            "The ticket was valid until 2030-05-17 13:59.",
            {"passes_until": NOON - SECOND},
        ),
        (REFUSED["on a holiday"][0], "A holiday", {"slot_id": 7}),
        (REFUSED["used"][0], "The ticket was used already.", {"limit": 1, "actual": 2}),
        (REFUSED["more than are left of a group"][0], "The ticket lets in 20 in all; with these it would be 21.", {}),
        (
            REFUSED["several with a ticket for one"][0],
            "The ticket lets in 1 at once, not 2.",
            {"limit": 1, "actual": 2},
        ),
        (REFUSED["before the other place"][0], "Tower must be visited first.", {}),
        (REFUSED["after its minutes"][0], "The time after Tower was over at 2030-05-17 13:59.", {}),
    ):
        refusal = verdict(facts)
        assert refusal is not None
        assert refusal.message == message
        assert {name: getattr(refusal, name) for name in told} == told
        assert (refusal.ticket_id, refusal.admission_id, refusal.request_id) == (3, 1, 6)
