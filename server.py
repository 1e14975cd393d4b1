"""The door: the command line. ``server:app_of_environment`` is the application for a program that serves it itself."""

import gc

if __name__ == "__main__":
    gc.disable()  # what is loaded stays: to look for garbage in it took an eighth of the time to start

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import typer

import db.address
import db.admission
import db.client
import db.migrations
from db.client import Role
from db.engine import Database
from db.migrations import Standing
from db.paging import Window
from resolvers import generation
from resolvers.actor import create_key
from web import chores, log, ready
from web.serving import app_of_environment, graphiql_at, listening, run
from web.settings import PREFIX, Environment, Settings, settings_for_serving, settings_of_environment
from web.trouble import Trouble

__all__ = ["app_of_environment", "main"]

NAME_LENGTH = 100
DEMO_REQUESTS = 1000

T = TypeVar("T")

cli = typer.Typer(
    help="Gatehouse: ticket requests, admissions and issued tickets of attractions, as a GraphQL server.\n\n"
    "Begin with `migrate`, then `key create`, then `serve`; or with `start`, which loads demo data too. Settings come "
    f"from environment variables that begin with {PREFIX}; the README lists them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
key = typer.Typer(help="Make, list and revoke the keys that clients ask with.", no_args_is_help=True)
cli.add_typer(key, name="key")


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """The database of the settings, for one command."""
    database = Database(settings.database_url, pool_size=settings.pool_size)
    try:
        yield database
    finally:
        await database.dispose()


def in_migrated(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    """What the work comes to on the database, which must be there and of this program's version."""
    must_be_there(settings)

    async def run() -> T:
        async with opened(settings) as database:
            await ready.check(database)
            await chores.keep_history(database)
            return await work(database)

    return asyncio.run(run())


def must_be_there(settings: Settings) -> None:
    """Raise Trouble if the SQLite file is missing: opening it would make an empty one."""
    file = settings.database_file
    if file is None:
        return
    if not file.exists():
        raise Trouble(f"There is no database at {file} yet: run `python server.py migrate` first.")
    if not os.access(file, os.W_OK) or not os.access(file.parent, os.W_OK):
        raise Trouble(f"The database {file} and its folder must be writable, and are not.")


def make_folder(folder: Path) -> None:
    """Make a folder for what nobody else on the machine should read, or raise Trouble."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as found:
        raise Trouble(f"The folder {folder} cannot be made: {found.strerror}.") from found
    if not os.access(folder, os.W_OK):
        raise Trouble(f"The folder {folder} is not writable.")


def write_secretly(path: Path, content: str) -> None:
    """Write a file that only its owner can read."""
    make_folder(path.parent)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)


@cli.command()
def migrate() -> None:
    """Make the database, or bring it to this version.

    The tables are made or changed in one transaction. A second run changes nothing.

    Example: `GATEHOUSE_DATABASE_URL=postgresql+asyncpg://me@localhost/gatehouse python server.py migrate`
    """
    settings = settings_of_environment()
    log.configure(settings)
    steps = migrated(settings)
    where = db.address.shown(settings.database_url)
    if steps:
        typer.echo(f"Migrated {where} to version {steps[-1]}.")
    else:
        typer.echo(f"{where} is at version {db.migrations.head()}: nothing to do.")


def migrated(settings: Settings) -> Sequence[str]:
    """Bring the database of the settings to this version; answers the steps that it took."""
    if settings.database_file is not None:
        make_folder(settings.database_file.parent)

    async def run() -> Sequence[str]:
        async with opened(settings) as database:
            if await ready.examine(database) is Standing.CURRENT:
                return ()
            try:
                return await db.migrations.upgrade(database)
            except db.migrations.TablesInUse as found:
                raise Trouble("The tables are never free: stop what uses them, and migrate again.") from found

    return asyncio.run(run())


@cli.command()
def demo(
    requests: Annotated[int, typer.Option(min=1, max=10_000_000, help="How many ticket requests.")] = DEMO_REQUESTS,
) -> None:
    """Fill an empty database with a castle, its tours, guests and ticket requests in every state.

    The same number makes the same data each time, around the day on which it is made. Prints a key of each role, and
    keeps them in `demo-keys.txt` beside the database.

    Example: `python server.py demo --requests 100000`
    """
    settings = settings_of_environment()
    log.configure(settings)
    if not demo_loaded(settings, requests):
        raise Trouble("There is data already: demo data goes into an empty database only.")
    typer.echo(demo_keys(settings))


def demo_loaded(settings: Settings, requests: int) -> bool:
    """Load so many demo requests and keep the keys; False if the database is not empty."""
    if in_migrated(settings, holds_data):
        return False

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    import resolvers.demo

    columns = (TextColumn("Demo data"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=requests)

        def report(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        async def load(database: Database) -> Mapping[str, str]:
            return await resolvers.demo.load(database, settings.rules(), requests=requests, progress=report)

        try:
            keys = in_migrated(settings, load)
        except resolvers.demo.DatabaseInUse:
            return False
    write_secretly(settings.demo_keys, "".join(f"{role} {secret}\n" for role, secret in keys.items()))
    return True


async def holds_data(database: Database) -> bool:
    """Whether anything was set up: without an admission there is nothing to sell, and nothing was sold."""
    async with database.reading() as read:
        return bool((await db.admission.page(read, Window(1))).rows)


def demo_keys(settings: Settings) -> str:
    """The keys of the demo data as they are shown, or where they would be."""
    if not settings.demo_keys.exists():
        return "No demo keys are kept here: `python server.py key create` makes a key."
    keys = (line.split() for line in settings.demo_keys.read_text().splitlines())
    return "\n".join((f"Keys, from {settings.demo_keys}:", *(f"  {role:<10} {secret}" for role, secret in keys)))


Host = Annotated[str | None, typer.Option(help=f"The address to listen on; else {PREFIX}HOST.")]
Port = Annotated[int | None, typer.Option(min=1, max=65535, help=f"The port; else {PREFIX}PORT.")]
Workers = Annotated[int | None, typer.Option(min=1, max=256, help=f"How many processes; else {PREFIX}WORKERS.")]


@cli.command()
def serve(host: Host = None, port: Port = None, workers: Workers = None) -> None:
    """Serve GraphQL at /graphql, and GraphiQL for people at /graphiql.

    The database must have been migrated; nothing is loaded into it. /healthz tells that the process is up, /readyz that
    it can work.

    Example: `python server.py serve --host 0.0.0.0 --port 8080 --workers 4`
    """
    settings = settings_for_serving(host, port, workers)
    log.configure(settings)
    in_migrated(settings, nothing_more)
    run(settings, listening(settings), graphiql_at(settings))


@cli.command()
def start(host: Host = None, port: Port = None, workers: Workers = None) -> None:
    """Migrate, load demo data into an empty database, and serve: what `make serve` does, to try things out.

    For development, unless GATEHOUSE_ENVIRONMENT says otherwise.
    """
    os.environ.setdefault(f"{PREFIX}ENVIRONMENT", Environment.DEVELOPMENT)
    settings = settings_for_serving(host, port, workers)
    log.configure(settings)
    taken = listening(settings)
    migrated(settings)
    demo_loaded(settings, DEMO_REQUESTS)
    run(settings, taken, f"{demo_keys(settings)}\n{graphiql_at(settings)}")


async def nothing_more(_database: Database) -> None:
    """For a command that only needs the database to be as it must."""


@key.command("create")
def key_create(
    role: Annotated[Role, typer.Option(help="What the client is.", case_sensitive=False)],
    name: Annotated[str, typer.Option(help="The client; its further keys take the same name.")],
    expires_in_days: Annotated[int | None, typer.Option(min=1, max=36_500, help="Left out: never.")] = None,
) -> None:
    """Make a key and print it, alone, this once: only its hash is kept.

    Example: `python server.py key create --role WEB_STORE --name "Web store" --expires-in-days 365`
    """
    if len(name) > NAME_LENGTH or not name.isprintable():
        raise Trouble(f"A client's name has at most {NAME_LENGTH} printable characters.")

    async def create(database: Database) -> str:
        async with database.writing() as write:
            now = await write.clock()
            expires_at = now + timedelta(days=expires_in_days) if expires_in_days else None
            try:
                return await create_key(write, name, role, now, expires_at)
            except ValueError as found:
                raise Trouble(f"No key was made: {found}.") from found

    typer.echo(in_migrated(settings_of_environment(), create))


@key.command("list")
def key_list() -> None:
    """List every key ever made, without its secret."""

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    async def keys(database: Database) -> list[db.client.ApiKeyRow]:
        async with database.reading() as read:
            return await db.client.keys(read)

    table = Table("PUBLIC ID", "CLIENT", "ROLE", "CREATED", "EXPIRES", "REVOKED", "LAST USED", box=None, pad_edge=False)
    for row in in_migrated(settings_of_environment(), keys):
        moments = (row.created_at, row.expires_at, row.revoked_at, row.last_used_at)
        table.add_row(
            row.public_id, Text(row.client_name), row.role, *(f"{at:%Y-%m-%d %H:%M}Z" if at else "-" for at in moments)
        )
    Console(width=None if sys.stdout.isatty() else 200).print(table)


@key.command("revoke")
def key_revoke(public_id: Annotated[str, typer.Argument(help="As `key list` shows it.")]) -> None:
    """End a key. Servers that have just seen it refuse it within ten seconds.

    Example: `python server.py key revoke 1f0c9a7be2d4`
    """

    async def revoke(database: Database) -> bool:
        async with database.writing() as write:
            return await db.client.revoke_key(write, public_id, await write.clock())

    if not in_migrated(settings_of_environment(), revoke):
        raise Trouble(f"There is no key with the public id {public_id}: see `python server.py key list`.")
    typer.echo(f"Revoked {public_id}.")


@cli.command()
def generate(
    admission: Annotated[str | None, typer.Option(help="The code of one admission; left out: all of them.")] = None,
) -> None:
    """Calculate time slots from schedules, as a server does when an admission's day begins.

    From today to as far ahead as each schedule goes. Edits by hand are kept; a second run changes nothing.

    Example: `python server.py generate --admission CASTLE`
    """

    async def calculate(database: Database) -> list[str]:
        async with database.reading() as read:
            codes = [admission] if admission is not None else await db.admission.codes(read)
        lines = []
        for code in codes:
            outcome = await generation.calculate(database, code)
            if outcome is None:
                raise Trouble(f"There is no admission of the code {code}.")
            counted = ", ".join(f"{number} {did}" for did, number in outcome.counts.items())
            lines.append(f"{code}: {counted}")
        return lines

    settings = settings_of_environment()
    log.configure(settings)
    for line in in_migrated(settings, calculate):
        typer.echo(line)


@cli.command("schema")
def print_schema() -> None:
    """Print the GraphQL schema, as `schema/schema.graphql` has it."""
    import schema.root

    typer.echo(schema.root.schema.as_str())


def main() -> NoReturn:
    """Run the command line; what a person can act on is said in a sentence."""
    gc.freeze()
    gc.enable()
    os.umask(0o077)  # what it writes holds guests' data
    try:
        cli(prog_name="python server.py")
    except (Trouble, db.address.Unusable) as found:
        typer.echo(str(found), err=True)
        sys.exit(found.exit_code if isinstance(found, Trouble) else 1)
    sys.exit(0)


if __name__ == "__main__":
    main()
