"""Changes from the customer's side: with the right code any ticket, and nobody learns which tickets and codes are."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from resolvers import ticket
from tests.changes import MOVE, MOVE_ALL, REVOKE, REVOKE_ALL
from tests.concurrency import books
from tests.harness import Gatehouse
from tests.kept import kept
from tests.park import Park, Sellable, codes

Payload = dict[str, Any]
Ask = Callable[..., Awaitable[Payload]]

WRONG = ["WRONG_AUTHORIZATION_CODE"]


@pytest.fixture
def park(gatehouse: Gatehouse) -> Park:
    return Park(gatehouse)


@pytest.fixture
async def tour(park: Park) -> Sellable:
    return await park.sellable(capacity=20, reschedulePolicy="UNTIL_USED")


def revoking(park: Park, **other: Any) -> Ask:
    """Revoke a ticket from the customer's side."""

    async def ask(number: str, **said: Any) -> Payload:
        return await park.change_ticket("Revoke", number, **{"role": "WEB_STORE", "selection": REVOKE, **other, **said})

    return ask


def revoking_all(park: Park) -> Ask:
    """Revoke a request from the customer's side."""

    async def ask(token: str, **said: Any) -> Payload:
        return await park.change("Revoke", token, **{"role": "WEB_STORE", "selection": REVOKE_ALL, **said})

    return ask


def moving(park: Park, tour: Sellable) -> Ask:
    """Move a ticket from the customer's side."""

    async def ask(number: str, **said: Any) -> Payload:
        to = tour.slots[sorted(tour.slots)[5]]
        asked = {"role": "WEB_STORE", "selection": MOVE, "admissionCode": "TOUR", "slotId": to, **said}
        return await park.change_ticket("Reschedule", number, **asked)

    return ask


def moving_all(park: Park, tour: Sellable) -> Ask:
    """Move a request from the customer's side."""

    async def ask(token: str, **said: Any) -> Payload:
        to = tour.slots[sorted(tour.slots)[5]]
        asked = {"role": "WEB_STORE", "selection": MOVE_ALL, "admissionCode": "TOUR", "slotId": to, **said}
        return await park.change("Reschedule", token, **asked)

    return ask


async def code_of(park: Park, token: str) -> str:
    found: str = (await park.request(token, "authorizationCode"))["authorizationCode"]
    return found


async def attempts(park: Park) -> int:
    return await books.count(park.gatehouse.database, "code_attempt")


async def test_the_right_code_changes_any_ticket(park: Park, tour: Sellable) -> None:
    """Sold at a POS or by another store; what is not one's own to see is not shown all the same."""
    for role in ("POS", "ADMIN", "WEB_STORE"):
        token, (number, other) = await park.sold(tour.line(2), role=role)
        code = await code_of(park, token)
        payload = await moving(park, tour)(number, authorizationCode=code)
        assert payload["outcome"]["externalTicketNo"] == number
        assert (payload["ticket"] is None) is (role != "WEB_STORE")
        payload = await moving_all(park, tour)(token, authorizationCode=code)
        assert [one["externalTicketNo"] for one in payload["outcomes"]] == [number, other]
        assert (payload["ticketRequest"] is None) is (role != "WEB_STORE")
        payload = await revoking(park)(number, authorizationCode=f"  {code} ")
        assert (payload["refusals"], payload["refund"]["amount"]) == ([], "12.50")
        assert (payload["ticket"] is None) is (role != "WEB_STORE")
        assert (await park.ticket(number, "isRevoked"))["isRevoked"] is True
        payload = await revoking_all(park)(token.lower(), authorizationCode=code)
        assert (payload["refusals"], payload["refund"]["amount"]) == ([], "12.50")
        assert (payload["ticketRequest"] is None) is (role != "WEB_STORE")
        assert (await park.ticket(other, "isRevoked"))["isRevoked"] is True
    assert await attempts(park) == 0


async def test_staff_is_never_asked_for_a_code(park: Park, tour: Sellable) -> None:
    for role in ("ADMIN", "SUPPORT", "POS"):
        _, (number,) = await park.sold(tour.line())
        assert codes(await moving(park, tour)(number, role=role, authorizationCode="wrong")) == []
        assert codes(await revoking(park)(number, role=role, authorizationCode="wrong")) == []
    assert await attempts(park) == 0


