"""The ledger of a slot: line by line, what takes its places.

A line is a reservation in force, or the visit of people who were let in; which of them count is told per slot, because
it depends on the slot's control. Everything here is in places: people x the places of a ticket for one of them.

Lines come from two tables under one order, by (since, id): the id of a reservation's line is twice the row's, that of a
visit's is one more than twice the row's.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Subquery,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    true,
    union_all,
)

from .base import BigId, Instant
from .engine import Read
from .paging import Order, Page, Window, cut, each, is_beyond, is_one_of
from .reservation import IS_SOLD, ReservationKind, reservation
from .ticket import access_entry, issued_ticket
from .visit import visit


class CapacityEntryKind(StrEnum):
    HELD = "HELD"
    SOLD = "SOLD"
    ADMITTED = "ADMITTED"


class Reservations(StrEnum):
    """Which reservations of a slot count: all of them, or of each only the places of those who are still to come."""

    ALL = "ALL"
    OPEN = "OPEN"
    NONE = "NONE"


class People(StrEnum):
    """Which people count: everybody ever let in, once; or those inside now."""

    EVER = "EVER"
    INSIDE = "INSIDE"
    NONE = "NONE"


class Counted(NamedTuple):
    """A slot, and what counts in it."""

    slot_id: int
    reservations: str
    people: str


class CapacityEntryRow(NamedTuple):
    id: int
    kind: str
    quantity: int
    since: datetime
    until: datetime | None
    request_id: int
    slot_id: int


class Ledger(NamedTuple):
    """A page of lines, and the sum of all lines of the slot at the same moment."""

    page: Page[CapacityEntryRow]
    total: int


BY_SINCE = Order("SINCE", "since")


def _places(people: ColumnElement[int]) -> ColumnElement[int]:
    """The places of so many of a ticket's people, each once however often they came back."""
    once = case((people > issued_ticket.c.quantity, issued_ticket.c.quantity), else_=people)
    return access_entry.c.quantity * once // issued_ticket.c.quantity


_admitted, _inside = _places(visit.c.admitted), _places(visit.c.inside)
_visits = visit.join(access_entry, visit.c.access_entry_id == access_entry.c.id).join(
    issued_ticket, access_entry.c.ticket_id == issued_ticket.c.id
)

_awaited = (
    select(func.coalesce(func.sum(access_entry.c.quantity - func.coalesce(_admitted, 0)), 0))
    .select_from(
        access_entry.join(issued_ticket, access_entry.c.ticket_id == issued_ticket.c.id).join(
            visit,
            and_(visit.c.access_entry_id == access_entry.c.id, visit.c.slot_id == access_entry.c.slot_id),
            isouter=True,
        )
    )
    .where(
        access_entry.c.entry_id == reservation.c.entry_id,
        access_entry.c.slot_id == reservation.c.slot_id,
        issued_ticket.c.revoked_at.is_(None),
    )
    .correlate(reservation)
    .scalar_subquery()
)
"""The places of a sold reservation that are still waited for: of tickets in force, whoever was not let in yet."""


