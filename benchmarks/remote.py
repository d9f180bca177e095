"""A scan over HTTP with latency: time, requests, bytes, and how many wait for one another."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

from timing import Contender, Row, compare, say
from tools import DATASET, READER, Tool

from zarrchive.location import open_source
from zarrchive.readers.hdf5 import HDF5Reader
from zarrchive.testing.sources import CountingSource

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["scan_remotely"]

_MILLISECONDS = 50


def scan_remotely(path: str, *, repeat: int, limit: float) -> None:
    """Compare our scan of `path` with VirtualiZarr's default reader."""
    with _server(Path(path).parent) as root:
        url = f"{root}/{Path(path).name}"
        logs: dict[tuple[str, str], list[dict[str, float]]] = {}
        contenders = []
        for level, tools in (("reader", READER[:2]), ("dataset", DATASET)):
            for tool in tools:
                key = (level, tool.name)
                contenders.append(_contender(root, url, level, tool, logs.setdefault(key, [])))
        size = Path(path).stat().st_size
        title = f"{size / 1e6:.0f} MB, metadata scattered, {_MILLISECONDS} ms for each request"
        compare("remote", Row(title, contenders), repeat=repeat, limit=limit)
        for (level, name), log in logs.items():
            figures = {key: median(one[key] for one in log) for key in log[0]}
            say(
                f"    {level}, {name}: {figures['requests']:.0f} requests, "
                f"{figures['bytes'] / 1e6:.1f} MB, longest chain of requests one after the other "
                f"{figures['chain']:.0f}, at most {figures['together']:.0f} at a time"
            )
        with open_source(url) as source:
            counting = CountingSource(source)
            HDF5Reader().read(counting)
            say(
                f"    reader, zarrchive: {counting.batches} dependent rounds, "
                f"{counting.bytes_read / 1e6:.1f} MB asked for in {len(counting.ranges)} ranges"
            )


def _contender(
    root: str, url: str, level: str, tool: Tool, logs: list[dict[str, float]]
) -> Contender:
    def run() -> Any:
        result = tool.run(url)
        logs.append(_figures(_log(root)))  # some milliseconds, for all alike
        return result

    return Contender(tool.name, level, run, tool.count, does=tool.does)


def _log(root: str) -> list[dict[str, Any]]:
    with urlopen(f"{root}/-/log") as answer:  # noqa: S310 - our own server
        log: list[dict[str, Any]] = json.load(answer)
        return log


def _figures(log: list[dict[str, Any]]) -> dict[str, float]:
    chain, last_end = 0, 0.0
    for one in sorted(log, key=lambda one: one["end"]):
        if one["start"] >= last_end:
            chain, last_end = chain + 1, one["end"]
    moments = sorted(
        (moment, change) for one in log for moment, change in ((one["start"], 1), (one["end"], -1))
    )
    together = most = 0
    for _, change in moments:
        together += change
        most = max(most, together)
    return {
        "requests": len(log),
        "bytes": sum(one["length"] for one in log),
        "chain": chain,
        "together": most,
    }


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    program = Path(__file__).parent / "latency_server.py"
    command = [sys.executable, str(program), str(folder), str(_MILLISECONDS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()
