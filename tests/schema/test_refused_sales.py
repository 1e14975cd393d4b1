"""Every refusal that create, update and extend can give: provoked, and nothing was changed by it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

import db
from resolvers.refusals import RefusalCode
from schema.node import global_id
from tests.harness import Gatehouse
from tests.kept import kept
from tests.make import making
from tests.park import Park, Sellable, codes

Payload = dict[str, Any]
OTHER_DAY = 5


@pytest.fixture
def park(gatehouse: Gatehouse) -> Park:
    return Park(gatehouse)


@pytest.fixture
async def tour(park: Park) -> Sellable:
    return await park.sellable()


async def refused_for(park: Park, code: RefusalCode, ask: Callable[[], Awaitable[Payload]]) -> Payload:
    """What the question answers: that code and no other, at every try, and not a row was changed."""
    before = await kept(park.gatehouse)
    payload = await ask()
    assert set(codes(payload)) == {code.value}
    assert await ask() == payload
    assert await kept(park.gatehouse) == before
    return payload


# ----------------------------------------------------------- what is wrong with lines, at create and at update

Wrong = Callable[[Park, Sellable], Awaitable[list[dict[str, Any]]]]


def said(**changes: Any) -> Wrong:
    """A line that says something else than it should."""

    async def lines(_park: Park, tour: Sellable) -> list[dict[str, Any]]:
        return [{**tour.line(), **changes}]

    return lines


async def ambiguous(park: Park, tour: Sellable) -> list[dict[str, Any]]:
    for variant in ("ADULT", "CHILD"):
        await park.item("DAY", [{"admissionCode": "TOUR"}], variantCode=variant)
    return [{**tour.line(), "itemNo": "DAY"}]


async def listed_twice(_park: Park, tour: Sellable) -> list[dict[str, Any]]:
    return [{**tour.line(), "admissions": tour.line()["admissions"] * 2}]


async def blocked(park: Park, tour: Sellable) -> list[dict[str, Any]]:
    return [{**tour.line(), "itemNo": await park.item("GONE", [{"admissionCode": "TOUR"}], isBlocked=True)}]


async def elsewhere(park: Park, tour: Sellable) -> list[dict[str, Any]]:
    """An admission that there is, but not on the ticket; beside the one that is."""
    other = await park.sellable("ELSEWHERE")
    return [{**tour.line(), "admissions": tour.line()["admissions"] + other.line()["admissions"]}]


async def unknown_slot(_park: Park, tour: Sellable) -> list[dict[str, Any]]:
    return [tour.line(slot=global_id("TimeSlot", 10_000))]


async def no_slot(_park: Park, tour: Sellable) -> list[dict[str, Any]]:
    return [{"itemNo": tour.item_no, "quantity": 1}]


async def slot_of_another(park: Park, tour: Sellable) -> list[dict[str, Any]]:
    return [tour.line(slot=(await park.sellable("ELSEWHERE")).slot)]


def changed(**columns: Any) -> Wrong:
    """A slot that became so since."""

    async def lines(park: Park, tour: Sellable) -> list[dict[str, Any]]:
        await change_slots(park, **columns)
        return [tour.line()]

    return lines


async def change_slots(park: Park, **columns: Any) -> None:
    async with making(park.gatehouse.database) as make:
        await make.write.run(update(db.time_slot.time_slot).values(columns))


async def past(park: Park, tour: Sellable) -> list[dict[str, Any]]:
    await change_slots(park, arrival_until=park.gatehouse.database.now() - timedelta(seconds=1))
    return [tour.line()]


async def not_on_sale(park: Park, tour: Sellable) -> list[dict[str, Any]]:
    await change_slots(park, sales_from=park.gatehouse.database.now() + timedelta(days=1))
    return [tour.line()]


async def holiday(park: Park, tour: Sellable) -> list[dict[str, Any]]:
    async with making(park.gatehouse.database) as make:
        calendar = await make.add(db.calendar.calendar, code="C", code_key="c", description="C")
        for weekday in range(7):
            days = {"kind": "WEEKDAY", "weekday": weekday, "text": "Closed for good."}
            await make.add(db.calendar.calendar_line, calendar_id=calendar, **days)
        await make.write.run(update(db.ticket_item.content_line).values(calendar_id=calendar))
    return [tour.line()]


async def too_late(park: Park, tour: Sellable) -> list[dict[str, Any]]:
    """Two admissions, of which the second is visited after the ticket's last day."""
    other = await park.sellable("OTHER")
    contents = [
        {"admissionCode": "TOUR", "isDefault": True, "durationDays": 1},
        {"admissionCode": "OTHER", "durationDays": 1},
    ]
    item = await park.item("BOTH", contents)
    visits = tour.line()["admissions"] + other.line(slot=other.slots[sorted(other.slots)[OTHER_DAY]])["admissions"]
    return [{"itemNo": item, "quantity": 1, "admissions": visits}]


