"""Running a plan: everything it needs is read level by level, then the answer is built without waiting for anything.

A level is all objects of the answer that are as many waits away from the root. For each of its relations the batch
function runs once, whatever the number of objects, and everything that a level waits for is waited for together.
"""

import asyncio
import inspect
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import TYPE_CHECKING, Any

import graphql
import strawberry
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
)
from graphql.execution.values import VariableValues
from graphql.pyutils import Path, is_awaitable, is_iterable

from db.driver import is_out_of_reach
from db.paging import ALL
from resolvers.context import Context
from resolvers.loaders import Sought, Wanted

from ..relations import Asked, LookUp, Relation
from . import generated
from .complete import Completion, selection_of
from .documents import Operation
from .given import COERCION_ERRORS
from .plan import Attribute, Constant, Field, Function, LookedUp, Plan, Related, Resolved, Selection, Unplanned

if TYPE_CHECKING:
    from .joint import Joint


async def execute(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: Operation,
    context: Context,
    raw: dict[str, Any] | None,
    source: Any = None,
    joint: "Joint | None" = None,
) -> tuple[ExecutionResult, str | None]:
    """The operation's result: by a plan, or by graphql-core where there cannot be one, and then why.

    ``source`` is what the root is read from: of a subscription, the event that is answered. A query may be run with
    others, where that is ``joint``.
    """
    variables = operation.variables.of(raw or {})
    if isinstance(variables, list):
        return ExecutionResult(None, variables), None
    try:
        plan = operation.plans.plan(variables)
    except Unplanned as found:
        result = graphql.execute(
            schema,
            document,
            source,
            context,
            raw,
            operation.name,
            max_coercion_errors=COERCION_ERRORS,
            hide_suggestions=operation.plans.hide_suggestions,
        )
        return (await result if inspect.isawaitable(result) else result), str(found)
    if joint is not None and operation.type == "query":
        return await joint.run(plan, context, variables), None
    return await run(plan, context, Origin(variables, source)), None


async def subscribe(
    schema: GraphQLSchema, document: DocumentNode, operation: Operation, context: Context, raw: dict[str, Any] | None
) -> AsyncIterable[Any] | ExecutionResult:
    """The events by which a subscription is answered, one after the other; or the errors because of which it is not.

    ``execute`` answers it for each of them.
    """
    executor = graphql.Executor.build(
        schema,
        document,
        None,
        context,
        raw,
        operation.name,
        max_coercion_errors=COERCION_ERRORS,
        hide_suggestions=operation.plans.hide_suggestions,
    )
    if isinstance(executor, list):
        return ExecutionResult(None, executor)
    found = graphql.create_source_event_stream(executor)
    return await found if inspect.isawaitable(found) else found


async def run(plan: Plan, context: Context, origin: "Origin") -> ExecutionResult:
    """The result of the operation. Never raises but for cancellation."""
    data: dict[str, Any] = {}
    errors: list[GraphQLError] = []
    with context.coalescer or nullcontext():
        for root in plan.roots:
            below = Run(plan, context, origin.variables)
            try:
                await below.read(root, [origin])
                found = below.built(root, origin, errors)
            finally:
                below.clear()
            if found is None:  # null in a root field that may not be null: of a mutation, what comes after is not run
                return ExecutionResult(None, errors)
            data |= found
    return ExecutionResult(data, errors or None)


@dataclass(eq=False, slots=True)
class Origin:
    """The root of an operation: what its root fields are given, and what they are read from (of a subscription, the
    event)."""

    variables: VariableValues
    source: Any = None
    _sought: dict[int, Sought | None] = dataclass_field(default_factory=dict)
    """What fields look up, by their slots, where that has been worked out."""

    def sought(self, field: Field, value: LookedUp, context: Context) -> Sought | None:
        """What the field looks up. Raises what is wrong with what it is given."""
        if field.slot not in self._sought:
            self._sought[field.slot] = value.sought(context, field.arguments(self.variables))
        return self._sought[field.slot]


