"""The tables of requests, of their lines (the references) and entries, and of the order numbers that requests own."""

from enum import StrEnum

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from ..base import BigId, Instant, foreign_key_in_the_end, id_column, index_of_given, metadata, repeats
from ..client import client
from ..ticket_item import content_line, ticket_item
from ..time_slot import time_slot


class TicketRequestStatus(StrEnum):
    REGISTERED = "REGISTERED"
    CONFIRMED = "CONFIRMED"
    EXPIRED = "EXPIRED"
    CANCELED = "CANCELED"


class PaymentOption(StrEnum):
    DIRECT = "DIRECT"
    PREPAID = "PREPAID"
    POSTPAID = "POSTPAID"
    UNPAID = "UNPAID"


ticket_request = Table(
    "ticket_request",
    metadata,
    id_column(),
    Column("client_id", BigId, ForeignKey(client.c.id), nullable=False),
    Column("token", Text, nullable=False),
    Column("token_key", Text, nullable=False, unique=True),
    Column("authorization_code", Text, nullable=False),
    Column("code_key", Text, nullable=False),
    Column("fingerprint", Text, nullable=False, comment="of the input as parsed at the first create"),
    Column("fingerprint_version", Integer, nullable=False),
    Column("channel", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("status_changed_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("payment_option", Text, nullable=False),
    Column("payment_reference", Text),
    Column("payment_key", Text),
    Column("currency", Text, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("customer_no", Text),
    Column("customer_key", Text),
    Column("email", Text),
    Column("email_key", Text),
    Column("phone", Text),
    Column("phone_key", Text),
    Column("ticket_holder_name", Text),
    Column("name_key", Text),
    Column("language", Text),
    Column("external_order_no", Text),
    Column("order_key", Text),
    Column("receipt_no", Text),
    Column("receipt_key", Text),
    Column("pos_unit_no", Text),
    Column("pos_unit_key", Text),
    Column("salesperson_code", Text),
    CheckConstraint("(status IN ('REGISTERED', 'EXPIRED')) = (expires_at IS NOT NULL)", name="expires_at"),
    CheckConstraint("total_minor >= 0", name="total_minor"),
    Index(None, "created_at", "id"),
    Index(None, "status_changed_at", "id"),
    Index(None, "client_id", "created_at", "id"),
    index_of_given("order_key", "client_id"),
    index_of_given("receipt_key", "pos_unit_key"),
    index_of_given("customer_key", "id"),
    index_of_given("email_key"),
    index_of_given("phone_key"),
    index_of_given("name_key"),
    index_of_given("payment_key", "id"),
    Index(None, "code_key", "id"),
    index_of_given("receipt_key", "id"),
    Index(
        "ix_ticket_request_held",
        "expires_at",
        postgresql_where=text("status = 'REGISTERED'"),
        sqlite_where=text("status = 'REGISTERED'"),
    ),
)

order_key = Table(
    "order_key",
    metadata,
    Column("client_id", BigId, nullable=False, info=repeats("request_id")),
    Column("key", Text, nullable=False),
    Column("request_id", BigId, foreign_key_in_the_end(ticket_request.c.id), nullable=False),
    PrimaryKeyConstraint("client_id", "key"),
)

request_line = Table(
    "request_line",
    metadata,
    id_column(),
    Column("request_id", BigId, ForeignKey(ticket_request.c.id), nullable=False),
    Column("line_no", Integer, nullable=False),
    Column("item_id", BigId, ForeignKey(ticket_item.c.id), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("unit_price_minor", BigInteger, nullable=False),
    Column("ticket_kind", Text, nullable=False, comment="as the item's type was then"),
    Column("dictated_nos", JSON, comment="external ticket numbers given by the caller, one per ticket"),
    Column("replaced_at", Instant),
    CheckConstraint("quantity >= 1", name="quantity"),
    CheckConstraint("unit_price_minor >= 0", name="unit_price_minor"),
    Index(None, "request_id", "line_no"),
    Index(None, "item_id"),
)

request_entry = Table(
    "request_entry",
    metadata,
    id_column(),
    Column("request_id", BigId, nullable=False, info=repeats("line_id")),
    Column("line_id", BigId, ForeignKey(request_line.c.id), nullable=False),
    Column("content_line_id", BigId, ForeignKey(content_line.c.id), nullable=False),
    Column("admission_id", BigId, nullable=False, info=repeats("content_line_id")),
    Column("inclusion", Text, nullable=False),
    Column("is_primary", Boolean, nullable=False),
    Column("quantity", Integer, nullable=False, comment="tickets; 0: left out"),
    Column("slot_id", BigId, ForeignKey(time_slot.c.id)),
    Column("replaced_at", Instant),
    UniqueConstraint("line_id", "admission_id"),
    CheckConstraint("quantity >= 0", name="quantity"),
    Index(None, "request_id"),
    index_of_given("slot_id"),
    Index(None, "admission_id", "request_id"),
)
