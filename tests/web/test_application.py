"""The application around GraphQL: whether it is up and ready, and what else it answers."""

from sqlalchemy import text

from db.engine import Database
from tests import program
from tests.harness import Gatehouse
from web.settings import Settings


async def test_it_is_up_and_ready(gatehouse: Gatehouse) -> None:
    for path in ("/healthz", "/readyz"):
        assert (await gatehouse.http.get(path)).status_code == 200


async def test_it_is_not_ready_on_a_database_of_another_version(gatehouse: Gatehouse) -> None:
    for change, reason in (
        ("UPDATE alembic_version SET version_num = '9999'", "newer"),
        ("DELETE FROM alembic_version", "no version"),
    ):
        async with gatehouse.database.writing() as write:
            await write.run(text(change))
        response = await gatehouse.http.get("/readyz")
        assert response.status_code == 503
        assert reason in response.json()["reason"]
        assert (await gatehouse.http.get("/healthz")).status_code == 200


async def test_it_is_not_ready_while_the_database_is_out_of_reach() -> None:
    """And does not tell the world where the database is."""
    address = f"postgresql+asyncpg://me:sesame@127.0.0.1:{program.free_port()}/gatehouse"
    gatehouse = Gatehouse(Database(address))
    response = await gatehouse.http.get("/readyz")
    assert response.status_code == 503
    assert response.json()["reason"] == "The database cannot be reached."


async def test_the_front_door_leads_to_graphiql(gatehouse: Gatehouse) -> None:
    response = await gatehouse.http.get("/")
    assert response.status_code == 307
    assert (await gatehouse.http.get(response.headers["location"])).status_code == 200


async def test_an_unknown_path_is_answered_in_json(gatehouse: Gatehouse) -> None:
    response = await gatehouse.http.get("/nowhere")
    assert response.status_code == 404
    assert response.json() == {"errors": [{"message": "Not Found", "extensions": {"code": "BAD_REQUEST"}}]}


async def test_limits_are_those_of_the_settings(database: Database) -> None:
    """At both sides of the one for the length of a body."""
    settings = Settings(database_url=str(database.url), max_body_bytes=1000)
    gatehouse = Gatehouse(database, settings=settings)
    headers = {"Authorization": f"Bearer {await gatehouse.key()}", "Content-Type": "application/json"}
    for length, status in ((1000, 200), (1001, 413)):
        body = b'{"query": "{ viewer { role } }"}'.ljust(length)
        response = await gatehouse.http.post("/graphql", content=body, headers=headers)
        assert response.status_code == status
