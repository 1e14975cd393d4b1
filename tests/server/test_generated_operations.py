"""Operations that schemathesis makes up from the schema of a started server: whatever is asked, it does not fail.

Every field of Query and Mutation is asked with arguments of the right types, now and then of wrong ones. What is made
up knows nothing of what there is, so most of it is brought nearer: ids, names and numbers become such as the demo data
has, a choice of one is one, and a page goes one way. The rest stays as it is.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from random import Random
from typing import Any, cast

import graphql
import httpx
import pytest
import schemathesis
from graphql import ArgumentNode, FieldNode, IntValueNode, ListValueNode, ObjectFieldNode, StringValueNode, ValueNode
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.graphql import nodes
from sqlalchemy.engine import URL

import resolvers.demo
from db.client import Role
from db.engine import Database
from resolvers.actor import create_key
from resolvers.context import Rules
from tests.concurrency.conftest import failures
from tests.program import Served, serving

CALLERS_FAULT = {"BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"}
"""The only errors there may be: every document that is made up can be read, and ADMIN may ask for anything."""

KNOWN = """{
  ticketRequests(first: 20) { nodes {
    id token authorizationCode references { id externalOrderNo item { id itemNo } }
    tickets { nodes { id externalTicketNo ticketNo accessEntries { slot { id } } } }
  } }
  customers(first: 10) { nodes { id customerNo name } }
  admissions(first: 10) { nodes { id code } }
  schedules(first: 5) { nodes { id code } }
  calendars(first: 5) { nodes { id code } }
}"""
TOLD_AS = {
    "admissionCode": "code",
    "scheduleCode": "code",
    "calendarCode": "code",
    "externalTicketNos": "externalTicketNo",
    "scanned": "externalTicketNo",
    "text": "externalTicketNo",
    "ids": "id",
    "slotId": "id",
}
"""Inputs whose values are told under another name."""

FEW = {"first", "last", "quantity"}
"""Inputs of which all but a few are far too many."""

CURSORS = ("after", "before")
AS_MADE_UP = 0.2
"""How often what was made up stays as it was."""

Operation = schemathesis.APIOperation[Any, Any, Any, Any]

ZONES: Any = st.sampled_from((UTC, timezone(timedelta(hours=14)), timezone(timedelta(minutes=-570))))
LATELY = {"min_value": datetime(2026, 1, 1), "max_value": datetime(2032, 1, 1)}
SCALARS = {
    "Date": st.dates(),
    "DateTime": (st.datetimes(timezones=ZONES) | st.datetimes(**LATELY, timezones=ZONES)).map(datetime.isoformat),
    "Time": st.times(datetime.min.time(), datetime.max.time().replace(microsecond=0)),
    "Decimal": st.decimals(allow_nan=False, allow_infinity=False) | st.decimals(0, 999, places=2),
}
for name, values in SCALARS.items():
    schemathesis.graphql.scalar(name, values.map(str).map(nodes.String))


class Nearer(graphql.Visitor):
    """Turns arguments into such as may find something."""

    def __init__(self, types: graphql.TypeInfo, known: Mapping[str, Sequence[str]], random: Random) -> None:
        super().__init__()
        self._types, self._known, self._random = types, known, random

    def enter_field(self, node: FieldNode, *_: Any) -> FieldNode | None:
        arguments = node.arguments or ()
        dropped = {*CURSORS, self._random.choice(("first", "last"))}
        kept = tuple(argument for argument in arguments if argument.name.value not in dropped)
        return replace(node, arguments=kept) if len(kept) < len(arguments) else None

    def enter_object_value(self, node: graphql.ObjectValueNode, *_: Any) -> graphql.ObjectValueNode | None:
        kind = graphql.get_named_type(self._types.get_input_type())
        is_choice = isinstance(kind, graphql.GraphQLInputObjectType) and kind.is_one_of
        told = [field for field in node.fields or () if not isinstance(field.value, graphql.NullValueNode)]
        return replace(node, fields=(self._random.choice(told),)) if is_choice and told else None

    def enter_argument(self, node: ArgumentNode, *_: Any) -> ArgumentNode:
        return replace(node, value=self._nearer(node.name.value, node.value))

    def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> ObjectFieldNode:
        return replace(node, value=self._nearer(node.name.value, node.value))

    def _nearer(self, name: str, value: ValueNode) -> ValueNode:
        if isinstance(value, ListValueNode):
            return replace(value, values=tuple(self._nearer(name, one) for one in value.values))
        if self._random.random() < AS_MADE_UP:
            return value
        if isinstance(value, IntValueNode) and name in FEW:
            return replace(value, value=str(self._random.randint(1, 4)))
        known = self._known.get(TOLD_AS.get(name, name))
        is_text = isinstance(value, StringValueNode | IntValueNode)
        return StringValueNode(value=self._random.choice(known)) if is_text and known else value


class Asker:
    """Someone at the server with a key of ADMIN, and what they have seen."""

    def __init__(self, served: Served) -> None:
        self._served = served
        key = {"Authorization": f"Bearer {served.keys['ADMIN']}"}
        self._http = httpx.Client(base_url=served.url, headers=key, timeout=60)
        self.schema = schemathesis.graphql.from_url(f"{served.url}/graphql", headers=key)
        self.operations: list[Operation] = [cast("Any", found).ok() for found in self.schema.get_all_operations()]
        self.types: graphql.GraphQLSchema = graphql.build_client_schema(cast("Any", self.schema.raw_schema))
        self.known: defaultdict[str, list[str]] = defaultdict(list)
        known = self.ask(KNOWN)
        assert "errors" not in known, known
        self._note(known["data"])
        self.seen: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def ask(self, query: str) -> dict[str, Any]:
        response = self._http.post("/graphql", json={"query": query})
        assert response.status_code == 200, (response.text, query)
        body: dict[str, Any] = response.json()
        return body

    def try_out(self, operation: Operation, query: str, seed: int) -> None:
        random = Random(seed)
        if random.random() > AS_MADE_UP:
            types = graphql.TypeInfo(self.types)
            nearer = graphql.TypeInfoVisitor(types, Nearer(types, self.known, random))
            query = graphql.print_ast(graphql.visit(graphql.parse(query), nearer))
        body = self.ask(query)
        codes = {error["extensions"]["code"] for error in body.get("errors", ())}
        assert codes <= CALLERS_FAULT, (body["errors"], query)
        self.seen[operation.label][" ".join(sorted(codes)) or "answered"] += 1

    def _note(self, answer: Any, name: str = "") -> None:
        if isinstance(answer, dict):
            for name, value in answer.items():
                self._note(value, name)
        elif isinstance(answer, list):
            for value in answer:
                self._note(value, name)
        elif answer is not None:
            self.known[name].append(answer)


@pytest.fixture
async def full(database: Database, database_url: URL, tmp_path: Path) -> AsyncIterator[Served]:
    """A server over demo data."""
    await resolvers.demo.load(database, Rules(), requests=60, progress=lambda done, total: None)
    async with database.writing() as write:
        key = await create_key(write, "Whoever", Role.ADMIN, await write.clock())
    address = database_url.render_as_string(hide_password=False)
    with serving("serve", folder=tmp_path, DATABASE_URL=address) as served:
        served.keys["ADMIN"] = key
        yield served


def try_out(served: Served, examples: int) -> dict[str, Counter[str]]:
    """So many examples of every operation, the same every time; answers what became of them, by operation."""
    asker = Asker(served)
    for operation in asker.operations:
        try_out_one(asker, operation, examples)
    assert len(asker.seen) == len(asker.operations)
    assert failures(served.folder / "stderr") == []
    return asker.seen


def try_out_one(asker: Asker, operation: Operation, examples: int) -> None:
    well, badly = operation.as_strategy(), operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.one_of(well, well, well, badly), st.integers(0, 2**32))
    def holds(case: schemathesis.Case[Any], seed: int) -> None:
        asker.try_out(operation, str(case.body), seed)

    holds()


def test_whatever_operation_is_made_up_the_server_does_not_fail(full: Served) -> None:
    seen = try_out(full, 5)
    assert sum(outcomes["answered"] for outcomes in seen.values()) > 5 * len(seen) / 4


@pytest.mark.prove
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("template", "examples"), [("sqlite", 200), ("postgresql", 30)], indirect=["template"])
def test_hundreds_of_examples_of_each_operation_do_not_fail(full: Served, examples: int) -> None:
    seen = try_out(full, examples)
    assert {operation for operation, outcomes in seen.items() if not outcomes["answered"]} == set()
