"""Ticket items: what is sold, what it admits to, and under which rules."""

from decimal import ROUND_HALF_UP, Decimal
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import UNSET

import db
from db.keys import key
from db.ticket_item import (
    ActivationMethod,
    AdmissionInclusion,
    ContentLineRow,
    DependencyKind,
    EntryValidation,
    ReschedulePolicy,
    RevokePolicy,
    TicketKind,
)
from resolvers import lists, loaders

from . import availability as availabilities
from .availability import Availability
from .calendar import Calendar
from .enums import describe
from .money import Money, money
from .node import Node, is_row
from .paging import Connection
from .relations import Way, by_id, listed, one, relation

if TYPE_CHECKING:
    from .admission import Admission

describe(
    TicketKind,
    "How many people one ticket stands for.",
    INDIVIDUAL="One ticket per person.",
    GROUP="One ticket for the group, with its number of people on it.",
)
describe(
    AdmissionInclusion,
    "Whether an admission is part of a line.",
    REQUIRED="Always.",
    SELECTED="Optional, and taken (unless the caller says otherwise).",
    NOT_SELECTED="Optional, and left out (unless the caller says otherwise).",
)
describe(
    ActivationMethod,
    "What lets the guest in.",
    SCAN="The scan at the gate.",
    ON_SALE="The sale, at a POS.",
    ALWAYS="The sale, in any channel.",
)
describe(
    EntryValidation,
    "How often a ticket opens the gate.",
    SINGLE="For one arrival.",
    SAME_DAY="Any number of times on the local day of the first.",
    MULTIPLE="maxEntries times; none means no limit.",
)
describe(
    ReschedulePolicy,
    "Whether the guest may move to another slot.",
    NOT_ALLOWED="Never.",
    UNTIL_USED="Until the first arrival.",
    CUT_OFF_HOURS="While unused, up to so many hours before the end of arrival (negative: after).",
)
describe(
    RevokePolicy,
    "Whether the ticket may be given back.",
    UNUSED="While unused; of a group, the unused part.",
    NEVER="Never.",
    ALWAYS="Always.",
)
describe(
    DependencyKind,
    "What a visit elsewhere means for this one.",
    VISITED_BEFORE="The other must have been visited.",
    EXCLUDES="The other must not have been visited.",
    WITHIN_MINUTES="At most so many minutes after the first arrival at the other.",
)


def _plain(number: Decimal) -> Decimal:
    """Without zeros at the end: 100, 12.5."""
    return Decimal(f"{number.normalize():f}")


def _percent(name: str, description: str) -> Any:
    """A column of basis points, shown in percent."""
    basis_points = attrgetter(name)

    def resolve(root: Any) -> Any:
        return _plain(Decimal(basis_points(root)).scaleb(-2))

    resolve.__annotations__ = {}
    return strawberry.field(resolver=resolve, description=description)


def _cut_off_hours(root: ContentLineRow) -> Decimal | None:
    seconds = root.reschedule_cut_off_seconds
    return None if seconds is None else _plain((Decimal(seconds) / 3600).quantize(Decimal("0.0001"), ROUND_HALF_UP))


@strawberry.type(description="What kind of ticket an item sells, and what is printed on it.")
class TicketType(Node):
    code: str = strawberry.field(description="Unique, case ignored.")
    description: str = strawberry.field(description="What people call it.")
    kind: TicketKind = strawberry.field(description="One ticket per person, or one for a group.")
    external_ticket_pattern: str = strawberry.field(
        description="Pattern of the number on the ticket: `[S]` series number, `[N*4]` digits, `[A*4]` letters, "
        "`[X*4]` both; the rest verbatim."
    )
    is_type_of = is_row(db.ticket_item.TicketTypeRow)


@strawberry.type(description="A rule that ties one admission of a ticket to visits of another.")
class AdmissionDependency:
    kind: DependencyKind = strawberry.field(description="Which rule.")
    other: Annotated["Admission", strawberry.lazy("schema.admission")] = relation(
        loaders.admissions, "admission_id", description="The other admission."
    )
    minutes: int | None = strawberry.field(description="Of WITHIN_MINUTES; null for the others.")


