"""The days on which schedules produce slots, and the moments that their times stand for."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.calendar import CalendarLineRow
from db.schedule import EVERY_WEEKDAY, Recurrence, ScheduleLineRow, ScheduleRow, Weekday, weekday_bits
from db.time_slot import GeneratedSlot, KeptSlot
from resolvers import generation, slot_changes, slots
from resolvers.calendar import closed_because
from resolvers.generation import GenerationMode

WEEKDAYS = weekday_bits([Weekday.MONDAY, Weekday.WEDNESDAY, Weekday.FRIDAY])
SUNDAYS = weekday_bits([Weekday.SUNDAY])
COPENHAGEN = "Europe/Copenhagen"


def schedule(**changes: Any) -> ScheduleRow:
    """Daily from Wednesday 2026-07-01 for ever, 09:00 to 17:00, but for the changes."""
    row = ScheduleRow(
        id=1,
        code="DAY",
        code_key="day",
        description="Open",
        recurrence=Recurrence.DAILY,
        every=1,
        weekdays=EVERY_WEEKDAY,
        start_date=date(2026, 7, 1),
        until_date=None,
        occurrences=None,
        start_time=time(9),
        stop_time=time(17),
        arrival_from_seconds=None,
        arrival_until_seconds=None,
        sales_from_seconds=None,
        sales_until_seconds=None,
        days_ahead=30,
        capacity_control="SALES",
        max_capacity=10,
        produces="OPEN",
    )
    return row._replace(**changes)


def line(**changes: Any) -> ScheduleLineRow:
    row = ScheduleLineRow(
        id=1,
        admission_id=1,
        schedule_id=1,
        process_order=0,
        capacity_control="SALES",
        max_capacity=10,
        is_blocked=False,
    )
    return row._replace(**changes)


def produced(zone: str, day: date, **changes: Any) -> GeneratedSlot | None:
    return slots.slot(line(), schedule(**changes), day, ZoneInfo(zone))


def july(*days: int) -> list[date]:
    return [date(2026, 7, day) for day in days]


# ----------------------------------------------------------------------------------------------------- days


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, july(*range(1, 15))),
        ({"recurrence": "ONCE"}, july(1)),
        ({"recurrence": "ONCE", "weekdays": SUNDAYS}, july(1)),
        ({"recurrence": "ONCE", "start_date": date(2026, 6, 30)}, []),
        ({"every": 3}, july(1, 4, 7, 10, 13)),
        ({"every": 3, "start_date": date(2026, 6, 30)}, july(3, 6, 9, 12)),
        ({"weekdays": WEEKDAYS}, july(1, 3, 6, 8, 10, 13)),
        ({"every": 2, "weekdays": WEEKDAYS}, july(1, 3, 13)),
        ({"every": 7, "weekdays": SUNDAYS}, []),
        ({"recurrence": "WEEKLY"}, july(*range(1, 15))),
        ({"recurrence": "WEEKLY", "weekdays": WEEKDAYS}, july(1, 3, 6, 8, 10, 13)),
        ({"recurrence": "WEEKLY", "weekdays": WEEKDAYS, "every": 2}, july(1, 3, 6)),
        ({"recurrence": "WEEKLY", "weekdays": WEEKDAYS, "every": 2, "start_date": date(2026, 6, 24)}, july(8, 10, 13)),
        ({"recurrence": "WEEKLY", "weekdays": SUNDAYS, "every": 3, "start_date": date(2026, 6, 19)}, july(12)),
        ({"until_date": date(2026, 7, 3)}, july(1, 2, 3)),
        ({"until_date": date(2026, 6, 30)}, []),
        ({"occurrences": 3}, july(1, 2, 3)),
        ({"occurrences": 3, "start_date": date(2026, 6, 29)}, july(1)),
        ({"occurrences": 3, "start_date": date(2026, 1, 1)}, []),
        ({"occurrences": 3, "weekdays": WEEKDAYS}, july(1, 3, 6)),
        ({"recurrence": "WEEKLY", "occurrences": 5, "weekdays": WEEKDAYS, "start_date": date(2026, 6, 24)}, july(1, 3)),
        ({"recurrence": "WEEKLY", "occurrences": 5, "every": 2, "start_date": date(2026, 6, 19)}, []),
        ({"recurrence": "WEEKLY", "occurrences": 9, "every": 2, "start_date": date(2026, 6, 19)}, july(3, 4)),
        ({"start_date": date(2026, 8, 1)}, []),
    ],
)  # fmt: skip
def test_the_days_of_a_schedule(changes: dict[str, Any], expected: list[date]) -> None:
    """In the first two weeks of July 2026, which begin on a Wednesday."""
    assert list(slots.days(schedule(**changes), date(2026, 7, 1), date(2026, 7, 14))) == expected


def naive_days(row: ScheduleRow, last: date) -> list[date]:
    """The rules read out one day after the other."""
    found: list[date] = []
    day = row.start_date
    while day <= min(last, row.until_date or last):
        passed = (day - row.start_date).days
        on_weekday = bool(row.weekdays >> day.weekday() & 1)
        match row.recurrence:
            case Recurrence.ONCE:
                is_one = passed == 0
            case Recurrence.DAILY:
                is_one = passed % row.every == 0 and on_weekday
            case _:
                is_one = passed // 7 % row.every == 0 and on_weekday
        if is_one and (row.occurrences is None or len(found) < row.occurrences):
            found.append(day)
        day += timedelta(days=1)
    return found


@given(
    recurrence=st.sampled_from(Recurrence),
    every=st.integers(1, 10),
    weekdays=st.integers(1, 127),
    start_date=st.dates(date(2025, 1, 1), date(2026, 12, 31)),
    until_date=st.none() | st.dates(date(2025, 1, 1), date(2027, 12, 31)),
    occurrences=st.none() | st.integers(1, 50),
    first=st.dates(date(2025, 1, 1), date(2026, 12, 31)),
    ahead=st.integers(0, 100),
)
def test_looking_from_any_day_on_finds_the_same_days(first: date, ahead: int, **changes: Any) -> None:
    """Nothing is counted from the day one looks from, but from the start date."""
    row, last = schedule(**changes), first + timedelta(days=ahead)
    assert list(slots.days(row, first, last)) == [day for day in naive_days(row, last) if day >= first]


def test_a_schedule_without_an_end_reaches_the_last_day_there_is() -> None:
    last = date.max
    assert list(slots.days(schedule(start_date=date.min), last - timedelta(days=1), last)) == [
        last - timedelta(days=1),
        last,
    ]


def test_a_schedule_that_began_long_ago_costs_no_more() -> None:
    old = schedule(start_date=date.min, occurrences=2**31, every=2**20)
    assert list(slots.days(old, date(2026, 1, 1), date(2026, 1, 2))) == []


# -------------------------------------------------------------------------------------------------- moments


@pytest.mark.parametrize(
    ("zone", "day", "start", "stop", "starts_at", "ends_at"),
    [
        # an ordinary day, and the two Sundays on which the clocks change
        (COPENHAGEN, "2026-03-28", "09:00", "17:00", "2026-03-28T08:00", "2026-03-28T16:00"),
        (COPENHAGEN, "2026-03-29", "09:00", "17:00", "2026-03-29T07:00", "2026-03-29T15:00"),
        (COPENHAGEN, "2026-10-24", "09:00", "17:00", "2026-10-24T07:00", "2026-10-24T15:00"),
        (COPENHAGEN, "2026-10-25", "09:00", "17:00", "2026-10-25T08:00", "2026-10-25T16:00"),
        ("America/New_York", "2026-03-07", "09:00", "17:00", "2026-03-07T14:00", "2026-03-07T22:00"),
        ("America/New_York", "2026-03-08", "09:00", "17:00", "2026-03-08T13:00", "2026-03-08T21:00"),
        ("America/New_York", "2026-11-01", "09:00", "17:00", "2026-11-01T14:00", "2026-11-01T22:00"),
        ("Australia/Lord_Howe", "2026-04-05", "09:00", "17:00", "2026-04-04T22:30", "2026-04-05T06:30"),
        ("Australia/Lord_Howe", "2026-10-03", "09:00", "17:00", "2026-10-02T22:30", "2026-10-03T06:30"),
        ("Australia/Lord_Howe", "2026-10-04", "09:00", "17:00", "2026-10-03T22:00", "2026-10-04T06:00"),
        # across midnight, and round the clock
        (COPENHAGEN, "2026-07-01", "22:00", "02:00", "2026-07-01T20:00", "2026-07-02T00:00"),
        (COPENHAGEN, "2026-07-01", "09:00", "09:00", "2026-07-01T07:00", "2026-07-02T07:00"),
        (COPENHAGEN, "2026-07-01", "00:00", "00:00", "2026-06-30T22:00", "2026-07-01T22:00"),
        # the night the clocks go forward: an hour shorter; the day round the clock: 23 hours
        (COPENHAGEN, "2026-03-28", "22:00", "04:00", "2026-03-28T21:00", "2026-03-29T02:00"),
        (COPENHAGEN, "2026-03-29", "00:00", "00:00", "2026-03-28T23:00", "2026-03-29T22:00"),
        # the night they go back: an hour longer; the day round the clock: 25 hours
        (COPENHAGEN, "2026-10-24", "22:00", "04:00", "2026-10-24T20:00", "2026-10-25T03:00"),
        (COPENHAGEN, "2026-10-25", "00:00", "00:00", "2026-10-24T22:00", "2026-10-25T23:00"),
        # a start, or a stop, that the clocks skip is the moment they skip it
        (COPENHAGEN, "2026-03-29", "02:30", "05:00", "2026-03-29T01:00", "2026-03-29T03:00"),
        (COPENHAGEN, "2026-03-29", "01:00", "02:30", "2026-03-29T00:00", "2026-03-29T01:00"),
        (COPENHAGEN, "2026-03-29", "02:00", "03:30", "2026-03-29T01:00", "2026-03-29T01:30"),
        ("America/New_York", "2026-03-08", "02:15", "04:00", "2026-03-08T07:00", "2026-03-08T08:00"),
        ("Australia/Lord_Howe", "2026-10-04", "02:10", "03:00", "2026-10-03T15:30", "2026-10-03T16:00"),
        # one that comes twice is the first of the two
        (COPENHAGEN, "2026-10-25", "02:30", "04:00", "2026-10-25T00:30", "2026-10-25T03:00"),
        (COPENHAGEN, "2026-10-25", "01:00", "02:30", "2026-10-24T23:00", "2026-10-25T00:30"),
        ("America/New_York", "2026-11-01", "01:30", "03:00", "2026-11-01T05:30", "2026-11-01T08:00"),
        ("Australia/Lord_Howe", "2026-04-05", "01:45", "03:00", "2026-04-04T14:45", "2026-04-04T16:30"),
        # half-hour and quarter-hour offsets, and none
        ("Asia/Kathmandu", "2026-07-01", "09:00", "17:00", "2026-07-01T03:15", "2026-07-01T11:15"),
        ("UTC", "2026-07-01", "09:00:30", "17:00:59", "2026-07-01T09:00:30", "2026-07-01T17:00:59"),
    ],
)
def test_times_on_the_wall_stay_and_the_moments_move(
    zone: str, day: str, start: str, stop: str, starts_at: str, ends_at: str
) -> None:
    slot = produced(
        zone, date.fromisoformat(day), start_time=time.fromisoformat(start), stop_time=time.fromisoformat(stop)
    )
    assert slot is not None
    assert slot.date == date.fromisoformat(day)
    assert slot.starts_at == datetime.fromisoformat(starts_at).replace(tzinfo=UTC)
    assert slot.ends_at == datetime.fromisoformat(ends_at).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "start", "stop"),
    [
        (COPENHAGEN, "2026-03-29", "02:00", "03:00"),
        (COPENHAGEN, "2026-03-29", "02:15", "02:45"),
        ("Australia/Lord_Howe", "2026-10-04", "02:00", "02:30"),
        ("Pacific/Apia", "2011-12-30", "09:00", "17:00"),
    ],
)
def test_a_slot_that_the_clocks_skip_is_not_produced(zone: str, day: str, start: str, stop: str) -> None:
    """In Samoa they once skipped a whole day."""
    times = {"start_time": time.fromisoformat(start), "stop_time": time.fromisoformat(stop)}
    assert produced(zone, date.fromisoformat(day), **times) is None


@given(
    zone=st.sampled_from([COPENHAGEN, "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Beirut"]),
    day=st.dates(date(2000, 1, 1), date(2030, 12, 31)),
    minutes=st.sampled_from([15, 30, 45, 60, 90, 120]),
)
def test_slots_without_gaps_on_the_wall_have_none_in_fact(zone: str, day: date, minutes: int) -> None:
    """Round the clock, on whatever day: each slot ends when the next one starts, and together they are the day."""
    walls = [time(minute // 60, minute % 60) for minute in range(0, 24 * 60, minutes)]
    made = [produced(zone, day, start_time=a, stop_time=b) for a, b in pairwise([*walls, time(0)])]
    real = [slot for slot in made if slot]
    assert all(one.ends_at == other.starts_at for one, other in pairwise(real))
    midnights = [slots.moment(day + timedelta(days=n), time(0), ZoneInfo(zone)) for n in (0, 1)]
    assert [real[0].starts_at, real[-1].ends_at] == midnights


def test_windows_count_from_the_start() -> None:
    """Arrival is the slot's own time where nothing is said; sales have no bound then."""
    slot = produced(COPENHAGEN, date(2026, 7, 1))
    assert slot is not None
    assert (slot.arrival_from, slot.arrival_until) == (slot.starts_at, slot.ends_at)
    assert (slot.sales_from, slot.sales_until) == (None, None)
    slot = produced(
        COPENHAGEN,
        date(2026, 7, 1),
        arrival_from_seconds=-900,
        arrival_until_seconds=0,
        sales_from_seconds=-86400,
        sales_until_seconds=-3600,
    )
    assert slot is not None
    start = datetime(2026, 7, 1, 7, tzinfo=UTC)
    assert (slot.arrival_from, slot.arrival_until) == (start - timedelta(minutes=15), start)
    assert (slot.sales_from, slot.sales_until) == (start - timedelta(days=1), start - timedelta(hours=1))


