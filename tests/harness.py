"""The app over one database, asked through HTTP in this process: what most tests talk to."""

import asyncio
import dataclasses
from collections.abc import Mapping
from datetime import timedelta
from types import TracebackType
from typing import Any

import httpx

import db.engine
from db.client import Role
from db.engine import Database
from resolvers.actor import create_key
from resolvers.context import Rules
from tests.program import UNLIMITED_POINTS
from web.application import create_app
from web.settings import Settings


class Gatehouse:
    """One running app. Each name of a ``client`` is a client of its own; without one, each role has its own."""

    def __init__(self, database: Database, *, rules: Rules | None = None, settings: Settings | None = None) -> None:
        self.database = database
        self.statements: list[str] = []
        """The SQL of the last operation, in its order; who is asking was looked up before it began."""
        self.settings = settings or Settings(
            database_url=database.url.render_as_string(hide_password=False), points_per_minute=int(UNLIMITED_POINTS)
        )
        self.rules = rules or self.settings.rules()
        self.app = create_app(self.settings, database=database, rules=self.rules)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://localhost")
        """For what ``ask`` cannot send: other methods, headers, bodies."""
        self._keys: dict[tuple[str, str], str] = {}

    async def __aenter__(self) -> "Gatehouse":
        db.engine.watchers.append(self._collect)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, cause: BaseException | None, trace: TracebackType | None
    ) -> None:
        db.engine.watchers.remove(self._collect)
        await self.http.aclose()
        await self.app.state.feed.close()

    def _collect(self, statement: str) -> None:
        self.statements.append(statement)

    async def key(self, role: str = "ADMIN", client: str | None = None) -> str:
        """A key of that client, made when first asked for."""
        name = client or f"the {role} of the house"
        if (role, name) not in self._keys:
            async with self.database.writing() as write:
                made = await create_key(write, name, Role(role), await write.clock())
            self._keys[role, name] = made  # once it is committed: whoever asks meanwhile makes another
        return self._keys[role, name]

    async def ask(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        role: str = "ADMIN",
        client: str | None = None,
    ) -> dict[str, Any]:
        """The whole answer to one operation, asked by a client of that role."""
        headers = {"Authorization": f"Bearer {await self.key(role, client)}"}
        self.statements.clear()
        response = await self.http.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
        body: dict[str, Any] = response.json()
        return body

    async def data(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        role: str = "ADMIN",
        client: str | None = None,
    ) -> dict[str, Any]:
        """The data of an answer that must have no errors."""
        body = await self.ask(query, variables, role=role, client=client)
        assert "errors" not in body, body["errors"]
        data: dict[str, Any] = body["data"]
        return data

    async def listed(self, query: str, number: int, **asker: Any) -> list[dict[str, Any]]:
        """The events that a query of ``requestEvents`` answers, when there are so many.

        On PostgreSQL they are listed once no transaction is open that began before, also of another test's.
        """
        found: list[dict[str, Any]] = []
        for _ in range(600):
            found = (await self.data(query, **asker))["requestEvents"]["nodes"]
            if len(found) >= number:
                break
            await asyncio.sleep(0.05)
        return found

    def travel(self, by: timedelta) -> None:
        """Move the clock of this app: what follows happens that much later (or earlier)."""
        self.database.clock_offset += by

    def with_rules(self, **changes: Any) -> "Gatehouse":
        """Another app over the same database, whose operator decided otherwise. Enter it with ``async with``."""
        return Gatehouse(self.database, rules=dataclasses.replace(self.rules, **changes))

    def with_settings(self, **changes: Any) -> "Gatehouse":
        """Another app over the same database, started with other settings. Enter it with ``async with``."""
        return Gatehouse(self.database, settings=Settings(**self.settings.model_dump(exclude_unset=True) | changes))
