"""Blocking tickets and taking it back, and noting that they were printed."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.harness import Gatehouse
from tests.kept import kept
from tests.park import REFUSAL, Park, Sellable, codes

STATE = "isBlocked blockedAt blockedReason accessEntries { isBlocked blockedAt blockedReason admission { code } }"
EVENTS = "timeline { nodes { kind message actor admission { code } } }"

MARK_PRINTED = f"""
mutation Printed($input: TicketMarkPrintedInput!) {{ ticketMarkPrinted(input: $input) {{
  tickets {{ externalTicketNo printCount printedAt }} refusals {{ {REFUSAL} }}
}} }}
"""


@pytest.fixture
def park(gatehouse: Gatehouse) -> Park:
    return Park(gatehouse)


@pytest.fixture
async def tour(park: Park) -> Sellable:
    return await park.sellable()


async def happened(park: Park, number: str) -> list[tuple[str, str, str | None]]:
    """What the ticket's timeline tells since it was issued: kind, message and admission."""
    nodes = (await park.ticket(number, EVENTS))["timeline"]["nodes"]
    assert nodes[0]["kind"] == "ISSUED"
    return [(event["kind"], event["message"], (event["admission"] or {}).get("code")) for event in nodes[1:]]


async def blocks(park: Park, number: str) -> tuple[str | None, list[str | None]]:
    """Why the ticket is blocked, and why each of its admissions is."""
    ticket = await park.ticket(number, STATE)
    for flagged in (ticket, *ticket["accessEntries"]):
        assert flagged["isBlocked"] is (flagged["blockedAt"] is not None) is (flagged["blockedReason"] is not None)
    return ticket["blockedReason"], [entry["blockedReason"] for entry in ticket["accessEntries"]]


# ------------------------------------------------------------------------------------------------ block


async def test_a_ticket_is_blocked_once_and_unblocked_once(park: Park, tour: Sellable) -> None:
    """Again changes nothing: the first reason stays, and the timeline tells of it once."""
    _, (number, other) = await park.sold(tour.line(2))
    payload = await park.change_ticket("Block", f" {number.lower()} ", reason=" Stolen. ", selection="ticket { id }")
    assert payload["ticket"]["id"] is not None
    blocked = await kept(park.gatehouse)
    assert await blocks(park, number) == ("Stolen.", [None])
    assert await park.change_ticket("Block", number, reason="Found.", selection="ticket { id }") == payload
    assert await kept(park.gatehouse) == blocked
    for reason in ("Given back.", "Given back twice."):
        assert codes(await park.change_ticket("Unblock", number, reason=reason)) == []
    assert await blocks(park, number) == (None, [None])
    assert await happened(park, number) == [
        ("BLOCKED", "Blocked: Stolen.", None),
        ("UNBLOCKED", "Unblocked: Given back.", None),
    ]
    assert await blocks(park, other) == (None, [None])
    assert await happened(park, other) == []
    assert (await park.slot(tour.slot))["sold"] == 2


async def test_one_admission_is_blocked_by_itself(park: Park, tour: Sellable) -> None:
    """Beside a block of the whole ticket: each is taken back alone."""
    other = await park.sellable("CASTLE")
    contents: list[dict[str, Any]] = [{"admissionCode": "TOUR", "isDefault": True}, {"admissionCode": "CASTLE"}]
    item = await park.item("BOTH", contents)
    admissions = tour.line()["admissions"] + other.line()["admissions"]
    _, (number,) = await park.sold({"itemNo": item, "quantity": 1, "admissions": admissions})
    assert codes(await park.change_ticket("Block", number, admissionCode="castle", reason="Mud.")) == []
    assert await blocks(park, number) == (None, [None, "Mud."])
    assert codes(await park.change_ticket("Block", number, reason="Lost.")) == []
    assert codes(await park.change_ticket("Unblock", number, reason="Found.")) == []
    assert await blocks(park, number) == (None, [None, "Mud."])
    assert codes(await park.change_ticket("Unblock", number, admissionCode="TOUR", reason="Dry.")) == []
    assert codes(await park.change_ticket("Unblock", number, admissionCode="CASTLE", reason="Dry.")) == []
    assert await blocks(park, number) == (None, [None, None])
    assert await happened(park, number) == [
        ("BLOCKED", "Blocked for one admission: Mud.", "CASTLE"),
        ("BLOCKED", "Blocked: Lost.", None),
        ("UNBLOCKED", "Unblocked: Found.", None),
        ("UNBLOCKED", "Unblocked for one admission: Dry.", "CASTLE"),
    ]


