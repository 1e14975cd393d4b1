"""A dry run answers exactly what the real one then does, of tickets and requests that nobody would think of."""

import asyncio
import shutil
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from db.base import FOREVER
from db.client import Role
from db.engine import Database
from db.timeline import RequestEventKind
from schema.node import global_id
from tests.changes import MOVED
from tests.concurrency import books
from tests.conftest import sqlite_url
from tests.harness import Gatehouse
from tests.kept import kept
from tests.make import NOON, Make, Ticket, making
from tests.park import REFUSAL

HOUR = timedelta(hours=1)
CODE = "1234-5678"
ADMISSIONS = ("PLACE", "OTHER")
SLOTS = 3
"""Of each admission."""


@dataclass(frozen=True)
class Slot:
    """In hours from noon."""

    starts: int
    state: str
    capacity: int
    is_changed: bool


@dataclass(frozen=True)
class Rules:
    """Of one content line; ``slot`` None: visited without one."""

    slot: int | None
    places: int
    share: int
    duration_days: int | None
    reschedule: str
    cut_off_hours: int
    revoke: str
    refund: int


@dataclass(frozen=True)
class Sale:
    """A line with its tickets; of each ticket's people so many were let in at each admission."""

    rules: tuple[Rules, Rules]
    is_group: bool
    quantity: int
    let_in: tuple[int, int]
    is_blocked: bool


@dataclass(frozen=True)
class Step:
    """Of one ticket, or (None) of the request: moved to that slot of that admission, or (None) given back."""

    ticket: int | None
    to: tuple[int, int] | None
    is_customer: bool


@dataclass(frozen=True)
class Life:
    payment: str
    price: int
    kind: str
    control: str
    slots: tuple[tuple[Slot, ...], tuple[Slot, ...]]
    sales: tuple[Sale, ...]
    steps: tuple[Step, ...]


slots_ = st.lists(
    st.builds(
        Slot,
        starts=st.integers(-3, 60),
        state=st.sampled_from(["OPEN"] * 6 + ["CLOSED", "CANCELED"]),
        capacity=st.integers(0, 12),
        is_changed=st.sampled_from([False] * 4 + [True]),
    ),
    min_size=SLOTS,
    max_size=SLOTS,
).map(tuple)
rules = st.builds(
    Rules,
    slot=st.none() | st.integers(0, SLOTS - 1),
    places=st.integers(1, 2),
    share=st.sampled_from([10_000, 10_000, 5_000]),
    duration_days=st.sampled_from([None, 1, 2]),
    reschedule=st.sampled_from(["UNTIL_USED", "UNTIL_USED", "CUT_OFF_HOURS", "NOT_ALLOWED"]),
    cut_off_hours=st.integers(-3, 3),
    revoke=st.sampled_from(["UNUSED", "UNUSED", "ALWAYS", "NEVER"]),
    refund=st.sampled_from([10_000, 5_000, 3_333]),
)
sales = st.builds(
    Sale,
    rules=st.tuples(rules, rules),
    is_group=st.booleans(),
    quantity=st.integers(1, 3),
    let_in=st.sampled_from([(0, 0)] * 4) | st.tuples(st.integers(0, 4), st.integers(0, 4)),
    is_blocked=st.sampled_from([False] * 5 + [True]),
)
steps = st.builds(
    Step,
    ticket=st.none() | st.integers(0, 5),
    to=st.none() | st.tuples(st.sampled_from([0, 0, 1]), st.integers(0, SLOTS - 1)),
    is_customer=st.booleans(),
)
lives = st.builds(
    Life,
    payment=st.sampled_from(["PREPAID", "PREPAID", "DIRECT", "UNPAID", "POSTPAID"]),
    price=st.integers(0, 3333),
    kind=st.sampled_from(["EVENT", "LOCATION"]),
    control=st.sampled_from(["SALES", "SALES", "ADMITTED", "ADMITTED_AND_DEPARTED", "NONE"]),
    slots=st.tuples(slots_, slots_),
    sales=st.lists(sales, min_size=1, max_size=2).map(tuple),
    steps=st.lists(steps, min_size=1, max_size=4).map(tuple),
)

MUTATIONS = {
    (False, False): f"ticketRevoke(input: $input) {{ refund {{ amount currency }} refusals {{ {REFUSAL} }} }}",
    (True, False): f"ticketRequestRevoke(input: $input) {{ refund {{ amount currency }} refusals {{ {REFUSAL} }} }}",
    (False, True): f"ticketReschedule(input: $input) {{ outcome {{ {MOVED} }} refusals {{ {REFUSAL} }} }}",
    (True, True): f"ticketRequestReschedule(input: $input) {{ outcomes {{ {MOVED} }} refusals {{ {REFUSAL} }} }}",
}
"""By whether it is of a request, and whether it is a move."""

