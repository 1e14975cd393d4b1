"""The door: settings, the application that they make, and the command line.

The only reader of the environment. Everything below is handed what it needs.
"""

import gc

if __name__ == "__main__":
    gc.disable()  # what is loaded stays: to look for garbage in it took an eighth of the time to start

import asyncio
import contextlib
import difflib
import errno
import logging
import os
import re
import signal
import socket
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from types import FrameType, TracebackType
from typing import Annotated, Any, Literal, NoReturn, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
import structlog
import typer
from pydantic import BeforeValidator, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.typing import EventDict, Processor, WrappedLogger

import db.address
import db.admission
import db.client
import db.history
import db.migrations
import db.money
from db.client import Role
from db.engine import Database
from db.migrations import Standing
from db.news import News
from db.paging import Window
from db.sales_order import SalesChannel
from resolvers import generation, ticket
from resolvers.actor import Keyring, create_key
from resolvers.context import Rules
from resolvers.feed import Feed
from resolvers.pattern import Pattern
from resolvers.ticket_request import sweep
from resolvers.views import Views
from schema.execution.limits import INTROSPECTION_ROLES, Limits

FOLDER = Path(__file__).resolve().parent
DEFAULT_DATABASE = "sqlite+aiosqlite:///data/gatehouse.sqlite3"
PREFIX = "GATEHOUSE_"
HORIZON_SECONDS = 300
"""How often a server looks for admissions whose day has begun, to calculate their slots."""

CLOCK_SECONDS = 60
"""How often a server compares its clock with the database's."""

NOTE_SECONDS = 60
"""How often it is written down when keys were last used."""

VIEWS_SECONDS = 2
"""How often it is written down who looked at personal data."""

READY_SECONDS = 5
"""How long ``/readyz`` waits for the database before it says no."""

GARBAGE_THRESHOLD = 10_000
"""After how many more objects made than freed the garbage collector looks for circles among the youngest."""

KEEP_ALIVE_SECONDS = 75
"""How long an idle connection stays open: longer than clients keep theirs, so that it is they who close it."""

CORS_SECONDS = 600
"""How long a browser remembers which pages may ask here."""

SHUTDOWN_SECONDS = 10
"""How long a server that is told to stop lets its last requests run."""

NAME_LENGTH = 100
DEMO_REQUESTS = 1000
ANYWHERE = ("0.0.0.0", "::")  # noqa: S104
LOOPBACK = ("127.0.0.1", "::1", "localhost")

T = TypeVar("T")
log = structlog.get_logger("gatehouse")


# Settings


