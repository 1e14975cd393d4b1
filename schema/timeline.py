"""The timeline: what happened to requests and tickets, append-only."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import UNSET

from db.timeline import AS_RECORDED, RequestEventKind, RequestEventRow
from resolvers import lists, loaders, timeline
from resolvers.loaders import Sought
from resolvers.refusals import RefusalCode

from .admission import Admission
from .enums import describe
from .filters import DateTimeRange, given
from .node import Node, is_row
from .paging import After, Before, Connection, First, Last, page_of, window, write_cursor
from .refusals import Refusal
from .relations import IN_PAGE, LookUp, look_up, relation
from .schedule import TimeSlot

if TYPE_CHECKING:
    from .customer import Customer
    from .ticket import IssuedTicket
    from .ticket_request import TicketRequest

describe(
    RequestEventKind,
    "What happened.",
    CREATED="The request was made, and holds its places.",
    UPDATED="Its lines were replaced.",
    EXTENDED="Its hold was begun anew.",
    CONFIRMED="The sale stands.",
    PAID="What was confirmed unpaid was paid.",
    EXPIRED="The time to pay ran out; at is expiresAt.",
    CANCELED="The request was given up, or its last ticket revoked.",
    ISSUED="A ticket was issued.",
    PRINTED="A ticket was printed.",
    ADMITTED="People were let in.",
    DEPARTED="People went out.",
    REFUSED="The gate said no.",
    BLOCKED="A ticket, or one admission of it, was blocked.",
    UNBLOCKED="A block was taken back.",
    REVOKED="A ticket was given back.",
    RESCHEDULED="A ticket was moved to another time slot.",
    HOLDER_CHANGED="What is known of the guest was changed.",
    SLOT_CHANGED="A booked time slot was moved, closed or canceled, or takes place after all.",
    CAPACITY_EXCEEDED="It was sold over a slot's capacity, as the cashier decided.",
    NOTIFIED="The guest was sent a message.",
    VIEWED="ADMIN or SUPPORT saw personal data of it: once per client and hour.",
    ERASED="Personal data was erased.",
)


def _cursor(root: RequestEventRow) -> str:
    return write_cursor(AS_RECORDED, root)


def _message(root: RequestEventRow) -> str:
    return timeline.message(root)


def _from_slot(root: RequestEventRow) -> Any:
    return root.facts.get("before", {}).get("slot_id") if root.kind == RequestEventKind.RESCHEDULED else None


def _refusal(root: RequestEventRow) -> Any:
    return timeline.refusal(root)


_refusal.__annotations__ = {}


@strawberry.type(description="One thing that happened. The whole history is append-only.")
class RequestEvent(Node):
    cursor: str = strawberry.field(resolver=_cursor, description="Where `requestEvents` and timelines may go on from.")
    at: datetime = strawberry.field(description="When it happened.")
    recorded_at: datetime = strawberry.field(description="When it became known here; later than at for offline scans.")
    kind: RequestEventKind = strawberry.field(description="What happened.")
    actor: str = strawberry.field(description="Who did it: the client of the API key, the person, or 'system'.")
    message: str = strawberry.field(
        resolver=_message, description="What happened, in one sentence for a person; worded when read."
    )
    request: Annotated["TicketRequest", strawberry.lazy("schema.ticket_request")] | None = relation(
        loaders.ticket_requests,
        "request_id",
        description="Null for a scan of a number nobody knows, and for what concerns a customer.",
    )
    ticket: Annotated["IssuedTicket", strawberry.lazy("schema.ticket")] | None = relation(
        loaders.issued_tickets, "ticket_id", description="The ticket that it happened to."
    )
    customer: Annotated["Customer", strawberry.lazy("schema.customer")] | None = relation(
        loaders.customers,
        "customer_id",
        description="Of VIEWED and ERASED without a request: the customer whose data it was.",
    )
    admission: Admission | None = relation(loaders.admissions, "admission_id", description="Where it happened.")
    slot: TimeSlot | None = relation(
        loaders.time_slots, "slot_id", description="The time slot that it is about; of a move, the new one."
    )
    from_slot: TimeSlot | None = relation(
        loaders.time_slots, _from_slot, description="Of a move, the time slot that the ticket was for; else null."
    )
    quantity: int | None = strawberry.field(description="How many people it is about.")
    scanned: str | None = strawberry.field(description="What was scanned.")
    gate: str | None = strawberry.field(description="Where it was scanned.")
    refusal: Refusal | None = strawberry.field(
        resolver=_refusal, description="Why the gate said no; null where it did not."
    )
    is_type_of = is_row(RequestEventRow)


@strawberry.input(description="All given conditions hold together; texts match whole, case ignored.")
class RequestEventWhere:
    scanned: str | None = strawberry.field(default=UNSET, description="What was scanned, known or not.")
    token: str | None = strawberry.field(default=UNSET, description="Of the request with this token.")
    external_ticket_no: str | None = strawberry.field(
        default=UNSET, description="Of the ticket with this printed number, however it was scanned."
    )
    kinds: list[RequestEventKind] | None = strawberry.field(default=UNSET, description="Of one of these kinds.")
    gate: str | None = strawberry.field(default=UNSET, description="At this gate.")
    code: list[RefusalCode] | None = strawberry.field(
        default=UNSET, description="Refused at the gate for one of these reasons."
    )
    at: DateTimeRange | None = strawberry.field(default=UNSET, description="Happened then.")


def _sought(
    _context: Any,
    where: Annotated[RequestEventWhere | None, strawberry.argument(description="Conditions; left out: all.")] = UNSET,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Sought:
    return lists.request_events(window(first, after, last, before, AS_RECORDED), given(where))


def _shown(_context: Any, _sought: Sought, found: Any) -> Any:
    return page_of(found, AS_RECORDED)


@strawberry.type
class RequestEventQueries:
    request_events: Connection[RequestEvent] | None = look_up(
        LookUp((lists.pages_of_request_events,), _sought, _shown, IN_PAGE),
        description="The history of everything, oldest first, in the order of recording; the same events, cursors and "
        "filters as the subscription. What is yours to see of it: a gate sees its own scans. An event may be listed a "
        "moment after it happened, because nothing is ever listed in front of what was: a cursor misses nothing.",
    )


@strawberry.type
class RequestEventSubscriptions:
    @strawberry.subscription(
        description="Events as they are committed, by every server process, in the order of recording. `after` goes on "
        "behind a cursor, without a gap or a duplicate, also in another process and after a restart; left out: from "
        "now on. What is yours to see is decided for every event, and the end of your key is the end of this. A "
        "cursor of a database that was restored or set back since is `BAD_USER_INPUT`."
    )
    async def request_events(
        self,
        info: strawberry.Info,
        after: Annotated[
            str | None, strawberry.argument(description="The cursor of the last event that you were told of.")
        ] = UNSET,
        where: Annotated[
            RequestEventWhere | None, strawberry.argument(description="Conditions; left out: all.")
        ] = UNSET,
    ) -> AsyncGenerator[RequestEvent, None]:
        feed, asked = info.context.feed, window(None, after, None, None, AS_RECORDED)
        position = await feed.begin(info.context, asked)
        return feed.events(info.context, position, given(where))
