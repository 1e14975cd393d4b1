"""The demo data hangs together, and support finds in it what the README says."""

import shutil
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

import db
from db.client import Role
from db.engine import Database, Read
from resolvers import demo
from resolvers.actor import Actor, Keyring, create_key
from resolvers.admittance.explain import explain
from resolvers.context import Context, Rules
from resolvers.demo.books import TABLES
from resolvers.demo.world import PARK
from resolvers.diagnosis import diagnose
from tests import links
from tests.conftest import sqlite_url

REQUESTS = 300
RULES = Rules()


def nobody_watches(_done: int, _total: int) -> None:
    """No progress is shown."""


@pytest.fixture
async def castle(database: Database) -> AsyncIterator[Read]:
    """A reader of a database with demo data."""
    await demo.load(database, RULES, requests=REQUESTS, progress=nobody_watches)
    async with database.reading() as read:
        yield read


async def rows(read: Read, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await read.all(text(statement), parameters)]


HOLDS_TOGETHER = {
    "sold places are those of the sold reservations": """
        SELECT s.id FROM time_slot s WHERE s.sold_places <> (SELECT coalesce(sum(places), 0) FROM reservation r
            WHERE r.slot_id = s.id AND r.kind = 'SOLD' AND r.until IS NULL)""",
    "no slot is oversold, its holds included": """
        SELECT s.id FROM time_slot s
        JOIN admission a ON a.id = s.admission_id JOIN schedule_line l ON l.id = s.line_id
        JOIN schedule c ON c.id = l.schedule_id
        WHERE s.sold_places + (SELECT coalesce(sum(places), 0) FROM reservation r
            WHERE r.slot_id = s.id AND r.kind = 'HELD' AND r.until > :now)
        > CASE a.capacity_limits_by WHEN 'ADMISSION' THEN a.max_capacity WHEN 'SCHEDULE' THEN c.max_capacity
            ELSE coalesce(s.max_capacity, l.max_capacity) END""",
    "every ticket has its number": """
        SELECT t.id FROM issued_ticket t LEFT JOIN ticket_number n ON n.ticket_id = t.id
        WHERE n.key IS NULL OR n.key <> t.number_key OR n.request_id <> t.request_id""",
    "a live web order owns its number": """
        SELECT r.id FROM ticket_request r LEFT JOIN order_key o ON o.client_id = r.client_id AND o.key = r.order_key
        WHERE r.order_key IS NOT NULL AND (r.status = 'CONFIRMED' OR r.status = 'REGISTERED' AND r.expires_at > :now)
        AND (o.request_id IS NULL OR o.request_id <> r.id)""",
    "every line has one primary entry": """
        SELECT l.id FROM request_line l
        WHERE (SELECT count(*) FROM request_entry e WHERE e.line_id = l.id AND e.is_primary) <> 1""",
    "every line has an entry for each admission of its item": """
        SELECT l.id FROM request_line l
        WHERE (SELECT count(*) FROM request_entry e JOIN content_line c ON c.id = e.content_line_id
            WHERE e.line_id = l.id AND c.item_id = l.item_id AND c.admission_id = e.admission_id)
        <> (SELECT count(*) FROM content_line c WHERE c.item_id = l.item_id)""",
    "an entry is for all tickets of its line or for none": """
        SELECT e.id FROM request_entry e JOIN request_line l ON l.id = e.line_id
        WHERE e.quantity <> CASE e.inclusion WHEN 'NOT_SELECTED' THEN 0 ELSE l.quantity END
        OR e.inclusion = 'NOT_SELECTED' AND e.slot_id IS NOT NULL""",
    "an included entry of a counted admission has its slot": """
        SELECT e.id FROM request_entry e JOIN admission a ON a.id = e.admission_id
        WHERE e.quantity > 0 AND a.capacity_control <> 'NONE' AND e.slot_id IS NULL""",
    "an entry's slot is one of its admission": """
        SELECT e.id FROM request_entry e JOIN time_slot s ON s.id = e.slot_id WHERE s.admission_id <> e.admission_id""",
    "every entry with a slot has its reservation, and no other entry has one": """
        SELECT e.id FROM request_entry e LEFT JOIN reservation r ON r.entry_id = e.id
        WHERE (e.slot_id IS NULL) <> (r.id IS NULL) OR r.slot_id <> e.slot_id OR r.request_id <> e.request_id""",
    "reservations are held until they are sold": """
        SELECT r.id FROM reservation r JOIN ticket_request q ON q.id = r.request_id
        WHERE (r.kind = 'SOLD') <> EXISTS (SELECT 1 FROM issued_ticket t WHERE t.request_id = q.id)
        OR r.kind = 'HELD' AND q.expires_at IS NOT NULL AND r.until <> q.expires_at
        OR r.kind = 'HELD' AND q.status = 'CANCELED' AND r.until <> q.status_changed_at
        OR r.kind = 'SOLD' AND (r.until IS NULL) <> EXISTS
            (SELECT 1 FROM issued_ticket t JOIN request_entry e ON e.id = r.entry_id
             WHERE t.line_id = e.line_id AND t.revoked_at IS NULL)""",
    "reserved are the places of those who may come": """
        SELECT r.id FROM reservation r JOIN request_entry e ON e.id = r.entry_id
        JOIN content_line c ON c.id = e.content_line_id
        WHERE r.until IS NULL AND r.places <> c.quantity * (SELECT sum(t.quantity) FROM issued_ticket t
            WHERE t.line_id = e.line_id AND t.revoked_at IS NULL)
        OR r.until IS NOT NULL AND r.places <> c.quantity * e.quantity""",
    "a confirmed line has tickets for all its people": """
        SELECT l.id FROM request_line l JOIN ticket_request q ON q.id = l.request_id
        WHERE coalesce((SELECT sum(t.quantity) FROM issued_ticket t WHERE t.line_id = l.id), 0) <> CASE
            WHEN EXISTS (SELECT 1 FROM request_event e WHERE e.request_id = q.id AND e.kind = 'CONFIRMED')
            THEN l.quantity ELSE 0 END""",
    "a ticket admits to what its line includes": """
        SELECT t.id FROM issued_ticket t
        WHERE (SELECT count(*) FROM access_entry a JOIN request_entry e ON e.id = a.entry_id
            WHERE a.ticket_id = t.id AND e.line_id = t.line_id AND e.quantity > 0
            AND e.admission_id = a.admission_id AND e.content_line_id = a.content_line_id
            AND (e.slot_id = a.slot_id OR e.slot_id IS NULL AND a.slot_id IS NULL))
        <> (SELECT count(*) FROM request_entry e WHERE e.line_id = t.line_id AND e.quantity > 0)""",
    "an access entry takes the places of its people": """
        SELECT a.id FROM access_entry a JOIN issued_ticket t ON t.id = a.ticket_id
        JOIN content_line c ON c.id = a.content_line_id WHERE a.quantity <> t.quantity * c.quantity""",
    "the total is the sum of the lines": """
        SELECT q.id FROM ticket_request q WHERE q.total_minor
        <> (SELECT sum(quantity * unit_price_minor) FROM request_line l WHERE l.request_id = q.id)""",
    "tickets cost what their line costs": """
        SELECT l.id FROM request_line l WHERE quantity * unit_price_minor
        <> (SELECT sum(price_minor) FROM issued_ticket t WHERE t.line_id = l.id)""",
    "a sales order's total is its request's": """
        SELECT s.id FROM sales_order s JOIN order_key o ON o.client_id = s.client_id AND o.key = s.order_key
        JOIN ticket_request q ON q.id = o.request_id WHERE q.total_minor <> s.total_minor""",
    "only what is held or was held expires": """
        SELECT id FROM ticket_request WHERE (status IN ('REGISTERED', 'EXPIRED')) <> (expires_at IS NOT NULL)
        OR status = 'EXPIRED' AND (expires_at > :now OR status_changed_at <> expires_at)""",
    "what is not confirmed is not paid": """
        SELECT q.id FROM ticket_request q WHERE payment_option <> 'UNPAID'
        AND NOT EXISTS (SELECT 1 FROM issued_ticket t WHERE t.request_id = q.id)""",
    "an invoice has its customer number": """
        SELECT id FROM ticket_request WHERE payment_option = 'POSTPAID' AND customer_no IS NULL""",
    "a confirmed request is canceled with its last ticket": """
        SELECT q.id FROM ticket_request q JOIN issued_ticket t ON t.request_id = q.id
        GROUP BY q.id, q.status HAVING (q.status = 'CANCELED') <> (count(t.revoked_at) = count(*))""",
    "visits add up to what the access entries say": """
        SELECT a.id FROM access_entry a LEFT JOIN visit v ON v.access_entry_id = a.id
        GROUP BY a.id, a.admitted_count, a.inside_count, a.first_admitted_at
        HAVING coalesce(sum(v.admitted), 0) <> a.admitted_count OR coalesce(sum(v.inside), 0) <> a.inside_count
        OR (min(v.first_at) IS NULL) <> (a.first_admitted_at IS NULL) OR min(v.first_at) <> a.first_admitted_at""",
    "the timeline tells of every arrival": """
        SELECT a.id FROM access_entry a
        WHERE a.admitted_count <> (SELECT coalesce(sum(quantity), 0) FROM request_event e
            WHERE e.access_entry_id = a.id AND e.kind = 'ADMITTED')
        OR a.admitted_count - a.inside_count <> (SELECT coalesce(sum(quantity), 0) FROM request_event e
            WHERE e.access_entry_id = a.id AND e.kind = 'DEPARTED')""",
    "a single entry is used once, by no more than its people": """
        SELECT a.id FROM access_entry a JOIN content_line c ON c.id = a.content_line_id
        JOIN issued_ticket t ON t.id = a.ticket_id
        WHERE c.entry_validation = 'SINGLE' AND a.admitted_count > t.quantity""",
    "guests come in the arrival window of their slot": """
        SELECT v.id FROM visit v JOIN time_slot s ON s.id = v.slot_id
        WHERE v.first_at < s.arrival_from OR v.last_at > s.arrival_until""",
    "guests come while their ticket is valid, paid for and not blocked": """
        SELECT v.id FROM visit v JOIN access_entry a ON a.id = v.access_entry_id
        JOIN issued_ticket t ON t.id = a.ticket_id JOIN ticket_request q ON q.id = t.request_id
        WHERE v.first_at < t.valid_from OR v.first_at < t.issued_at OR v.last_at > t.valid_until
        OR v.last_at > t.blocked_at OR v.last_at > t.revoked_at OR v.last_at > a.blocked_at
        OR q.payment_option = 'UNPAID'
        OR v.first_at < (SELECT at FROM request_event e WHERE e.request_id = q.id AND e.kind = 'PAID')""",
    "nothing has happened in the future": """
        SELECT id FROM request_event WHERE at > :now OR recorded_at > :now
        UNION ALL SELECT id FROM issued_ticket WHERE issued_at > :now OR printed_at > :now OR blocked_at > :now
        UNION ALL SELECT id FROM ticket_request WHERE created_at > :now OR status_changed_at > :now
        UNION ALL SELECT id FROM visit WHERE last_at > :now""",
    "events are recorded in the order of time": """
        SELECT e.id FROM request_event e JOIN request_event before ON before.id = e.id - 1 WHERE before.at > e.at""",
    "a request's first event is its creation": """
        SELECT q.id FROM ticket_request q JOIN request_event e ON e.request_id = q.id
        WHERE e.id = (SELECT min(id) FROM request_event f WHERE f.request_id = q.id)
        AND (e.kind <> 'CREATED' OR e.at <> q.created_at)""",
    "requests are numbered in the order of time": """
        SELECT q.id FROM ticket_request q JOIN ticket_request before ON before.id = q.id - 1
        WHERE before.created_at > q.created_at""",
    "the timeline tells how each request came to its state": """
        SELECT q.id FROM ticket_request q WHERE q.status <> 'REGISTERED' AND 1 <> (SELECT count(*) FROM request_event e
            WHERE e.request_id = q.id AND e.kind = q.status AND e.at = q.status_changed_at)""",
    "the timeline tells what became of each ticket": """
        SELECT t.id FROM issued_ticket t LEFT JOIN request_event e ON e.ticket_id = t.id AND e.access_entry_id IS NULL
        GROUP BY t.id, t.blocked_at, t.revoked_at, t.printed_at
        HAVING sum(CASE e.kind WHEN 'ISSUED' THEN 1 ELSE 0 END) <> 1
        OR sum(CASE e.kind WHEN 'BLOCKED' THEN 1 ELSE 0 END) <> count(t.blocked_at) / count(*)
        OR sum(CASE e.kind WHEN 'REVOKED' THEN 1 ELSE 0 END) <> count(t.revoked_at) / count(*)
        OR sum(CASE e.kind WHEN 'PRINTED' THEN 1 ELSE 0 END) <> count(t.printed_at) / count(*)""",
    "what was given back tells of its refund": """
        SELECT id FROM request_event WHERE kind = 'REVOKED' AND (CAST(facts AS text) NOT LIKE '%"refund_minor"%'
        OR CAST(facts AS text) NOT LIKE '%"unused"%')""",
    "the system alone has no client": """
        SELECT e.id FROM request_event e LEFT JOIN client c ON c.id = e.client_id
        WHERE e.actor <> coalesce(c.name, 'system')""",
    "personal data keep to names that nobody owns": """
        SELECT id FROM ticket_request WHERE email NOT LIKE '%.example' AND email NOT LIKE '%@example._%'""",
}
"""What must hold -> the statement that finds rows for which it does not."""


