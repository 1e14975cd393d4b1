"""Changing one's mind about what was sold: tickets are moved, given back, blocked, unblocked, and noted as printed.

Source: domain.md, "Changing one's mind". Every function here that takes a context is one transaction; from the
customer's side wrong authorization codes are counted in another one before it. What they take, they take in one order:
the request, its tickets by id, slots by id; then the database's clock is read, and only then anything is counted or
decided.
"""

from .block import Flag, block, unblock
from .code import forget
from .printing import PrintOutcome, mark_printed
from .reschedule import Move, RescheduleOutcome, Rescheduling, reschedule, reschedule_request
from .revoke import Revocation, RevokeOutcome, revoke, revoke_request

__all__ = [
    "Flag",
    "Move",
    "PrintOutcome",
    "RescheduleOutcome",
    "Rescheduling",
    "Revocation",
    "RevokeOutcome",
    "block",
    "forget",
    "mark_printed",
    "reschedule",
    "reschedule_request",
    "revoke",
    "revoke_request",
    "unblock",
]
