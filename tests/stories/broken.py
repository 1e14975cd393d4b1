"""Broken situations: a guest stands there with something that does not work, one function for each way in which.

They happen in the park of ``stock`` at noon of Friday, 17 May 2030, which is two in the afternoon at the castle: it is
open from 9 to 17, and tours of its cellars begin every hour from 14:00. It has a tower besides.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import db
from db.timeline import RequestEventKind
from tests.harness import Gatehouse
from tests.make import NOON, Item, Line, Make, Request, Ticket, making
from tests.stories.stock import HOUR, Park, opened

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
ORDER = "WEB-2001"
BERG = {"ticket_holder_name": "Anna Berg", "email": "anna.berg@example.com", "phone": "+49 30 1234567"}

Situation = Callable[["Broken"], Awaitable[None]]


class Broken:
    """What situations are made with: the park, and sales in it."""

    def __init__(self, make: Make, park: Park, tower: int) -> None:
        self.make, self.park, self.tower = make, park, tower

    async def order(self, **columns: Any) -> Request:
        """A paid order of the shop, of yesterday."""
        told: dict[str, Any] = {"external_order_no": ORDER, "created_at": NOON - DAY, "payment_reference": "PSP-2001"}
        return await self.make.request(self.park.shop, "TOKEN-2001", **told | BERG | columns)

    async def line(self, request: Request, item: Item, quantity: int = 1, **columns: Any) -> Line:
        """A line for the castle today and the tour at 15:00, as far as the item admits there."""
        usual = {self.park.castle: self.park.days[0], self.park.tour: self.park.tours[1]}
        slots = {admission: slot for admission, slot in usual.items() if admission in item.contents}
        slots |= columns.pop("slots", {})
        columns.setdefault("ticket_kind", item.kind)
        return await self.make.line(request, item, quantity, slots=slots, **columns)

    async def tickets(self, line: Line, *numbers: str, **columns: Any) -> list[Ticket]:
        """Tickets of the line, issued when it was ordered."""
        return [await self.make.ticket(line, number, issued_at=NOON - DAY, **columns) for number in numbers]

    async def adults(self, *numbers: str, request: Request | None = None, **columns: Any) -> list[Ticket]:
        """Tickets for the castle today."""
        request = request or await self.order()
        return await self.tickets(await self.line(request, self.park.adult, len(numbers)), *numbers, **columns)

    async def tours(self, *numbers: str, slot: int | None = None, **rules: Any) -> list[Ticket]:
        """Tickets for a tour, the one at 15:00 unless said otherwise."""
        item = await self.make.item("TOUR-ONLY", self.park.tour, description="Tour", contents=rules)
        slots = {} if slot is None else {self.park.tour: slot}
        line = await self.line(await self.order(), item, len(numbers), slots=slots)
        return await self.tickets(line, *numbers)

    async def let_in(self, ticket: Ticket, at: Any, *, gate: str = "Castle gate", **people: Any) -> None:
        """Somebody came with that ticket, as the timeline knows."""
        (admission,) = ticket.access_entries
        slot = ticket.line.entries[admission][1]
        await self.make.visit(ticket, admission, at, **people)
        entry: dict[str, Any] = {"access_entry_id": ticket.access_entries[admission], "gate": gate, "actor": "Gate 1"}
        told: dict[str, Any] = {"admission_id": admission, "slot_id": slot, "quantity": people.get("people", 1)}
        await self.make.event(RequestEventKind.ADMITTED, ticket=ticket, at=at, scanned=ticket.number, **entry, **told)

    async def give_back(self, ticket: Ticket, at: Any, refund_minor: int) -> None:
        await self.make.change(db.ticket.issued_ticket, ticket.id, revoked_at=at)
        facts = {"refund_minor": refund_minor, "currency": "EUR", "reason": "One of us is ill"}
        await self.make.event(RequestEventKind.REVOKED, ticket=ticket, at=at, facts=facts, quantity=1)


async def expired_hold(broken: Broken) -> None:
    """The shop took the money after the hold had run out, and there is still room."""
    hold = {"status": "REGISTERED", "expires_at": NOON - 2 * HOUR, "created_at": NOON - 3 * HOUR}
    await broken.line(await broken.order(**hold), broken.park.both, 2)


async def expired_hold_and_sold_out(broken: Broken) -> None:
    """The same; but others have bought the tour meanwhile."""
    await expired_hold(broken)
    others = await broken.make.request(broken.park.shop, "OTHERS", created_at=NOON - HOUR)
    await broken.line(others, broken.park.both, 4)


async def not_confirmed(broken: Broken) -> None:
    """The guest is still at the checkout, and stands at the gate with the order's number."""
    hold = {"status": "REGISTERED", "expires_at": NOON + 10 * MINUTE, "created_at": NOON - 15 * MINUTE}
    await broken.line(await broken.order(**hold), broken.park.adult, 2)


