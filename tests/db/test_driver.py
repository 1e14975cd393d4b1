"""Connections and statements below SQLAlchemy: what the pool promises, and that values come back as they went."""

import asyncio
import gc
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import Column, Date, Integer, MetaData, Table, Text, Time, bindparam, insert, select, text, update
from sqlalchemy.engine import URL

import db.driver.moments
import db.driver.pool
import db.driver.postgresql
import db.driver.sqlite
from db.base import FOREVER, Endless, Instant
from db.driver import BROKEN_RULES, FAILURES, Connection, NoConnection, is_out_of_reach
from db.driver.pool import Pool
from db.engine import Database, Write
from db.rendering import DIALECTS, Renderings


class Plug:
    """A connection that is connected to nothing."""

    is_stopping = False

    def __init__(self) -> None:
        self.is_closed = False

    async def close(self) -> None:
        self.is_closed = True


class Plugs:
    """Makes them, as often as it is asked or until it fails."""

    def __init__(self) -> None:
        self.made: list[Plug] = []
        self.is_broken = False

    async def connect(self) -> Any:
        await asyncio.sleep(0)
        if self.is_broken:
            raise ConnectionRefusedError
        self.made.append(Plug())
        return self.made[-1]


@asynccontextmanager
async def taken(pool: Pool) -> AsyncIterator[Connection]:
    connection = await pool.take()
    try:
        yield connection
    finally:
        pool.give_back(connection)


async def test_the_connection_used_last_is_used_next() -> None:
    plugs = Plugs()
    pool = Pool(plugs.connect, 2)
    async with taken(pool) as first, taken(pool) as second:
        assert (pool.in_use, first is second) == (2, False)
    assert pool.in_use == 0
    async with taken(pool) as again:
        assert again is first
    await pool.close()
    assert all(plug.is_closed for plug in plugs.made)


async def test_who_comes_first_is_served_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db.driver.pool, "SECONDS", 0.05)
    pool = Pool(Plugs().connect, 1)
    served: list[int] = []

    async def ask(number: int) -> None:
        async with taken(pool):
            served.append(number)

    async with taken(pool):
        waiting = [asyncio.create_task(ask(number)) for number in range(5)]
        await asyncio.sleep(0)
        waiting[2].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert served == [0, 1, 3, 4]
    async with taken(pool):
        with pytest.raises(NoConnection):
            await ask(5)
    await ask(6)
    assert served[-1] == 6


async def test_a_place_is_handed_over_whenever_who_waits_for_it_is_canceled() -> None:
    """Before it is free, in the moment when it is handed over, or later; none is lost, and none is there twice."""
    for turns in range(6):
        pool = Pool(Plugs().connect, 2)
        async with taken(pool), taken(pool):
            waiting = [asyncio.create_task(_held(pool)) for _ in range(3)]
            await asyncio.sleep(0)
        for _ in range(turns):
            await asyncio.sleep(0)
        waiting[0].cancel()
        waiting[1].cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert waiting[2].exception() is None
        assert pool.in_use == 0
        async with asyncio.timeout(5), taken(pool), taken(pool):
            assert pool.in_use == 2
            assert pool.take_now() is None


async def _held(pool: Pool) -> None:
    async with taken(pool):
        await asyncio.sleep(0)


async def test_what_is_there_is_taken_without_waiting() -> None:
    plugs = Plugs()
    pool = Pool(plugs.connect, 1)
    assert pool.take_now() is None  # none is open yet
    async with taken(pool) as first:
        assert pool.take_now() is None
    assert pool.take_now() is first
    assert pool.in_use == 1
    pool.give_back(first)
    plugs.made[0].is_closed = True
    assert pool.take_now() is None
    assert pool.in_use == 0


async def test_a_closed_connection_is_forgotten_and_a_failed_one_takes_no_place() -> None:
    plugs = Plugs()
    pool = Pool(plugs.connect, 1)
    async with taken(pool) as first:
        pass
    plugs.made[0].is_closed = True
    plugs.is_broken = True
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError):
            async with taken(pool):
                pass
    plugs.is_broken = False
    async with taken(pool) as second:
        assert second is not first


