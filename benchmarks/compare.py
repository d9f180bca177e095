"""Time the same work in each tool, in turns, and print the ratios."""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tracemalloc
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

sys.path.insert(0, str(Path(__file__).parent))

from files import chunked_file, classic_files, daily_files, grouped_file, netcdf_file
from many import CONCATENATE, MANY, OPENED
from memory import compare_memory
from remote import scan_remotely
from timing import Contender, Row, compare, say
from tools import CLASSIC_DATASET, CLASSIC_READER, DATASET, INDEX, READER, TREE, Tool

from check import check

if TYPE_CHECKING:
    from collections.abc import Callable

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "zarrchive-benchmarks"
MILLION = 1_000_000
_NO_TREE = (READER[2], INDEX[0])
"""Tools that read all groups, but make no tree of them."""


class Comparison:
    """All rows, at full size or made smaller."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._folder: Path = options.cache
        self._scale = 20 if options.quick else 1
        self._times = {"repeat": options.repeat, "limit": options.limit}
        self.rows: dict[str, Callable[[], None]] = {
            "btree": partial(self._chunks, "btree", "B-tree version 1"),
            "fixed-array": partial(self._chunks, "fixed-array", "fixed array"),
            "netcdf": self._netcdf,
            "groups": self._groups,
            "daily": self._daily,
            "classic": self._classic,
            "remote": self._remote,
            "memory": self._memory,
            "combine": self._combine,
            "combine-opened": self._combine_opened,
            "concatenate": self._concatenate,
        }

    def _of(self, count: int, least: int = 2) -> int:
        return max(least, count // self._scale)

    def _chunks(self, index: str, words: str) -> None:
        chunks = round(self._of(MILLION) ** 0.5) ** 2
        path = chunked_file(self._folder, chunks, index=index)
        check(path)
        title = f"one dataset of {chunks} chunks, {words}"
        compare(index, Row(title, _of_one_file(path)), **self._times)

    def _netcdf(self) -> None:
        steps = self._of(2000)
        path = netcdf_file(self._folder, 20, steps)
        check(path)
        title = f"netCDF4, 20 variables of {steps} chunks, with all metadata and attributes"
        compare("netcdf", Row(title, _of_one_file(path), must_agree=False), **self._times)

    def _groups(self) -> None:
        counts = [self._of(n, least=3) for n in (96, 125, 250, 500)]
        paths = {n: grouped_file(self._folder, n) for n in counts}
        check(*paths.values())
        few, most = counts[0], counts[-1]
        ours, theirs = TREE
        contenders = [_contender(f"{n} groups", ours, paths[n], items=n) for n in counts]
        contenders.insert(1, _contender(f"{few} groups", theirs, paths[few], items=few))
        contenders += [
            *(_contender(f"{most} groups", one, paths[most], items=most) for one in _NO_TREE),
            *(_contender(f"{n}, reader", READER[0], paths[n], items=n) for n in (few, most)),
            _contender(f"{few}, reader", READER[1], paths[few], items=few),
        ]
        row = Row("groups of 4 datasets as one tree", contenders, "group", must_agree=False)
        compare("groups", row, **self._times)

    def _daily(self) -> None:
        paths = daily_files(self._folder, self._of(1000, least=20))
        some = paths[: self._of(100, least=10)]
        check(*some[:10])
        contenders = [
            _one_by_one("dataset", DATASET[0], paths),
            _one_by_one("dataset", DATASET[1], some),
            _opened_by_xarray(paths),
            _one_by_one("reader", READER[0], paths),
            *(_one_by_one("reader", tool, some) for tool in READER[1:]),
            _one_by_one("index", INDEX[0], paths, against="reader"),
        ]
        title = f"{len(paths)} daily netCDF4 files one by one, coordinates loaded"
        row = Row(title, contenders, "file", must_agree=False)
        compare("daily", row, **self._times)

    def _classic(self) -> None:
        paths = classic_files(self._folder, self._of(1000, least=20))
        some = paths[: self._of(100, least=10)]
        check(*some[:10])
        for tool in (*CLASSIC_READER, *CLASSIC_DATASET):
            tool.run(paths[0])  # imports it
        contenders = [
            _one_by_one("dataset", CLASSIC_DATASET[0], paths),
            _one_by_one("dataset", CLASSIC_DATASET[1], some),
            _opened_by_xarray(paths),
            _one_by_one("reader", CLASSIC_READER[0], paths),
            *(_one_by_one("reader", tool, some) for tool in CLASSIC_READER[1:]),
        ]
        title = f"{len(paths)} daily netCDF-3 files one by one, coordinates loaded"
        row = Row(title, contenders, "file", must_agree=False)
        compare("classic", row, **self._times)

    def _remote(self) -> None:
        path = netcdf_file(self._folder, 20, self._of(2000))
        check(path)
        scan_remotely(path, **self._times)

    def _memory(self) -> None:
        chunks = round(self._of(MILLION) ** 0.5) ** 2
        compare_memory(chunked_file(self._folder, chunks, index="btree"))
        _memory_of_joined(self._of(MILLION, least=2000))

    def _combine(self) -> None:
        paths = daily_files(self._folder, self._of(1000, least=20))
        title = f"{len(paths)} daily netCDF4 files to one dataset along time"
        contenders = [
            Contender(tool, "dataset", partial(run, paths), _as_is) for tool, run in MANY.items()
        ]
        compare("combine", Row(title, contenders), **self._times)

    def _combine_opened(self) -> None:
        paths = daily_files(self._folder, self._of(1000, least=20))
        title = f"{len(paths)} daily files that were opened before, combined to one dataset"
        contenders = [
            Contender(tool, "dataset", build(paths), _as_is) for tool, build in OPENED.items()
        ]
        compare("combine-opened", Row(title, contenders), **self._times)

    def _concatenate(self) -> None:
        parts = self._of(1000)
        title = f"{parts} virtual arrays of 10 000 references concatenated"
        contenders = [
            Contender(tool, "array", build(parts, 10_000), _as_is)
            for tool, build in CONCATENATE.items()
        ]
        compare("concatenate", Row(title, contenders), **self._times)


def _as_is(result: Any) -> int:
    return int(result)


def _contender(
    level: str, tool: Tool, path: str, *, items: int = 1, against: str = ""
) -> Contender:
    run = partial(tool.run, path)
    return Contender(tool.name, level, run, tool.count, items, tool.does, against)


def _of_one_file(path: str) -> list[Contender]:
    return [
        *(_contender("reader", tool, path) for tool in READER),
        *(_contender("index", tool, path, against="reader") for tool in INDEX),
        *(_contender("dataset", tool, path) for tool in DATASET),
    ]


def _one_by_one(level: str, tool: Tool, paths: list[str], *, against: str = "") -> Contender:
    def run() -> None:
        for path in paths:
            tool.run(path)

    return Contender(tool.name, level, run, items=len(paths), does=tool.does, against=against)


def _opened_by_xarray(paths: list[str]) -> Contender:
    does = "open_mfdataset, engine netcdf4: no references, coordinates loaded"
    return Contender(
        "xarray", "dataset", lambda: _open_mfdataset(paths), items=len(paths), does=does
    )


def _open_mfdataset(paths: list[str]) -> None:
    xr.open_mfdataset(
        paths,
        engine="netcdf4",
        combine="by_coords",
        data_vars="minimal",
        coords="minimal",
        compat="override",
    ).close()


def _memory_of_joined(references: int) -> None:
    say(f"\nmemory: {references} references to 1000 files, concatenated and held")
    for tool in ("zarrchive", "VirtualiZarr"):
        run = CONCATENATE[tool](1000, references // 1000)
        arrays = run.__closure__[0].cell_contents  # type: ignore[index]
        gc.collect()
        tracemalloc.start()
        held = np.concatenate(arrays, axis=0)
        if tool == "zarrchive":
            _ = held.manifest.offset  # puts the columns together
        gc.collect()
        now, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        say(f"  {'array':<18} {tool:<18} {now / references:8.1f} bytes a reference")
        del held


def main() -> None:
    """Run the chosen rows and print one table for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--limit", type=float, default=60.0, help="seconds of one run of one tool")
    parser.add_argument("--only", nargs="*", default=None, metavar="ROW")
    parser.add_argument("--quick", action="store_true", help="a twentieth of everything")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of the files")
    options = parser.parse_args()
    rows = Comparison(options).rows
    for name in options.only or rows:
        if name not in rows:
            parser.error(f"no row {name!r}; there are {', '.join(rows)}")
    _import_all(options.cache)
    for name in options.only or rows:
        rows[name]()


def _import_all(folder: Path) -> None:
    """Let every tool read a small file, so that no first run is one of imports."""
    path = grouped_file(folder, 2)
    for tool in (*READER, *INDEX, *DATASET, *TREE):
        tool.run(path)


if __name__ == "__main__":
    main()
