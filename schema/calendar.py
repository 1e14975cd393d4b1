"""Calendars: the days on which something is closed, and why."""

from datetime import date as LocalDate

import strawberry
from strawberry import UNSET

import db
from db.calendar import CalendarLineKind, CalendarLineRow
from resolvers import lists, loaders

from .enums import describe
from .node import Node, is_row
from .paging import Connection
from .relations import Way, by_id, listed, one, relation
from .weekday import Weekday

describe(
    CalendarLineKind,
    "Which days a line of a calendar means.",
    DATE="One date.",
    WEEKDAY="A day of every week.",
    YEARLY="A date of every year.",
)


def _weekday(root: CalendarLineRow) -> Weekday | None:
    return None if root.weekday is None else list(Weekday)[root.weekday]


@strawberry.type(description="A day on which something is closed, and why.")
class CalendarLine:
    kind: CalendarLineKind = strawberry.field(description="Which days it means.")
    date: LocalDate | None = strawberry.field(description="Of DATE.")
    weekday: Weekday | None = strawberry.field(resolver=_weekday, description="Of WEEKDAY.")
    month: int | None = strawberry.field(description="Of YEARLY: 1 is January.")
    day: int | None = strawberry.field(description="Of YEARLY: the day of the month.")
    text: str = strawberry.field(description="Why it is closed, in words for the guest.")


@strawberry.type(
    description="Days on which something is closed. As an admission's calendar it closes slots as they are generated. "
    "As a ticket's it is asked live: the slot stays listed; the ticket can neither be sold for that day nor used on it."
)
class Calendar(Node):
    code: str = strawberry.field(description="Unique, case ignored.")
    description: str = strawberry.field(description="What people call it.")
    lines: list[CalendarLine] = relation(
        loaders.lines_of_calendars,
        "id",
        empty=(),
        description="The days. Where several mean one, a date goes before a yearly date, and that before a weekday.",
    )
    is_type_of = is_row(db.calendar.CalendarRow)


@strawberry.input(one_of=True, description="Which calendar: exactly one of these.")
class CalendarBy:
    id: strawberry.ID | None = strawberry.field(default=UNSET, description="The global id.")
    code: str | None = strawberry.field(default=UNSET, description="Its code, case ignored.")


@strawberry.type
class CalendarQueries:
    calendar: Calendar | None = one(
        CalendarBy,
        description="One calendar; null if there is none.",
        id=by_id(loaders.calendars, "Calendar"),
        code=Way(loaders.calendars_by_key),
    )
    calendars: Connection[Calendar] | None = listed(lists.calendars, description="All calendars.")
