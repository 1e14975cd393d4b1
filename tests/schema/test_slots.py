"""Slots generated from schedules and edited by hand: ids stay, edits are kept, and who has booked is told."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

import db
from resolvers import generation
from schema.node import row_id
from tests.harness import Gatehouse
from tests.kept import kept
from tests.park import Park, Sellable

GENERATE = """
mutation($code: String!, $mode: GenerationMode, $dryRun: Boolean) {
  slotsGenerate(admissionCode: $code, mode: $mode, dryRun: $dryRun) {
    refusals { code path }
    admission { code }
    madeCount changedCount revivedCount canceledCount toldCount
    effects {
      action date requestCount slot { id } scheduleLine { schedule { code } }
      before { startsAt endsAt state } after { startsAt endsAt state closedReason }
    }
  }
}
"""
UPDATE = """
mutation($input: TimeSlotUpdateInput!) {
  timeSlotUpdate(input: $input) {
    refusals { code path slot { id } }
    toldCount
    slot {
      id startsAt endsAt arrivalFrom arrivalUntil salesFrom salesUntil state closedReason capacity capacityControl
    }
  }
}
"""
SLOTS = """
query($code: String!) { admission(by: {code: $code}) { slots(first: 100) { nodes {
  id date scheduleCode startsAt endsAt arrivalFrom arrivalUntil salesFrom salesUntil state closedReason
} } } }
"""
UPSERTS = {
    "admission": "mutation($input: AdmissionUpsertInput!) { admissionUpsert(input: $input) { refusals { message } } }",
    "schedule": "mutation($input: ScheduleUpsertInput!) { scheduleUpsert(input: $input) { refusals { message } } }",
    "line": "mutation($input: ScheduleLineUpsertInput!) { scheduleLineUpsert(input: $input) { refusals { message } } }",
    "calendar": "mutation($input: CalendarUpsertInput!) { calendarUpsert(input: $input) { refusals { message } } }",
}
NOON = datetime(2031, 7, 1, 12, tzinfo=UTC)
"""A Tuesday."""


@dataclass(frozen=True)
class Yard:
    """An admission TOUR whose slots the schedules make, seen through GraphQL."""

    gatehouse: Gatehouse

    async def set(self, what: str, **given: Any) -> None:
        (payload,) = (await self.gatehouse.data(UPSERTS[what], {"input": given})).values()
        assert payload["refusals"] == []

    async def schedule(self, code: str = "TEN", order: int = 0, **given: Any) -> None:
        """Daily from 10 to 11, today and two days ahead, joined to TOUR."""
        said = {"startDate": "2020-01-01", "startTime": "10:00", "stopTime": "11:00", "maxCapacity": 10, "daysAhead": 2}
        await self.set("schedule", code=code, **said | given)
        await self.set("line", admissionCode="TOUR", scheduleCode=code, processOrder=order)

    async def generate(self, mode: str | None = None, *, dry_run: bool = False, code: str = "TOUR") -> dict[str, Any]:
        found = await self.gatehouse.data(GENERATE, {"code": code, "mode": mode, "dryRun": dry_run})
        payload: dict[str, Any] = found["slotsGenerate"]
        return payload

    async def counts(self, mode: str | None = None) -> tuple[int, ...]:
        """Made, changed, revived, canceled."""
        payload = await self.generate(mode)
        assert payload["refusals"] == []
        return tuple(payload[f"{name}Count"] for name in ("made", "changed", "revived", "canceled"))

    async def slots(self) -> list[dict[str, Any]]:
        found = (await self.gatehouse.data(SLOTS, {"code": "TOUR"}))["admission"]["slots"]["nodes"]
        return list(found)

    async def update(self, slot_id: str, **given: Any) -> dict[str, Any]:
        found = await self.gatehouse.data(UPDATE, {"input": {"slotId": slot_id, **given}})
        payload: dict[str, Any] = found["timeSlotUpdate"]
        return payload

    async def changes(self) -> list[Any]:
        table = db.time_slot.slot_change
        async with self.gatehouse.database.reading() as read:
            return list(await read.all(select(table.c.before, table.c.after).order_by(table.c.id)))

    async def told(self, token: str) -> list[str]:
        """The messages of the request's SLOT_CHANGED events."""
        selection = "timeline(first: 100) { nodes { kind message slot { id } admission { code } actor } }"
        found = await Park(self.gatehouse).request(token, selection)
        return [event["message"] for event in found["timeline"]["nodes"] if event["kind"] == "SLOT_CHANGED"]


