"""Gates that scan at the same instant: one guest gets in, no hall is fuller than it may be, and the counts add up."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import db
from db.engine import Read, Write
from db.ticket import Access, LockedTicket
from db.ticket_request import TicketRequestRow
from db.time_slot import TimeSlotRow
from tests.gate import Gate
from tests.harness import Gatehouse
from tests.park import Park, codes

from . import books

pytestmark = pytest.mark.prove

GATES = 8
"""Of the controls: no more than the pool has connections."""

on_postgresql = pytest.mark.parametrize("template", ["postgresql"], indirect=True)


async def tickets(
    park: Park, number: int = 1, *, control: str = "NONE", capacity: int = 1000, **other: Any
) -> list[str]:
    """The numbers of so many tickets of one request, paid for, to a place that is open all day: nobody has reserved."""
    all_day = {"startTime": "00:00", "stopTime": "00:00", "capacity": capacity, "capacityControl": control}
    hall = {"schedules": [{**all_day, "prebookRequired": False}], "admissionKind": "LOCATION", **other}
    place = await park.sellable("HALL", **hall)
    without_slot = 'mutation { admissionUpsert(input: {code: "HALL", defaultSchedule: NONE}) { refusals { code } } }'
    assert (await park.gatehouse.data(without_slot))["admissionUpsert"]["refusals"] == []
    _, numbers = await park.sold({"itemNo": place.item_no, "quantity": number})
    await park.gatehouse.key("GATE", "gate")
    return numbers


async def scanned(gate: Gate, numbers: list[str], **said: Any) -> Counter[str]:
    """What gates say that scan all of these at the same instant."""
    return Counter(await asyncio.gather(*(gate.says(number, **said) for number in numbers)))


# ------------------------------------------------------------------------------------------------ the controls


async def unlocked(write: Write, number_key: str) -> LockedTicket | None:
    """Instead of ``db.ticket.lock_by_number``: the ticket as it is, and others may change it."""
    ticket = (await db.ticket.by_number_keys(write, [number_key])).get(number_key)
    return LockedTicket(ticket, await write.clock()) if ticket else None


@on_postgresql
async def test_without_the_ticket_locked_one_ticket_lets_everybody_in(
    gatehouse: Gatehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Take the lock out, let all look at the ticket before any has come in, and each lets its guest in."""
    (number,) = await tickets(Park(gatehouse))
    looked = asyncio.Barrier(GATES)
    access_of = db.ticket.sold_access_of

    async def looked_at_by_all(read: Read, *asked: Any) -> dict[int, tuple[TicketRequestRow, list[Access]]]:
        access = await access_of(read, *asked)
        await looked.wait()
        return access

    monkeypatch.setattr(db.ticket, "lock_by_number", unlocked)
    monkeypatch.setattr(db.ticket, "sold_access_of", looked_at_by_all)
    gate = Gate(gatehouse)
    outcomes = await asyncio.gather(*(gate.says(number) for _ in range(GATES)), return_exceptions=True)
    assert [outcome for outcome in outcomes if outcome == "ENTRIES_USED_UP"] == []


