"""Data loaders: one per batch function and its arguments, so that what a level of the answer needs is one statement.

A batch function takes the context, a connection and the keys, and answers a mapping; what is missing from it is not
there, or not for this caller to see: ``visibility`` says what may be seen, once per relation.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from aiodataloader import DataLoader

import db
from db.abreast import abreast
from db.engine import Read
from db.paging import ALL, Columns, Page, Window

from . import timeline, visibility
from .admittance.explain import explain_tickets
from .capacity import counted, remaining
from .policy import Extent, Permission
from .slot_use import uses_of

if TYPE_CHECKING:
    from .context import Context

Batch = Callable[..., Coroutine[Any, Any, Mapping[Any, Any]]]
"""``async (context, read, keys, *arguments) -> {key: value}``; the arguments are hashable and the same for all keys.
It waits for nothing but what it reads with: several are read abreast (``db.abreast``).

One whose values are rows, or pages or lists of them, may take ``columns`` as well: those that anybody will look at.
"""

KEYS_AT_ONCE = 10_000
"""The most keys that one statement is given: a full page of full pages."""


class Loaders:
    """What one operation (or one event of a subscription) has read, so that it reads nothing twice.

    Two drivers read through it: ``fetch``, for those who know all the keys of a level, and ``load``, for a resolver
    that knows one. What was read must not outlive the operation.
    """

    def __init__(self, context: "Context") -> None:
        self._context = context
        self._loaders: dict[tuple[Any, ...], DataLoader[Any, Any]] = {}
        self._found: defaultdict[tuple[Any, ...], dict[Any, Any]] = defaultdict(dict)
        self._whole: dict[tuple[Batch, Any], Sequence[Any]] = {}

    async def load(self, batch: Batch, key: Any, *arguments: Any, columns: Columns = ALL) -> Any:
        """The batch function's answer for one key, or None.

        It waits for what else is asked for meanwhile, to read all of it at once; unless the operation waits for nothing
        but this task: to find that there is nothing else takes longer than to read. Shielded: graphql-core cancels the
        siblings of a field that failed, and a cancelled future would stay in the loader's cache for every other field
        that waits for the same key.
        """
        if self._context.sole_task is not None and self._context.sole_task is asyncio.current_task():
            found = await self.fetch(batch, (key,), *arguments, columns=columns)
            if isinstance(value := found[key], Exception):
                raise value
            return value
        asked = (batch, columns, *arguments)
        loader = self._loaders.get(asked)
        if loader is None:
            loader = self._loaders[asked] = self._loader(batch, arguments, columns)
        return await asyncio.shield(loader.load(key))

    def know(self, batch: Batch, key: Any, found: Any) -> None:
        """Be told what the batch function would answer for a key, by who has just written it: it is not read."""
        self._found[(batch,)][key] = found

    def know_all(self, batch: Batch, key: Any, rows: Sequence[Any]) -> None:
        """Be told of all rows that a batch function answers pages of for a key: whatever page is asked for is cut of
        them."""
        self._whole[batch, key] = rows

    def forget(self) -> None:
        """Let go of what was read at once: it would wait for the garbage collector, as the context waits for this."""
        self._loaders.clear()
        self._found.clear()
        self._whole.clear()

    def _loader(self, batch: Batch, arguments: tuple[Any, ...], columns: Columns) -> DataLoader[Any, Any]:
        async def load(keys: list[Any]) -> list[Any]:
            found = await self.fetch(batch, keys, *arguments, columns=columns)
            return [found[key] for key in keys]

        return DataLoader(load, max_batch_size=KEYS_AT_ONCE)

    async def fetch(
        self, batch: Batch, keys: Collection[Any], *arguments: Any, columns: Columns = ALL
    ) -> Mapping[Any, Any]:
        """The batch function's answers for these keys: see ``fetch_all``."""
        (found,) = await self.fetch_all([Wanted(batch, keys, arguments, columns)])
        return found

    async def fetch_all(self, wanted: Sequence["Wanted"]) -> Sequence[Mapping[Any, Any]]:
        """The answers of each batch function for these keys, and others read before: None for what there is not, the
        exception for what could not be read, which is not kept.

        They are read together, on one connection. What was read whole is not read again for some columns.
        """
        found = [self._known(one) for one in wanted]
        chunks: list[tuple[dict[Any, Any], Wanted]] = []
        for into, one in zip(found, wanted, strict=True):
            missing = [key for key in one.keys if key not in into] if into else list(one.keys)
            for i in range(0, len(missing), KEYS_AT_ONCE):
                keys = missing[i : i + KEYS_AT_ONCE]
                chunks.append((into, Wanted(one.batch, keys, one.arguments, one.columns)))
        if not chunks:
            return found
        answers = await self._read([asked for _, asked in chunks])
        failed: dict[int, dict[Any, Exception]] = {}
        for (into, asked), answer in zip(chunks, answers, strict=True):
            if isinstance(answer, Exception):
                failed.setdefault(id(into), {}).update((key, answer) for key in asked.keys)
            else:
                for key in asked.keys:
                    into[key] = answer.get(key)
        return [{**into, **failed[id(into)]} if id(into) in failed else into for into in found] if failed else found

    async def _read(self, wanted: Sequence["Wanted"]) -> Sequence[Any]:
        """What each batch function answers, or raises: together with other operations' where that may be."""
        context = self._context
        if context.coalescer is not None:
            answers = await context.coalescer.read(context, wanted)
            if answers is not None:
                return answers
        try:
            async with context.reading() as read:
                return await abreast(read, [partial(one.read, context) for one in wanted])
        except Exception as cause:
            return [cause] * len(wanted)

    def _known(self, wanted: "Wanted") -> dict[Any, Any]:
        """Where what is read for this is kept."""
        whole = self._found[(wanted.batch, *wanted.arguments)]
        if self._whole:
            for key in wanted.keys:
                if (rows := self._whole.get((wanted.batch, key))) is not None:
                    whole[key] = db.paging.cut(list(rows), *wanted.arguments)
        if wanted.columns is None:
            return whole
        found = self._found[(wanted.batch, wanted.columns, *wanted.arguments)]
        if whole:
            found |= {key: whole[key] for key in wanted.keys if key in whole}
        return found


