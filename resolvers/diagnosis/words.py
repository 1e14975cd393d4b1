"""What is in the way, in one sentence for a person at the counter: the gate's own, with how many tickets it concerns,
where, and what the timeline knows of it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import db
from db.admission import AdmissionRow
from db.ticket import AccessEntryRow, IssuedTicketRow
from db.timeline import RequestEventKind

from ..refusals import RefusalCode
from ..sentences import MOMENT, Told, sentence
from .seen import Seen


def message(seen: Seen) -> str:
    """What is in the way."""
    said = _WORDS.get(seen.code, _as_at_the_gate)(seen)
    is_of_a_place = seen.place is not None and seen.admission_id is not None and seen.place not in said
    return f"{seen.place}: {said}" if is_of_a_place else said


def _as_at_the_gate(seen: Seen) -> str:
    """The gate's sentence of these tickets; or, where no gate speaks of it, the refusal's own."""
    if seen.facts is None:
        return seen.refusal.message
    refusal = seen.refusal
    told = Told(
        refusal.limit, refusal.actual, refusal.passes_from, refusal.passes_until, refusal.said, tickets=seen.tickets
    )
    said = sentence(seen.code, told)
    if seen.tickets.told < seen.tickets.out_of and seen.tickets.inside[1:] not in said:
        said = _with(said, f"({seen.tickets.inside})", " ")
    if not seen.is_alike:
        assert seen.ticket is not None
        said = _with(said, f"{seen.ticket.external_ticket_no}, and otherwise for others", " for ")
    return said


def _with(said: str, more: str, joint: str = "; ") -> str:
    """The sentence, going on."""
    return f"{said.removesuffix('.')}{joint}{more}."


def _revoked(seen: Seen) -> str:
    event = seen.last(RequestEventKind.REVOKED)
    said = _as_at_the_gate(seen)
    if event is None:
        at = seen.ticket.revoked_at if seen.ticket else None
        return _with(said, seen.wall(at), " on ") if at else said
    reason = f": {event.facts['reason']}" if event.facts.get("reason") else ""
    return _with(said, f"{seen.wall(event.at)}, with {_refund(seen)}{reason}".removesuffix("."), " on ")


def _refund(seen: Seen) -> str:
    """What was paid back for all tickets concerned."""
    given_back = [event for event in seen.history if event.kind == RequestEventKind.REVOKED]
    minor = sum(one.facts.get("refund_minor") or 0 for one in given_back if one.ticket_id in seen.ticket_ids)
    currency = seen.request.currency
    return f"a refund of {db.money.from_minor(minor, currency)} {currency}" if minor else "no refund"


def _used_up(seen: Seen) -> str:
    """When it was used, and where: who holds it may not know of it."""
    assert seen.ticket is not None
    assert seen.entry is not None
    said = _as_at_the_gate(seen)
    if seen.refusal.limit is not None and seen.refusal.limit > 1 and seen.refusal.said is None:
        said = f"{seen.tickets.do('has', 'have')} let in {seen.entry.admitted_count} of {seen.refusal.limit} already."
    if seen.entry.first_admitted_at is None:
        return said
    event = seen.last(RequestEventKind.ADMITTED)
    gate = f" at {event.gate}" if event is not None and event.gate else ""
    when = f"on {seen.wall(event.at if event is not None else seen.entry.first_admitted_at)}{gate}"
    if seen.refusal.passes_until is not None or seen.entry.admitted_count > seen.ticket.quantity:
        return _with(said, f"it last let in {when}")
    if seen.tickets.told > 1:
        return _with(said, f"{seen.ticket.external_ticket_no} {when}")
    return _with(said, f"{when}{'' if seen.entry.inside_count else ', and the guest went out again'}", ", ")


def _of_slot(seen: Seen) -> str:
    """A time slot that was moved after the sale is none of the guest's fault."""
    said = _as_at_the_gate(seen)
    event = seen.last(RequestEventKind.SLOT_CHANGED)
    before = (event.facts.get("before") or {}).get("starts_at") if event is not None else None
    after = (event.facts.get("after") or {}).get("starts_at") if event is not None else None
    if not before or not after:
        return said
    return _with(said, f"the time slot was moved from {_wall(before)} to {_wall(after)} after the sale")


