"""Erasing a person: nothing of them is left in any table, the skeleton is, and to ask again is harmless."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

import db
from db.client import Role
from db.engine import Database
from db.timeline import RequestEventKind
from resolvers.person import REQUESTS_AT_ONCE
from tests.harness import Gatehouse
from tests.make import NOON, making

ERASE = """
mutation Erase($input: PersonEraseInput!) {
  personErase(input: $input) {
    refusals { code path }
    customerCount requestCount salesOrderCount textCount searchKeyCount
  }
}
"""
COUNTS = ("customerCount", "requestCount", "salesOrderCount", "textCount", "searchKeyCount")
NOTHING = dict.fromkeys(COUNTS, 0)
MARKS = ("adaxlovelace", "xlovelace", "99887766", "66778899", "adanote")
"""What Ada's data is told by, as it is kept anywhere: also in keys, where a phone number stands backwards."""

NUMBER = {"customerNo": "c-ada"}
EMAIL = {"email": "ADAxLovelace@Example.org "}
ADA = {"email": "adaxlovelace@example.org", "phone": "+45 99 88 77 66"}
NAME = "Ada  Xlovelace"


async def erase(gatehouse: Gatehouse, person: dict[str, str], **more: Any) -> dict[str, Any]:
    payload = (await gatehouse.data(ERASE, {"input": {"person": person, **more}}))["personErase"]
    found: dict[str, Any] = payload
    return found


async def erased(gatehouse: Gatehouse, person: dict[str, str], **more: Any) -> dict[str, int]:
    """What was erased, nothing having been in the way."""
    found = await erase(gatehouse, person, **more)
    assert found.pop("refusals") == []
    return found


async def stock(gatehouse: Gatehouse) -> None:
    """Ada: a customer with a web order, and a guest order under her e-mail. Bob: another customer with her e-mail."""
    async with making(gatehouse.database) as make:
        shop = await make.client("shop", Role.WEB_STORE)
        castle = await make.admission("CASTLE")
        item = await make.item("ADULT", castle)
        await make.customer("C-ADA", shop, name=NAME, **ADA)
        await make.customer("C-BOB", shop, name="Bob", email=ADA["email"], phone="1234567")
        numbers = {"external_order_no": "W-1", "customer_no": "C-ADA"}
        await make.sales_order(shop, **numbers, document_status="Paid by ada xlovelace")
        await make.sales_order(shop, external_order_no="W-2", document_status="Shipped")
        holder = {**ADA, "ticket_holder_name": NAME}
        mine = await make.request(shop, "mine", payment_reference=f"PP-{ADA['email']}", **numbers, **holder)
        ticket = await make.ticket(await make.line(mine, item), "T-1", blocked_reason="Adanote", blocked_at=NOON)
        await make.event(RequestEventKind.BLOCKED, ticket=ticket, facts={"reason": "Adanote", "more": 1})
        guest = await make.request(shop, "guest", external_order_no="W-2", payment_reference="PSP-1", **holder)
        await make.ticket(await make.line(guest, item), "T-2")
        await make.request(shop, "bobs", customer_no="C-BOB", email=ADA["email"], phone="7654321")
        await make.event(RequestEventKind.REFUSED, scanned=ADA["email"], refusal_code="TICKET_UNKNOWN")
        await make.event(RequestEventKind.REFUSED, scanned="4711", refusal_code="TICKET_UNKNOWN")


async def kept(database: Database) -> str:
    """Everything that is kept, in small letters, but for how the events of erasures are called."""
    async with database.reading() as read:
        rows = [
            (table.name, *row)
            for table in db.base.metadata.sorted_tables
            for row in await read.all(select(table).order_by(*table.primary_key.columns))
        ]
    return "\n".join(map(str, rows)).lower()


async def block_at_the_gate(gatehouse: Gatehouse) -> None:
    """The gate is told why, and its answer is kept."""
    query = 'mutation { ticketAdmit(input: {scanned: "T-1", nonce: "n-1"}) { refusals { message } } }'
    found = await gatehouse.data(query, role="GATE")
    assert found["ticketAdmit"]["refusals"][0]["message"] == "The ticket is blocked: Adanote"


