"""Ids and cursors: opaque, the same when they come back, and anything else is said to be none."""

import base64
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.paging import BY_ID, NEWEST_FIRST, Order
from db.ticket_request import CREATED_AT_ASC, CREATED_AT_DESC
from db.timeline import AS_RECORDED
from resolvers.refusals import BadUserInput
from schema.node import LARGEST_ID, global_id, parse_global_id
from schema.paging import CURSOR_VERSION, parse_cursor, write_cursor
from tests.harness import Gatehouse
from tests.make import NOON, making

ORDERS = (BY_ID, NEWEST_FIRST, CREATED_AT_ASC, CREATED_AT_DESC, AS_RECORDED)


class Row(NamedTuple):
    id: int
    created_at: datetime
    tx: int
    mark: str = "epoch.1"


def opaque(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


# ------------------------------------------------------------------------------------------- by themselves


@given(st.integers(1, LARGEST_ID), st.sampled_from(["TicketRequest", "X"]))
def test_an_id_comes_back_as_it_was_given(row_id: int, type_name: str) -> None:
    assert parse_global_id(global_id(type_name, row_id)) == (type_name, row_id)


@given(st.text() | st.binary().map(opaque) | st.text().map(lambda text: opaque(text.encode("utf-8", "surrogatepass"))))
def test_any_other_text_is_no_id(text: str) -> None:
    """Or it is one, and then the only one of its row."""
    with suppress(BadUserInput):
        assert global_id(*parse_global_id(text)) == text


@given(
    st.integers(1, LARGEST_ID),
    st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 30)),
    st.integers(-900, 900),
    st.integers(0, LARGEST_ID),
    st.sampled_from(ORDERS),
)
def test_a_cursor_comes_back_as_the_place_of_its_row(
    row_id: int, local: datetime, minutes: int, tx: int, order: Order
) -> None:
    """To the microsecond, in whatever zone the moment was told."""
    row = Row(row_id, local.replace(tzinfo=timezone(timedelta(minutes=minutes))), tx)
    value = row_id if order.attribute == "id" else getattr(row, order.attribute)
    assert parse_cursor(order, write_cursor(order, row)) == (value, row_id)


json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda children: st.lists(children, max_size=5) | st.dictionaries(st.text(max_size=5), children, max_size=5),
)


@given(st.sampled_from(ORDERS), st.data())
def test_any_other_text_is_no_cursor(order: Order, data: st.DataObject) -> None:
    """Whatever it decodes to, it is a place of the order's own kind, or said to be none."""
    start = st.just(CURSOR_VERSION), st.just(order.name)
    position = json | st.tuples(*start, json, json) | st.tuples(*start, json, json, json)
    texts = st.text() | st.binary().map(opaque) | position.map(orjson.dumps).map(opaque)
    try:
        value, row_id = parse_cursor(order, data.draw(texts))
    except BadUserInput:
        return
    assert type(row_id) is int
    assert isinstance(value, order.kind)


# ------------------------------------------------------------------------------------------ through GraphQL


def codes(body: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in body.get("errors", ())]


IDS = [
    "",
    " ",
    "7",
    "TicketRequest:1",
    "é",
    "'; DROP TABLE ticket_request; --",
    opaque(b"TicketRequest"),
    opaque(b"TicketRequest:"),
    opaque(b"TicketRequest:x"),
    opaque(b"TicketRequest:01"),
    opaque(b"TicketRequest:+1"),
    opaque(b"TicketRequest: 1"),
    opaque(b"TicketRequest:1_0"),
    opaque("TicketRequest:\u0661".encode()),
    opaque(b"TicketRequest:0"),
    opaque(b"TicketRequest:-1"),
    opaque(b"TicketRequest:9223372036854775808"),
    opaque(b"TicketRequest:1:2"),
    opaque(b":1"),
    opaque(b"\xff\xfe:1"),
    opaque(b"TicketRequest:1") + "=",
    opaque(b"TicketRequest:12") + "==",
    "x" * 100_000,
]


async def test_a_malformed_id_is_bad_user_input(gatehouse: Gatehouse) -> None:
    query = """query ($id: ID!) {
      node(id: $id) { id }
      ticketRequest(by: { id: $id }) { id }
      salesOrder(by: { id: $id }) { id }
      customers { nodes { id } }
    }"""
    for text in IDS:
        body = await gatehouse.ask(query, {"id": text})
        assert codes(body) == ["BAD_USER_INPUT"] * 3, text[:50]
        assert body["data"]["customers"] == {"nodes": []}
    many = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert codes(await gatehouse.ask(many, {"ids": [global_id("Customer", 1), IDS[-1]]})) == ["BAD_USER_INPUT"]


