"""Nothing is missed and nothing told twice, whatever dies: servers by SIGKILL, connections in the middle of a word."""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

import db
from db.engine import Database
from db.timeline import Event, RequestEventKind
from tests.harness import Gatehouse
from tests.make import NOON
from tests.program import Served, serving

EVENTS = 10_000
WRITERS = 6
PROCESSES = 2
SUBSCRIPTION = "subscription ($after: String) { requestEvents(after: $after) { cursor scanned } }"


def event(name: str) -> Event:
    """One that is known by what was scanned."""
    return Event(kind=RequestEventKind.REFUSED, at=NOON, actor="gate", client_id=None, scanned=name)


# ----------------------------------------------------------------------------------------------- control


async def test_without_the_horizon_an_event_that_commits_late_is_skipped(database: Database) -> None:
    """The control: whoever goes on behind the last id that it saw never sees the one before it. Told by the horizon,
    both come, and in their order."""
    if database.dialect == "sqlite":
        pytest.skip("one writer at a time")
    naive: list[str] = []
    last = 0

    async def read_naively() -> None:
        nonlocal last
        async with database.reading() as read:
            for id_, scanned in await read.fetch(
                "SELECT id, scanned FROM request_event WHERE id > $1 ORDER BY id", (last,)
            ):
                naive.append(scanned)
                last = id_

    async def told_behind(position: db.timeline.Position) -> list[str]:
        async with database.reading() as read:
            return [one.event.scanned or "" for one in (await db.timeline.told(read, position, 10))[0]]

    async with database.reading() as read:
        start = await db.timeline.end(read)
    async with database.writing() as first:
        await db.timeline.record(first, [event("first")], NOON)
        async with database.writing() as second:
            await db.timeline.record(second, [event("second")], NOON)
        await read_naively()
        assert await told_behind(start) == []
    await read_naively()
    assert naive == ["second"], "and never the first"
    for _ in range(600):
        if found := await told_behind(start):
            break
        await asyncio.sleep(0.05)
    assert found == ["first", "second"]


# ------------------------------------------------------------------------------------------------- proof


class Fleet:
    """Server processes over one database, of which one now and then is killed and another started in its place."""

    def __init__(self, stack: ExitStack, folder: Path, url: str) -> None:
        self._stack = stack
        self._folder = folder
        self._url = url
        self.servers: list[Served] = []
        self.kills = 0

    async def start(self) -> Served:
        folder = self._folder / f"server-{self.kills}-{len(self.servers)}"
        folder.mkdir()
        settings = {"DATABASE_URL": self._url, "PING_SECONDS": "5"}
        return await asyncio.to_thread(self._stack.enter_context, serving("serve", folder=folder, **settings))

    async def kill(self, number: int) -> None:
        self.servers[number].process.kill()
        self.kills += 1
        self.servers[number] = await self.start()


class Subscriber(ABC):
    """Follows the events from one cursor to the next, at whichever server answers, until it has all there are."""

    def __init__(self, fleet: Fleet, key: str, cursor: str, chance: random.Random) -> None:
        self._fleet = fleet
        self._key = key
        self._cursor = cursor
        self._chance = chance
        self.told: list[str] = []
        self.connections = 0
        self.hang_up: Callable[[], Any] = lambda: None

    async def follow(self, number: int) -> None:
        while len(self.told) < number:
            served = self._chance.choice(self._fleet.servers)
            self.connections += 1
            with suppress(OSError, WebSocketException, httpx.HTTPError, TimeoutError):
                async for body in self.answers(served.url):
                    assert "errors" not in body, body
                    event = body["data"]["requestEvents"]
                    self._cursor = event["cursor"]
                    self.told.append(event["scanned"])
                    if len(self.told) == number:
                        return
            await asyncio.sleep(0.02)

    def asked(self) -> dict[str, Any]:
        return {"query": SUBSCRIPTION, "variables": {"after": self._cursor}}

    @abstractmethod
    def answers(self, url: str) -> AsyncIterator[dict[str, Any]]:
        """What is answered at that address, from the cursor on, until the connection ends."""


