"""Ticket requests: the order-like records, their lines (the references) and their entries.

A REGISTERED request past ``expires_at`` *is* EXPIRED, whether or not anybody has stamped it. The views say so
themselves, by the moment ``now`` that every reader passes, so that fields, filters, orders and counts agree.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    case,
    false,
    literal,
    select,
    text,
    union_all,
)

from .admission import admission
from .base import BigId, Instant, id_column, metadata
from .client import client
from .customer import CustomerRow, customer
from .engine import Read, Write
from .keys import key, phone_key
from .paging import Conditions, Listing, Order, Page, Window, is_one_of, within
from .sales_order import sales_order
from .ticket_item import content_line, ticket_item
from .time_slot import time_slot


class TicketRequestStatus(StrEnum):
    REGISTERED = "REGISTERED"
    CONFIRMED = "CONFIRMED"
    EXPIRED = "EXPIRED"
    CANCELED = "CANCELED"


class PaymentOption(StrEnum):
    DIRECT = "DIRECT"
    PREPAID = "PREPAID"
    POSTPAID = "POSTPAID"
    UNPAID = "UNPAID"


ticket_request = Table(
    "ticket_request",
    metadata,
    id_column(),
    Column("client_id", BigId, ForeignKey(client.c.id), nullable=False),
    Column("token", Text, nullable=False),
    Column("token_key", Text, nullable=False, unique=True),
    Column("authorization_code", Text, nullable=False),
    Column("code_key", Text, nullable=False),
    Column("fingerprint", Text, nullable=False, comment="of the input as parsed at the first create"),
    Column("fingerprint_version", Integer, nullable=False),
    Column("channel", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("status_changed_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("payment_option", Text, nullable=False),
    Column("payment_reference", Text),
    Column("payment_key", Text),
    Column("currency", Text, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("customer_no", Text),
    Column("customer_key", Text),
    Column("email", Text),
    Column("email_key", Text),
    Column("phone", Text),
    Column("phone_key", Text),
    Column("ticket_holder_name", Text),
    Column("name_key", Text),
    Column("language", Text),
    Column("external_order_no", Text),
    Column("order_key", Text),
    Column("receipt_no", Text),
    Column("receipt_key", Text),
    Column("pos_unit_no", Text),
    Column("pos_unit_key", Text),
    Column("salesperson_code", Text),
    CheckConstraint("(status IN ('REGISTERED', 'EXPIRED')) = (expires_at IS NOT NULL)", name="expires_at"),
    CheckConstraint("total_minor >= 0", name="total_minor"),
    Index(None, "created_at", "id"),
    Index(None, "status_changed_at", "id"),
    Index(None, "client_id", "created_at", "id"),
    Index(None, "order_key", "client_id"),
    Index(None, "receipt_key", "pos_unit_key"),
    Index(None, "customer_key", "id"),
    Index(None, "email_key"),
    Index(None, "phone_key"),
    Index(None, "name_key"),
    Index(None, "payment_key"),
    Index(None, "code_key"),
    Index(
        "ix_ticket_request_held",
        "expires_at",
        postgresql_where=text("status = 'REGISTERED'"),
        sqlite_where=text("status = 'REGISTERED'"),
    ),
)

order_key = Table(
    "order_key",
    metadata,
    Column("client_id", BigId, ForeignKey(client.c.id), nullable=False),
    Column("key", Text, nullable=False),
    Column("request_id", BigId, ForeignKey(ticket_request.c.id), nullable=False),
    PrimaryKeyConstraint("client_id", "key"),
    Index(None, "request_id"),
)

request_line = Table(
    "request_line",
    metadata,
    id_column(),
    Column("request_id", BigId, ForeignKey(ticket_request.c.id), nullable=False),
    Column("line_no", Integer, nullable=False),
    Column("item_id", BigId, ForeignKey(ticket_item.c.id), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("unit_price_minor", BigInteger, nullable=False),
    Column("dictated_nos", JSON, comment="external ticket numbers given by the caller, one per ticket"),
    Column("replaced_at", Instant),
    CheckConstraint("quantity >= 1", name="quantity"),
    CheckConstraint("unit_price_minor >= 0", name="unit_price_minor"),
    Index(None, "request_id", "line_no"),
    Index(None, "item_id"),
)

request_entry = Table(
    "request_entry",
    metadata,
    id_column(),
    Column("request_id", BigId, ForeignKey(ticket_request.c.id), nullable=False),
    Column("line_id", BigId, ForeignKey(request_line.c.id), nullable=False),
    Column("content_line_id", BigId, ForeignKey(content_line.c.id), nullable=False),
    Column("admission_id", BigId, ForeignKey(admission.c.id), nullable=False),
    Column("inclusion", Text, nullable=False),
    Column("is_primary", Boolean, nullable=False),
    Column("quantity", Integer, nullable=False, comment="tickets; 0: left out"),
    Column("slot_id", BigId, ForeignKey(time_slot.c.id)),
    Column("replaced_at", Instant),
    UniqueConstraint("line_id", "admission_id"),
    CheckConstraint("quantity >= 0", name="quantity"),
    Index(None, "request_id"),
    Index(None, "slot_id"),
    Index(None, "admission_id", "request_id"),
)


class TicketRequestRow(NamedTuple):
    """A request as it is at ``now``: status and its moment tell of an expiry that nobody has stamped yet."""

    id: int
    client_id: int
    client: str
    token: str
    token_key: str
    authorization_code: str
    fingerprint: str
    fingerprint_version: int
    channel: str
    status: str
    status_changed_at: datetime
    created_at: datetime
    expires_at: datetime | None
    payment_option: str
    payment_reference: str | None
    currency: str
    total_minor: int
    customer_no: str | None
    customer_key: str | None
    email: str | None
    phone: str | None
    ticket_holder_name: str | None
    language: str | None
    external_order_no: str | None
    order_key: str | None
    receipt_no: str | None
    receipt_key: str | None
    pos_unit_no: str | None
    pos_unit_key: str | None
    salesperson_code: str | None
    is_stamped: bool


class ReferenceRow(NamedTuple):
    """One requested line with the facts of its request that support works from."""

    id: int
    request_id: int
    line_no: int
    item_id: int
    quantity: int
    unit_price_minor: int
    currency: str
    client_id: int
    customer_no: str | None
    customer_key: str | None
    email: str | None
    phone: str | None
    ticket_holder_name: str | None
    language: str | None
    external_order_no: str | None
    receipt_no: str | None
    pos_unit_no: str | None
    salesperson_code: str | None


class EntryRow(NamedTuple):
    """One requested line at one admission, with its request's token, code and status."""

    id: int
    request_id: int
    line_id: int
    content_line_id: int
    admission_id: int
    inclusion: str
    is_primary: bool
    quantity: int
    slot_id: int | None
    line_no: int
    client_id: int
    token: str
    authorization_code: str
    status: str


