"""Do these places fit? And may this slot be sold at all? Pure: everything they need is given.

Source: domain.md, "Capacity". What counts is places: tickets x the content line's quantity.
"""

from dataclasses import dataclass
from datetime import datetime

from db.admission import AdmissionKind, AdmissionRow, CapacityControl
from db.ticket_item import ContentLineRow
from db.time_slot import SlotState, TimeSlotRow

from .refusals import Refusal, RefusalCode


@dataclass(frozen=True, slots=True)
class SlotUse:
    """What a slot is used for: places held by unexpired requests and sold, people ever let in and inside now."""

    held: int = 0
    sold: int = 0
    admitted: int = 0
    inside: int = 0


def taken(control: str, kind: str, use: SlotUse) -> int:
    """How much of the maximum is used up.

    SALES: everything held or sold. ADMITTED: everybody ever let in, plus the open reservations of an EVENT.
    ADMITTED_AND_DEPARTED: those inside, plus open reservations. NONE counts nothing.
    """
    reserved = use.held + use.sold
    still_to_come = max(reserved - use.admitted, 0)
    match control:
        case CapacityControl.SALES:
            return reserved
        case CapacityControl.ADMITTED:
            return use.admitted + (still_to_come if kind == AdmissionKind.EVENT else 0)
        case CapacityControl.ADMITTED_AND_DEPARTED:
            return use.inside + still_to_come
        case _:
            return 0


def remaining(slot: TimeSlotRow, kind: str, use: SlotUse) -> int | None:
    """Places left: None when unlimited, never negative (a maximum may be lowered below what is sold)."""
    if slot.capacity is None:
        return None
    return max(slot.capacity - taken(slot.capacity_control, kind, use), 0)


def share(capacity: int, content: ContentLineRow) -> int:
    """The item's share of a slot's maximum, rounded down."""
    return capacity * content.capacity_basis_points // 10_000


def is_past(slot: TimeSlotRow, kind: str, now: datetime) -> bool:
    """An EVENT is past after its arrival window, a LOCATION after its end; both ends belong to the slot."""
    return now > (slot.arrival_until if kind == AdmissionKind.EVENT else slot.ends_at)


@dataclass(frozen=True, slots=True)
class Wish:
    """Places wanted in one slot for one admission of an item, beside all else that its request wants there.

    ``places_in_all`` is what the request wants of the slot over all its lines. ``valid_until`` is the end of the ticket
    as it would be issued; None has no end.
    """

    slot: TimeSlotRow
    admission: AdmissionRow
    content: ContentLineRow
    places_in_all: int
    valid_until: datetime | None = None
    may_exceed: bool = False


def sale_refusal(wish: Wish, use: SlotUse, now: datetime) -> Refusal | None:
    """The first test that the sale fails, or None. ``use`` is that of everybody else.

    In order: SLOT_OF_OTHER_ADMISSION, SLOT_CANCELED, SLOT_CLOSED, SLOT_PAST, OUTSIDE_SALES_PERIOD, BEYOND_VALIDITY,
    SOLD_OUT (limit: the maximum or the item's share of it; actual: the places that would then be taken).
    """
    slot, admission = wish.slot, wish.admission

    def no(code: RefusalCode, message: str, **facts: int | datetime | None) -> Refusal:
        return Refusal(code, message, admission_id=admission.id, slot_id=slot.id, **facts)  # type: ignore[arg-type]

    if slot.admission_id != admission.id:
        return no(RefusalCode.SLOT_OF_OTHER_ADMISSION, f"The chosen time slot is not one of {admission.description}.")
    if out_of_force := not_in_force(slot, admission):
        return out_of_force
    if is_past(slot, admission.kind, now):
        return no(RefusalCode.SLOT_PAST, f"The chosen time slot of {admission.description} is over.")
    if (slot.sales_from and now < slot.sales_from) or (slot.sales_until and now > slot.sales_until):
        message = f"The chosen time slot of {admission.description} is not on sale now."
        return no(RefusalCode.OUTSIDE_SALES_PERIOD, message, passes_from=slot.sales_from, passes_until=slot.sales_until)
    if wish.valid_until is not None and slot.starts_at > wish.valid_until:
        message = f"The chosen time slot of {admission.description} lies after the end of the ticket."
        return no(RefusalCode.BEYOND_VALIDITY, message, passes_until=wish.valid_until)
    if slot.capacity is not None and not wish.may_exceed and exceeds(wish, use):
        limit = share(slot.capacity, wish.content)
        in_use = taken(slot.capacity_control, admission.kind, use)
        left = max(limit - in_use, 0)
        message = (
            f"{admission.description}: {left or 'no'} {'place is' if left == 1 else 'places are'} left at that time."
        )
        return no(RefusalCode.SOLD_OUT, message, limit=limit, actual=in_use + wish.places_in_all)
    return None


def exceeds(wish: Wish, use: SlotUse) -> bool:
    """Whether the places wanted do not fit into the item's share of the slot."""
    if wish.slot.capacity is None or _counts_people_only(wish):
        return False
    in_use = taken(wish.slot.capacity_control, wish.admission.kind, use)
    return in_use + wish.places_in_all > share(wish.slot.capacity, wish.content)


def _counts_people_only(wish: Wish) -> bool:
    """Under ADMITTED a LOCATION's sales take no places: only those let in do."""
    control, kind = wish.slot.capacity_control, wish.admission.kind
    return control == CapacityControl.ADMITTED and kind == AdmissionKind.LOCATION


def not_in_force(slot: TimeSlotRow, admission: AdmissionRow) -> Refusal | None:
    """Why a slot that was sold or held cannot be used: it was canceled, or closed."""
    if slot.state == SlotState.CANCELED:
        message = f"The time slot of {admission.description} was canceled."
        return Refusal(RefusalCode.SLOT_CANCELED, message, admission_id=admission.id, slot_id=slot.id)
    if slot.state == SlotState.CLOSED:
        reason = f": {slot.closed_reason}" if slot.closed_reason else "."
        message = f"{admission.description} is closed at that time{reason}"
        return Refusal(RefusalCode.SLOT_CLOSED, message, admission_id=admission.id, slot_id=slot.id)
    return None
