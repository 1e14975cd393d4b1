"""What is a person's, among everybody's: found by indexes, whichever way leads to it."""

import pytest

from db import person
from db.engine import Database
from db.person import Person, Words
from db.ticket_request import TicketRequestRow
from tests.make import Make, making

from .plans import planning


@pytest.mark.parametrize("is_by_number", [True, False])
async def test_no_table_is_walked_for_a_person(database: Database, is_by_number: bool) -> None:
    ada = Person(("c-1", "c-2"), ("ada@example.org",), is_by_number=is_by_number)
    async with planning(database) as planner:
        plan = await planner.plan(lambda read: person.request_ids(read, ada, 0, 200))
    if database.dialect == "postgresql":
        assert "Seq Scan" not in plan
        assert "ix_ticket_request_customer_key_id" in plan
        assert "ix_ticket_request_email_key" in plan
    else:
        assert "SCAN ticket_request" not in plan
        assert plan.count("SEARCH ticket_request USING INDEX") + plan.count("COVERING INDEX") >= 2


NAMED = {
    "PP-Ada.Berg@Example.org": True,
    "paid by BERG, ada": False,
    "paid by ADA BERG.": True,
    "Àda  Bérg": True,
    "Adalbert Bergmann": False,
    "+45 (12) 34-56-78": True,
    "call 004512345678": True,
    "12 34 56 78": False,
    "PSP-77": False,
    "": False,
    None: False,
}
"""Texts, and whether they name Ada Berg, ada.berg@example.org, +45 12 34 56 78."""


async def row_of(make: Make, **columns: str) -> TicketRequestRow:
    request = await make.request(await make.client(), **columns)
    found = await person.lock_requests(make.write, Person((), (columns["email"],), is_by_number=False), [request.id])
    return found[0]


async def test_a_person_is_recognised_in_what_others_wrote(database: Database) -> None:
    async with making(database) as make:
        holder = {"email": "ada.berg@example.org", "phone": "+45 12 34 56 78", "ticket_holder_name": "Ada Berg"}
        words = Words.of([await row_of(make, **holder)])
        nobody = Words.of([await row_of(make, email="x@example.org", phone="12345", ticket_holder_name="...")])
    assert {text: words.are_in(text) for text in NAMED} == NAMED
    assert not any(nobody.are_in(text) for text in NAMED)