class Sought(NamedTuple):
    """What one operation looks up: the batch function's answer for this key, which is hashable."""

    batch: Batch
    key: Any
    arguments: tuple[Any, ...] = ()


class Wanted(NamedTuple):
    """The answers of a batch function for these keys; ``columns``, if it takes them."""

    batch: Batch
    keys: Collection[Any]
    arguments: tuple[Any, ...]
    columns: Columns = ALL

    def read(self, context: "Context", read: Read) -> Coroutine[Any, Any, Mapping[Any, Any]]:
        """Ask the batch function."""
        if self.columns is None:
            return self.batch(context, read, self.keys, *self.arguments)
        return self.batch(context, read, self.keys, *self.arguments, columns=self.columns)


# ----------------------------------------------------------------------------------------------- customers


async def customers(context: "Context", read: Read, ids: Sequence[int], columns: Columns = ALL) -> Mapping[int, Any]:
    """Customers by row id."""
    return await db.customer.by_ids(read, ids, where=visibility.registers(context), columns=columns)


async def customers_by_key(
    context: "Context", read: Read, keys: Sequence[str], columns: Columns = ALL
) -> Mapping[str, Any]:
    """Customers by the key of their number."""
    return await db.customer.by_keys(read, keys, where=visibility.registers(context), columns=columns)


async def customers_of_requests(context: "Context", read: Read, request_ids: Sequence[int]) -> Mapping[int, Any]:
    """The customer behind each request."""
    return await db.ticket_request.customers_of(read, request_ids, where=visibility.registers(context))


# -------------------------------------------------------------------------------------------- sales orders


async def sales_orders(context: "Context", read: Read, ids: Sequence[int]) -> Mapping[int, Any]:
    """Sales orders by row id."""
    return await db.sales_order.by_ids(read, ids, where=visibility.registers(context))


async def newest_sales_orders(context: "Context", read: Read, keys: Sequence[str]) -> Mapping[str, Any]:
    """Sales orders by the key of their external number: of several clients' the newest that may be seen."""
    return await db.sales_order.newest_by_order_keys(read, keys, where=visibility.registers(context))


