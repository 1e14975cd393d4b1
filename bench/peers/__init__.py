"""What Gatehouse is compared with, in Node, from packages that npm installs as ``package-lock.json`` says."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import URL

from ..servers import Served, free_port, started

HERE = Path(__file__).parent
NODE = HERE / "node_modules" / ".bin" / "node"
PRODUCTION = {"NODE_ENV": "production", "GRAPHILE_ENV": "production"}

TOLD = """
COMMENT ON TABLE request_entry IS E'@foreignKey (request_id) references ticket_request (id)'
    '\\n@foreignKey (admission_id) references admission (id)';
COMMENT ON TABLE issued_ticket IS '@foreignKey (request_id) references ticket_request (id)';
COMMENT ON TABLE ticket_request IS '@foreignKey (customer_key) references customer (customer_key)';
COMMENT ON COLUMN ticket_request.order_key IS '@behavior +attribute:filterBy +filterBy';
ALTER TABLE issued_ticket ALTER COLUMN valid_until DROP NOT NULL;
"""
"""What PostGraphile needs to be told of the tables: what repeats what another row says has no foreign key, nor has a
sale, which may name a customer whom nobody knows yet; an index that leaves out what is null is one; and of a ticket
that has no end, whose ``valid_until`` is infinity, it makes null."""


def install() -> None:
    """Install the packages, and the Node that they need, unless they are as the lock says already."""
    if shutil.which("npm") is None:
        raise SystemExit("npm is needed, to install what Gatehouse is compared with: https://nodejs.org")
    lock, installed = HERE / "package-lock.json", HERE / "node_modules" / ".package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    done = subprocess.run(["npm", "ci", "--no-progress"], cwd=HERE, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"npm ci failed:\n{done.stderr[-1000:]}")


@contextmanager
def postgraphile(url: URL, pool_size: int, first: Callable[[str], object], *, core: int | None) -> Iterator[Served]:
    """PostGraphile over the database of that address, which has been ``TOLD``."""
    port = free_port()
    command = [str(NODE), "postgraphile.mjs", str(url.query["host"]), str(port), str(pool_size)]
    with started(command, dict(os.environ) | PRODUCTION, port, first, core=core, folder=HERE) as server:
        yield server


def versions() -> str:
    """PostGraphile's, and that of the Node that runs it."""
    wanted = json.loads((HERE / "package.json").read_text())
    (node,) = set(wanted["optionalDependencies"].values())
    return f"PostGraphile {wanted['dependencies']['postgraphile']} on Node {node}"
