"""The customer register: what the shops and the ERP know of a guest."""

from collections.abc import Mapping

import db
from db.keys import key

from .context import Context
from .refusals import Outcome, Refusals
from .texts import NAME_LENGTH, NUMBER_LENGTH, required, text

_BOUNDS = {"name": NAME_LENGTH, "email": NAME_LENGTH, "phone": NUMBER_LENGTH}


async def upsert(context: Context, customer_no: str, given: Mapping[str, str | None]) -> Outcome:
    """Write what was given of name, email and phone; what was not given stays, None and blank clear.

    Whoever may write registers may write any entry; who wrote it first decides who sees it, so the outcome of a web
    store's may be an entry that is not shown to it. E-mails are kept as the shop has them: they need be neither unique
    nor well formed, because nothing is sent from here.
    """
    found = Refusals()
    number = required(found, customer_no, "customerNo")
    values = {name: text(found, value, name, at_most=_BOUNDS[name]) for name, value in given.items()}
    async with context.writing() as write:
        if found.found:
            existing = (await db.customer.by_keys(write, [key(number)])).get(key(number))
            found.check(row_id=existing.id if existing else None)
        row = await db.customer.upsert(write, number, values, context.actor.client_id, await write.clock())
    return Outcome(row_id=row.id)
