"""Issued tickets, and the access entries on them."""

from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

import db
from db.base import FOREVER
from db.keys import key
from db.ticket import AccessEntryRow, IssuedTicketRow
from db.ticket_item import TicketKind
from resolvers import lists, loaders
from resolvers.policy import Extent, Permission

from .admission import Admission
from .admittance import AdmissionExplanation
from .customer import Customer
from .diagnosis import OF_TICKET, AvailableAction, available_actions
from .enums import describe
from .filters import DateTimeRange, filtered
from .money import Money, money
from .node import Node, is_row
from .paging import Connection, CountedConnection
from .personal import personal_input
from .relations import Way, by_id, connection, one, reads, relation
from .schedule import TimeSlot
from .ticket_item import TicketItem
from .ticket_request import CUSTOMER, Reference, TicketRequest, sees_timelines
from .timeline import RequestEvent


class IssuedTicketOrder(Enum):
    ISSUED_AT_DESC = db.ticket.ISSUED_AT_DESC
    ISSUED_AT_ASC = db.ticket.ISSUED_AT_ASC
    VALID_UNTIL_ASC = db.ticket.VALID_UNTIL_ASC


describe(
    IssuedTicketOrder,
    "How tickets are ordered; the id breaks ties.",
    ISSUED_AT_DESC="Newest first.",
    ISSUED_AT_ASC="Oldest first.",
    VALID_UNTIL_ASC="First to end first; those without an end last.",
)


def _end(root: IssuedTicketRow) -> datetime | None:
    return None if root.valid_until == FOREVER else root.valid_until


def _is_blocked(root: IssuedTicketRow | AccessEntryRow) -> bool:
    return root.blocked_at is not None


def _is_revoked(root: IssuedTicketRow) -> bool:
    return root.revoked_at is not None


@strawberry.type(description="A ticket as it was printed or sent: for one person, or for a group.")
class IssuedTicket(Node):
    ticket_no: str = strawberry.field(description="Internal serial number.")
    external_ticket_no: str = strawberry.field(
        description="The number printed on the ticket and scanned at the gate. Unique, case ignored."
    )
    item: TicketItem = relation(loaders.ticket_items, "item_id", description="What was sold.")
    kind: TicketKind = strawberry.field(description="For one person, or for a group.")
    quantity: int = strawberry.field(description="People on it; 1 unless it is a group ticket.")
    valid_from: datetime = strawberry.field(description="The first moment of its validity.")
    valid_until: datetime | None = strawberry.field(
        resolver=_end, description="The last moment of its validity; null: no end.", metadata=reads("valid_until")
    )
    issued_at: datetime = strawberry.field(description="When it was issued.")
    is_blocked: bool = strawberry.field(
        resolver=_is_blocked,
        description="Whether it is blocked, which can be undone.",
        metadata=reads("blocked_at"),
    )
    blocked_at: datetime | None = strawberry.field(description="When it was blocked; null: it is not.")
    blocked_reason: str | None = strawberry.field(description="Why it was blocked.")
    is_revoked: bool = strawberry.field(
        resolver=_is_revoked,
        description="Whether it was given back, which cannot be undone.",
        metadata=reads("revoked_at"),
    )
    revoked_at: datetime | None = strawberry.field(description="When it was revoked; null: it is not.")
    printed_at: datetime | None = strawberry.field(description="When it was last printed.")
    print_count: int = strawberry.field(description="How often it was printed.")
    price: Money | None = money("price_minor", description="What it was sold for; of a group, in all.")
    request: TicketRequest = relation(loaders.ticket_requests, "request_id", description="The request behind it.")
    reference: Reference = relation(loaders.references, "line_id", description="The requested line it was issued for.")
    customer: Customer | None = relation(loaders.customers_of_requests, "request_id", description=CUSTOMER)
    access_entries: list["AccessEntry"] = relation(
        loaders.access_entries_of_tickets, "id", empty=(), description="One per admission on the ticket."
    )
    timeline: Connection[RequestEvent] | None = connection(
        loaders.events_of_tickets,
        order=db.timeline.AS_RECORDED,
        permitted=sees_timelines,
        description="Everything that happened to it, oldest first, in the order of recording.",
    )

    available_actions: list[AvailableAction] | None = available_actions(OF_TICKET)

    @strawberry.field(
        description="Every check that the gate would make of it, in its order, each passed or refused; runs the very "
        "code the gate runs and changes nothing. A moment in the past is answered from what was true of the ticket and "
        "its slots then, rebuilt from the timeline; admissions, calendars and maxima are as set up now."
    )
    async def explain_admission(
        self,
        info: strawberry.Info,
        admission_code: Annotated[
            str | None, strawberry.argument(description="Where; left out: its default admission.")
        ] = UNSET,
        at: Annotated[datetime | None, strawberry.argument(description="When; left out: now.")] = UNSET,
    ) -> AdmissionExplanation | None:
        return await info.context.loaders.load(loaders.explanations, self.id, admission_code or None, at or None)

    is_type_of = is_row(IssuedTicketRow)


