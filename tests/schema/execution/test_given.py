"""What operations and fields are given: the functions made of it answer what graphql-core and Strawberry answer."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    OperationDefinitionNode,
    build_schema,
    get_argument_values,
    get_named_type,
    get_variable_values,
    is_list_type,
    is_non_null_type,
    parse,
)
from graphql.execution.values import VariableValues
from graphql.pyutils import Undefined
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import convert_arguments

import schema.root
from schema.execution import given
from schema.execution.given import COERCION_ERRORS

SCHEMA = schema.root.graphql_schema
KNOWN: Any = schema.root.schema
FIELDS = {
    f"{kind.name}.{name}": field
    for kind in SCHEMA.type_map.values()
    if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__")
    for name, field in kind.fields.items()
    if field.args
}
SCALARS: dict[str, list[Any]] = {
    "String": ["", "x", "null"],
    "ID": ["x", 7],
    "Int": [0, 2**31 - 1],
    "Boolean": [True, False],
    "Date": ["2026-11-23"],
    "Time": ["09:30"],
    "DateTime": ["2026-11-23T09:30:00Z"],
    "Decimal": ["12.50", 3],
}
MISFITS: list[Any] = [None, "x", 1.5, 2**40, True, [], [[None]], {}, {"none": 1}, "2026-13-01"]


class Giver:
    """Values by chance, seldom ones that do not fit."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.variables: list[tuple[str, Any]] = []
        """The types of the variables in literals."""

    def often(self, probability: float) -> bool:
        return self.chance.random() < probability

    def value(self, type_: Any, misfits: float = 0.03) -> Any:
        """As JSON has it."""
        if self.often(misfits):
            return self.chance.choice(MISFITS)
        if is_non_null_type(type_):
            type_ = type_.of_type
        elif self.often(0.1):
            return None
        if is_list_type(type_):
            if self.often(0.2):
                return self.value(type_.of_type, misfits)
            return [self.value(type_.of_type, misfits) for _ in range(self.chance.randrange(3))]
        if isinstance(type_, GraphQLInputObjectType):
            return {name: self.value(field.type, misfits) for name, field in self.fields(type_)}
        if isinstance(type_, GraphQLEnumType):
            return self.chance.choice(list(type_.values))
        return self.chance.choice(SCALARS[type_.name])

    def fields(self, type_: GraphQLInputObjectType) -> Iterator[tuple[str, Any]]:
        fields = list(type_.fields.items())
        if type_.is_one_of and self.often(0.95):
            yield self.chance.choice(fields)
            return
        yield from ((name, one) for name, one in fields if is_non_null_type(one.type) or self.often(0.3))

    def literal(self, type_: Any) -> str:
        """As a document has it, sometimes by a variable."""
        if self.often(0.3):
            named, name = type_, f"v{len(self.variables)}"
            if is_non_null_type(type_) and self.often(0.1):
                named = type_.of_type
            self.variables.append((name, named))
            return f"${name}"
        nullable = type_.of_type if is_non_null_type(type_) else type_
        if is_list_type(nullable) and self.often(0.8):
            return f"[{', '.join(self.literal(nullable.of_type) for _ in range(self.chance.randrange(3)))}]"
        if isinstance(nullable, GraphQLInputObjectType):
            inside = ", ".join(f"{name}: {self.literal(field.type)}" for name, field in self.fields(nullable))
            return f"{{{inside}}}"
        return written(self.value(nullable, misfits=0.02), get_named_type(nullable))

    def operation(self, name: str, field: GraphQLField) -> OperationDefinitionNode:
        """One that asks for the field."""
        said = ", ".join(
            f"{argument}: {self.literal(one.type)}"
            for argument, one in field.args.items()
            if self.often(0.7) or is_non_null_type(one.type)
        )
        asked = f"{name}({said})" if said else name
        definitions = ", ".join(f"${variable}: {type_}{self.default(type_)}" for variable, type_ in self.variables)
        text = f"query ({definitions}) {{ {asked} }}" if definitions else f"{{ {asked} }}"
        (node,) = parse(text).definitions
        assert isinstance(node, OperationDefinitionNode)
        return node

    def default(self, type_: Any) -> str:
        if is_non_null_type(type_) or self.often(0.6):
            return ""
        return f" = {written(self.value(type_), get_named_type(type_))}"

    def variable_values(self) -> dict[str, Any]:
        return {name: self.value(type_) for name, type_ in self.variables if self.often(0.85)}


