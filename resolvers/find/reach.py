"""How far a search reaches: whose values may be looked up, and what a look-up leads to of what may be seen."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import db
from db.customer import CustomerRow
from db.engine import Read
from db.find import Lead
from db.search_key import SearchKind
from db.ticket import IssuedTicketRow
from db.ticket_request import TicketRequestRow

from .. import visibility
from ..context import Context
from ..policy import Extent, Permission
from .scrap import FIELDS, FindField

Node = TicketRequestRow | IssuedTicketRow | CustomerRow

Personal = Collection[FindField]
"""Which fields are personal, as the schema tags them."""

_TABLES: Mapping[SearchKind, Permission] = {
    **{kind: Permission.READ_REQUESTS for kind in SearchKind if kind.name.startswith("REQUEST_")},
    **{kind: Permission.READ_TICKETS for kind in SearchKind if kind.name.startswith("TICKET_")},
    **{kind: Permission.READ_REGISTERS for kind in SearchKind if kind.name.startswith("CUSTOMER_")},
}
_ATTRIBUTES: Mapping[SearchKind, str] = {
    kind: name
    for columns in (db.search_key.OF_REQUEST, db.search_key.OF_TICKET, db.search_key.OF_CUSTOMER)
    for name, kind in columns.items()
} | {SearchKind.TICKET_NO: "ticket_no"}


def reach(context: Context, personal: Personal) -> dict[SearchKind, int | None]:
    """The kinds of values that the caller may search, and whose: None is everybody's."""
    found = {}
    for kind in SearchKind:
        extents = [context.extent(_TABLES[kind])]
        if FIELDS[kind] in personal:
            extents.append(context.extent(Permission.READ_PERSONAL))
        least = min(extents, key=lambda extent: extent.value)
        if least in (Extent.OWN, Extent.ALL):
            found[kind] = context.actor.client_id if least is Extent.OWN else None
    return found


async def values(
    context: Context, read: Read, leads: Sequence[Lead], personal: Personal
) -> list[tuple[Lead, Any, str]]:
    """The rows that the leads lead to, and their values of that kind; several where a request dictated numbers.

    What the caller may not see is left out here too, whatever led to it.
    """
    ids: dict[Permission, set[int]] = {}
    for lead in leads:
        ids.setdefault(_TABLES[lead.kind], set()).add(lead.row_id)
    rows: dict[Permission, Mapping[int, Any]] = {}
    if wanted := ids.get(Permission.READ_REQUESTS):
        where = visibility.requests(context)
        rows[Permission.READ_REQUESTS] = await db.ticket_request.by_ids(read, sorted(wanted), context.now, where=where)
    if wanted := ids.get(Permission.READ_TICKETS):
        rows[Permission.READ_TICKETS] = await db.ticket.by_ids(read, sorted(wanted), where=visibility.tickets(context))
    if wanted := ids.get(Permission.READ_REGISTERS):
        where = visibility.registers(context)
        rows[Permission.READ_REGISTERS] = await db.customer.by_ids(read, sorted(wanted), where=where)
    dictating = sorted({lead.row_id for lead in leads if lead.kind is SearchKind.REQUEST_TICKET_NO})
    dictated = await db.ticket_request.dictated_of(read, dictating) if dictating else {}
    found: list[tuple[Lead, Any, str]] = []
    for lead in leads:
        row = rows[_TABLES[lead.kind]].get(lead.row_id)
        if row is None or (FIELDS[lead.kind] in personal and not context.may_see_personal(owner(row))):
            continue
        if lead.kind is SearchKind.REQUEST_TICKET_NO:
            of_request = dictated.get(lead.row_id)
            found += [(lead, row, number) for numbers in of_request or () for number in numbers]
        elif value := getattr(row, _ATTRIBUTES[lead.kind]):
            found.append((lead, row, value))
    return found


def owner(row: Node) -> int:
    """The client whose guest it is about."""
    return row.first_client_id if isinstance(row, CustomerRow) else row.client_id
