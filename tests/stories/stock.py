"""What the stories are told of: a castle with a tour, its shop, its till, and a guest at the gate; always the same."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import db
from db.client import Role
from db.timeline import RequestEventKind
from tests.harness import Gatehouse
from tests.make import NOON, Item, Make, making

HOUR = timedelta(hours=1)
MORNING = NOON - 3 * HOUR
HOLDER = {"phone": "+49 30 1234567", "ticket_holder_name": "Anna Berg", "email": "anna.berg@example.com"}


@dataclass(frozen=True, slots=True)
class Park:
    """The castle and its tour, with their slots, and what is sold for them."""

    shop: int
    till: int
    castle: int
    tour: int
    days: list[int]
    tours: list[int]
    adult: Item
    both: Item


async def fill(gatehouse: Gatehouse) -> None:
    """On Friday, 17 May 2030, at noon in UTC."""
    gatehouse.travel(NOON - gatehouse.database.now())
    async with making(gatehouse.database) as make:
        park = await opened(make)
        castle, tour, days, tours, both = park.castle, park.tour, park.days, park.tours, park.both
        await make.customer("C-1001", park.shop, name="Anna Berg", email=HOLDER["email"], phone=HOLDER["phone"])
        await make.customer("C-1002", park.till, name="Ben Tal")
        await web_order(make, park.shop, both, {castle: days[0], tour: tours[1]})
        await forgotten_cart(make, park.shop, both, {castle: days[1], tour: tours[2]})
        await open_cart(make, park.shop, both, {castle: days[0], tour: tours[3]})
        await at_the_till(make, park.till, park.adult)


async def opened(make: Make) -> Park:
    """The park, before anything was sold."""
    await make.write.run(db.history.history.update().values(epoch="story"))  # cursors repeat it
    shop, till = await make.client("castle-shop.example", Role.WEB_STORE), await make.client("Till 1", Role.POS)
    castle = await make.admission("CASTLE", description="The castle", time_zone="Europe/Berlin")
    event: dict[str, Any] = {"kind": "EVENT", "prebook_required": True, "default_schedule": "SCHEDULE_ENTRY"}
    tour = await make.admission("TOUR", description="Tour of the cellars", time_zone="Europe/Berlin", **event)
    opening = await make.schedule_line(castle, "OPENING-HOURS")
    day: dict[str, Any] = {"line_id": opening, "minutes": 480, "capacity": 500}
    days = [await make.slot(castle, MORNING - 2 * HOUR + n * 24 * HOUR, **day) for n in range(3)]
    tours = [await make.slot(tour, NOON + n * HOUR, capacity=4) for n in range(4)]
    adult = await make.item("ADULT", castle, description="Adult", barcodes=["4006381333931"])
    both = await make.item("CASTLE-TOUR", castle, tour, description="Castle and tour", unit_price_minor=2250)
    return Park(shop, till, castle, tour, days, tours, adult, both)


async def web_order(make: Make, shop: int, item: Item, slots: dict[int, int]) -> None:
    """Two tickets, paid online; one of them was at the gate an hour too early, the other is in."""
    order: dict[str, Any] = {"external_order_no": "WEB-10042", "customer_no": "C-1001"}
    placed = {"placed_at": MORNING, "total_minor": 4500, "currency": "EUR", "document_status": "Shipped"}
    await make.sales_order(shop, **order, **placed)
    paid: dict[str, Any] = {"payment_reference": "PSP-77", "total_minor": 4500, "language": "de"}
    changed = {"created_at": MORNING, "status_changed_at": MORNING + HOUR / 60}
    request = await make.request(shop, "WEB-TOKEN-1", **order, **HOLDER, **paid, **changed)
    line = await make.line(request, item, 2, slots=slots, unit_price_minor=2250)
    await make.event(RequestEventKind.CREATED, request=request, at=MORNING, facts={"channel": "WEB_STORE"})
    confirmed: dict[str, Any] = {"at": MORNING + HOUR / 60, "facts": {"payment": "PREPAID"}}
    await make.event(RequestEventKind.CONFIRMED, request=request, **confirmed)
    castle, tour = slots
    for number in ("000118-7KQ2MX", "000119-4HNW2C"):
        ticket = await make.ticket(line, number, issued_at=MORNING + HOUR / 60, valid_until=NOON + 365 * 24 * HOUR)
        await make.event(RequestEventKind.ISSUED, ticket=ticket, at=MORNING + HOUR / 60, quantity=1)
    at_gate: dict[str, Any] = {"gate": "Cellar door", "admission_id": tour, "slot_id": slots[tour], "actor": "Gate 2"}
    early: dict[str, Any] = {"refusal_code": "TOO_EARLY", "facts": {"passes_from": "2030-05-17T15:00:00+00:00"}}
    entry_id = ticket.access_entries[tour]
    scan: dict[str, Any] = {"scanned": "000119-4hnw2c", "at": NOON - HOUR / 2, "access_entry_id": entry_id}
    await make.event(RequestEventKind.REFUSED, ticket=ticket, **scan, **at_gate, **early)
    await make.visit(ticket, castle, NOON - HOUR)


async def forgotten_cart(make: Make, shop: int, item: Item, slots: dict[int, int]) -> None:
    """Nobody paid, and the hold ran out; nobody has noticed yet."""
    hold: dict[str, Any] = {"status": "REGISTERED", "expires_at": NOON - HOUR, "created_at": NOON - 2 * HOUR}
    request = await make.request(shop, "WEB-TOKEN-2", external_order_no="WEB-10043", total_minor=2250, **HOLDER, **hold)
    await make.line(request, item, 1, slots=slots, unit_price_minor=2250)
    await make.event(RequestEventKind.CREATED, request=request, at=NOON - 2 * HOUR, facts={"channel": "WEB_STORE"})


async def open_cart(make: Make, shop: int, item: Item, slots: dict[int, int]) -> None:
    """Three places are held for another ten minutes, for a customer that the register does not know."""
    hold: dict[str, Any] = {"status": "REGISTERED", "expires_at": NOON + HOUR / 6, "created_at": NOON - HOUR / 4}
    unknown = {"customer_no": "C-9999", "email": "carla@example.com"}
    request = await make.request(shop, "WEB-TOKEN-3", total_minor=6750, **unknown, **hold)
    await make.line(request, item, 3, slots=slots, unit_price_minor=2250)


async def at_the_till(make: Make, till: int, item: Item) -> None:
    """Two sales on one receipt; one ticket was blocked later."""
    receipt: dict[str, Any] = {"receipt_no": "R-000317", "pos_unit_no": "POS-1", "salesperson_code": "EVE"}
    sold: dict[str, Any] = {"channel": "POS", "payment_option": "DIRECT", "total_minor": 1000}
    for number, minutes in (("000120-P3VR6D", 90), ("000121-W8TJ5F", 60)):
        at = NOON - timedelta(minutes=minutes)
        request = await make.request(till, f"POS-{number}", created_at=at, **sold, **receipt)
        line = await make.line(request, item)
        ticket = await make.ticket(line, number, printed_at=at, print_count=1)
        await make.event(RequestEventKind.ISSUED, ticket=ticket, at=at, quantity=1)
    blocked: dict[str, Any] = {"actor": "Help desk", "at": NOON - HOUR / 4, "facts": {"reason": "Reported as lost"}}
    await make.event(RequestEventKind.BLOCKED, ticket=ticket, **blocked)
    reason: dict[str, Any] = {"blocked_at": NOON - HOUR / 4, "blocked_reason": "Reported as lost"}
    await make.change(db.ticket.issued_ticket, ticket.id, **reason)
