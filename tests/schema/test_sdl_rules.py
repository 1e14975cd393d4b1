"""The schema by other people's rules: graphql-eslint's, with what is waived and why, and what clients would break by.

``released.graphql`` is what clients were last promised. They run in Node: see ``tests/node``.
"""

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
)

from tests import node

SCHEMA = Path(__file__).parents[2] / "schema"
PRESENT, RELEASED = SCHEMA / "schema.graphql", SCHEMA / "released.graphql"


def lint(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(node.run("lint.mjs", str(path)))
    return found


def breaking(released: Path, present: Path) -> list[str]:
    found: list[str] = json.loads(node.run("breaking.mjs", str(released), str(present)))["breaking"]
    return found


def test_the_schema_keeps_the_recommended_and_the_relay_rules() -> None:
    """But for what ``lint.mjs`` waives, each with its reason; a waiver that is for nothing must go."""
    found = lint(PRESENT)
    assert found["problems"] == []
    assert found["unused"] == []
    assert {"@graphql-eslint/require-description", "@graphql-eslint/relay-connection-types"} <= set(found["rules"])


CARELESS = '''
"""What may be asked."""
type Query {
  things: ThingConnection
  """Described."""
  getThing: Thing
}
type Thing { thingNo: String old: Int @deprecated }
type ThingConnection { edges: [ThingEdge] pageInfo: PageInfo }
type ThingEdge { node: Thing }
type PageInfo { hasNextPage: Boolean! }
type Unreachable { id: ID! }
'''


def test_a_careless_schema_is_told_so(tmp_path: Path) -> None:
    """The control: by both sets of rules."""
    careless = tmp_path / "careless.graphql"
    careless.write_text(CARELESS)
    rules = {match[1] for problem in lint(careless)["problems"] if (match := re.search(r"\(([a-z-]+)\)$", problem))}
    recommended = {"require-description", "strict-id-in-types", "naming-convention", "no-typename-prefix"}
    relay = {"relay-arguments", "relay-edge-types", "relay-page-info"}
    assert rules >= recommended | relay | {"no-unreachable-types", "require-deprecation-reason"}


def test_nothing_breaks_what_clients_were_last_promised() -> None:
    assert breaking(RELEASED, PRESENT) == []


def test_what_would_break_them_is_told(tmp_path: Path) -> None:
    """The control. What was deprecated until a day that is over may go; what is until a later one may not."""
    present = PRESENT.read_text(encoding="utf-8")
    told = {"gone": "", "over": ' @deprecated(reason: "Until 2020-02-29: use token.")'}
    told["later"] = ' @deprecated(reason: "Until 2999-12-31: use token.")'
    fields = "".join(f"\n  payKey{name}: String{reason}" for name, reason in told.items())
    released, head = tmp_path / "released.graphql", "type TicketRequest implements Node {"
    released.write_text(present.replace(head, head + fields))
    assert released.read_text().count("payKey") == 3
    changed = tmp_path / "changed.graphql"
    stricter = re.sub(r"(enum SlotState \{[^}]*?)\n  CLOSED\n", r"\1\n  SHUT\n", present, count=1)
    stricter = stricter.replace("  dryRun: Boolean\n}", "  dryRun: Boolean!\n}", 1)
    changed.write_text(stricter)
    found = breaking(released, changed)
    assert sum("payKey" in message for message in found) == 2
    assert not any("payKeyover" in message for message in found)
    assert any("CLOSED" in message for message in found)
    assert any("dryRun" in message for message in found)
    assert len(found) == 4


# ---------------------------------------------------------------------------------------------- deprecations

REASON = re.compile(r"Until (\d{4}-\d{2}-\d{2}): \S.*\.")
"""When it goes, and what takes its place, in a sentence."""


def deprecations(of: GraphQLSchema) -> Iterator[tuple[str, str]]:
    for kind in of.type_map.values():
        members: dict[str, Any] = {}
        if isinstance(kind, GraphQLEnumType):
            members = dict(kind.values)
        elif isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            members = dict(kind.fields)
            for name, field in kind.fields.items():
                members |= {f"{name}({argument})": given for argument, given in field.args.items()}
        elif isinstance(kind, GraphQLInputObjectType):
            members = dict(kind.fields)
        for name, member in members.items():
            if member.deprecation_reason is not None:
                yield f"{kind.name}.{name}", member.deprecation_reason


def undated(of: GraphQLSchema) -> list[str]:
    """What is deprecated and does not say until when, or what to use instead."""
    found = []
    for place, reason in deprecations(of):
        match = REASON.fullmatch(reason)
        try:
            date.fromisoformat(match[1] if match else "")
        except ValueError:
            found.append(place)
    return found


def test_what_is_deprecated_says_until_when_and_what_to_use_instead() -> None:
    assert undated(build_schema(PRESENT.read_text(encoding="utf-8"))) == []


def test_a_deprecation_without_a_day_is_told() -> None:
    """The control."""
    document = """
    type Query {
      fine(old: Int @deprecated(reason: "Until 2027-01-31: use new.")): Int
      bare: Int @deprecated
      vague(old: Int @deprecated(reason: "soon")): Int @deprecated(reason: "Use other.")
      wrong: Int @deprecated(reason: "Until 2027-02-30: use other.")
    }
    input I { x: Int @deprecated(reason: "Until 2027-01-31:") }
    enum E { A @deprecated(reason: "") B }
    """
    expected = ["E.A", "I.x", "Query.bare", "Query.vague", "Query.vague(old)", "Query.wrong"]
    assert sorted(undated(build_schema(document))) == expected
