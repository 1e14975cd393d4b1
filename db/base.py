"""What every table shares: the metadata with its naming rule, and the column types both databases agree on."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    TypeDecorator,
    text,
)
from sqlalchemy.dialects import sqlite

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)

FOREVER = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
"""Stands for "no end" in a column that is ordered and compared; readers are given None."""


class Instant(TypeDecorator[datetime]):
    """A moment in UTC, to the microsecond, aware on both sides of the driver.

    PostgreSQL keeps ``timestamptz``. SQLite keeps text of one fixed width, so that comparing the
    text compares the moments.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sqlite.DATETIME())  # type: ignore[no-untyped-call]
        return dialect.type_descriptor(DateTime(timezone=True))

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any]:
        return _as_text if dialect.name == "sqlite" else _aware

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None] | None:
        return _of_text if dialect.name == "sqlite" else None  # asyncpg has every moment in UTC

    def literal_processor(self, dialect: Dialect) -> Callable[[datetime], str]:
        return lambda value: f"'{_as_text(value) if dialect.name == 'sqlite' else value.isoformat()}'"


class Endless(Instant):
    """A moment that may be FOREVER, of which asyncpg makes its infinity."""

    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None] | None:
        return super().result_processor(dialect, coltype) or _in_utc


def _aware(value: datetime | None) -> datetime | None:
    if value is not None and value.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return value


def _as_text(value: datetime | None) -> str | None:
    aware = _aware(value)
    return None if aware is None else aware.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _of_text(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


def _in_utc(value: datetime | None) -> datetime | None:
    """asyncpg's infinity is in no zone."""
    return value if value is None or value.tzinfo is not None else value.replace(tzinfo=UTC)


BigId = BigInteger().with_variant(Integer(), "sqlite")
"""Row ids: 64 bits on PostgreSQL; on SQLite the rowid, which is 64 bits under the name INTEGER."""


def id_column() -> Column[int]:
    """The primary key every noun has: made by the database, rising, never used twice."""
    return Column("id", BigId, Identity(), primary_key=True)


def index_of_given(first: str, *others: str) -> Index:
    """An index of the rows that have a value in its first column: what is compared with a value finds it all the same.

    For columns that most rows leave empty. Each of them would cost every row an entry, at every change of any column
    that some other index has.
    """
    is_given = text(f"{first} IS NOT NULL")
    return Index(None, first, *others, postgresql_where=is_given, sqlite_where=is_given)


def repeats(through: str) -> dict[str, str]:
    """Of a column that says once more, so that nobody has to look there, what the row says that ``through`` points at,
    in its column of the same name.

    Such a column has no foreign key: its value was read from that row, which never changes it. A sale would be checked
    a dozen times for nothing; and a check locks the row that is pointed at, as a shop's is by all of its sales.
    """
    return {"repeats": through}


def foreign_key_in_the_end(column: Column[Any]) -> ForeignKey:
    """A foreign key that is looked at when the transaction commits: the number is taken before what it is given to is
    there."""
    return ForeignKey(column, deferrable=True, initially="DEFERRED")
