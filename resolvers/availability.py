"""Availability: what a buyer would be told about each slot of an admission, before asking for it.

It runs the code that create runs, ``capacity.sale_refusal`` on a ``Wish``, on the same facts; only that nothing is
locked, and that each slot is looked at as if it were the only one asked for. What a request's other admissions and
lines would take, or shorten the ticket by, is for create to say.

A constant number of statements for any number of items and slots: contents, admissions, slots, what the slots are used
for, and calendars if there are any.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

import db
from db.admission import AdmissionRow
from db.engine import Read
from db.paging import Page, Window
from db.ticket_item import AdmissionInclusion, ContentLineRow, TicketItemRow
from db.time_slot import TimeSlotRow

from .capacity import SlotUse, Wish, remaining, sale_refusal
from .context import Context
from .refusals import Refusal, Refusals
from .slot_use import Calendars, calendar_of, ticket_calendars, uses_of
from .ticket_request.lines import refuse_blocked, usable_quantity
from .ticket_request.validity import validity


@dataclass(frozen=True, slots=True)
class Asked:
    """What a buyer looks for: so many tickets, in the slots that start in that stretch of time (None is no bound)."""

    quantity: int = 1
    start: datetime | None = None
    until: datetime | None = None


class Availability(NamedTuple):
    """One slot as the buyer sees it. ``remaining`` is how many more of these tickets there are; None: unlimited.

    ``total_minor`` is None for a quantity that no request may have.
    """

    slot: TimeSlotRow
    remaining: int | None
    unit_price_minor: int
    total_minor: int | None
    currency: str
    refusals: tuple[Refusal, ...]

    @property
    def id(self) -> int:
        """With ``starts_at``, where it stands in its page."""
        return self.slot.id

    @property
    def starts_at(self) -> datetime:
        return self.slot.starts_at

    @property
    def is_sellable(self) -> bool:
        return not self.refusals


Pages = dict[int, Page[Availability]]
"""A page by the id of the content line."""


async def of_items(
    context: Context,
    read: Read,
    items: Sequence[TicketItemRow],
    window: Window,
    asked: Asked,
    admission_key: str | None,
) -> Mapping[TicketItemRow, Page[Availability]]:
    """One page of each item's slots, of its default admission or of the one of that key.

    An item that does not admit there (no item does, if there is no such admission) is missing.
    """
    contents = await db.ticket_item.contents_of(read, [item.id for item in items])
    admissions = await _admissions(read, contents)

    def is_meant(content: ContentLineRow) -> bool:
        if admission_key is None:
            return content.is_default
        return admissions[content.admission_id].code_key == admission_key

    meant = {item: next(filter(is_meant, contents.get(item.id, ())), None) for item in items}
    lines = [_Line(item, content, contents[item.id], admissions) for item, content in meant.items() if content]
    pages = await _pages(context, read, lines, window, asked)
    return {item: pages[content.id] for item, content in meant.items() if content}


async def of_content_lines(
    context: Context, read: Read, lines: Sequence[ContentLineRow], window: Window, asked: Asked
) -> Mapping[ContentLineRow, Page[Availability]]:
    """One page of each content line's slots. A retired line is missing: nothing is sold under it any more."""
    in_force = [line for line in lines if line.retired_at is None]
    item_ids = sorted({line.item_id for line in in_force})
    items = await db.ticket_item.by_ids(read, item_ids)
    contents = await db.ticket_item.contents_of(read, item_ids)
    admissions = await _admissions(read, contents)
    found = [_Line(items[line.item_id], line, contents[line.item_id], admissions) for line in in_force]
    pages = await _pages(context, read, found, window, asked)
    return {line: pages[line.id] for line in in_force}


def start_of_day(now: datetime, zone: str) -> datetime:
    """The start of today where that zone's clocks are."""
    here = ZoneInfo(zone)
    return datetime.combine(now.astimezone(here).date(), time.min, here).astimezone(UTC)


async def _admissions(read: Read, contents: Mapping[int, Iterable[ContentLineRow]]) -> Mapping[int, AdmissionRow]:
    return await db.admission.by_ids(read, sorted({line.admission_id for lines in contents.values() for line in lines}))


@dataclass(frozen=True, slots=True)
class _Line:
    """A content line whose slots are looked at, beside the other lines of its item."""

    item: TicketItemRow
    content: ContentLineRow
    contents: Sequence[ContentLineRow]
    admissions: Mapping[int, AdmissionRow]

    @property
    def admission(self) -> AdmissionRow:
        return self.admissions[self.content.admission_id]

    def valid_until(self, slot: TimeSlotRow, now: datetime) -> datetime | None:
        """The end of a ticket that was sold now for a first visit in that slot."""
        included = [
            line for line in self.contents if line.inclusion != AdmissionInclusion.NOT_SELECTED or line is self.content
        ]
        default = next(line for line in self.contents if line.is_default)
        zone = ZoneInfo(self.admissions[default.admission_id].time_zone)
        return validity(included, zone, now, [slot.starts_at]).end


async def _pages(context: Context, read: Read, lines: Sequence[_Line], window: Window, asked: Asked) -> Pages:
    """The availability of each content line's slots, by the content line's id."""
    now = context.now
    starts = {
        admission.id: asked.start or start_of_day(now, admission.time_zone)
        for admission in {line.admission.id: line.admission for line in lines}.values()
    }
    slots = await db.time_slot.pages_of_admissions(read, list(starts.items()), window, asked.until) if lines else {}
    uses = await uses_of(read, {slot.id: slot for page in slots.values() for slot in page.rows}.values(), now)
    calendars = await ticket_calendars(read, (line.content for line in lines))
    pages = {}
    for line in lines:
        page = slots[line.admission.id, starts[line.admission.id]]
        rows = [_availability(context, line, asked.quantity, slot, uses[slot.id], calendars) for slot in page.rows]
        pages[line.content.id] = Page(rows, has_previous=page.has_previous, has_next=page.has_next)
    return pages


def _availability(
    context: Context, line: _Line, quantity: int, slot: TimeSlotRow, use: SlotUse, calendars: Calendars
) -> Availability:
    """What create would answer: what is wrong with the quantity and the item, and the slot's first failing test."""
    found = Refusals()
    usable = usable_quantity(context.rules, quantity, found, "quantity")
    refuse_blocked(line.item, found)
    wish = Wish(
        slot,
        line.admission,
        line.content,
        usable * line.content.quantity,
        calendar_of(line.content, calendars),
        line.valid_until(slot, context.now),
    )
    refusal = sale_refusal(wish, use, context.now)
    left = remaining(slot, use, line.content)
    price = line.item.unit_price_minor if line.content.is_default else 0
    return Availability(
        slot=slot,
        remaining=None if left is None else left // line.content.quantity,
        unit_price_minor=price,
        total_minor=price * quantity if usable == quantity else None,
        currency=line.item.currency,
        refusals=(*found.found, *(() if refusal is None else (refusal,))),
    )
