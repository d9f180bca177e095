"""Whether an output may be written to a place."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from zarrchive.errors import LocationError, Problem
from zarrchive.location.redact import redact
from zarrchive.location.url import is_local, normalise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from zarrchive.manifests import ChunkManifest

__all__ = ["problems_of_target", "shown", "source_paths"]


def shown(path: str) -> str:
    """Return the destination as it may appear in messages and reports."""
    try:
        return redact(normalise(path))
    except LocationError:
        return redact(path)


def source_paths(manifests: Iterable[ChunkManifest]) -> set[str]:
    """Return the local files that the manifests refer to."""
    urls = {file.url for manifest in manifests for file in manifest.files}
    return {os.path.realpath(url) for url in urls if is_local(url)}


def problems_of_target(
    path: str,
    *,
    sources: set[str],
    is_folder: bool,
    may_replace: Callable[[Path], bool] | None = None,
) -> list[Problem]:
    """List what speaks against writing an output to the local path `path`.

    Parameters
    ----------
    sources
        Files that the references point to; none of them is ever replaced.
    is_folder
        Whether the output is a folder of files.
    may_replace
        Says of what is there, and is of the right kind, whether it was written by Zarrchive and
        holds nothing else; by default whether it is a set of kerchunk references.
    """
    target = Path(normalise(path))

    def problem(code: str, what: str, hint: str) -> list[Problem]:
        return [Problem(code=code, where=str(target), what=what, hint=hint)]

    if not target.parent.is_dir():
        return problem(
            "target-folder-missing",
            f"the folder {target.parent} does not exist",
            "create the folder, or write somewhere else",
        )
    if not os.access(target.parent, os.W_OK):
        return problem(
            "target-not-writable",
            f"new files cannot be created in {target.parent}",
            "write somewhere else, or have the folder's permissions changed",
        )
    if os.path.realpath(target) in sources:
        return problem(
            "target-is-source",
            "the references point into this very file",
            "choose another name for the output",
        )
    if not target.exists():
        return []
    kind = "a folder" if target.is_dir() else "a file" if target.is_file() else "a device or pipe"
    wanted = "a folder" if is_folder else "a file"
    if kind != wanted:
        return problem(
            "target-kind",
            f"there is {kind} at this path, and the output is {wanted}",
            "choose another name for the output",
        )
    if may_replace is None:
        may_replace = _may_replace_folder if is_folder else _may_replace_file
    if not may_replace(target):
        return problem(
            "target-not-references",
            f"there is {kind} at this path that is more than an export; it is not replaced",
            "choose another name for the output, or move what is there away",
        )
    return []


def _may_replace_file(target: Path) -> bool:
    """Tell whether the file is empty or looks like JSON."""
    with target.open("rb") as file:
        head = file.read(64).lstrip()
    return not head or head.startswith(b"{")


def _may_replace_folder(target: Path) -> bool:
    """Tell whether the folder is empty or a parquet reference set."""
    metadata = target / ".zmetadata"
    if not metadata.is_file():
        return not any(target.iterdir())
    with metadata.open("rb") as file:
        return b'"record_size"' in file.read()
