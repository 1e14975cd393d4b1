"""Changing one's mind about issued tickets: the mutations, and what they answer."""

from datetime import datetime
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from resolvers import loaders, ticket
from resolvers.ticket import Flag, Move, PrintOutcome, Rescheduling, Revocation, RevokeOutcome
from resolvers.ticket import RescheduleOutcome as Rescheduled

from .admission import Admission
from .money import Money, money
from .node import is_row, row_id
from .personal import personal_input
from .refusals import Refusable, outcome
from .relations import relation
from .sale import AS_IT_STANDS as REQUEST_AS_IT_STANDS
from .sale import TOKEN
from .schedule import TimeSlot
from .ticket import IssuedTicket
from .ticket_request import TicketRequest

NUMBER = "The number printed on the ticket, case ignored."
AS_IT_STANDS = (
    "The ticket as it stands after the commit, or unchanged when refused; null if there is none or it may not be seen."
)
REASON = "Why; for the timeline, at most 1000 characters. No personal data."


CODE = "Of the request behind it: needed from a web store, never asked of staff. Five wrong ones an hour, then no more."
DRY_RUN = "true answers exactly what would happen, and changes nothing; a wrong code counts all the same."


@strawberry.input(description="A ticket to move to another time slot.")
class TicketRescheduleInput:
    external_ticket_no: str = strawberry.field(description=NUMBER)
    admission_code: str = strawberry.field(description="Which admission of it.")
    slot_id: strawberry.ID = strawberry.field(description="Where to; the same slot is nothing to do.")
    authorization_code: str | None = personal_input(description=CODE)
    dry_run: bool | None = strawberry.field(default=UNSET, description=DRY_RUN)


@strawberry.input(description="A request whose tickets are to be moved to another time slot: all, or none.")
class TicketRequestRescheduleInput:
    token: str = strawberry.field(description=TOKEN)
    admission_code: str = strawberry.field(
        description="Which admission of them; tickets that do not admit there stay as they are."
    )
    slot_id: strawberry.ID = strawberry.field(description="Where to; tickets that are there already stay.")
    authorization_code: str | None = personal_input(description=CODE)
    dry_run: bool | None = strawberry.field(default=UNSET, description=DRY_RUN)


@strawberry.input(description="A ticket to give back.")
class TicketRevokeInput:
    external_ticket_no: str = strawberry.field(description=NUMBER)
    authorization_code: str | None = personal_input(description=CODE)
    reason: str | None = strawberry.field(default=UNSET, description=REASON)
    dry_run: bool | None = strawberry.field(default=UNSET, description=DRY_RUN)


@strawberry.input(description="A request whose tickets are to be given back: all that are in force, or none.")
class TicketRequestRevokeInput:
    token: str = strawberry.field(description=TOKEN)
    authorization_code: str | None = personal_input(description=CODE)
    reason: str | None = strawberry.field(default=UNSET, description=REASON)
    dry_run: bool | None = strawberry.field(default=UNSET, description=DRY_RUN)


@strawberry.input(description="A ticket to block, or one admission of it.")
class TicketBlockInput:
    external_ticket_no: str = strawberry.field(description=NUMBER)
    admission_code: str | None = strawberry.field(default=UNSET, description="Left out: the whole ticket.")
    reason: str = strawberry.field(description=REASON)


@strawberry.input(description="A block to take back: that of the whole ticket, or that of one admission of it.")
class TicketUnblockInput:
    external_ticket_no: str = strawberry.field(description=NUMBER)
    admission_code: str | None = strawberry.field(default=UNSET, description="Left out: the whole ticket.")
    reason: str = strawberry.field(description=REASON)


@strawberry.input(description="Tickets that were printed.")
class TicketMarkPrintedInput:
    external_ticket_nos: list[str] = strawberry.field(
        description="The numbers printed on them, case ignored: at least one, and as many as a request may have."
    )


@strawberry.type(description="What became of one admission of a ticket, or would become of it.")
class RescheduleOutcome:
    external_ticket_no: str = strawberry.field(description="The number printed on the ticket; it stays.")
    admission: Admission = relation(loaders.admissions, "admission_id", description="The admission that was moved.")
    from_slot: TimeSlot | None = relation(
        loaders.time_slots, "from_slot_id", description="The slot it was for; null: it had none."
    )
    to_slot: TimeSlot = relation(
        loaders.time_slots, "to_slot_id", description="The slot it is for; the same one, where nothing was to do."
    )
    valid_until: datetime | None = strawberry.field(description="The end of the ticket's validity then; null: no end.")
    is_type_of = is_row(Move)


def _outcome(root: Rescheduled) -> Any:
    return root.moves[0] if root.moves else None


_outcome.__annotations__ = {}


@strawberry.type(description="What became of moving a ticket.")
class TicketReschedulePayload(Refusable):
    ticket: IssuedTicket | None = relation(loaders.issued_tickets, "row_id", description=AS_IT_STANDS)
    outcome: RescheduleOutcome | None = strawberry.field(
        resolver=_outcome, description="From which slot to which; null when refused."
    )
    is_type_of = is_row(Rescheduled)


def _outcomes(root: Rescheduled) -> Any:
    return root.moves


_outcomes.__annotations__ = {}


@strawberry.type(description="What became of moving all tickets of a request.")
class TicketRequestReschedulePayload(Refusable):
    ticket_request: TicketRequest | None = relation(loaders.ticket_requests, "row_id", description=REQUEST_AS_IT_STANDS)
    outcomes: list[RescheduleOutcome] = strawberry.field(
        resolver=_outcomes, description="One per ticket in force that admits there; empty when refused."
    )
    is_type_of = is_row(Rescheduled)


