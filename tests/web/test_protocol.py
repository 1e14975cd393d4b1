"""Answers on their way: what leaves, and what becomes of the connection, is what uvicorn makes of it."""

import asyncio
import itertools
import logging
from typing import Any

import pytest
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from web.protocol import Cycle

LOG = logging.getLogger("uvicorn.error")


class Flow:
    """A transport and its flow, which keep what is written."""

    def __init__(self) -> None:
        self.written = b""
        self.is_closed = False
        self.write_paused = False

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.is_closed = True

    async def drain(self) -> None:
        self.write_paused = False


def start(*headers: tuple[bytes, bytes], status: int = 200) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": headers}


def body(content: bytes = b"", **more: Any) -> dict[str, Any]:
    return {"type": "http.response.body", "body": content, **more}


LENGTH = (b"content-length", b"2")
ANSWERS: dict[str, list[dict[str, Any]]] = {
    "whole": [start((b"content-type", b"application/json"), LENGTH), body(b"{}")],
    "in capitals": [start((b"Content-Type", b"text/plain"), (b"Content-Length", b"2")), body(b"{}")],
    "empty": [start((b"content-length", b"0"), status=204), body()],
    "nothing said of its body": [start((b"content-length", b"0")), {"type": "http.response.body"}],
    "in parts": [start(LENGTH), body(b"{", more_body=True), body(b"}")],
    "chunked": [start(), body(b"{", more_body=True), body(b"}")],
    "said to be chunked": [start((b"transfer-encoding", b"chunked")), body(b"{}")],
    "the last": [start(LENGTH, (b"connection", b"close")), body(b"{}")],
    "without headers": [{"type": "http.response.start", "status": 204}, {"type": "http.response.body"}],
    "too long": [start(LENGTH), body(b"{} ")],
    "too short": [start(LENGTH), body(b"{")],
    "of no length": [start((b"content-length", b"two")), body(b"{}")],
    "begun twice": [start(LENGTH), start(LENGTH)],
    "not begun": [body(b"{}")],
    "told twice": [start(LENGTH), body(b"{}"), body(b"{}")],
    "half": [start(LENGTH)],
    "another thing": [start(LENGTH), {"type": "http.response.trailers"}],
    "a name that splits": [start((b"x\r\ny", b"z"), LENGTH), body(b"{}")],
    "a value that splits": [start((b"x", b"y\r\nz: 1"), LENGTH), body(b"{}")],
}


async def sent(
    kind: type[RequestResponseCycle],
    answer: list[dict[str, Any]],
    method: str,
    keep_alive: bool,
    is_gone: bool,
    is_slow: bool,
) -> Any:
    flow, responses = Flow(), []
    cycle = RequestResponseCycle(
        scope={"type": "http", "method": method, "path": "/"},  # type: ignore[typeddict-item]
        transport=flow,  # type: ignore[arg-type]
        flow=flow,  # type: ignore[arg-type]
        logger=LOG,
        access_logger=LOG,
        access_log=False,
        default_headers=[(b"date", b"today")],
        message_event=asyncio.Event(),
        expect_100_continue=True,
        keep_alive=keep_alive,
        on_response=lambda: responses.append(1),
    )
    cycle.__class__ = kind
    cycle.disconnected, flow.write_paused = is_gone, is_slow
    failed = ""
    for message in answer:
        try:
            await cycle.send(message)  # type: ignore[arg-type]
        except (RuntimeError, ValueError) as found:
            failed = str(found)
            break
    held = getattr(cycle, "_head", b"")
    became = (cycle.response_started, cycle.response_complete, cycle.waiting_for_100_continue, cycle.keep_alive)
    return flow.written + held, flow.is_closed, failed, became, cycle.message_event.is_set(), responses


@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_leaves_as_uvicorn_sends_it(name: str) -> None:
    states = itertools.product((False, True), repeat=3)
    for method, state in itertools.product(("POST", "HEAD"), states):
        found, expected = [await sent(kind, ANSWERS[name], method, *state) for kind in (Cycle, RequestResponseCycle)]
        assert found == expected
