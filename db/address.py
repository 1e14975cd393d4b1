"""Where the database is, and whether it is one that this program can work with."""

import hashlib
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from .driver import FAILURES
from .engine import Database

POSTGRESQL_FROM = 14
"""The oldest PostgreSQL that is supported: the oldest that its own project still mends."""

FORMS = "sqlite+aiosqlite:///path/to/file, or postgresql+asyncpg://user:password@host/name (a socket: @/name?host=/dir)"


class Unusable(Exception):
    """The database cannot be worked with; the message is one sentence for the operator that says why."""


def parse(address: str, folder: Path) -> str:
    """The address in full, a relative SQLite path taken from ``folder``.

    Raises ValueError with a sentence that repeats nothing of the address: it may hold a password.
    """
    try:
        url = make_url(address)
        url.get_dialect()().create_connect_args(url)
    except (ArgumentError, ValueError, ImportError):
        raise ValueError(f"This is no address of a database; write {FORMS}.") from None
    if url.drivername == "sqlite+aiosqlite":
        if not url.database or url.database == ":memory:" or url.database.startswith("file:") or url.query:
            raise ValueError("SQLite needs the path of a file, as in sqlite+aiosqlite:///data/gatehouse.sqlite3.")
        url = url.set(database=str((folder / url.database).resolve()))
    elif url.drivername == "postgresql+asyncpg":
        if not url.database:
            raise ValueError("PostgreSQL needs the name of a database, as in postgresql+asyncpg://user@host/gatehouse.")
    else:
        raise ValueError(f"Only two kinds of database are known: {FORMS}.")
    return url.render_as_string(hide_password=False)


def file_of(address: str) -> Path | None:
    """The file of a SQLite database; None for a server's."""
    url = make_url(address)
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def name_of(address: str) -> str:
    """A name for the database that may stand in a file's: its own, and a digest of where it is."""
    url = make_url(address)
    where = hashlib.sha256(f"{url.host} {url.port} {sorted(url.query.items())}".encode()).hexdigest()[:6]
    return "".join(c if c.isalnum() else "-" for c in f"{url.database}-{where}")


def shown(address: str) -> str:
    """The address as a person may see it: a file's path, or the URL without its password."""
    return str(file_of(address) or make_url(address).render_as_string())


async def examine(database: Database) -> None:
    """Raise Unusable if the database cannot be reached, or is not of a kind and age that is supported."""
    where = shown(database.url.render_as_string(hide_password=False))
    try:
        async with database.reading() as read:
            if database.dialect == "sqlite":
                await read.value(text("SELECT count(*) FROM sqlite_schema"))
                return
            version = int(await read.value(text("SHOW server_version_num"))) // 10_000
    except (*FAILURES, TypeError, ValueError) as found:
        raise Unusable(f"The database {where} cannot be used: {_reason(found)}.") from found
    if version < POSTGRESQL_FROM:
        raise Unusable(f"The database {where} is PostgreSQL {version}; {POSTGRESQL_FROM} or later is needed.")


def _reason(found: Exception) -> str:
    """What the driver says, in one line."""
    said = str(getattr(found, "strerror", None) or found) or type(found).__name__
    return said.splitlines()[0].rpartition(">: ")[2].rstrip(".")
