"""What operations and fields are given, worked out before anybody asks as far as it can be.

graphql-core looks at a variable's type and walks an argument's literal each time, and Strawberry at what it makes of
them. Here functions are made of both when a document is understood, for values that fit; of all others graphql-core
says what is wrong with them, and where. That took a fifth of the time of a question with one variable.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from functools import cache, partial
from typing import Any

import strawberry
from graphql import (
    FieldNode,
    GraphQLBoolean,
    GraphQLError,
    GraphQLField,
    GraphQLID,
    GraphQLInputObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLString,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    ValueNode,
    VariableNode,
    get_argument_values,
    get_named_type,
    get_variable_values,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
    is_required_input_field,
)
from graphql.execution import default_field_resolver
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource, input_is_nested_too_deeply
from graphql.pyutils import Undefined, is_iterable
from graphql.utilities.coerce_input_value import coerce_default_value, coerce_input_literal, coerce_input_value
from strawberry import UNSET
from strawberry.relay.types import GlobalID
from strawberry.scalars import is_scalar
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.base import StrawberryList, StrawberryMaybe, StrawberryOptional, has_object_definition
from strawberry.types.enum import StrawberryEnumDefinition, has_enum_definition
from strawberry.types.field import StrawberryField
from strawberry.types.lazy_type import LazyType

COERCION_ERRORS = 5
"""How many mistakes in the variables are told at once."""

Coerced = Mapping[str, Any]
"""Variables as the operation sees them, by their names."""

# ----------------------------------------------------------------------------------------------- variables


class Variables:
    """The variables of one operation."""

    def __init__(self, schema: GraphQLSchema, node: OperationDefinitionNode, hide_suggestions: bool = False) -> None:
        self._definitions = node.variable_definitions or ()
        self._with_care = partial(
            get_variable_values,
            schema,
            self._definitions,
            max_errors=COERCION_ERRORS,
            hide_suggestions=hide_suggestions,
        )
        signatures: list[Any] = [get_variable_signature(schema, definition) for definition in self._definitions]
        self._expected = [(signature.name, signature, _coercer(signature.type)) for signature in signatures]

    def of(self, given: Mapping[str, Any]) -> VariableValues | list[GraphQLError]:
        """What the operation sees of what it is given; or what is wrong with it."""
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        for name, signature, coerce in self._expected:
            value = given.get(name, Undefined)
            if value is Undefined:
                sources[name] = VariableValueSource(signature)
                if signature.default is None and not is_non_null_type(signature.type):
                    continue
                found = _default(signature)
            else:
                sources[name] = VariableValueSource(signature, value)
                found = coerce(value)
            if found is Undefined:
                return self._with_care(inputs=dict(given))
            coerced[name] = found
        return VariableValues(sources, coerced)


def _default(signature: Any) -> Any:
    try:
        return coerce_default_value(signature)
    except TypeError:
        return Undefined


Coerce = Callable[[Any], Any]
"""Makes the value of a type of what is given, Undefined where it cannot."""


def _coercer(type_: Any) -> Coerce:
    """What ``coerce_input_value`` does for that type, without asking each time what kind of type it is.

    A type that is among its own parts, whose values may be nested without end, is left to graphql-core, which counts.
    """
    if _is_among_its_parts(get_named_type(type_)):
        return partial(_coerced_with_care, type_)
    return _part_coercer(type_)


def _coerced_with_care(type_: Any, value: Any) -> Any:
    return Undefined if input_is_nested_too_deeply(value, type_) else coerce_input_value(value, type_)


def _part_coercer(type_: Any) -> Coerce:
    if is_non_null_type(type_):
        coerce = _part_coercer(type_.of_type)
        return lambda value: Undefined if value is None else coerce(value)
    return _list_coercer(_part_coercer(type_.of_type)) if is_list_type(type_) else _named_coercer(type_)


@cache
def _named_coercer(type_: Any) -> Coerce:
    """Made once: there is one of each name, where each document has lists and types that are not null of its own."""
    return _input_coercer(type_) if is_input_object_type(type_) else _leaf_coercer(type_)


def _list_coercer(coerce: Coerce) -> Coerce:
    def of(value: Any) -> Any:
        if value is None:
            return None
        found = [coerce(item) for item in (value if is_iterable(value) else (value,))]
        return Undefined if any(item is Undefined for item in found) else found

    return of


def _leaf_coercer(type_: Any) -> Coerce:
    python_type, coerce = _AS_THEY_ARE.get(type_), type_.coerce_input_value

    def of(value: Any) -> Any:
        if value is None or type(value) is python_type:
            return value
        try:
            return coerce(value)
        except Exception:
            return Undefined

    return of


def _input_coercer(type_: GraphQLInputObjectType) -> Coerce:
    fields = [
        (
            name,
            field.out_name or name,
            _part_coercer(field.type),
            is_required_input_field(field),
            coerce_default_value(field),
        )
        for name, field in type_.fields.items()
    ]

    def of(value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, dict):
            return Undefined
        found, unknown = {}, len(value)
        for name, out_name, coerce, is_required, missing in fields:
            if name in value:
                unknown -= 1
                part = coerce(value[name])
                if part is Undefined:
                    return Undefined
                found[out_name] = part
            elif is_required:
                return Undefined
            elif missing is not Undefined:
                found[out_name] = missing
        if unknown or (type_.is_one_of and (len(found) != 1 or None in found.values())):
            return Undefined
        return type_.out_type(found)

    return of


@cache
def _is_among_its_parts(named: Any, above: tuple[Any, ...] = ()) -> bool:
    """Whether it, or one of its parts, is."""
    if named in above:
        return True
    fields = named.fields.values() if is_input_object_type(named) else ()
    return any(_is_among_its_parts(get_named_type(field.type), (*above, named)) for field in fields)


_AS_THEY_ARE = {GraphQLString: str, GraphQLID: str, GraphQLBoolean: bool}
"""Scalars of which a value of this very type is what the operation sees."""

# ----------------------------------------------------------------------------------------------- arguments

Reader = Callable[[Coerced], Any]
"""The value of a literal, by the variables in it; Undefined where that does not fit."""


def arguments(
    definition: GraphQLField, node: FieldNode, hide_suggestions: bool = False
) -> Callable[[VariableValues], dict[str, Any]]:
    """The arguments of a field, by the variables of its operation. Raises GraphQLError for a value that does not fit.

    What is the same each time is the same object each time: it is not for changing.
    """
    if not definition.args:
        return lambda _variables: {}
    read = _object_reader(definition.args, {one.name.value: one.value for one in node.arguments or ()})

    def of(variables: VariableValues) -> dict[str, Any]:
        found = read(variables.coerced)
        if found is Undefined:
            return get_argument_values(definition, node, variables, None, hide_suggestions)
        values: dict[str, Any] = found
        return values

    return of


def _object_reader(fields: Mapping[str, Any], nodes: Mapping[str, ValueNode]) -> Reader:
    """Of the fields of an input object, or of the arguments of a field, which are given in the same way."""
    if not nodes.keys() <= fields.keys():
        return _does_not_fit
    constant: dict[str, Any] = {}
    """With a place for what varies: values come in the order in which they are declared."""
    varying: list[tuple[str, str | None, Reader, Any]] = []
    for name, field in fields.items():
        out_name, node = field.out_name or name, nodes.get(name)
        is_required = is_required_argument(field)
        try:
            missing = Undefined if is_required else coerce_default_value(field)
        except TypeError:
            return _does_not_fit
        if node is None:
            if is_required:
                return _does_not_fit
            if missing is not Undefined:
                constant[out_name] = missing
        elif _has_variables(node):
            variable = node.name.value if isinstance(node, VariableNode) and not is_required else None
            varying.append((out_name, variable, _reader(node, field.type), missing))
            constant[out_name] = None
        elif (value := coerce_input_literal(node, field.type)) is not Undefined:
            constant[out_name] = value
        else:
            return _does_not_fit

    def read(variables: Coerced) -> Any:
        found = constant.copy()
        for name, variable, read, missing in varying:
            is_missing = variable is not None and variable not in variables
            value = missing if is_missing else read(variables)
            if value is not Undefined:
                found[name] = value
            elif is_missing:
                del found[name]
            else:
                return Undefined
        return found

    return read


def _reader(node: ValueNode, type_: Any) -> Reader:
    """Of a literal in which there are variables."""
    if isinstance(node, VariableNode):
        name = node.name.value
        if is_non_null_type(type_):
            return lambda variables: Undefined if (value := variables.get(name)) is None else value
        return lambda variables: variables.get(name, Undefined)
    if is_non_null_type(type_):
        type_ = type_.of_type
    if is_list_type(type_):
        return _list_reader(node, type_.of_type)
    if is_input_object_type(type_) and isinstance(node, ObjectValueNode):
        nodes = {one.name.value: one.value for one in node.fields}
        if type_.is_one_of:
            return _one_of_reader(nodes, type_)
        read, make = _object_reader(type_.fields, nodes), type_.out_type
        return lambda variables: Undefined if (found := read(variables)) is Undefined else make(found)
    return _does_not_fit


def _one_of_reader(nodes: Mapping[str, ValueNode], type_: Any) -> Reader:
    """Of an input object of which one field is given, and not as null."""
    if len(nodes) != 1 or not nodes.keys() <= type_.fields.keys():
        return _does_not_fit
    ((name, node),) = nodes.items()
    out_name, read = type_.fields[name].out_name or name, _reader(node, type_.fields[name].type)
    is_strawberrys = GraphQLCoreConverter.DEFINITION_BACKREF in type_.extensions
    make = None if is_strawberrys else type_.out_type  # its own makes nothing, and looks once more how many are given

    def of(variables: Coerced) -> Any:
        value = read(variables)
        if value is None or value is Undefined:
            return Undefined
        return {out_name: value} if make is None else make({out_name: value})

    return of


def _list_reader(node: ValueNode, type_: Any) -> Reader:
    if not isinstance(node, ListValueNode):
        one = _reader(node, type_)
        return lambda variables: Undefined if (value := one(variables)) is Undefined else [value]
    readers = [(_reader(one, type_), isinstance(one, VariableNode)) for one in node.values]
    is_nullable = not is_non_null_type(type_)

    def of(variables: Coerced) -> Any:
        found = []
        for read, is_variable in readers:
            value = read(variables)
            if value is Undefined:
                if not (is_nullable and is_variable):
                    return Undefined
                value = None  # in a list, a variable without a value is null
            found.append(value)
        return found

    return of


def _does_not_fit(_variables: Coerced) -> Any:
    return Undefined


def _has_variables(node: ValueNode) -> bool:
    if isinstance(node, ListValueNode):
        return any(_has_variables(one) for one in node.values)
    if isinstance(node, ObjectValueNode):
        return any(_has_variables(one.value) for one in node.fields)
    return isinstance(node, VariableNode)


# --------------------------------------------------------------------------------------------- for resolvers

Convert = Callable[[Any], Any]


def resolver(schema: GraphQLSchema, definition: GraphQLField, declared: StrawberryField | None) -> Callable[..., Any]:
    """The field's resolver, to be called as graphql-core calls it, without what Strawberry looks up at each call."""
    base: Any = declared.base_resolver if declared is not None else None
    if base is None or declared is None or declared.extensions or declared.is_subscription:
        return definition.resolve or default_field_resolver
    convert = converter_of(schema, declared)
    if convert is None:
        return definition.resolve or default_field_resolver
    call, takes_itself = base.wrapped_func, bool(base.self_parameter)
    sources = [one.name for one in (base.parent_parameter, base.root_parameter) if one]
    info_name = base.info_parameter.name if base.info_parameter else None

    def resolve(source: Any, info: GraphQLResolveInfo[Any], **given: Any) -> Any:
        named = convert(given)
        for name in sources:
            named[name] = source
        if info_name is not None:
            named[info_name] = strawberry.Info(_raw_info=info, _field=declared)
        return call(source, **named) if takes_itself else call(**named)

    return resolve


