"""Which columns a plan looks at: of the rows of each field that reads any, so that no others are read.

Every field says what it looks at of its own row, or else that is everything (``schema/relations.py``). All fields of a
plan that read by the same batch function, or by the same resolver, read the same columns, so that they share what is
read.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from inspect import signature
from typing import TYPE_CHECKING, Any

from db.paging import ALL, Columns
from resolvers.loaders import Batch

from ..relations import ROWS_AT

if TYPE_CHECKING:
    from .plan import Field, Selection


def settle(fields: Sequence["Field"]) -> None:
    """Tell each of the fields that read rows which columns will be looked at."""
    by_batch: defaultdict[Batch, list[Columns]] = defaultdict(list)
    related = [(field, field.value.relation) for field in fields if field.value.relation is not None]
    for field, relation in related:
        if _takes_columns(relation.batch):
            by_batch[relation.batch].append(_together([relation.shows, _shown(field, relation.rows_at)]))
    columns = {batch: _together(asked) for batch, asked in by_batch.items()}
    for field, relation in related:
        field.columns = columns.get(relation.batch, ALL)
    by_field: defaultdict[Any, list[Field]] = defaultdict(list)
    for field in fields:
        if field.declared is not None and ROWS_AT in field.declared.metadata:
            by_field[field.declared].append(field)
    for declared, alike in by_field.items():
        shown = _together([_shown(field, declared.metadata[ROWS_AT]) for field in alike])
        for field in alike:
            field.columns = shown


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
