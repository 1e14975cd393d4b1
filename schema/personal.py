"""What is personal: tagged with ``@personal``, and masked, searched and filtered by the tag and by nothing else.

The tag says which values are personal; ``resolvers.policy`` (READ_PERSONAL) says who sees whose. On a field of an
object it masks; a condition of a filter that has it matches only rows whose values the caller may see, and so does a
search for what a value of ``FindField`` stands for. A field that is tagged and not masked keeps the server from
starting.
"""

from collections.abc import Mapping
from enum import Enum
from operator import attrgetter
from typing import Any

import strawberry
from graphql import GraphQLObjectType, GraphQLSchema
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.schema_directive import Location

from .relations import reads


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.INPUT_FIELD_DEFINITION, Location.ENUM_VALUE],
    description="What a guest told about themselves, or what lets who has it act as the guest. An answer has it for "
    "those only who may see it, and null for all others: ADMIN and SUPPORT see it, a POS and a web store that of their "
    "own sales and customers, a GATE never. A condition on it matches, and a search for it finds, only where the "
    "caller may see it. When it is shown to ADMIN or SUPPORT, that is recorded as VIEWED.",
)
class Personal:
    pass


PERSONAL = Personal()

OF_VIEWS = ("id", "request_id")
"""What ``Context.shows`` keeps a row for: whose it is. A row has one of them, or both."""


def is_personal(declared: Any) -> bool:
    """Whether a field, an input field or an enum's value, as Strawberry declares it, is tagged."""
    return any(isinstance(directive, Personal) for directive in declared.directives)


def personal(name: str, owner: str = "client_id", *, description: str) -> Any:
    """A field that only those may see who may see what that client's guests told it; null for all others."""
    value, owned_by = attrgetter(name), attrgetter(owner)

    def resolve(root: Any, info: strawberry.Info) -> Any:
        found, context = value(root), info.context
        if found is None or not context.may_see_personal(owned_by(root)):
            return None
        context.shows(root)
        return found

    resolve.__annotations__ = {"info": strawberry.Info, "return": str | None}
    return masked(resolve, description=description, metadata=reads(name, owner, *OF_VIEWS))


def masked(resolve: Any, *, description: str, metadata: Mapping[str, Any] = {}) -> Any:
    """A field that is tagged, and whose resolver says null to those who may not see it."""
    told = {"is_masked": True, **metadata}
    return strawberry.field(resolver=resolve, description=description, directives=[PERSONAL], metadata=told)


def personal_input(*, description: str) -> Any:
    """A field of an input that may be left out, and is tagged."""
    return strawberry.field(default=strawberry.UNSET, description=description, directives=[PERSONAL])


def tag(kind: type[Enum], *names: str) -> None:
    """Tag values of an enum that is part of the schema."""
    values = {value.name: value for value in kind.__strawberry_definition__.values}  # type: ignore[attr-defined]
    for name in names:
        values[name].directives = [PERSONAL]


def values_of(kind: type[Enum]) -> frozenset[Any]:
    """The members of an enum that are tagged."""
    definition: Any = kind.__strawberry_definition__  # type: ignore[attr-defined]
    return frozenset(kind[value.name] for value in definition.values if is_personal(value))


def fields_of(kind: Any) -> dict[str, Any]:
    """The fields of an object or an input type that are tagged, by their names in the schema."""
    fields: Mapping[str, Any] = kind.fields
    declared = {name: field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF) for name, field in fields.items()}
    return {name: field for name, field in declared.items() if field is not None and is_personal(field)}


def check_masks(schema: GraphQLSchema) -> None:
    """Raise TypeError unless every field of an object that is tagged is masked, and the other way round."""
    for kind in schema.type_map.values():
        if not isinstance(kind, GraphQLObjectType):
            continue
        tagged = fields_of(kind)
        for name, field in kind.fields.items():
            declared = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
            is_masked = declared is not None and bool(declared.metadata.get("is_masked"))
            if is_masked != (name in tagged):
                raise TypeError(f"{kind.name}.{name} must be both tagged with @personal and masked, or neither")
