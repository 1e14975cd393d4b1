"""Moving tickets to another time slot: what may be moved, where to, and that the books of both slots agree."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

import db
from schema.node import global_id, row_id
from tests.changes import MOVE, MOVE_ALL, edit_slot, let_in
from tests.concurrency import books
from tests.harness import Gatehouse
from tests.kept import kept
from tests.make import making
from tests.park import Park, Sellable, codes

Payload = dict[str, Any]
HOUR = timedelta(hours=1)


@pytest.fixture
async def park(gatehouse: Gatehouse) -> AsyncIterator[Park]:
    """Whatever happens in it must add up at the end."""
    yield Park(gatehouse)
    assert await books.broken(gatehouse.database) == {}


@pytest.fixture
async def tour(park: Park) -> Sellable:
    """Ten places a day; a ticket is valid from its visit on for two days, and may be moved until it is used."""
    return await park.sellable(reschedulePolicy="UNTIL_USED", durationDays=2)


def day(tour: Sellable, number: int) -> date:
    return sorted(tour.slots)[number]


def slot(tour: Sellable, number: int) -> str:
    """The slot on that day from today on; sales are for the third."""
    return tour.slots[day(tour, number)]


def end_of(first: date, days: int) -> str:
    """The end of a ticket that is valid for so many days."""
    return f"{first + timedelta(days=days - 1)}T23:59:59Z"


async def move(park: Park, number: str, to: str, *, code: str = "TOUR", **other: Any) -> Payload:
    return await park.change_ticket("Reschedule", number, selection=MOVE, admissionCode=code, slotId=to, **other)


async def move_all(park: Park, token: str, to: str, *, code: str = "TOUR", **other: Any) -> Payload:
    said = {"role": "SUPPORT", "selection": MOVE_ALL, "admissionCode": code, "slotId": to, **other}
    return await park.change("Reschedule", token, **said)


async def sold(park: Park, tour: Sellable, *numbers: int) -> list[int]:
    """How many places are sold on these days."""
    return [(await park.slot(slot(tour, number)))["sold"] for number in numbers]


async def found_by_slot(park: Park, slot_id: str) -> list[str]:
    """The tokens of the requests that are found by a slot."""
    query = "query($id: ID!) { ticketRequests(where: {slotId: $id}) { nodes { token } } }"
    found = (await park.gatehouse.data(query, {"id": slot_id}))["ticketRequests"]["nodes"]
    return [request["token"] for request in found]


# ------------------------------------------------------------------------------------------------ one ticket


async def test_a_ticket_is_moved_and_its_validity_with_it(park: Park, tour: Sellable) -> None:
    _, (number,) = await park.sold(tour.line())
    assert (await park.ticket(number, "validUntil"))["validUntil"] == end_of(day(tour, 3), 2)
    payload = await move(park, number.lower(), slot(tour, 5), code="tour")
    assert payload["refusals"] == []
    assert payload["outcome"] == {
        "externalTicketNo": number,
        "admission": {"code": "TOUR"},
        "fromSlot": {"id": slot(tour, 3)},
        "toSlot": {"id": slot(tour, 5)},
        "validUntil": end_of(day(tour, 5), 2),
    }
    ticket = await park.ticket(number, "validUntil accessEntries { slot { id } } request { entries { slot { id } } }")
    assert ticket == {
        "validUntil": end_of(day(tour, 5), 2),
        "accessEntries": [{"slot": {"id": slot(tour, 5)}}],
        "request": {"entries": [{"slot": {"id": slot(tour, 5)}}]},
    }
    assert await sold(park, tour, 3, 5) == [0, 1]
    events = "timeline { nodes { kind message admission { code } slot { id } fromSlot { id } } }"
    assert (await park.ticket(number, events))["timeline"]["nodes"][-1] == {
        "kind": "RESCHEDULED",
        "message": f"Moved from {day(tour, 3)} 10:00 to {day(tour, 5)} 10:00.",
        "admission": {"code": "TOUR"},
        "slot": {"id": slot(tour, 5)},
        "fromSlot": {"id": slot(tour, 3)},
    }


async def test_into_the_same_slot_nothing_is_done_and_nothing_asked(park: Park) -> None:
    """Not the policy, and not whether it could be sold; from the customer's side the code, as always."""
    tour = await park.sellable(capacity=1)
    token, (number,) = await park.sold(tour.line())
    await edit_slot(park.gatehouse, tour.slot, salesUntil=f"{date.today()}T00:00:00Z")
    code = (await park.request(token, "authorizationCode"))["authorizationCode"]
    before = await kept(park.gatehouse)
    for said in ({}, {"dryRun": True}, {"role": "WEB_STORE", "authorizationCode": code}):
        payload = await move(park, number, tour.slot, **said)
        assert payload["refusals"] == []
        assert payload["outcome"]["fromSlot"] == payload["outcome"]["toSlot"] == {"id": tour.slot}
        assert codes(await move_all(park, token, tour.slot, **said)) == []
    assert await kept(park.gatehouse) == before


