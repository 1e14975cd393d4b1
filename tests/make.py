"""Rows for tests, written straight into the tables: what reads are tested against needs no sale to have happened.

    async with making(database) as make:
        castle = await make.admission("CASTLE")
        slot = await make.slot(castle, starts_at=NOON, capacity=10)
        item = await make.item("ADULT", castle)
        shop = await make.client("shop", Role.WEB_STORE)
        request = await make.request(shop, external_order_no="W-1")
        line = await make.line(request, item, quantity=2, slots={castle: slot})
        await make.ticket(line, "T-1")

One block is one transaction. Every method takes further columns by name; what is left out has a harmless default, and
what must be unique is numbered. Look-up keys are made from the texts beside them.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Table, func, insert, select, update

import db
from db.base import FOREVER
from db.client import Role
from db.engine import Database, Write
from db.keys import key, phone_key
from db.search_key import SearchKind
from db.timeline import RequestEventKind

NOON = datetime(2030, 5, 17, 12, tzinfo=UTC)
"""The moment that tests tell time from, far from any real one: a Friday."""

FAR_FUTURE = datetime(2090, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Item:
    """An item and its content lines, by admission."""

    id: int
    kind: str
    contents: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Request:
    """A request, and whose it is."""

    id: int
    client_id: int
    token: str
    status: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """A requested line with its entries: (entry, slot) by admission."""

    id: int
    request: Request
    item: Item
    quantity: int
    entries: Mapping[int, tuple[int, int | None]]


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket with its access entries, by admission."""

    id: int
    number: str
    line: Line
    access_entries: Mapping[int, int]


@asynccontextmanager
async def making(database: Database) -> AsyncIterator["Make"]:
    """A maker of rows in one transaction."""
    async with database.writing() as write:
        yield Make(write)


