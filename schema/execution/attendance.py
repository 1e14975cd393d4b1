"""Work that somebody waits for: it ends when it takes too long, and when nobody waits any more."""

import asyncio
from types import TracebackType
from typing import ClassVar

from starlette.types import Receive

ROUND_SECONDS = 0.5
"""How often somebody looks at what is under way: at its time, and whether its client is still there. Most is over by
then, and has set no timer and watched no connection at all."""


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

    __slots__ = (
        "_canceled_before",
        "_deadline",
        "_ends_at",
        "_has_gone",
        "_is_over",
        "_is_read",
        "_loop",
        "_receive",
        "_round",
        "_seconds",
        "_task",
        "_watcher",
    )

    def __init__(self, receive: Receive, seconds: float, *, is_read: bool = True) -> None:
        self._receive = receive
        self._seconds = seconds
        self._is_read = is_read
        self._is_over = self._has_gone = False
        self._deadline: asyncio.TimerHandle | None = None
        self._watcher: asyncio.Task[None] | None = None

    def __enter__(self) -> "Attended":
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None
        self._loop, self._task, self._canceled_before = loop, task, task.cancelling()
        self._ends_at = loop.time() + self._seconds
        self._round = _Round.of(loop)
        if self._seconds > ROUND_SECONDS:
            self._round.join(self)
        else:
            self.look()
        return self

    def has_read(self) -> None:
        """The request is there as a whole: from now on its client is watched, and it has all its seconds."""
        self._is_read = True
        self._ends_at = self._loop.time() + self._seconds
        if self._deadline is not None:
            self.look()

    def look(self) -> None:
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
        self._round.leave(self)
        if self._deadline is not None:
            self._deadline.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        if self._is_over:
            is_ours = self._task.uncancel() <= self._canceled_before and kind is asyncio.CancelledError
            if is_ours or isinstance(cause, TimeoutError):
                raise Disconnected if self._has_gone else TimedOut from None


class _Round:
    """Goes round all that is under way in a loop, with one timer for all of it, and looks at each once."""

    _last: ClassVar["_Round | None"] = None

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: set[Attended] = set()
        self._is_due = False

    @classmethod
    def of(cls, loop: asyncio.AbstractEventLoop) -> "_Round":
        """The one of that loop: a process has but one, unless it is a test."""
        if cls._last is None or cls._last._loop is not loop:
            cls._last = cls(loop)
        return cls._last

    def join(self, one: Attended) -> None:
        """It is looked at within ``ROUND_SECONDS``, if it has not left."""
        self._waiting.add(one)
        if not self._is_due:
            self._is_due = True
            self._loop.call_later(ROUND_SECONDS, self._go)

    def leave(self, one: Attended) -> None:
        """It is over."""
        self._waiting.discard(one)

    def _go(self) -> None:
        self._is_due = False
        waiting, self._waiting = self._waiting, set()
        for one in waiting:
            one.look()
