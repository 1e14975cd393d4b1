"""Requests, lines and entries as they are read: by key, in pages, and beside what points at them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Text, and_, bindparam, select, union_all

from ..base import BigId
from ..conditions import Conditions, Lasting, all_of
from ..customer import CustomerRow, customer
from ..engine import Read
from ..keys import key
from ..paging import ALL, Columns, Order, Page, Window, each, is_one_of
from ..sales_order import sales_order
from .filters import NUMBERS, OF_FEW
from .rows import EntryRow, LineRow, ReferenceRow, TicketRequestRow, entries, references, ticket_requests
from .tables import order_key, request_entry, request_line, ticket_request


async def by_token_key(read: Read, token_key: str, now: datetime) -> TicketRequestRow | None:
    """The request of that token, as it is at ``now``."""
    return await read.first(TicketRequestRow, _BY_TOKEN_KEY, {"of_token": token_key, "now": now})


async def by_id(read: Read, request_id: int, now: datetime) -> TicketRequestRow | None:
    """The request of that id, as it is at ``now``."""
    return await read.first(TicketRequestRow, _BY_ID, {"of_id": request_id, "now": now})


async def lines_of(read: Read, request_id: int) -> list[LineRow]:
    """The lines in force of a request."""
    return await read.rows(LineRow, _LINES_OF, {"of_request": request_id})


async def entries_of(read: Read, request_id: int, now: datetime) -> list[EntryRow]:
    """The entries in force of a request, by line."""
    return await read.rows(EntryRow, _ENTRIES_OF, {"of_request": request_id, "now": now})


_OF_REQUEST = bindparam("of_request", type_=BigId)
_BY_TOKEN_KEY = ticket_requests.view.where(ticket_request.c.token_key == bindparam("of_token", type_=Text()))
_BY_ID = ticket_requests.view.where(ticket_request.c.id == bindparam("of_id", type_=BigId))
_LINES_OF = (
    select(*(request_line.c[name] for name in LineRow._fields))
    .where(request_line.c.request_id == _OF_REQUEST, request_line.c.replaced_at.is_(None))
    .order_by(request_line.c.line_no)
)
_ENTRIES_OF = entries.view.where(
    request_entry.c.request_id == _OF_REQUEST, request_entry.c.replaced_at.is_(None)
).order_by(request_entry.c.id)
"""Made once: a statement that is made anew for every request takes as long to be known again as to be run."""


async def by_ids(
    read: Read, ids: Sequence[int], now: datetime, *, where: Conditions | None = None, columns: Columns = ALL
) -> dict[int, TicketRequestRow]:
    """Requests by row id."""
    return await ticket_requests.by_key(read, "id", ids, where=where, parameters={"now": now}, columns=columns)


async def by_token_keys(
    read: Read, keys: Sequence[str], now: datetime, *, where: Conditions | None = None, columns: Columns = ALL
) -> dict[str, TicketRequestRow]:
    """Requests by the keys of their tokens."""
    return await ticket_requests.by_key(read, "token_key", keys, where=where, parameters={"now": now}, columns=columns)


async def page(
    read: Read, window: Window, now: datetime, *, where: Conditions | None = None, columns: Columns = ALL
) -> Page[TicketRequestRow]:
    """A page of requests."""
    return await ticket_requests.page(read, window, where=where, parameters={"now": now}, columns=columns)


def shared_numbers(given: Mapping[str, Any], order: Order) -> tuple[str, ...]:
    """Of the conditions of a filter, those whose values may differ between pages that ``pages_of_numbers`` reads."""
    return () if order.attribute in ticket_requests.parts else tuple(name for name in OF_FEW if name in given)


async def pages_of_numbers(
    read: Read,
    names: Sequence[str],
    texts: Sequence[tuple[str, ...]],
    window: Window,
    now: datetime,
    *,
    where: Conditions | None = None,
    columns: Columns = ALL,
) -> dict[tuple[str, ...], Page[TicketRequestRow]]:
    """One page of requests for each of these texts: what ``matching`` says of conditions of these names."""
    keys = [tuple(map(key, of_one)) for of_one in texts]
    attributes = [NUMBERS[name] for name in names]
    pages = await ticket_requests.pages(
        read, attributes, keys, window, where=where, parameters={"now": now}, columns=columns
    )
    return {of_one: pages[keys_] for of_one, keys_ in zip(texts, keys, strict=True)}


async def count(read: Read, now: datetime, *, where: Conditions | None = None) -> int | None:
    """How many requests, or None beyond ``COUNTED_AT_MOST``."""
    return await ticket_requests.count(read, where=where, parameters={"now": now})


async def pages_of_customers(
    read: Read,
    customer_keys: Sequence[str],
    window: Window,
    now: datetime,
    *,
    where: Conditions | None = None,
    columns: Columns = ALL,
) -> dict[str, Page[TicketRequestRow]]:
    """One page of requests per customer number."""
    return await ticket_requests.pages(
        read, "customer_key", customer_keys, window, where=where, parameters={"now": now}, columns=columns
    )


async def counts_of_customers(
    read: Read, customer_keys: Sequence[str], *, where: Conditions | None = None
) -> dict[str, int | None]:
    """How many requests per customer number."""
    return await ticket_requests.counts(read, "customer_key", customer_keys, where=where)


async def pages_of_sales_orders(
    read: Read,
    order_ids: Sequence[int],
    window: Window,
    now: datetime,
    *,
    where: Conditions | None = None,
    columns: Columns = ALL,
) -> dict[int, Page[TicketRequestRow]]:
    """One page of requests per sales order: those that point at it."""
    return await ticket_requests.pages(
        read, "id", order_ids, window, parent=_points_at_order, where=where, parameters={"now": now}, columns=columns
    )


async def counts_of_sales_orders(
    read: Read, order_ids: Sequence[int], *, where: Conditions | None = None
) -> dict[int, int | None]:
    """How many requests per sales order."""
    return await ticket_requests.counts(read, "id", order_ids, parent=_points_at_order, where=where)


def _points_at_order(request: Any, asked: Any) -> ColumnElement[bool]:
    """The request is of the order's client and number; or of its receipt, if its client has no order of its number."""
    of, order, own = ticket_request.alias("of"), sales_order.alias("sale"), sales_order.alias("own")
    by_number = (order.c.client_id == of.c.client_id) & (order.c.order_key == of.c.order_key)
    by_receipt = (order.c.receipt_key == of.c.receipt_key) & (order.c.pos_unit_key == of.c.pos_unit_key)
    has_own = select(own.c.id).where(own.c.client_id == of.c.client_id, own.c.order_key == of.c.order_key).exists()
    pointing = [
        select(of.c.id).join_from(order, of, condition).where(order.c.id == asked.c0).correlate(asked.c0.table)
        for condition in (by_number, by_receipt & ~has_own)
    ]
    found: ColumnElement[bool] = request.id.in_(union_all(*pointing))
    return found


