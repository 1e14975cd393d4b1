"""How look-ups are answered: each branch by an index, in the index's order, so that a limit ends it."""

import pytest
from sqlalchemy import text

from db import find, search_key
from db.engine import Database
from db.find import Lookup
from db.search_key import SearchKeyRow, SearchKind
from tests.db.plans import planning
from tests.make import making

OWN = (None, 1)
NUMBERS = [kind for kind in SearchKind if kind in find._NUMBERS]


SHARED_BY_MANY = text("""
    INSERT INTO search_key (client_id, kind, key, row_id)
    SELECT client_id, kind, key, client_id * 100 + place
    FROM generate_series(1, 20) client_id, generate_series(1, :kinds) kind, unnest(ARRAY['x', 'x1']) key,
        generate_series(1, 5) place
""")


async def fill(database: Database) -> None:
    """Many clients have the same keys. Where the tables are empty, everybody's index does for one's own keys as well,
    and which of the two PostgreSQL takes depends on which was made first."""
    async with database.writing() as write:
        await write.run(text("SET LOCAL session_replication_role = replica"))  # no client is needed
        await write.run(SHARED_BY_MANY, {"kinds": len(SearchKind)})
        await write.run(text("ANALYZE search_key"))


@pytest.mark.parametrize("client_id", OWN, ids=("everybody's", "one's own"))
async def test_every_look_up_is_answered_by_an_index(database: Database, client_id: int | None) -> None:
    """Without a sort where millions may match: the index has them in the order that is asked for."""
    whole = [Lookup(kind, "x", False, client_id) for kind in NUMBERS]
    parts = [Lookup(kind, "x", True, client_id) for kind in SearchKind]
    async with planning(database) as planner:
        if database.dialect == "postgresql":
            await fill(database)
        of_numbers = await planner.plan(lambda read: find.numbers(read, whole, 10))
        of_keys = await planner.plan(lambda read: find.keys(read, parts, 10))
        beside = await planner.plan(lambda read: find.neighbours(read, [*whole, *parts], 10))
    found = "\n".join((of_numbers, of_keys, beside))
    if database.dialect == "postgresql":
        assert "Seq Scan" not in found
        assert "Sort" not in of_keys + beside
        assert of_keys.count("Index Only Scan") == 2 * len(parts)
        assert of_keys.count("ix_search_key_client_id_kind_key_row_id") == (2 * len(parts) if client_id else 0)
    else:
        tables = ("search_key", "ticket_request", "issued_ticket", "customer")
        scans = {line for line in found.splitlines() if line.startswith(tuple(f"SCAN {table}" for table in tables))}
        assert scans == set()
        assert "TEMP B-TREE" not in of_keys + beside
        assert of_keys.count("SEARCH search_key USING") == 2 * len(parts)


SHARED = (
    SearchKind.REQUEST_CODE,
    SearchKind.REQUEST_RECEIPT_NO,
    SearchKind.REQUEST_PAYMENT,
    SearchKind.REQUEST_CUSTOMER_NO,
)


@pytest.mark.parametrize("kind", SHARED, ids=lambda kind: kind.name)
async def test_the_newest_of_many_that_share_a_number_are_found_by_its_index(
    database: Database, kind: SearchKind
) -> None:
    """Not by walking through all requests, the newest first, until so many have it: there may be fewer."""
    async with planning(database) as planner:
        found = await planner.plan(lambda read: find.numbers(read, [Lookup(kind, "x")], 10))
    column = find._NUMBERS[kind].name
    assert f"ix_ticket_request_{column}_id" in found
    assert "pk_ticket_request" not in found
    assert "Sort" not in found
    assert "TEMP B-TREE" not in found


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
