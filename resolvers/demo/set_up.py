"""Sets the demo's world up: clients, admissions, schedules, slots, items and customers as rows."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import orjson

import db
from db.admission import AdmissionRow, CapacityControl
from db.bulk import Bulk
from db.engine import Write
from db.keys import key
from db.schedule import Recurrence, ScheduleLineRow, ScheduleProduces, ScheduleRow
from db.ticket_item import ActivationMethod, ContentLineRow, RevokePolicy, TicketItemRow, TicketTypeRow
from db.time_slot import GeneratedSlot, SlotState

from .. import slots as generated
from ..context import Rules
from .people import Guest
from .sale import Slot
from .world import (
    ADMIN,
    ADMISSIONS,
    CLIENTS,
    DAYS_AHEAD,
    EVERY_DAY,
    ITEMS,
    OTHER_SHOP,
    SHOP,
    TOUR_DA,
    TOUR_EN,
    TREASURE,
    TYPES,
    ZONE,
    Admission,
    Client,
    Content,
    Item,
    Timetable,
    Type,
)

DAY = timedelta(days=1)

TABLES = (
    db.customer.customer,
    db.ticket_item.ticket_type,
    db.ticket_item.ticket_item,
    db.ticket_item.item_barcode,
    db.admission.admission,
    db.ticket_item.content_line,
    db.schedule.schedule,
    db.schedule.schedule_line,
    db.time_slot.time_slot,
)
"""The tables of what is set up; none points at a later one."""

_BarcodeRow = db.bulk.row_class(db.ticket_item.item_barcode)
_CustomerRow = db.bulk.row_class(db.customer.customer)
_SlotRow = db.bulk.row_class(db.time_slot.time_slot)


@dataclass(slots=True)
class World:
    """The demo's world as it was set up, by the things in ``world``: ids, prices, contents and slots."""

    now: datetime
    first_day: date
    currency: str
    clients: Mapping[Client, int] = field(default_factory=dict)
    types: dict[Type, int] = field(default_factory=dict)
    admissions: dict[Admission, int] = field(default_factory=dict)
    items: dict[Item, int] = field(default_factory=dict)
    prices: dict[Item, int] = field(default_factory=dict)
    contents: dict[Content, ContentLineRow] = field(default_factory=dict)
    slots: dict[Admission, dict[date, list[Slot]]] = field(default_factory=dict)

    @property
    def today(self) -> date:
        return self.now.astimezone(ZONE).date()

    def slots_of(self, admission: Admission, day: date) -> list[Slot]:
        """The slots of that local day, by start."""
        return self.slots.get(admission, {}).get(day, [])

    def slots_from(self, admission: Admission, day: date) -> Iterator[Slot]:
        """The slots of that local day and all that follow."""
        for later, of_day in self.slots[admission].items():
            if later >= day:
                yield from of_day

    def next_slot(self, admission: Admission, after: datetime) -> Slot:
        """The open slot whose guests are let in next after that moment."""
        coming = self.slots_from(admission, after.astimezone(ZONE).date())
        return next(slot for slot in coming if slot.arrival_from > after and slot.state is SlotState.OPEN)

    def slot_at(self, admission: Admission, moment: datetime) -> Slot:
        """The slot that lets guests in at that moment."""
        coming = self.slots_from(admission, moment.astimezone(ZONE).date() - DAY)
        return next(slot for slot in coming if slot.arrival_from <= moment < slot.arrival_until)


async def build(
    write: Write, bulk: Bulk, rules: Rules, now: datetime, past_days: int, scale: int, guests: Iterable[Guest]
) -> World:
    """Set the world up around ``now``: slots of so many days past, and places for ``scale`` times the usual guests."""
    today = now.astimezone(ZONE).date()
    world = World(now, today - past_days * DAY, rules.currency)
    opened_at = generated.moment(world.first_day, time.min, ZONE)
    world.clients = {client: await _client(write, client, opened_at) for client in CLIENTS}
    await _add_items(bulk, world)
    await _add_admissions(bulk, world, scale)
    await _add_contents(bulk, world)
    await _add_slots(bulk, world, scale)
    await _add_customers(bulk, world, guests, opened_at)
    return world


async def _client(write: Write, client: Client, at: datetime) -> int:
    row = await db.client.by_name(write, client.name) or await db.client.add(write, client.name, client.role, at)
    return row.id


