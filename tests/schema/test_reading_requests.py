"""Requests as they are read: their references, entries and tickets, by the clock, and what stands behind them."""

from datetime import timedelta
from typing import Any

import db
from db.client import Role
from db.timeline import RequestEventKind
from tests.harness import Gatehouse
from tests.make import NOON, making

HOUR = timedelta(hours=1)


async def test_a_request_with_everything_behind_it(gatehouse: Gatehouse) -> None:
    """A line of an item with two admissions has two entries, with the same token and code."""
    async with making(gatehouse.database) as make:
        shop = await make.client("shop")
        castle, tour = await make.admission("CASTLE"), await make.admission("TOUR", kind="EVENT")
        slot = await make.slot(castle)
        item = await make.item("ADULT", castle, tour)
        await make.customer("C-1", shop, name="Ada Groß")
        request = await make.request(
            shop,
            "web-1",
            total_minor=3001,
            external_order_no="W-1",
            receipt_no="R-1",
            pos_unit_no="POS-1",
            salesperson_code="EVE",
            payment_reference="PAY-1",
            customer_no="c-1",
            email="ada@example.org",
            phone="030 1",
            ticket_holder_name="Ada",
            language="de-DE",
        )
        line = await make.line(request, item, 2, slots={castle: slot}, left_out=[tour], unit_price_minor=1500)
        await make.ticket(line, "T-1")
        await make.ticket(line, "T-2")
    query = """{ ticketRequest(by: { token: "WEB-1 " }) {
      token authorizationCode channel client status statusChangedAt createdAt expiresAt
      paymentOption paymentReference total { amount currency }
      references {
        lineNo item { itemNo } quantity unitPrice { amount currency } customerNo customer { name } email phone
        ticketHolderName language externalOrderNo receiptNo posUnitNo salespersonCode
        entries { admission { code } } tickets { totalCount nodes { externalTicketNo } }
      }
      entries {
        token authorizationCode lineNo admission { code } inclusion isPrimary quantity slot { startsAt } status
        request { token } reference { lineNo }
      }
      tickets(last: 1) { totalCount nodes { externalTicketNo } pageInfo { hasPreviousPage hasNextPage } }
      customer { customerNo }
    } }"""
    entry = {
        "token": "web-1",
        "authorizationCode": "1234-5678",
        "lineNo": 1,
        "status": "CONFIRMED",
        "request": {"token": "web-1"},
        "reference": {"lineNo": 1},
    }
    in_castle = {"admission": {"code": "CASTLE"}, "inclusion": "REQUIRED", "isPrimary": True, "quantity": 2}
    left_out = {"admission": {"code": "TOUR"}, "inclusion": "NOT_SELECTED", "isPrimary": False, "quantity": 0}
    assert (await gatehouse.data(query))["ticketRequest"] == {
        "token": "web-1",
        "authorizationCode": "1234-5678",
        "channel": "WEB_STORE",
        "client": "shop",
        "status": "CONFIRMED",
        "statusChangedAt": "2030-05-17T12:00:00Z",
        "createdAt": "2030-05-17T12:00:00Z",
        "expiresAt": None,
        "paymentOption": "PREPAID",
        "paymentReference": "PAY-1",
        "total": {"amount": "30.01", "currency": "EUR"},
        "references": [
            {
                "lineNo": 1,
                "item": {"itemNo": "ADULT"},
                "quantity": 2,
                "unitPrice": {"amount": "15.00", "currency": "EUR"},
                "customerNo": "c-1",
                "customer": {"name": "Ada Groß"},
                "email": "ada@example.org",
                "phone": "030 1",
                "ticketHolderName": "Ada",
                "language": "de-DE",
                "externalOrderNo": "W-1",
                "receiptNo": "R-1",
                "posUnitNo": "POS-1",
                "salespersonCode": "EVE",
                "entries": [{"admission": {"code": "CASTLE"}}, {"admission": {"code": "TOUR"}}],
                "tickets": {"totalCount": 2, "nodes": [{"externalTicketNo": "T-1"}, {"externalTicketNo": "T-2"}]},
            }
        ],
        "entries": [
            entry | in_castle | {"slot": {"startsAt": "2030-05-17T12:00:00Z"}},
            entry | left_out | {"slot": None},
        ],
        "tickets": {
            "totalCount": 2,
            "nodes": [{"externalTicketNo": "T-2"}],
            "pageInfo": {"hasPreviousPage": True, "hasNextPage": False},
        },
        "customer": {"customerNo": "C-1"},
    }


