"""Whatever bytes come to a started server: it answers, with errors that programs can tell apart, and never fails."""

import asyncio
import itertools
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests import program
from tests.concurrency.conftest import failures
from tests.concurrency.test_overload import megabytes
from tests.program import Served
from tests.server import malformed
from tests.server.malformed import Request

PATIENCE_SECONDS = 15
CONNECTIONS = 8
REQUESTS = 100_000
AS_LARGE_AS_EVER = 20_000
"""After so many requests it has met all that there is to remember, and remembers as many documents as it may."""

REMEMBERED_BYTES = 2_000_000
LARGEST_GROWTH_MEGABYTES = 20


class Answer:
    """What came back on a connection for one request."""

    def __init__(self, head: bytes, body: bytes) -> None:
        self.status = int(head[9:12])
        self.head, self.body = head.lower(), body

    @property
    def is_last(self) -> bool:
        """Whether the connection ends with it."""
        return b"\r\nconnection: close" in self.head


async def answered(reader: asyncio.StreamReader, *, is_head: bool = False) -> Answer | None:
    """The next answer, or None where the connection has ended without one."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"HTTP/1.1 100"):
            return await answered(reader, is_head=is_head)
        length = head.lower().partition(b"\r\ncontent-length:")[2].split(b"\r\n")[0]
        if is_head:
            return Answer(head, b"")
        if length:
            return Answer(head, await reader.readexactly(int(length)))
        body = b""
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
        return Answer(head, body)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


class Client:
    """Connections to a server, one after the other, for as long as each lasts."""

    def __init__(self, served: Served) -> None:
        address = urlsplit(served.url)
        self._address = (str(address.hostname), int(address.port or 80))
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.outcomes: Counter[str] = Counter()

    async def send(self, *requests: Request) -> None:
        """Send them at once, and look at what comes back for each; what is no HTTP takes what is before it along."""
        reader, writer = self._open or await asyncio.open_connection(*self._address)
        self._open = None
        is_owed = all(request.is_owed_an_answer for request in requests)
        writer.write(b"".join(request.sent for request in requests))
        if not is_owed:
            writer.write_eof()
        async with asyncio.timeout(PATIENCE_SECONDS):
            for request in requests:
                answer = await answered(reader, is_head=request.sent.startswith(b"HEAD "))
                self._look_at(request.sent, answer, is_owed)
                if answer is None or answer.is_last:
                    writer.close()
                    return
        if is_owed:
            self._open = reader, writer
        else:
            writer.close()

    def _look_at(self, sent: bytes, answer: Answer | None, is_owed: bool) -> None:
        if answer is None:
            self.outcomes["nothing"] += 1
            assert not is_owed, sent
            return
        self.outcomes[str(answer.status)] += 1
        assert answer.status < 500, (answer.status, answer.body, sent)
        if answer.body == b"Invalid HTTP request received.":  # what is no HTTP never comes to be a request
            assert not is_owed, sent
            return
        if answer.body and b"\r\ncontent-type: text/event-stream" in answer.head:
            data = answer.body.partition(b"data: ")[2].partition(b"\n")[0]
        elif b"json" in answer.head:
            data = answer.body
        else:
            assert answer.status in (200, 204, 304, 307) or not answer.body, (answer.head, answer.body, sent)
            return
        for error in (orjson.loads(data) if data else {}).get("errors", ()):
            assert error["message"]
            assert error["extensions"]["code"] != "INTERNAL_SERVER_ERROR", sent
            self.outcomes[error["extensions"]["code"]] += 1


async def is_itself(served: Served) -> bool:
    """Whether it answers a sound question as ever."""
    body = b'{"query": "{ viewer { role } }"}'
    head = f"POST /graphql HTTP/1.1\r\nHost: {urlsplit(served.url).netloc}\r\nContent-Type: application/json\r\n"
    head += f"Authorization: Bearer {served.keys['SUPPORT']}\r\nContent-Length: 32\r\nConnection: close\r\n\r\n"
    reader, writer = await asyncio.open_connection(*urlsplit(served.url).netloc.split(":"))
    writer.write(head.encode() + body)
    answer = await answered(reader)
    writer.close()
    return answer is not None and orjson.loads(answer.body)["data"] == {"viewer": {"role": "SUPPORT"}}


def failures_of_its_own(served: Served) -> list[str]:
    """What is broken by its log so far, apart from what never was HTTP."""
    return [line for line in failures(served.folder / "stderr") if "Invalid HTTP request received." not in line]


def examples(number: int) -> settings:
    """So many, the same every time."""
    return settings(
        max_examples=number,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def requests(served: Served) -> st.SearchStrategy[Request]:
    return malformed.requests(urlsplit(served.url).netloc, served.keys["SUPPORT"])


def test_whatever_is_sent_is_answered_and_nothing_fails(served: Served) -> None:
    before = failures_of_its_own(served)
    with asyncio.Runner() as runner:
        client = Client(served)

        @examples(400)
        @given(st.lists(requests(served), min_size=1, max_size=3))
        def holds(some: list[Request]) -> None:
            runner.run(client.send(*some))

        holds()
        assert client.outcomes["200"] > 100
        assert client.outcomes["400"] > 100
        assert runner.run(is_itself(served))
    assert failures_of_its_own(served) == before


async def test_who_asks_twice_and_hangs_up_at_once_is_no_failure(served: Served) -> None:
    """Of two requests on one connection the server runs the first, and hears of the end for the second alone."""
    before = failures_of_its_own(served)
    address = urlsplit(served.url)
    asked = f"GET /graphql?query={{customers{{totalCount}}}} HTTP/1.1\r\nHost: {address.netloc}\r\n"
    asked += f"Authorization: Bearer {served.keys['SUPPORT']}\r\n\r\n"
    for _ in range(5):
        _, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(2 * asked.encode() + b"\x16\x03\x01\r\n\r\n")
        await asyncio.sleep(0.02)
        writer.transport.abort()
    assert await is_itself(served)
    assert failures_of_its_own(served) == before


@pytest.mark.prove
@pytest.mark.timeout(600)
def test_a_hundred_thousand_requests_leave_nothing_behind(tmp_path: Path) -> None:
    """Most of them are like no other in what a server might remember them by."""
    for arguments in (("migrate",), ("demo", "--requests", "100")):
        assert program.run(*arguments, folder=tmp_path).returncode == 0
    with program.serving("serve", folder=tmp_path, REMEMBERED_BYTES=str(REMEMBERED_BYTES)) as served:
        kinds: list[Request] = []

        @examples(1_000)
        @given(requests(served))
        def collect(request: Request) -> None:
            kinds.append(request)

        collect()
        assert sum(malformed.MARK.encode() in request.sent for request in kinds) > len(kinds) / 4
        numbers = itertools.count()
        sizes: list[float] = []

        async def ask(until: int) -> None:
            client = Client(served)
            while (number := next(numbers)) < until:
                await client.send(kinds[number % len(kinds)].marked(number))

        async def proceed() -> None:
            for until in (AS_LARGE_AS_EVER, REQUESTS):
                await asyncio.gather(*(ask(until) for _ in range(CONNECTIONS)))
                sizes.append(round(megabytes(served), 1))
            assert await is_itself(served)

        asyncio.run(proceed())
        assert sizes[-1] - sizes[0] < LARGEST_GROWTH_MEGABYTES, sizes
        assert failures_of_its_own(served) == []
