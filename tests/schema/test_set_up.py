"""The wizard: one call makes a sellable ticket."""

import asyncio
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.harness import Gatehouse
from tests.kept import kept

SET_UP = """
mutation SetUp($input: TicketSetUpInput!) {
  ticketSetUp(input: $input) {
    refusals { code message path limit actual }
    item {
      id itemNo variantCode barcodes description isBlocked unitPrice { amount currency }
      ticketType { code description kind externalTicketPattern }
      contents {
        admission { code } isDefault inclusion quantity activation entryValidation maxEntries durationDays
        reschedulePolicy rescheduleCutOffHours revokePolicy refundPercent rescanWithinSeconds capacityPercent
        posMayExceedCapacity dependencies { kind }
      }
    }
    admission {
      id code description kind timeZone capacityLimitsBy capacityControl maxCapacity prebookRequired defaultSchedule
      slots(from: "2000-01-01T00:00:00Z", first: 100) {
        nodes { date scheduleCode startsAt endsAt arrivalFrom arrivalUntil state capacityControl capacity }
      }
    }
  }
}
"""
NINE_TO_FIVE = {"startTime": "09:00", "stopTime": "17:00", "capacity": 10}
WISH: dict[str, Any] = {
    "ticketTypeCode": "ADULT",
    "itemNo": "1000",
    "description": "Castle, adult",
    "unitPrice": "157.00",
    "admissionCode": "CASTLE",
    "startDate": "2020-01-01",
    "schedules": [NINE_TO_FIVE],
}


@pytest.fixture
async def gatehouse(gatehouse: Gatehouse) -> Gatehouse:
    """At noon of the next day in UTC: today is the same day all the test long."""
    now = gatehouse.database.now()
    noon = (now + timedelta(days=1)).replace(hour=12, minute=0, second=0, microsecond=0)
    gatehouse.travel(noon - now)
    await gatehouse.key()
    return gatehouse


def today(gatehouse: Gatehouse, zone: str = "UTC") -> date:
    return gatehouse.database.now().astimezone(ZoneInfo(zone)).date()


async def set_up(gatehouse: Gatehouse, **changes: Any) -> dict[str, Any]:
    """The payload of the wizard for WISH with these changes; ``...`` leaves out."""
    wish = {name: value for name, value in (WISH | changes).items() if value is not ...}
    payload: dict[str, Any] = (await gatehouse.data(SET_UP, {"input": wish}))["ticketSetUp"]
    return payload


async def made(gatehouse: Gatehouse, **changes: Any) -> dict[str, Any]:
    payload = await set_up(gatehouse, **changes)
    assert payload["refusals"] == []
    return payload


# ------------------------------------------------------------------------------------------------ what it makes


async def test_one_call_makes_a_sellable_ticket_with_every_default(gatehouse: Gatehouse) -> None:
    payload = await made(gatehouse)
    item, admission = payload["item"], payload["admission"]
    assert item.pop("id") != admission.pop("id")
    slots = admission.pop("slots")["nodes"]
    assert item == {
        "itemNo": "1000",
        "variantCode": None,
        "barcodes": [],
        "description": "Castle, adult",
        "isBlocked": False,
        "unitPrice": {"amount": "157.00", "currency": "EUR"},
        "ticketType": {
            "code": "ADULT",
            "description": "ADULT",
            "kind": "INDIVIDUAL",
            "externalTicketPattern": "[S]-[X*6]",
        },
        "contents": [
            {
                "admission": {"code": "CASTLE"},
                "isDefault": True,
                "inclusion": "REQUIRED",
                "quantity": 1,
                "activation": "SCAN",
                "entryValidation": "SINGLE",
                "maxEntries": None,
                "durationDays": 365,
                "reschedulePolicy": "NOT_ALLOWED",
                "rescheduleCutOffHours": None,
                "revokePolicy": "UNUSED",
                "refundPercent": "100",
                "rescanWithinSeconds": None,
                "capacityPercent": "100",
                "posMayExceedCapacity": False,
                "dependencies": [],
            }
        ],
    }
    assert admission == {
        "code": "CASTLE",
        "description": "Castle, adult",
        "kind": "EVENT",
        "timeZone": "UTC",
        "capacityLimitsBy": "SCHEDULE",
        "capacityControl": "SALES",
        "maxCapacity": 10,
        "prebookRequired": True,
        "defaultSchedule": "SCHEDULE_ENTRY",
    }
    days = [today(gatehouse) + timedelta(days=n) for n in range(31)]
    assert [slot["date"] for slot in slots] == [day.isoformat() for day in days]
    assert slots[0] == {
        "date": f"{days[0]}",
        "scheduleCode": "CASTLE 1234567 09:00-17:00 2020-01-01..",
        "startsAt": f"{days[0]}T09:00:00Z",
        "endsAt": f"{days[0]}T17:00:00Z",
        "arrivalFrom": f"{days[0]}T09:00:00Z",
        "arrivalUntil": f"{days[0]}T17:00:00Z",
        "state": "OPEN",
        "capacityControl": "SALES",
        "capacity": 10,
    }