@strawberry.type(description="One admission on one ticket: for which time slot, and who has used it.")
class AccessEntry(Node):
    ticket: IssuedTicket = relation(loaders.issued_tickets, "ticket_id", description="The ticket it is on.")
    admission: Admission = relation(loaders.admissions, "admission_id", description="Where it lets in.")
    slot: TimeSlot | None = relation(
        loaders.time_slots, "slot_id", description="The reserved time slot; null for a visit without one."
    )
    quantity: int = strawberry.field(description="Places it takes.")
    is_blocked: bool = strawberry.field(
        resolver=_is_blocked,
        description="Whether this admission of the ticket is blocked, by itself.",
        metadata=reads("blocked_at"),
    )
    blocked_at: datetime | None = strawberry.field(description="When this admission was blocked; null: it is not.")
    blocked_reason: str | None = strawberry.field(description="Why it was blocked.")
    first_admitted_at: datetime | None = strawberry.field(description="When somebody was first let in.")
    admitted_count: int = strawberry.field(description="People let in so far.")
    inside_count: int = strawberry.field(description="People inside now.")
    events: Connection[RequestEvent] | None = connection(
        loaders.events_of_access_entries,
        order=db.timeline.AS_RECORDED,
        permitted=sees_timelines,
        description="Arrivals, departures and refusals, oldest first.",
    )
    is_type_of = is_row(AccessEntryRow)


@strawberry.input(one_of=True, description="Which ticket: exactly one of these.")
class IssuedTicketBy:
    id: strawberry.ID | None = strawberry.field(default=UNSET, description="The global id.")
    external_ticket_no: str | None = strawberry.field(
        default=UNSET, description="The number printed on it, case ignored."
    )
    ticket_no: str | None = strawberry.field(default=UNSET, description="Its internal serial number.")


@strawberry.input(
    description="All given conditions hold together; texts match whole, case ignored. What is said of an admission, a "
    "slot, a visit and of being let in then must hold of one and the same access entry. E-mail, phone and name match "
    "only where you may see them."
)
class IssuedTicketWhere:
    token: str | None = strawberry.field(default=UNSET, description="Of the request with this token.")
    ticket_no: str | None = strawberry.field(default=UNSET, description="Of this internal serial number.")
    external_ticket_no: str | None = strawberry.field(default=UNSET, description="Of this printed number.")
    is_blocked: bool | None = strawberry.field(default=UNSET, description="Blocked, or not.")
    is_revoked: bool | None = strawberry.field(default=UNSET, description="Revoked, or not.")
    is_admitted: bool | None = strawberry.field(
        default=UNSET, description="Whether somebody was let in with it, at any admission."
    )
    valid_on: date | None = strawberry.field(
        default=UNSET, description="Valid on this day, told in the zone of its default admission."
    )
    issued_at: DateTimeRange | None = strawberry.field(default=UNSET, description="Issued then.")
    admitted_at: DateTimeRange | None = strawberry.field(
        default=UNSET, description="With an access entry that first let somebody in then."
    )
    visit_at: DateTimeRange | None = strawberry.field(
        default=UNSET, description="With an access entry whose time slot starts then."
    )
    external_order_no: str | None = strawberry.field(default=UNSET, description="Of this web order.")
    receipt_no: str | None = strawberry.field(default=UNSET, description="Of this POS receipt.")
    pos_unit_no: str | None = strawberry.field(default=UNSET, description="Sold at this POS unit.")
    customer_no: str | None = strawberry.field(
        default=UNSET, description="Of a request naming this customer number, known or not."
    )
    has_customer: bool | None = strawberry.field(
        default=UNSET, description="Whether `customer` is there for you to see."
    )
    email: str | None = personal_input(description="Of a holder with this e-mail.")
    phone: str | None = personal_input(description="Of a holder with this phone number; only its digits count.")
    ticket_holder_name: str | None = personal_input(description="Of a holder of this name.")
    item_no: str | None = strawberry.field(default=UNSET, description="Of this item, in any variant.")
    admission_code: str | None = strawberry.field(default=UNSET, description="With an access entry for this admission.")
    slot_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="With an access entry for this time slot."
    )


def _names_freely(context: Any) -> bool:
    """A gate names tickets by the number on them, and by nothing else."""
    return context.extent(Permission.READ_TICKETS) is not Extent.EXACT


@strawberry.type
class IssuedTicketQueries:
    issued_ticket: IssuedTicket | None = one(
        IssuedTicketBy,
        description="One ticket; null if there is none, or it is not yours to see.",
        id=by_id(loaders.issued_tickets, "IssuedTicket", permitted=_names_freely),
        external_ticket_no=Way(loaders.issued_tickets_by_number, lambda number: ("external", key(number))),
        ticket_no=Way(loaders.issued_tickets_by_number, lambda number: ("internal", key(number))),
    )
    issued_tickets: CountedConnection[IssuedTicket] | None = filtered(
        lists.pages_of_issued_tickets,
        lists.issued_tickets,
        lists.count_of_issued_tickets,
        IssuedTicketWhere,
        IssuedTicketOrder,
        description="The tickets that you may see and that the conditions let through.",
    )
