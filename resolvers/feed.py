"""What subscribers are told: events as they are committed, by every process, and slots whose numbers change.

One task reads the events of everybody, once, whoever and however many watch; what each may see of them and has asked
for is decided on what was read, and for those who resume from further back by the database. Nothing is queued for a
subscriber: each has a position and goes on from there when it is ready, among the events that are remembered, or else
in the database. So one who is slow costs no memory and misses nothing, and a position taken from one process is good
for any other. Where nobody watches, nothing is read.
"""

import asyncio
import contextvars
import time
from bisect import bisect_right
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog

import db
from db.engine import Database
from db.news import News
from db.paging import Window
from db.time_slot import TimeSlotRow
from db.timeline import AS_RECORDED, Position, RequestEventRow, Standing, Told

from . import timeline, visibility
from .capacity import SlotUse
from .context import Context
from .refusals import BadUserInput
from .slot_use import uses_of

log = structlog.get_logger("gatehouse")

REMEMBERED_EVENTS = 2_000
"""How many events are remembered for subscribers that are a little behind."""

AT_ONCE = 500
"""How many events one statement reads."""

CAUGHT_UP_AT_ONCE = 100
"""How many events a subscriber that is far behind reads at once."""

GATHER_SECONDS = 0.02
"""How long after reading it waits before it reads again: what is committed meanwhile is one page."""

UNASKED_SECONDS = 1.0
"""How often it looks without news: a process may end between its commit and telling of it."""

UNSETTLED_SECONDS = (0.02, 0.5)
"""How often it looks while events wait for an older transaction to end: at first, and after a while."""

MERGE_SECONDS = 0.4
"""How often the numbers of slots are compared at most: what changes meanwhile is told once."""

HOLDS_SECONDS = 1.0
"""How often they are compared unasked while places are held: nobody commits anything when a hold runs out."""

LEISURE = 10
"""For so many times as long as it took to compare the numbers of an admission they are then left alone."""


class Feed:
    """Tells subscribers of events and slots. Whoever makes one closes it."""

    def __init__(self, database: Database, news: News) -> None:
        self._database = database
        self._news = news
        self.followers = 0
        """How many subscriptions are told of events, or of slots."""
        self._of_events = 0
        self._reading: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._events: list[Told] = []
        self._since: Position = (0, 0)
        """Everything behind here that has been told of is among ``_events``."""
        self._until: Position = (0, 0)
        self._arrival: asyncio.Future[None] | None = None
        self._histories = 0
        """How many histories have ended: a position of one means nothing in the next."""
        self._watches: dict[int, _Watch] = {}
        news.on_connect = self.look_again

    async def close(self) -> None:
        """Read no more."""
        for watch in list(self._watches.values()):
            await watch.close()
        await _ended(self._reading)
        self._reading = None

    async def look_again(self) -> None:
        """Find out, on a new connection, whether the database is still the one that the events are of.

        Where it is not, whoever follows is told so and ends: to go on from a position would miss or repeat.
        """
        has_ended = await db.history.keep(self._database)
        if not has_ended and self._events:
            last = self._events[-1].event
            async with self._database.reading() as read:
                window = Window(0, AS_RECORDED, last.position, mark=last.mark)
                has_ended = await db.timeline.standing(read, window) is not Standing.KNOWN
        if has_ended:
            self._histories += 1
            await _ended(self._reading)
            self._reading = None
            self._events = []
            self._announce()

    # -------------------------------------------------------------------------------------------- events

    async def begin(self, context: Context, window: Window) -> Position:
        """Where a subscriber begins: behind the event of its cursor, or behind all there is.

        Raises BadUserInput for a cursor of another history.
        """
        async with context.reading() as read:
            if window.position is None:
                return await db.timeline.end(read)
            await timeline.check(read, window)
            return window.position

    async def events(
        self, context: Context, position: Position, given: Mapping[str, Any]
    ) -> AsyncIterator[RequestEventRow]:
        """Every event behind the position that the context's actor may see and that meets the conditions, in order.

        Each once, as soon as it is settled, for ever. Raises BadUserInput when the database is set back or replaced.
        """
        histories = self._histories
        where = db.conditions.all_of(visibility.events(context), db.timeline.matching(given))
        async with self._following():
            while True:
                if histories != self._histories:
                    raise BadUserInput(timeline.NOT_HERE[Standing.OTHER_EPOCH])
                if position < self._since:
                    until = self._until
                    while True:
                        async with self._database.reading() as read:
                            page = await db.timeline.between(read, position, until, CAUGHT_UP_AT_ONCE, where=where)
                        for event in page.rows:
                            position = event.position
                            yield event
                        if not page.has_next:
                            break
                    position = max(position, until)
                    continue
                first = bisect_right(self._events, position, key=lambda told: told.event.position)
                told = self._events[first : first + CAUGHT_UP_AT_ONCE]
                if not told:
                    await self._arrived()
                for one in told:
                    position = one.event.position
                    if visibility.is_told(context, one) and db.timeline.is_matching(one, given):
                        yield one.event

    @asynccontextmanager
    async def _following(self) -> AsyncIterator[None]:
        """Events are read from when the first subscriber comes until the last one goes."""
        self._of_events += 1
        try:
            async with self._starting:
                if self._reading is None or self._reading.done():
                    async with self._database.reading() as read:
                        self._since = self._until = await db.timeline.end(read)
                    self._events = []
                    self._reading = _task(self._read())
            self.followers += 1
            try:
                yield
            finally:
                self.followers -= 1
        finally:
            self._of_events -= 1
            if not self._of_events and self._reading is not None:
                self._reading.cancel()
                self._reading = None

    async def _arrived(self) -> None:
        """Wait until there is something new among the events."""
        if self._arrival is None:
            self._arrival = asyncio.get_running_loop().create_future()
        await asyncio.wait({self._arrival})

    async def _read(self) -> None:
        seen, pause, failures = self._news.count, 0.0, 0
        unsettled, longest = UNSETTLED_SECONDS
        while True:
            seen = await self._news.after(seen, pause)
            try:
                async with self._database.reading() as read:
                    told, has_more = await db.timeline.told(read, self._until, AT_ONCE)
            except Exception as cause:
                if not failures:
                    log.warning("events not read", exc_info=cause)
                failures += 1
                await asyncio.sleep(UNASKED_SECONDS)
                continue
            failures = 0
            self._remember(told)
            if told or not has_more:
                unsettled = UNSETTLED_SECONDS[0]
            pause = 0.0 if len(told) == AT_ONCE else unsettled if has_more else UNASKED_SECONDS
            if has_more and not told:
                unsettled = min(2 * unsettled, longest)
            await asyncio.sleep(GATHER_SECONDS)

    def _remember(self, told: list[Told]) -> None:
        if not told:
            return
        self._events += told
        self._until = told[-1].event.position
        if len(self._events) > 2 * REMEMBERED_EVENTS:
            self._since = self._events[-REMEMBERED_EVENTS - 1].event.position
            self._events = self._events[-REMEMBERED_EVENTS:]
        self._announce()

    def _announce(self) -> None:
        if self._arrival is not None:
            self._arrival.set_result(None)
            self._arrival = None

    # --------------------------------------------------------------------------------------------- slots

    async def slots(self, context: Context, admission_key: str) -> AsyncIterator[TimeSlotRow]:
        """Every slot of the admission whose numbers, times or state change, each as it last was.

        What changes several times before it is asked for is told once. Raises BadUserInput if there is no such
        admission, before anything is yielded.
        """
        async with context.reading() as read:
            found = await db.admission.by_keys(read, [admission_key])
        if admission_key not in found:
            raise BadUserInput("There is no admission of that code.")
        return self._slots(found[admission_key].id)

    async def _slots(self, admission_id: int) -> AsyncIterator[TimeSlotRow]:
        watch = self._watches.get(admission_id)
        if watch is None:
            watch = self._watches[admission_id] = _Watch(self._database, self._news, admission_id)
        mine = _Changes()
        watch.subscribers.add(mine)
        try:
            await watch.start()
            self.followers += 1
            try:
                while True:
                    await mine.has_any.wait()
                    slot_id = next(iter(mine.slots))
                    slot = mine.slots.pop(slot_id)
                    if not mine.slots:
                        mine.has_any.clear()
                    yield slot
            finally:
                self.followers -= 1
        finally:
            watch.subscribers.discard(mine)
            if not watch.subscribers and self._watches.get(admission_id) is watch:
                del self._watches[admission_id]
                await watch.close()


