"""Issued tickets, and the access entries on them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Date,
    ForeignKey,
    Index,
    Integer,
    Select,
    Table,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    select,
    true,
)
from sqlalchemy.sql.dml import ReturningInsert

from . import search_key
from .admission import AdmissionRow, admission
from .base import BigId, Endless, Instant, foreign_key_in_the_end, id_column, index_of_given, metadata, repeats
from .conditions import Conditions, carried, equal
from .engine import CLOCK, INSERT, Read, Write
from .keys import key as key_of
from .paging import (
    ALL,
    Columns,
    Listing,
    OfKeys,
    Order,
    Page,
    Window,
    each_given,
    given_keys,
    is_one_of,
    keys_for,
    within,
)
from .ticket_item import ContentLineRow, content_line, dependency, ticket_item
from .ticket_request import (
    ENTRY_FILTERS,
    TicketRequestRow,
    has_customer,
    of_entry,
    request_entry,
    request_line,
    ticket_request,
    ticket_requests,
)
from .ticket_request import matching as matching_requests
from .time_slot import time_slot
from .together import ChangeOfEach, NewRows, Step, change_each

issued_ticket = Table(
    "issued_ticket",
    metadata,
    id_column(),
    Column("request_id", BigId, nullable=False, info=repeats("line_id")),
    Column("line_id", BigId, ForeignKey(request_line.c.id), nullable=False),
    Column("item_id", BigId, nullable=False, info=repeats("line_id")),
    Column("client_id", BigId, nullable=False, info=repeats("request_id")),
    Column("ticket_no", Text, nullable=False, unique=True),
    Column("external_ticket_no", Text, nullable=False),
    Column("number_key", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("quantity", Integer, nullable=False, comment="people"),
    Column("price_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("valid_until", Endless, nullable=False, comment="9999-12-31 23:59:59.999999: no end"),
    Column("valid_from_date", Date, nullable=False, comment="local to the default admission"),
    Column("valid_until_date", Date, nullable=False, comment="local to the default admission"),
    Column("blocked_at", Instant),
    Column("blocked_reason", Text),
    Column("revoked_at", Instant),
    Column("printed_at", Instant),
    Column("print_count", Integer, nullable=False, server_default="0"),
    CheckConstraint("quantity >= 1", name="quantity"),
    Index(None, "request_id", "id"),
    Index(None, "line_id", "id"),
    Index(None, "issued_at", "id"),
    Index(None, "client_id", "issued_at", "id"),
    Index(None, "valid_until", "id"),
    Index(None, "item_id"),
)

ticket_number = Table(
    "ticket_number",
    metadata,
    Column("key", Text, primary_key=True),
    Column("request_id", BigId, foreign_key_in_the_end(ticket_request.c.id), nullable=False),
    Column("ticket_id", BigId, foreign_key_in_the_end(issued_ticket.c.id), comment="null: dictated, not issued yet"),
)

access_entry = Table(
    "access_entry",
    metadata,
    id_column(),
    Column("ticket_id", BigId, ForeignKey(issued_ticket.c.id), nullable=False),
    Column("admission_id", BigId, nullable=False, info=repeats("entry_id")),
    Column("content_line_id", BigId, nullable=False, info=repeats("entry_id")),
    Column("entry_id", BigId, ForeignKey(request_entry.c.id), nullable=False),
    Column("slot_id", BigId, ForeignKey(time_slot.c.id)),
    Column("quantity", Integer, nullable=False, comment="places"),
    Column("blocked_at", Instant),
    Column("blocked_reason", Text),
    Column("first_admitted_at", Instant),
    Column("admitted_count", Integer, nullable=False, server_default="0", comment="people let in so far"),
    Column("inside_count", Integer, nullable=False, server_default="0", comment="people inside now"),
    UniqueConstraint("ticket_id", "admission_id"),
    CheckConstraint("quantity >= 1", name="quantity"),
    CheckConstraint("inside_count BETWEEN 0 AND admitted_count", name="inside_count"),
    index_of_given("slot_id"),
    Index(None, "admission_id", "ticket_id"),
    index_of_given("first_admitted_at"),
    Index(None, "entry_id"),
)


class IssuedTicketRow(NamedTuple):
    id: int
    request_id: int
    line_id: int
    item_id: int
    client_id: int
    ticket_no: str
    external_ticket_no: str
    number_key: str
    kind: str
    quantity: int
    price_minor: int
    currency: str
    issued_at: datetime
    valid_from: datetime
    valid_until: datetime
    valid_from_date: date
    valid_until_date: date
    blocked_at: datetime | None
    blocked_reason: str | None
    revoked_at: datetime | None
    printed_at: datetime | None
    print_count: int


def as_written(values: Mapping[str, Any]) -> IssuedTicketRow:
    """A new ticket as it would be read, of the columns that are written of it."""
    return IssuedTicketRow._make(map({"print_count": 0, **values}.get, IssuedTicketRow._fields))


class AccessEntryRow(NamedTuple):
    id: int
    ticket_id: int
    admission_id: int
    content_line_id: int
    entry_id: int
    slot_id: int | None
    quantity: int
    blocked_at: datetime | None
    blocked_reason: str | None
    first_admitted_at: datetime | None
    admitted_count: int
    inside_count: int


issued_tickets = Listing(issued_ticket, IssuedTicketRow, select(issued_ticket))
access_entries = Listing(access_entry, AccessEntryRow, select(access_entry))

ISSUED_AT_DESC = Order("ISSUED_AT_DESC", "issued_at", is_descending=True)
ISSUED_AT_ASC = Order("ISSUED_AT_ASC", "issued_at")
VALID_UNTIL_ASC = Order("VALID_UNTIL_ASC", "valid_until")


async def claim_numbers(write: Write, keys: Sequence[str], request_id: int) -> dict[str, tuple[int, int | None]]:
    """Lock these external ticket numbers, in order, and answer (request, ticket) of those that somebody else owns.

    Free ones are this request's from here on. As with order numbers, the upsert is the lock.
    """
    owned: dict[str, tuple[int, int | None]] = {}
    for key in sorted(set(keys)):
        statement = write.insert(ticket_number).values(key=key, request_id=request_id)
        statement = statement.on_conflict_do_update(index_elements=["key"], set_={"key": key})
        row = (await write.all(statement.returning(ticket_number.c.request_id, ticket_number.c.ticket_id)))[0]
        if row[0] != request_id:
            owned[key] = (row[0], row[1])
    return owned


async def take_over_numbers(write: Write, keys: Sequence[str], request_id: int) -> None:
    """Make this request the owner of locked numbers whose owners have expired or were canceled."""
    await write.run(
        ticket_number.update().where(is_one_of(write, ticket_number.c.key, keys)).values(request_id=request_id)
    )


NewNumbers = Mapping[str, tuple[int, int]]
"""By the keys of newly made ticket numbers: (request, ticket) that each is for."""


async def add_numbers(write: Write, numbers: NewNumbers) -> set[str]:
    """Take newly made numbers for tickets yet to be written; answers those that were free.

    Rises through the keys, as every taker does.
    """
    return {row[0] for row in await write.all(adding_numbers(write.dialect), given_numbers(write, numbers))}


@cache
def adding_numbers(dialect: str) -> ReturningInsert[Any]:
    """The statement of ``add_numbers``; its parameters are ``given_numbers``."""
    asked = each_given(dialect, [Text(), BigInteger(), BigInteger()])
    rows = select(asked.c.c0, asked.c.c1, asked.c.c2).where(true()).order_by(asked.c.ordinal)
    statement = INSERT[dialect](ticket_number).from_select(["key", "request_id", "ticket_id"], rows)
    return statement.on_conflict_do_nothing(index_elements=["key"]).returning(ticket_number.c.key)


def given_numbers(write: Write, numbers: NewNumbers) -> dict[str, Any]:
    """The parameters of ``adding_numbers``."""
    return given_keys(write, [(key, *owner) for key, owner in sorted(numbers.items())], width=3)


def issuing(
    write: Write,
    tickets: Sequence[Mapping[str, Any]],
    access_entries_: Sequence[Mapping[str, Any]],
    dictated: Collection[str],
) -> list[Step]:
    """New tickets under ids that are known, their access entries and search keys.

    Their numbers point at them: those that were made do already, those with keys among the ``dictated`` from now on.
    """
    keys = (search_key.rows(search_key.OF_TICKET, ticket["id"], ticket["client_id"], ticket) for ticket in tickets)
    pointing = [ticket for ticket in tickets if ticket["number_key"] in dictated]
    numbers = [{"of_key": ticket["number_key"], "of_id": ticket["id"]} for ticket in pointing]
    return [
        NewRows(issued_ticket, tickets),
        NewRows(access_entry, access_entries_),
        change_each(write, _POINT, numbers),
        search_key.adding([row for of_ticket in keys for row in of_ticket]),
    ]


_POINT = ChangeOfEach(
    {"of_key": Text(), "of_id": BigInteger()},
    lambda given: ticket_number.update().where(ticket_number.c.key == given.of_key).values(ticket_id=given.of_id),
)


async def by_ids(
    read: Read, ids: Sequence[int], *, where: Conditions | None = None, columns: Columns = ALL
) -> dict[int, IssuedTicketRow]:
    """Tickets by row id."""
    return await issued_tickets.by_key(read, "id", ids, where=where, columns=columns)


async def by_number_keys(
    read: Read, keys: Sequence[str], *, where: Conditions | None = None, columns: Columns = ALL
) -> dict[str, IssuedTicketRow]:
    """Tickets by the keys of their external numbers."""
    return await issued_tickets.by_key(read, "number_key", keys, where=where, columns=columns)


async def by_ticket_nos(
    read: Read, ticket_nos: Sequence[str], *, where: Conditions | None = None, columns: Columns = ALL
) -> dict[str, IssuedTicketRow]:
    """Tickets by their internal numbers, which are digits only and so their own keys."""
    return await issued_tickets.by_key(read, "ticket_no", ticket_nos, where=where, columns=columns)


async def page(
    read: Read, window: Window, *, where: Conditions | None = None, columns: Columns = ALL
) -> Page[IssuedTicketRow]:
    """A page of tickets."""
    return await issued_tickets.page(read, window, where=where, columns=columns)


def shared_numbers(given: Mapping[str, Any]) -> tuple[str, ...]:
    """Of the conditions of a filter, those whose values may differ between pages that ``pages_of_numbers`` reads."""
    return tuple(name for name in _NUMBERS if name in given)


async def pages_of_numbers(
    read: Read,
    names: Sequence[str],
    texts: Sequence[tuple[str, ...]],
    window: Window,
    *,
    where: Conditions | None = None,
    columns: Columns = ALL,
) -> dict[tuple[str, ...], Page[IssuedTicketRow]]:
    """One page of tickets for each of these texts: what ``matching`` says of conditions of these names."""
    keys = [tuple(map(key_of, of_one)) for of_one in texts]
    pages = await issued_tickets.pages(
        read, [_NUMBERS[name] for name in names], keys, window, where=where, columns=columns
    )
    return {of_one: pages[keys_] for of_one, keys_ in zip(texts, keys, strict=True)}


async def count(read: Read, *, where: Conditions | None = None) -> int | None:
    """How many tickets, or None beyond ``COUNTED_AT_MOST``."""
    return await issued_tickets.count(read, where=where)


async def lock(write: Write, ids: Sequence[int]) -> dict[int, IssuedTicketRow]:
    """Take these tickets, lowest id first, and answer them as they now are.

    Everyone takes tickets in the same order: after their request, if that is taken too, and before any slot. Whoever
    changes a ticket or one of its access entries, or lets somebody in with it, holds it first. ``FOR NO KEY UPDATE``
    leaves events and visits that point at the ticket alone. What hangs on it is read in a later statement: one that
    waits for a lock sees the rest of the world as it was.
    """
    wanted = sorted(set(ids))
    await write.all(_LOCK.of(write), {"keys": keys_for(write, wanted)})
    return await by_ids(write, wanted)


_LOCK = OfKeys(
    issued_ticket.c.id, select(issued_ticket.c.id).order_by(issued_ticket.c.id).with_for_update(key_share=True)
)


async def change(write: Write, ids: Sequence[int], values: Mapping[str, Any]) -> None:
    """Change columns of locked tickets, all to the same."""
    await write.run(issued_ticket.update().where(is_one_of(write, issued_ticket.c.id, ids)).values(dict(values)))


async def change_access_entries(write: Write, ids: Sequence[int], values: Mapping[str, Any]) -> None:
    """Change columns of access entries of locked tickets, all to the same."""
    await write.run(access_entry.update().where(is_one_of(write, access_entry.c.id, ids)).values(dict(values)))


async def ids_of_request(read: Read, request_id: int) -> list[int]:
    """Every ticket of the request, revoked ones too."""
    found = select(issued_ticket.c.id).where(issued_ticket.c.request_id == request_id)
    return [row[0] for row in await read.all(found.order_by(issued_ticket.c.id))]


async def is_all_revoked(read: Read, request_id: int) -> bool:
    """Whether no ticket of the request is in force any more."""
    in_force = (issued_ticket.c.request_id == request_id) & issued_ticket.c.revoked_at.is_(None)
    return not await read.value(select(select(issued_ticket.c.id).where(in_force).exists()))


async def let_entries_follow(write: Write, entry_ids: Sequence[int]) -> None:
    """Put requested entries into the slot where the first of their tickets in force is: they may have been moved apart.

    Of an entry without any, the slot stays that of the last.
    """
    in_force = (
        select(access_entry.c.slot_id)
        .join_from(access_entry, issued_ticket, access_entry.c.ticket_id == issued_ticket.c.id)
        .where(access_entry.c.entry_id == request_entry.c.id, issued_ticket.c.revoked_at.is_(None))
        .correlate(request_entry)
    )
    first = in_force.order_by(issued_ticket.c.id).limit(1).scalar_subquery()
    these = is_one_of(write, request_entry.c.id, entry_ids) & in_force.exists()
    await write.run(request_entry.update().where(these).values(slot_id=first))


async def count_printed(write: Write, ids: Sequence[int], at: datetime) -> None:
    """Locked tickets were printed, once each."""
    await change(write, ids, {"printed_at": at, "print_count": issued_ticket.c.print_count + 1})


class Access(NamedTuple):
    """One admission on a ticket, with the rules that were sold and the place itself."""

    entry: AccessEntryRow
    content: ContentLineRow
    admission: AdmissionRow
    has_dependencies: bool


_ACCESS = (
    select(
        access_entry,
        content_line,
        admission,
        select(dependency.c.kind).where(dependency.c.content_line_id == content_line.c.id).exists(),
    )
    .join_from(access_entry, content_line, access_entry.c.content_line_id == content_line.c.id)
    .join(admission, access_entry.c.admission_id == admission.c.id)
    .order_by(access_entry.c.content_line_id, access_entry.c.id)
)
_RULES = len(AccessEntryRow._fields)
_PLACE = _RULES + len(ContentLineRow._fields)
_DEPENDS = _PLACE + len(AdmissionRow._fields)


def _access(row: Sequence[Any]) -> Access:
    entry, rules = AccessEntryRow._make(row[:_RULES]), ContentLineRow._make(row[_RULES:_PLACE])
    return Access(entry, rules, AdmissionRow._make(row[_PLACE:_DEPENDS]), row[_DEPENDS])


async def access_of(read: Read, ticket_ids: Sequence[int]) -> dict[int, list[Access]]:
    """What each ticket lets into, in the order of the item's contents: in one statement all that a gate asks first."""
    found: dict[int, list[Access]] = {}
    for row in await read.all(_ACCESS_OF.of(read), {"keys": keys_for(read, ticket_ids)}):
        found.setdefault(row[1], []).append(_access(row))
    return found


