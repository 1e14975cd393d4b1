"""The timeline: what happened to requests, tickets and slots, append-only, in the order of recording.

Events hold no personal data; their message is worded when read. What staff wrote, or a gate sent, may name a person all
the same: nothing else is ever taken out of an event, and only when the person is erased (``db.person``). On PostgreSQL
``tx`` is the transaction that recorded them, and (tx, id) the order of recording; on SQLite there is one writer at a
time, ``tx`` is 0 and the id alone orders.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    literal_column,
    select,
    text,
)

from .admission import admission
from .base import BigId, Instant, id_column, metadata
from .client import client
from .customer import customer
from .engine import Read, Write
from .keys import key as key_of
from .paging import Conditions, Listing, Order, Page, Window, all_of, is_one_of, within
from .ticket import access_entry, issued_ticket
from .ticket_request import ticket_request
from .time_slot import time_slot
from .together import NewRows, make


class RequestEventKind(StrEnum):
    CREATED = "CREATED"
    UPDATED = "UPDATED"
    EXTENDED = "EXTENDED"
    CONFIRMED = "CONFIRMED"
    PAID = "PAID"
    EXPIRED = "EXPIRED"
    CANCELED = "CANCELED"
    ISSUED = "ISSUED"
    PRINTED = "PRINTED"
    ADMITTED = "ADMITTED"
    DEPARTED = "DEPARTED"
    REFUSED = "REFUSED"
    BLOCKED = "BLOCKED"
    UNBLOCKED = "UNBLOCKED"
    REVOKED = "REVOKED"
    RESCHEDULED = "RESCHEDULED"
    HOLDER_CHANGED = "HOLDER_CHANGED"
    SLOT_CHANGED = "SLOT_CHANGED"
    CAPACITY_EXCEEDED = "CAPACITY_EXCEEDED"
    NOTIFIED = "NOTIFIED"
    VIEWED = "VIEWED"
    ERASED = "ERASED"


request_event = Table(
    "request_event",
    metadata,
    id_column(),
    Column("tx", BigInteger, nullable=False, server_default="0"),
    Column("at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("client_id", BigId, ForeignKey(client.c.id), comment="null: the system"),
    Column("request_id", BigId, ForeignKey(ticket_request.c.id)),
    Column("ticket_id", BigId, ForeignKey(issued_ticket.c.id)),
    Column("access_entry_id", BigId, ForeignKey(access_entry.c.id)),
    Column("admission_id", BigId, ForeignKey(admission.c.id)),
    Column("slot_id", BigId, ForeignKey(time_slot.c.id)),
    Column("quantity", Integer),
    Column("scanned", Text),
    Column("scanned_key", Text),
    Column("gate", Text),
    Column("gate_key", Text),
    Column("refusal_code", Text),
    Column("customer_id", BigId, ForeignKey(customer.c.id), comment="of what concerns no request"),
    Column("hour", Instant, comment="of VIEWED: the one in which it was first seen"),
    Column("facts", JSON, nullable=False, server_default="{}", comment="before and after; never personal data"),
    Index(None, "tx", "id"),
    Index(None, "request_id", "tx", "id"),
    Index(None, "ticket_id", "tx", "id"),
    Index(None, "access_entry_id", "tx", "id"),
    Index(None, "scanned_key", "tx", "id"),
    Index(None, "gate_key", "tx", "id"),
    Index(None, "kind", "at"),
    Index(
        "ix_request_event_refused",
        "refusal_code",
        "tx",
        "id",
        postgresql_where=text("refusal_code IS NOT NULL"),
        sqlite_where=text("refusal_code IS NOT NULL"),
    ),
    Index(
        "ix_request_event_scans_of_client",
        "client_id",
        "tx",
        "id",
        postgresql_where=text("kind IN ('ADMITTED', 'DEPARTED', 'REFUSED')"),
        sqlite_where=text("kind IN ('ADMITTED', 'DEPARTED', 'REFUSED')"),
    ),
    *(
        Index(
            f"ix_request_event_viewed_{name}",
            "client_id",
            name,
            "hour",
            unique=True,
            postgresql_where=text(f"kind = 'VIEWED' AND {name} IS NOT NULL"),
            sqlite_where=text(f"kind = 'VIEWED' AND {name} IS NOT NULL"),
        )
        for name in ("request_id", "customer_id")
    ),
    sqlite_autoincrement=True,
)


class RequestEventRow(NamedTuple):
    id: int
    tx: int
    at: datetime
    recorded_at: datetime
    kind: str
    actor: str
    request_id: int | None
    ticket_id: int | None
    access_entry_id: int | None
    admission_id: int | None
    slot_id: int | None
    quantity: int | None
    scanned: str | None
    gate: str | None
    refusal_code: str | None
    customer_id: int | None
    facts: dict[str, Any]


request_events = Listing(
    request_event, RequestEventRow, select(*(request_event.c[name] for name in RequestEventRow._fields))
)
AS_RECORDED = Order("RECORDED", "tx", kind=int)
OF_THE_GATE = (RequestEventKind.ADMITTED, RequestEventKind.DEPARTED, RequestEventKind.REFUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, to be recorded in the transaction that made it happen."""

    kind: RequestEventKind
    at: datetime
    actor: str
    client_id: int | None
    request_id: int | None = None
    ticket_id: int | None = None
    access_entry_id: int | None = None
    admission_id: int | None = None
    slot_id: int | None = None
    quantity: int | None = None
    scanned: str | None = None
    gate: str | None = None
    refusal_code: str | None = None
    customer_id: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


