"""Subscriptions: events as they are committed, each once and for who may see it, and slots whose numbers change.

Over both transports on both databases; what a process that is killed makes of it is in tests/concurrency.
"""

import asyncio
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

import db
from db.client import Role
from db.engine import Database
from db.timeline import Event, RequestEventKind
from resolvers import feed
from resolvers.actor import create_key
from tests.harness import Gatehouse
from tests.live import TRANSPORTS, Closed, Over, Watcher, watching
from tests.make import NOON, Make, Request, making
from tests.park import Park

EVENTS = """subscription ($after: String, $where: RequestEventWhere) {
  requestEvents(after: $after, where: $where) { cursor kind scanned request { token } } }"""
SLOTS = 'subscription { slotChanged(admissionCode: "tour") { id held sold remaining state } }'


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> str:
    """What the subscription comes over."""
    name: str = request.param
    return name


async def record(make: Make, request: Request, *kinds: RequestEventKind) -> None:
    """Events as the program records them, under the transaction's own number."""
    by: dict[str, Any] = {"actor": "shop", "client_id": request.client_id, "request_id": request.id}
    events = [Event(kind=kind, at=NOON, **by) for kind in kinds or [RequestEventKind.CREATED]]
    await db.timeline.record(make.write, events, NOON)


async def happened(gatehouse: Gatehouse, token: str, *kinds: RequestEventKind, client: str = "shop") -> None:
    """A request of that client, and what happened to it."""
    async with making(gatehouse.database) as make:
        await record(make, await make.request(await make.client(client, Role.WEB_STORE), token), *kinds)


async def settled(gatehouse: Gatehouse, number: int = 1) -> str:
    """The cursor of the last of so many events, once they are listed: any writer in the whole cluster delays it."""
    for _ in range(600):
        nodes = (await gatehouse.data("{ requestEvents { nodes { cursor } } }"))["requestEvents"]["nodes"]
        if len(nodes) == number:
            cursor: str = nodes[-1]["cursor"]
            return cursor
        await asyncio.sleep(0.05)
    raise AssertionError("nothing is listed")


async def told(watcher: Watcher, number: int) -> list[str]:
    """The tokens of the next events."""
    return [(await watcher.next())["request"]["token"] for _ in range(number)]


async def test_an_event_is_told_once_it_is_committed(gatehouse: Gatehouse, transport: str) -> None:
    await happened(gatehouse, "before")
    await settled(gatehouse)
    async with watching(gatehouse, transport, EVENTS) as watcher:
        await happened(gatehouse, "one", RequestEventKind.CREATED, RequestEventKind.CONFIRMED)
        await happened(gatehouse, "two")
        assert await told(watcher, 3) == ["one", "one", "two"]
        assert await watcher.is_silent()


async def test_what_is_rolled_back_is_never_told(gatehouse: Gatehouse, transport: str) -> None:
    async with watching(gatehouse, transport, EVENTS) as watcher:
        with suppress(ZeroDivisionError):
            async with making(gatehouse.database) as make:
                await record(make, await make.request(await make.client("shop", Role.WEB_STORE), "undone"))
                raise ZeroDivisionError
        await happened(gatehouse, "done")
        assert await told(watcher, 1) == ["done"]


async def test_it_goes_on_behind_a_cursor_without_a_gap_or_a_duplicate(gatehouse: Gatehouse, transport: str) -> None:
    """Behind each of them, in whatever process: a position is good wherever the database is."""
    async with watching(gatehouse, transport, EVENTS) as watcher:
        for number in range(4):
            await happened(gatehouse, f"T-{number}")
        cursors = [(await watcher.next())["cursor"] for _ in range(4)]
    await happened(gatehouse, "T-4")
    for number, cursor in enumerate(cursors):
        async with watching(gatehouse, transport, EVENTS, {"after": cursor}) as watcher:
            await happened(gatehouse, f"T-{5 + number}")
            expected = [f"T-{n}" for n in range(number + 1, 6 + number)]
            assert await told(watcher, len(expected)) == expected


