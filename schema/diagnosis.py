"""What is in the way of a request's tickets, and what one may do with requests and tickets."""

from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import UNSET

from resolvers import actions, loaders
from resolvers.actions import AvailableAction as AvailableActionRow
from resolvers.diagnosis import Finding as FindingRow
from resolvers.diagnosis import diagnose
from resolvers.loaders import Batch
from resolvers.refusals import RefusalCode

from . import authorization
from .node import is_row
from .refusals import Refusal, in_utc
from .relations import Relation, relation

if TYPE_CHECKING:
    from .admission import Admission
    from .schedule import TimeSlot
    from .ticket import IssuedTicket
    from .ticket_request import TicketRequest


@strawberry.type(
    description="One kind of thing that is, or will be, in the way; the first of the list is the one to mend first."
)
class Finding:
    code: RefusalCode = strawberry.field(description="What a gate would say, or what a change would be refused for.")
    message: str = strawberry.field(description="What is in the way, in one sentence for a person.")
    advice: str = strawberry.field(description="What to do about it, in one sentence for a person at the counter.")
    is_in_the_way: bool = strawberry.field(
        description="Whether it keeps somebody out; false: the tickets open the gate all the same, and this is only "
        "good to know: an optional admission that was not bought, a group of which some are to come, a number that was "
        "replaced. Such findings come last."
    )
    admission: Annotated["Admission", strawberry.lazy("schema.admission")] | None = relation(
        loaders.admissions, "admission_id", description="Where it is in the way; null: everywhere."
    )
    slot: Annotated["TimeSlot", strawberry.lazy("schema.schedule")] | None = relation(
        loaders.time_slots, "slot_id", description="The time slot that it concerns."
    )
    ticket_count: int = strawberry.field(description="How many tickets of the request it concerns; 0: it has none yet.")
    ticket: Annotated["IssuedTicket", strawberry.lazy("schema.ticket")] | None = relation(
        loaders.issued_tickets, "ticket_id", description="One of these tickets, which the message tells of."
    )
    ticket_request: Annotated["TicketRequest", strawberry.lazy("schema.ticket_request")] | None = relation(
        loaders.ticket_requests, "request_id", description="The other request that it is about: of the same order."
    )
    passes_from: datetime | None = strawberry.field(
        resolver=in_utc("passes_from"), description="From when the same ticket would be let through."
    )
    passes_until: datetime | None = strawberry.field(
        resolver=in_utc("passes_until"), description="Until when the same ticket would be let through."
    )
    is_type_of = is_row(FindingRow)


def _action(root: AvailableActionRow) -> str:
    return root.action.value


@strawberry.type(
    description="Something that the caller may ask for, and whether it would be done just now. It is decided by the "
    "rules of the mutation itself, for whatever can be entered besides: lines or a target that can be sold, a payment "
    "that was not told before, the right authorization code."
)
class AvailableAction:
    action: str = strawberry.field(resolver=_action, description="The mutation's name.")
    admission: Annotated["Admission", strawberry.lazy("schema.admission")] | None = relation(
        loaders.admissions,
        "admission_id",
        description="With that admission named; null: without one, of the whole or of each ticket's default admission.",
    )
    is_allowed: bool = strawberry.field(description="Whether the mutation would be done.")
    is_done: bool = strawberry.field(
        description="Whether it was done already: done again, it answers the same and changes nothing."
    )
    refusal: Refusal | None = strawberry.field(
        description="Why it would not be done, the first reason; null where it is allowed."
    )
    is_type_of = is_row(AvailableActionRow)


def _shown(_context: Any, _key: Any, found: Any) -> Any:
    return found


def _asked(_context: Any, at: datetime | None = UNSET) -> tuple[datetime | None]:
    return (at or None,)


_DIAGNOSIS = Relation(diagnose, attrgetter("id"), _asked, _shown)


async def _diagnosis(
    root: Any,
    info: strawberry.Info,
    at: Annotated[datetime | None, strawberry.argument(description="When; left out: now.")] = UNSET,
) -> list[Finding] | None:
    found: list[Finding] | None = await _DIAGNOSIS.resolve(root, info.context, at=at)
    return found


def diagnosis() -> Any:
    """The field ``TicketRequest.diagnosis``."""
    return strawberry.field(
        resolver=_diagnosis,
        description="Why would this request's tickets not open the gate at that time? The gate's own checks, of every "
        "ticket at every admission on it, in their order, one finding for each code and admission; and what keeps a "
        "request that is not confirmed from becoming tickets. What only follows from something else is left out. "
        "Nothing is in the way where none of them says so.",
        metadata={"relation": _DIAGNOSIS},
    )


def _permitted(context: Any) -> tuple[frozenset[str]]:
    return (authorization.permitted(context.actor.role),)


def available_actions(batch: Batch) -> Any:
    """The field ``availableActions`` of a request or a ticket."""
    available = Relation(batch, attrgetter("id"), _permitted, _shown, reads=frozenset({"id"}))

    async def resolve(root: Any, info: strawberry.Info) -> list[AvailableAction] | None:
        found: list[AvailableAction] | None = await available.resolve(root, info.context)
        return found

    return strawberry.field(
        resolver=resolve,
        description="The next steps that this caller may take, and of those that would be refused, why. What the "
        "caller's role may never ask for is left out.",
        metadata={"relation": available},
    )


OF_REQUEST, OF_TICKET = actions.of_requests, actions.of_tickets
