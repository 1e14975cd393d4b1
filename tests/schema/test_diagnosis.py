"""Diagnosis: what is in the way of a request's tickets, in the gate's own order; and for whom, and when."""

import random
from datetime import timedelta
from typing import Any

import pytest

import db
from db.timeline import RequestEventKind
from schema.node import global_id
from tests.gate import Castle, at_noon, castle
from tests.harness import Gatehouse
from tests.make import NOON, Make, making
from tests.park import Park

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

DIAGNOSIS = """query ($tokens: [ID!]!, $at: DateTime) { nodes(ids: $tokens) { ... on TicketRequest {
  token diagnosis(at: $at) { code message advice isInTheWay ticketCount admission { code } slot { id }
    ticket { externalTicketNo } ticketRequest { token } passesFrom passesUntil } } } }"""

EXPLAINED = """query ($ids: [ID!]!) { nodes(ids: $ids) { ... on TicketRequest {
  diagnosis { code isInTheWay admission { code } }
  tickets(first: 3) { nodes { isRevoked
    castle: explainAdmission(admissionCode: "CASTLE") { checks { check isPassed refusal { code } } }
    cellar: explainAdmission(admissionCode: "CELLAR") { checks { check isPassed refusal { code } } } } } } } }"""

RANDOM_REQUESTS = 40


async def findings(gatehouse: Gatehouse, *request_ids: int, at: Any = None, **asked: Any) -> list[list[dict[str, Any]]]:
    """The findings of each request."""
    variables = {"tokens": [global_id("TicketRequest", one) for one in request_ids], "at": at and at.isoformat()}
    found = await gatehouse.data(DIAGNOSIS, variables, **{"role": "SUPPORT", **asked})
    return [node and node["diagnosis"] for node in found["nodes"]]


async def only(gatehouse: Gatehouse, request_id: int, **asked: Any) -> dict[str, Any]:
    """The one finding of a request."""
    ((finding,),) = await findings(gatehouse, request_id, **asked)
    return finding


def codes(found: list[dict[str, Any]]) -> list[str]:
    return [one["code"] for one in found]


