"""Persons: what is kept of one in the tables of others, and how it is taken out. The skeleton stays.

A person is what a customer number or an e-mail leads to. What is theirs is found anew from what is still there, so
that an erasure that was broken off goes on where it was.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Table, bindparam, null, or_, select, union, update

from . import sales_order as orders
from . import search_key
from .base import BigId
from .customer import CustomerRow, customer, customers
from .engine import Read, Write
from .keys import key, phone_key
from .paging import is_one_of
from .scan import scan
from .search_key import SearchKeyRow
from .ticket import access_entry, issued_ticket
from .ticket_request import BEFORE_TIME, TicketRequestRow, by_ids, ticket_request
from .timeline import request_event
from .together import make

OF_REQUEST: Mapping[str, str] = {"email": "email_key", "phone": "phone_key", "ticket_holder_name": "name_key"}
OF_CUSTOMER: Mapping[str, str] = {"email": "email_key", "phone": "phone_key", "name": "name_key"}
"""The columns that are personal, with their keys."""

PHONE_DIGITS = 6
"""Fewer digits are no phone number, wherever they stand."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whom it is about: keys of customer numbers and e-mails. ``is_by_number``: who has the e-mail and names another
    customer is somebody else."""

    customer_keys: tuple[str, ...]
    email_keys: tuple[str, ...]
    is_by_number: bool


@dataclass(frozen=True, slots=True)
class Words:
    """What a person is recognised by in a text that somebody wrote."""

    emails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    names: frozenset[tuple[str, ...]] = frozenset()
    keys: frozenset[str] = frozenset()
    """Each of them as a whole."""

    @classmethod
    def of(cls, rows: Collection[TicketRequestRow | CustomerRow], more: "Words | None" = None) -> "Words":
        """Those of these rows, and more."""
        more = more or cls()
        names = {text for row in rows if (text := _name(row))}
        emails = {row.email for row in rows if row.email}
        phones = {row.phone for row in rows if row.phone}
        digits = {phone_key(phone) or "" for phone in phones}
        return cls(
            more.emails | {key(email) for email in emails},
            more.phones | {number for number in digits if len(number) >= PHONE_DIGITS},
            more.names | {tuple(search_key.words(name)) for name in names if search_key.words(name)},
            more.keys | {key(text) for text in names | emails | phones},
        )

    def are_in(self, text: str | None) -> bool:
        """Whether the text has the e-mail, the phone number or the name of the person in it."""
        if not text:
            return False
        folded, digits, words = key(text), phone_key(text) or "", search_key.words(text)
        return (
            any(email in folded for email in self.emails)
            or any(number in digits for number in self.phones)
            or any(list(name) == words[i : i + len(name)] for name in self.names for i in range(len(words)))
        )


def _name(row: TicketRequestRow | CustomerRow) -> str | None:
    return row.name if isinstance(row, CustomerRow) else row.ticket_holder_name


class Erased(NamedTuple):
    """How many rows lost what was personal, by what they are; ``reasons`` are texts that staff wrote."""

    customers: int = 0
    requests: int = 0
    orders: int = 0
    reasons: int = 0
    search_keys: int = 0

    def plus(self, other: "Erased") -> "Erased":
        """Both together."""
        return Erased(*map(sum, zip(self, other, strict=True)))


async def of_number(read: Read, customer_key: str) -> Person:
    """The person behind a customer number: also who has that customer's e-mail and names no customer."""
    found = await read.value(select(customer.c.email_key).where(customer.c.customer_key == customer_key))
    return Person((customer_key,), (found,) if found else (), is_by_number=True)


async def of_email(read: Read, email_key: str) -> Person:
    """The person behind an e-mail: every customer that has it, and who names one of these."""
    found = select(customer.c.customer_key).where(customer.c.email_key == email_key).order_by(customer.c.id)
    return Person(tuple(row[0] for row in await read.all(found)), (email_key,), is_by_number=False)


async def is_known(read: Read, person: Person) -> bool:
    """Whether there is a customer of that number, or a request that is the person's."""
    known = select(customer.c.id).where(is_one_of(read, customer.c.customer_key, person.customer_keys))
    return await read.value(known.limit(1)) is not None or bool(await request_ids(read, person, 0, 1))


def _ways(read: Read, person: Person) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The two ways in which a request is the person's, each answered by an index of its own."""
    names = is_one_of(read, ticket_request.c.customer_key, person.customer_keys)
    has_email = is_one_of(read, ticket_request.c.email_key, person.email_keys)
    return names, has_email & ticket_request.c.customer_key.is_(None) if person.is_by_number else has_email


async def request_ids(read: Read, person: Person, after: int, at_most: int) -> list[int]:
    """The person's requests behind that id, lowest first, as they are now: nothing is locked."""
    ways = (select(ticket_request.c.id).where(way) for way in _ways(read, person))
    # Materialised: else it may look cheaper to walk all requests by id until so many are found, and there are few.
    theirs = union(*ways).cte("theirs").prefix_with("MATERIALIZED")
    found = select(theirs.c.id).where(theirs.c.id > after).order_by(theirs.c.id).limit(at_most)
    return [row[0] for row in await read.all(found)]


