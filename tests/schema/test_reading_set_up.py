"""Admissions, slots and items as they are read."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import db
from tests.harness import Gatehouse
from tests.make import NOON, making

HOUR = timedelta(hours=1)


async def test_slot_times_come_in_the_admissions_offset(gatehouse: Gatehouse) -> None:
    """Summer and winter; all other moments in UTC."""
    zone = ZoneInfo("Europe/Berlin")
    async with making(gatehouse.database) as make:
        castle = await make.admission("CASTLE", time_zone="Europe/Berlin")
        line = await make.schedule_line(castle, "DAILY")
        for month in (7, 12):
            starts_at = datetime(2030, month, 1, 0, 30, tzinfo=zone)
            window: dict[str, Any] = {"arrival_from": starts_at - HOUR, "arrival_until": starts_at + HOUR / 4}
            await make.slot(castle, starts_at, line_id=line, zone="Europe/Berlin", **window)
    query = """{ admission(by: { code: "castle" }) { slots(from: "2030-01-01T00:00:00Z") { nodes {
      date scheduleCode startsAt endsAt arrivalFrom arrivalUntil state closedReason admission { timeZone }
    } } } }"""
    found = (await gatehouse.data(query))["admission"]["slots"]["nodes"]
    assert found[0] == {
        "date": "2030-07-01",
        "scheduleCode": "DAILY",
        "startsAt": "2030-07-01T00:30:00+02:00",
        "endsAt": "2030-07-01T01:30:00+02:00",
        "arrivalFrom": "2030-06-30T23:30:00+02:00",
        "arrivalUntil": "2030-07-01T00:45:00+02:00",
        "state": "OPEN",
        "closedReason": None,
        "admission": {"timeZone": "Europe/Berlin"},
    }
    assert found[1]["startsAt"] == "2030-12-01T00:30:00+01:00"


async def test_slots_begin_with_today_where_the_admission_is(gatehouse: Gatehouse) -> None:
    """At noon in UTC it is tomorrow already in Kiritimati, and barely today in Honolulu; in one statement."""
    gatehouse.travel(NOON - gatehouse.database.now())
    zones = {"KIRITIMATI": "Pacific/Kiritimati", "HONOLULU": "Pacific/Honolulu", "UTC": "UTC"}
    async with making(gatehouse.database) as make:
        for code, zone in zones.items():
            admission = await make.admission(code, time_zone=zone)
            for day in (16, 17, 18):
                midnight = datetime(2030, 5, day, tzinfo=ZoneInfo(zone))
                await make.slot(admission, midnight - timedelta(seconds=1), zone=zone)
                await make.slot(admission, midnight, zone=zone)
    found = await gatehouse.data("{ admissions { nodes { code slots(first: 1) { nodes { startsAt } } } } }")
    first = {
        admission["code"]: admission["slots"]["nodes"][0]["startsAt"] for admission in found["admissions"]["nodes"]
    }
    assert first == {
        "KIRITIMATI": "2030-05-18T00:00:00+14:00",
        "HONOLULU": "2030-05-17T00:00:00-10:00",
        "UTC": "2030-05-17T00:00:00Z",
    }
    assert len(gatehouse.statements) == 2


async def test_slots_between_two_moments_both_included(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        castle = await make.admission("CASTLE")
        for hours in range(6):
            await make.slot(castle, NOON + hours * HOUR)
    query = """query Slots($from: DateTime, $until: DateTime, $last: Int, $before: String) {
      admission(by: { code: "CASTLE" }) { slots(from: $from, until: $until, last: $last, before: $before) {
        nodes { startsAt } pageInfo { hasPreviousPage hasNextPage startCursor }
      } }
    }"""
    between = {"from": (NOON + HOUR).isoformat(), "until": (NOON + 4 * HOUR).isoformat()}
    page = (await gatehouse.data(query, between))["admission"]["slots"]
    assert [slot["startsAt"][11:13] for slot in page["nodes"]] == ["13", "14", "15", "16"]
    page = (await gatehouse.data(query, between | {"last": 2}))["admission"]["slots"]
    assert [slot["startsAt"][11:13] for slot in page["nodes"]] == ["15", "16"]
    assert page["pageInfo"]["hasPreviousPage"]
    before = between | {"last": 2, "before": page["pageInfo"]["startCursor"]}
    page = (await gatehouse.data(query, before))["admission"]["slots"]
    assert [slot["startsAt"][11:13] for slot in page["nodes"]] == ["13", "14"]
    assert page["pageInfo"] == page["pageInfo"] | {"hasPreviousPage": False, "hasNextPage": True}


async def slots_of_the_castle(gatehouse: Gatehouse) -> list[dict[str, Any]]:
    query = """{ admission(by: { code: "CASTLE" }) { slots(from: "2030-05-17T00:00:00Z") {
      nodes { capacityControl capacity held sold admitted inside remaining }
    } } }"""
    found: list[dict[str, Any]] = (await gatehouse.data(query))["admission"]["slots"]["nodes"]
    return found


@pytest.mark.parametrize(
    ("control", "kind", "capacity", "remaining"),
    [
        ("NONE", "LOCATION", 10, None),
        ("SALES", "LOCATION", 10, 5),
        ("SALES", "LOCATION", 3, 0),
        ("ADMITTED", "LOCATION", 10, 8),
        ("ADMITTED", "EVENT", 10, 5),
        ("ADMITTED_AND_DEPARTED", "LOCATION", 10, 6),
        ("ADMITTED_AND_DEPARTED", "EVENT", 10, 6),
    ],
)
async def test_how_full_a_slot_is(
    gatehouse: Gatehouse, control: str, kind: str, capacity: int, remaining: int | None
) -> None:
    """Two places held, three sold; of these two guests came, and one has left. A hold that ran out counts nothing."""
    gatehouse.travel(NOON - gatehouse.database.now())
    async with making(gatehouse.database) as make:
        shop, castle = await make.client(), await make.admission("CASTLE", kind=kind)
        slot = await make.slot(castle, control=control, capacity=capacity)
        item = await make.item(None, castle)
        slots = {castle: slot}
        await make.line(await make.request(shop, status="REGISTERED"), item, 2, slots=slots)
        await make.line(await make.request(shop, status="REGISTERED", expires_at=NOON - HOUR), item, 4, slots=slots)
        sold = await make.line(await make.request(shop), item, 3, slots=slots)
        tickets = [await make.ticket(sold) for _ in range(3)]
        await make.visit(tickets[0], castle)
        await make.visit(tickets[1], castle, inside=False)
    expected = {
        "capacityControl": control,
        "capacity": None if control == "NONE" else capacity,
        "held": 2,
        "sold": 3,
        "admitted": 2,
        "inside": 1,
        "remaining": remaining,
    }
    assert await slots_of_the_castle(gatehouse) == [expected]


@pytest.mark.parametrize(
    ("limits_by", "expected"), [("ADMISSION", ("SALES", 1)), ("SCHEDULE", ("ADMITTED", 2)), ("SLOT", ("SALES", 3))]
)
async def test_control_and_capacity_come_from_one_level(
    gatehouse: Gatehouse, limits_by: str, expected: tuple[str, int]
) -> None:
    """By hand on the slot only counts where the slot's own level does; else the line's stands in its place."""
    async with making(gatehouse.database) as make:
        own = {"capacity_limits_by": limits_by, "capacity_control": "SALES", "max_capacity": 1}
        castle = await make.admission("CASTLE", **own)
        line = await make.schedule_line(castle, capacity_control="ADMITTED", max_capacity=2)
        await make.change(db.schedule.schedule_line, line, capacity_control="NONE", max_capacity=9)
        await make.slot(castle, line_id=line, control="SALES", capacity=3)
        plain: dict[str, Any] = {"capacity_control": None, "max_capacity": None}
        await make.slot(castle, NOON + 24 * HOUR, line_id=line, **plain)
    by_hand, by_line = await slots_of_the_castle(gatehouse)
    assert (by_hand["capacityControl"], by_hand["capacity"]) == expected
    assert (by_line["capacityControl"], by_line["capacity"]) == (expected if limits_by != "SLOT" else ("NONE", None))


async def test_an_item_as_it_is_read(gatehouse: Gatehouse) -> None:
    """By its number and variant, or a bar code; with the lines in force of its bill of material."""
    async with making(gatehouse.database) as make:
        castle, tour = await make.admission("CASTLE"), await make.admission("TOUR", kind="EVENT")
        type_id = await make.ticket_type("FAMILY", description="Family", kind="GROUP", external_ticket_pattern="F[N*6]")
        item = await make.item("FAM", castle, ticket_type_id=type_id, unit_price_minor=4550, currency="EUR")
        rules = {
            "inclusion": "SELECTED",
            "quantity": 4,
            "entry_validation": "MULTIPLE",
            "max_entries": 3,
            "duration_days": 365,
            "reschedule_policy": "CUT_OFF_HOURS",
            "reschedule_cut_off_seconds": 5400,
            "refund_basis_points": 1250,
            "rescan_within_seconds": 60,
            "capacity_basis_points": 10_000,
            "pos_may_exceed_capacity": True,
        }
        line = await make.content(item.id, tour, **rules)
        await make.dependency(line, castle, "WITHIN_MINUTES")
        await make.content(item.id, tour, retired_at=NOON)
        yen: dict[str, Any] = {
            "unit_price_minor": 500,
            "currency": "JPY",
            "barcodes": ["4002", "4001"],
            "is_blocked": True,
        }
        await make.item("FAM", castle, variant_code="SNACK", **yen)
    fields = """itemNo variantCode barcodes description unitPrice { amount currency } isBlocked
      ticketType { code description kind externalTicketPattern }"""
    contents = """contents {
      admission { code } isDefault inclusion quantity activation entryValidation maxEntries durationDays
      reschedulePolicy rescheduleCutOffHours revokePolicy refundPercent rescanWithinSeconds capacityPercent
      posMayExceedCapacity
      dependencies { kind other { code } minutes }
    }"""
    query = f"""{{
      itself: ticketItem(by: {{ item: {{ itemNo: "fam" }} }}) {{ {fields} {contents} }}
      variant: ticketItem(by: {{ item: {{ itemNo: "FAM", variantCode: "snack " }} }}) {{ {fields} }}
      scanned: ticketItem(by: {{ barcode: "4001" }}) {{ variantCode }}
      unknown: ticketItem(by: {{ item: {{ itemNo: "FAM", variantCode: "NONE" }} }}) {{ id }}
      admission(by: {{ code: "TOUR" }}) {{ kind items {{ nodes {{ itemNo variantCode }} }} }}
      ticketItems {{ nodes {{ itemNo variantCode }} }}
    }}"""
    found = await gatehouse.data(query)
    lines = found["itself"].pop("contents")
    assert found["itself"] == {
        "itemNo": "FAM",
        "variantCode": None,
        "barcodes": [],
        "description": "The item FAM",
        "unitPrice": {"amount": "45.50", "currency": "EUR"},
        "isBlocked": False,
        "ticketType": {
            "code": "FAMILY",
            "description": "Family",
            "kind": "GROUP",
            "externalTicketPattern": "F[N*6]",
        },
    }
    assert [line["admission"]["code"] for line in lines] == ["CASTLE", "TOUR"]
    assert lines[0] == lines[0] | {"isDefault": True, "refundPercent": "100", "rescheduleCutOffHours": None}
    assert lines[1] == {
        "admission": {"code": "TOUR"},
        "isDefault": False,
        "inclusion": "SELECTED",
        "quantity": 4,
        "activation": "SCAN",
        "entryValidation": "MULTIPLE",
        "maxEntries": 3,
        "durationDays": 365,
        "reschedulePolicy": "CUT_OFF_HOURS",
        "rescheduleCutOffHours": "1.5",
        "revokePolicy": "UNUSED",
        "refundPercent": "12.5",
        "rescanWithinSeconds": 60,
        "capacityPercent": "100",
        "posMayExceedCapacity": True,
        "dependencies": [{"kind": "WITHIN_MINUTES", "other": {"code": "CASTLE"}, "minutes": 30}],
    }
    assert found["variant"]["unitPrice"] == {"amount": "500", "currency": "JPY"}
    assert found["variant"]["barcodes"] == ["4001", "4002"]
    assert found["variant"]["isBlocked"]
    assert found["scanned"] == {"variantCode": "SNACK"}
    assert found["unknown"] is None
    assert found["admission"] == {"kind": "EVENT", "items": {"nodes": [{"itemNo": "FAM", "variantCode": None}]}}
    assert len(found["ticketItems"]["nodes"]) == 2


async def test_who_is_asking(gatehouse: Gatehouse) -> None:
    found = (await gatehouse.data("{ viewer { client role permissions } }", role="GATE", client="North"))["viewer"]
    assert found == {"client": "North", "role": "GATE", "permissions": found["permissions"]}
    assert sorted(found["permissions"]) == ["ADMIT", "READ_SCANS", "READ_SET_UP", "READ_TICKETS"]
