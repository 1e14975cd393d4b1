"""GraphQL over HTTP: what a request must look like, and how its answer is put.

Source: the GraphQL-over-HTTP working draft of 2025. ``application/graphql-response+json`` tells by its status what
became of the request; ``application/json`` answers a well-formed request 200 whatever its errors.

No page of another site can ask in anybody's name: a request is answered only for a key in its Authorization header,
which no browser adds by itself; and what a browser says comes from another origin, only if that one is on the list.
"""

import asyncio
from collections.abc import Collection, Mapping
from functools import lru_cache, partial
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from resolvers.actor import Keyring

from ..scalars import as_json
from . import errors
from .attendance import Attended, Disconnected, TimedOut
from .connections import Connections
from .limits import Limits, misfit
from .manner import JSON, RESPONSE_JSON, Headers, Manner, manner
from .operation import Answer, Operations, refusal, stopped
from .sse import EVENT_STREAM, EventStream, whole

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
STOPPING = "The server stops. What the operation had not committed is undone: ask again."
NEEDS_A_KEY = "This needs a key: send Authorization: Bearer gh_..., neither expired nor revoked."

REPLY = "gatehouse.reply"
"""The extension of ASGI, and the type of its message, by which an answer that is there as a whole is sent as a whole:
``status``, ``headers`` but for that of its length, and ``body``."""

BODY = "gatehouse.body"
"""The extension of ASGI by which a body that came with its head is there at once, beside being received."""

MANNERS = 1_000
"""How many are remembered: of what the protocol remembers, which takes care that none is long."""

READ_ON = 10
"""Of a body that is too long so many times the limit is read, so that its sender gets to hear why it is refused."""

Asked = tuple[str, dict[str, Any] | None, str | None]
"""Query, variables and operation name."""


class BadRequest(Exception):
    """A request that is not put as it must be, and by which status that is told."""

    def __init__(self, status: int, message: str, code: str = errors.BAD_REQUEST, **headers: str) -> None:
        self.status, self.message, self.code, self.headers = status, message, code, headers


NOTHING_ELSE: Mapping[str, str] = {}
NO_EXTENSIONS: Mapping[str, Any] = {}


class Reply(NamedTuple):
    """An answer that is whole."""

    status: int
    body: bytes = b""
    media_type: str = JSON
    headers: Mapping[str, str] = NOTHING_ELSE
    """Beside those that are on every answer."""


class Endpoint:
    """``/graphql``, as an ASGI application. ``origins`` are those other than its own whose pages may ask it;
    ``everywhere`` is what every answer of the server says in its headers.

    It reads and writes ASGI's messages itself: Starlette's request, response and what it wraps around them took a fifth
    of the time of a short question.
    """

    def __init__(
        self,
        operations: Operations,
        keyring: Keyring,
        connections: Connections,
        limits: Limits,
        origins: Collection[str] = (),
        everywhere: Mapping[str, str] | None = None,
    ) -> None:
        self._operations = operations
        self._keyring = keyring
        self._connections = connections
        self._limits = limits
        self._manner = partial(manner, origins=frozenset(origin.encode() for origin in origins))
        self._known_manner = lru_cache(maxsize=MANNERS)(self._manner)
        self._headers = HEADERS | dict(everywhere or {})
        self._of_type = lru_cache(maxsize=10)(lambda media_type: _lines(self._headers | {"Content-Type": media_type}))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        how = self._manner_of(scope["headers"])
        try:
            answer = await self._answer(how, scope, receive)
        except asyncio.CancelledError:  # the server stops, and has waited as long as it does
            told = errors.error(STOPPING, errors.STOPPED)
            headers = {"Connection": "close", "Retry-After": AFTER_OVERLOAD}
            await self._tell(_failed(told, 503, how.media_type, headers), scope, send)
            raise
        if isinstance(answer, Reply):
            await self._tell(answer, scope, send)
        else:
            await answer(scope, receive, send)

    async def _tell(self, reply: Reply, scope: Scope, send: Send) -> None:
        """Send it: at once, where the server takes it as a whole."""
        headers = self._of_type(reply.media_type)
        if reply.headers:
            headers += _lines(reply.headers)
        if REPLY in scope.get("extensions", NO_EXTENSIONS):
            await send({"type": REPLY, "status": reply.status, "headers": headers, "body": reply.body})
            return
        headers += ((b"content-length", b"%d" % len(reply.body)),)
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    def _manner_of(self, headers: Headers | list[tuple[bytes, bytes]]) -> Manner:
        """The protocol has a tuple of those that it remembers, and a list of those that it sees for the first time."""
        return self._known_manner(headers) if type(headers) is tuple else self._manner(tuple(headers))

    async def _answer(self, how: Manner, scope: Scope, receive: Receive) -> Reply | ASGIApp:
        """What is to be sent. Never raises but for cancellation."""
        limits, method, is_read, media_type = self._limits, scope["method"], True, how.media_type
        try:
            if not how.is_answerable:
                raise BadRequest(406, f"Answers come as {RESPONSE_JSON}, {JSON} or {EVENT_STREAM}: accept one of them.")
            if method not in METHODS:
                raise BadRequest(405, "Ask with GET or POST.", Allow=", ".join(METHODS))
            if how.is_foreign:
                raise BadRequest(403, FOREIGN, errors.FORBIDDEN)
            operations = self._operations
            if operations.is_full and (full := await operations.turned_away()):  # before anything is done for who asks
                return _reply(full, media_type)
            with Attended(receive, limits.operation_seconds, is_read=False) as attended:
                actor = await self._keyring.actor(how.key)
                if actor is None:  # before anything is read that a stranger sent
                    return _reply(refusal(NEEDS_A_KEY, errors.UNAUTHENTICATED), media_type)
                if method == "GET":
                    asked = _of_query_string(scope["query_string"], limits)
                else:
                    is_read = False
                    asked = _of_body(await _body(how, scope, receive, limits))
                    is_read = True
                query, variables, name = checked(asked, limits)
                attended.has_read()
                renew = self._keyring.renewed if how.takes_events else None
                answer = await operations.run(actor, query, variables, name, may_change=method == "POST", renew=renew)
            if answer.stream is not None:
                too_many = partial(self._tell, _reply(_too_many(limits), media_type), scope)
                return EventStream(
                    answer.stream, actor, self._keyring.renewed, self._connections, limits, self._headers, too_many
                )
            if how.likes_events and not answer.is_request_error:
                return Reply(200, whole(answer), f"{EVENT_STREAM}; charset=utf-8")
            return _reply(answer, media_type)
        except BadRequest as found:
            return _failed(errors.error(found.message, found.code), found.status, media_type, found.headers)
        except TimedOut:
            if not is_read:
                message = f"The request took longer than {limits.operation_seconds:g} seconds to arrive."
                return _failed(errors.error(message, errors.BAD_REQUEST), 408, media_type, {"Connection": "close"})
            (told,) = stopped(limits.operation_seconds).body["errors"]
            return _failed(told, 503, media_type)
        except Disconnected:
            return Reply(499)
        except Exception as cause:
            told = errors.internal(cause)
            if told["extensions"]["code"] == errors.UNAVAILABLE:
                return _failed(told, 503, media_type, {"Retry-After": AFTER_OVERLOAD})
            return _failed(told, 500, media_type)


