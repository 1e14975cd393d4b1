"""Several server processes over one database, asked through their sockets."""

import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from db.engine import Database
from tests.harness import Gatehouse
from tests.park import Park
from tests.program import serving

PROCESSES = 2


class Servers(Gatehouse):
    """The harness, but each question goes to the next of several processes."""

    def __init__(self, database: Database, urls: list[str]) -> None:
        super().__init__(database)
        self._urls = itertools.cycle(urls)
        self._client = httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=200))

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
async def servers(database: Database, tmp_path: Path) -> AsyncIterator[Park]:
    """A park over two server processes that share its database; holds run out after the default time."""
    url = database.url.render_as_string(hide_password=False)
    with ExitStack() as stack:
        urls = []
        for number in range(PROCESSES):
            folder = tmp_path / f"server-{number}"
            folder.mkdir()
            urls.append(stack.enter_context(serving("serve", folder=folder, DATABASE_URL=url)).url)
        async with Servers(database, urls) as gatehouse:
            yield Park(gatehouse)
    for number in range(PROCESSES):
        print((tmp_path / f"server-{number}" / "stderr").read_text()[-3000:])
