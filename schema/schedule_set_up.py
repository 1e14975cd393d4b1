"""Setting up when things are open: the mutations of admissions, schedules, their lines, and calendars."""

from datetime import date as LocalDate
from datetime import time
from typing import Annotated

import strawberry
from strawberry import UNSET

from db.admission import AdmissionKind, CapacityControl, CapacityLimitsBy, ScheduleSelection
from db.schedule import Recurrence, ScheduleProduces
from resolvers import admission, calendar, loaders, schedule

from .admission import Admission
from .calendar import Calendar
from .given import given_of, said_of
from .refusals import Refusable, outcome
from .relations import relation
from .schedule import Schedule, ScheduleLine
from .set_up import AS_IT_STANDS
from .weekday import Weekday

WHEN_GENERATED = "It shows in the slots when they are next generated."


# --------------------------------------------------------------------------------------------------- admissions


@strawberry.input(
    description="An admission. Of an existing one, what is left out stays, and null clears the calendar. "
    "A new one needs kind."
)
class AdmissionUpsertInput:
    code: str = strawberry.field(description="Unique, case ignored.")
    description: str | None = strawberry.field(
        default=UNSET, description="What people call it. Of a new one, by default: its code."
    )
    kind: AdmissionKind | None = strawberry.field(
        default=UNSET, description="A place, or an event with a fixed start inside one."
    )
    time_zone: str | None = strawberry.field(
        default=UNSET,
        description="IANA name. Its schedules' times stay on the wall; its slots move when they are next generated. "
        "Of a new one, by default: the setting's.",
    )
    capacity_limits_by: CapacityLimitsBy | None = strawberry.field(
        default=UNSET,
        description="Where control and maximum of its slots come from. Of a new one, by default: SCHEDULE.",
    )
    capacity_control: CapacityControl | None = strawberry.field(
        default=UNSET, description="In force where capacityLimitsBy is ADMISSION. Of a new one, by default: SALES."
    )
    max_capacity: int | None = strawberry.field(
        default=UNSET,
        description="Places per slot, 0 to 1 000 000; in force where capacityLimitsBy is ADMISSION, and needed there.",
    )
    prebook_required: bool | None = strawberry.field(
        default=UNSET,
        description="Whether the gate asks for a reservation. Of a new one, by default: true for an EVENT.",
    )
    default_schedule: ScheduleSelection | None = strawberry.field(
        default=UNSET,
        description="How a slot is picked when the caller chose none. Of a new one, by default: SCHEDULE_ENTRY if a "
        "reservation is needed, else TODAY.",
    )
    calendar_code: str | None = strawberry.field(
        default=UNSET, description=f"The calendar that closes its slots; null: none. {WHEN_GENERATED}"
    )


@strawberry.type(description="What became of an admission.")
class AdmissionUpsertPayload(Refusable):
    admission: Admission | None = relation(loaders.admissions, "row_id", description=f"The admission. {AS_IT_STANDS}")


# ---------------------------------------------------------------------------------------------------- schedules


@strawberry.input(
    description="A schedule. Of an existing one, what is left out stays, and null clears its end and its windows. "
    f"A new one needs startDate, startTime, stopTime and, unless its control is NONE, maxCapacity. {WHEN_GENERATED}"
)
class ScheduleUpsertInput:
    code: str = strawberry.field(description="Unique, case ignored.")
    description: str | None = strawberry.field(
        default=UNSET, description="What people call it. Of a new one, by default: its code."
    )
    recurrence: Recurrence | None = strawberry.field(
        default=UNSET,
        description="How it repeats itself. Of a new one, by default: WEEKLY. ONCE is not repeated and has neither "
        "weekdays nor an end: it drops what there was of these.",
    )
    every: int | None = strawberry.field(
        default=UNSET,
        description="Every so many days or weeks from the start date: 1 to 1 000. Of a new one, by default: 1.",
    )
    weekdays: list[Weekday] | None = strawberry.field(
        default=UNSET, description="At least one. Of a new one, by default: every weekday."
    )
    start_date: LocalDate | None = strawberry.field(default=UNSET, description="The first day that is counted from.")
    until_date: LocalDate | None = strawberry.field(
        default=UNSET, description="The last day on which it may make a slot; null: no such end. Not with occurrences."
    )
    occurrences: int | None = strawberry.field(
        default=UNSET,
        description="It ends after so many slots, past ones included: 1 to 100 000; null: no such end. "
        "Not with untilDate.",
    )
    start_time: time | None = strawberry.field(default=UNSET, description="When each slot starts, on the wall.")
    stop_time: time | None = strawberry.field(
        default=UNSET, description="When it ends; before startTime: on the next day; the same: 24 hours later."
    )
    arrival_from_minutes_before: int | None = strawberry.field(
        default=UNSET,
        description="Let guests in from so many minutes before the start on (negative: after it), at most a week; "
        "null: from the start on.",
    )
    arrival_until_minutes_after: int | None = strawberry.field(
        default=UNSET,
        description="Let guests in until so many minutes after the start (negative: before it), at most a week; "
        "null: until the end.",
    )
    sales_from_minutes_before: int | None = strawberry.field(
        default=UNSET,
        description="Sell from so many minutes before the start on (negative: after it), at most three years; "
        "null: no bound.",
    )
    sales_until_minutes_before: int | None = strawberry.field(
        default=UNSET,
        description="Sell until so many minutes before the start (negative: after it), at most three years; "
        "null: no bound.",
    )
    days_ahead: int | None = strawberry.field(
        default=UNSET,
        description="Slots are made from today until so many days later: 0 to 1 000. Of a new one, by default: 30.",
    )
    capacity_control: CapacityControl | None = strawberry.field(
        default=UNSET,
        description="In force where an admission's capacityLimitsBy is SCHEDULE. Of a new one, by default: SALES.",
    )
    max_capacity: int | None = strawberry.field(
        default=UNSET,
        description="Places per slot, 0 to 1 000 000; in force where an admission's capacityLimitsBy is SCHEDULE.",
    )
    produces: ScheduleProduces | None = strawberry.field(
        default=UNSET, description="Open or closed slots. Of a new one, by default: OPEN."
    )


