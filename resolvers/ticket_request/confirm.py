"""Confirm: the sale stands, the held places are sold, and the tickets are issued."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import db
from db.client import Role
from db.engine import Write
from db.issue import Issue
from db.keys import key
from db.sales_order import SalesChannel
from db.ticket_request import PaymentOption, TicketRequestRow, TicketRequestStatus
from db.time_slot import Taken, TakenSlot
from db.timeline import RequestEventKind

from .. import loaders
from ..admittance.on_sale import activates, admit_on_sale
from ..context import Context
from ..pattern import Pattern
from ..refusals import Outcome, RefusalCode, Refusals, Refused
from ..texts import NAME_LENGTH, text
from . import holder as holders
from .common import event, find_and_lock, is_in_the_way, show, turned_down
from .hold import refuse_out_of_force
from .rules import confirm_refusal, has_run_out, hold_expired, wants_places
from .validity import validity


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the caller says when the guest has paid; None is what was left out."""

    token: str
    external_order_no: str | None = None
    payment_option: PaymentOption | None = None
    payment_reference: str | None = None
    receipt_no: str | None = None
    pos_unit_no: str | None = None
    salesperson_code: str | None = None
    holder: holders.Holder = field(default_factory=dict)


async def confirm(context: Context, confirmation: Confirmation) -> Outcome:
    """Sell what a REGISTERED request holds and issue its tickets. Confirming again answers the same and does nothing.

    It fills blanks of the holder and of the sale's numbers; what the sale said stays. What an item admits with the sale
    is let in at once, if it is paid and the gate would let it in now. Refused: NOT_FOUND,
    INVALID_INPUT, HOLD_EXPIRED, ALREADY_CANCELED, CONFLICT (again with another payment reference, or with another order
    number), DUPLICATE_ORDER, UNKNOWN_CUSTOMER (POSTPAID without a customer number), SLOT_CANCELED, SLOT_CLOSED,
    CALENDAR_CLOSED.
    """
    found = Refusals()
    said = check_sale_texts({name: getattr(confirmation, name) for name in _CALLED}, found)
    holder = holders.check(confirmation.holder, found)
    async with context.writing() as write:
        request = await find_and_lock(context, write, confirmation.token)
        found.check(row_id=request.id)
        if request.status == TicketRequestStatus.CONFIRMED:
            _refuse_other(request, said)
            return Outcome(row_id=request.id)
        issue = await db.issue.of_request(write, request.id)
        if refusal := confirm_refusal(request, issue.at):
            return await turned_down(write, request, refusal, issue.at)
        await _take_order(write, request, said["external_order_no"], found)
        places = _places(issue)
        numbers, (slots, now) = await _take(write, request, issue, list(places))
        if has_run_out(request, now):
            # Nothing of this is kept, not even the stamp: the numbers taken above must not stay an expired request's.
            raise Refused(Outcome(row_id=request.id, refusals=(hold_expired(request),)))
        await refuse_out_of_force(write, issue.entries, issue.contents, slots, found)
        values = _values(context, request, confirmation.payment_option, said, holder)
        if values["payment_option"] == PaymentOption.POSTPAID and not (
            request.customer_no or values.get("customer_no")
        ):
            found.add(RefusalCode.UNKNOWN_CUSTOMER, NEEDS_CUSTOMER, "paymentOption")
        found.check(row_id=request.id)
        values |= {"status": TicketRequestStatus.CONFIRMED.value, "status_changed_at": now, "expires_at": None}
        tickets, access_entries = _tickets(request, issue, numbers, slots, now)
        happened = [
            event(context, RequestEventKind.CONFIRMED, now, request.id, facts={"payment": values["payment_option"]})
        ]
        happened += [
            event(
                context, RequestEventKind.ISSUED, now, request.id, ticket_id=ticket["id"], quantity=ticket["quantity"]
            )
            for ticket in tickets
        ]
        await db.together.make(
            write,
            *db.ticket_request.changing(write, request, values),
            db.reservation.selling(write, [entry.id for entry in wants_places(issue.entries)], now),
            db.time_slot.adding_sold(write, places),
            *db.ticket.issuing(write, tickets, access_entries, issue.dictated),
            db.timeline.recording(write, happened, now),
        )
        if any(activates(content, request.channel) for content in issue.contents.values()):
            await admit_on_sale(context, write, request.id, now)
    show(context, db.ticket_request.as_changed(request, values))
    issued = list(map(db.ticket.as_written, tickets))
    context.loaders.know_all(loaders.tickets_of_requests, request.id, issued)
    return Outcome(row_id=request.id)


