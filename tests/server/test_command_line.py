"""The command line, as a person or a script runs it: in a process of its own, on a SQLite file."""

import shutil
import socket
import stat
from pathlib import Path

import pytest
from sqlalchemy import text

from db.engine import Database
from tests import program
from tests.conftest import sqlite_url
from web.settings import Settings


@pytest.fixture
def folder(sqlite_template: Path, tmp_path: Path) -> Path:
    """The folder of a migrated, empty database."""
    shutil.copyfile(sqlite_template, tmp_path / "gatehouse.sqlite3")
    return tmp_path


def refusal(*arguments: str, folder: Path, exit_code: int = 1, **settings: str) -> str:
    """What the command says as it refuses: one sentence, and nothing on standard output."""
    done = program.run(*arguments, folder=folder, **settings)
    assert (done.returncode, done.stdout) == (exit_code, "")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr.strip()


def test_help_names_every_command(tmp_path: Path) -> None:
    done = program.run("--help", folder=tmp_path)
    assert done.returncode == 0
    for command in ("serve", "start", "migrate", "demo", "generate", "key", "schema"):
        assert f" {command} " in done.stdout


def test_a_key_is_made_listed_and_revoked(folder: Path) -> None:
    """It is printed alone, and its secret never again."""
    made = program.run("key", "create", "--role", "POS", "--name", "Till 1", "--expires-in-days", "7", folder=folder)
    assert made.returncode == 0, made.stderr
    (key,) = made.stdout.splitlines()
    _, public_id, secret = key.split("_", 2)
    listed = program.run("key", "list", folder=folder).stdout
    assert public_id in listed
    assert "Till 1" in listed
    assert secret not in listed
    assert program.run("key", "revoke", public_id, folder=folder).returncode == 0
    assert program.run("key", "list", folder=folder).stdout != listed
    assert "no key" in refusal("key", "revoke", "0000", folder=folder)
    assert "has the role POS" in refusal("key", "create", "--role", "GATE", "--name", "till 1", folder=folder)


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    assert "run `python server.py migrate` first" in refusal("serve", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_migrate_makes_a_folder_that_only_its_owner_reads(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    done = program.run("migrate", folder=folder)
    assert done.returncode == 0, done.stderr
    assert "Migrated" in done.stdout
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert "nothing to do" in program.run("migrate", folder=folder).stdout


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot be made" in refusal("migrate", folder=tmp_path / "file")


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "gatehouse.sqlite3").write_text("This was a letter, before it was given to the wrong program." * 10)
    assert "file is not a database" in refusal("serve", folder=tmp_path)


async def test_a_newer_database_is_left_alone(folder: Path) -> None:
    database = Database(sqlite_url(folder / "gatehouse.sqlite3"))
    async with database.writing() as write:
        await write.run(text("UPDATE alembic_version SET version_num = '9999'"))
    await database.dispose()
    for command in ("serve", "migrate", "demo"):
        assert "newer version of this program" in refusal(command, folder=folder)


async def test_a_database_that_lost_its_version_is_left_alone(folder: Path) -> None:
    database = Database(sqlite_url(folder / "gatehouse.sqlite3"))
    async with database.writing() as write:
        await write.run(text("DELETE FROM alembic_version"))
    await database.dispose()
    for command in ("serve", "migrate"):
        assert "no version in alembic_version" in refusal(command, folder=folder)


def test_the_demo_keys_of_one_database_never_take_the_place_of_another_s() -> None:
    urls = [
        "sqlite+aiosqlite:////d/gatehouse.sqlite3",
        "sqlite+aiosqlite:////d/other.sqlite3",
        "postgresql+asyncpg://u@/gatehouse?host=/a",
        "postgresql+asyncpg://u@/gatehouse?host=/b",
        "postgresql+asyncpg://u@h:5433/gatehouse",
    ]
    assert len({Settings(database_url=url).demo_keys for url in urls}) == len(urls)
    assert Settings(database_url=urls[0]).demo_keys == Path("/d/demo-keys.txt")


def test_a_server_that_cannot_be_reached_is_told_without_its_password(tmp_path: Path) -> None:
    nowhere = f"postgresql+asyncpg://me:sesame@127.0.0.1:{program.free_port()}/gatehouse"
    sentence = refusal("serve", folder=tmp_path, DATABASE_URL=nowhere)
    assert "cannot be used" in sentence
    assert "sesame" not in sentence


def test_a_taken_port_is_told(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"Port {port} on 127.0.0.1 is taken" in refusal("serve", "--port", port, folder=folder)


def test_a_bad_setting_is_told(tmp_path: Path) -> None:
    assert refusal("serve", folder=tmp_path, exit_code=2, PORT="x").startswith("GATEHOUSE_PORT: ")


def test_what_is_not_safe_together_is_told(tmp_path: Path) -> None:
    """Also what only the command line makes so; a server for development stays on its machine."""
    assert refusal("serve", "--host", "0.0.0.0", folder=tmp_path, exit_code=2).startswith("GATEHOUSE_ALLOWED_HOSTS: ")
    assert refusal("start", "--host", "0.0.0.0", folder=tmp_path, exit_code=2).startswith("GATEHOUSE_ENVIRONMENT: ")
    assert not list(tmp_path.iterdir())


def test_the_schema_is_printed(tmp_path: Path) -> None:
    done = program.run("schema", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "type Query {" in done.stdout


def test_slots_are_generated_for_one_admission_or_all(folder: Path) -> None:
    """Of demo data, whose slots are there already: nothing changes, not even those that were edited by hand."""
    assert "There is no admission of the code CASTLE" in refusal("generate", "--admission", "CASTLE", folder=folder)
    assert program.run("demo", "--requests", "20", folder=folder).returncode == 0
    done = program.run("generate", "--admission", "castle", folder=folder)
    assert (done.returncode, done.stdout) == (0, "castle: 0 made, 0 changed, 0 revived, 0 canceled, 0 told\n")
    done = program.run("generate", folder=folder)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 1
    assert all("0 changed, 0 revived, 0 canceled, 0 told" in line for line in done.stdout.splitlines())


def test_demo_data_goes_into_an_empty_database_only(folder: Path) -> None:
    """Its keys are printed, and kept where only their owner reads them."""
    done = program.run("demo", "--requests", "20", folder=folder)
    assert done.returncode == 0, done.stderr
    kept = folder / "demo-keys.txt"
    keys = dict(line.split() for line in kept.read_text().splitlines())
    assert set(keys) == {"ADMIN", "SUPPORT", "POS", "WEB_STORE", "GATE"}
    assert all(key in done.stdout for key in keys.values())
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "There is data already" in refusal("demo", folder=folder)