async def test_everything_may_be_said(gatehouse: Gatehouse) -> None:
    payload = await made(
        gatehouse,
        ticketTypeDescription="Families",
        kind="GROUP",
        externalTicketPattern="F-[N*8]",
        unitPrice="1250",
        currency="jpy",
        admissionDescription="The castle",
        admissionKind="LOCATION",
        timeZone="Australia/Lord_Howe",
        untilDate=f"{today(gatehouse) + timedelta(days=2)}",
        schedules=[
            NINE_TO_FIVE | {"capacityControl": "ADMITTED", "prebookDays": 1},
            NINE_TO_FIVE | {"startTime": "22:00", "stopTime": "02:30:15", "capacity": 0, "prebookDays": 0},
        ],
        durationDays=1,
        entryValidation="MULTIPLE",
        maxEntries=3,
        activation="ON_SALE",
        reschedulePolicy="CUT_OFF_HOURS",
        rescheduleCutOffHours="-0.5",
        revokePolicy="ALWAYS",
        refundPercent="33.33",
    )
    item, admission = payload["item"], payload["admission"]
    assert item["unitPrice"] == {"amount": "1250", "currency": "JPY"}
    assert item["ticketType"] == {
        "code": "ADULT",
        "description": "Families",
        "kind": "GROUP",
        "externalTicketPattern": "F-[N*8]",
    }
    line = item["contents"][0]
    assert {name: line[name] for name in ("entryValidation", "maxEntries", "durationDays", "activation")} == {
        "entryValidation": "MULTIPLE",
        "maxEntries": 3,
        "durationDays": 1,
        "activation": "ON_SALE",
    }
    assert (line["reschedulePolicy"], line["revokePolicy"]) == ("CUT_OFF_HOURS", "ALWAYS")
    assert float(line["rescheduleCutOffHours"]) == -0.5
    assert float(line["refundPercent"]) == 33.33
    assert (admission["description"], admission["kind"], admission["timeZone"], admission["maxCapacity"]) == (
        "The castle",
        "LOCATION",
        "Australia/Lord_Howe",
        10,
    )
    local = today(gatehouse, "Australia/Lord_Howe")
    seen = [(s["date"], s["startsAt"][:19], s["capacityControl"], s["capacity"]) for s in admission["slots"]["nodes"]]
    assert seen == [
        (f"{local}", f"{local}T09:00:00", "ADMITTED", 10),
        (f"{local}", f"{local}T22:00:00", "SALES", 0),
        (f"{local + timedelta(days=1)}", f"{local + timedelta(days=1)}T09:00:00", "ADMITTED", 10),
    ]
    night = admission["slots"]["nodes"][1]
    assert night["endsAt"].startswith(f"{local + timedelta(days=1)}T02:30:15")


async def test_slots_come_in_the_admissions_offset(gatehouse: Gatehouse) -> None:
    payload = await made(gatehouse, timeZone="Asia/Kathmandu")
    assert payload["admission"]["slots"]["nodes"][0]["startsAt"].endswith("T09:00:00+05:45")


async def test_slots_are_made_on_the_weekdays_asked_for(gatehouse: Gatehouse) -> None:
    payload = await made(gatehouse, schedules=[NINE_TO_FIVE | {"weekdays": ["SUNDAY", "TUESDAY", "SUNDAY"]}])
    weekdays = {date.fromisoformat(slot["date"]).weekday() for slot in payload["admission"]["slots"]["nodes"]}
    assert weekdays == {1, 6}
    assert payload["admission"]["slots"]["nodes"][0]["scheduleCode"] == "CASTLE 27 09:00-17:00 2020-01-01.."


