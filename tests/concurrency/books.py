"""The books: what must add up in the database, whatever was asked, refused, killed or came at the same time.

Asked in SQL of its own and not by the statements of ``db/``: a mistake in those must not excuse itself.
"""

from collections.abc import Mapping
from typing import Any

from db.engine import Database
from tests import links

CLOCK = {"postgresql": "clock_timestamp()", "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', 'now')"}

RESERVED = """
    SELECT e.id FROM request_entry e
    JOIN ticket_request t ON t.id = e.request_id
    JOIN content_line c ON c.id = e.content_line_id
    LEFT JOIN reservation r ON r.entry_id = e.id AND r.slot_id = e.slot_id AND r.request_id = t.id
    WHERE e.replaced_at IS NULL AND e.quantity > 0 AND e.slot_id IS NOT NULL
"""

BROKEN: Mapping[str, str] = {
    "sold_places is the sum of what is sold": """
        SELECT s.id FROM time_slot s
        LEFT JOIN reservation r ON r.slot_id = s.id AND r.kind = 'SOLD' AND r.until IS NULL
        GROUP BY s.id, s.sold_places HAVING s.sold_places <> coalesce(sum(r.places), 0)
    """,
    "a confirmed request has bought the places where its tickets are": """
        SELECT a.entry_id FROM access_entry a JOIN issued_ticket k ON k.id = a.ticket_id
        LEFT JOIN reservation r
        ON r.entry_id = a.entry_id AND r.slot_id = a.slot_id AND r.kind = 'SOLD' AND r.until IS NULL
        WHERE a.slot_id IS NOT NULL AND k.revoked_at IS NULL
        GROUP BY a.entry_id, a.slot_id, r.places HAVING r.places IS NULL OR r.places < sum(a.quantity)
    """,
    "beyond that, only places that were used stay sold": """
        SELECT r.id FROM reservation r WHERE r.kind = 'SOLD' AND r.until IS NULL AND r.places > (
            SELECT coalesce(sum(a.quantity), 0) FROM access_entry a JOIN issued_ticket k ON k.id = a.ticket_id
            WHERE a.entry_id = r.entry_id AND a.slot_id = r.slot_id AND k.revoked_at IS NULL
        ) + (
            SELECT coalesce(sum(
                a.quantity * CASE WHEN v.admitted > k.quantity THEN k.quantity ELSE v.admitted END / k.quantity
            ), 0)
            FROM visit v JOIN access_entry a ON a.id = v.access_entry_id JOIN issued_ticket k ON k.id = a.ticket_id
            WHERE a.entry_id = r.entry_id AND v.slot_id = r.slot_id
            AND (k.revoked_at IS NOT NULL OR a.slot_id <> r.slot_id)
        )
    """,
    "an entry is where the first of its tickets in force is": """
        SELECT e.id FROM request_entry e JOIN access_entry a ON a.entry_id = e.id
        JOIN issued_ticket k ON k.id = a.ticket_id
        WHERE coalesce(a.slot_id, 0) <> coalesce(e.slot_id, 0) AND k.id = (
            SELECT min(f.id) FROM issued_ticket f WHERE f.line_id = e.line_id AND f.revoked_at IS NULL)
    """,
    "a request that is not holds them until it expires": f"""
        {RESERVED} AND t.status IN ('REGISTERED', 'EXPIRED')
        AND (r.id IS NULL OR r.kind <> 'HELD' OR r.until <> t.expires_at OR r.places <> e.quantity * c.quantity)
    """,
    "what was replaced or canceled holds nothing": """
        SELECT r.id FROM reservation r
        JOIN request_entry e ON e.id = r.entry_id JOIN ticket_request t ON t.id = r.request_id
        WHERE (e.replaced_at IS NOT NULL AND (r.until IS NULL OR r.until > e.replaced_at))
        OR (t.status = 'CANCELED' AND r.kind = 'HELD' AND r.until > t.status_changed_at)
    """,
    "a request has lines, and costs what they do": """
        SELECT t.id FROM ticket_request t
        LEFT JOIN request_line l ON l.request_id = t.id AND l.replaced_at IS NULL
        GROUP BY t.id, t.total_minor HAVING count(l.id) = 0 OR t.total_minor <> sum(l.quantity * l.unit_price_minor)
    """,
    "a line has one primary entry, and its entries are replaced with it": """
        SELECT l.id FROM request_line l LEFT JOIN request_entry e ON e.line_id = l.id
        GROUP BY l.id, l.replaced_at
        HAVING sum(CASE WHEN e.is_primary THEN 1 ELSE 0 END) <> 1
        OR sum(CASE WHEN (e.replaced_at IS NULL) = (l.replaced_at IS NULL) THEN 0 ELSE 1 END) > 0
    """,
    "a line has its tickets once confirmed, and none before": """
        SELECT l.id FROM request_line l
        JOIN ticket_request t ON t.id = l.request_id
        JOIN ticket_item i ON i.id = l.item_id JOIN ticket_type y ON y.id = i.ticket_type_id
        LEFT JOIN issued_ticket k ON k.line_id = l.id
        GROUP BY l.id, l.replaced_at, t.id, t.status, y.kind, l.quantity
        HAVING count(k.id) <> CASE WHEN t.status IN ('REGISTERED', 'EXPIRED') OR l.replaced_at IS NOT NULL THEN 0
                                   WHEN t.status = 'CANCELED' AND count(k.id) = 0 THEN 0
                                   WHEN y.kind = 'GROUP' THEN 1 ELSE l.quantity END
    """,
    "a request is canceled with the last of its tickets": """
        SELECT t.id FROM ticket_request t JOIN issued_ticket k ON k.request_id = t.id
        GROUP BY t.id, t.status HAVING (t.status = 'CANCELED') <> (count(k.revoked_at) = count(*))
    """,
    "the timeline tells of every ticket given back, once": """
        SELECT k.id FROM issued_ticket k
        WHERE (SELECT count(*) FROM request_event v WHERE v.ticket_id = k.id AND v.kind = 'REVOKED')
           <> CASE WHEN k.revoked_at IS NULL THEN 0 ELSE 1 END
    """,
    "a ticket lets in wherever its line was taken": """
        SELECT k.id FROM issued_ticket k
        WHERE (SELECT count(*) FROM access_entry a JOIN request_entry e ON e.id = a.entry_id
               WHERE a.ticket_id = k.id AND e.line_id = k.line_id)
           <> (SELECT count(*) FROM request_entry e WHERE e.line_id = k.line_id AND e.quantity > 0)
    """,
    "a ticket owns its number": """
        SELECT k.id FROM issued_ticket k
        LEFT JOIN ticket_number n ON n.key = k.number_key AND n.ticket_id = k.id AND n.request_id = k.request_id
        WHERE n.key IS NULL
    """,
    "a number without a ticket was dictated": """
        SELECT n.key FROM ticket_number n
        WHERE n.ticket_id IS NULL AND NOT EXISTS (
            SELECT 1 FROM request_line l WHERE l.request_id = n.request_id
            AND coalesce(CAST(l.dictated_nos AS text), 'null') <> 'null')
    """,
    "a request that is alive owns its order number": """
        SELECT t.id FROM ticket_request t
        LEFT JOIN order_key o ON o.client_id = t.client_id AND o.key = t.order_key AND o.request_id = t.id
        WHERE t.order_key IS NOT NULL AND o.key IS NULL
        AND (t.status = 'CONFIRMED' OR (t.status = 'REGISTERED' AND t.expires_at > {clock}))
    """,
    "an order number is that of the request that owns it": """
        SELECT o.key FROM order_key o JOIN ticket_request t ON t.id = o.request_id
        WHERE t.order_key IS NULL OR t.order_key <> o.key
    """,
    "the timeline tells of every change once": """
        SELECT t.id FROM ticket_request t JOIN request_event v ON v.request_id = t.id
        GROUP BY t.id, t.status
        HAVING sum(CASE WHEN v.kind = 'CREATED' THEN 1 ELSE 0 END) <> 1
        OR sum(CASE WHEN v.kind = 'CONFIRMED' THEN 1 ELSE 0 END) <> CASE WHEN t.status = 'CONFIRMED' OR (
            t.status = 'CANCELED' AND EXISTS (SELECT 1 FROM issued_ticket k WHERE k.request_id = t.id)
        ) THEN 1 ELSE 0 END
        OR sum(CASE WHEN v.kind = 'CANCELED' THEN 1 ELSE 0 END) <> CASE WHEN t.status = 'CANCELED' THEN 1 ELSE 0 END
        OR sum(CASE WHEN v.kind = 'ISSUED' THEN 1 ELSE 0 END)
           <> (SELECT count(*) FROM issued_ticket k WHERE k.request_id = t.id)
        OR sum(CASE WHEN v.kind = 'EXPIRED' THEN 1 ELSE 0 END)
           - sum(CASE WHEN v.kind = 'EXTENDED' AND CAST(v.facts AS text) LIKE '%"revived":%true%' THEN 1 ELSE 0 END)
           NOT BETWEEN CASE WHEN t.status = 'EXPIRED' THEN 1 ELSE 0 END
                   AND CASE WHEN t.status IN ('EXPIRED', 'CANCELED') THEN 1 ELSE 0 END
    """,
    "an access entry counts its visits": """
        SELECT a.id FROM access_entry a LEFT JOIN visit v ON v.access_entry_id = a.id
        GROUP BY a.id, a.admitted_count, a.inside_count, a.first_admitted_at
        HAVING a.admitted_count <> coalesce(sum(v.admitted), 0) OR a.inside_count <> coalesce(sum(v.inside), 0)
        OR (a.first_admitted_at IS NULL) <> (min(v.first_at) IS NULL) OR a.first_admitted_at <> min(v.first_at)
    """,
    "no more are inside than are on the ticket": """
        SELECT a.id FROM access_entry a JOIN issued_ticket k ON k.id = a.ticket_id WHERE a.inside_count > k.quantity
    """,
    "the timeline tells of everybody who was let in": """
        SELECT a.id FROM access_entry a LEFT JOIN request_event v ON v.access_entry_id = a.id AND v.kind = 'ADMITTED'
        GROUP BY a.id, a.admitted_count HAVING a.admitted_count <> coalesce(sum(v.quantity), 0)
    """,
    "a request has a timeline": """
        SELECT t.id FROM ticket_request t LEFT JOIN request_event v ON v.request_id = t.id WHERE v.id IS NULL
    """,
    **links.BROKEN,
}
"""What must be true, and the statement that lists what breaks it."""