class Make:
    def __init__(self, write: Write) -> None:
        self.write = write
        self._made: defaultdict[str, int] = defaultdict(int)

    async def add(self, table: Table, **values: Any) -> int:
        """A row of any table; answers its id."""
        statement = insert(table).values({name: _plain(value) for name, value in values.items()}).returning(table.c.id)
        return int(await self.write.value(statement))

    async def change(self, table: Table, row_id: int, **values: Any) -> None:
        """Other values in a row's columns."""
        changed = {name: _plain(value) for name, value in values.items()}
        await self.write.run(update(table).where(table.c.id == row_id).values(changed))

    async def _numbered(self, table: Table, prefix: str) -> str:
        if not self._made[table.name]:
            self._made[table.name] = int(await self.write.value(select(func.coalesce(func.max(table.c.id), 0))))
        self._made[table.name] += 1
        return f"{prefix}-{self._made[table.name]}"

    # ------------------------------------------------------------------------------------------------ who

    async def client(self, name: str = "shop", role: Role = Role.WEB_STORE) -> int:
        """The client of that name, made when first asked for; ``gatehouse.ask(client=name)`` speaks for it."""
        found = await db.client.by_name(self.write, name) or await db.client.add(self.write, name, role, NOON)
        return found.id

    async def customer(self, customer_no: str, client_id: int, **columns: Any) -> int:
        columns |= {"name_key": key(columns.get("name")), "email_key": key(columns.get("email"))}
        columns["phone_key"] = phone_key(columns.get("phone"))
        made = {"customer_no": customer_no, "customer_key": key(customer_no), "first_client_id": client_id}
        row_id = await self.add(db.customer.customer, **made, created_at=NOON, updated_at=NOON, **columns)
        await self._found_by(db.search_key.OF_CUSTOMER, row_id, client_id, made | columns)
        return row_id

    async def _found_by(
        self, columns: Mapping[str, SearchKind], row_id: int, client_id: int, values: Mapping[str, Any]
    ) -> None:
        await db.search_key.add(self.write, db.search_key.rows(columns, row_id, client_id, values))

    async def sales_order(self, client_id: int, **columns: Any) -> int:
        """By ``external_order_no``, or by ``receipt_no`` and ``pos_unit_no``."""
        defaults = {"channel": "WEB_STORE", "first_client_id": client_id, "created_at": NOON, "updated_at": NOON}
        return await self.add(db.sales_order.sales_order, **defaults | {"client_id": client_id} | _with_keys(columns))

    # ---------------------------------------------------------------------------------------- what is sold

    async def admission(self, code: str | None = None, **columns: Any) -> int:
        """An admission whose slots bring their own capacity."""
        code = code or await self._numbered(db.admission.admission, "ADMISSION")
        defaults = {
            "description": f"The {code.lower()}",
            "kind": "LOCATION",
            "time_zone": "UTC",
            "capacity_limits_by": "SLOT",
            "capacity_control": "NONE",
            "max_capacity": 0,
            "prebook_required": False,
            "default_schedule": "TODAY",
        }
        return await self.add(db.admission.admission, code=code, code_key=key(code), **defaults | columns)

    async def schedule_line(self, admission_id: int, code: str | None = None, **columns: Any) -> int:
        """A schedule, and the line that joins it to the admission."""
        code = code or await self._numbered(db.schedule.schedule, "SCHEDULE")
        capacity = {"capacity_control": "SALES", "max_capacity": 10} | columns
        schedule_id = await self.add(
            db.schedule.schedule,
            code=code,
            code_key=key(code),
            description=code,
            recurrence="WEEKLY",
            every=1,
            weekdays=127,
            start_date=date(2030, 1, 1),
            start_time=time(9),
            stop_time=time(17),
            days_ahead=30,
            produces="OPEN",
            **capacity,
        )
        made = {"admission_id": admission_id, "schedule_id": schedule_id, "process_order": 0, "is_blocked": False}
        return await self.add(db.schedule.schedule_line, **made | capacity)

    async def slot(
        self,
        admission_id: int,
        starts_at: datetime = NOON,
        *,
        minutes: int = 60,
        capacity: int | None = 10,
        control: str | None = "SALES",
        line_id: int | None = None,
        zone: str = "UTC",
        **columns: Any,
    ) -> int:
        """A slot, on a schedule line of its own unless one is given."""
        defaults = {
            "line_id": line_id or await self.schedule_line(admission_id),
            "date": starts_at.astimezone(ZoneInfo(zone)).date(),
            "starts_at": starts_at,
            "ends_at": starts_at + timedelta(minutes=minutes),
            "arrival_from": starts_at,
            "arrival_until": starts_at + timedelta(minutes=minutes),
            "state": "OPEN",
            "capacity_control": control,
            "max_capacity": capacity,
        }
        return await self.add(db.time_slot.time_slot, admission_id=admission_id, **defaults | columns)

    async def ticket_type(self, code: str | None = None, **columns: Any) -> int:
        code = code or await self._numbered(db.ticket_item.ticket_type, "TYPE")
        defaults = {"description": code, "kind": "INDIVIDUAL", "external_ticket_pattern": "[S]-[X*6]"}
        return await self.add(db.ticket_item.ticket_type, code=code, code_key=key(code), **defaults | columns)

    async def item(
        self,
        item_no: str | None = None,
        *admission_ids: int,
        variant_code: str | None = None,
        kind: str = "INDIVIDUAL",
        ticket_type_id: int | None = None,
        barcodes: Sequence[str] = (),
        contents: Mapping[str, Any] = {},
        **columns: Any,
    ) -> Item:
        """An item that admits to these admissions, first the default; ``contents`` are columns of every line."""
        item_no = item_no or await self._numbered(db.ticket_item.ticket_item, "ITEM")
        defaults = {
            "description": f"The item {item_no}",
            "ticket_type_id": ticket_type_id or await self.ticket_type(kind=kind),
            "unit_price_minor": 1000,
            "currency": "EUR",
            "is_blocked": False,
            "variant_code": variant_code,
            "variant_key": key(variant_code or ""),
        }
        item_id = await self.add(
            db.ticket_item.ticket_item, item_no=item_no, item_key=key(item_no), **defaults | columns
        )
        for barcode in barcodes:
            values = {"barcode": barcode, "barcode_key": key(barcode), "item_id": item_id}
            await self.write.run(insert(db.ticket_item.item_barcode).values(values))
        lines = {
            admission_id: await self.content(item_id, admission_id, is_default=not index, **contents)
            for index, admission_id in enumerate(admission_ids)
        }
        return Item(item_id, kind, lines)

    async def content(self, item_id: int, admission_id: int, **columns: Any) -> int:
        """A content line of an item."""
        defaults = {
            "is_default": False,
            "inclusion": "REQUIRED",
            "quantity": 1,
            "activation": "SCAN",
            "entry_validation": "SINGLE",
            "reschedule_policy": "NOT_ALLOWED",
            "revoke_policy": "UNUSED",
            "refund_basis_points": 10_000,
            "capacity_basis_points": 10_000,
            "pos_may_exceed_capacity": False,
        }
        made = {"item_id": item_id, "admission_id": admission_id}
        return await self.add(db.ticket_item.content_line, **made | defaults | columns)

    async def dependency(self, content_line_id: int, admission_id: int, kind: str = "VISITED_BEFORE") -> None:
        values = {"content_line_id": content_line_id, "admission_id": admission_id, "kind": kind}
        values["minutes"] = 30 if kind == "WITHIN_MINUTES" else None
        await self.write.run(insert(db.ticket_item.dependency).values(values))

    # -------------------------------------------------------------------------------------- what was asked

    async def request(self, client_id: int, token: str | None = None, **columns: Any) -> Request:
        """A request, CONFIRMED unless said otherwise; a REGISTERED one holds its places until FAR_FUTURE."""
        token = token or await self._numbered(db.ticket_request.ticket_request, "TOKEN")
        status = str(columns.setdefault("status", "CONFIRMED"))
        created_at = columns.setdefault("created_at", NOON)
        defaults = {
            "token": token,
            "token_key": key(token),
            "authorization_code": "1234-5678",
            "code_key": "1234-5678",
            "fingerprint": "",
            "fingerprint_version": 1,
            "channel": "WEB_STORE",
            "status_changed_at": created_at,
            "expires_at": FAR_FUTURE if status in ("REGISTERED", "EXPIRED") else None,
            "payment_option": "UNPAID" if status == "REGISTERED" else "PREPAID",
            "currency": "EUR",
            "total_minor": 0,
        }
        texts = _with_keys(columns) | {
            "payment_key": key(columns.get("payment_reference")),
            "email_key": key(columns.get("email")),
            "phone_key": phone_key(columns.get("phone")),
            "name_key": key(columns.get("ticket_holder_name")),
        }
        values = defaults | texts
        request_id = await self.add(db.ticket_request.ticket_request, client_id=client_id, **values)
        await self._found_by(db.search_key.OF_REQUEST, request_id, client_id, values)
        return Request(request_id, client_id, token, status, created_at)

    async def line(
        self,
        request: Request,
        item: Item,
        quantity: int = 1,
        *,
        slots: Mapping[int, int] = {},
        left_out: Sequence[int] = (),
        line_no: int = 1,
        replaced_at: datetime | None = None,
        **columns: Any,
    ) -> Line:
        """A line and its entries; those with a slot have reserved it: HELD while REGISTERED, SOLD once CONFIRMED."""
        line_id = await self.add(
            db.ticket_request.request_line,
            request_id=request.id,
            line_no=line_no,
            item_id=item.id,
            quantity=quantity,
            replaced_at=replaced_at,
            **{"unit_price_minor": 1000, "ticket_kind": "INDIVIDUAL"} | columns,
        )
        if dictated := columns.get("dictated_nos"):
            keys = db.ticket_request.dictated_number_keys(request.id, request.client_id, dictated)
            await db.search_key.add(self.write, keys)
        entries = {}
        for index, (admission_id, content_line_id) in enumerate(item.contents.items()):
            slot_id = slots.get(admission_id)
            is_left_out = admission_id in left_out
            entry_id = await self.add(
                db.ticket_request.request_entry,
                request_id=request.id,
                line_id=line_id,
                content_line_id=content_line_id,
                admission_id=admission_id,
                inclusion="NOT_SELECTED" if is_left_out else "REQUIRED",
                is_primary=not index,
                quantity=0 if is_left_out else quantity,
                slot_id=slot_id,
                replaced_at=replaced_at,
            )
            entries[admission_id] = (entry_id, slot_id)
            if slot_id is not None and replaced_at is None:
                await self._reserve(request, entry_id, slot_id, quantity * await self._places(content_line_id))
        return Line(line_id, request, item, quantity, entries)

    async def _places(self, content_line_id: int) -> int:
        """The places that one ticket takes."""
        contents = db.ticket_item.content_line
        return int(await self.write.value(select(contents.c.quantity).where(contents.c.id == content_line_id)))

    async def reservation(self, entry_id: int) -> int:
        """The reservation of an entry that has one."""
        reservations = db.reservation.reservation
        return int(await self.write.value(select(reservations.c.id).where(reservations.c.entry_id == entry_id)))

    async def _reserve(self, request: Request, entry_id: int, slot_id: int, places: int) -> None:
        if request.status not in ("REGISTERED", "CONFIRMED"):
            return
        is_held = request.status == "REGISTERED"
        requests, slots = db.ticket_request.ticket_request, db.time_slot.time_slot
        until = await self.write.value(select(requests.c.expires_at).where(requests.c.id == request.id))
        await self.add(
            db.reservation.reservation,
            entry_id=entry_id,
            request_id=request.id,
            slot_id=slot_id,
            places=places,
            kind="HELD" if is_held else "SOLD",
            since=request.created_at,
            until=until if is_held else None,
        )
        if not is_held:
            sold = update(slots).where(slots.c.id == slot_id).values(sold_places=slots.c.sold_places + places)
            await self.write.run(sold)

    # ------------------------------------------------------------------------------------- what was issued

    async def ticket(self, line: Line, number: str | None = None, *, people: int = 1, **columns: Any) -> Ticket:
        """A ticket of that line with an access entry for each of its entries; without end unless said otherwise."""
        tickets = db.ticket.issued_ticket
        ticket_no = (await self._numbered(tickets, "0")).replace("-", "").zfill(8)
        number = number or f"T-{ticket_no}"
        issued_at = columns.get("issued_at", line.request.created_at)
        valid_until = columns.get("valid_until", FOREVER)
        defaults = {
            "request_id": line.request.id,
            "line_id": line.id,
            "item_id": line.item.id,
            "client_id": line.request.client_id,
            "ticket_no": ticket_no,
            "external_ticket_no": number,
            "number_key": key(number),
            "kind": line.item.kind,
            "quantity": people,
            "price_minor": 1000,
            "currency": "EUR",
            "issued_at": issued_at,
            "valid_from": issued_at,
            "valid_until": valid_until,
            "valid_from_date": columns.get("valid_from", issued_at).date(),
            "valid_until_date": valid_until.date(),
        }
        values = defaults | columns
        ticket_id = await self.add(tickets, **values)
        await self._found_by(db.search_key.OF_TICKET, ticket_id, line.request.client_id, values)
        numbers = {"key": key(number), "request_id": line.request.id, "ticket_id": ticket_id}
        await self.write.run(insert(db.ticket.ticket_number).values(numbers))
        access_entries = {
            admission_id: await self.add(
                db.ticket.access_entry,
                ticket_id=ticket_id,
                admission_id=admission_id,
                content_line_id=line.item.contents[admission_id],
                entry_id=entry_id,
                slot_id=slot_id,
                quantity=people * await self._places(line.item.contents[admission_id]),
            )
            for admission_id, (entry_id, slot_id) in line.entries.items()
        }
        return Ticket(ticket_id, number, line, access_entries)

    async def visit(
        self,
        ticket: Ticket,
        admission_id: int,
        at: datetime = NOON,
        *,
        people: int = 1,
        inside: int = 1,
        slot_id: int | None = None,
    ) -> None:
        """People are let in at that admission, into the slot reserved there or another; some are inside still."""
        entry_id = ticket.access_entries[admission_id]
        slot_id = slot_id or ticket.line.entries[admission_id][1]
        moments = {"first_at": at, "last_at": at}
        visit = {"access_entry_id": entry_id, "slot_id": slot_id, "arrivals": 1, "admitted": people, "inside": inside}
        await self.add(db.visit.visit, **visit, **moments)
        counts = {"first_admitted_at": at, "admitted_count": people, "inside_count": inside}
        await self.change(db.ticket.access_entry, entry_id, **counts)

    # --------------------------------------------------------------------------------------- what happened

    async def event(
        self, kind: RequestEventKind, *, request: Request | None = None, ticket: Ticket | None = None, **columns: Any
    ) -> int:
        """Something that happened, recorded after what was made before it; done by the request's client unless said."""
        if ticket is not None:
            request = ticket.line.request
        clients = db.client.client
        actor = request and await self.write.value(select(clients.c.name).where(clients.c.id == request.client_id))
        defaults = {
            "at": NOON,
            "recorded_at": columns.get("at", NOON),
            "kind": kind,
            "actor": actor or "system",
            "client_id": request.client_id if request else None,
            "request_id": request.id if request else None,
            "ticket_id": ticket.id if ticket else None,
            "facts": {},
        }
        columns |= {f"{name}_key": key(columns[name]) for name in ("scanned", "gate") if name in columns}
        return await self.add(db.timeline.request_event, **defaults | columns)


def _plain(value: Any) -> Any:
    """Enums by their values."""
    return getattr(value, "value", value)


def _with_keys(columns: Mapping[str, Any]) -> dict[str, Any]:
    """The columns, and beside each number that sales are found by its look-up key."""
    pairs = {
        "external_order_no": "order_key",
        "receipt_no": "receipt_key",
        "pos_unit_no": "pos_unit_key",
        "customer_no": "customer_key",
    }
    return {**columns, **{pairs[name]: key(columns[name]) for name in pairs if columns.get(name) is not None}}
