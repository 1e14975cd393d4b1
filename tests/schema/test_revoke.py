"""Giving tickets back: what is paid back, which places are free again, and what stays to be found."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.changes import REVOKE, REVOKE_ALL, edit_slot, let_in
from tests.concurrency import books
from tests.harness import Gatehouse
from tests.kept import kept
from tests.park import Park, Sellable, codes

Payload = dict[str, Any]

TOLD = "timeline { nodes { kind message quantity } }"


@pytest.fixture
async def park(gatehouse: Gatehouse) -> AsyncIterator[Park]:
    """Whatever happens in it must add up at the end."""
    yield Park(gatehouse)
    assert await books.broken(gatehouse.database) == {}


@pytest.fixture
async def tour(park: Park) -> Sellable:
    """Ten places; a ticket costs 12.50, and is given back until it is used."""
    return await park.sellable()


async def revoke(park: Park, number: str, **other: Any) -> Payload:
    return await park.change_ticket("Revoke", number, selection=REVOKE, **other)


async def revoke_all(park: Park, token: str, **other: Any) -> Payload:
    return await park.change("Revoke", token, **{"role": "SUPPORT", "selection": REVOKE_ALL, **other})


def refund(payload: Payload) -> str | None:
    assert payload["refund"] is None or payload["refund"]["currency"] == "EUR"
    return payload["refund"] and str(payload["refund"]["amount"])


async def told(park: Park, number: str) -> list[str]:
    """The messages of what happened to a ticket after it was issued."""
    return [event["message"] for event in (await park.ticket(number, TOLD))["timeline"]["nodes"][1:]]


async def group(park: Park, tour: Sellable, people: int = 5, **content: Any) -> tuple[str, str]:
    """The token and the ticket of a group that is to come to the tour; 10.00 a head."""
    made = {"code": "GROUP", "description": "Group", "kind": "GROUP", "externalTicketPattern": "G[S]"}
    upsert = "mutation($input: TicketTypeUpsertInput!) { ticketTypeUpsert(input: $input) { refusals { code } } }"
    await park.gatehouse.data(upsert, {"input": made})
    contents = [{"admissionCode": tour.admission_code, **content}]
    item = await park.item("PARTY", contents, ticketTypeCode="GROUP")
    token, (number,) = await park.sold({**tour.line(people), "itemNo": item})
    return token, number


# ----------------------------------------------------------------------------------------- one after the other


async def test_a_ticket_is_given_back_and_the_last_one_cancels_the_request(park: Park, tour: Sellable) -> None:
    """Revoking again answers the same and changes nothing, whether the request goes on or not."""
    token, (one, other) = await park.sold(tour.line(2))
    payload = await revoke(park, one, reason=" Ill. ")
    assert payload == {
        "ticket": {"externalTicketNo": one, "isRevoked": True},
        "refund": {"amount": "12.50", "currency": "EUR"},
        "refusals": [],
    }
    assert await park.slot(tour.slot) == {"held": 0, "sold": 1, "remaining": 9}
    assert (await park.request(token, "status"))["status"] == "CONFIRMED"
    assert await told(park, one) == ["Revoked, with a refund of 12.50 EUR: Ill."]
    assert await told(park, other) == []
    before = await kept(park.gatehouse)
    assert await revoke(park, one.lower(), reason="Ill again.") == payload
    assert await kept(park.gatehouse) == before

    last = await revoke(park, other)
    assert refund(last) == "12.50"
    request = await park.request(token, f"status statusChangedAt tickets {{ nodes {{ isRevoked revokedAt }} }} {TOLD}")
    assert request["status"] == "CANCELED"
    assert [ticket["isRevoked"] for ticket in request["tickets"]["nodes"]] == [True, True]
    assert request["tickets"]["nodes"][1]["revokedAt"] == request["statusChangedAt"]
    assert [event["kind"] for event in request["timeline"]["nodes"][-2:]] == ["REVOKED", "CANCELED"]
    assert await park.slot(tour.slot) == {"held": 0, "sold": 0, "remaining": 10}
    before = await kept(park.gatehouse)
    assert await revoke(park, other) == last
    assert refund(await revoke_all(park, token)) == "12.50"  # what the last of them was paid back
    assert await kept(park.gatehouse) == before


async def test_all_tickets_of_a_request_are_given_back_at_once(park: Park, tour: Sellable) -> None:
    """Those that were given back before are not paid twice."""
    other = tour.slots[sorted(tour.slots)[5]]
    token, numbers = await park.sold(tour.line(3), tour.line(2, other), externalOrderNo="W-1")
    await revoke(park, numbers[0])
    payload = await revoke_all(park, token, reason="Storm.")
    assert payload["ticketRequest"] == {"token": token, "status": "CANCELED"}
    assert refund(payload) == "50.00"
    for slot in (tour.slot, other):
        assert await park.slot(slot) == {"held": 0, "sold": 0, "remaining": 10}
    events = (await park.request(token, "timeline(last: 5) { nodes { kind message } }"))["timeline"]["nodes"]
    assert [event["message"] for event in events] == ["Revoked, with a refund of 12.50 EUR: Storm."] * 4 + [
        "Canceled: Storm."
    ]
    before = await kept(park.gatehouse)
    assert await revoke_all(park, token) == payload
    assert await kept(park.gatehouse) == before
    assert codes(await park.create(tour.line(), externalOrderNo="W-1")) == []  # a canceled request is no obstacle
    assert await park.ticket(numbers[0], "isRevoked accessEntries { slot { id } }") == {
        "isRevoked": True, "accessEntries": [{"slot": {"id": tour.slot}}],
    }  # fmt: skip


async def test_what_was_not_paid_is_not_paid_back(park: Park, tour: Sellable) -> None:
    token = await park.registered(tour.line(2))
    await park.change("Confirm", token, paymentOption="UNPAID")
    assert refund(await revoke_all(park, token, dryRun=True)) == "0.00"
    await park.change("Pay", token, paymentOption="PREPAID", paymentReference="P-1")
    assert refund(await revoke_all(park, token, dryRun=True)) == "25.00"
    token = await park.registered(tour.line(1), holder={"customerNo": "C-1"})
    await park.change("Confirm", token, paymentOption="POSTPAID")
    number = (await park.request(token, "tickets { nodes { externalTicketNo } }"))["tickets"]["nodes"][0]
    assert refund(await revoke(park, number["externalTicketNo"])) == "0.00"
    assert await told(park, number["externalTicketNo"]) == ["Revoked, with no refund."]


# ------------------------------------------------------------------------------------------------- groups


@pytest.mark.parametrize("control", ["SALES", "ADMITTED", "ADMITTED_AND_DEPARTED"])
async def test_a_part_used_group_is_revoked_whole_and_those_who_came_keep_counting(park: Park, control: str) -> None:
    """Three of five came and one has left: the money of two is paid back, and only what nobody needs is free."""
    tour = await park.sellable(control=control, capacity=10)
    token, number = await group(park, tour, quantity=2)
    await let_in(park.gatehouse, number, 3, inside=2)
    payload = await revoke(park, number)
    assert refund(payload) == "20.00"
    assert (await park.request(token, "status"))["status"] == "CANCELED"
    counted = {"SALES": 6, "ADMITTED": 6, "ADMITTED_AND_DEPARTED": 4}[control]
    slot = await park.slot(tour.slot, "held sold admitted inside remaining ledger { total }")
    assert slot == {
        "held": 0, "sold": 6, "admitted": 6, "inside": 4, "remaining": 10 - counted, "ledger": {"total": counted},
    }  # fmt: skip
    assert await revoke(park, number) == payload


async def test_a_group_that_came_whole_is_not_given_back(park: Park, tour: Sellable) -> None:
    _, number = await group(park, tour)
    await let_in(park.gatehouse, number, 5)
    (refusal,) = (await revoke(park, number))["refusals"]
    assert (refusal["code"], refusal["limit"], refusal["actual"]) == ("REVOKE_NOT_ALLOWED", 0, 5)


async def test_always_is_always_but_what_was_used_is_not_paid_back(park: Park, tour: Sellable) -> None:
    _, number = await group(park, tour, revokePolicy="ALWAYS", refundPercent="80")
    await let_in(park.gatehouse, number, 5)
    assert refund(await revoke(park, number)) == "0.00"
    assert (await park.slot(tour.slot))["sold"] == 5


# ----------------------------------------------------------------------------------------- several admissions


async def both(park: Park, tour: Sellable, one: dict[str, Any], other: dict[str, Any]) -> str:
    """A ticket for the tour and the castle, sold under these rules for 10.00."""
    castle = await park.sellable("CASTLE")
    contents = [{"admissionCode": "TOUR", "isDefault": True, **one}, {"admissionCode": "CASTLE", **other}]
    item = await park.item("BOTH", contents)
    admissions = tour.line()["admissions"] + castle.line()["admissions"]
    _, (number,) = await park.sold({"itemNo": item, "quantity": 1, "admissions": admissions})
    return number


async def test_every_admission_pays_back_its_part(park: Park, tour: Sellable) -> None:
    number = await both(park, tour, {"refundPercent": "100"}, {"refundPercent": "33.33"})
    assert refund(await revoke(park, number)) == "6.67"


async def test_one_admission_that_refuses_refuses_all(park: Park, tour: Sellable) -> None:
    """Every one that refuses says so; and nothing is changed."""
    number = await both(park, tour, {"revokePolicy": "NEVER"}, {})
    await let_in(park.gatehouse, number, code="CASTLE")
    before = await kept(park.gatehouse)
    payload = await revoke(park, number)
    assert [(r["code"], r["admission"]["code"], r["path"]) for r in payload["refusals"]] == [
        ("REVOKE_NOT_ALLOWED", "TOUR", ["externalTicketNo"]),
        ("REVOKE_NOT_ALLOWED", "CASTLE", ["externalTicketNo"]),
    ]
    assert payload["ticket"] == {"externalTicketNo": number, "isRevoked": False}
    assert payload["refund"] is None
    assert await kept(park.gatehouse) == before


async def test_of_a_request_all_or_none_are_given_back(park: Park, tour: Sellable) -> None:
    """Each refusal names its ticket."""
    token, numbers = await park.sold(tour.line(3))
    await let_in(park.gatehouse, numbers[1])
    before = await kept(park.gatehouse)
    payload = await revoke_all(park, token)
    assert [(r["code"], r["ticket"]["externalTicketNo"], r["path"]) for r in payload["refusals"]] == [
        ("REVOKE_NOT_ALLOWED", numbers[1], ["token"])
    ]
    assert payload["ticketRequest"]["status"] == "CONFIRMED"
    assert await kept(park.gatehouse) == before
    await revoke(park, numbers[0])
    assert codes(await revoke_all(park, token)) == ["REVOKE_NOT_ALLOWED"]


# ------------------------------------------------------------------------------------------ slots that changed


async def test_staff_refunds_whatever_the_policy_when_the_slot_was_changed(park: Park, tour: Sellable) -> None:
    """Closed or canceled, or moved and told of; the customer's side goes on by the rules."""
    item = await park.item("NEVER", [{"admissionCode": "TOUR", "revokePolicy": "NEVER"}])
    token, numbers = await park.sold({**tour.line(3), "itemNo": item})
    code = (await park.request(token, "authorizationCode"))["authorizationCode"]
    assert codes(await revoke(park, numbers[0])) == ["REVOKE_NOT_ALLOWED"]
    for state, number in zip(("CLOSED", "OPEN", "OPEN"), numbers, strict=True):
        await edit_slot(park.gatehouse, tour.slot, state=state)
        assert codes(await revoke(park, number, role="WEB_STORE", authorizationCode=code)) == ["REVOKE_NOT_ALLOWED"]
        assert refund(await revoke(park, number, role="POS")) == "10.00"


