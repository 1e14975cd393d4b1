"""What to do about what is in the way: one sentence for a person at the counter, who has a guest in front of them.

It offers only what the caller may do and the ticket's policy lets be done: of both the mutations' rules were asked.
"""

from collections.abc import Callable, Mapping, Sequence

import db
from db.admission import CapacityControl
from db.ticket import AccessEntryRow, IssuedTicketRow
from db.ticket_item import DependencyKind
from db.ticket_request import TicketRequestStatus

from ..refusals import RefusalCode
from .seen import Seen


def of(seen: Seen) -> str:
    """What to do about it."""
    return _ADVICE.get(seen.code, _otherwise)(seen)


def _always(said: str) -> Callable[[Seen], str]:
    return lambda seen: said


def _otherwise(_seen: Seen) -> str:
    return "Read the timeline of the request, and ask a colleague of the back office."


def _sell_anew(seen: Seen) -> str:
    """When the visit itself is lost."""
    if seen.may_revoke:
        return "give the ticket back and sell a new one"
    return "sell a new ticket if the guest still wants in"


def _capital(said: str) -> str:
    return f"{said[0].upper()}{said[1:]}"


def _revoked(seen: Seen) -> str:
    if seen.others:
        number = seen.others[0]
        more = f" (and {len(seen.others) - 1} more)" if len(seen.others) > 1 else ""
        return f"It cannot be undone: let the guest use the ticket that is in force, {number}{more}, or sell a new one."
    return "It cannot be undone: sell new tickets if the guest still wants in."


def _blocked(seen: Seen) -> str:
    if seen.may_unblock:
        return "See whether the reason still holds for this guest: then unblock it, or keep it blocked and say why."
    return "Only support may unblock it: call them with the ticket number and the reason."


def _not_confirmed(seen: Seen) -> str:
    if seen.held:
        return "Do not confirm it as it is: a time slot of it no longer takes place; update the request to another one."
    return "Take the payment and confirm the request before its places are let go; then its tickets are issued."


def _hold_expired(seen: Seen) -> str:
    if seen.owner is not None:
        return _use_the_other(seen)
    if seen.is_past:
        return "Ask about now whether the places can still be had back."
    if not seen.held:
        return "The places are still free: extend the request, see that it is paid, and confirm it."
    return "It cannot be revived, as is told below: sell another time slot, and give back what was paid."


def _use_the_other(seen: Seen) -> str:
    assert seen.owner is not None
    if seen.owner.status == TicketRequestStatus.CONFIRMED:
        return f"Leave this one alone and open {seen.owner.token}: the tickets of that order are there."
    return f"Leave this one alone and confirm {seen.owner.token}, once it is paid: it holds the places of that order."


def _canceled(seen: Seen) -> str:
    return _use_the_other(seen) if seen.owner is not None else "It stays so: sell anew if the guest still wants in."


def _unpaid(seen: Seen) -> str:
    amount = db.money.from_minor(seen.request.total_minor, seen.request.currency)
    return (
        f"Take the payment of {amount} {seen.request.currency} and mark the request as paid; "
        "if the guest has paid already, ask for the proof and mark it with that payment reference."
    )


def _not_valid_yet(seen: Seen) -> str:
    begin = seen.refusal.passes_from
    return f"Ask the guest to come back from {seen.wall(begin)}." if begin else "Ask the guest to come back later."


def _no_longer_valid(seen: Seen) -> str:
    if seen.may_move and seen.entry is not None and seen.entry.slot_id is not None:
        return "Reschedule it to a new time slot: the end of its validity moves along with the first visit."
    if seen.may_revoke:
        return "It was never used: give it back by its refund policy, and sell a new ticket."
    return "Sell a new ticket: an end of validity cannot be moved."


def _no_reservation(seen: Seen) -> str:
    if seen.may_move:
        return "Choose a time slot with the guest and reschedule the ticket into it: then it lets in."
    return _capital(f"its policy lets no time slot be chosen any more: {_sell_anew(seen)}.")


def _slot_lost(_seen: Seen) -> str:
    return "Apologize, and reschedule the ticket or give the money back: staff may do either, whatever its policy."


def _closed(seen: Seen) -> str:
    if seen.entry is not None and seen.entry.slot_id is not None:
        return _slot_lost(seen)
    begin = seen.refusal.passes_from
    if begin is not None:
        return f"Nothing is wrong with the ticket: ask the guest to come back from {seen.wall(begin)}."
    return "Nothing is wrong with the ticket: tell the guest when it opens again."


def _too_early(seen: Seen) -> str:
    begin = seen.refusal.passes_from
    come = f"Ask the guest to come at {seen.wall(begin)}" if begin else "Ask the guest to come back later"
    if seen.may_move:
        return f"{come}, or reschedule the ticket to a time slot that lets in now, if one has room."
    return f"{come}: it cannot be moved to an earlier time slot."