async def unpaid(broken: Broken) -> None:
    """Confirmed without a payment."""
    request = await broken.order(payment_option="UNPAID", payment_reference=None, total_minor=3000)
    await broken.adults("002001-AAAAAA", "002002-BBBBBB", request=request)


async def wrong_day(broken: Broken) -> None:
    """The tour was yesterday, and may be moved."""
    slot = await broken.make.slot(broken.park.tour, NOON - DAY + HOUR, capacity=4)
    await broken.tours(
        "002001-AAAAAA", slot=slot, reschedule_policy="CUT_OFF_HOURS", reschedule_cut_off_seconds=-3 * 86400
    )


async def wrong_slot(broken: Broken) -> None:
    """The tour is at 15:00; the guest wants to go with the one at 14:00, and the ticket may not be moved."""
    await broken.tours("002001-AAAAAA", "002002-BBBBBB")


async def used(broken: Broken) -> None:
    """Somebody came with it this morning; the guest knows nothing of it."""
    receipt: dict[str, Any] = {"receipt_no": "R-002001", "pos_unit_no": "POS-1", "channel": "POS"}
    request = await broken.order(external_order_no=None, payment_option="DIRECT", payment_reference=None, **receipt)
    first, _ = await broken.adults("002001-AAAAAA", "002002-BBBBBB", request=request)
    await broken.let_in(first, NOON - 3 * HOUR)


async def departed(broken: Broken) -> None:
    """The guest was in, left for lunch, and is not let in again."""
    (ticket,) = await broken.adults("002001-AAAAAA")
    await broken.let_in(ticket, NOON - 3 * HOUR, inside=0)
    left: dict[str, Any] = {
        "access_entry_id": ticket.access_entries[broken.park.castle],
        "gate": "Castle gate",
        "actor": "Gate 1",
    }
    await broken.make.event(RequestEventKind.DEPARTED, ticket=ticket, at=NOON - HOUR, quantity=1, **left)


async def another_day(broken: Broken) -> None:
    """It lets in all day long, on the day of the first visit, which was yesterday."""
    item = await broken.make.item(
        "DAY", broken.park.castle, description="Day ticket", contents={"entry_validation": "SAME_DAY"}
    )
    line = await broken.line(await broken.order(), item, slots={broken.park.castle: broken.park.days[0]})
    (ticket,) = await broken.tickets(line, "002001-AAAAAA")
    await broken.let_in(ticket, NOON - DAY, inside=0)


async def revoked(broken: Broken) -> None:
    """One of two was given back."""
    first, _ = await broken.adults("002001-AAAAAA", "002002-BBBBBB")
    await broken.give_back(first, NOON - 5 * HOUR, 1000)


async def refunded(broken: Broken) -> None:
    """Both were given back, which canceled the request."""
    request = await broken.order(status="CANCELED", status_changed_at=NOON - 5 * HOUR)
    for ticket in await broken.adults("002001-AAAAAA", "002002-BBBBBB", request=request):
        await broken.give_back(ticket, NOON - 5 * HOUR, 1000)


async def canceled(broken: Broken) -> None:
    """Given up before it was paid."""
    request = await broken.order(status="CANCELED", payment_option="UNPAID", payment_reference=None)
    await broken.line(request, broken.park.adult, 2)


async def blocked(broken: Broken) -> None:
    """Blocked by the staff."""
    reason: dict[str, Any] = {"blocked_at": NOON - DAY / 2, "blocked_reason": "Offered for sale on a forum"}
    await broken.adults("002001-AAAAAA", **reason)


async def optional_not_bought(broken: Broken) -> None:
    """The tower is optional, and was left out."""
    park = broken.park
    item = await broken.make.item("CASTLE-TOWER", park.castle, broken.tower, description="Castle, tower if you like")
    line = await broken.line(await broken.order(), item, 2, left_out=[broken.tower])
    kept = {park.castle: line.entries[park.castle]}
    await broken.tickets(Line(line.id, line.request, line.item, line.quantity, kept), "002001-AAAAAA", "002002-BBBBBB")


