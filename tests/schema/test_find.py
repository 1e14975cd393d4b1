"""Find: any scrap that a guest can offer, over every field that it may be of."""

import importlib
import json
from typing import Any

import pytest
from sqlalchemy import select

from db.client import Role
from db.search_key import search_key
from db.timeline import RequestEventKind
from tests.harness import Gatehouse
from tests.make import making
from tests.park import Park

FIND = """query Find($text: String!, $first: Int) {
  find(text: $text, first: $first) {
    hits {
      matchedField matchedValue isExact
      node {
        __typename
        ... on TicketRequest { token status }
        ... on IssuedTicket { externalTicketNo isRevoked isBlocked }
        ... on Customer { customerNo }
      }
    }
    hint
  }
}"""

STEP = importlib.import_module("db.migrations.versions.0003_search_keys")
PERSONAL = {"AUTHORIZATION_CODE", "EMAIL", "PHONE", "NAME"}


async def stock(gatehouse: Gatehouse) -> None:
    """A web store's sale and a POS's, a request that was canceled and one that is held, and a customer of the store."""
    async with making(gatehouse.database) as make:
        shop, till = await make.client("shop"), await make.client("till", Role.POS)
        castle = await make.admission("CASTLE")
        item = await make.item("ADULT", castle)
        await make.customer(
            "C-1007", shop, name="Søren Østergård-Müller", email="soren@oest.example", phone="+45 1234 5678"
        )
        web = await make.request(
            shop,
            "3F2A-web",
            external_order_no="WEB-2026-000124",
            customer_no="C-1007",
            email="Anna.Berg@Example.com",
            phone="+46 (70) 174-06 05",
            ticket_holder_name="Anna-Lise Bérg",
            payment_reference="PAY-0B1",
            authorization_code="4711-0815",
            code_key="4711-0815",
        )
        line = await make.line(web, item, 2)
        await make.ticket(line, "T-100-OIL", ticket_no="00000777")
        await make.ticket(line, "T-101-XYZ", revoked_at=web.created_at, blocked_at=web.created_at)
        sold = await make.request(
            till,
            "till-sale",
            channel="POS",
            receipt_no="R-001001",
            pos_unit_no="POS-1",
            email="anna@till.example",
            ticket_holder_name="Hanna Annas",
        )
        await make.ticket(await make.line(sold, item), "T-200")
        await make.request(shop, "gone", status="CANCELED", external_order_no="WEB-2026-000125")
        held = await make.request(shop, "held", status="REGISTERED")
        await make.line(held, item, dictated_nos=["DICT-1", "DICT-2"])


async def found(
    gatehouse: Gatehouse, text: str, role: str = "SUPPORT", client: str | None = None
) -> list[tuple[str, str, bool]]:
    """(what it is, by which field, exactly) of each hit, in order."""
    result = (await gatehouse.data(FIND, {"text": text}, role=role, client=client))["find"]
    assert (result["hint"] is None) == bool(result["hits"]), text
    return [(_name(hit["node"]), hit["matchedField"], hit["isExact"]) for hit in result["hits"]]


def _name(node: dict[str, Any]) -> str:
    return str(node.get("token") or node.get("externalTicketNo") or node["customerNo"])


