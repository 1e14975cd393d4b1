"""Taking requests and order numbers, and changing them: the statements of a request's life."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, UpdateBase, bindparam, select

from .. import search_key
from ..base import BigId
from ..engine import Write
from ..paging import is_one_of
from ..together import Change, Step, make
from .reading import by_id
from .rows import BEFORE_TIME, TicketRequestRow, has_run_out, ticket_requests
from .tables import TicketRequestStatus, order_key, request_entry, request_line, ticket_request


async def lock(write: Write, token_key: str) -> TicketRequestRow | None:
    """Take the request of that token, and answer it as it is stored: whether it has expired is for the clock to say
    that is read after every lock is held."""
    return await _lock(write, _BY_TOKEN, token_key)


async def lock_by_id(write: Write, request_id: int) -> TicketRequestRow | None:
    """Take the request of that id, and answer it as it is stored."""
    return await _lock(write, _BY_ID, request_id)


async def _lock(write: Write, which: Select[Any], key: str | int) -> TicketRequestRow | None:
    return await write.first(TicketRequestRow, which, {"key": key, "now": BEFORE_TIME})


def _locking(column: ColumnElement[Any]) -> Select[Any]:
    found = ticket_requests.view.where(column == bindparam("key", type_=column.type))
    return found.with_for_update(key_share=True, of=ticket_request)


_BY_TOKEN, _BY_ID = _locking(ticket_request.c.token_key), _locking(ticket_request.c.id)


async def change(write: Write, request_id: int, values: Mapping[str, Any]) -> None:
    """Change columns of a locked request, and its search keys with them."""
    request = await by_id(write, request_id, BEFORE_TIME)
    assert request is not None
    await make(write, *changing(write, request, values))


def changing(write: Write, request: TicketRequestRow, values: Mapping[str, Any]) -> list[Step]:
    """The steps of ``change``: the request is as it was before."""
    after = {name: values[name] for name in search_key.OF_REQUEST if name in values}
    before = {name: getattr(request, name) for name in after}
    keys = search_key.changing(write, search_key.OF_REQUEST, request.id, request.client_id, before, after)
    return [setting(request.id, values), *keys]


def setting(request_id: int, values: Mapping[str, Any]) -> Change:
    """Set columns of a locked request that nobody is found by."""
    return Change(_set(frozenset(values)), {"of_id": request_id, **{f"new_{n}": v for n, v in values.items()}})


@cache
def _set(names: frozenset[str]) -> UpdateBase:
    new = {name: bindparam(f"new_{name}", type_=ticket_request.c[name].type) for name in sorted(names)}
    return ticket_request.update().where(ticket_request.c.id == bindparam("of_id", type_=BigId)).values(new)


async def claim_order(write: Write, client_id: int, key: str, request_id: int) -> int:
    """Lock the order number, and answer the request that owns it: this one, if nobody did.

    The upsert is the lock: it waits for whoever else is claiming the number, and sees what they left.
    """
    statement = write.insert(order_key).values(client_id=client_id, key=key, request_id=request_id)
    statement = statement.on_conflict_do_update(index_elements=["client_id", "key"], set_={"key": key})
    owner: int = await write.value(statement.returning(order_key.c.request_id))
    return owner


async def take_over_order(write: Write, client_id: int, key: str, request_id: int) -> None:
    """Make this request the owner of a locked order number, whose owner has expired or was canceled."""
    owned = (order_key.c.client_id == client_id) & (order_key.c.key == key)
    await write.run(order_key.update().where(owned).values(request_id=request_id))


async def replace_lines(write: Write, request_id: int, at: datetime) -> None:
    """Retire the lines in force and their entries: they stay findable, and others take their place."""
    for table in (request_line, request_entry):
        in_force = (table.c.request_id == request_id) & table.c.replaced_at.is_(None)
        await write.run(table.update().where(in_force).values(replaced_at=at))


async def lock_run_out(write: Write, now: datetime, at_most: int) -> list[tuple[int, datetime]]:
    """Take requests whose hold has run out and that nobody has stamped, the oldest first, passing over those in use.

    Answers (request, end of its hold).
    """
    found = (
        select(ticket_request.c.id, ticket_request.c.expires_at)
        .where(has_run_out(ticket_request.c))
        .order_by(ticket_request.c.expires_at, ticket_request.c.id)
        .limit(at_most)
        .with_for_update(key_share=True, skip_locked=True)
    )
    return [(row[0], row[1]) for row in await write.all(found, {"now": now})]


async def stamp_expired(write: Write, request_ids: Sequence[int]) -> None:
    """Write down that these locked requests have expired, each when its hold ran out."""
    values = {"status": TicketRequestStatus.EXPIRED.value, "status_changed_at": ticket_request.c.expires_at}
    await write.run(ticket_request.update().where(is_one_of(write, ticket_request.c.id, request_ids)).values(values))
