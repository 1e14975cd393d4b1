"""What is read of rows: what somebody looks at, and nothing else. What a field looks at it says itself, truly."""

import typing
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import GraphQLObjectType
from graphql.execution.values import VariableValues
from strawberry.schema.schema_converter import GraphQLCoreConverter

import schema.root
from db.client import Role
from db.engine import Database
from db.paging import ALL, NotRead, narrowed
from db.ticket import IssuedTicketRow
from resolvers.actor import Actor
from resolvers.context import Context, Rules
from resolvers.views import Views
from schema.execution import plan
from schema.execution.documents import Documents
from schema.execution.limits import Limits
from schema.execution.plan import Function, Related
from schema.node import global_id
from schema.personal import fields_of
from tests.harness import Gatehouse
from tests.make import making

SCHEMA = schema.root.graphql_schema
SAMPLES = {int: 1, str: "EUR", datetime: datetime(2026, 11, 23, tzinfo=UTC)}


def declared() -> Iterator[tuple[str, Any, Any, Any]]:
    """Every field that looks at a row by a function, with its type, its row class, and where its value comes from."""
    for kind in SCHEMA.type_map.values():
        rows = getattr(getattr(kind, "is_type_of", None), "rows", None)
        if not isinstance(kind, GraphQLObjectType) or not hasattr(rows, "_fields"):
            continue
        for name, field in kind.fields.items():
            value = plan._value(SCHEMA, field, field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF), False)
            if isinstance(value, Function | Related) and value.reads is not ALL:
                yield f"{kind.name}.{name}", kind, rows, value


DECLARED = {name: (kind, rows, value) for name, kind, rows, value in declared()}


def sample(rows: type[Any], names: frozenset[str]) -> Any:
    """A row of these columns only, with a value in each."""
    narrow = narrowed(rows, names)
    hints = typing.get_type_hints(rows)
    kinds = [typing.get_args(hints[name]) or (hints[name],) for name in narrow._fields]
    return narrow._make(next(SAMPLES[kind] for kind in of if kind in SAMPLES) for of in kinds)


def watched() -> Context:
    """Of somebody who may see everything, and is recorded."""
    return Context(Database("sqlite+aiosqlite://"), Actor(1, "support", Role.SUPPORT), Rules())


@pytest.mark.parametrize("name", DECLARED)
def test_a_field_looks_at_what_it_says_and_at_nothing_else(name: str) -> None:
    kind, rows, value = DECLARED[name]
    row = sample(rows, value.reads)
    if isinstance(value, Related):
        value.relation.by(row)
        return
    context = watched()
    info = SimpleNamespace(context=context, _raw_info=SimpleNamespace(parent_type=kind))
    named = {value.root: row} if value.root else {}
    itself = (row,) if value.root == "" else ()
    value.call(*itself, **named, **({value.info: info} if value.info else {}))
    if name.split(".")[1] in fields_of(kind):
        assert context.viewed
        Views().note(context)


def test_what_is_asked_for_most_says_what_it_looks_at() -> None:
    """Of a field that says nothing, everything is read."""
    for name in ("TicketRequest.total", "IssuedTicket.validUntil", "AccessEntry.isBlocked", "Reference.email"):
        assert name in DECLARED
    for kind in ("TicketRequest", "Reference", "TicketRequestEntry", "IssuedTicket", "AccessEntry", "Customer"):
        assert {f"{kind}.{name}" for name in ("id", *fields_of(SCHEMA.type_map[kind]))} <= DECLARED.keys()


def test_a_row_without_a_column_says_so_when_it_is_looked_at() -> None:
    row = sample(IssuedTicketRow, frozenset({"id", "ticket_no", "of another row"}))
    assert (row.id, row.ticket_no) == (1, "EUR")
    assert isinstance(row, IssuedTicketRow)
    assert tuple(row) == (1, "EUR")
    with pytest.raises(NotRead, match=r"IssuedTicketRow\.kind"):
        _ = row.kind


