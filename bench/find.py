"""How long ``find`` takes for each kind of scrap, and what its indexes weigh: through HTTP, on demo data in PostgreSQL.

    make bench                                     1 000 000 requests: the figures that stand in bench/README.md
    python -m bench.find --requests 200000         a smaller park
    python -m bench.find --database URL            one that has demo data already

Scraps are drawn from what is in the database, each asked once, so that nothing is answered from a page just read.
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.engine import URL, make_url

import resolvers.demo
from db.client import Role
from db.engine import Database, Read
from resolvers.actor import create_key
from resolvers.context import Rules

from . import postgresql
from .places import README, machine, serving

BEGIN, END = "<!-- find: begin -->", "<!-- find: end -->"
AIM_MS = 50
WARM_UP = 30

FIND = """query Find($text: String!) { find(text: $text) {
  hits { matchedField matchedValue isExact node { __typename
    ... on TicketRequest { token status createdAt }
    ... on IssuedTicket { externalTicketNo isRevoked } ... on Customer { customerNo } } }
  hint
} }"""

SAMPLES = {
    "token": "SELECT token FROM ticket_request",
    "authorization code": "SELECT authorization_code FROM ticket_request",
    "order number": "SELECT external_order_no FROM ticket_request",
    "order number, its last part": r"SELECT right(external_order_no, 6) FROM ticket_request",
    "receipt number without zeros": r"SELECT regexp_replace(receipt_no, '-0*', '-') FROM ticket_request",
    "ticket number": "SELECT external_ticket_no FROM issued_ticket",
    "ticket number, 0 for O": "SELECT replace(external_ticket_no, '0', 'O') FROM issued_ticket",
    "internal ticket number": "SELECT ticket_no FROM issued_ticket",
    "payment reference": "SELECT payment_reference FROM ticket_request",
    "customer number": "SELECT customer_no FROM ticket_request",
    "e-mail": "SELECT email FROM ticket_request",
    "e-mail, a part": "SELECT substr(split_part(email, '.', 2), 1, 5) FROM ticket_request",
    "phone, four digits": "SELECT right(phone_key, 4) FROM ticket_request",
    "name": "SELECT ticket_holder_name FROM ticket_request",
    "name, three letters": "SELECT left(split_part(ticket_holder_name, ' ', 2), 3) FROM ticket_request",
    "first name": "SELECT split_part(ticket_holder_name, ' ', 1) FROM ticket_request",
    "e-mail with a slip": "SELECT overlay(email placing 'qx' from 2 for 1) FROM ticket_request",
    "ticket number with a slip": "SELECT overlay(external_ticket_no placing '?' from 8 for 1) FROM issued_ticket",
}
FIXED = {
    "three letters of a million": ["ann", "web", "exa", "and", "han", "mar", "202", "000"],
    "what everything has": ["example.com", "web-2", "WEB-2026", "example", "c-1", "45"],
    "nothing at all": [
        "zzz",
        "q9q",
        "nowhere@else.example",
        "+99 999 999 999",
        "Rumpelstilzchen",
        "%_\\",
        "\U0001f600",
    ],
}


def main() -> None:
    """Measure, print, and write down if asked to."""
    parser = argparse.ArgumentParser(prog="python -m bench.find", description="How long find takes.")
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--samples", type=int, default=200, help="scraps of each kind")
    parser.add_argument("--database", type=make_url, help="with demo data; else one is made and filled")
    parser.add_argument("--write", action="store_true", help="into bench/README.md as well")
    asked = parser.parse_args()
    with ExitStack() as stack:
        url = asked.database or stack.enter_context(postgresql.durable())[1]
        address = stack.enter_context(serving(url))
        facts = asyncio.run(prepare(url, asked))
        print("asking ...", file=sys.stderr)
        found = asyncio.run(measure(address, facts))
    text = report(found, facts, asked)
    print(text)
    if asked.write:
        before, _, rest = README.read_text().partition(BEGIN)
        README.write_text(f"{before}{BEGIN}\n{text}{END}{rest.partition(END)[2]}")


async def prepare(url: URL, asked: argparse.Namespace) -> dict[str, Any]:
    """Demo data if there is none, keys, the scraps to ask for, and the sizes of tables and indexes."""
    database = Database(url)
    try:
        if not asked.database:
            print(f"loading {asked.requests:,} requests ...", file=sys.stderr)
            await resolvers.demo.load(database, Rules(), requests=asked.requests, progress=lambda done, of: None)
        async with database.writing() as write:
            now = await write.clock()
            support = await create_key(write, f"Bench support {now}", Role.SUPPORT, now)
            shop = await create_key(write, f"Bench shop {now}", Role.WEB_STORE, now)
        async with database.reading() as read:
            await read.fetch("VACUUM ANALYZE search_key")
            scraps = {kind: await sample(read, query, asked.samples) for kind, query in SAMPLES.items()}
            counts = [
                (await read.fetch(f"SELECT count(*) FROM {table}"))[0][0]
                for table in ("ticket_request", "issued_ticket", "search_key")
            ]
            sizes = await read.fetch(SIZES)
            version = (await read.fetch("SHOW server_version"))[0][0]
    finally:
        await database.dispose()
    scraps |= {kind: texts * (asked.samples // len(texts)) for kind, texts in FIXED.items()}
    return {"keys": (support, shop), "scraps": scraps, "counts": counts, "sizes": sizes, "version": version}


SIZES = """
    SELECT 'table search_key' AS name, pg_relation_size('search_key') AS size
    UNION ALL SELECT 'index ' || indexrelid::regclass, pg_relation_size(indexrelid) FROM pg_index
        WHERE indrelid = 'search_key'::regclass
    UNION ALL SELECT 'whole database', pg_database_size(current_database())