async def test_nothing_of_the_person_is_left_anywhere(gatehouse: Gatehouse) -> None:
    """By e-mail: both customers that have it. What is left of it all is numbers, amounts and what happened."""
    await stock(gatehouse)
    await block_at_the_gate(gatehouse)
    before = await kept(gatehouse.database)
    assert all(mark in before for mark in MARKS)
    counts = await erased(gatehouse, EMAIL)
    assert counts.pop("searchKeyCount") > 10
    assert counts == {"customerCount": 2, "requestCount": 3, "salesOrderCount": 1, "textCount": 4}
    after = await kept(gatehouse.database)
    assert [mark for mark in MARKS if mark in after] == []
    for skeleton in ("c-ada", "w-1", "t-1", "psp-1", "blocked", "1234-5678", "4711", "shipped", "'more': 1"):
        assert skeleton in after, skeleton


async def test_nobody_is_found_by_it_any_more(gatehouse: Gatehouse) -> None:
    await stock(gatehouse)
    query = "query ($text: String!) { find(text: $text) { hits { matchedField } } }"
    scraps = ("ada", "xlovelace", "adaxlovelace@example.org", "7766", "C-ADA", "W-1", "T-1")
    before = {text: len((await gatehouse.data(query, {"text": text}))["find"]["hits"]) for text in scraps}
    assert min(before.values()) > 0, before
    await erased(gatehouse, EMAIL)
    after = {text: len((await gatehouse.data(query, {"text": text}))["find"]["hits"]) for text in scraps}
    numbers = {text: count for text, count in after.items() if count}
    assert numbers.keys() == {"C-ADA", "W-1", "T-1"}
    where = {"email": ADA["email"]}
    found = await gatehouse.data(
        "query ($where: TicketRequestWhere) { ticketRequests(where: $where) { totalCount } }", {"where": where}
    )
    assert found["ticketRequests"]["totalCount"] == 0


async def test_by_number_another_customer_with_the_e_mail_stays(gatehouse: Gatehouse) -> None:
    await stock(gatehouse)
    counts = await erased(gatehouse, NUMBER)
    assert (counts["customerCount"], counts["requestCount"]) == (1, 2)
    query = '{ customer(by: {customerNo: "C-BOB"}) { name email } guest: ticketRequest(by: {token: "guest"}) '
    query += '{ references { email } } bobs: ticketRequests(where: {token: "bobs", phone: "7654321"}) { totalCount } }'
    found = await gatehouse.data(query)
    assert found["customer"] == {"name": "Bob", "email": ADA["email"]}
    assert found["bobs"] == {"totalCount": 1}


async def test_again_there_is_nothing_left_and_nothing_is_recorded(gatehouse: Gatehouse) -> None:
    await stock(gatehouse)
    await erased(gatehouse, NUMBER)
    await erased(gatehouse, EMAIL)
    left = await kept(gatehouse.database)
    for person in (NUMBER, EMAIL):
        assert await erased(gatehouse, person) == NOTHING
    assert await kept(gatehouse.database) == left


@pytest.mark.parametrize("person", [NUMBER, EMAIL], ids=["number", "email"])
async def test_a_dry_run_answers_the_same_and_erases_nothing(gatehouse: Gatehouse, person: dict[str, str]) -> None:
    await stock(gatehouse)
    await gatehouse.key()
    before = await kept(gatehouse.database)
    would = await erased(gatehouse, person, dryRun=True)
    assert await kept(gatehouse.database) == before
    assert await erased(gatehouse, person) == would


async def test_the_timeline_tells_that_and_by_whom_and_nothing_else(gatehouse: Gatehouse) -> None:
    await stock(gatehouse)
    await erased(gatehouse, NUMBER)
    query = "{ requestEvents(where: {kinds: [ERASED]}) { nodes { "
    query += "actor message request { token } customer { customerNo name } } } }"
    said = {"actor": "the ADMIN of the house", "message": "Personal data was erased."}
    assert await gatehouse.listed(query, 3) == [
        {**said, "request": {"token": "mine"}, "customer": None},
        {**said, "request": {"token": "guest"}, "customer": None},
        {**said, "request": None, "customer": {"customerNo": "C-ADA", "name": None}},
    ]
    told = await gatehouse.listed(query, 2, role="POS", client="till")
    assert [event["request"]["token"] for event in told] == ["mine", "guest"]


async def test_what_is_told_later_is_kept_again(gatehouse: Gatehouse) -> None:
    await stock(gatehouse)
    await erased(gatehouse, NUMBER)
    again = 'mutation { customerUpsert(input: {customerNo: "C-ADA", name: "Ada Again"}) { customer { name email } } }'
    assert (await gatehouse.data(again))["customerUpsert"]["customer"] == {"name": "Ada Again", "email": None}
    assert (await erased(gatehouse, NUMBER))["customerCount"] == 1