# ----------------------------------------------------------------------------------------- a whole admission


def test_slots_are_made_from_today_to_as_many_days_ahead() -> None:
    made = slots.of_admission([(line(), schedule(days_ahead=2))], ZoneInfo("UTC"), date(2026, 7, 10))
    assert [slot.date.day for slot in made] == [10, 11, 12]
    made = slots.of_admission([(line(), schedule(days_ahead=0))], ZoneInfo("UTC"), date(2026, 7, 10))
    assert [slot.date.day for slot in made] == [10]


def test_a_nearer_end_may_be_asked_for() -> None:
    made = slots.of_admission([(line(), schedule())], ZoneInfo("UTC"), date(2026, 7, 10), date(2026, 7, 11))
    assert [slot.date.day for slot in made] == [10, 11]


def test_a_closed_schedule_makes_closed_slots_and_a_blocked_line_none() -> None:
    lines = [(line(), schedule(produces="CLOSED")), (line(id=2, is_blocked=True), schedule(start_time=time(8)))]
    made = slots.of_admission(lines, ZoneInfo("UTC"), date(2026, 7, 10), date(2026, 7, 10))
    assert [(slot.line_id, slot.state) for slot in made] == [(1, "CLOSED")]


@pytest.mark.parametrize(
    ("orders", "winner"), [([(1, 0), (2, 0)], 2), ([(1, 5), (2, 0)], 1), ([(2, 1), (1, 1)], 2), ([(1, 0), (2, 1)], 2)]
)
def test_at_the_same_start_the_higher_process_order_wins(orders: list[tuple[int, int]], winner: int) -> None:
    """Of two equal ones, the later line. Only the start collides: an overlap does not."""
    lines = [(line(id=id_, process_order=order), schedule(stop_time=time(10 + id_))) for id_, order in orders]
    lines.append((line(id=9), schedule(start_time=time(9, 30))))
    made = slots.of_admission(lines, ZoneInfo(COPENHAGEN), date(2026, 7, 10), date(2026, 7, 10))
    assert [slot.line_id for slot in made] == [winner, 9]


