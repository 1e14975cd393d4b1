"""Persons: events of a customer, who looked at whom and in which hour, and scans by what was scanned."""

import sqlalchemy as sa
from alembic import op

from db.base import BigId, Instant

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    customer = sa.ForeignKey("customer.id", name=op.f("fk_request_event_customer_id"))
    comment = "of what concerns no request"
    op.add_column("request_event", sa.Column("customer_id", BigId, customer, comment=comment), inline_references=True)
    op.add_column("request_event", sa.Column("hour", Instant, comment="of VIEWED: the one in which it was first seen"))
    for name in ("request_id", "customer_id"):
        seen = sa.text(f"kind = 'VIEWED' AND {name} IS NOT NULL")
        op.create_index(
            f"ix_request_event_viewed_{name}",
            "request_event",
            ["client_id", name, "hour"],
            unique=True,
            postgresql_where=seen,
            sqlite_where=seen,
        )
    op.create_index(op.f("ix_scan_scanned_key"), "scan", ["scanned_key"])
