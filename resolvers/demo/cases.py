"""The guests that support meets: one request for each way in which a visit goes wrong, and two in which nothing does.

Their numbers are the same in every demo, so that the README, the pages and the tests can name them. The tickets of the
case that is found as WEB-BROKEN-03 are numbered BROKEN-03-1, BROKEN-03-2 ..., and its token is broken-03.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import NamedTuple

from db.ticket_item import AdmissionInclusion
from db.ticket_request import PaymentOption
from db.time_slot import SlotState
from db.timeline import RequestEventKind

from ..context import Rules
from ..refusals import RefusalCode
from .people import ANNA_BERG, SKOVBY_SCHOOL, Guest, guest
from .sale import Arrival, Block, Entry, Line, Note, RefusedScan, Sale, Slot
from .set_up import DAY, World, canceled_tour, tour_for_two
from .world import (
    ADMIN,
    ADULT,
    CASTLE,
    CASTLE_GROUP,
    CASTLE_PLUS,
    CASTLE_TREASURE,
    CHILD,
    FAMILY,
    GROUP,
    PARK,
    PARK_DAY,
    POS,
    SHOP,
    TOUR_IN_DANISH,
    TOUR_IN_ENGLISH,
    TREASURE,
    TREASURE_ROOM,
    Admission,
    Item,
)

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


class BrokenCase(NamedTuple):
    """The guest's external order number (or receipt of POS-1), what the guest says, and what support will find."""

    number: str
    guest_says: str
    support_finds: str


BROKEN_CASES: Mapping[str, BrokenCase] = {
    "expired hold": BrokenCase(
        "WEB-BROKEN-01",
        "I paid for it this morning.",
        "EXPIRED: the shop's order says Paid, but the payment came after the hold had run out, and nobody confirmed.",
    ),
    "unpaid": BrokenCase("WEB-BROKEN-02", "I have my tickets.", "CONFIRMED, but UNPAID: the tickets open no gate."),
    "yesterday": BrokenCase(
        "WEB-BROKEN-03", "It says it is still valid.", "The reservation was for yesterday; the gate said TOO_LATE."
    ),
    "wrong slot": BrokenCase(
        "WEB-BROKEN-04", "We want in now.", "The reservation is for a later time slot; the gate said TOO_EARLY."
    ),
    "already used": BrokenCase(
        "R-BROKEN-05", "I never used it.", "Admitted once already; the second scan said ENTRIES_USED_UP."
    ),
    "revoked": BrokenCase(
        "WEB-BROKEN-06", "Only one of our two tickets works.", "One ticket was revoked; the other is as good as new."
    ),
    "blocked": BrokenCase(
        "WEB-BROKEN-07", "The gate stays red.", "The ticket was blocked by the staff, with a reason."
    ),
    "not bought": BrokenCase(
        "WEB-BROKEN-08", "I cannot get into the park.", "The optional park was not bought: NOT_ON_TICKET."
    ),
    "slot canceled": BrokenCase(
        "WEB-BROKEN-09", "Where is our guide?", "The tour's time slot was canceled after the sale; it may be moved."
    ),
    "unknown customer": BrokenCase(
        "WEB-BROKEN-10", "I am a customer of yours.", "The customer number is on the request, but no register knows it."
    ),
    "ordered twice": BrokenCase(
        "WEB-BROKEN-11", "My order expired.", "Two requests of one order: the first EXPIRED, the second is CONFIRMED."
    ),
    "group partly used": BrokenCase(
        "WEB-BROKEN-12", "The rest of us are still outside.", "A group of 20, of which 12 were let in: 8 are to come."
    ),
    "not valid any more": BrokenCase(
        "WEB-BROKEN-13", "I had no time that day.", "A day in the park, twelve days ago: NO_LONGER_VALID."
    ),
    "mistyped e-mail": BrokenCase(
        "WEB-BROKEN-14", "I never got my tickets.", "The e-mail is krisitne.lund@example.com; her name is Kristine."
    ),
}
"""Case name -> what support will find."""

EXAMPLE_ORDER = "WEB-10042"
EXAMPLE_TICKETS = ["000118-7KQ2MX", "000119-M4XW8P"]
"""Anna Berg's order with nothing wrong, and its tickets: two for tomorrow's tour in English."""

