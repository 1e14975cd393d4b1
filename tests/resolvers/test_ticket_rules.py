"""The rules of changing one's mind, as tables: no database, no clock."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.ticket import AccessEntryRow, IssuedTicketRow
from db.ticket_item import ContentLineRow
from db.time_slot import TimeSlotRow
from db.visit import VisitRow
from resolvers.refusals import RefusalCode
from resolvers.ticket.rules import RefundShare, open_places, refund_minor, reschedule_refusal, revoke_refusal
from tests.make import NOON

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def row(kind: Any, **columns: Any) -> Any:
    return kind(**dict.fromkeys(kind._fields) | columns)


def ticket(people: int = 1) -> IssuedTicketRow:
    made: IssuedTicketRow = row(IssuedTicketRow, id=7, quantity=people)
    return made


def entry(admitted: int = 0, places: int = 1, slot_id: int | None = 3) -> AccessEntryRow:
    made: AccessEntryRow = row(
        AccessEntryRow, id=5, admission_id=2, slot_id=slot_id, quantity=places, admitted_count=admitted
    )
    return made


def content(**columns: Any) -> ContentLineRow:
    made: ContentLineRow = row(ContentLineRow, id=1, **columns)
    return made


# ----------------------------------------------------------------------------------------------- refund


@pytest.mark.parametrize(
    ("price", "people", "shares", "refund"),
    [
        (1000, 1, [(10_000, 1)], 1000),
        (1000, 1, [(10_000, 0)], 0),
        (1000, 1, [(0, 1)], 0),
        (1000, 1, [(5_000, 1)], 500),
        (1001, 1, [(5_000, 1)], 501),  # half a cent is rounded up
        (1000, 1, [(3_333, 1)], 333),
        # shares of the price that sum to exactly 100
        (1000, 1, [(6_000, 1), (4_000, 1)], 1000),
        (999, 1, [(3_333, 1), (3_333, 1), (3_334, 1)], 999),
        (1000, 1, [(10_000, 1), (0, 1)], 1000),
        # anything else: of each equal part its percentage, and no cent is lost between the lines
        (1000, 1, [(10_000, 1), (10_000, 1)], 1000),
        (1000, 1, [(10_000, 1), (10_000, 1), (10_000, 1)], 1000),
        (1000, 1, [(10_000, 1), (10_000, 1), (0, 1)], 667),
        (1000, 1, [(6_000, 1), (5_000, 1)], 550),
        (1000, 1, [(6_000, 1), (3_999, 1)], 500),
        # of a group the part that has not come
        (5000, 5, [(10_000, 2)], 2000),
        (5000, 5, [(5_000, 2)], 1000),
        (1000, 3, [(10_000, 1)], 333),
        (1000, 3, [(10_000, 2)], 667),
        (5000, 5, [(5_000, 2), (5_000, 5)], 3500),  # three came to the one admission, nobody to the other
        (5000, 5, [(10_000, 0), (10_000, 5)], 2500),
    ],
)
def test_the_refund_of_a_ticket(price: int, people: int, shares: list[tuple[int, int]], refund: int) -> None:
    found = [RefundShare(*share) for share in shares]
    assert refund_minor("PREPAID", price, people, found) == refund
    assert refund_minor("DIRECT", price, people, found) == refund
    for payment in ("UNPAID", "POSTPAID"):
        assert refund_minor(payment, price, people, found) == 0


@given(
    st.integers(0, 10**15),
    st.integers(1, 1000),
    st.lists(st.tuples(st.integers(0, 10_000), st.floats(0, 1)), min_size=1, max_size=5),
)
def test_never_more_than_the_price_is_paid_back(price: int, people: int, lines: list[tuple[int, float]]) -> None:
    """And never less than nothing; for more unused people never less."""
    shares = [RefundShare(percent, int(part * people)) for percent, part in lines]
    refund = refund_minor("PREPAID", price, people, shares)
    whole = [RefundShare(share.basis_points, people) for share in shares]
    assert 0 <= refund <= refund_minor("PREPAID", price, people, whole) <= price


# ----------------------------------------------------------------------------------------------- revoke


@pytest.mark.parametrize(
    ("policy", "people", "admitted", "is_refused"),
    [
        ("UNUSED", 1, 0, False),
        ("UNUSED", 1, 1, True),
        ("UNUSED", 5, 4, False),
        ("UNUSED", 5, 5, True),
        ("UNUSED", 5, 9, True),  # some came twice
        ("NEVER", 1, 0, True),
        ("NEVER", 5, 3, True),
        ("ALWAYS", 1, 1, False),
        ("ALWAYS", 5, 5, False),
    ],
)
def test_what_may_be_given_back(policy: str, people: int, admitted: int, is_refused: bool) -> None:
    refusal = revoke_refusal(entry(admitted), ticket(people), content(revoke_policy=policy))
    assert (refusal is not None) is is_refused
    if refusal is not None:
        assert (refusal.code, refusal.ticket_id, refusal.admission_id) == (RefusalCode.REVOKE_NOT_ALLOWED, 7, 2)


# ------------------------------------------------------------------------------------------- reschedule

SLOT: TimeSlotRow = row(TimeSlotRow, id=3, arrival_until=NOON)


@pytest.mark.parametrize(
    ("policy", "hours", "admitted", "now", "is_refused"),
    [
        ("NOT_ALLOWED", None, 0, NOON - 9 * HOUR, True),
        ("UNTIL_USED", None, 0, NOON + 9 * HOUR, False),
        ("UNTIL_USED", None, 1, NOON - 9 * HOUR, True),
        ("CUT_OFF_HOURS", 2, 0, NOON - 2 * HOUR, False),
        ("CUT_OFF_HOURS", 2, 0, NOON - 2 * HOUR + SECOND, True),
        ("CUT_OFF_HOURS", 2, 1, NOON - 9 * HOUR, True),
        ("CUT_OFF_HOURS", 0, 0, NOON, False),
        ("CUT_OFF_HOURS", 0, 0, NOON + SECOND * 0.9, False),
        ("CUT_OFF_HOURS", 0, 0, NOON + SECOND, True),
        ("CUT_OFF_HOURS", -2, 0, NOON + 2 * HOUR, False),
        ("CUT_OFF_HOURS", -2, 0, NOON + 2 * HOUR + SECOND, True),
        ("CUT_OFF_HOURS", 0.5, 0, NOON - HOUR / 2 + SECOND, True),
    ],
)
def test_what_may_be_moved(policy: str, hours: float | None, admitted: int, now: datetime, is_refused: bool) -> None:
    seconds = None if hours is None else int(hours * 3600)
    sold = content(reschedule_policy=policy, reschedule_cut_off_seconds=seconds)
    refusal = reschedule_refusal(entry(admitted), ticket(), sold, SLOT, now)
    assert (refusal is not None) is is_refused
    if refusal is not None:
        assert (refusal.code, refusal.ticket_id, refusal.slot_id) == (RefusalCode.RESCHEDULE_NOT_ALLOWED, 7, 3)
        is_late = policy == "CUT_OFF_HOURS" and not admitted
        assert refusal.passes_until == (NOON - timedelta(seconds=seconds or 0) if is_late else None)


def test_a_visit_without_a_slot_has_no_cut_off() -> None:
    sold = content(reschedule_policy="CUT_OFF_HOURS", reschedule_cut_off_seconds=3600)
    assert reschedule_refusal(entry(slot_id=None), ticket(), sold, None, NOON) is None


# ---------------------------------------------------------------------------------------------- places


@pytest.mark.parametrize(
    ("people", "places", "visits", "open_"),
    [
        (1, 1, [], 1),
        (1, 4, [(3, 1)], 0),
        (5, 5, [(3, 2)], 3),
        (5, 10, [(3, 2)], 6),
        (5, 5, [(3, 9)], 0),
        (5, 5, [(4, 2)], 5),  # they came into another slot
        (5, 5, [(None, 2)], 5),
    ],
)
def test_the_places_that_nobody_has_used(
    people: int, places: int, visits: list[tuple[int | None, int]], open_: int
) -> None:
    made = [row(VisitRow, slot_id=slot_id, admitted=admitted) for slot_id, admitted in visits]
    assert open_places(entry(places=places), ticket(people), made, 3) == open_
