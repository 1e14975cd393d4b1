"""The role center: one day in numbers."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from db.timeline import RequestEventKind
from tests.harness import Gatehouse
from tests.make import NOON, making

ROLE_CENTER = """query RoleCenter($date: Date) {
  roleCenter(date: $date) {
    date requestsRegistered requestsConfirmed requestsExpired requestsCanceled
    ticketsIssued ticketsAdmitted scansRefused
    admissions { admission { code } slotCount capacity held sold admitted utilizationPercent }
  }
}"""
HOUR = timedelta(hours=1)
COPENHAGEN = ZoneInfo("Europe/Copenhagen")


async def of(gatehouse: Gatehouse, day: date | None = None, role: str = "SUPPORT") -> dict[str, Any]:
    variables = {} if day is None else {"date": day.isoformat()}
    found: dict[str, Any] = (await gatehouse.data(ROLE_CENTER, variables, role=role))["roleCenter"]
    return found


async def test_the_numbers_of_a_day(gatehouse: Gatehouse) -> None:
    """What happened that day, whatever became of it later; of the requests made then, those that hold places now."""
    gatehouse.travel(NOON - gatehouse.database.now())
    yesterday, kind = NOON - 24 * HOUR, RequestEventKind
    async with making(gatehouse.database) as make:
        shop = await make.client("shop")
        castle, park = await make.admission("CASTLE"), await make.admission("PARK")
        await make.admission("TOUR")
        item = await make.item("ADULT", castle)
        morning = await make.slot(castle, NOON - HOUR, capacity=10)
        evening = await make.slot(castle, NOON + 6 * HOUR, capacity=3)
        await make.slot(castle, NOON + 7 * HOUR, capacity=100, state="CLOSED")
        await make.slot(castle, NOON + 30 * HOUR, capacity=100)
        await make.slot(park, NOON, capacity_control="NONE")
        held = await make.request(shop, "held", status="REGISTERED", expires_at=NOON + HOUR)
        await make.line(held, item, 2, slots={castle: evening})
        run_out = {"status": "REGISTERED", "expires_at": NOON - HOUR}
        await make.request(shop, "late", created_at=NOON - 2 * HOUR, **run_out)
        revived = await make.request(shop, "revived", created_at=NOON - 3 * HOUR, **run_out)
        await make.event(kind.EXPIRED, request=revived, at=NOON - 2 * HOUR)
        await make.request(shop, "before", status="REGISTERED", created_at=yesterday, expires_at=NOON + HOUR)
        gone = await make.request(shop, "gone", status="EXPIRED", created_at=yesterday, expires_at=NOON - 5 * HOUR)
        await make.event(kind.EXPIRED, request=gone, at=NOON - 5 * HOUR)
        sold = await make.request(shop, "sold")
        await make.event(kind.CONFIRMED, request=sold)
        line = await make.line(sold, item, 4, slots={castle: morning})
        tickets = [await make.ticket(line) for _ in range(4)]
        await make.ticket(line, issued_at=yesterday)
        for at in (NOON - HOUR, NOON - HOUR / 2):
            await make.event(kind.ADMITTED, ticket=tickets[0], at=at, quantity=1)
        await make.event(kind.ADMITTED, ticket=tickets[1], at=yesterday, quantity=1)
        await make.visit(tickets[0], castle, NOON - HOUR)
        for at in (NOON, NOON, NOON + HOUR):
            await make.event(kind.REFUSED, ticket=tickets[2], at=at, scanned="sold", refusal_code="TOO_EARLY")
        await make.event(kind.REFUSED, scanned="ghost", refusal_code="TICKET_UNKNOWN")
        canceled = await make.request(shop, "canceled", status="CANCELED")
        await make.event(kind.CONFIRMED, request=canceled)
        await make.event(kind.CANCELED, request=canceled)
    assert await of(gatehouse) == {
        "date": "2030-05-17",
        "requestsRegistered": 1,
        "requestsConfirmed": 2,
        "requestsExpired": 3,
        "requestsCanceled": 1,
        "ticketsIssued": 4,
        "ticketsAdmitted": 1,
        "scansRefused": 3,
        "admissions": [
            row("CASTLE", 2, 13, held=2, sold=4, admitted=1, percent="46.2"),
            row("PARK", 1, None),
            row("TOUR", 0, 0),
        ],
    }
    before = await of(gatehouse, NOON.date() - timedelta(days=1))
    assert (before["requestsRegistered"], before["ticketsIssued"], before["ticketsAdmitted"]) == (1, 1, 1)
    assert before["admissions"] == [row(code, 0, 0) for code in ("CASTLE", "PARK", "TOUR")]


def row(
    code: str, slots: int, capacity: int | None, *, held: int = 0, sold: int = 0, admitted: int = 0, percent: Any = None
) -> dict[str, Any]:
    return {
        "admission": {"code": code},
        "slotCount": slots,
        "capacity": capacity,
        "held": held,
        "sold": sold,
        "admitted": admitted,
        "utilizationPercent": percent,
    }


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2030, 3, 31), 23), (date(2030, 10, 27), 25), (date(2030, 5, 17), 24)], ids=str
)
async def test_a_day_is_as_long_as_its_clocks_make_it(gatehouse: Gatehouse, day: date, hours: int) -> None:
    """From midnight to midnight in GATEHOUSE_TIME_ZONE, also when the clocks change; both ends to the microsecond."""
    start = datetime.combine(day, datetime.min.time(), COPENHAGEN).astimezone(UTC)
    end = start + hours * HOUR
    tick = timedelta(microseconds=1)
    async with making(gatehouse.database) as make:
        shop, castle = await make.client("shop"), await make.admission("CASTLE")
        item = await make.item("ADULT", castle)
        for at in (start - tick, start, end - tick, end):
            line = await make.line(await make.request(shop, created_at=at), item)
            await make.ticket(line)
    async with gatehouse.with_rules(time_zone=COPENHAGEN) as there:
        assert (await of(there, day))["ticketsIssued"] == 2
        assert (await of(there, day + timedelta(days=1)))["ticketsIssued"] == 1
        assert (await of(there, day - timedelta(days=1)))["ticketsIssued"] == 1


async def test_today_is_where_the_setting_says(gatehouse: Gatehouse) -> None:
    gatehouse.travel(datetime(2030, 5, 17, 23, 30, tzinfo=UTC) - gatehouse.database.now())
    async with gatehouse.with_rules(time_zone=COPENHAGEN) as there:
        assert (await of(there))["date"] == "2030-05-18"
    assert (await of(gatehouse))["date"] == "2030-05-17"


async def test_an_admission_has_the_slots_of_that_date_in_its_own_zone(gatehouse: Gatehouse) -> None:
    """A slot that belongs to the evening in Honolulu is of that date there, whatever the server's day is by then."""
    async with making(gatehouse.database) as make:
        far = await make.admission("FAR", time_zone="Pacific/Honolulu")
        await make.slot(far, datetime(2030, 5, 18, 4, tzinfo=UTC), date=date(2030, 5, 17), capacity=5)
    assert (await of(gatehouse, date(2030, 5, 17)))["admissions"] == [row("FAR", 1, 5, percent="0.0")]
    assert (await of(gatehouse, date(2030, 5, 18)))["admissions"] == [row("FAR", 0, 0)]


async def test_it_takes_the_same_few_statements_however_many_admissions_there_are(gatehouse: Gatehouse) -> None:
    counts = []
    for number in (1, 4):
        async with making(gatehouse.database) as make:
            for _ in range(number):
                await make.slot(await make.admission(), NOON, capacity=5)
        await of(gatehouse, NOON.date())
        counts.append(len(gatehouse.statements))
    assert counts == [5, 5]


async def test_days_beyond_any_calendar_are_refused(gatehouse: Gatehouse) -> None:
    for day in ("0001-01-01", "1969-12-31", "9990-12-31", "9999-12-31"):
        body = await gatehouse.ask(ROLE_CENTER, {"date": day}, role="POS")
        is_refused = [error["extensions"]["code"] for error in body.get("errors", ())] == ["BAD_USER_INPUT"]
        assert is_refused == (day != "9990-12-31")
