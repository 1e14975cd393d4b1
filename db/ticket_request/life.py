"""Taking requests and order numbers, and changing them: the statements of a request's life."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, select, true
from sqlalchemy.sql.dml import ReturningInsert

from .. import search_key
from ..base import BigId
from ..engine import INSERT, Write
from ..keys import key as key_of
from ..paging import OfKeys, each_given, given_keys, is_one_of, keys_for
from ..together import ChangeOfEach, Step, change_each, make
from .reading import by_id
from .rows import BEFORE_TIME, TicketRequestRow, has_run_out, ticket_requests
from .tables import TicketRequestStatus, order_key, request_entry, request_line, ticket_request


async def lock(write: Write, token_key: str) -> TicketRequestRow | None:
    """Take the request of that token, and answer it as it is stored: whether it has expired is for the clock to say
    that is read after every lock is held."""
    return (await lock_each(write, [token_key])).get(token_key)


async def lock_each(write: Write, token_keys: Sequence[str]) -> dict[str, TicketRequestRow]:
    """Take the requests of those tokens, in one order, by the keys of these."""
    given = {"keys": keys_for(write, token_keys), "now": BEFORE_TIME}
    return {key_of(row.token): row for row in await write.rows(TicketRequestRow, _BY_TOKENS.of(write), given)}


async def lock_by_id(write: Write, request_id: int) -> TicketRequestRow | None:
    """Take the request of that id, and answer it as it is stored."""
    return await write.first(TicketRequestRow, _BY_ID, {"key": request_id, "now": BEFORE_TIME})


_LOCKED = ticket_requests.view.with_for_update(key_share=True, of=ticket_request)
_BY_ID = _LOCKED.where(ticket_request.c.id == bindparam("key", type_=BigId))
_BY_TOKENS = OfKeys(ticket_request.c.token_key, _LOCKED.order_by(ticket_request.c.id))


async def change(write: Write, request_id: int, values: Mapping[str, Any]) -> None:
    """Change columns of a locked request, and its search keys with them."""
    request = await by_id(write, request_id, BEFORE_TIME)
    assert request is not None
    await make(write, *changing(write, [(request, values)]))


Values = Mapping[str, Any]
"""Columns of a request, as they are to be."""


def changing(write: Write, changes: Sequence[tuple[TicketRequestRow, Values]]) -> list[Step]:
    """The steps of ``change``, of several requests, which are as they were before."""
    changed = []
    for request, values in changes:
        after = {name: values[name] for name in search_key.OF_REQUEST if name in values}
        before = {name: getattr(request, name) for name in after}
        changed.append(search_key.Changed(request.id, request.client_id, before, after))
    steps = setting(write, [(request.id, values) for request, values in changes])
    return [*steps, *search_key.changing(write, search_key.OF_REQUEST, changed)]


def setting(write: Write, changes: Sequence[tuple[int, Values]]) -> list[Step]:
    """Set columns of locked requests that nobody is found by; those of which the same columns are set, together."""
    alike: defaultdict[frozenset[str], list[Values]] = defaultdict(list)
    for request_id, values in changes:
        row = {"of_id": request_id, **{f"new_{name}": value for name, value in values.items()}}
        alike[frozenset(values)].append(row)
    return [change_each(write, _set(names), alike[names]) for names in sorted(alike, key=sorted)]


@cache
def _set(names: frozenset[str]) -> ChangeOfEach:
    new = {name: f"new_{name}" for name in sorted(names)}
    types = {new[name]: ticket_request.c[name].type for name in new}
    return ChangeOfEach(
        {"of_id": BigInteger(), **types},
        lambda given: (
            ticket_request.update()
            .where(ticket_request.c.id == given.of_id)
            .values({name: getattr(given, new[name]) for name in new})
        ),
    )


Order = tuple[int, str]
"""A client, and the key of one of its order numbers."""


async def claim_order(write: Write, client_id: int, key: str, request_id: int) -> int:
    """Lock the order number, and answer the request that owns it: this one, if nobody did."""
    owners = await claim_orders(write, {(client_id, key): request_id})
    return owners[client_id, key]


async def claim_orders(write: Write, requests: Mapping[Order, int]) -> dict[Order, int]:
    """Lock order numbers, in one order, and answer the requests that own them: those for which they are claimed, where
    nobody did.

    The upsert is the lock: it waits for whoever else is claiming a number, and sees what they left.
    """
    given = given_keys(write, [(*order, requests[order]) for order in sorted(requests)], width=3)
    return {(row[0], row[1]): row[2] for row in await write.all(_claiming(write.dialect), given)}


@cache
def _claiming(dialect: str) -> ReturningInsert[Any]:
    asked = each_given(dialect, [BigInteger(), Text(), BigInteger()])
    rows = select(asked.c.c0, asked.c.c1, asked.c.c2).where(true()).order_by(asked.c.ordinal)
    claim = INSERT[dialect](order_key).from_select(["client_id", "key", "request_id"], rows)
    claim = claim.on_conflict_do_update(index_elements=["client_id", "key"], set_={"key": claim.excluded.key})
    return claim.returning(order_key.c.client_id, order_key.c.key, order_key.c.request_id)


def giving_back(write: Write, orders: Sequence[Order]) -> Step:
    """Let go of order numbers that this transaction has claimed for nothing."""
    return change_each(write, _GIVE_BACK, [{"of_client": client_id, "of_key": key} for client_id, key in orders])


_GIVE_BACK = ChangeOfEach(
    {"of_client": BigInteger(), "of_key": Text()},
    lambda given: order_key.delete().where(order_key.c.client_id == given.of_client, order_key.c.key == given.of_key),
)


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
