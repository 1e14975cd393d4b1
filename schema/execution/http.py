"""GraphQL over HTTP: what a request must look like, and how its answer is put.

Source: the GraphQL-over-HTTP working draft of 2025. ``application/graphql-response+json`` tells by its status what
became of the request; ``application/json`` answers a well-formed request 200 whatever its errors.

No page of another site can ask in anybody's name: a request is answered only for a key in its Authorization header,
which no browser adds by itself; and what a browser says comes from another origin, only if that one is on the list.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import orjson
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from resolvers.actor import Keyring

from . import errors
from .attendance import Disconnected, TimedOut, attended
from .connections import Connections
from .limits import Limits, misfits
from .operation import Answer, Operations, refusal, stopped
from .sse import EVENT_STREAM, EventStream, whole

RESPONSE_JSON = "application/graphql-response+json"
JSON = "application/json"
STATUS = {
    errors.UNAUTHENTICATED: 401,
    errors.FORBIDDEN: 403,
    errors.METHOD_NOT_ALLOWED: 405,
    errors.RATE_LIMITED: 429,
    errors.TOO_MANY: 429,
    errors.OVERLOADED: 503,
    errors.INTERNAL_SERVER_ERROR: 500,
}
AFTER_OVERLOAD = "1"
"""In how many seconds whoever was turned away may ask again."""

TOO_MANY_AFTER = "10"
"""In how many seconds whoever has too many connections may ask again."""

WHATEVER_THE_MEDIA_TYPE = (
    errors.UNAUTHENTICATED,
    errors.METHOD_NOT_ALLOWED,
    errors.RATE_LIMITED,
    errors.TOO_MANY,
    errors.OVERLOADED,
)
REQUEST_ERROR_STATUS = 400
METHODS = ("GET", "POST")
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Vary": "Accept, Authorization, Origin"}
"""On every answer: it is for who asked, and for nobody after."""

FOREIGN = "Pages of that origin may not ask here: see GATEHOUSE_CORS_ORIGINS."
NEEDS_A_KEY = "This needs a key: send Authorization: Bearer gh_..., neither expired nor revoked."

READ_ON = 10
"""Of a body that is too long so many times the limit is read, so that its sender gets to hear why it is refused."""

Asked = tuple[str, dict[str, Any] | None, str | None]
"""Query, variables and operation name."""


class BadRequest(Exception):
    """A request that is not put as it must be, and by which status that is told."""

    def __init__(self, status: int, message: str, code: str = errors.BAD_REQUEST, **headers: str) -> None:
        self.status, self.message, self.code, self.headers = status, message, code, headers


class Accepted(NamedTuple):
    """How the client likes its answer: the media type that it likes best, and whether it takes many, one by one."""

    media_type: str
    is_stream: bool


def endpoint(
    operations: Operations,
    keyring: Keyring,
    connections: Connections,
    limits: Limits,
    origins: Collection[str] = (),
) -> Callable[[Request], Awaitable[Response]]:
    """The handler of ``/graphql``. ``origins`` are those other than its own whose pages may ask it."""

    async def handle(request: Request) -> Response:
        media_type = JSON
        try:
            accepted = _accepted(request.headers.get("accept"))
            # What is at fault is told by a status, which an event stream that has begun cannot.
            media_type = RESPONSE_JSON if accepted.media_type == EVENT_STREAM else accepted.media_type
            if request.method not in METHODS:
                raise BadRequest(405, "Ask with GET or POST.", Allow=", ".join(METHODS))
            check_origin(request.headers, origins)
            if (full := await operations.turned_away()) is not None:  # before anything is done for who asks
                return _response(full, media_type, _headers(full))
            async with asyncio.timeout(limits.operation_seconds):
                actor = await keyring.actor(bearer(request.headers.get("authorization", "")))
            if actor is None:  # before anything is read that a stranger sent
                return _response(
                    refusal(NEEDS_A_KEY, errors.UNAUTHENTICATED), media_type, {"WWW-Authenticate": "Bearer"}
                )
            asked = await _asked(request, limits)
            async with attended(request, limits.operation_seconds):
                renew = keyring.renewed if accepted.is_stream else None
                answer = await operations.run(actor, *asked, may_change=request.method == "POST", renew=renew)
            if answer.stream is not None:
                too_many = _response(_too_many(limits), media_type, {"Retry-After": TOO_MANY_AFTER})
                return EventStream(answer.stream, actor, keyring.renewed, connections, limits, HEADERS, too_many)
            if accepted.media_type == EVENT_STREAM and not answer.is_request_error:
                return Response(whole(answer), 200, HEADERS, EVENT_STREAM)
            return _response(answer, media_type, _headers(answer))
        except BadRequest as found:
            return _failed(errors.error(found.message, found.code), found.status, media_type, found.headers)
        except (TimedOut, TimeoutError):
            (told,) = stopped(limits.operation_seconds).body["errors"]
            return _failed(told, 503, media_type)
        except (ClientDisconnect, Disconnected):
            return Response(status_code=499)
        except Exception as cause:
            told = errors.internal(cause)
            if told["extensions"]["code"] == errors.UNAVAILABLE:
                return _failed(told, 503, media_type, {"Retry-After": AFTER_OVERLOAD})
            return _failed(told, 500, media_type)

    return handle


def _response(answer: Answer, media_type: str, headers: dict[str, str]) -> Response:
    status = 200
    if answer.is_request_error and (media_type == RESPONSE_JSON or answer.code in WHATEVER_THE_MEDIA_TYPE):
        status = STATUS.get(answer.code or "", REQUEST_ERROR_STATUS)
    return Response(orjson.dumps(answer.body), status, HEADERS | headers, media_type)


def _too_many(limits: Limits) -> Answer:
    message = f"This key has {limits.connections_per_key} connections open, as many as it may: close one."
    return refusal(message, errors.TOO_MANY)


def _headers(answer: Answer) -> dict[str, str]:
    match answer.code:
        case errors.METHOD_NOT_ALLOWED:
            return {"Allow": "POST"}
        case errors.OVERLOADED:
            return {"Retry-After": AFTER_OVERLOAD}
        case errors.RATE_LIMITED:
            return {"Retry-After": str(answer.body["errors"][0]["extensions"]["retryAfter"])}
    return {}


def _failed(error: dict[str, Any], status: int, media_type: str, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps({"errors": [error]}), status, HEADERS | (headers or {}), media_type)


@lru_cache(maxsize=100)
def _accepted(accept: str | None) -> Accepted:
    """The media type to answer in: of those that we speak the one that the header likes best, then names first."""
    if accept is None:
        return Accepted(JSON, is_stream=False)
    best, liked, is_stream = None, 0.0, False
    for item in accept.split(","):
        media_type, *parameters = (part.strip().lower() for part in item.split(";"))
        if media_type not in (RESPONSE_JSON, JSON, EVENT_STREAM, "application/*", "*/*"):
            continue
        quality = _quality(parameters)
        is_stream = is_stream or (media_type == EVENT_STREAM and quality > 0)
        if quality > liked:
            best, liked = media_type if media_type in (RESPONSE_JSON, EVENT_STREAM) else JSON, quality
    if best is None:
        raise BadRequest(406, f"Answers come as {RESPONSE_JSON}, {JSON} or {EVENT_STREAM}: accept one of them.")
    return Accepted(best, is_stream)


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def check_origin(headers: Headers, origins: Collection[str]) -> None:
    """Refuse what a browser sends for a page of another site. Programs say nothing of either."""
    if is_foreign(headers, origins):
        raise BadRequest(403, FOREIGN, errors.FORBIDDEN)


def is_foreign(headers: Headers, origins: Collection[str]) -> bool:
    """Whether a page of another site asks, and none of those origins."""
    origin = headers.get("origin")
    if origin in origins:
        return False
    site = headers.get("sec-fetch-site")
    return site in ("cross-site", "same-site") if site else origin is not None and not _is_own(origin, headers)


def _is_own(origin: str, headers: Headers) -> bool:
    try:
        return urlsplit(origin).netloc == headers.get("host")
    except ValueError:
        return False


async def _asked(request: Request, limits: Limits) -> Asked:
    if request.method == "GET":
        return checked(_of_query_string(request.scope["query_string"], limits), limits)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise BadRequest(415, "Send the request as it is, without Content-Encoding.")
    _check_content_type(request.headers.get("content-type", ""))
    body = await _body(request, limits)
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadRequest(400, "The body is not JSON in UTF-8.") from None
    if not isinstance(asked, dict):
        raise BadRequest(400, "The body must be a JSON object with a query.")
    return checked(asked, limits)


def _of_query_string(query_string: bytes, limits: Limits) -> dict[str, Any]:
    """What the parameters of a GET ask; variables and extensions are JSON."""
    if len(query_string) > limits.body_bytes:
        raise BadRequest(414, f"A query string has at most {limits.body_bytes} bytes.")
    try:
        pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError:
        raise BadRequest(400, "The query string is not URL-encoded UTF-8.") from None
    asked: dict[str, Any] = dict(pairs)
    if len(asked) < len(pairs):
        raise BadRequest(400, "A parameter is given twice.")
    for name in ("variables", "extensions"):
        if name in asked:
            try:
                asked[name] = orjson.loads(asked[name] or "null")
            except orjson.JSONDecodeError:
                raise BadRequest(400, f"{name} is not JSON.") from None
    return asked | {"operationName": asked.get("operationName") or None}


@lru_cache(maxsize=100)
def _check_content_type(content_type: str) -> None:
    media_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    if media_type != JSON:
        raise BadRequest(415, f"Send the request as {JSON}.")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in ("utf-8", "utf8"):
            raise BadRequest(415, "Send the request in UTF-8.")


async def _body(request: Request, limits: Limits) -> bytes:
    """The whole body. Raises BadRequest where it is too long, or too long in coming."""
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
        raise BadRequest(408, message, Connection="close") from None
    if read > most:
        raise _too_long(most)
    return bytes(body)


def _waits_for_a_word(request: Request) -> bool:
    """Whether the client sends its body only when told to: it is none the worse for an answer instead."""
    return request.headers.get("expect", "").lower() == "100-continue"


def _too_long(most: int, **headers: str) -> BadRequest:
    return BadRequest(413, f"A request has at most {most} bytes.", **headers)


def checked(asked: dict[str, Any], limits: Limits) -> Asked:
    """What a request asks, as it must be put. Raises BadRequest."""
    query, variables, name = asked.get("query"), asked.get("variables"), asked.get("operationName")
    if not isinstance(query, str):
        raise BadRequest(400, "query must be a string.")
    if variables is not None and not isinstance(variables, dict):
        raise BadRequest(400, "variables must be an object.")
    if name is not None and not isinstance(name, str):
        raise BadRequest(400, "operationName must be a string.")
    if not isinstance(asked.get("extensions"), dict | None):
        raise BadRequest(400, "extensions must be an object.")
    if variables:
        for message in misfits(variables, limits.list_items):
            raise BadRequest(400, message)
    return query, variables, name


def bearer(header: str) -> str:
    """The key in an Authorization header; empty if there is none."""
    scheme, _, key = header.partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""
