"""Building an answer with care: the specification's value completion, step by step, over values that are all there.

Source: GraphQL, October 2021, 6.4.2 to 6.4.4. Here errors get their paths, and null goes up to where it may stand. An
answer in which nothing is wrong never comes here: generated functions build it.
"""

from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLError,
    GraphQLObjectType,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    located_error,
)
from graphql.pyutils import Undefined, is_iterable

from .plan import Field, Related, Selection

if TYPE_CHECKING:
    from .run import Origin, Run

Path = list[str | int]


class Completion:
    """Completes answers of a run; adds what went wrong to these errors."""

    def __init__(self, run: "Run", errors: list[GraphQLError]) -> None:
        self._run = run
        self._errors = errors

    def data(self, root: Selection, origin: "Origin") -> dict[str, Any] | None:
        """The answer below the root; None if an error has come up to there."""
        try:
            return self._object(root, origin, [])
        except GraphQLError as error:
            self._errors.append(error)
            return None

    def _object(self, selection: Selection, source: Any, path: Path) -> dict[str, Any]:
        return {field.name: self._field(field, source, [*path, field.name]) for field in selection.fields}

    def _field(self, field: Field, source: Any, path: Path) -> Any:
        try:
            return self._completed(field, field.type, self._value(field, source), path)
        except Exception as cause:
            return self._failed(field, field.type, cause, path)

    def _value(self, field: Field, source: Any) -> Any:
        if not field.loads:
            return self._run.at_hand(field, source)
        place = field.value.relation.by(source) if isinstance(field.value, Related) else id(source)
        return self._run.values[field.slot][place]

    def _completed(self, field: Field, type_: Any, value: Any, path: Path) -> Any:
        """The specification's CompleteValue."""
        if isinstance(value, Exception):
            raise value
        if is_non_null_type(type_):
            completed = self._completed(field, type_.of_type, value, path)
            if completed is None:
                raise TypeError(f"Cannot return null for non-nullable field {field.parent.name}.{field.name}.")
            return completed
        if value is None or value is Undefined:
            return None
        if is_list_type(type_):
            if not is_iterable(value):
                raise TypeError(f"Expected a list for field {field.parent.name}.{field.name}.")
            return [self._item(field, type_.of_type, item, [*path, i]) for i, item in enumerate(value)]
        if is_leaf_type(type_):
            return written(type_, value)
        return self._object(selection_of(field, value, self._run), value, path)

    def _item(self, field: Field, type_: Any, value: Any, path: Path) -> Any:
        try:
            return self._completed(field, type_, value, path)
        except Exception as cause:
            return self._failed(field, type_, cause, path)

    def _failed(self, field: Field, type_: Any, cause: Exception, path: Path) -> None:
        """Null stands for what failed, here or, where it may not, further up."""
        error = located_error(cause, field.nodes, path)
        if is_non_null_type(type_):
            raise error
        self._errors.append(error)


def written(type_: Any, value: Any) -> Any:
    """A scalar's or an enum's value as it stands in an answer. Raises if it has no such value."""
    coerced = type_.coerce_output_value(value)
    if coerced is None or coerced is Undefined:
        raise TypeError(f"{type_} has no value for this")
    return coerced


def selection_of(field: Field, value: Any, run: "Run") -> Selection:
    """What is asked of this object: by its type, where the field may show several. Raises if it is of no such type."""
    if field.abstract is None:
        (selection,) = field.selections.values()
    else:
        name = field.type_name(value, run.info(field))
        found = field.selections.get(name) if isinstance(name, str) else None
        if found is None:
            raise TypeError(f"An object of {field.parent.name}.{field.name} is of no type of {field.abstract.name}")
        selection = found
    check(selection.kind, value, run, field)
    return selection


def check(kind: GraphQLObjectType, value: Any, run: "Run", field: Field) -> None:
    """Raise if that is no object of the type."""
    is_type_of = kind.is_type_of
    if is_type_of is None or isinstance(value, getattr(is_type_of, "rows", ())):
        return
    if not is_type_of(value, run.info(field)):
        raise TypeError(f"Expected an object of the type {kind.name}")
