"""How look-ups are answered: each branch by an index, in the index's order, so that a limit ends it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import event, text

from db import find, search_key
from db.engine import Database, Read
from db.find import Lookup
from db.search_key import SearchKeyRow, SearchKind
from tests.make import making

OWN = (None, 1)
NUMBERS = [kind for kind in SearchKind if kind in find._NUMBERS]


async def plan(database: Database, read: Read, run: Any) -> str:
    """The plan of the one statement that ``run`` sends."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        sent.append((statement, parameters))

    event.listen(database.reader.sync_engine, "before_cursor_execute", note)
    try:
        await run()
    finally:
        event.remove(database.reader.sync_engine, "before_cursor_execute", note)
    ((statement, parameters),) = sent
    word = "EXPLAIN" if read.dialect == "postgresql" else "EXPLAIN QUERY PLAN"
    rows = (await read.connection.exec_driver_sql(f"{word} {statement}", parameters)).all()
    return "\n".join(str(row[-1]) for row in rows)


@pytest.fixture
async def alone(database: Database) -> AsyncIterator[Database]:
    """The database on connections whose settings are nobody else's, planned for as if nothing had ever been in it."""
    alone = Database(database.url)
    if alone.dialect == "postgresql":
        async with alone.writing() as write:
            await write.run(text("TRUNCATE search_key, ticket_request, issued_ticket, customer CASCADE"))
    yield alone
    await alone.dispose()


@pytest.mark.parametrize("client_id", OWN, ids=("everybody's", "one's own"))
async def test_every_look_up_is_answered_by_an_index(alone: Database, client_id: int | None) -> None:
    """Without a sort where millions may match: the index has them in the order that is asked for."""
    async with alone.reading() as read:
        if read.dialect == "postgresql":
            for method in ("seqscan", "bitmapscan", "sort"):  # which pay on small tables only
                await read.connection.exec_driver_sql(f"SET enable_{method} = off")
        whole = [Lookup(kind, "x", False, client_id) for kind in NUMBERS]
        parts = [Lookup(kind, "x", True, client_id) for kind in SearchKind]
        of_numbers = await plan(alone, read, lambda: find.numbers(read, whole, 10))
        of_keys = await plan(alone, read, lambda: find.keys(read, parts, 10))
        beside = await plan(alone, read, lambda: find.neighbours(read, [*whole, *parts], 10))
    found = "\n".join((of_numbers, of_keys, beside))
    if alone.dialect == "postgresql":
        assert "Seq Scan" not in found
        assert "Sort" not in of_keys + beside
        assert of_keys.count("Index Only Scan") == 2 * len(parts)
    else:
        tables = ("search_key", "ticket_request", "issued_ticket", "customer")
        scans = {line for line in found.splitlines() if line.startswith(tuple(f"SCAN {table}" for table in tables))}
        assert scans == set()
        assert "TEMP B-TREE" not in of_keys + beside
        assert of_keys.count("SEARCH search_key USING") == 2 * len(parts)


async def test_keys_are_written_once_and_change_with_what_they_are_made_from(database: Database) -> None:
    async with making(database) as make:
        client_id = await make.client()
        columns = search_key.OF_CUSTOMER
        before = {"name": "Ada Berg", "email": "ada@example.org"}
        await search_key.add(make.write, search_key.rows(columns, 7, client_id, before))
        await search_key.add(make.write, search_key.rows(columns, 7, client_id, before))
        await search_key.add(make.write, search_key.rows(columns, 8, client_id, before))
        after = {"name": "Ada Ek", "email": None}
        await search_key.change(make.write, columns, 7, client_id, before, after)
        rows = await make.write.rows(SearchKeyRow, search_key.search_key.select())
        assert {row.key for row in rows if row.row_id == 7} == {"ada ek", "ek"}
        assert {row.key for row in rows if row.row_id == 8} == {"ada berg", "berg", "ada@example.org", "example.org"}
