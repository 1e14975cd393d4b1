"""Reads that several operations ask for at the same moment, in one.

Sixteen counters that look up sixteen tickets ask the same batch function for sixteen keys. To ask the database once for
all of them takes it, and us, hardly longer than to ask for one. Only those share who would be told the same: the same
client in the same role, at the same ``now``, which they settle on when the read begins; and nothing is kept: a read
begins after the last of those who share it has asked.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Hashable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from db.abreast import abreast
from db.driver import is_out_of_reach
from db.engine import Database, statements

if TYPE_CHECKING:
    from .context import Context
    from .loaders import Wanted

GATHERED_SECONDS = 0.003
"""How long others may join at most. They do while each turn of the event loop brings more of them; mostly that is over
much earlier."""

KEYS_AT_MOST = 200
"""Of each batch function. With more of them time goes to the rows, which are not fewer for being read together; and who
is answered first should not wait until all are made."""


async def gathered(size: Callable[[], int]) -> None:
    """Return when two turns of the event loop bring nobody more, or the time is over: whose request comes in one turn,
    behind what was waiting for it, gets to say in the next what it asks."""
    before, until = 0, time.monotonic() + GATHERED_SECONDS
    while before < (now := size()) and time.monotonic() < until:
        before = now
        await asyncio.sleep(0)
        await asyncio.sleep(0)


class Settling(Protocol):
    """Operations that have yet to settle on a moment."""

    def settle(self) -> None:
        """Settle on this moment."""


class UnderWay:
    """Is entered (``with``) by each that is under way, and knows whether there is more than one."""

    number = 0
    """How many there are."""

    def __enter__(self) -> None:
        self.number += 1

    def __exit__(self, *_: object) -> None:
        self.number -= 1

    @property
    def is_alone(self) -> bool:
        """Whether nobody else is there."""
        return self.number < 2


class Coalescer(UnderWay):
    """Brings readers together. Who is alone reads at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._open: dict[Hashable, _Group] = {}

    async def read(self, context: "Context", wanted: Sequence["Wanted"]) -> Sequence[Any] | None:
        """What each of the batch functions answers for these keys, and for others' as well.

        None if it is for this operation alone to read: nobody is there to share with; or what was asked together
        failed, and another's keys may be the cause.
        """
        if self.is_alone or (peers := context.peers()) is None:
            return None
        if any(len(one.keys) > KEYS_AT_MOST for one in wanted):
            return None
        asked = (peers, *[(one.batch, one.arguments, one.columns) for one in wanted])
        with context.attending():
            group = self._open.get(asked)
            if group is None or not group.has_room_for(wanted):
                group = self._open[asked] = _Group(self._database, context, wanted)
            else:
                group.join(context, wanted)
            try:
                answers = await group.answers()
            finally:
                if group.is_over and self._open.get(asked) is group:
                    del self._open[asked]
        if answers is None:
            return None
        if group.size == 1:
            context.part()
        elif any(isinstance(answer, Exception) and not is_out_of_reach(answer) for answer in answers):
            return None
        return answers


class Shared:
    """Work that several wait for, in a task of its own: who leaves does not end it for the others; the last does."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._waiting: list[asyncio.Future[None]] = []
        self._statements: list[str] = []
        self.is_over = False
        self.end = asyncio.get_running_loop().create_task(self._done(work))

    async def wait(self) -> None:
        """Return when it is over, one way or another."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            await future
        except asyncio.CancelledError:
            if self._ends_with_who_leaves():
                self._stop()
                await asyncio.wait([self.end])
            raise
        if (counted := statements.get()) is not None:
            counted.extend(self._statements)

    def _ends_with_who_leaves(self) -> bool:
        return all(one.cancelled() for one in self._waiting)

    def _stop(self) -> None:
        if not self.is_over:
            self.is_over = True
            self.end.cancel()
            self.end.add_done_callback(lambda _: self._wake())  # what has not begun has no end of its own

    def _wake(self) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    async def _done(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        statements.set(self._statements)
        try:
            await work()
        except asyncio.CancelledError:
            if not self.is_over:
                raise
            # Else it was stopped, and ends: as a task that was canceled it would keep its frames, and who is in them.
        finally:
            self.is_over = True
            self._wake()


class _Group(Shared):
    """Operations that share a read; the first of them says how it is read."""

    def __init__(self, database: Database, context: "Context", wanted: Sequence["Wanted"]) -> None:
        self._database = database
        self._context = context
        self._wanted = wanted
        self._keys: list[dict[Any, None]] = [dict.fromkeys(one.keys) for one in wanted]
        self._settling: list[Context] = []
        self._answers: Sequence[Any] | None = None
        self._is_closed = False
        self.size = 0
        self.join(context, wanted)
        super().__init__(self._work)

    def has_room_for(self, wanted: Sequence["Wanted"]) -> bool:
        """Whether it may be joined, and so many keys more are not too many."""
        if self.is_over or self._is_closed:
            return False
        sizes = zip(self._keys, wanted, strict=True)
        return all(len(keys) + len(one.keys) <= KEYS_AT_MOST for keys, one in sizes)

    def join(self, context: "Context", wanted: Sequence["Wanted"]) -> None:
        """One operation more, with its keys; its moment is going to be that of the group."""
        self.size += 1
        if context.is_unsettled:
            self._settling.append(context)
            context.settle_with(self)
        for keys, one in zip(self._keys, wanted, strict=True):
            keys.update(dict.fromkeys(one.keys))

    def settle(self) -> None:
        """Settle on this moment, because the read begins, or because one of them has to know: then no more join."""
        if self._settling:
            self._is_closed = True
            now = self._database.now()
            for context in self._settling:
                context.settle(now)
            self._settling.clear()

    async def answers(self) -> Sequence[Any] | None:
        """What was read; None if nothing was."""
        await self.wait()
        return self._answers

    async def _work(self) -> None:
        """Wait until no more join; then read, on one connection, for all."""
        await gathered(lambda: self.size)
        self._is_closed = True
        wanted = [one._replace(keys=list(keys)) for one, keys in zip(self._wanted, self._keys, strict=True)]
        try:
            async with self._database.reading() as read:
                self.settle()
                self._answers = await abreast(read, [partial(one.read, self._context) for one in wanted])
        except Exception as cause:
            self._answers = [cause] * len(wanted)
