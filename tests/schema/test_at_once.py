"""Many ask at once: what they share they read together, and each is told what it would be told alone."""

import asyncio
import random
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from typing import Any

import pytest

from schema.node import global_id
from tests.harness import Gatehouse
from tests.make import making
from tests.park import Park

BY_ORDER = """
query ($number: String!) {
  ticketRequests(where: {externalOrderNo: $number}, first: 3) {
    nodes {
      token status customer { customerNo } references { lineNo externalOrderNo }
      tickets(first: 5) { nodes { externalTicketNo accessEntries { quantity } } }
    }
  }
}
"""
BY_NUMBER = "query ($number: String!) { issuedTicket(by: {externalTicketNo: $number}) { externalTicketNo isBlocked } }"
BY_NUMBERS = """
query ($number: String!) {
  issuedTickets(where: {externalTicketNo: $number, isBlocked: false}, first: 2) { nodes { externalTicketNo } }
}
"""
NEWEST = "{ ticketRequests(first: 4, orderBy: STATUS_CHANGED_AT_DESC) { nodes { token references { lineNo } } } }"
QUESTIONS = {
    "order": (BY_ORDER, "W-{}"),
    "ticket": (BY_NUMBER, "t-{}"),
    "tickets": (BY_NUMBERS, "T-{}"),
    "newest": (NEWEST, None),
}


async def stock(gatehouse: Gatehouse) -> None:
    """Seven requests, by two shops in turn; each with an order number, and two tickets of which one is in two lists."""
    async with making(gatehouse.database) as make:
        shops = [await make.client(name) for name in ("one", "two")]
        castle = await make.admission("CASTLE")
        adult = await make.item("ADULT", castle)
        for number in range(7):
            await make.customer(f"C-{number}", shops[number % 2])
            request = await make.request(
                shops[number % 2],
                f"token-{number}",
                external_order_no=f"W-{number}",
                customer_no=f"C-{number}",
                email=f"{number}@example.org",
            )
            line = await make.line(request, adult, 2)
            await make.ticket(line, f"T-{number}")
            await make.ticket(line, f"U-{number}")


@pytest.mark.parametrize("name", QUESTIONS)
async def test_each_is_told_what_it_would_be_told_alone(gatehouse: Gatehouse, name: str) -> None:
    """In far fewer statements: those who see the same read it together, level by level."""
    await stock(gatehouse)
    query, number = QUESTIONS[name]
    askers: list[dict[str, Any]] = [{"role": "SUPPORT"}, {"role": "WEB_STORE", "client": "one"}]
    asked = [
        (query, {"number": number.format(place % 8)} if number else None, asker)
        for asker in askers
        for place in range(16)
    ]
    alone, most = [], 0
    for text, variables, asker in asked:
        alone.append(await gatehouse.data(text, variables, **asker))
        most = max(most, len(gatehouse.statements))
    together = await asyncio.gather(*(gatehouse.data(text, variables, **asker) for text, variables, asker in asked))
    assert together == alone
    assert len({str(data) for data in alone}) > 1
    # Of each asker's sixteen the first may have begun before anybody else was there.
    assert len(gatehouse.statements) <= 2 * len(askers) * most


async def test_who_stays_is_told_the_same_whoever_leaves(gatehouse: Gatehouse) -> None:
    """At whatever moment: before anybody has joined it, while it is read for all, and when it is told."""
    await stock(gatehouse)
    chance = random.Random(5)
    asked = [
        (query, {"number": number.format(place)} if number else None, asker)
        for query, number in QUESTIONS.values()
        for place in range(8)
        for asker in ({"role": "SUPPORT"}, {"role": "WEB_STORE", "client": "one"})
    ]
    alone = [await gatehouse.ask(query, variables, **asker) for query, variables, asker in asked]

    async def told(query: str, variables: Any, asker: dict[str, Any], leaves_after: int | None) -> Any:
        asking = asyncio.ensure_future(gatehouse.ask(query, variables, **asker))
        for _ in range(leaves_after or 0):
            await asyncio.sleep(0)
        if leaves_after is not None:
            asking.cancel()
        with suppress(asyncio.CancelledError):
            return await asking

    stayed, left = 0, 0
    for round_number in range(8):
        among = chance.sample(range(len(asked)), 24) if round_number % 2 else [chance.randrange(16) for _ in range(24)]
        leaving = [chance.choice((1, 2, 4, 8, 16, 32, 64)) if chance.random() < 0.6 else None for _ in among]
        found = await asyncio.gather(*(told(*asked[one], when) for one, when in zip(among, leaving, strict=True)))
        for one, when, answer in zip(among, leaving, found, strict=True):
            assert answer is None or answer["data"] == alone[one]["data"]
            assert answer is not None or when is not None
            stayed += answer is not None
            left += answer is None
    assert min(stayed, left) > 25
    async with asyncio.timeout(5):
        while gatehouse.database.connections_in_use:  # those of what was canceled are being closed  # noqa: ASYNC110
            await asyncio.sleep(0.01)


