"""What the demo's attraction is: clients, admissions with their timetables, and what is sold.

The castle is open day and night, so that a newcomer finds it open at any hour; the next tour is never a day away.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time
from zoneinfo import ZoneInfo

from db.admission import AdmissionKind, CapacityControl, CapacityLimitsBy, ScheduleSelection
from db.client import Role
from db.ticket_item import AdmissionInclusion, EntryValidation, ReschedulePolicy, TicketKind

ZONE = ZoneInfo("Europe/Copenhagen")
DAYS_AHEAD = 30
"""How far ahead slots are generated."""

EVERY_DAY = 0b1111111
WEEKEND = 0b1110000
"""From Friday: bit 0 is Monday."""


@dataclass(frozen=True, slots=True, eq=False)
class Client:
    """Who writes to the demo. ``is_given_a_key``: the key is handed to whoever loaded the demo."""

    name: str
    role: Role
    is_given_a_key: bool = True


ADMIN = Client("Demo admin", Role.ADMIN)
SUPPORT = Client("Castle support", Role.SUPPORT)
POS = Client("Castle POS", Role.POS)
SHOP = Client("castle-shop.example", Role.WEB_STORE)
GATE = Client("Main gate", Role.GATE)
OTHER_SHOP = Client("harbour-tours.example", Role.WEB_STORE, is_given_a_key=False)
OTHER_POS = Client("Harbour kiosk", Role.POS, is_given_a_key=False)
CLIENTS = (ADMIN, SUPPORT, POS, SHOP, GATE, OTHER_SHOP, OTHER_POS)
"""The second store and POS show that what is others' is not seen."""


@dataclass(frozen=True, slots=True)
class Timetable:
    """Slots at the same time of day. ``arrival`` is in minutes from the start; None is the slot's own length."""

    code: str
    description: str
    start: time
    stop: time
    capacity: int
    weekdays: int = EVERY_DAY
    arrival: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Admission:
    """A place or an event of the demo."""

    code: str
    description: str
    kind: AdmissionKind
    limits_by: CapacityLimitsBy
    default_schedule: ScheduleSelection
    timetables: tuple[Timetable, ...] = ()
    control: CapacityControl = CapacityControl.SALES
    gate: str = "Gate 1"

    @property
    def is_event(self) -> bool:
        return self.kind is AdmissionKind.EVENT


