"""The history that events belong to, so that a cursor of another one is told apart."""

import sqlalchemy as sa
from alembic import op

from db.base import Instant
from db.history import new_epoch

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    history = op.create_table(
        "history",
        sa.Column("epoch", sa.Text(), nullable=False, comment="one row: the name of the history in force"),
        sa.Column(
            "place",
            sa.Text(),
            nullable=False,
            comment="PostgreSQL: which database of which server; empty: not looked yet",
        ),
        sa.Column(
            "base", sa.BigInteger(), nullable=False, comment="what is added to the server's number of a transaction"
        ),
        sa.Column("begun_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("epoch", name=op.f("pk_history")),
    )
    op.execute(
        history.insert().values(epoch=new_epoch(), place="", base=0, begun_at=sa.func.current_timestamp())
        if op.get_bind().dialect.name == "postgresql"
        else sa.text(
            "INSERT INTO history (epoch, place, base, begun_at)"
            " VALUES (:epoch, '', 0, strftime('%Y-%m-%d %H:%M:%f000', 'now'))"
        ).bindparams(epoch=new_epoch())
    )
