"""Who is asking: keys, and the client behind a key.

A key reads ``gh_<public id>_<secret>``: the public id finds it, the 256-bit secret proves it. Only the secret's SHA-256
is kept; a random secret of that length needs no slow hash.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

import db
from db.client import Role
from db.engine import Database, Write

REMEMBERED_SECONDS = 10.0
"""How long a key's answer is remembered: a revocation is in force in every process within this time."""

REMEMBERED_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class Actor:
    """The client that holds the key: a web store, a POS installation, a gate, a person's desk."""

    client_id: int
    client: str
    role: Role
    key_id: str = field(default="", compare=False)
    """The public id of the key that was shown."""

    def __hash__(self) -> int:
        return self.client_id


class _Remembered(NamedTuple):
    """What was found of a key, and until when (of the keyring's clock) that is taken to be so."""

    until: float
    secret_hash: str = ""
    """Empty of a key that is unknown."""
    actor: Actor | None = None
    ends_at: datetime | None = None
    """When the key expires, or was revoked; None of one that does not end."""


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


class Keyring:
    """Finds the actor behind a key, and remembers it for a few seconds so that a sale does not wait for it."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._remembered: dict[str, _Remembered] = {}
        self._shown: dict[str, _Remembered] = {}
        """By whole keys that were proven, what they were proven by: hashing takes as long as all that is looked up."""
        self._used: dict[str, float] = {}
        """By their public ids: when keys were used last, by the keyring's clock."""

    async def actor(self, key: str) -> Actor | None:
        """The actor, or None for a key that is malformed, unknown, expired or revoked."""
        shown = self._shown.get(key)
        if shown is not None and shown.until > self._clock():
            return self._valid(shown)
        prefix, _, rest = key.partition("_")
        public_id, _, secret = rest.partition("_")
        if prefix != "gh" or not public_id or not secret or not key.isascii():
            return None
        found = await self._found(public_id)
        if not hmac.compare_digest(found.secret_hash, _hash(secret)):
            return None
        if len(self._shown) >= REMEMBERED_KEYS:
            self._shown.clear()
        self._shown[key] = found
        return self._valid(found)

    async def renewed(self, actor: Actor) -> Actor | None:
        """The actor of a key that was shown before, as it is now; None once the key has expired or was revoked.

        For whoever stays: a subscription must not outlive its key.
        """
        return self._valid(await self._found(actor.key_id))

    def _valid(self, found: _Remembered) -> Actor | None:
        """The actor, if the key has not ended now; its use is noted."""
        if found.actor is None or (found.ends_at is not None and found.ends_at <= self._database.now()):
            return None
        self._used[found.actor.key_id] = self._clock()
        return found.actor

    async def note(self, database: Database) -> None:
        """Write down when the keys that were used since the last time were used last."""
        if not self._used:
            return
        used, self._used = self._used, {}
        now, moment = self._clock(), database.now()
        moments = {public_id: moment - timedelta(seconds=now - at) for public_id, at in used.items()}
        async with database.writing() as write:
            await db.client.note_use(write, moments)

    async def _found(self, public_id: str) -> _Remembered:
        now = self._clock()
        remembered = self._remembered.get(public_id)
        if remembered is not None and remembered.until > now:
            return remembered
        async with self._database.reading() as read:
            row = await db.client.key_by_public_id(read, public_id)
        until = now + REMEMBERED_SECONDS
        if row is None:
            found = _Remembered(until)
        else:
            actor = Actor(row.client_id, row.client_name, Role(row.role), row.public_id)
            ends = [end for end in (row.expires_at, row.revoked_at) if end is not None]
            found = _Remembered(until, row.secret_hash, actor, min(ends, default=None))
        if len(self._remembered) >= REMEMBERED_KEYS:
            self._remembered.clear()
        self._remembered[public_id] = found
        return found


async def create_key(write: Write, name: str, role: Role, at: datetime, expires_at: datetime | None = None) -> str:
    """Make a key for the client of that name (made too, if new) and answer it: the only time that it can be seen.

    Raises ValueError if the name is empty or belongs to a client of another role.
    """
    if not name.strip():
        raise ValueError("a client needs a name")
    client = await db.client.by_name(write, name) or await db.client.add(write, name, role, at)
    if client.role != role:
        raise ValueError(f"the client {client.name} has the role {client.role}: another role needs another name")
    public_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    await db.client.add_key(write, client.id, public_id, _hash(secret), at, expires_at)
    return f"gh_{public_id}_{secret}"
