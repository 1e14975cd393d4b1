"""Filters: what the ``where`` inputs share, and the lists that they are given to."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from enum import Enum
from functools import cache, partial
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from db.paging import Span, Window
from resolvers import lists
from resolvers.lists import Given
from resolvers.loaders import Batch, Sought

from .node import row_id
from .paging import After, Before, First, Last, page_of, window
from .personal import is_personal
from .relations import IN_PAGE, LookUp, look_up


@strawberry.input(description="A stretch of time; both ends belong to it, and either may be left out.")
class DateTimeRange:
    from_: datetime | None = strawberry.field(name="from", default=UNSET, description="The first moment.")
    until: datetime | None = strawberry.field(default=UNSET, description="The last moment.")


def given(where: Any) -> Given:
    """The conditions that were given, by name; what is absent or null, and a range without bounds, says nothing.

    A slot's global id becomes its row's id, 0 if it is the id of something else. Which of them are of personal data is
    what the schema tags.
    """
    if not where:
        return Given()
    said = {name: value for name, value in vars(where).items() if value is not UNSET and value is not None}
    conditions = {name: found for name, value in said.items() if (found := _plain(name, value)) is not None}
    return Given(conditions, is_personal=not _personal(where.__class__).isdisjoint(conditions))


@cache
def _personal(kind: Any) -> frozenset[str]:
    return frozenset(field.python_name for field in kind.__strawberry_definition__.fields if is_personal(field))


def _plain(name: str, value: Any) -> Any:
    if name == "slot_id":
        return row_id(value, "TimeSlot") or 0
    if isinstance(value, DateTimeRange):
        return Span(value.from_ or None, value.until or None) if value.from_ or value.until else None
    return value


def filtered(
    pages: Batch,
    sought_by: Callable[[Window, Given], Sought],
    count: Callable[[Any, Sought], Awaitable[int | None]],
    where_kind: Any,
    order_kind: type[Enum],
    *,
    description: str,
) -> Any:
    """A root field that reads a page of what conditions let through, and counts it; newest first, unless another of the
    orders is asked for."""
    (newest, *_) = order_kind

    def sought(
        _context: Any,
        where: Annotated[where_kind | None, strawberry.argument(description="Conditions; left out: all.")] = UNSET,
        order_by: Annotated[order_kind | None, strawberry.argument(description="Left out: newest first.")] = UNSET,  # type: ignore[valid-type]
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Sought:
        return sought_by(window(first, after, last, before, (order_by or newest).value), given(where))

    def shown(context: Any, sought: Sought, found: Any) -> Any:
        return page_of(found, lists.order_of(sought), partial(count, context, sought))

    return look_up(LookUp((pages,), sought, shown, IN_PAGE), description=description)
