"""Masked values on every path: however one asks, nobody else's e-mail, phone, name or code comes out.

Which values are personal is read from the schema's tag, as the server reads it: what is tagged tomorrow is tested.
"""

from collections.abc import Iterator

import httpx
import orjson
import pytest
import strawberry
from graphql import (
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
)

from db.client import Role
from db.timeline import RequestEventKind
from resolvers.find import FindField
from schema.find import PERSONAL_FIELDS
from schema.personal import PERSONAL, check_masks, fields_of
from schema.root import graphql_schema
from schema.ticket import IssuedTicketOrder
from schema.ticket_request import TicketRequestOrder
from tests.harness import Gatehouse
from tests.live import watching
from tests.make import Make, Ticket, making

DEPTH = 3
EVERYTHING = 999_999_999
LEAST = {
    "TicketRequest.authorizationCode",
    "TicketRequestEntry.authorizationCode",
    "Reference.email",
    "Reference.phone",
    "Reference.ticketHolderName",
    "Customer.name",
    "Customer.email",
    "Customer.phone",
}
"""What domain.md masks: the tag may stand on more, never on less."""

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
            parts += [name] * (name in fields_of(kind))
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


def test_all_that_the_domain_masks_is_tagged() -> None:
    kinds = [kind for kind in graphql_schema.type_map.values() if isinstance(kind, GraphQLObjectType)]
    tagged = {f"{kind.name}.{field}" for kind in kinds for field in fields_of(kind)}
    assert tagged >= LEAST
    assert {field.value for field in PERSONAL_FIELDS} == {"AUTHORIZATION_CODE", "EMAIL", "PHONE", "NAME"}


def schema_with(field: object) -> GraphQLSchema:
    @strawberry.type
    class Query:
        x: str | None = field  # type: ignore[assignment]

    return strawberry.Schema(Query)._schema


def test_what_is_tagged_and_not_masked_keeps_the_server_from_starting() -> None:
    check_masks(schema_with(strawberry.field(resolver=lambda: "x")))
    for field in (
        strawberry.field(resolver=lambda: "x", directives=[PERSONAL]),
        strawberry.field(resolver=lambda: "x", metadata={"is_masked": True}),
    ):
        with pytest.raises(TypeError, match="both tagged with @personal and masked"):
            check_masks(schema_with(field))


# ------------------------------------------------------------------------------- filters, orders, find, export

VALUES = {
    "email": "secret of {}@example.org",
    "phone": "4711 {}",
    "name": "Secret Of {}",
    "ticketHolderName": "Secret Of {}",
    "authorizationCode": "CODE-{}",
}
NUMBERS = {"somebody else": "17", "me": "23"}


def value_of(name: str, whose: str) -> str:
    """What a tagged field, input or kind of search of that name holds, of somebody's guest."""
    return VALUES[name].format(NUMBERS[whose] if name == "phone" else whose)


async def guests_of_two(gatehouse: Gatehouse, role: str) -> None:
    async with making(gatehouse.database) as make:
        admission = await make.admission()
        item = await make.item("A", admission)
        for whose, its in (("somebody else", Role.WEB_STORE), ("me", Role(role))):
            client_id = await make.client(whose, its)
            person = {name: value_of(name, whose) for name in ("email", "phone")}
            code = value_of("authorizationCode", whose)
            holder = {**person, "ticket_holder_name": value_of("name", whose), "authorization_code": code}
            request = await make.request(client_id, f"TOKEN of {whose}", code_key=code.casefold(), **holder)
            await make.ticket(await make.line(request, item), f"TICKET of {whose}")
            await make.customer(f"C of {whose}", client_id, name=value_of("name", whose), **person)


def conditions() -> Iterator[tuple[str, str]]:
    """Every tagged condition of every filter."""
    for kind in graphql_schema.type_map.values():
        if isinstance(kind, GraphQLInputObjectType) and kind.name.endswith("Where"):
            yield from ((kind.name, name) for name in fields_of(kind))


