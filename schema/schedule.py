"""Schedules: the time slots that an admission is open in, and how full they are."""

from datetime import date as LocalDate
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import strawberry

import db
from db.admission import CapacityControl
from db.time_slot import SlotState, TimeSlotRow
from resolvers import loaders

from .enums import describe
from .node import Node, is_row
from .relations import relation

if TYPE_CHECKING:
    from .admission import Admission

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
    admitted: int | None = _number("admitted", "People ever let in.")
    inside: int | None = _number("inside", "People inside now.")
    remaining: int | None = _number("remaining", "Places left: null when unlimited, never negative.")
    is_type_of = is_row(db.time_slot.TimeSlotRow)
