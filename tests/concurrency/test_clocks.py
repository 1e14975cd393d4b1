"""Two servers whose machines' clocks are wrong, each in its own way: the database's clock decides, and both tell it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest

from db.engine import Database
from tests.harness import Gatehouse
from tests.park import Park, codes

from .waiting import until_past

pytestmark = [pytest.mark.prove, pytest.mark.parametrize("template", ["postgresql"], indirect=True)]

HOLD_SECONDS = 2
WRONG_BY = (timedelta(hours=-3), timedelta(hours=3))


@pytest.fixture
async def parks(database: Database) -> AsyncIterator[list[Park]]:
    """The same park at a server whose clock is late, and at one whose clock is early."""
    parks = []
    for wrong_by in WRONG_BY:
        theirs = Database(database.url, machine_clock=wrong(wrong_by))
        parks.append(Park(Gatehouse(theirs).with_rules(hold_seconds=HOLD_SECONDS)))
    yield parks
    for park in parks:
        await park.gatehouse.http.aclose()
        await park.gatehouse.database.dispose()


def wrong(by: timedelta) -> Callable[[], datetime]:
    """The clock of a machine that is wrong."""
    return lambda: datetime.now(UTC) + by


async def test_both_hold_to_the_same_moment_and_neither_sells_what_the_other_holds(parks: list[Park]) -> None:
    """Nobody has compared clocks: what is written is decided by the database's all the same."""
    late, early = parks
    tour = await late.sellable(capacity=1)
    held = await late.create(tour.line())
    token, expires_at = held["ticketRequest"]["token"], held["ticketRequest"]["expiresAt"]
    assert abs(datetime.fromisoformat(expires_at) - datetime.now(UTC)) < timedelta(seconds=HOLD_SECONDS + 5)
    assert codes(await early.create(tour.line())) == ["SOLD_OUT"]
    await asyncio.sleep(HOLD_SECONDS + 0.1)
    assert codes(await late.change("Confirm", token)) == ["HOLD_EXPIRED"]
    assert codes(await early.create(tour.line())) == []


async def test_once_compared_with_the_databases_both_clocks_tell_the_same(parks: list[Park]) -> None:
    late, early = parks
    tour = await late.sellable()
    payload = await late.create(tour.line())
    token = payload["ticketRequest"]["token"]
    assert (await early.request(token, "status"))["status"] == "EXPIRED"  # three hours early, and not compared yet
    for park in parks:
        await park.gatehouse.database.measure_clock()
    payload = await late.change("Extend", token)
    assert [(await park.request(token, "status"))["status"] for park in parks] == ["REGISTERED"] * 2
    await until_past(early.gatehouse.database, payload["ticketRequest"]["expiresAt"])
    assert [(await park.request(token, "status"))["status"] for park in parks] == ["EXPIRED"] * 2
