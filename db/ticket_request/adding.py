"""New requests, and new lines for one: with all that hangs on them, in one statement where the database can.

What points at a row of the same statement is told its id by the step that inserts it (``RETURNING``); PostgreSQL checks
foreign keys when all is done. SQLite, where a round trip costs nothing, inserts one after another.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    ColumnClause,
    Integer,
    Select,
    Table,
    TableValuedAlias,
    bindparam,
    column,
    func,
    select,
    true,
)
from sqlalchemy.dialects import postgresql

from .. import search_key
from ..base import BigId
from ..engine import INSERT, Write
from .tables import request_entry, request_line, ticket_request

Columns = Mapping[str, Any]
Place = tuple[int, int]
"""The number of a line in its request, and the admission of an entry on it."""


class Lines(NamedTuple):
    """Lines, and the entries on them: each with the ``line_no`` of its own. Keys that are missing are filled in."""

    lines: Sequence[Columns] = ()
    entries: Sequence[Columns] = ()


class Added(NamedTuple):
    """The ids of a new request and of its entries."""

    request_id: int
    entry_ids: dict[Place, int]


async def add(write: Write, values: Columns, lines: Lines) -> Added | None:
    """A new request with its search keys, lines and entries; None if its token is taken by a request that is committed
    by then."""
    client_id = values["client_id"]
    if write.dialect == "sqlite":
        request_id: int | None = await write.value(_ADD_ONE, values)
        if request_id is None:
            return None
        await search_key.add(write, search_key.rows(search_key.OF_REQUEST, request_id, client_id, values))
        return Added(request_id, await add_lines(write, request_id, client_id, lines))
    keys = [*search_key.rows(search_key.OF_REQUEST, 0, client_id, values), *_dictated_keys(0, client_id, lines)]
    rows = await write.all(_adding(frozenset(values)), {**values, **_given(lines, keys)})
    return Added(rows[0][0], _entry_ids(rows)) if rows else None


async def add_lines(write: Write, request_id: int, client_id: int, lines: Lines) -> dict[Place, int]:
    """New lines of a request with their entries, of which it answers the ids.

    The request is found by the ticket numbers that they dictate, also when the lines are replaced or the request ends.
    """
    keys = _dictated_keys(request_id, client_id, lines)
    if write.dialect != "sqlite":
        return _entry_ids(await write.all(_ADD_LINES, {"of_request": request_id, **_given(lines, keys)}))
    await search_key.add(write, keys)
    line_ids = await write.add(request_line, [{**line, "request_id": request_id} for line in lines.lines])
    id_of = {line["line_no"]: line_id for line, line_id in zip(lines.lines, line_ids, strict=True)}
    entries = [
        {**{name: value for name, value in entry.items() if name != "line_no"}, "request_id": request_id}
        | {"line_id": id_of[entry["line_no"]]}
        for entry in lines.entries
    ]
    ids = await write.add(request_entry, entries)
    return {(e["line_no"], e["admission_id"]): id_ for e, id_ in zip(lines.entries, ids, strict=True)}


def dictated_number_keys(request_id: int, client_id: int, numbers: Iterable[str]) -> list[search_key.SearchKeyRow]:
    """The search keys of ticket numbers that a request dictates."""
    kind = search_key.SearchKind.REQUEST_TICKET_NO
    keys = {form for number in numbers for form in search_key.forms(kind, number)}
    return [search_key.SearchKeyRow(request_id, client_id, kind.value, form) for form in sorted(keys)]


def _dictated_keys(request_id: int, client_id: int, lines: Lines) -> list[search_key.SearchKeyRow]:
    numbers = (number for line in lines.lines for number in line["dictated_nos"] or ())
    return dictated_number_keys(request_id, client_id, numbers)


def _given(lines: Lines, keys: Sequence[search_key.SearchKeyRow]) -> dict[str, Any]:
    return {"lines": lines.lines, "entries": lines.entries, "keys": [key._asdict() for key in keys]}


def _entry_ids(rows: Sequence[Sequence[Any]]) -> dict[Place, int]:
    return {(line_no, admission_id): id_ for _, line_no, admission_id, id_ in rows if id_ is not None}


_ADD_ONE = (
    INSERT["sqlite"](ticket_request).on_conflict_do_nothing(index_elements=["token_key"]).returning(ticket_request.c.id)
)


@cache
def _adding(names: frozenset[str]) -> Select[Any]:
    """The statement for a request of which these columns are given."""
    row = {name: bindparam(name, type_=ticket_request.c[name].type) for name in sorted(names)}
    into = postgresql.insert(ticket_request).values(row).on_conflict_do_nothing(index_elements=["token_key"])
    return _adding_to(into.returning(ticket_request.c.id).cte("request"))


def _adding_to(request: CTE) -> Select[Any]:
    """Lines, entries and search keys for the request whose id this has, if it has one; as ``_entry_ids`` reads it."""
    lines = _given_rows("lines", request_line, _LINE)
    entries = _given_rows("entries", request_entry, _ENTRY, column("line_no", Integer()))
    keys = _given_rows("keys", search_key.search_key, ("client_id", "kind", "key"))
    of_request = request.c.id.label("request_id")
    new_lines = select(of_request, *lines.c).join_from(request, lines, true()).order_by(lines.c.line_no)
    line = _insert(request_line, new_lines).returning(request_line.c.id, request_line.c.line_no).cte("line")
    new_entries = (
        select(of_request, line.c.id.label("line_id"), *(entries.c[name] for name in _ENTRY))
        .join_from(request, entries, true())
        .join(line, line.c.line_no == entries.c.line_no)
        .order_by(entries.c.line_no, entries.c.content_line_id)
    )
    returned = (request_entry.c[name] for name in ("id", "line_id", "admission_id"))
    entry = _insert(request_entry, new_entries).returning(*returned).cte("entry")
    new_keys = select(request.c.id.label("row_id"), *keys.c).join_from(request, keys, true())
    key = _insert(search_key.search_key, new_keys).on_conflict_do_nothing().cte("key")
    found = request.outerjoin(entry, true()).outerjoin(line, line.c.id == entry.c.line_id)
    return select(request.c.id, line.c.line_no, entry.c.admission_id, entry.c.id).select_from(found).add_cte(key)


_LINE = ("line_no", "item_id", "quantity", "unit_price_minor", "ticket_kind", "dictated_nos")
_ENTRY = ("content_line_id", "admission_id", "inclusion", "is_primary", "quantity", "slot_id")


def _given_rows(parameter: str, table: Table, names: Sequence[str], *more: ColumnClause[Any]) -> TableValuedAlias:
    """The rows of a parameter: JSON with values of these columns of the table."""
    given = func.jsonb_to_recordset(bindparam(parameter, type_=postgresql.JSONB()))
    columns = [column(name, table.c[name].type) for name in names]
    return given.table_valued(*columns, *more).render_derived(f"given_{parameter}", with_types=True)


def _insert(table: Table, rows: Select[Any]) -> postgresql.Insert:
    return postgresql.insert(table).from_select([column.name for column in rows.selected_columns], rows)


_ADD_LINES = _adding_to(select(bindparam("of_request", type_=BigId).label("id")).cte("request"))
