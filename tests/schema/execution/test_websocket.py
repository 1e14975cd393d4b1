"""graphql-transport-ws, to the letter: what a connection may say, and by which code it ends otherwise."""

import asyncio
import json
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.harness import Gatehouse
from tests.live import SUBPROTOCOL, Closed, Denied, socket
from tests.park import Park

EVENTS = "subscription { requestEvents { kind } }"
WHO = "{ viewer { role } }"
BLOCK = 'mutation { ticketBlock(input: {externalTicketNo: "x", reason: "x"}) { refusals { code } } }'
INIT = {"type": "connection_init"}


def codes(message: dict[str, Any]) -> list[str]:
    """Of an operation that was refused."""
    assert message["type"] == "error", message
    return [error["extensions"]["code"] for error in message["payload"]]


# ---------------------------------------------------------------------------------------------- handshake


async def test_only_one_subprotocol_is_spoken(gatehouse: Gatehouse) -> None:
    """The former one is not, nor is none; of several it is chosen."""
    for offered in ((), ("graphql-ws",), ("chat", "graphql-ws")):
        async with socket(gatehouse, subprotocols=offered) as over:
            assert over.subprotocol is None
            assert await over.closed() == 4406
    async with socket(gatehouse, subprotocols=("graphql-ws", SUBPROTOCOL)) as over:
        assert over.subprotocol == SUBPROTOCOL


@pytest.mark.parametrize(
    ("headers", "is_let_in"),
    [
        ({}, True),
        ({"Origin": "http://localhost"}, True),
        ({"Origin": "https://shop.example"}, True),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": "https://shop.example", "Sec-Fetch-Site": "cross-site"}, True),
    ],
)
async def test_pages_of_other_sites_are_refused_before_the_handshake(
    gatehouse: Gatehouse, headers: dict[str, str], is_let_in: bool
) -> None:
    """A browser lets any page connect anywhere, and asks nobody: it is for the server to look at the origin."""
    async with gatehouse.with_settings(cors_origins=("https://shop.example",)) as shop:
        if is_let_in:
            async with socket(shop, **headers) as over:
                assert over.subprotocol == SUBPROTOCOL
        else:
            with pytest.raises(Denied) as denied:
                async with socket(shop, **headers):
                    pass
            assert denied.value.status == 403


async def test_another_host_name_is_refused(gatehouse: Gatehouse) -> None:
    with pytest.raises(Denied) as denied:
        async with socket(gatehouse, host="rebound.example"):
            pass
    assert denied.value.status == 421


# --------------------------------------------------------------------------------------------------- keys


async def test_the_key_is_in_the_header_or_in_the_first_message(gatehouse: Gatehouse) -> None:
    key = await gatehouse.key("SUPPORT")
    async with socket(gatehouse, authorization=f"Bearer {key}") as over:
        over.send(INIT)
        assert await over.receive() == {"type": "connection_ack"}
        assert (await over.ask("1", WHO))["payload"]["data"] == {"viewer": {"role": "SUPPORT"}}
    for name in ("authorization", "Authorization"):
        async with socket(gatehouse) as over:
            over.send(INIT | {"payload": {name: f"bearer {key}"}})
            assert await over.receive() == {"type": "connection_ack"}


@pytest.mark.parametrize("payload", [None, {}, {"authorization": "Bearer gh_x_y"}, {"authorization": 7}, {"key": "x"}])
async def test_without_a_valid_key_it_ends(gatehouse: Gatehouse, payload: Any) -> None:
    async with socket(gatehouse) as over:
        over.send(INIT | {"payload": payload})
        assert await over.closed() == 4403


async def test_a_key_that_is_said_takes_the_place_of_the_header(gatehouse: Gatehouse) -> None:
    async with socket(gatehouse, authorization=f"Bearer {await gatehouse.key()}") as over:
        over.send(INIT | {"payload": {"authorization": "Bearer nonsense"}})
        assert await over.closed() == 4403


