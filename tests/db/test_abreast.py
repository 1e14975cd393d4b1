"""Readers abreast: each gets what it would get alone, and together they wait as often as the one that asks most."""

import asyncio
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import pytest
from sqlalchemy import Text, bindparam, select

import db
from db.abreast import Reader, abreast
from db.driver import Asked, Connection, Row
from db.driver.union import union_of
from db.engine import Database, Read, statements
from db.paging import Window
from tests.make import NOON, making

BY_TOKEN = select(db.ticket_request.ticket_request.c.id).where(
    db.ticket_request.ticket_request.c.token == bindparam("of_token", type_=Text())
)


class Counting:
    """A connection that counts the round trips."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.trips = 0
        self.is_closed = False

    async def fetch(self, text: str, values: Sequence[Any]) -> Sequence[Row]:
        self.trips += 1
        return await self._connection.fetch(text, values)

    async def fetch_abreast(self, asked: Sequence[Asked]) -> Sequence[Sequence[Row]]:
        self.trips += 1
        return await self._connection.fetch_abreast(asked)


async def two_requests(database: Database) -> None:
    async with making(database) as make:
        shop = await make.client("shop")
        item = await make.item(None, await make.admission())
        for number in (1, 2):
            request = await make.request(shop, customer_no=f"C-{number}")
            await make.customer(f"C-{number}", shop)
            for _ in range(number):
                await make.ticket(await make.line(request, item))


async def customers(read: Read) -> Any:
    return await db.customer.by_keys(read, ["c-2", "c-1"])


async def references(read: Read) -> Any:
    return await db.ticket_request.references_of_requests(read, [1, 2])


async def tickets(read: Read) -> Any:
    return await db.ticket.pages_of_requests(read, [2, 1], Window(1), columns=frozenset({"ticket_no", "valid_until"}))


async def counts(read: Read) -> Any:
    return await db.ticket.counts_of_requests(read, [1, 2, 3])


async def one_after_the_other(read: Read) -> Any:
    ids = [(await read.value(BY_TOKEN, {"of_token": row.token})) for row in (await requests(read)).values()]
    return ids, await read.fetch("SELECT 'as it is'")


async def requests(read: Read) -> Any:
    return await db.ticket_request.by_ids(read, [1, 2, 3], NOON)


async def nothing(_read: Read) -> Any:
    return "nothing"


READERS: tuple[Reader, ...] = (customers, references, tickets, counts, one_after_the_other, requests, nothing)


async def test_readers_abreast_find_what_each_finds_alone(database: Database) -> None:
    await two_requests(database)
    async with database.reading() as read:
        alone = {reader: await reader(read) for reader in READERS}
        assert [len(page.rows) for page in alone[tickets].values()] == [1, 1]
        for number in range(len(READERS) + 1):
            for chosen in combinations(READERS, number):
                assert await abreast(read, chosen) == [alone[reader] for reader in chosen]


async def test_readers_abreast_wait_together(database: Database) -> None:
    await two_requests(database)
    async with database.reading() as read:
        counting: Any = Counting(read.connection)
        texts: list[str] = []
        token = statements.set(texts)
        await abreast(Read(counting, read.dialect), (customers, references, tickets, requests))
        statements.reset(token)
        assert counting.trips == 1
        assert len(texts) == 4
        counting.trips = 0
        await abreast(Read(counting, read.dialect), (customers, one_after_the_other))
        assert counting.trips == 4


async def test_a_reader_that_fails_fails_alone(database: Database) -> None:
    await two_requests(database)

    async def fails(read: Read) -> Any:
        await read.fetch("SELECT no such thing")

    async def raises(read: Read) -> Any:
        await customers(read)
        raise ValueError("of its own")

    async def waits_for_another(_read: Read) -> Any:
        await asyncio.sleep(0.001)

    async def goes_on(read: Read) -> Any:
        try:
            await read.all(BY_TOKEN, {"of_token": object()})
        except Exception:
            return await customers(read)

    async with database.reading() as read:
        expected = await customers(read), await tickets(read)
        found = await abreast(read, (fails, customers, raises, goes_on, tickets, waits_for_another))
        assert (found[1], found[4]) == expected
        assert found[3] == expected[0]
        assert isinstance(found[0], Exception)
        with pytest.raises(ValueError, match="of its own"):
            raise found[2]
        with pytest.raises(TypeError, match="something else"):
            raise found[5]


def test_columns_of_one_type_share_a_place() -> None:
    first = ("SELECT $1", ("INTEGER", "TEXT", "INTEGER"), 1)
    union = union_of((first, ("SELECT $1, $2", ("TEXT", "BIGINT", "BOOLEAN"), 2)))
    assert union is not None
    assert union.text == (
        "SELECT 0, c0, c1, c2, CAST(NULL AS BOOLEAN) FROM (SELECT $1) AS part(c0, c1, c2)\n"
        "UNION ALL SELECT 1, c1, c0, CAST(NULL AS BIGINT), c2 FROM (SELECT $2, $3) AS part(c0, c1, c2)"
    )
    rows = [(0, 1, "one", 2, None), (1, 3, "two", None, True)]
    assert union.parted(rows) == [[(1, "one", 2)], [("two", 3, True)]]
    assert union_of((first, ("SELECT $1", None, 1))) is None
