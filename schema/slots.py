"""Generating time slots from schedules, and editing them by hand: the mutations, and what they answer."""

from datetime import date as LocalDate
from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import UNSET

from db.admission import CapacityControl
from db.time_slot import SlotState
from resolvers import generation, loaders, time_slot
from resolvers.generation import SHOWN, GenerationMode, GenerationOutcome, SlotAction
from resolvers.time_slot import SlotOutcome

from .admission import Admission
from .enums import describe
from .given import given_of
from .node import is_row, row_id
from .refusals import Refusable, outcome
from .relations import relation
from .schedule import ScheduleLine, TimeSlot, local_moment
from .set_up import AS_IT_STANDS

describe(
    GenerationMode,
    "What becomes of slots that were edited by hand.",
    CALCULATE="They keep their edits. A second time changes nothing.",
    RECREATE="They become what their schedule produces.",
)
describe(
    SlotAction,
    "What becomes of a slot.",
    MADE="It is new.",
    CHANGED="It is moved, closed, opened, or otherwise changed; tickets follow it.",
    REVIVED="It was canceled and is produced again; it has kept its id.",
    CANCELED="It is no longer produced.",
)


# ---------------------------------------------------------------------------------------------------- generation


@strawberry.type(description="How a slot stands before or after it is generated.")
class SlotStanding:
    starts_at: datetime = local_moment("starts_at", "When it starts, in the admission's offset.")
    ends_at: datetime = local_moment("ends_at", "When it ends, in the admission's offset.")
    arrival_from: datetime = local_moment("arrival_from", "From when guests are let in, in the admission's offset.")
    arrival_until: datetime = local_moment("arrival_until", "Until when guests are let in, in the admission's offset.")
    sales_from: datetime | None = local_moment("sales_from", "From when it is sold; null: no bound.")
    sales_until: datetime | None = local_moment("sales_until", "Until when it is sold; null: no bound.")
    state: SlotState = strawberry.field(description="Whether it can be visited.")
    closed_reason: str | None = strawberry.field(description="Why it is closed, in words for the guest.")
    capacity_control: CapacityControl | None = strawberry.field(description="As set by hand; null: it was not.")
    max_capacity: int | None = strawberry.field(description="As set by hand; null: it was not.")


@strawberry.type(description="What became of one slot.")
class SlotEffect:
    action: SlotAction = strawberry.field(description="What became of it.")
    slot: TimeSlot | None = relation(
        loaders.time_slots, "slot_id", description="The slot as it now stands; null for one that a dry run would make."
    )
    schedule_line: ScheduleLine = relation(
        loaders.schedule_lines, "line_id", description="The line that it is generated from."
    )
    date: LocalDate = strawberry.field(description="The local day it belongs to.")
    before: SlotStanding | None = strawberry.field(description="How it stood; null for a new one.")
    after: SlotStanding = strawberry.field(description="How it stands, or would stand after a dry run.")
    request_count: int = strawberry.field(description="How many requests hold or have bought places in it.")


@strawberry.type(description="What became of an admission's slots.")
class SlotsGeneratePayload(Refusable):
    admission: Admission | None = relation(
        loaders.admissions, "row_id", description="The admission; null if there is none of that code."
    )
    made_count: int = strawberry.field(description="How many slots are new.")
    changed_count: int = strawberry.field(description="How many were changed.")
    revived_count: int = strawberry.field(description="How many had been canceled and are produced again.")
    canceled_count: int = strawberry.field(description="How many are no longer produced.")
    told_count: int = strawberry.field(description="How many requests got a SLOT_CHANGED event.")
    effects: list[SlotEffect] = strawberry.field(
        description=f"What became of which slot, by day and start: the first {SHOWN}."
    )
    is_type_of = is_row(GenerationOutcome)


# ------------------------------------------------------------------------------------------------------- by hand


@strawberry.input(
    description="A slot edited by hand. What is left out stays. Edits last until slots are recreated: of each window, "
    "of the times, and of state and reason, both ends together."
)
class TimeSlotUpdateInput:
    slot_id: strawberry.ID = strawberry.field(description="The slot.")
    starts_at: datetime | None = strawberry.field(
        default=UNSET,
        description="When it starts, on its local day. What is left out of its other times moves along.",
    )
    ends_at: datetime | None = strawberry.field(default=UNSET, description="When it ends; at most a week later.")
    arrival_from: datetime | None = strawberry.field(default=UNSET, description="From when guests are let in.")
    arrival_until: datetime | None = strawberry.field(default=UNSET, description="Until when guests are let in.")
    sales_from: datetime | None = strawberry.field(default=UNSET, description="From when it is sold; null: no bound.")
    sales_until: datetime | None = strawberry.field(default=UNSET, description="Until when it is sold; null: no bound.")
    state: SlotState | None = strawberry.field(
        default=UNSET, description="OPEN or CLOSED. It is canceled by its schedule only."
    )
    closed_reason: str | None = strawberry.field(
        default=UNSET, description="Why it is closed, in words for the guest; at most 320 characters. null: none."
    )
    capacity: int | None = strawberry.field(
        default=UNSET,
        description="Places, 0 to 1 000 000; null: the schedule line's. Only where capacityLimitsBy is SLOT.",
    )
    capacity_control: CapacityControl | None = strawberry.field(
        default=UNSET,
        description="What counts against the capacity; null: the schedule line's. Only where capacityLimitsBy is SLOT.",
    )


@strawberry.type(description="What became of a slot edited by hand.")
class TimeSlotUpdatePayload(Refusable):
    slot: TimeSlot | None = relation(loaders.time_slots, "row_id", description=f"The slot. {AS_IT_STANDS}")
    told_count: int = strawberry.field(description="How many requests got a SLOT_CHANGED event.")
    is_type_of = is_row(SlotOutcome)


# ----------------------------------------------------------------------------------------------------- mutations


@strawberry.type
class SlotMutations:
    """Each field is one transaction."""

    @strawberry.mutation(
        description="Make an admission's slots what its schedules produce, from today to as far ahead as each schedule "
        "goes. Past days are never touched. A slot that is no longer produced is canceled, never deleted; but one that "
        "is booked and lies beyond a horizon that was drawn nearer stays, if its schedule will produce it in time. "
        "Requests whose booked slot is moved, closed, canceled or revived get a SLOT_CHANGED event."
    )
    async def slots_generate(
        self,
        info: strawberry.Info,
        admission_code: Annotated[str, strawberry.argument(description="Of which admission.")],
        mode: Annotated[
            GenerationMode | None, strawberry.argument(description="What becomes of edits. Left out: CALCULATE.")
        ] = UNSET,
        dry_run: Annotated[
            bool | None, strawberry.argument(description="true answers what would happen, and changes nothing.")
        ] = UNSET,
    ) -> SlotsGeneratePayload | None:
        mode = mode or GenerationMode.CALCULATE
        return await outcome(
            generation.generate(info.context, admission_code, mode, dry_run=bool(dry_run)), GenerationOutcome
        )

    @strawberry.mutation(description="Edit a slot by hand. Who has booked it is told if it is moved, closed or opened.")
    async def time_slot_update(
        self,
        info: strawberry.Info,
        input: Annotated[TimeSlotUpdateInput, strawberry.argument(description="The slot, and what of it.")],
    ) -> TimeSlotUpdatePayload | None:
        given = given_of(input)
        if "capacity" in given:
            given["max_capacity"] = given.pop("capacity")
        slot_id = row_id(given.pop("slot_id"), "TimeSlot")
        return await outcome(time_slot.update(info.context, slot_id, given), SlotOutcome)