async def test_a_statement_whose_task_is_canceled_stops_before_the_next_begins(database: Database) -> None:
    """Canceled at every moment of its life, also before it has begun; the connection goes on."""
    one = Database(database.url, pool_size=1)
    forever = text(
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000000000) SELECT count(*) FROM c"
    )

    async def ask() -> None:
        async with one.reading() as read:
            await read.value(forever)

    try:
        for pause in (0, 0, 0.0001, 0.001, 0.05):
            asking = asyncio.create_task(ask())
            await asyncio.sleep(0)
            await asyncio.sleep(pause)
            asking.cancel()
            async with asyncio.timeout(5):
                with pytest.raises(asyncio.CancelledError):
                    await asking
                async with one.reading() as read:
                    assert await read.value(text("SELECT 1")) == 1
    finally:
        await one.dispose()


async def test_a_transaction_that_fails_in_any_way_leaves_nothing(database: Database) -> None:
    made = text("INSERT INTO calendar (code, code_key, description) VALUES (:code, :code, '')")

    async def attempt(code: str, then: BaseException | None = None) -> None:
        async with database.writing() as write:
            await write.run(made, {"code": code})
            if then is not None:
                raise then

    async def canceled() -> None:
        async with database.writing() as write:
            await write.run(made, {"code": "canceled"})
            await asyncio.sleep(60)

    with pytest.raises(ZeroDivisionError):
        await attempt("raised", ZeroDivisionError())
    task = asyncio.create_task(canceled())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await attempt("kept")
    with pytest.raises(BROKEN_RULES):
        await attempt("kept")
    async with database.reading() as read:
        assert [row[0] for row in await read.all(text("SELECT code FROM calendar"))] == ["kept"]


async def test_a_savepoint_undoes_its_block_alone(database: Database) -> None:
    made = text("INSERT INTO calendar (code, code_key, description) VALUES (:code, :code, '')")

    async def attempt(write: Write, *codes: str) -> None:
        async with write.savepoint():
            for code in codes:
                await write.run(made, {"code": code})

    async with database.writing() as write:
        await attempt(write, "a")
        with pytest.raises(BROKEN_RULES):
            await attempt(write, "b", "a")
        await attempt(write, "c")
    async with database.reading() as read:
        assert [row[0] for row in await read.all(text("SELECT code FROM calendar ORDER BY code"))] == ["a", "c"]


