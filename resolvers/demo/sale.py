"""What happened: a sale with its tickets, told as a story. ``books`` writes down what the tables say of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from db.client import Role
from db.sales_order import SalesChannel
from db.ticket_item import AdmissionInclusion
from db.ticket_request import PaymentOption
from db.time_slot import SlotState
from db.timeline import RequestEventKind

from ..refusals import RefusalCode
from .people import NOBODY, Guest
from .world import GROUP, Admission, Client, Content, Item


@dataclass(slots=True, eq=False)
class Slot:
    """A time slot, and how many of its places are held or sold."""

    id: int
    admission: Admission
    date: date
    starts_at: datetime
    ends_at: datetime
    arrival_from: datetime
    arrival_until: datetime
    capacity: int
    state: SlotState = SlotState.OPEN
    closed_reason: str | None = None
    by_hand: tuple[str, ...] = ()
    taken: int = 0

    def has_room(self, places: int) -> bool:
        return self.state is SlotState.OPEN and self.taken + places <= self.capacity

    @property
    def last_entrance(self) -> datetime:
        """An EVENT is past after its arrival window, a LOCATION after its end."""
        return self.arrival_until if self.admission.is_event else self.ends_at


@dataclass(slots=True)
class Arrival:
    """People let in with one scan; ``departed_at`` None: nobody saw them leave."""

    at: datetime
    people: int
    departed_at: datetime | None = None


@dataclass(slots=True)
class Block:
    at: datetime
    reason: str


@dataclass(slots=True)
class Access:
    """One admission on a ticket."""

    content: Content
    slot: Slot | None
    arrivals: list[Arrival] = field(default_factory=list)
    block: Block | None = None


@dataclass(slots=True)
class RefusedScan:
    """What a gate said no to."""

    at: datetime
    code: RefusalCode
    admission: Admission


@dataclass(slots=True)
class Ticket:
    """A ticket; ``number`` None: made by the pattern of its type."""

    people: int
    accesses: list[Access]
    number: str | None = None
    printed_at: datetime | None = None
    block: Block | None = None
    revoked_at: datetime | None = None
    refused: list[RefusedScan] = field(default_factory=list)

    @property
    def is_used(self) -> bool:
        return any(access.arrivals for access in self.accesses)


@dataclass(slots=True)
class Entry:
    """One admission of a line; ``is_included`` False: an optional one that the guest did not take."""

    content: Content
    slot: Slot | None
    is_included: bool = True

    @property
    def inclusion(self) -> AdmissionInclusion:
        """What stands on the request: an optional admission was selected or not."""
        if self.content.inclusion is AdmissionInclusion.REQUIRED:
            return AdmissionInclusion.REQUIRED
        return AdmissionInclusion.SELECTED if self.is_included else AdmissionInclusion.NOT_SELECTED


@dataclass(slots=True)
class Line:
    """One requested line, with its tickets if they were issued."""

    item: Item
    quantity: int
    entries: list[Entry]
    dictated_nos: list[str] | None = None
    tickets: list[Ticket] = field(default_factory=list)

    def issue(self) -> None:
        """INDIVIDUAL: a ticket per person. GROUP: one for all."""
        count, people = (1, self.quantity) if self.item.type is GROUP else (self.quantity, 1)
        included = [entry for entry in self.entries if entry.is_included]
        self.tickets = [Ticket(people, [Access(e.content, e.slot) for e in included]) for _ in range(count)]
        for ticket, number in zip(self.tickets, self.dictated_nos or (), strict=False):
            ticket.number = number

    @property
    def people(self) -> int:
        """Those whose tickets were not revoked, or not issued yet."""
        return sum(t.people for t in self.tickets if t.revoked_at is None) if self.tickets else self.quantity


@dataclass(slots=True)
class Note:
    """Something else that happened to a request."""

    at: datetime
    kind: RequestEventKind
    by: Client | None
    facts: Mapping[str, Any] = field(default_factory=dict)
    slot: Slot | None = None


@dataclass(slots=True)
class Sale:
    """A request and all that became of it.

    Canceled: given up, or every ticket revoked. Else confirmed, or held until ``expires_at``; ``is_stamped``: somebody
    has written down that it expired. ``document`` is the state of its sales order, None if the order was never sent.
    """

    client: Client
    made_at: datetime
    lines: Sequence[Line]
    expires_at: datetime
    token: str
    guest: Guest = NOBODY
    order_no: str | None = None
    owns_order: bool = True
    receipt: tuple[str, str] | None = None
    salesperson: str | None = None
    document: str | None = None
    extended_at: datetime | None = None
    confirmed_at: datetime | None = None
    payment: PaymentOption = PaymentOption.UNPAID
    payment_reference: str | None = None
    paid_at: datetime | None = None
    canceled_at: datetime | None = None
    reason: str | None = None
    is_stamped: bool = False
    notes: Sequence[Note] = ()

    @property
    def channel(self) -> SalesChannel:
        return SalesChannel.POS if self.client.role is Role.POS else SalesChannel.WEB_STORE

    @property
    def tickets(self) -> list[Ticket]:
        return [ticket for line in self.lines for ticket in line.tickets]

    @property
    def places(self) -> dict[Slot, int]:
        """The places it wants in each slot."""
        places: dict[Slot, int] = {}
        for line in self.lines:
            for entry in line.entries:
                if entry.slot is not None and entry.is_included:
                    places[entry.slot] = places.get(entry.slot, 0) + line.people * entry.content.places
        return places

    def confirm(
        self, at: datetime, payment: PaymentOption, reference: str | None = None, paid_at: datetime | None = None
    ) -> None:
        """Sell it and issue its tickets. ``paid_at``: confirmed unpaid, and paid like that only then."""
        self.confirmed_at, self.payment, self.payment_reference, self.paid_at = at, payment, reference, paid_at
        for line in self.lines:
            line.issue()

    def take_places(self) -> None:
        """Count its places in their slots, if it holds or has bought them."""
        for slot, places in self.places.items():
            slot.taken += places
