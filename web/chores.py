"""What a server does beside answering, each as often as it is worth it. Nobody waits for any of it: one that fails is
logged, and its next turn makes up for it."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import structlog

import db.history
from db.engine import Database
from resolvers import generation, ticket, ticket_request
from resolvers.actor import Keyring
from resolvers.views import Views

HORIZON_SECONDS = 300
"""How often a server looks for admissions whose day has begun, to calculate their slots."""

CLOCK_SECONDS = 60
"""How often a server compares its clock with the database's."""

NOTE_SECONDS = 60
"""How often it is written down when keys were last used."""

NOTING_SECONDS = 5
"""How long that may take."""

VIEWS_SECONDS = 2
"""How often it is written down who looked at personal data."""

log = structlog.get_logger("gatehouse")


def begin(database: Database, keyring: Keyring, views: Views, sweep_seconds: float) -> list[asyncio.Task[None]]:
    """Begin with all of them; they end when they are canceled."""
    return [
        asyncio.create_task(_every(CLOCK_SECONDS, measure_clock, database)),
        asyncio.create_task(_every(sweep_seconds, sweep, database)),
        asyncio.create_task(_every(NOTE_SECONDS, partial(note_keys, keyring), database)),
        asyncio.create_task(_every(VIEWS_SECONDS, views.settle, database)),
        asyncio.create_task(_every(HORIZON_SECONDS, keep_horizons, database, at_once=True)),
    ]


async def _every(
    seconds: float, chore: Callable[[Database], Awaitable[None]], database: Database, *, at_once: bool = False
) -> None:
    if at_once:
        await chore(database)
    while True:
        await asyncio.sleep(seconds)
        await chore(database)


async def measure_clock(database: Database) -> None:
    """A database that does not answer is no reason to stop: ``/readyz`` tells of it, and the last measure holds."""
    try:
        await database.measure_clock()
    except Exception as cause:
        log.warning("clock not measured", exc_info=cause)


async def keep_history(database: Database) -> None:
    """Begin a new history of events if the database has come to another place: before anything is recorded here."""
    try:
        if await db.history.keep(database):
            log.warning("the database is at another place: events begin a new epoch, older cursors are refused")
    except Exception as cause:
        log.warning("history not looked at", exc_info=cause)


async def note_keys(keyring: Keyring, database: Database) -> None:
    """When each key was last used, for who wonders which of them may go; late is better than never."""
    try:
        async with asyncio.timeout(NOTING_SECONDS):
            await keyring.note(database)
    except Exception as cause:
        log.warning("last use of keys not noted", exc_info=cause)


async def sweep(database: Database) -> None:
    """Write down what has expired, and drop what counts no more; if that fails, the next turn does it.

    Nobody waits for it.
    """
    try:
        await ticket_request.sweep(database)
        await ticket.forget(database)
    except Exception as cause:
        log.warning("expiries not swept", exc_info=cause)


async def keep_horizons(database: Database) -> None:
    """Calculate the slots of every admission whose day has begun; one that fails is tried again at the next turn."""
    try:
        due = await generation.due(database)
    except Exception as cause:
        log.warning("horizons not looked at", exc_info=cause)
        return
    for admission_id in due:
        try:
            outcome = await generation.keep_horizon(database, admission_id)
        except Exception as cause:
            log.warning("slots not calculated", admission_id=admission_id, exc_info=cause)
        else:
            if outcome is not None:
                log.info("slots calculated", admission_id=admission_id, **outcome.counts)
