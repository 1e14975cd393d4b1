"""Other lines for a request that holds places; and the sweep, which writes down what time has ended."""

from datetime import timedelta
from typing import Any

import pytest

from resolvers.ticket_request import sweep
from tests.harness import Gatehouse
from tests.park import Park, Sellable, codes

LINES = (
    "total { amount } expiresAt references { lineNo quantity entries { quantity slot { id } } } entries { quantity }"
)


@pytest.fixture
def park(gatehouse: Gatehouse) -> Park:
    return Park(gatehouse)


@pytest.fixture
async def tour(park: Park) -> Sellable:
    return await park.sellable()


async def kinds(park: Park, token: str) -> list[str]:
    found = await park.request(token, "timeline { nodes { kind } }")
    return [event["kind"] for event in found["timeline"]["nodes"]]


async def update(park: Park, token: str, *lines: dict[str, Any], **other: Any) -> dict[str, Any]:
    return await park.change("Update", token, lines=list(lines), **other)


async def test_the_lines_are_replaced_and_the_hold_goes_on_to_its_moment(park: Park, tour: Sellable) -> None:
    token = await park.registered(tour.line(4), tour.line(1))
    before = await park.request(token, LINES)
    park.gatehouse.travel(timedelta(seconds=100))
    assert codes(await update(park, token, tour.line(7))) == []
    after = await park.request(token, LINES)
    assert after["expiresAt"] == before["expiresAt"]
    assert after["total"] == {"amount": "87.50"}
    assert [(line["lineNo"], line["quantity"]) for line in after["references"]] == [(1, 7)]
    assert [entry["quantity"] for entry in after["entries"]] == [7]
    assert await park.slot(tour.slot) == {"held": 7, "sold": 0, "remaining": 3}
    assert await kinds(park, token) == ["CREATED", "UPDATED"]
    await park.change("Confirm", token)
    assert await park.slot(tour.slot) == {"held": 0, "sold": 7, "remaining": 3}
    assert len((await park.request(token, "tickets { nodes { id } }"))["tickets"]["nodes"]) == 7


async def test_its_own_places_do_not_stand_in_its_way(park: Park, tour: Sellable) -> None:
    token = await park.registered(tour.line(8))
    assert codes(await update(park, token, tour.line(10))) == []
    refused = await update(park, token, tour.line(11))
    assert codes(refused) == ["SOLD_OUT"]
    assert (refused["refusals"][0]["path"]) == ["lines", "0", "admissions", "0", "slotId"]
    assert (await park.request(token, LINES))["references"][0]["quantity"] == 10
    assert (await park.slot(tour.slot))["held"] == 10


async def test_places_in_another_slot_are_let_go(park: Park, tour: Sellable) -> None:
    other = tour.slots[sorted(tour.slots)[5]]
    token = await park.registered(tour.line(4))
    await update(park, token, tour.line(3, slot=other))
    assert (await park.slot(tour.slot))["held"] == 0
    assert (await park.slot(other))["held"] == 3
    await park.change("Extend", token)
    assert (await park.slot(tour.slot))["held"] == 0
    await park.change("Confirm", token)
    assert await park.slot(other) == {"held": 0, "sold": 3, "remaining": 7}


async def test_numbers_that_are_no_longer_dictated_are_free(park: Park, tour: Sellable) -> None:
    token = await park.registered(tour.line(2, externalTicketNos=["N-1", "N-2"]))
    assert codes(await update(park, token, tour.line(2, externalTicketNos=["n-2", "N-3"]))) == []
    assert codes(await park.create(tour.line(1, externalTicketNos=["N-1"]))) == []
    assert codes(await park.create(tour.line(1, externalTicketNos=["N-2"]))) == ["DUPLICATE_TICKET_NUMBER"]


async def test_a_repeat_of_the_create_still_answers_the_same_request(park: Park, tour: Sellable) -> None:
    token = await park.registered(tour.line(4), token="T")
    await update(park, token, tour.line(1))
    assert codes(await park.create(tour.line(4), token="T")) == []
    assert codes(await park.create(tour.line(1), token="T")) == ["TOKEN_REUSED"]


async def test_only_a_registered_request_is_updated(park: Park, tour: Sellable) -> None:
    confirmed, canceled, expired = [await park.registered(tour.line()) for _ in range(3)]
    await park.change("Confirm", confirmed)
    await park.change("Cancel", canceled)
    park.gatehouse.travel(timedelta(seconds=1500))
    assert codes(await update(park, confirmed, tour.line(2))) == ["ALREADY_CONFIRMED"]
    assert codes(await update(park, canceled, tour.line(2))) == ["ALREADY_CANCELED"]
    assert codes(await update(park, expired, tour.line(2))) == ["HOLD_EXPIRED"]
    assert codes(await update(park, "nobody's", tour.line(2))) == ["NOT_FOUND"]
    assert codes(await park.change("Update", expired, lines=[tour.line()], client="another shop")) == ["NOT_FOUND"]
    assert await park.slot(tour.slot) == {"held": 0, "sold": 1, "remaining": 9}


async def test_the_sweep_writes_down_what_time_has_ended(park: Park, tour: Sellable) -> None:
    tokens = [await park.registered(tour.line()) for _ in range(3)]
    database = park.gatehouse.database
    assert await sweep(database) == 0
    await park.change("Confirm", tokens[0])
    park.gatehouse.travel(timedelta(seconds=1500))
    assert await sweep(database) == 2
    assert await sweep(database) == 0
    for token in tokens[1:]:
        found = await park.request(token, "status statusChangedAt expiresAt timeline { nodes { kind at actor } }")
        assert found["status"] == "EXPIRED"
        assert found["statusChangedAt"] == found["expiresAt"]
        last = found["timeline"]["nodes"][-1]
        assert (last["kind"], last["at"], last["actor"]) == ("EXPIRED", found["expiresAt"], "system")
    assert codes(await park.change("Extend", tokens[1])) == []
    assert await kinds(park, tokens[1]) == ["CREATED", "EXPIRED", "EXTENDED"]


async def test_a_cashier_may_go_over_capacity_where_the_item_allows_it(park: Park, tour: Sellable) -> None:
    friends = await park.item("FRIENDS", [{"admissionCode": "TOUR", "posMayExceedCapacity": True}])
    line = {**tour.line(11), "itemNo": friends}
    assert codes(await park.create_at_pos(line)) == ["SOLD_OUT"]
    assert codes(await park.create_at_pos(tour.line(11), mayExceedCapacity=True)) == ["SOLD_OUT"]
    payload = await park.create_at_pos(line, mayExceedCapacity=True)
    assert codes(payload) == []
    assert await kinds(park, payload["ticketRequest"]["token"]) == ["CREATED", "CAPACITY_EXCEEDED"]
    assert await park.slot(tour.slot) == {"held": 11, "sold": 0, "remaining": 0}


async def test_an_item_may_be_limited_to_a_share_of_the_slot(park: Park, tour: Sellable) -> None:
    cheap = await park.item("CHEAP", [{"admissionCode": "TOUR", "capacityPercent": "25.5"}])
    line = {**tour.line(3), "itemNo": cheap}
    refused = await park.create(line)
    assert codes(refused) == ["SOLD_OUT"]
    assert (refused["refusals"][0]["limit"], refused["refusals"][0]["actual"]) == (2, 3)
    assert codes(await park.create({**line, "quantity": 2})) == []
    assert codes(await park.create({**line, "quantity": 1})) == ["SOLD_OUT"]
    assert codes(await park.create(tour.line(8))) == []