async def test_an_unknown_id_is_null(gatehouse: Gatehouse) -> None:
    for text in ("TicketRequest:77", "Money:1", "Query:1", "Nothing:1", f"Customer:{LARGEST_ID}"):
        found = await gatehouse.data("query ($id: ID!) { node(id: $id) { id } }", {"id": opaque(text.encode())})
        assert found == {"node": None}


async def test_an_id_of_another_type_is_null(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        customer = global_id("Customer", await make.customer("C-1", await make.client()))
    query = "query ($id: ID!) { customer(by: { id: $id }) { id } ticketRequest(by: { id: $id }) { id } }"
    assert await gatehouse.data(query, {"id": customer}) == {"customer": {"id": customer}, "ticketRequest": None}


async def test_nodes_answers_in_the_order_asked_for_one_statement_per_type(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        shop = await make.client()
        customers = [global_id("Customer", await make.customer(f"C-{i}", shop)) for i in range(3)]
        requests = [global_id("TicketRequest", (await make.request(shop)).id) for _ in range(3)]
    unknown = global_id("Customer", 77)
    ids = [customers[2], requests[0], unknown, customers[0], requests[2], customers[2]]
    found = await gatehouse.data("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ids})
    assert found["nodes"] == [None if id_ == unknown else {"id": id_} for id_ in ids]
    assert len(gatehouse.statements) == 2


async def test_nodes_takes_a_hundred_ids_and_no_more(gatehouse: Gatehouse) -> None:
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    ids = [global_id("Customer", number) for number in range(1, 102)]
    assert (await gatehouse.data(query, {"ids": ids[:100]}))["nodes"] == [None] * 100
    assert codes(await gatehouse.ask(query, {"ids": ids})) == ["BAD_USER_INPUT"]
    assert (await gatehouse.data(query, {"ids": []}))["nodes"] == []


CURSORS: list[Any] = [
    [],
    {},
    None,
    "",
    [2, "CREATED_AT_DESC", NOON.isoformat(), 1],
    [1, "CREATED_AT_ASC", NOON.isoformat(), 1],
    [1, "CREATED_AT_DESC", NOON.isoformat()],
    [1, "CREATED_AT_DESC", NOON.isoformat(), 1, 1],
    [1, "CREATED_AT_DESC", NOON.isoformat(), True],
    [1, "CREATED_AT_DESC", NOON.isoformat(), 1.0],
    [1, "CREATED_AT_DESC", NOON.isoformat(), 2**64 - 1],
    [1, "CREATED_AT_DESC", "2030-05-17T12:00:00", 1],
    [1, "CREATED_AT_DESC", "0001-01-01T00:00:00+23:59", 1],
    [1, "CREATED_AT_DESC", "yesterday", 1],
    [1, "CREATED_AT_DESC", 5, 1],
    [1, "CREATED_AT_DESC", None, 1],
    [1, "CREATED_AT_DESC", [NOON.isoformat()], 1],
]


async def test_a_bad_cursor_is_bad_user_input(gatehouse: Gatehouse) -> None:
    texts = ["", "x", "é", "x" * 100_000, *(opaque(orjson.dumps(position)) for position in CURSORS)]
    for text in texts:
        for pages in ("after: $cursor", "before: $cursor"):
            query = f"query ($cursor: String) {{ ticketRequests({pages}) {{ totalCount }} }}"
            assert codes(await gatehouse.ask(query, {"cursor": text})) == ["BAD_USER_INPUT"], text[:50]


async def test_a_cursor_of_another_order_is_bad_user_input(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        await make.request(await make.client())
    query = "{ ticketRequests(orderBy: CREATED_AT_ASC) { pageInfo { endCursor } } }"
    cursor = (await gatehouse.data(query))["ticketRequests"]["pageInfo"]["endCursor"]
    query = "query ($cursor: String) { ticketRequests(orderBy: CREATED_AT_DESC, after: $cursor) { totalCount } }"
    assert codes(await gatehouse.ask(query, {"cursor": cursor})) == ["BAD_USER_INPUT"]


PAGES = [
    "first: -1",
    "first: 101",
    "last: -1",
    "last: 101",
    "first: 1, last: 1",
    "last: 1, after: $c",
    "first: 1, before: $c",
    "after: $c, before: $c",
    "first: 2147483647",
]


async def test_a_page_that_cannot_be_is_bad_user_input(gatehouse: Gatehouse) -> None:
    """On the lists of the root, and on those within other objects; the rest of the answer stands."""
    async with making(gatehouse.database) as make:
        await make.request(await make.client(), "token")
    cursor = f'"{write_cursor(BY_ID, Row(1, NOON, 0))}"'
    for pages in PAGES:
        asked = pages.replace("$c", cursor)
        query = f"""{{
          customers({asked}) {{ nodes {{ id }} }}
          admissions({asked}) {{ nodes {{ id }} }}
          ticketRequest(by: {{ token: "token" }}) {{ token tickets({asked}) {{ totalCount }} }}
        }}"""
        body = await gatehouse.ask(query)
        assert codes(body) == ["BAD_USER_INPUT"] * 3, pages
        found = {"token": "token", "tickets": None}
        assert body["data"] == {"customers": None, "admissions": None, "ticketRequest": found}


async def test_pages_of_none_of_a_hundred_and_of_fifty_when_nothing_is_said(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        shop = await make.client()
        for number in range(101):
            await make.customer(f"C-{number}", shop)
    fields = "nodes { customerNo } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
    for pages, numbers, has_previous, has_next in (
        ("", range(50), False, True),
        ("(first: null, last: null)", range(50), False, True),
        ("(first: 0)", range(0), False, True),
        ("(last: 0)", range(0), True, False),
        ("(first: 100)", range(100), False, True),
        ("(last: 100)", range(1, 101), True, False),
    ):
        page = (await gatehouse.data(f"{{ customers{pages} {{ {fields} }} }}"))["customers"]
        assert [customer["customerNo"] for customer in page["nodes"]] == [f"C-{number}" for number in numbers]
        assert page["pageInfo"]["hasPreviousPage"] == has_previous
        assert page["pageInfo"]["hasNextPage"] == has_next
        assert (page["pageInfo"]["startCursor"] is None) == (page["pageInfo"]["endCursor"] is None) == (not numbers)


# ------------------------------------------------------------------------------------------- hostile texts

TEXTS = ["", " ", "'", '"; --', "%", "_", "\\", "${x}", "\u202e", "\u0301", "\U0001f3f0", "İ", "ß", "ﬁ", "x" * 10_000]


async def test_any_text_may_be_looked_for(gatehouse: Gatehouse) -> None:
    """And is found if it is there, in whatever case; wildcards stand for themselves."""
    async with making(gatehouse.database) as make:
        shop = await make.client()
        item = await make.item("ITEM", await make.admission())
        for text in TEXTS:
            name = f"a{text}b"
            line = await make.line(await make.request(shop, name, ticket_holder_name=name), item)
            await make.ticket(line, name)
    query = """query ($text: String!, $alone: String!) {
      ticketRequest(by: { token: $text }) { token }
      issuedTicket(by: { externalTicketNo: $text }) { externalTicketNo }
      named: ticketRequests(where: { ticketHolderName: $text }) { totalCount }
      salesOrder(by: { externalOrderNo: $text }) { id }
      customer(by: { customerNo: $text }) { id }
      ticketItem(by: { barcode: $text }) { id }
      ticketRequests(where: { externalOrderNo: $alone, email: $alone, phone: $alone, receiptNo: $alone }) { totalCount }
    }"""
    for text in TEXTS:
        name = f"a{text}b"
        for asked in (name, f" {name.upper()}\t"):
            assert await gatehouse.data(query, {"text": asked, "alone": text}) == {
                "ticketRequest": {"token": name},
                "issuedTicket": {"externalTicketNo": name},
                "named": {"totalCount": 1},
                "salesOrder": None,
                "customer": None,
                "ticketItem": None,
                "ticketRequests": {"totalCount": 0},
            }


NUL, SURROGATE = "\\u0000", "\\ud800"


@pytest.mark.parametrize("escape", [NUL, SURROGATE])
async def test_a_character_that_no_database_keeps_is_refused_at_the_door(gatehouse: Gatehouse, escape: str) -> None:
    """In a variable and in the document."""
    headers = {"Authorization": f"Bearer {await gatehouse.key()}", "Content-Type": "application/json"}
    query = "query ($token: String!) { ticketRequest(by: { token: $token }) { id } }"
    variable = f'{{"query": {orjson.dumps(query).decode()}, "variables": {{"token": "{escape}"}}}}'
    written = orjson.dumps({"query": f'{{ ticketRequest(by: {{ token: "{escape}" }}) {{ id }} }}'}).decode()
    for body, expected in (
        (variable, {"BAD_REQUEST"}),
        (written, {"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"}),
    ):
        response = await gatehouse.http.post("/graphql", content=body, headers=headers)
        assert len(set(codes(response.json())) & expected) == 1
        assert "data" not in response.json()
    assert gatehouse.statements == []


async def test_moments_at_the_ends_of_time_are_answered(gatehouse: Gatehouse) -> None:
    query = """query ($from: DateTime, $until: DateTime) {
      ticketRequests(where: { createdAt: { from: $from, until: $until }, visitAt: { from: $from } }) { totalCount }
      admissions { nodes { slots(from: $from, until: $until) { nodes { id } } } }
    }"""
    async with making(gatehouse.database) as make:
        await make.slot(await make.admission())
    ends = {"from": "0001-01-01T00:00:00Z", "until": "9999-12-31T23:59:59.999999Z"}
    found = await gatehouse.data(query, ends)
    assert found["ticketRequests"] == {"totalCount": 0}
    assert len(found["admissions"]["nodes"][0]["slots"]["nodes"]) == 1
