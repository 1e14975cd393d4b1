"""Running one operation: may this actor, run it, mask what failed, and one line in the log.

A subscription is many answers: its document, its asker and its cost are looked at as those of any operation, once, and
then for every event the asker's key again, and the cost is taken from its allowance; what finds no room waits.
"""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import structlog
from graphql import ExecutionResult, GraphQLSchema

from db.engine import Database, statements
from resolvers.actor import Actor
from resolvers.coalescing import Coalescer
from resolvers.context import Context, Rules
from resolvers.feed import Feed
from resolvers.group_commit import GroupCommits
from resolvers.refusals import BadUserInput
from resolvers.views import Views

from .. import authorization
from . import errors
from .crowd import Crowd
from .documents import Document, Documents, Operation
from .joint import Joint
from .limits import Excess, Limits
from .rate import Buckets
from .run import execute, subscribe

log = structlog.get_logger("gatehouse")

CHARACTERS_PER_POINT = 10
"""Of a document that must be read and validated: as long as it takes to answer one value."""


@dataclass(slots=True)
class Answer:
    """What goes out. ``is_request_error``: nothing was run, because the request itself was at fault.

    ``stream`` has the answers of a subscription, which then are all there is: the last of them is a request error if
    it did not end because nobody wanted more. Whoever takes it closes it.
    """

    body: dict[str, Any]
    is_request_error: bool = False
    code: str | None = None
    stream: "AsyncGenerator[Answer, None] | None" = None


Renew = Callable[[Actor], Awaitable[Actor | None]]
"""Looks at the key of an actor again: None once it is no longer valid."""


def refusal(message: str, code: str) -> Answer:
    """The answer to a request that is not run."""
    return Answer({"errors": [errors.error(message, code)]}, is_request_error=True, code=code)


def too_fast(seconds: float) -> Answer:
    """The answer to a key that has asked for more than its allowance."""
    wait = math.ceil(seconds)
    message = f"This key has asked for more than its allowance: ask again in {wait} seconds."
    told = errors.error(message, errors.RATE_LIMITED, retryAfter=wait)
    return Answer({"errors": [told]}, is_request_error=True, code=errors.RATE_LIMITED)


def overloaded(most: int) -> Answer:
    """The answer to one operation more than can be under way."""
    message = f"The server is busy with {most} operations, as many as it does at once. Nothing was run: ask again."
    return refusal(message, errors.OVERLOADED)


def stopped(seconds: float) -> Answer:
    """The answer to an operation that took too long."""
    message = (
        f"The operation took longer than {seconds:g} seconds and was stopped. What it had not committed is undone."
    )
    return refusal(message, errors.STOPPED)


def beyond(found: Excess) -> Answer:
    """The answer to an operation that asks for more than a limit."""
    told = errors.error(found.message, errors.VALIDATION_FAILED, **found.extensions)
    return Answer({"errors": [told]}, is_request_error=True, code=errors.VALIDATION_FAILED)


