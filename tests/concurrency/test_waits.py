"""What waited for somebody else's lock: it decides by the clock read after the lock, and nobody waits in a circle."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from sqlalchemy import ColumnElement, func, select

import db
from db.base import Instant
from db.engine import Write
from db.ticket import NewNumbers
from db.ticket_request import NewIds, TicketRequestRow
from db.time_slot import Taken, TakenSlot
from tests.harness import Gatehouse
from tests.park import Park, Sellable, codes

from . import books
from .waiting import holding_slots, holding_table, not_taken, until_past, until_waiting

pytestmark = pytest.mark.prove

HOLD_SECONDS = 2

on_postgresql = pytest.mark.parametrize("template", ["postgresql"], indirect=True)


@pytest.fixture
async def park(gatehouse: Gatehouse) -> AsyncIterator[Park]:
    """A park whose holds run out soon; what it kept must add up at the end of every test."""
    async with gatehouse.with_rules(hold_seconds=HOLD_SECONDS) as hasty:
        yield Park(hasty)
    assert await books.broken(gatehouse.database) == {}


@pytest.fixture
async def tour(park: Park) -> Sellable:
    return await park.sellable()


async def registered(park: Park, *lines: dict[str, Any], **other: Any) -> tuple[str, str]:
    """The token of a new request, and the end of its hold."""
    payload = await park.create(*lines, **other)
    assert codes(payload) == []
    return payload["ticketRequest"]["token"], payload["ticketRequest"]["expiresAt"]


async def late(park: Park, name: str, token: str, expires_at: str, **other: Any) -> dict[str, Any]:
    """A change that reached the slots in time, and had to wait for them until the hold was over."""
    async with holding_slots(park.gatehouse.database):
        changing = asyncio.create_task(park.change(name, token, **other))
        await until_waiting(park.gatehouse.database)
        await until_past(park.gatehouse.database, expires_at)
    return await changing


# ------------------------------------------------------------------------------------- a hold that runs out


async def test_a_confirm_that_waited_past_the_end_of_its_hold_is_too_late(park: Park, tour: Sellable) -> None:
    """And leaves nothing behind: neither tickets nor their numbers, nor a claim on the order number that it brought."""
    token, expires_at = await registered(park, tour.line(2))
    assert codes(await late(park, "Confirm", token, expires_at, externalOrderNo="W-1")) == ["HOLD_EXPIRED"]
    assert (await park.request(token, "status"))["status"] == "EXPIRED"
    assert await park.slot(tour.slot) == {"held": 0, "sold": 0, "remaining": 10}
    for table in ("issued_ticket", "ticket_number", "order_key"):
        assert await books.count(park.gatehouse.database, table) == 0
    assert codes(await park.create(tour.line(), externalOrderNo="W-1")) == []


@on_postgresql
@pytest.mark.parametrize("clock", [func.now(type_=Instant()), func.clock_timestamp(type_=Instant())])
async def test_by_the_clock_of_its_beginning_the_late_confirm_would_sell(
    park: Park, tour: Sellable, monkeypatch: pytest.MonkeyPatch, clock: ColumnElement[Any]
) -> None:
    """The control: a place that another may have by now is sold.

    now() is when the transaction began; and the clock that stands beside the columns of the very SELECT that locks is
    read before it waits.
    """
    slot = db.time_slot.time_slot
    columns = (slot.c[name] for name in TakenSlot._fields)
    beside = select(*columns, clock).order_by(slot.c.id).with_for_update(key_share=True)

    async def with_that_clock(write: Write, numbers: NewNumbers, slot_ids: Sequence[int]) -> tuple[set[str], Taken]:
        free = await db.ticket.add_numbers(write, numbers)
        rows = await write.all(beside.where(slot.c.id.in_(slot_ids)))
        return free, Taken({row[0]: TakenSlot._make(row[:-1]) for row in rows}, rows[-1][-1])

    monkeypatch.setattr(db.issue, "take", with_that_clock)
    token, expires_at = await registered(park, tour.line())
    assert codes(await late(park, "Confirm", token, expires_at)) == []


async def test_an_update_that_waited_past_the_end_of_its_hold_is_too_late(park: Park, tour: Sellable) -> None:
    token, expires_at = await registered(park, tour.line())
    lines = [tour.line(1, externalTicketNos=["NEW-1"])]
    assert codes(await late(park, "Update", token, expires_at, lines=lines)) == ["HOLD_EXPIRED"]
    assert await books.count(park.gatehouse.database, "ticket_number") == 0
    assert len((await park.request(token, "references { id }"))["references"]) == 1


async def test_an_extension_that_waited_past_the_end_of_its_hold_revives_it(park: Park, tour: Sellable) -> None:
    token, expires_at = await registered(park, tour.line())
    payload = await late(park, "Extend", token, expires_at)
    assert codes(payload) == []
    assert payload["ticketRequest"]["status"] == "REGISTERED"
    events = (await park.request(token, "timeline { nodes { kind } }"))["timeline"]["nodes"]
    assert [event["kind"] for event in events] == ["CREATED", "EXPIRED", "EXTENDED"]


async def test_a_buyer_who_waited_gets_the_places_of_a_hold_that_ran_out_meanwhile(park: Park) -> None:
    tour = await park.sellable("SMALL", capacity=1)
    _, expires_at = await registered(park, tour.line())
    async with holding_slots(park.gatehouse.database):
        buying = asyncio.create_task(park.create(tour.line()))
        await until_waiting(park.gatehouse.database)
        await until_past(park.gatehouse.database, expires_at)
    assert codes(await buying) == []


# ------------------------------------------------------------------------------------------- one token, twice


@pytest.mark.parametrize("capacity", [1, 2], ids=["sold out by the first", "room for both"])
async def test_of_two_who_send_one_token_at_once_both_are_told_of_one_request(park: Park, capacity: int) -> None:
    """Neither is there when the other looks: the second learns of the first when it has the slot, or writes its own."""
    tour = await park.sellable("SMALL", capacity=capacity)
    async with holding_slots(park.gatehouse.database):
        both = [asyncio.create_task(park.create(tour.line(), token="T-1")) for _ in range(2)]
        await until_waiting(park.gatehouse.database, 2)
    payloads = [await one for one in both]
    assert [codes(payload) for payload in payloads] == [[], []]
    assert payloads[0] == payloads[1]
    assert await books.count(park.gatehouse.database, "ticket_request") == 1
    assert (await park.slot(tour.slot))["held"] == 1


@on_postgresql
async def test_one_token_for_two_sales_at_once_is_the_firsts(park: Park, tour: Sellable) -> None:
    """For what waits for different slots, and is written at the same time: a rule of the database decides."""
    async with holding_table(park.gatehouse.database, "ticket_request"):
        slots = sorted(tour.slots.values())[3:5]
        both = [asyncio.create_task(park.create(tour.line(1, slot), token="T-1")) for slot in slots]
        await until_waiting(park.gatehouse.database, 2)
    answers = [codes(await one) for one in both]
    assert sorted(answers, key=len) == [[], ["TOKEN_REUSED"]]
    assert await books.count(park.gatehouse.database, "ticket_request") == 1
    assert await books.count(park.gatehouse.database, "reservation") == 1


# ------------------------------------------------------------------------------- a request that another changes


async def confirm_beside_an_update(park: Park, tour: Sellable) -> int:
    """How many tickets a confirm issues that waits for an update of its request, from one ticket to three."""
    token, _ = await registered(park, tour.line(1))
    async with holding_slots(park.gatehouse.database):
        updating = asyncio.create_task(park.change("Update", token, lines=[tour.line(3)]))
        await until_waiting(park.gatehouse.database, 1)
        confirming = asyncio.create_task(park.change("Confirm", token))
        await until_waiting(park.gatehouse.database, 2)
    assert [codes(await updating), codes(await confirming)] == [[], []]
    return await books.count(park.gatehouse.database, "issued_ticket")


async def test_a_confirm_that_waited_for_an_update_issues_what_that_has_left(park: Park, tour: Sellable) -> None:
    assert await confirm_beside_an_update(park, tour) == 3


@on_postgresql
async def test_read_before_the_request_is_taken_the_confirm_would_issue_what_was_replaced(
    gatehouse: Gatehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: what hangs on the request is read in a statement that does not wait for it."""
    park = Park(gatehouse)
    tour = await park.sellable()
    lock_each, of_requests = db.ticket_request.lock_each, db.issue.of_requests

    async def read_then_take(write: Write, token_keys: Sequence[str]) -> dict[str, TicketRequestRow]:
        (token_key,) = token_keys
        request = await db.ticket_request.by_token_key(write, token_key, db.ticket_request.BEFORE_TIME)
        assert request is not None
        read = await of_requests(write, [request.id])

        async def as_read(_write: Write, _request_ids: Sequence[int]) -> list[db.issue.Issue]:
            return read

        monkeypatch.setattr(db.issue, "of_requests", as_read)
        return await lock_each(write, token_keys)

    monkeypatch.setattr(db.ticket_request, "lock_each", read_then_take)
    assert await confirm_beside_an_update(park, tour) == 1