async def sales_orders_by_receipt(
    context: "Context", read: Read, keys: Sequence[tuple[str, str]]
) -> Mapping[tuple[str, str], Any]:
    """Sales orders by the keys of (receipt number, POS unit)."""
    return await db.sales_order.by_receipts(read, keys, where=visibility.registers(context))


OrderKeys = tuple[int, str | None, str | None, str | None]
"""What points a request at its sales order: client, and the keys of order number, receipt number and POS unit."""


async def sales_orders_of_requests(
    context: "Context", read: Read, keys: Sequence[OrderKeys]
) -> Mapping[OrderKeys, Any]:
    """The order of the request's own client and number, else that of its receipt.

    Which one it is does not depend on who asks; whether it is shown does.
    """
    numbers = {(client_id, order) for client_id, order, _, _ in keys if order is not None}
    by_number = await db.sales_order.by_order_keys(read, sorted(numbers)) if numbers else {}
    found: dict[OrderKeys, Any] = {k: by_number[k[0], k[1]] for k in keys if k[1] is not None and k[:2] in by_number}
    receipts = {(receipt, unit) for *_, receipt, unit in keys if receipt is not None and unit is not None}
    by_receipt = await db.sales_order.by_receipts(read, sorted(receipts)) if receipts else {}
    for asked in keys:
        order = found.get(asked) or by_receipt.get((asked[2], asked[3]))  # type: ignore[arg-type]
        if order is not None and visibility.is_in_sight(context, order):
            found[asked] = order
        else:
            found.pop(asked, None)
    return found


# ------------------------------------------------------------------------------------- admissions and slots


async def admissions(_context: "Context", read: Read, ids: Sequence[int], columns: Columns = ALL) -> Mapping[int, Any]:
    """Admissions by row id."""
    return await db.admission.by_ids(read, ids, columns=columns)


async def admissions_by_key(_context: "Context", read: Read, keys: Sequence[str]) -> Mapping[str, Any]:
    """Admissions by the key of their code."""
    return await db.admission.by_keys(read, keys)


async def schedules(_context: "Context", read: Read, ids: Sequence[int]) -> Mapping[int, Any]:
    """Schedules by row id."""
    return await db.schedule.by_ids(read, ids)


async def schedules_by_key(_context: "Context", read: Read, keys: Sequence[str]) -> Mapping[str, Any]:
    """Schedules by the key of their code."""
    return await db.schedule.by_codes(read, keys)


async def schedule_lines(_context: "Context", read: Read, ids: Sequence[int]) -> Mapping[int, Any]:
    """Schedule lines by row id."""
    return await db.schedule.lines_by_ids(read, ids)


async def schedule_lines_of_admissions(_context: "Context", read: Read, ids: Sequence[int]) -> Mapping[int, Any]:
    """The schedule lines of each admission."""
    return await db.schedule.lines_of_admissions(read, ids)


async def schedule_lines_of_schedules(_context: "Context", read: Read, ids: Sequence[int]) -> Mapping[int, Any]:
    """The lines that join each schedule to admissions."""
    return await db.schedule.lines_of_schedules(read, ids)


async def calendars(_context: "Context", read: Read, ids: Sequence[int]) -> Mapping[int, Any]:
    """Calendars by row id."""
    return await db.calendar.by_ids(read, ids)


async def calendars_by_key(_context: "Context", read: Read, keys: Sequence[str]) -> Mapping[str, Any]:
    """Calendars by the key of their code."""
    return await db.calendar.by_keys(read, keys)


async def lines_of_calendars(_context: "Context", read: Read, ids: Sequence[int]) -> Mapping[int, Any]:
    """The lines of each calendar."""
    return await db.calendar.lines_of(read, ids)


async def time_slots(_context: "Context", read: Read, ids: Sequence[int]) -> Mapping[int, Any]:
    """Time slots by row id."""
    return await db.time_slot.by_ids(read, ids)


async def slots_of_admissions(
    _context: "Context", read: Read, keys: Sequence[tuple[int, datetime]], window: Window, until: datetime | None
) -> Mapping[tuple[int, datetime], Page[Any]]:
    """One page of slots per (admission id, the least start)."""
    return await db.time_slot.pages_of_admissions(read, keys, window, until)


