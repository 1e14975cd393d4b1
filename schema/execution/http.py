"""GraphQL over HTTP: what a request must look like, and how its answer is put.

Source: the GraphQL-over-HTTP working draft of 2025. ``application/graphql-response+json`` tells by its status what
became of the request; ``application/json`` answers a well-formed request 200 whatever its errors.

No page of another site can ask in anybody's name: a request is answered only for a key in its Authorization header,
which no browser adds by itself; and what a browser says comes from another origin, only if that one is on the list.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from resolvers.actor import Keyring

from ..scalars import as_json
from . import errors
from .attendance import Attended, Disconnected, TimedOut
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

_COMMON = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]

FOREIGN = "Pages of that origin may not ask here: see GATEHOUSE_CORS_ORIGINS."
NEEDS_A_KEY = "This needs a key: send Authorization: Bearer gh_..., neither expired nor revoked."

READ_ON = 10
"""Of a body that is too long so many times the limit is read, so that its sender gets to hear why it is refused."""

Heads = Mapping[bytes, bytes]
"""Headers by their names in small letters."""

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


@dataclass(slots=True)
class Reply:
    """An answer that is whole, as an ASGI application."""

    status: int
    body: bytes = b""
    media_type: str = JSON
    headers: Mapping[str, str] | None = None
    """Beside those that are on every answer."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [*_COMMON, (b"content-length", b"%d" % len(self.body)), (b"content-type", self.media_type.encode())]
        if self.headers:
            headers += [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


class Endpoint:
    """``/graphql``, as an ASGI application. ``origins`` are those other than its own whose pages may ask it.

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
    ) -> None:
        self._operations = operations
        self._keyring = keyring
        self._connections = connections
        self._limits = limits
        self._origins = frozenset(origin.encode() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._answer(scope, receive)
        await answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> ASGIApp:
        """What is to be sent. Never raises but for cancellation."""
        limits, method, headers = self._limits, scope["method"], first_of(scope["headers"])
        media_type, is_read = JSON, True
        try:
            accepted = _accepted(headers.get(b"accept"))
            # What is at fault is told by a status, which an event stream that has begun cannot.
            media_type = RESPONSE_JSON if accepted.media_type == EVENT_STREAM else accepted.media_type
            if method not in METHODS:
                raise BadRequest(405, "Ask with GET or POST.", Allow=", ".join(METHODS))
            check_origin(headers, self._origins)
            operations = self._operations
            if operations.is_full and (full := await operations.turned_away()):  # before anything is done for who asks
                return _reply(full, media_type)
            with Attended(receive, limits.operation_seconds, is_read=False) as attended:
                actor = await self._keyring.actor(bearer(headers.get(b"authorization", b"").decode("latin-1")))
                if actor is None:  # before anything is read that a stranger sent
                    return _reply(refusal(NEEDS_A_KEY, errors.UNAUTHENTICATED), media_type)
                if method == "GET":
                    asked = _of_query_string(scope["query_string"], limits)
                else:
                    is_read = False
                    asked = _of_body(await _body(headers, receive, limits))
                    is_read = True
                query, variables, name = checked(asked, limits)
                attended.has_read()
                renew = self._keyring.renewed if accepted.is_stream else None
                answer = await operations.run(actor, query, variables, name, may_change=method == "POST", renew=renew)
            if answer.stream is not None:
                too_many = _reply(_too_many(limits), media_type)
                return EventStream(
                    answer.stream, actor, self._keyring.renewed, self._connections, limits, HEADERS, too_many
                )
            if accepted.media_type == EVENT_STREAM and not answer.is_request_error:
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


def first_of(headers: Iterable[tuple[bytes, bytes]]) -> Heads:
    """The headers of a request by their names; of those that come twice, the first."""
    return dict(reversed([*headers]))


def _reply(answer: Answer, media_type: str) -> Reply:
    status = 200
    if answer.is_request_error and (media_type == RESPONSE_JSON or answer.code in WHATEVER_THE_MEDIA_TYPE):
        status = STATUS.get(answer.code or "", REQUEST_ERROR_STATUS)
    return Reply(status, as_json(answer.body), media_type, _headers(answer) if answer.code else None)


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


def _failed(error: dict[str, Any], status: int, media_type: str, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, orjson.dumps({"errors": [error]}), media_type, headers)


@lru_cache(maxsize=100)
def _accepted(accept: bytes | None) -> Accepted:
    """The media type to answer in: of those that we speak the one that the header likes best, then names first."""
    if accept is None:
        return Accepted(JSON, is_stream=False)
    best, liked, is_stream = None, 0.0, False
    for item in accept.decode("latin-1").split(","):
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


def check_origin(headers: Heads, origins: Collection[bytes]) -> None:
    """Refuse what a browser sends for a page of another site. Programs say nothing of either."""
    if is_foreign(headers, origins):
        raise BadRequest(403, FOREIGN, errors.FORBIDDEN)


def is_foreign(headers: Heads, origins: Collection[bytes]) -> bool:
    """Whether a page of another site asks, and none of those origins."""
    origin = headers.get(b"origin")
    if origin in origins:
        return False
    site = headers.get(b"sec-fetch-site")
    return site in (b"cross-site", b"same-site") if site else origin is not None and not _is_own(origin, headers)


def _is_own(origin: bytes, headers: Heads) -> bool:
    try:
        return urlsplit(origin.decode("latin-1")).netloc.encode("latin-1") == headers.get(b"host")
    except ValueError:
        return False


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


@lru_cache(maxsize=100)
def _check_content_type(content_type: bytes) -> None:
    media_type, *parameters = (part.strip().lower() for part in content_type.decode("latin-1").split(";"))
    if media_type != JSON:
        raise BadRequest(415, f"Send the request as {JSON}.")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in ("utf-8", "utf8"):
            raise BadRequest(415, "Send the request in UTF-8.")


async def _body(headers: Heads, receive: Receive, limits: Limits) -> bytes:
    """The whole body, of a form that can be read. Raises BadRequest where it is not, or too long; or Disconnected."""
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise BadRequest(415, "Send the request as it is, without Content-Encoding.")
    _check_content_type(headers.get(b"content-type", b""))
    most, length = limits.body_bytes, headers.get(b"content-length", b"")
    declared = int(length) if length.isdigit() and len(length) < 20 else 0
    if declared > most * READ_ON or (declared > most and _waits_for_a_word(headers)):
        raise _too_long(most, Connection="close")
    body, read, is_whole = bytearray(), 0, False
    while not is_whole:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk, is_whole = message.get("body", b""), not message.get("more_body", False)
        read += len(chunk)
        if read <= most:
            body += chunk
        elif read > most * READ_ON:
            raise _too_long(most, Connection="close")
    if read > most:
        raise _too_long(most)
    return bytes(body)


def _waits_for_a_word(headers: Heads) -> bool:
    """Whether the client sends its body only when told to: it is none the worse for an answer instead."""
    return headers.get(b"expect", b"").lower() == b"100-continue"


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
    if variables:
        for message in misfits(variables, limits.list_items):
            raise BadRequest(400, message)
    return query, variables, name


def bearer(header: str) -> str:
    """The key in an Authorization header; empty if there is none."""
    scheme, _, key = header.partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""