async def sold_access_of(
    read: Read, ticket_ids: Sequence[int], now: datetime
) -> dict[int, tuple[TicketRequestRow, list[Access]]]:
    """The same, with the request behind each ticket, as it is at ``now``. Every ticket lets in somewhere."""
    found: dict[int, tuple[TicketRequestRow, list[Access]]] = {}
    for row in await read.all(_SOLD_ACCESS_OF.of(read), {"keys": keys_for(read, ticket_ids), "now": now}):
        if row[1] not in found:
            found[row[1]] = (TicketRequestRow._make(row[_DEPENDS + 1 :]), [])
        found[row[1]][1].append(_access(row))
    return found


(_requests,) = ticket_requests.view.get_final_froms()
_ACCESS_OF = OfKeys(access_entry.c.ticket_id, _ACCESS)
_SOLD_ACCESS_OF = OfKeys(
    access_entry.c.ticket_id,
    _ACCESS.add_columns(*ticket_requests.view.selected_columns)
    .join(issued_ticket, access_entry.c.ticket_id == issued_ticket.c.id)
    .join(_requests, issued_ticket.c.request_id == ticket_request.c.id),
)


class LockedTicket(NamedTuple):
    """A ticket as it now is, and the database's clock, read behind its lock."""

    ticket: IssuedTicketRow
    at: datetime


