"""The customer register: what the shop knows of a guest. Requests point at it by number."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Column, ForeignKey, Index, Table, Text, select

from . import search_key
from .base import BigId, Instant, id_column, metadata
from .client import client
from .conditions import Conditions
from .engine import Read, Write
from .keys import key, phone_key
from .paging import ALL, Columns, Listing, Page, Window

customer = Table(
    "customer",
    metadata,
    id_column(),
    Column("customer_no", Text, nullable=False),
    Column("customer_key", Text, nullable=False, unique=True),
    Column("name", Text),
    Column("name_key", Text),
    Column("email", Text),
    Column("email_key", Text),
    Column("phone", Text),
    Column("phone_key", Text),
    Column("first_client_id", BigId, ForeignKey(client.c.id), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("erased_at", Instant),
    Index(None, "first_client_id"),
    Index(None, "email_key"),
)


class CustomerRow(NamedTuple):
    id: int
    customer_no: str
    customer_key: str
    name: str | None
    email: str | None
    phone: str | None
    first_client_id: int


customers = Listing(customer, CustomerRow, select(*(customer.c[name] for name in CustomerRow._fields)))


async def by_ids(
    read: Read, ids: Sequence[int], *, where: Conditions | None = None, columns: Columns = ALL
) -> dict[int, CustomerRow]:
    """Customers by row id."""
    return await customers.by_key(read, "id", ids, where=where, columns=columns)


async def by_keys(
    read: Read, keys: Sequence[str], *, where: Conditions | None = None, columns: Columns = ALL
) -> dict[str, CustomerRow]:
    """Customers by the key of their number."""
    return await customers.by_key(read, "customer_key", keys, where=where, columns=columns)


async def page(
    read: Read, window: Window, *, where: Conditions | None = None, columns: Columns = ALL
) -> Page[CustomerRow]:
    """A page of the register."""
    return await customers.page(read, window, where=where, columns=columns)


async def upsert(
    write: Write, customer_no: str, given: Mapping[str, str | None], client_id: int, at: datetime
) -> CustomerRow:
    """Write what was given of name, e-mail and phone; what was not given stays, None clears.

    The first writer owns the entry. Safe under races: two first writers of one number make one row, and whoever comes
    second finds what the first wrote, so that no search key of theirs is left behind.
    """
    values: dict[str, Any] = dict(given) | {"updated_at": at}
    for name, normalise in (("name", key), ("email", key), ("phone", phone_key)):
        if name in given:
            values[f"{name}_key"] = normalise(given[name])
    made = {
        "customer_no": customer_no,
        "customer_key": key(customer_no),
        "first_client_id": client_id,
        "created_at": at,
    }
    statement = write.insert(customer).values(**made, updated_at=at)
    statement = statement.on_conflict_do_update(index_elements=["customer_key"], set_={"updated_at": at})
    columns = [customer.c[name] for name in CustomerRow._fields]
    before = await write.first(CustomerRow, statement.returning(*columns))
    assert before is not None
    changed = customer.update().where(customer.c.id == before.id).values(values).returning(*columns)
    row = await write.first(CustomerRow, changed)
    assert row is not None
    old = before._asdict() | {"customer_no": None}  # it never changes; of a new row it has no keys yet
    await search_key.change(write, search_key.OF_CUSTOMER, row.id, row.first_client_id, old, row._asdict())
    return row
