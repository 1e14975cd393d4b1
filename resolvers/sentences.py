"""What a gate's refusals say, in one sentence for a person: at the gate, in an explanation, and in the timeline.

Events keep the facts and not the sentence, so that it can be worded better tomorrow.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from .refusals import Refusal, RefusalCode

MOMENT = "%Y-%m-%d %H:%M"


class Tickets(NamedTuple):
    """Of how many tickets something is told, out of how many: at a gate of one, in a diagnosis of several at once."""

    told: int = 1
    out_of: int = 1

    def __str__(self) -> str:
        """The subject of a sentence."""
        if self.out_of == 1:
            return "The ticket"
        if self.told == self.out_of:
            return "Both tickets" if self.out_of == 2 else f"All {self.out_of} tickets"
        return f"{'One' if self.told == 1 else self.told} of the {self.out_of} tickets"

    @property
    def inside(self) -> str:
        """The subject in the middle of a sentence."""
        return f"{self}"[0].lower() + f"{self}"[1:]

    def verb(self, singular: str, plural: str) -> str:
        """The verb that goes with the subject."""
        return singular if self.told == 1 else plural

    def do(self, singular: str, plural: str) -> str:
        """The subject with its verb."""
        return f"{self} {self.verb(singular, plural)}"


ONE = Tickets()


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
    tickets: Tickets = ONE


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


def _tickets(singular: str, plural: str) -> Callable[[Told], str]:
    return lambda told: f"{told.tickets.do(singular, plural)}."


def _with_reason(text: str, told: Told) -> str:
    return f"{text}: {told.said}" if told.said else f"{text}."


def _blocked(at: str = "") -> Callable[[Told], str]:
    return lambda told: _with_reason(told.tickets.do("is", "are") + f" blocked{at}", told)


def _too_early(told: Told) -> str:
    if told.passes_from is None:
        return "The reserved time has not come."
    return f"Guests of that time slot are let in from {told.passes_from:{MOMENT}}."


def _too_late(told: Told) -> str:
    if told.passes_until is None:
        return "The reserved time is over."
    return f"Guests of that time slot were let in until {told.passes_until:{MOMENT}}."


def _not_valid_yet(told: Told) -> str:
    if told.passes_from is None:
        return f"{told.tickets.do('is', 'are')} not valid yet."
    return f"{told.tickets.do('is', 'are')} valid from {told.passes_from:{MOMENT}}."


def _no_longer_valid(told: Told) -> str:
    if told.passes_until is None:
        return f"{told.tickets.do('is', 'are')} no longer valid."
    return f"{told.tickets.do('was', 'were')} valid until {told.passes_until:{MOMENT}}."


def _no_reservation(told: Told) -> str:
    has = told.tickets.verb("has", "have")
    return f"A reservation is needed here, and {told.tickets.inside} {has} none."


def _closed(told: Told) -> str:
    if told.passes_from is None:
        return _with_reason("It is closed", told)
    return f"It is closed now, and opens at {told.passes_from:{MOMENT}}."


def _used_up(told: Told) -> str:
    if told.passes_until is not None:
        return f"{told.tickets.do('was', 'were')} for one day, which ended at {told.passes_until:{MOMENT}}."
    if told.said is not None:
        return f"{told.tickets.do('lets', 'let')} in {told.limit} {told.said}, not {told.actual}."
    if told.limit is None or told.limit == 1:
        return f"{told.tickets.do('was', 'were')} used already."
    return f"{told.tickets.do('lets', 'let')} in {told.limit} in all; with these it would be {told.actual}."


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
    RefusalCode.TICKET_REVOKED: _tickets("was given back", "were given back"),
    RefusalCode.TICKET_BLOCKED: _blocked(),
    RefusalCode.ACCESS_BLOCKED: _blocked(" for this admission"),
    RefusalCode.NOT_CONFIRMED: _always("The sale was not confirmed yet."),
    RefusalCode.HOLD_EXPIRED: _always("The sale was not paid in time, and its places were let go."),
    RefusalCode.ALREADY_CANCELED: _always("The sale was canceled."),
    RefusalCode.UNPAID: _tickets("is not paid yet", "are not paid yet"),
    RefusalCode.NOT_VALID_YET: _not_valid_yet,
    RefusalCode.NO_LONGER_VALID: _no_longer_valid,
    RefusalCode.NOT_ON_TICKET: _tickets("does not let in here", "do not let in here"),
    RefusalCode.NO_RESERVATION: _no_reservation,
    RefusalCode.WRONG_SLOT: lambda told: (
        f"{told.tickets.do('is', 'are')} for another time slot{f', at {told.said}' if told.said else ''}."
    ),
    RefusalCode.SLOT_CANCELED: _always("The time slot was canceled."),
    RefusalCode.ADMISSION_CLOSED: _closed,
    RefusalCode.CALENDAR_CLOSED: lambda told: told.said or "A calendar closes that day.",
    RefusalCode.TOO_EARLY: _too_early,
    RefusalCode.TOO_LATE: _too_late,
    RefusalCode.ENTRIES_USED_UP: _used_up,
    RefusalCode.DEPENDENCY_UNMET: _unmet,
    RefusalCode.CAPACITY_REACHED: _full,
    RefusalCode.NOT_INSIDE: _not_inside,
    RefusalCode.INVALID_INPUT: lambda told: told.said or "The gate sent something that cannot have been scanned.",
    RefusalCode.CONFLICT: lambda told: told.said or "The gate used the nonce of another scan.",
    RefusalCode.UNKNOWN_ADMISSION: _always("The gate names an admission that does not exist."),
    RefusalCode.UNKNOWN_SLOT: _always("The gate names a time slot that does not exist."),
    RefusalCode.SLOT_OF_OTHER_ADMISSION: _always("The gate names a time slot of another admission."),
}