async def test_tickets_of_one_line_are_moved_apart_and_together_again(park: Park, tour: Sellable) -> None:
    """Each place is sold where its ticket is; the entry is where the first is, and found by every slot."""
    token, numbers = await park.sold(tour.line(3))

    async def places() -> list[int]:
        assert await books.broken(park.gatehouse.database) == {}
        return await sold(park, tour, 3, 4, 5)

    async def entry() -> str:
        (found,) = (await park.request(token, "entries { slot { id } }"))["entries"]
        return str(found["slot"]["id"])

    await move(park, numbers[2], slot(tour, 5))
    assert (await places(), await entry()) == ([2, 0, 1], slot(tour, 3))
    for number, found in ((3, [token]), (4, []), (5, [token])):
        assert await found_by_slot(park, slot(tour, number)) == found
    await move(park, numbers[0], slot(tour, 4))
    assert (await places(), await entry()) == ([1, 1, 1], slot(tour, 4))
    await park.change_ticket("Revoke", numbers[0])
    assert (await places(), await entry()) == ([1, 0, 1], slot(tour, 3))
    payload = await move_all(park, token, slot(tour, 5))
    assert [one["fromSlot"]["id"] for one in payload["outcomes"]] == [slot(tour, 3), slot(tour, 5)]
    assert (await places(), await entry()) == ([0, 0, 2], slot(tour, 5))
    await move_all(park, token, slot(tour, 3))
    assert (await places(), await entry()) == ([2, 0, 0], slot(tour, 3))
    ledger = "ledger { total nodes { kind quantity request { token } } }"
    line = {"kind": "SOLD", "quantity": 2, "request": {"token": token}}
    assert (await park.slot(slot(tour, 3), ledger))["ledger"] == {"total": 2, "nodes": [line]}
    assert (await park.slot(slot(tour, 5), ledger))["ledger"] == {"total": 0, "nodes": []}


async def test_a_visit_without_a_slot_is_given_one(park: Park) -> None:
    castle = await park.sellable(
        "CASTLE", control="NONE", admissionKind="LOCATION", reschedulePolicy="CUT_OFF_HOURS", rescheduleCutOffHours="2"
    )
    await park.gatehouse.data(
        "mutation($input: AdmissionUpsertInput!) { admissionUpsert(input: $input) { refusals { code } } }",
        {"input": {"code": "CASTLE", "defaultSchedule": "NONE", "prebookRequired": False}},
    )
    _, (number,) = await park.sold({"itemNo": castle.item_no, "quantity": 1})
    assert (await park.ticket(number, "accessEntries { slot { id } }"))["accessEntries"] == [{"slot": None}]
    payload = await move(park, number, castle.slot, code="CASTLE")
    assert (payload["refusals"], payload["outcome"]["fromSlot"]) == ([], None)
    assert await sold(park, castle, 3) == [1]
    message = (await park.ticket(number, "timeline(last: 1) { nodes { message } }"))["timeline"]["nodes"]
    assert message == [{"message": f"Moved to {day(castle, 3)} 10:00."}]


# ------------------------------------------------------------------------------------------- a whole request


