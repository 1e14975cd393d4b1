"""Sales orders: the web orders and POS receipts that requests came from."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import UNSET

import db
from db.keys import key
from db.sales_order import SalesChannel
from resolvers import loaders

from .customer import Customer
from .enums import describe
from .money import Money, money
from .node import Node, is_row
from .paging import CountedConnection
from .relations import Way, by_id, connection, one, relation

if TYPE_CHECKING:
    from .ticket_request import TicketRequest

describe(
    SalesChannel,
    "Where something was sold.",
    POS="At a point of sale of the house.",
    WEB_STORE="In a web store.",
    BACK_OFFICE="In the back office.",
    IMPORT="Brought in from another system.",
)


@strawberry.type(
    description="The sales document a request came from, a web order or a POS receipt, as the shop or the ERP knows it."
)
class SalesOrder(Node):
    channel: SalesChannel = strawberry.field(description="Where it was sold.")
    external_order_no: str | None = strawberry.field(description="The web order's number, unique within its client.")
    receipt_no: str | None = strawberry.field(description="The POS receipt's number, unique within its POS unit.")
    pos_unit_no: str | None = strawberry.field(description="The POS unit that printed the receipt.")
    placed_at: datetime | None = strawberry.field(description="When the order was placed.")
    total: Money | None = money("total_minor", description="What the document comes to.")
    document_status: str | None = strawberry.field(description="As the shop or the ERP calls it.")
    customer: Customer | None = relation(
        loaders.customers_by_key, "customer_key", description="The customer of the order's customer number, once known."
    )
    requests: CountedConnection[Annotated["TicketRequest", strawberry.lazy("schema.ticket_request")]] | None = (
        connection(
            loaders.ticket_requests_of_sales_orders,
            counts=loaders.ticket_request_counts_of_sales_orders,
            description="The requests that came from it, oldest first.",
        )
    )
    is_type_of = is_row(db.sales_order.SalesOrderRow)


@strawberry.input(description="A receipt number and the POS unit that it is unique within.")
class ReceiptInput:
    receipt_no: str = strawberry.field(description="The number on the receipt.")
    pos_unit_no: str = strawberry.field(description="The POS unit that printed it.")


@strawberry.input(
    one_of=True,
    description="Which sales order: exactly one of these. "
    "By an external order number that several clients use: the newest order the caller may see.",
)
class SalesOrderBy:
    id: strawberry.ID | None = strawberry.field(default=UNSET, description="The global id.")
    external_order_no: str | None = strawberry.field(default=UNSET, description="The web order's number.")
    receipt: ReceiptInput | None = strawberry.field(default=UNSET, description="The POS receipt.")


@strawberry.type
class SalesOrderQueries:
    sales_order: SalesOrder | None = one(
        SalesOrderBy,
        description="One sales order; null if there is none, or it is not yours to see.",
        id=by_id(loaders.sales_orders, "SalesOrder"),
        external_order_no=Way(loaders.newest_sales_orders),
        receipt=Way(loaders.sales_orders_by_receipt, lambda given: (key(given.receipt_no), key(given.pos_unit_no))),
    )