class Environment(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _listed(value: object) -> object:
    return [name for name in (part.strip() for part in value.split(",")) if name] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
"""Several, with commas between them."""

Seconds = Annotated[int, Field(ge=1, le=2_000_000_000)]


class Settings(BaseSettings):
    """What an operator decides, each by an environment variable of that name in capitals behind ``GATEHOUSE_``."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, validate_default=True)

    database_url: Annotated[str, Field(repr=False)] = DEFAULT_DATABASE
    pool_size: Annotated[int, Field(ge=1, le=1000)] = 10
    environment: Environment = Environment.PRODUCTION
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    allowed_hosts: Names = ()
    cors_origins: Names = ()
    introspection_roles: Annotated[tuple[Role, ...], NoDecode, BeforeValidator(_listed)] | None = None
    graphiql: bool = True
    hold_seconds: Seconds = 1500
    hold_seconds_pos: Seconds | None = None
    hold_seconds_web_store: Seconds | None = None
    hold_seconds_back_office: Seconds | None = None
    hold_seconds_import: Seconds | None = None
    sweep_seconds: Annotated[int, Field(ge=1, le=86_400)] = 10
    time_zone: str = "UTC"
    currency: str = "EUR"
    authorization_code_pattern: str = "[N*4]-[N*4]"
    lines_per_request: Annotated[int, Field(ge=1, le=10_000)] = 100
    tickets_per_request: Annotated[int, Field(ge=1, le=100_000)] = 1000
    max_body_bytes: Annotated[int, Field(ge=1_000, le=100_000_000)] = 1_000_000
    max_document_characters: Annotated[int, Field(ge=1_000, le=10_000_000)] = 50_000
    max_document_tokens: Annotated[int, Field(ge=100, le=1_000_000)] = 5_000
    max_depth: Annotated[int, Field(ge=1, le=200)] = 20
    max_fields: Annotated[int, Field(ge=1, le=1_000_000)] = 1_000
    max_plan_fields: Annotated[int, Field(ge=0, le=1_000_000)] = 2_000
    max_aliases: Annotated[int, Field(ge=0, le=1_000_000)] = 100
    max_directives: Annotated[int, Field(ge=0, le=1_000_000)] = 50
    max_cost: Annotated[int, Field(ge=1, le=999_999_999)] = 50_000
    max_list_items: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    operation_seconds: Annotated[float, Field(ge=0.1, le=3_600)] = 20
    operations_at_once: Annotated[int, Field(ge=1, le=100_000)] = 200
    points_per_minute: Annotated[int, Field(ge=1, le=999_999_999_999)] = 600_000
    remembered_bytes: Annotated[int, Field(ge=0, le=1_000_000_000)] = 20_000_000
    listen_url: Annotated[str | None, Field(repr=False)] = None
    max_message_bytes: Annotated[int, Field(ge=1_000, le=100_000_000)] = 1_000_000
    operations_per_connection: Annotated[int, Field(ge=1, le=10_000)] = 50
    connections_per_key: Annotated[int, Field(ge=1, le=100_000)] = 100
    init_seconds: Annotated[float, Field(ge=0.1, le=3_600)] = 10
    ping_seconds: Annotated[float, Field(ge=0.1, le=3_600)] = 20
    send_seconds: Annotated[float, Field(ge=0.1, le=3_600)] = 30
    log_level: LogLevel = LogLevel.INFO
    log_format: Literal["console", "json"] | None = None

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        return db.address.parse(value, FOLDER)

    @field_validator("listen_url")
    @classmethod
    def _listen(cls, value: str | None) -> str | None:
        if value is None:
            return None
        address = db.address.parse(value, FOLDER)
        if db.address.file_of(address) is not None:
            raise ValueError("This is for PostgreSQL behind a pooler; a SQLite file is looked at where it is.")
        return address

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            return ZoneInfo(value).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("This is no IANA time zone, such as Europe/Copenhagen.") from None

    @field_validator("currency")
    @classmethod
    def _currency(cls, value: str) -> str:
        if value.upper() not in db.money.CURRENCIES:
            raise ValueError("This is no ISO 4217 code of a currency, such as EUR.")
        return value.upper()

    @field_validator("authorization_code_pattern")
    @classmethod
    def _pattern(cls, value: str) -> str:
        Pattern.of_authorization_codes(value)
        return value

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch(r"https?://[a-z0-9.-]+(:\d{1,5})?", origin) for origin in value):
            raise ValueError("Each is scheme, host and port as a browser tells them, such as https://shop.example.")
        return value

    @field_validator("allowed_hosts")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch(r"\*|(\*\.)?[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9a-fA-F:.]+\]", host) for host in value):
            raise ValueError("Each is the name of a host without its port, such as tickets.example or *.example.")
        return value

    @field_validator("environment", "log_level", "log_format", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @property
    def is_development(self) -> bool:
        """Whether it is only its developers who ask: the schema and hints about it are for every key then."""
        return self.environment is Environment.DEVELOPMENT

    @property
    def who_may_introspect(self) -> frozenset[Role]:
        """Which roles may look at the schema through the server."""
        if self.introspection_roles is not None:
            return frozenset(self.introspection_roles)
        return frozenset(Role) if self.is_development else INTROSPECTION_ROLES

    @property
    def is_reachable(self) -> bool:
        """Whether other machines can connect."""
        return self.host not in LOOPBACK

    @property
    def hosts(self) -> tuple[str, ...]:
        """Under which names the server answers: those that are set, or else this machine's own."""
        itself = () if self.host in ANYWHERE else (f"[{self.host}]" if ":" in self.host else self.host,)
        return self.allowed_hosts or ("localhost", "127.0.0.1", "[::1]", *itself)

    def insecurities(self) -> list[str]:
        """What of these settings, each sound by itself, must not be served together: a sentence for each."""
        found = []
        if self.is_development and self.is_reachable:
            found.append(
                "GATEHOUSE_ENVIRONMENT: development is for this machine alone, and GATEHOUSE_HOST "
                f"{self.host} can be reached from others: listen on 127.0.0.1, or serve as production."
            )
        if self.is_development:
            return found
        if self.host in ANYWHERE and not self.allowed_hosts:
            found.append(
                "GATEHOUSE_ALLOWED_HOSTS: a server that listens on every address must know its names: say which."
            )
        if "*" in self.allowed_hosts:
            found.append("GATEHOUSE_ALLOWED_HOSTS: * is any name, which is for development only: say which names.")
        if any(not is_safe(origin) for origin in self.cors_origins):
            found.append(
                "GATEHOUSE_CORS_ORIGINS: a page that came by http can be changed on its way, and would ask with its "
                "user's key: list https origins only."
            )
        return found

    @property
    def database_file(self) -> Path | None:
        """The file of a SQLite database."""
        return db.address.file_of(self.database_url)

    @property
    def demo_keys(self) -> Path:
        """Where the keys of the demo data are written: beside the SQLite file, or in ``data/``.

        ``demo-keys.txt`` for ``gatehouse.sqlite3``; else the database's name stands in front, so that the keys of one
        database never take the place of another's.
        """
        file = self.database_file
        if file is None:
            return FOLDER / "data" / f"{db.address.name_of(self.database_url)}-demo-keys.txt"
        prefix = "" if DEFAULT_DATABASE.endswith(f"/{file.name}") else f"{file.stem}-"
        return file.parent / f"{prefix}demo-keys.txt"

    def rules(self) -> Rules:
        """What the resolvers go by."""
        by_channel = {channel: getattr(self, f"hold_seconds_{channel.lower()}") for channel in SalesChannel}
        return Rules(
            hold_seconds=self.hold_seconds,
            hold_seconds_by_channel={channel: seconds for channel, seconds in by_channel.items() if seconds},
            time_zone=ZoneInfo(self.time_zone),
            currency=self.currency,
            authorization_code_pattern=self.authorization_code_pattern,
            lines_per_request=self.lines_per_request,
            tickets_per_request=self.tickets_per_request,
        )

    def limits(self) -> Limits:
        """What one request may ask of the server."""
        return Limits(
            body_bytes=self.max_body_bytes,
            document_characters=self.max_document_characters,
            document_tokens=self.max_document_tokens,
            depth=self.max_depth,
            fields=self.max_fields,
            plan_fields=self.max_plan_fields,
            aliases=self.max_aliases,
            directives=self.max_directives,
            cost=self.max_cost,
            list_items=max(self.max_list_items, self.lines_per_request, self.tickets_per_request),
            operation_seconds=self.operation_seconds,
            operations_at_once=self.operations_at_once,
            points_per_minute=self.points_per_minute,
            introspection_roles=self.who_may_introspect,
            shows_suggestions=self.is_development,
            remembered_bytes=self.remembered_bytes,
            message_bytes=self.max_message_bytes,
            operations_per_connection=self.operations_per_connection,
            connections_per_key=self.connections_per_key,
            init_seconds=self.init_seconds,
            ping_seconds=self.ping_seconds,
            send_seconds=self.send_seconds,
        )


def is_safe(origin: str) -> bool:
    """Whether nobody on the way can change a page of that origin."""
    scheme, _, host = origin.partition("://")
    return scheme == "https" or host.partition(":")[0] in LOOPBACK


class Trouble(Exception):
    """Something that the person at the command line must know and can act on: one sentence, no traceback."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def settings_of_environment() -> Settings:
    """The settings as the environment has them. Raises Trouble (exit code 2) with a sentence per bad one.

    A name that is no setting is refused too: a misspelt one would silently do nothing.
    """
    names = {PREFIX + name.upper() for name in Settings.model_fields}
    found = [
        f"{name} is no setting" + (f"; {near[0]} is." if (near := difflib.get_close_matches(name, names, 1)) else ".")
        for name in sorted(os.environ)
        if name.upper().startswith(PREFIX) and name.upper() not in names
    ]
    try:
        settings = Settings()
    except ValidationError as invalid:
        # The value is not repeated: an address may hold a password.
        found += [
            f"{PREFIX}{str(error['loc'][0]).upper()}: {error['msg'].removeprefix('Value error, ').rstrip('.')}."
            for error in invalid.errors(include_url=False, include_input=False)
        ]
    if found:
        raise Trouble("\n".join(found), exit_code=2)
    return settings


# Logging


def configure_logging(settings: Settings) -> None:
    """One line per event on standard error, our own and the libraries'; of exceptions, no text that may hold values."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    is_json = (settings.log_format or ("console" if sys.stderr.isatty() else "json")) == "json"
    shared: list[Processor] = [
        structlog.processors.add_log_level,
        _stamped if is_json else structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_text,
    ]
    render: Processor = _json if is_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[_line] if is_json else [*shared, render],
        wrapper_class=_logger(level),
        logger_factory=(
            structlog.BytesLoggerFactory(sys.stderr.buffer) if is_json else structlog.WriteLoggerFactory(sys.stderr)
        ),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)
    _tame_uvicorn()