class Always(dict[Any, Any]):
    """The values of a field that has the same for every object: null for who may not ask, or an error."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __missing__(self, _key: Any) -> Any:
        return self._value


class Run:
    """One run of a plan below one of its roots; for several operations that differ in what their root fields are given.

    ``values`` has a place for each field: of one that loads, a mapping from what tells its objects apart (a relation's
    key, else the object's identity) to its value, or to the exception that stands for it. Behind these, as many places
    again for what functions of the fields take as ``info``; last, what makes such an ``info``.

    ``variables`` are what the fields below the root are given.
    """

    def __init__(self, plan: Plan, context: Context, variables: VariableValues) -> None:
        self.plan = plan
        self.context = context
        self.variables = variables
        self.values: list[Any] = [*[None] * (2 * len(plan.fields)), self.info]
        self.asked: dict[int, Any] = {}
        """By the same places: the arguments of fields that take any."""
        self.has_failed = False
        self.is_out_of_reach = False
        """Whether the database could not be asked: that is nobody's fault."""
        for field in plan.informed:
            self.values[len(plan.fields) + field.slot] = self.strawberry_info(field)

    async def read(self, root: Selection, origins: Sequence[Origin]) -> None:
        """Read everything that the answers below the root need. Never raises but for cancellation."""
        below: dict[Selection, Sequence[Any]] = {root: origins}
        while below:
            level = _Level(self)
            for selection, sources in below.items():
                level.visit(selection, sources)
            below = await level.wait()

    def built(self, root: Selection, origin: Origin, errors: list[GraphQLError]) -> dict[str, Any] | None:
        """The answer of one operation, of what was read; None if an error has come up to its root."""
        if not self.has_failed:
            with suppress(Exception):  # whatever it is, what builds with care finds it again, and where it is
                built: dict[str, Any] = generated.builder(self.plan, root)(origin, self.values)
                return built
        return Completion(self, errors).data(root, origin)

    def fail(self, cause: Exception) -> None:
        """Note that something could not be had."""
        self.has_failed = True
        self.is_out_of_reach = self.is_out_of_reach or is_out_of_reach(cause)

    def clear(self) -> None:
        """Let go of what was read: the run is among its values, and would wait for the garbage collector with them."""
        self.values.clear()

    def info(self, field: Field) -> GraphQLResolveInfo[Any]:
        """What resolvers are told. The path is the field's alone: a plan calls for all its places at once."""
        return GraphQLResolveInfo(
            field.nodes[0].name.value,
            field.nodes,
            field.type,
            field.parent,
            Path(None, field.name, field.parent.name),
            self.plan.schema,
            self.plan.fragments,
            None,
            self.plan.operation,
            self.variables,
            self.context,
            is_awaitable,
            None,
            HELPERS,
        )

    def strawberry_info(self, field: Field) -> strawberry.Info:
        """The same as Strawberry wraps it."""
        return strawberry.Info(_raw_info=self.info(field), _field=field.declared)

    def at_hand(self, field: Field, source: Any) -> Any:
        """The value of a field that nothing has to be waited for."""
        match field.value:
            case Constant(value):
                return value
            case Attribute(name):
                return getattr(source, name)
            case Function(call, root, info):
                itself = () if root != "" else (source,)
                named = {root: source} if root else {}
                if info:
                    named[info] = self.values[len(self.plan.fields) + field.slot]
                return call(*itself, **named)
        raise TypeError(f"{field.parent.name}.{field.name} has to be waited for")


NOTHING: dict[Any, Any] = {}
HELPERS: Any = None
"""A plan keeps no book of what resolvers start by the side."""


class _Level:
    """What one level waits for, and which objects come below it."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._wanted: dict[Asked, dict[Any, None]] = {}
        self._related: list[tuple[Field, Relation, Asked, dict[Any, None]]] = []
        self._looked_up: list[tuple[Field, LookUp, Origin, Asked, Sought]] = []
        self._called: list[tuple[Field, Any, Awaitable[Any]]] = []
        self._below: dict[Selection, dict[int, Any]] = {}

    def visit(self, selection: Selection, sources: Iterable[Any]) -> None:
        """Note what the fields of these objects wait for; what waits for nothing is looked through at once."""
        for field in selection.loading:
            value = field.value
            if isinstance(value, Related):
                self._want(field, value.relation, sources)
            elif isinstance(value, LookedUp):
                self._seek(field, value, sources)
            elif isinstance(value, Resolved):
                self._call(field, value.resolve, sources)
            else:
                self._keep(field, sources)

    async def wait(self) -> dict[Selection, Sequence[Any]]:
        """Wait for everything; answers the objects of the next level, each once."""
        calls = [awaitable for *_, awaitable in self._called]
        done: Sequence[Any] = ()
        found: Mapping[Asked, Any] = NOTHING
        if self._wanted:
            wanted = [
                Wanted(batch, keys, tuple(rest), columns) for (batch, columns, *rest), keys in self._wanted.items()
            ]
            read, *done = await _together([self._run.context.loaders.fetch_all(wanted), *calls])
            found = dict(zip(self._wanted, read, strict=True))
        elif len(calls) == 1:
            done = [await self._alone(calls[0])]
        elif calls:
            done = await _together(calls)
        for field, relation, group, keys in self._related:
            self._show(field, relation, keys, found.get(group, NOTHING))
        for of_one in self._looked_up:
            self._show_one(*of_one, found)
        for (field, source, _), value in zip(self._called, done, strict=True):
            self._store(field, id(source), value)
            self._descend(field, [value], at_once=False)
        return {selection: list(objects.values()) for selection, objects in self._below.items() if objects}

    async def _alone(self, awaitable: Awaitable[Any]) -> Any:
        """What comes of the one thing that is waited for; it need not look out for others that read what it reads."""
        context = self._run.context
        context.sole_task = asyncio.current_task()
        try:
            return await awaitable
        except Exception as cause:
            return cause
        finally:
            context.sole_task = None

    # ------------------------------------------------------------------------------------------ relations

    def _want(self, field: Field, relation: Relation, sources: Iterable[Any]) -> None:
        store, asked = self._asked(field, relation)
        if asked is None:
            return
        group = (relation.batch, self._run.plan.columns.get(relation.batch, ALL), *asked)
        wanted = self._wanted.setdefault(group, {})
        try:
            keys = dict.fromkeys(map(relation.by, sources))
        except Exception:
            self._run.has_failed = True
            keys = _without_failures(relation.by, sources)
        if store:
            keys = {key: None for key in keys if key not in store}
        store.update(keys)
        wanted.update(keys)
        wanted.pop(None, None)
        if not wanted:
            del self._wanted[group]
        self._related.append((field, relation, group, keys))

    def _asked(self, field: Field, relation: Relation) -> tuple[dict[Any, Any], Asked | None]:
        """The field's values so far, and the further arguments of its batch function; None if nothing need be read."""
        run = self._run
        if run.values[field.slot] is None:
            run.values[field.slot], run.asked[field.slot] = {}, None
            try:
                arguments = field.arguments(run.variables)
                run.asked[field.slot] = relation.asked(run.context, **arguments)
                if run.asked[field.slot] is None:
                    run.values[field.slot] = Always(None)
            except Exception as cause:
                run.values[field.slot] = Always(cause)
                run.has_failed = True
        return run.values[field.slot], run.asked[field.slot]

    def _show(self, field: Field, relation: Relation, keys: Iterable[Any], found: Any) -> None:
        run = self._run
        store, shown, context = run.values[field.slot], relation.shown, run.context
        for key in keys:
            value = found.get(key)
            if isinstance(value, Exception):
                run.fail(value)
                store[key] = value
            else:
                store[key] = shown(context, key, value)
        self._descend(field, map(store.__getitem__, keys), at_once=False)

    # ------------------------------------------------------------------------------------------- look-ups

    def _seek(self, field: Field, value: LookedUp, origins: Iterable[Origin]) -> None:
        """Note what each operation looks up: what is looked up in the same way is one call, as with relations."""
        run = self._run
        run.values[field.slot] = {}
        for origin in origins:
            try:
                sought = origin.sought(field, value, run.context)
            except Exception as cause:
                self._store(field, id(origin), cause)
                continue
            if sought is None:
                self._store(field, id(origin), None)
                continue
            group = (sought.batch, run.plan.columns.get(sought.batch, ALL), *sought.arguments)
            self._wanted.setdefault(group, {})[sought.key] = None
            self._looked_up.append((field, value.relation, origin, group, sought))

    def _show_one(
        self, field: Field, look_up: LookUp, origin: Origin, group: Asked, sought: Sought, found: Mapping[Asked, Any]
    ) -> None:
        value = found[group][sought.key]
        if not isinstance(value, Exception):
            try:
                value = look_up.shown(self._run.context, sought, value)
            except Exception as cause:
                value = cause
        self._descend(field, [self._store(field, id(origin), value)], at_once=False)

    # ------------------------------------------------------------------------- resolvers, and values at hand

    def _call(self, field: Field, resolve: Callable[..., Any], sources: Iterable[Any]) -> None:
        run = self._run
        if run.values[field.slot] is None:
            run.values[field.slot] = {}
            try:
                run.asked[field.slot] = {} if field.is_root else field.arguments(run.variables)
            except GraphQLError as cause:
                run.values[field.slot] = Always(cause)
                run.has_failed = True
        store = run.values[field.slot]
        if isinstance(store, Always):
            return
        arguments, info = run.asked[field.slot], run.info(field)
        values = []
        for source in sources:
            if id(source) in store:
                continue
            store[id(source)] = None
            try:
                if field.is_root:
                    value = resolve(source.source, info, **field.arguments(source.variables))
                else:
                    value = resolve(source, info, **arguments)
            except Exception as cause:
                value = cause
            if is_awaitable(value):
                self._called.append((field, source, value))
            else:
                values.append(self._store(field, id(source), value))
        self._descend(field, values, at_once=True)

    def _keep(self, field: Field, sources: Iterable[Any]) -> None:
        """A value that is there at once, but below which something has to be waited for: it is asked for this once."""
        run = self._run
        if run.values[field.slot] is None:
            run.values[field.slot] = {}
        store = run.values[field.slot]
        values = []
        for source in sources:
            if id(source) not in store:
                try:
                    value = run.at_hand(field, source)
                except Exception as cause:
                    value = cause
                values.append(self._store(field, id(source), value))
        self._descend(field, values, at_once=True)

    def _store(self, field: Field, place: int, value: Any) -> Any:
        if field.depth and not isinstance(value, list | tuple) and is_iterable(value):
            value = list(value)  # it is gone through more than once
        if isinstance(value, Exception):
            self._run.fail(value)
        self._run.values[field.slot][place] = value
        return value

    # ---------------------------------------------------------------------------------------- what is below

    def _descend(self, field: Field, values: Iterable[Any], *, at_once: bool) -> None:
        """Go on to the objects among these values, where there is something to wait for below them."""
        if not field.leads:
            return
        for _ in range(field.depth):
            values = [item for value in values if isinstance(value, list | tuple) for item in value]
        below: dict[Selection, dict[int, Any]] = {} if at_once else self._below
        if field.shows is None:
            for value in values:
                if value is not None and not isinstance(value, Exception):
                    self._go_to(field, value, below)
        else:
            selection, kind = field.shows
            objects = below.get(selection)
            if objects is None:
                objects = below[selection] = {}
            for value in values:
                if isinstance(value, kind):
                    objects[id(value)] = value
                elif value is not None and not isinstance(value, Exception):
                    self._run.has_failed = True
        if at_once:
            for selection, found in below.items():
                if found:
                    self.visit(selection, found.values())

    def _go_to(self, field: Field, value: Any, below: dict[Selection, dict[int, Any]]) -> None:
        """The same for one object whose type must be asked for."""
        try:
            selection = selection_of(field, value, self._run)
        except Exception:
            self._run.has_failed = True
            return
        below.setdefault(selection, {})[id(value)] = value


def _without_failures(by: Callable[[Any], Any], sources: Iterable[Any]) -> dict[Any, None]:
    """The keys of those objects that have one: the others fail again where the answer is built."""
    keys: dict[Any, None] = {}
    for source in sources:
        with suppress(Exception):
            keys[by(source)] = None
    return keys


async def _together(awaitables: Sequence[Awaitable[Any]]) -> list[Any]:
    """What each comes to, or the exception that it raises. One alone needs no task."""
    if len(awaitables) == 1:
        try:
            return [await awaitables[0]]
        except Exception as cause:
            return [cause]
    done = await asyncio.gather(*awaitables, return_exceptions=True)
    for one in done:
        if isinstance(one, BaseException) and not isinstance(one, Exception):
            raise one
    return done
