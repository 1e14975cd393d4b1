"""The allowance of each key: as much at once as a minute allows, then as fast as its bucket drains."""

import json

import pytest

from schema.execution.rate import BUCKETS, Buckets
from tests.conftest import Kept
from tests.harness import Gatehouse


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_bucket_holds_a_minute_and_drains_steadily() -> None:
    buckets = Buckets(600, 100, clock := Clock())
    assert buckets.pour("a", 600) == 0
    assert buckets.available("a") == 0
    assert buckets.pour("a", 10) == 1.0  # a second drains ten points
    assert buckets.pour("a", 600) == 60.0
    clock.seconds = 0.5
    assert buckets.pour("a", 10) == 0.5
    assert buckets.pour("a", 5) == 0
    clock.seconds = 30.5
    assert buckets.available("a") == 300
    clock.seconds = 3_600
    assert buckets.available("a") == 600


def test_a_key_never_waits_for_another() -> None:
    buckets = Buckets(600, 100, Clock())
    assert buckets.pour("a", 600) == 0
    assert buckets.pour("a", 1) > 0
    assert buckets.pour("b", 600) == 0


def test_an_operation_that_may_be_asked_can_be_asked() -> None:
    """However small the allowance: it takes longer to come back, but it fits in."""
    buckets = Buckets(60, 5_000, clock := Clock())
    assert buckets.pour("a", 5_000) == 0
    assert buckets.pour("a", 5_000) == 5_000
    clock.seconds = 5_000
    assert buckets.pour("a", 5_000) == 0


def test_what_is_kept_is_bounded_and_nobody_is_forgiven_for_it() -> None:
    buckets = Buckets(600, 100, clock := Clock())
    for number in range(BUCKETS):
        assert buckets.pour(f"quick {number}", 1) == 0
    assert buckets.pour("slow", 600) == 0
    clock.seconds = 1.0
    assert buckets.pour("another", 1) == 0
    assert len(buckets._levels) == 2
    assert buckets.pour("slow", 600) == 59.0


@pytest.fixture
def template(sqlite_database: Kept) -> Kept:
    """What is asked here is the same for either database: SQLite will do."""
    return sqlite_database


QUERY = "{ customers(first: 100) { nodes { name email } } }"
COST = 301


async def test_a_key_in_haste_is_told_when_to_come_back(gatehouse: Gatehouse) -> None:
    """In either media type, and before its next document is even read; other keys, also of its client, are served."""
    reading = len(QUERY) // 10
    async with gatehouse.with_settings(points_per_minute=2 * COST + reading, max_cost=COST) as strict:
        for left in (COST, 0):
            body = await strict.ask(QUERY)
            assert body["extensions"]["cost"] == {"requested": COST, "limit": COST, "available": left}
        for media_type in ("application/json", "application/graphql-response+json"):
            known = {"Authorization": f"Bearer {await strict.key()}", "Accept": media_type}
            response = await strict.http.post("/graphql", json={"query": "{ nonsense"}, headers=known)
            assert response.status_code == 429
            (error,) = response.json()["errors"]
            assert error["extensions"] == {"code": "RATE_LIMITED", "retryAfter": int(response.headers["retry-after"])}
            assert 1 <= error["extensions"]["retryAfter"] <= 60
        assert "data" in await strict.ask(QUERY, role="SUPPORT")
        assert "data" in await gatehouse.ask(QUERY)


async def test_a_document_that_must_be_read_costs_for_its_length(gatehouse: Gatehouse) -> None:
    """So that nobody keeps the server reading what is wrong, or new each time."""
    async with gatehouse.with_settings(points_per_minute=1_000, max_cost=1_000) as strict:
        for _ in range(2):
            body = await strict.ask("{ nonsense } #" + "x" * 4_900)
            assert "GRAPHQL_VALIDATION_FAILED" in json.dumps(body)
        assert "RATE_LIMITED" in json.dumps(await strict.ask("{ nonsense } #" + "x" * 4_900))
