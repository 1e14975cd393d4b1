"""Setting up what is sold, and keeping the registers: the mutations of staff, and of the shops that report to us."""

from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated

import strawberry
from strawberry import UNSET

from db.admission import AdmissionKind, CapacityControl
from db.ticket_item import (
    ActivationMethod,
    AdmissionInclusion,
    DependencyKind,
    EntryValidation,
    ReschedulePolicy,
    RevokePolicy,
    TicketKind,
)
from resolvers import customer, loaders, sales_order, set_up, ticket_item
from resolvers.contents import ContentLine, Dependency, LineRules
from resolvers.sales_order import Numbers
from resolvers.set_up import ScheduleWish, SetUpOutcome, Wish

from .admission import Admission
from .customer import Customer
from .given import given_of, said_of
from .node import is_row
from .personal import personal_input
from .refusals import Refusable, outcome
from .relations import relation
from .sales_order import SalesOrder
from .ticket_item import TicketItem, TicketType
from .weekday import Weekday

AS_IT_STANDS = "As it stands after the commit, or unchanged when refused; null if there is none or it may not be seen."


# -------------------------------------------------------------------------------------------------- the wizard


@strawberry.input(description="When the admission is open. The capacity is the schedule's, for each of its slots.")
class TicketSetUpScheduleInput:
    start_time: time = strawberry.field(description="When each slot starts, on the admission's clock.")
    stop_time: time = strawberry.field(
        description="When it ends; before startTime: on the next day; the same: 24 hours later."
    )
    weekdays: list[Weekday] | None = strawberry.field(default=UNSET, description="Left out: every weekday.")
    capacity_control: CapacityControl | None = strawberry.field(
        default=UNSET, description="What counts against the capacity. Left out: SALES."
    )
    capacity: int = strawberry.field(description="Places per slot; 0 to 1 000 000. Without effect under NONE.")
    prebook_days: int | None = strawberry.field(
        default=UNSET, description="How many days ahead slots are made: 0 to 1 000. Left out: 30."
    )
    prebook_required: bool | None = strawberry.field(
        default=UNSET,
        description="true: guests need a reservation. If any schedule asks for it, it holds for the admission; else an "
        "EVENT needs one and a LOCATION does not. Needed, the default schedule is SCHEDULE_ENTRY, else TODAY.",
    )


@strawberry.input(
    description="What the wizard shall make. What exists already, by its code or number, is used as it is."
)
class TicketSetUpInput:
    ticket_type_code: str = strawberry.field(description="The ticket type; made if there is none of that code.")
    ticket_type_description: str | None = strawberry.field(default=UNSET, description="Left out: the type's code.")
    kind: TicketKind | None = strawberry.field(
        default=UNSET, description="Whether a ticket is for one person or for a group. Left out: INDIVIDUAL."
    )
    external_ticket_pattern: str | None = strawberry.field(
        default=UNSET, description="The pattern of the numbers on tickets. Left out: `[S]-[X*6]`."
    )
    item_no: str | None = strawberry.field(
        default=UNSET, description="The item; made if there is none. Left out: a new one, the next of the series."
    )
    description: str = strawberry.field(description="What is sold, in the words of the price list.")
    unit_price: Decimal = strawberry.field(
        description="The price including VAT, rounded half up to the currency's digits."
    )
    currency: str | None = strawberry.field(default=UNSET, description="ISO 4217. Left out: the setting's.")
    admission_code: str | None = strawberry.field(
        default=UNSET, description="The admission; made if there is none. Left out: a new one, the next of the series."
    )
    admission_description: str | None = strawberry.field(default=UNSET, description="Left out: the item's description.")
    admission_kind: AdmissionKind | None = strawberry.field(
        default=UNSET, description="A place, or an event with a fixed start. Left out: EVENT."
    )
    time_zone: str | None = strawberry.field(default=UNSET, description="IANA name. Left out: the setting's.")
    start_date: date = strawberry.field(description="The first day on which the schedules may make slots.")
    until_date: date | None = strawberry.field(default=UNSET, description="The last such day. Left out: no end.")
    schedules: list[TicketSetUpScheduleInput] = strawberry.field(
        description="At least 1, at most 20, of which no two start at the same time on the same weekday."
    )
    duration_days: int | None = strawberry.field(
        default=UNSET, description="How many days a ticket is valid, the first included. Left out: 365."
    )
    entry_validation: EntryValidation | None = strawberry.field(
        default=UNSET, description="How often a ticket lets in. Left out: SINGLE."
    )
    max_entries: int | None = strawberry.field(
        default=UNSET, description="How often under MULTIPLE, and only there. Left out: no limit."
    )
    activation: ActivationMethod | None = strawberry.field(
        default=UNSET, description="What counts as the arrival. Left out: SCAN."
    )
    reschedule_policy: ReschedulePolicy | None = strawberry.field(
        default=UNSET, description="Whether a ticket may be moved to another slot. Left out: NOT_ALLOWED."
    )
    reschedule_cut_off_hours: Decimal | None = strawberry.field(
        default=UNSET, description="Hours before the end of arrival, under CUT_OFF_HOURS and only there."
    )
    revoke_policy: RevokePolicy | None = strawberry.field(
        default=UNSET, description="Whether a ticket may be given back. Left out: UNUSED."
    )
    refund_percent: Decimal | None = strawberry.field(
        default=UNSET, description="Of the price, 0 to 100, at most two digits after the point. Left out: 100."
    )


