"""News: that something was committed, by this process or another, so that nobody has to keep asking.

It wakes, and carries nothing: whoever waits reads what there is, and finds out by itself where it has gone on. Hence
news that are lost, doubled or late do no harm, so long as everybody also looks now and then unasked.

PostgreSQL's NOTIFY is not part of the transactions that it tells of: commits that notify wait for each other all over
the cluster. A process tells the others afterwards, for all its commits of a few hundredths of a second together, on a
connection of its own. It is the one that listens, is not of the pools, and must not lead through a pooler, which would
give it away between two transactions. On SQLite ``PRAGMA data_version`` tells whether another connection has committed
anything to the file.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import structlog
from sqlalchemy.engine import URL, make_url

from .driver import Connection, postgresql, sqlite
from .engine import Database

log = structlog.get_logger("gatehouse")

CHANNEL = "gatehouse"

TELL_SECONDS = 0.03
"""How long a process gathers its commits before it tells the others of them."""

LOOK_SECONDS = 0.1
"""How often a SQLite file is looked at for what other processes have committed, while somebody waits for news."""

ALIVE_SECONDS = 10
"""How often the connection that listens is tried: a network that has gone says nothing."""

ANSWER_SECONDS = 5
"""How long it may take to answer."""

RETRY_SECONDS = (0.2, 0.5, 1, 2, 5)
"""How long to wait before connecting anew, the more often it failed."""


class News:
    """``address`` is where PostgreSQL is reached without a pooler; None: where the database's connections go."""

    def __init__(self, database: Database, address: str | None = None) -> None:
        self._database = database
        self._address: URL = make_url(address) if address else database.url
        self.on_connect: Callable[[], Awaitable[None]] | None = None
        """Awaited whenever there is a new connection: the server behind it may be another than before."""
        self._count = 0
        self._next: asyncio.Future[None] | None = None
        self._waiting = 0
        self._is_awaited = asyncio.Event()
        self._committed = asyncio.Event()
        self._failures = 0
        """In a row."""
        database.on_commit = self._commit

    @property
    def count(self) -> int:
        """How much news there has been: what ``after`` waits to be exceeded."""
        return self._count

    async def after(self, seen: int, seconds: float) -> int:
        """Wait until there is more news than ``seen``, or so long; answers how much there is."""
        if self._count > seen:
            return self._count
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        self._waiting += 1
        self._is_awaited.set()
        try:
            await asyncio.wait({self._next}, timeout=seconds)
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._is_awaited.clear()
        return self._count

    def wake(self) -> None:
        """There is news."""
        self._count += 1
        if self._next is not None:
            self._next.set_result(None)
            self._next = None

    def _commit(self) -> None:
        self._committed.set()
        self.wake()

    async def run(self) -> None:
        """Tell and hear, for ever. What goes wrong is logged once and tried again."""
        follow = self._follow_file if self._database.dialect == "sqlite" else self._follow_server
        while True:
            try:
                await follow()
            except Exception as cause:
                if self._failures == 0:
                    log.warning("no news of other processes", exc_info=cause)
                await asyncio.sleep(RETRY_SECONDS[min(self._failures, len(RETRY_SECONDS) - 1)])
                self._failures += 1
            self.wake()

    async def _follow_file(self) -> None:
        connection = await sqlite.connect(self._address, write=False)
        try:
            version = None
            while True:
                await self._is_awaited.wait()
                ((found,),) = await connection.fetch("PRAGMA data_version", ())
                if found != version:
                    version = found
                    self._failures = 0
                    self.wake()
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            await connection.close()

    async def _follow_server(self) -> None:
        """Until the connection is lost."""
        async with asyncio.timeout(ANSWER_SECONDS):
            connection = await postgresql.connect(self._address)
        try:
            await self._converse(connection)
        finally:
            connection.drop()

    async def _converse(self, connection: Connection) -> None:
        driver, is_lost = connection.driver, asyncio.Event()

        def hear(_connection: Any, sender: int, _channel: str, _payload: str) -> None:
            if sender != driver.get_server_pid():
                self.wake()

        def lose(_connection: Any) -> None:
            is_lost.set()
            self._committed.set()

        driver.add_termination_listener(lose)
        async with asyncio.timeout(ANSWER_SECONDS):
            await driver.add_listener(CHANNEL, hear)
        if self.on_connect is not None:
            await self.on_connect()
        self._failures = 0
        self.wake()  # of what was committed while nobody listened
        while not is_lost.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(ALIVE_SECONDS):
                    await self._committed.wait()
            await asyncio.sleep(TELL_SECONDS)
            has_news = self._committed.is_set()
            self._committed.clear()
            if not is_lost.is_set():
                async with asyncio.timeout(ANSWER_SECONDS):
                    await driver.execute(f"NOTIFY {CHANNEL}" if has_news else "SELECT 1")
