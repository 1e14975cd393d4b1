"""What one request may ask of the server. Each limit is a setting; ``web.settings`` names them."""

from dataclasses import dataclass
from typing import Any

from db.client import Role

SATURATED = 1_000_000_000
"""Where counting stops: beyond it nobody needs to know how much too much it was."""


INTROSPECTION_ROLES = frozenset({Role.ADMIN, Role.SUPPORT})
"""Who may look at the schema through the server, unless the operator says otherwise: people at a desk."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that are inclusive: as much as the number says is let through.

    An operation of more fields than ``plan_fields`` is run all the same, by graphql-core: to make a plan of the default
    size takes as long as to validate its document.
    """

    body_bytes: int = 1_000_000
    document_characters: int = 50_000
    document_tokens: int = 5_000
    depth: int = 20
    fields: int = 1_000
    plan_fields: int = 2_000
    aliases: int = 100
    directives: int = 50
    cost: int = 50_000
    list_items: int = 10_000
    points_per_minute: int = 600_000
    operation_seconds: float = 20
    operations_at_once: int = 200
    introspection_roles: frozenset[Role] = INTROSPECTION_ROLES
    shows_suggestions: bool = False
    remembered_bytes: int = 20_000_000
    message_bytes: int = 1_000_000
    operations_per_connection: int = 50
    connections_per_key: int = 100
    init_seconds: float = 10
    ping_seconds: float = 20
    send_seconds: float = 30


@dataclass(frozen=True, slots=True)
class Excess:
    """A limit that a request goes beyond."""

    limit: str
    most: int
    actual: int | None = None

    @property
    def message(self) -> str:
        """One sentence for a person."""
        if self.actual is None:
            return f"{_WORDS[self.limit]} is at most {self.most}."
        number = f"{self.actual} or more" if self.actual >= SATURATED else str(self.actual)
        return f"{_WORDS[self.limit]} is at most {self.most}; this is {number}."

    @property
    def extensions(self) -> dict[str, Any]:
        """The same for programs."""
        told = {"limit": self.limit, "most": self.most}
        return told if self.actual is None else told | {"actual": self.actual}


_WORDS = {
    "characters": "The length of a document",
    "depth": "The depth of an operation",
    "fields": "The number of fields of an operation, fragments counted wherever they are spread,",
    "aliases": "The number of aliases of an operation",
    "directives": "The number of directives of an operation",
    "merges": "The number of pairs of selections of one name that are to be merged",
    "cost": "The cost of an operation",
    "list_items": "The number of items of a list",
}


def misfit(value: Any, list_items: int) -> str | None:
    """What is wrong with variables that no type tells: a list that is too long, or a text that no database keeps.

    Not by recursion: JSON may be nested deeper than Python's stack.
    """
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, str):
            if "\0" in one:
                return "A text may not contain the character U+0000."
        elif isinstance(one, dict):
            todo += one.keys()
            todo += one.values()
        elif isinstance(one, list):
            if len(one) > list_items:
                return Excess("list_items", list_items, len(one)).message
            todo += one
    return None
