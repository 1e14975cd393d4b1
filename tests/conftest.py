"""What every test works with: a fresh database of each kind, the app over it, and a served one with demo data."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from sqlalchemy.engine import URL

import db.migrations
from db.engine import Database
from tests import postgresql, program
from tests.program import Served

if TYPE_CHECKING:
    from tests.harness import Gatehouse

POSTGRESQL = pytest.StashKey[Path]()
TEMPLATE = "gatehouse_template"


def pytest_configure(config: pytest.Config) -> None:
    for name in [name for name in os.environ if name.startswith("GATEHOUSE_")]:
        del os.environ[name]  # tests set what they need
    shared: str | None = getattr(config, "workerinput", {}).get("postgresql")
    config.stash[POSTGRESQL] = Path(shared) if shared else postgresql.new_folder()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Before pytest-xdist starts a worker: tell it where the run's PostgreSQL is."""
    node.workerinput["postgresql"] = str(node.config.stash[POSTGRESQL])  # type: ignore[attr-defined]


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        postgresql.stop(config.stash[POSTGRESQL])


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
            await read.connection.exec_driver_sql(command)
    finally:
        await database.dispose()


async def make_template(server: URL) -> None:
    """Make the migrated, empty database that tests clone."""
    await maintain(server, f"CREATE DATABASE {TEMPLATE}")
    await migrate(server.set(database=TEMPLATE))


@pytest.fixture(scope="session")
def postgresql_server(request: pytest.FixtureRequest) -> URL:
    """The run's PostgreSQL server, with the template; the address is that of its database ``postgres``."""
    folder = request.config.stash[POSTGRESQL]
    with postgresql.alone(folder):
        url = postgresql.start(folder)
        done = folder / TEMPLATE
        if not done.exists():
            asyncio.run(make_template(url))
            done.touch()
    return url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.sqlite3"
    asyncio.run(migrate(sqlite_url(path)))
    return path


def sqlite_url(path: Path) -> URL:
    return URL.create("sqlite+aiosqlite", database=str(path))


@pytest.fixture(params=["sqlite", "postgresql"])
def template(request: pytest.FixtureRequest) -> Path | URL:
    """What to make a fresh database from: a SQLite file, or a PostgreSQL server with a template."""
    found: Path | URL = request.getfixturevalue("sqlite_template" if request.param == "sqlite" else "postgresql_server")
    return found


@pytest.fixture
async def database_url(template: Path | URL, tmp_path: Path) -> AsyncIterator[URL]:
    """The address of a fresh, migrated, empty database; once of each kind."""
    if isinstance(template, Path):
        yield sqlite_url(Path(shutil.copyfile(template, tmp_path / "gatehouse.sqlite3")))
        return
    name = f"test_{uuid4().hex}"
    await maintain(template, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield URL.set(template, database=name)
    await maintain(template, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(database_url: URL) -> AsyncIterator[Database]:
    """A fresh, migrated, empty database, on connections of its own; once of each kind."""
    database = Database(database_url)
    yield database
    await database.dispose()


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