def written(value: Any, named: Any) -> str:
    """A value of a type of that name as a document has it."""
    if isinstance(value, dict):
        fields = named.fields if isinstance(named, GraphQLInputObjectType) else {}
        types = {name: get_named_type(fields[name].type) if name in fields else named for name in value}
        return f"{{{', '.join(f'{name}: {written(one, types[name])}' for name, one in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(written(one, named) for one in value)}]"
    if isinstance(value, str):
        return value if isinstance(named, GraphQLEnumType) and value in named.values else f'"{value}"'
    return (
        {None: "null", True: "true", False: "false"}.get(value, str(value))
        if value in (None, True, False)
        else str(value)
    )


def told(answer: Callable[..., Any], *arguments: Any) -> Any:
    """What comes of it, mistakes as they are told; else the value."""
    try:
        found = answer(*arguments)
    except GraphQLError as wrong:
        return wrong.message
    if isinstance(found, list):
        return [wrong.message for wrong in found]
    return exactly(found.coerced if isinstance(found, VariableValues) else found)


def exactly(value: Any) -> Any:
    """The same for what is the same, in the same order; True is not 1."""
    if isinstance(value, dict):
        return [(name, exactly(one)) for name, one in value.items()]
    return [exactly(one) for one in value] if isinstance(value, list) else repr(value)


def sources(found: Any) -> Any:
    return {name: (str(one.signature.type), one.value) for name, one in found.sources.items()}


@pytest.mark.parametrize("name", FIELDS)
def test_variables_and_arguments_are_what_graphql_core_makes_of_them(name: str) -> None:
    """Of every field; and what does not fit is told in its words."""
    field, fitting = FIELDS[name], 0
    for seed in range(60):
        giver = Giver(seed)
        node = giver.operation(name.partition(".")[2], field)
        (asked,) = node.selection_set.selections
        assert isinstance(asked, FieldNode)
        variables, reader = given.Variables(SCHEMA, node), given.arguments(field, asked)
        for _ in range(4):
            values = giver.variable_values()
            with_care = (SCHEMA, node.variable_definitions or (), values, COERCION_ERRORS)
            assert told(variables.of, values) == told(get_variable_values, *with_care)
            expected, found = get_variable_values(*with_care), variables.of(values)
            if isinstance(expected, list) or isinstance(found, list):
                continue
            assert sources(found) == sources(expected)
            assert told(reader, found) == told(get_argument_values, field, asked, expected)
            fitting += 1
    assert fitting > 60


def test_what_is_made_of_a_type_is_made_once_for_all_documents() -> None:
    """Every document has types of its own where something is a list, or not null."""
    for kind in ("TicketRequestCreateInWebStoreInput!", "[[Int!]!]"):
        for _ in range(2):
            (node,) = parse(f"query ($x: {kind}) {{ __typename }}").definitions
            assert isinstance(node, OperationDefinitionNode)
            before = given._named_coercer.cache_info().misses
            given.Variables(SCHEMA, node)
        assert given._named_coercer.cache_info().misses == before


@pytest.mark.parametrize("depth", [0, 1, 20, 100_000])
def test_what_may_be_nested_without_end_is_counted(depth: int) -> None:
    """It does not exhaust the stack; and what is not too deep is taken."""
    kind = build_schema(
        "type Query { found(where: Where): Int } input Where { not: Where, all: [Where!], any: Int = 1 }"
    )
    (node,) = parse("query ($where: Where) { found(where: $where) }").definitions
    assert isinstance(node, OperationDefinitionNode)
    where: dict[str, Any] = {}
    for i in range(depth):
        where = {"not": where} if i % 2 else {"all": [where]}
    values = {"where": where}
    found = told(given.Variables(kind, node).of, values)
    assert found == told(get_variable_values, kind, node.variable_definitions or (), values, COERCION_ERRORS)
    assert (found == ["Variable values are nested too deeply."]) == (depth > 20)


@pytest.mark.parametrize("name", FIELDS)
def test_resolvers_are_given_what_strawberry_gives_them(name: str) -> None:
    """Inputs of the same class, with the same left out; lists that nobody else has."""
    field = FIELDS[name]
    declared = field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
    convert = given.converter(KNOWN, declared)
    for seed in range(60):
        giver = Giver(seed)
        chosen = {name: one for name, one in field.args.items() if giver.often(0.8)}
        raw = {name: giver.value(one.type, misfits=0) for name, one in chosen.items()}
        coerced = {name: given._coercer(chosen[name].type)(value) for name, value in raw.items()}
        if Undefined in coerced.values():
            continue
        registry = KNOWN.schema_converter.scalar_registry
        expected = convert_arguments(coerced, declared.arguments, scalar_registry=registry, config=KNOWN.config)
        found = convert(coerced)
        assert repr(found) == repr(expected)
        assert not any(value is one for value in coerced.values() for one in found.values() if isinstance(one, list))