BOOKS = (
    "sold_places is the sum of what is sold",
    "a confirmed request has bought the places where its tickets are",
    "beyond that, only places that were used stay sold",
    "an entry is where the first of its tickets in force is",
    "a request is canceled with the last of its tickets",
    "the timeline tells of every ticket given back, once",
)
"""Those that the rows made here can keep: they come without a life before."""


@dataclass(frozen=True)
class Made:
    slots: tuple[list[int], list[int]]
    tickets: list[Ticket]


async def make_life(make: Make, life: Life) -> Made:
    admissions = [await make.admission(code, kind=life.kind) for code in ADMISSIONS]
    slot_ids: tuple[list[int], list[int]] = ([], [])
    for number, admission in enumerate(admissions):
        for slot in life.slots[number]:
            capacity: dict[str, Any] = {"capacity": slot.capacity, "control": life.control}
            slot_ids[number].append(await make.slot(admission, NOON + slot.starts * HOUR, state=slot.state, **capacity))
    shop = await make.client("shop", Role.WEB_STORE)
    request = await make.request(shop, "THE-REQUEST", payment_option=life.payment, created_at=NOON - 100 * HOUR)
    tickets = []
    for line_no, sale in enumerate(life.sales, 1):
        tickets += await make_line(make, life, sale, request, line_no, admissions, slot_ids)
    for number, admission in enumerate(admissions):
        for slot, slot_id in zip(life.slots[number], slot_ids[number], strict=True):
            if slot.is_changed:
                changed = RequestEventKind.SLOT_CHANGED
                await make.event(changed, request=request, admission_id=admission, slot_id=slot_id)
    return Made(slot_ids, tickets)


async def make_line(
    make: Make, life: Life, sale: Sale, request: Any, line_no: int, admissions: list[int], slot_ids: Any
) -> list[Ticket]:
    item = await make.item(None, kind="GROUP" if sale.is_group else "INDIVIDUAL")
    contents = {}
    for number, (admission, rule) in enumerate(zip(admissions, sale.rules, strict=True)):
        contents[admission] = await make.content(
            item.id,
            admission,
            is_default=not number,
            quantity=rule.places,
            capacity_basis_points=rule.share,
            duration_days=rule.duration_days,
            reschedule_policy=rule.reschedule,
            reschedule_cut_off_seconds=rule.cut_off_hours * 3600 if rule.reschedule == "CUT_OFF_HOURS" else None,
            revoke_policy=rule.revoke,
            refund_basis_points=rule.refund,
        )
    item = type(item)(item.id, item.kind, contents)
    slots = {
        a: slot_ids[n][r.slot]
        for n, (a, r) in enumerate(zip(admissions, sale.rules, strict=True))
        if r.slot is not None
    }
    line = await make.line(request, item, sale.quantity, slots=slots, line_no=line_no, ticket_kind=item.kind)
    tickets = []
    for people in [sale.quantity] if sale.is_group else [1] * sale.quantity:
        columns: dict[str, Any] = {"blocked_at": NOON, "blocked_reason": "Lost."} if sale.is_blocked else {}
        columns["valid_until"] = FOREVER if None in [r.duration_days for r in sale.rules] else NOON + 50 * HOUR
        ticket = await make.ticket(line, people=people, price_minor=life.price, **columns)
        for admission, came in zip(admissions, sale.let_in, strict=True):
            if came:
                await make.visit(ticket, admission, people=came, inside=min(came, people))
        tickets.append(ticket)
    return tickets


async def check(database: Database, life: Life) -> None:
    """Step by step: the dry run leaves everything as it was, and the real one says the same to the word."""
    async with making(database) as make:
        made = await make_life(make, life)
    database.clock_offset += NOON - database.now() + timedelta(minutes=1)
    async with Gatehouse(database) as gatehouse:
        for step in life.steps:
            await check_step(gatehouse, made, step)


