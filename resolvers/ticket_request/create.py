"""Create: all or nothing, every problem at once, and a repeat answers the same.

The token, and (client, external order number), are idempotency keys. They are taken in the very transaction of the
sale, so that no crash can leave a key without its request, or a request without its key.
"""

import hashlib
import secrets
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import orjson

import db
from db.driver import BROKEN_RULES
from db.engine import Read, Write
from db.keys import key
from db.sales_order import SalesChannel
from db.ticket_request import PaymentOption, TicketRequestRow, TicketRequestStatus
from db.timeline import RequestEventKind

from ..context import Context
from ..pattern import Pattern
from ..refusals import Outcome, Refusal, RefusalCode, Refusals, Refused, Unchanged
from ..texts import required, text
from . import holder as holders
from .common import event, is_in_the_way, may_go_over, show
from .lines import Plan, RequestedLine, make_out
from .taking import capacity_exceeded, claim_numbers, holding, lines_of, take_places

FINGERPRINT_VERSION = 1

PRICED = frozenset(RefusalCode) - {
    RefusalCode.INVALID_INPUT,
    RefusalCode.UNKNOWN_ITEM,
    RefusalCode.AMBIGUOUS_LINE,
    RefusalCode.UNKNOWN_ADMISSION,
}
"""Refused for these alone, the lines are clear all the same, and so is what they would cost."""


@dataclass(frozen=True, slots=True)
class Sale:
    """What a web store or a POS sends. ``receipt_no`` and ``pos_unit_no`` are a POS's."""

    channel: SalesChannel
    lines: tuple[RequestedLine, ...]
    token: str | None = None
    holder: holders.Holder = field(default_factory=dict)
    external_order_no: str | None = None
    receipt_no: str | None = None
    pos_unit_no: str | None = None
    salesperson_code: str | None = None
    may_exceed_capacity: bool = False
    is_dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateOutcome(Outcome):
    """Beside the request, what it would cost, or costs."""

    total_minor: int | None = None
    currency: str | None = None


async def create(context: Context, sale: Sale) -> CreateOutcome:
    """Register a request: it holds its places until it is confirmed, canceled, or its time runs out.

    Repeated with the same content, it answers the same request and changes nothing. Refused: INVALID_INPUT,
    UNKNOWN_ITEM, AMBIGUOUS_LINE, ITEM_BLOCKED, UNKNOWN_ADMISSION, UNKNOWN_SLOT, SLOT_REQUIRED, the refusals of
    ``capacity.sale_refusal``, TOKEN_REUSED, DUPLICATE_ORDER, DUPLICATE_TICKET_NUMBER.
    """
    found = Refusals()
    sale = _checked(sale, found)
    fingerprint = _fingerprint(sale)
    try:
        return await _register(context, sale, fingerprint, found)
    except BROKEN_RULES:
        async with context.reading() as read:
            await _answer_repeated(context, read, sale, fingerprint)
        raise


async def _register(context: Context, sale: Sale, fingerprint: str, found: Refusals) -> CreateOutcome:
    """All that ``create`` does, but for a token that somebody else was writing down at the same time: that breaks a
    rule of the database, once they have committed.

    The token is taken with all the rest, when the slots are held. Whoever waits for it waits for a transaction that has
    nothing to wait for any more.
    """
    async with context.writing() as write:
        plan = await make_out(write, context.rules, sale.lines, found, token=sale.token)
        if plan.repeats is not None:
            await _answer_repeated(context, write, sale, fingerprint)
        request_id = plan.request_id
        await _claim_order(context, write, sale, request_id, fingerprint, found)
        await claim_numbers(write, plan, request_id, plan.at, found)
        may_exceed = sale.may_exceed_capacity and may_go_over(context, sale.channel)
        now, exceeded, ids = await take_places(write, plan, found, may_exceed=may_exceed)
        cost = CreateOutcome(total_minor=plan.total_minor, currency=plan.currency)
        if found.found:
            # The places, the order or the numbers may be the first's of two that have the token.
            await _answer_repeated(context, write, sale, fingerprint)
            is_priced = all(refusal.code in PRICED for refusal in found.found)
            raise Refused(replace(cost if is_priced else CreateOutcome(), refusals=tuple(found.found)))
        if sale.is_dry_run:
            raise Unchanged(cost)
        expires_at = now + timedelta(seconds=context.rules.hold_of(sale.channel))
        happened = [event(context, RequestEventKind.CREATED, now, request_id, facts={"channel": sale.channel.value})]
        happened += capacity_exceeded(context, request_id, exceeded, now)
        row = _row(context, sale, plan, fingerprint)
        row |= {"created_at": now, "status_changed_at": now, "expires_at": expires_at}
        await db.together.make(
            write,
            *db.ticket_request.adding(row, lines_of(plan, request_id, ids)),
            holding(plan, request_id, ids, now, expires_at),
            db.timeline.recording(write, happened, now),
        )
    show(context, db.ticket_request.as_written(row, context.actor.client))
    return replace(cost, row_id=request_id)


