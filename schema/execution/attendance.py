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
        self._is_over = self._has_gone = False
        self._deadline: asyncio.TimerHandle | None = None
        self._watcher: asyncio.Task[None] | None = None

    def __enter__(self) -> "Attended":
        task = asyncio.current_task()
        assert task is not None
        self._task, self._canceled_before = task, task.cancelling()
        self._loop = asyncio.get_running_loop()
        self._ends_at = self._loop.time() + self._seconds
        self._timer = self._loop.call_later(min(WATCHED_AFTER_SECONDS, self._seconds), self._look)
        return self

    def has_read(self) -> None:
        """The request is there as a whole: from now on its client is watched, and it has all its seconds."""
        self._is_read = True
        self._ends_at = self._loop.time() + self._seconds
        if self._deadline is not None:
            self._look()

    def _look(self) -> None:
        """It takes a while: set the deadline that was meant from the beginning, and watch the client."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self._loop.call_at(self._ends_at, self._end)
        if self._is_read and self._watcher is None:
            self._watcher = self._loop.create_task(self._watch())

    def _end(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._task.cancel()

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._has_gone = not self._is_over
        self._end()

    def __exit__(self, kind: type[BaseException] | None, cause: BaseException | None, _: TracebackType | None) -> None:
        """As ``asyncio.timeout`` does: who is canceled by others as well, is canceled."""
        self._timer.cancel()
        if self._deadline is not None:
            self._deadline.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        if self._is_over:
            is_ours = self._task.uncancel() <= self._canceled_before and kind is asyncio.CancelledError
            if is_ours or isinstance(cause, TimeoutError):
                raise Disconnected if self._has_gone else TimedOut from None
