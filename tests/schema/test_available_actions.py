"""Available actions: what is told beforehand is what the mutation then decides, for every role, in any state.

Requests and tickets are made in states of every kind. Each mutation is rehearsed: run as it is, in a transaction that
is then undone.
"""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

import db
from db.client import Role
from db.engine import Write
from db.keys import key
from db.ticket_request import PaymentOption
from db.timeline import RequestEventKind
from resolvers import ticket, ticket_request
from resolvers.actions import Action
from resolvers.actor import Actor
from resolvers.admittance.admit import admit
from resolvers.admittance.depart import depart
from resolvers.admittance.scan import Scan
from resolvers.context import Context
from resolvers.refusals import Outcome, Unchanged
from schema import authorization
from schema.node import global_id
from schema.root import graphql_schema
from tests.gate import at_noon
from tests.harness import Gatehouse
from tests.make import NOON, Item, Line, Make, Request, making

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CODE = "1234-5678"
ROLES = ("ADMIN", "SUPPORT", "POS", "WEB_STORE", "GATE")
REQUESTS = 8

ASKED = """query ($requests: [ID!]!, $tickets: [ID!]!) {
  requests: nodes(ids: $requests) { ... on TicketRequest { availableActions { ...told } } }
  tickets: nodes(ids: $tickets) { ... on IssuedTicket { availableActions { ...told } } } }
fragment told on AvailableAction { action isAllowed isDone admission { code } refusal { code message } }"""

Told = dict[tuple[Action, str | None], tuple[str | None, bool]]
"""By action and admission: the code of the refusal, and whether it was done already."""


class _Undone(Exception):
    """Nothing of a rehearsal is kept."""


class Rehearsal(Context):
    """A context whose transactions are undone; ``recorded`` is how many events the last one would have left."""

    recorded = 0

    @asynccontextmanager
    async def writing(self, *others: Context) -> AsyncIterator[Write]:
        assert not others
        try:
            async with self.database.writing() as write:
                before = await self._events(write)
                yield write
                self.recorded = await self._events(write) - before
                raise _Undone
        except _Undone:
            pass
        finally:
            self._renew()

    async def _events(self, write: Write) -> int:
        return int(await write.value(select(func.count()).select_from(db.timeline.request_event)))


@dataclass(frozen=True, slots=True)
class Subject:
    """A request or a ticket, by its token or number, and where its admissions can be moved to."""

    name: str
    targets: dict[str, int]
    is_ticket: bool

    async def rehearse(self, context: Rehearsal, action: Action, admission: str | None) -> str | None:
        """The code of the first refusal, or None."""
        try:
            outcome = await _DOING[action](context, self, admission)
        except Unchanged as unchanged:
            outcome = unchanged.outcome
        return outcome.refusals[0].code.value if outcome.refusals else None

    def revocation(self) -> ticket.Revocation:
        return ticket.Revocation(self.name, CODE)

    def rescheduling(self, admission: str | None) -> ticket.Rescheduling:
        assert admission is not None
        return ticket.Rescheduling(self.name, admission, self.targets[admission], CODE)


LINES = [ticket_request.RequestedLine("FREE", 1)]

_DOING: dict[Action, Callable[[Context, Subject, str | None], Awaitable[Outcome]]] = {
    Action.UPDATE: lambda context, one, _: ticket_request.update(context, one.name, LINES),
    Action.EXTEND: lambda context, one, _: ticket_request.extend(context, one.name),
    Action.CONFIRM: lambda context, one, _: ticket_request.confirm(context, ticket_request.Confirmation(one.name)),
    Action.PAY: lambda context, one, _: ticket_request.pay(
        context, ticket_request.Payment(one.name, PaymentOption.PREPAID, "new")
    ),
    Action.CANCEL: lambda context, one, _: ticket_request.cancel(context, one.name, None),
    Action.CHANGE_HOLDER: lambda context, one, _: ticket_request.change_holder(context, one.name, {"language": "fr"}),
    Action.RESCHEDULE_ALL: lambda context, one, at: ticket.reschedule_request(context, one.rescheduling(at)),
    Action.REVOKE_ALL: lambda context, one, _: ticket.revoke_request(context, one.revocation()),
    Action.ADMIT: lambda context, one, at: admit(context, Scan(one.name, at)),
    Action.DEPART: lambda context, one, at: depart(context, Scan(one.name, at)),
    Action.RESCHEDULE: lambda context, one, at: ticket.reschedule(context, one.rescheduling(at)),
    Action.REVOKE: lambda context, one, _: ticket.revoke(context, one.revocation()),
    Action.BLOCK: lambda context, one, at: ticket.block(context, ticket.Flag(one.name, at, "Lost")),
    Action.UNBLOCK: lambda context, one, at: ticket.unblock(context, ticket.Flag(one.name, at, "Found")),
    Action.MARK_PRINTED: lambda context, one, _: ticket.mark_printed(context, [one.name]),
}
OF_TICKETS = {Action.RESCHEDULE, Action.REVOKE, Action.BLOCK, Action.UNBLOCK, Action.MARK_PRINTED}
OF_BOTH = {Action.ADMIT, Action.DEPART}
OF_ONE_ADMISSION = {Action.RESCHEDULE_ALL, Action.RESCHEDULE}
OF_ANY = {*OF_BOTH, Action.BLOCK, Action.UNBLOCK}


