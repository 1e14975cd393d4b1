"""GraphQL over HTTP: what a request must look like, and how its answer is put.

Source: the GraphQL-over-HTTP working draft of 2025. ``application/graphql-response+json`` tells by its status what
became of the request; ``application/json`` answers a well-formed request 200 whatever its errors.

No page of another site can ask in anybody's name: a request is answered only for a key in its Authorization header,
which no browser adds by itself; and what a browser says comes from another origin, only if that one is on the list.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Any
from urllib.parse import parse_qsl, urlsplit

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
STATUS = {
    errors.UNAUTHENTICATED: 401,
    errors.FORBIDDEN: 403,
    errors.METHOD_NOT_ALLOWED: 405,
    errors.RATE_LIMITED: 429,
}
WHATEVER_THE_MEDIA_TYPE = (errors.UNAUTHENTICATED, errors.METHOD_NOT_ALLOWED, errors.RATE_LIMITED)
REQUEST_ERROR_STATUS = 400
METHODS = ("GET", "POST")
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Vary": "Accept, Authorization, Origin"}
"""On every answer: it is for who asked, and for nobody after."""

NEEDS_A_KEY = "This needs a key: send Authorization: Bearer gh_..., neither expired nor revoked."

READ_ON = 10
"""Of a body that is too long so many times the limit is read, so that its sender gets to hear why it is refused."""

Asked = tuple[str, dict[str, Any] | None, str | None]
"""Query, variables and operation name."""


class _BadRequest(Exception):
    def __init__(self, status: int, message: str, code: str = errors.BAD_REQUEST, **headers: str) -> None:
        self.status, self.message, self.code, self.headers = status, message, code, headers


def endpoint(
    schema: GraphQLSchema,
    database: Database,
    keyring: Keyring,
    rules: Rules,
    limits: Limits,
    origins: Collection[str] = (),
) -> Callable[[Request], Awaitable[Response]]:
    """The handler of ``/graphql``. ``origins`` are those other than its own whose pages may ask it."""
    operations = Operations(schema, database, rules, limits)

    async def handle(request: Request) -> Response:
        media_type = JSON
        try:
            media_type = _accepted(request.headers.get("accept"))
            if request.method not in METHODS:
                raise _BadRequest(405, "Ask with GET or POST.", Allow=", ".join(METHODS))
            _check_origin(request, origins)
            async with asyncio.timeout(limits.operation_seconds):
                actor = await keyring.actor(bearer(request.headers.get("authorization", "")))
            if actor is None:  # before anything is read that a stranger sent
                message = "This needs a key: send Authorization: Bearer gh_..., neither expired nor revoked."
                return _response(refusal(message, errors.UNAUTHENTICATED), media_type, {"WWW-Authenticate": "Bearer"})
            asked = await _asked(request, limits)
            async with attended(request, limits.operation_seconds):
                answer = await operations.run(actor, *asked, may_change=request.method == "POST")
            return _response(answer, media_type, _headers(answer))
        except _BadRequest as found:
            return _failed(errors.error(found.message, found.code), found.status, media_type, found.headers)
        except (TimedOut, TimeoutError):
            message = (
                f"The operation took longer than {limits.operation_seconds:g} seconds and was stopped. "
                "What it had not committed is undone."
            )
            return _failed(errors.error(message, errors.STOPPED), 503, media_type)
        except (ClientDisconnect, Disconnected):
            return Response(status_code=499)
        except Exception as cause:
            return _failed(errors.internal(cause), 500, media_type)

    return handle


def _response(answer: Answer, media_type: str, headers: dict[str, str]) -> Response:
    status = 200
    if answer.is_request_error and (media_type == RESPONSE_JSON or answer.code in WHATEVER_THE_MEDIA_TYPE):
        status = STATUS.get(answer.code or "", REQUEST_ERROR_STATUS)
    return Response(orjson.dumps(answer.body), status, HEADERS | headers, media_type)


def _headers(answer: Answer) -> dict[str, str]:
    match answer.code:
        case errors.METHOD_NOT_ALLOWED:
            return {"Allow": "POST"}
        case errors.RATE_LIMITED:
            return {"Retry-After": str(answer.body["errors"][0]["extensions"]["retryAfter"])}
    return {}


def _failed(error: dict[str, Any], status: int, media_type: str, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps({"errors": [error]}), status, HEADERS | (headers or {}), media_type)


def _accepted(accept: str | None) -> str:
    """The media type to answer in: of those that we speak the one that the header likes best, then names first."""
    if accept is None:
        return JSON
    best, liked = None, 0.0
    for item in accept.split(","):
        media_type, *parameters = (part.strip().lower() for part in item.split(";"))
        if media_type not in (RESPONSE_JSON, JSON, "application/*", "*/*"):
            continue
        quality = _quality(parameters)
        if quality > liked:
            best, liked = RESPONSE_JSON if media_type == RESPONSE_JSON else JSON, quality
    if best is None:
        raise _BadRequest(406, f"Answers come as {RESPONSE_JSON} or {JSON}: accept one of them.")
    return best


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def _check_origin(request: Request, origins: Collection[str]) -> None:
    """Refuse what a browser sends for a page of another site. Programs say nothing of either."""
    origin = request.headers.get("origin")
    if origin in origins:
        return
    site = request.headers.get("sec-fetch-site")
    is_foreign = site in ("cross-site", "same-site") if site else origin is not None and not _is_own(origin, request)
    if is_foreign:
        raise _BadRequest(403, "Pages of that origin may not ask here: see GATEHOUSE_CORS_ORIGINS.", errors.FORBIDDEN)


def _is_own(origin: str, request: Request) -> bool:
    try:
        return urlsplit(origin).netloc == request.headers.get("host")
    except ValueError:
        return False


async def _asked(request: Request, limits: Limits) -> Asked:
    if request.method == "GET":
        return _checked(_of_query_string(request.scope["query_string"], limits), limits)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise _BadRequest(415, "Send the request as it is, without Content-Encoding.")
    _check_content_type(request.headers.get("content-type", ""))
    body = await _body(request, limits)
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise _BadRequest(400, "The body is not JSON in UTF-8.") from None
    if not isinstance(asked, dict):
        raise _BadRequest(400, "The body must be a JSON object with a query.")
    return _checked(asked, limits)


def _of_query_string(query_string: bytes, limits: Limits) -> dict[str, Any]:
    """What the parameters of a GET ask; variables and extensions are JSON."""
    if len(query_string) > limits.body_bytes:
        raise _BadRequest(414, f"A query string has at most {limits.body_bytes} bytes.")
    try:
        pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError:
        raise _BadRequest(400, "The query string is not URL-encoded UTF-8.") from None
    asked: dict[str, Any] = dict(pairs)
    if len(asked) < len(pairs):
        raise _BadRequest(400, "A parameter is given twice.")
    for name in ("variables", "extensions"):
        if name in asked:
            try:
                asked[name] = orjson.loads(asked[name] or "null")
            except orjson.JSONDecodeError:
                raise _BadRequest(400, f"{name} is not JSON.") from None
    return asked | {"operationName": asked.get("operationName") or None}


def _check_content_type(content_type: str) -> None:
    media_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    if media_type != JSON:
        raise _BadRequest(415, f"Send the request as {JSON}.")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in ("utf-8", "utf8"):
            raise _BadRequest(415, "Send the request in UTF-8.")


async def _body(request: Request, limits: Limits) -> bytes:
    """The whole body. Raises _BadRequest where it is too long, or too long in coming."""
    most, length = limits.body_bytes, request.headers.get("content-length", "")
    declared = int(length) if length.isdecimal() and len(length) < 20 else 0
    if declared > most * READ_ON or (declared > most and _waits_for_a_word(request)):
        raise _too_long(most, Connection="close")
    body, read = bytearray(), 0
    try:
        async with asyncio.timeout(limits.operation_seconds):
            async for chunk in request.stream():
                read += len(chunk)
                if read <= most:
                    body += chunk
                elif read > most * READ_ON:
                    raise _too_long(most, Connection="close")
    except TimeoutError:
        message = f"The request took longer than {limits.operation_seconds:g} seconds to arrive."
        raise _BadRequest(408, message, Connection="close") from None
    if read > most:
        raise _too_long(most)
    return bytes(body)


def _waits_for_a_word(request: Request) -> bool:
    """Whether the client sends its body only when told to: it is none the worse for an answer instead."""
    return request.headers.get("expect", "").lower() == "100-continue"


def _too_long(most: int, **headers: str) -> _BadRequest:
    return _BadRequest(413, f"A request has at most {most} bytes.", **headers)


def _checked(asked: dict[str, Any], limits: Limits) -> Asked:
    query, variables, name = asked.get("query"), asked.get("variables"), asked.get("operationName")
    if not isinstance(query, str):
        raise _BadRequest(400, "query must be a string.")
    if variables is not None and not isinstance(variables, dict):
        raise _BadRequest(400, "variables must be an object.")
    if name is not None and not isinstance(name, str):
        raise _BadRequest(400, "operationName must be a string.")
    if not isinstance(asked.get("extensions"), dict | None):
        raise _BadRequest(400, "extensions must be an object.")
    if variables:
        for message in misfits(variables, limits.list_items):
            raise _BadRequest(400, message)
    return query, variables, name


def bearer(header: str) -> str:
    """The key in an Authorization header; empty if there is none."""
    scheme, _, key = header.partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""
