"""Cursors of events: of the database and the history that they are from, and of no other."""

from typing import Any

import pytest
from sqlalchemy import text

import db
from db.client import Role
from db.timeline import RequestEventKind
from tests.harness import Gatehouse
from tests.make import making

QUERY = "query ($after: String) { requestEvents(first: 5, after: $after) { nodes { cursor } } }"
TIMELINE = """query ($after: String) {
  ticketRequest(by: { token: "T" }) { timeline(first: 5, after: $after) { nodes { cursor } } } }"""


async def two_events(gatehouse: Gatehouse) -> list[str]:
    """The cursors of two events of one request."""
    async with making(gatehouse.database) as make:
        request = await make.request(await make.client("shop", Role.WEB_STORE), "T")
        await make.event(RequestEventKind.CREATED, request=request)
        await make.event(RequestEventKind.CONFIRMED, request=request)
    found = (await gatehouse.data(QUERY))["requestEvents"]["nodes"]
    return [node["cursor"] for node in found]


def messages(body: dict[str, Any]) -> list[str]:
    """What was wrong with the question."""
    assert {error["extensions"]["code"] for error in body.get("errors", ())} <= {"BAD_USER_INPUT"}
    return [error["message"] for error in body.get("errors", ())]


async def test_a_cursor_of_this_history_goes_on(gatehouse: Gatehouse) -> None:
    first, second = await two_events(gatehouse)
    for query, way in ((QUERY, ["requestEvents"]), (TIMELINE, ["ticketRequest", "timeline"])):
        found = await gatehouse.data(query, {"after": first})
        for step in way:
            found = found[step]
        assert found == {"nodes": [{"cursor": second}]}


@pytest.mark.parametrize("query", [QUERY, TIMELINE])
async def test_a_cursor_of_another_epoch_is_refused(gatehouse: Gatehouse, query: str) -> None:
    """The rows are all there: but the database that the cursor came from may have gone on by itself."""
    first, _ = await two_events(gatehouse)
    async with gatehouse.database.writing() as write:
        await write.run(text(f"UPDATE history SET epoch = '{db.history.new_epoch()}'"))
    (message,) = messages(await gatehouse.ask(query, {"after": first}))
    assert "another history" in message


@pytest.mark.parametrize("query", [QUERY, TIMELINE])
async def test_a_cursor_of_an_event_that_did_not_happen_is_refused(gatehouse: Gatehouse, query: str) -> None:
    """A file that was copied back, a server set back to an earlier moment: the same place, but fewer events.

    Also when another event has taken the place of the one that was meant.
    """
    _, second = await two_events(gatehouse)
    table = db.timeline.request_event
    async with gatehouse.database.writing() as write:
        (values,) = await write.all(table.select().where(table.c.id == 2))
        row = dict(zip(table.c.keys(), values, strict=True))
        await write.run(table.delete().where(table.c.id == 2))
    (message,) = messages(await gatehouse.ask(query, {"after": second}))
    assert "did not happen here" in message
    async with gatehouse.database.writing() as write:
        later = row["recorded_at"].replace(microsecond=row["recorded_at"].microsecond + 1)
        await write.run(table.insert(), {**row, "recorded_at": later})
    (message,) = messages(await gatehouse.ask(query, {"after": second}))
    assert "did not happen here" in message
