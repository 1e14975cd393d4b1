"""Printing: that tickets came out of a printer is noted, as often as it happens."""

from collections.abc import Sequence
from dataclasses import dataclass

import db
from db.keys import key
from db.timeline import RequestEventKind

from ..context import Context
from ..policy import Extent, Permission
from ..refusals import Outcome, Refusal, RefusalCode, Refusals, Refused
from ..texts import required
from ..ticket_request.common import event
from .common import NOT_FOUND


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintOutcome(Outcome):
    """The tickets, in the order in which they were named; refused, those of them that are there."""

    row_ids: tuple[int, ...] = ()


async def mark_printed(context: Context, numbers: Sequence[str]) -> PrintOutcome:
    """Note that these tickets were printed just now, all or none. A number named twice counts once.

    A printer does not ask what a ticket is worth: also what is revoked or blocked may have been printed, and then it
    is told. Marked again, it was printed again. A web store marks tickets of its own requests. Each is recorded as
    PRINTED with ticket_id and the facts {"print_count"}, the new one. Refused: INVALID_INPUT, NOT_FOUND.
    """
    found = Refusals()
    at_most = context.rules.tickets_per_request
    if not 1 <= len(numbers) <= at_most:
        message = f"From 1 to {at_most} tickets are marked at once; these are {len(numbers)}."
        limit = at_most if numbers else 1
        found.add(RefusalCode.INVALID_INPUT, message, "externalTicketNos", limit=limit, actual=len(numbers))
        found.check()
    named = {i: key(required(found, number, "externalTicketNos", i)) for i, number in enumerate(numbers)}
    is_own_only = context.extent(Permission.MARK_PRINTED) is Extent.OWN
    async with context.writing() as write:
        there = await db.ticket.by_number_keys(write, sorted({number for number in named.values() if number}))
        if is_own_only:
            there = {number: row for number, row in there.items() if row.client_id == context.actor.client_id}
        unknown = [i for i, number in named.items() if number and number not in there]
        not_found = [Refusal(RefusalCode.NOT_FOUND, NOT_FOUND, ("externalTicketNos", str(i))) for i in unknown]
        ids = tuple(dict.fromkeys(there[number].id for number in named.values() if number in there))
        if refusals := (*found.found, *not_found):
            raise Refused(PrintOutcome(row_ids=ids, refusals=refusals))
        tickets = await db.ticket.lock(write, ids)
        now = await write.clock()
        await db.ticket.count_printed(write, ids, now)
        happened = [
            event(
                context,
                RequestEventKind.PRINTED,
                now,
                tickets[ticket_id].request_id,
                ticket_id=ticket_id,
                facts={"print_count": tickets[ticket_id].print_count + 1},
            )
            for ticket_id in ids
        ]
        await db.timeline.record(write, happened, now)
    return PrintOutcome(row_ids=ids)
