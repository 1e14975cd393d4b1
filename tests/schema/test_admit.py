"""Letting people in, as a gate asks for it: what it is told, what is counted, and what is kept of it."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

import db
from schema.node import global_id
from tests.gate import Castle, at_noon, castle
from tests.harness import Gatehouse
from tests.make import NOON, making

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


async def rows(gatehouse: Gatehouse) -> dict[str, int]:
    """How many rows each table has that a scan may add to."""
    tables = (db.timeline.request_event, db.visit.visit, db.scan.scan)
    async with gatehouse.database.reading() as read:
        return {table.name: int(await read.value(select(func.count()).select_from(table))) for table in tables}


async def test_a_guest_is_let_in_once(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        await (await castle(make)).ticket("T-1")
    gate = await at_noon(gatehouse, minutes=5)
    assert await gate.admit(" t-1 ", gate="North") == {
        "verdict": "ADMITTED",
        "admittedCount": 1,
        "tickets": {"totalCount": 1, "nodes": [{"externalTicketNo": "T-1"}]},
        "refusals": [],
    }
    again = await gate.admit("T-1", gate="North")
    assert again == {
        "verdict": "REFUSED",
        "admittedCount": 0,
        "tickets": {"totalCount": 0, "nodes": []},
        "refusals": [
            {
                "code": "ENTRIES_USED_UP",
                "message": "The ticket was used already.",
                "path": None,
                "limit": 1,
                "actual": 2,
                "passesFrom": None,
                "passesUntil": None,
                "admission": {"code": "CASTLE"},
                "slot": {"startsAt": "2030-05-17T12:00:00Z"},
                "ticket": {"externalTicketNo": "T-1"},
            }
        ],
    }
    state = await gate.state("T-1")
    assert [(e["admittedCount"], e["insideCount"]) for e in state["accessEntries"]] == [(1, 1)]
    assert state["accessEntries"][0]["firstAdmittedAt"].startswith("2030-05-17T12:05:00")
    assert [(e["kind"], e["gate"], e["scanned"], e["message"]) for e in state["timeline"]["nodes"]] == [
        ("ADMITTED", "North", "t-1", "1 person let in at North."),
        ("REFUSED", "North", "T-1", "Refused at North: The ticket was used already."),
    ]


async def test_an_unknown_number_is_refused_and_kept(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        await castle(make)
    gate = await at_noon(gatehouse)
    assert await gate.says("Nobody's", gate="North", admissionCode="castle") == "TICKET_UNKNOWN"
    query = '{ requestEvents(where: {scanned: "NOBODY\'S", gate: "north", code: [TICKET_UNKNOWN]}) { nodes {'
    query += " kind scanned gate actor request { id } ticket { id } admission { code } message } } }"
    for _ in range(200):  # it is listed as soon as no other transaction of the cluster can come before it
        if found := (await gatehouse.data(query))["requestEvents"]["nodes"]:
            break
    assert found == [
        {
            "kind": "REFUSED",
            "scanned": "Nobody's",
            "gate": "North",
            "actor": "gate",
            "request": None,
            "ticket": None,
            "admission": {"code": "CASTLE"},
            "message": "Refused at North: No ticket and no request has that number.",
        }
    ]


async def test_every_refusal_of_the_gate(gatehouse: Gatehouse) -> None:
    """Each provoked by a scan; nothing changes but the event that keeps it."""
    async with making(gatehouse.database) as make:
        place = await castle(make, control="ADMITTED", capacity=1)
        later = await make.slot(place.admission, NOON + 3 * HOUR)
        canceled = await make.slot(place.admission, state="CANCELED")
        closed = await make.slot(place.admission, state="CLOSED", closed_reason="A wedding")
        tower = await make.admission("TOWER")
        calendar = await make.add(db.calendar.calendar, code="C", code_key="c", description="C")
        day = {"calendar_id": calendar, "kind": "DATE", "date": NOON.date(), "text": "A holiday"}
        await make.write.run(db.calendar.calendar_line.insert().values(day))
        item = await place.item()
        dependent = await place.item()
        await make.dependency(dependent.contents[place.admission], tower)
        await place.ticket("revoked", item, revoked_at=NOON)
        await place.ticket("blocked", item, blocked_at=NOON, blocked_reason="Stolen")
        access_blocked = await place.ticket("access blocked", item)
        entry = access_blocked.access_entries[place.admission]
        await make.change(db.ticket.access_entry, entry, blocked_at=NOON)
        await place.request("registered", status="REGISTERED")
        await place.request("expired", status="EXPIRED", expires_at=NOON - HOUR)
        await place.request("canceled", status="CANCELED")
        await place.ticket("unpaid", item, request=await place.request(payment_option="UNPAID"))
        await place.ticket("tomorrow's", item, valid_from=NOON + DAY)
        await place.ticket("yesterday's", item, valid_until=NOON - DAY)
        await place.ticket("good", item)
        await place.ticket("unreserved", item, is_reserved=False)
        await place.ticket("for later", item, slot=later)
        await place.ticket("for a canceled tour", item, slot=canceled)
        await place.ticket("for a closed tour", item, slot=closed)
        await place.ticket("on a holiday", await place.item(calendar_id=calendar))
        await place.ticket("before the tower", dependent)
        full = await place.ticket("inside", await place.item(quantity=1), is_reserved=True)
        await make.visit(full, place.admission)
    gate = await at_noon(gatehouse, minutes=1)
    before = await rows(gatehouse)
    expected = {
        "revoked": "TICKET_REVOKED",
        "blocked": "TICKET_BLOCKED",
        "access blocked": "ACCESS_BLOCKED",
        "registered": "NOT_CONFIRMED",
        "expired": "HOLD_EXPIRED",
        "canceled": "ALREADY_CANCELED",
        "unpaid": "UNPAID",
        "tomorrow's": "NOT_VALID_YET",
        "yesterday's": "NO_LONGER_VALID",
        "unreserved": "NO_RESERVATION",
        "for later": "TOO_EARLY",
        "for a canceled tour": "SLOT_CANCELED",
        "for a closed tour": "ADMISSION_CLOSED",
        "on a holiday": "CALENDAR_CLOSED",
        "before the tower": "DEPENDENCY_UNMET",
        "inside": "ENTRIES_USED_UP",
        "nobody's": "TICKET_UNKNOWN",
    }
    for scanned, code in expected.items():
        explained = await gate.explains(scanned)
        assert (scanned, await gate.says(scanned)) == (scanned, code)
        assert explained[0] == code, "an explanation begins with what the gate then says"
    assert await gate.says("good", admissionCode="TOWER") == "NOT_ON_TICKET"
    assert await gate.says("good", slotId=global_id("TimeSlot", later)) == "WRONG_SLOT"
    assert await gate.says("good", admissionCode="NOWHERE") == "UNKNOWN_ADMISSION"
    assert await gate.says("good", slotId=global_id("TimeSlot", 999)) == "UNKNOWN_SLOT"
    assert await gate.says("good", slotId=global_id("Admission", 1)) == "UNKNOWN_SLOT"
    assert (
        await gate.says("good", admissionCode="TOWER", slotId=global_id("TimeSlot", later)) == "SLOT_OF_OTHER_ADMISSION"
    )
    gatehouse.travel(2 * HOUR)
    assert await gate.says("good") == "TOO_LATE"
    after = await rows(gatehouse)
    assert after == {**before, "request_event": before["request_event"] + len(expected) + 7}
    assert await gate.counted("good") == (0, 0)


async def test_refusals_say_when_it_would_pass_and_which_slot_is_right(gatehouse: Gatehouse) -> None:
    """In the admission's time in words, in UTC as a fact."""
    async with making(gatehouse.database) as make:
        place = await castle(make, admission={"time_zone": "Europe/Copenhagen"}, zone="Europe/Copenhagen")
        await place.ticket("T-1")
        other = await make.slot(place.admission, NOON + 3 * HOUR, zone="Europe/Copenhagen")
    gate = await at_noon(gatehouse, minutes=-30)
    early = (await gate.admit("T-1"))["refusals"][0]
    assert early["message"] == "Guests of that time slot are let in from 2030-05-17 14:00."
    assert (early["passesFrom"], early["passesUntil"]) == ("2030-05-17T12:00:00Z", "2030-05-17T13:00:00Z")
    wrong = (await gate.admit("T-1", slotId=global_id("TimeSlot", other)))["refusals"][0]
    assert wrong["slot"] == {"startsAt": "2030-05-17T14:00:00+02:00"}
    assert wrong["message"] == "The ticket is for another time slot, at 2030-05-17 14:00."
    kept = await gate.state("T-1")
    assert [event["message"] for event in kept["timeline"]["nodes"]] == [
        "Refused: Guests of that time slot are let in from 2030-05-17 14:00.",
        "Refused: The ticket is for another time slot, at 2030-05-17 14:00.",
    ]


