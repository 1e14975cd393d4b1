"""The drivers: what runs a statement that is in the database's own words already, and nothing else.

``asyncpg`` and ``aiosqlite`` stand behind one port, ``Connection``, and one ``Pool``. SQLAlchemy makes the statements
(``db.rendering``) and does not stand in the way of their rows: on the same machine its own connection, result and row
took 0.34 ms of processor time for a statement of one row, and this takes 0.05.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any, Protocol

import asyncpg

Row = Sequence[Any]
"""The values of one row, in the order of the columns: a tuple, or what can be sliced and unpacked like one."""


class Columns(Protocol):
    """A statement, and what is known of its columns (``db.rendering.Form``)."""

    @property
    def text(self) -> str: ...

    @property
    def types(self) -> tuple[str, ...] | None: ...


Asked = tuple[Columns, Sequence[Any]]
"""A statement and its values."""


class NoConnection(Exception):
    """Every connection was in use for as long as a task waits for one."""


FAILURES = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    sqlite3.Error,
    NoConnection,
)
"""What is raised where a database cannot be reached, or does not do what it was asked."""

BROKEN_RULES = (asyncpg.IntegrityConstraintViolationError, sqlite3.IntegrityError)
"""What is raised where a statement breaks a constraint: a key taken twice, a number out of its range."""

LOCKED_OUT = (asyncpg.LockNotAvailableError,)
"""What is raised where a lock was not to be had in the time that was given (``Database.writing``)."""


_PASSING = (
    OSError,
    NoConnection,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
)
_PASSING_ON_SQLITE = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_FULL")


def is_out_of_reach(cause: BaseException) -> bool:
    """Whether the database could not be asked: it is down, restarting, full, or somebody else has it. That passes."""
    if isinstance(cause, sqlite3.Error):
        return (getattr(cause, "sqlite_errorname", None) or "").startswith(_PASSING_ON_SQLITE)
    return isinstance(cause, _PASSING) and not isinstance(cause, ValueError)  # a value that does not fit is our fault


class Connection(Protocol):
    """One connection, for one task at a time."""

    @property
    def driver(self) -> Any:
        """The driver's own connection, for what only one of the databases can (COPY, LISTEN)."""

    @property
    def is_closed(self) -> bool:
        """Whether it cannot be used any more."""

    @property
    def is_stopping(self) -> bool:
        """Whether a statement that nobody waits for any more may go on: then it can only be closed."""

    async def fetch(self, text: str, values: Sequence[Any]) -> Sequence[Row]:
        """Run a statement; every row of its answer."""

    async def fetch_abreast(self, asked: Sequence[Asked]) -> Sequence[Sequence[Row]]:
        """Run several statements in one round trip; every row of each. None of them must change anything."""

    async def run(self, text: str, values: Sequence[Any]) -> int:
        """Run a statement; how many rows it changed."""

    async def fetch_each(self, text: str, values: Sequence[Sequence[Any]]) -> Sequence[Row]:
        """Run a statement for each of these, one after the other in one round trip; the rows of all answers."""

    async def run_each(self, text: str, values: Sequence[Sequence[Any]]) -> None:
        """Run a statement for each of these, one after the other in one round trip."""

    async def begin(self, lock_seconds: float | None = None) -> None:
        """Begin a transaction that waits no longer than so many seconds for each lock; else as long as it must."""

    async def commit(self) -> None:
        """Make what it did last."""

    async def rollback(self) -> None:
        """Undo what it did."""

    async def close(self) -> None:
        """Close it. Raises nothing."""

    def drop(self) -> None:
        """Close it at once, whatever it is doing."""