WEB, SOREN, OIL = "3F2A-web", "C-1007", "T-100-OIL"
CASES: dict[str, list[tuple[str, str, bool]]] = {
    " 3f2a-WEB ": [(WEB, "TOKEN", True)],
    "4711-0815": [(WEB, "AUTHORIZATION_CODE", True)],
    "web-2026-000124": [(WEB, "EXTERNAL_ORDER_NO", True)],
    "WEB 2026 000124": [(WEB, "EXTERNAL_ORDER_NO", False)],
    "2026000124": [(WEB, "EXTERNAL_ORDER_NO", False)],
    "000124": [(WEB, "EXTERNAL_ORDER_NO", False)],
    "WEB-2O26-OOOI24": [(WEB, "EXTERNAL_ORDER_NO", False)],
    "00124": [],
    "WEB-2026-0001": [("gone", "EXTERNAL_ORDER_NO", False), (WEB, "EXTERNAL_ORDER_NO", False)],
    "R-001001": [("till-sale", "RECEIPT_NO", True)],
    "r-1001": [("till-sale", "RECEIPT_NO", True)],
    "1001": [("till-sale", "RECEIPT_NO", False)],
    "t-100-oil": [(OIL, "EXTERNAL_TICKET_NO", True)],
    "T-100-01L": [(OIL, "EXTERNAL_TICKET_NO", False)],
    "T-lOl-XYZ": [("T-101-XYZ", "EXTERNAL_TICKET_NO", False)],
    "dict-2": [("held", "EXTERNAL_TICKET_NO", True)],
    "DICT-I": [("held", "EXTERNAL_TICKET_NO", False)],
    "00000777": [(OIL, "TICKET_NO", True)],
    "OOOOO777": [(OIL, "TICKET_NO", False)],
    "PAY-0B1": [(WEB, "PAYMENT_REFERENCE", True)],
    "pay-obl": [(WEB, "PAYMENT_REFERENCE", False)],
    "c-1007": [(SOREN, "CUSTOMER_NO", True), (WEB, "CUSTOMER_NO", True)],
    "anna.berg@example.com": [(WEB, "EMAIL", True)],
    "BERG@EXAMPLE": [(WEB, "EMAIL", False)],
    "@example.com": [(WEB, "EMAIL", False)],
    "xample": [],
    "0605": [(WEB, "PHONE", False)],
    "+46701740605": [(WEB, "PHONE", True)],
    "070-174 06 05": [(WEB, "PHONE", False)],
    "12345678": [(SOREN, "PHONE", False)],
    "12345679": [],
    "45 12 34 56 78": [(SOREN, "PHONE", True)],
    "605": [],
    "anna lise berg": [(WEB, "NAME", True)],
    "Lise B": [(WEB, "NAME", False)],
    "soren ostergard": [(SOREN, "NAME", False)],
    "muller": [(SOREN, "NAME", False)],
    "anna": [("till-sale", "EMAIL", False), (WEB, "EMAIL", False)],
    "nna": [],
}


async def test_each_scrap_finds_what_it_may_be_of(gatehouse: Gatehouse) -> None:
    await stock(gatehouse)
    wrong = {text: hits for text, expected in CASES.items() if (hits := await found(gatehouse, text)) != expected}
    assert wrong == {}


async def test_a_pos_searches_persons_in_its_own_sales_only(gatehouse: Gatehouse) -> None:
    """It sees the store's request, but not who made it; nor may it guess."""
    await stock(gatehouse)
    assert await found(gatehouse, "web-2026-000124", "POS", "till") == [(WEB, "EXTERNAL_ORDER_NO", True)]
    assert await found(gatehouse, "c-1007", "POS", "till") == CASES["c-1007"]
    assert await found(gatehouse, "anna", "POS", "till") == [("till-sale", "EMAIL", False)]
    for text, hits in CASES.items():
        if {field for _, field, _ in hits} <= PERSONAL and text != "anna":
            assert await found(gatehouse, text, "POS", "till") == [], text
            assert await found(gatehouse, text, "POS", "another till") == [], text


async def test_a_web_store_searches_what_is_its_own(gatehouse: Gatehouse) -> None:
    await stock(gatehouse)
    for text, hits in CASES.items():
        assert await found(gatehouse, text, "WEB_STORE", "another shop") == [], text
        own = [hit for hit in hits if hit[0] != "till-sale"]
        assert await found(gatehouse, text, "WEB_STORE", "shop") == own, text


async def test_what_is_over_is_found_as_well(gatehouse: Gatehouse) -> None:
    await stock(gatehouse)
    hits = (await gatehouse.data(FIND, {"text": "T-101-XYZ"}, role="SUPPORT"))["find"]["hits"]
    assert [(hit["node"]["isRevoked"], hit["node"]["isBlocked"]) for hit in hits] == [(True, True)]
    hits = (await gatehouse.data(FIND, {"text": "gone"}, role="SUPPORT"))["find"]["hits"]
    assert [hit["node"]["status"] for hit in hits] == ["CANCELED"]


async def test_the_value_that_matched_is_told_as_it_is_kept(gatehouse: Gatehouse) -> None:
    await stock(gatehouse)
    for text, value in (("berg@exa", "Anna.Berg@Example.com"), ("0605", "+46 (70) 174-06 05"), ("DICT-I", "DICT-1")):
        hits = (await gatehouse.data(FIND, {"text": text}, role="SUPPORT"))["find"]["hits"]
        assert [hit["matchedValue"] for hit in hits] == [value]


HOSTILE = [
    "",
    " ",
    "\t\n",
    "a",
    "%",
    "_",
    "\\",
    "'; DROP TABLE ticket_request; --",
    "%_\\%",
    "*",
    "-",
    "@",
    ".",
    "x" * 10_000,
    "9" * 10_000,
    "\ufdfa" * 320,
    "\U0001f600",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\u202eanna",
    "\u05d0\u05e0\u05d0",
    "e\u0301" * 100,
    "\u0301",
    "\U0010ffff",
    "\ud7ff",
    "\uffff\ufffe",
    "ann\u200b",
    "\u0661\u0662\u0663\u0664",
    "0000",
    "00000000",
    "+",
    "()",
]


