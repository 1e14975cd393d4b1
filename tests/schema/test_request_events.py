"""The history of everything: what happened, filtered, page by page, and for whom."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

import db
from db.client import Role
from db.engine import Database
from db.timeline import Event, RequestEventKind
from tests.harness import Gatehouse
from tests.make import NOON, Make, Request, making

HOUR = timedelta(hours=1)
NODES = "nodes { kind actor scanned gate request { token } ticket { externalTicketNo } refusal { code } }"


async def a_morning(make: Make) -> None:
    """Two shops' sales, a guest let in, one refused, and a number that nobody knows."""
    gate, other = await make.client("gate-1", Role.GATE), await make.client("gate-2", Role.GATE)
    castle = await make.admission("CASTLE")
    item = await make.item("ADULT", castle)
    tickets = []
    for shop in ("shop-1", "shop-2"):
        request = await make.request(await make.client(shop, Role.WEB_STORE), f"of-{shop}")
        await make.event(RequestEventKind.CREATED, request=request)
        line = await make.line(request, item)
        tickets.append(await make.ticket(line, f"T-{shop}"))
    scan: dict[str, Any] = {"admission_id": castle, "gate": "Gate A", "client_id": gate, "actor": "gate-1"}
    entries = [ticket.access_entries[castle] for ticket in tickets]
    await make.event(
        RequestEventKind.ADMITTED,
        ticket=tickets[0],
        access_entry_id=entries[0],
        scanned="T-shop-1",
        **scan,
        at=NOON + HOUR,
    )
    await make.event(
        RequestEventKind.REFUSED,
        ticket=tickets[1],
        access_entry_id=entries[1],
        scanned="T-shop-2",
        refusal_code="TOO_LATE",
        **scan | {"gate": "GATE B"},
        at=NOON + 2 * HOUR,
    )
    await make.event(
        RequestEventKind.REFUSED,
        scanned="Nobody's",
        refusal_code="TICKET_UNKNOWN",
        **scan | {"client_id": other, "actor": "gate-2"},
        at=NOON + 3 * HOUR,
    )


async def listed(gatehouse: Gatehouse, where: str = "", **asker: Any) -> list[str]:
    """What happened, each as its kind and what was scanned."""
    found = await gatehouse.data(f"{{ requestEvents{where} {{ {NODES} }} }}", **asker)
    return [f"{e['kind']} {e['scanned'] or e['request']['token']}" for e in found["requestEvents"]["nodes"]]


ALL = [
    "CREATED of-shop-1",
    "CREATED of-shop-2",
    "ADMITTED T-shop-1",
    "REFUSED T-shop-2",
    "REFUSED Nobody's",
]


