"""Wrong authorization codes: what each was sent for, and when.

What it was sent for is told by what the caller named, a ticket number or a token, whether or not there is such a thing:
so the count is the same for both.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Column, Index, Table, Text, func, insert, literal, select

from .base import Instant, id_column, metadata
from .engine import Read, Write
from .paging import is_one_of
from .ticket import issued_ticket
from .ticket_request import ticket_request


class Named(StrEnum):
    """What a caller names a ticket or a request by."""

    TICKET = "TICKET"
    TOKEN = "TOKEN"


code_attempt = Table(
    "code_attempt",
    metadata,
    id_column(),
    Column("named", Text, nullable=False, comment="TICKET: an external ticket number; TOKEN: a request's token"),
    Column("key", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "named", "key", "at"),
    Index(None, "at"),
)


async def lock(write: Write, named: Named, key: str) -> None:
    """Let nobody else try a code for the same ticket or token until this transaction ends.

    On PostgreSQL an advisory lock: there may be no row to lock, and no row must tell whether there is one. On SQLite
    there is one writer at a time.
    """
    if write.dialect == "postgresql":
        digest = hashlib.blake2b(f"{named} {key}".encode(), digest_size=8).digest()
        number = literal(int.from_bytes(digest, signed=True), BigInteger())
        await write.all(select(func.pg_advisory_xact_lock(number)))


async def code_of(read: Read, named: Named, key: str) -> str | None:
    """The authorization code that belongs to it, or None if there is no such thing; one statement either way."""
    code = select(ticket_request.c.code_key)
    if named is Named.TOKEN:
        found = code.where(ticket_request.c.token_key == key)
    else:
        found = code.join_from(issued_ticket, ticket_request, issued_ticket.c.request_id == ticket_request.c.id)
        found = found.where(issued_ticket.c.number_key == key)
    code_key: str | None = await read.value(found)
    return code_key


async def after(read: Read, named: Named, key: str, moment: datetime) -> Sequence[datetime]:
    """When wrong codes were sent for it after that moment, the earliest first."""
    return (await of_names(read, named, [key], moment)).get(key, [])


async def of_names(read: Read, named: Named, keys: Sequence[str], moment: datetime) -> dict[str, list[datetime]]:
    """When wrong codes were sent for each of these after that moment, the earliest first."""
    found = select(code_attempt.c.key, code_attempt.c.at).where(
        code_attempt.c.named == named.value, is_one_of(read, code_attempt.c.key, keys), code_attempt.c.at > moment
    )
    attempts: dict[str, list[datetime]] = {}
    for key, at in await read.all(found.order_by(code_attempt.c.at)):
        attempts.setdefault(key, []).append(at)
    return attempts


async def add(write: Write, named: Named, key: str, at: datetime) -> None:
    """A wrong code was sent for it."""
    await write.run(insert(code_attempt).values(named=named.value, key=key, at=at))


async def forget(write: Write, until: datetime) -> None:
    """Drop attempts up to that moment: they count no more."""
    await write.run(code_attempt.delete().where(code_attempt.c.at <= until))
