"""Killed in the middle: a server without warning, ten times under load; and PostgreSQL under a living server.

What was acknowledged is there, nothing is half there, and whoever asks again is given the first answer.
"""

import asyncio
import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.engine import URL

from db.engine import Database
from tests import postgresql
from tests.harness import Gatehouse
from tests.park import CREATE, Park, Sellable, change, codes
from tests.program import Served, serving

from . import books

pytestmark = [pytest.mark.prove, pytest.mark.timeout(300)]

KILLS = 10
SHOPPERS = 8
GONE_SECONDS = 30
ANSWERED_WITHIN_SECONDS = 3
CAPACITY = 10_000
CONFIRM = change("Confirm", "ticketRequest { id token status tickets { nodes { externalTicketNo } } }")


@dataclass
class Shop:
    """Shoppers who create and confirm without a pause, and what they were told.

    Whoever was not answered asks again, with the same token and the same words.
    """

    key: str
    tour: Sellable
    created: dict[str, str] = field(default_factory=dict)
    """The request's id, by token, of every create that was acknowledged."""
    confirmed: dict[str, list[str]] = field(default_factory=dict)
    """The numbers of the tickets, by token, of every confirm that was acknowledged."""
    unanswered: set[str] = field(default_factory=set)
    """Tokens of which the last question had no answer."""
    numbers: Iterator[int] = field(default_factory=count)
    refused: int = 0
    """How often it was said that the database is out of reach."""
    is_closed: bool = False

    def quantity(self, token: str) -> int:
        """Always the same for a token: a retry must say what was said."""
        return int(token.removeprefix("T-")) % 3 + 1

    async def ask(self, http: httpx.AsyncClient, query: str, **content: Any) -> dict[str, Any] | None:
        """The payload; None if there was no answer, or none but that something is broken."""
        try:
            response = await http.post("/graphql", json={"query": query, "variables": {"input": content}})
            body = response.json()
        except (httpx.TransportError, ValueError):
            return None
        if "errors" in body:
            assert {error["extensions"]["code"] for error in body["errors"]} == {"UNAVAILABLE"}
            self.refused += 1
            return None
        (payload,) = body["data"].values()
        assert codes(payload) == []
        found: dict[str, Any] = payload["ticketRequest"]
        return found

    async def sell(self, http: httpx.AsyncClient, token: str) -> bool:
        """Create and confirm. False if it was left without an answer."""
        self.unanswered.add(token)
        made = await self.ask(http, CREATE, lines=[self.tour.line(self.quantity(token))], token=token)
        if made is None:
            return False
        assert self.created.setdefault(token, made["id"]) == made["id"]
        sold = await self.ask(http, CONFIRM, token=token, paymentReference=f"PAID-{token}")
        if sold is None:
            return False
        tickets = [ticket["externalTicketNo"] for ticket in sold["tickets"]["nodes"]]
        assert len(tickets) == self.quantity(token)
        assert self.confirmed.setdefault(token, tickets) == tickets
        self.unanswered.discard(token)
        return True

    async def shop(self, http: httpx.AsyncClient) -> None:
        """Sell until nobody answers any more, or the shop closes."""
        while not self.is_closed and await self.sell(http, f"T-{next(self.numbers)}"):
            pass

    def client(self, served: Served) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=SHOPPERS, max_keepalive_connections=SHOPPERS)
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.AsyncClient(base_url=served.url, headers=headers, limits=limits, timeout=30)

    async def retry(self, http: httpx.AsyncClient) -> None:
        """Ask again whatever was not answered."""
        for token in sorted(self.unanswered):
            assert await self.sell(http, token)


async def opened(database: Database) -> Shop:
    async with Gatehouse(database) as gatehouse:
        tour = await Park(gatehouse).sellable(capacity=CAPACITY)
        return Shop(await gatehouse.key("WEB_STORE"), tour)


async def check(shop: Shop, database: Database) -> None:
    """Everything acknowledged is there, once, as it was acknowledged; and everything adds up."""
    assert await books.broken(database) == {}
    async with Gatehouse(database) as gatehouse:
        park = Park(gatehouse)
        for token, request_id in shop.created.items():
            found = await park.request(token, "id status tickets { nodes { externalTicketNo } }")
            assert found["id"] == request_id
            if token in shop.confirmed:
                assert found["status"] == "CONFIRMED"
                assert [t["externalTicketNo"] for t in found["tickets"]["nodes"]] == shop.confirmed[token]
    assert await books.count(database, "ticket_request") == len(shop.created)
    assert await books.count(database, "ticket_request", "status = 'CONFIRMED'") == len(shop.confirmed)
    sold = sum(shop.quantity(token) for token in shop.confirmed)
    assert await books.count(database, "issued_ticket") == sold
    assert list((await books.places_sold(database)).values()) == [sold]


