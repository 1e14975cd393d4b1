"""The life of a request: the mutations that a web store and a POS send, from create to a change of its holder."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

import strawberry
from strawberry import UNSET

from db.sales_order import SalesChannel
from db.ticket_request import PaymentOption
from resolvers import loaders, ticket_request
from resolvers.context import Rules
from resolvers.ticket_request import Confirmation, Payment, RequestedAdmission, RequestedLine, Sale
from resolvers.ticket_request.create import CreateOutcome

from .money import Money, money
from .node import is_row, row_id
from .personal import personal_input
from .refusals import Refusable, outcome
from .relations import relation
from .ticket_request import TicketRequest

TOKEN = "The request's token."
LINES = f"What is asked for: at least one line, by default at most {Rules().lines_per_request}."
AS_IT_STANDS = (
    "The request as it stands after the commit, or unchanged when refused; null if there is none or it may not be seen."
)


# -------------------------------------------------------------------------------------------------- inputs


@strawberry.input(description="One admission of a line, where it differs from the item's bill of material.")
class RequestedAdmissionInput:
    admission_code: str = strawberry.field(description="An admission that the item admits to.")
    slot_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="The time slot; left out: picked by the admission's default schedule."
    )
    is_included: bool | None = strawberry.field(
        default=UNSET, description="false leaves an optional admission out; true (the default) takes it."
    )


@strawberry.input(description="One requested item: how many, at what price, for which time slots.")
class TicketRequestLineInput:
    item_no: str = strawberry.field(description="Item number, or a bar code.")
    variant_code: str | None = strawberry.field(
        default=UNSET, description="The item's variant; a bar code names it already."
    )
    quantity: int = strawberry.field(description="Number of tickets; of a group ticket, people. At least 1.")
    unit_price: Decimal | None = strawberry.field(
        default=UNSET, description="A dictated price including VAT (a discounted sale). Left out: the item's."
    )
    admissions: list[RequestedAdmissionInput] | None = strawberry.field(
        default=UNSET, description="Admissions not listed follow the item's bill of material."
    )
    external_ticket_nos: list[str] | None = strawberry.field(
        default=UNSET,
        description="Numbers dictated by the caller, one per ticket. "
        f"By default a request has at most {Rules().tickets_per_request} tickets.",
    )


@strawberry.input(description="What is known of the guest. Absent leaves as it is, null clears.")
class TicketHolderInput:
    customer_no: str | None = strawberry.field(
        default=UNSET, description="The shop's customer number; it need not be in the register yet."
    )
    email: str | None = personal_input(description="E-mail address.")
    phone: str | None = personal_input(description="Phone number, in any notation.")
    name: str | None = personal_input(description="The ticket holder's name.")
    language: str | None = strawberry.field(
        default=UNSET, description="Language tag for what is sent to them, as `da`."
    )


@strawberry.input(description="A sale in a web store or the back office.")
class TicketRequestCreateInWebStoreInput:
    token: str | None = strawberry.field(
        default=UNSET,
        description="Made by the client, it makes a retry safe; left out: the order number makes it safe.",
    )
    external_order_no: str | None = strawberry.field(
        default=UNSET, description="The shop's order number: one living request per client and number."
    )
    holder: TicketHolderInput | None = strawberry.field(default=UNSET, description="What is known of the guest.")
    lines: list[TicketRequestLineInput] = strawberry.field(description=LINES)
    dry_run: bool | None = strawberry.field(
        default=UNSET, description="true answers prices and refusals and holds nothing."
    )


@strawberry.input(description="A sale at a POS.")
class TicketRequestCreateAtPosInput:
    token: str | None = strawberry.field(
        default=UNSET, description="Made by the client, it makes a retry safe: at a POS nothing else does."
    )
    receipt_no: str = strawberry.field(
        description="The receipt that the sale stands on; it may carry several requests."
    )
    pos_unit_no: str = strawberry.field(description="The POS unit that prints the receipt.")
    salesperson_code: str | None = strawberry.field(default=UNSET, description="Who sells.")
    holder: TicketHolderInput | None = strawberry.field(default=UNSET, description="What is known of the guest.")
    lines: list[TicketRequestLineInput] = strawberry.field(description=LINES)
    may_exceed_capacity: bool | None = strawberry.field(
        default=UNSET, description="The cashier said yes to going over capacity; counts only where the item allows it."
    )
    dry_run: bool | None = strawberry.field(
        default=UNSET, description="true answers prices and refusals and holds nothing."
    )


@strawberry.input(description="Other lines for a registered request.")
class TicketRequestUpdateInput:
    token: str = strawberry.field(description=TOKEN)
    lines: list[TicketRequestLineInput] = strawberry.field(
        description=f"All lines that shall stand from now on. {LINES}"
    )
    may_exceed_capacity: bool | None = strawberry.field(
        default=UNSET, description="The cashier said yes to going over capacity; counts only where the item allows it."
    )


@strawberry.input(description="A fresh hold for a request.")
class TicketRequestExtendInput:
    token: str = strawberry.field(description=TOKEN)
    may_exceed_capacity: bool | None = strawberry.field(
        default=UNSET, description="At a POS: an expired request may come back over capacity, where the item allows it."
    )


@strawberry.input(description="The sale stands. Blanks of the request are filled; what the sale said stays.")
class TicketRequestConfirmInput:
    token: str = strawberry.field(description=TOKEN)
    external_order_no: str | None = strawberry.field(
        default=UNSET, description="The shop's order number, if it was not known before."
    )
    payment_option: PaymentOption | None = strawberry.field(
        default=UNSET,
        description="Left out: DIRECT at a POS; else PREPAID with a payment reference or an order number; else UNPAID.",
    )
    payment_reference: str | None = strawberry.field(default=UNSET, description="What the payment is known by.")
    receipt_no: str | None = strawberry.field(default=UNSET, description="The receipt, together with posUnitNo.")
    pos_unit_no: str | None = strawberry.field(default=UNSET, description="The POS unit, together with receiptNo.")
    salesperson_code: str | None = strawberry.field(default=UNSET, description="Who sells.")
    holder: TicketHolderInput | None = strawberry.field(
        default=UNSET, description="Fills what is not known of the guest yet."
    )


@strawberry.input(description="The payment of a request that was confirmed unpaid.")
class TicketRequestPayInput:
    token: str = strawberry.field(description=TOKEN)
    payment_option: PaymentOption = strawberry.field(description="How it was paid; not UNPAID.")
    payment_reference: str = strawberry.field(description="What the payment is known by; it makes a retry safe.")
    receipt_no: str | None = strawberry.field(
        default=UNSET, description="For a picked-up web order: the receipt it was paid on, together with posUnitNo."
    )
    pos_unit_no: str | None = strawberry.field(default=UNSET, description="The POS unit, together with receiptNo.")
    salesperson_code: str | None = strawberry.field(default=UNSET, description="Who took the payment.")


@strawberry.input(description="A request to give up.")
class TicketRequestCancelInput:
    token: str = strawberry.field(description=TOKEN)
    reason: str | None = strawberry.field(default=UNSET, description="Why; for the timeline. No personal data.")


@strawberry.input(description="A change of what is known of the guest.")
class TicketRequestHolderChangeInput:
    token: str = strawberry.field(description=TOKEN)
    holder: TicketHolderInput = strawberry.field(description="What changes.")


# ------------------------------------------------------------------------------------------------ payloads


@strawberry.type(description="What became of a sale in a web store.")
class TicketRequestCreateInWebStorePayload(Refusable):
    ticket_request: TicketRequest | None = relation(loaders.ticket_requests, "row_id", description=AS_IT_STANDS)

    total: Money | None = money("total_minor", description="What it would cost, or costs.")
    is_type_of = is_row(CreateOutcome)


@strawberry.type(description="What became of a sale at a POS.")
class TicketRequestCreateAtPosPayload(Refusable):
    ticket_request: TicketRequest | None = relation(loaders.ticket_requests, "row_id", description=AS_IT_STANDS)

    total: Money | None = money("total_minor", description="What it would cost, or costs.")
    is_type_of = is_row(CreateOutcome)


@strawberry.type(description="What became of other lines.")
class TicketRequestUpdatePayload(Refusable):
    ticket_request: TicketRequest | None = relation(loaders.ticket_requests, "row_id", description=AS_IT_STANDS)


@strawberry.type(description="What became of a fresh hold.")
class TicketRequestExtendPayload(Refusable):
    ticket_request: TicketRequest | None = relation(loaders.ticket_requests, "row_id", description=AS_IT_STANDS)


@strawberry.type(description="What became of a confirmation.")
class TicketRequestConfirmPayload(Refusable):
    ticket_request: TicketRequest | None = relation(loaders.ticket_requests, "row_id", description=AS_IT_STANDS)


@strawberry.type(description="What became of a payment.")
class TicketRequestPayPayload(Refusable):
    ticket_request: TicketRequest | None = relation(loaders.ticket_requests, "row_id", description=AS_IT_STANDS)


@strawberry.type(description="What became of giving up.")
class TicketRequestCancelPayload(Refusable):
    ticket_request: TicketRequest | None = relation(loaders.ticket_requests, "row_id", description=AS_IT_STANDS)


@strawberry.type(description="What became of a change of holder.")
class TicketRequestHolderChangePayload(Refusable):
    ticket_request: TicketRequest | None = relation(loaders.ticket_requests, "row_id", description=AS_IT_STANDS)


# ----------------------------------------------------------------------------------------------- mutations


@strawberry.type
class SaleMutations:
    """Each field is one transaction."""

    @strawberry.mutation(
        description="Register a sale of a web store: it holds its places until it is confirmed or its time runs out."
    )
    async def ticket_request_create_in_web_store(
        self,
        info: strawberry.Info,
        input: Annotated[TicketRequestCreateInWebStoreInput, strawberry.argument(description="The sale.")],
    ) -> TicketRequestCreateInWebStorePayload | None:
        sale = Sale(
            channel=SalesChannel.WEB_STORE,
            lines=_lines(input.lines),
            token=input.token or None,
            holder=_holder(input.holder),
            external_order_no=input.external_order_no or None,
            is_dry_run=bool(input.dry_run),
        )
        return await outcome(ticket_request.create(info.context, sale))

    @strawberry.mutation(
        description="Register a sale of a POS: it holds its places until it is confirmed or its time runs out."
    )
    async def ticket_request_create_at_pos(
        self,
        info: strawberry.Info,
        input: Annotated[TicketRequestCreateAtPosInput, strawberry.argument(description="The sale.")],
    ) -> TicketRequestCreateAtPosPayload | None:
        sale = Sale(
            channel=SalesChannel.POS,
            lines=_lines(input.lines),
            token=input.token or None,
            holder=_holder(input.holder),
            receipt_no=input.receipt_no,
            pos_unit_no=input.pos_unit_no,
            salesperson_code=input.salesperson_code or None,
            may_exceed_capacity=bool(input.may_exceed_capacity),
            is_dry_run=bool(input.dry_run),
        )
        return await outcome(ticket_request.create(info.context, sale))

    @strawberry.mutation(
        description="Replace the lines of a registered request; the token and the end of the hold stay."
    )
    async def ticket_request_update(
        self,
        info: strawberry.Info,
        input: Annotated[TicketRequestUpdateInput, strawberry.argument(description="Which request, and its lines.")],
    ) -> TicketRequestUpdatePayload | None:
        exceed = bool(input.may_exceed_capacity)
        lines = _lines(input.lines)
        return await outcome(ticket_request.update(info.context, input.token, lines, may_exceed_capacity=exceed))

    @strawberry.mutation(
        description="Pre-confirm: a fresh hold just before payment. An expired request comes back if there is room."
    )
    async def ticket_request_extend(
        self,
        info: strawberry.Info,
        input: Annotated[TicketRequestExtendInput, strawberry.argument(description="Which request.")],
    ) -> TicketRequestExtendPayload | None:
        exceed = bool(input.may_exceed_capacity)
        extended = ticket_request.extend(info.context, input.token, may_exceed_capacity=exceed)
        return await outcome(extended)

    @strawberry.mutation(
        description="Sell what the request holds and issue its tickets. Confirming again changes nothing."
    )
    async def ticket_request_confirm(
        self,
        info: strawberry.Info,
        input: Annotated[
            TicketRequestConfirmInput, strawberry.argument(description="Which request, and how it is paid.")
        ],
    ) -> TicketRequestConfirmPayload | None:
        confirmation = Confirmation(
            token=input.token,
            external_order_no=input.external_order_no or None,
            payment_option=input.payment_option or None,
            payment_reference=input.payment_reference or None,
            receipt_no=input.receipt_no or None,
            pos_unit_no=input.pos_unit_no or None,
            salesperson_code=input.salesperson_code or None,
            holder=_holder(input.holder),
        )
        return await outcome(ticket_request.confirm(info.context, confirmation))

    @strawberry.mutation(
        description="Pay what was confirmed unpaid. Paying again with the same reference changes nothing."
    )
    async def ticket_request_pay(
        self,
        info: strawberry.Info,
        input: Annotated[TicketRequestPayInput, strawberry.argument(description="Which request, and its payment.")],
    ) -> TicketRequestPayPayload | None:
        payment = Payment(
            token=input.token,
            payment_option=input.payment_option,
            payment_reference=input.payment_reference,
            receipt_no=input.receipt_no or None,
            pos_unit_no=input.pos_unit_no or None,
            salesperson_code=input.salesperson_code or None,
        )
        return await outcome(ticket_request.pay(info.context, payment))

    @strawberry.mutation(description="Give up a request that is not confirmed; its places are free at once.")
    async def ticket_request_cancel(
        self,
        info: strawberry.Info,
        input: Annotated[TicketRequestCancelInput, strawberry.argument(description="Which request, and why.")],
    ) -> TicketRequestCancelPayload | None:
        return await outcome(ticket_request.cancel(info.context, input.token, input.reason or None))

    @strawberry.mutation(description="Change what is known of the guest. Absent leaves as it is, null clears.")
    async def ticket_request_holder_change(
        self,
        info: strawberry.Info,
        input: Annotated[
            TicketRequestHolderChangeInput, strawberry.argument(description="Which request, and what changes.")
        ],
    ) -> TicketRequestHolderChangePayload | None:
        changed = ticket_request.change_holder(info.context, input.token, _holder(input.holder))
        return await outcome(changed)


def _lines(given: list[TicketRequestLineInput]) -> tuple[RequestedLine, ...]:
    return tuple(
        RequestedLine(
            item_no=line.item_no,
            quantity=line.quantity,
            variant_code=line.variant_code or None,
            unit_price=line.unit_price if line.unit_price is not UNSET else None,
            admissions=tuple(_admission(admission) for admission in line.admissions or ()),
            external_ticket_nos=tuple(line.external_ticket_nos) if line.external_ticket_nos else None,
        )
        for line in given
    )


def _admission(given: RequestedAdmissionInput) -> RequestedAdmission:
    """An id of something other than a slot is the slot 0, which nobody knows."""
    slot_id = (row_id(given.slot_id, "TimeSlot") or 0) if isinstance(given.slot_id, str) else None
    is_included = given.is_included is UNSET or given.is_included is not False
    return RequestedAdmission(given.admission_code, slot_id, is_included)


def _holder(given: TicketHolderInput | None) -> Mapping[str, str | None]:
    if not given:
        return {}
    return {name: value for name, value in vars(given).items() if value is not UNSET}
