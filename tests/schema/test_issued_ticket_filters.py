"""Every condition of ``IssuedTicketWhere``, by the tickets that it lets through, and every order."""

from datetime import timedelta
from typing import Any

import pytest

from db.client import Role
from tests.harness import Gatehouse
from tests.make import NOON, making

HOUR = timedelta(hours=1)
DAY = 24 * HOUR
EVERYTHING = {"WEB-1", "WEB-2", "TILL-1", "LATE-1"}


def at(hours: float) -> str:
    return (NOON + hours * HOUR).isoformat()


async def stock(gatehouse: Gatehouse) -> dict[str, str]:
    """Four tickets, named by their numbers, at NOON; answers the global ids of the slots."""
    gatehouse.travel(NOON - gatehouse.database.now())
    async with making(gatehouse.database) as make:
        shop, till = await make.client("shop"), await make.client("till", Role.POS)
        castle = await make.admission("CASTLE")
        tour = await make.admission("TOUR", kind="EVENT")
        early, guided = await make.slot(castle, NOON + DAY), await make.slot(tour, NOON + DAY + HOUR)
        adult = await make.item("ADULT", castle, tour)
        child = await make.item("ADULT", castle, variant_code="CHILD")
        await make.customer("C-1", shop, name="Ada")
        ada = {"customer_no": "C-1", "email": "ada@example.org", "phone": "030 12345", "ticket_holder_name": "Ada"}
        web = await make.request(shop, "web", external_order_no="W-1", **ada)
        line = await make.line(web, adult, 2, slots={castle: early, tour: guided})
        first = await make.ticket(line, "WEB-1", issued_at=NOON - 3 * HOUR, valid_until=NOON + 3 * DAY)
        second = await make.ticket(line, "WEB-2", issued_at=NOON - 3 * HOUR, valid_until=NOON + 2 * DAY)
        await make.visit(first, castle, NOON - HOUR)
        await make.visit(first, tour, NOON)
        await make.visit(second, tour, NOON - HOUR)
        sold = await make.request(till, "till", customer_no="C-404", receipt_no="17", pos_unit_no="POS-1")
        line = await make.line(sold, child)
        await make.ticket(line, "TILL-1", issued_at=NOON - HOUR, blocked_at=NOON, valid_from=NOON - HOUR)
        late = await make.request(shop, "late")
        line = await make.line(late, adult, slots={castle: early})
        await make.ticket(line, "LATE-1", issued_at=NOON - 2 * HOUR, revoked_at=NOON, valid_until=NOON + DAY)
    query = "{ admissions { nodes { slots { nodes { id } } } } }"
    found = await gatehouse.data(query)
    ids = [slot["id"] for admission in found["admissions"]["nodes"] for slot in admission["slots"]["nodes"]]
    return dict(zip(("early", "guided"), ids, strict=True))


async def numbers(
    gatehouse: Gatehouse, where: dict[str, Any], role: str = "ADMIN", client: str | None = None
) -> set[str]:
    query = """query Tickets($where: IssuedTicketWhere) {
      issuedTickets(where: $where) { totalCount nodes { externalTicketNo } }
    }"""
    found = (await gatehouse.data(query, {"where": where}, role=role, client=client))["issuedTickets"]
    assert found["totalCount"] == len(found["nodes"])
    return {ticket["externalTicketNo"] for ticket in found["nodes"]}


