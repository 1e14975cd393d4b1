"""The log: one line per event on standard error, and of what failed never the text, which may hold values."""

import asyncio
import atexit
import logging
import os
import select
import sys
import time
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from threading import RLock
from types import TracebackType
from typing import Any, BinaryIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from .settings import Settings


def configure(settings: Settings) -> None:
    """One line per event on standard error, our own and the libraries'; of exceptions, no text that may hold values."""
    _have_standard_error()
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    is_json = (settings.log_format or ("console" if sys.stderr.isatty() else "json")) == "json"
    shared: list[Processor] = [
        structlog.processors.add_log_level,
        _stamped if is_json else structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_text,
    ]
    render: Processor = _json if is_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    lines = Lines(sys.stderr.buffer) if is_json else None
    structlog.configure(
        processors=[_line] if is_json else [*shared, render],
        wrapper_class=_logger(level),
        logger_factory=lines.logger if lines else structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = _Handler(lines) if lines else logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)
    _tame_uvicorn()


def _have_standard_error() -> None:
    """Where the process was started without one, as some that start daemons do: what it says is dropped, and no file
    that is opened later takes its number, and what others write to it."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 (for as long as the process runs)


def _tame_uvicorn() -> None:
    """Where uvicorn was started by its own command and set up its own logging: let it say what we may.

    Its handlers write the text of exceptions, at debug its websockets write every frame with the key and all that is
    asked, and its access log has the query string of a GET.
    """
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        logger = logging.getLogger(name)
        if logger.handlers:
            logger.handlers.clear()
            logger.propagate = True
        if logger.level:
            logger.setLevel(max(logger.level, logging.INFO))
    logging.getLogger("uvicorn.access").addFilter(_without_query)
    logging.getLogger("uvicorn.error").addFilter(_is_no_refusal)


def _is_no_refusal(record: logging.LogRecord) -> bool:
    """uvicorn takes a handshake that was answered with a refusal for one that was not answered, which is an error; any
    page may bring it about."""
    return record.msg != "ASGI callable returned without completing handshake."


def _without_query(record: logging.LogRecord) -> bool:
    """An access without what was asked: of its arguments the third is the path with the query string."""
    if isinstance(record.args, tuple):
        record.args = tuple(arg.partition("?")[0] if isinstance(arg, str) else arg for arg in record.args)
    return True


PIPE_BUF: int = getattr(select, "PIPE_BUF", 512)
"""So many bytes that are written to a pipe at once stay together, whoever else writes to it; and where there is room at
all, there is room for so many."""

KEPT_BYTES = 1_000_000
"""Of lines that are not taken off, so many are kept; what comes then is counted."""

AGAIN_SECONDS = 0.1
"""How long after lines were not taken off they are tried again."""

END_SECONDS = 1.0
"""How long whoever reads is waited for when the process ends. One that a signal ends has none to wait."""


class Lines:
    """structlog's logger of lines to a file, which writes what operations tell when the loop has gone round once: what
    ends together is one call of the system. One for each line took 3 microseconds, in which two such lines are made.

    Whatever is no mere information is written at once, behind what waits; so is everything when no loop runs. Who kills
    the process loses the lines of that one turn.

    Where several processes write to one pipe, and who reads it is slow, lines stay whole as they would one by one, if a
    pipe takes as much at once. And whoever writes may be interrupted, by a finalizer that the garbage collector runs,
    to write about what it has found.

    Nobody waits for whoever reads the log: guests are answered, and chores go on, when that one is slow, has stopped or
    is gone. Lines that are not taken off are kept for a while, and from then on counted (``log lines lost``). What
    cannot be written is lost, as with Python's own logging.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._room = _room_of(file)
        self._waiting: list[bytes] = []
        self._unwritten = bytearray()
        self._lost = 0
        self._is_writing = self._is_due = False
        self._lock = RLock()
        atexit.register(self._write, END_SECONDS)

    def logger(self, *_: Any) -> "Lines":
        """The logger: it is the same for all."""
        return self

    def info(self, line: bytes) -> None:
        """Write it soon."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.error(line)
            return
        with self._lock:
            if not self._waiting:
                loop.call_soon(self._write)
            self._waiting.append(line)

    def error(self, line: bytes) -> None:
        """Write it now."""
        with self._lock:
            self._waiting.append(line)
        self._write()

    debug = info
    warning = critical = error

    def _write(self, patience: float = 0.0) -> None:
        """Write all that there is room for, and which comes within so many seconds."""
        with self._lock:
            if self._is_writing:
                return  # whoever was interrupted has it written
            self._is_writing, until = True, time.monotonic() + patience
            try:
                while self._has_gathered() and self._has_written(until):
                    pass
            finally:
                self._is_writing = False
            if self._unwritten and not self._is_due:
                with suppress(RuntimeError):  # where no loop runs, who writes next tries again
                    asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._write_again)
                    self._is_due = True

    def _write_again(self) -> None:
        self._is_due = False
        self._write()

    def _has_gathered(self) -> bool:
        """Whether there is something to be written, with what waits."""
        lines, self._waiting = self._waiting, []
        if len(self._unwritten) > KEPT_BYTES:
            self._lost += len(lines)
            return True
        if self._lost:
            told = {"lines": self._lost, "event": "log lines lost", "level": "warning", "timestamp": datetime.now(UTC)}
            lines.insert(0, orjson.dumps(told, option=orjson.OPT_UTC_Z))
            self._lost = 0
        self._unwritten += b"\n".join([*lines, b""])
        return bool(self._unwritten)

    def _has_written(self, until: float) -> bool:
        """Whether there was room for all of it."""
        text, begin = self._unwritten, 0
        try:
            while begin < len(text):
                if self._room is not None and not self._room.poll(max(0.0, until - time.monotonic()) * 1000):
                    return False
                end = begin + PIPE_BUF
                if end < len(text):
                    end = (text.rfind(b"\n", begin, end) + 1) or end
                with suppress(OSError):
                    self._file.write(text[begin:end])
                    self._file.flush()
                begin = end
        finally:
            del text[:begin]
        return True


def _room_of(file: BinaryIO) -> "select.poll | None":
    """What tells whether there is room in a file, where that can be told."""
    try:
        room = select.poll()
        room.register(file.fileno(), select.POLLOUT)
    except (AttributeError, OSError):  # on Windows; or no file of the system
        return None
    return room


class _Handler(logging.Handler):
    """Writes what libraries log as our own is written."""

    def __init__(self, lines: Lines) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._lines.error(self.format(record).encode())
        except Exception:
            self.handleError(record)


def _stamped(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """With the time, of which orjson makes the text in a fraction of the time that Python takes."""
    event["timestamp"] = datetime.now(UTC)
    return event


def _json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_UTC_Z).decode()


def _line(logger: WrappedLogger, method: str, event: EventDict) -> bytes:
    """What the processors that are shared with other libraries' lines make of one of ours, in one call."""
    event["level"] = method
    event["timestamp"] = datetime.now(UTC)
    if "exc_info" in event:
        event = _without_text(logger, method, event)
    return orjson.dumps(event, default=str, option=orjson.OPT_UTC_Z)


