"""What every test works with: a fresh database of each kind, the app over it, and a served one with demo data."""

import asyncio
import gc
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import structlog
from sqlalchemy.engine import URL

import db.migrations
from db.engine import Database
from tests import postgresql, program
from tests.program import Served

if TYPE_CHECKING:
    from tests.harness import Gatehouse

TEMPLATE = "gatehouse_template"


def pytest_configure(config: pytest.Config) -> None:
    for name in [name for name in os.environ if name.startswith("GATEHOUSE_")]:
        del os.environ[name]  # tests set what they need
    # What fails is shown by pytest; the pretty tracebacks of the log would take ten seconds each.
    structlog.configure(processors=[structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)])


def pytest_collection_finish() -> None:
    """What is loaded stays: to look for garbage among it stopped a test for up to a third of a second, now and then."""
    gc.collect()
    gc.freeze()


async def migrate(url: URL) -> None:
    """Bring the database of that address to this code's tables."""
    database = Database(url)
    try:
        await db.migrations.upgrade(database)
    finally:
        await database.dispose()


async def maintain(server: URL, command: str) -> None:
    """Run a command on a database as a whole, outside a transaction."""
    database = Database(server)
    try:
        async with database.reading() as read:
            await read.fetch(command)
    finally:
        await database.dispose()


@dataclass(frozen=True, slots=True)
class Kept:
    """A database that is kept from test to test, and what makes it again as it was after its migration."""

    database: Database
    empty: Callable[[], Awaitable[None]]


async def make_template(server: URL) -> None:
    """Make the migrated, empty database that tests clone."""
    await maintain(server, f"CREATE DATABASE {TEMPLATE}")
    await migrate(server.set(database=TEMPLATE))


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[URL]:
    """This process's PostgreSQL server, with the template; the address is that of its database ``postgres``.

    No other process of the run uses it: events are settled only once no older transaction is running in the whole
    cluster (``timeline.page``), so a test that keeps one open would hold back what another one asks for.
    """
    folder = postgresql.new_folder()
    try:
        url = postgresql.start(folder)
        asyncio.run(make_template(url))
        yield url
    finally:
        postgresql.stop(folder)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.sqlite3"
    asyncio.run(migrate(sqlite_url(path)))
    return path


def sqlite_url(path: Path) -> URL:
    return URL.create("sqlite+aiosqlite", database=str(path))


@pytest.fixture(scope="session")
async def sqlite_database(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Kept]:
    """A SQLite database; emptied by copying the template into it, page by page."""
    file = Path(shutil.copyfile(sqlite_template, tmp_path_factory.mktemp("kept") / "gatehouse.sqlite3"))

    async def empty() -> None:
        with closing(sqlite3.connect(sqlite_template)) as template, closing(sqlite3.connect(file)) as kept:
            kept.execute("PRAGMA synchronous = OFF")
            template.backup(kept)

    database = Database(sqlite_url(file))
    yield Kept(database, empty)
    await database.dispose()


@pytest.fixture(scope="session")
async def postgresql_database(postgresql_server: URL) -> AsyncIterator[Kept]:
    """A PostgreSQL database, of this process alone."""
    name = f"test_{uuid4().hex}"
    await maintain(postgresql_server, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    database = Database(postgresql_server.set(database=name))
    statement = postgresql.EMPTY.replace("{version}", db.migrations.head())

    async def empty() -> None:
        async with database.writing() as write:
            await write.run_text(statement)

    yield Kept(database, empty)
    await database.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def template(request: pytest.FixtureRequest) -> Kept:
    """The database that this process keeps, once of each kind."""
    kept: Kept = request.getfixturevalue(f"{request.param}_database")
    return kept


@pytest.fixture
async def database(template: Kept) -> AsyncIterator[Database]:
    """A migrated, empty database, on connections of its own; once of each kind.

    It is the same one from test to test: emptied before each, its series begun anew, its connections and compiled
    statements still warm.
    """
    database = template.database
    database.clock_offset = timedelta()
    await template.empty()
    yield database
    async with asyncio.timeout(5):
        while database.connections_in_use:  # those of what was canceled are being closed  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.fixture
def database_url(database: Database) -> URL:
    """The address of that database, for a test that connects to it in its own way, and closes what it opened."""
    return database.url


@pytest.fixture
async def gatehouse(database: Database) -> AsyncIterator["Gatehouse"]:
    """The running app over a fresh database, asked through HTTP in this process."""
    from tests.harness import Gatehouse  # here, so that tests of a lower floor run without the floors above

    async with Gatehouse(database) as gatehouse:
        yield gatehouse


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A real ``serve`` process on SQLite with demo data. Shared by many tests: look, and do not rely on being alone."""
    folder = tmp_path_factory.mktemp("served")
    for arguments in (("migrate",), ("demo", "--requests", "200")):
        done = program.run(*arguments, folder=folder)
        assert done.returncode == 0, done.stderr
    with program.serving("serve", folder=folder) as served:
        yield served
