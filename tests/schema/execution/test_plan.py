"""Plans: made once, within bounds, and not for everything."""

import json
import time
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import (
    ExecutionResult,
    GraphQLError,
    OperationDefinitionNode,
    build_schema,
    get_variable_values,
    parse,
)
from graphql.execution.values import VariableValues
from structlog.testing import capture_logs

import db.abreast
import db.driver.postgresql
import schema.root
from db.client import Role
from db.driver.union import Part, Union, union_of
from resolvers.actor import Actor
from resolvers.context import Context, Rules
from schema.execution import errors, generated, run
from schema.execution.documents import Documents, Operation
from schema.execution.limits import Limits
from schema.execution.measure import fragments_of
from schema.execution.plan import PLANS_PER_OPERATION, Plan, Plans, Unplanned
from tests.harness import Gatehouse
from tests.stories import stock
from tests.stories.test_stories import STORIES, question

SCHEMA = schema.root.graphql_schema

VIEWER = "query Q($a: Boolean!, $b: Boolean!) { viewer { client @include(if: $a) role @skip(if: $b) } }"


def operation(query: str, limits: Limits = Limits()) -> Operation:  # noqa: B008
    document = Documents(SCHEMA, limits).get(query)
    assert not document.errors, document.errors
    return next(iter(document.operations.values()))


def plan_of(asked: Operation, **variables: Any) -> Plan:
    return asked.plans.plan(VariableValues({}, variables))


def names(made: Plan) -> list[str]:
    return sorted(field.name for field in made.fields)


def test_a_plan_is_made_once_for_each_choice() -> None:
    asked = operation(VIEWER)
    made = plan_of(asked, a=True, b=False)
    assert plan_of(asked, a=True, b=False) is made
    assert names(made) == ["client", "role", "viewer"]
    assert names(plan_of(asked, a=False, b=False)) == ["role", "viewer"]


def test_choices_are_remembered_within_bounds() -> None:
    switches = [f"s{n}" for n in range(6)]
    fields = " ".join(f"f{n}: client @include(if: ${name})" for n, name in enumerate(switches))
    asked = operation(
        f"query Q({' '.join(f'${name}: Boolean!' for name in switches)}) {{ viewer {{ {fields} role }} }}"
    )
    for number in range(64):
        plan_of(asked, **{name: bool(number >> n & 1) for n, name in enumerate(switches)})
        assert len(asked.plans._plans) <= PLANS_PER_OPERATION


