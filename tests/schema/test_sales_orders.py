"""Sales orders: which one a request points at, and which requests point at one."""

from typing import Any

from db.client import Role
from tests.harness import Gatehouse
from tests.make import NOON, Make, making


async def orders(make: Make) -> None:
    """Two stores use the order number W-1; the receipt 7 is one of the till's."""
    shop, other, till = await make.client("shop"), await make.client("other"), await make.client("till", Role.POS)
    await make.customer("C-1", shop)
    placed = {
        "customer_no": "C-1",
        "placed_at": NOON,
        "total_minor": 1250,
        "currency": "EUR",
        "document_status": "Paid",
    }
    await make.sales_order(shop, external_order_no="W-1", **placed)
    await make.sales_order(other, external_order_no="w-1")
    receipt = {"receipt_no": "7", "pos_unit_no": "POS-1"}
    await make.sales_order(till, channel="POS", **receipt)
    await make.request(shop, "web", external_order_no="W-1")
    await make.request(other, "other", external_order_no="W-1")
    await make.request(shop, "picked up", external_order_no="W-1", **receipt)
    await make.request(shop, "picked up, order unknown", external_order_no="W-2", **receipt)
    await make.request(till, "at the till", receipt_no="7", pos_unit_no="pos-1")
    await make.request(till, "at another till", receipt_no="7", pos_unit_no="POS-2")
    await make.request(till, "with another's number", external_order_no="W-1")
    await make.request(shop, "neither")


POINTING: dict[str, str | None] = {
    "web": "shop's W-1",
    "other": "other's W-1",
    "picked up": "shop's W-1",
    "picked up, order unknown": "receipt 7",
    "at the till": "receipt 7",
    "at another till": None,
    "with another's number": None,
    "neither": None,
}


def named(order: dict[str, Any] | None) -> str | None:
    if order is None:
        return None
    if order["receiptNo"]:
        return f"receipt {order['receiptNo']}"
    return f"{'shop' if order['customer'] else 'other'}'s {order['externalOrderNo'].upper()}"


async def test_a_request_points_at_its_own_clients_order_else_at_its_receipt(gatehouse: Gatehouse) -> None:
    """In at most two statements, however many requests; and the orders' own requests tell the same."""
    async with making(gatehouse.database) as make:
        await orders(make)
    order = "externalOrderNo receiptNo customer { id }"
    query = f"""{{ ticketRequests {{ nodes {{ token salesOrder {{
      {order} requests {{ totalCount nodes {{ token salesOrder {{ {order} }} }} }}
    }} }} }} }}"""
    requests = (await gatehouse.data(query))["ticketRequests"]["nodes"]
    assert {request["token"]: named(request["salesOrder"]) for request in requests} == POINTING
    for request in requests:
        if request["salesOrder"]:
            behind = request["salesOrder"]["requests"]
            name = named(request["salesOrder"])
            assert [other["token"] for other in behind["nodes"]] == [
                t for t, order in POINTING.items() if order == name
            ]
            assert behind["totalCount"] == len(behind["nodes"])
            assert all(named(other["salesOrder"]) == name for other in behind["nodes"])


async def test_a_store_sees_the_orders_that_it_wrote_first(gatehouse: Gatehouse) -> None:
    """Which order a request points at does not depend on who asks; whether it is shown does."""
    async with making(gatehouse.database) as make:
        await orders(make)
    query = "{ ticketRequests { nodes { token salesOrder { externalOrderNo receiptNo customer { id } } } } }"
    found = await gatehouse.data(query, role="WEB_STORE", client="shop")
    assert {request["token"]: named(request["salesOrder"]) for request in found["ticketRequests"]["nodes"]} == {
        "web": "shop's W-1",
        "picked up": "shop's W-1",
        "picked up, order unknown": None,
        "neither": None,
    }


async def test_by_number_alone_it_is_the_newest_that_one_may_see(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        await orders(make)
    query = '{ salesOrder(by: { externalOrderNo: " W-1" }) { externalOrderNo receiptNo customer { id } } }'
    assert named((await gatehouse.data(query))["salesOrder"]) == "other's W-1"
    for client in ("shop", "other"):
        found = (await gatehouse.data(query, role="WEB_STORE", client=client))["salesOrder"]
        assert named(found) == f"{client}'s W-1"
    assert (await gatehouse.data(query, role="WEB_STORE", client="a third"))["salesOrder"] is None


async def test_an_order_as_it_is_read(gatehouse: Gatehouse) -> None:
    """By its number, its receipt, or its id."""
    async with making(gatehouse.database) as make:
        await orders(make)
    fields = """channel externalOrderNo receiptNo posUnitNo placedAt total { amount currency } documentStatus
      customer { customerNo }"""
    by_number = f'{{ salesOrder(by: {{ externalOrderNo: "W-1" }}) {{ id {fields} }} }}'
    found = (await gatehouse.data(by_number, role="WEB_STORE", client="shop"))["salesOrder"]
    by_id = f'{{ salesOrder(by: {{ id: "{found["id"]}" }}) {{ id {fields} }} }}'
    assert (await gatehouse.data(by_id))["salesOrder"] == found
    del found["id"]
    assert found == {
        "channel": "WEB_STORE",
        "externalOrderNo": "W-1",
        "receiptNo": None,
        "posUnitNo": None,
        "placedAt": "2030-05-17T12:00:00Z",
        "total": {"amount": "12.50", "currency": "EUR"},
        "documentStatus": "Paid",
        "customer": {"customerNo": "C-1"},
    }
    by_receipt = f'{{ salesOrder(by: {{ receipt: {{ receiptNo: "7", posUnitNo: "pos-1" }} }}) {{ {fields} }} }}'
    found = (await gatehouse.data(by_receipt))["salesOrder"]
    assert (found["receiptNo"], found["posUnitNo"], found["total"], found["customer"]) == ("7", "POS-1", None, None)
