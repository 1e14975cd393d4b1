"""Ticket types and items as staff set them up. What is sold keeps the rules under which it was sold."""

from collections.abc import Mapping, Sequence
from typing import Any

import db
from db.engine import Read, Write
from db.keys import key
from db.ticket_item import TicketItemRow, TicketKind, TicketTypeRow

from . import contents
from .context import Context, Rules
from .numbers import currency, minor_units, within
from .pattern import Pattern
from .refusals import Outcome, RefusalCode, Refusals, refused
from .texts import NAME_LENGTH, required, text
from .upserts import changed, refuse_gaps, refuse_nulls

TICKET_PATTERN = "[S]-[X*6]"
"""The pattern of a new ticket type that names none."""

BARCODES_PER_ITEM = 100

_TYPE_HAS = {"description": "description", "kind": "kind", "external_ticket_pattern": "externalTicketPattern"}
_NEW_ITEM_NEEDS = {
    "description": "description",
    "ticket_type_code": "ticketTypeCode",
    "unit_price": "unitPrice",
    "contents": "contents",
}
_ITEM_HAS = _NEW_ITEM_NEEDS | {"currency": "currency", "is_blocked": "isBlocked"}


# -------------------------------------------------------------------------------------------------- ticket types


async def upsert_type(context: Context, code: str, given: Mapping[str, Any]) -> Outcome:
    """Write what was given of description, kind and external_ticket_pattern; what was not given stays.

    A new type is INDIVIDUAL, called by its code and numbered by TICKET_PATTERN unless given otherwise. Its kind and
    pattern hold for what is sold from now on.
    """
    found = Refusals()
    code = required(found, code, "code")
    refuse_nulls(found, given, _TYPE_HAS)
    values: dict[str, Any] = {}
    if given.get("description") is not None:
        values["description"] = required(found, given["description"], "description", at_most=NAME_LENGTH)
    if given.get("kind") is not None:
        values["kind"] = given["kind"]
    if given.get("external_ticket_pattern") is not None:
        values["external_ticket_pattern"] = ticket_pattern(found, given["external_ticket_pattern"])
    async with context.writing() as write:
        existing = await _type(write, code)
        found.check(row_id=existing.id if existing else None)
        row = existing
        if row is None:
            new = {"description": code, "kind": TicketKind.INDIVIDUAL, "external_ticket_pattern": TICKET_PATTERN}
            row = await db.ticket_item.add_type(write, code=code, **new | values) or await _type(write, code)
            assert row is not None
        if columns := changed(row, values):
            await db.ticket_item.change_type(write, row.id, columns)
    return Outcome(row_id=row.id)


def ticket_pattern(found: Refusals, given: str) -> str:
    """The pattern, trimmed; one that ticket numbers cannot be made by is noted as INVALID_INPUT."""
    pattern = required(found, given, "externalTicketPattern")
    if pattern:
        try:
            Pattern.of_ticket_numbers(pattern)
        except ValueError as wrong:
            found.add(RefusalCode.INVALID_INPUT, str(wrong), "externalTicketPattern")
    return pattern


async def _type(read: Read, code: str) -> TicketTypeRow | None:
    return (await db.ticket_item.types_by_codes(read, [key(code)])).get(key(code))


# --------------------------------------------------------------------------------------------------------- items