@strawberry.type(
    description="One line of the ticket's bill of material: what the item admits to, and under which rules."
)
class TicketItemAdmission(Node):
    admission: Annotated["Admission", strawberry.lazy("schema.admission")] = relation(
        loaders.admissions, "admission_id", description="What it admits to."
    )
    is_default: bool = strawberry.field(description="The admission that is meant when none is named; one per item.")
    inclusion: AdmissionInclusion = strawberry.field(description="Required, or optional and which way unless said.")
    quantity: int = strawberry.field(description="Places one ticket takes: 1 for one person, 4 for a family ticket.")
    activation: ActivationMethod = strawberry.field(description="What lets the guest in.")
    entry_validation: EntryValidation = strawberry.field(description="How often it opens the gate.")
    max_entries: int | None = strawberry.field(description="Of MULTIPLE; null: no limit.")
    duration_days: int | None = strawberry.field(
        description="Days of validity from the first visit reserved, else from issue; null: no end."
    )
    reschedule_policy: ReschedulePolicy = strawberry.field(description="Whether the guest may move to another slot.")
    reschedule_cut_off_hours: Decimal | None = strawberry.field(
        resolver=_cut_off_hours, description="Of CUT_OFF_HOURS: hours before the end of arrival; negative: after it."
    )
    revoke_policy: RevokePolicy = strawberry.field(description="Whether the ticket may be given back.")
    refund_percent: Decimal = _percent("refund_basis_points", "What is given back, in percent.")
    rescan_within_seconds: int | None = strawberry.field(
        description="A second scan within so many seconds is let through and counted once."
    )
    capacity_percent: Decimal = _percent(
        "capacity_basis_points", "The item's share of a slot's maximum, in percent; the places are rounded down."
    )
    pos_may_exceed_capacity: bool = strawberry.field(description="Whether a cashier may sell over a slot's capacity.")
    dependencies: list[AdmissionDependency] = relation(
        loaders.dependencies_of_content_lines, "id", empty=(), description="What visits elsewhere mean for this one."
    )
    availability: Connection[Availability] | None = strawberry.field(
        resolver=availabilities.of_content_line,
        description="For the slots of this admission, by start: can this be sold, how many are left, at what price; "
        "and when not, why not. Null for a line that was replaced: nothing is sold under it any more.",
    )
    ticket_calendar: Calendar | None = relation(
        loaders.calendars, "calendar_id", description="The days on which it is neither sold nor used."
    )
    is_type_of = is_row(ContentLineRow)


@strawberry.type(description="What is sold: an item number (and variant), its price, and what it admits to.")
class TicketItem(Node):
    item_no: str = strawberry.field(description="The item's number, case ignored; unique with the variant.")
    variant_code: str | None = strawberry.field(description="The variant; null: the item itself.")
    barcodes: list[str] = relation(
        loaders.barcodes_of_items, "id", empty=(), description="Bar codes that stand for this item and variant."
    )
    description: str = strawberry.field(description="What people call it.")
    ticket_type: TicketType = relation(loaders.ticket_types, "ticket_type_id", description="What kind of ticket it is.")
    unit_price: Money = money("unit_price_minor", description="Per ticket (of a group, per person), including VAT.")
    is_blocked: bool = strawberry.field(description="Not for sale.")
    contents: list[TicketItemAdmission] = relation(
        loaders.contents_of_items,
        "id",
        empty=(),
        description="What it admits to: one line per admission, those in force now.",
    )
    availability: Connection[Availability] | None = strawberry.field(
        resolver=availabilities.of_item,
        description="For the slots of one admission (the default one when left out), by start: can this be sold, how "
        "many are left, at what price; and when not, why not. Null if the item does not admit to it.",
    )
    is_type_of = is_row(db.ticket_item.TicketItemRow)


@strawberry.input(description="An item number, and the variant if it is one.")
class ItemReferenceInput:
    item_no: str = strawberry.field(description="The item's number, case ignored.")
    variant_code: str | None = strawberry.field(default=UNSET, description="The variant; left out: the item itself.")


@strawberry.input(one_of=True, description="Which item: exactly one of these.")
class TicketItemBy:
    id: strawberry.ID | None = strawberry.field(default=UNSET, description="The global id.")
    item: ItemReferenceInput | None = strawberry.field(default=UNSET, description="Item number and variant.")
    barcode: str | None = strawberry.field(default=UNSET, description="One of its bar codes.")


@strawberry.type
class TicketItemQueries:
    ticket_item: TicketItem | None = one(
        TicketItemBy,
        description="One item; null if there is none.",
        id=by_id(loaders.ticket_items, "TicketItem"),
        item=Way(loaders.ticket_items_by_number, lambda item: (key(item.item_no), key(item.variant_code or ""))),
        barcode=Way(loaders.ticket_items_by_barcode),
    )
    ticket_items: Connection[TicketItem] | None = listed(lists.ticket_items, description="All items.")