async def test_a_request_past_its_hold_reads_expired_everywhere(gatehouse: Gatehouse) -> None:
    """Stamped by nobody: in fields, entries and the order by status, from ``expiresAt`` on and not a moment before."""
    async with making(gatehouse.database) as make:
        shop, castle = await make.client(), await make.admission()
        item = await make.item(None, castle)
        hold = {"status": "REGISTERED", "expires_at": NOON}
        await make.line(await make.request(shop, "late", created_at=NOON - 3 * HOUR, **hold), item)
        await make.request(shop, "other", status_changed_at=NOON - HOUR)
    query = """{ ticketRequests(orderBy: STATUS_CHANGED_AT_DESC) { nodes {
      token status statusChangedAt expiresAt entries { status }
    } } }"""

    async def at(moment: timedelta) -> list[dict[str, Any]]:
        gatehouse.travel(NOON + moment - gatehouse.database.now())
        found: list[dict[str, Any]] = (await gatehouse.data(query))["ticketRequests"]["nodes"]
        return found

    before = await at(timedelta(minutes=-1))
    assert [request["token"] for request in before] == ["other", "late"]
    assert before[1]["status"] == before[1]["entries"][0]["status"] == "REGISTERED"
    assert before[1]["statusChangedAt"] == "2030-05-17T09:00:00Z"
    after = await at(timedelta())
    assert [request["token"] for request in after] == ["late", "other"]
    assert after[0]["status"] == after[0]["entries"][0]["status"] == "EXPIRED"
    assert after[0]["statusChangedAt"] == after[0]["expiresAt"] == "2030-05-17T12:00:00Z"