async def record(write: Write, events: Sequence[Event], at: datetime) -> None:
    """Append events, in their order. ``at`` is the moment of recording; an event's own may lie before it."""
    await make(write, recording(write, events, at))


def recording(write: Write, events: Sequence[Event], at: datetime) -> NewRows:
    """The change of ``record``."""
    rows = [
        {
            "at": event.at,
            "recorded_at": at,
            "kind": event.kind.value,
            "actor": event.actor,
            "client_id": event.client_id,
            "request_id": event.request_id,
            "ticket_id": event.ticket_id,
            "access_entry_id": event.access_entry_id,
            "admission_id": event.admission_id,
            "slot_id": event.slot_id,
            "quantity": event.quantity,
            "scanned": event.scanned,
            "scanned_key": key_of(event.scanned),
            "gate": event.gate,
            "gate_key": key_of(event.gate),
            "refusal_code": event.refusal_code,
            "customer_id": event.customer_id,
            "facts": dict(event.facts),
        }
        for event in events
    ]
    return NewRows(request_event, rows, _TRANSACTION if write.dialect == "postgresql" else {})


_TRANSACTION: Mapping[str, ColumnElement[Any]] = {"tx": literal_column("pg_current_xact_id()::text::bigint")}


async def pages_of_requests(read: Read, request_ids: Sequence[int], window: Window) -> dict[int, Page[RequestEventRow]]:
    """One page of events per request."""
    return await request_events.pages(read, "request_id", request_ids, window)


async def pages_of_tickets(read: Read, ticket_ids: Sequence[int], window: Window) -> dict[int, Page[RequestEventRow]]:
    """One page of events per ticket."""
    return await request_events.pages(read, "ticket_id", ticket_ids, window)


async def pages_of_access_entries(
    read: Read, access_entry_ids: Sequence[int], window: Window
) -> dict[int, Page[RequestEventRow]]:
    """One page of arrivals, departures and refusals per access entry."""
    kinds = [kind.value for kind in OF_THE_GATE]
    return await request_events.pages(
        read, "access_entry_id", access_entry_ids, window, where=lambda event: [event.kind.in_(kinds)]
    )


