"""GraphQL over HTTP: the audits of the specification, and what they leave out."""

import asyncio
import http.client
import json
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from db.client import Role
from resolvers.actor import create_key
from tests import node, program
from tests.conftest import Kept
from tests.harness import Gatehouse
from tests.program import Served

QUERY = "{ viewer { role } }"
RESPONSE_JSON = "application/graphql-response+json"


@pytest.fixture
def template(sqlite_database: Kept) -> Kept:
    """What is asked here is the same for either database: SQLite will do."""
    return sqlite_database


def test_every_audit_of_the_specification_passes(served: Served) -> None:
    """All 61 of the package graphql-http, with its SHOULDs and MAYs."""
    results = json.loads(node.run("audits.mjs", f"{served.url}/graphql", served.keys["SUPPORT"]))
    assert [result for result in results if result[2] != "ok"] == []
    assert len(results) == 61


async def headers(gatehouse: Gatehouse, role: str = "SUPPORT", **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {await gatehouse.key(role)}"} | {k.replace("_", "-"): v for k, v in more.items()}


def is_error(response: httpx.Response, status: int, code: str = "BAD_REQUEST") -> bool:
    """Whatever goes wrong is told in JSON, as GraphQL tells it, in a form that nobody may keep."""
    assert response.headers["content-type"].split(";")[0] in ("application/json", RESPONSE_JSON)
    assert response.headers["cache-control"] == "no-store"
    (error,) = response.json()["errors"]
    assert "data" not in response.json()
    return (response.status_code, error["extensions"]["code"]) == (status, code)


async def test_a_query_may_be_asked_with_get(gatehouse: Gatehouse) -> None:
    question = {
        "query": "query A($id: ID!) { node(id: $id) { id } } query B { viewer { role } }",
        "operationName": "B",
        "variables": "",
        "extensions": "{}",
    }
    response = await gatehouse.http.get("/graphql", params=question, headers=await headers(gatehouse))
    assert response.json()["data"] == {"viewer": {"role": "SUPPORT"}}
    assert response.headers["cache-control"] == "no-store"


WRONG_GETS = [
    "",
    "query=",
    "query=%FF",
    "query=a&query=b",
    "query={x}&variables={",
    "query={x}&variables=[]",
    "query={x}&variables=NaN",
    "query={x}&extensions=1",
    "query={x}&" + "&".join(f"a{n}=" for n in range(101)),
]


async def test_a_wrong_get_is_told_what_is_wrong(gatehouse: Gatehouse) -> None:
    for query_string in WRONG_GETS:
        accept = await headers(gatehouse, accept=RESPONSE_JSON)
        response = await gatehouse.http.get(f"/graphql?{query_string}", headers=accept)
        assert response.status_code == 400
        assert response.json()["errors"][0]["message"]


async def test_a_query_string_is_bounded(gatehouse: Gatehouse) -> None:
    async with gatehouse.with_settings(max_body_bytes=1_000) as strict:
        known = await headers(strict)
        query = QUERY.replace(" ", "")
        for padding, status in (
            (1_000 - len("query=&x=") - len(query), 200),
            (1_001 - len("query=&x=") - len(query), 414),
        ):
            response = await strict.http.get(f"/graphql?query={query}&x={'x' * padding}", headers=known)
            assert response.status_code == status


async def test_a_mutation_is_never_run_by_get(gatehouse: Gatehouse) -> None:
    for accept in ["application/json", RESPONSE_JSON]:
        mutation = 'mutation { customerUpsert(input: {customerNo: "C-1"}) { customer { id } } }'
        known = await headers(gatehouse, accept=accept)
        response = await gatehouse.http.get("/graphql", params={"query": mutation}, headers=known)
        assert is_error(response, 405, "METHOD_NOT_ALLOWED")
        assert response.headers["allow"] == "POST"
        assert (await gatehouse.data("{ customers { nodes { id } } }"))["customers"]["nodes"] == []


async def test_other_methods_are_not_answered(gatehouse: Gatehouse) -> None:
    for method in ["PUT", "PATCH", "DELETE", "OPTIONS"]:
        response = await gatehouse.http.request(method, "/graphql")
        assert is_error(response, 405)
        assert response.headers["allow"] == "GET, POST"


ACCEPTED = [
    ("*/*", "application/json"),
    ("application/*", "application/json"),
    ("text/html, application/xhtml+xml, */*;q=0.8", "application/json"),
    (f"{RESPONSE_JSON}, application/json;q=0.9", RESPONSE_JSON),
    (f"application/json;q=0.9, {RESPONSE_JSON}", RESPONSE_JSON),
    (f"{RESPONSE_JSON}; charset=utf-8; q=0.5, application/json; q=0.4", RESPONSE_JSON),
    (f"{RESPONSE_JSON};q=0, application/json;q=0.001", "application/json"),
    ("APPLICATION/JSON", "application/json"),
]


async def test_the_answer_comes_in_what_is_liked_best(gatehouse: Gatehouse) -> None:
    for accept, answered in ACCEPTED:
        response = await gatehouse.http.post(
            "/graphql", json={"query": QUERY}, headers=await headers(gatehouse, accept=accept)
        )
        assert response.headers["content-type"].split(";")[0] == answered
        assert response.json()["data"] == {"viewer": {"role": "SUPPORT"}}


async def test_other_answers_are_not_given(gatehouse: Gatehouse) -> None:
    for accept in ["text/html", "", f"{RESPONSE_JSON};q=0", "application/json;q=x", "image/*, */json"]:
        response = await gatehouse.http.post(
            "/graphql", json={"query": QUERY}, headers=await headers(gatehouse, accept=accept)
        )
        assert is_error(response, 406)


CONTENT_TYPES = [
    ("application/json", 200),
    ("Application/JSON; Charset=UTF-8", 200),
    ('application/json; charset="utf-8"; x=y', 200),
    ("application/json; charset=latin-1", 415),
    ("application/graphql", 415),
    ("text/plain", 415),
    ("application/x-www-form-urlencoded", 415),
    ("multipart/form-data; boundary=x", 415),
    ("", 415),
]


async def test_a_question_is_json(gatehouse: Gatehouse) -> None:
    """What a form of another site can send without asking first is not among it."""
    for content_type, status in CONTENT_TYPES:
        response = await gatehouse.http.post(
            "/graphql",
            content=json.dumps({"query": QUERY}),
            headers=await headers(gatehouse, content_type=content_type),
        )
        assert response.status_code == status
        assert status == 200 or is_error(response, status)


async def test_a_packed_question_is_not_unpacked(gatehouse: Gatehouse) -> None:
    known = await headers(gatehouse, content_type="application/json", content_encoding="gzip")
    assert is_error(await gatehouse.http.post("/graphql", content=b"x", headers=known), 415)


WRONG_BODIES: list[bytes] = [
    b"",
    b"null",
    b"[]",
    b'[{"query": "{ viewer { role } }"}]',
    b"{",
    b"\xff",
    b'{"query": NaN}',
    b'{"query": "{ x }", "variables": {"a": "\\u0000"}}',
    b'{"query": "{ x }", "variables": {"\\u0000": 1}}',
    b'{"query": "{ x }", "variables": ' + b'{"a":' * 900 + b'"\\u0000"' + b"}" * 900 + b"}",
    b'{"query": "{ x }", "variables": ' + b'{"a":' * 9_000 + b"1" + b"}" * 9_000 + b"}",
    b'{"query": "{ x }", "variables": {"a": [' + b"1," * 10_000 + b"1]}}",
]


async def test_a_wrong_body_is_told_what_is_wrong(gatehouse: Gatehouse) -> None:
    for body in WRONG_BODIES:
        known = await headers(gatehouse, content_type="application/json")
        assert is_error(await gatehouse.http.post("/graphql", content=body, headers=known), 400)


FOREIGN = [
    ({"sec-fetch-site": "cross-site", "origin": "https://evil.example"}, 403),
    ({"sec-fetch-site": "cross-site"}, 403),
    ({"sec-fetch-site": "same-site", "origin": "http://other.localhost"}, 403),
    ({"origin": "https://evil.example"}, 403),
    ({"origin": "null"}, 403),
    ({"origin": "http://[x"}, 403),
    ({"origin": "http://localhost"}, 200),
    ({"sec-fetch-site": "same-origin", "origin": "http://localhost"}, 200),
    ({"sec-fetch-site": "none"}, 200),
    ({"origin": "https://shop.example"}, 200),
    ({"sec-fetch-site": "cross-site", "origin": "https://shop.example"}, 200),
    ({}, 200),
]


async def test_pages_of_other_sites_are_not_answered(gatehouse: Gatehouse) -> None:
    """By GET or POST, whatever key they have; unless their origin is on the list."""
    for sent, status in FOREIGN:
        async with gatehouse.with_settings(
            cors_origins="https://shop.example, https://till.example:8443"
        ) as open_to_shop:
            known = await headers(open_to_shop) | sent
            for response in (
                await open_to_shop.http.get("/graphql", params={"query": QUERY}, headers=known),
                await open_to_shop.http.post("/graphql", json={"query": QUERY}, headers=known),
            ):
                assert response.status_code == status
                assert status == 200 or is_error(response, status, "FORBIDDEN")
                allowed = response.headers.get("access-control-allow-origin")
                assert allowed == ("https://shop.example" if "shop" in sent.get("origin", "") else None)
                assert "access-control-allow-credentials" not in response.headers


def test_what_a_server_answers_such_a_page_may_read(tmp_path: Path) -> None:
    """Over a connection that stays, too, on which the server knows the head of the second request."""
    assert program.run("migrate", folder=tmp_path).returncode == 0
    asking = {"Origin": "https://shop.example", "Content-Type": "application/json"}
    with program.serving("serve", folder=tmp_path, CORS_ORIGINS=asking["Origin"]) as served:
        connection = http.client.HTTPConnection(served.url.removeprefix("http://"), timeout=20)
        for _ in range(3):
            connection.request("POST", "/graphql", b'{"query":"{ __typename }"}', asking)
            response = connection.getresponse()
            assert b"UNAUTHENTICATED" in response.read()
            assert response.headers.get_all("access-control-allow-origin") == [asking["Origin"]]
            assert response.headers.get_all("x-frame-options") == ["DENY"]
            assert "Origin" in response.headers["vary"]
        connection.close()


async def test_a_browser_may_ask_first(gatehouse: Gatehouse) -> None:
    for origin, status in [("https://shop.example", 200), ("https://evil.example", 400)]:
        asking = {
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, content-type",
        }
        async with gatehouse.with_settings(cors_origins="https://shop.example") as open_to_shop:
            response = await open_to_shop.http.options("/graphql", headers=asking)
        assert response.status_code == status
        assert response.headers.get_list("x-frame-options") == ["DENY"]
        assert response.headers.get("access-control-allow-origin") == (origin if status == 200 else None)


WAYS: list[tuple[str, dict[str, Any]]] = [
    ("POST", {"json": {"query": QUERY}}),
    ("POST", {"json": {"query": QUERY}, "headers": {"accept": RESPONSE_JSON}}),
    ("POST", {"json": {"query": QUERY}, "headers": {"accept": "text/event-stream"}}),
    ("POST", {"json": {"query": "{ nonsense }"}}),
    ("POST", {"json": {"query": QUERY}, "headers": {"host": "evil.example"}}),
    ("POST", {"json": {"query": QUERY}, "headers": {"origin": "https://shop.example"}}),
    ("POST", {"json": {"query": QUERY}, "headers": {"origin": "https://evil.example"}}),
    ("POST", {"content": b"x" * 1_000_001, "headers": {"content-type": "application/json"}}),
    ("POST", {"content": b"{}", "headers": {"content-type": "text/plain"}}),
    ("GET", {"params": {"query": QUERY}}),
    ("GET", {}),
    ("HEAD", {}),
    ("PUT", {}),
    ("TRACE", {}),
    ("OPTIONS", {"headers": {"origin": "https://shop.example", "access-control-request-method": "POST"}}),
]


async def test_the_short_way_answers_as_the_long_one(gatehouse: Gatehouse) -> None:
    """A request under another root path finds its way through Starlette's routes, and to the same answer."""
    for origins in ("", "https://shop.example"):
        async with gatehouse.with_settings(cors_origins=origins) as asked:
            known = await headers(asked)
            transport = httpx.ASGITransport(asked.app, root_path="/elsewhere")
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as other:
                for method, said in WAYS:
                    told = said | {"headers": known | said.get("headers", {})}
                    short, long = [await one.request(method, "/graphql", **told) for one in (asked.http, other)]
                    assert (short.status_code, short.headers, short.text) == (
                        long.status_code,
                        long.headers,
                        long.text,
                    )


async def test_headers_that_are_remembered_say_what_they_said_the_first_time(gatehouse: Gatehouse) -> None:
    """The protocol hands a tuple of them, and the same one each time; what was answered is not remembered."""

    async def remembering(scope: Any, receive: Any, send: Any) -> None:
        await gatehouse.app({**scope, "headers": tuple(scope["headers"])}, receive, send)

    async with gatehouse.database.writing() as write:
        now = await write.clock()
        key = await create_key(write, "Till", Role.POS, now, now + timedelta(days=1))
    known = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(remembering), base_url="http://localhost") as often:
        for method, said in WAYS:
            told = said | {"headers": known | said.get("headers", {})}
            once, *again = [
                await one.request(method, "/graphql", **told) for one in (gatehouse.http, often, often, gatehouse.http)
            ]
            for one in again:
                assert (once.status_code, once.headers, once.text) == (one.status_code, one.headers, one.text)
        gatehouse.database.clock_offset = timedelta(days=1)
        assert is_error(await often.post("/graphql", json={"query": QUERY}, headers=known), 401, "UNAUTHENTICATED")


