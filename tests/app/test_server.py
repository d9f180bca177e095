"""The real server in this process: who gets in, what is served, that it stops."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from zarrchive.app import start
from zarrchive.errors import LocationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from zarrchive.app import RunningServer


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    server = start(tmp_path_factory.mktemp("files"))
    yield server
    server.stop()


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - our own server
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def websocket_status(url: str, origin: str) -> int:
    """Knock at the websocket; 101 is success."""
    parts = urlsplit(url)

    knock = (
        f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nOrigin: {origin}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        connection.sendall(knock.encode())
        return int(connection.makefile("rb").readline().split()[1])


def test_the_address_opens_the_page(running: RunningServer) -> None:
    status, text = get(running.url)
    assert status == 200
    assert "<title>Zarrchive</title>" in text
    assert urlsplit(running.url).hostname == "127.0.0.1"


@pytest.mark.parametrize(
    "path",
    ["/", "/ws", "/autoload.js", "/favicon.ico", "/static/js/bokeh.min.js", "/x/", "/x/ws"],
)
def test_nothing_is_served_without_the_secret(running: RunningServer, path: str) -> None:
    parts = urlsplit(running.url)
    # Bokeh itself answers for the icon: there is none.
    expected = 404 if path == "/favicon.ico" else 403
    assert get(f"http://{parts.netloc}{path}")[0] == expected


def test_the_websocket_needs_secret_and_origin(running: RunningServer) -> None:
    parts = urlsplit(running.url)
    here = f"http://{parts.netloc}"
    assert websocket_status(f"{running.url}ws", here) == 101
    assert websocket_status(f"{here}/ws", here) == 403
    assert websocket_status(f"{running.url}ws", "http://example.org") == 403


def test_everything_on_the_page_comes_from_this_server(running: RunningServer) -> None:
    _, text = get(running.url)
    assert "cdn." not in text
    assert "unpkg" not in text
    assert "jsdelivr" not in text


def test_it_listens_on_the_loopback_interface_only(running: RunningServer) -> None:
    port = urlsplit(running.url).port
    addresses = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), port)}
    for address in addresses - {"127.0.0.1", "::1"}:
        if address.startswith("127."):
            continue
        with pytest.raises(OSError), socket.create_connection((address, port), timeout=2):  # noqa: PT011
            pass


def test_secrets_differ_and_stopping_frees_the_port(tmp_path: Path, running: RunningServer) -> None:
    server = start(tmp_path)
    parts = urlsplit(server.url)
    assert parts.path != urlsplit(running.url).path
    server.stop()
    server.stop()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", parts.port))


def test_a_port_in_use_is_a_problem(running: RunningServer) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(LocationError) as caught:
            start(port=taken.getsockname()[1])
    assert caught.value.problem.code == "server-port"