def _tame_uvicorn() -> None:
    """Where uvicorn was started by its own command and set up its own logging: let it say what we may.

    Its handlers write the text of exceptions, at debug its websockets write every frame with the key and all that is
    asked, and its access log has the query string of a GET.
    """
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        logger = logging.getLogger(name)
        if logger.handlers:
            logger.handlers.clear()
            logger.propagate = True
        if logger.level:
            logger.setLevel(max(logger.level, logging.INFO))
    access = logging.getLogger("uvicorn.access")
    if _without_query not in access.filters:
        access.addFilter(_without_query)


def _without_query(record: logging.LogRecord) -> bool:
    """An access without what was asked: of its arguments the third is the path with the query string."""
    if isinstance(record.args, tuple):
        record.args = tuple(arg.partition("?")[0] if isinstance(arg, str) else arg for arg in record.args)
    return True


def _stamped(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """With the time, of which orjson makes the text in a fraction of the time that Python takes."""
    event["timestamp"] = datetime.now(UTC)
    return event


def _json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_UTC_Z).decode()


def _line(logger: WrappedLogger, method: str, event: EventDict) -> bytes:
    """What the processors that are shared with other libraries' lines make of one of ours, in one call."""
    event["level"] = method
    event["timestamp"] = datetime.now(UTC)
    if "exc_info" in event:
        event = _without_text(logger, method, event)
    return orjson.dumps(event, default=str, option=orjson.OPT_UTC_Z)