ATTEMPTS = 20
"""How often taken numbers are made anew before the pattern counts as used up."""

NEEDS_CUSTOMER = "What is invoiced after the visit needs a customer number."

_CALLED = {
    "external_order_no": "externalOrderNo",
    "payment_reference": "paymentReference",
    "receipt_no": "receiptNo",
    "pos_unit_no": "posUnitNo",
    "salesperson_code": "salespersonCode",
}


def check_sale_texts(said: dict[str, str | None], found: Refusals) -> dict[str, str | None]:
    """The numbers of a sale, trimmed; a receipt and its POS unit come together."""
    checked = {
        name: text(found, value, _CALLED[name], **({"at_most": NAME_LENGTH} if name == "payment_reference" else {}))
        for name, value in said.items()
    }
    if (checked["receipt_no"] is None) != (checked["pos_unit_no"] is None):
        missing = "receiptNo" if checked["receipt_no"] is None else "posUnitNo"
        found.add(RefusalCode.INVALID_INPUT, "A receipt number and its POS unit come together.", missing)
    return checked


def sale_columns(request: TicketRequestRow, said: dict[str, str | None]) -> dict[str, str | None]:
    """The columns of the sale's numbers that are blank so far: what the sale said stays."""
    values: dict[str, str | None] = {}
    if said.get("external_order_no") and request.external_order_no is None:
        values |= {"external_order_no": said["external_order_no"], "order_key": key(said["external_order_no"])}
    if said["receipt_no"] and request.receipt_no is None:
        values |= {"receipt_no": said["receipt_no"], "receipt_key": key(said["receipt_no"])}
        values |= {"pos_unit_no": said["pos_unit_no"], "pos_unit_key": key(said["pos_unit_no"])}
    if said["salesperson_code"] and request.salesperson_code is None:
        values["salesperson_code"] = said["salesperson_code"]
    if said["payment_reference"]:
        values |= {"payment_reference": said["payment_reference"], "payment_key": key(said["payment_reference"])}
    return values


def _refuse_other(request: TicketRequestRow, said: dict[str, str | None]) -> None:
    """Confirming again must say the same, as far as it says anything."""
    found = Refusals()
    for name, called in (("payment_reference", "payment reference"), ("external_order_no", "order number")):
        if said[name] is not None and key(said[name]) != key(getattr(request, name)):
            message = f"The request is confirmed already, with another {called} or none."
            found.add(RefusalCode.CONFLICT, message, _CALLED[name])
    found.check(row_id=request.id)


async def _take_order(write: Write, request: TicketRequestRow, order_no: str | None, found: Refusals) -> None:
    """Lock the order number that was said at create, or take the one that is said only now.

    Locked, so that nobody takes it over while this is decided: who asked between the decision and the commit would see
    a hold that ran out. Notes DUPLICATE_ORDER, or CONFLICT with the one said at create.
    """
    if request.order_key is not None:
        await db.ticket_request.claim_order(write, request.client_id, request.order_key, request.id)
        if order_no is not None and key(order_no) != request.order_key:
            message = f"The request belongs to the order {request.external_order_no}."
            found.add(RefusalCode.CONFLICT, message, "externalOrderNo")
        return
    if order_no is None:
        return
    owner = await db.ticket_request.claim_order(write, request.client_id, key(order_no), request.id)
    if owner == request.id:
        return
    if await is_in_the_way(write, owner, await write.clock()):
        message = f"The order {order_no} has a request already."
        found.add(RefusalCode.DUPLICATE_ORDER, message, "externalOrderNo", request_id=owner)
    else:
        await db.ticket_request.take_over_order(write, request.client_id, key(order_no), request.id)


def _values(
    context: Context,
    request: TicketRequestRow,
    said_option: PaymentOption | None,
    said: dict[str, str | None],
    holder: holders.Holder,
) -> dict[str, Any]:
    """The columns that confirming fills. How it is paid: see domain.md, "Confirm"; a web store takes no cash."""
    role = context.actor.role
    is_pos = role is Role.POS or (request.channel == SalesChannel.POS and role is not Role.WEB_STORE)
    if said_option is not None:
        option = said_option
    elif is_pos:
        option = PaymentOption.DIRECT
    elif said["payment_reference"] or said["external_order_no"] or request.external_order_no:
        option = PaymentOption.PREPAID
    else:
        option = PaymentOption.UNPAID
    return {"payment_option": option.value, **sale_columns(request, said), **holders.blanks(request, holder)}


