"""Enums: the values live with the tables, their descriptions here."""

from enum import Enum
from typing import Any

import strawberry


def describe(kind: type[Enum], description: str, **values: str) -> None:
    """Make the enum part of the schema. Every value needs its description; more values may be added later."""
    strawberry.enum(kind, description=f"{description} Values may be added.")
    definition: Any = kind.__strawberry_definition__  # type: ignore[attr-defined]
    missing = {value.name for value in definition.values} ^ values.keys()
    if missing:
        raise TypeError(f"{kind.__name__}: values and descriptions differ in {sorted(missing)}")
    for value in definition.values:
        value.description = values[value.name]
