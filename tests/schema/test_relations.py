"""Relations: each takes as many statements for a hundred parents as for one."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from graphql import GraphQLObjectType, get_named_type

import db
from db.client import Role
from db.timeline import RequestEventKind
from schema.node import global_id
from schema.root import NODES, graphql_schema
from tests.harness import Gatehouse
from tests.make import NOON, Make, making

PARENTS = 100
PLAIN = {"Money", "Refusal"}
"""Objects that are part of the row they are shown on."""

STEP = {"CapacityEntry": 2, "RequestEvent": 2}
"""How far apart the ids of a type are: those in between are of visits, and of events that have no slot before."""

SINCE = '(from: "2030-01-01T00:00:00Z")'
ARGUMENTS = {"slots": SINCE, "availability": SINCE, "diagnosis": '(at: "2030-05-17T20:00:00Z")'}


async def a_hundred_of_everything(make: Make) -> None:
    """Rows 1 to 100 of every type that implements Node, each with something behind each of its relations."""
    shop = await make.client("shop", Role.WEB_STORE)
    for number in range(PARENTS):
        calendar = await make.add(db.calendar.calendar, code=f"{number}", code_key=f"{number}", description="Holidays")
        closed = {"kind": "DATE", "date": NOON.date(), "text": "Closed"}
        await make.add(db.calendar.calendar_line, calendar_id=calendar, **closed)
        admission = await make.admission(calendar_id=calendar)
        slot = await make.slot(admission, NOON + timedelta(days=number))
        item = await make.item(None, admission, barcodes=[f"4{number:03}"], contents={"calendar_id": calendar})
        await make.dependency(item.contents[admission], admission)
        customer_no, order_no = f"C-{number}", f"W-{number}"
        customer = await make.customer(customer_no, shop)
        await make.sales_order(shop, external_order_no=order_no, customer_no=customer_no)
        request = await make.request(shop, customer_no=customer_no, external_order_no=order_no)
        line = await make.line(request, item, slots={admission: slot})
        ticket = await make.ticket(line)
        entry: dict[str, Any] = {
            "access_entry_id": ticket.access_entries[admission],
            "admission_id": admission,
            "slot_id": slot,
        }
        await make.event(RequestEventKind.REFUSED, ticket=ticket, **entry)
        everything: dict[str, Any] = {"facts": {"before": {"slot_id": slot}}, "customer_id": customer}
        await make.event(RequestEventKind.RESCHEDULED, ticket=ticket, refusal_code="TOO_EARLY", **everything, **entry)


def relations() -> Iterator[tuple[str, str]]:
    """Every field of a Node that shows other objects, with the least selection that shows them."""
    for type_name in NODES:
        parent = graphql_schema.type_map[type_name]
        assert isinstance(parent, GraphQLObjectType)
        for name, field in parent.fields.items():
            shown = get_named_type(field.type)
            if isinstance(shown, GraphQLObjectType) and shown.name not in PLAIN:
                yield type_name, f"{name}{ARGUMENTS.get(name, '')} {selection(shown)}"
    yield "TicketItem", "barcodes"
    yield "TicketItemAdmission", "dependencies { other { id } }"
    yield "RequestEvent", "refusal { admission { id } slot { id } ticket { id } ticketRequest { id } }"
    for number in ("held", "admitted", "inside", "remaining"):
        yield "TimeSlot", number
    yield "TimeSlot", "ledger { nodes { request { id } } total }"
    for type_name in ("TicketItem", "TicketItemAdmission"):
        yield type_name, f"availability{SINCE} {{ nodes {{ slot {{ id }} remaining isSellable }} }}"


def selection(shown: GraphQLObjectType) -> str:
    if "pageInfo" not in shown.fields:
        return "{ __typename }"
    count = " ".join({"totalCount", "total"} & shown.fields.keys())
    return f"{{ nodes {{ __typename }} pageInfo {{ hasNextPage hasPreviousPage }} {count} }}"


def is_something(value: Any) -> bool:
    if isinstance(value, dict):
        return all(is_something(value[name]) for name in value if name != "pageInfo")
    return value is not None and value != []


async def test_a_relation_takes_as_many_statements_for_a_hundred_parents_as_for_one(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        await a_hundred_of_everything(make)
    counts: dict[str, tuple[int, int]] = {}
    for type_name, field in relations():
        query = f"query Relation($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {type_name} {{ found: {field} }} }} }}"
        statements = []
        for number in (1, PARENTS):
            ids = [global_id(type_name, row_id * STEP.get(type_name, 1)) for row_id in range(1, number + 1)]
            nodes = (await gatehouse.data(query, {"ids": ids}))["nodes"]
            assert all(is_something(node["found"]) for node in nodes), (type_name, field)
            statements.append(len(gatehouse.statements))
        counts[f"{type_name}.{field}"] = (statements[0], statements[1])
    assert len(counts) > 40
    assert {name: both for name, both in counts.items() if both[0] != both[1]} == {}
    thorough = {name for name, (one, _) in counts.items() if one > 7}
    assert {name.split("(")[0].split(" ")[0] for name in thorough} == {
        "TicketRequest.diagnosis",
        "TicketRequest.availableActions",
        "IssuedTicket.availableActions",
    }
