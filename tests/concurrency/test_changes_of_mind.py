"""Changing one's mind at the same time: wrong codes, last places, last tickets; and what happens without the guards."""

import asyncio
import random
from typing import Any

import pytest

import db
from db.engine import Read, Write
from db.ticket_request import BEFORE_TIME, TicketRequestRow
from db.time_slot import TimeSlotRow
from tests.changes import MOVE, MOVE_ALL, REVOKE, REVOKE_ALL
from tests.harness import Gatehouse
from tests.park import Park, Sellable, codes

from . import books
from .test_places import watched

pytestmark = pytest.mark.prove

AT_ONCE = 8
"""Of a control: no more than the pool has connections."""

on_postgresql = pytest.mark.parametrize("template", ["postgresql"], indirect=True)


async def move(park: Park, number: str, to: str, **other: Any) -> dict[str, Any]:
    asked = {"selection": MOVE, "admissionCode": "TOUR", "slotId": to, **other}
    return await park.change_ticket("Reschedule", number, **asked)


async def revoke(park: Park, number: str, **other: Any) -> dict[str, Any]:
    return await park.change_ticket("Revoke", number, selection=REVOKE, **other)


def slot(tour: Sellable, number: int) -> str:
    return tour.slots[sorted(tour.slots)[number]]


async def keys(park: Park) -> None:
    """Make the keys before many ask for them at once."""
    for role in ("SUPPORT", "WEB_STORE", "ADMIN"):
        await park.gatehouse.key(role)


async def events(park: Park, kind: str) -> int:
    return await books.count(park.gatehouse.database, "request_event", f"kind = '{kind}'")


# ------------------------------------------------------------------------------------------------ wrong codes