async def test_the_start_date_may_lie_ahead_and_the_until_date_behind(gatehouse: Gatehouse) -> None:
    """Nothing is sold yet, or any more; the slots come when their days come near."""
    ahead = today(gatehouse) + timedelta(days=29)
    payload = await made(gatehouse, startDate=f"{ahead}")
    assert [slot["date"] for slot in payload["admission"]["slots"]["nodes"]] == [
        f"{ahead}",
        f"{ahead + timedelta(days=1)}",
    ]
    payload = await made(gatehouse, itemNo="2", admissionCode="2", untilDate=f"{today(gatehouse) - timedelta(days=1)}")
    assert payload["admission"]["slots"]["nodes"] == []


async def test_a_reservation_is_needed_if_a_schedule_asks_for_it_or_it_is_an_event(gatehouse: Gatehouse) -> None:
    later = NINE_TO_FIVE | {"startTime": "18:00", "stopTime": "19:00"}
    for kind, asked, required, selection in (
        ("EVENT", None, True, "SCHEDULE_ENTRY"),
        ("LOCATION", None, False, "TODAY"),
        ("LOCATION", True, True, "SCHEDULE_ENTRY"),
        ("EVENT", False, True, "SCHEDULE_ENTRY"),
    ):
        schedules = [NINE_TO_FIVE, later | {"prebookRequired": asked}]
        payload = await made(gatehouse, itemNo=..., admissionCode=..., admissionKind=kind, schedules=schedules)
        admission = payload["admission"]
        assert (admission["prebookRequired"], admission["defaultSchedule"]) == (required, selection), (kind, asked)


async def test_numbers_left_out_are_the_next_of_their_series(gatehouse: Gatehouse) -> None:
    """A new item and a new admission each time, beside whatever was numbered by hand."""
    await made(gatehouse, itemNo="T00002", admissionCode="A00002")
    payloads = [await made(gatehouse, itemNo=..., admissionCode=...) for _ in range(3)]
    numbers = [payload["item"]["itemNo"] for payload in payloads]
    codes = [payload["admission"]["code"] for payload in payloads]
    assert len({"T00002", *numbers}) == len({"A00002", *codes}) == 4
    assert all(number[0] == "T" and number[1:].isdigit() for number in numbers)
    assert all(code[0] == "A" and code[1:].isdigit() for code in codes)


async def test_the_settings_decide_zone_and_currency(gatehouse: Gatehouse) -> None:
    async with gatehouse.with_rules(time_zone=ZoneInfo("America/New_York"), currency="USD") as american:
        payload = await made(american)
    assert payload["admission"]["timeZone"] == "America/New_York"
    assert payload["item"]["unitPrice"]["currency"] == "USD"


async def test_prices_are_rounded_half_up_to_the_currencys_digits(gatehouse: Gatehouse) -> None:
    assert (await made(gatehouse, unitPrice="157.005"))["item"]["unitPrice"]["amount"] == "157.01"
    payload = await made(gatehouse, itemNo="2", unitPrice="0.0005", currency="KWD")
    assert payload["item"]["unitPrice"]["amount"] == "0.001"


async def test_texts_are_trimmed_and_keep_their_letters(gatehouse: Gatehouse) -> None:
    payload = await made(gatehouse, description="  Schloß Ærø 城 🏰 ", admissionCode=" Ærø ", itemNo="١٢ ")
    assert payload["item"]["description"] == "Schloß Ærø 城 🏰"
    assert (payload["item"]["itemNo"], payload["admission"]["code"]) == ("١٢", "Ærø")


# ------------------------------------------------------------------------------------------------------- again


async def test_doing_it_again_changes_nothing(gatehouse: Gatehouse) -> None:
    first = await made(gatehouse)
    before = await kept(gatehouse)
    assert await made(gatehouse) == first
    assert await made(gatehouse, itemNo=" 1000 ", admissionCode="castle", ticketTypeCode="\uff41\uff44ULT") == first
    assert await kept(gatehouse) == before


async def test_what_exists_is_used_as_it_is(gatehouse: Gatehouse) -> None:
    first = await made(gatehouse)
    before = await kept(gatehouse)
    again = await made(
        gatehouse,
        description="Other",
        unitPrice="1",
        currency="USD",
        kind="GROUP",
        externalTicketPattern="[X*9]",
        timeZone="Asia/Tokyo",
        admissionKind="LOCATION",
        durationDays=1,
        schedules=[NINE_TO_FIVE | {"capacity": 99, "capacityControl": "NONE", "prebookDays": 0}],
    )
    assert again == first
    assert await kept(gatehouse) == before