# ----------------------------------------------------------------------------------------------- messages


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", 4400),
        ("[]", 4400),
        ("null", 4400),
        ('"connection_init"', 4400),
        ("{}", 4400),
        ({"type": 7}, 4400),
        ({"type": "start"}, 4400),
        ({"type": "connection_ack"}, 4400),
        ({"type": "next", "id": "1", "payload": {}}, 4400),
        (b'{"type": "ping"}', 4400),
        ({"type": "subscribe"}, 4400),
        ({"type": "subscribe", "payload": {"query": WHO}}, 4400),
        ({"type": "subscribe", "id": "", "payload": {"query": WHO}}, 4400),
        ({"type": "subscribe", "id": 1, "payload": {"query": WHO}}, 4400),
        ({"type": "subscribe", "id": "x" * 101, "payload": {"query": WHO}}, 4400),
        ({"type": "subscribe", "id": "1"}, 4400),
        ({"type": "subscribe", "id": "1", "payload": WHO}, 4400),
        ({"type": "complete"}, 4400),
        ({"type": "complete", "id": 1}, 4400),
        (INIT, 4429),
        ("[" * 100_000, 4400),
    ],
)
async def test_what_the_protocol_does_not_know_ends_the_connection(
    gatehouse: Gatehouse, message: Any, code: int
) -> None:
    async with socket(gatehouse) as over:
        await over.initialised(await gatehouse.key())
        over.send(message)
        assert await over.closed() == code


LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
ANYTHING = st.recursive(LEAVES, lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(), some, max_size=3))
MESSAGES = ANYTHING | st.fixed_dictionaries(
    {"type": st.sampled_from(["subscribe", "complete", "ping", "pong", "connection_init"])},
    optional={
        "id": st.sampled_from(["1", "2"]) | ANYTHING,
        "payload": ANYTHING
        | st.fixed_dictionaries(
            {"query": st.sampled_from([WHO, EVENTS, "{", ""]) | ANYTHING},
            optional={"variables": ANYTHING, "operationName": ANYTHING, "extensions": ANYTHING},
        ),
    },
)


async def test_whatever_is_said_it_is_an_answer_or_an_end(gatehouse: Gatehouse) -> None:
    """And never a failure of ours."""
    conversations: list[list[Any]] = []

    @settings(max_examples=60, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(MESSAGES, max_size=6))
    def collect(messages: list[Any]) -> None:
        conversations.append(messages)

    collect()
    key = await gatehouse.key()
    for messages in conversations:
        async with socket(gatehouse) as over:
            await over.initialised(key)
            for message in messages:
                over.send(json.dumps(message))
            over.send({"type": "ping", "payload": {"last": True}})
            code = None
            try:
                while (await over.receive()).get("payload") != {"last": True}:
                    pass
            except Closed as closed:
                code = closed.code
            assert code in (None, 4400, 4409, 4429), messages


async def test_nothing_is_asked_before_the_key_is_known(gatehouse: Gatehouse) -> None:
    async with socket(gatehouse, authorization=f"Bearer {await gatehouse.key()}") as over:
        over.subscribe("1", WHO)
        assert await over.closed() == 4401


async def test_a_ping_is_answered_and_a_pong_is_not(gatehouse: Gatehouse) -> None:
    """Before the key is known, too; with the payload that came."""
    async with socket(gatehouse) as over:
        over.send({"type": "pong"})
        over.send({"type": "ping"})
        assert await over.receive() == {"type": "pong"}
        over.send({"type": "ping", "payload": {"at": "noon"}})
        assert await over.receive() == {"type": "pong", "payload": {"at": "noon"}}


# --------------------------------------------------------------------------------------------- operations


