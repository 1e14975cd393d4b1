"""Bulk: many rows of many tables in one transaction, under ids that the loader chooses.

PostgreSQL takes the rows by COPY, SQLite by ``executemany``. Everything is committed together or not at all. A large
load first takes off the indexes, unique constraints and foreign keys of its tables and puts them back at the end, just
as they were: building them once takes a third of the time of keeping them up row by row, and putting them back checks
every row. Nobody else writes to the tables meanwhile; during a large load on PostgreSQL nobody reads them either.
"""

from collections import namedtuple
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import Date, Table, Time, bindparam, func, literal, select, text, update

from .base import Instant
from .engine import Read, Write
from .history import TRANSACTION
from .reservation import ReservationKind, reservation
from .time_slot import time_slot

Row = tuple[Any, ...]
"""A named tuple whose fields are columns."""

SORTING_MEMORY_MB = 256
"""What a large load may take of memory to build indexes (PostgreSQL), or to keep pages that it changes (SQLite)."""


def row_class(table: Table) -> Any:
    """A named tuple of all columns of the table, None where no value is given. JSON is given as its text."""
    columns = [column.name for column in table.columns]
    return namedtuple(f"{table.name}_row", columns, defaults=[None] * len(columns))


async def has_rows(read: Read, table: Table) -> bool:
    """Whether anything is in the table."""
    return bool(await read.value(select(select(literal(1)).select_from(table).exists())))


class Bulk:
    """Puts rows into tables."""

    def __init__(self, write: Write, driver: Any) -> None:
        self._write = write
        self._driver = driver
        self._last: dict[str, int] = {}

    async def next_id(self, table: Table) -> int:
        """The first id that no row of the table has or ever had."""
        statement = _LAST_ID[self._write.dialect].format(table.name)
        return int(await self._write.value(text(statement))) + 1

    async def insert(self, table: Table, rows: Sequence[Any]) -> None:
        """Insert named tuples of one class, in the order of their ids."""
        if not rows:
            return
        names = rows[0]._fields
        if "id" in names:
            self._last[table.name] = rows[-1].id
        if self._write.dialect == "postgresql":
            await self._driver.copy_records_to_table(table.name, records=rows, columns=names)
            return
        convert = _for_sqlite(table, names)
        places = ", ".join("?" * len(names))
        statement = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({places})"  # noqa: S608
        await self._driver.executemany(statement, map(convert, rows))

    async def transaction_id(self) -> int:
        """What ``request_event.tx`` says of events that this transaction records."""
        if self._write.dialect == "sqlite":
            return 0
        return int(await self._write.value(text(f"SELECT {TRANSACTION}")))

    async def count_sold_places(self) -> None:
        """Make the sold places of every slot those of its sold reservations that were not given back."""
        sold = select(func.coalesce(func.sum(reservation.c.places), 0)).where(
            reservation.c.slot_id == time_slot.c.id,
            reservation.c.until.is_(None),
            reservation.c.kind == ReservationKind.SOLD.value,
        )
        await self._write.run(update(time_slot).values(sold_places=sold.scalar_subquery()))

    async def _let_ids_go_on(self) -> None:
        """Make the sequences continue behind the ids that were chosen; SQLite does that by itself."""
        for name, last in self._last.items() if self._write.dialect == "postgresql" else ():
            await self._write.value(select(func.setval(func.pg_get_serial_sequence(name, "id"), last)))


_LAST_ID = {
    "postgresql": (
        "SELECT greatest((SELECT max(id) FROM {0}), pg_sequence_last_value(pg_get_serial_sequence('{0}', 'id')), 0)"
    ),
    "sqlite": (
        "SELECT max(coalesce((SELECT max(id) FROM {0}), 0),"
        " coalesce((SELECT seq FROM sqlite_sequence WHERE name = '{0}'), 0))"
    ),
}