async def other_admission(broken: Broken) -> None:
    """A ticket for the castle, at the door of the tour."""
    await broken.adults("002001-AAAAAA")


async def dependency_unmet(broken: Broken) -> None:
    """The tower before the castle."""
    park = broken.park
    item = await broken.make.item("CASTLE-TOWER", park.castle, broken.tower, description="Castle and tower")
    await broken.make.dependency(item.contents[broken.tower], park.castle)
    await broken.tickets(await broken.line(await broken.order(), item), "002001-AAAAAA")


async def slot_canceled(broken: Broken) -> None:
    """The guide is ill."""
    tickets = await broken.tours("002001-AAAAAA", "002002-BBBBBB")
    slot = broken.park.tours[1]
    await broken.make.change(db.time_slot.time_slot, slot, state="CANCELED")
    facts = {"before": {"state": "OPEN"}, "after": {"state": "CANCELED"}}
    changed: dict[str, Any] = {"request": tickets[0].line.request, "slot_id": slot, "at": NOON - HOUR, "facts": facts}
    await broken.make.event(RequestEventKind.SLOT_CHANGED, actor="Back office", **changed)


async def slot_moved(broken: Broken) -> None:
    """The tour of 16:00 was put forward to 12:00, and nobody told the guest."""
    slot = await broken.make.slot(broken.park.tour, NOON - 2 * HOUR, capacity=4)
    tickets = await broken.tours("002001-AAAAAA", "002002-BBBBBB", slot=slot)
    facts = {"before": {"starts_at": "2030-05-17T16:00:00+02:00"}, "after": {"starts_at": "2030-05-17T12:00:00+02:00"}}
    changed: dict[str, Any] = {
        "request": tickets[0].line.request,
        "slot_id": slot,
        "at": NOON - DAY / 2,
        "facts": facts,
    }
    await broken.make.event(RequestEventKind.SLOT_CHANGED, actor="Back office", **changed)


async def closed(broken: Broken) -> None:
    """The castle is closed this afternoon."""
    await broken.adults("002001-AAAAAA")
    reason = {"state": "CLOSED", "closed_reason": "Storm warning"}
    await broken.make.change(db.time_slot.time_slot, broken.park.days[0], **reason)


async def duplicate_order(broken: Broken) -> None:
    """The hold ran out, and the shop sent the order again."""
    ended = {"status": "EXPIRED", "expires_at": NOON - DAY - HOUR, "created_at": NOON - DAY - 2 * HOUR}
    await broken.line(await broken.order(**ended), broken.park.adult, 2)
    again = await broken.make.request(
        broken.park.shop, "TOKEN-2001-AGAIN", external_order_no=ORDER, created_at=NOON - DAY, **BERG
    )
    await broken.adults("002001-AAAAAA", "002002-BBBBBB", request=again)
    owned = {"client_id": broken.park.shop, "key": "web-2001", "request_id": again.id}
    await broken.make.write.run(db.ticket_request.order_key.insert().values(owned))


async def replaced_number(broken: Broken) -> None:
    """The shop printed numbers, and replaced the lines before it confirmed them; the guest has the first print."""
    request = await broken.order()
    old = {"dictated_nos": ["OLD-1", "OLD-2"], "replaced_at": NOON - DAY}
    await broken.line(request, broken.park.adult, 2, line_no=1, **old)
    line = await broken.line(request, broken.park.adult, 2, line_no=1, dictated_nos=["NEW-1", "NEW-2"])
    await broken.tickets(line, "NEW-1", "NEW-2")


async def group(broken: Broken) -> Ticket:
    """A class of 20, of whom 12 are in."""
    item = await broken.make.item("CLASS", broken.park.castle, description="School class", kind="GROUP")
    holder = {"ticket_holder_name": "Skovby School", "email": "office@skovby.example"}
    line = await broken.line(await broken.order(payment_option="POSTPAID", **holder), item, 20)
    (ticket,) = await broken.tickets(line, "002001-CLASS", people=20)
    await broken.let_in(ticket, NOON - HOUR, people=12, inside=12)
    return ticket


async def group_partly_used(broken: Broken) -> None:
    """The rest of the class comes later."""
    await group(broken)


