"""How many orders a minute one contended slot takes: create and confirm, over real processes, synced to disk.

    make bench                                   the figures that stand in bench/README.md
    python -m bench.places --seconds 5 --spread  another question: every buyer at a slot of their own

Everything is measured in one run on one machine, the ceiling too: what PostgreSQL alone commits there on one hot row.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL

from db.client import Role
from db.engine import Database
from resolvers.actor import create_key

from . import postgresql, servers

FOLDER = Path(__file__).parent
README = FOLDER / "README.md"
BEGIN, END = "<!-- places: begin -->", "<!-- places: end -->"
AIM_PER_MINUTE = 30_000
PEER_PER_MINUTE = 500
WORKERS = 2
TOURS = range(10, 14)
"""The hours at which one begins, every day: there are more slots than a crowd has buyers."""

SET_UP = """mutation SetUp($input: TicketSetUpInput!) {
  ticketSetUp(input: $input) {
    admission { slots(first: 100) { nodes { id date } } }
    refusals { code message }
  }
}"""


@dataclass(frozen=True)
class Measured:
    """One kind of question: how often a minute it was answered, and how many milliseconds it took."""

    name: str
    per_minute: float
    p50: float
    p99: float


def main() -> None:
    """Measure, print, and write down if asked to."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.places", description="Orders a minute on one contended slot."
    )
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--buyers", type=int, default=32, help="connections, each of which waits for its answer")
    parser.add_argument("--spread", action="store_true", help="every buyer at a slot of their own")
    parser.add_argument("--write", action="store_true", help="into bench/README.md as well")
    asked = parser.parse_args()
    with postgresql.durable() as (server, url):
        print("measuring the ceiling ...", file=sys.stderr)
        ceiling = postgresql.ceiling(server, url, 5, clients=16)
        version = server.psql("SHOW server_version").split()[2]
        with serving(url) as address:
            plan = asyncio.run(open_park(url, address, asked.buyers, asked.spread))
            print("measuring orders ...", file=sys.stderr)
            found = buy(address, asked.seconds, plan)
        asyncio.run(check(url))
    text = report(found, ceiling, version, asked)
    print(text)
    if asked.write:
        before, _, rest = README.read_text().partition(BEGIN)
        README.write_text(f"{before}{BEGIN}\n{text}{END}{rest.partition(END)[2]}")


@contextmanager
def serving(url: URL, *, workers: int = WORKERS, core: int | None = None) -> Iterator[str]:
    """The address of Gatehouse on a database that is migrated first; on one core, if one is named."""
    environment = servers.environment_of(url)
    servers.migrate(environment)
    with servers.gatehouse(environment, servers.is_ready, workers=workers, core=core) as server:
        yield server.address


async def open_park(url: URL, address: str, buyers: int, spread: bool) -> dict[str, Any]:
    """One tour with room for everybody, and what each buyer asks for: one ticket in the one slot, or in many."""
    database = Database(url)
    async with database.writing() as write:
        now = await write.clock()
        admin = await create_key(write, "Bench admin", Role.ADMIN, now)
        key = await create_key(write, "Bench shop", Role.WEB_STORE, now)
    await database.dispose()
    room = {"capacity": 1_000_000, "capacityControl": "SALES"}
    tour = {
        "ticketTypeCode": "TOUR",
        "description": "Tour",
        "itemNo": "TOUR",
        "unitPrice": "12.50",
        "admissionCode": "TOUR",
        "startDate": (datetime.now(UTC) - timedelta(days=1)).date().isoformat(),
        "schedules": [{"startTime": f"{hour}:00", "stopTime": f"{hour + 1}:00", **room} for hour in TOURS],
    }
    payload = await asyncio.to_thread(set_up, address, admin, tour)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    slots = [slot["id"] for slot in payload["admission"]["slots"]["nodes"] if slot["date"] >= tomorrow]
    chosen = slots if spread else slots[:1]
    sales = [
        [{"itemNo": "TOUR", "quantity": 1, "admissions": [{"admissionCode": "TOUR", "slotId": slot}]}]
        for slot in chosen
    ]
    return {"key": key, "buyers": buyers, "sales": sales, "run": "BENCH"}


