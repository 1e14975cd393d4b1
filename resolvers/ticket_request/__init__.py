"""The life of a request: create, update, extend, confirm, pay, cancel, and a change of its holder.

Source: domain.md, "The life of a request". Every function here that takes a context is one transaction, which creates
and confirms that are asked for at once share (``group_commit``). Scarce things are taken in one order: requests, their
order numbers, their ticket numbers, their slots by id; then the database's clock is read, and only then anything is
counted or decided.
"""

from .confirm import Confirmation, confirm
from .create import Sale, create
from .hold import cancel, extend
from .holder import change_holder
from .lines import RequestedAdmission, RequestedLine
from .pay import Payment, pay
from .sweep import sweep
from .update import update

__all__ = [
    "Confirmation",
    "Payment",
    "RequestedAdmission",
    "RequestedLine",
    "Sale",
    "cancel",
    "change_holder",
    "confirm",
    "create",
    "extend",
    "pay",
    "sweep",
    "update",
]