@on_postgresql
async def test_without_the_slot_locked_the_last_place_is_entered_by_several(
    gatehouse: Gatehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = await tickets(Park(gatehouse), GATES, control="ADMITTED", capacity=1)
    counted = asyncio.Barrier(GATES)
    visitors = db.ledger.visitors

    async def unlocked(write: Write, ids: list[int], **_: Any) -> dict[int, TimeSlotRow]:
        return await db.time_slot.by_ids(write, ids)

    async def counted_by_all(read: Read, ids: list[int]) -> Mapping[int, tuple[int, int]]:
        found = await visitors(read, ids)
        await counted.wait()
        return found

    monkeypatch.setattr(db.time_slot, "lock", unlocked)
    monkeypatch.setattr(db.ledger, "visitors", counted_by_all)
    assert await scanned(Gate(gatehouse), numbers) == {"ADMITTED 1": GATES}


# --------------------------------------------------------------------------------------------------- the races


async def test_fifty_gates_let_one_guest_in(servers: Park) -> None:
    (number,) = await tickets(servers)
    gate = Gate(servers.gatehouse)
    assert await scanned(gate, [number] * 50) == {"ADMITTED 1": 1, "ENTRIES_USED_UP": 49}
    assert await gate.counted(number) == (1, 1)
    assert Counter(await gate.history(number)) == {"ISSUED 1": 1, "ADMITTED 1": 1, "REFUSED ENTRIES_USED_UP": 49}


async def test_the_last_places_of_a_hall_go_to_as_many_as_there_are(servers: Park) -> None:
    numbers = await tickets(servers, 40, control="ADMITTED", capacity=7)
    gate = Gate(servers.gatehouse)
    assert await scanned(gate, numbers) == {"ADMITTED 1": 7, "CAPACITY_REACHED": 33}
    assert await books.count(servers.gatehouse.database, "visit") == 7


async def test_a_group_never_has_more_people_than_it_is_for(servers: Park) -> None:
    """Thirty gates let in its people one by one, and two by two."""
    numbers = await tickets(servers, 20, kind="GROUP")
    assert len(numbers) == 1
    gate = Gate(servers.gatehouse)
    ones, twos = await asyncio.gather(scanned(gate, numbers * 15, quantity=1), scanned(gate, numbers * 15, quantity=2))
    people = ones["ADMITTED 1"] + 2 * twos["ADMITTED 2"]
    assert people in (19, 20), "until nobody else fits"
    assert await gate.counted(numbers[0]) == (people, people)


async def test_a_scan_sent_again_and_again_is_one_scan(servers: Park) -> None:
    (number,) = await tickets(servers, entryValidation="MULTIPLE")
    gate = Gate(servers.gatehouse)
    answers = await asyncio.gather(*(gate.admit(number, nonce="n-1") for _ in range(30)))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["verdict"] == "ADMITTED"
    assert await gate.counted(number) == (1, 1)


async def test_a_token_and_its_tickets_scanned_at_once_let_each_guest_in_once(servers: Park) -> None:
    """All of the token or none of it: so either it was first, or those who came by themselves are in."""
    numbers = await tickets(servers, 6)
    token = (await servers.ticket(numbers[0], "request { token }"))["request"]["token"]
    gate = Gate(servers.gatehouse)
    outcomes = await scanned(gate, [token, *numbers, token, *reversed(numbers)])
    assert outcomes["ADMITTED 6"] * 6 + outcomes["ADMITTED 1"] in range(1, 7)
    counts = {number: await gate.counted(number) for number in numbers}
    assert set(counts.values()) <= {(1, 1), (0, 0)}
    assert sum(admitted for admitted, _ in counts.values()) == outcomes["ADMITTED 6"] * 6 + outcomes["ADMITTED 1"]


async def test_coming_and_going_never_fills_a_hall_beyond_its_places(servers: Park) -> None:
    """Where those inside count: forty guests come and go as they like through all gates at once."""
    numbers = await tickets(servers, 40, control="ADMITTED_AND_DEPARTED", capacity=9, entryValidation="MULTIPLE")
    gate = Gate(servers.gatehouse)
    seen: list[int] = []

    async def watch() -> None:
        while True:
            seen.append(await books.count(servers.gatehouse.database, "visit", "inside > 0"))
            await asyncio.sleep(0.02)

    async def guest(number: str) -> None:
        for _ in range(3):
            assert await gate.says(number) in ("ADMITTED 1", "CAPACITY_REACHED")
            assert await gate.lets_out(number) in ("1", "NOT_INSIDE")

    watching = asyncio.create_task(watch())
    try:
        await asyncio.gather(*(guest(number) for number in numbers))
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    assert 0 < max(seen) <= 9
    assert await books.count(servers.gatehouse.database, "visit", "inside > 0") == 0


async def test_one_guest_in_and_out_at_the_same_instant_is_somewhere(servers: Park) -> None:
    (number,) = await tickets(servers, entryValidation="MULTIPLE")
    gate = Gate(servers.gatehouse)
    outcomes = await asyncio.gather(
        *(gate.says(number) for _ in range(20)), *(gate.lets_out(number) for _ in range(20))
    )
    assert set(outcomes) <= {"ADMITTED 1", "1", "NOT_INSIDE"}
    assert (await gate.counted(number))[0] == 20


# ------------------------------------------------------------------------------- while others change their mind


@on_postgresql
async def test_without_the_ticket_locked_who_gave_it_back_gets_in(
    gatehouse: Gatehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the gate has looked at the ticket, then it is given back, then the gate goes on."""
    park = Park(gatehouse)
    number, _ = await tickets(park, 2)  # of one request: the last to be given back would cancel it
    looked, given_back = asyncio.Event(), asyncio.Event()
    access_of = db.ticket.sold_access_of

    async def looked_at_before(read: Read, *asked: Any) -> dict[int, tuple[TicketRequestRow, list[Access]]]:
        looked.set()
        await given_back.wait()
        return await access_of(read, *asked)

    monkeypatch.setattr(db.ticket, "lock_by_number", unlocked)
    monkeypatch.setattr(db.ticket, "sold_access_of", looked_at_before)
    scanning = asyncio.create_task(Gate(gatehouse).says(number))
    await looked.wait()
    assert codes(await park.change_ticket("Revoke", number)) == []
    given_back.set()
    assert await scanning == "ADMITTED 1"


async def test_a_ticket_is_used_or_given_back_and_never_both(servers: Park) -> None:
    numbers = await tickets(servers, 30)
    gate = Gate(servers.gatehouse)
    await servers.gatehouse.key("SUPPORT")

    async def both(number: str) -> tuple[str, str]:
        said, refused = await asyncio.gather(gate.says(number), servers.change_ticket("Revoke", number))
        return said, " ".join(codes(refused))

    outcomes = Counter(await asyncio.gather(*(both(number) for number in numbers)))
    assert outcomes.keys() <= {("ADMITTED 1", "REVOKE_NOT_ALLOWED"), ("TICKET_REVOKED", "")}


async def test_a_ticket_is_used_or_moved_and_never_both(servers: Park) -> None:
    """It may be moved until it is used: so whoever is first decides, and the other is told."""
    all_day = {"startTime": "00:00", "stopTime": "00:00", "capacity": 100, "capacityControl": "ADMITTED"}
    place = await servers.sellable(
        "HALL", schedules=[all_day], admissionKind="LOCATION", reschedulePolicy="UNTIL_USED", durationDays=100
    )
    today, tomorrow = (place.slots[datetime.now(UTC).date() + timedelta(days=days)] for days in (0, 1))
    _, numbers = await servers.sold(place.line(30, today))
    gate = Gate(servers.gatehouse)
    for role, client in (("SUPPORT", None), ("GATE", "gate")):
        await servers.gatehouse.key(role, client)

    async def both(number: str) -> tuple[str, str]:
        moving = servers.change_ticket("Reschedule", number, admissionCode="HALL", slotId=tomorrow)
        said, refused = await asyncio.gather(gate.says(number), moving)
        return said, " ".join(codes(refused))

    outcomes = Counter(await asyncio.gather(*(both(number) for number in numbers)))
    assert outcomes.keys() <= {("ADMITTED 1", "RESCHEDULE_NOT_ALLOWED"), ("TOO_EARLY", "")}
