"""What every change of a request begins with: finding it, taking it, and telling whether its hold is over."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import db
from db.client import Role
from db.engine import Read, Write
from db.keys import key
from db.sales_order import SalesChannel
from db.ticket_request import TicketRequestRow, TicketRequestStatus
from db.timeline import Event, RequestEventKind

from .. import loaders
from ..context import Context
from ..policy import Extent, Permission
from ..refusals import Outcome, Refusal, RefusalCode, Refused, refused

NOT_FOUND = "There is no such request."


def may_change(context: Context, request: TicketRequestRow) -> bool:
    """A web store changes its own requests; staff and a POS any."""
    reach = context.extent(Permission.CHANGE_REQUESTS)
    return reach is Extent.ALL or (reach is Extent.OWN and request.client_id == context.actor.client_id)


def may_go_over(context: Context, channel: str) -> bool:
    """Whether the caller's word to go over capacity counts: a sale of a POS, and not said by a web store."""
    return channel == SalesChannel.POS and context.actor.role is not Role.WEB_STORE


async def find_and_lock(context: Context, write: Write, token: str) -> TicketRequestRow:
    """The request of that token, locked and as it is stored. Raises Refused (NOT_FOUND), also for somebody else's."""
    request = await db.ticket_request.lock(write, key(token))
    if request is None or not may_change(context, request):
        raise unknown()
    return request


def unknown() -> Refused:
    """There is no request of that token, or it is somebody else's."""
    return refused(RefusalCode.NOT_FOUND, NOT_FOUND, "token")


def event(
    context: Context,
    kind: RequestEventKind,
    now: datetime,
    request_id: int,
    *,
    ticket_id: int | None = None,
    access_entry_id: int | None = None,
    quantity: int | None = None,
    admission_id: int | None = None,
    slot_id: int | None = None,
    facts: Mapping[str, Any] = {},
) -> Event:
    """Something that who asks did to a request or to a ticket of it, now."""
    return Event(
        kind=kind,
        at=now,
        actor=context.actor.client,
        client_id=context.actor.client_id,
        request_id=request_id,
        ticket_id=ticket_id,
        access_entry_id=access_entry_id,
        quantity=quantity,
        admission_id=admission_id,
        slot_id=slot_id,
        facts=facts,
    )


def expiry(request_id: int, at: datetime) -> Event:
    """The expiry that nobody has recorded yet: it happened when the hold ran out, whoever meets it first."""
    return Event(kind=RequestEventKind.EXPIRED, at=at, actor="system", client_id=None, request_id=request_id)


async def stamp_expired(write: Write, request: TicketRequestRow, now: datetime) -> None:
    """Write down that the request has expired, with its event, unless that has been done."""
    if request.status == TicketRequestStatus.REGISTERED and request.expires_at is not None:
        await db.ticket_request.stamp_expired(write, [request.id])
        await db.timeline.record(write, [expiry(request.id, request.expires_at)], now)


async def turned_down(write: Write, request: TicketRequestRow, refusal: Refusal, now: datetime) -> Outcome:
    """The answer no, with the request as it stands. Whoever meets an expiry writes it down."""
    if refusal.code is RefusalCode.HOLD_EXPIRED:
        await stamp_expired(write, request, now)
    return Outcome(row_id=request.id, refusals=(refusal,))


def show(context: Context, request: TicketRequestRow) -> None:
    """Show a request in the answer as it has just been written, without reading it: the caller has committed it."""
    if request.expires_at is None or request.expires_at > context.now:
        context.loaders.know(loaders.ticket_requests, request.id, request)


async def is_in_the_way(read: Read, request_id: int, now: datetime) -> bool:
    """Whether the owner of an order number or ticket number needs it: one that expired or was canceled does not."""
    owner = await db.ticket_request.by_id(read, request_id, now)
    return owner is not None and owner.status in (TicketRequestStatus.REGISTERED, TicketRequestStatus.CONFIRMED)


async def claim_ticket_numbers(
    write: Write, numbers: Iterable[str], request_id: int, now: datetime
) -> tuple[list[str], list[str]]:
    """Lock dictated ticket numbers: those that others need, and the keys of those to take over.

    Taking over is a second step, because a claim that is refused must not change who owns what.
    """
    by_key = {key(number): number for number in numbers if number}
    owned = await db.ticket.claim_numbers(write, list(by_key), request_id)
    needed = [
        by_key[k]
        for k, (owner, ticket_id) in owned.items()
        if ticket_id is not None or await is_in_the_way(write, owner, now)
    ]
    return needed, [k for k in owned if by_key[k] not in needed]
