"""The conditions that filters put on requests."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, and_, false, select, union_all

from ..admission import admission
from ..base import metadata
from ..conditions import Conditions, carried, equal
from ..customer import customer
from ..keys import key, phone_key
from ..paging import within
from ..ticket_item import ticket_item
from ..time_slot import time_slot
from .rows import status_now
from .tables import TicketRequestStatus, request_entry, request_line, ticket_request


@carried
def whose_request(where: Conditions) -> Conditions:
    """For rows with a ``request_id``: their request meets these conditions."""

    def hold(row: Any) -> list[ColumnElement[bool]]:
        request = ticket_request.alias("whose")
        return [select(request.c.id).where(request.c.id == row.request_id, *where(request.c)).exists()]

    return hold


def has_customer(request: Any, wanted: bool, visible: Conditions | None) -> ColumnElement[bool]:
    """Whether the register knows the request's customer number, and the reader may see that customer."""
    known = customer.alias("known")
    found = select(known.c.id).where(
        known.c.customer_key == request.customer_key, *(visible(known.c) if visible else ())
    )
    return found.exists() if wanted else ~found.exists()


def matching(given: Mapping[str, Any], customers: Conditions | None = None) -> Conditions:
    """The conditions of a filter: all that are given hold together; texts match whole, by their keys.

    ``given`` has some of the names below: lists of values, texts, ``Span``s, a row id (``slot_id``), a truth
    (``has_customer``, of the ``customers`` that the reader may see). What is said of an entry (``admission_code``,
    ``slot_id``, ``visit_at``) must hold of one and the same entry, and of one that is not left out. Statuses and their
    counts are those at ``now``.
    """
    if given.keys() <= NUMBERS.keys():
        return equal(NUMBERS, {name: key(text) for name, text in given.items()})
    said_of_entry = {name: value for name, value in given.items() if name in ENTRY_FILTERS}
    others = {name: value for name, value in given.items() if name not in said_of_entry}
    wants_customer = others.pop("has_customer", None)

    def hold(request: Any) -> list[ColumnElement[bool]]:
        conditions = [_FILTERS[name](request, value) for name, value in others.items()]
        if said_of_entry:
            conditions.append(_has_entry(request, said_of_entry))
        if wants_customer is not None:
            conditions.append(has_customer(request, wants_customer, customers))
        return conditions

    return hold


def _has_entry(request: Any, said: Mapping[str, Any]) -> ColumnElement[bool]:
    """One of the entries in force is such. Looked up from the few, or asked of each request if they are many.

    Tickets of one entry may have been moved apart: it is in every slot where one of them is.
    """
    entry = request_entry.alias("entry")
    conditions = (entry.c.replaced_at.is_(None), entry.c.quantity > 0, *of_entry(entry.c, said))
    if said.keys() == {"admission_code"}:
        return select(entry.c.id).where(entry.c.request_id == request.id, *conditions).exists()
    access = metadata.tables["access_entry"].alias("access")  # by name: the tables of tickets are built on these
    of_ticket = select(entry.c.request_id).join_from(access, entry, access.c.entry_id == entry.c.id)
    everywhere = union_all(select(entry.c.request_id).where(*conditions), of_ticket.where(*of_entry(access.c, said)))
    found: ColumnElement[bool] = request.id.in_(everywhere)
    return found


def _has_status(request: Any, statuses: Sequence[TicketRequestStatus]) -> ColumnElement[bool]:
    """The status at ``now`` is one of these. Said of the stored status as well, so that an index may answer."""
    stored = set(statuses)
    if TicketRequestStatus.EXPIRED in stored:
        stored.add(TicketRequestStatus.REGISTERED)
    wanted = [status.value for status in TicketRequestStatus if status in statuses]
    return and_(request.status.in_(sorted(stored)), status_now(request).in_(wanted))


def _has_phone(request: Any, text: str) -> ColumnElement[bool]:
    digits = phone_key(text)
    return request.phone_key == digits if digits else false()


def _has_item(request: Any, text: str) -> ColumnElement[bool]:
    """One of the lines in force asks for that item number, in any variant."""
    line, item = request_line.alias("line"), ticket_item.alias("item")
    lines = select(line.c.request_id).join_from(line, item, line.c.item_id == item.c.id)
    lines = lines.where(item.c.item_key == key(text), line.c.replaced_at.is_(None))
    found: ColumnElement[bool] = request.id.in_(lines)
    return found


def _has_key(column: str, request: Any, text: str) -> ColumnElement[bool]:
    found: ColumnElement[bool] = request[column] == key(text)
    return found


NUMBERS = {
    "token": "token_key",
    "external_order_no": "order_key",
    "receipt_no": "receipt_key",
    "pos_unit_no": "pos_unit_key",
    "payment_reference": "payment_key",
    "customer_no": "customer_key",
    "email": "email_key",
    "ticket_holder_name": "name_key",
}
"""Texts that match whole, and the column of their keys: what is asked again and again."""

OF_FEW = ("customer_no", "email", "external_order_no", "token")
"""Those of these that few requests have in common. Pages of several are found by their index in any case, whatever
their values are: see ``pages_of_numbers``."""

_FILTERS: Mapping[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "status": _has_status,
    "channel": lambda request, channels: request.channel.in_([channel.value for channel in channels]),
    "payment_option": lambda request, options: request.payment_option.in_([option.value for option in options]),
    "created_at": lambda request, span: within(request.created_at, span),
    "expires_at": lambda request, span: within(request.expires_at, span),
    **{name: partial(_has_key, column) for name, column in NUMBERS.items()},
    "phone": _has_phone,
    "item_no": _has_item,
}
ENTRY_FILTERS: Mapping[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "admission_code": lambda entry, text: entry.admission_id.in_(
        select(admission.c.id).where(admission.c.code_key == key(text))
    ),
    "slot_id": lambda entry, slot_id: entry.slot_id == slot_id,
    "visit_at": lambda entry, span: entry.slot_id.in_(
        select(time_slot.c.id).where(within(time_slot.c.starts_at, span))
    ),
}


def of_entry(entry: Any, given: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    """What a filter says of one entry of a request, or access entry of a ticket: its admission, slot and visit."""
    return [ENTRY_FILTERS[name](entry, value) for name, value in given.items()]
