"""Shorter chunks shown within longer ones: NumPy is the judge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.errors import ManifestError
from zarrchive.manifests._zarr import HAS_RECTILINEAR
from zarrchive.manifests.concat import concatenate
from zarrchive.manifests.padding import is_padded, padded_alike
from zarrchive.manifests.rectilinear import obstacle_to_lengths
from zarrchive.manifests.values import values_of
from zarrchive.testing.strategies import stored

ZLIB = {"name": "numcodecs.zlib", "configuration": {"level": 1}}
MISSING = -9


@given(st.data())
def test_arrays_with_fewer_places_are_padded(data) -> None:
    """Along the second and third axis; joined along the first."""
    whole = (data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4)))
    arrays, indexers, truths, parts = [], [], [], set()
    for number in range(data.draw(st.integers(1, 4))):
        indexer, start, shape = {}, [], []
        for axis, n in enumerate(whole):
            size = data.draw(st.integers(1, n))
            first = data.draw(st.integers(0, n - size))
            places = np.full(n, -1)
            places[first : first + size] = np.arange(size)
            start.append(first)
            shape.append(size)
            if size < n or data.draw(st.booleans()):
                indexer[1 + axis] = places
        values = (number * 100 + np.arange(2 * np.prod(shape))).reshape(2, *shape).astype("<i2")
        states = data.draw(st.sampled_from(["ff", "fi"]))
        part = stored(values, (1, *shape), states=states, codecs=[ZLIB])
        arrays.append(part.array)
        indexers.append(indexer)
        if tuple(shape) != whole:
            parts.add((tuple(shape), tuple(start)))
        widths = [(a, n - a - s) for a, n, s in zip(start, whole, shape, strict=True)]
        truths.append(np.pad(part.truth, [(0, 0), *widths], constant_values=MISSING))
    found = padded_alike(arrays, indexers, MISSING)
    can_be_told_apart = len({int(np.prod(shape)) for shape, _ in parts}) == len(parts)
    assert (found is not None) == can_be_told_apart
    if found is None:
        return
    for array, truth in zip(found, truths, strict=True):
        np.testing.assert_array_equal(values_of(array), truth)
    joined = concatenate(found, axis=0)
    np.testing.assert_array_equal(values_of(joined), np.concatenate(truths))
    assert is_padded(joined) == bool(parts)


def array(*shape: int, chunks: tuple[int, ...] | None = None, states: str = "f"):
    values = np.arange(np.prod(shape)).reshape(shape).astype("<i2")
    return stored(values, chunks or shape, states=states, codecs=[ZLIB]).array


def places(*numbers: int) -> dict[int, np.ndarray]:
    return {0: np.array(numbers)}


@pytest.mark.parametrize(
    ("arrays", "indexers"),
    [
        ([array(3)], [places(2, 1, 0, -1)]),
        ([array(3)], [places(0, 1, -1)]),
        ([array(3)], [places(0, -1, 1, 2)]),
        ([array(4, chunks=(2,))], [places(0, 1, 2, 3, -1)]),
        ([array(3), array(3)], [places(0, 1, 2, -1), places(-1, 0, 1, 2)]),
        ([array(3), array(4)], [places(0, 1, 2, -1), places(0, 1, 2, 3, -1)]),
        ([array(0, chunks=(1,))], [places(-1, -1)]),
    ],
)
def test_what_is_no_block_or_cannot_be_told_apart_is_left(arrays, indexers) -> None:
    assert padded_alike(arrays, indexers, MISSING) is None


@pytest.mark.skipif(not HAS_RECTILINEAR, reason="for zarr 3.2 and newer")
def test_padded_chunks_do_not_end_within_others() -> None:
    (found,) = padded_alike([array(3, 2, chunks=(2, 2))], [{1: np.array([0, 1, -1])}], MISSING)
    assert "padded" in obstacle_to_lengths(found, 0)


def test_chunks_that_are_not_stored_read_as_one_value() -> None:
    empty = array(3, states="m")
    with pytest.raises(ManifestError, match="not stored"):
        padded_alike([empty], [places(0, 1, 2, -1)], MISSING)
