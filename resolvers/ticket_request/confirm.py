"""Confirm: the sale stands, the held places are sold, and the tickets are issued."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
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
from db.timeline import Event, RequestEventKind

from .. import loaders
from ..admittance.on_sale import activates, admit_on_sale
from ..context import Context
from ..group_commit import WEIGHT_AT_ONCE, Ungrouped
from ..pattern import Pattern
from ..refusals import Outcome, RefusalCode, Refusals, Refused, Unchanged
from ..texts import NAME_LENGTH, text
from . import holder as holders
from .common import event, is_in_the_way, may_change, show, turned_down, unknown
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
    answer = await _in_a_group(context, confirmation)
    if answer is None:
        with context.group_commits.of(_confirm).alone():
            (answer,) = await _confirm([_Asked.of(context, confirmation)])
    assert answer is not None
    if isinstance(answer, Unchanged):
        raise answer
    return answer


_Answer = Outcome | Unchanged

Numbers = dict[int, list[tuple[int, str]]]
"""The tickets to be of each line, by the line's id: ids and external numbers."""


@dataclass(slots=True)
class _Asked:
    """One request that is to be confirmed: the problems that it has so far, what is written, and what comes of it."""

    context: Context
    confirmation: Confirmation
    said: dict[str, str | None]
    holder: holders.Holder
    found: Refusals
    request: TicketRequestRow = field(init=False)
    issue: Issue = field(init=False)
    values: dict[str, Any] = field(init=False)
    tickets: list[dict[str, Any]] = field(init=False)
    answer: _Answer | None = None

    @classmethod
    def of(cls, context: Context, confirmation: Confirmation) -> "_Asked":
        found = Refusals()
        said = check_sale_texts({name: getattr(confirmation, name) for name in _CALLED}, found)
        return cls(context, confirmation, said, holders.check(confirmation.holder, found), found)

    @property
    def token_key(self) -> str:
        return key(self.confirmation.token)

    @property
    def order(self) -> db.ticket_request.Order | None:
        """The order number that it has, or takes."""
        number = self.request.order_key or key(self.said["external_order_no"])
        return None if number is None else (self.request.client_id, number)

    @property
    def admits(self) -> bool:
        """Whether somebody may be let in with the sale."""
        return any(activates(content, self.request.channel) for content in self.issue.contents.values())

    @property
    def fits_into_a_group(self) -> bool:
        """Whether others may wait for it: it is not long, and takes nothing for which it may have to wait itself."""
        return self.issue.ticket_count <= TICKETS_IN_A_GROUP and not self.issue.dictated and not self.admits


async def _in_a_group(context: Context, confirmation: Confirmation) -> _Answer | None:
    """What comes of it, unless it is to be confirmed alone: then None."""
    commits = context.group_commits.of(_confirm)
    if not commits.go_together:
        return None
    asked = _Asked.of(context, confirmation)
    return await commits.answer(context, asked, names={asked.token_key})


async def _confirm(asked: Sequence[_Asked], decided: Callable[[], None] = lambda: None) -> Sequence[_Answer | None]:
    """All that ``confirm`` does, for one request or for several, which do not stand in each other's way.

    Of several, those that are better confirmed alone have no answer. Raises Ungrouped if one is refused when everything
    is taken: the numbers taken for it must not stay.
    """
    with suppress(Unchanged):
        context, *beside = (one.context for one in asked)
        async with context.writing(*beside) as write:
            await _find(write, asked)
            left = await _look(write, [one for one in asked if one.answer is None])
            if len(asked) > 1:
                left = _fit_together(left)
            left = await _take_orders(write, left, is_grouped=len(asked) > 1)
            if not left:
                return [one.answer for one in asked]
            numbers, taken = await _take(write, left)
            for one in left:
                await _judge(write, one, taken)
                if isinstance(one.answer, Unchanged):
                    raise Ungrouped(one.token_key) if len(asked) > 1 else one.answer
            await _write(write, left, numbers, taken)
            decided()
        for one in left:
            _show(one)
    return [one.answer for one in asked]


TICKETS_IN_A_GROUP = 20
"""With more of them a request is confirmed alone: others need not wait until all are written."""


