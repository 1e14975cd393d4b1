"""Refusals in the schema, and the one place where a ``Refused`` becomes a payload."""

from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from resolvers import loaders
from resolvers.refusals import Outcome, RefusalCode, Unchanged
from resolvers.refusals import Refusal as RefusalRow

from .enums import describe
from .node import is_row
from .relations import relation

if TYPE_CHECKING:
    from .admission import Admission
    from .schedule import TimeSlot
    from .ticket import IssuedTicket
    from .ticket_request import TicketRequest

describe(
    RefusalCode,
    "Why the server said no; what programs branch on.",
    INVALID_INPUT="A value is out of its bounds or contradicts another; path says which.",
    NOT_FOUND="There is no such thing, or it is not yours to see.",
    UNKNOWN_ITEM="No item has that number, variant or bar code.",
    UNKNOWN_ADMISSION="No admission has that code, or the item does not admit to it.",
    UNKNOWN_SLOT="There is no such time slot.",
    UNKNOWN_CUSTOMER="A customer number is needed here, and there is none.",
    AMBIGUOUS_LINE="The text matches several items or variants, or an admission is listed twice.",
    TOKEN_REUSED="The token belongs to another request: other content, or another client.",
    DUPLICATE_ORDER="The order number already has a request that holds or has bought places.",
    DUPLICATE_TICKET_NUMBER="A dictated ticket number is taken.",
    SOLD_OUT="Not enough places are left in the slot: limit is its capacity, actual what would be taken.",
    SLOT_REQUIRED="A time slot must be chosen for this admission.",
    SLOT_CLOSED="The slot is closed.",
    SLOT_CANCELED="The slot was canceled.",
    CALENDAR_CLOSED="A calendar closes that day; the message is the calendar's text.",
    SLOT_OF_OTHER_ADMISSION="The slot belongs to another admission.",
    SLOT_PAST="The slot is over.",
    OUTSIDE_SALES_PERIOD="The slot is not on sale now; passesFrom and passesUntil say when it is.",
    BEYOND_VALIDITY="The slot lies after the ticket's validity.",
    ITEM_BLOCKED="The item is not for sale.",
    HOLD_EXPIRED="The time to pay ran out and the places were let go.",
    ALREADY_CONFIRMED="The request is confirmed: revoke its tickets instead.",
    ALREADY_CANCELED="The request was canceled.",
    ALREADY_PAID="The request is paid, with another reference.",
    NOT_CONFIRMED="The request was not confirmed.",
    UNPAID="The request is confirmed and not paid.",
    TICKET_UNKNOWN="No ticket and no request has that number.",
    TICKET_BLOCKED="The ticket is blocked.",
    ACCESS_BLOCKED="The ticket is blocked for this admission.",
    TICKET_REVOKED="The ticket was revoked.",
    NOT_VALID_YET="The ticket's validity begins later.",
    NO_LONGER_VALID="The ticket's validity is over.",
    NOT_ON_TICKET="The ticket does not admit to this admission.",
    NO_RESERVATION="The admission needs a reservation, and the ticket has none.",
    ADMISSION_CLOSED="The admission is closed at this time.",
    TOO_EARLY="The arrival window has not begun.",
    TOO_LATE="The arrival window is over.",
    WRONG_SLOT="The ticket is for another slot.",
    ENTRIES_USED_UP="The ticket was used as often as it may be.",
    CAPACITY_REACHED="No more people may be inside.",
    DEPENDENCY_UNMET="Another admission must, or must not, have been visited.",
    NOT_INSIDE="Nobody of this ticket is inside.",
    RESCHEDULE_NOT_ALLOWED="The ticket may not be moved to another slot (any more).",
    REVOKE_NOT_ALLOWED="The ticket may not be given back (any more).",
    WRONG_AUTHORIZATION_CODE="Ticket and authorization code do not belong together.",
    CONFLICT="It contradicts what is already recorded.",
)


def in_utc(name: str) -> Any:
    """A moment that the refusal tells by the clock on the wall."""

    def resolve(root: Any) -> Any:
        moment = getattr(root, name)
        return moment and moment.astimezone(UTC)

    resolve.__annotations__ = {}
    return resolve


@strawberry.type(
    description="Why the server said no. `message` is a sentence for a person; `code` is for programs; "
    "the facts that apply are set."
)
class Refusal:
    code: RefusalCode = strawberry.field(description="What programs branch on.")
    message: str = strawberry.field(description="One sentence for a person.")
    path: list[str] | None = strawberry.field(description='Where in the input, as `["lines", "0", "quantity"]`.')
    admission: Annotated["Admission", strawberry.lazy("schema.admission")] | None = relation(
        loaders.admissions, "admission_id", description="The admission that it concerns."
    )
    slot: Annotated["TimeSlot", strawberry.lazy("schema.schedule")] | None = relation(
        loaders.time_slots, "slot_id", description="The time slot that it concerns."
    )
    ticket: Annotated["IssuedTicket", strawberry.lazy("schema.ticket")] | None = relation(
        loaders.issued_tickets, "ticket_id", description="The ticket that it concerns."
    )
    ticket_request: Annotated["TicketRequest", strawberry.lazy("schema.ticket_request")] | None = relation(
        loaders.ticket_requests, "request_id", description="The request that it concerns, where the caller may see it."
    )
    limit: int | None = strawberry.field(description="The bound that was met.")
    actual: int | None = strawberry.field(description="What was asked for, or is there, against the bound.")
    passes_from: datetime | None = strawberry.field(
        resolver=in_utc("passes_from"), description="From when the same thing would be let through."
    )
    passes_until: datetime | None = strawberry.field(
        resolver=in_utc("passes_until"), description="Until when the same thing would be let through."
    )
    is_type_of = is_row(RefusalRow)


@strawberry.interface(
    description="The outcome of a mutation. Success is an empty list; with refusals nothing was changed "
    "(but a refused scan is recorded, and a RECORDED arrival counts)."
)
class Refusable:
    refusals: list[Refusal] = strawberry.field(description="Every reason why not, at once; empty on success.")
    is_type_of = is_row(Outcome)


async def outcome(mutation: Awaitable[Outcome], kind: type[Outcome] = Outcome) -> Any:
    """What the mutation came to; a refusal is an outcome too, with the stored object as it stands unchanged.

    ``kind``: the class of what the payload shows; a refusal that tells no more than why becomes one that is empty.
    """
    try:
        found = await mutation
    except Unchanged as unchanged:
        found = unchanged.outcome
    return found if isinstance(found, kind) else kind(row_id=found.row_id, refusals=found.refusals)
