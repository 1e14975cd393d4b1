"""VIEWED: who of those that see everybody's personal data looked at whose; once an hour, and behind the answer."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex

from db.client import Role
from db.engine import Database
from db.timeline import request_event
from resolvers.actor import Actor
from resolvers.context import Context
from resolvers.views import AT_ONCE, Views
from tests.concurrency.waiting import beside
from tests.harness import Gatehouse
from tests.live import watching
from tests.make import making

HOUR = timedelta(hours=1)
EVENTS = """
{ requestEvents(where: {kinds: [VIEWED]}) { nodes { actor message request { token } customer { customerNo } } } }
"""
TIMELINE = '{ ticketRequest(by: {token: "ada"}) { timeline { nodes { kind } } } }'
EMAILS = "{ ticketRequests { nodes { references { email } } } }"


async def stock(gatehouse: Gatehouse) -> None:
    """Two requests with a holder, one without; and a customer."""
    async with making(gatehouse.database) as make:
        shop = await make.client("shop", Role.WEB_STORE)
        item = await make.item("A", await make.admission())
        holder: dict[str, Any] = {"email": "ada@example.org", "phone": "998877", "ticket_holder_name": "Ada"}
        ada = await make.request(shop, "ada", customer_no="C-1", authorization_code="SECRET", **holder)
        await make.ticket(await make.line(ada, item), "T-1")
        await make.line(await make.request(shop, "bob", email="bob@example.org"), item)
        await make.line(await make.request(shop, "nobody"), item)
        await make.customer("C-1", shop, name="Ada", email="ada@example.org")


SEEN = """
SELECT e.actor, coalesce(r.token, c.customer_no) FROM request_event e
LEFT JOIN ticket_request r ON r.id = e.request_id LEFT JOIN customer c ON c.id = e.customer_id
WHERE e.kind = 'VIEWED' ORDER BY 1, 2
"""


async def seen(gatehouse: Gatehouse) -> list[tuple[str, str]]:
    """Who is recorded to have seen which request or customer."""
    await gatehouse.app.state.views.record(gatehouse.database)
    async with gatehouse.database.reading() as read:
        return [(str(actor), str(name)) for actor, name in await read.all(text(SEEN))]


DESK = "the SUPPORT of the house"
LOOKS: list[tuple[str, list[str]]] = [
    ("{ ticketRequests { nodes { token references { language customerNo } } } }", []),
    (EMAILS, ["ada", "bob"]),
    ("query ($no: Boolean = false) { ticketRequests { nodes { references { email @include(if: $no) } } } }", []),
    ('{ ticketRequest(by: {token: "ada"}) { entries { mail: authorizationCode } } }', ["ada"]),
    ('{ ticketRequest(by: {token: "nobody"}) { references { phone } } }', []),
    ('{ issuedTicket(by: {externalTicketNo: "T-1"}) { request { customer { name } } } }', ["C-1"]),
    ("{ customers { nodes { name phone } } }", ["C-1"]),
    ('{ find(text: "bob@example.org") { hits { matchedValue } } }', ["bob"]),
    ('{ find(text: "bob@example.org") { hits { isExact } } }', []),
    ('{ find(text: "T-1") { hits { matchedValue } } }', []),
    ('{ find(text: "bop@example.org") { hint } }', ["bob"]),
    ("{ __schema { queryType { name } } ticketRequests { nodes { references { email } } } }", ["ada", "bob"]),
    ("mutation { ticketRequestHolderChange(input: {token: \"ada\", holder: {language: \"da\"}}) "
     "{ ticketRequest { references { phone } } } }", ["ada"]),
]  # fmt: skip
"""One of them by graphql-core, because plans do not introspect."""


@pytest.mark.parametrize(("query", "expected"), LOOKS, ids=range(len(LOOKS)))
async def test_what_was_selected_and_answered_is_recorded(
    gatehouse: Gatehouse, query: str, expected: list[str]
) -> None:
    await stock(gatehouse)
    await gatehouse.data(query, role="SUPPORT")
    assert await seen(gatehouse) == [(DESK, name) for name in expected]


async def test_it_takes_no_statement_of_the_answers(gatehouse: Gatehouse) -> None:
    await stock(gatehouse)
    await gatehouse.data("{ ticketRequests { nodes { references { language } } } }", role="SUPPORT")
    without = list(gatehouse.statements)
    await gatehouse.data(EMAILS, role="SUPPORT")
    assert len(gatehouse.statements) == len(without)
    assert len(await seen(gatehouse)) == 2


async def test_once_for_each_actor_and_hour_however_many_processes_there_are(gatehouse: Gatehouse) -> None:
    await stock(gatehouse)
    async with AsyncExitStack() as stack:
        houses = [await stack.enter_async_context(gatehouse.with_rules()) for _ in range(3)]
        for house in houses:
            house._keys = gatehouse._keys
        for _ in range(2):
            for house in houses:
                await house.data(EMAILS, role="SUPPORT")
            await asyncio.gather(*(house.app.state.views.record(gatehouse.database) for house in houses))
        assert await seen(gatehouse) == [(DESK, "ada"), (DESK, "bob")]
        gatehouse.travel(HOUR)
        for house in houses:
            await house.data('{ ticketRequest(by: {token: "ada"}) { references { email } } }', role="SUPPORT")
            await house.app.state.views.record(gatehouse.database)
        await gatehouse.data(EMAILS, role="ADMIN")
        everybody = [("the ADMIN of the house", "ada"), ("the ADMIN of the house", "bob")]
        assert await seen(gatehouse) == [*everybody, (DESK, "ada"), (DESK, "ada"), (DESK, "bob")]


async def test_without_the_unique_key_each_process_records_it(gatehouse: Gatehouse) -> None:
    """The control: they know nothing of each other."""
    await stock(gatehouse)
    (key,) = (i for i in request_event.indexes if i.name == "ix_request_event_viewed_request_id")
    dialect = postgresql.dialect() if gatehouse.database.dialect == "postgresql" else sqlite.dialect()  # type: ignore[no-untyped-call]
    async with gatehouse.database.writing() as write:
        await write.run_text(f"DROP INDEX {key.name}")
    try:
        async with gatehouse.with_rules() as other:
            other._keys = gatehouse._keys
            for house in (gatehouse, other):
                await house.data(EMAILS, role="SUPPORT")
                await house.app.state.views.record(gatehouse.database)
        assert await seen(gatehouse) == [(DESK, "ada"), (DESK, "ada"), (DESK, "bob"), (DESK, "bob")]
    finally:
        async with gatehouse.database.writing() as write:
            await write.run_text("DELETE FROM request_event")
            await write.run_text(str(CreateIndex(key).compile(dialect=dialect)))


async def test_shops_and_tills_are_not_recorded_and_do_not_see_who_looked(gatehouse: Gatehouse) -> None:
    await stock(gatehouse)
    for role, client in (("WEB_STORE", "shop"), ("POS", "till")):
        await gatehouse.data(EMAILS, role=role, client=client)
    assert await seen(gatehouse) == []
    await gatehouse.data(EMAILS, role="SUPPORT")
    assert len(await seen(gatehouse)) == 2
    for role, client, is_told in (("ADMIN", "boss", True), ("POS", "till", False), ("WEB_STORE", "shop", False)):
        found = (await gatehouse.data(TIMELINE, role=role, client=client))["ticketRequest"]["timeline"]["nodes"]
        assert ([event["kind"] for event in found] == ["VIEWED"]) == is_told, role
        listed = await gatehouse.listed(EVENTS, 2 if is_told else 0, role=role, client=client)
        said = {"actor": DESK, "message": "Staff looked at personal data.", "customer": None}
        told = [{**said, "request": {"token": token}} for token in ("ada", "bob")]
        assert sorted(listed, key=str) == (told if is_told else []), role


async def test_the_export_is_recorded_too(gatehouse: Gatehouse) -> None:
    await stock(gatehouse)
    for role, expected in (("POS", []), ("SUPPORT", [(DESK, "ada")])):
        headers = {"Authorization": f"Bearer {await gatehouse.key(role)}"}
        response = await gatehouse.http.get("/export/tickets.csv", headers=headers)
        assert ("ada@example.org" in response.text) == bool(expected)
        assert await seen(gatehouse) == expected


async def test_a_reader_waits_for_no_writer_and_what_was_seen_is_recorded_when_it_can_be(gatehouse: Gatehouse) -> None:
    """On SQLite somebody else's transaction keeps every writer out."""
    await stock(gatehouse)
    await gatehouse.key("SUPPORT")
    async with beside(gatehouse.database):
        await gatehouse.data(EMAILS, role="SUPPORT")
        recording = asyncio.create_task(gatehouse.app.state.views.record(gatehouse.database))
        async with asyncio.timeout(2):
            await gatehouse.data(EMAILS, role="SUPPORT")
        await asyncio.sleep(0.1)
        assert not recording.done() or gatehouse.database.dialect == "postgresql"
    await recording
    assert len(await seen(gatehouse)) == 2


