"""The specification's own examples, answered by plans as the specification answers them.

Source: GraphQL, October 2021; each case names its section.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

import orjson
import pytest
from graphql import ExecutionResult, GraphQLSchema, build_schema

from schema.execution import run
from schema.execution.documents import Documents
from schema.execution.limits import Limits

Resolvers = dict[str, Callable[..., Any]]


class Case(NamedTuple):
    """``resolvers`` are by ``Type.field``; every other field shows the key of its object."""

    name: str
    sdl: str
    resolvers: Resolvers
    query: str
    data: str
    errors: tuple[tuple[str | int, ...], ...] = ()
    variables: dict[str, Any] | None = None


def value(shown: Any) -> Callable[..., Any]:
    """A resolver that has that for an answer, later."""

    async def resolve(_root: Any, _info: Any, **_arguments: Any) -> Any:
        if isinstance(shown, Exception):
            raise shown
        return shown

    return resolve


def echo(_root: Any, _info: Any, **arguments: Any) -> str:
    """A resolver that shows what it was given."""
    return orjson.dumps(arguments).decode()


WRONG = ValueError("wrong")

USERS = """
type Query { user(id: Int): User profiles(handles: [String!]!): [Profile!] }
interface Profile { handle: String! }
type User implements Profile {
  id: ID! name: String handle: String! profilePic(width: Int, size: Int): String friends(first: Int): [User]
  mutualFriends(first: Int): [User] firstName: String }
type Page implements Profile { handle: String! likers: Int }
"""
MARK = {"id": 4, "name": "Mark Zuckerberg"}
PEOPLE = [{"id": 5, "name": "Ada", "profilePic": "5.png"}, {"id": 6, "name": None, "profilePic": "6.png"}, None]
PROFILES = [
    {"__typename": "User", "handle": "zuck", "friends": [{"name": "Ada"}]},
    {"__typename": "Page", "handle": "coca-cola", "likers": 90234512},
]
FOO = "type Query { foo: Int bar: Int baz: Int qux: Int }"
ONE_TO_FOUR: Resolvers = {f"Query.{name}": value(i) for i, name in enumerate(("foo", "bar", "baz", "qux"), 1)}

HERO = """
type Query {{ hero(episode: String): Character }}
type Character {{ name: {name} friends: {friends} id: ID! }}
"""
LUKE = {"id": "1000", "name": "Luke Skywalker"}
LEIA = {"id": "1003", "name": "Leia Organa"}
HAN = {"id": "1002", "name": WRONG}
R2D2 = {"name": "R2-D2", "friends": [LUKE, HAN, LEIA]}
FRIENDS = "query ($episode: String) { hero(episode: $episode) { name heroFriends: friends { id name } } }"

NUMBERS = """
type Query { theNumber: Int }
type Mutation { changeTheNumber(newNumber: Int!): Answer mustChangeTheNumber(newNumber: Int!): Answer! }
type Answer { theNumber: Int }
"""


def numbers() -> Resolvers:
    kept = {"theNumber": 6}

    async def change(_root: Any, _info: Any, newNumber: int) -> dict[str, int]:
        if newNumber < 0:
            raise WRONG
        kept["theNumber"] = newNumber
        return kept

    return {"Mutation.changeTheNumber": change, "Mutation.mustChangeTheNumber": change}


LISTS = "type Query {{ found: {type} }}"
ARGUMENTS = """
input Inner { a: String b: Int! }
enum Size { SMALL LARGE }
type Query {
  field(
    arg: Int, withDefault: Int = 7, list: [Int], lists: [[Int]], input: Inner, size: Size, id: ID, real: Float
  ): String
  required(arg: Int!): String
  requiredWithDefault(arg: Int! = 3): String }
