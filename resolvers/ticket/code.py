"""Authorization codes from the customer's side: who has the right one may change the ticket, whoever sold it.

Source: domain.md, "Changing one's mind". A web store must send the code for a reschedule or a revoke; it is never asked
of staff. A wrong code and a ticket that is not there answer alike, to the word and to the statement, so that nobody
learns which numbers exist. Five wrong codes per ticket (or token) and hour, then no more, not even the right one.
"""

import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta

import db
from db.client import Role
from db.code_attempt import Named
from db.engine import Database
from db.keys import key

from ..context import Context
from ..refusals import Outcome, Refusal, RefusalCode, Refusals, Refused

WRONG_CODES = 5
"""So many wrong codes may be sent for one ticket within ``WITHIN``."""

WITHIN = timedelta(hours=1)

PATH = ("authorizationCode",)


def is_customer(context: Context) -> bool:
    """Whether who asks speaks for a customer, and not for the staff."""
    return context.actor.role is Role.WEB_STORE


async def prove(context: Context, named: Named, name: str, given: str | None, found: Refusals) -> None:
    """Raise Refused with what was found and WRONG_AUTHORIZATION_CODE, unless the code belongs to what was named.

    Staff need none. A dry run needs one as well, and a wrong one counts: it would tell which is right. A code left out
    is no attempt. The attempt is counted in a transaction of its own, so that it stays when the change is refused, and
    attempts for one ticket wait for each other: a hundred at once are still no more than five. The code is compared in
    that transaction and need not be again, for a request keeps its code for ever.
    """
    if not is_customer(context) or not name:
        return
    refusal = await _try(context, named, key(name), given) if given else Refusal(_WRONG, _NEEDED, PATH)
    if refusal is not None:
        raise Refused(Outcome(refusals=(*found.found, refusal)))


async def _try(context: Context, named: Named, name_key: str, given: str) -> Refusal | None:
    async with context.writing() as write:
        await db.code_attempt.lock(write, named, name_key)
        now = await write.clock()
        wrong = await db.code_attempt.after(write, named, name_key, now - WITHIN)
        code = await db.code_attempt.code_of(write, named, name_key)
        if (refusal := too_many(wrong)) is not None:
            return refusal
        if code is not None and hmac.compare_digest(key(given).encode(), code.encode()):
            return None
        await db.code_attempt.add(write, named, name_key, now)
    return Refusal(_WRONG, _NOT_TOGETHER, PATH)


def too_many(wrong: Sequence[datetime]) -> Refusal | None:
    """WRONG_AUTHORIZATION_CODE, whatever is sent, after so many wrong ones ``WITHIN`` the time; in their order."""
    if len(wrong) < WRONG_CODES:
        return None
    again = wrong[-WRONG_CODES] + WITHIN
    return Refusal(_WRONG, _NO_MORE, PATH, limit=WRONG_CODES, actual=len(wrong), passes_from=again)


async def forget(database: Database) -> None:
    """Drop the attempts that count no more; nothing waits for it."""
    async with database.writing() as write:
        await db.code_attempt.forget(write, await write.clock() - WITHIN)


_WRONG = RefusalCode.WRONG_AUTHORIZATION_CODE
_NEEDED = "A change online needs the authorization code that came with the tickets."
_NOT_TOGETHER = "The number and the authorization code do not belong together."
_NO_MORE = "Too many wrong authorization codes were sent for this number: try again later, or ask the staff."
