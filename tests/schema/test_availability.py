"""What a buyer is told about each slot before asking for it, in the very words of create."""

from datetime import timedelta
from typing import Any

import pytest

from tests.harness import Gatehouse
from tests.park import Park, Sellable, codes

AVAILABILITY = """
query Availability(
  $item: String!, $quantity: Int, $code: String, $from: DateTime, $until: DateTime,
  $first: Int, $after: String, $last: Int, $before: String
) {
  ticketItem(by: {item: {itemNo: $item}}) {
    availability(
      quantity: $quantity, admissionCode: $code, from: $from, until: $until,
      first: $first, after: $after, last: $last, before: $before
    ) {
      edges { cursor node { slot { id } } }
      nodes {
        slot { id date startsAt } isSellable remaining unitPrice { amount currency } total { amount currency }
        refusals { code message path limit actual admission { code } slot { id } }
      }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
}
"""


@pytest.fixture
def park(gatehouse: Gatehouse) -> Park:
    return Park(gatehouse)


@pytest.fixture
async def tour(park: Park) -> Sellable:
    return await park.sellable()


async def page(park: Park, item: str, role: str = "WEB_STORE", **asked: Any) -> Any:
    found = await park.gatehouse.data(AVAILABILITY, {"item": item, **asked}, role=role)
    return found["ticketItem"]["availability"]


async def seen(park: Park, item: str, slot_id: str, **asked: Any) -> Any:
    """One slot as a buyer of the item sees it."""
    nodes = (await page(park, item, first=100, **asked))["nodes"]
    return next(node for node in nodes if node["slot"]["id"] == slot_id)


async def test_a_slot_is_seen_with_its_price_and_what_is_left(park: Park, tour: Sellable) -> None:
    await park.registered(tour.line(3))
    found = await seen(park, tour.item_no, tour.slot, quantity=2)
    assert found["isSellable"] is True
    assert found["remaining"] == 7
    assert found["unitPrice"] == {"amount": "12.50", "currency": "EUR"}
    assert found["total"] == {"amount": "25.00", "currency": "EUR"}
    assert found["refusals"] == []


async def test_left_out_one_ticket_is_wanted_from_today_on(park: Park, tour: Sellable) -> None:
    found = (await page(park, tour.item_no, first=100))["nodes"]
    assert [node["slot"]["id"] for node in found] == [tour.slots[day] for day in sorted(tour.slots)]
    assert {node["total"]["amount"] for node in found} == {"12.50"}


async def test_a_slot_that_is_full_is_refused_as_create_refuses_it(park: Park, tour: Sellable) -> None:
    await park.registered(tour.line(8))
    found = await seen(park, tour.item_no, tour.slot, quantity=3)
    refused = await park.create(tour.line(3), dryRun=True)
    assert found["isSellable"] is False
    assert found["remaining"] == 2
    facts = ("code", "message", "limit", "actual", "slot", "admission")
    assert [{name: one[name] for name in facts} for one in found["refusals"]] == [
        {name: one[name] for name in facts} for one in refused["refusals"]
    ]
    assert (await seen(park, tour.item_no, tour.slot, quantity=2))["isSellable"] is True


async def test_what_is_left_is_counted_in_tickets_of_the_item_s_share(park: Park, tour: Sellable) -> None:
    family = await park.item("FAMILY", [{"admissionCode": "TOUR", "quantity": 4}])
    cheap = await park.item("CHEAP", [{"admissionCode": "TOUR", "capacityPercent": "55"}])
    await park.registered(tour.line(1))
    assert [(await seen(park, item, tour.slot))["remaining"] for item in (family, cheap)] == [2, 4]
    await park.registered(tour.line(5))
    assert [(await seen(park, item, tour.slot))["remaining"] for item in (family, cheap)] == [1, 0]
    assert codes(await seen(park, cheap, tour.slot)) == ["SOLD_OUT"]


async def test_without_a_limit_nothing_is_said_to_be_left(park: Park) -> None:
    meadow = await park.sellable("MEADOW", capacity=1, control="NONE")
    found = await seen(park, meadow.item_no, meadow.slot, quantity=500)
    assert (found["isSellable"], found["remaining"]) == (True, None)


async def test_a_blocked_item_is_sold_nowhere(park: Park, tour: Sellable) -> None:
    await park.item("GONE", [{"admissionCode": "TOUR"}], isBlocked=True)
    assert codes(await seen(park, "GONE", tour.slot)) == ["ITEM_BLOCKED"]
    assert codes(await seen(park, "GONE", tour.slot, quantity=11)) == ["ITEM_BLOCKED", "SOLD_OUT"]
    created = await park.create({**tour.line(11), "itemNo": "GONE"}, dryRun=True)
    assert codes(created) == ["ITEM_BLOCKED", "SOLD_OUT"]


