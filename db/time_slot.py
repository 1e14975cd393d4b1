"""Time slots: the generated entries of an admission's schedules, and the places taken in them.

A slot's identity is its schedule line and local date; its id survives every regeneration. The columns hold what is in
force; ``by_hand`` has the columns that were edited and what they were given, which calculating anew leaves alone, also
through a time in which the slot was canceled. ``slot_change`` keeps every change.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Date,
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
    or_,
    select,
)

from .admission import CapacityControl, CapacityLimitsBy, admission
from .base import BigId, Instant, id_column, metadata, repeats
from .conditions import Lasting, all_of
from .engine import CLOCK, Read, Write, once_for_each_dialect
from .paging import Listing, OfKeys, Order, Page, Window, is_one_of, is_one_of_given, keys_for
from .schedule import schedule, schedule_line
from .together import ChangeOfEach, Step, change_each, make


class SlotState(StrEnum):
    OPEN = "OPEN"
    CLOSED = "CLOSED"
    CANCELED = "CANCELED"


time_slot = Table(
    "time_slot",
    metadata,
    id_column(),
    Column("line_id", BigId, ForeignKey(schedule_line.c.id), nullable=False),
    Column("date", Date, nullable=False),
    Column("admission_id", BigId, nullable=False, info=repeats("line_id")),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("arrival_from", Instant, nullable=False),
    Column("arrival_until", Instant, nullable=False),
    Column("sales_from", Instant),
    Column("sales_until", Instant),
    Column("state", Text, nullable=False),
    Column("closed_reason", Text),
    Column("capacity_control", Text, comment="by hand; null: the line's"),
    Column("max_capacity", Integer, comment="by hand; null: the line's"),
    Column("by_hand", JSON, nullable=False, server_default="{}", comment="edited columns and their values, as JSON"),
    Column("sold_places", Integer, nullable=False, server_default="0"),
    UniqueConstraint("line_id", "date"),
    CheckConstraint("ends_at > starts_at", name="ends_at"),
    CheckConstraint("sold_places >= 0", name="sold_places"),
    Index(None, "admission_id", "starts_at", "id"),
    Index(None, "admission_id", "date"),
)

slot_change = Table(
    "slot_change",
    metadata,
    id_column(),
    Column("slot_id", BigId, ForeignKey(time_slot.c.id), nullable=False),
    Column("at", Instant, nullable=False),
    Column("before", JSON, nullable=False, comment="the columns that changed, as they were"),
    Column("after", JSON, nullable=False, comment="the same columns, as they became"),
    Index(None, "slot_id", "at"),
)


class TimeSlotRow(NamedTuple):
    """A slot with what is in force in it; ``capacity`` is None under the control NONE."""

    id: int
    line_id: int
    date: date
    admission_id: int
    starts_at: datetime
    ends_at: datetime
    arrival_from: datetime
    arrival_until: datetime
    sales_from: datetime | None
    sales_until: datetime | None
    state: str
    closed_reason: str | None
    sold_places: int
    schedule_code: str
    time_zone: str
    capacity_control: str
    capacity: int | None
    admission_kind: str


class GeneratedSlot(NamedTuple):
    """A slot as a schedule produces it, on one local day of one schedule line."""

    line_id: int
    date: date
    admission_id: int
    starts_at: datetime
    ends_at: datetime
    arrival_from: datetime
    arrival_until: datetime
    sales_from: datetime | None
    sales_until: datetime | None
    state: str
    closed_reason: str | None = None


class KeptSlot(NamedTuple):
    """A slot as it is kept: what is in force of its times and state, and what was edited by hand."""

    id: int
    line_id: int
    date: date
    admission_id: int
    starts_at: datetime
    ends_at: datetime
    arrival_from: datetime
    arrival_until: datetime
    sales_from: datetime | None
    sales_until: datetime | None
    state: str
    closed_reason: str | None
    capacity_control: str | None
    max_capacity: int | None
    by_hand: dict[str, Any]


class SlotChangeRow(NamedTuple):
    """What of a slot changed, by column; moments in ISO 8601."""

    slot_id: int
    at: datetime
    before: dict[str, Any]
    after: dict[str, Any]


def _in_force(name: str) -> ColumnElement[Any]:
    """Control and maximum come from one level only, chosen by the admission. Source: domain.md, "Capacity"."""
    return case(
        (admission.c.capacity_limits_by == CapacityLimitsBy.ADMISSION.value, admission.c[name]),
        (admission.c.capacity_limits_by == CapacityLimitsBy.SCHEDULE.value, schedule.c[name]),
        else_=func.coalesce(time_slot.c[name], schedule_line.c[name]),
    )


time_slots = Listing(
    time_slot,
    TimeSlotRow,
    select(
        *(time_slot.c[name] for name in TimeSlotRow._fields[:13]),
        schedule.c.code,
        admission.c.time_zone,
        _in_force("capacity_control").label("control_in_force"),
        case((_in_force("capacity_control") != CapacityControl.NONE, _in_force("max_capacity"))).label("capacity"),
        admission.c.kind,
    )
    .join_from(time_slot, admission, time_slot.c.admission_id == admission.c.id)
    .join(schedule_line, time_slot.c.line_id == schedule_line.c.id)
    .join(schedule, schedule_line.c.schedule_id == schedule.c.id),
)
FURTHEST_ARRIVAL = timedelta(days=15)
"""How far from its start a slot lets guests in at the most: slots last a week at most, and arrival windows too."""

BY_START = Order("STARTS_AT", "starts_at")


async def by_ids(read: Read, ids: Sequence[int]) -> dict[int, TimeSlotRow]:
    """Slots by row id."""
    return await time_slots.by_key(read, "id", ids)


async def pages_of_admissions(
    read: Read, keys: Sequence[tuple[int, datetime]], window: Window, until: datetime | None = None
) -> dict[tuple[int, datetime], Page[TimeSlotRow]]:
    """One page of slots per (admission id, the least start); ``until`` is the last start that counts."""
    where = None if until is None else Lasting(_starts_by, {"last_start": until})
    return await time_slots.pages(read, ("admission_id", "starts_at"), keys, window, parent=_starts_from, where=where)


def _starts_from(slot: Any, key: Any) -> ColumnElement[bool]:
    return and_(slot.admission_id == key.c0, slot.starts_at >= key.c1)


def _starts_by(slot: Any, of: Any) -> list[ColumnElement[bool]]:
    return [slot.starts_at <= of.last_start]


async def lock(write: Write, ids: Sequence[int], *, or_skip: bool = False) -> dict[int, TimeSlotRow]:
    """Take these slots, lowest id first, and answer them as they now are; ``or_skip`` those that somebody else has.

    Everyone takes slots in the same order, so two buyers of one afternoon wait for each other instead of deadlocking.
    ``FOR NO KEY UPDATE`` leaves inserts that point at the slot alone. What is counted must be counted in a later
    statement, and so is what the slots hold: a statement that waits for a lock sees the rest of the world as it was.
    """
    wanted = sorted(set(ids))
    lock = _LOCK_FREE if or_skip else _LOCK
    taken = await write.all(lock.of(write), {"keys": keys_for(write, wanted)})
    return await by_ids(write, [row[0] for row in taken])


class TakenSlot(NamedTuple):
    """What is a slot's own, and nobody changes while it is taken. What set-up says of it is read later."""

    id: int
    starts_at: datetime
    state: str


