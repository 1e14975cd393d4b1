"""The findings of requests: what is in the way, in the order in which the gate meets it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import db
from db.admission import AdmissionRow
from db.engine import Read
from db.keys import key
from db.ticket import Access
from db.ticket_item import TicketKind
from db.ticket_request import Dictated, EntryRow, TicketRequestRow, TicketRequestStatus
from db.timeline import RequestEventKind, RequestEventRow

from .. import standing, visibility
from ..admittance.explain import moment_of
from ..admittance.facts import Known, Place, filled, gather_chosen, known, slots_to_count, used_places
from ..admittance.past import Whole
from ..admittance.room import taken_then
from ..context import Context
from ..gate import Facts, GateCheck, checks
from ..policy import Extent, Permission
from ..refusals import Refusal, RefusalCode
from ..sentences import Tickets
from ..ticket.code import is_customer
from ..ticket.common import Sold
from ..ticket.reschedule import kept_back
from ..ticket.revoke import kept
from . import advice, words
from .seen import Seen

OF_THE_WHOLE = frozenset(
    {
        RefusalCode.TICKET_UNKNOWN,
        RefusalCode.TICKET_REVOKED,
        RefusalCode.TICKET_BLOCKED,
        RefusalCode.NOT_CONFIRMED,
        RefusalCode.HOLD_EXPIRED,
        RefusalCode.ALREADY_CANCELED,
        RefusalCode.UNPAID,
        RefusalCode.NOT_VALID_YET,
        RefusalCode.NO_LONGER_VALID,
    }
)
"""What is wrong with a ticket or a request wherever it is scanned; all else is told of one admission."""

_HISTORY = (RequestEventKind.SLOT_CHANGED, RequestEventKind.REVOKED, RequestEventKind.ADMITTED)


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of thing that is in the way, or (not ``is_in_the_way``) that a guest may stumble over all the same."""

    code: RefusalCode
    message: str
    advice: str
    is_in_the_way: bool
    admission_id: int | None
    slot_id: int | None
    request_id: int | None
    """Another request that it is about."""

    ticket_count: int
    ticket_id: int | None
    passes_from: datetime | None
    passes_until: datetime | None


@dataclass(slots=True)
class _Case:
    """A request, as it was at the moment that is asked about, with all that is known of it."""

    request: TicketRequestRow
    tickets: list[Known] = field(default_factory=list)
    facts: list[tuple[Access, Facts]] = field(default_factory=list)
    """Of each ticket at each of its admissions."""

    sold: Sold | None = None
    entries: Sequence[EntryRow] = ()
    dictated: Dictated = field(default_factory=lambda: Dictated([], []))
    history: list[RequestEventRow] = field(default_factory=list)
    owner: TicketRequestRow | None = None
    """The other request that has its order number by now."""

    held: Sequence[Refusal] = ()
    """Why it could not have its places again."""

    admissions: Mapping[int, AdmissionRow] = field(default_factory=dict)
    """Those that were requested or left out."""

    is_past: bool = False


async def diagnose(
    context: Context, read: Read, request_ids: Sequence[int], at: datetime | None
) -> Mapping[int, list[Finding]]:
    """What is in the way of each request, by row id, at that moment (None: now). The caller may see the requests.

    What is in the way comes first, in the gate's order, one finding for each code and admission; then what is good to
    know. What follows from something that comes before it is left out: of a ticket that was given back only that is
    told, of a request that is not confirmed not that it is unpaid, of a time slot that does not take place not when it
    lets in. A gate is told of the tickets that it named.
    Raises BadUserInput for a moment that no slot is near to.
    """
    when = moment_of(context, at)
    requests = await db.ticket_request.by_ids(read, request_ids, context.now, where=visibility.requests(context))
    cases = {request_id: _Case(request) for request_id, request in requests.items()}
    there = {id_: case for id_, case in cases.items() if case.request.created_at <= when}
    if there:
        await _learn(context, read, there, when)
    return {id_: _findings(context, case, when) if id_ in there else [_unknown()] for id_, case in cases.items()}


