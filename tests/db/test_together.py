"""Changes that are made together: as if one after another, in one statement where the database can."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

import db
from db.base import FOREVER
from db.driver import BROKEN_RULES
from db.engine import Database
from db.timeline import Event, RequestEventKind
from db.together import NewRows, make
from tests.harness import Gatehouse
from tests.make import NOON, making
from tests.park import Park


@pytest.mark.parametrize("number", [1, 20])
async def test_rows_are_kept_as_they_were_given_and_in_their_order(database: Database, number: int) -> None:
    """Moments to the microsecond and to the end of time, texts of any letters, JSON, and what is null."""
    facts = [{"n": n, "text": 'ø "quoted" \\ 漢字 😀 $1', "none": None, "list": [1, {"a": 2}]} for n in range(number)]
    at = datetime(2024, 2, 29, 23, 59, 59, 7, tzinfo=UTC)
    events = [
        Event(
            kind=RequestEventKind.VIEWED,
            at=at if n % 2 else FOREVER,
            actor=f"actor {n}",
            client_id=None,
            quantity=n or None,
            facts=fact,
        )
        for n, fact in enumerate(facts)
    ]
    async with database.writing() as write:
        await db.timeline.record(write, events, at)
    async with database.reading() as read:
        found = await read.rows(db.timeline.RequestEventRow, db.timeline.request_events.view)
    kept = [(event.actor, event.facts, event.quantity) for event in sorted(found, key=lambda event: event.id)]
    assert kept == [(f"actor {n}", fact, n or None) for n, fact in enumerate(facts)]
    table = db.timeline.request_event
    async with database.reading() as read:
        moments = [row[0] for row in await read.all(select(table.c.at).order_by(table.c.id))]
    assert moments == [event.at for event in events]


async def test_rows_may_point_at_rows_of_the_same_statement_but_not_at_nothing(database: Database) -> None:
    """Foreign keys are checked when all is done, and nothing of a statement that fails is kept."""
    calendars, lines = db.calendar.calendar, db.calendar.calendar_line
    calendar = NewRows(calendars, [{"id": 7, "code": "C", "code_key": "c", "description": "Holidays"}])
    line = {"kind": "DATE", "date": NOON.date(), "text": "Closed"}
    async with database.writing() as write:
        await make(write, calendar, NewRows(lines, [{"calendar_id": 7, **line}]))
    other = NewRows(calendars, [{"id": 8, "code": "D", "code_key": "d", "description": "Holidays"}])
    with pytest.raises(BROKEN_RULES):
        async with database.writing() as write:
            await make(write, other, NewRows(lines, [{"calendar_id": 404, **line}]))
    async with database.reading() as read:
        assert [row[0] for row in await read.all(select(calendars.c.id))] == [7]
        assert [row[0] for row in await read.all(select(lines.c.calendar_id))] == [7]


async def test_nothing_to_do_is_no_statement(gatehouse: Gatehouse) -> None:
    async with gatehouse.database.writing() as write:
        await make(write)
        await make(write, NewRows(db.search_key.search_key, []))
        assert await write.all(select(db.search_key.search_key)) == []


async def test_places_are_added_to_each_slot_and_only_there(database: Database) -> None:
    async with making(database) as make_:
        admission = await make_.admission()
        slots = [await make_.slot(admission, NOON.replace(hour=hour)) for hour in (8, 9, 10)]
        await db.time_slot.add_sold(make_.write, {slots[0]: 2, slots[2]: 5})
        await db.time_slot.add_sold(make_.write, {slots[2]: -1})
        await db.time_slot.add_sold(make_.write, {})
        found = await db.time_slot.by_ids(make_.write, slots)
    assert [found[slot].sold_places for slot in slots] == [2, 0, 4]


# Statements of a sale while others wait for its slot: the lock, the slot as it is, the clock, what is held, the change.
UNDER_LOCK = {"create": 3, "confirm": 2}


@pytest.mark.parametrize("template", ["postgresql"], indirect=True)
@pytest.mark.parametrize("quantity", [1, 9])
async def test_a_sale_holds_its_slots_for_as_many_statements_however_much_it_sells(
    gatehouse: Gatehouse, quantity: int
) -> None:
    """Others wait meanwhile: what can be read or written before the slot is taken is."""
    park = Park(gatehouse)
    tour = await park.sellable()
    lines = [tour.line(), tour.line(quantity, sorted(tour.slots.values())[4])]
    token = await park.registered(*lines)
    counts = {"create": under_lock(gatehouse.statements)}
    await park.change("Confirm", token, paymentReference="P-1")
    counts["confirm"] = under_lock(gatehouse.statements)
    assert counts == UNDER_LOCK


def under_lock(statements: list[str]) -> int:
    """How many statements there are from the one that takes the slots to the last that changes anything."""
    first = next(i for i, text in enumerate(statements) if "FROM time_slot" in text and "FOR NO KEY UPDATE" in text)
    changes = [i for i, text in enumerate(statements) if text.startswith(("INSERT", "UPDATE", "DELETE", "WITH"))]
    return max(changes) - first + 1
