"""Keys: what opens, and for how long."""

import asyncio
from datetime import datetime, timedelta

import pytest

import db
from db.client import Role
from db.engine import Database
from resolvers.actor import REMEMBERED_SECONDS, Keyring, create_key


async def make(database: Database, name: str = "shop", role: Role = Role.WEB_STORE, days: int | None = None) -> str:
    async with database.writing() as write:
        now = await write.clock()
        return await create_key(write, name, role, now, None if days is None else now + timedelta(days=days))


async def test_a_key_names_its_client(database: Database) -> None:
    actor = await Keyring(database).actor(await make(database, " The Shop "))
    assert actor is not None
    assert (actor.client, actor.role) == ("The Shop", Role.WEB_STORE)


async def test_keys_of_one_name_are_of_one_client(database: Database) -> None:
    keyring = Keyring(database)
    first, second = await make(database, "shop"), await make(database, "SHOP")
    assert first != second
    actors = [await keyring.actor(key) for key in (first, second)]
    assert actors[0] == actors[1] is not None


async def test_a_name_keeps_its_role(database: Database) -> None:
    await make(database)
    with pytest.raises(ValueError, match="has the role WEB_STORE"):
        await make(database, role=Role.ADMIN)


async def test_first_keys_made_at_once_are_of_one_client(database: Database) -> None:
    keys = await asyncio.gather(*(make(database) for _ in range(5)))
    assert len({await Keyring(database).actor(key) for key in keys}) == 1


async def test_whatever_is_not_a_key_opens_nothing(database: Database) -> None:
    key, shown = await make(database), Keyring(database)
    public_id = key.split("_")[1]
    assert await shown.actor(key) == await shown.actor(key) is not None
    for wrong in (
        "",
        "gh_",
        "gh__",
        f"gh_{public_id}_",
        f"gh_{public_id}_x",
        key + "x",
        key[3:],
        key.upper(),
        "gh_ø_ø",
    ):
        assert await Keyring(database).actor(wrong) is None
        assert await shown.actor(wrong) is None


async def test_a_key_ends_with_its_time(database: Database) -> None:
    key, keyring = await make(database, days=1), Keyring(database)
    assert await keyring.actor(key) is not None
    database.clock_offset = timedelta(days=1)
    assert await keyring.actor(key) is None


async def test_a_revocation_is_in_force_everywhere_within_seconds(database: Database) -> None:
    """A process that has just seen the key asks again after ten seconds; thirty are promised."""
    now = 0.0
    elsewhere = Keyring(database, clock=lambda: now)
    key, other = await make(database), await make(database)
    assert await elsewhere.actor(key) is not None
    async with database.writing() as write:
        assert await db.client.revoke_key(write, key.split("_")[1], await write.clock())
    now = REMEMBERED_SECONDS + 0.1
    assert now < 30
    assert await elsewhere.actor(key) is None
    assert await elsewhere.actor(other) is not None  # the client's next key, while they overlap
    assert await Keyring(database).actor(key) is None


async def last_used(database: Database) -> list[datetime | None]:
    async with database.reading() as read:
        return [row.last_used_at for row in await db.client.keys(read)]


async def test_it_is_known_when_a_key_was_last_used(database: Database) -> None:
    """The latest use of any process counts, whichever writes it down last; a wrong secret is no use."""
    key, other = await make(database), await make(database)
    early, late = Keyring(database), Keyring(database)
    assert await early.actor(key) is not None
    assert await early.actor(other[:-1]) is None
    database.clock_offset = timedelta(hours=1)
    assert await late.actor(key) is not None
    await late.note(database)
    first, second = await last_used(database)
    assert first is not None
    assert abs(first - database.now()) < timedelta(minutes=1)
    assert second is None
    await early.note(database)
    assert await last_used(database) == [first, None]
    await early.note(database)