def set_up(address: str, key: str, content: dict[str, Any]) -> Any:
    """What there is after a ticket was set up."""
    payload = servers.ask(address, SET_UP, {"input": content}, key)["ticketSetUp"]
    assert payload["refusals"] == [], payload["refusals"]
    return payload


def buy(address: str, seconds: int, plan: dict[str, Any]) -> dict[str, Any]:
    """What the buyers found, in a process of their own."""
    command = [sys.executable, "-m", "bench.load", address, str(seconds)]
    done = subprocess.run(
        command,
        input=json.dumps(plan),
        capture_output=True,
        text=True,
        timeout=seconds + 60,
        cwd=FOLDER.parent,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"The buyers gave up:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def check(url: URL) -> None:
    """A fast sale that is wrong is worth nothing: places, reservations and tickets must agree."""
    database = Database(url)
    async with database.reading() as read:
        (numbers,) = await read.fetch(
            "SELECT (SELECT sum(sold_places) FROM time_slot),"
            " (SELECT sum(places) FROM reservation WHERE kind = 'SOLD'), (SELECT count(*) FROM issued_ticket),"
            " (SELECT count(*) FROM ticket_request WHERE status = 'CONFIRMED')"
        )
    await database.dispose()
    if len(set(numbers)) != 1:
        raise SystemExit(f"The books do not agree: {numbers}.")


def report(found: dict[str, Any], ceiling: float, version: str, asked: argparse.Namespace) -> str:
    """The figures, and where they were measured, as Markdown."""
    rows = [measured(name, found[name], found["seconds"]) for name in ("create", "confirm", "order")]
    orders = rows[-1].per_minute
    table = "\n".join(f"| {r.name} | {r.per_minute:,.0f} | {r.p50:.1f} | {r.p99:.1f} |" for r in rows)
    command = "python -m bench.places " + " ".join(sys.argv[1:])
    return f"""
**{orders:,.0f} orders a minute** ({"many slots" if asked.spread else "one contended slot"}; aim {AIM_PER_MINUTE:,}, \
{orders / AIM_PER_MINUTE:.0%}; best published figure of a peer {PEER_PER_MINUTE}, x {orders / PEER_PER_MINUTE:.0f})

| | a minute | p50 ms | p99 ms |
|---|---|---|---|
{table}

{len(found["order"]):,} orders in {found["seconds"]:.0f} s, {len(found["refused"])} refused; {asked.buyers} buyers
who wait for each answer; {WORKERS} server processes; PostgreSQL {version}, fsync and synchronous_commit on. PostgreSQL
alone, in the same run, commits {ceiling:,.0f} transactions a second on one hot row (lock, insert, update); an order
needs two of ours, which it shares with others that are made at once (`resolvers/group_commit.py`).

{machine()}, {datetime.now(UTC):%Y-%m-%d}: `{command.strip()}`

"""


def measured(name: str, seconds: Sequence[float], over: float) -> Measured:
    """The figures of one kind of question, of those that were asked over so many seconds."""
    if len(seconds) < 2:
        raise SystemExit("Too few orders to measure anything.")
    cuts = statistics.quantiles(seconds, n=100)
    return Measured(name, len(seconds) / over * 60, cuts[49] * 1000, cuts[98] * 1000)


def machine() -> str:
    """Processor, cores and Python."""
    model = platform.processor()
    with Path("/proc/cpuinfo").open() as info:
        model = next((line.split(":")[1].strip() for line in info if line.startswith("model name")), model)
    return f"{os.cpu_count()} cores of {model}, {platform.system()}, Python {platform.python_version()} {_build()}"


def _build() -> str:
    """How this Python was built. One that was not optimised takes an eighth more time for the same.

    Distributions optimise theirs, and need not say so in what Python tells of its configuration.
    """
    if sys.base_prefix == "/usr":
        return "of the distribution"
    is_optimised = "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or "")
    return "built with --enable-optimizations" if is_optimised else "built without --enable-optimizations"


if __name__ == "__main__":
    main()
