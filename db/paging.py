"""Reading many at once: rows by key, lists by parent, and pages, each in one statement however many are asked for.

A ``Listing`` says how one noun is read. Its batch functions answer a mapping from the keys that were asked for;
what is not there is missing from it. Pages are keyset pages: a position is the order's value and the row's id, so
that a page costs the same at any depth and rows that come or go never shift it.

Who knows which columns are needed says so (``Columns``), and only these are read: of a ticket with 22 columns, the
three that are asked for. Rows are of the same class all the same, and raise ``NotRead`` where another is looked at.
"""

from collections import namedtuple
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from itertools import compress
from operator import attrgetter
from typing import Any, Generic, NamedTuple, TypeVar

import orjson
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    CompoundSelect,
    Executable,
    FromClause,
    Integer,
    Select,
    Table,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    column,
    func,
    literal,
    literal_column,
    select,
    true,
    tuple_,
    type_coerce,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.type_api import TypeEngine
from sqlalchemy.util import LRUCache

from .conditions import Conditions, Lasting, all_of
from .engine import Read

T = TypeVar("T", bound=NamedTuple)
S = TypeVar("S", bound=Executable)
Key = Any
Parent = Callable[[Any, Any], ColumnElement[bool]]
"""Given the columns of a row and of a key, whether the row is the key's. Made once, as a function of its module is."""

Attributes = str | Column[Any] | Sequence[str]
"""The columns that keys are values of: of the listed table by name, or one of another table (with a ``Parent``)."""

Columns = frozenset[str] | None
"""The columns of a row that are to be read, by the names of its fields; None: all. Names that it has not are passed
over."""

ALL: Columns = None

NO_VALUES: Mapping[str, Any] = {}

STATEMENTS_KEPT = 300
"""How many statements are kept of each noun: one for every question that lasts (``db.conditions``)."""

ROWS_KEPT = 100
"""How many choices of columns are kept of each noun, each a row class."""

COUNTED_AT_MOST = 10_000
"""A total is exact up to here; counting further would read what nobody asked to see."""


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """By one attribute of the row, then by id. ``name`` stands in cursors, ``kind`` is the attribute's.

    Each is one object of its module, and told from others as such: what is read is looked up by its order, often.
    """

    name: str
    attribute: str = "id"
    is_descending: bool = False
    kind: type[int] | type[datetime] = datetime
    mark: str | None = None
    """An attribute, a text, that cursors repeat beside the position: whether the row is the one that was meant."""

    @property
    def columns(self) -> tuple[str, ...]:
        """What a row must have to be put in its place."""
        return ("id", self.attribute) if self.mark is None else ("id", self.attribute, self.mark)


BY_ID = Order("ID", kind=int)
NEWEST_FIRST = Order("NEWEST", is_descending=True, kind=int)


class Shape(NamedTuple):
    """What of a window stands in the statement's text."""

    order: Order
    has_position: bool
    is_backward: bool


class Window(NamedTuple):
    """Which page: ``size`` rows after (or, backward, before) a position, or from the order's end where it is None."""

    size: int
    order: Order = BY_ID
    position: tuple[Any, int] | None = None
    is_backward: bool = False
    mark: str = ""
    """What the cursor repeats of the row at the position, under an order that has a mark."""

    @property
    def shape(self) -> Shape:
        return Shape(self.order, self.position is not None, self.is_backward)

    @property
    def position_values(self) -> dict[str, Any]:
        """The parameters of a statement of this shape and size."""
        return {} if self.position is None else {"at_value": self.position[0], "at_id": self.position[1]}

    @property
    def values(self) -> dict[str, Any]:
        """The parameters of a statement of this shape."""
        return {"and_one_more": self.size + 1, **self.position_values}


class NotRead(Exception):
    """A column was looked at that was not read: whoever asked for the row did not say that it would be."""


