"""Sales that are made at once share a transaction, and each is told what it would be told if it came by itself."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest

import db.engine
from resolvers.group_commit import WEIGHT_AT_ONCE
from resolvers.ticket_request.confirm import TICKETS_IN_A_GROUP
from schema.node import row_id
from tests.concurrency import books
from tests.concurrency.waiting import holding_slots, until_waiting
from tests.harness import Gatehouse
from tests.park import Park, Sellable, codes

on_postgresql = pytest.mark.parametrize("template", ["postgresql"], indirect=True)


@pytest.fixture
async def park(gatehouse: Gatehouse) -> AsyncIterator[Park]:
    """A park whose books are in order at the end, and whose shop has its key beforehand."""
    await gatehouse.key("WEB_STORE")
    yield Park(gatehouse)
    assert await books.broken(gatehouse.database) == {}
    assert gatehouse.database.connections_in_use == 0


@pytest.fixture
async def tour(park: Park) -> Sellable:
    return await park.sellable()


@contextmanager
def counting(table: str) -> Iterator[list[str]]:
    """Collects the statements that insert into that table."""
    found: list[str] = []

    def watch(statement: str) -> None:
        if f"INSERT INTO {table} " in statement:
            found.append(statement)

    db.engine.watchers.append(watch)
    try:
        yield found
    finally:
        db.engine.watchers.remove(watch)


async def sell(park: Park, *sales: dict[str, Any]) -> list[dict[str, Any]]:
    """The payloads of these sales, made at once."""
    told = [dict(sale) for sale in sales]
    return list(await asyncio.gather(*(park.create(*sale.pop("lines"), **sale) for sale in told)))


async def test_sales_at_once_are_written_together(park: Park, tour: Sellable) -> None:
    """The first is alone when it comes; those who come meanwhile go together, on a busy machine in a few groups."""
    with counting("ticket_request") as written:
        payloads = await sell(park, *({"lines": [tour.line()], "token": f"T-{n}"} for n in range(8)))
    assert [codes(payload) for payload in payloads] == [[]] * 8
    assert [payload["ticketRequest"]["token"] for payload in payloads] == [f"T-{n}" for n in range(8)]
    assert len(written) < 8
    assert await park.slot(tour.slot) == {"held": 8, "sold": 0, "remaining": 2}


async def test_confirms_at_once_are_written_together(park: Park, tour: Sellable) -> None:
    tokens = [await park.registered(tour.line(), externalOrderNo=f"O-{n}") for n in range(8)]
    selection = "ticketRequest { token status references { externalOrderNo } tickets { nodes { externalTicketNo } } }"
    with counting("issued_ticket") as written:
        payloads = await asyncio.gather(*(park.change("Confirm", token, selection=selection) for token in tokens))
    assert [codes(payload) for payload in payloads] == [[]] * 8
    assert [payload["ticketRequest"]["token"] for payload in payloads] == tokens
    assert {payload["ticketRequest"]["status"] for payload in payloads} == {"CONFIRMED"}
    numbers = [ticket["externalTicketNo"] for p in payloads for ticket in p["ticketRequest"]["tickets"]["nodes"]]
    assert len(set(numbers)) == 8
    for token, number in zip(tokens, numbers, strict=True):
        assert (await park.ticket(number, "request { token }"))["request"]["token"] == token
    assert len(written) < 8
    assert await park.slot(tour.slot) == {"held": 0, "sold": 8, "remaining": 2}


async def test_confirms_at_once_that_issue_many_tickets_are_not_all_written_together(park: Park) -> None:
    """How many, is known only then: those beyond the most that others may wait for are confirmed by themselves."""
    tour = await park.sellable(capacity=300)
    tokens = [await park.registered(tour.line(TICKETS_IN_A_GROUP)) for _ in range(14)]
    payloads = await asyncio.gather(*(park.change("Confirm", token) for token in tokens))
    assert [codes(payload) for payload in payloads] == [[]] * 14
    async with park.gatehouse.database.reading() as read:
        at_once = await read.fetch("SELECT count(*) FROM issued_ticket GROUP BY issued_at")
    sizes = [number for (number,) in at_once]
    assert sum(sizes) == 14 * TICKETS_IN_A_GROUP
    assert TICKETS_IN_A_GROUP < max(sizes) <= WEIGHT_AT_ONCE


async def test_the_last_places_are_sold_once(park: Park) -> None:
    """Each sale is decided by what those before it have left, though none of them is committed yet."""
    tour = await park.sellable(capacity=5)
    payloads = await sell(park, *({"lines": [tour.line()]} for _ in range(8)))
    assert sorted(codes(payload) for payload in payloads) == [*[[]] * 5, *[["SOLD_OUT"]] * 3]
    assert {refusal["actual"] for payload in payloads for refusal in payload["refusals"]} == {6}
    assert await park.slot(tour.slot) == {"held": 5, "sold": 0, "remaining": 0}


async def next_available(park: Park, capacity: int) -> Sellable:
    """A tour whose guests are given the next slot that has room, if they choose none."""
    tour = await park.sellable("NEXT", capacity=capacity)
    async with park.gatehouse.database.writing() as write:
        await write.run_text("UPDATE admission SET default_schedule = 'NEXT_AVAILABLE'")
    return tour


async def slots_of(park: Park, *payloads: dict[str, Any]) -> list[date]:
    """The days of the slots that they were given."""
    tokens = [payload["ticketRequest"]["token"] for payload in payloads]
    found = [await park.request(token, "entries { slot { date } }") for token in tokens]
    return [date.fromisoformat(entry["slot"]["date"]) for request in found for entry in request["entries"]]


async def test_who_chose_no_slot_is_given_another_if_those_before_it_fill_it(park: Park) -> None:
    """All of them saw room in the same slot; and the numbers that they name are theirs."""
    tour = await next_available(park, capacity=2)
    line = {"itemNo": tour.item_no, "quantity": 1}
    payloads = await sell(park, *({"lines": [line], "externalOrderNo": f"W-{n}"} for n in range(7)))
    assert [codes(payload) for payload in payloads] == [[]] * 7
    given = Counter(await slots_of(park, *payloads))
    assert [number for _, number in sorted(given.items())] == [2, 2, 2, 1]


@on_postgresql
async def test_who_chose_no_slot_is_given_another_also_in_a_group_of_one(park: Park) -> None:
    """It was not alone when it came, and nobody joined it."""
    tour = await next_available(park, capacity=1)
    line = {"itemNo": tour.item_no, "quantity": 1}
    async with holding_slots(park.gatehouse.database):
        first = asyncio.create_task(park.create(line))
        await until_waiting(park.gatehouse.database, 1)
        second = asyncio.create_task(park.create(line))
        await until_waiting(park.gatehouse.database, 2)
    payloads = [await first, await second]
    assert [codes(payload) for payload in payloads] == [[], []]
    assert len(set(await slots_of(park, *payloads))) == 2


async def test_who_chose_no_slot_is_told_when_there_is_none_left(park: Park) -> None:
    tour = await next_available(park, capacity=1)
    last = len(tour.slots)
    line = {"itemNo": tour.item_no, "quantity": 1}
    payloads = await sell(park, *({"lines": [line]} for _ in range(last + 2)))
    refused = [codes(payload) for payload in payloads if codes(payload)]
    assert refused in ([["SOLD_OUT"]] * 2, [["SOLD_OUT"]] * 3)  # today's may be over


async def test_lines_that_chose_no_slot_do_not_fill_one_for_each_other(park: Park) -> None:
    tour = await next_available(park, capacity=3)
    lines = [{"itemNo": tour.item_no, "quantity": quantity} for quantity in (2, 2, 1)]
    payload = await park.create(*lines)
    assert codes(payload) == []
    first, second, third = await slots_of(park, payload)
    assert first == third < second


@on_postgresql
async def test_who_chose_no_slot_is_given_another_if_another_server_fills_it(park: Park) -> None:
    tour = await next_available(park, capacity=1)
    line = {"itemNo": tour.item_no, "quantity": 1}
    async with park.gatehouse.with_rules() as other:
        await other.key("WEB_STORE")
        async with holding_slots(park.gatehouse.database):
            buying = [asyncio.create_task(each.create(line)) for each in (park, Park(other))]
            await until_waiting(park.gatehouse.database, 2)
        payloads = await asyncio.gather(*buying)
    assert [codes(payload) for payload in payloads] == [[], []]
    assert len(set(await slots_of(park, *payloads))) == 2


async def test_each_is_told_its_own_refusals(park: Park, tour: Sellable) -> None:
    """And what is right among them is sold."""
    await park.create(tour.line(), token="KNOWN", externalOrderNo="W-1")
    other = tour.line(2)
    payloads = await sell(
        park,
        {"lines": [tour.line()]},
        {"lines": [{"itemNo": "NONE", "quantity": 1}]},
        {"lines": [tour.line(11)]},
        {"lines": [tour.line()], "token": "KNOWN", "externalOrderNo": "W-1"},
        {"lines": [other], "token": "KNOWN"},
        {"lines": [tour.line()], "externalOrderNo": "W-1", "token": "ANOTHER"},
        {"lines": [tour.line()], "externalOrderNo": "W-2"},
        {"lines": [tour.line(1, externalTicketNos=["N-1"])]},
        {"lines": [tour.line()], "dryRun": True},
        {"lines": []},
        {"lines": [tour.line()], "holder": {"email": "nobody"}},
        {"lines": [tour.line()], "holder": {"name": "Ada", "phone": "123"}},
    )
    assert [codes(payload) for payload in payloads] == [
        [],
        ["UNKNOWN_ITEM"],
        ["SOLD_OUT"],
        [],
        ["TOKEN_REUSED"],
        ["DUPLICATE_ORDER"],
        [],
        [],
        [],
        ["INVALID_INPUT"],
        ["INVALID_INPUT"],
        [],
    ]
    assert payloads[3]["ticketRequest"]["token"] == "KNOWN"
    assert await books.count(park.gatehouse.database, "ticket_request") == 5
    assert await park.slot(tour.slot) == {"held": 5, "sold": 0, "remaining": 5}


async def test_one_token_sent_twice_at_once_is_one_request(park: Park, tour: Sellable) -> None:
    sale = {"lines": [tour.line()], "token": "SAME"}
    payloads = await sell(park, *({"lines": [tour.line()]} for _ in range(3)), sale, sale, sale)
    assert [codes(payload) for payload in payloads] == [[]] * 6
    assert {payload["ticketRequest"]["token"] for payload in payloads[3:]} == {"SAME"}
    assert await books.count(park.gatehouse.database, "ticket_request") == 4


async def test_one_order_number_at_once_is_one_order(park: Park, tour: Sellable) -> None:
    payloads = await sell(
        park, *({"lines": [tour.line()], "token": f"T-{n}", "externalOrderNo": "W-1"} for n in range(5))
    )
    assert sorted(codes(payload) for payload in payloads) == [[], *[["DUPLICATE_ORDER"]] * 4]
    assert await books.count(park.gatehouse.database, "order_key") == 1


async def test_who_is_refused_in_a_group_leaves_its_order_number_to_others(park: Park) -> None:
    """Without what was given back, the number would be a request's that there is not."""
    tour = await park.sellable(capacity=2)
    sales = [{"lines": [tour.line()], "externalOrderNo": f"W-{n}"} for n in range(4)]
    payloads = await sell(park, *sales)
    assert sorted(codes(payload) for payload in payloads) == [[], [], ["SOLD_OUT"], ["SOLD_OUT"]]
    assert await books.count(park.gatehouse.database, "order_key") == 2
    later = tour.line(1, sorted(tour.slots.items())[5][1])
    refused = next(n for n, payload in enumerate(payloads) if codes(payload))
    assert codes(await park.create(later, externalOrderNo=f"W-{refused}")) == []