async def _learn(context: Context, read: Read, cases: Mapping[int, _Case], when: datetime) -> None:
    """Read all that decides about these requests."""
    rows = await db.ticket.of_requests(read, list(cases), where=visibility.tickets(context))
    tickets = [ticket for some in rows.values() for ticket in some if ticket.issued_at <= when]
    requests = {id_: case.request for id_, case in cases.items()}
    everybody = await known(read, tickets, context.now, requests)
    past = await Whole.of(read, when, tickets) if when < context.now else None
    if past is not None:
        await past.learn_of_requests(read, cases.keys() - {ticket.request_id for ticket in tickets})
    for one in everybody:
        cases[one.ticket.request_id].tickets.append(one)
    await _gather(context, read, cases, everybody, when, past)
    for event in await db.timeline.of_requests(read, list(cases), _HISTORY):
        if event.request_id is not None and event.at <= when:
            cases[event.request_id].history.append(event)
    changes = [e for case in cases.values() for e in case.history if e.kind == RequestEventKind.SLOT_CHANGED]
    for id_, sold in (await standing.sold(read, requests, everybody, changes, context.now)).items():
        cases[id_].sold = sold
    if context.extent(Permission.READ_REQUESTS) is not Extent.NO:
        await _learn_of_holds(context, read, cases, is_now=past is None)
    if past is not None:
        for case in cases.values():
            case.request, case.is_past = past.request(case.request), True


async def _gather(
    context: Context,
    read: Read,
    cases: Mapping[int, _Case],
    tickets: Sequence[Known],
    when: datetime,
    past: Whole | None,
) -> None:
    """The facts of each ticket at each place that it lets into; those of one request come together."""
    chosen: list[tuple[Known, Access]] = [(one, access) for one in tickets for access in one.access]
    facts = await gather_chosen(read, chosen, Place(), when, past=past) if chosen else []
    slots = slots_to_count(facts)
    used = await taken_then(read, slots, past) if past else await used_places(read, slots, context.now)
    for (whose, access), one in zip(chosen, facts, strict=True):
        cases[whose.ticket.request_id].facts.append((access, one))
    for case in cases.values():
        coming = iter(filled([one for _, one in case.facts if _is_in_force(one)], slots, used))
        case.facts = [(access, next(coming) if _is_in_force(one) else one) for access, one in case.facts]


def _is_in_force(facts: Facts) -> bool:
    return facts.ticket is not None and facts.ticket.revoked_at is None


async def _learn_of_holds(context: Context, read: Read, cases: Mapping[int, _Case], *, is_now: bool) -> None:
    """What was requested, and what of it somebody else has by now."""
    entries = await db.ticket_request.entries_of_requests(read, list(cases), context.now)
    dictated = await db.ticket_request.dictated_of(read, list(cases))
    ended = [case.request for case in cases.values() if case.request.status in _ENDED]
    owners = await standing.order_owners(read, ended, context.now) if is_now else {}
    requests = [case.request for case in cases.values()]
    held = await standing.held(read, requests, entries, owners, context.now) if is_now else {}
    requested = {entry.admission_id for some in entries.values() for entry in some}
    admissions = await db.admission.by_ids(read, sorted(requested)) if requested else {}
    for id_, case in cases.items():
        case.admissions = admissions
        case.entries, case.owner, case.held = entries.get(id_, ()), owners.get(id_), held.get(id_, ())
        case.dictated = dictated.get(id_, case.dictated)


_ENDED = (TicketRequestStatus.EXPIRED, TicketRequestStatus.CANCELED)


def _unknown() -> Finding:
    """Before it was made, nobody knew of it."""
    message = "No ticket and no request had that number yet."
    told = "Ask about a later moment: the request was made afterwards."
    return replace(_note(RefusalCode.TICKET_UNKNOWN, message, told), is_in_the_way=True)


def _findings(context: Context, case: _Case, when: datetime) -> list[Finding]:
    groups: dict[tuple[int, int | None, RefusalCode], list[tuple[Facts | None, Refusal]]] = {}
    places: dict[int, int] = {}
    for place, facts, check, refusal in _refusals(case, when):
        admission_id = None if refusal.code in OF_THE_WHOLE else place
        order = places.setdefault(admission_id, len(places)) if admission_id is not None else -1
        rank = _PRECEDENCE[check] * 1_000 + order
        groups.setdefault((rank, admission_id, refusal.code), []).append((facts, refusal))
    found = []
    for (_, admission_id, _), those in sorted(groups.items(), key=lambda group: group[0][0]):
        found.append(_finding(_seen(context, case, admission_id, those)))
    found += [_finding(_seen(context, case, one.admission_id, [(None, one)])) for one in _of_holds(case)]
    return [*found, *_good_to_know(context, case)]


