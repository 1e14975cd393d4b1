"""Serves the support staff's GraphiQL page and everything it loads: static files, without a build step.

The page shows customers' data and holds an API key, so it is closed as far as it can be: every
file comes from this origin, nothing may be framed, posted or fetched elsewhere, and no script may
stand in the HTML.
"""

from pathlib import Path
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

GRAPHIQL: Final = Path(__file__).parent / "graphiql"

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        # The editor and the explorer set styles as attributes.
        "style-src 'self' 'unsafe-inline'",
        # GraphiQL's style sheet carries its fonts as data.
        "font-src 'self' data:",
        "img-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'none'",
    )
)
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# A vendor file's folder carries its version, so a new version is a new address.
CACHED_FOR_A_YEAR: Final = "public, max-age=31536000, immutable"
# Stored, but asked about each time (ETag): our own files change with a deployment, and page and script must match.
ASKED_EACH_TIME: Final = "no-cache"
# Bytes; below it gzip's own frame and the processor's time outweigh what is saved.
GZIP_FROM: Final = 1_000


class SecurityHeaders:
    """Puts the security headers on every response of the app behind it, whatever the response says itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        await self.app(scope, receive, send_secured)


class Pages(StaticFiles):
    """Static files that say how long a browser may keep them: a year for vendor files, else asked each time."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        parts = Path(path).parts
        is_versioned = len(parts) == 3 and parts[0] == "vendor"
        response.headers["Cache-Control"] = CACHED_FOR_A_YEAR if is_versioned else ASKED_EACH_TIME
        return response


def routes() -> list[BaseRoute]:
    """The routes of the GraphiQL page, to be put into the application's own list of routes.

    GET `/graphiql` is the page, which names its files and the GraphQL endpoint relative to itself: with the
    application at another root path they are found beneath that. The rest lies beneath `/graphiql/assets/`.
    The page itself asks for no key; it holds nothing, and its questions go to `/graphql` with the key typed in.
    """
    pages = Pages(directory=GRAPHIQL)
    middleware = [Middleware(SecurityHeaders), Middleware(GZipMiddleware, minimum_size=GZIP_FROM)]

    async def page(request: Request) -> Response:
        return await pages.get_response("index.html", request.scope)

    return [
        Route("/graphiql", page, methods=["GET"], middleware=middleware, name="graphiql"),
        Mount("/graphiql/assets", pages, middleware=middleware, name="graphiql-assets"),
    ]
