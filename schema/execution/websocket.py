"""Operations over a websocket: the protocol graphql-transport-ws, and no other.

Source: the GraphQL over WebSocket Protocol (graphql-ws, PROTOCOL.md), its messages and the codes with which it closes.

A handler of our own, not Strawberry's, for what that one leaves open: it runs operations past the documents, limits,
allowances and the log that every operation here passes; it takes a message of any form until it meets what is missing;
makes one context for all that a socket ever asks; and has no bound on operations, on a peer that reads nothing, or on
the life of a key. Here a message is one that the protocol knows or the end of the connection; every operation, query
and mutation too, goes the way that it goes over HTTP; and the connection ends, with a code that tells the client
whether to come back, when its key does, when what it is sent is not taken off in time, and when the server stops.

The key comes in the Authorization header or, from a browser, which cannot set it, in the payload of connection_init.
A page of another site that is not on the list is refused before the handshake, as over HTTP.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import ExitStack, aclosing, suppress
from typing import Any

import orjson
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from resolvers.actor import Actor, Keyring

from ..scalars import as_json
from . import errors
from .connections import KEY_SECONDS, Connections, TooMany
from .http import FOREIGN, HEADERS, NEEDS_A_KEY, BadRequest, checked
from .limits import Limits
from .manner import bearer, first_of, is_foreign
from .operation import Answer, Operations, refusal, stopped

SUBPROTOCOL = "graphql-transport-ws"

GOING_AWAY = 1001
TOO_LARGE = 1009
TRY_AGAIN_LATER = 1013
BAD_MESSAGE = 4400
UNAUTHORIZED = 4401
FORBIDDEN = 4403
SUBPROTOCOL_NOT_ACCEPTABLE = 4406
INITIALISATION_TIMEOUT = 4408
SUBSCRIBER_ALREADY_EXISTS = 4409
TOO_MANY_INITIALISATIONS = 4429
INTERNAL_ERROR = 4500

LONGEST_ID = 100
CLOSE_SECONDS = 1
"""How long the word of parting may take: a peer that reads nothing does not read that either."""


class _End(Exception):
    """The connection ends, for this reason."""

    def __init__(self, code: int, reason: str) -> None:
        self.code, self.reason = code, reason


def endpoint(
    operations: Operations,
    keyring: Keyring,
    connections: Connections,
    limits: Limits,
    origins: Collection[str] = (),
) -> Callable[[WebSocket], Awaitable[None]]:
    """The handler of websockets at ``/graphql``. ``origins`` are those other than its own whose pages may ask it."""

    listed = frozenset(origin.encode() for origin in origins)

    async def handle(socket: WebSocket) -> None:
        if is_foreign(first_of(socket.scope["headers"]), listed):
            await _deny(socket, 403, FOREIGN, errors.FORBIDDEN)
            return
        if connections.is_closed:
            await _deny(socket, 503, "The server is stopping: connect anew.", errors.STOPPED)
            return
        if SUBPROTOCOL not in socket.scope["subprotocols"]:
            await socket.accept()
            await socket.close(SUBPROTOCOL_NOT_ACCEPTABLE, f"Only {SUBPROTOCOL} is spoken here.")
            return
        await socket.accept(SUBPROTOCOL)
        await _Conversation(socket, operations, keyring, connections, limits).hold()

    return handle


async def _deny(socket: WebSocket, status: int, message: str, code: str) -> None:
    body = orjson.dumps({"errors": [errors.error(message, code)]})
    await socket.send_denial_response(Response(body, status, HEADERS, "application/json"))


class _Conversation:
    """One connection, from its handshake to its end."""

    def __init__(
        self, socket: WebSocket, operations: Operations, keyring: Keyring, connections: Connections, limits: Limits
    ) -> None:
        self._socket = socket
        self._operations = operations
        self._keyring = keyring
        self._connections = connections
        self._limits = limits
        self._actor: Actor | None = None
        self._running: dict[str, asyncio.Task[None]] = {}
        self._stack = ExitStack()
        self._sending = asyncio.Lock()
        self._end: asyncio.Future[_End | None] = asyncio.get_running_loop().create_future()

    async def hold(self) -> None:
        """Talk until one side ends it; then nothing of it goes on."""
        tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._mind_the_key())]
        try:
            end = await self._end
        finally:
            tasks += self._running.values()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._stack.close()
        if end is not None:
            with suppress(TimeoutError, RuntimeError, WebSocketDisconnect, OSError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._socket.close(end.code, end.reason)

    def _finish(self, end: _End | None) -> None:
        if not self._end.done():
            self._end.set_result(end)

    # ------------------------------------------------------------------------------------------- hearing

    async def _listen(self) -> None:
        try:
            async with asyncio.timeout(self._limits.init_seconds) as until:
                while True:
                    await self._heed(await self._message())
                    if self._actor is not None:
                        until.reschedule(None)
        except TimeoutError:
            reason = f"No connection_init within {self._limits.init_seconds:g} seconds."
            self._finish(_End(INITIALISATION_TIMEOUT, reason))
        except _End as end:
            self._finish(end)
        except (WebSocketDisconnect, OSError):
            self._finish(None)
        except Exception as cause:
            self._finish(_broken(cause))

    async def _message(self) -> dict[str, Any]:
        received = await self._socket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received.get("code", 1005))
        text = received.get("text")
        if text is None:
            raise _End(BAD_MESSAGE, "Messages are texts.")
        if len(text) > self._limits.message_bytes or len(text.encode()) > self._limits.message_bytes:
            raise _End(TOO_LARGE, f"A message has at most {self._limits.message_bytes} bytes.")
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise _End(BAD_MESSAGE, "A message is JSON.") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise _End(BAD_MESSAGE, "A message is an object with a type.")
        return message

    async def _heed(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "connection_init":
                await self._init(message.get("payload"))
            case "ping":
                payload = message.get("payload")
                await self._send({"type": "pong"} if payload is None else {"type": "pong", "payload": payload})
            case "pong":
                return
            case "subscribe":
                await self._subscribe(message.get("id"), message.get("payload"))
            case "complete":
                if not isinstance(message.get("id"), str):
                    raise _End(BAD_MESSAGE, "complete needs the id of an operation.")
                if running := self._running.get(message["id"]):  # else it has just ended by itself
                    running.cancel()
                    await asyncio.wait({running})  # its id and its place are free for what is asked next
            case _:
                raise _End(BAD_MESSAGE, "The type is none that a client sends.")

    async def _init(self, payload: Any) -> None:
        if self._actor is not None:
            raise _End(TOO_MANY_INITIALISATIONS, "The connection was initialised already.")
        if not isinstance(payload, dict | None):
            raise _End(BAD_MESSAGE, "The payload of connection_init is an object.")
        said = {name.lower(): value for name, value in (payload or {}).items()}.get("authorization")
        header = self._socket.headers.get("authorization", "") if said is None else said
        actor = await self._keyring.actor(bearer(header)) if isinstance(header, str) else None
        if actor is None:
            raise _End(FORBIDDEN, NEEDS_A_KEY)
        try:
            self._stack.enter_context(self._connections.one(actor.key_id, self._go_away))
        except TooMany:
            most = self._limits.connections_per_key
            raise _End(TRY_AGAIN_LATER, f"This key has {most} connections open, as many as it may.") from None
        self._actor = actor
        await self._send({"type": "connection_ack"})

    def _go_away(self) -> None:
        self._finish(_End(GOING_AWAY, "The server is stopping: connect anew, and go on behind your last cursor."))

    async def _mind_the_key(self) -> None:
        while True:
            await asyncio.sleep(min(KEY_SECONDS, self._limits.ping_seconds))
            with suppress(Exception):  # a database that does not answer: nothing can be read from it either
                if self._actor is not None and await self._keyring.renewed(self._actor) is None:
                    self._finish(_End(UNAUTHORIZED, "The key has expired or was revoked."))

    # ---------------------------------------------------------------------------------------- operations

    async def _subscribe(self, operation_id: Any, payload: Any) -> None:
        if self._actor is None:
            raise _End(UNAUTHORIZED, "Begin with connection_init.")
        if not isinstance(operation_id, str) or not 0 < len(operation_id) <= LONGEST_ID:
            raise _End(BAD_MESSAGE, f"An operation's id is a text of 1 to {LONGEST_ID} characters.")
        if not isinstance(payload, dict):
            raise _End(BAD_MESSAGE, "subscribe needs a payload with a query.")
        if operation_id in self._running:
            raise _End(SUBSCRIBER_ALREADY_EXISTS, "Subscriber for that id already exists.")
        most = self._limits.operations_per_connection
        if len(self._running) >= most:
            message = f"This connection has {most} operations running, as many as it may: complete one."
            await self._refuse(operation_id, refusal(message, errors.TOO_MANY))
            return
        task = asyncio.create_task(self._operate(operation_id, payload))
        self._running[operation_id] = task
        task.add_done_callback(lambda task: self._forget(operation_id, task))

    async def _operate(self, operation_id: str, payload: dict[str, Any]) -> None:
        try:
            await self._answer(operation_id, payload)
        except _End as end:
            self._finish(end)
        except (WebSocketDisconnect, OSError):
            self._finish(None)
        except Exception as cause:
            self._finish(_broken(cause))

    def _forget(self, operation_id: str, task: asyncio.Task[None] | None) -> None:
        """The id is free: before the client hears that the operation is over, also one that was canceled unbegun."""
        if self._running.get(operation_id) is task:
            del self._running[operation_id]

    async def _answer(self, operation_id: str, payload: dict[str, Any]) -> None:
        assert self._actor is not None
        actor = await self._keyring.renewed(self._actor)
        if actor is None:
            raise _End(UNAUTHORIZED, "The key has expired or was revoked.")
        try:
            asked = checked(payload, self._limits)
        except BadRequest as found:
            await self._refuse(operation_id, refusal(found.message, found.code))
            return
        try:
            async with asyncio.timeout(self._limits.operation_seconds):
                answer = await self._operations.run(actor, *asked, renew=self._keyring.renewed)
        except TimeoutError:
            answer = stopped(self._limits.operation_seconds)
        if answer.stream is not None:
            async with aclosing(answer.stream) as stream:
                async for answer in stream:
                    if answer.code == errors.UNAUTHENTICATED:
                        raise _End(UNAUTHORIZED, "The key has expired or was revoked.")
                    if answer.is_request_error:
                        await self._refuse(operation_id, answer)
                        return
                    await self._send({"id": operation_id, "type": "next", "payload": answer.body})
        elif answer.is_request_error:
            await self._refuse(operation_id, answer)
            return
        else:
            await self._send({"id": operation_id, "type": "next", "payload": answer.body})
        self._forget(operation_id, asyncio.current_task())
        await self._send({"id": operation_id, "type": "complete"})

    async def _refuse(self, operation_id: str, answer: Answer) -> None:
        self._forget(operation_id, asyncio.current_task())
        await self._send({"id": operation_id, "type": "error", "payload": answer.body["errors"]})

    async def _send(self, message: dict[str, Any]) -> None:
        """One message at a time; the peer must have taken off enough of those before in so many seconds."""
        try:
            async with asyncio.timeout(self._limits.send_seconds), self._sending:
                await self._socket.send_text(as_json(message).decode())
        except TimeoutError:
            raise _End(TRY_AGAIN_LATER, "You take off too slowly: go on behind your last cursor.") from None


def _broken(cause: Exception) -> _End:
    """The end of a connection on our account."""
    told = errors.internal(cause)["extensions"]
    if told["code"] == errors.UNAVAILABLE:
        return _End(TRY_AGAIN_LATER, "The database cannot be reached now.")
    return _End(INTERNAL_ERROR, f"Error id {told['errorId']}")