async def test_killed_ten_times_a_server_has_kept_what_it_acknowledged(database: Database, tmp_path: Path) -> None:
    """SIGKILL at a random moment under load; the next server finds the database as it is, and shoppers ask again."""
    shop = await opened(database)
    chance = random.Random(20261123)
    url = database.url.render_as_string(hide_password=False)
    lost = 0
    for _ in range(KILLS):
        with serving("serve", folder=tmp_path, DATABASE_URL=url) as served:
            async with shop.client(served) as http:
                await shop.retry(http)
                shoppers = [asyncio.create_task(shop.shop(http)) for _ in range(SHOPPERS)]
                await asyncio.sleep(chance.uniform(0.2, 1.2))
                served.process.kill()
                await asyncio.gather(*shoppers)
        lost += len(shop.unanswered)
        assert await books.broken(database) == {}
    assert lost >= KILLS  # else nothing was in the middle of anything
    with serving("serve", folder=tmp_path, DATABASE_URL=url) as served:
        async with shop.client(served) as http:
            await shop.retry(http)
            for token in list(shop.confirmed):
                assert await shop.sell(http, token)
    assert len(shop.created) > KILLS * SHOPPERS
    assert shop.created.keys() == shop.confirmed.keys()
    await check(shop, database)


async def test_a_server_outlives_the_crash_of_its_postgresql(own_postgresql: URL, tmp_path: Path) -> None:
    """A PostgreSQL process dies by SIGKILL, all others are ended for it, and it recovers: so does the server."""
    database = Database(own_postgresql)
    shop = await opened(database)
    await database.dispose()
    url = own_postgresql.render_as_string(hide_password=False)
    with serving("serve", folder=tmp_path, DATABASE_URL=url) as served:
        async with shop.client(served) as http:
            for _ in range(2):
                shoppers = [asyncio.create_task(shop.shop(http)) for _ in range(SHOPPERS)]
                await asyncio.sleep(1)
                os.kill(await backend(own_postgresql), signal.SIGKILL)
                shop.is_closed = True  # who was answered before and after, and met nothing, would shop for ever
                await asyncio.gather(*shoppers)
                shop.is_closed = False
                await until_ready(http)
                await shop.retry(http)
    assert shop.created.keys() == shop.confirmed.keys()
    await check(shop, database)
    await database.dispose()


async def test_a_server_outlives_half_a_minute_without_its_database(
    own_postgresql: URL, own_folder: Path, tmp_path: Path
) -> None:
    """Everybody is told so, /readyz too; afterwards nothing is lost and nothing doubled."""
    database = Database(own_postgresql)
    shop = await opened(database)
    await database.dispose()
    url = own_postgresql.render_as_string(hide_password=False)
    with serving("serve", folder=tmp_path, DATABASE_URL=url) as served:
        async with shop.client(served) as http:
            await asyncio.gather(*(shop.sell(http, f"T-{next(shop.numbers)}") for _ in range(SHOPPERS)))
            shoppers = [asyncio.create_task(shop.shop(http)) for _ in range(SHOPPERS)]
            await asyncio.sleep(1)
            postgresql.halt(own_folder)
            shop.is_closed = True
            await asyncio.gather(*shoppers)
            until = time.monotonic() + GONE_SECONDS
            while time.monotonic() < until:
                assert (await http.get("/readyz")).status_code == 503
                assert (await http.get("/healthz")).status_code == 200
                began = time.monotonic()
                assert not await shop.sell(http, f"T-{next(shop.numbers)}")
                assert time.monotonic() - began < ANSWERED_WITHIN_SECONDS
                await asyncio.sleep(0.2)
            assert shop.refused > GONE_SECONDS
            postgresql.start(own_folder)
            await until_ready(http)
            shop.is_closed = False
            await shop.retry(http)
            assert await shop.sell(http, f"T-{next(shop.numbers)}")
        assert "Traceback" not in served.log
    assert shop.created.keys() == shop.confirmed.keys()
    await check(shop, database)
    await database.dispose()


async def backend(url: URL) -> int:
    """A PostgreSQL process that works for the server."""
    database = Database(url)
    try:
        async with database.reading() as read:
            found = "SELECT pid FROM pg_stat_activity WHERE application_name = 'gatehouse' AND pid <> pg_backend_pid()"
            return int((await read.fetch(f"{found} ORDER BY xact_start NULLS LAST LIMIT 1"))[0][0])
    finally:
        await database.dispose()


async def until_ready(http: httpx.AsyncClient) -> None:
    """Return when the server can work again."""
    for _ in range(300):
        if (await http.get("/readyz")).status_code == 200:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the server does not recover")