async def lock_by_number(write: Write, number_key: str) -> LockedTicket | None:
    """Take the ticket of that external number; and the clock, as ``time_slot.take`` reads it."""
    rows = await write.all(_lock_by_number(write.dialect), {"number": number_key})
    return LockedTicket(IssuedTicketRow._make(rows[0][:-1]), write.moment(rows[0][-1])) if rows else None


@cache
def _lock_by_number(dialect: str) -> Select[Any]:
    this = issued_tickets.view.where(issued_ticket.c.number_key == bindparam("number"))
    taken = this.with_for_update(key_share=True).cte("taken")
    return select(*taken.c, *CLOCK[dialect].selected_columns)


async def lock_of_request(write: Write, request_id: int) -> list[IssuedTicketRow]:
    """Take every ticket of a request, lowest id first as everybody does, and answer them as they now are."""
    return await write.rows(IssuedTicketRow, _of_request(request_id).with_for_update(key_share=True))


async def of_request(read: Read, request_id: int) -> list[IssuedTicketRow]:
    """Every ticket of a request: there are no more than a limit allows."""
    return await read.rows(IssuedTicketRow, _of_request(request_id))


async def of_requests(
    read: Read, request_ids: Sequence[int], *, where: Conditions | None = None
) -> dict[int, list[IssuedTicketRow]]:
    """Every ticket of each request; one without any is missing."""
    return await issued_tickets.lists(read, "request_id", request_ids, where=where)