def _checked(sale: Sale, found: Refusals) -> Sale:
    """The sale with its texts trimmed; blank ones are as if left out."""
    is_pos = sale.channel is SalesChannel.POS
    return replace(
        sale,
        token=text(found, sale.token, "token"),
        external_order_no=text(found, sale.external_order_no, "externalOrderNo"),
        receipt_no=required(found, sale.receipt_no or "", "receiptNo") if is_pos else None,
        pos_unit_no=required(found, sale.pos_unit_no or "", "posUnitNo") if is_pos else None,
        salesperson_code=text(found, sale.salesperson_code, "salespersonCode"),
        holder=holders.check(sale.holder, found),
    )


def _fingerprint(sale: Sale) -> str:
    """A digest of the content: everything that was asked for, but not its token, nor whether it was a dry run."""
    content = {
        "channel": sale.channel.value,
        "order": key(sale.external_order_no),
        "receipt": key(sale.receipt_no),
        "unit": key(sale.pos_unit_no),
        "salesperson": key(sale.salesperson_code),
        "exceed": sale.may_exceed_capacity,
        "holder": {name: value for name, value in sale.holder.items() if value is not None},
        "lines": [
            {
                "item": key(line.item_no),
                "variant": key(line.variant_code or ""),
                "quantity": line.quantity,
                "price": None if line.unit_price is None else f"{line.unit_price.normalize():f}",
                "admissions": sorted((key(a.admission_code), a.slot_id or 0, a.is_included) for a in line.admissions),
                "numbers": [key(number) for number in line.external_ticket_nos or ()],
            }
            for line in sale.lines
        ],
    }
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


async def _answer_repeated(context: Context, read: Read, sale: Sale, fingerprint: str) -> None:
    """Raise the first answer if this was asked before, or TOKEN_REUSED if the token is another request's."""
    if sale.token is None:
        return
    existing = await db.ticket_request.by_token_key(read, key(sale.token), db.ticket_request.BEFORE_TIME)
    if existing is None:
        return
    if existing.client_id != context.actor.client_id or not _is_same(existing, fingerprint):
        message = "This token belongs to another request. A new request needs a new token."
        raise Refused(CreateOutcome(refusals=(Refusal(RefusalCode.TOKEN_REUSED, message, ("token",)),)))
    raise _first_answer(existing)


def _is_same(existing: TicketRequestRow, fingerprint: str) -> bool:
    return existing.fingerprint == fingerprint and existing.fingerprint_version == FINGERPRINT_VERSION


def _first_answer(existing: TicketRequestRow) -> Unchanged:
    total, currency = existing.total_minor, existing.currency
    return Unchanged(CreateOutcome(row_id=existing.id, total_minor=total, currency=currency))


def _row(context: Context, sale: Sale, plan: Plan, fingerprint: str) -> dict[str, Any]:
    """The request as it is kept, but for the moments."""
    token = sale.token or secrets.token_hex(16).upper()
    code = Pattern.parse(context.rules.authorization_code_pattern).make("")
    return {
        "id": plan.request_id,
        "client_id": context.actor.client_id,
        "token": token,
        "token_key": key(token),
        "authorization_code": code,
        "code_key": key(code),
        "fingerprint": fingerprint,
        "fingerprint_version": FINGERPRINT_VERSION,
        "channel": sale.channel.value,
        "status": TicketRequestStatus.REGISTERED.value,
        "payment_option": PaymentOption.UNPAID.value,
        "currency": plan.currency or context.rules.currency,
        "total_minor": plan.total_minor,
        "external_order_no": sale.external_order_no,
        "order_key": key(sale.external_order_no),
        "receipt_no": sale.receipt_no,
        "receipt_key": key(sale.receipt_no),
        "pos_unit_no": sale.pos_unit_no,
        "pos_unit_key": key(sale.pos_unit_no),
        "salesperson_code": sale.salesperson_code,
        **holders.columns(sale.holder),
    }


async def _claim_order(
    context: Context, write: Write, sale: Sale, request_id: int, fingerprint: str, found: Refusals
) -> None:
    """Take the order number, or note DUPLICATE_ORDER; without a token, a repeat of the sale raises its first answer."""
    if sale.external_order_no is None:
        return
    order = (write, context.actor.client_id, key(sale.external_order_no))
    owner_id = await db.ticket_request.claim_order(*order, request_id)
    if owner_id == request_id:
        return
    now = await write.clock()
    if not await is_in_the_way(write, owner_id, now):
        await db.ticket_request.take_over_order(*order, request_id)
        return
    owner = await db.ticket_request.by_id(write, owner_id, now)
    assert owner is not None
    if sale.token is None and _is_same(owner, fingerprint):
        raise _first_answer(owner)
    message = f"The order {sale.external_order_no} has a request already."
    found.add(RefusalCode.DUPLICATE_ORDER, message, "externalOrderNo", request_id=owner_id)