class SlotNumbers(NamedTuple):
    """How full a slot is at ``now``, in places: held, sold, of people ever let in and inside, and remaining."""

    held: int
    sold: int
    admitted: int
    inside: int
    remaining: int | None


async def slot_numbers(
    context: "Context", read: Read, slots: Sequence[db.time_slot.TimeSlotRow]
) -> Mapping[db.time_slot.TimeSlotRow, SlotNumbers]:
    """How full each slot is."""
    uses = await uses_of(read, slots, context.now, is_shown=True)
    return {
        slot: SlotNumbers(use.held, use.sold, use.admitted, use.inside, remaining(slot, use))
        for slot, use in ((slot, uses[slot.id]) for slot in slots)
    }


async def ledgers(
    context: "Context", read: Read, slots: Sequence[db.time_slot.TimeSlotRow], window: Window
) -> Mapping[db.time_slot.TimeSlotRow, db.ledger.Ledger]:
    """One page of the ledger of each slot."""
    found = await db.ledger.pages(read, [counted(slot) for slot in slots], window, context.now)
    return {slot: found[counted(slot)] for slot in slots}


async def capacity_entries(context: "Context", read: Read, ids: Sequence[int]) -> Mapping[int, Any]:
    """Lines of ledgers by id; what no longer takes a place is no line any more."""
    slot_ids = await db.ledger.slots_of(read, ids)
    slots = await db.time_slot.by_ids(read, sorted(set(slot_ids.values())))
    return await db.ledger.by_ids(read, ids, [counted(slot) for slot in slots.values()], context.now)


# -------------------------------------------------------------------------------------------- ticket items


async def ticket_types(_context: "Context", read: Read, ids: Sequence[int]) -> Mapping[int, Any]:
    """Ticket types by row id."""
    return await db.ticket_item.types_by_ids(read, ids)


async def ticket_items(_context: "Context", read: Read, ids: Sequence[int]) -> Mapping[int, Any]:
    """Items by row id."""
    return await db.ticket_item.by_ids(read, ids)


async def ticket_items_by_number(
    _context: "Context", read: Read, keys: Sequence[tuple[str, str]]
) -> Mapping[tuple[str, str], Any]:
    """Items by the keys of (item number, variant code)."""
    return await db.ticket_item.by_numbers(read, keys)


async def ticket_items_by_barcode(_context: "Context", read: Read, keys: Sequence[str]) -> Mapping[str, Any]:
    """Items by the keys of their bar codes."""
    return await db.ticket_item.by_barcodes(read, keys)


async def ticket_items_of_admissions(
    _context: "Context", read: Read, ids: Sequence[int], window: Window
) -> Mapping[int, Page[Any]]:
    """One page of items per admission that they let into."""
    return await db.ticket_item.pages_of_admissions(read, ids, window)


async def barcodes_of_items(_context: "Context", read: Read, ids: Sequence[int]) -> Mapping[int, Any]:
    """The bar codes of each item."""
    return await db.ticket_item.barcodes_of(read, ids)


async def contents_of_items(_context: "Context", read: Read, ids: Sequence[int]) -> Mapping[int, Any]:
    """The content lines in force of each item."""
    return await db.ticket_item.contents_of(read, ids)


async def content_lines(_context: "Context", read: Read, ids: Sequence[int]) -> Mapping[int, Any]:
    """Content lines by row id, retired ones too."""
    return await db.ticket_item.content_lines_by_ids(read, ids)


async def dependencies_of_content_lines(_context: "Context", read: Read, ids: Sequence[int]) -> Mapping[int, Any]:
    """The dependencies of each content line."""
    return await db.ticket_item.dependencies_of(read, ids)


# ----------------------------------------------------------------------------------------- ticket requests


async def ticket_requests(
    context: "Context", read: Read, ids: Sequence[int], columns: Columns = ALL
) -> Mapping[int, Any]:
    """Requests by row id."""
    return await db.ticket_request.by_ids(read, ids, context.now, where=visibility.requests(context), columns=columns)


