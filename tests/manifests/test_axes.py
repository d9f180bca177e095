"""Transposing and reversing by references, against NumPy; and stacking what was transposed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.errors import ManifestError
from zarrchive.manifests._zarr import codec_documents
from zarrchive.manifests.axes import reverse, transpose
from zarrchive.manifests.concat import concatenate, stack
from zarrchive.manifests.values import values_of
from zarrchive.testing.strategies import stored, stored_arrays

if TYPE_CHECKING:
    from zarrchive.manifests import ManifestArray

ZLIB = [{"name": "numcodecs.zlib", "configuration": {"level": 1}}]


@given(st.data(), stored_arrays())
def test_transposes_as_numpy_does(data: st.DataObject, case) -> None:
    axes = data.draw(st.permutations(range(case.array.ndim)))
    result = case.array.transpose(*axes)
    np.testing.assert_array_equal(values_of(result), case.truth.transpose(axes))
    np.testing.assert_array_equal(values_of(np.transpose(case.array, axes)), values_of(result))
    back = transpose(result, np.argsort(axes).tolist() if axes else None)
    assert codec_documents(back.metadata) == codec_documents(case.array.metadata)
    assert back.manifest == case.array.manifest


def _check_ragged(error: ManifestError, array: ManifestArray, axis: int) -> None:
    assert error.problem.code == "reverse-ragged"
    assert array.shape[axis] % array.chunk_shape[axis]


@given(st.data(), stored_arrays())
def test_operations_on_axes_follow_one_another(data: st.DataObject, case) -> None:
    """Any chain of them is what NumPy makes of it, or refused because of ragged chunks."""
    array, truth = case
    for _ in range(data.draw(st.integers(1, 4))):
        axis = data.draw(st.integers(0, max(array.ndim - 1, 0)))
        change = data.draw(st.sampled_from(["transpose", "reverse", "new", "gone"]))
        if change == "transpose":
            axes = data.draw(st.permutations(range(array.ndim)))
            array, truth = array.transpose(axes), truth.transpose(axes)
        elif change == "new":
            array, truth = np.expand_dims(array, axis), np.expand_dims(truth, axis)
        elif change == "gone" and 1 in array.shape:
            axis = array.shape.index(1)
            if array.chunk_shape[axis] == 1:
                array, truth = np.squeeze(array, axis=axis), np.squeeze(truth, axis=axis)
        elif change == "reverse" and array.ndim:
            try:
                array, truth = reverse(array, axis), np.flip(truth, axis)
            except ManifestError as error:
                _check_ragged(error, array, axis)
    assert array.shape == truth.shape
    np.testing.assert_array_equal(values_of(array), truth)


@given(st.data())
def test_what_was_transposed_stacks_and_joins(data: st.DataObject) -> None:
    codecs = data.draw(st.sampled_from([[], ZLIB]))
    parts = [
        data.draw(stored_arrays(shape=(4, 6), chunk_shape=(2, 3), dtype="<i4", codecs=codecs))
        for _ in range(2)
    ]
    axis = data.draw(st.integers(0, 2))
    turned = [part.array.T for part in parts]
    truths = [part.truth.T for part in parts]
    np.testing.assert_array_equal(values_of(stack(turned, axis=axis)), np.stack(truths, axis))
    joined = concatenate(turned, axis=axis % 2)
    np.testing.assert_array_equal(values_of(joined), np.concatenate(truths, axis % 2))


@given(st.data())
def test_chunks_that_run_backwards_never_join_others_as_if_they_did_not(data) -> None:
    """Neither reversal nor compression may be taken for the other, whatever chunks look like."""
    parts, truths = [], []
    for _ in range(data.draw(st.integers(2, 3))):
        codecs = data.draw(st.sampled_from([[], ZLIB]))
        shape = {"shape": (4, 3), "chunk_shape": (2, 3), "dtype": "<i4"}
        array, truth = data.draw(stored_arrays(**shape, codecs=codecs))
        for axis in data.draw(st.sets(st.integers(0, 1))):
            array, truth = reverse(array, axis), np.flip(truth, axis)
        parts.append(array)
        truths.append(truth)
    try:
        joined = concatenate(parts, axis=0)
    except ManifestError:
        assert len({str(codec_documents(part.metadata)) for part in parts}) > 1
        return
    np.testing.assert_array_equal(values_of(joined), np.concatenate(truths))


def test_a_flipped_axis_in_whole_chunks_refers_to_the_same_bytes() -> None:
    case = stored(np.arange(24.0).reshape(4, 6), (2, 3), codecs=ZLIB)
    flipped = case.array[::-1, ::-1]
    np.testing.assert_array_equal(values_of(flipped), case.truth[::-1, ::-1])
    assert flipped.manifest.nrefs == case.array.manifest.nrefs
    again = flipped[::-1, ::-1]
    assert codec_documents(again.metadata) == codec_documents(case.array.metadata)
    assert again.manifest == case.array.manifest


def test_ragged_chunks_are_not_reversed() -> None:
    case = stored(np.arange(5.0), (2,), codecs=ZLIB)
    with pytest.raises(ManifestError, match="reverse-ragged") as caught:
        case.array[::-1]
    assert "ds.virtual.open()" in caught.value.problem.hint
