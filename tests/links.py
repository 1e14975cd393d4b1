"""What no foreign key says: each statement lists what points at nothing, or says another thing than what it repeats."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Column, Table

import db
from db.base import metadata
from db.search_key import OF_CUSTOMER, OF_TICKET, SearchKind, search_key
from db.timeline import request_event


class Link(NamedTuple):
    """A column without a foreign key, and the statement that lists where it is wrong, of the rows that are such."""

    column: Column[Any]
    wrong: str
    such: str = "1 = 1"


def _pointed_at(column: Column[Any]) -> Table:
    """The table whose ids the column has."""
    for key in column.foreign_keys:
        return key.column.table
    return _pointed_at(_pointed_at(column.table.c[column.info["repeats"]]).c[column.name])


def _repeated() -> Iterator[tuple[str, Link]]:
    for table in metadata.tables.values():
        for column in table.columns:
            if through := column.info.get("repeats"):
                wrong = f"""
                    SELECT r.{through} FROM {table.name} r
                    LEFT JOIN {_pointed_at(table.c[through]).name} t ON t.id = r.{through}
                    WHERE t.id IS NULL OR t.{column.name} <> r.{column.name}
                """
                yield f"{column} is what the row of its {through} says", Link(column, wrong)


def _to_be_there(column: Column[Any], table: Table, such: str = "1 = 1") -> Link:
    wrong = f"""
        SELECT r.{column.name} FROM {column.table.name} r WHERE {such} AND r.{column.name} IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM {table.name} t WHERE t.id = r.{column.name})
    """
    return Link(column, wrong, such)


def _told() -> Iterator[tuple[str, Link]]:
    named = {
        "client_id": db.client.client,
        "request_id": db.ticket_request.ticket_request,
        "ticket_id": db.ticket.issued_ticket,
        "access_entry_id": db.ticket.access_entry,
        "admission_id": db.admission.admission,
        "slot_id": db.time_slot.time_slot,
        "customer_id": db.customer.customer,
    }
    for name, table in named.items():
        yield f"request_event.{name} names what is there", _to_be_there(request_event.c[name], table)


def _searched() -> Iterator[tuple[str, Link]]:
    yield "search_key.client_id names what is there", _to_be_there(search_key.c.client_id, db.client.client)
    kinds = {
        db.ticket.issued_ticket: [*OF_TICKET.values(), SearchKind.TICKET_NO],
        db.customer.customer: list(OF_CUSTOMER.values()),
    }
    others = [kind for kind in SearchKind if not any(kind in some for some in kinds.values())]
    for table, of_table in {**kinds, db.ticket_request.ticket_request: others}.items():
        such = f"kind IN ({', '.join(str(int(kind)) for kind in of_table)})"
        name = f"search_key.row_id leads to what is there: {table.name}"
        yield name, _to_be_there(search_key.c.row_id, table, such)


LINKS: Mapping[str, Link] = {**dict(_repeated()), **dict(_told()), **dict(_searched())}
"""By what must be true."""

BROKEN: Mapping[str, str] = {name: link.wrong for name, link in LINKS.items()}
"""What must be true, and the statement that lists what breaks it."""
