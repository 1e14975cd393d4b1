"""A few connections for many tasks: who comes first is served first, and none waits for ever."""

import asyncio
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
        self._places = asyncio.Semaphore(size)
        self._idle: list[Connection] = []
        self._closing: set[asyncio.Task[None]] = set()
        self.in_use = 0
        """How many connections are out."""

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
        if self._places.locked():
            try:
                async with asyncio.timeout(SECONDS):
                    await self._places.acquire()
            except TimeoutError:
                raise NoConnection(f"every connection was in use for {SECONDS} seconds") from None
        else:
            await self._places.acquire()  # at once
        self.in_use += 1

    def _leave(self) -> None:
        self.in_use -= 1
        self._places.release()

    def _kept(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed:
                return connection
        return None