class Taken(NamedTuple):
    """Slots that were taken, by id; and the database's clock, read after the last of them was."""

    slots: dict[int, TakenSlot]
    at: datetime


async def take(write: Write, ids: Sequence[int]) -> Taken:
    """``lock``, and the clock, in one statement: nobody waits for a slot while its row and the clock are asked for.

    Who waits for a lock is given the row as it is then. The locked rows come one by one, in their order, and the clock
    is read beside each: the last reading is behind every lock.
    """
    if not ids:
        return Taken({}, await write.clock())
    return taken(write, await write.all(_take(write), {"slot_ids": keys_for(write, sorted(set(ids)))}))


def taking(read: Read, *conditions: ColumnElement[bool]) -> Select[Any]:
    """The statement of ``take``, for ``slot_ids``; none is taken if one of the conditions does not hold.

    Its first columns are for ``taken`` to read.
    """
    wanted = _OWN.where(is_one_of_given(read, time_slot.c.id, "slot_ids"), *conditions).cte("taken")
    return select(*wanted.c, *CLOCK[read.dialect].selected_columns)


_take = once_for_each_dialect(taking)


def taken(write: Write, rows: Sequence[Sequence[Any]]) -> Taken:
    """What was taken, of the rows that the statement answered: one at least."""
    slots = (TakenSlot._make(row[:_CLOCK]) for row in rows)
    return Taken({slot.id: slot for slot in slots}, write.moment(rows[-1][_CLOCK]))


