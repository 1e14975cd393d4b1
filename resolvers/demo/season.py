"""A season at the castle: made-up sales in the order of time.

Each sale is drawn from a seed of its own, first who buys what under which number, then what depends on the hour of the
load: whatever the clock says, the same number of requests makes the same sales.
"""

from bisect import bisect
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import accumulate, count
from random import Random
from typing import Generic, TypeVar

from db.client import Role
from db.sales_order import SalesChannel
from db.ticket_item import AdmissionInclusion
from db.ticket_request import PaymentOption
from db.timeline import RequestEventKind

from .. import slots as generated
from ..context import Rules
from .people import NOBODY, Guest
from .sale import Access, Arrival, Block, Entry, Line, Note, Sale, Slot, Ticket
from .set_up import DAY, World
from .world import (
    ADULT,
    CASTLE,
    CASTLE_GROUP,
    CASTLE_PLUS,
    CASTLE_TREASURE,
    CHILD,
    DAYS_AHEAD,
    FAMILY,
    GRAND_TOUR,
    OTHER_POS,
    OTHER_SHOP,
    PARK,
    PARK_DAY,
    PARK_SEASON,
    POS,
    SHOP,
    TOUR_IN_DANISH,
    TOUR_IN_ENGLISH,
    TREASURE_ROOM,
    ZONE,
    Admission,
    Client,
    Item,
)

T = TypeVar("T")

Basket = tuple[tuple[Item, int, int], ...]
"""Items, each with the fewest and the most that are bought of it."""

BASKETS: tuple[tuple[int, Basket], ...] = (
    (14, ((ADULT, 1, 2),)),
    (14, ((ADULT, 2, 2), (CHILD, 1, 3))),
    (8, ((FAMILY, 1, 1),)),
    (6, ((FAMILY, 1, 1), (CHILD, 1, 2))),
    (10, ((CASTLE_TREASURE, 1, 3),)),
    (7, ((GRAND_TOUR, 1, 2),)),
    (9, ((CASTLE_PLUS, 1, 3),)),
    (6, ((TREASURE_ROOM, 1, 4),)),
    (5, ((TOUR_IN_DANISH, 1, 4),)),
    (5, ((TOUR_IN_ENGLISH, 1, 4),)),
    (5, ((ADULT, 1, 2), (TOUR_IN_ENGLISH, 1, 2))),
    (4, ((ADULT, 2, 2), (CHILD, 1, 2), (TREASURE_ROOM, 3, 4))),
    (4, ((PARK_DAY, 1, 4),)),
    (2, ((PARK_SEASON, 1, 2),)),
    (2, ((CASTLE_GROUP, 10, 30),)),
)
"""What is bought, by how often of a hundred or so."""

INSTEAD = ((PARK_DAY, 2),)
"""What remains when everything else is sold out: the park has no limit."""

SELLERS: tuple[tuple[int, Client], ...] = ((60, SHOP), (10, OTHER_SHOP), (22, POS), (8, OTHER_POS))
CASHIERS = ("AST", "BRI", "KAI", "LIV")

BEING_BOUGHT = 0.08
"""The share of requests made so recently that the holds of those not paid still run."""

NOT_STAMPED = 0.01
"""The share of requests that are made just before; if they expired, nobody has noticed yet."""

MOST_AT_ONCE = 2000
"""However many requests there are, no more than this in the last minutes: the till is only so wide."""

NOTICED_AFTER = timedelta(minutes=30)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
BLOCKED_BECAUSE = ("Reported lost by the guest.", "Paid with a stolen card.", "Printed twice by mistake.")


