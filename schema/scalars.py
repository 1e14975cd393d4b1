"""The scalars: how dates, times, moments and exact numbers are written, and what is not accepted as one.

Every parser raises ValueError with a sentence that never repeats more than the type of what it was given.
"""

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import orjson
import strawberry
from strawberry.types.scalar import ScalarDefinition

DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
"""As RFC 3339 has it, to the microsecond at most."""

DIGITS = 18
"""The most digits a Decimal may have: enough for any price, few enough to compute with."""


def parse_date(value: Any) -> date:
    """``2026-11-23``."""
    if not isinstance(value, str) or len(value) != 10:
        raise ValueError("A Date is a string like 2026-11-23.")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError("A Date is a string like 2026-11-23, and a day that exists.") from None


def parse_time(value: Any) -> time:
    """``09:30`` or ``09:30:00``; whole seconds, no offset."""
    try:
        parsed = time.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        parsed = None
    if parsed is None or parsed.tzinfo is not None or parsed.microsecond or value[2:3] != ":":
        raise ValueError("A Time is a string like 09:30 or 09:30:00, without an offset.")
    return parsed


def parse_datetime(value: Any) -> datetime:
    """An instant with its offset, ``2026-11-23T09:30:00Z`` or ``...+01:00``; answered in UTC."""
    try:
        parsed = datetime.fromisoformat(value) if isinstance(value, str) and DATE_TIME.fullmatch(value) else None
        if parsed is not None and parsed.tzinfo is not None:
            return parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError("A DateTime is a string like 2026-11-23T09:30:00Z, with its offset.")


def write_datetime(value: datetime) -> str:
    """In the offset the moment carries; UTC as Z."""
    text = value.isoformat()
    return text[:-6] + "Z" if text.endswith("+00:00") else text


def as_json(answer: Any) -> bytes:
    """An answer as it is sent. Moments in UTC may stand in it as they are: orjson writes them as ``write_datetime``
    does, in a fifth of the time."""
    return orjson.dumps(answer, option=orjson.OPT_UTC_Z)


def parse_decimal(value: Any) -> Decimal:
    """An exact number: a string, or a whole number; a float is refused because it is not what was meant."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if is_whole or (isinstance(value, str) and DECIMAL.fullmatch(value)):
        number = Decimal(value)
        if len(number.as_tuple().digits) <= DIGITS and abs(number.adjusted()) <= DIGITS:
            return number
    raise ValueError('A Decimal is a string like "157.00", of at most 18 digits; never a float.')


SCALARS: dict[object, ScalarDefinition] = {
    date: strawberry.scalar(
        name="Date",
        description="A calendar day, as `2026-11-23`.",
        specified_by_url="https://scalars.graphql.org/andimarek/local-date",
        serialize=date.isoformat,
        parse_value=parse_date,
    ),
    time: strawberry.scalar(
        name="Time",
        description="A wall-clock time without a day or an offset, as `09:30:00`.",
        specified_by_url="https://scalars.graphql.org/apollographql/localtime-v0.1",
        serialize=time.isoformat,
        parse_value=parse_time,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment with its offset, as `2026-11-23T09:30:00Z`; to the microsecond at most. "
        "Slot times come in the admission's offset, all others in UTC.",
        specified_by_url="https://scalars.graphql.org/andimarek/date-time",
        serialize=write_datetime,
        parse_value=parse_datetime,
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description='A decimal number as a JSON string, `"157.00"`; never a float.',
        serialize=str,
        parse_value=parse_decimal,
    ),
}
