"""Ticket requests: the order-like records behind every ticket, their references and their entries."""

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import UNSET

import db
from db.sales_order import SalesChannel
from db.ticket_item import AdmissionInclusion
from db.ticket_request import PaymentOption, TicketRequestStatus
from resolvers import lists, loaders
from resolvers.policy import Extent, Permission

from .admission import Admission
from .customer import Customer
from .diagnosis import OF_REQUEST, AvailableAction, Finding, available_actions, diagnosis
from .enums import describe
from .filters import DateTimeRange, filtered
from .money import Money, money
from .node import Node, is_row
from .paging import Connection, CountedConnection
from .personal import personal, personal_input
from .relations import Way, by_id, connection, one, relation
from .sales_order import SalesOrder
from .schedule import TimeSlot
from .ticket_item import TicketItem

if TYPE_CHECKING:
    from .ticket import IssuedTicket
    from .timeline import RequestEvent

describe(
    TicketRequestStatus,
    "How far a request has come. Nothing is ever deleted.",
    REGISTERED="Holds places until expiresAt; past it, it reads EXPIRED everywhere.",
    CONFIRMED="Paid for, or trusted to be; it does not expire.",
    EXPIRED="Not confirmed in time: the places were let go.",
    CANCELED="Given up, or every ticket of it revoked.",
)
describe(
    PaymentOption,
    "How a request is paid.",
    DIRECT="Paid at the POS.",
    PREPAID="Paid elsewhere (web store, reseller).",
    POSTPAID="Invoiced after the visit.",
    UNPAID="Confirmed, places taken, but nobody gets in yet.",
)


class TicketRequestOrder(Enum):
    CREATED_AT_DESC = db.ticket_request.CREATED_AT_DESC
    CREATED_AT_ASC = db.ticket_request.CREATED_AT_ASC
    STATUS_CHANGED_AT_DESC = db.ticket_request.STATUS_CHANGED_AT_DESC


describe(
    TicketRequestOrder,
    "How requests are ordered; the id breaks ties.",
    CREATED_AT_DESC="Newest first.",
    CREATED_AT_ASC="Oldest first.",
    STATUS_CHANGED_AT_DESC="Last changed in status first; an expiry counts from expiresAt.",
)


def sees_timelines(context: Any) -> bool:
    """A gate sees no history."""
    return bool(context.extent(Permission.READ_REQUESTS) is not Extent.NO)


CUSTOMER = "The customer of the customer number; null until known, or if it is not yours to see."


@strawberry.type(
    description="The order-like record behind every ticket: who asked for what, from where, and what became of it."
)
class TicketRequest(Node):
    token: str = strawberry.field(
        description="Unique. Made by the client (then it is also the idempotency key) or by the server."
    )
    authorization_code: str | None = personal(
        "authorization_code",
        description="For the customer's own changes online; the same on every entry of the request. "
        "Null without the permission.",
    )
    channel: SalesChannel = strawberry.field(description="Where it was made.")
    client: str = strawberry.field(description="The client (web store, POS, ...) that made it.")
    status: TicketRequestStatus = strawberry.field(description="How far it has come, by the clock.")
    status_changed_at: datetime = strawberry.field(description="When that status began.")
    created_at: datetime = strawberry.field(description="When it was made.")
    expires_at: datetime | None = strawberry.field(
        description="When the held places are (or were) let go; null once confirmed or canceled."
    )
    payment_option: PaymentOption = strawberry.field(description="How it is paid.")
    payment_reference: str | None = strawberry.field(description="The payment's own number, at the shop or its bank.")
    total: Money | None = money("total_minor", description="Sum of quantity times unit price, frozen at create.")
    references: list["Reference"] = relation(
        loaders.references_of_requests, "id", empty=(), description="The References section: one per requested line."
    )
    entries: list["TicketRequestEntry"] = relation(
        loaders.entries_of_requests,
        "id",
        empty=(),
        description="One per requested line and admission: a line whose item admits to three places has three, "
        "with identical tokens and authorization codes.",
    )
    tickets: CountedConnection[Annotated["IssuedTicket", strawberry.lazy("schema.ticket")]] | None = connection(
        loaders.tickets_of_requests,
        counts=loaders.ticket_counts_of_requests,
        description="Its issued tickets, in the order of their issue.",
    )
    customer: Customer | None = relation(loaders.customers_by_key, "customer_key", description=CUSTOMER)
    sales_order: SalesOrder | None = relation(
        loaders.sales_orders_of_requests,
        ("client_id", "order_key", "receipt_key", "pos_unit_key"),
        description="The sales document it came from: its client's order of that number, else that of its receipt; "
        "null until known, or if it is not yours to see.",
    )
    timeline: Connection[Annotated["RequestEvent", strawberry.lazy("schema.timeline")]] | None = connection(
        loaders.events_of_requests,
        order=db.timeline.AS_RECORDED,
        permitted=sees_timelines,
        description="Everything that happened, oldest first, in the order of recording.",
    )
    diagnosis: list[Finding] | None = diagnosis()
    available_actions: list[AvailableAction] | None = available_actions(OF_REQUEST)
    is_type_of = is_row(db.ticket_request.TicketRequestRow)