async def test_what_does_not_fit_is_lost_counted_and_told(gatehouse: Gatehouse) -> None:
    """At both sides of the limit; nothing else is lost, and more than one transaction takes is recorded."""
    most = AT_ONCE + 3
    async with making(gatehouse.database) as make:
        desk = await make.client("desk", Role.SUPPORT)
        requests = [(await make.request(desk)).id for _ in range(most + 2)]
    views = Views(most)
    context = Context(gatehouse.database, Actor(desk, "desk", Role.SUPPORT), gatehouse.rules)
    parts = [SimpleNamespace(request_id=request_id) for request_id in requests]
    for part in parts[:most]:
        context.shows(part)
    with structlog.testing.capture_logs() as logs:
        views.note(context)
        assert not context.viewed, "others who show the same need not look through it"
        assert views.is_filling
        for part in parts:
            context.shows(part)
        views.note(context)
        await asyncio.gather(*(views.record(gatehouse.database) for _ in range(3)))
        views.give_up()
    assert logs == [{"event": "views lost", "log_level": "warning", "number": 2}]
    assert not views.is_filling
    async with gatehouse.database.reading() as read:
        assert await read.value(text("SELECT count(*) FROM request_event WHERE kind = 'VIEWED'")) == most
    with structlog.testing.capture_logs() as logs:
        context.viewed = {0: SimpleNamespace(request_id=4711)}
        views.note(context)
        views.give_up()
    assert [entry["number"] for entry in logs] == [1]


