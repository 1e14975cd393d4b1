"""How a server that is told to stop takes leave of the connections that stay open."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from types import FrameType


@contextlib.contextmanager
def said(close: Callable[[], Awaitable[None]]) -> Iterator[None]:
    """While the block runs, a signal to stop first closes what stays open, and then does what it would have done.

    uvicorn would end such connections itself, with a code that says less, or wait for them until its patience ends. A
    second signal is not held back.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop, is_asked = asyncio.get_running_loop(), False
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    parting: set[asyncio.Task[None]] = set()

    async def part(number: int, frame: FrameType | None) -> None:
        try:
            await close()
        finally:
            handler = before[signal.Signals(number)]
            if callable(handler):
                handler(number, frame)

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal is_asked
        handler = before[signal.Signals(number)]
        if is_asked and callable(handler):
            handler(number, frame)
            return
        is_asked = True
        loop.call_soon_threadsafe(lambda: parting.add(loop.create_task(part(number, frame))))

    held = [number for number, handler in before.items() if callable(handler)]
    for number in held:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in held:
            signal.signal(number, before[number])