async def ticket_requests_by_token(
    context: "Context", read: Read, keys: Sequence[str], columns: Columns = ALL
) -> Mapping[str, Any]:
    """Requests by the key of their token."""
    where = visibility.requests(context)
    return await db.ticket_request.by_token_keys(read, keys, context.now, where=where, columns=columns)


async def ticket_requests_of_customers(
    context: "Context", read: Read, keys: Sequence[str], window: Window, columns: Columns = ALL
) -> Mapping[str, Page[Any]]:
    """One page of requests per customer number."""
    where = visibility.requests(context)
    return await db.ticket_request.pages_of_customers(read, keys, window, context.now, where=where, columns=columns)


async def ticket_request_counts_of_customers(
    context: "Context", read: Read, keys: Sequence[str]
) -> Mapping[str, int | None]:
    """How many requests per customer number."""
    return await db.ticket_request.counts_of_customers(read, keys, where=visibility.requests(context))


async def ticket_requests_of_sales_orders(
    context: "Context", read: Read, ids: Sequence[int], window: Window, columns: Columns = ALL
) -> Mapping[int, Page[Any]]:
    """One page of requests per sales order."""
    where = visibility.requests(context)
    return await db.ticket_request.pages_of_sales_orders(read, ids, window, context.now, where=where, columns=columns)


async def ticket_request_counts_of_sales_orders(
    context: "Context", read: Read, ids: Sequence[int]
) -> Mapping[int, int | None]:
    """How many requests per sales order."""
    return await db.ticket_request.counts_of_sales_orders(read, ids, where=visibility.requests(context))


async def references(context: "Context", read: Read, ids: Sequence[int], columns: Columns = ALL) -> Mapping[int, Any]:
    """References by row id, replaced ones too."""
    return await db.ticket_request.references_by_ids(read, ids, where=visibility.references(context), columns=columns)


async def references_of_requests(
    context: "Context", read: Read, ids: Sequence[int], columns: Columns = ALL
) -> Mapping[int, Any]:
    """The references in force of each request."""
    return await db.ticket_request.references_of_requests(
        read, ids, where=visibility.references(context), columns=columns
    )


async def entries(context: "Context", read: Read, ids: Sequence[int], columns: Columns = ALL) -> Mapping[int, Any]:
    """Entries by row id, replaced ones too."""
    return await db.ticket_request.entries_by_ids(
        read, ids, context.now, where=visibility.entries(context), columns=columns
    )


async def entries_of_requests(
    context: "Context", read: Read, ids: Sequence[int], columns: Columns = ALL
) -> Mapping[int, Any]:
    """The entries in force of each request."""
    where = visibility.entries(context)
    return await db.ticket_request.entries_of_requests(read, ids, context.now, where=where, columns=columns)


async def entries_of_references(
    context: "Context", read: Read, ids: Sequence[int], columns: Columns = ALL
) -> Mapping[int, Any]:
    """The entries of each reference."""
    return await db.ticket_request.entries_of_lines(read, ids, context.now, columns=columns)


# ------------------------------------------------------------------------------------------ issued tickets


async def issued_tickets(
    context: "Context", read: Read, ids: Sequence[int], columns: Columns = ALL
) -> Mapping[int, Any]:
    """Tickets by row id."""
    return await db.ticket.by_ids(read, ids, where=visibility.tickets(context), columns=columns)


async def issued_tickets_together(
    context: "Context", read: Read, keys: Sequence[tuple[int, ...]]
) -> Mapping[tuple[int, ...], Any]:
    """Several tickets by row id, in that order: what one mutation was about."""
    found = await issued_tickets(context, read, sorted({ticket_id for ids in keys for ticket_id in ids}))
    return {ids: [found[ticket_id] for ticket_id in ids if ticket_id in found] for ids in keys}


