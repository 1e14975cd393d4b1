"""The way to the database: read connections and write transactions as two types, and the one clock.

A *read* runs in autocommit on an engine of its own: no BEGIN, no ROLLBACK, no reset. A *write* is one
transaction: READ COMMITTED on PostgreSQL, BEGIN IMMEDIATE on SQLite. Functions that take a ``Read`` or a
``Write`` never open, commit or roll back; ``Database`` does.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple, TypeVar

import aiosqlite
from sqlalchemy import Connection, Executable, Row, Table, event, func, insert, literal_column, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from .base import Instant

T = TypeVar("T", bound=NamedTuple)

statements: ContextVar[list[str] | None] = ContextVar("statements", default=None)
"""Set to a list, it collects the text of every statement run in this context: the log's count, and the tests'."""


POOL_SECONDS = 30
"""How long a task waits for a connection before it fails."""

BUSY_SECONDS = 15
"""How long a SQLite writer waits for another process's transaction."""

SQLITE_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    f"busy_timeout = {BUSY_SECONDS * 1000}",
)


class Read:
    """A connection that only reads. Every statement sees what is committed when it starts."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self.dialect = connection.dialect.name

    async def all(
        self, statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[Row[*tuple[Any, ...]]]:
        """Every row of the answer."""
        return (await self.connection.execute(statement, parameters)).all()

    async def rows(self, kind: type[T], statement: Executable, parameters: Mapping[str, Any] | None = None) -> list[T]:
        """Every row, as the row class whose fields are the statement's columns in their order."""
        make = kind._make
        return [make(row) for row in await self.all(statement, parameters)]

    async def first(
        self, kind: type[T], statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> T | None:
        """The first row as its row class, or None."""
        found = await self.rows(kind, statement, parameters)
        return found[0] if found else None

    async def value(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Any:
        """The first column of the first row, or None."""
        return (await self.connection.execute(statement, parameters)).scalar()


class Write(Read):
    """A transaction. What it read under a lock stays true until it ends."""

    async def run(
        self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> int:
        """Run a statement that changes rows; answers how many it matched."""
        if isinstance(parameters, Sequence) and not parameters:
            return 0
        result = await self.connection.execute(statement, parameters)
        return int(result.rowcount)

    def insert(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        """An INSERT that may say what to do ON CONFLICT: both databases can, each in its own dialect."""
        return postgresql.insert(table) if self.dialect == "postgresql" else sqlite.insert(table)

    async def add(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> list[int]:
        """Insert rows and answer their ids, in the order of the rows."""
        if not rows:
            return []
        statement = insert(table).returning(table.c.id, sort_by_parameter_order=True)
        return list((await self.connection.execute(statement, list(rows))).scalars())

    async def next_ids(self, table: Table, number: int) -> list[int]:
        """Ids for rows yet to be inserted, rising: the series from which numbers are made. It may have gaps.

        On PostgreSQL the table's own sequence, which nobody waits for; on SQLite there is one writer at a time, and
        nothing is ever deleted.
        """
        if self.dialect == "postgresql":
            sequence = func.nextval(func.pg_get_serial_sequence(table.name, "id"))
            return [
                int(row[0]) for row in await self.all(select(sequence).select_from(func.generate_series(1, number)))
            ]
        last = int(await self.value(select(func.coalesce(func.max(table.c.id), 0))))
        return list(range(last + 1, last + 1 + number))

    async def clock(self) -> datetime:
        """The database's clock, now: read after locks are held, it decides what has expired.

        ``clock_timestamp()`` and not ``now()``: the latter is the transaction's start, which a lock wait leaves behind.
        """
        moment = await self.value(CLOCK[self.dialect])
        assert isinstance(moment, datetime)
        options = self.connection.sync_connection.get_execution_options() if self.connection.sync_connection else {}
        offset: timedelta = options.get("clock_offset", timedelta())
        return moment + offset


CLOCK = {
    "postgresql": select(func.clock_timestamp(type_=Instant())),
    "sqlite": select(literal_column("strftime('%Y-%m-%d %H:%M:%f000', 'now')", Instant())),
}


class Database:
    """One database: its engines, and a clock that agrees with the database's own.

    ``clock_offset`` moves the clock of this object (not the database's): tests travel in time with it.
    ``machine_clock`` is this machine's, which may be wrong; it is corrected by what ``measure_clock`` found.
    """

    def __init__(
        self,
        url: str | URL,
        *,
        pool_size: int = 10,
        clock_offset: timedelta = timedelta(),
        machine_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.url = make_url(url)
        self._machine_clock = machine_clock
        self.dialect = self.url.get_backend_name()
        self.clock_offset = clock_offset
        self._drift = timedelta()
        if self.dialect == "sqlite":
            self.writer = _sqlite(self.url, pool_size=pool_size, write=True)
            self.reader = _sqlite(self.url, pool_size=pool_size, write=False)
        else:
            self.writer = _postgresql(self.url, pool_size=pool_size)
            self.reader = _postgresql(
                self.url, pool_size=pool_size, isolation_level="AUTOCOMMIT", pool_reset_on_return=None
            )
        for engine in {self.writer, self.reader}:
            event.listen(engine.sync_engine, "before_cursor_execute", _collect)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Read]:
        """A connection to read with. Never open a second one while holding it: that is how a pool deadlocks."""
        async with self.reader.connect() as connection:
            yield Read(connection)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Write]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        async with self.writer.connect() as connection:
            await connection.execution_options(clock_offset=self.clock_offset)
            async with connection.begin():
                yield Write(connection)

    def now(self) -> datetime:
        """The database's clock as last measured, without asking it: for reading, where a millisecond is nothing."""
        return self._machine_clock() + self._drift + self.clock_offset

    async def measure_clock(self) -> None:
        """Compare this machine's clock with the database's: servers with different clocks agree on what has expired."""
        if self.dialect == "sqlite":
            return  # one machine, one clock
        async with self.reading() as read:
            before = time.monotonic()
            theirs: datetime = await read.value(CLOCK[self.dialect])
            round_trip = time.monotonic() - before
        self._drift = theirs + timedelta(seconds=round_trip / 2) - self._machine_clock()

    async def dispose(self) -> None:
        """Close every connection."""
        for engine in {self.writer, self.reader}:
            await engine.dispose()


def _collect(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
    collected = statements.get()
    if collected is not None:
        collected.append(statement)


def _postgresql(url: URL, *, pool_size: int, **options: Any) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        hide_parameters=True,
        connect_args={"server_settings": {"application_name": "gatehouse", "timezone": "UTC", "jit": "off"}},
        **options,
    )


class _Interruptible(aiosqlite.Connection):
    """A connection whose statement ends when the task that waits for it is canceled.

    aiosqlite leaves it running in its thread, and whoever gets the connection next waits for it.
    """

    async def _execute(self, fn: Callable[..., Any], *args: Any, **options: Any) -> Any:
        try:
            return await super()._execute(fn, *args, **options)  # type: ignore[no-untyped-call]
        except asyncio.CancelledError:
            await self.interrupt()
            raise


def _connect_sqlite(file: str, **options: Any) -> _Interruptible:
    connection = _Interruptible(partial(sqlite3.connect, file, **options), iter_chunk_size=64)
    connection._thread.daemon = True  # as SQLAlchemy does: one left open is no reason to keep the process
    return connection


def _sqlite(url: URL, *, pool_size: int, write: bool) -> AsyncEngine:
    """One writer per process: its writers queue for it here, fairly; other processes' wait for the file's lock."""
    options: dict[str, Any] = (
        {"pool_size": 1}
        if write
        else {"pool_size": pool_size, "isolation_level": "AUTOCOMMIT", "pool_reset_on_return": None}
    )
    engine = create_async_engine(
        url,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        hide_parameters=True,
        connect_args={"timeout": BUSY_SECONDS, "async_creator_fn": _connect_sqlite},
        **options,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = (
            None  # the driver's own BEGIN is deferred, and upgrading it fails with "database is locked"
        )
        for pragma in SQLITE_PRAGMAS + (() if write else ("query_only = ON",)):
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA {pragma}")
            cursor.close()

    if write:

        @event.listens_for(engine.sync_engine, "begin")
        def begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
