"""What subscribers are told, decided on what was read, is what the database decides when they ask for a list."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import db
from db.client import Role
from db.conditions import all_of
from db.engine import Database
from db.paging import Span, Window
from db.timeline import AS_RECORDED, RequestEventKind
from resolvers import visibility
from resolvers.actor import Actor
from resolvers.context import Context, Rules
from resolvers.refusals import RefusalCode
from tests.make import NOON, making

HOUR = timedelta(hours=1)
TEXTS = ["T-1", "t-2 ", "Nobody's", "Gate A", "GATE B", ""]
GIVEN = st.fixed_dictionaries(
    {},
    optional={
        "scanned": st.sampled_from(TEXTS),
        "token": st.sampled_from(TEXTS),
        "external_ticket_no": st.sampled_from(TEXTS),
        "kinds": st.lists(st.sampled_from([RequestEventKind.CREATED, *db.timeline.OF_THE_GATE]), max_size=2),
        "gate": st.sampled_from(TEXTS),
        "code": st.lists(st.sampled_from([RefusalCode.TOO_LATE, RefusalCode.TICKET_UNKNOWN]), max_size=2),
        "at": st.builds(Span, st.sampled_from([None, NOON, NOON + HOUR]), st.sampled_from([None, NOON, NOON + HOUR])),
    },
)


async def a_day(database: Database) -> dict[str, int]:
    """Two shops' requests and tickets, and scans of two gates: known, unknown, refused; the ids of the clients."""
    async with making(database) as make:
        clients = {f"gate-{n}": await make.client(f"gate-{n}", Role.GATE) for n in (1, 2)}
        castle = await make.admission("CASTLE")
        item = await make.item("ADULT", castle)
        for n in (1, 2):
            shop = clients[f"shop-{n}"] = await make.client(f"shop-{n}", Role.WEB_STORE)
            request = await make.request(shop, f"T-{n}")
            await make.event(RequestEventKind.CREATED, request=request, at=NOON)
            ticket = await make.ticket(await make.line(request, item), f"t-{3 - n}")
            for kind, gate, code in (
                (RequestEventKind.ADMITTED, "gate-1", None),
                (RequestEventKind.REFUSED, "gate-2", "TOO_LATE"),
            ):
                scan: dict[str, Any] = {"client_id": clients[gate], "gate": "Gate a", "refusal_code": code}
                await make.event(kind, ticket=ticket, scanned=f"T-{n}", at=NOON + n * HOUR, **scan)
        unknown: dict[str, Any] = {"scanned": "nobody's", "gate": "gate b", "refusal_code": "TICKET_UNKNOWN"}
        await make.event(RequestEventKind.REFUSED, client_id=clients["gate-2"], **unknown)
        await make.event(RequestEventKind.SLOT_CHANGED)
    return clients


ASKERS = [
    (Role.ADMIN, "admin"),
    (Role.SUPPORT, "support"),
    (Role.POS, "pos"),
    (Role.WEB_STORE, "shop-1"),
    (Role.WEB_STORE, "shop-3"),
    (Role.GATE, "gate-1"),
    (Role.GATE, "gate-2"),
]


async def test_what_is_told_is_what_is_listed(database: Database) -> None:
    """For every role, and any conditions."""
    clients = await a_day(database)
    async with database.reading() as read:
        told, has_more = await db.timeline.told(read, (-1, 0), 100)
        assert (len(told), has_more) == (8, False)
        questions: list[dict[str, Any]] = []

        @settings(max_examples=60, database=None, suppress_health_check=list(HealthCheck))
        @given(GIVEN)
        def collect(given: dict[str, Any]) -> None:
            questions.append(given)

        collect()
        seen = set()
        for i, given_ in enumerate(questions):
            role, client = ASKERS[i % len(ASKERS)]
            for conditions in (given_, {}):
                context = Context(database, Actor(clients.get(client, 99), client, role), Rules())
                where = all_of(visibility.events(context), db.timeline.matching(conditions))
                listed = (await db.timeline.page(read, Window(100, AS_RECORDED), where=where)).rows
                by_hand = [
                    one.event
                    for one in told
                    if visibility.is_told(context, one) and db.timeline.is_matching(one, conditions)
                ]
                assert by_hand == list(listed), (role, conditions)
                seen.add(len(listed))
        assert len(seen) > 4, "there is something to be told apart"


@pytest.mark.parametrize("at_most", [1, 3])
async def test_events_are_told_page_by_page(database: Database, at_most: int) -> None:
    await a_day(database)
    async with database.reading() as read:
        position, told, has_more = (-1, 0), [], True
        while has_more:
            page, has_more = await db.timeline.told(read, position, at_most)
            assert 1 <= len(page) <= at_most
            told += page
            position = page[-1].event.position
        assert [one.event.id for one in told] == list(range(1, 9))
        assert await db.timeline.told(read, await db.timeline.end(read), at_most) == ([], False)
