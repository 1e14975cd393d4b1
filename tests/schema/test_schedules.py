"""Admissions, schedules, their lines and calendars as staff set them up: absent stays, null clears."""

import asyncio
from typing import Any

import pytest

from tests.harness import Gatehouse
from tests.kept import kept

ADMISSION = """
mutation($input: AdmissionUpsertInput!) {
  admissionUpsert(input: $input) {
    refusals { code message path limit actual }
    admission {
      id code description kind timeZone capacityLimitsBy capacityControl maxCapacity prebookRequired defaultSchedule
      calendar { code } scheduleLines { schedule { code } }
    }
  }
}
"""
SCHEDULE = """
mutation($input: ScheduleUpsertInput!) {
  scheduleUpsert(input: $input) {
    refusals { code message path limit actual }
    schedule {
      id code description recurrence every weekdays startDate untilDate occurrences startTime stopTime
      arrivalFromMinutesBefore arrivalUntilMinutesAfter salesFromMinutesBefore salesUntilMinutesBefore
      daysAhead capacityControl maxCapacity produces lines { admission { code } }
    }
  }
}
"""
LINE = """
mutation($input: ScheduleLineUpsertInput!) {
  scheduleLineUpsert(input: $input) {
    refusals { code message path limit actual }
    scheduleLine {
      id admission { code } schedule { code } processOrder capacityControl maxCapacity isBlocked
    }
  }
}
"""
CALENDAR = """
mutation($input: CalendarUpsertInput!) {
  calendarUpsert(input: $input) {
    refusals { code message path limit actual }
    calendar { id code description lines { kind date weekday month day text } }
  }
}
"""
EVERY_DAY = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
NEW = {"code": "DAY", "startDate": "2026-07-01", "startTime": "09:00", "stopTime": "17:00", "maxCapacity": 10}


async def upsert(gatehouse: Gatehouse, document: str, **given: Any) -> dict[str, Any]:
    """The one payload of the document."""
    (payload,) = (await gatehouse.data(document, {"input": given})).values()
    found: dict[str, Any] = payload
    return found


async def made(gatehouse: Gatehouse, document: str, **given: Any) -> dict[str, Any]:
    """The object as it stands after an upsert that is not refused."""
    payload = await upsert(gatehouse, document, **given)
    assert payload.pop("refusals") == []
    (found,) = payload.values()
    return dict(found)


def told(payload: dict[str, Any]) -> list[tuple[str, str]]:
    return [(refusal["code"], ".".join(refusal["path"])) for refusal in payload["refusals"]]


# ---------------------------------------------------------------------------------------------------- admissions


async def test_a_new_admission_has_defaults(gatehouse: Gatehouse) -> None:
    found = await made(gatehouse, ADMISSION, code=" Tour ", kind="EVENT")
    assert found.pop("id")
    assert found == {
        "code": "Tour",
        "description": "Tour",
        "kind": "EVENT",
        "timeZone": "UTC",
        "capacityLimitsBy": "SCHEDULE",
        "capacityControl": "SALES",
        "maxCapacity": 0,
        "prebookRequired": True,
        "defaultSchedule": "SCHEDULE_ENTRY",
        "calendar": None,
        "scheduleLines": [],
    }
    castle = await made(gatehouse, ADMISSION, code="CASTLE", kind="LOCATION")
    assert (castle["prebookRequired"], castle["defaultSchedule"]) == (False, "TODAY")


async def test_what_is_left_out_of_an_admission_stays_and_null_clears_its_calendar(gatehouse: Gatehouse) -> None:
    await made(gatehouse, CALENDAR, code="HOLIDAYS")
    said = {
        "description": "The castle",
        "kind": "LOCATION",
        "timeZone": "Europe/Copenhagen",
        "capacityLimitsBy": "ADMISSION",
        "capacityControl": "ADMITTED",
        "maxCapacity": 500,
        "prebookRequired": True,
        "defaultSchedule": "NEXT_AVAILABLE",
    }
    first = await made(gatehouse, ADMISSION, code="CASTLE", calendarCode="holidays", **said)
    assert first == first | said | {"calendar": {"code": "HOLIDAYS"}}
    before = await kept(gatehouse)
    assert await made(gatehouse, ADMISSION, code="castle") == first
    assert await made(gatehouse, ADMISSION, code="castle", **said) == first
    assert await kept(gatehouse) == before
    second = await made(gatehouse, ADMISSION, code="CASTLE", calendarCode=None, maxCapacity=1)
    assert second == first | {"calendar": None, "maxCapacity": 1}


