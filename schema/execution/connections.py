"""The connections that stay open: how many a key has, and their end when the server stops."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

KEY_SECONDS = 5
"""How often the key of an open connection is looked at again at the least, and with every ping: with what ``Keyring``
remembers, a revocation ends it within a quarter of a minute."""

FAREWELL_SECONDS = 3
"""How long a server that stops waits for its open connections to say goodbye."""


class TooMany(Exception):
    """The key has as many connections as it may."""


class Connections:
    """Those of this process. Once closed, it takes none."""

    def __init__(self, per_key: int) -> None:
        self._per_key = per_key
        self._by_key: Counter[str] = Counter()
        self._ends: set[Callable[[], None]] = set()
        self._gone = asyncio.Event()
        self.is_closed = False

    def __len__(self) -> int:
        return len(self._ends)

    @contextmanager
    def one(self, key_id: str, end: Callable[[], None]) -> Iterator[None]:
        """Count a connection of the key; ``end`` is called when the server stops. Raises TooMany."""
        if self._by_key[key_id] >= self._per_key:
            raise TooMany
        self._by_key[key_id] += 1
        self._ends.add(end)
        if self.is_closed:
            end()
        try:
            yield
        finally:
            self._ends.discard(end)
            self._by_key[key_id] -= 1
            if not self._by_key[key_id]:
                del self._by_key[key_id]
            if not self._ends:
                self._gone.set()

    async def close(self) -> None:
        """End all of them, and wait a little until they have gone."""
        self.is_closed = True
        if not self._ends:
            return
        self._gone.clear()
        for end in list(self._ends):
            end()
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                await self._gone.wait()
        except TimeoutError:
            return  # who takes nothing off is not waited for
