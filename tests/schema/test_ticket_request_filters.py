"""Every condition of ``TicketRequestWhere``, by the requests that it lets through."""

from datetime import timedelta
from typing import Any

import pytest

from db.client import Role
from tests.harness import Gatehouse
from tests.make import NOON, making

HOUR = timedelta(hours=1)
TOMORROW = NOON + 24 * HOUR
EVERYTHING = {"web", "till", "late", "canceled", "expired", "changed"}


def at(hours: float) -> str:
    return (NOON + hours * HOUR).isoformat()


async def stock(gatehouse: Gatehouse) -> dict[str, str]:
    """Six requests, each named by its token, at NOON; answers the global ids of the slots."""
    gatehouse.travel(NOON - gatehouse.database.now())
    async with making(gatehouse.database) as make:
        shop, till = await make.client("shop"), await make.client("till", Role.POS)
        castle = await make.admission("CASTLE")
        tour = await make.admission("TOUR", kind="EVENT")
        early, evening = await make.slot(castle, TOMORROW), await make.slot(castle, TOMORROW + 6 * HOUR)
        guided = await make.slot(tour, TOMORROW + HOUR)
        adult = await make.item("ADULT", castle, tour)
        child = await make.item("ADULT", castle, tour, variant_code="CHILD")
        family = await make.item("FAMILY", castle)
        await make.customer("C-1", shop, name="Ada Groß")
        web = await make.request(
            shop,
            "web",
            created_at=NOON - 10 * HOUR,
            external_order_no="W-1",
            customer_no="C-1",
            email="Ada.Gross@Example.org",
            phone="+49 (30) 123-45",
            ticket_holder_name="Ada Groß",
            payment_reference="PAY-1",
        )
        await make.line(web, adult, slots={castle: early, tour: guided})
        on_hold = {"status": "REGISTERED", "channel": "POS", "expires_at": NOON + HOUR}
        receipt = {"receipt_no": "0017", "pos_unit_no": "POS-1", "email": "bob@example.org"}
        sold = await make.request(till, "till", created_at=NOON - 9 * HOUR, customer_no="C-404", **on_hold, **receipt)
        await make.line(sold, child, slots={castle: evening}, left_out=[tour])
        run_out = {"status": "REGISTERED", "expires_at": NOON - HOUR}
        late = await make.request(shop, "late", created_at=NOON - 8 * HOUR, phone="n/a", **run_out)
        await make.line(late, family, slots={castle: early})
        await make.request(shop, "canceled", created_at=NOON - 7 * HOUR, status="CANCELED", external_order_no="W-1")
        stamped = {"status": "EXPIRED", "expires_at": NOON - 5 * HOUR, "channel": "IMPORT"}
        await make.request(shop, "expired", created_at=NOON - 6 * HOUR, **stamped)
        changed = await make.request(shop, "changed", created_at=NOON - 5 * HOUR)
        await make.line(changed, family, slots={castle: early}, replaced_at=NOON)
        await make.line(changed, adult, slots={tour: guided}, left_out=[castle])
    query = "{ admissions { nodes { slots(from: $from) { nodes { id } } } } }"
    found = await gatehouse.data(f"query Slots($from: DateTime) {query}", {"from": at(-24)})
    ids = [slot["id"] for admission in found["admissions"]["nodes"] for slot in admission["slots"]["nodes"]]
    return dict(zip(("early", "evening", "guided"), ids, strict=True))


async def tokens(
    gatehouse: Gatehouse, where: dict[str, Any], role: str = "ADMIN", client: str | None = None
) -> set[str]:
    query = """query Requests($where: TicketRequestWhere) {
      ticketRequests(where: $where) { totalCount nodes { token } }
    }"""
    found = (await gatehouse.data(query, {"where": where}, role=role, client=client))["ticketRequests"]
    assert found["totalCount"] == len(found["nodes"])
    return {request["token"] for request in found["nodes"]}


CASES: list[tuple[dict[str, Any], set[str]]] = [
    ({}, EVERYTHING),
    ({"status": None, "email": None, "createdAt": None}, EVERYTHING),
    ({"status": []}, set()),
    ({"status": ["REGISTERED"]}, {"till"}),
    ({"status": ["EXPIRED"]}, {"late", "expired"}),
    ({"status": ["CONFIRMED", "CANCELED"]}, {"web", "changed", "canceled"}),
    ({"status": ["REGISTERED", "EXPIRED", "CONFIRMED", "CANCELED"]}, EVERYTHING),
    ({"channel": ["POS", "IMPORT"]}, {"till", "expired"}),
    ({"channel": []}, set()),
    ({"paymentOption": ["UNPAID"]}, {"till", "late"}),
    ({"createdAt": {"from": at(-9), "until": at(-7)}}, {"till", "late", "canceled"}),
    ({"createdAt": {"from": at(-5)}}, {"changed"}),
    ({"createdAt": {"until": at(-10)}}, {"web"}),
    ({"createdAt": {"from": at(-7), "until": at(-9)}}, set()),
    ({"createdAt": {}}, EVERYTHING),
    ({"expiresAt": {"from": at(-5), "until": at(-1)}}, {"late", "expired"}),
    ({"expiresAt": {"from": at(0)}}, {"till"}),
    ({"token": "  WEB "}, {"web"}),
    ({"token": "we"}, set()),
    ({"externalOrderNo": "w-1"}, {"web", "canceled"}),
    ({"externalOrderNo": "\uff37-1"}, {"web", "canceled"}),
    ({"receiptNo": "0017"}, {"till"}),
    ({"receiptNo": "17"}, set()),
    ({"posUnitNo": "pos-1", "receiptNo": "0017"}, {"till"}),
    ({"posUnitNo": "POS-2", "receiptNo": "0017"}, set()),
    ({"paymentReference": "pay-1"}, {"web"}),
    ({"customerNo": "c-1"}, {"web"}),
    ({"customerNo": "C-404"}, {"till"}),
    ({"hasCustomer": True}, {"web"}),
    ({"hasCustomer": False}, EVERYTHING - {"web"}),
    ({"email": "ADA.GROSS@example.ORG"}, {"web"}),
    ({"email": "ada.gross"}, set()),
    ({"phone": "0049 30 12345"}, set()),
    ({"phone": "+49 30/12345"}, {"web"}),
    ({"phone": "n/a"}, set()),
    ({"phone": ""}, set()),
    ({"ticketHolderName": "ADA GROSS"}, {"web"}),
    ({"ticketHolderName": "Ada"}, set()),
    ({"itemNo": "adult"}, {"web", "till", "changed"}),
    ({"itemNo": "FAMILY"}, {"late"}),
    ({"itemNo": "nothing"}, set()),
    ({"admissionCode": "castle"}, {"web", "till", "late"}),
    ({"admissionCode": "TOUR"}, {"web", "changed"}),
    ({"slotId": "early"}, {"web", "late"}),
    ({"slotId": "guided"}, {"web", "changed"}),
    ({"visitAt": {"from": at(24), "until": at(24)}}, {"web", "late"}),
    ({"visitAt": {"from": at(25), "until": at(30)}}, {"web", "till", "changed"}),
    ({"visitAt": {"until": at(23.9)}}, set()),
    ({"admissionCode": "CASTLE", "visitAt": {"from": at(25)}}, {"till"}),
    ({"admissionCode": "TOUR", "slotId": "early"}, set()),
    ({"status": ["CONFIRMED"], "itemNo": "ADULT", "hasCustomer": False}, {"changed"}),
]