async def number_owners(read: Read, keys: Sequence[str]) -> dict[str, tuple[int, int | None]]:
    """(request, ticket) that own these external ticket numbers; one without ticket is dictated. Nothing is locked."""
    found = select(ticket_number.c.key, ticket_number.c.request_id, ticket_number.c.ticket_id)
    rows = await read.all(found.where(is_one_of(read, ticket_number.c.key, keys)))
    return {key: (request_id, ticket_id) for key, request_id, ticket_id in rows}


def _of_request(request_id: int) -> Select[Any]:
    return issued_tickets.view.where(issued_ticket.c.request_id == request_id).order_by(issued_ticket.c.id)


def counting_people(write: Write, entries: Sequence[AccessEntryRow]) -> Step:
    """Who was let in and who is inside, of access entries of locked tickets as they have become."""
    rows = [
        {"of_id": e.id, "first": e.first_admitted_at, "admitted": e.admitted_count, "inside": e.inside_count}
        for e in entries
    ]
    return change_each(write, _COUNT_PEOPLE, rows)


_COUNT_PEOPLE = ChangeOfEach(
    {"of_id": BigInteger(), "first": Instant(), "admitted": Integer(), "inside": Integer()},
    lambda given: (
        access_entry.update()
        .where(access_entry.c.id == given.of_id)
        .values(first_admitted_at=given.first, admitted_count=given.admitted, inside_count=given.inside)
    ),
)


