"""What comes of reading a damaged file, to compare two ways of reading it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn
from unittest import mock

from zarrchive.errors import FormatError, Problem, ZarrchiveError
from zarrchive.readers.hdf5 import opened
from zarrchive.readers.open import read_group

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from zarrchive.location.source import Source
    from zarrchive.manifests import ManifestGroup

__all__ = ["outcome", "without_h5py"]


def outcome(path: Path) -> ManifestGroup | tuple[type[ZarrchiveError], tuple[str, ...]]:
    """Return what a file holds, or the error and its problems."""
    try:
        return read_group(path, inline=None)
    except ZarrchiveError as error:
        return type(error), tuple(map(str, error.problems))


@contextmanager
def without_h5py() -> Iterator[None]:
    """Leave nothing to h5py: the HDF5 library itself crashes on some damaged files."""
    with mock.patch.object(opened, "_open_h5py", _refuse):
        yield


def _refuse(source: Source) -> NoReturn:
    raise FormatError(Problem(code="no-h5py", where=source.file.url, what="none", hint="none"))