NO_ADMISSION: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"code": " "}, [("INVALID_INPUT", "code")]),
    ({"code": "x" * 101}, [("INVALID_INPUT", "code")]),
    ({"description": ""}, [("INVALID_INPUT", "description")]),
    ({"description": "x" * 321}, [("INVALID_INPUT", "description")]),
    ({"timeZone": "Europe"}, [("INVALID_INPUT", "timeZone")]),
    ({"maxCapacity": -1}, [("INVALID_INPUT", "maxCapacity")]),
    ({"maxCapacity": 1_000_001}, [("INVALID_INPUT", "maxCapacity")]),
    ({"capacityLimitsBy": "ADMISSION"}, [("INVALID_INPUT", "maxCapacity")]),
    ({"calendarCode": "NONE"}, [("NOT_FOUND", "calendarCode")]),
    (
        {"kind": None, "timeZone": None, "calendarCode": "NONE", "maxCapacity": -1},
        [
            ("INVALID_INPUT", "kind"),
            ("INVALID_INPUT", "timeZone"),
            ("INVALID_INPUT", "maxCapacity"),
            ("NOT_FOUND", "calendarCode"),
        ],
    ),
]


async def test_nonsense_about_an_admission_is_refused(gatehouse: Gatehouse) -> None:
    await made(gatehouse, ADMISSION, code="CASTLE", kind="LOCATION")
    before = await kept(gatehouse)
    for code in ("CASTLE", "NEW"):
        for changes, expected in NO_ADMISSION:
            payload = await upsert(gatehouse, ADMISSION, **{"code": code, "kind": "LOCATION"} | changes)
            assert told(payload) == expected, changes
            assert (payload["admission"] is not None) == (code == "CASTLE" and "code" not in changes)
    assert told(await upsert(gatehouse, ADMISSION, code="NEW")) == [("INVALID_INPUT", "kind")]
    assert await kept(gatehouse) == before


# ----------------------------------------------------------------------------------------------------- schedules


async def test_a_new_schedule_has_defaults(gatehouse: Gatehouse) -> None:
    found = await made(gatehouse, SCHEDULE, **NEW)
    assert found.pop("id")
    assert found == {
        "code": "DAY",
        "description": "DAY",
        "recurrence": "WEEKLY",
        "every": 1,
        "weekdays": EVERY_DAY,
        "startDate": "2026-07-01",
        "untilDate": None,
        "occurrences": None,
        "startTime": "09:00:00",
        "stopTime": "17:00:00",
        "arrivalFromMinutesBefore": None,
        "arrivalUntilMinutesAfter": None,
        "salesFromMinutesBefore": None,
        "salesUntilMinutesBefore": None,
        "daysAhead": 30,
        "capacityControl": "SALES",
        "maxCapacity": 10,
        "produces": "OPEN",
        "lines": [],
    }


async def test_everything_about_a_schedule_may_be_said_and_what_is_left_out_stays(gatehouse: Gatehouse) -> None:
    said = NEW | {
        "description": "Evenings",
        "recurrence": "DAILY",
        "every": 3,
        "weekdays": ["MONDAY", "FRIDAY"],
        "untilDate": "2026-12-31",
        "startTime": "22:00:00",
        "stopTime": "02:00:00",
        "arrivalFromMinutesBefore": 15,
        "arrivalUntilMinutesAfter": 30,
        "salesFromMinutesBefore": 43_200,
        "salesUntilMinutesBefore": -10,
        "daysAhead": 365,
        "capacityControl": "ADMITTED_AND_DEPARTED",
        "maxCapacity": 25,
        "produces": "CLOSED",
    }
    first = await made(gatehouse, SCHEDULE, **said)
    assert first == first | said
    before = await kept(gatehouse)
    assert await made(gatehouse, SCHEDULE, code="day") == first
    assert await made(gatehouse, SCHEDULE, **said) == first
    assert await kept(gatehouse) == before
    cleared = ("untilDate", "arrivalFromMinutesBefore", "arrivalUntilMinutesAfter", "salesFromMinutesBefore")
    second = await made(gatehouse, SCHEDULE, code="DAY", salesUntilMinutesBefore=None, **dict.fromkeys(cleared))
    assert second == first | dict.fromkeys((*cleared, "salesUntilMinutesBefore"))
    assert (await made(gatehouse, SCHEDULE, code="DAY", occurrences=5))["occurrences"] == 5


