"""What alembic runs: the steps on the connection that ``db.migrations`` hands it, or the drafting of the next one."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

import db
from db.base import BigId, Instant

assert db.timeline.request_event.metadata is db.base.metadata  # importing db has filled the metadata


def render(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Our column types under their own names."""
    if kind == "type" and (isinstance(item, Instant) or item is BigId):
        autogen.imports.add("from db.base import BigId, Instant")
        return "Instant" if isinstance(item, Instant) else "BigId"
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=db.base.metadata,
    transactional_ddl=True,
    compare_server_default=True,
    render_item=render,
)
with context.begin_transaction():
    context.run_migrations()
