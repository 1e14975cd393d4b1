"""Explain: what a gate would say, check by check, without doing it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import db
from db.engine import Read
from db.keys import key
from db.ticket import IssuedTicketRow

from .. import visibility
from ..gate import Checked, Facts, GateCheck, checks
from ..policy import Extent, Permission
from ..refusals import BadUserInput, Refusals
from .facts import Place, filled, gather, known, slots_to_count, used_places
from .past import Whole
from .room import taken_then
from .scan import Found, of_token, place_of, readable

if TYPE_CHECKING:
    from ..context import Context


FIRST_YEAR, LAST_YEAR = 1970, 9990


@dataclass(frozen=True, slots=True)
class Explanation:
    """Every check that the gate would make of this scan, at this moment."""

    scanned: str
    at: datetime
    ticket_id: int | None
    admission_id: int | None
    checks: tuple[Checked, ...]

    @property
    def would_be_admitted(self) -> bool:
        return all(check.is_passed for check in self.checks)


async def explain(
    context: "Context", scanned: str, admission_code: str | None, slot_id: int | None, at: datetime | None
) -> Explanation:
    """What a gate would say to this scan: a ticket number, a token, or a text that nobody knows.

    A token explains its first ticket that would be refused, else its first. What who asks may not see is unknown, and
    so is a ticket that was not issued yet at ``at``; what no gate can have scanned is INVALID_INPUT, as at the gate.
    Raises BadUserInput for a place that does not exist.
    """
    when = moment_of(context, at)
    unreadable = Refusals()
    readable(scanned, unreadable)
    if unreadable.found:
        return Explanation(scanned, when, None, None, (Checked(GateCheck.KNOWN, unreadable.found[0]),))
    async with context.reading() as read:
        place, mistake = await place_of(read, admission_code, slot_id)
        if mistake is not None:
            raise BadUserInput(mistake.message)
        found = await _find(context, read, scanned, when)
        facts = await _facts(context, read, found.tickets, place, when, together=True)
    if not facts:
        facts = [Facts(when, place.admission, found.request)]
    made = [tuple(checks(one)) for one in facts]
    first_refused = next((i for i, some in enumerate(made) if any(not one.is_passed for one in some)), 0)
    one = facts[first_refused]
    return Explanation(
        scanned,
        when,
        one.ticket.id if one.ticket else None,
        one.admission.id if one.admission else None,
        made[first_refused],
    )


async def explain_tickets(
    context: "Context", read: Read, ticket_ids: Sequence[int], admission_code: str | None, at: datetime | None
) -> Mapping[int, Explanation]:
    """What a gate would say to each of these tickets, by row id, each by itself. The caller may see them."""
    when = moment_of(context, at)
    place, mistake = await place_of(read, admission_code, None)
    if mistake is not None:
        raise BadUserInput(mistake.message)
    tickets = await db.ticket.by_ids(read, ticket_ids)
    then = [ticket for ticket in tickets.values() if ticket.issued_at <= when]
    facts = await _facts(context, read, then, place, when, together=False)
    found = {one.ticket.id: one for one in facts if one.ticket}
    explained = {}
    for ticket in tickets.values():
        one = found.get(ticket.id) or Facts(when, place.admission)
        admission_id = one.admission.id if one.admission else None
        explained[ticket.id] = Explanation(ticket.external_ticket_no, when, ticket.id, admission_id, tuple(checks(one)))
    return explained


def moment_of(context: "Context", at: datetime | None) -> datetime:
    """The moment that is asked about. Raises BadUserInput for one that no slot is near to."""
    if at is not None and not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise BadUserInput(f"Moments are explained from {FIRST_YEAR} to {LAST_YEAR}.")
    return at or context.now


async def _find(context: "Context", read: Read, scanned: str, when: datetime) -> Found:
    """What the text stands for, as far as who asks may see it and as far as it was there by then."""
    names_exactly = context.extent(Permission.READ_TICKETS) is Extent.EXACT
    where = None if names_exactly else visibility.tickets(context)
    scanned_key = key(scanned)
    if ticket := (await db.ticket.by_number_keys(read, [scanned_key], where=where)).get(scanned_key):
        if names_exactly:
            context.found_tickets.add(ticket.id)
        return Found((ticket,)) if ticket.issued_at <= when else Found()
    requests = await db.ticket_request.by_token_keys(
        read, [scanned_key], context.now, where=None if names_exactly else visibility.requests(context)
    )
    request = requests.get(scanned_key)
    if request is None or request.created_at > when:
        return Found()
    tickets = [one for one in await db.ticket.of_request(read, request.id) if one.issued_at <= when]
    if when < context.now:
        whole = Whole(when, tickets)
        await whole.learn_of_requests(read, [request.id])
        request = whole.request(request)
        tickets = [one._replace(revoked_at=whole.ticket(one).revoked_at) for one in tickets]
    return of_token(tickets, request)


async def _facts(
    context: "Context",
    read: Read,
    tickets: Sequence[IssuedTicketRow],
    place: Place,
    when: datetime,
    *,
    together: bool,
) -> list[Facts]:
    """The facts of the tickets at that moment: as if they came ``together``, or each by itself."""
    past = await Whole.of(read, when, tickets) if when < context.now and tickets else None
    facts = await gather(read, await known(read, tickets, context.now), place, when, past=past)
    slots = slots_to_count(facts)
    used = await taken_then(read, slots, past) if past else await used_places(read, slots, context.now)
    return filled(facts, slots, used) if together else [filled([one], slots, used)[0] for one in facts]
