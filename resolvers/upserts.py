"""Upserts: absent leaves as it is, null clears what may be cleared, and what is the same changes nothing."""

from collections.abc import Iterable, Mapping
from typing import Any

from .refusals import RefusalCode, Refusals


def refuse_nulls(found: Refusals, given: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """What every row has cannot be cleared. ``names``: the names in ``given``, and what callers call them."""
    for name, called in names.items():
        if name in given and given[name] is None:
            found.add(RefusalCode.INVALID_INPUT, f"{called} may not be null: leave it out to keep it.", called)


def refuse_gaps(found: Refusals, given: Mapping[str, Any], noun: str, needed: Iterable[tuple[str, str]]) -> None:
    """A new row needs what has no default. ``needed``: as ``names`` of ``refuse_nulls``."""
    for name, called in needed:
        if name not in given:
            message = f"There is no such {noun} yet, and a new one needs {called}."
            found.add(RefusalCode.INVALID_INPUT, message, called)


def changed(row: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the values that the row does not have."""
    return {name: value for name, value in values.items() if getattr(row, name) != value}