_PRECEDENCE = {check: number for number, check in enumerate(GateCheck)}


def _refusals(case: _Case, when: datetime) -> Iterator[tuple[int | None, Facts | None, GateCheck, Refusal]]:
    """Everything that the gate would refuse, but for what only follows from something else."""
    is_confirmed = case.request.status == TicketRequestStatus.CONFIRMED
    facts: list[tuple[Access | None, Facts]] = list(case.facts)
    for access, one in facts or [(None, Facts(when, None, case.request))]:
        failed = {made.check: made.refusal for made in checks(one) if made.refusal is not None}
        if GateCheck.NOT_REVOKED in failed:
            failed = {GateCheck.NOT_REVOKED: failed[GateCheck.NOT_REVOKED]}
        if not is_confirmed:
            failed.pop(GateCheck.PAID, None)
        if GateCheck.OPEN in failed:
            failed.pop(GateCheck.IN_ARRIVAL_WINDOW, None)
        for check, refusal in failed.items():
            yield access.admission.id if access else None, one, check, refusal


def _of_holds(case: _Case) -> Iterator[Refusal]:
    """What keeps a request from becoming tickets, one for each code and admission."""
    found = list(case.held)
    if case.owner is not None and not any(one.code is RefusalCode.DUPLICATE_ORDER for one in found):
        found.insert(0, Refusal(RefusalCode.DUPLICATE_ORDER, "", request_id=case.owner.id))
    seen = set()
    for one in found:
        if (one.code, one.admission_id) not in seen:
            seen.add((one.code, one.admission_id))
            yield one


def _seen(
    context: Context, case: _Case, admission_id: int | None, those: Sequence[tuple[Facts | None, Refusal]]
) -> Seen:
    """One kind of thing, with all that its words may tell."""
    facts, refusal = those[0]
    concerned = dict.fromkeys(one.ticket.id for one, _ in those if one is not None and one.ticket is not None)
    shown = [one.ticket for one in case.tickets]
    in_force = standing.in_force(shown)
    may_move, may_revoke = _may_change(context, case, facts)
    return Seen(
        code=refusal.code,
        refusal=refusal,
        facts=facts,
        request=case.request,
        tickets=Tickets(max(len(concerned), 1), max(len(shown), 1)),
        ticket_ids=tuple(concerned),
        admission_id=admission_id,
        is_alike=len({_told(one) for _, one in those}) == 1,
        others=tuple(one.external_ticket_no for one in in_force if one.id not in concerned),
        history=case.history,
        held=tuple(case.held),
        owner=case.owner,
        is_past=case.is_past,
        zone=_zone(context, case, facts),
        may_move=may_move,
        may_revoke=may_revoke,
        may_unblock=context.extent(Permission.BLOCK) is Extent.ALL,
    )


def _may_change(context: Context, case: _Case, facts: Facts | None) -> tuple[bool, bool]:
    """Whether the ticket may be moved at that admission, and given back: now, whatever moment is asked about."""
    by_customer, sold = is_customer(context), case.sold
    if sold is None or facts is None or facts.ticket is None:
        return False, False
    tickets = [ticket for ticket in standing.in_force(sold.tickets) if ticket.id == facts.ticket.id]
    admission_id = facts.admission.id if facts.admission else None
    pairs = [(t, entry) for t in tickets for entry in sold.entries[t.id] if entry.admission_id == admission_id]
    may_move = bool(pairs) and not list(kept_back(sold, pairs, by_customer=by_customer))
    return may_move, bool(tickets) and not kept(sold, tickets[0], by_customer=by_customer)


def _zone(context: Context, case: _Case, facts: Facts | None) -> ZoneInfo:
    """The clock on the wall where it is told of: of a request, that of the first place that it is for."""
    if facts is not None and facts.admission is not None:
        return facts.zone
    first = case.admissions.get(case.entries[0].admission_id) if case.entries else None
    return ZoneInfo(first.time_zone) if first is not None else context.rules.time_zone


