"""A small park, set up through GraphQL as its owner would: what the tests of selling begin with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from tests.harness import Gatehouse

SET_UP = """
mutation SetUp($input: TicketSetUpInput!) {
  ticketSetUp(input: $input) {
    item { id itemNo }
    admission { id code slots(first: 100) { nodes { id date startsAt state } } }
    refusals { code message path }
  }
}
"""

UPSERT_ITEM = """
mutation Upsert($input: TicketItemUpsertInput!) {
  ticketItemUpsert(input: $input) { item { id itemNo } refusals { code message path } }
}
"""

UPSERT_TYPE = """
mutation Upsert($input: TicketTypeUpsertInput!) { ticketTypeUpsert(input: $input) { refusals { code message path } } }
"""

CREATE = """
mutation Create($input: TicketRequestCreateInWebStoreInput!) {
  ticketRequestCreateInWebStore(input: $input) {
    ticketRequest { id token status expiresAt }
    total { amount currency }
    refusals { code message path limit actual slot { id } admission { code } ticketRequest { token } }
  }
}
"""

CREATE_AT_POS = """
mutation Create($input: TicketRequestCreateAtPosInput!) {
  ticketRequestCreateAtPos(input: $input) {
    ticketRequest { id token status expiresAt }
    total { amount currency }
    refusals { code message path limit actual slot { id } }
  }
}
"""


REFUSAL = (
    "code message path limit actual passesFrom passesUntil slot { id } admission { code } ticket { externalTicketNo }"
)
"""What a refused change of a ticket is asked about."""


def change(name: str, selection: str = "ticketRequest { id token status expiresAt }") -> str:
    """The document of a mutation that changes a request, by its name after ``ticketRequest``."""
    type_name = f"TicketRequest{name}Input"
    return (
        f"mutation {name}($input: {type_name}!) {{ ticketRequest{name}(input: $input) "
        f"{{ {selection} refusals {{ {REFUSAL} ticketRequest {{ token }} }} }} }}"
    )


@dataclass(frozen=True, slots=True)
class Sellable:
    """An item, its admission, and the admission's slots by date."""

    item_no: str
    admission_code: str
    slots: Mapping[date, str]

    @property
    def slot(self) -> str:
        """The slot in three days: neither past nor at the horizon, whatever the time of day."""
        return self.slots[sorted(self.slots)[3]]

    def line(self, quantity: int = 1, slot: str | None = None, **other: Any) -> dict[str, Any]:
        """A line that asks for so many in a slot."""
        admissions = [{"admissionCode": self.admission_code, "slotId": slot or self.slot}]
        return {"itemNo": self.item_no, "quantity": quantity, "admissions": admissions, **other}


