"""Fewer entries in indexes for each sale, and numbers that are taken before what they are given to is there."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

OF_GIVEN = {
    "ticket_request": [
        ("order_key", "client_id"),
        ("receipt_key", "pos_unit_key"),
        ("customer_key", "id"),
        ("email_key",),
        ("phone_key",),
        ("name_key",),
        ("payment_key", "id"),
    ],
    "request_entry": [("slot_id",)],
    "access_entry": [("slot_id",), ("first_admitted_at",)],
    "request_event": [(name, "tx", "id") for name in ("ticket_id", "access_entry_id", "scanned_key", "gate_key")],
}
"""Indexes whose first column most rows leave empty: of the others only, from here on."""

UNUSED = {"order_key": ("request_id",), "ticket_number": ("request_id", "ticket_id")}
"""Of tables that are only ever asked by their own key."""

IN_THE_END = {
    "order_key": {"request_id": "ticket_request"},
    "ticket_number": {"request_id": "ticket_request", "ticket_id": "issued_ticket"},
}
"""Foreign keys that are looked at when a transaction commits."""


def upgrade() -> None:
    for table, indexes in OF_GIVEN.items():
        for columns in indexes:
            name = op.f(f"ix_{table}_{'_'.join(columns)}")
            is_given = sa.text(f"{columns[0]} IS NOT NULL")
            op.drop_index(name, table)
            op.create_index(name, table, list(columns), postgresql_where=is_given, sqlite_where=is_given)
    for table, names in UNUSED.items():
        for column in names:
            op.drop_index(op.f(f"ix_{table}_{column}"), table)
    for table, keys in IN_THE_END.items():
        if op.get_bind().dialect.name == "postgresql":
            for column in keys:  # in place: what is there is not looked at again
                constraint = f"fk_{table}_{column}"
                op.execute(f"ALTER TABLE {table} ALTER CONSTRAINT {constraint} DEFERRABLE INITIALLY DEFERRED")
            continue
        with op.batch_alter_table(table) as anew:
            for column, target in keys.items():
                name = op.f(f"fk_{table}_{column}")
                anew.drop_constraint(name, type_="foreignkey")
                anew.create_foreign_key(name, target, [column], ["id"], deferrable=True, initially="DEFERRED")