class _Changes:
    """The slots that one subscriber has yet to be told of: at most all of an admission's."""

    def __init__(self) -> None:
        self.slots: dict[int, TimeSlotRow] = {}
        self.has_any = asyncio.Event()

    def add(self, slots: list[TimeSlotRow]) -> None:
        for slot in slots:
            self.slots[slot.id] = slot
        self.has_any.set()


class _Watch:
    """Compares the numbers of one admission's slots, for all who watch it."""

    def __init__(self, database: Database, news: News, admission_id: int) -> None:
        self._database = database
        self._news = news
        self._admission_id = admission_id
        self._known: dict[int, tuple[TimeSlotRow, SlotUse]] = {}
        self._started: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._seen = 0
        self.subscribers: set[_Changes] = set()

    async def start(self) -> None:
        """Return when the numbers are known with which the next ones are compared."""
        if self._started is None:
            self._seen = self._news.count
            self._started = _task(self._look())
        await asyncio.shield(self._started)
        if self._watching is None:
            self._watching = _task(self._watch())

    async def close(self) -> None:
        """Look no more."""
        await _ended(self._started)
        await _ended(self._watching)

    async def _look(self) -> None:
        async with self._database.reading() as read:
            now = self._database.now()
            slots = await db.time_slot.to_watch(read, self._admission_id, now)
            uses = await uses_of(read, slots, now, is_shown=True)
        self._known = {slot.id: (slot, uses[slot.id]) for slot in slots}

    async def _watch(self) -> None:
        failures = 0
        while True:
            is_held = any(use.held for _, use in self._known.values())
            self._seen = await self._news.after(self._seen, HOLDS_SECONDS if is_held else 10 * HOLDS_SECONDS)
            before, started = self._known, time.monotonic()
            try:
                await self._look()
            except Exception as cause:
                if not failures:
                    log.warning("slots not compared", exc_info=cause)
                failures += 1
                await asyncio.sleep(UNASKED_SECONDS)
                continue
            failures = 0
            changed = [slot for slot_id, (slot, use) in self._known.items() if before.get(slot_id) != (slot, use)]
            if changed:
                for subscriber in self.subscribers:
                    subscriber.add(changed)
            await asyncio.sleep(max(MERGE_SECONDS, LEISURE * (time.monotonic() - started)))


def _task(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Work for everybody: what it does is not counted as that of the operation that came first."""
    return asyncio.create_task(work, context=contextvars.Context())


async def _ended(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await task
