"""What a gate scanned: checked, found, and remembered by its nonce. What a scan and a departure have in common."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import db
from db.engine import Read, Write
from db.keys import key
from db.ticket import IssuedTicketRow
from db.ticket_request import TicketRequestRow
from db.timeline import Event, RequestEventKind

from ..numbers import within
from ..policy import Extent, Permission
from ..refusals import Outcome, Refusal, RefusalCode, Refusals, Refused, Unchanged
from ..sentences import told_refusal
from ..texts import NUMBER_LENGTH, required, text
from .facts import Place

if TYPE_CHECKING:
    from ..context import Context

CLOCKS_DIFFER = timedelta(minutes=5)
"""How far a gate's clock may be ahead of ours before an offline scan counts as one that has not happened yet."""

LONGEST_OFFLINE = timedelta(days=31)
"""How long ago an offline scan may have been: what is older was told by a clock that has stopped."""


class Verdict(StrEnum):
    ADMITTED = "ADMITTED"
    RECORDED = "RECORDED"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class Scan:
    """A text that was scanned, where, and for how many; None is what was left out."""

    scanned: str
    admission_code: str | None = None
    slot_id: int | None = None
    people: int | None = None
    gate: str | None = None
    nonce: str | None = None
    at: datetime | None = None
    already_admitted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanOutcome(Outcome):
    """What a scan came to: how many people came through, and with which tickets."""

    verdict: Verdict = Verdict.REFUSED
    people: int = 0
    ticket_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What the scanned text is: tickets in the order of their ids; or a request without any; or nothing."""

    tickets: tuple[IssuedTicketRow, ...] = ()
    request: TicketRequestRow | None = None
    is_token: bool = False
    at: datetime | None = None
    """The database's clock, where it was read behind the lock of what was found."""


def readable(scanned: str, found: Refusals) -> str:
    """The scanned text, trimmed; one that no ticket and no request can have is noted as INVALID_INPUT."""
    return required(found, scanned, "scanned")


def checked(context: "Context", scan: Scan) -> Scan:
    """The scan with its texts trimmed. Raises Refused (INVALID_INPUT): it cannot have been scanned like this."""
    found = Refusals()
    scan = replace(
        scan,
        scanned=readable(scan.scanned, found),
        admission_code=text(found, scan.admission_code, "admissionCode"),
        gate=text(found, scan.gate, "gate"),
        nonce=text(found, scan.nonce, "nonce"),
    )
    if scan.people is not None:
        within(found, scan.people, "quantity", at_least=1, at_most=context.rules.tickets_per_request)
    if scan.at is not None and scan.at > context.now + CLOCKS_DIFFER:
        found.add(RefusalCode.INVALID_INPUT, "The scan has not happened yet.", "at")
    if scan.at is not None and scan.at < context.now - LONGEST_OFFLINE:
        message = f"An offline scan is at most {LONGEST_OFFLINE.days} days old: the gate's clock is wrong."
        found.add(RefusalCode.INVALID_INPUT, message, "at", passes_from=context.now - LONGEST_OFFLINE)
    if found.found:
        raise Refused(ScanOutcome(refusals=tuple(found.found)))
    return scan


async def answered(
    context: "Context",
    operation: str,
    scan: Scan,
    decide: Callable[["Context", Write, Scan, "Found"], Awaitable[ScanOutcome]],
) -> ScanOutcome:
    """One transaction: what was scanned is found and locked, decided, and the answer kept under its nonce.

    A scan that is sent again is undone as a whole, and told the first answer. Raises Refused for what is no scan at
    all: INVALID_INPUT, and CONFLICT for a nonce that stood for another. Such a no is kept too, in a transaction of its
    own, and not under the nonce: that is free for the scan as it should have been.
    """
    found, outcome = Found(), ScanOutcome()
    try:
        valid = checked(context, scan)
        async with context.writing() as write:
            found = await find_and_lock(write, valid.scanned)
            refuse_quantity_of_several(valid, found)
            outcome = await decide(context, write, valid, found)
            await _keep(context, write, operation, valid, outcome)
    except Unchanged as unchanged:
        if isinstance(unchanged, Refused):
            await _record_no_scan(context, scan, unchanged.outcome.refusals[0])
        if isinstance(unchanged, Refused) or not isinstance(unchanged.outcome, ScanOutcome):
            raise
        outcome = unchanged.outcome
    show(context, found, outcome)
    return outcome