async def test_what_was_loaded_holds_together(castle: Read, database: Database) -> None:
    now = database.now()
    now_text = now.replace(tzinfo=None).isoformat(" ", "microseconds") if castle.dialect == "sqlite" else now
    wrong = {}
    for sentence, statement in {**HOLDS_TOGETHER, **links.BROKEN}.items():
        parameters = {"now": now_text} if ":now" in statement else {}
        if found := await rows(castle, statement, **parameters):
            wrong[sentence] = found[:3]
    assert not wrong


@pytest.mark.parametrize("name", links.LINKS)
async def test_what_no_foreign_key_says_is_looked_at(castle: Read, database: Database, name: str) -> None:
    """A control: one row that leads nowhere, or says another thing than what it repeats, is listed."""
    column, wrong, such = links.LINKS[name]
    before = await rows(castle, wrong)
    key, table = "id" if "id" in column.table.c else column.name, column.table.name
    last = f"{such} AND {key} = (SELECT max({key}) FROM {table} WHERE {such})"
    async with database.writing() as write:
        assert await write.run_text(f"UPDATE {table} SET {column.name} = 4711999 WHERE {last}") > 0
    assert before == [] != await rows(castle, wrong)


async def test_every_state_a_request_can_be_in_is_there(castle: Read, database: Database) -> None:
    async def exist(statement: str) -> bool:
        return bool(await rows(castle, f"SELECT 1 FROM {statement} LIMIT 1"))

    for status in ("REGISTERED", "EXPIRED", "CONFIRMED", "CANCELED"):
        assert await exist(f"ticket_request WHERE status = '{status}'"), status
    for payment in ("DIRECT", "PREPAID", "POSTPAID", "UNPAID"):
        assert await exist(f"ticket_request WHERE status = 'CONFIRMED' AND payment_option = '{payment}'"), payment
    for kind in (
        "CREATED",
        "EXTENDED",
        "CONFIRMED",
        "PAID",
        "EXPIRED",
        "CANCELED",
        "ISSUED",
        "PRINTED",
        "ADMITTED",
        "DEPARTED",
        "REFUSED",
        "BLOCKED",
        "REVOKED",
        "SLOT_CHANGED",
    ):
        assert await exist(f"request_event WHERE kind = '{kind}'"), kind
    for column in ("customer_no", "external_order_no", "receipt_no", "email"):
        assert await exist(f"ticket_request WHERE {column} IS NULL"), column
        assert await exist(f"ticket_request WHERE {column} IS NOT NULL"), column
    assert await exist("ticket_request q WHERE customer_key NOT IN (SELECT customer_key FROM customer)")