@strawberry.type(description="What the wizard came to.")
class TicketSetUpPayload(Refusable):
    item: TicketItem | None = relation(loaders.ticket_items, "item_id", description=f"The item. {AS_IT_STANDS}")
    admission: Admission | None = relation(
        loaders.admissions, "admission_id", description=f"The admission. {AS_IT_STANDS}"
    )
    is_type_of = is_row(SetUpOutcome)


# --------------------------------------------------------------------------------------- ticket types and items


@strawberry.input(description="A ticket type. What is left out stays; of a new one it is the default.")
class TicketTypeUpsertInput:
    code: str = strawberry.field(description="Unique, case ignored.")
    description: str | None = strawberry.field(default=UNSET, description="Of a new one, by default: its code.")
    kind: TicketKind | None = strawberry.field(default=UNSET, description="Of a new one, by default: INDIVIDUAL.")
    external_ticket_pattern: str | None = strawberry.field(
        default=UNSET, description="The pattern of the numbers on tickets. Of a new one, by default: `[S]-[X*6]`."
    )


@strawberry.type(description="What became of a ticket type.")
class TicketTypeUpsertPayload(Refusable):
    ticket_type: TicketType | None = relation(
        loaders.ticket_types, "row_id", description=f"The ticket type. {AS_IT_STANDS}"
    )


@strawberry.input(description="What must hold of another admission of the ticket before this one lets in.")
class AdmissionDependencyInput:
    kind: DependencyKind = strawberry.field(description="What must hold.")
    other_admission_code: str = strawberry.field(description="The other admission.")
    minutes: int | None = strawberry.field(default=UNSET, description="Under WITHIN_MINUTES, and only there.")


