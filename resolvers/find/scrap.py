"""What a scrap may be, and how close a value comes to it. Pure: the same rules find, sort and explain.

Source: domain.md, "Finding out". A value that says the same as the scrap is an exact hit, whatever its field ignores:
case everywhere, leading zeros in a receipt number, accents in a name, punctuation in a phone number.
"""

import unicodedata
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from db.find import Lookup
from db.keys import key, phone_key
from db.search_key import (
    KEY_LENGTH,
    SearchKind,
    digits,
    email_parts,
    loose,
    name_parts,
    skeleton,
    without_zeros,
    words,
)

PHONE_DIGITS = 4
"""Fewer last digits are too many people's."""


class FindField(StrEnum):
    """Which value of a hit it was; the earlier, the likelier meant."""

    TOKEN = "TOKEN"
    EXTERNAL_ORDER_NO = "EXTERNAL_ORDER_NO"
    RECEIPT_NO = "RECEIPT_NO"
    EXTERNAL_TICKET_NO = "EXTERNAL_TICKET_NO"
    TICKET_NO = "TICKET_NO"
    AUTHORIZATION_CODE = "AUTHORIZATION_CODE"
    PAYMENT_REFERENCE = "PAYMENT_REFERENCE"
    CUSTOMER_NO = "CUSTOMER_NO"
    EMAIL = "EMAIL"
    PHONE = "PHONE"
    NAME = "NAME"


FIELDS: dict[SearchKind, FindField] = {
    SearchKind.REQUEST_TOKEN: FindField.TOKEN,
    SearchKind.REQUEST_CODE: FindField.AUTHORIZATION_CODE,
    SearchKind.REQUEST_ORDER_NO: FindField.EXTERNAL_ORDER_NO,
    SearchKind.REQUEST_RECEIPT_NO: FindField.RECEIPT_NO,
    SearchKind.REQUEST_TICKET_NO: FindField.EXTERNAL_TICKET_NO,
    SearchKind.REQUEST_PAYMENT: FindField.PAYMENT_REFERENCE,
    SearchKind.REQUEST_CUSTOMER_NO: FindField.CUSTOMER_NO,
    SearchKind.REQUEST_EMAIL: FindField.EMAIL,
    SearchKind.REQUEST_PHONE: FindField.PHONE,
    SearchKind.REQUEST_NAME: FindField.NAME,
    SearchKind.TICKET_EXTERNAL_NO: FindField.EXTERNAL_TICKET_NO,
    SearchKind.TICKET_NO: FindField.TICKET_NO,
    SearchKind.CUSTOMER_NO: FindField.CUSTOMER_NO,
    SearchKind.CUSTOMER_EMAIL: FindField.EMAIL,
    SearchKind.CUSTOMER_PHONE: FindField.PHONE,
    SearchKind.CUSTOMER_NAME: FindField.NAME,
}


class Closeness(IntEnum):
    """How a value matches; the less, the better."""

    SAME = 0
    """To the letter, case ignored."""

    ALIKE = 1
    """But for what the field ignores."""

    MISREAD = 2
    """But for O and 0, I, l and 1, or for what stands between its parts."""

    BEGINNING = 3
    """It begins so; of a phone number: it ends so."""

    INSIDE = 4
    """A part of it begins so, at a boundary."""

    @property
    def is_exact(self) -> bool:
        return self <= Closeness.ALIKE


@dataclass(frozen=True, slots=True)
class Scrap:
    """What a guest can offer, in every form in which it may be looked up; a form that makes no sense is empty."""

    key: str
    skeleton: str
    loose: str
    digits: str
    email: str
    name: str
    phone: str

    @classmethod
    def of(cls, text: str) -> "Scrap":
        """Trimmed, and without characters that have no shape: they come along when somebody copies."""
        shown = "".join(c for c in text if unicodedata.category(c) != "Cf")
        email, name = email_parts(shown), words(shown)
        is_phone = not any(c.isalpha() for c in shown)
        phone = (phone_key(shown) or "") if is_phone else ""
        return cls(
            key=key(shown),
            skeleton=skeleton(shown),
            loose=loose(shown),
            digits=digits(shown),
            email=_from_first_word(shown) if email else "",
            name=" ".join(name),
            phone=phone if len(phone) >= PHONE_DIGITS else "",
        )

    @property
    def phone_ends(self) -> list[str]:
        """The last digits to look for: as they are, and without the zeros that a number has only inside its country."""
        national = self.phone.lstrip("0")
        return list(dict.fromkeys(d for d in (self.phone, national) if len(d) >= PHONE_DIGITS))


