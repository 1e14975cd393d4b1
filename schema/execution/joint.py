"""Operations that are under way at once and ask for the same, of other things: one run for all of them.

Counters and shops ask few questions again and again, each about another ticket or order. Operations of one plan, of the
same client in the same role, whose root fields look up other keys in the same way (``relations.LookUp``), and whose
fields below are given the same, are so many origins of one run: it goes down its levels once, and each has its own
answer built of what was read. What a run does beside reading and building is then done once for all: of a question like
"one request by its order number" more than half.

The rules are those of ``resolvers.coalescing``, which does the same for what different questions read: nothing is kept,
they settle on one ``now``, who is alone runs at once, what fails together is run again by each for itself, because
another's may be the cause (unless the database cannot be asked), and who stops waiting takes nothing from the others.
"""

import asyncio
import time
from collections.abc import Callable, Hashable
from contextlib import nullcontext
from typing import Any
from weakref import WeakKeyDictionary

from graphql import ExecutionResult, GraphQLError
from graphql.execution.values import VariableValues

from resolvers.actor import Actor
from resolvers.coalescing import Shared, UnderWay, gathered
from resolvers.context import Context

from ..paging import PageOf
from .plan import Constant, LookedUp, Plan, Related
from .run import Origin, Run, run

ROWS_AT_ONCE = 2_000
"""So many operations run together as read about so many rows, judging by what their plan has lately read: nobody waits
for its few until thousands of others' have been gone through."""

FORGOTTEN = 0.9
"""How much is thought of what was read before when less is read."""

BEHIND_SECONDS = 0.01
"""How long a run waits at most for a larger one of its kind that is under way: those whom that one answers mostly ask
again, and then all of them run together. Else a client that came a moment too late stays apart for ever, and of 16 the
run of that one takes a quarter of the time of the others' run."""

COMPANY_SECONDS = 0.005
"""So long after one of several was answered nobody is taken to be alone: the others come again, too. Else whoever comes
first runs alone each time, and the fifteen others without that one."""

OPERATIONS_AT_ONCE = 32
FEW = 4
"""So many run together while it is not known how many rows they read."""

MISSING = object()

Keys = tuple[Hashable, ...]
"""Of each root field that looks something up; None where there is nothing to read."""


class Joint(UnderWay):
    """Brings operations together. Who is alone, and was before, runs at once."""

    def __init__(self, context_of: Callable[[Actor], Context]) -> None:
        self._context_of = context_of
        self._company_until = 0.0
        self._open: dict[Hashable, _JointRun] = {}
        self._rows_each: WeakKeyDictionary[Plan, float] = WeakKeyDictionary()

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        if self.number:
            self._company_until = time.monotonic() + COMPANY_SECONDS

    @property
    def is_alone(self) -> bool:
        """Whether nobody else is there, or was a moment ago."""
        return super().is_alone and time.monotonic() >= self._company_until

    async def run(self, plan: Plan, context: Context, variables: VariableValues) -> ExecutionResult:
        """The result of a query, as ``run`` has it. Never raises but for cancellation."""
        origin = Origin(variables)
        found = None if self.is_alone else _asked(plan, context, origin)
        if found is None:
            return await run(plan, context, origin)
        asked, keys = found
        joint = self._open.get(asked)
        if joint is None or not joint.is_open:
            context_of_all = self._context_of(context.actor)
            joint = self._open[asked] = _JointRun(plan, context_of_all, variables, self._rows_each, joint)
        try:
            answer = await joint.answer(context, origin, keys)
        finally:
            if joint.is_over and self._open.get(asked) is joint:
                del self._open[asked]
        return await run(plan, context, origin) if answer is None else answer