class Season:
    """Draws sales, each at its moment, and takes their places in the slots."""

    def __init__(self, world: World, rules: Rules, seed: int, guests: Sequence[Guest]) -> None:
        self._world = world
        self._now = world.now
        self._guests = guests
        self._seeds = count(seed)
        self._random = Random(seed)  # noqa: S311
        self._moments = Random(seed)  # noqa: S311
        self._holds = {channel: timedelta(seconds=rules.hold_of(channel)) for channel in SalesChannel}
        self._just_now = world.now - min(*self._holds.values(), NOTICED_AFTER)
        self._baskets = _Weighted(BASKETS)
        self._sellers = _Weighted(SELLERS)
        self._order_nos, self._receipt_nos = count(124), count(1001)
        self._receipt_no = next(self._receipt_nos)

    def sales(self, requests: int) -> Iterator[Sale]:
        """So many sales, in the order of time: most spread over the past days, the last ones in the last minutes."""
        before = self._just_now - NOTICED_AFTER
        live = min(round(requests * BEING_BOUGHT), MOST_AT_ONCE)
        recent = min(round(requests * NOT_STAMPED), MOST_AT_ONCE)
        days = self._days(before)
        rest = requests - live - recent
        length = sum(((end - start) for start, end in days), timedelta())
        sold, passed = 0, timedelta()
        for start, end in days:
            passed += end - start
            due = round(rest * (passed / length))
            yield from self._between(start, end, due - sold)
            sold = due
        yield from self._between(before, self._just_now, recent)
        yield from self._between(self._just_now, self._now, live)

    def _days(self, end: datetime) -> list[tuple[datetime, datetime]]:
        """Every local day from the first one until that moment."""
        first, last = self._world.first_day, end.astimezone(ZONE).date()
        days = (first + day * DAY for day in range((last - first).days + 1))
        starts = [generated.moment(day, time.min, ZONE) for day in days]
        return list(zip(starts, [*starts[1:], end], strict=True))

    def _between(self, start: datetime, end: datetime, number: int) -> Iterator[Sale]:
        """Sales in that time; on a whole day more of them about noon than at night."""
        random, length = self._moments.random, end - start
        if length > 20 * HOUR:
            moments = sorted((random() + random()) / 2 for _ in range(number))
        else:
            moments = sorted(random() for _ in range(number))
        for moment in moments:
            yield self._sale(start + length * moment)

    # -------------------------------------------------------------------------------------------- one sale

    def _sale(self, at: datetime) -> Sale:
        self._random.seed(next(self._seeds))
        client = self._sellers.draw(self._random)
        token = f"{self._random.getrandbits(128):032x}"
        wanted = self._wanted(self._baskets.draw(self._random))
        is_pos = client.role is Role.POS
        hold = self._holds[SalesChannel.POS if is_pos else SalesChannel.WEB_STORE]
        sale = Sale(client, at, (), at + hold, token)
        if is_pos:
            self._give_receipt(sale)
        else:
            self._give_order_number(sale)
        sale.lines = self._lines(wanted, at, is_pos)
        if is_pos:
            self._sell_at_pos(sale)
        else:
            self._sell_in_web_store(sale)
        if sale.confirmed_at is not None:
            self._after_sale(sale)
        elif sale.canceled_at or sale.expires_at <= self._now:
            return sale
        if sale.canceled_at is None:
            sale.take_places()
        return sale

    def _give_receipt(self, sale: Sale) -> None:
        """At a counter: seldom with a name. A receipt carries one request as a rule, and sometimes two."""
        random = self._random.random
        sale.token = sale.token.upper()  # as the server makes them
        has_receipt_of_its_own = random() > 0.03
        if has_receipt_of_its_own:
            self._receipt_no = next(self._receipt_nos)
        number = self._receipt_no
        sale.receipt = (f"R-{number:06d}", f"POS-{number % 3 + 1}") if sale.client is POS else (f"{number}", "KIOSK-1")
        sale.salesperson = CASHIERS[number % len(CASHIERS)]
        if random() < 0.12:
            sale.guest = self._guest()
        if has_receipt_of_its_own and random() < 0.9:
            sale.document = "Posted"

    def _give_order_number(self, sale: Sale) -> None:
        """In a web store: with a name, and nearly always an order number. Not every order was sent to us."""
        chance = self._random.random()
        sale.guest = self._guest()
        if chance < 0.96:
            number = next(self._order_nos)
            sale.order_no = f"WEB-{sale.made_at.year}-{number:06d}" if sale.client is SHOP else f"HT{number}"
        if chance < 0.88:
            sale.document = "Open"

    def _sell_at_pos(self, sale: Sale) -> None:
        """Paid and printed within a minute or two, or called off."""
        random = self._random.random
        sold_at = sale.made_at + (0.2 + 0.7 * random()) * min(100 * SECOND, sale.expires_at - sale.made_at)
        if sold_at > self._now or random() < 0.03:
            self._lapse(sale)
            sale.document = None
            return
        sale.confirm(sold_at, PaymentOption.DIRECT)
        for ticket in sale.tickets:
            ticket.printed_at = min(sold_at + 5 * SECOND, self._now)

    def _sell_in_web_store(self, sale: Sale) -> None:
        """Paid after some minutes, or never."""
        random = self._random.random
        if random() < 0.12:
            self._lapse(sale)
            return
        sold_at = sale.made_at + (0.1 + 0.8 * random()) * min(12 * MINUTE, sale.expires_at - sale.made_at)
        if random() < 0.15:
            self._extend(sale, sold_at)
        if sold_at > self._now:
            self._lapse(sale)
            return
        self._pay(sale, sold_at)
        if sale.document and sale.payment is not PaymentOption.UNPAID:
            sale.document = "Paid" if sale.payment is PaymentOption.PREPAID else "Invoiced"
        if random() < 0.15:
            for ticket in sale.tickets:
                ticket.printed_at = min(sold_at + 2 * MINUTE, self._now)

    def _guest(self) -> Guest:
        """Somebody; one of fifty gives a customer number that nobody knows."""
        random = self._random.random
        guest = self._guests[int(random() * len(self._guests))]
        if random() < 0.02:
            number = f"C-9{int(random() * 100_000):05d}"
            return guest._replace(customer_no=number, customer_key=number.lower())
        return guest

    def _lapse(self, sale: Sale) -> None:
        """Not bought, or not yet: given up, or forgotten. A sweep writes down what has expired, with some delay."""
        random = self._random.random
        given_up_at = sale.made_at + (1 + 15 * random()) * MINUTE
        if random() < 0.35 and given_up_at < min(sale.expires_at, self._now):
            sale.canceled_at = given_up_at
            sale.reason = "The guest changed their mind." if random() < 0.5 else None
            return
        sale.is_stamped = sale.expires_at <= self._now - NOTICED_AFTER

    def _extend(self, sale: Sale, before: datetime) -> None:
        """The hold begun anew when the guest goes to pay."""
        extended_at = sale.made_at + 0.9 * (before - sale.made_at)
        if extended_at < self._now:
            sale.expires_at += extended_at - sale.made_at
            sale.extended_at = extended_at

    def _pay(self, sale: Sale, at: datetime) -> None:
        """PREPAID as a rule; groups with a customer number get an invoice; some pay when they come to the counter."""
        random = self._random.random
        reference = f"PAY-{self._random.getrandbits(40):010X}"
        chance = random()
        if sale.guest.customer_no and (sale.lines[0].item is CASTLE_GROUP or chance < 0.01):
            sale.confirm(at, PaymentOption.POSTPAID)
        elif chance < 0.94:
            sale.confirm(at, PaymentOption.PREPAID, reference)
        else:
            paid_at = at + 3 * HOUR * random()
            if paid_at < self._now and chance < 0.98:
                sale.confirm(at, PaymentOption.PREPAID, reference, paid_at)
            else:
                sale.confirm(at, PaymentOption.UNPAID)

    # ----------------------------------------------------------------------------------------- what is chosen

    def _wanted(self, basket: Basket) -> list[tuple[Item, int]]:
        random = self._random.random
        return [(item, least + int(random() * (most - least + 1))) for item, least, most in basket]

    def _lines(self, wanted: Sequence[tuple[Item, int]], at: datetime, is_pos: bool) -> list[Line]:
        """The lines for what is wanted, with slots in which all of them find room, or else a walk in the park."""
        random = self._random.random
        lead = 0
        if random() > (0.92 if is_pos else 0.35):
            lead = min(1 + int(self._random.expovariate(0.2)), DAYS_AHEAD)
        for later in (lead, lead + 1, lead + 3):
            if lines := self._on(at, at.astimezone(ZONE).date() + later * DAY, wanted):
                return lines
        return self._on(at, at.astimezone(ZONE).date(), INSTEAD) or []

    def _on(self, at: datetime, day: date, wanted: Sequence[tuple[Item, int]]) -> list[Line] | None:
        """The lines for a visit on that day, or None if there is no room."""
        taken = [
            (item, number, [(content, self._takes(content.inclusion)) for content in item.contents])
            for item, number in wanted
        ]
        places: dict[Admission, int] = {}
        for _, number, contents in taken:
            for content, is_included in contents:
                if is_included:
                    places[content.admission] = places.get(content.admission, 0) + number * content.places
        slots: dict[Admission, Slot | None] = {}
        for admission, number in places.items():
            slot = self._slot(admission, day, at, number)
            if slot is None and admission is not PARK:
                return None
            slots[admission] = slot
        return [
            Line(
                item,
                number,
                [Entry(c, slots[c.admission] if is_included else None, is_included) for c, is_included in contents],
            )
            for item, number, contents in taken
        ]

    def _takes(self, inclusion: AdmissionInclusion) -> bool:
        if inclusion is AdmissionInclusion.REQUIRED:
            return True
        return self._random.random() < (0.8 if inclusion is AdmissionInclusion.SELECTED else 0.4)

    def _slot(self, admission: Admission, day: date, at: datetime, places: int) -> Slot | None:
        """A slot of that day with room that has not begun to close; at the castle the day rather than the night."""
        slots = [slot for slot in self._world.slots_of(admission, day) if slot.last_entrance > at + MINUTE]
        if not slots:
            return None
        first = int(self._random.random() * len(slots))
        if admission is CASTLE and self._random.random() < 0.7:
            first = 0
        for slot in (*slots[first:], *slots[:first]):
            if slot.has_room(places):
                return slot
        return None

    # -------------------------------------------------------------------------------------- what became of it

    def _after_sale(self, sale: Sale) -> None:
        """The visit, and the little things that go wrong before it."""
        chance = self._random.random()
        if chance < 0.03:
            self._revoke(sale, sale.tickets)
        elif chance < 0.045 and len(sale.tickets) > 1:
            self._revoke(sale, sale.tickets[:1])
        elif chance < 0.06:
            self._block(sale, sale.tickets[0])
        elif chance < 0.07 and sale.guest is not NOBODY:
            self._note_new_holder(sale)
        if sale.canceled_at is None and sale.payment is not PaymentOption.UNPAID and self._random.random() < 0.93:
            self._visit(sale)

    def _soon_after(self, sale: Sale) -> datetime | None:
        """Some moment of the hours after the sale, if it has come; before the first visit begins."""
        assert sale.confirmed_at is not None
        starts = [access.slot.arrival_from for access in sale.tickets[0].accesses if access.slot]
        at = (sale.paid_at or sale.confirmed_at) + 5 * MINUTE + 12 * HOUR * self._random.random()
        return at if at < min((self._now, *starts)) else None

    def _revoke(self, sale: Sale, tickets: Sequence[Ticket]) -> None:
        at = self._soon_after(sale)
        if at is None:
            return
        for ticket in tickets:
            ticket.revoked_at = at
        if all(ticket.revoked_at for ticket in sale.tickets):
            sale.canceled_at = at

    def _block(self, sale: Sale, ticket: Ticket) -> None:
        at = self._soon_after(sale)
        if at is None:
            return
        block = Block(at, self._random.choice(BLOCKED_BECAUSE))
        if len(ticket.accesses) > 1 and self._random.random() < 0.4:
            ticket.accesses[-1].block = block
        else:
            ticket.block = block

    def _note_new_holder(self, sale: Sale) -> None:
        at = self._soon_after(sale)
        if at is not None:
            sale.notes = [Note(at, RequestEventKind.HOLDER_CHANGED, sale.client, {"changed": ["email", "phone"]})]

    def _visit(self, sale: Sale) -> None:
        """Who bought together comes together: through each gate at its time, as far as it has come."""
        assert sale.confirmed_at is not None
        ready_at = (sale.paid_at or sale.confirmed_at) + 2 * MINUTE
        arrivals: dict[Admission, datetime] = {}
        for place, ticket in enumerate(t for t in sale.tickets if not t.revoked_at and not t.block):
            for access in ticket.accesses:
                if access.block:
                    continue
                admission = access.content.admission
                at = arrivals.get(admission)
                if at is None:
                    at = arrivals[admission] = self._arrival(access.slot, ready_at)
                self._admit(access, at + place * 4 * SECOND, ticket.people)

    def _arrival(self, slot: Slot | None, ready_at: datetime) -> datetime:
        """When they come: in the first part of the arrival window; to the park within minutes, before the day ends."""
        chance = self._random.random()
        if slot is None:
            return ready_at + chance * MINUTE
        window = slot.arrival_until - slot.arrival_from
        return max(slot.arrival_from + 0.7 * chance * window, ready_at + chance * 10 * MINUTE)

    def _admit(self, access: Access, at: datetime, people: int) -> None:
        """Let people in if the time has come, and out again if somebody counted; a season pass comes back."""
        if at > self._now or (access.slot and at > access.slot.arrival_until):
            return
        random = self._random.random
        arrival = Arrival(at, people)
        if random() < 0.55:
            departed_at = at + (30 + 120 * random()) * MINUTE
            arrival.departed_at = departed_at if departed_at < self._now else None
        access.arrivals.append(arrival)
        if access.content is PARK_SEASON.contents[0] and arrival.departed_at and random() < 0.7:
            self._admit(access, arrival.departed_at + (1 + 9 * random()) * DAY, people)


class _Weighted(Generic[T]):
    """Draws one of several things, each as often as its weight says."""

    def __init__(self, weighed: Sequence[tuple[int, T]]) -> None:
        self._things = [thing for _, thing in weighed]
        self._bounds = list(accumulate(weight for weight, _ in weighed))

    def draw(self, random: Random) -> T:
        return self._things[bisect(self._bounds, random.random() * self._bounds[-1])]
