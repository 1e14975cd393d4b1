"""Availability and create agree, and the ledger adds up, in parks that nobody would think of."""

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

import db
from db.client import Role
from db.engine import Database
from schema.node import global_id
from tests.conftest import sqlite_url
from tests.harness import Gatehouse
from tests.make import FAR_FUTURE, NOON, Item, Make, making

HOUR = timedelta(hours=1)
CONTROLS = ("NONE", "SALES", "ADMITTED", "ADMITTED_AND_DEPARTED")

SLOT = """
query Slot($id: ID!, $after: String) { node(id: $id) { ... on TimeSlot {
  capacityControl capacity held sold admitted inside remaining
  ledger(first: 3, after: $after) { total nodes { kind quantity } pageInfo { hasNextPage endCursor } }
} } }
"""

AVAILABILITY = """
query Seen($item: ID!, $from: DateTime, $quantity: Int) { node(id: $item) { ... on TicketItem {
  availability(admissionCode: "PLACE", from: $from, quantity: $quantity) {
    nodes { slot { id } isSellable remaining refusals { code message limit actual passesFrom passesUntil } }
  }
} } }
"""

CREATE = """
mutation Create($input: TicketRequestCreateInWebStoreInput!) { ticketRequestCreateInWebStore(input: $input) {
  refusals { code message limit actual passesFrom passesUntil }
} }
"""


@dataclass(frozen=True)
class Limit:
    control: str
    maximum: int


@dataclass(frozen=True)
class Slot:
    """A slot, in hours from noon."""

    starts: int
    hours: int
    state: str
    on_sale: tuple[int | None, int | None]
    by_hand: tuple[str | None, int | None]


@dataclass(frozen=True)
class Sold:
    """An item: the places of its tickets, its share in basis points, its days, its calendar."""

    places: int
    share: int
    is_blocked: bool
    duration_days: int | None
    closed: tuple[dict[str, Any], ...]
    is_group: bool
    has_another_default: bool


@dataclass(frozen=True)
class Booking:
    """``people`` in that slot with that item. Of each ticket sold, so many were let in, and are inside."""

    slot: int
    item: int
    people: int
    kind: str
    let_in: int
    inside: int
    is_revoked: bool


@dataclass(frozen=True)
class RandomPark:
    kind: str
    limits_by: str
    own: Limit
    of_schedule: Limit
    of_line: Limit
    slots: tuple[Slot, ...]
    items: tuple[Sold, ...]
    bookings: tuple[Booking, ...]
    quantity: int


limits = st.builds(Limit, st.sampled_from(CONTROLS), st.integers(0, 14))
closings = st.one_of(
    st.builds(lambda days: {"kind": "DATE", "date": (NOON + timedelta(days=days)).date()}, st.integers(0, 2)),
    st.builds(lambda weekday: {"kind": "WEEKDAY", "weekday": weekday}, st.integers(0, 6)),
    st.builds(lambda day: {"kind": "YEARLY", "month": 5, "day": day}, st.integers(17, 19)),
)
hours = st.none() | st.integers(-30, 30)
slots = st.builds(
    Slot,
    starts=st.integers(-3, 40),
    hours=st.integers(1, 5),
    state=st.sampled_from(["OPEN"] * 6 + ["CLOSED", "CANCELED"]),
    on_sale=st.sampled_from([(None, None)] * 4) | st.tuples(hours, hours),
    by_hand=st.tuples(st.none() | st.sampled_from(CONTROLS), st.none() | st.integers(0, 14)),
)
items = st.builds(
    Sold,
    places=st.integers(1, 3),
    share=st.sampled_from([10_000, 10_000, 5_000, 3_333, 0]),
    is_blocked=st.sampled_from([False] * 5 + [True]),
    duration_days=st.sampled_from([None, 1, 2]),
    closed=st.sampled_from([()] * 3) | st.tuples(closings) | st.tuples(closings, closings),
    is_group=st.booleans(),
    has_another_default=st.booleans(),
)
bookings = st.builds(
    Booking,
    slot=st.integers(0, 1),
    item=st.integers(0, 1),
    people=st.integers(1, 3),
    kind=st.sampled_from(["HELD", "EXPIRED", "SOLD", "SOLD", "SOLD", "SOLD"]),
    let_in=st.integers(0, 5),
    inside=st.integers(0, 3),
    is_revoked=st.sampled_from([False] * 4 + [True]),
)
parks = st.builds(
    RandomPark,
    kind=st.sampled_from(["LOCATION", "EVENT"]),
    limits_by=st.sampled_from(["ADMISSION", "SCHEDULE", "SLOT", "SLOT"]),
    own=limits,
    of_schedule=limits,
    of_line=limits,
    slots=st.tuples(slots, slots),
    items=st.tuples(items, items),
    bookings=st.lists(bookings, max_size=6).map(tuple),
    quantity=st.integers(0, 5),
)