async def test_who_does_not_know_a_setting_is_asked_without(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.dialect == "sqlite":
        pytest.skip("of PostgreSQL and what passes for it")
    monkeypatch.setattr(db.driver.postgresql, "WISHES", {"no_such_setting": "1s"})
    another = Database(database.url)
    async with another.reading() as read:
        assert await read.value(text("SHOW application_name")) == "gatehouse"
    await another.dispose()


async def test_writers_plan_a_statement_once_and_readers_as_it_is_best(database: Database) -> None:
    if database.dialect == "sqlite":
        pytest.skip("SQLite always does")
    shown = text("SHOW plan_cache_mode")
    async with database.writing() as write:
        assert await write.value(shown) == "force_generic_plan"
    async with database.reading() as read:
        assert await read.value(shown) == "auto"


class Relay:
    """What a server behind it says comes through, and that it has hung up does not, while ``hides_the_end``.

    So a client is held in the moment in which it was told that its connection ends, and has not seen it end.
    """

    hides_the_end = False

    def __init__(self, url: URL, folder: Path) -> None:
        self._of_server = f"{url.query['host']}/.s.PGSQL.5432"
        self._own = folder / ".s.PGSQL.5432"
        self.url = url.update_query_dict({"host": str(folder)})
        self.has_hung_up = asyncio.Event()

    @asynccontextmanager
    async def standing(self) -> AsyncIterator[None]:
        server = await asyncio.start_unix_server(self._carry, self._own)
        yield
        server.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        of_server, to_server = await asyncio.open_unix_connection(self._of_server)
        asking = asyncio.create_task(_poured(reader, to_server))
        await _poured(of_server, writer)
        self.has_hung_up.set()
        if self.hides_the_end:
            await asking
        writer.close()
        await asking


async def _poured(source: asyncio.StreamReader, into: asyncio.StreamWriter) -> None:
    """Until the source ends, or nobody takes what comes from it."""
    with suppress(ConnectionError):
        while data := await source.read(65536):
            into.write(data)
            await into.drain()


@pytest.mark.parametrize("how", ["reading", "writing"])
async def test_a_connection_that_was_just_ended_is_out_of_reach_and_not_used_again(
    postgresql_server: URL, tmp_path: Path, how: str
) -> None:
    """asyncpg calls it a failure of its own to be asked between the server's last word and the connection's end."""
    relay = Relay(postgresql_server, tmp_path)
    behind, beside = Database(relay.url, pool_size=1), Database(postgresql_server)

    async def asked(*, then_ended: bool) -> int:
        async with getattr(behind, how)() as connection:
            ((pid,),) = await connection.fetch("SELECT pg_backend_pid()")
            relay.hides_the_end = then_ended
            if then_ended:
                async with beside.reading() as read:
                    await read.fetch("SELECT pg_terminate_backend($1)", [pid])
                await relay.has_hung_up.wait()
                await asyncio.sleep(0.01)
                await connection.fetch("SELECT 1")
        return int(pid)

    async with relay.standing():
        try:
            before = await asked(then_ended=False)
            with pytest.raises(FAILURES) as found:
                await asked(then_ended=True)
            assert isinstance(found.value.__cause__, asyncpg.InternalClientError)  # else it was not that moment
            assert is_out_of_reach(found.value)
            assert await asked(then_ended=False) != before
        finally:
            await behind.dispose()
            await beside.dispose()


MOMENTS = (
    datetime(2000, 1, 1, tzinfo=UTC),
    datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
    FOREVER - timedelta(microseconds=1),
    datetime(2026, 3, 29, 2, 30, 0, 1, tzinfo=timezone(timedelta(hours=5, minutes=45))),
    FOREVER,
)


async def test_a_reader_knows_moments_as_asyncpg_does(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when it knows them already, and when it has forgotten them again."""
    if database.dialect == "sqlite":
        pytest.skip("SQLite keeps them as text")
    monkeypatch.setattr(db.driver.moments, "KEPT", 3)
    told = db.driver.postgresql.options(database.url)
    plain = await asyncpg.connect(server_settings=db.driver.postgresql.SETTINGS, **told)
    question = "SELECT $1::timestamptz::text, $1::timestamptz"
    for moment in MOMENTS * 2:
        expected = await plain.fetchrow(question, moment)
        async with database.reading() as read:
            (found,) = await read.fetch(question, [moment])
        assert (found[0], found[1]) == (expected[0], moment.astimezone(UTC))
        assert expected[1] in (found[1], found[1].replace(tzinfo=None))  # asyncpg's infinities are in no zone
    assert len(db.driver.postgresql._moments) <= 3
    await plain.close()


async def test_a_connection_that_is_dropped_keeps_nobody_waiting(database: Database) -> None:
    """Though a cursor of it is still about, which on SQLite would keep its transaction open, and the lock with it."""
    if database.dialect != "sqlite":
        pytest.skip("a server sees its client go")
    dropped, other = [await db.driver.sqlite.connect(database.url, write=True) for _ in range(2)]
    await dropped.begin()
    kept = await dropped.driver.errand(lambda raw: raw.executemany("DELETE FROM client WHERE id = ?", [(1,)]))
    dropped.drop()
    async with asyncio.timeout(5):
        await other.begin()
    assert kept is not None
    await other.rollback()
    await other.close()


async def test_a_reader_cannot_write_on_sqlite(database: Database) -> None:
    if database.dialect == "postgresql":
        pytest.skip("PostgreSQL has nothing like it for a connection in autocommit")
    async with database.reading() as read:
        with pytest.raises(FAILURES):
            await read.all(text("DELETE FROM calendar"))


def of_sqlite(name: str) -> sqlite3.Error:
    failure = sqlite3.OperationalError("said something")
    failure.sqlite_errorname = name
    return failure


@pytest.mark.parametrize(
    ("cause", "passes"),
    [
        (ConnectionRefusedError(), True),
        (FileNotFoundError("the socket"), True),
        (TimeoutError(), True),
        (NoConnection(), True),
        (asyncpg.ConnectionDoesNotExistError(), True),
        (asyncpg.CannotConnectNowError(), True),
        (asyncpg.AdminShutdownError(), True),
        (asyncpg.TooManyConnectionsError(), True),
        (asyncpg.DiskFullError(), True),
        (asyncpg.InterfaceError("connection is closed"), True),
        (asyncpg.InternalClientError("no decoder"), False),
        (asyncpg.DataError("an int is required"), False),
        (asyncpg.UndefinedColumnError(), False),
        (asyncpg.UniqueViolationError(), False),
        (asyncpg.DeadlockDetectedError(), False),
        (of_sqlite("SQLITE_BUSY"), True),
        (of_sqlite("SQLITE_BUSY_SNAPSHOT"), True),
        (of_sqlite("SQLITE_IOERR_WRITE"), True),
        (of_sqlite("SQLITE_FULL"), True),
        (of_sqlite("SQLITE_ERROR"), False),
        (of_sqlite("SQLITE_CONSTRAINT_UNIQUE"), False),
        (sqlite3.ProgrammingError("no such thing"), False),
        (KeyError(), False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_what_passes_is_told_from_what_is_our_fault(cause: Exception, passes: bool) -> None:
    assert is_out_of_reach(cause) is passes


# ------------------------------------------------------------------------------------------- statements

thing = Table(
    "thing",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", Text),
    Column("at", Endless),
    Column("on", Date),
    Column("time", Time),
)
VALUES: Sequence[dict[str, Any]] = (
    {"id": 1, "name": "Ærø \u2028 %s :x $1 ?", "at": datetime(2026, 3, 29, 1, 59, 59, 999999, UTC)},
    {"id": 2, "name": "", "at": FOREVER, "on": date(9999, 12, 31), "time": time(23, 59)},
    {"id": 3, "name": None, "at": datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), "on": None},
)


async def test_values_come_back_as_they_went(database: Database) -> None:
    """Texts that look like places, moments of any zone and without end, dates and times; nothing stays nothing."""
    rows = [dict.fromkeys(thing.c.keys()) | values for values in VALUES]
    async with database.maintaining() as alone, alone.begin():
        await alone.run_sync(lambda connection: thing.create(connection))
    try:
        async with database.writing() as write:
            await write.run_each(insert(thing), rows[:2])
            await write.run(insert(thing).values(rows[2]))
        async with database.reading() as read:
            found = [tuple(row) for row in await read.all(select(thing).order_by(thing.c.id))]
            assert found == [tuple(row.values()) for row in rows]
            assert all(row[2].tzinfo is not None for row in found)
            later = select(thing.c.id).where(thing.c.at > bindparam("since", type_=Instant())).order_by(thing.c.id)
            for since, ids in ((rows[2]["at"], [1, 2]), (rows[0]["at"], [2]), (FOREVER, [])):
                assert [row[0] for row in await read.all(later, {"since": since})] == ids
            for some in ([1, 3], [2], []):  # a list after IN makes a text for each length
                among = select(thing.c.id).where(thing.c.id.in_(some)).order_by(thing.c.id)
                assert [row[0] for row in await read.all(among)] == some
                beside = among.where(thing.c.at <= rows[0]["at"], thing.c.at >= rows[0]["at"])
                assert [row[0] for row in await read.all(beside)] == [id_ for id_ in some if id_ == 1]
        with pytest.raises(ValueError, match="time zone"):
            async with database.writing() as write:
                await write.run(update(thing).values(at=datetime(2026, 1, 1)))
    finally:
        async with database.maintaining() as alone, alone.begin():
            await alone.run_sync(lambda connection: thing.drop(connection))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_statement_is_rendered_once_and_keeps_its_own_values(dialect: str) -> None:
    """Two that differ in their values share a text; each has its own; and a parameter comes before either."""
    renderings = Renderings(dialect)

    def named(name: str) -> Any:
        return select(thing.c.id).where(thing.c.name == name, thing.c.id > bindparam("above", type_=Integer()))

    one, other = named("one"), named("other")
    first, second = renderings.of(one, {"above": 1}), renderings.of(other, {"above": 2})
    assert first.form is second.form
    assert renderings.of(one, {"above": 5}) is first
    assert (first.values({"above": 1}), second.values({"above": 2})) == (["one", 1], ["other", 2])


def test_a_statement_that_nobody_keeps_is_forgotten() -> None:
    renderings = Renderings("sqlite")
    for number in range(100):
        renderings.of(select(thing.c.id).where(thing.c.id == number), {})
    gc.collect()
    assert len(renderings._known) <= 1
    assert len(renderings._compiled) == 1
