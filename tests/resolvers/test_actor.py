"""Keys: what opens, and for how long."""

import asyncio
from datetime import timedelta

import pytest

from db.client import Role
from db.engine import Database
from resolvers.actor import Keyring, create_key


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
    key = await make(database)
    public_id = key.split("_")[1]
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


async def test_a_key_ends_with_its_time(database: Database) -> None:
    key, keyring = await make(database, days=1), Keyring(database)
    assert await keyring.actor(key) is not None
    database.clock_offset = timedelta(days=1)
    assert await keyring.actor(key) is None