async def at(gatehouse: Gatehouse, moment: datetime) -> None:
    gatehouse.travel(moment - gatehouse.database.now())


@pytest.fixture
async def yard(gatehouse: Gatehouse) -> Yard:
    """At noon of a Tuesday, with the admission TOUR in UTC."""
    await at(gatehouse, NOON)
    yard = Yard(gatehouse)
    await yard.set("admission", code="TOUR", kind="EVENT", capacityLimitsBy="SLOT")
    return yard


async def sellable(yard: Yard) -> Sellable:
    """An item that admits to TOUR, and its slots by date."""
    item = await Park(yard.gatehouse).item("TOUR-ITEM", [{"admissionCode": "TOUR"}])
    slots = {datetime.fromisoformat(slot["startsAt"]).date(): slot["id"] for slot in await yard.slots()}
    return Sellable(item, "TOUR", slots)


# ---------------------------------------------------------------------------------------------------- calculate


async def test_slots_are_made_from_today_on_and_a_second_run_changes_nothing(yard: Yard) -> None:
    await yard.schedule()
    payload = await yard.generate()
    assert payload.pop("effects")[0] | {"slot": None} == {
        "action": "MADE",
        "date": "2031-07-01",
        "requestCount": 0,
        "slot": None,
        "scheduleLine": {"schedule": {"code": "TEN"}},
        "before": None,
        "after": {
            "startsAt": "2031-07-01T10:00:00Z",
            "endsAt": "2031-07-01T11:00:00Z",
            "state": "OPEN",
            "closedReason": None,
        },
    }
    assert payload == {
        "refusals": [],
        "admission": {"code": "TOUR"},
        "madeCount": 3,
        "changedCount": 0,
        "revivedCount": 0,
        "canceledCount": 0,
        "toldCount": 0,
    }
    before = await kept(yard.gatehouse)
    for mode in ("CALCULATE", "RECREATE"):
        payload = await yard.generate(mode)
        assert (payload["effects"], await yard.counts(mode)) == ([], (0, 0, 0, 0))
    assert await kept(yard.gatehouse) == before


async def test_a_dry_run_says_what_would_happen_and_changes_nothing(yard: Yard) -> None:
    await yard.schedule()
    before = await kept(yard.gatehouse)
    dry = await yard.generate(dry_run=True)
    assert await kept(yard.gatehouse) == before
    assert all(effect["slot"] is None for effect in dry["effects"])
    wet = await yard.generate()
    assert all(effect.pop("slot") for effect in wet["effects"])
    assert [effect for effect in dry["effects"] if not effect.pop("slot")] == wet["effects"]


async def test_an_unknown_admission_is_refused(yard: Yard) -> None:
    payload = await yard.generate(code="TOWER")
    assert payload["refusals"] == [{"code": "UNKNOWN_ADMISSION", "path": ["admissionCode"]}]
    assert (payload["admission"], payload["madeCount"], payload["effects"]) == (None, 0, [])