NOW = bindparam("now", type_=Instant())


def has_run_out(request: Any) -> ColumnElement[bool]:
    """The hold is over although nobody has stamped it. ``expiresAt`` itself is already too late."""
    return and_(request.status == TicketRequestStatus.REGISTERED.value, request.expires_at <= NOW)


def status_now(request: Any) -> ColumnElement[str]:
    """The status at ``now``."""
    return case((has_run_out(request), literal(TicketRequestStatus.EXPIRED.value)), else_=request.status)


def status_changed_now(request: Any) -> ColumnElement[datetime]:
    """When the status at ``now`` began: an expiry happened at ``expires_at``."""
    return case((has_run_out(request), request.expires_at), else_=request.status_changed_at)


_computed: Mapping[str, ColumnElement[Any]] = {
    "client": client.c.name,
    "status": status_now(ticket_request.c),
    "status_changed_at": status_changed_now(ticket_request.c),
    "is_stamped": ~has_run_out(ticket_request.c),
}

ticket_requests = Listing(
    ticket_request,
    TicketRequestRow,
    select(
        *(_computed[n].label(n) if n in _computed else ticket_request.c[n] for n in TicketRequestRow._fields)
    ).join_from(ticket_request, client, ticket_request.c.client_id == client.c.id),
    expressions={"status_changed_at": status_changed_now},
)
references = Listing(
    request_line,
    ReferenceRow,
    select(
        *(request_line.c[n] if n in request_line.c else ticket_request.c[n] for n in ReferenceRow._fields)
    ).join_from(request_line, ticket_request, request_line.c.request_id == ticket_request.c.id),
)
entries = Listing(
    request_entry,
    EntryRow,
    select(
        *(request_entry.c[n] for n in EntryRow._fields[:9]),
        request_line.c.line_no,
        ticket_request.c.client_id,
        ticket_request.c.token,
        ticket_request.c.authorization_code,
        status_now(ticket_request.c).label("status"),
    )
    .join_from(request_entry, request_line, request_entry.c.line_id == request_line.c.id)
    .join(ticket_request, request_entry.c.request_id == ticket_request.c.id),
)