async def test_a_wrong_code_and_what_is_not_there_answer_alike(park: Park, tour: Sellable) -> None:
    """To the word, with as many statements, counted alike; also for what is one's own, and when it was revoked."""
    token, (own, revoked) = await park.sold(tour.line(2))
    _, (others,) = await park.sold(tour.line(), role="ADMIN")
    await revoking(park)(revoked, role="ADMIN")
    before = await kept(park.gatehouse)
    tickets, tokens = (own, others, revoked, "NOBODY'S"), (token, "NOBODY'S")
    for ask, names, invalid in (
        (revoking(park), tickets, {"reason": "x" * 1001}),
        (revoking_all(park), tokens, {"reason": "x" * 1001}),
        (moving(park, tour), tickets, {"admissionCode": " "}),
        (moving_all(park, tour), tokens, {"admissionCode": " "}),
    ):
        answers: list[Payload] = []
        statements: list[list[str]] = []
        for name in names:
            answers.append(await ask(name, authorizationCode="0000-000", **invalid))
            answers.append(await ask(name, authorizationCode="0000-000"))
            statements.append(list(park.gatehouse.statements))
            answers.append(await ask(name))
        assert answers == answers[:3] * len(names)
        assert statements == statements[:1] * len(names)
        assert [codes(answer) for answer in answers[:3]] == [["INVALID_INPUT", *WRONG], WRONG, WRONG]
        assert not any(value for name, value in answers[1].items() if name != "refusals")
    after = await kept(park.gatehouse)
    assert {name for name in before if before[name] != after[name]} == {"code_attempt"}
    assert len(after["code_attempt"]) == 24


async def test_after_five_wrong_codes_an_hour_not_even_the_right_one_is_taken(park: Park, tour: Sellable) -> None:
    """Of that ticket, in whatever case; dry runs count, and staff goes on. The same for what is not there."""
    token, (number, other) = await park.sold(tour.line(2))
    code = await code_of(park, token)
    revoke = revoking(park)
    for name in (number, "NOBODY'S"):
        for i in range(5):
            assert codes(await revoke(name.lower(), authorizationCode=f"{i}", dryRun=i % 2 == 0)) == WRONG
            park.gatehouse.travel(timedelta(minutes=1))
    refused = [await revoke(name, authorizationCode=code) for name in (number, "NOBODY'S")]
    moments = [payload["refusals"][0].pop("passesFrom") for payload in refused]
    assert refused[0] == refused[1]
    (refusal,) = refused[0]["refusals"]
    assert (refusal["code"], refusal["limit"], refusal["actual"]) == (*WRONG, 5, 5)
    assert moments[0] < moments[1]
    assert await attempts(park) == 10  # what is not even compared is no attempt
    assert codes(await revoke(other, authorizationCode=code, dryRun=True)) == []
    assert codes(await revoke(number, role="POS", dryRun=True)) == []
    park.gatehouse.travel(timedelta(minutes=60 - 10) - timedelta(seconds=30))
    assert codes(await revoke(number, authorizationCode=code, dryRun=True)) == WRONG
    park.gatehouse.travel(timedelta(seconds=45))
    assert codes(await revoke(number, authorizationCode="wrong again")) == WRONG
    assert codes(await revoke(number, authorizationCode=code, dryRun=True)) == WRONG
    park.gatehouse.travel(timedelta(minutes=1))
    assert codes(await revoke(number, authorizationCode=code)) == []


async def test_a_code_does_not_open_another_request(park: Park, tour: Sellable) -> None:
    token, (number,) = await park.sold(tour.line())
    _, (other,) = await park.sold(tour.line())
    assert codes(await revoking(park)(other, authorizationCode=await code_of(park, token))) == WRONG
    assert codes(await revoking(park)(number, authorizationCode=await code_of(park, token))) == []


async def test_attempts_that_count_no_more_are_dropped(park: Park, tour: Sellable) -> None:
    for _ in range(2):
        assert codes(await revoking(park)("NOBODY'S", authorizationCode="1")) == WRONG
        park.gatehouse.travel(timedelta(minutes=31))
    await ticket.forget(park.gatehouse.database)
    assert await attempts(park) == 1


async def test_what_staff_has_blocked_a_customer_does_not_give_back(park: Park, tour: Sellable) -> None:
    """Neither a blocked ticket nor one that is blocked for an admission; staff decides for itself."""
    for said, code in (({}, "TICKET_BLOCKED"), ({"admissionCode": "TOUR"}, "ACCESS_BLOCKED")):
        token, (number, _) = await park.sold(tour.line(2))
        await park.change_ticket("Block", number, reason="Charged back.", **said)
        right = await code_of(park, token)
        before = await kept(park.gatehouse)
        assert codes(await revoking(park)(number, authorizationCode=right)) == [code]
        assert codes(await revoking_all(park)(token, authorizationCode=right)) == [code]
        assert await kept(park.gatehouse) == before
        assert codes(await revoking(park)(number, role="POS")) == []
