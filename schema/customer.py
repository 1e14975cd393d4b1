"""Customer: the register of guests that the shop knows."""

from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import UNSET

import db
from db.keys import key
from db.paging import NEWEST_FIRST
from resolvers import lists, loaders

from .node import Node, by_id, chosen, is_row
from .paging import After, Before, Connection, CountedConnection, First, Last, page_of, window
from .personal import personal
from .relations import IN_PAGE, ROWS_AT, columns_asked, connection

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
    @strawberry.field(description="One customer; null if there is none, or it is not yours to see.")
    async def customer(
        self, info: strawberry.Info, by: Annotated[CustomerBy, strawberry.argument(description="Which one.")]
    ) -> Customer | None:
        match chosen(by):
            case "id", given:
                found = await by_id(info, loaders.customers, given, "Customer")
            case _, given:
                found = await info.context.loaders.load(loaders.customers_by_key, key(given))
        return found

    @strawberry.field(
        description="The customers that you may see, in the order in which they became known.",
        metadata={ROWS_AT: IN_PAGE},
    )
    async def customers(
        self,
        info: strawberry.Info,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Connection[Customer] | None:
        asked = window(first, after, last, before)
        return page_of(await lists.customers(info.context, asked, columns_asked(info)))
