"""What a writer is: something that stores a hierarchy of references in one output format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from zarrchive.errors import Problem
    from zarrchive.manifests import ManifestGroup

__all__ = ["OnProblem", "Progress", "WriteReport", "Writer", "ZarrFormat"]

ZarrFormat: TypeAlias = Literal[2, 3]
OnProblem: TypeAlias = Literal["raise", "skip"]
Progress: TypeAlias = "Callable[[int, int], None]"
"""Called with (references written, references in all); an exception from it cancels the
write, which leaves what was there before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteReport:
    """What was written."""

    path: str
    """Where it lies: an absolute path, or a URL without credentials."""
    format: str
    """Name of the writer."""
    size: int
    """Bytes of all files of the output; 0 of a session that is not committed yet."""
    nrefs: int
    """Chunks that point into a source file."""
    ninlined: int
    """Chunks that the output itself holds."""
    narrays: int
    problems: tuple[Problem, ...]
    """Variables that were left out (severity ``error``), and what else is worth knowing."""
    seconds: float


@runtime_checkable
class Writer(Protocol):
    """A plug-in of the entry-point group ``zarrchive.writers``."""

    @property
    def name(self) -> str:
        """Short name, as in ``zarrchive.writers`` and in `WriteReport.format`."""

    @property
    def label(self) -> str:
        """What people call the format, for display."""

    @property
    def formats(self) -> tuple[ZarrFormat, ...]:
        """The Zarr formats whose metadata it can write; the first is the default."""

    def problems_of(
        self,
        group: ManifestGroup,
        *,
        path: str | None = None,
        zarr_format: ZarrFormat = 2,
    ) -> list[Problem]:
        """List what the format cannot say and what speaks against the destination `path`.

        Nothing is written. A `write` with the same arguments raises exactly the errors of
        this list.
        """

    def predicted_size(self, group: ManifestGroup, *, zarr_format: ZarrFormat = 2) -> int:
        """Estimate the bytes of the output; costs nothing per chunk."""

    def write(  # noqa: PLR0913 - the choices of an export
        self,
        group: ManifestGroup,
        path: str,
        *,
        zarr_format: ZarrFormat = 2,
        on_problem: OnProblem = "raise",
        storage_options: Mapping[str, Any] | None = None,
        progress: Progress | None = None,
    ) -> WriteReport:
        """Write `group` and everything below it, replacing what is at `path` atomically.

        Parameters
        ----------
        path
            Local path, or a URL where the format allows it.
        on_problem
            ``skip`` leaves out the variables that cannot be written, and lists them in
            `WriteReport.problems`.
        storage_options
            For the file system of `path`.

        Raises
        ------
        WriteError
            Carries every problem that `problems_of` lists as an error. Nothing was written.
        """
