"""Demo data: a castle, its treasure room and tours, guests, and ticket requests in every state.

The same number of requests makes the same sales each time, around the day of the load by the database's clock, so that
there are visitors today and open slots tomorrow. ``world`` says what the castle is, ``people`` who comes, ``season``
what they buy and do, ``cases`` what goes wrong for support to find, and ``books`` how all this is written down.
"""

import asyncio
import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from heapq import merge
from itertools import islice
from math import ceil
from operator import attrgetter
from random import Random
from typing import Any

import db
from db.bulk import Bulk
from db.engine import Database, Read

from ..actor import create_key
from ..context import Rules
from . import people, set_up
from .books import TABLES, Books
from .cases import BROKEN_CASES, BrokenCase, Cases
from .sale import Sale
from .season import Season
from .world import CLIENTS

__all__ = ["BROKEN_CASES", "BrokenCase", "DatabaseInUse", "load"]

SEED = 1658
"""The year in which a Danish castle was stormed. Any number does; another one tells another story."""

LARGE = 10_000
"""From so many requests on, indexes are built at the end."""

CHUNK = 2_000
"""Requests in memory at once, twice: one chunk is being made while another is written."""

REQUESTS_A_DAY, PAST_DAYS, MOST_PAST_DAYS = 300, 30, 730
"""Many requests reach further back, so that days look like days; beyond two years the days get fuller."""

USUAL_REQUESTS_A_DAY = 40
"""What the castle's usual maximum is made for; a busier one has as many times the places."""

REQUESTS_A_GUEST, FEWEST_GUESTS, MOST_GUESTS = 3, 60, 60_000


class DatabaseInUse(ValueError):
    """Demo data goes into an empty database only."""


async def load(
    database: Database, rules: Rules, *, requests: int = 1000, progress: Callable[[int, int], None]
) -> dict[str, str]:
    """Load so many requests (at least those of the cases) and answer a key of each role, by the role's name.

    All or nothing: one transaction. ``progress`` is told how many requests of how many are written, and that all are
    only when they are committed. Raises DatabaseInUse if anything was set up or sold; clients and keys may be there.
    """
    async with database.writing() as write:
        if await _is_in_use(write):
            raise DatabaseInUse("There is data already: demo data goes into an empty database only.")
        now = await write.clock()
        random = Random(SEED)  # noqa: S311
        past_days = min(max(PAST_DAYS, requests // REQUESTS_A_DAY), MOST_PAST_DAYS)
        scale = ceil(requests / past_days / USUAL_REQUESTS_A_DAY)
        guests = people.guests(random, min(max(FEWEST_GUESTS, requests // REQUESTS_A_GUEST), MOST_GUESTS))
        async with db.bulk.loading(write, _TABLES, is_large=requests >= LARGE) as bulk:
            world = await set_up.build(write, bulk, rules, now, past_days, scale, guests)
            cases = Cases(world, rules).sales()
            total = max(requests, len(cases))
            season = Season(world, rules, SEED, guests[len(people.OF_THE_CASES) :]).sales(total - len(cases))
            books = await Books.open(bulk, world, rules, random)
            sales = merge(cases, season, key=attrgetter("made_at"))
            with _no_search_for_cycles():
                await _write(bulk, _chunks(books, sales), total, progress)
        await bulk.count_sold_places()
        keys = {c.role.value: await create_key(write, c.name, c.role, now) for c in CLIENTS if c.is_given_a_key}
    progress(total, total)
    return keys


_TABLES = (*set_up.TABLES, *TABLES)

Chunk = tuple[int, Mapping[str, Sequence[Any]]]
"""How many requests are made so far, and the rows that are new, by table."""


async def _is_in_use(read: Read) -> bool:
    return any([await db.bulk.has_rows(read, table) for table in _TABLES])


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """No row points back at what points at it: looking for such cycles would take a third of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _chunks(books: Books, sales: Iterator[Sale]) -> Iterator[Chunk]:
    """The rows of all sales, as many at once as memory should hold; the last chunk is the events that remain."""
    done = 0
    while chunk := list(islice(sales, CHUNK)):
        for sale in chunk:
            books.enter(sale)
        done += len(chunk)
        yield done, books.take(until=chunk[-1].made_at)
    yield done, books.take()


async def _write(bulk: Bulk, chunks: Iterator[Chunk], total: int, progress: Callable[[int, int], None]) -> None:
    """Write each chunk while the next one is being made."""
    chunk = await asyncio.to_thread(next, chunks, None)
    while chunk is not None:
        done, rows = chunk
        coming = asyncio.create_task(asyncio.to_thread(next, chunks, None))
        try:
            for table in TABLES:
                await bulk.insert(table, rows[table.name])
        finally:
            chunk = await coming
        if done < total:
            progress(done, total)
