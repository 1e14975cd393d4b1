"""What every answer of the server passes: it is asked for under a name of ours, and tells browsers to be strict.

A request under another name than the server's own is how a page of elsewhere gets at a server inside (DNS rebinding),
and how wrong addresses get into what is derived from the name.
"""

from collections.abc import Awaitable, Collection
from functools import lru_cache
from typing import Final

import orjson
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

EVERYWHERE: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""For answers that say nothing else: data is no page, and nobody frames or embeds it. Pages have their own policy."""

_HEADERS = [(name.lower().encode(), value.encode()) for name, value in EVERYWHERE.items()]

PROBES: Final = ("/healthz", "/readyz")
"""Asked by machinery under whatever address it knows; they tell nothing worth hiding."""


class Guard:
    """Refuses requests for other hosts than these, and adds the headers, unless every answer of the application has
    them (``adds_headers``).

    ``*`` is any host, ``*.example.com`` any below that one.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], *, adds_headers: bool = True) -> None:
        self._app = app
        self._adds_headers = adds_headers
        self._is_open = "*" in hosts
        self._hosts = frozenset(host.lower() for host in hosts if not host.startswith("*"))
        self._suffixes = tuple(host[1:].lower() for host in hosts if host.startswith("*."))
        self._is_ours = lru_cache(maxsize=100)(self._is_named)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] not in ("http", "websocket"):
            return self._app(scope, receive, send)
        host = b""
        for name, value in scope["headers"]:
            if name == b"host":
                host = value
                break
        if not (self._is_ours(host) or scope["path"] in PROBES):
            told = {"message": "This server has another name.", "extensions": {"code": "BAD_REQUEST"}}
            refusal = Response(orjson.dumps({"errors": [told]}), 421, media_type="application/json")
            return refusal(scope, receive, _adding(send))
        return self._app(scope, receive, _adding(send) if self._adds_headers else send)

    def _is_named(self, host: bytes) -> bool:
        name = host.decode("latin-1").lower()
        if not name.endswith("]"):
            name = name.rpartition(":")[0] or name
        return self._is_open or name in self._hosts or name.endswith(self._suffixes)


def _adding(send: Send) -> Send:
    """Sends the same, with those of the headers that it does not have."""

    async def send_guarded(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            said = list(message.get("headers", ()))
            names = {name for name, _ in said}
            message = {**message, "headers": said + [header for header in _HEADERS if header[0] not in names]}
        await send(message)

    return send_guarded
