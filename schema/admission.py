"""Admissions: the places and events that tickets let people into."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import UNSET

import db
from db.admission import AdmissionKind, CapacityControl, CapacityLimitsBy, ScheduleSelection
from resolvers import lists, loaders
from resolvers.availability import start_of_day

from .calendar import Calendar
from .enums import describe
from .node import Node, is_row
from .paging import After, Before, Connection, First, Last, page_of, window
from .relations import EMPTY, Way, by_id, connection, listed, one, relation
from .schedule import ScheduleLine, TimeSlot

if TYPE_CHECKING:
    from .ticket_item import TicketItem

describe(
    AdmissionKind,
    "What one is let into.",
    LOCATION="A place that is open for a stretch of time.",
    EVENT="Something with a fixed start inside a place, normally reserved: a tour.",
)
describe(
    CapacityLimitsBy,
    "Where control and maximum of a slot come from.",
    ADMISSION="From the admission.",
    SCHEDULE="From the schedule.",
    SLOT="From the schedule line, overridden by hand on the slot.",
)
describe(
    ScheduleSelection,
    "How a slot is picked when the caller chose none.",
    TODAY="The one running or next today.",
    NEXT_AVAILABLE="The next from now on.",
    SCHEDULE_ENTRY="The caller must choose.",
    NONE="No slot.",
)


@strawberry.type(description="A place or an event that a ticket lets somebody into.")
class Admission(Node):
    code: str = strawberry.field(description="Unique, case ignored.")
    description: str = strawberry.field(description="What people call it.")
    kind: AdmissionKind = strawberry.field(description="A place, or an event inside one.")
    time_zone: str = strawberry.field(description="IANA name; its days and wall-clock times are told in this zone.")
    capacity_limits_by: CapacityLimitsBy = strawberry.field(
        description="Where control and maximum of its slots come from."
    )
    capacity_control: CapacityControl = strawberry.field(
        description="The admission's own control; in force where capacityLimitsBy is ADMISSION."
    )
    max_capacity: int = strawberry.field(
        description="The admission's own maximum, per slot; in force where capacityLimitsBy is ADMISSION."
    )
    prebook_required: bool = strawberry.field(description="Whether the gate asks for a reservation.")
    default_schedule: ScheduleSelection = strawberry.field(
        description="How a slot is picked when the caller chose none."
    )
    calendar: Calendar | None = relation(
        loaders.calendars, "calendar_id", description="The days on which its slots are closed as they are generated."
    )
    schedule_lines: list[ScheduleLine] = relation(
        loaders.schedule_lines_of_admissions, "id", empty=(), description="The schedules that make its slots."
    )
    items: Connection[Annotated["TicketItem", strawberry.lazy("schema.ticket_item")]] | None = connection(
        loaders.ticket_items_of_admissions, description="The items that let into it."
    )
    is_type_of = is_row(db.admission.AdmissionRow)

    @strawberry.field(description="Its time slots by start.")
    async def slots(
        root: Any,
        info: strawberry.Info,
        from_: Annotated[
            datetime | None,
            strawberry.argument(
                name="from", description="The least start; left out: the start of today, in the admission's zone."
            ),
        ] = UNSET,
        until: Annotated[datetime | None, strawberry.argument(description="The last start that counts.")] = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Connection[TimeSlot] | None:
        asked = window(first, after, last, before, db.time_slot.BY_START)
        start = from_ or start_of_day(info.context.now, root.time_zone)
        load = info.context.loaders.load
        page = await load(loaders.slots_of_admissions, (root.id, start), asked, until or None)
        return page_of(page or EMPTY, asked.order)


@strawberry.input(one_of=True, description="Which admission: exactly one of these.")
class AdmissionBy:
    id: strawberry.ID | None = strawberry.field(default=UNSET, description="The global id.")
    code: str | None = strawberry.field(default=UNSET, description="Its code, case ignored.")


@strawberry.type
class AdmissionQueries:
    admission: Admission | None = one(
        AdmissionBy,
        description="One admission; null if there is none.",
        id=by_id(loaders.admissions, "Admission"),
        code=Way(loaders.admissions_by_key),
    )
    admissions: Connection[Admission] | None = listed(lists.admissions, description="All admissions.")
