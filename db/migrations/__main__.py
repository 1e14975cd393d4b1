"""``python -m db.migrations "What it does"``: draft the step from where the steps so far lead to the tables in code."""

import asyncio
import sys
import tempfile

from alembic import command

from ..engine import Database
from . import _config, _scripts, upgrade


async def draft(message: str) -> None:
    """Write the draft, against a throw-away SQLite file that has all steps so far. Read it before it is committed."""
    number = len(list(_scripts().walk_revisions())) + 1
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite+aiosqlite:///{folder}/draft.sqlite3")
        try:
            await upgrade(database)
            async with database.maintaining() as connection:
                await connection.run_sync(
                    lambda sync: command.revision(_config(sync), message, autogenerate=True, rev_id=f"{number:04}")
                )
        finally:
            await database.dispose()


asyncio.run(draft(sys.argv[1]))
