"""Plans: what an operation asks for, worked out once per document and per choice of its @skip and @include.

A plan is a graph of selections, one per object type and set of field nodes, whatever the data. Fields are merged by
graphql-core's own functions, so that they are merged as it merges them. What a plan cannot do (introspection, and a
document too large to be worth one) is left to graphql-core as a whole operation.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLAbstractType,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    default_type_resolver,
    get_named_type,
    is_abstract_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    visit,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from db.paging import ALL, Columns
from resolvers.loaders import Batch, Sought

from ..relations import NO_COLUMNS, LookUp, Relation
from . import columns
from .given import Convert, arguments, converter_of, resolver

INTROSPECTION = frozenset({"__schema", "__type"})

PLANS_PER_OPERATION = 8
"""The most choices of @skip and @include whose plans are kept."""


class Unplanned(Exception):
    """This operation is not for a plan. The text says why, in a word or two for the log."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A field whose value is known beforehand: ``__typename``."""

    value: Any
    reads: ClassVar[Columns] = NO_COLUMNS
    relation: ClassVar[None] = None


@dataclass(frozen=True, slots=True)
class Attribute:
    """A field that shows an attribute of its object."""

    name: str
    relation: ClassVar[None] = None

    @property
    def reads(self) -> Columns:
        return frozenset({self.name})


@dataclass(frozen=True, slots=True)
class Function:
    """A field that a plain function makes of its object: it waits for nothing, so it may well be called again."""

    call: Callable[..., Any]
    root: str | None
    """The parameter that takes the object; empty: the first; None: it does without."""
    info: str | None
    reads: Columns
    """What it looks at."""

    relation: ClassVar[None] = None


@dataclass(frozen=True, slots=True)
class Related:
    """A field that its relation reads, for all objects of a level together."""

    relation: Relation

    @property
    def reads(self) -> Columns:
        return self.relation.reads


@dataclass(frozen=True, slots=True)
class LookedUp:
    """A root field that its look-up reads, for all operations of a run together."""

    relation: LookUp
    convert: Convert
    """Makes what ``sought`` takes of the field's arguments."""

    reads: ClassVar[Columns] = NO_COLUMNS

    def sought(self, context: Any, arguments: Mapping[str, Any]) -> Sought | None:
        """What is to be read for who gives these arguments. Raises what is wrong with them."""
        if self.relation.sought_as_given is not None:
            return self.relation.sought_as_given(context, **arguments)
        return self.relation.sought(context, **self.convert(arguments))


@dataclass(frozen=True, slots=True)
class Resolved:
    """A field whose resolver is called once per object, and awaited together with what else the level waits for."""

    resolve: Callable[..., Any]
    reads: ClassVar[Columns] = ALL
    relation: ClassVar[None] = None


Value = Constant | Attribute | Function | Related | LookedUp | Resolved
"""Each with the columns that it ``reads`` of its object, where that is a row, and its ``relation``, if it has one."""


@dataclass(eq=False, slots=True)
class Field:
    """One entry of a selection: its key in the answer, where its value comes from, and what is asked of that."""

    name: str
    slot: int
    """Its place among the values of a run."""

    parent: GraphQLObjectType
    definition: GraphQLField
    nodes: list[FieldNode]
    value: Value
    arguments: Callable[[VariableValues], dict[str, Any]]
    declared: Any
    """Strawberry's field, where it is one."""

    is_root: bool
    """Whether it is a field of the operation's root."""

    depth: int
    """In how many lists its objects are wrapped."""

    abstract: GraphQLAbstractType | None
    """The interface or union of its objects, if it is one."""

    selections: dict[str, "Selection"] = field(default_factory=dict)
    """What is asked of its objects, by their type; empty for scalars and enums."""

    shows: "tuple[Selection, type[Any]] | None" = None
    """What is asked of its objects, and the class of them, where all are rows of one type."""

    leads: bool = False
    """Whether something below it has to be waited for."""

    loads: bool = False
    """Whether its value must be there before the answer is built: it has to be waited for, or leads on."""

    @property
    def type(self) -> GraphQLOutputType:
        return self.definition.type

    def type_name(self, value: Any, info: Any) -> Any:
        """The name of the type of an object of an abstract type, as its resolver has it."""
        assert self.abstract is not None
        resolve = self.abstract.resolve_type or default_type_resolver
        return resolve(value, info, self.abstract)


