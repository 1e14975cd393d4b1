"""The timeline in words: what happened, in one sentence for a person, made from the event's kind and facts when read.

Nothing of it is stored, so that it can be worded better tomorrow; and it names no person.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

import db
from db.engine import Read
from db.paging import Window
from db.ticket_item import ActivationMethod
from db.timeline import RequestEventKind, RequestEventRow, Standing

from .refusals import BadUserInput, Refusal, RefusalCode
from .sentences import Told, sentence, told_refusal

NOT_HERE: Mapping[Standing, str] = {
    Standing.OTHER_EPOCH: (
        "That cursor is of another history of events: the database was restored, cloned or moved since. Ask for what "
        "happened since a moment that you know (where: {at: {from: ...}}), and go on from there."
    ),
    Standing.UNKNOWN: (
        "The event of that cursor did not happen here: the database was set back to before it. Ask for what happened "
        "since a moment that you know (where: {at: {from: ...}}), and go on from there."
    ),
}


async def check(read: Read, window: Window) -> None:
    """Raise BadUserInput unless events can be gone on with from where the window begins."""
    standing = await db.timeline.standing(read, window)
    if standing in NOT_HERE:
        raise BadUserInput(NOT_HERE[standing])


def message(event: RequestEventRow) -> str:
    """What happened."""
    return _WORDS[RequestEventKind(event.kind)](event)


def refusal(event: RequestEventRow) -> Refusal | None:
    """Why the gate said no; None where it did not."""
    if event.refusal_code is None:
        return None
    return told_refusal(
        RefusalCode(event.refusal_code),
        _told(event),
        admission_id=event.admission_id,
        slot_id=event.slot_id,
        ticket_id=event.ticket_id,
        request_id=event.request_id,
    )


def _told(event: RequestEventRow) -> Told:
    """The facts that the event keeps of a refusal."""
    moments = {
        name: datetime.fromisoformat(event.facts[name])
        for name in ("passes_from", "passes_until")
        if name in event.facts
    }
    return Told(
        limit=event.facts.get("limit"),
        actual=event.facts.get("actual"),
        passes_from=moments.get("passes_from"),
        passes_until=moments.get("passes_until"),
        said=event.facts.get("said"),
    )


def _always(sentence: str) -> Callable[[RequestEventRow], str]:
    return lambda event: sentence


def _people(event: RequestEventRow, did: str) -> str:
    number = event.quantity or 1
    return f"{number} {'person' if number == 1 else 'people'} {did}{_at_gate(event)}."


def _at_gate(event: RequestEventRow) -> str:
    return f" at {event.gate}" if event.gate else ""


def _because(event: RequestEventRow, sentence: str) -> str:
    reason = event.facts.get("reason")
    return f"{sentence}: {reason}" if reason else f"{sentence}."


def _blocked(event: RequestEventRow, did: str) -> str:
    """With an access entry it is about one admission of the ticket, which stands beside the message."""
    return did if event.access_entry_id is None else f"{did} for one admission"


_PAYMENT: Mapping[str, str] = {
    "DIRECT": "paid at the POS",
    "PREPAID": "paid in advance",
    "POSTPAID": "to be invoiced after the visit",
    "UNPAID": "not paid yet",
}


def _confirmed(event: RequestEventRow) -> str:
    how = _PAYMENT.get(event.facts.get("payment", ""))
    return f"Confirmed, {how}." if how else "Confirmed."


def _paid(event: RequestEventRow) -> str:
    how = _PAYMENT.get(event.facts.get("payment", ""), "paid")
    return f"{how[0].upper()}{how[1:]}."


def _created(event: RequestEventRow) -> str:
    words = {"WEB_STORE": "in the web store", "POS": "at the POS", "BACK_OFFICE": "in the back office"}
    where = words.get(event.facts.get("channel", ""))
    return f"Requested {where}; the places are held." if where else "Requested; the places are held."


def _extended(event: RequestEventRow) -> str:
    if event.facts.get("revived"):
        return "Revived after it had expired: the places are held again."
    return "The hold was extended."


def _updated(event: RequestEventRow) -> str:
    tickets = event.facts.get("tickets")
    if tickets is None:
        return "The lines were replaced."
    return f"The lines were replaced: {tickets} {'ticket' if tickets == 1 else 'tickets'} in all."


def _issued(event: RequestEventRow) -> str:
    number = event.quantity or 1
    return "A ticket was issued." if number == 1 else f"A ticket for {number} people was issued."


def _admitted(event: RequestEventRow) -> str:
    if event.facts.get("again"):
        return f"Scanned again{_at_gate(event)}: let through, and counted once."
    if activation := event.facts.get("activation"):
        return _people(event, "let in with the sale" if activation == ActivationMethod.ON_SALE else "let in at once")
    let_in = _people(event, "let in")
    although = event.facts.get("although")
    return f"{let_in[:-1]} already, although the rules say no: {although}." if although else let_in


def _refused(event: RequestEventRow) -> str:
    if event.refusal_code is None:
        return f"Refused{_at_gate(event)}."
    return f"Refused{_at_gate(event)}: {sentence(RefusalCode(event.refusal_code), _told(event))}"


def _printed(event: RequestEventRow) -> str:
    number = event.facts.get("print_count", 1)
    return "Printed." if number == 1 else f"Printed again, {number} times in all."


def _revoked(event: RequestEventRow) -> str:
    refund, currency = event.facts.get("refund_minor"), event.facts.get("currency")
    if refund is None or currency is None:
        return _because(event, "Revoked")
    paid = f"a refund of {db.money.from_minor(refund, currency)} {currency}" if refund else "no refund"
    return _because(event, f"Revoked, with {paid}")


def _holder_changed(event: RequestEventRow) -> str:
    words = {
        "customer_no": "customer number",
        "email": "e-mail",
        "phone": "phone",
        "name": "name",
        "language": "language",
    }
    changed = [words.get(name, name) for name in event.facts.get("changed", ())]
    return f"The holder was changed: {', '.join(changed)}." if changed else "The holder was changed."


def _rescheduled(event: RequestEventRow) -> str:
    """In the local times that the facts are told in."""
    before, after = (event.facts.get(name, {}).get("starts_at") for name in ("before", "after"))
    if after is None:
        return "Moved to another time slot."
    return f"Moved from {_wall(before)} to {_wall(after)}." if before else f"Moved to {_wall(after)}."


def _slot_changed(event: RequestEventRow) -> str:
    """In the local times that the facts are told in."""
    before, after = event.facts.get("before", {}), event.facts.get("after", {})
    match after.get("state"):
        case "CANCELED":
            return "The booked time slot was canceled."
        case "CLOSED":
            reason = after.get("closed_reason")
            return f"The booked time slot was closed: {reason}" if reason else "The booked time slot was closed."
        case "OPEN":
            return "The booked time slot takes place after all."
    if "starts_at" in before and "starts_at" in after:
        return f"The booked time slot was moved from {_wall(before['starts_at'])} to {_wall(after['starts_at'])}."
    return "The booked time slot has another end or arrival window."


def _wall(moment: str) -> str:
    return datetime.fromisoformat(moment).strftime("%Y-%m-%d %H:%M")


_WORDS: Mapping[RequestEventKind, Callable[[RequestEventRow], str]] = {
    RequestEventKind.CREATED: _created,
    RequestEventKind.UPDATED: _updated,
    RequestEventKind.EXTENDED: _extended,
    RequestEventKind.CONFIRMED: _confirmed,
    RequestEventKind.PAID: _paid,
    RequestEventKind.EXPIRED: _always("The time to pay ran out: the places were let go."),
    RequestEventKind.CANCELED: lambda event: _because(event, "Canceled"),
    RequestEventKind.ISSUED: _issued,
    RequestEventKind.PRINTED: _printed,
    RequestEventKind.ADMITTED: _admitted,
    RequestEventKind.DEPARTED: lambda event: _people(event, "departed"),
    RequestEventKind.REFUSED: _refused,
    RequestEventKind.BLOCKED: lambda event: _because(event, _blocked(event, "Blocked")),
    RequestEventKind.UNBLOCKED: lambda event: _because(event, _blocked(event, "Unblocked")),
    RequestEventKind.REVOKED: _revoked,
    RequestEventKind.RESCHEDULED: _rescheduled,
    RequestEventKind.HOLDER_CHANGED: _holder_changed,
    RequestEventKind.SLOT_CHANGED: _slot_changed,
    RequestEventKind.CAPACITY_EXCEEDED: _always("Sold over the capacity of a time slot, as the cashier decided."),
    RequestEventKind.NOTIFIED: _always("The guest was notified."),
    RequestEventKind.VIEWED: _always("Staff looked at personal data."),
    RequestEventKind.ERASED: _always("Personal data was erased."),
}
