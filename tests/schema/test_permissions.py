"""Who may do and see what: every root field, every type and every masked field, for every role.

Asked through HTTP, and written into one table that is checked in, ``permissions.txt``: to be read beside the table "Who
may do what" of the domain.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)

import db
from db.client import Role
from db.timeline import RequestEventKind
from schema.node import global_id
from schema.personal import fields_of
from schema.root import NODES, graphql_schema
from tests.checked_in import same_as
from tests.harness import Gatehouse
from tests.make import NOON, Make, Ticket, making

TABLE = Path(__file__).parent / "permissions.txt"
LITERALS = {
    "Int": "1",
    "Boolean": "true",
    "Date": '"2030-05-17"',
    "Time": '"09:00"',
    "DateTime": '"2030-05-17T09:00:00Z"',
}
NUMBER = "TICKET-OF-{}"


def literal(kind: GraphQLInputType) -> str:
    """Some value of an input type, in a document."""
    if isinstance(kind, GraphQLNonNull):
        return literal(kind.of_type)
    if isinstance(kind, GraphQLList):
        return f"[{literal(kind.of_type)}]"
    if isinstance(kind, GraphQLInputObjectType):
        fields = {name: field.type for name, field in kind.fields.items() if is_required_input_field(field)}
        if kind.is_one_of:
            fields = dict([[(name, field.type) for name, field in kind.fields.items()][-1]])
        return "{" + ", ".join(f"{name}: {literal(type_)}" for name, type_ in fields.items()) + "}"
    if hasattr(kind, "values"):
        return str(next(iter(kind.values)))
    return LITERALS.get(kind.name, '"1"') if kind.name != "ID" else f'"{global_id("TimeSlot", 1)}"'


def call(name: str, field: GraphQLField) -> str:
    """The field with what it requires, and the least selection."""
    arguments = ", ".join(
        f"{argument}: {literal(given.type)}" for argument, given in field.args.items() if is_required_argument(given)
    )
    selection = "" if is_leaf_type(get_named_type(field.type)) else "{ __typename }"
    return f"{name}{f'({arguments})' if arguments else ''} {selection}"


def root_fields() -> Iterator[tuple[str, str]]:
    for operation, root in (
        ("query", graphql_schema.query_type),
        ("mutation", graphql_schema.mutation_type),
        ("subscription", graphql_schema.subscription_type),
    ):
        assert root is not None
        for name, field in root.fields.items():
            yield f"{operation} {name}", f"{operation} {{ {call(name, field)} }}"


def masked_fields() -> list[tuple[str, str]]:
    """What the schema tags, of types that are read by an id."""
    return [(name, field) for name in NODES for field in fields_of(graphql_schema.type_map[name])]


FOUND = {"FindHit.matchedValue": "hits { matchedValue }", "FindResult.hint": "hint"}
"""What the schema tags of what a search answers: a value that was hit, or that was nearly meant."""


def test_every_masked_field_has_its_row() -> None:
    kinds = [kind for kind in graphql_schema.type_map.values() if isinstance(kind, GraphQLObjectType)]
    tagged = {f"{kind.name}.{field}" for kind in kinds for field in fields_of(kind)}
    rows = TABLE.read_text(encoding="utf-8").split()
    assert {f"{name}.{field}" for name, field in masked_fields()} | FOUND.keys() == tagged
    assert [name for name in tagged if rows.count(name) != 2] == [], "of its own and of another client's"


@dataclass(frozen=True)
class Owned:
    """One row of every type, made by one client, by type; and the number of the ticket."""

    ids: dict[str, str]
    number: str
    email: str
    """The guest's, which nobody else has."""


async def everything_of(make: Make, client_id: int) -> Owned:
    """A sale of that client, from the customer to the refused scan."""
    person = {"email": f"ada@client-{client_id}.example", "phone": "123"}
    customer_no = f"CUSTOMER-OF-{client_id}"
    customer = await make.customer(customer_no, client_id, name="Ada", **person)
    order = await make.sales_order(client_id, external_order_no="W-1", customer_no=customer_no)
    admission = await make.admission()
    line_id = await make.schedule_line(admission)
    slot = await make.slot(admission, line_id=line_id)
    item = await make.item(None, admission)
    holder = {"customer_no": customer_no, "external_order_no": "W-1", "ticket_holder_name": "Ada", **person}
    line = await make.line(await make.request(client_id, **holder), item, slots={admission: slot})
    ticket: Ticket = await make.ticket(line, NUMBER.format(client_id))
    scanned_at: dict[str, Any] = {"access_entry_id": ticket.access_entries[admission], "at": NOON}
    event = await make.event(RequestEventKind.REFUSED, ticket=ticket, refusal_code="TOO_EARLY", **scanned_at)
    rows = {
        "TicketRequest": line.request.id,
        "Reference": line.id,
        "TicketRequestEntry": line.entries[admission][0],
        "RequestEvent": event,
        "IssuedTicket": ticket.id,
        "AccessEntry": ticket.access_entries[admission],
        "Customer": customer,
        "SalesOrder": order,
        "Admission": admission,
        "TimeSlot": slot,
        "CapacityEntry": 2 * await make.reservation(line.entries[admission][0]),
        "Schedule": 1,
        "ScheduleLine": line_id,
        "Calendar": await make.add(db.calendar.calendar, code=f"{client_id}", code_key=f"{client_id}", description="x"),
        "TicketItem": item.id,
        "TicketItemAdmission": item.contents[admission],
        "TicketType": 1,
    }
    return Owned({name: global_id(name, row_id) for name, row_id in rows.items()}, ticket.number, person["email"])


