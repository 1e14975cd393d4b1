"""What a gate would say, and why: now, for another moment, for what nobody knows; and who may ask."""

from datetime import timedelta
from typing import Any

from db.timeline import RequestEventKind
from schema.node import global_id
from tests.gate import EXPLAIN, Gate, at_noon, castle
from tests.harness import Gatehouse
from tests.make import NOON, making

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


async def test_every_check_is_listed_in_order(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        await (await castle(make)).ticket("T-1")
    await at_noon(gatehouse)
    found = await gatehouse.data(EXPLAIN, {"scanned": "t-1"}, role="SUPPORT")
    explained = found["explainAdmission"]
    assert explained.pop("at").startswith("2030-05-17T12:00:0")
    checks = [
        "KNOWN",
        "NOT_REVOKED",
        "NOT_BLOCKED",
        "CONFIRMED",
        "PAID",
        "VALID",
        "ON_TICKET",
        "RESERVED",
        "OPEN",
        "IN_ARRIVAL_WINDOW",
        "ENTRIES_LEFT",
        "DEPENDENCIES_MET",
        "ROOM_LEFT",
    ]
    assert explained == {
        "scanned": "t-1",
        "ticket": {"externalTicketNo": "T-1"},
        "admission": {"code": "CASTLE"},
        "wouldBeAdmitted": True,
        "checks": [{"check": check, "isPassed": True, "refusal": None} for check in checks],
    }


async def test_all_that_is_wrong_is_told_at_once(gatehouse: Gatehouse) -> None:
    """A scan meets the first; support sees the rest."""
    async with making(gatehouse.database) as make:
        place = await castle(make)
        request = await place.request(payment_option="UNPAID")
        await place.ticket("T-1", request=request, blocked_at=NOON, valid_until=NOON - HOUR)
    gate = await at_noon(gatehouse, hours=2)
    assert await gate.explains("T-1") == ["TICKET_BLOCKED", "UNPAID", "NO_LONGER_VALID", "TOO_LATE"]
    assert await gate.says("T-1") == "TICKET_BLOCKED"


async def test_what_nobody_knows_is_explained_too(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        place = await castle(make)
        await place.request("registered", status="REGISTERED")
    await at_noon(gatehouse)
    unknown = (await gatehouse.data(EXPLAIN, {"scanned": "x", "admissionCode": "castle"}))["explainAdmission"]
    assert unknown["ticket"] is None
    assert unknown["admission"] == {"code": "CASTLE"}
    assert [(one["check"], one["refusal"]["code"]) for one in unknown["checks"]] == [("KNOWN", "TICKET_UNKNOWN")]
    token = (await gatehouse.data(EXPLAIN, {"scanned": "registered"}))["explainAdmission"]
    assert [one["check"] for one in token["checks"]] == ["KNOWN", "CONFIRMED", "PAID"]
    for hostile in ("", " ", "x" * 10_000, "\x07", "%", "'; --", "\U0001f3f0" * 50):
        found = (await gatehouse.data(EXPLAIN, {"scanned": hostile}))["explainAdmission"]
        assert found["scanned"] == hostile
        (check,) = found["checks"]
        said = (await Gate(gatehouse).admit(hostile))["refusals"]
        assert [(one["code"], one["message"]) for one in said] == [
            (check["refusal"]["code"], check["refusal"]["message"])
        ]
        assert not found["wouldBeAdmitted"]


async def test_a_token_explains_its_first_refused_ticket(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        place = await castle(make)
        family, fine = await place.request("family"), await place.request("fine")
        await place.ticket("T-1", request=family)
        await place.ticket("T-2", request=family, blocked_at=NOON)
        await place.ticket("T-3", request=fine)
        await place.ticket("T-4", request=fine)
    gate = await at_noon(gatehouse)
    for token, ticket in (("family", "T-2"), ("fine", "T-3")):
        found = (await gatehouse.data(EXPLAIN, {"scanned": token}))["explainAdmission"]
        assert found["ticket"] == {"externalTicketNo": ticket}
    assert await gate.explains("family") == ["TICKET_BLOCKED"]


async def test_another_place_and_another_slot_can_be_asked_about(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        place = await castle(make)
        await place.ticket("T-1")
        other = await make.slot(place.admission, NOON + HOUR)
        await make.admission("TOWER")
    gate = await at_noon(gatehouse)
    assert await gate.explains("T-1", admissionCode="tower") == ["NOT_ON_TICKET"]
    assert await gate.explains("T-1", slotId=global_id("TimeSlot", other)) == ["WRONG_SLOT"]
    far = [{"at": f"{year}T00:00:00Z"} for year in ("9999-12-31", "0001-01-01", "1969-12-31")]
    for wrong in ({"admissionCode": "NOWHERE"}, {"slotId": global_id("TimeSlot", 99)}, {"slotId": "?"}, *far):
        answer = await gatehouse.ask(EXPLAIN, {"scanned": "T-1", **wrong})
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


async def test_asking_changes_nothing(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        await (await castle(make)).ticket("T-1")
    gate = await at_noon(gatehouse)
    assert await gate.explains("T-1") == []
    assert await gate.counted("T-1") == (0, 0)
    assert await gate.history("T-1") == []


async def test_what_one_may_not_see_is_unknown(gatehouse: Gatehouse) -> None:
    """A store explains its own tickets; a gate any that it can name by its exact number, or its token."""
    async with making(gatehouse.database) as make:
        await (await castle(make)).ticket("T-1", request=await make.request(await make.client("shop"), "family"))
    await at_noon(gatehouse)

    async def explained(scanned: str, **asker: Any) -> tuple[Any, bool]:
        found = (await gatehouse.data(EXPLAIN, {"scanned": scanned}, **asker))["explainAdmission"]
        return found["ticket"] and found["ticket"]["externalTicketNo"], found["wouldBeAdmitted"]

    for scanned in ("T-1", "family"):
        assert await explained(scanned, role="WEB_STORE", client="shop") == ("T-1", True)
        assert await explained(scanned, role="WEB_STORE", client="other") == (None, False)
        assert await explained(scanned, role="POS") == ("T-1", True)
    assert await explained("T-1", role="GATE") == ("T-1", True)
    assert await explained("family", role="GATE") == (None, True), "the ticket was not named"


async def test_a_list_of_tickets_is_explained_in_so_many_statements(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        place = await castle(make, control="ADMITTED")
        item = await place.item()
        for number in range(12):
            await place.ticket(f"T-{number:02d}", item)
    await at_noon(gatehouse)
    query = """query ($first: Int) { issuedTickets(first: $first, orderBy: ISSUED_AT_ASC) { nodes {
      explainAdmission { wouldBeAdmitted ticket { externalTicketNo } checks { check refusal { code } } } } } }"""
    counts = []
    for first in (1, 12):
        found = (await gatehouse.data(query, {"first": first}))["issuedTickets"]["nodes"]
        assert all(node["explainAdmission"]["wouldBeAdmitted"] for node in found)
        counts.append(len(gatehouse.statements))
    assert counts[0] == counts[1] <= 12


async def test_the_past_is_told_from_what_was_true_then(gatehouse: Gatehouse) -> None:
    """Before it was issued, blocked, moved, used, given back; and what its slot was like then."""
    async with making(gatehouse.database) as make:
        place = await castle(make, control="ADMITTED", capacity=1)
        later = await make.slot(place.admission, NOON + 5 * HOUR)
        moved = await place.ticket("moved", slot=later, issued_at=NOON - DAY, valid_until=NOON + 2 * DAY)
        await place.ticket("new", issued_at=NOON - 10 * MINUTE, valid_from=NOON - DAY)
        await place.ticket("revoked", revoked_at=NOON + 10 * MINUTE)
        entry = moved.access_entries[place.admission]
        before = {"slot_id": place.slot, "valid_until": (NOON + DAY).isoformat()}
        await make.event(
            RequestEventKind.RESCHEDULED,
            ticket=moved,
            access_entry_id=entry,
            at=NOON + 10 * MINUTE,
            facts={"before": before, "after": {"slot_id": later}},
        )
    gate = await at_noon(gatehouse)
    assert await gate.says("new") == "ADMITTED 1"
    gatehouse.travel(20 * MINUTE)
    block = 'mutation { ticketBlock(input: {externalTicketNo: "new", reason: "Lost"}) { refusals { code } } }'
    assert (await gatehouse.data(block))["ticketBlock"]["refusals"] == []
    update = "mutation ($input: TimeSlotUpdateInput!) { timeSlotUpdate(input: $input) { refusals { code } } }"
    closing = {"slotId": global_id("TimeSlot", place.slot), "state": "CLOSED", "closedReason": "Storm"}
    assert (await gatehouse.data(update, {"input": closing}))["timeSlotUpdate"]["refusals"] == []
    gatehouse.travel(20 * MINUTE)

    async def then(scanned: str, minutes: int) -> list[str]:
        return await gate.explains(scanned, at=(NOON + minutes * MINUTE).isoformat())

    assert await then("new", -11) == ["TICKET_UNKNOWN"]
    assert await then("new", -5) == ["TOO_EARLY"]
    assert await then("new", 10) == ["ENTRIES_USED_UP"]
    assert await then("new", 30) == ["TICKET_BLOCKED", "ADMISSION_CLOSED", "ENTRIES_USED_UP"]
    assert await then("revoked", 5) == []
    assert await then("revoked", 15) == ["TICKET_REVOKED", "CAPACITY_REACHED"], "its place is another's by now"
    assert await then("moved", 5) == []
    assert await then("moved", 15) == ["TOO_EARLY"]
    assert await then("moved", 10 + 5 * 60) == []
