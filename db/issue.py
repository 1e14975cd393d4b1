"""What is to be issued for a registered request: its lines and entries with all that their tickets are made from, and
numbers of the series for as many; in one statement."""

from datetime import datetime
from functools import cache
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from sqlalchemy import JSON, Select, bindparam, case, func, null, select, true

from .admission import AdmissionRow, admission
from .base import BigId
from .engine import CLOCK, Write
from .ticket import issued_ticket, next_ids
from .ticket_item import ContentLineRow, TicketKind, TicketTypeRow, content_line, ticket_item, ticket_type
from .ticket_request import BEFORE_TIME, EntryRow, LineRow, entries, request_entry, request_line


class Issue(NamedTuple):
    """Lines in force and their entries, in their order, with the set-up behind them by its ids.

    ``types`` are those of the items, by the line's id; ``ids`` are rising, one for each ticket to be. ``at`` is the
    database's clock.
    """

    at: datetime
    ids: list[int]
    lines: list[LineRow]
    types: dict[int, TicketTypeRow]
    entries: list[EntryRow]
    contents: dict[int, ContentLineRow]
    admissions: dict[int, AdmissionRow]


async def of_request(write: Write, request_id: int) -> Issue:
    """What a locked request is to be issued."""
    rows = await write.all(_issuing(write.dialect), {"of_request": request_id, "now": BEFORE_TIME})
    (told, ids), *_ = (row[:2] for row in rows)
    issue = Issue(write.moment(told), ids or [], [], {}, [], {}, {})
    for row in rows:
        line, type_, content, admitted_to, entry = (make(row[place]) for make, place in _PARTS)
        if line.id not in issue.types:
            issue.lines.append(line)
            issue.types[line.id] = type_
        issue.entries.append(entry)
        issue.contents[content.id] = content
        issue.admissions[admitted_to.id] = admitted_to
    if write.dialect == "sqlite":
        issue.ids.extend(await next_ids(write, sum(line.ticket_count for line in issue.lines)))
    return issue


_ROWS: tuple[Any, ...] = (LineRow, TicketTypeRow, ContentLineRow, AdmissionRow, EntryRow)
_ENDS = accumulate((len(kind._fields) for kind in _ROWS), initial=2)
_PARTS = [(kind._make, slice(start, end)) for kind, (start, end) in zip(_ROWS, pairwise(_ENDS), strict=True)]


@cache
def _issuing(dialect: str) -> Select[Any]:
    of_request = bindparam("of_request", type_=BigId)
    moment = CLOCK[dialect].add_columns(_ids(of_request) if dialect == "postgresql" else null()).subquery("moment")
    (source,) = entries.view.get_final_froms()
    found = (
        source.join(ticket_item, request_line.c.item_id == ticket_item.c.id)
        .join(ticket_type, ticket_item.c.ticket_type_id == ticket_type.c.id)
        .join(content_line, request_entry.c.content_line_id == content_line.c.id)
        .join(admission, request_entry.c.admission_id == admission.c.id)
        .join(moment, true())
    )
    lines = (request_line.c[name] for name in LineRow._fields)
    columns = (*moment.c, *lines, *ticket_type.c, *content_line.c, *admission.c, *entries.view.selected_columns)
    return (
        select(*columns)
        .select_from(found)
        .where(request_entry.c.request_id == of_request, request_entry.c.replaced_at.is_(None))
        .order_by(request_line.c.line_no, request_entry.c.id)
    )


def _ids(of_request: Any) -> Any:
    """The next numbers of PostgreSQL's series, as many as the request's lines in force will have tickets."""
    count = func.sum(case((request_line.c.ticket_kind == TicketKind.GROUP.value, 1), else_=request_line.c.quantity))
    wanted = select(count).where(request_line.c.request_id == of_request, request_line.c.replaced_at.is_(None))
    series = func.generate_series(1, wanted.scalar_subquery()).table_valued("place")
    of_series = func.nextval(func.pg_get_serial_sequence(issued_ticket.name, "id"))
    return select(func.json_agg(of_series, type_=JSON())).select_from(series).scalar_subquery().label("ids")
