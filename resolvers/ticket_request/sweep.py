"""The sweep: writes down expiries that nobody has met, so that the timeline and its readers learn of them.

Nothing waits for it: a hold that has run out counts as expired everywhere at once.
"""

import db
from db.engine import Database

from .common import expiry

AT_ONCE = 200
"""Requests per transaction: few enough that nobody waits long for one of them."""


async def sweep(database: Database) -> int:
    """Stamp every request whose hold has run out, and record its expiry; answers how many.

    Several servers may sweep at once: each takes what the others do not hold. A crash between two transactions loses
    nothing, because each stamps a request and records its event together.
    """
    swept = 0
    while True:
        async with database.writing() as write:
            now = await write.clock()
            run_out = await db.ticket_request.lock_run_out(write, now, AT_ONCE)
            await db.ticket_request.stamp_expired(write, [request_id for request_id, _ in run_out])
            await db.timeline.record(write, [expiry(request_id, at) for request_id, at in run_out], now)
        swept += len(run_out)
        if len(run_out) < AT_ONCE:
            return swept
