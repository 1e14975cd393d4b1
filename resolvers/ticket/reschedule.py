"""Reschedule: one admission of a ticket, or of every ticket of a request, is moved to another time slot.

Source: domain.md, "Changing one's mind". Each ticket is asked for the policy it was sold under, and the target for all
that is asked at a sale, by the same code; only that what the ticket has used there already is not sold to it again. The
end of its validity moves along. The same slot: nothing to do, no policy asked.

Places: a ticket takes its places in the slot it is for, and leaves behind in the old one only what it has used there
(``rules.open_places``). The tickets of one requested entry may be moved apart; the entry then stands where the first of
its tickets in force is, and has a reservation in every slot where one of them is.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import db
from db.admission import AdmissionRow
from db.code_attempt import Named
from db.engine import Read, Write
from db.ticket import AccessEntryRow, IssuedTicketRow
from db.time_slot import TimeSlotRow
from db.timeline import Event, RequestEventKind

from ..capacity import Wish, sale_refusal
from ..context import Context
from ..refusals import Outcome, Refusal, RefusalCode, Refusals, Refused, Unchanged
from ..slot_use import calendar_of, uses_of
from ..texts import required
from ..ticket_request.common import event
from ..ticket_request.validity import Validity, validity
from .code import is_customer, prove
from .common import Sold, check_number, entry_for, find, find_admission, take, take_request, unconfirmed
from .rules import reschedule_refusal, revoked_refusal


@dataclass(frozen=True, slots=True)
class Rescheduling:
    """What shall be moved: a ticket by its number, or a request by its token; which admission, and where to.

    ``slot_id`` None: the id was not one of a time slot.
    """

    name: str
    admission_code: str
    slot_id: int | None
    authorization_code: str | None = None
    is_dry_run: bool = False


class Move(NamedTuple):
    """What became of one ticket, or would become; ``valid_until`` None: it has no end."""

    external_ticket_no: str
    admission_id: int
    from_slot_id: int | None
    to_slot_id: int
    valid_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RescheduleOutcome(Outcome):
    """Beside the ticket or request, what became of each ticket; refused, of none."""

    moves: tuple[Move, ...] = ()


async def reschedule(context: Context, asked: Rescheduling) -> Outcome:
    """Move one admission of a ticket. Into the slot it is for already: answered, and nothing done.

    It is recorded as RESCHEDULED with ticket_id, access_entry_id, admission_id, the new slot as slot_id, and the facts
    {"before", "after"}, each with "slot_id" (null: none), "starts_at" (the slot's, at the admission's local time),
    "valid_until" (in UTC; 9999-12-31 is no end) and "valid_until_date" (local to the default admission).

    Refused: INVALID_INPUT, NOT_FOUND, UNKNOWN_ADMISSION, UNKNOWN_SLOT, NOT_ON_TICKET, TICKET_REVOKED,
    RESCHEDULE_NOT_ALLOWED, and the refusals of ``capacity.sale_refusal``; of a web store also
    WRONG_AUTHORIZATION_CODE, TICKET_BLOCKED and ACCESS_BLOCKED.
    """
    found = Refusals()
    number = check_number(found, asked.name)
    code = required(found, asked.admission_code, "admissionCode")
    await prove(context, Named.TICKET, number, asked.authorization_code, found)
    async with context.writing() as write:
        admission = await find_admission(write, code, found)
        target_id = await _find_slot(write, asked.slot_id, found)
        ticket = await find(write, number, found)
        if ticket is None:
            raise Refused(Outcome(refusals=tuple(found.found)))
        request = await db.ticket_request.lock_by_id(write, ticket.request_id)
        assert request is not None
        sold = await take(write, request, [ticket.id], target_id=target_id)
        (ticket,) = sold.tickets
        if refusal := revoked_refusal(ticket):
            found.found.append(refusal)
        entry = admission and entry_for(admission, sold.entries[ticket.id], ticket, found)
        found.check(row_id=ticket.id)
        assert admission is not None
        assert entry is not None
        assert target_id is not None
        moving = _Moving(sold, admission, [(ticket, entry)], sold.slots[target_id])
        return await _move(context, write, moving, ticket.id, "externalTicketNo", asked.is_dry_run)


async def reschedule_request(context: Context, asked: Rescheduling) -> Outcome:
    """Move one admission of every ticket of a request that is in force and admits there, all or none.

    Recorded and refused as ``reschedule`` is, ticket by ticket, each refusal of a policy with its ticket; and
    NOT_CONFIRMED, HOLD_EXPIRED, ALREADY_CANCELED (also by its last revoked ticket), NOT_ON_TICKET (on none of them).
    """
    found = Refusals()
    token = required(found, asked.name, "token")
    code = required(found, asked.admission_code, "admissionCode")
    await prove(context, Named.TOKEN, token, asked.authorization_code, found)
    async with context.writing() as write:
        admission = await find_admission(write, code, found)
        target_id = await _find_slot(write, asked.slot_id, found)
        request = await take_request(write, token, found)
        if refusal := await unconfirmed(write, request, is_dry_run=asked.is_dry_run):
            return Outcome(row_id=request.id, refusals=(*found.found, refusal))
        sold = await take(write, request, await db.ticket.ids_of_request(write, request.id), target_id=target_id)
        entries = [
            (ticket, entry)
            for ticket in sold.tickets
            for entry in sold.entries[ticket.id]
            if ticket.revoked_at is None and admission and entry.admission_id == admission.id
        ]
        if admission is not None and not entries:
            message = f"No ticket of the request admits to {admission.description}."
            found.add(RefusalCode.NOT_ON_TICKET, message, "admissionCode", admission_id=admission.id)
        found.check(row_id=request.id)
        assert admission is not None
        assert target_id is not None
        moving = _Moving(sold, admission, entries, sold.slots[target_id])
        return await _move(context, write, moving, request.id, "token", asked.is_dry_run)


async def _find_slot(read: Read, slot_id: int | None, found: Refusals) -> int | None:
    """The slot's id, or UNKNOWN_SLOT is noted. Slots are never deleted: what is there stays there."""
    if slot_id is not None and await db.time_slot.by_ids(read, [slot_id]):
        return slot_id
    found.add(RefusalCode.UNKNOWN_SLOT, "There is no such time slot.", "slotId")
    return None