async def test_each_condition_lets_through_what_it_says(gatehouse: Gatehouse) -> None:
    slots = await stock(gatehouse)
    for where, expected in CASES:
        asked = where | ({"slotId": slots[where["slotId"]]} if "slotId" in where else {})
        assert await tokens(gatehouse, asked) == expected, where


async def test_an_id_of_something_else_finds_nothing(gatehouse: Gatehouse) -> None:
    await stock(gatehouse)
    request = (await gatehouse.data('{ ticketRequest(by: { token: "web" }) { id } }'))["ticketRequest"]["id"]
    assert await tokens(gatehouse, {"slotId": request}) == set()


async def test_a_malformed_id_is_said_to_be_one(gatehouse: Gatehouse) -> None:
    query = '{ ticketRequests(where: { slotId: "slot 7" }) { totalCount } }'
    body = await gatehouse.ask(query)
    assert [error["extensions"]["code"] for error in body["errors"]] == ["BAD_USER_INPUT"]


PERSONAL: list[dict[str, Any]] = [
    {"email": "ada.gross@example.org"},
    {"phone": "493012345"},
    {"ticketHolderName": "Ada Groß"},
]


@pytest.mark.parametrize("where", PERSONAL, ids=lambda where: next(iter(where)))
async def test_a_masked_field_is_no_way_to_find_what_one_may_not_see(
    gatehouse: Gatehouse, where: dict[str, Any]
) -> None:
    """A POS sees the web store's request, but not who made it; nor may it guess."""
    await stock(gatehouse)
    assert await tokens(gatehouse, where, "SUPPORT") == {"web"}
    assert await tokens(gatehouse, where, "WEB_STORE", "shop") == {"web"}
    assert await tokens(gatehouse, where, "POS", "till") == set()
    assert await tokens(gatehouse, where, "WEB_STORE", "another shop") == set()


async def test_a_pos_finds_its_own_sales_by_e_mail(gatehouse: Gatehouse) -> None:
    await stock(gatehouse)
    assert await tokens(gatehouse, {"email": "bob@example.org"}, "POS", "till") == {"till"}
    assert await tokens(gatehouse, {"email": "bob@example.org"}, "POS", "another till") == set()


async def test_each_store_lists_its_own_requests_and_a_pos_lists_all(gatehouse: Gatehouse) -> None:
    await stock(gatehouse)
    assert await tokens(gatehouse, {}, "WEB_STORE", "shop") == EVERYTHING - {"till"}
    assert await tokens(gatehouse, {}, "WEB_STORE", "another shop") == set()
    assert await tokens(gatehouse, {}, "POS", "another till") == EVERYTHING


async def test_a_customer_is_there_for_those_who_see_the_customer(gatehouse: Gatehouse) -> None:
    """Another store's request may name the number; that gives no sight of the customer."""
    await stock(gatehouse)
    async with making(gatehouse.database) as make:
        await make.request(await make.client("another shop"), "theirs", customer_no="C-1")
    assert await tokens(gatehouse, {"hasCustomer": True}) == {"web", "theirs"}
    assert await tokens(gatehouse, {"hasCustomer": True}, "WEB_STORE", "shop") == {"web"}
    assert await tokens(gatehouse, {"hasCustomer": True}, "WEB_STORE", "another shop") == set()
    assert await tokens(gatehouse, {"hasCustomer": False}, "WEB_STORE", "another shop") == {"theirs"}


async def test_a_hold_that_runs_out_changes_what_the_filters_find(gatehouse: Gatehouse) -> None:
    """At ``expiresAt`` itself the hold is over; nobody has to stamp it."""
    await stock(gatehouse)
    gatehouse.travel(NOON + HOUR - gatehouse.database.now())
    assert await tokens(gatehouse, {"status": ["REGISTERED"]}) == set()
    assert await tokens(gatehouse, {"status": ["EXPIRED"]}) == {"late", "expired", "till"}