@asynccontextmanager
async def loading(write: Write, tables: Sequence[Table], *, is_large: bool) -> AsyncIterator[Bulk]:
    """Load these tables, in a transaction that somebody else commits.

    ``is_large``: it pays to take off what the tables keep up with every row, and to build it anew at the end.
    """
    bulk = Bulk(write, write.connection.driver)
    around = _around_postgresql if write.dialect == "postgresql" else _around_sqlite
    async with around(write, [table.name for table in tables], is_large):
        yield bulk
    await bulk._let_ids_go_on()


@asynccontextmanager
async def _around_postgresql(write: Write, tables: list[str], is_large: bool) -> AsyncIterator[None]:
    mode = "ACCESS EXCLUSIVE" if is_large else "SHARE ROW EXCLUSIVE"
    await write.run(text(f"LOCK TABLE {', '.join(tables)} IN {mode} MODE"))
    if not is_large:
        yield
        return
    await write.run(text(f"SET LOCAL maintenance_work_mem = '{SORTING_MEMORY_MB}MB'"))
    constraints = await write.all(text(_CONSTRAINTS), {"tables": tables})
    indexes = await write.all(text(_INDEXES), {"tables": tables})
    for table, name, _ in reversed(constraints):
        await write.run(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
    for name, _ in indexes:
        await write.run(text(f"DROP INDEX {name}"))
    yield
    for _, definition in indexes:
        await write.run(text(definition))
    for table, name, definition in constraints:
        await write.run(text(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}"))
    for table in tables:
        await write.run(text(f"ANALYZE {table}"))


_CONSTRAINTS = """
    SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid = ANY (CAST(CAST(:tables AS text[]) AS regclass[])) AND (
        contype IN ('u', 'f')
        OR contype = 'p' AND NOT EXISTS (SELECT FROM pg_attribute
            WHERE attrelid = conrelid AND attnum = ANY (conkey) AND attidentity <> '')
    )
    ORDER BY contype DESC, oid
"""
"""Unique constraints, primary keys, foreign keys. Those of ids stay: they only rise, and foreign keys need them."""

_INDEXES = """
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
    WHERE indrelid = ANY (CAST(CAST(:tables AS text[]) AS regclass[]))
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u'))
    ORDER BY indexrelid
"""


@asynccontextmanager
async def _around_sqlite(write: Write, tables: list[str], is_large: bool) -> AsyncIterator[None]:
    """SQLite cannot take off constraints, and nobody waits for the foreign keys: only the indexes go."""
    if not is_large:
        yield
        return
    kept = await write.value(text("PRAGMA cache_size"))
    await write.run(text(f"PRAGMA cache_size = {-SORTING_MEMORY_MB * 1024}"))
    try:
        indexes = await write.all(_SQLITE_INDEXES, {"tables": tables})
        for name, _ in indexes:
            await write.run(text(f"DROP INDEX {name}"))
        yield
        for _, definition in indexes:
            await write.run(text(definition))
    finally:
        await write.run(text(f"PRAGMA cache_size = {kept}"))


_SQLITE_INDEXES = text(
    "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN :tables"
).bindparams(bindparam("tables", expanding=True))
"""Those that were created; a constraint's own has no SQL."""


def _for_sqlite(table: Table, names: Sequence[str]) -> Callable[[Row], Sequence[Any]]:
    """Writes moments, dates and times of a row as the columns' own types do: the driver is given plain texts."""
    writers: dict[type[Any], Callable[[Any], str]] = {Instant: _moment, Date: date.isoformat, Time: _time}
    places = [
        (place, write)
        for place, name in enumerate(names)
        for kind, write in writers.items()
        if isinstance(table.c[name].type, kind)
    ]

    def convert(row: Row) -> Sequence[Any]:
        values = list(row)
        for place, write in places:
            value = values[place]
            if value is not None:
                values[place] = write(value)
        return values

    return convert if places else lambda row: row


def _moment(value: datetime) -> str:
    assert value.tzinfo is UTC
    return value.isoformat(" ", "microseconds")[:26]


def _time(value: time) -> str:
    return value.isoformat("microseconds")
