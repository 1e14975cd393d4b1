"""Search keys: the forms under which a number, a name, an e-mail or a phone is found by a part of it.

Every form is a row of one table, whose b-trees serve equality and "begins with" alike on SQLite and PostgreSQL: a part
from a word or punctuation boundary is what begins at that boundary, a phone's last digits begin it backwards. Numbers
that are found whole stand under their keys in the tables of their own; here is only how else they are read: with
leading zeros or without, and with O for 0 or I and l for 1, by a skeleton in which these are one.

Rows are written by the functions that write what they are made from, in the same transaction, and have no foreign keys:
they can be made again from that at any time. What a key leads to must still be compared with the value itself
(``resolvers.find``): keys are cut, and a skeleton says less than the number.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import IntEnum
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)

from .base import BigId, metadata
from .engine import Write
from .keys import key, phone_key
from .together import ChangeOfEach, NewRows, Step, change_each, make

KEY_LENGTH = 64
"""A key's most characters: longer than nearly all that it is made from, and short enough for any index."""


class SearchKind(IntEnum):
    """Whose form a row is: of a request, a ticket or a customer, and of which of its values."""

    REQUEST_TOKEN = 1
    REQUEST_CODE = 2
    REQUEST_ORDER_NO = 3
    REQUEST_RECEIPT_NO = 4
    REQUEST_TICKET_NO = 5
    REQUEST_PAYMENT = 6
    REQUEST_CUSTOMER_NO = 7
    REQUEST_EMAIL = 8
    REQUEST_PHONE = 9
    REQUEST_NAME = 10
    TICKET_EXTERNAL_NO = 11
    TICKET_NO = 12
    CUSTOMER_NO = 13
    CUSTOMER_EMAIL = 14
    CUSTOMER_PHONE = 15
    CUSTOMER_NAME = 16


search_key = Table(
    "search_key",
    metadata,
    Column("row_id", BigId, nullable=False),
    Column("client_id", BigId, nullable=False, comment="whose value it is"),
    Column("kind", SmallInteger, nullable=False),
    Column("key", Text().with_variant(Text(collation="C"), "postgresql"), nullable=False),
    PrimaryKeyConstraint("kind", "key", "row_id"),
    Index(None, "client_id", "kind", "key", "row_id"),
    sqlite_with_rowid=False,
)


class SearchKeyRow(NamedTuple):
    """As it stands in the table; the order is that of its columns."""

    row_id: int
    client_id: int
    kind: int
    key: str


# ------------------------------------------------------------------------------------------------- forms

