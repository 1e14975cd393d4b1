"""HTTP as uvicorn speaks it, but for what it forgets of requests that come one behind the other on a connection."""

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle


class Protocol(HttpToolsProtocol):
    """Tells the request that runs, too, that its client has gone.

    uvicorn tells the one that came last. Another, which runs while that one waits for its turn, would work on for
    nobody, with its connection to the database, and fail when it answers into what is closed.
    """

    _running: RequestResponseCycle | None = None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def connection_lost(self, exc: Exception | None) -> None:
        """Mark it as uvicorn marks the last."""
        running = self._running
        if running is not None and not running.response_complete:
            running.disconnected = True
            running.message_event.set()
        super().connection_lost(exc)
