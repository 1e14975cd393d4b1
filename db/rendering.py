"""Statements in a database's own words: rendered by SQLAlchemy once, and known again when they come back.

A statement that is made once, at import, is known by its identity. One that is put together anew is known by what
SQLAlchemy calls its cache key: what it says but for its values. Making it, and finding that key, then costs more than
running it; where it is asked for often, make it once, with parameters for what differs.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import orjson
from sqlalchemy import Executable
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import NullType
from sqlalchemy.util import LRUCache

KEPT = 500
"""How many renderings are kept."""

Convert = Callable[[Any], Any]
Parameters = Mapping[str, Any]


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


DIALECTS: dict[str, Dialect] = {
    "postgresql": postgresql.asyncpg.dialect(json_serializer=_json),  # type: ignore[no-untyped-call]
    "sqlite": sqlite.aiosqlite.dialect(json_serializer=_json, json_deserializer=orjson.loads),
}


class Form(NamedTuple):
    """What statements have in common that differ in their values only."""

    text: str
    names: tuple[str, ...]
    """The parameters, by the places that they have in the text."""

    encoders: tuple[tuple[int, Convert], ...]
    """Of the places whose values the driver does not take as they are."""

    decode: Callable[[Sequence[Sequence[Any]]], list[tuple[Any, ...]]] | None
    """From rows of the driver's values to ours; None where they are the same."""

    types: tuple[str, ...] | None
    """Of the columns, as the database calls them; None where that is not known of each."""

    @classmethod
    def of_text(cls, text: str) -> "Form":
        """What is known of a text alone."""
        return cls(text, (), (), None, None)


class Rendered(NamedTuple):
    """A statement as its driver takes it; ``own`` are the values in its places where no parameter gives another."""

    form: Form
    own: tuple[Any, ...]

    def values(self, parameters: Parameters) -> list[Any]:
        """What goes into the places."""
        form, own = self
        values = [parameters.get(name, value) for name, value in zip(form.names, own, strict=True)]
        for i, encode in form.encoders:
            values[i] = encode(values[i])
        return values


class Renderings:
    """What one kind of database has been asked so far."""

    def __init__(self, dialect: str) -> None:
        self._dialect = DIALECTS[dialect]
        self._compiled: LRUCache[Any, Any] = LRUCache(KEPT)
        self._forms: WeakKeyDictionary[SQLCompiler, Form] = WeakKeyDictionary()
        self._known: WeakKeyDictionary[Executable, dict[tuple[bool, tuple[str, ...]], Rendered]] = WeakKeyDictionary()

    def of(self, statement: Executable, parameters: Parameters, *, for_each: bool = False) -> Rendered:
        """The statement for parameters of these names."""
        known = self._known.get(statement)
        if known is None:
            known = self._known[statement] = {}
        asked = (for_each, tuple(parameters))
        rendered = known.get(asked)
        if rendered is None:
            compiled, values = self._compile(statement, sorted(parameters), for_each)
            if compiled.post_compile_params:
                return self._written_out(compiled, compiled.construct_params(parameters, values))
            own = compiled.construct_params(dict.fromkeys(parameters), values)  # raises where one is missing
            form = self._forms.get(compiled)
            if form is None:
                form = self._forms[compiled] = self._form(compiled)
            rendered = known[asked] = Rendered(form, tuple(own[name] for name in compiled.positiontup or ()))
        return rendered

    def _compile(self, statement: Any, names: list[str], for_each: bool) -> tuple[Any, Any]:
        """The statement as SQLAlchemy compiled it, now or earlier, and the values that stand in it."""
        compiled, values, _, _ = statement._compile_w_cache(
            self._dialect, compiled_cache=self._compiled, column_keys=names, for_executemany=for_each
        )
        return compiled, values

    def _form(self, compiled: SQLCompiler) -> Form:
        binds = [compiled.binds[name] for name in compiled.positiontup or ()]
        encoders = [bind.type.dialect_impl(self._dialect).bind_processor(self._dialect) for bind in binds]
        return Form(
            str(compiled),
            tuple(bind.key for bind in binds),
            tuple((i, encode) for i, encode in enumerate(encoders) if encode),
            self._decoder(compiled),
            self._types(compiled),
        )

    def _written_out(self, compiled: Any, values: Parameters) -> Rendered:
        """The statement with its lists after IN written out: a text for every length of them, and none of them kept."""
        state = compiled.construct_expanded_state(values)
        names = tuple(state.positiontup or ())
        processors = {**compiled._bind_processors, **state.processors}
        encoders = tuple((i, processors[name]) for i, name in enumerate(names) if name in processors)
        form = Form(state.statement, names, encoders, self._decoder(compiled), self._types(compiled))
        return Rendered(form, tuple(state.parameters[name] for name in names))

    def _types(self, compiled: SQLCompiler) -> tuple[str, ...] | None:
        types = [column.type for column in compiled._result_columns]
        if any(isinstance(type_, NullType) for type_ in types):
            return None
        return tuple(type_.compile(self._dialect) for type_ in types)

    def _decoder(self, compiled: SQLCompiler) -> Callable[[Sequence[Sequence[Any]]], list[tuple[Any, ...]]] | None:
        """A function that converts the columns that need it, written for just these, in one loop over all rows."""
        types = [column.type for column in compiled._result_columns]
        converts = [type_.dialect_impl(self._dialect).result_processor(self._dialect, None) for type_ in types]
        if not any(converts):
            return None
        names = "".join(f"v{i}, " for i in range(len(converts)))
        values = "".join(f"c{i}(v{i}), " if convert else f"v{i}, " for i, convert in enumerate(converts))
        decode: Callable[[Sequence[Sequence[Any]]], list[tuple[Any, ...]]] = eval(  # noqa: S307  it is made of numbers
            f"lambda rows: [({values}) for ({names}) in rows]", {f"c{i}": convert for i, convert in enumerate(converts)}
        )
        return decode


_renderings = {name: Renderings(name) for name in DIALECTS}


def rendered(dialect: str, statement: Executable, parameters: Parameters, *, for_each: bool = False) -> Rendered:
    """The statement in that database's words, for parameters of these names."""
    return _renderings[dialect].of(statement, parameters, for_each=for_each)