_CONFUSABLE = str.maketrans({"o": "0", "i": "1", "l": "1"})
_LETTERS = str.maketrans(
    {"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "\u0131": "i", "ŧ": "t"}
)
"""Letters with a stroke or two letters in one, which Unicode does not take apart and keyboards elsewhere lack."""

_ZEROS = re.compile(r"(?<!\d)0+(?=\d)", re.ASCII)


def skeleton(text: str) -> str:
    """A key in which what is mixed up on paper is one: O and 0; I, l and 1."""
    return key(text).translate(_CONFUSABLE)


def without_zeros(text: str) -> str:
    """Each number in it without its leading zeros."""
    return _ZEROS.sub("", text)


def digits(text: str) -> str:
    """Its digits alone."""
    return "".join(c for c in key(text) if c in "0123456789")


@lru_cache(maxsize=4096)
def _is_boundary(character: str) -> bool:
    return unicodedata.category(character)[0] in "ZPC"


def words(text: str) -> list[str]:
    """What stands between blanks and punctuation, case and accents ignored; symbols and emoji are as good as letters.

    Marks and characters without a shape (joiners, directions) are left out, they part no words.
    """
    folded = key(text).translate(_LETTERS)
    if not folded.isascii():
        apart = unicodedata.normalize("NFKD", folded)
        folded = "".join(c for c in apart if unicodedata.category(c) not in ("Mn", "Cf")).casefold()
    return "".join(" " if _is_boundary(c) else c for c in folded).split()


def _from_each(parts: Sequence[str], glue: str) -> Iterable[str]:
    return (glue.join(parts[start:]) for start in range(len(parts)))


def loose(text: str) -> str:
    """The skeleton of its letters and digits alone: how a number reads whatever stands between its parts."""
    return "".join(words(text)).translate(_CONFUSABLE)


def _order_forms(text: str) -> Iterable[str]:
    yield from _from_each([word.translate(_CONFUSABLE) for word in words(text)], "")
    yield digits(text)


def _receipt_forms(text: str) -> Iterable[str]:
    return without_zeros(loose(text)), without_zeros(digits(text))


def _code_forms(text: str) -> Iterable[str]:
    """Nothing where the skeleton is the key, which has a column of its own."""
    found = skeleton(text)
    return () if found == key(text) else (found,)


def email_parts(text: str) -> list[str]:
    """From each boundary to the end; but for its last label, in which too many e-mails are the same."""
    whole = key(text)
    starts = [
        place
        for place, character in enumerate(whole)
        if not _is_boundary(character) and (not place or _is_boundary(whole[place - 1]))
    ]
    if len(starts) > 1 and whole[starts[-1] - 1] == ".":
        starts.pop()
    return [whole[start:] for start in starts]


def name_parts(text: str) -> list[str]:
    """From each word to the end."""
    return list(_from_each(words(text), " "))


def _phone_forms(text: str) -> Iterable[str]:
    return ((phone_key(text) or "")[::-1],)


_FORMS: Mapping[SearchKind, Callable[[str], Iterable[str]]] = {
    SearchKind.REQUEST_TOKEN: _code_forms,
    SearchKind.REQUEST_CODE: _code_forms,
    SearchKind.REQUEST_ORDER_NO: _order_forms,
    SearchKind.REQUEST_RECEIPT_NO: _receipt_forms,
    SearchKind.REQUEST_TICKET_NO: lambda text: (skeleton(text),),
    SearchKind.REQUEST_PAYMENT: _code_forms,
    SearchKind.REQUEST_CUSTOMER_NO: _code_forms,
    SearchKind.REQUEST_EMAIL: email_parts,
    SearchKind.REQUEST_PHONE: _phone_forms,
    SearchKind.REQUEST_NAME: name_parts,
    SearchKind.TICKET_EXTERNAL_NO: _code_forms,
    SearchKind.TICKET_NO: lambda text: (),
    SearchKind.CUSTOMER_NO: _code_forms,
    SearchKind.CUSTOMER_EMAIL: email_parts,
    SearchKind.CUSTOMER_PHONE: _phone_forms,
    SearchKind.CUSTOMER_NAME: name_parts,
}

OF_REQUEST: Mapping[str, SearchKind] = {
    "token": SearchKind.REQUEST_TOKEN,
    "authorization_code": SearchKind.REQUEST_CODE,
    "external_order_no": SearchKind.REQUEST_ORDER_NO,
    "receipt_no": SearchKind.REQUEST_RECEIPT_NO,
    "payment_reference": SearchKind.REQUEST_PAYMENT,
    "customer_no": SearchKind.REQUEST_CUSTOMER_NO,
    "email": SearchKind.REQUEST_EMAIL,
    "phone": SearchKind.REQUEST_PHONE,
    "ticket_holder_name": SearchKind.REQUEST_NAME,
}
OF_TICKET: Mapping[str, SearchKind] = {"external_ticket_no": SearchKind.TICKET_EXTERNAL_NO}
OF_CUSTOMER: Mapping[str, SearchKind] = {
    "customer_no": SearchKind.CUSTOMER_NO,
    "email": SearchKind.CUSTOMER_EMAIL,
    "phone": SearchKind.CUSTOMER_PHONE,
    "name": SearchKind.CUSTOMER_NAME,
}
"""The columns that are searched by a part, or by how else they are read; internal ticket numbers have but one form."""


def forms(kind: SearchKind, text: str | None) -> set[str]:
    """The keys of a value: none of nothing, else every form, cut to ``KEY_LENGTH``."""
    if not text:
        return set()
    return {form[:KEY_LENGTH] for form in _FORMS[kind](text)} - {""}


def rows(
    columns: Mapping[str, SearchKind], row_id: int, client_id: int, values: Mapping[str, Any]
) -> list[SearchKeyRow]:
    """The keys of a row, made from its values of these columns."""
    return [
        SearchKeyRow(row_id, client_id, kind.value, form)
        for name, kind in columns.items()
        if (value := values.get(name))
        for form in forms(kind, value)
    ]


# ------------------------------------------------------------------------------------------------ writing


async def add(write: Write, keys: Sequence[SearchKeyRow]) -> None:
    """Write keys down; those that are there already stay."""
    await make(write, adding(keys))


def adding(keys: Sequence[SearchKeyRow]) -> NewRows:
    """The step of ``add``."""
    return NewRows(search_key, [key._asdict() for key in keys], or_kept=True)


async def change(
    write: Write,
    columns: Mapping[str, SearchKind],
    row_id: int,
    client_id: int,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    """Bring the keys of a locked row from what its columns were to what they are.

    A value that is gone leaves no key behind: it may be a person's.
    """
    await make(write, *changing(write, columns, [Changed(row_id, client_id, before, after)]))


class Changed(NamedTuple):
    """A locked row, and what its columns were and are."""

    row_id: int
    client_id: int
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def changing(write: Write, columns: Mapping[str, SearchKind], changes: Iterable[Changed]) -> list[Step]:
    """The steps of ``change``, of several rows."""
    old, new = set[SearchKeyRow](), set[SearchKeyRow]()
    for row_id, client_id, before, after in changes:
        old.update(rows(columns, row_id, client_id, before))
        new.update(rows(columns, row_id, client_id, after))
    return [adding(sorted(new - old)), *dropping(write, sorted(old - new))]


def dropping(write: Write, keys: Sequence[SearchKeyRow]) -> list[Step]:
    """The steps that take keys away: none if there are none."""
    gone = [{"of_row": row.row_id, "of_kind": row.kind, "of_key": row.key} for row in keys]
    return [change_each(write, _DROP, gone)] if gone else []


_DROP = ChangeOfEach(
    {"of_row": BigInteger(), "of_kind": SmallInteger(), "of_key": Text()},
    lambda given: search_key.delete().where(
        search_key.c.row_id == given.of_row, search_key.c.kind == given.of_kind, search_key.c.key == given.of_key
    ),
)


def beyond(prefix: str) -> str:
    """A text above everything that begins so, by code points."""
    for place in range(len(prefix) - 1, -1, -1):
        point = ord(prefix[place]) + 1
        if point == 0xD800:
            point = 0xE000  # no text has surrogates
        if point <= 0x10FFFF:
            return prefix[:place] + chr(point)
    return prefix + chr(0x10FFFF) * KEY_LENGTH
