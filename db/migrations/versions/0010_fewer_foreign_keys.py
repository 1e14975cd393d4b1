"""Fewer foreign keys for each sale: none where a row repeats what another one says, or only tells of it."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

NEEDLESS = {
    "order_key": ["client_id"],
    "request_entry": ["request_id", "admission_id"],
    "reservation": ["request_id"],
    "issued_ticket": ["request_id", "item_id", "client_id"],
    "access_entry": ["admission_id", "content_line_id"],
    "time_slot": ["admission_id"],
    "search_key": ["client_id"],
    "request_event": [
        "client_id",
        "request_id",
        "ticket_id",
        "access_entry_id",
        "admission_id",
        "slot_id",
        "customer_id",
    ],
}
"""The columns that have no foreign key from here on, by table."""

KINDS = {"search_key": {"sqlite_with_rowid": False}, "request_event": {"sqlite_autoincrement": True}}
"""What SQLite does not tell of a table that is rebuilt."""


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table, columns in NEEDLESS.items():
            for name in _names(table, columns):
                op.drop_constraint(name, table, type_="foreignkey")
        return
    named = {"fk": "fk_%(table_name)s_%(column_0_N_name)s"}
    for table, columns in NEEDLESS.items():
        with op.batch_alter_table(table, table_kwargs=KINDS.get(table, {}), naming_convention=named) as anew:
            for column in columns:
                anew.drop_constraint(op.f(f"fk_{table}_{column}"), type_="foreignkey")


def _names(table: str, columns: list[str]) -> list[str]:
    """As they are called there: one was named by PostgreSQL."""
    keys = sa.inspect(op.get_bind()).get_foreign_keys(table)
    return [str(key["name"]) for key in keys if key["constrained_columns"][0] in columns]