async def test_queries_and_mutations_are_answered_too(gatehouse: Gatehouse) -> None:
    tour = await Park(gatehouse).sellable()
    lines = orjson.dumps([tour.line(2)]).decode()
    async with socket(gatehouse) as over:
        await over.initialised(await gatehouse.key("WEB_STORE"))
        query = """mutation ($lines: [TicketRequestLineInput!]!) {
          ticketRequestCreateInWebStore(input: {lines: $lines}) { ticketRequest { status } refusals { code } } }"""
        answer = await over.ask("a", query, {"lines": orjson.loads(lines)})
        payload = answer["payload"]
        assert payload["data"]["ticketRequestCreateInWebStore"] == {
            "ticketRequest": {"status": "REGISTERED"},
            "refusals": [],
        }
        assert payload["extensions"]["cost"]["requested"] > 20
    assert (await Park(gatehouse).slot(tour.slot))["held"] == 2


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query ($n: Int!) { viewer { role } }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"}, "BAD_USER_INPUT"),
        ({"query": "subscription ($a: String!) { slotChanged(admissionCode: $a) { id } }"}, "BAD_USER_INPUT"),
        ({"query": WHO, "operationName": "Other"}, "BAD_USER_INPUT"),
        ({"query": 7}, "BAD_REQUEST"),
        ({}, "BAD_REQUEST"),
        ({"query": WHO, "variables": []}, "BAD_REQUEST"),
        (
            {"query": 'mutation { ticketBlock(input: {externalTicketNo: "x", reason: "x"}) { refusals { code } } }'},
            "FORBIDDEN",
        ),
        ({"query": "{ __schema { description } }"}, "FORBIDDEN"),
        ({"query": "{ " + "viewer { role } " * 600 + "}"}, "GRAPHQL_VALIDATION_FAILED"),
    ],
)
async def test_an_operation_at_fault_is_refused_and_the_connection_stays(
    gatehouse: Gatehouse, payload: dict[str, Any], code: str
) -> None:
    """The rules are those of HTTP: documents, limits, roles. The id is free again."""
    async with socket(gatehouse) as over:
        await over.initialised(await gatehouse.key("WEB_STORE"))
        over.send({"type": "subscribe", "id": "1", "payload": payload})
        message = await over.receive()
        assert message["id"] == "1"
        assert codes(message) == [code]
        assert (await over.ask("1", WHO))["type"] == "next"


async def test_an_id_in_use_ends_the_connection(gatehouse: Gatehouse) -> None:
    async with socket(gatehouse) as over:
        await over.initialised(await gatehouse.key())
        over.subscribe("1", EVENTS)
        over.subscribe("1", WHO)
        assert await over.closed() == 4409


async def test_a_completed_operation_gives_its_id_and_its_place_back(gatehouse: Gatehouse) -> None:
    async with gatehouse.with_settings(operations_per_connection=1) as strict, socket(strict) as over:
        await over.initialised(await strict.key())
        for _ in range(3):
            over.subscribe("1", EVENTS)
            over.send({"type": "complete", "id": "1"})
            over.send({"type": "complete", "id": "nothing runs under it"})
        assert (await over.ask("2", WHO))["type"] == "next"


# ------------------------------------------------------------------------------------------------- limits


async def test_so_many_operations_at_once(gatehouse: Gatehouse) -> None:
    async with gatehouse.with_settings(operations_per_connection=2) as strict, socket(strict) as over:
        await over.initialised(await strict.key())
        over.subscribe("1", EVENTS)
        assert (await over.ask("2", WHO))["type"] == "next"
        over.subscribe("3", EVENTS)
        assert codes(await over.ask("4", WHO)) == ["TOO_MANY"]


async def test_so_many_connections_of_a_key(gatehouse: Gatehouse) -> None:
    """Another key's are not counted, and one that has ended gives its place back."""
    async with gatehouse.with_settings(connections_per_key=2) as strict:
        key, other = await strict.key("SUPPORT"), await strict.key("POS")
        async with socket(strict) as first:
            await first.initialised(key)
            async with socket(strict) as second:
                await second.initialised(key)
                async with socket(strict) as third:
                    third.send(INIT | {"payload": {"authorization": f"Bearer {key}"}})
                    assert await third.closed() == 1013
                async with socket(strict) as fourth:
                    await fourth.initialised(other)
            async with socket(strict) as fifth:
                await fifth.initialised(key)


async def test_a_message_is_so_long(gatehouse: Gatehouse) -> None:
    """Counted in bytes, as it comes."""
    async with gatehouse.with_settings(max_message_bytes=1000) as strict:
        for length, is_let_through in ((1000, True), (1001, False)):
            async with socket(strict) as over:
                over.send('{"type": "ping", "payload": {"é": ""}}'.ljust(length - 1))
                if is_let_through:
                    assert (await over.receive())["type"] == "pong"
                else:
                    assert await over.closed() == 1009