class _Unread:
    """What stands in a row class for a column that is not read."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, row: Any, kind: type[Any]) -> Any:
        if row is None:
            return self
        raise NotRead(f"{kind.__name__}.{self._name}")


def narrowed(kind: type[T], names: Iterable[str]) -> type[T]:
    """The row class with fields of these names only; its rows are of the given class, too."""
    chosen = set(names)
    fields = namedtuple(kind.__name__, [name for name in kind._fields if name in chosen])  # type: ignore[misc]
    unread = {name: _Unread(name) for name in kind._fields if name not in chosen}
    return type(kind.__name__, (fields, kind), {"__slots__": (), "__module__": kind.__module__, **unread})


@dataclass(slots=True)
class Page(Generic[T]):
    """Rows in the order asked for, and whether there are more on either side: exact in both directions.

    Not frozen: there is one for each parent, and to make a frozen one takes twice as long.
    """

    rows: Sequence[T]
    has_previous: bool
    has_next: bool


class Span(NamedTuple):
    """A stretch of time with both its ends; None is no bound."""

    start: datetime | None = None
    until: datetime | None = None


class Part(NamedTuple):
    """Some of the rows, and the column that has a computed attribute of theirs."""

    column: str
    where: Conditions


@dataclass(frozen=True)
class Listing(Generic[T]):
    """How one noun is read: its table, its row class, and a view that selects the row's columns from the table.

    ``parameters`` of the batch functions fill what the view leaves open (``now``, for rows that expire).
    ``expressions`` are attributes that are not plain columns, for ordering by them. Where each row has such an
    attribute in one column or another, ``parts`` say which: a page of all is then put together from the pages of the
    parts, each by the index of its column. Every row is of just one part.
    """

    table: Table
    row: type[T]
    view: Select[Any]
    expressions: Mapping[str, Callable[[Any], ColumnElement[Any]]] = field(default_factory=dict)
    parts: Mapping[str, Sequence[Part]] = field(default_factory=dict)
    _kept: LRUCache[Any, Any] = field(default_factory=lambda: LRUCache(STATEMENTS_KEPT), repr=False, compare=False)
    _narrower: LRUCache[Any, Any] = field(default_factory=lambda: LRUCache(ROWS_KEPT), repr=False, compare=False)

    def __post_init__(self) -> None:
        columns = len(self.view.selected_columns)
        assert columns == len(self.row._fields), f"{self.row.__name__} and its view of {columns} columns differ"

    def showing(self, columns: Columns, *needed: str | None) -> "Listing[T]":
        """The same with rows of these columns only, and of those that are needed to tell what is whose."""
        if columns is None:
            return self
        known: Listing[T] | None = self._narrower.get((columns, needed))
        if known is None:
            chosen = [name in columns or name in needed for name in self.row._fields]
            view = self.view.with_only_columns(
                *compress(self.view.selected_columns, chosen), maintain_column_froms=True
            )
            row = narrowed(self.row, compress(self.row._fields, chosen))
            known = self._narrower[columns, needed] = replace(self, row=row, view=view)
        return known

    async def by_key(
        self,
        read: Read,
        attribute: str,
        keys: Sequence[Key],
        *,
        where: Conditions | None = None,
        parameters: Mapping[str, Any] = {},
        columns: Columns = ALL,
    ) -> dict[Key, T]:
        """The one row per key of a unique attribute that is a field of the row."""
        some = self.showing(columns, attribute)
        found, values = some._statement(read, where, some._of_keys, attribute, ())
        rows = await read.rows(some.row, found, {**parameters, **values, "keys": keys_for(read, keys)})
        place = some.row._fields.index(attribute)
        return {row[place]: row for row in rows}

    def _of_keys(self, read: Read, where: Conditions | None, attribute: str, order_by: Sequence[str]) -> Select[Any]:
        found = self.view.where(is_one_of_given(read, self.table.c[attribute], "keys"), *_hold(where, self.table.c))
        return found.order_by(*(self.table.c[name] for name in order_by))

    def _statement(
        self, read: Read, where: Conditions | None, make: Callable[..., S], *shape: Hashable
    ) -> tuple[S, Mapping[str, Any]]:
        """``make(read, where, *shape)``, made once if the conditions last, and the values of its parameters."""
        says, values = None, NO_VALUES
        if isinstance(where, Lasting):
            says, values = where.says, where.values
            where = where.with_parameters
        elif where is not None:
            return make(read, where, *shape), {}
        wanted = (self.row, read.dialect, make.__name__, shape, says, tuple(values))
        known: S | None = self._kept.get(wanted)
        if known is None:
            known = self._kept[wanted] = make(read, where, *shape)
        return known, values

    async def lists(
        self,
        read: Read,
        attribute: str,
        keys: Sequence[Key],
        *,
        order_by: Sequence[str] = ("id",),
        where: Conditions | None = None,
        parameters: Mapping[str, Any] = {},
        columns: Columns = ALL,
    ) -> dict[Key, list[T]]:
        """All rows per key of an attribute that is a field of the row: for lists that set-up or a limit keeps short."""
        some = self.showing(columns, attribute)
        found, values = some._statement(read, where, some._of_keys, attribute, tuple(order_by))
        place = some.row._fields.index(attribute)
        lists: dict[Key, list[T]] = {}
        for row in await read.rows(some.row, found, {**parameters, **values, "keys": keys_for(read, keys)}):
            lists.setdefault(row[place], []).append(row)
        return lists

    async def page(
        self,
        read: Read,
        window: Window,
        *,
        where: Conditions | None = None,
        parameters: Mapping[str, Any] = {},
        columns: Columns = ALL,
    ) -> Page[T]:
        """One page of all that ``where`` lets through."""
        some = self.showing(columns, *window.order.columns)
        found, values = some._statement(read, where, some._page, window.shape, window.size)
        return cut(await read.rows(some.row, found, {**parameters, **values, **window.position_values}), window)

    def _page(
        self, _read: Read, where: Conditions | None, shape: Shape, size: int
    ) -> Select[Any] | CompoundSelect[Any]:
        """The size stands in the text: PostgreSQL takes a parameter for a tenth of the table, and would plan it anew
        each time."""
        found = [
            self._confined(self.view, self.table.c, shape, where, 1 if behind else size + 1, behind=behind, part=part)
            for behind in _sides(shape)
            for part in self.parts.get(shape.order.attribute, (None,))
        ]
        return union_all(*(select(*one.subquery().c) for one in found)) if len(found) > 1 else found[0]

    async def pages(
        self,
        read: Read,
        attribute: Attributes,
        keys: Sequence[Key],
        window: Window,
        *,
        parent: Parent | None = None,
        where: Conditions | None = None,
        parameters: Mapping[str, Any] = {},
        columns: Columns = ALL,
    ) -> dict[Key, Page[T]]:
        """One page per key, in one statement: LATERAL on PostgreSQL, a correlated IN on SQLite.

        A key may be a tuple; then ``attribute`` names as many columns. ``parent(row, key)`` says which rows are a key's
        where these columns do not; the key's parts are ``c0``, ``c1``, ...
        """
        some = self.showing(columns, *window.order.columns)
        found, values = some._statement(read, where, some._pages, _named(attribute), parent, window.shape)
        asked = given_keys(read, keys)
        rows: dict[int, list[T]] = {}
        width, new, kind = len(some.row._fields), tuple.__new__, some.row
        for row in await read.all(found, {**parameters, **values, **window.values, **asked}):
            rows.setdefault(row[width], []).append(new(kind, row[:width]))
        return {key: cut(rows.get(i, []), window) for i, key in enumerate(keys, 1)}

    def _pages(
        self, read: Read, where: Conditions | None, attribute: Attributes, parent: Parent | None, shape: Shape
    ) -> Select[Any] | CompoundSelect[Any]:
        asked, belongs = self._asked(read, attribute, parent)

        def hold(row: Any) -> list[ColumnElement[bool]]:
            return [belongs(row, asked.c), *_hold(where, row)]

        found = [self._of_each(read, asked, hold, shape, behind=behind) for behind in _sides(shape)]
        return union_all(*found) if len(found) > 1 else found[0]

    def _of_each(self, read: Read, asked: FromClause, hold: Conditions, shape: Shape, *, behind: bool) -> Select[Any]:
        """The page of each of the keys asked for, with the key's ordinal behind each row."""
        most: Any = 1 if behind else bindparam("and_one_more", type_=Integer())
        if read.dialect == "postgresql":
            rows = self._confined(self.view, self.table.c, shape, hold, most, behind=behind)
            page = rows.correlate(asked).lateral("page")
            return select(*page.c, _ordinal(asked)).select_from(asked.join(page, true()))
        row = self.table.alias("behind" if behind else "i")
        ids = self._confined(select(row.c.id), row.c, shape, hold, most, behind=behind).correlate(asked)
        (source,) = self.view.get_final_froms()
        found = asked.join(source, self.table.c.id.in_(ids))
        return select(*self.view.selected_columns, _ordinal(asked)).select_from(found)

    async def count(
        self, read: Read, *, where: Conditions | None = None, parameters: Mapping[str, Any] = {}
    ) -> int | None:
        """How many there are, or None beyond COUNTED_AT_MOST."""
        found, values = self._statement(read, where, self._count)
        return _counted(await read.value(found, {**parameters, **values}))

    def _count(self, _read: Read, where: Conditions | None) -> Select[Any]:
        row = self.table.alias("i")
        some = select(row.c.id).where(*_hold(where, row.c)).limit(COUNTED_AT_MOST + 1).subquery()
        return select(func.count()).select_from(some)

    async def counts(
        self,
        read: Read,
        attribute: Attributes,
        keys: Sequence[Key],
        *,
        parent: Parent | None = None,
        where: Conditions | None = None,
        parameters: Mapping[str, Any] = {},
    ) -> dict[Key, int | None]:
        """How many there are per key (see ``pages``), or None beyond COUNTED_AT_MOST, in one statement."""
        found, values = self._statement(read, where, self._counts, _named(attribute), parent)
        counted = await read.all(found, {**parameters, **values, **given_keys(read, keys)})
        return {keys[ordinal - 1]: _counted(number) for ordinal, number in counted}

    def _counts(
        self, read: Read, where: Conditions | None, attribute: Attributes, parent: Parent | None
    ) -> Select[Any]:
        asked, belongs = self._asked(read, attribute, parent)
        row = self.table.alias("i")
        some = select(row.c.id).where(belongs(row.c, asked.c), *_hold(where, row.c)).correlate(asked)
        if read.dialect == "postgresql":
            some = some.limit(COUNTED_AT_MOST + 1)  # SQLite sees no outer row from a subquery in FROM: it counts all
            counted = select(func.count()).select_from(some.subquery()).scalar_subquery()
        else:
            counted = some.with_only_columns(func.count()).scalar_subquery()
        return select(_ordinal(asked), counted).select_from(asked)

    def _asked(self, read: Read, attribute: Attributes, parent: Parent | None) -> tuple[FromClause, Parent]:
        """The keys as a table, and which rows belong to each."""
        if isinstance(attribute, Column):
            columns = [attribute]
        else:
            columns = [self.table.c[name] for name in ((attribute,) if isinstance(attribute, str) else attribute)]

        def belongs(row: Any, key: Any) -> ColumnElement[bool]:
            return and_(*(row[c.name] == key[f"c{i}"] for i, c in enumerate(columns)))

        return each_given(read.dialect, [c.type for c in columns]), parent or belongs

    def _value(self, order: Order, row: Any) -> ColumnElement[Any]:
        expression = self.expressions.get(order.attribute)
        return expression(row) if expression else row[order.attribute]

    def _confined(
        self,
        rows: Select[Any],
        row: Any,
        shape: Shape,
        where: Conditions | None,
        most: Any,
        *,
        behind: bool,
        part: Part | None = None,
    ) -> Select[Any]:
        """The page's rows and one more, to know whether it goes on; or one row from behind the position.

        ``rows`` selects them all, and ``row`` has the columns of the listed table in it.
        """
        value = self._value(shape.order, row)
        if part is not None:
            value, where = row[part.column], all_of(part.where, where)
        is_descending = shape.order.is_descending is not (shape.is_backward is not behind)
        rows = rows.where(*_hold(where, row))
        if shape.has_position:
            position = bindparam("at_value", type_=value.type), bindparam("at_id", type_=row.id.type)
            rows = rows.where(is_beyond(value, row.id, position, is_descending, inclusive=behind))
        ordering = (row.id,) if value is row.id else (value, row.id)
        rows = rows.order_by(*(o.desc() if is_descending else o for o in ordering))
        return rows.limit(literal_column(str(most)) if isinstance(most, int) else most)