# -------------------------------------------------------------------------------------------------- calendars


def calendar_line(text: str, **day: Any) -> CalendarLineRow:
    kind = "DATE" if "date" in day else "WEEKDAY" if "weekday" in day else "YEARLY"
    nothing: dict[str, Any] = {"date": None, "weekday": None, "month": None, "day": None}
    return CalendarLineRow(id=1, calendar_id=1, kind=kind, text=text, **nothing | day)


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        ("2026-12-23", None),
        ("2026-12-24", "Christmas"),
        ("2027-12-24", "Christmas"),
        ("2026-12-21", "Monday"),
        ("2026-12-28", "Stocktaking"),  # a Monday too
        ("2028-12-25", "Christmas Day"),  # a Monday too
        ("2028-02-29", "Leap day"),
        ("2027-03-01", "Monday"),
        ("2027-02-28", None),
    ],
)
def test_the_most_particular_line_of_a_calendar_speaks(day: str, reason: str | None) -> None:
    lines = [
        calendar_line("Monday", weekday=0),
        calendar_line("Christmas", month=12, day=24),
        calendar_line("Christmas Day", month=12, day=25),
        calendar_line("Leap day", month=2, day=29),
        calendar_line("Stocktaking", date=date(2026, 12, 28)),
    ]
    assert closed_because(lines, date.fromisoformat(day)) == reason


