"""The gates: scans sent at a given rate, or each as soon as the last was answered; and somebody who reads meanwhile.

A process of its own, as ``bench.load`` is.

    python -m bench.scans URL < plan.json     prints its findings as JSON
"""

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from .load import Buyer as Connection

ADMIT = """mutation Admit($input: TicketAdmitInput!) {
  ticketAdmit(input: $input) { verdict admittedCount refusals { code message } }
}"""
ROLE_CENTER = """{ roleCenter {
  requestsRegistered requestsConfirmed ticketsIssued ticketsAdmitted scansRefused
  admissions { admission { code } slotCount capacity sold admitted utilizationPercent }
} }"""
NEWEST = """{ issuedTickets(first: 50) { nodes {
  externalTicketNo validUntil isBlocked item { description } request { token status } accessEntries { admittedCount }
} } }"""


AT_ONCE = 10
"""So many scans at once warm a server up, that it has all its connections: a scan on a new one takes some 35 ms."""


@dataclass
class Findings:
    """Seconds that each scan took from when it was due, what was answered instead of ADMITTED, and pages read."""

    scan: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    pages: int = 0
    seconds: float = 0.0


class Gates:
    """Connections that scan numbers, each once."""

    def __init__(self, connections: list[Connection], numbers: list[str]) -> None:
        self._free: asyncio.Queue[Connection] = asyncio.Queue()
        for connection in connections:
            self._free.put_nowait(connection)
        self._numbers = iter(numbers)
        self.found = Findings()

    async def scan(self, due: float, counts: bool = True) -> None:
        """Scan the next number; the time runs from when it was due, also while no connection is free."""
        number = next(self._numbers)
        connection = await self._free.get()
        payload = await connection.ask(ADMIT, {"scanned": number, "gate": "Gate", "nonce": number})
        self._free.put_nowait(connection)
        if payload["verdict"] != "ADMITTED":
            self.found.refused.append(payload["refusals"][0]["code"])
        if counts:
            self.found.scan.append(time.perf_counter() - due)


async def at_rate(gates: Gates, rate: float, seconds: float) -> None:
    """So many scans a second, whether or not the earlier ones are answered."""
    began = time.perf_counter()
    async with asyncio.TaskGroup() as scans:
        for number in range(int(rate * seconds)):
            due = began + number / rate
            await asyncio.sleep(max(due - time.perf_counter(), 0))
            scans.create_task(gates.scan(due))


async def back_to_back(gates: Gates, number: int, seconds: float) -> None:
    """So many gates, each of which waits for its answer."""
    until = time.perf_counter() + seconds

    async def gate() -> None:
        while (now := time.perf_counter()) < until:
            await gates.scan(now)

    await asyncio.gather(*(gate() for _ in range(number)))


async def reading(connection: Connection, found: Findings) -> None:
    """The pages of the role center, one after the other, until canceled."""
    while True:
        for query in (ROLE_CENTER, NEWEST):
            await connection.read(query)
            found.pages += 1


async def run(url: str, plan: dict[str, Any]) -> Findings:
    """Warm up, then scan as planned."""
    address = urlsplit(url)

    async def connect(key: str) -> Connection:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        return Connection(reader, writer, address.netloc, key)

    connections = [await connect(plan["gate_key"]) for _ in range(plan["connections"])]
    gates = Gates(connections, plan["numbers"])
    for _ in range(plan["warm_up"] // AT_ONCE):
        await asyncio.gather(*(gates.scan(time.perf_counter(), counts=False) for _ in range(AT_ONCE)))
    reader = None
    if plan["is_read"]:
        reader = asyncio.create_task(reading(await connect(plan["support_key"]), gates.found))
    began = time.perf_counter()
    if plan["rate"]:
        await at_rate(gates, plan["rate"], plan["seconds"])
    else:
        await back_to_back(gates, plan["gates"], plan["seconds"])
    gates.found.seconds = time.perf_counter() - began
    if reader is not None:
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
    return gates.found


def main() -> None:
    """The command line."""
    print(json.dumps(vars(asyncio.run(run(sys.argv[1], json.load(sys.stdin))))))


if __name__ == "__main__":
    main()
