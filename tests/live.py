"""Connections that stay open, to the app in this process: websockets, and answers as server-sent events."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
from starlette.types import ASGIApp, Message

from tests.harness import Gatehouse

PATIENCE_SECONDS = 20
"""How long a test waits for what must come, on a machine that does other things."""

SUBPROTOCOL = "graphql-transport-ws"


class Closed(Exception):
    """The server has closed the websocket."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code


class Denied(Exception):
    """The server has refused the handshake."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"{status} {body.decode()}")
        self.status = status


class _Connection:
    """One ASGI connection: what the app is sent, and what it sends."""

    def __init__(self, app: ASGIApp, scope: dict[str, Any]) -> None:
        self.to_app: asyncio.Queue[Message] = asyncio.Queue()
        self.from_app: asyncio.Queue[Message] = asyncio.Queue()
        self.reads = asyncio.Event()
        """Unset: nothing is taken off, and what the app sends waits."""
        self.reads.set()
        self._task = asyncio.ensure_future(app(scope, self.to_app.get, self._send))

    async def _send(self, message: Message) -> None:
        await self.reads.wait()
        await self.from_app.put(message)

    async def next(self, seconds: float = PATIENCE_SECONDS) -> Message:
        async with asyncio.timeout(seconds):
            return await self.from_app.get()

    async def leave(self, message: Message) -> None:
        """Hang up, and wait until the app has done with it."""
        self.to_app.put_nowait(message)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._task


def _scope(kind: str, headers: Mapping[str, str], **more: Any) -> dict[str, Any]:
    told = {"host": "localhost", **headers}
    return {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "root_path": "",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in told.items()],
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
        **more,
    }


class Socket:
    """A websocket as a client sees it."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self.subprotocol: str | None = None

    def stop_reading(self) -> None:
        """Take nothing off any more."""
        self._connection.reads.clear()

    def go_on_reading(self) -> None:
        self._connection.reads.set()

    def send(self, message: Any) -> None:
        """A message; texts and bytes as they are."""
        if isinstance(message, bytes):
            self._connection.to_app.put_nowait({"type": "websocket.receive", "bytes": message})
        else:
            text = message if isinstance(message, str) else orjson.dumps(message).decode()
            self._connection.to_app.put_nowait({"type": "websocket.receive", "text": text})

    async def receive(self, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """The next message. Raises Closed, or TimeoutError if there is none."""
        message = await self._connection.next(seconds)
        if message["type"] == "websocket.close":
            raise Closed(message["code"], message.get("reason", ""))
        assert message["type"] == "websocket.send"
        found: dict[str, Any] = orjson.loads(message["text"])
        return found

    @property
    def has_nothing(self) -> bool:
        """Whether nothing has come that was not received."""
        return self._connection.from_app.empty()

    async def initialised(self, key: str) -> None:
        self.send({"type": "connection_init", "payload": {"authorization": f"Bearer {key}"}})
        assert await self.receive() == {"type": "connection_ack"}

    def subscribe(self, operation_id: str, query: str, variables: Mapping[str, Any] | None = None) -> None:
        payload = {"query": query, "variables": variables}
        self.send({"id": operation_id, "type": "subscribe", "payload": payload})

    async def ask(self, operation_id: str, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The message that answers an operation which has one answer: next, behind which it is complete, or error."""
        self.subscribe(operation_id, query, variables)
        answer = await self.receive()
        if answer["type"] == "next":
            assert await self.receive() == {"id": operation_id, "type": "complete"}
        return answer

    async def closed(self) -> int:
        """The code with which the server closes, whatever it says before."""
        try:
            while True:
                await self.receive()
        except Closed as closed:
            return closed.code


@asynccontextmanager
async def socket(
    gatehouse: Gatehouse, *, subprotocols: Sequence[str] = (SUBPROTOCOL,), **headers: str
) -> AsyncIterator[Socket]:
    """A websocket, open until the block ends. Raises Denied, or Closed."""
    extensions: dict[str, Any] = {"websocket.http.response": {}}
    scope = _scope("websocket", headers, scheme="ws", subprotocols=list(subprotocols), extensions=extensions)
    connection = _Connection(gatehouse.app, scope)
    connection.to_app.put_nowait({"type": "websocket.connect"})
    first = await connection.next()
    if first["type"] == "websocket.http.response.start":
        raise Denied(first["status"], (await connection.next())["body"])
    assert first["type"] == "websocket.accept"
    made = Socket(connection)
    made.subprotocol = first.get("subprotocol")
    try:
        yield made
    finally:
        connection.reads.set()
        await connection.leave({"type": "websocket.disconnect", "code": 1000})


class Events:
    """An answer as it comes: status and headers, and then its events."""

    def __init__(self, connection: _Connection, status: int, headers: Mapping[str, str]) -> None:
        self._connection = connection
        self.status = status
        self.headers = headers
        self._blocks: list[str] = []

    async def body(self) -> Any:
        """The whole of an answer that is JSON."""
        pieces = b""
        while True:
            message = await self._connection.next()
            pieces += message["body"]
            if not message.get("more_body"):
                return orjson.loads(pieces)

    async def next(self, seconds: float = PATIENCE_SECONDS) -> tuple[str, Any]:
        """The next event and its data; comments apart. ("end", None) where the stream ends."""
        while True:
            if self._blocks:
                lines = dict(line.split(":", 1) for line in self._blocks.pop(0).splitlines() if line)
                if event := lines.get("event", "").strip():
                    return event, orjson.loads(data) if (data := lines["data"].strip()) else None
                continue
            message = await self._connection.next(seconds)
            if not message.get("more_body") and not message["body"]:
                return "end", None
            self._blocks = message["body"].decode().split("\n\n")

    @property
    def has_nothing(self) -> bool:
        """Whether nothing has come that was not received."""
        return not self._blocks and self._connection.from_app.empty()

    async def comment(self) -> bool:
        """Whether what comes next is a comment."""
        body: bytes = (await self._connection.next())["body"]
        return body.startswith(b":")

    def stop_reading(self) -> None:
        self._connection.reads.clear()


@asynccontextmanager
async def events(
    gatehouse: Gatehouse,
    query: str,
    variables: Mapping[str, Any] | None = None,
    *,
    key: str,
    accept: str = "text/event-stream",
) -> AsyncIterator[Events]:
    """The answer to a request that takes an event stream, until the block ends."""
    headers = {"authorization": f"Bearer {key}", "accept": accept, "content-type": "application/json"}
    connection = _Connection(gatehouse.app, _scope("http", headers, scheme="http", method="POST"))
    body = orjson.dumps({"query": query, "variables": variables})
    connection.to_app.put_nowait({"type": "http.request", "body": body, "more_body": False})
    start = await connection.next()
    told = {name.decode(): value.decode() for name, value in start["headers"]}
    try:
        yield Events(connection, start["status"], told)
    finally:
        connection.reads.set()
        await connection.leave({"type": "http.disconnect"})


class Watcher:
    """A subscription, whatever it comes over."""

    def __init__(self, over: Socket | Events) -> None:
        self.over = over

    async def next(self, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """The data of the next event, under the field's name; raises Over with the errors when it has ended by them."""
        if isinstance(self.over, Socket):
            message = await self.over.receive(seconds)
            if message["type"] == "error":
                raise Over(message["payload"])
            assert message["type"] == "next", message
            body = message["payload"]
        else:
            event, body = await self.over.next(seconds)
            assert event == "next", event
            if "data" not in body:
                assert await self.over.next() == ("complete", None)
                raise Over(body["errors"])
        assert "errors" not in body, body
        found: dict[str, Any] = body["data"]
        (value,) = found.values()
        assert isinstance(value, dict)
        return value

    async def is_silent(self, seconds: float = 0.3) -> bool:
        """Whether there is nothing to tell for so long."""
        try:
            await self.next(seconds)
        except TimeoutError:
            return True
        return False


class Over(Exception):
    """The subscription has ended, or never began, because of these errors."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        self.codes = [error["extensions"]["code"] for error in errors]
        self.messages = [error["message"] for error in errors]
        super().__init__(" ".join((*self.codes, *self.messages)))


TRANSPORTS = ("websocket", "sse")


@asynccontextmanager
async def watching(
    gatehouse: Gatehouse,
    transport: str,
    query: str,
    variables: Mapping[str, Any] | None = None,
    *,
    role: str = "ADMIN",
    client: str | None = None,
    key: str | None = None,
) -> AsyncIterator[Watcher]:
    """A subscription that is being told: what is recorded in the block it hears of. Raises Over where it is refused."""
    key = key or await gatehouse.key(role, client)
    feed = gatehouse.app.state.feed
    before = feed.followers
    if transport == "websocket":
        async with socket(gatehouse) as over:
            await over.initialised(key)
            over.subscribe("1", query, variables)
            watcher = Watcher(over)
            await _begun(feed, before, watcher)
            yield watcher
    else:
        async with events(gatehouse, query, variables, key=key) as stream:
            if stream.status != 200:
                raise Over((await stream.body())["errors"])
            assert await stream.comment(), "the head of the stream"
            watcher = Watcher(stream)
            await _begun(feed, before, watcher)
            yield watcher
    await _until(lambda: feed.followers == before)


async def _until(is_so: Callable[[], bool]) -> None:
    for _ in range(int(PATIENCE_SECONDS / 0.005)):
        if is_so():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it is not so")


async def _begun(feed: Any, before: int, watcher: Watcher) -> None:
    over = watcher.over
    await _until(lambda: feed.followers > before or not over.has_nothing)
    if feed.followers == before:
        await watcher.next()