# ------------------------------------------------------------------------------------------------ anew, and anew


TODAY = date(2026, 7, 10)
HOUR = timedelta(hours=1)

plans = st.lists(
    st.tuples(
        st.builds(line, process_order=st.integers(0, 1), is_blocked=st.booleans()),
        st.builds(
            schedule,
            every=st.integers(1, 3),
            start_time=st.sampled_from([time(9), time(10), time(2, 30)]),
            stop_time=st.sampled_from([time(9), time(11), time(12)]),
            arrival_until_seconds=st.none() | st.just(600),
            sales_from_seconds=st.none() | st.just(-3600),
            days_ahead=st.integers(0, 5),
            produces=st.sampled_from(["OPEN", "CLOSED"]),
            occurrences=st.none() | st.integers(8, 14),
        ),
    ),
    min_size=1,
    max_size=3,
)


def produced_by(plan: list[tuple[ScheduleLineRow, ScheduleRow]]) -> list[GeneratedSlot]:
    lines = [(line._replace(id=n), schedule) for n, (line, schedule) in enumerate(plan, 1)]
    return slots.of_admission(lines, ZoneInfo(COPENHAGEN), TODAY)


def applied(kept: list[KeptSlot], produced: list[GeneratedSlot], mode: GenerationMode) -> list[KeptSlot]:
    made, changes = generation.compared(kept, produced, mode)
    after = {slot.id: slot for slot in kept} | {change.before.id: change.after for change in changes}
    new = [
        KeptSlot(id=n, **slot._asdict(), capacity_control=None, max_capacity=None, by_hand={})
        for n, slot in enumerate(made, len(kept) + 1)
    ]
    return [*after.values(), *new]


