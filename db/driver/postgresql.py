"""asyncpg behind the port."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import asyncpg
import orjson
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import URL

from . import FAILURES, Asked, Row, moments
from .union import union_of

STATEMENTS_KEPT = 200
"""How many statements a connection keeps prepared."""

CLOSING_SECONDS = 2
"""How long the server is given to stop what it does, and take leave."""

SETTINGS = {"application_name": "gatehouse", "timezone": "UTC"}
WISHES = {"jit": "off", "client_connection_check_interval": "1s"}
"""Settings that some poolers do not let pass, and some engines do not know: who refuses them is asked without."""

WISHES_OF_WRITERS = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}
"""What a transaction asks it finds by keys, and the best way to them is the same whatever they are: planned once.

Left to itself, PostgreSQL takes a list in a parameter for ten keys, finds what it plans for the one that is there
cheaper, and plans it anew each time. For the slots of a sale that took 0.6 ms, and running it 0.07. Whoever reads asks
for ranges too, and is not told this.

No table is gone through for that, either: with ten keys in a table that is empty yet, or was when it was last analyzed,
that promises to cost less than an index, and such a plan stays while the table fills. Of a shop's first thousand orders
each took a third longer for it.
"""

_REFUSED = (asyncpg.ProtocolViolationError, asyncpg.UndefinedObjectError, asyncpg.InvalidParameterValueError)
_OF_SQLALCHEMY = {"async_fallback", "async_creator_fn", "prepared_statement_cache_size", "prepared_statement_name_func"}


def options(url: URL) -> dict[str, Any]:
    """What asyncpg is told for an address; its query may say more (``statement_cache_size=0`` behind some poolers)."""
    _, found = postgresql.asyncpg.dialect().create_connect_args(url)  # type: ignore[no-untyped-call]
    told = {name: value for name, value in found.items() if name not in _OF_SQLALCHEMY}
    size = int(told.pop("statement_cache_size", STATEMENTS_KEPT))
    return {**told, "statement_cache_size": size}


async def connect(url: URL, *, write: bool = False) -> "Connection":
    """A new connection; one that is for writing plans its statements once, others remember moments."""
    told = options(url)
    wishes = WISHES | (WISHES_OF_WRITERS if write else {})
    try:
        driver = await asyncpg.connect(server_settings=SETTINGS | wishes, **told)
    except _REFUSED:
        driver = await asyncpg.connect(server_settings=SETTINGS, **told)
    connection = Connection(driver)
    with connection:
        for name, prefix in (("json", b""), ("jsonb", b"\x01")):
            await driver.set_type_codec(
                name,
                schema="pg_catalog",
                format="binary",
                encoder=lambda text, prefix=prefix: prefix + text.encode(),
                decoder=lambda data, prefix=prefix: orjson.loads(data[len(prefix) :]),
            )
        if not write:
            await driver.set_type_codec(
                "timestamptz",
                schema="pg_catalog",
                format="binary",
                encoder=moments.encode,
                decoder=_moments.__getitem__,
            )
    return connection


_moments = moments.Moments()


class Connection:
    """See the port.

    asyncpg asks the server to stop a statement whose task was canceled, once: a server that has not begun with it does
    not hear that. Such a connection is closed, and the server looks every second whether its client is there.

    asyncpg raises InternalClientError for what it did not foresee, and closes the connection where that is in the
    protocol. One such thing is a server that says why it ends an idle connection (a restart, an operator, the end of
    its main process): who asks before the end has come, too, is told "cannot switch to state". That is a connection
    lost, which passes. Others (of a value that it cannot read, say) are our fault, and leave the connection open.
    """

    __slots__ = ("driver", "is_stopping")

    def __init__(self, driver: "asyncpg.Connection[Any]") -> None:
        self.driver = driver
        self.is_stopping = False

    def __enter__(self) -> None:
        """Around everything that the driver is asked."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if kind is asyncio.CancelledError:
            self.is_stopping = True
        elif kind is asyncpg.InternalClientError and self.is_closed:
            raise asyncpg.ConnectionDoesNotExistError("the connection was ended by the server") from error

    @property
    def is_closed(self) -> bool:
        return bool(self.driver.is_closed())

    async def fetch(self, text: str, values: Sequence[Any]) -> Sequence[Row]:
        with self:
            rows: Sequence[Row] = await self.driver.fetch(text, *values)
        return rows

    async def fetch_abreast(self, asked: Sequence[Asked]) -> Sequence[Sequence[Row]]:
        union = union_of(tuple((form.text, form.types, len(values)) for form, values in asked))
        if union is None:
            return [await self.fetch(form.text, values) for form, values in asked]
        rows = await self.fetch(union.text, [value for _, values in asked for value in values])
        return union.parted(rows)

    async def run(self, text: str, values: Sequence[Any]) -> int:
        with self:
            status = await self.driver.execute(text, *values)
        count = status.rpartition(" ")[2]  # "UPDATE 3", "INSERT 0 1", "CREATE TABLE"
        return int(count) if count.isdecimal() else -1

    async def fetch_each(self, text: str, values: Sequence[Sequence[Any]]) -> Sequence[Row]:
        with self:
            rows: Sequence[Row] = await self.driver.fetchmany(text, values)
        return rows

    async def run_each(self, text: str, values: Sequence[Sequence[Any]]) -> None:
        with self:
            await self.driver.executemany(text, values)

    async def begin(self, lock_seconds: float | None = None) -> None:
        limit = "" if lock_seconds is None else f"; SET LOCAL lock_timeout = {max(round(lock_seconds * 1000), 1)}"
        await self.run(f"BEGIN ISOLATION LEVEL READ COMMITTED{limit}", ())

    async def commit(self) -> None:
        await self.run("COMMIT", ())

    async def rollback(self) -> None:
        await self.run("ROLLBACK", ())

    async def close(self) -> None:
        with suppress(*FAILURES, TimeoutError):
            await self.driver.close(timeout=CLOSING_SECONDS)

    def drop(self) -> None:
        self.driver.terminate()
