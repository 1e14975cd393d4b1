"""Migrations: from nothing to exactly the tables that the code knows, on both databases."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, DefaultClause, insert, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

import db
import db.migrations
from db.driver import BROKEN_RULES
from db.engine import Database
from db.migrations import Standing
from resolvers import demo
from resolvers.context import Rules
from tests.conftest import maintain


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": False})
    return list(compare_metadata(context, db.base.metadata))


async def test_migrating_from_nothing_makes_the_tables_of_the_code(database: Database) -> None:
    """Tables, columns, types, indexes, unique and foreign keys: nothing is left to migrate."""
    async with database.maintaining() as alone:
        assert await alone.run_sync(differences) == []


@dataclass(frozen=True)
class Rest:
    """What alembic does not compare: checks and partial indexes by name, and the defaults of columns."""

    checks: set[str]
    partial_indexes: set[str]
    defaults: dict[str, str]


def rest_of_code(dialect: str) -> Rest:
    tables = db.base.metadata.tables.values()
    columns = [column for table in tables for column in table.columns]
    indexes = [index for table in tables for index in table.indexes]
    return Rest(
        {str(found.name) for table in tables for found in table.constraints if isinstance(found, CheckConstraint)},
        {str(index.name) for index in indexes if index.dialect_options[dialect]["where"] is not None},
        {str(c): str(c.server_default.arg) for c in columns if isinstance(c.server_default, DefaultClause)},
    )


def rest_of_database(connection: Connection) -> Rest:
    inspector, names = inspect(connection), db.base.metadata.tables
    checks = [check for name in names for check in inspector.get_check_constraints(name)]
    indexes = [index for name in names for index in inspector.get_indexes(name)]
    defaults = {f"{name}.{c['name']}": c["default"] for name in names for c in inspector.get_columns(name)}
    where = f"{connection.dialect.name}_where"
    return Rest(
        {str(check["name"]) for check in checks},
        {str(index["name"]) for index in indexes if where in index.get("dialect_options", {})},
        {name: default.partition("::")[0].strip("'") for name, default in defaults.items() if default is not None},
    )


async def test_migrating_from_nothing_makes_the_rest_of_the_code_too(database: Database) -> None:
    async with database.maintaining() as alone:
        assert await alone.run_sync(rest_of_database) == rest_of_code(database.dialect)


async def test_foreign_keys_are_on(database: Database) -> None:
    """For readers' and writers' connections alike; a row that points at nothing is not kept."""
    orphan = {"public_id": "x", "client_id": 4711, "secret_hash": "x", "created_at": database.now()}
    with pytest.raises(BROKEN_RULES):
        async with database.writing() as write:
            await write.run(insert(db.client.api_key).values(orphan))
    async with database.reading() as read:
        assert await db.client.keys(read) == []


def test_versions_are_the_steps() -> None:
    """As alembic follows them one after the other, and finds no branch among them."""
    scripts = db.migrations._scripts()
    assert db.migrations.known_versions() == [script.revision for script in scripts.walk_revisions()][::-1]
    assert db.migrations.head() == scripts.get_current_head()


async def test_migrating_again_changes_nothing(database: Database) -> None:
    assert await db.migrations.standing(database) is Standing.CURRENT
    assert await db.migrations.upgrade(database) == []


async def test_a_version_that_the_code_has_never_heard_of_is_newer(database: Database) -> None:
    async with database.writing() as write:
        await write.run(text("UPDATE alembic_version SET version_num = '9999'"))
    assert await db.migrations.standing(database) is Standing.NEWER


async def test_of_two_who_migrate_at_once_one_does_it(tmp_path: Path) -> None:
    """Two servers that start together: neither fails, and nothing is made twice."""
    url = f"sqlite+aiosqlite:///{tmp_path}/gatehouse.sqlite3"
    databases = [Database(url), Database(url)]
    try:
        assert await db.migrations.standing(databases[0]) is Standing.EMPTY
        steps = await asyncio.gather(*map(db.migrations.upgrade, databases))
        assert sorted(map(len, steps))[0] == 0
        assert await db.migrations.standing(databases[1]) is Standing.CURRENT
    finally:
        for database in databases:
            await database.dispose()


async def test_a_step_that_rebuilds_tables_keeps_what_is_in_them(tmp_path: Path) -> None:
    """SQLite: every row, and the numbers that were given; what is written next is checked by the keys that are left."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/gatehouse.sqlite3")
    try:
        await _step_to(database, "0009")
        await demo.load(database, Rules(), requests=50, progress=lambda _done, _total: None)
        before = await _everything(database)
        assert await db.migrations.upgrade(database) == [db.migrations.head()]
        assert await _everything(database) == before
        assert before["request_event"]
        assert before["search_key"]
        orphan = insert(db.reservation.reservation).values(
            entry_id=4711, request_id=1, slot_id=1, places=1, kind="SOLD", since=database.now()
        )
        with pytest.raises(BROKEN_RULES):
            async with database.writing() as write:
                await write.run(orphan)
    finally:
        await database.dispose()


async def _step_to(database: Database, version: str) -> None:
    async with database.maintaining() as alone, alone.begin():
        await alone.run_sync(lambda sync: command.upgrade(db.migrations._config(sync), version))


async def _everything(database: Database) -> dict[str, Any]:
    names = [*db.base.metadata.tables, "sqlite_sequence"]
    async with database.reading() as read:
        return {name: await read.fetch(f"SELECT * FROM {name} ORDER BY 1, 2") for name in names}


@pytest.fixture
async def old(postgresql_server: URL) -> AsyncIterator[Database]:
    """A PostgreSQL database that is a step behind."""
    await maintain(postgresql_server, "CREATE DATABASE gatehouse_old")
    database = Database(postgresql_server.set(database="gatehouse_old"))
    try:
        await _step_to(database, "0009")
        yield database
    finally:
        await database.dispose()
        await maintain(postgresql_server, "DROP DATABASE gatehouse_old")


async def test_nobody_s_change_is_undone_for_a_migration(old: Database) -> None:
    """Who is at one table and goes on to another may not wait for the migration while it waits for the first."""
    async with old.writing() as write:
        await write.fetch("SELECT 1 FROM issued_ticket FOR UPDATE")
        migrating = asyncio.create_task(db.migrations.upgrade(old))
        await asyncio.wait({migrating}, timeout=0.1)
        for table in db.base.metadata.tables:
            await write.fetch(f"SELECT 1 FROM {table} FOR UPDATE")
        assert not migrating.done()
    assert await migrating == [db.migrations.head()]


async def test_who_is_at_a_table_all_the_time_keeps_a_migration_out(
    old: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db.migrations, "PATIENCE_SECONDS", 1)
    async with old.writing() as write:
        await write.fetch("SELECT 1 FROM request_event")
        with pytest.raises(db.migrations.TablesInUse):
            await db.migrations.upgrade(old)
    assert await db.migrations.current(old) == "0009"
    assert await db.migrations.upgrade(old) == [db.migrations.head()]


async def test_a_step_that_is_stopped_is_not_tried_again(old: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def step(connection: Connection) -> None:
        tries.append("step")
        connection.execute(text("SET LOCAL statement_timeout = 50"))
        connection.execute(text("SELECT pg_sleep(10)"))

    monkeypatch.setattr(db.migrations, "_upgrade", step)
    monkeypatch.setattr(db.migrations, "PATIENCE_SECONDS", 1)
    with pytest.raises(DBAPIError, match="statement timeout"):
        await db.migrations.upgrade(old)
    assert tries == ["step"]