async def test_who_is_far_behind_catches_up_and_then_follows(
    gatehouse: Gatehouse, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the events that it has missed are no longer remembered, and more happens meanwhile."""
    monkeypatch.setattr(feed, "REMEMBERED_EVENTS", 3)
    monkeypatch.setattr(feed, "CAUGHT_UP_AT_ONCE", 2)
    monkeypatch.setattr(feed, "AT_ONCE", 4)
    await happened(gatehouse, "T-0")
    await settled(gatehouse)
    async with watching(gatehouse, transport, EVENTS, client="another") as other:
        await happened(gatehouse, "T-1")
        start = (await other.next())["cursor"]
        for number in range(2, 14):
            await happened(gatehouse, f"T-{number}")
        async with watching(gatehouse, transport, EVENTS, {"after": start}) as watcher:
            for number in range(14, 20):
                await happened(gatehouse, f"T-{number}")
            assert await told(watcher, 18) == [f"T-{number}" for number in range(2, 20)]
            assert await watcher.is_silent()
        assert await told(other, 18) == [f"T-{number}" for number in range(2, 20)]


async def test_what_commits_late_is_told_before_what_began_after_it(
    gatehouse: Gatehouse, transport: str, database: Database
) -> None:
    """The later one waits until the earlier one has ended, so nobody who goes on from a cursor misses either."""
    if database.dialect == "sqlite":
        pytest.skip("one writer at a time")
    async with watching(gatehouse, transport, EVENTS) as watcher:
        async with making(database) as first:
            request = await first.request(await first.client("shop"), "first")
            await record(first, request)
            async with making(database) as second:
                await record(second, await second.request(await second.client("other-shop"), "second"))
            assert await watcher.is_silent(), "the second alone would be taken for all there is"
        assert await told(watcher, 2) == ["first", "second"]


async def test_conditions_are_those_of_the_list(gatehouse: Gatehouse, transport: str) -> None:
    for where in ({"token": " T-1 "}, {"kinds": ["PAID"]}):
        async with watching(gatehouse, transport, EVENTS, {"where": where}) as watcher:
            await happened(gatehouse, f"T-0-{where}", RequestEventKind.CREATED)
            await happened(gatehouse, "T-1" if "token" in where else "T-2", RequestEventKind.PAID)
            assert (await watcher.next())["kind"] == "PAID"
            assert await watcher.is_silent()


async def a_sale_and_two_scans(make: Make) -> None:
    gate, other = await make.client("gate-1", Role.GATE), await make.client("gate-2", Role.GATE)
    castle = await make.admission("CASTLE")
    request = await make.request(await make.client("shop-1", Role.WEB_STORE), "of-shop-1")
    await record(make, request)
    ticket = await make.ticket(await make.line(request, await make.item("ADULT", castle)), "T-1")
    scans = [
        Event(
            kind=RequestEventKind.ADMITTED,
            at=NOON,
            actor="gate-1",
            client_id=gate,
            request_id=request.id,
            ticket_id=ticket.id,
            access_entry_id=ticket.access_entries[castle],
            scanned="T-1",
        ),
        Event(kind=RequestEventKind.REFUSED, at=NOON, actor="gate-2", client_id=other, scanned="Nobody's"),
    ]
    await db.timeline.record(make.write, scans, NOON)


@pytest.mark.parametrize(
    ("role", "client", "kinds"),
    [
        ("SUPPORT", None, ["CREATED", "ADMITTED", "REFUSED"]),
        ("POS", None, ["CREATED", "ADMITTED"]),
        ("WEB_STORE", "shop-1", ["CREATED", "ADMITTED"]),
        ("WEB_STORE", "shop-2", []),
        ("GATE", "gate-1", ["ADMITTED"]),
        ("GATE", "gate-2", ["REFUSED"]),
    ],
)
async def test_each_is_told_what_is_its_own(
    gatehouse: Gatehouse, role: str, client: str | None, kinds: list[str]
) -> None:
    """As they happen, and when going on behind a cursor."""
    transport = "websocket"  # it is decided without regard to it
    await happened(gatehouse, "first", client="a-third-shop")
    first = await settled(gatehouse)
    asker: Any = {"role": role, "client": client}
    async with watching(gatehouse, transport, EVENTS, **asker) as watcher:
        async with making(gatehouse.database) as make:
            await a_sale_and_two_scans(make)
        found = [await watcher.next() for _ in kinds]
        assert [event["kind"] for event in found] == kinds
        if role == "GATE":
            assert [event["request"] for event in found] == [None]
        assert await watcher.is_silent()
    async with watching(gatehouse, transport, EVENTS, {"after": first}, **asker) as watcher:
        assert [(await watcher.next())["kind"] for _ in kinds] == kinds
        assert await watcher.is_silent(0.1)


async def test_a_cursor_of_another_history_is_refused(gatehouse: Gatehouse, transport: str) -> None:
    async with watching(gatehouse, transport, EVENTS) as watcher:
        await happened(gatehouse, "T")
        cursor = (await watcher.next())["cursor"]
    async with gatehouse.database.writing() as write:
        await write.run(text(f"UPDATE history SET epoch = '{db.history.new_epoch()}'"))
    with pytest.raises(Over) as over:
        async with watching(gatehouse, transport, EVENTS, {"after": cursor}) as watcher:
            await watcher.next()
    assert over.value.codes == ["BAD_USER_INPUT"]
    assert "another history" in over.value.messages[0]


@pytest.mark.parametrize("is_set_back", [True, False])
async def test_it_ends_when_the_database_is_set_back_or_replaced(
    gatehouse: Gatehouse, transport: str, is_set_back: bool
) -> None:
    """Found when the process connects anew: positions would mean something else from then on."""
    if gatehouse.database.dialect == "sqlite" and not is_set_back:
        pytest.skip("a file is where it is")
    feed_ = gatehouse.app.state.feed
    await feed_.look_again()
    async with watching(gatehouse, transport, EVENTS) as watcher:
        await happened(gatehouse, "T")
        assert await told(watcher, 1) == ["T"]
        await feed_.look_again()
        assert await watcher.is_silent(0.1), "it is the same one"
        async with gatehouse.database.writing() as write:
            if is_set_back:
                await write.run(db.timeline.request_event.delete())
            else:
                await write.run(text("UPDATE history SET place = 'elsewhere'"))
        await feed_.look_again()
        with pytest.raises(Over) as over:
            await watcher.next()
        assert over.value.codes == ["BAD_USER_INPUT"]


async def test_a_failure_of_ours_is_never_shown(
    gatehouse: Gatehouse, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither where a subscription begins nor where it goes on; it is told by an id, and ends."""
    await happened(gatehouse, "T-0")
    start = await settled(gatehouse)

    async def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError("sesame")

    for name, variables in (("end", {}), ("between", {"after": start})):
        with monkeypatch.context() as patched:
            await happened(gatehouse, f"T-{name}")
            await settled(gatehouse, 2 if name == "end" else 3)
            patched.setattr(db.timeline, name, fail)
            with pytest.raises(Over) as over:
                async with watching(gatehouse, transport, EVENTS, variables) as watcher:
                    await watcher.next()
        assert over.value.codes == ["INTERNAL_SERVER_ERROR"]
        assert "sesame" not in str(over.value)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ('subscription { requestEvents(after: "x") { kind } }', "BAD_USER_INPUT"),
        ('subscription { slotChanged(admissionCode: "nowhere") { id } }', "BAD_USER_INPUT"),
        ("subscription { requestEvents { nothing } }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { a: requestEvents { kind } b: requestEvents { kind } }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { requestEvents ", "GRAPHQL_PARSE_FAILED"),
        ("subscription { requestEvents @skip(if: true) { kind } }", None),
    ],
)
async def test_what_is_at_fault_is_refused_before_anything_is_told(
    gatehouse: Gatehouse, transport: str, document: str, code: str | None
) -> None:
    with pytest.raises(Over) as over:
        async with watching(gatehouse, transport, document):
            pass
    assert code in (*over.value.codes, None)