@strawberry.input(description="One line of the contents. What is left out is the default.")
class TicketItemAdmissionInput:
    admission_code: str = strawberry.field(description="What it lets into; each admission at most once.")
    is_default: bool | None = strawberry.field(
        default=UNSET, description="Exactly one line is; a single line is, whatever this says."
    )
    inclusion: AdmissionInclusion | None = strawberry.field(
        default=UNSET, description="Whether every ticket has it; one line at least is REQUIRED. Default: REQUIRED."
    )
    quantity: int | None = strawberry.field(
        default=UNSET, description="Places that one ticket takes: 1 to 1 000. Default: 1."
    )
    activation: ActivationMethod | None = strawberry.field(
        default=UNSET, description="What counts as the arrival. Default: SCAN."
    )
    entry_validation: EntryValidation | None = strawberry.field(
        default=UNSET, description="How often a ticket lets in. Default: SINGLE."
    )
    max_entries: int | None = strawberry.field(
        default=UNSET, description="How often under MULTIPLE, and only there. Default: no limit."
    )
    duration_days: int | None = strawberry.field(
        default=UNSET, description="How many days a ticket is valid, the first included. Default: no end."
    )
    reschedule_policy: ReschedulePolicy | None = strawberry.field(
        default=UNSET, description="Whether a ticket may be moved to another slot. Default: NOT_ALLOWED."
    )
    reschedule_cut_off_hours: Decimal | None = strawberry.field(
        default=UNSET,
        description="Hours before the end of arrival (negative: after it), under CUT_OFF_HOURS and only there.",
    )
    revoke_policy: RevokePolicy | None = strawberry.field(
        default=UNSET, description="Whether a ticket may be given back. Default: UNUSED."
    )
    refund_percent: Decimal | None = strawberry.field(
        default=UNSET, description="Of the price, 0 to 100, at most two digits after the point. Default: 100."
    )
    rescan_within_seconds: int | None = strawberry.field(
        default=UNSET,
        description="A second scan within so many seconds is let through and counted once. Default: none.",
    )
    capacity_percent: Decimal | None = strawberry.field(
        default=UNSET, description="The share of a slot's capacity that the item may take, 0 to 100. Default: 100."
    )
    pos_may_exceed_capacity: bool | None = strawberry.field(
        default=UNSET, description="Whether a cashier may sell beyond the capacity. Default: false."
    )
    dependencies: list[AdmissionDependencyInput] | None = strawberry.field(
        default=UNSET, description="What must hold of other admissions. Default: nothing."
    )
    ticket_calendar_code: str | None = strawberry.field(
        default=UNSET, description="The calendar of days on which it is neither sold nor used. Default: none."
    )


@strawberry.input(
    description="An item. Of an existing one, what is left out stays, and null clears what may be cleared. "
    "A new one needs description, ticketTypeCode, unitPrice and contents."
)
class TicketItemUpsertInput:
    item_no: str = strawberry.field(description="The item number: unique together with the variant, case ignored.")
    variant_code: str | None = strawberry.field(default=UNSET, description="Left out: the item itself, no variant.")
    barcodes: list[str] | None = strawberry.field(
        default=UNSET, description="All of them; each belongs to one item only. null: none."
    )
    description: str | None = strawberry.field(
        default=UNSET, description="What is sold, in the words of the price list."
    )
    ticket_type_code: str | None = strawberry.field(default=UNSET, description="An existing ticket type.")
    unit_price: Decimal | None = strawberry.field(
        default=UNSET, description="The price including VAT, rounded half up to the currency's digits."
    )
    currency: str | None = strawberry.field(
        default=UNSET,
        description="ISO 4217; without unitPrice, the amount stays. Of a new one, by default: the setting's.",
    )
    is_blocked: bool | None = strawberry.field(default=UNSET, description="true: not for sale.")
    contents: list[TicketItemAdmissionInput] | None = strawberry.field(
        default=UNSET, description="Replaces all lines; what was sold keeps the rules under which it was sold."
    )


@strawberry.type(description="What became of an item.")
class TicketItemUpsertPayload(Refusable):
    item: TicketItem | None = relation(loaders.ticket_items, "row_id", description=f"The item. {AS_IT_STANDS}")


# ---------------------------------------------------------------------------------------------------- registers


@strawberry.input(description="A guest as the shop knows them. Absent leaves as it is, null clears.")
class CustomerUpsertInput:
    customer_no: str = strawberry.field(description="The shop's number, unique, case ignored.")
    name: str | None = personal_input(description="At most 320 characters.")
    email: str | None = personal_input(description="Need not be unique.")
    phone: str | None = personal_input(description="In any notation.")


@strawberry.type(description="What became of an entry in the customer register.")
class CustomerUpsertPayload(Refusable):
    customer: Customer | None = relation(loaders.customers, "row_id", description=f"The customer. {AS_IT_STANDS}")


@strawberry.input(
    description="A sales order: by external order number, or by receipt and POS unit. "
    "Of the rest, absent leaves as it is and null clears."
)
class SalesOrderUpsertInput:
    client: str | None = strawberry.field(
        default=UNSET, description="For staff: whose order it is. Left out: the caller's own."
    )
    external_order_no: str | None = strawberry.field(
        default=UNSET, description="The shop's number: unique among the client's orders."
    )
    receipt_no: str | None = strawberry.field(
        default=UNSET, description="The receipt: unique together with posUnitNo, and given together with it."
    )
    pos_unit_no: str | None = strawberry.field(default=UNSET, description="The POS unit that printed the receipt.")
    customer_no: str | None = strawberry.field(default=UNSET, description="Whose it is; known to the register or not.")
    placed_at: datetime | None = strawberry.field(default=UNSET, description="When it was placed.")
    total: Decimal | None = strawberry.field(
        default=UNSET, description="Rounded half up to the currency's digits; negative for a return."
    )
    currency: str | None = strawberry.field(
        default=UNSET, description="ISO 4217. Left out: the order's so far, or the setting's."
    )
    document_status: str | None = strawberry.field(default=UNSET, description="As the shop or the ERP calls it.")