async def test_a_calendar_that_closes_the_day_counts_as_a_change(park: Park, tour: Sellable) -> None:
    await park.gatehouse.data(
        "mutation($input: CalendarUpsertInput!) { calendarUpsert(input: $input) { refusals { code } } }",
        {"input": {"code": "C", "description": "C"}},
    )
    contents = [{"admissionCode": "TOUR", "revokePolicy": "NEVER", "ticketCalendarCode": "C"}]
    item = await park.item("NEVER", contents)
    _, (number,) = await park.sold({**tour.line(1), "itemNo": item})
    assert codes(await revoke(park, number)) == ["REVOKE_NOT_ALLOWED"]
    day = next(date for date, slot in tour.slots.items() if slot == tour.slot)
    lines = [{"on": {"date": day.isoformat()}, "text": "The guide marries."}]
    await park.gatehouse.data(
        "mutation($input: CalendarUpsertInput!) { calendarUpsert(input: $input) { refusals { code } } }",
        {"input": {"code": "C", "lines": lines}},
    )
    assert codes(await revoke(park, number)) == []


# ------------------------------------------------------------------------------------------------- refusals

Case = Callable[[Park, Sellable], Awaitable[tuple[str, dict[str, Any]]]]


async def nobody_s(_park: Park, _tour: Sellable) -> tuple[str, dict[str, Any]]:
    return "NOBODY'S", {}