class Operations:
    """Runs operations against the schema, for one database and one set of rules."""

    def __init__(
        self,
        schema: GraphQLSchema,
        database: Database,
        rules: Rules,
        limits: Limits,
        views: Views,
        feed: Feed | None = None,
    ) -> None:
        self._schema = schema
        self._database = database
        self._feed = feed
        self._rules = rules
        self._limits = limits
        self._views = views
        self._documents = Documents(schema, limits)
        self._buckets = Buckets(limits.points_per_minute, limits.cost)
        self._crowd = Crowd(limits.operations_at_once)
        self._log = log.bind()
        self._coalescer = Coalescer(database)
        self._group_commits = GroupCommits()
        self._joint = Joint(self._context)

    @property
    def is_full(self) -> bool:
        """Whether one more operation would be too many: who asks this first need not wait for ``turned_away``."""
        return self._crowd.is_full

    async def turned_away(self) -> Answer | None:
        """The answer if there is no room for one more operation; None if there is."""
        if not self.is_full:
            return None
        await self._crowd.turn_away()
        return overloaded(self._limits.operations_at_once)

    async def run(
        self,
        actor: Actor,
        query: str,
        variables: dict[str, Any] | None,
        operation_name: str | None,
        *,
        may_change: bool = True,
        renew: Renew | None = None,
    ) -> Answer:
        """The answer to one request of a client: of a query only, unless it may change something.

        A subscription is answered where the answers can be told one by one: with ``renew``, which looks at its key
        again. Never raises but for cancellation.
        """
        if self.is_full and (answer := await self.turned_away()):
            return answer
        with self._crowd:
            return await self._run(actor, query, variables, operation_name, may_change, renew)

    async def _run(
        self,
        actor: Actor,
        query: str,
        variables: dict[str, Any] | None,
        operation_name: str | None,
        may_change: bool,
        renew: Renew | None,
    ) -> Answer:
        counted: list[str] = []
        executor: str | None = None
        unplanned: str | None = None
        token = statements.set(counted)
        started = time.perf_counter()
        document, operation, cost, answer = None, None, None, None
        try:
            reading = 0 if query in self._documents else len(query) // CHARACTERS_PER_POINT
            if seconds := self._buckets.pour(actor.key_id, 1 + reading):
                answer = too_fast(seconds)
                return answer
            document = self._documents.get(query)
            operation = document.operation(operation_name)
            cost = operation.costs.of(variables or {}) if operation else None
            if document.errors:
                answer = Answer({"errors": list(document.errors)}, True, document.errors[0]["extensions"]["code"])
            elif operation is None or document.node is None:
                message = (
                    "The document has several operations: say which by operationName."
                    if operation_name is None
                    else "The document has no operation of that name."
                )
                answer = refusal(message, errors.BAD_USER_INPUT)
            elif operation.type == "mutation" and not may_change:
                answer = refusal("A mutation is asked with POST.", errors.METHOD_NOT_ALLOWED)
            elif forbidden := authorization.forbidden(
                actor.role, operation.type, operation.root_fields, self._limits.introspection_roles
            ):
                message = f"The role {actor.role} may not ask for {', '.join(forbidden)}."
                answer = refusal(message, errors.FORBIDDEN)
            elif operation.type == "subscription" and renew is None:
                message = (
                    "A subscription is answered as text/event-stream, which must be accepted, or over a websocket."
                )
                answer = refusal(message, errors.BAD_USER_INPUT)
            elif cost is not None and cost > self._limits.cost:
                answer = beyond(Excess("cost", self._limits.cost, cost))
            elif seconds := self._buckets.pour(actor.key_id, (cost or 1) - 1):
                answer = too_fast(seconds)
            elif operation.type == "subscription" and renew is not None:
                answer = await self._subscribed(actor, renew, document, operation, variables, cost or 1)
            else:
                context = self._context(actor)
                answer, unplanned = await self._executed(context, document, operation, variables)
                executor = "graphql-core" if unplanned else "plan"
            if cost is not None:
                available = self._buckets.available(actor.key_id)
                told = {"requested": cost, "limit": self._limits.cost, "available": available}
                answer.body["extensions"] = {"cost": told}
            return answer
        finally:
            statements.reset(token)
            found = answer.body.get("errors", ()) if answer else [errors.error("", errors.STOPPED)]
            if answer is None or answer.stream is None:
                self._log.info(
                    "operation",
                    operation=operation.name[:100] if operation and operation.name else None,
                    type=operation.type if operation else None,
                    document=document.hash if document else None,
                    actor=actor.client,
                    role=actor.role.value,
                    cost=cost,
                    executor=executor,
                    unplanned=unplanned,
                    statements=len(counted),
                    milliseconds=round((time.perf_counter() - started) * 1000, 2),
                    errors=sorted({error["extensions"]["code"] for error in found}) if found else [],
                )

    def _context(self, actor: Actor) -> Context:
        return Context(self._database, actor, self._rules, self._feed, self._coalescer, self._group_commits)

    async def _subscribed(
        self,
        actor: Actor,
        renew: Renew,
        document: Document,
        operation: Operation,
        variables: dict[str, Any] | None,
        cost: int,
    ) -> Answer:
        """The answer that has the stream, or the errors because of which there is none."""
        assert document.node is not None
        context = self._context(actor)
        try:
            source = await subscribe(self._schema, document.node, operation, context, variables)
        finally:
            await context.close()
        if isinstance(source, ExecutionResult):
            found = errors.of_execution(source.errors or [])
            return Answer({"errors": found}, is_request_error=True, code=found[0]["extensions"]["code"])
        return Answer({}, stream=self._answers(actor, renew, document, operation, variables, cost, source))

    async def _answers(
        self,
        actor: Actor,
        renew: Renew,
        document: Document,
        operation: Operation,
        variables: dict[str, Any] | None,
        cost: int,
        source: Any,
    ) -> AsyncGenerator[Answer, None]:
        """An answer for each event. One line in the log tells of all of them, when they end."""
        assert document.node is not None
        counted: list[str] = []
        number, failed, started = 0, set[str](), time.perf_counter()
        try:
            async with aclosing(source):
                async for event in source:
                    now = await renew(actor)
                    if now is None:
                        failed.add(errors.UNAUTHENTICATED)
                        yield refusal("The key has expired or was revoked.", errors.UNAUTHENTICATED)
                        return
                    await self._allowed(now, cost)
                    token = statements.set(counted)
                    try:
                        async with asyncio.timeout(self._limits.operation_seconds):
                            answer, _ = await self._executed(self._context(now), document, operation, variables, event)
                    finally:
                        statements.reset(token)
                    available = self._buckets.available(now.key_id)
                    told = {"requested": cost, "limit": self._limits.cost, "available": available}
                    answer.body["extensions"] = {"cost": told}
                    failed.update(error["extensions"]["code"] for error in answer.body.get("errors", ()))
                    number += 1
                    yield answer
        except TimeoutError:
            failed.add(errors.STOPPED)
            yield stopped(self._limits.operation_seconds)
        except BadUserInput as found:
            failed.add(errors.BAD_USER_INPUT)
            yield refusal(str(found), errors.BAD_USER_INPUT)
        except Exception as cause:
            failed.add(errors.INTERNAL_SERVER_ERROR)
            yield Answer({"errors": [errors.internal(cause)]}, True, errors.INTERNAL_SERVER_ERROR)
        finally:
            log.info(
                "subscription",
                operation=operation.name[:100] if operation.name else None,
                type=operation.type,
                document=document.hash,
                actor=actor.client,
                role=actor.role.value,
                cost=cost,
                events=number,
                statements=len(counted),
                seconds=round(time.perf_counter() - started, 3),
                errors=sorted(failed),
            )

    async def _allowed(self, actor: Actor, cost: int) -> None:
        """Return when the actor's key has room for so many points, which are then taken."""
        seconds = self._buckets.pour(actor.key_id, cost)
        while seconds:
            await asyncio.sleep(seconds)
            seconds = self._buckets.pour(actor.key_id, cost)

    async def _executed(
        self,
        context: Context,
        document: Document,
        operation: Operation,
        variables: dict[str, Any] | None,
        source: Any = None,
    ) -> tuple[Answer, str | None]:
        """What running it comes to, and why not by a plan, if not.

        Whatever ends it, also cancellation, no work of it goes on afterwards.
        """
        assert document.node is not None
        try:
            with self._joint:
                result, unplanned = await execute(
                    self._schema, document.node, operation, context, variables, source, self._joint
                )
            if result.data is not None:
                self._views.note(context)
            return _answer(result), unplanned
        finally:
            await context.close()


def _answer(result: ExecutionResult) -> Answer:
    if not result.errors:
        return Answer({"data": result.data})
    found = errors.of_execution(result.errors)
    if result.data is None and all(error.path is None for error in result.errors):
        return Answer({"errors": found}, is_request_error=True, code=found[0]["extensions"]["code"])
    return Answer({"errors": found, "data": result.data})
