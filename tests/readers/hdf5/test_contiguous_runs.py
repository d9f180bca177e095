"""Contiguous data are cut into runs of bytes that lie where a chunk of that shape begins."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.manifests.values import values_of
from zarrchive.readers.hdf5 import HDF5Reader
from zarrchive.readers.hdf5.contiguous_runs import run_shape

SHAPES = st.lists(st.integers(1, 40), min_size=1, max_size=4).map(tuple)


@given(shape=SHAPES, itemsize=st.sampled_from([1, 2, 8]), most=st.integers(1, 5000))
def test_chunks_are_runs_that_divide_the_shape(shape, itemsize, most) -> None:
    chunk = run_shape(shape, itemsize, most=most)
    assert all(size % part == 0 for size, part in zip(shape, chunk, strict=True))
    elements = np.arange(prod(shape)).reshape(shape)
    # The first chunk is one run in C order, and so are all others, which have its shape.
    first = elements[tuple(slice(part) for part in chunk)].reshape(-1)
    assert (first == np.arange(first.size)).all()
    whole = prod(shape) * itemsize
    if chunk != shape:
        assert whole > most
        is_cut = any(1 < part < size for part, size in zip(chunk, shape, strict=True))
        assert not is_cut or prod(chunk) * itemsize <= most


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
