"""The numbers of one day, counted in one statement from what was recorded."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, FromClause, and_, distinct, func, select, union

from .engine import Read
from .ticket import issued_ticket
from .ticket_request import NOW, TicketRequestStatus, has_run_out, ticket_request
from .timeline import RequestEventKind, request_event


class DayRow(NamedTuple):
    """How many requests, tickets and scans: each once, however often it happened to it that day."""

    requests_registered: int
    requests_confirmed: int
    requests_expired: int
    requests_canceled: int
    tickets_issued: int
    tickets_admitted: int
    scans_refused: int


async def numbers(read: Read, start: datetime, end: datetime, now: datetime) -> DayRow:
    """What happened from the start to before the end, and of the requests made then, those that are REGISTERED at
    ``now``.

    An expiry that nobody has stamped yet counts: it has no event.
    """

    event, request = request_event.c, ticket_request.c

    def of_day(moment: Any) -> ColumnElement[bool]:
        return and_(moment >= start, moment < end)

    def of_kind(kind: RequestEventKind) -> ColumnElement[bool]:
        return and_(event.kind == kind.value, of_day(event.at))

    def requests(kind: RequestEventKind) -> Any:
        return select(func.count(distinct(event.request_id))).where(of_kind(kind)).scalar_subquery()

    is_registered = and_(request.status == TicketRequestStatus.REGISTERED.value, request.expires_at > NOW)
    expired = union(
        select(event.request_id).where(of_kind(RequestEventKind.EXPIRED)),
        select(request.id).where(has_run_out(request), of_day(request.expires_at)),
    ).subquery("expired")
    scans = (
        select(event.client_id, event.at, event.scanned_key)
        .distinct()
        .where(of_kind(RequestEventKind.REFUSED))
        .subquery("scans")
    )
    admitted = select(func.count(distinct(event.ticket_id))).where(of_kind(RequestEventKind.ADMITTED))
    found = select(
        _number_of(ticket_request, is_registered, of_day(request.created_at)),
        requests(RequestEventKind.CONFIRMED),
        _number_of(expired),
        requests(RequestEventKind.CANCELED),
        _number_of(issued_ticket, of_day(issued_ticket.c.issued_at)),
        admitted.scalar_subquery(),
        _number_of(scans),
    )
    row = await read.first(DayRow, found, {"now": now})
    assert row is not None
    return row


def _number_of(rows: FromClause, *where: ColumnElement[bool]) -> Any:
    return select(func.count()).select_from(rows).where(*where).scalar_subquery()