async def test_a_schedule_that_takes_place_once_drops_its_pattern_and_its_end(gatehouse: Gatehouse) -> None:
    first = await made(gatehouse, SCHEDULE, **NEW, every=2, weekdays=["SUNDAY"], untilDate="2026-12-31")
    second = await made(gatehouse, SCHEDULE, code="DAY", recurrence="ONCE")
    assert second == first | {"recurrence": "ONCE", "every": 1, "weekdays": EVERY_DAY, "untilDate": None}


NO_SCHEDULE: list[tuple[dict[str, Any], list[str]]] = [
    ({"code": ""}, ["code"]),
    ({"description": " "}, ["description"]),
    ({"every": 0}, ["every"]),
    ({"every": 1001}, ["every"]),
    ({"weekdays": []}, ["weekdays"]),
    ({"occurrences": 0}, ["occurrences"]),
    ({"daysAhead": -1}, ["daysAhead"]),
    ({"daysAhead": 1001}, ["daysAhead"]),
    ({"maxCapacity": -1}, ["maxCapacity"]),
    ({"maxCapacity": 1_000_001}, ["maxCapacity"]),
    ({"untilDate": "2026-06-30"}, ["untilDate"]),
    ({"untilDate": "2026-12-31", "occurrences": 3}, ["untilDate"]),
    ({"recurrence": "DAILY", "every": 7, "weekdays": ["SUNDAY"]}, ["weekdays"]),
    ({"untilDate": "2026-07-02", "weekdays": ["SUNDAY"]}, ["weekdays"]),
    ({"recurrence": "ONCE", "untilDate": "2026-12-31"}, ["untilDate"]),
    ({"recurrence": "ONCE", "occurrences": 3}, ["occurrences"]),
    ({"recurrence": "ONCE", "weekdays": ["SUNDAY"]}, ["weekdays"]),
    ({"recurrence": "ONCE", "every": 2}, ["every"]),
    ({"arrivalFromMinutesBefore": 10_081}, ["arrivalFromMinutesBefore"]),
    ({"arrivalFromMinutesBefore": -481}, ["arrivalFromMinutesBefore"]),
    ({"arrivalFromMinutesBefore": 10, "arrivalUntilMinutesAfter": -11}, ["arrivalUntilMinutesAfter"]),
    ({"salesFromMinutesBefore": 10, "salesUntilMinutesBefore": 11}, ["salesUntilMinutesBefore"]),
    ({"salesFromMinutesBefore": 2**31 - 1}, ["salesFromMinutesBefore"]),
    (
        {"startDate": None, "startTime": None, "every": 0, "daysAhead": -1},
        ["startDate", "startTime", "every", "daysAhead"],
    ),
]


async def test_nonsense_about_a_schedule_is_refused(gatehouse: Gatehouse) -> None:
    await made(gatehouse, SCHEDULE, **NEW)
    before = await kept(gatehouse)
    for code in ("DAY", "NEW"):
        for changes, paths in NO_SCHEDULE:
            payload = await upsert(gatehouse, SCHEDULE, **NEW | {"code": code} | changes)
            assert told(payload) == [("INVALID_INPUT", path) for path in paths], changes
            assert (payload["schedule"] is not None) == (code == "DAY" and "code" not in changes)
    payload = await upsert(gatehouse, SCHEDULE, code="NEW")
    assert told(payload) == [("INVALID_INPUT", path) for path in ("startDate", "startTime", "stopTime", "maxCapacity")]
    assert await kept(gatehouse) == before
    without = {name: value for name, value in NEW.items() if name != "maxCapacity"}
    assert (await made(gatehouse, SCHEDULE, **without | {"code": "FREE"}, capacityControl="NONE"))["maxCapacity"] == 0


async def test_one_end_is_cleared_before_the_other_is_set(gatehouse: Gatehouse) -> None:
    await made(gatehouse, SCHEDULE, **NEW, untilDate="2026-12-31")
    assert told(await upsert(gatehouse, SCHEDULE, code="DAY", occurrences=3)) == [("INVALID_INPUT", "occurrences")]
    assert (await made(gatehouse, SCHEDULE, code="DAY", occurrences=3, untilDate=None))["occurrences"] == 3


# --------------------------------------------------------------------------------------------------------- lines