class Life:
    """Makes requests and tickets in states of every kind, of two admissions with slots of every kind."""

    def __init__(self, make: Make, chance: random.Random) -> None:
        self.make, self.chance = make, chance
        self.subjects: dict[str, list[tuple[int, Subject]]] = {"requests": [], "tickets": []}
        self.targets: dict[str, int] = {}

    def is_so(self, likely: float) -> bool:
        return self.chance.random() < likely

    async def begin(self) -> None:
        make, chance = self.make, self.chance
        self.shop = await make.client("shop", Role.WEB_STORE)
        self.tour = await make.admission("TOUR", kind="EVENT", prebook_required=True)
        self.hall = await make.admission("HALL", prebook_required=self.is_so(0.5))
        for code, admission in (("TOUR", self.tour), ("HALL", self.hall)):
            self.targets[code] = await make.slot(admission, NOON + 5 * DAY, capacity=None, control="NONE")
        free = await make.admission("FREE", default_schedule="NONE")
        await make.item("FREE", free)
        closed = await make.add(db.calendar.calendar, code="C", code_key="c", description="Holidays")
        line = {"kind": "DATE", "date": NOON.date(), "text": "Closed"}
        await make.add(db.calendar.calendar_line, calendar_id=closed, **line)
        self.calendar = closed
        self.slots = {
            self.tour: [await self.slot(self.tour) for _ in range(4)],
            self.hall: [await self.slot(self.hall) for _ in range(3)],
        }
        owner = await make.request(self.shop, "owner", external_order_no="W-1")
        await make.write.run(
            db.ticket_request.order_key.insert().values(client_id=self.shop, key="w-1", request_id=owner.id)
        )
        dictated = {"key": "d-1", "request_id": owner.id}
        await make.write.run(db.ticket.ticket_number.insert().values(dictated))
        assert chance is not None

    async def slot(self, admission: int) -> int:
        """Letting in at noon, or not; with room, or without."""
        chance = self.chance
        start = NOON + chance.choice([0, 0, 0, -3, 3]) * HOUR
        state = chance.choice(["OPEN"] * 6 + ["CLOSED", "CANCELED"])
        control = chance.choice(["SALES", "ADMITTED", "ADMITTED_AND_DEPARTED", "NONE"])
        return await self.make.slot(admission, start, capacity=chance.randint(1, 8), control=control, state=state)

    async def item(self) -> Item:
        chance = self.chance
        group = self.is_so(0.3)
        rules: dict[str, Any] = {
            "entry_validation": chance.choice(["SINGLE", "SINGLE", "SAME_DAY", "MULTIPLE"]),
            "max_entries": chance.choice([None, 2]),
            "reschedule_policy": chance.choice(["NOT_ALLOWED", "UNTIL_USED", "CUT_OFF_HOURS"]),
            "reschedule_cut_off_seconds": chance.choice([-7200, 0, 7200]),
            "revoke_policy": chance.choice(["UNUSED", "NEVER", "ALWAYS"]),
            "calendar_id": self.calendar if self.is_so(0.1) else None,
        }
        admissions = chance.choice([[self.tour], [self.hall], [self.tour, self.hall]])
        made = await self.make.item(None, *admissions, kind="GROUP" if group else "INDIVIDUAL", contents=rules)
        if self.is_so(0.1) and len(admissions) == 2:
            await self.make.dependency(made.contents[self.tour], self.hall)
        return made

    async def request(self, number: int) -> None:
        chance, make = self.chance, self.make
        kind = chance.choice(["held", "run out", "stamped", "given up", "given back", *["confirmed"] * 5])
        status: dict[str, dict[str, Any]] = {
            "held": {"status": "REGISTERED", "expires_at": NOON + HOUR},
            "run out": {"status": "REGISTERED", "expires_at": NOON - HOUR},
            "stamped": {"status": "EXPIRED", "expires_at": NOON - HOUR},
            "given up": {"status": "CANCELED"},
            "given back": {"status": "CANCELED"},
            "confirmed": {"payment_option": chance.choice(["PREPAID", "PREPAID", "UNPAID", "DIRECT"])},
        }
        columns = {"created_at": NOON - DAY, "channel": chance.choice(["WEB_STORE", "POS"]), **status[kind]}
        if kind in ("stamped", "run out", "given up") and self.is_so(0.3):
            columns["external_order_no"] = "W-1"
        client = self.shop if self.is_so(0.8) else await make.client("till", Role.POS)
        request = await make.request(client, f"TOKEN-{number}", **columns)
        self.subjects["requests"].append((request.id, Subject(request.token, self.targets, is_ticket=False)))
        for line_no in range(1, chance.randint(2, 3)):
            line = await self.line(request, line_no, is_dictated=kind == "stamped" and self.is_so(0.3))
            if kind in ("confirmed", "given back"):
                await self.tickets(line, is_revoked=kind == "given back")
        if self.is_so(0.15):
            for _ in range(5):
                tried = {"named": "TOKEN", "key": key(request.token), "at": NOON - HOUR / 2}
                await make.add(db.code_attempt.code_attempt, **tried)

    async def line(self, request: Request, line_no: int, *, is_dictated: bool) -> Line:
        chance, item = self.chance, await self.item()
        slots = {admission: chance.choice(self.slots[admission]) for admission in item.contents if self.is_so(0.85)}
        dictated = {"dictated_nos": ["D-1"]} if is_dictated else {}
        left_out = [self.hall] if len(item.contents) == 2 and self.is_so(0.2) else []
        slots = {admission: slot for admission, slot in slots.items() if admission not in left_out}
        quantity = chance.randint(1, 3)
        columns: dict[str, Any] = {"ticket_kind": item.kind, "line_no": line_no, "left_out": left_out, **dictated}
        line = await self.make.line(request, item, quantity, slots=slots, **columns)
        changed = next(iter(slots.values()), None)
        if changed is not None and self.is_so(0.15):
            await self.make.event(RequestEventKind.SLOT_CHANGED, request=request, slot_id=changed)
        kept = {admission: entry for admission, entry in line.entries.items() if admission not in left_out}
        return Line(line.id, line.request, line.item, line.quantity, kept)

    async def tickets(self, line: Line, *, is_revoked: bool) -> None:
        is_group = line.item.kind == "GROUP"
        for _ in range(1 if is_group else line.quantity):
            await self.ticket(line, line.quantity if is_group else 1, is_revoked=is_revoked)

    async def ticket(self, line: Line, people: int, *, is_revoked: bool) -> None:
        chance, make = self.chance, self.make
        columns: dict[str, Any] = {"issued_at": NOON - DAY}
        columns["revoked_at"] = NOON - HOUR if is_revoked or (line.quantity > 1 and self.is_so(0.1)) else None
        columns["blocked_at"] = NOON - HOUR if self.is_so(0.15) else None
        made = await make.ticket(line, people=people, **columns)
        self.subjects["tickets"].append((made.id, Subject(made.number, self.targets, is_ticket=True)))
        for admission, entry in made.access_entries.items():
            if self.is_so(0.1):
                await make.change(db.ticket.access_entry, entry, blocked_at=NOON - HOUR)
            if self.is_so(0.35):
                so_far = chance.randint(1, people)
                at = NOON - chance.choice([HOUR, DAY])
                slot = line.entries[admission][1] or self.slots[admission][0]
                inside = chance.randint(0, so_far)
                await make.visit(made, admission, at, people=so_far, inside=inside, slot_id=slot)
        if self.is_so(0.15):
            for _ in range(5):
                tried = {"named": "TICKET", "key": key(made.number), "at": NOON - HOUR / 2}
                await make.add(db.code_attempt.code_attempt, **tried)


