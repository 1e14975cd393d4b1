"""Operations that end early: canceled, out of time, or with nobody left to hear. All give back what they hold.

The register of customers is made as slow as one likes by a view in its place; each database has one connection to read
with, so that one kept would be missed at once.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from typing import Any

import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL

from db.driver import FAILURES
from db.engine import Database
from db.timeline import RequestEventKind
from schema.execution.attendance import ROUND_SECONDS, Attended, Disconnected, TimedOut
from tests import live
from tests.harness import Gatehouse
from tests.make import making

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
TOLD_SLOWLY = "subscription { requestEvents { request { references { externalOrderNo } } } }"
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


class Loop:
    """The running one, which counts the timers that are set."""

    def __init__(self) -> None:
        self.running, self.timers = asyncio.get_running_loop(), 0

    def call_later(self, *told: Any) -> Any:
        self.timers += 1
        return self.running.call_later(*told)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.running, name)


async def still_there() -> dict[str, Any]:
    await asyncio.sleep(60)
    raise AssertionError


async def test_what_is_soon_over_sets_no_timer_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are: one goes round."""
    counting, running = Loop(), asyncio.get_running_loop
    task = asyncio.current_task()
    monkeypatch.setattr("asyncio.get_running_loop", lambda: counting)
    monkeypatch.setattr("asyncio.current_task", lambda _loop: task)
    for _ in range(100):
        with Attended(still_there, 20), Attended(still_there, 20):
            pass
    monkeypatch.setattr("asyncio.get_running_loop", running)
    assert counting.timers == 1


@pytest.mark.parametrize("seconds", [0.1, ROUND_SECONDS, ROUND_SECONDS + 0.15])
async def test_what_takes_too_long_ends_on_time(seconds: float) -> None:
    """Whenever it begins between two rounds; also beside what began before it."""

    async def late(after: float) -> float:
        await asyncio.sleep(after)
        began = time.monotonic()
        with pytest.raises(TimedOut), Attended(still_there, seconds):
            await asyncio.sleep(SOON)
        return time.monotonic() - began

    took = await asyncio.gather(*map(late, (0, 0.1, ROUND_SECONDS - 0.05, ROUND_SECONDS + 0.05)))
    assert all(seconds - 0.01 < one < seconds + 0.2 for one in took)


async def test_what_is_over_is_left_alone() -> None:
    """Its task goes on with something else, for longer than it had."""
    with Attended(still_there, ROUND_SECONDS + 0.05):
        pass
    with Attended(still_there, SOON):
        await asyncio.sleep(2 * ROUND_SECONDS + 0.1)


def test_each_loop_is_gone_round() -> None:
    """One after the other, as programs do that run several."""

    async def work() -> None:
        with Attended(still_there, ROUND_SECONDS + 0.05):
            await asyncio.sleep(SOON)

    for _ in range(2):
        with pytest.raises(TimedOut):
            asyncio.run(work())


async def test_whose_client_goes_is_soon_stopped() -> None:
    """Who has not read it all yet watches nobody: what it reads would be taken from it."""
    gone = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await gone.wait()
        return {"type": "http.disconnect"}

    asyncio.get_running_loop().call_later(0.1, gone.set)
    began, ended = time.monotonic(), list[float]()

    async def work(is_read: bool) -> None:
        with Attended(receive, SOON, is_read=is_read) as attended:
            await asyncio.sleep(ROUND_SECONDS + 0.3)
            attended.has_read()
            await asyncio.sleep(SOON)

    async def see(is_read: bool) -> None:
        with pytest.raises(Disconnected):
            await work(is_read)
        ended.append(time.monotonic() - began)

    await asyncio.gather(see(True), see(False))
    assert ended[0] < ROUND_SECONDS + 0.2 < ROUND_SECONDS + 0.3 <= ended[1] < ROUND_SECONDS + 0.6


async def make_slow(database: Database, table: str = "customer") -> None:
    async with database.writing() as write:
        await write.run(text(f"ALTER TABLE {table} RENAME TO quick_{table}"))
        slow = A_LONG_TIME[database.dialect]
        await write.run(text(f"CREATE VIEW {table} AS SELECT q.* FROM quick_{table} q, {slow} AS waited"))


async def make_quick(database: Database, table: str = "customer") -> None:
    async with database.writing() as write:
        await write.run(text(f"DROP VIEW {table}"))
        await write.run(text(f"ALTER TABLE quick_{table} RENAME TO {table}"))


async def is_at_rest(database: Database) -> bool:
    """No connection is out, and no statement goes on behind our back."""
    if database.connections_in_use:
        return False
    if database.dialect == "sqlite":
        return True
    async with database.reading() as read:
        running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() "
        return not await read.value(text(running + "AND datname = current_database()"))


async def see_it_end(gatehouse: Gatehouse, began: float, table: str = "customer") -> None:
    """What was held is free within moments, and the next operation is answered as if nothing had been."""
    while not await is_at_rest(gatehouse.database):
        assert time.monotonic() - began < SOON
        await asyncio.sleep(0.01)
    await make_quick(gatehouse.database, table)
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


async def test_whom_the_server_leaves_is_told_so(gatehouse: Gatehouse) -> None:
    """It cancels what is under way when it has waited long enough for it to end."""
    headers = {"host": "localhost", "authorization": f"Bearer {await gatehouse.key()}"}
    headers |= {"content-type": "application/json", "accept": "application/graphql-response+json"}
    told = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "headers": told}
    is_asked, sent = asyncio.Event(), list[Any]()

    async def receive() -> Any:
        is_asked.set()
        await asyncio.sleep(SOON)

    async def send(message: Any) -> None:
        sent.append(message)

    asking = asyncio.create_task(gatehouse.app(scope, receive, send))
    await is_asked.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    start, body = sent
    assert start["status"] == 503
    assert {(b"retry-after", b"1"), (b"connection", b"close")} <= set(start["headers"])
    assert dict(start["headers"])[b"content-type"].startswith(b"application/graphql-response+json")
    (error,) = orjson.loads(body["body"])["errors"]
    assert error["extensions"] == {"code": "STOPPED"}


