"""One kind of thing that is in the way, with all that its words and the advice on it may tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from db.ticket import AccessEntryRow, IssuedTicketRow
from db.ticket_request import TicketRequestRow
from db.time_slot import TimeSlotRow
from db.timeline import RequestEventKind, RequestEventRow

from ..gate import Facts
from ..refusals import Refusal, RefusalCode
from ..sentences import MOMENT, Tickets


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """``facts`` are those of the first ticket concerned; None where there is no ticket.

    ``is_alike``: the same is to be told of all tickets concerned. ``others`` are the numbers of the tickets in force
    that it does not concern. ``owner`` is the other request that has the order number by now, ``held`` why the places
    could not be had again; neither is known of a moment that ``is_past``. ``may_move`` and ``may_revoke`` tell what
    the caller may do with the first ticket.
    """

    code: RefusalCode
    refusal: Refusal
    facts: Facts | None
    request: TicketRequestRow
    tickets: Tickets
    ticket_ids: tuple[int, ...]
    admission_id: int | None
    is_alike: bool
    others: tuple[str, ...]
    history: Sequence[RequestEventRow]
    held: tuple[Refusal, ...]
    owner: TicketRequestRow | None
    is_past: bool
    zone: ZoneInfo
    may_move: bool
    may_revoke: bool
    may_unblock: bool

    def wall(self, moment: datetime) -> str:
        """A moment as on the clock on the wall of the place."""
        return f"{moment.astimezone(self.zone):{MOMENT}}"

    @property
    def place(self) -> str | None:
        """What the admission is called."""
        return self.facts.admission.description if self.facts and self.facts.admission else None

    @property
    def ticket(self) -> IssuedTicketRow | None:
        """The first ticket concerned."""
        return self.facts.ticket if self.facts else None

    @property
    def entry(self) -> AccessEntryRow | None:
        """Its access entry for the admission."""
        return self.facts.entry if self.facts else None

    @property
    def slot(self) -> TimeSlotRow | None:
        """The time slot that would be entered with it."""
        return self.facts.slot if self.facts else None

    def last(self, kind: RequestEventKind) -> RequestEventRow | None:
        """The last of that kind that happened: to the first ticket there, or to its slot."""
        match kind:
            case RequestEventKind.SLOT_CHANGED:
                name, row_id = "slot_id", self.slot.id if self.slot else None
            case RequestEventKind.ADMITTED:
                name, row_id = "access_entry_id", self.entry.id if self.entry else None
            case _:
                name, row_id = "ticket_id", self.ticket.id if self.ticket else None
        those = [event for event in self.history if event.kind == kind and getattr(event, name) == row_id]
        return those[-1] if those and row_id is not None else None
