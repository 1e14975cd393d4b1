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


@dataclass(frozen=True, slots=True)
class Relation:
    """``by`` is the attribute that holds the key, or a function of the row; where that is None, there is none."""

    batch: Batch
    by: Callable[[Any], Any]


def _by(by: str | Callable[[Any], Any]) -> Callable[[Any], Any]:
    return attrgetter(by) if isinstance(by, str) else by


def relation(
    batch: Batch, by: str | Callable[[Any], Any], *, description: str, empty: Any = None, attribute: str | None = None
) -> Any:
    """A field that reads one row (or, with ``empty=()``, a short list) per object; or only one attribute of the row."""
    key_of = _by(by)
    value_of = attrgetter(attribute) if attribute else None

    async def resolve(root: Any, info: strawberry.Info) -> Any:
        key = key_of(root)
        found = None if key is None else await info.context.loaders.load(batch, key)
        if found is None:
            return empty
        return value_of(found) if value_of else found

    resolve.__annotations__ = {"info": strawberry.Info}
    return strawberry.field(resolver=resolve, description=description, metadata={"relation": Relation(batch, key_of)})


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
    key_of = _by(by)

    async def resolve(root: Any, info: strawberry.Info, first: Any, after: Any, last: Any, before: Any) -> Any:
        loaders = info.context.loaders
        if not permitted(info.context):
            return None
        asked = window(_given(first), _given(after), _given(last), _given(before), order)
        key = key_of(root)
        page = EMPTY if key is None else await loaders.load(pages, key, asked) or EMPTY

        async def count() -> int | None:
            assert counts is not None
            return 0 if key is None else await loaders.load(counts, key)

        return PageOf(page, order, count if counts else None)

    resolve.__annotations__ = {"info": strawberry.Info, "first": First, "after": After, "last": Last, "before": Before}
    resolve.__defaults__ = (UNSET, UNSET, UNSET, UNSET)
    return strawberry.field(resolver=resolve, description=description, metadata={"relation": Relation(pages, key_of)})


def _given(argument: Any) -> Any:
    """None for an argument that was left out."""
    return None if argument is UNSET else argument


def personal(name: str, owner: str = "client_id", *, description: str) -> Any:
    """A field that only those may see who may see what that client's guests told it; null for all others."""
    value, owned_by = attrgetter(name), attrgetter(owner)

    def resolve(root: Any, info: strawberry.Info) -> Any:
        return value(root) if info.context.may_see_personal(owned_by(root)) else None

    resolve.__annotations__ = {"info": strawberry.Info, "return": str | None}
    return strawberry.field(resolver=resolve, description=description, metadata={"personal": owned_by})
