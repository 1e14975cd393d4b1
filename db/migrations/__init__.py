"""Bringing a database to the tables that this code knows, and telling how far it is.

``versions/`` holds one file per step, oldest first, called by its version. A step is never changed once it has run
anywhere; the next one changes what it made. ``python -m db.migrations "What it does"`` drafts it; where SQLite cannot
alter a table in place, write it inside ``op.batch_alter_table``.

Alembic is there for the steps only. A server that starts compares two numbers, and does not load it and what it brings:
a tenth of the time until it answers.
"""

import asyncio
import time
from collections.abc import Sequence
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from ..base import metadata
from ..engine import Database

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

LOCK = 4_207_315
"""The advisory lock that two servers migrating one PostgreSQL database at the same time meet at."""

TABLES_SECONDS = 0.2
"""How long is waited for all tables, and others wait for them: less than the second after which PostgreSQL looks for a
deadlock, so that nobody's change is undone for the migration."""

PAUSE_SECONDS = 0.5
"""How long others may go on before the next try."""

PATIENCE_SECONDS = 60
"""How long it is tried."""

SQLITE_PATIENCE_SECONDS = 3600
"""How long is waited for somebody else's transaction: another migration may be rebuilding large tables."""

QUERY_CANCELED = "57014"
"""What PostgreSQL says of a statement that took too long."""


class TablesInUse(Exception):
    """Somebody was at the tables whenever it was tried to have them alone."""


class Standing(Enum):
    """A database's version, seen from this code."""

    EMPTY = "not migrated"
    OLDER = "older than this program"
    CURRENT = "up to date"
    NEWER = "newer than this program"
    FOREIGN = "without a version, although it has tables"


IS_THERE = {
    "postgresql": "SELECT to_regclass('alembic_version') IS NOT NULL",
    "sqlite": "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'alembic_version'",
}


def _config(connection: Connection | None = None) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "db:migrations")
    config.attributes["connection"] = connection
    return config


@cache
def _scripts() -> "ScriptDirectory":
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config())


@cache
def known_versions() -> Sequence[str]:
    """Those that this code knows, oldest first."""
    files = (Path(__file__).parent / "versions").glob("[0-9]*.py")
    return sorted(file.stem.partition("_")[0] for file in files)


def head() -> str:
    """The version of the tables that this code knows."""
    return known_versions()[-1]


async def current(database: Database) -> str | None:
    """The version of the database; None if it was never migrated."""
    async with database.reading() as read:
        ((is_there,),) = await read.fetch(IS_THERE[database.dialect])
        rows = await read.fetch("SELECT version_num FROM alembic_version") if is_there else ()
    return rows[0][0] if rows else None


async def standing(database: Database) -> Standing:
    """What this code makes of the database's version. One that it has never heard of must come from a later code."""
    version = await current(database)
    if version is None:
        return Standing.FOREIGN if await _has_tables(database) else Standing.EMPTY
    if version == head():
        return Standing.CURRENT
    return Standing.OLDER if version in known_versions() else Standing.NEWER


async def _has_tables(database: Database) -> bool:
    """Whether any table of ours is there."""
    async with database.maintaining() as alone:
        names = await alone.run_sync(lambda connection: inspect(connection).get_table_names())
    return not metadata.tables.keys().isdisjoint(names)


async def upgrade(database: Database) -> Sequence[str]:
    """Run every step that the database lacks, all in one transaction; answers the versions that it went through.

    Two that do so at once wait for each other, and the second finds nothing left to do. Servers may work meanwhile: on
    PostgreSQL they wait while the steps are made, of which none begins before nobody else is at any table. Raises
    alembic's CommandError for a database that is newer than this code, and TablesInUse.
    """
    async with database.maintaining() as connection:
        if database.dialect == "sqlite":
            return await connection.run_sync(_upgrade_sqlite)
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                async with connection.begin():
                    await connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
                    await _take_tables(connection)
                    return await connection.run_sync(_upgrade)
            except TablesInUse:
                if time.monotonic() >= until:
                    raise
            await asyncio.sleep(PAUSE_SECONDS)


async def _take_tables(connection: AsyncConnection) -> None:
    """Have all tables alone, unless nothing is to be done. Raises TablesInUse if that takes long."""
    if await connection.run_sync(_revision) == head():
        return
    there = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    if names := ", ".join(table.name for table in metadata.sorted_tables if table.name in there):
        await connection.execute(text(f"SET LOCAL statement_timeout = {round(TABLES_SECONDS * 1000)}"))
        try:
            await connection.execute(text(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE"))
        except DBAPIError as found:
            if getattr(found.orig, "sqlstate", None) == QUERY_CANCELED:
                raise TablesInUse from found
            raise
        await connection.execute(text("SET LOCAL statement_timeout TO DEFAULT"))


def _revision(connection: Connection) -> str | None:
    from alembic.runtime.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision()


def _upgrade(connection: Connection) -> list[str]:
    from alembic import command

    before = _revision(connection)
    command.upgrade(_config(connection), "head")
    steps = _scripts().iterate_revisions("head", before or "base")
    return [step.revision for step in steps][::-1]


def _upgrade_sqlite(connection: Connection) -> list[str]:
    """A step that rebuilds a table drops it first, which rows that point at it forbid: so foreign keys rest meanwhile.

    The pragma has no effect inside a transaction. What the steps leave behind is checked before it is committed.
    """
    raw = connection.connection.cursor()
    raw.execute("PRAGMA foreign_keys = OFF")
    raw.execute(f"PRAGMA busy_timeout = {SQLITE_PATIENCE_SECONDS * 1000}")
    try:
        with connection.begin():
            steps = _upgrade(connection)
            orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            assert not orphans, f"the migration to {head()} leaves rows that point at nothing"
            return steps
    finally:
        raw.execute("PRAGMA foreign_keys = ON")
        raw.close()
