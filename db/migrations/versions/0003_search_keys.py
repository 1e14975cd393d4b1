"""Search keys: what requests, tickets and customers are found by, filled for those that exist."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

from db.base import BigId
from db.search_key import OF_CUSTOMER, OF_REQUEST, OF_TICKET, SearchKeyRow, SearchKind, forms, rows

revision = "0003"
down_revision = "0002"

AT_ONCE = 2000


def upgrade() -> None:
    op.create_table(
        "search_key",
        sa.Column("row_id", BigId, nullable=False),
        sa.Column("client_id", BigId, nullable=False, comment="whose value it is"),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("key", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_search_key_client_id")),
        sa.PrimaryKeyConstraint("kind", "key", "row_id", name=op.f("pk_search_key")),
        sqlite_with_rowid=False,
    )
    fill(op.get_bind())
    op.create_index(
        op.f("ix_search_key_client_id_kind_key_row_id"), "search_key", ["client_id", "kind", "key", "row_id"]
    )


def fill(connection: sa.Connection) -> None:
    """Some thousand rows at a time, so that memory is no matter."""
    sources: list[tuple[str, Callable[[Any], list[SearchKeyRow]]]] = [
        (f"SELECT id, client_id, {', '.join(OF_REQUEST)} FROM ticket_request", of(OF_REQUEST, "client_id")),
        (f"SELECT id, client_id, {', '.join(OF_TICKET)} FROM issued_ticket", of(OF_TICKET, "client_id")),
        (f"SELECT id, first_client_id, {', '.join(OF_CUSTOMER)} FROM customer", of(OF_CUSTOMER, "first_client_id")),
        (
            "SELECT l.id, l.request_id, r.client_id, l.dictated_nos FROM request_line l"
            " JOIN ticket_request r ON r.id = l.request_id",
            of_dictated,
        ),
    ]
    insert = (
        "INSERT INTO search_key (row_id, client_id, kind, key) VALUES (:row_id, :client_id, :kind, :key)"
        " ON CONFLICT DO NOTHING"
    )
    for query, keys_of in sources:
        for some in chunks(connection, query):
            found = [row._asdict() for one in some for row in keys_of(one)]
            if found:
                connection.execute(sa.text(insert), found)


def chunks(connection: sa.Connection, query: str) -> Iterator[Any]:
    alias = "l." if " l " in query else ""
    last = 0
    while True:
        page = f"{query} WHERE {alias}id > :last ORDER BY {alias}id LIMIT {AT_ONCE}"
        some = connection.execute(sa.text(page), {"last": last}).mappings().all()
        if not some:
            return
        yield some
        last = some[-1]["id"]


def of(columns: Any, owner: str) -> Callable[[Any], list[SearchKeyRow]]:
    return lambda row: rows(columns, row["id"], row[owner], row)


def of_dictated(row: Any) -> list[SearchKeyRow]:
    numbers = row["dictated_nos"]
    if isinstance(numbers, str):
        numbers = orjson.loads(numbers)
    kind = SearchKind.REQUEST_TICKET_NO
    keys = {form for number in numbers or () for form in forms(kind, number)}
    return [SearchKeyRow(row["request_id"], row["client_id"], kind.value, form) for form in sorted(keys)]
