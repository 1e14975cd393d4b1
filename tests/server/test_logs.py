"""Logs: one line per operation, and nothing in them that a guest told us."""

import asyncio
import io
import itertools
import json
import logging
import os
import re
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import orjson
import pytest
import structlog
from sqlalchemy import insert

import db
from db.driver import BROKEN_RULES
from db.engine import Database
from tests import program
from web import log
from web.settings import LogLevel, Settings

QUERY = """mutation Note($phone: String) {
  customerUpsert(input: {customerNo: "C-SECRET", name: "Ada Lovelace", email: "ada@guest.example", phone: $phone}) {
    customer { name email phone }
  }
}"""

FIELDS = [
    "operation",
    "type",
    "document",
    "actor",
    "role",
    "cost",
    "executor",
    "unplanned",
    "statements",
    "milliseconds",
    "errors",
]


def test_an_operation_is_one_line_without_what_was_said(sqlite_template: Path, tmp_path: Path) -> None:
    """Name, document, actor, statements, duration and error codes; no variable, literal, query text or key."""
    assert program.run("migrate", folder=tmp_path).returncode == 0
    key = program.run("key", "create", "--role", "ADMIN", "--name", "Desk", folder=tmp_path).stdout.strip()
    with program.serving("serve", folder=tmp_path) as served:
        ask = {"query": QUERY, "variables": {"phone": "+45 12 34 56 78"}}
        answer = httpx.post(f"{served.url}/graphql", json=ask, headers={"Authorization": f"Bearer {key}"})
        assert answer.json()["data"]["customerUpsert"]["customer"]["name"] == "Ada Lovelace"
        httpx.post(f"{served.url}/graphql", json={"query": "{ nonsense }"}, headers={"Authorization": f"Bearer {key}"})
    logged = served.log
    lines = [json.loads(line) for line in logged.splitlines()]
    done, invalid = (line for line in lines if line["event"] == "operation")
    assert (done["operation"], done["type"], done["actor"], done["errors"]) == ("Note", "mutation", "Desk", [])
    assert list(done) == [*FIELDS, "event", "level", "timestamp"]
    assert (done["level"], done["timestamp"][-1]) == ("info", "Z")
    assert done["statements"] > 0
    assert invalid["errors"] == ["GRAPHQL_VALIDATION_FAILED"]
    for said in ("ada", "Lovelace", "C-SECRET", "34 56", "nonsense", "customer", key[-20:]):
        assert said not in logged


