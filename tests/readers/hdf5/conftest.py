"""Write an HDF5 file with h5py's words, and read it as a group."""

from __future__ import annotations

from contextlib import contextmanager

import h5py
import pytest

from zarrchive.readers.open import read_group
from zarrchive.testing.hdf5_files import differences_from_h5py


class Sample:
    """One HDF5 file of a test."""

    def __init__(self, path) -> None:
        self.path = path

    @contextmanager
    def writing(self, **options):
        with h5py.File(self.path, "w", **options) as file:
            yield file

    def read(self, **options):
        return read_group(self.path, **options)

    def checked(self, **options):
        """Read the file after comparing everything in it with h5py."""
        group = self.read(**options)
        assert differences_from_h5py(self.path, group) == []
        return group


@pytest.fixture
def sample(tmp_path) -> Sample:
    return Sample(tmp_path / "file.h5")
