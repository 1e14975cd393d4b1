"""What tests of changing one's mind need beside the park: what to ask, guests who came, and slots that were changed."""

from typing import Any

from tests.harness import Gatehouse

REVOKE = "ticket { externalTicketNo isRevoked } refund { amount currency }"
MOVED = "externalTicketNo admission { code } fromSlot { id } toSlot { id } validUntil"
MOVE = f"ticket {{ externalTicketNo }} outcome {{ {MOVED} }}"
MOVE_ALL = f"ticketRequest {{ token }} outcomes {{ {MOVED} }}"
REVOKE_ALL = "ticketRequest { token status } refund { amount currency }"


async def let_in(gatehouse: Gatehouse, number: str, people: int = 1, *, code: str = "TOUR", inside: int = 0) -> None:
    """So many of a ticket's people came there, into the slot they were booked for, and so many are inside still."""
    scan = {"scanned": number, "admissionCode": code}
    document = "mutation($input: TicketAdmitInput!) { ticketAdmit(input: $input) { admittedCount } }"
    came = {**scan, "quantity": people, "alreadyAdmitted": True}
    found = await gatehouse.data(document, {"input": came}, role="GATE")
    assert found["ticketAdmit"]["admittedCount"] == people
    if people > inside:
        document = "mutation($input: TicketDepartInput!) { ticketDepart(input: $input) { departedCount } }"
        found = await gatehouse.data(document, {"input": {**scan, "quantity": people - inside}}, role="GATE")
        assert found["ticketDepart"]["departedCount"] == people - inside


async def edit_slot(gatehouse: Gatehouse, slot_id: str, **given: Any) -> None:
    """Edit a slot as its owner would: whoever booked it is told."""
    document = "mutation($input: TimeSlotUpdateInput!) { timeSlotUpdate(input: $input) { refusals { code } } }"
    found = await gatehouse.data(document, {"input": {"slotId": slot_id, **given}})
    assert found["timeSlotUpdate"]["refusals"] == []