async def test_of_a_header_that_comes_twice_the_first_counts(gatehouse: Gatehouse) -> None:
    known = [("Authorization", f"Bearer {await gatehouse.key(role)}") for role in ("SUPPORT", "POS")]
    response = await gatehouse.http.post("/graphql", json={"query": QUERY}, headers=known)
    assert response.json()["data"] == {"viewer": {"role": "SUPPORT"}}


async def test_a_question_that_does_not_arrive_is_not_waited_for(gatehouse: Gatehouse) -> None:
    async with gatehouse.with_settings(operation_seconds=0.2) as hasty:

        async def without_end() -> AsyncIterator[bytes]:
            yield b'{"query": '
            await asyncio.sleep(60)

        known = await headers(hasty, content_type="application/json")
        response = await hasty.http.post("/graphql", content=without_end(), headers=known)
        assert is_error(response, 408)
        assert response.headers["connection"] == "close"


async def test_a_question_that_arrives_slowly_has_all_its_time(gatehouse: Gatehouse) -> None:
    """From when it is there as a whole."""
    async with gatehouse.with_settings(operation_seconds=0.6) as hasty:

        async def slowly() -> AsyncIterator[bytes]:
            for part in ('{"query": ', f'"{QUERY}"', "}"):
                yield part.encode()
                await asyncio.sleep(0.19)

        known = await headers(hasty, content_type="application/json")
        response = await hasty.http.post("/graphql", content=slowly(), headers=known)
        assert response.json()["data"] == {"viewer": {"role": "SUPPORT"}}