async def customers_of(
    read: Read, request_ids: Sequence[int], *, where: Conditions | None = None
) -> dict[int, CustomerRow]:
    """The customer behind each request: the one of its customer number, if the register knows it."""
    found = (
        select(ticket_request.c.id, *(customer.c[name] for name in CustomerRow._fields))
        .join_from(ticket_request, customer, ticket_request.c.customer_key == customer.c.customer_key)
        .where(is_one_of(read, ticket_request.c.id, request_ids), *(where(customer.c) if where else ()))
    )
    return {row[0]: CustomerRow._make(row[1:]) for row in await read.all(found)}


async def references_by_ids(
    read: Read, ids: Sequence[int], *, where: Conditions | None = None, columns: Columns = ALL
) -> dict[int, ReferenceRow]:
    """References by row id, replaced ones too."""
    return await references.by_key(read, "id", ids, where=where, columns=columns)


async def references_of_requests(
    read: Read, request_ids: Sequence[int], *, where: Conditions | None = None, columns: Columns = ALL
) -> dict[int, list[ReferenceRow]]:
    """The references in force of each request, by line number."""
    return await references.lists(
        read, "request_id", request_ids, order_by=("line_no", "id"), where=all_of(_IN_FORCE, where), columns=columns
    )


async def entries_by_ids(
    read: Read, ids: Sequence[int], now: datetime, *, where: Conditions | None = None, columns: Columns = ALL
) -> dict[int, EntryRow]:
    """Entries by row id, replaced ones too."""
    return await entries.by_key(read, "id", ids, where=where, parameters={"now": now}, columns=columns)


async def entries_of_requests(
    read: Read, request_ids: Sequence[int], now: datetime, *, where: Conditions | None = None, columns: Columns = ALL
) -> dict[int, list[EntryRow]]:
    """The entries in force of each request, line by line."""
    return await entries.lists(
        read, "request_id", request_ids, where=all_of(_IN_FORCE, where), parameters={"now": now}, columns=columns
    )


async def entries_of_lines(
    read: Read, line_ids: Sequence[int], now: datetime, *, columns: Columns = ALL
) -> dict[int, list[EntryRow]]:
    """The entries of each line; a replaced line keeps those it had."""
    return await entries.lists(read, "line_id", line_ids, parameters={"now": now}, columns=columns)


_IN_FORCE = Lasting(lambda row, _of: [row.replaced_at.is_(None)])


async def order_owners(read: Read, keys: Sequence[tuple[int, str]]) -> dict[tuple[int, str], int]:
    """The requests that own these (client, order number's key). Nothing is locked."""
    asked = each(read, [BigId, Text()], keys)
    owned = and_(order_key.c.client_id == asked.c.c0, order_key.c.key == asked.c.c1)
    found = select(order_key.c.client_id, order_key.c.key, order_key.c.request_id).join_from(asked, order_key, owned)
    return {(client_id, key): request_id for client_id, key, request_id in await read.all(found)}


class Dictated(NamedTuple):
    """External ticket numbers that the caller gave: of the lines in force, and of lines that were replaced."""

    in_force: list[str]
    replaced: list[str]


async def dictated_of(read: Read, request_ids: Sequence[int]) -> dict[int, Dictated]:
    """The ticket numbers that each request dictates or once dictated; one that never did is missing."""
    found = (
        select(request_line.c.request_id, request_line.c.dictated_nos, request_line.c.replaced_at)
        .where(is_one_of(read, request_line.c.request_id, request_ids))
        .order_by(request_line.c.id)
    )
    dictated: dict[int, Dictated] = {}
    for request_id, numbers, replaced_at in await read.all(found):
        if numbers:
            of_request = dictated.setdefault(request_id, Dictated([], []))
            (of_request.in_force if replaced_at is None else of_request.replaced).extend(numbers)
    return dictated