async def too_long_a_reason(park: Park, tour: Sellable) -> tuple[str, dict[str, Any]]:
    token, _ = await park.sold(tour.line())
    return token, {"reason": "x" * 1001}


async def registered(park: Park, tour: Sellable) -> tuple[str, dict[str, Any]]:
    return await park.registered(tour.line()), {}


async def expired(park: Park, tour: Sellable) -> tuple[str, dict[str, Any]]:
    token = await park.registered(tour.line())
    park.gatehouse.travel(timedelta(seconds=1500))
    return token, {}


async def given_up(park: Park, tour: Sellable) -> tuple[str, dict[str, Any]]:
    token = await park.registered(tour.line())
    await park.change("Cancel", token)
    return token, {}


REFUSED: list[tuple[str, Case]] = [
    ("NOT_FOUND", nobody_s),
    ("INVALID_INPUT", too_long_a_reason),
    ("NOT_CONFIRMED", registered),
    ("HOLD_EXPIRED", expired),
    ("ALREADY_CANCELED", given_up),
]


@pytest.mark.parametrize(("code", "case"), REFUSED)
async def test_a_request_that_has_nothing_to_give_back_is_refused(
    park: Park, tour: Sellable, code: str, case: Case
) -> None:
    """And nothing is changed, but that whoever meets an expiry writes it down; a dry run does not even do that."""
    token, said = await case(park, tour)
    before = await kept(park.gatehouse)
    dry = await revoke_all(park, token, dryRun=True, **said)
    assert await kept(park.gatehouse) == before
    payload = await revoke_all(park, token, **said)
    assert codes(payload) == codes(dry) == [code]
    assert payload["refund"] is None
    after = await kept(park.gatehouse)
    changed = {"ticket_request", "request_event"} if code == "HOLD_EXPIRED" else set()
    assert {name for name in before if before[name] != after[name]} == changed


