"""Everything a database keeps, to see that a refusal changed nothing."""

from typing import Any

from sqlalchemy import select

from db.base import metadata
from tests.harness import Gatehouse


async def kept(gatehouse: Gatehouse) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table but the clients and their keys, which the tests make as they go."""
    tables = [table for table in metadata.sorted_tables if table.name not in ("client", "api_key")]
    async with gatehouse.database.reading() as read:
        return {
            table.name: [tuple(row) for row in await read.all(select(table).order_by(*table.primary_key.columns))]
            for table in tables
        }
