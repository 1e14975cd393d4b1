"""Changing one's mind about issued tickets: the mutations, and what they answer."""

from typing import Annotated

import strawberry
from strawberry import UNSET

from resolvers import loaders, ticket
from resolvers.ticket import Flag, PrintOutcome

from .node import is_row
from .refusals import Refusable, outcome
from .relations import relation
from .ticket import IssuedTicket

NUMBER = "The number printed on the ticket, case ignored."
AS_IT_STANDS = (
    "The ticket as it stands after the commit, or unchanged when refused; null if there is none or it may not be seen."
)
REASON = "Why; for the timeline, at most 1000 characters. No personal data."


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
    """Each field is one transaction."""

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
