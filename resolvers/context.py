"""What one operation works with: who asks, what time it is, and the way to the database."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from db.engine import Database, Read, Write
from db.sales_order import SalesChannel

from .actor import Actor
from .coalescing import Coalescer, Settling
from .group_commit import PATIENCE_SECONDS, GroupCommits
from .loaders import Loaders
from .policy import Extent, Permission, extent

if TYPE_CHECKING:
    from .feed import Feed


@dataclass(frozen=True, slots=True)
class Rules:
    """What an operator decides by settings; ``web.settings`` says what each means."""

    hold_seconds: int = 1500
    hold_seconds_by_channel: dict[SalesChannel, int] = field(default_factory=dict)
    time_zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    currency: str = "EUR"
    authorization_code_pattern: str = "[N*4]-[N*4]"
    lines_per_request: int = 100
    tickets_per_request: int = 1000

    def hold_of(self, channel: SalesChannel) -> int:
        """How long a request of that channel holds its places, in seconds."""
        return self.hold_seconds_by_channel.get(channel, self.hold_seconds)


class Context:
    """One operation's. ``now`` is the database's clock as the operation reads it: the same moment for all its fields.

    Every write renews ``now`` and the loaders, so that what is read after it is read anew.
    """

    def __init__(
        self,
        database: Database,
        actor: Actor,
        rules: Rules,
        feed: "Feed | None" = None,
        coalescer: Coalescer | None = None,
        group_commits: GroupCommits | None = None,
    ) -> None:
        self.database = database
        self.actor = actor
        self.rules = rules
        self.feed = feed
        """What subscribers follow; None where nobody can subscribe."""
        self.coalescer = coalescer
        """What brings its reads together with those of other operations; None where there are none."""
        self.group_commits = group_commits or GroupCommits()
        """What brings its changes together with those of other operations."""
        self.found_tickets: set[int] = set()
        """The tickets that a GATE named by their exact number: beside them their request and reference exist."""
        self._personal = self.extent(Permission.READ_PERSONAL)
        self._is_watched = self._personal is Extent.ALL
        self.viewed: dict[int, Any] = {}
        """The rows of which personal data was shown to who sees everybody's, by their identity: see ``shows``."""
        self.sole_task: asyncio.Task[Any] | None = None
        """The task for which alone the operation waits now, if it is known to be the only one: see ``Loaders.load``."""
        self._readers: set[asyncio.Task[Any]] = set()
        self._is_closed = False
        self._renew()

    def _renew(self, now: datetime | None = None) -> None:
        self._now, self._has_peers = now, False
        self._settling: Settling | None = None
        self.__dict__.pop("loaders", None)

    @cached_property
    def loaders(self) -> Loaders:
        """What it reads through. Not every operation does: one that runs with others reads through theirs."""
        return Loaders(self)

    @property
    def now(self) -> datetime:
        """Settled when it is first looked at, or with others when they first read together."""
        if self._now is None:
            if self._settling is None:
                self._now = self.database.now()
            else:
                self._settling.settle()
                assert self._now is not None
        return self._now

    def peers(self) -> Hashable | None:
        """Equal for operations that any batch function answers the same. None: there is no other of that kind.

        What a gate sees depends on what it has found; and who settled on a moment alone shares it with nobody, as who
        has written something, which nobody's moment must precede.
        """
        if self._settling is not None:
            self._settling.settle()
        if self._now is not None and not self._has_peers:
            return None
        return None if self.extent(Permission.READ_TICKETS) is Extent.EXACT else (self.actor, self._now)

    @property
    def is_unsettled(self) -> bool:
        """Whether ``now`` is open."""
        return self._now is None

    def settle_with(self, others: Settling) -> None:
        """Settle on a moment with others, when they begin to read."""
        self._settling, self._has_peers = others, True

    def settle(self, now: datetime) -> None:
        """This is the moment."""
        self._now, self._settling = now, None

    def part(self) -> None:
        """Nobody else has settled on that moment."""
        self._has_peers = False

    async def close(self) -> None:
        """End what the operation has left reading: for fields that failed, were canceled or ran out of time.

        Afterwards every connection has been given back, and no other is taken.
        """
        self._is_closed = True
        while self._readers:
            for reader in self._readers:
                reader.cancel()
            await asyncio.wait(set(self._readers))
        if "loaders" in self.__dict__:
            self.loaders.forget()

    def extent(self, permission: Permission) -> Extent:
        """How far the permission reaches for who asks."""
        return extent(self.actor.role, permission)

    def may_see_personal(self, client_id: int | None) -> bool:
        """Whether e-mail, phone, name and code of what that client made (or first wrote) may be shown."""
        return self._is_watched or (self._personal is Extent.OWN and client_id == self.actor.client_id)

    def shows(self, row: Any) -> None:
        """Personal data of a customer, a request or something of a request is shown: if to who sees everybody's, it is
        written down (``resolvers.views``)."""
        if self._is_watched:
            self.viewed[id(row)] = row

    def reading(self) -> AbstractAsyncContextManager[Read]:
        """A connection to read with, for one batch."""
        return _Reading(self.database.reading(), self._readers, self._reader())

    def attending(self) -> AbstractContextManager[None]:
        """Around waiting for what others read as well: that ends with the operation, too."""
        return _Attending(self._readers, self._reader())

    def _reader(self) -> asyncio.Task[Any]:
        """The task that is about to read. Raises CancelledError when the operation is over."""
        task = asyncio.current_task()
        if self._is_closed or task is None:
            raise asyncio.CancelledError
        return task

    @asynccontextmanager
    async def writing(self, *others: "Context") -> AsyncIterator[Write]:
        """One transaction for one mutation field of this operation: the only place of begin and commit.

        With ``others`` it is for a field of each of them, too, and waits for locks no longer than a group may.
        """
        try:
            async with self.database.writing(PATIENCE_SECONDS if others else None) as write:
                yield write
        finally:
            for context in (self, *others):
                context._renew(self.database.now())


class _Attending:
    """See ``Context.attending``. Of its own, and not a generator's: every operation that has company passes it."""

    __slots__ = ("_readers", "_task")

    def __init__(self, readers: set[asyncio.Task[Any]], task: asyncio.Task[Any]) -> None:
        self._readers = readers
        self._task = task

    def __enter__(self) -> None:
        self._readers.add(self._task)

    def __exit__(self, *_: object) -> None:
        self._readers.discard(self._task)


class _Reading:
    """See ``Context.reading``: the connection, and a note of the task that has it or waits for it."""

    __slots__ = ("_connection", "_readers", "_task")

    def __init__(
        self,
        connection: AbstractAsyncContextManager[Read],
        readers: set[asyncio.Task[Any]],
        task: asyncio.Task[Any],
    ) -> None:
        self._connection = connection
        self._readers = readers
        self._task = task

    async def __aenter__(self) -> Read:
        self._readers.add(self._task)
        try:
            return await self._connection.__aenter__()
        except BaseException:
            self._readers.discard(self._task)
            raise

    async def __aexit__(self, *raised: Any) -> None:
        self._readers.discard(self._task)
        await self._connection.__aexit__(*raised)
