"""Uncompressed chunks are cut by their byte ranges, judged by the values that are read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from zarrchive.errors import ManifestError
from zarrchive.manifests.concat import concatenate
from zarrchive.manifests.splitting import can_be_split, split_chunks
from zarrchive.manifests.values import values_of
from zarrchive.testing.strategies import stored_arrays


@given(stored_arrays(), st.data())
def test_the_values_stay_whatever_the_cut(stored, data) -> None:
    array = stored.array
    assume(array.ndim)
    axis = data.draw(st.integers(0, array.ndim - 1))
    length = data.draw(st.integers(1, array.chunk_shape[axis]))
    allowed = can_be_split(array, axis) and array.chunk_shape[axis] % length == 0
    if not allowed and length != array.chunk_shape[axis]:
        with pytest.raises(ManifestError, match="cannot be cut"):
            split_chunks(array, axis, length)
        return
    cut = split_chunks(array, axis, length)
    assert cut.chunk_shape[axis] == length
    assert cut.shape == array.shape
    np.testing.assert_array_equal(values_of(cut), stored.truth)


@given(st.data())
def test_uncompressed_arrays_join_whatever_their_chunks(data) -> None:
    """Months of unlike lengths, each in one chunk: what everybody has."""
    beside = data.draw(st.sampled_from([(), (3,)]))
    parts = []
    for _ in range(data.draw(st.integers(2, 4))):
        length = data.draw(st.integers(1, 6))
        chunk = data.draw(st.integers(1, 6))
        parts.append(
            data.draw(
                stored_arrays(
                    shape=(length, *beside), chunk_shape=(chunk, *beside), dtype="<i4", codecs=[]
                )
            )
        )
    joined = concatenate([part.array for part in parts], axis=0)
    np.testing.assert_array_equal(values_of(joined), np.concatenate([p.truth for p in parts]))
