"""The application over one database: what stands under which path, and what runs from its start to its end."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

import schema.export
import schema.root
from db.engine import Database
from db.news import News
from resolvers.actor import Keyring
from resolvers.context import Rules
from resolvers.feed import Feed
from resolvers.views import Views
from schema.execution import errors, http, websocket
from schema.execution.connections import Connections
from schema.execution.operation import Operations

from . import chores, goodbye, pages, ready
from .guard import EVERYWHERE, Guard
from .settings import Settings

GARBAGE_THRESHOLD = 10_000
"""After how many more objects made than freed the garbage collector looks for circles among the youngest."""

CORS_SECONDS = 600
"""How long a browser remembers which pages may ask here."""

log = structlog.get_logger("gatehouse")


class Application(Starlette):
    """Starlette's, which asks its routes and all that it wraps around them for every path but one.

    Whoever asks for ``direct`` by that very path comes to its application at once: to get there through Starlette took
    a tenth of the time of a short question.
    """

    def __init__(self, path: str, direct: ASGIApp, **options: Any) -> None:
        super().__init__(**options)
        self._path = path
        self._direct = direct

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == scope.get("root_path", "") + self._path:
            await self._direct(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class CrossOrigin(CORSMiddleware):
    """Starlette's. It adds its headers to answers that come in ASGI's own messages, so that is how pages get them, and
    not by the extension that has an answer as a whole (``schema.execution.http.REPLY``)."""

    async def simple_response(self, scope: Scope, receive: Receive, send: Send, request_headers: Headers) -> None:
        if "origin" in request_headers:
            scope = {**scope, "extensions": {}}
        await super().simple_response(scope, receive, send, request_headers)


def create_app(settings: Settings, database: Database | None = None, rules: Rules | None = None) -> Starlette:
    """The application over the database of the settings, which it opens and closes.

    ``database`` and ``rules`` given take the place of the settings'; a database that is given is its giver's to close.
    """
    own = database is None
    database = database or Database(settings.database_url, pool_size=settings.pool_size)
    keyring = Keyring(database)
    views = Views()
    rules, limits = rules or settings.rules(), settings.limits()
    news = News(database, settings.listen_url)
    feed = Feed(database, news)
    connections = Connections(limits.connections_per_key)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        asyncio.get_running_loop().set_exception_handler(_unhandled)
        if own:
            _let_what_stays_be()
        await chores.measure_clock(database)
        await chores.keep_history(database)
        begun = [*chores.begin(database, keyring, views, settings.sweep_seconds), asyncio.create_task(news.run())]
        try:
            with goodbye.said(connections.close):
                yield
        finally:
            await connections.close()
            await feed.close()
            for chore in begun:
                chore.cancel()
            await asyncio.gather(*begun, return_exceptions=True)
            await chores.note_keys(keyring, database)
            await views.settle(database)
            views.give_up()
            if own:
                await database.dispose()

    async def graphiql(_request: Request) -> Response:
        return RedirectResponse("graphiql")

    operations = Operations(schema.root.graphql_schema, database, rules, limits, views, feed)
    graphql: ASGIApp = http.Endpoint(operations, keyring, connections, limits, settings.cors_origins, EVERYWHERE)
    sockets = websocket.endpoint(operations, keyring, connections, limits, settings.cors_origins)
    open_to = partial(
        CrossOrigin,
        allow_origins=settings.cors_origins,
        allow_methods=("GET", "POST"),
        allow_headers=("Authorization", "Content-Type"),
        expose_headers=("Retry-After", "Content-Disposition"),
        max_age=CORS_SECONDS,
    )
    is_open = bool(settings.cors_origins)
    app = Application(
        "/graphql",
        Guard(open_to(graphql) if is_open else graphql, settings.hosts, adds_headers=is_open),  # to what it answers
        routes=[
            WebSocketRoute("/graphql", sockets),
            Route("/graphql", graphql),
            Route("/export/tickets.csv", schema.export.endpoint(database, rules, views, limits), methods=("GET",)),
            *([*pages.routes(), Route("/", graphiql)] if settings.graphiql else []),
            *ready.routes(database),
        ],
        exception_handlers={HTTPException: _http_error, Exception: _internal_error},
        middleware=[Middleware(Guard, hosts=settings.hosts), *([Middleware(open_to)] if is_open else [])],
        lifespan=lifespan,
    )
    app.state.feed, app.state.connections, app.state.views = feed, connections, views
    return app


def _let_what_stays_be() -> None:
    """Keep the garbage collector from looking again and again through the schema and the modules, which stay.

    An answer of fifty requests makes thousands of rows that are gone with it: by the default, the collector would run
    several times in its midst. It does not look through them once more before: little of what is loaded is garbage.
    """
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD, 5, 5)
    gc.enable()


def _unhandled(_loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """What went wrong where nobody awaits it. asyncio's own words would hold the exception's text."""
    log.error("failed outside a request", exc_info=context.get("exception"))


async def _http_error(_request: Request, found: Exception) -> Response:
    assert isinstance(found, HTTPException)
    return JSONResponse({"errors": [errors.error(found.detail, errors.BAD_REQUEST)]}, found.status_code, found.headers)


async def _internal_error(_request: Request, found: Exception) -> Response:
    return JSONResponse({"errors": [errors.internal(found)]}, 500)
