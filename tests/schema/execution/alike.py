"""Whether two executors answered alike, as far as the specification says that they must.

Source: GraphQL, October 2021, 6.4.4. The data must be the same to the byte. Of the errors below a place that became
null, which ones are told depends on what ran first; so each executor's must be among all there are (as an execution
without error propagation finds them), and must account for the same nulls.
"""

from collections.abc import Iterable
from typing import Any

from graphql import DocumentNode, ExecutionResult, OperationDefinitionNode, parse
from structlog.testing import capture_logs

from schema.execution import errors
from schema.scalars import as_json

Place = tuple[Any, ...]
Error = tuple[Place, str]


def without_propagation(document: DocumentNode) -> DocumentNode:
    """The same document, of whose execution every error stays where it arose."""
    marked: Any = parse("query @experimental_disableErrorPropagation { x }").definitions[0]

    def changed(node: Any) -> Any:
        if not isinstance(node, OperationDefinitionNode):
            return node
        parts: dict[str, Any] = {name: getattr(node, name) for name in node.keys}
        return OperationDefinitionNode(**parts | {"directives": marked.directives})

    return DocumentNode(definitions=tuple(map(changed, document.definitions)), loc=document.loc)


def must_be_alike(planned: ExecutionResult, core: ExecutionResult, unpropagated: ExecutionResult) -> None:
    """Assert that a plan's result is as good as graphql-core's."""
    assert written(planned.data) == written(core.data)
    ours, theirs, all_there_are = (told(result) for result in (planned, core, unpropagated))
    assert len(ours) == len(planned.errors or ()), "an error is told twice"
    assert ours <= all_there_are, ours - all_there_are
    assert nulled(core.data, (path for path, _ in ours)) == nulled(core.data, (path for path, _ in theirs))


def written(data: Any) -> bytes:
    return as_json(data)


def told(result: ExecutionResult) -> set[Error]:
    """The errors as callers are told of them."""
    with capture_logs():
        found = errors.of_execution(result.errors or ())
    return {(tuple(error.get("path") or ()), error["extensions"]["code"]) for error in found}


def nulled(data: Any, paths: Iterable[Place]) -> set[Place]:
    """The places that became null for these errors."""
    return {_nulled(data, path) for path in paths}


def _nulled(data: Any, path: Place) -> Place:
    for depth, step in enumerate(path):
        if data is None:
            return path[:depth]
        data = data[step]
    assert data is None, f"an error at {path}, where the data is not null"
    return path
