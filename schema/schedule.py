"""Schedules: the time slots that an admission is open in, and how full they are."""

from dataclasses import dataclass
from datetime import date as LocalDate
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import strawberry
from strawberry import UNSET

import db
from db.admission import CapacityControl
from db.ledger import CapacityEntryKind
from db.time_slot import SlotState, TimeSlotRow
from resolvers import loaders
from resolvers.policy import Extent, Permission

from .enums import describe
from .node import Node, is_row
from .paging import After, Before, Edge, First, Last, PageInfo, PageOf, window
from .relations import relation

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


def _local(name: str, description: str) -> Any:
    """A moment in the offset that the admission has then."""
    moment = attrgetter(name)

    def resolve(root: Any) -> Any:
        return moment(root).astimezone(ZoneInfo(root.time_zone))

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


@dataclass(frozen=True, slots=True)
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
    date: LocalDate = strawberry.field(description="The local day it belongs to.")
    starts_at: datetime = _local("starts_at", "When it starts, in the admission's offset.")
    ends_at: datetime = _local("ends_at", "When it ends, in the admission's offset.")
    arrival_from: datetime = _local("arrival_from", "From when guests are let in, in the admission's offset.")
    arrival_until: datetime = _local("arrival_until", "Until when guests are let in, in the admission's offset.")
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
