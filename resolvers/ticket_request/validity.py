"""How long a ticket is valid. Pure. Source: domain.md, "Issued ticket".

From 00:00 of the day of issue to the end of day (first visit reserved, else issue) + durationDays - 1, in the default
admission's zone; the longest content line counts; a line without durationDays has no end.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from db.base import FOREVER
from db.ticket_item import ContentLineRow

LAST_DAY = FOREVER.date()


@dataclass(frozen=True, slots=True)
class Validity:
    """Both ends belong to it, the end to the whole second. ``until`` is FOREVER where there is no end."""

    start: datetime
    until: datetime
    from_date: date
    until_date: date

    @property
    def end(self) -> datetime | None:
        """The end as callers see it: None where there is none."""
        return None if self.until == FOREVER else self.until


def validity(
    contents: Iterable[ContentLineRow], zone: ZoneInfo, issued_at: datetime, visits: Iterable[datetime]
) -> Validity:
    """The validity of a ticket issued then, with visits reserved at those starts."""
    from_date = issued_at.astimezone(zone).date()
    start = datetime.combine(from_date, time.min, zone).astimezone(UTC)
    durations = [content.duration_days for content in contents]
    if None in durations:
        return Validity(start, FOREVER, from_date, LAST_DAY)
    first_visit = min(visits, default=issued_at).astimezone(zone).date()
    until_date = first_visit + timedelta(days=max(d for d in durations if d is not None) - 1)
    midnight = datetime.combine(until_date + timedelta(days=1), time.min, zone).astimezone(UTC)
    return Validity(start, midnight - timedelta(seconds=1), from_date, until_date)
