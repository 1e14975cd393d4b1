"""The registers of customers and sales orders: what shops and the ERP tell, and who is shown it."""

import asyncio
from typing import Any

import pytest

from tests.harness import Gatehouse
from tests.kept import kept

CUSTOMER = """
mutation Upsert($input: CustomerUpsertInput!) {
  customerUpsert(input: $input) { refusals { code message path } customer { id customerNo name email phone } }
}
"""
ORDER = """
mutation Upsert($input: SalesOrderUpsertInput!) {
  salesOrderUpsert(input: $input) {
    refusals { code message path }
    salesOrder {
      id channel externalOrderNo receiptNo posUnitNo placedAt total { amount currency } documentStatus
      customer { customerNo }
    }
  }
}
"""
ANNA = {"customerNo": "C-1", "name": "Anna Ærø", "email": "anna@example.org", "phone": "+45 12 34 56 78"}
RECEIPT = {"receiptNo": "R-1", "posUnitNo": "U-1"}
SHOP, OTHER_SHOP = {"role": "WEB_STORE", "client": "shop"}, {"role": "WEB_STORE", "client": "other shop"}
POS, SUPPORT = {"role": "POS", "client": "till"}, {"role": "SUPPORT", "client": "desk"}


@pytest.fixture
async def gatehouse(gatehouse: Gatehouse) -> Gatehouse:
    """With every caller known."""
    for caller in (SHOP, OTHER_SHOP, POS, SUPPORT, {"role": "ADMIN"}):
        await gatehouse.key(**caller)
    return gatehouse


async def upsert(
    gatehouse: Gatehouse, query: str, given: dict[str, Any], *, role: str = "ADMIN", client: str | None = None
) -> dict[str, Any]:
    """The payload of a mutation that has one root field."""
    data = await gatehouse.data(query, {"input": given}, role=role, client=client)
    payload: dict[str, Any] = next(iter(data.values()))
    return payload


async def customer(gatehouse: Gatehouse, given: dict[str, Any], **caller: str) -> dict[str, Any]:
    payload = await upsert(gatehouse, CUSTOMER, given, **caller)
    assert payload["refusals"] == []
    found: dict[str, Any] = payload["customer"]
    return found


async def order(gatehouse: Gatehouse, given: dict[str, Any], **caller: str) -> dict[str, Any]:
    payload = await upsert(gatehouse, ORDER, given, **caller)
    assert payload["refusals"] == []
    found: dict[str, Any] = payload["salesOrder"]
    return found


def told(payload: dict[str, Any]) -> list[tuple[str, str]]:
    return [(refusal["code"], ".".join(refusal["path"])) for refusal in payload["refusals"]]


# ---------------------------------------------------------------------------------------------------- customers


async def test_a_customer_is_kept_as_the_shop_has_it(gatehouse: Gatehouse) -> None:
    found = await customer(gatehouse, ANNA, **SHOP)
    assert found.pop("id")
    assert found == ANNA
    assert await customer(gatehouse, {"customerNo": "2"}) == {
        "id": (await customer(gatehouse, {"customerNo": "2"}))["id"],
        "customerNo": "2",
        "name": None,
        "email": None,
        "phone": None,
    }


async def test_what_is_absent_of_a_customer_stays_and_null_clears(gatehouse: Gatehouse) -> None:
    first = await customer(gatehouse, ANNA)
    assert await customer(gatehouse, {"customerNo": " c-1 ", "phone": "1"}) == first | {"phone": "1"}
    cleared = await customer(gatehouse, {"customerNo": "C-1", "phone": None, "email": "  "})
    assert cleared == first | {"phone": None, "email": None}


async def test_e_mails_need_not_be_unique(gatehouse: Gatehouse) -> None:
    one = await customer(gatehouse, ANNA)
    other = await customer(gatehouse, ANNA | {"customerNo": "C-2"})
    assert one["id"] != other["id"]


NO_CUSTOMER: list[tuple[dict[str, Any], str]] = [
    ({"customerNo": " \u3000 "}, "customerNo"),
    ({"customerNo": "x" * 101}, "customerNo"),
    ({"customerNo": "ﷺ" * 100}, "customerNo"),
    ({"name": "x" * 321}, "name"),
    ({"name": "x" * 500_000}, "name"),
    ({"email": "x" * 321}, "email"),
    ({"phone": "1" * 101}, "phone"),
]


@pytest.mark.parametrize("is_new", [True, False])
async def test_too_much_about_a_customer_is_refused(gatehouse: Gatehouse, is_new: bool) -> None:
    first = None if is_new else await customer(gatehouse, ANNA)
    before = await kept(gatehouse)
    for changes, path in NO_CUSTOMER:
        payload = await upsert(gatehouse, CUSTOMER, ANNA | changes)
        assert told(payload) == [("INVALID_INPUT", path)]
        assert payload["customer"] == (None if path == "customerNo" else first)
    assert await kept(gatehouse) == before


