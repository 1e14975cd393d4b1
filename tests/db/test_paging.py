"""Pages against lists sorted in Python: every order, position, size and direction, with exact flags."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

import db
from db.client import Role
from db.engine import Database, statements
from db.paging import BY_ID, NEWEST_FIRST, Order, Page, Window
from db.ticket_request import CREATED_AT_ASC, CREATED_AT_DESC, STATUS_CHANGED_AT_DESC, TicketRequestRow, ticket_requests
from tests.db.plans import planning
from tests.make import NOON, making

ORDERS = (BY_ID, NEWEST_FIRST, CREATED_AT_ASC, CREATED_AT_DESC, STATUS_CHANGED_AT_DESC)
SIZES = (0, 1, 3, 9)
NOW = {"now": NOON}
TOKEN = frozenset({"token"})


def place(row: Any, order: Order) -> tuple[Any, int]:
    return getattr(row, order.attribute), row.id


def positions(rows: Sequence[Any], order: Order) -> list[tuple[Any, int] | None]:
    """None, every row's place, a place that no row has between two of the same value, and both ends of the world."""
    places = sorted(place(row, order) for row in rows)
    if order.attribute == "id":
        return [None, *places[::2], (0, 0), (10**6, 10**6)]
    longest = max(places)[0] + timedelta(days=1)
    return [None, *places[::2], (places[0][0], 10**6), (NOON - timedelta(days=400), 1), (longest, 1)]


def expected(rows: Sequence[Any], window: Window) -> tuple[list[int], bool, bool]:
    """The ids of the page, and whether there is more before and after it."""
    ordered = sorted(rows, key=lambda row: place(row, window.order), reverse=window.order.is_descending)
    inside = [row.id for row in ordered if is_beyond(row, window)]
    outside = len(inside) < len(ordered)
    page = inside[max(len(inside) - window.size, 0) :] if window.is_backward else inside[: window.size]
    more = len(page) < len(inside)
    return (page, more, outside) if window.is_backward else (page, outside, more)


def is_beyond(row: Any, window: Window) -> bool:
    if window.position is None:
        return True
    if window.order.is_descending is not window.is_backward:
        return place(row, window.order) < window.position
    return place(row, window.order) > window.position


def windows(rows: Sequence[Any], order: Order) -> list[Window]:
    return [
        Window(size, order, position, is_backward)
        for size in SIZES
        for position in positions(rows, order)
        for is_backward in (False, True)
    ]


def seen(page: Page[Any]) -> tuple[list[int], bool, bool]:
    return [row.id for row in page.rows], page.has_previous, page.has_next


def tokens(page: Page[Any]) -> list[str]:
    return [row.token for row in page.rows]


async def seven_requests(database: Database) -> list[TicketRequestRow]:
    """Of two clients, several at the same moment; some have expired by NOON, stamped or not."""
    moments = [NOON + timedelta(seconds=seconds) for seconds in (3, 1, 2, 1, 3, 1, 2)]
    async with making(database) as make:
        clients = [await make.client("one"), await make.client("two", Role.POS)]
        for index, moment in enumerate(moments):
            columns: dict[str, Any] = {"created_at": moment}
            if index in (2, 4, 5):
                columns |= {"status": "REGISTERED", "expires_at": NOON + timedelta(minutes=index - 4)}
            await make.request(clients[index % 3 == 2], **columns)
    async with database.reading() as read:
        return list((await ticket_requests.page(read, Window(100), parameters=NOW)).rows)


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.name)
async def test_a_page_is_what_sorting_all_rows_gives(database: Database, order: Order) -> None:
    rows = await seven_requests(database)
    async with database.reading() as read:
        for window in windows(rows, order):
            page = await ticket_requests.page(read, window, parameters=NOW)
            assert seen(page) == expected(rows, window), window
            narrow = await ticket_requests.page(read, window, parameters=NOW, columns=TOKEN)
            assert (seen(narrow), tokens(narrow)) == (seen(page), tokens(page)), window


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.name)
async def test_a_page_is_read_by_an_index_in_its_order(database: Database, order: Order) -> None:
    """However many rows there are: nothing is sorted but the page itself, also where the order is of a computed value.

    Of those that have run out unstamped, the last column may be sorted: many do not run out at the same microsecond.
    """
    window = Window(3, order, (5 if order.attribute == "id" else NOON, 5))
    async with planning(database) as planner:
        found = await planner.plan(lambda read: ticket_requests.page(read, window, parameters=NOW))
    assert "Seq Scan on ticket_request" not in found
    assert not [line for line in found.splitlines() if line.startswith("SCAN ticket_request") and "USING" not in line]
    assert "TEMP B-TREE FOR ORDER BY" not in found
    assert "->  Sort" not in found
    if order is STATUS_CHANGED_AT_DESC:
        assert found.count("ix_ticket_request_status_changed_at_id") == 2
        assert found.count("ix_ticket_request_held") == 2


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.name)
async def test_a_page_per_parent_is_what_sorting_its_rows_gives(database: Database, order: Order) -> None:
    """All parents in one statement, those without rows too."""
    rows = await seven_requests(database)
    parents = [2, 77, 1]
    async with database.reading() as read:
        for window in windows(rows, order):
            pages = await ticket_requests.pages(read, "client_id", parents, window, parameters=NOW)
            narrow = await ticket_requests.pages(read, "client_id", parents, window, parameters=NOW, columns=TOKEN)
            for parent in parents:
                theirs = [row for row in rows if row.client_id == parent]
                assert seen(pages[parent]) == expected(theirs, window), (parent, window)
                assert seen(narrow[parent]) == seen(pages[parent]), (parent, window)
                assert tokens(narrow[parent]) == tokens(pages[parent]), (parent, window)