_CLOCK = len(TakenSlot._fields)
_OWN = (
    select(*(time_slot.c[name] for name in TakenSlot._fields)).order_by(time_slot.c.id).with_for_update(key_share=True)
)


_BY_ID = select(time_slot.c.id).order_by(time_slot.c.id)
_LOCK = OfKeys(time_slot.c.id, _BY_ID.with_for_update(key_share=True))
_LOCK_FREE = OfKeys(time_slot.c.id, _BY_ID.with_for_update(key_share=True, skip_locked=True))


async def add_sold(write: Write, places: Mapping[int, int]) -> None:
    """Change the sold places of locked slots by so many each."""
    await make(write, adding_sold(write, places))


def adding_sold(write: Write, places: Mapping[int, int]) -> Step:
    """The change of ``add_sold``."""
    return change_each(write, _ADD_SOLD, [{"of_slot": slot_id, "more": more} for slot_id, more in places.items()])


_ADD_SOLD = ChangeOfEach(
    {"of_slot": BigInteger(), "more": Integer()},
    lambda given: (
        time_slot.update()
        .where(time_slot.c.id == given.of_slot)
        .values(sold_places=time_slot.c.sold_places + given.more)
    ),
)


async def upcoming(
    read: Read, admission_ids: Sequence[int], now: datetime, *, on: date | None = None, at_most: int = 100
) -> dict[int, list[TimeSlotRow]]:
    """The open slots of each admission that run at ``now`` or start later, by start; ``on`` keeps to a local date."""
    of_day = None if on is None else Lasting(_is_on, {"day": on})
    where = all_of(Lasting(_is_to_come, {"running_at": now.replace(microsecond=0)}), of_day)
    pages = await time_slots.pages(read, "admission_id", admission_ids, Window(at_most, BY_START), where=where)
    return {admission_id: list(page.rows) for admission_id, page in pages.items()}


def _is_to_come(slot: Any, of: Any) -> list[ColumnElement[bool]]:
    return [slot.ends_at >= of.running_at, slot.state == SlotState.OPEN.value]


def _is_on(slot: Any, of: Any) -> list[ColumnElement[bool]]:
    return [slot.date == of.day]


async def letting_in(
    read: Read, admission_ids: Sequence[int], at: datetime, *, or_changed_since: bool = False
) -> dict[int, list[TimeSlotRow]]:
    """The slots of each admission, canceled ones apart, whose arrival window holds at that moment, by start.

    ``or_changed_since``: also those that were changed after it, canceled or not, whose windows may have held then.
    """

    def holds(slot: Any) -> list[ColumnElement[bool]]:
        lets_in = and_(
            slot.state != SlotState.CANCELED.value,
            slot.arrival_from <= at,
            slot.arrival_until >= at,
            slot.starts_at >= at - FURTHEST_ARRIVAL,
            slot.starts_at <= at + FURTHEST_ARRIVAL,
        )
        if not or_changed_since:
            return [lets_in]
        return [or_(lets_in, _is_changed_since(slot, at))]

    return await time_slots.lists(read, "admission_id", admission_ids, order_by=("starts_at", "id"), where=holds)


