"""Create: all or nothing, every problem at once, and a repeat answers the same.

The token, and (client, external order number), are idempotency keys. They are taken in the very transaction of the
sale, so that no crash can leave a key without its request, or a request without its key.
"""

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import orjson

import db
from db.driver import BROKEN_RULES
from db.engine import Read, Write
from db.keys import key
from db.sales_order import SalesChannel
from db.ticket_request import Lines, PaymentOption, TicketRequestRow, TicketRequestStatus
from db.timeline import Event, RequestEventKind

from ..context import Context
from ..pattern import Pattern
from ..refusals import Outcome, Refusal, RefusalCode, Refusals, Refused, Unchanged
from ..texts import required, text
from . import holder as holders
from .common import event, is_in_the_way, may_go_over, show
from .lines import Plan, RequestedLine, ToMakeOut, make_out_each
from .taking import (
    TakenPlaces,
    Wanting,
    capacity_exceeded,
    claim_numbers,
    held_by,
    lines_of,
    take_places_of_each,
)

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
    answer = await _in_a_group(context, sale)
    if answer is None:
        with context.group_commits.of(_register).alone():
            answer = await _alone(context, sale)
    assert answer is not None
    if isinstance(answer, Unchanged):
        raise answer
    return answer


_Answer = CreateOutcome | Unchanged


@dataclass(slots=True)
class _Asked:
    """One sale that is to be registered: the problems that it has so far, and what comes of it.

    ``leaves_its_group``: it is to be registered alone; or, if it ``is_overtaken``, once more: it is given another slot.
    """

    context: Context
    sale: Sale
    fingerprint: str
    found: Refusals
    plan: Plan = field(init=False)
    request_id: int = field(init=False)
    leaves_its_group: bool = False
    is_overtaken: bool = False
    answer: _Answer | None = None

    @classmethod
    def of(cls, context: Context, sale: Sale) -> "_Asked":
        found = Refusals()
        checked = _checked(sale, found)
        return cls(context, checked, _fingerprint(checked), found)

    @property
    def order(self) -> db.ticket_request.Order | None:
        """The order number that it takes."""
        number = key(self.sale.external_order_no)
        return None if number is None else (self.context.actor.client_id, number)

    @property
    def cost(self) -> CreateOutcome:
        return CreateOutcome(total_minor=self.plan.total_minor, currency=self.plan.currency)

    @property
    def wanting(self) -> Wanting:
        may_exceed = self.sale.may_exceed_capacity and may_go_over(self.context, self.sale.channel)
        return Wanting(self.plan, self.found, may_exceed)


async def _in_a_group(context: Context, sale: Sale) -> _Answer | None:
    """What comes of it, unless it is to be registered alone: then None.

    Whoever dictates ticket numbers may have to wait for others who have them, and gives them back when it is refused; a
    dry run gives back everything.
    """
    commits = context.group_commits.of(_register)
    if sale.is_dry_run or not commits.go_together or any(line.external_ticket_nos is not None for line in sale.lines):
        return None
    weight = sum(max(line.quantity, 1) for line in sale.lines)
    for _ in range(ATTEMPTS):
        asked = _Asked.of(context, sale)
        names = {key(asked.sale.token), asked.order} - {None}
        answer = await commits.answer(context, asked, weight=weight, names=names)
        if not asked.is_overtaken:
            return answer
    return None


ATTEMPTS = 5
"""How often a slot is given to who chose none, before it is told that others were quicker each time."""


async def _alone(context: Context, sale: Sale) -> _Answer | None:
    for _ in range(ATTEMPTS):
        asked = _Asked.of(context, sale)
        try:
            (answer,) = await _register([asked])
        except BROKEN_RULES:
            async with context.reading() as read:
                if repeated := await _repeated(read, asked):
                    return repeated
            raise
        if not asked.is_overtaken:
            break
    return answer


async def _register(sales: Sequence[_Asked], decided: Callable[[], None] = lambda: None) -> Sequence[_Answer | None]:
    """All that ``create`` does, but for a token that somebody else was writing down at the same time: that breaks a
    rule of the database, once they have committed.

    Of several sales, each is decided as if those before it were committed. The tokens are taken with all the rest, when
    the slots are held. Whoever waits for one waits for a transaction that has nothing to wait for any more.
    """
    with suppress(Unchanged):
        context, *beside = (one.context for one in sales)
        async with context.writing(*beside) as write:
            await _make_out(write, sales)
            await _claim(write, sales)
            if not (left := [one for one in sales if one.answer is None and not one.leaves_its_group]):
                raise Unchanged(Outcome())  # nothing is to be kept
            are_all = len(left) == len(sales)
            taken = await take_places_of_each(write, [one.wanting for one in left], are_all=are_all)
            for one in left:
                one.is_overtaken = one.plan.is_overtaken
                if len(sales) > 1 and one.is_overtaken:
                    one.leaves_its_group = True
                else:
                    await _settle(write, one)
            made = [one for one in zip(left, taken, strict=True) if isinstance(one[0].answer, CreateOutcome)]
            if not made:
                raise Unchanged(Outcome())
            others = [one for one in left if not isinstance(one.answer, CreateOutcome)]
            rows = await _write(write, made, [one.order for one in others if one.order is not None])
            decided()
        for one, row in rows:
            show(one.context, db.ticket_request.as_written(row, one.context.actor.client))
    return [one.answer for one in sales]