async def test_the_first_message_comes_in_time(gatehouse: Gatehouse) -> None:
    """Whatever else is said meanwhile; and once the key is known, it may be silent as long as it likes."""
    async with gatehouse.with_settings(init_seconds=0.3) as strict:
        async with socket(strict) as over:
            over.send({"type": "ping"})
            assert await over.closed() == 4408
        async with socket(strict) as over:
            await over.initialised(await strict.key())
            await asyncio.sleep(0.4)
            assert (await over.ask("1", WHO))["type"] == "next"


async def test_who_takes_nothing_off_is_cut_off(gatehouse: Gatehouse) -> None:
    """In time it goes on as if nothing had been; too late it may connect anew, behind its last cursor."""
    async with gatehouse.with_settings(send_seconds=0.5) as strict:
        for pause, is_let_go_on in ((0.1, True), (0.8, False)):
            async with socket(strict) as over:
                await over.initialised(await strict.key())
                over.stop_reading()
                over.subscribe("1", WHO)
                await asyncio.sleep(pause)
                over.go_on_reading()
                if is_let_go_on:
                    assert (await over.receive())["type"] == "next"
                else:
                    assert await over.closed() == 1013


async def test_the_allowance_is_that_of_the_key(gatehouse: Gatehouse) -> None:
    """What is asked over a websocket is taken from what may be asked over HTTP, and the other way round."""
    async with gatehouse.with_settings(points_per_minute=200, max_cost=200) as strict, socket(strict) as over:
        await over.initialised(await strict.key("SUPPORT"))
        query = "{ ticketRequests(first: 90) { nodes { id } } }"
        first = await over.ask("1", query)
        assert first["payload"]["extensions"]["cost"]["requested"] > 100
        assert codes(await over.ask("2", query)) == ["RATE_LIMITED"]
        body = await strict.ask(query, role="SUPPORT")
        assert [error["extensions"]["code"] for error in body["errors"]] == ["RATE_LIMITED"]


async def test_an_operation_that_takes_too_long_is_stopped(gatehouse: Gatehouse) -> None:
    """Its connection is given back, and so is its id. Here it waits for a slot that somebody else holds."""
    park = Park(gatehouse)
    tour = await park.sellable()
    async with gatehouse.with_settings(operation_seconds=0.3) as strict, socket(strict) as over:
        await over.initialised(await gatehouse.key("WEB_STORE"))
        query = """mutation ($lines: [TicketRequestLineInput!]!) {
          ticketRequestCreateInWebStore(input: {lines: $lines}) { refusals { code } } }"""
        async with gatehouse.database.writing() as write:
            await write.run_text("UPDATE time_slot SET sold_places = sold_places")
            assert codes(await over.ask("1", query, {"lines": [tour.line()]})) == ["STOPPED"]
        assert (await over.ask("1", query, {"lines": [tour.line()]}))["type"] == "next"


# ---------------------------------------------------------------------------------------------------- end


async def test_a_server_that_stops_says_so(gatehouse: Gatehouse) -> None:
    """1001, with which clients come back; nobody new is let in."""
    async with gatehouse.with_settings() as stopping, socket(stopping) as over:
        await over.initialised(await stopping.key())
        over.subscribe("1", EVENTS)
        await stopping.app.state.connections.close()
        assert await over.closed() == 1001
        assert stopping.app.state.feed.followers == 0
        with pytest.raises(Denied) as denied:
            async with socket(stopping):
                pass
        assert denied.value.status == 503


async def test_nothing_goes_on_when_the_client_has_gone(gatehouse: Gatehouse) -> None:
    """The database fixture sees to it that every connection has been given back."""
    async with socket(gatehouse) as over:
        await over.initialised(await gatehouse.key())
        for number in range(5):
            over.subscribe(f"{number}", EVENTS if number % 2 else "{ ticketRequests { nodes { id } } }")
    assert gatehouse.app.state.feed.followers == 0
    assert len(gatehouse.app.state.connections) == 0
