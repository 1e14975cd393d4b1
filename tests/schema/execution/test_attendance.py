"""Operations that end early: canceled, out of time, or with nobody left to hear. All give back what they hold.

The register of customers is made as slow as one likes by a view in its place; each database has one connection to read
with, so that one kept would be missed at once.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL

from db.driver import FAILURES
from db.engine import Database
from tests.harness import Gatehouse

UPSERT = 'mutation { customerUpsert(input: {customerNo: "C-1", name: "Ada"}) { customer { name } refusals { code } } }'
SLOW = """{
  customers { nodes { name requests { nodes { id } } } }
  one: customer(by: {customerNo: "C-1"}) { name }
  another: customer(by: {customerNo: "c-1"}) { name }
}"""
A_LONG_TIME = {
    "postgresql": "pg_sleep(60)",
    "sqlite": "(WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000000000) "
    "SELECT count(*) FROM c)",
}
SOON = 5
"""Seconds; far from the minute that the statement would take."""


@pytest.fixture
async def narrow(database_url: URL) -> AsyncIterator[Gatehouse]:
    """The app with one connection to read with, and a customer."""
    database = Database(database_url, pool_size=1)
    async with Gatehouse(database) as gatehouse:
        await gatehouse.data(UPSERT)
        yield gatehouse
    with suppress(*FAILURES):  # a test that failed may have left it slow
        await make_quick(database)
    await database.dispose()


async def make_slow(database: Database) -> None:
    async with database.writing() as write:
        await write.run(text("ALTER TABLE customer RENAME TO quick_customer"))
        slow = A_LONG_TIME[database.dialect]
        await write.run(text(f"CREATE VIEW customer AS SELECT q.* FROM quick_customer q, {slow} AS waited"))


async def make_quick(database: Database) -> None:
    async with database.writing() as write:
        await write.run(text("DROP VIEW customer"))
        await write.run(text("ALTER TABLE quick_customer RENAME TO customer"))


async def is_at_rest(database: Database) -> bool:
    """No connection is out, and no statement goes on behind our back."""
    if database.connections_in_use:
        return False
    if database.dialect == "sqlite":
        return True
    async with database.reading() as read:
        running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() "
        return not await read.value(text(running + "AND datname = current_database()"))


async def see_it_end(gatehouse: Gatehouse, began: float) -> None:
    """What was held is free within moments, and the next operation is answered as if nothing had been."""
    while not await is_at_rest(gatehouse.database):
        assert time.monotonic() - began < SOON
        await asyncio.sleep(0.01)
    await make_quick(gatehouse.database)
    assert (await gatehouse.data(SLOW))["one"] == {"name": "Ada"}
    assert time.monotonic() - began < SOON


async def until_it_runs(database: Database) -> None:
    async with asyncio.timeout(SOON):
        while not database.connections_in_use:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)


async def test_an_operation_out_of_time_is_stopped(narrow: Gatehouse) -> None:
    await make_slow(narrow.database)
    async with narrow.with_settings(operation_seconds=0.2) as hasty:
        headers = {"Authorization": f"Bearer {await hasty.key()}"}
        began = time.monotonic()
        response = await hasty.http.post("/graphql", json={"query": SLOW}, headers=headers)
        assert response.status_code == 503
        (error,) = response.json()["errors"]
        assert error["extensions"] == {"code": "STOPPED"}
        assert "0.2 seconds" in error["message"]
        await see_it_end(narrow, began)


async def test_a_canceled_operation_is_stopped(narrow: Gatehouse) -> None:
    await make_slow(narrow.database)
    asking = asyncio.create_task(narrow.ask(SLOW))
    await until_it_runs(narrow.database)
    began = time.monotonic()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await see_it_end(narrow, began)


async def test_an_operation_that_nobody_waits_for_is_stopped(narrow: Gatehouse) -> None:
    """The client sends its question and hangs up; the answer goes nowhere."""
    headers = [
        (b"host", b"localhost"),
        (b"authorization", f"Bearer {await narrow.key()}".encode()),
        (b"content-type", b"application/json"),
    ]
    await make_slow(narrow.database)
    scope = {"type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "headers": headers}
    coming: list[dict[str, Any]] = [
        {"type": "http.request", "body": orjson.dumps({"query": SLOW})},
        {"type": "http.disconnect"},
    ]

    async def receive() -> dict[str, Any]:
        return coming.pop(0)

    async def send(_message: Any) -> None:
        pass

    began = time.monotonic()
    await narrow.app(scope, receive, send)
    assert coming == []
    await see_it_end(narrow, began)


async def test_a_mutation_out_of_time_changes_nothing(narrow: Gatehouse) -> None:
    """Another transaction holds the customer; this one waits for it until its time is up, and lets go."""
    rename = UPSERT.replace("Ada", "Grace")
    async with narrow.with_settings(operation_seconds=0.3) as hasty:
        await hasty.key()
        async with narrow.database.writing() as write:
            await write.run(text("UPDATE customer SET name = 'Held'"))
            assert (await hasty.ask(rename))["errors"][0]["extensions"]["code"] == "STOPPED"
        while narrow.database.connections_in_use:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert (await narrow.data('{ customer(by: {customerNo: "C-1"}) { name } }'))["customer"] == {"name": "Held"}
        assert (await hasty.data(rename))["customerUpsert"]["customer"] == {"name": "Grace"}