async def expiring(gatehouse: Gatehouse) -> str:
    """A key of the support's that is good for an hour."""
    async with gatehouse.database.writing() as write:
        now = await write.clock()
        return await create_key(write, "desk", Role.SUPPORT, now, now + timedelta(hours=1))


@pytest.mark.parametrize("is_silent", [True, False])
async def test_it_ends_with_its_key(gatehouse: Gatehouse, transport: str, is_silent: bool) -> None:
    """Where nothing happens within the time between two looks at it; and where something does, untold."""
    async with gatehouse.with_settings(ping_seconds=0.2 if is_silent else 20) as patient:
        key = await expiring(patient)
        async with watching(patient, transport, EVENTS, key=key) as watcher:
            await happened(patient, "before")
            assert await told(watcher, 1) == ["before"]
            patient.travel(timedelta(hours=2))
            if not is_silent:
                await happened(patient, "after")
            with pytest.raises(Closed if transport == "websocket" else Over) as ended:
                await watcher.next()
            assert str(ended.value).startswith("4401" if transport == "websocket" else "UNAUTHENTICATED")


async def test_a_slot_is_told_when_places_are_held_and_sold_and_let_go(gatehouse: Gatehouse, transport: str) -> None:
    park = Park(gatehouse)
    tour = await park.sellable(capacity=10)
    async with watching(gatehouse, transport, SLOTS) as watcher:
        token = await park.registered(tour.line(3))
        expected = {"id": tour.slot, "held": 3, "sold": 0, "remaining": 7, "state": "OPEN"}
        assert await watcher.next() == expected
        await park.change("Confirm", token, paymentReference="P")
        assert await watcher.next() == expected | {"held": 0, "sold": 3}
        await park.registered(tour.line(2))
        assert (await watcher.next())["remaining"] == 5
        gatehouse.travel(timedelta(hours=1))  # nobody commits anything when a hold runs out
        assert (await watcher.next())["remaining"] == 7


