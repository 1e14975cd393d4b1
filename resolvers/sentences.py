"""What a gate's refusals say, in one sentence for a person: at the gate, in an explanation, and in the timeline.

Events keep the facts and not the sentence, so that it can be worded better tomorrow.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from .refusals import Refusal, RefusalCode

MOMENT = "%Y-%m-%d %H:%M"


@dataclass(frozen=True, slots=True)
class Told:
    """The facts that a sentence tells. Moments are in the offset of the admission, as on the clock on its wall.

    ``said`` is the words of somebody else: why a calendar is closed, what another admission is called.
    """

    limit: int | None = None
    actual: int | None = None
    passes_from: datetime | None = None
    passes_until: datetime | None = None
    said: str | None = None


NOTHING = Told()


def sentence(code: RefusalCode, told: Told) -> str:
    """The refusal in words; of a code that no gate gives, the code."""
    return _SENTENCES.get(code, _always(f"{code}."))(told)


def told_refusal(
    code: RefusalCode,
    told: Told = NOTHING,
    *,
    path: tuple[str, ...] | None = None,
    admission_id: int | None = None,
    slot_id: int | None = None,
    ticket_id: int | None = None,
    request_id: int | None = None,
) -> Refusal:
    """A refusal at the gate, with its sentence and its facts."""
    return Refusal(
        code,
        sentence(code, told),
        path,
        admission_id=admission_id,
        slot_id=slot_id,
        ticket_id=ticket_id,
        request_id=request_id,
        limit=told.limit,
        actual=told.actual,
        passes_from=told.passes_from,
        passes_until=told.passes_until,
        said=told.said,
    )


def _always(text: str) -> Callable[[Told], str]:
    return lambda told: text


def _with_reason(text: str) -> Callable[[Told], str]:
    return lambda told: f"{text}: {told.said}" if told.said else f"{text}."


def _until(text: str, otherwise: str) -> Callable[[Told], str]:
    return lambda told: f"{text} {told.passes_until:{MOMENT}}." if told.passes_until else otherwise


def _from(text: str, otherwise: str) -> Callable[[Told], str]:
    return lambda told: f"{text} {told.passes_from:{MOMENT}}." if told.passes_from else otherwise


def _closed(told: Told) -> str:
    otherwise = _with_reason("It is closed")(told)
    return _from("It is closed now, and opens at", otherwise)(told)


def _wrong_slot(told: Told) -> str:
    return f"The ticket is for another time slot, at {told.said}." if told.said else "The ticket is for another slot."


def _used_up(told: Told) -> str:
    if told.passes_until is not None:
        return f"The ticket was for one day, which ended at {told.passes_until:{MOMENT}}."
    if told.said is not None:
        return f"The ticket lets in {told.limit} {told.said}, not {told.actual}."
    if told.limit is None or told.limit == 1:
        return "The ticket was used already."
    return f"The ticket lets in {told.limit} in all; with these it would be {told.actual}."


def _unmet(told: Told) -> str:
    if told.passes_until is not None:
        return f"The time after {told.said} was over at {told.passes_until:{MOMENT}}."
    return told.said or "Another admission is in the way."


def _full(told: Told) -> str:
    return "It is full." if told.limit is None else f"It is full: {told.actual} would be in, of at most {told.limit}."


def _not_inside(told: Told) -> str:
    return f"Only {told.limit} of the ticket are inside." if told.limit else "Nobody of the ticket is inside."


_SENTENCES: Mapping[RefusalCode, Callable[[Told], str]] = {
    RefusalCode.TICKET_UNKNOWN: _always("No ticket and no request has that number."),
    RefusalCode.TICKET_REVOKED: _always("The ticket was given back."),
    RefusalCode.TICKET_BLOCKED: _with_reason("The ticket is blocked"),
    RefusalCode.ACCESS_BLOCKED: _with_reason("The ticket is blocked for this admission"),
    RefusalCode.NOT_CONFIRMED: _always("The sale was not confirmed yet."),
    RefusalCode.HOLD_EXPIRED: _always("The sale was not paid in time, and its places were let go."),
    RefusalCode.ALREADY_CANCELED: _always("The sale was canceled."),
    RefusalCode.UNPAID: _always("The ticket is not paid yet."),
    RefusalCode.NOT_VALID_YET: _from("The ticket is valid from", "The ticket is not valid yet."),
    RefusalCode.NO_LONGER_VALID: _until("The ticket was valid until", "The ticket is no longer valid."),
    RefusalCode.NOT_ON_TICKET: _always("The ticket does not let in here."),
    RefusalCode.NO_RESERVATION: _always("A reservation is needed here, and the ticket has none."),
    RefusalCode.WRONG_SLOT: lambda told: (
        f"The ticket is for another time slot{f', at {told.said}' if told.said else ''}."
    ),
    RefusalCode.SLOT_CANCELED: _always("The time slot was canceled."),
    RefusalCode.ADMISSION_CLOSED: _closed,
    RefusalCode.CALENDAR_CLOSED: lambda told: told.said or "A calendar closes that day.",
    RefusalCode.TOO_EARLY: _from("Guests of that time slot are let in from", "The reserved time has not come."),
    RefusalCode.TOO_LATE: _until("Guests of that time slot were let in until", "The reserved time is over."),
    RefusalCode.ENTRIES_USED_UP: _used_up,
    RefusalCode.DEPENDENCY_UNMET: _unmet,
    RefusalCode.CAPACITY_REACHED: _full,
    RefusalCode.NOT_INSIDE: _not_inside,
    RefusalCode.UNKNOWN_ADMISSION: _always("The gate names an admission that does not exist."),
    RefusalCode.UNKNOWN_SLOT: _always("The gate names a time slot that does not exist."),
    RefusalCode.SLOT_OF_OTHER_ADMISSION: _always("The gate names a time slot of another admission."),
}
