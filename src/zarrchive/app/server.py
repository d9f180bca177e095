"""The explorer stand-alone: served to this machine only, behind a secret in the address."""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
import webbrowser
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from zarrchive.errors import LocationError, Problem

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

__all__ = ["RunningServer", "serve", "start"]

_HOST: Final = "127.0.0.1"
_TITLE: Final = "Zarrchive"
_STOP_SECONDS: Final = 10
_SECONDS_TO_HEAR: Final = 0.1


@dataclass(slots=True)
class RunningServer:
    """A server that runs on a thread of its own."""

    url: str
    """The address with its secret: whoever knows it, on this machine, can use the explorer."""
    _loop: Any
    _thread: threading.Thread
    _explorers: set[Any] = field(default_factory=set)

    def stop(self) -> None:
        """Close every page's session and stop serving; waits until the port is free again."""
        for explorer in tuple(self._explorers):
            explorer.close()
        if self._thread.is_alive():
            self._loop.add_callback(self._loop.stop)
            self._thread.join(_STOP_SECONDS)

    def wait(self) -> None:
        """Wait until the server stops; Ctrl-C interrupts this."""
        while self._thread.is_alive():
            self._thread.join(0.5)


def serve(
    location: str | os.PathLike[str] | None = None,
    *,
    port: int = 0,
    open_browser: bool = True,
    storage_options: Mapping[str, Any] | None = None,
    announce: Callable[[str], None] | None = None,
) -> None:
    """Serve the explorer until Ctrl-C.

    Parameters
    ----------
    location
        What each page lists first; by default the current folder.
    port
        TCP port on the loopback interface; 0 takes a free one.
    open_browser
        Whether to open the address in the default browser.
    storage_options
        What the file system of `location` needs, as fsspec takes it.
    announce
        Is called with the address once it can be opened.

    Raises
    ------
    LocationError
        ``server-port`` if the port cannot be used.
    """
    running = start(location, port=port, storage_options=storage_options)
    try:
        if announce is not None:
            announce(running.url)
        if open_browser:
            webbrowser.open(running.url)
        running.wait()
    except KeyboardInterrupt:
        pass
    finally:
        running.stop()


def start(
    location: str | os.PathLike[str] | None = None,
    *,
    port: int = 0,
    storage_options: Mapping[str, Any] | None = None,
) -> RunningServer:
    """Start serving on a thread of its own, and return once the address can be opened.

    Parameters and errors are those of `serve`.
    """
    port = _usable_port(port)
    # The secret is part of every path, so pages, scripts and the websocket all need it.
    prefix = secrets.token_urlsafe(24)
    explorers: set[Any] = set()
    started = threading.Event()
    outcome: dict[str, Any] = {}

    def run() -> None:
        from tornado.ioloop import IOLoop  # noqa: PLC0415 - only a server needs it

        events = asyncio.new_event_loop()
        asyncio.set_event_loop(events)
        loop = IOLoop.current()
        try:
            server = _make_server(location, port, prefix, storage_options, explorers, loop)
            server.start()
            outcome["loop"] = loop
        except Exception as error:  # noqa: BLE001 - raised again on the thread that waits
            outcome["error"] = error
            started.set()
            return
        loop.add_callback(_keep_panel_quiet)
        loop.add_callback(started.set)
        loop.start()
        _end_connections(server, events)
        server.stop(wait=False)
        server.unlisten()
        _end_tasks(events)
        loop.close()

    thread = threading.Thread(target=run, name="zarrchive-server", daemon=True)
    thread.start()
    started.wait()
    if "error" in outcome:
        raise outcome["error"]
    url = f"http://{_HOST}:{port}/{prefix}/"
    return RunningServer(url, outcome["loop"], thread, explorers)


def _make_server(  # noqa: PLR0913, PLR0917 - the parts of a server
    location: str | os.PathLike[str] | None,
    port: int,
    prefix: str,
    storage_options: Mapping[str, Any] | None,
    explorers: set[Any],
    loop: Any,  # noqa: ANN401 - tornado is untyped here
) -> Any:  # noqa: ANN401 - panel is untyped
    from panel.io.server import get_server  # noqa: PLC0415 - only a server needs panel

    from zarrchive.app.page import Icon, Refused, make_page  # noqa: PLC0415 - imports panel

    def page() -> Any:  # noqa: ANN401 - panel is untyped
        return make_page(location, storage_options, explorers)

    return get_server(
        {"/": page},
        port=port,
        address=_HOST,
        websocket_origin=[f"{_HOST}:{port}", f"localhost:{port}"],
        loop=loop,
        title=_TITLE,
        location=False,
        prefix=prefix,
        default_handler_class=Refused,
        extra_patterns=[(r"/favicon\.ico", Icon)],
        ico_path="none",
        log_function=_no_log,
        # A page that was reloaded or closed frees its files soon.
        check_unused_sessions_milliseconds=2_000,
        unused_session_lifetime_milliseconds=15_000,
    )


def _keep_panel_quiet() -> None:
    """Start Panel's housekeeping here, on the loop.

    Panel 1.10 starts it from the thread of the first event, where it cannot start and so tries
    again for ever, thousands of times a second.
    """
    from panel.io.state import state  # noqa: PLC0415 - only a server needs panel

    schedule = getattr(state, "_schedule_busy_cleanup", None)
    if schedule is not None:
        schedule()


def _end_connections(server: Any, loop: asyncio.AbstractEventLoop) -> None:  # noqa: ANN401 - bokeh
    """Close what browsers still hold open, and let the server hear of it."""
    # Neither bokeh nor tornado has a public list of what is connected.
    for page in tuple(server._tornado._clients):  # noqa: SLF001 - see above
        page._socket.close()  # noqa: SLF001
    loop.run_until_complete(asyncio.sleep(_SECONDS_TO_HEAR))
    for connection in tuple(server._http._connections):  # noqa: SLF001
        connection.stream.close()
    loop.run_until_complete(asyncio.sleep(_SECONDS_TO_HEAR))


def _end_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """End what still runs on a loop that was stopped, so that nothing is left when it closes."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


def _no_log(_handler: object) -> None:
    """Write no line per request: addresses hold the secret."""


def _usable_port(port: int) -> int:
    """Return `port`, or a free one for 0, after making sure that it can be listened on."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((_HOST, port))
            found: int = probe.getsockname()[1]
            return found
    except (OSError, OverflowError) as error:
        raise LocationError(
            Problem(
                code="server-port",
                where=f"{_HOST}:{port}",
                what=f"this port cannot be used: {error}",
                hint="choose another port, or none to get a free one",
            )
        ) from error