CREATED_AT_DESC = Order("CREATED_AT_DESC", "created_at", is_descending=True)
CREATED_AT_ASC = Order("CREATED_AT_ASC", "created_at")
STATUS_CHANGED_AT_DESC = Order("STATUS_CHANGED_AT_DESC", "status_changed_at", is_descending=True)


class LineRow(NamedTuple):
    """A requested line in force, with what its tickets are made from."""

    id: int
    line_no: int
    item_id: int
    quantity: int
    unit_price_minor: int
    dictated_nos: list[str] | None


BEFORE_TIME = datetime.min.replace(tzinfo=UTC)
"""A ``now`` at which nothing has run out yet: rows read with it show what is stored."""


async def by_token_key(read: Read, token_key: str, now: datetime) -> TicketRequestRow | None:
    """The request of that token, as it is at ``now``."""
    return await read.first(
        TicketRequestRow, ticket_requests.view.where(ticket_request.c.token_key == token_key), {"now": now}
    )


async def by_id(read: Read, request_id: int, now: datetime) -> TicketRequestRow | None:
    """The request of that id, as it is at ``now``."""
    return await read.first(
        TicketRequestRow, ticket_requests.view.where(ticket_request.c.id == request_id), {"now": now}
    )


async def lock(write: Write, token_key: str) -> TicketRequestRow | None:
    """Take the request of that token, and answer it as it is stored: whether it has expired is for the clock to say
    that is read after every lock is held."""
    found = select(ticket_request.c.id).where(ticket_request.c.token_key == token_key).with_for_update(key_share=True)
    return await by_id(write, request_id, BEFORE_TIME) if (request_id := await write.value(found)) else None


async def add(write: Write, values: Mapping[str, Any]) -> int | None:
    """A new request; None if its token is taken by a request that is committed by then."""
    statement = write.insert(ticket_request).values(dict(values)).on_conflict_do_nothing(index_elements=["token_key"])
    request_id: int | None = await write.value(statement.returning(ticket_request.c.id))
    return request_id


async def change(write: Write, request_id: int, values: Mapping[str, Any]) -> None:
    """Change columns of a locked request."""
    await write.run(ticket_request.update().where(ticket_request.c.id == request_id).values(dict(values)))


async def claim_order(write: Write, client_id: int, key: str, request_id: int) -> int:
    """Lock the order number, and answer the request that owns it: this one, if nobody did.

    The upsert is the lock: it waits for whoever else is claiming the number, and sees what they left.
    """
    statement = write.insert(order_key).values(client_id=client_id, key=key, request_id=request_id)
    statement = statement.on_conflict_do_update(index_elements=["client_id", "key"], set_={"key": key})
    owner: int = await write.value(statement.returning(order_key.c.request_id))
    return owner


async def take_over_order(write: Write, client_id: int, key: str, request_id: int) -> None:
    """Make this request the owner of a locked order number, whose owner has expired or was canceled."""
    owned = (order_key.c.client_id == client_id) & (order_key.c.key == key)
    await write.run(order_key.update().where(owned).values(request_id=request_id))


async def lines_of(read: Read, request_id: int) -> list[LineRow]:
    """The lines in force of a request."""
    found = select(*(request_line.c[name] for name in LineRow._fields)).order_by(request_line.c.line_no)
    in_force = (request_line.c.request_id == request_id) & request_line.c.replaced_at.is_(None)
    return await read.rows(LineRow, found.where(in_force))


async def entries_of(read: Read, request_id: int, now: datetime) -> list[EntryRow]:
    """The entries in force of a request, by line."""
    found = entries.view.where(request_entry.c.request_id == request_id, request_entry.c.replaced_at.is_(None))
    return await read.rows(EntryRow, found.order_by(request_entry.c.id), {"now": now})


