"""The lists that one may start from: filtered, of what who asks may see, page by page and counted.

``given`` has the conditions that the caller gave; ``db.ticket_request.matching`` and ``db.ticket.matching`` say what
each means. A condition on a masked field matches only rows where the caller may see the field.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import db
from db.conditions import Conditions
from db.engine import Read
from db.paging import ALL, Columns, Order, Page, Window

from . import timeline, visibility
from .context import Context
from .loaders import Sought
from .policy import Extent, Permission


class Given(dict[str, Any]):
    """Conditions by their names; ``is_personal``: at least one is about personal data, as the schema tags it."""

    def __init__(self, conditions: Mapping[str, Any] = {}, *, is_personal: bool = False) -> None:
        super().__init__(conditions)
        self.is_personal = is_personal

    def parted(self, names: Sequence[str]) -> tuple[tuple[str, ...], "Others"]:
        """The values of those names, and the other conditions in a form that tells them apart."""
        others = {name: tuple(v) if isinstance(v, list) else v for name, v in self.items() if name not in names}
        return tuple(self[name] for name in names), (tuple(others.items()), self.is_personal)


Others = tuple[tuple[tuple[str, Any], ...], bool]
"""The conditions that all who read a page together have given, and whether any of theirs is about personal data."""

Texts = tuple[str, ...]

Everything = Sequence[tuple[()]]
"""The one key of a list that is the same for all who read it together."""


def ticket_requests(window: Window, given: Given) -> Sought:
    """What a page of requests is looked up by."""
    names = db.ticket_request.shared_numbers(given, window.order)
    texts, others = given.parted(names)
    return Sought(pages_of_ticket_requests, texts, (names, others, window))


async def pages_of_ticket_requests(
    context: Context,
    read: Read,
    keys: Sequence[Texts],
    names: Texts,
    others: Others,
    window: Window,
    columns: Columns = ALL,
) -> Mapping[Texts, Page[Any]]:
    """One page of requests for each of these texts, which are what conditions of those names say."""
    if len(keys) > 1:
        where = _requests(context, _given(others))
        return await db.ticket_request.pages_of_numbers(
            read, names, keys, window, context.now, where=where, columns=columns
        )
    where = _requests(context, _given(others, dict(zip(names, keys[0], strict=True))))
    return {keys[0]: await db.ticket_request.page(read, window, context.now, where=where, columns=columns)}


async def count_of_ticket_requests(context: Context, sought: Sought) -> int | None:
    """How many requests there are of which that is a page, or None if they are very many."""
    async with context.reading() as read:
        return await db.ticket_request.count(read, context.now, where=_requests(context, _given_of(sought)))


def issued_tickets(window: Window, given: Given) -> Sought:
    """What a page of tickets is looked up by."""
    names = db.ticket.shared_numbers(given)
    texts, others = given.parted(names)
    return Sought(pages_of_issued_tickets, texts, (names, others, window))


async def pages_of_issued_tickets(
    context: Context,
    read: Read,
    keys: Sequence[Texts],
    names: Texts,
    others: Others,
    window: Window,
    columns: Columns = ALL,
) -> Mapping[Texts, Page[Any]]:
    """One page of tickets for each of these texts, which are what conditions of those names say."""
    if len(keys) > 1:
        where = _tickets(context, _given(others))
        return await db.ticket.pages_of_numbers(read, names, keys, window, where=where, columns=columns)
    given = _given(others, dict(zip(names, keys[0], strict=True)))
    return {keys[0]: await page_of_tickets(context, read, window, given, columns)}


async def page_of_tickets(
    context: Context, read: Read, window: Window, given: Given, columns: Columns = ALL
) -> Page[Any]:
    """The same of one list, for who reads it page by page and keeps nothing of it."""
    return await db.ticket.page(read, window, where=_tickets(context, given), columns=columns)


async def count_of_issued_tickets(context: Context, sought: Sought) -> int | None:
    """How many tickets there are of which that is a page, or None if they are very many."""
    async with context.reading() as read:
        return await db.ticket.count(read, where=_tickets(context, _given_of(sought)))


def order_of(sought: Sought) -> Order:
    """The order of the list of which that is a page."""
    window: Window = sought.arguments[-1]
    return window.order


def _given_of(sought: Sought) -> Given:
    names, others, _ = sought.arguments
    return _given(others, dict(zip(names, sought.key, strict=True)))


def _given(others: Others, numbers: Mapping[str, str] = {}) -> Given:
    conditions, is_personal = others
    return Given({**dict(conditions), **numbers}, is_personal=is_personal)


async def tickets_of_scan(context: Context, window: Window, ticket_ids: Sequence[int]) -> Page[Any]:
    """A page of the tickets that a scan was about."""
    if not ticket_ids:
        return Page((), has_previous=False, has_next=False)
    where = db.conditions.all_of(visibility.tickets(context), lambda ticket: [ticket.id.in_(ticket_ids)])
    async with context.reading() as read:
        return await db.ticket.page(read, window, where=where)


def request_events(window: Window, given: Given) -> Sought:
    """What a page of everything that happened is looked up by."""
    _, others = given.parted(())
    return Sought(pages_of_request_events, (), (others, window))


async def pages_of_request_events(
    context: Context, read: Read, keys: Everything, others: Others, window: Window
) -> Mapping[tuple[()], Page[Any]]:
    """A page of everything that happened, in the order of recording."""
    where = db.conditions.all_of(visibility.events(context), db.timeline.matching(_given(others)))
    await timeline.check(read, window)
    return dict.fromkeys(keys, await db.timeline.page(read, window, where=where))


async def customers(
    context: Context, read: Read, keys: Everything, window: Window, columns: Columns = ALL
) -> Mapping[tuple[()], Page[Any]]:
    """A page of the customer register."""
    where = visibility.registers(context)
    return dict.fromkeys(keys, await db.customer.page(read, window, where=where, columns=columns))


async def admissions(_context: Context, read: Read, keys: Everything, window: Window) -> Mapping[tuple[()], Page[Any]]:
    """A page of all admissions."""
    return dict.fromkeys(keys, await db.admission.page(read, window))


async def schedules(_context: Context, read: Read, keys: Everything, window: Window) -> Mapping[tuple[()], Page[Any]]:
    """A page of all schedules."""
    return dict.fromkeys(keys, await db.schedule.page(read, window))


async def calendars(_context: Context, read: Read, keys: Everything, window: Window) -> Mapping[tuple[()], Page[Any]]:
    """A page of all calendars."""
    return dict.fromkeys(keys, await db.calendar.page(read, window))


async def ticket_items(
    _context: Context, read: Read, keys: Everything, window: Window
) -> Mapping[tuple[()], Page[Any]]:
    """A page of all items."""
    return dict.fromkeys(keys, await db.ticket_item.page(read, window))


def _requests(context: Context, given: Given) -> Conditions | None:
    matching = db.ticket_request.matching(given, visibility.registers(context))
    return db.conditions.all_of(visibility.requests(context), matching, _may_see_personal(context, given))


def _tickets(context: Context, given: Given) -> Conditions | None:
    matching = db.ticket.matching(given, visibility.registers(context))
    return db.conditions.all_of(visibility.tickets(context), matching, _may_see_personal(context, given))


def _may_see_personal(context: Context, given: Given) -> Conditions | None:
    """Where personal data is asked about: only of what the caller may see it of."""
    if not given.is_personal:
        return None
    match context.extent(Permission.READ_PERSONAL):
        case Extent.ALL:
            return None
        case Extent.OWN:
            return visibility.own(context)
        case _:
            return db.conditions.NOTHING