Numbers = dict[int, list[tuple[int, str]]]
"""The tickets to be of each line, by the line's id: ids and external numbers."""


async def _take(write: Write, request: TicketRequestRow, issue: Issue, slot_ids: list[int]) -> tuple[Numbers, Taken]:
    """The numbers of the tickets, and then the slots. Numbers that turn out to be taken are made anew."""
    await db.ticket.claim_numbers(write, list(issue.dictated), request.id)
    series = iter(issue.ids)
    ids = {line.id: list(islice(series, line.ticket_count)) for line in issue.lines}
    to_make = {
        ticket_id: Pattern.parse(issue.types[line.id].external_ticket_pattern)
        for line in issue.lines
        if not line.dictated_nos
        for ticket_id in ids[line.id]
    }
    made: dict[int, str] = {}
    for _ in range(ATTEMPTS):
        missing = {ticket_id: pattern for ticket_id, pattern in to_make.items() if ticket_id not in made}
        new = {
            key(number): (ticket_id, number)
            for ticket_id, pattern in missing.items()
            if (number := pattern.make(ticket_id))
        }
        wanted = {number_key: ticket_id for number_key, (ticket_id, _) in new.items()}
        free, taken = await db.issue.take(write, request.id, wanted, slot_ids if len(new) == len(missing) else None)
        made |= {ticket_id: number for number_key, (ticket_id, number) in new.items() if number_key in free}
        if taken is not None:
            numbers = {
                line.id: line.dictated_nos or [made[ticket_id] for ticket_id in ids[line.id]] for line in issue.lines
            }
            return {line_id: list(zip(ids[line_id], numbers[line_id], strict=True)) for line_id in ids}, taken
    codes = ", ".join(sorted({type_.code for type_ in issue.types.values()}))
    raise RuntimeError(f"no free ticket number in {ATTEMPTS} attempts: a pattern of {codes} is used up")


def _places(issue: Issue) -> dict[int, int]:
    """The places that the request holds in each slot."""
    places: Counter[int] = Counter()
    for entry in wants_places(issue.entries):
        assert entry.slot_id is not None
        places[entry.slot_id] += entry.quantity * issue.contents[entry.content_line_id].quantity
    return dict(places)


def _tickets(
    request: TicketRequestRow, issue: Issue, numbers: Numbers, slots: Mapping[int, TakenSlot], now: datetime
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The tickets of every line, and the access entries of each: one per admission on it."""
    tickets: list[dict[str, Any]] = []
    access_entries: list[dict[str, Any]] = []
    contents = issue.contents
    for line in issue.lines:
        of_line = [entry for entry in issue.entries if entry.line_id == line.id]
        included = [entry for entry in of_line if entry.quantity]
        default = next(entry for entry in of_line if contents[entry.content_line_id].is_default)
        valid = validity(
            (contents[entry.content_line_id] for entry in included),
            ZoneInfo(issue.admissions[default.admission_id].time_zone),
            now,
            (slots[entry.slot_id].starts_at for entry in included if entry.slot_id),
        )
        for ticket_id, number in numbers[line.id]:
            tickets.append(
                {
                    "id": ticket_id,
                    "request_id": request.id,
                    "line_id": line.id,
                    "item_id": line.item_id,
                    "client_id": request.client_id,
                    "ticket_no": f"{ticket_id:08d}",
                    "external_ticket_no": number,
                    "number_key": key(number),
                    "kind": line.ticket_kind,
                    "quantity": line.people,
                    "price_minor": line.unit_price_minor * line.people,
                    "currency": request.currency,
                    "issued_at": now,
                    "valid_from": valid.start,
                    "valid_until": valid.until,
                    "valid_from_date": valid.from_date,
                    "valid_until_date": valid.until_date,
                }
            )
            access_entries += [
                {
                    "ticket_id": ticket_id,
                    "admission_id": entry.admission_id,
                    "content_line_id": entry.content_line_id,
                    "entry_id": entry.id,
                    "slot_id": entry.slot_id,
                    "quantity": line.people * contents[entry.content_line_id].quantity,
                }
                for entry in included
            ]
    return tickets, access_entries