async def test_the_castle_is_open_and_visited_today(castle: Read, database: Database) -> None:
    """Whatever the hour: there is a slot to buy, somebody came in the last day, and somebody is about to buy."""
    now = database.now()
    castle_id = (await db.admission.by_keys(castle, ["castle"]))["castle"].id
    today = now.astimezone(ZoneInfo("Europe/Copenhagen")).date()
    slots = (await db.time_slot.upcoming(castle, [castle_id], now, on=today))[castle_id]
    assert any(slot.ends_at > now for slot in slots)
    held = await db.reservation.held_places(
        castle, [row[0] for row in await rows(castle, "SELECT id FROM time_slot")], now
    )
    assert held
    arrivals = await castle.value(
        db.visit.visit.select().order_by(db.visit.visit.c.last_at.desc()).with_only_columns(db.visit.visit.c.last_at)
    )
    assert arrivals > now - timedelta(days=1)


CASE = """
    SELECT q.token, q.status, q.payment_option, q.email, q.customer_no FROM ticket_request q
    WHERE q.external_order_no = :number OR q.receipt_no = :number ORDER BY q.id
"""


async def test_every_broken_case_is_found_by_its_number(castle: Read) -> None:
    for name, case in demo.BROKEN_CASES.items():
        found = await rows(castle, CASE, number=case.number)
        assert len(found) == (2 if name == "ordered twice" else 1), name


