"""Views: who of those that see everybody's personal data looked at whose, written down behind the answers.

Source: the issue that asks for it, "Finding out": once per client, request (or customer) and hour. A reader waits for
none of it: what was shown is noted in memory, and recorded every few seconds, many at a time. Several processes may
note the same; a unique key lets the first one in.
"""

import asyncio
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple

import structlog

import db
from db.customer import CustomerRow
from db.engine import Database
from db.ticket_request import TicketRequestRow
from db.timeline import Event, RequestEventKind

from .context import Context

log = structlog.get_logger("gatehouse")

AT_ONCE = 500
"""In one transaction: on SQLite nobody sells or lets in while it runs."""

MOST = 20_000
"""That may wait to be recorded: some megabytes. What comes on top is lost, counted, and told in the log."""

REMEMBERED = 100_000
"""That are known to be recorded in this hour, so that they are not recorded again for nothing."""

RECORD_SECONDS = 5
"""How long who records waits for the database, before it is left to the next turn."""


class View(NamedTuple):
    """What is recorded once: that a client saw personal data of a request, or of a customer, within an hour."""

    client_id: int
    request_id: int | None
    customer_id: int | None
    hour: datetime


class _Seen(NamedTuple):
    actor: str
    at: datetime


class Views:
    """What is yet to be recorded, of one process."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._waiting: dict[View, _Seen] = {}
        self._recorded: set[View] = set()
        self._hour = datetime.min.replace(tzinfo=UTC)
        """The last one of which anything is recorded: of hours that are over nobody asks any more."""
        self._lost = 0
        self._recording = asyncio.Lock()
        """Held by who records: an export does, beside the server's own turn."""

    @property
    def is_filling(self) -> bool:
        """Whether so many wait that whoever can should record them before it goes on."""
        return len(self._waiting) > self._most // 2

    def note(self, context: Context) -> None:
        """Note what the operation has shown: it was answered, or is about to be. What others show with it, by the very
        same question, is noted by the first of them."""
        if not context.viewed:
            return
        hour = context.now.replace(minute=0, second=0, microsecond=0)
        for whose in {_whose(row) for row in context.viewed.values()}:
            view = View(context.actor.client_id, *whose, hour)
            if view in self._waiting or view in self._recorded:
                continue
            if len(self._waiting) >= self._most:
                self._lost += 1
            else:
                self._waiting[view] = _Seen(context.actor.client, context.now)
        context.viewed.clear()

    async def record(self, database: Database) -> None:
        """Record what waits. What cannot be recorded waits on; the exception is its caller's."""
        if self._lost:
            log.warning("views lost", number=self._lost)
            self._lost = 0
        async with self._recording:
            while some := sorted(islice(self._waiting, AT_ONCE), key=_order):
                async with database.writing() as write:
                    seen = [(_event(view, self._waiting[view]), view.hour) for view in some]
                    await db.timeline.record_once(write, seen, await write.clock())
                for view in some:
                    del self._waiting[view]
                newest = max(view.hour for view in some)
                if newest > self._hour or len(self._recorded) >= REMEMBERED:
                    self._recorded.clear()
                self._hour = max(newest, self._hour)
                self._recorded.update(some)

    async def settle(self, database: Database) -> None:
        """``record``, as far as it goes within some seconds: the log tells where it ends, and the next turn goes on."""
        try:
            async with asyncio.timeout(RECORD_SECONDS):
                await self.record(database)
        except Exception as cause:
            log.warning("views not recorded", exc_info=cause)

    def give_up(self) -> None:
        """What waits still will not be recorded: the process ends."""
        lost = self._lost + len(self._waiting)
        if lost:
            log.warning("views lost", number=lost)
        self._waiting.clear()
        self._lost = 0


def _whose(row: Any) -> tuple[int | None, int | None]:
    """The request that a row is or is part of, or the customer that it is."""
    if isinstance(row, CustomerRow):
        return None, row.id
    return (row.id if isinstance(row, TicketRequestRow) else row.request_id), None


def _order(view: View) -> tuple[int, int, int, datetime]:
    """Everybody records in the same order: who meets the same views waits, and nobody waits in a circle."""
    return view.client_id, view.request_id or 0, view.customer_id or 0, view.hour


def _event(view: View, seen: _Seen) -> Event:
    return Event(
        kind=RequestEventKind.VIEWED,
        at=seen.at,
        actor=seen.actor,
        client_id=view.client_id,
        request_id=view.request_id,
        customer_id=view.customer_id,
    )