@strawberry.type(description="One requested line, with the customer-related facts that support works from.")
class Reference(Node):
    line_no: int = strawberry.field(description="The line's number within the request, from 1.")
    item: TicketItem = relation(loaders.ticket_items, "item_id", description="What was requested.")
    quantity: int = strawberry.field(description="Number of requested tickets; of a group ticket, people.")
    unit_price: Money | None = money("unit_price_minor", description="The price agreed on, including VAT.")
    customer_no: str | None = strawberry.field(description="The customer number that the sale named, known or not.")
    customer: Customer | None = relation(loaders.customers_by_key, "customer_key", description=CUSTOMER)
    email: str | None = personal("email", description="The holder's. Null without the permission.")
    phone: str | None = personal("phone", description="The holder's. Null without the permission.")
    ticket_holder_name: str | None = personal("ticket_holder_name", description="Null without the permission.")
    language: str | None = strawberry.field(description="The language the holder is written to in.")
    external_order_no: str | None = strawberry.field(description="Set when issued from a web store or the back office.")
    receipt_no: str | None = strawberry.field(description="Set when issued from, or picked up at, a POS.")
    pos_unit_no: str | None = strawberry.field(description="The POS unit that printed the receipt.")
    salesperson_code: str | None = strawberry.field(description="Who sold it.")
    entries: list["TicketRequestEntry"] = relation(
        loaders.entries_of_references, "id", empty=(), description="One per admission of the line's item."
    )
    tickets: CountedConnection[Annotated["IssuedTicket", strawberry.lazy("schema.ticket")]] | None = connection(
        loaders.tickets_of_references,
        counts=loaders.ticket_counts_of_references,
        description="The tickets of this line, in the order of their issue.",
    )
    is_type_of = is_row(db.ticket_request.ReferenceRow)


@strawberry.type(description="One requested line at one admission: how many, and for which time slot.")
class TicketRequestEntry(Node):
    token: str = strawberry.field(description="The request's; identical on all its entries.")
    authorization_code: str | None = personal(
        "authorization_code", description="The request's; identical on all its entries. Null without the permission."
    )
    line_no: int = strawberry.field(description="The line's number within the request.")
    admission: Admission = relation(loaders.admissions, "admission_id", description="Where it lets in.")
    inclusion: AdmissionInclusion = strawberry.field(description="Required, or optional and taken or left out.")
    is_primary: bool = strawberry.field(description="The tickets of the line hang on its primary entry.")
    quantity: int = strawberry.field(description="Number of tickets; 0 for an optional admission that is left out.")
    slot: TimeSlot | None = relation(
        loaders.time_slots,
        "slot_id",
        description="The time slot that is held or sold; null for a visit without one. Of tickets that were moved "
        "apart, that of the first in force; each has its own on its access entry.",
    )
    status: TicketRequestStatus = strawberry.field(description="The request's.")
    request: TicketRequest = relation(loaders.ticket_requests, "request_id", description="The request it is part of.")
    reference: Reference = relation(loaders.references, "line_id", description="The line it is part of.")
    is_type_of = is_row(db.ticket_request.EntryRow)


@strawberry.input(one_of=True, description="Which request: exactly one of these.")
class TicketRequestBy:
    id: strawberry.ID | None = strawberry.field(default=UNSET, description="The global id.")
    token: str | None = strawberry.field(default=UNSET, description="Its token, case ignored.")


@strawberry.input(
    description="All given conditions hold together; texts match whole, case ignored. An empty list matches nothing. "
    "What is said of an admission, a slot and a visit must hold of one and the same entry, and of one that is not "
    "left out. E-mail, phone and name match only where you may see them."
)
class TicketRequestWhere:
    status: list[TicketRequestStatus] | None = strawberry.field(
        default=UNSET, description="One of these, by the clock."
    )
    channel: list[SalesChannel] | None = strawberry.field(default=UNSET, description="Made in one of these.")
    payment_option: list[PaymentOption] | None = strawberry.field(
        default=UNSET, description="Paid in one of these ways."
    )
    created_at: DateTimeRange | None = strawberry.field(default=UNSET, description="Made then.")
    expires_at: DateTimeRange | None = strawberry.field(default=UNSET, description="Held until then.")
    token: str | None = strawberry.field(default=UNSET, description="Of this token.")
    external_order_no: str | None = strawberry.field(default=UNSET, description="Of this web order.")
    receipt_no: str | None = strawberry.field(default=UNSET, description="Of this POS receipt.")
    pos_unit_no: str | None = strawberry.field(default=UNSET, description="Sold at this POS unit.")
    payment_reference: str | None = strawberry.field(default=UNSET, description="Paid under this reference.")
    customer_no: str | None = strawberry.field(default=UNSET, description="Naming this customer number, known or not.")
    has_customer: bool | None = strawberry.field(
        default=UNSET, description="Whether `customer` is there for you to see."
    )
    email: str | None = personal_input(description="Of a holder with this e-mail.")
    phone: str | None = personal_input(description="Of a holder with this phone number; only its digits count.")
    ticket_holder_name: str | None = personal_input(description="Of a holder of this name.")
    item_no: str | None = strawberry.field(default=UNSET, description="With a line of this item, in any variant.")
    admission_code: str | None = strawberry.field(default=UNSET, description="With an entry for this admission.")
    slot_id: strawberry.ID | None = strawberry.field(default=UNSET, description="With an entry for this time slot.")
    visit_at: DateTimeRange | None = strawberry.field(
        default=UNSET, description="With an entry whose time slot starts then."
    )


@strawberry.type
class TicketRequestQueries:
    ticket_request: TicketRequest | None = one(
        TicketRequestBy,
        description="One request; null if there is none, or it is not yours to see.",
        id=by_id(loaders.ticket_requests, "TicketRequest"),
        token=Way(loaders.ticket_requests_by_token),
    )
    ticket_requests: CountedConnection[TicketRequest] | None = filtered(
        lists.pages_of_ticket_requests,
        lists.ticket_requests,
        lists.count_of_ticket_requests,
        TicketRequestWhere,
        TicketRequestOrder,
        description="The requests that you may see and that the conditions let through.",
    )
