"""What cannot be done now: there is too much to do, or no database. Whoever asked is told so, and nothing is run."""

import asyncio
from contextlib import suppress

import pytest

from db.engine import Database
from schema.execution.crowd import LONGEST_PAUSE_SECONDS, TOLD_PER_SECOND, Crowd
from tests.harness import Gatehouse

UPSERT = 'mutation { customerUpsert(input: {customerNo: "C-1", name: "Ada"}) { customer { name } refusals { code } } }'


async def test_one_more_than_the_limit_is_turned_away_and_nothing_is_run(gatehouse: Gatehouse) -> None:
    """At the limit all are answered; beyond it the answer is 503 with Retry-After; afterwards there is room again."""
    async with gatehouse.with_settings(operations_at_once=2) as small:
        headers = {"Authorization": f"Bearer {await small.key()}"}
        await small.data("{ viewer { role } }")  # its key is known now: what comes next is under way at once
        async with small.database.writing() as write:
            if write.dialect == "postgresql":
                await write.run_text("LOCK TABLE customer IN EXCLUSIVE MODE")
            within = [asyncio.create_task(small.data(UPSERT)) for _ in range(2)]
            await asyncio.sleep(0.2)  # both are under way, and wait
            body = {"query": UPSERT.replace("Ada", "Grace")}
            for accept in ("application/json", "application/graphql-response+json"):
                response = await small.http.post("/graphql", json=body, headers={**headers, "Accept": accept})
                assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
                (error,) = response.json()["errors"]
                assert error["extensions"] == {"code": "OVERLOADED"}
                assert "2 operations" in error["message"]
            assert (await small.http.get("/healthz")).status_code == 200
        await asyncio.gather(*within)
        assert (await small.data('{ customer(by: {customerNo: "C-1"}) { name } }'))["customer"] == {"name": "Ada"}
        assert (await small.data(body["query"]))["customerUpsert"]["customer"] == {"name": "Grace"}


def test_who_is_turned_away_waits_longer_the_more_there_are_and_never_long() -> None:
    now = 1000.0
    full = Crowd(0, lambda: now)
    assert full.is_full
    pauses = [full.pause() for _ in range(10_000)]
    assert pauses[0] == pytest.approx(1 / TOLD_PER_SECOND)
    assert pauses == sorted(pauses)
    assert max(pauses) == pytest.approx(LONGEST_PAUSE_SECONDS)
    now += 60
    assert full.pause() == pytest.approx(1 / TOLD_PER_SECOND)


def test_room_is_given_back_whatever_happens() -> None:
    one = Crowd(1)
    was_full: list[object] = []
    with suppress(ZeroDivisionError), one:
        was_full.append(one.is_full)
        was_full.append(1 / 0)
    assert was_full == [True]
    assert not one.is_full


async def test_without_a_database_everybody_is_told_to_ask_again() -> None:
    """Before anything is begun: 503, Retry-After, and nothing of where the database is."""
    nowhere = Database("postgresql+asyncpg://gatehouse@/gatehouse?host=/nowhere/at/all")
    gatehouse = Gatehouse(nowhere)
    headers = {"Authorization": "Bearer gh_0123456789ab_secret"}
    try:
        asked = gatehouse.http.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
        exported = gatehouse.http.get("/export/tickets.csv", headers=headers)
        for response in await asyncio.gather(asked, exported):
            assert response.status_code == 503
            (error,) = response.json()["errors"]
            assert error["extensions"] == {"code": "UNAVAILABLE"}
            assert "nowhere" not in response.text
            assert response.headers["Retry-After"] == "1"
    finally:
        await gatehouse.http.aclose()
        await nowhere.dispose()