async def case(read: Read, name: str) -> list[tuple[Any, ...]]:
    return await rows(read, CASE, number=demo.BROKEN_CASES[name].number)


async def refusals(read: Read, name: str) -> list[str]:
    statement = """
        SELECT e.refusal_code FROM request_event e JOIN ticket_request q ON q.id = e.request_id
        WHERE e.kind = 'REFUSED' AND (q.external_order_no = :number OR q.receipt_no = :number)
    """
    return [row[0] for row in await rows(read, statement, number=demo.BROKEN_CASES[name].number)]


async def slots(read: Read, name: str) -> list[db.time_slot.TimeSlotRow]:
    statement = """
        SELECT e.slot_id FROM request_entry e JOIN ticket_request q ON q.id = e.request_id
        WHERE e.slot_id IS NOT NULL AND q.external_order_no = :number
    """
    ids = [row[0] for row in await rows(read, statement, number=demo.BROKEN_CASES[name].number)]
    return list((await db.time_slot.by_ids(read, ids)).values())


async def tickets(read: Read, name: str) -> list[tuple[Any, ...]]:
    statement = """
        SELECT t.external_ticket_no, t.blocked_at, t.revoked_at, t.quantity, a.admitted_count FROM issued_ticket t
        JOIN access_entry a ON a.ticket_id = t.id JOIN ticket_request q ON q.id = t.request_id
        WHERE q.external_order_no = :number OR q.receipt_no = :number ORDER BY t.id
    """
    return await rows(read, statement, number=demo.BROKEN_CASES[name].number)