class OverWebsocket(Subscriber):
    async def answers(self, url: str) -> AsyncIterator[dict[str, Any]]:
        address = f"{url.replace('http', 'ws', 1)}/graphql"
        async with connect(address, subprotocols=["graphql-transport-ws"], open_timeout=10) as socket:  # type: ignore[list-item]
            self.hang_up = socket.transport.abort
            init = {"type": "connection_init", "payload": {"authorization": f"Bearer {self._key}"}}
            await socket.send(orjson.dumps(init).decode())
            assert orjson.loads(await socket.recv()) == {"type": "connection_ack"}
            await socket.send(orjson.dumps({"id": "1", "type": "subscribe", "payload": self.asked()}).decode())
            async for text in socket:
                message = orjson.loads(text)
                assert message["type"] == "next", message
                yield message["payload"]


class OverEventStream(Subscriber):
    async def answers(self, url: str) -> AsyncIterator[dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self._key}", "Accept": "text/event-stream"}
        asked: dict[str, Any] = {"json": self.asked(), "headers": headers}
        async with httpx.AsyncClient(timeout=10) as http, http.stream("POST", f"{url}/graphql", **asked) as answer:
            self.hang_up = lambda: asyncio.ensure_future(answer.aclose())
            async for line in answer.aiter_lines():
                if line.startswith("data: "):
                    yield orjson.loads(line.removeprefix("data: "))


async def write(database: Database, names: list[str], chance: random.Random) -> None:
    """Record these, a few in each transaction, of which some stay open while later ones end."""
    while names:
        some = [names.pop() for _ in range(min(len(names), chance.randint(1, 12)))]
        async with database.writing() as transaction:
            await db.timeline.record(transaction, [event(name) for name in some], NOON)
            if database.dialect == "postgresql" and chance.random() < 0.2:
                await asyncio.sleep(chance.uniform(0, 0.1))
        await asyncio.sleep(0.06)  # so that it takes long enough for something to die


@pytest.mark.prove
@pytest.mark.timeout(300)
async def test_ten_thousand_events_are_told_once_each_whatever_dies(database: Database, tmp_path: Path) -> None:
    """While they are written servers are killed and connections cut; two subscribers, one over each transport, go on
    at whichever server answers, and in the end have each event once, in the order of recording."""
    async with Gatehouse(database) as gatehouse:
        key = await gatehouse.key("SUPPORT")
        async with database.writing() as transaction:
            await db.timeline.record(transaction, [event("start")], NOON)
        start = None
        while start is None:
            found = (await gatehouse.data("{ requestEvents { nodes { cursor } } }"))["requestEvents"]["nodes"]
            start = found[0]["cursor"] if found else None
    chance = random.Random(20261125)
    names = [f"E-{number}" for number in range(EVENTS)]
    hung_up = 0
    with ExitStack() as stack:
        fleet = Fleet(stack, tmp_path, database.url.render_as_string(hide_password=False))
        for _ in range(PROCESSES):
            fleet.servers.append(await fleet.start())
        subscribers = [kind(fleet, key, start, chance) for kind in (OverWebsocket, OverEventStream)]
        following = [asyncio.create_task(one.follow(EVENTS)) for one in subscribers]
        left = list(names)
        writing = [asyncio.create_task(write(database, left, chance)) for _ in range(WRITERS)]
        while left:
            for _ in range(2):
                await asyncio.sleep(chance.uniform(0.1, 0.4))
                for one in subscribers:
                    one.hang_up()
                hung_up += 1
            await asyncio.sleep(chance.uniform(0.1, 0.4))
            await fleet.kill(chance.randrange(PROCESSES))
        await asyncio.gather(*writing)
        async with asyncio.timeout(120):
            await asyncio.gather(*following)
        await asyncio.sleep(0.5)
    assert fleet.kills >= 2
    assert hung_up >= 4
    async with database.reading() as read:
        rows = await read.fetch("SELECT scanned FROM request_event WHERE scanned <> 'start' ORDER BY tx, id")
    recorded = [row[0] for row in rows]
    assert sorted(recorded) == sorted(names)
    for one in subscribers:
        assert one.connections > fleet.kills
        assert one.told == recorded