@dataclass(frozen=True, slots=True)
class Park:
    """The park under test."""

    gatehouse: Gatehouse

    async def sellable(
        self, code: str = "TOUR", *, capacity: int = 10, price: str = "12.50", control: str = "SALES", **other: Any
    ) -> Sellable:
        """An item that admits to one EVENT, daily from 10 to 11, today and on the next 30 days."""
        schedule = {"startTime": "10:00", "stopTime": "11:00", "capacity": capacity, "capacityControl": control}
        found = await self.gatehouse.data(
            SET_UP,
            {
                "input": {
                    "ticketTypeCode": f"{code}-TYPE",
                    "description": f"The {code}",
                    "itemNo": f"{code}-ITEM",
                    "unitPrice": price,
                    "admissionCode": code,
                    "startDate": (self.gatehouse.database.now() - timedelta(days=1)).date().isoformat(),
                    "schedules": [schedule],
                    **other,
                }
            },
        )
        made = found["ticketSetUp"]
        assert made["refusals"] == [], made
        slots = {date.fromisoformat(slot["date"]): slot["id"] for slot in made["admission"]["slots"]["nodes"]}
        return Sellable(made["item"]["itemNo"], code, slots)

    async def item(self, item_no: str, contents: Sequence[Mapping[str, Any]], **other: Any) -> str:
        """An item with these content lines, of the type GENERAL."""
        if "ticketTypeCode" not in other:
            general = {"code": "GENERAL", "description": "General", "externalTicketPattern": "[S]-[X*6]"}
            made = await self.gatehouse.data(UPSERT_TYPE, {"input": general})
            assert made["ticketTypeUpsert"]["refusals"] == []
        values = {"description": item_no, "ticketTypeCode": "GENERAL", "unitPrice": "10.00", **other}
        found = await self.gatehouse.data(
            UPSERT_ITEM, {"input": {"itemNo": item_no, "contents": list(contents), **values}}
        )
        assert found["ticketItemUpsert"]["refusals"] == [], found
        return item_no

    async def create(
        self, *lines: Mapping[str, Any], role: str = "WEB_STORE", client: str | None = None, **other: Any
    ) -> dict[str, Any]:
        """The payload of a create in the web store."""
        found = await self.gatehouse.data(CREATE, {"input": {"lines": lines, **other}}, role=role, client=client)
        payload: dict[str, Any] = found["ticketRequestCreateInWebStore"]
        return payload

    async def create_at_pos(self, *lines: Mapping[str, Any], client: str | None = None, **other: Any) -> dict[str, Any]:
        """The payload of a create at a POS."""
        receipt = {"receiptNo": "R-1", "posUnitNo": "U-1"}
        found = await self.gatehouse.data(
            CREATE_AT_POS, {"input": {"lines": lines, **receipt, **other}}, role="POS", client=client
        )
        payload: dict[str, Any] = found["ticketRequestCreateAtPos"]
        return payload

    async def registered(self, *lines: Mapping[str, Any], role: str = "WEB_STORE", **other: Any) -> str:
        """The token of a new request of the web store."""
        payload = await self.create(*lines, role=role, **other)
        assert payload["refusals"] == [], payload
        token: str = payload["ticketRequest"]["token"]
        return token

    async def sold(self, *lines: Mapping[str, Any], role: str = "WEB_STORE", **other: Any) -> tuple[str, list[str]]:
        """The token of a new request that was paid for, and the numbers of its tickets."""
        token = await self.registered(*lines, role=role, **other)
        payload = await self.change("Confirm", token, role=role, paymentReference="P-1")
        assert payload["refusals"] == [], payload
        found = await self.request(token, "tickets(first: 100) { nodes { externalTicketNo } }")
        return token, [ticket["externalTicketNo"] for ticket in found["tickets"]["nodes"]]

    async def ticket(self, number: str, selection: str) -> Any:
        """What support sees of a ticket."""
        query = f"query($no: String!) {{ issuedTicket(by: {{externalTicketNo: $no}}) {{ {selection} }} }}"
        return (await self.gatehouse.data(query, {"no": number}))["issuedTicket"]

    async def change_ticket(
        self,
        name: str,
        number: str,
        *,
        role: str = "SUPPORT",
        client: str | None = None,
        selection: str = "ticket { externalTicketNo }",
        **other: Any,
    ) -> dict[str, Any]:
        """The payload of a mutation that changes one ticket, by its name after ``ticket``."""
        document = (
            f"mutation {name}($input: Ticket{name}Input!) {{ ticket{name}(input: $input) {{ {selection} "
            f"refusals {{ {REFUSAL} }} }} }}"
        )
        variables = {"input": {"externalTicketNo": number, **other}}
        found = await self.gatehouse.data(document, variables, role=role, client=client)
        payload: dict[str, Any] = found[f"ticket{name}"]
        return payload

    async def change(
        self,
        name: str,
        token: str,
        *,
        role: str = "WEB_STORE",
        client: str | None = None,
        selection: str = "ticketRequest { id token status expiresAt }",
        **other: Any,
    ) -> dict[str, Any]:
        """The payload of a mutation that changes a request, by its name after ``ticketRequest``."""
        variables = {"input": {"token": token, **other}}
        found = await self.gatehouse.data(change(name, selection), variables, role=role, client=client)
        payload: dict[str, Any] = found[f"ticketRequest{name}"]
        return payload

    async def request(self, token: str, selection: str) -> Any:
        """What support sees of a request."""
        query = f"query($token: String!) {{ ticketRequest(by: {{token: $token}}) {{ {selection} }} }}"
        return (await self.gatehouse.data(query, {"token": token}))["ticketRequest"]

    async def slot(self, slot_id: str, selection: str = "held sold remaining") -> Any:
        """The numbers of a slot."""
        query = f"query($id: ID!) {{ node(id: $id) {{ ... on TimeSlot {{ {selection} }} }} }}"
        return (await self.gatehouse.data(query, {"id": slot_id}))["node"]


def codes(payload: Mapping[str, Any]) -> list[str]:
    """The refusal codes of a payload."""
    return [refusal["code"] for refusal in payload["refusals"]]