def test_fragments_that_spread_each_other_twice_make_no_plan_without_end() -> None:
    """Limits refuse what these 25 lines ask for; a plan would have them as often as they are written."""
    twice = "a: request {{ ...F{0} }} b: request {{ ...F{0} }}"
    body = " ".join(
        f"fragment F{n} on TicketRequest {{ references {{ tickets {{ nodes {{ {twice.format(n + 1)} }} }} }} }}"
        for n in range(25)
    )
    query = f'{{ ticketRequest(by: {{token: "x"}}) {{ ...F0 }} }} {body} fragment F25 on TicketRequest {{ id }}'
    document = parse(query)
    (asked,) = (node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    started = time.process_time()
    made = Plans(SCHEMA, asked, fragments_of(document), largest=2_000).plan(VariableValues({}, {}))
    assert len(made.fields) < 200
    assert time.process_time() - started < 2


def test_a_plan_that_would_be_too_large_is_not_made() -> None:
    asked = "{ viewer { client role } }"
    assert len(plan_of(operation(asked, Limits(plan_fields=3))).fields) == 3
    for fewer in (2, 0):
        with pytest.raises(Unplanned, match="too large"):
            plan_of(operation(asked, Limits(plan_fields=fewer)))


@pytest.mark.parametrize(
    ("query", "variables", "unplanned"),
    [
        ("{ viewer { role } }", {}, None),
        ('{ __type(name: "Query") { name } viewer { role } }', {}, "introspection"),
        ("{ ...F } fragment F on Query { __schema { queryType { name } } }", {}, "introspection"),
        (
            "query ($b: Boolean = true) { viewer { role @skip(if: $b) __typename } }",
            {"b": None},
            "null for a directive",
        ),
        ("query ($b: Boolean = true) { viewer { role @skip(if: $b) __typename } }", {}, None),
    ],
)
async def test_what_a_plan_cannot_do_is_left_to_graphql_core_and_logged(
    gatehouse: Gatehouse, query: str, variables: dict[str, Any], unplanned: str | None
) -> None:
    await gatehouse.key()
    with capture_logs() as logs:
        answer = await gatehouse.ask(query, variables)
    (line,) = (line for line in logs if line["event"] == "operation")
    assert line["unplanned"] == unplanned
    assert line["executor"] == ("graphql-core" if unplanned else "plan")
    assert answer["data"] or unplanned == "null for a directive"


QUESTIONS = {
    story.name: (question(story), json.loads((story / "story.json").read_text()).get("variables") or {})
    for story in STORIES
}


@pytest.mark.parametrize("story", QUESTIONS)
async def test_what_a_level_reads_is_one_statement(
    gatehouse: Gatehouse, story: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Statements that cannot stand in one are sent one after the other, and nobody would see it."""
    unions: list[Union | None] = []
    apart: list[int] = []

    def noted(parts: tuple[Part, ...]) -> Union | None:
        unions.append(union_of(parts))
        return unions[-1]

    async def one_by_one(connection: Any, asked: Any) -> Any:
        apart.append(len(asked))
        return await in_turn(connection, asked)

    in_turn = db.abreast._one_by_one
    monkeypatch.setattr(db.driver.postgresql, "union_of", noted)
    monkeypatch.setattr(db.abreast, "_one_by_one", one_by_one)
    await stock.fill(gatehouse)
    await gatehouse.data(*QUESTIONS[story])
    assert set(apart) <= {1}
    assert None not in unions


@pytest.mark.parametrize("story", QUESTIONS)
async def test_nothing_of_ours_goes_the_careful_way_by_mistake(gatehouse: Gatehouse, story: str) -> None:
    """That is for what is amiss: answers in which nothing is are built by generated functions."""
    await stock.fill(gatehouse)
    text, given = QUESTIONS[story]
    asked = operation(text)
    variables = get_variable_values(SCHEMA, asked.node.variable_definitions or (), given)
    assert not isinstance(variables, list)
    made = asked.plans.plan(variables)
    context = Context(gatehouse.database, Actor(1, "somebody", Role.ADMIN), Rules())
    running, origin = run.Run(made, context, variables), run.Origin(variables)
    (root,) = made.roots
    await running.read(root, [origin])
    assert not running.has_failed
    assert generated.builder(made, root)(origin, running.values) == running.built(root, origin, [])


SDL = "type Query { field(arg: Int! = 1): [Thing] } type Thing { name: String }"


async def answered(query: str, variables: dict[str, Any], things: Any) -> ExecutionResult:
    made = build_schema(SDL)
    made.type_map["Query"].fields["field"].resolve = lambda *_, **__: things  # type: ignore[attr-defined]
    made.type_map["Thing"].is_type_of = lambda value, info: isinstance(value, dict)  # type: ignore[attr-defined]
    document = Documents(made, Limits()).get(query)
    assert document.node is not None
    context: Any = SimpleNamespace(coalescer=None, loaders=SimpleNamespace(fetch=None))
    (asked,) = document.operations.values()
    return (await run.execute(made, document.node, asked, context, variables))[0]


async def test_an_argument_that_does_not_fit_is_the_callers_mistake() -> None:
    found = await answered("query ($v: Int = 1) { field(arg: $v) { name } }", {"v": None}, [])
    assert [error["extensions"]["code"] for error in errors.of_execution(found.errors or ())] == [errors.BAD_USER_INPUT]


async def test_an_object_of_another_type_is_a_failure_of_ours_and_not_shown() -> None:
    """graphql-core's own message would repeat what the object is made of."""
    found = await answered("{ field { name } }", {}, ["someone's secret"])
    assert found.data == {"field": [None]}
    core = GraphQLError("Expected value of type 'Thing' but got: 'someone's secret'.", found.errors[0].nodes)  # type: ignore[index]
    for error in (*(found.errors or ()), GraphQLError("x", path=["field", 0], original_error=core)):
        told = errors.of_execution([error])[0]
        assert told["extensions"]["code"] == errors.INTERNAL_SERVER_ERROR
        assert "secret" not in str(told)
