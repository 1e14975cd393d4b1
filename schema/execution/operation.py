"""Running one operation: may this actor, run it, mask what failed, and one line in the log."""

import inspect
import time
from dataclasses import dataclass
from typing import Any

import structlog
from graphql import ExecutionResult, GraphQLSchema, execute

from db.engine import Database, statements
from resolvers.actor import Actor
from resolvers.context import Context, Rules

from .. import authorization
from . import errors
from .documents import Document, Documents, Operation
from .limits import Excess, Limits

log = structlog.get_logger("gatehouse")


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes out. ``is_request_error``: nothing was run, because the request itself was at fault."""

    body: dict[str, Any]
    is_request_error: bool = False
    code: str | None = None


def refusal(message: str, code: str) -> Answer:
    """The answer to a request that is not run."""
    return Answer({"errors": [errors.error(message, code)]}, is_request_error=True, code=code)


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
        token = statements.set(counted)
        started = time.perf_counter()
        document = self._documents.get(query)
        operation = document.operation(operation_name)
        cost = operation.costs.of(variables or {}) if operation else None
        answer: Answer | None = None
        try:
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
            else:
                answer = await self._executed(
                    Context(self._database, actor, self._rules), document, operation, variables
                )
            if cost is not None:
                answer.body["extensions"] = {"cost": {"requested": cost, "limit": self._limits.cost}}
            return answer
        finally:
            statements.reset(token)
            told = answer.body.get("errors", ()) if answer else [errors.error("", errors.STOPPED)]
            log.info(
                "operation",
                operation=operation.name[:100] if operation and operation.name else None,
                type=operation.type if operation else None,
                document=document.hash,
                actor=actor.client,
                role=actor.role.value,
                cost=cost,
                statements=len(counted),
                milliseconds=round((time.perf_counter() - started) * 1000, 2),
                errors=sorted({error["extensions"]["code"] for error in told}),
            )

    async def _executed(
        self, context: Context, document: Document, operation: Operation, variables: dict[str, Any] | None
    ) -> Answer:
        """What running it comes to. Whatever ends it, also cancellation, no work of it goes on afterwards."""
        assert document.node is not None
        try:
            result = execute(
                self._schema,
                document.node,
                context_value=context,
                variable_values=variables,
                operation_name=operation.name,
                max_coercion_errors=5,
                hide_suggestions=not self._limits.shows_suggestions,
            )
            return _answer(await result if inspect.isawaitable(result) else result)
        finally:
            await context.close()


def _answer(result: ExecutionResult) -> Answer:
    if not result.errors:
        return Answer({"data": result.data})
    found = errors.of_execution(result.errors)
    if result.data is None and all(error.path is None for error in result.errors):
        return Answer({"errors": found}, is_request_error=True, code=found[0]["extensions"]["code"])
    return Answer({"errors": found, "data": result.data})