"""


async def sample(read: Read, query: str, number: int) -> list[str]:
    """So many different values that the query answers, from all over its table."""
    table = query.rpartition(" ")[2]
    last = (await read.fetch(f"SELECT max(id) FROM {table}"))[0][0]
    picked = random.Random(7).sample(range(1, last + 1), min(last, number * 8))
    rows = await read.fetch(f"{query} WHERE id = ANY (ARRAY[{', '.join(map(str, picked))}])")
    return [value for value in dict.fromkeys(row[0] for row in rows) if value][:number]


async def measure(address: str, facts: Mapping[str, Any]) -> dict[str, tuple[list[float], list[float]]]:
    """Seconds per scrap of each kind: asked by support, and by a shop that has nothing."""
    url = urlsplit(address)
    found: dict[str, tuple[list[float], list[float]]] = {kind: ([], []) for kind in facts["scraps"]}
    for place, key in enumerate(facts["keys"]):
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        questions = [(kind, text) for kind, texts in facts["scraps"].items() for text in texts]
        random.Random(place).shuffle(questions)
        for number, (kind, text) in enumerate(questions):
            began = time.perf_counter()
            await ask(reader, writer, url.netloc, key, text)
            if number >= WARM_UP:
                found[kind][place].append(time.perf_counter() - began)
        writer.close()
    return found


async def ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, key: str, text: str
) -> dict[str, Any]:
    """One find, over a connection that stays open."""
    body = json.dumps({"query": FIND, "variables": {"text": text}}).encode()
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
    )
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    headers = await reader.readuntil(b"\r\n\r\n")
    length = int(headers.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    answer: dict[str, Any] = json.loads(await reader.readexactly(length))
    if "errors" in answer:
        raise SystemExit(f"find failed: {answer['errors']}")
    return answer


def percentiles(seconds: Sequence[float]) -> tuple[float, float]:
    """The median and the 95th percentile, in milliseconds."""
    cuts = statistics.quantiles(seconds, n=20)
    return statistics.median(seconds) * 1000, cuts[18] * 1000


def report(found: Mapping[str, tuple[list[float], list[float]]], facts: Mapping[str, Any], asked: Any) -> str:
    """The figures, and where they were measured, as Markdown."""
    lines = []
    for kind, both in found.items():
        (p50, p95), (own50, own95) = map(percentiles, both)
        lines.append(f"| {kind} | {p50:.1f} | {p95:.1f} | {own50:.1f} | {own95:.1f} |")
    everything = [second for support, _ in found.values() for second in support]
    _, worst = percentiles(everything)
    requests, tickets, keys = facts["counts"]
    sizes = "\n".join(f"| {name} | {size / 2**20:,.0f} |" for name, size in facts["sizes"])
    table = "\n".join(lines)
    return f"""
**p95 {worst:.1f} ms over all scraps** (aim {AIM_MS} ms), on {requests:,} requests, {tickets:,} tickets and {keys:,}
search keys.

| scrap | support p50 ms | p95 ms | a shop that has nothing, p50 ms | p95 ms |
|---|---|---|---|---|
{table}

| what is kept for it | MB |
|---|---|
{sizes}

PostgreSQL {facts["version"]}, one question at a time, server and database on one machine.

{machine()}, {datetime.now(UTC):%Y-%m-%d}: `python -m bench.find {" ".join(sys.argv[1:])}`

"""


if __name__ == "__main__":
    main()