"""
SCALARS = "type Query { i: Int f: Float s: String b: Boolean id: ID }"

ECHO: Resolvers = dict.fromkeys(("Query.field", "Query.required", "Query.requiredWithDefault"), echo)


def scalars(**shown: Any) -> Resolvers:
    return {f"Query.{name}": value(one) for name, one in shown.items()}


CASES = [
    # 2.7 Field alias
    Case(
        "2.7 aliases",
        USERS,
        {"Query.user": value({"id": 4, "name": "M"}), "User.profilePic": lambda *_, size: f"{size}.jpg"},
        "{ user(id: 4) { id name smallPic: profilePic(size: 64) bigPic: profilePic(size: 1024) } }",
        '{"user":{"id":"4","name":"M","smallPic":"64.jpg","bigPic":"1024.jpg"}}',
    ),
    Case(
        "2.7 an alias of a root field",
        USERS,
        {"Query.user": value(MARK)},
        "{ zuck: user(id: 4) { id name } }",
        '{"zuck":{"id":"4","name":"Mark Zuckerberg"}}',
    ),
    # 2.8 Fragments
    Case(
        "2.8 named fragments",
        USERS,
        {"Query.user": value({"friends": PEOPLE, "mutualFriends": PEOPLE[:1]})},
        """query withFragments {
              user(id: 4) { friends(first: 10) { ...friendFields } mutualFriends(first: 10) { ...friendFields } } }
            fragment friendFields on User { id name ...standardProfilePic }
            fragment standardProfilePic on User { profilePic(size: 50) }""",
        '{"user":{"friends":[{"id":"5","name":"Ada","profilePic":"5.png"},{"id":"6","name":null,"profilePic":"6.png"},null],'
        '"mutualFriends":[{"id":"5","name":"Ada","profilePic":"5.png"}]}}',
    ),
    Case(
        "2.8.1 fragments on types of an interface",
        USERS,
        {"Query.profiles": value(PROFILES)},
        """query FragmentTyping { profiles(handles: ["zuck", "coca-cola"]) { handle ...userFragment ...pageFragment } }
            fragment userFragment on User { friends { name } } fragment pageFragment on Page { likers }""",
        '{"profiles":[{"handle":"zuck","friends":[{"name":"Ada"}]},{"handle":"coca-cola","likers":90234512}]}',
    ),
    Case(
        "2.8.2 inline fragments",
        USERS,
        {"Query.profiles": value(PROFILES)},
        '{ profiles(handles: ["zuck"]) { handle ... on User { friends { name } } ... on Page { likers } __typename } }',
        '{"profiles":[{"handle":"zuck","friends":[{"name":"Ada"}],"__typename":"User"},'
        '{"handle":"coca-cola","likers":90234512,"__typename":"Page"}]}',
    ),
    *(
        Case(
            f"2.8.2 a directive on an inline fragment: {more}",
            USERS,
            {"Query.user": value({"id": 1, "firstName": "A"})},
            "query q($more: Boolean!) { user(id: 1) { id ... @include(if: $more) { firstName } } }",
            '{"user":{"id":"1","firstName":"A"}}' if more else '{"user":{"id":"1"}}',
            variables={"more": more},
        )
        for more in (True, False)
    ),
    # 3.5 Scalars: result coercion
    Case(
        "3.5 what is as good as the scalar",
        SCALARS,
        scalars(i=1.0, f=2, s=3, b=True, id=4),
        "{ i f s b id }",
        '{"i":1,"f":2.0,"s":"3","b":true,"id":"4"}',
    ),
    Case(
        "3.5 nothing and zero are something",
        SCALARS,
        scalars(i=0, f=0.0, s="", b=False, id=""),
        "{ i f s b id }",
        '{"i":0,"f":0.0,"s":"","b":false,"id":""}',
    ),
    Case("3.5.1 an Int has 32 bits", SCALARS, scalars(i=2**31), "{ i }", '{"i":null}', (("i",),)),
    Case(
        "3.5.1 and both its ends",
        SCALARS,
        scalars(i=-(2**31), f=float(2**31 - 1)),
        "{ i f }",
        '{"i":-2147483648,"f":2147483647.0}',
    ),
    Case(
        "3.5 what is no such scalar",
        SCALARS,
        scalars(i="x", f="x", s=object(), b="x", id=[]),
        "{ i f b id }",
        '{"i":null,"f":null,"b":null,"id":null}',
        (("i",), ("f",), ("b",), ("id",)),
    ),
    Case("3.5 True is 1 where a number is asked for", SCALARS, scalars(i=True, b=0), "{ i b }", '{"i":1,"b":false}'),
    # 3.6.1 Field ordering
    Case(
        "3.6.1 a fragment's fields stand where it is spread",
        FOO,
        ONE_TO_FOUR,
        "{ foo ...Frag qux } fragment Frag on Query { bar baz }",
        '{"foo":1,"bar":2,"baz":3,"qux":4}',
    ),
    Case(
        "3.6.1 a field stands where it is first met",
        FOO,
        ONE_TO_FOUR,
        "{ foo ...Matching bar } fragment Matching on Query { bar qux foo }",
        '{"foo":1,"bar":2,"qux":4}',
    ),
    Case(
        "3.6.1 what is skipped has no place", FOO, ONE_TO_FOUR, "{ foo @skip(if: true) bar foo }", '{"bar":2,"foo":1}'
    ),
    # 3.12.1 Combining list and non-null
    *(
        Case(
            f"3.12.1 {type_} of {shown!r}",
            LISTS.format(type=type_),
            {"Query.found": value(shown)},
            "{ found }",
            data,
            errors,
        )
        for type_, shown, data, errors in (
            ("[Int]", [1, 2, 3], '{"found":[1,2,3]}', ()),
            ("[Int]", None, '{"found":null}', ()),
            ("[Int]", [1, 2, None], '{"found":[1,2,null]}', ()),
            ("[Int]", [1, 2, WRONG], '{"found":[1,2,null]}', (("found", 2),)),
            ("[Int]!", None, "null", (("found",),)),
            ("[Int]!", [1, 2, None], '{"found":[1,2,null]}', ()),
            ("[Int]!", [1, 2, WRONG], '{"found":[1,2,null]}', (("found", 2),)),
            ("[Int!]", None, '{"found":null}', ()),
            ("[Int!]", [1, 2, None], '{"found":null}', (("found", 2),)),
            ("[Int!]", [1, 2, WRONG], '{"found":null}', (("found", 2),)),
            ("[Int!]!", [], '{"found":[]}', ()),
            ("[Int!]!", None, "null", (("found",),)),
            ("[Int!]!", [1, 2, None], "null", (("found", 2),)),
            ("[Int!]!", [1, 2, WRONG], "null", (("found", 2),)),
            (
                "[[Int!]]",
                [[1], None, [None], [WRONG]],
                '{"found":[[1],null,null,null]}',
                (("found", 2, 0), ("found", 3, 0)),
            ),
            ("[Int]", {1: 0, 2: 0}.keys(), '{"found":[1,2]}', ()),
            ("[Int]", 7, '{"found":null}', (("found",),)),
            ("[Int]", "12", '{"found":null}', (("found",),)),
        )
    ),
    # 3.13 Directives
    *(
        Case(
            f"3.13.1 @skip {some}, 3.13.2 @include {other}",
            FOO,
            ONE_TO_FOUR,
            "query q($some: Boolean!, $other: Boolean = true) { foo @skip(if: $some) @include(if: $other) bar }",
            '{"foo":1,"bar":2}' if other and not some else '{"bar":2}',
            variables={"some": some, "other": other},
        )
        for some in (True, False)
        for other in (True, False)
    ),
    Case(
        "3.13.2 a variable's default",
        FOO,
        ONE_TO_FOUR,
        "query q($more: Boolean = false) { foo @include(if: $more) bar }",
        '{"bar":2}',
    ),
    # 6.1.2, 6.4.1 Coercing variables and arguments
    *(
        Case(
            f"6.4.1 {asked} {variables or ''}",
            ARGUMENTS,
            ECHO,
            asked,
            f'{{"field":{orjson.dumps(shown).decode()}}}',
            (),
            variables,
        )
        for asked, variables, shown in (
            ("{ field }", None, '{"withDefault":7}'),
            ("{ field(withDefault: null) }", None, '{"withDefault":null}'),
            ("{ field(arg: null) }", None, '{"arg":null,"withDefault":7}'),
            ("query ($v: Int) { field(arg: $v) }", None, '{"withDefault":7}'),
            ("query ($v: Int) { field(arg: $v) }", {"v": None}, '{"arg":null,"withDefault":7}'),
            ("query ($v: Int) { field(withDefault: $v) }", None, '{"withDefault":7}'),
            ("query ($v: Int) { field(withDefault: $v) }", {"v": None}, '{"withDefault":null}'),
            ("query ($v: Int = 5) { field(withDefault: $v) }", None, '{"withDefault":5}'),
            ("{ field(list: 1) }", None, '{"withDefault":7,"list":[1]}'),
            ("{ field(lists: 1) }", None, '{"withDefault":7,"lists":[[1]]}'),
            ("query ($v: [Int]) { field(list: $v) }", {"v": 4}, '{"withDefault":7,"list":[4]}'),
            ("query ($v: Int) { field(list: [1, $v]) }", None, '{"withDefault":7,"list":[1,null]}'),
            ("query ($v: String) { field(input: {a: $v, b: 123}) }", None, '{"withDefault":7,"input":{"b":123}}'),
            (
                "query ($v: String) { field(input: {a: $v, b: 123}) }",
                {"v": None},
                '{"withDefault":7,"input":{"a":null,"b":123}}',
            ),
            (
                "query ($v: Inner) { field(input: $v) }",
                {"v": {"a": "x", "b": 1}},
                '{"withDefault":7,"input":{"a":"x","b":1}}',
            ),
            ("{ field(size: LARGE, id: 3, real: 2) }", None, '{"withDefault":7,"size":"LARGE","id":"3","real":2.0}'),
            ("query ($v: Size) { field(size: $v) }", {"v": "SMALL"}, '{"withDefault":7,"size":"SMALL"}'),
        )
    ),
    Case(
        "6.4.1 null where none fits",
        ARGUMENTS,
        ECHO,
        "query ($v: Int = 1) { required(arg: $v) field }",
        '{"required":null,"field":"{\\"withDefault\\":7}"}',
        (("required",),),
        {"v": None},
    ),
    Case(
        "6.4.1 a default fills in for a variable that is left out",
        ARGUMENTS,
        ECHO,
        "query ($v: Int) { requiredWithDefault(arg: $v) }",
        '{"requiredWithDefault":"{\\"arg\\":3}"}',
    ),
    # 6.2.2 Mutation, one field after the other
    Case(
        "6.2.2 one after the other",
        NUMBERS,
        numbers(),
        "mutation { first: changeTheNumber(newNumber: 1) { theNumber }"
        " second: changeTheNumber(newNumber: 3) { theNumber } third: changeTheNumber(newNumber: 2) { theNumber } }",
        '{"first":{"theNumber":1},"second":{"theNumber":3},"third":{"theNumber":2}}',
    ),
    Case(
        "6.2.2 after one that failed the next is run",
        NUMBERS,
        numbers(),
        "mutation { first: changeTheNumber(newNumber: -1) { theNumber }"
        " second: changeTheNumber(newNumber: 3) { theNumber } }",
        '{"first":null,"second":{"theNumber":3}}',
        (("first",),),
    ),
    Case(
        "6.2.2 unless it may not fail",
        NUMBERS,
        numbers(),
        "mutation { first: mustChangeTheNumber(newNumber: -1) { theNumber }"
        " second: changeTheNumber(newNumber: 3) { theNumber } }",
        "null",
        (("first",),),
    ),
    # 6.3.2 Field collection
    Case(
        "6.3.2 fields of one name are merged",
        "type Query { a: A b: Int } type A { subfield1: Int subfield2: Int }",
        {"Query.a": value({"subfield1": 1, "subfield2": 2}), "Query.b": value(3)},
        "{ a { subfield1 } ...ExampleFragment } fragment ExampleFragment on Query { a { subfield2 } b }",
        '{"a":{"subfield1":1,"subfield2":2},"b":3}',
    ),
    # 6.4.3 Value completion: abstract types
    Case(
        "6.4.3 an object of no possible type",
        USERS,
        {"Query.profiles": value([{"handle": "x", "__typename": "Query"}])},
        "{ profiles(handles: []) { handle } }",
        '{"profiles":null}',
        (("profiles", 0),),
    ),
    # 6.4.4 Handling field errors, and 7.1.2 Errors
    Case(
        "7.1.2 an error where null may stand",
        HERO.format(name="String", friends="[Character]"),
        {"Query.hero": value(R2D2)},
        FRIENDS,
        '{"hero":{"name":"R2-D2","heroFriends":[{"id":"1000","name":"Luke Skywalker"},{"id":"1002","name":null},'
        '{"id":"1003","name":"Leia Organa"}]}}',
        (("hero", "heroFriends", 1, "name"),),
    ),
    Case(
        "7.1.2 an error where it may not",
        HERO.format(name="String!", friends="[Character]"),
        {"Query.hero": value(R2D2)},
        FRIENDS,
        '{"hero":{"name":"R2-D2","heroFriends":[{"id":"1000","name":"Luke Skywalker"},null,'
        '{"id":"1003","name":"Leia Organa"}]}}',
        (("hero", "heroFriends", 1, "name"),),
    ),
    Case(
        "6.4.4 up to the list",
        HERO.format(name="String!", friends="[Character!]"),
        {"Query.hero": value(R2D2)},
        FRIENDS,
        '{"hero":{"name":"R2-D2","heroFriends":null}}',
        (("hero", "heroFriends", 1, "name"),),
    ),
    Case(
        "6.4.4 up to the object",
        HERO.format(name="String!", friends="[Character!]!"),
        {"Query.hero": value(R2D2)},
        FRIENDS,
        '{"hero":null}',
        (("hero", "heroFriends", 1, "name"),),
    ),
    Case(
        "6.4.4 up to the data",
        HERO.format(name="String!", friends="[Character!]!").replace("): Character", "): Character!"),
        {"Query.hero": value(R2D2)},
        FRIENDS,
        "null",
        (("hero", "heroFriends", 1, "name"),),
    ),
]


def schema_of(case: Case) -> GraphQLSchema:
    schema = build_schema(case.sdl)
    for place, resolve in case.resolvers.items():
        kind, _, field = place.partition(".")
        schema.type_map[kind].fields[field].resolve = resolve  # type: ignore[attr-defined]
    return schema


CONTEXT: Any = SimpleNamespace(coalescer=None, loaders=SimpleNamespace(fetch=None))


async def by_plan(schema: GraphQLSchema, query: str, variables: dict[str, Any] | None) -> ExecutionResult:
    document = Documents(schema, Limits()).get(query)
    assert document.node is not None, document.errors
    (operation,) = document.operations.values()
    result, unplanned = await run.execute(schema, document.node, operation, CONTEXT, variables)
    assert unplanned is None
    return result


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_plan_answers_as_the_specification_does(case: Case) -> None:
    result = await by_plan(schema_of(case), case.query, case.variables)
    assert orjson.dumps(result.data).decode() == case.data
    assert sorted(tuple(error.path or ()) for error in result.errors or ()) == sorted(case.errors)


async def test_variables_that_do_not_fit_run_nothing() -> None:
    schema = build_schema(ARGUMENTS)
    result = await by_plan(schema, "query ($v: Int!) { required(arg: $v) }", {"v": "x"})
    assert result.data is None
    assert [error.path for error in result.errors or ()] == [None]