async def test_the_order_number_of_what_has_expired_is_taken_over(park: Park, tour: Sellable) -> None:
    async with park.gatehouse.with_rules(hold_seconds=1) as hasty:
        await Park(hasty).create(tour.line(), externalOrderNo="W-1")
        await asyncio.sleep(1.1)
        payloads = await sell(
            Park(hasty), *({"lines": [tour.line()], "externalOrderNo": f"W-{number}"} for number in (3, 2, 1))
        )
    assert [codes(payload) for payload in payloads] == [[], [], []]


async def test_a_confirm_that_is_refused_does_not_hold_up_its_group(park: Park, tour: Sellable) -> None:
    """Its slot was closed: the others are sold, and no number stays behind."""
    closed = sorted(tour.slots.items())[5][1]
    tokens = [await park.registered(tour.line(1, slot)) for slot in (tour.slot, tour.slot, closed, tour.slot)]
    async with park.gatehouse.database.writing() as write:
        await write.run_text(f"UPDATE time_slot SET state = 'CLOSED' WHERE id = {row_id(closed, 'TimeSlot')}")
    payloads = await asyncio.gather(*(park.change("Confirm", token) for token in (*tokens, "UNKNOWN", tokens[0])))
    assert [codes(payload) for payload in payloads] == [[], [], ["SLOT_CLOSED"], [], ["NOT_FOUND"], []]
    assert await books.count(park.gatehouse.database, "ticket_number") == 3


