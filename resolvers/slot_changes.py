"""Changes of time slots that are there already: kept for ever, and told to every request that they concern.

Source: domain.md, "Time slot". Tickets and requests point at the slot, so they follow when its times move.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import db
from db.engine import Write
from db.time_slot import GeneratedSlot, KeptSlot, SlotChangeRow
from db.timeline import Event, RequestEventKind

from .context import Context

CHANGEABLE = KeptSlot._fields[4:]
"""The columns that may change: all but those that say which slot it is."""

FELT = ("starts_at", "ends_at", "arrival_from", "arrival_until", "state")
"""What a guest notices: the slot was moved, closed or canceled, or takes place after all."""

Timed = TypeVar("Timed", KeptSlot, GeneratedSlot)


class Author(NamedTuple):
    """Who changes slots."""

    name: str
    client_id: int | None

    @classmethod
    def of(cls, context: Context) -> "Author":
        return cls(context.actor.client, context.actor.client_id)


SYSTEM = Author("system", None)


@dataclass(frozen=True, slots=True)
class SlotChange:
    """A slot before and after."""

    before: KeptSlot
    after: KeptSlot

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that differ."""
        return tuple(name for name in CHANGEABLE if getattr(self.before, name) != getattr(self.after, name))

    @property
    def is_felt(self) -> bool:
        return not set(FELT).isdisjoint(self.columns)


def moved(slot: Timed, starts_at: datetime, ends_at: datetime) -> Timed:
    """The slot at another time: its windows go with its start, and an arrival that lasts to the end still does."""
    by = starts_at - slot.starts_at
    return slot._replace(
        starts_at=starts_at,
        ends_at=ends_at,
        arrival_from=slot.arrival_from + by,
        arrival_until=ends_at if slot.arrival_until == slot.ends_at else slot.arrival_until + by,
        sales_from=slot.sales_from + by if slot.sales_from else None,
        sales_until=slot.sales_until + by if slot.sales_until else None,
    )


def told(changes: Sequence[SlotChange], booked: Mapping[int, Sequence[int]]) -> set[int]:
    """The requests that will be told. ``booked``: the requests of each locked slot that hold or have bought places."""
    return {request_id for change in changes if change.is_felt for request_id in booked.get(change.before.id, ())}


async def keep(
    write: Write,
    changes: Sequence[SlotChange],
    booked: Mapping[int, Sequence[int]],
    *,
    zone: ZoneInfo,
    author: Author,
    now: datetime,
) -> None:
    """Write down changes of locked slots of one admission, what they were, and a SLOT_CHANGED event per request."""
    await db.time_slot.change(write, [change.after for change in changes])
    await db.time_slot.record_changes(write, [_record(change, now) for change in changes])
    events = [
        _event(change, request_id, zone, author, now)
        for change in changes
        if change.is_felt
        for request_id in booked.get(change.before.id, ())
    ]
    await db.timeline.record(write, events, now)


def _record(change: SlotChange, now: datetime) -> SlotChangeRow:
    before, after = (_facts(slot, change.columns) for slot in (change.before, change.after))
    return SlotChangeRow(change.before.id, now, before, after)


def _event(change: SlotChange, request_id: int, zone: ZoneInfo, author: Author, now: datetime) -> Event:
    """With the local times of the admission: that is how they are worded."""
    names = [name for name in change.columns if name in FELT or name == "closed_reason"]
    before, after = (_facts(slot, names, zone) for slot in (change.before, change.after))
    return Event(
        kind=RequestEventKind.SLOT_CHANGED,
        at=now,
        actor=author.name,
        client_id=author.client_id,
        request_id=request_id,
        admission_id=change.before.admission_id,
        slot_id=change.before.id,
        facts={"before": before, "after": after},
    )


def _facts(slot: KeptSlot, names: Sequence[str], zone: ZoneInfo | None = None) -> dict[str, Any]:
    return {name: plain(getattr(slot, name), zone) for name in names}


def plain(value: Any, zone: ZoneInfo | None = None) -> Any:
    """The value as JSON has it: moments in ISO 8601."""
    if isinstance(value, datetime):
        return (value if zone is None else value.astimezone(zone)).isoformat()
    return value