async def test_a_burst_is_told_once(gatehouse: Gatehouse) -> None:
    """Ten sales within the time in which they are merged; the last word is right."""
    park = Park(gatehouse)
    tour = await park.sellable(capacity=100)
    other = await park.sellable("WALK")
    async with watching(gatehouse, "websocket", SLOTS) as watcher:
        for _ in range(10):
            await park.registered(tour.line(1))
        await park.registered(other.line(1))
        found = [await watcher.next()]
        while found[-1]["remaining"] != 90:
            found.append(await watcher.next())
        assert len(found) < 10
        assert {slot["id"] for slot in found} == {tour.slot}
        assert await watcher.is_silent(0.6)


async def test_many_share_one_reading(gatehouse: Gatehouse, transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many watch, and whoever they are, the events of one wake-up are read by one statement."""
    readings, read_told = [], db.timeline.told

    async def count(*asked: Any) -> Any:
        found = await read_told(*asked)
        readings.append(len(found[0]))
        return found

    monkeypatch.setattr(db.timeline, "told", count)
    roles = ["SUPPORT", "POS", "ADMIN", "WEB_STORE", "GATE"] * 3
    query = "subscription { requestEvents { kind } }"
    async with AsyncExitStack() as stack:
        watchers = [
            await stack.enter_async_context(watching(gatehouse, transport, query, role=role, client=f"{role}-{n}"))
            for n, role in enumerate(roles)
        ]
        gatehouse.statements.clear()
        await happened(gatehouse, "T")
        for role, watcher in zip(roles, watchers, strict=True):
            if role in ("SUPPORT", "POS", "ADMIN"):
                assert (await watcher.next())["kind"] == "CREATED"
        assert gatehouse.statements == [], "nobody reads it for himself"
    assert [number for number in readings if number] == [1], "the others looked in vain, and for everybody too"
