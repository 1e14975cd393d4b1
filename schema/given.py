"""What a caller wrote down in an input: absent leaves as it is, null clears."""

from typing import Any

from strawberry import UNSET


def given_of(input: Any) -> dict[str, Any]:
    """What the caller wrote down, null included."""
    return {name: value for name, value in vars(input).items() if value is not UNSET}


def said_of(input: Any) -> dict[str, Any]:
    """What the caller wrote down, where null says no more than leaving it out."""
    return {name: value for name, value in vars(input).items() if value is not UNSET and value is not None}
