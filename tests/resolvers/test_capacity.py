"""Do these places fit: every control, every share, every test in its order; on rows made by hand."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from db.admission import AdmissionRow
from db.calendar import CalendarLineRow
from db.ticket_item import ContentLineRow
from db.time_slot import TimeSlotRow
from resolvers.calendar import closed_because
from resolvers.capacity import SlotUse, Wish, remaining, sale_refusal, share, taken

NOON = datetime(2030, 5, 17, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
USE = SlotUse(held=1, sold=20, awaited=15, admitted=7, inside=3)


def slot(**changes: Any) -> TimeSlotRow:
    row = TimeSlotRow(
        id=1,
        line_id=1,
        date=NOON.date(),
        admission_id=1,
        starts_at=NOON + HOUR,
        ends_at=NOON + 2 * HOUR,
        arrival_from=NOON + HOUR,
        arrival_until=NOON + 2 * HOUR,
        sales_from=None,
        sales_until=None,
        state="OPEN",
        closed_reason=None,
        sold_places=0,
        schedule_code="S",
        time_zone="UTC",
        capacity_control="SALES",
        capacity=10,
        admission_kind="EVENT",
    )
    return row._replace(**changes)


def admission(**changes: Any) -> AdmissionRow:
    row = AdmissionRow(1, "TOUR", "tour", "The tour", "EVENT", "UTC", "SLOT", "NONE", 0, True, "NONE", None)
    return row._replace(**changes)


def content(**changes: Any) -> ContentLineRow:
    values: dict[str, Any] = dict.fromkeys(ContentLineRow._fields) | {"quantity": 1, "capacity_basis_points": 10_000}
    return ContentLineRow(**values | changes)


@pytest.mark.parametrize(
    ("control", "kind", "places"),
    [
        ("NONE", "LOCATION", 21),
        ("NONE", "EVENT", 21),
        ("SALES", "LOCATION", 21),
        ("SALES", "EVENT", 21),
        ("ADMITTED", "LOCATION", 7),
        ("ADMITTED", "EVENT", 7 + 1 + 15),
        ("ADMITTED_AND_DEPARTED", "LOCATION", 3 + 1 + 15),
        ("ADMITTED_AND_DEPARTED", "EVENT", 3 + 1 + 15),
    ],
)
def test_what_counts_depends_on_the_control(control: str, kind: str, places: int) -> None:
    row = slot(capacity_control=control, admission_kind=kind, capacity=None if control == "NONE" else 30)
    assert taken(row, USE) == places
    assert remaining(row, USE) == (None if control == "NONE" else 30 - places)


def test_what_remains_is_never_negative() -> None:
    assert remaining(slot(capacity=5), SlotUse(sold=6)) == 0
    assert remaining(slot(capacity=0), SlotUse()) == 0


@pytest.mark.parametrize(
    ("capacity", "basis_points", "places"), [(10, 10_000, 10), (10, 2_550, 2), (3, 3_333, 0), (7, 5_000, 3), (10, 0, 0)]
)
def test_a_share_is_rounded_down(capacity: int, basis_points: int, places: int) -> None:
    assert share(capacity, content(capacity_basis_points=basis_points)) == places


def test_a_share_is_compared_with_the_use_of_the_whole_slot() -> None:
    half = content(capacity_basis_points=5_000)
    assert remaining(slot(), SlotUse(sold=3), half) == 2
    assert remaining(slot(), SlotUse(sold=6), half) == 0
    refusal = sale_refusal(Wish(slot(), admission(), half, 3), SlotUse(sold=3), NOON)
    assert refusal is not None
    assert (refusal.code, refusal.limit, refusal.actual) == ("SOLD_OUT", 5, 6)
    assert sale_refusal(Wish(slot(), admission(), half, 2), SlotUse(sold=3), NOON) is None


def calendar_line(id_: int, kind: str, text: str = "", **when: Any) -> CalendarLineRow:
    return CalendarLineRow(**{"id": id_, "calendar_id": 1, "kind": kind, "text": text or kind, **_NEVER, **when})


_NEVER: dict[str, Any] = {"date": None, "weekday": None, "month": None, "day": None}

FRIDAY = date(2030, 5, 17)


@pytest.mark.parametrize(
    ("line", "other_day"),
    [
        (calendar_line(1, "DATE", date=FRIDAY), date(2031, 5, 17)),
        (calendar_line(1, "WEEKDAY", weekday=4), date(2030, 5, 18)),
        (calendar_line(1, "YEARLY", month=5, day=17), date(2030, 6, 17)),
    ],
)
def test_a_calendar_closes_a_date_a_weekday_or_a_day_of_the_year(line: CalendarLineRow, other_day: date) -> None:
    assert closed_because([line], FRIDAY) == line.text
    assert closed_because([line], other_day) is None
    assert closed_because([], FRIDAY) is None


def test_of_several_lines_the_most_particular_gives_the_reason() -> None:
    lines = [
        calendar_line(1, "WEEKDAY", weekday=4),
        calendar_line(2, "YEARLY", month=5, day=17),
        calendar_line(3, "DATE", "the date", date=FRIDAY),
    ]
    assert [closed_because(lines[:n], FRIDAY) for n in (1, 2, 3)] == ["WEEKDAY", "YEARLY", "the date"]


def test_the_29th_of_february_comes_in_leap_years_only() -> None:
    line = calendar_line(1, "YEARLY", month=2, day=29)
    assert closed_because([line], date(2028, 2, 29)) == line.text
    assert closed_because([line], date(2029, 2, 28)) is None


def test_the_first_failing_test_is_the_answer() -> None:
    """A slot with everything in the way; then one thing after the other is cleared away."""
    wrong: dict[str, dict[str, Any]] = {
        "SLOT_OF_OTHER_ADMISSION": {"admission_id": 2},
        "SLOT_CANCELED": {"state": "CANCELED"},
        "SLOT_CLOSED": {"state": "CLOSED"},
        "CALENDAR_CLOSED": {},
        "SLOT_PAST": {"arrival_until": NOON - HOUR},
        "OUTSIDE_SALES_PERIOD": {"sales_until": NOON - HOUR},
        "BEYOND_VALIDITY": {},
        "SOLD_OUT": {},
    }
    calendar = [calendar_line(1, "DATE", "Good Friday", date=FRIDAY)]
    codes = list(wrong)
    found = []
    for first in range(len(codes)):
        left = codes[first:]
        row = slot()
        for code in reversed(left):
            row = row._replace(**wrong[code])
        wish = Wish(
            row,
            admission(),
            content(),
            11,
            calendar if "CALENDAR_CLOSED" in left else (),
            NOON if "BEYOND_VALIDITY" in left else None,
        )
        refusal = sale_refusal(wish, SlotUse(), NOON)
        assert refusal is not None
        found.append(refusal.code.value)
        if refusal.code == "CALENDAR_CLOSED":
            assert refusal.message == "Good Friday"
    assert found == codes


SECOND, LAST_OF_IT = timedelta(seconds=1), timedelta(microseconds=999_999)


def test_a_slot_is_over_when_its_last_second_is() -> None:
    ends = slot(arrival_until=NOON, ends_at=NOON + HOUR)
    for kind, last in (("EVENT", NOON), ("LOCATION", NOON + HOUR)):
        wish = Wish(ends, admission(kind=kind), content(), 1)
        assert sale_refusal(wish, SlotUse(), last + LAST_OF_IT) is None
        late = sale_refusal(wish, SlotUse(), last + SECOND)
        assert late is not None
        assert late.code == "SLOT_PAST"


def test_the_sales_window_has_both_its_ends() -> None:
    """To the whole second."""
    window = slot(sales_from=NOON, sales_until=NOON + HOUR)
    wish = Wish(window, admission(), content(), 1)
    assert [sale_refusal(wish, SlotUse(), at) for at in (NOON, NOON + HOUR + LAST_OF_IT)] == [None, None]
    for at in (NOON - timedelta(microseconds=1), NOON + HOUR + SECOND):
        refusal = sale_refusal(wish, SlotUse(), at)
        assert refusal is not None
        assert (refusal.code, refusal.passes_from, refusal.passes_until) == (
            "OUTSIDE_SALES_PERIOD",
            NOON,
            NOON + HOUR,
        )


def test_who_may_exceed_passes_the_last_test_only() -> None:
    assert sale_refusal(Wish(slot(), admission(), content(), 11, may_exceed=True), SlotUse(sold=10), NOON) is None
    closed = Wish(slot(state="CLOSED"), admission(), content(), 11, may_exceed=True)
    refusal = sale_refusal(closed, SlotUse(), NOON)
    assert refusal is not None
    assert refusal.code == "SLOT_CLOSED"
