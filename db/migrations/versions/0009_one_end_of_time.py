"""No end is one moment: PostgreSQL's infinity, also where a sale of several tickets wrote the last microsecond."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        last = "TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'"
        op.execute(f"UPDATE issued_ticket SET valid_until = 'infinity' WHERE valid_until = {last}")
