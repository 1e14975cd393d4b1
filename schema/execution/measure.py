"""How much an operation asks for, counted before it is validated and in time linear in its document.

Each fragment is measured once, and counts wherever it is spread; numbers saturate. So a kilobyte of fragments that
double a hundred times is refused as fast as it is read, where expanding it would never end.

The *cost* of an operation is the number of values that its answer can hold at most: every field counts once for each
object that it is on. A page counts as many rows as it is asked for, other lists ``SHORT_LIST``; some fields weigh more
than the value that they answer (``WEIGHTS``). @skip and @include are taken to let everything through.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    OperationDefinitionNode,
    SchemaMetaFieldDef,
    SelectionSetNode,
    TypeMetaFieldDef,
    ValueNode,
    VariableNode,
    get_named_type,
    is_list_type,
    is_non_null_type,
)

from ..paging import DEFAULT_SIZE, LARGEST_SIZE
from .limits import SATURATED, Excess, Limits

SHORT_LIST = 5
"""How many rows a list that is not a page is taken to have: the lines of a request, the admissions of an item."""

MERGES = 2_000
"""How many pairs of selections under one name validation may have to compare: it takes some 20 microseconds each."""

MUTATION_WEIGHT = 20
"""Of a mutation's field: a transaction."""

COUNT_WEIGHT = 20
"""Of a ``totalCount``: up to ten thousand rows are counted."""

WEIGHTS: Mapping[str, int] = {
    "Mutation.ticketSetUp": 500,
    "Mutation.slotsGenerate": 1_000,
    "Mutation.scheduleUpsert": 500,
    "Mutation.scheduleLineUpsert": 500,
    "Mutation.calendarUpsert": 500,
    "Query.find": 20,
    "TicketRequest.diagnosis": 20,
    "TicketRequest.availableActions": 20,
    "IssuedTicket.availableActions": 20,
    "TicketItem.availability": 20,
    "TicketItemAdmission.availability": 20,
}
"""What single fields weigh beside the values that they answer, by their coordinates: those that calculate, or write
many rows."""

REMEMBERED = 100
"""For how many sets of sizes the cost of one operation is remembered."""

_META = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}


class CyclicFragments(Exception):
    """A fragment that spreads itself, on whatever way."""


