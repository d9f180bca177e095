"""Everything that the interface shows, as one immutable value."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from zarrchive.combine.plan import How, Order

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zarrchive.combine.plan import Plan, VariableRow
    from zarrchive.errors import Problem
    from zarrchive.location.listing import FolderEntry

__all__ = [
    "Collection",
    "Combine",
    "Export",
    "ExportFormat",
    "How",
    "Listing",
    "Location",
    "Look",
    "Order",
    "Result",
    "Scan",
    "SessionState",
    "Sniff",
    "SortKey",
    "Step",
    "Task",
    "Written",
]

Step: TypeAlias = Literal["files", "look", "combine", "export"]
SortKey: TypeAlias = Literal["name", "size", "modified", "format"]
FormatId: TypeAlias = Literal["kerchunk-json", "kerchunk-parquet", "icechunk"]


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Sniff:
    """What the first bytes of a file say."""

    format: str | None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """The place whose contents are listed."""

    url: str = ""
    recent: tuple[str, ...] = ()
    """Places that were listed before, newest first."""
    status: Literal["idle", "loading", "ready", "failed"] = "idle"
    problem: Problem | None = None
    key: int = 0
    """Grows with every request, so that an answer that comes too late is recognised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The entries of the location, and which of them are shown in what order."""

    version: int = 0
    entries: tuple[FolderEntry, ...] = ()
    by_name: tuple[int, ...] = ()
    """Indices of all `entries`, folders first, in order of their names."""
    shown: tuple[int, ...] = ()
    """Indices into `entries` of those that pass the filter, in the chosen order."""
    filter: str = ""
    sort: SortKey = "name"
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What came of reading the structure of one file of the collection."""

    status: Literal["scanning", "ok", "failed"]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """The ticked files, in the order in which they were ticked."""

    version: int = 0
    entries: Mapping[str, FolderEntry] = field(default_factory=_nothing)
    scans: Mapping[str, Scan] = field(default_factory=_nothing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The file under the cursor."""

    file: str | None = None
    node: str | None = None
    version: int = 0
    status: Literal["idle", "loading", "ready", "failed"] = "idle"
    problem: Problem | None = None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The combined dataset, as it is shown; the dataset itself is kept by the session."""

    kind: Literal["dataset", "datatree"]
    html: str
    text: str
    nrefs: int
    nvariables: int
    dims: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Combine:
    """How the files of the collection become one dataset."""

    key: int = 0
    """Grows whenever something that the plan depends on changes."""
    version: int = 0
    """Grows whenever the table of variables may have changed."""
    status: Literal["idle", "scanning", "ready", "running", "done", "failed"] = "idle"
    how: How = "auto"
    dim: str = ""
    order: Order = "coordinate"
    repair: bool = False
    """Whether files are made to fit where no number changes by it."""
    unpicked: frozenset[str] = frozenset()
    """Absolute paths of the variables that are left out."""
    loaded: frozenset[str] = frozenset()
    """Absolute paths of the variables whose values are put into the export."""
    plan: Plan | None = None
    variables: tuple[VariableRow, ...] = ()
    """The variables of all files, kept while a new plan is made."""
    result: Result | None = None
    problems: tuple[Problem, ...] = ()
    """What stood in the way of carrying the plan out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFormat:
    """One format, judged for the combined dataset."""

    id: FormatId
    label: str
    says: str
    problems: tuple[Problem, ...] = ()
    size: int = 0
    """Predicted size in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An export that succeeded."""

    path: str
    size: int
    nrefs: int
    ninlined: int
    seconds: float
    how_to_open: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """Where the dataset is written to."""

    format: FormatId = "kerchunk-json"
    zarr_format: Literal[2, 3] = 2
    path: str = ""
    formats: tuple[ExportFormat, ...] = ()
    status: Literal["idle", "running", "done", "failed"] = "idle"
    report: Written | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Work in the background."""

    id: str
    label: str
    done: int = 0
    total: int | None = None
    status: Literal["running", "cancelled", "done", "failed"] = "running"
    eta: float | None = None
    """Seconds until it is done, estimated from its pace so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """Everything that the interface shows; the same state always draws the same page."""

    step: Step = "files"
    location: Location = field(default_factory=Location)
    listing: Listing = field(default_factory=Listing)
    sniffed: Mapping[str, Sniff] = field(default_factory=_nothing)
    """Formats by URL, of the files that have been looked at."""
    collection: Collection = field(default_factory=Collection)
    look: Look = field(default_factory=Look)
    combine: Combine = field(default_factory=Combine)
    export: Export = field(default_factory=Export)
    tasks: tuple[Task, ...] = ()
    messages: tuple[Problem, ...] = ()
    """Problems that belong to no file: actions that could not be understood, failed tasks."""
