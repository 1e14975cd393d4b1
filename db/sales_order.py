"""Sales orders: the web orders and POS receipts that requests came from, as the shop or the ERP knows them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Table, Text, UniqueConstraint, select

from .base import BigId, Endless, Instant, id_column, metadata
from .client import client
from .conditions import Conditions
from .driver import BROKEN_RULES
from .engine import Read, Write
from .paging import Listing, each


class SalesChannel(StrEnum):
    POS = "POS"
    WEB_STORE = "WEB_STORE"
    BACK_OFFICE = "BACK_OFFICE"
    IMPORT = "IMPORT"


sales_order = Table(
    "sales_order",
    metadata,
    id_column(),
    Column("client_id", BigId, ForeignKey(client.c.id), nullable=False, comment="whose order it is"),
    Column("first_client_id", BigId, ForeignKey(client.c.id), nullable=False, comment="who wrote it first"),
    Column("channel", Text, nullable=False),
    Column("external_order_no", Text),
    Column("order_key", Text),
    Column("receipt_no", Text),
    Column("receipt_key", Text),
    Column("pos_unit_no", Text),
    Column("pos_unit_key", Text),
    Column("customer_no", Text),
    Column("customer_key", Text),
    Column("placed_at", Endless),
    Column("total_minor", BigInteger),
    Column("currency", Text),
    Column("document_status", Text),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("client_id", "order_key"),
    UniqueConstraint("receipt_key", "pos_unit_key"),
    CheckConstraint("order_key IS NOT NULL OR receipt_key IS NOT NULL", name="number"),
    CheckConstraint("(receipt_key IS NULL) = (pos_unit_key IS NULL)", name="receipt"),
    CheckConstraint("(total_minor IS NULL) OR (currency IS NOT NULL)", name="total"),
    Index(None, "order_key", "id"),
    Index(None, "first_client_id"),
)


class SalesOrderRow(NamedTuple):
    id: int
    client_id: int
    first_client_id: int
    channel: str
    external_order_no: str | None
    order_key: str | None
    receipt_no: str | None
    receipt_key: str | None
    pos_unit_no: str | None
    pos_unit_key: str | None
    customer_key: str | None
    placed_at: datetime | None
    total_minor: int | None
    currency: str | None
    document_status: str | None


sales_orders = Listing(sales_order, SalesOrderRow, select(*(sales_order.c[name] for name in SalesOrderRow._fields)))


async def by_ids(read: Read, ids: Sequence[int], *, where: Conditions | None = None) -> dict[int, SalesOrderRow]:
    """Sales orders by row id."""
    return await sales_orders.by_key(read, "id", ids, where=where)


async def newest_by_order_keys(
    read: Read, keys: Sequence[str], *, where: Conditions | None = None
) -> dict[str, SalesOrderRow]:
    """The newest order of each external order number, of those that ``where`` lets through."""
    lists = await sales_orders.lists(read, "order_key", keys, where=where)
    return {key: rows[-1] for key, rows in lists.items()}


async def by_order_keys(
    read: Read, keys: Sequence[tuple[int, str]], *, where: Conditions | None = None
) -> dict[tuple[int, str], SalesOrderRow]:
    """Orders by (client id, key of the external order number)."""
    return await _by_pairs(read, ("client_id", "order_key"), keys, where)


async def by_receipts(
    read: Read, keys: Sequence[tuple[str, str]], *, where: Conditions | None = None
) -> dict[tuple[str, str], SalesOrderRow]:
    """Orders by the keys of (receipt number, POS unit)."""
    return await _by_pairs(read, ("receipt_key", "pos_unit_key"), keys, where)


async def _by_pairs(
    read: Read, names: tuple[str, str], keys: Sequence[tuple[Any, str]], where: Conditions | None
) -> dict[Any, SalesOrderRow]:
    first, second = (sales_order.c[name] for name in names)
    asked = each(read, [first.type, second.type], keys)
    found = sales_orders.view.join_from(asked, sales_order, (first == asked.c.c0) & (second == asked.c.c1))
    if where:
        found = found.where(*where(sales_order.c))
    rows = await read.rows(SalesOrderRow, found)
    return {(getattr(row, names[0]), getattr(row, names[1])): row for row in rows}


async def add(write: Write, values: Mapping[str, Any]) -> int | None:
    """A new order; None if one of its numbers is taken by an order that is committed by then."""
    statement = write.insert(sales_order).values(dict(values)).on_conflict_do_nothing()
    order_id: int | None = await write.value(statement.returning(sales_order.c.id))
    return order_id


async def change(write: Write, order_id: int, values: Mapping[str, Any]) -> bool:
    """Change columns of an order. False, and nothing changed, if one of its new numbers belongs to another order."""
    try:
        async with write.savepoint():
            await write.run(sales_order.update().where(sales_order.c.id == order_id).values(dict(values)))
    except BROKEN_RULES:
        return False
    return True
