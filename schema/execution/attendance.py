"""Work that somebody waits for: it ends when it takes too long, and when nobody waits any more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request

WATCHED_AFTER_SECONDS = 0.5
"""How long an operation runs before anybody looks whether its client is still there: most are over by then."""


class TimedOut(Exception):
    """The work took too long and was stopped."""


class Disconnected(Exception):
    """The client has gone and the work was stopped."""


@asynccontextmanager
async def attended(request: Request, seconds: float) -> AsyncIterator[None]:
    """Cancel the block after so many seconds, or when the client has gone; raises TimedOut or Disconnected.

    A mutation too: its transaction is undone, its locks are free for the retry, and whether it was committed the moment
    before is what a client that hears no answer never knows. The body of the request must have been read.
    """
    loop = asyncio.get_running_loop()
    watcher: asyncio.Task[None] | None = None
    has_gone = False

    async def watch() -> None:
        nonlocal has_gone
        while (await request.receive())["type"] != "http.disconnect":
            pass
        has_gone = True
        deadline.reschedule(loop.time())

    def begin_to_watch() -> None:
        nonlocal watcher
        watcher = loop.create_task(watch())

    timer = loop.call_later(WATCHED_AFTER_SECONDS, begin_to_watch)
    deadline = asyncio.timeout(seconds)
    try:
        async with deadline:
            yield
    except TimeoutError:
        if has_gone:
            raise Disconnected from None
        if deadline.expired():
            raise TimedOut from None
        raise
    finally:
        timer.cancel()
        if watcher is not None:
            watcher.cancel()
