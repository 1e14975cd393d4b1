"""Reads that several operations ask for at the same moment, in one.

Sixteen counters that look up sixteen tickets ask the same batch function for sixteen keys. To ask the database once for
all of them takes it, and us, hardly longer than to ask for one. Only those share who would be told the same: the same
client in the same role, at the same ``now``, which they settle on together; and nothing is kept: a read begins after
the last of those who share it has asked.
"""

import asyncio
import time
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

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
    """Return when a turn of the event loop brings nobody more, or the time is over."""
    before, until = 0, time.monotonic() + GATHERED_SECONDS
    while before < (now := size()) and time.monotonic() < until:
        before = now
        await asyncio.sleep(0)


class Coalescer:
    """Brings readers together. It is entered (``with``) by each that is under way: who is alone reads at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._under_way = 0
        self._open: dict[Hashable, _Group] = {}

    def __enter__(self) -> None:
        self._under_way += 1

    def __exit__(self, *_: object) -> None:
        self._under_way -= 1

    async def read(self, context: "Context", wanted: Sequence["Wanted"]) -> Sequence[Any] | None:
        """What each of the batch functions answers for these keys, and for others' as well.

        None if it is for this operation alone to read: nobody is there to share with; or what was asked together
        failed, and another's keys may be the cause.
        """
        if self._under_way < 2 or (company := context.company()) is None:
            return None
        if any(len(one.keys) > KEYS_AT_MOST for one in wanted):
            return None
        asked = (company, *[(one.batch, one.arguments, one.columns) for one in wanted])
        with context.attending():
            group = self._open.get(asked)
            if group is None or not group.has_room_for(wanted):
                group = self._open[asked] = _Group(context, wanted)
                group.begin(self._gather(group, asked))
            else:
                group.join(context, wanted)
            answers = await group.answers()
        if group.size == 1:
            context.part()
        elif any(isinstance(answer, Exception) and not is_out_of_reach(answer) for answer in answers):
            return None
        return answers

    async def _gather(self, group: "_Group", asked: Hashable) -> None:
        """Wait until no more join; then read."""
        try:
            await gathered(lambda: group.size)
        finally:
            if self._open.get(asked) is group:
                del self._open[asked]
        await group.read(self._database)


class _Group:
    """Operations that share a read; the first of them says how it is read."""

    def __init__(self, context: "Context", wanted: Sequence["Wanted"]) -> None:
        self._context = context
        self._wanted = wanted
        self._keys: list[dict[Any, None]] = [dict.fromkeys(one.keys) for one in wanted]
        self._waiting: list[asyncio.Future[Sequence[Any]]] = []
        self._run: list[str] = []
        self._is_over = False
        self._now = context.now
        self.size = 1
        context.join(self._now)

    def begin(self, work: Any) -> None:
        """Work for the group, in a task of its own: who leaves it does not end it for the others."""
        self._task = asyncio.get_running_loop().create_task(work)

    def has_room_for(self, wanted: Sequence["Wanted"]) -> bool:
        """Whether it may be joined, and so many keys more are not too many."""
        if self._is_over:
            return False
        sizes = zip(self._keys, wanted, strict=True)
        return all(len(keys) + len(one.keys) <= KEYS_AT_MOST for keys, one in sizes)

    def join(self, context: "Context", wanted: Sequence["Wanted"]) -> None:
        """One operation more, with its keys; its moment is that of the group."""
        context.join(self._now)
        self.size += 1
        for keys, one in zip(self._keys, wanted, strict=True):
            keys.update(dict.fromkeys(one.keys))

    async def answers(self) -> Sequence[Any]:
        """What was read. Who was the last to wait for it and does so no more, ends the work."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            found: Sequence[Any] = await future
        except asyncio.CancelledError:
            if all(one.cancelled() for one in self._waiting):
                if not self._is_over:
                    self._is_over = True
                    self._task.cancel()
                await asyncio.wait([self._task])
            raise
        if (counted := statements.get()) is not None:
            counted.extend(self._run)
        return found

    async def read(self, database: Database) -> None:
        """Read, on one connection, and tell those who wait."""
        statements.set(self._run)
        wanted = [one._replace(keys=list(keys)) for one, keys in zip(self._wanted, self._keys, strict=True)]
        answers: Sequence[Any]
        try:
            async with database.reading() as read:
                answers = await abreast(read, [partial(one.read, self._context) for one in wanted])
        except Exception as cause:
            answers = [cause] * len(wanted)
        for future in self._waiting:
            if not future.done():
                future.set_result(answers)
