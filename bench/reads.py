"""Reads beside PostGraphile's: the same questions of the same tables, one server process on one core; and sales.

    make bench                                            the figures in bench/README.md, in a quarter of an hour
    python -m bench.reads --requests 2000 --rounds 1      a small park, and a glance

Three servers take turns: Gatehouse, PostGraphile, and Gatehouse without plans, which leaves it all to graphql-core. wrk
asks from another core, and looks at the answers while it warms up. Figures are medians of the rounds; ratios are
medians of each round's ratio.
"""

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from . import chart, orders, peers, postgresql, servers
from .load import CONFIRM, CREATE
from .orders import Orders
from .places import FOLDER, README, machine, serving

BEGIN, END = "<!-- reads: begin -->", "<!-- reads: end -->"
PICTURE = FOLDER / "reads.svg"
CORE = 0
POOL_SIZE = 10
CONNECTIONS = (16, 1)
CROWD = 64
BUYERS = (*CONNECTIONS, CROWD)
WARM_UP_SECONDS = 2
NUMBERS = 2_000
"""So many different orders and tickets are asked for, in turn."""

COMPARED = 20
"""So many answers of both are compared beforehand."""

GATEHOUSE, PEER, SLOW = "Gatehouse", "PostGraphile", "Gatehouse on graphql-core"
NAMED = ("token", "customerNo", "externalTicketNo", "code")
"""What tells objects of an answer apart."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and what is aimed at: so many times the peer's requests, so much of its processor time."""

    letter: str
    name: str
    title: str
    rate: float
    cpu: float

    def text(self, server: str) -> str:
        """As that server is asked it."""
        words = "postgraphile" if server == PEER else "gatehouse"
        return (peers.HERE / "questions" / f"{self.name}.{words}.graphql").read_text()


QUESTIONS = (
    Question("A", "order", "one request by its order number", rate=1.6, cpu=0.65),
    Question("B", "newest", "the newest 50 requests", rate=2.3, cpu=0.45),
    Question("C", "ticket", "one ticket by its number", rate=2.5, cpu=0.45),
)
AIM_P99 = 0.5
AIM_SALES = 1_200
AIM_MEGABYTES = 150
AIM_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class Figures:
    """One server asked one question for some seconds, or sold to.

    ``cpu_ms``: the server's and PostgreSQL's for each request or sale; ``database_ms``: PostgreSQL's of it.
    """

    per_second: float
    p50: float
    p99: float
    cpu_ms: float
    database_ms: float
    bytes: float | None = None
    statements: float | None = None

    @classmethod
    def median(cls, of: "Sequence[Figures]") -> "Figures":
        """Figure by figure."""
        columns: dict[str, list[Any]] = {name: [getattr(one, name) for one in of] for name in cls.__slots__}
        middle: dict[str, Any] = {n: None if None in c else statistics.median(c) for n, c in columns.items()}
        return cls(**middle)


Rounds = dict[tuple[str, int, str], list[Figures]]
"""By the question's letter, the number of connections, and the server."""


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that was measured."""

    reads: Rounds
    sales: Mapping[int, Sequence[Figures]]
    seconds_to_start: Mapping[str, float]
    resident_bytes: Mapping[str, int]

    def figures(self, question: Question, connections: int, server: str) -> Figures:
        """The medians."""
        return Figures.median(self.reads[question.letter, connections, server])

    def ratio(self, figure: str, question: Question, connections: int, server: str = GATEHOUSE) -> float:
        """To the peer's figure in the same round."""
        mine, its = (self.reads[question.letter, connections, name] for name in (server, PEER))
        ratios: list[float] = [getattr(a, figure) / getattr(b, figure) for a, b in zip(mine, its, strict=True)]
        return statistics.median(ratios)


