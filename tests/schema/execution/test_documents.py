"""Documents: understood once, remembered within bounds."""

from typing import Any

import schema.root
from schema.execution.documents import BESIDES_ITS_TEXT, Documents
from schema.execution.limits import Limits


def documents(**limits: Any) -> Documents:
    return Documents(schema.root.graphql_schema, Limits(**limits))


def test_a_document_is_understood_once() -> None:
    known = documents()
    assert known.get("{ viewer { client } }") is known.get("{ viewer { client } }")


def test_what_is_remembered_is_bounded_by_its_characters() -> None:
    texts = [f"query Q{n} {{ viewer {{ client }} }}" for n in range(3)]
    known = documents(remembered_characters=2 * (len(texts[0]) + BESIDES_ITS_TEXT))
    first, second = known.get(texts[0]), known.get(texts[1])
    assert known.get(texts[0]) is first
    known.get(texts[2])
    assert known.get(texts[0]) is first
    assert known.get(texts[1]) is not second


def test_many_short_documents_are_not_remembered_as_if_they_weighed_nothing() -> None:
    """Whoever writes a number into each document has short ones, and many: each has its plan beside its text."""
    known = documents()
    texts = [f"query Q{n} {{ viewer {{ client }} }}" for n in range(1_100)]
    for text in texts:
        known.get(text)
    assert texts[-1] in known
    assert sum(text in known for text in texts) < 1_000


def test_a_document_longer_than_the_bound_is_understood_all_the_same() -> None:
    known = documents(remembered_characters=10)
    assert known.get("{ viewer { client } }").operations
    assert known.get("{ viewer { client } }").operations


def test_a_wrong_document_pushes_nothing_out() -> None:
    known = documents(remembered_characters=30 + BESIDES_ITS_TEXT)
    right = known.get("{ viewer { client } }")
    for n in range(50):
        assert known.get(f"{{ nothing{n} }}").errors
    assert known.get("{ viewer { client } }") is right


def test_the_limit_of_tokens_is_inclusive() -> None:
    known = documents(document_tokens=6)
    assert not known.get("{ viewer { client } }").errors
    assert known.get("{ viewer { client role } }").errors[0]["extensions"]["code"] == "GRAPHQL_PARSE_FAILED"
