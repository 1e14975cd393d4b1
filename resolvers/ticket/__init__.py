"""Changing one's mind about issued tickets: blocking and unblocking them, and noting that they were printed.

Source: domain.md, "Changing one's mind". Every function here that takes a context is one transaction. What they take,
they take in one order: the request, its tickets by id, slots by id; then the database's clock is read, and only then
anything is counted or decided.
"""

from .block import Flag, block, unblock
from .printing import PrintOutcome, mark_printed

__all__ = ["Flag", "PrintOutcome", "block", "mark_printed", "unblock"]
