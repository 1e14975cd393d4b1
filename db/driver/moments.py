"""Moments between PostgreSQL and a connection that reads: those that come again are remembered.

Tickets end with the same days, slots start at the same times, and the newest requests are looked at again and again.
asyncpg takes 0.8 microseconds to make a moment, and to look up one that was made takes less than 0.1.
"""

from datetime import UTC, datetime, timedelta
from struct import Struct

from ..base import FOREVER

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
ENDS = {2**63 - 1: FOREVER, -(2**63): datetime.min.replace(tzinfo=UTC)}
"""PostgreSQL's infinities, and the last and the first moment that Python knows: asyncpg makes these of each other."""

KEPT = 10_000
"""How many are remembered, two megabytes of them; then it begins anew."""

_INT64 = Struct("!q")


class Moments(dict[bytes, datetime]):
    """By what PostgreSQL sends for each."""

    def __missing__(self, data: bytes) -> datetime:
        if len(self) >= KEPT:
            self.clear()
        (microseconds,) = _INT64.unpack(data)
        moment = self[data] = ENDS.get(microseconds) or EPOCH + timedelta(0, 0, microseconds)
        return moment


def encode(moment: datetime) -> bytes:
    """What PostgreSQL is sent for a moment. Raises TypeError for one that is in no zone."""
    microseconds = (moment - EPOCH) // MICROSECOND
    return _INT64.pack(_INFINITIES.get(microseconds, microseconds))


_INFINITIES = {(moment - EPOCH) // MICROSECOND: infinity for infinity, moment in ENDS.items()}
