"""How much each key may ask for: a leaky bucket of cost points.

A bucket holds a minute's allowance and drains steadily. So a key may use its whole minute at once, and is then let
through as fast as the bucket drains; and since every key has a bucket of its own, nobody's haste is at another's cost.
Buckets are this process's: with several processes, a key that is served by all of them has as many.
"""

import time
from collections.abc import Callable

BUCKETS = 10_000
"""How many buckets are kept: when there are more, those that have run empty are forgotten."""

EMPTY = (0.0, 0.0)
"""How full a bucket was that nobody poured into, and when."""


class Buckets:
    """``points_per_minute`` is what drains from each, and what it holds; never less than one operation may cost."""

    def __init__(self, points_per_minute: int, largest_cost: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = points_per_minute / 60
        self._size = max(points_per_minute, largest_cost)
        self._clock = clock
        self._levels: dict[str, tuple[float, float]] = {}
        """By key: how full it was, and when."""

    def pour(self, key: str, points: float) -> float:
        """Pour so many points into the bucket of the key. Answers 0, or, poured nothing, how many seconds to wait."""
        now = self._clock()
        level = self._level(key, now) + points
        if level > self._size:
            return (level - self._size) / self._per_second
        if key not in self._levels and len(self._levels) >= BUCKETS:
            self._forget(now)
        self._levels[key] = level, now
        return 0

    def available(self, key: str) -> int:
        """How many points fit in now."""
        return int(self._size - self._level(key, self._clock()))

    def _level(self, key: str, now: float) -> float:
        level, at = self._levels.get(key, EMPTY)
        level -= (now - at) * self._per_second
        return level if level > 0.0 else 0.0

    def _forget(self, now: float) -> None:
        self._levels = {key: (level, now) for key in self._levels if (level := self._level(key, now)) > 0}
