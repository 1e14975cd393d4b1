"""The servers that are measured, each a process of its own, and what the system knows of such a process."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from sqlalchemy.engine import URL

SERVER = Path(__file__).parents[1] / "server.py"
PATIENCE_SECONDS = 60
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Served:
    """A server that answers. ``seconds``: from its start to its first answer. ``log``: what it writes to stderr."""

    address: str
    pid: int
    seconds: float
    log: IO[bytes]


def environment_of(url: URL, **settings: str) -> dict[str, str]:
    """Gatehouse's environment: that database, no allowance that would end, and these settings."""
    told = {"DATABASE_URL": url.render_as_string(hide_password=False), "POINTS_PER_MINUTE": "999999999999", **settings}
    return dict(os.environ) | {f"GATEHOUSE_{name}": value for name, value in told.items()}


def migrate(environment: Mapping[str, str]) -> None:
    """Bring the database to this code's tables."""
    subprocess.run([sys.executable, str(SERVER), "migrate"], env=environment, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def gatehouse(
    environment: Mapping[str, str], first: Callable[[str], object], *, workers: int = 1, core: int | None = None
) -> Iterator[Served]:
    """Gatehouse as an operator would run it, on a database that is migrated."""
    port = free_port()
    command = [sys.executable, str(SERVER), "serve", "--workers", str(workers), "--port", str(port)]
    with started(command, environment, port, first, core=core) as server:
        yield server


@contextmanager
def started(
    command: Sequence[str],
    environment: Mapping[str, str],
    port: int,
    first: Callable[[str], object],
    *,
    core: int | None = None,
    folder: Path | None = None,
) -> Iterator[Served]:
    """A server at that port, from its first answer until the block ends; on one core and in a folder, if named.

    ``first`` asks at an address, and raises OSError until it is answered.
    """
    address = f"http://127.0.0.1:{port}"
    # Opened for appending, so that the server goes on at the end also after this process has read or emptied it.
    with tempfile.TemporaryDirectory() as temporary, (Path(temporary) / "log").open("a+b") as log:
        began = time.perf_counter()
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.DEVNULL, stderr=log)
        try:
            if core is not None:
                os.sched_setaffinity(process.pid, {core})
            _wait(process, lambda: first(address), log)
            yield Served(address, process.pid, time.perf_counter() - began, log)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _wait(process: "subprocess.Popen[bytes]", first: Callable[[], object], log: IO[bytes]) -> None:
    until = time.perf_counter() + PATIENCE_SECONDS
    while process.poll() is None and time.perf_counter() < until:
        try:
            first()
            return
        except OSError:
            time.sleep(0.01)
    log.seek(0)
    raise SystemExit(f"The server does not start:\n{log.read()[-2000:].decode()}")


def is_ready(address: str) -> None:
    """Return if Gatehouse at this address can work. Raises OSError."""
    with urllib.request.urlopen(f"{address}/readyz", timeout=5):
        pass


def ask(address: str, query: str, variables: Mapping[str, Any], key: str | None = None) -> Any:
    """The data of an answer that must have no errors. Raises OSError where there is no answer."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    body = json.dumps({"query": query, "variables": variables}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{address}/graphql", body, headers), timeout=30) as response:
        answer = json.load(response)
    if "errors" in answer:
        raise SystemExit(f"{address} answers errors: {answer['errors']}")
    return answer["data"]


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


def cpu_seconds(pid: int) -> float:
    """Of processor time that a process has taken, with those of its children that have ended."""
    # The second field is the program's name in parentheses, and may have spaces; these are the 14th to the 17th.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]
    return sum(map(int, fields)) / TICKS_PER_SECOND


def cpu_seconds_of_family(pid: int) -> float:
    """The same of a process and its children: PostgreSQL has one for each connection."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    taken = cpu_seconds(pid)
    for child in children:
        with suppress(FileNotFoundError):  # it has just ended: it counts among those of the parent from now on
            taken += cpu_seconds(int(child))
    return taken


def resident_bytes(pid: int) -> int:
    """How much of the machine's memory a process has now."""
    with Path(f"/proc/{pid}/status").open() as lines:
        (kilobytes,) = (line.split()[1] for line in lines if line.startswith("VmRSS:"))
    return int(kilobytes) * 1024