def asked(query: str) -> dict[str, Any]:
    """By the batch function's name: what is looked at of its rows, where fewer than all can be read."""
    document = Documents(SCHEMA, Limits()).get(query)
    assert not document.errors, document.errors
    (operation,) = document.operations.values()
    made = operation.plans.plan(VariableValues({}, {}))
    return {batch.__name__: columns for batch, columns in made.columns.items() if columns is not ALL}


def test_columns_are_those_of_the_selection() -> None:
    found = asked(
        """{ ticketRequests { pageInfo { endCursor } edges { cursor node { ...Asked } } nodes { number: token } } }
        fragment Asked on TicketRequest { __typename customer { customerNo } total { amount } ... on Node { id }
          tickets { totalCount nodes { isBlocked item { itemNo } } } }"""
    )
    assert found == {
        "pages_of_ticket_requests": {"id", "token", "customer_key", "total_minor", "currency"},
        "customers_by_key": {"customer_no"},
        "tickets_of_requests": {"blocked_at", "item_id"},
    }


def test_fields_that_read_the_same_read_the_same_columns() -> None:
    found = asked(
        """{ ticketRequests { nodes { customer { customerNo } references { customer { name } } } }
        issuedTickets { nodes { ticketNo request { token } } } other: issuedTickets { nodes { kind } } }"""
    )
    assert found["customers_by_key"] == {"customer_no", "name", "first_client_id", "id", "request_id"}
    assert found["pages_of_issued_tickets"] == {"ticket_no", "request_id", "kind"}
    assert found["ticket_requests"] == {"token"}


def test_a_look_up_reads_the_same_columns_in_whichever_way() -> None:
    """By an id, as the relation that finds it again below; what may be anything is read whole."""
    found = asked(
        """{ issuedTicket(by: {id: "x"}) { ticketNo accessEntries { ticket { kind } } }
        customers { nodes { customerNo } } }"""
    )
    assert found["issued_tickets"] == {"ticket_no", "id", "kind"}
    assert found["issued_tickets_by_number"] == {"ticket_no", "id"}
    assert found["customers"] == {"customer_no"}
    assert "issued_tickets" not in asked(
        """{ node(id: "x") { id ... on IssuedTicket { ticketNo } } issuedTicket(by: {id: "x"}) { kind } }"""
    )


def test_where_something_looks_at_all_of_a_row_all_of_it_is_read() -> None:
    found = asked("{ ticketRequests { nodes { tickets { nodes { explainAdmission { at } } } } } }")
    assert found == {"pages_of_ticket_requests": {"id"}}


async def test_only_what_is_asked_for_is_read(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        request = await make.request(await make.client("shop"), customer_no="C-1")
        line = await make.line(request, await make.item(None, await make.admission()))
        await make.ticket(line)
    found = await gatehouse.data(
        "{ ticketRequests { nodes { token tickets { nodes { externalTicketNo } } entries { quantity } } } }"
    )
    (node,) = found["ticketRequests"]["nodes"]
    assert node["tickets"]["nodes"]
    assert node["entries"]
    texts = " ".join(gatehouse.statements)
    assert "external_ticket_no" in texts
    for column in ("email", "ticket_no,", "printed_at", "authorization_code", "inclusion", "JOIN request_line"):
        assert f".{column}" not in texts, column


async def test_what_was_read_whole_is_not_read_again(gatehouse: Gatehouse) -> None:
    """A resolver that loads by itself takes rows whole; a relation that needs less of one takes it from there."""
    async with making(gatehouse.database) as make:
        request = await make.request(await make.client("shop"))
        await make.ticket(await make.line(request, await make.item(None, await make.admission())))
    async with gatehouse.database.reading() as read:
        number = (await read.fetch("SELECT id FROM ticket_request"))[0][0]
    query = "query Q($id: ID!) { node(id: $id) { ... on TicketRequest { entries { request { token } } } } }"
    found = await gatehouse.data(query, {"id": global_id("TicketRequest", number)})
    assert found["node"]["entries"][0]["request"]["token"]
    assert len(gatehouse.statements) == 2
