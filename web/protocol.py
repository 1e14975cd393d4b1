"""HTTP as uvicorn speaks it, but for what it forgets of requests that come one behind the other on a connection, and
for the time that the heads of answers take it."""

from functools import lru_cache

from uvicorn._types import ASGI3Application, ASGISendEvent
from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

LINES_REMEMBERED = 1_000


class Protocol(HttpToolsProtocol):
    """Tells the request that runs, too, that its client has gone.

    uvicorn tells the one that came last. Another, which runs while that one waits for its turn, would work on for
    nobody, with its connection to the database, and fail when it answers into what is closed.
    """

    _running: RequestResponseCycle | None = None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        cycle.__class__ = Cycle  # uvicorn, which makes them, asks nobody of which class
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def connection_lost(self, exc: Exception | None) -> None:
        """Mark it as uvicorn marks the last."""
        running = self._running
        if running is not None and not running.response_complete:
            running.disconnected = True
            running.message_event.set()
        super().connection_lost(exc)


class Cycle(RequestResponseCycle):
    """A request and its answer. An answer that is whole leaves in one piece, and its headers are looked at once.

    uvicorn searches each header of each answer for what may not be in it: with fifteen of them, a twentieth of the time
    of a short question. Whatever is unusual, it sends itself.
    """

    _head = b""
    """What is to be sent in front of the body."""

    async def send(self, message: ASGISendEvent) -> None:
        if self.disconnected or self.flow.write_paused:
            self._flush()
            await super().send(message)
        elif message["type"] == "http.response.start":
            if not self._begins(message["status"], [*self.default_headers, *message.get("headers", ())]):
                await super().send(message)
        elif not (self._head and message["type"] == "http.response.body" and self._ends(message)):
            self._flush()
            await super().send(message)

    def _begins(self, status: int, headers: list[tuple[bytes, bytes]]) -> bool:
        """Make the head of an answer of known length. False: it is of another kind."""
        if self.response_started or self.access_log:
            return False
        length, lines = None, [STATUS_LINE[status]]
        for name, value in headers:
            line = _line(name, value)
            if line is None:
                return False
            if name == b"content-length":
                length = int(value)
            lines.append(line)
        if length is None:
            return False
        lines.append(b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n")
        self._head = b"".join(lines)
        self.response_started, self.waiting_for_100_continue = True, False
        self.chunked_encoding, self.expected_content_length = False, length
        return True

    def _ends(self, message: ASGISendEvent) -> bool:
        """Send head and body. False: it is not the whole body."""
        body = message.get("body", b"")
        assert isinstance(body, bytes)
        if (
            message.get("more_body", False)
            or len(body) != self.expected_content_length
            or self.scope["method"] == "HEAD"
        ):
            return False
        self.transport.write(self._head + body)
        self._head = b""
        self.expected_content_length, self.response_complete = 0, True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
        return True

    def _flush(self) -> None:
        if self._head:
            self.transport.write(self._head)
            self._head = b""


@lru_cache(maxsize=LINES_REMEMBERED)
def _line(name: bytes, value: bytes) -> bytes | None:
    """A header as it is sent; None for one that uvicorn must look at, or refuse."""
    if name != name.lower() or name in (b"connection", b"transfer-encoding"):
        return None
    if HEADER_RE.search(name) or HEADER_VALUE_RE.search(value) or (name == b"content-length" and not value.isdigit()):
        return None
    return b"%b: %b\r\n" % (name, value)