async def test_a_line_joins_a_schedule_to_an_admission(gatehouse: Gatehouse) -> None:
    await made(gatehouse, ADMISSION, code="CASTLE", kind="LOCATION")
    await made(gatehouse, SCHEDULE, **NEW)
    codes = {"admissionCode": "castle", "scheduleCode": "day"}
    first = await made(gatehouse, LINE, **codes)
    assert first.pop("id")
    assert first == {
        "admission": {"code": "CASTLE"},
        "schedule": {"code": "DAY"},
        "processOrder": 0,
        "capacityControl": "SALES",
        "maxCapacity": 10,
        "isBlocked": False,
    }
    said = {"processOrder": -5, "capacityControl": "NONE", "maxCapacity": 3, "isBlocked": True}
    second = await made(gatehouse, LINE, **codes, **said)
    assert second == second | first | said
    before = await kept(gatehouse)
    assert await made(gatehouse, LINE, **codes) == second
    assert await kept(gatehouse) == before
    assert (await made(gatehouse, ADMISSION, code="CASTLE"))["scheduleLines"] == [{"schedule": {"code": "DAY"}}]
    assert (await made(gatehouse, SCHEDULE, code="DAY"))["lines"] == [{"admission": {"code": "CASTLE"}}]


async def test_nonsense_about_a_line_is_refused(gatehouse: Gatehouse) -> None:
    await made(gatehouse, ADMISSION, code="CASTLE", kind="LOCATION")
    await made(gatehouse, SCHEDULE, **NEW)
    codes = {"admissionCode": "CASTLE", "scheduleCode": "DAY"}
    before = await kept(gatehouse)
    wrong: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
        ({"admissionCode": "TOWER"}, [("UNKNOWN_ADMISSION", "admissionCode")]),
        ({"scheduleCode": "NIGHT"}, [("NOT_FOUND", "scheduleCode")]),
        (
            {"admissionCode": " ", "scheduleCode": ""},
            [("INVALID_INPUT", "admissionCode"), ("INVALID_INPUT", "scheduleCode")],
        ),
        ({"processOrder": 1_000_001}, [("INVALID_INPUT", "processOrder")]),
        ({"maxCapacity": -1}, [("INVALID_INPUT", "maxCapacity")]),
        (
            {"isBlocked": None, "processOrder": None},
            [("INVALID_INPUT", "processOrder"), ("INVALID_INPUT", "isBlocked")],
        ),
    ]
    for changes, expected in wrong:
        payload = await upsert(gatehouse, LINE, **codes | changes)
        assert told(payload) == expected
        assert payload["scheduleLine"] is None
    assert await kept(gatehouse) == before


# ----------------------------------------------------------------------------------------------------- calendars


async def test_a_calendar_lists_dates_weekdays_and_yearly_dates(gatehouse: Gatehouse) -> None:
    lines = [
        {"on": {"date": "2026-11-23"}, "text": "The hall is being painted."},
        {"on": {"weekday": "MONDAY"}, "text": "Closed on Mondays."},
        {"on": {"yearly": {"month": 2, "day": 29}}, "text": " Leap day. "},
    ]
    nothing = {"date": None, "weekday": None, "month": None, "day": None}
    found = await made(gatehouse, CALENDAR, code="HOLIDAYS", lines=lines)
    assert found["description"] == "HOLIDAYS"
    assert found["lines"] == [
        nothing | {"kind": "DATE", "date": "2026-11-23", "text": "The hall is being painted."},
        nothing | {"kind": "WEEKDAY", "weekday": "MONDAY", "text": "Closed on Mondays."},
        nothing | {"kind": "YEARLY", "month": 2, "day": 29, "text": "Leap day."},
    ]
    before = await kept(gatehouse)
    assert await made(gatehouse, CALENDAR, code="holidays") == found
    assert await made(gatehouse, CALENDAR, code="holidays", lines=lines) == found
    assert await kept(gatehouse) == before
    assert (await made(gatehouse, CALENDAR, code="holidays", lines=lines[:1]))["lines"] == found["lines"][:1]
    assert (await made(gatehouse, CALENDAR, code="holidays", lines=[]))["lines"] == []


