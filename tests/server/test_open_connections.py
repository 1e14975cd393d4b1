"""Connections that stay open, at a real server: what its sockets add to the protocol, and how it takes leave."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_connection
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from tests.program import Served, run, serving

SPOKEN = [Subprotocol("graphql-transport-ws")]
EVENTS = "subscription { requestEvents { kind } }"


@contextmanager
def opened(served: Served, key: str) -> Iterator[ClientConnection]:
    """A websocket whose key is known."""
    address = f"{served.url.replace('http', 'ws', 1)}/graphql"
    init = {"type": "connection_init", "payload": {"authorization": f"Bearer {key}"}}
    with connect(address, subprotocols=SPOKEN) as socket:
        socket.send(orjson.dumps(init).decode())
        assert orjson.loads(socket.recv(10)) == {"type": "connection_ack"}
        yield socket


def closed(socket: ClientConnection) -> int:
    """The code with which the server closes; nothing else comes before."""
    with pytest.raises(ConnectionClosed) as found:
        socket.recv(20)
    assert found.value.rcvd is not None
    return found.value.rcvd.code


def subscribe(socket: ClientConnection, query: str) -> None:
    socket.send(orjson.dumps({"id": "1", "type": "subscribe", "payload": {"query": query}}).decode())


def test_a_refused_handshake_is_no_error_of_the_server(tmp_path: Path) -> None:
    """Any page may ask for one, and any program under a wrong name: the log does not fill with it."""
    assert run("migrate", folder=tmp_path).returncode == 0
    with serving("serve", folder=tmp_path) as served:
        place = urlsplit(served.url)
        for name, origin, status in [(place.netloc, "http://evil.example", 403), ("evil.example", None, 421)]:
            taken = create_connection((place.hostname, place.port))
            asked: dict[str, Any] = {"subprotocols": SPOKEN, "sock": taken, "origin": origin and Origin(origin)}
            with pytest.raises(InvalidStatus) as refused, connect(f"ws://{name}/graphql", **asked):
                pass
            assert refused.value.response.status_code == status
    assert '"level":"error"' not in served.log


def test_a_server_that_is_told_to_stop_takes_leave_at_once(tmp_path: Path) -> None:
    """Of websockets with 1001, of streams by ending them; and does not wait for either until its patience ends."""
    assert run("migrate", folder=tmp_path).returncode == 0
    made = run("key", "create", "--role", "SUPPORT", "--name", "desk", folder=tmp_path)
    key = made.stdout.strip()
    headers = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream"}
    asked: dict[str, Any] = {"json": {"query": EVENTS}, "headers": headers, "timeout": 20}
    with (
        serving("serve", folder=tmp_path, MAX_MESSAGE_BYTES="2000") as served,
        opened(served, key) as socket,
        httpx.stream("POST", f"{served.url}/graphql", **asked) as stream,
    ):
        with opened(served, key) as talkative:
            talkative.send("x" * 2001)
            assert closed(talkative) == 1009
        subscribe(socket, EVENTS)
        lines = stream.iter_lines()
        assert next(lines) == ":"
        started = time.monotonic()
        served.process.send_signal(signal.SIGTERM)
        assert closed(socket) == 1001
        assert "event: complete" not in list(lines)
        served.process.wait(20)
        assert time.monotonic() - started < 8, "half of its patience"
        assert '"errors":[]' in served.log
        assert '"level":"error"' not in served.log