async def test_support_finds_what_the_cases_promise(castle: Read, database: Database) -> None:
    """Each case is broken in the way its entry in BROKEN_CASES says."""
    now = database.now()
    token, status, payment, _, _ = (await case(castle, "expired hold"))[0]
    assert (token, status, payment) == ("broken-01", "EXPIRED", "UNPAID")
    assert await rows(castle, "SELECT document_status FROM sales_order WHERE order_key = 'web-broken-01'") == [
        ("Paid",)
    ]

    assert (await case(castle, "unpaid"))[0][1:3] == ("CONFIRMED", "UNPAID")
    assert await refusals(castle, "unpaid") == ["UNPAID"]

    assert all(slot.arrival_until < now for slot in await slots(castle, "yesterday"))
    assert await refusals(castle, "yesterday") == ["TOO_LATE"]

    assert all(slot.arrival_from > now for slot in await slots(castle, "wrong slot"))
    assert await refusals(castle, "wrong slot") == ["TOO_EARLY"]

    assert [row[4] for row in await tickets(castle, "already used")] == [1]
    assert await refusals(castle, "already used") == ["ENTRIES_USED_UP"]

    assert [bool(row[2]) for row in await tickets(castle, "revoked")] == [True, False]
    assert (await case(castle, "revoked"))[0][1] == "CONFIRMED"

    assert (await tickets(castle, "blocked"))[0][0] == "BROKEN-07-1"
    assert (await tickets(castle, "blocked"))[0][1] is not None

    left_out = """
        SELECT a.code FROM request_entry e JOIN admission a ON a.id = e.admission_id
        JOIN ticket_request q ON q.id = e.request_id
        WHERE q.external_order_no = 'WEB-BROKEN-08' AND e.inclusion = 'NOT_SELECTED'
    """
    assert await rows(castle, left_out) == [("PARK",)]

    assert [slot.state for slot in await slots(castle, "slot canceled")] == ["CANCELED"]

    customer_no = (await case(castle, "unknown customer"))[0][4]
    assert customer_no
    assert not await db.customer.by_keys(castle, [customer_no.lower()])

    assert [row[1] for row in await case(castle, "ordered twice")] == ["EXPIRED", "CONFIRMED"]

    assert [row[3:] for row in await tickets(castle, "group partly used")] == [(20, 12)]

    statement = "SELECT valid_until_date FROM issued_ticket WHERE external_ticket_no = 'BROKEN-13-1'"
    assert str((await rows(castle, statement))[0][0]) < str(now.date())

    assert (await case(castle, "mistyped e-mail"))[0][3] == "krisitne.lund@example.com"


