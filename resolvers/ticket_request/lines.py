"""What the caller asked for, made out: items, admissions, prices, numbers and slots of every requested line.

One entry per requested line and admission of its item; admissions that the caller did not list follow the item's
contents. Every problem of every line is noted; nothing is taken yet.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import db
from db.admission import AdmissionRow, ScheduleSelection
from db.engine import Read, Write
from db.keys import key
from db.offer import Offer
from db.ticket_item import AdmissionInclusion, ContentLineRow, TicketItemRow, TicketKind, TicketTypeRow
from db.time_slot import TimeSlotRow

from ..capacity import SlotUse, Wish, is_past, sale_refusal
from ..context import Rules
from ..refusals import RefusalCode, Refusals
from ..slot_use import Calendars, calendar_of, ticket_calendars, uses_of
from ..texts import NUMBER_LENGTH, required
from .validity import validity

T = TypeVar("T")

TICKET_NUMBER_LENGTH = 50


@dataclass(frozen=True, slots=True)
class RequestedAdmission:
    """One admission as the caller listed it. ``slot_id`` 0 is an id of something else."""

    admission_code: str
    slot_id: int | None = None
    is_included: bool = True


@dataclass(frozen=True, slots=True)
class RequestedLine:
    """One line as the caller sent it; None is what was left out."""

    item_no: str
    quantity: int
    variant_code: str | None = None
    unit_price: Decimal | None = None
    admissions: tuple[RequestedAdmission, ...] = ()
    external_ticket_nos: tuple[str, ...] | None = None


@dataclass(slots=True)
class PlannedEntry:
    """One admission of a line.

    ``is_given``: nobody chose its slot; it was the next that could be sold, at the look.
    """

    content: ContentLineRow
    admission: AdmissionRow
    inclusion: AdmissionInclusion
    quantity: int
    path: tuple[str | int, ...]
    is_primary: bool = False
    slot_id: int | None = None
    is_given: bool = False

    @property
    def places(self) -> int:
        """The places it takes in its slot."""
        return self.quantity * self.content.quantity


@dataclass(slots=True)
class PlannedLine:
    """A line made out."""

    line_no: int
    item: TicketItemRow
    type: TicketTypeRow
    quantity: int
    unit_price_minor: int
    dictated_nos: list[str] | None
    entries: list[PlannedEntry]

    @property
    def ticket_count(self) -> int:
        """INDIVIDUAL: one ticket per person; GROUP: one for all."""
        return 1 if self.type.kind == TicketKind.GROUP else self.quantity

    @property
    def total_minor(self) -> int:
        return self.quantity * self.unit_price_minor

    @property
    def default_zone(self) -> ZoneInfo:
        return ZoneInfo(next(entry.admission.time_zone for entry in self.entries if entry.content.is_default))


@dataclass(slots=True)
class Plan:
    """All lines that could be made out, by the set-up of the moment ``at``.

    ``is_overtaken``: what a slot was given by is not so any more, and another may be: there is no room left in it, or
    one of those before it does not take what it wanted.
    """

    at: datetime
    lines: list[PlannedLine] = field(default_factory=list)
    currency: str | None = None
    is_overtaken: bool = False

    @property
    def total_minor(self) -> int:
        return sum(line.total_minor for line in self.lines)

    @property
    def is_given(self) -> bool:
        """Whether it has a slot that nobody chose."""
        return any(entry.is_given for _, entry in self.entries)

    @property
    def dictated_nos(self) -> list[str]:
        return [number for line in self.lines for number in line.dictated_nos or ()]

    @property
    def entries(self) -> list[tuple[PlannedLine, PlannedEntry]]:
        return [(line, entry) for line in self.lines for entry in line.entries]

    @property
    def places(self) -> dict[int, int]:
        """The places wanted in each slot, over all lines."""
        wanted: dict[int, int] = {}
        for line in self.lines:
            for entry in line.entries:
                if entry.slot_id and entry.quantity:
                    wanted[entry.slot_id] = wanted.get(entry.slot_id, 0) + entry.places
        return wanted


class ToMakeOut(NamedTuple):
    """The lines of one request. Their problems are added to ``found``; places of ``but_of`` are not in the way."""

    lines: Sequence[RequestedLine]
    found: Refusals
    but_of: int | None = None


async def make_out(write: Write, rules: Rules, asked: ToMakeOut) -> Plan:
    """Make out every line of one request, now."""
    _, (plan,) = await make_out_each(write, rules, [asked])
    return plan


async def make_out_each(
    write: Write, rules: Rules, asked: Sequence[ToMakeOut], *, token_keys: Sequence[str] = (), requests: int = 0
) -> tuple[Offer, list[Plan]]:
    """Make out every line of several requests, now; with the offer that they are made out by, which is asked for these
    tokens and so many ids, too.

    Who chose no slot is given one in which there is room beside what those before it want.
    """
    usable = [_as_many_as_may_be(rules, one) for one in asked]
    texts = _distinct(key(line.item_no) for lines in usable for line in lines)
    chosen = _distinct(a.slot_id for lines in usable for line in lines for a in line.admissions if a.slot_id)
    offer = await db.offer.named(write, texts, chosen, token_keys=token_keys, requests=requests)
    plans = [_plan(offer, rules, lines, one.found) for lines, one in zip(usable, asked, strict=True)]
    before: Counter[int] = Counter()
    for plan, one in zip(plans, asked, strict=True):
        await _choose_slots(write, plan, before, one)
        if not one.found.found:
            before.update(plan.places)
    return offer, plans


def _as_many_as_may_be(rules: Rules, asked: ToMakeOut) -> Sequence[RequestedLine]:
    number = len(asked.lines)
    if 1 <= number <= rules.lines_per_request:
        return asked.lines
    message = f"A request has 1 to {rules.lines_per_request} lines; this has {number}."
    asked.found.add(RefusalCode.INVALID_INPUT, message, "lines", limit=rules.lines_per_request, actual=number)
    return ()


def _plan(offer: Offer, rules: Rules, requested: Sequence[RequestedLine], found: Refusals) -> Plan:
    """The lines that can be made out, but for slots that nobody has chosen."""
    plan = Plan(offer.at)
    for index, line in enumerate(requested):
        planned = _line(offer, rules, index, line, found)
        if planned is None:
            continue
        plan.currency = plan.currency or planned.item.currency
        if planned.item.currency != plan.currency:
            message = (
                f"One request has one currency: this item is sold in {planned.item.currency}, not {plan.currency}."
            )
            found.add(RefusalCode.INVALID_INPUT, message, "lines", index, "itemNo")
        plan.lines.append(planned)
    _check_numbers(plan, found)
    if plan.total_minor > db.money.LARGEST_TOTAL:
        found.add(RefusalCode.INVALID_INPUT, "The total is beyond all measure.", "lines")
        plan.lines.clear()
    tickets = sum(line.ticket_count for line in plan.lines)
    if tickets > rules.tickets_per_request:
        message = f"A request has at most {rules.tickets_per_request} tickets; this has {tickets}."
        found.add(RefusalCode.INVALID_INPUT, message, "lines", limit=rules.tickets_per_request, actual=tickets)
    return plan


def _meant(offer: Offer, line: RequestedLine) -> list[TicketItemRow]:
    """The items that number, variant and bar code may mean: one, if all is well.

    A number without a variant means the item itself where there is one, else its only variant.
    """
    text, variant = key(line.item_no), key(line.variant_code or "")
    numbered = list(offer.variants.get(text, {}).values())
    if variant:
        numbered = [item for item in numbered if item.variant_key == variant]
    elif itself := [item for item in numbered if not item.variant_key]:
        numbered = itself
    scanned = offer.barcodes.get(text)
    if scanned is not None and variant in ("", scanned.variant_key):
        numbered = [*(item for item in numbered if item.id != scanned.id), scanned]
    return numbered


def _line(offer: Offer, rules: Rules, index: int, line: RequestedLine, found: Refusals) -> PlannedLine | None:
    """The line made out, or None where its item cannot be told."""
    place = ("lines", index)
    if not required(found, line.item_no, *place, "itemNo"):
        return None
    quantity = usable_quantity(rules, line.quantity, found, *place, "quantity")
    items = _meant(offer, line)
    if len(items) != 1:
        named = line.item_no.strip()[:NUMBER_LENGTH] + (
            f" in the variant {line.variant_code.strip()[:NUMBER_LENGTH]}" if line.variant_code else ""
        )
        if items:
            message = f"{named} is more than one item: name the variant, or scan its bar code."
            found.add(RefusalCode.AMBIGUOUS_LINE, message, *place, "itemNo", actual=len(items))
        else:
            found.add(RefusalCode.UNKNOWN_ITEM, f"There is no item {named}.", *place, "itemNo")
        return None
    item = items[0]
    refuse_blocked(item, found, *place, "itemNo")
    planned = PlannedLine(
        line_no=index + 1,
        item=item,
        type=offer.types[item.ticket_type_id],
        quantity=quantity,
        unit_price_minor=_unit_price(item, line.unit_price, index, found),
        dictated_nos=None,
        entries=_entries(offer, item, line, quantity, index, found),
    )
    planned.dictated_nos = _dictated(planned, line.external_ticket_nos, index, found)
    return planned


def usable_quantity(rules: Rules, quantity: int, found: Refusals, *path: str | int) -> int:
    """The number of tickets asked for; or 1 where it is out of bounds, which is noted, to go on looking."""
    limit = rules.tickets_per_request
    if 1 <= quantity <= limit:
        return quantity
    message = f"quantity is 1 to {limit}; this is {quantity}."
    found.add(RefusalCode.INVALID_INPUT, message, *path, limit=limit, actual=quantity)
    return 1


def refuse_blocked(item: TicketItemRow, found: Refusals, *path: str | int) -> None:
    """Note ITEM_BLOCKED for what is not for sale."""
    if item.is_blocked:
        found.add(RefusalCode.ITEM_BLOCKED, f"{item.description} is not for sale.", *path)


def _unit_price(item: TicketItemRow, dictated: Decimal | None, index: int, found: Refusals) -> int:
    """The item's price, or the caller's (a discounted sale), in minor units."""
    if dictated is None:
        return item.unit_price_minor
    minor = db.money.to_minor(dictated, item.currency)
    if dictated >= 0 and minor <= db.money.LARGEST_AMOUNT:
        return minor
    found.add(
        RefusalCode.INVALID_INPUT, "unitPrice may not be negative, nor beyond all measure.", "lines", index, "unitPrice"
    )
    return 0


def _dictated(line: PlannedLine, numbers: Sequence[str] | None, index: int, found: Refusals) -> list[str] | None:
    """The ticket numbers that the caller dictates: one per ticket, or none at all."""
    if numbers is None:
        return None
    place = ("lines", index, "externalTicketNos")
    if len(numbers) != line.ticket_count:
        message = f"This line has {line.ticket_count} tickets: dictate as many numbers, or none."
        found.add(RefusalCode.INVALID_INPUT, message, *place, limit=line.ticket_count, actual=len(numbers))
        return None
    return [required(found, number, *place, i, at_most=TICKET_NUMBER_LENGTH) for i, number in enumerate(numbers)]


def _check_numbers(plan: Plan, found: Refusals) -> None:
    seen: set[str] = set()
    for line in plan.lines:
        for i, number in enumerate(line.dictated_nos or ()):
            if number and key(number) in seen:
                message = f"The ticket number {number} stands in this request twice."
                place = ("lines", line.line_no - 1, "externalTicketNos", i)
                found.add(RefusalCode.DUPLICATE_TICKET_NUMBER, message, *place)
            seen.add(key(number))


def _entries(
    offer: Offer, item: TicketItemRow, line: RequestedLine, quantity: int, index: int, found: Refusals
) -> list[PlannedEntry]:
    """One entry per admission of the item; what is left out stands there with quantity 0."""
    contents = offer.contents[item.id].values()
    listed = _listed(offer, contents, line, index, found)
    entries = []
    for content in contents:
        admission = offer.admissions[content.admission_id]
        position, asked = listed.get(content.admission_id, (None, None))
        path: tuple[str | int, ...] = ("lines", index)
        if position is not None:
            path = (*path, "admissions", position)
        is_included = _is_included(content, admission, asked, path, found)
        entry = PlannedEntry(
            content=content,
            admission=admission,
            inclusion=_inclusion(content, is_included),
            quantity=quantity if is_included else 0,
            path=path,
        )
        if asked is not None and asked.slot_id is not None:
            if asked.slot_id not in offer.slot_ids:
                found.add(
                    RefusalCode.UNKNOWN_SLOT, "There is no such time slot.", *path, "slotId", admission_id=admission.id
                )
            elif not is_included:
                message = f"{admission.description} is left out: it takes no time slot."
                found.add(RefusalCode.INVALID_INPUT, message, *path, "slotId", admission_id=admission.id)
            else:
                entry.slot_id = asked.slot_id
            entry.path = (*path, "slotId")
        entries.append(entry)
    _primary(entries).is_primary = True
    return entries


def _listed(
    offer: Offer, contents: Iterable[ContentLineRow], line: RequestedLine, index: int, found: Refusals
) -> dict[int, tuple[int, RequestedAdmission]]:
    """The admissions that the caller listed, by admission id, with their place in the list."""
    by_code = {offer.admissions[c.admission_id].code_key: c.admission_id for c in contents}
    listed: dict[int, tuple[int, RequestedAdmission]] = {}
    for position, asked in enumerate(line.admissions):
        path = ("lines", index, "admissions", position, "admissionCode")
        admission_id = by_code.get(key(asked.admission_code))
        code = asked.admission_code.strip()[:NUMBER_LENGTH]
        if admission_id is None:
            found.add(RefusalCode.UNKNOWN_ADMISSION, f"The item does not admit to {code}.", *path)
        elif admission_id in listed:
            found.add(RefusalCode.AMBIGUOUS_LINE, f"{code} is listed twice.", *path, admission_id=admission_id)
        else:
            listed[admission_id] = (position, asked)
    return listed


def _is_included(
    content: ContentLineRow,
    admission: AdmissionRow,
    asked: RequestedAdmission | None,
    path: tuple[str | int, ...],
    found: Refusals,
) -> bool:
    if asked is None:
        return content.inclusion != AdmissionInclusion.NOT_SELECTED
    if content.inclusion == AdmissionInclusion.REQUIRED and not asked.is_included:
        message = f"{admission.description} cannot be left out of this item."
        found.add(RefusalCode.INVALID_INPUT, message, *path, "isIncluded", admission_id=admission.id)
        return True
    return asked.is_included


def _inclusion(content: ContentLineRow, is_included: bool) -> AdmissionInclusion:
    if content.inclusion == AdmissionInclusion.REQUIRED:
        return AdmissionInclusion.REQUIRED
    return AdmissionInclusion.SELECTED if is_included else AdmissionInclusion.NOT_SELECTED


def _primary(entries: Sequence[PlannedEntry]) -> PlannedEntry:
    """The default admission if it is required, else the first required one."""
    required_ = [entry for entry in entries if entry.content.inclusion == AdmissionInclusion.REQUIRED]
    return next((entry for entry in required_ if entry.content.is_default), required_[0])


async def _choose_slots(read: Read, plan: Plan, before: Counter[int], asked: ToMakeOut) -> None:
    """Pick a slot for every included admission whose caller chose none, by the admission's default schedule.

    In the way are the places ``before``, of others, and what the request wants of a slot already.
    """
    now = plan.at
    open_entries = [e for _, e in plan.entries if e.quantity and e.slot_id is None and e.path[-1] != "slotId"]
    if not open_entries:
        return
    candidates: dict[int, list[TimeSlotRow]] = {}
    by_selection: dict[tuple[ScheduleSelection, str], set[int]] = {}
    for entry in open_entries:
        selection = ScheduleSelection(entry.admission.default_schedule)
        if selection is ScheduleSelection.TODAY:
            by_selection.setdefault((selection, entry.admission.time_zone), set()).add(entry.admission.id)
        elif selection is ScheduleSelection.NEXT_AVAILABLE:
            by_selection.setdefault((selection, ""), set()).add(entry.admission.id)
    for (selection, zone), admission_ids in by_selection.items():
        today = now.astimezone(ZoneInfo(zone)).date() if selection is ScheduleSelection.TODAY else None
        candidates |= await db.time_slot.upcoming(read, sorted(admission_ids), now, on=today)
    in_question = (slot for slots in candidates.values() for slot in slots)
    uses = await uses_of(read, in_question, now, but_of=asked.but_of)
    wanted = before + Counter(plan.places)
    uses |= {slot_id: uses[slot_id].and_held(places) for slot_id, places in wanted.items() if slot_id in uses}
    calendars = await ticket_calendars(read, (entry.content for entry in open_entries)) if candidates else {}
    without: list[PlannedEntry] = []
    for entry in open_entries:
        slots = [s for s in candidates.get(entry.admission.id, ()) if not is_past(s, entry.admission.kind, now)]
        if entry.admission.default_schedule == ScheduleSelection.NEXT_AVAILABLE:
            sellable = [s for s in slots if _is_sellable(entry, s, uses[s.id], calendars, now)]
            entry.is_given = bool(sellable)
            slots = sellable or slots
        if slots:
            slot_id = entry.slot_id = slots[0].id
            uses[slot_id] = uses[slot_id].and_held(entry.places)
        else:
            without.append(entry)
    if not without:
        return
    counted = await db.schedule.sales_controlled(read, _distinct(entry.admission.id for entry in without))
    for entry in without:
        admission = entry.admission
        must_choose = admission.default_schedule == ScheduleSelection.SCHEDULE_ENTRY
        if admission.prebook_required or must_choose or admission.id in counted:
            message = f"Choose a time slot for {admission.description}."
            asked.found.add(RefusalCode.SLOT_REQUIRED, message, *entry.path, admission_id=admission.id)


def _is_sellable(entry: PlannedEntry, slot: TimeSlotRow, use: SlotUse, calendars: Calendars, now: datetime) -> bool:
    wish = Wish(slot, entry.admission, entry.content, entry.places, calendar_of(entry.content, calendars))
    return sale_refusal(wish, use, now) is None


def wishes(
    plan: Plan, slots: dict[int, TimeSlotRow], calendars: Calendars, now: datetime, *, may_exceed: bool
) -> list[tuple[PlannedEntry, Wish]]:
    """What every included entry with a slot wants of it, by the slots as they are under lock."""
    wanted = plan.places
    found = []
    for line in plan.lines:
        included = [entry for entry in line.entries if entry.quantity]
        visits = [slots[entry.slot_id].starts_at for entry in included if entry.slot_id]
        end = validity((entry.content for entry in included), line.default_zone, now, visits).end
        for entry in included:
            if entry.slot_id:
                is_free = may_exceed and entry.content.pos_may_exceed_capacity
                slot = slots[entry.slot_id]
                calendar = calendar_of(entry.content, calendars)
                wish = Wish(slot, entry.admission, entry.content, wanted[slot.id], calendar, end, is_free)
                found.append((entry, wish))
    return found


def _distinct(values: Iterable[T | None]) -> list[T]:
    return list(dict.fromkeys(value for value in values if value is not None))