async def test_ids_survive_a_move_a_cancellation_and_a_revival(yard: Yard) -> None:
    await yard.schedule()
    await yard.generate()
    first = await yard.slots()
    await yard.schedule(startTime="14:00", stopTime="15:30")
    assert await yard.counts() == (0, 3, 0, 0)
    moved = await yard.slots()
    assert [slot["id"] for slot in moved] == [slot["id"] for slot in first]
    assert {(slot["startsAt"][11:16], slot["arrivalUntil"][11:16]) for slot in moved} == {("14:00", "15:30")}
    await yard.set("line", admissionCode="TOUR", scheduleCode="TEN", isBlocked=True)
    assert await yard.counts() == (0, 0, 0, 3)
    assert [slot["state"] for slot in await yard.slots()] == ["CANCELED"] * 3
    assert await yard.counts() == (0, 0, 0, 0)
    await yard.set("line", admissionCode="TOUR", scheduleCode="TEN", isBlocked=False)
    assert await yard.counts() == (0, 0, 3, 0)
    assert await yard.slots() == moved
    assert [after for _, after in await yard.changes()][3:] == [{"state": "CANCELED"}] * 3 + [{"state": "OPEN"}] * 3


async def test_past_days_are_never_touched(yard: Yard) -> None:
    """The past is what was before today in the admission's zone; today itself is not past."""
    await yard.set("admission", code="TOUR", timeZone="Pacific/Kiritimati")  # already tomorrow, at noon in UTC
    await yard.schedule()
    await yard.generate()
    first = await yard.slots()
    assert [slot["date"] for slot in first] == ["2031-07-02", "2031-07-03", "2031-07-04"]
    await at(yard.gatehouse, NOON + timedelta(days=2))
    await yard.schedule(startTime="14:00", stopTime="15:00", produces="CLOSED")
    assert await yard.counts("RECREATE") == (2, 1, 0, 0)
    async with yard.gatehouse.database.reading() as read:
        rows = await read.all(select(db.time_slot.time_slot.c.state).order_by(db.time_slot.time_slot.c.date))
    assert [row[0] for row in rows] == ["OPEN", "OPEN", "CLOSED", "CLOSED", "CLOSED"]


async def test_the_higher_process_order_takes_the_start_and_overlaps_stay(yard: Yard) -> None:
    await yard.schedule("ONE", daysAhead=0)
    await yard.schedule("HALF", startTime="10:30", daysAhead=0)
    await yard.generate()
    await yard.schedule("TWO", daysAhead=0, stopTime="12:00")
    assert await yard.counts() == (1, 0, 0, 1)  # the later line
    assert {(s["scheduleCode"], s["state"]) for s in await yard.slots()} == {
        ("ONE", "CANCELED"), ("HALF", "OPEN"), ("TWO", "OPEN"),
    }  # fmt: skip
    await yard.set("line", admissionCode="TOUR", scheduleCode="ONE", processOrder=1)
    assert await yard.counts() == (0, 0, 1, 1)


async def test_calendars_close_slots_as_they_are_generated(yard: Yard) -> None:
    """A date speaks before a yearly date, and that before a weekday; a closed schedule is closed without a reason."""
    lines = [
        {"on": {"weekday": "WEDNESDAY"}, "text": "Closed on Wednesdays."},
        {"on": {"date": "2031-07-02"}, "text": "The guide marries."},
        {"on": {"yearly": {"month": 7, "day": 3}}, "text": "The guide's birthday."},
    ]
    await yard.set("calendar", code="GUIDE", lines=lines)
    await yard.set("admission", code="TOUR", calendarCode="GUIDE")
    await yard.schedule()
    await yard.schedule("SHUT", startTime="20:00", stopTime="21:00", produces="CLOSED", daysAhead=0)
    await yard.generate()
    assert [(slot["startsAt"][8:13], slot["state"], slot["closedReason"]) for slot in await yard.slots()] == [
        ("01T10", "OPEN", None),
        ("01T20", "CLOSED", None),
        ("02T10", "CLOSED", "The guide marries."),
        ("03T10", "CLOSED", "The guide's birthday."),
    ]
    await yard.set("calendar", code="GUIDE", lines=lines[:1])
    assert await yard.counts() == (0, 2, 0, 0)
    assert [slot["closedReason"] for slot in await yard.slots()] == [None, None, "Closed on Wednesdays.", None]