async def test_all_tickets_of_a_request_are_moved_or_none(park: Park, tour: Sellable) -> None:
    """Those that admit there; a group takes its places, and every refusal names its ticket."""
    castle = await park.sellable("CASTLE")
    family = await park.item("FAMILY", [{"admissionCode": "TOUR", "quantity": 3, "reschedulePolicy": "UNTIL_USED"}])
    token, numbers = await park.sold(tour.line(2), {**tour.line(1), "itemNo": family}, castle.line(1))
    await let_in(park.gatehouse, numbers[1])
    before = await kept(park.gatehouse)
    payload = await move_all(park, token, slot(tour, 5))
    assert [(r["code"], r["ticket"]["externalTicketNo"], r["path"]) for r in payload["refusals"]] == [
        ("RESCHEDULE_NOT_ALLOWED", numbers[1], ["token"])
    ]
    assert payload["outcomes"] == []
    assert await kept(park.gatehouse) == before
    await edit_slot(park.gatehouse, tour.slot, state="CLOSED")
    payload = await move_all(park, token, slot(tour, 5))
    assert [one["externalTicketNo"] for one in payload["outcomes"]] == numbers[:3]
    assert await sold(park, tour, 3, 5) == [1, 5]  # whoever came keeps counting there
    assert await sold(park, castle, 3) == [1]


async def test_of_a_request_the_tickets_must_fit_together(park: Park) -> None:
    """None is moved if all would not fit; one by one as many as do."""
    tour = await park.sellable(capacity=3, reschedulePolicy="UNTIL_USED")
    token, numbers = await park.sold(tour.line(3))
    await park.registered(tour.line(1, slot(tour, 5)))
    before = await kept(park.gatehouse)
    (refusal,) = (await move_all(park, token, slot(tour, 5)))["refusals"]
    assert (refusal["code"], refusal["limit"], refusal["actual"], refusal["path"]) == ("SOLD_OUT", 3, 4, ["slotId"])
    assert await kept(park.gatehouse) == before
    answers = [codes(await move(park, number, slot(tour, 5))) for number in numbers]
    assert answers == [[], [], ["SOLD_OUT"]]
    assert codes(await move_all(park, token, slot(tour, 5))) == ["SOLD_OUT"]
    assert codes(await move_all(park, token, slot(tour, 4))) == []


# --------------------------------------------------------------------------------------- must be for sale

Target = Callable[[Park, Sellable], Awaitable[str]]


def become(**columns: Any) -> Target:
    """The slot of the fifth day became so; moments are told from now."""

    async def target(park: Park, tour: Sellable) -> str:
        async with making(park.gatehouse.database) as make:
            now = park.gatehouse.database.now()
            values = {name: now + value if isinstance(value, timedelta) else value for name, value in columns.items()}
            slots = db.time_slot.time_slot
            await make.write.run(update(slots).where(slots.c.id == row_id(slot(tour, 5), "TimeSlot")).values(values))
        return slot(tour, 5)

    return target


async def of_another(park: Park, tour: Sellable) -> str:
    return (await park.sellable("CASTLE")).slot


async def unknown(park: Park, tour: Sellable) -> str:
    return global_id("TimeSlot", 10_000)


async def no_slot(park: Park, tour: Sellable) -> str:
    found: str = (await park.gatehouse.data('{ admission(by: {code: "TOUR"}) { id } }'))["admission"]["id"]
    return found


async def full(park: Park, tour: Sellable) -> str:
    await park.registered(tour.line(10, slot(tour, 5)))
    return slot(tour, 5)


async def day_off(park: Park, tour: Sellable) -> str:
    async with making(park.gatehouse.database) as make:
        calendar = await make.add(db.calendar.calendar, code="C", code_key="c", description="C")
        off = {"kind": "DATE", "date": day(tour, 5), "text": "The guide marries."}
        await make.add(db.calendar.calendar_line, calendar_id=calendar, **off)
        await make.write.run(update(db.ticket_item.content_line).values(calendar_id=calendar))
    return slot(tour, 5)


TARGETS: list[tuple[str, Target]] = [
    ("UNKNOWN_SLOT", unknown),
    ("UNKNOWN_SLOT", no_slot),
    ("SLOT_OF_OTHER_ADMISSION", of_another),
    ("SLOT_CANCELED", become(state="CANCELED")),
    ("SLOT_CLOSED", become(state="CLOSED")),
    ("CALENDAR_CLOSED", day_off),
    ("SLOT_PAST", become(arrival_until=-HOUR)),
    ("OUTSIDE_SALES_PERIOD", become(sales_from=HOUR)),
    ("SOLD_OUT", full),
]


