"""``/export/tickets.csv``: tickets for a spreadsheet."""

import csv
import io
from typing import Any

import pytest

from db.client import Role
from resolvers import export
from resolvers.actor import Actor
from resolvers.context import Context
from resolvers.export import COLUMNS, cell
from resolvers.lists import Given
from schema.export import _PARAMETERS, MARK
from schema.ticket import IssuedTicketOrder
from tests.harness import Gatehouse
from tests.make import NOON, making
from tests.schema.test_issued_ticket_filters import CASES, stock


async def fetch(
    gatehouse: Gatehouse, query: str = "", role: str = "SUPPORT", client: str | None = None, method: str = "GET"
) -> Any:
    headers = {"Authorization": f"Bearer {await gatehouse.key(role, client)}"}
    return await gatehouse.http.request(method, f"/export/tickets.csv{query}", headers=headers)


def rows(response: Any) -> list[dict[str, str]]:
    assert response.status_code == 200, response.text
    text = response.content.decode("utf-8")
    assert text.startswith(MARK)
    return list(csv.DictReader(io.StringIO(text.removeprefix(MARK))))


async def test_a_row_tells_of_a_ticket_what_the_api_tells(gatehouse: Gatehouse) -> None:
    await one_ticket(gatehouse)
    response = await fetch(gatehouse)
    assert response.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert response.headers["content-disposition"] == 'attachment; filename="tickets.csv"'
    assert response.headers["cache-control"] == "no-store"
    (row,) = rows(response)
    assert list(row) == list(COLUMNS)
    assert {name: value for name, value in row.items() if value} == {
        "externalTicketNo": "T-1",
        "ticketNo": "00000777",
        "itemNo": "ADULT",
        "description": "The item ADULT",
        "kind": "INDIVIDUAL",
        "quantity": "1",
        "price": "10.00",
        "currency": "EUR",
        "issuedAt": "2030-05-17 12:00:00",
        "validFrom": "2030-05-17 12:00:00",
        "admissions": "CASTLE 2030-05-17 14:00",
        "firstAdmittedAt": "2030-05-17 12:00:00",
        "blockedReason": 'He said, "no"',
        "blockedAt": "2030-05-17 12:00:00",
        "printCount": "0",
        "token": "web",
        "client": "shop",
        "channel": "WEB_STORE",
        "status": "CONFIRMED",
        "paymentOption": "PREPAID",
        "externalOrderNo": "'=HYPERLINK(1)",
        "ticketHolderName": "Søren \N{SNOWMAN}",
        "email": "soren@example.org",
        "phone": "'+45 70",
    }


