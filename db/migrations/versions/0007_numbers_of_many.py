"""Numbers that many requests may share, by index in the order of the requests."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    for name in ("payment_key", "code_key"):
        op.drop_index(op.f(f"ix_ticket_request_{name}"), "ticket_request")
        op.create_index(op.f(f"ix_ticket_request_{name}_id"), "ticket_request", [name, "id"])
    is_there = sa.text("receipt_key IS NOT NULL")
    op.create_index(
        op.f("ix_ticket_request_receipt_key_id"),
        "ticket_request",
        ["receipt_key", "id"],
        postgresql_where=is_there,
        sqlite_where=is_there,
    )