async def test_up_to_the_bounds_a_customer_is_kept(gatehouse: Gatehouse) -> None:
    given = {"customerNo": "🏰" * 100, "name": "🏰" * 320, "email": "é" * 320, "phone": "1" * 100}
    found = await customer(gatehouse, given)
    assert found.pop("id")
    assert found == given


async def test_many_at_once_make_one_customer(gatehouse: Gatehouse) -> None:
    found = await asyncio.gather(*(customer(gatehouse, ANNA) for _ in range(8)))
    assert all(one == found[0] for one in found)
    assert len((await kept(gatehouse))["customer"]) == 1


async def test_anybody_may_write_a_customer_but_a_shop_sees_only_its_own(gatehouse: Gatehouse) -> None:
    """The other shop's word counts, and shows it nothing of what was known before."""
    first = await customer(gatehouse, ANNA, **SHOP)
    payload = await upsert(gatehouse, CUSTOMER, {"customerNo": "C-1", "name": "Anne"}, **OTHER_SHOP)
    assert payload == {"refusals": [], "customer": None}
    payload = await upsert(gatehouse, CUSTOMER, {"customerNo": "C-1", "name": "x" * 321}, **OTHER_SHOP)
    assert payload["customer"] is None
    assert await customer(gatehouse, {"customerNo": "C-1"}, **SHOP) == first | {"name": "Anne"}
    assert await customer(gatehouse, {"customerNo": "C-1"}, **SUPPORT) == first | {"name": "Anne"}


async def test_a_pos_sees_that_there_is_a_customer_and_nothing_personal(gatehouse: Gatehouse) -> None:
    await customer(gatehouse, ANNA, **SHOP)
    found = await customer(gatehouse, {"customerNo": "C-1", "phone": "99"}, **POS)
    assert (found["customerNo"], found["name"], found["email"], found["phone"]) == ("C-1", None, None, None)
    assert (await customer(gatehouse, {"customerNo": "C-1"}, **SHOP))["phone"] == "99"


# ------------------------------------------------------------------------------------------------- sales orders


async def test_a_web_order_is_kept_as_the_shop_has_it(gatehouse: Gatehouse) -> None:
    await customer(gatehouse, ANNA, **SHOP)
    given = {
        "externalOrderNo": " W-1 ",
        "customerNo": "c-1",
        "placedAt": "2026-11-23T09:30:00+01:00",
        "total": "157.005",
        "documentStatus": "Open",
    }
    found = await order(gatehouse, given, **SHOP)
    assert found.pop("id")
    assert found == {
        "channel": "WEB_STORE",
        "externalOrderNo": "W-1",
        "receiptNo": None,
        "posUnitNo": None,
        "placedAt": "2026-11-23T08:30:00Z",
        "total": {"amount": "157.01", "currency": "EUR"},
        "documentStatus": "Open",
        "customer": {"customerNo": "C-1"},
    }


async def test_a_receipt_is_kept_as_the_till_has_it(gatehouse: Gatehouse) -> None:
    found = await order(gatehouse, RECEIPT | {"total": "-12.5", "currency": "sek"}, **POS)
    assert found.pop("id")
    assert found == {
        "channel": "POS",
        "externalOrderNo": None,
        **RECEIPT,
        "placedAt": None,
        "total": {"amount": "-12.50", "currency": "SEK"},
        "documentStatus": None,
        "customer": None,
    }


@pytest.mark.parametrize("number", [{"externalOrderNo": "W-1"}, RECEIPT])
async def test_what_is_absent_of_an_order_stays_and_null_clears(gatehouse: Gatehouse, number: dict[str, str]) -> None:
    await customer(gatehouse, ANNA, **SHOP)
    known = {"customerNo": "C-1", "placedAt": "2026-11-23T08:30:00Z", "total": "5", "documentStatus": "Open"}
    first = await order(gatehouse, number | known, **SHOP)
    again = {name: value.lower() for name, value in number.items()}
    assert await order(gatehouse, again | {"documentStatus": "Paid"}, **SHOP) == first | again | {
        "documentStatus": "Paid"
    }
    cleared = await order(gatehouse, number | dict.fromkeys(known), **SHOP)
    assert cleared == first | {"customer": None, "placedAt": None, "total": None, "documentStatus": None}


