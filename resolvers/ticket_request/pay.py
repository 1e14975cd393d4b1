"""Pay: what was confirmed unpaid is paid, and its tickets open the gate."""

from dataclasses import dataclass

import db
from db.keys import key
from db.ticket_request import PaymentOption
from db.timeline import RequestEventKind

from ..context import Context
from ..refusals import Outcome, RefusalCode, Refusals, refused
from ..texts import NAME_LENGTH, required
from .common import event, find_and_lock, turned_down
from .confirm import NEEDS_CUSTOMER, check_sale_texts, sale_columns
from .rules import pay_refusal


@dataclass(frozen=True, slots=True)
class Payment:
    """How it was paid; for a picked-up web order also the receipt it was paid on."""

    token: str
    payment_option: PaymentOption
    payment_reference: str
    receipt_no: str | None = None
    pos_unit_no: str | None = None
    salesperson_code: str | None = None


async def pay(context: Context, payment: Payment) -> Outcome:
    """Mark a confirmed request as paid. The same reference again answers the same.

    Refused: NOT_FOUND, INVALID_INPUT, NOT_CONFIRMED, HOLD_EXPIRED, ALREADY_CANCELED, ALREADY_PAID (with another
    reference), UNKNOWN_CUSTOMER (POSTPAID without a customer number).
    """
    found = Refusals()
    reference = required(found, payment.payment_reference, "paymentReference", at_most=NAME_LENGTH)
    said = check_sale_texts(
        {
            "receipt_no": payment.receipt_no,
            "pos_unit_no": payment.pos_unit_no,
            "salesperson_code": payment.salesperson_code,
        },
        found,
    )
    said["payment_reference"] = reference
    if payment.payment_option is PaymentOption.UNPAID:
        found.add(RefusalCode.INVALID_INPUT, "UNPAID is not a way to pay.", "paymentOption")
    async with context.writing() as write:
        request = await find_and_lock(context, write, payment.token)
        found.check(row_id=request.id)
        now = await write.clock()
        if refusal := pay_refusal(request, now):
            is_told_again = key(reference) == key(request.payment_reference)
            if refusal.code is RefusalCode.ALREADY_PAID and is_told_again:
                return Outcome(row_id=request.id)
            return await turned_down(write, request, refusal, now)
        if payment.payment_option is PaymentOption.POSTPAID and request.customer_no is None:
            raise refused(RefusalCode.UNKNOWN_CUSTOMER, NEEDS_CUSTOMER, "paymentOption", row_id=request.id)
        values = {"payment_option": payment.payment_option.value, **sale_columns(request, said)}
        await db.ticket_request.change(write, request.id, values)
        facts = {"payment": payment.payment_option.value}
        await db.timeline.record(write, [event(context, RequestEventKind.PAID, now, request.id, facts=facts)], now)
    return Outcome(row_id=request.id)