async def test_the_gate_says_of_the_cases_what_support_finds(castle: Read, database: Database) -> None:
    """The rules themselves, asked now: the tickets of the cases, and the token of the one that has none."""
    context = Context(database, Actor(0, "Help desk", Role.SUPPORT), RULES)
    expected = {
        "broken-01": "HOLD_EXPIRED",
        "BROKEN-02-1": "UNPAID",
        "BROKEN-03-1": "TOO_LATE",
        "BROKEN-04-1": "TOO_EARLY",
        "BROKEN-05-1": "ENTRIES_USED_UP",
        "BROKEN-06-1": "TICKET_REVOKED",
        "BROKEN-06-2": None,
        "BROKEN-07-1": "TICKET_BLOCKED",
        "BROKEN-08-1": None,
        "BROKEN-09-1": "SLOT_CANCELED",
        "BROKEN-12-1": None,
        "BROKEN-13-1": "NO_LONGER_VALID",
    }
    said = {}
    for scanned in expected:
        explained = await explain(context, scanned, None, None, None)
        refusals = [check.refusal for check in explained.checks if check.refusal]
        said[scanned] = refusals[0].code.value if refusals else None
    assert said == expected
    in_the_park = await explain(context, "BROKEN-08-1", PARK.code, None, None)
    assert [check.refusal.code.value for check in in_the_park.checks if check.refusal] == ["NOT_ON_TICKET"]
    of_requests = {
        "expired hold": "HOLD_EXPIRED",
        "unpaid": "UNPAID",
        "yesterday": "TOO_LATE",
        "wrong slot": "TOO_EARLY",
        "already used": "ENTRIES_USED_UP",
        "revoked": "TICKET_REVOKED",
        "blocked": "TICKET_BLOCKED",
        "not bought": "NOT_ON_TICKET",
        "slot canceled": "SLOT_CANCELED",
        "ordered twice": "DUPLICATE_ORDER",
        "group partly used": "ENTRIES_USED_UP",
        "not valid any more": "NO_LONGER_VALID",
    }
    for name, code in of_requests.items():
        statement = "SELECT id FROM ticket_request WHERE external_order_no = :number OR receipt_no = :number"
        ids = [row[0] for row in await rows(castle, statement, number=demo.BROKEN_CASES[name].number)]
        findings = await diagnose(context, castle, ids, None)
        assert code in {finding.code.value for found in findings.values() for finding in found}, name


