"""A few connections for many tasks: who comes first is served first, and none waits for ever."""

import asyncio
from collections.abc import Awaitable, Callable

from . import Connection, NoConnection

SECONDS = 30
"""How long a task waits for a connection before it fails."""


class Pool:
    """At most ``size`` connections, opened when they are needed and kept; the one that was used last is used next.

    One that was closed under us is forgotten. One whose task was canceled is kept: the drivers stop what it was doing,
    and do nothing else with it before it has stopped.
    """

    def __init__(self, connect: Callable[[], Awaitable[Connection]], size: int) -> None:
        self._connect = connect
        self._places = asyncio.Semaphore(size)
        self._idle: list[Connection] = []
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
        if not connection.is_closed:
            self._idle.append(connection)
        self._leave()

    async def close(self) -> None:
        """Close what is not in use."""
        while self._idle:
            await self._idle.pop().close()

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
