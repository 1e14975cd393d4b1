"""Never oversold: many buyers of few places, over several processes, and what happens when the guard is taken out."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import db
from db.engine import Database
from db.time_slot import TimeSlotRow
from tests.harness import Gatehouse
from tests.park import Park, Sellable, codes

from . import books
from .waiting import not_taken

BUYERS = 8
"""Of the control: no more than the pool has connections."""


@asynccontextmanager
async def watched(database: Database, capacity: int) -> AsyncIterator[None]:
    """Look again and again while the block runs: at no moment may a slot have more places taken than it has."""
    seen: list[int] = []

    async def watch() -> None:
        while True:
            seen.extend((await books.places_taken(database)).values())
            await asyncio.sleep(0.02)

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    assert seen
    assert max(seen) <= capacity


async def agree(park: Park, tour: Sellable, capacity: int) -> None:
    """The places that the slot is said to have taken are those of its reservations, and fit.

    The books are opened before the slot is asked and after it, until no hold ran out in between.
    """
    database = park.gatehouse.database
    while True:
        taken, sold = await books.places_taken(database), await books.places_sold(database)
        slot = await park.slot(tour.slot)
        if (taken, sold) == (await books.places_taken(database), await books.places_sold(database)):
            break
    assert len(taken) <= 1
    assert slot["held"] + slot["sold"] == sum(taken.values())
    assert slot["sold"] == sum(sold.values())
    assert slot["remaining"] == capacity - sum(taken.values()) >= 0


@pytest.mark.prove
@pytest.mark.parametrize("template", ["postgresql"], indirect=True)
async def test_without_the_lock_the_last_place_is_sold_more_than_once(
    gatehouse: Gatehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: take the lock out, let all count before any has sold, and each sells the one place.

    They dictate ticket numbers, so they are in no group, where those before one are counted without any lock.
    """

    park = Park(gatehouse)
    tour = await park.sellable(capacity=1)
    await gatehouse.key("WEB_STORE")
    counted = asyncio.Barrier(BUYERS)
    slots_with_held = db.reservation.slots_with_held

    async def counted_by_all(*asked: Any, **more: Any) -> list[tuple[TimeSlotRow, int]]:
        held = await slots_with_held(*asked, **more)
        await counted.wait()
        return held

    monkeypatch.setattr(db.ticket_request, "take_slots", not_taken)
    monkeypatch.setattr(db.reservation, "slots_with_held", counted_by_all)
    payloads = await asyncio.gather(*(park.create(tour.line(1, externalTicketNos=[f"N-{n}"])) for n in range(BUYERS)))
    assert [codes(payload) for payload in payloads] == [[]] * BUYERS


@pytest.mark.prove
async def test_the_last_place_is_sold_once_however_many_ask(servers: Park) -> None:
    """A hundred buyers over two processes: one holds the place, ninety-nine are told that it is sold out."""
    tour = await servers.sellable(capacity=1)
    await servers.gatehouse.key("WEB_STORE")
    payloads = await asyncio.gather(*(servers.create(tour.line()) for _ in range(100)))
    answers = [codes(payload) for payload in payloads]
    assert sorted(answers) == [[], *[["SOLD_OUT"]] * 99]
    await agree(servers, tour, 1)
    assert (await servers.slot(tour.slot))["held"] == 1


@pytest.mark.prove
@pytest.mark.timeout(300)
async def test_two_hundred_buyers_never_get_more_than_fifty_places(servers: Park) -> None:
    """Each creates, then updates, extends, confirms or cancels at random, some twice at once; nobody deadlocks."""
    await mixed(servers, 200, {"SOLD_OUT", "ALREADY_CONFIRMED", "ALREADY_CANCELED"})
    assert await books.count(servers.gatehouse.database, "request_event", "kind = 'CONFIRMED'") > 0


