"""Changes that do not look at each other, made in one round trip: what is done under a lock others wait for.

PostgreSQL runs them as one statement, each but the last in a WITH. All see the rows as they were before it, so no two
may change the same row, and none may need what another writes; foreign keys are checked when all are done. SQLite,
where a round trip costs nothing, runs one after another.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeAlias

import orjson
from sqlalchemy import JSON, ColumnElement, Table, UpdateBase, bindparam, column, func, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from .base import FOREVER, Endless
from .driver.union import moved
from .engine import Write

COMPOSITIONS = 1_000
"""How many statements that were put together are remembered: which steps there are depends on what is asked for."""

_DIALECT = postgresql.asyncpg.dialect()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Change:
    """A statement that is made once, at import, with its parameters; with several sets of them on SQLite only."""

    statement: UpdateBase
    parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class NewRows:
    """Rows for a table, all of the same columns.

    ``computed`` are columns of every row that the database fills in; the expressions are made once, at import.
    ``or_kept``: a row that is there already stays.
    """

    table: Table
    rows: Sequence[Mapping[str, Any]]
    computed: Mapping[str, ColumnElement[Any]] = field(default_factory=dict)
    or_kept: bool = False


Step: TypeAlias = Change | NewRows | None
"""None is nothing to do."""


class ChangeOfEach:
    """A statement that changes one row for each of many given ones: ``of(given)`` makes it from their columns."""

    def __init__(self, columns: Mapping[str, TypeEngine[Any]], of: Callable[[Any], UpdateBase]) -> None:
        self.names = tuple(columns)
        self.one = of(SimpleNamespace(**{name: bindparam(name, type_=type_) for name, type_ in columns.items()}))
        arrays = [bindparam(name, type_=postgresql.ARRAY(type_)) for name, type_ in columns.items()]
        given = func.unnest(*arrays).table_valued(*(column(name, type_) for name, type_ in columns.items()))
        self.all = of(given.render_derived("given").c)


def change_each(write: Write, change: ChangeOfEach, rows: Sequence[Mapping[str, Any]]) -> Change | None:
    """The change of as many rows as are given; None if none are."""
    if not rows:
        return None
    if write.dialect == "sqlite":
        return Change(change.one, rows)
    if len(rows) == 1:
        return Change(change.one, rows[0])
    return Change(change.all, {name: [row[name] for row in rows] for name in change.names})


async def make(write: Write, *steps: Step) -> None:
    """Make these changes. None of them may concern what another of them writes."""
    todo = [step for step in steps if step is not None and (not isinstance(step, NewRows) or step.rows)]
    if not todo:
        return
    if write.dialect == "sqlite":
        for step in todo:
            if isinstance(step, Change):
                of_each = [step.parameters] if isinstance(step.parameters, Mapping) else step.parameters
                await write.run_each(step.statement, of_each)
            else:
                into = write.insert(step.table)
                into = into.values(step.computed) if step.computed else into
                await write.run_each(into.on_conflict_do_nothing() if step.or_kept else into, step.rows)
        return
    text, places = _composed(tuple(map(_shape, todo)))
    given = [_given(step) for step in todo]
    await write.run_text(text, [given[i].get(name, fixed) for i, name, fixed in places])


class _RowsShape(NamedTuple):
    table: Table
    names: tuple[str, ...]
    computed: tuple[tuple[str, ColumnElement[Any]], ...]
    or_kept: bool
    is_one: bool


_Shape: TypeAlias = UpdateBase | _RowsShape


def _shape(step: Change | NewRows) -> _Shape:
    """What of a step makes its text: everything but its values."""
    if isinstance(step, Change):
        return step.statement
    return _RowsShape(step.table, tuple(step.rows[0]), tuple(step.computed.items()), step.or_kept, len(step.rows) == 1)


def _given(step: Change | NewRows) -> Mapping[str, Any]:
    if isinstance(step, Change):
        assert isinstance(step.parameters, Mapping)
        return step.parameters
    of_json, endless = _kinds(step.table)
    if len(step.rows) == 1:
        (row,) = step.rows
        given = {name: orjson.dumps(row[name]).decode() for name in of_json if row.get(name) is not None}
        return {**row, **given}
    # As a parameter, the driver writes FOREVER as PostgreSQL's infinity: they must be one moment.
    rows = [
        {**row, **{name: "infinity" for name in endless if row.get(name) == FOREVER}} if endless else row
        for row in step.rows
    ]
    return {"rows": orjson.dumps(rows).decode()}


@cache
def _kinds(table: Table) -> tuple[list[str], list[str]]:
    """The columns that hold JSON, and those that hold moments without an end."""
    of_json, endless = ([c.name for c in table.columns if isinstance(c.type, kind)] for kind in (JSON, Endless))
    return of_json, endless


@lru_cache(maxsize=COMPOSITIONS)
def _composed(shapes: tuple[_Shape, ...]) -> tuple[str, tuple[tuple[int, str, Any], ...]]:
    """One statement of all; and for each of its places the step, the parameter's name, and its value if it is fixed."""
    texts: list[str] = []
    places: list[tuple[int, str, Any]] = []
    for i, shape in enumerate(shapes):
        compiled = (_inserting(shape) if isinstance(shape, _RowsShape) else shape).compile(dialect=_DIALECT)
        texts.append(moved(str(compiled), len(places)))
        places += [(i, name, compiled.params[name]) for name in compiled.positiontup or ()]
    *others, last = texts
    with_ = ", ".join(f"step_{i} AS ({text})" for i, text in enumerate(others, 1))
    return (f"WITH {with_} {last}" if others else last), tuple(places)


def _inserting(shape: _RowsShape) -> UpdateBase:
    """An INSERT of one row from a parameter for each column; or of any number, in their order, from one parameter.

    Most have one, and PostgreSQL is spared making a table of JSON: a tenth of what it takes to insert the row.
    """
    into = _of_one(shape) if shape.is_one else _from_json(shape)
    return into.on_conflict_do_nothing() if shape.or_kept else into


def _of_one(shape: _RowsShape) -> postgresql.Insert:
    row = {name: bindparam(name, type_=shape.table.c[name].type) for name in shape.names}
    return postgresql.insert(shape.table).values({**row, **dict(shape.computed)}).inline()


def _from_json(shape: _RowsShape) -> postgresql.Insert:
    columns = [column(name, shape.table.c[name].type) for name in shape.names]
    given = func.jsonb_to_recordset(bindparam("rows", type_=postgresql.JSONB()))
    rows = given.table_valued(*columns).render_derived("given", with_types=True)
    computed = dict(shape.computed)
    return postgresql.insert(shape.table).from_select([*shape.names, *computed], select(*rows.c, *computed.values()))
