"""Money is kept as whole minor units (cents) beside an ISO 4217 code: exact, small and summed by any database."""

from decimal import ROUND_HALF_UP, Decimal

from babel.numbers import get_currency_precision, list_currencies

CURRENCIES = frozenset(list_currencies())
LARGEST_AMOUNT = 10**15
"""The largest price, in minor units."""

LARGEST_TOTAL = 10**18
"""The largest sum of prices, in minor units: what 64 bits hold, with room to add."""


def minor_digits(currency: str) -> int:
    """How many digits after the point the currency has by ISO 4217: 2 for EUR, 0 for JPY, 3 for KWD."""
    return get_currency_precision(currency)


def to_minor(amount: Decimal, currency: str) -> int:
    """The amount in minor units, rounded half up (157.005 EUR is 15701)."""
    return int(amount.scaleb(minor_digits(currency)).to_integral_value(ROUND_HALF_UP))


def from_minor(minor: int, currency: str) -> Decimal:
    """The amount with exactly the currency's digits: 15700 EUR is 157.00."""
    return Decimal(minor).scaleb(-minor_digits(currency))