def _lines(headers: Mapping[str, str]) -> Headers:
    return tuple((name.lower().encode(), value.encode()) for name, value in headers.items())


def _reply(answer: Answer, media_type: str) -> Reply:
    status = 200
    if answer.is_request_error and (media_type == RESPONSE_JSON or answer.code in WHATEVER_THE_MEDIA_TYPE):
        status = STATUS.get(answer.code or "", REQUEST_ERROR_STATUS)
    return Reply(status, as_json(answer.body), media_type, _headers(answer) if answer.code else NOTHING_ELSE)


def _too_many(limits: Limits) -> Answer:
    message = f"This key has {limits.connections_per_key} connections open, as many as it may: close one."
    return refusal(message, errors.TOO_MANY)


def _headers(answer: Answer) -> dict[str, str]:
    match answer.code:
        case errors.UNAUTHENTICATED:
            return {"WWW-Authenticate": "Bearer"}
        case errors.METHOD_NOT_ALLOWED:
            return {"Allow": "POST"}
        case errors.TOO_MANY:
            return {"Retry-After": TOO_MANY_AFTER}
        case errors.OVERLOADED:
            return {"Retry-After": AFTER_OVERLOAD}
        case errors.RATE_LIMITED:
            return {"Retry-After": str(answer.body["errors"][0]["extensions"]["retryAfter"])}
    return {}


def _failed(error: dict[str, Any], status: int, media_type: str, headers: Mapping[str, str] = NOTHING_ELSE) -> Reply:
    return Reply(status, orjson.dumps({"errors": [error]}), media_type, headers)


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


def _of_body(body: bytes) -> dict[str, Any]:
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadRequest(400, "The body is not JSON in UTF-8.") from None
    if not isinstance(asked, dict):
        raise BadRequest(400, "The body must be a JSON object with a query.")
    return asked


async def _body(how: Manner, scope: Scope, receive: Receive, limits: Limits) -> bytes:
    """The whole body, of a form that can be read. Raises BadRequest where it is not, or too long; or Disconnected."""
    if how.fault is not None:
        raise BadRequest(*how.fault)
    most = limits.body_bytes
    if how.length > most * READ_ON or (how.length > most and how.waits_for_a_word):
        raise _too_long(most, Connection="close")
    at_once: bytes | None = scope.get("extensions", NO_EXTENSIONS).get(BODY)
    if at_once is not None and len(at_once) <= most:
        return at_once
    body, read, is_whole = bytearray(), 0, False
    while not is_whole:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk: bytes = message.get("body", b"")
        is_whole = not message.get("more_body", False)
        read += len(chunk)
        if read <= most:
            if is_whole and not body:
                return chunk  # in one piece, as most come
            body += chunk
        elif read > most * READ_ON:
            raise _too_long(most, Connection="close")
    if read > most:
        raise _too_long(most)
    return bytes(body)


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
    if "extensions" in asked and not isinstance(asked["extensions"], dict | None):
        raise BadRequest(400, "extensions must be an object.")
    if variables and (message := misfit(variables, limits.list_items)):
        raise BadRequest(400, message)
    return query, variables, name
