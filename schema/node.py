"""Global ids: opaque, stable, one form for every type that implements Node."""

import base64
import binascii
from typing import Any

import strawberry
from strawberry import UNSET

from resolvers.refusals import BadUserInput

LARGEST_ID = 2**63 - 1


def global_id(type_name: str, row_id: int) -> str:
    """The id that clients see."""
    return base64.urlsafe_b64encode(f"{type_name}:{row_id}".encode()).decode().rstrip("=")


def parse_global_id(text: str) -> tuple[str, int]:
    """The type's name and the row's id. Raises BadUserInput if the text is not an id of ours."""
    try:
        padded = text + "=" * (-len(text) % 4)
        type_name, _, number = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii").partition(":")
        row_id = int(number)
    except (binascii.Error, ValueError):
        raise BadUserInput("That is not an id: ids are opaque, and come from an earlier answer.") from None
    if not type_name.isalpha() or not 0 < row_id <= LARGEST_ID or text != global_id(type_name, row_id):
        raise BadUserInput("That is not an id: ids are opaque, and come from an earlier answer.")
    return type_name, row_id


def row_id(text: str, type_name: str) -> int | None:
    """The row's id if the global id is one of that type, else None. Raises BadUserInput if it is not an id at all."""
    found, number = parse_global_id(text)
    return number if found == type_name else None


def chosen(by: object) -> tuple[str, Any]:
    """Which field of a @oneOf input was given, and its value."""
    for name, value in vars(by).items():
        if value is not UNSET:
            return name, value
    raise AssertionError(by)  # of a @oneOf input there is one


@strawberry.interface(description="Anything with an opaque, stable, global id.")
class Node:
    @strawberry.field(
        description="Opaque and stable; what `node` and `nodes` take.", metadata={"reads": frozenset({"id"})}
    )
    def id(self, info: strawberry.Info) -> strawberry.ID:
        return strawberry.ID(global_id(info._raw_info.parent_type.name, self.id))


def is_row(kind: type[Any]) -> Any:
    """``is_type_of`` for a type whose objects are rows of that class; ``rows`` tells plans which, to save the call."""

    def is_type_of(_cls: Any, row: Any, _info: Any) -> bool:
        return isinstance(row, kind)

    is_type_of.rows = kind  # type: ignore[attr-defined]
    return classmethod(is_type_of)
