"""How a gate fares among a million tickets: scans at a steady rate, as many as there can be, and beside the office.

    make bench                                       the figures that stand in bench/README.md
    python -m bench.gates --tickets 100000           fewer tickets

One server process on one core; PostgreSQL, the gates and everything else have the rest of the machine.
"""

import argparse
import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.engine import URL

from db.client import Role
from db.engine import Database
from resolvers.actor import create_key

from . import postgresql
from .places import FOLDER, README, machine, measured, open_park, serving

BEGIN, END = "<!-- gates: begin -->", "<!-- gates: end -->"
AIM_MS = 20
RATE = 200
GATES = 10
WARM_UP = 200
FIRST = 1_000_000
"""The id of the first copy."""

COPIES = {
    "ticket_request": "'id', i, 'token', 'B-' || i, 'token_key', 'b-' || i",
    "request_line": "'id', i, 'request_id', i",
    "request_entry": "'id', i, 'request_id', i, 'line_id', i",
    "issued_ticket": "'id', i, 'request_id', i, 'line_id', i, 'ticket_no', 'B' || i, "
    "'external_ticket_no', 'B-' || i, 'number_key', 'b-' || i",
    "access_entry": "'id', i, 'ticket_id', i, 'entry_id', i",
}
"""What differs in the copies of the one sale's rows, by table; written in SQL, because they are only scenery."""


def main() -> None:
    """Measure, print, and write down if asked to."""
    parser = argparse.ArgumentParser(prog="python -m bench.gates", description="A gate among a million tickets.")
    parser.add_argument("--tickets", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=20, help="of each of the three measurements")
    parser.add_argument("--write", action="store_true", help="into bench/README.md as well")
    asked = parser.parse_args()
    with postgresql.durable() as (server, url):
        version = server.psql("SHOW server_version").split()[2]
        with serving(url, workers=1, core=0) as address:
            plan = asyncio.run(fill(url, address, asked.tickets))
            numbers = iter(range(FIRST, FIRST + asked.tickets))

            def scans(name: str, most: int, **how: Any) -> dict[str, Any]:
                print(f"measuring {name} ...", file=sys.stderr)
                taken = [f"B-{next(numbers)}" for _ in range(most + WARM_UP)]
                return scan(address, asked.seconds, plan | {"numbers": taken} | how)

            steady = scans("a steady rate", RATE * asked.seconds + 1, rate=RATE, connections=64)
            most = 2000 * asked.seconds
            alone = scans("gates alone", most, gates=GATES, connections=GATES)
            beside = scans("gates beside readers", most, gates=GATES, connections=GATES, is_read=True)
    text = report(steady, alone, beside, version, asked)
    print(text)
    if asked.write:
        before, _, rest = README.read_text().partition(BEGIN)
        README.write_text(f"{before}{BEGIN}\n{text}{END}{rest.partition(END)[2]}")


async def fill(url: URL, address: str, tickets: int) -> dict[str, Any]:
    """A tour that is under way all day, and so many tickets for today."""
    park = await open_park(url, address, 1, spread=False)
    database = Database(url)
    async with database.writing() as write:
        now = await write.clock()
        keys = {role: await create_key(write, f"Bench {role}", role, now) for role in (Role.GATE, Role.SUPPORT)}
    print(f"making {tickets:,} tickets ...", file=sys.stderr)
    await asyncio.to_thread(_buy_one, address, park)
    async with database.writing() as write:
        run = write.run_text
        # The one sale, and its tour, happen today: whoever has a ticket may come in now.
        day = "interval '1 day'"
        await run(f"UPDATE time_slot SET arrival_from = now() - {day}, arrival_until = now() + {day}")
        await run(f"UPDATE issued_ticket SET valid_from = now() - {day}, valid_until = now() + {day}")
        for table, differing in COPIES.items():
            await run(
                f"INSERT INTO {table} SELECT r.* FROM generate_series({FIRST}, {FIRST - 1 + tickets}) i,"
                f" (SELECT to_jsonb(t) AS row FROM {table} t ORDER BY id LIMIT 1) one,"
                f" LATERAL jsonb_populate_record(NULL::{table}, row || jsonb_build_object({differing})) r"
            )
    async with database.reading() as read:
        await read.fetch("VACUUM ANALYZE")
        await read.fetch("CHECKPOINT")  # else what was just loaded goes to the disk while scans are committed to it
    await database.dispose()
    return {
        "gate_key": keys[Role.GATE],
        "support_key": keys[Role.SUPPORT],
        "warm_up": WARM_UP,
        "rate": 0,
        "gates": 0,
        "is_read": False,
    }


def _buy_one(address: str, plan: dict[str, Any]) -> None:
    """One sale through the API, which the others are copies of."""
    _told("bench.load", address, "0.001", given=plan, seconds=60)


def scan(address: str, seconds: int, plan: dict[str, Any]) -> dict[str, Any]:
    """What the gates found, in a process of their own on another core."""
    found: dict[str, Any] = _told("bench.scans", address, given=plan | {"seconds": seconds}, seconds=seconds + 60)
    if found["refused"]:
        raise SystemExit(f"Guests were refused: {found['refused'][:3]}")
    return found


def _told(module: str, *arguments: str, given: dict[str, Any], seconds: float) -> Any:
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(
        command,
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=seconds,
        cwd=FOLDER.parent,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{module} gave up:\n{done.stderr}")
    return json.loads(done.stdout)


def report(
    steady: dict[str, Any], alone: dict[str, Any], beside: dict[str, Any], version: str, asked: argparse.Namespace
) -> str:
    """The figures, and where they were measured, as Markdown."""
    rows = [
        (f"{RATE} scans a second", steady),
        (f"{GATES} gates, back to back", alone),
        (f"{GATES} gates, while the office reads", beside),
    ]
    table = []
    for name, found in rows:
        figures = measured(name, found["scan"], found["seconds"])
        pages = f"{found['pages'] / found['seconds']:.0f}" if found["pages"] else ""
        table.append(f"| {name} | {figures.per_minute / 60:,.0f} | {figures.p50:.1f} | {figures.p99:.1f} | {pages} |")
    p99 = measured("", steady["scan"], steady["seconds"]).p99
    kept = len(beside["scan"]) / beside["seconds"] / (len(alone["scan"]) / alone["seconds"])
    command = "python -m bench.gates " + " ".join(sys.argv[1:])
    lines = "\n".join(table)
    return f"""
**p99 {p99:.1f} ms at {RATE} scans a second** (aim: below {AIM_MS}) among {asked.tickets:,} tickets, from when a scan \
is due to its answer; {kept:.0%} of the scans are left while the office reads (aim: more than 50%)

| | scans a second | p50 ms | p99 ms | pages read a second |
|---|---|---|---|---|
{lines}

Every scan lets another guest in, with a nonce. One server process on one core; PostgreSQL {version}, fsync and
synchronous_commit on. The office reads the role center and the newest 50 tickets in turn, one page after the other.

{machine()}, {datetime.now(UTC):%Y-%m-%d}: `{command.strip()}`

"""


if __name__ == "__main__":
    main()
