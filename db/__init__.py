"""What is kept: the tables of each noun and every statement on them. SQLAlchemy lives here and nowhere above.

Every module holds one noun: its tables, one row class per table (a NamedTuple whose fields are
the columns a reader gets), the batch functions that read many keys in one statement, and the
statements that write. Floors above call them by dotted name, ``db.customer.by_keys(...)``.
"""

from . import (
    admission,
    bulk,
    calendar,
    client,
    code_attempt,
    customer,
    day,
    engine,
    find,
    keys,
    ledger,
    money,
    paging,
    person,
    reservation,
    sales_order,
    scan,
    schedule,
    search_key,
    ticket,
    ticket_item,
    ticket_request,
    time_slot,
    timeline,
    together,
    visit,
)

__all__ = [
    "admission",
    "bulk",
    "calendar",
    "client",
    "code_attempt",
    "customer",
    "day",
    "engine",
    "find",
    "keys",
    "ledger",
    "money",
    "paging",
    "person",
    "reservation",
    "sales_order",
    "scan",
    "schedule",
    "search_key",
    "ticket",
    "ticket_item",
    "ticket_request",
    "time_slot",
    "timeline",
    "together",
    "visit",
]
