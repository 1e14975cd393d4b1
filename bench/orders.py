"""A park with many orders: one sale through the API, which the others are copies of, made by the database itself.

Every order has two lines of two tickets each, for an item that lets into two admissions: four entries, four tickets and
eight access entries. Nine of ten name a customer; there are fewer customers than orders.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.engine import URL

from db.client import Role
from db.engine import Database
from resolvers.actor import create_key

from . import servers
from .load import CONFIRM, CREATE
from .places import open_park, set_up

CUSTOMERS = 5_000
FIRST = 1_000_000
"""The number of the first copy; what is copied has smaller ids."""

LINES, ENTRIES, TICKETS, ACCESS_ENTRIES = 2, 4, 4, 8
"""Of each order."""

UPSERT = """mutation Upsert($input: TicketItemUpsertInput!) {
  ticketItemUpsert(input: $input) { refusals { code message } }
}"""

COUNTED = f"""
    SELECT (SELECT count(*) FROM request_line), (SELECT count(*) FROM request_entry),
        (SELECT count(*) FROM issued_ticket), (SELECT count(*) FROM access_entry)
    WHERE (SELECT max(id) FROM access_entry) < {FIRST}
"""

CUSTOMER = """
    INSERT INTO customer (customer_no, customer_key, name, name_key, email, email_key, first_client_id, created_at,
        updated_at)
    SELECT 'C-' || i, 'c-' || i, 'Guest ' || i, 'guest ' || i, 'guest' || i || '@example.com',
        'guest' || i || '@example.com', (SELECT client_id FROM ticket_request), now(), now()
    FROM generate_series(1, {customers}) i
"""

COPIES = {
    "ticket_request": (
        1,
        "'token', 'R-' || n, 'token_key', 'r-' || n, 'external_order_no', 'WEB-' || n, 'order_key', 'web-' || n,"
        " 'customer_no', 'C-' || c, 'customer_key', 'c-' || c, 'email', 'guest' || n || '@example.com',"
        " 'email_key', 'guest' || n || '@example.com', 'created_at', at, 'status_changed_at', at",
    ),
    "request_line": (LINES, "'request_id', n"),
    "request_entry": (ENTRIES, "'request_id', n, 'line_id', {line_id}"),
    "issued_ticket": (
        TICKETS,
        "'request_id', n, 'line_id', {line_id}, 'ticket_no', 'T' || {id}, 'external_ticket_no', 'T-' || {id},"
        " 'number_key', 't-' || {id}, 'issued_at', at",
    ),
    "access_entry": (ACCESS_ENTRIES, "'ticket_id', {ticket_id}, 'entry_id', {entry_id}"),
}
"""By table: how many rows of it an order has, and what differs in the copies, in SQL. ``n`` is the copy's number, ``c``
its customer's or null, ``at`` its moment; in braces stand ids, counted on from the first of the order's."""

COPY = """
    INSERT INTO {table}
    SELECT copy.* FROM generate_series({first}, {last}) n, {table} original,
        LATERAL (SELECT CASE WHEN n % 10 > 0 THEN n % {customers} + 1 END AS c,
            now() - ({last} - n) * interval '1 second' AS at) differing,
        LATERAL jsonb_populate_record(original, jsonb_build_object('id', {id}, {values})) copy
    WHERE original.id < {first}
"""


@dataclass(frozen=True, slots=True)
class Orders:
    """What there is to ask for, and by whom. ``park``: what buyers need, as ``bench.load`` takes it."""

    park: dict[str, Any]
    support_key: str
    order_numbers: list[str]
    ticket_numbers: list[str]


async def fill(url: URL, address: str, requests: int, asked: int) -> Orders:
    """So many orders in an empty database, ``asked`` of which are to be asked for, from all over the table."""
    park = await open_park(url, address, 1, spread=True)
    database = Database(url)
    async with database.writing() as write:
        now = await write.clock()
        admin = await create_key(write, "Bench admin", Role.ADMIN, now)
        support = await create_key(write, "Bench support", Role.SUPPORT, now)
    await asyncio.to_thread(_sell_one, address, admin, park)
    customers = min(CUSTOMERS, requests)
    async with database.writing() as write:
        ((*counted,),) = await write.fetch(COUNTED)
        assert counted == [LINES, ENTRIES, TICKETS, ACCESS_ENTRIES], counted
        await write.run_text("SET LOCAL session_replication_role = replica")  # copies point at copies: nothing to check
        await write.run_text(CUSTOMER.format(customers=customers))
        firsts = {table: (await write.fetch(f"SELECT min(id) FROM {table}"))[0][0] for table in COPIES}

        def id_in(table: str, column: str = "id") -> str:
            number, first = COPIES[table][0], firsts[table]
            return f"({FIRST} + (n - {FIRST}) * {number} + original.{column} - {first})"

        ids = {
            "line_id": id_in("request_line", "line_id"),
            "entry_id": id_in("request_entry", "entry_id"),
            "ticket_id": id_in("issued_ticket", "ticket_id"),
        }
        for table, (_, values) in COPIES.items():
            id_ = id_in(table)
            last = FIRST + requests - 1
            told = values.format(id=id_, **ids)
            copy = COPY.format(table=table, first=FIRST, last=last, customers=customers, id=id_, values=told)
            await write.run_text(copy)
    async with database.reading() as read:
        await read.fetch("VACUUM ANALYZE")
        await read.fetch("CHECKPOINT")
    await database.dispose()
    spread = [n * requests // asked for n in range(asked)]
    return Orders(
        park,
        support,
        [f"WEB-{FIRST + n}" for n in spread],
        [f"T-{FIRST + n * TICKETS + n % TICKETS}" for n in spread],
    )


def _sell_one(address: str, admin: str, park: dict[str, Any]) -> None:
    """An order of two lines, of tickets that let into the park's tour and into a castle."""
    today = {"startTime": "00:00", "stopTime": "00:00", "capacity": 0, "capacityControl": "NONE"}
    castle = {
        "ticketTypeCode": "CASTLE",
        "description": "Castle",
        "itemNo": "CASTLE",
        "unitPrice": "9.00",
        "admissionCode": "CASTLE",
        "admissionKind": "LOCATION",
        "startDate": datetime.now(UTC).date().isoformat(),
        "schedules": [today],
    }
    set_up(address, admin, castle)
    contents = [{"admissionCode": "CASTLE", "isDefault": True}, {"admissionCode": "TOUR"}]
    item = {"itemNo": "PASS", "description": "Castle and tour", "ticketTypeCode": "CASTLE", "unitPrice": "20.00"}
    _done(servers.ask(address, UPSERT, {"input": item | {"contents": contents}}, admin))
    tour = park["sales"][0][0]["admissions"][0]
    line = {"itemNo": "PASS", "quantity": TICKETS // LINES, "admissions": [tour]}
    holder = {"customerNo": "C-1", "email": "guest@example.com", "phone": "+45 1234 5678", "name": "Ada Guest"}
    order = {"token": "R-0", "externalOrderNo": "WEB-0", "holder": holder, "lines": [line] * LINES}
    _done(servers.ask(address, CREATE, {"input": order}, park["key"]))
    _done(servers.ask(address, CONFIRM, {"input": {"token": "R-0", "paymentReference": "P-0"}}, park["key"]))


def _done(data: dict[str, Any]) -> None:
    (payload,) = data.values()
    assert payload["refusals"] == [], payload["refusals"]