def _told(refusal: Refusal) -> tuple[object, ...]:
    """What the words of a refusal tell."""
    return refusal.passes_from, refusal.passes_until, refusal.limit, refusal.actual, refusal.said


def _finding(seen: Seen) -> Finding:
    refusal = seen.refusal
    is_of_slot = seen.code not in OF_THE_WHOLE
    owner = seen.owner if seen.code is RefusalCode.DUPLICATE_ORDER else None
    return Finding(
        code=seen.code,
        message=words.message(seen),
        advice=advice.of(seen),
        is_in_the_way=True,
        admission_id=seen.admission_id,
        slot_id=refusal.slot_id if is_of_slot else None,
        request_id=owner.id if owner is not None else None,
        ticket_count=len(seen.ticket_ids),
        ticket_id=seen.ticket_ids[0] if seen.ticket_ids else None,
        passes_from=refusal.passes_from,
        passes_until=refusal.passes_until,
    )


# ------------------------------------------------------------------------------------------------ good to know


def _good_to_know(context: Context, case: _Case) -> Iterator[Finding]:
    """What a guest may stumble over although nothing is wrong with it."""
    if case.request.status in _ENDED:
        return
    yield from _left_out(case)
    yield from _partly_used(case)
    yield from _replaced_numbers(case)


def _note(code: RefusalCode, message: str, told: str, **facts: int | None) -> Finding:
    nothing = dict.fromkeys(("admission_id", "slot_id", "request_id", "ticket_id"), None)
    ids = {**nothing, "ticket_count": 0, **facts}
    return Finding(code, message, told, is_in_the_way=False, passes_from=None, passes_until=None, **ids)  # type: ignore[arg-type]


def _never_bought(entries: Sequence[EntryRow]) -> dict[int, set[int]]:
    """The admissions that no line of a request has taken, each with the lines that might have."""
    bought = {entry.admission_id for entry in entries if entry.quantity}
    lines: dict[int, set[int]] = {}
    for entry in entries:
        if entry.admission_id not in bought:
            lines.setdefault(entry.admission_id, set()).add(entry.line_id)
    return lines


def _left_out(case: _Case) -> Iterator[Finding]:
    """Optional admissions that were not bought."""
    for admission_id, line_ids in _never_bought(case.entries).items():
        tickets = [one.ticket for one in case.tickets if one.ticket.line_id in line_ids and not one.ticket.revoked_at]
        is_open = case.request.status == TicketRequestStatus.REGISTERED
        if tickets or is_open:
            yield _note(
                RefusalCode.NOT_ON_TICKET,
                words.left_out(case.admissions[admission_id]),
                advice.left_out(is_open=is_open),
                admission_id=admission_id,
                ticket_count=len(tickets),
                ticket_id=tickets[0].id if tickets else None,
            )


def _partly_used(case: _Case) -> Iterator[Finding]:
    """Groups of which some are in and others are to come: one finding for each admission, of the first such group."""
    told: set[int] = set()
    for access, facts in case.facts:
        ticket, entry = facts.ticket, facts.entry
        if ticket is None or entry is None or ticket.kind != TicketKind.GROUP or ticket.revoked_at is not None:
            continue
        if 0 < entry.admitted_count < ticket.quantity and access.admission.id not in told:
            told.add(access.admission.id)
            yield _note(
                RefusalCode.ENTRIES_USED_UP,
                words.partly_used(ticket, entry, access.admission),
                advice.partly_used(ticket, entry),
                admission_id=access.admission.id,
                slot_id=entry.slot_id,
                ticket_count=1,
                ticket_id=ticket.id,
            )


def _replaced_numbers(case: _Case) -> Iterator[Finding]:
    """Numbers that the shop gave once and replaced before it confirmed: a guest may hold a print of them."""
    numbers = [ticket.external_ticket_no for ticket in standing.in_force(one.ticket for one in case.tickets)]
    valid = {key(number) for number in [*numbers, *case.dictated.in_force]}
    replaced = [number for number in case.dictated.replaced if key(number) not in valid]
    if replaced:
        in_force = numbers or case.dictated.in_force
        yield _note(
            RefusalCode.TICKET_UNKNOWN, words.replaced(list(dict.fromkeys(replaced))), advice.replaced(in_force)
        )