def _logger(level: int) -> type[structlog.typing.FilteringBoundLogger]:
    """structlog's logger of that level, that has a shorter way to the processors for what is told of every operation.

    structlog hands the fields on four times and copies them each time, which took half the time of a line. Nothing is
    bound to our loggers, and no text is filled in.
    """
    kind = structlog.make_filtering_bound_logger(level)
    if level > logging.INFO:
        return kind

    class Logger(kind):  # type: ignore[misc, valid-type]
        def info(self, event: str, **fields: Any) -> None:
            fields["event"] = event
            try:
                told: Any = fields
                for process in self._processors:
                    told = process(self._logger, "info", told)
                self._logger.info(told)
            except structlog.DropEvent:
                pass

    return Logger


def failure(exc_info: tuple[type[BaseException], BaseException, TracebackType | None]) -> str:
    """An exception and what caused it, first cause first: types, places in the code, and the database's own names.

    Never the text: PostgreSQL's repeats the values of a row ("Key (email_key)=(...) already exists"), Python's the key
    that was missing or the value that did not parse.
    """
    chain: list[BaseException] = []
    error: BaseException | None = exc_info[1]
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "".join(map(_told, reversed(chain))).rstrip()


def _told(error: BaseException) -> str:
    names = ("sqlstate", "sqlite_errorname", "table_name", "column_name", "constraint_name")
    facts = [f"{name}={value}" for name in names if isinstance(value := getattr(error, name, None), str)]
    places = "".join(traceback.extract_tb(error.__traceback__).format())
    return f"{places}{type(error).__module__}.{type(error).__qualname__} {' '.join(facts)}".rstrip() + "\n"


_without_text = structlog.processors.ExceptionRenderer(failure)