def _asked(plan: Plan, context: Context, origin: Origin) -> tuple[Hashable, Keys] | None:
    """What is equal for operations that may run together, and the keys that it looks up, which is all by which such
    operations differ. None for one that runs alone: it reads in another way as well, or something does not fit."""
    peers = context.peers()
    if peers is None:
        return None
    given = origin.variables.coerced
    asked: list[Any] = [plan, peers, *[given.get(name, MISSING) for name in plan.variables]]
    keys: list[Hashable] = []
    try:
        for field in plan.roots[0].fields:
            if isinstance(field.value, LookedUp):
                sought = origin.sought(field, field.value, context)
                asked.append(sought and (sought.batch, sought.arguments))
                keys.append(sought and sought.key)
            elif not isinstance(field.value, Constant):
                return None
        found = tuple(asked)
        hash(found)
    except Exception:  # whatever it is, the operation is told when it runs
        return None
    return found, tuple(keys)


class _JointRun(Shared):
    """Operations that run together."""

    def __init__(
        self,
        plan: Plan,
        context: Context,
        variables: VariableValues,
        rows_each: WeakKeyDictionary[Plan, float],
        in_front: "_JointRun | None",
    ) -> None:
        self._in_front = in_front
        self._plan = plan
        self._context = context
        self._run = Run(plan, context, variables)
        self._rows_each = rows_each
        self._most = FEW
        if (rows := rows_each.get(plan)) is not None:
            self._most = max(1, min(OPERATIONS_AT_ONCE, int(ROWS_AT_ONCE / max(rows, 1))))
        self._is_closed = False
        self.size = 0
        self._alike: dict[Keys, Origin] = {}
        """The operations by what they look up, those that look up the very same as one."""
        self._built: dict[Origin, tuple[ExecutionResult, dict[int, Any]]] = {}
        """Their results, and what each has shown (``Context.viewed``): one for all who look up the very same."""
        super().__init__(self._work)

    @property
    def is_open(self) -> bool:
        """Whether one more may join."""
        return not (self.is_over or self._is_closed) and len(self._alike) < self._most

    async def answer(self, context: Context, origin: Origin, keys: Keys) -> ExecutionResult | None:
        """The result of one of the operations; None if it should run by itself.

        Where another looks up the very same, it is the same: a page that many wait for is built once.
        """
        origin = self._alike.setdefault(keys, origin)
        self.size += 1
        await self.wait()
        built = self._built.get(origin)
        if built is None:
            return None
        result, context.viewed = built
        return result

    async def _work(self) -> None:
        """Wait until no more join; then read what all of them need, and build their answers.

        One after the other takes less than each by itself, between its other work: the processor has the code at hand.
        """
        try:
            await self._gathered()
            self._is_closed = True
            with self._context.coalescer or nullcontext():
                await self._run.read(self._plan.roots[0], list(self._alike.values()))
            if not self._run.has_failed:
                read = _rows(self._run) / len(self._alike)
                self._rows_each[self._plan] = max(read, self._rows_each.get(self._plan, 0) * FORGOTTEN)
            if not self._run.has_failed or self._run.is_out_of_reach or self.size == 1:
                for origin in self._alike.values():
                    self._built[origin] = self._build(origin)
        finally:
            await self._context.close()
            self._run.clear()

    def _build(self, origin: Origin) -> tuple[ExecutionResult, dict[int, Any]]:
        errors: list[GraphQLError] = []
        data = self._run.built(self._plan.roots[0], origin, errors)
        viewed, self._context.viewed = self._context.viewed, {}
        return ExecutionResult(data, errors or None), viewed

    async def _gathered(self) -> None:
        """Return when no more join. While more of its kind are under way than are here, they are waited for a while."""
        await gathered(lambda: self.size)
        in_front, self._in_front = self._in_front, None
        if in_front is not None and self.size < in_front.size:
            await asyncio.wait((in_front.end,), timeout=BEHIND_SECONDS)
            await gathered(lambda: self.size)


def _rows(found: Run) -> int:
    """How many rows were read, in lists of the root and for relations."""
    number = 0
    for field in found.plan.fields:
        store = found.values[field.slot]
        if (field.is_root or isinstance(field.value, Related)) and isinstance(store, dict):
            for value in store.values():
                if isinstance(value, PageOf):
                    number += len(value.page.rows)
                else:
                    number += len(value) if isinstance(value, list | tuple) else 1
    return number
