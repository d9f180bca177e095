"""Serve a folder over HTTP on this machine, each answer late, and say what was asked.

    python latency_server.py FOLDER MILLISECONDS

The port is printed first. ``/-/log`` returns the requests so far and forgets them.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from aiohttp import web

__all__ = ["Asked", "main"]


@dataclass
class Asked:
    """One request."""

    method: str
    offset: int
    length: int
    """Bytes of the answer."""
    start: float
    end: float = 0.0


class Server:
    """The state of the server: a folder, a delay, and the requests so far."""

    def __init__(self, folder: Path, delay: float) -> None:
        self._folder = folder
        self._delay = delay
        self._log: list[Asked] = []

    async def answer(self, request: web.Request) -> web.Response:
        """Answer one request after the delay."""
        if request.path == "/-/log":
            log, self._log = self._log, []
            return web.Response(text=json.dumps([asdict(one) for one in log]))
        asked = Asked(request.method, 0, 0, time.monotonic())
        self._log.append(asked)
        await asyncio.sleep(self._delay)
        response = self._response(request, asked)
        asked.end = time.monotonic()
        return response

    def _response(self, request: web.Request, asked: Asked) -> web.Response:
        path = self._folder / Path(request.path).name
        if not path.is_file():
            return web.Response(status=404)
        size = path.stat().st_size
        headers = {
            "Accept-Ranges": "bytes",
            "ETag": f'"{size}"',
            "Content-Type": "application/x-hdf5",
        }
        if request.method == "HEAD":
            return web.Response(headers={**headers, "Content-Length": str(size)})
        start, end = _span(request.headers.get("Range"), size)
        if start >= size:
            return web.Response(status=416)
        with path.open("rb") as file:
            file.seek(start)
            data = file.read(end - start)
        asked.offset, asked.length = start, len(data)
        if "Range" not in request.headers:
            return web.Response(body=data, headers=headers)
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        return web.Response(status=206, body=data, headers=headers)


def _span(header: str | None, size: int) -> tuple[int, int]:
    """Return start and end of a ``Range`` header of one range."""
    if header is None:
        return 0, size
    first, last = header.removeprefix("bytes=").split("-")
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size


async def serve(folder: Path, delay: float) -> None:
    """Serve until the process is ended."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", Server(folder, delay).answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


def main() -> None:
    """Serve the folder of the first argument, late by the milliseconds of the second."""
    asyncio.run(serve(Path(sys.argv[1]), float(sys.argv[2]) / 1000))


if __name__ == "__main__":
    main()