NO_BLOCK: list[tuple[Mapping[str, Any], list[tuple[str, str]]]] = [
    ({"externalTicketNo": "NOBODY'S"}, [("NOT_FOUND", "externalTicketNo")]),
    ({"externalTicketNo": " "}, [("INVALID_INPUT", "externalTicketNo")]),
    ({"externalTicketNo": "x" * 101}, [("INVALID_INPUT", "externalTicketNo")]),
    ({"externalTicketNo": "T\x07"}, [("INVALID_INPUT", "externalTicketNo")]),
    ({"reason": " "}, [("INVALID_INPUT", "reason")]),
    ({"reason": "x" * 1001}, [("INVALID_INPUT", "reason")]),
    ({"admissionCode": "NOWHERE"}, [("UNKNOWN_ADMISSION", "admissionCode")]),
    ({"admissionCode": "CASTLE"}, [("NOT_ON_TICKET", "admissionCode")]),
    ({"admissionCode": ""}, [("INVALID_INPUT", "admissionCode")]),
    ({"externalTicketNo": "NOBODY'S", "admissionCode": "NOWHERE", "reason": ""},
     [("INVALID_INPUT", "reason"), ("NOT_FOUND", "externalTicketNo"), ("UNKNOWN_ADMISSION", "admissionCode")]),
]  # fmt: skip


async def test_a_block_that_makes_no_sense_is_refused(park: Park, tour: Sellable) -> None:
    """Every problem at once, and nothing is changed."""
    await park.sellable("CASTLE")
    _, (number,) = await park.sold(tour.line())
    before = await kept(park.gatehouse)
    for name in ("Block", "Unblock"):
        for given, expected in NO_BLOCK:
            said = {"number": number, "reason": "Why not.", **given}
            said["number"] = said.pop("externalTicketNo", number)
            payload = await park.change_ticket(name, **said)
            assert [(r["code"], r["path"][0]) for r in payload["refusals"]] == expected, given
            assert (payload["ticket"] is not None) is (said["number"] == number)
    assert await kept(park.gatehouse) == before


# ------------------------------------------------------------------------------------------------ print


async def printed(park: Park, *numbers: str, role: str = "POS", client: str | None = None) -> Any:
    found = await park.gatehouse.data(
        MARK_PRINTED, {"input": {"externalTicketNos": list(numbers)}}, role=role, client=client
    )
    return found["ticketMarkPrinted"]


async def test_tickets_are_printed_as_often_as_they_are(park: Park, tour: Sellable) -> None:
    """In the order in which they were named, each once."""
    _, (one, other, third) = await park.sold(tour.line(3))
    payload = await printed(park, other, one.lower(), other)
    assert payload["refusals"] == []
    assert [(ticket["externalTicketNo"], ticket["printCount"]) for ticket in payload["tickets"]] == [
        (other, 1),
        (one, 1),
    ]
    assert [ticket["printCount"] for ticket in (await printed(park, one))["tickets"]] == [2]
    assert await happened(park, one) == [
        ("PRINTED", "Printed.", None),
        ("PRINTED", "Printed again, 2 times in all.", None),
    ]
    assert (await park.ticket(third, "printCount printedAt")) == {"printCount": 0, "printedAt": None}


async def test_printing_is_all_or_nothing(park: Park, tour: Sellable) -> None:
    """A web store's printer knows its own tickets only; what is refused shows what is there."""
    _, (own,) = await park.sold(tour.line())
    _, (others,) = await park.sold(tour.line(), role="ADMIN")
    before = await kept(park.gatehouse)
    payload = await printed(park, own, others, "nobody's", " ", role="WEB_STORE")
    assert sorted((r["code"], r["path"]) for r in payload["refusals"]) == [
        ("INVALID_INPUT", ["externalTicketNos", "3"]),
        ("NOT_FOUND", ["externalTicketNos", "1"]),
        ("NOT_FOUND", ["externalTicketNos", "2"]),
    ]
    assert payload["tickets"] == [{"externalTicketNo": own, "printCount": 0, "printedAt": None}]
    assert await kept(park.gatehouse) == before
    assert codes(await printed(park, own, others)) == []


async def test_from_one_ticket_to_as_many_as_a_request_may_have_are_marked(park: Park, tour: Sellable) -> None:
    """A thousand cost as many statements as one."""
    async with park.gatehouse.with_rules(tickets_per_request=4) as small:
        narrow = Park(small)
        _, numbers = await narrow.sold(tour.line(4))
        for named in ([], [*numbers, "one more"]):
            before = await kept(small)
            (refusal,) = (await printed(narrow, *named))["refusals"]
            assert (refusal["code"], refusal["limit"], refusal["actual"]) == (
                "INVALID_INPUT",
                4 if named else 1,
                len(named),
            )
            assert await kept(small) == before
        await printed(narrow, numbers[0])
        needed = len(small.statements)
        assert len((await printed(narrow, *numbers))["tickets"]) == 4
        assert len(small.statements) == needed