def _logger(level: int) -> type[structlog.typing.FilteringBoundLogger]:
    """structlog's logger of that level, that has a shorter way to the processors for what is told of every operation.

    structlog hands the fields on four times and copies them each time, which took half the time of a line. Nothing is
    bound to our loggers, and no text is filled in.
    """
    kind = structlog.make_filtering_bound_logger(level)
    if level > logging.INFO:
        return kind

    class Logger(kind):  # type: ignore[misc, valid-type]
        def info(self, event: str, **fields: Any) -> None:
            fields["event"] = event
            try:
                told: Any = fields
                for process in self._processors:
                    told = process(self._logger, "info", told)
                self._logger.info(told)
            except structlog.DropEvent:
                pass

    return Logger


def failure(exc_info: tuple[type[BaseException], BaseException, TracebackType | None]) -> str:
    """An exception and what caused it, first cause first: types, places in the code, and the database's own names.

    Never the text: PostgreSQL's repeats the values of a row ("Key (email_key)=(...) already exists"), Python's the key
    that was missing or the value that did not parse.
    """
    chain: list[BaseException] = []
    error: BaseException | None = exc_info[1]
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "".join(map(_told, reversed(chain))).rstrip()


def _told(error: BaseException) -> str:
    names = ("sqlstate", "sqlite_errorname", "table_name", "column_name", "constraint_name")
    facts = [f"{name}={value}" for name in names if isinstance(value := getattr(error, name, None), str)]
    places = "".join(traceback.extract_tb(error.__traceback__).format())
    return f"{places}{type(error).__module__}.{type(error).__qualname__} {' '.join(facts)}".rstrip() + "\n"


_without_text = structlog.processors.ExceptionRenderer(failure)


# The application


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


def create_app(settings: Settings, database: Database | None = None, rules: Rules | None = None) -> Starlette:
    """The application over the database of the settings, which it opens and closes.

    ``database`` and ``rules`` given take the place of the settings'; a database that is given is its giver's to close.
    """
    import schema.export
    import schema.root
    from schema.execution import http, websocket
    from schema.execution.connections import Connections
    from schema.execution.operation import Operations
    from web import pages
    from web.guard import EVERYWHERE, Guard

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
        await _measure_clock(database)
        await _keep_history(database)
        chores = [
            asyncio.create_task(_every(CLOCK_SECONDS, _measure_clock, database)),
            asyncio.create_task(_every(settings.sweep_seconds, _sweep, database)),
            asyncio.create_task(_every(NOTE_SECONDS, note_keys, database)),
            asyncio.create_task(_every(VIEWS_SECONDS, views.settle, database)),
            asyncio.create_task(_every(HORIZON_SECONDS, _keep_horizons, database, at_once=True)),
            asyncio.create_task(news.run()),
        ]
        try:
            with _said_goodbye(connections.close):
                yield
        finally:
            await connections.close()
            await feed.close()
            for chore in chores:
                chore.cancel()
            await asyncio.gather(*chores, return_exceptions=True)
            await note_keys(database)
            await views.settle(database)
            views.give_up()
            if own:
                await database.dispose()

    async def note_keys(database: Database) -> None:
        """When each key was last used, for who wonders which of them may go; late is better than never."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                await keyring.note(database)
        except Exception as cause:
            log.warning("last use of keys not noted", exc_info=cause)

    async def graphiql(_request: Request) -> Response:
        return RedirectResponse("graphiql")

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "up"})

    async def readyz(_request: Request) -> Response:
        try:
            async with asyncio.timeout(READY_SECONDS):
                await check(database)
        except Trouble as found:
            return _not_ready(str(found))
        except (db.address.Unusable, TimeoutError) as found:
            log.warning("database out of reach", reason=str(found))  # who may ask here need not know the address
            return _not_ready("The database cannot be reached.")
        return JSONResponse({"status": "ready"})

    operations = Operations(schema.root.graphql_schema, database, rules, limits, views, feed)
    graphql: ASGIApp = http.Endpoint(operations, keyring, connections, limits, settings.cors_origins, EVERYWHERE)
    sockets = websocket.endpoint(operations, keyring, connections, limits, settings.cors_origins)
    if settings.cors_origins:
        graphql = CORSMiddleware(
            graphql,
            allow_origins=settings.cors_origins,
            allow_methods=("GET", "POST"),
            allow_headers=("Authorization", "Content-Type"),
            expose_headers=("Retry-After",),
            max_age=CORS_SECONDS,
        )
    app = Application(
        "/graphql",
        Guard(graphql, settings.hosts, adds_headers=bool(settings.cors_origins)),  # to what CORSMiddleware answers
        routes=[
            WebSocketRoute("/graphql", sockets),
            Route("/graphql", graphql),
            Route("/export/tickets.csv", schema.export.endpoint(database, rules, views, limits), methods=("GET",)),
            *([*pages.routes(), Route("/", graphiql)] if settings.graphiql else []),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
        ],
        exception_handlers={HTTPException: _http_error, Exception: _internal_error},
        middleware=[Middleware(Guard, hosts=settings.hosts)],
        lifespan=lifespan,
    )
    app.state.feed, app.state.connections, app.state.views = feed, connections, views
    return app


@contextlib.contextmanager
def _said_goodbye(close: Callable[[], Awaitable[None]]) -> Iterator[None]:
    """While the block runs, a signal to stop first closes what stays open, and then does what it would have done.

    uvicorn would end such connections itself, with a code that says less, or wait for them until its patience ends. A
    second signal is not held back.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop, is_asked = asyncio.get_running_loop(), False
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    parting: set[asyncio.Task[None]] = set()

    async def part(number: int, frame: FrameType | None) -> None:
        try:
            await close()
        finally:
            handler = before[signal.Signals(number)]
            if callable(handler):
                handler(number, frame)

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal is_asked
        handler = before[signal.Signals(number)]
        if is_asked and callable(handler):
            handler(number, frame)
            return
        is_asked = True
        loop.call_soon_threadsafe(lambda: parting.add(loop.create_task(part(number, frame))))

    held = [number for number, handler in before.items() if callable(handler)]
    for number in held:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in held:
            signal.signal(number, before[number])


