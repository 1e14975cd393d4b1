"""Reservations: the places that entries hold or have bought in slots.

A HELD reservation counts only while ``until`` lies ahead of the database's clock. A SOLD one counts while ``until`` is
null; its places are also in ``time_slot.sold_places``, which changes only under the slot's lock.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    Select,
    Table,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    case,
    func,
    null,
    or_,
    select,
)

from .base import BigId, Instant, id_column, metadata, repeats
from .engine import Read, Write
from .paging import OfKeys, is_one_of, keys_for
from .ticket_request import request_entry
from .time_slot import TimeSlotRow, time_slot, time_slots
from .together import ChangeOfEach, NewRows, Step, change_each


class ReservationKind(StrEnum):
    HELD = "HELD"
    SOLD = "SOLD"


reservation = Table(
    "reservation",
    metadata,
    id_column(),
    Column("entry_id", BigId, ForeignKey(request_entry.c.id), nullable=False),
    Column("request_id", BigId, nullable=False, info=repeats("entry_id")),
    Column("slot_id", BigId, ForeignKey(time_slot.c.id), nullable=False),
    Column("places", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Column("until", Instant, comment="HELD: the end of the hold; SOLD: null until given back"),
    UniqueConstraint("entry_id", "slot_id"),
    CheckConstraint("places >= 1", name="places"),
    CheckConstraint("kind = 'SOLD' OR until IS NOT NULL", name="until"),
    Index(None, "slot_id", "until"),
    Index(None, "request_id"),
)

IS_SOLD = and_(reservation.c.kind == ReservationKind.SOLD.value, reservation.c.until.is_(None))
"""Bought, and not given back."""


async def held_places(
    read: Read, slot_ids: Sequence[int], now: datetime, *, but_of: int | None = None
) -> dict[int, int]:
    """The places that unexpired holds take in each slot, but for one request's; a slot without any is missing."""
    held = _HELD if but_of is None else _HELD_BY_OTHERS
    found = await read.all(held.of(read), {"keys": keys_for(read, slot_ids), "now": now, "request_id": but_of})
    return {slot_id: int(places) for slot_id, places in found}


async def slots_with_held(
    read: Read, slot_ids: Sequence[int], now: datetime, *, but_of: int | None = None
) -> list[tuple[TimeSlotRow, int]]:
    """Slots as they now are, each with its ``held_places``."""
    found = _SLOTS if but_of is None else _SLOTS_OF_OTHERS
    rows = await read.all(found.of(read), {"keys": keys_for(read, slot_ids), "now": now, "request_id": but_of})
    return [(TimeSlotRow._make(row[:-1]), int(row[-1])) for row in rows]


_HELD_PLACES = (
    select(reservation.c.slot_id, func.sum(reservation.c.places))
    .where(reservation.c.until > bindparam("now", type_=Instant()), reservation.c.kind == ReservationKind.HELD.value)
    .group_by(reservation.c.slot_id)
)
_PLACES_OF_OTHERS = _HELD_PLACES.where(reservation.c.request_id != bindparam("request_id", type_=BigId))
_HELD, _HELD_BY_OTHERS = (OfKeys(reservation.c.slot_id, found) for found in (_HELD_PLACES, _PLACES_OF_OTHERS))


def _slots_with(held: Select[Any]) -> OfKeys:
    of_slot = held.with_only_columns(func.coalesce(func.sum(reservation.c.places), 0)).group_by(None)
    places = of_slot.where(reservation.c.slot_id == time_slot.c.id).correlate(time_slot).scalar_subquery()
    return OfKeys(time_slot.c.id, time_slots.view.add_columns(places))


_SLOTS, _SLOTS_OF_OTHERS = _slots_with(_HELD_PLACES), _slots_with(_PLACES_OF_OTHERS)


async def in_force(read: Read, slot_ids: Sequence[int], at: datetime) -> dict[int, int]:
    """The places that were held or sold in each slot at a moment, as far as reservations still tell."""
    found = (
        select(reservation.c.slot_id, func.sum(reservation.c.places))
        .where(
            is_one_of(read, reservation.c.slot_id, slot_ids),
            reservation.c.since <= at,
            or_(reservation.c.until.is_(None), reservation.c.until > at),
        )
        .group_by(reservation.c.slot_id)
    )
    return {slot_id: int(places) for slot_id, places in await read.all(found)}


