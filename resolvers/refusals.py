"""Refusals: every "no" that a caller can act on, and how each is worded.

A refusal raised as ``Refused`` rolls the transaction back and becomes the payload's ``refusals`` in one place
(``schema.refusals``). All problems of an input are collected before it is raised.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class RefusalCode(StrEnum):
    INVALID_INPUT = "INVALID_INPUT"
    NOT_FOUND = "NOT_FOUND"
    UNKNOWN_ITEM = "UNKNOWN_ITEM"
    UNKNOWN_ADMISSION = "UNKNOWN_ADMISSION"
    UNKNOWN_SLOT = "UNKNOWN_SLOT"
    UNKNOWN_CUSTOMER = "UNKNOWN_CUSTOMER"
    AMBIGUOUS_LINE = "AMBIGUOUS_LINE"
    TOKEN_REUSED = "TOKEN_REUSED"
    DUPLICATE_ORDER = "DUPLICATE_ORDER"
    DUPLICATE_TICKET_NUMBER = "DUPLICATE_TICKET_NUMBER"
    SOLD_OUT = "SOLD_OUT"
    SLOT_REQUIRED = "SLOT_REQUIRED"
    SLOT_CLOSED = "SLOT_CLOSED"
    SLOT_CANCELED = "SLOT_CANCELED"
    CALENDAR_CLOSED = "CALENDAR_CLOSED"
    SLOT_OF_OTHER_ADMISSION = "SLOT_OF_OTHER_ADMISSION"
    SLOT_PAST = "SLOT_PAST"
    OUTSIDE_SALES_PERIOD = "OUTSIDE_SALES_PERIOD"
    BEYOND_VALIDITY = "BEYOND_VALIDITY"
    ITEM_BLOCKED = "ITEM_BLOCKED"
    HOLD_EXPIRED = "HOLD_EXPIRED"
    ALREADY_CONFIRMED = "ALREADY_CONFIRMED"
    ALREADY_CANCELED = "ALREADY_CANCELED"
    ALREADY_PAID = "ALREADY_PAID"
    NOT_CONFIRMED = "NOT_CONFIRMED"
    UNPAID = "UNPAID"
    TICKET_UNKNOWN = "TICKET_UNKNOWN"
    TICKET_BLOCKED = "TICKET_BLOCKED"
    ACCESS_BLOCKED = "ACCESS_BLOCKED"
    TICKET_REVOKED = "TICKET_REVOKED"
    NOT_VALID_YET = "NOT_VALID_YET"
    NO_LONGER_VALID = "NO_LONGER_VALID"
    NOT_ON_TICKET = "NOT_ON_TICKET"
    NO_RESERVATION = "NO_RESERVATION"
    ADMISSION_CLOSED = "ADMISSION_CLOSED"
    TOO_EARLY = "TOO_EARLY"
    TOO_LATE = "TOO_LATE"
    WRONG_SLOT = "WRONG_SLOT"
    ENTRIES_USED_UP = "ENTRIES_USED_UP"
    CAPACITY_REACHED = "CAPACITY_REACHED"
    DEPENDENCY_UNMET = "DEPENDENCY_UNMET"
    NOT_INSIDE = "NOT_INSIDE"
    RESCHEDULE_NOT_ALLOWED = "RESCHEDULE_NOT_ALLOWED"
    REVOKE_NOT_ALLOWED = "REVOKE_NOT_ALLOWED"
    WRONG_AUTHORIZATION_CODE = "WRONG_AUTHORIZATION_CODE"
    CONFLICT = "CONFLICT"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why the server said no. ``path`` leads to the place in the input, in the caller's names.

    ``said`` is what the message repeats of somebody else's words, for an event to keep.
    """

    code: RefusalCode
    message: str
    path: tuple[str, ...] | None = None
    admission_id: int | None = None
    slot_id: int | None = None
    ticket_id: int | None = None
    request_id: int | None = None
    limit: int | None = None
    actual: int | None = None
    passes_from: datetime | None = None
    passes_until: datetime | None = None
    said: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a mutation came to: the row that it concerns, and why not, if not.

    ``row_id`` is the stored object as it stands after the commit, or unchanged when refused; None if there is none or
    the caller may not see it. A mutation that answers more has an outcome class of its own, derived from this one.
    """

    row_id: int | None = None
    refusals: tuple[Refusal, ...] = ()


class Unchanged(Exception):
    """Raised in a transaction: nothing of it is kept, and the outcome is the answer. So end a dry run and a repeat."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(", ".join(refusal.code for refusal in outcome.refusals))
        self.outcome = outcome


class Refused(Unchanged):
    """The answer is no."""


def refused(code: RefusalCode, message: str, *path: str, row_id: int | None = None) -> Refused:
    """The one refusal of a mutation that has only one."""
    return Refused(Outcome(row_id=row_id, refusals=(Refusal(code, message, path or None),)))


class BadUserInput(Exception):
    """The document or its variables are wrong in a way no type catches: a cursor, an id, a page size."""


@dataclass(slots=True)
class Refusals:
    """Collects every problem of an input; ``check`` raises them all at once."""

    found: list[Refusal] = field(default_factory=list)

    def add(self, code: RefusalCode, message: str, *path: str | int, **facts: int | datetime | None) -> None:
        """Note a problem at that place of the input."""
        place = tuple(str(step) for step in path) or None
        self.found.append(Refusal(code, message, place, **facts))  # type: ignore[arg-type]

    def check(self, *, row_id: int | None = None) -> None:
        """Raise Refused if there is any; ``row_id`` is the stored object that the mutation left as it was."""
        if self.found:
            raise Refused(Outcome(row_id=row_id, refusals=tuple(self.found)))
