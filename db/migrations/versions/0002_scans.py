"""Scans: the answers kept by nonce, and events found by gate and by refusal."""

import sqlalchemy as sa
from alembic import op

from db.base import BigId, Instant
from db.keys import key

revision = "0002"
down_revision = "0001"

event = sa.table("request_event", sa.column("gate", sa.Text()), sa.column("gate_key", sa.Text()))


def upgrade() -> None:
    op.create_table(
        "scan",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("client_id", BigId, nullable=False),
        sa.Column("nonce_key", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("scanned_key", sa.Text(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_scan_client_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scan")),
        sa.UniqueConstraint("client_id", "nonce_key", name=op.f("uq_scan_client_id_nonce_key")),
    )
    op.add_column("request_event", sa.Column("gate_key", sa.Text(), nullable=True))
    connection = op.get_bind()
    for (gate,) in connection.execute(sa.select(event.c.gate).where(event.c.gate.is_not(None)).distinct()).all():
        connection.execute(event.update().where(event.c.gate == gate).values(gate_key=key(gate)))
    op.drop_index("ix_request_event_gate_at", table_name="request_event")
    op.create_index(op.f("ix_request_event_gate_key_tx_id"), "request_event", ["gate_key", "tx", "id"])
    of_refused, of_scans = "refusal_code IS NOT NULL", "kind IN ('ADMITTED', 'DEPARTED', 'REFUSED')"
    op.create_index(
        "ix_request_event_refused",
        "request_event",
        ["refusal_code", "tx", "id"],
        postgresql_where=sa.text(of_refused),
        sqlite_where=sa.text(of_refused),
    )
    op.create_index(
        "ix_request_event_scans_of_client",
        "request_event",
        ["client_id", "tx", "id"],
        postgresql_where=sa.text(of_scans),
        sqlite_where=sa.text(of_scans),
    )
