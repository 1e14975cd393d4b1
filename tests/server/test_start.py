"""``start``: what `make serve` does."""

import time
from pathlib import Path

from tests import program


def test_it_makes_everything_the_first_time_and_keeps_it(tmp_path: Path) -> None:
    """It says where GraphiQL is and which keys there are; the second time it is there in a moment."""
    with program.serving("start", folder=tmp_path) as served:
        assert f"GraphiQL is at {served.url}/graphiql" in served.output
        assert len(served.keys) == 5
        assert all(key in served.output for key in served.keys.values())
        first = served.keys
    began = time.monotonic()
    with program.serving("start", folder=tmp_path) as served:
        assert time.monotonic() - began < 10  # about one second on a machine that does nothing else
        assert served.keys == first
        assert all(key in served.output for key in first.values())


def test_several_processes_serve_one_port(tmp_path: Path) -> None:
    assert program.run("migrate", folder=tmp_path).returncode == 0
    with program.serving("serve", "--workers", "2", folder=tmp_path) as served:
        assert served.url in served.output