async def pages_of_requests(
    read: Read, request_ids: Sequence[int], window: Window, *, where: Conditions | None = None, columns: Columns = ALL
) -> dict[int, Page[IssuedTicketRow]]:
    """One page of tickets per request."""
    return await issued_tickets.pages(read, "request_id", request_ids, window, where=where, columns=columns)


async def counts_of_requests(
    read: Read, request_ids: Sequence[int], *, where: Conditions | None = None
) -> dict[int, int | None]:
    """How many tickets per request."""
    return await issued_tickets.counts(read, "request_id", request_ids, where=where)


async def pages_of_lines(
    read: Read, line_ids: Sequence[int], window: Window, *, where: Conditions | None = None, columns: Columns = ALL
) -> dict[int, Page[IssuedTicketRow]]:
    """One page of tickets per requested line."""
    return await issued_tickets.pages(read, "line_id", line_ids, window, where=where, columns=columns)


async def counts_of_lines(
    read: Read, line_ids: Sequence[int], *, where: Conditions | None = None
) -> dict[int, int | None]:
    """How many tickets per requested line."""
    return await issued_tickets.counts(read, "line_id", line_ids, where=where)


async def pages_of_customers(
    read: Read, customer_keys: Sequence[str], window: Window, *, where: Conditions | None = None, columns: Columns = ALL
) -> dict[str, Page[IssuedTicketRow]]:
    """One page of tickets per customer number: those whose requests name it."""
    number = ticket_request.c.customer_key
    return await issued_tickets.pages(
        read, number, customer_keys, window, parent=_of_customer, where=where, columns=columns
    )


