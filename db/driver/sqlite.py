"""aiosqlite behind the port: each statement is one errand for the connection's thread, its rows and all."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import aiosqlite
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL

from . import Asked, Row

T = TypeVar("T")

BUSY_SECONDS = 15
"""How long a writer waits for another process's transaction."""

PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    f"busy_timeout = {BUSY_SECONDS * 1000}",
)
STATEMENTS_KEPT = 200
"""How many statements a connection keeps prepared."""


class _Errand:
    """Something that a connection's thread is to do, unless it is too late for it."""

    def __init__(self, do: Callable[[], Any]) -> None:
        self._do = do
        self.is_canceled = False
        self.is_running = False

    def __call__(self) -> Any:
        self.is_running = True
        try:
            return None if self.is_canceled else self._do()
        finally:
            self.is_running = False


class Interruptible(aiosqlite.Connection):
    """A connection whose statement ends when the task that waits for it is canceled.

    aiosqlite leaves it running in its thread, and whoever gets the connection next waits for it.
    """

    async def _execute(self, fn: Callable[..., Any], *args: Any, **options: Any) -> Any:
        errand = _Errand(partial(fn, *args, **options))
        try:
            return await super()._execute(errand)  # type: ignore[no-untyped-call]
        except asyncio.CancelledError:
            errand.is_canceled = True
            while errand.is_running:  # one that has only just begun does not hear the first word
                await self.interrupt()
                await asyncio.sleep(0.001)
            raise

    async def errand(self, do: Callable[[sqlite3.Connection], T]) -> T:
        """Do something with the connection, in its thread."""
        done: T = await self._execute(do, self._conn)
        return done

    def abandon(self) -> None:
        """Undo what it does, and close it, when its thread comes to it.

        SQLite closes a connection of which somebody still has a cursor only once that is gone; until then its
        transaction would keep every other writer out.
        """
        self._tx.put_nowait((None, lambda: self._conn.rollback()))
        self.stop()


def open_file(file: str, **options: Any) -> Interruptible:
    """A connection to that file, to be awaited. It begins no transaction of itself.

    The driver's own BEGIN is deferred, and upgrading it fails with "database is locked".
    """
    options = {"timeout": BUSY_SECONDS, "cached_statements": STATEMENTS_KEPT} | options | {"isolation_level": None}
    connection = Interruptible(partial(sqlite3.connect, file, **options), iter_chunk_size=64)
    connection._thread.daemon = True  # as SQLAlchemy does: one left open is no reason to keep the process
    return connection


async def connect(url: URL, *, write: bool) -> "Connection":
    """A new connection; one that is not for writing refuses to."""
    (file,), options = sqlite.aiosqlite.dialect().create_connect_args(url)
    driver = open_file(file, **options)
    await driver

    def set_up(raw: sqlite3.Connection) -> None:
        for pragma in PRAGMAS + (() if write else ("query_only = ON",)):
            raw.execute(f"PRAGMA {pragma}")

    await driver.errand(set_up)
    return Connection(driver)


class Connection:
    """See the port."""

    __slots__ = ("driver", "is_closed")

    is_stopping = False
    """A statement has stopped when its task goes on."""

    def __init__(self, driver: Interruptible) -> None:
        self.driver = driver
        self.is_closed = False

    async def fetch(self, text: str, values: Sequence[Any]) -> Sequence[Row]:
        return await self.driver.errand(lambda raw: raw.execute(text, values).fetchall())

    async def fetch_abreast(self, asked: Sequence[Asked]) -> Sequence[Sequence[Row]]:
        return await self.driver.errand(
            lambda raw: [raw.execute(form.text, values).fetchall() for form, values in asked]
        )

    async def run(self, text: str, values: Sequence[Any]) -> int:
        return await self.driver.errand(lambda raw: raw.execute(text, values).rowcount)

    async def fetch_each(self, text: str, values: Sequence[Sequence[Any]]) -> Sequence[Row]:
        return await self.driver.errand(lambda raw: [row for one in values for row in raw.execute(text, one)])

    async def run_each(self, text: str, values: Sequence[Sequence[Any]]) -> None:
        await self.driver.errand(lambda raw: raw.executemany(text, values).close())

    async def begin(self, lock_seconds: float | None = None) -> None:
        """There is but one lock, and a writer has it."""
        await self.run("BEGIN IMMEDIATE", ())

    async def commit(self) -> None:
        await self.run("COMMIT", ())

    async def rollback(self) -> None:
        await self.driver.errand(lambda raw: raw.rollback())

    async def close(self) -> None:
        self.is_closed = True
        with suppress(sqlite3.Error, ValueError):
            await self.driver.close()

    def drop(self) -> None:
        self.is_closed = True
        self.driver.abandon()
