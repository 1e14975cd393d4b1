"""At the gate: letting people in and out, and explaining what a gate would say."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import UNSET

from resolvers import lists, loaders
from resolvers.admittance.admit import admit
from resolvers.admittance.depart import depart
from resolvers.admittance.explain import Explanation, explain
from resolvers.admittance.scan import Scan, ScanOutcome, Verdict
from resolvers.gate import Checked, GateCheck

from .admission import Admission
from .enums import describe
from .given import said_of
from .node import is_row, row_id
from .paging import After, Before, CountedConnection, First, Last, page_of, window
from .refusals import Refusable, Refusal, outcome
from .relations import relation

if TYPE_CHECKING:
    from .ticket import IssuedTicket

describe(
    Verdict,
    "What a gate said.",
    ADMITTED="Everybody asked for is now in.",
    RECORDED="They had already walked in, which is kept although it was refused.",
    REFUSED="Nobody was let in.",
)

describe(
    GateCheck,
    "What a gate checks, in this order; the first check that fails is its verdict.",
    KNOWN="A ticket, or a request, has the number.",
    NOT_REVOKED="The ticket was not given back.",
    NOT_BLOCKED="Neither the ticket nor this admission of it is blocked.",
    CONFIRMED="The request is confirmed.",
    PAID="The request is paid, or will be invoiced.",
    VALID="The ticket is valid at that moment.",
    ON_TICKET="The ticket lets in here.",
    RESERVED="It has a reservation, where one is needed.",
    RIGHT_SLOT="The reservation is for the time slot that the gate names, if it names one.",
    OPEN="The time slot takes place, and no calendar closes that day; without a reservation, one is open now.",
    IN_ARRIVAL_WINDOW="Guests of the time slot are let in at that moment.",
    ENTRIES_LEFT="The ticket was not used as often as it may be.",
    DEPENDENCIES_MET="What must have been visited before was, and what must not was not.",
    ROOM_LEFT="They fit in, where those who are inside count.",
)


@strawberry.input(description="A scan at a gate.")
class TicketAdmitInput:
    scanned: str = strawberry.field(
        description="An external ticket number, or a request's token to admit all its tickets, all or none."
    )
    admission_code: str | None = strawberry.field(
        default=UNSET, description="Where the gate lets in. Left out: each ticket's default admission."
    )
    slot_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="Given: only this slot's guests; alone, it names its admission too."
    )
    quantity: int | None = strawberry.field(
        default=UNSET,
        description="How many of a group ticket; left out: all not yet in or, if all were in, the whole group.",
    )
    gate: str | None = strawberry.field(default=UNSET, description="The gate's name, for the timeline.")
    nonce: str | None = strawberry.field(
        default=UNSET,
        description="Scanning again with the same nonce, to the letter, returns the first answer. Unique per client; "
        "with another number it is a CONFLICT.",
    )
    at: datetime | None = strawberry.field(
        default=UNSET,
        description="For scans made while the gate was offline: clock, slot, blocks and validity are those of that "
        "moment; entries, group and room count everything recorded so far. At most 31 days ago.",
    )
    already_admitted: bool | None = strawberry.field(
        default=UNSET,
        description="The guest did walk in; record it whatever the rules say, and list all that is against it.",
    )


@strawberry.input(description="People who go out.")
class TicketDepartInput:
    scanned: str = strawberry.field(
        description="An external ticket number, or a request's token for everybody of it who is inside."
    )
    admission_code: str | None = strawberry.field(
        default=UNSET, description="Where they go out. Left out: each ticket's default admission."
    )
    quantity: int | None = strawberry.field(
        default=UNSET, description="How many of a group ticket; left out: all who are inside."
    )
    gate: str | None = strawberry.field(default=UNSET, description="The gate's name, for the timeline.")
    nonce: str | None = strawberry.field(
        default=UNSET, description="Scanning again with the same nonce returns the first answer."
    )
    at: datetime | None = strawberry.field(default=UNSET, description="When they went, if that was earlier.")


async def _tickets(
    root: ScanOutcome,
    info: strawberry.Info,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> CountedConnection[Annotated["IssuedTicket", strawberry.lazy("schema.ticket")]] | None:
    asked = window(first, after, last, before)

    async def count() -> int:
        return len(root.ticket_ids)

    return page_of(await lists.tickets_of_scan(info.context, asked, root.ticket_ids), count=count)


@strawberry.type(description="What a gate said.")
class TicketAdmitPayload(Refusable):
    verdict: Verdict = strawberry.field(description="Whether they are in.")
    admitted_count: int = strawberry.field(
        name="admittedCount",
        resolver=lambda root: root.people,
        description="How many people come through with this scan; one that was read twice lets them through again, and "
        "is counted once.",
    )
    tickets: CountedConnection[Annotated["IssuedTicket", strawberry.lazy("schema.ticket")]] | None = strawberry.field(
        resolver=_tickets, description="The tickets that were let in."
    )
    is_type_of = is_row(ScanOutcome)


@strawberry.type(description="Who went out.")
class TicketDepartPayload(Refusable):
    departed_count: int = strawberry.field(resolver=lambda root: root.people, description="How many people went out.")
    tickets: CountedConnection[Annotated["IssuedTicket", strawberry.lazy("schema.ticket")]] | None = strawberry.field(
        resolver=_tickets, description="The tickets of who went out."
    )
    is_type_of = is_row(ScanOutcome)


@strawberry.type(description="One check of the gate.")
class AdmissionCheck:
    check: GateCheck = strawberry.field(description="What is checked.")
    is_passed: bool = strawberry.field(description="Whether it passes.")
    refusal: Refusal | None = strawberry.field(description="Why not; null where it passes.")
    is_type_of = is_row(Checked)


@strawberry.type(
    description="Every check that a gate would make, in its order, each passed or refused. Nothing is changed by "
    "asking. Checks whose facts are missing (no ticket, no slot) are left out."
)
class AdmissionExplanation:
    scanned: str = strawberry.field(description="The scan that is explained.")
    ticket: Annotated["IssuedTicket", strawberry.lazy("schema.ticket")] | None = relation(
        loaders.issued_tickets,
        "ticket_id",
        description="The ticket that it is about: of a token, the first that would be refused, else its first.",
    )
    admission: Admission | None = relation(
        loaders.admissions, "admission_id", description="Where it would be let in; null if nobody said, nor the ticket."
    )
    at: datetime = strawberry.field(description="The moment that it is explained for.")
    would_be_admitted: bool = strawberry.field(description="Whether every check passes.")
    checks: list[AdmissionCheck] = strawberry.field(
        description="The checks, in order; the first that fails would be the verdict."
    )
    is_type_of = is_row(Explanation)


@strawberry.type
class AdmittanceQueries:
    @strawberry.field(
        description="What a gate would say to this scan, check by check, without doing it; also for a token or a "
        "number nobody knows. A moment in the past is answered from what was true of the ticket and its slots then, "
        "rebuilt from the timeline; admissions, calendars and maxima are as set up now."
    )
    async def explain_admission(
        self,
        info: strawberry.Info,
        scanned: Annotated[str, strawberry.argument(description="A ticket number, a token, or any text.")],
        admission_code: Annotated[
            str | None, strawberry.argument(description="Where; left out: the ticket's default admission.")
        ] = UNSET,
        slot_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="As if the gate named this slot.")
        ] = UNSET,
        gate: Annotated[
            str | None, strawberry.argument(description="The gate's name; it makes no difference to the rules.")
        ] = UNSET,
        at: Annotated[datetime | None, strawberry.argument(description="When; left out: now.")] = UNSET,
    ) -> AdmissionExplanation | None:
        slot = (row_id(slot_id, "TimeSlot") or 0) if isinstance(slot_id, str) else None
        found: Any = await explain(info.context, scanned, admission_code or None, slot, at or None)
        return found


@strawberry.type
class AdmittanceMutations:
    """Each field is one transaction."""

    @strawberry.mutation(
        description="Let in who was scanned, all of them or nobody. A refused scan is an answer, and is recorded."
    )
    async def ticket_admit(
        self,
        info: strawberry.Info,
        input: Annotated[TicketAdmitInput, strawberry.argument(description="The scan.")],
    ) -> TicketAdmitPayload | None:
        return await outcome(admit(info.context, _scan(input)))

    @strawberry.mutation(description="Let out who is inside; where those inside count, their places are free again.")
    async def ticket_depart(
        self,
        info: strawberry.Info,
        input: Annotated[TicketDepartInput, strawberry.argument(description="Who goes out.")],
    ) -> TicketDepartPayload | None:
        return await outcome(depart(info.context, _scan(input)))


def _scan(input: TicketAdmitInput | TicketDepartInput) -> Scan:
    """An id of something other than a slot is the slot 0, which nobody knows."""
    said = said_of(input)
    people, slot_id = said.pop("quantity", None), said.pop("slot_id", None)
    return Scan(**said, people=people, slot_id=None if slot_id is None else row_id(slot_id, "TimeSlot") or 0)
