"""Block and unblock: a plain flag of the staff's, on a ticket or on one admission of it.

Source: domain.md, "Changing one's mind". It can be undone. It keeps people out at the gate and does nothing else: the
places stay taken, and whatever state the ticket is in, it may be set and taken back.
"""

from dataclasses import dataclass

import db
from db.timeline import RequestEventKind

from ..context import Context
from ..refusals import Outcome, Refusals, Refused
from ..texts import REASON_LENGTH, required
from ..ticket_request.common import event
from .common import check_number, entry_for, find, find_admission


@dataclass(frozen=True, slots=True)
class Flag:
    """What staff says of a ticket, or of one admission of it (None: of the whole), and why."""

    number: str
    admission_code: str | None
    reason: str


async def block(context: Context, flag: Flag) -> Outcome:
    """Block a ticket, or one admission of it. Blocking again answers the same, and the first reason stays.

    It is recorded as BLOCKED with ticket_id, with access_entry_id and admission_id where it is about one admission,
    and the facts {"reason"}. Refused: INVALID_INPUT, NOT_FOUND, UNKNOWN_ADMISSION, NOT_ON_TICKET.
    """
    return await _set(context, flag, RequestEventKind.BLOCKED)


async def unblock(context: Context, flag: Flag) -> Outcome:
    """Take a block back: that of the whole ticket, or that of one admission. Of what is not blocked, nothing is done.

    It is recorded as UNBLOCKED, as a block is. Refused: INVALID_INPUT, NOT_FOUND, UNKNOWN_ADMISSION, NOT_ON_TICKET.
    """
    return await _set(context, flag, RequestEventKind.UNBLOCKED)


async def _set(context: Context, flag: Flag, kind: RequestEventKind) -> Outcome:
    found = Refusals()
    number = check_number(found, flag.number)
    code = None if flag.admission_code is None else required(found, flag.admission_code, "admissionCode")
    reason = required(found, flag.reason, "reason", at_most=REASON_LENGTH)
    is_to_be = kind is RequestEventKind.BLOCKED
    async with context.writing() as write:
        ticket = await find(write, number, found)
        admission = None if code is None else await find_admission(write, code, found)
        if ticket is None:
            raise Refused(Outcome(refusals=tuple(found.found)))
        ticket = (await db.ticket.lock(write, [ticket.id]))[ticket.id]
        entries = (await db.ticket.access_entries_of(write, [ticket.id]))[ticket.id]
        entry = None if admission is None else entry_for(admission, entries, ticket, found)
        found.check(row_id=ticket.id)
        flagged = ticket if entry is None else entry
        if (flagged.blocked_at is not None) == is_to_be:
            return Outcome(row_id=ticket.id)
        now = await write.clock()
        values = {"blocked_at": now, "blocked_reason": reason} if is_to_be else UNBLOCKED
        if entry is None:
            await db.ticket.change(write, [ticket.id], values)
        else:
            await db.ticket.change_access_entries(write, [entry.id], values)
        happened = event(
            context,
            kind,
            now,
            ticket.request_id,
            ticket_id=ticket.id,
            access_entry_id=None if entry is None else entry.id,
            admission_id=None if entry is None else entry.admission_id,
            facts={"reason": reason},
        )
        await db.timeline.record(write, [happened], now)
    return Outcome(row_id=ticket.id)


UNBLOCKED = {"blocked_at": None, "blocked_reason": None}
