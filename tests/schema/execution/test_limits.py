"""Limits: what one document may ask for, at both sides of each; found out in time linear in the document."""

import time
from pathlib import Path
from typing import Any

import pytest
from graphql import get_introspection_query

import schema.root
from schema.execution.documents import Document, Documents
from schema.execution.limits import Limits
from schema.execution.measure import MERGES, WEIGHTS

ROOT = Path(__file__).parents[3]
QUESTIONS = sorted((*ROOT.glob("web/graphiql/tabs/*.graphql"), *ROOT.glob("tests/stories/*/query.graphql")))


def understood(text: str, **limits: Any) -> Document:
    return Documents(schema.root.graphql_schema, Limits(**limits)).get(text)


def cost(text: str, **variables: Any) -> int:
    document = understood(text)
    assert document.errors == ()
    (operation,) = document.operations.values()
    return operation.costs.of(variables)


def excess(text: str, **limits: Any) -> dict[str, Any] | None:
    """The extensions of the one error, if the document goes beyond a limit."""
    document = understood(text, **limits)
    if not document.errors:
        return None
    (error,) = document.errors
    extensions: dict[str, Any] = dict(error["extensions"])
    assert extensions.pop("code") == "GRAPHQL_VALIDATION_FAILED"
    return extensions


BOTH_SIDES = [
    ("characters", "document_characters", "{ viewer { client } }", 21),
    ("depth", "depth", "{ ticketRequests { nodes { customer { name } } } }", 4),
    ("depth", "depth", "{ ...Q } fragment Q on Query { viewer { ... on Viewer { client } } }", 2),
    ("fields", "fields", "{ viewer { client } }", 2),
    ("fields", "fields", "{ viewer { ...V ...V } } fragment V on Viewer { client role }", 7),
    ("fields", "fields", "query A { viewer { client } } query B { viewer { client } }", 4),
    ("aliases", "aliases", "{ a: viewer { b: client } viewer { client } }", 2),
    (
        "directives",
        "directives",
        "{ viewer @skip(if: false) @include(if: true) { ... @skip(if: true) { client } } }",
        3,
    ),
]


@pytest.mark.parametrize(("limit", "setting", "text", "actual"), BOTH_SIDES)
def test_a_limit_is_inclusive(limit: str, setting: str, text: str, actual: int) -> None:
    assert excess(text, **{setting: actual}) is None
    assert excess(text, **{setting: actual - 1}) == {"limit": limit, "most": actual - 1, "actual": actual}


def test_a_list_in_a_document_is_bounded() -> None:
    text = "{ ticketRequests(where: { status: [CONFIRMED, EXPIRED] }) { nodes { id } } }"
    assert understood(text, list_items=2).errors == ()
    (error,) = understood(text, list_items=1).errors
    assert error["message"] == "The number of items of a list is at most 1; this is 2."


