"""Scans that gates may repeat: the answer to each nonce, kept so that a repeat is told the same."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import JSON, Column, ForeignKey, Index, Table, Text, UniqueConstraint, select

from .base import BigId, Instant, id_column, metadata
from .client import client
from .engine import INSERT, Read, Write

scan = Table(
    "scan",
    metadata,
    id_column(),
    Column("client_id", BigId, ForeignKey(client.c.id), nullable=False),
    Column("nonce_key", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("scanned_key", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("answer", JSON, nullable=False),
    UniqueConstraint("client_id", "nonce_key"),
    Index(None, "scanned_key"),
)


class ScanRow(NamedTuple):
    operation: str
    scanned_key: str
    answer: dict[str, Any]


async def by_nonce(read: Read, client_id: int, nonce_key: str) -> ScanRow | None:
    """The scan that had the nonce first, with the answer that it was given."""
    found = select(*(scan.c[name] for name in ScanRow._fields))
    return await read.first(ScanRow, found.where(scan.c.client_id == client_id, scan.c.nonce_key == nonce_key))


async def add(
    write: Write,
    client_id: int,
    nonce_key: str,
    operation: str,
    scanned_key: str,
    answer: Mapping[str, Any],
    at: datetime,
) -> bool:
    """Keep the answer to a scan under its nonce: the last thing that its transaction does. False if that is taken.

    Whoever is at work under the same nonce is waited for.
    """
    values = {"client_id": client_id, "nonce_key": nonce_key, "operation": operation}
    values |= {"scanned_key": scanned_key, "answer": dict(answer), "at": at}
    return await write.run(_ADD[write.dialect], values) > 0


_ADD = {
    dialect: insert(scan).on_conflict_do_nothing(index_elements=["client_id", "nonce_key"])
    for dialect, insert in INSERT.items()
}