async def _add_items(bulk: Bulk, world: World) -> None:
    types, items = db.ticket_item.ticket_type, db.ticket_item.ticket_item
    world.types = dict(zip(TYPES, count(await bulk.next_id(types)), strict=False))
    await bulk.insert(
        types,
        [
            TicketTypeRow(id_, type_.code, key(type_.code), type_.description, type_.kind.value, type_.pattern)
            for type_, id_ in world.types.items()
        ],
    )
    world.items = dict(zip(ITEMS, count(await bulk.next_id(items)), strict=False))
    world.prices = {item: db.money.to_minor(Decimal(item.price), world.currency) for item in ITEMS}
    await bulk.insert(items, [_item_row(world, item) for item in ITEMS])
    await bulk.insert(
        db.ticket_item.item_barcode,
        [
            _BarcodeRow(barcode_key=key(code), barcode=code, item_id=world.items[item])
            for item in ITEMS
            for code in item.barcodes
        ],
    )


def _item_row(world: World, item: Item) -> TicketItemRow:
    return TicketItemRow(
        id=world.items[item],
        item_no=item.number,
        item_key=key(item.number),
        variant_code=item.variant,
        variant_key=key(item.variant or ""),
        description=item.description,
        ticket_type_id=world.types[item.type],
        unit_price_minor=world.prices[item],
        currency=world.currency,
        is_blocked=item.is_blocked,
    )


async def _add_admissions(bulk: Bulk, world: World, scale: int) -> None:
    table = db.admission.admission
    world.admissions = dict(zip(ADMISSIONS, count(await bulk.next_id(table)), strict=False))
    await bulk.insert(table, [_admission_row(world, admission, scale) for admission in ADMISSIONS])


def _admission_row(world: World, admission: Admission, scale: int) -> AdmissionRow:
    return AdmissionRow(
        id=world.admissions[admission],
        code=admission.code,
        code_key=key(admission.code),
        description=admission.description,
        kind=admission.kind.value,
        time_zone=ZONE.key,
        capacity_limits_by=admission.limits_by.value,
        capacity_control=admission.control.value,
        max_capacity=max((table.capacity for table in admission.timetables), default=0) * scale,
        prebook_required=admission.is_event,
        default_schedule=admission.default_schedule.value,
        calendar_id=None,
    )


async def _add_contents(bulk: Bulk, world: World) -> None:
    table = db.ticket_item.content_line
    ids = count(await bulk.next_id(table))
    for item in ITEMS:
        for content in item.contents:
            world.contents[content] = _content_row(world, next(ids), item, content)
    await bulk.insert(table, list(world.contents.values()))


def _content_row(world: World, id_: int, item: Item, content: Content) -> ContentLineRow:
    return ContentLineRow(
        id=id_,
        item_id=world.items[item],
        admission_id=world.admissions[content.admission],
        is_default=content is item.contents[0],
        inclusion=content.inclusion.value,
        quantity=content.places,
        activation=ActivationMethod.SCAN.value,
        entry_validation=content.entries.value,
        max_entries=None,
        duration_days=content.days,
        reschedule_policy=content.reschedule.value,
        reschedule_cut_off_seconds=None,
        revoke_policy=RevokePolicy.UNUSED.value,
        refund_basis_points=content.refund_percent * 100,
        rescan_within_seconds=None,
        capacity_basis_points=10_000,
        pos_may_exceed_capacity=False,
        calendar_id=None,
        retired_at=None,
    )


async def _add_slots(bulk: Bulk, world: World, scale: int) -> None:
    """Schedules, their lines, and the slots that these produce, with the few that somebody changed by hand."""
    schedules, lines = db.schedule.schedule, db.schedule.schedule_line
    schedule_ids, line_ids = count(await bulk.next_id(schedules)), count(await bulk.next_id(lines))
    plan = [
        (admission, _schedule_row(timetable, next(schedule_ids), world.first_day, scale))
        for admission in ADMISSIONS
        for timetable in admission.timetables
    ]
    joined = [(a, schedule, _line_row(next(line_ids), world.admissions[a], schedule)) for a, schedule in plan]
    await bulk.insert(schedules, [schedule for _, schedule in plan])
    await bulk.insert(lines, [line for _, _, line in joined])

    last = world.today + DAYS_AHEAD * DAY
    produced = [
        (row, admission, schedule.max_capacity)
        for admission, schedule, line in joined
        for day in generated.days(schedule, world.first_day, last)
        if (row := generated.slot(line, schedule, day, ZONE))
    ]
    produced.sort(key=lambda each: (each[0].date, each[0].starts_at))
    ids = count(await bulk.next_id(db.time_slot.time_slot))
    made = [(_slot(next(ids), row, admission, capacity), row) for row, admission, capacity in produced]
    for slot, _ in made:
        world.slots.setdefault(slot.admission, {}).setdefault(slot.date, []).append(slot)
    _change_by_hand(world)
    await bulk.insert(db.time_slot.time_slot, [_slot_row(slot, row) for slot, row in made])