class OfKeys:
    """A statement over rows whose attribute is one of the keys in the parameter ``keys`` (see ``keys_for``): made once
    for each kind of database."""

    def __init__(self, attribute: Column[Any], statement: Select[Any]) -> None:
        self._attribute = attribute
        self._statement = statement
        self._made: dict[str, Select[Any]] = {}

    def of(self, read: Read) -> Select[Any]:
        """The statement for this kind of database."""
        if read.dialect not in self._made:
            self._made[read.dialect] = self._statement.where(is_one_of_given(read, self._attribute, "keys"))
        return self._made[read.dialect]


def is_one_of(read: Read, attribute: ColumnElement[Any], keys: Sequence[Key]) -> ColumnElement[bool]:
    """The attribute is one of the keys: one parameter, hence one statement text and one plan for any number of keys."""
    if read.dialect == "postgresql":
        return attribute == any_(literal(list(keys), ARRAY(attribute.type)))
    value = func.json_each(_json(list(keys))).table_valued("value").c.value
    return attribute.in_(select(value))


def is_one_of_given(read: Read, attribute: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """The attribute is one of the keys in a parameter of that name, which ``keys_for`` puts."""
    if read.dialect == "postgresql":
        return attribute == any_(_unseen(bindparam(name, type_=ARRAY(attribute.type))))
    value = func.json_each(bindparam(name, type_=Text())).table_valued("value").c.value
    return attribute.in_(select(value))


def _unseen(keys: ColumnElement[Any]) -> ColumnElement[Any]:
    """An array that PostgreSQL does not look into when it plans.

    It takes one that it does not see for ten keys. Of fewer, a plan for just these promises to cost less than the one
    that lasts, so it would plan anew each time: four times what it takes to run it.
    """
    return cast(select(keys).scalar_subquery(), keys.type)


def keys_for(read: Read, keys: Sequence[Any]) -> Any:
    """The keys as the parameter of ``is_one_of_given``."""
    return list(keys) if read.dialect == "postgresql" else _json(list(keys))


def each(read: Read, types: Sequence[TypeEngine[Any]], keys: Sequence[Key]) -> FromClause:
    """The keys as a table ``asked(ordinal, c0, c1, ...)``; the ordinal counts from 1."""
    given = given_keys(read, keys, width=len(types))
    return _each(read.dialect, types, lambda name, type_: literal(given[name], type_))


def each_given(dialect: str, types: Sequence[TypeEngine[Any]]) -> FromClause:
    """The same, of keys in parameters, which ``given_keys`` puts."""
    return _each(dialect, types, lambda name, type_: bindparam(name, type_=type_))


def given_keys(read: Read, keys: Sequence[Key], *, width: int = 1) -> dict[str, Any]:
    """The keys, as wide as they are if there are any, as the parameters of ``each_given``."""
    tuples = [tuple(key) if isinstance(key, tuple) else (key,) for key in keys]
    if read.dialect == "sqlite":
        return {"asked": _json(tuples)}
    columns = zip(*tuples, strict=True) if tuples else [()] * width
    return {f"asked_{i}": list(values) for i, values in enumerate(columns)}


def _each(
    dialect: str, types: Sequence[TypeEngine[Any]], given: Callable[[str, TypeEngine[Any]], ColumnElement[Any]]
) -> FromClause:
    names = [f"c{i}" for i in range(len(types))]
    if dialect == "postgresql":
        arrays = [_unseen(given(f"asked_{i}", ARRAY(type_))) for i, type_ in enumerate(types)]
        columns = [column(name, type_) for name, type_ in zip(names, types, strict=True)]
        return func.unnest(*arrays).table_valued(*columns, with_ordinality="ordinal").render_derived("asked")
    listed = func.json_each(given("asked", Text())).table_valued("key", "value")
    values = [
        func.json_extract(listed.c.value, f"$[{i}]", type_=type_).label(name)
        for i, (name, type_) in enumerate(zip(names, types, strict=True))
    ]
    return select((listed.c.key + 1).label("ordinal"), *values).subquery("asked")


def _ordinal(asked: FromClause) -> ColumnElement[int]:
    """Which of the keys."""
    return type_coerce(asked.c.ordinal, BigInteger())


def _json(keys: Sequence[Any]) -> str:
    """The keys for SQLite's ``json_each``; moments in the form that ``Instant`` keeps there."""

    def text(moment: datetime) -> str:
        return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")

    return orjson.dumps(keys, text, orjson.OPT_PASSTHROUGH_DATETIME).decode()


def _named(attribute: Attributes) -> Attributes:
    """The attribute in a form that can be looked up."""
    return attribute if isinstance(attribute, str | Column) else tuple(attribute)


def _sides(shape: Shape) -> tuple[bool, ...]:
    """Nothing can be behind the start of an order; behind a position, one look tells."""
    return (False, True) if shape.has_position else (False,)


def is_beyond(
    value: ColumnElement[Any],
    id_: ColumnElement[int],
    position: tuple[Any, Any],
    is_descending: bool,
    *,
    inclusive: bool,
) -> ColumnElement[bool]:
    """A row of that value and id comes after the position; or, ``inclusive``, stands on it."""
    here: ColumnElement[Any] = id_
    there = _literal(position[1], id_)
    if value is not id_:
        here, there = tuple_(value, id_), tuple_(_literal(position[0], value), there)
    if is_descending:
        return here <= there if inclusive else here < there
    return here >= there if inclusive else here > there


def _literal(value: Any, like: ColumnElement[Any]) -> ColumnElement[Any]:
    return value if isinstance(value, ColumnElement) else literal(value, like.type)


def cut(rows: list[T], window: Window) -> Page[T]:
    """Sort, and tell the page from the one row more and the one row behind."""
    place = _place(window.order.attribute)
    is_descending = window.order.is_descending is not window.is_backward
    rows.sort(key=place, reverse=is_descending)
    is_behind = False
    if window.position is not None:
        there = window.position if window.order.attribute != "id" else window.position[1]
        beyond = [row for row in rows if (place(row) < there if is_descending else place(row) > there)]
        is_behind = len(beyond) < len(rows)
        rows = beyond
    is_ahead = len(rows) > window.size
    if is_ahead:
        rows = rows[: window.size]
    if window.is_backward:
        return Page(rows[::-1], has_previous=is_ahead, has_next=is_behind)
    return Page(rows, has_previous=is_behind, has_next=is_ahead)


@cache
def _place(attribute: str) -> Callable[[Any], Any]:
    """Where a row stands in an order by that attribute."""
    return attrgetter("id") if attribute == "id" else attrgetter(attribute, "id")


def _counted(number: int) -> int | None:
    return number if number <= COUNTED_AT_MOST else None


def _hold(where: Conditions | None, row: Any) -> Iterable[ColumnElement[bool]]:
    return where(row) if where else ()


def within(value: ColumnElement[Any], span: Span) -> ColumnElement[bool]:
    """The moment lies in the stretch, either end included."""
    bounds = [] if span.start is None else [value >= span.start]
    return and_(true(), *bounds, *([] if span.until is None else [value <= span.until]))
