"""Top-level errors: the codes that programs branch on (the Apollo names), and how a failure of ours is masked."""

import secrets
from collections.abc import Sequence
from typing import Any

import structlog
from graphql import GraphQLError

from db.driver import is_out_of_reach
from resolvers.refusals import BadUserInput

log = structlog.get_logger("gatehouse")

PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
BAD_USER_INPUT = "BAD_USER_INPUT"
UNAUTHENTICATED = "UNAUTHENTICATED"
FORBIDDEN = "FORBIDDEN"
BAD_REQUEST = "BAD_REQUEST"
METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
RATE_LIMITED = "RATE_LIMITED"
TOO_MANY = "TOO_MANY"
OVERLOADED = "OVERLOADED"
UNAVAILABLE = "UNAVAILABLE"
STOPPED = "STOPPED"
INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"

OUT_OF_REACH = (
    "The database cannot be reached now. Ask again, a mutation with the same token or nonce: "
    "it is told what became of the first."
)


def error(message: str, code: str, **extensions: Any) -> dict[str, Any]:
    """An error as it stands in an answer."""
    return {"message": message, "extensions": {"code": code, **extensions}}


def formatted(found: GraphQLError, code: str) -> dict[str, Any]:
    """graphql-core's error, with its place in the document and its path, under that code."""
    answer: dict[str, Any] = dict(found.formatted)
    answer["extensions"] = {"code": code}
    return answer


def of_execution(found: Sequence[GraphQLError]) -> list[dict[str, Any]]:
    """Errors met while running. What was the caller's is said; what was ours is logged under an id and masked.

    The caller's are those without a path (the variables did not fit), those about an argument (a variable that may be
    null where null does not fit), and those raised as ``BadUserInput``.
    """
    return [_of_execution(one) for one in found]


def _of_execution(found: GraphQLError) -> dict[str, Any]:
    cause = found.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if found.path is None or isinstance(cause, BadUserInput) or _is_about_an_argument(cause):
        return formatted(found, BAD_USER_INPUT)
    cause = cause or found
    masked = internal(cause)
    answer = formatted(found, INTERNAL_SERVER_ERROR)
    return answer | masked


def _is_about_an_argument(cause: BaseException | None) -> bool:
    """graphql-core raises an error of its own, with the place in the document, for an argument that does not fit; and
    for an object of the wrong type, whose message repeats what the object is made of."""
    return isinstance(cause, GraphQLError) and bool(cause.nodes) and cause.message.startswith("Argument '")


def internal(cause: BaseException) -> dict[str, Any]:
    """The error that stands for a failure of ours: an id to quote, never the text. UNAVAILABLE for one that passes."""
    if is_out_of_reach(cause):
        log.warning("database out of reach", reason=type(cause).__name__)
        return error(OUT_OF_REACH, UNAVAILABLE)
    error_id = secrets.token_hex(8)
    log.error("failed", error_id=error_id, exc_info=cause)
    message = f"Something went wrong here. Quote the error id {error_id} to those who run this server."
    return error(message, INTERNAL_SERVER_ERROR, errorId=error_id)
