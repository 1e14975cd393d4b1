"""What who asks may see, as conditions on rows: the same for root fields, relations, counts and filters.

Source: domain.md, "Who may do what". ``None`` lets every row through. A GATE sees the tickets that it named by their
exact number, and of their requests only what belongs to these tickets.
"""

from typing import TYPE_CHECKING, Any

import db
from db.conditions import Conditions, Lasting
from db.timeline import RequestEventKind, Told

from .policy import Extent, Permission

if TYPE_CHECKING:
    from .context import Context


def own(context: "Context") -> Conditions:
    """Rows of the client itself: its requests, and their tickets."""
    return Lasting(_is_own, {"viewer_id": context.actor.client_id})


def _is_own(row: Any, of: Any) -> list[Any]:
    return [row.client_id == of.viewer_id]


def _is_own_entry(row: Any, of: Any) -> list[Any]:
    return [row.first_client_id == of.viewer_id]


def requests(context: "Context") -> Conditions | None:
    """A web store sees its own requests; a gate those of the tickets it named."""
    match context.extent(Permission.READ_REQUESTS):
        case Extent.ALL:
            return None
        case Extent.OWN:
            return own(context)
        case _:
            return lambda request: [request.id.in_(db.ticket.requests_of(sorted(context.found_tickets)))]


def references(context: "Context") -> Conditions | None:
    """Those of the requests that may be seen; for a gate, those of the tickets it named."""
    match context.extent(Permission.READ_REQUESTS):
        case Extent.ALL:
            return None
        case Extent.OWN:
            return db.ticket_request.whose_request(own(context))
        case _:
            return lambda line: [line.id.in_(db.ticket.lines_of(sorted(context.found_tickets)))]


def entries(context: "Context") -> Conditions | None:
    """Those of the requests that may be seen; for a gate, those of the tickets it named."""
    match context.extent(Permission.READ_REQUESTS):
        case Extent.ALL:
            return None
        case Extent.OWN:
            return db.ticket_request.whose_request(own(context))
        case _:
            return lambda entry: [entry.line_id.in_(db.ticket.lines_of(sorted(context.found_tickets)))]


OF_REQUESTS = Lasting(lambda event, _of: [event.request_id.is_not(None)])


def events(context: "Context") -> Conditions | None:
    """Those of the requests that may be seen; a gate sees its own scans.

    A scan of a number that nobody knows has no request: it is for those who see every scan, and for its own gate.
    """
    return db.conditions.all_of(_events(context), views(context))


def views(context: "Context") -> Conditions | None:
    """Who looked at personal data is for those who are recorded themselves."""
    return None if context.extent(Permission.READ_VIEWS) is Extent.ALL else db.timeline.NO_VIEWS


def _events(context: "Context") -> Conditions | None:
    match context.extent(Permission.READ_REQUESTS), context.extent(Permission.READ_SCANS):
        case Extent.ALL, Extent.ALL:
            return None
        case Extent.ALL, _:
            return OF_REQUESTS
        case Extent.OWN, _:
            return db.ticket_request.whose_request(own(context))
        case _, Extent.OWN:
            return db.timeline.scans_of(context.actor.client_id)
        case _:
            return db.conditions.NOTHING


def is_told(context: "Context", told: Told) -> bool:
    """``events``, for one that has been read for everybody."""
    if told.event.kind == RequestEventKind.VIEWED and views(context) is not None:
        return False
    match context.extent(Permission.READ_REQUESTS), context.extent(Permission.READ_SCANS):
        case Extent.ALL, Extent.ALL:
            return True
        case Extent.ALL, _:
            return told.event.request_id is not None
        case Extent.OWN, _:
            return told.owner_id == context.actor.client_id
        case _, Extent.OWN:
            return told.client_id == context.actor.client_id and told.event.kind in db.timeline.OF_THE_GATE
        case _:
            return False


def tickets(context: "Context") -> Conditions | None:
    """A web store sees the tickets of its own requests; a gate those that it named."""
    match context.extent(Permission.READ_TICKETS):
        case Extent.ALL:
            return None
        case Extent.OWN:
            return own(context)
        case _:
            return lambda ticket: [ticket.id.in_(sorted(context.found_tickets))]


def access_entries(context: "Context") -> Conditions | None:
    """Those of the tickets that may be seen."""
    of_tickets = tickets(context)
    return of_tickets and db.ticket.whose_ticket(of_tickets)


def registers(context: "Context") -> Conditions | None:
    """A web store sees the customers and sales orders that it wrote first; a gate sees none."""
    match context.extent(Permission.READ_REGISTERS):
        case Extent.ALL:
            return None
        case Extent.OWN:
            return Lasting(_is_own_entry, {"viewer_id": context.actor.client_id})
        case _:
            return db.conditions.NOTHING


def is_in_sight(context: "Context", register_row: Any) -> bool:
    """``registers``, for a customer or sales order that has been read already."""
    reach = context.extent(Permission.READ_REGISTERS)
    return reach is Extent.ALL or (reach is Extent.OWN and register_row.first_client_id == context.actor.client_id)
