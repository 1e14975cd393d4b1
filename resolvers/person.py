"""Erasing a person: e-mail, phone, name and what staff wrote go; numbers, amounts and what happened stay.

Source: domain.md, "The life of a request": nothing is deleted, a retention job may erase persons, never the skeleton.
Tokens, order, receipt, ticket and customer numbers and authorization codes are the skeleton.
"""

from dataclasses import dataclass

import db
from db.engine import Write
from db.keys import key
from db.person import Erased, Person, Words
from db.timeline import Event, RequestEventKind

from .context import Context
from .refusals import Outcome, RefusalCode, Refusals, Unchanged, refused
from .texts import NAME_LENGTH, NUMBER_LENGTH, required

REQUESTS_AT_ONCE = 200
"""In one transaction: nobody who sells or lets in waits for longer than that takes."""

NOTHING = Erased()


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseOutcome(Outcome):
    """What was taken out, or in a dry run would be."""

    erased: Erased = NOTHING


@dataclass(slots=True)
class _Work:
    """An erasure on its way: whose, what they are recognised by, and how far it has come."""

    person: Person
    words: Words
    erased: Erased = NOTHING
    after: int = 0
    scanned: frozenset[str] = frozenset()
    """What has been looked for among scans."""


async def erase(context: Context, name: str, value: str, is_dry_run: bool) -> EraseOutcome:
    """Erase the person behind a ``customer_no`` or an ``email``.

    By customer number: that customer, the requests that name it, and those that have its e-mail and name no customer.
    By e-mail: every customer and every request that has it, and the requests that name one of these customers. Some
    hundred requests at a time, each time in a transaction of its own that records ERASED for each of them, and the
    customers last: what was erased stays erased whatever ends it, and to ask again goes on where it ended. Again, there
    is nothing left to do, and nothing is recorded. What is said of the person afterwards is kept again.

    Refused: INVALID_INPUT, NOT_FOUND (of a customer number that neither the register nor a request has; of an e-mail
    nobody can tell whether it was there once).
    """
    found = Refusals()
    is_by_number = name == "customer_no"
    called, at_most = ("customerNo", NUMBER_LENGTH) if is_by_number else ("email", NAME_LENGTH)
    given = key(required(found, value, "person", called, at_most=at_most))
    found.check()
    async with context.reading() as read:
        find = db.person.of_number if is_by_number else db.person.of_email
        person = await find(read, given)
        if is_by_number and not await db.person.is_known(read, person):
            message = "No customer and no request has that number."
            raise refused(RefusalCode.NOT_FOUND, message, "person", "customerNo")
        customers = await db.customer.by_keys(read, person.customer_keys)
    emails = frozenset(person.email_keys)
    work = _Work(person, Words.of(list(customers.values()), Words(emails=emails, keys=emails)))
    if is_dry_run:
        async with context.writing() as write:
            while await _some_requests(context, write, work):
                pass
            await _customers(context, write, work)
            raise Unchanged(EraseOutcome(erased=work.erased))
    is_more = True
    while is_more:
        async with context.writing() as write:
            is_more = await _some_requests(context, write, work)
    async with context.writing() as write:
        await _customers(context, write, work)
    return EraseOutcome(erased=work.erased)


async def _some_requests(context: Context, write: Write, work: _Work) -> bool:
    """Erase the next requests; False if there are no more."""
    ids = await db.person.request_ids(write, work.person, work.after, REQUESTS_AT_ONCE)
    if not ids:
        return False
    work.after = ids[-1]
    requests = await db.person.lock_requests(write, work.person, ids)
    work.words = Words.of(requests, work.words)
    erased, touched = await db.person.erase_requests(write, requests, work.words)
    work.erased = work.erased.plus(erased)
    await _scanned(write, work)
    await _record(context, write, requests=touched)
    return True


async def _customers(context: Context, write: Write, work: _Work) -> None:
    """Erase the customers, whom everything else was found by."""
    rows = await db.person.lock_customers(write, work.person)
    work.words = Words.of(rows, work.words)
    now = await write.clock()
    erased, touched = await db.person.erase_customers(write, work.person, rows, work.words, now)
    work.erased = work.erased.plus(erased)
    await _scanned(write, work)
    await _record(context, write, customers=touched)


async def _scanned(write: Write, work: _Work) -> None:
    work.erased = work.erased.plus(await db.person.erase_scanned(write, work.words.keys - work.scanned))
    work.scanned = work.words.keys


async def _record(
    context: Context, write: Write, requests: set[int] | None = None, customers: set[int] | None = None
) -> None:
    """That personal data was erased, of each request or customer, and by whom; not which."""
    concerned = [
        *({"request_id": request_id} for request_id in sorted(requests or ())),
        *({"customer_id": customer_id} for customer_id in sorted(customers or ())),
    ]
    if not concerned:
        return
    now = await write.clock()
    actor = {"actor": context.actor.client, "client_id": context.actor.client_id}
    events = [Event(kind=RequestEventKind.ERASED, at=now, **actor, **of) for of in concerned]  # type: ignore[arg-type]
    await db.timeline.record(write, events, now)