WATCH = "subscription { requestEvents { kind request { token references { email } } } }"


async def test_subscribers_are_told_of_views_where_they_may_and_what_they_are_shown_is_one(
    gatehouse: Gatehouse,
) -> None:
    """A till is told of the requests and not of who looked at them."""
    await stock(gatehouse)
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(watching(gatehouse, "sse", WATCH, role="SUPPORT", client="watch"))
        till = await stack.enter_async_context(watching(gatehouse, "sse", WATCH, role="POS", client="till"))
        await gatehouse.data('{ ticketRequest(by: {token: "ada"}) { references { email } } }', role="SUPPORT")
        assert await seen(gatehouse) == [(DESK, "ada")]
        shown = {"kind": "VIEWED", "request": {"token": "ada", "references": [{"email": "ada@example.org"}]}}
        assert await desk.next() == shown
        assert await till.is_silent()
    assert await seen(gatehouse) == [(DESK, "ada"), ("watch", "ada")]


async def test_what_cannot_be_recorded_now_waits_for_the_next_turn(gatehouse: Gatehouse) -> None:
    """The database is gone, and comes back."""
    await stock(gatehouse)
    await gatehouse.data(EMAILS, role="SUPPORT")
    views, gone = gatehouse.app.state.views, Database("sqlite+aiosqlite:////nowhere/gone.sqlite3")
    try:
        with structlog.testing.capture_logs() as logs:
            await views.settle(gone)
    finally:
        await gone.dispose()
    assert [entry["event"] for entry in logs] == ["views not recorded"]
    await views.settle(gatehouse.database)
    assert await seen(gatehouse) == [(DESK, "ada"), (DESK, "bob")]