@pytest.mark.parametrize(
    ("zone", "day", "offsets"),
    [
        ("Europe/Copenhagen", "2031-03-29", ["+01:00", "+02:00", "+02:00"]),
        ("Europe/Copenhagen", "2031-10-25", ["+02:00", "+01:00", "+01:00"]),
        ("America/New_York", "2031-03-08", ["-05:00", "-04:00", "-04:00"]),
        ("America/New_York", "2031-11-01", ["-04:00", "-05:00", "-05:00"]),
        ("Australia/Lord_Howe", "2031-04-05", ["+11:00", "+10:30", "+10:30"]),
        ("Australia/Lord_Howe", "2031-10-04", ["+10:30", "+11:00", "+11:00"]),
    ],
)
async def test_local_times_stay_when_the_clocks_change(yard: Yard, zone: str, day: str, offsets: list[str]) -> None:
    await at(yard.gatehouse, datetime.fromisoformat(f"{day}T04:00:00{offsets[0]}"))
    await yard.set("admission", code="TOUR", timeZone=zone)
    await yard.schedule()
    await yard.generate()
    assert [slot["startsAt"][10:] for slot in await yard.slots()] == [f"T10:00:00{offset}" for offset in offsets]
    await at(yard.gatehouse, datetime.fromisoformat(f"{day}T04:00:00{offsets[0]}") + timedelta(days=1))
    assert await yard.counts() == (1, 0, 0, 0)


async def test_many_at_once_make_them_once(yard: Yard) -> None:
    await yard.schedule()
    payloads = await asyncio.gather(*(yard.generate() for _ in range(6)))
    assert sorted(payload["madeCount"] for payload in payloads) == [0] * 5 + [3]


async def test_a_nearer_horizon_cancels_what_is_not_booked(yard: Yard) -> None:
    """Selling fewer days ahead sends nobody away; what is not booked comes back when its day comes near."""
    await yard.schedule()
    await yard.generate()
    item = await sellable(yard)
    first, second, third = (slot["id"] for slot in await yard.slots())
    token = await Park(yard.gatehouse).registered(item.line(slot=third))
    await yard.schedule(daysAhead=0)
    assert await yard.counts() == (0, 0, 0, 1)
    assert [slot["state"] for slot in await yard.slots()] == ["OPEN", "CANCELED", "OPEN"]
    assert await yard.told(token) == []
    await yard.schedule(startTime="12:00", stopTime="13:00", daysAhead=0)
    assert await yard.counts() == (0, 2, 0, 0)
    assert await yard.told(token) == ["The booked time slot was moved from 2031-07-03 10:00 to 2031-07-03 12:00."]
    await at(yard.gatehouse, NOON + timedelta(days=1))
    assert await yard.counts() == (0, 0, 1, 1)  # the hold on the third has run out
    assert [slot["id"] for slot in await yard.slots()] == [second, third]
    assert first not in (second, third)


# ------------------------------------------------------------------------------------------- who has booked is told


