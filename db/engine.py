"""The way to the database: read connections and write transactions as two types, and the one clock.

A *read* is one statement after the other on a connection of its own: no BEGIN, no ROLLBACK, no reset. A *write* is one
transaction: READ COMMITTED on PostgreSQL, BEGIN IMMEDIATE on SQLite. Functions that take a ``Read`` or a
``Write`` never open, commit or roll back; ``Database`` does.
"""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Executable,
    Integer,
    NullPool,
    Select,
    Table,
    bindparam,
    event,
    func,
    insert,
    literal_column,
    select,
)
from sqlalchemy import Connection as AlchemyConnection
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.sql.dml import ReturningInsert

from .base import Instant
from .driver import FAILURES, Connection, Row
from .driver import postgresql as postgresql_driver
from .driver import sqlite as sqlite_driver
from .driver.pool import Pool
from .rendering import Form, rendered

T = TypeVar("T", bound=NamedTuple)

statements: ContextVar[list[str] | None] = ContextVar("statements", default=None)
"""Set to a list, it collects the text of every statement run in this context: the log's count, and the tests'."""

watchers: list[Callable[[str], None]] = []
"""Told the same, as it happens: for tests."""

NONE: Mapping[str, Any] = {}


INSERT: Mapping[str, Callable[[Table], postgresql.Insert | sqlite.Insert]] = {
    "postgresql": postgresql.insert,
    "sqlite": sqlite.insert,
}
"""An INSERT that may say what to do ON CONFLICT: both databases can, each in its own dialect."""