async def test_nothing_is_in_the_way_of_a_good_ticket(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        ticket = await (await castle(make)).ticket("T-1")
    await at_noon(gatehouse)
    assert await findings(gatehouse, ticket.line.request.id) == [[]]


async def test_what_concerns_several_tickets_is_told_once(gatehouse: Gatehouse) -> None:
    """With how many, and one of them; the first thing to mend comes first."""
    async with making(gatehouse.database) as make:
        place = await castle(make)
        request = await place.request(payment_option="UNPAID", total_minor=3000)
        await place.ticket("T-1", request=request, blocked_at=NOON, blocked_reason="Stolen")
        line = await make.line(request, await place.item(), 2, slots={place.admission: place.slot}, line_no=2)
        for number in ("T-2", "T-3"):
            await make.ticket(line, number, issued_at=NOON - DAY)
    await at_noon(gatehouse, hours=2)
    (found,) = await findings(gatehouse, request.id)
    assert [(one["code"], one["ticketCount"], one["ticket"]["externalTicketNo"]) for one in found] == [
        ("TICKET_BLOCKED", 1, "T-1"),
        ("UNPAID", 3, "T-1"),
        ("TOO_LATE", 3, "T-1"),
    ]
    assert [one["message"] for one in found] == [
        "One of the 3 tickets is blocked: Stolen (since 2030-05-17 12:00).",
        "All 3 tickets are not paid yet; 30.00 EUR are due.",
        "The castle: Guests of that time slot were let in until 2030-05-17 13:00.",
    ]
    assert [one["admission"] for one in found] == [None, None, {"code": "CASTLE"}]
    assert all(one["isInTheWay"] and one["advice"].endswith(".") for one in found)


async def some_request(make: Make, place: Castle, cellar: int, chance: random.Random) -> int:
    """A confirmed request of tickets in any state."""
    request = await place.request(payment_option=chance.choice(["PREPAID", "PREPAID", "UNPAID"]))
    rules = {"entry_validation": chance.choice(["SINGLE", "SAME_DAY", "MULTIPLE"]), "max_entries": 2}
    item = await make.item(None, *chance.choice([[place.admission], [place.admission, cellar]]), contents=rules)
    slots = {place.admission: place.slot} if chance.random() < 0.8 else {}
    quantity = chance.randint(1, 3)
    line = await make.line(request, item, quantity, slots=slots)
    for _ in range(quantity):
        columns: dict[str, Any] = {"issued_at": NOON - DAY}
        if chance.random() < 0.2:
            columns["valid_until"] = NOON - HOUR
        if chance.random() < 0.2:
            columns["blocked_at"] = NOON - HOUR
        if chance.random() < 0.2:
            columns["revoked_at"] = NOON - HOUR
        ticket = await make.ticket(line, **columns)
        if chance.random() < 0.3:
            await make.visit(ticket, place.admission, NOON - HOUR, people=chance.randint(1, 2))
        if chance.random() < 0.1:
            entry = ticket.access_entries[place.admission]
            await make.change(db.ticket.access_entry, entry, blocked_at=NOON - HOUR)
    return request.id


@pytest.mark.parametrize("hours", [0, 3])
async def test_it_says_what_the_gate_says_of_each_ticket(gatehouse: Gatehouse, hours: int) -> None:
    """All that any ticket would be refused for at any of its admissions, and nothing else."""
    chance = random.Random(hours)
    async with making(gatehouse.database) as make:
        place = await castle(make)
        cellar = await make.admission("CELLAR", prebook_required=chance.random() < 0.5)
        ids = [await some_request(make, place, cellar, chance) for _ in range(RANDOM_REQUESTS)]
    await at_noon(gatehouse, hours=hours)
    found = await gatehouse.data(EXPLAINED, {"ids": [global_id("TicketRequest", id_) for id_ in ids]}, role="SUPPORT")
    met = set()
    for node in found["nodes"]:
        refused = set()
        for ticket in node["tickets"]["nodes"]:
            for code in ("CASTLE", "CELLAR"):
                checks = {one["check"]: one["refusal"] for one in ticket[code.lower()]["checks"] if not one["isPassed"]}
                if "ON_TICKET" in checks:
                    continue
                if ticket["isRevoked"]:
                    checks = {"NOT_REVOKED": checks["NOT_REVOKED"]}
                if "OPEN" in checks:
                    checks.pop("IN_ARRIVAL_WINDOW", None)
                refused |= {refusal["code"] for refusal in checks.values()}
        assert {one["code"] for one in node["diagnosis"] if one["isInTheWay"]} == refused
        met |= refused
    assert len(met) >= 6, met


async def test_fifty_requests_take_as_many_statements_as_one(gatehouse: Gatehouse) -> None:
    chance = random.Random(1)
    async with making(gatehouse.database) as make:
        place = await castle(make, control="ADMITTED")
        free = await make.admission("CELLAR")
        await make.slot(free)
        ids = [await some_request(make, place, free, chance) for _ in range(40)]
        hold: dict[str, Any] = {"status": "REGISTERED", "expires_at": NOON - HOUR, "created_at": NOON - 2 * HOUR}
        for number in range(10):
            request = await place.request(external_order_no=f"W-{number}", **hold)
            slots = {place.admission: place.slot}
            await make.line(request, await place.item(), slots=slots, dictated_nos=[f"D-{number}"])
            ids.append(request.id)
    await at_noon(gatehouse)
    taken = set()
    for some in (ids[:2] + ids[-1:], ids):
        await findings(gatehouse, *some)
        taken.add(len(gatehouse.statements))
    assert max(taken) <= 35
    assert max(taken) - min(taken) <= 3, "what only some requests have is read with the others"


async def test_a_request_that_was_not_paid_in_time_may_be_revived_or_not(gatehouse: Gatehouse) -> None:
    """The same that extending it would say."""
    async with making(gatehouse.database) as make:
        place = await castle(make, control="SALES", capacity=2)
        hold: dict[str, Any] = {"status": "REGISTERED", "expires_at": NOON - HOUR, "created_at": NOON - 2 * HOUR}
        slots = {place.admission: place.slot}
        item = await place.item()
        small, large = await place.request("small", **hold), await place.request("large", **hold)
        await make.line(small, item, 1, slots=slots)
        await make.line(large, item, 3, slots=slots)
    await at_noon(gatehouse)
    (revivable,), gone = await findings(gatehouse, small.id, large.id)
    assert revivable["code"] == "HOLD_EXPIRED"
    assert revivable["message"].endswith("its places were let go at 2030-05-17 11:00.")
    assert revivable["advice"].startswith("The places are still free: extend the request")
    assert codes(gone) == ["HOLD_EXPIRED", "SOLD_OUT"]
    assert gone[0]["advice"].startswith("It cannot be revived, as is told below")
    assert gone[1]["message"] == "The castle: 2 places are left at that time."
    park = Park(gatehouse)
    assert [one["code"] for one in (await park.change("Extend", "large", role="POS"))["refusals"]] == ["SOLD_OUT"]
    assert (await park.change("Extend", "small", role="POS"))["refusals"] == []


async def test_the_other_request_of_an_order_is_named(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        place = await castle(make)
        ended: dict[str, dict[str, Any]] = {
            "expired": {"status": "EXPIRED", "expires_at": NOON - DAY},
            "canceled": {"status": "CANCELED"},
        }
        old = [await place.request(name, external_order_no="W-1", **columns) for name, columns in ended.items()]
        new = await place.request("new", external_order_no="W-1")
        await place.ticket("T-1", request=new)
        owned = {"client_id": place.shop, "key": "w-1", "request_id": new.id}
        await make.write.run(db.ticket_request.order_key.insert().values(owned))
    await at_noon(gatehouse)
    for found, code in zip(await findings(gatehouse, *(one.id for one in old)), ENDED, strict=True):
        assert codes(found) == [code, "DUPLICATE_ORDER"]
        assert found[1]["ticketRequest"] == {"token": "new"}
        assert found[1]["message"] == "The order W-1 has another request by now, new, which is CONFIRMED."
        assert {one["advice"] for one in found} == {
            "Leave this one alone and open new: the tickets of that order are there."
        }
    assert await findings(gatehouse, new.id) == [[]]


ENDED = ("HOLD_EXPIRED", "ALREADY_CANCELED")


async def test_a_moved_slot_is_none_of_the_guests_fault(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        place = await castle(make)
        ticket = await place.ticket("T-1")
        facts = {
            "before": {"starts_at": "2030-05-17T16:00:00+00:00"},
            "after": {"starts_at": "2030-05-17T12:00:00+00:00"},
        }
        moved: dict[str, Any] = {"request": ticket.line.request, "slot_id": place.slot, "facts": facts}
        await make.event(RequestEventKind.SLOT_CHANGED, **moved)
    await at_noon(gatehouse, hours=4)
    finding = await only(gatehouse, ticket.line.request.id)
    assert finding["code"] == "TOO_LATE"
    assert "; the time slot was moved from 2030-05-17 16:00 to 2030-05-17 12:00 after the sale." in finding["message"]
    assert finding["advice"] == "Reschedule the ticket to a later time slot that has room."


async def test_a_moment_in_the_past_is_told_from_what_was_true_then(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        place = await castle(make)
        ticket = await place.ticket("T-1", blocked_at=NOON + 2 * HOUR, blocked_reason="Lost")
        block: dict[str, Any] = {"at": NOON + 2 * HOUR, "facts": {"reason": "Lost"}}
        await make.event(RequestEventKind.BLOCKED, ticket=ticket, **block)
    await at_noon(gatehouse, hours=3)
    request_id = ticket.line.request.id
    (now,) = await findings(gatehouse, request_id)
    assert codes(now) == ["TICKET_BLOCKED", "TOO_LATE"]
    assert await findings(gatehouse, request_id, at=NOON + HOUR / 2) == [[]]
    (before,) = await findings(gatehouse, request_id, at=NOON - 3 * DAY)
    assert codes(before) == ["TICKET_UNKNOWN"]
    for hostile in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        body = await gatehouse.ask(DIAGNOSIS, {"tokens": [global_id("TicketRequest", request_id)], "at": hostile})
        assert [error["extensions"]["code"] for error in body["errors"]] == ["BAD_USER_INPUT"]


async def test_each_is_told_of_what_it_may_see(gatehouse: Gatehouse) -> None:
    """A store of its own requests, a gate of the tickets that it named; only who may unblock is told to."""
    async with making(gatehouse.database) as make:
        place = await castle(make)
        request = await place.request(external_order_no="W-1")
        await place.ticket("T-1", request=request, blocked_at=NOON)
        line = await make.line(request, await place.item(), 1, slots={place.admission: place.slot}, line_no=2)
        await make.ticket(line, "T-2", issued_at=NOON - DAY, revoked_at=NOON)
    await at_noon(gatehouse)
    own = await findings(gatehouse, request.id, role="WEB_STORE", client="shop")
    assert [codes(found) for found in own] == [["TICKET_REVOKED", "TICKET_BLOCKED"]]
    assert own[0][1]["advice"].startswith("Only support may unblock it")
    assert await findings(gatehouse, request.id, role="WEB_STORE", client="another") == [None]
    named = '{ issuedTicket(by: {externalTicketNo: "T-1"}) { request { diagnosis { code message } } } }'
    found = await gatehouse.data(named, role="GATE")
    assert found["issuedTicket"]["request"]["diagnosis"] == [
        {"code": "TICKET_BLOCKED", "message": "The ticket is blocked (since 2030-05-17 12:00)."}
    ]


async def test_what_could_be_done_then_is_not_told_of_a_moment_in_the_past(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        place = await castle(make)
        hold: dict[str, Any] = {"status": "REGISTERED", "expires_at": NOON - HOUR, "created_at": NOON - 2 * HOUR}
        request = await place.request("late", **hold)
        await make.line(request, await place.item(), slots={place.admission: place.slot})
    await at_noon(gatehouse)
    held = await only(gatehouse, request.id, at=NOON - HOUR - HOUR / 2)
    assert (held["code"], held["ticketCount"], held["ticket"]) == ("NOT_CONFIRMED", 0, None)
    ended = await only(gatehouse, request.id, at=NOON - HOUR / 2)
    assert ended["code"] == "HOLD_EXPIRED"
    assert ended["advice"] == "Ask about now whether the places can still be had back."


async def test_a_ticket_that_was_moved_since_is_told_of_in_its_old_slot(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        place = await castle(make)
        item = await place.item(reschedule_policy="UNTIL_USED")
        ticket = await place.ticket("T-1", item)
        later = await make.slot(place.admission, NOON + 5 * HOUR)
    await at_noon(gatehouse, hours=3)
    move = {"admissionCode": "CASTLE", "slotId": global_id("TimeSlot", later)}
    assert (await Park(gatehouse).change_ticket("Reschedule", "T-1", **move))["refusals"] == []
    then = await only(gatehouse, ticket.line.request.id, at=NOON + 2 * HOUR)
    assert (then["code"], then["slot"]) == ("TOO_LATE", {"id": global_id("TimeSlot", place.slot)})
    now = await only(gatehouse, ticket.line.request.id)
    assert (now["code"], now["slot"]) == ("TOO_EARLY", {"id": move["slotId"]})