# ------------------------------------------------------------------------------------------- the rules, once more


def limit_in_force(park: RandomPark, slot: Slot) -> Limit:
    if park.limits_by == "ADMISSION":
        return park.own
    if park.limits_by == "SCHEDULE":
        return park.of_schedule
    control, maximum = slot.by_hand
    return Limit(control or park.of_line.control, park.of_line.maximum if maximum is None else maximum)


def ledger_of(park: RandomPark, number: int) -> list[tuple[str, int]]:
    """Kind and places of every line that the domain's rules make of the bookings, in no order."""
    control = limit_in_force(park, park.slots[number]).control
    by_people = control.startswith("ADMITTED")
    counts_reservations = (control, park.kind) != ("ADMITTED", "LOCATION")
    found = []
    for booking in park.bookings:
        item = park.items[booking.item]
        if booking.slot != number or booking.kind == "EXPIRED":
            continue
        tickets = [booking.people] if item.is_group else [1] * booking.people
        came = [min(booking.let_in, people) for people in tickets] if booking.kind == "SOLD" else []
        present = [min(booking.inside, booking.let_in, people) for people in tickets] if came else []
        reserved = booking.people if not booking.is_revoked or booking.kind == "HELD" else 0
        if counts_reservations:
            found.append((booking.kind, (reserved - (sum(came) if by_people and reserved else 0)) * item.places))
        if by_people:
            found += [("ADMITTED", n * item.places) for n in (came if control == "ADMITTED" else present)]
    return sorted(line for line in found if line[1] > 0)


# -------------------------------------------------------------------------------------------------- the park, made


async def make_park(make: Make, park: RandomPark) -> tuple[list[int], list[Item]]:
    own = {"capacity_control": park.own.control, "max_capacity": park.own.maximum}
    admission = await make.admission("PLACE", kind=park.kind, capacity_limits_by=park.limits_by, **own)
    elsewhere = await make.admission("ELSEWHERE", default_schedule="NONE")
    slot_ids = [await make_slot(make, park, admission, slot) for slot in park.slots]
    made = [await make_item(make, number, item, admission, elsewhere) for number, item in enumerate(park.items)]
    shop = await make.client("shop", Role.WEB_STORE)
    for booking in park.bookings:
        await book(make, booking, shop, slot_ids[booking.slot], made[booking.item], admission)
    return slot_ids, made


async def make_slot(make: Make, park: RandomPark, admission: int, slot: Slot) -> int:
    schedule: dict[str, Any] = {
        "capacity_control": park.of_schedule.control,
        "max_capacity": park.of_schedule.maximum,
    }
    line_id = await make.schedule_line(admission, **schedule)
    own = {"capacity_control": park.of_line.control, "max_capacity": park.of_line.maximum}
    await make.change(db.schedule.schedule_line, line_id, **own)
    control, maximum = slot.by_hand
    sales_from, sales_until = [None if at is None else NOON + at * HOUR for at in slot.on_sale]
    return await make.slot(
        admission,
        NOON + slot.starts * HOUR,
        minutes=60 * slot.hours,
        arrival_until=NOON + slot.starts * HOUR + HOUR / 2,
        line_id=line_id,
        state=slot.state,
        sales_from=sales_from,
        sales_until=sales_until,
        control=control,
        capacity=maximum,
    )


