"""GraphQL over HTTP: what a request must look like, and how its answer is put.

Source: the GraphQL-over-HTTP working draft of 2025. ``application/graphql-response+json`` tells by its status what
became of the request; ``application/json`` answers a well-formed request 200 whatever its errors.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from graphql import GraphQLSchema
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from db.engine import Database
from resolvers.actor import Keyring
from resolvers.context import Rules

from . import errors
from .attendance import Disconnected, TimedOut, attended
from .limits import Limits, misfits
from .operation import Answer, Operations, refusal

RESPONSE_JSON = "application/graphql-response+json"
JSON = "application/json"
STATUS = {errors.UNAUTHENTICATED: 401, errors.FORBIDDEN: 403}
REQUEST_ERROR_STATUS = 400


class _BadRequest(Exception):
    def __init__(self, status: int, message: str, **headers: str) -> None:
        self.status, self.message, self.headers = status, message, headers


def endpoint(
    schema: GraphQLSchema, database: Database, rules: Rules, limits: Limits
) -> Callable[[Request], Awaitable[Response]]:
    """The handler of ``/graphql``."""
    operations = Operations(schema, database, rules, limits)
    keyring = Keyring(database)

    async def handle(request: Request) -> Response:
        media_type = JSON
        try:
            if request.method != "POST":
                raise _BadRequest(405, "Ask with POST.", Allow="POST")
            media_type = _accepted(request.headers.get("accept"))
            body = await _body(request, limits.body_bytes)
            asked = _asked(request.headers.get("content-type", ""), body, limits.list_items)
            actor = await keyring.actor(_bearer(request.headers.get("authorization", "")))
            if actor is None:
                message = "This needs a key: send Authorization: Bearer gh_..., neither expired nor revoked."
                return _response(refusal(message, errors.UNAUTHENTICATED), media_type, {"WWW-Authenticate": "Bearer"})
            async with attended(request, limits.operation_seconds):
                answer = await operations.run(actor, *asked)
            return _response(answer, media_type)
        except TimedOut:
            message = (
                f"The operation took longer than {limits.operation_seconds:g} seconds and was stopped. "
                "What it had not committed is undone."
            )
            return Response(orjson.dumps({"errors": [errors.error(message, errors.STOPPED)]}), 503, None, media_type)
        except _BadRequest as found:
            body = orjson.dumps({"errors": [errors.error(found.message, errors.BAD_REQUEST)]})
            return Response(body, found.status, found.headers, media_type)
        except (ClientDisconnect, Disconnected):
            return Response(status_code=499)
        except Exception as cause:
            return Response(orjson.dumps({"errors": [errors.internal(cause)]}), 500, media_type=media_type)

    return handle


def _response(answer: Answer, media_type: str, headers: dict[str, str] | None = None) -> Response:
    if not answer.is_request_error:
        status = 200
    elif answer.code == errors.UNAUTHENTICATED or media_type == RESPONSE_JSON:
        status = STATUS.get(answer.code or "", REQUEST_ERROR_STATUS)
    else:
        status = 200
    return Response(orjson.dumps(answer.body), status, headers, media_type)


def _accepted(accept: str | None) -> str:
    """The media type to answer in: the first of the header's that we speak."""
    if accept is None:
        return JSON
    for item in accept.split(","):
        media_type = item.split(";")[0].strip().lower()
        if media_type == RESPONSE_JSON:
            return RESPONSE_JSON
        if media_type in (JSON, "application/*", "*/*"):
            return JSON
    raise _BadRequest(406, f"Answers come as {RESPONSE_JSON} or {JSON}: accept one of them.")


async def _body(request: Request, at_most: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > at_most:
            raise _BadRequest(413, f"A request has at most {at_most} bytes.")
    return bytes(body)


def _asked(content_type: str, body: bytes, list_items: int) -> tuple[str, dict[str, Any] | None, str | None]:
    """Query, variables and operation name."""
    media_type, _, parameters = content_type.partition(";")
    if media_type.strip().lower() != JSON:
        raise _BadRequest(415, f"Send the request as {JSON}.")
    charset = parameters.partition("charset=")[2].strip().strip('"').lower()
    if charset not in ("", "utf-8", "utf8"):
        raise _BadRequest(415, "Send the request in UTF-8.")
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise _BadRequest(400, "The body is not JSON in UTF-8.") from None
    if not isinstance(asked, dict):
        raise _BadRequest(400, "The body must be a JSON object with a query.")
    query, variables, name = asked.get("query"), asked.get("variables"), asked.get("operationName")
    if not isinstance(query, str):
        raise _BadRequest(400, "query must be a string.")
    if variables is not None and not isinstance(variables, dict):
        raise _BadRequest(400, "variables must be an object.")
    if name is not None and not isinstance(name, str):
        raise _BadRequest(400, "operationName must be a string.")
    if variables and (b"\\u0000" in body or len(body) > 2 * list_items):
        for message in misfits(variables, list_items):
            raise _BadRequest(400, message)
    return query, variables, name


def _bearer(header: str) -> str:
    scheme, _, key = header.partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""