@pytest.mark.parametrize(("code", "target"), TARGETS)
async def test_a_slot_that_is_not_for_sale_is_refused(park: Park, tour: Sellable, code: str, target: Target) -> None:
    """To staff as well, for a ticket and for a request; and nothing is changed."""
    token, (number, _) = await park.sold(tour.line(2))
    to = await target(park, tour)
    before = await kept(park.gatehouse)
    for payload in (
        await move(park, number, to),
        await move_all(park, token, to),
        await move(park, number, to, dryRun=True),
    ):
        assert [(refusal["code"], refusal["path"]) for refusal in payload["refusals"]] == [(code, ["slotId"])]
        assert not payload.get("outcome")
        assert not payload.get("outcomes")
    assert await kept(park.gatehouse) == before


async def test_every_visit_of_a_ticket_stays_within_its_validity(park: Park) -> None:
    """Neither is the target after the end, nor does the end come before another visit; until that one was made."""
    tour = await park.sellable()
    castle = await park.sellable("CASTLE")
    rules = {"durationDays": 3, "reschedulePolicy": "UNTIL_USED"}
    contents = [{"admissionCode": "TOUR", "isDefault": True, **rules}, {"admissionCode": "CASTLE", **rules}]
    item = await park.item("BOTH", contents)
    visits = [
        {"admissionCode": code, "slotId": slot(tour if code == "TOUR" else castle, 6)} for code in ("TOUR", "CASTLE")
    ]
    _, (number,) = await park.sold({"itemNo": item, "quantity": 1, "admissions": visits})
    before = await kept(park.gatehouse)
    (refusal,) = (await move(park, number, slot(castle, 9), code="CASTLE"))["refusals"]
    assert (refusal["code"], refusal["admission"]["code"], refusal["slot"]["id"]) == (
        "BEYOND_VALIDITY",
        "CASTLE",
        slot(castle, 9),
    )
    (refusal,) = (await move(park, number, slot(tour, 3)))["refusals"]
    assert (refusal["code"], refusal["admission"]["code"], refusal["slot"]["id"]) == (
        "BEYOND_VALIDITY",
        "CASTLE",
        slot(castle, 6),
    )
    assert refusal["passesUntil"] == end_of(day(tour, 3), 3)
    assert await kept(park.gatehouse) == before
    payload = await move(park, number, slot(castle, 8), code="CASTLE")
    assert (payload["refusals"], payload["outcome"]["validUntil"]) == ([], end_of(day(tour, 6), 3))
    payload = await move(park, number, slot(tour, 10))
    assert (payload["refusals"], payload["outcome"]["validUntil"]) == ([], end_of(day(tour, 8), 3))
    await let_in(park.gatehouse, number, code="CASTLE")
    payload = await move(park, number, slot(tour, 2))
    assert (payload["refusals"], payload["outcome"]["validUntil"]) == ([], end_of(day(tour, 2), 3))


# ----------------------------------------------------------------------------------------------- policies


async def test_the_policy_of_the_ticket_decides(park: Park) -> None:
    """Those it was sold under: what the item says since does not matter to it."""
    tour = await park.sellable(reschedulePolicy="CUT_OFF_HOURS", rescheduleCutOffHours="24")
    _, (number,) = await park.sold(tour.line())
    await park.item("TOUR-ITEM", [{"admissionCode": "TOUR", "reschedulePolicy": "NOT_ALLOWED"}])
    _, (other,) = await park.sold(tour.line())
    before = await kept(park.gatehouse)
    assert codes(await move(park, number, slot(tour, 5), dryRun=True)) == []
    assert codes(await move(park, other, slot(tour, 5))) == ["RESCHEDULE_NOT_ALLOWED"]
    last = datetime.fromisoformat(f"{day(tour, 2)}T11:00:00Z")
    park.gatehouse.travel(last - park.gatehouse.database.now() + timedelta(minutes=1))
    (refusal,) = (await move(park, number, slot(tour, 5)))["refusals"]
    assert (refusal["code"], refusal["path"]) == ("RESCHEDULE_NOT_ALLOWED", ["externalTicketNo"])
    assert datetime.fromisoformat(refusal["passesUntil"]) == last
    assert await kept(park.gatehouse) == before
    park.gatehouse.travel(timedelta(minutes=-2))
    assert codes(await move(park, number, slot(tour, 5))) == []