async def test_the_examples_of_the_pages_are_there(castle: Read) -> None:
    """What the ready-made questions of GraphiQL ask for until somebody types another number."""
    for condition in (
        "external_order_no = 'WEB-10042'",
        "receipt_no = 'R-000317' AND pos_unit_no = 'POS-1'",
        "email = 'anna.berg@example.com'",
    ):
        assert await rows(castle, f"SELECT 1 FROM ticket_request WHERE {condition}"), condition
    assert await rows(castle, "SELECT 1 FROM issued_ticket WHERE external_ticket_no = '000118-7KQ2MX'")


async def test_one_key_of_each_role_is_answered(database: Database) -> None:
    keys = await demo.load(database, RULES, requests=1, progress=nobody_watches)
    keyring = Keyring(database)
    actors = {role: await keyring.actor(key) for role, key in keys.items()}
    assert {role: actor and actor.client for role, actor in actors.items()} == {
        "ADMIN": "Demo admin",
        "SUPPORT": "Castle support",
        "POS": "Castle POS",
        "WEB_STORE": "castle-shop.example",
        "GATE": "Main gate",
    }
    assert all(actor and actor.role == role for role, actor in actors.items())


async def test_demo_data_go_into_an_empty_database_only(database: Database) -> None:
    await demo.load(database, RULES, requests=1, progress=nobody_watches)
    async with database.reading() as read:
        before = await everything(read)
    with pytest.raises(ValueError, match="There is data already"):
        await demo.load(database, RULES, requests=1, progress=nobody_watches)
    async with database.reading() as read:
        assert await everything(read) == before


async def everything(read: Read) -> dict[str, int]:
    """How many rows are in each table."""
    return {
        table.name: (await rows(read, f"SELECT count(*) FROM {table.name}"))[0][0]
        for table in db.base.metadata.sorted_tables
    }


async def test_clients_and_keys_may_be_there(database: Database) -> None:
    async with database.writing() as write:
        await create_key(write, "Main gate", Role.GATE, await write.clock())
    keys = await demo.load(database, RULES, requests=1, progress=nobody_watches)
    assert "GATE" in keys


async def test_a_load_that_fails_leaves_nothing(database: Database) -> None:
    """A client of that name has another role: the last step fails, and all before it is undone."""
    async with database.writing() as write:
        await create_key(write, "Main gate", Role.POS, await write.clock())
    async with database.reading() as read:
        before = await everything(read)
    with pytest.raises(ValueError, match="Main gate"):
        await demo.load(database, RULES, requests=1, progress=nobody_watches)
    async with database.reading() as read:
        assert await everything(read) == before


async def test_progress_is_told_and_the_end_when_it_is_committed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "CHUNK", 100)
    told: list[tuple[int, int]] = []
    await demo.load(database, RULES, requests=201, progress=lambda done, of: told.append((done, of)))
    assert told == [(100, 201), (200, 201), (201, 201)]


async def test_ids_go_on_behind_the_demo(database: Database) -> None:
    """Everybody who writes afterwards gets ids of their own."""
    await demo.load(database, RULES, requests=REQUESTS, progress=nobody_watches)
    async with database.writing() as write:
        at = await write.clock()
        client = await db.client.add(write, "After the demo", Role.WEB_STORE, at)
        await db.customer.upsert(write, "NEW-1", {"name": "Nora New"}, client.id, at)
        for table in TABLES:
            if "id" in table.c:
                last = (await rows(write, f"SELECT max(id) FROM {table.name}"))[0][0]
                assert (await write.next_ids(table, 1))[0] > last
        event = db.timeline.Event(kind=db.timeline.RequestEventKind.VIEWED, at=at, actor="x", client_id=client.id)
        await db.timeline.record(write, [event], at)
        kinds = await rows(write, "SELECT kind FROM request_event ORDER BY id DESC LIMIT 1")
        assert kinds == [("VIEWED",)]