async def test_every_affected_request_is_told_and_nobody_else(yard: Yard) -> None:
    """Held or bought, in a slot that is moved, closed, canceled or revived; not what has run out or was given up."""
    await yard.schedule()
    await yard.generate()
    park, item = Park(yard.gatehouse), await sellable(yard)
    _, second, third = (slot["id"] for slot in await yard.slots())
    sold = await park.registered(item.line(slot=second))
    await park.change("Confirm", sold, paymentReference="P-1")
    ticket = (await park.request(sold, "tickets { nodes { accessEntries { slot { id startsAt } } } }"))["tickets"]
    run_out = await park.registered(item.line(slot=second))
    yard.gatehouse.travel(timedelta(hours=1))
    held = await park.registered(item.line(slot=second))
    given_up = await park.registered(item.line(slot=second))
    await park.change("Cancel", given_up)
    elsewhere = await park.registered(item.line(slot=third))

    await yard.schedule(startTime="14:00", stopTime="15:00", untilDate="2031-07-02")
    payload = await yard.generate()
    assert (payload["changedCount"], payload["canceledCount"], payload["toldCount"]) == (2, 1, 3)
    assert [effect["requestCount"] for effect in payload["effects"]] == [0, 2, 1]
    moved = ["The booked time slot was moved from 2031-07-02 10:00 to 2031-07-02 14:00."]
    assert [await yard.told(token) for token in (sold, held, elsewhere, run_out, given_up)] == [
        moved, moved, ["The booked time slot was canceled."], [], [],
    ]  # fmt: skip
    (entry,) = ticket["nodes"][0]["accessEntries"]
    after = await park.request(sold, "tickets { nodes { accessEntries { slot { id startsAt } } } }")
    (follows,) = after["tickets"]["nodes"][0]["accessEntries"]
    assert follows["slot"] == {"id": entry["slot"]["id"], "startsAt": "2031-07-02T14:00:00Z"}

    before = await kept(yard.gatehouse)
    await yard.generate()
    assert await kept(yard.gatehouse) == before
    closed = await yard.update(second, state="CLOSED", closedReason="Storm.")
    assert (closed["refusals"], closed["toldCount"]) == ([], 2)
    assert await yard.told(sold) == [*moved, "The booked time slot was closed: Storm."]
    assert (await yard.update(second, salesUntil="2031-07-02T13:00:00Z"))["toldCount"] == 0
    assert (await yard.update(second, state="OPEN"))["toldCount"] == 2
    assert (await yard.told(sold))[2:] == ["The booked time slot takes place after all."]


async def test_no_sale_slips_between_a_change_and_its_event(yard: Yard) -> None:
    """Sales and a move at once: who had booked before is told, who books after has bought what it became."""
    await yard.schedule(maxCapacity=100)
    await yard.generate()
    park, item = Park(yard.gatehouse), await sellable(yard)
    slot = (await yard.slots())[1]["id"]
    await yard.gatehouse.key("WEB_STORE")  # made once, before all of them ask for it
    await yard.schedule(maxCapacity=100, startTime="14:00", stopTime="15:00")
    *tokens, payload = await asyncio.gather(
        *(park.registered(item.line(slot=slot)) for _ in range(12)), yard.generate()
    )
    (moved_at,) = await moments_of_changes(yard, slot)
    told = 0
    for token in tokens:
        assert isinstance(token, str)
        created_at = datetime.fromisoformat((await park.request(token, "createdAt"))["createdAt"])
        assert len(await yard.told(token)) == (created_at < moved_at)
        told += created_at < moved_at
    assert isinstance(payload, dict)
    assert payload["toldCount"] == told


async def moments_of_changes(yard: Yard, slot: str) -> list[datetime]:
    table = db.time_slot.slot_change
    async with yard.gatehouse.database.reading() as read:
        return [row[0] for row in await read.all(select(table.c.at).where(table.c.slot_id == row_id(slot, "TimeSlot")))]


# ------------------------------------------------------------------------------------------------------ by hand