async def counts_of_customers(
    read: Read, customer_keys: Sequence[str], *, where: Conditions | None = None
) -> dict[str, int | None]:
    """How many tickets per customer number."""
    number = ticket_request.c.customer_key
    return await issued_tickets.counts(read, number, customer_keys, parent=_of_customer, where=where)


def _of_customer(ticket: Any, asked: Any) -> ColumnElement[bool]:
    request = ticket_request.alias("of")
    theirs = select(request.c.id).where(request.c.customer_key == asked.c0).correlate(asked.c0.table)
    found: ColumnElement[bool] = ticket.request_id.in_(theirs)
    return found


async def access_entries_by_ids(
    read: Read, ids: Sequence[int], *, where: Conditions | None = None, columns: Columns = ALL
) -> dict[int, AccessEntryRow]:
    """Access entries by row id."""
    return await access_entries.by_key(read, "id", ids, where=where, columns=columns)


async def access_entries_of(
    read: Read, ticket_ids: Sequence[int], *, columns: Columns = ALL
) -> dict[int, list[AccessEntryRow]]:
    """The access entries of each ticket, in the order of the item's contents."""
    return await access_entries.lists(
        read, "ticket_id", ticket_ids, order_by=("content_line_id", "id"), columns=columns
    )


@carried
def whose_ticket(where: Conditions) -> Conditions:
    """For rows with a ``ticket_id``: their ticket meets these conditions."""

    def hold(row: Any) -> list[ColumnElement[bool]]:
        ticket = issued_ticket.alias("whose")
        return [select(ticket.c.id).where(ticket.c.id == row.ticket_id, *where(ticket.c)).exists()]

    return hold


def requests_of(ticket_ids: Sequence[int]) -> Select[Any]:
    """The ids of the requests of these few tickets, for a condition."""
    return select(issued_ticket.c.request_id).where(issued_ticket.c.id.in_(ticket_ids))


def lines_of(ticket_ids: Sequence[int]) -> Select[Any]:
    """The ids of the requested lines of these few tickets, for a condition."""
    return select(issued_ticket.c.line_id).where(issued_ticket.c.id.in_(ticket_ids))


