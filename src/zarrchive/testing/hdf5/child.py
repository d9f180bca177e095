"""What a worker's child runs: jobs come in and outcomes go out, one JSON document a line."""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import shutil
import sys
import traceback
import warnings
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final

import hdf5plugin

from zarrchive.testing.hdf5.atlas import ATLAS
from zarrchive.testing.hdf5.drawing import draw_file
from zarrchive.testing.hdf5.examination import Outcome, examine
from zarrchive.testing.hdf5.mutations import base_of, mutate
from zarrchive.testing.hdf5.verdict import Finding

if TYPE_CHECKING:
    from typing import TextIO

    from zarrchive.testing.hdf5.files import FileRecipe
    from zarrchive.testing.hdf5.mutations import Base
    from zarrchive.testing.hdf5.netcdf4 import NetCDFRecipe

__all__ = ["main"]

_MEMORY: Final = 4 * 2**30
"""Bytes of address space beyond what the process has when it begins."""
_DAMAGED_CHUNKS: Final = 48


def main(folder: Path) -> None:
    """Do jobs until there are no more."""
    faulthandler.enable(all_threads=False)
    warnings.simplefilter("ignore")
    hdf5plugin.register()  # instead of those that netCDF4 makes HDF5 find
    # Nothing else may write between the answers.
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        _limit_memory()
        child = _Child(folder, answers)
        child.say({"phase": "ready"})
        for line in sys.stdin:
            child.do(json.loads(line))


def _limit_memory() -> None:
    statm = Path("/proc/self/statm")
    if not statm.exists():  # only Linux has it
        return
    pages = int(statm.read_text().split()[0])
    limit = pages * resource.getpagesize() + _MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class _Child:
    """What is remembered between jobs: the file that is being damaged."""

    def __init__(self, folder: Path, answers: TextIO) -> None:
        self._current = folder / "current.h5"
        self._answers = answers
        self._base: Base | None = None

    def do(self, job: dict[str, Any]) -> None:
        """Do one job and answer."""
        name = job.pop("job")
        try:
            outcome: Outcome = getattr(self, f"_{name}")(**job)
        except Exception:  # noqa: BLE001 - a mistake here must not look like a crash of HDF5
            outcome = Outcome("failed", findings=[Finding("judge", "/", traceback.format_exc())])
        self.say(outcome.to_json())

    def say(self, message: dict[str, Any]) -> None:
        self._answers.write(json.dumps(message) + "\n")
        self._answers.flush()

    def _phase(self, name: str) -> None:
        self.say({"phase": name})

    def _examine(self, path: str, **options: Any) -> Outcome:
        """Examine any file."""
        return examine(Path(path), phase=self._phase, **options)

    def _drawn(self, seed: str) -> Outcome:
        """Draw a file, examine it, and damage it from now on."""
        return self._write(f"drawn {seed}", draw_file(Random(seed)))  # noqa: S311 - no secret

    def _atlas(self, name: str) -> Outcome:
        """Take a file of the atlas."""
        return self._write(name, ATLAS[name])

    def _file(self, path: str) -> Outcome:
        """Take a file that there is."""
        self._phase("write")
        shutil.copyfile(path, self._current)
        return self._begin(path)

    def _mutant(self, seed: str) -> Outcome:
        """Damage a copy of the file at hand and examine it."""
        if self._base is None:
            return Outcome("failed")
        self._phase("mutate")
        random = Random(seed)  # noqa: S311 - no secret
        mutant = mutate(self._base, random)
        self._current.write_bytes(mutant.data)
        self._note(self._base.name, *mutant.steps)
        return examine(
            self._current,
            is_damaged=True,
            is_remote=not random.randrange(3),
            most_chunks=_DAMAGED_CHUNKS,
            phase=self._phase,
        )

    def _write(self, name: str, recipe: FileRecipe | NetCDFRecipe) -> Outcome:
        self._phase("write")
        try:
            recipe.write(self._current)
        except Exception:  # noqa: BLE001 - HDF5 has limits that only writing shows
            self._base = None
            return Outcome("unwritten")
        return self._begin(name, repr(recipe))

    def _begin(self, name: str, *notes: str) -> Outcome:
        self._note(name, *notes)
        self._phase("look")
        self._base = base_of(self._current, name)
        return examine(self._current, phase=self._phase)

    def _note(self, *lines: str) -> None:
        self._current.with_suffix(".txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
