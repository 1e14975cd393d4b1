"""The one way a field reaches another row: a named batch function of ``resolvers.loaders`` and a key.

The declaration stays on the field (``metadata``), so that two drivers may run it: the data loaders under graphql-core,
or an executor that takes all objects of a level together and calls the batch function itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import strawberry
from strawberry import UNSET

from db.paging import BY_ID, Order, Page
from resolvers.loaders import Batch

from .paging import After, Before, First, Last, PageOf, window

EMPTY: Page[Any] = Page((), has_previous=False, has_next=False)

Asked = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """What a field reads, in parts that either driver puts together.

    ``by`` is the row's key; where that is None, there is nothing to read. ``asked`` makes the batch function's further
    arguments of the context and the field's arguments: the same for all objects; None where the field is not for this
    caller, and hence null. ``shown`` makes the field's value of the context, the key, and what was found under it.
    """

    batch: Batch
    by: Callable[[Any], Any]
    asked: Callable[..., Asked | None]
    shown: Callable[[Any, Any, Any], Any]

    async def resolve(self, root: Any, context: Any, **arguments: Any) -> Any:
        """The value for one object, read with whatever else is read at the same time."""
        asked = self.asked(context, **arguments)
        if asked is None:
            return None
        key = self.by(root)
        found = None if key is None else await context.loaders.load(self.batch, key, *asked)
        return self.shown(context, key, found)


def _by(by: str | Callable[[Any], Any]) -> Callable[[Any], Any]:
    return attrgetter(by) if isinstance(by, str) else by


def _nothing_more(_context: Any) -> Asked:
    return ()


def relation(
    batch: Batch, by: str | Callable[[Any], Any], *, description: str, empty: Any = None, attribute: str | None = None
) -> Any:
    """A field that reads one row (or, with ``empty=()``, a short list) per object; or only one attribute of the row."""
    value_of = attrgetter(attribute) if attribute else None

    def shown(_context: Any, _key: Any, found: Any) -> Any:
        if found is None:
            return empty
        return value_of(found) if value_of else found

    related = Relation(batch, _by(by), _nothing_more, shown)

    async def resolve(root: Any, info: strawberry.Info) -> Any:
        return await related.resolve(root, info.context)

    resolve.__annotations__ = {"info": strawberry.Info}
    return strawberry.field(resolver=resolve, description=description, metadata={"relation": related})


def connection(
    pages: Batch,
    by: str | Callable[[Any], Any] = "id",
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

    related = Relation(pages, _by(by), asked, shown)

    async def resolve(root: Any, info: strawberry.Info, first: Any, after: Any, last: Any, before: Any) -> Any:
        return await related.resolve(root, info.context, first=first, after=after, last=last, before=before)

    resolve.__annotations__ = {"info": strawberry.Info, "first": First, "after": After, "last": Last, "before": Before}
    resolve.__defaults__ = (UNSET, UNSET, UNSET, UNSET)
    return strawberry.field(resolver=resolve, description=description, metadata={"relation": related})


def _given(argument: Any) -> Any:
    """None for an argument that was left out."""
    return None if argument is UNSET else argument