async def check_step(gatehouse: Gatehouse, made: Made, step: Step) -> None:
    ticket = None if step.ticket is None else made.tickets[step.ticket % len(made.tickets)]
    said: dict[str, Any] = {"token": "THE-REQUEST"} if ticket is None else {"externalTicketNo": ticket.number}
    if step.to is not None:
        admission, slot = step.to
        to = global_id("TimeSlot", made.slots[admission][slot])
        said |= {"admissionCode": ADMISSIONS[admission], "slotId": to}
    selection = MUTATIONS[ticket is None, step.to is not None]
    name = selection.partition("(")[0]
    document = f"mutation($input: T{name[1:]}Input!) {{ {selection} }}"
    role, code = ("WEB_STORE", {"authorizationCode": CODE}) if step.is_customer else ("SUPPORT", {})
    before = await kept(gatehouse)
    dry = (await gatehouse.data(document, {"input": {**said, **code, "dryRun": True}}, role=role))[name]
    assert await kept(gatehouse) == before
    real = (await gatehouse.data(document, {"input": {**said, **code}}, role=role))[name]
    assert real == dry
    after = await kept(gatehouse)
    if real["refusals"]:
        assert after == before
    elif step.to is not None:
        moves = real["outcomes"] if "outcomes" in real else [real["outcome"]]
        for move in moves:
            await check_moved(gatehouse, move)
    broken = await books.broken(gatehouse.database)
    assert not {name: broken[name] for name in BOOKS if name in broken}
    assert after["request_event"][: len(before["request_event"])] == before["request_event"]


async def check_moved(gatehouse: Gatehouse, move: Any) -> None:
    """The ticket stands as the outcome says."""
    query = """query($no: String!) { issuedTicket(by: {externalTicketNo: $no}) {
      validUntil isRevoked accessEntries { admission { code } slot { id } }
    } }"""
    ticket = (await gatehouse.data(query, {"no": move["externalTicketNo"]}))["issuedTicket"]
    assert (ticket["validUntil"], ticket["isRevoked"]) == (move["validUntil"], False)
    assert {"admission": move["admission"], "slot": move["toSlot"]} in ticket["accessEntries"]


async def in_a_fresh_database(template: Path, life: Life) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(sqlite_url(Path(shutil.copyfile(template, Path(folder) / "life.sqlite3"))))
        try:
            await check(database, life)
        finally:
            await database.dispose()


def many(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])


BOOKED_APART = Life(
    payment="PREPAID",
    price=0,
    kind="EVENT",
    control="SALES",
    slots=((Slot(starts=0, state="OPEN", capacity=1, is_changed=False),) * 3,) * 2,
    sales=(
        Sale(
            rules=(
                Rules(
                    slot=None,
                    places=1,
                    share=10000,
                    duration_days=None,
                    reschedule="UNTIL_USED",
                    cut_off_hours=0,
                    revoke="UNUSED",
                    refund=10000,
                ),
            )
            * 2,
            is_group=False,
            quantity=2,
            let_in=(0, 0),
            is_blocked=False,
        ),
    ),
    steps=(Step(ticket=1, to=(0, 0), is_customer=False), Step(ticket=0, to=None, is_customer=False)),
)
"""Of two tickets without a slot the second is given one, and the first is revoked."""


@many(8)
@example(life=BOOKED_APART)
@given(life=lives)
def test_a_dry_run_answers_what_the_real_one_then_does(sqlite_template: Path, life: Life) -> None:
    asyncio.run(in_a_fresh_database(sqlite_template, life))


@pytest.mark.prove
@pytest.mark.timeout(900)
@many(150)
@given(life=lives)
def test_it_does_in_many_lives(sqlite_template: Path, life: Life) -> None:
    asyncio.run(in_a_fresh_database(sqlite_template, life))


FREE = Rules(0, 2, 10_000, 2, "UNTIL_USED", 0, "UNUSED", 10_000)
STRICT = Rules(1, 1, 10_000, 1, "CUT_OFF_HOURS", 2, "ALWAYS", 5_000)
THREE = tuple(Slot(hours, "OPEN", 9, False) for hours in (4, 5, 28))
STEPS = (
    Step(0, (0, 1), False),
    Step(None, (0, 2), True),
    Step(None, (1, 0), False),
    Step(None, (0, 0), False),
    Step(1, None, True),
    Step(1, None, False),
    Step(None, None, True),
    Step(None, None, False),
)


async def test_it_does_on_postgresql_too(database: Database) -> None:
    """One life with something of everything; the random ones are on SQLite, of which a copy is quickly made."""
    tour = (Sale((FREE, STRICT), False, 3, (0, 0), False), Sale((FREE, FREE), True, 3, (2, 0), False))
    await check(database, Life("PREPAID", 999, "EVENT", "SALES", (THREE, THREE), tour, STEPS))
    assert await books.count(database, "request_event", "kind = 'RESCHEDULED'") > 0
    assert await books.count(database, "request_event", "kind = 'REVOKED'") > 0
