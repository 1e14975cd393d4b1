"""New requests, and new lines for one, with all that hangs on them.

Their ids are known before they are written: drawn as the slots are taken, when it is known how many there will be. So
nothing has to wait for what the database answers, and one statement writes it all (``db.together``).
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Integer, Select, bindparam

from .. import search_key, time_slot
from ..engine import CLOCK, Read, Write, ids, next_ids, once_for_each_dialect
from ..paging import keys_for
from ..time_slot import Taken
from ..together import NewRows, Step
from .tables import request_entry, request_line, ticket_request

Columns = Mapping[str, Any]


class Lines(NamedTuple):
    """Lines, and the entries on them: rows as they are kept. Keys that are missing are filled in."""

    lines: Sequence[Columns]
    entries: Sequence[Columns]

    def and_also(self, others: "Lines") -> "Lines":
        """These, and others behind them."""
        return Lines([*self.lines, *others.lines], [*self.entries, *others.entries])


class NewIds(NamedTuple):
    """Ids for lines and for entries yet to be written, rising."""

    lines: list[int]
    entries: list[int]


async def take_slots(write: Write, slot_ids: Sequence[int], lines: int, entries: int) -> tuple[Taken, NewIds]:
    """``time_slot.take``, and ids for so many lines and entries, in one statement."""
    wanted = sorted(set(slot_ids))
    given = {"slot_ids": keys_for(write, wanted), "lines": lines, "entries": entries}
    rows = await write.all(_taking(write) if wanted else _without_slots(write.dialect), given)
    taken = time_slot.taken(write, rows) if wanted else Taken({}, write.moment(rows[0][0]))
    line_ids, entry_ids = rows[0][-2:]
    return taken, NewIds(ids(line_ids, lines), ids(entry_ids, entries))


@once_for_each_dialect
def _taking(read: Read) -> Select[Any]:
    return time_slot.taking(read).add_columns(*_new_ids(read.dialect))


@cache
def _without_slots(dialect: str) -> Select[Any]:
    return CLOCK[dialect].add_columns(*_new_ids(dialect))


def _new_ids(dialect: str) -> list[Any]:
    tables = {"lines": request_line, "entries": request_entry}
    return [next_ids(dialect, table, bindparam(name, type_=Integer())) for name, table in tables.items()]


def adding(requests: Sequence[Columns], lines: Lines) -> list[Step]:
    """New requests with their search keys, their lines and their entries."""
    clients = {request["id"]: request["client_id"] for request in requests}
    keys = [
        key
        for request in requests
        for key in search_key.rows(search_key.OF_REQUEST, request["id"], request["client_id"], request)
    ]
    names = dict.fromkeys(name for request in requests for name in request)
    rows = [{name: request.get(name) for name in names} for request in requests]
    return [NewRows(ticket_request, rows), search_key.adding(keys), *adding_lines(clients, lines)]


def adding_lines(clients: Mapping[int, int], lines: Lines) -> list[Step]:
    """New lines of requests with their entries; ``clients`` are those of the requests.

    A request is found by the ticket numbers that they dictate, also when the lines are replaced or the request ends.
    """
    keys = [
        row
        for line in lines.lines
        for row in dictated_number_keys(line["request_id"], clients[line["request_id"]], line["dictated_nos"] or ())
    ]
    return [
        NewRows(request_line, lines.lines),
        NewRows(request_entry, lines.entries),
        search_key.adding(keys),
    ]


def dictated_number_keys(request_id: int, client_id: int, numbers: Iterable[str]) -> list[search_key.SearchKeyRow]:
    """The search keys of ticket numbers that a request dictates."""
    kind = search_key.SearchKind.REQUEST_TICKET_NO
    keys = {form for number in numbers for form in search_key.forms(kind, number)}
    return [search_key.SearchKeyRow(request_id, client_id, kind.value, form) for form in sorted(keys)]
