"""The holder: what a guest told the shop about themselves, on the request."""

from collections.abc import Mapping
from typing import Any

import db
from db.keys import key, phone_key
from db.ticket_request import PaymentOption, TicketRequestRow
from db.timeline import RequestEventKind

from ..context import Context
from ..refusals import Outcome, RefusalCode, Refusals, refused
from ..texts import NAME_LENGTH, NUMBER_LENGTH, text
from .common import event, find_and_lock

Holder = Mapping[str, str | None]
"""Some of customer_no, email, phone, name, language: what is absent was not given, None is to be cleared."""

_BOUNDS = {
    "customer_no": NUMBER_LENGTH,
    "email": NAME_LENGTH,
    "phone": NUMBER_LENGTH,
    "name": NAME_LENGTH,
    "language": 35,
}
_CALLED = {"customer_no": "customerNo"}
_COLUMNS = {"name": "ticket_holder_name"}


def check(given: Holder, found: Refusals) -> Holder:
    """The holder with its texts trimmed, blank ones None; what is wrong is noted."""
    checked = {
        name: text(found, value, "holder", _CALLED.get(name, name), at_most=_BOUNDS[name])
        for name, value in given.items()
    }
    email = checked.get("email")
    if email is not None and not (0 < email.find("@") < len(email) - 1):
        found.add(RefusalCode.INVALID_INPUT, "email is not an e-mail address.", "holder", "email")
    return checked


def columns(holder: Holder) -> dict[str, str | None]:
    """The request's columns for what was given, with their keys."""
    values: dict[str, str | None] = {}
    for name, value in holder.items():
        values[_COLUMNS.get(name, name)] = value
        if name in ("email", "name"):
            values[f"{name}_key"] = key(value)
    if "customer_no" in holder:
        values["customer_key"] = key(holder["customer_no"])
    if "phone" in holder:
        values["phone_key"] = phone_key(holder["phone"])
    return values


def blanks(request: TicketRequestRow, holder: Holder) -> dict[str, str | None]:
    """The columns that the sale left blank and the holder fills: what the sale said stays."""
    given = {n: v for n, v in holder.items() if v is not None and getattr(request, _COLUMNS.get(n, n)) is None}
    return columns(given)


async def change_holder(context: Context, token: str, holder: Holder) -> Outcome:
    """Change what was given of the holder; absent stays, None clears. Nothing changed leaves no event.

    Refused: NOT_FOUND, INVALID_INPUT, UNKNOWN_CUSTOMER (an invoice needs its customer).
    """
    found = Refusals()
    given = check(holder, found)
    async with context.writing() as write:
        request = await find_and_lock(context, write, token)
        found.check(row_id=request.id)
        changed: dict[str, Any] = {
            name: value for name, value in given.items() if getattr(request, _COLUMNS.get(name, name)) != value
        }
        if request.payment_option == PaymentOption.POSTPAID and given.get("customer_no", "") is None:
            message = "A request that is invoiced after the visit needs its customer number."
            raise refused(RefusalCode.UNKNOWN_CUSTOMER, message, "holder", "customerNo", row_id=request.id)
        if changed:
            now = await write.clock()
            await db.ticket_request.change(write, request.id, columns(changed))
            happened = event(
                context, RequestEventKind.HOLDER_CHANGED, now, request.id, facts={"changed": sorted(changed)}
            )
            await db.timeline.record(write, [happened], now)
    return Outcome(row_id=request.id)