# --------------------------------------------------------------------------- numbers beside the hold's end


@on_postgresql
async def test_an_order_number_whose_confirm_was_decided_in_time_is_not_given_to_another(
    park: Park, tour: Sellable
) -> None:
    """The confirm decides, the hold's end passes, a second sale asks for the number, and only then it commits."""
    token, expires_at = await registered(park, tour.line(), externalOrderNo="W-1")
    async with holding_table(park.gatehouse.database, "issued_ticket"):
        confirming = asyncio.create_task(park.change("Confirm", token))
        await until_waiting(park.gatehouse.database, 1)
        await until_past(park.gatehouse.database, expires_at)
        second = asyncio.create_task(park.create(tour.line(2), externalOrderNo="W-1"))
        await until_waiting(park.gatehouse.database, 2)
    assert codes(await confirming) == []
    assert codes(await second) == ["DUPLICATE_ORDER"]


@on_postgresql
@pytest.mark.parametrize("change", ["Confirm", "Update"])
async def test_two_who_want_one_ticket_number_and_one_slot_do_not_wait_in_a_circle(
    park: Park, tour: Sellable, change: str
) -> None:
    """Both take the number before the slot: so the second waits for the first, and not the first for it as well."""
    token, _ = await registered(park, tour.line(1, externalTicketNos=["OWN-1"]))
    other: dict[str, Any] = {"lines": [tour.line()]} if change == "Update" else {}
    async with holding_slots(park.gatehouse.database):
        first = asyncio.create_task(park.change(change, token, **other))
        await until_waiting(park.gatehouse.database, 1)
        second = asyncio.create_task(park.create(tour.line(1, externalTicketNos=["OWN-1"])))
        await until_waiting(park.gatehouse.database, 2)
    assert codes(await first) == []
    assert codes(await second) == ([] if change == "Update" else ["DUPLICATE_TICKET_NUMBER"])