async def test_what_a_stranger_sends_is_not_even_read(gatehouse: Gatehouse) -> None:
    response = await gatehouse.http.post("/graphql", content=b"x" * 2_000_000)
    assert is_error(response, 401, "UNAUTHENTICATED")


async def test_a_key_is_taken_from_the_header_only(gatehouse: Gatehouse) -> None:
    key = await gatehouse.key()
    response = await gatehouse.http.get("/graphql", params={"query": QUERY, "key": key, "access_token": key})
    assert is_error(response, 401, "UNAUTHENTICATED")
    assert response.headers["www-authenticate"] == "Bearer"


def ask_raw(served: Served, *parts: bytes) -> bytes:
    """Send these bytes and answer what comes back, until the server is silent or hangs up."""
    address = urlsplit(served.url)
    with socket.create_connection((address.hostname, address.port or 80), timeout=5) as connection:
        for part in parts:
            connection.sendall(part)
        answer = b""
        while b"}]}" not in answer:
            answer += connection.recv(65_536)
        return answer


def head(served: Served, **fields: Any) -> bytes:
    told = {
        "Host": "localhost",
        "Content-Type": "application/json",
        "Authorization": f"Bearer {served.keys['ADMIN']}",
    } | fields
    return ("POST /graphql HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in told.items()) + "\r\n").encode()


def test_who_sends_too_much_gets_to_read_why(served: Served) -> None:
    """A client that sends its whole body before it reads; the connection serves its next question."""
    known = {"Authorization": f"Bearer {served.keys['ADMIN']}", "Content-Type": "application/json"}
    with httpx.Client(base_url=served.url, headers=known) as client:
        for body in (b"x" * 5_000_000, (b"x" * 100_000 for _ in range(50))):
            response = client.post("/graphql", content=body)
            assert is_error(response, 413)
            assert "at most 1000000 bytes" in response.text
        assert client.post("/graphql", json={"query": QUERY}).status_code == 200


def test_who_asks_before_sending_too_much_need_not_send_it(served: Served) -> None:
    answer = ask_raw(served, head(served, **{"Content-Length": 2_000_000, "Expect": "100-continue"}))
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_who_means_to_send_without_end_is_cut_off(served: Served) -> None:
    answer = ask_raw(served, head(served, **{"Content-Length": 10**15}))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer.lower()
