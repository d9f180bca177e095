"""One file, read by the reader and judged: everything that can go wrong, as a value."""

from __future__ import annotations

import resource
import time
from collections import Counter
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final, Self

import h5py

from zarrchive.errors import ZarrchiveError
from zarrchive.location import open_source
from zarrchive.readers.hdf5 import HDF5Reader
from zarrchive.testing.hdf5.judge import judge
from zarrchive.testing.hdf5.verdict import Finding
from zarrchive.testing.sources import MemorySource

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from zarrchive.location.source import Source
    from zarrchive.manifests import ManifestGroup

__all__ = ["Outcome", "examine"]

_MOST_MEMORY: Final = 256 * 2**20
"""Bytes by which reading a small file may let the process grow."""


@dataclass(slots=True)
class Outcome:
    """What happened to one file; goes through JSON."""

    status: str = "compared"
    """``compared``, ``refused`` as a whole, or ``overcautious``: refused, but h5py opens it."""
    counts: Counter[str] = field(default_factory=Counter)
    """Of variables, as in `Verdict`."""
    findings: list[Finding] = field(default_factory=list)
    """Those of the judge; and ``exception``, ``memory`` of the reader."""
    codes: Counter[str] = field(default_factory=Counter)
    """Of the Problems."""
    seconds: float = 0.0
    """That the reader took."""

    @property
    def silent(self) -> list[Finding]:
        """Findings that nobody would notice, and those that must not happen at all."""
        return [one for one in self.findings if one.kind != "accepted"]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Undo `to_json`."""
        findings = [Finding(*one) for one in values["findings"]]
        counters = {name: Counter(values[name]) for name in ("counts", "codes")}
        return cls(values["status"], findings=findings, seconds=values["seconds"], **counters)


def examine(
    path: Path,
    *,
    is_damaged: bool = False,
    is_remote: bool = False,
    most_chunks: int = 40,
    phase: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Read a file and compare the result with what h5py reads.

    Parameters
    ----------
    path
        A local file.
    is_damaged
        See `judge`.
    is_remote
        Whether the reader is not to know that the file is local.
    most_chunks
        See `judge`.
    phase
        Called with ``reader`` and ``judge`` before each begins.
    """
    outcome = Outcome()
    phase("reader")
    group = _read(path, outcome, is_remote=is_remote)
    phase("judge")
    if group is None:
        if outcome.status == "refused" and _opens(path):
            outcome.status = "overcautious"
        return outcome
    outcome.codes = Counter(problem.code for problem in group.all_problems())
    verdict = judge(path, group, is_damaged=is_damaged, most_chunks=most_chunks)
    outcome.counts = verdict.counts
    outcome.findings += verdict.findings
    return outcome


def _read(path: Path, outcome: Outcome, *, is_remote: bool) -> ManifestGroup | None:
    """Read with the reader itself, so that nothing hides what it raises."""
    memory, start = _memory(), time.perf_counter()
    group = None
    try:
        with _source(path, is_remote=is_remote) as source:
            group = HDF5Reader().read(source)
    except ZarrchiveError as error:
        outcome.status = "refused"
        outcome.codes.update(problem.code for problem in error.problems)
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        outcome.status = "exception"
        outcome.findings.append(Finding("exception", "/", f"{type(error).__name__}: {error}"))
    outcome.seconds = time.perf_counter() - start
    grown = _memory() - memory
    if grown > _MOST_MEMORY:
        outcome.findings.append(Finding("memory", "/", f"the process grew by {grown >> 20} MiB"))
    return group


def _source(path: Path, *, is_remote: bool) -> Source:
    return MemorySource(path.read_bytes(), str(path)) if is_remote else open_source(path)


def _memory() -> int:
    """Return the greatest memory of the process so far, in bytes."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _opens(path: Path) -> bool:
    try:
        h5py.File(path, "r").close()
    except Exception:  # noqa: BLE001 - h5py raises what it likes on damaged files
        return False
    return True