def edited(slot: KeptSlot, edit: str) -> KeptSlot:
    """As an edit by hand leaves it."""
    match edit:
        case "moved":
            slot = slot_changes.moved(slot, slot.starts_at + HOUR, slot.ends_at + 2 * HOUR)
            names = ["starts_at", "ends_at"]
        case "closed":
            slot, names = slot._replace(state="CLOSED", closed_reason="Storm."), ["state", "closed_reason"]
        case "sold for ever":
            slot, names = slot._replace(sales_from=None, sales_until=None), ["sales_from", "sales_until"]
        case _:
            names = []
    if slot.state == "CANCELED":
        return slot
    return slot._replace(by_hand={name: slot_changes.plain(getattr(slot, name)) for name in names})


@given(
    first=plans,
    second=plans,
    edits=st.lists(st.sampled_from(["moved", "closed", "sold for ever", "left alone"]), min_size=20, max_size=20),
)
def test_calculating_a_second_time_changes_nothing(first: Any, second: Any, edits: list[str]) -> None:
    """Whatever the schedules were and have become, and whatever was edited; recreated, slots are as produced."""
    kept = applied([], produced_by(first), GenerationMode.CALCULATE)
    kept = [edited(slot, edit) for slot, edit in zip(kept, [*edits, *edits], strict=False)]
    for mode in (GenerationMode.CALCULATE, GenerationMode.RECREATE):
        after = applied(kept, produced_by(second), mode)
        assert [(s.id, s.line_id, s.date) for s in after[: len(kept)]] == [(s.id, s.line_id, s.date) for s in kept]
        assert generation.compared(after, produced_by(second), mode) == ([], [])
        assert all(slot.ends_at > slot.starts_at for slot in after)
    in_force = {(slot.line_id, slot.date): slot for slot in after if slot.state != "CANCELED"}
    assert in_force.keys() == {(slot.line_id, slot.date) for slot in produced_by(second)}
    for slot in produced_by(second):
        assert in_force[slot.line_id, slot.date]._asdict().items() >= slot._asdict().items()
    back = applied(applied(kept, [], GenerationMode.CALCULATE), produced_by(first), GenerationMode.CALCULATE)
    assert back == applied(kept, produced_by(first), GenerationMode.CALCULATE)