async def test_order_numbers_that_are_said_at_confirm_are_taken_once(park: Park, tour: Sellable) -> None:
    """In a group, too; whose is somebody else's is told so, and leaves it as it was."""
    await park.registered(tour.line(), externalOrderNo="W-0")
    tokens = [await park.registered(tour.line()) for _ in range(6)]
    orders = ["W-5", "W-1", "W-2", "w-1", "W-0", "W-3"]
    payloads = await asyncio.gather(
        *(park.change("Confirm", token, externalOrderNo=order) for token, order in zip(tokens, orders, strict=True))
    )
    said = [codes(payload) for payload in payloads]
    assert [said[0], said[2], said[4], said[5]] == [[], [], ["DUPLICATE_ORDER"], []]
    assert sorted([said[1], said[3]]) == [[], ["DUPLICATE_ORDER"]]
    assert await books.count(park.gatehouse.database, "order_key") == 5
    assert await books.count(park.gatehouse.database, "ticket_number") == 4


async def test_confirms_say_different_things(park: Park, tour: Sellable) -> None:
    """Other columns of each request are filled; who is admitted with the sale, or dictates numbers, goes alone."""
    tokens = [await park.registered(tour.line()) for _ in range(4)]
    tokens.append(await park.registered(tour.line(1, externalTicketNos=["D-1"])))
    told: list[dict[str, Any]] = [
        {},
        {"paymentReference": "P-1"},
        {"holder": {"email": "ada@example.org", "customerNo": "C-1"}, "paymentOption": "POSTPAID"},
        {"paymentOption": "POSTPAID"},
        {"externalOrderNo": "W-9"},
    ]
    selection = "ticketRequest { paymentOption paymentReference }"
    payloads = await asyncio.gather(
        *(park.change("Confirm", token, selection=selection, **one) for token, one in zip(tokens, told, strict=True))
    )
    assert [codes(payload) for payload in payloads] == [[], [], [], ["UNKNOWN_CUSTOMER"], []]
    assert [payload["ticketRequest"]["paymentOption"] for payload in payloads[:3]] == ["UNPAID", "PREPAID", "POSTPAID"]
    found = await park.gatehouse.data('{ find(text: "ada@example.org") { hits { __typename } } }', role="SUPPORT")
    assert len(found["find"]["hits"]) == 1
    assert (await park.ticket("D-1", "externalTicketNo")) == {"externalTicketNo": "D-1"}