def line_of(what: str, cells: list[str]) -> str:
    return f"{what:<58}" + "".join(f"{cell:<11}" for cell in cells).rstrip()


PATHS = (
    "ticketNo",
    "request.token",
    "request.authorizationCode",
    "request.customer.customerNo",
    "request.salesOrder.externalOrderNo",
    "request.references.email",
    "request.entries.authorizationCode",
    "request.timeline.nodes.kind",
    "reference.lineNo",
    "reference.customerNo",
    "reference.email",
    "reference.phone",
    "reference.ticketHolderName",
    "reference.customer.customerNo",
    "customer.customerNo",
    "customer.email",
    "accessEntries.quantity",
    "accessEntries.events.nodes.kind",
    "timeline.nodes.kind",
    "item.itemNo",
)


def selected(path: str) -> str:
    first, _, rest = path.partition(".")
    return f"{first} {{ {selected(rest)} }}" if rest else first


async def test_who_may_do_and_see_what(gatehouse: Gatehouse) -> None:
    roles = [role.value for role in Role]
    owned: dict[str, Owned] = {}
    async with making(gatehouse.database) as make:
        others = await everything_of(make, await make.client("somebody else", Role.WEB_STORE))
        for role in Role:
            owned[role] = await everything_of(make, await make.client(f"one {role}", role))
    walk = Walk(gatehouse)
    lines = [line_of("Root fields", roles)]
    for name, document in root_fields():
        lines.append(line_of(f"  {name}", [await walk.may(role, document) for role in roles]))
    for whose, of_whom in (("its own", owned), ("another client's", dict.fromkeys(roles, others))):
        for title, ask in (
            ("By its id", walk.by_id),
            ("Masked fields", walk.masked),
            ("Beside a ticket found by its number", walk.beside),
        ):
            found = [await ask(role, of_whom[role]) for role in roles]
            lines += ["", line_of(f"{title}, {whose}", roles)]
            lines += [line_of(f"  {name}", [cells[name] for cells in found]) for name in found[0]]
    same_as(TABLE, "\n".join(lines) + "\n")


@dataclass(frozen=True)
class Walk:
    """Asks as one client of each role, and answers the cells of one column of the table by the names of its rows."""

    gatehouse: Gatehouse

    async def ask(self, role: str, document: str) -> dict[str, Any]:
        return await self.gatehouse.ask(document, role=role, client=f"one {role}")

    async def may(self, role: str, document: str) -> str:
        codes = {error["extensions"]["code"] for error in (await self.ask(role, document)).get("errors", ())}
        assert codes <= {"FORBIDDEN", "BAD_USER_INPUT"}, document
        return "-" if "FORBIDDEN" in codes else "may"

    async def by_id(self, role: str, whose: Owned) -> dict[str, str]:
        nodes = " ".join(f'{name}: node(id: "{whose.ids[name]}") {{ id }}' for name in NODES)
        found = (await self.ask(role, f"{{ {nodes} }}"))["data"]
        return {name: "sees" if found[name] else "-" for name in NODES}

    async def masked(self, role: str, whose: Owned) -> dict[str, str]:
        nodes = " ".join(
            f'{name}_{field}: node(id: "{whose.ids[name]}") {{ ... on {name} {{ {field} }} }}'
            for name, field in masked_fields()
        )
        found = (await self.ask(role, f"{{ {nodes} }}"))["data"]
        cells = {}
        for name, field in masked_fields():
            node = found[f"{name}_{field}"]
            cells[f"{name}.{field}"] = "-" if node is None else "masked" if node[field] is None else "shown"
        return cells | {name: await self.found(role, name, whose) for name in FOUND}

    async def found(self, role: str, name: str, whose: Owned) -> str:
        """A search for the guest's e-mail, or for what comes close to it."""
        text = whose.email if name == "FindHit.matchedValue" else whose.email.replace("ada", "adda")
        answer = await self.ask(role, f'{{ find(text: "{text}") {{ {FOUND[name]} }} }}')
        if "errors" in answer:
            return "-"
        return "shown" if whose.email in str(answer["data"]) else "masked"

    async def beside(self, role: str, whose: Owned) -> dict[str, str]:
        selections = " ".join(map(selected, PATHS))
        query = f'{{ found: issuedTicket(by: {{ externalTicketNo: "{whose.number}" }}) {{ {selections} }} }}'
        ticket = (await self.ask(role, query))["data"]["found"]
        return {path: "shown" if is_shown(ticket, path) else "-" for path in PATHS}


def is_shown(found: Any, path: str) -> bool:
    for step in path.split("."):
        if isinstance(found, list):
            found = found[0] if found else None
        found = None if found is None else found[step]
    return found not in (None, [])


def test_every_type_with_an_id_is_read_by_it() -> None:
    """``node`` knows every type that implements Node."""
    implementing = {
        kind.name
        for kind in graphql_schema.type_map.values()
        if isinstance(kind, GraphQLObjectType) and "Node" in {interface.name for interface in kind.interfaces}
    }
    assert implementing == set(NODES)