async def add_lines(write: Write, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """New lines; answers their ids in the same order."""
    return await write.add(request_line, rows)


async def add_entries(write: Write, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """New entries; answers their ids in the same order."""
    return await write.add(request_entry, rows)


async def by_ids(
    read: Read, ids: Sequence[int], now: datetime, *, where: Conditions | None = None
) -> dict[int, TicketRequestRow]:
    """Requests by row id."""
    return await ticket_requests.by_key(read, "id", ids, where=where, parameters={"now": now})


async def by_token_keys(
    read: Read, keys: Sequence[str], now: datetime, *, where: Conditions | None = None
) -> dict[str, TicketRequestRow]:
    """Requests by the keys of their tokens."""
    return await ticket_requests.by_key(read, "token_key", keys, where=where, parameters={"now": now})


async def page(read: Read, window: Window, now: datetime, *, where: Conditions | None = None) -> Page[TicketRequestRow]:
    """A page of requests."""
    return await ticket_requests.page(read, window, where=where, parameters={"now": now})


async def count(read: Read, now: datetime, *, where: Conditions | None = None) -> int | None:
    """How many requests, or None beyond ``COUNTED_AT_MOST``."""
    return await ticket_requests.count(read, where=where, parameters={"now": now})


async def pages_of_customers(
    read: Read, customer_keys: Sequence[str], window: Window, now: datetime, *, where: Conditions | None = None
) -> dict[str, Page[TicketRequestRow]]:
    """One page of requests per customer number."""
    found = ticket_requests.pages(read, "customer_key", customer_keys, window, where=where, parameters={"now": now})
    return await found


async def counts_of_customers(
    read: Read, customer_keys: Sequence[str], *, where: Conditions | None = None
) -> dict[str, int | None]:
    """How many requests per customer number."""
    return await ticket_requests.counts(read, "customer_key", customer_keys, where=where)


async def pages_of_sales_orders(
    read: Read, order_ids: Sequence[int], window: Window, now: datetime, *, where: Conditions | None = None
) -> dict[int, Page[TicketRequestRow]]:
    """One page of requests per sales order: those that point at it."""
    return await ticket_requests.pages(
        read, "id", order_ids, window, parent=_points_at_order, where=where, parameters={"now": now}
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
    read: Read, ids: Sequence[int], *, where: Conditions | None = None
) -> dict[int, ReferenceRow]:
    """References by row id, replaced ones too."""
    return await references.by_key(read, "id", ids, where=where)


async def references_of_requests(
    read: Read, request_ids: Sequence[int], *, where: Conditions | None = None
) -> dict[int, list[ReferenceRow]]:
    """The references in force of each request, by line number."""
    return await references.lists(read, "request_id", request_ids, order_by=("line_no", "id"), where=_in_force(where))


async def entries_by_ids(
    read: Read, ids: Sequence[int], now: datetime, *, where: Conditions | None = None
) -> dict[int, EntryRow]:
    """Entries by row id, replaced ones too."""
    return await entries.by_key(read, "id", ids, where=where, parameters={"now": now})


async def entries_of_requests(
    read: Read, request_ids: Sequence[int], now: datetime, *, where: Conditions | None = None
) -> dict[int, list[EntryRow]]:
    """The entries in force of each request, line by line."""
    return await entries.lists(read, "request_id", request_ids, where=_in_force(where), parameters={"now": now})


async def entries_of_lines(read: Read, line_ids: Sequence[int], now: datetime) -> dict[int, list[EntryRow]]:
    """The entries of each line; a replaced line keeps those it had."""
    return await entries.lists(read, "line_id", line_ids, parameters={"now": now})


def _in_force(where: Conditions | None) -> Conditions:
    return lambda row: [row.replaced_at.is_(None), *(where(row) if where else ())]


def whose_request(where: Conditions) -> Conditions:
    """For rows with a ``request_id``: their request meets these conditions."""

    def hold(row: Any) -> list[ColumnElement[bool]]:
        request = ticket_request.alias("whose")
        return [select(request.c.id).where(request.c.id == row.request_id, *where(request.c)).exists()]

    return hold


def has_customer(request: Any, wanted: bool, visible: Conditions | None) -> ColumnElement[bool]:
    """Whether the register knows the request's customer number, and the reader may see that customer."""
    known = customer.alias("known")
    found = select(known.c.id).where(
        known.c.customer_key == request.customer_key, *(visible(known.c) if visible else ())
    )
    return found.exists() if wanted else ~found.exists()


def matching(given: Mapping[str, Any], customers: Conditions | None = None) -> Conditions:
    """The conditions of a filter: all that are given hold together; texts match whole, by their keys.

    ``given`` has some of the names below: lists of values, texts, ``Span``s, a row id (``slot_id``), a truth
    (``has_customer``, of the ``customers`` that the reader may see). What is said of an entry (``admission_code``,
    ``slot_id``, ``visit_at``) must hold of one and the same entry, and of one that is not left out. Statuses and their
    counts are those at ``now``.
    """
    said_of_entry = {name: value for name, value in given.items() if name in ENTRY_FILTERS}
    others = {name: value for name, value in given.items() if name not in said_of_entry}
    wants_customer = others.pop("has_customer", None)

    def hold(request: Any) -> list[ColumnElement[bool]]:
        conditions = [_FILTERS[name](request, value) for name, value in others.items()]
        if said_of_entry:
            conditions.append(_has_entry(request, said_of_entry))
        if wants_customer is not None:
            conditions.append(has_customer(request, wants_customer, customers))
        return conditions

    return hold


def _has_entry(request: Any, said: Mapping[str, Any]) -> ColumnElement[bool]:
    """One of the entries in force is such. Looked up from the few, or asked of each request if they are many."""
    entry = request_entry.alias("entry")
    conditions = (entry.c.replaced_at.is_(None), entry.c.quantity > 0, *of_entry(entry.c, said))
    if said.keys() == {"admission_code"}:
        return select(entry.c.id).where(entry.c.request_id == request.id, *conditions).exists()
    found: ColumnElement[bool] = request.id.in_(select(entry.c.request_id).where(*conditions))
    return found


def _has_status(request: Any, statuses: Sequence[TicketRequestStatus]) -> ColumnElement[bool]:
    """The status at ``now`` is one of these. Said of the stored status as well, so that an index may answer."""
    stored = set(statuses)
    if TicketRequestStatus.EXPIRED in stored:
        stored.add(TicketRequestStatus.REGISTERED)
    wanted = [status.value for status in TicketRequestStatus if status in statuses]
    return and_(request.status.in_(sorted(stored)), status_now(request).in_(wanted))


def _has_phone(request: Any, text: str) -> ColumnElement[bool]:
    digits = phone_key(text)
    return request.phone_key == digits if digits else false()


def _has_item(request: Any, text: str) -> ColumnElement[bool]:
    """One of the lines in force asks for that item number, in any variant."""
    line, item = request_line.alias("line"), ticket_item.alias("item")
    lines = select(line.c.request_id).join_from(line, item, line.c.item_id == item.c.id)
    lines = lines.where(item.c.item_key == key(text), line.c.replaced_at.is_(None))
    found: ColumnElement[bool] = request.id.in_(lines)
    return found


_FILTERS: Mapping[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "status": _has_status,
    "channel": lambda request, channels: request.channel.in_([channel.value for channel in channels]),
    "payment_option": lambda request, options: request.payment_option.in_([option.value for option in options]),
    "created_at": lambda request, span: within(request.created_at, span),
    "expires_at": lambda request, span: within(request.expires_at, span),
    "token": lambda request, text: request.token_key == key(text),
    "external_order_no": lambda request, text: request.order_key == key(text),
    "receipt_no": lambda request, text: request.receipt_key == key(text),
    "pos_unit_no": lambda request, text: request.pos_unit_key == key(text),
    "payment_reference": lambda request, text: request.payment_key == key(text),
    "customer_no": lambda request, text: request.customer_key == key(text),
    "email": lambda request, text: request.email_key == key(text),
    "phone": _has_phone,
    "ticket_holder_name": lambda request, text: request.name_key == key(text),
    "item_no": _has_item,
}
ENTRY_FILTERS: Mapping[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "admission_code": lambda entry, text: entry.admission_id.in_(
        select(admission.c.id).where(admission.c.code_key == key(text))
    ),
    "slot_id": lambda entry, slot_id: entry.slot_id == slot_id,
    "visit_at": lambda entry, span: entry.slot_id.in_(
        select(time_slot.c.id).where(within(time_slot.c.starts_at, span))
    ),
}


def of_entry(entry: Any, given: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    """What a filter says of one entry of a request, or access entry of a ticket: its admission, slot and visit."""
    return [ENTRY_FILTERS[name](entry, value) for name, value in given.items()]


async def replace_lines(write: Write, request_id: int, at: datetime) -> None:
    """Retire the lines in force and their entries: they stay findable, and others take their place."""
    for table in (request_line, request_entry):
        in_force = (table.c.request_id == request_id) & table.c.replaced_at.is_(None)
        await write.run(table.update().where(in_force).values(replaced_at=at))


async def lock_run_out(write: Write, now: datetime, at_most: int) -> list[tuple[int, datetime]]:
    """Take requests whose hold has run out and that nobody has stamped, the oldest first, passing over those in use.

    Answers (request, end of its hold).
    """
    found = (
        select(ticket_request.c.id, ticket_request.c.expires_at)
        .where(has_run_out(ticket_request.c))
        .order_by(ticket_request.c.expires_at, ticket_request.c.id)
        .limit(at_most)
        .with_for_update(key_share=True, skip_locked=True)
    )
    return [(row[0], row[1]) for row in await write.all(found, {"now": now})]


async def stamp_expired(write: Write, request_ids: Sequence[int]) -> None:
    """Write down that these locked requests have expired, each when its hold ran out."""
    values = {"status": TicketRequestStatus.EXPIRED.value, "status_changed_at": ticket_request.c.expires_at}
    await write.run(ticket_request.update().where(is_one_of(write, ticket_request.c.id, request_ids)).values(values))
