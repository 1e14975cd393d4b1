"""Do these places fit? And may this slot be sold at all? Pure: everything they need is given (by ``slot_use``).

Source: domain.md, "Capacity". What counts is places: people x the content line's quantity.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from db.admission import AdmissionKind, AdmissionRow, CapacityControl
from db.calendar import CalendarLineRow
from db.ledger import Counted, People, Reservations
from db.ticket_item import ContentLineRow
from db.time_slot import SlotState, TimeSlotRow

from .calendar import closed_because
from .refusals import Refusal, RefusalCode


@dataclass(frozen=True, slots=True)
class SlotUse:
    """What a slot is used for, in places.

    Held by unexpired requests; sold, and of the sold those whose people are still awaited; of everybody ever let in,
    each once; of those inside now. Awaited, admitted and inside are counted where ``counts_people``.
    """

    held: int = 0
    sold: int = 0
    awaited: int = 0
    admitted: int = 0
    inside: int = 0

    def and_held(self, places: int) -> "SlotUse":
        """With so many more held."""
        return replace(self, held=self.held + places)


def counts(control: str, kind: str) -> tuple[Reservations, People]:
    """Which reservations, and which people, use up the maximum.

    SALES: everything held or sold. ADMITTED: everybody ever let in, once, plus the open reservations of an EVENT; a
    LOCATION is sold to more than it has room for, because not all come. ADMITTED_AND_DEPARTED: those inside now, plus
    open reservations. NONE limits nothing, and tells of the same as SALES.

    A reservation is open for those of its places whose people were not let in yet: held ones all, sold ones as long as
    their tickets are not revoked. Who was let in no longer reserves, also after leaving.
    """
    match control:
        case CapacityControl.ADMITTED if kind == AdmissionKind.LOCATION:
            return Reservations.NONE, People.EVER
        case CapacityControl.ADMITTED:
            return Reservations.OPEN, People.EVER
        case CapacityControl.ADMITTED_AND_DEPARTED:
            return Reservations.OPEN, People.INSIDE
        case _:
            return Reservations.ALL, People.NONE


def counts_people(slot: TimeSlotRow) -> bool:
    """Whether those who were let in matter to the room that is left."""
    return counts(slot.capacity_control, slot.admission_kind)[1] is not People.NONE


def counted(slot: TimeSlotRow) -> Counted:
    """What its ledger lists."""
    reservations, people = counts(slot.capacity_control, slot.admission_kind)
    return Counted(slot.id, reservations.value, people.value)


def taken(slot: TimeSlotRow, use: SlotUse) -> int:
    """How many places are used up: the sum of the lines of the slot's ledger."""
    reservations, people = counts(slot.capacity_control, slot.admission_kind)
    reserved = {
        Reservations.ALL: use.held + use.sold,
        Reservations.OPEN: use.held + use.awaited,
        Reservations.NONE: 0,
    }
    return reserved[reservations] + {People.EVER: use.admitted, People.INSIDE: use.inside, People.NONE: 0}[people]


def remaining(slot: TimeSlotRow, use: SlotUse, content: ContentLineRow | None = None) -> int | None:
    """Places left, of the content line's share if one is given: None when unlimited, never negative.

    A maximum may be lowered below what is sold.
    """
    if slot.capacity is None:
        return None
    limit = slot.capacity if content is None else share(slot.capacity, content)
    return max(limit - taken(slot, use), 0)


def share(capacity: int, content: ContentLineRow) -> int:
    """The item's share of a slot's maximum, rounded down; it is compared with the use of the whole slot."""
    return capacity * content.capacity_basis_points // 10_000


def to_the_second(moment: datetime) -> datetime:
    """What windows are compared with: they include both ends, to the whole second. Source: domain.md, "Schedule"."""
    return moment.replace(microsecond=0)


def is_past(slot: TimeSlotRow, kind: str, now: datetime) -> bool:
    """An EVENT is past after its arrival window, a LOCATION after its end; both ends belong to the slot."""
    return to_the_second(now) > (slot.arrival_until if kind == AdmissionKind.EVENT else slot.ends_at)