def told(answer: list[dict[str, Any]]) -> Told:
    found: Told = {}
    for one in answer:
        assert one["isAllowed"] == (one["refusal"] is None)
        admission = one["admission"] and one["admission"]["code"]
        assert (Action(one["action"]), admission) not in found
        found[Action(one["action"]), admission] = (one["refusal"] and one["refusal"]["code"], one["isDone"])
    return found


async def compare(context: Rehearsal, subject: Subject, found: Told, permitted: frozenset[str]) -> int:
    """Rehearse everything: what is told, and what is not. Answers how many mutations were rehearsed."""
    rehearsed = 0
    for action in Action:
        if action not in permitted:
            assert not [one for one, _ in found if one is action], "the role may not ask for it"
            continue
        if (action in OF_TICKETS) is not subject.is_ticket and action not in OF_BOTH:
            continue
        places: list[str | None] = [None, "TOUR", "HALL"] if action in OF_ANY else [None]
        for admission in ["TOUR", "HALL"] if action in OF_ONE_ADMISSION else places:
            if admission is None and action in OF_BOTH and (action, None) not in found:
                continue  # of a ticket with one admission, which is told by its name
            is_told = (action, admission) in found
            code, is_done = found.get((action, admission), (None, False))
            decided = await subject.rehearse(context, action, admission)
            rehearsed += 1
            if not is_told:
                assert decided is not None, (subject.name, action, admission, "is allowed, and not told")
                continue
            assert decided == code, (subject.name, action, admission)
            if code is None and action not in OF_BOTH:
                changes = context.recorded > 0
                assert changes is not is_done, (subject.name, action, admission)
    return rehearsed