def _fit_together(asked: Sequence[_Asked]) -> list[_Asked]:
    """Those of a group that may go together; how much each issues is not known before."""
    fit: list[_Asked] = []
    weight = 0
    for one in asked:
        if one.fits_into_a_group and weight + one.issue.ticket_count <= WEIGHT_AT_ONCE:
            fit.append(one)
            weight += one.issue.ticket_count
    return fit


async def _find(write: Write, asked: Sequence[_Asked]) -> None:
    """Lock the requests; answered are those that are unknown, wrongly put, or confirmed already."""
    requests = await db.ticket_request.lock_each(write, [one.token_key for one in asked])
    for one in asked:
        request = requests.get(one.token_key)
        if request is None or not may_change(one.context, request):
            one.answer = unknown()
            continue
        one.request = request
        if not one.found.found and request.status == TicketRequestStatus.CONFIRMED:
            _note_other(request, one.said, one.found)
            one.answer = Outcome(row_id=request.id)
        if one.found.found:
            one.answer = _refused(one)


async def _look(write: Write, asked: Sequence[_Asked]) -> list[_Asked]:
    """Find out what is to be issued; answers those of which something is, the others have their answers."""
    issues = await db.issue.of_requests(write, [one.request.id for one in asked]) if asked else []
    for one, issue in zip(asked, issues, strict=True):
        one.issue = issue
        if refusal := confirm_refusal(one.request, issue.at):
            one.answer = await turned_down(write, one.request, refusal, issue.at)
    return [one for one in asked if one.answer is None]


async def _judge(write: Write, one: _Asked, taken: Taken) -> None:
    """Decide, when everything is taken; with it, what becomes of the request."""
    request, issue, found = one.request, one.issue, one.found
    if has_run_out(request, taken.at):
        # Nothing of this is kept, not even the stamp: the numbers that were taken must not stay an expired request's.
        one.answer = Refused(Outcome(row_id=request.id, refusals=(hold_expired(request),)))
        return
    await refuse_out_of_force(write, issue.entries, issue.contents, taken.slots, found)
    values = _values(one.context, request, one.confirmation.payment_option, one.said, one.holder)
    if values["payment_option"] == PaymentOption.POSTPAID and not (request.customer_no or values.get("customer_no")):
        found.add(RefusalCode.UNKNOWN_CUSTOMER, NEEDS_CUSTOMER, "paymentOption")
    if found.found:
        one.answer = _refused(one)
        return
    confirmed = {"status": TicketRequestStatus.CONFIRMED.value, "status_changed_at": taken.at, "expires_at": None}
    one.values = values | confirmed
    one.answer = Outcome(row_id=request.id)


async def _write(write: Write, asked: Sequence[_Asked], numbers: Numbers, taken: Taken) -> None:
    """Write it all down, and let in who is let in with the sale."""
    now = taken.at
    access_entries: list[dict[str, Any]] = []
    happened: list[Event] = []
    places: Counter[int] = Counter()
    for one in asked:
        one.tickets, of_tickets = _tickets(one.request, one.issue, numbers, taken.slots, now)
        access_entries += of_tickets
        happened += _events(one, now)
        places.update(_places(one.issue))
    await db.together.make(
        write,
        *db.ticket_request.changing(write, [(one.request, one.values) for one in asked]),
        db.reservation.selling(write, [e.id for one in asked for e in wants_places(one.issue.entries)], now),
        db.time_slot.adding_sold(write, places),
        *db.ticket.issuing(
            write,
            [ticket for one in asked for ticket in one.tickets],
            access_entries,
            {number for one in asked for number in one.issue.dictated},
        ),
        db.timeline.recording(write, happened, now),
    )
    for one in asked:
        if one.admits:
            await admit_on_sale(one.context, write, one.request.id, now)


def _events(one: _Asked, now: datetime) -> list[Event]:
    context, request_id = one.context, one.request.id
    facts = {"payment": one.values["payment_option"]}
    return [
        event(context, RequestEventKind.CONFIRMED, now, request_id, facts=facts),
        *(
            event(
                context, RequestEventKind.ISSUED, now, request_id, ticket_id=ticket["id"], quantity=ticket["quantity"]
            )
            for ticket in one.tickets
        ),
    ]