@pytest.mark.prove
@pytest.mark.timeout(300)
@pytest.mark.parametrize("servers", [{"HOLD_SECONDS": "1", "SWEEP_SECONDS": "1"}], indirect=True)
async def test_nor_when_holds_run_out_under_their_hands(servers: Park) -> None:
    """The same with holds of a second: they expire while others wait for their places, and are swept and revived."""
    await mixed(servers, 100, {"SOLD_OUT", "ALREADY_CONFIRMED", "ALREADY_CANCELED", "HOLD_EXPIRED"}, pause=1.0)
    assert await books.count(servers.gatehouse.database, "request_event", "kind = 'EXPIRED'") > 0


async def mixed(park: Park, buyers: int, allowed: set[str], pause: float = 0) -> None:
    """So many buyers for a quarter as many places, at most so many seconds between what each does."""
    capacity = buyers // 4
    tour = await park.sellable(capacity=capacity)
    await park.gatehouse.key("WEB_STORE")
    chance = random.Random(20261123)
    async with watched(park.gatehouse.database, capacity):
        await asyncio.gather(
            *(buy(park, tour, f"BUYER-{n}", random.Random(chance.random()), allowed, pause) for n in range(buyers))
        )
    await agree(park, tour, capacity)


async def buy(park: Park, tour: Sellable, token: str, chance: random.Random, allowed: set[str], pause: float) -> None:
    """One buyer's afternoon. Every answer is a success or a refusal that makes sense; errors fail the test."""
    await asyncio.sleep(chance.random() * pause)
    payload = await park.create(tour.line(chance.randint(1, 3)), token=token)
    if payload["refusals"]:
        assert codes(payload) == ["SOLD_OUT"]
        return
    for _ in range(chance.randint(1, 4)):
        await asyncio.sleep(chance.random() * pause)
        name = chance.choice(["Update", "Extend", "Confirm", "Cancel"])
        other: dict[str, Any] = {"lines": [tour.line(chance.randint(1, 3))]} if name == "Update" else {}
        sent = await asyncio.gather(*(park.change(name, token, **other) for _ in range(chance.randint(1, 2))))
        assert {code for answer in sent for code in codes(answer)} <= allowed


@pytest.mark.prove
async def test_two_slots_in_either_order_make_nobody_wait_in_a_circle(servers: Park) -> None:
    """Sixty sales over two slots, half of them listed the other way round, then confirmed all at once."""
    tour = await servers.sellable(capacity=60)
    await servers.gatehouse.key("WEB_STORE")
    slots = sorted(tour.slots.values())[3:5]
    lines = [tour.line(1, slot) for slot in slots]
    payloads = await asyncio.gather(*(servers.create(*lines[:: (-1) ** n]) for n in range(60)))
    assert [codes(payload) for payload in payloads] == [[]] * 60
    tokens = [payload["ticketRequest"]["token"] for payload in payloads]
    confirmed = await asyncio.gather(*(servers.change("Confirm", token) for token in tokens))
    assert [codes(payload) for payload in confirmed] == [[]] * 60
    for slot in slots:
        assert await servers.slot(slot) == {"held": 0, "sold": 60, "remaining": 0}
    assert codes(await servers.create(*lines)) == ["SOLD_OUT", "SOLD_OUT"]


@pytest.mark.prove
async def test_a_sale_sent_many_times_at_once_is_made_once(servers: Park) -> None:
    """By its token, or without one by its order number: everybody is told of the same request."""
    tour = await servers.sellable(capacity=3)
    await servers.gatehouse.key("WEB_STORE")
    for same in ({"token": "T-1"}, {"externalOrderNo": "W-1", "token": "T-2"}, {"externalOrderNo": "W-2"}):
        payloads = await asyncio.gather(*(servers.create(tour.line(), **same) for _ in range(30)))
        assert [codes(payload) for payload in payloads] == [[]] * 30
        (token,) = {payload["ticketRequest"]["token"] for payload in payloads}
        confirmed = await asyncio.gather(*(servers.change("Confirm", token, paymentReference="P") for _ in range(30)))
        assert [codes(payload) for payload in confirmed] == [[]] * 30
    assert await servers.slot(tour.slot) == {"held": 0, "sold": 3, "remaining": 0}