def _from_first_word(text: str) -> str:
    """Without punctuation in front, so that ``@example.com`` is part of an e-mail from a boundary."""
    whole = key(text)
    return whole[min((whole.index(c) for c in whole if unicodedata.category(c)[0] not in "ZPC"), default=0) :]


def lookups(kind: SearchKind, scrap: Scrap, client_id: int | None) -> tuple[list[Lookup], list[Lookup]]:
    """How values of that kind are looked up: among the numbers that are kept whole, and among the search keys.

    ``client_id``: only of what is that client's.
    """
    whole = [Lookup(kind, form, False, client_id) for form in dict.fromkeys((scrap.key, scrap.skeleton))]
    match FIELDS[kind]:
        case FindField.EMAIL:
            return [], _parts(kind, [scrap.email], client_id)
        case FindField.NAME:
            return [], _parts(kind, [scrap.name], client_id)
        case FindField.PHONE:
            return [], _parts(kind, [end[::-1] for end in scrap.phone_ends], client_id)
        case FindField.EXTERNAL_ORDER_NO:
            return whole, _parts(kind, [scrap.loose], client_id)
        case FindField.RECEIPT_NO:
            return whole, _whole(kind, without_zeros(scrap.loose), client_id)
        case FindField.TICKET_NO:
            return whole, []
        case _:
            return whole, _whole(kind, scrap.skeleton, client_id)


def _parts(kind: SearchKind, forms: list[str], client_id: int | None) -> list[Lookup]:
    return [Lookup(kind, form[:KEY_LENGTH], True, client_id) for form in forms if form]


def _whole(kind: SearchKind, form: str, client_id: int | None) -> list[Lookup]:
    return [Lookup(kind, form[:KEY_LENGTH], False, client_id)] if form else []


def closeness(field: FindField, scrap: Scrap, value: str) -> Closeness | None:
    """How the value matches the scrap as a value of that field; None: it does not."""
    whole = key(value)
    form = {FindField.EMAIL: scrap.email, FindField.NAME: scrap.name, FindField.PHONE: scrap.phone}.get(
        field, scrap.key
    )
    if not form:
        return None
    if whole == scrap.key:
        return Closeness.SAME
    match field:
        case FindField.EMAIL:
            return _beginning(form, email_parts(value), whole)
        case FindField.NAME:
            parts = name_parts(value)
            return Closeness.ALIKE if parts and parts[0] == form else _beginning(form, parts, "")
        case FindField.PHONE:
            return _phone(scrap, phone_key(value) or "")
        case FindField.EXTERNAL_ORDER_NO:
            return _order(scrap, value)
        case FindField.RECEIPT_NO:
            return _receipt(scrap, value, whole)
        case _:
            return Closeness.MISREAD if skeleton(value) == scrap.skeleton else None


def _beginning(form: str, parts: list[str], whole: str) -> Closeness | None:
    if whole.startswith(form) or (parts and parts[0].startswith(form)):
        return Closeness.BEGINNING
    return Closeness.INSIDE if any(part.startswith(form) for part in parts) else None


def _phone(scrap: Scrap, number: str) -> Closeness | None:
    if number == scrap.phone:
        return Closeness.ALIKE
    if number.endswith(scrap.phone):
        return Closeness.BEGINNING
    return Closeness.INSIDE if any(number.endswith(end) for end in scrap.phone_ends) else None


def _order(scrap: Scrap, value: str) -> Closeness | None:
    if not scrap.loose:
        return None
    parts = [loose(part) for part in name_parts(value)]
    if parts and parts[0] == scrap.loose:
        return Closeness.MISREAD
    return _beginning(scrap.loose, [*parts, digits(value)], "")


def _receipt(scrap: Scrap, value: str, whole: str) -> Closeness | None:
    if without_zeros(whole) == without_zeros(scrap.key):
        return Closeness.ALIKE
    if not scrap.loose:
        return None
    if without_zeros(loose(value)) == without_zeros(scrap.loose):
        return Closeness.MISREAD
    return Closeness.INSIDE if without_zeros(digits(value)) == without_zeros(scrap.loose) else None