async def taken_number(park: Park, tour: Sellable) -> list[dict[str, Any]]:
    await park.registered(tour.line(1, externalTicketNos=["N-1"]))
    return [tour.line(1, externalTicketNos=["n-1"])]


WRONG_LINES: list[tuple[RefusalCode, Wrong]] = [
    (RefusalCode.INVALID_INPUT, said(quantity=0)),
    (RefusalCode.INVALID_INPUT, said(unitPrice="-1")),
    (RefusalCode.UNKNOWN_ITEM, said(itemNo="NO SUCH THING")),
    (RefusalCode.AMBIGUOUS_LINE, ambiguous),
    (RefusalCode.AMBIGUOUS_LINE, listed_twice),
    (RefusalCode.ITEM_BLOCKED, blocked),
    (RefusalCode.UNKNOWN_ADMISSION, elsewhere),
    (RefusalCode.UNKNOWN_SLOT, unknown_slot),
    (RefusalCode.SLOT_REQUIRED, no_slot),
    (RefusalCode.SLOT_OF_OTHER_ADMISSION, slot_of_another),
    (RefusalCode.SLOT_CANCELED, changed(state="CANCELED")),
    (RefusalCode.SLOT_CLOSED, changed(state="CLOSED")),
    (RefusalCode.CALENDAR_CLOSED, holiday),
    (RefusalCode.SLOT_PAST, past),
    (RefusalCode.OUTSIDE_SALES_PERIOD, not_on_sale),
    (RefusalCode.BEYOND_VALIDITY, too_late),
    (RefusalCode.SOLD_OUT, said(quantity=11)),
    (RefusalCode.DUPLICATE_TICKET_NUMBER, taken_number),
]


@pytest.mark.parametrize(("code", "wrong"), WRONG_LINES)
async def test_wrong_lines_are_refused_and_change_nothing(
    park: Park, tour: Sellable, code: RefusalCode, wrong: Wrong
) -> None:
    """In the web store, at a POS, and when the lines of a request are replaced."""
    token = await park.registered(tour.line(2))
    lines = await wrong(park, tour)
    for ask in (
        lambda: park.create(*lines, externalOrderNo="W-1"),
        lambda: park.create(*lines, token="T-1"),
        lambda: park.create(*lines, dryRun=True),
        lambda: park.create_at_pos(*lines),
        lambda: park.change("Update", token, lines=lines),
    ):
        payload = await refused_for(park, code, ask)
        assert payload["ticketRequest"] is None or payload["ticketRequest"]["token"] == token


async def test_a_token_that_is_another_request_s_is_refused(park: Park, tour: Sellable) -> None:
    await park.registered(tour.line(), token="T")
    for ask in (
        lambda: park.create(tour.line(2), token="t"),
        lambda: park.create(tour.line(), token="T", client="another shop"),
        lambda: park.create_at_pos(tour.line(), token="T"),
    ):
        await refused_for(park, RefusalCode.TOKEN_REUSED, ask)


async def test_an_order_that_has_a_request_is_refused(park: Park, tour: Sellable) -> None:
    await park.registered(tour.line(), externalOrderNo="W-1")
    for ask in (
        lambda: park.create(tour.line(2), externalOrderNo="w-1"),
        lambda: park.create(tour.line(), externalOrderNo="W-1", token="T"),
    ):
        await refused_for(park, RefusalCode.DUPLICATE_ORDER, ask)