async def of_tickets(read: Read, ticket_ids: Sequence[int], kinds: Sequence[RequestEventKind]) -> list[RequestEventRow]:
    """All that happened of these kinds to a few tickets."""
    return await _all_of(read, request_event.c.ticket_id, ticket_ids, kinds)


async def of_requests(
    read: Read, request_ids: Sequence[int], kinds: Sequence[RequestEventKind]
) -> list[RequestEventRow]:
    """All that happened of these kinds to a few requests."""
    return await _all_of(read, request_event.c.request_id, request_ids, kinds)


async def of_access_entries(
    read: Read, access_entry_ids: Sequence[int], kinds: Sequence[RequestEventKind]
) -> dict[int, list[RequestEventRow]]:
    """All that happened of these kinds with each access entry."""
    found: dict[int, list[RequestEventRow]] = {}
    for event in await _all_of(read, request_event.c.access_entry_id, access_entry_ids, kinds):
        assert event.access_entry_id is not None
        found.setdefault(event.access_entry_id, []).append(event)
    return found


async def _all_of(
    read: Read, attribute: Column[Any], ids: Sequence[int], kinds: Sequence[RequestEventKind]
) -> list[RequestEventRow]:
    found = request_events.view.where(
        is_one_of(read, attribute, ids), request_event.c.kind.in_([kind.value for kind in kinds])
    )
    return await read.rows(RequestEventRow, found.order_by(request_event.c.tx, request_event.c.id))


async def by_ids(read: Read, ids: Sequence[int], *, where: Conditions | None = None) -> dict[int, RequestEventRow]:
    """Events by row id."""
    return await request_events.by_key(read, "id", ids, where=where)


async def page(read: Read, window: Window, *, where: Conditions | None = None) -> Page[RequestEventRow]:
    """A page of all events that no reader will find another one in front of.

    On PostgreSQL a transaction that began earlier may commit later, and its events stand earlier in the order of
    recording. Whoever goes on from a cursor would pass over them. So an event is listed only once every transaction
    that could still put one in front of it has ended: those below the oldest transaction that is running. On SQLite
    there is one writer at a time, and what is committed is listed.
    """

    def is_settled(event: Any) -> list[ColumnElement[bool]]:
        return [event.tx < _HORIZON] if read.dialect == "postgresql" else []

    return await request_events.page(read, window, where=all_of(where, is_settled))


_HORIZON = literal_column("pg_snapshot_xmin(pg_current_snapshot())::text::bigint", BigInteger())


def scans_of(client_id: int) -> Conditions:
    """What was scanned at the gates of one client."""
    kinds = [kind.value for kind in OF_THE_GATE]
    return lambda event: [event.client_id == client_id, event.kind.in_(kinds)]


def matching(given: Mapping[str, Any]) -> Conditions:
    """The conditions of a filter: all that are given hold together; texts match whole, case ignored."""
    return lambda event: [_FILTERS[name](event, value) for name, value in given.items()]


def _of_token(event: Any, token: str) -> ColumnElement[bool]:
    found: ColumnElement[bool] = event.request_id.in_(
        select(ticket_request.c.id).where(ticket_request.c.token_key == key_of(token))
    )
    return found


def _of_ticket(event: Any, number: str) -> ColumnElement[bool]:
    found: ColumnElement[bool] = event.ticket_id.in_(
        select(issued_ticket.c.id).where(issued_ticket.c.number_key == key_of(number))
    )
    return found


_FILTERS: Mapping[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "scanned": lambda event, text: event.scanned_key == key_of(text),
    "token": _of_token,
    "external_ticket_no": _of_ticket,
    "kinds": lambda event, kinds: event.kind.in_([kind.value for kind in kinds]),
    "gate": lambda event, text: event.gate_key == key_of(text),
    "code": lambda event, codes: event.refusal_code.in_([code.value for code in codes]),
    "at": lambda event, span: within(event.at, span),
}