async def test_a_filtered_page_is_what_sorting_the_filtered_rows_gives(database: Database) -> None:
    rows = await seven_requests(database)
    even = [row for row in rows if row.id % 2 == 0]
    async with database.reading() as read:
        for window in windows(rows, CREATED_AT_DESC):
            page = await ticket_requests.page(read, window, where=lambda row: [row.id % 2 == 0], parameters=NOW)
            assert seen(page) == expected(even, window), window
            pages = await ticket_requests.pages(
                read, "client_id", [1], window, where=lambda row: [row.id % 2 == 0], parameters=NOW
            )
            assert seen(pages[1]) == expected([row for row in even if row.client_id == 1], window), window


async def test_pages_of_a_key_of_two_columns(database: Database) -> None:
    """Slots of (admission, least start): a number and a moment."""
    async with making(database) as make:
        admissions = [await make.admission(), await make.admission()]
        for hours in (0, 1, 1, 2, 30):
            for admission in admissions:
                await make.slot(admission, NOON + timedelta(hours=hours))
    keys: list[tuple[int, datetime]] = [(a, NOON + timedelta(hours=h)) for a in (1, 2, 3) for h in (0, 1, 3)]
    async with database.reading() as read:
        rows = (await db.time_slot.time_slots.page(read, Window(100))).rows
        for window in windows(rows, db.time_slot.BY_START):
            pages = await db.time_slot.pages_of_admissions(read, keys, window)
            for admission, start in keys:
                theirs = [row for row in rows if row.admission_id == admission and row.starts_at >= start]
                assert seen(pages[admission, start]) == expected(theirs, window), (admission, start, window)


async def test_walking_page_by_page_meets_every_row_once_in_either_direction(database: Database) -> None:
    rows = await seven_requests(database)
    for order in ORDERS:
        for is_backward in (False, True):
            met: list[int] = []
            position = None
            async with database.reading() as read:
                while True:
                    window = Window(2, order, position, is_backward)
                    page = await ticket_requests.page(read, window, parameters=NOW)
                    ids = [row.id for row in page.rows]
                    met = ids + met if is_backward else met + ids
                    position = place(page.rows[0 if is_backward else -1], order)
                    if not (page.has_previous if is_backward else page.has_next):
                        break
            assert met == expected(rows, Window(100, order))[0]


async def test_rows_that_come_and_go_do_not_shift_the_pages_behind_them(database: Database) -> None:
    """The row of a cursor is gone, another has come before it: the next page starts where it would have."""
    rows = await seven_requests(database)
    first = expected(rows, Window(3, CREATED_AT_ASC))[0]
    position = next(place(row, CREATED_AT_ASC) for row in rows if row.id == first[-1])
    async with making(database) as make:
        await make.change(db.ticket_request.ticket_request, first[-1], created_at=NOON - timedelta(days=1))
        await make.request(await make.client("one"), created_at=NOON - timedelta(days=2))
    async with database.reading() as read:
        page = await ticket_requests.page(read, Window(10, CREATED_AT_ASC, position), parameters=NOW)
    assert [row.id for row in page.rows] == expected(rows, Window(100, CREATED_AT_ASC))[0][3:]
    assert page.has_previous


async def test_the_statement_is_the_same_for_one_key_and_for_a_hundred(database: Database) -> None:
    """One text means one prepared plan."""
    await seven_requests(database)
    texts: list[str] = []
    token = statements.set(texts)
    async with database.reading() as read:
        for keys in ([1], list(range(1, 101))):
            await ticket_requests.by_key(read, "id", keys, parameters=NOW)
            await ticket_requests.pages(read, "client_id", keys, Window(5, CREATED_AT_DESC, (NOON, 1)), parameters=NOW)
            await ticket_requests.counts(read, "client_id", keys)
    statements.reset(token)
    assert texts[:3] == texts[3:]
    assert len(set(texts)) == 3


async def test_counts_are_exact_up_to_their_bound_and_unknown_beyond(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await seven_requests(database)
    async with database.reading() as read:
        assert await ticket_requests.count(read) == 7
        assert await ticket_requests.counts(read, "client_id", [1, 2, 3]) == {1: 5, 2: 2, 3: 0}
        monkeypatch.setattr(db.paging, "COUNTED_AT_MOST", 5)
        assert await ticket_requests.count(read) is None
        assert await ticket_requests.counts(read, "client_id", [1, 2, 3]) == {1: 5, 2: 2, 3: 0}
        monkeypatch.setattr(db.paging, "COUNTED_AT_MOST", 4)
        assert await ticket_requests.counts(read, "client_id", [1, 2, 3]) == {1: None, 2: 2, 3: 0}
