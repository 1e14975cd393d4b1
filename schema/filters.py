"""Filters: what the ``where`` inputs share."""

from datetime import datetime
from functools import cache
from typing import Any

import strawberry
from strawberry import UNSET

from db.paging import Span
from resolvers.lists import Given

from .node import row_id
from .personal import is_personal


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
