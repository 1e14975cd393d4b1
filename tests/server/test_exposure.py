"""What the server lets out: the schema, hints about it, its pages, and itself only under its own names."""

import json

import pytest
import structlog
from graphql import get_introspection_query
from sqlalchemy import text

from db.client import Role
from tests.conftest import Kept
from tests.harness import Gatehouse

HEADERS = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.fixture
def template(sqlite_database: Kept) -> Kept:
    """What is asked here is the same for either database: SQLite will do."""
    return sqlite_database


async def may_introspect(gatehouse: Gatehouse, query: str = get_introspection_query()) -> set[str]:
    roles = set()
    for role in Role:
        body = await gatehouse.ask(query, role=role)
        if "errors" in body:
            assert [error["extensions"]["code"] for error in body["errors"]] == ["FORBIDDEN"]
        else:
            roles.add(role.value)
    return roles


async def test_the_schema_is_shown_to_those_who_use_graphiql(gatehouse: Gatehouse) -> None:
    """However it is asked for; everybody may ask for the name of a type in passing."""
    assert await may_introspect(gatehouse) == {"ADMIN", "SUPPORT"}
    hidden = 'query A { ... on Query { ...F } } fragment F on Query { x: __type(name: "Query") { name } }'
    assert await may_introspect(gatehouse, hidden) == {"ADMIN", "SUPPORT"}
    assert await may_introspect(gatehouse, "{ __typename viewer { __typename } }") == set(Role)


async def test_the_operator_decides_who_sees_the_schema(gatehouse: Gatehouse) -> None:
    async with gatehouse.with_settings(introspection_roles="POS") as other:
        assert await may_introspect(other) == {"POS"}
    async with gatehouse.with_settings(environment="development") as other:
        assert await may_introspect(other) == set(Role)


GUESSES = [
    ("{ viewr { client } }", None),
    ("{ viewer { clint } }", None),
    ("{ ticketRequests(frst: 1) { nodes { id } } }", None),
    ('{ ticketRequests(where: { tokn: "x" }) { nodes { id } } }', None),
    ("query ($w: TicketRequestWhere) { ticketRequests(where: $w) { nodes { id } } }", {"w": {"tokn": "x"}}),
    ("query ($w: TicketRequestWhere) { ticketRequests(where: $w) { nodes { id } } }", {"w": {"status": ["CONFIRMD"]}}),
    ("query ($w: TicketRequestWher) { ticketRequests(where: $w) { nodes { id } } }", None),
]


@pytest.mark.parametrize(("query", "variables"), GUESSES)
async def test_a_guess_is_helped_along_in_development_only(
    gatehouse: Gatehouse, query: str, variables: dict[str, object] | None
) -> None:
    assert "Did you mean" not in json.dumps(await gatehouse.ask(query, variables))
    async with gatehouse.with_settings(environment="development") as helpful:
        assert "Did you mean" in json.dumps(await helpful.ask(query, variables))


async def test_a_failure_of_ours_shows_an_id_and_nothing_else(gatehouse: Gatehouse) -> None:
    """The id is in the log too, beside what went wrong."""
    await gatehouse.key()
    async with gatehouse.database.writing() as write:
        await write.run(text("ALTER TABLE customer RENAME TO secret_customer"))
    try:
        with structlog.testing.capture_logs() as logged:
            body = await gatehouse.ask("{ customers { nodes { id } } }")
    finally:
        async with gatehouse.database.writing() as write:
            await write.run(text("ALTER TABLE secret_customer RENAME TO customer"))
    (error,) = body["errors"]
    assert error["extensions"].keys() == {"code", "errorId"}
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert "no such table" not in json.dumps(body)
    (failed,) = (line for line in logged if line["event"] == "failed")
    assert failed["error_id"] == error["extensions"]["errorId"]


async def test_every_answer_tells_browsers_to_be_strict(gatehouse: Gatehouse) -> None:
    for path in ("/graphql", "/healthz", "/readyz", "/nowhere", "/"):
        response = await gatehouse.http.get(path)
        assert {name: response.headers.get_list(name) for name in HEADERS} == {n: [v] for n, v in HEADERS.items()}
    refused = await gatehouse.http.get("/graphql", headers={"Host": "evil.example"})
    assert {name: refused.headers.get(name) for name in HEADERS} == HEADERS
    page = await gatehouse.http.get("/graphiql")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["x-frame-options"] == "DENY"


async def test_graphiql_can_be_left_out(gatehouse: Gatehouse) -> None:
    async with gatehouse.with_settings(graphiql=False) as bare:
        for path in ("/", "/graphiql", "/graphiql/assets/app.js"):
            assert (await bare.http.get(path)).status_code == 404


HOSTS = [
    ("localhost", True),
    ("LOCALHOST:8000", True),
    ("127.0.0.1:8000", True),
    ("[::1]:8000", True),
    ("[::1]", True),
    ("evil.example", False),
    ("localhost.evil.example", False),
    ("", False),
    ("localhost:8000:1", False),
    ("[::2]:8000", False),
]
LISTED = [
    ("tickets.example", True),
    ("tickets.example:443", True),
    ("a.b.museum.example", True),
    ("museum.example", False),
    ("evilmuseum.example", False),
    ("localhost", False),
]


async def test_it_answers_under_its_own_names_only(gatehouse: Gatehouse) -> None:
    async def answered(app: Gatehouse, host: str) -> bool:
        response = await app.http.get("/graphql", headers={"Host": host})
        assert response.status_code in (401, 421)
        assert response.json()["errors"]
        assert (await app.http.get("/healthz", headers={"Host": host})).status_code == 200
        return response.status_code == 401

    assert [(host, await answered(gatehouse, host)) for host, _ in HOSTS] == HOSTS
    async with gatehouse.with_settings(allowed_hosts="tickets.example, *.museum.example") as named:
        assert [(host, await answered(named, host)) for host, _ in LISTED] == LISTED
    async with gatehouse.with_settings(allowed_hosts="*", environment="development") as anybody:
        assert await answered(anybody, "evil.example")
