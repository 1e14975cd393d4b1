"""What is sold: ticket types, items with their bar codes, and their contents (the bill of material).

Content lines are insert-only: a change retires the old lines and adds new ones, so that whatever points at a line keeps
the rules under which it was sold.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    select,
)

from .admission import admission
from .base import BigId, Instant, id_column, metadata
from .calendar import calendar
from .conditions import Lasting
from .engine import Read, Write
from .keys import key
from .paging import Listing, OfKeys, Page, Window, each, is_one_of, keys_for


class TicketKind(StrEnum):
    INDIVIDUAL = "INDIVIDUAL"
    GROUP = "GROUP"


class AdmissionInclusion(StrEnum):
    REQUIRED = "REQUIRED"
    SELECTED = "SELECTED"
    NOT_SELECTED = "NOT_SELECTED"


class ActivationMethod(StrEnum):
    SCAN = "SCAN"
    ON_SALE = "ON_SALE"
    ALWAYS = "ALWAYS"


class EntryValidation(StrEnum):
    SINGLE = "SINGLE"
    SAME_DAY = "SAME_DAY"
    MULTIPLE = "MULTIPLE"


class ReschedulePolicy(StrEnum):
    NOT_ALLOWED = "NOT_ALLOWED"
    UNTIL_USED = "UNTIL_USED"
    CUT_OFF_HOURS = "CUT_OFF_HOURS"


class RevokePolicy(StrEnum):
    UNUSED = "UNUSED"
    NEVER = "NEVER"
    ALWAYS = "ALWAYS"


class DependencyKind(StrEnum):
    VISITED_BEFORE = "VISITED_BEFORE"
    EXCLUDES = "EXCLUDES"
    WITHIN_MINUTES = "WITHIN_MINUTES"


ticket_type = Table(
    "ticket_type",
    metadata,
    id_column(),
    Column("code", Text, nullable=False),
    Column("code_key", Text, nullable=False, unique=True),
    Column("description", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("external_ticket_pattern", Text, nullable=False),
)

ticket_item = Table(
    "ticket_item",
    metadata,
    id_column(),
    Column("item_no", Text, nullable=False),
    Column("item_key", Text, nullable=False),
    Column("variant_code", Text),
    Column("variant_key", Text, nullable=False, server_default="", comment="empty: no variant"),
    Column("description", Text, nullable=False),
    Column("ticket_type_id", BigId, ForeignKey(ticket_type.c.id), nullable=False),
    Column("unit_price_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("is_blocked", Boolean, nullable=False),
    UniqueConstraint("item_key", "variant_key"),
    CheckConstraint("unit_price_minor >= 0", name="unit_price_minor"),
    Index(None, "ticket_type_id"),
)

item_barcode = Table(
    "item_barcode",
    metadata,
    Column("barcode_key", Text, primary_key=True),
    Column("barcode", Text, nullable=False),
    Column("item_id", BigId, ForeignKey(ticket_item.c.id), nullable=False),
    Index(None, "item_id"),
)

content_line = Table(
    "content_line",
    metadata,
    id_column(),
    Column("item_id", BigId, ForeignKey(ticket_item.c.id), nullable=False),
    Column("admission_id", BigId, ForeignKey(admission.c.id), nullable=False),
    Column("is_default", Boolean, nullable=False),
    Column("inclusion", Text, nullable=False),
    Column("quantity", Integer, nullable=False, comment="places per ticket"),
    Column("activation", Text, nullable=False),
    Column("entry_validation", Text, nullable=False),
    Column("max_entries", Integer),
    Column("duration_days", Integer),
    Column("reschedule_policy", Text, nullable=False),
    Column("reschedule_cut_off_seconds", Integer),
    Column("revoke_policy", Text, nullable=False),
    Column("refund_basis_points", Integer, nullable=False, comment="hundredths of a percent"),
    Column("rescan_within_seconds", Integer),
    Column("capacity_basis_points", Integer, nullable=False, comment="hundredths of a percent"),
    Column("pos_may_exceed_capacity", Boolean, nullable=False),
    Column("calendar_id", BigId, ForeignKey(calendar.c.id)),
    Column("retired_at", Instant),
    CheckConstraint("quantity >= 1", name="quantity"),
    Index(None, "item_id"),
    Index(None, "admission_id"),
)

dependency = Table(
    "dependency",
    metadata,
    Column("content_line_id", BigId, ForeignKey(content_line.c.id), nullable=False),
    Column("kind", Text, nullable=False),
    Column("admission_id", BigId, ForeignKey(admission.c.id), nullable=False, comment="the other one"),
    Column("minutes", Integer),
    PrimaryKeyConstraint("content_line_id", "kind", "admission_id"),
    CheckConstraint("(kind = 'WITHIN_MINUTES') = (minutes IS NOT NULL)", name="minutes"),
)


class TicketTypeRow(NamedTuple):
    id: int
    code: str
    code_key: str
    description: str
    kind: str
    external_ticket_pattern: str


class TicketItemRow(NamedTuple):
    id: int
    item_no: str
    item_key: str
    variant_code: str | None
    variant_key: str
    description: str
    ticket_type_id: int
    unit_price_minor: int
    currency: str
    is_blocked: bool


class ContentLineRow(NamedTuple):
    id: int
    item_id: int
    admission_id: int
    is_default: bool
    inclusion: str
    quantity: int
    activation: str
    entry_validation: str
    max_entries: int | None
    duration_days: int | None
    reschedule_policy: str
    reschedule_cut_off_seconds: int | None
    revoke_policy: str
    refund_basis_points: int
    rescan_within_seconds: int | None
    capacity_basis_points: int
    pos_may_exceed_capacity: bool
    calendar_id: int | None
    retired_at: datetime | None


class DependencyRow(NamedTuple):
    content_line_id: int
    kind: str
    admission_id: int
    minutes: int | None


ticket_types = Listing(ticket_type, TicketTypeRow, select(ticket_type))
ticket_items = Listing(ticket_item, TicketItemRow, select(ticket_item))
content_lines = Listing(content_line, ContentLineRow, select(content_line))


async def types_by_ids(read: Read, ids: Sequence[int]) -> dict[int, TicketTypeRow]:
    """Ticket types by row id."""
    return await ticket_types.by_key(read, "id", ids)


async def by_ids(read: Read, ids: Sequence[int]) -> dict[int, TicketItemRow]:
    """Items by row id."""
    return await ticket_items.by_key(read, "id", ids)


async def by_numbers(read: Read, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], TicketItemRow]:
    """Items by the keys of (item number, variant code); the empty variant is the item itself."""
    asked = each(read, [Text(), Text()], keys)
    found = ticket_items.view.join_from(
        asked,
        ticket_item,
        (ticket_item.c.item_key == asked.c.c0) & (ticket_item.c.variant_key == asked.c.c1),
    )
    return {(row.item_key, row.variant_key): row for row in await read.rows(TicketItemRow, found)}


async def by_barcodes(read: Read, keys: Sequence[str]) -> dict[str, TicketItemRow]:
    """Items by the keys of their bar codes."""
    rows = await read.all(_BY_BARCODES.of(read), {"keys": keys_for(read, keys)})
    return {row[0]: TicketItemRow._make(row[1:]) for row in rows}


_BY_BARCODES = OfKeys(
    item_barcode.c.barcode_key,
    select(item_barcode.c.barcode_key, *ticket_item.c).join_from(item_barcode, ticket_item),
)


async def barcodes_of(read: Read, item_ids: Sequence[int]) -> dict[int, list[str]]:
    """The bar codes of each item."""
    found = select(item_barcode.c.item_id, item_barcode.c.barcode).order_by(item_barcode.c.barcode_key)
    barcodes: dict[int, list[str]] = {}
    for item_id, barcode in await read.all(found.where(is_one_of(read, item_barcode.c.item_id, item_ids))):
        barcodes.setdefault(item_id, []).append(barcode)
    return barcodes


async def contents_of(read: Read, item_ids: Sequence[int]) -> dict[int, list[ContentLineRow]]:
    """The content lines in force of each item."""
    return await content_lines.lists(read, "item_id", item_ids, where=_IN_FORCE)


async def content_lines_by_ids(read: Read, ids: Sequence[int]) -> dict[int, ContentLineRow]:
    """Content lines by row id, retired ones too: what was sold points at them."""
    return await content_lines.by_key(read, "id", ids)


async def dependencies_of(read: Read, content_line_ids: Sequence[int]) -> dict[int, list[DependencyRow]]:
    """The dependencies of each content line."""
    found = select(dependency).order_by(dependency.c.kind, dependency.c.admission_id)
    found = found.where(is_one_of(read, dependency.c.content_line_id, content_line_ids))
    dependencies: dict[int, list[DependencyRow]] = {}
    for row in await read.rows(DependencyRow, found):
        dependencies.setdefault(row.content_line_id, []).append(row)
    return dependencies


async def page(read: Read, window: Window) -> Page[TicketItemRow]:
    """A page of all items."""
    return await ticket_items.page(read, window)


_IN_FORCE = Lasting(lambda line, _of: [line.retired_at.is_(None)])


async def pages_of_admissions(
    read: Read, admission_ids: Sequence[int], window: Window
) -> dict[int, Page[TicketItemRow]]:
    """One page per admission of the items that let into it now."""
    admission_id = content_line.c.admission_id
    return await ticket_items.pages(read, admission_id, admission_ids, window, parent=_lets_into)


def _lets_into(item: Any, asked: Any) -> ColumnElement[bool]:
    line = content_line.alias("line")
    items = select(line.c.item_id).where(line.c.admission_id == asked.c0, line.c.retired_at.is_(None))
    found: ColumnElement[bool] = item.id.in_(items.correlate(asked.c0.table))
    return found


async def types_by_codes(read: Read, keys: Sequence[str]) -> dict[str, TicketTypeRow]:
    """Ticket types by the key of their code."""
    return await ticket_types.by_key(read, "code_key", keys)


async def add_type(
    write: Write, *, code: str, description: str, kind: TicketKind, external_ticket_pattern: str
) -> TicketTypeRow | None:
    """A new ticket type, or None if the code is taken."""
    values = {
        "code": code,
        "code_key": key(code),
        "description": description,
        "kind": kind.value,
        "external_ticket_pattern": external_ticket_pattern,
    }
    statement = write.insert(ticket_type).values(values).on_conflict_do_nothing(index_elements=["code_key"])
    return await write.first(TicketTypeRow, statement.returning(ticket_type))


async def change_type(write: Write, type_id: int, values: Mapping[str, Any]) -> None:
    """Change columns of a ticket type."""
    await write.run(ticket_type.update().where(ticket_type.c.id == type_id).values(dict(values)))


async def next_id(write: Write) -> int:
    """The next number of the series of items; it may have gaps."""
    return (await write.next_ids(ticket_item, 1))[0]


async def add(
    write: Write,
    *,
    item_no: str,
    variant_code: str | None = None,
    description: str,
    ticket_type_id: int,
    unit_price_minor: int,
    currency: str,
    is_blocked: bool = False,
) -> TicketItemRow | None:
    """A new item without contents, or None if number and variant are taken."""
    values = {
        "item_no": item_no,
        "item_key": key(item_no),
        "variant_code": variant_code,
        "variant_key": key(variant_code or ""),
        "description": description,
        "ticket_type_id": ticket_type_id,
        "unit_price_minor": unit_price_minor,
        "currency": currency,
        "is_blocked": is_blocked,
    }
    statement = write.insert(ticket_item).values(values)
    statement = statement.on_conflict_do_nothing(index_elements=["item_key", "variant_key"])
    return await write.first(TicketItemRow, statement.returning(ticket_item))


async def lock(write: Write, item_key: str, variant_key: str) -> TicketItemRow | None:
    """Take the item of that number and variant, and answer it as it now is; or None if there is none."""
    found = ticket_items.view.where(ticket_item.c.item_key == item_key, ticket_item.c.variant_key == variant_key)
    return await write.first(TicketItemRow, found.with_for_update(key_share=True))


async def change(write: Write, item_id: int, values: Mapping[str, Any]) -> None:
    """Change columns of a locked item."""
    await write.run(ticket_item.update().where(ticket_item.c.id == item_id).values(dict(values)))


async def remove_barcodes(write: Write, item_id: int, keys: Sequence[str]) -> None:
    """Give up bar codes of an item."""
    owned = (item_barcode.c.item_id == item_id) & is_one_of(write, item_barcode.c.barcode_key, keys)
    await write.run(item_barcode.delete().where(owned))


async def add_barcodes(write: Write, item_id: int, barcodes: Sequence[str]) -> set[str]:
    """Take bar codes for an item, lowest key first as everyone does; answers the keys of those that were free."""
    rows = [{"barcode_key": key(text), "barcode": text, "item_id": item_id} for text in sorted(barcodes, key=key)]
    if not rows:
        return set()
    statement = write.insert(item_barcode).values(rows).on_conflict_do_nothing(index_elements=["barcode_key"])
    return {row[0] for row in await write.all(statement.returning(item_barcode.c.barcode_key))}


async def add_contents(
    write: Write, item_id: int, lines: Sequence[tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]]
) -> None:
    """New content lines of an item, each with its dependencies."""
    ids = await write.add(content_line, [{"item_id": item_id, **values} for values, _ in lines])
    dependencies = [
        {"content_line_id": line_id, **values}
        for line_id, (_, dependencies) in zip(ids, lines, strict=True)
        for values in dependencies
    ]
    await write.run_each(dependency.insert(), dependencies)


async def retire_contents(write: Write, item_id: int, at: datetime) -> None:
    """End the content lines in force of a locked item: what was sold keeps pointing at them."""
    in_force = (content_line.c.item_id == item_id) & content_line.c.retired_at.is_(None)
    await write.run(content_line.update().where(in_force).values(retired_at=at))
