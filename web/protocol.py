"""HTTP as uvicorn speaks it, but for what it forgets of requests that come one behind the other on a connection, and
for the time that it takes over what comes again and again: the heads of requests and of answers."""

from asyncio import Event
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

from uvicorn._types import ASGI3Application, ASGIReceiveEvent, ASGISendEvent
from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from schema.execution.http import BODY, REPLY

HEADS_REMEMBERED = 1_000
"""Of requests, and of answers. Those of requests hold keys, as the memory of whoever looks at them does anyway."""

LONGEST_REMEMBERED = 2_000
"""Bytes of the head of a request."""

END_OF_HEAD = b"\r\n\r\n"

EXTENSIONS: dict[str, dict[object, object]] = {REPLY: {}}
"""Of ASGI: what else an application may send."""

Headers = tuple[tuple[bytes, bytes], ...]


class Known(NamedTuple):
    """What the head of a request says, in the same bytes as one that was understood before."""

    scope: dict[str, Any]
    """Of ASGI: what is the same on every connection."""
    length: int
    """Bytes of the body behind it."""


class _Nobody(Event):
    """Takes the place of what tells somebody who waits for more of a request that is there as a whole. Mostly nobody
    does, and then there is nothing to be told and none to be made for each request."""

    def set(self) -> None:
        """Nobody waits."""


NOBODY = _Nobody()


class Protocol(HttpToolsProtocol):
    """A request that is there as a whole, with a head that is known, is not parsed; any other is, by uvicorn.

    A client that stays asks with the same head again and again. To take it apart takes uvicorn and its parser's
    callbacks into Python five times as long as to find it.

    And the request that runs is told, too, that its client has gone. uvicorn tells the one that came last. Another,
    which runs while that one waits for its turn, would work on for nobody, with its connection to the database, and
    fail when it answers into what is closed.
    """

    _known: ClassVar[dict[bytes, Known]] = {}
    _running: RequestResponseCycle | None = None
    _begun = 0
    """How many requests have begun in what is being parsed."""
    _is_between = True
    """Whether nothing of the next request was parsed."""
    _idle_since: float | None = None

    def data_received(self, data: bytes) -> None:
        if not self._is_between or not (self.cycle is None or self.cycle.response_complete):
            super().data_received(data)
            return
        end = data.find(END_OF_HEAD) + len(END_OF_HEAD)
        known = self._known.get(data[:end])
        if known is not None and len(data) - end == known.length:
            self._begin(known, data[end:])
            return
        self._begun = 0
        super().data_received(data)
        if self._is_between and self._begun == 1 and end <= LONGEST_REMEMBERED:
            self._remember(data[:end], data[end:])

    def _begin(self, known: Known, body: bytes) -> None:
        """Do as uvicorn does when the parser has told it of all of the request."""
        self._idle_since = None
        scope = known.scope.copy()
        scope["server"], scope["client"], scope["scheme"] = self.server, self.client, self.scheme
        scope["state"] = self.app_state.copy()
        scope["extensions"] = {REPLY: {}, BODY: body}
        self.cycle = Cycle(
            scope=scope,  # type: ignore[arg-type]
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=NOBODY,
            expect_100_continue=False,
            keep_alive=True,
            on_response=self.on_response_complete,
        )
        self.cycle.whole = body
        self.cycle.more_body = False
        self._start_asgi_task(self.cycle, self.app)

    def _remember(self, head: bytes, body: bytes) -> None:
        """Keep what uvicorn made of a request, if whatever comes behind this head is one like it."""
        if self.root_path or self.limit_concurrency is not None or not self.cycle.keep_alive:
            return
        scope, headers = self.scope, tuple(self.headers)
        if self.cycle.body != body or self.expect_100_continue:
            return
        if len(self._known) >= HEADS_REMEMBERED:
            self._known.clear()
        same = {name: scope[name] for name in SAME}  # type: ignore[literal-required]
        self._known[head] = Known(same | {"headers": headers}, len(body))

    def on_message_begin(self) -> None:
        self._is_between = False
        self._begun += 1
        super().on_message_begin()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._is_between = not self.parser.should_upgrade()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        if type(cycle) is not Cycle:  # uvicorn, which makes most, asks nobody of which class
            cycle.__class__ = Cycle
            cycle.scope["extensions"] = EXTENSIONS
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """As uvicorn does, but that the timer of an idle connection runs on while it is used, to look again later."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_again_in(self.timeout_keep_alive)

    def timeout_keep_alive_handler(self) -> None:
        self.timeout_keep_alive_task = None
        if self._idle_since is None:
            return  # it is being used
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._look_again_in(left)
        else:
            super().timeout_keep_alive_handler()

    def _look_again_in(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        """Mark it as uvicorn marks the last."""
        running = self._running
        if running is not None and not running.response_complete:
            running.disconnected = True
            running.message_event.set()
        super().connection_lost(exc)


SAME = ("type", "asgi", "http_version", "root_path", "method", "path", "raw_path", "query_string")


class Cycle(RequestResponseCycle):
    """A request and its answer. An answer that an application has as a whole it sends as one message (``REPLY``), and
    it leaves in one piece, the headers that are always the same put into words once.

    uvicorn is told twice, and searches each header of each answer for what may not be in it: with fifteen of them, a
    tenth of the time of a short question. Whatever is unusual, it sends itself.
    """

    whole: bytes | None = None
    """The body, if it came with the head and nobody has taken it yet."""

    async def receive(self) -> ASGIReceiveEvent:
        if self.whole is None or self.disconnected or self.response_complete:
            if self.message_event is NOBODY:
                self.message_event = Event()
            return await super().receive()
        body, self.whole = self.whole, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: ASGISendEvent) -> None:
        if message["type"] != REPLY:
            await super().send(message)
            return
        reply: Any = message
        headers, body = reply["headers"], reply["body"]
        if not self._leaves(reply["status"], headers, body):
            said = [*headers, (b"content-length", b"%d" % len(body))]
            await super().send({"type": "http.response.start", "status": reply["status"], "headers": said})
            await super().send({"type": "http.response.body", "body": body})

    def _leaves(self, status: int, headers: Headers, body: bytes) -> bool:
        """Send it in one piece. False: it is not for that."""
        if self.disconnected or self.flow.write_paused or self.response_started or self.access_log:
            return False
        first, others = _lines(tuple(self.default_headers)), _lines(headers)
        if first is None or others is None or self.scope["method"] == "HEAD":
            return False
        end = END_OF_HEAD if self.keep_alive else b"\r\nconnection: close\r\n\r\n"
        self.transport.write(
            b"".join((STATUS_LINE[status], first, others, b"content-length: ", b"%d" % len(body), end, body))
        )
        self.response_started, self.waiting_for_100_continue = True, False
        self.chunked_encoding, self.response_complete = False, True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
        return True


@lru_cache(maxsize=HEADS_REMEMBERED)
def _lines(headers: Headers) -> bytes | None:
    """Headers as they are sent; None if among them is one that uvicorn must look at, or refuse."""
    lines = []
    for name, value in headers:
        if name != name.lower() or name in (b"connection", b"transfer-encoding", b"content-length"):
            return None
        if HEADER_RE.search(name) or HEADER_VALUE_RE.search(value):
            return None
        lines.append(b"%b: %b\r\n" % (name, value))
    return b"".join(lines)