async def _make_out(write: Write, sales: Sequence[_Asked]) -> None:
    """Find out what the sales ask for, and which of them were made before."""
    offer, plans = await make_out_each(
        write,
        sales[0].context.rules,
        [ToMakeOut(one.sale.lines, one.found) for one in sales],
        token_keys=[key(one.sale.token) for one in sales if one.sale.token is not None],
        requests=len(sales),
    )
    for one, plan, request_id in zip(sales, plans, offer.request_ids, strict=True):
        one.plan, one.request_id = plan, request_id
        if key(one.sale.token) in offer.token_keys:
            one.answer = await _repeated(write, one)


async def _claim(write: Write, sales: Sequence[_Asked]) -> None:
    """Take the numbers that the sales name; who is in a group leaves it if somebody else has one."""
    standing = [one for one in sales if one.answer is None]
    orders = {one.order: one.request_id for one in standing if one.order is not None}
    owners = await db.ticket_request.claim_orders(write, orders) if orders else {}
    for one in standing:
        if one.order is not None and owners[one.order] != one.request_id:
            if len(sales) > 1:
                one.leaves_its_group = True
                continue
            one.answer = await _order_owned(write, one, one.order, owners[one.order])
        if one.answer is None:
            await claim_numbers(write, one.plan, one.request_id, one.plan.at, one.found)


async def _settle(write: Write, one: _Asked) -> None:
    """Decide, when everything is taken that there was to take."""
    if one.found.found:
        # The places, the order or the numbers may be the first's of two that have the token.
        is_priced = all(refusal.code in PRICED for refusal in one.found.found)
        cost = one.cost if is_priced else CreateOutcome()
        one.answer = await _repeated(write, one) or Refused(replace(cost, refusals=tuple(one.found.found)))
    elif one.sale.is_dry_run:
        one.answer = Unchanged(one.cost)
    else:
        one.answer = replace(one.cost, row_id=one.request_id)


async def _write(
    write: Write, made: Sequence[tuple[_Asked, TakenPlaces]], given_back: Sequence[db.ticket_request.Order]
) -> list[tuple[_Asked, dict[str, Any]]]:
    """Write the sales down, in the order of their tokens: who waits for one has those before it.

    The order numbers ``given_back`` were taken for others, which are refused or leave the group.
    """
    rows: list[tuple[_Asked, dict[str, Any]]] = []
    lines = Lines([], [])
    held: list[Mapping[str, Any]] = []
    happened: list[Event] = []
    for one, taken in made:
        context, now = one.context, taken.at
        expires_at = now + timedelta(seconds=context.rules.hold_of(one.sale.channel))
        rows.append((one, _row(one) | {"created_at": now, "status_changed_at": now, "expires_at": expires_at}))
        lines = lines.and_also(lines_of(one.plan, one.request_id, taken.ids))
        held += held_by(one.plan, one.request_id, taken.ids, now, expires_at)
        facts = {"channel": one.sale.channel.value}
        happened.append(event(context, RequestEventKind.CREATED, now, one.request_id, facts=facts))
        happened += capacity_exceeded(context, one.request_id, taken.exceeded, now)
    rows.sort(key=lambda row: str(row[1]["token_key"]))
    await db.together.make(
        write,
        *db.ticket_request.adding([row for _, row in rows], lines),
        db.ticket_request.giving_back(write, given_back),
        db.reservation.holding(held),
        db.timeline.recording(write, happened, made[0][1].at),
    )
    return rows


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


async def _repeated(read: Read, one: _Asked) -> Unchanged | None:
    """The first answer if this was asked before, or TOKEN_REUSED if the token is another request's."""
    if one.sale.token is None:
        return None
    existing = await db.ticket_request.by_token_key(read, key(one.sale.token), db.ticket_request.BEFORE_TIME)
    if existing is None:
        return None
    if existing.client_id != one.context.actor.client_id or not _is_same(existing, one.fingerprint):
        message = "This token belongs to another request. A new request needs a new token."
        return Refused(CreateOutcome(refusals=(Refusal(RefusalCode.TOKEN_REUSED, message, ("token",)),)))
    return _first_answer(existing)


def _is_same(existing: TicketRequestRow, fingerprint: str) -> bool:
    return existing.fingerprint == fingerprint and existing.fingerprint_version == FINGERPRINT_VERSION


def _first_answer(existing: TicketRequestRow) -> Unchanged:
    total, currency = existing.total_minor, existing.currency
    return Unchanged(CreateOutcome(row_id=existing.id, total_minor=total, currency=currency))


def _row(one: _Asked) -> dict[str, Any]:
    """The request as it is kept, but for the moments."""
    context, sale, plan = one.context, one.sale, one.plan
    token = sale.token or secrets.token_hex(16).upper()
    code = Pattern.parse(context.rules.authorization_code_pattern).make("")
    return {
        "id": one.request_id,
        "client_id": context.actor.client_id,
        "token": token,
        "token_key": key(token),
        "authorization_code": code,
        "code_key": key(code),
        "fingerprint": one.fingerprint,
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


async def _order_owned(write: Write, one: _Asked, order: db.ticket_request.Order, owner_id: int) -> Unchanged | None:
    """Take the order number over, or note DUPLICATE_ORDER; the first answer, where a sale repeats that has no token."""
    now = await write.clock()
    if not await is_in_the_way(write, owner_id, now):
        await db.ticket_request.take_over_order(write, *order, one.request_id)
        return None
    owner = await db.ticket_request.by_id(write, owner_id, now)
    assert owner is not None
    if one.sale.token is None and _is_same(owner, one.fingerprint):
        return _first_answer(owner)
    message = f"The order {one.sale.external_order_no} has a request already."
    one.found.add(RefusalCode.DUPLICATE_ORDER, message, "externalOrderNo", request_id=owner_id)
    return None