async def next_to_let_in(
    read: Read, admission_ids: Sequence[int], at: datetime, *, but_changed_since: bool = False
) -> dict[int, TimeSlotRow]:
    """The open slot of each admission that starts next of those that let nobody in yet at that moment.

    ``but_changed_since``: leaving out those that were changed after it, of which one must know what they were.
    """

    def to_come(slot: Any) -> list[ColumnElement[bool]]:
        found = [slot.arrival_from > at, slot.state == SlotState.OPEN.value, slot.starts_at > at - FURTHEST_ARRIVAL]
        return [*found, ~_is_changed_since(slot, at)] if but_changed_since else found

    pages = await time_slots.pages(read, "admission_id", admission_ids, Window(1, BY_START), where=to_come)
    return {admission_id: page.rows[0] for admission_id, page in pages.items() if page.rows}


def _is_changed_since(slot: Any, at: datetime) -> ColumnElement[bool]:
    found = select(slot_change.c.slot_id).where(slot_change.c.slot_id == slot.id, slot_change.c.at > at)
    return found.exists()


async def changes_after(read: Read, slot_ids: Sequence[int], at: datetime) -> dict[int, list[SlotChangeRow]]:
    """What of each slot was changed after that moment, the latest first."""
    found = select(*(slot_change.c[name] for name in SlotChangeRow._fields))
    found = found.where(is_one_of(read, slot_change.c.slot_id, slot_ids), slot_change.c.at > at)
    changes: dict[int, list[SlotChangeRow]] = {}
    for row in await read.rows(SlotChangeRow, found.order_by(slot_change.c.at.desc(), slot_change.c.id.desc())):
        changes.setdefault(row.slot_id, []).append(row)
    return changes


async def open_on(read: Read, admission_ids: Sequence[int], on: date) -> list[TimeSlotRow]:
    """The open slots of these admissions on the date, each by its own calendar on the wall."""
    found = time_slots.view.where(
        is_one_of(read, time_slot.c.admission_id, admission_ids),
        time_slot.c.date == on,
        time_slot.c.state == SlotState.OPEN.value,
    )
    return await read.rows(TimeSlotRow, found)


async def to_watch(read: Read, admission_id: int, now: datetime) -> list[TimeSlotRow]:
    """The slots of the admission whose numbers may still change: all but those that ended more than a day ago."""
    is_to_come = and_(
        time_slot.c.admission_id == admission_id,
        time_slot.c.starts_at >= now - FURTHEST_ARRIVAL,
        time_slot.c.ends_at >= now - timedelta(days=1),
    )
    return await read.rows(TimeSlotRow, time_slots.view.where(is_to_come))


async def from_day_on(read: Read, admission_id: int, first: date) -> list[KeptSlot]:
    """Every slot of the admission on that local day or later, canceled ones too."""
    return await read.rows(KeptSlot, _kept.where(time_slot.c.admission_id == admission_id, time_slot.c.date >= first))


async def kept_by_ids(read: Read, ids: Sequence[int]) -> dict[int, KeptSlot]:
    """Slots as they are kept, by row id."""
    rows = await read.rows(KeptSlot, _kept.where(is_one_of(read, time_slot.c.id, ids)))
    return {row.id: row for row in rows}


async def add(write: Write, slots: Sequence[GeneratedSlot]) -> list[int]:
    """New slots of a locked admission, which has none of these lines and days; answers their ids in their order."""
    return await write.add(time_slot, [slot._asdict() for slot in slots])


async def change(write: Write, slots: Sequence[KeptSlot]) -> None:
    """Write down locked slots as they have become."""
    names = KeptSlot._fields[4:]
    statement = time_slot.update().where(time_slot.c.id == bindparam("slot_id"))
    statement = statement.values({name: bindparam(f"new_{name}", type_=time_slot.c[name].type) for name in names})
    await write.run_each(
        statement,
        [{"slot_id": slot.id, **{f"new_{name}": getattr(slot, name) for name in names}} for slot in slots],
    )


async def record_changes(write: Write, changes: Sequence[SlotChangeRow]) -> None:
    """Keep what changed of slots."""
    await write.add(slot_change, [change._asdict() for change in changes])


_kept = select(*(time_slot.c[name] for name in KeptSlot._fields)).order_by(time_slot.c.id)