async def test_the_next_days_slots_are_added_on_the_next_day(gatehouse: Gatehouse) -> None:
    first = await made(gatehouse)
    gatehouse.travel(timedelta(days=1))
    slots = (await made(gatehouse))["admission"]["slots"]["nodes"]
    assert slots[:31] == first["admission"]["slots"]["nodes"]
    assert [slot["date"] for slot in slots[31:]] == [f"{today(gatehouse) + timedelta(days=30)}"]


async def test_a_second_item_shares_type_and_admission(gatehouse: Gatehouse) -> None:
    first = await made(gatehouse)
    second = await made(gatehouse, itemNo="2000", description="Castle, child", unitPrice="80")
    assert second["item"]["itemNo"] == "2000"
    assert second["item"]["ticketType"] == first["item"]["ticketType"]
    assert second["admission"] == first["admission"]


async def test_a_further_schedule_adds_its_slots_but_never_a_second_one_at_the_same_start(gatehouse: Gatehouse) -> None:
    """The season goes on under new dates: slots that are there stay as they are."""
    first = await made(gatehouse, untilDate=f"{today(gatehouse) + timedelta(days=1)}")
    evening = NINE_TO_FIVE | {"startTime": "18:00", "stopTime": "20:00", "prebookDays": 0}
    second = await made(gatehouse, schedules=[NINE_TO_FIVE | {"prebookDays": 3}, evening])
    slots = second["admission"]["slots"]["nodes"]
    day = [f"{today(gatehouse) + timedelta(days=n)}" for n in range(4)]
    assert [(slot["date"], slot["startsAt"][11:16]) for slot in slots] == [
        (day[0], "09:00"),
        (day[0], "18:00"),
        (day[1], "09:00"),
        (day[2], "09:00"),
        (day[3], "09:00"),
    ]
    assert [slots[0], slots[2]] == first["admission"]["slots"]["nodes"]


async def test_many_at_once_make_it_once(gatehouse: Gatehouse) -> None:
    schedules = [NINE_TO_FIVE, NINE_TO_FIVE | {"startTime": "18:00", "stopTime": "20:00"}]
    payloads = await asyncio.gather(
        *(made(gatehouse, schedules=schedules if n % 2 else schedules[::-1]) for n in range(8))
    )
    assert all(payload["item"] == payloads[0]["item"] for payload in payloads)
    tables = await kept(gatehouse)
    counts = {name: len(tables[name]) for name in ("ticket_type", "ticket_item", "content_line", "admission")}
    assert counts == {"ticket_type": 1, "ticket_item": 1, "content_line": 1, "admission": 1}
    assert (len(tables["schedule"]), len(tables["schedule_line"]), len(tables["time_slot"])) == (2, 2, 62)


async def test_many_at_once_without_numbers_make_as_many(gatehouse: Gatehouse) -> None:
    payloads = await asyncio.gather(*(made(gatehouse, itemNo=..., admissionCode=...) for _ in range(6)))
    assert len({payload["item"]["itemNo"] for payload in payloads}) == 6
    assert len({payload["admission"]["code"] for payload in payloads}) == 6


async def test_an_existing_item_that_leads_elsewhere_is_not_bent(gatehouse: Gatehouse) -> None:
    """It would not become a ticket to the admission asked for; the payload shows it as it stands."""
    first = await made(gatehouse)
    before = await kept(gatehouse)
    for code in ("TOWER", ...):
        payload = await set_up(gatehouse, admissionCode=code)
        assert [(refusal["code"], refusal["path"]) for refusal in payload["refusals"]] == [("CONFLICT", ["itemNo"])]
        assert payload["item"] == first["item"]
        assert payload["admission"] is None
    assert await kept(gatehouse) == before


# ------------------------------------------------------------------------------------------------------ refused


