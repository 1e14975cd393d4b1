"""Tickets for a spreadsheet: each with its request, its item and where it lets in, some hundred at a time.

However many there are, memory holds one chunk: the next is read, from where the last one ended, only when it is taken.
What may be seen, and what is masked, is what the API shows.
"""

import unicodedata
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import db
from db.base import FOREVER
from db.paging import Order, Window
from db.ticket import AccessEntryRow, IssuedTicketRow
from db.ticket_item import TicketItemRow
from db.ticket_request import TicketRequestRow

from . import lists, visibility
from .context import Context

CHUNK = 500
"""Tickets in memory at once."""

FORMULA = "=+-@\t\r\uff1d\uff0b\uff0d\uff20"
"""What a spreadsheet takes a cell for a formula by, when it begins so; the last four are wide forms."""


class _Ticket(NamedTuple):
    """A ticket and what is told of it; ``request`` is None where the caller may not see it."""

    ticket: IssuedTicketRow
    request: TicketRequestRow | None
    item: TicketItemRow | None
    places: str
    accesses: Sequence[AccessEntryRow]
    is_personal_shown: bool


def _of_request(name: str) -> Callable[[_Ticket], Any]:
    return lambda row: getattr(row.request, name) if row.request else None


def _first_admitted_at(row: _Ticket) -> datetime | None:
    return min((entry.first_admitted_at for entry in row.accesses if entry.first_admitted_at), default=None)


COLUMNS: Mapping[str, Callable[[_Ticket], Any]] = {
    "externalTicketNo": lambda row: row.ticket.external_ticket_no,
    "ticketNo": lambda row: row.ticket.ticket_no,
    "itemNo": lambda row: row.item.item_no if row.item else None,
    "variantCode": lambda row: row.item.variant_code if row.item else None,
    "description": lambda row: row.item.description if row.item else None,
    "kind": lambda row: row.ticket.kind,
    "quantity": lambda row: row.ticket.quantity,
    "price": lambda row: db.money.from_minor(row.ticket.price_minor, row.ticket.currency),
    "currency": lambda row: row.ticket.currency,
    "issuedAt": lambda row: row.ticket.issued_at,
    "validFrom": lambda row: row.ticket.valid_from,
    "validUntil": lambda row: None if row.ticket.valid_until == FOREVER else row.ticket.valid_until,
    "admissions": lambda row: row.places,
    "firstAdmittedAt": _first_admitted_at,
    "blockedAt": lambda row: row.ticket.blocked_at,
    "blockedReason": lambda row: row.ticket.blocked_reason,
    "revokedAt": lambda row: row.ticket.revoked_at,
    "printCount": lambda row: row.ticket.print_count,
    "token": _of_request("token"),
    "client": _of_request("client"),
    "channel": _of_request("channel"),
    "status": _of_request("status"),
    "paymentOption": _of_request("payment_option"),
    "paymentReference": _of_request("payment_reference"),
    "externalOrderNo": _of_request("external_order_no"),
    "receiptNo": _of_request("receipt_no"),
    "posUnitNo": _of_request("pos_unit_no"),
    "customerNo": _of_request("customer_no"),
    "ticketHolderName": _of_request("ticket_holder_name"),
    "email": _of_request("email"),
    "phone": _of_request("phone"),
}
"""The columns by their names, which are those of the API; which of them are personal is what the schema tags."""


async def tickets(
    context: Context, given: lists.Given, order: Order, *, personal: Collection[str], chunk: int = CHUNK
) -> AsyncIterator[list[list[str]]]:
    """The cells of the tickets that the caller may see and the conditions let through, so many at a time.

    Of columns that are ``personal`` the cells are empty where the caller may not see them.
    """
    position: tuple[Any, int] | None = None
    while True:
        async with context.reading() as read:
            page = await lists.page_of_tickets(context, read, Window(chunk, order, position), given)
        if page.rows:
            yield [_cells(context, row, personal) for row in await _told(context, page.rows)]
            last = page.rows[-1]
            position = getattr(last, order.attribute), last.id
        if not page.has_next:
            return


def _cells(context: Context, row: _Ticket, personal: Collection[str]) -> list[str]:
    if row.request and row.is_personal_shown and any(COLUMNS[name](row) for name in personal if name in COLUMNS):
        context.shows(row.request)
    return [
        cell(column(row) if row.is_personal_shown or name not in personal else None) for name, column in COLUMNS.items()
    ]


async def _told(context: Context, rows: Sequence[IssuedTicketRow]) -> list[_Ticket]:
    """What is told of these tickets, in six statements."""
    async with context.reading() as read:
        request_ids, item_ids = ({getattr(row, name) for row in rows} for name in ("request_id", "item_id"))
        where = visibility.requests(context)
        requests = await db.ticket_request.by_ids(read, sorted(request_ids), context.now, where=where)
        items = await db.ticket_item.by_ids(read, sorted(item_ids))
        accesses = await db.ticket.access_entries_of(read, [row.id for row in rows])
        entries = [entry for of_ticket in accesses.values() for entry in of_ticket]
        admissions = await db.admission.by_ids(read, sorted({entry.admission_id for entry in entries}))
        slots = await db.time_slot.by_ids(read, sorted({entry.slot_id for entry in entries if entry.slot_id}))

    def place(entry: AccessEntryRow) -> str:
        slot = slots.get(entry.slot_id) if entry.slot_id else None
        code = admissions[entry.admission_id].code
        return f"{code} {slot.starts_at.astimezone(ZoneInfo(slot.time_zone)):%Y-%m-%d %H:%M}" if slot else code

    return [
        _Ticket(
            row,
            requests.get(row.request_id),
            items.get(row.item_id),
            "; ".join(map(place, accesses.get(row.id, ()))),
            accesses.get(row.id, ()),
            context.may_see_personal(row.client_id),
        )
        for row in rows
    ]


def cell(value: Any) -> str:
    """A value as a spreadsheet takes it: moments in UTC, and no text that it would take for a formula.

    An apostrophe in front makes a text of it. Who chose the text of an order number or a name is not who opens the
    file; so it does not matter what stands there, and numbers that begin with a plus are texts too. Source: OWASP, "CSV
    injection".
    """
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    text = str(value)
    shown = text.lstrip()
    while shown and unicodedata.category(shown[0]) == "Cf":
        shown = shown[1:].lstrip()
    return f"'{text}" if shown.startswith(tuple(FORMULA)) or text.startswith(("\t", "\r", "\n")) else text