@dataclass(frozen=True, slots=True)
class _Moving:
    """Tickets with their access entries for one admission, all taken, and where they are to go."""

    sold: Sold
    admission: AdmissionRow
    every: Sequence[tuple[IssuedTicketRow, AccessEntryRow]]
    target: TimeSlotRow

    @property
    def pairs(self) -> list[tuple[IssuedTicketRow, AccessEntryRow]]:
        """Those that are not there yet."""
        return [(ticket, entry) for ticket, entry in self.every if entry.slot_id != self.target.id]

    @property
    def places(self) -> int:
        """What they take in the target."""
        return sum(self.sold.open_places(entry, ticket, self.target.id) for ticket, entry in self.pairs)


async def _move(
    context: Context, write: Write, moving: _Moving, row_id: int, named_by: str, is_dry_run: bool
) -> RescheduleOutcome:
    """Move what is not there yet, or raise Refused with everything that is in the way."""
    sold, target = moving.sold, moving.target
    valid = await _validities(write, moving)
    use = (await uses_of(write, [target], sold.now))[target.id]
    kept = kept_back(sold, moving.pairs, by_customer=is_customer(context))
    refusals = [replace(one, path=(named_by,)) for one in kept]
    for content_id, end in dict.fromkeys((e.content_line_id, valid[t.id].end) for t, e in moving.pairs):
        content = sold.contents[content_id]
        wish = Wish(target, moving.admission, content, moving.places, calendar_of(content, sold.calendars), end)
        if (refusal := sale_refusal(wish, use, sold.now)) is not None:
            refusals.append(replace(refusal, path=("slotId",)))
    refusals += [replace(one, path=("slotId",)) for one in _left_beyond(moving, valid)]
    if refusals:
        raise Refused(Outcome(row_id=row_id, refusals=tuple(dict.fromkeys(refusals))))
    moves = tuple(
        Move(
            ticket.external_ticket_no,
            entry.admission_id,
            entry.slot_id,
            target.id,
            valid[ticket.id].end,
        )
        for ticket, entry in moving.every
    )
    outcome = RescheduleOutcome(row_id=row_id, moves=moves)
    if is_dry_run:
        raise Unchanged(outcome)
    if moving.pairs:
        await _write(write, moving, valid)
        happened = [_event(context, moving, ticket, entry, valid[ticket.id]) for ticket, entry in moving.pairs]
        await db.timeline.record(write, happened, sold.now)
    return outcome


def kept_back(
    sold: Sold, pairs: Iterable[tuple[IssuedTicketRow, AccessEntryRow]], *, by_customer: bool
) -> Iterator[Refusal]:
    """Which tickets may not be moved anywhere. Where their slot was changed, staff may do it all the same."""
    for ticket, entry in pairs:
        if by_customer:
            yield from sold.kept_from_customer(ticket, [entry])
        elif sold.is_let_down(entry):
            continue
        slot = None if entry.slot_id is None else sold.slots[entry.slot_id]
        refusal = reschedule_refusal(entry, ticket, sold.contents[entry.content_line_id], slot, sold.now)
        if refusal is not None:
            yield refusal