async def test_whatever_is_typed_is_answered(gatehouse: Gatehouse) -> None:
    """And wildcards are letters like others: what is not in a value is not found."""
    await stock(gatehouse)
    for role in ("SUPPORT", "WEB_STORE"):
        for text in HOSTILE:
            hits = await found(gatehouse, text, role)
            assert hits == [] or any(c.isalnum() for c in text), text
    assert [hit[0] for hit in await found(gatehouse, "\u202eanna")] == ["till-sale", WEB]


@pytest.mark.parametrize("text", ["\\u0000", "an\\u0000na", "\\ud800", "\\udc00x"])
async def test_what_no_database_keeps_is_refused(gatehouse: Gatehouse, text: str) -> None:
    """U+0000 and halves of characters: in the document and in its variables."""
    headers = {"Authorization": f"Bearer {await gatehouse.key()}", "Content-Type": "application/json"}
    query = "query($t: String!) { find(text: $t) { hint } }"
    in_variables = f'{{"query": "{query}", "variables": {{"t": "{text}"}}}}'
    in_document = json.dumps({"query": f'{{ find(text: "{text}") {{ hint }} }}'})
    for body in (in_variables, in_document):
        response = await gatehouse.http.post("/graphql", content=body, headers=headers)
        assert {error["extensions"]["code"] for error in response.json()["errors"]} <= {
            "BAD_REQUEST",
            "GRAPHQL_VALIDATION_FAILED",
            "GRAPHQL_PARSE_FAILED",
        }


async def test_it_answers_as_many_hits_as_are_asked_for_and_the_best_of_them(gatehouse: Gatehouse) -> None:
    """Of a thousand whose name begins so, the one of that very name comes first, and of equals the newest."""
    async with making(gatehouse.database) as make:
        shop = await make.client("shop")
        await make.request(shop, "exact", ticket_holder_name="Ann")
        for number in range(60):
            await make.request(shop, f"r{number}", ticket_holder_name=f"Ann {number:02}")
        for number in range(3):
            await make.request(shop, f"twin{number}", ticket_holder_name="Bo Ek")
    for first in (1, 5, 61, 100):
        hits = (await gatehouse.data(FIND, {"text": "ann", "first": first}, role="SUPPORT"))["find"]["hits"]
        assert len(hits) == min(first, 61)
        assert (hits[0]["node"]["token"], hits[0]["isExact"]) == ("exact", True)
    assert [hit[0] for hit in await found(gatehouse, "Bo Ek")] == ["twin2", "twin1", "twin0"]
    assert len(await found(gatehouse, "ann")) == 20
    assert (await gatehouse.data(FIND, {"text": "ann", "first": 0}, role="SUPPORT"))["find"]["hits"] == []
    for first in (-1, 101):
        body = await gatehouse.ask(FIND, {"text": "ann", "first": first}, role="SUPPORT")
        assert [error["extensions"]["code"] for error in body["errors"]] == ["BAD_USER_INPUT"]


async def test_what_is_sold_changed_and_written_down_is_found_by_what_it_is_now(gatehouse: Gatehouse) -> None:
    """Through the mutations: each writes what it is found by with it, and what a guest took back leads nowhere."""
    park = Park(gatehouse)
    tour = await park.sellable()
    holder = {"name": "Zoë Quist", "email": "zoe@quist.example", "phone": "+45 70 10 20 30", "customerNo": "C-O1"}
    line = tour.line(externalTicketNos=["OIL-1"])
    token = await park.registered(line, externalOrderNo="HT-9001", holder=holder)
    for text in ("zoe q", "quist.example", "2030", "9001", "c-01", "0il-1"):
        assert [hit[0] for hit in await found(gatehouse, text)] == [token], text
    await park.change("Update", token, lines=[tour.line(externalTicketNos=["NEW-7"])])
    for text in ("OIL-1", "new-7"):
        assert [hit[0] for hit in await found(gatehouse, text)] == [token], text
    changed = {"name": "Bo Ek", "email": None, "phone": "112 9999"}
    await park.change("HolderChange", token, holder=changed)
    for text in ("zoe q", "quist.example", "2030"):
        assert await found(gatehouse, text) == [], text
    for text in ("bo", "9999", "c-01"):
        assert [hit[0] for hit in await found(gatehouse, text)] == [token], text
    await park.change("Confirm", token, paymentReference="PAY-OO1", holder={"email": "bo@ek.example"})
    assert await found(gatehouse, "ek.ex") == [(token, "EMAIL", False)]
    assert await found(gatehouse, "pay-001") == [(token, "PAYMENT_REFERENCE", False)]
    assert await found(gatehouse, "NEW-7") == [("NEW-7", "EXTERNAL_TICKET_NO", True)]
    upsert = "mutation($input: CustomerUpsertInput!) { customerUpsert(input: $input) { refusals { code } } }"
    await gatehouse.data(upsert, {"input": {"customerNo": "C-O1", "name": "Bo Ek", "email": "old@ek.example"}})
    assert ("C-O1", "NAME", True) in await found(gatehouse, "Bo Ek")
    await gatehouse.data(upsert, {"input": {"customerNo": "c-o1", "email": "new@ek.example"}})
    assert await found(gatehouse, "old@ek") == []
    assert await found(gatehouse, "new@ek") == [("C-O1", "EMAIL", False)]
    assert await keys_without_a_value(gatehouse) == []


