"""Ten times more clients than the server can serve, for a minute; and what it is like a moment later."""

import asyncio
import json
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy.engine import URL

from db.client import Role
from db.engine import Database
from resolvers import demo
from resolvers.actor import create_key
from resolvers.context import Rules
from tests import program
from tests.program import Served

pytestmark = [pytest.mark.prove, pytest.mark.timeout(300)]

AT_ONCE = 200
"""Operations that the server has under way, by default."""

CLIENTS = 10 * AT_ONCE
SECONDS = 60
BACK_WITHIN_SECONDS = 5
MEGABYTES = 300
QUERY = """{ ticketRequests(first: 10) { nodes {
  token status customer { name } references { externalOrderNo } tickets(first: 5) { nodes { externalTicketNo } }
} } }"""


@dataclass
class Told:
    """What clients were told: how often each status, and how long each answer took, by status, in seconds."""

    statuses: Counter[int] = field(default_factory=Counter)
    took: dict[int, list[float]] = field(default_factory=dict)

    def note(self, status: int, seconds: float) -> None:
        self.statuses[status] += 1
        self.took.setdefault(status, []).append(seconds)


async def client(served: Served, until: float, told: Told, pause: float = 0) -> None:
    """Ask on one connection, again as soon as there is an answer, whatever it says."""
    address = urlsplit(served.url)
    body = json.dumps({"query": QUERY})
    head = f"POST /graphql HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {served.keys['SUPPORT']}\r\n"
    question = f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        while (began := time.monotonic()) < until:
            writer.write(question)
            answered = await reader.readuntil(b"\r\n\r\n")
            length = int(answered.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            await reader.readexactly(length)
            told.note(int(answered[9:12]), time.monotonic() - began)
            await asyncio.sleep(pause)
    finally:
        writer.close()


async def crowd(served: Served, clients: int, seconds: float) -> Told:
    told = Told()
    until = time.monotonic() + seconds
    await asyncio.gather(*(client(served, until, told) for _ in range(clients)))
    return told


def megabytes(served: Served) -> float:
    """The memory that the server's process occupies."""
    status = Path(f"/proc/{served.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


async def most_memory(served: Served, seconds: float) -> float:
    until, most = time.monotonic() + seconds, 0.0
    while time.monotonic() < until:
        most = max(most, megabytes(served))
        await asyncio.sleep(0.2)
    return most


async def usual(served: Served, seconds: float) -> float:
    """The median of what one client waits for its answers."""
    told = await crowd(served, 1, seconds)
    assert set(told.statuses) == {200}
    return statistics.median(told.took[200])


async def filled(url: URL) -> str:
    """Something to ask for; answers a key of SUPPORT."""
    database = Database(url)
    try:
        await demo.load(database, Rules(), requests=300, progress=lambda _done, _of: None)
        async with database.writing() as write:
            return await create_key(write, "The crowd", Role.SUPPORT, await write.clock())
    finally:
        await database.dispose()


async def test_it_does_what_it_can_and_turns_away_the_rest(own_postgresql: URL, tmp_path: Path) -> None:
    """It answers at its own rate, tells the rest within seconds, keeps its size, and is itself again at once."""
    key = await filled(own_postgresql)
    address = own_postgresql.render_as_string(hide_password=False)
    with program.serving("serve", folder=tmp_path, DATABASE_URL=address) as served:
        served.keys["SUPPORT"] = key
        await crowd(served, 8, 2)
        before = await usual(served, 3)
        served_alone = (await crowd(served, 8, 5)).statuses[200] / 5
        told, memory = await asyncio.gather(crowd(served, CLIENTS, SECONDS), most_memory(served, SECONDS))
        ended = time.monotonic()
        while (after := await usual(served, 0.5)) > 2 * before:
            assert time.monotonic() - ended < BACK_WITHIN_SECONDS, f"{after:.4f} s instead of {before:.4f}"
        assert set(told.statuses) == {200, 503}
        # Whoever asks shares the machine, and two thousand of them take their part of it.
        assert told.statuses[200] / SECONDS > served_alone / 4, (told.statuses, served_alone)
        assert statistics.quantiles(told.took[503], n=100)[98] < 8
        assert memory < MEGABYTES