def holding(rows: Sequence[Mapping[str, Any]]) -> NewRows:
    """New reservations."""
    return NewRows(reservation, rows)


async def hold(write: Write, request_id: int, since: datetime | None, until: datetime) -> None:
    """Let the held places of a request run until then; ``since`` begins them anew."""
    values = {"until": until} if since is None else {"until": until, "since": since}
    await write.run(reservation.update().where(_is_held_by(request_id)).values(values))


async def let_go(write: Write, request_id: int, at: datetime) -> None:
    """Give up the held places of a request; those that ran out earlier keep that moment."""
    held = _is_held_by(request_id) & (reservation.c.until > at)
    await write.run(reservation.update().where(held).values(until=at))


def selling(write: Write, entry_ids: Sequence[int], at: datetime) -> Step:
    """Turn the held places of entries into sold ones. The caller holds the slots and adds to their sold places."""
    return change_each(write, _SELL, [{"of_entry": entry_id, "sold_at": at} for entry_id in entry_ids])


async def give_back(write: Write, places: Mapping[tuple[int, int], int], at: datetime) -> None:
    """Take so many places off what each (entry, slot) has bought; when none is left, the reservation ends.

    The caller holds the slots and takes the places off their sold ones.
    """
    number = bindparam("number", type_=Integer())
    has_more = reservation.c.places > number
    statement = (
        reservation.update()
        .where(
            reservation.c.entry_id == bindparam("of_entry"),
            reservation.c.slot_id == bindparam("of_slot"),
            IS_SOLD,
        )
        .values(
            places=case((has_more, reservation.c.places - number), else_=reservation.c.places),
            until=case((has_more, null()), else_=bindparam("ended_at", type_=Instant())),
        )
    )
    rows = [
        {"of_entry": entry_id, "of_slot": slot_id, "number": number, "ended_at": at}
        for (entry_id, slot_id), number in sorted(places.items())
        if number
    ]
    await write.run_each(statement, rows)


async def buy(write: Write, request_id: int, slot_id: int, places: Mapping[int, int], at: datetime) -> None:
    """Sell so many places in a slot to each entry of a request, beside those that it has bought there already.

    A reservation that had ended begins anew. The caller holds the slot and adds the places to its sold ones.
    """
    row = write.insert(reservation)
    goes_on = reservation.c.until.is_(None)
    statement = row.on_conflict_do_update(
        index_elements=["entry_id", "slot_id"],
        set_={
            "places": case((goes_on, reservation.c.places + row.excluded.places), else_=row.excluded.places),
            "since": case((goes_on, reservation.c.since), else_=row.excluded.since),
            "kind": row.excluded.kind,
            "until": None,
        },
    )
    values = {"request_id": request_id, "slot_id": slot_id, "kind": ReservationKind.SOLD.value, "since": at}
    rows = [{"entry_id": entry_id, "places": number, **values} for entry_id, number in sorted(places.items()) if number]
    await write.run_each(statement, rows)


async def requests_of_slots(read: Read, slot_ids: Sequence[int], now: datetime) -> dict[int, list[int]]:
    """The requests that hold places in each slot at ``now`` or have bought some; a slot without any is missing."""
    booked = reservation.c.until.is_(None) | (reservation.c.until > now)
    found = (
        select(reservation.c.slot_id, reservation.c.request_id)
        .distinct()
        .where(is_one_of(read, reservation.c.slot_id, slot_ids), booked)
        .order_by(reservation.c.slot_id, reservation.c.request_id)
    )
    requests: dict[int, list[int]] = {}
    for slot_id, request_id in await read.all(found):
        requests.setdefault(slot_id, []).append(request_id)
    return requests


def _is_held_by(request_id: int) -> ColumnElement[bool]:
    """The held reservations of the request's entries in force: what was replaced stays let go."""
    in_force = select(request_entry.c.id).where(
        request_entry.c.request_id == request_id, request_entry.c.replaced_at.is_(None)
    )
    return and_(
        reservation.c.request_id == request_id,
        reservation.c.kind == ReservationKind.HELD.value,
        reservation.c.entry_id.in_(in_force),
    )


_SELL = ChangeOfEach(
    {"of_entry": BigInteger(), "sold_at": Instant()},
    lambda given: (
        reservation.update()
        .where(reservation.c.entry_id == given.of_entry, reservation.c.kind == ReservationKind.HELD.value)
        .values(kind=ReservationKind.SOLD.value, since=given.sold_at, until=null())
    ),
)
