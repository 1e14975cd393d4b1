"""What a database means to do with a statement: by which indexes it looks, and where it has to sort."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event, text

from db.engine import Database, Read

Ask = Callable[[Read], Awaitable[Any]]


class Planner:
    """Tells the plan of the one statement that something sends."""

    def __init__(self, database: Database, read: Read) -> None:
        self._engine = database.reader.sync_engine
        self._read = read

    async def plan(self, ask: Ask) -> str:
        sent: list[tuple[str, Any]] = []

        def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            sent.append((statement, parameters))

        event.listen(self._engine, "before_cursor_execute", note)
        try:
            await ask(self._read)
        finally:
            event.remove(self._engine, "before_cursor_execute", note)
        ((statement, parameters),) = sent
        word = "EXPLAIN" if self._read.dialect == "postgresql" else "EXPLAIN QUERY PLAN"
        rows = (await self._read.connection.exec_driver_sql(f"{word} {statement}", parameters)).all()
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
        async with alone.reading() as read:
            if alone.dialect == "postgresql":
                for method in ("seqscan", "bitmapscan", "sort"):
                    await read.connection.exec_driver_sql(f"SET enable_{method} = off")
            yield Planner(alone, read)
    finally:
        await alone.dispose()
