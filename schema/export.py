"""Tickets as CSV, for support's spreadsheets: the conditions of ``issuedTickets`` as parameters of a URL."""

import asyncio
import csv
import difflib
import io
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import orjson
import structlog
from graphql import GraphQLError, GraphQLInputObjectType, GraphQLScalarType, get_named_type
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from db.engine import Database
from resolvers import export
from resolvers.actor import Actor, Keyring
from resolvers.context import Context, Rules
from resolvers.refusals import BadUserInput
from resolvers.views import Views

from . import authorization
from .execution import errors
from .execution.attendance import Attended, Disconnected, TimedOut
from .execution.http import AFTER_OVERLOAD, HEADERS, NEEDS_A_KEY, STATUS
from .execution.limits import Limits
from .execution.manner import JSON, bearer
from .execution.operation import stopped
from .filters import DateTimeRange, given
from .personal import fields_of
from .root import graphql_schema, schema
from .ticket import IssuedTicketOrder, IssuedTicketWhere

log = structlog.get_logger("gatehouse")

MARK = "\ufeff"
"""In front, so that spreadsheets read the file as UTF-8."""

LONGEST = 100_000
"""The most characters of a query string."""

PERSONAL = frozenset().union(*(fields_of(graphql_schema.type_map[name]) for name in ("TicketRequest", "Reference")))
"""The columns that are personal: they are called as the API's fields, and these are tagged."""

Chunks = AsyncIterator[list[list[str]]]


def endpoint(
    database: Database, rules: Rules, views: Views, limits: Limits
) -> Callable[[Request], Awaitable[Response]]:
    """The handler of ``/export/tickets.csv``."""
    keyring = Keyring(database)

    async def handle(request: Request) -> Response:
        try:
            with Attended(request.receive, limits.operation_seconds):
                actor = await keyring.actor(bearer(request.headers.get("authorization", "")))
                if actor is None:
                    return _failed(NEEDS_A_KEY, errors.UNAUTHENTICATED, {"WWW-Authenticate": "Bearer"})
                if authorization.forbidden(actor.role, "query", frozenset({"issuedTickets"}), frozenset()):
                    return _failed(f"The role {actor.role} may not ask for issuedTickets.", errors.FORBIDDEN)
                where, order = parse(request.scope["query_string"])
                conditions = given(where)
                if request.method == "HEAD":
                    return Response(headers=_HEADERS, media_type=_MEDIA_TYPE)
                context = Context(database, actor, rules)
                tickets = export.tickets(context, conditions, order.value, personal=PERSONAL)
                chunks = _noted(context, views, tickets)
                # What fails at once fails before the answer has begun.
                first: list[list[str]] = await anext(chunks, [])
        except BadUserInput as found:
            return _failed(str(found), errors.BAD_USER_INPUT)
        except TimedOut:
            (told,) = stopped(limits.operation_seconds).body["errors"]
            return Response(orjson.dumps({"errors": [told]}), 503, HEADERS, JSON)
        except Disconnected:
            return Response(status_code=499)
        except Exception as cause:
            told = errors.internal(cause)
            status = 503 if told["extensions"]["code"] == errors.UNAVAILABLE else 500
            again = {"Retry-After": AFTER_OVERLOAD} if status == 503 else {}
            return Response(orjson.dumps({"errors": [told]}), status, HEADERS | again, JSON)
        written = _written(actor, first, chunks, limits.operation_seconds)
        return StreamingResponse(written, headers=_HEADERS, media_type=_MEDIA_TYPE)

    return handle


async def _noted(context: Context, views: Views, chunks: Chunks) -> Chunks:
    """The same; of each chunk it is noted whose personal data it shows. Where that is much, the file waits for it."""
    async for chunk in chunks:
        views.note(context)
        if views.is_filling:
            await views.settle(context.database)
        yield chunk


_MEDIA_TYPE = "text/csv; charset=utf-8; header=present"
_HEADERS = HEADERS | {"Content-Disposition": 'attachment; filename="tickets.csv"'}


async def _written(actor: Actor, first: list[list[str]], chunks: Chunks, seconds: float) -> AsyncIterator[str]:
    """The file, chunk by chunk. Where the database fails on the way, or takes longer than that for one of them, the
    connection breaks: half a file is no file."""
    started, rows, is_whole = time.perf_counter(), 0, False
    try:
        yield MARK + _lines([list(export.COLUMNS), *first])
        rows = len(first)
        while chunk := await asyncio.wait_for(anext(chunks, None), seconds):
            yield _lines(chunk)
            rows += len(chunk)
        is_whole = True
    finally:
        log.info(
            "export",
            actor=actor.client,
            role=actor.role.value,
            rows=rows,
            is_whole=is_whole,
            milliseconds=round((time.perf_counter() - started) * 1000, 2),
        )


