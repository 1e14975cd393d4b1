"""More than the server can do: it does what it can, and tells the rest so at once."""

import asyncio
import time
from collections.abc import Callable

TOLD_PER_SECOND = 300
"""How many are turned away in a second: telling them takes less than a tenth of a core, however fast they ask again."""

LONGEST_PAUSE_SECONDS = 5.0
"""How long anybody waits to be turned away."""


class Crowd:
    """How many operations are under way: it is entered (``with``) by each. So many are let in; others are turned away.

    Whoever is turned away waits for it a moment, longer the more there are: clients that ask again at once would
    otherwise take from those who are served the time that their answers need.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._within = 0
        self._next_told = 0.0

    @property
    def is_full(self) -> bool:
        """Whether one more would be too many."""
        return self._within >= self._most

    def __enter__(self) -> None:
        self._within += 1

    def __exit__(self, *_: object) -> None:
        self._within -= 1

    async def turn_away(self) -> None:
        """Wait until it is time to tell one more that there are too many."""
        await asyncio.sleep(self.pause())

    def pause(self) -> float:
        """For how many seconds the next to be turned away waits."""
        now = self._clock()
        self._next_told = min(max(now, self._next_told) + 1 / TOLD_PER_SECOND, now + LONGEST_PAUSE_SECONDS)
        return self._next_told - now
