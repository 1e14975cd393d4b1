"""Running one operation: may this actor, run it, mask what failed, and one line in the log."""

import math
import time
from dataclasses import dataclass
from typing import Any

import structlog
from graphql import ExecutionResult, GraphQLSchema

from db.engine import Database, statements
from resolvers.actor import Actor
from resolvers.context import Context, Rules

from .. import authorization
from . import errors
from .documents import Document, Documents, Operation
from .limits import Excess, Limits
from .rate import Buckets
from .run import execute

log = structlog.get_logger("gatehouse")

CHARACTERS_PER_POINT = 10
"""Of a document that must be read and validated: as long as it takes to answer one value."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes out. ``is_request_error``: nothing was run, because the request itself was at fault."""

    body: dict[str, Any]
    is_request_error: bool = False
    code: str | None = None


def refusal(message: str, code: str) -> Answer:
    """The answer to a request that is not run."""
    return Answer({"errors": [errors.error(message, code)]}, is_request_error=True, code=code)


def too_fast(seconds: float) -> Answer:
    """The answer to a key that has asked for more than its allowance."""
    wait = math.ceil(seconds)
    message = f"This key has asked for more than its allowance: ask again in {wait} seconds."
    told = errors.error(message, errors.RATE_LIMITED, retryAfter=wait)
    return Answer({"errors": [told]}, is_request_error=True, code=errors.RATE_LIMITED)


def beyond(found: Excess) -> Answer:
    """The answer to an operation that asks for more than a limit."""
    told = errors.error(found.message, errors.VALIDATION_FAILED, **found.extensions)
    return Answer({"errors": [told]}, is_request_error=True, code=errors.VALIDATION_FAILED)


class Operations:
    """Runs operations against the schema, for one database and one set of rules."""

    def __init__(self, schema: GraphQLSchema, database: Database, rules: Rules, limits: Limits) -> None:
        self._schema = schema
        self._database = database
        self._rules = rules
        self._limits = limits
        self._documents = Documents(schema, limits)
        self._buckets = Buckets(limits.points_per_minute, limits.cost)

    async def run(
        self,
        actor: Actor,
        query: str,
        variables: dict[str, Any] | None,
        operation_name: str | None,
        *,
        may_change: bool = True,
    ) -> Answer:
        """The answer to one request of a client: of a query only, unless it may change something.

        Never raises but for cancellation.
        """
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
            elif operation.type == "subscription":
                answer = refusal("Subscriptions are not answered here.", errors.BAD_USER_INPUT)
            elif operation.type == "mutation" and not may_change:
                answer = refusal("A mutation is asked with POST.", errors.METHOD_NOT_ALLOWED)
            elif forbidden := authorization.forbidden(
                actor.role, operation.type, operation.root_fields, self._limits.introspection_roles
            ):
                message = f"The role {actor.role} may not ask for {', '.join(forbidden)}."
                answer = refusal(message, errors.FORBIDDEN)
            elif cost is not None and cost > self._limits.cost:
                answer = beyond(Excess("cost", self._limits.cost, cost))
            elif seconds := self._buckets.pour(actor.key_id, (cost or 1) - 1):
                answer = too_fast(seconds)
            else:
                context = Context(self._database, actor, self._rules)
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
            log.info(
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
                errors=sorted({error["extensions"]["code"] for error in found}),
            )

    async def _executed(
        self, context: Context, document: Document, operation: Operation, variables: dict[str, Any] | None
    ) -> tuple[Answer, str | None]:
        """What running it comes to, and why not by a plan, if not.

        Whatever ends it, also cancellation, no work of it goes on afterwards.
        """
        assert document.node is not None
        try:
            result, unplanned = await execute(self._schema, document.node, operation, context, variables)
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
