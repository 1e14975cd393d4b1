"""The role center: the numbers of one day, for the people who run the place.

Source: domain.md, "Finding out". The day is that of the setting GATEHOUSE_TIME_ZONE, from midnight to midnight, however
many hours it has; what an admission's slots are on that date is told in the admission's own zone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, time, timedelta
from decimal import ROUND_HALF_UP, Decimal

import db
from db.admission import AdmissionRow
from db.day import DayRow
from db.time_slot import TimeSlotRow

from .capacity import SlotUse, taken
from .context import Context
from .refusals import BadUserInput
from .slot_use import uses_of
from .slots import moment

FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(9990, 12, 31)
"""Days whose midnights are moments in every zone; nothing happened before or after."""


@dataclass(frozen=True, slots=True)
class AdmissionDay:
    """One admission's open slots of the day, taken together. ``capacity`` is None where any of them is unlimited."""

    admission: AdmissionRow
    slot_count: int
    capacity: int | None
    held: int
    sold: int
    admitted: int
    utilization_percent: Decimal | None


@dataclass(frozen=True, slots=True)
class RoleCenter:
    """One day in numbers."""

    date: date
    numbers: DayRow
    admissions: Sequence[AdmissionDay]


async def role_center(context: Context, on: date | None) -> RoleCenter:
    """The numbers of that day, or of today. Raises BadUserInput for a day beyond any calendar in use."""
    zone = context.rules.time_zone
    on = on or context.now.astimezone(zone).date()
    if not FIRST_DAY <= on <= LAST_DAY:
        raise BadUserInput(f"The role center has the days from {FIRST_DAY} to {LAST_DAY}.")
    start, end = (moment(day, time.min, zone).astimezone(UTC) for day in (on, on + timedelta(days=1)))
    async with context.reading() as read:
        numbers = await db.day.numbers(read, start, end, context.now)
        admissions = await db.admission.all_of_them(read)
        slots = await db.time_slot.open_on(read, [admission.id for admission in admissions], on)
        uses = await uses_of(read, slots, context.now, is_shown=True)
    slots_of: dict[int, list[TimeSlotRow]] = {}
    for slot in slots:
        slots_of.setdefault(slot.admission_id, []).append(slot)
    days = [
        summed(admission, [(slot, uses[slot.id]) for slot in slots_of.get(admission.id, ())])
        for admission in admissions
    ]
    return RoleCenter(on, numbers, days)


def summed(admission: AdmissionRow, slots: Sequence[tuple[TimeSlotRow, SlotUse]]) -> AdmissionDay:
    """The slots of one admission together.

    The utilization is the share of the places that are used up, by what counts in each slot; a slot that is used beyond
    its capacity makes up for no empty one, and without any place there is nothing to use.
    """
    capacity, used = 0, 0
    is_unlimited = False
    for slot, use in slots:
        if slot.capacity is None:
            is_unlimited = True
        else:
            capacity += slot.capacity
            used += min(taken(slot, use), slot.capacity)
    percent = Decimal(100 * used) / capacity if capacity else Decimal(0)
    return AdmissionDay(
        admission=admission,
        slot_count=len(slots),
        capacity=None if is_unlimited else capacity,
        held=sum(use.held for _, use in slots),
        sold=sum(use.sold for _, use in slots),
        admitted=sum(use.admitted for _, use in slots),
        utilization_percent=None if is_unlimited or not capacity else percent.quantize(Decimal("0.1"), ROUND_HALF_UP),
    )
