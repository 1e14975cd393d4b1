"""News of commits: by this process at once, by another soon, and again after the connection was lost."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from db.engine import Database
from db.news import News
from tests.make import making

SOON_SECONDS = 10
"""How long news may take on a machine that does other things; alone it takes some hundredths."""


@asynccontextmanager
async def another_process(database: Database) -> AsyncIterator[tuple[Database, News]]:
    """The same database on connections of its own, as another process has it, listening."""
    other = Database(database.url)
    news = News(other)
    running = asyncio.create_task(news.run())
    try:
        yield other, news
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await other.dispose()


async def commit(database: Database, name: str) -> None:
    async with making(database) as make:
        await make.client(name)


async def hears(news: News, database: Database, name: str) -> bool:
    """Whether a commit there is heard of here."""
    seen = news.count
    await commit(database, name)
    return await news.after(seen, SOON_SECONDS) > seen


async def until_it_listens(news: News, database: Database) -> None:
    until = time.monotonic() + SOON_SECONDS
    while time.monotonic() < until:
        seen = news.count
        await commit(database, f"{time.monotonic()}")
        if await news.after(seen, 0.5) > seen:
            await news.after(news.count, 0.3)  # the word of its own connection
            return
    raise AssertionError("it does not listen")


async def test_a_process_hears_of_its_own_commits_at_once(database: Database) -> None:
    """Whether or not it listens to others; and not of what was rolled back."""
    news = News(database)
    with suppress(ZeroDivisionError):
        async with making(database) as make:
            await make.client("nobody")
            raise ZeroDivisionError
    assert news.count == 0
    await commit(database, "shop")
    assert news.count == 1
    assert await news.after(0, 0) == 1
    started = time.monotonic()
    assert await news.after(1, 0.05) == 1
    assert time.monotonic() - started >= 0.04


async def test_another_process_hears_of_them_soon(database: Database) -> None:
    async with another_process(database) as (_, there), another_process(database) as (here, _):
        await until_it_listens(there, here)
        for number in range(3):
            assert await hears(there, here, f"shop-{number}")


async def test_it_listens_again_when_its_connection_was_lost(database: Database) -> None:
    """What was committed meanwhile is news when it is back."""
    if database.dialect == "sqlite":
        pytest.skip("there is no connection to lose")
    async with another_process(database) as (_, there), another_process(database) as (here, _):
        await until_it_listens(there, here)
        seen = there.count
        async with database.reading() as read:
            ended = await read.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query LIKE 'LISTEN%' AND pid <> pg_backend_pid()"
            )
        assert ended, "there was one that listened"
        assert await there.after(seen, SOON_SECONDS) > seen
        await until_it_listens(there, here)
        assert await hears(there, here, "shop")
