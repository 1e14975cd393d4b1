"""What a database means to do with a statement: by which indexes it looks, and where it has to sort."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import text

from db.driver import Connection, Row
from db.engine import Database, Read

Ask = Callable[[Read], Awaitable[Any]]


class Noting:
    """A connection that notes what it is asked, and asks it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.sent: list[tuple[str, Sequence[Any]]] = []

    async def fetch(self, text: str, values: Sequence[Any]) -> Sequence[Row]:
        self.sent.append((text, values))
        return await self._connection.fetch(text, values)


class Planner:
    """Tells the plan of the one statement that something sends."""

    def __init__(self, read: Read) -> None:
        self._read = read

    async def plan(self, ask: Ask) -> str:
        noting: Any = Noting(self._read.connection)
        await ask(Read(noting, self._read.dialect))
        ((statement, values),) = noting.sent
        word = "EXPLAIN" if self._read.dialect == "postgresql" else "EXPLAIN QUERY PLAN"
        rows = await self._read.connection.fetch(f"{word} {statement}", values)
        return "\n".join(str(row[-1]) for row in rows)


@asynccontextmanager
async def planning(database: Database) -> AsyncIterator[Planner]:
    """On connections whose settings are nobody else's, as if nothing had ever been in the tables.

    What pays on small tables only is off.
    """
    alone = Database(database.url)
    try:
        if alone.dialect == "postgresql":
            async with alone.writing() as write:
                await write.run(text("TRUNCATE search_key, ticket_request, issued_ticket, customer CASCADE"))
                await write.run(text("DELETE FROM pg_statistic"))  # which tests before this one may have left
        async with alone.reading() as read:
            if alone.dialect == "postgresql":
                for method in ("seqscan", "bitmapscan", "sort"):
                    await read.fetch(f"SET enable_{method} = off")
            yield Planner(read)
    finally:
        await alone.dispose()
