"""What the comparison of a reader with h5py found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["Finding", "Verdict"]


class Finding(NamedTuple):
    """One thing that differs without a Problem that says so."""

    kind: str
    """``missing``, ``invented``, ``values``, ``shape``, ``dtype``, ``chunks``, ``attribute``,
    ``order``, ``unreadable`` (by zarr), or ``accepted`` (what h5py refuses)."""
    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind} {self.path}: {self.text}"


@dataclass(slots=True)
class Verdict:
    """Counts of variables, and all findings."""

    counts: Counter[str] = field(default_factory=Counter)
    """Of variables, each under its first name: ``equal``; left out with a ``problem``, which is
    ``cautious`` where the file is damaged but h5py reads it all the same; ``neither``, where
    both h5py and zarr fail to read; ``unjudged``, because h5py reads nothing; ``loud``, an error
    of zarr on reading; ``warned`` of other values; ``dimension`` without values; or the kind of
    a finding."""
    findings: list[Finding] = field(default_factory=list)

    @property
    def n_variables(self) -> int:
        """Number of variables that were compared."""
        return self.counts.total()

    @property
    def silent(self) -> list[Finding]:
        """Findings where other values, or none, are shown without a word."""
        return [one for one in self.findings if one.kind != "accepted"]

    def add(self, kind: str, path: str, text: str) -> None:
        """Note a finding."""
        self.findings.append(Finding(kind, path, text))