async def too_many_for_a_group(broken: Broken) -> None:
    """Ten come with what is left for eight."""
    ticket = await group(broken)
    castle = broken.park.castle
    at_gate: dict[str, Any] = {
        "gate": "Castle gate",
        "admission_id": castle,
        "slot_id": broken.park.days[0],
        "actor": "Gate 1",
    }
    refused: dict[str, Any] = {"refusal_code": "ENTRIES_USED_UP", "facts": {"limit": 20, "actual": 22}}
    scan: dict[str, Any] = {"scanned": ticket.number, "access_entry_id": ticket.access_entries[castle]}
    await broken.make.event(RequestEventKind.REFUSED, ticket=ticket, at=NOON - MINUTE, **at_gate, **refused, **scan)


async def not_valid_yet(broken: Broken) -> None:
    """Bought for the season that begins tomorrow."""
    item = await broken.make.item("SEASON", broken.park.castle, description="Season ticket")
    line = await broken.make.line(await broken.order(), item)
    await broken.tickets(line, "002001-AAAAAA", valid_from=NOON + DAY - 14 * HOUR)


async def no_longer_valid(broken: Broken) -> None:
    """The week in which it was valid is over, and it was never used."""
    item = await broken.make.item("WEEK", broken.park.castle, description="Week ticket")
    line = await broken.make.line(await broken.order(), item)
    await broken.tickets(line, "002001-AAAAAA", valid_until=NOON - DAY)


async def no_reservation(broken: Broken) -> None:
    """A voucher for a tour, without a time slot yet."""
    rules = {"reschedule_policy": "UNTIL_USED"}
    item = await broken.make.item("VOUCHER", broken.park.tour, description="Voucher for a tour", contents=rules)
    await broken.tickets(await broken.make.line(await broken.order(), item, 2), "002001-AAAAAA", "002002-BBBBBB")


async def full(broken: Broken) -> None:
    """The tower holds two people, who are up there."""
    make, tower = broken.make, broken.tower
    slot = await make.slot(tower, NOON - HOUR, minutes=180, capacity=2, control="ADMITTED_AND_DEPARTED")
    item = await make.item("TOWER", tower, description="Tower")
    others = await make.request(broken.park.shop, "OTHERS", created_at=NOON - HOUR)
    for ticket in await broken.tickets(await make.line(others, item, 2), "009001", "009002"):
        await make.visit(ticket, tower, NOON - 5 * MINUTE, slot_id=slot)
    await broken.tickets(await make.line(await broken.order(), item), "002001-AAAAAA")


async def mistyped_number(broken: Broken) -> None:
    """The guest reads O for 0 and I for 1."""
    await broken.tours("002001-AAAAAA")


async def nearly_the_number(broken: Broken) -> None:
    """One letter of the number is wrong."""
    await broken.adults("002001-AAAAAA")


async def another_name(broken: Broken) -> None:
    """The order was made by the guest's partner, and the guest has no number: but the phone is the same."""
    await broken.adults("002001-AAAAAA", "002002-BBBBBB")


async def happen(gatehouse: Gatehouse, situation: str) -> None:
    """Let the situation come about."""
    gatehouse.travel(NOON - gatehouse.database.now())
    async with making(gatehouse.database) as make:
        park = await opened(make)
        tower = await make.admission("TOWER", description="The tower", time_zone="Europe/Berlin")
        await SITUATIONS[situation](Broken(make, park, tower))


SITUATIONS: dict[str, Situation] = {
    "expired-hold": expired_hold,
    "expired-hold-and-sold-out": expired_hold_and_sold_out,
    "not-confirmed": not_confirmed,
    "unpaid": unpaid,
    "wrong-day": wrong_day,
    "wrong-slot": wrong_slot,
    "used": used,
    "departed": departed,
    "another-day": another_day,
    "revoked": revoked,
    "refunded": refunded,
    "canceled": canceled,
    "blocked": blocked,
    "optional-not-bought": optional_not_bought,
    "other-admission": other_admission,
    "dependency-unmet": dependency_unmet,
    "slot-canceled": slot_canceled,
    "slot-moved": slot_moved,
    "closed": closed,
    "duplicate-order": duplicate_order,
    "replaced-number": replaced_number,
    "group-partly-used": group_partly_used,
    "too-many-for-a-group": too_many_for_a_group,
    "not-valid-yet": not_valid_yet,
    "no-longer-valid": no_longer_valid,
    "no-reservation": no_reservation,
    "full": full,
    "mistyped-number": mistyped_number,
    "nearly-the-number": nearly_the_number,
    "another-name": another_name,
}
