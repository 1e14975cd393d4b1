"""What a gate sees: a ticket by its exact number, and of its request only what belongs to that ticket."""

from db.client import Role
from db.timeline import RequestEventKind
from schema.node import global_id
from tests.harness import Gatehouse
from tests.make import Make, making


async def three_tickets(make: Make) -> None:
    """T-1 and T-2 of one line, T-3 of another line of the same request; T-4 of another request."""
    shop, castle = await make.client("shop", Role.WEB_STORE), await make.admission("CASTLE")
    item = await make.item("ADULT", castle)
    await make.customer("C-1", shop)
    await make.sales_order(shop, external_order_no="W-1")
    request = await make.request(shop, "web", customer_no="C-1", external_order_no="W-1", email="ada@example.org")
    line = await make.line(request, item, 2)
    await make.event(RequestEventKind.ISSUED, ticket=await make.ticket(line, "T-1"))
    await make.ticket(line, "T-2")
    await make.ticket(await make.line(request, item, line_no=2), "T-3")
    await make.ticket(await make.line(await make.request(shop, "another"), item), "T-4")


REQUEST = """
  token authorizationCode customer { id } salesOrder { id } timeline { nodes { id } }
  references { lineNo email customer { id } tickets { totalCount nodes { externalTicketNo } } entries { lineNo } }
  entries { lineNo authorizationCode request { token } reference { lineNo } }
  tickets { totalCount nodes { externalTicketNo } }
"""


async def test_beside_a_ticket_its_request_exists_cut_to_that_ticket(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        await three_tickets(make)
    query = f"""{{ issuedTicket(by: {{ externalTicketNo: "t-1" }}) {{
      externalTicketNo customer {{ id }} timeline {{ nodes {{ id }} }}
      accessEntries {{ ticket {{ externalTicketNo }} admission {{ code }} events {{ nodes {{ id }} }} }}
      reference {{ lineNo email }}
      request {{ {REQUEST} }}
    }} }}"""
    only = {"totalCount": 1, "nodes": [{"externalTicketNo": "T-1"}]}
    line = {"lineNo": 1, "email": None, "customer": None, "tickets": only, "entries": [{"lineNo": 1}]}
    entry = {"lineNo": 1, "authorizationCode": None, "request": {"token": "web"}, "reference": {"lineNo": 1}}
    assert (await gatehouse.data(query, role="GATE"))["issuedTicket"] == {
        "externalTicketNo": "T-1",
        "customer": None,
        "timeline": None,
        "accessEntries": [{"ticket": {"externalTicketNo": "T-1"}, "admission": {"code": "CASTLE"}, "events": None}],
        "reference": {"lineNo": 1, "email": None},
        "request": {
            "token": "web",
            "authorizationCode": None,
            "customer": None,
            "salesOrder": None,
            "timeline": None,
            "references": [line],
            "entries": [entry],
            "tickets": only,
        },
    }


async def test_several_tickets_named_at_once_are_seen_beside_each_other(gatehouse: Gatehouse) -> None:
    """By their external and internal numbers, in whatever order: the answer does not depend on which was read first."""
    async with making(gatehouse.database) as make:
        await three_tickets(make)
    shown = "{ request { token tickets { nodes { externalTicketNo } } references { lineNo } } }"
    query = f"""{{
      one: issuedTicket(by: {{ externalTicketNo: "T-1" }}) {shown}
      three: issuedTicket(by: {{ ticketNo: "00000003" }}) {shown}
      four: issuedTicket(by: {{ ticketNo: "00000004" }}) {shown}
      none: issuedTicket(by: {{ externalTicketNo: "T-5" }}) {shown}
    }}"""
    found = await gatehouse.data(query, role="GATE")
    both = [{"externalTicketNo": "T-1"}, {"externalTicketNo": "T-3"}]
    request = {"token": "web", "tickets": {"nodes": both}, "references": [{"lineNo": 1}, {"lineNo": 2}]}
    assert found["one"] == found["three"] == {"request": request}
    assert found["four"]["request"]["tickets"] == {"nodes": [{"externalTicketNo": "T-4"}]}
    assert found["none"] is None


async def test_an_id_is_no_number(gatehouse: Gatehouse) -> None:
    """A gate finds nothing of a sale by its id, not even what it named in the same breath."""
    async with making(gatehouse.database) as make:
        await three_tickets(make)
    types = ("IssuedTicket", "TicketRequest", "Reference", "TicketRequestEntry", "AccessEntry", "RequestEvent")
    nodes = " ".join(
        f'{name}: node(id: "{global_id(name, 1)}") {{ id }}' for name in (*types, "Customer", "SalesOrder")
    )
    query = f"""{{
      by_number: issuedTicket(by: {{ externalTicketNo: "T-1" }}) {{ request {{ token }} }}
      by_id: issuedTicket(by: {{ id: "{global_id("IssuedTicket", 1)}" }}) {{ id }}
      {nodes}
    }}"""
    found = await gatehouse.data(query, role="GATE")
    assert found.pop("by_number") == {"request": {"token": "web"}}
    assert set(found.values()) == {None}


async def test_part_of_a_number_is_no_number(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        await three_tickets(make)
    query = "query ($no: String!) { issuedTicket(by: { externalTicketNo: $no }) { id } }"
    for number in ("T-", "T-1%", "T_1", "", "web", "00000001"):
        assert await gatehouse.data(query, {"no": number}, role="GATE") == {"issuedTicket": None}