async def test_nonsense_about_a_calendar_is_refused(gatehouse: Gatehouse) -> None:
    monday: dict[str, Any] = {"on": {"weekday": "MONDAY"}, "text": "Closed"}
    await made(gatehouse, CALENDAR, code="HOLIDAYS", lines=[monday])
    before = await kept(gatehouse)

    def yearly(month: int, day: int) -> dict[str, Any]:
        return {"lines": [monday, {"on": {"yearly": {"month": month, "day": day}}, "text": "Closed"}]}

    wrong: list[tuple[dict[str, Any], list[str]]] = [
        ({"code": "\t"}, ["code"]),
        ({"description": None, "lines": None}, ["description", "lines"]),
        ({"lines": [monday | {"text": ""}]}, ["lines.0.text"]),
        ({"lines": [monday, monday]}, ["lines.1.on"]),
        ({"lines": [{"on": {"date": f"{2000 + n}-01-01"}, "text": "x"} for n in range(1001)]}, ["lines"]),
        (yearly(0, 1), ["lines.1.on.yearly.month"]),
        (yearly(13, 32), ["lines.1.on.yearly.month", "lines.1.on.yearly.day"]),
        (yearly(2, 30), ["lines.1.on.yearly.day"]),
        (yearly(4, 31), ["lines.1.on.yearly.day"]),
    ]
    for code in ("HOLIDAYS", "NEW"):
        for changes, paths in wrong:
            payload = await upsert(gatehouse, CALENDAR, **{"code": code} | changes)
            assert told(payload) == [("INVALID_INPUT", path) for path in paths], changes
    assert await kept(gatehouse) == before


async def test_a_day_is_one_thing(gatehouse: Gatehouse) -> None:
    """Neither nothing nor two things: the document is wrong."""
    on: dict[str, Any]
    for on in ({}, {"date": "2026-01-01", "weekday": "MONDAY"}):
        body = await gatehouse.ask(CALENDAR, {"input": {"code": "X", "lines": [{"on": on, "text": "x"}]}})
        assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


# ------------------------------------------------------------------------------------------------ all of them


async def test_many_at_once_make_one(gatehouse: Gatehouse) -> None:
    await made(gatehouse, ADMISSION, code="CASTLE", kind="LOCATION")
    await made(gatehouse, SCHEDULE, **NEW)
    line = {"on": {"weekday": "MONDAY"}, "text": "Closed"}
    wishes: list[tuple[str, dict[str, Any]]] = [
        (ADMISSION, {"code": "NEW", "kind": "EVENT", "maxCapacity": 5}),
        (SCHEDULE, NEW | {"code": "NEW", "every": 2}),
        (LINE, {"admissionCode": "CASTLE", "scheduleCode": "DAY", "processOrder": 7}),
        (CALENDAR, {"code": "NEW", "lines": [line]}),
    ]
    for document, given in wishes:
        payloads = await asyncio.gather(*(upsert(gatehouse, document, **given) for _ in range(6)))
        assert payloads[0]["refusals"] == []
        assert all(payload == payloads[0] for payload in payloads)


async def test_they_are_found_by_id_and_code_and_listed(gatehouse: Gatehouse) -> None:
    """Whoever may see the set-up sees them."""
    schedule = await made(gatehouse, SCHEDULE, **NEW)
    calendar = await made(gatehouse, CALENDAR, code="HOLIDAYS")
    found = await gatehouse.data(
        """query($schedule: ID!, $calendar: ID!) {
          a: schedule(by: {id: $schedule}) { code }   b: schedule(by: {code: " day "}) { id }
          c: calendar(by: {id: $calendar}) { code }   d: calendar(by: {code: "holidays"}) { id }
          e: schedule(by: {id: $calendar}) { code }   f: calendar(by: {code: "none"}) { id }
          schedules { nodes { code } } calendars { nodes { code } }
        }""",
        {"schedule": schedule["id"], "calendar": calendar["id"]},
        role="GATE",
    )
    assert found == {
        "a": {"code": "DAY"},
        "b": {"id": schedule["id"]},
        "c": {"code": "HOLIDAYS"},
        "d": {"id": calendar["id"]},
        "e": None,
        "f": None,
        "schedules": {"nodes": [{"code": "DAY"}]},
        "calendars": {"nodes": [{"code": "HOLIDAYS"}]},
    }


@pytest.mark.parametrize("role", ["SUPPORT", "POS", "WEB_STORE", "GATE"])
async def test_only_an_admin_sets_up(gatehouse: Gatehouse, role: str) -> None:
    given = {"code": "NEW"}
    for document in (ADMISSION, SCHEDULE, CALENDAR):
        body = await gatehouse.ask(document, {"input": given}, role=role)
        assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"
