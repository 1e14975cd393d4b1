"""Availability: a slot as a buyer sees it, before anything is asked for."""

from datetime import datetime
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

import db
from db.keys import key
from resolvers import availability
from resolvers.availability import Asked
from resolvers.loaders import Batch

from .money import Money, money
from .node import is_row
from .paging import After, Before, Connection, First, Last, page_of, window
from .refusals import Refusal
from .schedule import TimeSlot


@strawberry.type(
    description="One slot seen by a buyer of so many tickets: whether, how many, at what price, and why not. Create "
    "runs the same tests; what the other admissions and lines of a request change is for create to say."
)
class Availability:
    slot: TimeSlot = strawberry.field(description="The slot.")
    is_sellable: bool = strawberry.field(description="Whether so many could be had now: refusals is empty.")
    remaining: int | None = strawberry.field(
        description="How many more of these tickets could be had, the item's share of the slot considered: tickets, of "
        "which one may take several places. Null when unlimited, never negative."
    )
    unit_price: Money | None = money(
        "unit_price_minor", description="The item's on its default admission, zero on its others."
    )
    total: Money | None = money("total_minor", description="So many times the unit price.")
    refusals: list[Refusal] = strawberry.field(
        description="What create would refuse: the quantity, a blocked item, and of the slot the first failing test."
    )
    is_type_of = is_row(availability.Availability)


ORDER = db.time_slot.BY_START

From = Annotated[
    datetime | None,
    strawberry.argument(
        name="from", description="The least start; left out: the start of today, in the admission's zone."
    ),
]
Until = Annotated[datetime | None, strawberry.argument(description="The last start that counts.")]
Quantity = Annotated[int | None, strawberry.argument(description="How many tickets are wanted; left out: 1.")]
AdmissionCode = Annotated[
    str | None, strawberry.argument(description="Which of the item's admissions; left out: the default one.")
]


async def of_item(
    root: Any,
    info: strawberry.Info,
    from_: From = UNSET,
    until: Until = UNSET,
    quantity: Quantity = UNSET,
    admission_code: AdmissionCode = UNSET,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Connection[Availability] | None:
    """The resolver of ``TicketItem.availability``."""
    which = None if admission_code is UNSET or admission_code is None else key(admission_code)
    page = window(first, after, last, before, ORDER)
    return await _page(info, availability.of_items, root, page, _asked(quantity, from_, until), which)


async def of_content_line(
    root: Any,
    info: strawberry.Info,
    from_: From = UNSET,
    until: Until = UNSET,
    quantity: Quantity = UNSET,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Connection[Availability] | None:
    """The resolver of ``TicketItemAdmission.availability``."""
    page = window(first, after, last, before, ORDER)
    return await _page(info, availability.of_content_lines, root, page, _asked(quantity, from_, until))


async def _page(info: strawberry.Info, batch: Batch, row: Any, *arguments: Any) -> Any:
    found = await info.context.loaders.load(batch, row, *arguments)
    return None if found is None else page_of(found, ORDER)


def _asked(quantity: Any, start: Any, until: Any) -> Asked:
    """The arguments; what was left out or is null says nothing."""
    return Asked(1 if quantity is UNSET or quantity is None else quantity, start or None, until or None)
