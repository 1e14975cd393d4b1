"""Scans that gates may repeat: the answer to each nonce, kept so that a repeat is told the same."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import JSON, Column, ForeignKey, Table, Text, UniqueConstraint, select

from .base import BigId, Instant, id_column, metadata
from .client import client
from .engine import Write

scan = Table(
    "scan",
    metadata,
    id_column(),
    Column("client_id", BigId, ForeignKey(client.c.id), nullable=False),
    Column("nonce_key", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("scanned_key", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("answer", JSON, comment="null: not yet answered"),
    UniqueConstraint("client_id", "nonce_key"),
)


class ScanRow(NamedTuple):
    id: int
    operation: str
    scanned_key: str
    answer: dict[str, Any] | None


async def claim(
    write: Write, client_id: int, nonce_key: str, operation: str, scanned_key: str, at: datetime
) -> ScanRow:
    """The scan of that nonce: a new one without an answer, or the one that had it first, with the answer it was given.

    The insert is the lock: a repeat waits until the first has ended, and then sees its answer.
    """
    values = {"client_id": client_id, "nonce_key": nonce_key, "operation": operation}
    values |= {"scanned_key": scanned_key, "at": at}
    added = write.insert(scan).values(values).on_conflict_do_nothing(index_elements=["client_id", "nonce_key"])
    await write.run(added)
    found = select(scan.c.id, scan.c.operation, scan.c.scanned_key, scan.c.answer)
    row = await write.first(ScanRow, found.where(scan.c.client_id == client_id, scan.c.nonce_key == nonce_key))
    assert row is not None
    return row


async def answer(write: Write, scan_id: int, said: Mapping[str, Any]) -> None:
    """Keep the answer to a claimed scan."""
    await write.run(scan.update().where(scan.c.id == scan_id).values(answer=dict(said)))