def _show(one: _Asked) -> None:
    """Show it in the answer as it was written."""
    show(one.context, db.ticket_request.as_changed(one.request, one.values))
    issued = list(map(db.ticket.as_written, one.tickets))
    one.context.loaders.know_all(loaders.tickets_of_requests, one.request.id, issued)


def _refused(one: _Asked) -> Refused:
    return Refused(Outcome(row_id=one.request.id, refusals=tuple(one.found.found)))


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


def _note_other(request: TicketRequestRow, said: dict[str, str | None], found: Refusals) -> None:
    """Confirming again must say the same, as far as it says anything."""
    for name, called in (("payment_reference", "payment reference"), ("external_order_no", "order number")):
        if said[name] is not None and key(said[name]) != key(getattr(request, name)):
            message = f"The request is confirmed already, with another {called} or none."
            found.add(RefusalCode.CONFLICT, message, _CALLED[name])


async def _take_orders(write: Write, asked: Sequence[_Asked], *, is_grouped: bool) -> list[_Asked]:
    """Lock the order numbers that were said at create, or take the ones that are said only now.

    Locked, so that nobody takes one over while this is decided: who asked between the decision and the commit would see
    a hold that ran out. Notes DUPLICATE_ORDER, or CONFLICT with the one said at create. Answers those that go on: who
    finds somebody else's number leaves its group, to be confirmed alone.
    """
    orders = {one.order: one.request.id for one in asked if one.order is not None}
    owners = await db.ticket_request.claim_orders(write, orders) if orders else {}
    left = []
    for one in asked:
        is_taken = one.order is not None and one.request.order_key is None and owners[one.order] != one.request.id
        if is_taken and is_grouped:
            continue
        if (order_no := one.said["external_order_no"]) is not None:
            await _note_order(write, one.request, order_no, owners, one.found)
        left.append(one)
    return left


async def _note_order(
    write: Write, request: TicketRequestRow, order_no: str, owners: Mapping[tuple[int, str], int], found: Refusals
) -> None:
    """Take over the order number that is said only now, if its owner needs it no more; note why it cannot be had."""
    if request.order_key is not None:
        if key(order_no) != request.order_key:
            message = f"The request belongs to the order {request.external_order_no}."
            found.add(RefusalCode.CONFLICT, message, "externalOrderNo")
        return
    owner = owners[request.client_id, key(order_no)]
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


async def _take(write: Write, asked: Sequence[_Asked]) -> tuple[Numbers, Taken]:
    """The numbers of the tickets, and then the slots. Numbers that turn out to be taken are made anew."""
    slot_ids = sorted({slot_id for one in asked for slot_id in _places(one.issue)})
    ids: dict[int, list[int]] = {}
    to_make: dict[int, Pattern] = {}
    owners: dict[int, int] = {}
    for one in asked:
        await db.ticket.claim_numbers(write, list(one.issue.dictated), one.request.id)
        series = iter(one.issue.ids)
        for line in one.issue.lines:
            ids[line.id] = list(islice(series, line.ticket_count))
            if not line.dictated_nos:
                pattern = Pattern.parse(one.issue.types[line.id].external_ticket_pattern)
                to_make |= dict.fromkeys(ids[line.id], pattern)
                owners |= dict.fromkeys(ids[line.id], one.request.id)
    made: dict[int, str] = {}
    for _ in range(ATTEMPTS):
        missing = {ticket_id: pattern for ticket_id, pattern in to_make.items() if ticket_id not in made}
        new = {
            key(number): (ticket_id, number)
            for ticket_id, pattern in missing.items()
            if (number := pattern.make(ticket_id))
        }
        wanted = {number_key: (owners[ticket_id], ticket_id) for number_key, (ticket_id, _) in new.items()}
        free, taken = await db.issue.take(write, wanted, slot_ids if len(new) == len(missing) else None)
        made |= {ticket_id: number for number_key, (ticket_id, number) in new.items() if number_key in free}
        if taken is not None:
            lines = [line for one in asked for line in one.issue.lines]
            numbers = {line.id: line.dictated_nos or [made[ticket_id] for ticket_id in ids[line.id]] for line in lines}
            return {line_id: list(zip(ids[line_id], numbers[line_id], strict=True)) for line_id in ids}, taken
    codes = ", ".join(sorted({type_.code for one in asked for type_ in one.issue.types.values()}))
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
