"""Nothing that a guest, a key or a person's desk told us is in a log, whatever is asked and whatever goes wrong.

Everything that could be personal has a mark in it. A server that was started by uvicorn's own command, at debug and
with its access log, is asked every question of the stories and every mutation, well and badly, with and without a right
to, over every transport, also while the database refuses what is written.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import websockets
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
)

from db.client import Role
from db.engine import Database
from resolvers.actor import create_key
from schema.node import global_id
from schema.root import graphql_schema
from tests.make import making
from tests.program import Served, serving
from tests.stories.test_stories import STORIES, question

MARK = "zq"
"""Stands in nothing that is no mark: ids of errors, keys and documents are hexadecimal."""

DIGITS = "73124455"
VALUES = {
    "email": "zqada@zqmail.example",
    "phone": f"+999 {DIGITS}",
    "name": "Zqada Zqlovelace",
    "ticketHolderName": "Zqada Zqlovelace",
    "authorizationCode": "ZQ12-CODE",
    "customerNo": "ZQ-C-1",
    "token": "zq-token-1",
    "externalTicketNo": "ZQ-T-1",
    "scanned": "ZQ-T-1",
    "reason": "zqada called and cried",
}
LITERALS = {"Int": 1, "Boolean": True, "Date": "2030-05-17", "Time": "09:00", "Decimal": "12.50"}


def filled(kind: GraphQLInputType, name: str) -> Any:
    """A value of an input type in which everything is given, and every text has a mark."""
    if isinstance(kind, GraphQLNonNull):
        return filled(kind.of_type, name)
    if isinstance(kind, GraphQLList):
        return [filled(kind.of_type, name)]
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    if isinstance(kind, GraphQLInputObjectType):
        fields = dict(kind.fields)
        if kind.is_one_of:
            last = list(fields)[-1]
            fields = {last: fields[last]}
        return {field: filled(given.type, field) for field, given in fields.items()}
    if kind.name == "DateTime":
        return "2030-05-17T09:00:00Z"
    if kind.name == "ID":
        return global_id("TimeSlot", 1)
    return LITERALS.get(kind.name, VALUES.get(name, f"zq {name}"))


def literal(value: Any) -> str:
    """The same in a document. Of enums and texts, both a text: a document that does not fit is asked, too."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {literal(one)}" for name, one in value.items()) + "}"
    return orjson.dumps(value).decode()


def selection(kind: Any, depth: int = 2) -> str:
    named = get_named_type(kind)
    if is_leaf_type(named):
        return ""
    if not isinstance(named, GraphQLObjectType) or not depth:
        return "{ __typename }"
    parts = [
        f"{name} {selection(field.type, depth - 1)}"
        for name, field in named.fields.items()
        if not any(isinstance(given.type, GraphQLNonNull) for given in field.args.values())
    ]
    return "{ " + " ".join(parts) + " }"


