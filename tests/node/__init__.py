"""What the tests run in Node, from packages that npm installs as ``package-lock.json`` says.

Where Node or the packages cannot be had, the tests that need them say so and are skipped; never in CI.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
INSTALLED = HERE / "node_modules" / ".installed"


def run(script: str, *arguments: str) -> str:
    """What a script of this folder prints."""
    _install()
    done = subprocess.run(
        ["node", script, *arguments], cwd=HERE, capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _install() -> None:
    """Install the packages, unless they are as the lock says already; one process of the run does it."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        _missing("Node and npm are needed: https://nodejs.org")
    with (HERE / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = hashlib.sha256(lock.read()).hexdigest()
        if INSTALLED.exists() and INSTALLED.read_text() == wanted:
            return
        command = ["npm", "ci", "--no-progress"]
        done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=110, check=False)
        if done.returncode:
            _missing(f"npm ci failed: {done.stderr[-500:]}")
        INSTALLED.write_text(wanted)


def _missing(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