class Read:
    """A connection that only reads. Every statement sees what is committed when it starts."""

    def __init__(self, connection: Connection, dialect: str) -> None:
        self.connection = connection
        self.dialect = dialect

    async def all(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Sequence[Row]:
        """Every row of the answer."""
        known = rendered(self.dialect, statement, parameters or NONE)
        found = await self._run(known.form, known.values(parameters or NONE))
        decode = known.form.decode
        return found if decode is None else decode(found)

    async def _run(self, form: Form, values: Sequence[Any]) -> Sequence[Row]:
        return await self.fetch(form.text, values)

    async def fetch(self, text: str, values: Sequence[Any] = ()) -> Sequence[Row]:
        """Every row of the answer to a statement that is in the database's own words."""
        collect(text)
        return await self.connection.fetch(text, values)

    async def rows(self, kind: type[T], statement: Executable, parameters: Mapping[str, Any] | None = None) -> list[T]:
        """Every row, as the row class whose fields are the statement's columns in their order."""
        found = await self.all(statement, parameters)
        if found and len(found[0]) != len(kind._fields):
            raise TypeError(f"{kind.__name__} is not a row of {len(found[0])} columns")
        return list(map(partial(tuple.__new__, kind), found))

    async def first(
        self, kind: type[T], statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> T | None:
        """The first row as its row class, or None."""
        found = await self.rows(kind, statement, parameters)
        return found[0] if found else None

    async def value(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Any:
        """The first column of the first row, or None."""
        found = await self.all(statement, parameters)
        return found[0][0] if found else None


class Write(Read):
    """A transaction. What it read under a lock stays true until it ends."""

    def __init__(self, connection: Connection, dialect: str, clock_offset: timedelta) -> None:
        super().__init__(connection, dialect)
        self._clock_offset = clock_offset

    async def run(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> int:
        """Run a statement that changes rows; answers how many it matched."""
        known = rendered(self.dialect, statement, parameters or NONE)
        return await self.run_text(known.form.text, known.values(parameters or NONE))

    async def run_each(self, statement: Executable, parameters: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement for each of these, one after the other; all name the same parameters."""
        if parameters:
            known = rendered(self.dialect, statement, parameters[0], for_each=True)
            collect(known.form.text)
            await self.connection.run_each(known.form.text, [known.values(one) for one in parameters])

    async def run_text(self, text: str, values: Sequence[Any] = ()) -> int:
        """Run a statement that is in the database's own words; answers how many rows it matched."""
        collect(text)
        return await self.connection.run(text, values)

    def insert(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        """An INSERT that may say what to do ON CONFLICT: both databases can, each in its own dialect."""
        return INSERT[self.dialect](table)

    async def add(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> list[int]:
        """Insert rows and answer their ids, in the order of the rows."""
        if not rows:
            return []
        known = rendered(self.dialect, _adding(table), rows[0], for_each=True)
        collect(known.form.text)
        added = await self.connection.fetch_each(known.form.text, [known.values(row) for row in rows])
        return [row[0] for row in added]

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """What the block does is undone if it raises, and the transaction goes on."""
        await self.run_text("SAVEPOINT attempt")
        try:
            yield
        except Exception:
            await self.run_text("ROLLBACK TO SAVEPOINT attempt")
            raise
        await self.run_text("RELEASE SAVEPOINT attempt")

    async def next_ids(self, table: Table, number: int) -> list[int]:
        """Ids for rows yet to be inserted, rising: the series from which numbers are made. It may have gaps.

        On PostgreSQL the table's own sequence, which nobody waits for; on SQLite there is one writer at a time, and
        nothing is ever deleted.
        """
        return ids(await self.value(_next_ids(self.dialect, table), {"number": number}), number)

    async def clock(self) -> datetime:
        """The database's clock, now: read after locks are held, it decides what has expired.

        ``clock_timestamp()`` and not ``now()``: the latter is the transaction's start, which a lock wait leaves behind.
        """
        return self.moment(await self.value(CLOCK[self.dialect]))

    def moment(self, told: datetime) -> datetime:
        """What a statement was told by ``CLOCK``, as this object's clock has it."""
        return told + self._clock_offset


def once_for_each_dialect(make: Callable[[Read], Select[Any]]) -> Callable[[Read], Select[Any]]:
    """Make a statement when it is first asked for, once for each kind of database."""
    made: dict[str, Select[Any]] = {}

    def of(read: Read) -> Select[Any]:
        if read.dialect not in made:
            made[read.dialect] = make(read)
        return made[read.dialect]

    return of


@cache
def _adding(table: Table) -> ReturningInsert[Any]:
    return insert(table).returning(table.c.id)


@cache
def _next_ids(dialect: str, table: Table) -> Select[Any]:
    return select(next_ids(dialect, table, bindparam("number", type_=Integer())))


def next_ids(dialect: str, table: Table, number: ColumnElement[int]) -> ColumnElement[Any]:
    """``Write.next_ids`` as a column of a statement that is asked for something else, too: what ``ids`` makes of it.

    On PostgreSQL each number is drawn, from the sequence that an identity column has under this name; on SQLite it is
    the last one that is taken.
    """
    if dialect != "postgresql":
        return select(func.coalesce(func.max(table.c.id), 0)).scalar_subquery()
    series = func.generate_series(1, number).table_valued("place")
    of_series = select(func.nextval(literal_column(f"'{table.name}_id_seq'"))).select_from(series)
    return func.array(of_series.scalar_subquery(), type_=postgresql.ARRAY(BigInteger()))


def ids(told: Any, number: int) -> list[int]:
    """So many ids, of what a statement was told by ``next_ids``."""
    return told if isinstance(told, list) else list(range(told + 1, told + 1 + number))


CLOCK: Mapping[str, Select[tuple[datetime]]] = {
    "postgresql": select(func.clock_timestamp(type_=Instant()).label("told")),
    "sqlite": select(literal_column("strftime('%Y-%m-%d %H:%M:%f000', 'now')", Instant()).label("told")),
}
"""The clock as a statement; its one column is for statements that read the clock beside other things."""


_clock = partial(datetime.now, UTC)


class Database:
    """One database: its connections, and a clock that agrees with the database's own.

    ``clock_offset`` moves the clock of this object (not the database's): tests travel in time with it.
    ``machine_clock`` is this machine's, which may be wrong; it is corrected by what ``measure_clock`` found.
    """

    def __init__(
        self,
        url: str | URL,
        *,
        pool_size: int = 10,
        clock_offset: timedelta = timedelta(),
        machine_clock: Callable[[], datetime] = _clock,
    ) -> None:
        self.url = make_url(url)
        self._machine_clock = machine_clock
        self.dialect = self.url.get_backend_name()
        self.clock_offset = clock_offset
        self._drift = timedelta()
        self.on_commit: Callable[[], None] = lambda: None
        """Called after every commit of this object: ``news`` wakes those who wait for what was written."""
        if self.dialect == "sqlite":
            # One writer per process: its writers queue for it here, fairly; other processes' wait for the file's lock.
            self._writers = Pool(lambda: sqlite_driver.connect(self.url, write=True), 1)
            self._readers = Pool(lambda: sqlite_driver.connect(self.url, write=False), pool_size)
        else:
            self._writers = Pool(lambda: postgresql_driver.connect(self.url, write=True), pool_size)
            self._readers = Pool(lambda: postgresql_driver.connect(self.url), pool_size)

    @property
    def connections_in_use(self) -> int:
        """How many connections somebody holds."""
        return self._readers.in_use + self._writers.in_use

    def reading(self) -> AbstractAsyncContextManager[Read]:
        """A connection to read with. Never open a second one while holding it: that is how a pool deadlocks."""
        return _Reading(self._readers, self.dialect)

    @asynccontextmanager
    async def writing(self, lock_seconds: float | None = None) -> AsyncIterator[Write]:
        """One transaction: committed when the block ends, rolled back when it raises.

        ``lock_seconds``: how long it waits for each lock before it raises one of ``LOCKED_OUT``; as long as it must, if
        that is not said. On SQLite there is but one lock, and a transaction has it from its beginning.
        """
        connection = self._writers.take_now() or await self._writers.take()
        try:
            await connection.begin(lock_seconds)
            yield Write(connection, self.dialect, self.clock_offset)
            await connection.commit()
        except BaseException:
            await _undo(connection)
            raise
        finally:
            self._writers.give_back(connection)
        self.on_commit()

    @asynccontextmanager
    async def maintaining(self) -> AsyncIterator[AsyncConnection]:
        """A connection of SQLAlchemy's own, closed at the end: for migrations, and for looking at the tables."""
        engine = _engine(self.url)
        try:
            async with engine.connect() as connection:
                yield connection
        finally:
            await engine.dispose()

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
        """Close every connection that is not in use."""
        await self._readers.close()
        await self._writers.close()


class _Reading:
    """See ``Database.reading``. Of its own, and not a generator's, because every statement of an answer needs one."""

    __slots__ = ("_connection", "_dialect", "_pool")
    _connection: Connection

    def __init__(self, pool: Pool, dialect: str) -> None:
        self._pool = pool
        self._dialect = dialect

    async def __aenter__(self) -> Read:
        self._connection = self._pool.take_now() or await self._pool.take()
        return Read(self._connection, self._dialect)

    async def __aexit__(self, *_: object) -> None:
        self._pool.give_back(self._connection)


def collect(text: str) -> None:
    """Note that a statement is run."""
    collected = statements.get()
    if collected is not None:
        collected.append(text)
        for watch in watchers:
            watch(text)


async def _undo(connection: Connection) -> None:
    """Undo a transaction, or else get rid of its connection: the database undoes what is left."""
    if connection.is_stopping:
        return
    try:
        await connection.rollback()
    except FAILURES:
        connection.drop()
    except BaseException:
        connection.drop()
        raise


def _engine(url: URL) -> AsyncEngine:
    if url.get_backend_name() != "sqlite":
        options = {"server_settings": postgresql_driver.SETTINGS}
        return create_async_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=options)
    engine = create_async_engine(
        url,
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"async_creator_fn": sqlite_driver.open_file},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        for pragma in sqlite_driver.PRAGMAS:
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA {pragma}")
            cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: AlchemyConnection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
