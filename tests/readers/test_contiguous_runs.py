"""Contiguous data are cut into runs of bytes that lie where a chunk of that shape begins."""

from __future__ import annotations

from math import prod

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.readers.contiguous_runs import run_shape

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
