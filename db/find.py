"""Finding by a scrap: bounded look-ups in every table that a scrap may lead to, each by an index.

A look-up answers (kind, row id) of at most so many rows, however many there are: those equal to the key with the newest
first, then those that begin with it. The caller compares them with the values themselves, and puts them in order.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    Select,
    SmallInteger,
    Text,
    bindparam,
    literal_column,
    select,
    union_all,
)

from .base import BigId
from .customer import customer
from .engine import Read
from .search_key import SearchKind, beyond, search_key
from .ticket import issued_ticket
from .ticket_request import ticket_request
from .timeline import request_event


class Lookup(NamedTuple):
    """What to look for: values of that kind that have the key or, ``is_part``, begin with it.

    ``client_id``: only of what is that client's.
    """

    kind: SearchKind
    key: str
    is_part: bool = False
    client_id: int | None = None


class Lead(NamedTuple):
    """Where a look-up leads: a row of the kind's table."""

    kind: SearchKind
    row_id: int


_NUMBERS: Mapping[SearchKind, Column[Any]] = {
    SearchKind.REQUEST_TOKEN: ticket_request.c.token_key,
    SearchKind.REQUEST_CODE: ticket_request.c.code_key,
    SearchKind.REQUEST_ORDER_NO: ticket_request.c.order_key,
    SearchKind.REQUEST_RECEIPT_NO: ticket_request.c.receipt_key,
    SearchKind.REQUEST_PAYMENT: ticket_request.c.payment_key,
    SearchKind.REQUEST_CUSTOMER_NO: ticket_request.c.customer_key,
    SearchKind.TICKET_EXTERNAL_NO: issued_ticket.c.number_key,
    SearchKind.TICKET_NO: issued_ticket.c.ticket_no,
    SearchKind.CUSTOMER_NO: customer.c.customer_key,
}
"""Where the numbers stand that are found whole."""


async def numbers(read: Read, lookups: Sequence[Lookup], at_most: int) -> list[Lead]:
    """Rows whose number is a look-up's key, in one statement; the newest of each look-up."""
    return await _leads(read, _of_number, [lookup for lookup in lookups if lookup.kind in _NUMBERS], at_most)


async def keys(read: Read, lookups: Sequence[Lookup], at_most: int) -> list[Lead]:
    """Rows that a look-up's key leads to by their search keys, in one statement.

    ``at_most`` counts twice for a part: the newest that have the key, and the first that begin with it.
    """
    return await _leads(read, _of_key, lookups, at_most)


async def neighbours(read: Read, lookups: Sequence[Lookup], at_most: int) -> list[Lead]:
    """Rows that stand next before and after each look-up's key: what the key may be a slip for, in one statement.

    Numbers are neighbours in the order in which the database keeps its texts, whosever they are; parts by their keys.
    """
    return await _leads(read, _beside, lookups, at_most)


async def last_unknown_scan(read: Read, scanned_key: str) -> tuple[datetime, str | None] | None:
    """When and at which gate this was last scanned, of scans that nobody knew a ticket for."""
    scan = (
        select(request_event.c.at, request_event.c.gate)
        .where(request_event.c.scanned_key == scanned_key, request_event.c.request_id.is_(None))
        .order_by(request_event.c.tx.desc(), request_event.c.id.desc())
        .limit(1)
    )
    rows = await read.all(scan)
    return (rows[0][0], rows[0][1]) if rows else None


@dataclass(frozen=True, slots=True)
class _Shape:
    """What of a look-up is in the statement's text, and the names of its parameters."""

    kind: SearchKind
    is_part: bool
    is_own: bool
    place: int

    @property
    def key(self) -> Any:
        return bindparam(f"key{self.place}", type_=Text())

    @property
    def above(self) -> Any:
        return bindparam(f"above{self.place}", type_=Text())

    @property
    def client_id(self) -> Any:
        return bindparam(f"client{self.place}", type_=BigId)


Branches = Callable[[_Shape], list[Select[Any]]]


async def _leads(read: Read, branches: Branches, lookups: Sequence[Lookup], at_most: int) -> list[Lead]:
    """The leads of all look-ups, each once."""
    if not lookups:
        return []
    shapes = tuple(
        _Shape(lookup.kind, lookup.is_part, lookup.client_id is not None, place) for place, lookup in enumerate(lookups)
    )
    parameters: dict[str, Any] = {"at_most": at_most}
    for place, lookup in enumerate(lookups):
        parameters[f"key{place}"] = lookup.key
        if lookup.client_id is not None:
            parameters[f"client{place}"] = lookup.client_id
        if lookup.is_part and branches is _of_key:
            parameters[f"above{place}"] = beyond(lookup.key)
    found = await read.all(_statement(branches, shapes), parameters)
    return list(dict.fromkeys(Lead(SearchKind(kind), row_id) for kind, row_id in found))


@lru_cache(maxsize=256)
def _statement(branches: Branches, shapes: tuple[_Shape, ...]) -> Any:
    """Made once for look-ups of one shape: putting it together takes longer than running it."""
    found = [branch for shape in shapes for branch in branches(shape)]
    return union_all(*(select(branch.subquery()) for branch in found)) if len(found) > 1 else found[0]


def _of_number(shape: _Shape) -> list[Select[Any]]:
    column = _NUMBERS[shape.kind]
    table = column.table
    owner = table.c.first_client_id if table is customer else table.c.client_id
    found = _lead(shape, table.c.id).where(column == shape.key).order_by(table.c.id.desc())
    return [found.where(owner == shape.client_id) if shape.is_own else found]


def _of_key(shape: _Shape) -> list[Select[Any]]:
    of_kind = _lead(shape, search_key.c.row_id).where(*_of_kind(shape))
    having_it = of_kind.where(search_key.c.key == shape.key).order_by(search_key.c.row_id.desc())
    if not shape.is_part:
        return [having_it]
    beginning = of_kind.where(search_key.c.key > shape.key, search_key.c.key < shape.above)
    return [having_it, beginning.order_by(search_key.c.key, search_key.c.row_id)]


def _beside(shape: _Shape) -> list[Select[Any]]:
    number = None if shape.is_part else _NUMBERS.get(shape.kind)
    column, row_id = (search_key.c.key, search_key.c.row_id) if number is None else (number, number.table.c.id)
    near = _lead(shape, row_id).where(*(_of_kind(shape) if number is None else ()))
    return [near.where(column < shape.key).order_by(column.desc()), near.where(column > shape.key).order_by(column)]


def _of_kind(shape: _Shape) -> list[ColumnElement[bool]]:
    """By the index of all keys of a kind, or by that of a client's."""
    of_kind = [search_key.c.kind == literal_column(str(shape.kind.value))]
    return [search_key.c.client_id == shape.client_id, *of_kind] if shape.is_own else of_kind


def _lead(shape: _Shape, row_id: Column[Any]) -> Select[Any]:
    kind = literal_column(str(shape.kind.value), SmallInteger()).label("kind")
    return select(kind, row_id.label("row_id")).limit(bindparam("at_most", type_=Integer()))
