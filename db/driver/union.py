"""Several statements as one: a UNION ALL, whose rows are parted again."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from . import Row

KEPT = 200
"""How many unions are remembered."""

WIDER = {"SMALLINT": "BIGINT", "INTEGER": "BIGINT", "VARCHAR": "TEXT"}
"""Types whose values may as well stand in a column of another: the union has as few columns as it can."""

Part = tuple[str, tuple[str, ...] | None, int]
"""The text of a statement, the types of its columns, and how many values it takes."""


class Union(NamedTuple):
    """The text of all, and for each statement what picks its columns out of a row."""

    text: str
    pick: tuple[Callable[[Row], Row], ...]

    def parted(self, rows: Sequence[Row]) -> list[list[Row]]:
        """The rows of each statement, in their order: PostgreSQL appends one after the other as they come."""
        parts: list[list[Row]] = [[] for _ in self.pick]
        for row in rows:
            parts[row[0]].append(row)
        return [list(map(pick, part)) for pick, part in zip(self.pick, parts, strict=True)]


@lru_cache(KEPT)
def union_of(parts: tuple[Part, ...]) -> Union | None:
    """None where it is not known of which types the columns are."""
    columns: list[str] = []
    places: list[list[int]] = []
    for _, types, _ in parts:
        if types is None:
            return None
        places.append([])
        for type_ in types:
            wide = WIDER.get(type_, type_)
            free = (i for i, other in enumerate(columns) if other == wide and i not in places[-1])
            place = next(free, len(columns))
            if place == len(columns):
                columns.append(wide)
            places[-1].append(place)
    texts, before = [], 0
    for number, ((text, _, values), own) in enumerate(zip(parts, places, strict=True)):
        cells = [f"c{own.index(i)}" if i in own else f"CAST(NULL AS {type_})" for i, type_ in enumerate(columns)]
        names = ", ".join(f"c{i}" for i in range(len(own)))
        texts.append(f"SELECT {number}, {', '.join(cells)} FROM ({moved(text, before)}) AS part({names})")  # noqa: S608
        before += values
    return Union("\nUNION ALL ".join(texts), tuple(map(_picking, places)))


def _picking(places: Sequence[int]) -> Callable[[Row], Row]:
    """The first column tells the statement."""
    if len(places) == 1:
        (place,) = places
        return lambda row: (row[place + 1],)
    return itemgetter(*(place + 1 for place in places))


def moved(text: str, by: int) -> str:
    """PostgreSQL's text with its places, $1 and so on, that much further on."""
    return re.sub(r"\$(\d+)", lambda place: f"${int(place[1]) + by}", text)
