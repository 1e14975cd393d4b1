"""Clients and their keys: who is asking."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Column, ForeignKey, Index, Table, Text, and_, bindparam, insert, or_, select, update

from .base import BigId, Instant, id_column, metadata
from .engine import Read, Write
from .keys import key


class Role(StrEnum):
    ADMIN = "ADMIN"
    SUPPORT = "SUPPORT"
    POS = "POS"
    WEB_STORE = "WEB_STORE"
    GATE = "GATE"


client = Table(
    "client",
    metadata,
    id_column(),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)

api_key = Table(
    "api_key",
    metadata,
    id_column(),
    Column("public_id", Text, nullable=False, unique=True),
    Column("client_id", BigId, ForeignKey(client.c.id), nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    Column("last_used_at", Instant),
    Index(None, "client_id"),
)


class ClientRow(NamedTuple):
    id: int
    name: str
    role: str


class ApiKeyRow(NamedTuple):
    public_id: str
    client_id: int
    client_name: str
    role: str
    secret_hash: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


_keys = select(
    api_key.c.public_id,
    api_key.c.client_id,
    client.c.name,
    client.c.role,
    api_key.c.secret_hash,
    api_key.c.created_at,
    api_key.c.expires_at,
    api_key.c.revoked_at,
    api_key.c.last_used_at,
).join_from(api_key, client)


async def key_by_public_id(read: Read, public_id: str) -> ApiKeyRow | None:
    """The key with that public part, whatever its state."""
    return await read.first(ApiKeyRow, _keys.where(api_key.c.public_id == public_id))


async def keys(read: Read) -> list[ApiKeyRow]:
    """Every key ever made, oldest first."""
    return await read.rows(ApiKeyRow, _keys.order_by(api_key.c.id))


async def by_name(read: Read, name: str) -> ClientRow | None:
    """The client of that name."""
    return await read.first(
        ClientRow, select(client.c.id, client.c.name, client.c.role).where(client.c.name_key == key(name))
    )


async def add(write: Write, name: str, role: Role, at: datetime) -> ClientRow:
    """The client of that name: a new one of that role, unless somebody else has just made it."""
    values = {"name": name.strip(), "name_key": key(name), "role": role.value, "created_at": at}
    made = write.insert(client).values(values).on_conflict_do_nothing(index_elements=["name_key"])
    await write.run(made)
    found = await by_name(write, name)
    assert found is not None
    return found


async def add_key(
    write: Write, client_id: int, public_id: str, secret_hash: str, at: datetime, expires_at: datetime | None
) -> None:
    """A further key of a client: its rotated keys share its name and what it owns."""
    values = {
        "public_id": public_id,
        "client_id": client_id,
        "secret_hash": secret_hash,
        "created_at": at,
        "expires_at": expires_at,
    }
    await write.run(insert(api_key).values(values))


async def note_use(write: Write, used_at: Mapping[str, datetime]) -> None:
    """When each of these keys was last used; a moment that is later already stays."""
    mine = and_(
        api_key.c.public_id == bindparam("key"),
        or_(api_key.c.last_used_at.is_(None), api_key.c.last_used_at < bindparam("at", type_=Instant())),
    )
    statement = update(api_key).where(mine).values(last_used_at=bindparam("at", type_=Instant()))
    await write.run_each(statement, [{"key": key, "at": used_at[key]} for key in sorted(used_at)])


async def revoke_key(write: Write, public_id: str, at: datetime) -> bool:
    """End a key. True if there is such a key; one already revoked keeps its first moment."""
    in_force = or_(api_key.c.revoked_at.is_(None), api_key.c.revoked_at > at)
    found = update(api_key).where(api_key.c.public_id == public_id, in_force)
    if await write.run(found.values(revoked_at=at)):
        return True
    return await key_by_public_id(write, public_id) is not None