@strawberry.type(description="What became of a sales order.")
class SalesOrderUpsertPayload(Refusable):
    sales_order: SalesOrder | None = relation(
        loaders.sales_orders, "row_id", description=f"The sales order. {AS_IT_STANDS}"
    )


# ---------------------------------------------------------------------------------------------------- mutations


@strawberry.type
class SetUpMutations:
    """Each field is one transaction."""

    @strawberry.mutation(
        description="The wizard: one call makes a sellable ticket: its type, item, admission, schedules and slots. "
        "What exists already is used as it is; doing it again changes nothing."
    )
    async def ticket_set_up(
        self,
        info: strawberry.Info,
        input: Annotated[TicketSetUpInput, strawberry.argument(description="What is to be sold.")],
    ) -> TicketSetUpPayload | None:
        return await outcome(set_up.set_up(info.context, _wish(input)))

    @strawberry.mutation(description="Make or change a ticket type.")
    async def ticket_type_upsert(
        self,
        info: strawberry.Info,
        input: Annotated[TicketTypeUpsertInput, strawberry.argument(description="The ticket type.")],
    ) -> TicketTypeUpsertPayload | None:
        given = given_of(input)
        return await outcome(ticket_item.upsert_type(info.context, given.pop("code"), given))

    @strawberry.mutation(description="Make or change an item, with its bar codes and contents.")
    async def ticket_item_upsert(
        self,
        info: strawberry.Info,
        input: Annotated[TicketItemUpsertInput, strawberry.argument(description="The item.")],
    ) -> TicketItemUpsertPayload | None:
        given = given_of(input)
        if given.get("contents") is not None:
            given["contents"] = [_content_line(line) for line in given["contents"]]
        item_no, variant_code = given.pop("item_no"), given.pop("variant_code", None)
        return await outcome(ticket_item.upsert(info.context, item_no, variant_code, given))

    @strawberry.mutation(description="Make or change an entry in the customer register.")
    async def customer_upsert(
        self,
        info: strawberry.Info,
        input: Annotated[CustomerUpsertInput, strawberry.argument(description="The customer.")],
    ) -> CustomerUpsertPayload | None:
        given = given_of(input)
        return await outcome(customer.upsert(info.context, given.pop("customer_no"), given))

    @strawberry.mutation(description="Make or change a sales order, as the shop or the ERP knows it.")
    async def sales_order_upsert(
        self,
        info: strawberry.Info,
        input: Annotated[SalesOrderUpsertInput, strawberry.argument(description="The sales order.")],
    ) -> SalesOrderUpsertPayload | None:
        given = given_of(input)
        numbers = Numbers(*(given.pop(name, None) for name in ("external_order_no", "receipt_no", "pos_unit_no")))
        return await outcome(sales_order.upsert(info.context, numbers, given.pop("client", None), given))


def _wish(input: TicketSetUpInput) -> Wish:
    said = said_of(input)
    rules = {name: said.pop(name) for name in LineRules.__dataclass_fields__ if name in said}
    schedules = tuple(_schedule(schedule) for schedule in said.pop("schedules"))
    return Wish(**said, schedules=schedules, rules=replace(set_up.RULES, **rules))


def _schedule(input: TicketSetUpScheduleInput) -> ScheduleWish:
    said = said_of(input)
    if "weekdays" in said:
        said["weekdays"] = tuple(said["weekdays"])
    return ScheduleWish(**said)


def _content_line(input: TicketItemAdmissionInput) -> ContentLine:
    said = said_of(input)
    dependencies = tuple(Dependency(**said_of(dependency)) for dependency in said.pop("dependencies", ()))
    return ContentLine(**said, dependencies=dependencies)