def _schedule_row(timetable: Timetable, id_: int, first_day: date, scale: int) -> ScheduleRow:
    early, late = timetable.arrival or (None, None)
    is_daily = timetable.weekdays == EVERY_DAY
    return ScheduleRow(
        id=id_,
        code=timetable.code,
        code_key=key(timetable.code),
        description=timetable.description,
        recurrence=(Recurrence.DAILY if is_daily else Recurrence.WEEKLY).value,
        every=1,
        weekdays=timetable.weekdays,
        start_date=first_day,
        until_date=None,
        occurrences=None,
        start_time=timetable.start,
        stop_time=timetable.stop,
        arrival_from_seconds=None if early is None else early * 60,
        arrival_until_seconds=None if late is None else late * 60,
        sales_from_seconds=None,
        sales_until_seconds=None,
        days_ahead=DAYS_AHEAD,
        capacity_control=CapacityControl.SALES.value,
        max_capacity=timetable.capacity * scale,
        produces=ScheduleProduces.OPEN.value,
    )


def _line_row(id_: int, admission_id: int, schedule: ScheduleRow) -> ScheduleLineRow:
    return ScheduleLineRow(
        id=id_,
        admission_id=admission_id,
        schedule_id=schedule.id,
        process_order=0,
        capacity_control=schedule.capacity_control,
        max_capacity=schedule.max_capacity,
        is_blocked=False,
    )


def _slot(id_: int, row: GeneratedSlot, admission: Admission, capacity: int) -> Slot:
    window = (row.starts_at, row.ends_at, row.arrival_from, row.arrival_until)
    return Slot(id_, admission, row.date, *window, capacity)


def _slot_row(slot: Slot, row: GeneratedSlot) -> Any:
    changed = {
        "state": slot.state.value,
        "closed_reason": slot.closed_reason,
        "max_capacity": slot.capacity if "max_capacity" in slot.by_hand else None,
    }
    by_hand = orjson.dumps({name: changed[name] for name in slot.by_hand}).decode()
    return _SlotRow(**row._asdict() | changed, id=slot.id, by_hand=by_hand, sold_places=0)


def _change_by_hand(world: World) -> None:
    """A tour for two only, one that was canceled, and an hour at which the treasure room is closed."""
    tomorrow = world.today + DAY
    small = tour_for_two(world)
    small.capacity, small.by_hand = 2, ("max_capacity",)
    canceled = canceled_tour(world)
    canceled.state, canceled.by_hand = SlotState.CANCELED, ("state",)
    for slot in world.slots_of(TREASURE, tomorrow + DAY)[4:6]:
        slot.state, slot.by_hand = SlotState.CLOSED, ("state", "closed_reason")
        slot.closed_reason = "The crown is being cleaned."


def tour_for_two(world: World) -> Slot:
    """Tomorrow's first guided tour in English: two places, set by hand."""
    return world.slots_of(TOUR_EN, world.today + DAY)[0]


def canceled_tour(world: World) -> Slot:
    """Tomorrow's last guided tour in Danish: the guide is ill."""
    return world.slots_of(TOUR_DA, world.today + DAY)[-1]


async def _add_customers(bulk: Bulk, world: World, guests: Iterable[Guest], at: datetime) -> None:
    table = db.customer.customer
    ids = count(await bulk.next_id(table))
    known = [
        _CustomerRow(
            id=next(ids),
            customer_no=guest.customer_no,
            customer_key=guest.customer_key,
            name=guest.name,
            name_key=guest.name_key,
            email=guest.email,
            email_key=guest.email_key,
            phone=guest.phone,
            phone_key=guest.phone_key,
            first_client_id=world.clients[_writer(guest)],
            created_at=at,
            updated_at=at,
        )
        for guest in guests
        if guest.customer_no
    ]
    await bulk.insert(table, known)
    columns = db.search_key.OF_CUSTOMER
    keys = [db.search_key.rows(columns, row.id, row.first_client_id, row._asdict()) for row in known]
    await bulk.insert(db.search_key.search_key, [key for of_customer in keys for key in of_customer])


def _writer(guest: Guest) -> Client:
    """Most customers were first written by the shop; every fifth by the other shop, and as many by the office."""
    last_digit = int(str(guest.customer_no)[-1])
    return OTHER_SHOP if last_digit in (3, 7) else ADMIN if last_digit in (0, 5) else SHOP
