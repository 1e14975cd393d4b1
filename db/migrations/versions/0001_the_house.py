"""The house."""

import sqlalchemy as sa
from alembic import op

from db.base import BigId, Instant

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "calendar",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("code_key", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar")),
        sa.UniqueConstraint("code_key", name=op.f("uq_calendar_code_key")),
    )
    op.create_table(
        "client",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client")),
        sa.UniqueConstraint("name_key", name=op.f("uq_client_name_key")),
    )
    op.create_table(
        "schedule",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("code_key", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("recurrence", sa.Text(), nullable=False),
        sa.Column("every", sa.Integer(), nullable=False),
        sa.Column("weekdays", sa.Integer(), nullable=False, comment="bit 0 is Monday"),
        sa.Column("start_date", sa.Date(), nullable=False),
        sa.Column("until_date", sa.Date(), nullable=True),
        sa.Column("occurrences", sa.Integer(), nullable=True),
        sa.Column("start_time", sa.Time(), nullable=False),
        sa.Column("stop_time", sa.Time(), nullable=False),
        sa.Column("arrival_from_seconds", sa.Integer(), nullable=True, comment="from the start; null: 0"),
        sa.Column("arrival_until_seconds", sa.Integer(), nullable=True, comment="from the start; null: the end"),
        sa.Column("sales_from_seconds", sa.Integer(), nullable=True, comment="from the start; null: no bound"),
        sa.Column("sales_until_seconds", sa.Integer(), nullable=True, comment="from the start; null: no bound"),
        sa.Column("days_ahead", sa.Integer(), nullable=False),
        sa.Column("capacity_control", sa.Text(), nullable=False),
        sa.Column("max_capacity", sa.Integer(), nullable=False),
        sa.Column("produces", sa.Text(), nullable=False),
        sa.CheckConstraint("days_ahead >= 0", name=op.f("ck_schedule_days_ahead")),
        sa.CheckConstraint("every >= 1", name=op.f("ck_schedule_every")),
        sa.CheckConstraint("max_capacity >= 0", name=op.f("ck_schedule_max_capacity")),
        sa.CheckConstraint("weekdays BETWEEN 1 AND 127", name=op.f("ck_schedule_weekdays")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule")),
        sa.UniqueConstraint("code_key", name=op.f("uq_schedule_code_key")),
    )
    op.create_table(
        "ticket_type",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("code_key", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("external_ticket_pattern", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_type")),
        sa.UniqueConstraint("code_key", name=op.f("uq_ticket_type_code_key")),
    )
    op.create_table(
        "admission",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("code_key", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("capacity_limits_by", sa.Text(), nullable=False),
        sa.Column("capacity_control", sa.Text(), nullable=False),
        sa.Column("max_capacity", sa.Integer(), nullable=False),
        sa.Column("prebook_required", sa.Boolean(), nullable=False),
        sa.Column("default_schedule", sa.Text(), nullable=False),
        sa.Column("calendar_id", BigId, nullable=True),
        sa.Column(
            "generated_on", sa.Date(), nullable=True, comment="the local day on which its slots were last calculated"
        ),
        sa.CheckConstraint("max_capacity >= 0", name=op.f("ck_admission_max_capacity")),
        sa.ForeignKeyConstraint(["calendar_id"], ["calendar.id"], name=op.f("fk_admission_calendar_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admission")),
        sa.UniqueConstraint("code_key", name=op.f("uq_admission_code_key")),
    )
    op.create_table(
        "api_key",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("client_id", BigId, nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=True),
        sa.Column("revoked_at", Instant, nullable=True),
        sa.Column("last_used_at", Instant, nullable=True),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_api_key_client_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("public_id", name=op.f("uq_api_key_public_id")),
    )
    op.create_index(op.f("ix_api_key_client_id"), "api_key", ["client_id"], unique=False)
    op.create_table(
        "calendar_line",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("calendar_id", BigId, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("date", sa.Date(), nullable=True),
        sa.Column("weekday", sa.Integer(), nullable=True),
        sa.Column("month", sa.Integer(), nullable=True),
        sa.Column("day", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(kind = 'DATE' AND date IS NOT NULL) OR (kind = 'WEEKDAY' AND weekday BETWEEN 0 AND 6) OR (kind = 'YEARLY' AND month BETWEEN 1 AND 12 AND day BETWEEN 1 AND 31)",
            name=op.f("ck_calendar_line_kind"),
        ),
        sa.ForeignKeyConstraint(["calendar_id"], ["calendar.id"], name=op.f("fk_calendar_line_calendar_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_line")),
    )
    op.create_index(op.f("ix_calendar_line_calendar_id"), "calendar_line", ["calendar_id"], unique=False)
    op.create_table(
        "customer",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("customer_no", sa.Text(), nullable=False),
        sa.Column("customer_key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("name_key", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_key", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("phone_key", sa.Text(), nullable=True),
        sa.Column("first_client_id", BigId, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.Column("erased_at", Instant, nullable=True),
        sa.ForeignKeyConstraint(["first_client_id"], ["client.id"], name=op.f("fk_customer_first_client_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
        sa.UniqueConstraint("customer_key", name=op.f("uq_customer_customer_key")),
    )
    op.create_index(op.f("ix_customer_email_key"), "customer", ["email_key"], unique=False)
    op.create_index(op.f("ix_customer_first_client_id"), "customer", ["first_client_id"], unique=False)
    op.create_table(
        "sales_order",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("client_id", BigId, nullable=False, comment="whose order it is"),
        sa.Column("first_client_id", BigId, nullable=False, comment="who wrote it first"),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("external_order_no", sa.Text(), nullable=True),
        sa.Column("order_key", sa.Text(), nullable=True),
        sa.Column("receipt_no", sa.Text(), nullable=True),
        sa.Column("receipt_key", sa.Text(), nullable=True),
        sa.Column("pos_unit_no", sa.Text(), nullable=True),
        sa.Column("pos_unit_key", sa.Text(), nullable=True),
        sa.Column("customer_no", sa.Text(), nullable=True),
        sa.Column("customer_key", sa.Text(), nullable=True),
        sa.Column("placed_at", Instant, nullable=True),
        sa.Column("total_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("document_status", sa.Text(), nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.CheckConstraint("(receipt_key IS NULL) = (pos_unit_key IS NULL)", name=op.f("ck_sales_order_receipt")),
        sa.CheckConstraint("(total_minor IS NULL) OR (currency IS NOT NULL)", name=op.f("ck_sales_order_total")),
        sa.CheckConstraint("order_key IS NOT NULL OR receipt_key IS NOT NULL", name=op.f("ck_sales_order_number")),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_sales_order_client_id")),
        sa.ForeignKeyConstraint(["first_client_id"], ["client.id"], name=op.f("fk_sales_order_first_client_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sales_order")),
        sa.UniqueConstraint("client_id", "order_key", name=op.f("uq_sales_order_client_id_order_key")),
        sa.UniqueConstraint("receipt_key", "pos_unit_key", name=op.f("uq_sales_order_receipt_key_pos_unit_key")),
    )
    op.create_index(op.f("ix_sales_order_first_client_id"), "sales_order", ["first_client_id"], unique=False)
    op.create_index(op.f("ix_sales_order_order_key_id"), "sales_order", ["order_key", "id"], unique=False)
    op.create_table(
        "ticket_item",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("item_no", sa.Text(), nullable=False),
        sa.Column("item_key", sa.Text(), nullable=False),
        sa.Column("variant_code", sa.Text(), nullable=True),
        sa.Column("variant_key", sa.Text(), server_default="", nullable=False, comment="empty: no variant"),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("ticket_type_id", BigId, nullable=False),
        sa.Column("unit_price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("is_blocked", sa.Boolean(), nullable=False),
        sa.CheckConstraint("unit_price_minor >= 0", name=op.f("ck_ticket_item_unit_price_minor")),
        sa.ForeignKeyConstraint(["ticket_type_id"], ["ticket_type.id"], name=op.f("fk_ticket_item_ticket_type_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_item")),
        sa.UniqueConstraint("item_key", "variant_key", name=op.f("uq_ticket_item_item_key_variant_key")),
    )
    op.create_index(op.f("ix_ticket_item_ticket_type_id"), "ticket_item", ["ticket_type_id"], unique=False)
    op.create_table(
        "ticket_request",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("client_id", BigId, nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("token_key", sa.Text(), nullable=False),
        sa.Column("authorization_code", sa.Text(), nullable=False),
        sa.Column("code_key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False, comment="of the input as parsed at the first create"),
        sa.Column("fingerprint_version", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_changed_at", Instant, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=True),
        sa.Column("payment_option", sa.Text(), nullable=False),
        sa.Column("payment_reference", sa.Text(), nullable=True),
        sa.Column("payment_key", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("customer_no", sa.Text(), nullable=True),
        sa.Column("customer_key", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_key", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("phone_key", sa.Text(), nullable=True),
        sa.Column("ticket_holder_name", sa.Text(), nullable=True),
        sa.Column("name_key", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("external_order_no", sa.Text(), nullable=True),
        sa.Column("order_key", sa.Text(), nullable=True),
        sa.Column("receipt_no", sa.Text(), nullable=True),
        sa.Column("receipt_key", sa.Text(), nullable=True),
        sa.Column("pos_unit_no", sa.Text(), nullable=True),
        sa.Column("pos_unit_key", sa.Text(), nullable=True),
        sa.Column("salesperson_code", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(status IN ('REGISTERED', 'EXPIRED')) = (expires_at IS NOT NULL)",
            name=op.f("ck_ticket_request_expires_at"),
        ),
        sa.CheckConstraint("total_minor >= 0", name=op.f("ck_ticket_request_total_minor")),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_ticket_request_client_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_request")),
        sa.UniqueConstraint("token_key", name=op.f("uq_ticket_request_token_key")),
    )
    op.create_index(
        op.f("ix_ticket_request_client_id_created_at_id"),
        "ticket_request",
        ["client_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_ticket_request_code_key"), "ticket_request", ["code_key"], unique=False)
    op.create_index(op.f("ix_ticket_request_created_at_id"), "ticket_request", ["created_at", "id"], unique=False)
    op.create_index(op.f("ix_ticket_request_customer_key_id"), "ticket_request", ["customer_key", "id"], unique=False)
    op.create_index(op.f("ix_ticket_request_email_key"), "ticket_request", ["email_key"], unique=False)
    op.create_index(
        "ix_ticket_request_held",
        "ticket_request",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("status = 'REGISTERED'"),
        sqlite_where=sa.text("status = 'REGISTERED'"),
    )
    op.create_index(op.f("ix_ticket_request_name_key"), "ticket_request", ["name_key"], unique=False)
    op.create_index(
        op.f("ix_ticket_request_order_key_client_id"), "ticket_request", ["order_key", "client_id"], unique=False
    )
    op.create_index(op.f("ix_ticket_request_payment_key"), "ticket_request", ["payment_key"], unique=False)
    op.create_index(op.f("ix_ticket_request_phone_key"), "ticket_request", ["phone_key"], unique=False)
    op.create_index(
        op.f("ix_ticket_request_receipt_key_pos_unit_key"),
        "ticket_request",
        ["receipt_key", "pos_unit_key"],
        unique=False,
    )
    op.create_index(
        op.f("ix_ticket_request_status_changed_at_id"), "ticket_request", ["status_changed_at", "id"], unique=False
    )
    op.create_table(
        "content_line",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("item_id", BigId, nullable=False),
        sa.Column("admission_id", BigId, nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("inclusion", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False, comment="places per ticket"),
        sa.Column("activation", sa.Text(), nullable=False),
        sa.Column("entry_validation", sa.Text(), nullable=False),
        sa.Column("max_entries", sa.Integer(), nullable=True),
        sa.Column("duration_days", sa.Integer(), nullable=True),
        sa.Column("reschedule_policy", sa.Text(), nullable=False),
        sa.Column("reschedule_cut_off_seconds", sa.Integer(), nullable=True),
        sa.Column("revoke_policy", sa.Text(), nullable=False),
        sa.Column("refund_basis_points", sa.Integer(), nullable=False, comment="hundredths of a percent"),
        sa.Column("rescan_within_seconds", sa.Integer(), nullable=True),
        sa.Column("capacity_basis_points", sa.Integer(), nullable=False, comment="hundredths of a percent"),
        sa.Column("pos_may_exceed_capacity", sa.Boolean(), nullable=False),
        sa.Column("calendar_id", BigId, nullable=True),
        sa.Column("retired_at", Instant, nullable=True),
        sa.CheckConstraint("quantity >= 1", name=op.f("ck_content_line_quantity")),
        sa.ForeignKeyConstraint(["admission_id"], ["admission.id"], name=op.f("fk_content_line_admission_id")),
        sa.ForeignKeyConstraint(["calendar_id"], ["calendar.id"], name=op.f("fk_content_line_calendar_id")),
        sa.ForeignKeyConstraint(["item_id"], ["ticket_item.id"], name=op.f("fk_content_line_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_content_line")),
    )
    op.create_index(op.f("ix_content_line_admission_id"), "content_line", ["admission_id"], unique=False)
    op.create_index(op.f("ix_content_line_item_id"), "content_line", ["item_id"], unique=False)
    op.create_table(
        "item_barcode",
        sa.Column("barcode_key", sa.Text(), nullable=False),
        sa.Column("barcode", sa.Text(), nullable=False),
        sa.Column("item_id", BigId, nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["ticket_item.id"], name=op.f("fk_item_barcode_item_id")),
        sa.PrimaryKeyConstraint("barcode_key", name=op.f("pk_item_barcode")),
    )
    op.create_index(op.f("ix_item_barcode_item_id"), "item_barcode", ["item_id"], unique=False)
    op.create_table(
        "order_key",
        sa.Column("client_id", BigId, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_id", BigId, nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_order_key_client_id")),
        sa.ForeignKeyConstraint(["request_id"], ["ticket_request.id"], name=op.f("fk_order_key_request_id")),
        sa.PrimaryKeyConstraint("client_id", "key", name=op.f("pk_order_key")),
    )
    op.create_index(op.f("ix_order_key_request_id"), "order_key", ["request_id"], unique=False)
    op.create_table(
        "request_line",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("request_id", BigId, nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("item_id", BigId, nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price_minor", sa.BigInteger(), nullable=False),
        sa.Column(
            "dictated_nos",
            sa.JSON(),
            nullable=True,
            comment="external ticket numbers given by the caller, one per ticket",
        ),
        sa.Column("replaced_at", Instant, nullable=True),
        sa.CheckConstraint("quantity >= 1", name=op.f("ck_request_line_quantity")),
        sa.CheckConstraint("unit_price_minor >= 0", name=op.f("ck_request_line_unit_price_minor")),
        sa.ForeignKeyConstraint(["item_id"], ["ticket_item.id"], name=op.f("fk_request_line_item_id")),
        sa.ForeignKeyConstraint(["request_id"], ["ticket_request.id"], name=op.f("fk_request_line_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_line")),
    )
    op.create_index(op.f("ix_request_line_item_id"), "request_line", ["item_id"], unique=False)
    op.create_index(op.f("ix_request_line_request_id_line_no"), "request_line", ["request_id", "line_no"], unique=False)
    op.create_table(
        "schedule_line",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("admission_id", BigId, nullable=False),
        sa.Column("schedule_id", BigId, nullable=False),
        sa.Column("process_order", sa.Integer(), nullable=False),
        sa.Column("capacity_control", sa.Text(), nullable=False),
        sa.Column("max_capacity", sa.Integer(), nullable=False),
        sa.Column("is_blocked", sa.Boolean(), nullable=False),
        sa.CheckConstraint("max_capacity >= 0", name=op.f("ck_schedule_line_max_capacity")),
        sa.ForeignKeyConstraint(["admission_id"], ["admission.id"], name=op.f("fk_schedule_line_admission_id")),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedule.id"], name=op.f("fk_schedule_line_schedule_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule_line")),
        sa.UniqueConstraint("admission_id", "schedule_id", name=op.f("uq_schedule_line_admission_id_schedule_id")),
    )
    op.create_index(op.f("ix_schedule_line_schedule_id"), "schedule_line", ["schedule_id"], unique=False)
    op.create_table(
        "dependency",
        sa.Column("content_line_id", BigId, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("admission_id", BigId, nullable=False, comment="the other one"),
        sa.Column("minutes", sa.Integer(), nullable=True),
        sa.CheckConstraint("(kind = 'WITHIN_MINUTES') = (minutes IS NOT NULL)", name=op.f("ck_dependency_minutes")),
        sa.ForeignKeyConstraint(["admission_id"], ["admission.id"], name=op.f("fk_dependency_admission_id")),
        sa.ForeignKeyConstraint(["content_line_id"], ["content_line.id"], name=op.f("fk_dependency_content_line_id")),
        sa.PrimaryKeyConstraint("content_line_id", "kind", "admission_id", name=op.f("pk_dependency")),
    )
    op.create_table(
        "issued_ticket",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("request_id", BigId, nullable=False),
        sa.Column("line_id", BigId, nullable=False),
        sa.Column("item_id", BigId, nullable=False),
        sa.Column("client_id", BigId, nullable=False),
        sa.Column("ticket_no", sa.Text(), nullable=False),
        sa.Column("external_ticket_no", sa.Text(), nullable=False),
        sa.Column("number_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False, comment="people"),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("issued_at", Instant, nullable=False),
        sa.Column("valid_from", Instant, nullable=False),
        sa.Column("valid_until", Instant, nullable=False, comment="9999-12-31 23:59:59.999999: no end"),
        sa.Column("valid_from_date", sa.Date(), nullable=False, comment="local to the default admission"),
        sa.Column("valid_until_date", sa.Date(), nullable=False, comment="local to the default admission"),
        sa.Column("blocked_at", Instant, nullable=True),
        sa.Column("blocked_reason", sa.Text(), nullable=True),
        sa.Column("revoked_at", Instant, nullable=True),
        sa.Column("printed_at", Instant, nullable=True),
        sa.Column("print_count", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("quantity >= 1", name=op.f("ck_issued_ticket_quantity")),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_issued_ticket_client_id")),
        sa.ForeignKeyConstraint(["item_id"], ["ticket_item.id"], name=op.f("fk_issued_ticket_item_id")),
        sa.ForeignKeyConstraint(["line_id"], ["request_line.id"], name=op.f("fk_issued_ticket_line_id")),
        sa.ForeignKeyConstraint(["request_id"], ["ticket_request.id"], name=op.f("fk_issued_ticket_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issued_ticket")),
        sa.UniqueConstraint("number_key", name=op.f("uq_issued_ticket_number_key")),
        sa.UniqueConstraint("ticket_no", name=op.f("uq_issued_ticket_ticket_no")),
    )
    op.create_index(
        op.f("ix_issued_ticket_client_id_issued_at_id"), "issued_ticket", ["client_id", "issued_at", "id"], unique=False
    )
    op.create_index(op.f("ix_issued_ticket_issued_at_id"), "issued_ticket", ["issued_at", "id"], unique=False)
    op.create_index(op.f("ix_issued_ticket_item_id"), "issued_ticket", ["item_id"], unique=False)
    op.create_index(op.f("ix_issued_ticket_line_id_id"), "issued_ticket", ["line_id", "id"], unique=False)
    op.create_index(op.f("ix_issued_ticket_request_id_id"), "issued_ticket", ["request_id", "id"], unique=False)
    op.create_index(op.f("ix_issued_ticket_valid_until_id"), "issued_ticket", ["valid_until", "id"], unique=False)
    op.create_table(
        "time_slot",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("line_id", BigId, nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("admission_id", BigId, nullable=False),
        sa.Column("starts_at", Instant, nullable=False),
        sa.Column("ends_at", Instant, nullable=False),
        sa.Column("arrival_from", Instant, nullable=False),
        sa.Column("arrival_until", Instant, nullable=False),
        sa.Column("sales_from", Instant, nullable=True),
        sa.Column("sales_until", Instant, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("closed_reason", sa.Text(), nullable=True),
        sa.Column("capacity_control", sa.Text(), nullable=True, comment="by hand; null: the line's"),
        sa.Column("max_capacity", sa.Integer(), nullable=True, comment="by hand; null: the line's"),
        sa.Column(
            "by_hand",
            sa.JSON(),
            server_default="{}",
            nullable=False,
            comment="edited columns and their values, as JSON",
        ),
        sa.Column("sold_places", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_time_slot_ends_at")),
        sa.CheckConstraint("sold_places >= 0", name=op.f("ck_time_slot_sold_places")),
        sa.ForeignKeyConstraint(["admission_id"], ["admission.id"], name=op.f("fk_time_slot_admission_id")),
        sa.ForeignKeyConstraint(["line_id"], ["schedule_line.id"], name=op.f("fk_time_slot_line_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_time_slot")),
        sa.UniqueConstraint("line_id", "date", name=op.f("uq_time_slot_line_id_date")),
    )
    op.create_index(op.f("ix_time_slot_admission_id_date"), "time_slot", ["admission_id", "date"], unique=False)
    op.create_index(
        op.f("ix_time_slot_admission_id_starts_at_id"), "time_slot", ["admission_id", "starts_at", "id"], unique=False
    )
    op.create_table(
        "request_entry",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("request_id", BigId, nullable=False),
        sa.Column("line_id", BigId, nullable=False),
        sa.Column("content_line_id", BigId, nullable=False),
        sa.Column("admission_id", BigId, nullable=False),
        sa.Column("inclusion", sa.Text(), nullable=False),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False, comment="tickets; 0: left out"),
        sa.Column("slot_id", BigId, nullable=True),
        sa.Column("replaced_at", Instant, nullable=True),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_request_entry_quantity")),
        sa.ForeignKeyConstraint(["admission_id"], ["admission.id"], name=op.f("fk_request_entry_admission_id")),
        sa.ForeignKeyConstraint(
            ["content_line_id"], ["content_line.id"], name=op.f("fk_request_entry_content_line_id")
        ),
        sa.ForeignKeyConstraint(["line_id"], ["request_line.id"], name=op.f("fk_request_entry_line_id")),
        sa.ForeignKeyConstraint(["request_id"], ["ticket_request.id"], name=op.f("fk_request_entry_request_id")),
        sa.ForeignKeyConstraint(["slot_id"], ["time_slot.id"], name=op.f("fk_request_entry_slot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_entry")),
        sa.UniqueConstraint("line_id", "admission_id", name=op.f("uq_request_entry_line_id_admission_id")),
    )
    op.create_index(
        op.f("ix_request_entry_admission_id_request_id"), "request_entry", ["admission_id", "request_id"], unique=False
    )
    op.create_index(op.f("ix_request_entry_request_id"), "request_entry", ["request_id"], unique=False)
    op.create_index(op.f("ix_request_entry_slot_id"), "request_entry", ["slot_id"], unique=False)
    op.create_table(
        "slot_change",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("slot_id", BigId, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("before", sa.JSON(), nullable=False, comment="the columns that changed, as they were"),
        sa.Column("after", sa.JSON(), nullable=False, comment="the same columns, as they became"),
        sa.ForeignKeyConstraint(["slot_id"], ["time_slot.id"], name=op.f("fk_slot_change_slot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slot_change")),
    )
    op.create_index(op.f("ix_slot_change_slot_id_at"), "slot_change", ["slot_id", "at"], unique=False)
    op.create_table(
        "ticket_number",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_id", BigId, nullable=False),
        sa.Column("ticket_id", BigId, nullable=True, comment="null: dictated, not issued yet"),
        sa.ForeignKeyConstraint(["request_id"], ["ticket_request.id"], name=op.f("fk_ticket_number_request_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["issued_ticket.id"], name=op.f("fk_ticket_number_ticket_id")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_ticket_number")),
    )
    op.create_index(op.f("ix_ticket_number_request_id"), "ticket_number", ["request_id"], unique=False)
    op.create_index(op.f("ix_ticket_number_ticket_id"), "ticket_number", ["ticket_id"], unique=False)
    op.create_table(
        "access_entry",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", BigId, nullable=False),
        sa.Column("admission_id", BigId, nullable=False),
        sa.Column("content_line_id", BigId, nullable=False),
        sa.Column("entry_id", BigId, nullable=False),
        sa.Column("slot_id", BigId, nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False, comment="places"),
        sa.Column("blocked_at", Instant, nullable=True),
        sa.Column("blocked_reason", sa.Text(), nullable=True),
        sa.Column("first_admitted_at", Instant, nullable=True),
        sa.Column("admitted_count", sa.Integer(), server_default="0", nullable=False, comment="people let in so far"),
        sa.Column("inside_count", sa.Integer(), server_default="0", nullable=False, comment="people inside now"),
        sa.CheckConstraint("inside_count BETWEEN 0 AND admitted_count", name=op.f("ck_access_entry_inside_count")),
        sa.CheckConstraint("quantity >= 1", name=op.f("ck_access_entry_quantity")),
        sa.ForeignKeyConstraint(["admission_id"], ["admission.id"], name=op.f("fk_access_entry_admission_id")),
        sa.ForeignKeyConstraint(["content_line_id"], ["content_line.id"], name=op.f("fk_access_entry_content_line_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["request_entry.id"], name=op.f("fk_access_entry_entry_id")),
        sa.ForeignKeyConstraint(["slot_id"], ["time_slot.id"], name=op.f("fk_access_entry_slot_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["issued_ticket.id"], name=op.f("fk_access_entry_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_entry")),
        sa.UniqueConstraint("ticket_id", "admission_id", name=op.f("uq_access_entry_ticket_id_admission_id")),
    )
    op.create_index(
        op.f("ix_access_entry_admission_id_ticket_id"), "access_entry", ["admission_id", "ticket_id"], unique=False
    )
    op.create_index(op.f("ix_access_entry_entry_id"), "access_entry", ["entry_id"], unique=False)
    op.create_index(op.f("ix_access_entry_first_admitted_at"), "access_entry", ["first_admitted_at"], unique=False)
    op.create_index(op.f("ix_access_entry_slot_id"), "access_entry", ["slot_id"], unique=False)
    op.create_table(
        "reservation",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("entry_id", BigId, nullable=False),
        sa.Column("request_id", BigId, nullable=False),
        sa.Column("slot_id", BigId, nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("since", Instant, nullable=False),
        sa.Column("until", Instant, nullable=True, comment="HELD: the end of the hold; SOLD: null until given back"),
        sa.CheckConstraint("kind = 'SOLD' OR until IS NOT NULL", name=op.f("ck_reservation_until")),
        sa.CheckConstraint("places >= 1", name=op.f("ck_reservation_places")),
        sa.ForeignKeyConstraint(["entry_id"], ["request_entry.id"], name=op.f("fk_reservation_entry_id")),
        sa.ForeignKeyConstraint(["request_id"], ["ticket_request.id"], name=op.f("fk_reservation_request_id")),
        sa.ForeignKeyConstraint(["slot_id"], ["time_slot.id"], name=op.f("fk_reservation_slot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservation")),
        sa.UniqueConstraint("entry_id", "slot_id", name=op.f("uq_reservation_entry_id_slot_id")),
    )
    op.create_index(op.f("ix_reservation_request_id"), "reservation", ["request_id"], unique=False)
    op.create_index(op.f("ix_reservation_slot_id_until"), "reservation", ["slot_id", "until"], unique=False)
    op.create_table(
        "request_event",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("tx", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("recorded_at", Instant, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("client_id", BigId, nullable=True, comment="null: the system"),
        sa.Column("request_id", BigId, nullable=True),
        sa.Column("ticket_id", BigId, nullable=True),
        sa.Column("access_entry_id", BigId, nullable=True),
        sa.Column("admission_id", BigId, nullable=True),
        sa.Column("slot_id", BigId, nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=True),
        sa.Column("scanned", sa.Text(), nullable=True),
        sa.Column("scanned_key", sa.Text(), nullable=True),
        sa.Column("gate", sa.Text(), nullable=True),
        sa.Column("refusal_code", sa.Text(), nullable=True),
        sa.Column(
            "facts", sa.JSON(), server_default="{}", nullable=False, comment="before and after; never personal data"
        ),
        sa.ForeignKeyConstraint(
            ["access_entry_id"], ["access_entry.id"], name=op.f("fk_request_event_access_entry_id")
        ),
        sa.ForeignKeyConstraint(["admission_id"], ["admission.id"], name=op.f("fk_request_event_admission_id")),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_request_event_client_id")),
        sa.ForeignKeyConstraint(["request_id"], ["ticket_request.id"], name=op.f("fk_request_event_request_id")),
        sa.ForeignKeyConstraint(["slot_id"], ["time_slot.id"], name=op.f("fk_request_event_slot_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["issued_ticket.id"], name=op.f("fk_request_event_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_event")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_request_event_access_entry_id_tx_id"), "request_event", ["access_entry_id", "tx", "id"], unique=False
    )
    op.create_index(op.f("ix_request_event_gate_at"), "request_event", ["gate", "at"], unique=False)
    op.create_index(op.f("ix_request_event_kind_at"), "request_event", ["kind", "at"], unique=False)
    op.create_index(
        op.f("ix_request_event_request_id_tx_id"), "request_event", ["request_id", "tx", "id"], unique=False
    )
    op.create_index(
        op.f("ix_request_event_scanned_key_tx_id"), "request_event", ["scanned_key", "tx", "id"], unique=False
    )
    op.create_index(op.f("ix_request_event_ticket_id_tx_id"), "request_event", ["ticket_id", "tx", "id"], unique=False)
    op.create_index(op.f("ix_request_event_tx_id"), "request_event", ["tx", "id"], unique=False)
    op.create_table(
        "visit",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("access_entry_id", BigId, nullable=False),
        sa.Column("slot_id", BigId, nullable=True, comment="null: not in any slot"),
        sa.Column("arrivals", sa.Integer(), nullable=False, comment="scans that let people in"),
        sa.Column("admitted", sa.Integer(), nullable=False, comment="people, each counted at every arrival"),
        sa.Column("inside", sa.Integer(), nullable=False, comment="people inside now"),
        sa.Column("first_at", Instant, nullable=False),
        sa.Column("last_at", Instant, nullable=False),
        sa.CheckConstraint("inside BETWEEN 0 AND admitted", name=op.f("ck_visit_inside")),
        sa.ForeignKeyConstraint(["access_entry_id"], ["access_entry.id"], name=op.f("fk_visit_access_entry_id")),
        sa.ForeignKeyConstraint(["slot_id"], ["time_slot.id"], name=op.f("fk_visit_slot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit")),
        sa.UniqueConstraint("access_entry_id", "slot_id", name=op.f("uq_visit_access_entry_id_slot_id")),
    )
    op.create_index(op.f("ix_visit_slot_id"), "visit", ["slot_id"], unique=False)
    op.create_index(
        "uq_visit_without_slot",
        "visit",
        ["access_entry_id"],
        unique=True,
        postgresql_where=sa.text("slot_id IS NULL"),
        sqlite_where=sa.text("slot_id IS NULL"),
    )