def _too_late(seen: Seen) -> str:
    if seen.may_move:
        return "Reschedule the ticket to a later time slot that has room."
    if seen.entry is not None and seen.entry.admitted_count:
        return "It was used in its time slot, and cannot be moved: sell a new ticket for another visit."
    if seen.may_revoke:
        return "Its policy does not let it be moved: give it back by its refund policy, and sell another time slot."
    return "Its policy lets it be neither moved nor given back: sell another time slot, or ask support for goodwill."


def _used_up(seen: Seen) -> str:
    if seen.refusal.passes_until is not None:
        return "It was for the day of the first visit only: sell a new ticket."
    if seen.refusal.limit is not None and seen.refusal.limit > 1:
        return "Everybody it is for was in: count who stands here, and sell tickets to those who are too many."
    if seen.others:
        number = seen.others[0]
        return f"See whether the guest holds {number}, which is not used; if not, sell a new ticket or call support."
    if seen.entry is not None and not seen.entry.inside_count:
        return "It lets in once, also after going out: sell a new ticket, or ask support for goodwill."
    return (
        "Ask whether the guest, or somebody of their party, went in at that time: if so, sell a new ticket; "
        "if not, somebody else has the number: ask for the proof of purchase, and call support."
    )


def _dependency(seen: Seen) -> str:
    for dependency in seen.facts.dependencies if seen.facts is not None else ():
        other = dependency.other.description
        match dependency.row.kind:
            case DependencyKind.EXCLUDES if dependency.visited_at is not None:
                return f"{other} was visited, and the ticket is for one of the two: sell a new ticket."
            case DependencyKind.EXCLUDES:
                continue
            case _ if dependency.visited_at is None:
                return f"{other} comes first: send the guest there, and then back here."
            case DependencyKind.WITHIN_MINUTES if seen.refusal.passes_until is not None:
                return "The time in which both may be visited is over: sell a new ticket."
    return _otherwise(seen)


def _full(seen: Seen) -> str:
    slot = seen.slot
    if slot is not None and slot.capacity_control == CapacityControl.ADMITTED_AND_DEPARTED:
        return "Ask the guests to wait until others have left: they are let in as soon as there is room."
    return "Nobody else may be let in for that time slot: offer a later one."


def _duplicate_order(seen: Seen) -> str:
    return _use_the_other(seen) if seen.owner is not None else _otherwise(seen)


_OTHER_SLOT = "Sell another time slot: this one cannot be had again."


_ADVICE: Mapping[RefusalCode, Callable[[Seen], str]] = {
    RefusalCode.TICKET_REVOKED: _revoked,
    RefusalCode.TICKET_BLOCKED: _blocked,
    RefusalCode.ACCESS_BLOCKED: _blocked,
    RefusalCode.NOT_CONFIRMED: _not_confirmed,
    RefusalCode.HOLD_EXPIRED: _hold_expired,
    RefusalCode.ALREADY_CANCELED: _canceled,
    RefusalCode.UNPAID: _unpaid,
    RefusalCode.NOT_VALID_YET: _not_valid_yet,
    RefusalCode.NO_LONGER_VALID: _no_longer_valid,
    RefusalCode.NO_RESERVATION: _no_reservation,
    RefusalCode.SLOT_CANCELED: lambda seen: _slot_lost(seen) if seen.facts is not None else _OTHER_SLOT,
    RefusalCode.SLOT_CLOSED: _always(_OTHER_SLOT),
    RefusalCode.SLOT_PAST: _always(_OTHER_SLOT),
    RefusalCode.OUTSIDE_SALES_PERIOD: _always(_OTHER_SLOT),
    RefusalCode.SOLD_OUT: _always(_OTHER_SLOT),
    RefusalCode.CALENDAR_CLOSED: _closed,
    RefusalCode.ADMISSION_CLOSED: _closed,
    RefusalCode.TOO_EARLY: _too_early,
    RefusalCode.TOO_LATE: _too_late,
    RefusalCode.ENTRIES_USED_UP: _used_up,
    RefusalCode.DEPENDENCY_UNMET: _dependency,
    RefusalCode.CAPACITY_REACHED: _full,
    RefusalCode.DUPLICATE_ORDER: _duplicate_order,
    RefusalCode.DUPLICATE_TICKET_NUMBER: _always("Sell anew without dictating that number: another ticket has it."),
}


def left_out(*, is_open: bool) -> str:
    """On an optional admission that was not bought."""
    if is_open:
        return "If the guest wants it, update the request to take it before confirming."
    return "If the guest wants in there, sell a ticket for it: it cannot be added to what is sold."


def partly_used(ticket: IssuedTicketRow, entry: AccessEntryRow) -> str:
    """On a group of which some are to come."""
    left = ticket.quantity - entry.admitted_count
    number = ticket.external_ticket_no
    return f"Scan {number} again for the {left} who are to come, or for as many as are here; others need a ticket."


def replaced(numbers: Sequence[str]) -> str:
    """On numbers that no gate knows."""
    if not numbers:
        return "Print the tickets once the request is confirmed: the old print opens nothing."
    more = f" and {len(numbers) - 3} more" if len(numbers) > 3 else ""
    return f"Print or send what is in force instead: {', '.join(numbers[:3])}{more}."
