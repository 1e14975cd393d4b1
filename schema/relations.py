"""The one way a field reaches other rows: a named batch function of ``resolvers.loaders`` and a key.

The key of a ``Relation`` is its object's; that of a root field's ``LookUp`` is what the caller gave. The declaration
stays on the field (``metadata``), so that two drivers may run it: the data loaders under graphql-core, or an executor
that takes all objects of a level together, also those of several operations, and calls the batch function itself.

Such an executor knows all that will be looked at, and has only that read, where every field says what it looks at: of
its row (``reads``), and where in what was found there are rows (``RowsAt``). One that does not say looks at everything.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from inspect import Parameter, Signature, signature
from operator import attrgetter
from typing import Annotated, Any, NamedTuple

import strawberry
from strawberry import UNSET
from strawberry.types.base import StrawberryContainer, get_object_definition, has_object_definition
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from db.keys import key
from db.paging import ALL, BY_ID, Columns, Order, Page
from resolvers.loaders import Batch, Sought

from .node import chosen, row_id
from .paging import After, Before, First, Last, PageOf, page_of, window

EMPTY: Page[Any] = Page((), has_previous=False, has_next=False)

Asked = tuple[Any, ...]

RowsAt = tuple[tuple[str, ...], ...]
"""Where the rows are that a field shows: ways down through its selection, by the names of fields in the schema."""

HERE: RowsAt = ((),)
IN_PAGE: RowsAt = (("nodes",), ("edges", "node"))

NO_COLUMNS: Columns = frozenset()


def reads(*names: str) -> dict[str, Any]:
    """For the metadata of a field that a plain function makes of its row: the columns that the function looks at."""
    return {"reads": frozenset(names)}


@dataclass(frozen=True, slots=True)
class Relation:
    """What a field reads, in parts that either driver puts together.

    ``by`` is the row's key; where that is None, there is nothing to read. ``asked`` makes the batch function's further
    arguments of the context and the field's arguments: the same for all objects; None where the field is not for this
    caller, and hence null. ``shown`` makes the field's value of the context, the key, and what was found under it.

    ``reads`` are the columns that ``by`` looks at. ``rows_at`` says where in the field's selection the rows are that
    the batch function finds; ``shows`` are the columns of them that the field itself looks at.
    """

    batch: Batch
    by: Callable[[Any], Any]
    asked: Callable[..., Asked | None]
    shown: Callable[[Any, Any, Any], Any]
    reads: Columns = ALL
    rows_at: RowsAt = HERE
    shows: Columns = NO_COLUMNS

    @property
    def batches(self) -> Collection[Batch]:
        """All that it may read by."""
        return (self.batch,)

    async def resolve(self, root: Any, context: Any, **arguments: Any) -> Any:
        """The value for one object, read with whatever else is read at the same time."""
        asked = self.asked(context, **arguments)
        if asked is None:
            return None
        key = self.by(root)
        found = None if key is None else await context.loaders.load(self.batch, key, *asked)
        return self.shown(context, key, found)


@dataclass(frozen=True, slots=True)
class LookUp:
    """What a root field reads, in parts that either driver puts together.

    ``sought`` says what that is, by the context and the field's arguments: None where there is nothing to read, and the
    field is null. It raises BadUserInput for what cannot be meant, and looks at nothing that another of the same client
    would see otherwise: who seeks the same in the same way is shown the same. ``shown`` makes the field's value of the
    context, what was sought, and what was found.

    ``batches`` are all that it may read by; ``rows_at`` and ``shows`` are those of ``Relation``.

    ``sought_as_given``, if there is one, says the same as ``sought`` by arguments of which no objects of Strawberry's
    were made: to make them takes longer than all else that is done for what seeks one row.
    """

    batches: Collection[Batch]
    sought: Callable[..., Sought | None]
    shown: Callable[[Any, Sought, Any], Any]
    rows_at: RowsAt = HERE
    shows: Columns = NO_COLUMNS
    sought_as_given: Callable[..., Sought | None] | None = None

    async def resolve(self, context: Any, **arguments: Any) -> Any:
        """The value for one operation, read with whatever else is read at the same time."""
        sought = self.sought(context, **arguments)
        if sought is None:
            return None
        found = await context.loaders.load(sought.batch, sought.key, *sought.arguments)
        return self.shown(context, sought, found)


By = str | tuple[str, ...] | Callable[[Any], Any]
"""The key of an object: an attribute of it, a tuple of some, or what a function makes of it."""


def _by(by: By) -> tuple[Callable[[Any], Any], Columns]:
    """As a function, and the attributes that it looks at."""
    if callable(by):
        return by, ALL
    names = (by,) if isinstance(by, str) else by
    return attrgetter(*names), frozenset(names)


def _nothing_more(_context: Any) -> Asked:
    return ()


def relation(batch: Batch, by: By, *, description: str, empty: Any = None, attribute: str | None = None) -> Any:
    """A field that reads one row (or, with ``empty=()``, a short list) per object; or only one attribute of the row."""
    value_of = attrgetter(attribute) if attribute else None

    def shown(_context: Any, _key: Any, found: Any) -> Any:
        if found is None:
            return empty
        return value_of(found) if value_of else found

    key_of, looks_at = _by(by)
    shows = frozenset({attribute} if attribute else ())
    related = Relation(batch, key_of, _nothing_more, shown, reads=looks_at, shows=shows)

    async def resolve(root: Any, info: strawberry.Info) -> Any:
        return await related.resolve(root, info.context)

    resolve.__annotations__ = {"info": strawberry.Info}
    return strawberry.field(resolver=resolve, description=description, metadata={"relation": related})


def connection(
    pages: Batch,
    by: By = "id",
    *,
    description: str,
    order: Order = BY_ID,
    counts: Batch | None = None,
    permitted: Callable[[Any], bool] = lambda context: True,
) -> Any:
    """A field that reads a page per object; null where ``permitted(context)`` is false."""

    def asked(
        context: Any, first: Any = UNSET, after: Any = UNSET, last: Any = UNSET, before: Any = UNSET
    ) -> Asked | None:
        if not permitted(context):
            return None
        return (window(_given(first), _given(after), _given(last), _given(before), order),)

    def shown(context: Any, key: Any, found: Any) -> Any:
        loaders = context.loaders

        async def count() -> int | None:
            assert counts is not None
            return 0 if key is None else await loaders.load(counts, key)

        return PageOf(found or EMPTY, order, count if counts else None)

    key_of, looks_at = _by(by)
    related = Relation(pages, key_of, asked, shown, reads=looks_at, rows_at=IN_PAGE)

    async def resolve(root: Any, info: strawberry.Info, first: Any, after: Any, last: Any, before: Any) -> Any:
        return await related.resolve(root, info.context, first=first, after=after, last=last, before=before)

    resolve.__annotations__ = {"info": strawberry.Info, "first": First, "after": After, "last": Last, "before": Before}
    resolve.__defaults__ = (UNSET, UNSET, UNSET, UNSET)
    return strawberry.field(resolver=resolve, description=description, metadata={"relation": related})


def look_up(found: LookUp, *, description: str) -> Any:
    """A root field that takes what ``sought`` takes behind the context."""

    async def resolve(info: strawberry.Info, **arguments: Any) -> Any:
        return await found.resolve(info.context, **arguments)

    _, *takes = signature(found.sought).parameters.values()
    info = Parameter("info", Parameter.POSITIONAL_OR_KEYWORD, annotation=strawberry.Info)
    resolve.__signature__ = Signature([info, *takes])  # type: ignore[attr-defined]
    resolve.__annotations__ = {one.name: one.annotation for one in (info, *takes)}
    return strawberry.field(resolver=resolve, description=description, metadata={"relation": found})


class Way(NamedTuple):
    """One way to say which row is meant: the batch function, the key that it makes of what was given (None: there is no
    such row), and whether who asks may look it up so."""

    batch: Batch
    key: Callable[[Any], Any] = key
    permitted: Callable[[Any], bool] | None = None

    def sought(self, context: Any, given: Any) -> Sought | None:
        """What is to be read for who gives that."""
        wanted = self.key(given)
        if wanted is None or (self.permitted is not None and not self.permitted(context)):
            return None
        return Sought(self.batch, wanted)


def by_id(batch: Batch, type_name: str, *, permitted: Callable[[Any], bool] | None = None) -> Way:
    """By the global id: the id of another type means nothing."""
    return Way(batch, partial(row_id, type_name=type_name), permitted)


def one(by_kind: Any, *, description: str, **ways: Way) -> Any:
    """A root field that looks up one row, in the way of that field of a @oneOf input which is given."""

    def sought(
        context: Any,
        by: Annotated[by_kind, strawberry.argument(description="Which one.")],
    ) -> Sought | None:
        name, given = chosen(by)
        return ways[name].sought(context, given)

    as_written = {to_camel_case(name): way for name, way in ways.items()}

    def sought_as_given(context: Any, by: Mapping[str, Any]) -> Sought | None:
        ((name, given),) = by.items()
        return as_written[name].sought(context, given)

    is_of_scalars = not any(map(_is_of_an_input, get_object_definition(by_kind, strict=True).fields))
    batches = {way.batch for way in ways.values()}
    found = LookUp(batches, sought, as_found, sought_as_given=sought_as_given if is_of_scalars else None)
    return look_up(found, description=description)


def _is_of_an_input(field: StrawberryField) -> bool:
    kind: object = field.type
    while isinstance(kind, StrawberryContainer):
        kind = kind.of_type
    return has_object_definition(kind)


def as_found(_context: Any, _sought: Sought, found: Any) -> Any:
    """The value of a look-up that shows what it has found."""
    return found


def listed(pages: Batch, *, description: str) -> Any:
    """A root field that reads a page of all there are, oldest first."""

    def sought(
        _context: Any, first: First = UNSET, after: After = UNSET, last: Last = UNSET, before: Before = UNSET
    ) -> Sought:
        return Sought(pages, (), (window(first, after, last, before),))

    def shown(_context: Any, _sought: Sought, found: Any) -> Any:
        return page_of(found)

    return look_up(LookUp((pages,), sought, shown, IN_PAGE), description=description)


def _given(argument: Any) -> Any:
    """None for an argument that was left out."""
    return None if argument is UNSET else argument