SOLD = """
    SELECT q.token, q.email, q.receipt_no, l.item_id, l.quantity
    FROM ticket_request q JOIN request_line l ON l.request_id = q.id ORDER BY q.token, l.line_no
"""


async def test_the_same_number_of_requests_makes_the_same_sales(
    castle: Read, sqlite_template: Path, tmp_path: Path
) -> None:
    """Another database, another hour: the same guests buy the same under the same numbers."""
    path = tmp_path / "another.sqlite3"
    shutil.copyfile(sqlite_template, path)
    another = Database(sqlite_url(path), clock_offset=timedelta(hours=7))
    try:
        await demo.load(another, RULES, requests=REQUESTS, progress=nobody_watches)
        async with another.reading() as read:
            sold = await rows(read, SOLD)
    finally:
        await another.dispose()
    assert sold == await rows(castle, SOLD)


async def schema(read: Read) -> list[tuple[Any, ...]]:
    """Every index and constraint, as the database words it."""
    if read.dialect == "sqlite":
        return await rows(
            read, "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
        )
    constraints = (
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid > 0"
    )
    indexes = "SELECT tablename::text, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    return sorted(await rows(read, f"SELECT * FROM ({constraints} UNION ALL {indexes}) d"))


@pytest.mark.parametrize("requests", [REQUESTS, pytest.param(demo.LARGE, marks=pytest.mark.prove)])
async def test_a_large_load_puts_back_every_index_and_constraint(
    database: Database, requests: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What counts as large by itself in a long proof; otherwise as few as show the same."""
    monkeypatch.setattr(demo, "LARGE", requests)
    async with database.reading() as read:
        before = await schema(read)
    await demo.load(database, RULES, requests=requests, progress=nobody_watches)
    async with database.reading() as read:
        assert await schema(read) == before
        assert (await everything(read))["ticket_request"] == requests


async def test_a_large_load_refuses_rows_that_point_at_nothing(database: Database) -> None:
    """Taking the foreign keys off does not let anything slip in."""
    Line = db.bulk.row_class(db.ticket_request.request_line)
    wrong = Line(id=1, request_id=404, line_no=1, item_id=404, quantity=1, unit_price_minor=1, ticket_kind="GROUP")
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        async with database.writing() as write, db.bulk.loading(write, TABLES, is_large=True) as bulk:
            await bulk.insert(db.ticket_request.request_line, [wrong])
    async with database.reading() as read:
        assert (await everything(read))["request_line"] == 0


async def test_bulk_rows_read_as_they_were_written(database: Database) -> None:
    """Moments, dates, times and JSON come back from the driver as through every other way."""
    schedules = db.schedule.schedule
    row = db.bulk.row_class(schedules)(
        id=7,
        code="A",
        code_key="a",
        description="",
        recurrence="DAILY",
        every=1,
        weekdays=127,
        start_date=date(2024, 2, 29),
        start_time=time(9, 5),
        stop_time=time(17),
        days_ahead=30,
        capacity_control="NONE",
        max_capacity=0,
        produces="OPEN",
    )
    at = datetime(2024, 2, 29, 23, 59, 59, 7, tzinfo=UTC)
    event = db.bulk.row_class(db.timeline.request_event)(
        id=1, tx=0, at=at, recorded_at=at, kind="VIEWED", actor="x", facts='{"a": ["ø"]}'
    )
    async with (
        database.writing() as write,
        db.bulk.loading(write, [schedules, db.timeline.request_event], is_large=False) as bulk,
    ):
        await bulk.insert(schedules, [row])
        await bulk.insert(db.timeline.request_event, [event])
    async with database.reading() as read:
        assert await read.all(schedules.select()) == [tuple(row)]
        kept = await read.rows(db.timeline.RequestEventRow, db.timeline.request_events.view)
    assert (kept[0].at, kept[0].recorded_at, kept[0].facts) == (at, at, {"a": ["ø"]})
