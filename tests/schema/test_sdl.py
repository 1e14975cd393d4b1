"""The printed schema: checked in, described to the last word, and true to the contract.

``contract.graphql`` is the public contract that clients are written against. What of it is not built yet stands in
``not_yet_built.txt``: building it shrinks the list.
"""

from collections.abc import Iterator
from pathlib import Path

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    is_introspection_type,
    is_required_argument,
    is_required_input_field,
    is_specified_scalar_type,
)

from schema.root import graphql_schema, schema

PRINTED = Path(__file__).parents[2] / "schema" / "schema.graphql"
CONTRACT = Path(__file__).parent / "contract.graphql"

NOT_YET = (Path(__file__).parent / "not_yet_built.txt").read_text(encoding="utf-8").split()


def test_the_printed_schema_is_checked_in() -> None:
    """Print it anew with ``.venv/bin/python server.py schema > schema/schema.graphql``, and read what changed."""
    assert PRINTED.read_text(encoding="utf-8") == schema.as_str() + "\n"


def own_types(of: GraphQLSchema) -> Iterator[GraphQLNamedType]:
    for kind in of.type_map.values():
        if not is_introspection_type(kind) and not is_specified_scalar_type(kind):
            yield kind


def test_everything_is_described() -> None:
    """Every type, field, argument, input field and enum value, in a sentence."""
    bare = []
    for kind in own_types(graphql_schema):
        described = {kind.name: kind.description}
        if isinstance(kind, GraphQLEnumType):
            described |= {f"{kind.name}.{name}": value.description for name, value in kind.values.items()}
        if isinstance(kind, GraphQLInputObjectType):
            described |= {f"{kind.name}.{name}": field.description for name, field in kind.fields.items()}
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for name, field in kind.fields.items():
                described[f"{kind.name}.{name}"] = field.description
                described |= {f"{kind.name}.{name}({arg})": a.description for arg, a in field.args.items()}
        bare += [name for name, description in described.items() if not (description or "").strip()]
    assert bare == []


def is_required(given: GraphQLArgument | GraphQLInputField) -> bool:
    return is_required_argument(given) if isinstance(given, GraphQLArgument) else is_required_input_field(given)


def inputs_broken(
    place: str,
    promised: dict[str, GraphQLArgument] | dict[str, GraphQLInputField],
    ours: dict[str, GraphQLArgument] | dict[str, GraphQLInputField],
) -> Iterator[str]:
    for name, given in promised.items():
        if name not in ours:
            yield f"{place}.{name} is missing"
        elif str(ours[name].type) != str(given.type):
            yield f"{place}.{name} is {ours[name].type}, not {given.type}"
    for name in ours.keys() - promised.keys():
        if is_required(ours[name]):
            yield f"{place}.{name} is new and required"


def broken(promised: GraphQLNamedType, ours: GraphQLNamedType) -> Iterator[str]:
    """What of a type is renamed, missing or otherwise than promised."""
    name = promised.name
    if type(promised) is not type(ours):
        yield f"{name} is another kind of type"
    elif isinstance(promised, GraphQLEnumType) and isinstance(ours, GraphQLEnumType):
        yield from (f"{name}.{value} is missing" for value in promised.values.keys() - ours.values.keys())
    elif isinstance(promised, GraphQLScalarType) and isinstance(ours, GraphQLScalarType):
        if promised.specified_by_url != ours.specified_by_url:
            yield f"{name} is specified elsewhere"
    elif isinstance(promised, GraphQLUnionType) and isinstance(ours, GraphQLUnionType):
        missing = {kind.name for kind in promised.types} - {kind.name for kind in ours.types}
        yield from (f"{name} is never {kind}" for kind in missing)
    elif isinstance(promised, GraphQLInputObjectType) and isinstance(ours, GraphQLInputObjectType):
        if promised.is_one_of != ours.is_one_of:
            yield f"{name} is @oneOf on one side only"
        yield from inputs_broken(name, promised.fields, ours.fields)
    elif isinstance(promised, GraphQLObjectType | GraphQLInterfaceType) and isinstance(
        ours, GraphQLObjectType | GraphQLInterfaceType
    ):
        missing = {kind.name for kind in promised.interfaces} - {kind.name for kind in ours.interfaces}
        yield from (f"{name} does not implement {kind}" for kind in missing)
        for field_name, field in promised.fields.items():
            place = f"{name}.{field_name}"
            if field_name not in ours.fields:
                yield f"{place} is missing"
                continue
            if str(ours.fields[field_name].type) != str(field.type):
                yield f"{place} is {ours.fields[field_name].type}, not {field.type}"
            yield from inputs_broken(place, field.args, ours.fields[field_name].args)


def test_the_contract_is_kept() -> None:
    """Nothing of it is renamed, removed or made stricter; nothing new is required of callers."""
    contract, printed = (build_schema(path.read_text(encoding="utf-8")) for path in (CONTRACT, PRINTED))
    problems: list[str] = []
    for promised in own_types(contract):
        ours = printed.type_map.get(promised.name)
        problems += [f"{promised.name} is missing"] if ours is None else broken(promised, ours)
    assert sorted(problems) == sorted(f"{name} is missing" for name in NOT_YET)