def _lines(rows: list[list[str]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()


def _failed(message: str, code: str, headers: Mapping[str, str] | None = None) -> Response:
    body = orjson.dumps({"errors": [errors.error(message, code)]})
    return Response(body, STATUS.get(code, 400), HEADERS | dict(headers or {}), JSON)


# ---------------------------------------------------------------------------------------------- parameters


def parse(query_string: bytes) -> tuple[IssuedTicketWhere, IssuedTicketOrder]:
    """Conditions and order: ``isBlocked=true&issuedAt.from=2026-11-23T00:00:00Z&orderBy=ISSUED_AT_ASC``.

    Raises BadUserInput for every parameter that is none, is given twice, or does not fit, all in one sentence each.
    """
    if len(query_string) > LONGEST:
        raise BadUserInput(f"A query string has at most {LONGEST} characters.")
    try:
        pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError:
        raise BadUserInput("The query string is not URL-encoded UTF-8.") from None
    said: dict[str, Any] = {}
    order = IssuedTicketOrder.ISSUED_AT_DESC
    wrong: list[str] = []
    seen: set[str] = set()
    for name, text in pairs:
        if name in seen:
            wrong.append(f"{name} is given twice.")
        elif name == "orderBy":
            if text in IssuedTicketOrder.__members__:
                order = IssuedTicketOrder[text]
            else:
                wrong.append(f"orderBy is one of {', '.join(IssuedTicketOrder.__members__)}.")
        elif name not in _PARAMETERS:
            near = difflib.get_close_matches(name, [*_PARAMETERS, "orderBy"], 1)
            wrong.append(f"{_shown(name)} is no filter" + (f"; {near[0]} is." if near else "."))
        else:
            try:
                said[name] = _value(_PARAMETERS[name][1], text)
            except (ValueError, GraphQLError) as found:
                wrong.append(f"{name}: {found}")
        seen.add(name)
    if wrong:
        raise BadUserInput(" ".join(wrong))
    return _where(said), order


def _where(said: Mapping[str, Any]) -> IssuedTicketWhere:
    plain: dict[str, Any] = {}
    for name, value in said.items():
        attribute, _, end = name.partition(".")
        attribute = _PARAMETERS[name][0]
        if end:
            span = plain.setdefault(attribute, DateTimeRange())
            setattr(span, "from_" if end == "from" else "until", value)
        else:
            plain[attribute] = value
    return IssuedTicketWhere(**plain)


def _value(kind: GraphQLScalarType, text: str) -> Any:
    """The value of a parameter, as a variable of that type would be read."""
    if "\0" in text:
        raise ValueError("A text may not contain the character U+0000.")
    if kind.name == "Boolean":
        if text not in ("true", "false"):
            raise ValueError("A Boolean is true or false.")
        return text == "true"
    if kind.name == "DateTime" and " " in text:
        raise ValueError("In a URL the plus sign of an offset is written %2B.")
    value = kind.parse_value(text)
    return value.astimezone(value.tzinfo) if isinstance(value, datetime) else value


def _shown(name: str) -> str:
    """A name that somebody made up, short enough to be repeated."""
    return repr(name[:50])


def _parameters() -> dict[str, tuple[str, Any]]:
    """Every condition by its name in a URL: its attribute and type; of a stretch of time, both its ends."""
    called = schema.config.name_converter.get_graphql_name
    definition: Any = schema.get_type_by_name("IssuedTicketWhere")
    attributes = {called(field): field.python_name for field in definition.fields}
    where = graphql_schema.type_map["IssuedTicketWhere"]
    assert isinstance(where, GraphQLInputObjectType)
    found: dict[str, tuple[str, Any]] = {}
    for name, field in where.fields.items():
        kind = get_named_type(field.type)
        if isinstance(kind, GraphQLInputObjectType):
            ends = {f"{name}.{end}": get_named_type(one.type) for end, one in kind.fields.items()}
        else:
            ends = {name: kind}
        found |= {one: (attributes[name], type_) for one, type_ in ends.items()}
    return found


_PARAMETERS = _parameters()