async def test_a_ticket_that_cannot_be_named_is_refused(park: Park, tour: Sellable) -> None:
    before = await kept(park.gatehouse)
    payload = await revoke(park, "NOBODY'S", reason="x\x07")
    assert sorted(codes(payload)) == ["INVALID_INPUT", "NOT_FOUND"]
    assert payload["ticket"] is None
    assert codes(await revoke(park, "x" * 101)) == ["INVALID_INPUT"]
    assert codes(await revoke(park, " ", role="WEB_STORE", authorizationCode="1")) == ["INVALID_INPUT"]
    assert await kept(park.gatehouse) == before


# ------------------------------------------------------------------------------------------------- how many


async def test_many_tickets_cost_as_many_statements_as_one(park: Park, tour: Sellable) -> None:
    needed = set()
    for number in (1, 8):
        token, _ = await park.sold(tour.line(number))
        await revoke_all(park, token, dryRun=True)
        dry = len(park.gatehouse.statements)
        await revoke_all(park, token)
        needed.add((dry, len(park.gatehouse.statements)))
    assert len(needed) == 1


async def test_one_ticket_that_is_revoked_many_times_at_once_is_revoked_once(park: Park, tour: Sellable) -> None:
    _, (number, _) = await park.sold(tour.line(2))
    await park.gatehouse.key("SUPPORT")
    payloads = await asyncio.gather(*(revoke(park, number) for _ in range(6)))
    assert all(payload == payloads[0] for payload in payloads)
    assert refund(payloads[0]) == "12.50"
    assert (await park.slot(tour.slot))["sold"] == 1
    assert len(await told(park, number)) == 1
