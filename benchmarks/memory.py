"""What a reference costs that is held: growth of a process of its own, and what the tool says.

python memory.py LEVEL TOOL PATH     prints resident growth, nbytes, references
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from timing import say
from tools import DATASET, READER

__all__ = ["compare_memory"]

_LEVELS = {"reader": READER, "dataset": DATASET}


def compare_memory(path: str) -> None:
    """Print the bytes a reference of each tool, each in a process of its own."""
    say(f"\nmemory: what is held of {Path(path).name}, in bytes a reference")
    for level, tools in _LEVELS.items():
        for tool in tools:
            command = [sys.executable, __file__, level, tool.name, path]
            answer = subprocess.run(command, capture_output=True, text=True, check=True)
            resident, nbytes, count = map(int, answer.stdout.split())
            say(
                f"  {level:<18} {tool.name:<18} resident {resident / count:8.1f}   its own word "
                f"{nbytes / count:8.1f}   ({count} references)"
            )


def _measure(level: str, name: str, path: str) -> None:
    tool = next(tool for tool in _LEVELS[level] if tool.name == name)
    tool.run(_small(Path(path)))  # imports, caches, threads
    before = _resident()
    result = tool.run(path)
    sys.stdout.write(f"{_resident() - before} {_nbytes(result)} {tool.count(result)}\n")


def _small(path: Path) -> str:
    import h5py

    small = path.with_name("small.h5")
    if not small.exists():
        with h5py.File(small, "w") as file:
            file.create_dataset("v", (4, 4), "u1", chunks=(1, 1))[...] = 1
    return str(small)


def _resident() -> int:
    """Return the private memory of this process: a file that is mapped is the system's."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # what is free is no memory that is held
    fields = Path("/proc/self/statm").read_text().split()
    return (int(fields[1]) - int(fields[2])) * os.sysconf("SC_PAGE_SIZE")


def _nbytes(result: Any) -> int:
    """Return what the tool itself says that its references take."""
    if isinstance(result, dict):
        return 0
    if hasattr(result, "walk_arrays"):
        return sum(array.manifest.nbytes for _, array in result.walk_arrays())
    if hasattr(result, "_group"):
        return sum(array.manifest.nbytes for array in result._group.arrays.values())
    data = [variable.data for variable in result.variables.values()]
    manifests = [one.manifest for one in data if hasattr(one, "manifest")]
    return int(np.sum([one.nbytes for one in manifests]))


if __name__ == "__main__":
    _measure(*sys.argv[1:])
