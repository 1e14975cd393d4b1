"""The register of sales orders: the web orders and POS receipts that requests came from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import db
from db.client import ClientRow, Role
from db.engine import Read, Write
from db.keys import key
from db.sales_order import SalesChannel, SalesOrderRow

from .context import Context, Rules
from .numbers import currency, minor_units
from .refusals import Outcome, RefusalCode, Refusals, refused
from .texts import NUMBER_LENGTH, text

TWO_ORDERS = "The order number and the receipt belong to two different orders."
STAFF = (Role.ADMIN, Role.SUPPORT)
_CHANNELS = {Role.POS: SalesChannel.POS, Role.WEB_STORE: SalesChannel.WEB_STORE}


@dataclass(frozen=True, slots=True)
class Numbers:
    """What an order is found by: its external order number, its receipt and POS unit, or both; None was not given."""

    external_order_no: str | None = None
    receipt_no: str | None = None
    pos_unit_no: str | None = None

    @property
    def order_key(self) -> str | None:
        return key(self.external_order_no)

    @property
    def receipt(self) -> tuple[str, str] | None:
        """The keys of receipt and POS unit."""
        return (key(self.receipt_no), key(self.pos_unit_no)) if self.receipt_no and self.pos_unit_no else None

    @property
    def columns(self) -> dict[str, str]:
        """Columns and keys of those given."""
        values = {
            "external_order_no": self.external_order_no,
            "order_key": self.order_key,
            "receipt_no": self.receipt_no,
            "receipt_key": key(self.receipt_no),
            "pos_unit_no": self.pos_unit_no,
            "pos_unit_key": key(self.pos_unit_no),
        }
        return {name: value for name, value in values.items() if value is not None}


async def upsert(context: Context, numbers: Numbers, client: str | None, given: Mapping[str, Any]) -> Outcome:
    """Write what was given of customer_no, placed_at, total, currency and document_status; the rest stays, None clears.

    The order is the one of that client and external order number, or of that receipt; the other number is written
    beside the one that it was found by. The channel is its client's: POS, WEB_STORE, or else BACK_OFFICE. A total
    without a currency is in the order's, or in the setting's. Any writer of registers may write any receipt's order;
    who wrote it first, or whose it is, decides who sees it. Refused: INVALID_INPUT, NOT_FOUND (the client: only staff
    may name another than themselves), CONFLICT (the two numbers belong to two orders, or to another client's).
    """
    found = Refusals()
    numbers = _checked(numbers, found)
    values = _texts(given, found)
    async with context.writing() as write:
        owner = await _owner(context, write, client, found)
        existing = await _find(write, owner, numbers, client is not None, found)
        values |= _money(context.rules, existing, given, found)
        found.check(row_id=existing.id if existing else None)
        now = await write.clock()
        if existing is None:
            order_id = await _add(write, context, owner, numbers, values, now)
            if order_id is not None:
                return Outcome(row_id=order_id)
            existing = await _find(write, owner, numbers, client is not None, found)
            found.check(row_id=existing.id if existing else None)
            assert existing is not None
        if not await db.sales_order.change(write, existing.id, numbers.columns | values | {"updated_at": now}):
            raise refused(RefusalCode.CONFLICT, TWO_ORDERS, row_id=existing.id)
    return Outcome(row_id=existing.id)


def _checked(numbers: Numbers, found: Refusals) -> Numbers:
    checked = Numbers(
        external_order_no=text(found, numbers.external_order_no, "externalOrderNo"),
        receipt_no=text(found, numbers.receipt_no, "receiptNo"),
        pos_unit_no=text(found, numbers.pos_unit_no, "posUnitNo"),
    )
    if found.found:
        return Numbers()
    if (checked.receipt_no is None) != (checked.pos_unit_no is None):
        missing = "receiptNo" if checked.receipt_no is None else "posUnitNo"
        found.add(RefusalCode.INVALID_INPUT, "A receipt is known by receiptNo and posUnitNo together.", missing)
    elif checked.external_order_no is None and checked.receipt_no is None:
        message = "An order is known by its externalOrderNo, or by receiptNo and posUnitNo."
        found.add(RefusalCode.INVALID_INPUT, message, "externalOrderNo")
    return checked


def _texts(given: Mapping[str, Any], found: Refusals) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if "customer_no" in given:
        values["customer_no"] = text(found, given["customer_no"], "customerNo")
        values["customer_key"] = key(values["customer_no"])
    if "document_status" in given:
        values["document_status"] = text(found, given["document_status"], "documentStatus", at_most=NUMBER_LENGTH)
    if "placed_at" in given:
        values["placed_at"] = given["placed_at"]
    return values


def _money(rules: Rules, existing: SalesOrderRow | None, given: Mapping[str, Any], found: Refusals) -> dict[str, Any]:
    """Total and currency together. A return's total is negative; a currency without a total keeps the amount."""
    before = existing.currency if existing else None
    in_currency = currency(found, given.get("currency"), before or rules.currency)
    total = given.get("total")
    if "total" in given and total is None:
        return {"total_minor": None, "currency": in_currency}
    if total is None and existing and existing.total_minor is not None and before and before != in_currency:
        total = db.money.from_minor(existing.total_minor, before)
    if total is None:
        return {"currency": in_currency} if given.get("currency") else {}
    minor = minor_units(found, total, in_currency, "total", may_be_negative=True)
    return {"total_minor": minor, "currency": in_currency}


async def _owner(context: Context, read: Read, client: str | None, found: Refusals) -> ClientRow:
    """Whose order it is: the caller's own, but for staff, who may say so."""
    actor = context.actor
    own = ClientRow(actor.client_id, actor.client, actor.role)
    if client is None or key(client) == key(actor.client):
        return own
    named = await db.client.by_name(read, client) if actor.role in STAFF else None
    if named is None:
        found.add(RefusalCode.NOT_FOUND, "There is no such client, or it is not yours to write for.", "client")
    return named or own


async def _find(
    read: Read, owner: ClientRow, numbers: Numbers, is_owner_named: bool, found: Refusals
) -> SalesOrderRow | None:
    """The order that the numbers belong to; the order number decides, and may bring its order another receipt.

    Noted as CONFLICT: two orders, an order that is known by another number, another client's where one is named.
    """
    by_number = by_receipt = None
    if numbers.order_key:
        order = (owner.id, numbers.order_key)
        by_number = (await db.sales_order.by_order_keys(read, [order])).get(order)
    if receipt := numbers.receipt:
        by_receipt = (await db.sales_order.by_receipts(read, [receipt])).get(receipt)
    order_keys = {row.order_key for row in (by_number, by_receipt) if row} | {numbers.order_key}
    if len(order_keys - {None}) > 1 or (by_number and by_receipt and by_number.id != by_receipt.id):
        found.add(RefusalCode.CONFLICT, TWO_ORDERS, "receiptNo")
    elif by_receipt and by_receipt.client_id != owner.id and (is_owner_named or numbers.order_key):
        found.add(RefusalCode.CONFLICT, "The receipt belongs to another client's order.", "receiptNo")
    return by_number or by_receipt


async def _add(
    write: Write, context: Context, owner: ClientRow, numbers: Numbers, values: Mapping[str, Any], now: datetime
) -> int | None:
    """A new order, or None if somebody else has just written one of its numbers."""
    made: dict[str, Any] = {
        "client_id": owner.id,
        "first_client_id": context.actor.client_id,
        "channel": _CHANNELS.get(Role(owner.role), SalesChannel.BACK_OFFICE),
        "created_at": now,
        "updated_at": now,
    }
    return await db.sales_order.add(write, made | numbers.columns | dict(values))
