"""Time the same work in each tool, in turns, and print the ratios."""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))

from contenders import CONCATENATE, DATASETS, MANY, TREE
from files import chunked_file, daily_files, grouped_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Runs = "Mapping[str, Callable[[], int]]"


def main() -> None:
    """Run the chosen workloads and print one table for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--limit", type=float, default=60.0, help="seconds of one run of one tool")
    parser.add_argument("--only", nargs="*", default=None)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name, build in _workloads(Path(folder), scale=20 if arguments.quick else 1).items():
            if arguments.only is None or name in arguments.only:
                title, runs = build()
                _compare(name, title, runs, repeat=arguments.repeat, limit=arguments.limit)
        if arguments.only is None or "memory" in arguments.only:
            _memory(1_000_000 // (20 if arguments.quick else 1))


def _workloads(
    folder: Path, *, scale: int
) -> dict[str, Callable[[], tuple[str, Mapping[str, Callable[[], int]]]]]:
    files, groups, chunks, parts = (max(2, n // scale) for n in (100, 200, 100_000, 1000))

    def small_files() -> tuple[str, Mapping[str, Callable[[], int]]]:
        paths = daily_files(folder / "daily", files)
        title = f"{files} daily netCDF4 files opened one by one, coordinates loaded"
        return title, {tool: lambda run=run: run(paths) for tool, run in DATASETS.items()}

    def combine() -> tuple[str, Mapping[str, Callable[[], int]]]:
        paths = daily_files(folder / "daily", files)
        title = f"{files} daily netCDF4 files to one dataset along time"
        return title, {tool: lambda run=run: run(paths) for tool, run in MANY.items()}

    def tree() -> tuple[str, Mapping[str, Callable[[], int]]]:
        path = grouped_file(folder / "groups.nc", groups)
        title = f"{groups} groups of 4 datasets as one tree"
        return title, {tool: lambda run=run: run([path]) for tool, run in TREE.items()}

    def many_chunks() -> tuple[str, Mapping[str, Callable[[], int]]]:
        path = chunked_file(folder / "chunks.h5", chunks)
        title = f"one dataset of {chunks} chunks (B-tree v1, gzip)"
        return title, {tool: lambda run=run: run([path]) for tool, run in DATASETS.items()}

    def concatenate() -> tuple[str, Mapping[str, Callable[[], int]]]:
        title = f"{parts} virtual arrays of 1000 references concatenated"
        return title, {tool: build(parts, 1000) for tool, build in CONCATENATE.items()}

    return {
        "small-files": small_files,
        "combine": combine,
        "groups": tree,
        "many-chunks": many_chunks,
        "concatenate": concatenate,
    }


def _compare(
    name: str, title: str, runs: Mapping[str, Callable[[], int]], *, repeat: int, limit: float
) -> None:
    _say(f"\n{name}: {title}")
    found: dict[str, int] = {}
    times: dict[str, list[float]] = {tool: [] for tool in runs}
    slow: set[str] = set()
    for tool, run in runs.items():  # warm-up: imports, page cache; and what each tool found
        started = time.perf_counter()
        try:
            found[tool] = run()
        except Exception as error:  # noqa: BLE001 - a peer may fail in any way; that is a result
            _say(f"  {tool:<18} failed: {type(error).__name__}: {str(error)[:100]}")
            continue
        if (seconds := time.perf_counter() - started) > limit:
            slow.add(tool)
            times[tool].append(seconds)
    if len(set(found.values())) > 1:
        _say(f"  the tools do not agree on what is there: {found}")
    for _ in range(repeat):
        for tool in found:
            if tool not in slow:
                times[tool].append(_seconds(runs[tool]))
    ours = median(times["zarrchive"])
    for tool, count in found.items():
        middle = median(times[tool])
        note = " (one run only)" if tool in slow else ""
        _say(
            f"  {tool:<18} median {middle:9.4f} s  min {min(times[tool]):9.4f} s  "
            f"{middle / ours:8.1f} x  {count} found{note}"
        )


def _seconds(run: Callable[[], int]) -> float:
    gc.collect()
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _memory(references: int) -> None:
    _say(f"\nmemory: {references} references to 1000 files, concatenated and held")
    for tool, build in CONCATENATE.items():
        run = build(1000, references // 1000)
        arrays = run.__closure__[0].cell_contents  # type: ignore[index]
        import numpy as np

        gc.collect()
        tracemalloc.start()
        held = np.concatenate(arrays, axis=0)
        gc.collect()
        now, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        _say(f"  {tool:<18} {now / references:8.1f} bytes a reference")
        del held


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