def _wall(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):{MOMENT}}"


def _reserved_slot(seen: Seen) -> str:
    """Which time slot it was, for who has several."""
    said = _as_at_the_gate(seen)
    return _with(said, f"it was to begin at {seen.wall(seen.slot.starts_at)}") if seen.slot else said


def _closed(seen: Seen) -> str:
    refusal, place = seen.refusal, seen.place or "It"
    if refusal.passes_from is not None:
        return f"{place} is closed now, and opens at {seen.wall(refusal.passes_from)}."
    return f"{place} is closed: {refusal.said.removesuffix('.')}." if refusal.said else f"{place} is closed."


def _no_reservation(seen: Seen) -> str:
    has = seen.tickets.verb("has", "have")
    return f"{seen.place} needs a reservation, and {seen.tickets.inside} {has} none."


def _full(seen: Seen) -> str:
    refusal = seen.refusal
    return f"{seen.place} is full: {refusal.actual} would be in, of at most {refusal.limit}."


def _not_confirmed(seen: Seen) -> str:
    said = _as_at_the_gate(seen)
    ends = seen.request.expires_at
    return _with(said, f"its places are held until {seen.wall(ends)}") if ends else said


def _hold_expired(seen: Seen) -> str:
    said = _as_at_the_gate(seen)
    ended = seen.request.expires_at
    return _with(said, f"at {seen.wall(ended)}", " ") if ended else said


def _unpaid(seen: Seen) -> str:
    said = _as_at_the_gate(seen)
    amount = db.money.from_minor(seen.request.total_minor, seen.request.currency)
    return _with(said, f"{amount} {seen.request.currency} are due") if seen.request.total_minor else said


def _blocked(seen: Seen) -> str:
    blocked = seen.ticket if seen.code is RefusalCode.TICKET_BLOCKED else seen.entry
    assert blocked is not None
    said = _as_at_the_gate(seen)
    return _with(said, f"(since {seen.wall(blocked.blocked_at)})", " ") if blocked.blocked_at else said


def _duplicate_order(seen: Seen) -> str:
    order, owner = seen.request.external_order_no, seen.owner
    if owner is None:
        return seen.refusal.message
    return f"The order {order} has another request by now, {owner.token}, which is {owner.status}."


_WORDS: Mapping[RefusalCode, Callable[[Seen], str]] = {
    RefusalCode.TICKET_REVOKED: _revoked,
    RefusalCode.TICKET_BLOCKED: _blocked,
    RefusalCode.ACCESS_BLOCKED: _blocked,
    RefusalCode.NOT_CONFIRMED: _not_confirmed,
    RefusalCode.HOLD_EXPIRED: _hold_expired,
    RefusalCode.UNPAID: _unpaid,
    RefusalCode.SLOT_CANCELED: _reserved_slot,
    RefusalCode.ADMISSION_CLOSED: _closed,
    RefusalCode.NO_RESERVATION: _no_reservation,
    RefusalCode.CAPACITY_REACHED: _full,
    RefusalCode.TOO_EARLY: _of_slot,
    RefusalCode.TOO_LATE: _of_slot,
    RefusalCode.ENTRIES_USED_UP: _used_up,
    RefusalCode.DUPLICATE_ORDER: _duplicate_order,
}


def left_out(admission: AdmissionRow) -> str:
    """An optional admission that was not bought."""
    return f"{admission.description} is optional and was not bought: no ticket of the request lets in there."


def partly_used(ticket: IssuedTicketRow, entry: AccessEntryRow, admission: AdmissionRow) -> str:
    """A group of which some are to come."""
    so_far, people = entry.admitted_count, ticket.quantity
    return f"{admission.description}: {so_far} of the group of {people} were let in, {people - so_far} are to come."


def replaced(numbers: Sequence[str]) -> str:
    """Numbers that no gate knows."""
    which = f"The number {numbers[0]} was" if len(numbers) == 1 else f"The numbers {', '.join(numbers)} were"
    return f"{which} replaced before the sale was confirmed: no gate knows {'it' if len(numbers) == 1 else 'them'}."
