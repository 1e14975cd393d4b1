"""Conditions on rows, put together before it is known under which alias the rows are read."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, bindparam, false

Conditions: TypeAlias = Callable[[Any], Iterable[ColumnElement[bool]]]
"""Given the columns of the listed table under the statement's alias, what must hold of them."""

Saying: TypeAlias = Callable[[Any, Any], Iterable[ColumnElement[bool]]]
"""The same, given the values as attributes of a second object: as they are, or as parameters that stand for them."""


@dataclass(frozen=True, slots=True)
class Lasting:
    """Conditions that come back with other values: statements with them are made once, and kept.

    ``says`` must be one and the same object whenever the conditions are the same; ``values`` have one name wherever
    they mean one thing, because conditions are put together. Called as any ``Conditions``, they have their values.
    """

    says: Saying
    values: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, row: Any) -> Iterable[ColumnElement[bool]]:
        return self.says(row, SimpleNamespace(**self.values))

    def with_parameters(self, row: Any) -> Iterable[ColumnElement[bool]]:
        """The conditions with a parameter for each value, under its name."""
        return self.says(row, SimpleNamespace(**{name: bindparam(name) for name in self.values}))


def all_of(*conditions: Conditions | None) -> Conditions | None:
    """Everything that these say, together; None says nothing."""
    said = [some for some in conditions if some is not None]
    if len(said) < 2:
        return said[0] if said else None
    lasting = [some for some in said if isinstance(some, Lasting)]
    if len(lasting) < len(said):
        return lambda row: [condition for some in said for condition in some(row)]
    return Lasting(
        _together(*(some.says for some in lasting)), {n: v for some in lasting for n, v in some.values.items()}
    )


@cache
def _together(*says: Saying) -> Saying:
    return lambda row, of: [condition for say in says for condition in say(row, of)]


NOTHING = Lasting(lambda _row, _of: [false()])
"""The condition that no row meets."""


def equal(names: Mapping[str, str], values: Mapping[str, Any]) -> Lasting:
    """The columns of these names have these values; ``names`` says which column each value is compared to."""
    given = tuple(sorted(values))
    says = _equal(tuple((f"given_{name}", names[name]) for name in given))
    return Lasting(says, {f"given_{name}": values[name] for name in given})


@cache
def _equal(pairs: tuple[tuple[str, str], ...]) -> Saying:
    return lambda row, of: [row[column] == getattr(of, name) for name, column in pairs]


def carried(carry: Callable[[Conditions], Conditions]) -> Callable[[Conditions], Conditions]:
    """For a function that says of one row what its argument says of another: what lasts, then lasts carried over."""

    @cache
    def says(say: Saying) -> Saying:
        return lambda row, of: carry(lambda other: say(other, of))(row)

    def carried_over(where: Conditions) -> Conditions:
        return Lasting(says(where.says), where.values) if isinstance(where, Lasting) else carry(where)

    return carried_over