async def test_a_total_has_the_currency_known_so_far(gatehouse: Gatehouse) -> None:
    number = {"externalOrderNo": "W-1"}
    assert (await order(gatehouse, number | {"currency": "JPY"}))["total"] is None
    assert (await order(gatehouse, number | {"total": "157"}))["total"] == {"amount": "157", "currency": "JPY"}
    assert (await order(gatehouse, number | {"currency": "EUR"}))["total"] == {"amount": "157.00", "currency": "EUR"}
    assert (await order(gatehouse, number | {"currency": None}))["total"] == {"amount": "157.00", "currency": "EUR"}


async def test_a_picked_up_web_order_gets_its_receipt(gatehouse: Gatehouse) -> None:
    """From then on it is found by either number; an absent one is not a wish to clear it."""
    first = await order(gatehouse, {"externalOrderNo": "W-1"}, **SHOP)
    second = await order(gatehouse, {"externalOrderNo": "W-1"} | RECEIPT, **SHOP)
    assert second == first | RECEIPT
    assert await order(gatehouse, RECEIPT, **SHOP) == second
    assert await order(gatehouse, {"externalOrderNo": "W-1", "receiptNo": None, "posUnitNo": None}, **SHOP) == second
    moved = await order(gatehouse, {"externalOrderNo": "W-1", "receiptNo": "R-2", "posUnitNo": "U-1"}, **SHOP)
    assert moved == first | {"receiptNo": "R-2", "posUnitNo": "U-1"}


async def test_two_shops_may_have_the_same_order_number(gatehouse: Gatehouse) -> None:
    one = await order(gatehouse, {"externalOrderNo": "W-1"}, **SHOP)
    other = await order(gatehouse, {"externalOrderNo": "w-1"}, **OTHER_SHOP)
    assert one["id"] != other["id"]


async def test_staff_say_whose_order_it_is(gatehouse: Gatehouse) -> None:
    first = await order(gatehouse, {"externalOrderNo": "W-1"}, **SHOP)
    told_by_staff = {"externalOrderNo": "W-1", "client": " SHOP ", "documentStatus": "Paid"}
    assert await order(gatehouse, told_by_staff, **SUPPORT) == first | {"documentStatus": "Paid"}
    own = await order(gatehouse, {"externalOrderNo": "W-1"}, **SUPPORT)
    assert (own["id"] != first["id"], own["channel"]) == (True, "BACK_OFFICE")
    assert (await order(gatehouse, {"externalOrderNo": "W-2", "client": "till"}))["channel"] == "POS"


@pytest.mark.parametrize("caller", [SUPPORT, SHOP, POS])
async def test_nobody_writes_for_a_client_that_is_unknown(gatehouse: Gatehouse, caller: dict[str, str]) -> None:
    """For a shop or a till, every other client is."""
    before = await kept(gatehouse)
    names = ["nobody", ""] if caller is SUPPORT else ["nobody", "other shop", "desk", ""]
    for name in names:
        payload = await upsert(gatehouse, ORDER, {"externalOrderNo": "W-1", "client": name}, **caller)
        assert told(payload) == [("NOT_FOUND", "client")]
        assert payload["salesOrder"] is None
    assert await kept(gatehouse) == before
    assert await order(gatehouse, {"externalOrderNo": "W-1", "client": caller["client"].upper()}, **caller)


async def test_two_numbers_of_two_orders_contradict(gatehouse: Gatehouse) -> None:
    first = await order(gatehouse, {"externalOrderNo": "W-1"}, **SHOP)
    await order(gatehouse, RECEIPT, **SHOP)
    before = await kept(gatehouse)
    payload = await upsert(gatehouse, ORDER, {"externalOrderNo": "W-1", "total": "1"} | RECEIPT, **SHOP)
    assert told(payload) == [("CONFLICT", "receiptNo")]
    assert payload["salesOrder"] == first
    assert await kept(gatehouse) == before


async def test_an_order_does_not_take_over_a_receipt_of_another_order(gatehouse: Gatehouse) -> None:
    """The order that is known by its number would be lost."""
    first = await order(gatehouse, {"externalOrderNo": "W-1"} | RECEIPT, **SHOP)
    before = await kept(gatehouse)
    payload = await upsert(gatehouse, ORDER, {"externalOrderNo": "W-2"} | RECEIPT, **SHOP)
    assert (told(payload), payload["salesOrder"]) == ([("CONFLICT", "receiptNo")], first)
    assert await kept(gatehouse) == before