def _minutes(count: int) -> time:
    return time(count // 60 % 24, count % 60)


def _starts(code: str, description: str, starts: Iterable[int], length: int, **rest: int) -> tuple[Timetable, ...]:
    """One timetable per start, all in minutes; guests are let in from ten minutes before to ten minutes after."""
    return tuple(
        Timetable(
            f"{code}-{_minutes(start):%H%M}",
            f"{description} at {_minutes(start):%H:%M}",
            _minutes(start),
            _minutes(start + length),
            arrival=(-10, 10),
            **rest,
        )
        for start in starts
    )


CASTLE = Admission(
    "CASTLE",
    "Falkeborg Castle",
    AdmissionKind.LOCATION,
    CapacityLimitsBy.SCHEDULE,
    ScheduleSelection.TODAY,
    (
        Timetable("CASTLE-DAY", "By day", time(8), time(20), 400),
        Timetable("CASTLE-NIGHT", "By torchlight", time(20), time(8), 150),
    ),
)
TREASURE = Admission(
    "TREASURE",
    "Treasure room",
    AdmissionKind.EVENT,
    CapacityLimitsBy.ADMISSION,
    ScheduleSelection.SCHEDULE_ENTRY,
    _starts("TREASURE", "Treasure room", range(9 * 60, 21 * 60, 30), 30, capacity=20),
    gate="Treasure room door",
)
TOUR_DA = Admission(
    "TOUR-DA",
    "Guided tour in Danish",
    AdmissionKind.EVENT,
    CapacityLimitsBy.SLOT,
    ScheduleSelection.NEXT_AVAILABLE,
    _starts("TOUR-DA", "Guided tour in Danish", (10 * 60 + 30, 14 * 60, 17 * 60), 60, capacity=25),
    gate="Tour desk",
)
TOUR_EN = Admission(
    "TOUR-EN",
    "Guided tour in English",
    AdmissionKind.EVENT,
    CapacityLimitsBy.SLOT,
    ScheduleSelection.NEXT_AVAILABLE,
    _starts("TOUR-EN", "Guided tour in English", (11 * 60, 13 * 60, 15 * 60 + 30), 60, capacity=25)
    + _starts("TOUR-EN", "Guided tour in English", (22 * 60,), 60, capacity=15, weekdays=WEEKEND),
    gate="Tour desk",
)
PARK = Admission(
    "PARK",
    "Castle park",
    AdmissionKind.LOCATION,
    CapacityLimitsBy.ADMISSION,
    ScheduleSelection.NONE,
    control=CapacityControl.NONE,
    gate="Park gate",
)
ADMISSIONS = (CASTLE, TREASURE, TOUR_DA, TOUR_EN, PARK)


@dataclass(frozen=True, slots=True, eq=False)
class Type:
    """A ticket type: how many people a ticket is for, and how its number is made."""

    code: str
    description: str
    kind: TicketKind
    pattern: str


INDIVIDUAL = Type("INDIVIDUAL", "One ticket per person", TicketKind.INDIVIDUAL, "[S]-[X*6]")
GROUP = Type("GROUP", "One ticket per group", TicketKind.GROUP, "G[S]-[N*4]")
TYPES = (INDIVIDUAL, GROUP)


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """A line of an item's bill of material; the first line of an item is its default."""

    admission: Admission
    days: int
    places: int = 1
    inclusion: AdmissionInclusion = AdmissionInclusion.REQUIRED
    entries: EntryValidation = EntryValidation.SINGLE
    max_entries: int | None = None
    reschedule: ReschedulePolicy = ReschedulePolicy.UNTIL_USED
    refund_percent: int = 100


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """What is sold. ``price`` is in units of the currency."""

    number: str
    description: str
    price: str
    contents: tuple[Content, ...]
    variant: str | None = None
    barcodes: tuple[str, ...] = ()
    type: Type = INDIVIDUAL
    is_blocked: bool = False


OVERNIGHT = 2
"""Days that a castle ticket is valid: whoever comes by torchlight comes until the morning."""

ADULT = Item("CASTLE", "Castle, adult", "18.00", (Content(CASTLE, OVERNIGHT),), "ADULT", ("5701234000017",))
CHILD = Item("CASTLE", "Castle, child", "9.00", (Content(CASTLE, OVERNIGHT),), "CHILD", ("5701234000024",))
TREASURE_ROOM = Item("TREASURE", "Treasure room", "12.00", (Content(TREASURE, 7),), barcodes=("5701234000031",))
FAMILY = Item(
    "FAMILY", "Castle, family of four", "45.00", (Content(CASTLE, OVERNIGHT, places=4),), barcodes=("5701234000048",)
)
CASTLE_GROUP = Item("GROUP", "Castle, group, per person", "14.00", (Content(CASTLE, OVERNIGHT),), type=GROUP)
CASTLE_TREASURE = Item(
    "CASTLE-TREASURE", "Castle and treasure room", "27.00", (Content(CASTLE, 3), Content(TREASURE, 3))
)
GRAND_TOUR = Item(
    "GRAND-TOUR",
    "Castle, treasure room and a guided tour in English",
    "42.50",
    (Content(CASTLE, 7), Content(TREASURE, 7), Content(TOUR_EN, 7)),
    barcodes=("5701234000055", "GRAND"),
)
CASTLE_PLUS = Item(
    "CASTLE-PLUS",
    "Castle, with the treasure room and the park if you like",
    "24.00",
    (
        Content(CASTLE, 3),
        Content(TREASURE, 3, inclusion=AdmissionInclusion.SELECTED),
        Content(PARK, 3, inclusion=AdmissionInclusion.NOT_SELECTED),
    ),
)
TOUR_IN_DANISH = Item("TOUR-DA", "Guided tour in Danish", "11.00", (Content(TOUR_DA, 7),))
TOUR_IN_ENGLISH = Item("TOUR-EN", "Guided tour in English", "11.00", (Content(TOUR_EN, 7),))
PARK_DAY = Item("PARK-DAY", "Park, one day", "8.00", (Content(PARK, 1, entries=EntryValidation.SAME_DAY),))
PARK_SEASON = Item(
    "PARK-SEASON",
    "Park, season pass",
    "60.00",
    (
        Content(
            PARK,
            365,
            entries=EntryValidation.MULTIPLE,
            reschedule=ReschedulePolicy.NOT_ALLOWED,
            refund_percent=50,
        ),
    ),
    barcodes=("5701234000062",),
)
JUBILEE = Item(
    "CASTLE-2019", "Castle, the jubilee ticket of 2019", "15.00", (Content(CASTLE, OVERNIGHT),), is_blocked=True
)
ITEMS = (
    ADULT,
    CHILD,
    TREASURE_ROOM,
    FAMILY,
    CASTLE_GROUP,
    CASTLE_TREASURE,
    GRAND_TOUR,
    CASTLE_PLUS,
    TOUR_IN_DANISH,
    TOUR_IN_ENGLISH,
    PARK_DAY,
    PARK_SEASON,
    JUBILEE,
)