async def live(gatehouse: Gatehouse, seed: int) -> int:
    """One park full of requests, asked about by two roles. Answers how many mutations were rehearsed."""
    chance = random.Random(seed)
    async with making(gatehouse.database) as make:
        life = Life(make, chance)
        await life.begin()
        for number in range(REQUESTS):
            await life.request(number)
        clients = {role: await make.client(CLIENTS.get(role, f"the {role} of the house"), Role(role)) for role in ROLES}
    await at_noon(gatehouse, minutes=5)  # not at the very second at which a window or a cut-off ends
    rehearsed = 0
    for role in chance.sample(ROLES[1:4], 2):
        ids = {
            kind: [global_id({"requests": "TicketRequest", "tickets": "IssuedTicket"}[kind], id_) for id_, _ in some]
            for kind, some in life.subjects.items()
        }
        answer = await gatehouse.data(ASKED, ids, role=role, client=CLIENTS.get(role))
        actor = Actor(clients[role], CLIENTS.get(role, f"the {role} of the house"), Role(role))
        context = Rehearsal(gatehouse.database, actor, gatehouse.rules)
        permitted = authorization.permitted(Role(role))
        for kind, some in life.subjects.items():
            for (_, subject), node in zip(some, answer[kind], strict=True):
                if node is None:
                    assert role == "WEB_STORE"
                    continue
                rehearsed += await compare(context, subject, told(node["availableActions"]), permitted)
    return rehearsed


CLIENTS = {"WEB_STORE": "shop", "POS": "till"}


async def test_what_is_told_is_what_the_mutation_decides(gatehouse: Gatehouse) -> None:
    assert await live(gatehouse, 1) > 150


@pytest.mark.prove
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(2, 42))
async def test_in_many_lives_what_is_told_is_what_the_mutation_decides(gatehouse: Gatehouse, seed: int) -> None:
    assert await live(gatehouse, seed) > 50


async def test_a_gate_is_told_of_the_ticket_that_it_named(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        place = await make.admission("HALL")
        item = await make.item(None, place)
        line = await make.line(await make.request(await make.client()), item, 2)
        for number in ("T-1", "T-2"):
            await make.ticket(line, number)
    await at_noon(gatehouse)
    named = '{ issuedTicket(by: {externalTicketNo: "T-1"}) { availableActions { action isAllowed } } }'
    found = await gatehouse.data(named, role="GATE")
    assert found["issuedTicket"]["availableActions"] == [
        {"action": "ticketAdmit", "isAllowed": True},
        {"action": "ticketDepart", "isAllowed": False},
    ]


def test_every_action_is_a_mutation_that_changes_what_is_there() -> None:
    """Those that make something new, or set up, are not asked of a request or a ticket."""
    mutation = graphql_schema.mutation_type
    assert mutation is not None
    of_one = {name for name in mutation.fields if name.startswith("ticket") and not name.endswith("Upsert")}
    new = {"ticketRequestCreateInWebStore", "ticketRequestCreateAtPos", "ticketSetUp"}
    assert {action.value for action in Action} == of_one - new


async def test_a_hundred_take_as_many_statements_as_one(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        life = Life(make, random.Random(3))
        await life.begin()
        for number in range(50):
            await life.request(number)
    await at_noon(gatehouse)
    for kind, type_name in (("requests", "TicketRequest"), ("tickets", "IssuedTicket")):
        ids = [global_id(type_name, id_) for id_, _ in life.subjects[kind]]
        taken = []
        for some in (ids[: len(ids) // 2], ids):
            await gatehouse.data(ASKED, {"requests": [], "tickets": [], kind: some}, role="WEB_STORE", client="shop")
            taken.append(len(gatehouse.statements))
        assert taken[0] == taken[1] <= 30
