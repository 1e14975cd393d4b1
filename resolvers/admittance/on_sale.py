"""Admitted with the sale: tickets whose items say so are let in by the very transaction that sells them."""

from collections.abc import Iterable
from datetime import datetime

import db
from db.engine import Write
from db.sales_order import SalesChannel
from db.ticket_item import ActivationMethod, ContentLineRow

from ..context import Context
from ..gate import Facts, verdict
from .admit import let_in
from .facts import Known, Place, filled, gather, known, slots_to_count, used_places


def activates(content: ContentLineRow, channel: str) -> bool:
    """Whether a sale on that channel lets in at once: ALWAYS on any, ON_SALE at a POS."""
    if content.activation == ActivationMethod.ON_SALE:
        return channel == SalesChannel.POS
    return content.activation == ActivationMethod.ALWAYS


async def admit_on_sale(context: Context, write: Write, request_id: int, now: datetime) -> None:
    """Let in with every ticket of a request that was confirmed just now whatever its item admits with the sale.

    Each by itself, and only if every check of the gate passes now: else the sale stands, and the gate decides later.
    So it is where another transaction holds the slot in which people are counted: waiting for it here would turn the
    order in which slots are taken around.
    """
    tickets = await db.ticket.of_request(write, request_id)
    for admission_id, activation in _places(await known(write, tickets, now)):
        admission = (await db.admission.by_ids(write, [admission_id]))[admission_id]
        selling = [one for one in await known(write, tickets, now) if _activation(one, admission_id) == activation]
        facts = await gather(write, selling, Place(admission), now)
        counted = slots_to_count(facts)
        locked = await db.time_slot.lock(write, list(counted), or_skip=True) if counted else {}
        used = await used_places(write, locked, await write.clock())
        passing: list[Facts] = []
        for one in facts:
            if one.slot is not None and one.slot.id in counted.keys() - locked.keys():
                continue
            judged = filled([one], locked, used)[0]
            if verdict(judged) is None:
                passing.append(judged)
                if one.slot is not None and one.slot.id in used:
                    used[one.slot.id] += judged.added
        await let_in(context, write, passing, now, told={"activation": activation})


def _places(tickets: Iterable[Known]) -> list[tuple[int, str]]:
    """Where any of the tickets lets in with the sale, and how it is activated, in the order of the contents."""
    contents = {
        access.content.id: access.content
        for one in tickets
        for access in one.access
        if activates(access.content, one.request.channel)
    }
    return list(dict.fromkeys((contents[id_].admission_id, contents[id_].activation) for id_ in sorted(contents)))


def _activation(one: Known, admission_id: int) -> str | None:
    """How the ticket is let in there with the sale, if it is."""
    for access in one.access:
        if access.admission.id == admission_id and activates(access.content, one.request.channel):
            return access.content.activation
    return None
