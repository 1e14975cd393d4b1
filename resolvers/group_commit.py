"""Group commit: changes that are asked for at the same moment are made in one transaction.

To write down a sale takes PostgreSQL longer for its statements, and for putting it on the disk, than for its rows. Of a
shop that sells to sixteen guests at once, sixteen sales are one transaction, in which each is decided by what those
before it have left. So it is as if they had come one after the other; only that all of them are there, or none, when
the machine fails.

Who comes while nobody is under way begins at once; who comes meanwhile goes with all others that do, when that one is
over. So groups are as large as they must be: where changes come faster than they are made, more go together. A group
that is full waits for nobody. And who comes soon after several have gone together waits for the moment in which the
others come again: else the first of sixteen goes alone each time, which takes nearly as long as a group, and the others
wait for it.

Nobody is the worse for it. What goes wrong before the commit, whatever it is, undoes it for all, and each of them is
made alone, as if there had been no group; so does a lock that is not to be had soon. Who leaves a group that has set
out undoes it, too: a change that is told to have been stopped has not been made. None of this holds from the commit on:
then it is as it turns out for all.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import structlog

from db.driver import LOCKED_OUT, is_out_of_reach

from .coalescing import Shared, gathered

if TYPE_CHECKING:
    from .context import Context

A = TypeVar("A")
R = TypeVar("R")

log = structlog.get_logger("gatehouse")

CHANGES_AT_ONCE = 32
"""With so many nearly all of the time is each change's own; and while the database works for some, the server does for
others: of sixty-four buyers with larger groups it would not."""

WEIGHT_AT_ONCE = 200
"""What is told of each change when it is asked for is its weight: tickets, say. So many are written in some ten
milliseconds, for which others wait that want the same."""

BEHIND_SECONDS = 0.05
"""How long a group waits at most for who is in front of it. Mostly that takes some milliseconds; on a machine that has
too much to do it takes longer, and the more go together then."""

COMPANY_SECONDS = 0.05
"""How long after a group was made nobody is taken to be alone."""

PATIENCE_SECONDS = 0.25
"""How long a group waits for a lock. Who holds one for longer may keep those waiting that want the very same, and not
those who came with them."""

APART_SECONDS = 3.0
"""How long changes are made alone after a group has waited for a lock in vain. Those who want it keep coming, mostly,
and each group with one of them would keep the others' locks for as long as it waits. So long, too, is made alone what
has parted a group by its name."""

NAMES_APART = 1_000
"""How many of these names are remembered."""


class Ungrouped(Exception):
    """What was begun for one of a group must be undone, so it is for all: each is made alone. That one has this name,
    by which it is known if it is asked for again."""

    def __init__(self, name: object) -> None:
        self.name = name


Together = Callable[[Sequence[A], Callable[[], None]], Awaitable[Sequence[R]]]
"""Makes changes of a kind, and answers for each what came of it. It is given the changes in their order, and what is to
be called when all is decided and only the commit is left."""


class GroupCommit(Generic[A, R]):
    """Brings those together who want to change something of that kind."""

    def __init__(self, together: Together[A, R]) -> None:
        self._made_together = together
        self._open: _Group | None = None
        self._in_front: _Group | _Alone | None = None
        self._apart_until = self._company_until = 0.0
        self._names_apart: dict[object, float] = {}
        """Until when what is told by these names is made alone."""

    @property
    def go_together(self) -> bool:
        """Whether who comes now goes with others: behind somebody who is under way, or soon after a group."""
        now = time.monotonic()
        return (self._is_busy or now < self._company_until) and now >= self._apart_until

    @property
    def _is_busy(self) -> bool:
        return self._in_front is not None and not self._in_front.is_over

    def alone(self) -> AbstractContextManager[None]:
        """Around a change that is made alone."""
        alone = _Alone()
        if not self._is_busy:
            self._in_front = alone
        return alone

    async def answer(
        self, context: "Context", asked: A, *, weight: int = 1, names: Collection[object] = ()
    ) -> R | None:
        """What came of a change; None if nothing did, and it is to be made alone: see ``go_together``.

        No two that go together have one of the ``names`` in common: the second would have to wait for the first.
        Raises what the commit raises, or what a database that is out of reach does.
        """
        if not self.go_together or weight > WEIGHT_AT_ONCE or self._are_apart(names):
            return None
        with context.attending():
            group = self._open
            if group is None or not group.has_room_for(weight):
                assert self._in_front is not None
                group = self._open = self._in_front = _Group(self._together, self._in_front)
            if not group.joined(asked, weight, names):
                return None
            try:
                found: R | None = await group.answer(asked)
                return found
            finally:
                if group.is_over and self._open is group:
                    self._open = None

    async def _together(self, asked: Sequence[A], decided: Callable[[], None]) -> Sequence[R]:
        try:
            answers = await self._made_together(asked, decided)
        except LOCKED_OUT:
            self._apart_until = time.monotonic() + APART_SECONDS
            raise
        except Ungrouped as found:
            if len(self._names_apart) >= NAMES_APART:
                self._names_apart.clear()
            self._names_apart[found.name] = time.monotonic() + APART_SECONDS
            raise
        if len(asked) > 1:
            self._company_until = time.monotonic() + COMPANY_SECONDS
        return answers

    def _are_apart(self, names: Collection[object]) -> bool:
        return any(self._names_apart.get(name, 0.0) > time.monotonic() for name in names)


class GroupCommits:
    """Those of one process, by what they do."""

    def __init__(self) -> None:
        self._known: dict[Together[Any, Any], GroupCommit[Any, Any]] = {}

    def of(self, together: Together[A, R]) -> GroupCommit[A, R]:
        """Who makes such changes."""
        if together not in self._known:
            self._known[together] = GroupCommit(together)
        return self._known[together]


class _Alone:
    """Who is under way alone."""

    def __init__(self) -> None:
        self.end: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def is_over(self) -> bool:
        return self.end.done()

    def __enter__(self) -> None:
        """It begins."""

    def __exit__(self, *_: object) -> None:
        self.end.set_result(None)


class _Group(Shared):
    """Those who go together."""

    def __init__(self, together: Together[Any, Any], in_front: "_Group | _Alone") -> None:
        self._together = together
        self._in_front: _Group | _Alone | None = in_front
        self._asked: list[Any] = []
        self._names: set[object] = set()
        self._full: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._weight = 0
        self._answers: dict[int, Any] = {}
        self._cause: Exception | None = None
        self._is_closed = self._is_final = False
        super().__init__(self._work)

    def has_room_for(self, weight: int) -> bool:
        """Whether it has not set out, and so much more is not too much."""
        is_open = not (self._is_closed or self.is_over or self._full.done())
        return is_open and len(self._asked) < CHANGES_AT_ONCE and self._weight + weight <= WEIGHT_AT_ONCE

    def joined(self, asked: Any, weight: int, names: Collection[object]) -> bool:
        """Whether one more goes with it: not, if somebody does who is told by one of these names."""
        if not self._names.isdisjoint(names):
            return False
        self._asked.append(asked)
        self._names.update(names)
        self._weight += weight
        if not self.has_room_for(1):
            self._full.set_result(None)
        return True

    async def answer(self, asked: Any) -> Any:
        """What came of that change."""
        try:
            await self.wait()
        except asyncio.CancelledError:
            if not self._is_closed:
                self._asked = [one for one in self._asked if one is not asked]
            raise
        if self._cause is not None:
            raise self._cause
        return self._answers.get(id(asked))

    def _ends_with_who_leaves(self) -> bool:
        return self._is_closed or super()._ends_with_who_leaves()

    def _stop(self) -> None:
        if not self._is_final:  # else it is waited for, as any commit is
            super()._stop()

    async def _work(self) -> None:
        """Wait for who is in front, unless it is full, and until no more join; then do it for all."""
        in_front, self._in_front = self._in_front, None
        assert in_front is not None
        first = asyncio.FIRST_COMPLETED
        await asyncio.wait((in_front.end, self._full), timeout=BEHIND_SECONDS, return_when=first)
        await gathered(lambda: len(self._asked))
        self._is_closed = True
        try:
            answers = await self._together(self._asked, self._decided)
            self._answers = {id(asked): answer for asked, answer in zip(self._asked, answers, strict=True)}
        except Exception as cause:
            if self._is_final or is_out_of_reach(cause):
                self._cause = cause
            else:
                log.info("group_commit", changes=len(self._asked), dissolved=type(cause).__name__)

    def _decided(self) -> None:
        self._is_final = True