async def upsert(context: Context, item_no: str, variant_code: str | None, given: Mapping[str, Any]) -> Outcome:
    """Write what was given of an item; what was not given stays, None clears the bar codes and nothing else.

    ``contents``, a sequence of ContentLine, replaces them whole: the old lines are retired, for what was sold points at
    them; the same contents again change nothing. A currency without a price keeps the amount: 157.00 EUR becomes
    157.00 SEK. Refused: INVALID_INPUT, NOT_FOUND (ticket type, calendar), UNKNOWN_ADMISSION, AMBIGUOUS_LINE (an
    admission listed twice), CONFLICT (another item has the bar code).
    """
    found = Refusals()
    number, variant = required(found, item_no, "itemNo"), text(found, variant_code, "variantCode")
    refuse_nulls(found, given, _ITEM_HAS)
    async with context.writing() as write:
        itself = key(number), key(variant or "")
        existing = await db.ticket_item.lock(write, *itself)
        if existing is None:
            refuse_gaps(found, given, "item", _NEW_ITEM_NEEDS.items())
        values = await _columns(write, context.rules, existing, given, found)
        barcodes = await _barcodes(write, itself, given["barcodes"] or (), found) if "barcodes" in given else None
        lines = await contents.make_out(write, given["contents"], found) if given.get("contents") is not None else None
        row_id = existing.id if existing else None
        found.check(row_id=row_id)
        item = (
            existing
            or await db.ticket_item.add(write, item_no=number, variant_code=variant, **values)
            or await db.ticket_item.lock(write, *itself)
        )
        assert item is not None
        if columns := changed(item, values):
            await db.ticket_item.change(write, item.id, columns)
        if barcodes is not None and not await _replace_barcodes(write, item.id, barcodes):
            raise refused(RefusalCode.CONFLICT, "Another item has one of the bar codes.", "barcodes", row_id=row_id)
        if lines is not None:
            await contents.replace(write, item.id, lines)
    return Outcome(row_id=item.id)


async def _columns(
    read: Read, rules: Rules, existing: TicketItemRow | None, given: Mapping[str, Any], found: Refusals
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if given.get("description") is not None:
        values["description"] = required(found, given["description"], "description", at_most=NAME_LENGTH)
    if given.get("ticket_type_code") is not None:
        code = required(found, given["ticket_type_code"], "ticketTypeCode")
        ticket_type = await _type(read, code)
        if ticket_type is None:
            found.add(RefusalCode.NOT_FOUND, "There is no ticket type of that code.", "ticketTypeCode")
        else:
            values["ticket_type_id"] = ticket_type.id
    if given.get("is_blocked") is not None:
        values["is_blocked"] = given["is_blocked"]
    return values | _price(rules, existing, given, found)


def _price(rules: Rules, existing: TicketItemRow | None, given: Mapping[str, Any], found: Refusals) -> dict[str, Any]:
    sold_in = currency(found, given.get("currency"), existing.currency if existing else rules.currency)
    amount = given.get("unit_price")
    if amount is None and existing is not None and sold_in != existing.currency:
        amount = db.money.from_minor(existing.unit_price_minor, existing.currency)
    if amount is None:
        return {}
    return {"unit_price_minor": minor_units(found, amount, sold_in, "unitPrice"), "currency": sold_in}


# ----------------------------------------------------------------------------------------------------- bar codes


async def _barcodes(read: Read, itself: tuple[str, str], given: Sequence[str], found: Refusals) -> dict[str, str]:
    """The bar codes by their keys; one listed twice counts once.

    ``itself`` are the item's keys: somebody else may just have made it, with the same bar codes.
    """
    within(found, len(given), "barcodes", at_least=0, at_most=BARCODES_PER_ITEM)
    barcodes = [required(found, barcode, "barcodes", i) for i, barcode in enumerate(given[:BARCODES_PER_ITEM])]
    owners = await db.ticket_item.by_barcodes(read, sorted({key(barcode) for barcode in barcodes}))
    for i, barcode in enumerate(barcodes):
        owner = owners.get(key(barcode))
        if owner is not None and (owner.item_key, owner.variant_key) != itself:
            message = f"The bar code belongs to the item {owner.item_no}."
            found.add(RefusalCode.CONFLICT, message, "barcodes", i)
    return {key(barcode): barcode for barcode in barcodes}


async def _replace_barcodes(write: Write, item_id: int, barcodes: Mapping[str, str]) -> bool:
    """Whether every bar code is the item's now: a free one may be taken by somebody else at this very moment."""
    present = {key(barcode) for barcode in (await db.ticket_item.barcodes_of(write, [item_id])).get(item_id, ())}
    await db.ticket_item.remove_barcodes(write, item_id, sorted(present - barcodes.keys()))
    missing = barcodes.keys() - present
    return await db.ticket_item.add_barcodes(write, item_id, [barcodes[k] for k in missing]) == missing
