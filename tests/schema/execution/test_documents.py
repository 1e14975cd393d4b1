"""Documents: understood once, remembered within bounds."""

import gc
import tracemalloc
from typing import Any

import pytest
from graphql.execution.values import VariableValues

import schema.root
from schema.execution import generated
from schema.execution.documents import BYTES_OF_A_FIELD, Document, Documents
from schema.execution.limits import Limits


def documents(**limits: Any) -> Documents:
    return Documents(schema.root.graphql_schema, Limits(**limits))


def test_a_document_is_understood_once() -> None:
    known = documents()
    assert known.get("{ viewer { client } }") is known.get("{ viewer { client } }")


def test_what_is_remembered_is_bounded_by_its_weight() -> None:
    texts = [f"query Q{n} {{ viewer {{ client }} }}" for n in range(3)]
    known = documents(remembered_bytes=2 * documents().get(texts[0]).weight)
    first, second = known.get(texts[0]), known.get(texts[1])
    assert known.get(texts[0]) is first
    known.get(texts[2])
    assert known.get(texts[0]) is first
    assert known.get(texts[1]) is not second


def test_a_document_weighs_more_with_every_plan() -> None:
    """Each choice of what is skipped has a plan of its own; those that were asked for earlier make room for it."""
    text = "query Q($a: Boolean!) { viewer { client @skip(if: $a) role } }"
    plain = documents().get(text).weight
    others = [f"query Q{n} {{ viewer {{ client }} }}" for n in range(2)]
    room = plain + sum(documents().get(other).weight for other in others)
    known = documents(remembered_bytes=room + 4 * BYTES_OF_A_FIELD)
    for other in others:
        known.get(other)
    document = known.get(text)
    (asked,) = document.operations.values()
    asked.plans.plan(VariableValues({}, {"a": True}))
    assert document.weight == plain + 2 * BYTES_OF_A_FIELD
    assert all(other in known for other in others)
    asked.plans.plan(VariableValues({}, {"a": False}))
    assert document.weight == plain + 5 * BYTES_OF_A_FIELD
    assert [text in known for text in (*others, text)] == [False, True, True]


@pytest.mark.parametrize(
    "query",
    [
        "{ viewer { client } }",
        "{ ticketRequests(first: 50) { nodes { " + " ".join(f"a{n}: token" for n in range(90)) + " } } }",
        "{ " + " ".join(f"a{n}: viewer {{ role }}" for n in range(60)) + " }",
        "{ viewer { client } } #" + 9_000 * "x",
    ],
)
def test_a_document_weighs_what_it_takes(query: str) -> None:
    """Within half of it: memory is bounded by an estimate."""
    known = documents(remembered_bytes=10**9)

    def understand(number: int) -> Document:
        document = known.get(query + number * " ")
        for one in document.operations.values():
            plan = one.plans.plan(VariableValues({}, {}))
            generated.builder(plan, plan.roots[0])
        return document

    understand(99)  # what all of them share
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    weighed = sum(understand(number).weight for number in range(20))
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert 0.5 < weighed / taken < 1.5


def test_a_document_longer_than_the_bound_is_understood_all_the_same() -> None:
    known = documents(remembered_bytes=10)
    assert known.get("{ viewer { client } }").operations
    assert known.get("{ viewer { client } }").operations


def test_a_wrong_document_pushes_nothing_out() -> None:
    known = documents(remembered_bytes=documents().get("{ viewer { client } }").weight)
    right = known.get("{ viewer { client } }")
    for n in range(50):
        assert known.get(f"{{ nothing{n} }}").errors
    assert known.get("{ viewer { client } }") is right


def test_the_limit_of_tokens_is_inclusive() -> None:
    known = documents(document_tokens=6)
    assert not known.get("{ viewer { client } }").errors
    assert known.get("{ viewer { client role } }").errors[0]["extensions"]["code"] == "GRAPHQL_PARSE_FAILED"
