"""Whether the database can be worked with: what commands look at first, and what probes ask a server."""

import asyncio

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

import db.address
import db.migrations
from db.engine import Database
from db.migrations import Standing

from .trouble import Trouble

SECONDS = 5
"""How long ``/readyz`` waits for the database before it says no."""

log = structlog.get_logger("gatehouse")


async def examine(database: Database) -> Standing:
    """How far the database is. Raises Unusable if it cannot be worked with at all, Trouble if it is newer than this."""
    await db.address.examine(database)
    standing = await db.migrations.standing(database)
    if standing is Standing.NEWER:
        raise Trouble("The database was migrated by a newer version of this program: start that one.")
    if standing is Standing.FOREIGN:
        raise Trouble("The database has tables but no version in alembic_version: nobody can tell how to migrate it.")
    return standing


async def check(database: Database) -> None:
    """Raise Unusable or Trouble unless the database can be worked with as it is."""
    standing = await examine(database)
    if standing is not Standing.CURRENT:
        raise Trouble(f"The database is {standing.value}: run `python server.py migrate` first.")


def routes(database: Database) -> list[BaseRoute]:
    """``/healthz``: the process is up. ``/readyz``: it can work with the database."""

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "up"})

    async def readyz(_request: Request) -> Response:
        try:
            async with asyncio.timeout(SECONDS):
                await check(database)
        except Trouble as found:
            return _not_ready(str(found))
        except (db.address.Unusable, TimeoutError) as found:
            log.warning("database out of reach", reason=str(found))  # who may ask here need not know the address
            return _not_ready("The database cannot be reached.")
        return JSONResponse({"status": "ready"})

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


def _not_ready(reason: str) -> Response:
    return JSONResponse({"status": "not ready", "reason": reason}, status_code=503)
