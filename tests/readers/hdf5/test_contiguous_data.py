"""Contiguous datasets are referred to in parts of some megabytes."""

from __future__ import annotations

import numpy as np
import pytest

from zarrchive.manifests.values import values_of
from zarrchive.readers.hdf5 import HDF5Reader


@pytest.mark.parametrize("most", [None, 800, 4000, 10**9])
@pytest.mark.parametrize("user_block", [0, 512])
def test_values_of_each_part(sample, most, user_block) -> None:
    values = np.arange(6 * 10 * 20, dtype="f8").reshape(6, 10, 20)
    with sample.writing(userblock_size=user_block) as file:
        file["x"] = values
    array = sample.checked(reader=HDF5Reader(contiguous_chunk_nbytes=most)).arrays["x"]
    assert (values_of(array) == values).all()
    expected = {None: (6, 10, 20), 800: (1, 5, 20), 4000: (2, 10, 20), 10**9: (6, 10, 20)}
    assert array.chunk_shape == expected[most]


def test_large_data_are_cut_unasked(sample) -> None:
    with sample.writing() as file:
        file["x"] = np.zeros((9, 2**20), dtype="i2")
        file["prime"] = np.zeros(8_388_617, dtype="i2")  # no chunks of one length fit
    group = sample.read()
    assert group.arrays["x"].chunk_shape == (3, 2**20)
    assert group.arrays["prime"].chunk_shape == (8_388_617,)
