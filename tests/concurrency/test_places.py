"""Never oversold: many buyers of few places, over several processes, and what happens when the guard is taken out."""

import asyncio
import random
from typing import Any

import pytest

import db
from db.engine import Database, Write
from db.time_slot import TimeSlotRow
from tests.harness import Gatehouse
from tests.park import Park, Sellable, codes

BUYERS = 8
"""Of the control: no more than the pool has connections."""


async def taken(database: Database, capacity: int) -> int:
    """The places taken in the one booked slot; everything that counts them must agree."""
    async with database.reading() as read:
        now = database.now()
        found: Any = await read.all(
            db.reservation.reservation.select().where(
                (db.reservation.reservation.c.until > now) | db.reservation.reservation.c.until.is_(None)
            )
        )
        counted: int = sum(row.places for row in found)
        sold: int = sum(row.places for row in found if row.kind == "SOLD")
        slots: int = (await read.connection.exec_driver_sql("SELECT sum(sold_places) FROM time_slot")).scalar_one()
    assert slots == sold
    assert counted <= capacity
    return counted


@pytest.mark.prove
@pytest.mark.parametrize("template", ["postgresql"], indirect=True)
async def test_without_the_lock_the_last_place_is_sold_more_than_once(
    gatehouse: Gatehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: take the lock out, let all count before any has sold, and each sells the one place."""

    park = Park(gatehouse)
    tour = await park.sellable(capacity=1)
    await gatehouse.key("WEB_STORE")
    counted = asyncio.Barrier(BUYERS)
    held_places = db.reservation.held_places

    async def unlocked(write: Write, ids: list[int]) -> dict[int, TimeSlotRow]:
        return await db.time_slot.by_ids(write, ids)

    async def held_by_all(*asked: Any, **more: Any) -> dict[int, int]:
        held = await held_places(*asked, **more)
        await counted.wait()
        return held

    monkeypatch.setattr(db.time_slot, "lock", unlocked)
    monkeypatch.setattr(db.reservation, "held_places", held_by_all)
    payloads = await asyncio.gather(*(park.create(tour.line()) for _ in range(BUYERS)))
    assert [codes(payload) for payload in payloads] == [[]] * BUYERS


@pytest.mark.prove
async def test_the_last_place_is_sold_once_however_many_ask(servers: Park) -> None:
    """A hundred buyers over two processes: one holds the place, ninety-nine are told that it is sold out."""
    tour = await servers.sellable(capacity=1)
    await servers.gatehouse.key("WEB_STORE")
    payloads = await asyncio.gather(*(servers.create(tour.line()) for _ in range(100)))
    answers = [codes(payload) for payload in payloads]
    assert sorted(answers) == [[], *[["SOLD_OUT"]] * 99]
    assert await taken(servers.gatehouse.database, 1) == 1


@pytest.mark.prove
@pytest.mark.timeout(300)
async def test_two_hundred_buyers_never_get_more_than_fifty_places(servers: Park) -> None:
    """Each creates, then updates, extends, confirms or cancels at random, some twice at once; nobody deadlocks."""
    capacity = 50
    tour = await servers.sellable(capacity=capacity)
    await servers.gatehouse.key("WEB_STORE")
    chance = random.Random(20261123)
    await asyncio.gather(*(buy(servers, tour, f"BUYER-{n}", random.Random(chance.random())) for n in range(200)))
    held_and_sold = await taken(servers.gatehouse.database, capacity)
    slot = await servers.slot(tour.slot, "held sold remaining")
    assert slot["held"] + slot["sold"] == held_and_sold
    assert slot["remaining"] == capacity - held_and_sold


async def buy(park: Park, tour: Sellable, token: str, chance: random.Random) -> None:
    """One buyer's afternoon. Every answer is a success or a refusal that makes sense; errors fail the test."""
    allowed = {"SOLD_OUT", "ALREADY_CONFIRMED", "ALREADY_CANCELED"}
    payload = await park.create(tour.line(chance.randint(1, 3)), token=token)
    if payload["refusals"]:
        assert codes(payload) == ["SOLD_OUT"]
        return
    for _ in range(chance.randint(1, 4)):
        name = chance.choice(["Update", "Extend", "Confirm", "Cancel"])
        other: dict[str, Any] = {"lines": [tour.line(chance.randint(1, 3))]} if name == "Update" else {}
        sent = await asyncio.gather(*(park.change(name, token, **other) for _ in range(chance.randint(1, 2))))
        assert {code for answer in sent for code in codes(answer)} <= allowed