# -------------------------------------------------------------------------- what is wrong with the request


async def ended(park: Park, tour: Sellable, how: str) -> str:
    token = await park.registered(tour.line())
    await park.change(how, token)
    return token


@pytest.mark.parametrize("name", ["Update", "Extend"])
async def test_a_request_that_is_no_longer_open_is_refused(park: Park, tour: Sellable, name: str) -> None:
    other: dict[str, Any] = {"lines": [tour.line(2)]} if name == "Update" else {}
    confirmed, canceled = await ended(park, tour, "Confirm"), await ended(park, tour, "Cancel")
    theirs = await park.registered(tour.line(), client="another shop")
    for token, code in (
        (confirmed, RefusalCode.ALREADY_CONFIRMED),
        (canceled, RefusalCode.ALREADY_CANCELED),
        (theirs, RefusalCode.NOT_FOUND),
        ("nobody's", RefusalCode.NOT_FOUND),
    ):
        await refused_for(park, code, lambda token=token: park.change(name, token, **other))  # type: ignore[misc]


async def test_a_hold_that_ran_out_is_not_updated(park: Park, tour: Sellable) -> None:
    """The first try writes the expiry down, as whoever meets it does; beyond it nothing changes."""
    token = await park.registered(tour.line())
    park.gatehouse.travel(timedelta(seconds=1500))

    async def ask() -> Payload:
        return await park.change("Update", token, lines=[tour.line(2)])

    before = await kept(park.gatehouse)
    assert codes(await ask()) == ["HOLD_EXPIRED"]
    after = await kept(park.gatehouse)
    assert {name for name in before if before[name] != after[name]} == {"ticket_request", "request_event"}
    await refused_for(park, RefusalCode.HOLD_EXPIRED, ask)


# ------------------------------------------------------------------------------------------ extend and revive

Obstacle = Callable[[Park, Sellable], Awaitable[object]]


async def sold_to_others(park: Park, tour: Sellable) -> None:
    await park.registered(tour.line(9))


async def ordered_again(park: Park, tour: Sellable) -> None:
    await park.registered(tour.line(1, slot=tour.slots[sorted(tour.slots)[OTHER_DAY]]), externalOrderNo="W-1")


IN_THE_WAY: list[tuple[RefusalCode, Obstacle]] = [
    (RefusalCode.SOLD_OUT, sold_to_others),
    (RefusalCode.DUPLICATE_ORDER, ordered_again),
    (RefusalCode.DUPLICATE_TICKET_NUMBER, taken_number),
    (RefusalCode.SLOT_PAST, past),
    (RefusalCode.OUTSIDE_SALES_PERIOD, not_on_sale),
]
CLOSED: list[tuple[RefusalCode, Obstacle]] = [
    (RefusalCode.SLOT_CANCELED, changed(state="CANCELED")),
    (RefusalCode.SLOT_CLOSED, changed(state="CLOSED")),
    (RefusalCode.CALENDAR_CLOSED, holiday),
]


@pytest.mark.parametrize(("code", "obstacle"), IN_THE_WAY + CLOSED)
async def test_an_expired_request_comes_back_only_if_it_could_be_sold(
    park: Park, tour: Sellable, code: RefusalCode, obstacle: Obstacle
) -> None:
    line = tour.line(2, externalTicketNos=["N-1", "N-2"])
    token = await park.registered(line, externalOrderNo="W-1")
    park.gatehouse.travel(timedelta(seconds=1500))
    await obstacle(park, tour)
    payload = await refused_for(park, code, lambda: park.change("Extend", token))
    assert payload["ticketRequest"]["status"] == "EXPIRED"


@pytest.mark.parametrize(("code", "obstacle"), CLOSED)
async def test_a_hold_on_a_closed_slot_is_neither_extended_nor_confirmed(
    park: Park, tour: Sellable, code: RefusalCode, obstacle: Obstacle
) -> None:
    token = await park.registered(tour.line(2))
    await obstacle(park, tour)
    for name in ("Extend", "Confirm"):
        payload = await refused_for(park, code, lambda name=name: park.change(name, token))  # type: ignore[misc]
        assert payload["ticketRequest"]["status"] == "REGISTERED"
