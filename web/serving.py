"""Serving the application: the socket, uvicorn in one process or several, and what is said when it begins."""

import contextlib
import errno
import gc
import socket
import sys

from starlette.applications import Starlette

from . import log
from .settings import Settings, settings_of_environment
from .trouble import Trouble

KEEP_ALIVE_SECONDS = 75
"""How long an idle connection stays open: longer than clients keep theirs, so that it is they who close it."""

SHUTDOWN_SECONDS = 10
"""How long a server that is told to stop lets its last requests run."""


def listening(settings: Settings) -> socket.socket:
    """A socket that listens there already: whoever connects while the server is still starting waits for it.

    Its connections end when what they are sent is not taken off in time, whatever the peer's machine says meanwhile.
    """
    host, port = settings.host, settings.port
    taken = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(settings.send_seconds * 1000))
    try:
        taken.bind((host, port))
        taken.listen(2048)
    except OSError as found:
        taken.close()
        if found.errno == errno.EADDRINUSE:
            message = f"Port {port} on {host} is taken: stop what uses it, or choose another with --port."
            raise Trouble(message) from found
        raise Trouble(f"Cannot listen on {host}, port {port}: {found.strerror}.") from found
    taken.set_inheritable(True)
    return taken


def run(settings: Settings, taken: socket.socket, announcement: str) -> None:
    """Serve on that socket until told to stop; say so when everything is ready to answer."""
    gc.disable()  # until the application is there: ``application._let_what_stays_be``
    import uvicorn
    from uvicorn.config import STARTUP_FAILURE
    from uvicorn.supervisors import Multiprocess

    from .application import create_app
    from .protocol import Protocol

    config = uvicorn.Config(
        create_app(settings) if settings.workers == 1 else f"{__name__}:{app_of_environment.__name__}",
        factory=settings.workers > 1,
        workers=settings.workers,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http=Protocol,
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # who asks is known by the key, and nothing here depends on address or scheme
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        ws="websockets-sansio",
        ws_max_size=settings.max_message_bytes,
        ws_ping_interval=settings.ping_seconds,
        ws_ping_timeout=settings.ping_seconds,
        ws_per_message_deflate=False,  # it takes more memory than the rest of an idle connection
    )
    print(announcement, flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        if settings.workers > 1:
            supervisor = Multiprocess(config, [taken])
            supervisor.run()
            has_started = all(process.exitcode != STARTUP_FAILURE for process in supervisor.processes)
        else:
            server = uvicorn.Server(config)
            server.run([taken])
            has_started = server.started
        if not has_started:
            raise SystemExit(1)  # the log says why


def graphiql_at(settings: Settings) -> str:
    """Where a browser finds GraphiQL, or that there is none."""
    name = settings.hosts[0] if settings.is_reachable else settings.host
    address = f"http://{f'[{name}]' if ':' in name and not name.startswith('[') else name}:{settings.port}"
    return f"GraphiQL is at {address}/graphiql" if settings.graphiql else f"GraphQL is at {address}/graphql"


def app_of_environment() -> Starlette:
    """What each of several worker processes starts with."""
    gc.disable()  # until it is there: ``application._let_what_stays_be``
    from .application import create_app

    settings = settings_of_environment()
    log.configure(settings)
    return create_app(settings)