@on_postgresql
async def test_who_waits_for_a_slot_keeps_nobody_waiting_for_another(park: Park, tour: Sellable) -> None:
    """They came together; after a quarter of a second each goes its own way."""
    free = await park.sellable("FREE")
    async with holding_slots(park.gatehouse.database, row_id(tour.slot, "TimeSlot") or 0):
        waiting = [asyncio.create_task(park.create(tour.line())) for _ in range(2)]
        others = [asyncio.create_task(park.create(free.line())) for _ in range(3)]
        async with asyncio.timeout(5):
            assert [codes(payload) for payload in await asyncio.gather(*others)] == [[]] * 3
        assert not any(one.done() for one in waiting)
    assert [codes(payload) for payload in await asyncio.gather(*waiting)] == [[], []]


@on_postgresql
async def test_who_leaves_has_not_bought_and_the_others_have(park: Park, tour: Sellable) -> None:
    async with holding_slots(park.gatehouse.database, row_id(tour.slot, "TimeSlot") or 0):
        buying = [asyncio.create_task(park.create(tour.line(), token=f"T-{n}")) for n in range(5)]
        await until_waiting(park.gatehouse.database, 2)
        buying[3].cancel()
        await asyncio.wait([buying[3]])
    assert [codes(await one) for one in buying if not one.cancelled()] == [[]] * 4
    assert await books.count(park.gatehouse.database, "ticket_request", "token = 'T-3'") == 0
    assert await park.slot(tour.slot) == {"held": 4, "sold": 0, "remaining": 6}
