"""HDF5Reader does what every reader must do."""

from __future__ import annotations

import io

import h5py
import numpy as np
import pytest

from zarrchive.readers.hdf5 import HDF5Reader
from zarrchive.readers.protocol import Match
from zarrchive.testing.conformance import ReaderConformance


class TestHDF5Reader(ReaderConformance):
    @pytest.fixture
    def reader(self):
        return HDF5Reader()

    @pytest.fixture(params=["earliest", "latest"])
    def sample(self, request):
        values = {
            "/contiguous": np.arange(3000.0).reshape(3, 1000),
            "/group/chunked": np.arange(700, dtype=">i2").reshape(7, 100),
            "/group/inner/scalar": np.float32(2.5),
        }
        buffer = io.BytesIO()
        with h5py.File(buffer, "w", libver=request.param) as file:
            file["contiguous"] = values["/contiguous"]
            file.create_dataset(
                "group/chunked",
                data=values["/group/chunked"],
                chunks=(4, 64),
                compression="gzip",
                shuffle=True,
                fletcher32=True,
            )
            file["group/inner/scalar"] = values["/group/inner/scalar"]
        return buffer.getvalue(), values


@pytest.mark.parametrize("size", [512, 1024, 2048])
def test_finds_the_signature_behind_a_user_block(tmp_path, size) -> None:
    path = tmp_path / "file"
    h5py.File(path, "w", userblock_size=size).close()
    assert HDF5Reader().match(path.read_bytes()[:4096], "") is Match.YES
