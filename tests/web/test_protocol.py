"""Requests as they come and answers on their way: what the application hears, what leaves, and what becomes of the
connection, is what uvicorn makes of it."""

import asyncio
import itertools
import logging
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from schema.execution.http import BODY, REPLY
from web.protocol import HEADS_REMEMBERED, LONGEST_REMEMBERED, Cycle, Protocol

LOG = logging.getLogger("uvicorn.error")


class Flow:
    """A transport and its flow, which keep what is written."""

    def __init__(self) -> None:
        self.written = b""
        self.is_closed = False
        self.write_paused = False

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.is_closed = True

    async def drain(self) -> None:
        self.write_paused = False


async def answer(send: Any, status: int, headers: Sequence[Any], body: bytes, *, is_whole: bool) -> None:
    """As one message, or as two."""
    if is_whole:
        await send({"type": REPLY, "status": status, "headers": tuple(headers), "body": body})
        return
    said = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": said})
    await send({"type": "http.response.body", "body": body})


REPLIES: dict[str, tuple[int, tuple[tuple[bytes, bytes], ...], bytes]] = {
    "an answer": (200, ((b"content-type", b"application/json"), (b"vary", b"Accept")), b"{}"),
    "without headers": (200, (), b"{}"),
    "empty": (200, ((b"content-type", b"a/b"),), b""),
    "a refusal": (429, ((b"retry-after", b"1"),), b"{}"),
    "in capitals": (200, ((b"Content-Type", b"text/plain"),), b"{}"),
    "the last": (200, ((b"connection", b"close"),), b"{}"),
    "said to be chunked": (200, ((b"transfer-encoding", b"chunked"),), b"{}"),
    "its length twice": (200, ((b"content-length", b"2"),), b"{}"),
    "another length": (200, ((b"content-length", b"3"),), b"{}"),
    "a name that splits": (200, ((b"x\r\ny", b"z"),), b"{}"),
    "a value that splits": (200, ((b"x", b"y\r\nz: 1"),), b"{}"),
}


async def sent(
    kind: type[RequestResponseCycle],
    name: str,
    method: str,
    keep_alive: bool,
    is_gone: bool,
    is_slow: bool,
) -> Any:
    flow, responses = Flow(), []
    cycle = RequestResponseCycle(
        scope={"type": "http", "method": method, "path": "/"},  # type: ignore[typeddict-item]
        transport=flow,  # type: ignore[arg-type]
        flow=flow,  # type: ignore[arg-type]
        logger=LOG,
        access_logger=LOG,
        access_log=False,
        default_headers=[(b"date", b"today")],
        message_event=asyncio.Event(),
        expect_100_continue=True,
        keep_alive=keep_alive,
        on_response=lambda: responses.append(1),
    )
    cycle.__class__ = kind
    cycle.disconnected, flow.write_paused = is_gone, is_slow
    failed = []
    for _ in range(2):  # the second time it is told too late
        try:
            await answer(cycle.send, *REPLIES[name], is_whole=kind is Cycle)
        except RuntimeError as found:
            failed.append(str(found))
    became = (cycle.response_started, cycle.response_complete, cycle.waiting_for_100_continue, cycle.keep_alive)
    return flow.written, flow.is_closed, failed, became, cycle.message_event.is_set(), responses


@pytest.mark.parametrize("name", REPLIES)
async def test_an_answer_leaves_as_uvicorn_sends_it(name: str) -> None:
    states = itertools.product((False, True), repeat=3)
    for method, state in itertools.product(("POST", "HEAD"), states):
        found, expected = [await sent(kind, name, method, *state) for kind in (Cycle, RequestResponseCycle)]
        assert found == expected


async def test_what_is_sent_in_parts_uvicorn_sends() -> None:
    flow = Flow()
    cycle = Cycle(
        scope={"type": "http", "method": "GET", "path": "/"},  # type: ignore[typeddict-item]
        transport=flow,  # type: ignore[arg-type]
        flow=flow,  # type: ignore[arg-type]
        logger=LOG,
        access_logger=LOG,
        access_log=False,
        default_headers=[],
        message_event=asyncio.Event(),
        expect_100_continue=False,
        keep_alive=True,
        on_response=lambda: None,
    )
    await cycle.send({"type": "http.response.start", "status": 200, "headers": []})
    await cycle.send({"type": "http.response.body", "body": b"{", "more_body": True})
    await cycle.send({"type": "http.response.body", "body": b"}", "more_body": False})
    assert flow.written.endswith(b"\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n")


# ------------------------------------------------------------------------------------------------- requests


