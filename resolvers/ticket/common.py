"""What changes of tickets begin with: finding the ticket, and the admission of it that is meant."""

from collections.abc import Iterable

import db
from db.admission import AdmissionRow
from db.engine import Read
from db.keys import key
from db.ticket import AccessEntryRow, IssuedTicketRow

from ..refusals import RefusalCode, Refusals
from ..texts import required

NOT_FOUND = "There is no such ticket."


async def find(read: Read, number: str, found: Refusals) -> IssuedTicketRow | None:
    """The ticket of that external number, as it was when nothing was locked yet; or NOT_FOUND is noted."""
    if not number:
        return None
    ticket = (await db.ticket.by_number_keys(read, [key(number)])).get(key(number))
    if ticket is None:
        found.add(RefusalCode.NOT_FOUND, NOT_FOUND, "externalTicketNo")
    return ticket


async def find_admission(read: Read, code: str, found: Refusals) -> AdmissionRow | None:
    """The admission of that code, or UNKNOWN_ADMISSION is noted."""
    if not code:
        return None
    admission = (await db.admission.by_keys(read, [key(code)])).get(key(code))
    if admission is None:
        found.add(RefusalCode.UNKNOWN_ADMISSION, f"There is no admission {code}.", "admissionCode")
    return admission


def entry_for(
    admission: AdmissionRow, entries: Iterable[AccessEntryRow], ticket: IssuedTicketRow, found: Refusals
) -> AccessEntryRow | None:
    """The ticket's access entry for that admission, or NOT_ON_TICKET is noted."""
    for entry in entries:
        if entry.admission_id == admission.id:
            return entry
    facts = {"admission_id": admission.id, "ticket_id": ticket.id}
    message = f"The ticket does not admit to {admission.description}."
    found.add(RefusalCode.NOT_ON_TICKET, message, "admissionCode", **facts)
    return None


def check_number(found: Refusals, given: str) -> str:
    """The external ticket number, trimmed; one that no ticket can have is noted as INVALID_INPUT."""
    return required(found, given, "externalTicketNo")
