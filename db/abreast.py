"""Reads that do not wait for each other, in one round trip: what a level of an answer needs.

Several readers each run as far as their next statement; these go to the database together, and each reader goes on with
its rows, until all are done. PostgreSQL is asked for all of them in one statement, a UNION ALL of theirs. It is planned
once, as any statement is; asking four small statements together takes less than half the processor time of asking them
one after the other, on either side.
"""

from collections.abc import Callable, Coroutine, Generator, Sequence
from types import coroutine
from typing import Any, NamedTuple

from .driver import Connection, Row
from .engine import Read, collect
from .rendering import Form

Reader = Callable[[Read], Coroutine[Any, Any, Any]]
"""What reads with what it is given, and waits for nothing else."""


class _Asked(NamedTuple):
    form: Form
    values: Sequence[Any]


async def abreast(read: Read, readers: Sequence[Reader]) -> list[Any]:
    """What each reader comes to, or the exception that it raises."""
    if len(readers) == 1:
        try:
            return [await readers[0](read)]
        except Exception as cause:
            return [cause]
    results: list[Any] = [None] * len(readers)
    runs = dict(enumerate(reader(_Abreast(read.connection, read.dialect)) for reader in readers))
    found: dict[int, Any] = dict.fromkeys(runs)
    try:
        while runs:
            asked: dict[int, _Asked] = {}
            for i, one in list(runs.items()):
                try:
                    asked[i] = _next(one, found[i])
                except StopIteration as done:
                    results[i] = done.value
                    del runs[i]
                except Exception as cause:
                    results[i] = cause
                    del runs[i]
            found = dict(zip(asked, await _fetch(read.connection, list(asked.values())), strict=True))
    finally:
        for one in runs.values():
            one.close()
    return results


def _next(one: Coroutine[Any, Any, Any], rows: Any) -> _Asked:
    """Go on with these rows, or the exception in their place, as far as the next statement."""
    asked = one.throw(rows) if isinstance(rows, Exception) else one.send(rows)
    if not isinstance(asked, _Asked):
        one.close()
        raise TypeError("It waits for something else than what it reads with")
    return asked


class _Abreast(Read):
    """What a reader reads with: its statement is handed to ``abreast``, which comes back with the rows."""

    async def _run(self, form: Form, values: Sequence[Any]) -> Sequence[Row]:
        collect(form.text)
        return await _asking(_Asked(form, values))

    async def fetch(self, text: str, values: Sequence[Any] = ()) -> Sequence[Row]:
        return await self._run(Form.of_text(text), values)


@coroutine
def _asking(asked: _Asked) -> Generator[_Asked, Sequence[Row], Sequence[Row]]:
    rows = yield asked
    return rows


async def _fetch(connection: Connection, asked: Sequence[_Asked]) -> list[Any]:
    """The rows of each statement, or the exception that it raises."""
    if not asked:
        return []
    if len(asked) > 1:
        try:
            return list(await connection.fetch_abreast(asked))
        except Exception:
            if connection.is_closed:
                raise
    return await _one_by_one(connection, asked)


async def _one_by_one(connection: Connection, asked: Sequence[_Asked]) -> list[Any]:
    """The same where one of them fails, and would take the others with it."""
    found: list[Any] = []
    for form, values in asked:
        try:
            found.append(await connection.fetch(form.text, values))
        except Exception as cause:
            found.append(cause)
    return found
