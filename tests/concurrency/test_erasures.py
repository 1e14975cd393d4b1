"""Erasing a person while others write of the same person, and killed in the middle."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

import db
from db.client import Role
from db.engine import Database
from db.ticket_request import BEFORE_TIME
from resolvers.person import REQUESTS_AT_ONCE
from tests.harness import Gatehouse
from tests.make import making
from tests.program import serving
from tests.schema.test_erase import ADA, EMAIL, ERASE, erased, kept, keys_amiss, stock

from .waiting import beside, until_waiting

pytestmark = pytest.mark.prove

CHANGE = """
mutation ($input: TicketRequestHolderChangeInput!) { ticketRequestHolderChange(input: $input) { refusals { code } } }
"""
SOMEBODY_ELSE = {"email": "grace@other.org", "phone": "5551234"}


async def change_while_erasing(gatehouse: Gatehouse) -> None:
    """The erasure has seen whose request it is; before it takes it, the request becomes somebody else's."""
    await stock(gatehouse)
    for role in ("ADMIN", "SUPPORT"):
        await gatehouse.key(role)
    async with beside(gatehouse.database) as write:
        request = await db.ticket_request.lock(write, "guest")
        assert request is not None
        erasing = asyncio.create_task(erased(gatehouse, EMAIL))
        await until_waiting(gatehouse.database)
        await db.ticket_request.change(
            write, request.id, {**SOMEBODY_ELSE, "email_key": SOMEBODY_ELSE["email"], "phone_key": "5551234"}
        )
    await erasing


async def email_of_guest(gatehouse: Gatehouse) -> Any:
    found = await gatehouse.data('{ ticketRequest(by: {token: "guest"}) { references { email } } }')
    (reference,) = found["ticketRequest"]["references"]
    return reference["email"]


async def test_a_request_that_becomes_somebody_elses_meanwhile_is_left_to_them(gatehouse: Gatehouse) -> None:
    await change_while_erasing(gatehouse)
    assert await email_of_guest(gatehouse) == SOMEBODY_ELSE["email"]
    assert await keys_amiss(gatehouse.database) == set()


@pytest.mark.parametrize("template", ["postgresql"], indirect=True)
async def test_without_looking_again_under_the_lock_it_is_erased(
    gatehouse: Gatehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: what was read before the lock decides, and a key of what was written meanwhile stays behind."""

    async def as_they_were(write: Any, _person: Any, ids: list[int]) -> list[Any]:
        rows = await db.ticket_request.by_ids(write, ids, BEFORE_TIME)
        return [rows[request_id] for request_id in ids]

    monkeypatch.setattr(db.person, "lock_requests", as_they_were)
    await change_while_erasing(gatehouse)
    assert await email_of_guest(gatehouse) is None
    assert await keys_amiss(gatehouse.database) != set()


BATCHES = 8


async def requests_of_ada(database: Database) -> int:
    async with making(database) as make:
        shop = await make.client("shop", Role.WEB_STORE)
        await make.customer("C-ADA", shop, name="Ada Xlovelace", **ADA)
        for number in range(BATCHES * REQUESTS_AT_ONCE):
            await make.request(shop, f"token {number}", customer_no="C-ADA", phone=ADA["phone"])
    return BATCHES * REQUESTS_AT_ONCE


async def count(database: Database, table: str, condition: str) -> int:
    async with database.reading() as read:
        return int((await read.fetch(f"SELECT count(*) FROM {table} WHERE {condition}"))[0][0])


async def test_killed_in_the_middle_it_goes_on_where_it_was(database: Database, tmp_path: Path) -> None:
    """Every request is whole: erased with its event and its keys, or as it was. Asked again, the rest is erased."""
    everything = await requests_of_ada(database)
    async with Gatehouse(database) as gatehouse:
        key = await gatehouse.key()
        url = database.url.render_as_string(hide_password=False)
        asked = {"query": ERASE, "variables": {"input": {"person": {"customerNo": "C-ADA"}}}}
        with serving("serve", folder=tmp_path, DATABASE_URL=url) as served:
            async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=60) as http:
                asking = asyncio.create_task(http.post(f"{served.url}/graphql", json=asked))
                while not await count(database, "request_event", "kind = 'ERASED'"):  # noqa: ASYNC110 another process's
                    await asyncio.sleep(0.002)
                served.process.kill()
                with pytest.raises(httpx.TransportError):
                    await asking
        done = await count(database, "ticket_request", "phone IS NULL")
        assert 0 < done < everything
        assert done % REQUESTS_AT_ONCE == 0
        assert await count(database, "request_event", "kind = 'ERASED'") == done
        assert await keys_amiss(database) == set()
        assert (await erased(gatehouse, {"customerNo": "C-ADA"}))["requestCount"] == everything - done
        assert await count(database, "request_event", "kind = 'ERASED' AND request_id IS NOT NULL") == everything
        assert "99887766" not in await kept(database)
        assert await keys_amiss(database) == set()
