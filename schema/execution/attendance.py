"""Work that somebody waits for: it ends when it takes too long, and when nobody waits any more."""

import asyncio
from types import TracebackType

from starlette.types import Receive

WATCHED_AFTER_SECONDS = 0.5
"""How long a request runs before anybody looks at its time, or whether its client is still there: most are over by
then, and have set one timer instead of one for each thing that may take too long."""


class TimedOut(Exception):
    """The work took too long and was stopped."""


class Disconnected(Exception):
    """The client has gone and the work was stopped."""


class Attended:
    """Cancels the block after so many seconds, or when the client has gone; raises TimedOut or Disconnected.

    A mutation too: its transaction is undone, its locks are free for the retry, and whether it was committed the moment
    before is what a client that hears no answer never knows.

    Only who has read the whole body can tell that its client has gone: a block that still reads it says
    ``is_read=False``, and then ``has_read()``, from when its seconds are counted anew.
    """

    def __init__(self, receive: Receive, seconds: float, *, is_read: bool = True) -> None:
        self._receive = receive
        self._seconds = seconds
        self._is_read = is_read
        self._has_gone = False
        self._watcher: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Attended":
        self._loop = asyncio.get_running_loop()
        self._ends_at = self._loop.time() + self._seconds
        self._deadline = asyncio.timeout(None)
        await self._deadline.__aenter__()
        self._timer = self._loop.call_later(min(WATCHED_AFTER_SECONDS, self._seconds), self._look)
        return self

    def has_read(self) -> None:
        """The request is there as a whole: from now on its client is watched, and it has all its seconds."""
        self._is_read = True
        self._ends_at = self._loop.time() + self._seconds
        if self._deadline.when() is not None:
            self._look()

    def _look(self) -> None:
        """It takes a while: set the deadline that was meant from the beginning, and watch the client."""
        self._deadline.reschedule(self._ends_at)
        if self._is_read and self._watcher is None:
            self._watcher = self._loop.create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._has_gone = True
        if not self._deadline.expired():
            self._deadline.reschedule(self._loop.time())

    async def __aexit__(
        self, kind: type[BaseException] | None, cause: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        try:
            await self._deadline.__aexit__(kind, cause, trace)
        except TimeoutError:
            raise Disconnected if self._has_gone else TimedOut from None
        if isinstance(cause, TimeoutError) and self._deadline.expired():
            raise Disconnected if self._has_gone else TimedOut from None