@on_postgresql
async def test_without_the_lock_more_than_five_codes_are_tried(
    gatehouse: Gatehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: all count before any is recorded, and each is compared."""
    counted = asyncio.Barrier(AT_ONCE)
    after = db.code_attempt.after

    async def unlocked(*_asked: Any) -> None:
        pass

    async def counted_by_all(*asked: Any) -> Any:
        found = await after(*asked)
        await counted.wait()
        return found

    monkeypatch.setattr(db.code_attempt, "lock", unlocked)
    monkeypatch.setattr(db.code_attempt, "after", counted_by_all)
    park = Park(gatehouse)
    await keys(park)
    wrong = (revoke(park, "T-1", role="WEB_STORE", authorizationCode=f"{n}") for n in range(AT_ONCE))
    await asyncio.gather(*wrong)
    assert await books.count(gatehouse.database, "code_attempt") == AT_ONCE


async def test_of_wrong_codes_at_the_same_time_five_are_tried(servers: Park) -> None:
    """Over two processes; and the right one, sent among the last, is not taken any more. For a token the same."""
    tour = await servers.sellable()
    token, (number,) = await servers.sold(tour.line())
    await keys(servers)

    async def guess(name: str, code: str) -> list[str]:
        said: dict[str, Any] = {"role": "WEB_STORE", "authorizationCode": code}
        if name == token:
            return codes(await servers.change("Revoke", name, selection=REVOKE_ALL, **said))
        return codes(await revoke(servers, name, **said))

    for name in (number, token, "NOBODY'S"):
        answers = await asyncio.gather(*(guess(name, f"{n}") for n in range(40)))
        assert answers == [["WRONG_AUTHORIZATION_CODE"]] * 40
        recorded = await books.count(servers.gatehouse.database, "code_attempt")
        assert recorded % 5 == 0
        code = (await servers.request(token, "authorizationCode"))["authorizationCode"]
        assert await guess(name, code) == ["WRONG_AUTHORIZATION_CODE"]
    assert recorded == 15


# --------------------------------------------------------------------------------------- revoke against revoke


@on_postgresql
async def test_without_the_lock_of_their_request_the_last_two_tickets_leave_it_confirmed(
    gatehouse: Gatehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: each sees that the other ticket is still in force."""
    both = asyncio.Barrier(2)
    is_all_revoked = db.ticket.is_all_revoked

    async def unlocked(write: Write, request_id: int) -> TicketRequestRow | None:
        return await db.ticket_request.by_id(write, request_id, BEFORE_TIME)

    async def seen_by_both(read: Read, request_id: int) -> bool:
        found = await is_all_revoked(read, request_id)
        await both.wait()
        return found

    park = Park(gatehouse)
    tour, castle = await park.sellable(), await park.sellable("CASTLE")
    token, numbers = await park.sold(tour.line(), castle.line())  # no slot in common, whose lock would do
    await keys(park)
    monkeypatch.setattr(db.ticket_request, "lock_by_id", unlocked)
    monkeypatch.setattr(db.ticket, "is_all_revoked", seen_by_both)
    assert [codes(one) for one in await asyncio.gather(*(revoke(park, number) for number in numbers))] == [[], []]
    assert (await park.request(token, "status"))["status"] == "CONFIRMED"
    assert await events(park, "CANCELED") == 0


async def _not_locked(write: Write, ids: list[int]) -> dict[int, TimeSlotRow]:
    return await db.time_slot.by_ids(write, ids)


async def test_every_ticket_is_given_back_once_and_its_request_canceled_once(servers: Park) -> None:
    """Each ticket twice, and the request as well, all at once."""
    tour = await servers.sellable(capacity=20)
    token, numbers = await servers.sold(tour.line(12))
    await keys(servers)
    asked = [revoke(servers, number) for number in numbers * 2]
    asked += [servers.change("Revoke", token, role="SUPPORT", selection=REVOKE_ALL) for _ in range(2)]
    random.Random(7).shuffle(asked)
    assert [codes(payload) for payload in await asyncio.gather(*asked)] == [[]] * 26
    assert (await servers.request(token, "status"))["status"] == "CANCELED"
    assert await servers.slot(tour.slot) == {"held": 0, "sold": 0, "remaining": 20}
    assert (await events(servers, "REVOKED"), await events(servers, "CANCELED")) == (12, 1)


# -------------------------------------------------------------------------------- reschedule against reschedule


@on_postgresql
async def test_without_the_lock_of_the_slots_the_last_place_is_moved_into_more_than_once(
    gatehouse: Gatehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: all count the places of the target before any has taken one."""
    park = Park(gatehouse)
    tour = await park.sellable(capacity=AT_ONCE, reschedulePolicy="UNTIL_USED")
    numbers = [(await park.sold(tour.line()))[1][0] for _ in range(AT_ONCE)]
    await park.sold(tour.line(AT_ONCE - 1, slot(tour, 5)))
    await keys(park)
    counted = asyncio.Barrier(AT_ONCE)
    held_places = db.reservation.held_places

    async def counted_by_all(*asked: Any, **more: Any) -> dict[int, int]:
        found = await held_places(*asked, **more)
        await counted.wait()
        return found

    monkeypatch.setattr(db.time_slot, "lock", _not_locked)
    monkeypatch.setattr(db.reservation, "held_places", counted_by_all)
    payloads = await asyncio.gather(*(move(park, number, slot(tour, 5)) for number in numbers))
    assert [codes(payload) for payload in payloads] == [[]] * AT_ONCE


async def test_the_last_place_is_moved_into_once(servers: Park) -> None:
    """Twenty guests of as many requests want it; the others stay where they are."""
    tour = await servers.sellable(capacity=20, reschedulePolicy="UNTIL_USED")
    sales = await asyncio.gather(*(servers.sold(tour.line()) for _ in range(20)))
    await servers.sold(tour.line(19, slot(tour, 5)))
    await keys(servers)
    payloads = await asyncio.gather(*(move(servers, numbers[0], slot(tour, 5)) for _, numbers in sales))
    assert sorted(codes(payload) for payload in payloads) == [[], *[["SOLD_OUT"]] * 19]
    assert await servers.slot(slot(tour, 5)) == {"held": 0, "sold": 20, "remaining": 0}
    assert await servers.slot(tour.slot) == {"held": 0, "sold": 19, "remaining": 1}
    assert await events(servers, "RESCHEDULED") == 1


async def test_one_ticket_that_is_moved_both_ways_at_once_is_in_one_place(servers: Park) -> None:
    tour = await servers.sellable(reschedulePolicy="UNTIL_USED")
    _, (number,) = await servers.sold(tour.line())
    await keys(servers)
    payloads = await asyncio.gather(*(move(servers, number, slot(tour, 4 + n % 2)) for n in range(20)))
    assert [codes(payload) for payload in payloads] == [[]] * 20
    (entry,) = (await servers.ticket(number, "accessEntries { slot { id } }"))["accessEntries"]
    sold = {slot(tour, n): (await servers.slot(slot(tour, n)))["sold"] for n in (3, 4, 5)}
    assert sold == {slot(tour, n): int(slot(tour, n) == entry["slot"]["id"]) for n in (3, 4, 5)}


@pytest.mark.timeout(300)
async def test_whatever_guests_change_at_once_no_slot_has_too_many(servers: Park) -> None:
    """Fifty requests over three slots: moved one by one or whole, given back, sold again; nobody deadlocks."""
    capacity = 40
    tour = await servers.sellable(capacity=capacity, reschedulePolicy="UNTIL_USED")
    await keys(servers)
    chance = random.Random(20261125)
    async with watched(servers.gatehouse.database, capacity):
        await asyncio.gather(*(_change_one_s_mind(servers, tour, random.Random(chance.random())) for _ in range(50)))
    assert await events(servers, "RESCHEDULED") > 0
    assert await events(servers, "REVOKED") > 0


async def _change_one_s_mind(park: Park, tour: Sellable, chance: random.Random) -> None:
    """One guest's afternoon. Every answer is a success or a refusal that makes sense; errors fail the test."""
    payload = await park.create(tour.line(chance.randint(1, 3), slot(tour, chance.randint(3, 5))))
    if payload["refusals"]:
        assert codes(payload) == ["SOLD_OUT"]
        return
    token = payload["ticketRequest"]["token"]
    assert codes(await park.change("Confirm", token, paymentReference="P")) == []
    found = await park.request(token, "tickets { nodes { externalTicketNo } }")
    numbers = [ticket["externalTicketNo"] for ticket in found["tickets"]["nodes"]]
    for _ in range(chance.randint(2, 5)):
        to = slot(tour, chance.randint(3, 5))
        match chance.choice(["move", "move", "move all", "revoke", "both"]):
            case "move":
                asked = [move(park, chance.choice(numbers), to)]
            case "move all":
                said: dict[str, Any] = {"role": "SUPPORT", "selection": MOVE_ALL, "admissionCode": "TOUR"}
                asked = [park.change("Reschedule", token, slotId=to, **said)]
            case "revoke":
                asked = [revoke(park, chance.choice(numbers))]
            case _:
                asked = [move(park, numbers[0], to), revoke(park, numbers[-1])]
        for payload in await asyncio.gather(*asked):
            assert set(codes(payload)) <= {"SOLD_OUT", "TICKET_REVOKED", "ALREADY_CANCELED"}