async def visitors(read: Read, slot_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """The places of everybody ever let in, once, and of those inside now, per slot; one without any is missing."""
    found = (
        select(visit.c.slot_id, func.sum(_admitted), func.sum(_inside))
        .select_from(_visits)
        .where(is_one_of(read, visit.c.slot_id, slot_ids))
        .group_by(visit.c.slot_id)
    )
    return {slot_id: (int(admitted), int(inside)) for slot_id, admitted, inside in await read.all(found)}


async def awaited(read: Read, slot_ids: Sequence[int]) -> dict[int, int]:
    """The sold places in each slot whose people were not let in yet; a slot without any reservation is missing."""
    found = (
        select(reservation.c.slot_id, func.sum(_awaited))
        .where(is_one_of(read, reservation.c.slot_id, slot_ids), IS_SOLD)
        .group_by(reservation.c.slot_id)
    )
    return {slot_id: int(places) for slot_id, places in await read.all(found)}


async def pages(read: Read, slots: Sequence[Counted], window: Window, now: datetime) -> dict[Counted, Ledger]:
    """One page of lines per slot, by (since, id), with the sum of all: one statement, hence one moment.

    The sum needs every line of the slot, so that a page costs as much as there are lines, at any depth.
    """
    line = _lines(each(read, [BigId, Text(), Text()], slots), now)
    ahead: ColumnElement[bool] = true()
    if window.position is not None:
        ahead = is_beyond(line.c.since, line.c.id, window.position, window.is_backward, inclusive=False)
    summed = select(
        *line.c, func.sum(line.c.quantity).over(partition_by=line.c.ordinal).label("total"), ahead.label("is_ahead")
    ).subquery("summed")
    ordering = (summed.c.since, summed.c.id)
    place = func.row_number().over(
        partition_by=(summed.c.ordinal, summed.c.is_ahead),
        order_by=[column.desc() for column in ordering] if window.is_backward else ordering,
    )
    placed = select(*summed.c, place.label("place")).subquery("placed")
    at_most = case((placed.c.is_ahead, window.size + 1), else_=1)  # one behind the position tells that there are some
    rows: dict[int, list[CapacityEntryRow]] = {}
    totals: dict[int, int] = {}
    columns = [placed.c[name] for name in CapacityEntryRow._fields]
    found = select(*columns, placed.c.ordinal, placed.c.total).where(placed.c.place <= at_most)
    for *entry, ordinal, total in await read.all(found):
        rows.setdefault(ordinal, []).append(CapacityEntryRow._make(entry))
        totals[ordinal] = int(total)
    return {slot: Ledger(cut(rows.get(i, []), window), totals.get(i, 0)) for i, slot in enumerate(slots, 1)}


async def slots_of(read: Read, ids: Sequence[int]) -> dict[int, int]:
    """The slot of each line, counted or not."""
    reservations = select(reservation.c.id * 2, reservation.c.slot_id).where(
        is_one_of(read, reservation.c.id, [id_ // 2 for id_ in ids if id_ % 2 == 0])
    )
    visits = select(visit.c.id * 2 + 1, visit.c.slot_id).where(
        is_one_of(read, visit.c.id, [id_ // 2 for id_ in ids if id_ % 2]), visit.c.slot_id.is_not(None)
    )
    return {row[0]: row[1] for row in await read.all(union_all(reservations, visits))}


async def by_ids(
    read: Read, ids: Sequence[int], slots: Sequence[Counted], now: datetime
) -> dict[int, CapacityEntryRow]:
    """Lines of these slots by id; one that no longer counts is missing."""
    line = _lines(each(read, [BigId, Text(), Text()], slots), now)
    width = len(CapacityEntryRow._fields)
    rows = await read.all(select(line).where(is_one_of(read, line.c.id, ids)))
    return {entry.id: entry for entry in (CapacityEntryRow._make(row[:width]) for row in rows)}


def _lines(asked: FromClause, now: datetime) -> Subquery:
    """Every line that counts in the slots asked for: the columns of ``CapacityEntryRow``, then the slot's ordinal."""
    is_held = and_(reservation.c.kind == ReservationKind.HELD.value, reservation.c.until > now)
    is_whole = or_(asked.c.c1 == Reservations.ALL.value, is_held)
    reservations = (
        select(
            (reservation.c.id * 2).label("id"),
            reservation.c.kind,
            cast(case((is_whole, reservation.c.places), else_=_awaited), Integer).label("quantity"),
            reservation.c.since,
            reservation.c.until,
            reservation.c.request_id,
            reservation.c.slot_id,
            asked.c.ordinal,
        )
        .join_from(asked, reservation, reservation.c.slot_id == asked.c.c0)
        .where(asked.c.c1 != Reservations.NONE.value, or_(is_held, IS_SOLD))
    )
    visits = (
        select(
            visit.c.id * 2 + 1,
            literal(CapacityEntryKind.ADMITTED.value, Text()),
            cast(case((asked.c.c2 == People.INSIDE.value, _inside), else_=_admitted), Integer),
            visit.c.first_at,
            cast(null(), Instant()),
            issued_ticket.c.request_id,
            visit.c.slot_id,
            asked.c.ordinal,
        )
        .select_from(asked.join(_visits, visit.c.slot_id == asked.c.c0))
        .where(asked.c.c2 != People.NONE.value)
    )
    every: Any = union_all(reservations, visits).subquery("every")
    return select(every).where(every.c.quantity > 0).subquery("line")