async def issued_tickets_by_number(
    context: "Context", read: Read, keys: Sequence[tuple[str, str]], columns: Columns = ALL
) -> Mapping[tuple[str, str], Any]:
    """Tickets by ("external", key of the external number) or ("internal", key of the internal one).

    Both kinds in one batch: a gate then knows all the tickets it named before anything beside them is read.
    """
    names_exactly = context.extent(Permission.READ_TICKETS) is Extent.EXACT
    where = None if names_exactly else visibility.tickets(context)
    shown = columns if columns is None else columns | {"id"}
    found: dict[tuple[str, str], Any] = {}
    for kind, find in (("external", db.ticket.by_number_keys), ("internal", db.ticket.by_ticket_nos)):
        if numbers := [number for asked, number in keys if asked == kind]:
            rows = await find(read, numbers, where=where, columns=shown)
            found |= {(kind, number): row for number, row in rows.items()}
    if names_exactly:
        context.found_tickets.update(row.id for row in found.values())
    return found


async def tickets_of_requests(
    context: "Context", read: Read, ids: Sequence[int], window: Window, columns: Columns = ALL
) -> Mapping[int, Page[Any]]:
    """One page of tickets per request."""
    return await db.ticket.pages_of_requests(read, ids, window, where=visibility.tickets(context), columns=columns)


async def ticket_counts_of_requests(context: "Context", read: Read, ids: Sequence[int]) -> Mapping[int, int | None]:
    """How many tickets per request."""
    return await db.ticket.counts_of_requests(read, ids, where=visibility.tickets(context))


async def tickets_of_references(
    context: "Context", read: Read, ids: Sequence[int], window: Window, columns: Columns = ALL
) -> Mapping[int, Page[Any]]:
    """One page of tickets per reference."""
    return await db.ticket.pages_of_lines(read, ids, window, where=visibility.tickets(context), columns=columns)


async def ticket_counts_of_references(context: "Context", read: Read, ids: Sequence[int]) -> Mapping[int, int | None]:
    """How many tickets per reference."""
    return await db.ticket.counts_of_lines(read, ids, where=visibility.tickets(context))


async def tickets_of_customers(
    context: "Context", read: Read, keys: Sequence[str], window: Window, columns: Columns = ALL
) -> Mapping[str, Page[Any]]:
    """One page of tickets per customer number."""
    return await db.ticket.pages_of_customers(read, keys, window, where=visibility.tickets(context), columns=columns)


async def ticket_counts_of_customers(context: "Context", read: Read, keys: Sequence[str]) -> Mapping[str, int | None]:
    """How many tickets per customer number."""
    return await db.ticket.counts_of_customers(read, keys, where=visibility.tickets(context))


async def access_entries(
    context: "Context", read: Read, ids: Sequence[int], columns: Columns = ALL
) -> Mapping[int, Any]:
    """Access entries by row id."""
    return await db.ticket.access_entries_by_ids(read, ids, where=visibility.access_entries(context), columns=columns)


async def access_entries_of_tickets(
    _context: "Context", read: Read, ids: Sequence[int], columns: Columns = ALL
) -> Mapping[int, Any]:
    """The access entries of each ticket."""
    return await db.ticket.access_entries_of(read, ids, columns=columns)


async def explanations(
    context: "Context", read: Read, ids: Sequence[int], admission_code: str | None, at: datetime | None
) -> Mapping[int, Any]:
    """What a gate would say to each ticket, at that admission (its default one), at that moment (now)."""
    return await explain_tickets(context, read, ids, admission_code, at)


# ------------------------------------------------------------------------------------------------ timeline


async def events(context: "Context", read: Read, ids: Sequence[int]) -> Mapping[int, Any]:
    """Events by row id."""
    return await db.timeline.by_ids(read, ids, where=visibility.events(context))


async def events_of_requests(
    context: "Context", read: Read, ids: Sequence[int], window: Window
) -> Mapping[int, Page[Any]]:
    """One page of events per request."""
    await timeline.check(read, window)
    return await db.timeline.pages_of_requests(read, ids, window, where=visibility.views(context))


async def events_of_tickets(
    _context: "Context", read: Read, ids: Sequence[int], window: Window
) -> Mapping[int, Page[Any]]:
    """One page of events per ticket."""
    await timeline.check(read, window)
    return await db.timeline.pages_of_tickets(read, ids, window)


async def events_of_access_entries(
    _context: "Context", read: Read, ids: Sequence[int], window: Window
) -> Mapping[int, Page[Any]]:
    """One page of arrivals, departures and refusals per access entry."""
    await timeline.check(read, window)
    return await db.timeline.pages_of_access_entries(read, ids, window)