async def _record_no_scan(context: "Context", scan: Scan, refusal: Refusal) -> None:
    """Keep what was refused before any ticket was asked: with the ticket or request that it names, if it names one.

    Of a text that is too long for any number only its beginning is kept; the moment is ours where the gate's is wrong.
    """
    scan = replace(scan, scanned=_storable(scan.scanned), gate=_storable(scan.gate or "") or None)
    is_clock_wrong = refusal.path == ("at",)
    async with context.writing() as write:
        ticket = (await db.ticket.by_number_keys(write, [key(scan.scanned)])).get(key(scan.scanned))
        now = await write.clock()
        request = None if ticket else await db.ticket_request.by_token_key(write, key(scan.scanned), now)
        refusal = replace(
            refusal,
            said=refusal.message,
            ticket_id=ticket.id if ticket else None,
            request_id=ticket.request_id if ticket else request.id if request else None,
        )
        at = now if is_clock_wrong else scan.at or now
        await db.timeline.record(write, [refused_event(context, scan, refusal, at)], now)


def _storable(text: str) -> str:
    """As much of a text as a column and its index take, and nothing that they cannot."""
    kept = text.strip().replace("\0", "").encode(errors="ignore").decode()[:NUMBER_LENGTH]
    while len(key(kept)) > NUMBER_LENGTH:
        kept = kept[: len(kept) // 2]
    return kept


async def _keep(context: "Context", write: Write, operation: str, scan: Scan, outcome: ScanOutcome) -> None:
    """Keep the answer under the scan's nonce, as the last thing of the transaction.

    A nonce is unique per client, over admitting and departing, to the letter: it is the gate's own, and no number that
    anybody types. Raises Unchanged with the first answer if it was used
    already, so that nothing of this transaction is kept; Refused (CONFLICT) if it stood for another scan.
    """
    if scan.nonce is None:
        return
    scanned_key, client_id = key(scan.scanned), context.actor.client_id
    if await db.scan.add(write, client_id, scan.nonce, operation, scanned_key, _written(outcome), context.now):
        return
    first = await db.scan.by_nonce(write, client_id, scan.nonce)
    assert first is not None
    if (first.operation, first.scanned_key) != (operation, scanned_key):
        message = "This nonce belongs to another scan. A new scan needs a new nonce."
        raise Refused(ScanOutcome(refusals=(Refusal(RefusalCode.CONFLICT, message, ("nonce",)),)))
    raise Unchanged(_read(first.answer))


async def find_and_lock(write: Write, scanned: str) -> Found:
    """The tickets that were scanned, locked. A ticket number is tried before a token.

    A token stands for the tickets of its request that were not given back; if all were, for them.
    """
    scanned_key = key(scanned)
    if locked := await db.ticket.lock_by_number(write, scanned_key):
        return Found((locked.ticket,), at=locked.at)
    request = await db.ticket_request.lock(write, scanned_key)
    if request is None:
        return Found()
    tickets = await db.ticket.lock_of_request(write, request.id)
    if not tickets:
        request = await db.ticket_request.by_id(write, request.id, await write.clock())
    return of_token(tickets, request)


def of_token(tickets: list[IssuedTicketRow], request: TicketRequestRow | None) -> Found:
    """What a token stands for."""
    in_force = [ticket for ticket in tickets if ticket.revoked_at is None]
    return Found(tuple(in_force or tickets), request, is_token=True)


async def place_of(read: Read, admission_code: str | None, slot_id: int | None) -> tuple[Place, Refusal | None]:
    """Where the gate lets in; and what is wrong with what it says of that.

    A slot alone names its admission too. UNKNOWN_ADMISSION, UNKNOWN_SLOT, SLOT_OF_OTHER_ADMISSION.
    """
    admission = slot = None
    if admission_code is not None:
        admission = (await db.admission.by_keys(read, [key(admission_code)])).get(key(admission_code))
        if admission is None:
            return Place(), told_refusal(RefusalCode.UNKNOWN_ADMISSION, path=("admissionCode",))
    if slot_id is not None:
        slot = (await db.time_slot.by_ids(read, [slot_id])).get(slot_id)
        if slot is None:
            return Place(admission), told_refusal(RefusalCode.UNKNOWN_SLOT, path=("slotId",))
        if admission is None:
            admission = (await db.admission.by_ids(read, [slot.admission_id]))[slot.admission_id]
        elif slot.admission_id != admission.id:
            code = RefusalCode.SLOT_OF_OTHER_ADMISSION
            return Place(admission), told_refusal(code, path=("slotId",), admission_id=admission.id, slot_id=slot.id)
    return Place(admission, slot), None


def refuse_quantity_of_several(scan: Scan, found: Found) -> None:
    """Raise Refused (INVALID_INPUT): of several tickets, a number would not say of which so many come."""
    if scan.people is not None and len(found.tickets) > 1:
        message = "The token stands for several tickets: quantity goes with one."
        raise Refused(ScanOutcome(refusals=(Refusal(RefusalCode.INVALID_INPUT, message, ("quantity",)),)))


def refused_event(context: "Context", scan: Scan, refusal: Refusal, at: datetime, **ids: Any) -> Event:
    """A scan's no, with the facts of it. Why staff blocked a ticket stays with the ticket."""
    facts: dict[str, Any] = {"limit": refusal.limit, "actual": refusal.actual}
    facts |= {name: moment and moment.isoformat() for name, moment in _moments(refusal).items()}
    if refusal.code not in (RefusalCode.TICKET_BLOCKED, RefusalCode.ACCESS_BLOCKED):
        facts["said"] = refusal.said
    return Event(
        kind=RequestEventKind.REFUSED,
        at=at,
        actor=context.actor.client,
        client_id=context.actor.client_id,
        request_id=refusal.request_id,
        ticket_id=refusal.ticket_id,
        admission_id=refusal.admission_id,
        slot_id=refusal.slot_id,
        scanned=scan.scanned,
        gate=scan.gate,
        refusal_code=refusal.code.value,
        facts={name: value for name, value in facts.items() if value is not None},
        **ids,
    )


def show(context: "Context", found: Found, outcome: ScanOutcome) -> None:
    """Let a gate see beside its scan the ticket that it named by its number, and whom it let in."""
    if context.extent(Permission.READ_TICKETS) is Extent.EXACT:
        context.found_tickets.update(outcome.ticket_ids)
        if not found.is_token:
            context.found_tickets.update(ticket.id for ticket in found.tickets)


def _moments(refusal: Refusal) -> dict[str, datetime | None]:
    return {"passes_from": refusal.passes_from, "passes_until": refusal.passes_until}


def _written(outcome: ScanOutcome) -> dict[str, Any]:
    """The outcome as JSON keeps it."""
    refusals = [
        {name: getattr(refusal, name) for name in _KEPT if getattr(refusal, name) is not None}
        | {name: moment.isoformat() for name, moment in _moments(refusal).items() if moment is not None}
        for refusal in outcome.refusals
    ]
    return {
        "verdict": outcome.verdict.value,
        "people": outcome.people,
        "ticket_ids": list(outcome.ticket_ids),
        "refusals": refusals,
    }


_KEPT = ("code", "message", "path", "admission_id", "slot_id", "ticket_id", "request_id", "limit", "actual", "said")


def _read(answer: dict[str, Any]) -> ScanOutcome:
    refusals = [
        Refusal(
            **said
            | {"code": RefusalCode(said["code"]), "path": tuple(said["path"]) if "path" in said else None}
            | {name: datetime.fromisoformat(said[name]) for name in ("passes_from", "passes_until") if name in said}
        )
        for said in answer["refusals"]
    ]
    return ScanOutcome(
        verdict=Verdict(answer["verdict"]),
        people=answer["people"],
        ticket_ids=tuple(answer["ticket_ids"]),
        refusals=tuple(refusals),
    )
