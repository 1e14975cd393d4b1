"""Numbers as callers give them: within bounds, and exact in the units that are kept."""

from decimal import Decimal

from db.money import CURRENCIES, LARGEST_AMOUNT, to_minor

from .refusals import RefusalCode, Refusals


def within(found: Refusals, given: int | None, *path: str | int, at_least: int, at_most: int) -> None:
    """A number out of its bounds is noted as INVALID_INPUT; None is within any."""
    if given is not None and not at_least <= given <= at_most:
        limit = at_least if given < at_least else at_most
        message = f"{path[-1]} is from {at_least} to {at_most}; this is {given}."
        found.add(RefusalCode.INVALID_INPUT, message, *path, limit=limit, actual=given)


def hundredths(found: Refusals, given: Decimal, *path: str | int, at_least: int, at_most: int) -> int:
    """The number in hundredths (percent in basis points); finer or out of its bounds, it is noted as INVALID_INPUT."""
    if not at_least <= given <= at_most:
        found.add(RefusalCode.INVALID_INPUT, f"{path[-1]} is from {at_least} to {at_most}.", *path)
        return 0
    if given * 100 % 1:
        found.add(RefusalCode.INVALID_INPUT, f"{path[-1]} has at most two digits after the point.", *path)
    return int(given * 100)


def currency(found: Refusals, given: str | None, default: str) -> str:
    """The currency's ISO 4217 code, or the default if none is given. An unknown one is noted as INVALID_INPUT."""
    if given is None:
        return default
    code = given.strip().upper()
    if code in CURRENCIES:
        return code
    found.add(RefusalCode.INVALID_INPUT, "currency is an ISO 4217 code, as EUR.", "currency")
    return default


def minor_units(found: Refusals, given: Decimal, of: str, *path: str | int, may_be_negative: bool = False) -> int:
    """The amount in minor units of the currency, rounded half up. Out of bounds, it is noted as INVALID_INPUT."""
    minor = to_minor(given, of)
    if minor < 0 and not may_be_negative:
        found.add(RefusalCode.INVALID_INPUT, f"{path[-1]} may not be negative.", *path)
    if abs(minor) > LARGEST_AMOUNT:
        found.add(RefusalCode.INVALID_INPUT, f"{path[-1]} is too large an amount.", *path)
    return minor
