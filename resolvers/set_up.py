"""The wizard: one call makes a sellable ticket: its type, item, admission, schedules and slots."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from decimal import Decimal
from itertools import combinations, count
from typing import Any

import db
from db.admission import AdmissionKind, AdmissionRow, CapacityControl, CapacityLimitsBy, ScheduleSelection
from db.engine import Read, Write
from db.keys import key
from db.schedule import NewSchedule, Recurrence, Weekday, weekday_bits
from db.ticket_item import TicketItemRow, TicketKind, TicketTypeRow

from . import generation
from .admission import LARGEST_CAPACITY, time_zone
from .contents import LineRules, rules_of
from .context import Context, Rules
from .numbers import currency, minor_units, within
from .refusals import Outcome, RefusalCode, Refusals, Refused
from .schedule import LONGEST_DAYS_AHEAD
from .texts import NAME_LENGTH, required, text
from .ticket_item import TICKET_PATTERN, ticket_pattern

SCHEDULES = 20
RULES = LineRules(duration_days=365)
"""Of the one content line, where the caller says nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleWish:
    """When it is open on its weekdays, for how many, and how far ahead it is sold."""

    start_time: time
    stop_time: time
    capacity: int
    weekdays: tuple[Weekday, ...] = tuple(Weekday)
    capacity_control: CapacityControl = CapacityControl.SALES
    prebook_days: int = 30
    prebook_required: bool = False

    @property
    def weekday_bits(self) -> int:
        return weekday_bits(self.weekdays)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the caller asked for, with the defaults of what was left out; None follows from the rest."""

    ticket_type_code: str
    ticket_type_description: str | None = None
    kind: TicketKind = TicketKind.INDIVIDUAL
    external_ticket_pattern: str = TICKET_PATTERN
    item_no: str | None = None
    description: str
    unit_price: Decimal
    currency: str | None = None
    admission_code: str | None = None
    admission_description: str | None = None
    admission_kind: AdmissionKind = AdmissionKind.EVENT
    time_zone: str | None = None
    start_date: date
    until_date: date | None = None
    schedules: tuple[ScheduleWish, ...]
    rules: LineRules = RULES

    @property
    def prebook_required(self) -> bool:
        """If any schedule asks for it, else what the kind of admission brings along."""
        return any(wish.prebook_required for wish in self.schedules) or self.admission_kind == AdmissionKind.EVENT


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUpOutcome(Outcome):
    """The item and the admission as they stand after the commit, or unchanged when refused."""

    item_id: int | None = None
    admission_id: int | None = None


@dataclass(frozen=True, slots=True)
class _Existing:
    """What is there already of what the wish names."""

    type: TicketTypeRow | None
    item: TicketItemRow | None
    admission: AdmissionRow | None

    @classmethod
    async def of(cls, read: Read, wish: Wish) -> "_Existing":
        type_key, item, admission_key = key(wish.ticket_type_code), key(wish.item_no), key(wish.admission_code)
        return cls(
            (await db.ticket_item.types_by_codes(read, [type_key])).get(type_key),
            (await db.ticket_item.by_numbers(read, [(item, "")])).get((item, "")) if item else None,
            (await db.admission.by_keys(read, [admission_key])).get(admission_key) if admission_key else None,
        )

    @property
    def outcome(self) -> SetUpOutcome:
        return SetUpOutcome(
            item_id=self.item.id if self.item else None,
            admission_id=self.admission.id if self.admission else None,
        )


async def set_up(context: Context, wish: Wish) -> SetUpOutcome:
    """Make what is missing of: ticket type, item with one content line, admission, weekly schedules, their slots.

    What exists already, by its code or number, is used as it is and not changed; so doing it again changes nothing. A
    schedule is the same if admission, weekdays, times and dates are. An item number or admission code that is left out
    is the next of its series, hence a new one each time. An existing item that does not admit to the admission is
    refused (CONFLICT): it would not become what was asked for. The slots are those of today and the days that each
    schedule is sold ahead. Refused else: INVALID_INPUT, for everything that is wrong at once.
    """
    found = Refusals()
    wish = _checked(wish, context.rules, found)
    line, price = rules_of(wish.rules, found), _price(wish, context.rules, found)
    async with context.writing() as write:
        existing = await _Existing.of(write, wish)
        if existing.item is not None and not await _admits(write, existing.item, existing.admission):
            message = f"The item {existing.item.item_no} exists and does not admit to this admission: add it there."
            found.add(RefusalCode.CONFLICT, message, "itemNo")
        if found.found:
            raise Refused(replace(existing.outcome, refusals=tuple(found.found)))
        ticket_type = existing.type or await _add_type(write, wish)
        admission = existing.admission or await _add_admission(write, wish)
        line |= {"admission_id": admission.id, "is_default": True}
        item = existing.item or await _add_item(write, wish, ticket_type, price, line)
        await _add_schedules(write, wish, admission)
        await generation.add_missing(write, admission)
    return SetUpOutcome(item_id=item.id, admission_id=admission.id)


# ------------------------------------------------------------------------------------------------------ checks


def _checked(wish: Wish, rules: Rules, found: Refusals) -> Wish:
    """The wish with its texts trimmed; everything that needs no look-up is checked."""
    if wish.until_date is not None and wish.until_date < wish.start_date:
        found.add(RefusalCode.INVALID_INPUT, "untilDate is not before startDate.", "untilDate")
    within(found, len(wish.schedules), "schedules", at_least=1, at_most=SCHEDULES)
    for i, schedule in enumerate(wish.schedules[:SCHEDULES]):
        _check_schedule(schedule, i, found)
    _check_collisions(wish.schedules[:SCHEDULES], found)
    return replace(
        wish,
        ticket_type_code=required(found, wish.ticket_type_code, "ticketTypeCode"),
        ticket_type_description=text(found, wish.ticket_type_description, "ticketTypeDescription", at_most=NAME_LENGTH),
        external_ticket_pattern=ticket_pattern(found, wish.external_ticket_pattern),
        item_no=_optional(found, wish.item_no, "itemNo"),
        description=required(found, wish.description, "description", at_most=NAME_LENGTH),
        admission_code=_optional(found, wish.admission_code, "admissionCode"),
        admission_description=text(found, wish.admission_description, "admissionDescription", at_most=NAME_LENGTH),
        time_zone=rules.time_zone.key if wish.time_zone is None else time_zone(found, wish.time_zone),
    )


def _optional(found: Refusals, given: str | None, path: str) -> str | None:
    """A number may be left out, not blank: that is a mistake, not a wish for the next of the series."""
    return None if given is None else required(found, given, path)


def _check_schedule(schedule: ScheduleWish, index: int, found: Refusals) -> None:
    path = ("schedules", index)
    if not schedule.weekdays:
        found.add(RefusalCode.INVALID_INPUT, "A schedule has at least one weekday.", *path, "weekdays")
    within(found, schedule.capacity, *path, "capacity", at_least=0, at_most=LARGEST_CAPACITY)
    within(found, schedule.prebook_days, *path, "prebookDays", at_least=0, at_most=LONGEST_DAYS_AHEAD)


def _check_collisions(schedules: Sequence[ScheduleWish], found: Refusals) -> None:
    """Overlaps are allowed; only an identical start collides, and one of the two would make no slots."""
    for (_, one), (i, other) in combinations(enumerate(schedules), 2):
        if one.start_time == other.start_time and one.weekday_bits & other.weekday_bits:
            message = "Another of the schedules starts at the same time on the same weekday."
            found.add(RefusalCode.INVALID_INPUT, message, "schedules", i, "startTime")


async def _admits(read: Read, item: TicketItemRow, admission: AdmissionRow | None) -> bool:
    contents = (await db.ticket_item.contents_of(read, [item.id])).get(item.id, ())
    return admission is not None and any(line.admission_id == admission.id for line in contents)


def _price(wish: Wish, rules: Rules, found: Refusals) -> tuple[int, str]:
    sold_in = currency(found, wish.currency, rules.currency)
    return minor_units(found, wish.unit_price, sold_in, "unitPrice"), sold_in


# ------------------------------------------------------------------------------------------------ what is missing


async def _add_type(write: Write, wish: Wish) -> TicketTypeRow:
    added = await db.ticket_item.add_type(
        write,
        code=wish.ticket_type_code,
        description=wish.ticket_type_description or wish.ticket_type_code,
        kind=wish.kind,
        external_ticket_pattern=wish.external_ticket_pattern,
    )
    added = added or (await _Existing.of(write, wish)).type  # somebody else has just added it
    assert added is not None
    return added


async def _add_admission(write: Write, wish: Wish) -> AdmissionRow:
    for code in _codes(wish.admission_code, "A", await db.admission.next_id(write)):
        added = await db.admission.add(
            write,
            code=code,
            description=wish.admission_description or wish.description,
            kind=wish.admission_kind,
            time_zone=wish.time_zone or "UTC",
            capacity_limits_by=CapacityLimitsBy.SCHEDULE,
            capacity_control=wish.schedules[0].capacity_control,
            max_capacity=max(schedule.capacity for schedule in wish.schedules),
            prebook_required=wish.prebook_required,
            default_schedule=ScheduleSelection.SCHEDULE_ENTRY if wish.prebook_required else ScheduleSelection.TODAY,
        )
        if added is not None:
            return added
    added = (await _Existing.of(write, wish)).admission
    assert added is not None
    return added


async def _add_item(
    write: Write, wish: Wish, ticket_type: TicketTypeRow, price: tuple[int, str], line: Mapping[str, Any]
) -> TicketItemRow:
    for number in _codes(wish.item_no, "T", await db.ticket_item.next_id(write)):
        added = await db.ticket_item.add(
            write,
            item_no=number,
            description=wish.description,
            ticket_type_id=ticket_type.id,
            unit_price_minor=price[0],
            currency=price[1],
        )
        if added is not None:
            await db.ticket_item.add_contents(write, added.id, [(line, ())])
            return added
    added = (await _Existing.of(write, wish)).item
    assert added is not None
    return added


def _codes(given: str | None, letter: str, first: int) -> Iterable[str]:
    """The code that was given; else those of the series, until one is free."""
    return (f"{letter}{number:05}" for number in count(first)) if given is None else (given,)


async def _add_schedules(write: Write, wish: Wish, admission: AdmissionRow) -> None:
    """Under the admission's lock: two wizards of one admission add their schedules one after the other."""
    await db.admission.lock(write, admission.id)
    for schedule in wish.schedules:
        new = _schedule(wish, schedule, admission)
        row = await db.schedule.add(write, new)
        row = row or (await db.schedule.by_codes(write, [key(new.code)]))[key(new.code)]
        await db.schedule.add_line(write, admission.id, row)


def _schedule(wish: Wish, schedule: ScheduleWish, admission: AdmissionRow) -> NewSchedule:
    """Its code says what makes it the same schedule: admission, weekdays (Monday is 1), times and dates."""
    days = "".join(str(n) for n, day in enumerate(Weekday, 1) if day in schedule.weekdays)
    times = f"{_wall(schedule.start_time)}-{_wall(schedule.stop_time)}"
    dates = f"{wish.start_date}..{wish.until_date or ''}"
    return NewSchedule(
        code=f"{admission.code} {days} {times} {dates}",
        description=f"{admission.description}, {times}"[:NAME_LENGTH],
        recurrence=Recurrence.WEEKLY,
        start_date=wish.start_date,
        until_date=wish.until_date,
        start_time=schedule.start_time,
        stop_time=schedule.stop_time,
        days_ahead=schedule.prebook_days,
        capacity_control=schedule.capacity_control,
        max_capacity=schedule.capacity,
        weekdays=schedule.weekday_bits,
    )


def _wall(moment: time) -> str:
    return moment.isoformat("minutes" if not moment.second else "seconds")
