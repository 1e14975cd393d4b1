"""The hint: when nothing was found, what the scrap looks like, what comes near it, and what to try instead."""

from datetime import datetime
from difflib import SequenceMatcher

import db
from db.engine import Read
from db.find import Lookup
from db.keys import key
from db.search_key import KEY_LENGTH, SearchKind, email_parts, loose, name_parts

from .. import visibility
from ..context import Context
from ..policy import Extent, Permission
from ..texts import NAME_LENGTH
from .reach import Node, Personal, reach, values
from .scrap import FIELDS, PHONE_DIGITS, FindField, Scrap

NOTHING_GIVEN = (
    "Nothing was given to look for. Type anything the guest can offer: an order, receipt or ticket number, a part of a "
    "name or e-mail, or the last four digits of a phone number."
)

NEAR = 0.8
"""How alike two texts must be, from 0 to 1, for one to be taken as a slip for the other: one or two letters of ten."""

BESIDE = 3
"""How many values are looked at on either side of where the scrap would stand."""

SHORTEST = 4
"""Characters below which everything is near everything."""

_NUMBERS = (
    SearchKind.REQUEST_TOKEN,
    SearchKind.REQUEST_ORDER_NO,
    SearchKind.REQUEST_RECEIPT_NO,
    SearchKind.REQUEST_PAYMENT,
    SearchKind.REQUEST_CUSTOMER_NO,
    SearchKind.TICKET_EXTERNAL_NO,
    SearchKind.CUSTOMER_NO,
)
_CALLED = {
    FindField.TOKEN: "token",
    FindField.EXTERNAL_ORDER_NO: "order number",
    FindField.RECEIPT_NO: "receipt number",
    FindField.EXTERNAL_TICKET_NO: "ticket number",
    FindField.PAYMENT_REFERENCE: "payment reference",
    FindField.CUSTOMER_NO: "customer number",
    FindField.EMAIL: "e-mail",
    FindField.NAME: "name",
}


def too_long(length: int) -> str:
    """Nothing is looked up, because nothing that long is kept."""
    return (
        f"This has {length} characters, and nothing that is searched has more than {NAME_LENGTH}. Try a part of it: a "
        "number, a name, an e-mail."
    )


async def of(context: Context, read: Read, scrap: Scrap, personal: Personal) -> tuple[str, Node | None]:
    """What to say of a scrap that was not found, and whose personal data that repeats, if anybody's."""
    quoted = None
    kind, advice = _looks_like(scrap)
    told = [f"Nothing is found for this. It looks like {kind}."]
    told += await _known_otherwise(context, read, scrap)
    if near := await _near(context, read, scrap, personal):
        field, value, node = near
        quoted = node if field in personal else None
        told.append(f"Close to it is the {_CALLED[field]} {value}.")
    told.append(advice)
    told += _reach(context)
    return " ".join(told), quoted


def _looks_like(scrap: Scrap) -> tuple[str, str]:
    """What kind of thing it is, and what to try."""
    if "@" in scrap.key:
        return (
            "an e-mail",
            "Try what stands before the @, the guest's name, or the last four digits of the phone number: the e-mail "
            "may have been mistyped when it was given.",
        )
    number = len(scrap.digits)
    has_letters = any(c.isalpha() for c in scrap.key)
    if not has_letters and number >= 7 and any(c in scrap.key for c in "+ ()/"):
        return "a phone number", f"Try its last {PHONE_DIGITS} digits, or the guest's name or e-mail."
    if not has_letters and 0 < number < PHONE_DIGITS:
        return (
            "the end of a number",
            f"Of a phone number at least the last {PHONE_DIGITS} digits are needed; other numbers are found whole, and "
            "order numbers from any of their parts.",
        )
    if number:
        return (
            "a number: of an order, a receipt, a ticket, a payment or a customer",
            "Look at it again, digit by digit, and try a part of it; or the guest's name, e-mail or phone number. An "
            "order that never reached us is in the shop's books only.",
        )
    if has_letters:
        return (
            "a name, or a part of an e-mail",
            "Try one word of it, the beginning of it, or another spelling; or a number: of the order, the receipt, the "
            "ticket.",
        )
    return "punctuation only", "Try a number, a part of a name or e-mail, or the last digits of a phone number."