@dataclass(frozen=True, slots=True)
class Wish:
    """Places wanted in one slot for one admission of an item, beside all else that its request wants there.

    ``places_in_all`` is what the request wants of the slot over all its lines. ``calendar`` has the lines of the
    content line's ticket calendar. ``valid_until`` is the end of the ticket as it would be issued; None has no end.
    """

    slot: TimeSlotRow
    admission: AdmissionRow
    content: ContentLineRow
    places_in_all: int
    calendar: Sequence[CalendarLineRow] = ()
    valid_until: datetime | None = None
    may_exceed: bool = False


def sale_refusal(wish: Wish, use: SlotUse, now: datetime) -> Refusal | None:
    """The first test that the sale fails, or None. ``use`` is that of everybody else.

    In order: SLOT_OF_OTHER_ADMISSION, SLOT_CANCELED, SLOT_CLOSED, CALENDAR_CLOSED, SLOT_PAST, OUTSIDE_SALES_PERIOD,
    BEYOND_VALIDITY, SOLD_OUT (limit: the maximum or the item's share of it; actual: the places that would then be
    taken). The last is one test under every control: what is wanted must fit beside what counts there.
    """
    slot, admission = wish.slot, wish.admission

    def no(code: RefusalCode, message: str, **facts: int | datetime | None) -> Refusal:
        return Refusal(code, message, admission_id=admission.id, slot_id=slot.id, **facts)  # type: ignore[arg-type]

    if slot.admission_id != admission.id:
        return no(RefusalCode.SLOT_OF_OTHER_ADMISSION, f"The chosen time slot is not one of {admission.description}.")
    if out_of_force := not_in_force(slot, admission, wish.calendar):
        return out_of_force
    if is_past(slot, admission.kind, now):
        return no(RefusalCode.SLOT_PAST, f"The chosen time slot of {admission.description} is over.")
    second = to_the_second(now)
    if (slot.sales_from and second < slot.sales_from) or (slot.sales_until and second > slot.sales_until):
        message = f"The chosen time slot of {admission.description} is not on sale now."
        return no(RefusalCode.OUTSIDE_SALES_PERIOD, message, passes_from=slot.sales_from, passes_until=slot.sales_until)
    if wish.valid_until is not None and slot.starts_at > wish.valid_until:
        message = f"The chosen time slot of {admission.description} lies after the end of the ticket."
        return no(RefusalCode.BEYOND_VALIDITY, message, passes_until=wish.valid_until)
    if slot.capacity is not None and not wish.may_exceed and exceeds(wish, use):
        left = remaining(slot, use, wish.content)
        message = (
            f"{admission.description}: {left or 'no'} {'place is' if left == 1 else 'places are'} left at that time."
        )
        limit = share(slot.capacity, wish.content)
        return no(RefusalCode.SOLD_OUT, message, limit=limit, actual=taken(slot, use) + wish.places_in_all)
    return None


def exceeds(wish: Wish, use: SlotUse) -> bool:
    """Whether the places wanted do not fit into the item's share of the slot."""
    if wish.slot.capacity is None:
        return False
    return taken(wish.slot, use) + wish.places_in_all > share(wish.slot.capacity, wish.content)


def not_in_force(
    slot: TimeSlotRow, admission: AdmissionRow, calendar: Sequence[CalendarLineRow] = ()
) -> Refusal | None:
    """Why nobody may use the slot, whether sold or held before or not: SLOT_CANCELED, SLOT_CLOSED, CALENDAR_CLOSED.

    A ticket calendar is asked live, by the slot's local day; its text is the message.
    """

    def no(code: RefusalCode, message: str) -> Refusal:
        return Refusal(code, message, admission_id=admission.id, slot_id=slot.id)

    if slot.state == SlotState.CANCELED:
        return no(RefusalCode.SLOT_CANCELED, f"The time slot of {admission.description} was canceled.")
    if slot.state == SlotState.CLOSED:
        reason = f": {slot.closed_reason}" if slot.closed_reason else "."
        return no(RefusalCode.SLOT_CLOSED, f"{admission.description} is closed at that time{reason}")
    if (text := closed_because(calendar, slot.date)) is not None:
        return no(RefusalCode.CALENDAR_CLOSED, text)
    return None
