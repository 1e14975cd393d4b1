"""What is to be issued for registered requests: their lines and entries with all that their tickets are made from, and
numbers of the series for as many, in one statement; and taking what the tickets need, in another."""

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import accumulate, islice, pairwise
from typing import Any, NamedTuple

from sqlalchemy import Integer, Select, bindparam, case, func, select, true

from . import time_slot
from .admission import AdmissionRow, admission
from .engine import CLOCK, Read, Write, ids, next_ids, once_for_each_dialect
from .keys import key as key_of
from .paging import is_one_of_given, keys_for
from .ticket import NewNumbers, add_numbers, adding_numbers, given_numbers, issued_ticket, number_owners
from .ticket_item import ContentLineRow, TicketKind, TicketTypeRow, content_line, ticket_item, ticket_type
from .ticket_request import BEFORE_TIME, EntryRow, LineRow, entries, request_entry, request_line
from .time_slot import Taken


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

    @property
    def ticket_count(self) -> int:
        """How many tickets its lines will have."""
        return sum(line.ticket_count for line in self.lines)

    @property
    def dictated(self) -> set[str]:
        """The keys of the ticket numbers that were dictated."""
        return {key_of(number) for line in self.lines for number in line.dictated_nos or ()}


async def of_requests(write: Write, request_ids: Sequence[int]) -> list[Issue]:
    """What locked requests are to be issued."""
    rows = await write.all(_issuing(write), {"request_ids": keys_for(write, request_ids), "now": BEFORE_TIME})
    (told, told_ids), *_ = (row[:2] for row in rows)
    at = write.moment(told)
    issues = {request_id: Issue(at, [], [], {}, [], {}, {}) for request_id in request_ids}
    for row in rows:
        line, type_, content, admitted_to, entry = (make(row[place]) for make, place in _PARTS)
        issue = issues[entry.request_id]
        if line.id not in issue.types:
            issue.lines.append(line)
            issue.types[line.id] = type_
        issue.entries.append(entry)
        issue.contents[content.id] = content
        issue.admissions[admitted_to.id] = admitted_to
    sizes = [issue.ticket_count for issue in issues.values()]
    series = iter(ids(told_ids, sum(sizes)))
    return [issue._replace(ids=list(islice(series, size))) for issue, size in zip(issues.values(), sizes, strict=True)]


async def take(
    write: Write, numbers: NewNumbers, slot_ids: Sequence[int] | None
) -> tuple[Collection[str], Taken | None]:
    """Take newly made numbers (``ticket.add_numbers``), and then, if all of them were free, the slots; answers which
    numbers were.

    None instead of the slots, as if these were none: other numbers must be taken first, because whoever holds slots
    waits for no number.
    """
    if numbers and slot_ids and write.dialect == "postgresql":
        wanted = {"slot_ids": keys_for(write, sorted(set(slot_ids))), "all": len(numbers)}
        rows = await write.all(_taking(write), {**given_numbers(write, numbers), **wanted})
        if rows:
            return numbers, time_slot.taken(write, rows)
        owners = await number_owners(write, list(numbers))
        return {key for key, owner in owners.items() if owner == numbers[key]}, None
    free = await add_numbers(write, numbers) if numbers else set()
    if slot_ids is None or len(free) < len(numbers):
        return free, None
    return free, await time_slot.take(write, slot_ids)


@once_for_each_dialect
def _taking(read: Read) -> Select[Any]:
    """The slots are looked for when it is known how many numbers were free."""
    number = adding_numbers(read.dialect).cte("number")
    are_free = select(func.count()).select_from(number).scalar_subquery() == bindparam("all", type_=Integer())
    return time_slot.taking(read, are_free)


_ROWS: tuple[Any, ...] = (LineRow, TicketTypeRow, ContentLineRow, AdmissionRow, EntryRow)
_ENDS = accumulate((len(kind._fields) for kind in _ROWS), initial=2)
_PARTS = [(kind._make, slice(start, end)) for kind, (start, end) in zip(_ROWS, pairwise(_ENDS), strict=True)]


@once_for_each_dialect
def _issuing(read: Read) -> Select[Any]:
    tickets = next_ids(read.dialect, issued_ticket, _ticket_count(read))
    moment = CLOCK[read.dialect].add_columns(tickets.label("ids")).subquery("moment")
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
        .where(is_one_of_given(read, request_entry.c.request_id, "request_ids"), request_entry.c.replaced_at.is_(None))
        .order_by(request_entry.c.request_id, request_line.c.line_no, request_entry.c.id)
    )


def _ticket_count(read: Read) -> Any:
    """How many tickets the requests' lines in force will have."""
    count = func.sum(case((request_line.c.ticket_kind == TicketKind.GROUP.value, 1), else_=request_line.c.quantity))
    of_requests = is_one_of_given(read, request_line.c.request_id, "request_ids")
    return select(count).where(of_requests, request_line.c.replaced_at.is_(None)).scalar_subquery()