# ------------------------------------------------------------------------------------------------ two slots


@on_postgresql
async def test_taken_as_they_are_listed_two_slots_make_two_buyers_wait_in_a_circle(
    park: Park, tour: Sellable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: each takes its first slot, then wants the other's. PostgreSQL ends it by failing one of them.

    They dictate ticket numbers, so neither is in a group, after which it would be tried again alone.
    """
    both_have_one = asyncio.Barrier(2)

    async def as_listed(write: Write, slot_ids: Sequence[int], *numbers: int) -> tuple[Taken, NewIds]:
        slot = db.time_slot.time_slot
        for i, slot_id in enumerate(slot_ids):
            await write.value(select(slot.c.id).where(slot.c.id == slot_id).with_for_update(key_share=True))
            if i == 0:
                await both_have_one.wait()
        return await not_taken(write, slot_ids, *numbers)

    monkeypatch.setattr(db.ticket_request, "take_slots", as_listed)
    one, other = sorted(tour.slots.values())[3:5]
    slots = [one, other]
    asked = [
        {"input": {"lines": [tour.line(1, slot, externalTicketNos=[f"{name}-{slot}"]) for slot in order]}}
        for name, order in (("A", slots), ("B", slots[::-1]))
    ]
    answers = await asyncio.gather(*(park.gatehouse.ask(CREATE, one, role="WEB_STORE") for one in asked))
    failed = [answer["errors"][0]["extensions"]["code"] for answer in answers if "errors" in answer]
    assert failed == ["INTERNAL_SERVER_ERROR"]


CREATE = """
mutation Create($input: TicketRequestCreateInWebStoreInput!) {
  ticketRequestCreateInWebStore(input: $input) { refusals { code } }
}
"""
