"""The search: where a scrap leads, what is there, and which of it comes first."""

from collections.abc import Sequence
from dataclasses import dataclass

import db
from db.customer import CustomerRow
from db.engine import Read
from db.find import Lookup
from db.ticket import IssuedTicketRow
from db.ticket_request import TicketRequestRow

from ..context import Context
from ..texts import NAME_LENGTH
from . import hint
from .reach import Node, Personal, reach, values
from .scrap import FIELDS, Closeness, FindField, Scrap, closeness, lookups

SPARE = 20
"""So many more are looked up than were asked for: some lead to a row twice, or turn out to be something else."""

_FIELD_ORDER = {field: place for place, field in enumerate(FindField)}


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that the scrap may be of: which value of it, and how that matches."""

    node: Node
    matched_field: FindField
    matched_value: str
    closeness: Closeness

    @property
    def is_exact(self) -> bool:
        return self.closeness.is_exact


@dataclass(frozen=True, slots=True)
class Found:
    """Hits, best first; when there is none, what was looked for and what to try."""

    hits: Sequence[Hit]
    hint: str | None = None
    quoted: Node | None = None
    """Whose personal data the hint repeats, if anybody's."""


async def find(context: Context, text: str, first: int, personal: Personal) -> Found:
    """At most ``first`` hits: exact ones, then those misread, then parts; of equals the likelier field and the newest.

    Expired, canceled, blocked and revoked are found as well. Each thing is a hit once, by its best match. Where more
    match than are asked for, of those that are as good the newest, and of parts the first by alphabet, are looked at.
    Fields that are ``personal`` are searched only where the caller may see them.
    """
    scrap = Scrap.of(text)
    if not scrap.key:
        return Found((), hint.NOTHING_GIVEN)
    if len(scrap.key) > NAME_LENGTH:
        return Found((), hint.too_long(len(scrap.key)))
    async with context.reading() as read:
        hits = await _hits(context, read, scrap, first + SPARE, personal)
        if hits:
            return Found(hits[:first])
        told, quoted = await hint.of(context, read, scrap, personal)
        return Found((), told, quoted)


async def _hits(context: Context, read: Read, scrap: Scrap, at_most: int, personal: Personal) -> list[Hit]:
    numbers: list[Lookup] = []
    keys: list[Lookup] = []
    for kind, client_id in reach(context, personal).items():
        by_number, by_key = lookups(kind, scrap, client_id)
        numbers += by_number
        keys += by_key
    leads = [*await db.find.numbers(read, numbers, at_most), *await db.find.keys(read, keys, at_most)]
    found = [
        Hit(node, FIELDS[lead.kind], value, close)
        for lead, node, value in await values(context, read, leads, personal)
        if (close := closeness(FIELDS[lead.kind], scrap, value)) is not None
    ]
    best: dict[tuple[type, int], Hit] = {}
    for hit in sorted(found, key=_rank):
        best.setdefault((type(hit.node), hit.node.id), hit)
    issued = {hit.node.request_id for hit in best.values() if isinstance(hit.node, IssuedTicketRow)}
    return [hit for hit in best.values() if not _is_issued(hit, issued)]


def _rank(hit: Hit) -> tuple[int, int, bool, int]:
    """Customers stand before the requests that name them; among their like the newest come first."""
    return hit.closeness, _FIELD_ORDER[hit.matched_field], not isinstance(hit.node, CustomerRow), -hit.node.id


def _is_issued(hit: Hit, issued: set[int]) -> bool:
    """A number that a request dictated is told once, by the ticket that has it."""
    is_dictated = hit.matched_field is FindField.EXTERNAL_TICKET_NO and isinstance(hit.node, TicketRequestRow)
    return is_dictated and hit.node.id in issued
