"""Places under every control and from every level: numbers, ledger, and what can still be sold."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

import db
from db.client import Role
from schema.node import global_id
from tests.harness import Gatehouse
from tests.make import NOON, Item, Line, Make, making
from tests.park import Park, Sellable, codes

HOUR = timedelta(hours=1)
SOON = NOON + 2 * HOUR
LATER = NOON + timedelta(minutes=25)

NUMBERS = "capacityControl capacity held sold admitted inside remaining"
LEDGER = "ledger(first: $first, after: $after) { total nodes { kind quantity since until request { token } } %s }"
PAGE_INFO = "pageInfo { hasNextPage hasPreviousPage endCursor }"

SLOT = f"""
query Slot($id: ID!, $first: Int, $after: String) {{
  node(id: $id) {{ ... on TimeSlot {{ {NUMBERS} {LEDGER % PAGE_INFO} }} }}
}}
"""

SEEN = """
query Seen($item: ID!, $code: String, $from: DateTime, $quantity: Int) {
  node(id: $item) { ... on TicketItem {
    availability(admissionCode: $code, from: $from, quantity: $quantity, first: 100) {
      nodes { slot { id } isSellable remaining refusals { code message limit actual } }
    }
  } }
}
"""


@pytest.fixture
def park(gatehouse: Gatehouse) -> Park:
    return Park(gatehouse)


@pytest.fixture
async def at_noon(gatehouse: Gatehouse) -> Gatehouse:
    """The app at NOON of the day that ``make`` tells time from."""
    gatehouse.travel(NOON - gatehouse.database.now())
    return gatehouse


async def look(gatehouse: Gatehouse, slot_id: int, role: str = "ADMIN", **asked: Any) -> Any:
    variables = {"id": global_id("TimeSlot", slot_id), **asked}
    return (await gatehouse.data(SLOT, variables, role=role))["node"]


def lines(slot: Any) -> list[tuple[str, int]]:
    return [(line["kind"], line["quantity"]) for line in slot["ledger"]["nodes"]]


# ------------------------------------------------------------------------------------------- each control


@dataclass(frozen=True)
class Crowd:
    """A slot of one control with everything in it: held and sold, awaited, inside, departed and revoked."""

    slot_id: int
    item: Item


async def crowd(make: Make, control: str, kind: str, *, capacity: int = 50) -> Crowd:
    """In places, of an item that takes two per person: 4 held, 2 that expired; sold: a group of 5, of whom 3 were let
    in and 1 left again; two single ones, one let in four times, beside one that was revoked unused; and one that was
    revoked after its visit. And one who was let in here without a reservation."""
    admission = await make.admission("TOUR", kind=kind)
    slot = await make.slot(admission, SOON, capacity=capacity, control=control)
    shop = await make.client("shop", Role.WEB_STORE)
    held = {"status": "REGISTERED", "expires_at": LATER}
    item = await make.item("PAIR", admission, contents={"quantity": 2})
    group = await make.item("GROUP", admission, kind="GROUP", contents={"quantity": 2})
    await make.line(await make.request(shop, "HELD", **held), item, 2, slots={admission: slot})
    over = await make.request(shop, "OVER", status="REGISTERED", expires_at=NOON)
    await make.line(over, item, 1, slots={admission: slot})
    family = await make.line(
        await make.request(shop, "FAMILY", created_at=NOON - 3 * HOUR), group, 5, slots={admission: slot}
    )
    party = await make.ticket(family, people=5)
    await make.visit(party, admission, NOON - HOUR, people=3, inside=2)
    pair = await make.line(
        await make.request(shop, "SINGLES", created_at=NOON - 2 * HOUR), item, 3, slots={admission: slot}
    )
    often, _to_come = await make.ticket(pair), await make.ticket(pair)
    await make.visit(often, admission, NOON - HOUR / 2, people=4, inside=1)
    await make.ticket(pair, revoked_at=NOON)
    await give_back(make, pair, admission, 1)
    walk_in = await make.line(await make.request(shop, "WALK-IN"), item, 1)
    await make.visit(await make.ticket(walk_in), admission, NOON, slot_id=slot)
    gone = await make.line(await make.request(shop, "GONE"), item, 1, slots={admission: slot})
    await make.visit(await make.ticket(gone, revoked_at=NOON), admission, NOON - HOUR, inside=0)
    await give_back(make, gone, admission, 1)
    return Crowd(slot, item)


async def give_back(make: Make, line: Line, admission: int, tickets: int) -> None:
    """Free the two places of each of so many revoked tickets."""
    entry_id, slot_id = line.entries[admission]
    reservations, slots = db.reservation.reservation, db.time_slot.time_slot
    places = line.quantity * 2 - tickets * 2
    freed = {"places": places} if places else {"until": NOON}
    await make.write.run(update(reservations).where(reservations.c.entry_id == entry_id).values(freed))
    left = slots.c.sold_places - tickets * 2
    await make.write.run(update(slots).where(slots.c.id == slot_id).values(sold_places=left))


RESERVED = [("HELD", 4), ("SOLD", 4), ("SOLD", 10)]
OPEN = [("HELD", 4), ("SOLD", 2), ("SOLD", 4)]
INSIDE = [("ADMITTED", 4), ("ADMITTED", 2), ("ADMITTED", 2)]
PEOPLE = [("ADMITTED", 6), ("ADMITTED", 2), ("ADMITTED", 2), ("ADMITTED", 2)]


@pytest.mark.parametrize(
    ("control", "kind", "ledger"),
    [
        ("NONE", "EVENT", RESERVED),
        ("SALES", "LOCATION", RESERVED),
        ("SALES", "EVENT", RESERVED),
        ("ADMITTED", "LOCATION", PEOPLE),
        ("ADMITTED", "EVENT", [*PEOPLE, *OPEN]),
        ("ADMITTED_AND_DEPARTED", "LOCATION", [*INSIDE, *OPEN]),
        ("ADMITTED_AND_DEPARTED", "EVENT", [*INSIDE, *OPEN]),
    ],
)
async def test_the_ledger_lists_what_counts_under_the_control(
    at_noon: Gatehouse, control: str, kind: str, ledger: list[tuple[str, int]]
) -> None:
    async with making(at_noon.database) as make:
        found = await crowd(make, control, kind)
    slot = await look(at_noon, found.slot_id)
    assert sorted(lines(slot)) == sorted(ledger)
    total = sum(places for _, places in ledger)
    assert slot["ledger"]["total"] == total
    assert {name: slot[name] for name in ("held", "sold", "admitted", "inside")} == {
        "held": 4,
        "sold": 14,
        "admitted": 12,
        "inside": 8,
    }
    assert slot["remaining"] == (None if control == "NONE" else 50 - total)


@pytest.mark.parametrize(
    ("control", "kind"),
    [(control, kind) for control in ("SALES", "ADMITTED", "ADMITTED_AND_DEPARTED") for kind in ("LOCATION", "EVENT")],
)
async def test_what_remains_can_be_sold_and_no_more(at_noon: Gatehouse, control: str, kind: str) -> None:
    """The last tickets that fit, and one more: refused, with the numbers that the ledger explains."""
    async with making(at_noon.database) as make:
        found = await crowd(make, control, kind, capacity=27)
    slot = await look(at_noon, found.slot_id)
    fits = slot["remaining"] // 2
    park = Park(at_noon)
    admissions = [{"admissionCode": "TOUR", "slotId": global_id("TimeSlot", found.slot_id)}]
    line = {"itemNo": "PAIR", "admissions": admissions}
    refused = await park.create({**line, "quantity": fits + 1}, dryRun=True)
    assert codes(refused) == ["SOLD_OUT"]
    assert refused["refusals"][0]["limit"] == 27
    assert refused["refusals"][0]["actual"] == slot["ledger"]["total"] + 2 * (fits + 1)
    assert codes(await park.create({**line, "quantity": fits})) == []
    left = await look(at_noon, found.slot_id)
    counts = (control, kind) != ("ADMITTED", "LOCATION")
    assert left["remaining"] == slot["remaining"] - (2 * fits if counts else 0)
    assert left["ledger"]["total"] == 27 - left["remaining"]


# --------------------------------------------------------------------------------------------- each level


@pytest.mark.parametrize(
    ("limits_by", "by_hand", "in_force"),
    [
        ("ADMISSION", (None, None), ("SALES", 1)),
        ("ADMISSION", ("ADMITTED", 9), ("SALES", 1)),
        ("SCHEDULE", ("ADMITTED", 9), ("ADMITTED_AND_DEPARTED", 2)),
        ("SLOT", (None, None), ("SALES", 3)),
        ("SLOT", (None, 4), ("SALES", 4)),
        ("SLOT", ("ADMITTED", None), ("ADMITTED", 3)),
        ("SLOT", ("NONE", 4), ("NONE", None)),
    ],
)
async def test_control_and_maximum_come_from_one_level_only(
    at_noon: Gatehouse, limits_by: str, by_hand: tuple[Any, Any], in_force: tuple[str, int | None]
) -> None:
    async with making(at_noon.database) as make:
        own = {"capacity_limits_by": limits_by, "capacity_control": "SALES", "max_capacity": 1}
        admission = await make.admission("TOUR", kind="EVENT", **own)
        line_id = await make.schedule_line(admission, capacity_control="ADMITTED_AND_DEPARTED", max_capacity=2)
        await make.change(db.schedule.schedule_line, line_id, capacity_control="SALES", max_capacity=3)
        control, maximum = by_hand
        slot = await make.slot(admission, SOON, line_id=line_id, control=control, capacity=maximum)
        await make.item("ITEM", admission)
    found = await look(at_noon, slot)
    assert (found["capacityControl"], found["capacity"]) == in_force
    limit = in_force[1]
    assert found["remaining"] == limit
    line = {"itemNo": "ITEM", "admissions": [{"admissionCode": "TOUR", "slotId": global_id("TimeSlot", slot)}]}
    for quantity, code in ((limit or 100, []), ((limit or 100) + 1, [] if limit is None else ["SOLD_OUT"])):
        assert codes(await Park(at_noon).create({**line, "quantity": quantity}, dryRun=True)) == code


async def test_a_maximum_below_what_is_sold_leaves_nothing(park: Park) -> None:
    tour = await park.sellable(capacity=10)
    await park.registered(tour.line(8))
    async with making(park.gatehouse.database) as make:
        await make.write.run(update(db.schedule.schedule).values(max_capacity=5))
    assert (await park.slot(tour.slot, "capacity held remaining")) == {"capacity": 5, "held": 8, "remaining": 0}
    refused = await park.create(tour.line(1))
    assert codes(refused) == ["SOLD_OUT"]
    assert (refused["refusals"][0]["limit"], refused["refusals"][0]["actual"]) == (5, 9)


# ------------------------------------------------------------------------------------------- the ledger


async def test_the_ledger_is_paged_by_when_places_were_taken(at_noon: Gatehouse) -> None:
    async with making(at_noon.database) as make:
        found = await crowd(make, "ADMITTED_AND_DEPARTED", "EVENT")
    whole = await look(at_noon, found.slot_id)
    since = [line["since"] for line in whole["ledger"]["nodes"]]
    assert since == sorted(since)
    pages: list[Any] = []
    cursor = None
    while not pages or pages[-1]["pageInfo"]["hasNextPage"]:
        page = (await look(at_noon, found.slot_id, first=2, after=cursor))["ledger"]
        assert page["total"] == whole["ledger"]["total"]
        assert page["pageInfo"]["hasPreviousPage"] is bool(pages)
        pages.append(page)
        cursor = page["pageInfo"]["endCursor"]
    assert [line for page in pages for line in page["nodes"]] == whole["ledger"]["nodes"]
    assert len(pages) == 3
    query = """query Back($id: ID!, $before: String) { node(id: $id) { ... on TimeSlot {
      ledger(last: 2, before: $before) { total nodes { since } pageInfo { hasNextPage hasPreviousPage } } } } }"""
    back = {"id": global_id("TimeSlot", found.slot_id), "before": cursor}
    ledger = (await at_noon.data(query, back))["node"]["ledger"]
    assert [line["since"] for line in ledger["nodes"]] == since[-3:-1]
    assert ledger["pageInfo"] == {"hasNextPage": True, "hasPreviousPage": True}
    assert ledger["total"] == whole["ledger"]["total"]
    nothing = (await look(at_noon, found.slot_id, first=0))["ledger"]
    assert (nothing["nodes"], nothing["total"]) == ([], whole["ledger"]["total"])


async def test_an_empty_slot_has_an_empty_ledger(park: Park) -> None:
    tour = await park.sellable()
    found = await park.slot(tour.slot, "remaining ledger { total nodes { id } pageInfo { hasNextPage } }")
    assert found == {"remaining": 10, "ledger": {"total": 0, "nodes": [], "pageInfo": {"hasNextPage": False}}}


async def test_the_ledger_lists_every_line_and_shows_only_one_s_own_requests(park: Park) -> None:
    tour = await park.sellable()
    mine = await park.registered(tour.line(2), client="mine")
    theirs = await park.registered(tour.line(3), client="theirs")
    lines_of = "ledger { total nodes { quantity request { token } } }"
    query = f"query($id: ID!) {{ node(id: $id) {{ ... on TimeSlot {{ {lines_of} }} }} }}"
    tokens: dict[str, Any] = {}
    for role, client in (("ADMIN", None), ("SUPPORT", None), ("POS", None), ("WEB_STORE", "mine"), ("GATE", None)):
        found = await park.gatehouse.data(query, {"id": tour.slot}, role=role, client=client)
        ledger = found["node"]["ledger"]
        tokens[role] = ledger and [line["request"] and line["request"]["token"] for line in ledger["nodes"]]
        assert ledger is None or (ledger["total"], [line["quantity"] for line in ledger["nodes"]]) == (5, [2, 3])
    assert tokens == {
        "ADMIN": [mine, theirs],
        "SUPPORT": [mine, theirs],
        "POS": [mine, theirs],
        "WEB_STORE": [mine, None],
        "GATE": None,
    }


async def test_a_line_is_found_by_its_id_as_long_as_it_counts(at_noon: Gatehouse) -> None:
    async with making(at_noon.database) as make:
        found = await crowd(make, "ADMITTED_AND_DEPARTED", "EVENT")
    ids = "query($id: ID!) { node(id: $id) { ... on TimeSlot { ledger { nodes { id kind quantity since } } } } }"
    nodes = "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on CapacityEntry { kind quantity since } } }"
    listed = (await at_noon.data(ids, {"id": global_id("TimeSlot", found.slot_id)}))["node"]["ledger"]["nodes"]
    asked = {"ids": [line["id"] for line in listed]}
    assert (await at_noon.data(nodes, asked))["nodes"] == listed
    assert len({line["id"] for line in listed}) == len(listed) == 6
    at_noon.travel(timedelta(minutes=25))
    assert (await at_noon.data(nodes, asked))["nodes"] == [None if line["kind"] == "HELD" else line for line in listed]
    none = {"ids": [global_id("CapacityEntry", 10_000), global_id("CapacityEntry", 10_001)]}
    assert (await at_noon.data(nodes, none))["nodes"] == [None, None]


async def test_a_hold_leaves_the_ledger_when_it_runs_out_and_comes_back_sold(park: Park) -> None:
    tour = await park.sellable()
    token = await park.registered(tour.line(4))
    selection = "remaining ledger { total nodes { kind quantity until } }"
    held = await park.slot(tour.slot, selection)
    assert [(line["kind"], line["quantity"]) for line in held["ledger"]["nodes"]] == [("HELD", 4)]
    assert held["ledger"]["nodes"][0]["until"] is not None
    park.gatehouse.travel(timedelta(seconds=1500))
    assert await park.slot(tour.slot, selection) == {"remaining": 10, "ledger": {"total": 0, "nodes": []}}
    await park.change("Extend", token)
    await park.change("Confirm", token)
    assert await park.slot(tour.slot, selection) == {
        "remaining": 6,
        "ledger": {"total": 4, "nodes": [{"kind": "SOLD", "quantity": 4, "until": None}]},
    }


# ------------------------------------------------------------------------------------------- going over


async def kinds(park: Park, token: str) -> list[str]:
    found = await park.request(token, "timeline { nodes { kind } }")
    return [event["kind"] for event in found["timeline"]["nodes"]]


async def friends(park: Park, tour: Sellable, quantity: int) -> dict[str, Any]:
    """A line of an item that a cashier may sell over capacity."""
    item = await park.item("FRIENDS", [{"admissionCode": tour.admission_code, "posMayExceedCapacity": True}])
    return {**tour.line(quantity), "itemNo": item}


async def test_a_cashier_goes_over_at_create_update_and_revival_and_it_is_written_down(park: Park) -> None:
    tour = await park.sellable(capacity=3)
    line = await friends(park, tour, 4)
    payload = await park.create_at_pos(line, mayExceedCapacity=True)
    token = payload["ticketRequest"]["token"]
    assert await kinds(park, token) == ["CREATED", "CAPACITY_EXCEEDED"]
    over = [{**line, "quantity": 5}]
    assert codes(await park.change("Update", token, role="POS", lines=over)) == ["SOLD_OUT"]
    assert codes(await park.change("Update", token, role="POS", lines=over, mayExceedCapacity=True)) == []
    assert await kinds(park, token) == ["CREATED", "CAPACITY_EXCEEDED", "UPDATED", "CAPACITY_EXCEEDED"]
    park.gatehouse.travel(timedelta(seconds=2000))
    assert codes(await park.change("Extend", token, role="POS")) == ["SOLD_OUT"]
    assert codes(await park.change("Extend", token, role="POS", mayExceedCapacity=True)) == []
    assert (await kinds(park, token))[4:] == ["EXPIRED", "CAPACITY_EXCEEDED", "EXTENDED"]
    assert await park.slot(tour.slot) == {"held": 5, "sold": 0, "remaining": 0}


async def test_what_fits_is_no_excess(park: Park) -> None:
    tour = await park.sellable(capacity=3)
    payload = await park.create_at_pos(await friends(park, tour, 3), mayExceedCapacity=True)
    assert await kinds(park, payload["ticketRequest"]["token"]) == ["CREATED"]


async def test_nobody_goes_over_elsewhere_or_with_another_item(park: Park) -> None:
    tour = await park.sellable(capacity=3)
    line = await friends(park, tour, 4)
    assert codes(await park.create_at_pos(tour.line(4), mayExceedCapacity=True)) == ["SOLD_OUT"]
    assert codes(await park.create_at_pos(line, tour.line(1), mayExceedCapacity=True)) == ["SOLD_OUT"]
    token = await park.registered({**line, "quantity": 3})
    assert codes(await park.change("Update", token, lines=[line], mayExceedCapacity=True)) == ["SOLD_OUT"]
    park.gatehouse.travel(timedelta(seconds=2000))
    assert codes(await park.create_at_pos({**line, "quantity": 2})) == []
    assert codes(await park.change("Extend", token, mayExceedCapacity=True)) == ["SOLD_OUT"]
    assert (await park.slot(tour.slot))["held"] == 2


async def test_many_lines_share_the_slot(park: Park) -> None:
    """What a request wants of a slot in all its lines must fit, and each item into its share of it."""
    tour = await park.sellable(capacity=10)
    half = await park.item("HALF", [{"admissionCode": "TOUR", "capacityPercent": "50"}])
    limited = {**tour.line(3), "itemNo": half}
    assert codes(await park.create(tour.line(2), limited, dryRun=True)) == []
    assert codes(await park.create(tour.line(3), limited, dryRun=True)) == ["SOLD_OUT"]
    assert codes(await park.create(tour.line(8), limited, dryRun=True)) == ["SOLD_OUT", "SOLD_OUT"]


# -------------------------------------------------------------------------------------- ticket calendars


async def close(park: Park, **line: Any) -> None:
    """Give every item a ticket calendar with that line."""
    async with making(park.gatehouse.database) as make:
        values = {"code": "HOLIDAYS", "code_key": "holidays", "description": "Holidays"}
        calendar = await make.add(db.calendar.calendar, **values)
        await make.add(db.calendar.calendar_line, calendar_id=calendar, text="Closed for the Queen's birthday.", **line)
        await make.write.run(update(db.ticket_item.content_line).values(calendar_id=calendar))


@pytest.mark.parametrize("kind", ["DATE", "WEEKDAY", "YEARLY"])
async def test_a_ticket_calendar_stops_the_sale_with_its_own_words(park: Park, kind: str) -> None:
    tour = await park.sellable()
    extended, revived, confirmed = [await park.registered(tour.line()) for _ in range(3)]
    day = datetime.fromisoformat((await park.slot(tour.slot, "date"))["date"]).date()
    when: dict[str, dict[str, Any]] = {
        "DATE": {"date": day},
        "WEEKDAY": {"weekday": day.weekday()},
        "YEARLY": {"month": day.month, "day": day.day},
    }
    await close(park, kind=kind, **when[kind])
    payloads = [
        await park.create(tour.line()),
        await park.change("Update", extended, lines=[tour.line()]),
        await park.change("Extend", extended),
        await park.change("Confirm", confirmed),
    ]
    park.gatehouse.travel(timedelta(seconds=2000))
    payloads.append(await park.change("Extend", revived))
    for payload in payloads:
        assert codes(payload) == ["CALENDAR_CLOSED"]
        assert payload["refusals"][0]["message"] == "Closed for the Queen's birthday."
    other = tour.slots[sorted(tour.slots)[4]]
    assert codes(await park.create(tour.line(slot=other))) == []
    assert (await park.slot(tour.slot, "state"))["state"] == "OPEN"


async def test_the_calendar_asks_for_the_local_day(at_noon: Gatehouse) -> None:
    """What starts on a Friday in UTC may start on the Saturday that the calendar closes."""
    async with making(at_noon.database) as make:
        admission = await make.admission("TOUR", time_zone="Pacific/Auckland")
        starts_at = NOON + HOUR  # Friday in UTC, and Saturday, one in the morning, in Auckland
        slot = await make.slot(admission, starts_at, zone="Pacific/Auckland")
        calendar = await make.add(db.calendar.calendar, code="C", code_key="c", description="C")
        line = {"calendar_id": calendar, "kind": "WEEKDAY", "text": "Closed on Saturdays"}
        await make.add(db.calendar.calendar_line, **line, weekday=5)
        await make.item("ITEM", admission, contents={"calendar_id": calendar})
    asked = {"item": global_id("TicketItem", 1), "from": NOON.isoformat()}
    found = (await at_noon.data(SEEN, asked))["node"]["availability"]["nodes"]
    assert [node["slot"]["id"] for node in found] == [global_id("TimeSlot", slot)]
    assert codes(found[0]) == ["CALENDAR_CLOSED"]


async def test_the_next_available_slot_is_one_that_can_be_sold(park: Park) -> None:
    """Full ones, and those that a ticket calendar closes, are passed over."""
    tour = await park.sellable(capacity=2)
    async with making(park.gatehouse.database) as make:
        await make.write.run(update(db.admission.admission).values(default_schedule="NEXT_AVAILABLE"))
    days = sorted(tour.slots)
    first = await park.registered({"itemNo": tour.item_no, "quantity": 2})
    entries = "entries { slot { id } }"
    picked = (await park.request(first, entries))["entries"][0]["slot"]["id"]
    at = days.index(next(day for day in days if tour.slots[day] == picked))
    assert at <= 1
    await close(park, kind="DATE", date=days[at + 1])
    second = await park.registered({"itemNo": tour.item_no, "quantity": 1})
    assert (await park.request(second, entries))["entries"][0]["slot"]["id"] == tour.slots[days[at + 2]]


async def test_a_request_is_not_in_its_own_way_to_the_next_available_slot(park: Park) -> None:
    """It fills the slot; updated, it stays there."""
    tour = await park.sellable(capacity=2)
    async with making(park.gatehouse.database) as make:
        await make.write.run(update(db.admission.admission).values(default_schedule="NEXT_AVAILABLE"))
    token = await park.registered({"itemNo": tour.item_no, "quantity": 2})
    entries = "entries { slot { id } }"
    before = await park.request(token, entries)
    payload = await park.change("Update", token, lines=[{"itemNo": tour.item_no, "quantity": 2}])
    assert codes(payload) == []
    assert await park.request(token, entries) == before