@dataclass(eq=False, slots=True)
class Selection:
    """What is asked of objects of one type. Places of the answer that ask the same of the same type share it."""

    number: int
    kind: GraphQLObjectType
    fields: list[Field] = field(default_factory=list)
    loading: list[Field] = field(default_factory=list)
    """Those of the fields that ``loads``."""


@dataclass(eq=False, slots=True, weakref_slot=True)
class Plan:
    """An operation as it is run. A mutation has a root for each of its fields, because they run one after the other."""

    schema: GraphQLSchema
    operation: OperationDefinitionNode
    fragments: dict[str, FragmentDefinitionNode]
    roots: list[Selection]
    fields: list[Field]
    selections: list[Selection]
    columns: Mapping[Batch, Columns]
    """What is looked at of the rows that each of these reads; of all others, everything."""

    informed: list[Field]
    """Those of the fields whose functions take ``info``."""

    variables: Sequence[str]
    """Those of the operation's variables that fields below the root are given."""

    builders: dict[int, Callable[..., Any]] = field(default_factory=dict)
    """What ``generated`` made of the roots, once it has."""


class Plans:
    """The plans of one operation, by what its @skip and @include choose."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: dict[str, FragmentDefinitionNode],
        *,
        largest: int,
        hide_suggestions: bool = False,
        on_plan: Callable[[], None] = lambda: None,
    ) -> None:
        self.hide_suggestions = hide_suggestions
        self._on_plan = on_plan
        self._largest = largest
        self._schema = schema
        self._operation = operation
        self._fragments = fragments
        self._switches = _switches(operation, fragments)
        self._plans: dict[tuple[Any, ...], Plan | Unplanned] = {}
        self.fields = 0
        """How many fields the plans have that are kept: what they weigh."""

    def plan(self, variables: VariableValues) -> Plan:
        """The plan for these variables. Raises Unplanned."""
        choice = tuple([variables.coerced.get(name) for name in self._switches])
        if choice and not all(type(chosen) is bool for chosen in choice):
            raise Unplanned("null for a directive")  # an error in a place that graphql-core knows
        plan = self._plans.get(choice)
        if plan is None:
            if len(self._plans) >= PLANS_PER_OPERATION:
                self._plans.clear()
                self.fields = 0
            plan = self._plans[choice] = self._made(variables)
            if isinstance(plan, Plan):
                self.fields += len(plan.fields)
                self._on_plan()
        if isinstance(plan, Unplanned):
            raise plan
        return plan

    def _made(self, variables: VariableValues) -> Plan | Unplanned:
        try:
            maker = _Maker(
                self._schema, self._operation, self._fragments, variables, self.hide_suggestions, self._largest
            )
            return maker.plan()
        except Unplanned as found:
            return found.with_traceback(None)
        except RecursionError:
            return Unplanned("nested too deeply")


def _variables_in(fields: Iterable[Field]) -> list[str]:
    """The variables that these fields are given."""
    names: set[str] = set()

    class Arguments(Visitor):
        def enter_variable(self, node: VariableNode, *_: Any) -> None:
            names.add(node.name.value)

    for one in fields:
        for node in one.nodes:
            for argument in node.arguments or ():
                visit(argument, Arguments())
    return sorted(names)


def _switches(operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> list[str]:
    """The operation's variables that @skip and @include ask for."""
    names: set[str] = set()

    class Directives(Visitor):
        def enter_directive(self, node: Any, *_: Any) -> None:
            names.update(a.value.name.value for a in node.arguments if isinstance(a.value, VariableNode))

    for node in (operation, *fragments.values()):
        visit(node, Directives())
    return sorted(names & {d.variable.name.value for d in operation.variable_definitions or ()})