async def lock_requests(write: Write, person: Person, ids: Sequence[int]) -> list[TicketRequestRow]:
    """Take those of these requests that are the person's still, lowest id first, and answer them as they now are.

    Whoever changes a holder takes the request first: what they write is there before the look, or comes after it.
    """
    these = is_one_of(write, ticket_request.c.id, ids)
    found = select(ticket_request.c.id).where(these, or_(*_ways(write, person))).order_by(ticket_request.c.id)
    locked = [row[0] for row in await write.all(found.with_for_update(key_share=True))]
    rows = await by_ids(write, locked, BEFORE_TIME)
    return [rows[request_id] for request_id in locked]


async def lock_customers(write: Write, person: Person) -> list[CustomerRow]:
    """Take the person's customers, lowest id first, and answer them as they now are."""
    if person.is_by_number:
        which = is_one_of(write, customer.c.customer_key, person.customer_keys)
    else:
        which = is_one_of(write, customer.c.email_key, person.email_keys)
    found = select(customer.c.id).where(which).order_by(customer.c.id)
    locked = [row[0] for row in await write.all(found.with_for_update(key_share=True))]
    rows = await customers.by_key(write, "id", locked)
    return [rows[customer_id] for customer_id in locked]


# ------------------------------------------------------------------------------------------------ erasing


async def erase_requests(write: Write, requests: Sequence[TicketRequestRow], words: Words) -> tuple[Erased, set[int]]:
    """Take out of locked requests, and of all that hangs on them, what is personal.

    Answers how much that was, and of which requests. Afterwards nobody is found by it.
    """
    ids = [request.id for request in requests]
    holders = [request for request in requests if any(getattr(request, name) for name in OF_REQUEST)]
    payments = [request for request in requests if words.are_in(request.payment_reference)]
    await _clear(write, ticket_request, [request.id for request in holders], OF_REQUEST)
    payment = {"payment_reference": "payment_key"}
    await _clear(write, ticket_request, [request.id for request in payments], payment)
    keys = [
        *_keys(search_key.OF_REQUEST, OF_REQUEST, [(request, request.client_id) for request in holders]),
        *_keys(search_key.OF_REQUEST, payment, [(request, request.client_id) for request in payments]),
    ]
    await make(write, *search_key.dropping(write, keys))
    reasons, of_requests = await _erase_reasons(write, ids)
    pairs = [(request.client_id, request.order_key) for request in requests if request.order_key]
    receipts = [(r.receipt_key, r.pos_unit_key) for r in requests if r.receipt_key and r.pos_unit_key]
    found = [
        *(await orders.by_order_keys(write, pairs)).values(),
        *(await orders.by_receipts(write, receipts)).values(),
    ]
    erased_orders = await _erase_statuses(write, found, words)
    touched = {request.id for request in (*holders, *payments)}
    return Erased(0, len(touched), erased_orders, reasons, len(keys)), touched | of_requests


async def erase_customers(
    write: Write, person: Person, rows: Sequence[CustomerRow], words: Words, at: datetime
) -> tuple[Erased, set[int]]:
    """Take out of locked customers, and of their sales orders, what is personal. Answers how much, and of which."""
    known = [row for row in rows if any(getattr(row, name) for name in OF_CUSTOMER)]
    ids = [row.id for row in known]
    await _clear(write, customer, ids, OF_CUSTOMER, erased_at=at, updated_at=at)
    keys = _keys(search_key.OF_CUSTOMER, OF_CUSTOMER, [(row, row.first_client_id) for row in known])
    await make(write, *search_key.dropping(write, keys))
    theirs = select(orders.sales_order.c.id).where(
        is_one_of(write, orders.sales_order.c.customer_key, person.customer_keys)
    )
    found = await orders.by_ids(write, [row[0] for row in await write.all(theirs)])
    erased_orders = await _erase_statuses(write, list(found.values()), words)
    return Erased(len(ids), 0, erased_orders, 0, len(keys)), set(ids)


async def _clear(write: Write, table: Table, ids: Sequence[int], columns: Mapping[str, str], **values: Any) -> None:
    if ids:
        cleared = dict.fromkeys((*columns, *columns.values()), null())
        await write.run(table.update().where(is_one_of(write, table.c.id, ids)).values(**cleared, **values))


def _keys(
    all_columns: Mapping[str, search_key.SearchKind], names: Collection[str], rows: Sequence[tuple[Any, int]]
) -> list[SearchKeyRow]:
    columns = {name: kind for name, kind in all_columns.items() if name in names}
    return [key for row, client_id in rows for key in search_key.rows(columns, row.id, client_id, row._asdict())]