async def leave(gatehouse: Gatehouse, *, method: str, path: str, body: bytes = b"", accept: str = "*/*") -> None:
    """Ask, and hang up; the answer goes nowhere. Returns when the app has done with it."""
    headers = {"host": "localhost", "authorization": f"Bearer {await gatehouse.key()}"}
    headers |= {"content-type": "application/json", "accept": accept}
    told = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": told}
    coming: list[dict[str, Any]] = [{"type": "http.request", "body": body}, {"type": "http.disconnect"}]

    async def receive() -> dict[str, Any]:
        return coming.pop(0)

    async def send(_message: Any) -> None:
        pass

    await gatehouse.app(scope, receive, send)
    assert coming == []


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_an_operation_that_nobody_waits_for_is_stopped(narrow: Gatehouse, accept: str) -> None:
    """The client sends its question and hangs up."""
    await narrow.key()
    await make_slow(narrow.database)
    began = time.monotonic()
    body = orjson.dumps({"query": SLOW})
    await leave(narrow, method="POST", path="/graphql", body=body, accept=accept)
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
    assert (await narrow.data(rename))["customerUpsert"]["customer"] == {"name": "Grace"}


async def test_an_operation_over_a_websocket_ends_with_its_time_its_word_and_its_connection(narrow: Gatehouse) -> None:
    """Out of time, completed by the client before it is answered, and with the client gone."""
    async with narrow.with_settings(operation_seconds=0.5) as hasty, live.socket(hasty) as over:
        await over.initialised(await hasty.key())
        await make_slow(narrow.database)
        began = time.monotonic()
        assert (await over.ask("late", SLOW))["payload"][0]["extensions"]["code"] == "STOPPED"
        await see_it_end(narrow, began)
    async with live.socket(narrow) as over:
        await over.initialised(await narrow.key())
        await make_slow(narrow.database)
        over.subscribe("completed", SLOW)
        await until_it_runs(narrow.database)
        began = time.monotonic()
        over.send({"id": "completed", "type": "complete"})
        await see_it_end(narrow, began)
        await make_slow(narrow.database)
        over.subscribe("left", SLOW)
        await until_it_runs(narrow.database)
        began = time.monotonic()
    await see_it_end(narrow, began)


async def test_an_answer_as_events_ends_with_its_time(narrow: Gatehouse) -> None:
    async with narrow.with_settings(operation_seconds=0.5) as hasty:
        key = await hasty.key()
        await make_slow(narrow.database)
        began = time.monotonic()
        async with live.events(hasty, SLOW, key=key) as stream:
            assert stream.status == 503
            assert (await stream.body())["errors"][0]["extensions"]["code"] == "STOPPED"
        await see_it_end(narrow, began)


async def begun(within: AsyncExitStack, gatehouse: Gatehouse, transport: str, query: str) -> live.Watcher:
    """A subscription that is being told. To begin it has no longer than an operation: one that was stopped meanwhile,
    because the machine did something else, is begun again."""
    while True:
        try:
            return await within.enter_async_context(live.watching(gatehouse, transport, query))
        except live.Over as over:
            if over.codes != ["STOPPED"]:
                raise


@pytest.mark.parametrize("template", ["sqlite"], indirect=True)  # on which what is written past the app is heard of
@pytest.mark.parametrize("transport", live.TRANSPORTS)
async def test_an_event_that_is_being_told_ends_with_its_time_and_its_connection(
    narrow: Gatehouse, transport: str
) -> None:
    """The event has happened, and what is asked of it is slow: here, who its request is for."""
    async with making(narrow.database) as make:
        request = await make.request(await make.client())
        await make.line(request, await make.item("ADULT", await make.admission()))
    async with narrow.with_settings(operation_seconds=0.5) as hasty:
        await hasty.key()
        async with AsyncExitStack() as within:
            watcher = await begun(within, hasty, transport, TOLD_SLOWLY)
            await make_slow(narrow.database, "request_line")
            began = time.monotonic()
            async with making(narrow.database) as make:
                await make.event(RequestEventKind.CREATED, request=request)
            with pytest.raises(live.Over) as over:
                await watcher.next()
            assert over.value.codes == ["STOPPED"]
        await see_it_end(narrow, began, "request_line")


@pytest.mark.parametrize("table", ["issued_ticket", "admission"])
async def test_an_export_ends_with_its_time_and_its_connection(narrow: Gatehouse, table: str) -> None:
    """While its first rows are read: before that no answer has begun."""
    async with making(narrow.database) as make:
        admission = await make.admission()
        line = await make.line(await make.request(await make.client()), await make.item("ADULT", admission))
        await make.ticket(line)
    async with narrow.with_settings(operation_seconds=0.5) as hasty:
        headers = {"Authorization": f"Bearer {await hasty.key()}"}
        await make_slow(narrow.database, table)
        began = time.monotonic()
        response = await hasty.http.get("/export/tickets.csv", headers=headers)
        assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (503, "STOPPED")
        await see_it_end(narrow, began, table)
    await narrow.key()
    await make_slow(narrow.database, table)
    began = time.monotonic()
    await leave(narrow, method="GET", path="/export/tickets.csv")
    await see_it_end(narrow, began, table)