def converter_of(schema: GraphQLSchema, declared: StrawberryField) -> Convert | None:
    """The same for a schema that Strawberry may know; None for what is left to Strawberry."""
    known: Any = schema.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    try:
        return None if known is None else converter(known, declared)
    except LookupError:
        return None


def converter(known: Any, declared: StrawberryField) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Makes what the field's resolver takes of the field's arguments, for a schema that Strawberry knows.

    Raises LookupError for types that are left to Strawberry.
    """
    name_of = known.config.name_converter.from_argument
    takes = {name_of(one): (one.python_name, _converter(one.type, known)) for one in declared.arguments}

    def of(given: Mapping[str, Any]) -> dict[str, Any]:
        return _converted(takes, given)

    return of


def _converted(fields: Mapping[str, tuple[str, Convert | None]], given: Mapping[str, Any]) -> dict[str, Any]:
    named = {}
    for name, value in given.items():
        python_name, convert = fields[name]
        named[python_name] = value if convert is None else convert(value)
    return named


def _converter(type_: Any, known: Any) -> Convert | None:
    """Makes of a value of that type what resolvers are given; None where they are given it as it is.

    Raises LookupError for a type that is left to Strawberry: ``strawberry.types.arguments.convert_argument`` says how
    each is converted.
    """
    if isinstance(type_, StrawberryMaybe) or type_ is GlobalID:
        raise LookupError
    if isinstance(type_, StrawberryOptional):
        return _converter(type_.of_type, known)
    if isinstance(type_, LazyType):
        return _converter(type_.resolve_type(), known)
    if isinstance(type_, StrawberryList):
        return _list_converter(_converter(type_.of_type, known))
    if is_scalar(type_, known.schema_converter.scalar_registry):
        return None
    if isinstance(type_, StrawberryEnumDefinition) or has_enum_definition(type_):
        return None
    return _input_converter(type_, known)


def _list_converter(convert: Convert | None) -> Convert:
    def of(value: Any) -> Any:
        if value is None or value is UNSET:
            return value
        return list(value) if convert is None else [convert(one) for one in value]

    return of


@cache
def _input_converter(kind: Any, known: Any) -> Convert:
    definition = kind.__strawberry_definition__ if has_object_definition(kind) else None
    if definition is None or not definition.is_input or definition.from_input is not None:
        raise LookupError
    nulls = dict.fromkeys(
        field.python_name
        for field in definition.fields
        if field.default_value is MISSING and field.default_factory is MISSING
    )
    fields = {
        known.config.name_converter.from_field(field): (
            field.python_name,
            _converter(field.resolve_type(type_definition=definition), known),
        )
        for field in definition.fields
    }

    def of(value: Any) -> Any:
        if value is None or value is UNSET:
            return value
        return kind(**(nulls | _converted(fields, value)))

    return of
