"""What the same answer costs where there is more data, and from SQLite.

    make bench                                   the figures in bench/README.md
    python -m bench.sizes --tickets 100000       a table that is not so large, and a glance

The questions of ``bench.reads``, asked of Gatehouse alone: of a database with few tickets and of one with many, in
turn; and of the demo data in PostgreSQL and in SQLite, in turn. One server process on one core; wrk asks from another.
"""

import argparse
import asyncio
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.engine import URL

import resolvers.demo
from db.client import Role
from db.engine import Database
from resolvers.actor import create_key
from resolvers.context import Rules

from . import orders, postgresql, servers
from .orders import Orders
from .places import README, machine, serving
from .reads import CONNECTIONS, CORE, NUMBERS, QUESTIONS, Bench, Figures

BEGIN, END = "<!-- sizes: begin -->", "<!-- sizes: end -->"
SMALL_TICKETS = 10_000
DEMO_REQUESTS = 20_000
POSTGRESQL, SQLITE = "PostgreSQL", "SQLite"
AIM = 1.1
"""The same cost in any table, and from SQLite: at most so many times as much, as we read "flat" and "as fast"."""

ORDER_NUMBERS = "SELECT DISTINCT external_order_no FROM ticket_request WHERE external_order_no IS NOT NULL"
TICKET_NUMBERS = "SELECT external_ticket_no FROM issued_ticket"

Found = Mapping[tuple[str, str], Sequence[Figures]]
"""By the question's letter, and the database: a figure for each round."""


def main() -> None:
    """Measure, print, and write down if asked to."""
    parser = argparse.ArgumentParser(prog="python -m bench.sizes", description="Reads from more data, and from SQLite.")
    parser.add_argument("--tickets", type=int, default=5_000_000, help="in the larger database")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each measurement")
    parser.add_argument("--write", action="store_true", help="into bench/README.md as well")
    asked = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is needed, to ask fast enough: apt-get install wrk")
    with ExitStack() as stack:
        server, url = stack.enter_context(postgresql.durable())
        version = server.psql("SHOW server_version").split()[2]
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if others := os.sched_getaffinity(0) - {CORE}:
            os.sched_setaffinity(0, others)  # of this process, and of wrk; PostgreSQL has been started
        benches: dict[str, Bench] = {}

        def open_bench(name: str, of: URL, stock: Orders) -> str:
            benches[name] = bench = Bench(stock, server.get_postmaster_info().pid, asked.seconds, folder)
            environment = servers.environment_of(of)
            bench.served[name] = stack.enter_context(servers.gatehouse(environment, servers.is_ready, core=CORE))
            return name

        def database(name: str) -> URL:
            server.psql(f"CREATE DATABASE {name}")
            return url.set(database=name)

        sizes, kinds = [], []
        for i, tickets in enumerate((SMALL_TICKETS, asked.tickets)):
            of = database(f"size_{i}")
            print(f"loading {tickets:,} tickets ...", file=sys.stderr)
            requests = tickets // orders.TICKETS
            with serving(of, workers=1) as address:
                stock = asyncio.run(orders.fill(of, address, requests, min(requests, NUMBERS)))
            sizes.append(open_bench(f"{tickets:,} tickets", of, stock))
        file = URL.create("sqlite+aiosqlite", database=str(folder / "demo.sqlite3"))
        for name, of in ((POSTGRESQL, database("demo")), (SQLITE, file)):
            print(f"loading demo data into {name} ...", file=sys.stderr)
            servers.migrate(servers.environment_of(of))
            kinds.append(open_bench(name, of, asyncio.run(demo(of))))
        found: dict[tuple[str, str], list[Figures]] = {(q.letter, name): [] for q in QUESTIONS for name in benches}
        for pair in (sizes, kinds):
            for number in range(asked.rounds):
                print(f"{' and '.join(pair)}, round {number + 1} of {asked.rounds} ...", file=sys.stderr)
                for name in pair if number % 2 else reversed(pair):
                    for question in QUESTIONS:
                        figures = benches[name].read(question, CONNECTIONS[0], name)
                        found[question.letter, name].append(figures)
    text = report(found, sizes, kinds, version, asked)
    print(text)
    if asked.write:
        before, _, rest = README.read_text().partition(BEGIN)
        README.write_text(f"{before}{BEGIN}\n{text}{END}{rest.partition(END)[2]}")


async def demo(url: URL) -> Orders:
    """Demo data in an empty database, the same in each, and what is asked of it."""
    database = Database(url)
    try:
        await resolvers.demo.load(database, Rules(), requests=DEMO_REQUESTS, progress=lambda done, of: None)
        async with database.writing() as write:
            key = await create_key(write, "Bench support", Role.SUPPORT, await write.clock())
        async with database.reading() as read:
            numbers = [
                sorted(row[0] for row in await read.fetch(text))[:: max(DEMO_REQUESTS // NUMBERS, 1)]
                for text in (ORDER_NUMBERS, TICKET_NUMBERS)
            ]
    finally:
        await database.dispose()
    return Orders({}, key, *numbers)


def report(found: Found, sizes: Sequence[str], kinds: Sequence[str], version: str, asked: argparse.Namespace) -> str:
    """The figures, and where they were measured, as Markdown."""
    larger = ", ".join(f"{q.letter} {ratio(found, q.letter, sizes, 'cpu_ms'):.2f}" for q in QUESTIONS)
    other = ", ".join(f"{q.letter} {ratio(found, q.letter, kinds, 'cpu_ms'):.2f}" for q in QUESTIONS)
    command = "python -m bench.sizes " + " ".join(sys.argv[1:])
    return f"""
**{larger} times the processor time among {sizes[1]}** that an answer takes among {sizes[0]}; **{other} times from \
SQLite** what it takes from PostgreSQL (aim: at most {AIM})

| | of | a second | p50 ms | p99 ms | CPU ms | of it PostgreSQL | statements |
|---|---|---|---|---|---|---|---|
{table(found, sizes)}
{table(found, kinds)}

CPU is the server's and PostgreSQL's for each request; SQLite is within the server. At {CONNECTIONS[0]} connections, one
server process on core {CORE}; the two of a pair answer in turn. Medians of {asked.rounds} rounds of {asked.seconds} s.
PostgreSQL {version}. The lower half is {DEMO_REQUESTS:,} requests of demo data, whose orders are others than
those of the upper half.

{machine()}, {datetime.now(UTC):%Y-%m-%d}: `{command.strip()}`

"""


def ratio(found: Found, letter: str, pair: Sequence[str], figure: str) -> float:
    """The second's figure to the first's in the same round; the median of them."""
    first, second = ([getattr(one, figure) for one in found[letter, name]] for name in pair)
    ratios: list[float] = [b / a for a, b in zip(first, second, strict=True)]
    return statistics.median(ratios)


def table(found: Found, pair: Sequence[str]) -> str:
    """A line for each question and database."""
    return "\n".join(
        f"| {q.letter} | {name} | {one.per_second:,.0f} | {one.p50:.2f} | {one.p99:.2f} | {one.cpu_ms:.2f} |"
        f" {one.database_ms:.2f} | {one.statements:.1f} |"
        for q in QUESTIONS
        for name in pair
        for one in (Figures.median(found[q.letter, name]),)
    )


if __name__ == "__main__":
    main()
