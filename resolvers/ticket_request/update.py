"""Update: other lines for a request that holds places; the hold goes on to the moment it had."""

from collections.abc import Sequence

import db
from db.keys import key
from db.timeline import RequestEventKind

from ..context import Context
from ..refusals import Outcome, Refusals, Refused
from .common import event, find_and_lock, may_go_over, turned_down
from .lines import RequestedLine, ToMakeOut, make_out
from .rules import has_run_out, hold_expired, update_refusal
from .taking import capacity_exceeded, claim_numbers, held_by, lines_of, take_places


async def update(
    context: Context, token: str, lines: Sequence[RequestedLine], *, may_exceed_capacity: bool = False
) -> Outcome:
    """Replace the lines of a REGISTERED request, all or nothing; its own places do not stand in its way.

    Token and end of the hold stay. Refused: NOT_FOUND, HOLD_EXPIRED, ALREADY_CONFIRMED, ALREADY_CANCELED, and whatever
    keeps the lines from being sold, as at create.
    """
    found = Refusals()
    async with context.writing() as write:
        request = await find_and_lock(context, write, token)
        now = await write.clock()
        if refusal := update_refusal(request, now):
            return await turned_down(write, request, refusal, now)
        plan = await make_out(write, context.rules, ToMakeOut(lines, found, but_of=request.id))
        old_lines = await db.ticket_request.lines_of(write, request.id)
        old_nos = {number for line in old_lines for number in line.dictated_nos or ()}
        await claim_numbers(write, plan, request.id, now, found, given_up=old_nos)
        may_exceed = may_exceed_capacity and may_go_over(context, request.channel)
        now, exceeded, ids = await take_places(write, plan, found, may_exceed=may_exceed, but_of=request.id)
        if has_run_out(request, now):
            raise Refused(Outcome(row_id=request.id, refusals=(hold_expired(request),)))
        found.check(row_id=request.id)
        assert request.expires_at is not None
        await db.reservation.let_go(write, request.id, now)
        await db.ticket_request.replace_lines(write, request.id, now)
        dropped = {key(number) for number in old_nos} - {key(number) for number in plan.dictated_nos}
        await db.ticket.free_numbers(write, sorted(dropped), request.id)
        values = {"total_minor": plan.total_minor, "currency": plan.currency}
        facts = {"lines": len(plan.lines), "tickets": sum(line.ticket_count for line in plan.lines)}
        happened = [event(context, RequestEventKind.UPDATED, now, request.id, facts=facts)]
        happened += capacity_exceeded(context, request.id, exceeded, now)
        await db.together.make(
            write,
            *db.ticket_request.setting(write, [(request.id, values)]),
            *db.ticket_request.adding_lines({request.id: request.client_id}, lines_of(plan, request.id, ids)),
            db.reservation.holding(held_by(plan, request.id, ids, now, request.expires_at)),
            db.timeline.recording(write, happened, now),
        )
    return Outcome(row_id=request.id)