async def test_a_receipt_of_anothers_order_is_written_but_not_taken_over(gatehouse: Gatehouse) -> None:
    """The other's word on the receipt counts and shows it nothing; its own order number has no place there."""
    first = await order(gatehouse, RECEIPT | {"total": "5"}, **POS)
    payload = await upsert(gatehouse, ORDER, RECEIPT | {"documentStatus": "Returned"}, **SHOP)
    assert payload == {"refusals": [], "salesOrder": None}
    before = await kept(gatehouse)
    payload = await upsert(gatehouse, ORDER, RECEIPT | {"externalOrderNo": "W-1"}, **SHOP)
    assert (told(payload), payload["salesOrder"]) == ([("CONFLICT", "receiptNo")], None)
    payload = await upsert(gatehouse, ORDER, RECEIPT | {"client": "shop"}, **SUPPORT)
    assert told(payload) == [("CONFLICT", "receiptNo")]
    assert await kept(gatehouse) == before
    assert await order(gatehouse, RECEIPT, **POS) == first | {"documentStatus": "Returned"}


NO_ORDER: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({}, [("INVALID_INPUT", "externalOrderNo")]),
    ({"externalOrderNo": " "}, [("INVALID_INPUT", "externalOrderNo")]),
    ({"receiptNo": "R-1"}, [("INVALID_INPUT", "posUnitNo")]),
    ({"posUnitNo": "U-1"}, [("INVALID_INPUT", "receiptNo")]),
    ({"externalOrderNo": "W-1", "receiptNo": "R-1", "posUnitNo": ""}, [("INVALID_INPUT", "posUnitNo")]),
    ({"externalOrderNo": "x" * 101}, [("INVALID_INPUT", "externalOrderNo")]),
    (
        {"receiptNo": "x" * 101, "posUnitNo": "ﷺ" * 100},
        [("INVALID_INPUT", "receiptNo"), ("INVALID_INPUT", "posUnitNo")],
    ),
    (
        {
            "externalOrderNo": "W-1",
            "customerNo": "x" * 101,
            "documentStatus": "x" * 101,
            "total": "100000000000000000",
            "currency": "QQQ",
            "client": "nobody",
        },
        [
            ("INVALID_INPUT", "customerNo"),
            ("INVALID_INPUT", "documentStatus"),
            ("NOT_FOUND", "client"),
            ("INVALID_INPUT", "currency"),
            ("INVALID_INPUT", "total"),
        ],
    ),
    ({"externalOrderNo": "W-1", "total": "-100000000000000000"}, [("INVALID_INPUT", "total")]),
]


async def test_nonsense_about_an_order_is_refused(gatehouse: Gatehouse) -> None:
    before = await kept(gatehouse)
    for given, refusals in NO_ORDER:
        payload = await upsert(gatehouse, ORDER, given)
        assert told(payload) == refusals
        assert payload["salesOrder"] is None
    assert await kept(gatehouse) == before


async def test_up_to_the_bounds_an_order_is_kept(gatehouse: Gatehouse) -> None:
    numbers = {"externalOrderNo": "🏰" * 100, "receiptNo": "é" * 100, "posUnitNo": "x" * 100}
    known = {"documentStatus": "x" * 100, "placedAt": "9999-12-31T23:59:59.999999Z"}
    found = await order(gatehouse, numbers | known | {"total": "10000000000000"})
    assert {name: found[name] for name in numbers | known} == numbers | known


@pytest.mark.parametrize("numbers", [{"externalOrderNo": "W-1"}, RECEIPT, {"externalOrderNo": "W-1"} | RECEIPT])
async def test_many_at_once_make_one_order(gatehouse: Gatehouse, numbers: dict[str, str]) -> None:
    found = await asyncio.gather(*(order(gatehouse, numbers | {"total": "5"}, **SHOP) for _ in range(8)))
    assert all(one == found[0] for one in found)
    assert len((await kept(gatehouse))["sales_order"]) == 1


async def test_many_orders_at_once_want_one_receipt(gatehouse: Gatehouse) -> None:
    """Some are new and some are there already; one gets it, and the others are told so."""
    for n in range(0, 8, 2):
        await order(gatehouse, {"externalOrderNo": f"W-{n}"}, **SHOP)
    wanted = [{"externalOrderNo": f"W-{n}"} | RECEIPT for n in range(8)]
    payloads = await asyncio.gather(*(upsert(gatehouse, ORDER, given, **SHOP) for given in wanted))
    orders = (await kept(gatehouse))["sales_order"]
    assert sum("R-1" in row for row in orders) == 1
    assert len(orders) in (4, 5)
    refusals = [refusal["code"] for payload in payloads for refusal in payload["refusals"]]
    assert refusals == 7 * ["CONFLICT"]


async def test_a_gate_keeps_no_registers(gatehouse: Gatehouse) -> None:
    before = await kept(gatehouse)
    for query, given in ((CUSTOMER, ANNA), (ORDER, {"externalOrderNo": "W-1"})):
        body = await gatehouse.ask(query, {"input": given}, role="GATE")
        assert [error["extensions"]["code"] for error in body["errors"]] == ["FORBIDDEN"]
    assert await kept(gatehouse) == before
