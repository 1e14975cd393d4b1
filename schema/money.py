"""Money as callers see it: an exact amount with the currency's own digits, beside the currency."""

from decimal import Decimal
from operator import attrgetter
from typing import Any

import strawberry

import db

from .relations import reads


@strawberry.type(description="An amount of money, prices including VAT.")
class Money:
    amount: Decimal = strawberry.field(description="Exact, with the currency's digits after the point: `157.00`.")
    currency: str = strawberry.field(description="The ISO 4217 code.")


def money_of(minor: int | None, currency: str | None) -> Money | None:
    """The amount of so many minor units; None if there is none."""
    if minor is None or currency is None:
        return None
    return Money(amount=db.money.from_minor(minor, currency), currency=currency)


def money(name: str, *, description: str) -> Any:
    """A field that shows a row's column of minor units beside the row's currency."""
    minor = attrgetter(name)

    def resolve(root: Any) -> Any:
        return money_of(minor(root), root.currency)

    resolve.__annotations__ = {}
    return strawberry.field(resolver=resolve, description=description, metadata=reads(name, "currency"))
