"""A gate: what the tests of admittance scan with, and the small castle that they let people into."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from db.client import Role
from tests.harness import Gatehouse
from tests.make import NOON, Item, Make, Request, Ticket

ADMIT = """mutation ($input: TicketAdmitInput!) { ticketAdmit(input: $input) {
  verdict admittedCount tickets { totalCount nodes { externalTicketNo } }
  refusals { code message path limit actual passesFrom passesUntil
             admission { code } slot { startsAt } ticket { externalTicketNo } } } }"""

DEPART = """mutation ($input: TicketDepartInput!) { ticketDepart(input: $input) {
  departedCount tickets { totalCount nodes { externalTicketNo } }
  refusals { code message path limit actual ticket { externalTicketNo } } } }"""

EXPLAIN = """query ($scanned: String!, $admissionCode: String, $slotId: ID, $at: DateTime) {
  explainAdmission(scanned: $scanned, admissionCode: $admissionCode, slotId: $slotId, at: $at) {
    scanned ticket { externalTicketNo } admission { code } at wouldBeAdmitted
    checks { check isPassed refusal { code message limit actual } } } }"""

STATE = """query ($no: String!) { issuedTicket(by: { externalTicketNo: $no }) {
  accessEntries { admission { code } firstAdmittedAt admittedCount insideCount }
  timeline(first: 100) { nodes { kind quantity gate scanned at recordedAt message refusal { code } } } } }"""


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate of one client; scans are sent as that client, questions asked as support."""

    gatehouse: Gatehouse
    client: str = "gate"

    async def admit(self, scanned: str, **said: Any) -> dict[str, Any]:
        """The whole payload of a scan."""
        return await self._sent("ticketAdmit", ADMIT, scanned, said)

    async def depart(self, scanned: str, **said: Any) -> dict[str, Any]:
        """The whole payload of a departure."""
        return await self._sent("ticketDepart", DEPART, scanned, said)

    async def _sent(self, name: str, document: str, scanned: str, said: Mapping[str, Any]) -> dict[str, Any]:
        variables = {"input": {"scanned": scanned, **said}}
        found = await self.gatehouse.data(document, variables, role="GATE", client=self.client)
        payload: dict[str, Any] = found[name]
        return payload

    async def says(self, scanned: str, **said: Any) -> str:
        """The verdict of a scan in a word: ADMITTED and how many, RECORDED and why, or why not."""
        payload = await self.admit(scanned, **said)
        codes = " ".join(refusal["code"] for refusal in payload["refusals"])
        if payload["verdict"] == "REFUSED":
            assert payload["admittedCount"] == 0
            assert payload["tickets"]["nodes"] == []
            return codes
        return f"{payload['verdict']} {payload['admittedCount']} {codes}".strip()

    async def lets_out(self, scanned: str, **said: Any) -> str:
        """How many went out, or why not."""
        payload = await self.depart(scanned, **said)
        return " ".join(refusal["code"] for refusal in payload["refusals"]) or str(payload["departedCount"])

    async def explains(self, scanned: str, **said: Any) -> list[str]:
        """Every check that would fail, by the code of its refusal."""
        found = await self.gatehouse.data(EXPLAIN, {"scanned": scanned, **said}, role="SUPPORT")
        explained = found["explainAdmission"]
        failed = [one["refusal"]["code"] for one in explained["checks"] if not one["isPassed"]]
        assert explained["wouldBeAdmitted"] == (not failed)
        return failed

    async def state(self, number: str) -> dict[str, Any]:
        """What a ticket shows: its access entries, and its timeline."""
        found = await self.gatehouse.data(STATE, {"no": number}, role="SUPPORT")
        ticket: dict[str, Any] = found["issuedTicket"]
        return ticket

    async def counted(self, number: str) -> tuple[int, int]:
        """How many were let in so far, and are inside now, at the ticket's first admission."""
        entry = (await self.state(number))["accessEntries"][0]
        return entry["admittedCount"], entry["insideCount"]

    async def history(self, number: str) -> list[str]:
        """What happened at the gate with a ticket."""
        return [
            f"{event['kind']} {event['refusal']['code'] if event['refusal'] else event['quantity']}"
            for event in (await self.state(number))["timeline"]["nodes"]
        ]


async def at_noon(gatehouse: Gatehouse, **later: float) -> Gate:
    """A gate of the park, at NOON or so much later."""
    gatehouse.travel(NOON + timedelta(**later) - gatehouse.database.now())
    return Gate(gatehouse)


@dataclass(slots=True)
class Castle:
    """One admission with a slot around NOON, and the makings of tickets for it."""

    make: Make
    shop: int
    admission: int
    slot: int

    async def item(self, **contents: Any) -> Item:
        kind = contents.pop("kind", "INDIVIDUAL")
        return await self.make.item(None, self.admission, kind=kind, contents=contents)

    async def request(self, token: str | None = None, **columns: Any) -> Request:
        return await self.make.request(self.shop, token, **columns)

    async def ticket(
        self,
        number: str,
        item: Item | None = None,
        *,
        people: int = 1,
        slot: int | None = None,
        is_reserved: bool = True,
        request: Request | None = None,
        **columns: Any,
    ) -> Ticket:
        """A ticket of the day before, reserved for the slot, of a request of its own, unless said otherwise."""
        columns.setdefault("issued_at", NOON - timedelta(days=1))
        item = item or await self.item()
        slots = {self.admission: slot or self.slot} if is_reserved else {}
        line = await self.make.line(request or await self.request(), item, people, slots=slots, ticket_kind=item.kind)
        return await self.make.ticket(line, number, people=people, **columns)


async def castle(
    make: Make,
    *,
    control: str = "NONE",
    capacity: int | None = 10,
    admission: Mapping[str, Any] = {},
    **slot: Any,
) -> Castle:
    """The castle: reservations are needed, and its slot runs from NOON to an hour later, arrival included."""
    place = await make.admission("CASTLE", **{"prebook_required": True, "kind": "EVENT"} | dict(admission))
    made = await make.slot(place, control=control, capacity=capacity, **slot)
    return Castle(make, await make.client("shop", Role.WEB_STORE), place, made)
