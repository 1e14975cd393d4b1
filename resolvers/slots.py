"""Time slots as schedules produce them. Pure: ``generation`` keeps them.

Source: domain.md, "Things". A schedule speaks in local days and wall-clock times; its admission's zone makes moments of
them. When the clocks change, the times on the wall stay and the moments move.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import count
from zoneinfo import ZoneInfo

from db.calendar import CalendarLineRow
from db.schedule import Recurrence, ScheduleLineRow, ScheduleRow
from db.time_slot import GeneratedSlot, SlotState

from .calendar import closed_because

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def days(schedule: ScheduleRow, first: date, last: date) -> Iterator[date]:
    """The local days from ``first`` to ``last``, both included, on which the schedule produces a slot, in order.

    ONCE is the start date, whatever its weekday. DAILY is every so many days from the start date, of which the weekdays
    pick; WEEKLY is the weekdays in every so many weeks, and a week is seven days from the start date. Nothing else is
    counted from: not the calendar's weeks, not ``first``. ``occurrences`` counts from the start date too, past days
    included.
    """
    cycle, offsets = _cycle(schedule)
    if not offsets:
        return
    begin = schedule.start_date.toordinal()
    end = min(last, schedule.until_date or last).toordinal()
    cycles, rest = divmod(max(first.toordinal() - begin, 0), cycle)
    for number in count(cycles * len(offsets) + bisect_left(offsets, rest)):
        if number >= _occurrences(schedule):
            return
        cycles, place = divmod(number, len(offsets))
        day = begin + cycles * cycle + offsets[place]
        if day > end:
            return
        yield date.fromordinal(day)


def _cycle(schedule: ScheduleRow) -> tuple[int, list[int]]:
    """After how many days the schedule repeats itself, and on which of these it produces, from the start date on."""
    if schedule.recurrence == Recurrence.ONCE:
        return 1, [0]
    step = schedule.every if schedule.recurrence == Recurrence.DAILY else 1
    weekday = schedule.start_date.weekday()
    return 7 * schedule.every, [n for n in range(0, 7 * step, step) if schedule.weekdays >> (weekday + n) % 7 & 1]


def _occurrences(schedule: ScheduleRow) -> float:
    if schedule.recurrence == Recurrence.ONCE:
        return 1
    return float("inf") if schedule.occurrences is None else schedule.occurrences


def moment(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """When the clock on the wall shows that time on that day, in UTC.

    A time that comes twice, when the clocks go back, is the first of the two; one that the clocks skip is the moment
    they skip it. So what follows without a gap on the wall follows without a gap or an overlap in fact.
    """
    local = datetime.combine(day, wall, zone)
    late = local.astimezone(UTC)
    if late.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return late
    early = local.replace(fold=1).astimezone(UTC)
    offset = late.astimezone(zone).utcoffset()

    def has_changed(seconds: int) -> bool:
        return (early + seconds * SECOND).astimezone(zone).utcoffset() == offset

    return early + bisect_left(range((late - early) // SECOND), True, key=has_changed) * SECOND


def slot(line: ScheduleLineRow, schedule: ScheduleRow, day: date, zone: ZoneInfo) -> GeneratedSlot | None:
    """The slot of that day, or None if the clocks skip all of it.

    A stop before the start is the next day's; an equal one makes it last until the same time of the next day: 24 hours,
    but for the days on which the clocks change. The windows count real seconds from the start.
    """
    starts_at = moment(day, schedule.start_time, zone)
    ends_at = moment(day if schedule.stop_time > schedule.start_time else day + DAY, schedule.stop_time, zone)
    if ends_at <= starts_at:
        return None
    after_start = partial(_after, starts_at)
    return GeneratedSlot(
        line_id=line.id,
        date=day,
        admission_id=line.admission_id,
        starts_at=starts_at,
        ends_at=ends_at,
        arrival_from=after_start(schedule.arrival_from_seconds) or starts_at,
        arrival_until=after_start(schedule.arrival_until_seconds) or ends_at,
        sales_from=after_start(schedule.sales_from_seconds),
        sales_until=after_start(schedule.sales_until_seconds),
        state=schedule.produces,
    )


def _after(moment: datetime, seconds: int | None) -> datetime | None:
    return None if seconds is None else moment + seconds * SECOND


def of_admission(
    lines: Iterable[tuple[ScheduleLineRow, ScheduleRow]],
    zone: ZoneInfo,
    today: date,
    last: date | None = None,
    calendar: Sequence[CalendarLineRow] = (),
) -> list[GeneratedSlot]:
    """Every slot from ``today`` on, by start: as far ahead as each schedule goes, or to ``last`` if that is sooner.

    Past days are never touched. A blocked line produces nothing. At the same start on the same day the line with the
    higher process order wins; of two equal ones, the later line. The admission's calendar closes what it says.
    """
    winners: dict[tuple[date, datetime], GeneratedSlot] = {}
    for line, schedule in sorted(lines, key=lambda pair: (pair[0].process_order, pair[0].id)):
        if line.is_blocked:
            continue
        horizon = today + schedule.days_ahead * DAY
        for day in days(schedule, today, horizon if last is None else min(horizon, last)):
            if produced := slot(line, schedule, day, zone):
                winners[day, produced.starts_at] = closed(produced, calendar)
    return sorted(winners.values(), key=lambda produced: (produced.starts_at, produced.line_id))


def closed(produced: GeneratedSlot, calendar: Sequence[CalendarLineRow]) -> GeneratedSlot:
    """The slot as it is under the calendar of its admission: on its days it is CLOSED, for the reason in its text."""
    reason = closed_because(calendar, produced.date)
    return produced if reason is None else produced._replace(state=SlotState.CLOSED.value, closed_reason=reason)