@strawberry.type(description="What became of giving a ticket back.")
class TicketRevokePayload(Refusable):
    ticket: IssuedTicket | None = relation(loaders.issued_tickets, "row_id", description=AS_IT_STANDS)
    refund: Money | None = money(
        "refund_minor",
        description="What is paid back, or would be; null when refused. Nothing for what was not paid yet.",
    )
    is_type_of = is_row(RevokeOutcome)


@strawberry.type(description="What became of giving all tickets of a request back.")
class TicketRequestRevokePayload(Refusable):
    ticket_request: TicketRequest | None = relation(loaders.ticket_requests, "row_id", description=REQUEST_AS_IT_STANDS)
    refund: Money | None = money(
        "refund_minor", description="What is paid back for all tickets, or would be; null when refused."
    )
    is_type_of = is_row(RevokeOutcome)


@strawberry.type(description="What became of a block.")
class TicketBlockPayload(Refusable):
    ticket: IssuedTicket | None = relation(loaders.issued_tickets, "row_id", description=AS_IT_STANDS)


@strawberry.type(description="What became of taking a block back.")
class TicketUnblockPayload(Refusable):
    ticket: IssuedTicket | None = relation(loaders.issued_tickets, "row_id", description=AS_IT_STANDS)


@strawberry.type(description="What became of marking tickets as printed.")
class TicketMarkPrintedPayload(Refusable):
    tickets: list[IssuedTicket] = relation(
        loaders.issued_tickets_together,
        "row_ids",
        empty=(),
        description="The tickets in the order in which they were named, each once; those that are there, when refused.",
    )
    is_type_of = is_row(PrintOutcome)


@strawberry.type
class TicketChangeMutations:
    """Each field is one transaction; wrong authorization codes are counted in one of their own."""

    @strawberry.mutation(
        description="Move one admission of a ticket to another time slot, which must be for sale; the end of its "
        "validity moves along. Into the slot it is for already: nothing is changed."
    )
    async def ticket_reschedule(
        self,
        info: strawberry.Info,
        input: Annotated[TicketRescheduleInput, strawberry.argument(description="Which ticket, and where to.")],
    ) -> TicketReschedulePayload | None:
        asked = _rescheduling(input.external_ticket_no, input)
        return await outcome(ticket.reschedule(info.context, asked), Rescheduled)

    @strawberry.mutation(
        description="Move one admission of every ticket of a request to another time slot: all that are in force and "
        "admit there, or none."
    )
    async def ticket_request_reschedule(
        self,
        info: strawberry.Info,
        input: Annotated[TicketRequestRescheduleInput, strawberry.argument(description="Which request, and where to.")],
    ) -> TicketRequestReschedulePayload | None:
        asked = _rescheduling(input.token, input)
        return await outcome(ticket.reschedule_request(info.context, asked), Rescheduled)

    @strawberry.mutation(
        description="Give a ticket back: its places are free again, and the refund is told. It cannot be undone; the "
        "last revoked ticket cancels the request. Revoking again changes nothing and answers the same."
    )
    async def ticket_revoke(
        self,
        info: strawberry.Info,
        input: Annotated[TicketRevokeInput, strawberry.argument(description="Which ticket, and why.")],
    ) -> TicketRevokePayload | None:
        asked = _revocation(input.external_ticket_no, input)
        return await outcome(ticket.revoke(info.context, asked), RevokeOutcome)

    @strawberry.mutation(
        description="Give back every ticket of a request that is in force, or none; the request is canceled by it."
    )
    async def ticket_request_revoke(
        self,
        info: strawberry.Info,
        input: Annotated[TicketRequestRevokeInput, strawberry.argument(description="Which request, and why.")],
    ) -> TicketRequestRevokePayload | None:
        return await outcome(ticket.revoke_request(info.context, _revocation(input.token, input)), RevokeOutcome)

    @strawberry.mutation(
        description="Block a ticket, or one admission of it: nobody is let in with it until it is unblocked. "
        "Blocking again changes nothing."
    )
    async def ticket_block(
        self,
        info: strawberry.Info,
        input: Annotated[TicketBlockInput, strawberry.argument(description="Which ticket, and why.")],
    ) -> TicketBlockPayload | None:
        return await outcome(ticket.block(info.context, _flag(input)))

    @strawberry.mutation(description="Take a block back. Of what is not blocked, nothing is changed.")
    async def ticket_unblock(
        self,
        info: strawberry.Info,
        input: Annotated[TicketUnblockInput, strawberry.argument(description="Which ticket, and why.")],
    ) -> TicketUnblockPayload | None:
        return await outcome(ticket.unblock(info.context, _flag(input)))

    @strawberry.mutation(
        description="Note that tickets were printed just now, all or none; marked again, they were printed again."
    )
    async def ticket_mark_printed(
        self,
        info: strawberry.Info,
        input: Annotated[TicketMarkPrintedInput, strawberry.argument(description="Which tickets.")],
    ) -> TicketMarkPrintedPayload | None:
        return await outcome(ticket.mark_printed(info.context, input.external_ticket_nos), PrintOutcome)


def _flag(given: TicketBlockInput | TicketUnblockInput) -> Flag:
    code = given.admission_code
    return Flag(given.external_ticket_no, None if code is UNSET else code, given.reason)


def _revocation(name: str, given: TicketRevokeInput | TicketRequestRevokeInput) -> Revocation:
    return Revocation(name, given.authorization_code or None, given.reason or None, bool(given.dry_run))


def _rescheduling(name: str, given: TicketRescheduleInput | TicketRequestRescheduleInput) -> Rescheduling:
    slot_id = row_id(given.slot_id, "TimeSlot")
    return Rescheduling(name, given.admission_code, slot_id, given.authorization_code or None, bool(given.dry_run))