async def test_everything_that_happened_is_listed_as_it_was_recorded(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        await a_morning(make)
    found = await gatehouse.data(f"{{ requestEvents {{ {NODES} }} }}", role="SUPPORT")
    assert found["requestEvents"]["nodes"][2:] == [
        {
            "kind": "ADMITTED",
            "actor": "gate-1",
            "scanned": "T-shop-1",
            "gate": "Gate A",
            "request": {"token": "of-shop-1"},
            "ticket": {"externalTicketNo": "T-shop-1"},
            "refusal": None,
        },
        {
            "kind": "REFUSED",
            "actor": "gate-1",
            "scanned": "T-shop-2",
            "gate": "GATE B",
            "request": {"token": "of-shop-2"},
            "ticket": {"externalTicketNo": "T-shop-2"},
            "refusal": {"code": "TOO_LATE"},
        },
        {
            "kind": "REFUSED",
            "actor": "gate-2",
            "scanned": "Nobody's",
            "gate": "Gate A",
            "request": None,
            "ticket": None,
            "refusal": {"code": "TICKET_UNKNOWN"},
        },
    ]
    assert len(gatehouse.statements) == 3, "the events, their requests, their tickets"


async def test_every_filter_finds_what_it_says(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        await a_morning(make)
    late = f'at: {{ from: "{(NOON + 2 * HOUR).isoformat()}" }}'
    for where, numbers in {
        'scanned: " NOBODY\\u2019S"': [],
        'scanned: "NOBODY\'S "': [4],
        'token: "OF-SHOP-2"': [1, 3],
        'externalTicketNo: "t-SHOP-2"': [3],
        "kinds: [CREATED, ADMITTED]": [0, 1, 2],
        "kinds: []": [],
        'gate: "gate a"': [2, 4],
        "code: [TOO_LATE, UNPAID]": [3],
        late: [3, 4],
        f'{late} gate: "Gate B"': [3],
        'token: "of-shop-1", externalTicketNo: "T-shop-2"': [],
        "gate: null": [0, 1, 2, 3, 4],
    }.items():
        found = await listed(gatehouse, f"(where: {{ {where} }})")
        assert found == [ALL[n] for n in numbers], where


@pytest.mark.parametrize(
    ("role", "client", "numbers"),
    [
        ("ADMIN", None, [0, 1, 2, 3, 4]),
        ("SUPPORT", None, [0, 1, 2, 3, 4]),
        ("POS", None, [0, 1, 2, 3]),
        ("WEB_STORE", "shop-2", [1, 3]),
        ("WEB_STORE", "shop-3", []),
        ("GATE", "gate-1", [2, 3]),
        ("GATE", "gate-2", [4]),
    ],
)
async def test_each_sees_what_is_its_own(
    gatehouse: Gatehouse, role: str, client: str | None, numbers: list[int]
) -> None:
    """A scan of an unknown number is for those who see every scan, and for its own gate."""
    async with making(gatehouse.database) as make:
        await a_morning(make)
    body = "{ requestEvents { nodes { kind scanned } } }"
    found = await gatehouse.data(body, role=role, client=client)
    shown = [{"kind": kind, "scanned": scanned} for kind, _, scanned in (one.partition(" ") for one in ALL)]
    for one in shown[:2]:
        one["scanned"] = None  # type: ignore[assignment]
    assert found["requestEvents"]["nodes"] == [shown[n] for n in numbers]


async def test_a_gate_sees_no_request_behind_its_scans(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        await a_morning(make)
    query = "{ requestEvents { nodes { request { token } ticket { id } refusal { code ticket { id } } } } }"
    found = await gatehouse.data(query, role="GATE", client="gate-1")
    assert found["requestEvents"]["nodes"] == [
        {"request": None, "ticket": None, "refusal": None},
        {"request": None, "ticket": None, "refusal": {"code": "TOO_LATE", "ticket": None}},
    ]


async def test_pages_lead_on_in_both_directions(gatehouse: Gatehouse) -> None:
    async with making(gatehouse.database) as make:
        await a_morning(make)
    query = """query ($first: Int, $after: String, $last: Int, $before: String) {
      requestEvents(first: $first, after: $after, last: $last, before: $before) {
        edges { cursor node { cursor kind } } pageInfo { hasNextPage hasPreviousPage endCursor startCursor } } }"""
    ahead = (await gatehouse.data(query, {"first": 2}))["requestEvents"]
    assert [edge["cursor"] == edge["node"]["cursor"] for edge in ahead["edges"]] == [True, True]
    assert (ahead["pageInfo"]["hasPreviousPage"], ahead["pageInfo"]["hasNextPage"]) == (False, True)
    rest = (await gatehouse.data(query, {"first": 5, "after": ahead["pageInfo"]["endCursor"]}))["requestEvents"]
    assert [edge["node"]["kind"] for edge in rest["edges"]] == ["ADMITTED", "REFUSED", "REFUSED"]
    assert (rest["pageInfo"]["hasPreviousPage"], rest["pageInfo"]["hasNextPage"]) == (True, False)
    back = (await gatehouse.data(query, {"last": 5, "before": rest["pageInfo"]["startCursor"]}))["requestEvents"]
    assert back["edges"] == ahead["edges"]


async def test_nothing_is_listed_in_front_of_what_was(gatehouse: Gatehouse, database: Database) -> None:
    """A transaction that began first and ends last would put its event in front: so the later one waits for it.

    Whoever read the later one alone, and went on from its cursor, would never see the other. On SQLite the second
    writer waits for the first, and there is nothing to be seen meanwhile.
    """
    if database.dialect == "sqlite":
        pytest.skip("one writer at a time")
    async with making(database) as first:
        request = await first.request(await first.client("shop"), "first")
        await record(first, request)
        async with making(database) as second:
            await record(second, await second.request(await second.client("other-shop"), "second"))
        assert await listed(gatehouse) == [], "the second alone would be taken for all there is"
    for _ in range(600):  # any writer in the whole cluster delays it
        if len(found := await listed(gatehouse)) > 1:
            break
        await asyncio.sleep(0.05)
    assert found == ["CREATED first", "CREATED second"]


async def record(make: Make, request: Request) -> None:
    """The event as the program records it, under the transaction's own number."""
    event = Event(
        kind=RequestEventKind.CREATED, at=NOON, actor="shop", client_id=request.client_id, request_id=request.id
    )
    await db.timeline.record(make.write, [event], NOON)