class Transport(Flow):
    """A connection, as far as a protocol sees it."""

    is_read = True

    def get_extra_info(self, name: str) -> Any:
        return {"peername": ("127.0.0.1", 5000), "sockname": ("127.0.0.1", 8000)}.get(name)

    def is_closing(self) -> bool:
        return self.is_closed

    def pause_reading(self) -> None:
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True


class Server:
    """One process that speaks a protocol, and all that its application has heard."""

    def __init__(self, kind: type[HttpToolsProtocol], loop: Any = None) -> None:
        self.kind, self.loop = kind, loop
        self.heard: list[Any] = []
        self.at_once: list[bytes] = []
        """Bodies that were there before they were received."""
        self.go_on = asyncio.Event()
        self.config = uvicorn.Config(
            self.app, http=kind, lifespan="off", log_config=None, access_log=False, ws="none", interface="asgi3"
        )
        self.config.load()
        self.state = ServerState()
        self.state.default_headers = [(b"date", b"today")]

    def connection(self) -> tuple[HttpToolsProtocol, Transport]:
        protocol = self.kind(self.config, self.state, {"kept": 1}, self.loop)
        protocol.connection_made(transport := Transport())  # type: ignore[arg-type]
        return protocol, transport

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        """Read and answer, as the path has it."""
        told = {name: value for name, value in scope.items() if name not in ("headers", "extensions")}
        self.heard.append((told, [(bytes(name), bytes(value)) for name, value in scope["headers"]]))
        path, more = scope["path"], scope["path"] not in ("/early", "/late")
        scope["state"]["mine"], scope["path"] = scope["method"], "/elsewhere"
        first = len(self.heard)
        while more:
            message = await receive()
            self.heard.append(message)
            more = message.get("more_body", False) or (path == "/wait" and message["type"] != "http.disconnect")
        if (body := scope.get("extensions", {}).get(BODY)) is not None:
            self.at_once.append(body)
            assert self.heard[first:] == [] or self.heard[first].get("body", body) == body
        if path == "/slow":
            await self.go_on.wait()
        if path == "/fail":
            raise ValueError
        said = f"{scope['method']} {len(self.heard)}".encode()
        if path == "/chunked":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"x", b"y")]})
            await send({"type": "http.response.body", "body": said})
        else:
            await answer(send, 200, [(b"x", b"y")], said, is_whole=REPLY in scope.get("extensions", ()))
        if path in ("/listen", "/late"):
            self.heard.append(await receive())


def request(start: str = "POST /echo HTTP/1.1", *headers: str, body: str | None = "{}") -> bytes:
    """A request with its body, the length of which it tells, unless there is none."""
    length = () if body is None else (f"content-length: {len(body)}",)
    return "\r\n".join([start, "host: here", *headers, *length, "", body or ""]).encode()


GONE, BROKEN, STOP, GO_ON = "the client goes", "the connection breaks", "the server stops", "what is slow goes on"
Piece = bytes | str
Conversation = Sequence[Piece | list[Piece]]
"""What comes or happens, one after the other; what is in a list, before anybody gets to do anything."""