CASES: list[tuple[dict[str, Any], set[str]]] = [
    ({}, EVERYTHING),
    ({"isBlocked": None, "validOn": None, "visitAt": {}}, EVERYTHING),
    ({"token": " WEB"}, {"WEB-1", "WEB-2"}),
    ({"ticketNo": "00000001"}, {"WEB-1"}),
    ({"ticketNo": "1"}, set()),
    ({"externalTicketNo": "web-2 "}, {"WEB-2"}),
    ({"externalTicketNo": "WEB"}, set()),
    ({"isBlocked": True}, {"TILL-1"}),
    ({"isBlocked": False}, EVERYTHING - {"TILL-1"}),
    ({"isRevoked": True}, {"LATE-1"}),
    ({"isRevoked": False, "isBlocked": False}, {"WEB-1", "WEB-2"}),
    ({"isAdmitted": True}, {"WEB-1", "WEB-2"}),
    ({"isAdmitted": False}, {"TILL-1", "LATE-1"}),
    ({"validOn": "2030-05-17"}, EVERYTHING),
    ({"validOn": "2030-05-18"}, EVERYTHING),
    ({"validOn": "2030-05-19"}, {"WEB-1", "WEB-2", "TILL-1"}),
    ({"validOn": "2030-05-20"}, {"WEB-1", "TILL-1"}),
    ({"validOn": "9999-12-31"}, {"TILL-1"}),
    ({"validOn": "2030-05-16"}, set()),
    ({"issuedAt": {"from": at(-3), "until": at(-2)}}, {"WEB-1", "WEB-2", "LATE-1"}),
    ({"issuedAt": {"from": at(-1)}}, {"TILL-1"}),
    ({"admittedAt": {"from": at(-1), "until": at(-1)}}, {"WEB-1", "WEB-2"}),
    ({"admittedAt": {"from": at(-0.5)}}, {"WEB-1"}),
    ({"admittedAt": {"from": at(-1), "until": at(-1)}, "admissionCode": "CASTLE"}, {"WEB-1"}),
    ({"visitAt": {"from": at(24), "until": at(24)}}, {"WEB-1", "WEB-2", "LATE-1"}),
    ({"visitAt": {"from": at(25), "until": at(25)}}, {"WEB-1", "WEB-2"}),
    ({"visitAt": {"from": at(26)}}, set()),
    ({"externalOrderNo": "w-1"}, {"WEB-1", "WEB-2"}),
    ({"receiptNo": "17", "posUnitNo": "pos-1"}, {"TILL-1"}),
    ({"posUnitNo": "POS-2"}, set()),
    ({"customerNo": "c-404"}, {"TILL-1"}),
    ({"hasCustomer": True}, {"WEB-1", "WEB-2"}),
    ({"hasCustomer": False}, {"TILL-1", "LATE-1"}),
    ({"hasCustomer": False, "token": "late"}, {"LATE-1"}),
    ({"email": "ADA@example.org"}, {"WEB-1", "WEB-2"}),
    ({"phone": "(030) 123-45"}, {"WEB-1", "WEB-2"}),
    ({"ticketHolderName": "ada"}, {"WEB-1", "WEB-2"}),
    ({"itemNo": "adult"}, EVERYTHING),
    ({"itemNo": "CHILD"}, set()),
    ({"admissionCode": "tour"}, {"WEB-1", "WEB-2", "LATE-1"}),
    ({"admissionCode": "castle"}, EVERYTHING),
    ({"slotId": "guided"}, {"WEB-1", "WEB-2"}),
    ({"slotId": "early"}, {"WEB-1", "WEB-2", "LATE-1"}),
    ({"slotId": "early", "admissionCode": "TOUR"}, set()),
    ({"hasCustomer": False, "validOn": "2030-05-19"}, {"TILL-1"}),
]


async def test_each_condition_lets_through_what_it_says(gatehouse: Gatehouse) -> None:
    slots = await stock(gatehouse)
    for where, expected in CASES:
        asked = where | ({"slotId": slots[where["slotId"]]} if "slotId" in where else {})
        assert await numbers(gatehouse, asked) == expected, where


ORDERS = {
    "ISSUED_AT_DESC": ["TILL-1", "LATE-1", "WEB-2", "WEB-1"],
    "ISSUED_AT_ASC": ["WEB-1", "WEB-2", "LATE-1", "TILL-1"],
    "VALID_UNTIL_ASC": ["LATE-1", "WEB-2", "WEB-1", "TILL-1"],
}


async def test_each_order_and_its_cursors(gatehouse: Gatehouse) -> None:
    """One without an end comes last; the default is newest first."""
    await stock(gatehouse)
    query = """query Tickets($order: IssuedTicketOrder, $after: String) {
      issuedTickets(orderBy: $order, first: 1, after: $after) {
        nodes { externalTicketNo } pageInfo { hasNextPage endCursor }
      }
    }"""
    for order, expected in [*ORDERS.items(), (None, ORDERS["ISSUED_AT_DESC"])]:
        met, after = [], None
        while True:
            page = (await gatehouse.data(query, {"order": order, "after": after}))["issuedTickets"]
            met += [ticket["externalTicketNo"] for ticket in page["nodes"]]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        assert met == expected, order


PERSONAL: list[dict[str, Any]] = [{"email": "ada@example.org"}, {"phone": "03012345"}, {"ticketHolderName": "Ada"}]


@pytest.mark.parametrize("where", PERSONAL, ids=lambda where: next(iter(where)))
async def test_a_masked_field_is_no_way_to_find_what_one_may_not_see(
    gatehouse: Gatehouse, where: dict[str, Any]
) -> None:
    await stock(gatehouse)
    assert await numbers(gatehouse, where, "SUPPORT") == {"WEB-1", "WEB-2"}
    assert await numbers(gatehouse, where, "WEB_STORE", "shop") == {"WEB-1", "WEB-2"}
    assert await numbers(gatehouse, where, "POS", "till") == set()


async def test_each_store_lists_its_own_tickets_and_a_pos_lists_all(gatehouse: Gatehouse) -> None:
    await stock(gatehouse)
    assert await numbers(gatehouse, {}, "WEB_STORE", "shop") == EVERYTHING - {"TILL-1"}
    assert await numbers(gatehouse, {}, "WEB_STORE", "another shop") == set()
    assert await numbers(gatehouse, {}, "POS", "another till") == EVERYTHING
