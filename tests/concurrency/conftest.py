"""Several server processes over one database, asked through their sockets."""

import itertools
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy.engine import URL

from db.engine import Database
from tests import postgresql
from tests.conftest import maintain, migrate
from tests.harness import Gatehouse
from tests.park import Park
from tests.program import serving

from . import books

PROCESSES = 2
CONNECTIONS = 200
PATIENCE_SECONDS = 60
"""Two hundred at one slot wait long on a machine that does other things; none may wait for ever."""


class Servers(Gatehouse):
    """The harness, but each question goes to the next of several processes."""

    def __init__(self, database: Database, urls: list[str]) -> None:
        super().__init__(database)
        self._urls = itertools.cycle(urls)
        # All are kept alive: httpx closes what is too many, also the one that it has just chosen for another request.
        limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
        self._client = httpx.AsyncClient(timeout=2 * PATIENCE_SECONDS, limits=limits)

    async def ask(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        role: str = "ADMIN",
        client: str | None = None,
    ) -> dict[str, Any]:
        """The whole answer to one operation, from the next process."""
        headers = {"Authorization": f"Bearer {await self.key(role, client)}"}
        asked = {"query": query, "variables": variables}
        response = await self._client.post(f"{next(self._urls)}/graphql", json=asked, headers=headers)
        body: dict[str, Any] = response.json()
        return body

    async def __aexit__(self, *exception: Any) -> None:
        await self._client.aclose()
        await super().__aexit__(*exception)


@pytest.fixture
async def servers(database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Park]:
    """A park over two server processes that share its database; an indirect parameter has settings for them.

    When the test is over, everything in the database must add up, and no process may have met a failure.
    """
    url = database.url.render_as_string(hide_password=False)
    folders = [tmp_path / f"server-{number}" for number in range(PROCESSES)]
    with ExitStack() as stack:
        urls = []
        for folder in folders:
            folder.mkdir()
            settings = {
                "DATABASE_URL": url,
                "OPERATION_SECONDS": str(PATIENCE_SECONDS),
                **getattr(request, "param", {}),
            }
            urls.append(stack.enter_context(serving("serve", folder=folder, **settings)).url)
        async with Servers(database, urls) as gatehouse:
            yield Park(gatehouse)
    assert await books.broken(database) == {}
    for folder in folders:
        assert failures(folder / "stderr") == []


def failures(log: Path) -> list[str]:
    """The lines of a server's log that tell of something broken."""
    lines = [orjson.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [str(line) for line in lines if line["level"] in ("warning", "error", "critical")]


@pytest.fixture
def own_folder() -> Iterator[Path]:
    """Where the server of ``own_postgresql`` lives."""
    folder = postgresql.new_folder()
    yield folder
    postgresql.stop(folder)


@pytest.fixture
async def own_postgresql(own_folder: Path) -> URL:
    """A server that no other test uses, which keeps what it has committed when its processes are killed."""
    server = postgresql.start(own_folder)
    await maintain(server, "ALTER SYSTEM SET synchronous_commit = on")
    await maintain(server, "SELECT pg_reload_conf()")
    await maintain(server, "CREATE DATABASE gatehouse")
    url = server.set(database="gatehouse")
    await migrate(url)
    return url
