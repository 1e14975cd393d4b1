"""Operations that are under way at once and ask for the same, of other things: one run for all of them.

Counters and shops ask few questions again and again, each about another ticket or order. Operations of one plan, of the
same client in the same role, that are given the same below their root fields are so many origins of one run: it goes
down its levels once, and each has its own answer built of what was read. What a run does beside reading and building
is then done once for all: of a question like "one request by its order number" more than half.

The rules are those of ``resolvers.coalescing``, which does the same for what different questions read: nothing is kept;
all have the same ``now``, when the first of them came; who is alone runs at once; what fails together is run again by
each for itself, because another's may be the cause; who stops waiting takes nothing from the others.
"""

import asyncio
from collections.abc import Callable, Hashable
from contextlib import nullcontext
from typing import Any

from graphql import ExecutionResult, GraphQLError
from graphql.execution.values import VariableValues

from db.engine import statements
from resolvers.actor import Actor
from resolvers.coalescing import gathered
from resolvers.context import Context

from ..paging import PageOf
from .plan import Plan, Related
from .run import Origin, Run, run

ROWS_AT_ONCE = 2_000
"""So many rows are read for a run at most, judging by what its kind of operation has lately read: nobody waits for its
few until thousands of others' have been gone through."""

OPERATIONS_AT_ONCE = 32
FEW = 4
"""So many run together while it is not known how many rows they read."""

MISSING = object()


class Joint:
    """Brings operations together. It is entered (``with``) by each that is under way."""

    def __init__(self, context_of: Callable[[Actor], Context]) -> None:
        self._context_of = context_of
        self._under_way = 0
        self._open: dict[Hashable, _Company] = {}

    def __enter__(self) -> None:
        self._under_way += 1

    def __exit__(self, *_: object) -> None:
        self._under_way -= 1

    async def run(self, plan: Plan, context: Context, variables: VariableValues) -> ExecutionResult:
        """The result of a query, as ``run`` has it. Never raises but for cancellation."""
        asked = self._asked(plan, context, variables)
        if asked is None:
            return await run(plan, context, variables)
        with context.attending():
            company = self._open.get(asked)
            if company is None or not company.is_open:
                company = self._open[asked] = _Company(plan, self._context_of(context.actor), variables)
                company.begin(self._gather(company, asked))
            found = await company.answer(context, Origin(variables))
        return await run(plan, context, variables) if found is None else found

    def _asked(self, plan: Plan, context: Context, variables: VariableValues) -> Hashable | None:
        """What is equal for operations that may run together; None for one that runs alone."""
        if self._under_way < 2 or (company := context.company()) is None:
            return None
        if not plan.variables:
            return plan, company
        try:
            given = tuple(variables.coerced.get(name, MISSING) for name in plan.variables)
            hash(given)
        except TypeError:
            return None
        return plan, company, given

    async def _gather(self, company: "_Company", asked: Hashable) -> None:
        """Wait until no more join; then read."""
        try:
            await gathered(lambda: len(company.origins))
        finally:
            if self._open.get(asked) is company:
                del self._open[asked]
        await company.read()


class _Company:
    """Operations that run together."""

    def __init__(self, plan: Plan, context: Context, variables: VariableValues) -> None:
        self._plan = plan
        self._context = context
        self._run = Run(plan, context, variables)
        self._statements: list[str] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._most = OPERATIONS_AT_ONCE
        if plan.rows_each is None:
            self._most = FEW
        elif plan.rows_each:
            self._most = max(1, min(OPERATIONS_AT_ONCE, int(ROWS_AT_ONCE / plan.rows_each)))
        self._is_over = False
        self.origins: list[Origin] = []

    @property
    def is_open(self) -> bool:
        """Whether one more may join."""
        return not self._is_over and len(self.origins) < self._most

    def begin(self, work: Any) -> None:
        """Work for all of them, in a task of its own: who leaves it does not end it for the others."""
        self._task = asyncio.get_running_loop().create_task(work)

    async def answer(self, context: Context, origin: Origin) -> ExecutionResult | None:
        """The result of one of the operations; None if it should run by itself."""
        future = asyncio.get_running_loop().create_future()
        self.origins.append(origin)
        self._waiting.append(future)
        try:
            await future
            if (counted := statements.get()) is not None:
                counted.extend(self._statements)
            return self._answer(context, origin)
        except asyncio.CancelledError:
            if all(one.cancelled() for one in self._waiting):
                if not self._is_over:
                    self._is_over = True
                    self._task.cancel()
                await asyncio.wait([self._task])
            raise
        finally:
            self._waiting.remove(future)
            if not self._waiting:
                self._run.clear()

    def _answer(self, context: Context, origin: Origin) -> ExecutionResult | None:
        if self._run.has_failed and len(self.origins) > 1:
            return None
        errors: list[GraphQLError] = []
        data = self._run.built(self._plan.roots[0], origin, errors)
        context.viewed, self._context.viewed = self._context.viewed, {}  # what this one has shown
        return ExecutionResult(data, errors or None)

    async def read(self) -> None:
        """Read what all of them need, and tell them."""
        statements.set(self._statements)
        failure: Exception | None = None
        try:
            with self._context.coalescer or nullcontext():
                await self._run.read(self._plan.roots[0], self.origins)
        except Exception as cause:  # ours: they are told, each by its own error
            failure = cause
        finally:
            await self._context.close()
        if not self._run.has_failed:
            self._plan.rows_each = _rows(self._run) / len(self.origins)
        for future in self._waiting:
            if future.done():
                continue
            if failure is None:
                future.set_result(None)
            else:
                future.set_exception(failure)


def _rows(found: Run) -> int:
    """How many rows were read for relations."""
    number = 0
    for field in found.plan.fields:
        store = found.values[field.slot]
        if isinstance(field.value, Related) and isinstance(store, dict):
            for value in store.values():
                if isinstance(value, PageOf):
                    number += len(value.page.rows)
                else:
                    number += len(value) if isinstance(value, list) else 1
    return number
