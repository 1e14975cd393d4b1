"""What a reader is given of a request, its lines and its entries, as they are at the moment ``now``."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Boolean, ColumnElement, Text, and_, bindparam, case, literal, literal_column, select, type_coerce

from ..base import Instant
from ..client import client
from ..paging import Listing, Order, Part
from ..ticket_item import TicketKind
from .tables import TicketRequestStatus, request_entry, request_line, ticket_request


class TicketRequestRow(NamedTuple):
    """A request as it is at ``now``: status and its moment tell of an expiry that nobody has stamped yet."""

    id: int
    client_id: int
    client: str
    token: str
    token_key: str
    authorization_code: str
    fingerprint: str
    fingerprint_version: int
    channel: str
    status: str
    status_changed_at: datetime
    created_at: datetime
    expires_at: datetime | None
    payment_option: str
    payment_reference: str | None
    currency: str
    total_minor: int
    customer_no: str | None
    customer_key: str | None
    email: str | None
    phone: str | None
    ticket_holder_name: str | None
    language: str | None
    external_order_no: str | None
    order_key: str | None
    receipt_no: str | None
    receipt_key: str | None
    pos_unit_no: str | None
    pos_unit_key: str | None
    salesperson_code: str | None
    is_stamped: bool


def as_written(values: Mapping[str, Any], client: str) -> TicketRequestRow:
    """A new request as it would be read, of the columns that are written of it, and its client's name."""
    written = {"client": client, "is_stamped": True, **values}
    return TicketRequestRow._make(map(written.get, TicketRequestRow._fields))


def as_changed(request: TicketRequestRow, values: Mapping[str, Any]) -> TicketRequestRow:
    """A request as it would be read when these of its columns have been changed."""
    return request._replace(**{name: value for name, value in values.items() if name in TicketRequestRow._fields})


class ReferenceRow(NamedTuple):
    """One requested line with the facts of its request that support works from."""

    id: int
    request_id: int
    line_no: int
    item_id: int
    quantity: int
    unit_price_minor: int
    currency: str
    client_id: int
    customer_no: str | None
    customer_key: str | None
    email: str | None
    phone: str | None
    ticket_holder_name: str | None
    language: str | None
    external_order_no: str | None
    receipt_no: str | None
    pos_unit_no: str | None
    salesperson_code: str | None


class EntryRow(NamedTuple):
    """One requested line at one admission, with its request's token, code and status."""

    id: int
    request_id: int
    line_id: int
    content_line_id: int
    admission_id: int
    inclusion: str
    is_primary: bool
    quantity: int
    slot_id: int | None
    line_no: int
    client_id: int
    token: str
    authorization_code: str
    status: str


class LineRow(NamedTuple):
    """A requested line in force, with what its tickets are made from."""

    id: int
    line_no: int
    item_id: int
    quantity: int
    unit_price_minor: int
    ticket_kind: str
    dictated_nos: list[str] | None

    @property
    def people(self) -> int:
        """On each of its tickets. INDIVIDUAL: one ticket per person; GROUP: one with the line's quantity on it."""
        return self.quantity if self.ticket_kind == TicketKind.GROUP else 1

    @property
    def ticket_count(self) -> int:
        return self.quantity // self.people


NOW = bindparam("now", type_=Instant())
_REGISTERED = literal_column(f"'{TicketRequestStatus.REGISTERED.value}'", Text())
BEFORE_TIME = datetime.min.replace(tzinfo=UTC)
"""A ``now`` at which nothing has run out yet: rows read with it show what is stored."""


def has_run_out(request: Any) -> ColumnElement[bool]:
    """The hold is over although nobody has stamped it. ``expiresAt`` itself is already too late.

    The status stands in the statement's text, so that the index of held requests answers whatever the parameters are.
    """
    return and_(request.status == _REGISTERED, request.expires_at <= NOW)


def status_now(request: Any) -> ColumnElement[str]:
    """The status at ``now``."""
    return case((has_run_out(request), literal(TicketRequestStatus.EXPIRED.value)), else_=request.status)


def status_changed_now(request: Any) -> ColumnElement[datetime]:
    """When the status at ``now`` began: an expiry happened at ``expires_at``."""
    return case((has_run_out(request), request.expires_at), else_=request.status_changed_at)


# The joins below are outer ones, although what they join is always there: where no column of it is read, the database
# leaves the join out.
_computed: Mapping[str, ColumnElement[Any]] = {
    "client": client.c.name,
    "status": status_now(ticket_request.c),
    "status_changed_at": status_changed_now(ticket_request.c),
    "is_stamped": type_coerce(~has_run_out(ticket_request.c), Boolean()),
}

ticket_requests = Listing(
    ticket_request,
    TicketRequestRow,
    select(
        *(_computed[n].label(n) if n in _computed else ticket_request.c[n] for n in TicketRequestRow._fields)
    ).outerjoin_from(ticket_request, client, ticket_request.c.client_id == client.c.id),
    expressions={"status_changed_at": status_changed_now},
    parts={
        "status_changed_at": (
            Part("status_changed_at", lambda request: [~has_run_out(request)]),
            Part("expires_at", lambda request: [has_run_out(request)]),
        )
    },
)
references = Listing(
    request_line,
    ReferenceRow,
    select(
        *(request_line.c[n] if n in request_line.c else ticket_request.c[n] for n in ReferenceRow._fields)
    ).outerjoin_from(request_line, ticket_request, request_line.c.request_id == ticket_request.c.id),
)
entries = Listing(
    request_entry,
    EntryRow,
    select(
        *(request_entry.c[n] for n in EntryRow._fields[:9]),
        request_line.c.line_no,
        ticket_request.c.client_id,
        ticket_request.c.token,
        ticket_request.c.authorization_code,
        status_now(ticket_request.c).label("status"),
    )
    .outerjoin_from(request_entry, request_line, request_entry.c.line_id == request_line.c.id)
    .outerjoin(ticket_request, request_entry.c.request_id == ticket_request.c.id),
)

CREATED_AT_DESC = Order("CREATED_AT_DESC", "created_at", is_descending=True)
CREATED_AT_ASC = Order("CREATED_AT_ASC", "created_at")
STATUS_CHANGED_AT_DESC = Order("STATUS_CHANGED_AT_DESC", "status_changed_at", is_descending=True)