def _left_beyond(moving: _Moving, valid: dict[int, Validity]) -> Iterator[Refusal]:
    """Which other visits of the tickets would lie after their end, where the first visit is moved nearer."""
    sold = moving.sold
    for ticket, moved in moving.pairs:
        end = valid[ticket.id].end
        if end is None or end >= ticket.valid_until:
            continue
        for entry in sold.entries[ticket.id]:
            if entry is moved or entry.slot_id is None or entry.admitted_count:
                continue
            if sold.slots[entry.slot_id].starts_at > end:
                admission = sold.admissions[entry.admission_id]
                yield Refusal(
                    RefusalCode.BEYOND_VALIDITY,
                    f"The ticket would end before its time slot of {admission.description}.",
                    admission_id=entry.admission_id,
                    slot_id=entry.slot_id,
                    passes_until=end,
                )


async def _validities(read: Read, moving: _Moving) -> dict[int, Validity]:
    """How long each ticket is valid afterwards, by the rule of its issue; one that stays where it is, as it was."""
    sold = moving.sold
    requested = await db.ticket_request.entries_of(read, sold.request.id, db.ticket_request.BEFORE_TIME)
    contents = await db.ticket_item.content_lines_by_ids(read, sorted({entry.content_line_id for entry in requested}))
    defaults = {e.line_id: e.admission_id for e in requested if contents[e.content_line_id].is_default}
    admissions = await db.admission.by_ids(read, sorted(set(defaults.values())))
    valid = {}
    for ticket, moved in moving.every:
        entries = sold.entries[ticket.id]
        if moved.slot_id == moving.target.id:
            valid[ticket.id] = Validity(
                ticket.valid_from, ticket.valid_until, ticket.valid_from_date, ticket.valid_until_date
            )
            continue
        visits = [sold.slots[e.slot_id].starts_at for e in entries if e.slot_id is not None and e is not moved]
        valid[ticket.id] = validity(
            (sold.contents[entry.content_line_id] for entry in entries),
            ZoneInfo(admissions[defaults[ticket.line_id]].time_zone),
            ticket.issued_at,
            [*visits, moving.target.starts_at],
        )
    return valid


async def _write(write: Write, moving: _Moving, valid: dict[int, Validity]) -> None:
    """The tickets in their new slot, until their new end; and their places there, in the books of both slots alike."""
    sold, target = moving.sold, moving.target
    left: Counter[tuple[int, int]] = Counter()
    bought: Counter[int] = Counter()
    of_slots: Counter[int] = Counter()
    ends: dict[tuple[Any, Any], list[int]] = {}
    for ticket, entry in moving.pairs:
        if entry.slot_id is not None:
            freed = sold.open_places(entry, ticket, entry.slot_id)
            left[entry.entry_id, entry.slot_id] += freed
            of_slots[entry.slot_id] -= freed
        taken = sold.open_places(entry, ticket, target.id)
        bought[entry.entry_id] += taken
        of_slots[target.id] += taken
        end = valid[ticket.id]
        if end.until != ticket.valid_until:
            ends.setdefault((end.until, end.until_date), []).append(ticket.id)
    await db.ticket.change_access_entries(write, [entry.id for _, entry in moving.pairs], {"slot_id": target.id})
    for (until, until_date), ticket_ids in ends.items():
        await db.ticket.change(write, ticket_ids, {"valid_until": until, "valid_until_date": until_date})
    await db.reservation.give_back(write, left, sold.now)
    await db.reservation.buy(write, sold.request.id, target.id, bought, sold.now)
    await db.time_slot.add_sold(write, of_slots)
    await db.ticket.let_entries_follow(write, sorted(bought))


def _event(context: Context, moving: _Moving, ticket: IssuedTicketRow, entry: AccessEntryRow, valid: Validity) -> Event:
    sold, target = moving.sold, moving.target
    before = None if entry.slot_id is None else sold.slots[entry.slot_id]
    return event(
        context,
        RequestEventKind.RESCHEDULED,
        sold.now,
        ticket.request_id,
        ticket_id=ticket.id,
        access_entry_id=entry.id,
        admission_id=entry.admission_id,
        slot_id=target.id,
        facts={
            "before": {
                "slot_id": entry.slot_id,
                "starts_at": before and _local(before),
                "valid_until": ticket.valid_until.isoformat(),
                "valid_until_date": ticket.valid_until_date.isoformat(),
            },
            "after": {
                "slot_id": target.id,
                "starts_at": _local(target),
                "valid_until": valid.until.isoformat(),
                "valid_until_date": valid.until_date.isoformat(),
            },
        },
    )


def _local(slot: TimeSlotRow) -> str:
    return slot.starts_at.astimezone(ZoneInfo(slot.time_zone)).isoformat()
