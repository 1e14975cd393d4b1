"""The offer: what sales name, by number, bar code or slot, with all that they ask of it, in one statement; and which of
them have been made already.

What is set up may be changed while a sale goes on. A sale is made by the set-up as it was at the moment of its look,
all of it the same moment's: what is changed later does not reach what is sold. Schedules, calendars and capacity are
live, and looked at again when the slots have been taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Integer,
    ScalarSelect,
    Select,
    Text,
    bindparam,
    cast,
    func,
    null,
    select,
    true,
    union_all,
)

from .admission import AdmissionRow, admission
from .engine import CLOCK, Read, Write, ids, next_ids, once_for_each_dialect
from .paging import is_one_of_given, keys_for
from .ticket_item import (
    ContentLineRow,
    TicketItemRow,
    TicketTypeRow,
    content_line,
    item_barcode,
    ticket_item,
    ticket_type,
)
from .ticket_request import ticket_request
from .time_slot import time_slot


@dataclass(slots=True)
class Offer:
    """Items with their types and their contents in force, and which of the slots there are, at one moment.

    ``at`` is the database's clock then. ``variants`` are those of an item number, by its key; ``contents`` are an
    item's, by the id of the line, in their order. ``request_ids`` are for the requests to be made; ``token_keys`` are
    those of the tokens that a request has already.
    """

    at: datetime
    slot_ids: frozenset[int]
    request_ids: list[int]
    token_keys: frozenset[str]
    variants: dict[str, dict[int, TicketItemRow]] = field(default_factory=dict)
    barcodes: dict[str, TicketItemRow] = field(default_factory=dict)
    types: dict[int, TicketTypeRow] = field(default_factory=dict)
    contents: dict[int, dict[int, ContentLineRow]] = field(default_factory=dict)
    admissions: dict[int, AdmissionRow] = field(default_factory=dict)


async def named(
    write: Write, keys: Sequence[str], slot_ids: Sequence[int], *, token_keys: Sequence[str] = (), requests: int = 0
) -> Offer:
    """What these numbers or bar codes, and these ids of slots, name; and ids for so many requests.

    Of an item without contents nothing is sold.
    """
    given = {
        "keys": keys_for(write, keys),
        "slot_ids": keys_for(write, slot_ids),
        "token_keys": keys_for(write, token_keys),
        "requests": requests,
    }
    rows = await write.all(_named(write), given)
    told, slots, request_ids, taken = rows[0][:4]
    offer = Offer(write.moment(told), frozenset(slots or ()), ids(request_ids, requests), frozenset(taken or ()))
    for _, _, _, _, barcode_key, *columns in rows:
        if columns[0] is None:
            break  # the row tells of the clock and the slots alone
        item, type_, content, admitted_to = _parted(columns)
        if barcode_key is None:
            offer.variants.setdefault(item.item_key, {})[item.id] = item
        else:
            offer.barcodes[barcode_key] = item
        offer.types[type_.id] = type_
        offer.contents.setdefault(item.id, {})[content.id] = content
        offer.admissions[admitted_to.id] = admitted_to
    return offer


def _parted(columns: list[Any]) -> tuple[TicketItemRow, TicketTypeRow, ContentLineRow, AdmissionRow]:
    return (
        TicketItemRow._make(columns[:_TYPE]),
        TicketTypeRow._make(columns[_TYPE:_CONTENT]),
        ContentLineRow._make(columns[_CONTENT:_ADMISSION]),
        AdmissionRow._make(columns[_ADMISSION:]),
    )


_TYPE = len(TicketItemRow._fields)
_CONTENT = _TYPE + len(TicketTypeRow._fields)
_ADMISSION = _CONTENT + len(ContentLineRow._fields)


@once_for_each_dialect
def _named(read: Read) -> Select[Any]:
    request_ids = next_ids(read.dialect, ticket_request, bindparam("requests", type_=Integer()))
    beside = (
        _listed(read, time_slot.c.id, "slot_ids").label("slots"),
        request_ids.label("request_ids"),
        _listed(read, ticket_request.c.token_key, "token_keys").label("taken"),
    )
    moment = CLOCK[read.dialect].add_columns(*beside).subquery("moment")
    by_number = select(ticket_item.c.id.label("item_id"), cast(null(), Text).label("barcode_key")).where(
        is_one_of_given(read, ticket_item.c.item_key, "keys")
    )
    by_barcode = select(item_barcode.c.item_id, item_barcode.c.barcode_key).where(
        is_one_of_given(read, item_barcode.c.barcode_key, "keys")
    )
    item = union_all(by_number, by_barcode).subquery("item")
    found = (
        item.join(ticket_item, ticket_item.c.id == item.c.item_id)
        .join(ticket_type, ticket_item.c.ticket_type_id == ticket_type.c.id)
        .join(content_line, (content_line.c.item_id == ticket_item.c.id) & content_line.c.retired_at.is_(None))
        .join(admission, content_line.c.admission_id == admission.c.id)
    )
    return (
        select(*moment.c, item.c.barcode_key, *ticket_item.c, *ticket_type.c, *content_line.c, *admission.c)
        .select_from(moment.outerjoin(found, true()))
        .order_by(ticket_item.c.variant_key, content_line.c.id)
    )


def _listed(read: Read, column: ColumnElement[Any], name: str) -> ScalarSelect[Any]:
    """Those of the given keys that there are, in one value."""
    listed = (func.json_agg if read.dialect == "postgresql" else func.json_group_array)(column, type_=JSON())
    return select(listed).where(is_one_of_given(read, column, name)).scalar_subquery()