def matching(given: Mapping[str, Any], customers: Conditions | None = None) -> Conditions:
    """The conditions of a filter, as ``ticket_request.matching`` has them: the rest is said of the ticket's request.

    What is said of an access entry (``admission_code``, ``slot_id``, ``visit_at``, ``admitted_at``) must hold of one
    and the same access entry.
    """
    if given.keys() <= _NUMBERS.keys():
        return equal(_NUMBERS, {name: key_of(text) for name, text in given.items()})
    of_access = {name: value for name, value in given.items() if name in ENTRY_FILTERS or name == "admitted_at"}
    of_ticket = {name: value for name, value in given.items() if name in _FILTERS}
    of_request = {name: value for name, value in given.items() if name not in of_access and name not in of_ticket}
    wants_customer = of_request.pop("has_customer", None)

    def hold(ticket: Any) -> list[ColumnElement[bool]]:
        conditions = [_FILTERS[name](ticket, value) for name, value in of_ticket.items()]
        if of_access:
            conditions.append(_has_access(ticket, of_access))
        if of_request:
            request = ticket_request.alias("request")
            found = select(request.c.id).where(*matching_requests(of_request)(request.c))
            conditions.append(ticket.request_id.in_(found))
        if wants_customer is not None:
            request = ticket_request.alias("request")
            known = has_customer(request.c, wants_customer, customers)
            conditions.append(select(request.c.id).where(request.c.id == ticket.request_id, known).exists())
        return conditions

    return hold


def _has_access(ticket: Any, given: Mapping[str, Any]) -> ColumnElement[bool]:
    """One of the ticket's access entries is such. Looked up from the few, or asked of each ticket if they are many."""
    entry = access_entry.alias("access")
    of_place = {name: value for name, value in given.items() if name in ENTRY_FILTERS}
    conditions = of_entry(entry.c, of_place)
    if "admitted_at" in given:
        conditions.append(within(entry.c.first_admitted_at, given["admitted_at"]))
    if given.keys() == {"admission_code"}:
        return select(entry.c.id).where(entry.c.ticket_id == ticket.id, *conditions).exists()
    found: ColumnElement[bool] = ticket.id.in_(select(entry.c.ticket_id).where(*conditions))
    return found


def _is_admitted(ticket: Any, wanted: bool) -> ColumnElement[bool]:
    entry = access_entry.alias("admitted")
    found = select(entry.c.id).where(entry.c.ticket_id == ticket.id, entry.c.first_admitted_at.is_not(None))
    return found.exists() if wanted else ~found.exists()


_NUMBERS = {"ticket_no": "ticket_no", "external_ticket_no": "number_key"}
"""Numbers that match whole, and the column of their keys: what is asked again and again."""

_FILTERS: Mapping[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "ticket_no": lambda ticket, text: ticket.ticket_no == key_of(text),
    "external_ticket_no": lambda ticket, text: ticket.number_key == key_of(text),
    "is_blocked": lambda ticket, wanted: ticket.blocked_at.is_not(None) if wanted else ticket.blocked_at.is_(None),
    "is_revoked": lambda ticket, wanted: ticket.revoked_at.is_not(None) if wanted else ticket.revoked_at.is_(None),
    "is_admitted": _is_admitted,
    "valid_on": lambda ticket, day: and_(ticket.valid_from_date <= day, ticket.valid_until_date >= day),
    "issued_at": lambda ticket, span: within(ticket.issued_at, span),
    "item_no": lambda ticket, text: ticket.item_id.in_(
        select(ticket_item.c.id).where(ticket_item.c.item_key == key_of(text))
    ),
}


async def free_numbers(write: Write, keys: Sequence[str], request_id: int) -> None:
    """Let go of dictated numbers that the request no longer wants; one that is on a ticket stays taken."""
    wanted = is_one_of(write, ticket_number.c.key, keys) & (ticket_number.c.request_id == request_id)
    await write.run(ticket_number.delete().where(wanted & ticket_number.c.ticket_id.is_(None)))