async def _erase_statuses(write: Write, found: Sequence[orders.SalesOrderRow], words: Words) -> int:
    """What shops call the state of an order is theirs to word; where it names the person, it goes."""
    order = orders.sales_order
    these = is_one_of(write, order.c.id, sorted({order.id for order in found if words.are_in(order.document_status)}))
    locked = select(order.c.id, order.c.document_status).where(these).order_by(order.c.id)
    rows = await write.all(locked.with_for_update(key_share=True))
    ids = [row[0] for row in rows if words.are_in(row[1])]
    if ids:
        await write.run(update(order).where(is_one_of(write, order.c.id, ids)).values(document_status=None))
    return len(ids)


async def _erase_reasons(write: Write, request_ids: Sequence[int]) -> tuple[int, set[int]]:
    """Why staff blocked, revoked or canceled, on tickets, in the timeline and in what gates were answered."""
    of_requests = is_one_of(write, issued_ticket.c.request_id, request_ids)
    tickets = select(issued_ticket.c.id, issued_ticket.c.request_id).where(
        of_requests, _has_reason(issued_ticket.c.id, issued_ticket.c.blocked_reason)
    )
    # In the order in which everyone takes tickets; what hangs on them is theirs who holds them.
    locked = {row[0]: row[1] for row in await write.all(_locking(tickets.order_by(issued_ticket.c.id)))}
    erased = 0
    for table, column in ((issued_ticket, issued_ticket.c.id), (access_entry, access_entry.c.ticket_id)):
        these = is_one_of(write, column, sorted(locked)) & table.c.blocked_reason.is_not(None)
        erased += await write.run(table.update().where(these).values(blocked_reason=None)) if locked else 0
    events = select(request_event.c.id, request_event.c.request_id, request_event.c.facts).where(
        is_one_of(write, request_event.c.request_id, request_ids),
        request_event.c.kind.in_(("CANCELED", "BLOCKED", "UNBLOCKED", "REVOKED")),
    )
    told = {row[0]: (row[1], row[2]) for row in await write.all(events) if "reason" in row[2]}
    await _rewrite(
        write,
        request_event,
        "facts",
        {id_: {name: fact for name, fact in facts.items() if name != "reason"} for id_, (_, facts) in told.items()},
    )
    erased += len(told) + await _erase_answers(write, request_ids)
    return erased, {*locked.values(), *(request_id for request_id, _ in told.values())}


def _has_reason(ticket_id: Any, reason: Any) -> ColumnElement[bool]:
    of_access = select(access_entry.c.id).where(
        access_entry.c.ticket_id == ticket_id, access_entry.c.blocked_reason.is_not(None)
    )
    return or_(reason.is_not(None), of_access.exists())


def _locking(found: Select[Any]) -> Select[Any]:
    return found.with_for_update(key_share=True, of=issued_ticket)


async def _erase_answers(write: Write, request_ids: Sequence[int]) -> int:
    """What gates were answered is kept for those who ask again, and repeats why a ticket is blocked."""
    numbers = select(issued_ticket.c.number_key).where(is_one_of(write, issued_ticket.c.request_id, request_ids))
    tokens = select(ticket_request.c.token_key).where(is_one_of(write, ticket_request.c.id, request_ids))
    found = select(scan.c.id, scan.c.answer).where(
        or_(scan.c.scanned_key.in_(numbers), scan.c.scanned_key.in_(tokens)),
    )
    answers = {}
    for id_, answer in await write.all(found):
        refusals = [_without_reason(refusal) for refusal in answer["refusals"]]
        if refusals != answer["refusals"]:
            answers[id_] = {**answer, "refusals": refusals}
    await _rewrite(write, scan, "answer", answers)
    return len(answers)


def _without_reason(refusal: Mapping[str, Any]) -> dict[str, Any]:
    """The refusal of a blocked ticket as it reads without a reason: the first part of its sentence."""
    if refusal["code"] not in ("TICKET_BLOCKED", "ACCESS_BLOCKED") or "said" not in refusal:
        return dict(refusal)
    told = {name: value for name, value in refusal.items() if name != "said"}
    return told | {"message": refusal["message"].removesuffix(f": {refusal['said']}") + "."}


async def _rewrite(write: Write, table: Table, column: str, values: Mapping[int, Any]) -> None:
    changed = table.update().where(table.c.id == bindparam("of_id", type_=BigId)).values({column: bindparam("new")})
    await write.run_each(changed, [{"of_id": id_, "new": value} for id_, value in sorted(values.items())])


async def erase_scanned(write: Write, keys: Collection[str]) -> Erased:
    """Guests hold up what they have: where it was an e-mail, a phone number or a name that a gate sent, it goes."""
    typed = sorted(keys)
    if not typed:
        return Erased()
    these = is_one_of(write, request_event.c.scanned_key, typed)
    erased = await write.run(update(request_event).where(these).values(scanned=None, scanned_key=None))
    await write.run(update(scan).where(is_one_of(write, scan.c.scanned_key, typed)).values(scanned_key=""))
    return Erased(reasons=erased)