@pytest.mark.parametrize("quantity", [0, -1, 1001, 2**31 - 1])
async def test_a_quantity_that_no_request_may_have_is_refused(park: Park, tour: Sellable, quantity: int) -> None:
    found = await seen(park, tour.item_no, tour.slot, quantity=quantity)
    assert codes(found) == ["INVALID_INPUT"]
    assert (found["refusals"][0]["path"], found["refusals"][0]["limit"]) == (["quantity"], 1000)
    assert found["total"] is None


async def test_another_admission_costs_nothing_by_itself(park: Park) -> None:
    castle = await park.sellable("CASTLE")
    tower = await park.sellable("TOWER", capacity=3)
    contents = [
        {"admissionCode": "CASTLE", "isDefault": True},
        {"admissionCode": "TOWER", "inclusion": "NOT_SELECTED", "quantity": 2},
    ]
    item = await park.item("BOTH", contents)
    default = await seen(park, item, castle.slot, quantity=2)
    assert (default["unitPrice"]["amount"], default["total"]["amount"]) == ("10.00", "20.00")
    other = await seen(park, item, tower.slot, code=" tower ", quantity=2)
    assert (other["unitPrice"]["amount"], other["total"]["amount"]) == ("0.00", "0.00")
    assert (codes(other), other["remaining"]) == (["SOLD_OUT"], 1)
    assert (other["refusals"][0]["limit"], other["refusals"][0]["actual"]) == (3, 4)


async def test_an_admission_that_the_item_does_not_let_into_has_no_availability(park: Park, tour: Sellable) -> None:
    await park.sellable("ELSEWHERE")
    for code in ("ELSEWHERE", "NOWHERE", ""):
        assert await page(park, tour.item_no, code=code) is None


async def test_each_line_of_the_contents_has_its_own(park: Park, tour: Sellable) -> None:
    query = """
    query($item: String!) { ticketItem(by: {item: {itemNo: $item}}) { contents {
      id availability(first: 100, quantity: 4) { nodes { slot { id } isSellable remaining total { amount } } }
    } } }
    """
    await park.registered(tour.line(7))
    line = (await park.gatehouse.data(query, {"item": tour.item_no}))["ticketItem"]["contents"][0]
    found = next(node for node in line["availability"]["nodes"] if node["slot"]["id"] == tour.slot)
    assert found == {
        "slot": {"id": tour.slot},
        "isSellable": False,
        "remaining": 3,
        "total": {"amount": "50.00"},
    }
    await park.item(tour.item_no, [{"admissionCode": "TOUR", "quantity": 2}])
    again = await park.gatehouse.data(
        "query($id: ID!) { node(id: $id) { ... on TicketItemAdmission { availability { nodes { isSellable } } } } }",
        {"id": line["id"]},
    )
    assert again["node"] == {"availability": None}


async def test_the_list_is_paged_in_both_directions(park: Park, tour: Sellable) -> None:
    whole = [tour.slots[day] for day in sorted(tour.slots)]
    forward: list[str] = []
    cursor = None
    while True:
        found = await page(park, tour.item_no, first=7, after=cursor)
        forward += [edge["node"]["slot"]["id"] for edge in found["edges"]]
        assert found["pageInfo"]["hasPreviousPage"] is (cursor is not None)
        cursor = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break
    assert forward == whole
    back = await page(park, tour.item_no, last=2, before=found["edges"][0]["cursor"])
    start = whole.index(found["edges"][0]["node"]["slot"]["id"])
    assert [edge["node"]["slot"]["id"] for edge in back["edges"]] == whole[start - 2 : start]


async def test_from_and_until_bound_the_starts(park: Park, tour: Sellable) -> None:
    starts = [node["slot"]["startsAt"] for node in (await page(park, tour.item_no))["nodes"]]
    found = await page(park, tour.item_no, **{"from": starts[2], "until": starts[4]})
    assert [node["slot"]["startsAt"] for node in found["nodes"]] == starts[2:5]
    assert (await page(park, tour.item_no, **{"from": starts[4], "until": starts[2]}))["nodes"] == []


async def test_every_role_may_look(park: Park, tour: Sellable) -> None:
    for role in ("ADMIN", "SUPPORT", "POS", "WEB_STORE", "GATE"):
        assert (await page(park, tour.item_no, role=role, first=1))["nodes"][0]["isSellable"] is not None


async def test_what_is_over_cannot_be_sold(park: Park, tour: Sellable) -> None:
    park.gatehouse.travel(timedelta(days=5))
    early = {"from": (park.gatehouse.database.now() - timedelta(days=9)).isoformat()}
    assert codes(await seen(park, tour.item_no, tour.slot, **early)) == ["SLOT_PAST"]