@pytest.mark.parametrize("role", ["SUPPORT", "POS", "WEB_STORE"])
async def test_no_filter_search_or_export_tells_what_is_masked(gatehouse: Gatehouse, role: str) -> None:
    """What matches tells as much as what is shown. One's own matches, and SUPPORT sees all: the control."""
    await guests_of_two(gatehouse, role)
    sees = {"somebody else": role == "SUPPORT", "me": True}
    lists = {"TicketRequestWhere": "ticketRequests", "IssuedTicketWhere": "issuedTickets"}
    asked = 0
    for kind, name in conditions():
        for whose, is_seen in sees.items():
            query = f"query ($where: {kind}) {{ found: {lists[kind]}(where: $where) {{ totalCount nodes {{ id }} }} }}"
            where = {name: value_of(name, whose)}
            found = (await gatehouse.data(query, {"where": where}, role=role, client="me"))["found"]
            assert (found["totalCount"], len(found["nodes"])) == ((1, 1) if is_seen else (0, 0)), (kind, where)
            asked += 1
    assert asked == 12
    called = {FindField.AUTHORIZATION_CODE: "authorizationCode", FindField.NAME: "name"}
    for field in PERSONAL_FIELDS:
        for whose, is_seen in sees.items():
            scrap = value_of(called.get(field, field.value.lower()), whose)
            query = "query ($text: String!) { find(text: $text) { hint hits { matchedField matchedValue } } }"
            found = (await gatehouse.data(query, {"text": scrap}, role=role, client="me"))["find"]
            assert ((field.value, scrap) in {tuple(hit.values()) for hit in found["hits"]}) == is_seen, scrap
            if not is_seen:
                told = orjson.dumps(found).decode()
                assert not any(value_of(name, whose) in told for name in VALUES), told
    headers = {"Authorization": f"Bearer {await gatehouse.key(role, 'me')}"}
    for whose, is_seen in sees.items():
        every: httpx.Response = await gatehouse.http.get("/export/tickets.csv", headers=headers)
        query_string = {"email": value_of("email", whose)}
        some = await gatehouse.http.get("/export/tickets.csv", params=query_string, headers=headers)
        assert all((value_of(name, whose) in every.text) == is_seen for name in ("email", "phone", "name"))
        assert (f"TICKET of {whose}" in some.text) == is_seen


WATCH = """subscription { requestEvents { request {
  token authorizationCode references { email phone ticketHolderName } entries { authorizationCode } } } }"""


@pytest.mark.parametrize("role", ["SUPPORT", "POS", "WEB_STORE"])
async def test_no_subscription_tells_what_is_masked(gatehouse: Gatehouse, role: str) -> None:
    """One's own is told, and to SUPPORT all: the control."""
    await guests_of_two(gatehouse, role)
    change = """mutation ($token: String!) {
      ticketRequestHolderChange(input: {token: $token, holder: {language: "da"}}) { refusals { code } } }"""
    async with watching(gatehouse, "sse", WATCH, role=role, client="me") as watcher:
        told = {}
        for whose in ("somebody else", "me"):
            await gatehouse.data(change, {"token": f"TOKEN of {whose}"})
            if whose == "me" or role != "WEB_STORE":
                event = await watcher.next()
                told[event["request"]["token"]] = orjson.dumps(event).decode()
        assert await watcher.is_silent()
    for whose, is_seen in (("somebody else", role == "SUPPORT"), ("me", True)):
        said = told.get(f"TOKEN of {whose}", "")
        for name in ("email", "phone", "ticketHolderName", "authorizationCode"):
            assert (value_of(name, whose) in said) == is_seen, (name, whose)


def test_nothing_is_ordered_by_what_is_personal() -> None:
    """The order of a list would tell of values that are masked."""
    tagged = {
        field.python_name
        for kind in ("TicketRequest", "Reference")
        for field in fields_of(graphql_schema.type_map[kind]).values()
    }
    assert "email" in tagged
    orders = [member.value for kind in (TicketRequestOrder, IssuedTicketOrder) for member in kind]
    assert {order.attribute for order in orders}.isdisjoint(tagged)