@strawberry.type(description="What became of a schedule.")
class ScheduleUpsertPayload(Refusable):
    schedule: Schedule | None = relation(loaders.schedules, "row_id", description=f"The schedule. {AS_IT_STANDS}")


@strawberry.input(
    description=f"A schedule joined to an admission. What is left out stays; of a new line it is the default. "
    f"{WHEN_GENERATED}"
)
class ScheduleLineUpsertInput:
    admission_code: str = strawberry.field(description="An existing admission.")
    schedule_code: str = strawberry.field(description="An existing schedule, joined to the admission at most once.")
    process_order: int | None = strawberry.field(
        default=UNSET,
        description="At the same start on the same day the higher makes the slot; of two equal ones, the later line. "
        "-1 000 000 to 1 000 000. Default: 0.",
    )
    capacity_control: CapacityControl | None = strawberry.field(
        default=UNSET,
        description="In force where the admission's capacityLimitsBy is SLOT. Default: the schedule's at that time.",
    )
    max_capacity: int | None = strawberry.field(
        default=UNSET,
        description="Places per slot, 0 to 1 000 000; in force where the admission's capacityLimitsBy is SLOT. "
        "Default: the schedule's at that time.",
    )
    is_blocked: bool | None = strawberry.field(
        default=UNSET, description="true: it makes no slots, and those to come are canceled. Default: false."
    )


@strawberry.type(description="What became of a schedule line.")
class ScheduleLineUpsertPayload(Refusable):
    schedule_line: ScheduleLine | None = relation(
        loaders.schedule_lines, "row_id", description=f"The line. {AS_IT_STANDS}"
    )


# ---------------------------------------------------------------------------------------------------- calendars


@strawberry.input(description="A date of every year. 29 February comes in leap years only.")
class YearlyDateInput:
    month: int = strawberry.field(description="1 is January.")
    day: int = strawberry.field(description="The day of the month.")


@strawberry.input(one_of=True, description="Which days: exactly one of these.")
class CalendarDayInput:
    date: LocalDate | None = strawberry.field(default=UNSET, description="One date.")
    weekday: Weekday | None = strawberry.field(default=UNSET, description="A day of every week.")
    yearly: YearlyDateInput | None = strawberry.field(default=UNSET, description="A date of every year.")


@strawberry.input(description="A day on which something is closed, and why.")
class CalendarLineInput:
    on: CalendarDayInput = strawberry.field(description="Which days; each listed at most once.")
    text: str = strawberry.field(description="Why it is closed, in words for the guest.")


@strawberry.input(description="A calendar. What is left out stays.")
class CalendarUpsertInput:
    code: str = strawberry.field(description="Unique, case ignored.")
    description: str | None = strawberry.field(
        default=UNSET, description="What people call it. Of a new one, by default: its code."
    )
    lines: list[CalendarLineInput] | None = strawberry.field(
        default=UNSET, description="Replaces all lines; at most 1 000. An empty list: it closes nothing."
    )


@strawberry.type(description="What became of a calendar.")
class CalendarUpsertPayload(Refusable):
    calendar: Calendar | None = relation(loaders.calendars, "row_id", description=f"The calendar. {AS_IT_STANDS}")


# ---------------------------------------------------------------------------------------------------- mutations


@strawberry.type
class ScheduleMutations:
    """Each field is one transaction."""

    @strawberry.mutation(description="Make or change an admission.")
    async def admission_upsert(
        self,
        info: strawberry.Info,
        input: Annotated[AdmissionUpsertInput, strawberry.argument(description="The admission.")],
    ) -> AdmissionUpsertPayload | None:
        given = given_of(input)
        return await outcome(admission.upsert(info.context, given.pop("code"), given))

    @strawberry.mutation(description="Make or change a schedule.")
    async def schedule_upsert(
        self,
        info: strawberry.Info,
        input: Annotated[ScheduleUpsertInput, strawberry.argument(description="The schedule.")],
    ) -> ScheduleUpsertPayload | None:
        given = given_of(input)
        return await outcome(schedule.upsert(info.context, given.pop("code"), given))

    @strawberry.mutation(description="Join a schedule to an admission, or change how it is joined.")
    async def schedule_line_upsert(
        self,
        info: strawberry.Info,
        input: Annotated[ScheduleLineUpsertInput, strawberry.argument(description="The line.")],
    ) -> ScheduleLineUpsertPayload | None:
        given = given_of(input)
        codes = given.pop("admission_code"), given.pop("schedule_code")
        return await outcome(schedule.upsert_line(info.context, *codes, given))

    @strawberry.mutation(
        description="Make or change a calendar. For tickets it holds at once, for slots when they are next generated."
    )
    async def calendar_upsert(
        self,
        info: strawberry.Info,
        input: Annotated[CalendarUpsertInput, strawberry.argument(description="The calendar.")],
    ) -> CalendarUpsertPayload | None:
        given = given_of(input)
        if given.get("lines") is not None:
            given["lines"] = [_calendar_line(line) for line in given["lines"]]
        return await outcome(calendar.upsert(info.context, given.pop("code"), given))


def _calendar_line(input: CalendarLineInput) -> calendar.CalendarLine:
    on = said_of(input.on)
    if "yearly" in on:
        on["yearly"] = (on["yearly"].month, on["yearly"].day)
    return calendar.CalendarLine(calendar.CalendarDay(**on), input.text)
