"""Writes sales down: every row that the tables hold of them, and the timeline's events in the order of time."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import count
from operator import attrgetter
from random import Random
from typing import Any

import orjson

import db
from db.bulk import Bulk, row_class
from db.keys import key
from db.reservation import ReservationKind
from db.search_key import SearchKeyRow, SearchKind
from db.ticket_item import ContentLineRow
from db.ticket_request import PaymentOption, TicketRequestStatus
from db.timeline import RequestEventKind

from ..context import Rules
from ..pattern import Pattern
from ..refusals import RefusalCode
from ..ticket.rules import RefundShare, refund_minor
from ..ticket_request.validity import Validity, validity
from .people import Guest
from .sale import Access, Entry, Line, RefusedScan, Sale, Slot, Ticket
from .set_up import World
from .world import GATE, SUPPORT, ZONE, Admission, Client

_REQUESTS, _ORDER_KEYS = db.ticket_request.ticket_request, db.ticket_request.order_key
_LINES, _ENTRIES = db.ticket_request.request_line, db.ticket_request.request_entry
_RESERVATIONS, _SALES_ORDERS = db.reservation.reservation, db.sales_order.sales_order
_TICKETS, _NUMBERS = db.ticket.issued_ticket, db.ticket.ticket_number
_ACCESS_ENTRIES, _VISITS, _EVENTS = db.ticket.access_entry, db.visit.visit, db.timeline.request_event
_SEARCH_KEYS = db.search_key.search_key

TABLES = (
    _REQUESTS,
    _ORDER_KEYS,
    _SALES_ORDERS,
    _LINES,
    _ENTRIES,
    _RESERVATIONS,
    _TICKETS,
    _NUMBERS,
    _ACCESS_ENTRIES,
    _VISITS,
    _EVENTS,
    _SEARCH_KEYS,
)
"""The tables of sales; none points at a later one."""

_Request, _OrderKey, _SalesOrder = row_class(_REQUESTS), row_class(_ORDER_KEYS), row_class(_SALES_ORDERS)
_Line, _Entry, _Reservation = row_class(_LINES), row_class(_ENTRIES), row_class(_RESERVATIONS)
_Ticket, _Number = row_class(_TICKETS), row_class(_NUMBERS)
_Access, _Visit, _Event = row_class(_ACCESS_ENTRIES), row_class(_VISITS), row_class(_EVENTS)

FINGERPRINT = "demo"
FINGERPRINT_VERSION = 0
"""No input was ever parsed like this: a demo token sent again is TOKEN_REUSED."""

SYSTEM = "system"

DRAWN = 1000
"""How many authorization codes, and ticket numbers of each pattern, are made: each anew would take longer."""


class Books:
    """Turns sales into rows. Everything in it is in memory until it is taken."""

    def __init__(self, world: World, rules: Rules, random: Random, ids: Mapping[str, "count[int]"], tx: int) -> None:
        self._world = world
        self._ids = ids
        self._tx = tx
        self._codes = _drawn(rules.authorization_code_pattern, random)
        self._numbers = {type_: _drawn(type_.pattern, random) for type_ in world.types}
        self._rows: dict[str, list[Any]] = {table.name: [] for table in TABLES}
        self._events: list[Any] = []
        self._validities: dict[tuple[int, date, date], Validity] = {}
        self._guest_forms: dict[Guest, list[tuple[SearchKind, str]]] = {}

    @classmethod
    async def open(cls, bulk: Bulk, world: World, rules: Rules, random: Random) -> "Books":
        """Books that go on behind the rows of the database."""
        ids = {table.name: count(await bulk.next_id(table)) for table in TABLES if "id" in table.c}
        return cls(world, rules, random, ids, await bulk.transaction_id())

    def take(self, until: datetime | None = None) -> Mapping[str, Sequence[Any]]:
        """What was written since the last time, by table; of the events those before ``until``, in the order of time.

        Sales are entered in the order of time too, so that nothing earlier can come after.
        """
        self._events.sort(key=_AT)
        rows, self._rows = self._rows, {table.name: [] for table in TABLES}
        due = len(self._events)
        while due and until is not None and self._events[due - 1].at >= until:
            due -= 1
        ids = self._ids[_EVENTS.name]
        rows[_EVENTS.name] = [_Event._make((next(ids), *event[1:])) for event in self._events[:due]]
        del self._events[:due]
        return rows

    def enter(self, sale: Sale) -> None:
        """Write a sale down."""
        request_id = next(self._ids[_REQUESTS.name])
        self._enter_request(sale, request_id)
        self._happened_to_request(sale, request_id)
        for line_no, line in enumerate(sale.lines, 1):
            self._enter_line(sale, request_id, line_no, line)
        if sale.canceled_at is not None:
            facts = {"reason": sale.reason} if sale.reason else {}
            by = SUPPORT if sale.confirmed_at else sale.client
            self._happened(RequestEventKind.CANCELED, sale.canceled_at, by, request_id, facts=facts)
        for note in sale.notes:
            where = (self._world.admissions[note.slot.admission], note.slot.id) if note.slot else (None, None)
            self._happened(
                note.kind, note.at, note.by, request_id, admission_id=where[0], slot_id=where[1], facts=note.facts
            )

    # ------------------------------------------------------------------------------------------ the request

    def _enter_request(self, sale: Sale, request_id: int) -> None:
        client_id, guest = self._world.clients[sale.client], sale.guest
        total = sum(self._world.prices[line.item] * line.quantity for line in sale.lines)
        code = _one_of(self._codes, request_id)
        order_key = key(sale.order_no)
        receipt_no, pos_unit_no = sale.receipt or (None, None)
        status, since = _status(sale)
        self._rows[_REQUESTS.name].append(
            _Request(
                id=request_id,
                client_id=client_id,
                token=sale.token,
                token_key=key(sale.token),
                authorization_code=code,
                code_key=key(code),
                fingerprint=FINGERPRINT,
                fingerprint_version=FINGERPRINT_VERSION,
                channel=sale.channel,
                status=status,
                status_changed_at=since,
                created_at=sale.made_at,
                expires_at=None if sale.confirmed_at or sale.canceled_at else sale.expires_at,
                payment_option=sale.payment,
                payment_reference=sale.payment_reference,
                payment_key=key(sale.payment_reference),
                currency=self._world.currency,
                total_minor=total,
                customer_no=guest.customer_no,
                customer_key=guest.customer_key,
                email=guest.email,
                email_key=guest.email_key,
                phone=guest.phone,
                phone_key=guest.phone_key,
                ticket_holder_name=guest.name,
                name_key=guest.name_key,
                language=guest.language,
                external_order_no=sale.order_no,
                order_key=order_key,
                receipt_no=receipt_no,
                receipt_key=key(receipt_no),
                pos_unit_no=pos_unit_no,
                pos_unit_key=key(pos_unit_no),
                salesperson_code=sale.salesperson,
            )
        )
        self._enter_search_keys(sale, request_id, client_id, code)
        if order_key is not None and sale.owns_order:
            self._rows[_ORDER_KEYS.name].append(_OrderKey(client_id=client_id, key=order_key, request_id=request_id))
        if sale.document is not None:
            self._enter_sales_order(sale, client_id, total)

    def _enter_search_keys(self, sale: Sale, request_id: int, client_id: int, code: str) -> None:
        """What the request is found by; what a guest is found by is worked out once."""
        guest = sale.guest
        found = self._guest_forms.get(guest)
        if found is None:
            values = (guest.customer_no, guest.email, guest.phone, guest.name)
            found = self._guest_forms[guest] = _forms(zip(_OF_GUEST, values, strict=True))
        receipt_no, _ = sale.receipt or (None, None)
        dictated = ((SearchKind.REQUEST_TICKET_NO, no) for line in sale.lines for no in line.dictated_nos or ())
        of_sale = _forms(
            [
                (SearchKind.REQUEST_TOKEN, sale.token),
                (SearchKind.REQUEST_CODE, code),
                (SearchKind.REQUEST_ORDER_NO, sale.order_no),
                (SearchKind.REQUEST_RECEIPT_NO, receipt_no),
                (SearchKind.REQUEST_PAYMENT, sale.payment_reference),
                *dictated,
            ]
        )
        self._rows[_SEARCH_KEYS.name] += [
            SearchKeyRow(request_id, client_id, kind.value, form) for kind, form in {*found, *of_sale}
        ]

    def _enter_sales_order(self, sale: Sale, client_id: int, total: int) -> None:
        receipt_no, pos_unit_no = sale.receipt or (None, None)
        self._rows[_SALES_ORDERS.name].append(
            _SalesOrder(
                id=next(self._ids[_SALES_ORDERS.name]),
                client_id=client_id,
                first_client_id=client_id,
                channel=sale.channel,
                external_order_no=sale.order_no,
                order_key=key(sale.order_no),
                receipt_no=receipt_no,
                receipt_key=key(receipt_no),
                pos_unit_no=pos_unit_no,
                pos_unit_key=key(pos_unit_no),
                customer_no=sale.guest.customer_no,
                customer_key=sale.guest.customer_key,
                placed_at=sale.made_at,
                total_minor=total,
                currency=self._world.currency,
                document_status=sale.document,
                created_at=sale.made_at,
                updated_at=sale.made_at,
            )
        )

    def _happened_to_request(self, sale: Sale, request_id: int) -> None:
        """What comes before the tickets."""
        happened, by = self._happened, sale.client
        happened(RequestEventKind.CREATED, sale.made_at, by, request_id, facts={"channel": sale.channel})
        if sale.extended_at is not None:
            facts = {"until": sale.expires_at.isoformat(), "revived": False}
            happened(RequestEventKind.EXTENDED, sale.extended_at, by, request_id, facts=facts)
        if sale.is_stamped:
            happened(RequestEventKind.EXPIRED, sale.expires_at, None, request_id)
        if sale.confirmed_at is not None:
            is_paid_later = sale.paid_at is not None
            said = PaymentOption.UNPAID if is_paid_later else sale.payment
            happened(RequestEventKind.CONFIRMED, sale.confirmed_at, by, request_id, facts={"payment": said})
        if sale.paid_at is not None:
            happened(RequestEventKind.PAID, sale.paid_at, by, request_id, facts={"payment": sale.payment})

    # ------------------------------------------------------------------------------------------ its lines

    def _enter_line(self, sale: Sale, request_id: int, line_no: int, line: Line) -> None:
        line_id = next(self._ids[_LINES.name])
        self._rows[_LINES.name].append(
            _Line(
                id=line_id,
                request_id=request_id,
                line_no=line_no,
                item_id=self._world.items[line.item],
                quantity=line.quantity,
                unit_price_minor=self._world.prices[line.item],
                ticket_kind=line.item.type.kind,
                dictated_nos=orjson.dumps(line.dictated_nos).decode() if line.dictated_nos else None,
            )
        )
        ids = self._ids[_ENTRIES.name]
        entry_ids = {entry.content.admission: next(ids) for entry in line.entries}
        for entry in line.entries:
            self._enter_entry(sale, request_id, line_id, line, entry, entry_ids[entry.content.admission])
        if line.tickets:
            valid = self._validity(sale, line)
            for ticket in line.tickets:
                self._enter_ticket(sale, request_id, line_id, line, ticket, valid, entry_ids)

    def _enter_entry(self, sale: Sale, request_id: int, line_id: int, line: Line, entry: Entry, entry_id: int) -> None:
        content = self._world.contents[entry.content]
        self._rows[_ENTRIES.name].append(
            _Entry(
                id=entry_id,
                request_id=request_id,
                line_id=line_id,
                content_line_id=content.id,
                admission_id=content.admission_id,
                inclusion=entry.inclusion,
                is_primary=content.is_default,
                quantity=line.quantity if entry.is_included else 0,
                slot_id=entry.slot.id if entry.slot else None,
            )
        )
        if entry.slot is not None and entry.is_included:
            self._reserve(sale, request_id, line, entry_id, entry.slot, content)

    def _reserve(
        self, sale: Sale, request_id: int, line: Line, entry_id: int, slot: Slot, content: ContentLineRow
    ) -> None:
        """The places in the slot. A revoked ticket gives its own back; when the last goes, the reservation ends."""
        if sale.confirmed_at is None:
            kind, since, until = ReservationKind.HELD, sale.made_at, sale.canceled_at or sale.expires_at
        else:
            kind, since, until = ReservationKind.SOLD, sale.confirmed_at, None
        people = line.people
        if not people:
            people, until = line.quantity, max(t.revoked_at for t in line.tickets if t.revoked_at)
        self._rows[_RESERVATIONS.name].append(
            _Reservation(
                id=next(self._ids[_RESERVATIONS.name]),
                entry_id=entry_id,
                request_id=request_id,
                slot_id=slot.id,
                places=people * content.quantity,
                kind=kind,
                since=since,
                until=until,
            )
        )

    def _validity(self, sale: Sale, line: Line) -> Validity:
        """As long as the tickets of the line are valid; worked out once for every pair of days."""
        assert sale.confirmed_at is not None
        contents = [self._world.contents[entry.content] for entry in line.entries if entry.is_included]
        visits = [entry.slot.starts_at for entry in line.entries if entry.slot and entry.is_included]
        days = max(content.duration_days or 0 for content in contents)
        issued_on = sale.confirmed_at.astimezone(ZONE).date()
        kind = (days, issued_on, min(visits).astimezone(ZONE).date() if visits else issued_on)
        if kind not in self._validities:
            self._validities[kind] = validity(contents, ZONE, sale.confirmed_at, visits)
        return self._validities[kind]

    # ------------------------------------------------------------------------------------------ its tickets

    def _enter_ticket(
        self,
        sale: Sale,
        request_id: int,
        line_id: int,
        line: Line,
        ticket: Ticket,
        valid: Validity,
        entry_ids: Mapping[Admission, int],
    ) -> None:
        ticket_id = next(self._ids[_TICKETS.name])
        number = ticket.number or _one_of(self._numbers[line.item.type], ticket_id).format(ticket_id)
        number_key = key(number)
        self._rows[_TICKETS.name].append(
            _Ticket(
                id=ticket_id,
                request_id=request_id,
                line_id=line_id,
                item_id=self._world.items[line.item],
                client_id=self._world.clients[sale.client],
                ticket_no=f"{ticket_id:08d}",
                external_ticket_no=number,
                number_key=number_key,
                kind=line.item.type.kind,
                quantity=ticket.people,
                price_minor=self._world.prices[line.item] * ticket.people,
                currency=self._world.currency,
                issued_at=sale.confirmed_at,
                valid_from=valid.start,
                valid_until=valid.until,
                valid_from_date=valid.from_date,
                valid_until_date=valid.until_date,
                blocked_at=ticket.block.at if ticket.block else None,
                blocked_reason=ticket.block.reason if ticket.block else None,
                revoked_at=ticket.revoked_at,
                printed_at=ticket.printed_at,
                print_count=1 if ticket.printed_at else 0,
            )
        )
        self._rows[_NUMBERS.name].append(_Number(key=number_key, request_id=request_id, ticket_id=ticket_id))
        self._rows[_SEARCH_KEYS.name] += [
            SearchKeyRow(ticket_id, self._world.clients[sale.client], kind.value, form)
            for kind, form in _forms([(SearchKind.TICKET_EXTERNAL_NO, number)])
        ]
        self._happened_to_ticket(sale, request_id, line, ticket_id, ticket, number)
        for access in ticket.accesses:
            self._enter_access(
                request_id, ticket_id, ticket, number, valid, access, entry_ids[access.content.admission]
            )

    def _given_back(self, sale: Sale, line: Line, ticket: Ticket) -> dict[str, Any]:
        """What the timeline tells of a ticket that was given back before anybody came."""
        contents = [self._world.contents[access.content] for access in ticket.accesses]
        shares = [RefundShare(content.refund_basis_points, ticket.people) for content in contents]
        price = self._world.prices[line.item] * ticket.people
        refund = refund_minor(sale.payment, price, ticket.people, shares)
        paid_back = {"refund_minor": refund, "currency": self._world.currency}
        return {"reason": None, **paid_back, "unused": ticket.people}

    def _happened_to_ticket(
        self, sale: Sale, request_id: int, line: Line, ticket_id: int, ticket: Ticket, number: str
    ) -> None:
        happened = self._happened
        assert sale.confirmed_at is not None
        happened(RequestEventKind.ISSUED, sale.confirmed_at, sale.client, request_id, ticket_id, quantity=ticket.people)
        if ticket.printed_at is not None:
            facts: dict[str, Any] = {"print_count": 1}
            happened(RequestEventKind.PRINTED, ticket.printed_at, sale.client, request_id, ticket_id, facts=facts)
        if ticket.block is not None:
            facts = {"reason": ticket.block.reason}
            happened(RequestEventKind.BLOCKED, ticket.block.at, SUPPORT, request_id, ticket_id, facts=facts)
        if ticket.revoked_at is not None:
            at, people = ticket.revoked_at, ticket.people
            facts = self._given_back(sale, line, ticket)
            happened(RequestEventKind.REVOKED, at, SUPPORT, request_id, ticket_id, quantity=people, facts=facts)
        on_ticket = {access.content.admission for access in ticket.accesses}
        for scan in ticket.refused:
            if scan.admission not in on_ticket:
                self._refused(scan, request_id, ticket_id, number)

    def _refused(
        self,
        scan: RefusedScan,
        request_id: int,
        ticket_id: int,
        number: str,
        *,
        access_id: int | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """The gate said no."""
        self._happened(
            RequestEventKind.REFUSED,
            scan.at,
            GATE,
            request_id,
            ticket_id,
            access_entry_id=access_id,
            admission_id=self._world.admissions[scan.admission],
            scanned=number,
            gate=scan.admission.gate,
            refusal_code=scan.code,
            facts=facts,
        )

    def _enter_access(
        self,
        request_id: int,
        ticket_id: int,
        ticket: Ticket,
        number: str,
        valid: Validity,
        access: Access,
        entry_id: int,
    ) -> None:
        access_id = next(self._ids[_ACCESS_ENTRIES.name])
        content, arrivals = self._world.contents[access.content], access.arrivals
        admitted = sum(arrival.people for arrival in arrivals)
        inside = sum(arrival.people for arrival in arrivals if arrival.departed_at is None)
        self._rows[_ACCESS_ENTRIES.name].append(
            _Access(
                id=access_id,
                ticket_id=ticket_id,
                admission_id=content.admission_id,
                content_line_id=content.id,
                entry_id=entry_id,
                slot_id=access.slot.id if access.slot else None,
                quantity=ticket.people * content.quantity,
                blocked_at=access.block.at if access.block else None,
                blocked_reason=access.block.reason if access.block else None,
                first_admitted_at=arrivals[0].at if arrivals else None,
                admitted_count=admitted,
                inside_count=inside,
            )
        )
        if arrivals:
            self._rows[_VISITS.name].append(
                _Visit(
                    id=next(self._ids[_VISITS.name]),
                    access_entry_id=access_id,
                    slot_id=access.slot.id if access.slot else None,
                    arrivals=len(arrivals),
                    admitted=admitted,
                    inside=inside,
                    first_at=arrivals[0].at,
                    last_at=arrivals[-1].at,
                )
            )
        self._happened_at_gate(request_id, ticket_id, access_id, number, access)
        for refused in ticket.refused:
            if refused.admission is access.content.admission:
                facts = _facts(refused, ticket, access, valid)
                self._refused(refused, request_id, ticket_id, number, access_id=access_id, facts=facts)

    def _happened_at_gate(self, request_id: int, ticket_id: int, access_id: int, number: str, access: Access) -> None:
        admission = access.content.admission
        where: dict[str, Any] = {
            "access_entry_id": access_id,
            "admission_id": self._world.admissions[admission],
            "slot_id": access.slot.id if access.slot else None,
        }
        scan = {**where, "scanned": number, "gate": admission.gate}
        for arrival in access.arrivals:
            people = arrival.people
            self._happened(RequestEventKind.ADMITTED, arrival.at, GATE, request_id, ticket_id, quantity=people, **scan)
            if arrival.departed_at is not None:
                self._happened(
                    RequestEventKind.DEPARTED, arrival.departed_at, GATE, request_id, ticket_id, quantity=people, **scan
                )
        if access.block is not None:
            facts = {"reason": access.block.reason}
            self._happened(
                RequestEventKind.BLOCKED, access.block.at, SUPPORT, request_id, ticket_id, facts=facts, **where
            )

    def _happened(
        self,
        kind: RequestEventKind,
        at: datetime,
        by: Client | None,
        request_id: int,
        ticket_id: int | None = None,
        *,
        facts: Mapping[str, Any] | None = None,
        scanned: str | None = None,
        gate: str | None = None,
        **rest: Any,
    ) -> None:
        """Note an event; ``by`` None is the system."""
        self._events.append(
            _Event(
                id=0,
                tx=self._tx,
                at=at,
                recorded_at=at,
                kind=kind,
                actor=by.name if by else SYSTEM,
                client_id=self._world.clients[by] if by else None,
                request_id=request_id,
                ticket_id=ticket_id,
                scanned=scanned,
                scanned_key=key(scanned),
                gate=gate,
                gate_key=key(gate),
                facts=orjson.dumps(facts).decode() if facts else "{}",
                **rest,
            )
        )


def _facts(refused: RefusedScan, ticket: Ticket, access: Access, valid: Validity) -> dict[str, Any]:
    """What the gate tells beside its no, as it keeps it: moments by the clock on the wall."""
    window: tuple[datetime, datetime] | None = None
    if refused.code is RefusalCode.NO_LONGER_VALID:
        window = (valid.start, valid.until)
    elif refused.code in (RefusalCode.TOO_EARLY, RefusalCode.TOO_LATE) and access.slot:
        window = (access.slot.arrival_from, access.slot.arrival_until)
    if window is not None:
        passes_from, passes_until = (moment.astimezone(ZONE).isoformat() for moment in window)
        return {"passes_from": passes_from, "passes_until": passes_until}
    if refused.code is RefusalCode.ENTRIES_USED_UP:
        return {"limit": ticket.people, "actual": ticket.people + 1}
    return {}


_AT = attrgetter("at")
_OF_GUEST = (
    SearchKind.REQUEST_CUSTOMER_NO,
    SearchKind.REQUEST_EMAIL,
    SearchKind.REQUEST_PHONE,
    SearchKind.REQUEST_NAME,
)


def _forms(values: Iterable[tuple[SearchKind, str | None]]) -> list[tuple[SearchKind, str]]:
    """The forms under which each value is found."""
    return [(kind, form) for kind, value in values for form in db.search_key.forms(kind, value)]


def _drawn(pattern: str, random: Random) -> list[str]:
    """Codes or numbers by a pattern, to take from; ``{}`` is the place of the series number that tells them apart."""
    parsed = Pattern.parse(pattern)
    return [parsed.make("{}", lambda alphabet, count: "".join(random.choices(alphabet, k=count))) for _ in range(DRAWN)]


def _one_of(drawn: Sequence[str], id_: int) -> str:
    """One of them for that row: neighbours do not get neighbours."""
    return drawn[id_ * 7919 % DRAWN]


def _status(sale: Sale) -> tuple[TicketRequestStatus, datetime]:
    """The status as it is stored, and since when."""
    if sale.canceled_at is not None:
        return TicketRequestStatus.CANCELED, sale.canceled_at
    if sale.confirmed_at is not None:
        return TicketRequestStatus.CONFIRMED, sale.confirmed_at
    if sale.is_stamped:
        return TicketRequestStatus.EXPIRED, sale.expires_at
    return TicketRequestStatus.REGISTERED, sale.made_at