async def make_item(make: Make, number: int, item: Sold, admission: int, elsewhere: int) -> Item:
    made = await make.item(
        f"ITEM-{number}", kind="GROUP" if item.is_group else "INDIVIDUAL", is_blocked=item.is_blocked
    )
    calendar_id = None
    if item.closed:
        code = f"C{number}"
        calendar_id = await make.add(db.calendar.calendar, code=code, code_key=code, description=code)
        for n, line in enumerate(item.closed):
            await make.add(db.calendar.calendar_line, calendar_id=calendar_id, text=f"Closed {n}", **line)
    line_id = await make.content(
        made.id,
        admission,
        quantity=item.places,
        capacity_basis_points=item.share,
        duration_days=item.duration_days,
        calendar_id=calendar_id,
        is_default=not item.has_another_default,
    )
    if item.has_another_default:
        await make.content(made.id, elsewhere, is_default=True)
    return Item(made.id, made.kind, {admission: line_id})


async def book(make: Make, booking: Booking, shop: int, slot_id: int, item: Item, admission: int) -> None:
    is_sold = booking.kind == "SOLD"
    ends = {"HELD": FAR_FUTURE, "EXPIRED": NOON - HOUR, "SOLD": None}[booking.kind]
    request = await make.request(shop, status="CONFIRMED" if is_sold else "REGISTERED", expires_at=ends)
    line = await make.line(request, item, booking.people, slots={admission: slot_id})
    if not is_sold:
        return
    for people in [booking.people] if item.kind == "GROUP" else [1] * booking.people:
        ticket = await make.ticket(line, people=people, revoked_at=NOON if booking.is_revoked else None)
        if booking.let_in:
            inside = min(booking.inside, booking.let_in, people)
            await make.visit(ticket, admission, people=booking.let_in, inside=inside)
    if booking.is_revoked:
        await give_back(make, line.entries[admission][0], slot_id)


async def give_back(make: Make, entry_id: int, slot_id: int) -> None:
    """Free the places of an entry, as revoking all its tickets does."""
    reservations, slots = db.reservation.reservation, db.time_slot.time_slot
    found = select(reservations.c.id, reservations.c.places).where(reservations.c.entry_id == entry_id)
    row_id, places = (await make.write.all(found))[0]
    await make.change(reservations, row_id, until=NOON)
    await make.change(slots, slot_id, sold_places=slots.c.sold_places - places)


# ------------------------------------------------------------------------------------------------- what is asked


async def check(database: Database, park: RandomPark) -> None:
    """Everything that must hold of a park."""
    async with making(database) as make:
        slot_ids, made = await make_park(make, park)
    database.clock_offset += NOON - database.now() + timedelta(minutes=1)
    async with Gatehouse(database) as gatehouse:
        for number, slot_id in enumerate(slot_ids):
            await check_ledger(gatehouse, park, number, slot_id)
        for number, item in enumerate(made):
            await check_availability(gatehouse, park, number, item, slot_ids)


