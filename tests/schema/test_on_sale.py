"""Let in with the sale: what an item says, what the gate says, and what stands all the same."""

from typing import Any

import pytest

from tests.gate import Gate, at_noon, castle
from tests.harness import Gatehouse
from tests.make import NOON, Make, making
from tests.park import CREATE, CREATE_AT_POS, change

CONFIRM = change("Confirm", "ticketRequest { status tickets { nodes { externalTicketNo } } }")


async def sold(gatehouse: Gatehouse, item_no: str, channel: str, quantity: int = 1, **said: Any) -> list[str]:
    """A sale of now, confirmed: the numbers of its tickets."""
    lines: dict[str, Any] = {"lines": [{"itemNo": item_no, "quantity": quantity}], "token": "sale"}
    if channel == "POS":
        given = {"input": {"receiptNo": "R", "posUnitNo": "P", **lines}}
        made = (await gatehouse.data(CREATE_AT_POS, given, role="POS"))["ticketRequestCreateAtPos"]
    else:
        made = (await gatehouse.data(CREATE, {"input": lines}, role="WEB_STORE"))["ticketRequestCreateInWebStore"]
    assert made["refusals"] == []
    found = await gatehouse.data(CONFIRM, {"input": {"token": "sale", **said}}, role=channel)
    assert found["ticketRequestConfirm"]["refusals"] == []
    assert found["ticketRequestConfirm"]["ticketRequest"]["status"] == "CONFIRMED"
    return [node["externalTicketNo"] for node in found["ticketRequestConfirm"]["ticketRequest"]["tickets"]["nodes"]]


async def item(make: Make, activation: str, *, kind: str = "INDIVIDUAL", **slot: Any) -> None:
    """ITEM, whose sale takes the slot of now, or none."""
    place = await castle(make, admission={"default_schedule": "TODAY", "kind": "LOCATION"}, **slot)
    await make.item("ITEM", place.admission, kind=kind, contents={"activation": activation})


@pytest.mark.parametrize(
    ("activation", "channel", "is_in"),
    [
        ("SCAN", "POS", False),
        ("ON_SALE", "POS", True),
        ("ON_SALE", "WEB_STORE", False),
        ("ALWAYS", "POS", True),
        ("ALWAYS", "WEB_STORE", True),
    ],
)
async def test_an_item_is_let_in_with_its_sale(
    gatehouse: Gatehouse, activation: str, channel: str, is_in: bool
) -> None:
    async with making(gatehouse.database) as make:
        await item(make, activation)
    gate = await at_noon(gatehouse, minutes=10)
    numbers = await sold(gatehouse, "ITEM", channel, 2, paymentReference="PAY")
    for number in numbers:
        assert await gate.counted(number) == ((1, 1) if is_in else (0, 0))
        messages = [event["message"] for event in (await gate.state(number))["timeline"]["nodes"]]
        how = "with the sale" if activation == "ON_SALE" else "at once"
        assert messages == ["A ticket was issued.", *([f"1 person let in {how}."] if is_in else [])]
        assert await gate.says(number) == ("ENTRIES_USED_UP" if is_in else "ADMITTED 1")


async def test_a_group_is_let_in_as_a_whole(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        await item(make, "ON_SALE", kind="GROUP", capacity=20)
    gate = await at_noon(gatehouse, minutes=10)
    (number,) = await sold(gatehouse, "ITEM", "POS", 12)
    assert await gate.counted(number) == (12, 12)


async def test_what_is_not_paid_is_not_let_in(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        await item(make, "ALWAYS")
    gate = await at_noon(gatehouse, minutes=10)
    (number,) = await sold(gatehouse, "ITEM", "WEB_STORE", paymentOption="UNPAID")
    assert await gate.counted(number) == (0, 0)
    assert await gate.history(number) == ["ISSUED 1"], "the sale stands, and no gate has said no"


async def test_the_sale_stands_where_the_gate_would_say_no(gatehouse: Gatehouse) -> None:
    """Guests are let in only later: the gate decides then."""
    async with making(gatehouse.database) as make:
        await item(make, "ON_SALE")
    gate = await at_noon(gatehouse, minutes=-10)
    (number,) = await sold(gatehouse, "ITEM", "POS")
    assert await gate.counted(number) == (0, 0)
    gatehouse.travel(NOON - gatehouse.database.now())
    assert await gate.says(number) == "ADMITTED 1"


async def test_as_many_are_let_in_as_there_is_room_for(gatehouse: Gatehouse) -> None:
    """Each ticket by itself: of three sold into a hall with two places, two are in and one waits."""
    async with making(gatehouse.database) as make:
        hall = {"prebook_required": False, "kind": "LOCATION", "default_schedule": "NONE"}
        hall |= {"capacity_limits_by": "ADMISSION", "capacity_control": "ADMITTED_AND_DEPARTED", "max_capacity": 2}
        place = await castle(make, admission=hall)
        await make.item("ITEM", place.admission, contents={"activation": "ALWAYS"})
    gate: Gate = await at_noon(gatehouse, minutes=10)
    numbers = await sold(gatehouse, "ITEM", "POS", 3)
    assert [await gate.counted(number) for number in numbers] == [(1, 1), (1, 1), (0, 0)]
    assert await gate.says(numbers[2]) == "CAPACITY_REACHED"
    assert await gate.lets_out(numbers[0]) == "1"
    assert await gate.says(numbers[2]) == "ADMITTED 1"