NONSENSE: list[tuple[dict[str, Any], list[str]]] = [
    ({"ticketTypeCode": "  "}, ["ticketTypeCode"]),
    ({"ticketTypeCode": "x" * 101}, ["ticketTypeCode"]),
    ({"ticketTypeDescription": "x" * 321}, ["ticketTypeDescription"]),
    ({"externalTicketPattern": "[X*7]"}, ["externalTicketPattern"]),
    ({"externalTicketPattern": "TICKET"}, ["externalTicketPattern"]),
    ({"externalTicketPattern": "[S]-[Q]"}, ["externalTicketPattern"]),
    ({"externalTicketPattern": "x" * 32 + "[S]"}, ["externalTicketPattern"]),
    ({"externalTicketPattern": ""}, ["externalTicketPattern"]),
    ({"itemNo": ""}, ["itemNo"]),
    ({"itemNo": "x" * 101}, ["itemNo"]),
    ({"itemNo": "ﷺ" * 100}, ["itemNo"]),
    ({"description": "\u3000"}, ["description"]),
    ({"description": "x" * 100_000}, ["description"]),
    ({"unitPrice": "-0.01"}, ["unitPrice"]),
    ({"unitPrice": "10000000000000.01"}, ["unitPrice"]),
    ({"currency": "XXQ"}, ["currency"]),
    ({"currency": ""}, ["currency"]),
    ({"admissionCode": "x" * 101}, ["admissionCode"]),
    ({"admissionDescription": "x" * 321}, ["admissionDescription"]),
    ({"timeZone": "Europe/Atlantis"}, ["timeZone"]),
    ({"timeZone": "../../etc/passwd"}, ["timeZone"]),
    ({"timeZone": ""}, ["timeZone"]),
    ({"untilDate": "2019-12-31"}, ["untilDate"]),
    ({"schedules": []}, ["schedules"]),
    ({"schedules": [NINE_TO_FIVE | {"startTime": f"{n:02}:00"} for n in range(21)]}, ["schedules"]),
    ({"schedules": [NINE_TO_FIVE | {"capacity": -1}]}, ["schedules.0.capacity"]),
    ({"schedules": [NINE_TO_FIVE | {"capacity": 1_000_001}]}, ["schedules.0.capacity"]),
    ({"schedules": [NINE_TO_FIVE | {"prebookDays": -1}]}, ["schedules.0.prebookDays"]),
    ({"schedules": [NINE_TO_FIVE | {"prebookDays": 1001}]}, ["schedules.0.prebookDays"]),
    ({"schedules": [NINE_TO_FIVE | {"weekdays": []}]}, ["schedules.0.weekdays"]),
    ({"schedules": [NINE_TO_FIVE, NINE_TO_FIVE]}, ["schedules.1.startTime"]),
    (
        {
            "schedules": [
                NINE_TO_FIVE | {"weekdays": ["MONDAY", "SUNDAY"]},
                NINE_TO_FIVE | {"weekdays": ["SUNDAY"], "stopTime": "18:00"},
            ]
        },
        ["schedules.1.startTime"],
    ),
    ({"durationDays": 0}, ["durationDays"]),
    ({"durationDays": 36_501}, ["durationDays"]),
    ({"maxEntries": 3}, ["maxEntries"]),
    ({"maxEntries": 0, "entryValidation": "MULTIPLE"}, ["maxEntries"]),
    ({"rescheduleCutOffHours": "24"}, ["rescheduleCutOffHours"]),
    ({"reschedulePolicy": "CUT_OFF_HOURS"}, ["rescheduleCutOffHours"]),
    ({"reschedulePolicy": "CUT_OFF_HOURS", "rescheduleCutOffHours": "87600.01"}, ["rescheduleCutOffHours"]),
    ({"reschedulePolicy": "CUT_OFF_HOURS", "rescheduleCutOffHours": "0.001"}, ["rescheduleCutOffHours"]),
    ({"refundPercent": "-1"}, ["refundPercent"]),
    ({"refundPercent": "100.01"}, ["refundPercent"]),
    ({"refundPercent": "33.333"}, ["refundPercent"]),
    ({"refundPercent": "100000000000000000"}, ["refundPercent"]),
]


async def test_nonsense_is_refused_and_nothing_is_made(gatehouse: Gatehouse) -> None:
    before = await kept(gatehouse)
    for changes, paths in NONSENSE:
        payload = await set_up(gatehouse, **changes)
        assert [".".join(refusal["path"]) for refusal in payload["refusals"]] == paths, changes
        assert {refusal["code"] for refusal in payload["refusals"]} == {"INVALID_INPUT"}, changes
        assert (payload["item"], payload["admission"]) == (None, None)
    assert await kept(gatehouse) == before


async def test_all_of_it_is_refused_at_once_and_what_exists_is_shown(gatehouse: Gatehouse) -> None:
    first = await made(gatehouse)
    before = await kept(gatehouse)
    payload = await set_up(
        gatehouse,
        description="",
        unitPrice="-1",
        currency="QQQ",
        timeZone="Nowhere",
        untilDate="2000-01-01",
        durationDays=-5,
        refundPercent="101",
        schedules=[NINE_TO_FIVE | {"capacity": -1}, NINE_TO_FIVE],
    )
    assert sorted(".".join(refusal["path"]) for refusal in payload["refusals"]) == [
        "currency",
        "description",
        "durationDays",
        "refundPercent",
        "schedules.0.capacity",
        "schedules.1.startTime",
        "timeZone",
        "unitPrice",
        "untilDate",
    ]
    assert (payload["item"], payload["admission"]) == (first["item"], first["admission"])
    assert await kept(gatehouse) == before


