"""The timeline: what happened to requests, tickets and slots, append-only, in the order of recording.

Events hold no personal data; their message is worded when read. What staff wrote, or a gate sent, may name a person all
the same: nothing else is ever taken out of an event, and only when the person is erased (``db.person``). On PostgreSQL
``tx`` is the transaction that recorded them (``history`` says from where it is counted), and (tx, id) the order of
recording; on SQLite there is one writer at a time, ``tx`` is 0 and the id alone orders.

What an event names was there when it was written, and nothing that is named here is ever deleted: so events have no
foreign keys.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Integer,
    Select,
    Table,
    Text,
    bindparam,
    func,
    literal,
    literal_column,
    select,
    text,
    true,
    tuple_,
)

from .base import BigId, Instant, id_column, index_of_given, metadata
from .conditions import Conditions, Lasting, all_of
from .engine import Read, Write
from .history import EPOCH, HORIZON, TRANSACTION
from .keys import key as key_of
from .paging import Listing, Order, Page, Window, is_beyond, is_one_of, within
from .ticket import issued_ticket
from .ticket_request import ticket_request
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
    Column("client_id", BigId, comment="null: the system"),
    Column("request_id", BigId),
    Column("ticket_id", BigId),
    Column("access_entry_id", BigId),
    Column("admission_id", BigId),
    Column("slot_id", BigId),
    Column("quantity", Integer),
    Column("scanned", Text),
    Column("scanned_key", Text),
    Column("gate", Text),
    Column("gate_key", Text),
    Column("refusal_code", Text),
    Column("customer_id", BigId, comment="of what concerns no request"),
    Column("hour", Instant, comment="of VIEWED: the one in which it was first seen"),
    Column("facts", JSON, nullable=False, server_default="{}", comment="before and after; never personal data"),
    Index(None, "tx", "id"),
    Index(None, "request_id", "tx", "id"),
    index_of_given("ticket_id", "tx", "id"),
    index_of_given("access_entry_id", "tx", "id"),
    index_of_given("scanned_key", "tx", "id"),
    index_of_given("gate_key", "tx", "id"),
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
    epoch: str = ""

    @property
    def position(self) -> "Position":
        """Where it stands in the order of recording."""
        return self.tx, self.id

    @property
    def mark(self) -> str:
        """What tells it from an event that another history has at the same position."""
        return _mark(self.epoch, self.recorded_at)


Position = tuple[int, int]
"""(tx, id): a place in the order of recording, whether or not an event stands there."""

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def _mark(epoch: str, recorded_at: datetime) -> str:
    return f"{epoch}.{(recorded_at - _BEGINNING) // timedelta(microseconds=1)}"


request_events = Listing(
    request_event, RequestEventRow, select(*(request_event.c[name] for name in RequestEventRow._fields[:-1]), EPOCH)
)
AS_RECORDED = Order("RECORDED", "tx", kind=int, mark="mark")
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


async def record_once(write: Write, events: Sequence[tuple[Event, datetime]], at: datetime) -> None:
    """Append views, each with the hour that it happened in, unless it is recorded already, by whatever process."""
    recorded = recording(write, [event for event, _ in events], at)
    rows = [{**row, "hour": hour} for row, (_, hour) in zip(recorded.rows, events, strict=True)]
    await make(write, NewRows(request_event, rows, recorded.computed, or_kept=True))


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


_TRANSACTION: Mapping[str, ColumnElement[Any]] = {"tx": literal_column(TRANSACTION)}


async def pages_of_requests(
    read: Read, request_ids: Sequence[int], window: Window, *, where: Conditions | None = None
) -> dict[int, Page[RequestEventRow]]:
    """One page of events per request."""
    return await request_events.pages(read, "request_id", request_ids, window, where=where)


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


@dataclass(frozen=True, slots=True)
class Told:
    """An event, and what decides who gets to hear of it: whose it is, and the keys that filters ask for."""

    event: RequestEventRow
    client_id: int | None
    owner_id: int | None
    """The client whose request it is about."""
    token_key: str | None
    ticket_key: str | None
    scanned_key: str | None
    gate_key: str | None


async def told(read: Read, after: Position, at_most: int) -> tuple[list[Told], bool]:
    """The next events behind a position that are settled (see ``page``), and whether more are waiting to be so.

    To be asked again soon while some wait: no commit tells when the oldest transaction of a whole cluster has ended.
    """
    rows = await read.all(_told(read.dialect), {"tx": after[0], "id": after[1], "at_most": at_most + 1})
    width = len(RequestEventRow._fields)
    found = [Told(RequestEventRow._make(row[:width]), *row[width:-1]) for row in rows if row[-1]]
    return found[:at_most], len(found) < len(rows) or len(found) > at_most


@cache
def _told(dialect: str) -> Select[Any]:
    place = tuple_(request_event.c.tx, request_event.c.id)
    position = tuple_(bindparam("tx", type_=BigInteger()), bindparam("id", type_=BigInteger()))
    is_settled = request_event.c.tx < _HORIZON if dialect == "postgresql" else true()
    beside = (ticket_request.c.client_id, ticket_request.c.token_key, issued_ticket.c.number_key)
    keys = (request_event.c.scanned_key, request_event.c.gate_key)
    joined = (
        request_events.view.outerjoin(ticket_request, request_event.c.request_id == ticket_request.c.id)
        .outerjoin(issued_ticket, request_event.c.ticket_id == issued_ticket.c.id)
        .add_columns(request_event.c.client_id, *beside, *keys, is_settled)
    )
    return (
        joined.where(place > position)
        .order_by(request_event.c.tx, request_event.c.id)
        .limit(bindparam("at_most", type_=Integer()))
    )


async def end(read: Read) -> Position:
    """The position behind everything that is settled: what is told after it is new."""
    if read.dialect == "postgresql":
        return int(await read.value(select(_HORIZON))) - 1, LAST_ID
    return 0, int(await read.value(select(func.coalesce(func.max(request_event.c.id), 0))))


async def between(
    read: Read, after: Position, until: Position, at_most: int, *, where: Conditions | None = None
) -> Page[RequestEventRow]:
    """The first events behind ``after`` and not behind ``until``, which must be a position that was told of."""

    def is_within(event: Any) -> list[ColumnElement[bool]]:
        return [is_beyond(event.tx, event.id, until, True, inclusive=True)]

    return await request_events.page(read, Window(at_most, AS_RECORDED, after), where=all_of(where, is_within))


LAST_ID = 2**63 - 1

_HORIZON = literal_column(HORIZON, BigInteger())


class Standing(StrEnum):
    """What a cursor is here."""

    KNOWN = "KNOWN"
    OTHER_EPOCH = "OTHER_EPOCH"
    UNKNOWN = "UNKNOWN"


async def standing(read: Read, window: Window) -> Standing:
    """Whether the event that the window begins at happened here; a window without a position begins anywhere.

    Positions say nothing of whose they are: in a database that was restored, or set back, others take the same ones.
    Whoever went on from there would miss what came before them, or be told it twice.
    """
    if window.position is None:
        return Standing.KNOWN
    tx, row_id = window.position
    found = select(EPOCH, request_event.c.recorded_at).select_from(
        select(literal(1).label("one"))
        .subquery()
        .outerjoin(request_event, (request_event.c.id == row_id) & (request_event.c.tx == tx))
    )
    ((epoch, recorded_at),) = await read.all(found)
    if window.mark.partition(".")[0] != epoch:
        return Standing.OTHER_EPOCH
    if recorded_at is None or window.mark != _mark(epoch, recorded_at):
        return Standing.UNKNOWN
    return Standing.KNOWN


NO_VIEWS = Lasting(lambda event, _of: [event.kind != RequestEventKind.VIEWED.value])
"""Everything but who looked at it."""


def scans_of(client_id: int) -> Conditions:
    """What was scanned at the gates of one client."""
    kinds = [kind.value for kind in OF_THE_GATE]
    return lambda event: [event.client_id == client_id, event.kind.in_(kinds)]


def matching(given: Mapping[str, Any]) -> Conditions:
    """The conditions of a filter: all that are given hold together; texts match whole, case ignored."""
    return lambda event: [_FILTERS[name](event, value) for name, value in given.items()]


def is_matching(told: Told, given: Mapping[str, Any]) -> bool:
    """What ``matching`` says, of an event that has been told."""
    return all(_TESTS[name](told, value) for name, value in given.items())


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


_TESTS: Mapping[str, Callable[[Told, Any], bool]] = {
    "scanned": lambda told, text: told.scanned_key == key_of(text),
    "token": lambda told, text: told.token_key is not None and told.token_key == key_of(text),
    "external_ticket_no": lambda told, text: told.ticket_key is not None and told.ticket_key == key_of(text),
    "kinds": lambda told, kinds: told.event.kind in kinds,
    "gate": lambda told, text: told.gate_key == key_of(text),
    "code": lambda told, codes: told.event.refusal_code in codes,
    "at": lambda told, span: (
        (span.start is None or told.event.at >= span.start) and (span.until is None or told.event.at <= span.until)
    ),
}
"""The same as ``_FILTERS``, side by side: tests/resolvers/test_feed.py asks both."""
