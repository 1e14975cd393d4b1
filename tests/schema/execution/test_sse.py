"""Server-sent events: which answers come as a stream, in which form, and how a stream ends."""

import asyncio

import pytest

from tests.harness import Gatehouse
from tests.live import events

EVENTS = "subscription { requestEvents { kind } }"
WHO = "{ viewer { role } }"
STREAM, JSON, RESPONSE_JSON = "text/event-stream", "application/json", "application/graphql-response+json"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (STREAM, STREAM),
        (f"{STREAM}, {RESPONSE_JSON}, {JSON}", STREAM),
        (f"{RESPONSE_JSON}, {STREAM}", RESPONSE_JSON),
        (f"{STREAM};q=0.5, {JSON}", JSON),
        ("*/*", JSON),
    ],
)
async def test_a_query_comes_in_the_form_that_is_liked_best(gatehouse: Gatehouse, accept: str, media_type: str) -> None:
    """Of the stream there is one answer, and its end."""
    async with events(gatehouse, WHO, key=await gatehouse.key(), accept=accept) as answer:
        assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (200, media_type)
        if media_type == STREAM:
            event, body = await answer.next()
            assert (event, body["data"]) == ("next", {"viewer": {"role": "ADMIN"}})
            assert await answer.next() == ("complete", None)
        else:
            assert (await answer.body())["data"] == {"viewer": {"role": "ADMIN"}}


@pytest.mark.parametrize(
    ("accept", "is_answered"),
    [
        (STREAM, True),
        (f"{STREAM}, {JSON}", True),
        (f"{JSON}, {STREAM};q=0.1", True),
        (JSON, False),
        ("*/*", False),
        (f"{JSON}, {STREAM};q=0", False),
    ],
)
async def test_a_subscription_comes_where_a_stream_is_taken(
    gatehouse: Gatehouse, accept: str, is_answered: bool
) -> None:
    async with events(gatehouse, EVENTS, key=await gatehouse.key(), accept=accept) as answer:
        assert (answer.headers["content-type"].startswith(STREAM)) is is_answered
        if is_answered:
            assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
            assert await answer.comment(), "the head leaves before anything happens"
        else:
            (error,) = (await answer.body())["errors"]
            assert error["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    ("query", "role", "status"),
    [
        ("{", "ADMIN", 400),
        ("{ nothing }", "ADMIN", 400),
        ("subscription { requestEvents { nothing } }", "ADMIN", 400),
        ("{ customers { nodes { id } } }", "GATE", 403),
    ],
)
async def test_what_is_at_fault_is_told_by_its_status(gatehouse: Gatehouse, query: str, role: str, status: int) -> None:
    async with events(gatehouse, query, key=await gatehouse.key(role), accept=STREAM) as answer:
        assert answer.status == status
        assert (await answer.body())["errors"]


async def test_without_a_valid_key_there_is_no_stream(gatehouse: Gatehouse) -> None:
    async with events(gatehouse, EVENTS, key="gh_x_y") as answer:
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")


async def test_a_stream_may_be_asked_with_get_and_a_mutation_not(gatehouse: Gatehouse) -> None:
    """Like any query; EventSource can do no other."""
    headers = {"Authorization": f"Bearer {await gatehouse.key()}", "Accept": STREAM}
    answer = await gatehouse.http.get("/graphql", params={"query": WHO}, headers=headers)
    assert answer.headers["content-type"].startswith(STREAM)
    assert answer.text.startswith("event: next\ndata: {")
    assert answer.text.endswith("event: complete\ndata:\n\n")
    mutation = 'mutation { ticketBlock(input: {externalTicketNo: "x", reason: "x"}) { refusals { code } } }'
    answer = await gatehouse.http.get("/graphql", params={"query": mutation}, headers=headers)
    assert answer.status_code == 405


async def test_so_many_streams_of_a_key(gatehouse: Gatehouse) -> None:
    """Counted with its websockets; a stream that has ended gives its place back."""
    async with gatehouse.with_settings(connections_per_key=2) as strict:
        key = await strict.key()
        async with events(strict, EVENTS, key=key) as first:
            assert first.status == 200
            async with events(strict, EVENTS, key=key) as second:
                assert second.status == 200
                async with events(strict, EVENTS, key=key) as third:
                    assert (third.status, third.headers["retry-after"]) == (429, "10")
                    assert (await third.body())["errors"][0]["extensions"]["code"] == "TOO_MANY"
            async with events(strict, EVENTS, key=key) as fourth:
                assert fourth.status == 200
    assert len(strict.app.state.connections) == 0


async def test_a_silent_stream_says_that_it_lives(gatehouse: Gatehouse) -> None:
    key = await gatehouse.key()
    async with gatehouse.with_settings(ping_seconds=0.1) as patient, events(patient, EVENTS, key=key) as stream:
        for _ in range(3):
            assert await stream.comment()


async def test_who_takes_nothing_off_is_cut_off(gatehouse: Gatehouse) -> None:
    """Without complete: it is not over, and may be begun again behind the last cursor."""
    key, settings = await gatehouse.key(), {"ping_seconds": 0.1, "send_seconds": 0.3}
    async with gatehouse.with_settings(**settings) as strict, events(strict, EVENTS, key=key) as stream:
        assert await stream.comment()
        stream.stop_reading()
        await asyncio.sleep(0.8)
        assert strict.app.state.feed.followers == 0


async def test_a_server_that_stops_breaks_the_stream_off(gatehouse: Gatehouse) -> None:
    async with gatehouse.with_settings() as stopping, events(stopping, EVENTS, key=await stopping.key()) as stream:
        assert await stream.comment()
        await stopping.app.state.connections.close()
        assert await stream.next() == ("end", None)


async def test_nothing_goes_on_when_the_client_has_gone(gatehouse: Gatehouse) -> None:
    async with events(gatehouse, EVENTS, key=await gatehouse.key()) as stream:
        assert await stream.comment()
    assert gatehouse.app.state.feed.followers == 0
    assert len(gatehouse.app.state.connections) == 0
