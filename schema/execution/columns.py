"""Which columns a plan looks at: of the rows that each batch function reads, so that no others are read.

Every field says what it looks at of its own row, or else that is everything (``schema/relations.py``). All fields of a
plan that read by the same batch function read the same columns, so that they share what is read.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from inspect import signature
from typing import TYPE_CHECKING, Any

from db.paging import ALL, Columns
from resolvers.loaders import Batch

if TYPE_CHECKING:
    from .plan import Field, Selection


def settled(fields: Iterable["Field"]) -> Mapping[Batch, Columns]:
    """The columns of their rows that will be looked at, of each batch function that is told of them."""
    asked: defaultdict[Batch, list[Columns]] = defaultdict(list)
    for field in fields:
        if (relation := field.value.relation) is not None:
            shown = _together([relation.shows, _shown(field, relation.rows_at)])
            for batch in relation.batches:
                if _takes_columns(batch):
                    asked[batch].append(shown)
    return {batch: _together(columns) for batch, columns in asked.items()}


@cache
def _takes_columns(batch: Any) -> bool:
    return "columns" in signature(batch).parameters


def _shown(field: "Field", rows_at: Iterable[Sequence[str]]) -> Columns:
    """What the field's selection looks at of the rows that are there."""
    return _together(
        [one.value.reads for way in rows_at for selection in _at([field], way) for one in selection.fields]
    )


def _at(fields: Iterable["Field"], way: Sequence[str]) -> list["Selection"]:
    """The selections at the end of the way down from these fields."""
    for name in way:
        fields = [
            field
            for above in fields
            for selection in above.selections.values()
            for field in selection.fields
            if field.nodes[0].name.value == name
        ]
    return [selection for field in fields for selection in field.selections.values()]


def _together(columns: Iterable[Columns]) -> Columns:
    """All of these; ALL is more than any."""
    found: set[str] = set()
    for some in columns:
        if some is None:
            return ALL
        found |= some
    return frozenset(found)
