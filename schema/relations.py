"""The one way a field reaches another row: a named batch function of ``resolvers.loaders`` and a key.

The declaration stays on the field (``metadata``), so that two drivers may run it: the data loaders under graphql-core,
or an executor that takes all objects of a level together and calls the batch function itself.

Such an executor knows all that will be looked at, and has only that read, where every field says what it looks at: of
its row (``reads``), and where in what was found there are rows (``RowsAt``). One that does not say looks at everything.
"""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import strawberry
from strawberry import UNSET

from db.paging import ALL, BY_ID, Columns, Order, Page
from resolvers.loaders import Batch

from .paging import After, Before, First, Last, PageOf, window

EMPTY: Page[Any] = Page((), has_previous=False, has_next=False)

Asked = tuple[Any, ...]

RowsAt = tuple[tuple[str, ...], ...]
"""Where the rows are that a field shows: ways down through its selection, by the names of fields in the schema."""

HERE: RowsAt = ((),)
IN_PAGE: RowsAt = (("nodes",), ("edges", "node"))
ROWS_AT = "rows_at"
"""The name in a field's metadata of where its rows are, if its resolver reads only ``columns_asked``."""

LOOKS_UP = "looks_up"
"""The name in a root field's metadata of where in its arguments stand the texts by which an index finds a few rows, as
``by.id``: what another looks up there in the same way is as quickly found, so both may run together."""


def reads(*names: str) -> dict[str, Any]:
    """For the metadata of a field that a plain function makes of its row: the columns that the function looks at."""
    return {"reads": frozenset(names)}


def columns_asked(info: strawberry.Info) -> Columns:
    """For the resolver of a field that says ``rows_at``: the columns that will be looked at of the rows there."""
    columns: Columns = getattr(info._raw_info, "columns", ALL)
    return columns


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
    shows: frozenset[str] = frozenset()

    async def resolve(self, root: Any, context: Any, **arguments: Any) -> Any:
        """The value for one object, read with whatever else is read at the same time."""
        asked = self.asked(context, **arguments)
        if asked is None:
            return None
        key = self.by(root)
        found = None if key is None else await context.loaders.load(self.batch, key, *asked)
        return self.shown(context, key, found)


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

    key, looks_at = _by(by)
    shows = frozenset({attribute} if attribute else ())
    related = Relation(batch, key, _nothing_more, shown, reads=looks_at, shows=shows)

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


def _given(argument: Any) -> Any:
    """None for an argument that was left out."""
    return None if argument is UNSET else argument