def app_of_environment() -> Starlette:
    """What each of several worker processes starts with."""
    gc.disable()  # until it is there: ``_let_what_stays_be``
    settings = settings_of_environment()
    configure_logging(settings)
    return create_app(settings)


async def _every(
    seconds: float, chore: Callable[[Database], Awaitable[None]], database: Database, *, at_once: bool = False
) -> None:
    if at_once:
        await chore(database)
    while True:
        await asyncio.sleep(seconds)
        await chore(database)


def _let_what_stays_be() -> None:
    """Keep the garbage collector from looking again and again through the schema and the modules, which stay.

    An answer of fifty requests makes thousands of rows that are gone with it: by the default, the collector would run
    several times in its midst. It does not look through them once more before: little of what is loaded is garbage.
    """
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD, 5, 5)
    gc.enable()


async def _measure_clock(database: Database) -> None:
    """A database that does not answer is no reason to stop: ``/readyz`` tells of it, and the last measure holds."""
    try:
        await database.measure_clock()
    except Exception as cause:
        log.warning("clock not measured", exc_info=cause)


async def _keep_history(database: Database) -> None:
    """Begin a new history of events if the database has come to another place: before anything is recorded here."""
    try:
        if await db.history.keep(database):
            log.warning("the database is at another place: events begin a new epoch, older cursors are refused")
    except Exception as cause:
        log.warning("history not looked at", exc_info=cause)


async def _sweep(database: Database) -> None:
    """Write down what has expired, and drop what counts no more; if that fails, the next turn does it.

    Nobody waits for it.
    """
    try:
        await sweep(database)
        await ticket.forget(database)
    except Exception as cause:
        log.warning("expiries not swept", exc_info=cause)


async def _keep_horizons(database: Database) -> None:
    """Calculate the slots of every admission whose day has begun; one that fails is tried again at the next turn."""
    try:
        due = await generation.due(database)
    except Exception as cause:
        log.warning("horizons not looked at", exc_info=cause)
        return
    for admission_id in due:
        try:
            outcome = await generation.keep_horizon(database, admission_id)
        except Exception as cause:
            log.warning("slots not calculated", admission_id=admission_id, exc_info=cause)
        else:
            if outcome is not None:
                log.info("slots calculated", admission_id=admission_id, **outcome.counts)


