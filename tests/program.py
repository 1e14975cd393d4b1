"""The program as a process of its own: its command line, and a server that it starts."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SERVER = Path(__file__).parent.parent / "server.py"


UNLIMITED_POINTS = "999999999999"
"""A test asks more in a minute than any key may; what an allowance does is tested where one is set."""


@dataclass(frozen=True)
class Served:
    """A server process: its address, the folder of its database, and the key of each role if there is demo data."""

    process: subprocess.Popen[bytes]
    url: str
    folder: Path
    keys: dict[str, str]

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return (self.folder / "stdout").read_text()

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return (self.folder / "stderr").read_text()


def run(*arguments: str, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command on the SQLite database of that folder; further settings are given without their prefix."""
    return _ran(_command(arguments), folder, settings)


def run_without_standard_error(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The same, with nothing behind the file descriptor 2."""
    return _ran(["sh", "-c", 'exec "$@" 2>&-', "sh", *_command(arguments)], folder, {})


def _ran(command: list[str], folder: Path, settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    environment = _environment(folder, settings)
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@contextmanager
def serving(*arguments: str, folder: Path, module: str | None = None, **settings: str) -> Iterator[Served]:
    """Run a command that serves, on a port of its own, from when it is ready until the block ends.

    ``module``: the command is another program's, which is run as that module beside ours.
    """
    port = free_port()
    with (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            _command((*arguments, "--port", str(port)), module),
            cwd=SERVER.parent,
            env=_environment(folder, settings),
            stdout=stdout,
            stderr=stderr,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(url, process)
        yield Served(process, url, folder, _keys(folder / "demo-keys.txt"))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _command(arguments: tuple[str, ...], module: str | None = None) -> list[str]:
    return [sys.executable, *(("-m", module) if module else (str(SERVER),)), *arguments]


def _environment(folder: Path, settings: dict[str, str]) -> dict[str, str]:
    told = {"DATABASE_URL": f"sqlite+aiosqlite:///{folder}/gatehouse.sqlite3", "POINTS_PER_MINUTE": UNLIMITED_POINTS}
    told |= settings
    return dict(os.environ) | {f"GATEHOUSE_{name}": value for name, value in told.items()}


def _keys(path: Path) -> dict[str, str]:
    return dict(line.split() for line in path.read_text().splitlines()) if path.exists() else {}


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert process.poll() is None, f"the server ended with {process.returncode}"
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5):
                return
        except OSError:
            time.sleep(0.02)
    raise AssertionError("the server is not ready")