ASKED_BY: tuple[dict[str, Any], ...] = (
    {"externalTicketNo": "T-1"},
    {"externalTicketNo": " t-1 "},
    {"externalTicketNo": "nobody's"},
    {"externalTicketNo": None},
    {"externalTicketNo": "T-2", "ticketNo": "2"},
    {"externalTicketNo": "T-\N{FULLWIDTH DIGIT TWO}"},
    {"id": global_id("IssuedTicket", 1)},
    {"id": global_id("IssuedTicket", 2)},
    {"id": global_id("IssuedTicket", 4711)},
    {"id": global_id("TicketRequest", 1)},
    {"id": global_id("Nothing", 1)},
    {"id": global_id("IssuedTicket", 1) + "="},
    {"id": "not an id"},
    {"id": ""},
    {},
)
"""Each in the company of the others: the same number in other words, ids of nothing, and what is no id at all."""


@pytest.mark.parametrize("role", ["SUPPORT", "WEB_STORE", "GATE"])
async def test_who_asks_amiss_is_told_so_and_nobody_else(gatehouse: Gatehouse, role: str) -> None:
    await stock(gatehouse)
    query = "query ($by: IssuedTicketBy!) { issuedTicket(by: $by) { id externalTicketNo request { token } } }"
    client = "one" if role == "WEB_STORE" else None

    async def ask(by: dict[str, Any]) -> Any:
        body = await gatehouse.ask(query, {"by": by}, role=role, client=client)
        return body.get("data"), body.get("errors")

    alone = [await ask(by) for by in ASKED_BY]
    assert await asyncio.gather(*map(ask, ASKED_BY * 3)) == alone * 3
    shown = {data["issuedTicket"]["externalTicketNo"] for data, _ in alone if data and data["issuedTicket"]}
    assert (
        shown
        == {"SUPPORT": {"T-0", "U-0", "T-1", "T-2"}, "WEB_STORE": {"T-0", "U-0", "T-2"}, "GATE": {"T-1", "T-2"}}[role]
    )
    assert [bool(errors) for _, errors in alone] == [by in ASKED_BY[3:5] or by in ASKED_BY[11:] for by in ASKED_BY]


async def test_what_has_run_out_when_it_is_read_is_told_as_expired(gatehouse: Gatehouse) -> None:
    """However long those who read together have waited for a connection: they settle on a moment when they have it."""
    query = "query ($token: String!) { ticketRequest(by: {token: $token}) { status } }"
    async with making(gatehouse.database) as make:
        now = gatehouse.database.now()
        shop, until = await make.client("shop"), now + timedelta(minutes=1)
        await make.request(shop, "held", status="REGISTERED", created_at=now, expires_at=until)
    async with AsyncExitStack() as stack:
        for _ in range(gatehouse.settings.pool_size):
            await stack.enter_async_context(gatehouse.database.reading())
        asked = [
            asyncio.create_task(gatehouse.data(text, {"token": "held"}, role="SUPPORT"))
            for text in (query, query, query, f"{query} #")
        ]
        await asyncio.sleep(0.1)
        gatehouse.travel(timedelta(minutes=2))
    assert {(await one)["ticketRequest"]["status"] for one in asked} == {"EXPIRED"}


async def test_what_each_has_looked_at_is_recorded(gatehouse: Gatehouse) -> None:
    """Personal data that is shown in answers of one run: each request once, and none that was not shown."""
    await stock(gatehouse)
    query = """query ($token: String!, $all: Boolean!) {
      ticketRequest(by: {token: $token}) { token references { email @include(if: $all) } } }"""
    asked = [{"token": f"token-{place % 7}", "all": place % 7 < 5} for place in range(21)]
    found = await asyncio.gather(*(gatehouse.data(query, one, role="SUPPORT") for one in asked))
    for one, data in zip(asked, found, strict=True):
        shown = {"email": f"{str(one['token'])[-1]}@example.org"} if one["all"] else {}
        assert data == {"ticketRequest": {"token": one["token"], "references": [shown]}}
    await gatehouse.app.state.views.record(gatehouse.database)
    viewed = await gatehouse.data("{ requestEvents(where: {kinds: [VIEWED]}) { nodes { request { token } } } }")
    tokens = sorted(event["request"]["token"] for event in viewed["requestEvents"]["nodes"])
    assert tokens == [f"token-{number}" for number in range(5)]


async def test_what_one_has_just_bought_is_there_for_it_although_others_read(gatehouse: Gatehouse) -> None:
    """A read that others have begun is not joined; and each sees its own purchase as soon as it has been told of it."""
    park = Park(gatehouse)
    tour = await park.sellable("TOUR", capacity=100)

    async def buy() -> bool:
        token, numbers = await park.sold(tour.line(), role="WEB_STORE")
        found = await gatehouse.data(BY_NUMBER, {"number": numbers[0]})
        known = await gatehouse.data(
            "query ($token: String!) { ticketRequest(by: {token: $token}) { status } }", {"token": token}
        )
        return bool(found["issuedTicket"]) and bool(known["ticketRequest"]["status"] == "CONFIRMED")

    assert all(await asyncio.gather(*(buy() for _ in range(20))))