AT_THE_BOUNDS: list[dict[str, Any]] = [
    {"ticketTypeCode": "x" * 100, "ticketTypeDescription": "x" * 320},
    {"itemNo": "x" * 100, "admissionCode": "x" * 100},
    {"description": "x" * 320, "admissionDescription": "🏰" * 320, "externalTicketPattern": "x" * 31 + "[S]"},
    {"unitPrice": "0"},
    {"unitPrice": "10000000000000.00"},
    {"schedules": [NINE_TO_FIVE | {"startTime": f"{n:02}:00", "capacity": 0} for n in range(20)]},
    {"schedules": [NINE_TO_FIVE | {"capacity": 1_000_000, "prebookDays": 1000}]},
    {"schedules": [NINE_TO_FIVE | {"weekdays": ["MONDAY"]}, NINE_TO_FIVE | {"weekdays": ["SUNDAY"]}]},
    {"startDate": "0001-01-01", "untilDate": "9999-12-31"},
    {"untilDate": "2020-01-01"},
    {"durationDays": 36_500, "refundPercent": "0"},
    {"reschedulePolicy": "CUT_OFF_HOURS", "rescheduleCutOffHours": "-87600"},
    {"entryValidation": "MULTIPLE"},
]


async def test_up_to_the_bounds_it_is_made(gatehouse: Gatehouse) -> None:
    for n, changes in enumerate(AT_THE_BOUNDS):
        await made(gatehouse, **{"itemNo": f"I{n}", "admissionCode": f"A{n}"} | changes)


OF_NO_TYPE: list[dict[str, Any]] = [
    {"startDate": "2026-02-30"},
    {"unitPrice": 1.5},
    {"unitPrice": "NaN"},
    {"kind": "HERD"},
    {"schedules": [NINE_TO_FIVE | {"startTime": "25:00"}]},
    {"schedules": [NINE_TO_FIVE | {"capacity": 2**31}]},
    {"schedules": [NINE_TO_FIVE | {"weekdays": ["SONNTAG"]}]},
    {"description": None},
]


async def test_what_is_of_no_type_never_gets_so_far(gatehouse: Gatehouse) -> None:
    before = await kept(gatehouse)
    for changes in OF_NO_TYPE:
        body = await gatehouse.ask(SET_UP, {"input": WISH | changes})
        assert [error["extensions"]["code"] for error in body["errors"]] == ["BAD_USER_INPUT"], changes
    assert await kept(gatehouse) == before


async def test_what_is_no_text_is_refused_at_the_door(gatehouse: Gatehouse) -> None:
    """A lone surrogate, and the character that no database keeps."""
    headers = {"Authorization": f"Bearer {await gatehouse.key()}", "Content-Type": "application/json"}
    before = await kept(gatehouse)
    for text in (b"\\ud800", b"\\u0000"):
        body = b'{"query": "mutation { __typename }", "variables": {"input": {"description": "%s"}}}' % text
        response = await gatehouse.http.post("/graphql", content=body, headers=headers)
        assert response.status_code == 400
        assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert await kept(gatehouse) == before


async def test_only_an_admin_sets_up(gatehouse: Gatehouse) -> None:
    before = await kept(gatehouse)
    for role in ("SUPPORT", "POS", "WEB_STORE", "GATE"):
        body = await gatehouse.ask(SET_UP, {"input": WISH}, role=role)
        assert [error["extensions"]["code"] for error in body["errors"]] == ["FORBIDDEN"]
    assert await kept(gatehouse) == before


async def test_a_slot_follows_the_clock_of_its_place_when_summer_time_ends(gatehouse: Gatehouse) -> None:
    """Through the last Sunday of October, nine o'clock stays nine o'clock in Copenhagen."""
    now = gatehouse.database.now()
    october = datetime(now.year + 1, 10, 20, 12, tzinfo=now.tzinfo)
    gatehouse.travel(october - now)
    slots = (await made(gatehouse, timeZone="Europe/Copenhagen"))["admission"]["slots"]["nodes"]
    assert {slot["startsAt"][11:] for slot in slots} == {"09:00:00+02:00", "09:00:00+01:00"}
    offsets = [slot["startsAt"][-6:] for slot in slots]
    assert offsets == sorted(offsets, reverse=True)