async def test_edits_by_hand_are_kept_when_calculated_and_taken_back_when_recreated(yard: Yard) -> None:
    await yard.schedule(arrivalFromMinutesBefore=15, salesUntilMinutesBefore=60)
    await yard.generate()
    as_produced = (await yard.slots())[1]
    slot_id = as_produced["id"]
    edited = await yard.update(
        slot_id, startsAt="2031-07-02T12:00:00Z", state="CLOSED", closedReason=" Storm. ", capacity=3
    )
    assert edited["refusals"] == []
    assert edited["slot"] == {
        "id": slot_id,
        "startsAt": "2031-07-02T12:00:00Z",
        "endsAt": "2031-07-02T13:00:00Z",
        "arrivalFrom": "2031-07-02T11:45:00Z",
        "arrivalUntil": "2031-07-02T13:00:00Z",
        "salesFrom": None,
        "salesUntil": "2031-07-02T11:00:00Z",
        "state": "CLOSED",
        "closedReason": "Storm.",
        "capacity": 3,
        "capacityControl": "SALES",
    }
    by_hand = (await yard.slots())[1]
    before = await kept(yard.gatehouse)
    assert await yard.counts("CALCULATE") == (0, 0, 0, 0)
    assert await kept(yard.gatehouse) == before
    await yard.schedule(stopTime="12:00", arrivalFromMinutesBefore=30)
    assert await yard.counts("CALCULATE") == (0, 3, 0, 0)
    assert (await yard.slots())[1] == by_hand | {"arrivalFrom": "2031-07-02T11:30:00Z"}
    await yard.set("line", admissionCode="TOUR", scheduleCode="TEN", isBlocked=True)
    await yard.generate()
    await yard.set("line", admissionCode="TOUR", scheduleCode="TEN", isBlocked=False)
    assert await yard.counts("CALCULATE") == (0, 0, 3, 0)
    assert (await yard.slots())[1] == by_hand | {"arrivalFrom": "2031-07-02T11:30:00Z"}
    assert await yard.counts("RECREATE") == (0, 1, 0, 0)
    assert (await yard.slots())[1] == as_produced | {
        "endsAt": "2031-07-02T12:00:00Z",
        "arrivalFrom": "2031-07-02T09:30:00Z",
        "arrivalUntil": "2031-07-02T12:00:00Z",
    }
    assert await Park(yard.gatehouse).slot(slot_id, "capacity") == {"capacity": 10}


async def test_null_clears_what_may_be_cleared(yard: Yard) -> None:
    await yard.schedule(salesFromMinutesBefore=60)
    await yard.generate()
    slot_id = (await yard.slots())[1]["id"]
    await yard.update(slot_id, capacity=3, capacityControl="ADMITTED", state="CLOSED", closedReason="Storm.")
    found = await yard.update(slot_id, capacity=None, capacityControl=None, closedReason=None, salesFrom=None)
    assert found["refusals"] == []
    assert {name: found["slot"][name] for name in ("capacity", "capacityControl", "closedReason", "salesFrom")} == {
        "capacity": 10, "capacityControl": "SALES", "closedReason": None, "salesFrom": None,
    }  # fmt: skip
    assert await yard.counts() == (0, 0, 0, 0)


NO_EDIT: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"startsAt": "2031-07-03T10:00:00Z"}, [("INVALID_INPUT", "startsAt")]),
    ({"endsAt": "2031-07-02T10:00:00Z"}, [("INVALID_INPUT", "endsAt")]),
    ({"endsAt": "2031-07-10T10:00:00Z"}, [("INVALID_INPUT", "endsAt")]),
    ({"startsAt": "2031-07-02T20:00:00Z"}, [("CONFLICT", "startsAt")]),
    ({"arrivalFrom": "2031-07-02T11:00:01Z"}, [("INVALID_INPUT", "arrivalFrom")]),
    ({"arrivalUntil": "2031-07-02T09:59:59Z"}, [("INVALID_INPUT", "arrivalUntil")]),
    ({"arrivalFrom": "2031-06-01T10:00:00Z"}, [("INVALID_INPUT", "arrivalFrom")]),
    ({"salesFrom": "2031-07-02T09:00:01Z", "salesUntil": "2031-07-02T09:00:00Z"}, [("INVALID_INPUT", "salesUntil")]),
    ({"salesUntil": "9999-12-31T00:00:00Z"}, [("INVALID_INPUT", "salesUntil")]),
    ({"state": "CANCELED"}, [("INVALID_INPUT", "state")]),
    ({"closedReason": "Storm."}, [("INVALID_INPUT", "closedReason")]),
    ({"state": "CLOSED", "closedReason": "x" * 321}, [("INVALID_INPUT", "closedReason")]),
    ({"capacity": -1}, [("INVALID_INPUT", "capacity")]),
    ({"startsAt": None, "state": None, "capacity": -1},
     [("INVALID_INPUT", "startsAt"), ("INVALID_INPUT", "state"), ("INVALID_INPUT", "capacity")]),
]  # fmt: skip