WHOLE, OTHER = request(), request(body="[]")
GET = request("GET /echo?a=%20b HTTP/1.1", body=None)
CHUNKED = request("POST /echo HTTP/1.1", "transfer-encoding: chunked", body=None) + b"2\r\n{}\r\n0\r\n\r\n"
EXPECTED = request("POST /echo HTTP/1.1", "expect: 100-continue")
SLOW = request("POST /slow HTTP/1.1")
CONVERSATIONS: dict[str, Conversation] = {
    "one after the other": [WHOLE, OTHER, WHOLE, GET, GET, WHOLE],
    "the head alone": [WHOLE, WHOLE[:-2], b"{}", WHOLE],
    "byte by byte": [WHOLE, *(WHOLE[i : i + 1] for i in range(len(WHOLE))), WHOLE],
    "a body in pieces": [WHOLE, WHOLE[:-1], b"}", WHOLE],
    "two at once": [WHOLE, WHOLE + OTHER, WHOLE],
    "one and a half": [WHOLE, WHOLE + WHOLE[:-1], b"}", WHOLE],
    "longer than it says": [WHOLE, WHOLE + b"x", WHOLE],
    "shorter than it says": [WHOLE, WHOLE[:-2] + b"[", GONE],
    "one while another runs": [SLOW, SLOW, WHOLE, GET, GO_ON, WHOLE],
    "chunked": [CHUNKED, CHUNKED, CHUNKED[:-5], b"0\r\n\r\n", CHUNKED],
    "waiting for a word": [EXPECTED, EXPECTED[:-2], b"{}", EXPECTED],
    "HTTP/1.0": [request("POST /echo HTTP/1.0"), WHOLE],
    "HTTP/1.0 that stays": [request("POST /echo HTTP/1.0", "connection: keep-alive"), WHOLE],
    "the last": [WHOLE, request("POST /echo HTTP/1.1", "connection: close"), WHOLE],
    "the last of two": [request("POST /echo HTTP/1.1", "connection: close") + WHOLE, WHOLE],
    "said to stay": [request("POST /echo HTTP/1.1", "Connection: keep-alive")] * 3,
    "HEAD": [request("HEAD /echo HTTP/1.1", body=None)] * 3,
    "asked whether it speaks another": [request("GET / HTTP/1.1", "connection: upgrade", "upgrade: h2c", body=None)]
    * 3,
    "of no length": [request("POST /echo HTTP/1.1", body=None)] * 3,
    "of length nought": [request(body="")] * 3,
    "of two lengths": [request("POST /echo HTTP/1.1", "content-length: 3")] * 2,
    "of a length that is none": [request("POST /echo HTTP/1.1", "content-length: two", body=None)] * 2,
    "a head in a body": [request(body=WHOLE.decode())] * 3,
    "empty lines in front": [b"\r\n" + WHOLE, b"\r\n", WHOLE, b"\r\n" + WHOLE],
    "lines that end in another way": [WHOLE.replace(b"\r\n", b"\n"), WHOLE],
    "no request": [b"\x16\x03\x01\r\n\r\n", WHOLE],
    "no request behind one": [WHOLE + b"\x16\x03\x01\r\n\r\n", WHOLE],
    "a header of two lines": [request("POST /echo HTTP/1.1", "x: y", " z")] * 2,
    "a header twice, in capitals": [request("POST /echo HTTP/1.1", "X: y", "x: Z")] * 3,
    "a path in another script": [request("GET /caf%C3%A9?%C3%A9 HTTP/1.1", body=None)] * 3,
    "a whole address": [request("GET http://there/echo HTTP/1.1", body=None)] * 2,
    "answered before it is read": [request("POST /early HTTP/1.1")] * 3,
    "answered before it is there": [request("POST /early HTTP/1.1")[:-2], b"{}", WHOLE],
    "listens after its answer": [request("POST /listen HTTP/1.1")] * 3,
    "read after its answer": [request("POST /late HTTP/1.1")] * 3,
    "answered before what looks like another": [
        WHOLE,
        request("POST /early HTTP/1.1", body=WHOLE.decode())[: -len(WHOLE)],
        WHOLE,
        WHOLE,
    ],
    "answered unread while another waits": [SLOW, request("POST /early HTTP/1.1"), GO_ON],
    "gone before it is read": [WHOLE, [WHOLE, GONE]],
    "gone as it comes": [WHOLE, [WHOLE[:-1], b"}", GONE]],
    "answered in chunks": [request("POST /chunked HTTP/1.1")] * 3,
    "failed": [request("POST /fail HTTP/1.1"), WHOLE],
    "failed again": [WHOLE, request("POST /fail HTTP/1.1"), GONE],
    "gone while it waits": [request("POST /wait HTTP/1.1"), GONE],
    "gone while it runs": [SLOW, GO_ON, SLOW, GONE, GO_ON],
    "broken": [WHOLE, WHOLE, BROKEN],
    "gone when it had come": [WHOLE, WHOLE + WHOLE[:-1], GONE],
    "stopped while it is idle": [WHOLE, STOP],
    "stopped while it runs": [SLOW, STOP, GO_ON],
    "too long to remember": [request("POST /echo HTTP/1.1", "x: " + "y" * LONGEST_REMEMBERED)] * 3,
    "of a large body": [request(body="x" * 70_000)] * 3,
}


async def rest() -> None:
    """Let everything run that need not wait."""
    for _ in range(8):
        await asyncio.sleep(0)


async def held(server: Server, conversation: Conversation) -> list[Any]:
    """What is heard, and what becomes of the connection, after each piece of a conversation."""
    server.go_on.clear()
    server.heard.clear()
    protocol, transport = server.connection()
    became: list[Any] = []
    for pieces in conversation:
        for piece in pieces if isinstance(pieces, list) else [pieces]:
            if isinstance(piece, bytes):
                if not transport.is_closed:  # nothing is read from then on
                    protocol.data_received(piece)
            elif piece == GO_ON:
                server.go_on.set()
            elif piece == STOP:
                protocol.shutdown()
            else:
                transport.is_closed = True
                protocol.connection_lost(None if piece == GONE else OSError())
        await rest()
        became.append((transport.written, transport.is_closed, transport.is_read, server.state.total_requests))
    protocol.connection_lost(None)
    server.go_on.set()
    await rest()
    assert not server.state.tasks
    return [became, *server.heard]