def main() -> None:
    """Measure, print, and write down if asked to."""
    parser = argparse.ArgumentParser(prog="python -m bench.reads", description="Reads beside PostGraphile's.")
    parser.add_argument(
        "--requests", type=int, default=200_000, help="in the database, with 2 lines and 4 tickets each"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement")
    parser.add_argument("--write", action="store_true", help="into bench/README.md, and bench/reads.svg, as well")
    asked = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is needed, to ask fast enough: apt-get install wrk")
    peers.install()
    with postgresql.durable() as (server, url):
        version = server.psql("SHOW server_version").split()[2]
        if others := os.sched_getaffinity(0) - {CORE}:
            os.sched_setaffinity(0, others)  # of this process, and of wrk and the buyers; PostgreSQL has been started
        with serving(url, workers=1) as address:
            print(f"loading {asked.requests:,} requests ...", file=sys.stderr)
            stock = asyncio.run(orders.fill(url, address, asked.requests, min(asked.requests, NUMBERS)))
        server.psql(f"\\connect gatehouse\n{peers.TOLD}")
        postmaster = server.get_postmaster_info()
        with ExitStack() as stack:
            bench = Bench(
                stock, postmaster.pid, asked.seconds, Path(stack.enter_context(tempfile.TemporaryDirectory()))
            )
            plain = servers.environment_of(url, POOL_SIZE=str(POOL_SIZE))
            slow = servers.environment_of(url, POOL_SIZE=str(POOL_SIZE), MAX_PLAN_FIELDS="0")
            for name, starting in (
                (GATEHOUSE, servers.gatehouse(plain, bench.first(GATEHOUSE), core=CORE)),
                (PEER, peers.postgraphile(url, POOL_SIZE, bench.first(PEER), core=CORE)),
                (SLOW, servers.gatehouse(slow, bench.first(SLOW), core=CORE)),
            ):
                bench.served[name] = stack.enter_context(starting)
            found = bench.run(asked.rounds)
    text = report(found, version, asked)
    print(text)
    if asked.write:
        before, _, rest = README.read_text().partition(BEGIN)
        README.write_text(f"{before}{BEGIN}\n{text}{END}{rest.partition(END)[2]}")
        PICTURE.write_text(picture(found))


class Bench:
    """The servers, what they are asked, and how that is measured."""

    def __init__(self, stock: Orders, postmaster: int, seconds: int, folder: Path) -> None:
        self._stock = stock
        self._postmaster = postmaster
        self._seconds = seconds
        self._folder = folder
        self.served: dict[str, servers.Served] = {}

    def first(self, name: str) -> Any:
        """What asks a server for its first answer."""
        (*_, ticket) = QUESTIONS
        return lambda address: self._ask(name, address, ticket, self.variables(ticket, name)[0])

    def variables(self, question: Question, name: str) -> list[dict[str, str]]:
        """Of each time that the question is asked; the peer knows numbers as they are stored only."""
        if question.letter == "B":
            return [{}]
        numbers = self._stock.order_numbers if question.letter == "A" else self._stock.ticket_numbers
        return [{"number": number.casefold() if name == PEER else number} for number in numbers]

    def run(self, rounds: int) -> Found:
        """Compare the answers, then measure round by round; sales come last, because they change what is read."""
        least = {question.letter: self._compared(question) for question in QUESTIONS}
        reads: Rounds = {}
        sales: dict[int, list[Figures]] = {buyers: [] for buyers in BUYERS}
        for number in range(rounds):
            print(f"round {number + 1} of {rounds} ...", file=sys.stderr)
            in_turn = list(islice(cycle(self.served), number, number + len(self.served)))
            for question in QUESTIONS:
                for connections in CONNECTIONS:
                    for name in in_turn:
                        figures = self.read(question, connections, name, least[question.letter][name])
                        reads.setdefault((question.letter, connections, name), []).append(figures)
        resident = {name: servers.resident_bytes(server.pid) for name, server in self.served.items()}
        for number in range(rounds):
            print(f"sales, round {number + 1} of {rounds} ...", file=sys.stderr)
            for buyers, all_rounds in sales.items():
                all_rounds.append(self._sell(buyers))
        return Found(reads, sales, {name: server.seconds for name, server in self.served.items()}, resident)

    def _compared(self, question: Question) -> dict[str, int]:
        """How short an answer of each server may be. Ends the bench if they do not answer the same."""
        shortest: dict[str, int] = {}
        answers: dict[str, list[Counter[Any]]] = {}
        for name, server in self.served.items():
            variables = self.variables(question, name)
            chosen = variables[:: max(len(variables) // COMPARED, 1)]
            data = [self._ask(name, server.address, question, one) for one in chosen]
            answers[name] = [Counter(contents(one)) for one in data]
            shortest[name] = min(len(json.dumps(one, separators=(",", ":"))) for one in data) * 9 // 10
        for name, found in answers.items():
            for mine, its in zip(found, answers[PEER], strict=True):
                if mine != its:
                    raise SystemExit(f"{question.letter}: {name} answers {mine - its}, and {PEER} {its - mine}.")
        return shortest

    def _ask(self, name: str, address: str, question: Question, variables: Mapping[str, str]) -> Any:
        return servers.ask(address, question.text(name), variables, self._key(name))

    def _key(self, name: str) -> str | None:
        return None if name == PEER else self._stock.support_key

    def read(self, question: Question, connections: int, name: str, least: int = 1) -> Figures:
        """One server asked for some seconds, after a warm-up in which no answer may have fewer bytes than ``least``."""
        bodies = self._folder / f"{question.name}.{name}"
        if not bodies.exists():
            text = question.text(name)
            lines = (json.dumps({"query": text, "variables": one}) for one in self.variables(question, name))
            bodies.write_text("".join(f"{line}\n" for line in lines))
        return self._measured("reads", name, connections, self._key(name), bodies, warming_up=(str(least),))

    def _sell(self, buyers: int) -> Figures:
        """What so many buyers bought, one ticket each time."""
        bodies = self._folder / "sales"
        if not bodies.exists():
            create = [{"token": "TOKEN", "lines": lines} for lines in self._stock.park["sales"]]
            asked = [*((CREATE, one) for one in create), (CONFIRM, {"token": "TOKEN", "paymentReference": "TOKEN"})]
            lines = (json.dumps({"query": query, "variables": {"input": given}}) for query, given in asked)
            bodies.write_text("".join(f"{line}\n" for line in lines))
        return self._measured("sales", GATEHOUSE, buyers, self._stock.park["key"], bodies, operations=2)

    def _measured(
        self,
        script: str,
        name: str,
        connections: int,
        key: str | None,
        bodies: Path,
        *,
        warming_up: Sequence[str] = (),
        operations: int = 1,
    ) -> Figures:
        """What comes of a script of wrk's, which counts what takes so many operations, after it has warmed up."""
        server = self.served[name]
        _wrk(script, server, connections, WARM_UP_SECONDS, key, bodies, *warming_up)
        _forget(server)
        before = self._cpu_ms(server)
        told = _wrk(script, server, connections, self._seconds, key, bodies)
        of_server, of_database = (now - then for now, then in zip(self._cpu_ms(server), before, strict=True))
        number, statements = told["requests"], [line["statements"] for line in _operations(server)]
        return Figures(
            per_second=number / told["microseconds"] * 1e6,
            p50=told["p50"] / 1000,
            p99=told["p99"] / 1000,
            cpu_ms=(of_server + of_database) / number,
            database_ms=of_database / number,
            bytes=told["bytes"] / number if "bytes" in told else None,
            statements=operations * statistics.mean(statements) if statements else None,
        )

    def _cpu_ms(self, server: servers.Served) -> tuple[float, float]:
        """Taken so far by the server, and by PostgreSQL."""
        taken = servers.cpu_seconds(server.pid), servers.cpu_seconds_of_family(self._postmaster)
        return taken[0] * 1000, taken[1] * 1000


def _wrk(
    script: str, server: servers.Served, connections: int, seconds: int, key: str | None, *told: Path | str
) -> dict[str, Any]:
    """What comes of asking so many seconds long, as that script tells. Ends the bench if anything was wrong."""
    how = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(FOLDER / f"{script}.lua")]
    how += ["-H", "Content-Type: application/json"]
    if key is not None:
        how += ["-H", f"Authorization: Bearer {key}"]
    command = [*how, f"{server.address}/graphql", "--", *map(str, told)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False)
    if done.returncode:
        raise SystemExit(f"wrk gave up:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if found["failed"]:
        raise SystemExit(f"{told[0]}: {found['failed']} answers were wrong, {found['requests']} right. {done.stderr}")
    if not found["requests"]:
        raise SystemExit(f"{told[0]}: nothing was answered in time. Give it more --seconds.")
    return found


def contents(found: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The objects of an answer, by where they stand, and what tells them apart; a page's rows stand in its place."""
    match found:
        case {"nodes": nodes}:
            yield from contents(nodes, path)
        case dict():
            yield path, None
            for name, value in found.items():
                yield from contents(value, f"{path}.{name}")
        case list():
            for value in found:
                yield from contents(value, path)
        case _ if found is not None and path.endswith(tuple(f".{name}" for name in NAMED)):
            yield path, found


def _forget(server: servers.Served) -> None:
    """Empty the server's log, which would become large."""
    server.log.truncate(0)


def _operations(server: servers.Served) -> list[dict[str, Any]]:
    """Each operation that the server has logged since. It may be writing: the first and the last line may be halves."""
    server.log.seek(0)
    whole = (json.loads(line) for line in server.log if line.startswith(b"{") and line.endswith(b"}\n"))
    return [line for line in whole if line["event"] == "operation"]


def report(found: Found, version: str, asked: argparse.Namespace) -> str:
    """The figures, what was aimed at, and where they were measured, as Markdown."""
    many, one = CONNECTIONS
    sales = " and ".join(f"{sold(found, buyers).per_second:,.0f}" for buyers in (many, CROWD))
    rates = ", ".join(f"{q.letter} {found.ratio('per_second', q, many):.2f}" for q in QUESTIONS)
    titles = "; ".join(f"{q.letter}: {q.title}" for q in QUESTIONS)
    command = "python -m bench.reads " + " ".join(sys.argv[1:])
    return f"""
**{rates} times {PEER}'s requests a second** at {many} connections ({titles}); {sales} sales a \
second (D) at {many} and at {CROWD}

![Requests a second and processor time of the three servers]({PICTURE.name})

At {many} connections:

{table(found, many)}

At one connection:

{table(found, one)}

D at {CROWD} connections:

{HEAD}
{line("D", GATEHOUSE, sold(found, CROWD), "")}

CPU is the server's and PostgreSQL's for each request, or for a sale, which is two, and lasts from the question of the
one to the answer of the other; bytes are those of an answer with its head. Gatehouse runs requests of one kind together
that are under way at once (`schema/execution/joint.py`): at {many} connections one client asks about many orders or
tickets (A, C), and for one and the same page (B), which is then read and built once for all who wait. Sales that are
made at once share a transaction (`resolvers/group_commit.py`). Each counts the statements that it shares. At one
connection nothing is shared.

| aim | | found | |
|---|---|---|---|
{aims(found)}

The servers answer in turn, each one process on core {CORE}; wrk asks from the other cores; PostgreSQL {version}, fsync
and synchronous_commit on, runs where the system puts it. {asked.requests:,} requests in the database, of which
{min(asked.requests, NUMBERS):,} are asked for in turn. Medians of {asked.rounds} rounds of {asked.seconds} s.

{peers.versions()}: production, {POOL_SIZE} connections to the database, prepared statements, lists instead of
connections; a superuser, for whom no permission is looked at, and no log. Gatehouse as it is delivered, asked with a
support key: it looks at permissions, masks, limits and cost, writes a line into its log for each request, and records
whose personal data was seen. The answers have the same objects; an e-mail and an order number stand in each of
Gatehouse's references, and once in the request of {PEER}, whose instants are longer.

{machine()}, {datetime.now(UTC):%Y-%m-%d}: `{command.strip()}`

"""


HEAD = """| | | a second | x | p50 ms | p99 ms | CPU ms | of it PostgreSQL | statements | bytes |
|---|---|---|---|---|---|---|---|---|---|"""


def table(found: Found, connections: int) -> str:
    """Each question's figures, server by server; and the sales."""
    lines = [HEAD]
    for question in QUESTIONS:
        for name in (GATEHOUSE, PEER, SLOW):
            ratio = found.ratio("per_second", question, connections, name)
            lines.append(line(question.letter, name, found.figures(question, connections, name), f"{ratio:.2f}"))
    lines.append(line("D", GATEHOUSE, sold(found, connections), ""))
    return "\n".join(lines)


def line(letter: str, name: str, figures: Figures, ratio: str) -> str:
    """One of a table."""
    statements = "" if figures.statements is None else f"{figures.statements:.1f}"
    size = "" if figures.bytes is None else f"{figures.bytes:,.0f}"
    times = f"{figures.p50:.2f} | {figures.p99:.2f} | {figures.cpu_ms:.2f} | {figures.database_ms:.2f}"
    return f"| {letter} | {name} | {figures.per_second:,.0f} | {ratio} | {times} | {statements} | {size} |"


def aims(found: Found) -> str:
    """What issue 7 aims at, and whether it is met, at the larger number of connections."""
    many = CONNECTIONS[0]
    rows = []
    for q in QUESTIONS:
        ratio = {name: found.ratio(name, q, many) for name in ("per_second", "cpu_ms", "p99")}
        its = f"of {PEER}'s"
        rows += [
            (f"{q.letter}: requests a second {its}", f"at least {q.rate}", ratio["per_second"], q.rate, 1, "{:.2f}"),
            (f"{q.letter}: CPU per request {its}", f"at most {q.cpu}", ratio["cpu_ms"], q.cpu, -1, "{:.2f}"),
            (f"{q.letter}: p99 {its}", f"at most {AIM_P99}", ratio["p99"], AIM_P99, -1, "{:.2f}"),
        ]
    megabytes = found.resident_bytes[GATEHOUSE] / 1_000_000
    rows += [
        *(
            (
                f"D: sales a second, {buyers} buyers",
                f"at least {AIM_SALES:,}",
                sold(found, buyers).per_second,
                AIM_SALES,
                1,
                "{:,.0f}",
            )
            for buyers in (many, CROWD)
        ),
        ("memory of the worker", f"below {AIM_MEGABYTES} MB", megabytes, AIM_MEGABYTES, -1, "{:.0f} MB"),
        (
            "start to first answer",
            f"below {AIM_SECONDS} s",
            found.seconds_to_start[GATEHOUSE],
            AIM_SECONDS,
            -1,
            "{:.2f} s",
        ),
    ]
    return "\n".join(
        f"| {what} | {aim} | {shown.format(value)} | {'met' if (value - bound) * sign >= 0 else '**missed**'} |"
        for what, aim, value, bound, sign, shown in rows
    )


def sold(found: Found, buyers: int) -> Figures:
    """What was sold to so many buyers."""
    return Figures.median(found.sales[buyers])


def picture(found: Found) -> str:
    """Requests a second, and processor time, at the larger number of connections."""
    many = CONNECTIONS[0]

    def bars(figure: str) -> list[list[float]]:
        return [[getattr(found.figures(q, many, name), figure) for name in (GATEHOUSE, PEER, SLOW)] for q in QUESTIONS]

    groups = [f"{q.letter}: {q.title}" for q in QUESTIONS]
    panels = [
        chart.Panel(f"requests a second, {many} connections", bars("per_second"), "{:,.0f}"),
        chart.Panel("CPU per request in ms, server and PostgreSQL", bars("cpu_ms"), "{:.2f}"),
    ]
    return chart.bars(panels, groups, (GATEHOUSE, PEER, SLOW))


if __name__ == "__main__":
    main()