def operations() -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Every mutation by variables and by literals, and what of the stories and the queries takes a text."""
    mutations, queries = graphql_schema.mutation_type, graphql_schema.query_type
    assert mutations is not None
    assert queries is not None
    for name, field in mutations.fields.items():
        given = {argument: filled(one.type, argument) for argument, one in field.args.items()}
        declared = ", ".join(f"${argument}: {field.args[argument].type}" for argument in given)
        passed = ", ".join(f"{argument}: ${argument}" for argument in given)
        yield f"mutation M({declared}) {{ {name}({passed}) {selection(field.type)} }}", given
        literals = ", ".join(f"{argument}: {literal(value)}" for argument, value in given.items())
        yield f"mutation L {{ {name}({literals}) {{ refusals {{ message }} }} }}", None
        wrong = {
            argument: "zqada"
            if is_leaf_type(get_named_type(field.args[argument].type))
            else value | {"email": 5, "zqnothing": "zqvalue"}
            for argument, value in given.items()
        }
        yield f"mutation W({declared}) {{ {name}({passed}) {{ __typename }} }}", wrong
    for name, field in queries.fields.items():
        given = {argument: filled(one.type, argument) for argument, one in field.args.items()}
        for paging in ("last", "before"):
            given.pop(paging, None)
        if "after" in given:
            given["after"] = "zq cursor"
        declared = ", ".join(f"${argument}: {field.args[argument].type}" for argument in given)
        passed = ", ".join(f"{argument}: ${argument}" for argument in given)
        head = f"query Q({declared})" if declared else "query Q"
        yield f"{head} {{ {name}{f'({passed})' if passed else ''} {selection(field.type)} }}", given
        given.pop("after", None)
        yield f"{head} {{ {name}{f'({passed})' if passed else ''} {selection(field.type)} }}", given
    for story in STORIES:
        told = orjson.loads((story / "story.json").read_bytes()).get("variables") or {}
        marked = {
            name: VALUES.get(name, "zq@zq.example") if isinstance(one, str) else one for name, one in told.items()
        }
        yield question(story), marked
    yield '{ find(text: "zqlovelace") { hits { matchedValue } } }', None
    yield '{ zqfield(email: "zqada@zqmail.example") { id } }', None
    yield '{ find(text: "zqada@zqmail.example"', None
    yield "query ($zq: Zqtype) { viewer { client } }", {"zq": "zqvalue"}


async def seed(database: Database) -> dict[str, str]:
    """A guest with a mark in all that is theirs; answers a key of each role."""
    async with making(database) as make:
        shop = await make.client("shop", Role.WEB_STORE)
        castle = await make.admission("ZQ-ADMISSION")
        item = await make.item("zq itemNo", castle, contents={"revoke_policy": "ALWAYS"})
        person = {"email": VALUES["email"], "phone": VALUES["phone"]}
        await make.customer(VALUES["customerNo"], shop, name=VALUES["name"], **person)
        holder = {"ticket_holder_name": VALUES["name"], "authorization_code": VALUES["authorizationCode"], **person}
        request = await make.request(shop, VALUES["token"], customer_no=VALUES["customerNo"], **holder)
        await make.ticket(await make.line(request, item), VALUES["externalTicketNo"])
        now = await make.write.clock()
        return {role.value: await create_key(make.write, f"one {role}", role, now) for role in Role}


@asynccontextmanager
async def refusing(database: Database) -> AsyncIterator[None]:
    """The database refuses to change customers and requests, and repeats in its error what it was given."""
    tables = ("customer", "ticket_request")
    if database.dialect == "postgresql":
        make = [f"ALTER TABLE {table} ADD CONSTRAINT refuse CHECK (email IS NULL) NOT VALID" for table in tables]
        undo = [f"ALTER TABLE {table} DROP CONSTRAINT refuse" for table in tables]
    else:
        raised = "SELECT RAISE(ABORT, 'zqada is in the way')"
        make = [f"CREATE TRIGGER refuse_{name} BEFORE UPDATE ON {name} BEGIN {raised}; END" for name in tables]
        undo = [f"DROP TRIGGER refuse_{name}" for name in tables]
    await run(database, make)
    try:
        yield
    finally:
        await run(database, undo)


async def run(database: Database, statements: list[str]) -> None:
    async with database.writing() as write:
        for statement in statements:
            await write.run_text(statement)


REFUSED = """
mutation Refused($customer: CustomerUpsertInput!, $holder: TicketRequestHolderChangeInput!) {
  customerUpsert(input: $customer) { refusals { code } }
  ticketRequestHolderChange(input: $holder) { refusals { code } }
}
"""
CHANGED = {
    "customer": {"customerNo": VALUES["customerNo"], "name": "Zqgrace"},
    "holder": {"token": VALUES["token"], "holder": {"email": "zqgrace@zqmail.example", "phone": VALUES["phone"]}},
}


async def ask_everything(http: httpx.AsyncClient, keys: Mapping[str, str], codes: set[str]) -> None:
    """Every operation, as ADMIN, and every mutation as GATE; their errors are noted."""

    async def ask(role: str, **request: Any) -> None:
        response = await http.request(
            headers={"Authorization": f"Bearer {keys[role]}"} | request.pop("headers", {}),
            **{"method": "POST", "url": "/graphql"} | request,
        )
        assert response.status_code != 500, response.text
        if "json" in response.headers["content-type"]:
            codes.update(error["extensions"]["code"] for error in response.json().get("errors", ()))

    for query, variables in operations():
        for role in ("ADMIN", "GATE") if query.startswith("mutation M") else ("ADMIN",):
            await ask(role, json={"query": query, "variables": variables})
    asked = {"query": "query ($text: String!) { find(text: $text) { hint } }", "variables": '{"text": "zqada"}'}
    await ask("ADMIN", method="GET", params=asked)
    await ask("ADMIN", method="GET", params=asked | {"variables": "zqada"})
    await ask("ADMIN", method="GET", url="/export/tickets.csv", params={"email": VALUES["email"]})
    await ask("ADMIN", method="GET", url="/export/tickets.csv", params={"zqada": VALUES["email"]})
    await ask("ADMIN", content=b'{"query": "zqada', headers={"Content-Type": "application/json"})
    await ask("ADMIN", content=b"zqada", headers={"Content-Type": "text/zqplain"})
    await ask("ADMIN", json={"query": "{ viewer { client } }"}, headers={"Origin": "https://zqada.example"})
    await ask("ADMIN", json={"query": "{ viewer { client } }"}, headers={"Authorization": "Bearer gh_zqid_zqsecret"})
    await ask("ADMIN", json={"query": "{ viewer { client } }"}, headers={"Host": "zqada.example"})


async def talk(url: str, key: str) -> None:
    """Over a websocket: the key is sent in a message, and so is all that is asked."""
    address = url.replace("http", "ws") + "/graphql"
    query = {"query": "query ($t: String!) { find(text: $t) { hits { matchedValue } } }", "variables": {"t": "zqada"}}
    async with websockets.connect(address, subprotocols=[websockets.Subprotocol("graphql-transport-ws")]) as socket:
        for message in (
            {"type": "connection_init", "payload": {"authorization": f"Bearer {key}"}},
            {"type": "subscribe", "id": "1", "payload": query},
            {"type": "subscribe", "id": "2", "payload": {"query": "{ zqada }"}},
        ):
            await socket.send(orjson.dumps(message).decode())
        answers = [orjson.loads(await socket.recv()) for _ in range(4)]
        assert {answer["type"] for answer in answers} == {"connection_ack", "next", "complete", "error"}
        await socket.send("zqada is no message")
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()


@pytest.mark.parametrize("template", ["postgresql", pytest.param("sqlite", marks=pytest.mark.prove)], indirect=True)
async def test_nothing_that_was_told_is_in_the_log(database: Database, tmp_path: Path) -> None:
    keys = await seed(database)
    url = database.url.render_as_string(hide_password=False)
    uvicorn = ("server:app_of_environment", "--factory", "--log-level", "debug")
    codes: set[str] = set()
    with serving(*uvicorn, folder=tmp_path, module="uvicorn", DATABASE_URL=url, LOG_LEVEL="debug") as served:
        async with httpx.AsyncClient(base_url=served.url, timeout=60) as http:
            async with refusing(database):
                headers = {"Authorization": f"Bearer {keys['ADMIN']}"}
                failed = await http.post("/graphql", json={"query": REFUSED, "variables": CHANGED}, headers=headers)
            ids = [error["extensions"]["errorId"] for error in failed.json()["errors"]]
            await ask_everything(http, keys, codes)
        await talk(served.url, keys["ADMIN"])
    check(served, keys, ids)
    expected = {"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT", "FORBIDDEN", "UNAUTHENTICATED"}
    assert codes >= expected


def check(served: Served, keys: Mapping[str, str], ids: list[str]) -> None:
    """No mark is in what was logged; but what belongs there is, and was written by the loggers that might say more."""
    log = served.log + served.output
    lines = [line for line in log.splitlines() if MARK in line.lower() or DIGITS in line or DIGITS[::-1] in line]
    assert lines == []
    assert [role for role, key in keys.items() if key.split("_", 2)[2] in log] == []
    assert len(ids) == 2
    assert all(error_id in log for error_id in ids)
    assert ("CheckViolation" in log) or ("SQLITE_CONSTRAINT" in log)
    assert log.count('"event":"operation"') > 100
    assert '"actor":"one ADMIN"' in log
    accesses = [line for line in log.splitlines() if '"logger":"uvicorn.access"' in line]
    assert len(accesses) > 100
    assert any("GET /export/tickets.csv HTTP" in line for line in accesses)
