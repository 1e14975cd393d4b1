"""Letting people out: who is inside, what becomes free, and what is kept of a no."""

from datetime import timedelta

from tests.gate import at_noon, castle
from tests.harness import Gatehouse
from tests.make import NOON, making

HOUR = timedelta(hours=1)


async def test_who_is_inside_goes_out(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        await (await castle(make)).ticket("T-1")
    gate = await at_noon(gatehouse)
    assert await gate.says("T-1") == "ADMITTED 1"
    assert await gate.depart(" t-1", gate="South") == {
        "departedCount": 1,
        "tickets": {"totalCount": 1, "nodes": [{"externalTicketNo": "T-1"}]},
        "refusals": [],
    }
    assert await gate.counted("T-1") == (1, 0)
    assert (await gate.state("T-1"))["timeline"]["nodes"][-1]["message"] == "1 person departed at South."
    assert await gate.says("T-1") == "ENTRIES_USED_UP", "going out gives no other life"


async def test_a_group_goes_out_in_parts_and_never_more_than_are_in(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        place = await castle(make)
        await place.ticket("G", await place.item(kind="GROUP"), people=5)
    gate = await at_noon(gatehouse)
    assert await gate.says("G", quantity=4) == "ADMITTED 4"
    assert await gate.lets_out("G", quantity=1) == "1"
    too_many = (await gate.depart("G", quantity=4))["refusals"][0]
    assert (too_many["code"], too_many["limit"], too_many["actual"]) == ("NOT_INSIDE", 3, 4)
    assert too_many["message"] == "Only 3 of the ticket are inside."
    assert await gate.lets_out("G") == "3"
    assert await gate.lets_out("G") == "NOT_INSIDE"
    assert await gate.counted("G") == (4, 0)
    assert await gate.history("G") == [
        "ADMITTED 4",
        "DEPARTED 1",
        "REFUSED NOT_INSIDE",
        "DEPARTED 3",
        "REFUSED NOT_INSIDE",
    ]


async def test_a_token_lets_out_everybody_of_it_who_is_inside(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        place = await castle(make)
        item, family = await place.item(), await place.request("family")
        for number in ("A", "B", "C"):
            await place.ticket(number, item, request=family)
    gate = await at_noon(gatehouse)
    for number in ("A", "C"):
        assert await gate.says(number) == "ADMITTED 1"
    payload = await gate.depart("family")
    assert payload["departedCount"] == 2
    assert [node["externalTicketNo"] for node in payload["tickets"]["nodes"]] == ["A", "C"]
    assert await gate.lets_out("family") == "NOT_INSIDE"


async def test_nobody_goes_out_of_where_they_are_not(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        place = await castle(make)
        await place.ticket("T-1")
        await place.request("registered", status="REGISTERED")
        await make.admission("TOWER")
    gate = await at_noon(gatehouse)
    assert await gate.lets_out("T-1") == "NOT_INSIDE"
    assert await gate.lets_out("T-1", admissionCode="TOWER") == "NOT_ON_TICKET"
    assert await gate.lets_out("T-1", admissionCode="NOWHERE") == "UNKNOWN_ADMISSION"
    assert await gate.lets_out("nobody's") == "TICKET_UNKNOWN"
    assert await gate.lets_out("registered") == "NOT_INSIDE"
    assert await gate.lets_out("T-1", quantity=0) == "INVALID_INPUT"
    assert await gate.lets_out(" ") == "INVALID_INPUT"
    assert await gate.history("T-1") == ["REFUSED NOT_INSIDE", "REFUSED NOT_ON_TICKET", "REFUSED INVALID_INPUT"]
    assert await gate.counted("T-1") == (0, 0)


async def test_a_nonce_makes_a_departure_safe_to_repeat(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        place = await castle(make)
        await place.ticket("G", await place.item(kind="GROUP"), people=5)
    gate = await at_noon(gatehouse)
    assert await gate.says("G") == "ADMITTED 5"
    first = await gate.depart("G", quantity=2, nonce="n")
    assert await gate.depart("G", quantity=2, nonce="n") == first
    assert await gate.counted("G") == (5, 3)


async def test_a_departure_may_be_told_later(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        await (await castle(make)).ticket("T-1")
    gate = await at_noon(gatehouse)
    assert await gate.says("T-1") == "ADMITTED 1"
    gatehouse.travel(2 * HOUR)
    assert await gate.lets_out("T-1", at=(NOON + HOUR).isoformat()) == "1"
    departed = (await gate.state("T-1"))["timeline"]["nodes"][-1]
    assert departed["at"] == "2030-05-17T13:00:00Z"
    assert departed["recordedAt"].startswith("2030-05-17T14:00:0")
    assert await gate.lets_out("T-1", at=(NOON + 5 * HOUR).isoformat()) == "INVALID_INPUT"


async def test_nobody_goes_out_before_they_came(gatehouse: Gatehouse) -> None:
    """But for a gate's clock that is a little behind: then they went out as they came."""
    async with making(gatehouse.database) as make:
        place = await castle(make)
        for number in ("T-1", "T-2"):
            await place.ticket(number)
    gate = await at_noon(gatehouse)
    assert [await gate.says(number) for number in ("T-1", "T-2")] == ["ADMITTED 1"] * 2
    assert await gate.lets_out("T-1", at=(NOON - HOUR).isoformat()) == "NOT_INSIDE"
    assert await gate.counted("T-1") == (1, 1)
    assert await gate.lets_out("T-2", at=(NOON - HOUR / 60).isoformat()) == "1"
    arrival, departure = (await gate.state("T-2"))["timeline"]["nodes"]
    assert departure["at"] == arrival["at"]