class _Maker:
    """Makes one plan."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: dict[str, FragmentDefinitionNode],
        variables: VariableValues,
        hide_suggestions: bool,
        largest: int,
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._fragments = fragments
        self._details = {name: FragmentDetails(node) for name, node in fragments.items()}
        self._variables = variables
        self._hide_suggestions = hide_suggestions
        self._largest = largest
        self._fields: list[Field] = []
        self._selections: list[Selection] = []
        self._made: dict[tuple[Any, ...], Selection] = {}

    def plan(self) -> Plan:
        root = self._schema.get_root_type(self._operation.operation)
        assert root is not None
        found = collect_fields(self._schema, self._details, self._variables, root, self._operation)
        grouped = found.grouped_field_set
        if self._operation.operation is OperationType.MUTATION:
            roots = [self._selection(root, {name: details}, is_root=True) for name, details in grouped.items()]
        else:
            roots = [self._selection(root, grouped, is_root=True)]
        informed = [field for field in self._fields if isinstance(field.value, Function) and field.value.info]
        return Plan(
            self._schema,
            self._operation,
            self._fragments,
            roots,
            self._fields,
            self._selections,
            columns.settled(self._fields),
            informed,
            _variables_in(field for field in self._fields if not field.is_root),
        )

    def _selection(
        self, kind: GraphQLObjectType, grouped: Mapping[str, Sequence[FieldDetails]], *, is_root: bool = False
    ) -> Selection:
        made = Selection(len(self._selections), kind)
        self._selections.append(made)
        for name, details in grouped.items():
            made.fields.append(self._field(kind, name, [one.node for one in details], is_root))
        made.loading = [field for field in made.fields if field.loads]
        return made

    def _field(self, parent: GraphQLObjectType, name: str, nodes: list[FieldNode], is_root: bool) -> Field:
        if len(self._fields) >= self._largest:
            raise Unplanned("too large")
        if nodes[0].name.value in INTROSPECTION:
            raise Unplanned("introspection")
        definition = self._schema.get_field(parent, nodes[0].name.value)
        assert definition is not None
        declared: StrawberryField | None = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        if nodes[0].name.value == "__typename":
            value: Value = Constant(parent.name)
        else:
            value = _value(self._schema, definition, declared, is_root)
        named = get_named_type(definition.type)
        made = Field(
            name=name,
            slot=len(self._fields),
            parent=parent,
            definition=definition,
            nodes=nodes,
            value=value,
            arguments=arguments(definition, nodes[0], self._hide_suggestions),
            declared=declared,
            is_root=is_root,
            depth=_depth(definition.type),
            abstract=named if is_abstract_type(named) else None,
        )
        self._fields.append(made)
        if is_object_type(named):
            kinds: Sequence[GraphQLObjectType] = (named,)
        else:
            kinds = self._schema.get_possible_types(named) if is_abstract_type(named) else ()
        made.selections = {kind.name: self._below(kind, nodes) for kind in kinds}
        made.shows = _rows_of(made)
        made.leads = any(below.loading for below in made.selections.values())
        made.loads = made.leads or isinstance(value, Related | LookedUp | Resolved)
        return made

    def _below(self, kind: GraphQLObjectType, nodes: list[FieldNode]) -> Selection:
        """What these field nodes ask of objects of that type. Fragments are worked out once for each type, and not at
        each place that spreads them: else a short document could ask for a plan without end."""
        asked = (kind.name, *(id(node.selection_set) for node in nodes))
        if asked not in self._made:
            details = [FieldDetails(node, None) for node in nodes]
            found = collect_subfields(self._schema, self._details, self._variables, self._operation, kind, details)
            self._made[asked] = self._selection(kind, found.grouped_field_set)
        return self._made[asked]


def _value(schema: GraphQLSchema, definition: GraphQLField, declared: StrawberryField | None, is_root: bool) -> Value:
    """Where a field's value comes from. What cannot be told is left to the resolver, as graphql-core calls it."""
    if declared is not None and not declared.extensions:
        relation = declared.metadata.get("relation")
        if isinstance(relation, Relation):
            return Related(relation)
        if isinstance(relation, LookUp) and (convert := converter_of(schema, declared)) is not None:
            return LookedUp(relation, convert)
        if declared.is_basic_field and not is_root:
            return Attribute(declared.python_name)
        base: Any = declared.base_resolver
        if base is not None and not declared.is_async and not declared.arguments and not is_root:
            root = base.root_parameter or base.parent_parameter
            info = base.info_parameter
            itself = "" if base.self_parameter else root.name if root else None
            reads = declared.metadata.get("reads", ALL)
            return Function(base.wrapped_func, itself, info.name if info else None, reads)
    return Resolved(resolver(schema, definition, declared))


def _rows_of(field: Field) -> tuple[Selection, type[Any]] | None:
    if field.abstract is not None or not field.selections:
        return None
    (selection,) = field.selections.values()
    rows = getattr(selection.kind.is_type_of, "rows", None)
    return None if rows is None else (selection, rows)


def _depth(type_: Any) -> int:
    depth = 0
    while is_non_null_type(type_) or is_list_type(type_):
        depth += is_list_type(type_)
        type_ = type_.of_type
    return depth
