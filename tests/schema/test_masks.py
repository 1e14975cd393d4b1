"""Masked values on every path: however one walks the schema, nobody else's e-mail, phone, name or code comes out."""

from collections.abc import Iterator

import orjson
import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType, get_named_type, is_leaf_type

from db.client import Role
from db.timeline import RequestEventKind
from schema.root import graphql_schema
from tests.harness import Gatehouse
from tests.make import Make, Ticket, making

DEPTH = 3
EVERYTHING = 999_999_999
WORTH_MASKING = {"authorizationCode", "email", "phone", "ticketHolderName", "name"}
STARTS = {
    "TicketRequest": "ticketRequests { nodes",
    "IssuedTicket": "issuedTickets { nodes",
    "Customer": "customers { nodes",
    "SalesOrder": 'salesOrder(by: { externalOrderNo: "W-1" })',
}
TICKET = 'issuedTicket(by: { externalTicketNo: "ticket of somebody else" })'


def selection(kind: GraphQLObjectType | GraphQLInterfaceType, depth: int) -> str:
    """Every masked field, and every object behind it, that deep."""
    parts = ["__typename"]
    for name, field in kind.fields.items():
        shown = get_named_type(field.type)
        if is_leaf_type(shown):
            parts += [name] * (name in WORTH_MASKING)
        elif isinstance(shown, GraphQLObjectType) and "nodes" in shown.fields:
            if depth:
                row = get_named_type(shown.fields["nodes"].type)
                assert isinstance(row, GraphQLObjectType)
                parts.append(f"{name} {{ nodes {selection(row, depth - 1)} }}")
        elif isinstance(shown, GraphQLObjectType) and depth:
            parts.append(f"{name} {selection(shown, depth - 1)}")
    return "{ " + " ".join(parts) + " }"


def documents(role: str) -> Iterator[str]:
    ticket = graphql_schema.type_map["IssuedTicket"]
    assert isinstance(ticket, GraphQLObjectType)
    yield f"{{ {TICKET} {selection(ticket, DEPTH)} }}"
    if role != "GATE":
        for secret in ("secret of somebody else", "secret of me"):
            yield f'{{ find(text: "{secret}") {{ hits {{ matchedValue }} hint }} }}'
    for type_name, start in STARTS.items():
        kind = graphql_schema.type_map[type_name]
        if isinstance(kind, GraphQLObjectType) and role != "GATE":
            yield f"{{ {start} {selection(kind, DEPTH)} {'}' * start.count('{ nodes')} }}"


async def sale_of(make: Make, name: str, role: Role, item_no: str) -> None:
    """A sale of that client, with its name in everything that is to be masked."""
    client_id = await make.client(name, role)
    secret = f"secret of {name}"
    person = {"email": f"{secret}@example.org", "phone": secret}
    await make.customer(f"C-{name}", client_id, name=secret, **person)
    await make.sales_order(client_id, external_order_no="W-1", customer_no=f"C-{name}")
    admission = await make.admission()
    slot = await make.slot(admission)
    item = await make.item(item_no, admission)
    request = await make.request(
        client_id,
        external_order_no="W-1",
        customer_no=f"C-{name}",
        ticket_holder_name=secret,
        authorization_code=secret,
        **person,
    )
    ticket: Ticket = await make.ticket(await make.line(request, item, slots={admission: slot}), f"ticket of {name}")
    entry_id = ticket.access_entries[admission]
    await make.event(RequestEventKind.REFUSED, ticket=ticket, access_entry_id=entry_id, refusal_code="TOO_EARLY")


@pytest.mark.parametrize("role", ["POS", "WEB_STORE", "GATE"])
async def test_no_path_leads_to_what_is_masked(gatehouse: Gatehouse, role: str) -> None:
    """One's own is shown on the way, which tells that the walk meets what it should."""
    async with making(gatehouse.database) as make:
        await sale_of(make, "somebody else", Role.WEB_STORE, "A")
        await sale_of(make, "me", Role(role), "B")
    met = ""
    async with gatehouse.with_settings(max_cost=EVERYTHING) as unlimited:
        for document in documents(role):
            met += orjson.dumps(await unlimited.data(document, role=role, client="me")).decode()
    assert "secret of somebody else" not in met
    assert ("secret of me" in met) == (role != "GATE")


async def test_the_walk_meets_them_where_they_are_shown(gatehouse: Gatehouse) -> None:
    """A control: for SUPPORT the same walk meets the secrets of both."""
    async with making(gatehouse.database) as make:
        await sale_of(make, "somebody else", Role.WEB_STORE, "A")
    async with gatehouse.with_settings(max_cost=EVERYTHING) as unlimited:
        for document in documents("SUPPORT"):
            if "secret of me" in document:
                continue
            met = orjson.dumps(await unlimited.data(document, role="SUPPORT")).decode()
            assert "secret of somebody else" in met, document
