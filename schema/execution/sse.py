"""Answers as server-sent events: graphql-sse's "distinct connections mode", one operation per request.

Source: the GraphQL over Server-Sent Events Protocol (graphql-sse, PROTOCOL.md). Each answer is an event ``next``, the
end an event ``complete``; a request that is at fault is answered as over HTTP, with its status, and no stream begins.
A stream that breaks off without ``complete`` (the server stops, the reader is too slow) is to be begun again, behind
the last cursor.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import ExitStack, aclosing, suppress

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from resolvers.actor import Actor

from ..scalars import as_json
from . import errors
from .connections import KEY_SECONDS, Connections, TooMany
from .limits import Limits
from .operation import Answer, Renew, refusal

EVENT_STREAM = "text/event-stream"
COMPLETE = b"event: complete\ndata:\n\n"
ALIVE = b":\n\n"
"""A comment: proxies close what is silent, and only who is sent something is found to have gone."""


def as_event(answer: Answer) -> bytes:
    """One answer on its way."""
    return b"event: next\ndata: " + as_json(answer.body) + b"\n\n"


def whole(answer: Answer) -> bytes:
    """The answer to an operation that has but one."""
    return as_event(answer) + COMPLETE


class EventStream(Response):
    """The answers of a subscription, until it ends, the reader goes or is too slow, or the server stops."""

    media_type = EVENT_STREAM

    def __init__(
        self,
        stream: AsyncGenerator[Answer, None],
        actor: Actor,
        renew: Renew,
        connections: Connections,
        limits: Limits,
        headers: Mapping[str, str],
        too_many: Callable[[Send], Awaitable[None]],
    ) -> None:
        super().__init__(headers={**headers, "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._too_many = too_many
        self._stream = stream
        self._actor = actor
        self._renew = renew
        self._connections = connections
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tell all of it; or answer that the key has too many connections."""
        is_over = asyncio.Event()
        request = Request(scope, receive)

        async def watch() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass
            is_over.set()

        with ExitStack() as stack:
            try:
                stack.enter_context(self._connections.one(self._actor.key_id, is_over.set))
            except TooMany:
                await self._too_many(send)
                return
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            watching = asyncio.create_task(watch())
            telling = asyncio.create_task(self._tell(send))
            over = asyncio.create_task(is_over.wait())
            try:
                await asyncio.wait({telling, over}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (watching, telling, over):
                    task.cancel()
                await asyncio.gather(watching, telling, over, return_exceptions=True)
            with suppress(TimeoutError, OSError):
                async with asyncio.timeout(1):
                    await send({"type": "http.response.body", "body": b""})

    async def _tell(self, send: Send) -> None:
        """Until there is no more to tell, or one piece was not taken off in time."""

        async def put(piece: bytes) -> None:
            async with asyncio.timeout(self._limits.send_seconds):
                await send({"type": "http.response.body", "body": piece, "more_body": True})

        with suppress(TimeoutError, OSError):
            await put(ALIVE)  # the head leaves at once
            async with aclosing(self._stream) as stream:
                following = asyncio.ensure_future(anext(stream, None))
                try:
                    silent = 0.0
                    while True:
                        patience = min(KEY_SECONDS, self._limits.ping_seconds - silent)
                        await asyncio.wait({following}, timeout=patience)
                        if not following.done():
                            silent += patience
                            if await self._renewed() is None:
                                await put(whole(refusal("The key has expired or was revoked.", errors.UNAUTHENTICATED)))
                                return
                            if silent >= self._limits.ping_seconds:
                                await put(ALIVE)
                                silent = 0.0
                            continue
                        answer = following.result()
                        if answer is None:
                            await put(COMPLETE)
                            return
                        await put(as_event(answer))
                        silent = 0.0
                        following = asyncio.ensure_future(anext(stream, None))
                finally:
                    following.cancel()
                    with suppress(asyncio.CancelledError, Exception):
                        await following

    async def _renewed(self) -> Actor | None:
        """The actor now. A database that does not answer is no reason to end: nothing can be read from it either."""
        try:
            return await self._renew(self._actor)
        except Exception:
            return self._actor