def test_a_process_need_not_have_a_standard_error(tmp_path: Path) -> None:
    """What starts daemons may give none. A file of the database with its number would get what is said."""
    done = program.run_without_standard_error("migrate", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert program.run("demo", "--requests", "1", folder=tmp_path).returncode == 0


async def test_lines_are_written_when_the_loop_has_gone_round() -> None:
    """Those of one turn together; what is wrong at once, and never in front of what was told before it."""
    file = io.BytesIO()
    lines = log.Lines(file)
    lines.info(b"1")
    lines.info(b"2")
    assert not file.getvalue()
    await asyncio.sleep(0)
    assert file.getvalue() == b"1\n2\n"
    lines.info(b"3")
    lines.error(b"4")
    assert file.getvalue() == b"1\n2\n3\n4\n"
    await asyncio.to_thread(lines.info, b"5")
    lines.info(b"6")
    await asyncio.sleep(0)
    assert file.getvalue() == b"1\n2\n3\n4\n5\n6\n"


class Writes(io.BytesIO):
    """A file that keeps what it is given at once; and what happens meanwhile."""

    def __init__(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self.pieces: list[bytes] = []
        self._meanwhile = meanwhile

    def write(self, piece: Any) -> int:
        self.pieces.append(bytes(piece))
        meanwhile, self._meanwhile = self._meanwhile, lambda: None
        meanwhile()
        return len(self.pieces[-1])


@pytest.mark.parametrize("length", [1, 300, log.PIPE_BUF - 1, log.PIPE_BUF, 3 * log.PIPE_BUF])
async def test_lines_that_are_written_together_stay_whole(length: int) -> None:
    """Also where several processes write to one pipe, which takes apart what is longer than so much; and there are no
    more writes than that needs."""
    file, told = Writes(), [b"%d" % place + b"x" * (length - 1) for place in range(10)] * 20
    lines = log.Lines(file)
    for line in told:
        lines.info(line)
    await asyncio.sleep(0)
    assert b"".join(file.pieces) == b"".join(line + b"\n" for line in told)
    assert all(len(piece) <= log.PIPE_BUF for piece in file.pieces)
    assert length >= log.PIPE_BUF or all(piece.endswith(b"\n") for piece in file.pieces)
    assert all(len(one) + len(other) > log.PIPE_BUF for one, other in itertools.pairwise(file.pieces))


def test_who_writes_may_be_interrupted_to_write() -> None:
    """The garbage collector may run anywhere, and with it what tells of a failure that nobody awaited."""
    file = Writes(lambda: lines.error(b"2"))
    lines = log.Lines(file)
    writing = Thread(target=lines.error, args=(b"1",), daemon=True)
    writing.start()
    writing.join(10)
    assert not writing.is_alive()
    assert file.pieces == [b"1\n", b"2\n"]


async def test_nobody_waits_for_whoever_reads_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not taken off is kept, then counted, and told when somebody reads on: each line once, in their order."""
    monkeypatch.setattr(log, "KEPT_BYTES", 200_000)
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as read, os.fdopen(writer, "wb") as file:
        lines = log.Lines(file)
        for place in range(3_000):
            lines.info(b"%d" % place + b"x" * 995)
            await asyncio.sleep(0)
        lines.error(b"y" * 100_000)
        told: list[bytes] = []
        async with asyncio.timeout(10):
            while not told or b"last" not in told[-1]:
                told.append(await asyncio.to_thread(read.readline))
                if b"lost" in told[-1]:
                    lines.info(b"last")
    *kept, lost, last = told
    said = orjson.loads(lost)
    assert [int(line.split(b"x")[0]) for line in kept] == list(range(len(kept)))
    assert said.pop("timestamp").endswith("Z")
    assert said == {"lines": 3_001 - len(kept), "event": "log lines lost", "level": "warning"}
    assert last == b"last\n"


@pytest.mark.parametrize("is_read", [True, False])
def test_who_ends_has_its_lines_read_but_waits_for_nobody(is_read: bool, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nfrom web.log import Lines\nlines = Lines(sys.stderr.buffer)\n"
        "for place in range(2_000):\n    lines.error(b'x' * 99)\nprint('done', flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, script], env=os.environ | {"PYTHONPATH": "."}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as ended:
        assert ended.stdout is not None
        assert ended.stderr is not None
        assert ended.stdout.readline() == b"done\n"
        if is_read:
            assert ended.stderr.read() == (b"x" * 99 + b"\n") * 2_000
        assert ended.wait(20) == 0


async def test_who_works_goes_on_when_nobody_reads_the_log() -> None:
    """A chore that has to tell of a failure would end with it, and never run again."""
    reader, writer = os.pipe()
    os.close(reader)
    file = os.fdopen(writer, "wb")  # its end fails, too: no context for it
    lines = log.Lines(file)
    lines.error(b"1")
    lines.info(b"2" * 100_000)
    failures: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, failure: failures.append(failure))
    await asyncio.sleep(0)
    assert not failures
    with pytest.raises(BrokenPipeError):
        file.close()


def test_a_line_is_written_at_once_where_no_loop_runs() -> None:
    file = io.BytesIO()
    log.Lines(file).info(b"1")
    assert file.getvalue() == b"1\n"


async def test_a_failure_is_told_without_the_values_in_it(database: Database) -> None:
    """PostgreSQL repeats the values of the row that it refuses; a log has the names of table and constraint only."""
    values = {"name": "Ada Lovelace", "name_key": "ada lovelace", "role": "ADMIN", "created_at": database.now()}

    async def add() -> None:
        async with database.writing() as write:
            await write.run(insert(db.client.client).values(values))

    await add()
    with pytest.raises(BROKEN_RULES) as found:
        await add()
    error = found.value
    if database.dialect == "postgresql":
        assert "ada lovelace" in "".join(traceback.format_exception(error))
    told = log.failure((type(error), error, error.__traceback__))
    assert "lovelace" not in told.lower()
    assert "uq_client_name_key" in told or "SQLITE_CONSTRAINT_UNIQUE" in told
    assert "test_logs.py" in told


LEVELS = ["debug", "info", "warning", "error"]


@pytest.mark.parametrize("lowest", LEVELS)
def test_a_line_of_ours_is_written_as_structlog_writes_it(
    lowest: str, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each level that is asked for, with an exception or without; but for the time, byte for byte."""
    raw = open(2, "wb", buffering=0, closefd=False)  # noqa: SIM115 - pytest's own standard error has no bytes
    before, root = structlog.get_config(), logging.getLogger()
    level_before = root.level
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr("sys.stderr", io.TextIOWrapper(raw, write_through=True))
    try:
        log.configure(Settings(log_level=LogLevel(lowest), log_format="json"))
        ours, theirs = structlog.get_logger("gatehouse").bind(), logging.getLogger("another")
        for level in LEVELS:
            for cause in (None, KeyError("C-SECRET")):
                getattr(ours, level)("told", number=1, at=Path("/x"), exc_info=cause)
        theirs.error("told by %s", "another", exc_info=KeyError("C-SECRET"))
    finally:
        structlog.configure(**before)
        root.setLevel(level_before)
    *lines, other = capfdbinary.readouterr().err.splitlines()
    expected = [
        b'{"number":1,"at":"/x","event":"told","level":"%b","timestamp":""%b}' % (level.encode(), failed)
        for level in LEVELS[LEVELS.index(lowest) :]
        for failed in (b"", b',"exception":"builtins.KeyError"')
    ]
    assert [re.sub(rb'(?<="timestamp":")[^"]*', b"", line) for line in lines] == expected
    assert json.loads(other)["exception"] == "builtins.KeyError"
    assert all(b"SECRET" not in line for line in (*lines, other))
