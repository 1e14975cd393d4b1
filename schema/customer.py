"""Customer: the register of guests that the shop knows."""

from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import UNSET

import db
from db.paging import NEWEST_FIRST
from resolvers import lists, loaders

from .node import Node, is_row
from .paging import Connection, CountedConnection
from .personal import personal
from .relations import Way, by_id, connection, listed, one

if TYPE_CHECKING:
    from .ticket import IssuedTicket
    from .ticket_request import TicketRequest


@strawberry.type(description="A guest as the shop knows them. Requests point here by number, known or not.")
class Customer(Node):
    customer_no: str = strawberry.field(description="The shop's number, unique, case ignored.")
    name: str | None = personal("name", "first_client_id", description="Null without the permission.")
    email: str | None = personal("email", "first_client_id", description="Null without the permission.")
    phone: str | None = personal("phone", "first_client_id", description="Null without the permission.")
    requests: CountedConnection[Annotated["TicketRequest", strawberry.lazy("schema.ticket_request")]] | None = (
        connection(
            loaders.ticket_requests_of_customers,
            "customer_key",
            order=NEWEST_FIRST,
            counts=loaders.ticket_request_counts_of_customers,
            description="The requests that name this customer's number, newest first.",
        )
    )
    tickets: CountedConnection[Annotated["IssuedTicket", strawberry.lazy("schema.ticket")]] | None = connection(
        loaders.tickets_of_customers,
        "customer_key",
        order=NEWEST_FIRST,
        counts=loaders.ticket_counts_of_customers,
        description="The tickets of these requests, newest first.",
    )
    is_type_of = is_row(db.customer.CustomerRow)


@strawberry.input(one_of=True, description="Which customer: exactly one of these.")
class CustomerBy:
    id: strawberry.ID | None = strawberry.field(default=UNSET, description="The global id.")
    customer_no: str | None = strawberry.field(default=UNSET, description="The shop's number, case ignored.")


@strawberry.type
class CustomerQueries:
    customer: Customer | None = one(
        CustomerBy,
        description="One customer; null if there is none, or it is not yours to see.",
        id=by_id(loaders.customers, "Customer"),
        customer_no=Way(loaders.customers_by_key),
    )
    customers: Connection[Customer] | None = listed(
        lists.customers, description="The customers that you may see, in the order in which they became known."
    )