async def test_why_a_ticket_is_blocked_is_said_at_the_gate_and_not_kept_with_the_scan(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        await (await castle(make)).ticket("T-1", blocked_at=NOON, blocked_reason="Claimed by Ada Groß")
    gate = await at_noon(gatehouse)
    assert (await gate.admit("T-1"))["refusals"][0]["message"] == "The ticket is blocked: Claimed by Ada Groß"
    async with gatehouse.database.reading() as read:
        kept = await read.value(select(db.timeline.request_event.c.facts))
    assert "Ada" not in str(kept)


async def test_a_group_comes_in_parts(gatehouse: Gatehouse) -> None:
    """By quantity; without one, all not yet in; and never more than it has people."""
    async with making(gatehouse.database) as make:
        place = await castle(make)
        await place.ticket("G", await place.item(kind="GROUP", quantity=2), people=20)
    gate = await at_noon(gatehouse)
    assert await gate.says("G", quantity=12) == "ADMITTED 12"
    assert await gate.says("G", quantity=9) == "ENTRIES_USED_UP"
    assert await gate.says("G") == "ADMITTED 8"
    assert await gate.says("G", quantity=1) == "ENTRIES_USED_UP"
    assert await gate.counted("G") == (20, 20)
    assert await gate.history("G") == [
        "ADMITTED 12",
        "REFUSED ENTRIES_USED_UP",
        "ADMITTED 8",
        "REFUSED ENTRIES_USED_UP",
    ]


async def test_a_group_under_multiple_comes_as_often_as_it_may(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        place = await castle(make)
        rules: dict[str, Any] = {"entry_validation": "MULTIPLE", "max_entries": 2}
        await place.ticket("G", await place.item(kind="GROUP", **rules), people=5)
    gate = await at_noon(gatehouse)
    said = [await gate.says("G", **{"quantity": people} if people else {}) for people in (None, 3, None, None)]
    assert said == ["ADMITTED 5", "ADMITTED 3", "ADMITTED 2", "ENTRIES_USED_UP"]
    assert await gate.counted("G") == (10, 5), "who comes again went out unseen"


async def test_same_day_means_the_day_of_the_place(gatehouse: Gatehouse) -> None:
    """In Auckland it is past midnight at noon in UTC."""
    async with making(gatehouse.database) as make:
        auckland = {"time_zone": "Pacific/Auckland", "prebook_required": False, "kind": "LOCATION"}
        place = await castle(make, admission=auckland, zone="Pacific/Auckland", minutes=30 * 60)
        await place.ticket("T-1", await place.item(entry_validation="SAME_DAY"), is_reserved=False)
    gate = await at_noon(gatehouse, minutes=1)
    assert await gate.says("T-1") == "ADMITTED 1"
    assert await gate.lets_out("T-1") == "1"
    gatehouse.travel(23 * HOUR)
    assert await gate.says("T-1") == "ADMITTED 1"
    gatehouse.travel(HOUR)
    assert await gate.says("T-1") == "ENTRIES_USED_UP"
    assert await gate.counted("T-1") == (2, 1)


async def test_a_scan_read_twice_is_counted_once(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        place = await castle(make)
        await place.ticket("T-1", await place.item(rescan_within_seconds=30))
    gate = await at_noon(gatehouse)
    assert await gate.says("T-1") == "ADMITTED 1"
    gatehouse.travel(timedelta(seconds=20))
    assert await gate.says("T-1", gate="North") == "ADMITTED 1"
    assert await gate.counted("T-1") == (1, 1)
    gatehouse.travel(timedelta(seconds=20))
    assert await gate.says("T-1") == "ENTRIES_USED_UP", "counted from the first"
    messages = [event["message"] for event in (await gate.state("T-1"))["timeline"]["nodes"]]
    assert messages[1] == "Scanned again at North: let through, and counted once."


async def test_a_token_admits_every_ticket_or_none(gatehouse: Gatehouse) -> None:
    """Those that were not given back; each to its own default admission unless one is named."""
    async with making(gatehouse.database) as make:
        place = await castle(make)
        item = await place.item()
        family = await place.request("family")
        for number in ("T-1", "T-2"):
            await place.ticket(number, item, request=family)
        await place.ticket("T-3", item, request=family, revoked_at=NOON)
        mixed = await place.request("mixed")
        await place.ticket("T-4", item, request=mixed)
        await place.ticket("T-5", item, request=mixed, blocked_at=NOON)
        gone = await place.request("gone", status="CANCELED")
        await place.ticket("T-6", item, request=gone, revoked_at=NOON)
    gate = await at_noon(gatehouse)
    payload = await gate.admit("FAMILY")
    assert (payload["verdict"], payload["admittedCount"]) == ("ADMITTED", 2)
    assert [node["externalTicketNo"] for node in payload["tickets"]["nodes"]] == ["T-1", "T-2"]
    assert await gate.says("family") == "ENTRIES_USED_UP ENTRIES_USED_UP"
    refused = await gate.admit("mixed")
    assert [refusal["code"] for refusal in refused["refusals"]] == ["TICKET_BLOCKED"]
    assert await gate.counted("T-4") == (0, 0)
    assert await gate.history("T-4") == [], "nothing was said of it"
    assert await gate.history("T-5") == ["REFUSED TICKET_BLOCKED"]
    assert await gate.says("gone") == "TICKET_REVOKED"


async def test_a_ticket_number_is_tried_before_a_token(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        place = await castle(make)
        await place.ticket("T-1", request=await place.request("same"))
        await place.ticket("SAME")
    gate = await at_noon(gatehouse)
    assert [n["externalTicketNo"] for n in (await gate.admit("same"))["tickets"]["nodes"]] == ["SAME"]


async def test_without_a_reservation_the_slot_that_lets_in_now_is_used(gatehouse: Gatehouse) -> None:
    """Of several, the last to start. None but a closed one: closed, with its reason. None: closed until the next."""
    async with making(gatehouse.database) as make:
        place = await castle(make, admission={"prebook_required": False, "kind": "LOCATION"}, minutes=180)
        second = await make.slot(place.admission, NOON + HOUR, minutes=120)
        await make.slot(place.admission, NOON + HOUR, minutes=120, state="CANCELED")
        await make.slot(place.admission, NOON + 4 * HOUR, state="CLOSED", closed_reason="A concert")
        await make.slot(place.admission, NOON + 6 * HOUR)
        item = await place.item(entry_validation="MULTIPLE")
        ticket = await place.ticket("T-1", item, is_reserved=False)
        await make.admission("GARDEN", prebook_required=False)
    gate = await at_noon(gatehouse, minutes=90)
    assert await gate.says("T-1") == "ADMITTED 1"
    visits = db.visit.visit
    async with gatehouse.database.reading() as read:
        slot = await read.value(
            select(visits.c.slot_id).where(visits.c.access_entry_id == ticket.access_entries[place.admission])
        )
    assert slot == second
    gatehouse.travel(3 * HOUR)
    closed = (await gate.admit("T-1"))["refusals"][0]
    assert (closed["code"], closed["message"]) == ("ADMISSION_CLOSED", "It is closed: A concert")
    gatehouse.travel(HOUR)
    shut = (await gate.admit("T-1"))["refusals"][0]
    assert (shut["code"], shut["passesFrom"]) == ("ADMISSION_CLOSED", "2030-05-17T18:00:00Z")
    gatehouse.travel(DAY)
    never = (await gate.admit("T-1"))["refusals"][0]
    assert (never["code"], never["passesFrom"]) == ("ADMISSION_CLOSED", None)


async def test_a_place_without_slots_is_always_open(gatehouse: Gatehouse) -> None:
    """But for the days that its calendar, or the ticket's, closes."""
    async with making(gatehouse.database) as make:
        calendar = await make.add(db.calendar.calendar, code="C", code_key="c", description="C")
        day = {"calendar_id": calendar, "kind": "DATE", "date": (NOON + DAY).date(), "text": "A holiday"}
        await make.write.run(db.calendar.calendar_line.insert().values(day))
        garden = await make.admission("GARDEN", prebook_required=False, calendar_id=calendar)
        item = await make.item(None, garden, contents={"entry_validation": "MULTIPLE"})
        await make.ticket(await make.line(await make.request(await make.client()), item), "T-1")
    gate = await at_noon(gatehouse)
    assert await gate.says("T-1") == "ADMITTED 1"
    gatehouse.travel(DAY)
    assert await gate.says("T-1") == "CALENDAR_CLOSED"
    gatehouse.travel(DAY)
    assert await gate.says("T-1") == "ADMITTED 1"


async def test_a_full_house_refuses_who_would_be_one_too_many(gatehouse: Gatehouse) -> None:
    """ADMITTED: everybody ever let in counts, places and not people, and departing gives nothing back."""
    async with making(gatehouse.database) as make:
        here = {"prebook_required": False, "kind": "LOCATION"}
        place = await castle(make, control="ADMITTED", capacity=5, admission=here)
        family = await place.item(quantity=2, entry_validation="MULTIPLE")
        for number in ("A", "B", "C"):
            await place.ticket(number, family, is_reserved=False)
        await place.ticket("D", await place.item(), is_reserved=False)
    gate = await at_noon(gatehouse)
    assert [await gate.says(number) for number in "AB"] == ["ADMITTED 1", "ADMITTED 1"]
    full = (await gate.admit("C"))["refusals"][0]
    assert (full["code"], full["limit"], full["actual"]) == ("CAPACITY_REACHED", 5, 6)
    assert await gate.lets_out("A") == "1"
    assert await gate.says("C") == "CAPACITY_REACHED"
    assert await gate.says("A") == "ADMITTED 1", "counted already"
    assert await gate.says("D") == "ADMITTED 1"


async def test_departing_makes_room_where_those_inside_count(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        here = {"prebook_required": False, "kind": "LOCATION"}
        place = await castle(make, control="ADMITTED_AND_DEPARTED", capacity=1, admission=here)
        item = await place.item(entry_validation="MULTIPLE")
        for number in ("A", "B"):
            await place.ticket(number, item, is_reserved=False)
    gate = await at_noon(gatehouse)
    assert await gate.says("A") == "ADMITTED 1"
    assert await gate.says("A") == "ADMITTED 1", "inside already"
    assert await gate.says("B") == "CAPACITY_REACHED"
    assert await gate.lets_out("A") == "1"
    assert await gate.says("B") == "ADMITTED 1"
    assert await gate.says("A") == "CAPACITY_REACHED"


async def test_who_has_reserved_gets_in_and_who_has_not_waits(gatehouse: Gatehouse) -> None:
    """An open reservation of an EVENT keeps its place; it is given back by its own guest's arrival alone."""
    async with making(gatehouse.database) as make:
        place = await castle(make, control="ADMITTED", capacity=2, admission={"prebook_required": False})
        item = await place.item()
        await place.ticket("R-1", item)
        await place.ticket("R-2", item)
        await place.ticket("W-1", item, is_reserved=False)
    gate = await at_noon(gatehouse)
    assert await gate.says("W-1") == "CAPACITY_REACHED"
    assert await gate.says("R-1") == "ADMITTED 1"
    assert await gate.says("W-1") == "CAPACITY_REACHED"
    assert await gate.says("R-2") == "ADMITTED 1"


async def test_those_of_a_token_fit_together_or_not_at_all(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        here = {"prebook_required": False, "kind": "LOCATION"}
        place = await castle(make, control="ADMITTED", capacity=2, admission=here)
        item, request = await place.item(), await place.request("three")
        for number in ("A", "B", "C"):
            await place.ticket(number, item, request=request, is_reserved=False)
    gate = await at_noon(gatehouse)
    refused = (await gate.admit("three"))["refusals"]
    assert [(r["code"], r["actual"], r["ticket"]["externalTicketNo"]) for r in refused if r["ticket"]] == []
    assert [(r["code"], r["actual"]) for r in refused] == [("CAPACITY_REACHED", 3)]
    assert [await gate.says(number) for number in "ABC"] == ["ADMITTED 1", "ADMITTED 1", "CAPACITY_REACHED"]


async def test_a_nonce_returns_the_first_answer(gatehouse: Gatehouse) -> None:
    """Also a refusal, also after what refused it is gone; per client; and only for the same scan.

    A nonce is the gate's own, in whatever letters: two that differ in their case are two.
    """
    async with making(gatehouse.database) as make:
        place = await castle(make)
        await place.ticket("T-1")
        await place.ticket("T-2")
    gate = await at_noon(gatehouse)
    first = await gate.admit("T-1", nonce="n-1", gate="North")
    before = await rows(gatehouse)
    assert await gate.admit("t-1", nonce=" n-1 ") == first
    assert await gate.says("T-1", nonce="N-1") == "ENTRIES_USED_UP"
    gatehouse.travel(-2 * HOUR)
    early = await gate.admit("T-2", nonce="n-2")
    assert early["refusals"][0]["code"] == "TOO_EARLY"
    gatehouse.travel(2 * HOUR)
    assert await gate.admit("T-2", nonce="n-2") == early
    conflict = await gate.admit("T-2", nonce="n-1")
    assert [(r["code"], r["path"]) for r in conflict["refusals"]] == [("CONFLICT", ["nonce"])]
    assert await gate.lets_out("T-1", nonce="n-1") == "CONFLICT", "admitting and departing share them"
    after = await rows(gatehouse)
    assert after == {**before, "request_event": before["request_event"] + 4, "scan": before["scan"] + 2}
    assert (await gate.history("T-2"))[-1] == "REFUSED CONFLICT", "every refused scan is kept"
    other = type(gate)(gatehouse, "another gate")
    assert await other.says("T-2", nonce="n-2") == "ADMITTED 1"


async def test_an_offline_scan_is_judged_by_its_moment(gatehouse: Gatehouse) -> None:
    """Clock, slot, blocks and validity; but who was let in meanwhile counts."""
    async with making(gatehouse.database) as make:
        place = await castle(make)
        item = await place.item()
        for number in ("in time", "blocked since", "ended since", "used since"):
            await place.ticket(number, item, valid_until=NOON + 90 * MINUTE)
    gate = await at_noon(gatehouse, minutes=2)
    assert await gate.says("used since") == "ADMITTED 1"
    block = 'mutation { ticketBlock(input: {externalTicketNo: "blocked since", reason: "Lost"}) { refusals { code } } }'
    assert (await gatehouse.data(block))["ticketBlock"]["refusals"] == []
    gatehouse.travel(2 * HOUR)
    then = (NOON + MINUTE).isoformat()
    assert await gate.says("in time") == "NO_LONGER_VALID"
    assert await gate.says("in time", at=then) == "ADMITTED 1"
    assert await gate.says("blocked since", at=then) == "ADMITTED 1"
    assert await gate.says("ended since", at=then) == "ADMITTED 1"
    assert await gate.says("used since", at=then) == "ENTRIES_USED_UP"
    admitted = (await gate.state("in time"))["timeline"]["nodes"][-1]
    assert admitted["at"] == "2030-05-17T12:01:00Z"
    assert admitted["recordedAt"].startswith("2030-05-17T14:02:0")


async def test_who_walked_in_is_recorded_whatever_the_rules_say(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        place = await castle(make)
        await place.ticket("good")
        await place.ticket("used")
        await place.ticket("blocked", blocked_at=NOON, valid_until=NOON - HOUR)
        await make.admission("TOWER")
    gate = await at_noon(gatehouse)
    assert await gate.says("good", alreadyAdmitted=True) == "ADMITTED 1", "nothing was against it"
    assert await gate.says("used") == "ADMITTED 1"
    recorded = await gate.admit("used", alreadyAdmitted=True, gate="North")
    assert (recorded["verdict"], recorded["admittedCount"]) == ("RECORDED", 1)
    assert [refusal["code"] for refusal in recorded["refusals"]] == ["ENTRIES_USED_UP"]
    assert await gate.counted("used") == (2, 1)
    assert await gate.says("used", alreadyAdmitted=True, admissionCode="TOWER") == "RECORDED 1 NOT_ON_TICKET"
    assert await gate.says("nobody's", alreadyAdmitted=True) == "RECORDED 1 TICKET_UNKNOWN"
    assert await gate.says("blocked", alreadyAdmitted=True) == "RECORDED 1 TICKET_BLOCKED NO_LONGER_VALID", "all of it"
    assert await gate.history("used") == ["ADMITTED 1", "ADMITTED 1", "ADMITTED 1"]
    messages = [event["message"] for event in (await gate.state("used"))["timeline"]["nodes"]]
    assert messages[1] == "1 person let in at North already, although the rules say no: ENTRIES_USED_UP."


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ({"scanned": "  "}, "scanned"),
        ({"scanned": "x" * 101}, "scanned"),
        ({"scanned": "a\x07b"}, "scanned"),
        ({"scanned": "\ufdfa" * 6}, "scanned"),
        ({"quantity": 0}, "quantity"),
        ({"quantity": -1}, "quantity"),
        ({"quantity": 1001}, "quantity"),
        ({"quantity": 2**31 - 1, "alreadyAdmitted": True}, "quantity"),
        ({"at": (NOON - 32 * DAY).isoformat()}, "at"),
        ({"at": "0001-01-01T00:00:00Z", "alreadyAdmitted": True}, "at"),
        ({"nonce": "n" * 101}, "nonce"),
        ({"gate": "a\tb"}, "gate"),
        ({"admissionCode": "x" * 200}, "admissionCode"),
        ({"at": (NOON + HOUR).isoformat()}, "at"),
        ({"scanned": "both", "quantity": 1}, "quantity"),
    ],
)
async def test_what_is_no_scan_lets_nobody_in_and_is_kept(
    gatehouse: Gatehouse, said: dict[str, Any], path: str
) -> None:
    """With why; its nonce is free for the scan as it should have been."""
    async with making(gatehouse.database) as make:
        place = await castle(make)
        both = await place.request("both")
        for number in ("T-1", "T-2"):
            await place.ticket(number, request=both)
    gate = await at_noon(gatehouse)
    payload = await gate.admit(**{"scanned": "T-1", "nonce": "n", **said})
    assert (payload["verdict"], payload["admittedCount"]) == ("REFUSED", 0)
    assert [(refusal["code"], refusal["path"]) for refusal in payload["refusals"]] == [("INVALID_INPUT", [path])]
    assert await rows(gatehouse) == {"request_event": 1, "visit": 0, "scan": 0}
    found = await gatehouse.data(REFUSED, role="SUPPORT")
    (event,) = found["requestEvents"]["nodes"]
    scanned = str(said.get("scanned", "T-1"))
    assert scanned.strip().startswith(event["scanned"])
    assert event["refusal"]["code"] == "INVALID_INPUT"
    assert payload["refusals"][0]["message"] in event["message"]
    is_known = scanned == "T-1"
    assert event["ticket"] == ({"externalTicketNo": "T-1"} if is_known else None)
    assert (event["request"] is not None) is (is_known or scanned == "both")
    assert event["at"].startswith("2030-05-17T12:00:0")


REFUSED = """{ requestEvents(where: {kinds: [REFUSED]}) { nodes {
  at scanned gate message refusal { code } ticket { externalTicketNo } request { token } } } }"""


async def test_a_scan_takes_so_many_statements_however_many_tickets(gatehouse: Gatehouse) -> None:
    """Of one ticket, and of a token with thirty: as many but for finding them, and the clock, which the one brings."""
    async with making(gatehouse.database) as make:
        place = await castle(make, control="ADMITTED", capacity=100)
        item = await place.item()
        await place.ticket("one", item)
        many = await place.request("many")
        for number in range(30):
            await place.ticket(f"T-{number}", item, request=many)
    await at_noon(gatehouse)
    document = "mutation ($input: TicketAdmitInput!) { ticketAdmit(input: $input) { verdict } }"
    statements = {}
    for scanned in ("one", "many"):
        await gatehouse.data(document, {"input": {"scanned": scanned}}, role="GATE", client="gate")
        statements[scanned] = len([one for one in gatehouse.statements if not one.startswith("BEGIN")])
    assert statements["many"] - statements["one"] == 3, gatehouse.statements
    assert statements["one"] <= 14


async def test_a_pos_and_staff_let_in_too_and_a_store_does_not(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        place: Castle = await castle(make)
        item = await place.item(entry_validation="MULTIPLE")
        await place.ticket("T-1", item)
    await at_noon(gatehouse)
    document = 'mutation { ticketAdmit(input: {scanned: "T-1"}) { verdict } }'
    for role in ("ADMIN", "SUPPORT", "POS", "GATE"):
        assert (await gatehouse.data(document, role=role)) == {"ticketAdmit": {"verdict": "ADMITTED"}}
    refused = await gatehouse.ask(document, role="WEB_STORE", client="shop")
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