@pytest.mark.parametrize("path", QUESTIONS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_question_of_the_support_desk_is_let_through(path: Path) -> None:
    assert cost(path.read_text(encoding="utf-8")) <= Limits().cost / 4


def test_introspection_is_let_through() -> None:
    """The longest that graphql-core can ask for."""
    text = get_introspection_query(
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
        one_of=True,
    )
    assert cost(text) <= Limits().cost / 4


CHECKOUT = """
mutation Create($lines: [TicketRequestLineInput!]!) {
  ticketRequestCreateInWebStore(input: {lines: $lines}) {
    ticketRequest {
      id token authorizationCode status expiresAt
      references { lineNo item { itemNo description } quantity unitPrice { amount currency } }
      entries { admission { code description } slot { startsAt endsAt } quantity }
    }
    total { amount currency }
    refusals { code message path limit actual slot { id remaining } }
  }
}
mutation Confirm($token: String!) {
  ticketRequestConfirm(input: {token: $token}) {
    ticketRequest {
      status tickets(first: 20) { nodes { externalTicketNo validUntil accessEntries { slot { startsAt } } } }
    }
    refusals { code message }
  }
}
"""


def test_a_key_may_check_out_a_thousand_times_a_minute() -> None:
    operations = understood(CHECKOUT).operations
    assert sum(operation.costs.of({}) for operation in operations.values()) <= Limits().points_per_minute / 1_000


def test_the_cost_is_the_number_of_values_of_the_largest_answer() -> None:
    assert cost("{ viewer { client role } }") == 3
    assert cost("{ customers(first: 10) { nodes { name email } } }") == 1 + 10 * 3
    assert cost("{ customers(last: 10) { edges { cursor node { name } } pageInfo { endCursor } } }") == 3 + 10 * 4
    assert cost("{ customers { nodes { name } } }") == 1 + 50 * 2
    assert cost("{ customers(first: 2) { nodes { requests(first: 3) { nodes { token } } } } }") == 1 + 2 * (2 + 3 * 2)
    assert cost("{ ticketRequests(first: 0) { totalCount nodes { token } } }") == 1 + 21
    assert cost('{ nodes(ids: ["a", "b", "c"]) { id } }') == 3 * 2
    assert cost("{ viewer { permissions } }") == 1 + 5


def test_a_fragment_costs_as_much_as_what_it_stands_for() -> None:
    written_out = "{ ticketRequests(first: 7) { totalCount nodes { token } nodes { token } } viewer { client } }"
    spread = """
      { ...All }
      fragment All on Query { ticketRequests(first: 7) { ...C ...P ... on TicketRequestConnection { ...P } } ...Who }
      fragment C on TicketRequestConnection { totalCount }
      fragment P on TicketRequestConnection { nodes { ... { token } } }
      fragment Who on Query { viewer { client } }
    """
    assert cost(spread) == cost(written_out)


SIZES = [
    ({}, 4),
    ({"n": 9}, 9),
    ({"n": 100}, 100),
    ({"n": 101}, 100),
    ({"n": -1}, 100),
    ({"n": None}, 50),
    ({"n": "9"}, 100),
    ({"n": True}, 100),
    ({"n": 1e400}, 100),
    ({"n": {"a": 1}}, 100),
]


@pytest.mark.parametrize(("variables", "rows"), SIZES)
def test_a_page_size_may_be_a_variable(variables: dict[str, Any], rows: int) -> None:
    """Whatever is no size of a page is refused when it runs; until then it counts as the largest."""
    text = "query ($n: Int = 4) { customers(first: $n) { ...P } } fragment P on CustomerConnection { nodes { name } }"
    assert cost(text, **variables) == 1 + rows * 2


@pytest.mark.parametrize("size", ["-1", "-9999999", "-2147483648", "101"])
def test_what_is_no_size_costs_the_same_in_the_document(size: str) -> None:
    assert cost(f"{{ customers(first: {size}) {{ nodes {{ name }} }} }}") == 1 + 100 * 2


def test_ids_may_be_a_variable() -> None:
    text = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert cost(text, ids=["a"] * 30) == 60
    assert cost(text, ids=[]) == 2


def test_sizes_are_remembered_within_bounds() -> None:
    (operation,) = understood("query ($n: Int) { customers(first: $n) { nodes { name } } }").operations.values()
    assert [operation.costs.of({"n": n % 101}) for n in range(303)] == [1 + 2 * (n % 101) for n in range(303)]


def test_what_weighs_more_is_there() -> None:
    types = schema.root.graphql_schema.type_map
    for coordinates in WEIGHTS:
        type_name, field_name = coordinates.split(".")
        assert field_name in types[type_name].fields  # type: ignore[attr-defined]


HUNDRED_DOUBLINGS = (
    "{ ...F0 } "
    + " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(100))
    + " fragment F100 on Query { viewer { client } }"
)


def test_a_hundred_fragments_that_double_are_refused_at_once() -> None:
    """Of 2 to the power of 100 fields; measured without the time that others take of the machine."""
    understood(HUNDRED_DOUBLINGS)
    began = time.process_time()
    found = excess(HUNDRED_DOUBLINGS)
    assert time.process_time() - began < 0.05
    assert found == {"limit": "fields", "most": 1_000, "actual": 1_000_000_000}


def test_the_cost_saturates() -> None:
    deep = "name"
    for _ in range(12):
        deep = f"requests(first: 100) {{ nodes {{ customer {{ {deep} }} }} }}"
    text = f"{{ customers(first: 100) {{ nodes {{ {deep} }} }} }}"
    assert understood(text, depth=100).operations[None].costs.of({}) == 1_000_000_000


HOSTILE = {
    "one field many times": "{ viewer { " + "client " * 900 + "} }",
    "objects many times": "{ " + "ticketRequests { nodes { tickets { nodes { id } } } } " * 160 + "}",
    "many fragments in one place": (
        "{ viewer { "
        + " ".join(f"...F{n}" for n in range(400))
        + " } } "
        + " ".join(f"fragment F{n} on Viewer {{ client }}" for n in range(400))
    ),
    "a circle": " ".join(f"fragment F{n} on Query {{ ...F{(n + 1) % 90} ...F{(n + 7) % 90} }}" for n in range(90)),
    "a circle that is used": "{ ...A } fragment A on Query { ...B } fragment B on Query { viewer { client } ...A }",
    "a long chain": "".join(f"fragment F{n} on Query {{ ...F{n + 1} }} " for n in range(500)) + "{ ...F0 }",
    "deep lists": "{ nodes(ids: " + "[" * 400 + "]" * 400 + ") { id } }",
    "deep objects": "{ ticketRequests(where: " + "{a: " * 300 + "1" + "}" * 300 + ") { nodes { id } } }",
    "deep fields": "{ a " * 300 + "}" * 300,
    "deep inline fragments": "{ ... " * 300 + "{ viewer { client } } " + "}" * 300,
    "a number of thousands of digits": "{ customers(first: " + "9" * 4_900 + ") { nodes { id } } }",
    "many operations": " ".join(f"query Q{n} {{ ...F }}" for n in range(700)) + " fragment F on Query { x }",
    "many unknown fields": "{ " + " ".join(f"x{n}" for n in range(900)) + " }",
    "many directives": "{ viewer " + "@skip(if: true) " * 800 + "{ client } }",
    "a comment": "#" + "x" * 50_000,
    "a text with nothing in it": '{ customer(by: {customerNo: "\\u0000"}) { id } }',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_meant_to_be_slow_is_refused_quickly(name: str) -> None:
    """Half a second is ten times what the worst of them takes, most of it for reading the text."""
    began = time.process_time()
    assert understood(HOSTILE[name]).errors
    assert time.process_time() - began < 0.5


def test_selections_of_one_name_may_be_merged_some_thousand_times() -> None:
    """At both sides: so many pairs of one field, and one field more."""
    most = next(n for n in range(1_000) if n * (n - 1) // 2 > MERGES) - 1
    assert excess("{ viewer { " + "client " * most + "} }") is None
    assert (excess("{ viewer { " + "client " * (most + 1) + "} }") or {})["limit"] == "merges"