EXAMPLE_RECEIPT = ("R-000317", "POS-1")


class Cases:
    """Makes the sales of the cases around the world's ``now``."""

    def __init__(self, world: World, rules: Rules) -> None:
        self._world = world
        self._now = world.now
        self._hold = timedelta(seconds=Rules().hold_seconds)
        self._paid_after = min(2 * MINUTE, self._hold / 2)
        self._castle_now = world.slot_at(CASTLE, world.now)

    def sales(self) -> list[Sale]:
        """All of them, in the order of time, with their places taken."""
        sales = [
            self._expired(),
            self._unpaid(),
            self._yesterday(),
            self._wrong_slot(),
            self._already_used(),
            self._revoked(),
            self._blocked(),
            self._not_bought(),
            self._slot_canceled(),
            self._unknown_customer(),
            *self._ordered_twice(),
            self._group_partly_used(),
            self._not_valid_any_more(),
            self._mistyped_email(),
            self._annas_order(),
            self._receipt(),
        ]
        for sale in sales:
            if sale.confirmed_at:
                sale.take_places()
        return sorted(sales, key=lambda sale: sale.made_at)

    # --------------------------------------------------------------------------------------------- how they are made

    def _order(self, number: int, made_at: datetime, *lines: Line, guest: Guest, suffix: str = "") -> Sale:
        """An order of the castle's shop that is not paid yet."""
        sale = Sale(
            SHOP,
            made_at,
            lines,
            made_at + self._hold,
            guest=guest,
            token=f"broken-{number:02d}{suffix}",
            order_no=f"WEB-BROKEN-{number:02d}",
            document="Paid",
        )
        self._number(sale, f"BROKEN-{number:02d}{suffix.upper()}")
        return sale

    def _paid(self, number: int, made_at: datetime, *lines: Line, guest: Guest, suffix: str = "") -> Sale:
        """An order of the castle's shop, paid and confirmed before its hold ran out."""
        sale = self._order(number, made_at, *lines, guest=guest, suffix=suffix)
        sale.confirm(made_at + self._paid_after, PaymentOption.PREPAID, f"PAY-BROKEN-{number:02d}{suffix.upper()}")
        return sale

    def _at_pos(self, made_at: datetime, receipt: tuple[str, str], token: str, *lines: Line) -> Sale:
        """Bought and printed at a counter."""
        sale = Sale(POS, made_at, lines, made_at + self._hold, token=token, receipt=receipt, salesperson="LIV")
        sale.document = "Posted"
        return sale

    def _number(self, sale: Sale, number: str) -> None:
        """Dictate the numbers of the tickets."""
        made = count(1)
        for line in sale.lines:
            tickets = 1 if line.item.type is GROUP else line.quantity
            line.dictated_nos = [f"{number}-{next(made)}" for _ in range(tickets)]

    def _line(self, item: Item, quantity: int, **slots: Slot) -> Line:
        """A line with slots by the codes of their admissions; optional admissions without one are left out."""
        entries = []
        for content in item.contents:
            slot = slots.get(content.admission.code)
            is_included = slot is not None or content.inclusion is AdmissionInclusion.REQUIRED
            entries.append(Entry(content, slot, is_included))
        return Line(item, quantity, entries)

    def _refuse(self, sale: Sale, at: datetime, code: RefusalCode, admission: Admission) -> Sale:
        """The gate said no to the first ticket."""
        sale.tickets[0].refused.append(RefusedScan(at, code, admission))
        return sale

    # ----------------------------------------------------------------------------------------------------- the cases

    def _expired(self) -> Sale:
        line = self._line(ADULT, 2, CASTLE=self._castle_now)
        holder = guest("Mathilde Storm", "mathilde.storm@example.com", "+44 7700 900101", "da")
        sale = self._order(1, self._now - self._hold - 2 * HOUR, line, guest=holder)
        sale.is_stamped = True
        return sale

    def _unpaid(self) -> Sale:
        holder = guest("Otto Lindgren", "otto.lindgren@example.com", "+44 7700 900102", "sv")
        sale = self._order(2, self._now - DAY, self._line(FAMILY, 1, CASTLE=self._castle_now), guest=holder)
        sale.confirm(sale.made_at + self._paid_after, PaymentOption.UNPAID)
        sale.document = "Open"
        return self._refuse(sale, self._now - 12 * MINUTE, RefusalCode.UNPAID, CASTLE)

    def _yesterday(self) -> Sale:
        slot = self._world.slots_of(TREASURE, self._world.today - DAY)[-1]
        holder = guest("Clara Winther", "clara.winther@example.com", "+44 7700 900103", "da")
        sale = self._paid(3, self._now - 3 * DAY, self._line(TREASURE_ROOM, 2, TREASURE=slot), guest=holder)
        return self._refuse(sale, self._now - MINUTE, RefusalCode.TOO_LATE, TREASURE)

    def _wrong_slot(self) -> Sale:
        slot = self._world.next_slot(TREASURE, self._now + HOUR)
        holder = guest("Yusuf Haddad", "yusuf.haddad@example.com", "+44 7700 900104")
        sale = self._paid(4, self._now - 2 * DAY, self._line(TREASURE_ROOM, 3, TREASURE=slot), guest=holder)
        return self._refuse(sale, self._now - 5 * MINUTE, RefusalCode.TOO_EARLY, TREASURE)

    def _already_used(self) -> Sale:
        opened_at = self._castle_now.arrival_from
        admitted_at = opened_at + (self._now - opened_at) / 2
        line = self._line(ADULT, 1, CASTLE=self._castle_now)
        sale = self._at_pos(admitted_at - 20 * MINUTE, ("R-BROKEN-05", "POS-1"), "broken-05", line)
        self._number(sale, "BROKEN-05")
        self._sell_at_pos(sale)
        sale.tickets[0].accesses[0].arrivals.append(Arrival(admitted_at, 1))
        second_scan_at = admitted_at + (self._now - admitted_at) / 2
        return self._refuse(sale, second_scan_at, RefusalCode.ENTRIES_USED_UP, CASTLE)

    def _sell_at_pos(self, sale: Sale) -> None:
        sold_at = sale.made_at + self._paid_after
        sale.confirm(sold_at, PaymentOption.DIRECT)
        for ticket in sale.tickets:
            ticket.printed_at = sold_at

    def _revoked(self) -> Sale:
        holder = guest("Ella Fontaine", "ella.fontaine@example.com", "+33 1 99 00 00 06", "fr")
        line = self._line(ADULT, 2, CASTLE=self._castle_now)
        sale = self._paid(6, self._now - 4 * DAY, line, guest=holder)
        sale.tickets[0].revoked_at = self._now - DAY
        return self._refuse(sale, self._now - 15 * MINUTE, RefusalCode.TICKET_REVOKED, CASTLE)

    def _blocked(self) -> Sale:
        holder = guest("Victor Ravn", "victor.ravn@example.com", "+44 7700 900107", "da")
        line = self._line(ADULT, 1, CASTLE=self._castle_now)
        sale = self._paid(7, self._now - 5 * DAY, line, guest=holder)
        sale.tickets[0].block = Block(self._now - 2 * DAY, "Offered for sale on a forum.")
        return self._refuse(sale, self._now - 8 * MINUTE, RefusalCode.TICKET_BLOCKED, CASTLE)

    def _not_bought(self) -> Sale:
        holder = guest("Zoë Lambert", "zoe.lambert@example.com", "+33 1 99 00 00 08", "fr")
        line = self._line(CASTLE_PLUS, 2, CASTLE=self._castle_now, TREASURE=self._world.next_slot(TREASURE, self._now))
        sale = self._paid(8, self._now - DAY, line, guest=holder)
        return self._refuse(sale, self._now - 3 * MINUTE, RefusalCode.NOT_ON_TICKET, PARK)

    def _slot_canceled(self) -> Sale:
        slot = canceled_tour(self._world)
        holder = guest("Inger Møller", "inger.moeller@example.com", "+44 7700 900109", "da")
        sale = self._paid(9, self._now - 6 * DAY, self._line(TOUR_IN_DANISH, 2, **{"TOUR-DA": slot}), guest=holder)
        facts = {"before": {"state": SlotState.OPEN}, "after": {"state": SlotState.CANCELED}}
        sale.notes = [Note(self._now - 4 * HOUR, RequestEventKind.SLOT_CHANGED, ADMIN, facts, slot)]
        return sale

    def _unknown_customer(self) -> Sale:
        holder = guest("Pavel Novák", "pavel.novak@example.com", "+44 7700 900110", "cs", "C-900010")
        line = self._line(ADULT, 2, CASTLE=self._world.slots_of(CASTLE, self._world.today + DAY)[0])
        return self._paid(10, self._now - 20 * HOUR, line, guest=holder)

    def _ordered_twice(self) -> tuple[Sale, Sale]:
        """The shop let the guest start again under the same order number."""
        holder = guest("Greta Hartmann", "greta.hartmann@example.com", "+49 30 23125 011", "de")
        slot = self._world.slots_of(CASTLE, self._world.today + DAY)[0]
        made_at = self._now - self._hold - 2 * DAY
        first = self._order(11, made_at, self._line(FAMILY, 1, CASTLE=slot), guest=holder, suffix="a")
        first.is_stamped, first.owns_order, first.document = True, False, None
        again_at = first.expires_at + 7 * MINUTE
        second = self._paid(11, again_at, self._line(FAMILY, 1, CASTLE=slot), guest=holder, suffix="b")
        return first, second

    def _group_partly_used(self) -> Sale:
        sale = self._order(
            12, self._now - 9 * DAY, self._line(CASTLE_GROUP, 20, CASTLE=self._castle_now), guest=SKOVBY_SCHOOL
        )
        sale.confirm(sale.made_at + self._paid_after, PaymentOption.POSTPAID)
        sale.document = "Invoiced"
        opened_at = self._castle_now.arrival_from
        arrival = Arrival(opened_at + (self._now - opened_at) / 2, 12)
        sale.tickets[0].accesses[0].arrivals.append(arrival)
        return sale

    def _not_valid_any_more(self) -> Sale:
        holder = guest("Liam Petit", "liam.petit@example.com", "+33 1 99 00 00 13", "fr")
        sale = self._paid(13, self._now - 12 * DAY, self._line(PARK_DAY, 2), guest=holder)
        return self._refuse(sale, self._now - 10 * MINUTE, RefusalCode.NO_LONGER_VALID, PARK)

    def _mistyped_email(self) -> Sale:
        holder = guest("Kristine Lund", "krisitne.lund@example.com", "+44 7700 900114", "da")
        day = self._world.today + 2 * DAY
        castle, treasure = self._world.slots_of(CASTLE, day)[0], self._world.slots_of(TREASURE, day)[0]
        line = self._line(CASTLE_TREASURE, 2, CASTLE=castle, TREASURE=treasure)
        return self._paid(14, self._now - 7 * HOUR, line, guest=holder)

    # ------------------------------------------------------------------------------------------- nothing wrong

    def _annas_order(self) -> Sale:
        """The last two places of a tour, and a family ticket on a second line."""
        tour = tour_for_two(self._world)
        castle = self._world.slots_of(CASTLE, tour.date)[0]
        lines = self._line(TOUR_IN_ENGLISH, 2, **{"TOUR-EN": tour}), self._line(FAMILY, 1, CASTLE=castle)
        sale = self._paid(0, self._now - 26 * HOUR, *lines, guest=ANNA_BERG)
        sale.token, sale.order_no, sale.payment_reference = "anna-berg-10042", EXAMPLE_ORDER, "PAY-10042"
        for ticket, number in zip(sale.tickets, EXAMPLE_TICKETS, strict=False):
            ticket.number = number
        return sale

    def _receipt(self) -> Sale:
        """A family that walked in, early enough to come in as well before the slot is over."""
        slot = self._world.slot_at(CASTLE, self._now - 2 * DAY)
        made_at = slot.arrival_from + (slot.arrival_until - slot.arrival_from) / 4
        lines = self._line(ADULT, 2, CASTLE=slot), self._line(CHILD, 1, CASTLE=slot)
        sale = self._at_pos(made_at, EXAMPLE_RECEIPT, "castle-pos-000317", *lines)
        self._sell_at_pos(sale)
        for ticket in sale.tickets:
            ticket.accesses[0].arrivals.append(Arrival(made_at + 10 * MINUTE, 1))
        return sale
