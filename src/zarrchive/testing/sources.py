"""Sources for tests: bytes in memory, counted, failing on demand, or behind a web server."""

from __future__ import annotations

import re
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from zarrchive.errors import LocationError, Problem
from zarrchive.location.identity import SourceFile
from zarrchive.location.source import ByteRange, Request, check_ranges, short_read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self

    from zarrchive.location.source import Source

__all__ = ["CountingSource", "FailingSource", "MemorySource", "WebServer", "web_server"]


@dataclass
class MemorySource:
    """A `Source` over bytes."""

    data: bytes
    url: str = "memory://sample"
    log: list[Request] = field(default_factory=list)

    @property
    def file(self) -> SourceFile:
        return SourceFile(self.url, size=len(self.data))

    @property
    def size(self) -> int:
        return len(self.data)

    @property
    def local_path(self) -> str | None:
        return None

    @property
    def requests(self) -> Sequence[Request]:
        return tuple(self.log)

    def get_ranges(self, ranges: Sequence[ByteRange]) -> list[bytes]:
        check_ranges(self.file, self.size, ranges)
        self.log.extend(Request(*one, 0.0) for one in ranges if one[1])
        return [self.data[offset : offset + length] for offset, length in ranges]

    def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


@dataclass
class _Wrapper:
    """A source that passes everything on to another."""

    inner: Source

    @property
    def file(self) -> SourceFile:
        return self.inner.file

    @property
    def size(self) -> int:
        return self.inner.size

    @property
    def local_path(self) -> str | None:
        return None

    @property
    def requests(self) -> Sequence[Request]:
        return self.inner.requests

    def get_ranges(self, ranges: Sequence[ByteRange]) -> list[bytes]:
        return self.inner.get_ranges(ranges)

    def close(self) -> None:
        self.inner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


@dataclass
class CountingSource(_Wrapper):
    """Counts what is asked of another source; it hides the path, so that it is always asked."""

    batches: int = 0
    """Calls of `get_ranges`: what latency is paid for."""
    ranges: list[ByteRange] = field(default_factory=list)
    """Everything asked, in order."""

    @property
    def bytes_read(self) -> int:
        return sum(one.length for one in self.ranges)

    def get_ranges(self, ranges: Sequence[ByteRange]) -> list[bytes]:
        self.batches += 1
        self.ranges.extend(ByteRange(*one) for one in ranges)
        return self.inner.get_ranges(ranges)


@dataclass
class FailingSource(_Wrapper):
    """Fails like a bad disk or connection, from the call number `after` on."""

    after: int = 0
    """How many calls of `get_ranges` succeed first."""
    truncate_at: int | None = None
    """Pretend that the file ends here, though its size was announced in full."""
    error: Exception | None = None
    """What to raise; by default a `LocationError` with code ``test-failure``."""
    delay: float = 0.0
    """Seconds to wait before each call."""
    calls: int = 0

    def get_ranges(self, ranges: Sequence[ByteRange]) -> list[bytes]:
        self.calls += 1
        time.sleep(self.delay)
        if self.calls > self.after:
            self._fail(ranges)
        return self.inner.get_ranges(ranges)

    def _fail(self, ranges: Sequence[ByteRange]) -> None:
        if self.truncate_at is not None:
            for one in ranges:
                if one[0] + one[1] > self.truncate_at:
                    found = max(0, self.truncate_at - one[0])
                    raise short_read(self.file, ByteRange(*one), found=found)
        elif self.error is not None or not self.delay:
            raise self.error or LocationError(
                Problem(
                    code="test-failure",
                    where=self.file.url,
                    what=f"call {self.calls} fails on purpose",
                    hint="this is a test",
                )
            )


@dataclass
class WebServer:
    """What the server of `web_server` serves, how it behaves, and what it was asked."""

    url: str = ""
    """Address of the server, with a final slash."""
    files: dict[str, bytes] = field(default_factory=dict)
    """Content by path, without the first slash and not percent-encoded."""
    pages: dict[str, str] = field(default_factory=dict)
    """HTML by path, sent as ``text/html``."""
    status: dict[str, int] = field(default_factory=dict)
    """Status with which a path is refused."""
    with_ranges: bool = True
    """Whether parts of files are served."""
    with_size: bool = True
    """Whether the size is announced."""
    with_etag: bool = True
    """Whether an entity tag is sent."""
    wrong_tag: bool = False
    """Refuse every ``If-Match``, as servers do whose tag depends on the encoding."""
    truncate_at: int | None = None
    """Send no bytes beyond this offset."""
    delay: float = 0.0
    """Seconds before each answer."""
    most_at_once: int = 0
    """Requests that were answered at a time, at most."""
    running: int = 0
    """Requests that are being answered."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    log: list[tuple[str, str, str | None]] = field(default_factory=list)
    """``(method, path with query, Range header)`` of every request."""


@contextmanager
def web_server(files: dict[str, bytes] | None = None) -> Iterator[WebServer]:
    """Serve files with byte ranges and entity tags on the loopback interface."""
    state = WebServer(files=dict(files or {}))

    class Handler(_Handler):
        web = state

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    web: WebServer
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - name of the base class
        """Write nothing to stderr."""

    def _answer(self, *, with_body: bool) -> None:
        web = self.web
        with web.lock:
            web.running += 1
            web.most_at_once = max(web.most_at_once, web.running)
        time.sleep(web.delay)
        try:
            self._answer_now(with_body=with_body)
        finally:
            with web.lock:
                web.running -= 1

    def _answer_now(self, *, with_body: bool) -> None:
        wanted = self.headers.get("Range")
        self.web.log.append((self.command, self.path, wanted))
        path = unquote(urlsplit(self.path).path).lstrip("/")
        if status := self.web.status.get(path):
            return self._send(status, b"", with_body=with_body)
        if path in self.web.pages:
            body = self.web.pages[path].encode()
            return self._send(200, body, {"Content-Type": "text/html"}, with_body=with_body)
        if path not in self.web.files:
            return self._send(404, b"", with_body=with_body)
        return self._send_file(self.web.files[path], wanted, with_body=with_body)

    def _send_file(self, data: bytes, wanted: str | None, *, with_body: bool) -> None:
        headers = {"Content-Type": "application/octet-stream"}
        tag = f'"{sha256(data).hexdigest()[:16]}"'
        if self.web.with_etag:
            headers["ETag"] = tag
        match = self.headers.get("If-Match")
        if match is not None and (match != tag or self.web.wrong_tag):
            return self._send(412, b"", with_body=with_body)
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted or "")
        if span is None or not self.web.with_ranges:
            return self._send(200, data, headers, with_body=with_body)
        start, end = int(span[1]), int(span[2] or len(data) - 1)
        if start >= len(data):
            return self._send(416, b"", with_body=with_body)
        end = min(end, len(data) - 1)
        headers["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
        part = data[start : end + 1]
        if self.web.truncate_at is not None:
            part = part[: max(0, self.web.truncate_at - start)]
        return self._send(206, part, headers, with_body=with_body)

    def _send(
        self, status: int, body: bytes, headers: dict[str, str] | None = None, *, with_body: bool
    ) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        if self.web.with_size:
            self.send_header("Content-Length", str(len(body)))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if with_body:
            self.wfile.write(body)