async def keys_without_a_value(gatehouse: Gatehouse) -> list[Any]:
    """Search keys that nothing in the tables accounts for, and those that are missing."""
    async with gatehouse.database.reading() as read:
        kept = {tuple(row) for row in await read.all(select(search_key))}
    async with gatehouse.database.writing() as write:
        await write.run(search_key.delete())
    async with gatehouse.database.maintaining() as alone, alone.begin():
        await alone.run_sync(STEP.fill)
    async with gatehouse.database.reading() as read:
        made = {tuple(row) for row in await read.all(select(search_key))}
    return sorted(kept ^ made)


HINTS: dict[str, list[str]] = {
    "": ["Nothing was given"],
    "x" * 400: ["400 characters", "320"],
    "nobody@nowhere.example": ["an e-mail", "before the @"],
    "anan.berg@example.com": ["an e-mail", "e-mail Anna.Berg@Example.com"],
    "Osterhase": ["a name", "another spelling"],
    "Anna-Lise Brg": ["a name", "name Anna-Lise Bérg"],
    "WEB-2026-000224": ["a number", "order number WEB-2026-00012"],
    "T-100-OIK": ["a number", "ticket number T-100-OIL"],
    "+49 151 999 888": ["a phone number", "last 4 digits"],
    "77": ["the end of a number"],
    "?!": ["punctuation only"],
    "SHOP-5": ["The register has the sales order SHOP-5, as Paid"],
    "GHOST-1": ["It was scanned at Gate 1 at 2030-05-17 12:00 UTC"],
}


async def test_when_nothing_is_found_a_hint_says_what_to_try(gatehouse: Gatehouse) -> None:
    await stock(gatehouse)
    async with making(gatehouse.database) as make:
        shop = await make.client("shop")
        await make.sales_order(shop, external_order_no="SHOP-5", document_status="Paid")
        await make.event(RequestEventKind.REFUSED, scanned="GHOST-1", gate="Gate 1", refusal_code="TICKET_UNKNOWN")
    for text, parts in HINTS.items():
        result = (await gatehouse.data(FIND, {"text": text}, role="SUPPORT"))["find"]
        assert result["hits"] == [], text
        assert [part for part in parts if part not in result["hint"]] == [], result["hint"]


async def test_no_hint_tells_what_one_may_not_see(gatehouse: Gatehouse) -> None:
    await stock(gatehouse)
    async with making(gatehouse.database) as make:
        await make.sales_order(await make.client("shop"), external_order_no="SHOP-5", document_status="Paid")
        await make.event(RequestEventKind.REFUSED, scanned="GHOST-1", gate="Gate 1", refusal_code="TICKET_UNKNOWN")
    for role, texts in {
        "WEB_STORE": HINTS,
        "POS": {"anan.berg@example.com", "Anna-Lise Brg", "GHOST-1"},
    }.items():
        for text in texts:
            hint = (await gatehouse.data(FIND, {"text": text}, role=role, client=f"other {role}"))["find"]["hint"]
            assert not any(told in hint for told in ("Close to it", "The register has", "It was scanned")), hint
    hint = (await gatehouse.data(FIND, {"text": "Anna-Lise Brg"}, role="WEB_STORE", client="shop"))["find"]["hint"]
    assert "Anna-Lise Bérg" in hint


async def test_it_takes_the_same_few_statements_however_much_is_found(gatehouse: Gatehouse) -> None:
    await stock(gatehouse)
    counts = {}
    for text in ("anna", "c-1007", "T-200", "DICT-1", "nothing@all.example"):
        await found(gatehouse, text)
        counts[text] = len(gatehouse.statements)
    assert counts == {"anna": 3, "c-1007": 4, "T-200": 3, "DICT-1": 4, "nothing@all.example": 9}
