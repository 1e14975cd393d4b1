"""A few connections for many tasks: who comes first is served first, and none waits for ever."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from . import Connection, NoConnection

SECONDS = 30
"""How long a task waits for a connection before it fails."""


class Pool:
    """At most ``size`` connections, opened when they are needed and kept; the one that was used last is used next.

    One that was closed under us is forgotten. One in which a statement may still be going on is closed, and keeps its
    place until it is.
    """

    def __init__(self, connect: Callable[[], Awaitable[Connection]], size: int) -> None:
        self._connect = connect
        self._free = size
        """Places that nobody has. While there are any, nobody waits for one."""
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._idle: list[Connection] = []
        self._closing: set[asyncio.Task[None]] = set()
        self.in_use = 0
        """How many connections are out."""

    def take_now(self) -> Connection | None:
        """A connection, to be given back, if there is one that needs no waiting: what most find."""
        if not self._free or (connection := self._kept()) is None:
            return None
        self._free -= 1
        self.in_use += 1
        return connection

    async def take(self) -> Connection:
        """A connection, to be given back. Raises NoConnection, and what the driver raises where none can be opened."""
        await self._enter()
        try:
            return self._kept() or await self._connect()
        except BaseException:
            self._leave()
            raise

    def give_back(self, connection: Connection) -> None:
        """The connection is free for the next."""
        if connection.is_stopping:
            task = asyncio.create_task(self._end(connection))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
            return
        if not connection.is_closed:
            self._idle.append(connection)
        self._leave()

    async def _end(self, connection: Connection) -> None:
        try:
            await connection.close()
        finally:
            self._leave()

    async def close(self) -> None:
        """Close what is not in use."""
        while self._idle:
            await self._idle.pop().close()
        if self._closing:
            await asyncio.wait(set(self._closing))

    async def _enter(self) -> None:
        """Have a place: at once, or in the order of those who wait."""
        if self._free:
            self._free -= 1
            self.in_use += 1
            return
        loop = asyncio.get_running_loop()
        place = loop.create_future()
        self._waiting.append(place)
        patience = loop.call_later(SECONDS, _give_up, place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:  # it had just been handed over
                self._leave()
            raise
        finally:
            patience.cancel()

    def _leave(self) -> None:
        """Hand the place to who waits longest."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._free += 1
        self.in_use -= 1

    def _kept(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed:
                return connection
        return None


def _give_up(place: asyncio.Future[None]) -> None:
    if not place.done():
        place.set_exception(NoConnection(f"every connection was in use for {SECONDS} seconds"))