async def check_ledger(gatehouse: Gatehouse, park: RandomPark, number: int, slot_id: int) -> None:
    """Its lines, over all pages, are those of the rules; they add up to total, and total explains remaining."""
    lines: list[tuple[str, int]] = []
    after = None
    while True:
        slot = (await gatehouse.data(SLOT, {"id": global_id("TimeSlot", slot_id), "after": after}))["node"]
        lines += [(line["kind"], line["quantity"]) for line in slot["ledger"]["nodes"]]
        after = slot["ledger"]["pageInfo"]["endCursor"]
        if not slot["ledger"]["pageInfo"]["hasNextPage"]:
            break
    assert sorted(lines) == ledger_of(park, number)
    assert sum(quantity for _, quantity in lines) == slot["ledger"]["total"]
    limit = limit_in_force(park, park.slots[number])
    assert slot["capacityControl"] == limit.control
    assert slot["capacity"] == (None if limit.control == "NONE" else limit.maximum)
    assert slot["remaining"] == (None if limit.control == "NONE" else max(limit.maximum - slot["ledger"]["total"], 0))


async def check_availability(
    gatehouse: Gatehouse, park: RandomPark, number: int, item: Item, slot_ids: Sequence[int]
) -> None:
    """In every slot: sellable exactly when a dry run of create is not refused, else with the very same refusals."""
    asked = {"item": global_id("TicketItem", item.id), "from": (NOON - 10 * HOUR).isoformat()}
    seen = (await gatehouse.data(AVAILABILITY, {**asked, "quantity": park.quantity}))["node"]["availability"]["nodes"]
    assert {node["slot"]["id"] for node in seen} == {global_id("TimeSlot", slot_id) for slot_id in slot_ids}
    for node in seen:
        refusals = await refused(gatehouse, number, node["slot"]["id"], park.quantity)
        assert node["refusals"] == refusals
        assert node["isSellable"] is (refusals == [])
        if node["isSellable"] and node["remaining"] is not None:
            left: int = node["remaining"]
            assert left >= park.quantity
            assert await refused(gatehouse, number, node["slot"]["id"], left) == []
            over = await refused(gatehouse, number, node["slot"]["id"], left + 1)
            assert [refusal["code"] for refusal in over] == ["SOLD_OUT"]


async def refused(gatehouse: Gatehouse, number: int, slot: str, quantity: int) -> list[dict[str, Any]]:
    """What a dry run of create refuses."""
    line = {
        "itemNo": f"ITEM-{number}",
        "quantity": quantity,
        "admissions": [{"admissionCode": "PLACE", "slotId": slot}],
    }
    found = await gatehouse.data(CREATE, {"input": {"lines": [line], "dryRun": True}}, role="WEB_STORE")
    refusals: list[dict[str, Any]] = found["ticketRequestCreateInWebStore"]["refusals"]
    return refusals


async def in_a_fresh_database(template: Path, park: RandomPark) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(sqlite_url(Path(shutil.copyfile(template, Path(folder) / "park.sqlite3"))))
        try:
            await check(database, park)
        finally:
            await database.dispose()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(park=parks)
def test_availability_and_create_agree_and_the_ledger_adds_up(sqlite_template: Path, park: RandomPark) -> None:
    asyncio.run(in_a_fresh_database(sqlite_template, park))


OPEN = Slot(2, 1, "OPEN", (None, None), (None, None))
PLAIN = Sold(2, 10_000, False, None, (), False, False)
GROUP = Sold(1, 5_000, False, 1, (), True, True)
BOOKED = (
    Booking(0, 0, 1, "HELD", 0, 0, False),
    Booking(0, 0, 2, "EXPIRED", 0, 0, False),
    Booking(0, 0, 2, "SOLD", 1, 0, False),
    Booking(0, 1, 3, "SOLD", 2, 1, False),
    Booking(0, 1, 2, "SOLD", 2, 2, True),
    Booking(1, 0, 1, "SOLD", 0, 0, False),
)


async def test_they_agree_on_postgresql_too(database: Database) -> None:
    """One park with something of everything; the random ones are on SQLite, of which a copy is quickly made."""
    limit = Limit("ADMITTED_AND_DEPARTED", 14)
    park = RandomPark("EVENT", "SLOT", limit, limit, limit, (OPEN, OPEN), (PLAIN, GROUP), BOOKED, 2)
    await check(database, park)
