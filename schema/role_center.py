"""The role center: one day in numbers."""

import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from resolvers.role_center import role_center

from .admission import Admission


def _number(name: str, *, description: str) -> Any:
    value = attrgetter(f"numbers.{name}")

    def resolve(root: Any) -> int:
        return int(value(root))

    resolve.__annotations__ = {"return": int}
    return strawberry.field(resolver=resolve, description=description)


@strawberry.type(description="One admission on one day: its open slots of that date, taken together.")
class AdmissionDay:
    admission: Admission = strawberry.field(description="Where it is.")
    slot_count: int = strawberry.field(description="How many open slots it has that day, in its own zone.")
    capacity: int | None = strawberry.field(description="Places in all of them; null when any of them has no limit.")
    held: int = strawberry.field(description="Places held by registered requests that have not expired.")
    sold: int = strawberry.field(description="Places taken by confirmed requests.")
    admitted: int = strawberry.field(description="Places of everybody let in so far.")
    utilization_percent: Decimal | None = strawberry.field(
        description="How much of the capacity is used up, by what counts in each slot: 0 to 100, to one decimal; null "
        "when unlimited, or when there is no place at all."
    )


@strawberry.type(description="The numbers of one day.")
class RoleCenter:
    date: datetime.date = strawberry.field(description="The day, in the server's time zone.")
    requests_registered: int = _number(
        "requests_registered", description="Requests made that day that still hold their places now."
    )
    requests_confirmed: int = _number("requests_confirmed", description="Requests confirmed that day.")
    requests_expired: int = _number("requests_expired", description="Requests whose time to pay ran out that day.")
    requests_canceled: int = _number(
        "requests_canceled", description="Requests canceled that day, or whose last ticket was revoked then."
    )
    tickets_issued: int = _number("tickets_issued", description="Tickets issued that day.")
    tickets_admitted: int = _number(
        "tickets_admitted", description="Tickets with which somebody was let in that day, each once."
    )
    scans_refused: int = _number(
        "scans_refused", description="Scans refused at the gates that day, of unknown numbers too."
    )
    admissions: list[AdmissionDay] = strawberry.field(description="Every admission, over the day's open slots.")


@strawberry.type
class RoleCenterQueries:
    @strawberry.field(description="The numbers of one day, from midnight to midnight in the server's time zone.")
    async def role_center(
        self,
        info: strawberry.Info,
        date: Annotated[datetime.date | None, strawberry.argument(description="The day; today when left out.")] = UNSET,
    ) -> RoleCenter | None:
        found: Any = await role_center(info.context, date or None)
        return found