TAKEN = """
    SELECT r.slot_id, sum(r.places), sum(CASE WHEN r.kind = 'SOLD' THEN r.places ELSE 0 END) FROM reservation r
    WHERE (r.kind = 'SOLD' AND r.until IS NULL) OR (r.kind = 'HELD' AND r.until > {clock}) GROUP BY r.slot_id
"""


async def broken(database: Database) -> dict[str, list[Any]]:
    """What does not add up, by what should: empty when all is well."""
    found = {name: [row[0] for row in await _asked(database, statement)] for name, statement in BROKEN.items()}
    return {name: ids for name, ids in found.items() if ids}


async def places_taken(database: Database) -> dict[int, int]:
    """The places held or sold in each slot by the database's clock, in one statement; a slot without any is missing."""
    return {row[0]: int(row[1]) for row in await _asked(database, TAKEN)}


async def places_sold(database: Database) -> dict[int, int]:
    """The places sold in each slot that has any places taken."""
    return {row[0]: int(row[2]) for row in await _asked(database, TAKEN)}


async def count(database: Database, table: str, where: str = "1 = 1") -> int:
    """How many rows of a table are such."""
    return int((await _asked(database, f"SELECT count(*) FROM {table} WHERE {where}"))[0][0])


async def _asked(database: Database, statement: str) -> Any:
    async with database.reading() as read:
        return await read.fetch(statement.replace("{clock}", CLOCK[database.dialect]))