@pytest.fixture
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Protocol, "_known", {})


@pytest.mark.usefixtures("nothing_known")
@pytest.mark.parametrize("name", CONVERSATIONS)
async def test_a_request_comes_as_uvicorn_reads_it(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Also the next time, when its head may be known. What is wrong is logged as well."""
    found = []
    for kind in (Protocol, HttpToolsProtocol):
        caplog.clear()
        server = Server(kind)
        found.append([await held(server, CONVERSATIONS[name]) for _ in range(3)] + caplog.messages)
    assert found[0] == found[1]


PIECES = sorted(
    {
        piece
        for conversation in CONVERSATIONS.values()
        for piece in conversation
        if isinstance(piece, bytes) and b"/wait" not in piece and len(piece) < LONGEST_REMEMBERED
    }
)
"""Without what waits until its client goes: uvicorn does not tell it if another request has come meanwhile."""


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_however_requests_are_cut_they_come_as_uvicorn_reads_them(data: st.DataObject) -> None:
    requests = b"".join(data.draw(st.lists(st.sampled_from(PIECES), min_size=1, max_size=5)))
    boundaries = st.sampled_from([i for i in range(len(requests)) if requests[i : i + 4] in (b"POST", b"GET ")] or [0])
    cuts = data.draw(st.lists(boundaries | st.integers(0, len(requests)), max_size=6))
    ends = sorted({0, *cuts, len(requests)})
    conversation = [requests[i:j] for i, j in itertools.pairwise(ends)] + [GO_ON]

    async def compare() -> None:
        ours, theirs = Server(Protocol), Server(HttpToolsProtocol)
        assert await held(ours, conversation) == await held(theirs, conversation)

    asyncio.run(compare())


@pytest.mark.usefixtures("nothing_known")
async def test_a_head_that_is_known_is_not_parsed() -> None:
    """On any connection; with another body, too, of the same length. Which is there at once."""
    server = Server(Protocol)
    first, _ = server.connection()
    first.data_received(WHOLE)
    for protocol, transport in (server.connection(), server.connection()):
        protocol.parser = None  # type: ignore[assignment]
        for request in (WHOLE, OTHER):
            transport.written = b""
            protocol.data_received(request)
            await rest()
            assert transport.written.startswith(b"HTTP/1.1 200 OK")
    assert [message["body"] for message in server.heard if isinstance(message, dict)] == [b"{}", *[b"{}", b"[]"] * 2]
    assert server.at_once == [b"{}", b"[]"] * 2


@pytest.mark.usefixtures("nothing_known")
async def test_no_more_heads_are_remembered_than_so_many() -> None:
    server = Server(Protocol)
    protocol, _ = server.connection()
    for number in range(HEADS_REMEMBERED + 1):
        protocol.data_received(request("POST /early HTTP/1.1", f"x: {number}"))
        await rest()
        assert len(Protocol._known) == number % HEADS_REMEMBERED + 1


@pytest.mark.usefixtures("nothing_known")
@pytest.mark.parametrize("kind", [Protocol, HttpToolsProtocol])
async def test_a_connection_closes_when_it_was_idle_for_so_long(kind: type[HttpToolsProtocol]) -> None:
    """Counted from its last answer: not while a request runs, nor while one comes."""
    running = asyncio.get_running_loop()
    timers: list[tuple[float, Any]] = []
    now = 0.0

    def call_later(seconds: float, call: Callable[[], None]) -> Any:
        timers.append((now + seconds, timer := SimpleNamespace(call=call, is_canceled=False)))
        timer.cancel = lambda: setattr(timer, "is_canceled", True)
        return timer

    async def pass_time(until: float) -> None:
        nonlocal now
        while timers and (due := min(timers, key=lambda one: one[0]))[0] <= until:
            timers.remove(due)
            now = due[0]
            if not due[1].is_canceled:
                due[1].call()
        now = until
        await rest()

    loop = SimpleNamespace(time=lambda: now, call_later=call_later, create_task=running.create_task)
    server = Server(kind, loop)
    server.config.timeout_keep_alive = 75
    protocol, transport = server.connection()
    for at in (10, 80, 150, 220):
        protocol.data_received(WHOLE)
        await rest()
        await pass_time(at)
    assert not transport.is_closed
    for at in (400, 600):
        protocol.data_received(SLOW)
        await pass_time(at)
        assert not transport.is_closed
        server.go_on.set()
        await rest()
        server.go_on.clear()
    protocol.data_received(WHOLE[:-1])
    await pass_time(800)
    assert not transport.is_closed
    protocol.data_received(WHOLE[-1:])
    await rest()
    await pass_time(874)
    assert not transport.is_closed
    await pass_time(875)
    assert transport.is_closed