def _unhandled(_loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """What went wrong where nobody awaits it. asyncio's own words would hold the exception's text."""
    log.error("failed outside a request", exc_info=context.get("exception"))


def _not_ready(reason: str) -> Response:
    return JSONResponse({"status": "not ready", "reason": reason}, status_code=503)


async def _http_error(_request: Request, found: Exception) -> Response:
    from schema.execution import errors

    assert isinstance(found, HTTPException)
    return JSONResponse({"errors": [errors.error(found.detail, errors.BAD_REQUEST)]}, found.status_code, found.headers)


async def _internal_error(_request: Request, found: Exception) -> Response:
    from schema.execution import errors

    return JSONResponse({"errors": [errors.internal(found)]}, 500)


async def examine(database: Database) -> Standing:
    """How far the database is. Raises Unusable if it cannot be worked with at all, Trouble if it is newer than this."""
    await db.address.examine(database)
    standing = await db.migrations.standing(database)
    if standing is Standing.NEWER:
        raise Trouble("The database was migrated by a newer version of this program: start that one.")
    if standing is Standing.FOREIGN:
        raise Trouble("The database has tables but no version in alembic_version: nobody can tell how to migrate it.")
    return standing


async def check(database: Database) -> None:
    """Raise Unusable or Trouble unless the database can be worked with as it is."""
    standing = await examine(database)
    if standing is not Standing.CURRENT:
        raise Trouble(f"The database is {standing.value}: run `python server.py migrate` first.")


# The command line

cli = typer.Typer(
    help="Gatehouse: ticket requests, admissions and issued tickets of attractions, as a GraphQL server.\n\n"
    "Begin with `migrate`, then `key create`, then `serve`; or with `start`, which loads demo data too. Settings come "
    f"from environment variables that begin with {PREFIX}; the README lists them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
key = typer.Typer(help="Make, list and revoke the keys that clients ask with.", no_args_is_help=True)
cli.add_typer(key, name="key")


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """The database of the settings, for one command."""
    database = Database(settings.database_url, pool_size=settings.pool_size)
    try:
        yield database
    finally:
        await database.dispose()


def in_migrated(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    """What the work comes to on the database, which must be there and of this program's version."""
    must_be_there(settings)

    async def run() -> T:
        async with opened(settings) as database:
            await check(database)
            await _keep_history(database)
            return await work(database)

    return asyncio.run(run())


def must_be_there(settings: Settings) -> None:
    """Raise Trouble if the SQLite file is missing: opening it would make an empty one."""
    file = settings.database_file
    if file is None:
        return
    if not file.exists():
        raise Trouble(f"There is no database at {file} yet: run `python server.py migrate` first.")
    if not os.access(file, os.W_OK) or not os.access(file.parent, os.W_OK):
        raise Trouble(f"The database {file} and its folder must be writable, and are not.")


def listening(settings: Settings) -> socket.socket:
    """A socket that listens there already: whoever connects while the server is still starting waits for it.

    Its connections end when what they are sent is not taken off in time, whatever the peer's machine says meanwhile.
    """
    host, port = settings.host, settings.port
    taken = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(settings.send_seconds * 1000))
    try:
        taken.bind((host, port))
        taken.listen(2048)
    except OSError as found:
        taken.close()
        if found.errno == errno.EADDRINUSE:
            message = f"Port {port} on {host} is taken: stop what uses it, or choose another with --port."
            raise Trouble(message) from found
        raise Trouble(f"Cannot listen on {host}, port {port}: {found.strerror}.") from found
    taken.set_inheritable(True)
    return taken


def make_folder(folder: Path) -> None:
    """Make a folder for what nobody else on the machine should read, or raise Trouble."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as found:
        raise Trouble(f"The folder {folder} cannot be made: {found.strerror}.") from found
    if not os.access(folder, os.W_OK):
        raise Trouble(f"The folder {folder} is not writable.")


def write_secretly(path: Path, content: str) -> None:
    """Write a file that only its owner can read."""
    make_folder(path.parent)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)


@cli.command()
def migrate() -> None:
    """Make the database, or bring it to this version.

    The tables are made or changed in one transaction. A second run changes nothing.

    Example: `GATEHOUSE_DATABASE_URL=postgresql+asyncpg://me@localhost/gatehouse python server.py migrate`
    """
    settings = settings_of_environment()
    configure_logging(settings)
    steps = migrated(settings)
    where = db.address.shown(settings.database_url)
    if steps:
        typer.echo(f"Migrated {where} to version {steps[-1]}.")
    else:
        typer.echo(f"{where} is at version {db.migrations.head()}: nothing to do.")


def migrated(settings: Settings) -> Sequence[str]:
    """Bring the database of the settings to this version; answers the steps that it took."""
    if settings.database_file is not None:
        make_folder(settings.database_file.parent)

    async def run() -> Sequence[str]:
        async with opened(settings) as database:
            return await db.migrations.upgrade(database) if await examine(database) is not Standing.CURRENT else ()

    return asyncio.run(run())


@cli.command()
def demo(
    requests: Annotated[int, typer.Option(min=1, max=10_000_000, help="How many ticket requests.")] = DEMO_REQUESTS,
) -> None:
    """Fill an empty database with a castle, its tours, guests and ticket requests in every state.

    The same number makes the same data each time, around the day on which it is made. Prints a key of each role, and
    keeps them in `demo-keys.txt` beside the database.

    Example: `python server.py demo --requests 100000`
    """
    settings = settings_of_environment()
    configure_logging(settings)
    if not demo_loaded(settings, requests):
        raise Trouble("There is data already: demo data goes into an empty database only.")
    typer.echo(demo_keys(settings))


def demo_loaded(settings: Settings, requests: int) -> bool:
    """Load so many demo requests and keep the keys; False if the database is not empty."""
    if in_migrated(settings, holds_data):
        return False

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    import resolvers.demo

    columns = (TextColumn("Demo data"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=requests)

        def report(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        async def load(database: Database) -> Mapping[str, str]:
            return await resolvers.demo.load(database, settings.rules(), requests=requests, progress=report)

        try:
            keys = in_migrated(settings, load)
        except resolvers.demo.DatabaseInUse:
            return False
    write_secretly(settings.demo_keys, "".join(f"{role} {secret}\n" for role, secret in keys.items()))
    return True


async def holds_data(database: Database) -> bool:
    """Whether anything was set up: without an admission there is nothing to sell, and nothing was sold."""
    async with database.reading() as read:
        return bool((await db.admission.page(read, Window(1))).rows)


def demo_keys(settings: Settings) -> str:
    """The keys of the demo data as they are shown, or where they would be."""
    if not settings.demo_keys.exists():
        return "No demo keys are kept here: `python server.py key create` makes a key."
    keys = (line.split() for line in settings.demo_keys.read_text().splitlines())
    return "\n".join((f"Keys, from {settings.demo_keys}:", *(f"  {role:<10} {secret}" for role, secret in keys)))


Host = Annotated[str | None, typer.Option(help=f"The address to listen on; else {PREFIX}HOST.")]
Port = Annotated[int | None, typer.Option(min=1, max=65535, help=f"The port; else {PREFIX}PORT.")]
Workers = Annotated[int | None, typer.Option(min=1, max=256, help=f"How many processes; else {PREFIX}WORKERS.")]


@cli.command()
def serve(host: Host = None, port: Port = None, workers: Workers = None) -> None:
    """Serve GraphQL at /graphql, and GraphiQL for people at /graphiql.

    The database must have been migrated; nothing is loaded into it. /healthz tells that the process is up, /readyz that
    it can work.

    Example: `python server.py serve --host 0.0.0.0 --port 8080 --workers 4`
    """
    settings = settings_for_serving(host, port, workers)
    configure_logging(settings)
    in_migrated(settings, nothing_more)
    run(settings, listening(settings), graphiql_at(settings))


@cli.command()
def start(host: Host = None, port: Port = None, workers: Workers = None) -> None:
    """Migrate, load demo data into an empty database, and serve: what `make serve` does, to try things out.

    For development, unless GATEHOUSE_ENVIRONMENT says otherwise.
    """
    os.environ.setdefault(f"{PREFIX}ENVIRONMENT", Environment.DEVELOPMENT)
    settings = settings_for_serving(host, port, workers)
    configure_logging(settings)
    taken = listening(settings)
    migrated(settings)
    demo_loaded(settings, DEMO_REQUESTS)
    run(settings, taken, f"{demo_keys(settings)}\n{graphiql_at(settings)}")


async def nothing_more(_database: Database) -> None:
    """For a command that only needs the database to be as it must."""


def settings_for_serving(host: str | None, port: int | None, workers: int | None) -> Settings:
    """The settings, or what the command line says instead. Raises Trouble (exit code 2) if they are not safe together.

    What the command line says goes into the environment, where further processes of this server find it.
    """
    for name, value in (("HOST", host), ("PORT", port), ("WORKERS", workers)):
        if value is not None:
            os.environ[PREFIX + name] = str(value)
    settings = settings_of_environment()
    if found := settings.insecurities():
        raise Trouble("\n".join(found), exit_code=2)
    return settings


def graphiql_at(settings: Settings) -> str:
    """Where a browser finds GraphiQL, or that there is none."""
    name = settings.hosts[0] if settings.is_reachable else settings.host
    address = f"http://{f'[{name}]' if ':' in name and not name.startswith('[') else name}:{settings.port}"
    return f"GraphiQL is at {address}/graphiql" if settings.graphiql else f"GraphQL is at {address}/graphql"


def run(settings: Settings, taken: socket.socket, announcement: str) -> None:
    """Serve on that socket until told to stop; say so when everything is ready to answer."""
    gc.disable()  # until the application is there: ``_let_what_stays_be``
    import uvicorn
    from uvicorn.config import STARTUP_FAILURE
    from uvicorn.supervisors import Multiprocess

    from web.protocol import Protocol

    config = uvicorn.Config(
        create_app(settings) if settings.workers == 1 else "server:app_of_environment",
        factory=settings.workers > 1,
        workers=settings.workers,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http=Protocol,
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # who asks is known by the key, and nothing here depends on address or scheme
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        ws="websockets-sansio",
        ws_max_size=settings.max_message_bytes,
        ws_ping_interval=settings.ping_seconds,
        ws_ping_timeout=settings.ping_seconds,
        ws_per_message_deflate=False,  # it takes more memory than the rest of an idle connection
    )
    typer.echo(announcement)
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):
        if settings.workers > 1:
            supervisor = Multiprocess(config, [taken])
            supervisor.run()
            has_started = all(process.exitcode != STARTUP_FAILURE for process in supervisor.processes)
        else:
            server = uvicorn.Server(config)
            server.run([taken])
            has_started = server.started
        if not has_started:
            raise typer.Exit(1)  # the log says why


@key.command("create")
def key_create(
    role: Annotated[Role, typer.Option(help="What the client is.", case_sensitive=False)],
    name: Annotated[str, typer.Option(help="The client; its further keys take the same name.")],
    expires_in_days: Annotated[int | None, typer.Option(min=1, max=36_500, help="Left out: never.")] = None,
) -> None:
    """Make a key and print it, alone, this once: only its hash is kept.

    Example: `python server.py key create --role WEB_STORE --name "Web store" --expires-in-days 365`
    """
    if len(name) > NAME_LENGTH or not name.isprintable():
        raise Trouble(f"A client's name has at most {NAME_LENGTH} printable characters.")

    async def create(database: Database) -> str:
        async with database.writing() as write:
            now = await write.clock()
            expires_at = now + timedelta(days=expires_in_days) if expires_in_days else None
            try:
                return await create_key(write, name, role, now, expires_at)
            except ValueError as found:
                raise Trouble(f"No key was made: {found}.") from found

    typer.echo(in_migrated(settings_of_environment(), create))


@key.command("list")
def key_list() -> None:
    """List every key ever made, without its secret."""

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    async def keys(database: Database) -> list[db.client.ApiKeyRow]:
        async with database.reading() as read:
            return await db.client.keys(read)

    table = Table("PUBLIC ID", "CLIENT", "ROLE", "CREATED", "EXPIRES", "REVOKED", "LAST USED", box=None, pad_edge=False)
    for row in in_migrated(settings_of_environment(), keys):
        moments = (row.created_at, row.expires_at, row.revoked_at, row.last_used_at)
        table.add_row(
            row.public_id, Text(row.client_name), row.role, *(f"{at:%Y-%m-%d %H:%M}Z" if at else "-" for at in moments)
        )
    Console(width=None if sys.stdout.isatty() else 200).print(table)


@key.command("revoke")
def key_revoke(public_id: Annotated[str, typer.Argument(help="As `key list` shows it.")]) -> None:
    """End a key. Servers that have just seen it refuse it within ten seconds.

    Example: `python server.py key revoke 1f0c9a7be2d4`
    """

    async def revoke(database: Database) -> bool:
        async with database.writing() as write:
            return await db.client.revoke_key(write, public_id, await write.clock())

    if not in_migrated(settings_of_environment(), revoke):
        raise Trouble(f"There is no key with the public id {public_id}: see `python server.py key list`.")
    typer.echo(f"Revoked {public_id}.")


@cli.command()
def generate(
    admission: Annotated[str | None, typer.Option(help="The code of one admission; left out: all of them.")] = None,
) -> None:
    """Calculate time slots from schedules, as a server does when an admission's day begins.

    From today to as far ahead as each schedule goes. Edits by hand are kept; a second run changes nothing.

    Example: `python server.py generate --admission CASTLE`
    """

    async def calculate(database: Database) -> list[str]:
        async with database.reading() as read:
            codes = [admission] if admission is not None else await db.admission.codes(read)
        lines = []
        for code in codes:
            outcome = await generation.calculate(database, code)
            if outcome is None:
                raise Trouble(f"There is no admission of the code {code}.")
            counted = ", ".join(f"{number} {did}" for did, number in outcome.counts.items())
            lines.append(f"{code}: {counted}")
        return lines

    settings = settings_of_environment()
    configure_logging(settings)
    for line in in_migrated(settings, calculate):
        typer.echo(line)


@cli.command("schema")
def print_schema() -> None:
    """Print the GraphQL schema, as `schema/schema.graphql` has it."""
    import schema.root

    typer.echo(schema.root.schema.as_str())


def main() -> NoReturn:
    """Run the command line; what a person can act on is said in a sentence."""
    gc.freeze()
    gc.enable()
    os.umask(0o077)  # what it writes holds guests' data
    try:
        cli(prog_name="python server.py")
    except (Trouble, db.address.Unusable) as found:
        typer.echo(str(found), err=True)
        sys.exit(found.exit_code if isinstance(found, Trouble) else 1)
    sys.exit(0)


if __name__ == "__main__":
    main()