async def one_ticket(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        shop = await make.client("shop")
        castle = await make.admission("CASTLE", time_zone="Europe/Copenhagen")
        slot = await make.slot(castle, NOON)
        item = await make.item("ADULT", castle)
        person = {"ticket_holder_name": "Søren \N{SNOWMAN}", "email": "soren@example.org", "phone": "+45 70"}
        request = await make.request(shop, "web", external_order_no="=HYPERLINK(1)", **person)
        line = await make.line(request, item, slots={castle: slot})
        blocked: dict[str, Any] = {"blocked_at": NOON, "blocked_reason": 'He said, "no"'}
        ticket = await make.ticket(line, "T-1", ticket_no="00000777", **blocked)
        await make.visit(ticket, castle)


async def test_what_is_masked_in_the_api_is_masked_here(gatehouse: Gatehouse) -> None:
    await one_ticket(gatehouse)
    async with making(gatehouse.database) as make:
        await make.client("till", Role.POS)
    (row,) = rows(await fetch(gatehouse, role="POS", client="till"))
    assert (row["externalTicketNo"], row["token"]) == ("T-1", "web")
    assert (row["email"], row["phone"], row["ticketHolderName"]) == ("", "", "")
    assert rows(await fetch(gatehouse, "?email=soren@example.org", role="POS", client="till")) == []
    assert len(rows(await fetch(gatehouse, "?email=soren@example.org", role="WEB_STORE", client="shop"))) == 1
    assert rows(await fetch(gatehouse, role="WEB_STORE", client="another shop")) == []


async def test_pages_of_the_origins_on_the_list_may_read_it(gatehouse: Gatehouse) -> None:
    """Its name, too, which is in a header that browsers hide unless told otherwise."""
    ours, other = "https://shop.example", "https://evil.example"
    asking = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    async with gatehouse.with_settings(cors_origins=ours) as open_to_shop:
        for origin, allowed in [(ours, ours), (other, None)]:
            known = {"Authorization": f"Bearer {await gatehouse.key('SUPPORT')}", "Origin": origin}
            response = await open_to_shop.http.get("/export/tickets.csv", headers=known)
            assert response.status_code == 200
            assert response.headers.get("access-control-allow-origin") == allowed
            assert "Content-Disposition" in response.headers["access-control-expose-headers"]
            before = await open_to_shop.http.options("/export/tickets.csv", headers=asking | {"Origin": origin})
            assert (before.status_code == 200) == (allowed is not None)
            assert before.headers.get("access-control-allow-origin") == allowed
    before = await gatehouse.http.options("/export/tickets.csv", headers=asking | {"Origin": ours})
    assert before.status_code == 405


async def test_who_may_not_list_tickets_may_not_export_them(gatehouse: Gatehouse) -> None:
    response = await fetch(gatehouse, role="GATE")
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")
    response = await gatehouse.http.get("/export/tickets.csv")
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def in_url(where: dict[str, Any]) -> dict[str, str]:
    """A filter of the API as parameters."""
    said: dict[str, str] = {}
    for name, value in where.items():
        if isinstance(value, dict):
            said |= {f"{name}.{end}": moment for end, moment in value.items()}
        elif value is not None:
            said[name] = str(value).lower() if isinstance(value, bool) else value
    return said


async def test_every_filter_lets_through_what_it_does_in_the_api(gatehouse: Gatehouse) -> None:
    slots = await stock(gatehouse)
    asked = set()
    headers = {"Authorization": f"Bearer {await gatehouse.key('ADMIN')}"}
    for where, expected in CASES:
        where = where | ({"slotId": slots[where["slotId"]]} if "slotId" in where else {})
        response = await gatehouse.http.get("/export/tickets.csv", params=in_url(where), headers=headers)
        assert {row["externalTicketNo"] for row in rows(response)} == expected, where
        asked |= set(in_url(where))
    assert asked == set(_PARAMETERS)


WRONG: dict[str, str] = {
    "?isBlokced=true": "'isBlokced' is no filter; isBlocked is.",
    "?isBlocked=maybe": "isBlocked: A Boolean is true or false.",
    "?validOn=tomorrow": "validOn: A Date is a string like 2026-11-23.",
    "?issuedAt.from=2026": "issuedAt.from: A DateTime is a string like",
    "?issuedAt.from=2026-11-23T00:00:00+01:00": "issuedAt.from: In a URL the plus sign of an offset is written %2B.",
    "?issuedAt=2026-11-23T00:00:00Z": "'issuedAt' is no filter; issuedAt",
    "?token=a&token=b": "token is given twice.",
    "?token=%00": "token: A text may not contain",
    "?token=%ff": "URL-encoded UTF-8",
    "?orderBy=NEWEST": "orderBy is one of ISSUED_AT_DESC, ISSUED_AT_ASC, VALID_UNTIL_ASC.",
    "?slotId=7": "That is not an id",
    "?isBlocked=1&isRevoked=1": "isBlocked: A Boolean is true or false. isRevoked: A Boolean",
}


async def test_a_filter_that_is_wrong_is_named(gatehouse: Gatehouse) -> None:
    for query, message in WRONG.items():
        response = await fetch(gatehouse, query)
        (error,) = response.json()["errors"]
        assert (response.status_code, error["extensions"]["code"]) == (400, "BAD_USER_INPUT"), query
        assert message in error["message"], error
    assert (await fetch(gatehouse, method="POST")).status_code == 405
    head = await fetch(gatehouse, method="HEAD")
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize("order", IssuedTicketOrder)
async def test_each_ticket_is_there_once_however_many_chunks_there_are(
    gatehouse: Gatehouse, order: IssuedTicketOrder
) -> None:
    async with making(gatehouse.database) as make:
        shop = await make.client()
        line = await make.line(await make.request(shop), await make.item("ADULT", await make.admission()))
        numbers = [(await make.ticket(line)).number for _ in range(7)]
    expected = numbers[::-1] if order is IssuedTicketOrder.ISSUED_AT_DESC else numbers
    for chunk in (1, 3, 7, 8):
        context = Context(gatehouse.database, Actor(shop, "shop", Role.WEB_STORE), gatehouse.rules)
        found = [chunk async for chunk in export.tickets(context, Given(), order.value, personal=(), chunk=chunk)]
        assert [row[0] for rows_ in found for row in rows_] == expected
        assert {len(rows_) for rows_ in found[:-1]} <= {chunk}


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@sum", "\t=1", " =1", "\u200b=1", "\uff1d1", "\r=1", "\n=1", "\u202e+1"]
)
def test_what_a_spreadsheet_would_take_for_a_formula_is_made_a_text(text: str) -> None:
    assert cell(text) == f"'{text}"


def test_other_texts_stay_as_they_are() -> None:
    for text in ("WEB-1", "a=b", "Anna-Lise", "5701234000017", "", "ann@example.org"):
        assert cell(text) == text
