"""Documents that nobody would write: what the two executors must answer alike.

    document, variables = Questions(random, ids, texts).operation()

Valid by construction, nearly: whoever uses one validates it first. Aliases tell arguments apart, so that fields of one
name merge where they may; fragments are named or inline, on types, interfaces and unions; @skip and @include go by
literals and variables; ids and texts are mostly such as are in the database.
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_enum_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
)

DEPTH = 6
FIELDS = 40
"""About as many as an operation has: enough to meet each other, few enough to be read when they fail."""

PAGING = ("first", "after", "last", "before")
LIKELY = {"first": 0.5, "last": 0.5, "after": 0.05, "before": 0.05, "where": 0.1}
SWITCHES = {"yes": True, "no": False, "left_out": True}
MOMENTS = ("2030-05-17T09:00:00Z", "2030-05-18T00:00:00+02:00", "2026-01-01T00:00:00Z")


class Questions:
    """Makes operations over a schema. ``ids`` are global ids by type name, ``texts`` values by the name of an input."""

    def __init__(
        self,
        schema: GraphQLSchema,
        random: Random,
        ids: Mapping[str, Sequence[str]],
        texts: Mapping[str, Sequence[str]],
    ) -> None:
        self._schema = schema
        self._random = random
        self._ids = ids
        self._texts = texts
        self._fragments: dict[str, tuple[str, str]] = {}
        self._variables: dict[str, tuple[str, Any]] = {}
        self._arguments: dict[tuple[str, str], int] = {}
        self._fields = 0
        self._kinds: list[str] = []

    def operation(self) -> tuple[str, dict[str, Any]]:
        """A query and its variables."""
        assert self._schema.query_type is not None
        selections = self._selections(self._schema.query_type, 0)
        fragments = "\n".join(f"fragment {name} on {on} {body}" for name, (on, body) in self._fragments.items())
        given = {name: value for name, (_, value) in self._variables.items() if name != "left_out"}
        declared = " ".join(
            f"${name}: {type_}" + (" = true" if name == "left_out" else "")
            for name, (type_, _) in self._variables.items()
        )
        return f"query Q{f'({declared})' if declared else ''} {selections}\n{fragments}", given

    # --------------------------------------------------------------------------------------------- selections

    def _selections(self, kind: Any, depth: int) -> str:
        most = 1 if self._fields > FIELDS else 4
        found = [self._selection(kind, depth) for _ in range(self._random.randint(1, most))]
        return "{ " + " ".join(found) + " }"

    def _selection(self, kind: Any, depth: int) -> str:
        chosen = self._random.random()
        if chosen < 0.12 or (is_abstract_type(kind) and chosen < 0.75):
            on = self._random.choice(self._conditions(kind))
            return f"...{f' on {on.name}' if on else ''}{self._directive()} {self._selections(on or kind, depth)}"
        if chosen < 0.2 and depth:
            return f"...{self._fragment(kind, depth)}{self._directive()}"
        fields = {
            name: field for name, field in getattr(kind, "fields", {}).items() if self._may_be_asked(field, depth)
        }
        name = self._random.choice([*fields, "__typename"])
        self._fields += 1
        if name == "__typename":
            return f"{self._random.choice(('', 'kindOfIt: '))}__typename{self._directive()}"
        return self._field(name, fields[name], depth)

    def _may_be_asked(self, field: GraphQLField, depth: int) -> bool:
        return (depth < DEPTH and self._fields < FIELDS) or is_leaf_type(get_named_type(field.type))

    def _field(self, name: str, field: GraphQLField, depth: int) -> str:
        arguments = self._given(field.args)
        if arguments:
            number = self._arguments.setdefault((name, arguments), len(self._arguments))
            asked = f"{name}_{number}: {name}({arguments})"
        else:
            asked = self._random.choice((name, name, f"other_{name}: {name}"))
        shown = get_named_type(field.type)
        below = "" if is_leaf_type(shown) else f" {self._selections(shown, depth + 1)}"
        return f"{asked}{self._directive()}{below}"

    def _conditions(self, kind: Any) -> list[Any]:
        if is_abstract_type(kind):
            possible = self._schema.get_possible_types(kind)
            asked_for = [one for one in possible if one.name in self._kinds]
            return asked_for if asked_for and self._random.random() < 0.8 else [*possible, kind]
        return [None, kind, *kind.interfaces]

    def _fragment(self, kind: GraphQLNamedType, depth: int) -> str:
        """An earlier fragment on that type, or a new one. One that is being written is not there yet: no circles."""
        fitting = [name for name, (on, _) in self._fragments.items() if on == kind.name]
        if fitting and self._random.random() < 0.5:
            return self._random.choice(fitting)
        body = self._selections(kind, depth + 1)
        name = f"F{len(self._fragments)}"
        self._fragments[name] = (kind.name, body)
        return name

    def _directive(self) -> str:
        if self._random.random() < 0.85:
            return ""
        switch = self._random.choice(("true", "false", "$yes", "$no", "$left_out"))
        if switch.startswith("$"):
            name = switch[1:]
            self._variables[name] = ("Boolean" if name == "left_out" else "Boolean!", SWITCHES[name])
        return f" @{self._random.choice(('skip', 'include'))}(if: {switch})"

    # ---------------------------------------------------------------------------------------------- arguments

    def _given(self, arguments: Mapping[str, GraphQLArgument]) -> str:
        given = []
        backward = self._random.random() < 0.3
        for name, argument in arguments.items():
            wanted = name in (("last", "before") if backward else ("first", "after"))
            likely = LIKELY.get(name, 0.25) if wanted or name not in PAGING else 0.02
            if is_required_argument(argument) or self._random.random() < likely:
                value = self._value(name, argument.type)
                if self._random.random() < 0.2:
                    value = self._variable(name, argument, value)
                given.append(f"{name}: {value}")
        return ", ".join(given)

    def _variable(self, name: str, argument: GraphQLArgument, literal: str) -> str:
        """A variable for what a literal says, for the scalars whose JSON is as simple."""
        named, plain = get_named_type(argument.type), str(argument.type)
        if named.name not in ("Int", "ID", "String", "Boolean") or is_list_type(argument.type) or "[" in plain:
            return literal
        value: Any = {"null": None, "true": True, "false": False}.get(literal, literal.strip('"'))
        if named.name == "Int" and isinstance(value, str):
            value = int(value)
        variable = f"{name}{len(self._variables)}"
        self._variables[variable] = (plain, value)
        return f"${variable}"

    def _value(self, name: str, type_: Any) -> str:
        if is_non_null_type(type_):
            return self._there(name, type_.of_type)
        return "null" if self._random.random() < 0.1 else self._there(name, type_)

    def _there(self, name: str, type_: Any) -> str:
        if name == "ids":
            kind = self._kind(name)
            return f"[{', '.join(self._id(kind) for _ in range(self._random.randint(0, 8)))}]"
        if is_list_type(type_):
            return f"[{', '.join(self._value(name, type_.of_type) for _ in range(self._random.randint(0, 6)))}]"
        if is_enum_type(type_):
            return str(self._random.choice(list(type_.values)))
        if is_input_object_type(type_):
            return self._input(type_)
        match type_.name:
            case "ID":
                return self._id(self._kind(name))
            case "Int":
                return str(self._random.choice((0, 1, 2, 3, 3, 5, 5, 5, 10, 10, 100, self._random.choice((101, -1)))))
            case "Boolean":
                return self._random.choice(("true", "false"))
            case "DateTime":
                return f'"{self._random.choice(MOMENTS)}"'
            case "Date":
                return '"2030-05-17"'
            case _:
                return f'"{self._random.choice(self._texts.get(name, ("", "x")))}"'

    def _kind(self, name: str) -> str:
        kind = "TimeSlot" if name == "slotId" else self._random.choice(list(self._ids))
        self._kinds.append(kind)
        return kind

    def _id(self, kind: str) -> str:
        chosen = self._random.random()
        if chosen < 0.02:
            return self._random.choice(('""', '"nonsense"'))
        return f'"{self._random.choice(self._ids[kind if chosen < 0.9 else self._random.choice(list(self._ids))])}"'

    def _input(self, kind: GraphQLInputObjectType) -> str:
        names = list(kind.fields)
        if kind.is_one_of:
            chosen = [self._random.choice(names)]
        else:
            required = [name for name, field in kind.fields.items() if is_non_null_type(field.type)]
            chosen = list({*required, *self._random.sample(names, min(len(names), self._random.randint(0, 2)))})
        fields = ((name, kind.fields[name].type) for name in sorted(chosen))
        write = self._there if kind.is_one_of else self._value
        return "{" + ", ".join(f"{name}: {write(name, type_)}" for name, type_ in fields) + "}"