class Size(NamedTuple):
    """Of a selection set. ``cost_per_row`` is to be multiplied by the size of the page that the set is on."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    cost: int = 0
    cost_per_row: int = 0


def _sum(sizes: Iterable[Size]) -> Size:
    depth = fields = aliases = directives = cost = cost_per_row = 0
    for size in sizes:
        depth = max(depth, size.depth)
        fields += size.fields
        aliases += size.aliases
        directives += size.directives
        cost += size.cost
        cost_per_row += size.cost_per_row
    return Size(
        depth,
        min(fields, SATURATED),
        min(aliases, SATURATED),
        min(directives, SATURATED),
        min(cost, SATURATED),
        min(cost_per_row, SATURATED),
    )


class Measuring:
    """Measures one document, which need not be valid, with the sizes that variables ask for."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, sizes: Mapping[str, int | None]) -> None:
        self._schema = schema
        self._sizes = sizes
        self._fragments = fragments_of(document)
        self._measured: dict[tuple[str, bool], Size | None] = {}
        self.sized_by: set[str] = set()
        """The names of the variables that say how long something is."""

    def has_met(self, fragment: str) -> bool:
        """Whether something that was measured spreads the fragment."""
        return (fragment, True) in self._measured or (fragment, False) in self._measured

    def operation(self, node: OperationDefinitionNode) -> Size:
        """The size of an operation. Raises CyclicFragments."""
        size = self._selections(node.selection_set, self._schema.get_root_type(node.operation), is_page=False)
        return size._replace(directives=size.directives + len(node.directives or ()))

    def fragment(self, name: str, *, is_page: bool = False) -> Size:
        """The size of a fragment; none if there is none of that name. Raises CyclicFragments."""
        node = self._fragments.get(name)
        if node is None:
            return Size()
        key = name, is_page
        if key in self._measured:
            measured = self._measured[key]
            if measured is None:
                raise CyclicFragments(name)
            return measured
        self._measured[key] = None
        kind = self._schema.get_type(node.type_condition.name.value)
        size = self._measured[key] = self._selections(node.selection_set, kind, is_page=is_page)
        return size

    def _selections(self, node: SelectionSetNode, kind: GraphQLNamedType | None, *, is_page: bool) -> Size:
        return _sum([self._selection(selection, kind, is_page) for selection in node.selections])

    def _selection(self, node: Any, kind: GraphQLNamedType | None, is_page: bool) -> Size:
        directives = len(node.directives or ())
        if isinstance(node, FieldNode):
            return self._field(node, kind, is_page, directives)
        if isinstance(node, InlineFragmentNode):
            if node.type_condition is not None:
                kind = self._schema.get_type(node.type_condition.name.value)
            size = self._selections(node.selection_set, kind, is_page=is_page)
        else:
            size = self.fragment(node.name.value, is_page=is_page)
        return size._replace(
            fields=min(size.fields + 1, SATURATED), directives=min(size.directives + directives, SATURATED)
        )

    def _field(self, node: FieldNode, kind: GraphQLNamedType | None, is_page: bool, directives: int) -> Size:
        name = node.name.value
        fields = kind.fields if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) else {}
        field = fields.get(name) or _META.get(name)
        below, cost = Size(), 1 + (_weight(kind, name) if kind is not None and field is not None else 0)
        if node.selection_set is not None:
            has_page = field is not None and "first" in field.args
            below = self._selections(
                node.selection_set, get_named_type(field.type) if field else None, is_page=has_page
            )
            cost += below.cost + below.cost_per_row * (self._page_size(node) if has_page else 1)
        cost_per_row = 0
        if field is not None and is_list_type(field.type.of_type if is_non_null_type(field.type) else field.type):
            if is_page:
                cost, cost_per_row = 0, cost
            else:
                cost *= self._list_size(node)
        return Size(
            depth=below.depth + 1,
            fields=min(below.fields + 1, SATURATED),
            aliases=min(below.aliases + (node.alias is not None), SATURATED),
            directives=min(below.directives + directives, SATURATED),
            cost=min(cost, SATURATED),
            cost_per_row=min(cost_per_row, SATURATED),
        )

    def _page_size(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            if argument.name.value in ("first", "last"):
                size = self._size(argument.value)
                if size is not None:
                    return min(size, LARGEST_SIZE)
        return DEFAULT_SIZE

    def _list_size(self, node: FieldNode) -> int:
        """How many rows a list that is not a page may have: one for each id that it is asked for, else a few."""
        for argument in node.arguments or ():
            if argument.name.value == "ids":
                return max(self._size(argument.value) or 0, 1)
        return SHORT_LIST

    def _size(self, node: ValueNode) -> int | None:
        if isinstance(node, VariableNode):
            self.sized_by.add(node.name.value)
            return self._sizes.get(node.name.value)
        return _literal_size(node)


def _literal_size(node: ValueNode) -> int | None:
    if isinstance(node, NullValueNode):
        return None
    if isinstance(node, ListValueNode):
        return len(node.values)
    # Not by int() alone: Python refuses to read thousands of digits.
    return size_of(int(node.value) if isinstance(node, IntValueNode) and len(node.value) < 9 else node)


def size_of(value: Any) -> int | None:
    """The size that a variable asks for: a number of rows, or one for each item of a list; None says nothing.

    What is neither is refused when the operation runs; until then it counts as the largest page.
    """
    if value is None:
        return None
    if isinstance(value, list):
        return len(value)
    return value if type(value) is int and 0 <= value <= LARGEST_SIZE else LARGEST_SIZE


def _weight(kind: GraphQLNamedType, name: str) -> int:
    if name == "totalCount":
        return COUNT_WEIGHT
    return WEIGHTS.get(f"{kind.name}.{name}", MUTATION_WEIGHT if kind.name == "Mutation" else 0)


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    """The fragments of a document by their names."""
    return {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}


def excess(schema: GraphQLSchema, document: DocumentNode, limits: Limits) -> Excess | None:
    """The first limit, if any, beyond which the document goes whatever its variables say. Raises CyclicFragments.

    A fragment that no operation spreads counts by itself: validation reads it before it says that it is unused.
    """
    measuring, fragments = Measuring(schema, document, {}), fragments_of(document)
    sizes, roots = [], []
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            sizes.append(measuring.operation(definition))
            roots.append(definition.selection_set)
    for name, fragment in fragments.items():
        if not measuring.has_met(name):
            sizes.append(measuring.fragment(name))
            roots.append(fragment.selection_set)
    size = _sum(sizes)
    for limit, most in (
        ("depth", limits.depth),
        ("fields", limits.fields),
        ("aliases", limits.aliases),
        ("directives", limits.directives),
    ):
        actual: int = getattr(size, limit)
        if actual > most:
            return Excess(limit, most, actual)
    pairs = sum(merges(root, fragments) for root in roots)
    return Excess("merges", MERGES, pairs) if pairs > MERGES else None


def merges(root: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]) -> int:
    """How many pairs of selections answer under one name, and of fragments that are spread in one place.

    Validation compares each pair, so their number is what it costs. Fragments are expanded here: the number of fields
    must have been found within its limit.
    """
    pairs = 0
    merged = [[root]]
    while merged:
        todo, spreads = merged.pop(), 0
        by_name: defaultdict[str, list[FieldNode]] = defaultdict(list)
        while todo:
            for selection in todo.pop().selections:
                if isinstance(selection, FieldNode):
                    by_name[(selection.alias or selection.name).value].append(selection)
                elif isinstance(selection, InlineFragmentNode):
                    todo.append(selection.selection_set)
                elif isinstance(selection, FragmentSpreadNode) and (spread := fragments.get(selection.name.value)):
                    spreads += 1
                    todo.append(spread.selection_set)
        pairs += spreads * (spreads - 1) // 2
        for fields in by_name.values():
            pairs += len(fields) * (len(fields) - 1) // 2
            below = [field.selection_set for field in fields if field.selection_set is not None]
            if below:
                merged.append(below)
    return pairs


class Costs:
    """What an operation costs: measured once, or once for each set of sizes that its variables ask for."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, node: OperationDefinitionNode) -> None:
        self._schema, self._document, self._node = schema, document, node
        self._defaults = {
            definition.variable.name.value: None if given is None else _literal_size(given)
            for definition in node.variable_definitions or ()
            for given in (definition.default_value,)
        }
        measuring = Measuring(schema, document, self._defaults)
        cost = measuring.operation(node).cost
        self._sized_by = tuple(sorted(measuring.sized_by))
        self._known = {tuple(self._defaults.get(name) for name in self._sized_by): cost}
        self._constant = None if self._sized_by else cost

    def of(self, variables: Mapping[str, Any]) -> int:
        """The cost with these variables."""
        if self._constant is not None:
            return self._constant
        sizes = tuple(
            size_of(variables[name]) if name in variables else self._defaults.get(name) for name in self._sized_by
        )
        cost = self._known.get(sizes)
        if cost is None:
            given = dict(zip(self._sized_by, sizes, strict=True))
            cost = Measuring(self._schema, self._document, given).operation(self._node).cost
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[sizes] = cost
        return cost
