"""The history that a database's events belong to: its name, and from where its transactions are counted.

On PostgreSQL events are ordered by the transaction that recorded them (``timeline``), and a dump that is restored
elsewhere meets a server that counts its transactions anew: what it records would stand before all that was restored.
So the number of a transaction is the server's plus a *base*, which is raised when the database has come to another
place, to beyond everything that it holds. At the same time its history gets another name, its *epoch*, which every
cursor of events repeats: one of the former epoch is refused, because the database that it came from may have gone on.
A clone is a place of its own too; an upgraded server counts as another place.

What has no other place but fewer events (a file that was copied back, a server set back to an earlier moment or
replaced by a replica that lacked the last of it) is told by the event that a cursor names: it is not there.
"""

import secrets
from typing import NamedTuple

from sqlalchemy import BigInteger, Column, Table, Text, func, insert, literal_column, select, text, update

from .base import Instant, metadata
from .engine import Database

history = Table(
    "history",
    metadata,
    Column("epoch", Text, primary_key=True, comment="one row: the name of the history in force"),
    Column("place", Text, nullable=False, comment="PostgreSQL: which database of which server; empty: not looked yet"),
    Column("base", BigInteger, nullable=False, comment="what is added to the server's number of a transaction"),
    Column("begun_at", Instant, nullable=False),
)

EPOCH = select(history.c.epoch).scalar_subquery()

TRANSACTION = "((SELECT base FROM history) + pg_current_xact_id()::text::bigint)"
"""PostgreSQL: the number of the transaction that runs this."""

HORIZON = "((SELECT base FROM history) + pg_snapshot_xmin(pg_current_snapshot())::text::bigint)"
"""PostgreSQL: the oldest transaction that may still be running; every one below it has ended."""

_HERE = literal_column(
    "((SELECT system_identifier::text FROM pg_control_system()) || '/' ||"
    " (SELECT oid::text FROM pg_database WHERE datname = current_database()))",
    Text(),
)


class HistoryRow(NamedTuple):
    epoch: str
    place: str
    base: int
    here: str


_history = select(history.c.epoch, history.c.place, history.c.base, _HERE)


def new_epoch() -> str:
    """A name that no other history has."""
    return secrets.token_hex(6)


async def keep(database: Database) -> bool:
    """Begin a new epoch if the database has come to another place; answers whether it did.

    To be asked before anything is recorded: when a server starts, and whenever it had to connect anew. Whoever records
    meanwhile is waited for, and waits.
    """
    if database.dialect == "sqlite":
        return False  # it counts its events itself, in the file that keeps them
    async with database.reading() as read:
        row = await read.first(HistoryRow, _history)
    if row is not None and row.place == row.here:
        return False
    async with database.writing() as write:
        await write.run_text("LOCK TABLE request_event IN SHARE ROW EXCLUSIVE MODE")
        await write.run_text("LOCK TABLE history IN EXCLUSIVE MODE")
        row = await write.first(HistoryRow, _history)
        if row is not None and row.place == row.here:
            return False  # somebody else was quicker
        last = int(await write.value(text("SELECT coalesce(max(tx), 0) FROM request_event")))
        running = int(await write.value(text("SELECT pg_current_xact_id()::text::bigint")))
        base = 0 if row is None else row.base
        base = base if last < base + running else last + 1 - running
        is_new = row is None or row.place != "" or base != row.base
        values = {"place": _HERE, "base": base, "begun_at": func.clock_timestamp()}
        if row is None:
            await write.run(insert(history).values(values | {"epoch": new_epoch()}))
        else:
            await write.run(update(history).values(values | ({"epoch": new_epoch()} if is_new else {})))
    return is_new
