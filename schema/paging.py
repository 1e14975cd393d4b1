"""Connections: keyset pages with opaque, versioned cursors; bounds that are the same everywhere."""

import base64
import binascii
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

import orjson
import strawberry
from strawberry import UNSET

from db.paging import BY_ID, Order, Page, Window
from resolvers.refusals import BadUserInput

from .node import LARGEST_ID

DEFAULT_SIZE = 50
LARGEST_SIZE = 100
CURSOR_VERSION = 1

T = TypeVar("T")

First = Annotated[
    int | None,
    strawberry.argument(description="How many from the front: 0 to 100; 50 if neither first nor last is given."),
]
After = Annotated[str | None, strawberry.argument(description="Only what comes after this cursor; goes with first.")]
Last = Annotated[int | None, strawberry.argument(description="How many from the back: 0 to 100.")]
Before = Annotated[str | None, strawberry.argument(description="Only what comes before this cursor; goes with last.")]


def write_cursor(order: Order, row: Any) -> str:
    """The position of a row in an order."""
    value = None if order.attribute == "id" else getattr(row, order.attribute)
    if isinstance(value, datetime):
        value = value.astimezone(UTC).isoformat()
    marks = [] if order.mark is None else [getattr(row, order.mark)]
    position = orjson.dumps([CURSOR_VERSION, order.name, value, row.id, *marks])
    return base64.urlsafe_b64encode(position).decode().rstrip("=")


def parse_cursor(order: Order, cursor: str) -> tuple[Any, int]:
    """The position that a cursor stands for. Raises BadUserInput if it is not one of this order."""
    return _parsed(order, cursor)[0]


def _parsed(order: Order, cursor: str) -> tuple[tuple[Any, int], str]:
    """The position that a cursor stands for, and the mark beside it."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        version, name, value, row_id, *marks = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if len(marks) != (order.mark is not None) or not all(isinstance(mark, str) for mark in marks):
            raise ValueError
        mark = marks[0] if marks else ""
        if version != CURSOR_VERSION or name != order.name or type(row_id) is not int or abs(row_id) > LARGEST_ID:
            raise ValueError
        if order.attribute == "id":
            return (row_id, row_id), mark
        if order.kind is datetime:
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None:
                raise ValueError
            return (moment.astimezone(UTC), row_id), mark
        if type(value) is not int or abs(value) > LARGEST_ID:
            raise ValueError
        return (value, row_id), mark
    except (binascii.Error, ValueError, TypeError, OverflowError):
        raise BadUserInput("That cursor is not one of this list in this order: take one from a page of it.") from None


def window(first: int | None, after: str | None, last: int | None, before: str | None, order: Order = BY_ID) -> Window:
    """The page that the four arguments ask for. Raises BadUserInput where they contradict or exceed."""
    first, last = (None if size is UNSET else size for size in (first, last))
    after, before = (None if cursor is UNSET else cursor for cursor in (after, before))
    is_backward = last is not None or before is not None
    if is_backward and (first is not None or after is not None):
        raise BadUserInput("Ask with first and after, or with last and before, not with both.")
    size = last if is_backward else first
    if size is not None and not 0 <= size <= LARGEST_SIZE:
        name = "last" if is_backward else "first"
        raise BadUserInput(f"A page has 0 to {LARGEST_SIZE} rows: {name} cannot be {size}.")
    cursor = before if is_backward else after
    position, mark = (None, "") if cursor is None else _parsed(order, cursor)
    return Window(DEFAULT_SIZE if size is None else size, order, position, is_backward, mark)


@strawberry.type(description="Whether a list goes on in either direction (exact in both), and from where.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more follows the page's last edge.")
    has_previous_page: bool = strawberry.field(description="Whether anything comes before the page's first edge.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first edge; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last edge; null on an empty page.")


@strawberry.type(name="Edge", description="One row of a list, and where it stands in it.")
class Edge(Generic[T]):
    cursor: str = strawberry.field(description="Opaque; what `after` and `before` take.")
    node: T = strawberry.field(description="The row.")


@strawberry.type(name="Connection", description="One page of a list.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = strawberry.field(description="The rows with their cursors.")
    nodes: list[T] = strawberry.field(description="The rows alone.")
    page_info: PageInfo = strawberry.field(description="Whether the list goes on.")


async def _total_count(root: Any) -> Any:
    return await root.count()


_total_count.__annotations__ = {}


@strawberry.type(name="Connection", description="One page of a list, and how long the list is.")
class CountedConnection(Generic[T]):
    edges: list[Edge[T]] = strawberry.field(description="The rows with their cursors.")
    nodes: list[T] = strawberry.field(description="The rows alone.")
    page_info: PageInfo = strawberry.field(description="Whether the list goes on.")
    total_count: int | None = strawberry.field(
        resolver=_total_count, description="How many there are in all: exact up to 10 000, beyond it null."
    )


@dataclass(frozen=True, slots=True)
class _Edge:
    order: Order
    node: Any

    @property
    def cursor(self) -> str:
        return write_cursor(self.order, self.node)


@dataclass(slots=True)
class PageOf:
    """A page as the connection types read it. ``count`` is asked only if the total is. Not frozen, as ``Page``."""

    page: Page[Any]
    order: Order
    count: Callable[[], Awaitable[int | None]] | None = None

    @property
    def nodes(self) -> Any:
        return self.page.rows

    @property
    def edges(self) -> list[_Edge]:
        return [_Edge(self.order, row) for row in self.page.rows]

    @property
    def page_info(self) -> PageInfo:
        rows = self.page.rows
        return PageInfo(
            has_next_page=self.page.has_next,
            has_previous_page=self.page.has_previous,
            start_cursor=write_cursor(self.order, rows[0]) if rows else None,
            end_cursor=write_cursor(self.order, rows[-1]) if rows else None,
        )


def page_of(page: Page[Any], order: Order = BY_ID, count: Callable[[], Awaitable[int | None]] | None = None) -> Any:
    """A page of rows where the schema says Connection."""
    return PageOf(page, order, count)
