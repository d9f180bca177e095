"""A plan to combine files: a value that can be shown, printed as a script, and carried out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from zarrchive.errors import Problem

__all__ = ["Agreeing", "Finding", "How", "Order", "Part", "Plan", "Remedy", "VariableRow"]

How: TypeAlias = Literal["auto", "concat", "merge", "single", "split"]
Order: TypeAlias = Literal["coordinate", "name"]


@dataclass(frozen=True, slots=True)
class Remedy:
    """Something that a person can do about a finding: one action, with its words."""

    label: str
    action: Mapping[str, Any]
    """The message of the action, as the interface would send it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A place where files do not fit together, and the ways out."""

    problem: Problem
    files: tuple[str, ...] = ()
    """The files that differ from the others."""
    remedies: tuple[Remedy, ...] = ()
    groups: tuple[Agreeing, ...] = ()
    """All files that were compared, in groups that agree, the largest first."""
    nbytes: int = 0
    """Decoded bytes of what differs, which a repair would copy."""
    may_be_repaired: bool = False
    """Whether `zarrchive.bridge.repairing` may mend it; whether it does, values decide."""
    lies_ready: bool = False
    """Whether a repair copies nothing: chunks of unlike length are joined as they lie."""


@dataclass(frozen=True, slots=True)
class Agreeing:
    """Files that agree among themselves."""

    value: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableRow:
    """One variable over all files."""

    path: str
    dims: tuple[str, ...]
    dtypes: tuple[str, ...]
    chunks: tuple[str, ...]
    present: int
    """Number of files that have it."""
    total: int
    problems: int = 0
    is_coordinate: bool = False
    """Whether it is a dimension coordinate: its values are always put in."""
    references: int = 0
    """That the result will have of it."""
    nbytes: int = 0
    """Of its decoded values in the result."""


@dataclass(frozen=True, slots=True)
class Part:
    """Files that are joined along the dimension of the plan, in this order."""

    files: tuple[str, ...]
    load: tuple[str, ...] = ()
    """Paths of all variables of these files whose values are put in, coordinates included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be done with the files.

    The files of each part are joined along `dim`; where there are several parts, these are
    merged, or become groups of a tree. One part of one file is that file.
    """

    kind: Literal["dataset", "datatree"]
    parts: tuple[Part, ...]
    dim: str = ""
    """Dimension along which files are joined; empty where every part is one file."""
    grid: tuple[tuple[str, int], ...] = ()
    """Several dimensions along which the files of the only part are joined, with the number of
    files along each; the last one varies fastest."""
    labels: tuple[str, ...] | None = None
    """Coordinate of a new dimension, one per file; None where `dim` exists in the files."""
    labels_are_times: bool = False
    """Whether `labels` are ISO 8601 times (UTC) rather than text."""
    labels_source: str = ""
    """Where `labels` come from, in words."""
    drop: tuple[str, ...] = ()
    """Paths of the variables that are left out."""
    load: tuple[str, ...] = ()
    """Paths of the variables whose values are put in, besides dimension coordinates."""
    coordinates: tuple[str, ...] = ()
    """Paths of the dimension coordinates: their values are always put in."""
    groups: tuple[tuple[str, ...], ...] = ()
    """The files in groups that fit together, as far as their order allows it."""
    split: bool = False
    """Whether the parts are groups of files that agree, which become groups of a tree."""
    repair: bool = False
    """Whether files are made to fit where no number changes by it."""
    dims: tuple[str, ...] = ()
    """Dimensions that files could be joined along, the most likely first."""
    variables: tuple[VariableRow, ...] = ()
    findings: tuple[Finding, ...] = ()
    sentence: str = ""

    @property
    def files(self) -> tuple[str, ...]:
        """Every file, part by part."""
        return tuple(url for part in self.parts for url in part.files)

    @property
    def how(self) -> Literal["single", "concat", "merge", "split"]:
        """What is done last."""
        if self.split:
            return "split"
        if len(self.parts) > 1:
            return "merge"
        return "concat" if len(self.files) > 1 else "single"

    @property
    def can_repair(self) -> bool:
        """Whether there is something that files could be made to fit: they are joined."""
        return bool(self.dim) and not self.is_new_dim

    @property
    def along(self) -> tuple[str, ...]:
        """All dimensions along which files are joined."""
        return tuple(dim for dim, _ in self.grid) or ((self.dim,) if self.dim else ())

    @property
    def can_split(self) -> bool:
        """Whether files that do not fit could go into groups of a tree."""
        return self.can_repair and len(self.parts) == 1 and not self.grid

    @property
    def is_new_dim(self) -> bool:
        """Whether no file has the dimension yet."""
        return self.labels is not None

    @property
    def references(self) -> int:
        """Number of references that the result will have; repairs may copy some of the values."""
        return sum(row.references for row in self.variables)

    @property
    def nbytes(self) -> int:
        """Bytes of all decoded values of the result."""
        return sum(row.nbytes for row in self.variables)

    def to_pandas(self) -> pd.DataFrame:
        """Return what the result will have: a row for each variable that is taken."""
        import pandas as pd  # noqa: PLC0415 - only for this

        rows = [row for row in self.variables if row.path not in self.drop]
        return pd.DataFrame(
            {
                "dimensions": [", ".join(row.dims) for row in rows],
                "type": [", ".join(row.dtypes) for row in rows],
                "chunks": [", ".join(row.chunks) for row in rows],
                "files": [row.present for row in rows],
                "values": [
                    "loaded" if row.is_coordinate or row.path in self.load else "virtual"
                    for row in rows
                ],
                "references": [row.references for row in rows],
                "bytes": [row.nbytes for row in rows],
            },
            index=pd.Index([row.path for row in rows], name="variable"),
        )

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What keeps the plan from being carried out."""
        return tuple(f.problem for f in self.findings if f.problem.severity == "error")