async def test_staff_moves_whatever_the_policy_when_the_slot_was_changed(park: Park) -> None:
    """A group of which some came: they stay where they were, and the others are expected in the new slot."""
    tour = await park.sellable(control="ADMITTED_AND_DEPARTED", kind="GROUP")
    token, (number,) = await park.sold(tour.line(5))
    code = (await park.request(token, "authorizationCode"))["authorizationCode"]
    await let_in(park.gatehouse, number, 3, inside=3)
    assert codes(await move(park, number, slot(tour, 5))) == ["RESCHEDULE_NOT_ALLOWED"]
    await edit_slot(park.gatehouse, tour.slot, startsAt=f"{day(tour, 3)}T12:00:00Z")
    assert codes(await move(park, number, slot(tour, 5), role="WEB_STORE", authorizationCode=code)) == [
        "RESCHEDULE_NOT_ALLOWED"
    ]
    assert codes(await move(park, number, slot(tour, 5), role="POS")) == []
    assert await park.slot(tour.slot, "sold admitted inside remaining") == {
        "sold": 3,
        "admitted": 3,
        "inside": 3,
        "remaining": 7,
    }
    assert await park.slot(slot(tour, 5), "sold inside remaining") == {"sold": 5, "inside": 0, "remaining": 5}
    assert await books.broken(park.gatehouse.database) == {}
    assert codes(await move(park, number, slot(tour, 3), role="POS")) == ["RESCHEDULE_NOT_ALLOWED"]


# ----------------------------------------------------------------------------------------------- refusals


async def test_everything_that_is_wrong_is_told_at_once(park: Park, tour: Sellable) -> None:
    await park.sellable("CASTLE")
    token, (number, revoked) = await park.sold(tour.line(2))
    await park.change_ticket("Revoke", revoked)
    nowhere = global_id("TimeSlot", 10_000)
    before = await kept(park.gatehouse)
    for ask, name, to, code, expected in (
        (move, "NOBODY'S", nowhere, "NOWHERE", ["UNKNOWN_ADMISSION", "UNKNOWN_SLOT", "NOT_FOUND"]),
        (move, " ", nowhere, " ", ["INVALID_INPUT", "INVALID_INPUT", "UNKNOWN_SLOT"]),
        (move, number, nowhere, "CASTLE", ["UNKNOWN_SLOT", "NOT_ON_TICKET"]),
        (move, revoked, nowhere, "CASTLE", ["UNKNOWN_SLOT", "TICKET_REVOKED", "NOT_ON_TICKET"]),
        (move, revoked, tour.slot, "TOUR", ["TICKET_REVOKED"]),
        (move_all, "NOBODY'S", nowhere, "NOWHERE", ["UNKNOWN_ADMISSION", "UNKNOWN_SLOT", "NOT_FOUND"]),
        (move_all, token, nowhere, "CASTLE", ["UNKNOWN_SLOT", "NOT_ON_TICKET"]),
    ):
        payload = await ask(park, name, to, code=code)
        assert codes(payload) == expected
        assert (payload.get("ticket") or payload.get("ticketRequest") or {}).get("externalTicketNo", token) in (
            name,
            token,
        )
    assert await kept(park.gatehouse) == before


async def test_a_request_without_tickets_in_force_is_not_moved(park: Park, tour: Sellable) -> None:
    registered = await park.registered(tour.line())
    revoked, _ = await park.sold(tour.line())
    await park.change("Revoke", revoked, role="SUPPORT")
    before = await kept(park.gatehouse)
    assert codes(await move_all(park, registered, slot(tour, 5))) == ["NOT_CONFIRMED"]
    assert codes(await move_all(park, revoked, slot(tour, 5))) == ["ALREADY_CANCELED"]
    park.gatehouse.travel(timedelta(seconds=1500))
    assert codes(await move_all(park, registered, slot(tour, 5), dryRun=True)) == ["HOLD_EXPIRED"]
    assert await kept(park.gatehouse) == before
    assert codes(await move_all(park, registered, slot(tour, 5))) == ["HOLD_EXPIRED"]
    assert (await park.request(registered, "timeline(last: 1) { nodes { kind } }"))["timeline"]["nodes"] == [
        {"kind": "EXPIRED"}
    ]


async def test_many_tickets_are_moved_with_as_many_statements_as_one(park: Park) -> None:
    tour = await park.sellable(capacity=100, reschedulePolicy="UNTIL_USED")
    needed = set()
    for number in (1, 8):
        token, _ = await park.sold(tour.line(number))
        await move_all(park, token, slot(tour, 5), dryRun=True)
        dry = len(park.gatehouse.statements)
        assert codes(await move_all(park, token, slot(tour, 5))) == []
        needed.add((dry, len(park.gatehouse.statements)))
    assert len(needed) == 1