async def test_a_nonsensical_edit_is_refused(yard: Yard) -> None:
    await yard.schedule()
    await yard.schedule("EVENING", startTime="20:00", stopTime="21:00")
    await yard.generate()
    slot = next(slot for slot in await yard.slots() if slot["startsAt"] == "2031-07-02T10:00:00Z")
    before = await kept(yard.gatehouse)
    for given, expected in NO_EDIT:
        payload = await yard.update(slot["id"], **given)
        assert [(r["code"], ".".join(r["path"])) for r in payload["refusals"]] == expected, given
        assert payload["slot"]["id"] == slot["id"]
    assert await kept(yard.gatehouse) == before


async def test_what_is_out_of_reach_is_refused(yard: Yard) -> None:
    """What is not there, canceled, or of a past day and over. A night of yesterday that still runs may be closed."""
    await yard.schedule(daysAhead=0)
    await yard.schedule("NIGHT", startTime="22:00", stopTime="14:00", daysAhead=0)
    await yard.generate()
    day, night = await yard.slots()
    other = (await yard.gatehouse.data('{ admission(by: {code: "TOUR"}) { id } }'))["admission"]["id"]
    assert (await yard.update(other, state="CLOSED"))["refusals"][0]["code"] == "UNKNOWN_SLOT"
    await at(yard.gatehouse, NOON + timedelta(days=1))
    before = await kept(yard.gatehouse)
    assert (await yard.update(day["id"], state="CLOSED"))["refusals"][0]["code"] == "SLOT_PAST"
    assert await kept(yard.gatehouse) == before
    assert (await yard.update(night["id"], state="CLOSED"))["refusals"] == []
    await yard.generate()
    await yard.set("line", admissionCode="TOUR", scheduleCode="TEN", isBlocked=True)
    await yard.generate()
    canceled = next(slot for slot in await yard.slots() if slot["state"] == "CANCELED")
    before = await kept(yard.gatehouse)
    assert (await yard.update(canceled["id"], state="OPEN"))["refusals"][0]["code"] == "SLOT_CANCELED"
    await yard.set("admission", code="TOUR", capacityLimitsBy="SCHEDULE")
    (refusal,) = (await yard.update(night["id"], capacity=5))["refusals"]
    assert (refusal["code"], refusal["path"]) == ("INVALID_INPUT", ["capacity"])
    await yard.set("admission", code="TOUR", capacityLimitsBy="SLOT")
    assert await kept(yard.gatehouse) == before


async def test_what_the_wizard_adds_stands_behind_what_is_there(gatehouse: Gatehouse) -> None:
    """At the same start the slots of the first season stay its own, also when they are calculated anew."""
    await at(gatehouse, NOON)
    park, yard = Park(gatehouse), Yard(gatehouse)
    first = await park.sellable()
    second = await park.sellable(startDate="2031-07-10")
    assert second.slots == first.slots
    assert await yard.counts() == (0, 0, 0, 0)


# ------------------------------------------------------------------------------------------------ day after day


async def test_the_daily_run_keeps_the_horizon_once_a_day(yard: Yard) -> None:
    """Also when several servers do it at once."""
    await yard.schedule()
    database = yard.gatehouse.database
    (admission_id,) = await generation.due(database)
    outcomes = await asyncio.gather(*(generation.keep_horizon(database, admission_id) for _ in range(3)))
    assert [outcome.made_count for outcome in outcomes if outcome] == [3]
    assert await generation.due(database) == []
    yard.gatehouse.travel(timedelta(hours=12))
    assert await generation.due(database) == [admission_id]
    outcome = await generation.keep_horizon(database, admission_id)
    assert outcome is not None
    assert (outcome.made_count, outcome.changed_count, outcome.canceled_count) == (1, 0, 0)
    assert [slot["date"] for slot in await yard.slots()] == ["2031-07-02", "2031-07-03", "2031-07-04"]
