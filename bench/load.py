"""The buyers: as many as are told, each of whom creates a request and confirms it, again and again.

A process of its own, so that it takes no time from what it measures but that of the machine. It speaks HTTP/1.1 over
bare streams, because a client library would cost more than the server under test.

    python -m bench.load URL SECONDS < plan.json     prints its findings as JSON
"""

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

CREATE = """mutation Create($input: TicketRequestCreateInWebStoreInput!) {
  ticketRequestCreateInWebStore(input: $input) {
    ticketRequest { token status expiresAt }
    refusals { code message }
  }
}"""
CONFIRM = """mutation Confirm($input: TicketRequestConfirmInput!) {
  ticketRequestConfirm(input: $input) {
    ticketRequest { token status tickets { nodes { externalTicketNo } } }
    refusals { code message }
  }
}"""
WARM_UP_SECONDS = 3.0


@dataclass
class Findings:
    """Seconds that each answered question took, and what was answered instead of a success."""

    create: list[float] = field(default_factory=list)
    confirm: list[float] = field(default_factory=list)
    order: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Buyer:
    """One connection. ``ask`` sends an operation and waits for its payload."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, key: str) -> None:
        self._reader, self._writer = reader, writer
        self._head = (
            f"POST /graphql HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        )

    async def ask(self, query: str, content: dict[str, Any]) -> Any:
        """The payload of a mutation."""
        (payload,) = (await self.read(query, {"input": content})).values()
        return payload

    async def read(self, query: str, variables: dict[str, Any] | None = None) -> Any:
        """The data of an answer that must have no errors."""
        body = json.dumps({"query": query, "variables": variables})
        self._writer.write(f"{self._head}{len(body)}\r\n\r\n{body}".encode())
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        answer = json.loads(await self._reader.readexactly(length))
        if "errors" in answer:
            raise RuntimeError(answer["errors"])
        return answer["data"]

    def close(self) -> None:
        self._writer.close()


async def buy(buyer: Buyer, lines: list[Any], tokens: Iterator[str], from_: float, until: float) -> Findings:
    """Create and confirm until the time is over. What began before ``from_`` is not counted: that warms up."""
    found = Findings()
    while (began := time.perf_counter()) < until:
        token = next(tokens)
        created = await buyer.ask(CREATE, {"token": token, "lines": lines})
        between = time.perf_counter()
        confirmed = created["refusals"] or await buyer.ask(CONFIRM, {"token": token, "paymentReference": token})
        done = time.perf_counter()
        refusals = created["refusals"] or confirmed["refusals"]
        if refusals:
            found.refused.append(refusals[0]["code"])
        elif began >= from_:
            found.create.append(between - began)
            found.confirm.append(done - between)
            found.order.append(done - began)
    return found


async def load(url: str, seconds: float, plan: dict[str, Any]) -> Findings:
    """All buyers together: each sale is one ticket, in one of the plan's slots in turn."""
    address = urlsplit(url)
    tokens = (f"{plan['run']}-{number}" for number in itertools.count())
    buyers = []
    for _ in range(plan["buyers"]):
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        buyers.append(Buyer(reader, writer, address.netloc, plan["key"]))
    from_ = time.perf_counter() + WARM_UP_SECONDS
    sales = itertools.cycle(plan["sales"])
    results = await asyncio.gather(*(buy(buyer, next(sales), tokens, from_, from_ + seconds) for buyer in buyers))
    whole = Findings(seconds=time.perf_counter() - from_)
    for found in results:
        for name in ("create", "confirm", "order", "refused"):
            getattr(whole, name).extend(getattr(found, name))
    for buyer in buyers:
        buyer.close()
    return whole


def main() -> None:
    """The command line."""
    url, seconds = sys.argv[1], float(sys.argv[2])
    print(json.dumps(vars(asyncio.run(load(url, seconds, json.load(sys.stdin))))))


if __name__ == "__main__":
    main()
