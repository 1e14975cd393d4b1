"""The history that events belong to: a database that was restored elsewhere goes on behind what it holds."""

import asyncio

import pytest
from sqlalchemy import text

import db
from db.client import Role
from db.engine import Database
from db.paging import Window
from db.timeline import AS_RECORDED, Event, RequestEventKind, RequestEventRow
from tests.make import NOON, making

FAR_AHEAD = 10**12
"""The number of a transaction that no server of the tests ever reaches."""


async def record(database: Database, token: str) -> None:
    async with making(database) as make:
        request = await make.request(await make.client("shop", Role.WEB_STORE), token)
        event = Event(
            kind=RequestEventKind.CREATED, at=NOON, actor="shop", client_id=request.client_id, request_id=request.id
        )
        await db.timeline.record(make.write, [event], NOON)


async def listed(database: Database, number: int = 0) -> list[RequestEventRow]:
    """What is listed, once there are so many: any writer in the whole cluster delays what was recorded after it."""
    for _ in range(600):
        async with database.reading() as read:
            found = list((await db.timeline.page(read, Window(100, AS_RECORDED))).rows)
        if len(found) >= number:
            break
        await asyncio.sleep(0.05)
    return found


async def restored(database: Database) -> None:
    """As a dump of a server that had counted further looks here: its numbers, and the place where it was."""
    async with database.writing() as write:
        await write.run(text(f"UPDATE request_event SET tx = {FAR_AHEAD}"))
        await write.run(text("UPDATE history SET place = 'another server/1'"))


async def test_what_is_restored_elsewhere_is_listed_and_goes_on_behind_it(database: Database) -> None:
    """Without a new epoch everything that was restored would lie beyond the horizon, and what is new before it."""
    if database.dialect == "sqlite":
        pytest.skip("it counts its events in the file that keeps them")
    await db.history.keep(database)
    await record(database, "before")
    (before,) = await listed(database, 1)
    await restored(database)
    assert await listed(database) == [], "the control: nobody would ever see it"
    assert await db.history.keep(database)
    await record(database, "after")
    first, second = await listed(database, 2)
    assert (first.id, first.tx) == (before.id, FAR_AHEAD)
    assert second.tx > FAR_AHEAD
    assert first.epoch == second.epoch != before.epoch


async def test_at_the_same_place_an_epoch_is_kept(database: Database) -> None:
    await db.history.keep(database)
    await record(database, "one")
    assert not await db.history.keep(database)
    await record(database, "two")
    first, second = await listed(database, 2)
    assert first.epoch == second.epoch


async def test_a_clone_is_another_place(database: Database) -> None:
    """Its transactions go on from where they were, and are counted as before; its cursors are its own."""
    if database.dialect == "sqlite":
        pytest.skip("a copy of the file is told by its events")
    await db.history.keep(database)
    await record(database, "before")
    (before,) = await listed(database, 1)
    async with database.writing() as write:
        await write.run(text("UPDATE history SET place = split_part(place, '/', 1) || '/1'"))
    assert await db.history.keep(database)
    (after,) = await listed(database, 1)
    assert (after.tx, after.epoch == before.epoch) == (before.tx, False)


async def test_of_two_servers_that_find_it_elsewhere_one_begins_the_epoch(database: Database) -> None:
    if database.dialect == "sqlite":
        pytest.skip("nothing to begin")
    await restored(database)
    assert sorted(await asyncio.gather(*(db.history.keep(database) for _ in range(4)))) == [False, False, False, True]