async def test_replaced_lines_are_gone_from_the_request_but_not_from_the_world(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        shop, castle = await make.client(), await make.admission()
        item = await make.item(None, castle)
        request = await make.request(shop, "web", status="REGISTERED")
        await make.line(request, item, 1, replaced_at=NOON)
        await make.line(request, item, 2)
    fields = "id lineNo quantity entries { quantity }"
    query = f'{{ ticketRequest(by: {{ token: "web" }}) {{ references {{ {fields} }} entries {{ quantity }} }} }}'
    found = (await gatehouse.data(query))["ticketRequest"]
    assert [reference["quantity"] for reference in found["references"]] == [2]
    assert found["entries"] == [{"quantity": 2}]
    old = await gatehouse.data('{ node(id: "UmVmZXJlbmNlOjE") { ... on Reference { quantity entries { quantity } } } }')
    assert old["node"] == {"quantity": 1, "entries": [{"quantity": 1}]}


async def test_each_order_walks_all_requests_in_both_directions(gatehouse: Gatehouse) -> None:
    """Page by page, with exact flags, the same forward and backward; several were made at the same moment."""
    async with making(gatehouse.database) as make:
        shop = await make.client()
        for number, hours in enumerate((2, 1, 2, 3, 1, 1)):
            await make.request(shop, f"t{number}", created_at=NOON + hours * HOUR)
    query = """query Page($order: TicketRequestOrder, $first: Int, $after: String, $last: Int, $before: String) {
      ticketRequests(orderBy: $order, first: $first, after: $after, last: $last, before: $before) {
        totalCount
        edges { cursor node { token } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      }
    }"""
    newest_first = ["t3", "t2", "t0", "t5", "t4", "t1"]
    for order, expected in (
        (None, newest_first),
        ("CREATED_AT_DESC", newest_first),
        ("STATUS_CHANGED_AT_DESC", newest_first),
        ("CREATED_AT_ASC", newest_first[::-1]),
    ):
        for is_backward in (False, True):
            met: list[str] = []
            cursor = None
            while True:
                pages = {"last": 4, "before": cursor} if is_backward else {"first": 4, "after": cursor}
                page = (await gatehouse.data(query, {"order": order, **pages}))["ticketRequests"]
                tokens = [edge["node"]["token"] for edge in page["edges"]]
                info = page["pageInfo"]
                assert page["totalCount"] == 6
                assert (info["startCursor"], info["endCursor"]) == (
                    page["edges"][0]["cursor"],
                    page["edges"][-1]["cursor"],
                )
                assert info["hasPreviousPage" if not is_backward else "hasNextPage"] == bool(met)
                met = tokens + met if is_backward else met + tokens
                if not info["hasPreviousPage" if is_backward else "hasNextPage"]:
                    break
                cursor = info["startCursor" if is_backward else "endCursor"]
            assert met == expected, (order, is_backward)


async def test_a_customer_shows_requests_and_tickets_newest_first(gatehouse: Gatehouse) -> None:
    """By its number, however the request wrote it; only those that who asks may see."""
    async with making(gatehouse.database) as make:
        shop, other, castle = await make.client("shop"), await make.client("other"), await make.admission()
        item = await make.item(None, castle)
        await make.customer("C-1", shop)
        for number, client in enumerate((shop, other, shop)):
            line = await make.line(await make.request(client, f"t{number}", customer_no=" c-1"), item)
            await make.ticket(line, f"T-{number}")
        await make.request(shop, "of another", customer_no="C-2")
    query = """{ customer(by: { customerNo: "C-1" }) {
      requests { totalCount nodes { token } }
      tickets(first: 1) { totalCount nodes { externalTicketNo customer { id } } }
    } }"""
    found = (await gatehouse.data(query))["customer"]
    assert [request["token"] for request in found["requests"]["nodes"]] == ["t2", "t1", "t0"]
    assert found["requests"]["totalCount"] == found["tickets"]["totalCount"] == 3
    assert found["tickets"]["nodes"][0]["externalTicketNo"] == "T-2"
    assert found["tickets"]["nodes"][0]["customer"] is not None
    own = (await gatehouse.data(query, role="WEB_STORE", client="shop"))["customer"]
    assert [request["token"] for request in own["requests"]["nodes"]] == ["t2", "t0"]
    assert own["requests"]["totalCount"] == own["tickets"]["totalCount"] == 2
    assert (await gatehouse.data(query, role="WEB_STORE", client="other"))["customer"] is None


async def test_naming_a_customer_gives_no_sight_of_it(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        shop, other, castle = await make.client("shop"), await make.client("other"), await make.admission()
        await make.customer("C-1", shop, name="Ada")
        line = await make.line(await make.request(other, "theirs", customer_no="C-1"), await make.item(None, castle))
        await make.ticket(line, "T-1")
    query = """{
      ticketRequest(by: { token: "theirs" }) { customer { id } references { customerNo customer { id } } }
      issuedTicket(by: { externalTicketNo: "T-1" }) { customer { id } }
    }"""
    assert await gatehouse.data(query, role="WEB_STORE", client="other") == {
        "ticketRequest": {"customer": None, "references": [{"customerNo": "C-1", "customer": None}]},
        "issuedTicket": {"customer": None},
    }
    assert (await gatehouse.data(query))["issuedTicket"]["customer"] is not None


async def test_a_ticket_as_it_is_read(gatehouse: Gatehouse) -> None:
    """By either number; without an end, ``validUntil`` is null."""
    async with making(gatehouse.database) as make:
        shop, castle, tour = await make.client(), await make.admission("CASTLE"), await make.admission("TOUR")
        item = await make.item("GROUP", castle, tour, kind="GROUP")
        slot = await make.slot(castle)
        line = await make.line(await make.request(shop, "web"), item, 5, slots={castle: slot})
        for_ever = await make.ticket(line, "T-1", people=5, price_minor=5000, printed_at=NOON, print_count=2)
        await make.visit(for_ever, castle, NOON + HOUR, inside=False)
        state: dict[str, Any] = {"blocked_at": NOON, "blocked_reason": "Stolen", "revoked_at": NOON + HOUR}
        await make.ticket(line, "T-2", valid_until=NOON + 2 * HOUR, **state)
        await make.change(db.ticket.access_entry, for_ever.access_entries[tour], blocked_at=NOON)
    fields = """ticketNo externalTicketNo item { itemNo } kind quantity validFrom validUntil issuedAt
      isBlocked blockedAt blockedReason isRevoked revokedAt printedAt printCount price { amount }
      request { token } reference { lineNo }
      accessEntries {
        ticket { ticketNo } admission { code } slot { startsAt }
        quantity isBlocked firstAdmittedAt admittedCount insideCount
      }"""
    query = f"""{{
      one: issuedTicket(by: {{ externalTicketNo: "t-1" }}) {{ {fields} }}
      two: issuedTicket(by: {{ ticketNo: " 00000002" }}) {{ {fields} }}
    }}"""
    found = await gatehouse.data(query)
    entry = {"ticket": {"ticketNo": "00000001"}, "quantity": 5, "insideCount": 0}
    visited = {"slot": {"startsAt": "2030-05-17T12:00:00Z"}, "firstAdmittedAt": "2030-05-17T13:00:00Z"}
    assert found["one"] == {
        "ticketNo": "00000001",
        "externalTicketNo": "T-1",
        "item": {"itemNo": "GROUP"},
        "kind": "GROUP",
        "quantity": 5,
        "validFrom": "2030-05-17T12:00:00Z",
        "validUntil": None,
        "issuedAt": "2030-05-17T12:00:00Z",
        "isBlocked": False,
        "blockedAt": None,
        "blockedReason": None,
        "isRevoked": False,
        "revokedAt": None,
        "printedAt": "2030-05-17T12:00:00Z",
        "printCount": 2,
        "price": {"amount": "50.00"},
        "request": {"token": "web"},
        "reference": {"lineNo": 1},
        "accessEntries": [
            entry | visited | {"admission": {"code": "CASTLE"}, "isBlocked": False, "admittedCount": 1},
            entry
            | {"slot": None, "firstAdmittedAt": None}
            | {"admission": {"code": "TOUR"}, "isBlocked": True, "admittedCount": 0},
        ],
    }
    two = found["two"]
    assert (two["validUntil"], two["blockedReason"]) == ("2030-05-17T14:00:00Z", "Stolen")
    assert two["isBlocked"]
    assert two["isRevoked"]


async def test_timelines_are_told_in_the_order_of_recording(gatehouse: Gatehouse) -> None:
    """Of a request, a ticket, and an access entry; at the gate also what happened earlier and was known later."""
    async with making(gatehouse.database) as make:
        shop, castle = await make.client("shop", Role.WEB_STORE), await make.admission("CASTLE")
        line = await make.line(await make.request(shop, "web"), await make.item(None, castle))
        ticket = await make.ticket(line, "T-1")
        at_gate: dict[str, Any] = {
            "access_entry_id": ticket.access_entries[castle],
            "admission_id": castle,
            "gate": "North",
        }
        refused = at_gate | {
            "scanned": "t-1",
            "refusal_code": "TOO_EARLY",
            "facts": {"passes_from": "2030-05-17T14:00:00+00:00"},
        }
        await make.event(RequestEventKind.CREATED, request=line.request, facts={"channel": "WEB_STORE"})
        await make.event(RequestEventKind.ISSUED, ticket=ticket)
        await make.event(RequestEventKind.REFUSED, ticket=ticket, at=NOON + HOUR, **refused)
        offline: dict[str, Any] = {"at": NOON - HOUR, "recorded_at": NOON + 2 * HOUR, "quantity": 1, "actor": "gate 1"}
        await make.event(RequestEventKind.ADMITTED, ticket=ticket, **offline, **at_gate)
        await make.event(RequestEventKind.BLOCKED, ticket=ticket, access_entry_id=ticket.access_entries[castle])
        await make.event(RequestEventKind.REFUSED, scanned="nobody's")
    query = """query Timeline($after: String) { issuedTicket(by: { externalTicketNo: "T-1" }) {
      request { timeline { nodes { kind actor at } } }
      timeline(first: 2, after: $after) { nodes { kind cursor } pageInfo { endCursor hasNextPage hasPreviousPage } }
      accessEntries { events { nodes {
        kind message at recordedAt gate scanned quantity
        admission { code } ticket { externalTicketNo } request { token }
        refusal { code message admission { code } ticket { externalTicketNo } }
      } } }
    } }"""
    found = (await gatehouse.data(query))["issuedTicket"]
    kinds = [event["kind"] for event in found["request"]["timeline"]["nodes"]]
    assert kinds == ["CREATED", "ISSUED", "REFUSED", "ADMITTED", "BLOCKED"]
    page = found["timeline"]
    assert [event["kind"] for event in page["nodes"]] == ["ISSUED", "REFUSED"]
    assert page["nodes"][-1]["cursor"] == page["pageInfo"]["endCursor"]
    more = (await gatehouse.data(query, {"after": page["nodes"][-1]["cursor"]}))["issuedTicket"]["timeline"]
    assert [event["kind"] for event in more["nodes"]] == ["ADMITTED", "BLOCKED"]
    assert more["pageInfo"]["hasPreviousPage"]
    assert not more["pageInfo"]["hasNextPage"]
    common = {
        "gate": "North",
        "admission": {"code": "CASTLE"},
        "ticket": {"externalTicketNo": "T-1"},
        "request": {"token": "web"},
    }
    assert found["accessEntries"][0]["events"]["nodes"] == [
        common
        | {
            "kind": "REFUSED",
            "message": "Refused at North: Guests of that time slot are let in from 2030-05-17 14:00.",
            "at": "2030-05-17T13:00:00Z",
            "recordedAt": "2030-05-17T13:00:00Z",
            "scanned": "t-1",
            "quantity": None,
            "refusal": {
                "code": "TOO_EARLY",
                "message": "Guests of that time slot are let in from 2030-05-17 14:00.",
                "admission": {"code": "CASTLE"},
                "ticket": {"externalTicketNo": "T-1"},
            },
        },
        common
        | {
            "kind": "ADMITTED",
            "message": "1 person let in at North.",
            "at": "2030-05-17T11:00:00Z",
            "recordedAt": "2030-05-17T14:00:00Z",
            "scanned": None,
            "quantity": 1,
            "refusal": None,
        },
    ]
