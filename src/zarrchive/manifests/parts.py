"""Manifests of one file each that follow one another: their table of files and their columns."""

from __future__ import annotations

from operator import is_
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from zarrchive.location.identity import SourceFile
from zarrchive.manifests.canonical import FIRST_PATH

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from zarrchive.manifests.chunk_manifest import ChunkManifest

__all__ = ["FileTable", "columns_of", "table_of"]


class FileTable(NamedTuple):
    """The files in which parts lie."""

    files: tuple[SourceFile, ...]
    """Sorted, each once."""
    path_ids: npt.NDArray[np.uint32]
    """Of each part, the number of its file."""


_last: tuple[list[SourceFile], FileTable] = ([], FileTable((), np.zeros(0, np.uint32)))


def table_of(parts: Sequence[ChunkManifest]) -> FileTable:
    """Return the files of parts of one file each.

    The variables of a series lie in the same files: the last table is kept for the next of them.
    """
    global _last  # noqa: PLW0603 - replaced as a whole, so that threads cannot see half of it
    found = [part.files[0] for part in parts]
    known, table = _last
    if len(known) != len(found) or not all(map(is_, known, found)):
        files = tuple(sorted(set(found), key=SourceFile.sort_key))
        row = {file: FIRST_PATH + i for i, file in enumerate(files)}
        table = FileTable(files, np.array([row[file] for file in found], dtype=np.uint32))
        _last = found, table
    return table


def columns_of(
    parts: Sequence[ChunkManifest],
    path_ids: npt.NDArray[np.uint32],
    grid_shape: tuple[int, ...],
) -> dict[str, npt.NDArray[Any]]:
    """Return the columns of parts that follow one another in C order of a grid; read-only.

    Parameters
    ----------
    parts
        At least one; one file holds all chunks of each.
    path_ids
        Of each part, the number of its file.
    grid_shape
        Number of chunks along each dimension.
    """
    offsets = [part.offset for part in parts]
    columns: dict[str, npt.NDArray[Any]] = {
        "path_id": np.repeat(path_ids, [offset.size for offset in offsets]),
        "offset": _flat(offsets),
        "length": _flat([part.length for part in parts]),
    }
    for column in columns.values():
        column.flags.writeable = False
    return {name: column.reshape(grid_shape) for name, column in columns.items()}


def _flat(columns: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Return the elements of all columns, in C order of each."""
    try:
        return np.concatenate(columns).reshape(-1)
    except ValueError:  # beside the first axis, grids differ
        return np.concatenate([column.reshape(-1) for column in columns])
