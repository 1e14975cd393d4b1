"""Wrong authorization codes, to be counted."""

import sqlalchemy as sa
from alembic import op

from db.base import BigId, Instant

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "code_attempt",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column(
            "named", sa.Text(), nullable=False, comment="TICKET: an external ticket number; TOKEN: a request's token"
        ),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_code_attempt")),
    )
    op.create_index(op.f("ix_code_attempt_at"), "code_attempt", ["at"], unique=False)
    op.create_index(op.f("ix_code_attempt_named_key_at"), "code_attempt", ["named", "key", "at"], unique=False)