async def _known_otherwise(context: Context, read: Read, scrap: Scrap) -> list[str]:
    """What is known of the number although there is no request and no ticket of it."""
    told = []
    orders = await db.sales_order.newest_by_order_keys(read, [scrap.key], where=visibility.registers(context))
    for order in orders.values():
        standing = f", as {order.document_status}" if order.document_status else ""
        told.append(
            f"The register has the sales order {order.external_order_no}{standing}, but no ticket request came of it."
        )
    if context.extent(Permission.READ_SCANS) is Extent.ALL:
        scan = await db.find.last_unknown_scan(read, scrap.key)
        if scan is not None:
            told.append(_scanned(*scan))
    return told


def _scanned(at: datetime, gate: str | None) -> str:
    where = f" at {gate}" if gate else ""
    return f"It was scanned{where} at {at:%Y-%m-%d %H:%M} UTC, and no ticket had that number."


async def _near(context: Context, read: Read, scrap: Scrap, personal: Personal) -> tuple[FindField, str, Node] | None:
    """The value that is most like the scrap, of those that stand beside it or share a part with it."""
    if len(scrap.loose) < SHORTEST:
        return None
    reached = reach(context, personal)
    beside, sharing = [], []
    for kind, client_id in reached.items():
        if kind in _NUMBERS:
            beside.append(Lookup(kind, scrap.key))
        beside += [Lookup(kind, form[:KEY_LENGTH], True, client_id) for form in _part_forms(kind, scrap)]
        sharing += [Lookup(kind, form[:KEY_LENGTH], False, client_id) for form in _shared_forms(kind, scrap)]
    leads = [*await db.find.neighbours(read, beside, BESIDE), *await db.find.keys(read, sharing, BESIDE)]
    found = [
        (_likeness(FIELDS[lead.kind], scrap, value), FIELDS[lead.kind], value, node)
        for lead, node, value in await values(context, read, leads, personal)
    ]
    near = max(found, key=lambda one: one[0], default=None)
    return near[1:] if near is not None and near[0] >= NEAR else None


def _part_forms(kind: SearchKind, scrap: Scrap) -> list[str]:
    """Where the scrap would stand among the search keys of that kind."""
    match FIELDS[kind]:
        case FindField.EXTERNAL_ORDER_NO:
            return [scrap.loose]
        case FindField.EMAIL:
            return [scrap.email] if "@" in scrap.email else []
        case FindField.NAME:
            return name_parts(scrap.name) if not scrap.digits and "@" not in scrap.key else []
        case _:
            return []


def _shared_forms(kind: SearchKind, scrap: Scrap) -> list[str]:
    """Parts of the scrap that the right value may share: what follows the slip."""
    match FIELDS[kind]:
        case FindField.EMAIL if "@" in scrap.email:
            return [part for part in email_parts(scrap.email)[1:] if "@" in part]
        case FindField.NAME if not scrap.digits:
            return name_parts(scrap.name)[1:]
        case _:
            return []


def _likeness(field: FindField, scrap: Scrap, value: str) -> float:
    match field:
        case FindField.EMAIL:
            pairs = [(scrap.email, key(value))]
        case FindField.NAME:
            pairs = [(scrap.name, part) for part in name_parts(value)]
        case _:
            pairs = [(scrap.loose, loose(value))]
    return max((SequenceMatcher(None, ours, theirs, autojunk=False).ratio() for ours, theirs in pairs), default=0.0)


def _reach(context: Context) -> list[str]:
    """What was not searched, because it is not the caller's to see."""
    if context.extent(Permission.READ_REQUESTS) is Extent.OWN:
        return ["Only your own sales and customers were searched."]
    if context.extent(Permission.READ_PERSONAL) is Extent.OWN:
        return ["Names, e-mails, phone numbers and authorization codes were searched in your own sales only."]
    return []
