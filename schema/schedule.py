"""Schedules, the lines that join them to admissions, and the time slots that these make, and how full they are."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import date as LocalDate
from datetime import datetime, time
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import strawberry
from strawberry import UNSET

import db
from db.admission import CapacityControl
from db.keys import key
from db.ledger import CapacityEntryKind
from db.schedule import Recurrence, ScheduleProduces, ScheduleRow, weekdays_of
from db.time_slot import SlotState, TimeSlotRow
from resolvers import lists, loaders
from resolvers.policy import Extent, Permission

from .enums import describe
from .node import Node, is_row
from .paging import After, Before, Connection, Edge, First, Last, PageInfo, PageOf, window
from .relations import Way, by_id, listed, one, relation
from .weekday import Weekday

if TYPE_CHECKING:
    from .admission import Admission
    from .ticket_request import TicketRequest

describe(
    SlotState,
    "Whether a slot can be visited.",
    OPEN="It can.",
    CLOSED="It stays listed, and is closed.",
    CANCELED="It no longer takes place. It is never deleted.",
)

describe(
    CapacityControl,
    "What counts against a slot's maximum.",
    NONE="Nothing: unlimited.",
    SALES="Everything held or sold.",
    ADMITTED="Everybody ever let in, once, and the open reservations of an EVENT.",
    ADMITTED_AND_DEPARTED="Those inside now, and open reservations.",
)

describe(
    CapacityEntryKind,
    "What takes places: HELD and SOLD are reservations; ADMITTED are people, where the control counts people.",
    HELD="Held by a registered request that has not expired.",
    SOLD="Sold by a confirmed request; where the control counts people, only the places of those not let in yet.",
    ADMITTED="People let in, each once; under ADMITTED_AND_DEPARTED those of them who are inside now.",
)


describe(
    Recurrence,
    "How a schedule repeats itself.",
    ONCE="On its start date only.",
    DAILY="Every so many days from its start date, of which the weekdays pick.",
    WEEKLY="On its weekdays, every so many weeks; a week is seven days from its start date.",
)

describe(
    ScheduleProduces,
    "What kind of slots a schedule makes.",
    OPEN="Slots that can be visited.",
    CLOSED="Slots that stay listed, and are closed.",
)


def local_moment(name: str, description: str) -> Any:
    """A moment in the offset that the admission has then."""
    moment = attrgetter(name)

    def resolve(root: Any) -> Any:
        found = moment(root)
        return None if found is None else found.astimezone(ZoneInfo(root.time_zone))

    resolve.__annotations__ = {}
    return strawberry.field(resolver=resolve, description=description)


def _itself(slot: TimeSlotRow) -> TimeSlotRow:
    return slot


def _number(attribute: str, description: str) -> Any:
    return relation(loaders.slot_numbers, _itself, attribute=attribute, description=description)


@strawberry.type(description="What takes so many places of a time slot: a line of its ledger.")
class CapacityEntry(Node):
    kind: CapacityEntryKind = strawberry.field(description="A reservation, or people let in.")
    quantity: int = strawberry.field(description="Places.")
    since: datetime = strawberry.field(description="When the places were taken, or the first of the people let in.")
    until: datetime | None = strawberry.field(description="When a hold runs out; null: no end.")
    request: Annotated["TicketRequest", strawberry.lazy("schema.ticket_request")] | None = relation(
        loaders.ticket_requests, "request_id", description="Whose places they are; null where you may not see it."
    )
    is_type_of = is_row(db.ledger.CapacityEntryRow)


@strawberry.type(description="One page of a ledger, and the sum of all its lines.")
class CapacityEntryConnection:
    edges: list[Edge[CapacityEntry]] = strawberry.field(description="The lines with their cursors.")
    nodes: list[CapacityEntry] = strawberry.field(description="The lines alone.")
    page_info: PageInfo = strawberry.field(description="Whether the list goes on.")
    total: int = strawberry.field(description="The places of all lines together, not only of this page.")


@dataclass(slots=True)
class _LedgerPage(PageOf):
    """A page of the ledger with its total."""

    total: int = 0


@strawberry.type(
    description="A generated admission schedule entry. Its id survives every regeneration of the schedule. "
    "What it counts is places."
)
class TimeSlot(Node):
    admission: Annotated["Admission", strawberry.lazy("schema.admission")] = relation(
        loaders.admissions, "admission_id", description="What it lets into."
    )
    schedule_code: str = strawberry.field(description="The schedule that it was generated from.")
    schedule_line: Annotated["ScheduleLine", strawberry.lazy("schema.schedule")] = relation(
        loaders.schedule_lines, "line_id", description="The line that it was generated from."
    )
    date: LocalDate = strawberry.field(description="The local day it belongs to.")
    starts_at: datetime = local_moment("starts_at", "When it starts, in the admission's offset.")
    ends_at: datetime = local_moment("ends_at", "When it ends, in the admission's offset.")
    arrival_from: datetime = local_moment("arrival_from", "From when guests are let in, in the admission's offset.")
    arrival_until: datetime = local_moment("arrival_until", "Until when guests are let in, in the admission's offset.")
    sales_from: datetime | None = local_moment("sales_from", "From when it is sold; null: no bound.")
    sales_until: datetime | None = local_moment("sales_until", "Until when it is sold; null: no bound.")
    state: SlotState = strawberry.field(description="Whether it can be visited.")
    closed_reason: str | None = strawberry.field(description="Why it is closed, in words for the guest.")
    capacity_control: CapacityControl = strawberry.field(description="In force here, after capacityLimitsBy.")
    capacity: int | None = strawberry.field(
        description="The maximum in force here, after capacityLimitsBy; null when the control is NONE."
    )
    held: int | None = _number("held", "Places held by registered requests that have not expired.")
    sold: int | None = _number("sold", "Places taken by confirmed requests.")
    admitted: int | None = _number("admitted", "Places of the people ever let in, each once.")
    inside: int | None = _number("inside", "Places of the people inside now.")
    remaining: int | None = _number("remaining", "Places left: null when unlimited, never negative.")
    is_type_of = is_row(db.time_slot.TimeSlotRow)

    @strawberry.field(
        description="Line by line, why remaining is what it is, in the order in which the places were taken; null for "
        "a gate. Where there is a capacity, remaining is what total leaves of it. Under NONE nothing limits, and the "
        "reservations are listed all the same."
    )
    async def ledger(
        root: Any,
        info: strawberry.Info,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> CapacityEntryConnection | None:
        if info.context.extent(Permission.READ_REQUESTS) is Extent.NO:
            return None
        asked = window(first, after, last, before, db.ledger.BY_SINCE)
        found: Any = await info.context.loaders.load(loaders.ledgers, root, asked)
        ledger: Any = _LedgerPage(found.page, asked.order, total=found.total)
        return ledger


def _minutes(name: str, sign: int, description: str) -> Any:
    """A column of seconds from the start of the slot, shown in minutes before (``sign`` -1) or after it."""
    seconds = attrgetter(name)

    def resolve(root: Any) -> Any:
        found = seconds(root)
        return None if found is None else sign * found // 60

    resolve.__annotations__ = {}
    return strawberry.field(resolver=resolve, description=description)


def _weekdays(root: ScheduleRow) -> list[Weekday]:
    return weekdays_of(root.weekdays)


@strawberry.type(
    description="When something is open: on which days, in the wall-clock time of the admissions that it is joined to. "
    "What is changed shows in the slots when they are next generated; capacity is live."
)
class Schedule(Node):
    code: str = strawberry.field(description="Unique, case ignored.")
    description: str = strawberry.field(description="What people call it.")
    recurrence: Recurrence = strawberry.field(description="How it repeats itself.")
    every: int = strawberry.field(description="Every so many days or weeks, counted from the start date.")
    weekdays: list[Weekday] = strawberry.field(resolver=_weekdays, description="On which days of the week.")
    start_date: LocalDate = strawberry.field(description="The first day on which it may make a slot.")
    until_date: LocalDate | None = strawberry.field(description="The last such day; null: no such end.")
    occurrences: int | None = strawberry.field(description="It ends after so many slots; null: no such end.")
    start_time: time = strawberry.field(description="When each slot starts, on the wall.")
    stop_time: time = strawberry.field(
        description="When it ends, on the wall; before the start: on the next day; the same: 24 hours later."
    )
    arrival_from_minutes_before: int | None = _minutes(
        "arrival_from_seconds",
        -1,
        "Guests are let in from so many minutes before the start on; null: from the start.",
    )
    arrival_until_minutes_after: int | None = _minutes(
        "arrival_until_seconds", 1, "Guests are let in until so many minutes after the start; null: until the end."
    )
    sales_from_minutes_before: int | None = _minutes(
        "sales_from_seconds", -1, "It is sold from so many minutes before the start on; null: no bound."
    )
    sales_until_minutes_before: int | None = _minutes(
        "sales_until_seconds", -1, "It is sold until so many minutes before the start; null: no bound."
    )
    days_ahead: int = strawberry.field(description="Slots are made from today until so many days later.")
    capacity_control: CapacityControl = strawberry.field(
        description="Its own control; in force where an admission's capacityLimitsBy is SCHEDULE."
    )
    max_capacity: int = strawberry.field(
        description="Its own maximum, per slot; in force where an admission's capacityLimitsBy is SCHEDULE."
    )
    produces: ScheduleProduces = strawberry.field(description="Whether its slots are open.")
    lines: list[Annotated["ScheduleLine", strawberry.lazy("schema.schedule")]] = relation(
        loaders.schedule_lines_of_schedules, "id", empty=(), description="The admissions that it is joined to."
    )
    is_type_of = is_row(ScheduleRow)


@strawberry.type(description="A schedule joined to an admission. It is kept for ever.")
class ScheduleLine(Node):
    admission: Annotated["Admission", strawberry.lazy("schema.admission")] = relation(
        loaders.admissions, "admission_id", description="What is open."
    )
    schedule: Schedule = relation(loaders.schedules, "schedule_id", description="When it is open.")
    process_order: int = strawberry.field(
        description="At the same start on the same day the higher makes the slot; of two equal ones, the later line."
    )
    capacity_control: CapacityControl = strawberry.field(
        description="Its own control; in force where the admission's capacityLimitsBy is SLOT."
    )
    max_capacity: int = strawberry.field(
        description="Its own maximum, per slot; in force where the admission's capacityLimitsBy is SLOT."
    )
    is_blocked: bool = strawberry.field(description="A blocked line makes no slots.")
    is_type_of = is_row(db.schedule.ScheduleLineRow)


@strawberry.input(one_of=True, description="Which schedule: exactly one of these.")
class ScheduleBy:
    id: strawberry.ID | None = strawberry.field(default=UNSET, description="The global id.")
    code: str | None = strawberry.field(default=UNSET, description="Its code, case ignored.")


@strawberry.type
class ScheduleQueries:
    schedule: Schedule | None = one(
        ScheduleBy,
        description="One schedule; null if there is none.",
        id=by_id(loaders.schedules, "Schedule"),
        code=Way(loaders.schedules_by_key),
    )
    schedules: Connection[Schedule] | None = listed(lists.schedules, description="All schedules.")


@strawberry.type
class SlotSubscriptions:
    @strawberry.subscription(
        description="A slot of this admission whose numbers, times or state changed, also because a hold ran out; as "
        "it is then. Bursts are merged, at most a few a second. Slots that ended more than a day ago rest."
    )
    async def slot_changed(
        self,
        info: strawberry.Info,
        admission_code: Annotated[str, strawberry.argument(description="Of the admission; case ignored.")],
    ) -> AsyncGenerator[TimeSlot, None]:
        return await info.context.feed.slots(info.context, key(admission_code))