REFUSED: list[tuple[dict[str, str], str, list[str]]] = [
    ({"customerNo": " "}, "INVALID_INPUT", ["person", "customerNo"]),
    ({"email": ""}, "INVALID_INPUT", ["person", "email"]),
    ({"email": "a\u0007@b"}, "INVALID_INPUT", ["person", "email"]),
    ({"customerNo": "9" * 101}, "INVALID_INPUT", ["person", "customerNo"]),
    ({"customerNo": "nobody's"}, "NOT_FOUND", ["person", "customerNo"]),
]


async def test_what_names_nobody_is_refused_and_erases_nothing(gatehouse: Gatehouse) -> None:
    await stock(gatehouse)
    await gatehouse.key()
    before = await kept(gatehouse.database)
    for person, code, path in REFUSED:
        found = await erase(gatehouse, person)
        assert found["refusals"] == [{"code": code, "path": path}], person
        assert {name: found[name] for name in COUNTS} == NOTHING
    for hostile in ("%", "_", "'; DROP TABLE customer; --", "\\", "@", "*"):
        assert await erased(gatehouse, {"email": hostile}) == NOTHING
    assert await kept(gatehouse.database) == before
    both = await gatehouse.ask(ERASE, {"input": {"person": {**NUMBER, **EMAIL}}})
    assert [error["extensions"]["code"] for error in both["errors"]] == ["BAD_USER_INPUT"]
    for role in ("SUPPORT", "POS", "WEB_STORE", "GATE"):
        answer = await gatehouse.ask(ERASE, {"input": {"person": NUMBER}}, role=role)
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]


async def test_more_requests_than_one_transaction_takes_are_erased(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        shop = await make.client("shop", Role.WEB_STORE)
        for number in range(REQUESTS_AT_ONCE + 1):
            await make.request(shop, f"token {number}", email=ADA["email"])
    assert (await erased(gatehouse, EMAIL))["requestCount"] == REQUESTS_AT_ONCE + 1
    assert "adaxlovelace" not in await kept(gatehouse.database)


async def test_a_holder_who_is_changed_meanwhile_leaves_no_key_behind(gatehouse: Gatehouse) -> None:
    """Whoever comes second finds what the first left: no key of an e-mail that is gone, and none is missing."""
    await stock(gatehouse)
    for caller in ("ADMIN", "SUPPORT"):
        await gatehouse.key(caller)
    change = "mutation ($input: TicketRequestHolderChangeInput!) { ticketRequestHolderChange(input: $input) "
    change += "{ refusals { code } } }"
    for turn in range(5):
        holder = {"email": ADA["email"] if turn % 2 else f"ada{turn}@other.org", "phone": f"998877{turn}"}
        given = {"input": {"token": "guest", "holder": holder}}
        upsert = "mutation ($input: CustomerUpsertInput!) { customerUpsert(input: $input) { refusals { code } } }"
        customer = {"input": {"customerNo": "C-ADA", "name": f"Ada {turn}"}}
        await asyncio.gather(
            gatehouse.data(change, given, role="SUPPORT"),
            erased(gatehouse, EMAIL),
            gatehouse.data(upsert, customer, role="SUPPORT"),
            erased(gatehouse, NUMBER),
        )
        assert await keys_amiss(gatehouse.database) == set()


async def keys_amiss(database: Database) -> set[Any]:
    """Keys that nobody's values have, and values without their keys."""
    search_key = db.search_key
    tables = (
        (db.ticket_request.ticket_request, search_key.OF_REQUEST, "client_id"),
        (db.customer.customer, search_key.OF_CUSTOMER, "first_client_id"),
    )
    async with database.reading() as read:
        wanted = set()
        for table, columns, owner in tables:
            for values in await read.all(select(table)):
                row = dict(zip(table.c.keys(), values, strict=True))
                wanted |= set(search_key.rows(columns, row["id"], row[owner], row))
        kinds = [kind.value for _, columns, _ in tables for kind in columns.values()]
        found = select(search_key.search_key).where(search_key.search_key.c.kind.in_(kinds))
        kept = {search_key.SearchKeyRow(*row) for row in await read.all(found)}
    return wanted ^ kept
